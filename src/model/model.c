/* Models: makes towers from a description and tables, and computes their vectors. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "model/baseline.h"
#include "model/columns.h"
#include "model/likes.h"

void mrq_model_free(mrq_model *model)
{
    if (!model)
        return;
    mrq_table_free(model->own_users);
    mrq_table_free(model->own_items);
    mrq_container_close(model->file);
    mrq_free(model->curve.epoch);
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

const mrq_model_curve *mrq_model_curve_of(const mrq_model *model)
{
    return &model->curve;
}

const mrq_table *mrq_model_users(const mrq_model *model)
{
    return model->users;
}

const mrq_table *mrq_model_items(const mrq_model *model)
{
    return model->items;
}

const mrq_lists *mrq_model_seen(const mrq_model *model)
{
    return &model->seen;
}

const mrq_times *mrq_model_times(const mrq_model *model)
{
    return &model->times;
}

mrq_quality mrq_quality_of(const mrq_model_results *results)
{
    return results->ranks ? (mrq_quality){"NDCG@10", results->test_ndcg, true} : (mrq_quality){"RMSE", results->test_rmse, false};
}

/* Weights start as in Glorot and Bengio (2010); embeddings have unit size times 1/sqrt(width), whatever the number of rows. */
static float glorot(uint32_t in, uint32_t out)
{
    return sqrtf(6.0f / (float)(in + out));
}

static float embedding_spread(uint32_t width)
{
    return sqrtf(3.0f / (float)width);
}

/* Reads each text as its characters; the dictionary is the distinct code points in ascending order. */
static mrq_status plan_characters(const mrq_strings *text, mrq_arena *arena, mrq_branch_plan *plan, mrq_error *err)
{
    enum { CODES = 0x110000 };
    const size_t bytes = text->n ? text->offset[text->n] : 0;
    MRQ_AUTOFREE uint32_t *place = mrq_array(CODES, sizeof *place);
    uint64_t *offset = mrq_arena_array(arena, (size_t)text->n + 1, sizeof *offset);
    uint32_t *item = mrq_arena_array(arena, bytes, sizeof *item), code;
    if (!place || !offset || !item)
        return mrq_fail_memory(err, "reading characters");
    uint64_t n = 0;
    for (uint32_t i = 0; i < text->n; i++) {
        const char *at = mrq_strings_at(text, i);
        size_t left = mrq_strings_size(text, i), step;
        for (; left && (step = mrq_utf8_read(at, left, &code)) > 0; at += step, left -= step) {
            item[n++] = code;
            place[code] = 1;
        }
        offset[i + 1] = n;
    }
    for (code = 0; code < CODES; code++)
        plan->n_values += place[code];
    uint32_t *character = mrq_arena_array(arena, plan->n_values, sizeof *character), rank = 0;
    if (!character)
        return mrq_fail_memory(err, "reading characters");
    for (code = 0; code < CODES; code++)
        if (place[code]) {
            character[rank] = code;
            place[code] = rank++;
        }
    plan->character = character;
    for (uint64_t i = 0; i < n; i++)
        item[i] = place[item[i]];
    plan->list = (mrq_lists){offset, item};
    return MRQ_OK;
}

static mrq_status plan_input(mrq_model *model, const mrq_table *table, const char *side, const uint32_t *id_row, uint32_t id_rows,
                             mrq_branch_plan *plan, mrq_error *err)
{
    static const unsigned fits[] = {[MRQ_BRANCH_CATEGORY] = 1u << MRQ_CATEGORY | 1u << MRQ_NUMBER,
                                    [MRQ_BRANCH_SET] = 1u << MRQ_SET | 1u << MRQ_TEXT | 1u << MRQ_CATEGORY | 1u << MRQ_NUMBER,
                                    [MRQ_BRANCH_TEXT] = 1u << MRQ_TEXT};
    const mrq_branch *branch = plan->branch;
    if (branch->kind == MRQ_BRANCH_ID) {
        plan->value = id_row;
        plan->n_values = id_rows;
        return MRQ_OK;
    }
    if (branch->kind == MRQ_BRANCH_RATINGS) {
        plan->n_values = model->users->rows;
        plan->list = model->raters.list;
        plan->strength = model->raters.strength;
        return MRQ_OK;
    }
    if (branch->kind == MRQ_BRANCH_HISTORY) {
        plan->n_values = model->items->rows;
        plan->list = model->likes.list;
        plan->strength = model->likes.strength;
        return MRQ_OK;
    }
    const mrq_column *column = mrq_table_column(table, branch->feature);
    if (!column)
        return mrq_fail(err, MRQ_BAD_FILE,
                        "the model's %s tower needs a feature \"%s\", which the data does not have: add it to the schema, or set "
                        "\"optional\": true in the model",
                        side, branch->feature);
    const bool words = branch->kind == MRQ_BRANCH_SET && column->kind == MRQ_TEXT && table == model->users; /* no query has any */
    if (words || !(fits[branch->kind] >> column->kind & 1))
        return mrq_fail(err, MRQ_BAD_FILE,
                        "the model's %s tower needs a feature \"%s\", which the data has as another kind: set kind \"%s\" in the "
                        "schema, or use another model",
                        side, branch->feature, mrq_branch_kind_names[branch->kind]);
    if (branch->kind == MRQ_BRANCH_TEXT && branch->unit == MRQ_CHARACTERS)
        return plan_characters(&column->text, model->arena, plan, err);
    return mrq_column_plan(table, column, model->arena, plan, err);
}

