/* Finished answers in Redis. */
#ifndef MRQ_ENGINE_REDIS_ANSWERS_H
#define MRQ_ENGINE_REDIS_ANSWERS_H

#include "engine/engine.h"

#define MRQ_REDIS_KEY    (sizeof "marquee:2::" + MRQ_GENERATION_NAME + 32)
#define MRQ_HOT_KEY      "marquee:2:hot" /* the sorted set of queries' texts by how often they were asked */
#define MRQ_HOT_TEXT_MAX 1000            /* bytes; a longer query, one with hundreds of excluded items, is not counted */

/* The key of a resolved query's answer in this generation. */
void mrq_redis_answers_key(const mrq_generation *generation, const mrq_resolved *resolved, char key[MRQ_REDIS_KEY]);

/* The answer under a key, while the query's text is counted as asked: MRQ_CACHE_HIT with up to `k` hits of rows below `rows`, best
 * first, freed with mrq_free(). A value that is not what mrq_redis_answers_set() wrote under this very key is a MISS. */
mrq_cache_state mrq_redis_answers_get(mrq_cache *cache, const char *key, const char *text, uint32_t rows, uint32_t k,
                                      mrq_hit **hits, uint32_t *n);

/* Keeps an answer. MRQ_CACHE_MISS, or DOWN when Redis did not take it. */
mrq_cache_state mrq_redis_answers_set(mrq_cache *cache, const char *key, const mrq_hit *hits, uint32_t n);

#endif
