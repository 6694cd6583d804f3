/* MANIFEST.json. The keys that a reader needs are checked strictly; "trials" and "description" document the generation for people.
 * Checksums and fingerprints are texts, because a JSON number has only 53 bits. */
#include "store/manifest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/json.h"

#define SETTING_MAX (1 << 20) /* far above any useful setting */

mrq_status mrq_manifest_note(mrq_manifest *manifest, mrq_part part, const char *path, mrq_error *err)
{
    mrq_map map = {0};
    MRQ_TRY(mrq_map_open(&map, path, err));
    mrq_sha256 sha;
    mrq_sha256_init(&sha);
    mrq_sha256_update(&sha, map.data, map.size);
    mrq_sha256_hex(&sha, manifest->part[part].sha256);
    manifest->part[part].size = (int64_t)map.size;
    manifest->part[part].checksum = part == MRQ_PART_INDEX ? mrq_checksum(map.data, map.size) : mrq_container_claim(&map);
    mrq_map_close(&map);
    return MRQ_OK;
}

void mrq_manifest_content(const mrq_manifest *manifest, char out[MRQ_CONTENT_SIZE])
{
    char hex[MRQ_SHA256_HEX];
    mrq_sha256 sha;
    mrq_sha256_init(&sha);
    mrq_sha256_update(&sha, manifest->part[MRQ_PART_CATALOGUE].sha256, MRQ_SHA256_HEX - 1);
    mrq_sha256_update(&sha, manifest->part[MRQ_PART_VECTORS].sha256, MRQ_SHA256_HEX - 1);
    mrq_sha256_update(&sha, MRQ_BACKEND_FIELDS, sizeof MRQ_BACKEND_FIELDS - 1);
    mrq_sha256_hex(&sha, hex);
    memcpy(out, hex, MRQ_CONTENT_SIZE - 1);
    out[MRQ_CONTENT_SIZE - 1] = '\0';
}

static bool add_hex(cJSON *object, const char *key, uint64_t value)
{
    char text[17];
    snprintf(text, sizeof text, "%016llx", (unsigned long long)value);
    return cJSON_AddStringToObject(object, key, text);
}

static bool add_created(cJSON *root, int64_t us)
{
    const time_t seconds = (time_t)(us / 1000000);
    struct tm utc;
    char text[40];
    gmtime_r(&seconds, &utc);
    const size_t n = strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &utc);
    snprintf(text + n, sizeof text - n, ".%06dZ", (int)(us % 1000000)); /* makes equal exports differ */
    return cJSON_AddStringToObject(root, "created", text);
}

static bool add_index(cJSON *root, const mrq_trial *trial)
{
    cJSON *index = cJSON_AddObjectToObject(root, "index");
    return index && mrq_trial_tell(trial, index) && cJSON_AddNumberToObject(index, "k", MRQ_RECALL_K);
}

static bool add_trials(cJSON *root, const mrq_choice *choice)
{
    cJSON *trials = cJSON_AddArrayToObject(root, "trials");
    bool ok = trials;
    for (uint32_t i = 0; ok && i < choice->n; i++)
        ok = mrq_trial_tell(&choice->trial[i], mrq_json_append_object(trials));
    return ok;
}

static bool add_parts(cJSON *root, const mrq_manifest *manifest)
{
    cJSON *files = cJSON_AddObjectToObject(root, "files");
    bool ok = files;
    for (int i = 0; ok && i < MRQ_PARTS; i++) {
        cJSON *file = cJSON_AddObjectToObject(files, mrq_part_names[i]);
        ok = cJSON_AddNumberToObject(file, "size", (double)manifest->part[i].size) &&
             cJSON_AddStringToObject(file, "sha256", manifest->part[i].sha256) &&
             add_hex(file, "checksum", manifest->part[i].checksum);
    }
    return ok;
}

