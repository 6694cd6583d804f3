/* marquee: runs the subcommand, prints its error, and exits with its status. Called as `infer`, it runs `marquee infer`.
 *
 * Input files are memory-mapped. If one is truncated while it is read, or its disk fails, the kernel sends SIGBUS: the program
 * prints a message and exits. The next run removes its unfinished output, as after a kill. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/log.h"
#include "command.h"
#include "marquee/version.h"

static const struct command {
    const char *name, *about;
    mrq_status (*run)(int argc, char **argv, mrq_error *err);
} commands[] = {
    {"init", "look at a folder of data and write its schema", cmd_init},
    {"train", "train a model on ratings and write it to a file", cmd_train},
    {"export", "build a generation from a model and publish it: index, catalogue, folded user tower", cmd_export},
    {"rollback", "make an older generation the current one", cmd_rollback},
    {"prune", "remove the oldest generations", cmd_prune},
    {"infer", "recommend items for an age, a gender and a job, or for a known user", cmd_infer},
    {"similar", "find the items most similar to one", cmd_similar},
    {"top", "list popular, new or trending items", cmd_top},
    {"serve", "answer queries over HTTP and serve a web page", cmd_serve},
    {"event", "tell a live database what a person did", cmd_event},
    {"import", "write the events of a file to a live database", cmd_import},
    {"live", "print what a live database holds, check it or copy it", cmd_live},
    {"predict", "predict the scores of pairs of a user and an item", cmd_predict},
    {"rebuild", "run the nightly job: train, export, check the gates, publish, write a report", cmd_rebuild},
    {"eval", "measure recommendation quality: protocols, baselines, confidence intervals", cmd_eval},
    {"info", "print what a data folder, a model file or a store contains", cmd_info},
};
#define N_COMMANDS (sizeof commands / sizeof *commands)

const char *mrq_default_store(const char *option)
{
    const char *variable = getenv("MARQUEE_STORE");
    return option ? option : variable && *variable ? variable : "store";
}

void mrq_keep_secret(void)
{
    prctl(PR_SET_DUMPABLE, 0);
}

/* Whether a Redis address contains a login. In the path of a socket '@' has no special meaning. */
static bool has_login(const char *address)
{
    return strchr(address, '@') && strncmp(address, "unix:", 5) != 0;
}

mrq_status mrq_default_redis(const char *option, const char **address, mrq_error *err)
{
    if (option && has_login(option))
        return mrq_fail(err, MRQ_USAGE,
                        "--redis: other users can see a password on a command line; give this address in $MARQUEE_REDIS");
    const char *variable = getenv("MARQUEE_REDIS");
    *address = option ? option : variable && *variable ? variable : NULL;
    return MRQ_OK;
}

const char *mrq_redis_source(const char *option)
{
    return option ? "--redis" : "$MARQUEE_REDIS";
}

mrq_status mrq_fail_to_open(const mrq_error *problem, const char *redis, mrq_error *err)
{
    /* Wrong usage here means a wrong address. The message about a backend's address already names it. */
    if (problem->status == MRQ_USAGE && strncmp(problem->msg, "backend", 7) != 0)
        return mrq_fail(err, problem->status, "%s: %s", mrq_redis_source(redis), problem->msg);
    return mrq_fail(err, problem->status, "%s", problem->msg);
}

mrq_status mrq_default_cache(const char *option, mrq_cache **cache, mrq_error *err)
{
    const char *address = NULL;
    mrq_error inner = {0};
    MRQ_TRY(mrq_default_redis(option, &address, err));
    const mrq_status status = address ? mrq_cache_new(address, MRQ_CACHE_TTL_DEFAULT, cache, &inner) : MRQ_OK;
    return status == MRQ_OK ? MRQ_OK : mrq_fail(err, status, "%s: %s", mrq_redis_source(option), inner.msg);
}

