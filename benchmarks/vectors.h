/* Vectors to index, queries, and the exact answers: what every index and every peer is measured on. */
#ifndef MRQ_BENCH_VECTORS_H
#define MRQ_BENCH_VECTORS_H

#include <stdint.h>

#include "base/error.h"
#include "base/memory.h"

#define MRQ_BENCH_K 10 /* recall is of the best ten */

typedef struct mrq_bench_vectors {
    char name[32];
    uint32_t n, dim, n_queries;
    float *vector;    /* (n, dim) of length 1 */
    float *query;     /* (n_queries, dim) the same */
    uint32_t *answer; /* (n_queries, MRQ_BENCH_K) rows of the best by inner product, ascending */
} mrq_bench_vectors;

void mrq_bench_vectors_free(mrq_bench_vectors *vectors);
MRQ_DEFINE_CLEANUP(mrq_bench_vectors, mrq_bench_vectors_free)

/* The items of a model file; every fourth query is a stranger's vector, the others are of users drawn at random. */
MRQ_CHECKED mrq_status mrq_bench_vectors_of_model(const char *path, uint32_t n_queries, mrq_bench_vectors **out, mrq_error *err);

/* Vectors that are spread as a trained model's are; n >= MRQ_BENCH_K, dim >= 34. The same numbers in every run. */
MRQ_CHECKED mrq_status mrq_bench_vectors_like_real(const char *name, uint32_t n, uint32_t dim, uint32_t n_queries,
                                                   mrq_bench_vectors **out, mrq_error *err);

/* Writes NAME.json (n, dim, n_queries, k), NAME.vectors.f32, NAME.queries.f32 and NAME.answers.u32 into a folder, for peers. */
MRQ_CHECKED mrq_status mrq_bench_vectors_dump(const mrq_bench_vectors *vectors, const char *folder, mrq_error *err);

#endif
