/* The beginning of every training: the split, and a model with the results that are known by then. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "model/columns.h"
#include "model/gemm.h"
#include "model/likes.h"
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

/* Whether a tower looks at columns at all. A model that does not is meant to. */
static bool has_columns(const mrq_tower_description *tower)
{
    for (uint32_t b = 0; b < tower->n; b++) {
        const mrq_branch_kind kind = tower->branch[b].kind;
        if (kind != MRQ_BRANCH_ID && kind != MRQ_BRANCH_RATINGS && kind != MRQ_BRANCH_HISTORY)
            return true;
    }
    return false;
}

/* Tells which columns the model learns from, and why not from the others: what a query says of those changes nothing. */
static mrq_status tell_columns(const mrq_description *given, const mrq_model *model, bool of_users, mrq_error *err)
{
    const mrq_description *description = mrq_model_description(model);
    const mrq_tower_description *asked = of_users ? &given->user : &given->item,
                                *tower = of_users ? &description->user : &description->item;
    const mrq_table *table = of_users ? model->users : model->items;
    char names[600] = "";
    size_t used = 0;
    if (!has_columns(asked))
        return MRQ_OK;
    for (uint32_t c = 0; c < table->n_columns; c++) {
        const mrq_column *column = &table->column[c];
        char why[MRQ_COLUMN_WHY];
        bool tells;
        if (has_branch(tower, column->name)) {
            if (used < sizeof names)
                used += (size_t)snprintf(names + used, sizeof names - used, "%s%s", used ? ", " : "", column->name);
            continue;
        }
        MRQ_TRY(mrq_column_tells(table, column, &tells, why, err));
        if (tells && tower->n == MRQ_BRANCHES_MAX)
            snprintf(why, sizeof why, "the model has %d branches already", MRQ_BRANCHES_MAX);
        else if (tells && of_users && column->kind != MRQ_TEXT && has_branch(asked, MRQ_ALL_COLUMNS))
            snprintf(why, sizeof why, "%u values, and all columns of users may have %d", column->dict.n, MRQ_USER_VALUES);
        else if (tells)
            snprintf(why, sizeof why, "the model has no branch for it");
        mrq_log(MRQ_LOG_INFO, "train", "%s: %s not used: %s", table->noun.many, column->name, why);
    }
    if (used)
        mrq_log(MRQ_LOG_INFO, "train", "%s: used %s", table->noun.many, names);
    return MRQ_OK;
}

/* Keeps the test part with the model, to compare it with a later one; of a ranking the likes, which are all that is asked of it. */
static mrq_status keep_test(const mrq_dataset *data, const mrq_train_options *options, const mrq_split *split, mrq_model *model,
                            mrq_error *err)
{
    if (options->parts || options->split != MRQ_SPLIT_HASH)
        return MRQ_OK;
    mrq_model_source source = mrq_train_source(data, split->test, split->n_test);
    if (!mrq_objective_of(&model->description)->ranks)
        source.like = -INFINITY;
    MRQ_TRY(mrq_likes_values(&source, model->arena, &model->tested, err));
    model->results.tested = model->tested.list.offset[data->users->rows];
    return MRQ_OK;
}

/* Tells what gives reason to doubt a model of this data. An experiment, which gives the parts, is not told for each of its models
 * again. */
static mrq_status tell_doubts(const mrq_dataset *data, const mrq_train_options *options, mrq_model *model, mrq_error *err)
{
    mrq_doubt doubt[MRQ_DOUBTS_MAX];
    mrq_evidence *evidence = &model->results.evidence;
    MRQ_TRY(mrq_evidence_count(data, mrq_objective_of(&model->description)->ranks, evidence, err));
    const uint32_t n = options->parts ? 0 : mrq_evidence_doubts(evidence, &data->items->noun, doubt);
    for (uint32_t i = 0; i < n; i++)
        mrq_log(MRQ_LOG_WARN, "train", "%s", doubt[i].text);
    return MRQ_OK;
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
    r->meaning = data->meaning;
    r->live_mark = data->live_mark;
    r->test_share = options->test;
    r->train_rmse = r->valid_rmse = r->test_rmse = r->test_recall = r->test_ndcg = r->parts_ndcg = NAN;
    snprintf(r->schema, sizeof r->schema, "%s", data->schema);
    snprintf(r->blas_core, sizeof r->blas_core, "%s", mrq_blas_core());
    snprintf(r->blas_chosen_by, sizeof r->blas_chosen_by, "%s", mrq_blas_chosen_by());
    snprintf(r->split, sizeof r->split, "%s", options->parts ? "given" : mrq_split_names[options->split]);
    MRQ_TRY(keep_test(data, options, split, *out, err));
    MRQ_TRY(tell_doubts(data, options, *out, err));
    MRQ_TRY(tell_columns(description, *out, true, err));
    MRQ_TRY(tell_columns(description, *out, false, err));
    return MRQ_OK;
}

mrq_status mrq_train_divide(const mrq_dataset *data, const mrq_train_options *options, double validation, mrq_split *out,
                            mrq_error *err)
{
    return options->parts ? copy_parts(options->parts, out, err)
                          : mrq_split_make(data, options->split, options->test, validation, options->seed, out, err);
}
