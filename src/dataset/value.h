/* What the value of an event is, and of several events of one user and item. Private to the dataset room. */
#ifndef MRQ_DATASET_VALUE_H
#define MRQ_DATASET_VALUE_H

#include "dataset/reader.h"

/* Reads the value of the current record: a rating, a count, the weight of an action, or 1 when `field` is NULL. `*event` is false
 * when the record says that there was none: a null text, a count or a weight of 0. */
MRQ_CHECKED mrq_status mrq_value_read(const mrq_reader *reader, const mrq_field *field, float *out, bool *event, mrq_error *err);

/* Events, in the order of their file. */
typedef struct mrq_event_list {
    uint64_t n;
    uint32_t users, items; /* rows of their tables */
    uint32_t *user, *item; /* (n) */
    float *value;          /* (n) */
    int64_t *time;         /* (n), or NULL */
} mrq_event_list;

/* Leaves one event of each user and item, the latest, in the order of the file: of equal times the last one. With `add` its value
 * is the sum of theirs. */
MRQ_CHECKED mrq_status mrq_value_merge(mrq_event_list *events, bool add, mrq_error *err);

/* Whether values of this kind are added; NULL: events without one. */
static inline bool mrq_value_adds(const mrq_field *field)
{
    return field && (field->kind == MRQ_FIELD_COUNT || field->kind == MRQ_FIELD_ACTION);
}

/* The value that the models see: of a count the logarithm of 1 + count. */
float mrq_value_seen(const mrq_field *field, double value);

/* The least value that is a like, in the units of the file, where the schema does not say it: of ratings within `min` to `max`. */
double mrq_value_like(const mrq_field *field, double min, double max);

#endif
