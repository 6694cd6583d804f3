/* Warming: the queries that were asked most, read back from the cache and answered ahead of those who will ask them again.
 *
 * A member of the sorted set is the text of a resolved query, which is JSON and holds the values themselves, so that it means
 * something to every generation. Nothing is taken on trust: what does not read as a query, or asks for what this generation does
 * not have, is skipped; and an answer is kept under the key of what was understood, not of what was read, so that no member can put
 * an answer where it does not belong.
 *
 * Afterwards counts age: they are halved, so that yesterday's count for half of today's, and a query that nobody repeats is
 * forgotten after four nights (cache.h). */
#include "base/log.h"
#include "engine/recommend.h"
#include "engine/redis_answers.h"

enum { PAGE = 1000 }; /* members read at once */

/* What describe() of resolve.c has written. */
static mrq_status read_query(const char *text, size_t size, mrq_query *query, mrq_error *err)
{
    MRQ_CLEANUP(cJSON_Delete) cJSON *json = NULL;
    MRQ_TRY(mrq_json_parse(text, size, "query", &json, err));
    return mrq_query_read_json(query, json, err);
}

/* Answers one member. `*state` is MISS when it was kept, DOWN when Redis did not take it, OFF when it was skipped. */
static mrq_status warm_one(const mrq_generation *generation, mrq_cache *cache, const char *text, size_t size,
                           mrq_cache_state *state, mrq_error *err)
{
    __attribute__((cleanup(mrq_query_clear))) mrq_query query = {0};
    __attribute__((cleanup(mrq_resolved_clear))) mrq_resolved resolved = {0};
    *state = MRQ_CACHE_OFF;
    mrq_status status = size <= MRQ_HOT_TEXT_MAX ? read_query(text, size, &query, err) : MRQ_BAD_FILE;
    if (status == MRQ_OK)
        status = mrq_query_resolve(generation, MRQ_ASK_RECOMMEND, &query, &resolved, err);
    if (status != MRQ_OK)
        return status == MRQ_FAILED ? status : MRQ_OK; /* out of memory is not the member's fault */
    MRQ_AUTOFREE float *vector = NULL;
    MRQ_AUTOFREE mrq_hit *hits = NULL;
    mrq_line line;
    uint32_t n;
    char key[MRQ_REDIS_KEY];
    MRQ_TRY(mrq_person_vector(generation, &resolved, &vector, &line, err));
    MRQ_TRY(mrq_person_search(generation, &resolved, vector, &hits, &n, err));
    mrq_redis_answers_key(generation, &resolved, key);
    *state = mrq_redis_answers_set(cache, key, hits, n);
    return MRQ_OK;
}

typedef struct tally {
    uint32_t warmed, skipped;
} tally;

/* Warms up to `n` members from place `first` on; `*read` is how many there were. `*state` is DOWN when Redis is. */
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
