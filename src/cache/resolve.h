/* Host names to addresses, within a time limit. */
#ifndef MRQ_CACHE_RESOLVE_H
#define MRQ_CACHE_RESOLVE_H

#include <netdb.h>

#include "base/clock.h"
#include "base/error.h"

typedef struct mrq_lookup mrq_lookup; /* a name being looked up */

/* Finds the addresses of host and port; freed with freeaddrinfo(). A name that takes longer than `deadline` (mrq_clock()) is
 * MRQ_UNAVAILABLE and stays in `*lookup`, which is NULL at first: the next call for the same name goes on waiting for it. */
MRQ_CHECKED mrq_status mrq_resolve(mrq_lookup **lookup, const char *host, const char *port, double deadline, struct addrinfo **out,
                                   mrq_error *err);

/* Waits for the look-up, which nothing interrupts, and frees it: seconds where name servers are dead. NULL is legal. */
void mrq_lookup_end(mrq_lookup *lookup);

#endif
