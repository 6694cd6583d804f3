/* What members the objects of a file of JSON lines have: each path to a text, a number or a list is a column.
 *
 * First all paths are collected. Then the lines are cut by the reader itself (json_lines.c), through a schema in which each path is
 * a set, the one kind that takes both lists and other values. So what fits here fits there. */
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"
#include "dataset/json_lines.h"
#include "dataset/json_scan.h"
#include "guess/look.h"

#define PATHS 1024 /* to look at */

struct mrq_look_json {
    mrq_file_schema schema;
    mrq_part part;
    mrq_reader reader; /* for its fields alone */
    mrq_json_lines *lines;
    mrq_dict *path;
    bool object[PATHS];             /* somewhere an object */
    bool value[PATHS];              /* somewhere something else */
    bool mixed[PATHS];              /* somewhere a list that holds objects or lists */
    bool failed;                    /* without memory */
    char name[MRQ_HEADER_NAME + 1]; /* the current path */
};

/* --- paths --- */

/* What the current path leads to. */
static void note(struct mrq_look_json *json, mrq_json_kind kind, bool mixed)
{
    const uint32_t i = mrq_dict_add(json->path, json->name, strlen(json->name));
    json->failed |= i == MRQ_NONE;
    if (i >= PATHS)
        return;
    json->object[i] |= kind == MRQ_JSON_OBJECT;
    json->value[i] |= kind != MRQ_JSON_OBJECT;
    json->mixed[i] |= mixed;
}

/* The elements of a list behind its bracket. */
static bool walk_list(mrq_json_scan *scan, int depth, bool *mixed)
{
    mrq_json_value value;
    bool more = true;
    for (bool first = true;; first = false) {
        if (!mrq_json_element(scan, first, &more) || (more && !mrq_json_value_read(scan, &value)))
            return false;
        if (!more)
            return true;
        *mixed |= value.kind >= MRQ_JSON_OBJECT;
        if (value.kind >= MRQ_JSON_OBJECT && !mrq_json_skip(scan, value.kind, depth + 1))
            return false;
    }
}

/* Adds a member's name to the path of `size` bytes; false for one that no schema can hold. */
static bool extend(struct mrq_look_json *json, mrq_json_scan *scan, size_t size, const mrq_json_value *name)
{
    size_t length = name->span.size;
    const char *at = scan->at;
    if (!length || size + 1 + length > MRQ_HEADER_NAME)
        return false;
    char *out = json->name + size;
    if (size)
        *out++ = '.';
    if (!name->escaped)
        memcpy(out, name->span.text, length);
    else if (!mrq_json_decode(scan, name->span, out, &length)) {
        scan->at = at; /* where the walk goes on, without this member */
        return false;
    }
    out[length] = '\0';
    return mrq_utf8_is_plain(json->name);
}

/* The members of an object behind its brace; the current path, of `size` bytes, leads to it. */
static bool walk_object(struct mrq_look_json *json, mrq_json_scan *scan, size_t size, int depth)
{
    mrq_json_value name, value;
    bool more = true;
    for (bool first = true;; first = false) {
        if (!mrq_json_member(scan, first, &name, &more))
            return false;
        if (!more)
            return true;
        const bool known = extend(json, scan, size, &name);
        bool mixed = false;
        if (!mrq_json_value_read(scan, &value))
            return false;
        if (value.kind == MRQ_JSON_LIST && !walk_list(scan, depth + 1, &mixed))
            return false;
        if (known)
            note(json, value.kind, mixed);
        if (value.kind == MRQ_JSON_OBJECT &&
            !(known && depth < MRQ_JSON_DEPTH_MAX ? walk_object(json, scan, strlen(json->name), depth + 1)
                                                  : mrq_json_skip(scan, value.kind, depth + 1)))
            return false;
        json->name[size] = '\0';
    }
}

/* Paths to a value. */
static uint32_t count_columns(const struct mrq_look_json *json)
{
    const uint32_t paths = mrq_dict_strings(json->path).n;
    uint32_t n = 0;
    for (uint32_t i = 0; i < paths && i < PATHS; i++)
        n += json->value[i];
    return n < MRQ_FIELDS_MAX ? n : MRQ_FIELDS_MAX;
}

