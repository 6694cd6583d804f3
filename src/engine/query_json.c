/* Reads queries from JSON: the members of a request's body, and the descriptions of queries in answers and in Redis, which read
 * back as the same query. Each type of field has fixed types in JSON. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "base/memory.h"
#include "base/print.h"
#include "base/table.h"
#include "engine/query.h"

enum { JSON_TEXT = 1, JSON_NUMBER = 2, JSON_BOOL = 4 };
static const struct {
    unsigned kinds;
    const char *want;
} in_json[] = {[MRQ_QT_FEATURE] = {JSON_TEXT | JSON_NUMBER, "a text or a number"},
               [MRQ_QT_PAIR] = {JSON_TEXT, "NAME=VALUE, or an object of names and values"},
               [MRQ_QT_TEXT] = {JSON_TEXT, "a text"},
               [MRQ_QT_ITEM] = {JSON_TEXT | JSON_NUMBER, "ids of items"},
               [MRQ_QT_USER] = {JSON_TEXT | JSON_NUMBER, "the id of a user"},
               [MRQ_QT_WHOLE] = {JSON_NUMBER, "a whole number"},
               [MRQ_QT_FLAG] = {JSON_BOOL, "true or false"},
               [MRQ_QT_YEARS] = {JSON_TEXT | JSON_NUMBER, "a year or years"},
               [MRQ_QT_ORDER] = {JSON_TEXT, "popular, recent or trending"},
               [MRQ_QT_COLUMN] = {JSON_TEXT, "names of columns"},
               [MRQ_QT_WHERE] = {JSON_TEXT, "a text such as \"year>=1990\""},
               [MRQ_QT_PARTS] = {JSON_BOOL | JSON_NUMBER, "true, false or how many parts"}};

static mrq_status wrong(const char *name, const char *want, const cJSON *item, mrq_error *err)
{
    mrq_error problem = {0};
    (void)mrq_json_wrong(item, "", name, want, &problem);
    return mrq_fail(err, MRQ_USAGE, "%s", problem.msg);
}

/* Whether a value has the field's type. A number is a valid id only if a double represents it exactly. */
static bool fits(const cJSON *item, mrq_query_type type)
{
    const unsigned kinds = in_json[type].kinds;
    const bool id = type == MRQ_QT_ITEM || type == MRQ_QT_USER;
    if (cJSON_IsNumber(item) && type == MRQ_QT_YEARS)
        return item->valuedouble >= 1 && item->valuedouble == floor(item->valuedouble);
    if (cJSON_IsNumber(item) && id)
        return item->valuedouble >= 0 && item->valuedouble < 0x1p53 && item->valuedouble == floor(item->valuedouble);
    return (cJSON_IsString(item) && kinds & JSON_TEXT) || (cJSON_IsBool(item) && kinds & JSON_BOOL) ||
           (cJSON_IsNumber(item) && kinds & JSON_NUMBER);
}

static mrq_status read_value(mrq_query *query, mrq_field_index field, const cJSON *item, mrq_error *err)
{
    const mrq_query_field *f = &mrq_query_fields[field];
    char number[40];
    if (!fits(item, f->type))
        return wrong(f->name, in_json[f->type].want, item, err);
    snprintf(number, sizeof number, "%.15g", item->valuedouble);
    if (f->type == MRQ_QT_ITEM || f->type == MRQ_QT_USER)
        snprintf(number, sizeof number, "%.0f", fabs(item->valuedouble)); /* -0 is 0 */
    return mrq_query_put(query, field,
                         cJSON_IsString(item) ? item->valuestring
                         : cJSON_IsBool(item) ? cJSON_IsTrue(item) ? "true" : "false"
                                              : number,
                         err);
}

/* Prints a feature's value as text: a text, a number with as many digits as the query in an answer has, or the members of a set.
 * False for other values. */
static bool print_value(mrq_print *print, const cJSON *value)
{
    const cJSON *item;
    if (cJSON_IsNumber(value))
        mrq_print_real(print, value->valuedouble, 9);
    else if (cJSON_IsString(value))
        mrq_print_add(print, value->valuestring);
    else if (!cJSON_IsArray(value))
        return false;
    cJSON_ArrayForEach(item, value)
    {
        if (!cJSON_IsString(item))
            return false;
        mrq_print_add(print, item == value->child ? "" : ",");
        mrq_print_member(print, item->valuestring);
    }
    return true;
}

/* `item`: a value, a list of a set's members, or an object with a "value" and maybe a "label", as in an answer. */
static mrq_status read_feature(mrq_query *query, const char *name, const cJSON *item, mrq_error *err)
{
    const cJSON *inner = cJSON_GetObjectItemCaseSensitive(item, "value");
    const mrq_field_index field = mrq_query_field_find(name);
    const bool one = field != MRQ_Q_FIELDS && mrq_query_fields[field].type == MRQ_QT_FEATURE;
    mrq_print print = {0};
    mrq_print_add(&print, "");
    const bool good = print_value(&print, inner ? inner : item);
    MRQ_AUTOFREE char *text = mrq_print_take(&print, NULL);
    if (!good || (one && cJSON_IsArray(item)))
        return wrong(name, one ? in_json[MRQ_QT_FEATURE].want : "a text, a number or a list of texts", item, err);
    return text ? mrq_query_put_feature(query, name, text, err) : mrq_fail_memory(err, "reading a query");
}

static mrq_status read_member(mrq_query *query, const cJSON *item, mrq_error *err)
{
    const mrq_field_index field = mrq_query_field_find(item->string);
    const cJSON *element;
    if (field == MRQ_Q_FIELDS || mrq_query_fields[field].type == MRQ_QT_FEATURE)
        return read_feature(query, item->string, item, err);
    if (mrq_query_fields[field].type == MRQ_QT_PAIR && cJSON_IsObject(item)) {
        cJSON_ArrayForEach(element, item)
        {
            if (!cJSON_IsNull(element))
                MRQ_TRY(read_feature(query, element->string, element, err));
        }
        return MRQ_OK;
    }
    if (!cJSON_IsArray(item) || mrq_query_fields[field].most == 1)
        return read_value(query, field, item, err);
    cJSON_ArrayForEach(element, item) MRQ_TRY(read_value(query, field, element, err));
    return MRQ_OK;
}

mrq_status mrq_query_read_json(mrq_query *query, const cJSON *object, mrq_error *err)
{
    enum { MEMBERS_MAX = MRQ_Q_FIELDS + MRQ_COLUMNS_MAX };
    const cJSON *item;
    int n = 0;
    cJSON_ArrayForEach(item, object)
    {
        if (n++ == MEMBERS_MAX) /* the search for each name goes over all of them */
            return mrq_fail(err, MRQ_USAGE, "query: more than %d members", MEMBERS_MAX);
        if (cJSON_GetObjectItemCaseSensitive(object, item->string) != item)
            return mrq_fail(err, MRQ_USAGE, "%s: given twice", item->string);
        if (!cJSON_IsNull(item))
            MRQ_TRY(read_member(query, item, err));
    }
    return MRQ_OK;
}
