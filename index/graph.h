/* Search in a graph that FAISS has built.
 *
 * Method: Malkov and Yashunin, Efficient and robust approximate nearest neighbor search using Hierarchical Navigable Small World
 * graphs, 2016: a greedy descent through the upper levels, then a best-first walk of the lowest with a list of `ef` rows. */
#ifndef MRQ_INDEX_GRAPH_H
#define MRQ_INDEX_GRAPH_H

#include "index/faiss_parts.h"
#include "index/top.h"

/* Whether every link, offset and level of a graph of `n` rows leads to a place inside it. */
bool mrq_graph_sound(const mrq_faiss_parts *parts, uint32_t n);

/* The rows of up to `ef` of the best into `row` (ef), best first by what the graph's rows say: exact inner products over Flat,
 * those with coded vectors over SQ8. */
MRQ_CHECKED mrq_status mrq_graph_walk(const mrq_faiss_parts *parts, uint32_t n, uint32_t dim, const float *query, uint32_t ef,
                                      uint32_t *row, uint32_t *found, mrq_error *err);

#endif
