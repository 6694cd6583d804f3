/* marquee info of a model file. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "info.h"
#include "model/network.h"

static void print_measure(const char *name, double value)
{
    if (!isnan(value))
        printf("%-14s%s%.4f\n", name, strlen(name) < 14 ? "" : " ", value);
}

void mrq_info_doubts(const mrq_evidence *evidence, const mrq_noun *noun, int width)
{
    mrq_doubt doubt[MRQ_DOUBTS_MAX];
    const uint32_t n = mrq_evidence_doubts(evidence, noun, doubt);
    for (uint32_t i = 0; i < n; i++)
        printf("%-*s%s\n", width, "warning", doubt[i].text);
}

/* What a ranking's scores are made of, and how that was chosen. */
static void print_parts(const mrq_model_results *r)
{
    if (!r->score_directions)
        return; /* an older file */
    printf("%-14s", "parts");
    if (r->neighbours)
        printf("neighbours, %llu entries; ", (unsigned long long)r->neighbours);
    printf("vectors of %lld directions of scores, weight %g", (long long)r->score_directions, r->score_weight);
    if (r->like_directions)
        printf(", and %lld of likes, weight %g", (long long)r->like_directions, r->like_weight);
    if (r->parts_tested)
        printf("\n%-14schosen by NDCG@100 %.4f of likes held out from %lld users\n", "", r->parts_ndcg, (long long)r->parts_tested);
    else
        printf("\n%-14sprescribed: too few users have 5 likes to choose by\n", "");
    if (r->recency)
        printf("%-14swhat was liked lately counts more, and predicts what comes next\n", "order");
}

void mrq_info_results(const mrq_model *model)
{
    const mrq_description *d = mrq_model_description(model);
    const mrq_model_results *r = mrq_model_results_of(model);
    printf("%-14s%s\n%-14s%s\n", "model", d->name, "", d->about);
    printf("%-14s%u users, %u %s, schema %s, fingerprint %016llx\n", "data", model->users->rows, model->items->rows,
           mrq_table_noun(model->items, model->items->rows), r->schema, (unsigned long long)r->data_fingerprint);
    printf("%-14s%llu training, %llu validation, %llu test (%s, share %g)\n", "ratings", (unsigned long long)r->train_ratings,
           (unsigned long long)r->valid_ratings, (unsigned long long)r->test_ratings, r->split, r->test_share);
    mrq_info_doubts(&r->evidence, &model->items->noun, 14);
    if (*r->blas_core)
        printf("%-14s%s, chosen by %s\n", "BLAS core", r->blas_core, r->blas_chosen_by);
    if (mrq_objective_of(d)->closed_form) {
        printf("%-14sranking of likes in closed form, L2 %g, seed %llu, %lld threads\n", "training", d->train.l2,
               (unsigned long long)r->seed, (long long)r->threads);
        print_parts(r);
        print_measure("test NDCG@10", r->test_ndcg);
        print_measure("test recall@10", r->test_recall);
        return;
    }
    printf("%-14s%s, learning rate %g %s, batch %lld %s, L2 %g, ", "training", mrq_optimizer_names[d->train.optimizer], d->train.lr,
           mrq_schedule_names[d->train.schedule], (long long)d->train.batch,
           d->train.order == MRQ_SHUFFLE_ITEM ? "item by item" : "at random", d->train.l2);
    if (d->train.clip > 0)
        printf("clip %g, ", d->train.clip);
    printf("at most %lld epochs, ", (long long)d->train.epochs);
    if (d->train.patience)
        printf("patience %lld, ", (long long)d->train.patience);
    if (d->train.validation > 0)
        printf("validation %g, ", d->train.validation);
    printf("seed %llu, %lld threads\n", (unsigned long long)r->seed, (long long)r->threads);
    printf("%-14s%lld of %lld\n", "best epoch", (long long)r->best_epoch, (long long)r->epochs);
    print_measure("train RMSE", r->train_rmse);
    print_measure("valid RMSE", r->valid_rmse);
    print_measure("test RMSE", r->test_rmse);
}

