/* Manifests that vouch for what a test has put into a generation, as a foreign or a newer writer's would. */
#ifndef MRQ_TESTS_FORGE_H
#define MRQ_TESTS_FORGE_H

#include "base/json.h"
#include "store/manifest.h"
#include "unit/testing.h"

#define PATH 4096

static mrq_error err;

/* What a shell command prints. */
static void shell(char *out, size_t size, const char *format, ...) __attribute__((format(printf, 3, 4)));
static inline void shell(char *out, size_t size, const char *format, ...)
{
    char command[3 * PATH];
    va_list args;
    va_start(args, format);
    vsnprintf(command, sizeof command, format, args);
    va_end(args);
    FILE *pipe = popen(command, "r");
    assert_non_null(pipe);
    const size_t n = fread(out, 1, size - 1, pipe);
    out[n] = '\0';
    assert_int_equal(pclose(pipe), 0);
}

static inline void current_path(const char *store, const char *file, char out[PATH])
{
    assert_true(snprintf(out, PATH, "%s/current/%s", store, file) < PATH);
}

/* Puts a manifest into the current generation with a name that vouches for it. */
static inline void put_manifest(const char *store, const char *text, size_t size)
{
    char name[MRQ_GENERATION_NAME], made[MRQ_GENERATION_NAME], path[PATH], out[10];
    assert_ok(mrq_store_current(store, name, &err));
    current_path(store, MRQ_MANIFEST, path);
    write_bytes(path, text, size);
    mrq_generation_name(mrq_generation_time(name), text, size, made);
    shell(out, sizeof out, "cd '%s' && mv -T generations/%s generations/%s && ln -sfn generations/%s current", store, name, made,
          made);
}

static inline cJSON *get_manifest(const char *store)
{
    char path[PATH];
    size_t size;
    cJSON *json = NULL;
    current_path(store, MRQ_MANIFEST, path);
    MRQ_AUTOFREE unsigned char *bytes = read_bytes(path, &size);
    assert_ok(mrq_json_parse((const char *)bytes, size, path, &json, &err));
    return json;
}

static inline void put_json(const char *store, const cJSON *json)
{
    MRQ_AUTOFREE char *text = cJSON_Print(json);
    put_manifest(store, text, strlen(text));
}

/* Vouches for a file of the current generation as it is now, by all that opening compares, but not by the SHA-256. */
static inline void vouch_for(const char *store, const char *file)
{
    char path[PATH], hex[17];
    size_t size;
    current_path(store, file, path);
    MRQ_AUTOFREE unsigned char *bytes = read_bytes(path, &size);
    const mrq_map map = {bytes, size};
    const bool container = strcmp(file, "items.faiss") != 0;
    snprintf(hex, sizeof hex, "%016llx", (unsigned long long)(container ? mrq_container_claim(&map) : mrq_checksum(bytes, size)));
    MRQ_CLEANUP(cJSON_Delete) cJSON *json = get_manifest(store);
    cJSON *entry = cJSON_GetObjectItemCaseSensitive(cJSON_GetObjectItemCaseSensitive(json, "files"), file);
    cJSON_ReplaceItemInObjectCaseSensitive(entry, "size", cJSON_CreateNumber((double)size));
    cJSON_ReplaceItemInObjectCaseSensitive(entry, "checksum", cJSON_CreateString(hex));
    put_json(store, json);
}

#endif
