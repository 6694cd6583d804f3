/* A field of a schema, and the texts and names in it: each kind has its keys, and nothing else.
 *
 * Patterns and values come from the author of the schema, who is trusted (a regular expression may be slow); data files are not
 * trusted. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/dict.h"
#include "base/utf8.h"
#include "dataset/schema_private.h"
#include "dataset/timestamp.h"

#define PATTERN_BYTES 255  /* regcomp() recurses into brackets */
#define PATTERN_ROOM  4096 /* length of a pattern times the copies that regcomp() makes for repetitions */

const char *const mrq_field_kinds[] = {"id",    "category", "set",       "text",   "number", "rating",
                                       "count", "action",   "timestamp", "ignore", NULL};

/* The allowed keys of each kind, in addition to "name" and "kind". */
static const char *const kind_keys[][9] = {
    [MRQ_FIELD_ID] = {"name", "kind", "column", "whole"},
    [MRQ_FIELD_CATEGORY] = {"name", "kind", "column", "null", "values", "labels", "buckets"},
    [MRQ_FIELD_SET] = {"name", "kind", "column", "null", "delimiter", "none", "values", "flags"},
    [MRQ_FIELD_TEXT] = {"name", "kind", "column", "null", "split", "extract"},
    [MRQ_FIELD_NUMBER] = {"name", "kind", "column", "null"},
    [MRQ_FIELD_RATING] = {"name", "kind", "column", "null", "min", "max"},
    [MRQ_FIELD_COUNT] = {"name", "kind", "column", "null"},
    [MRQ_FIELD_ACTION] = {"name", "kind", "column", "null", "weights"},
    [MRQ_FIELD_TIMESTAMP] = {"name", "kind", "column", "null", "unit"},
    [MRQ_FIELD_IGNORE] = {"name", "kind"},
};

char *mrq_schema_copy(mrq_arena *arena, const char *text)
{
    const size_t size = strlen(text) + 1;
    char *copy = mrq_arena_array(arena, size, 1);
    return copy ? memcpy(copy, text, size) : NULL;
}

