/* The subcommands of `marquee`, one file each: cmd_NAME.c. */
#ifndef MRQ_TOOLS_COMMAND_H
#define MRQ_TOOLS_COMMAND_H

#include "base/option.h"
#include "cache/cache.h"

/* Each takes its own argv (argv[0] is the subcommand) and returns a status, which main() uses as the exit code. On failure main()
 * prints "marquee NAME: message" to stderr, and for MRQ_USAGE a second line that points to --help. */
mrq_status cmd_init(int argc, char **argv, mrq_error *err);
mrq_status cmd_train(int argc, char **argv, mrq_error *err);
mrq_status cmd_export(int argc, char **argv, mrq_error *err);
mrq_status cmd_rollback(int argc, char **argv, mrq_error *err);
mrq_status cmd_prune(int argc, char **argv, mrq_error *err);
mrq_status cmd_infer(int argc, char **argv, mrq_error *err);
mrq_status cmd_similar(int argc, char **argv, mrq_error *err);
mrq_status cmd_top(int argc, char **argv, mrq_error *err);
mrq_status cmd_serve(int argc, char **argv, mrq_error *err);
mrq_status cmd_event(int argc, char **argv, mrq_error *err);
mrq_status cmd_import(int argc, char **argv, mrq_error *err);
mrq_status cmd_live(int argc, char **argv, mrq_error *err);
mrq_status cmd_predict(int argc, char **argv, mrq_error *err);
mrq_status cmd_rebuild(int argc, char **argv, mrq_error *err);
mrq_status cmd_eval(int argc, char **argv, mrq_error *err);
mrq_status cmd_info(int argc, char **argv, mrq_error *err);

/* A row of a command's option table, and its value: `option` if not NULL, else $MARQUEE_STORE, else "store". */
#define STORE_OPTION(store)                                                                                                        \
    {                                                                                                                              \
        "store", 's', MRQ_OPT_TEXT, &(store), 0, 0, "DIR", "the store [$MARQUEE_STORE, else ./store]"                              \
    }
const char *mrq_default_store(const char *option);

/* Protects a token or a password in memory: the process writes no core file, and only root can trace it. */
void mrq_keep_secret(void);

/* For the help of --redis. */
#define MRQ_REDIS_FORMS                                                                                                            \
    "unix:/path, host:port or\nredis://host:port/database [$MARQUEE_REDIS, else none].\n"                                          \
    "Give an address with a password,\nredis://[user]:password@host, only in $MARQUEE_REDIS"

/* The address in `option` if not NULL, else $MARQUEE_REDIS, else NULL. MRQ_USAGE if the option contains a password. */
MRQ_CHECKED mrq_status mrq_default_redis(const char *option, const char **address, mrq_error *err);

/* "--redis" or "$MARQUEE_REDIS", whichever gave the address, for messages. */
const char *mrq_redis_source(const char *option);

/* Reports why mrq_recommender_open() failed; `redis` is the value of --redis or NULL. */
mrq_status mrq_fail_to_open(const mrq_error *problem, const char *redis, mrq_error *err);

/* Opens the cache at mrq_default_redis(). Without an address `*cache` is left unchanged. */
MRQ_CHECKED mrq_status mrq_default_cache(const char *option, mrq_cache **cache, mrq_error *err);

#endif
