/* Values are checked when they are set, as far as possible without a generation, and stored as texts. So two spellings of a value
 * have two cache keys in memory, but one in Redis (resolve.c). */
#include "engine/query.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"
#include "base/parse.h"
#include "base/table.h"
#include "engine/where.h"

#define VALUE_MAX           8192 /* bytes */
#define NUMBER_TEXT(number) #number
#define TEXT_OF(number)     NUMBER_TEXT(number)

mrq_query *mrq_query_new(void)
{
    return calloc(1, sizeof(mrq_query));
}

void mrq_query_clear(mrq_query *query)
{
    mrq_free(query->bytes);
    *query = (mrq_query){0};
}

void mrq_query_free(mrq_query *query)
{
    if (query)
        mrq_query_clear(query);
    free(query);
}

const char *mrq_query_text(const mrq_query *query, mrq_field_index field)
{
    size_t at = mrq_query_begin(query, field);
    mrq_query_value value;
    return mrq_query_next(query, field, &at, &value) ? value.text : NULL;
}

void mrq_query_texts(const mrq_query *query, mrq_field_index field, const char **out)
{
    size_t at = mrq_query_begin(query, field);
    mrq_query_value value;
    while (mrq_query_next(query, field, &at, &value))
        *out++ = value.text;
}

static bool is(const char *text, const char *word)
{
    return strcmp(text, word) == 0;
}

int64_t mrq_query_number(const mrq_query *query, mrq_field_index field, int64_t otherwise)
{
    const char *text = mrq_query_text(query, field);
    int64_t number = otherwise;
    if (text && !mrq_parse_int(text, strlen(text), 0, INT64_MAX, &number))
        return otherwise;
    return number;
}

size_t mrq_query_key(const mrq_query *query, mrq_ask what, char key[MRQ_QUERY_KEY])
{
    if (query->size >= MRQ_QUERY_KEY)
        return 0;
    key[0] = (char)what;
    if (query->size)
        memcpy(key + 1, query->bytes, query->size);
    return query->size + 1;
}

uint64_t mrq_query_rows(const mrq_query *query)
{
    const int64_t reach = mrq_query_number(query, MRQ_Q_K, MRQ_K_DEFAULT) + mrq_query_number(query, MRQ_Q_OFFSET, 0);
    return (uint64_t)reach * (1 + (uint64_t)mrq_query_number(query, MRQ_Q_EXPLAIN, 0));
}

bool mrq_years_read(const char *text, int *from, int *to)
{
    const char *dash = strchr(text, '-');
    const size_t first = dash ? (size_t)(dash - text) : strlen(text), last = dash ? strlen(dash + 1) : 0;
    int64_t a = 0, b = 0;
    if (first + last == 0 || (first && !mrq_parse_int(text, first, 1, MRQ_YEAR_MAX, &a)) ||
        (last && !mrq_parse_int(dash + 1, last, 1, MRQ_YEAR_MAX, &b)))
        return false;
    *from = (int)a;
    *to = (int)(dash ? b : a);
    return true;
}

/* Finds the entry of a feature, or the place to insert it: entries are sorted by name, here of `size` bytes. `*from` is first where
 * the search begins, then where the entry begins; `*to` is where it ends. */
static void find_feature(const mrq_query *query, const char *name, size_t size, size_t *from, size_t *to)
{
    mrq_query_value value;
    size_t at = *from;
    *to = at;
    while (mrq_query_next(query, MRQ_Q_WITH, &at, &value)) {
        const size_t its = strcspn(value.text, "=");
        const int order = strncmp(value.text, name, size < its ? size : its);
        if (order > 0 || (!order && its > size))
            return;
        *to = at;
        if (!order && its == size)
            return;
        *from = at;
    }
}

/* Replaces the entry between `from` and `to`, if any, by an entry of the text, with `name` and '=' before it unless `name` is NULL.
 * A NULL text only removes the entry. */
static mrq_status replace(mrq_query *query, mrq_field_index field, const char *name, const char *text, size_t from, size_t to,
                          mrq_error *err)
{
    const size_t before = name && text ? strlen(name) + 1 : 0, length = text ? before + strlen(text) : 0;
    const uint32_t head[2] = {field, (uint32_t)length};
    const size_t size = text ? sizeof head + length + 1 : 0, tail = query->size - to;
    if (mrq_grow(&query->bytes, &query->capacity, from + size + tail + 1, 1) != 0)
        return mrq_fail_memory(err, "reading a query");
    memmove(query->bytes + from + size, query->bytes + to, tail);
    query->n[field] -= to > from;
    query->size = from + size + tail;
    for (unsigned i = field; i < MRQ_Q_FIELDS; i++)
        query->end[i] += from + size - to;
    if (!text)
        return MRQ_OK;
    char *out = mempcpy(query->bytes + from, head, sizeof head);
    if (before) {
        out = mempcpy(out, name, before - 1);
        *out++ = '=';
    }
    memcpy(out, text, length - before + 1);
    query->n[field]++;
    return MRQ_OK;
}