/* Reads a name that is valid as a column, in a model description and as an option. */
mrq_status mrq_schema_name(const char *text, const char *path, char out[MRQ_COLUMN_NAME], mrq_error *err)
{
    const size_t size = strlen(text);
    if (!size || size >= MRQ_COLUMN_NAME ||
        strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") != size)
        return mrq_fail(err, MRQ_BAD_FILE, "%s: \"%.40s\", want 1 to %d letters, digits, _ or -", path, text, MRQ_COLUMN_NAME - 1);
    memcpy(out, text, size + 1);
    return MRQ_OK;
}

mrq_status mrq_schema_delimiter(const char *text, const char *path, mrq_error *err)
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
mrq_status mrq_schema_strings(mrq_arena *arena, const cJSON *json, const char *path, const char *key, mrq_strings *out,
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
    MRQ_TRY(mrq_schema_strings(arena, json, path, "values", &field->values, err));
    MRQ_TRY(read_buckets(arena, json, path, field, err));
    MRQ_TRY(mrq_schema_strings(arena, json, path, "labels", &field->labels, err));
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
    MRQ_TRY(mrq_schema_strings(arena, json, path, "values", &field->values, err));
    MRQ_TRY(mrq_schema_strings(arena, json, path, "flags", &flags, err));
    if (flags.n) {
        if (delimiter || none || field->values.n)
            return mrq_fail(err, MRQ_BAD_FILE, "%s: flags, and delimiter, none or values; want one or the other", path);
        field->flags = true;
        field->values = flags;
        field->width = flags.n;
        return MRQ_OK;
    }
    if (delimiter)
        MRQ_TRY(mrq_schema_delimiter(delimiter, path, err));
    field->delimiter = delimiter ? mrq_schema_copy(arena, delimiter) : NULL;
    field->none = none ? mrq_schema_copy(arena, none) : NULL;
    return (delimiter && !field->delimiter) || (none && !field->none) ? mrq_fail_memory(err, "reading a schema") : MRQ_OK;
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
    char at[MRQ_SCHEMA_PATH + 16];
    snprintf(at, sizeof at, "%s.extract", path);
    MRQ_TRY(mrq_schema_name(member->string, at, field->extract, err));
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

/* What may be done, and what it weighs. */
static mrq_status read_weights(mrq_arena *arena, const cJSON *json, const char *path, mrq_field *field, mrq_error *err)
{
    const cJSON *object, *item;
    char at[MRQ_SCHEMA_PATH + 16];
    snprintf(at, sizeof at, "%s.weights", path);
    MRQ_TRY(mrq_json_object(json, path, "weights", true, &object, err));
    MRQ_CLEANUP(mrq_dict_free) mrq_dict *dict = mrq_dict_new();
    double *weight = mrq_arena_array(arena, (size_t)cJSON_GetArraySize(object), sizeof *weight), most = 0;
    if (!dict || !weight)
        return mrq_fail_memory(err, "reading a schema");
    cJSON_ArrayForEach(item, object)
    {
        if (!mrq_utf8_is_plain(item->string))
            return mrq_fail(err, MRQ_BAD_FILE, "%s: \"%.40s\", want no control characters", at, item->string);
        const uint32_t n = mrq_dict_strings(dict).n, index = mrq_dict_add(dict, item->string, strlen(item->string));
        if (index == MRQ_NONE)
            return mrq_fail_memory(err, "reading a schema");
        if (index != n)
            return mrq_fail(err, MRQ_BAD_FILE, "%s: \"%.40s\" given twice", at, item->string);
        MRQ_TRY(mrq_json_real(object, at, item->string, -1e6, 1e6, &weight[n], err));
        most = fmax(most, weight[n]);
    }
    if (most <= 0)
        return mrq_fail(err, MRQ_BAD_FILE, "%s: none is above 0, so nobody would like anything", at);
    field->weight = weight;
    const mrq_strings strings = mrq_dict_strings(dict);
    return mrq_strings_copy(arena, &strings, &field->values) ? mrq_fail_memory(err, "reading a schema") : MRQ_OK;
}

/* Reads {"format": "%d/%m/%Y"}. */
static mrq_status read_time_format(mrq_arena *arena, const cJSON *unit, const char *path, mrq_field *field, mrq_error *err)
{
    static const char *const keys[] = {"format", NULL};
    char at[MRQ_SCHEMA_PATH + 16];
    const char *format;
    snprintf(at, sizeof at, "%s.unit", path);
    MRQ_TRY(mrq_json_keys(unit, at, keys, err));
    MRQ_TRY(mrq_json_text(unit, at, "format", true, &format, err));
    if (!mrq_time_knows(format))
        return mrq_fail(err, MRQ_BAD_FILE,
                        "%s.format: \"%.40s\", want one such as \"%%d/%%m/%%Y %%H:%%M\": a year, and no conversions but %s", at,
                        format, MRQ_TIME_CONVERSIONS);
    field->format = mrq_schema_copy(arena, format);
    return field->format ? MRQ_OK : mrq_fail_memory(err, "reading a schema");
}

static mrq_status read_timestamp(mrq_arena *arena, const cJSON *json, const char *path, mrq_field *field, mrq_error *err)
{
    const cJSON *given = cJSON_GetObjectItemCaseSensitive(json, "unit");
    if (cJSON_IsObject(given))
        return read_time_format(arena, given, path, field, err);
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
    field->column = mrq_schema_copy(arena, column);
    return field->column ? MRQ_OK : mrq_fail_memory(err, "reading a schema");
}

static mrq_status read_kind(mrq_arena *arena, const cJSON *json, const char *path, mrq_field *field, mrq_error *err)
{
    int kind = 0;
    const char *text;
    if (!cJSON_IsObject(json))
        return mrq_fail(err, MRQ_BAD_FILE, "%s: want an object", path);
    MRQ_TRY(mrq_json_text(json, path, "kind", true, &text, err));
    MRQ_TRY(mrq_json_choice(json, path, "kind", mrq_field_kinds, &kind, err));
    MRQ_TRY(mrq_json_keys(json, path, kind_keys[kind], err));
    field->kind = (mrq_field_kind)kind;
    field->width = 1;
    MRQ_TRY(mrq_json_text(json, path, "name", field->kind != MRQ_FIELD_IGNORE, &text, err));
    char at[MRQ_SCHEMA_PATH + 16];
    snprintf(at, sizeof at, "%s.name", path);
    if (text)
        MRQ_TRY(mrq_schema_name(text, at, field->name, err));
    switch (field->kind) {
    case MRQ_FIELD_CATEGORY:
        return read_category(arena, json, path, field, err);
    case MRQ_FIELD_SET:
        return read_set(arena, json, path, field, err);
    case MRQ_FIELD_TEXT:
        return read_text(arena, json, path, field, err);
    case MRQ_FIELD_RATING:
        return read_rating(json, path, field, err);
    case MRQ_FIELD_ACTION:
        return read_weights(arena, json, path, field, err);
    case MRQ_FIELD_TIMESTAMP:
        return read_timestamp(arena, json, path, field, err);
    case MRQ_FIELD_ID:
        return mrq_json_bool(json, path, "whole", &field->whole, err);
    case MRQ_FIELD_NUMBER:
    case MRQ_FIELD_COUNT:
    case MRQ_FIELD_IGNORE:
        break;
    }
    return MRQ_OK;
}

mrq_status mrq_schema_read_field(mrq_arena *arena, const cJSON *json, const char *path, mrq_field *field, mrq_error *err)
{
    MRQ_TRY(read_kind(arena, json, path, field, err));
    MRQ_TRY(mrq_schema_strings(arena, json, path, "null", &field->null, err));
    return read_column(arena, json, path, field, err);
}
