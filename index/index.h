/* The vector index: inner-product search over movie vectors through the FAISS C API. */
#ifndef MRQ_INDEX_INDEX_H
#define MRQ_INDEX_INDEX_H

#include <stdint.h>

#include "base/error.h"
#include "base/memory.h"

typedef struct mrq_index mrq_index;

/* Builds an index of `n` vectors (n, dim) row-major, finite; row i is answered as i. `factory` is a FAISS factory string ("Flat",
 * "HNSW32", "IVF64,Flat"). The same input makes the same index. While it trains, what FAISS writes to stderr goes to the log.
 * MRQ_USAGE when a vector is not finite, or when FAISS refuses the string, needs more vectors to train on than there are, or would
 * crash or hang on it (a size of 0, an NSG graph). */
MRQ_CHECKED mrq_status mrq_index_build(const char *factory, const float *vectors, uint32_t n, uint32_t dim, mrq_index **out,
                                       mrq_error *err);
void mrq_index_free(mrq_index *index);
MRQ_DEFINE_CLEANUP(mrq_index, mrq_index_free)

/* Writes a file that FAISS reads. The caller makes it durable and atomic. */
MRQ_CHECKED mrq_status mrq_index_save(const mrq_index *index, const char *path, mrq_error *err);

/* Reads a file whose bytes the caller has verified. MRQ_NOT_FOUND when there is none; MRQ_BAD_FILE when FAISS cannot read it or it
 * does not hold exactly `n` vectors of `dim` under the inner product: the sentence names both values. */
MRQ_CHECKED mrq_status mrq_index_load(const char *path, uint32_t n, uint32_t dim, mrq_index **out, mrq_error *err);

uint32_t mrq_index_count(const mrq_index *index);

typedef struct mrq_hit {
    uint32_t row;
    float score; /* the inner product; with the vector as it was coded, for kinds such as SQ8 */
} mrq_hit;

/* The best `k` rows for a query (dim), best first, equal scores by row; exact for Flat. `*found` is `k`, or the
 * number of rows when that is less; only a kind that cannot give vectors back, such as LSH, may find fewer. MRQ_USAGE for a query
 * that is not finite. Thread-safe; uses the calling thread alone. */
MRQ_CHECKED mrq_status mrq_index_search(const mrq_index *index, const float *query, uint32_t k, mrq_hit *hits, uint32_t *found,
                                        mrq_error *err);

#endif
