/* What a query costs outside of the search: the user's vector, opening a store and the memory that takes, and `infer` as a whole
 * process. Processes run in turn, each started and waited for by this one; /bin/true is what that costs by itself. */
#include <fcntl.h>
#include <math.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "base/option.h"
#include "base/random.h"
#include "bench.h"
#include "measure.h"
#include "store/store.h"

enum { USERS = 1000, ARGUMENTS_MAX = 12, COMMANDS = 4, K = 5 };

struct arguments {
    const char *store, *bin;
    int64_t runs;
    bool json;
};

/* Printed as a table or as one JSON document. */
struct report {
    bool json;
    cJSON *line;
};

static void say(struct report *r, const char *name, double value, double scale, const char *unit, const char *what)
{
    if (r->json)
        cJSON_AddNumberToObject(r->line, name, value);
    else
        printf("%-24s %10.2f %-3s %s\n", name, value * scale, unit, what);
    fflush(stdout);
}

/* Seconds from the values of age, gender, job and id to the user's vector: the middle of the means of USERS in a row. */
static mrq_status time_vectors(const mrq_generation *g, int64_t runs, double *seconds, mrq_error *err)
{
    const uint32_t branches = g->tower->n_branches;
    MRQ_AUTOFREE uint32_t *value = mrq_array((size_t)USERS * branches, sizeof *value);
    MRQ_AUTOFREE float *vector = mrq_array(g->tower->dim, sizeof *vector);
    MRQ_AUTOFREE double *mean = mrq_array((size_t)runs, sizeof *mean);
    if (!value || !vector || !mean)
        return mrq_fail_memory(err, "making user vectors");
    mrq_random random;
    mrq_line line;
    mrq_random_init(&random, 1, 0);
    for (size_t u = 0; u < USERS; u++)
        mrq_folded_values(g->tower, g->users, (uint32_t)mrq_random_below(&random, g->users->rows), value + u * branches);
    volatile float kept = 0;
    for (int64_t r = 0; r < runs; r++) {
        const double start = mrq_clock();
        for (size_t u = 0; u < USERS; u++) {
            mrq_folded_vector(g->tower, value + u * branches, vector, &line);
            kept = kept + vector[0];
        }
        mean[r] = (mrq_clock() - start) / USERS;
    }
    *seconds = mrq_bench_median(mean, (size_t)runs);
    return MRQ_OK;
}

/* Seconds of one search for the best five, the middle of USERS users. */
static mrq_status time_search(const mrq_generation *g, double *seconds, mrq_error *err)
{
    MRQ_AUTOFREE uint32_t *value = mrq_array(g->tower->n_branches, sizeof *value);
    MRQ_AUTOFREE float *vector = mrq_array(g->tower->dim, sizeof *vector);
    if (!value || !vector)
        return mrq_fail_memory(err, "searching");
    double each[USERS];
    for (uint32_t u = 0; u < USERS; u++) {
        mrq_line line;
        mrq_hit hit[K];
        uint32_t found;
        mrq_folded_values(g->tower, g->users, u % g->users->rows, value);
        mrq_folded_vector(g->tower, value, vector, &line);
        const double start = mrq_clock();
        MRQ_TRY(mrq_index_search(g->index, vector, K, NULL, hit, &found, err));
        each[u] = mrq_clock() - start;
    }
    *seconds = mrq_bench_median(each, USERS);
    return MRQ_OK;
}

static mrq_status inside(const struct arguments *a, struct report *report, int64_t *user, mrq_error *err)
{
    double before, after, files_before, files, seconds = 0;
    MRQ_AUTOFREE double *open_seconds = mrq_array((size_t)a->runs, sizeof *open_seconds);
    if (!open_seconds)
        return mrq_fail_memory(err, "opening a store");
    MRQ_CLEANUP(mrq_generation_close) mrq_generation *g = NULL;
    mrq_bench_memory(&before, &files_before);
    MRQ_TRY(mrq_generation_open_plain(a->store, &g, err));
    MRQ_TRY(time_search(g, &seconds, err)); /* and so everything that a query touches is in memory */
    mrq_bench_memory(&after, &files);
    char path[4096];
    struct stat st;
    snprintf(path, sizeof path, "%s/current/items.faiss", a->store);
    if (stat(path, &st) != 0)
        return mrq_fail_errno(err, "cannot look at %s", path);
    say(report, "index_bytes", (double)st.st_size, 1e-6, "MB", "the index, as a file");
    say(report, "own_bytes", after - before, 1e-6, "MB", "memory of an open store, beyond the mapped files");
    say(report, "own_of_index", (after - before) / (double)st.st_size, 1, "x", "as much as the index");
    say(report, "mapped_bytes", files - files_before, 1e-6, "MB", "mapped files, and programs' code, in memory");
    const double read = mrq_bench_read(mrq_index_vectors(g->index), (size_t)g->items->rows * g->tower->dim);
    say(report, "search_seconds", seconds, 1e6, "us", "a search for the best five");
    say(report, "read_seconds", read, 1e6, "us", "one thread reads all vectors once");
    say(report, "search_of_read", seconds / read, 1, "x", "the search, as long as that; below 1 where it is no scan");
    MRQ_TRY(time_vectors(g, a->runs, &seconds, err));
    say(report, "user_vector_seconds", seconds, 1e9, "ns", "from age, gender, job and id to the user's vector");
    *user = g->users->rows ? strtoll(mrq_table_id(g->users, 0), NULL, 10) : 0;
    for (int64_t r = 0; r < a->runs; r++) {
        mrq_generation_close(g);
        g = NULL;
        const double start = mrq_clock();
        MRQ_TRY(mrq_generation_open_plain(a->store, &g, err));
        open_seconds[r] = mrq_clock() - start;
    }
    say(report, "open_seconds", mrq_bench_median(open_seconds, (size_t)a->runs), 1e3, "ms", "opening and verifying the store");
    return MRQ_OK;
}

