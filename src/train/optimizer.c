/* SGD, momentum (Polyak 1964), RMSProp (Tieleman, Hinton 2012: decay 0.9) and Adam (Kingma, Ba 2015: beta 0.9 and 0.999).
 *
 * L2 is divided by the batch size, like the mean of the errors: so the weight of a rating against the L2 term depends on no other
 * setting.
 *
 * Updates of embeddings are lazy: a row, its moments and its L2 change only in batches that contain it; a batch of 256 contains
 * some 200 of thousands of rows. Each part of a step owns a range of the dense parameters, and the rows whose number modulo `parts`
 * is its own. So each float has one owner, and sums are always taken in the order of the workers. */
#include "train/optimizer.h"

#include <math.h>
#include <string.h>

#define MOMENTUM      0.9
#define RMSPROP_DECAY 0.9
#define BETA1         0.9
#define BETA2         0.999
#define EPSILON       1e-8f

mrq_status mrq_optimizer_make(const mrq_tensors *tensors, const mrq_training *settings, mrq_arena *arena, mrq_optimizer_state *out,
                              mrq_error *err)
{
    const mrq_optimizer kind = settings->optimizer;
    *out = (mrq_optimizer_state){.tensors = tensors, .kernels = mrq_kernels_best(), .settings = settings};
    if (kind == MRQ_MOMENTUM || kind == MRQ_ADAM)
        if (!(out->moment1 = mrq_arena_array(arena, tensors->size, sizeof(float))))
            return mrq_fail_memory(err, "preparing the optimiser");
    if (kind == MRQ_RMSPROP || kind == MRQ_ADAM)
        if (!(out->moment2 = mrq_arena_array(arena, tensors->size, sizeof(float))))
            return mrq_fail_memory(err, "preparing the optimiser");
    return MRQ_OK;
}

/* The fraction of the learning rate that remains. */
static double schedule(mrq_schedule kind, double progress)
{
    switch (kind) {
    case MRQ_LINEAR_DECAY:
        return 1 - progress;
    case MRQ_COSINE_DECAY:
        return 0.5 * (1 + cos(3.14159265358979323846 * progress));
    case MRQ_CONSTANT:
        break;
    }
    return 1;
}

void mrq_optimizer_begin(mrq_optimizer_state *state, double progress, uint32_t batch)
{
    const mrq_training *settings = state->settings;
    double lr = settings->lr * schedule(settings->schedule, progress), decay1 = MOMENTUM, decay2 = RMSPROP_DECAY;
    state->step++;
    if (settings->optimizer == MRQ_ADAM) {
        const double t = (double)state->step;
        decay1 = BETA1;
        decay2 = BETA2;
        lr *= sqrt(1 - pow(BETA2, t)) / (1 - pow(BETA1, t));
    }
    state->now = (mrq_step){(float)lr, (float)(settings->l2 / batch), 1, (float)decay1, (float)decay2, EPSILON};
}

/* The range of the dense parameters that a part owns. */
static void dense_range(const mrq_optimizer_state *state, uint32_t part, uint32_t parts, size_t *start, size_t *end)
{
    const size_t line = MRQ_ALIGN / sizeof(float), lines = state->tensors->dense_size / line;
    *start = lines * part / parts * line;
    *end = lines * (part + 1) / parts * line;
}

static void sum_dense(const mrq_optimizer_state *state, mrq_gradient *const *worker, uint32_t workers, size_t start, size_t end)
{
    for (uint32_t w = 1; w < workers; w++)
        state->kernels->add(worker[0]->block + start, worker[w]->block + start, end - start);
}

/* A row with a gradient; `first` is the first worker that has one, and sums the others' into it. */
struct row {
    uint32_t tensor, row, first;
    size_t at, n;
};

static void sum_row(const mrq_optimizer_state *state, mrq_gradient *const *worker, uint32_t workers, const struct row *r)
{
    for (uint32_t w = r->first + 1; w < workers; w++)
        if (worker[w]->mark[r->tensor][r->row])
            state->kernels->add(worker[r->first]->block + r->at, worker[w]->block + r->at, r->n);
}

static void clear_row(mrq_gradient *const *worker, uint32_t workers, const struct row *r)
{
    for (uint32_t w = r->first; w < workers; w++)
        if (worker[w]->mark[r->tensor][r->row]) {
            memset(worker[w]->block + r->at, 0, r->n * sizeof(float));
            worker[w]->mark[r->tensor][r->row] = 0;
        }
}

