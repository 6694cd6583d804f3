/* The options of a query, made from the table of its fields. */
#ifndef MRQ_TOOLS_QUERY_OPTIONS_H
#define MRQ_TOOLS_QUERY_OPTIONS_H

#include "base/option.h"
#include "engine/query.h"

/* The options' values. Zeroed: none given. */
typedef struct query_options {
    mrq_texts texts[MRQ_Q_FIELDS];
    const char *text[MRQ_Q_FIELDS];
    bool flag[MRQ_Q_FIELDS];
} query_options;

/* Writes an option row for each field that a query of this kind accepts, except the item, which is an argument of the command.
 * Returns the number of rows. */
uint32_t add_query_options(query_options *options, mrq_ask what, mrq_option row[MRQ_Q_FIELDS]);

/* Fills the query from the options. MRQ_USAGE with a message in terms of the options. */
MRQ_CHECKED mrq_status read_query_options(const query_options *options, mrq_query *query, mrq_error *err);

/* Passes on an error of the engine, whose message begins with the name of the wrong field, in terms of the options. */
mrq_status fail_in_options(const query_options *options, const mrq_error *engine, mrq_error *err);

#endif