char *mrq_manifest_text(const mrq_manifest *manifest, const mrq_model *model, const mrq_choice *choice)
{
    MRQ_CLEANUP(cJSON_Delete) cJSON *root = cJSON_CreateObject();
    const bool ok =
        cJSON_AddNumberToObject(root, "format", MRQ_MANIFEST_FORMAT) && add_created(root, manifest->created_us) &&
        cJSON_AddStringToObject(root, "model", manifest->model_name) && cJSON_AddNumberToObject(root, "items", manifest->items) &&
        cJSON_AddNumberToObject(root, "users", manifest->users) && cJSON_AddNumberToObject(root, "dim", manifest->dim) &&
        add_index(root, &manifest->index) && add_parts(root, manifest) &&
        mrq_json_add_made(root, "results", mrq_model_training_json(model)) &&
        mrq_json_add_made(root, "description", mrq_description_json(mrq_model_description(model))) && add_trials(root, choice);
    return ok ? cJSON_Print(root) : NULL;
}

/* A required whole number. */
static mrq_status read_number(const cJSON *object, const char *path, const char *key, int64_t min, int64_t max, int64_t *out,
                              mrq_error *err)
{
    int64_t value = min - 1;
    MRQ_TRY(mrq_json_int(object, path, key, min, max, &value, err));
    if (value < min)
        return mrq_fail(err, MRQ_BAD_FILE, "%s %s: missing", path, key);
    *out = value;
    return MRQ_OK;
}

static mrq_status read_count(const cJSON *object, const char *path, const char *key, uint32_t *out, mrq_error *err)
{
    int64_t value = 0;
    MRQ_TRY(read_number(object, path, key, 1, UINT32_MAX - 1, &value, err));
    *out = (uint32_t)value;
    return MRQ_OK;
}

/* A required text that fits `size`. */
static mrq_status read_text(const cJSON *object, const char *path, const char *key, char *out, size_t size, mrq_error *err)
{
    const char *text;
    MRQ_TRY(mrq_json_text(object, path, key, true, &text, err));
    if (strlen(text) >= size)
        return mrq_fail(err, MRQ_BAD_FILE, "%s %s: %zu bytes, want less than %zu", path, key, strlen(text), size);
    strcpy(out, text);
    return MRQ_OK;
}

static mrq_status read_hex(const cJSON *object, const char *path, const char *key, uint64_t *out, mrq_error *err)
{
    char text[17], end;
    unsigned long long value;
    MRQ_TRY(read_text(object, path, key, text, sizeof text, err));
    if (strspn(text, "0123456789abcdef") != 16 || sscanf(text, "%16llx%c", &value, &end) != 1)
        return mrq_fail(err, MRQ_BAD_FILE, "%s %s: \"%s\", want 16 hexadecimal digits", path, key, text);
    *out = value;
    return MRQ_OK;
}

static mrq_status read_created(const cJSON *root, const char *path, int64_t *us, mrq_error *err)
{
    char text[40];
    struct tm utc = {0};
    MRQ_TRY(read_text(root, path, "created", text, sizeof text, err));
    const char *rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &utc);
    if (!rest || rest[0] != '.' || strspn(rest + 1, "0123456789") != 6 || strcmp(rest + 7, "Z") != 0)
        return mrq_fail(err, MRQ_BAD_FILE, "%s created: \"%s\", want a time like 2026-01-31T02:00:00.000000Z", path, text);
    *us = (int64_t)timegm(&utc) * 1000000 + strtol(rest + 1, NULL, 10);
    return MRQ_OK;
}

/* A required number of at least 0. */
static mrq_status read_real(const cJSON *object, const char *path, const char *key, double max, double *out, mrq_error *err)
{
    double value = -1;
    MRQ_TRY(mrq_json_real(object, path, key, 0, max, &value, err));
    if (value < 0)
        return mrq_fail(err, MRQ_BAD_FILE, "%s %s: missing", path, key);
    *out = value;
    return MRQ_OK;
}

