/* The beginning of every training: the split, and a model with the results that are known by then. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "model/gemm.h"
#include "train/trainer.h"

static mrq_status copy_part(const uint32_t *from, uint64_t n, uint32_t **out, mrq_error *err)
{
    if (!(*out = mrq_array((size_t)n, sizeof **out)))
        return mrq_fail_memory(err, "dividing the ratings");
    if (n)
        memcpy(*out, from, (size_t)n * sizeof **out);
    return MRQ_OK;
}

static mrq_status copy_parts(const mrq_split *from, mrq_split *out, mrq_error *err)
{
    *out = (mrq_split){.n_train = from->n_train, .n_valid = from->n_valid, .n_test = from->n_test};
    MRQ_TRY(copy_part(from->train, from->n_train, &out->train, err));
    MRQ_TRY(copy_part(from->valid, from->n_valid, &out->valid, err));
    return copy_part(from->test, from->n_test, &out->test, err);
}

static bool has_branch(const mrq_tower_description *tower, const char *column)
{
    for (uint32_t b = 0; b < tower->n; b++)
        if (strcmp(tower->branch[b].feature, column) == 0)
            return true;
    return false;
}

/* A query may give any category of the users, but only one that the model has a branch for changes the answer. A model that uses
 * none of them is meant to. */
static void tell_unused(const mrq_model *model)
{
    const mrq_description *description = mrq_model_description(model);
    char names[400] = "";
    size_t used = 0;
    bool any = false;
    for (uint32_t c = 0; c < model->users->n_columns && used < sizeof names; c++) {
        const mrq_column *column = &model->users->column[c];
        if (column->kind != MRQ_CATEGORY)
            continue;
        if (has_branch(&description->user, column->name))
            any = true;
        else
            used += (size_t)snprintf(names + used, sizeof names - used, "%s%s", used ? "," : "", column->name);
    }
    if (any && used)
        mrq_log(MRQ_LOG_INFO, "train", "model=%s users_columns_not_used=%s", description->name, names);
}

mrq_status mrq_train_begin(const mrq_dataset *data, const mrq_description *description, const mrq_train_options *options,
                           const mrq_split *split, mrq_model **out, mrq_error *err)
{
    mrq_model_source source = mrq_train_source(data, split->train, split->n_train);
    source.seed = options->seed;
    MRQ_TRY(mrq_blas_check(err));
    mrq_blas_tell();
    MRQ_TRY(mrq_model_new(description, &source, out, err));
    mrq_model_results *r = &(*out)->results;
    r->seed = options->seed;
    r->train_ratings = split->n_train;
    r->valid_ratings = split->n_valid;
    r->test_ratings = split->n_test;
    r->data_fingerprint = data->fingerprint;
    r->test_share = options->test;
    r->train_rmse = r->valid_rmse = r->test_rmse = r->test_recall = r->test_ndcg = NAN;
    snprintf(r->schema, sizeof r->schema, "%s", data->schema);
    snprintf(r->blas_core, sizeof r->blas_core, "%s", mrq_blas_core());
    snprintf(r->blas_chosen_by, sizeof r->blas_chosen_by, "%s", mrq_blas_chosen_by());
    snprintf(r->split, sizeof r->split, "%s", options->parts ? "given" : mrq_split_names[options->split]);
    tell_unused(*out);
    const uint64_t again = data->n - (*out)->seen.offset[data->users->rows];
    if (again)
        mrq_log(MRQ_LOG_WARN, "train",
                "%llu of %llu ratings repeat an earlier one of the same user and %s; only --split hash keeps copies in one part",
                (unsigned long long)again, (unsigned long long)data->n, data->items->noun.one);
    return MRQ_OK;
}

mrq_status mrq_train_divide(const mrq_dataset *data, const mrq_train_options *options, double validation, mrq_split *out,
                            mrq_error *err)
{
    return options->parts ? copy_parts(options->parts, out, err)
                          : mrq_split_make(data, options->split, options->test, validation, options->seed, out, err);
}
