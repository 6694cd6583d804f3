/* Threads that are kept for many short pieces of work: mrq_parallel() without starting threads each time. */
#ifndef MRQ_BASE_CREW_H
#define MRQ_BASE_CREW_H

#include <stdint.h>

#include "base/error.h"
#include "base/memory.h"

typedef struct mrq_crew mrq_crew;

/* Starts `threads` - 1 threads in addition to the caller's, at most MRQ_THREADS_MAX - 1. MRQ_FAILED when one cannot be started. */
MRQ_CHECKED mrq_status mrq_crew_new(uint32_t threads, mrq_crew **out, mrq_error *err);
void mrq_crew_free(mrq_crew *crew);
MRQ_DEFINE_CLEANUP(mrq_crew, mrq_crew_free)

/* Calls work(context, i) once for each i < threads and returns when all calls have returned; to be called from the thread that made
 * the crew. Which thread runs which i depends on timing. A later call of mrq_crew_run() sees everything that an earlier one has
 * done. */
void mrq_crew_run(mrq_crew *crew, void (*work)(void *context, uint32_t i), void *context);

#endif
