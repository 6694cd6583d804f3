/* Threads that stay, for many short pieces of work one after the other: mrq_parallel() without a thread's start for each. */
#ifndef MRQ_BASE_CREW_H
#define MRQ_BASE_CREW_H

#include <stdint.h>

#include "base/error.h"
#include "base/memory.h"

typedef struct mrq_crew mrq_crew;

/* Starts `threads` - 1 threads, up to MRQ_THREADS_MAX - 1, beside the caller's. MRQ_FAILED when one cannot be started. */
MRQ_CHECKED mrq_status mrq_crew_new(uint32_t threads, mrq_crew **out, mrq_error *err);
void mrq_crew_free(mrq_crew *crew);
MRQ_DEFINE_CLEANUP(mrq_crew, mrq_crew_free)

/* Calls work(context, i) once for each i < threads, and returns when all have ended; from the thread that made the crew. Which
 * thread calls it for which i is a matter of timing; of two calls of mrq_crew_run() the second sees all that the first has done. */
void mrq_crew_run(mrq_crew *crew, void (*work)(void *context, uint32_t i), void *context);

#endif
