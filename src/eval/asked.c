/* What is known beside the training is added to a model's user as an answer adds the items of --liked. */
#include "eval/asked.h"

#include "model/gemm.h"
#include "model/recency.h"

static mrq_status fold(mrq_asked *asked, mrq_error *err)
{
    double reach;
    asked->items = mrq_arena_array(asked->arena, asked->model->items->rows,
                                   mrq_description_dim(&asked->model->description) * sizeof *asked->items);
    if (!asked->items)
        return mrq_fail_memory(err, "measuring");
    MRQ_TRY(mrq_model_export_items(asked->model, asked->items, &reach, err));
    return mrq_model_fold(asked->model, reach, &asked->tower, err);
}

static mrq_status prepare(mrq_asked *asked, mrq_error *err)
{
    MRQ_TRY(mrq_vectors_make(asked->model, asked->arena, &asked->vectors, err));
    MRQ_TRY(mrq_vectors_update(asked->model, &asked->vectors, err));
    return asked->parts->known.offset && asked->model->likes.list.offset ? fold(asked, err) : MRQ_OK;
}

mrq_status mrq_asked_make(const mrq_model *model, const mrq_parts *parts, mrq_asked *out, mrq_error *err)
{
    mrq_asked asked = {.arena = mrq_arena_new(), .model = model, .parts = parts};
    const mrq_status status = asked.arena ? prepare(&asked, err) : mrq_fail_memory(err, "measuring");
    if (status == MRQ_OK)
        *out = asked;
    else
        mrq_asked_clear(&asked);
    return status;
}

void mrq_asked_clear(mrq_asked *asked)
{
    mrq_folded_free(asked->tower);
    mrq_arena_free(asked->arena);
    *asked = (mrq_asked){0};
}

/* The unit vector of a user with the likes that are known besides, the newest last; and what the neighbours of all his likes add to
 * the scores, in the unit of this vector's inner products. */
static mrq_status make_vector(const mrq_asked *asked, uint32_t i, float *out, float *near, mrq_error *err)
{
    const mrq_folded *tower = asked->tower;
    const uint32_t user = asked->parts->user[i];
    const mrq_items known = mrq_parts_known(asked->parts, i);
    const uint64_t first = tower->history.list.offset[user], learned = tower->history.list.offset[user + 1] - first;
    MRQ_AUTOFREE float *older = mrq_array(learned, sizeof *older), *newer = mrq_array(known.n, sizeof *newer);
    if (!older || !newer)
        return mrq_fail_memory(err, "ranking items");
    mrq_folded_age(tower, user, known.n, older);
    for (uint32_t j = 0; j < known.n; j++)
        newer[j] = MRQ_LIKES * (tower->age ? (float)mrq_recency(known.n - 1 - j) : 1);
    const mrq_feedback liked[] = {{(uint32_t)learned, tower->history.list.item + first, older}, {known.n, known.item, newer}};
    uint32_t value[MRQ_BRANCHES_MAX];
    mrq_line line;
    mrq_folded_values(tower, asked->model->users, user, value);
    mrq_folded_forget(tower, value);
    mrq_folded_vector_of(tower, value, NULL, liked, 2, out, &line);
    for (int l = 0; l < 2 && asked->model->neighbours.strength; l++)
        mrq_add_neighbours(&asked->model->neighbours, liked[l].n, liked[l].item, liked[l].strength, (float)(1 / line.slope), near);
    return MRQ_OK;
}

mrq_status mrq_asked_score(const void *context, const uint32_t *ask, uint32_t n, float *out, mrq_error *err)
{
    const mrq_asked *asked = context;
    const uint32_t items = asked->model->items->rows;
    if (!asked->tower) {
        MRQ_AUTOFREE uint32_t *user = mrq_array(n, sizeof *user);
        if (!user)
            return mrq_fail_memory(err, "ranking items");
        for (uint32_t i = 0; i < n; i++)
            user[i] = asked->parts->user[ask[i]];
        return mrq_score_items(&(mrq_model_scorer){asked->model, &asked->vectors}, user, n, out, err);
    }
    const uint32_t dim = asked->tower->dim;
    MRQ_AUTOFREE float *vector = mrq_array((size_t)n * dim, sizeof *vector), *near = mrq_array((size_t)n * items, sizeof *near);
    if (!vector || !near)
        return mrq_fail_memory(err, "ranking items");
    for (uint32_t i = 0; i < n; i++)
        MRQ_TRY(make_vector(asked, ask[i], vector + (size_t)i * dim, near + (size_t)i * items, err));
    mrq_gemm_bt(n, items, dim, vector, dim, asked->items, dim, out, items);
    for (size_t i = 0; i < (size_t)n * items; i++)
        out[i] += near[i];
    return MRQ_OK;
}

mrq_status mrq_asked_ranker_score(const void *context, const uint32_t *ask, uint32_t n, float *out, mrq_error *err)
{
    const mrq_ranker *ranker = context;
    MRQ_AUTOFREE uint32_t *user = mrq_array(n, sizeof *user);
    MRQ_AUTOFREE mrq_items *known = mrq_array(n, sizeof *known);
    if (!user || !known)
        return mrq_fail_memory(err, "ranking items");
    for (uint32_t i = 0; i < n; i++) {
        user[i] = ranker->parts->user[ask[i]];
        known[i] = mrq_parts_known(ranker->parts, ask[i]);
    }
    return mrq_ranker_score_knowing(ranker, user, known, n, out, err);
}
