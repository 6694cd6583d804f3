/* Answers for a person or as JSON: what `marquee infer`, `marquee similar` and `marquee top` print. */
#ifndef MRQ_TOOLS_PRINT_ANSWER_H
#define MRQ_TOOLS_PRINT_ANSWER_H

#include <stdbool.h>

#include "engine/engine.h"
#include "query_options.h"

/* Where answers come from: values of options, NULL for the default. */
typedef struct answer_source {
    const char *store, *backend, *redis;
    bool no_cache; /* Redis is not used */
} answer_source;

#define JSON_OPTION(json)                                                                                                          \
    {                                                                                                                              \
        "json", 0, MRQ_OPT_FLAG, json, 0, 0, NULL, "print one JSON document instead of the table, also for an error"               \
    }

/* Reads the command line, asks, and prints the answer to stdout: one JSON document, or a line that describes the query and a table.
 * The options of `command` set `given` and `from`; its argument, if it has one, is the item. Errors are in terms of the options. */
MRQ_CHECKED mrq_status answer_command(const mrq_command *command, mrq_ask what, const query_options *given,
                                      const answer_source *from, int argc, char **argv, bool json, mrq_error *err);

/* Runs a command that sets `*json` if --json is given; then an error is printed to stdout as a JSON document too. */
typedef mrq_status json_command(int argc, char **argv, bool *json, mrq_error *err);
MRQ_CHECKED mrq_status run_json_command(json_command *command, int argc, char **argv, mrq_error *err);

#endif
