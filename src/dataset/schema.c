/* Schemas: parses JSON into structs that the readers use without further checks. So everything that could go wrong is refused here:
 * unknown keys, wrong types, fields that a file of this role cannot have, columns with the same name.
 *
 * A schema owns one arena; only compiled patterns must be freed separately. Delimiters are ASCII, so that the splitter can compare
 * bytes in every encoding. Patterns and values come from the author of the schema, who is trusted (a regular expression may be
 * slow); data files are not trusted. */
#include "dataset/schema.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/asset.h"
#include "base/dict.h"
#include "base/file.h"
#include "base/json.h"
#include "base/utf8.h"
#include "dataset/source.h"

#define PATH_BYTES    200
#define SCHEMA_BYTES  ((size_t)1 << 20) /* a larger file is not a schema */
#define PATTERN_BYTES 255               /* regcomp() recurses into brackets */
#define PATTERN_ROOM  4096              /* length of a pattern times the copies that regcomp() makes for repetitions */

static const char *const kinds[] = {"id", "category", "set", "text", "number", "rating", "timestamp", "ignore", NULL};

/* The allowed keys of each kind, in addition to "name" and "kind". */
static const char *const kind_keys[][9] = {
    [MRQ_FIELD_ID] = {"name", "kind", "column"},
    [MRQ_FIELD_CATEGORY] = {"name", "kind", "column", "null", "values", "labels", "buckets"},
    [MRQ_FIELD_SET] = {"name", "kind", "column", "null", "delimiter", "none", "values", "flags"},
    [MRQ_FIELD_TEXT] = {"name", "kind", "column", "null", "split", "extract"},
    [MRQ_FIELD_NUMBER] = {"name", "kind", "column", "null"},
    [MRQ_FIELD_RATING] = {"name", "kind", "column", "min", "max"},
    [MRQ_FIELD_TIMESTAMP] = {"name", "kind", "column", "unit"},
    [MRQ_FIELD_IGNORE] = {"name", "kind"},
};

static char *copy_text(mrq_arena *arena, const char *text)
{
    const size_t size = strlen(text) + 1;
    char *copy = mrq_arena_array(arena, size, 1);
    return copy ? memcpy(copy, text, size) : NULL;
}