_Static_assert(2 * (3 * MRQ_BRANCHES_MAX + 2) <= MRQ_TENSORS_MAX, "tensors for all branches and joint layers");

/* Adds the tensors of one branch; their order is part of the model file. A category, or a user's set, that is added to an id's
 * vector `corrects` it and starts at zero. */
static void plan_tensors(mrq_tensors *tensors, const char *side, bool corrects, mrq_branch_plan *plan)
{
    const mrq_branch *branch = plan->branch;
    const uint32_t e = branch->embedding, columns = branch->kind == MRQ_BRANCH_RATINGS ? 2 * e : e;
    const bool of_category = branch->kind == MRQ_BRANCH_CATEGORY || (branch->kind == MRQ_BRANCH_SET && strcmp(side, "user") == 0);
    const float spread = corrects && of_category ? 0 : embedding_spread(e);
    plan->weight = plan->bias = MRQ_NONE;
    plan->embedding = mrq_tensors_add(tensors, true, plan->n_values, columns, spread, "%s.%s.embedding", side, branch->feature);
    tensors->tensor[plan->embedding].rate = (float)branch->lr;
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
    const uint32_t width = mrq_description_width(&model->description);
    const bool dense = model->description.joint == MRQ_DENSE;
    *tower = (mrq_tower){.tensors = &model->tensors,
                         .entities = table->rows,
                         .dim = model->description.dim,
                         .width = width,
                         .n = description->n,
                         .activation = description->activation,
                         .unit = model->description.score == MRQ_COSINE,
                         .weight = MRQ_NONE,
                         .bias = MRQ_NONE};
    for (uint32_t b = 0; b < tower->n; b++) {
        mrq_branch_plan *plan = &tower->plan[b];
        plan->branch = &description->branch[b];
        MRQ_TRY(plan_input(model, table, side, id_row, id_rows, plan, err));
        plan_tensors(&model->tensors, side, !dense && mrq_description_has(description, MRQ_BRANCH_ID), plan);
        plan->first = dense ? tower->inputs : width - plan->width; /* with a sum, a branch for the bias alone writes the last
                                                                      column */
        tower->inputs = dense ? tower->inputs + plan->width : width;
    }
    if (dense)
        tower->weight =
            mrq_tensors_add(&model->tensors, false, tower->inputs, width, glorot(tower->inputs, width), "%s.joint.weight", side);
    const bool ranking = mrq_objective_of(&model->description)->ranks; /* a ranking keeps in it the vector that all users or
                                                                          items share */
    if (dense || ranking || tower->activation != MRQ_LINEAR)
        tower->bias = mrq_tensors_add(&model->tensors, false, 1, width, 0, "%s.joint.bias", side);
    return MRQ_OK;
}

mrq_status mrq_model_build(mrq_model *model, mrq_error *err)
{
    if (model->users->rows >= MRQ_DROPPED || model->items->rows >= MRQ_DROPPED)
        return mrq_fail(err, MRQ_FAILED, "%u users and %u items: want less than %u of each", model->users->rows, model->items->rows,
                        MRQ_DROPPED);
    model->tensors = (mrq_tensors){0};
    MRQ_TRY(
        plan_tower(model, "user", &model->description.user, model->users, model->user_row, model->user_rows, &model->user, err));
    MRQ_TRY(
        plan_tower(model, "item", &model->description.item, model->items, model->item_row, model->item_rows, &model->item, err));
    mrq_tensors_arrange(&model->tensors);
    return MRQ_OK;
}

