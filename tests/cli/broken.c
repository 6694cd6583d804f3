/* broken FOLDER [SCHEMA]: learns a ranking, breaks it on purpose in two ways, and looks whether each is found worse. */
#include <stdio.h>

#include "base/random.h"
#include "model/network.h"
#include "train/compare.h"
#include "train/train.h"

static void make_random(mrq_model *model)
{
    mrq_random rng;
    mrq_random_init(&rng, 5, 0);
    for (size_t i = 0; i < model->tensors.size; i++)
        model->param[i] = (float)(mrq_random_unit(&rng) - 0.5);
    float *strength = (float *)(uintptr_t)model->neighbours.strength;
    for (uint64_t i = 0; strength && i < model->neighbours.list.offset[model->items->rows]; i++)
        strength[i] = (float)(mrq_random_unit(&rng) - 0.5);
}

/* Each item gets another's vector, and is another's neighbour. The rows are in the memory of a model that has just been trained. */
static void exchange_items(mrq_model *model)
{
    mrq_random rng;
    mrq_random_init(&rng, 5, 0);
    mrq_random_shuffle(&rng, (uint32_t *)(uintptr_t)model->item_row, model->items->rows);
    uint32_t *neighbour = (uint32_t *)(uintptr_t)model->neighbours.list.item;
    for (uint64_t i = 0; neighbour && i < model->neighbours.list.offset[model->items->rows]; i++)
        neighbour[i] = model->items->rows - 1 - neighbour[i];
}

static mrq_status look(const char *folder, const char *schema_name, bool *found, mrq_error *err)
{
    static void (*const breaks[])(mrq_model *) = {exchange_items, make_random};
    static const char *const names[] = {"items exchanged", "random parameters"};
    MRQ_CLEANUP(mrq_schema_free) mrq_schema *schema = NULL;
    MRQ_CLEANUP(mrq_dataset_free) mrq_dataset *data = NULL;
    MRQ_CLEANUP(mrq_model_free) mrq_model *serving = NULL;
    mrq_description description;
    mrq_train_result result = {0};
    mrq_comparison c;
    const mrq_train_options options = {.split = MRQ_SPLIT_HASH, .test = 0.1, .seed = 1, .threads = mrq_threads_default()};
    if (schema_name)
        MRQ_TRY(mrq_schema_load(schema_name, &schema, err));
    MRQ_TRY(mrq_dataset_load(folder, schema, &data, err));
    MRQ_TRY(mrq_description_load("retrieval", &description, err));
    MRQ_TRY(mrq_train(data, &description, &options, NULL, &result, err));
    MRQ_CLEANUP(mrq_model_free) mrq_model *model = result.model;
    MRQ_TRY(mrq_model_save(model, "serving.mrq", err));
    MRQ_TRY(mrq_model_load("serving.mrq", &serving, err));
    MRQ_TRY(mrq_compare(model, serving, options.threads, &c, err));
    printf("the same: %u users, NDCG@10 %.4f and %.4f, between %+.4f and %+.4f\n", c.users, c.newer, c.older, c.low, c.high);
    *found = c.users >= MRQ_COMPARED_MIN && c.high > -1e-6;
    for (int i = 0; i < 2; i++) {
        breaks[i](model);
        MRQ_TRY(mrq_compare(model, serving, options.threads, &c, err));
        printf("%s: NDCG@10 %.4f and %.4f, between %+.4f and %+.4f\n", names[i], c.newer, c.older, c.low, c.high);
        *found = *found && c.high < 0;
    }
    return MRQ_OK;
}

int main(int argc, char **argv)
{
    bool found = false;
    mrq_error err = {MRQ_OK, ""};
    if (argc < 2 || look(argv[1], argc > 2 ? argv[2] : NULL, &found, &err) != MRQ_OK) {
        fprintf(stderr, "broken: %s\n", argc < 2 ? "want a folder" : err.msg);
        return 2;
    }
    return !found;
}
