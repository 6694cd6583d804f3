/* The columns of a schema, "user.id" or "overall", make a tree of names; an object is walked beside it. What has no node in the
 * tree is checked and left alone.
 *
 * A name that comes twice in one object is refused where a field depends on it: which of the two is meant, readers of JSON do not
 * agree on. A column is looked for in two ways, as members of members and as one name with dots in it. Members mostly come in one
 * order, so the search for a name begins behind the one that was found before. */
#include "dataset/json_lines.h"

#include <string.h>

#include "dataset/json_scan.h"
#include "dataset/reader_private.h"

#define NO_FIELD UINT32_MAX

typedef struct node {
    const char *name;
    size_t size;
    uint32_t field;          /* the field that its value is, or NO_FIELD */
    uint32_t next, children; /* the next one in the same object, and the first within; 0: none */
    uint64_t seen;           /* the last record that had it */
} node;

struct mrq_json_lines {
    const mrq_file_schema *schema;
    node *tree; /* the first is the line's own object */
    size_t nodes, room;
    uint64_t record;
    uint64_t *found; /* (fields) the last record that had it */
    char *text;      /* of the current record, without escapes */
    size_t used, text_room;
};

/* --- the tree --- */

static uint32_t find_child(const mrq_json_lines *json, uint32_t parent, const char *name, size_t size)
{
    uint32_t i = json->tree[parent].children;
    while (i && (json->tree[i].size != size || memcmp(json->tree[i].name, name, size) != 0))
        i = json->tree[i].next;
    return i;
}

/* The child of this name, made if there is none; 0 when out of memory. */
static uint32_t make_child(mrq_json_lines *json, uint32_t parent, const char *name, size_t size)
{
    uint32_t i = find_child(json, parent, name, size);
    if (i || mrq_grow(&json->tree, &json->room, json->nodes + 1, sizeof *json->tree))
        return i;
    i = (uint32_t)json->nodes++;
    json->tree[i] = (node){.name = name, .size = size, .field = NO_FIELD, .next = json->tree[parent].children};
    return json->tree[parent].children = i;
}

/* A field's column, as one name and as the path that its dots make. */
static bool add_column(mrq_json_lines *json, const char *column, uint32_t field)
{
    const uint32_t whole = make_child(json, 0, column, strlen(column));
    uint32_t at = 0;
    for (const char *p = column; whole; p++) {
        const size_t size = strcspn(p, ".");
        if (!(at = make_child(json, at, p, size)))
            return false;
        p += size;
        if (!*p)
            break;
    }
    if (whole)
        json->tree[whole].field = json->tree[at].field = field;
    return whole;
}

mrq_json_lines *mrq_json_lines_new(const mrq_file_schema *schema)
{
    MRQ_CLEANUP(mrq_json_lines_free) mrq_json_lines *json = mrq_array(1, sizeof *json);
    if (!json || mrq_grow(&json->tree, &json->room, 1, sizeof *json->tree))
        return NULL;
    json->schema = schema;
    json->found = mrq_array(schema->n_fields, sizeof *json->found);
    json->nodes = 1;
    json->tree[0].field = NO_FIELD;
    for (uint32_t i = 0; i < schema->n_fields; i++)
        if (!json->found || !add_column(json, schema->field[i].column, i))
            return NULL;
    mrq_json_lines *made = json;
    json = NULL;
    return made;
}

void mrq_json_lines_free(mrq_json_lines *json)
{
    if (!json)
        return;
    mrq_free(json->tree);
    mrq_free(json->found);
    mrq_free(json->text);
    mrq_free(json);
}

/* --- a line --- */

typedef struct walk {
    mrq_json_lines *json;
    mrq_reader *reader;
    mrq_json_scan scan;
    const char *line;
    mrq_error *err;
} walk;

static mrq_status fail(const walk *w)
{
    const size_t left = (size_t)(w->scan.end - w->scan.at);
    unsigned char byte;
    if (w->json->schema->encoding && mrq_source_is_marked(w->scan.at, left, &byte))
        return mrq_reader_refuse_byte(w->reader, w->scan.at, left, w->err);
    return mrq_reader_refuse(w->reader, MRQ_BAD_JSON, w->err, "byte %zu: %s", (size_t)(w->scan.at - w->line) + 1, w->scan.problem);
}

static const char *column_of(const walk *w, uint32_t field)
{
    return w->json->schema->field[field].column;
}

/* Replaces a text by what it is without escapes. All texts of a line together have room for as many bytes as the line. */
static mrq_status decode(walk *w, mrq_json_value *value)
{
    size_t size = 0;
    char *out = w->json->text + w->json->used;
    if (!value->escaped)
        return MRQ_OK;
    if (!mrq_json_decode(&w->scan, value->span, out, &size))
        return fail(w);
    w->json->used += size;
    value->span = (mrq_span){out, size};
    return MRQ_OK;
}

