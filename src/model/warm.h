/* Warm start: the parameters of an older model as starting values of a new one. */
#ifndef MRQ_MODEL_WARM_H
#define MRQ_MODEL_WARM_H

#include "model/model.h"

/* Copies the parameters of `old` into `model`, which has just been made: rows of embeddings by what they stand for (id, text),
 * other tensors as they are. Rows that the old model does not have keep their random start. MRQ_USAGE when the two are not the same
 * network; the message names the difference. On failure the parameters of `model` are undefined.
 *
 * The caller must make sure that later measurements are honest: if `old` has learned from today's test ratings, the test result is
 * too good; the same holds for validation ratings and the choice of the best epoch. A split by MRQ_SPLIT_HASH with the same seed
 * and test share keeps the test ratings apart, and a validation share no larger than that of `old` the validation ratings. */
MRQ_CHECKED mrq_status mrq_model_warm(mrq_model *model, const mrq_model *old, mrq_error *err);

#endif
