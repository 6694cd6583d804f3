/* The parts of a FAISS index that our own search uses. FAISS's C API does not give access to them, so this is C++. */
#ifndef MRQ_INDEX_FAISS_PARTS_H
#define MRQ_INDEX_FAISS_PARTS_H

#include <faiss/c_api/Index_c.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Pointers into the index; valid as long as it lives and nothing is added. NULL for parts that it does not have. */
typedef struct mrq_faiss_parts {
    const float *rotation; /* PCA: (row_dim, dim), turns vectors into rows; NULL: rows are the vectors */
    uint32_t row_dim;      /* numbers per row */
    const float *rows;     /* (n, row_dim) of Flat or of a graph over Flat */
    const uint8_t *codes;  /* (n, row_dim) of a graph over SQ8: number d of a row is low[d] + range[d] (code + 0.5) / 255 */
    const float *low, *range;

    /* The links of a graph (HNSW). Row r's neighbours on level l are link[offset[r] + level_start[l]] up to level_start[l + 1]; -1
     * ends them early. */
    const int32_t *link;
    const size_t *offset;   /* (n + 1) */
    const int *level_start; /* (levels + 1) */
    size_t n_links, n_offsets, n_level_starts;
    int32_t entry; /* a row on the top level */
    int top_level;
} mrq_faiss_parts;

/* False when these parts do not describe the whole index. A graph whose storage has another size has neither rows nor codes. */
bool mrq_faiss_look_inside(const FaissIndex *index, mrq_faiss_parts *out);

/* Makes an empty index for inner products from a factory string of a kind that "auto" uses, as FAISS would; NULL for any other
 * kind. FAISS's factory tries regular expressions for a millisecond, which would be most of the time to open a small store.
 * `factory` has been checked. */
FaissIndex *mrq_faiss_make(const char *factory, int dim);

/* Trains an empty index on `n` vectors and adds them, as FAISS does, with two differences. PCA keeps inner products: FAISS
 * subtracts the mean first, which changes their order. A graph over SQ8 gets the links of a graph over the exact vectors: better
 * ones, in a fraction of the time. False on failure, with FAISS's message in `problem` (size). */
bool mrq_faiss_fill(FaissIndex *index, uint32_t n, const float *vectors, char *problem, size_t size);

#ifdef __cplusplus
}
#endif

#endif