/* The elements of a list behind its bracket, with a NUL behind each. */
static mrq_status read_list(walk *w, uint32_t field, mrq_error *err)
{
    mrq_json_lines *json = w->json;
    char *start = json->text + json->used;
    mrq_json_value value;
    bool more;
    for (bool first = true;; first = false) {
        if (!mrq_json_element(&w->scan, first, &more))
            return fail(w);
        if (!more)
            break;
        if (!mrq_json_value_read(&w->scan, &value))
            return fail(w);
        if (value.kind >= MRQ_JSON_OBJECT)
            return mrq_reader_refuse(w->reader, MRQ_BAD_JSON, err, "\"%s\": a list that holds %s, want texts and numbers",
                                     column_of(w, field), value.kind == MRQ_JSON_LIST ? "lists" : "objects");
        if (value.kind == MRQ_JSON_NULL || !value.span.size)
            continue;
        if (value.escaped) {
            MRQ_TRY(decode(w, &value));
        } else {
            memcpy(json->text + json->used, value.span.text, value.span.size);
            json->used += value.span.size;
        }
        json->text[json->used++] = '\0';
    }
    w->reader->field[field] = (mrq_span){start, (size_t)(json->text + json->used - start)};
    return MRQ_OK;
}

/* The value of a field. */
static mrq_status take(walk *w, uint32_t field, mrq_json_value *value)
{
    if (w->json->found[field] == w->json->record)
        return mrq_reader_refuse(w->reader, MRQ_BAD_JSON, w->err, "\"%s\" stands there twice, as a path and as a name",
                                 column_of(w, field));
    w->json->found[field] = w->json->record;
    if (value->kind == MRQ_JSON_LIST && w->json->schema->field[field].kind == MRQ_FIELD_SET)
        return read_list(w, field, w->err);
    if (value->kind >= MRQ_JSON_OBJECT)
        return mrq_reader_refuse(w->reader, MRQ_BAD_JSON, w->err, "\"%s\" is %s, want a text or a number", column_of(w, field),
                                 value->kind == MRQ_JSON_LIST ? "a list" : "an object");
    if (value->kind == MRQ_JSON_NULL)
        return MRQ_OK;
    MRQ_TRY(decode(w, value));
    w->reader->field[field] = value->span;
    return MRQ_OK;
}

static mrq_status read_object(walk *w, uint32_t parent, int depth);

/* The value behind the name of a node. */
static mrq_status read_node(walk *w, uint32_t i, mrq_json_value *value, int depth)
{
    node *n = &w->json->tree[i];
    if (n->seen == w->json->record)
        return mrq_reader_refuse(w->reader, MRQ_BAD_JSON, w->err, "the name \"%.*s\" stands twice in an object", (int)n->size,
                                 n->name);
    n->seen = w->json->record;
    if (value->kind == MRQ_JSON_OBJECT && n->children)
        return read_object(w, i, depth + 1);
    if (n->field != NO_FIELD)
        return take(w, n->field, value);
    if (value->kind >= MRQ_JSON_OBJECT && !mrq_json_skip(&w->scan, value->kind, depth + 1))
        return fail(w);
    return MRQ_OK;
}

/* The members of an object behind its brace. */
static mrq_status read_object(walk *w, uint32_t parent, int depth)
{
    const mrq_json_lines *json = w->json;
    mrq_json_value name, value;
    bool more;
    uint32_t hint = json->tree[parent].children;
    for (bool first = true;; first = false) {
        if (!mrq_json_member(&w->scan, first, &name, &more))
            return fail(w);
        if (!more)
            return MRQ_OK;
        MRQ_TRY(decode(w, &name));
        const node *expected = &json->tree[hint];
        const bool hit = hint && expected->size == name.span.size && memcmp(expected->name, name.span.text, name.span.size) == 0;
        const uint32_t i = hit ? hint : find_child(json, parent, name.span.text, name.span.size);
        if (!mrq_json_value_read(&w->scan, &value))
            return fail(w);
        if (i) {
            MRQ_TRY(read_node(w, i, &value, depth));
            hint = json->tree[i].next;
        } else if (value.kind >= MRQ_JSON_OBJECT && !mrq_json_skip(&w->scan, value.kind, depth + 1)) {
            return fail(w);
        }
    }
}

static mrq_status check_ids(const walk *w)
{
    const mrq_file_schema *schema = w->json->schema;
    for (uint32_t i = 0; i < schema->n_fields; i++)
        if (schema->field[i].kind == MRQ_FIELD_ID && w->json->found[i] != w->json->record)
            return mrq_reader_refuse(w->reader, MRQ_BAD_JSON, w->err, "no \"%s\", which is the %s", schema->field[i].column,
                                     strcmp(schema->field[i].name, "id") == 0 ? "id" : schema->field[i].name);
    return MRQ_OK;
}

mrq_status mrq_json_lines_cut(mrq_json_lines *json, mrq_reader *reader, mrq_span line, mrq_error *err)
{
    walk w = {json, reader, {line.text, line.text + line.size, NULL}, line.text, err};
    mrq_json_value value;
    if (mrq_grow(&json->text, &json->text_room, line.size + 1, 1))
        return mrq_fail_memory(err, "reading a line");
    json->record++;
    json->used = 0;
    for (uint32_t i = 0; i < json->schema->n_fields; i++)
        reader->field[i] = (mrq_span){"", 0};
    if (mrq_json_peek(&w.scan) != '{')
        return mrq_reader_refuse(reader, MRQ_BAD_JSON, err, "want one object a line, such as {\"user\": \"7\", \"item\": \"9\"}");
    if (!mrq_json_value_read(&w.scan, &value))
        return fail(&w);
    MRQ_TRY(read_object(&w, 0, 1));
    if (mrq_json_peek(&w.scan) || w.scan.at < w.scan.end) {
        w.scan.problem = "text behind the object";
        return fail(&w);
    }
    return check_ids(&w);
}
