/* The library's functions that change what is live. They wait until a change is on disk. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/id.h"
#include "base/parse.h"
#include "engine/changes.h"

struct mrq_event {
    char user[MRQ_ID_BYTES + 1], item[MRQ_ID_BYTES + 1], kind[MRQ_ACTION_NAME], id[MRQ_ID_BYTES + 1]; /* "": not set */
    double value;
    int64_t time;
};

mrq_event *mrq_event_new(void)
{
    mrq_event *event = calloc(1, sizeof *event);
    if (event)
        *event = (mrq_event){.value = NAN, .time = MRQ_NO_TIME};
    return event;
}

void mrq_event_free(mrq_event *event)
{
    free(event);
}

static mrq_status set_text(char *out, size_t room, const char *name, const char *value, mrq_error *err)
{
    if (strlen(value) >= room || !mrq_id_is_valid(value, strlen(value)))
        return mrq_fail(err, MRQ_USAGE, "%s \"%.40s\": want 1 to %zu bytes of UTF-8 without control characters", name, value,
                        room - 1);
    strcpy(out, value);
    return MRQ_OK;
}

mrq_status mrq_event_set(mrq_event *event, const char *name, const char *value, mrq_error *err)
{
    MRQ_TRY(mrq_argument_check(event, "event", err));
    MRQ_TRY(mrq_argument_check(name, "name", err));
    MRQ_TRY(mrq_argument_check(value, "value", err));
    const struct {
        const char *name;
        char *text;
        size_t room;
    } texts[] = {{"user", event->user, sizeof event->user},
                 {"item", event->item, sizeof event->item},
                 {"kind", event->kind, sizeof event->kind},
                 {"id", event->id, sizeof event->id}};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (strcmp(name, texts[i].name) == 0)
            return set_text(texts[i].text, texts[i].room, name, value, err);
    if (strcmp(name, "value") == 0)
        return mrq_parse_real(value, strlen(value), -1e9, 1e9, &event->value)
                   ? MRQ_OK
                   : mrq_fail(err, MRQ_USAGE, "value \"%.40s\": want a number, -1e9 to 1e9", value);
    if (strcmp(name, "time") == 0)
        return mrq_parse_int(value, strlen(value), 0, MRQ_LIVE_TIME_MAX, &event->time)
                   ? MRQ_OK
                   : mrq_fail(err, MRQ_USAGE, "time \"%.40s\": want seconds since 1970", value);
    return mrq_fail(err, MRQ_USAGE, "\"%.40s\" is no field of an event: user, item, kind, value, time, id", name);
}

static const char *given(const char *text)
{
    return *text ? text : NULL;
}

mrq_status mrq_recommender_tell(mrq_recommender *r, const mrq_event *const *event, uint32_t n, uint32_t *added, mrq_error *err)
{
    MRQ_TRY(mrq_argument_check(r, "recommender", err));
    if (n > MRQ_EVENTS_MAX)
        return mrq_fail(err, MRQ_USAGE, "%u events, want at most %d", n, MRQ_EVENTS_MAX);
    if (n)
        MRQ_TRY(mrq_argument_check(event, "event", err));
    MRQ_CLEANUP(mrq_changes_free) mrq_changes *changes = mrq_changes_new();
    if (!changes)
        return mrq_fail_memory(err, "reading changes");
    for (uint32_t i = 0; i < n; i++) {
        const mrq_event *e = event[i];
        MRQ_TRY(mrq_argument_check(e, "event", err));
        if (!*e->user || !*e->item)
            return mrq_fail(err, MRQ_USAGE, "%s: missing in event %u", *e->user ? "item" : "user", i);
        const mrq_change change = {.what = MRQ_ADD_EVENT,
                                   .user = e->user,
                                   .item = e->item,
                                   .kind = given(e->kind),
                                   .id = given(e->id),
                                   .value = e->value,
                                   .time = e->time};
        MRQ_TRY(mrq_changes_add(changes, &change, err));
    }
    return mrq_recommender_write_now(r, changes, added, err);
}

/* Makes one change. */
static mrq_status change(mrq_recommender *r, const mrq_change *what, uint32_t *changed, mrq_error *err)
{
    MRQ_CLEANUP(mrq_changes_free) mrq_changes *changes = mrq_changes_new();
    if (!changes)
        return mrq_fail_memory(err, "reading changes");
    MRQ_TRY(mrq_changes_add(changes, what, err));
    return mrq_recommender_write_now(r, changes, changed, err);
}

mrq_status mrq_recommender_forget(mrq_recommender *r, const char *user, const char *item, mrq_error *err)
{
    MRQ_TRY(mrq_argument_check(r, "recommender", err));
    MRQ_TRY(mrq_argument_check(user, "user", err));
    return change(r, &(mrq_change){.what = item ? MRQ_DROP_PAIR : MRQ_ERASE_USER, .user = user, .item = item, .value = NAN}, NULL,
                  err);
}

mrq_status mrq_recommender_forget_event(mrq_recommender *r, const char *id, mrq_error *err)
{
    uint32_t changed = 0;
    MRQ_TRY(mrq_argument_check(r, "recommender", err));
    MRQ_TRY(mrq_argument_check(id, "id", err));
    MRQ_TRY(change(r, &(mrq_change){.what = MRQ_DROP_EVENT, .id = id}, &changed, err));
    return changed ? MRQ_OK : mrq_fail(err, MRQ_NOT_FOUND, "no event has the id %.60s", id);
}

/* Reads a JSON object by one of the two readers, and makes the change. */
static mrq_status put(mrq_recommender *r, const char *id, const char *json,
                      mrq_status (*read)(mrq_changes *changes, const char *id, const char *body, size_t size, mrq_error *err),
                      mrq_error *err)
{
    MRQ_TRY(mrq_argument_check(r, "recommender", err));
    MRQ_TRY(mrq_argument_check(id, "id", err));
    MRQ_TRY(mrq_argument_check(json, "json", err));
    MRQ_CLEANUP(mrq_changes_free) mrq_changes *changes = mrq_changes_new();
    if (!changes)
        return mrq_fail_memory(err, "reading changes");
    MRQ_TRY(read(changes, id, json, strlen(json), err));
    return mrq_recommender_write_now(r, changes, NULL, err);
}

mrq_status mrq_recommender_put_user(mrq_recommender *r, const char *user, const char *json, mrq_error *err)
{
    return put(r, user, json, mrq_changes_read_user, err);
}

mrq_status mrq_recommender_put_item(mrq_recommender *r, const char *item, const char *json, mrq_error *err)
{
    return put(r, item, json, mrq_changes_read_item, err);
}
