/* Reading a live database beside the service that writes to it. */
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

static mrq_status take_erased(void *context, const mrq_change *change, uint64_t seq, mrq_error *err)
{
    const mrq_live_snapshot *s = context;
    (void)seq;
    return change->what == MRQ_ERASE_USER && mrq_dict_add(s->erased, change->user, strlen(change->user)) == MRQ_NONE
               ? mrq_fail_memory(err, "reading the live database")
               : MRQ_OK;
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

mrq_status mrq_live_snapshot_read(mrq_live_snapshot *s,
                                  mrq_status (*take)(void *context, const mrq_change *change, uint64_t seq, mrq_error *err),
                                  void *context, mrq_error *err)
{
    return mrq_live_database_read(s->database, 0, take, context, err);
}

mrq_status mrq_live_backup(const char *path, const char *copy, mrq_error *err)
{
    MRQ_CLEANUP(mrq_live_snapshot_close) mrq_live_snapshot *s = NULL;
    MRQ_TRY(mrq_live_snapshot_open(path, &s, err));
    if (mrq_file_exists(copy))
        return mrq_fail(err, MRQ_USAGE, "%s exists already; want the name of a new file", copy);
    return mrq_live_database_copy(s->database, copy, err);
}

/* Reading a row checks it. */
static mrq_status leave(void *context, const mrq_change *change, uint64_t seq, mrq_error *err)
{
    (void)context, (void)change, (void)seq, (void)err;
    return MRQ_OK;
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
    if (deep)
        MRQ_TRY(mrq_live_database_read(s->database, 0, leave, NULL, err));
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
