/* Connections to Redis: as many as threads ask at the same time. Of those that are put back up to MRQ_CONNECTIONS_POOLED are kept;
 * one that still looks the server's name up is kept in any case, because closing it would wait for that. */
#include "engine/connections.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/idle.h"

struct mrq_connections {
    mrq_idle idle;
    char *address;
    uint32_t ttl;
    pthread_mutex_t lock; /* of what follows */
    uint64_t errors;
    char problem[256];
};

static void close_cache(void *cache)
{
    mrq_cache_free(cache);
}

mrq_status mrq_connections_new(const char *address, uint32_t ttl, mrq_connections **out, mrq_error *err)
{
    mrq_cache *first = NULL;
    MRQ_TRY(mrq_cache_new(address, ttl, &first, err));
    mrq_connections *connections = calloc(1, sizeof *connections);
    char *copy = strdup(address);
    if (!connections || !copy) {
        free(connections);
        free(copy);
        mrq_cache_free(first);
        return mrq_fail_memory(err, "setting up the cache");
    }
    mrq_idle_init(&connections->idle);
    pthread_mutex_init(&connections->lock, NULL);
    connections->address = copy;
    connections->ttl = ttl;
    if (!mrq_idle_give(&connections->idle, first, MRQ_CONNECTIONS_POOLED)) {
        mrq_cache_free(first);
        mrq_connections_free(connections);
        return mrq_fail_memory(err, "setting up the cache");
    }
    *out = connections;
    return MRQ_OK;
}

void mrq_connections_free(mrq_connections *connections)
{
    if (!connections)
        return;
    mrq_idle_deinit(&connections->idle, close_cache);
    pthread_mutex_destroy(&connections->lock);
    explicit_bzero(connections->address, strlen(connections->address)); /* a password may stand in it */
    free(connections->address);
    free(connections);
}

mrq_connection mrq_connections_take(mrq_connections *connections)
{
    mrq_connection connection = {mrq_idle_take(&connections->idle), 0};
    if (!connection.cache && mrq_cache_new(connections->address, connections->ttl, &connection.cache, NULL) != MRQ_OK)
        return (mrq_connection){NULL, 0};
    connection.errors = mrq_cache_counted(connection.cache).errors;
    return connection;
}

void mrq_connections_give(mrq_connections *connections, mrq_connection connection)
{
    if (!connection.cache)
        return;
    const uint64_t errors = mrq_cache_counted(connection.cache).errors - connection.errors;
    if (errors) {
        pthread_mutex_lock(&connections->lock);
        snprintf(connections->problem, sizeof connections->problem, "%s", mrq_cache_problem(connection.cache));
        connections->errors += errors;
        pthread_mutex_unlock(&connections->lock);
    }
    const size_t most = mrq_cache_looks_up(connection.cache) ? SIZE_MAX : MRQ_CONNECTIONS_POOLED;
    if (!mrq_idle_give(&connections->idle, connection.cache, most))
        mrq_cache_free(connection.cache);
}

static bool looks_up(const void *cache)
{
    return mrq_cache_looks_up(cache);
}

bool mrq_connections_look_up(mrq_connections *connections)
{
    return mrq_idle_any(&connections->idle, looks_up);
}

uint64_t mrq_connections_errors(mrq_connections *connections, char *problem, size_t size)
{
    pthread_mutex_lock(&connections->lock);
    const uint64_t errors = connections->errors;
    snprintf(problem, size, "%s", connections->problem);
    pthread_mutex_unlock(&connections->lock);
    return errors;
}
