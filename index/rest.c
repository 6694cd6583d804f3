/* A pool of libcurl's easy handles, each with its own connection, taken for a request and put back. libcurl brings two dozen
 * libraries for TLS and the like, so it is loaded when it is wanted.
 *
 * Nothing that a server sends makes a request elsewhere: no redirect is followed, no proxy of the environment asked, no other
 * protocol spoken. A reply is read up to a limit, and a deadline covers the whole request: a server that trickles does not hold a
 * thread for longer than one that is silent. */
#include "index/rest.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/idle.h"
#include "base/library.h"
#include "index/curl.h"

#define POOLED          64 /* idle connections that are kept */
#define CONNECT_SECONDS 2.0

#define FUNCTIONS(X)                                                                                                               \
    X(global_init)                                                                                                                 \
    X(easy_init)                                                                                                                   \
    X(easy_cleanup)                                                                                                                \
    X(easy_setopt)                                                                                                                 \
    X(easy_perform)                                                                                                                \
    X(easy_getinfo)                                                                                                                \
    X(easy_strerror)                                                                                                               \
    X(slist_append)                                                                                                                \
    X(slist_free_all)

#define MEMBER(name) __typeof__(curl_##name) *name;
static struct {
    FUNCTIONS(MEMBER)
} curl;

struct mrq_rest {
    char *base, *label, *ca;
    struct curl_slist *headers;
    mrq_idle idle; /* CURL * */
};

