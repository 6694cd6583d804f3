/* Work in equal pieces, shared by threads. */
#ifndef MRQ_BASE_PARALLEL_H
#define MRQ_BASE_PARALLEL_H

#include <pthread.h>
#include <signal.h>
#include <stdint.h>

#define MRQ_THREADS_MAX 64

/* As many as there are processors to run on, up to MRQ_THREADS_MAX. */
uint32_t mrq_threads_default(void);

/* Blocks all signals in this thread, and so in those that it starts, but those that a fault of a thread raises: the handlers of the
 * program that we are part of run on threads of its own. `before` is what pthread_sigmask() is to set again. */
void mrq_signals_block(sigset_t *before);

/* As pthread_create(), with signals blocked so. */
int mrq_thread_start(pthread_t *thread, void *(*run)(void *argument), void *argument);

/* Calls work(context, i) for each i of 0 .. n-1 on up to `threads` threads, this one among them; returns when all are done. Pieces
 * are handed out in ascending order to whoever is free, so a result that is the same every time must not depend on who does what.
 * Where the system gives fewer threads it takes longer. */
void mrq_parallel(uint32_t threads, uint64_t n, void (*work)(void *context, uint64_t i), void *context);

#endif
