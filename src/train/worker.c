#include "train/worker.h"

#include "model/gemm.h"

static double dropout(const mrq_tower *tower, mrq_branch_kind kind)
{
    for (uint32_t b = 0; b < tower->n; b++)
        if (tower->plan[b].branch->kind == kind)
            return tower->plan[b].branch->dropout;
    return 0;
}

static mrq_status make_side(const mrq_tower *tower, uint32_t capacity, mrq_arena *arena, mrq_side *side, mrq_error *err)
{
    *side = (mrq_side){.entities = tower->entities, .dropout = dropout(tower, MRQ_BRANCH_ID)};
    const uint64_t most = (side->dropout > 0 ? 2 : 1) * (uint64_t)tower->entities;
    const uint32_t distinct = capacity < most ? capacity : (uint32_t)most;
    side->row = mrq_arena_array(arena, capacity, sizeof *side->row);
    side->entity = mrq_arena_array(arena, distinct, sizeof *side->entity);
    side->of = mrq_arena_array(arena, capacity, sizeof *side->of);
    side->slot = mrq_arena_array(arena, 2 * (size_t)tower->entities, sizeof *side->slot);
    if (!side->row || !side->entity || !side->of || !side->slot)
        return mrq_fail_memory(err, "preparing a worker");
    return mrq_pass_make(tower, distinct, arena, &side->pass, err);
}

/* In a factorisation an id's embedding is its vector, so no pass through a tower is needed. */
static bool is_factor(const mrq_tower *tower)
{
    const mrq_branch_plan *plan = &tower->plan[0];
    return tower->n == 1 && plan->branch->kind == MRQ_BRANCH_ID && !(plan->branch->dropout > 0) && plan->width == tower->width &&
           plan->weight == MRQ_NONE && tower->weight == MRQ_NONE && tower->activation == MRQ_LINEAR && !tower->unit;
}

bool mrq_is_factorisation(const mrq_model *model)
{
    return is_factor(&model->user) && is_factor(&model->item);
}

mrq_status mrq_worker_make(const mrq_model *model, const mrq_dataset *data, uint32_t capacity, uint64_t seed, uint32_t number,
                           mrq_arena *arena, mrq_worker *out, mrq_error *err)
{
    *out = (mrq_worker){.model = model,
                        .data = data,
                        .kernels = mrq_kernels_best(),
                        .factors = mrq_is_factorisation(model),
                        .input_dropout = dropout(&model->item, MRQ_BRANCH_RATINGS)};
    mrq_random_init(&out->rng, seed, 0x100000000u + number); /* the starting values of tensors use the lower streams */
    MRQ_TRY(make_side(&model->user, capacity, arena, &out->user, err));
    MRQ_TRY(make_side(&model->item, capacity, arena, &out->item, err));
    if (!(out->rating = mrq_arena_array(arena, capacity, sizeof *out->rating)))
        return mrq_fail_memory(err, "preparing a worker");
    return mrq_gradient_make(&model->tensors, arena, &out->gradient, err);
}

/* The index of an entity among the share's distinct ones; adds it if it is new. */
static uint32_t place(mrq_side *side, mrq_random *rng, uint32_t row)
{
    const bool dropped = side->dropout > 0 && mrq_random_unit(rng) < side->dropout;
    const uint32_t number = dropped ? row | MRQ_DROPPED : row;
    uint32_t *slot = &side->slot[dropped ? (size_t)side->entities + row : row];
    if (*slot >= side->n || side->entity[*slot] != number) {
        *slot = side->n++;
        side->entity[*slot] = number;
    }
    return *slot;
}

/* The weight of a rating that the item's vector was computed from: it teaches less than one that is hidden from the input. */
#define SEEN_WEIGHT 0.5f

static float weight(const mrq_worker *worker, uint32_t i)
{
    if (!(worker->input_dropout > 0))
        return 1;
    return mrq_rating_kept(worker->salt, worker->input_dropout, worker->user.row[i], worker->item.row[i]) ? SEEN_WEIGHT : 1;
}

