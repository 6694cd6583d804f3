/* SGD, and Adam (Kingma, Ba 2015) with beta 0.9 and 0.999. An embedding's row moves only in batches that touch it, and its moments
 * with it ("lazy" Adam): a batch of 256 touches some 200 of thousands of rows. The dense part is cut into ranges and the rows are
 * dealt out by their number, so each float has one owner and sums are always taken in the order of the workers. */
#include "train/optimizer.h"

#include <math.h>
#include <string.h>

#define BETA1   0.9f
#define BETA2   0.999f
#define EPSILON 1e-8f

mrq_status mrq_optimizer_make(const mrq_tensors *tensors, mrq_optimizer kind, double lr, mrq_arena *arena, mrq_optimizer_state *out,
                              mrq_error *err)
{
    *out = (mrq_optimizer_state){.tensors = tensors, .kernels = mrq_kernels_best(), .kind = kind, .lr = (float)lr};
    if (kind != MRQ_ADAM)
        return MRQ_OK;
    out->moment1 = mrq_arena_array(arena, tensors->size, sizeof(float));
    out->moment2 = mrq_arena_array(arena, tensors->size, sizeof(float));
    return out->moment1 && out->moment2 ? MRQ_OK : mrq_fail_memory(err, "preparing the optimiser");
}

static void move(const mrq_optimizer_state *state, float *param, const float *gradient, size_t at, size_t n)
{
    if (state->kind == MRQ_SGD) {
        state->kernels->sgd(param + at, gradient + at, state->lr, n);
        return;
    }
    const double t = (double)state->step;
    const mrq_adam_step step = {(float)(state->lr * sqrt(1 - pow(BETA2, t)) / (1 - pow(BETA1, t))), BETA1, BETA2, EPSILON};
    state->kernels->adam(param + at, gradient + at, state->moment1 + at, state->moment2 + at, &step, n);
}

static void move_dense(const mrq_optimizer_state *state, float *param, mrq_gradient *const *worker, uint32_t workers, uint32_t part,
                       uint32_t parts)
{
    const size_t line = MRQ_ALIGN / sizeof(float), lines = state->tensors->dense_size / line;
    const size_t start = lines * part / parts * line, end = lines * (part + 1) / parts * line;
    float *sum = worker[0]->block;
    for (uint32_t w = 1; w < workers; w++)
        state->kernels->add(sum + start, worker[w]->block + start, end - start);
    move(state, param, sum, start, end - start);
}

/* The row in worker `w`'s list: gathers it from the workers behind, moves, and clears it everywhere. */
static void move_row(const mrq_optimizer_state *state, float *param, mrq_gradient *const *worker, uint32_t workers, uint32_t w,
                     uint32_t tensor, uint32_t row)
{
    const size_t at = mrq_tensor_at(state->tensors, tensor, row), n = state->tensors->tensor[tensor].cols;
    float *sum = worker[w]->block;
    for (uint32_t other = w + 1; other < workers; other++)
        if (worker[other]->mark[tensor][row])
            state->kernels->add(sum + at, worker[other]->block + at, n);
    move(state, param, sum, at, n);
    for (uint32_t other = w; other < workers; other++)
        if (worker[other]->mark[tensor][row]) {
            memset(worker[other]->block + at, 0, n * sizeof(float));
            worker[other]->mark[tensor][row] = 0;
        }
}

void mrq_optimizer_step(const mrq_optimizer_state *state, float *param, mrq_gradient *const *worker, uint32_t workers,
                        uint32_t part, uint32_t parts)
{
    move_dense(state, param, worker, workers, part, parts);
    for (uint32_t tensor = 0; tensor < state->tensors->n; tensor++) {
        if (!state->tensors->tensor[tensor].sparse)
            continue;
        for (uint32_t w = 0; w < workers; w++)
            for (uint32_t i = 0; i < worker[w]->n_touched[tensor]; i++) {
                const uint32_t row = worker[w]->touched[tensor][i];
                if (row % parts == part && worker[w]->mark[tensor][row]) /* no mark: an earlier worker had it too */
                    move_row(state, param, worker, workers, w, tensor, row);
            }
    }
}
