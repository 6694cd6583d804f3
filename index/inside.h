/* Inside the index room: what an index is. */
#ifndef MRQ_INDEX_INSIDE_H
#define MRQ_INDEX_INSIDE_H

#include "index/graph.h"

struct mrq_index {
    FaissIndex *faiss;
    uint32_t n, dim;
    mrq_index_settings settings;
    const float *vectors; /* (n, dim) borrowed, or inside `faiss` */
    bool walkable;        /* `parts` are all of it */
    mrq_faiss_parts parts;
};

/* Whether a search is a scan of all vectors. */
static inline bool mrq_index_exact(const mrq_index *index)
{
    return index->walkable && !index->parts.link;
}

/* One search by FAISS on the calling thread: rows of up to `ask` hits into `row` (ask). */
MRQ_CHECKED mrq_status mrq_index_ask_faiss(const mrq_index *index, const float *query, uint32_t ask, uint32_t *row, uint32_t *found,
                                           mrq_error *err);

bool mrq_all_finite_floats(const float *x, size_t n);

/* MRQ_USAGE unless there are vectors, of 1 to 65536 finite numbers each. */
MRQ_CHECKED mrq_status mrq_index_check_vectors(const float *vectors, uint32_t n, uint32_t dim, mrq_error *err);

#endif
