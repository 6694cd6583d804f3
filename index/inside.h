/* Inside the index room: what an index is. */
#ifndef MRQ_INDEX_INSIDE_H
#define MRQ_INDEX_INSIDE_H

#include "index/choose.h"
#include "index/graph.h"
#include "index/sketch.h"

#define MRQ_DIM_MAX 65536

/* Scanned here; walked here; or whoever keeps the index is asked for candidates. */
typedef enum mrq_way { MRQ_WAY_SCAN, MRQ_WAY_WALK, MRQ_WAY_ASK } mrq_way;

/* Who keeps an index: FAISS (faiss.c), or a server (milvus.c). */
typedef struct mrq_searcher {
    /* Rows of up to `ask` candidates for the query (dim), the best first, into `row` (ask), none twice. With `filters` they have
     * the genres and years that `terms` (NULL: none) asks for, as far as can be told there. On the calling thread; thread-safe. */
    mrq_status (*search)(const mrq_index *index, const float *query, uint32_t ask, const mrq_terms *terms, uint32_t *row,
                         uint32_t *found, mrq_error *err);
    mrq_status (*count)(const mrq_index *index, uint32_t *n, mrq_error *err); /* the rows it holds */
    void (*close)(mrq_index *index);                                          /* frees what is its own */
    bool filters;
} mrq_searcher;

struct mrq_index {
    const mrq_searcher *searcher;
    uint32_t n, dim;
    mrq_index_settings settings;
    const float *vectors;  /* (n, dim) borrowed */
    mrq_way way;           /* how it is searched */
    FaissIndex *faiss;     /* NULL: a Flat one that was loaded, or kept by a server */
    mrq_faiss_parts parts; /* to walk */
    mrq_sketch *sketch;    /* to scan faster; or NULL */
    void *remote;          /* a server's searcher's own */
};

/* An index with nothing in it; NULL when out of memory. */
mrq_index *mrq_index_new(const mrq_searcher *searcher, const float *vectors, uint32_t n, uint32_t dim);

/* MRQ_USAGE unless there are vectors, of 1 to 65536 finite numbers each. */
MRQ_CHECKED mrq_status mrq_index_check_vectors(const float *vectors, uint32_t n, uint32_t dim, mrq_error *err);

/* The kinds that "auto" measures for so many vectors. */
#define MRQ_AUTOMATIC 3
uint32_t mrq_index_automatic(uint32_t n, uint32_t dim, const char *kinds[MRQ_AUTOMATIC]);

/* mrq_index_choose() among several kinds. */
MRQ_CHECKED mrq_status mrq_index_choose_among(const char *const *kinds, uint32_t n_kinds, double recall, const float *vectors,
                                              uint32_t n, uint32_t dim, const float *queries, uint32_t n_queries, mrq_index **out,
                                              mrq_choice *choice, mrq_error *err);

#endif
