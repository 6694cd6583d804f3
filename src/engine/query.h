/* A query: the values of its fields, as they were set. resolve.h finds their meaning for a generation.
 *
 * The values are stored in one block of bytes, in the order of the table of fields, and within a field in the order in which they
 * were set. These bytes are the cache key of the answer in memory, so that no field can be missing from it. */
#ifndef MRQ_ENGINE_QUERY_H
#define MRQ_ENGINE_QUERY_H

#include <string.h>

#include "base/json.h"
#include "engine/query_fields.h"

struct mrq_query {
    char *bytes; /* (size, of capacity) entries: field and size of the text, the text, a NUL */
    size_t size, capacity;
    uint32_t n[MRQ_Q_FIELDS]; /* values of each field */
    size_t end[MRQ_Q_FIELDS]; /* where they end in the bytes and the next field's values begin */
};
void mrq_query_clear(mrq_query *query); /* frees its values; legal on a zeroed struct, and twice */

typedef struct mrq_query_value {
    uint32_t size;
    const char *text; /* (size) and a NUL */
} mrq_query_value;

/* Where a field's values begin. */
static inline size_t mrq_query_begin(const mrq_query *query, mrq_field_index field)
{
    return field ? query->end[field - 1] : 0;
}

/* Reads a field's value at `*at`, which starts at mrq_query_begin(), and moves `*at` to the next; false after the last. */
static inline bool mrq_query_next(const mrq_query *query, mrq_field_index field, size_t *at, mrq_query_value *out)
{
    uint32_t head[2];
    if (*at == query->end[field])
        return false;
    memcpy(head, query->bytes + *at, sizeof head);
    *out = (mrq_query_value){head[1], query->bytes + *at + sizeof head};
    *at += sizeof head + head[1] + 1;
    return true;
}

/* The first value of a field; NULL if it has none. */
const char *mrq_query_text(const mrq_query *query, mrq_field_index field);

/* Writes the field's n[field] texts to `out`. */
void mrq_query_texts(const mrq_query *query, mrq_field_index field, const char **out);

/* The value of a whole number, a flag or a number of parts; `otherwise` if it is not set. */
int64_t mrq_query_number(const mrq_query *query, mrq_field_index field, int64_t otherwise);

/* Adds a value to a field that can have several; otherwise sets it. MRQ_USAGE for a wrong value, and for a column of the users that
 * already has one; the message begins with the name of the field or column. */
MRQ_CHECKED mrq_status mrq_query_put(mrq_query *query, mrq_field_index field, const char *text, mrq_error *err);

/* Sets the value of a column of the users. */
MRQ_CHECKED mrq_status mrq_query_put_feature(mrq_query *query, const char *name, const char *text, mrq_error *err);

/* Like mrq_query_put(), but for a field that is a list the text is a list of values separated by commas. In a value, "\," is a
 * comma and "\\" a backslash. */
MRQ_CHECKED mrq_status mrq_query_put_list(mrq_query *query, mrq_field_index field, const char *text, mrq_error *err);

/* MRQ_USAGE if it has a field that this kind of query does not use, or lacks the item, user or text that it is about. */
MRQ_CHECKED mrq_status mrq_query_check(const mrq_query *query, mrq_ask what, mrq_error *err);

/* Reads a JSON object, from a request's body or from the "query" of an answer. Members are texts and numbers; lists for fields that
 * can have several values; for a feature also an object with a "value", which for a set is a list; and "with", an object of
 * features. Null is the same as not given. MRQ_USAGE as for mrq_query_put(). */
MRQ_CHECKED mrq_status mrq_query_read_json(mrq_query *query, const cJSON *object, mrq_error *err);

/* The cache key of an answer in memory: the kind of query and the query's bytes. Returns its size, or 0 if it does not fit: a query
 * that long, for example with a hundred liked items, is computed each time. */
#define MRQ_QUERY_KEY 2048
size_t mrq_query_key(const mrq_query *query, mrq_ask what, char key[MRQ_QUERY_KEY]);

/* The number of items, those before them included, and of explained parts of scores that it asks for. */
uint64_t mrq_query_rows(const mrq_query *query);

/* Parses the years of a query; 0 for an open end. False if the text is not valid. */
bool mrq_years_read(const char *text, int *from, int *to);

#endif