/* Reads a name that is valid as a column, in a model description and as an option. */
static mrq_status read_name(const char *text, const char *path, char out[MRQ_COLUMN_NAME], mrq_error *err)
{
    const size_t size = strlen(text);
    if (!size || size >= MRQ_COLUMN_NAME ||
        strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") != size)
        return mrq_fail(err, MRQ_BAD_FILE, "%s: \"%.40s\", want 1 to %d letters, digits, _ or -", path, text, MRQ_COLUMN_NAME - 1);
    memcpy(out, text, size + 1);
    return MRQ_OK;
}

static mrq_status check_delimiter(const char *text, const char *path, mrq_error *err)
{
    const size_t size = strlen(text);
    for (size_t i = 0; i < size; i++)
        if ((text[i] < ' ' && text[i] != '\t') || text[i] > '~' || text[i] == '"')
            return mrq_fail(err, MRQ_BAD_FILE, "%s.delimiter: want printable ASCII or a tab, and no quote", path);
    if (size < 1 || size > 7)
        return mrq_fail(err, MRQ_BAD_FILE, "%s.delimiter: %zu bytes, want 1 to 7", path, size);
    return MRQ_OK;
}

/* An optional array of distinct strings. */
static mrq_status read_strings(mrq_arena *arena, const cJSON *json, const char *path, const char *key, mrq_strings *out,
                               mrq_error *err)
{
    const cJSON *array, *item;
    MRQ_TRY(mrq_json_array(json, path, key, false, &array, err));
    if (!array)
        return MRQ_OK;
    MRQ_CLEANUP(mrq_dict_free) mrq_dict *dict = mrq_dict_new();
    if (!dict)
        return mrq_fail_memory(err, "reading a schema");
    uint32_t n = 0;
    cJSON_ArrayForEach(item, array)
    {
        if (!cJSON_IsString(item))
            return mrq_fail(err, MRQ_BAD_FILE, "%s.%s[%u]: want a string", path, key, n);
        if (!mrq_utf8_is_plain(item->valuestring))
            return mrq_fail(err, MRQ_BAD_FILE, "%s.%s[%u]: \"%.40s\", want no control characters", path, key, n, item->valuestring);
        const uint32_t index = mrq_dict_add(dict, item->valuestring, strlen(item->valuestring));
        if (index == MRQ_NONE)
            return mrq_fail_memory(err, "reading a schema");
        if (index != n++)
            return mrq_fail(err, MRQ_BAD_FILE, "%s.%s[%u]: \"%.40s\" given twice", path, key, n - 1, item->valuestring);
    }
    if (!n)
        return mrq_fail(err, MRQ_BAD_FILE, "%s.%s: empty", path, key);
    const mrq_strings strings = mrq_dict_strings(dict);
    return mrq_strings_copy(arena, &strings, out) ? mrq_fail_memory(err, "reading a schema") : MRQ_OK;
}

/* Reads lower bounds; each bucket's value is named by its bound. */
static mrq_status read_buckets(mrq_arena *arena, const cJSON *json, const char *path, mrq_field *field, mrq_error *err)
{
    const cJSON *array, *item;
    MRQ_TRY(mrq_json_array(json, path, "buckets", false, &array, err));
    if (!array)
        return MRQ_OK;
    if (field->values.n)
        return mrq_fail(err, MRQ_BAD_FILE, "%s: values and buckets, want one of them", path);
    MRQ_CLEANUP(mrq_dict_free) mrq_dict *dict = mrq_dict_new();
    double *bound = mrq_arena_array(arena, (size_t)cJSON_GetArraySize(array), sizeof *bound);
    if (!dict || !bound)
        return mrq_fail_memory(err, "reading a schema");
    uint32_t n = 0;
    cJSON_ArrayForEach(item, array)
    {
        if (!cJSON_IsNumber(item) || !(item->valuedouble > -1e15 && item->valuedouble < 1e15))
            return mrq_fail(err, MRQ_BAD_FILE, "%s.buckets[%u]: want a number", path, n);
        if (n && item->valuedouble <= bound[n - 1])
            return mrq_fail(err, MRQ_BAD_FILE, "%s.buckets[%u]: %g behind %g, want them to ascend", path, n, item->valuedouble,
                            bound[n - 1]);
        char text[32];
        const int size = snprintf(text, sizeof text, "%.15g", item->valuedouble);
        bound[n++] = item->valuedouble;
        if (mrq_dict_push(dict, text, (size_t)size) == MRQ_NONE)
            return mrq_fail_memory(err, "reading a schema");
    }
    if (!n)
        return mrq_fail(err, MRQ_BAD_FILE, "%s.buckets: empty", path);
    field->bound = bound;
    const mrq_strings strings = mrq_dict_strings(dict);
    return mrq_strings_copy(arena, &strings, &field->values) ? mrq_fail_memory(err, "reading a schema") : MRQ_OK;
}

static mrq_status read_category(mrq_arena *arena, const cJSON *json, const char *path, mrq_field *field, mrq_error *err)
{
    MRQ_TRY(read_strings(arena, json, path, "values", &field->values, err));
    MRQ_TRY(read_buckets(arena, json, path, field, err));
    MRQ_TRY(read_strings(arena, json, path, "labels", &field->labels, err));
    if (field->labels.n && field->labels.n != field->values.n)
        return mrq_fail(err, MRQ_BAD_FILE, "%s.labels: %u of them, want one for each of the %u values or buckets", path,
                        field->labels.n, field->values.n);
    return MRQ_OK;
}

static mrq_status read_set(mrq_arena *arena, const cJSON *json, const char *path, mrq_field *field, mrq_error *err)
{
    const char *delimiter, *none;
    mrq_strings flags = {0};
    MRQ_TRY(mrq_json_text(json, path, "delimiter", false, &delimiter, err));
    MRQ_TRY(mrq_json_text(json, path, "none", false, &none, err));
    MRQ_TRY(read_strings(arena, json, path, "values", &field->values, err));
    MRQ_TRY(read_strings(arena, json, path, "flags", &flags, err));
    if (flags.n) {
        if (delimiter || none || field->values.n)
            return mrq_fail(err, MRQ_BAD_FILE, "%s: flags, and delimiter, none or values; want one or the other", path);
        field->flags = true;
        field->values = flags;
        field->width = flags.n;
        return MRQ_OK;
    }
    if (!delimiter)
        return mrq_fail(err, MRQ_BAD_FILE, "%s: want delimiter or flags", path);
    MRQ_TRY(check_delimiter(delimiter, path, err));
    field->delimiter = copy_text(arena, delimiter);
    field->none = none ? copy_text(arena, none) : NULL;
    return !field->delimiter || (none && !field->none) ? mrq_fail_memory(err, "reading a schema") : MRQ_OK;
}

/* regcomp() expands repetitions: + doubles its operand, {n,m} makes m copies, and nested repetitions multiply. */
static mrq_status check_pattern(const char *pattern, const char *path, const char *name, mrq_error *err)
{
    const size_t size = strlen(pattern);
    if (size > PATTERN_BYTES)
        return mrq_fail(err, MRQ_BAD_FILE, "%s.%s: a pattern of %zu bytes, want at most %d", path, name, size, PATTERN_BYTES);
    double room = (double)size;
    for (const char *p = pattern; *p; p++) {
        unsigned from = 0, to = 0;
        if (*p == '{')
            sscanf(p, "{%5u,%5u", &from, &to);
        const unsigned copies = *p == '+' ? 2 : from > to ? from : to;
        room *= copies > 1 ? copies : 1;
    }
    if (room > PATTERN_ROOM)
        return mrq_fail(err, MRQ_BAD_FILE,
                        "%s.%s: a pattern of %zu bytes that repeats itself to %.3g, want at most %d: fewer + and {}", path, name,
                        size, room, PATTERN_ROOM);
    return MRQ_OK;
}

static mrq_status read_text(mrq_arena *arena, const cJSON *json, const char *path, mrq_field *field, mrq_error *err)
{
    static const char *const splits[] = {"words", "characters", NULL};
    int split = 0;
    const cJSON *extract;
    MRQ_TRY(mrq_json_choice(json, path, "split", splits, &split, err));
    MRQ_TRY(mrq_json_object(json, path, "extract", false, &extract, err));
    field->characters = split == 1;
    if (!extract)
        return MRQ_OK;
    const cJSON *member = extract->child;
    if (!member || member->next || !cJSON_IsString(member))
        return mrq_fail(err, MRQ_BAD_FILE, "%s.extract: want one column with its pattern", path);
    char at[PATH_BYTES + 16];
    snprintf(at, sizeof at, "%s.extract", path);
    MRQ_TRY(read_name(member->string, at, field->extract, err));
    MRQ_TRY(check_pattern(member->valuestring, at, field->extract, err));
    regex_t *pattern = mrq_arena_array(arena, 1, sizeof *pattern);
    if (!pattern)
        return mrq_fail_memory(err, "reading a schema");
    const int code = regcomp(pattern, member->valuestring, REG_EXTENDED);
    if (code == REG_ESPACE)
        return mrq_fail_memory(err, "reading a schema");
    if (code) {
        char why[100];
        regerror(code, pattern, why, sizeof why);
        return mrq_fail(err, MRQ_BAD_FILE, "%s.%s: %s", at, field->extract, why);
    }
    field->pattern = pattern;
    if (pattern->re_nsub < 1)
        return mrq_fail(err, MRQ_BAD_FILE, "%s.%s: want a group around the number", at, field->extract);
    return MRQ_OK;
}

/* Both ends of the range, or none: then it is found in the data. */
static mrq_status read_rating(const cJSON *json, const char *path, mrq_field *field, mrq_error *err)
{
    const bool min = cJSON_HasObjectItem(json, "min"), max = cJSON_HasObjectItem(json, "max");
    field->min = field->max = NAN;
    if (!min && !max)
        return MRQ_OK;
    if (!min || !max)
        return mrq_fail(err, MRQ_BAD_FILE, "%s: want min and max, or neither", path);
    MRQ_TRY(mrq_json_real(json, path, "min", -1e6, 1e6, &field->min, err));
    MRQ_TRY(mrq_json_real(json, path, "max", -1e6, 1e6, &field->max, err));
    if (field->min >= field->max)
        return mrq_fail(err, MRQ_BAD_FILE, "%s: min %g, max %g, want min below max", path, field->min, field->max);
    return MRQ_OK;
}

static mrq_status read_timestamp(const cJSON *json, const char *path, mrq_field *field, mrq_error *err)
{
    static const char *const units[] = {"seconds", "milliseconds", "microseconds", "iso", NULL};
    int unit = MRQ_TIME_SECONDS;
    MRQ_TRY(mrq_json_choice(json, path, "unit", units, &unit, err));
    field->unit = (mrq_time_unit)unit;
    return MRQ_OK;
}

static mrq_status read_column(mrq_arena *arena, const cJSON *json, const char *path, mrq_field *field, mrq_error *err)
{
    const char *column;
    MRQ_TRY(mrq_json_text(json, path, "column", false, &column, err));
    if (!column)
        return MRQ_OK;
    if (!*column || strlen(column) > MRQ_HEADER_NAME || !mrq_utf8_is_plain(column))
        return mrq_fail(err, MRQ_BAD_FILE, "%s.column: want the name of a column in the file's header, 1 to %d bytes", path,
                        MRQ_HEADER_NAME);
    if (field->width != 1)
        return mrq_fail(err, MRQ_BAD_FILE, "%s.column: flags take several columns, which have no one name", path);
    field->column = copy_text(arena, column);
    return field->column ? MRQ_OK : mrq_fail_memory(err, "reading a schema");
}

static mrq_status read_kind(mrq_arena *arena, const cJSON *json, const char *path, mrq_field *field, mrq_error *err)
{
    int kind = 0;
    const char *text;
    if (!cJSON_IsObject(json))
        return mrq_fail(err, MRQ_BAD_FILE, "%s: want an object", path);
    MRQ_TRY(mrq_json_text(json, path, "kind", true, &text, err));
    MRQ_TRY(mrq_json_choice(json, path, "kind", kinds, &kind, err));
    MRQ_TRY(mrq_json_keys(json, path, kind_keys[kind], err));
    field->kind = (mrq_field_kind)kind;
    field->width = 1;
    MRQ_TRY(mrq_json_text(json, path, "name", field->kind != MRQ_FIELD_IGNORE, &text, err));
    char at[PATH_BYTES + 16];
    snprintf(at, sizeof at, "%s.name", path);
    if (text)
        MRQ_TRY(read_name(text, at, field->name, err));
    switch (field->kind) {
    case MRQ_FIELD_CATEGORY:
        return read_category(arena, json, path, field, err);
    case MRQ_FIELD_SET:
        return read_set(arena, json, path, field, err);
    case MRQ_FIELD_TEXT:
        return read_text(arena, json, path, field, err);
    case MRQ_FIELD_RATING:
        return read_rating(json, path, field, err);
    case MRQ_FIELD_TIMESTAMP:
        return read_timestamp(json, path, field, err);
    case MRQ_FIELD_ID:
    case MRQ_FIELD_NUMBER:
    case MRQ_FIELD_IGNORE:
        break;
    }
    return MRQ_OK;
}

static mrq_status read_field(mrq_arena *arena, const cJSON *json, const char *path, mrq_field *field, mrq_error *err)
{
    MRQ_TRY(read_kind(arena, json, path, field, err));
    MRQ_TRY(read_strings(arena, json, path, "null", &field->null, err));
    return read_column(arena, json, path, field, err);
}

const mrq_field *mrq_schema_field(const mrq_file_schema *file, mrq_field_kind kind, const char *name)
{
    for (uint32_t i = 0; i < file->n_fields; i++)
        if (file->field[i].kind == kind && (!name || strcmp(file->field[i].name, name) == 0))
            return &file->field[i];
    return NULL;
}

const mrq_field *mrq_schema_item(const mrq_file_schema *ratings)
{
    const mrq_field *field = mrq_schema_field(ratings, MRQ_FIELD_ID, "item");
    return field ? field : mrq_schema_field(ratings, MRQ_FIELD_ID, "movie");
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

/* Checks the fields that a file of users or items (`table`), or of events, can and must have. */
static mrq_status check_roles(const mrq_file_schema *file, bool table, const char *path, mrq_error *err)
{
    static const unsigned in_table = 1u << MRQ_FIELD_ID | 1u << MRQ_FIELD_CATEGORY | 1u << MRQ_FIELD_SET | 1u << MRQ_FIELD_TEXT |
                                     1u << MRQ_FIELD_NUMBER | 1u << MRQ_FIELD_IGNORE;
    static const unsigned in_events =
        1u << MRQ_FIELD_ID | 1u << MRQ_FIELD_RATING | 1u << MRQ_FIELD_TIMESTAMP | 1u << MRQ_FIELD_IGNORE;
    unsigned count[sizeof kinds / sizeof *kinds] = {0};
    uint32_t columns = 0;
    for (uint32_t i = 0; i < file->n_fields; i++) {
        const mrq_field *field = &file->field[i];
        if (!((table ? in_table : in_events) >> field->kind & 1))
            return mrq_fail(err, MRQ_BAD_FILE, "%s.fields[%u].kind: \"%s\" cannot be in a file of %s", path, i, kinds[field->kind],
                            table ? "users or items" : "events");
        count[field->kind]++;
        columns += field->kind != MRQ_FIELD_ID && field->kind != MRQ_FIELD_IGNORE;
        columns += *field->extract != '\0';
    }
    if (table && (count[MRQ_FIELD_ID] != 1 || !mrq_schema_field(file, MRQ_FIELD_ID, "id")))
        return mrq_fail(err, MRQ_BAD_FILE, "%s.fields: want one field of kind id, named \"id\"", path);
    if (table && columns > MRQ_COLUMNS_MAX)
        return mrq_fail(err, MRQ_BAD_FILE, "%s.fields: %u columns, want at most %d", path, columns, MRQ_COLUMNS_MAX);
    if (!table && (count[MRQ_FIELD_ID] != 2 || !mrq_schema_field(file, MRQ_FIELD_ID, "user") || !mrq_schema_item(file)))
        return mrq_fail(err, MRQ_BAD_FILE, "%s.fields: want two fields of kind id, named \"user\" and \"item\"", path);
    if (!table && (count[MRQ_FIELD_RATING] > 1 || count[MRQ_FIELD_TIMESTAMP] > 1))
        return mrq_fail(err, MRQ_BAD_FILE, "%s.fields: want at most one field of kind rating and one of kind timestamp", path);
    if (file->by_column && count[MRQ_FIELD_IGNORE])
        return mrq_fail(err, MRQ_BAD_FILE, "%s.fields: columns that no field names are ignored; leave out kind \"ignore\"", path);
    return check_names(file, path, err);
}

static mrq_status read_fields(mrq_arena *arena, const cJSON *json, const char *path, mrq_file_schema *file, mrq_error *err)
{
    const cJSON *array, *item;
    MRQ_TRY(mrq_json_array(json, path, "fields", true, &array, err));
    const int n = cJSON_GetArraySize(array);
    if (n < 1 || n > MRQ_FIELDS_MAX)
        return mrq_fail(err, MRQ_BAD_FILE, "%s.fields: %d of them, want 1 to %d", path, n, MRQ_FIELDS_MAX);
    file->field = mrq_arena_array(arena, (size_t)n, sizeof *file->field);
    if (!file->field)
        return mrq_fail_memory(err, "reading a schema");
    cJSON_ArrayForEach(item, array)
    {
        char at[PATH_BYTES];
        snprintf(at, sizeof at, "%s.fields[%u]", path, file->n_fields);
        mrq_field *field = &file->field[file->n_fields++]; /* counted before it is read, so that its pattern is freed after an
                                                              error */
        MRQ_TRY(read_field(arena, item, at, field, err));
        field->place = file->width;
        if (field->width > MRQ_FIELDS_MAX - file->width)
            return mrq_fail(err, MRQ_BAD_FILE, "%s: more than %d columns", at, MRQ_FIELDS_MAX);
        file->width += field->width;
        if (file->n_fields > 1 && file->by_column != (field->column != NULL))
            return mrq_fail(err, MRQ_BAD_FILE, "%s.column: some fields of the file have one and some have none", at);
        file->by_column = field->column != NULL;
    }
    if (file->by_column && !file->header)
        return mrq_fail(err, MRQ_BAD_FILE, "%s.header: fields are found by their columns, so want true", path);
    return MRQ_OK;
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
    file->encoding = copy_text(arena, encoding);
    return file->encoding ? MRQ_OK : mrq_fail_memory(err, "reading a schema");
}

static mrq_status read_format(const cJSON *json, const char *path, bool table, mrq_file_schema *file, mrq_error *err)
{
    static const char *const formats[] = {"delimited", "lists", NULL};
    int format = 0;
    MRQ_TRY(mrq_json_choice(json, path, "format", formats, &format, err));
    file->lists = format == 1;
    if (file->lists && (table || file->header || file->quoted))
        return mrq_fail(err, MRQ_BAD_FILE, "%s.format: \"lists\" is for events, without header and quotes", path);
    return MRQ_OK;
}

/* Lists have a user and an item a record. */
static mrq_status make_list_fields(mrq_arena *arena, const cJSON *json, const char *path, mrq_file_schema *file, mrq_error *err)
{
    if (cJSON_HasObjectItem(json, "fields"))
        return mrq_fail(err, MRQ_BAD_FILE, "%s.fields: lists have none; leave it out", path);
    file->field = mrq_arena_array(arena, 2, sizeof *file->field);
    if (!file->field)
        return mrq_fail_memory(err, "reading a schema");
    file->field[0] = (mrq_field){.name = "user", .kind = MRQ_FIELD_ID, .width = 1};
    file->field[1] = (mrq_field){.name = "item", .kind = MRQ_FIELD_ID, .width = 1, .place = 1};
    file->n_fields = file->width = 2;
    return MRQ_OK;
}

static mrq_status read_file(mrq_arena *arena, const cJSON *root, const char *source, const char *key, bool table,
                            mrq_file_schema *file, mrq_error *err)
{
    static const char *const keys[] = {"file", "format", "delimiter", "header", "encoding", "quoted", "null", "fields", NULL};
    const cJSON *json;
    const char *name, *delimiter;
    char path[PATH_BYTES / 2];
    snprintf(path, sizeof path, "%.60s:", source);
    MRQ_TRY(mrq_json_object(root, path, key, !table, &json, err));
    if (!json)
        return MRQ_OK;
    snprintf(path, sizeof path, "%.60s: %s", source, key);
    MRQ_TRY(mrq_json_keys(json, path, keys, err));
    MRQ_TRY(mrq_json_text(json, path, "file", true, &name, err));
    MRQ_TRY(mrq_json_text(json, path, "delimiter", true, &delimiter, err));
    MRQ_TRY(mrq_json_bool(json, path, "header", &file->header, err));
    MRQ_TRY(mrq_json_bool(json, path, "quoted", &file->quoted, err));
    MRQ_TRY(read_encoding(arena, json, path, file, err));
    MRQ_TRY(read_strings(arena, json, path, "null", &file->null, err));
    if (!*name || strlen(name) > 200 || strchr(name, '/'))
        return mrq_fail(err, MRQ_BAD_FILE, "%s.file: \"%.40s\", want the name of a file in the folder", path, name);
    MRQ_TRY(check_delimiter(delimiter, path, err));
    MRQ_TRY(read_format(json, path, table, file, err));
    MRQ_TRY(file->lists ? make_list_fields(arena, json, path, file, err) : read_fields(arena, json, path, file, err));
    MRQ_TRY(check_roles(file, table, path, err));
    file->delimiter = copy_text(arena, delimiter);
    file->file = copy_text(arena, name);
    return file->delimiter && file->file ? MRQ_OK : mrq_fail_memory(err, "reading a schema");
}

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
    char path[PATH_BYTES + 16];
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
    char root[PATH_BYTES], path[PATH_BYTES];
    snprintf(root, sizeof root, "%.60s:", source);
    snprintf(path, sizeof path, "%.60s: name", source);
    const char *name, *about;
    MRQ_TRY(mrq_json_keys(json, root, keys, err));
    MRQ_TRY(mrq_json_text(json, root, "name", true, &name, err));
    MRQ_TRY(mrq_json_text(json, root, "about", false, &about, err));
    MRQ_TRY(read_name(name, path, schema->name, err));
    if (about && !mrq_utf8_is_plain(about))
        return mrq_fail(err, MRQ_BAD_FILE, "%s about: \"%.40s\", want no control characters", root, about);
    if (!(schema->about = copy_text(schema->arena, about ? about : "")))
        return mrq_fail_memory(err, "reading a schema");
    const char *items = NULL, *events = NULL;
    MRQ_TRY(one_of(json, root, "items", "movies", &items, err));
    MRQ_TRY(one_of(json, root, "events", "ratings", &events, err));
    schema->noun = *items == 'm' ? (mrq_noun){"movie", "movies"} : (mrq_noun){"item", "items"};
    MRQ_TRY(read_noun(json, root, &schema->noun, err));
    MRQ_TRY(read_like(json, root, &schema->like_from, err));
    MRQ_TRY(read_file(schema->arena, json, source, "users", true, &schema->users, err));
    MRQ_TRY(read_file(schema->arena, json, source, items, true, &schema->items, err));
    MRQ_TRY(read_file(schema->arena, json, source, events, false, &schema->events, err));
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
