/* Every function of libmarquee with the n-th call failing, for every n until it succeeds untouched: the same answer, or MRQ_FAILED
 * with a sentence; not a block of memory lost, whatever happens; and a reload that fails leaves what serves.
 *
 * Usage: library STORE NAME NAME: of a store two generations of which the first is current; with fault.c preloaded. */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fault.h"
#include "marquee/marquee.h"

enum { BATCH = 3, TEXT = 1 << 20 };

static fault_control *control;
static const char *store, *generation[2];
static mrq_recommender *recommender;
static char wanted[TEXT], given[TEXT]; /* what a call answers: without a fault, and with one */
static int injected, refused, failures;

/* Adds to the answer; 4 KiB of a document tell enough. */
static mrq_status tell(mrq_answer *result)
{
    size_t size;
    const char *json = mrq_answer_json(result, &size);
    mrq_status status = MRQ_FAILED;
    if (json) {
        const size_t used = strlen(given);
        snprintf(given + used, TEXT - used, "%.*s|%s|%s|%u|", (int)(size < 4096 ? size : 4096), json,
                 mrq_answer_cache_state(result), mrq_answer_info_text(result, "generation"), mrq_answer_size(result));
        for (uint32_t i = 0; i < mrq_answer_size(result); i++) {
            const size_t at = strlen(given);
            snprintf(given + at, TEXT - at, "%s %s %s %g %s %.4f,", mrq_answer_id(result, i), mrq_answer_text(result, i, "title"),
                     mrq_answer_member(result, i, "genres", 0), mrq_answer_number(result, i, "year"),
                     mrq_answer_part_value(result, i, 0), mrq_answer_part_score(result, i, 0));
        }
        status = MRQ_OK;
    }
    mrq_answer_free(result);
    return status;
}

/* A query of names and values; NULL, and why, when it cannot be made. */
static mrq_query *make_query(const char *const *field, mrq_error *err)
{
    mrq_query *query = mrq_query_new();
    if (!query) {
        snprintf(err->msg, sizeof err->msg, "no memory for a query");
        return NULL;
    }
    for (; *field; field += 2)
        if (mrq_query_set(query, field[0], field[1], err) != MRQ_OK) {
            mrq_query_free(query);
            return NULL;
        }
    return query;
}

static mrq_status ask(mrq_ask what, const char *const *field, mrq_error *err)
{
    mrq_query *query = make_query(field, err);
    mrq_answer *result = NULL;
    if (!query)
        return MRQ_FAILED;
    const mrq_status status = mrq_recommender_ask(recommender, what, query, &result, err);
    mrq_query_free(query);
    if (status == MRQ_OK && tell(result) != MRQ_OK) {
        snprintf(err->msg, sizeof err->msg, "no document");
        return MRQ_FAILED;
    }
    return status;
}

#define PROGRAMMER                                                                                                                 \
    "age", "25", "gender", "F", "job", "12", "liked", "1", "liked", "3", "disliked", "7", "explain", "3", "k", "4", NULL

static mrq_status recommend(mrq_error *err)
{
    return ask(MRQ_ASK_RECOMMEND, (const char *[]){PROGRAMMER}, err);
}

static mrq_status similar(mrq_error *err)
{
    return ask(MRQ_ASK_SIMILAR, (const char *[]){"item", "1", "k", "4", NULL}, err);
}

static mrq_status item(mrq_error *err)
{
    return ask(MRQ_ASK_ITEM, (const char *[]){"item", "1", NULL}, err);
}

static mrq_status search(mrq_error *err)
{
    return ask(MRQ_ASK_SEARCH, (const char *[]){"query", "the", "k", "4", NULL}, err);
}

static mrq_status user(mrq_error *err)
{
    return ask(MRQ_ASK_USER, (const char *[]){"user", "4", "k", "4", NULL}, err);
}

static mrq_status info(mrq_error *err)
{
    return ask(MRQ_ASK_INFO, (const char *[]){NULL}, err);
}

/* Each query of a batch fails on its own. */
static mrq_status batch(mrq_error *err, uint32_t threads)
{
    static const char *const fields[BATCH][20] = {{PROGRAMMER}, {"user", "4", NULL}, {PROGRAMMER}};
    mrq_query *query[BATCH] = {NULL};
    mrq_answer *result[BATCH] = {NULL};
    mrq_error error[BATCH] = {{MRQ_OK, ""}};
    mrq_status status = MRQ_OK;
    for (int i = 0; i < BATCH && status == MRQ_OK; i++)
        if (!(query[i] = make_query(fields[i], err)))
            status = MRQ_FAILED;
    if (status == MRQ_OK)
        status = mrq_recommender_batch(recommender, (const mrq_query *const *)query, BATCH, threads, result, error, err);
    for (int i = 0; i < BATCH; i++) {
        mrq_query_free(query[i]);
        if (status == MRQ_OK && (!result[i] || tell(result[i]) != MRQ_OK)) {
            *err = error[i].status ? error[i] : (mrq_error){MRQ_FAILED, "no document"};
            status = MRQ_FAILED;
        } else if (status != MRQ_OK) {
            mrq_answer_free(result[i]);
        }
    }
    return status;
}

