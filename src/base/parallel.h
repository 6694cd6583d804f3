/* Work in equal pieces, shared by threads. */
#ifndef MRQ_BASE_PARALLEL_H
#define MRQ_BASE_PARALLEL_H

#include <pthread.h>
#include <stdint.h>

#define MRQ_THREADS_MAX 64

/* As pthread_create(), with all signals blocked but those that a fault of the thread itself raises: the handlers of the program
 * that we are part of run on threads of its own. */
int mrq_thread_start(pthread_t *thread, void *(*run)(void *argument), void *argument);

/* Calls work(context, i) for each i of 0 .. n-1 on up to `threads` threads, this one among them; returns when all are done. Pieces
 * are handed out in ascending order to whoever is free, so a result that is the same every time must not depend on who does what.
 * Where the system gives fewer threads it takes longer. */
void mrq_parallel(uint32_t threads, uint64_t n, void (*work)(void *context, uint64_t i), void *context);

#endif
