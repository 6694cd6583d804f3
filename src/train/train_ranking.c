/* Training of a ranking. It is solved in one pass: no epochs, no checkpoint, no validation part. */
#include <math.h>
#include <string.h>

#include "base/finite.h"
#include "model/likes.h"
#include "train/ranking.h"
#include "train/retrieval.h"
#include "train/trainer.h"

#define MEASURED_AT 10

static bool show_stage(void *context, const char *doing, uint32_t done, uint32_t of)
{
    const mrq_train_watch *watch = context;
    if (watch->stage)
        watch->stage(watch->context, doing, done, of);
    return watch->stop && *watch->stop;
}

/* Recall and NDCG over the likes of the test part. */
static mrq_status measure(const mrq_dataset *data, mrq_model *model, const mrq_split *split, uint32_t threads, mrq_error *err)
{
    MRQ_CLEANUP(mrq_arena_free) mrq_arena *arena = mrq_arena_new();
    mrq_links tested;
    mrq_vectors vectors;
    if (!arena)
        return mrq_fail_memory(err, "preparing the evaluation");
    const mrq_model_source source = mrq_train_source(data, split->test, split->n_test);
    MRQ_TRY(mrq_likes_make(&source, arena, &tested, err));
    uint32_t *user = mrq_arena_array(arena, data->users->rows, sizeof *user);
    uint32_t *top = mrq_arena_array(arena, (size_t)data->users->rows * MEASURED_AT, sizeof *top);
    if (!user || !top)
        return mrq_fail_memory(err, "preparing the evaluation");
    mrq_rank_task task = {
        .items = data->items->rows, .user = user, .hidden = model->likes.list, .k = MEASURED_AT, .threads = threads};
    for (uint32_t u = 0; u < data->users->rows; u++)
        if (tested.list.offset[u] < tested.list.offset[u + 1])
            user[task.n_users++] = u;
    if (!task.n_users)
        return MRQ_OK;
    MRQ_TRY(mrq_vectors_make(model, arena, &vectors, err));
    MRQ_TRY(mrq_vectors_update(model, &vectors, err));
    MRQ_TRY(mrq_rank(&task, mrq_score_items, &(mrq_model_scorer){model, &vectors}, top, err));
    double recall = 0, ndcg = 0;
    for (uint32_t i = 0; i < task.n_users; i++) {
        const uint64_t *of = tested.list.offset + user[i];
        const mrq_rank_measures m =
            mrq_rank_measure(top + (size_t)i * MEASURED_AT, MEASURED_AT, tested.list.item + of[0], of[1] - of[0]);
        recall += m.recall;
        ndcg += m.ndcg;
    }
    model->results.test_recall = recall / task.n_users;
    model->results.test_ndcg = ndcg / task.n_users;
    return MRQ_OK;
}

/* Finds the ages of the likes where their order may count. */
static mrq_status order_likes(const mrq_dataset *data, const mrq_train_options *options, const mrq_split *split, mrq_model *model,
                              mrq_error *err)
{
    const mrq_recency_use recency = model->description.train.recency;
    const bool by_time = options->by_time || (!options->parts && options->split == MRQ_SPLIT_TIME);
    if (recency == MRQ_RECENCY_OFF || (recency == MRQ_RECENCY_CHOSEN && !by_time))
        return MRQ_OK;
    const mrq_model_source source = mrq_train_source(data, split->train, split->n_train);
    model->like_age = mrq_likes_ages(&source, &model->likes, model->arena);
    return model->like_age ? MRQ_OK : mrq_fail_memory(err, "ordering likes");
}

static mrq_status train(const mrq_dataset *data, const mrq_description *description, const mrq_train_options *options,
                        const mrq_train_watch *watch, const mrq_split *split, mrq_model **out, mrq_error *err)
{
    MRQ_CLEANUP(mrq_model_free) mrq_model *model = NULL;
    mrq_train_watch to = *watch;
    MRQ_TRY(mrq_train_begin(data, description, options, split, &model, err));
    MRQ_TRY(order_likes(data, options, split, model, err));
    mrq_parallel_stop(watch->stop);
    const mrq_status solved = mrq_retrieval_solve(model, options->threads, options->seed, show_stage, &to, err);
    mrq_parallel_stop(NULL);
    MRQ_TRY(solved);
    mrq_model_results *r = &model->results;
    r->threads = options->threads;
    r->epochs = r->best_epoch = 1;
    r->ranks = true;
    r->rating_min = -INFINITY; /* scores are not ratings and have no range */
    r->rating_max = INFINITY;
    if (!mrq_all_finite(model->param, model->tensors.size))
        return mrq_fail(err, MRQ_FAILED, "the solution is not finite: try a larger l2 than %g", description->train.l2);
    MRQ_TRY(measure(data, model, split, options->threads, err));
    *out = model;
    model = NULL;
    return MRQ_OK;
}

mrq_status mrq_train_ranking(const mrq_dataset *data, const mrq_description *description, const mrq_train_options *options,
                             const mrq_train_watch *watch, mrq_train_result *out, mrq_error *err)
{
    if (options->warm)
        return mrq_fail(err, MRQ_USAGE, "model \"%s\" is solved in closed form and cannot start from another", description->name);
    mrq_split split = {0};
    mrq_model *model = NULL;
    mrq_status status = mrq_train_divide(data, options, 0, &split, err);
    if (status == MRQ_OK)
        status = train(data, description, options, watch, &split, &model, err);
    mrq_split_clear(&split);
    if (status == MRQ_OK)
        *out = (mrq_train_result){.model = model, .end = MRQ_TRAIN_DONE, .epoch = 1};
    return status;
}
