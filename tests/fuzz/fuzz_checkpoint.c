/* A checkpoint: a training either refuses it or goes on from it for a batch, somewhere within its passes. */
#include "dataset/dataset.h"
#include "fuzz/container.h"
#include "train/train.h"

static void target(const char *path)
{
    static const volatile sig_atomic_t stop = 1;
    static mrq_schema *schema;
    static mrq_dataset *data;
    static mrq_description description;
    mrq_error err = {0};
    if (!data)
        FUZZ_CHECK(mrq_schema_load(fuzz_fixture("schema.json"), &schema, &err) == MRQ_OK &&
                   mrq_dataset_load(fuzz_fixture("data"), schema, &data, &err) == MRQ_OK &&
                   mrq_description_load(fuzz_fixture("resume.json"), &description, &err) == MRQ_OK);
    const mrq_train_options options = {.split = MRQ_SPLIT_RANDOM,
                                       .test = 0.1,
                                       .seed = 1,
                                       .threads = 2,
                                       .checkpoint = path,
                                       .checkpoint_seconds = 1e6,
                                       .resume = true};
    const mrq_train_watch watch = {.stop = &stop};
    mrq_train_result result = {0};
    const mrq_status status = mrq_train(data, &description, &options, &watch, &result, &err);
    fuzz_check_status(status, &err, FUZZ_ALLOW(MRQ_BAD_FILE) | FUZZ_ALLOW(MRQ_FAILED));
    FUZZ_CHECK(status != MRQ_FAILED || strstr(err.msg, "loss"));
    FUZZ_CHECK((result.model != NULL) == (status == MRQ_OK));
    if (!result.model)
        return;
    const mrq_model_results *r = mrq_model_results_of(result.model);
    FUZZ_CHECK(result.epoch >= 1 && result.epoch <= description.train.epochs);
    FUZZ_CHECK(r->best_epoch >= 0 && r->best_epoch <= result.epoch);
    FUZZ_CHECK(mrq_model_curve_of(result.model)->n <= result.epoch);
    mrq_model_free(result.model);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_container(data, size, target);
    return 0;
}
