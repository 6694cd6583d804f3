/* Warm start: what an older model has learned, as starting values of a new one. */
#ifndef MRQ_MODEL_WARM_H
#define MRQ_MODEL_WARM_H

#include "model/model.h"

/* Copies the parameters of `old` into `model`, just made: rows of embeddings by what they stand for (id, text), everything else as
 * it is. Rows of what the old model did not know keep their random start. MRQ_USAGE when the two are not the same network: the
 * sentence says where they differ. On failure the parameters of `model` are undefined.
 *
 * Whether what is measured afterwards is honest is the caller's to see to: `old` must not have learned from the ratings that are
 * tested now, or the test flatters; nor, for the choice of the best epoch, from those that validate. Division by MRQ_SPLIT_HASH
 * with the same seed and test share promises the first; a validation share no larger than the one `old` had promises the second. */
MRQ_CHECKED mrq_status mrq_model_warm(mrq_model *model, const mrq_model *old, mrq_error *err);

#endif