/* Rows come in no order that the CPU could predict, so they are prefetched a few ahead. */
static void prefetch(const float *block, size_t at, size_t n)
{
    const size_t line = MRQ_ALIGN / sizeof(float), most = n < 4 * line ? n : 4 * line;
    for (size_t i = 0; block && i < most; i += line)
        __builtin_prefetch(block + at + i, 1);
}

/* One part of a step. */
struct step {
    const mrq_optimizer_state *state;
    float *param;
    mrq_gradient *const *worker;
    uint32_t workers, part, parts;
};
typedef double row_function(const struct step *step, const struct row *row);

/* Calls `function` for each touched row that the part owns. Returns the sum of its results. */
static double for_rows(const struct step *step, row_function *function)
{
    enum { AHEAD = 4 };
    const mrq_tensors *tensors = step->state->tensors;
    double total = 0;
    for (uint32_t tensor = 0; tensor < tensors->n; tensor++) {
        const size_t n = tensors->tensor[tensor].cols;
        for (uint32_t w = 0; w < step->workers; w++) {
            const mrq_gradient *gradient = step->worker[w];
            const uint32_t touched = gradient->n_touched[tensor];
            for (uint32_t i = 0; i < touched; i++) {
                const uint32_t row = gradient->touched[tensor][i];
                if (i + AHEAD < touched && gradient->touched[tensor][i + AHEAD] % step->parts == step->part) {
                    const size_t next = mrq_tensor_at(tensors, tensor, gradient->touched[tensor][i + AHEAD]);
                    prefetch(step->param, next, n);
                    prefetch(step->state->moment1, next, n);
                    prefetch(step->state->moment2, next, n);
                }
                bool first = row % step->parts == step->part && gradient->mark[tensor][row]; /* mark cleared: already moved */
                for (uint32_t before = 0; first && before < w; before++)
                    first = !step->worker[before]->mark[tensor][row];
                if (first)
                    total += function(step, &(struct row){tensor, row, w, mrq_tensor_at(tensors, tensor, row), n});
            }
        }
    }
    return total;
}

static double sum_one(const struct step *step, const struct row *r)
{
    const float *sum = step->worker[r->first]->block + r->at;
    sum_row(step->state, step->worker, step->workers, r);
    return (double)step->state->kernels->dot(sum, sum, r->n);
}

double mrq_optimizer_sum(const mrq_optimizer_state *state, mrq_gradient *const *worker, uint32_t workers, uint32_t part,
                         uint32_t parts)
{
    size_t start, end;
    dense_range(state, part, parts, &start, &end);
    sum_dense(state, worker, workers, start, end);
    const float *sum = worker[0]->block + start;
    const struct step step = {state, NULL, worker, workers, part, parts};
    return (double)state->kernels->dot(sum, sum, end - start) + for_rows(&step, sum_one);
}

static void move(const struct step *step, const float *gradient, size_t at, size_t n, const mrq_step *now)
{
    const mrq_optimizer_state *state = step->state;
    mrq_update *const update[] = {[MRQ_SGD] = state->kernels->sgd,
                                  [MRQ_MOMENTUM] = state->kernels->momentum,
                                  [MRQ_RMSPROP] = state->kernels->rmsprop,
                                  [MRQ_ADAM] = state->kernels->adam};
    update[state->settings->optimizer](step->param + at, gradient + at, state->moment1 ? state->moment1 + at : NULL,
                                       state->moment2 ? state->moment2 + at : NULL, now, n);
}

static double move_one(const struct step *step, const struct row *r)
{
    if (!(step->state->settings->clip > 0))
        sum_row(step->state, step->worker, step->workers, r);
    mrq_step now = step->state->now;
    now.lr *= step->state->tensors->tensor[r->tensor].rate;
    move(step, step->worker[r->first]->block, r->at, r->n, &now);
    clear_row(step->worker, step->workers, r);
    return 0;
}

void mrq_optimizer_move(const mrq_optimizer_state *state, float *param, mrq_gradient *const *worker, uint32_t workers,
                        uint32_t part, uint32_t parts, double squares)
{
    mrq_optimizer_state clipped = *state;
    const double clip = state->settings->clip, norm = sqrt(squares);
    if (clip > 0 && norm > clip)
        clipped.now.factor = (float)(clip / norm);
    size_t start, end;
    dense_range(state, part, parts, &start, &end);
    if (!(clip > 0))
        sum_dense(state, worker, workers, start, end);
    const struct step step = {&clipped, param, worker, workers, part, parts};
    move(&step, worker[0]->block, start, end - start, &clipped.now);
    for_rows(&step, move_one);
}
