/* The options that make a query, from the table of its fields. */
#ifndef MRQ_TOOLS_QUERY_OPTIONS_H
#define MRQ_TOOLS_QUERY_OPTIONS_H

#include "base/option.h"
#include "engine/query.h"

/* The options' values. Zeroed: none is given. */
typedef struct query_options {
    mrq_texts texts[MRQ_Q_FIELDS];
    const char *text[MRQ_Q_FIELDS];
    bool flag[MRQ_Q_FIELDS];
} query_options;

/* Writes a row for each field that a question of this kind knows and that is no argument of the command; returns how many. */
uint32_t add_query_options(query_options *options, mrq_ask what, mrq_option row[MRQ_Q_FIELDS]);

/* The query that the options make. MRQ_USAGE in terms of the options. */
MRQ_CHECKED mrq_status read_query_options(const query_options *options, mrq_query *query, mrq_error *err);

/* Passes on what the engine says of a query, which begins with the field that is wrong, in terms of the options. */
mrq_status fail_in_options(const mrq_error *engine, mrq_error *err);

#endif
