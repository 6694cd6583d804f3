/* Inside the index room: what an index is. */
#ifndef MRQ_INDEX_INSIDE_H
#define MRQ_INDEX_INSIDE_H

#include "index/choose.h"
#include "index/graph.h"
#include "index/sketch.h"

typedef enum mrq_way { MRQ_WAY_SCAN, MRQ_WAY_WALK, MRQ_WAY_FAISS } mrq_way;

struct mrq_index {
    FaissIndex *faiss; /* NULL: a Flat one that was loaded */
    uint32_t n, dim;
    mrq_index_settings settings;
    const float *vectors;  /* (n, dim) borrowed */
    mrq_way way;           /* how it is searched */
    mrq_faiss_parts parts; /* to walk */
    mrq_sketch *sketch;    /* to scan faster; or NULL */
};

/* One search by FAISS on the calling thread: rows of up to `ask` hits into `row` (ask). */
MRQ_CHECKED mrq_status mrq_index_ask_faiss(const mrq_index *index, const float *query, uint32_t ask, uint32_t *row, uint32_t *found,
                                           mrq_error *err);

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