static void print_help(void)
{
    printf("usage: marquee COMMAND [option...]\n\n"
           "An item recommender: learns from ratings and recommends the items a person is likely to enjoy.\n\n"
           "commands:\n");
    for (size_t i = 0; i < N_COMMANDS; i++)
        printf("  %-8s  %s\n", commands[i].name, commands[i].about);
    printf("\n'marquee COMMAND --help' describes a command's options. `infer` is short for `marquee infer`.\n"
           "Exit codes: 0 ok, 1 failure, 2 wrong usage, 3 not found, 4 bad or incompatible file, 5 backend unavailable.\n\n"
           "from ratings to recommendations:\n"
           "  marquee train --data data/sample --out model.mrq\n"
           "  marquee export --model model.mrq --store store\n"
           "  infer --store store -a 25 -g F -j programmer\n");
}

static mrq_status finish_output(mrq_error *err)
{
    return fflush(stdout) != 0 || ferror(stdout) ? mrq_fail_errno(err, "cannot write to standard output") : MRQ_OK;
}

/* After --help or --version. */
static int end_print(void)
{
    mrq_error err = {MRQ_OK, ""};
    const mrq_status status = finish_output(&err);
    if (status != MRQ_OK)
        fprintf(stderr, "marquee: %s\n", err.msg);
    return (int)status;
}

static int run(const struct command *command, int argc, char **argv)
{
    mrq_error err = {MRQ_OK, ""};
    mrq_status status = command->run(argc, argv, &err);
    if (status == MRQ_OK)
        status = finish_output(&err);
    if (status == MRQ_OK)
        return 0;
    fprintf(stderr, "marquee %s: %s\n", command->name, err.msg);
    if (status == MRQ_USAGE)
        fprintf(stderr, "try 'marquee %s --help'\n", command->name);
    return (int)status;
}

static const struct command *find(const char *name)
{
    for (size_t i = 0; i < N_COMMANDS; i++)
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    return NULL;
}

static void end_unreadable(int number)
{
    static const char text[] = "marquee: a file was truncated while it was read, or its disk failed: see the kernel's log\n";
    (void)number;
    (void)!write(STDERR_FILENO, text, sizeof text - 1);
    _exit(MRQ_BAD_FILE);
}

/* If a standard stream was closed before the start, the next opened file would get its descriptor and receive what is printed or
 * logged. So /dev/null takes the descriptor: write-only for input and read-only for output, so that using it fails as before. */
static void fill_streams(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0)
            (void)!open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);
}

int main(int argc, char **argv)
{
    fill_streams();
    mrq_log_open(stderr, MRQ_LOG_INFO);
    signal(SIGBUS, end_unreadable);
    signal(SIGXFSZ, SIG_IGN); /* a file-size limit is an error of write(), like a full disk */
    const char *redis = getenv("MARQUEE_REDIS"), *slash = argc > 0 ? strrchr(argv[0], '/') : NULL;
    if (redis && has_login(redis))
        mrq_keep_secret();
    const char *self = slash ? slash + 1 : argc > 0 ? argv[0] : "marquee";
    if (argc > 1 && strcmp(argv[1], "--version") == 0) {
        printf("%s %s\n", self, MRQ_VERSION);
        return end_print();
    }
    const int skip = strcmp(self, "infer") == 0 ? 0 : 1; /* arguments before the command's own argv */
    if (skip && argc > 1 && strcmp(argv[1], "--help") == 0) {
        print_help();
        return end_print();
    }
    const struct command *command = !skip ? find("infer") : argc > 1 ? find(argv[1]) : NULL;
    if (command)
        return run(command, argc - skip, argv + skip);
    mrq_error err;
    mrq_fail(&err, MRQ_USAGE, argc > 1 ? "unknown command \"%.40s\"" : "no command", argv[argc > 1]);
    fprintf(stderr, "marquee: %s\ntry 'marquee --help'\n", err.msg);
    return MRQ_USAGE;
}
