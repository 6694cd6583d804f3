/* Finished answers in the memory of this process, by the question's bytes. Safe for many threads. */
#ifndef MRQ_ENGINE_ANSWERS_H
#define MRQ_ENGINE_ANSWERS_H

#include "engine/serving.h"

/* `bytes` is what the answers may take together with their keys; those that were asked least recently have to go, which is counted
 * in `evicted`. NULL when out of memory. */
mrq_answers *mrq_answers_new(size_t bytes, atomic_ullong *evicted);
void mrq_answers_free(mrq_answers *answers); /* NULL is legal */

/* Lets all answers go and keeps none from now on. NULL is legal. */
void mrq_answers_close(mrq_answers *answers);

/* The answer under a key, held for the caller. NULL: it is the caller's to compute, who calls mrq_answers_give() whatever comes
 * of it. Who asks for the same meanwhile waits for that, and gets it even where it is too large to be kept; `*waited` tells
 * whether the caller did. */
mrq_finished *mrq_answers_take(mrq_answers *answers, const void *key, size_t size, bool *waited);

/* Ends what mrq_answers_take() began under this key: with the answer, which remains the caller's too, or with NULL, when there is
 * none: then the next of those who wait is to compute it. */
void mrq_answers_give(mrq_answers *answers, const void *key, size_t size, mrq_finished *finished);

/* What the memory holds now. */
typedef struct mrq_answers_size {
    uint64_t entries, bytes;
} mrq_answers_size;
mrq_answers_size mrq_answers_measure(mrq_answers *answers);

/* Calls tell(context, query, count) for each query that was answered here since the last time, outside all locks; when out of
 * memory some are told the next time. */
void mrq_answers_asked(mrq_answers *answers, void (*tell)(void *context, const char *query, uint32_t count), void *context);

#endif