/* Gives each entity with a rating a row of its own, from 1 on; the others share row 0. */
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

/* Lists the items that each user has rated in any part, ascending. */
static int gather_seen(mrq_model *model, const mrq_model_source *source)
{
    const uint32_t users = source->users->rows;
    uint64_t *offset = mrq_arena_array(model->arena, (size_t)users + 1, sizeof *offset);
    uint32_t *item = mrq_arena_array(model->arena, source->n_ratings, sizeof *item);
    if (!offset || !item || mrq_list_group(NULL, source->n_ratings, source->rating_user, users, offset, item))
        return -1;
    for (uint64_t i = 0; i < source->n_ratings; i++)
        item[i] = source->rating_item[item[i]];
    uint64_t kept = 0; /* an item rated twice is listed once */
    for (uint32_t u = 0; u < users; u++) {
        const uint64_t first = offset[u], end = offset[u + 1];
        mrq_list_sort(item + first, end - first);
        offset[u] = kept;
        for (uint64_t i = first; i < end; i++)
            if (i == first || item[i] != item[i - 1])
                item[kept++] = item[i];
    }
    offset[users] = kept;
    model->seen = (mrq_lists){offset, item};
    return 0;
}

/* The input of a "ratings" branch: who rated each item, and the deviation of the rating from the baseline. */
static mrq_status gather_raters(mrq_model *model, const mrq_model_source *source, const mrq_baseline *baseline, mrq_error *err)
{
    const uint32_t items = source->items->rows;
    uint64_t *offset = mrq_arena_array(model->arena, (size_t)items + 1, sizeof *offset);
    uint32_t *rater = mrq_arena_array(model->arena, source->n_train, sizeof *rater);
    float *strength = mrq_arena_array(model->arena, source->n_train, sizeof *strength);
    if (!offset || !rater || !strength || mrq_list_group(source->train, source->n_train, source->rating_item, items, offset, rater))
        return mrq_fail_memory(err, "making a model");
    for (uint64_t i = 0; i < source->n_train; i++) {
        const uint32_t rating = rater[i], user = source->rating_user[rating], item = source->rating_item[rating];
        rater[i] = user;
        strength[i] = source->rating[rating] - (float)baseline->mean - baseline->user[user] - baseline->item[item];
    }
    model->raters = (mrq_links){{offset, rater}, strength};
    return MRQ_OK;
}

/* Sets what a model takes directly from the training ratings. */
static mrq_status learn_ratings(mrq_model *model, const mrq_model_source *source, const mrq_baseline *baseline, mrq_error *err)
{
    model->results.rating_min = baseline->min;
    model->results.rating_max = baseline->max;
    if (isnan(model->description.shift))
        model->description.shift = baseline->mean;
    if (mrq_description_has(&model->description.user, MRQ_BRANCH_HISTORY))
        MRQ_TRY(mrq_likes_make(source, model->arena, &model->likes, err));
    if (!mrq_description_has(&model->description.item, MRQ_BRANCH_RATINGS))
        return MRQ_OK;
    return gather_raters(model, source, baseline, err);
}

/* Sets the starting biases of ids to the baseline's, where an id alone has the bias. */
static void start_biases(mrq_model *model, const mrq_tower *tower, const uint32_t *row, const float *bias)
{
    for (uint32_t b = 0; model->description.bias && b < tower->n; b++) {
        const mrq_branch_plan *plan = &tower->plan[b];
        if (plan->branch->kind != MRQ_BRANCH_ID || plan->weight != MRQ_NONE || tower->weight != MRQ_NONE)
            continue;
        for (uint32_t i = 0; i < tower->entities; i++)
            if (row[i])
                model->param[mrq_tensor_at(&model->tensors, plan->embedding, row[i]) + plan->width - 1] = bias[i];
    }
}

/* Without dropout the row of the unknown id is never trained, so it is set to zero. */
static void clear_unknown(mrq_model *model, const mrq_tower *tower)
{
    for (uint32_t b = 0; b < tower->n; b++) {
        const mrq_branch_plan *plan = &tower->plan[b];
        if (plan->branch->kind == MRQ_BRANCH_ID && !(plan->branch->dropout > 0))
            memset(model->param + mrq_tensor_at(&model->tensors, plan->embedding, 0), 0, plan->branch->embedding * sizeof(float));
    }
}