/* Checks a text. False: `want` says what is wrong. True: `*text` is the text to store, or NULL if the value is the same as not
 * set. */
static bool judge(const mrq_query_field *field, const char **text, char *want, size_t size)
{
    int64_t number = 0;
    int from, to;
    *want = '\0';
    switch (field->type) {
    case MRQ_QT_FEATURE:
    case MRQ_QT_TEXT:
        break;
    case MRQ_QT_ORDER:
        if (mrq_order_find(*text) == MRQ_ORDERS)
            snprintf(want, size, "want popular, recent or trending");
        break;
    case MRQ_QT_COLUMN:
        if (!**text || strlen(*text) >= MRQ_COLUMN_NAME)
            snprintf(want, size, "want the name of a column of the items");
        break;
    case MRQ_QT_PAIR:
        if (!strchr(*text, '=') || **text == '=')
            snprintf(want, size, "want NAME=VALUE, the name of a column of the users and a value");
        break;
    case MRQ_QT_ITEM:
    case MRQ_QT_USER:
        if (!mrq_id_is_valid(*text, strlen(*text)))
            snprintf(want, size, "want an id, " MRQ_ID_WANT);
        break;
    case MRQ_QT_WHOLE:
        if (!mrq_parse_int(*text, strlen(*text), field->min, field->max, &number))
            snprintf(want, size, "want a whole number from %lld to %lld", (long long)field->min, (long long)field->max);
        break;
    case MRQ_QT_FLAG:
        if (is(*text, "false") || is(*text, "0"))
            *text = NULL;
        else if (is(*text, "true") || is(*text, "1"))
            *text = "1";
        else
            snprintf(want, size, "want true or false");
        break;
    case MRQ_QT_YEARS:
        if (!mrq_years_read(*text, &from, &to))
            snprintf(want, size, "want a year or years, such as 1994, 1990-1999, 1990- or -1999");
        else if (from && to && from > to)
            snprintf(want, size, "the first comes after the last, want %d-%d", to, from);
        break;
    case MRQ_QT_WHERE:
        if (!mrq_where_is_one(*text))
            snprintf(want, size, "want a column of the items, one of = != < <= > >=, and a value, such as year>=1990");
        break;
    case MRQ_QT_PARTS:
        if (is(*text, "false") || is(*text, "0"))
            *text = NULL;
        else if (is(*text, "true"))
            *text = TEXT_OF(MRQ_EXPLAIN_DEFAULT);
        else if (is(*text, "all"))
            *text = "4294967295"; /* MRQ_EXPLAIN_ALL */
        else if (!mrq_parse_int(*text, strlen(*text), field->min, field->max, &number))
            snprintf(want, size, "want true, false, or how many parts, 1 to %lld", (long long)field->max);
        break;
    }
    return *want == '\0';
}

/* Sets a feature's value. If `name` is NULL, the text is "NAME=VALUE". */
static mrq_status put_feature(mrq_query *query, const char *name, const char *text, bool replaces, mrq_error *err)
{
    const char *feature = name ? name : text;
    const size_t size = strcspn(feature, "=");
    size_t from = mrq_query_begin(query, MRQ_Q_WITH), to;
    find_feature(query, feature, size, &from, &to);
    if (from != to && !replaces)
        return mrq_fail(err, MRQ_USAGE, "%.*s: given twice", (int)size, feature);
    if (from == to && query->n[MRQ_Q_WITH] == MRQ_FEATURES_MAX)
        return mrq_fail(err, MRQ_USAGE, "%.*s: more than %d columns of the users are given", (int)size, feature, MRQ_FEATURES_MAX);
    return replace(query, MRQ_Q_WITH, name, text, from, to, err);
}

static mrq_status put(mrq_query *query, mrq_field_index field, const char *text, mrq_error *err)
{
    const mrq_query_field *f = &mrq_query_fields[field];
    const size_t from = mrq_query_begin(query, field), to = query->end[field];
    if (f->most > 1 && query->n[field] == f->most)
        return mrq_fail(err, MRQ_USAGE, "%s: more than %u %s", f->name, f->most, f->type == MRQ_QT_WHERE ? "conditions" : "values");
    return replace(query, field, NULL, text, f->most > 1 ? to : from, to, err);
}

static mrq_status set_field(mrq_query *query, mrq_field_index field, const char *text, bool replaces, mrq_error *err)
{
    const mrq_query_field *f = &mrq_query_fields[field];
    const char *kept = text;
    char want[120];
    if (strlen(text) > VALUE_MAX)
        return mrq_fail(err, MRQ_USAGE, "%s: %zu bytes, want at most %d", f->name, strlen(text), VALUE_MAX);
    if (!judge(f, &kept, want, sizeof want))
        return mrq_fail(err, MRQ_USAGE, "%s \"%.40s\": %s", f->name, text, want);
    if (f->type == MRQ_QT_FEATURE || f->type == MRQ_QT_PAIR)
        return put_feature(query, f->type == MRQ_QT_FEATURE ? f->name : NULL, text, replaces, err);
    return put(query, field, kept, err);
}

