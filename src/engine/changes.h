/* Changes of what is live, as they come in: read from JSON, checked against the serving generation, and kept with their texts until
 * they are on disk. */
#ifndef MRQ_ENGINE_CHANGES_H
#define MRQ_ENGINE_CHANGES_H

#include "base/memory.h"
#include "live/live.h"
#include "marquee/marquee.h"
#include "store/store.h"

typedef struct mrq_changes {
    mrq_arena *arena; /* owns the texts */
    mrq_change *change;
    size_t room;
    mrq_post post; /* of these changes */
} mrq_changes;

mrq_changes *mrq_changes_new(void);          /* none; NULL when out of memory */
void mrq_changes_free(mrq_changes *changes); /* NULL is legal */
MRQ_DEFINE_CLEANUP(mrq_changes, mrq_changes_free)

/* Adds a change; copies its texts. MRQ_USAGE for a wrong id, kind, value or time; the message begins with the field's name. An
 * event without a time happens now. */
MRQ_CHECKED mrq_status mrq_changes_add(mrq_changes *changes, const mrq_change *change, mrq_error *err);

/* Reads the body of a request. MRQ_USAGE with the path of what is wrong: "events[3].time: ...".
 *   events  {"events": [EVENT, ...]}, up to MRQ_EVENTS_MAX, or one EVENT: {"user": "4", "item": "50", "kind": "like" or "value": 4,
 *           "time": unix seconds or "2026-01-31T02:00:00Z", "id": "..."}; ids may be whole numbers
 *   user    {"features": {"age": "25", ...}}: all that the user has
 *   item    {"hidden": true, "expires": time or null} */
MRQ_CHECKED mrq_status mrq_changes_read_events(mrq_changes *changes, const char *body, size_t size, mrq_error *err);
MRQ_CHECKED mrq_status mrq_changes_read_user(mrq_changes *changes, const char *user, const char *body, size_t size, mrq_error *err);
MRQ_CHECKED mrq_status mrq_changes_read_item(mrq_changes *changes, const char *item, const char *body, size_t size, mrq_error *err);

/* MRQ_USAGE for what the generation's data cannot tell: a kind or value that its events do not have, a feature that its users do
 * not have; with `strict` also for users and items that it does not know. */
MRQ_CHECKED mrq_status mrq_changes_check(const mrq_changes *changes, const mrq_generation *generation, bool strict, mrq_error *err);

/* Checks and queues changes. `done` is called with `changes` as context when they are on disk or have failed, unless this fails.
 * MRQ_USAGE when the recommender was opened without "live". */
MRQ_CHECKED mrq_status mrq_recommender_write(mrq_recommender *recommender, mrq_changes *changes,
                                             void (*done)(void *context, mrq_post *post), void *context, mrq_error *err);

/* The same, and waits. `changed` may be NULL. Statuses also of mrq_live_post(). */
MRQ_CHECKED mrq_status mrq_recommender_write_now(mrq_recommender *recommender, mrq_changes *changes, uint32_t *changed,
                                                 mrq_error *err);

#endif
