/* openapi.json is the document without the fields of a query. This file adds them: as parameters of the routes that accept them,
 * and as members of the queries of a batch. They come from the table of fields and from the columns of the serving generation's
 * users.
 *
 * The document is made for each request, because few ask for it. It needs no token: it names columns, but none of their
 * values. */
#include "http/openapi.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/asset.h"
#include "base/json.h"
#include "engine/snapshot.h"
#include "http/route.h"

/* Schemas as text. */
#define ID           "{\"$ref\":\"#/components/schemas/Id\"}"
#define FEATURE      "{\"$ref\":\"#/components/schemas/Feature\"}"
#define TEXT         "{\"type\":\"string\"}"
#define NUMBER       "{\"type\":\"number\"}"
#define INTEGER      "{\"type\":\"integer\"}"
#define WITHIN       "{\"type\":\"integer\",\"minimum\":%lld,\"maximum\":%lld}"
#define FLAG         "{\"type\":\"boolean\",\"default\":false}"
#define PARTS        "{\"type\":\"boolean\",\"description\":\"true: %d parts, the largest.\"}"
#define UP_TO(items) "{\"type\":\"array\",\"maxItems\":%u,\"items\":" items "}"
#define MEMBERS      "{\"type\":\"array\",\"items\":{\"type\":\"string\"}}"
#define EITHER(a, b) "{\"oneOf\":[" a "," b "]}"

/* Parses a schema after filling in its numbers; NULL when out of memory. */
__attribute__((format(printf, 1, 2))) static cJSON *schema(const char *format, ...)
{
    char text[200];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    return cJSON_Parse(text);
}

/* The schema of a field, in a body or in a URL. In a body a single value need not be in a list. */
static cJSON *field_schema(const mrq_query_field *field, bool body)
{
    const long long min = field->min, max = field->max;
    switch (field->type) {
    case MRQ_QT_FEATURE:
        return body ? schema(FEATURE) : schema(TEXT);
    case MRQ_QT_PAIR:
    case MRQ_QT_TEXT:
    case MRQ_QT_ORDER:
    case MRQ_QT_COLUMN:
    case MRQ_QT_WHERE:
        if (field->most == 1)
            return schema(TEXT);
        return body ? schema(EITHER(TEXT, UP_TO(TEXT)), field->most) : schema(UP_TO(TEXT), field->most);
    case MRQ_QT_ITEM:
        return schema(UP_TO(ID), field->most);
    case MRQ_QT_USER:
        return schema(ID);
    case MRQ_QT_WHOLE:
        return schema(WITHIN, min, max);
    case MRQ_QT_FLAG:
        return schema(FLAG);
    case MRQ_QT_YEARS:
        return body ? schema(EITHER(TEXT, INTEGER)) : schema(TEXT);
    case MRQ_QT_PARTS:
        return schema(EITHER(PARTS, WITHIN), MRQ_EXPLAIN_DEFAULT, min, max);
    }
    return NULL;
}

/* Adds a field's schema to `object`, with the default value that `what` has. */
static bool add_schema(cJSON *object, const char *key, mrq_field_index field, mrq_ask what, bool body)
{
    cJSON *made = field_schema(&mrq_query_fields[field], body);
    if (!mrq_json_add_made(object, key, made))
        return false;
    if (field == MRQ_Q_K)
        return mrq_json_add_whole(made, "default", mrq_k_default(what));
    if (field == MRQ_Q_TEXT)
        return cJSON_AddStringToObject(made, "default", "");
    return mrq_query_fields[field].type != MRQ_QT_PARTS || cJSON_AddFalseToObject(made, "default");
}

/* Adds a field's help as a sentence. */
static bool add_description(cJSON *parameter, mrq_field_index i)
{
    const mrq_query_field *field = &mrq_query_fields[i];
    char text[500];
    snprintf(text, sizeof text, "%s%s.", field->help, mrq_query_is_list(i) ? "; may be given again" : "");
    text[0] = (char)toupper((unsigned char)text[0]);
    for (char *end = text; (end = strchr(end, '\n'));)
        *end = ' ';
    return cJSON_AddStringToObject(parameter, "description", text) != NULL;
}

static bool add_field(cJSON *parameters, mrq_field_index i, mrq_ask what)
{
    const mrq_query_field *field = &mrq_query_fields[i];
    cJSON *parameter = mrq_json_append_object(parameters);
    bool ok = cJSON_AddStringToObject(parameter, "name", field->name) && cJSON_AddStringToObject(parameter, "in", "query");
    if (field->most > 1) /* ids and columns are separated by commas; other fields are repeated */
        ok = ok && cJSON_AddStringToObject(parameter, "style", "form") &&
             cJSON_AddBoolToObject(parameter, "explode", !mrq_query_is_list(i));
    ok = ok && add_schema(parameter, "schema", i, what, false) && add_description(parameter, i);
    return ok && (!field->example || cJSON_AddStringToObject(parameter, "example", field->example));
}

