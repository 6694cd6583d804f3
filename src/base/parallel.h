/* Runs equal pieces of work on several threads. */
#ifndef MRQ_BASE_PARALLEL_H
#define MRQ_BASE_PARALLEL_H

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#define MRQ_THREADS_MAX 64

/* The number of processors that this process may use, at most MRQ_THREADS_MAX. */
uint32_t mrq_threads_default(void);

/* Blocks all signals in this thread, and so in the threads that it starts, except those caused by a fault of the thread itself:
 * signal handlers of the surrounding program should run on its own threads. `before` is for pthread_sigmask(), to restore the old
 * mask. */
void mrq_signals_block(sigset_t *before);

/* Like pthread_create(), with signals blocked in this way. */
int mrq_thread_start(pthread_t *thread, void *(*run)(void *argument), void *argument);

/* Calls work(context, i) for each i of 0 .. n-1 on up to `threads` threads, including this one; returns when all are done. Pieces
 * are given to free threads in ascending order; a reproducible result must not depend on which thread does which piece. If the
 * system provides fewer threads, it only takes longer. */
void mrq_parallel(uint32_t threads, uint64_t n, void (*work)(void *context, uint64_t i), void *context);

/* From now on the calls from this thread leave out the pieces that are left once `*stop` is not 0; NULL: never. The caller must
 * then give up what it is computing: mrq_parallel_stopped() tells. */
void mrq_parallel_stop(const volatile sig_atomic_t *stop);
bool mrq_parallel_stopped(void);

#endif
