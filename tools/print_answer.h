/* Answers for a person or as JSON: what `marquee infer` and `marquee similar` print. */
#ifndef MRQ_TOOLS_PRINT_ANSWER_H
#define MRQ_TOOLS_PRINT_ANSWER_H

#include <stdbool.h>

#include "engine/engine.h"

/* Prints an answer to stdout: one JSON document, or a line that says what was asked and a table. `user` is the query's, or -1. */
MRQ_CHECKED mrq_status print_answer(const mrq_generation *generation, const mrq_answer *answer, int64_t user, bool json,
                                    mrq_error *err);

/* Runs a command that sets `*json` for --json: then what it fails with is a document on stdout too. */
typedef mrq_status json_command(int argc, char **argv, bool *json, mrq_error *err);
MRQ_CHECKED mrq_status run_json_command(json_command *command, int argc, char **argv, mrq_error *err);

#endif
