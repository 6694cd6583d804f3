/* A model file: tables, lists and tensors that fit each other and the description, finite; and vectors come out of it. */
#include "fuzz/container.h"
#include "model/network.h"

enum { NUMBERS = 1 << 18 }; /* more than this is not computed */

static void check_links(const mrq_links *links, uint32_t rows, uint32_t limit)
{
    if (!links->strength)
        return;
    fuzz_check_lists(&links->list, rows, limit, false);
    fuzz_check_finite(links->strength, links->list.offset[rows]);
}

static void use(const mrq_model *model)
{
    const uint32_t users = model->users->rows, items = model->items->rows, width = mrq_description_width(&model->description),
                   dim = mrq_description_dim(&model->description);
    const size_t most = (size_t)(users > items ? users : items) * dim;
    mrq_error err = {0};
    mrq_folded *tower = NULL;
    double reach;
    if (most > NUMBERS)
        return;
    float *numbers = calloc(most, sizeof *numbers);
    FUZZ_CHECK(numbers && width <= dim);
    FUZZ_CHECK(mrq_model_user_vectors(model, numbers, &err) == MRQ_OK);
    FUZZ_CHECK(mrq_model_export_items(model, numbers, &reach, &err) == MRQ_OK);
    const mrq_status status = mrq_model_fold(model, reach, &tower, &err);
    fuzz_check_status(status, &err, 0);
    mrq_folded_free(tower);
    free(numbers);
}

static void target(const char *path)
{
    mrq_error err = {0};
    mrq_model *model = NULL;
    const mrq_status status = mrq_model_load(path, &model, &err);
    fuzz_check_status(status, &err, FUZZ_ALLOW(MRQ_BAD_FILE));
    FUZZ_CHECK((model != NULL) == (status == MRQ_OK));
    if (!model)
        return;
    fuzz_check_table(model->users, FUZZ_STORED);
    fuzz_check_table(model->items, FUZZ_STORED);
    fuzz_check_lists(&model->seen, model->users->rows, model->items->rows, false);
    check_links(&model->raters, model->items->rows, model->users->rows);
    check_links(&model->likes, model->users->rows, model->items->rows);
    FUZZ_CHECK(model->user_rows <= model->users->rows + 1 && model->item_rows <= model->items->rows + 1);
    FUZZ_CHECK(model->curve.n <= MRQ_EPOCHS_MAX && isfinite(model->description.shift));
    fuzz_check_finite(model->param, model->tensors.size);
    use(model);
    mrq_model_free(model);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_container(data, size, target);
    return 0;
}
