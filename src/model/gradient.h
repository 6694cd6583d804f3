/* The gradient of a model's parameters. */
#ifndef MRQ_MODEL_GRADIENT_H
#define MRQ_MODEL_GRADIENT_H

#include "base/error.h"
#include "base/memory.h"
#include "model/tensors.h"

/* Gradients of one worker: a block like the parameters', and for each sparse tensor the list of touched rows. Other rows are
 * zero. */
typedef struct mrq_gradient {
    float *block;
    uint32_t *touched[MRQ_TENSORS_MAX], n_touched[MRQ_TENSORS_MAX];
    unsigned char *mark[MRQ_TENSORS_MAX]; /* (rows) 1 when the row is in the list */
} mrq_gradient;

/* The gradient of a row of an embedding; marks the row as touched. */
static inline float *mrq_gradient_touch(mrq_gradient *gradient, const mrq_tensors *tensors, uint32_t tensor, uint32_t row)
{
    if (!gradient->mark[tensor][row]) {
        gradient->mark[tensor][row] = 1;
        gradient->touched[tensor][gradient->n_touched[tensor]++] = row;
    }
    return gradient->block + mrq_tensor_at(tensors, tensor, row);
}
MRQ_CHECKED mrq_status mrq_gradient_make(const mrq_tensors *tensors, mrq_arena *arena, mrq_gradient *out, mrq_error *err);

#endif
