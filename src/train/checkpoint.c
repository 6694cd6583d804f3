/* A checkpoint is one container: the training's settings (JSON), its position, the epochs that have ended, the order of the
 * ratings, the workers' random states, and the blocks of parameters, best parameters and moments. Everything else is computed again
 * from data and settings, so these are compared first. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/finite.h"
#include "train/trainer.h"

#define KIND    "resume"
#define VERSION 2

/* The settings that identify a training. NULL when out of memory. */
static cJSON *settings_json(const mrq_trainer *t)
{
    MRQ_CLEANUP(cJSON_Delete) cJSON *root = cJSON_CreateObject();
    /* Results come first: if seed or data differ, the rest differs because of them. */
    cJSON *results = mrq_model_results_json(&t->model->results), *description = NULL;
    if (!results || !cJSON_AddItemToObject(root, "training", results)) {
        cJSON_Delete(results);
        return NULL;
    }
    if (!(description = mrq_description_json(&t->model->description)) || !cJSON_AddItemToObject(root, "model", description)) {
        cJSON_Delete(description);
        return NULL;
    }
    cJSON *made = root;
    root = NULL;
    return made;
}

/* Finds the first difference between two documents; writes its place into `path` (size). */
static bool differ(const cJSON *a, const cJSON *b, char *path, size_t size, const cJSON **left, const cJSON **right)
{
    *left = a;
    *right = b;
    if (!cJSON_IsObject(a) && !cJSON_IsArray(a))
        return cJSON_IsNumber(a) && cJSON_IsNumber(b) ? a->valuedouble < b->valuedouble || a->valuedouble > b->valuedouble
                                                      : !cJSON_Compare(a, b, true); /* tolerates rounding in numbers */
    if (!cJSON_IsObject(b) && !cJSON_IsArray(b))
        return true;
    const size_t length = strlen(path);
    int i = 0;
    const cJSON *member;
    cJSON_ArrayForEach(member, a)
    {
        const cJSON *other = member->string ? cJSON_GetObjectItemCaseSensitive(b, member->string) : cJSON_GetArrayItem(b, i);
        if (member->string)
            snprintf(path + length, size - length, "%s%s", length ? "." : "", member->string);
        else
            snprintf(path + length, size - length, "[%d]", i);
        i++;
        *left = member;
        *right = NULL;
        if (!other || differ(member, other, path, size, left, right))
            return true;
        path[length] = '\0';
    }
    *left = a;
    *right = b;
    return cJSON_GetArraySize(a) != cJSON_GetArraySize(b);
}

/* The same core gives the same result whoever chose it, so that is not compared. Older files do not name the core at all. */
static void forget_choice(cJSON *want, cJSON *have)
{
    cJSON *now = cJSON_GetObjectItemCaseSensitive(want, "training"), *then = cJSON_GetObjectItemCaseSensitive(have, "training");
    cJSON_DeleteItemFromObjectCaseSensitive(now, "blas_chosen_by");
    cJSON_DeleteItemFromObjectCaseSensitive(then, "blas_chosen_by");
    if (!cJSON_HasObjectItem(then, "blas_core"))
        cJSON_DeleteItemFromObjectCaseSensitive(now, "blas_core");
}

static mrq_status check_settings(const mrq_trainer *t, const mrq_container *file, mrq_error *err)
{
    size_t size = MRQ_ANY;
    const void *text;
    MRQ_CLEANUP(cJSON_Delete) cJSON *made = settings_json(t), *want = NULL, *have = NULL;
    /* Printed and parsed again, so that numbers such as the seed compare equal to those in the file. */
    MRQ_AUTOFREE char *written = made ? cJSON_PrintUnformatted(made) : NULL;
    if (!written)
        return mrq_fail_memory(err, "resuming");
    MRQ_TRY(mrq_json_parse(written, strlen(written), "settings", &want, err));
    MRQ_TRY(mrq_container_get(file, 1, &size, &text, err, "settings"));
    MRQ_TRY(mrq_json_parse(text, size, t->options->checkpoint, &have, err));
    forget_choice(want, have);
    char path[160] = "";
    const cJSON *left, *right;
    if (!differ(want, have, path, sizeof path, &left, &right))
        return MRQ_OK;
    MRQ_AUTOFREE char *now = cJSON_PrintUnformatted(left), *then = right ? cJSON_PrintUnformatted(right) : NULL;
    if (!now || (right && !then))
        return mrq_fail_memory(err, "resuming");
    return mrq_container_bad(file, err, "was saved with %s %.80s, not %.80s: give the same data and settings, or remove the file",
                             path, then ? then : "absent", now);
}

