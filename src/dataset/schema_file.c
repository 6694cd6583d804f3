/* A file of a schema: its fields, and what fields a file of this role can have. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "dataset/schema_private.h"
#include "dataset/source.h"

static bool is_value(mrq_field_kind kind)
{
    return kind == MRQ_FIELD_RATING || kind == MRQ_FIELD_COUNT || kind == MRQ_FIELD_ACTION;
}

const mrq_field *mrq_schema_field(const mrq_file_schema *file, mrq_field_kind kind, const char *name)
{
    for (uint32_t i = 0; i < file->n_fields; i++)
        if (file->field[i].kind == kind && (!name || strcmp(file->field[i].name, name) == 0))
            return &file->field[i];
    return NULL;
}

const mrq_field *mrq_schema_value(const mrq_file_schema *events)
{
    for (uint32_t i = 0; i < events->n_fields; i++)
        if (is_value(events->field[i].kind))
            return &events->field[i];
    return NULL;
}

const mrq_field *mrq_schema_item(const mrq_file_schema *ratings)
{
    const mrq_field *field = mrq_schema_field(ratings, MRQ_FIELD_ID, "item");
    return field ? field : mrq_schema_field(ratings, MRQ_FIELD_ID, "movie");
}

/* Columns of the table that a file makes. */
static uint32_t count_columns(const mrq_file_schema *file)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < file->n_fields; i++) {
        n += file->field[i].kind != MRQ_FIELD_ID && file->field[i].kind != MRQ_FIELD_IGNORE;
        n += *file->field[i].extract != '\0';
    }
    return n;
}

/* Refuses two columns of the same name. */
static mrq_status check_names(const mrq_file_schema *file, const char *path, mrq_error *err)
{
    const char *name[2 * MRQ_FIELDS_MAX];
    size_t n = 0;
    for (uint32_t i = 0; i < file->n_fields; i++) {
        const char *own[] = {file->field[i].name, file->field[i].extract};
        for (int k = 0; k < 2; k++) {
            for (size_t j = 0; j < n; j++)
                if (strcmp(name[j], own[k]) == 0)
                    return mrq_fail(err, MRQ_BAD_FILE, "%s.fields[%u]: a second column \"%s\"", path, i, own[k]);
            if (*own[k])
                name[n++] = own[k];
        }
    }
    return MRQ_OK;
}

/* Refuses two fields of one column. */
static mrq_status check_columns(const mrq_file_schema *file, const char *path, mrq_error *err)
{
    for (uint32_t i = 0; file->by_column && i < file->n_fields; i++)
        for (uint32_t k = 0; k < i; k++)
            if (strcmp(file->field[i].column, file->field[k].column) == 0)
                return mrq_fail(err, MRQ_BAD_FILE, "%s.fields[%u].column: \"%s\" is the column of fields[%u] already", path, i,
                                file->field[i].column, k);
    return MRQ_OK;
}

/* Checks the fields that a file of users or items (`table`), or of events, can and must have. */
static mrq_status check_roles(const mrq_file_schema *file, bool table, const char *path, mrq_error *err)
{
    static const unsigned in_table = 1u << MRQ_FIELD_ID | 1u << MRQ_FIELD_CATEGORY | 1u << MRQ_FIELD_SET | 1u << MRQ_FIELD_TEXT |
                                     1u << MRQ_FIELD_NUMBER | 1u << MRQ_FIELD_IGNORE;
    static const unsigned in_events = 1u << MRQ_FIELD_ID | 1u << MRQ_FIELD_RATING | 1u << MRQ_FIELD_COUNT | 1u << MRQ_FIELD_ACTION |
                                      1u << MRQ_FIELD_TIMESTAMP | 1u << MRQ_FIELD_IGNORE;
    unsigned count[MRQ_FIELD_KINDS] = {0};
    const uint32_t columns = count_columns(file);
    uint32_t values = 0;
    for (uint32_t i = 0; i < file->n_fields; i++) {
        const mrq_field *field = &file->field[i];
        if (!((table ? in_table : in_events) >> field->kind & 1))
            return mrq_fail(err, MRQ_BAD_FILE, "%s.fields[%u].kind: \"%s\" cannot be in a file of %s", path, i,
                            mrq_field_kinds[field->kind], table ? "users or items" : "events");
        count[field->kind]++;
        values += is_value(field->kind);
    }
    if (table && (count[MRQ_FIELD_ID] != 1 || !mrq_schema_field(file, MRQ_FIELD_ID, "id")))
        return mrq_fail(err, MRQ_BAD_FILE, "%s.fields: want one field of kind id, named \"id\"", path);
    if (table && columns > MRQ_COLUMNS_MAX)
        return mrq_fail(err, MRQ_BAD_FILE, "%s.fields: %u columns, want at most %d", path, columns, MRQ_COLUMNS_MAX);
    if (!table && (count[MRQ_FIELD_ID] != 2 || !mrq_schema_field(file, MRQ_FIELD_ID, "user") || !mrq_schema_item(file)))
        return mrq_fail(err, MRQ_BAD_FILE, "%s.fields: want two fields of kind id, named \"user\" and \"item\"", path);
    if (!table && (values > 1 || count[MRQ_FIELD_TIMESTAMP] > 1))
        return mrq_fail(err, MRQ_BAD_FILE,
                        "%s.fields: want at most one field of kind rating, count or action, and one of kind timestamp", path);
    if (file->by_column && count[MRQ_FIELD_IGNORE])
        return mrq_fail(err, MRQ_BAD_FILE, "%s.fields: columns that no field names are ignored; leave out kind \"ignore\"", path);
    MRQ_TRY(check_columns(file, path, err));
    return check_names(file, path, err);
}

