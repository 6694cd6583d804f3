/* Finished answers in the memory of this process, by the question's bytes. Safe for many threads. */
#ifndef MRQ_ENGINE_ANSWER_CACHE_H
#define MRQ_ENGINE_ANSWER_CACHE_H

#include "engine/snapshot.h"

/* `bytes` is what the answers may take together with their keys; those that were asked least recently have to go, which is counted
 * in `evicted`. NULL when out of memory. */
mrq_answer_cache *mrq_answer_cache_new(size_t bytes, atomic_ullong *evicted);
void mrq_answer_cache_free(mrq_answer_cache *cache); /* NULL is legal */

/* Lets all answers go and keeps none from now on. NULL is legal. */
void mrq_answer_cache_close(mrq_answer_cache *cache);

/* The answer under a key, held for the caller. NULL: it is the caller's to compute, who calls mrq_answer_cache_give() whatever
 * comes of it. Who asks for the same meanwhile waits for that, and gets it even where it is too large to be kept; `*waited` tells
 * whether the caller did. */
mrq_cached_answer *mrq_answer_cache_take(mrq_answer_cache *cache, const void *key, size_t size, bool *waited);

/* Ends what mrq_answer_cache_take() began under this key: with the answer, which remains the caller's too, or with NULL, when there
 * is none: then the next of those who wait is to compute it. */
void mrq_answer_cache_give(mrq_answer_cache *cache, const void *key, size_t size, mrq_cached_answer *cached);

/* What the memory holds now. */
typedef struct mrq_answer_cache_size {
    uint64_t entries, bytes;
} mrq_answer_cache_size;
mrq_answer_cache_size mrq_answer_cache_measure(mrq_answer_cache *cache);

/* Calls tell(context, query, count) for each query that was answered here since the last time, outside all locks; when out of
 * memory some are told the next time. */
void mrq_answer_cache_asked(mrq_answer_cache *cache, void (*tell)(void *context, const char *query, uint32_t count), void *context);

#endif
