/* Optimisers: from the workers' gradients to new parameters. */
#ifndef MRQ_TRAIN_OPTIMIZER_H
#define MRQ_TRAIN_OPTIMIZER_H

#include "model/tower.h"

typedef struct mrq_optimizer_state {
    const mrq_tensors *tensors;
    const mrq_kernels *kernels;
    const mrq_training *settings;
    uint64_t step;            /* batches done */
    float *moment1, *moment2; /* blocks like the parameters'; NULL where the kind has none */
    mrq_step now;             /* this step's numbers */
} mrq_optimizer_state;

/* `settings` is borrowed. */
MRQ_CHECKED mrq_status mrq_optimizer_make(const mrq_tensors *tensors, const mrq_training *settings, mrq_arena *arena,
                                          mrq_optimizer_state *out, mrq_error *err);

/* One step, in three calls. begin: by one thread, before the others; `progress` is how far the whole training has come, 0 to 1, and
 * `batch` the ratings of this step. sum: part `part` of `parts` of the gradients of `workers` is summed in their order into the
 * first that has it; returns the part's Σ squares. move: moves that part of the parameters, and leaves the sparse gradients zero;
 * `squares` are all parts' together, which only clipping asks for. Parts may run at the same time, but none may move before all
 * have summed when there is clipping: without it mrq_optimizer_move() sums, too, and mrq_optimizer_sum() is not called. */
void mrq_optimizer_begin(mrq_optimizer_state *state, double progress, uint32_t batch);
double mrq_optimizer_sum(const mrq_optimizer_state *state, mrq_gradient *const *worker, uint32_t workers, uint32_t part,
                         uint32_t parts);
void mrq_optimizer_move(const mrq_optimizer_state *state, float *param, mrq_gradient *const *worker, uint32_t workers,
                        uint32_t part, uint32_t parts, double squares);

#endif