mrq_status mrq_query_put(mrq_query *query, mrq_field_index field, const char *text, mrq_error *err)
{
    return set_field(query, field, text, false, err);
}

mrq_status mrq_query_put_list(mrq_query *query, mrq_field_index field, const char *text, mrq_error *err)
{
    char id[VALUE_MAX + 1];
    if (!mrq_query_is_list(field))
        return mrq_query_put(query, field, text, err);
    for (const char *at = text;; at++) {
        size_t size = 0;
        for (; *at && *at != ','; at++) {
            at += *at == '\\' && (at[1] == ',' || at[1] == '\\');
            id[size] = *at;
            size += size < VALUE_MAX;
        }
        id[size] = '\0';
        MRQ_TRY(mrq_query_put(query, field, id, err));
        if (!*at)
            return MRQ_OK;
    }
}

static mrq_status set_feature(mrq_query *query, const char *name, const char *text, bool replaces, mrq_error *err)
{
    if (!*name || strchr(name, '=') || strlen(name) >= MRQ_COLUMN_NAME)
        return mrq_fail(err, MRQ_USAGE, "\"%.40s\" is neither a field of a query nor a possible name of a column", name);
    if (strlen(text) > VALUE_MAX)
        return mrq_fail(err, MRQ_USAGE, "%s: %zu bytes, want at most %d", name, strlen(text), VALUE_MAX);
    return put_feature(query, name, text, replaces, err);
}

mrq_status mrq_query_put_feature(mrq_query *query, const char *name, const char *text, mrq_error *err)
{
    return set_feature(query, name, text, false, err);
}

mrq_status mrq_query_set(mrq_query *query, const char *name, const char *value, mrq_error *err)
{
    MRQ_TRY(mrq_argument_check(query, "query", err));
    MRQ_TRY(mrq_argument_check(name, "name", err));
    MRQ_TRY(mrq_argument_check(value, "value", err));
    const mrq_field_index field = mrq_query_field_find(name);
    return field != MRQ_Q_FIELDS ? set_field(query, field, value, true, err) : set_feature(query, name, value, true, err);
}

/* Names the field, or the column of a pair. */
static mrq_status fail_unused(const mrq_query *query, mrq_field_index field, mrq_error *err)
{
    const char *pair = field == MRQ_Q_WITH ? mrq_query_text(query, field) : NULL;
    const char *name = pair ? pair : mrq_query_fields[field].name;
    return mrq_fail(err, MRQ_USAGE, "%.*s: not used by this kind of query; leave it out", (int)strcspn(name, "="), name);
}

static mrq_status check_reach(const mrq_query *query, mrq_ask what, mrq_error *err)
{
    const int64_t k = mrq_query_number(query, MRQ_Q_K, mrq_k_default(what)), offset = mrq_query_number(query, MRQ_Q_OFFSET, 0);
    if (k + offset > MRQ_REACH_MAX)
        return mrq_fail(err, MRQ_USAGE, "offset \"%lld\": with k %lld beyond the first %d, want at most %lld", (long long)offset,
                        (long long)k, MRQ_REACH_MAX, (long long)(MRQ_REACH_MAX - k));
    return MRQ_OK;
}

mrq_status mrq_query_check(const mrq_query *query, mrq_ask what, mrq_error *err)
{
    static const mrq_field_index subject[] = {
        [MRQ_ASK_RECOMMEND] = MRQ_Q_FIELDS, [MRQ_ASK_SIMILAR] = MRQ_Q_ITEM, [MRQ_ASK_ITEM] = MRQ_Q_ITEM,
        [MRQ_ASK_SEARCH] = MRQ_Q_TEXT,      [MRQ_ASK_USER] = MRQ_Q_USER,    [MRQ_ASK_INFO] = MRQ_Q_FIELDS};
    if ((unsigned)what >= sizeof subject / sizeof *subject)
        return mrq_fail(err, MRQ_USAGE, "what: %d is not a kind of query", (int)what);
    uint32_t head[2];
    for (size_t at = 0; at < query->size; at += sizeof head + head[1] + 1) {
        memcpy(head, query->bytes + at, sizeof head);
        if (!(mrq_query_fields[head[0]].asks & MRQ_ASKS(what)))
            return fail_unused(query, head[0], err);
    }
    if (query->n[MRQ_Q_OFFSET])
        MRQ_TRY(check_reach(query, what, err));
    if (subject[what] != MRQ_Q_FIELDS && !query->n[subject[what]] && !query->n[MRQ_Q_ORDER])
        return mrq_fail(err, MRQ_USAGE, "%s is missing", mrq_query_fields[subject[what]].name);
    return MRQ_OK;
}
