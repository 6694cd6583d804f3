/* Answers for a person or as JSON: what `marquee infer` and `marquee similar` print. */
#ifndef MRQ_TOOLS_PRINT_ANSWER_H
#define MRQ_TOOLS_PRINT_ANSWER_H

#include <stdbool.h>

#include "engine/engine.h"

/* Asks the store and prints the answer to stdout: one JSON document, or a line that says what was asked and a table. `store`,
 * `backend` and `redis` are what their options said, or NULL; `no_cache`: no Redis is asked. Errors are in terms of the options. */
MRQ_CHECKED mrq_status answer_query(mrq_ask what, const mrq_query *query, const char *store, const char *backend, const char *redis,
                                    bool no_cache, bool json, mrq_error *err);

/* Runs a command that sets `*json` for --json: then what it fails with is a document on stdout too. */
typedef mrq_status json_command(int argc, char **argv, bool *json, mrq_error *err);
MRQ_CHECKED mrq_status run_json_command(json_command *command, int argc, char **argv, mrq_error *err);

#endif
