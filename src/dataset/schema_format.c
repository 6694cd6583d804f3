/* How a file of a schema is divided into records and fields: its format, and the keys that go with it. */
#include <string.h>

#include "dataset/schema_private.h"

#define KEYS 5 /* that tell how lines are divided */

static const struct format {
    const char *name;
    bool tables;            /* users and items can be in such a file */
    const char *keys[KEYS]; /* that it may have */
} formats[] = {
    [MRQ_DELIMITED] = {"delimited", true, {"delimiter", "header", "quoted", "escape"}},
    [MRQ_LISTS] = {"lists", false, {"delimiter"}},
    [MRQ_JSON_LINES] = {"json-lines", true, {NULL}},
    [MRQ_MATRIX] = {"matrix", false, {"delimiter", "header", "quoted", "escape", "none"}},
};
#define N_FORMATS (sizeof formats / sizeof *formats)

/* Refuses keys of other formats. */
static mrq_status check_keys(const cJSON *json, const char *path, const struct format *format, mrq_error *err)
{
    static const char *const keys[KEYS] = {"delimiter", "header", "quoted", "escape", "none"};
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
    const char *names[N_FORMATS + 1] = {NULL}, *delimiter, *none;
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
    MRQ_TRY(mrq_json_text(json, path, "none", false, &none, err));
    file->delimiter = mrq_schema_copy(arena, delimiter);
    file->none = none ? mrq_schema_copy(arena, none) : NULL;
    return file->delimiter && (file->none || !none) ? read_escape(json, path, file, err) : mrq_fail_memory(err, "reading a schema");
}

/* A column that no field of the schema tells of. */
static void add_id(mrq_file_schema *file, const char *name)
{
    mrq_field *field = &file->field[file->n_fields++];
    *field = (mrq_field){.kind = MRQ_FIELD_ID, .width = 1, .place = file->width++};
    memcpy(field->name, name, strlen(name) + 1);
}

mrq_status mrq_schema_list_fields(mrq_arena *arena, const cJSON *json, const char *path, mrq_file_schema *file, mrq_error *err)
{
    if (cJSON_HasObjectItem(json, "fields"))
        return mrq_fail(err, MRQ_BAD_FILE, "%s.fields: lists have none; leave it out", path);
    file->field = mrq_arena_array(arena, 2, sizeof *file->field);
    if (!file->field)
        return mrq_fail_memory(err, "reading a schema");
    add_id(file, "user");
    add_id(file, "item");
    return MRQ_OK;
}

mrq_status mrq_schema_matrix_fields(const char *path, mrq_file_schema *file, mrq_error *err)
{
    bool user = false;
    for (uint32_t i = 0; i < file->n_fields; i++) {
        const mrq_field *field = &file->field[i];
        const bool last = i + 1 == file->n_fields, id = field->kind == MRQ_FIELD_ID && strcmp(field->name, "user") == 0;
        if (field->column)
            return mrq_fail(err, MRQ_BAD_FILE, "%s.fields[%u].column: columns of a matrix are found by place; leave it out", path,
                            i);
        if (last ? field->kind < MRQ_FIELD_RATING || field->kind > MRQ_FIELD_ACTION : field->kind != MRQ_FIELD_IGNORE && !id)
            return mrq_fail(err, MRQ_BAD_FILE,
                            "%s.fields[%u]: want columns of kind ignore or the id \"user\", and last the value, which all other "
                            "columns are",
                            path, i);
        user |= id;
    }
    if (file->n_fields > MRQ_FIELDS_MAX - MRQ_SCHEMA_MORE)
        return mrq_fail(err, MRQ_BAD_FILE, "%s.fields: %u of them, want at most %d", path, file->n_fields,
                        MRQ_FIELDS_MAX - MRQ_SCHEMA_MORE);
    add_id(file, "item");
    if (!user)
        add_id(file, "user");
    return MRQ_OK;
}
