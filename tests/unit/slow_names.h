/* getaddrinfo() as a test's program finds it, with names of our own: NAME.test is 127.0.0.1, but unknown.test is nothing, slow.test
 * takes its time, and held.test is looked up until a test lets it go. */
#ifndef MRQ_TESTS_SLOW_NAMES_H
#define MRQ_TESTS_SLOW_NAMES_H

#include <dlfcn.h>
#include <netdb.h>
#include <netinet/in.h>
#include <resolv.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "unit/testing.h"

static atomic_bool names_held;
static atomic_int names_under_way;
static atomic_int names_patience; /* seconds that one name server gets of the thread that looked up last */

int getaddrinfo(const char *host, const char *port, const struct addrinfo *hints, struct addrinfo **found)
{
    int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **);
    void *symbol = dlsym(RTLD_NEXT, "getaddrinfo");
    memcpy(&real, &symbol, sizeof real);
    if (!strstr(host, ".test") || hints->ai_flags & AI_NUMERICHOST)
        return real(host, port, hints, found);
    atomic_fetch_add(&names_under_way, 1);
    atomic_store(&names_patience, _res.retrans * _res.retry);
    if (strcmp(host, "slow.test") == 0)
        usleep(400000);
    for (int ms = 0; strcmp(host, "held.test") == 0 && atomic_load(&names_held) && ms < 10000; ms++)
        usleep(1000);
    const int code = strcmp(host, "unknown.test") == 0 ? EAI_NONAME : real("127.0.0.1", port, hints, found);
    atomic_fetch_sub(&names_under_way, 1);
    return code;
}

#endif
