/* Models: from a description and tables to towers, and the vectors that come out of them. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/network.h"

void mrq_model_free(mrq_model *model)
{
    if (!model)
        return;
    mrq_table_free(model->own_users);
    mrq_table_free(model->own_movies);
    mrq_container_close(model->file);
    mrq_arena_free(model->arena);
    free(model);
}

const mrq_description *mrq_model_description(const mrq_model *model)
{
    return &model->description;
}

const mrq_model_results *mrq_model_results_of(const mrq_model *model)
{
    return &model->results;
}

const mrq_table *mrq_model_users(const mrq_model *model)
{
    return model->users;
}

const mrq_table *mrq_model_movies(const mrq_model *model)
{
    return model->movies;
}

const mrq_lists *mrq_model_seen(const mrq_model *model)
{
    return &model->seen;
}

/* Weights start as Glorot and Bengio (2010) advise; embeddings of unit size times 1/sqrt(width), whatever the number of rows. */
static float glorot(uint32_t in, uint32_t out)
{
    return sqrtf(6.0f / (float)(in + out));
}

static float embedding_spread(uint32_t width)
{
    return sqrtf(3.0f / (float)width);
}

static mrq_status plan_input(const mrq_table *table, const char *side, const uint32_t *id_row, uint32_t id_rows,
                             mrq_branch_plan *plan, mrq_error *err)
{
    static const mrq_column_kind wanted[] = {
        [MRQ_BRANCH_CATEGORY] = MRQ_CATEGORY, [MRQ_BRANCH_SET] = MRQ_SET, [MRQ_BRANCH_TEXT] = MRQ_TEXT};
    const mrq_branch *branch = plan->branch;
    if (branch->kind == MRQ_BRANCH_ID) {
        plan->value = id_row;
        plan->n_values = id_rows;
        return MRQ_OK;
    }
    const mrq_column *column = mrq_table_column(table, branch->feature);
    if (!column || column->kind != wanted[branch->kind])
        return mrq_fail(err, MRQ_BAD_FILE, "the model's %s tower wants a feature \"%s\", which the data %s", side, branch->feature,
                        column ? "has as another kind" : "does not have");
    plan->n_values = column->dict.n;
    plan->value = column->code;
    plan->list = column->list;
    return MRQ_OK;
}

/* The tensors of one branch; the order is part of the model file. */
static void plan_tensors(mrq_tensors *tensors, const char *side, mrq_branch_plan *plan)
{
    const mrq_branch *branch = plan->branch;
    const uint32_t e = branch->embedding;
    plan->weight = plan->bias = MRQ_NONE;
    plan->embedding =
        mrq_tensors_add(tensors, true, plan->n_values, e, embedding_spread(e), "%s.%s.embedding", side, branch->feature);
    if (branch->kind == MRQ_BRANCH_TEXT) {
        const uint32_t outputs = branch->window * branch->filters;
        plan->weight = mrq_tensors_add(tensors, false, e, outputs, glorot(branch->window * e, branch->filters), "%s.%s.filters",
                                       side, branch->feature);
        plan->bias = mrq_tensors_add(tensors, false, 1, branch->filters, 0, "%s.%s.bias", side, branch->feature);
    } else if (branch->fc) {
        plan->weight = mrq_tensors_add(tensors, false, e, branch->fc, glorot(e, branch->fc), "%s.%s.weight", side, branch->feature);
        plan->bias = mrq_tensors_add(tensors, false, 1, branch->fc, 0, "%s.%s.bias", side, branch->feature);
    }
    plan->width = branch->kind == MRQ_BRANCH_TEXT ? branch->filters : branch->fc ? branch->fc : e;
}

static mrq_status plan_tower(mrq_model *model, const char *side, const mrq_tower_description *description, const mrq_table *table,
                             const uint32_t *id_row, uint32_t id_rows, mrq_tower *tower, mrq_error *err)
{
    *tower = (mrq_tower){.tensors = &model->tensors,
                         .entities = table->rows,
                         .dim = model->description.dim,
                         .n = description->n,
                         .activation = model->description.activation};
    for (uint32_t b = 0; b < tower->n; b++) {
        mrq_branch_plan *plan = &tower->plan[b];
        plan->branch = &description->branch[b];
        MRQ_TRY(plan_input(table, side, id_row, id_rows, plan, err));
        plan_tensors(&model->tensors, side, plan);
        plan->first = tower->inputs;
        tower->inputs += plan->width;
    }
    tower->weight = mrq_tensors_add(&model->tensors, false, tower->inputs, tower->dim, glorot(tower->inputs, tower->dim),
                                    "%s.joint.weight", side);
    tower->bias = mrq_tensors_add(&model->tensors, false, 1, tower->dim, 0, "%s.joint.bias", side);
    return MRQ_OK;
}

mrq_status mrq_model_build(mrq_model *model, mrq_error *err)
{
    if (model->users->rows >= MRQ_DROPPED || model->movies->rows >= MRQ_DROPPED)
        return mrq_fail(err, MRQ_FAILED, "%u users and %u movies: want less than %u of each", model->users->rows,
                        model->movies->rows, MRQ_DROPPED);
    model->tensors = (mrq_tensors){0};
    MRQ_TRY(
        plan_tower(model, "user", &model->description.user, model->users, model->user_row, model->user_rows, &model->user, err));
    MRQ_TRY(plan_tower(model, "movie", &model->description.movie, model->movies, model->movie_row, model->movie_rows, &model->movie,
                       err));
    mrq_tensors_arrange(&model->tensors);
    return MRQ_OK;
}

