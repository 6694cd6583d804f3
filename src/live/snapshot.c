#include "base/id.h"
#include "live/database.h"

#include <stdlib.h>
#include <string.h>

struct mrq_live_snapshot {
    mrq_live_database *database;
    mrq_dict *erased; /* mrq_live_erased_id() */
};

static int take_erased(void *context, const mrq_change *change, uint64_t seq)
{
    const mrq_live_snapshot *s = context;
    (void)seq;
    return change->what == MRQ_ERASE_USER && mrq_dict_add(s->erased, change->user, strlen(change->user)) == MRQ_NONE ? -1 : 0;
}

mrq_status mrq_live_snapshot_open(const char *path, mrq_live_snapshot **out, mrq_error *err)
{
    MRQ_CLEANUP(mrq_live_snapshot_close) mrq_live_snapshot *s = calloc(1, sizeof *s);
    if (!s || !(s->erased = mrq_dict_new()))
        return mrq_fail_memory(err, "reading the live database");
    MRQ_TRY(mrq_live_database_open_snapshot(path, &s->database, err));
    MRQ_TRY(mrq_live_database_read(s->database, mrq_live_database_last(s->database), take_erased, s, err));
    *out = s;
    s = NULL;
    return MRQ_OK;
}

void mrq_live_snapshot_close(mrq_live_snapshot *s)
{
    if (!s)
        return;
    mrq_live_database_close(s->database);
    mrq_dict_free(s->erased);
    free(s);
}

uint64_t mrq_live_snapshot_mark(const mrq_live_snapshot *s)
{
    return mrq_live_database_last(s->database);
}

bool mrq_live_snapshot_erased(const mrq_live_snapshot *s, const char *user, size_t size)
{
    char text[MRQ_ID_BYTES + 1], id[MRQ_ERASED_ID];
    if (!mrq_dict_strings(s->erased).n || size > MRQ_ID_BYTES)
        return false;
    memcpy(text, user, size);
    text[size] = '\0';
    mrq_live_erased_id(text, id);
    return mrq_dict_find(s->erased, id, strlen(id)) != MRQ_NONE;
}

struct taker {
    mrq_status (*take)(void *context, const mrq_change *change, mrq_error *err);
    void *context;
    mrq_status status;
    mrq_error err;
};

static int take_event(void *context, const mrq_change *change, uint64_t seq)
{
    struct taker *t = context;
    (void)seq;
    if (t->status == MRQ_OK && (change->what == MRQ_ADD_EVENT || change->what == MRQ_DROP_PAIR))
        t->status = t->take(t->context, change, &t->err);
    return t->status == MRQ_OK ? 0 : -1;
}

mrq_status mrq_live_snapshot_events(mrq_live_snapshot *s,
                                    mrq_status (*take)(void *context, const mrq_change *change, mrq_error *err), void *context,
                                    mrq_error *err)
{
    struct taker t = {.take = take, .context = context};
    const mrq_status status = mrq_live_database_read(s->database, 0, take_event, &t, err);
    return t.status == MRQ_OK ? status : mrq_fail(err, t.status, "%s", t.err.msg);
}