static size_t parameters(const mrq_model *model, uint32_t tensor)
{
    if (tensor == MRQ_NONE)
        return 0;
    const mrq_tensor *t = &model->tensors.tensor[tensor];
    return (size_t)t->rows * t->cols;
}

/* "6041 ids -> 32 -> 32" */
static void describe_branch(const mrq_branch_plan *plan, char *out, size_t size)
{
    static const char *const values[] = {[MRQ_BRANCH_ID] = "ids",
                                         [MRQ_BRANCH_CATEGORY] = "values",
                                         [MRQ_BRANCH_SET] = "members",
                                         [MRQ_BRANCH_RATINGS] = "raters",
                                         [MRQ_BRANCH_HISTORY] = "liked items"};
    const mrq_branch *b = plan->branch;
    if (b->kind == MRQ_BRANCH_TEXT)
        snprintf(out, size, "%u %s -> %u, window %u -> %u, tanh, %s", plan->n_values, b->unit == MRQ_WORDS ? "words" : "characters",
                 b->embedding, b->window, b->filters, b->pool == MRQ_POOL_SUM ? "sum" : "average");
    else if (b->fc)
        snprintf(out, size, "%u %s -> %u -> %u", plan->n_values, values[b->kind], b->embedding, b->fc);
    else
        snprintf(out, size, "%u %s -> %u%s", plan->n_values, values[b->kind], b->embedding,
                 b->kind == MRQ_BRANCH_ID || b->kind == MRQ_BRANCH_CATEGORY ? "" : ", sum");
}

static size_t print_layer(const char *side, const char *name, const char *what, size_t count)
{
    char layer[64];
    snprintf(layer, sizeof layer, "%s.%s", side, name);
    printf("%-20s %-52s %12zu\n", layer, what, count);
    return count;
}

static size_t print_tower(const mrq_model *model, const char *side, const mrq_tower *tower)
{
    size_t total = 0;
    char what[128];
    for (uint32_t i = 0; i < tower->n; i++) {
        const mrq_branch_plan *plan = &tower->plan[i];
        describe_branch(plan, what, sizeof what);
        if (plan->branch->dropout > 0)
            snprintf(what + strlen(what), sizeof what - strlen(what), ", dropout %g", plan->branch->dropout);
        if (plan->branch->lr < 1 || plan->branch->lr > 1)
            snprintf(what + strlen(what), sizeof what - strlen(what), ", rate x %g", plan->branch->lr);
        if (plan->branch->bias_only)
            snprintf(what + strlen(what), sizeof what - strlen(what), ", bias only");
        total += print_layer(side, plan->branch->feature, what,
                             parameters(model, plan->embedding) + parameters(model, plan->weight) + parameters(model, plan->bias));
    }
    const char *activation = mrq_activation_names[tower->activation];
    if (tower->weight == MRQ_NONE)
        snprintf(what, sizeof what, "sum of %u -> %u, %s", tower->n, tower->width, activation);
    else
        snprintf(what, sizeof what, "%u -> %u, %s", tower->inputs, tower->width, activation);
    return total + print_layer(side, "joint", what, parameters(model, tower->weight) + parameters(model, tower->bias));
}

mrq_status mrq_info_model(const char *path, mrq_error *err)
{
    MRQ_CLEANUP(mrq_model_free) mrq_model *model = NULL;
    MRQ_TRY(mrq_model_load(path, &model, err));
    mrq_info_results(model);
    printf("\n%-20s %-52s %12s\n", "layer", "", "parameters");
    const size_t total = print_tower(model, "user", &model->user) + print_tower(model, "item", &model->item);
    const mrq_description *d = &model->description;
    char score[64];
    if (d->score == MRQ_COSINE)
        snprintf(score, sizeof score, d->shift > 0 || d->shift < 0 ? "%g x cosine %+g" : "%g x cosine", d->scale, d->shift);
    else
        snprintf(score, sizeof score, "inner product%s %+g", d->bias ? " + user's bias + item's bias" : "", d->shift);
    printf("%-20s %s\n%-20s %-52s %12zu\n", "score", score, "total", "", total);
    return MRQ_OK;
}
