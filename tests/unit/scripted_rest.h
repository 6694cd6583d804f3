/* A server behind index/rest.h that is a script: each request has to be the next one of it, to the letter, and gets the reply that
 * stands beside it. Time passes when the script or a pause says so. Programs that include this are linked with --wrap for
 * mrq_rest_new, mrq_rest_free, mrq_rest_call, mrq_clock and nanosleep (tests/meson.build). */
#ifndef MRQ_TESTS_SCRIPTED_REST_H
#define MRQ_TESTS_SCRIPTED_REST_H

#include <time.h>

#include "index/backend.h"
#include "index/rest.h"
#include "unit/testing.h"

typedef struct exchange {
    const char *path, *body; /* wanted; NULL: a GET */
    double seconds;          /* wanted: the deadline */
    long code;               /* HTTP's */
    const char *reply;       /* NULL: none comes, whatever `code` says */
} exchange;

static const exchange *rest_script;
static size_t rest_size, rest_at;
static const double *rest_takes; /* (rest_size) seconds of each; NULL: no time */
static double rest_now, rest_pauses[100];
static size_t rest_n_pauses;
static char rest_made[5][800]; /* what mrq_rest_new() got: base, label, token, ca; and how often it was made and freed */
static int rest_open;
static void (*rest_meanwhile)(void); /* called while a request is on its way; may be NULL */
static struct mrq_rest {
    int none;
} rest_server;

#define REST_SCRIPT(...) rest_begin((const exchange[]){__VA_ARGS__}, sizeof(const exchange[]){__VA_ARGS__} / sizeof(exchange))

static inline void rest_begin(const exchange *script, size_t n)
{
    rest_script = script;
    rest_size = n;
    rest_at = 0;
    rest_n_pauses = 0;
    rest_takes = NULL;
}

/* The whole script has been asked for. */
static inline void assert_script_done(void)
{
    if (rest_at != rest_size)
        fail_msg("%zu of %zu requests came, next is %s %s", rest_at, rest_size, rest_script[rest_at].path,
                 rest_script[rest_at].body ? rest_script[rest_at].body : "");
}

mrq_status __wrap_mrq_rest_new(const char *base, const char *label, const char *token, const char *ca, mrq_rest **out,
                               mrq_error *err);
mrq_status __wrap_mrq_rest_new(const char *base, const char *label, const char *token, const char *ca, mrq_rest **out,
                               mrq_error *err)
{
    (void)err;
    snprintf(rest_made[0], sizeof *rest_made, "%s", base);
    snprintf(rest_made[1], sizeof *rest_made, "%s", label);
    snprintf(rest_made[2], sizeof *rest_made, "%s", token ? token : "(none)");
    snprintf(rest_made[3], sizeof *rest_made, "%s", ca ? ca : "(none)");
    rest_open++;
    *out = &rest_server;
    return MRQ_OK;
}

void __wrap_mrq_rest_free(mrq_rest *rest);
void __wrap_mrq_rest_free(mrq_rest *rest)
{
    rest_open -= rest != NULL;
}

mrq_status __wrap_mrq_rest_call(mrq_rest *rest, const char *path, const char *body, double seconds, mrq_rest_reply *out,
                                mrq_error *err);
mrq_status __wrap_mrq_rest_call(mrq_rest *rest, const char *path, const char *body, double seconds, mrq_rest_reply *out,
                                mrq_error *err)
{
    assert_ptr_equal(rest, &rest_server);
    if (rest_at == rest_size)
        fail_msg("one request more than the script has: %s %s", path, body ? body : "");
    const exchange *e = &rest_script[rest_at++];
    assert_string_equal(path, e->path);
    if (!body != !e->body)
        fail_msg("%s: %s, want %s", path, body ? body : "a GET", e->body ? e->body : "a GET");
    if (body)
        assert_string_equal(body, e->body);
    assert_true(seconds == e->seconds); /* NOLINT: a constant */
    rest_now += rest_takes ? rest_takes[rest_at - 1] : 0;
    if (rest_meanwhile)
        rest_meanwhile();
    if (!e->reply)
        return mrq_fail(err, MRQ_UNAVAILABLE, "no reply");
    const size_t size = strlen(e->reply);
    char *copy = mrq_array(size + 1, 1);
    if (!copy)
        return mrq_fail_memory(err, "replying");
    memcpy(copy, e->reply, size);
    *out = (mrq_rest_reply){.code = e->code, .body = copy, .size = size, .capacity = size + 1};
    return MRQ_OK;
}

double __wrap_mrq_clock(void);
double __wrap_mrq_clock(void)
{
    return rest_now;
}

int __wrap_nanosleep(const struct timespec *time, struct timespec *left);
int __wrap_nanosleep(const struct timespec *time, struct timespec *left)
{
    (void)left;
    assert_true(rest_n_pauses < sizeof rest_pauses / sizeof *rest_pauses);
    const double seconds = (double)time->tv_sec + 1e-9 * (double)time->tv_nsec;
    rest_pauses[rest_n_pauses++] = seconds;
    rest_now += seconds;
    return 0;
}

#endif
