#include "base/idle.h"

#include "base/memory.h"

void mrq_idle_init(mrq_idle *idle)
{
    *idle = (mrq_idle){.n = 0};
    pthread_mutex_init(&idle->lock, NULL);
}

void mrq_idle_deinit(mrq_idle *idle, void (*close)(void *connection))
{
    while (idle->n)
        close(idle->connection[--idle->n]);
    mrq_free(idle->connection);
    pthread_mutex_destroy(&idle->lock);
}

void *mrq_idle_take(mrq_idle *idle)
{
    pthread_mutex_lock(&idle->lock);
    void *connection = idle->n ? idle->connection[--idle->n] : NULL;
    pthread_mutex_unlock(&idle->lock);
    return connection;
}

bool mrq_idle_give(mrq_idle *idle, void *connection, size_t most)
{
    pthread_mutex_lock(&idle->lock);
    const bool kept = idle->n < most && mrq_grow(&idle->connection, &idle->capacity, idle->n + 1, sizeof *idle->connection) == 0;
    if (kept)
        idle->connection[idle->n++] = connection;
    pthread_mutex_unlock(&idle->lock);
    return kept;
}

bool mrq_idle_any(mrq_idle *idle, bool (*test)(const void *connection))
{
    bool found = false;
    pthread_mutex_lock(&idle->lock);
    for (size_t i = 0; i < idle->n; i++)
        found = found || test(idle->connection[i]);
    pthread_mutex_unlock(&idle->lock);
    return found;
}