static mrq_status batch_alone(mrq_error *err)
{
    return batch(err, 1);
}

static mrq_status batch_threads(mrq_error *err)
{
    return batch(err, 3);
}

static mrq_status tell_error(mrq_error *err)
{
    char *json = mrq_error_json(&(mrq_error){MRQ_USAGE, "a \"quoted\" sentence"});
    snprintf(given, TEXT, "%s", json ? json : "");
    snprintf(err->msg, sizeof err->msg, "no document");
    free(json);
    return json ? MRQ_OK : MRQ_FAILED;
}

static mrq_status set(mrq_error *err)
{
    mrq_query *query = mrq_query_new();
    mrq_status status = MRQ_FAILED;
    snprintf(err->msg, sizeof err->msg, "no query");
    if (query)
        status = mrq_query_set(query, "country", "DE", err);
    mrq_query_free(query);
    snprintf(given, TEXT, "%s", mrq_version());
    return status;
}

static mrq_status stats(mrq_error *err)
{
    mrq_stats *now = mrq_recommender_stats(recommender);
    mrq_recommender_flush(recommender);
    snprintf(err->msg, sizeof err->msg, "no counts");
    snprintf(given, TEXT, "%s %g %g", mrq_stats_text(now, "generation"), mrq_stats_number(now, "items"),
             mrq_stats_number(now, "users"));
    mrq_stats_free(now);
    return now ? MRQ_OK : MRQ_FAILED;
}

/* Options that open the store; NULL, and why, when they cannot be made. */
static mrq_options *make_options(const char *memory, mrq_error *err)
{
    mrq_options *options = mrq_options_new();
    snprintf(err->msg, sizeof err->msg, "no memory for options");
    if (options && (mrq_options_set(options, "store", "another", err) != MRQ_OK ||
                    mrq_options_set(options, "store", store, err) != MRQ_OK || /* the first is freed */
                    mrq_options_set(options, "memory", memory, err) != MRQ_OK)) {
        mrq_options_free(options);
        options = NULL;
    }
    return options;
}

static mrq_status open_store(const char *memory, mrq_recommender **out, mrq_error *err)
{
    mrq_options *options = make_options(memory, err);
    const mrq_status status = options ? mrq_recommender_open(options, out, err) : MRQ_FAILED;
    mrq_options_free(options);
    return status;
}

/* A whole life, with answers kept in memory. */
static mrq_status life(mrq_error *err)
{
    mrq_recommender *kept = recommender;
    mrq_status status = open_store("16777216", &recommender, err);
    if (status == MRQ_OK)
        status = recommend(err);
    const size_t first = strlen(given);
    if (status == MRQ_OK)
        status = recommend(err);
    given[first] = '\0'; /* the second comes from memory, unless that was what failed */
    if (recommender != kept)
        mrq_recommender_close(recommender);
    recommender = kept;
    return status;
}

/* Makes a generation current, as the store does. */
static void point(int which)
{
    char link[4096], current[4096], target[100];
    snprintf(target, sizeof target, "generations/%s", generation[which]);
    snprintf(link, sizeof link, "%s/link", store);
    snprintf(current, sizeof current, "%s/current", store);
    if (symlink(target, link) != 0 || rename(link, current) != 0)
        abort();
}

/* To the other generation; when that fails, what serves is what served. (And back, before the next: see prepare().) */
static mrq_status reload(mrq_error *err)
{
    bool changed = false;
    const mrq_status status = mrq_recommender_reload(recommender, &changed, err);
    mrq_stats *now = mrq_recommender_stats(recommender);
    if (!now) /* the fault may have been this one's */
        now = mrq_recommender_stats(recommender);
    const char *serving = mrq_stats_text(now, "generation");
    if (strcmp(serving, generation[status == MRQ_OK]) != 0 || changed != (status == MRQ_OK))
        snprintf(given, TEXT, "%s serves after a reload that came to %d", serving, (int)status);
    mrq_stats_free(now);
    return status;
}

