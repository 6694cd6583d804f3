/* Private to the index room: the struct of an index. */
#ifndef MRQ_INDEX_INSIDE_H
#define MRQ_INDEX_INSIDE_H

#include "index/choose.h"
#include "index/graph.h"
#include "index/sketch.h"

#define MRQ_DIM_MAX 65536

/* scan: of all vectors, here; walk: of FAISS's graph, here; ask: FAISS or a server for candidates. */
typedef enum mrq_way { MRQ_WAY_SCAN, MRQ_WAY_WALK, MRQ_WAY_ASK } mrq_way;

/* What keeps an index: FAISS (faiss.c) or a server (milvus.c). */
typedef struct mrq_searcher {
    /* Writes up to `ask` candidates for the query (dim), best first, each row once, into `row` (ask). With `filters` set, they have
     * the genres and years in `terms` (NULL: none), as far as these can be expressed. Uses only the calling thread; thread-safe. */
    mrq_status (*search)(const mrq_index *index, const float *query, uint32_t ask, const mrq_terms *terms, uint32_t *row,
                         uint32_t *found, mrq_error *err);
    mrq_status (*count)(const mrq_index *index, uint32_t *n, mrq_error *err); /* number of rows it holds */
    void (*close)(mrq_index *index);                                          /* frees the searcher's own memory */
    bool filters;
} mrq_searcher;

struct mrq_index {
    const mrq_searcher *searcher;
    uint32_t n, dim;
    mrq_index_settings settings;
    const float *vectors;  /* (n, dim) borrowed */
    mrq_way way;           /* how it is searched */
    FaissIndex *faiss;     /* NULL: a loaded Flat index, or one on a server */
    mrq_faiss_parts parts; /* for a walk */
    mrq_sketch *sketch;    /* for a faster scan, or NULL */
    void *remote;          /* the searcher's own data about a server */
    _Atomic float longest; /* length of the longest vector; 0: not computed yet */
};

/* An empty index; NULL when out of memory. */
mrq_index *mrq_index_new(const mrq_searcher *searcher, const float *vectors, uint32_t n, uint32_t dim);

/* MRQ_USAGE unless there are vectors, each of 1 to 65536 finite numbers. */
MRQ_CHECKED mrq_status mrq_index_check_vectors(const float *vectors, uint32_t n, uint32_t dim, mrq_error *err);

/* The kinds that "auto" measures for this number of vectors. */
#define MRQ_AUTOMATIC 3
uint32_t mrq_index_automatic(uint32_t n, uint32_t dim, const char *kinds[MRQ_AUTOMATIC]);

/* mrq_index_choose() among several kinds. */
MRQ_CHECKED mrq_status mrq_index_choose_among(const char *const *kinds, uint32_t n_kinds, double recall, const float *vectors,
                                              uint32_t n, uint32_t dim, const float *queries, uint32_t n_queries, mrq_index **out,
                                              mrq_choice *choice, mrq_error *err);

#endif
