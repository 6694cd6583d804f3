/* Rankings of likes, learned in closed form. */
#ifndef MRQ_TRAIN_RETRIEVAL_H
#define MRQ_TRAIN_RETRIEVAL_H

#include "model/network.h"

/* So many movies at most, those liked most, are related to one another; the others are placed by what is known of them. Two
 * matrices of its square are held: 0.8 GB. */
#define MRQ_RELATED_MAX 10000

/* What goes on. Returns true to stop. */
typedef bool mrq_stage(void *context, const char *doing, uint32_t done, uint32_t of);

/* Fills the parameters of `model`, just made from a description whose objective is a ranking, from its likes. The same model, seed
 * and number of threads give the same bytes. MRQ_FAILED with advice when nobody likes two movies, or when `stage` (may be NULL)
 * stops it. */
MRQ_CHECKED mrq_status mrq_retrieval_solve(mrq_model *model, uint32_t threads, uint64_t seed, mrq_stage *stage, void *context,
                                           mrq_error *err);

#endif
