/* Optimisers: from the workers' gradients to new parameters. */
#ifndef MRQ_TRAIN_OPTIMIZER_H
#define MRQ_TRAIN_OPTIMIZER_H

#include "model/tower.h"

typedef struct mrq_optimizer_state {
    const mrq_tensors *tensors;
    const mrq_kernels *kernels;
    mrq_optimizer kind;
    float lr;
    uint64_t step;            /* batches done */
    float *moment1, *moment2; /* Adam: blocks like the parameters' */
} mrq_optimizer_state;

MRQ_CHECKED mrq_status mrq_optimizer_make(const mrq_tensors *tensors, mrq_optimizer kind, double lr, mrq_arena *arena,
                                          mrq_optimizer_state *out, mrq_error *err);

/* Part `part` of `parts` of one step: sums the gradients of `workers` in their order, moves the parameters, and leaves the sparse
 * gradients zero. All parts together are one step; they may run at the same time. `state->step` counts this step already. */
void mrq_optimizer_step(const mrq_optimizer_state *state, float *param, mrq_gradient *const *worker, uint32_t workers,
                        uint32_t part, uint32_t parts);

#endif
