/* Schemas: parses JSON into structs that the readers use without further checks. So everything that could go wrong is refused here:
 * unknown keys, wrong types, fields that a file of this role cannot have, columns with the same name.
 *
 * A schema owns one arena; only compiled patterns must be freed separately. */
#include "dataset/schema.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/asset.h"
#include "base/file.h"
#include "base/utf8.h"
#include "dataset/schema_private.h"

#define SCHEMA_BYTES ((size_t)1 << 20) /* a larger file is not a schema */

/* Reads the noun; keeps the current one when the schema has none. */
static mrq_status read_noun(const cJSON *json, const char *root, mrq_noun *noun, mrq_error *err)
{
    const cJSON *array;
    MRQ_TRY(mrq_json_array(json, root, "noun", false, &array, err));
    if (!array)
        return MRQ_OK;
    char *const words[] = {noun->one, noun->many};
    for (int i = 0; i < 2; i++) {
        const cJSON *word = cJSON_GetArrayItem(array, i);
        if (cJSON_GetArraySize(array) != 2 || !cJSON_IsString(word) || !*word->valuestring ||
            strlen(word->valuestring) >= MRQ_NOUN || !mrq_utf8_is_plain(word->valuestring))
            return mrq_fail(err, MRQ_BAD_FILE, "%s noun: want two words, for one and for many, of up to %d bytes each", root,
                            MRQ_NOUN - 1);
        strcpy(words[i], word->valuestring);
    }
    return MRQ_OK;
}

/* The key that the schema has, of a new one and an old one. */
static mrq_status one_of(const cJSON *json, const char *root, const char *key, const char *old, const char **out, mrq_error *err)
{
    const bool has = cJSON_HasObjectItem(json, key), has_old = cJSON_HasObjectItem(json, old);
    if (has && has_old)
        return mrq_fail(err, MRQ_BAD_FILE, "%s %s, %s: want one of them", root, key, old);
    *out = has_old ? old : key;
    return MRQ_OK;
}

static mrq_status read_like(const cJSON *json, const char *root, double *from, mrq_error *err)
{
    static const char *const keys[] = {"from", NULL};
    const cJSON *like = cJSON_GetObjectItemCaseSensitive(json, "like");
    char path[MRQ_SCHEMA_PATH + 16];
    *from = NAN;
    if (!like)
        return MRQ_OK;
    if (cJSON_IsString(like) && strcmp(like->valuestring, "all") == 0) {
        *from = -INFINITY;
        return MRQ_OK;
    }
    if (!cJSON_IsObject(like))
        return mrq_json_wrong(like, root, "like", "\"all\" or {\"from\": a value}", err);
    snprintf(path, sizeof path, "%s like", root);
    MRQ_TRY(mrq_json_keys(like, path, keys, err));
    MRQ_TRY(mrq_json_real(like, path, "from", -1e9, 1e9, from, err));
    return isnan(*from) ? mrq_fail(err, MRQ_BAD_FILE, "%s.from: missing", path) : MRQ_OK;
}

mrq_status mrq_schema_parse(const char *text, size_t size, const char *source, mrq_schema **out, mrq_error *err)
{
    static const char *const keys[] = {"name", "about", "noun", "like", "users", "items", "movies", "events", "ratings", NULL};
    MRQ_CLEANUP(cJSON_Delete) cJSON *json = NULL;
    MRQ_CLEANUP(mrq_schema_free) mrq_schema *schema = calloc(1, sizeof *schema);
    if (!schema || !(schema->arena = mrq_arena_new()))
        return mrq_fail_memory(err, "reading a schema");
    const size_t bad = mrq_utf8_bad(text, size);
    if (bad)
        return mrq_fail(err, MRQ_BAD_FILE, "%s: not valid UTF-8 at byte %zu", source, bad);
    MRQ_TRY(mrq_json_parse(text, size, source, &json, err));
    char root[MRQ_SCHEMA_PATH], path[MRQ_SCHEMA_PATH];
    snprintf(root, sizeof root, "%.60s:", source);
    snprintf(path, sizeof path, "%.60s: name", source);
    const char *name, *about;
    MRQ_TRY(mrq_json_keys(json, root, keys, err));
    MRQ_TRY(mrq_json_text(json, root, "name", true, &name, err));
    MRQ_TRY(mrq_json_text(json, root, "about", false, &about, err));
    MRQ_TRY(mrq_schema_name(name, path, schema->name, err));
    if (about && !mrq_utf8_is_plain(about))
        return mrq_fail(err, MRQ_BAD_FILE, "%s about: \"%.40s\", want no control characters", root, about);
    if (!(schema->about = mrq_schema_copy(schema->arena, about ? about : "")))
        return mrq_fail_memory(err, "reading a schema");
    const char *items = NULL, *events = NULL;
    MRQ_TRY(one_of(json, root, "items", "movies", &items, err));
    MRQ_TRY(one_of(json, root, "events", "ratings", &events, err));
    schema->noun = *items == 'm' ? (mrq_noun){"movie", "movies"} : (mrq_noun){"item", "items"};
    MRQ_TRY(read_noun(json, root, &schema->noun, err));
    MRQ_TRY(read_like(json, root, &schema->like_from, err));
    MRQ_TRY(mrq_schema_read_file(schema->arena, json, source, "users", true, &schema->users, err));
    MRQ_TRY(mrq_schema_read_file(schema->arena, json, source, items, true, &schema->items, err));
    MRQ_TRY(mrq_schema_read_file(schema->arena, json, source, events, false, &schema->events, err));
    *out = schema;
    schema = NULL;
    return MRQ_OK;
}

mrq_status mrq_schema_load(const char *name_or_path, mrq_schema **out, mrq_error *err)
{
    char names[200] = "";
    for (const mrq_asset *asset = mrq_schemas; asset->name; asset++) {
        if (strcmp(asset->name, name_or_path) == 0)
            return mrq_schema_parse(asset->text, strlen(asset->text), asset->name, out, err);
        const size_t used = strlen(names);
        snprintf(names + used, sizeof names - used, "%s%s", used ? ", " : "", asset->name);
    }
    mrq_map map = {0};
    const mrq_status opened = mrq_map_open(&map, name_or_path, err);
    if (opened == MRQ_NOT_FOUND)
        return mrq_fail(err, MRQ_NOT_FOUND, "schema \"%.100s\": no such file, and not one of %s", name_or_path, names);
    MRQ_TRY(opened);
    const char *slash = strrchr(name_or_path, '/'), *source = slash ? slash + 1 : name_or_path;
    const mrq_status status =
        map.size > SCHEMA_BYTES
            ? mrq_fail(err, MRQ_BAD_FILE, "%.60s: %zu bytes, want a schema of at most %zu", source, map.size, SCHEMA_BYTES)
            : mrq_schema_parse((const char *)map.data, map.size, source, out, err);
    mrq_map_close(&map);
    return status;
}

static void free_patterns(mrq_file_schema *file)
{
    for (uint32_t i = 0; i < file->n_fields; i++)
        if (file->field[i].pattern)
            regfree(file->field[i].pattern);
    for (uint32_t i = 0; i < file->n_joined; i++)
        free_patterns(&file->joined[i]);
}

void mrq_schema_free(mrq_schema *schema)
{
    if (!schema)
        return;
    free_patterns(&schema->users);
    free_patterns(&schema->items);
    free_patterns(&schema->events);
    mrq_arena_free(schema->arena);
    free(schema);
}
