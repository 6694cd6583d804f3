/* MANIFEST.json. The keys that a reader relies on are checked strictly; "results" and "description" say where the generation comes
 * from and are for people. Checksums and fingerprints are text, because a JSON number keeps 53 bits. */
#include "store/manifest.h"

#include <stdio.h>
#include <string.h>

#include "base/json.h"

static bool add_hex(cJSON *object, const char *key, uint64_t value)
{
    char text[17];
    snprintf(text, sizeof text, "%016llx", (unsigned long long)value);
    return cJSON_AddStringToObject(object, key, text);
}

/* Takes `item` over. */
static bool add_made(cJSON *root, const char *key, cJSON *item)
{
    if (item && cJSON_AddItemToObject(root, key, item))
        return true;
    cJSON_Delete(item);
    return false;
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

char *mrq_manifest_text(const mrq_manifest *manifest, const mrq_model *model)
{
    MRQ_CLEANUP(cJSON_Delete) cJSON *root = cJSON_CreateObject();
    const bool ok =
        cJSON_AddNumberToObject(root, "format", MRQ_MANIFEST_FORMAT) &&
        cJSON_AddStringToObject(root, "created", manifest->created) &&
        cJSON_AddStringToObject(root, "model", manifest->model_name) &&
        cJSON_AddStringToObject(root, "index", manifest->index_kind) && cJSON_AddNumberToObject(root, "movies", manifest->movies) &&
        cJSON_AddNumberToObject(root, "users", manifest->users) && cJSON_AddNumberToObject(root, "dim", manifest->dim) &&
        add_made(root, "results", mrq_model_results_json(mrq_model_results_of(model))) &&
        add_made(root, "description", mrq_description_json(mrq_model_description(model))) && add_parts(root, manifest);
    return ok ? cJSON_Print(root) : NULL;
}

/* A whole number that must be there. */
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

/* A text that must be there and fit. */
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

mrq_status mrq_manifest_parse(const char *text, size_t size, const char *path, mrq_manifest *out, mrq_error *err)
{
    static const char *const keys[] = {"format", "created", "model",   "index",       "movies", "users",
                                       "dim",    "files",   "results", "description", NULL};
    char source[MRQ_STORE_PATH];
    snprintf(source, sizeof source, "%s:", path); /* "path: key" in messages */
    MRQ_CLEANUP(cJSON_Delete) cJSON *root = NULL;
    MRQ_TRY(mrq_json_parse(text, size, path, &root, err));
    int64_t format = 0;
    MRQ_TRY(read_number(root, source, "format", 0, INT32_MAX, &format, err));
    if (format != MRQ_MANIFEST_FORMAT)
        return mrq_fail(err, MRQ_BAD_FILE, "%s: format version %lld, this program reads version %d", path, (long long)format,
                        MRQ_MANIFEST_FORMAT);
    mrq_manifest manifest = {.movies = 0};
    MRQ_TRY(mrq_json_keys(root, source, keys, err));
    MRQ_TRY(read_text(root, source, "created", manifest.created, sizeof manifest.created, err));
    MRQ_TRY(read_text(root, source, "model", manifest.model_name, sizeof manifest.model_name, err));
    MRQ_TRY(read_text(root, source, "index", manifest.index_kind, sizeof manifest.index_kind, err));
    MRQ_TRY(read_count(root, source, "movies", &manifest.movies, err));
    MRQ_TRY(read_count(root, source, "users", &manifest.users, err));
    MRQ_TRY(read_count(root, source, "dim", &manifest.dim, err));
    MRQ_TRY(read_parts(root, source, &manifest, err));
    *out = manifest;
    return MRQ_OK;
}
