/* The model file: one container with the description (JSON), the results (JSON), both tables, the seen items and their times, the
 * rows of the ids, and one section per tensor. It holds everything that an export needs, so the data set is not needed any more. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/finite.h"
#include "model/likes.h"

#define KIND "model"
#define AGES "likes.age"

mrq_status mrq_model_save(const mrq_model *model, const char *path, mrq_error *err)
{
    MRQ_CLEANUP(mrq_container_writer_free) mrq_container_writer *writer = mrq_container_writer_new(KIND, MRQ_MODEL_VERSION);
    MRQ_CLEANUP(cJSON_Delete) cJSON *results_json = mrq_model_training_json(model);
    MRQ_CLEANUP(cJSON_Delete) cJSON *description_json = mrq_description_json(&model->description);
    MRQ_AUTOFREE char *results = cJSON_PrintUnformatted(results_json);
    MRQ_AUTOFREE char *description = cJSON_PrintUnformatted(description_json);
    if (!writer || !results || !description)
        return mrq_fail_memory(err, "writing a model");
    mrq_container_add(writer, description, strlen(description), 1, "description");
    mrq_container_add(writer, results, strlen(results), 1, "results");
    mrq_table_save(model->users, writer, "users");
    mrq_table_save(model->items, writer, "items");
    mrq_lists_save(&model->seen, model->users->rows, writer, "seen");
    mrq_times_save(&model->times, model->items->rows, writer);
    mrq_container_add(writer, model->user_row, model->users->rows, sizeof(uint32_t), "user_row");
    mrq_container_add(writer, model->item_row, model->items->rows, sizeof(uint32_t), "item_row");
    if (model->raters.strength)
        mrq_links_save(&model->raters, model->items->rows, writer, "raters");
    if (model->likes.strength)
        mrq_links_save(&model->likes, model->users->rows, writer, "likes");
    if (model->results.recency)
        mrq_container_add(writer, model->like_age, model->likes.list.offset[model->users->rows], sizeof *model->like_age, AGES);
    if (model->results.neighbours)
        mrq_links_save(&model->neighbours, model->items->rows, writer, "neighbours");
    if (model->results.tested)
        mrq_links_save(&model->tested, model->users->rows, writer, "tested");
    for (uint32_t i = 0; i < 2 * model->tensors.n; i++) { /* first the dense tensors, then the sparse ones, as in the block */
        const mrq_tensor *tensor = &model->tensors.tensor[i % model->tensors.n];
        if (tensor->sparse == (i >= model->tensors.n))
            mrq_container_add(writer, model->param + tensor->offset, (size_t)tensor->rows * tensor->cols, sizeof(float),
                              "tensor.%u", i % model->tensors.n);
    }
    return mrq_container_write(writer, path, err);
}

/* Loads the rows of the id embedding; no row number is larger than the number of entities. */
static mrq_status load_rows(const mrq_container *file, const char *name, uint32_t entities, const uint32_t **row, uint32_t *rows,
                            mrq_error *err)
{
    size_t count = entities;
    const void *data;
    MRQ_TRY(mrq_container_get(file, sizeof **row, &count, &data, err, "%s", name));
    *row = data;
    uint32_t highest = 0;
    for (uint32_t i = 0; i < entities; i++)
        highest = (*row)[i] > highest ? (*row)[i] : highest;
    if (highest > entities)
        return mrq_container_bad(file, err, "%s: row %u of %u", name, highest, entities);
    *rows = highest + 1;
    return MRQ_OK;
}

/* Loads the lists that branches use in addition to the tables, and the test events. */
static mrq_status load_links(mrq_model *model, mrq_error *err)
{
    const uint32_t users = model->users->rows, items = model->items->rows;
    const uint64_t tested = model->results.tested;
    if (tested)
        MRQ_TRY(mrq_links_load(model->file, "tested", users, items, &model->tested, err));
    if (tested && model->tested.list.offset[users] != tested)
        return mrq_container_bad(model->file, err, "tested: %llu events, want %llu",
                                 (unsigned long long)model->tested.list.offset[users], (unsigned long long)tested);
    const uint64_t neighbours = model->results.neighbours;
    if (neighbours)
        MRQ_TRY(mrq_links_load(model->file, "neighbours", items, items, &model->neighbours, err));
    if (neighbours && model->neighbours.list.offset[items] != neighbours)
        return mrq_container_bad(model->file, err, "neighbours: %llu entries, want %llu",
                                 (unsigned long long)model->neighbours.list.offset[items], (unsigned long long)neighbours);
    if (mrq_description_has(&model->description.item, MRQ_BRANCH_RATINGS))
        MRQ_TRY(mrq_links_load(model->file, "raters", items, users, &model->raters, err));
    if (mrq_description_has(&model->description.user, MRQ_BRANCH_HISTORY))
        MRQ_TRY(mrq_links_load(model->file, "likes", users, items, &model->likes, err));
    if (model->results.recency && !model->likes.list.offset)
        return mrq_container_bad(model->file, err, "recency needs a history");
    if (model->results.recency)
        MRQ_TRY(mrq_ages_load(model->file, AGES, &model->likes.list, users, &model->like_age, err));
    return MRQ_OK;
}

