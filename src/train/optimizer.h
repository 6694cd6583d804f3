/* Optimisers: apply the workers' gradients to the parameters. */
#ifndef MRQ_TRAIN_OPTIMIZER_H
#define MRQ_TRAIN_OPTIMIZER_H

#include "model/tower.h"

typedef struct mrq_optimizer_state {
    const mrq_tensors *tensors;
    const mrq_kernels *kernels;
    const mrq_training *settings;
    uint64_t step;            /* batches done */
    float *moment1, *moment2; /* blocks like the parameters'; NULL where the optimiser has none */
    mrq_step now;             /* the numbers of the current step */
} mrq_optimizer_state;

/* `settings` is borrowed. */
MRQ_CHECKED mrq_status mrq_optimizer_make(const mrq_tensors *tensors, const mrq_training *settings, mrq_arena *arena,
                                          mrq_optimizer_state *out, mrq_error *err);

/* One step, in three calls.
 * - begin: called by one thread, before the others. `progress` of the whole training, 0 to 1; `batch` is the number of ratings in
 *   this step.
 * - sum: sums part `part` of `parts` of the workers' gradients, in the order of the workers, into the first worker that has them.
 *   Returns Σ squares of the part. Only needed for clipping; without it move sums, too.
 * - move: updates that part of the parameters and sets the sparse gradients to zero. `squares` is the sum over all parts; only
 *   clipping uses it.
 * Parts may run at the same time. With clipping, all must have summed before any moves. */
void mrq_optimizer_begin(mrq_optimizer_state *state, double progress, uint32_t batch);
double mrq_optimizer_sum(const mrq_optimizer_state *state, mrq_gradient *const *worker, uint32_t workers, uint32_t part,
                         uint32_t parts);
void mrq_optimizer_move(const mrq_optimizer_state *state, float *param, mrq_gradient *const *worker, uint32_t workers,
                        uint32_t part, uint32_t parts, double squares);

#endif
