/* When the events of each item happened, for lists of what is new and of what is trending. */
#ifndef MRQ_MODEL_TIMES_H
#define MRQ_MODEL_TIMES_H

#include "base/container.h"

#define MRQ_NEVER INT64_MIN

/* Empty where the data has no times, or only one. */
typedef struct mrq_times {
    const int64_t *first; /* (items) time of the first event, in seconds since 1970; MRQ_NEVER: none */
    const double *trend;  /* (items) how far the events of late are above what the item's share of all events leads to expect:
                             the difference in standard deviations of a Poisson distribution, with 1 added to its mean so that
                             a single event is no trend. Finite */
} mrq_times;

/* Events of late are counted with weights that halve with each half-life before the last event (Cormode, Shkapenyuk, Srivastava and
 * Xu 2009, "Forward decay"); the half-life is the time in which the last twentieth of all events happened. The comparison with a
 * Poisson distribution is that of Hendrickson, Montague, Kolb and Lehman 2015, "Trend detection in social data". `time` (n, NULL:
 * none): 0 is unknown and not counted. Returns -1 when out of memory. */
int mrq_times_make(mrq_arena *arena, const uint32_t *item, const int64_t *time, uint64_t n, uint32_t items, mrq_times *out);

/* Adds them to a container, unless they are empty, and loads them; a file without them, as older ones are, has empty ones. */
void mrq_times_save(const mrq_times *times, uint32_t items, mrq_container_writer *writer);
MRQ_CHECKED mrq_status mrq_times_load(const mrq_container *container, uint32_t items, mrq_times *out, mrq_error *err);

#endif
