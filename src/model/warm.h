/* Warm start: what an older model has learned, as starting values of a new one. */
#ifndef MRQ_MODEL_WARM_H
#define MRQ_MODEL_WARM_H

#include "model/model.h"

/* Copies the parameters of `old` into `model`, just made: rows of embeddings by what they stand for (id, text), everything else as
 * it is. Rows of what the old model did not know keep their random start. MRQ_USAGE when the two are not the same network: the
 * sentence says where they differ. On failure the parameters of `model` are undefined. */
MRQ_CHECKED mrq_status mrq_model_warm(mrq_model *model, const mrq_model *old, mrq_error *err);

#endif
