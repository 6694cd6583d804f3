/* marquee info of a model file and of a store. */
#include <math.h>
#include <stdio.h>

#include "info.h"
#include "model/network.h"
#include "store/store.h"

static void print_measure(const char *name, double value)
{
    if (!isnan(value))
        printf("%-14s%.4f\n", name, value);
}

static void print_results(const mrq_model *model)
{
    const mrq_description *d = mrq_model_description(model);
    const mrq_model_results *r = mrq_model_results_of(model);
    printf("%-14s%s\n%-14s%s\n", "model", d->name, "", d->about);
    printf("%-14s%u users, %u movies, schema %s, fingerprint %016llx\n", "data", model->users->rows, model->movies->rows, r->schema,
           (unsigned long long)r->data_fingerprint);
    printf("%-14s%llu training, %llu validation, %llu test (%s, share %g)\n", "ratings", (unsigned long long)r->train_ratings,
           (unsigned long long)r->valid_ratings, (unsigned long long)r->test_ratings, r->split, r->test_share);
    printf("%-14s%s, learning rate %g, batch %lld, seed %llu, %lld threads\n", "training",
           d->train.optimizer == MRQ_SGD ? "SGD" : "Adam", d->train.lr, (long long)d->train.batch, (unsigned long long)r->seed,
           (long long)r->threads);
    printf("%-14s%lld of %lld\n", "best pass", (long long)r->best_epoch, (long long)r->epochs);
    print_measure("train RMSE", r->train_rmse);
    print_measure("valid RMSE", r->valid_rmse);
    print_measure("test RMSE", r->test_rmse);
}

mrq_status mrq_info_model(const char *path, mrq_error *err)
{
    MRQ_CLEANUP(mrq_model_free) mrq_model *model = NULL;
    MRQ_TRY(mrq_model_load(path, &model, err));
    print_results(model);
    printf("%-14s%g x cosine of two vectors of %u, %s\n\n%-28s %16s %12s\n", "score", model->description.scale,
           model->description.dim, model->description.activation == MRQ_TANH ? "tanh" : "linear", "tensor", "shape", "parameters");
    size_t total = 0;
    for (uint32_t i = 0; i < model->tensors.n; i++) {
        const mrq_tensor *tensor = &model->tensors.tensor[i];
        const size_t size = (size_t)tensor->rows * tensor->cols;
        char shape[32];
        snprintf(shape, sizeof shape, "%u x %u", tensor->rows, tensor->cols);
        printf("%-28s %16s %12zu\n", tensor->name, shape, size);
        total += size;
    }
    printf("%-28s %16s %12zu\n", "total", "", total);
    return MRQ_OK;
}

mrq_status mrq_info_store(const char *path, mrq_error *err)
{
    MRQ_CLEANUP(mrq_generation_close) mrq_generation *generation = NULL;
    MRQ_CLEANUP(mrq_model_free) mrq_model *model = NULL;
    MRQ_TRY(mrq_generation_open(path, &generation, err));
    MRQ_TRY(mrq_store_model(path, &model, err));
    printf("%-14s%s (current, verified)\n%-14s%u\n%-14s%u\n%-14s%s, %u dimensions\n\n", "generation", generation->name, "movies",
           generation->movies->rows, "users", generation->users->rows, "index", generation->index_kind, generation->tower->dim);
    print_results(model);
    return MRQ_OK;
}