static mrq_status read_fields(mrq_arena *arena, const cJSON *json, const char *path, mrq_file_schema *file, mrq_error *err)
{
    const cJSON *array, *item;
    MRQ_TRY(mrq_json_array(json, path, "fields", true, &array, err));
    const int n = cJSON_GetArraySize(array);
    if (n < 1 || n > MRQ_FIELDS_MAX)
        return mrq_fail(err, MRQ_BAD_FILE, "%s.fields: %d of them, want 1 to %d", path, n, MRQ_FIELDS_MAX);
    file->field = mrq_arena_array(arena, (size_t)n + MRQ_SCHEMA_MORE, sizeof *file->field);
    if (!file->field)
        return mrq_fail_memory(err, "reading a schema");
    cJSON_ArrayForEach(item, array)
    {
        char at[MRQ_SCHEMA_PATH];
        snprintf(at, sizeof at, "%s.fields[%u]", path, file->n_fields);
        mrq_field *field = &file->field[file->n_fields++]; /* counted before it is read, so that its pattern is freed after an
                                                              error */
        MRQ_TRY(mrq_schema_read_field(arena, item, at, field, err));
        if (file->query && !field->column && field->width == 1)
            field->column = field->name;
        field->place = file->width;
        if (field->width > MRQ_FIELDS_MAX - file->width)
            return mrq_fail(err, MRQ_BAD_FILE, "%s: more than %d columns", at, MRQ_FIELDS_MAX);
        file->width += field->width;
        if (file->n_fields > 1 && file->by_column != (field->column != NULL))
            return mrq_fail(err, MRQ_BAD_FILE, "%s.column: some fields of the file have one and some have none", at);
        file->by_column = field->column != NULL;
        if (file->format == MRQ_JSON_LINES && !field->column)
            return mrq_fail(err, MRQ_BAD_FILE, "%s.column: missing: the member that it is, such as \"user.id\"", at);
        if (file->format != MRQ_JSON_LINES && !file->is_joined && field->kind == MRQ_FIELD_SET && !field->flags &&
            !field->delimiter)
            return mrq_fail(err, MRQ_BAD_FILE, "%s: want delimiter or flags", at);
    }
    if (file->by_column && !file->header && file->format == MRQ_DELIMITED)
        return mrq_fail(err, MRQ_BAD_FILE, "%s.header: fields are found by their columns, so want true", path);
    return file->format == MRQ_MATRIX ? mrq_schema_matrix_fields(path, file, err) : MRQ_OK;
}

