/* Looks up host names with a time limit. getaddrinfo() may wait very long for a dead name server and cannot be interrupted. So for
 * names (but not for numeric addresses) it runs on a thread of its own, and callers wait for it until their deadline.
 * getaddrinfo_a() does the same, but only on glibc, and on threads that sanitizers do not see.
 *
 * Freeing a look-up waits for its thread, because the thread must not run code of a library that is about to be unloaded. To keep
 * this wait short, the resolver options of this thread are reduced: each name server is asked once, for two seconds, instead of
 * twice, for five seconds or more. A lost reply does little harm, because the next operation looks up again. Rejected: cancelling
 * the thread, which leaks the resolver's sockets and locks. `lock` guards `done`; until `done` is set only the thread uses the
 * result. */
#include "cache/resolve.h"

#include <netinet/in.h>
#include <pthread.h>
#include <resolv.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/parallel.h"

#define SERVER_SECONDS 2

struct mrq_lookup {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t finished;
    bool done;
    int code; /* of getaddrinfo() */
    struct addrinfo *found;
    char host[256], port[6];
};

static int look_up(const char *host, const char *port, int flags, struct addrinfo **found)
{
    const struct addrinfo hints = {.ai_flags = AI_NUMERICSERV | flags, .ai_socktype = SOCK_STREAM};
    return getaddrinfo(host, port, &hints, found);
}

/* Reduces the calling thread's resolver options; `_res` is per thread. */
static void be_brief(void)
{
    if (res_init() != 0)
        return; /* out of memory: getaddrinfo() will fail, too */
    _res.retrans = _res.retrans < SERVER_SECONDS ? _res.retrans : SERVER_SECONDS;
    _res.retry = 1;
}

static void *run(void *argument)
{
    mrq_lookup *lookup = argument;
    struct addrinfo *found = NULL;
    be_brief();
    const int code = look_up(lookup->host, lookup->port, 0, &found);
    pthread_mutex_lock(&lookup->lock);
    lookup->code = code;
    lookup->found = code == 0 ? found : NULL;
    lookup->done = true;
    pthread_cond_signal(&lookup->finished);
    pthread_mutex_unlock(&lookup->lock);
    return NULL;
}

static void lookup_free(mrq_lookup *lookup)
{
    if (lookup->found)
        freeaddrinfo(lookup->found);
    pthread_cond_destroy(&lookup->finished);
    pthread_mutex_destroy(&lookup->lock);
    free(lookup);
}

void mrq_lookup_end(mrq_lookup *lookup)
{
    if (!lookup)
        return;
    pthread_join(lookup->thread, NULL);
    lookup_free(lookup);
}

static mrq_lookup *lookup_start(const char *host, const char *port)
{
    mrq_lookup *lookup = calloc(1, sizeof *lookup);
    if (!lookup)
        return NULL;
    snprintf(lookup->host, sizeof lookup->host, "%s", host);
    snprintf(lookup->port, sizeof lookup->port, "%s", port);
    pthread_condattr_t clock;
    pthread_condattr_init(&clock);
    pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
    pthread_cond_init(&lookup->finished, &clock);
    pthread_condattr_destroy(&clock);
    pthread_mutex_init(&lookup->lock, NULL);
    if (mrq_thread_start(&lookup->thread, run, lookup) != 0) {
        lookup_free(lookup);
        return NULL;
    }
    return lookup;
}

static bool lookup_wait(mrq_lookup *lookup, double deadline)
{
    const time_t seconds = (time_t)deadline;
    const struct timespec until = {seconds, (long)((deadline - (double)seconds) * 1e9)};
    pthread_mutex_lock(&lookup->lock);
    while (!lookup->done && pthread_cond_timedwait(&lookup->finished, &lookup->lock, &until) == 0)
        ;
    const bool done = lookup->done;
    pthread_mutex_unlock(&lookup->lock);
    return done;
}

mrq_status mrq_resolve(mrq_lookup **lookup, const char *host, const char *port, double deadline, struct addrinfo **out,
                       mrq_error *err)
{
    if (!*lookup && look_up(host, port, AI_NUMERICHOST, out) == 0)
        return MRQ_OK;
    if (!*lookup && !(*lookup = lookup_start(host, port)))
        return mrq_fail_memory(err, "looking up a host");
    if (!lookup_wait(*lookup, deadline))
        return mrq_fail(err, MRQ_UNAVAILABLE, "the name is still being looked up");
    const int code = (*lookup)->code;
    struct addrinfo *found = (*lookup)->found;
    (*lookup)->found = NULL;
    mrq_lookup_end(*lookup);
    *lookup = NULL;
    if (code != 0)
        return mrq_fail(err, MRQ_UNAVAILABLE, "%s", gai_strerror(code));
    *out = found;
    return MRQ_OK;
}