/* Scores, squared errors, and the gradients of both vectors. */
static void score(mrq_worker *worker, uint32_t n, uint32_t batch)
{
    const mrq_kernels *kernels = worker->kernels;
    const mrq_description *d = &worker->model->description;
    const uint32_t dim = d->dim, width = worker->model->user.width;
    const float scale = d->score == MRQ_COSINE ? (float)d->scale : 1, shift = (float)d->shift;
    const float *users = mrq_pass_vector(worker->user.pass), *items = mrq_pass_vector(worker->item.pass);
    float *dusers = mrq_pass_gradient(worker->user.pass), *ditems = mrq_pass_gradient(worker->item.pass);
    double loss = 0;
    for (uint32_t i = 0; i < n; i++) {
        const size_t u = (size_t)worker->user.of[i] * width, m = (size_t)worker->item.of[i] * width;
        float error = scale * kernels->dot(users + u, items + m, dim) + shift - worker->rating[i];
        if (dim < width)
            error += users[u + dim] + items[m + dim];
        const float by_score = 2 * error * weight(worker, i) / (float)batch;
        loss += (double)error * error;
        kernels->add_both(dusers + u, ditems + m, scale * by_score, users + u, items + m, dim);
        if (dim < width) {
            dusers[u + dim] += by_score;
            ditems[m + dim] += by_score;
        }
    }
    worker->loss = loss;
    worker->flops += 6.0 * dim * n;
}

/* Prefetches a row of parameters and its gradient. */
static void prefetch(const mrq_worker *worker, const mrq_branch_plan *plan, uint32_t row)
{
    const size_t at = mrq_tensor_at(&worker->model->tensors, plan->embedding, row), line = MRQ_ALIGN / sizeof(float);
    for (size_t i = 0; i < plan->width && i < 4 * line; i += line) {
        __builtin_prefetch(worker->model->param + at + i);
        __builtin_prefetch(worker->gradient.block + at + i, 1);
    }
}

/* The same result as run_towers(), in one loop over the share: a third of the memory traffic. */
static void run_factors(mrq_worker *worker, uint32_t n, uint32_t batch)
{
    const mrq_model *model = worker->model;
    const mrq_branch_plan *users = &model->user.plan[0], *items = &model->item.plan[0];
    const uint32_t dim = model->description.dim, width = model->user.width;
    const float shift = (float)model->description.shift, *param = model->param;
    enum { AHEAD = 6 };
    double loss = 0;
    for (uint32_t i = 0; i < n; i++) {
        if (i + AHEAD < n) {
            prefetch(worker, users, users->value[worker->user.row[i + AHEAD]]);
            prefetch(worker, items, items->value[worker->item.row[i + AHEAD]]);
        }
        const uint32_t user = users->value[worker->user.row[i]], item = items->value[worker->item.row[i]];
        const float *u = param + mrq_tensor_at(&model->tensors, users->embedding, user);
        const float *m = param + mrq_tensor_at(&model->tensors, items->embedding, item);
        float *du = mrq_gradient_touch(&worker->gradient, &model->tensors, users->embedding, user);
        float *dm = mrq_gradient_touch(&worker->gradient, &model->tensors, items->embedding, item);
        float error = worker->kernels->dot(u, m, dim) + shift - worker->rating[i];
        if (dim < width)
            error += u[dim] + m[dim];
        const float by_score = 2 * error / (float)batch;
        loss += (double)error * error;
        worker->kernels->add_both(du, dm, by_score, u, m, dim);
        if (dim < width) {
            du[dim] += by_score;
            dm[dim] += by_score;
        }
    }
    worker->loss = loss;
    worker->flops += 6.0 * dim * n;
}

static void run_towers(mrq_worker *worker, uint32_t n, uint32_t batch)
{
    const float *param = worker->model->param;
    worker->user.n = worker->item.n = 0;
    for (uint32_t i = 0; i < n; i++) {
        worker->user.of[i] = place(&worker->user, &worker->rng, worker->user.row[i]);
        worker->item.of[i] = place(&worker->item, &worker->rng, worker->item.row[i]);
    }
    mrq_flops = 0;
    mrq_pass_salt(worker->item.pass, worker->salt);
    mrq_pass_forward(worker->user.pass, param, worker->user.entity, worker->user.n);
    mrq_pass_forward(worker->item.pass, param, worker->item.entity, worker->item.n);
    score(worker, n, batch);
    mrq_pass_backward(worker->user.pass, param, &worker->gradient);
    mrq_pass_backward(worker->item.pass, param, &worker->gradient);
    worker->flops += mrq_flops;
}

void mrq_worker_run(mrq_worker *worker, const uint32_t *rating, uint32_t n, uint32_t batch)
{
    for (uint32_t t = 0; t < worker->model->tensors.n; t++)
        worker->gradient.n_touched[t] = 0;
    for (uint32_t i = 0; i < n; i++) { /* ratings are scattered in memory: only loads here, so that their cache misses overlap */
        worker->user.row[i] = worker->data->user[rating[i]];
        worker->item.row[i] = worker->data->item[rating[i]];
        worker->rating[i] = worker->data->rating[rating[i]];
    }
    if (worker->factors)
        run_factors(worker, n, batch);
    else
        run_towers(worker, n, batch);
}
