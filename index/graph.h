/* Search in a graph that FAISS has built.
 *
 * Method: Malkov and Yashunin, Efficient and robust approximate nearest neighbor search using Hierarchical Navigable Small World
 * graphs, 2016: a greedy descent through the upper levels, then a best-first walk of the lowest level with a list of `ef` rows. */
#ifndef MRQ_INDEX_GRAPH_H
#define MRQ_INDEX_GRAPH_H

#include "index/faiss_parts.h"
#include "index/top.h"

/* Whether all links, offsets and levels of a graph of `n` rows are in range. */
bool mrq_graph_sound(const mrq_faiss_parts *parts, uint32_t n);

/* Writes up to `ef` of the best rows into `row` (ef), best first by the graph's own rows: exact inner products over Flat, inner
 * products with coded vectors over SQ8. */
MRQ_CHECKED mrq_status mrq_graph_walk(const mrq_faiss_parts *parts, uint32_t n, uint32_t dim, const float *query, uint32_t ef,
                                      uint32_t *row, uint32_t *found, mrq_error *err);

#endif
