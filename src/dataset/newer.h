/* Events that are newer than the files of a data set: those of a live database, which this room does not know. */
#ifndef MRQ_DATASET_NEWER_H
#define MRQ_DATASET_NEWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

typedef struct mrq_newer_event {
    const char *user, *item; /* ids */
    const char *kind;        /* an action of the data, "like", "dislike", or NULL */
    double value;            /* or NaN */
    int64_t time;            /* seconds since 1970 */
    bool forgets;            /* no event: older ones of this user and item do not count */
} mrq_newer_event;

typedef struct mrq_newer {
    void *context;
    uint64_t mark; /* data->live_mark */
    /* Whether all that the files say of a user is to be left out, his row included; NULL: of none. */
    bool (*is_erased)(void *context, const char *id, size_t size);
    /* Calls take() for each event, in the order in which they came in; stops when that fails. */
    mrq_status (*read)(void *context, mrq_status (*take)(void *to, const mrq_newer_event *event, mrq_error *err), void *to,
                       mrq_error *err);
} mrq_newer;

#endif
