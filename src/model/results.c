/* Results of a training as JSON: in the model file, in a generation's manifest and in the reports of the job. In files an epoch of
 * the curve is [train, valid, test], rounded to six decimals as in all other output, with null for NaN: it is parsed whenever a
 * store is opened, and objects would take three times the bytes and twice the time. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "model/network.h"

#define RMSE_MAX 1e9

cJSON *mrq_model_results_json(const mrq_model_results *r)
{
    MRQ_CLEANUP(cJSON_Delete) cJSON *root = cJSON_CreateObject();
    char fingerprint[17];
    snprintf(fingerprint, sizeof fingerprint, "%016llx", (unsigned long long)r->data_fingerprint);
    bool ok = cJSON_AddStringToObject(root, "schema", r->schema) && cJSON_AddStringToObject(root, "data", fingerprint) &&
              cJSON_AddStringToObject(root, "split", r->split) && mrq_json_add_whole(root, "seed", (int64_t)r->seed);
    const struct {
        const char *key;
        double value;
    } numbers[] = {
        {"test_share", r->test_share},
        {"threads", (double)r->threads},
        {"epochs", (double)r->epochs},
        {"best_epoch", (double)r->best_epoch},
        {"train_ratings", (double)r->train_ratings},
        {"valid_ratings", (double)r->valid_ratings},
        {"test_ratings", (double)r->test_ratings},
        {"rating_min", r->rating_min},
        {"rating_max", r->rating_max},
        {"train_rmse", r->train_rmse},
        {"valid_rmse", r->valid_rmse},
        {"test_rmse", r->test_rmse},
        {"test_recall", r->test_recall},
        {"test_ndcg", r->test_ndcg},
        {"neighbours", r->neighbours ? (double)r->neighbours : NAN},
        {"score_directions", r->score_directions ? (double)r->score_directions : NAN},
        {"like_directions", r->score_directions ? (double)r->like_directions : NAN},
        {"score_weight", r->score_directions ? r->score_weight : NAN},
        {"like_weight", r->score_directions ? r->like_weight : NAN},
        {"parts_ndcg", r->score_directions ? r->parts_ndcg : NAN},
        {"parts_tested", r->score_directions ? (double)r->parts_tested : NAN},
    };
    for (size_t i = 0; ok && i < sizeof numbers / sizeof *numbers; i++)
        ok = !isfinite(numbers[i].value) || cJSON_AddNumberToObject(root, numbers[i].key, numbers[i].value);
    if (ok && *r->blas_core)
        ok = cJSON_AddStringToObject(root, "blas_core", r->blas_core) &&
             cJSON_AddStringToObject(root, "blas_chosen_by", r->blas_chosen_by);
    if (!ok || (r->ranks && !cJSON_AddTrueToObject(root, "ranks")) || (r->recency && !cJSON_AddTrueToObject(root, "recency")))
        return NULL;
    cJSON *made = root;
    root = NULL;
    return made;
}

static double rounded(double value)
{
    return round(value * 1e6) / 1e6;
}

static bool add_known(cJSON *object, const char *key, double value)
{
    return !isfinite(value) || cJSON_AddNumberToObject(object, key, rounded(value));
}

cJSON *mrq_model_curve_json(const mrq_model_curve *curve)
{
    cJSON *array = cJSON_CreateArray();
    bool ok = array;
    for (uint32_t i = 0; ok && i < curve->n; i++) {
        const mrq_model_epoch *epoch = &curve->epoch[i];
        cJSON *object = mrq_json_append_object(array);
        ok = cJSON_AddNumberToObject(object, "epoch", i + 1.0) && add_known(object, "train", epoch->train_rmse) &&
             add_known(object, "valid", epoch->valid_rmse) && add_known(object, "test", epoch->test_rmse);
    }
    if (ok)
        return array;
    cJSON_Delete(array);
    return NULL;
}

/* The curve in the form stored in files; cJSON prints a NaN as null. */
static cJSON *rows_json(const mrq_model_curve *curve)
{
    cJSON *array = cJSON_CreateArray();
    bool ok = array;
    for (uint32_t i = 0; ok && i < curve->n; i++) {
        const mrq_model_epoch *epoch = &curve->epoch[i];
        const double value[] = {rounded(epoch->train_rmse), rounded(epoch->valid_rmse), rounded(epoch->test_rmse)};
        ok = cJSON_AddItemToArray(array, cJSON_CreateDoubleArray(value, 3)); /* fails for NULL */
    }
    if (ok)
        return array;
    cJSON_Delete(array);
    return NULL;
}

