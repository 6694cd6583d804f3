#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/id.h"
#include "live/database.h"

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

mrq_status mrq_live_backup(const char *path, const char *copy, mrq_error *err)
{
    MRQ_CLEANUP(mrq_live_snapshot_close) mrq_live_snapshot *s = NULL;
    MRQ_TRY(mrq_live_snapshot_open(path, &s, err));
    if (mrq_file_exists(copy))
        return mrq_fail(err, MRQ_USAGE, "%s exists already; want the name of a new file", copy);
    return mrq_live_database_copy(s->database, copy, err);
}

/* Whether a row is one that this program has written. */
static int check_row(void *context, const mrq_change *c, uint64_t seq)
{
    mrq_error *problem = context;
    const char *id = c->user ? c->user : c->item;
    const bool features = c->what != MRQ_PUT_USER || *c->text == '{';
    if (problem->status == MRQ_OK &&
        (!mrq_id_is_valid(id, strlen(id)) || !features || (c->what == MRQ_ADD_EVENT && !mrq_id_is_valid(c->item, strlen(c->item)))))
        problem->status =
            mrq_fail(problem, MRQ_BAD_FILE, "number %" PRIu64 ", of %.40s: no change that this program has written", seq, id);
    return 0;
}

mrq_status mrq_live_verify(const char *path, uint64_t mark, bool deep, mrq_live_contents *out, mrq_error *err)
{
    MRQ_CLEANUP(mrq_live_snapshot_close) mrq_live_snapshot *s = NULL;
    char newer[100];
    MRQ_TRY(mrq_live_snapshot_open(path, &s, err));
    snprintf(newer, sizeof newer, "SELECT count(*) FROM events WHERE seq > %" PRIu64 " AND kind IS NOT 'forget'", mark);
    int64_t count[5] = {0}, oldest = MRQ_NO_TIME, newest = MRQ_NO_TIME;
    const struct {
        const char *sql;
        int64_t *out;
    } questions[] = {{"SELECT count(*) FROM events WHERE kind IS NOT 'forget'", &count[0]},
                     {newer, &count[1]},
                     {"SELECT count(*) FROM users", &count[2]},
                     {"SELECT count(*) FROM items", &count[3]},
                     {"SELECT count(*) FROM erased", &count[4]},
                     {"SELECT min(time) FROM events WHERE kind IS NOT 'forget'", &oldest},
                     {"SELECT max(time) FROM events WHERE kind IS NOT 'forget'", &newest}};
    if (deep)
        MRQ_TRY(mrq_live_database_check(s->database, err));
    for (size_t i = 0; i < sizeof questions / sizeof *questions; i++)
        MRQ_TRY(mrq_live_database_ask(s->database, questions[i].sql, questions[i].out, err));
    mrq_error problem = {0};
    if (deep)
        MRQ_TRY(mrq_live_database_read(s->database, 0, check_row, &problem, err));
    if (problem.status != MRQ_OK)
        return mrq_fail(err, problem.status, "%s: %s", path, problem.msg);
    *out = (mrq_live_contents){mrq_live_database_last(s->database),
                               (uint64_t)count[0],
                               (uint64_t)count[1],
                               (uint64_t)count[2],
                               (uint64_t)count[3],
                               (uint64_t)count[4],
                               oldest,
                               newest};
    return MRQ_OK;
}
