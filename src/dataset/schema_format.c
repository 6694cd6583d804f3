/* How a file of a schema is divided into records and fields: its format, and the keys that go with it. */
#include <string.h>

#include "dataset/schema_private.h"

#define KEYS 4 /* that tell how lines are divided */

static const struct format {
    const char *name;
    bool tables;            /* users and items can be in such a file */
    const char *keys[KEYS]; /* that it may have */
} formats[] = {
    [MRQ_DELIMITED] = {"delimited", true, {"delimiter", "header", "quoted", "escape"}},
    [MRQ_LISTS] = {"lists", false, {"delimiter"}},
    [MRQ_JSON_LINES] = {"json-lines", true, {NULL}},
};
#define N_FORMATS (sizeof formats / sizeof *formats)

/* Refuses keys of other formats. */
static mrq_status check_keys(const cJSON *json, const char *path, const struct format *format, mrq_error *err)
{
    static const char *const keys[KEYS] = {"delimiter", "header", "quoted", "escape"};
    for (size_t i = 0; i < KEYS; i++) {
        bool has = false;
        for (int k = 0; k < KEYS && format->keys[k]; k++)
            has |= strcmp(format->keys[k], keys[i]) == 0;
        if (!has && cJSON_HasObjectItem(json, keys[i]) && !cJSON_IsFalse(cJSON_GetObjectItem(json, keys[i])))
            return mrq_fail(err, MRQ_BAD_FILE, "%s.%s: format \"%s\" has none; leave it out", path, keys[i], format->name);
    }
    return MRQ_OK;
}

/* What stands before a quote within quotes. */
static mrq_status read_escape(const cJSON *json, const char *path, mrq_file_schema *file, mrq_error *err)
{
    const char *escape;
    MRQ_TRY(mrq_json_text(json, path, "escape", false, &escape, err));
    if (!escape)
        return MRQ_OK;
    if (escape[0] < '!' || escape[0] > '~' || escape[1] || *escape == '"' || strchr(file->delimiter, *escape))
        return mrq_fail(err, MRQ_BAD_FILE,
                        "%s.escape: \"%.10s\", want one character such as \\, no quote and none of the delimiter", path, escape);
    if (!file->quoted)
        return mrq_fail(err, MRQ_BAD_FILE, "%s.escape: it stands before quotes within quotes; want \"quoted\": true beside it",
                        path);
    file->escape = *escape;
    return MRQ_OK;
}

mrq_status mrq_schema_read_format(mrq_arena *arena, const cJSON *json, const char *path, bool table, mrq_file_schema *file,
                                  mrq_error *err)
{
    const char *names[N_FORMATS + 1] = {NULL}, *delimiter;
    int choice = MRQ_DELIMITED;
    for (size_t i = 0; i < N_FORMATS; i++)
        names[i] = formats[i].name;
    MRQ_TRY(mrq_json_choice(json, path, "format", names, &choice, err));
    const struct format *format = &formats[choice];
    file->format = (mrq_format)choice;
    if (table && !format->tables)
        return mrq_fail(err, MRQ_BAD_FILE, "%s.format: \"%s\" is for events alone", path, format->name);
    MRQ_TRY(check_keys(json, path, format, err));
    MRQ_TRY(mrq_json_bool(json, path, "header", &file->header, err));
    MRQ_TRY(mrq_json_bool(json, path, "quoted", &file->quoted, err));
    if (!format->keys[0])
        return MRQ_OK;
    MRQ_TRY(mrq_json_text(json, path, "delimiter", true, &delimiter, err));
    MRQ_TRY(mrq_schema_delimiter(delimiter, path, err));
    file->delimiter = mrq_schema_copy(arena, delimiter);
    return file->delimiter ? read_escape(json, path, file, err) : mrq_fail_memory(err, "reading a schema");
}