/* Once; two threads may open a server each at the same time. */
static mrq_status load(mrq_error *err)
{
#define NAME_AND_PLACE(name) {"curl_" #name, &curl.name},
    static const mrq_symbol functions[] = {FUNCTIONS(NAME_AND_PLACE)};
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    static bool loaded;
    pthread_mutex_lock(&lock);
    mrq_status status = MRQ_OK;
    if (!loaded)
        status = mrq_library_load("libcurl.so.4", "libcurl4", functions, sizeof functions / sizeof *functions, err);
    if (status == MRQ_OK && !loaded && curl.global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        status = mrq_fail_memory(err, "loading libcurl");
    loaded = status == MRQ_OK;
    pthread_mutex_unlock(&lock);
    return status;
}

/* Adds a header, which is copied; false when out of memory. */
static bool add_header(mrq_rest *rest, const char *text)
{
    struct curl_slist *longer = curl.slist_append(rest->headers, text);
    rest->headers = longer ? longer : rest->headers;
    return longer != NULL;
}

static bool add_headers(mrq_rest *rest, const char *token)
{
    char *bearer = NULL;
    bool ok = add_header(rest, "Content-Type: application/json") && add_header(rest, "Expect:"); /* no round trip before a body */
    if (ok && token) {
        ok = asprintf(&bearer, "Authorization: Bearer %s", token) >= 0 && add_header(rest, bearer);
        if (bearer)
            explicit_bzero(bearer, strlen(bearer));
        free(bearer);
    }
    return ok;
}

mrq_status mrq_rest_new(const char *base, const char *label, const char *token, const char *ca, mrq_rest **out, mrq_error *err)
{
    MRQ_TRY(load(err));
    mrq_rest *rest = calloc(1, sizeof *rest);
    if (!rest)
        return mrq_fail_memory(err, "setting up a server");
    mrq_idle_init(&rest->idle);
    rest->base = strdup(base);
    rest->label = strdup(label);
    rest->ca = ca ? strdup(ca) : NULL;
    if (!rest->base || !rest->label || (ca && !rest->ca) || !add_headers(rest, token)) {
        mrq_rest_free(rest);
        return mrq_fail_memory(err, "setting up a server");
    }
    *out = rest;
    return MRQ_OK;
}

static void close_handle(void *handle)
{
    curl.easy_cleanup(handle);
}

void mrq_rest_free(mrq_rest *rest)
{
    if (!rest)
        return;
    mrq_idle_deinit(&rest->idle, close_handle);
    for (struct curl_slist *h = rest->headers; h; h = h->next)
        explicit_bzero(h->data, strlen(h->data)); /* a token may stand in it */
    curl.slist_free_all(rest->headers);
    free(rest->base);
    free(rest->label);
    free(rest->ca);
    free(rest);
}

void mrq_rest_reply_clear(mrq_rest_reply *reply)
{
    mrq_free(reply->body);
    *reply = (mrq_rest_reply){0};
}

/* What comes goes into the reply; less is taken than came, which ends the request, when memory or the limit is at its end. */
static size_t take(char *data, size_t size, size_t n, void *context)
{
    mrq_rest_reply *reply = context;
    const size_t more = size * n, total = reply->size + more;
    if (total > MRQ_REST_REPLY_MAX || mrq_grow(&reply->body, &reply->capacity, total + 1, 1) != 0)
        return CURL_WRITEFUNC_ERROR;
    memcpy(reply->body + reply->size, data, more);
    reply->size = total;
    reply->body[total] = '\0';
    return more;
}

/* A new handle with what is the same for all requests; NULL when out of memory. */
static CURL *new_handle(const mrq_rest *rest)
{
    CURL *handle = curl.easy_init();
    if (!handle)
        return NULL;
    if (curl.easy_setopt(handle, CURLOPT_NOSIGNAL, 1L) == CURLE_OK && curl.easy_setopt(handle, CURLOPT_PROXY, "") == CURLE_OK &&
        curl.easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK &&
        curl.easy_setopt(handle, CURLOPT_HTTPHEADER, rest->headers) == CURLE_OK &&
        curl.easy_setopt(handle, CURLOPT_CONNECTTIMEOUT_MS, (long)(1e3 * CONNECT_SECONDS)) == CURLE_OK &&
        curl.easy_setopt(handle, CURLOPT_WRITEFUNCTION, take) == CURLE_OK &&
        (!rest->ca || curl.easy_setopt(handle, CURLOPT_CAINFO, rest->ca) == CURLE_OK))
        return handle;
    curl.easy_cleanup(handle);
    return NULL;
}

static CURL *take_handle(mrq_rest *rest)
{
    CURL *handle = mrq_idle_take(&rest->idle);
    return handle ? handle : new_handle(rest);
}

static void give_handle(mrq_rest *rest, CURL *handle)
{
    if (!mrq_idle_give(&rest->idle, handle, POOLED))
        curl.easy_cleanup(handle);
}

static mrq_status perform(const mrq_rest *rest, CURL *handle, const char *path, const char *body, double seconds,
                          mrq_rest_reply *reply, mrq_error *err)
{
    char url[1024], detail[CURL_ERROR_SIZE] = "";
    snprintf(url, sizeof url, "%s%s", rest->base, path);
    bool set = curl.easy_setopt(handle, CURLOPT_URL, url) == CURLE_OK &&
               curl.easy_setopt(handle, CURLOPT_WRITEDATA, reply) == CURLE_OK &&
               curl.easy_setopt(handle, CURLOPT_ERRORBUFFER, detail) == CURLE_OK &&
               curl.easy_setopt(handle, CURLOPT_TIMEOUT_MS, (long)(1e3 * seconds)) == CURLE_OK;
    set = set && (body ? curl.easy_setopt(handle, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)strlen(body)) == CURLE_OK &&
                             curl.easy_setopt(handle, CURLOPT_POSTFIELDS, body) == CURLE_OK
                       : curl.easy_setopt(handle, CURLOPT_HTTPGET, 1L) == CURLE_OK);
    if (!set)
        return mrq_fail_memory(err, "asking a server");
    const CURLcode code = curl.easy_perform(handle);
    curl.easy_setopt(handle, CURLOPT_ERRORBUFFER, NULL);
    curl.easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &reply->code);
    switch (code) {
    case CURLE_OK:
        return MRQ_OK;
    case CURLE_OUT_OF_MEMORY:
        return mrq_fail_memory(err, "asking a server");
    case CURLE_OPERATION_TIMEDOUT:
        return mrq_fail(err, MRQ_UNAVAILABLE, "%s: no answer within %g s", rest->label, seconds);
    case CURLE_WRITE_ERROR:
        if (reply->size < MRQ_REST_REPLY_MAX - CURL_MAX_WRITE_SIZE)
            return mrq_fail_memory(err, "reading a server's reply");
        return mrq_fail(err, MRQ_UNAVAILABLE, "%s: the reply has more than %zu bytes", rest->label, MRQ_REST_REPLY_MAX);
    default:
        return mrq_fail(err, MRQ_UNAVAILABLE, "%s: %.150s", rest->label, *detail ? detail : curl.easy_strerror(code));
    }
}

mrq_status mrq_rest_call(mrq_rest *rest, const char *path, const char *body, double seconds, mrq_rest_reply *out, mrq_error *err)
{
    CURL *handle = take_handle(rest);
    if (!handle)
        return mrq_fail_memory(err, "asking a server");
    mrq_rest_reply reply = {0};
    mrq_status status = perform(rest, handle, path, body, seconds, &reply, err);
    give_handle(rest, handle);
    if (status == MRQ_OK && !reply.body && mrq_grow(&reply.body, &reply.capacity, 1, 1) != 0) /* an empty text */
        status = mrq_fail_memory(err, "reading a server's reply");
    if (status == MRQ_OK)
        *out = reply;
    else
        mrq_rest_reply_clear(&reply);
    return status;
}
