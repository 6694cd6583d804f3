/* What the service counts, and how it tells Prometheus. */
#ifndef MRQ_HTTP_METRICS_H
#define MRQ_HTTP_METRICS_H

#include <stdatomic.h>

#include "base/error.h"
#include "engine/options.h"

#define MRQ_METRICS_ROUTES  20
#define MRQ_METRICS_CODES   13
#define MRQ_METRICS_BUCKETS 16

/* Counters are added to without order between them: each is right, and a reader may see one of a request before the other. Zeroed
 * to begin with. */
typedef struct mrq_metrics {
    struct {
        atomic_ulong requests[MRQ_METRICS_CODES];
        atomic_ulong within[MRQ_METRICS_BUCKETS + 1]; /* requests by how long they took; the last: longer than any bound */
        atomic_ulong nanoseconds;
    } route[MRQ_METRICS_ROUTES];
    atomic_ulong connections; /* open now */
    double started;           /* unix seconds */
} mrq_metrics;

/* A request was answered with this status after this long. */
void mrq_metrics_count(mrq_metrics *metrics, unsigned route, unsigned status, double seconds);

uint64_t mrq_metrics_requests(const mrq_metrics *metrics); /* all of them */

/* Prometheus' text format, version 0.0.4, of `n` routes of these names; freed with mrq_free(). MRQ_FAILED when out of memory. */
MRQ_CHECKED mrq_status mrq_metrics_text(const mrq_metrics *metrics, const char *const *route, unsigned n, const mrq_stats *stats,
                                        char **out, size_t *size, mrq_error *err);

#endif
