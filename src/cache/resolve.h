/* Finds the addresses of host names within a time limit. */
#ifndef MRQ_CACHE_RESOLVE_H
#define MRQ_CACHE_RESOLVE_H

#include <netdb.h>

#include "base/clock.h"
#include "base/error.h"

typedef struct mrq_lookup mrq_lookup; /* a name being looked up */

/* Finds the addresses of host and port; freed with freeaddrinfo(). MRQ_UNAVAILABLE if a look-up takes longer than `deadline`
 * (mrq_clock()): it then continues in `*lookup`, which is NULL at first, and the next call for the same name waits for it. */
MRQ_CHECKED mrq_status mrq_resolve(mrq_lookup **lookup, const char *host, const char *port, double deadline, struct addrinfo **out,
                                   mrq_error *err);

/* Waits for the look-up, which cannot be interrupted, and frees it. This takes seconds if name servers are dead. NULL is legal. */
void mrq_lookup_end(mrq_lookup *lookup);

#endif
