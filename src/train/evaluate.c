#include "train/evaluate.h"

#include <math.h>

mrq_status mrq_vectors_make(const mrq_model *model, mrq_arena *arena, mrq_vectors *out, mrq_error *err)
{
    const size_t width = model->user.width;
    out->users = mrq_arena_array(arena, model->users->rows, width * sizeof(float));
    out->items = mrq_arena_array(arena, model->items->rows, width * sizeof(float));
    return out->users && out->items ? MRQ_OK : mrq_fail_memory(err, "preparing the evaluation");
}

mrq_status mrq_vectors_update(const mrq_model *model, mrq_vectors *vectors, mrq_error *err)
{
    MRQ_TRY(mrq_model_user_vectors(model, vectors->users, err));
    return mrq_model_item_vectors(model, vectors->items, err);
}

/* What the neighbours of the user's likes add to the item's score. */
static double of_neighbours(const mrq_model *model, uint32_t user, uint32_t item)
{
    const mrq_links *likes = &model->likes, *near = &model->neighbours;
    double sum = 0;
    if (!near->strength)
        return 0;
    for (uint64_t i = likes->list.offset[user]; i < likes->list.offset[user + 1]; i++) {
        const uint64_t at = mrq_lists_find(&near->list, likes->list.item[i], item);
        sum += at == UINT64_MAX ? 0 : (double)(likes->strength[i] * near->strength[at]);
    }
    return sum;
}

double mrq_score(const mrq_model *model, const mrq_vectors *vectors, uint32_t user, uint32_t item)
{
    const mrq_description *d = &model->description;
    const size_t width = model->user.width;
    const float *u = vectors->users + user * width, *m = vectors->items + item * width;
    double score = (double)mrq_kernels_best()->dot(u, m, d->dim) * (d->score == MRQ_COSINE ? d->scale : 1) + d->shift;
    if (d->bias)
        score += (double)u[d->dim] + (double)m[d->dim];
    score += of_neighbours(model, user, item);
    return score < model->results.rating_min   ? model->results.rating_min
           : score > model->results.rating_max ? model->results.rating_max
                                               : score;
}

double mrq_rmse(const mrq_model *model, const mrq_vectors *vectors, const mrq_dataset *data, const uint32_t *rating, uint64_t n)
{
    double sum = 0;
    for (uint64_t i = 0; i < n; i++) {
        const double error =
            mrq_score(model, vectors, data->user[rating[i]], data->item[rating[i]]) - (double)data->rating[rating[i]];
        sum += error * error;
    }
    return n ? sqrt(sum / (double)n) : NAN;
}

mrq_model_source mrq_train_source(const mrq_dataset *data, const uint32_t *list, uint64_t n)
{
    return (mrq_model_source){.users = data->users,
                              .items = data->items,
                              .rating_user = data->user,
                              .rating_item = data->item,
                              .rating = data->rating,
                              .rating_time = data->time,
                              .train = list,
                              .n_ratings = data->n,
                              .n_train = n,
                              .like = mrq_like_least(data)};
}

double mrq_like_least(const mrq_dataset *data)
{
    return data->like;
}
