/* Rankings of likes, learned in closed form: the MRQ_RELATED_MAX items liked most are related to one another, others are placed by
 * what is known of them. */
#ifndef MRQ_TRAIN_RETRIEVAL_H
#define MRQ_TRAIN_RETRIEVAL_H

#include "model/network.h"

/* What goes on. Returns true to stop. */
typedef bool mrq_stage(void *context, const char *doing, uint32_t done, uint32_t of);

/* Fills the parameters of `model`, just made from a description whose objective is a ranking, from its likes. The same model, seed
 * and number of threads give the same bytes. MRQ_USAGE when not even two items are liked, MRQ_FAILED when `stage` (may
 * be NULL) stops it. */
MRQ_CHECKED mrq_status mrq_retrieval_solve(mrq_model *model, uint32_t threads, uint64_t seed, mrq_stage *stage, void *context,
                                           mrq_error *err);

#endif