static const struct function {
    const char *name;
    mrq_status (*run)(mrq_error *err);
} functions[] = {{"recommend", recommend},
                 {"similar", similar},
                 {"item", item},
                 {"search", search},
                 {"user", user},
                 {"info", info},
                 {"batch", batch_alone},
                 {"batch threads", batch_threads},
                 {"error_json", tell_error},
                 {"query_set", set},
                 {"stats, flush", stats},
                 {"open, close", life},
                 {"reload", reload}};

/* Before each call: no answer yet, and the first generation serves while, for a reload, the second is current. */
static void prepare(const struct function *f)
{
    *given = '\0';
    if (f->run != reload)
        return;
    mrq_error err;
    point(0);
    if (mrq_recommender_reload(recommender, NULL, &err) != MRQ_OK)
        abort();
    point(1);
}

static void complain(const struct function *f, const char *call, int64_t n, const char *what, const char *detail)
{
    printf("FAIL %s: %s %lld: %s: %.300s\n", f->name, call, (long long)n, what, detail);
    failures++;
}

/* clang-format off */
static struct {
    int call;
    const char *name;
    int injected;
} calls[] = {{FAULT_memory, "memory", 0}, {FAULT_pthread_create, "pthread_create", 0}, {FAULT_openat, "openat", 0},
             {FAULT_newfstatat, "newfstatat", 0}, {FAULT_mmap, "mmap", 0}, {FAULT_readlink, "readlink", 0},
             {FAULT_getdents64, "getdents64", 0}, {FAULT_close, "close", 0}};
/* clang-format on */

/* The n-th call of a kind fails; false when there are fewer. */
static bool inject(const struct function *f, size_t kind, int64_t n)
{
    const int call = calls[kind].call;
    const char *name = calls[kind].name;
    mrq_error err = {MRQ_OK, ""};
    prepare(f);
    const long long live = atomic_load(&control->live);
    (void)live;
    control->error = call == FAULT_memory || call == FAULT_mmap ? ENOMEM : call == FAULT_openat ? EMFILE : EIO;
    control->at = n;
    atomic_store(&control->hit, 0);
    atomic_store(&control->count[call], 0);
    control->call = call;
    const mrq_status status = f->run(&err);
    control->call = -1;
    if (!atomic_load(&control->hit)) /* none is left, or it is one that passes: see spared_above() */
        return atomic_load(&control->count[call]) >= n;
    injected++;
    calls[kind].injected++;
    refused += status != MRQ_OK;
    if (status == MRQ_OK ? strcmp(given, wanted) != 0 : *given && f->run == reload)
        complain(f, name, n, "another answer", given);
    if (status != MRQ_OK && (status != MRQ_FAILED || !*err.msg))
        complain(f, name, n, "a failure of another kind or without a sentence", err.msg);
    if (f->run == reload)
        prepare(f);          /* what a success has opened is closed again */
#ifndef __SANITIZE_ADDRESS__ /* whose strdup() is not counted; it looks for leaks itself, at the end */
    if (atomic_load(&control->live) != live)
        complain(f, name, n, "memory is lost", err.msg);
#endif
    return true;
}

static void try_function(const struct function *f)
{
    const int before = injected;
    mrq_error err = {MRQ_OK, ""};
    for (int i = 0; i < 3; i++) { /* more than once, so that what is made at first use is there */
        prepare(f);
        if (f->run(&err) != MRQ_OK)
            complain(f, "none", 0, "it does not work", err.msg);
    }
    memcpy(wanted, given, TEXT);
    for (size_t c = 0; c < sizeof calls / sizeof *calls; c++) {
        const bool threads = f->run == batch_threads;
        if (threads != (calls[c].call == FAULT_pthread_create)) /* at work together, they make the n-th call another each time */
            continue;
        for (int64_t n = 1; inject(f, c, n); n++)
            ;
    }
    printf("%s: %d faults\n", f->name, injected - before);
}

int main(int argc, char **argv)
{
    const char *path = getenv("FAULT");
    const int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
    if (argc != 4 || fd < 0 || (control = mmap(NULL, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0)) == MAP_FAILED)
        return 2;
    close(fd);
    store = argv[1], generation[0] = argv[2], generation[1] = argv[3];
    mrq_error err;
    if (open_store("0", &recommender, &err) != MRQ_OK) {
        fprintf(stderr, "%s\n", err.msg);
        return 1;
    }
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++)
        try_function(&functions[i]);
    mrq_recommender_close(recommender);
    printf("all %zu functions: %d faults injected: %d refused, %d overcome, %d failures; ", sizeof functions / sizeof *functions,
           injected, refused, injected - refused, failures);
    for (size_t c = 0; c < sizeof calls / sizeof *calls; c++)
        printf("%s%s %d", c > 0 ? ", " : "", calls[c].name, calls[c].injected);
    puts("");
    return failures != 0;
}
