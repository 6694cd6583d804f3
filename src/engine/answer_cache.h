/* Finished answers in the memory of this process, by cache key (mrq_query_key()). Thread-safe. */
#ifndef MRQ_ENGINE_ANSWER_CACHE_H
#define MRQ_ENGINE_ANSWER_CACHE_H

#include "engine/snapshot.h"

typedef struct mrq_answer_cache mrq_answer_cache;

/* `bytes` limits the memory of the answers and their keys. Beyond it the least recently used answers are evicted and counted in
 * `evicted`. NULL if out of memory. */
mrq_answer_cache *mrq_answer_cache_new(size_t bytes, atomic_ullong *evicted);
void mrq_answer_cache_free(mrq_answer_cache *cache); /* NULL is legal */

/* A new reference to the answer under a key. NULL: the caller must compute it and then call mrq_answer_cache_give(), also on
 * failure. Until then other threads that call this with the same key wait; they get the answer even if it is too large to keep.
 * `*waited`: whether the caller waited. */
mrq_cached_answer *mrq_answer_cache_take(mrq_answer_cache *cache, const void *key, size_t size, bool *waited);

/* Ends the computation that mrq_answer_cache_take() began under this key. `cached` is the answer, of which the caller keeps its
 * reference, or NULL on failure: then one of the waiting threads computes it. */
void mrq_answer_cache_give(mrq_answer_cache *cache, const void *key, size_t size, mrq_cached_answer *cached);

/* The number of kept answers and their memory. */
typedef struct mrq_answer_cache_size {
    uint64_t entries, bytes;
} mrq_answer_cache_size;
mrq_answer_cache_size mrq_answer_cache_measure(mrq_answer_cache *cache);

/* Calls add(context, query, count) for each query that was answered from here since the last call, without holding a lock. If out
 * of memory, some are reported by the next call. */
void mrq_answer_cache_asked(mrq_answer_cache *cache, void (*add)(void *context, const char *query, uint32_t count), void *context);

#endif
