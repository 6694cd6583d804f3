/* The service's counters, and their text for Prometheus. */
#ifndef MRQ_HTTP_METRICS_H
#define MRQ_HTTP_METRICS_H

#include <stdatomic.h>

#include "base/error.h"
#include "engine/options.h"

#define MRQ_METRICS_ROUTES  24
#define MRQ_METRICS_CODES   13
#define MRQ_METRICS_BUCKETS 16

/* Each counter is exact, but they are not updated together: a reader may see one counter of a request before another. The caller
 * zeroes the struct. */
typedef struct mrq_metrics {
    struct {
        atomic_ulong requests[MRQ_METRICS_CODES];
        atomic_ulong within[MRQ_METRICS_BUCKETS + 1]; /* requests by duration; the last: longer than every bound */
        atomic_ulong nanoseconds;
    } route[MRQ_METRICS_ROUTES];
    atomic_ulong connections; /* that are open */
    double started;           /* unix seconds */
} mrq_metrics;

/* Counts a request, its status and its duration. */
void mrq_metrics_count(mrq_metrics *metrics, unsigned route, unsigned status, double seconds);

uint64_t mrq_metrics_requests(const mrq_metrics *metrics); /* the number of all requests */

/* Prometheus' text format, version 0.0.4, with the names of `n` routes; freed with mrq_free(). MRQ_FAILED when out of memory. */
MRQ_CHECKED mrq_status mrq_metrics_text(const mrq_metrics *metrics, const char *const *route, unsigned n, const mrq_stats *stats,
                                        char **out, size_t *size, mrq_error *err);

#endif