struct process {
    const char *name, *what;
    const char *argument[ARGUMENTS_MAX]; /* NULL ends them; [0] is the program */
};

/* Runs it once, its output thrown away; seconds from start to end. */
static mrq_status run_once(const struct process *p, double *seconds, mrq_error *err)
{
    posix_spawn_file_actions_t actions;
    char *argument[ARGUMENTS_MAX];
    static char redis[] = "MARQUEE_REDIS=", *environment[] = {redis, NULL}; /* no Redis, whatever is set outside */
    memcpy(argument, p->argument, sizeof argument);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    pid_t pid;
    int state = 0;
    const double start = mrq_clock();
    const int code = posix_spawn(&pid, argument[0], &actions, NULL, argument, environment);
    if (code == 0)
        waitpid(pid, &state, 0);
    *seconds = mrq_clock() - start;
    posix_spawn_file_actions_destroy(&actions);
    if (code != 0)
        return mrq_fail(err, MRQ_NOT_FOUND, "cannot run %s: %s", argument[0], strerror(code));
    return state == 0 ? MRQ_OK : mrq_fail(err, MRQ_FAILED, "%s fails, state %d", argument[0], state);
}

static mrq_status outside(const struct arguments *a, struct report *report, int64_t user, mrq_error *err)
{
    char marquee[4096], infer[4096], id[24];
    snprintf(marquee, sizeof marquee, "%s/marquee", a->bin);
    snprintf(infer, sizeof infer, "%s/infer", a->bin);
    snprintf(id, sizeof id, "%lld", (long long)user);
    const struct process process[COMMANDS] = {
        {"true", "/bin/true", {"/bin/true"}},
        {"version", "marquee --version", {marquee, "--version"}},
        {"infer_stranger", "infer for age, gender and job", {infer, "--store", a->store, "-a", "25", "-g", "F", "-j", "4"}},
        {"infer_user", "infer for a known user", {infer, "--store", a->store, "-i", id}},
    };
    MRQ_AUTOFREE double *seconds = mrq_array((size_t)a->runs * COMMANDS, sizeof *seconds);
    if (!seconds)
        return mrq_fail_memory(err, "running processes");
    double warm;
    for (int i = 0; i < COMMANDS; i++)
        MRQ_TRY(run_once(&process[i], &warm, err));
    for (int64_t r = 0; r < a->runs; r++)
        for (int i = 0; i < COMMANDS; i++)
            MRQ_TRY(run_once(&process[i], &seconds[i * a->runs + r], err));
    for (int i = 0; i < COMMANDS; i++) {
        char name[64];
        double *sorted = seconds + i * a->runs;
        snprintf(name, sizeof name, "%s_p50_seconds", process[i].name);
        say(report, name, mrq_bench_median(sorted, (size_t)a->runs), 1e3, "ms", process[i].what);
        snprintf(name, sizeof name, "%s_p95_seconds", process[i].name);
        say(report, name, sorted[a->runs * 95 / 100], 1e3, "ms", "");
    }
    return MRQ_OK;
}

static mrq_status run(int argc, char **argv, mrq_error *err)
{
    char bin[4096];
    snprintf(bin, sizeof bin, "%s", argv[0]);
    char *slash = strrchr(bin, '/');
    snprintf(slash ? slash : bin, sizeof bin - (size_t)((slash ? slash : bin) - bin), "%s", slash ? "/../tools" : "../tools");
    struct arguments a = {.bin = bin, .runs = 200};
    const mrq_option options[] = {
        {"store", 's', MRQ_OPT_TEXT, &a.store, 0, 0, "DIR", "an exported model of data that have age, gender and job"},
        {"bin", 'b', MRQ_OPT_TEXT, &a.bin, 0, 0, "DIR", "where marquee and infer are"},
        {"runs", 'n', MRQ_OPT_INT, &a.runs, 1, 100000, "N", "of each command"},
        {"json", 'j', MRQ_OPT_FLAG, &a.json, 0, 0, NULL, "one JSON document"},
        {0},
    };
    const mrq_command command = {"bench_query",
                                 "--store DIR [option...]",
                                 "Measures what a query costs besides the search.",
                                 options,
                                 0,
                                 0,
                                 "  bench_query --store store\n"};
    int first;
    bool done = false;
    MRQ_TRY(mrq_options_read(&command, argc, argv, &first, &done, err));
    if (done)
        return MRQ_OK;
    if (!a.store)
        return mrq_fail(err, MRQ_USAGE, "missing --store DIR");
    struct report report = {a.json, cJSON_CreateObject()};
    int64_t user = 0;
    MRQ_TRY(inside(&a, &report, &user, err));
    MRQ_TRY(outside(&a, &report, user, err));
    if (a.json)
        mrq_bench_print(report.line);
    else
        cJSON_Delete(report.line);
    return MRQ_OK;
}

int main(int argc, char **argv)
{
    return mrq_bench_main("bench_query", MRQ_LOG_ERROR, run, argc, argv);
}
