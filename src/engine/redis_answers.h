/* Finished answers in Redis. */
#ifndef MRQ_ENGINE_REDIS_ANSWERS_H
#define MRQ_ENGINE_REDIS_ANSWERS_H

#include "engine/engine.h"

#define MRQ_REDIS_KEY    (sizeof "marquee:2::" + MRQ_GENERATION_NAME + 32)
#define MRQ_HOT_KEY      "marquee:2:hot" /* sorted set of the texts of queries, by how often they were asked */
#define MRQ_HOT_TEXT_MAX 1000            /* bytes; longer queries, with hundreds of excluded items, are not counted */

/* The cache key of a resolved query in this generation. */
void mrq_redis_answers_key(const mrq_generation *generation, const mrq_resolved *resolved, char key[MRQ_REDIS_KEY]);

/* Looks up the answer under a key and counts the query's text. MRQ_CACHE_HIT: up to `k` hits with rows below `rows`, best first,
 * freed with mrq_free(). A value that mrq_redis_answers_set() did not write under this key is a MISS. */
mrq_cache_state mrq_redis_answers_get(mrq_cache *cache, const char *key, const char *text, uint32_t rows, uint32_t k,
                                      mrq_hit **hits, uint32_t *n);

/* Stores an answer. Returns MRQ_CACHE_MISS, or MRQ_CACHE_DOWN if Redis failed. */
mrq_cache_state mrq_redis_answers_set(mrq_cache *cache, const char *key, const mrq_hit *hits, uint32_t n);

#endif
