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

enum { K = 4, BATCH = 3, TEXT = 1 << 20 };

static fault_control *control;
static const char *store, *generation[2];
static mrq_recommender *recommender;
static char wanted[TEXT], given[TEXT]; /* what a call answers: without a fault, and with one */
static int injected, refused, failures;

/* Adds to the answer; 4 KiB of a document tell enough. */
static mrq_status tell(mrq_result *result)
{
    size_t size;
    const char *json = mrq_result_json(result, &size);
    mrq_status status = MRQ_FAILED;
    if (json) {
        const size_t used = strlen(given);
        snprintf(given + used, TEXT - used, "%.*s|%s|%s|%u|", (int)(size < 4096 ? size : 4096), json, mrq_result_cache(result),
                 mrq_result_generation(result), mrq_result_size(result));
        for (uint32_t i = 0; i < mrq_result_size(result); i++) {
            const mrq_movie movie = mrq_result_movie(result, i);
            double base, rest;
            const size_t at = strlen(given);
            snprintf(given + at, TEXT - at, "%s %s %.4f,", movie.title, movie.n_genres ? mrq_result_genre(result, i, 0) : "",
                     mrq_result_reasons(result, i, &base, &rest) ? mrq_result_reason(result, i, 0).score : 0);
        }
        status = MRQ_OK;
    }
    mrq_result_free(result);
    return status;
}

static mrq_query question(void)
{
    static const int64_t liked[] = {1, 3}, disliked[] = {7};
    mrq_query query = MRQ_QUERY;
    query.age = "25", query.gender = "F", query.job = "12", query.k = K;
    query.liked = liked, query.n_liked = 2;
    query.disliked = disliked, query.n_disliked = 1;
    query.explain = 3;
    return query;
}

#define ANSWER(call)                                                                                                               \
    mrq_result *result = NULL;                                                                                                     \
    const mrq_status status = (call);                                                                                              \
    if (status == MRQ_OK && tell(result) != MRQ_OK) {                                                                              \
        snprintf(err->msg, sizeof err->msg, "no document");                                                                        \
        return MRQ_FAILED;                                                                                                         \
    }                                                                                                                              \
    return status

static mrq_status recommend(mrq_error *err)
{
    const mrq_query query = question();
    ANSWER(mrq_recommender_recommend(recommender, &query, &result, err));
}

static mrq_status similar(mrq_error *err)
{
    ANSWER(mrq_recommender_similar(recommender, "1", K, NULL, &result, err));
}

static mrq_status movie(mrq_error *err)
{
    ANSWER(mrq_recommender_movie(recommender, 1, &result, err));
}

static mrq_status search(mrq_error *err)
{
    ANSWER(mrq_recommender_search(recommender, "the", K, &result, err));
}

static mrq_status user(mrq_error *err)
{
    ANSWER(mrq_recommender_user(recommender, 4, K, &result, err));
}

static mrq_status info(mrq_error *err)
{
    ANSWER(mrq_recommender_info(recommender, &result, err));
}

/* Each query of a batch fails on its own. */
static mrq_status batch(mrq_error *err, uint32_t threads)
{
    mrq_query query[BATCH] = {question(), MRQ_QUERY, question()};
    mrq_result *result[BATCH] = {NULL};
    mrq_error error[BATCH] = {{MRQ_OK, ""}};
    query[1].user = 4;
    query[2].k = 2;
    mrq_status status = mrq_recommender_batch(recommender, query, BATCH, threads, result, error, err);
    for (int i = 0; i < BATCH; i++)
        if (!result[i] || tell(result[i]) != MRQ_OK) {
            *err = error[i].status ? error[i] : (mrq_error){MRQ_FAILED, "no document"};
            status = MRQ_FAILED;
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

static mrq_status years(mrq_error *err)
{
    mrq_filters filters = {0};
    const mrq_status status = mrq_years_parse("1990-1999", &filters, err);
    snprintf(given, TEXT, "%d %d %s", filters.year_from, filters.year_to, mrq_version());
    return status;
}

static mrq_status stats(mrq_error *err)
{
    (void)err;
    mrq_stats now;
    mrq_recommender_stats(recommender, &now);
    mrq_recommender_flush(recommender);
    snprintf(given, TEXT, "%s %u %u", now.generation, now.movies, now.users);
    return MRQ_OK;
}

/* A whole life, with answers kept in memory. */
static mrq_status life(mrq_error *err)
{
    mrq_recommender *kept = recommender;
    mrq_status status = mrq_recommender_open(&(mrq_options){.store = store, .memory = MRQ_MEMORY_DEFAULT}, &recommender, err);
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
    mrq_stats now;
    mrq_recommender_stats(recommender, &now);
    if (strcmp(now.generation, generation[status == MRQ_OK]) != 0 || changed != (status == MRQ_OK))
        snprintf(given, TEXT, "%s serves after a reload that came to %d", now.generation, (int)status);
    return status;
}

static const struct function {
    const char *name;
    mrq_status (*run)(mrq_error *err);
} functions[] = {{"recommend", recommend},
                 {"similar", similar},
                 {"movie", movie},
                 {"search", search},
                 {"user", user},
                 {"info", info},
                 {"batch", batch_alone},
                 {"batch threads", batch_threads},
                 {"error_json", tell_error},
                 {"years_parse", years},
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
    if (mrq_recommender_open(&(mrq_options){.store = store}, &recommender, &err) != MRQ_OK) {
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
