/* The subcommands of `marquee`, one file each: cmd_NAME.c. */
#ifndef MRQ_TOOLS_COMMAND_H
#define MRQ_TOOLS_COMMAND_H

#include "base/option.h"
#include "cache/cache.h"

/* Each takes its own argv (argv[0] is the subcommand) and returns a status, which main() makes the exit code. On failure main()
 * prints "marquee NAME: sentence" to stderr, and for MRQ_USAGE a second line that points to --help. */
mrq_status cmd_init(int argc, char **argv, mrq_error *err);
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

/* A row of a command's option table, and a value for it: the store that `--store` named, else $MARQUEE_STORE, else "./store". */
#define STORE_OPTION(store)                                                                                                        \
    {                                                                                                                              \
        "store", 's', MRQ_OPT_TEXT, &(store), 0, 0, "DIR", "the store [$MARQUEE_STORE, else ./store]"                              \
    }
const char *mrq_default_store(const char *option);

/* From here on the process leaves no core, and only root may look into it. For who has a secret, a token or a password. */
void mrq_keep_secret(void);

/* For the help of --redis. */
#define MRQ_REDIS_FORMS                                                                                                            \
    "unix:/path, host:port or\nredis://host:port/database [$MARQUEE_REDIS, else none]; one with a\n"                               \
    "password, redis://[user]:password@host, in $MARQUEE_REDIS alone"

/* The address that `--redis` gave, which may be NULL, else $MARQUEE_REDIS, else NULL. MRQ_USAGE for an option with a password. */
MRQ_CHECKED mrq_status mrq_default_redis(const char *option, const char **address, mrq_error *err);

/* Which of the two was taken, for a sentence about it. */
const char *mrq_redis_source(const char *option);

/* What mrq_recommender_open() failed with; `redis` is what the option gave. */
mrq_status mrq_fail_to_open(const mrq_error *problem, const char *redis, mrq_error *err);

/* A cache at mrq_default_redis(); `*cache` stays as it is without one. */
MRQ_CHECKED mrq_status mrq_default_cache(const char *option, mrq_cache **cache, mrq_error *err);

#endif
