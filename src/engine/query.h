/* A query: values by field, as somebody has set them. What they mean to a generation is resolve.h's.
 *
 * The values lie in one block of bytes, in the order of the table of fields and of a field's as they were set. These bytes are the
 * query's identity: the key under which this process remembers its answer, so that no field can be missing there. */
#ifndef MRQ_ENGINE_QUERY_H
#define MRQ_ENGINE_QUERY_H

#include <string.h>

#include "base/json.h"
#include "engine/fields.h"

struct mrq_query {
    char *bytes; /* (size of capacity) entries: field and size of the text, the text, a NUL */
    size_t size, capacity;
    uint32_t n[MRQ_Q_FIELDS]; /* values of each field */
    size_t end[MRQ_Q_FIELDS]; /* where they end in the bytes, and the next field's begin */
};
void mrq_query_clear(mrq_query *query); /* frees what it holds; legal on a zeroed one, and twice */

typedef struct mrq_query_value {
    uint32_t size;
    const char *text; /* (size) and a NUL */
} mrq_query_value;

/* Where a field's values begin. */
static inline size_t mrq_query_begin(const mrq_query *query, mrq_field_index field)
{
    return field ? query->end[field - 1] : 0;
}

/* A field's value at `*at`, which is mrq_query_begin() at first and moves on; false at the end. */
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

/* The first value of a field; NULL without one. */
const char *mrq_query_text(const mrq_query *query, mrq_field_index field);

/* The texts of a field, `n` of them, into `out`. */
void mrq_query_texts(const mrq_query *query, mrq_field_index field, const char **out);

/* A whole number, a flag or a number of parts; `otherwise` when it was not set. */
int64_t mrq_query_number(const mrq_query *query, mrq_field_index field, int64_t otherwise);

/* Adds a value to a field, where it may have several; else sets it. A column of the users that has a value is "given twice".
 * MRQ_USAGE: the sentence begins with the field's or the column's name. */
MRQ_CHECKED mrq_status mrq_query_put(mrq_query *query, mrq_field_index field, const char *text, mrq_error *err);

/* Sets the value of a column of the users. */
MRQ_CHECKED mrq_status mrq_query_put_feature(mrq_query *query, const char *name, const char *text, mrq_error *err);

/* The same with ids that have commas between them, where the field is one of ids of items; a comma within an id is written as "\,"
 * and a backslash as "\\". */
MRQ_CHECKED mrq_status mrq_query_put_list(mrq_query *query, mrq_field_index field, const char *text, mrq_error *err);

/* MRQ_USAGE when it has a field that a query of this kind does not know, or lacks the item, user or text that it is about. */
MRQ_CHECKED mrq_status mrq_query_check(const mrq_query *query, mrq_ask what, mrq_error *err);

/* Reads the members of a JSON object, as a body or a told query has them: texts and numbers, lists where there may be several, and
 * an object with a "value" for a feature, which of a set is a list; under "with" an object of features.
 * A member that is null is absent. MRQ_USAGE, as above. */
MRQ_CHECKED mrq_status mrq_query_read_json(mrq_query *query, const cJSON *object, mrq_error *err);

/* What is asked and the query's bytes, by which an answer is remembered: returns how many, or 0 where they do not fit. Such a
 * query, with a hundred liked items, is computed each time. */
#define MRQ_QUERY_KEY 2048
size_t mrq_query_key(const mrq_query *query, mrq_ask what, char key[MRQ_QUERY_KEY]);

/* How many items and parts of scores it asks for. */
uint64_t mrq_query_rows(const mrq_query *query);

/* Years as they are written in a query, 0 where they are open. */
bool mrq_years_read(const char *text, int *from, int *to);

#endif