/* The description of a users' column as a parameter. NULL for a column that cannot be one: a text, or one named like a field. */
static const char *column_description(const mrq_column *column)
{
    static const char *const by_kind[] = {[MRQ_CATEGORY] = "A value of this category of the data's users.",
                                          [MRQ_SET] = "Members of this set of the data's users, with commas between them.",
                                          [MRQ_TEXT] = NULL,
                                          [MRQ_NUMBER] = "This number of the data's users."};
    return mrq_query_field_find(column->name) == MRQ_Q_FIELDS ? by_kind[column->kind] : NULL;
}

static bool add_column(cJSON *parameters, const mrq_column *column)
{
    cJSON *parameter = mrq_json_append_object(parameters);
    return cJSON_AddStringToObject(parameter, "name", column->name) && cJSON_AddStringToObject(parameter, "in", "query") &&
           mrq_json_add_made(parameter, "schema", column->kind == MRQ_NUMBER ? schema(NUMBER) : schema(TEXT)) &&
           cJSON_AddStringToObject(parameter, "description", column_description(column));
}

/* The value at a path of keys, which ends with NULL; NULL when there is none. */
static cJSON *find(cJSON *at, const char *const *key)
{
    for (; *key; key++)
        at = cJSON_GetObjectItemCaseSensitive(at, *key);
    return at;
}

static bool add_parameters(cJSON *document, const mrq_route *route, const mrq_table *users)
{
    cJSON *parameters = find(document, (const char *const[]){"paths", route->path, "get", "parameters", NULL});
    bool ok = true;
    for (unsigned i = 0; i < MRQ_Q_FIELDS && ok; i++)
        if (mrq_query_fields[i].asks & MRQ_ASKS(route->what) && i != route->id)
            ok = add_field(parameters, (mrq_field_index)i, (mrq_ask)route->what);
    if (mrq_query_fields[MRQ_Q_WITH].asks & MRQ_ASKS(route->what))
        for (uint32_t c = 0; c < users->n_columns && ok; c++)
            ok = !column_description(&users->column[c]) || add_column(parameters, &users->column[c]);
    return ok;
}

/* Adds the members of a query of a batch. */
static bool add_members(cJSON *document, const mrq_table *users)
{
    cJSON *members = find(document, (const char *const[]){"components", "schemas", "Query", "properties", NULL});
    bool ok = true;
    for (unsigned i = 0; i < MRQ_Q_FIELDS && ok; i++)
        if (mrq_query_fields[i].asks & MRQ_ASKS(MRQ_ASK_RECOMMEND))
            ok = add_schema(members, mrq_query_fields[i].name, (mrq_field_index)i, MRQ_ASK_RECOMMEND, true);
    for (uint32_t c = 0; c < users->n_columns && ok; c++)
        if (column_description(&users->column[c]))
            ok = mrq_json_add_made(members, users->column[c].name,
                                   users->column[c].kind == MRQ_SET ? schema(EITHER(TEXT, MEMBERS)) : schema(FEATURE));
    return ok;
}

/* Prints the document into `context`, a char **; NULL when out of memory. */
static void print_document(void *context, const mrq_table *users)
{
    MRQ_CLEANUP(cJSON_Delete) cJSON *document = cJSON_Parse(mrq_documents[0].text);
    bool ok = document != NULL;
    for (unsigned i = 0; i < MRQ_ROUTES && ok; i++)
        if (mrq_routes[i].what >= 0)
            ok = add_parameters(document, &mrq_routes[i], users);
    *(char **)context = ok && add_members(document, users) ? cJSON_Print(document) : NULL;
}

mrq_status mrq_openapi_text(mrq_recommender *recommender, char **text, size_t *size, mrq_error *err)
{
    char *document = NULL;
    mrq_recommender_users(recommender, print_document, &document);
    const size_t length = document ? strlen(document) : 0;
    char *made = document ? mrq_array(length + 2, 1) : NULL;
    if (made)
        memcpy(mempcpy(made, document, length), "\n", 2);
    cJSON_free(document);
    if (!made)
        return mrq_fail_memory(err, "describing the service");
    *text = made;
    *size = length + 1;
    return MRQ_OK;
}
