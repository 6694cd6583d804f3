/* The search of a model that has neighbours: an item's score is an inner product of vectors, plus what the items that a person
 * likes add to it (model/folded.h). */
#ifndef MRQ_ENGINE_NEIGHBOURS_H
#define MRQ_ENGINE_NEIGHBOURS_H

#include "store/store.h"

/* Like mrq_index_search(); the score of a hit is the inner product with `vector`, plus the neighbours of the `n_liked` lists of
 * items times the strengths, divided by `slope` > 0: multiplied by the slope, both are in the model's unit. Exact when the search
 * of the index is. Without neighbours it is mrq_index_search(). */
MRQ_CHECKED mrq_status mrq_neighbours_search(const mrq_generation *generation, const float *vector, double slope,
                                             const mrq_feedback *liked, uint32_t n_liked, uint32_t k, const mrq_filter *filter,
                                             mrq_hit *hits, uint32_t *found, mrq_error *err);

/* What a like of strength 1 of item `from` adds to the score of item `to`, beside the vectors. */
float mrq_neighbours_weight(const mrq_generation *generation, uint32_t from, uint32_t to);

#endif
