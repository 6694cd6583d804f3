/* Rankings of likes, learned in closed form (components.h); the vectors of items without likes come from their features. */
#ifndef MRQ_TRAIN_RETRIEVAL_H
#define MRQ_TRAIN_RETRIEVAL_H

#include "model/network.h"

/* Reports progress. Returns true to stop. */
typedef bool mrq_stage(void *context, const char *doing, uint32_t done, uint32_t of);

/* Computes the parameters of `model` from its likes. The model has just been made, from a description whose objective is a ranking.
 * The same model, seed and number of threads give the same bytes. MRQ_USAGE when fewer than two items have a like; MRQ_FAILED when
 * `stage` (may be NULL) stops it. */
MRQ_CHECKED mrq_status mrq_retrieval_solve(mrq_model *model, uint32_t threads, uint64_t seed, mrq_stage *stage, void *context,
                                           mrq_error *err);

#endif
