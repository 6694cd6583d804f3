/* The subcommands of `marquee`, one file each: cmd_NAME.c. */
#ifndef MRQ_TOOLS_COMMAND_H
#define MRQ_TOOLS_COMMAND_H

#include "cache/cache.h"

/* Each takes its own argv (argv[0] is the subcommand) and returns a status, which main() makes the exit code. On failure main()
 * prints "marquee NAME: sentence" to stderr, and for MRQ_USAGE a second line that points to --help. */
mrq_status cmd_train(int argc, char **argv, mrq_error *err);
mrq_status cmd_export(int argc, char **argv, mrq_error *err);
mrq_status cmd_rollback(int argc, char **argv, mrq_error *err);
mrq_status cmd_prune(int argc, char **argv, mrq_error *err);
mrq_status cmd_infer(int argc, char **argv, mrq_error *err);
mrq_status cmd_similar(int argc, char **argv, mrq_error *err);
mrq_status cmd_serve(int argc, char **argv, mrq_error *err);
mrq_status cmd_predict(int argc, char **argv, mrq_error *err);
mrq_status cmd_rebuild(int argc, char **argv, mrq_error *err);
mrq_status cmd_eval(int argc, char **argv, mrq_error *err);
mrq_status cmd_info(int argc, char **argv, mrq_error *err);

/* The store that `--store` named, else $MARQUEE_STORE, else "./store". */
const char *mrq_default_store(const char *option);

/* A cache at the address that `--redis` or else $MARQUEE_REDIS gives; `*cache` stays as it is without one. */
MRQ_CHECKED mrq_status mrq_default_cache(const char *option, mrq_cache **cache, mrq_error *err);

#endif
