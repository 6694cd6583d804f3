/* Connections to Redis for many threads: each operation takes one and puts it back. */
#ifndef MRQ_ENGINE_CONNECTIONS_H
#define MRQ_ENGINE_CONNECTIONS_H

#include "cache/cache.h"

#define MRQ_CONNECTIONS_POOLED 64 /* that are kept when they are put back */

typedef struct mrq_connections mrq_connections;

/* Arguments and statuses of mrq_cache_new(). */
MRQ_CHECKED mrq_status mrq_connections_new(const char *address, uint32_t ttl, mrq_connections **out, mrq_error *err);
void mrq_connections_free(mrq_connections *connections); /* when all are back; waits as mrq_cache_free() does; NULL is legal */

/* A connection for the calling thread alone, the one that was put back last if there is any; its `cache` is NULL when out of
 * memory. To be given back in any case. */
typedef struct mrq_connection {
    mrq_cache *cache;
    uint64_t errors; /* that it had when it was taken */
} mrq_connection;
mrq_connection mrq_connections_take(mrq_connections *connections);
void mrq_connections_give(mrq_connections *connections, mrq_connection connection);

/* The errors of all, and the last one's text, or "". */
/* Whether one that was put back still looks the server's name up. */
bool mrq_connections_look_up(mrq_connections *connections);

uint64_t mrq_connections_errors(mrq_connections *connections, char *problem, size_t size);

#endif
