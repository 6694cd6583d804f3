/* Connections that are kept for the next request: a stack under a lock, so that the one used last is used again first and a server
 * that closes idle ones sees few. */
#ifndef MRQ_BASE_IDLE_H
#define MRQ_BASE_IDLE_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

typedef struct mrq_idle {
    pthread_mutex_t lock;
    size_t n, capacity;
    void **connection; /* (n) */
} mrq_idle;

void mrq_idle_init(mrq_idle *idle);
/* Closes those that are kept. All that were taken must be back or closed. */
void mrq_idle_deinit(mrq_idle *idle, void (*close)(void *connection));

void *mrq_idle_take(mrq_idle *idle); /* NULL: none is kept, make one */
/* False: `most` are kept, or memory is out; close it. */
bool mrq_idle_give(mrq_idle *idle, void *connection, size_t most);
/* Whether `test` is true of one that is kept. */
bool mrq_idle_any(mrq_idle *idle, bool (*test)(const void *connection));

#endif