mrq_status mrq_model_new(const mrq_description *description, const mrq_model_source *source, mrq_model **out, mrq_error *err)
{
    MRQ_CLEANUP(mrq_model_free) mrq_model *model = calloc(1, sizeof *model);
    if (!model || !(model->arena = mrq_arena_new()))
        return mrq_fail_memory(err, "making a model");
    model->description = *description;
    model->users = source->users;
    model->items = source->items;
    MRQ_TRY(mrq_columns_resolve(&model->description, true, model->users, err));
    MRQ_TRY(mrq_columns_resolve(&model->description, false, model->items, err));
    if (!model->description.user.n || !model->description.item.n)
        return mrq_fail(err, MRQ_BAD_FILE, "the data has none of the features of the %s tower",
                        model->description.user.n ? "item" : "user");
    model->user_row =
        number_rows(model->arena, model->users->rows, source->rating_user, source->train, source->n_train, &model->user_rows);
    model->item_row =
        number_rows(model->arena, model->items->rows, source->rating_item, source->train, source->n_train, &model->item_rows);
    if (!model->user_row || !model->item_row || gather_seen(model, source) ||
        mrq_times_make(model->arena, source->rating_item, source->rating_time, source->n_ratings, source->items->rows,
                       &model->times))
        return mrq_fail_memory(err, "making a model");
    MRQ_CLEANUP(mrq_arena_free) mrq_arena *scratch = mrq_arena_new();
    mrq_baseline baseline;
    if (!scratch)
        return mrq_fail_memory(err, "making a model");
    MRQ_TRY(mrq_baseline_make(source, scratch, &baseline, err));
    MRQ_TRY(learn_ratings(model, source, &baseline, err));
    MRQ_TRY(mrq_model_build(model, err));
    model->param = mrq_arena_array(model->arena, model->tensors.size, sizeof *model->param);
    if (!model->param)
        return mrq_fail_memory(err, "making a model");
    mrq_tensors_start(&model->tensors, source->seed, model->param);
    clear_unknown(model, &model->user);
    clear_unknown(model, &model->item);
    start_biases(model, &model->user, model->user_row, baseline.user);
    start_biases(model, &model->item, model->item_row, baseline.item);
    *out = model;
    model = NULL;
    return MRQ_OK;
}

/* Computes all vectors (entities, width) of a tower, a batch at a time. */
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
        memcpy(out + (size_t)start * tower->width, mrq_pass_vector(pass), (size_t)n * tower->width * sizeof *out);
    }
    return MRQ_OK;
}

mrq_status mrq_model_item_vectors(const mrq_model *model, float *out, mrq_error *err)
{
    return tower_vectors(&model->item, model->param, out, err);
}

mrq_status mrq_model_user_vectors(const mrq_model *model, float *out, mrq_error *err)
{
    return tower_vectors(&model->user, model->param, out, err);
}

/* Turns vectors of different lengths into unit vectors: divides them by the longest length and adds a coordinate, which is 0 in the
 * users' vectors. The order of inner products stays the same (Bachrach et al. 2014). */
mrq_status mrq_model_export_items(const mrq_model *model, float *out, double *reach, mrq_error *err)
{
    const uint32_t width = model->item.width, dim = mrq_description_dim(&model->description), rows = model->items->rows;
    *reach = 1;
    if (model->item.unit)
        return mrq_model_item_vectors(model, out, err);
    MRQ_AUTOFREE float *vector = mrq_array((size_t)rows * width, sizeof *vector);
    MRQ_AUTOFREE double *square = mrq_array(rows, sizeof *square);
    if (!vector || !square)
        return mrq_fail_memory(err, "computing vectors");
    MRQ_TRY(mrq_model_item_vectors(model, vector, err));
    double longest = 0;
    for (uint32_t i = 0; i < rows; i++) {
        for (uint32_t j = 0; j < width; j++)
            square[i] += (double)vector[(size_t)i * width + j] * (double)vector[(size_t)i * width + j];
        longest = square[i] > longest ? square[i] : longest;
    }
    *reach = longest > 0 ? sqrt(longest) : 1;
    for (uint32_t i = 0; i < rows; i++) {
        for (uint32_t j = 0; j < width; j++)
            out[(size_t)i * dim + j] = (float)((double)vector[(size_t)i * width + j] / *reach);
        out[(size_t)i * dim + width] = (float)(sqrt(longest > 0 ? longest - square[i] : 1) / *reach);
    }
    return MRQ_OK;
}