cJSON *mrq_model_training_json(const mrq_model *model)
{
    const mrq_model_results *r = &model->results;
    MRQ_CLEANUP(cJSON_Delete) cJSON *root = mrq_model_results_json(r);
    if (!root || (r->tested && !mrq_json_add_whole(root, "tested", (int64_t)r->tested)) ||
        (r->evidence.events && !mrq_json_add_made(root, "evidence", mrq_evidence_json(&r->evidence))) ||
        (r->live_mark && !mrq_json_add_whole(root, "live_mark", (int64_t)r->live_mark)) ||
        (r->meaning.value && !mrq_json_add_made(root, "events", mrq_meaning_json(&r->meaning))) ||
        (model->curve.n && !mrq_json_add_made(root, "curve", rows_json(&model->curve))))
        return NULL;
    cJSON *made = root;
    root = NULL;
    return made;
}

/* Reads a text that is printed without escaping, also to a terminal. If it is absent and not required, `out` is unchanged. */
static mrq_status read_name(const cJSON *root, const char *path, const char *key, bool required, char *out, size_t size,
                            mrq_error *err)
{
    const char *text;
    MRQ_TRY(mrq_json_text(root, path, key, required, &text, err));
    if (!text)
        return MRQ_OK;
    if (strlen(text) >= size || !mrq_utf8_is_plain(text))
        return mrq_fail(err, MRQ_BAD_FILE, "%s %s: \"%.40s\", want less than %zu bytes and no control characters", path, key, text,
                        size);
    strcpy(out, text);
    return MRQ_OK;
}

static mrq_status read_results(const cJSON *root, const char *path, mrq_model_results *out, mrq_error *err)
{
    mrq_model_results r = {.rating_min = -INFINITY,
                           .rating_max = INFINITY,
                           .train_rmse = NAN,
                           .valid_rmse = NAN,
                           .test_rmse = NAN,
                           .test_recall = NAN,
                           .test_ndcg = NAN,
                           .parts_ndcg = NAN};
    const char *data;
    const cJSON *evidence, *events;
    char at[4300];
    MRQ_TRY(read_name(root, path, "schema", true, r.schema, sizeof r.schema, err));
    MRQ_TRY(read_name(root, path, "split", true, r.split, sizeof r.split, err));
    MRQ_TRY(read_name(root, path, "blas_core", false, r.blas_core, sizeof r.blas_core, err));
    MRQ_TRY(read_name(root, path, "blas_chosen_by", false, r.blas_chosen_by, sizeof r.blas_chosen_by, err));
    MRQ_TRY(mrq_json_text(root, path, "data", true, &data, err));
    r.data_fingerprint = strtoull(data, NULL, 16);
    int64_t live_mark = 0;
    int64_t seed = 0, train = 0, valid = 0, test = 0, tested = 0, neighbours = 0;
    const int64_t most = (int64_t)1 << 53;
    MRQ_TRY(mrq_json_int(root, path, "live_mark", 0, most, &live_mark, err));
    r.live_mark = (uint64_t)live_mark;
    MRQ_TRY(mrq_json_int(root, path, "seed", 0, most, &seed, err));
    MRQ_TRY(mrq_json_int(root, path, "threads", 0, most, &r.threads, err));
    MRQ_TRY(mrq_json_int(root, path, "epochs", 0, most, &r.epochs, err));
    MRQ_TRY(mrq_json_int(root, path, "best_epoch", 0, most, &r.best_epoch, err));
    MRQ_TRY(mrq_json_int(root, path, "train_ratings", 0, most, &train, err));
    MRQ_TRY(mrq_json_int(root, path, "valid_ratings", 0, most, &valid, err));
    MRQ_TRY(mrq_json_int(root, path, "test_ratings", 0, most, &test, err));
    MRQ_TRY(mrq_json_int(root, path, "tested", 0, most, &tested, err));
    MRQ_TRY(mrq_json_real(root, path, "test_share", 0, 1, &r.test_share, err));
    MRQ_TRY(mrq_json_real(root, path, "rating_min", -1e6, 1e6, &r.rating_min, err));
    MRQ_TRY(mrq_json_real(root, path, "rating_max", -1e6, 1e6, &r.rating_max, err));
    MRQ_TRY(mrq_json_real(root, path, "train_rmse", 0, RMSE_MAX, &r.train_rmse, err));
    MRQ_TRY(mrq_json_real(root, path, "valid_rmse", 0, RMSE_MAX, &r.valid_rmse, err));
    MRQ_TRY(mrq_json_real(root, path, "test_rmse", 0, RMSE_MAX, &r.test_rmse, err));
    MRQ_TRY(mrq_json_bool(root, path, "ranks", &r.ranks, err));
    MRQ_TRY(mrq_json_bool(root, path, "recency", &r.recency, err));
    MRQ_TRY(mrq_json_real(root, path, "test_recall", 0, 1, &r.test_recall, err));
    MRQ_TRY(mrq_json_real(root, path, "test_ndcg", 0, 1, &r.test_ndcg, err));
    MRQ_TRY(mrq_json_int(root, path, "neighbours", 0, most, &neighbours, err));
    MRQ_TRY(mrq_json_int(root, path, "score_directions", 0, most, &r.score_directions, err));
    MRQ_TRY(mrq_json_int(root, path, "like_directions", 0, most, &r.like_directions, err));
    MRQ_TRY(mrq_json_real(root, path, "score_weight", 0, 1e6, &r.score_weight, err));
    MRQ_TRY(mrq_json_real(root, path, "like_weight", 0, 1e6, &r.like_weight, err));
    MRQ_TRY(mrq_json_real(root, path, "parts_ndcg", 0, 1, &r.parts_ndcg, err));
    MRQ_TRY(mrq_json_int(root, path, "parts_tested", 0, most, &r.parts_tested, err));
    MRQ_TRY(mrq_json_object(root, path, "evidence", false, &evidence, err));
    snprintf(at, sizeof at, "%s evidence:", path);
    MRQ_TRY(mrq_evidence_parse(evidence, at, &r.evidence, err));
    MRQ_TRY(mrq_json_object(root, path, "events", false, &events, err));
    snprintf(at, sizeof at, "%s events:", path);
    MRQ_TRY(mrq_meaning_parse(events, at, &r.meaning, err));
    r.seed = (uint64_t)seed;
    r.train_ratings = (uint64_t)train;
    r.valid_ratings = (uint64_t)valid;
    r.test_ratings = (uint64_t)test;
    r.tested = (uint64_t)tested;
    r.neighbours = (uint64_t)neighbours;
    *out = r;
    return MRQ_OK;
}

