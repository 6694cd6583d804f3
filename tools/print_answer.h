/* Answers for a person or as JSON: what `marquee infer` and `marquee similar` print. */
#ifndef MRQ_TOOLS_PRINT_ANSWER_H
#define MRQ_TOOLS_PRINT_ANSWER_H

#include <stdbool.h>

#include "engine/engine.h"

/* Answers a query from the store and prints the answer to stdout: one JSON document, or a line that describes the query and a
 * table. `store`, `backend` and `redis` are the values of their options, or NULL; `no_cache`: Redis is not used. Errors are in
 * terms of the options. */
MRQ_CHECKED mrq_status answer_query(mrq_ask what, const mrq_query *query, const char *store, const char *backend, const char *redis,
                                    bool no_cache, bool json, mrq_error *err);

/* Runs a command that sets `*json` if --json is given; then an error is printed to stdout as a JSON document too. */
typedef mrq_status json_command(int argc, char **argv, bool *json, mrq_error *err);
MRQ_CHECKED mrq_status run_json_command(json_command *command, int argc, char **argv, mrq_error *err);

#endif
