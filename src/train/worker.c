#include "train/worker.h"

static double id_dropout(const mrq_tower *tower)
{
    for (uint32_t b = 0; b < tower->n; b++)
        if (tower->plan[b].branch->kind == MRQ_BRANCH_ID)
            return tower->plan[b].branch->dropout;
    return 0;
}

static mrq_status make_side(const mrq_tower *tower, uint32_t capacity, mrq_arena *arena, mrq_side *side, mrq_error *err)
{
    *side = (mrq_side){.entities = tower->entities, .dropout = id_dropout(tower)};
    side->entity = mrq_arena_array(arena, capacity, sizeof *side->entity);
    side->of = mrq_arena_array(arena, capacity, sizeof *side->of);
    side->slot = mrq_arena_array(arena, 2 * (size_t)tower->entities, sizeof *side->slot);
    if (!side->entity || !side->of || !side->slot)
        return mrq_fail_memory(err, "preparing a worker");
    return mrq_pass_make(tower, capacity, arena, &side->pass, err);
}

mrq_status mrq_worker_make(const mrq_model *model, const mrq_dataset *data, uint32_t capacity, uint64_t seed, uint32_t number,
                           mrq_arena *arena, mrq_worker *out, mrq_error *err)
{
    *out = (mrq_worker){.model = model, .data = data};
    mrq_random_init(&out->rng, seed, 0x100000000u + number); /* the tensors' starting values have the lower streams */
    MRQ_TRY(make_side(&model->user, capacity, arena, &out->user, err));
    MRQ_TRY(make_side(&model->movie, capacity, arena, &out->movie, err));
    return mrq_gradient_make(&model->tensors, arena, &out->gradient, err);
}

/* The place of an entity among the distinct ones, which it joins if it is new. */
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

/* Score, squared error, and its gradient by both unit vectors. */
static void score(mrq_worker *worker, const uint32_t *rating, uint32_t n, uint32_t batch)
{
    const mrq_kernels *kernels = mrq_kernels_best();
    const uint32_t dim = worker->model->description.dim;
    const float scale = (float)worker->model->description.scale;
    const float *users = mrq_pass_unit(worker->user.pass), *movies = mrq_pass_unit(worker->movie.pass);
    float *dusers = mrq_pass_gradient(worker->user.pass), *dmovies = mrq_pass_gradient(worker->movie.pass);
    for (uint32_t i = 0; i < n; i++) {
        const size_t u = (size_t)worker->user.of[i] * dim, m = (size_t)worker->movie.of[i] * dim;
        const float error = scale * kernels->dot(users + u, movies + m, dim) - worker->data->rating[rating[i]];
        const float gradient = 2 * error * scale / (float)batch;
        worker->loss += (double)error * error;
        kernels->add_scaled(dusers + u, gradient, movies + m, dim);
        kernels->add_scaled(dmovies + m, gradient, users + u, dim);
    }
}

void mrq_worker_run(mrq_worker *worker, const uint32_t *rating, uint32_t n, uint32_t batch)
{
    const float *param = worker->model->param;
    worker->loss = 0;
    worker->user.n = worker->movie.n = 0;
    for (uint32_t t = 0; t < worker->model->tensors.n; t++)
        worker->gradient.n_touched[t] = 0;
    for (uint32_t i = 0; i < n; i++) {
        worker->user.of[i] = place(&worker->user, &worker->rng, worker->data->user[rating[i]]);
        worker->movie.of[i] = place(&worker->movie, &worker->rng, worker->data->movie[rating[i]]);
    }
    mrq_pass_forward(worker->user.pass, param, worker->user.entity, worker->user.n);
    mrq_pass_forward(worker->movie.pass, param, worker->movie.entity, worker->movie.n);
    score(worker, rating, n, batch);
    mrq_pass_backward(worker->user.pass, param, &worker->gradient);
    mrq_pass_backward(worker->movie.pass, param, &worker->gradient);
}