/* Leaves out the optional branches whose feature the table lacks. */
static void resolve(mrq_tower_description *tower, const mrq_table *table)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < tower->n; i++) {
        const mrq_branch *branch = &tower->branch[i];
        if (branch->kind == MRQ_BRANCH_ID || !branch->optional || mrq_table_column(table, branch->feature))
            tower->branch[kept++] = *branch;
    }
    tower->n = kept;
}

/* Numbers those that occur from 1 on; the others share row 0. */
static const uint32_t *number_rows(mrq_arena *arena, uint32_t entities, const uint32_t *entity_of, const uint32_t *rating,
                                   uint64_t n, uint32_t *rows)
{
    uint32_t *row = mrq_arena_array(arena, entities, sizeof *row);
    if (!row)
        return NULL;
    for (uint64_t i = 0; i < n; i++)
        row[entity_of[rating[i]]] = 1;
    *rows = 1;
    for (uint32_t i = 0; i < entities; i++)
        if (row[i])
            row[i] = (*rows)++;
    return row;
}

/* The movies of each user over all ratings, ascending. */
static int gather_seen(mrq_model *model, const mrq_model_source *source)
{
    const uint32_t users = source->users->rows;
    uint64_t *offset = mrq_arena_array(model->arena, (size_t)users + 1, sizeof *offset);
    uint32_t *item = mrq_arena_array(model->arena, source->n_ratings, sizeof *item);
    MRQ_AUTOFREE uint64_t *next = mrq_array((size_t)users + 1, sizeof *next);
    if (!offset || !item || !next)
        return -1;
    for (uint64_t i = 0; i < source->n_ratings; i++)
        offset[source->rating_user[i] + 1]++;
    for (uint32_t u = 0; u < users; u++)
        next[u + 1] = offset[u + 1] += offset[u];
    for (uint64_t i = 0; i < source->n_ratings; i++)
        item[next[source->rating_user[i]]++] = source->rating_movie[i];
    uint64_t kept = 0; /* a movie rated twice is one movie */
    for (uint32_t u = 0; u < users; u++) {
        const uint64_t first = offset[u], end = offset[u + 1];
        mrq_items_sort(item + first, end - first);
        offset[u] = kept;
        for (uint64_t i = first; i < end; i++)
            if (i == first || item[i] != item[i - 1])
                item[kept++] = item[i];
    }
    offset[users] = kept;
    model->seen = (mrq_lists){offset, item};
    return 0;
}

mrq_status mrq_model_new(const mrq_description *description, const mrq_model_source *source, mrq_model **out, mrq_error *err)
{
    MRQ_CLEANUP(mrq_model_free) mrq_model *model = calloc(1, sizeof *model);
    if (!model || !(model->arena = mrq_arena_new()))
        return mrq_fail_memory(err, "making a model");
    model->description = *description;
    model->users = source->users;
    model->movies = source->movies;
    resolve(&model->description.user, model->users);
    resolve(&model->description.movie, model->movies);
    if (!model->description.user.n || !model->description.movie.n)
        return mrq_fail(err, MRQ_BAD_FILE, "the data has none of the features of the %s tower",
                        model->description.user.n ? "movie" : "user");
    model->user_row =
        number_rows(model->arena, model->users->rows, source->rating_user, source->train, source->n_train, &model->user_rows);
    model->movie_row =
        number_rows(model->arena, model->movies->rows, source->rating_movie, source->train, source->n_train, &model->movie_rows);
    if (!model->user_row || !model->movie_row || gather_seen(model, source))
        return mrq_fail_memory(err, "making a model");
    MRQ_TRY(mrq_model_build(model, err));
    model->param = mrq_arena_array(model->arena, model->tensors.size, sizeof *model->param);
    if (!model->param)
        return mrq_fail_memory(err, "making a model");
    mrq_tensors_start(&model->tensors, source->seed, model->param);
    *out = model;
    model = NULL;
    return MRQ_OK;
}

/* All vectors of a tower, a batch at a time. */
static mrq_status tower_vectors(const mrq_tower *tower, const float *param, float *out, mrq_error *err)
{
    enum { BATCH = 256 };
    MRQ_CLEANUP(mrq_arena_free) mrq_arena *arena = mrq_arena_new();
    if (!arena)
        return mrq_fail_memory(err, "computing vectors");
    mrq_pass *pass = NULL;
    MRQ_TRY(mrq_pass_make(tower, BATCH, arena, &pass, err));
    uint32_t entity[BATCH];
    for (uint32_t start = 0; start < tower->entities; start += BATCH) {
        const uint32_t n = tower->entities - start < BATCH ? tower->entities - start : BATCH;
        for (uint32_t i = 0; i < n; i++)
            entity[i] = start + i;
        mrq_pass_forward(pass, param, entity, n);
        memcpy(out + (size_t)start * tower->dim, mrq_pass_unit(pass), (size_t)n * tower->dim * sizeof *out);
    }
    return MRQ_OK;
}

mrq_status mrq_model_movie_vectors(const mrq_model *model, float *out, mrq_error *err)
{
    return tower_vectors(&model->movie, model->param, out, err);
}

mrq_status mrq_model_user_vectors(const mrq_model *model, float *out, mrq_error *err)
{
    return tower_vectors(&model->user, model->param, out, err);
}
