/* How fast and how well an index answers, and how fast its bytes can be read at all. */
#ifndef MRQ_BENCH_MEASURE_H
#define MRQ_BENCH_MEASURE_H

#include "index/index.h"
#include "vectors.h"

typedef struct mrq_bench_speed {
    uint32_t n_queries;   /* in one pass: fewer where a pass would take too long */
    double recall;        /* share of the exact best ten that are among the ten found */
    double typical;       /* seconds a query, one at a time on one thread: the middle of the means of 100 queries in a row */
    double p50, p95, p99; /* of single queries, the same way */
    double rate[2];       /* queries a second with 1 thread and with 2, each one query at a time */
} mrq_bench_speed;

/* Warms up, then passes `repeats` times over the queries, each pass of `seconds` at the most. A thread that now and then waits for
 * its core does not show in `typical`. */
MRQ_CHECKED mrq_status mrq_bench_search(const mrq_index *index, const mrq_bench_vectors *vectors, uint32_t repeats, double seconds,
                                        mrq_bench_speed *out, mrq_error *err);

/* Seconds in which one thread reads so many floats once, each added to a sum: the median of several times, with the loads that are
 * quickest. Short ones outrun long ones where the data come from memory. */
double mrq_bench_read(const float *x, size_t n);

/* Bytes of this process's memory that are its own, and those that are files': RssAnon and RssFile. */
void mrq_bench_memory(double *own, double *files);

#endif