static mrq_status read_index(const cJSON *root, const char *path, mrq_trial *out, mrq_error *err)
{
    const cJSON *index;
    char at[MRQ_STORE_PATH + 64];
    int64_t parameter = 0, rerank = 0, queries = 0;
    snprintf(at, sizeof at, "%s index:", path);
    MRQ_TRY(mrq_json_object(root, path, "index", true, &index, err));
    MRQ_TRY(read_text(index, at, "factory", out->settings.factory, sizeof out->settings.factory, err));
    const char *name = mrq_index_parameter_name(out->settings.factory);
    const char *const keys[] = {"factory", "rerank", "recall", "p50_us", "p99_us", "queries", "k", name, NULL};
    MRQ_TRY(mrq_json_keys(index, at, keys, err));
    if (name)
        MRQ_TRY(read_number(index, at, name, 0, SETTING_MAX, &parameter, err));
    MRQ_TRY(read_number(index, at, "rerank", 0, SETTING_MAX, &rerank, err));
    MRQ_TRY(read_number(index, at, "queries", 0, INT32_MAX, &queries, err));
    MRQ_TRY(read_real(index, at, "recall", 1, &out->recall, err));
    MRQ_TRY(read_real(index, at, "p50_us", 1e12, &out->p50, err));
    MRQ_TRY(read_real(index, at, "p99_us", 1e12, &out->p99, err));
    out->p50 *= 1e-6;
    out->p99 *= 1e-6;
    out->settings.parameter = (uint32_t)parameter;
    out->settings.rerank = (uint32_t)rerank;
    out->n_queries = (uint32_t)queries;
    return MRQ_OK;
}

static mrq_status read_parts(const cJSON *root, const char *path, mrq_manifest *out, mrq_error *err)
{
    static const char *const keys[] = {"size", "sha256", "checksum", NULL};
    const cJSON *files, *file;
    MRQ_TRY(mrq_json_object(root, path, "files", true, &files, err));
    MRQ_TRY(mrq_json_keys(files, path, mrq_part_names, err));
    for (int i = 0; i < MRQ_PARTS; i++) {
        char at[MRQ_STORE_PATH + 64];
        snprintf(at, sizeof at, "%s files.%s:", path, mrq_part_names[i]);
        MRQ_TRY(mrq_json_object(files, path, mrq_part_names[i], true, &file, err));
        MRQ_TRY(mrq_json_keys(file, at, keys, err));
        MRQ_TRY(read_number(file, at, "size", 0, (int64_t)1 << 53, &out->part[i].size, err));
        MRQ_TRY(read_text(file, at, "sha256", out->part[i].sha256, sizeof out->part[i].sha256, err));
        MRQ_TRY(read_hex(file, at, "checksum", &out->part[i].checksum, err));
    }
    return MRQ_OK;
}

mrq_status mrq_manifest_parse(const char *text, size_t size, const char *path, mrq_manifest *out, mrq_model_curve *curve,
                              mrq_error *err)
{
    static const char *const keys[] = {"format", "created", "model",   "items",       "users",  "dim",
                                       "index",  "files",   "results", "description", "trials", NULL};
    char source[MRQ_STORE_PATH], at[MRQ_STORE_PATH + 64];
    snprintf(source, sizeof source, "%s:", path); /* "path: key" in messages */
    snprintf(at, sizeof at, "%s results:", source);
    MRQ_CLEANUP(cJSON_Delete) cJSON *root = NULL;
    const cJSON *results;
    MRQ_TRY(mrq_json_parse(text, size, path, &root, err));
    int64_t format = 0;
    MRQ_TRY(read_number(root, source, "format", 0, INT32_MAX, &format, err));
    if (format != MRQ_MANIFEST_FORMAT)
        return mrq_fail(err, MRQ_BAD_FILE,
                        "%s: format version %lld, this program reads version %d; make it anew: `marquee train`, then `marquee "
                        "export`, or `marquee rebuild`",
                        path, (long long)format, MRQ_MANIFEST_FORMAT);
    mrq_manifest manifest = {0};
    MRQ_TRY(mrq_json_keys(root, source, keys, err));
    MRQ_TRY(read_created(root, source, &manifest.created_us, err));
    MRQ_TRY(read_text(root, source, "model", manifest.model_name, sizeof manifest.model_name, err));
    MRQ_TRY(read_index(root, source, &manifest.index, err));
    MRQ_TRY(read_count(root, source, "items", &manifest.items, err));
    MRQ_TRY(read_count(root, source, "users", &manifest.users, err));
    MRQ_TRY(read_count(root, source, "dim", &manifest.dim, err));
    MRQ_TRY(mrq_json_object(root, source, "results", true, &results, err));
    MRQ_TRY(read_parts(root, source, &manifest, err));
    MRQ_TRY(mrq_model_training_parse(results, at, &manifest.results, curve, err));
    manifest.quality = mrq_quality_of(&manifest.results);
    *out = manifest;
    return MRQ_OK;
}