/* If the tensors are laid out in the file as in the block, the parameters stay in the mapped file and need no memory of their own.
 * Older files have another order; their tensors are copied. */
static mrq_status load_tensors(mrq_model *model, mrq_error *err)
{
    const void *data[MRQ_TENSORS_MAX];
    const float *block = NULL;
    bool in_place = true;
    for (uint32_t i = 0; i < model->tensors.n; i++) { /* find all before allocating memory for them */
        const mrq_tensor *tensor = &model->tensors.tensor[i];
        size_t count = (size_t)tensor->rows * tensor->cols;
        MRQ_TRY(mrq_container_get(model->file, sizeof(float), &count, &data[i], err, "tensor.%u", i));
        block = tensor->offset ? block : data[i];
    }
    for (uint32_t i = 0; i < model->tensors.n; i++)
        in_place = in_place && (uintptr_t)data[i] == (uintptr_t)block + model->tensors.tensor[i].offset * sizeof *block;
    model->param = in_place ? (float *)(uintptr_t)block /* nobody writes to it: only a model in training changes */
                            : mrq_arena_array(model->arena, model->tensors.size, sizeof *model->param);
    if (!model->param)
        return mrq_fail_memory(err, "reading a model");
    for (uint32_t i = 0; i < model->tensors.n; i++) {
        const mrq_tensor *tensor = &model->tensors.tensor[i];
        const size_t count = (size_t)tensor->rows * tensor->cols;
        if (!in_place)
            memcpy(model->param + tensor->offset, data[i], count * sizeof(float));
        if (!mrq_all_finite(data[i], count))
            return mrq_container_bad(model->file, err, "%s holds a value that is not finite", tensor->name);
    }
    return MRQ_OK;
}

mrq_status mrq_model_load(const char *path, mrq_model **out, mrq_error *err)
{
    MRQ_CLEANUP(mrq_model_free) mrq_model *model = calloc(1, sizeof *model);
    if (!model || !(model->arena = mrq_arena_new()))
        return mrq_fail_memory(err, "reading a model");
    MRQ_TRY(mrq_container_open(path, KIND, MRQ_MODEL_VERSION, &model->file, err));
    char at[4200];
    size_t size = MRQ_ANY;
    const void *text;
    MRQ_TRY(mrq_container_get(model->file, 1, &size, &text, err, "description"));
    MRQ_TRY(mrq_description_parse(text, size, path, &model->description, err));
    if (isnan(model->description.shift))
        return mrq_container_bad(model->file, err, "score.shift: missing");
    size = MRQ_ANY;
    MRQ_TRY(mrq_container_get(model->file, 1, &size, &text, err, "results"));
    MRQ_CLEANUP(cJSON_Delete) cJSON *results = NULL;
    MRQ_TRY(mrq_json_parse(text, size, path, &results, err));
    snprintf(at, sizeof at, "%s: results:", path);
    MRQ_TRY(mrq_model_training_parse(results, at, &model->results, &model->curve, err));
    MRQ_TRY(mrq_table_load(model->file, "users", &model->own_users, err));
    MRQ_TRY(mrq_table_load(model->file, "items", &model->own_items, err));
    model->users = model->own_users;
    model->items = model->own_items;
    MRQ_TRY(mrq_lists_load(model->file, "seen", model->users->rows, model->items->rows, &model->seen, err));
    MRQ_TRY(mrq_times_load(model->file, model->items->rows, &model->times, err));
    MRQ_TRY(load_rows(model->file, "user_row", model->users->rows, &model->user_row, &model->user_rows, err));
    MRQ_TRY(load_rows(model->file, "item_row", model->items->rows, &model->item_row, &model->item_rows, err));
    MRQ_TRY(load_links(model, err));
    const mrq_status built = mrq_model_build(model, err);
    if (built == MRQ_BAD_FILE) {
        const mrq_error inner = err ? *err : (mrq_error){0};
        return mrq_container_bad(model->file, err, "%s", inner.msg);
    }
    MRQ_TRY(built);
    MRQ_TRY(load_tensors(model, err));
    *out = model;
    model = NULL;
    return MRQ_OK;
}

mrq_status mrq_model_check_again(const mrq_model *model, mrq_error *err)
{
    return model->file ? mrq_container_check_again(model->file, err) : MRQ_OK;
}