mrq_status mrq_checkpoint_save(const mrq_trainer *t, mrq_error *err)
{
    MRQ_CLEANUP(mrq_container_writer_free) mrq_container_writer *writer = mrq_container_writer_new(KIND, VERSION);
    MRQ_CLEANUP(cJSON_Delete) cJSON *json = settings_json(t);
    MRQ_AUTOFREE char *settings = json ? cJSON_PrintUnformatted(json) : NULL;
    MRQ_AUTOFREE mrq_random *rng = mrq_array(t->threads, sizeof *rng);
    if (!writer || !settings || !rng)
        return mrq_fail_memory(err, "writing a checkpoint");
    for (uint32_t w = 0; w < t->threads; w++)
        rng[w] = t->worker[w].rng;
    const size_t size = t->model->tensors.size;
    mrq_container_add(writer, settings, strlen(settings), 1, "settings");
    mrq_container_add(writer, &t->at, 1, sizeof t->at, "position");
    mrq_container_add(writer, t->epoch, t->at.n_epochs, sizeof *t->epoch, "epochs");
    mrq_container_add(writer, t->split.train, t->split.n_train, sizeof *t->split.train, "order");
    mrq_container_add(writer, rng, t->threads, sizeof *rng, "random");
    mrq_container_add(writer, t->model->param, size, sizeof(float), "parameters");
    mrq_container_add(writer, t->best, size, sizeof(float), "best");
    if (t->optimizer.moment1)
        mrq_container_add(writer, t->optimizer.moment1, size, sizeof(float), "moment1");
    if (t->optimizer.moment2)
        mrq_container_add(writer, t->optimizer.moment2, size, sizeof(float), "moment2");
    return mrq_container_write(writer, t->options->checkpoint, err);
}

/* The order must hold each rating of the training part exactly once. */
static mrq_status load_order(mrq_trainer *t, const mrq_container *file, mrq_error *err)
{
    size_t n = t->split.n_train;
    const void *data;
    MRQ_TRY(mrq_container_get(file, sizeof *t->split.train, &n, &data, err, "order"));
    MRQ_AUTOFREE unsigned char *open = mrq_array(t->data->n, 1);
    if (!open)
        return mrq_fail_memory(err, "resuming");
    for (uint64_t i = 0; i < n; i++)
        open[t->split.train[i]] = 1;
    const uint32_t *rating = data;
    for (uint64_t i = 0; i < n; i++) {
        if (rating[i] >= t->data->n || !open[rating[i]])
            return mrq_container_bad(file, err, "rating %u is not in the training part or occurs twice", rating[i]);
        open[rating[i]] = 0;
    }
    memcpy(t->split.train, rating, n * sizeof *rating);
    return MRQ_OK;
}

static mrq_status load_position(mrq_trainer *t, const mrq_container *file, mrq_error *err)
{
    size_t n = 1;
    const void *data;
    MRQ_TRY(mrq_container_get(file, sizeof t->at, &n, &data, err, "position"));
    const mrq_position *at = data;
    if (at->epoch < 1 || at->epoch > t->model->description.train.epochs || at->done > t->split.n_train ||
        at->n_epochs != at->epoch - 1 || at->best_epoch < 0 || at->best_epoch > at->n_epochs || !isfinite(at->loss) ||
        at->loss < 0 || !isfinite(at->seconds) || at->seconds < 0)
        return mrq_container_bad(file, err, "epoch %lld, %llu ratings, %u epochs ended: not a position in this training",
                                 (long long)at->epoch, (unsigned long long)at->done, at->n_epochs);
    t->at = *at;
    n = at->n_epochs;
    MRQ_TRY(mrq_container_get(file, sizeof *t->epoch, &n, &data, err, "epochs"));
    memcpy(t->epoch, data, n * sizeof *t->epoch);
    for (size_t i = 0; i < n; i++)
        if (t->epoch[i].epoch != (int64_t)i + 1)
            return mrq_container_bad(file, err, "found epoch %lld, want epoch %zu", (long long)t->epoch[i].epoch, i + 1);
    n = t->threads;
    MRQ_TRY(mrq_container_get(file, sizeof(mrq_random), &n, &data, err, "random"));
    const mrq_random *rng = data;
    for (uint32_t w = 0; w < t->threads; w++)
        t->worker[w].rng = rng[w];
    return load_order(t, file, err);
}

static mrq_status load_block(const mrq_trainer *t, const mrq_container *file, const char *name, float *out, mrq_error *err)
{
    if (!out)
        return MRQ_OK;
    size_t n = t->model->tensors.size;
    const void *data;
    MRQ_TRY(mrq_container_get(file, sizeof *out, &n, &data, err, "%s", name));
    memcpy(out, data, n * sizeof *out);
    return mrq_all_finite(out, n) ? MRQ_OK : mrq_container_bad(file, err, "%s holds a number that is not finite", name);
}

mrq_status mrq_checkpoint_load(mrq_trainer *t, mrq_error *err)
{
    MRQ_CLEANUP(mrq_container_close) mrq_container *file = NULL;
    MRQ_TRY(mrq_container_open(t->options->checkpoint, KIND, VERSION, &file, err));
    MRQ_TRY(check_settings(t, file, err));
    MRQ_TRY(load_position(t, file, err));
    MRQ_TRY(load_block(t, file, "parameters", t->model->param, err));
    MRQ_TRY(load_block(t, file, "best", t->best, err));
    MRQ_TRY(load_block(t, file, "moment1", t->optimizer.moment1, err));
    return load_block(t, file, "moment2", t->optimizer.moment2, err);
}
