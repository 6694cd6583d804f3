/* Warming: reads the most frequent queries from the cache and answers them before clients ask them again.
 *
 * A member of the sorted set is the text of a resolved query: JSON with values instead of codes, so that every generation can read
 * it. Members are not trusted. One that is not a query, or asks for something that this generation does not have, is skipped. The
 * cache key is computed from the query as resolved here, not from the member's text, so that a member cannot put an answer under a
 * wrong key.
 *
 * Afterwards the counts age: they are halved, so that yesterday's queries count half as much as today's, and a query that is not
 * repeated is removed after four nights (cache.h). */
#include "base/log.h"
#include "engine/recommend.h"
#include "engine/redis_answers.h"

enum { PAGE = 1000 }; /* members read at once */

/* Reads a text written by describe() in resolve.c. */
static mrq_status read_query(const char *text, size_t size, mrq_query *query, mrq_error *err)
{
    MRQ_CLEANUP(cJSON_Delete) cJSON *json = NULL;
    MRQ_TRY(mrq_json_parse(text, size, "query", &json, err));
    return mrq_query_read_json(query, json, err);
}

/* Answers one member. `*state` is MISS if the answer was stored, DOWN if Redis failed, OFF if the member was skipped. */
static mrq_status warm_one(const mrq_generation *generation, mrq_cache *cache, const char *text, size_t size,
                           mrq_cache_state *state, mrq_error *err)
{
    __attribute__((cleanup(mrq_query_clear))) mrq_query query = {0};
    __attribute__((cleanup(mrq_resolved_clear))) mrq_resolved resolved = {0};
    *state = MRQ_CACHE_OFF;
    mrq_status status = size <= MRQ_HOT_TEXT_MAX ? read_query(text, size, &query, err) : MRQ_BAD_FILE;
    if (status == MRQ_OK)
        status = mrq_query_resolve(generation, MRQ_ASK_RECOMMEND, &query, NULL, &resolved, err);
    if (status != MRQ_OK)
        return status == MRQ_FAILED ? status : MRQ_OK; /* fail if out of memory, skip an invalid member */
    MRQ_AUTOFREE float *vector = NULL;
    MRQ_AUTOFREE mrq_hit *hits = NULL;
    mrq_line line;
    uint32_t n;
    char key[MRQ_REDIS_KEY];
    MRQ_TRY(mrq_person_vector(generation, &resolved, &vector, &line, err));
    MRQ_TRY(mrq_person_search(generation, &resolved, NULL, vector, &line, &hits, &n, err));
    mrq_redis_answers_key(generation, &resolved, key);
    *state = mrq_redis_answers_set(cache, key, hits, n);
    return MRQ_OK;
}

typedef struct tally {
    uint32_t warmed, skipped;
} tally;

/* Warms up to `n` members from place `first` on; `*read` is the number of members read. `*state` is DOWN if Redis failed. */
static mrq_status warm_page(const mrq_generation *generation, mrq_cache *cache, uint32_t first, uint32_t n, uint32_t *read,
                            tally *count, mrq_cache_state *state, mrq_error *err)
{
    MRQ_CLEANUP(mrq_dict_free) mrq_dict *members = mrq_dict_new();
    if (!members)
        return mrq_fail_memory(err, "warming the cache");
    *state = mrq_cache_top(cache, MRQ_HOT_KEY, first, n, members);
    const mrq_strings list = mrq_dict_strings(members);
    *read = list.n;
    for (uint32_t i = 0; i < list.n && *state != MRQ_CACHE_DOWN; i++) {
        MRQ_TRY(warm_one(generation, cache, mrq_strings_at(&list, i), mrq_strings_size(&list, i), state, err));
        count->warmed += *state == MRQ_CACHE_MISS;
        count->skipped += *state == MRQ_CACHE_OFF;
    }
    return MRQ_OK;
}

mrq_status mrq_warm(const mrq_generation *generation, mrq_cache *cache, uint32_t n, uint32_t *warmed, mrq_error *err)
{
    tally count = {0};
    mrq_cache_state state = MRQ_CACHE_OFF;
    for (uint32_t first = 0, read = PAGE; cache && first < n && read == PAGE && state != MRQ_CACHE_DOWN; first += PAGE)
        MRQ_TRY(warm_page(generation, cache, first, n - first < PAGE ? n - first : PAGE, &read, &count, &state, err));
    if (cache && state != MRQ_CACHE_DOWN)
        state = mrq_cache_age(cache, MRQ_HOT_KEY);
    if (cache)
        mrq_log(state == MRQ_CACHE_DOWN ? MRQ_LOG_WARN : MRQ_LOG_INFO, "warm", "warmed=%u skipped=%u cache=%s problem=\"%s\"",
                count.warmed, count.skipped, state == MRQ_CACHE_DOWN ? "down" : "up", mrq_cache_problem(cache));
    *warmed = count.warmed;
    return MRQ_OK;
}
