/* A stack under one lock, which is held for a pointer's time: an operation on Redis takes a thousand times as long. As many
 * connections come to be as threads ask at once; what is put back beyond MRQ_CONNECTIONS_POOLED is closed, but for those that
 * still look the server's name up, which an answer does not wait for. The last one back is the first to go out again, so that few
 * are kept busy and a server that hangs up on idle ones meets few. */
#include "engine/connections.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct mrq_connections {
    pthread_mutex_t lock;
    char *address;
    uint32_t ttl;
    size_t n, room;
    mrq_cache **idle; /* (n) */
    uint64_t errors;
    char problem[256];
};

mrq_status mrq_connections_new(const char *address, uint32_t ttl, mrq_connections **out, mrq_error *err)
{
    mrq_cache *first = NULL;
    MRQ_TRY(mrq_cache_new(address, ttl, &first, err));
    mrq_connections *connections = calloc(1, sizeof *connections);
    char *copy = strdup(address);
    if (!connections || !copy ||
        mrq_grow(&connections->idle, &connections->room, MRQ_CONNECTIONS_POOLED, sizeof *connections->idle) != 0) {
        free(connections);
        free(copy);
        mrq_cache_free(first);
        return mrq_fail_memory(err, "setting up the cache");
    }
    pthread_mutex_init(&connections->lock, NULL);
    connections->address = copy;
    connections->ttl = ttl;
    connections->idle[connections->n++] = first;
    *out = connections;
    return MRQ_OK;
}

void mrq_connections_free(mrq_connections *connections)
{
    if (!connections)
        return;
    while (connections->n)
        mrq_cache_free(connections->idle[--connections->n]);
    pthread_mutex_destroy(&connections->lock);
    explicit_bzero(connections->address, strlen(connections->address)); /* a password may stand in it */
    free(connections->address);
    mrq_free(connections->idle);
    free(connections);
}

mrq_connection mrq_connections_take(mrq_connections *connections)
{
    mrq_connection connection = {NULL, 0};
    pthread_mutex_lock(&connections->lock);
    if (connections->n)
        connection.cache = connections->idle[--connections->n];
    pthread_mutex_unlock(&connections->lock);
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
    pthread_mutex_lock(&connections->lock);
    if (errors)
        snprintf(connections->problem, sizeof connections->problem, "%s", mrq_cache_problem(connection.cache));
    connections->errors += errors;
    const bool room = connections->n < MRQ_CONNECTIONS_POOLED ||
                      (mrq_cache_looks_up(connection.cache) &&
                       mrq_grow(&connections->idle, &connections->room, connections->n + 1, sizeof *connections->idle) == 0);
    if (room)
        connections->idle[connections->n++] = connection.cache;
    pthread_mutex_unlock(&connections->lock);
    if (!room)
        mrq_cache_free(connection.cache);
}

bool mrq_connections_look_up(mrq_connections *connections)
{
    bool found = false;
    pthread_mutex_lock(&connections->lock);
    for (size_t i = 0; i < connections->n; i++)
        found |= mrq_cache_looks_up(connections->idle[i]);
    pthread_mutex_unlock(&connections->lock);
    return found;
}

uint64_t mrq_connections_errors(mrq_connections *connections, char *problem, size_t size)
{
    pthread_mutex_lock(&connections->lock);
    const uint64_t errors = connections->errors;
    snprintf(problem, size, "%s", connections->problem);
    pthread_mutex_unlock(&connections->lock);
    return errors;
}
