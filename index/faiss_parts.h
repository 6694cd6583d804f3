/* What lies inside a FAISS index, for search of our own. FAISS's C API does not show it, so this is its C++. */
#ifndef MRQ_INDEX_FAISS_PARTS_H
#define MRQ_INDEX_FAISS_PARTS_H

#include <faiss/c_api/Index_c.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Pointers into the index; valid while it lives and is not added to. NULL for what it does not have. */
typedef struct mrq_faiss_parts {
    const float *rotation; /* (row_dim, dim): rows are made of vectors by it, by PCA; NULL: they are the vectors */
    uint32_t row_dim;      /* numbers of a row */
    const float *rows;     /* (n, row_dim) of Flat, or of a graph over Flat */
    const uint8_t *codes;  /* (n, row_dim) of a graph over SQ8: number d of a row is low[d] + range[d] (code + 0.5) / 255 */
    const float *low, *range;

    /* The links of a graph (HNSW). Row r's neighbours on level l are link[offset[r] + level_start[l]] up to level_start[l + 1]; the
     * first -1 ends them. */
    const int32_t *link;
    const size_t *offset;   /* (n + 1) */
    const int *level_start; /* (levels + 1) */
    size_t n_links, n_offsets, n_level_starts;
    int32_t entry; /* row on the top level */
    int top_level;
} mrq_faiss_parts;

/* False when it is no kind that these parts describe in full. A graph whose storage does not fit it has neither rows nor codes. */
bool mrq_faiss_look_inside(const FaissIndex *index, mrq_faiss_parts *out);

/* An empty index of a kind that "auto" chooses, as FAISS makes one from this string for inner products; NULL for any other. FAISS's
 * factory tries one regular expression after the other, for a millisecond, which would be most of what opening a small store takes.
 * `factory` has been checked. */
FaissIndex *mrq_faiss_make(const char *factory, int dim);

/* Trains an empty index on `n` vectors and adds them. As FAISS does it, but for two things. PCA keeps inner products: FAISS takes
 * the mean off first, which changes their order. And a graph over SQ8 gets the links of one over the vectors themselves: better
 * ones, in a fraction of the time. False on a failure, with FAISS's words in `problem` (size). */
bool mrq_faiss_fill(FaissIndex *index, uint32_t n, const float *vectors, char *problem, size_t size);

#ifdef __cplusplus
}
#endif

#endif