/* [train, valid, test] */
static bool read_epoch(const cJSON *row, mrq_model_epoch *out)
{
    double value[3] = {NAN, NAN, NAN};
    int n = 0;
    const cJSON *item;
    if (!cJSON_IsArray(row))
        return false;
    cJSON_ArrayForEach(item, row)
    {
        const bool number = cJSON_IsNumber(item) && item->valuedouble >= 0 && item->valuedouble <= RMSE_MAX;
        if (n == 3 || (!number && !cJSON_IsNull(item)))
            return false;
        value[n++] = number ? item->valuedouble : (double)NAN;
    }
    *out = (mrq_model_epoch){value[0], value[1], value[2]};
    return n == 3;
}

static mrq_status read_curve(const cJSON *root, const char *path, mrq_model_curve *out, mrq_error *err)
{
    const cJSON *array, *row;
    MRQ_TRY(mrq_json_array(root, path, "curve", false, &array, err));
    const int n = array ? cJSON_GetArraySize(array) : 0;
    if (n > MRQ_EPOCHS_MAX)
        return mrq_fail(err, MRQ_BAD_FILE, "%s curve: %d epochs, want at most %d", path, n, MRQ_EPOCHS_MAX);
    MRQ_AUTOFREE mrq_model_epoch *epoch = mrq_array((size_t)n, sizeof *epoch);
    if (!epoch)
        return mrq_fail_memory(err, "reading a learning curve");
    uint32_t i = 0;
    cJSON_ArrayForEach(row, array)
    {
        if (!read_epoch(row, &epoch[i]))
            return mrq_fail(err, MRQ_BAD_FILE, "%s curve[%u]: want [train, valid, test], each a number, 0 to %g, or null", path, i,
                            RMSE_MAX);
        i++;
    }
    *out = (mrq_model_curve){i, epoch};
    epoch = NULL;
    return MRQ_OK;
}

mrq_status mrq_model_training_parse(const cJSON *object, const char *path, mrq_model_results *results, mrq_model_curve *curve,
                                    mrq_error *err)
{
    mrq_model_results read;
    MRQ_TRY(read_results(object, path, &read, err));
    if (curve)
        MRQ_TRY(read_curve(object, path, curve, err));
    *results = read;
    return MRQ_OK;
}