/* All lines; those that do not fit are told when they are cut. Sets look->why_not when the first one does not. */
static void walk_lines(mrq_look *look, struct mrq_look_json *json)
{
    const char *end = look->sample + look->size;
    bool first = true;
    for (const char *p = look->sample, *stop; p < end; p = stop + 1) {
        stop = memchr(p, '\n', (size_t)(end - p));
        stop = stop ? stop : end;
        mrq_json_scan scan = {p, stop, NULL};
        mrq_json_value value;
        if (mrq_json_peek(&scan) != '{')
            continue;
        const bool good = mrq_json_value_read(&scan, &value) && walk_object(json, &scan, 0, 1);
        json->name[0] = '\0';
        if (!good && first) {
            snprintf(look->why_not, sizeof look->why_not, "JSON, but no object a line: byte %zu of the first: %.120s",
                     (size_t)(scan.at - p) + 1, scan.problem);
            return;
        }
        first = false;
    }
    if (!count_columns(json))
        snprintf(look->why_not, sizeof look->why_not, "JSON, but its objects have no members with a value");
}

/* --- columns --- */

static const char *unfit(const struct mrq_look_json *json, uint32_t i)
{
    return json->mixed[i]    ? "lists that hold objects or lists"
           : json->object[i] ? "an object in some lines and a value in others"
                             : NULL;
}

/* First those that a field can be, then the others. */
static mrq_status make_columns(mrq_look *look, struct mrq_look_json *json, mrq_error *err)
{
    const mrq_strings path = mrq_dict_strings(json->path);
    const uint32_t n = count_columns(json);
    MRQ_TRY(mrq_look_columns(look, n, err));
    mrq_file_schema *schema = &json->schema;
    schema->field = mrq_array(n, sizeof *schema->field);
    if (!schema->field)
        return mrq_fail_memory(err, "looking at a file");
    uint32_t column = 0;
    for (int bad = 0; bad <= 1; bad++)
        for (uint32_t i = 0; i < path.n && i < PATHS && column < n; i++) {
            if (!json->value[i] || (unfit(json, i) != NULL) != bad)
                continue;
            mrq_look_column *made = &look->column[column];
            snprintf(made->name, sizeof made->name, "%s", mrq_strings_at(&path, i));
            made->role = bad ? MRQ_ROLE_NONE : mrq_hint_column(made->name);
            made->findable = !bad;
            made->nameless = bad;
            made->unfit = unfit(json, i);
            if (!bad)
                schema->field[schema->n_fields++] = (mrq_field){.kind = MRQ_FIELD_SET, .column = made->name, .place = column};
            column++;
        }
    return MRQ_OK;
}

mrq_status mrq_look_json(mrq_look *look, mrq_error *err)
{
    struct mrq_look_json *json = look->json = mrq_array(1, sizeof *json);
    if (!json || !(json->path = mrq_dict_new()))
        return mrq_fail_memory(err, "looking at a file");
    walk_lines(look, json);
    if (json->failed)
        return mrq_fail_memory(err, "looking at a file");
    if (*look->why_not) {
        mrq_look_json_close(json);
        look->json = NULL;
        return MRQ_OK;
    }
    MRQ_TRY(make_columns(look, json, err));
    json->schema.file = look->file;
    json->schema.format = MRQ_JSON_LINES;
    json->part.name = look->file;
    json->reader.schema = &json->schema;
    json->reader.now = &json->part;
    json->lines = mrq_json_lines_new(&json->schema);
    look->header = true;
    return json->lines ? MRQ_OK : mrq_fail_memory(err, "looking at a file");
}

void mrq_look_json_close(struct mrq_look_json *json)
{
    if (!json)
        return;
    mrq_json_lines_free(json->lines);
    mrq_dict_free(json->path);
    mrq_free(json->schema.field);
    mrq_free(json);
}

bool mrq_look_json_cut(const mrq_look *look, mrq_span line, mrq_span *value)
{
    struct mrq_look_json *json = look->json;
    mrq_error why;
    for (uint32_t i = 0; i < look->columns; i++)
        value[i] = (mrq_span){"", 0};
    if (mrq_json_lines_cut(json->lines, &json->reader, line, &why) != MRQ_OK)
        return false;
    memcpy(value, json->reader.field, json->schema.n_fields * sizeof *value);
    return true;
}
