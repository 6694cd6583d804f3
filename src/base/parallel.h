/* Work in equal pieces, shared by threads. */
#ifndef MRQ_BASE_PARALLEL_H
#define MRQ_BASE_PARALLEL_H

#include <stdint.h>

#define MRQ_THREADS_MAX 64

/* Calls work(context, i) for each i of 0 .. n-1 on up to `threads` threads, this one among them; returns when all are done. Pieces
 * are handed out in ascending order to whoever is free, so a result that is the same every time must not depend on who does what.
 * Where the system gives fewer threads it takes longer. */
void mrq_parallel(uint32_t threads, uint64_t n, void (*work)(void *context, uint64_t i), void *context);

#endif
