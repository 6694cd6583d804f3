/* A pool of connections to Redis: each operation takes one and gives it back. Thread-safe. */
#ifndef MRQ_ENGINE_CONNECTIONS_H
#define MRQ_ENGINE_CONNECTIONS_H

#include "cache/cache.h"

#define MRQ_CONNECTIONS_POOLED 64 /* most unused connections kept open */

typedef struct mrq_connections mrq_connections;

/* Arguments and statuses of mrq_cache_new(). */
MRQ_CHECKED mrq_status mrq_connections_new(const char *address, uint32_t ttl, mrq_connections **out, mrq_error *err);
void mrq_connections_free(
    mrq_connections *connections); /* after all are given back; may wait, see mrq_cache_free(); NULL is legal */

/* A connection for the calling thread: the unused one that was given back last, or a new one. `cache` is NULL if out of memory.
 * Must be given back in any case. */
typedef struct mrq_connection {
    mrq_cache *cache;
    uint64_t errors; /* its errors when it was taken */
} mrq_connection;
mrq_connection mrq_connections_take(mrq_connections *connections);
void mrq_connections_give(mrq_connections *connections, mrq_connection connection);

/* Whether an unused connection is still looking up the server's host name. */
bool mrq_connections_look_up(mrq_connections *connections);

/* The number of errors of all connections, and the text of the last, or "". */
uint64_t mrq_connections_errors(mrq_connections *connections, char *problem, size_t size);

#endif
