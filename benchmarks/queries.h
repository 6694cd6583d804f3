/* Queries as people may ask them, of a store: what the benches of the library and of the service ask. */
#ifndef MRQ_BENCH_QUERIES_H
#define MRQ_BENCH_QUERIES_H

#include "engine/engine.h"
#include "engine/query.h"

typedef struct mrq_bench_queries {
    mrq_arena *arena;
    uint32_t n;
    mrq_query *query; /* (n) */
    mrq_dict *path;   /* (n) "/v1/recommendations?user=4&k=5": the same as the service is asked it */
} mrq_bench_queries;

void mrq_bench_queries_free(mrq_bench_queries *queries);
MRQ_DEFINE_CLEANUP(mrq_bench_queries, mrq_bench_queries_free)

/* `n` queries, no two alike and the same ones in every run: half by users of the data; the others by age, gender and job, or by
 * three liked items, as far as the data and the model know of such. Every second wants five items, the others 1 to 10; one in
 * four names a genre, one in eight a span of years. MRQ_USAGE when the store has not so many. */
MRQ_CHECKED mrq_status mrq_bench_queries_make(const mrq_generation *generation, uint32_t n, mrq_bench_queries **out,
                                              mrq_error *err);

/* A path a line. */
MRQ_CHECKED mrq_status mrq_bench_queries_write(const mrq_bench_queries *queries, const char *path, mrq_error *err);

#endif