/* "utf-8" is what the reader checks itself. */
static mrq_status read_encoding(mrq_arena *arena, const cJSON *json, const char *path, mrq_file_schema *file, mrq_error *err)
{
    const char *encoding;
    MRQ_TRY(mrq_json_text(json, path, "encoding", false, &encoding, err));
    if (!encoding || strcasecmp(encoding, "utf-8") == 0 || strcasecmp(encoding, "utf8") == 0)
        return MRQ_OK;
    if (strcasecmp(encoding, "latin-1") == 0)
        encoding = "latin1";
    errno = 0;
    if (strlen(encoding) > MRQ_HEADER_NAME || strchr(encoding, '/') || !mrq_source_knows(encoding))
        return errno == ENOMEM
                   ? mrq_fail_memory(err, "reading a schema")
                   : mrq_fail(err, MRQ_BAD_FILE,
                              "%s.encoding: \"%.40s\", want utf-8 or another name that iconv knows, such as windows-1252", path,
                              encoding);
    file->encoding = mrq_schema_copy(arena, encoding);
    return file->encoding ? MRQ_OK : mrq_fail_memory(err, "reading a schema");
}

/* No way leads out of the folder but standard input. */
static mrq_status check_file(const char *name, const char *path, bool table, mrq_error *err)
{
    if (!*name || strlen(name) > 200 || strchr(name, '/') || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
        return mrq_fail(err, MRQ_BAD_FILE, "%s.file: \"%.40s\", want the name of a file in the folder", path, name);
    if (table && strcmp(name, "-") == 0)
        return mrq_fail(err, MRQ_BAD_FILE, "%s.file: \"-\", but only events can come by standard input", path);
    return MRQ_OK;
}

/* What becomes of events of ids that the file does not list. */
static mrq_status read_unlisted(const cJSON *json, const char *path, mrq_file_schema *file, mrq_error *err)
{
    static const char *const choices[] = {"refuse", "take", NULL};
    int choice = 0;
    MRQ_TRY(mrq_json_choice(json, path, "unlisted", choices, &choice, err));
    file->take = choice == 1;
    return MRQ_OK;
}

/* Of a table; all but the first two are those of any file. */
static const char *const table_keys[] = {"join",   "unlisted", "file", "format", "delimiter", "header", "encoding",
                                         "quoted", "escape",   "none", "null",   "fields",    NULL};

/* Reads a query in the place of a file. Its rows come as CSV with a header. */
static mrq_status read_query(mrq_arena *arena, const cJSON *json, const char *path, bool joins, bool table, mrq_file_schema *file,
                             mrq_error *err)
{
    static const char *const keys[] = {"join", "unlisted", "query", "null", "fields", NULL};
    const char *query;
    char name[MRQ_SCHEMA_PATH];
    MRQ_TRY(mrq_json_keys(json, path, joins ? keys : &keys[2], err));
    MRQ_TRY(mrq_json_text(json, path, "query", true, &query, err));
    if (!query[strspn(query, " \t\r\n;")])
        return mrq_fail(err, MRQ_BAD_FILE, "%s.query: empty, want a SELECT", path);
    const char *key = strstr(path, ": "); /* behind the schema's own name */
    snprintf(name, sizeof name, "%s.query", key ? key + 2 : path);
    file->query = mrq_schema_copy(arena, query);
    file->file = mrq_schema_copy(arena, name);
    file->delimiter = ",";
    file->header = file->quoted = true;
    if (!file->query || !file->file)
        return mrq_fail_memory(err, "reading a schema");
    MRQ_TRY(read_unlisted(json, path, file, err));
    MRQ_TRY(mrq_schema_strings(arena, json, path, "null", &file->null, err));
    MRQ_TRY(read_fields(arena, json, path, file, err));
    return check_roles(file, table, path, err);
}

/* Reads one file. `keys` are those that it may have. */
static mrq_status read_file(mrq_arena *arena, const cJSON *json, const char *path, const char *const *keys, bool table,
                            mrq_file_schema *file, mrq_error *err)
{
    const char *name;
    if (cJSON_HasObjectItem(json, "query"))
        return read_query(arena, json, path, keys == table_keys, table, file, err);
    MRQ_TRY(mrq_json_keys(json, path, keys, err));
    MRQ_TRY(mrq_json_text(json, path, "file", true, &name, err));
    MRQ_TRY(mrq_schema_read_format(arena, json, path, table, file, err));
    MRQ_TRY(read_encoding(arena, json, path, file, err));
    MRQ_TRY(mrq_schema_strings(arena, json, path, "null", &file->null, err));
    MRQ_TRY(check_file(name, path, table, err));
    MRQ_TRY(read_unlisted(json, path, file, err));
    MRQ_TRY(file->format == MRQ_LISTS ? mrq_schema_list_fields(arena, json, path, file, err)
                                      : read_fields(arena, json, path, file, err));
    MRQ_TRY(check_roles(file, table, path, err));
    file->file = mrq_schema_copy(arena, name);
    return file->file ? MRQ_OK : mrq_fail_memory(err, "reading a schema");
}

static bool has_column(const mrq_file_schema *file, const char *name)
{
    for (uint32_t i = 0; i < file->n_fields; i++)
        if (file->field[i].kind != MRQ_FIELD_ID && *name &&
            (strcmp(file->field[i].name, name) == 0 || strcmp(file->field[i].extract, name) == 0))
            return true;
    return false;
}

/* Refuses a column of the joined file `n` that the table has already. */
static mrq_status check_joined(const mrq_file_schema *file, uint32_t n, const char *path, mrq_error *err)
{
    const mrq_file_schema *joined = &file->joined[n];
    for (uint32_t i = 0; i < joined->n_fields; i++) {
        const char *own[] = {joined->field[i].name, joined->field[i].extract};
        for (int k = 0; k < 2; k++)
            for (uint32_t j = 0; j <= n && joined->field[i].kind != MRQ_FIELD_ID; j++)
                if (has_column(j ? &file->joined[j - 1] : file, own[k]))
                    return mrq_fail(err, MRQ_BAD_FILE, "%s.fields[%u]: a second column \"%s\"", path, i, own[k]);
    }
    return MRQ_OK;
}

/* Files of more columns of a table. */
static mrq_status read_joined(mrq_arena *arena, const cJSON *json, const char *path, mrq_file_schema *file, mrq_error *err)
{
    const cJSON *array, *item;
    uint32_t columns = count_columns(file);
    MRQ_TRY(mrq_json_array(json, path, "join", true, &array, err));
    const int n = cJSON_GetArraySize(array);
    if (n < 1 || n > MRQ_JOINS_MAX)
        return mrq_fail(err, MRQ_BAD_FILE, "%s.join: %d files, want 1 to %d", path, n, MRQ_JOINS_MAX);
    file->joined = mrq_arena_array(arena, (size_t)n, sizeof *file->joined);
    if (!file->joined)
        return mrq_fail_memory(err, "reading a schema");
    cJSON_ArrayForEach(item, array)
    {
        char at[MRQ_SCHEMA_PATH];
        mrq_file_schema *joined = &file->joined[file->n_joined++];
        snprintf(at, sizeof at, "%s.join[%u]", path, file->n_joined - 1);
        if (!cJSON_IsObject(item))
            return mrq_fail(err, MRQ_BAD_FILE, "%s: want an object", at);
        joined->is_joined = true;
        MRQ_TRY(read_file(arena, item, at, &table_keys[2], true, joined, err));
        MRQ_TRY(check_joined(file, file->n_joined - 1, at, err));
        columns += count_columns(joined);
        if (!count_columns(joined))
            return mrq_fail(err, MRQ_BAD_FILE, "%s.fields: want an id and at least one column", at);
    }
    if (columns > MRQ_COLUMNS_MAX)
        return mrq_fail(err, MRQ_BAD_FILE, "%s: %u columns with those of join, want at most %d", path, columns, MRQ_COLUMNS_MAX);
    return MRQ_OK;
}

mrq_status mrq_schema_read_file(mrq_arena *arena, const cJSON *root, const char *source, const char *key, bool table,
                                mrq_file_schema *file, mrq_error *err)
{
    const cJSON *json;
    char path[MRQ_SCHEMA_PATH / 2];
    snprintf(path, sizeof path, "%.60s:", source);
    MRQ_TRY(mrq_json_object(root, path, key, !table, &json, err));
    if (!json)
        return MRQ_OK;
    snprintf(path, sizeof path, "%.60s: %s", source, key);
    const bool joined = table && cJSON_HasObjectItem(json, "join");
    if (!joined || cJSON_HasObjectItem(json, "file") || cJSON_HasObjectItem(json, "query"))
        MRQ_TRY(read_file(arena, json, path, table ? table_keys : &table_keys[2], table, file, err));
    else /* all that is known of them is in the files that are joined */
        MRQ_TRY(mrq_json_keys(json, path, (const char *const[]){"join", NULL}, err));
    return joined ? read_joined(arena, json, path, file, err) : MRQ_OK;
}
