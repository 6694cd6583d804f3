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
#include "engine/cached.h"
#include "engine/recommend.h"

enum { PAGE = 1000 }; /* members read at once */

/* A query that was read, and what it points into. */
typedef struct reading {
    cJSON *json;
    const char **genre;
    int64_t *exclude, *liked, *disliked;
    mrq_query query;
} reading;

static void reading_clear(reading *r)
{
    cJSON_Delete(r->json);
    mrq_free(r->genre);
    mrq_free(r->exclude);
    mrq_free(r->liked);
    mrq_free(r->disliked);
}

static mrq_status read_feature(const cJSON *json, const char *key, const char **text, mrq_error *err)
{
    static const char *const keys[] = {"value", "label", NULL};
    const cJSON *feature;
    MRQ_TRY(mrq_json_object(json, "", key, false, &feature, err));
    if (!feature)
        return MRQ_OK;
    MRQ_TRY(mrq_json_keys(feature, key, keys, err));
    return mrq_json_text(feature, key, "value", true, text, err);
}

static mrq_status read_genres(const cJSON *array, reading *r, mrq_error *err)
{
    const cJSON *item;
    r->genre = mrq_array((size_t)cJSON_GetArraySize(array), sizeof *r->genre);
    if (!r->genre)
        return mrq_fail_memory(err, "reading a query");
    cJSON_ArrayForEach(item, array)
    {
        if (!cJSON_IsString(item))
            return mrq_fail(err, MRQ_BAD_FILE, "genre: want names");
        r->genre[r->query.filters.n_genres++] = item->valuestring;
    }
    r->query.filters.genre = r->genre;
    return MRQ_OK;
}

/* Ids of movies, none when the member is absent. `*id` is to be freed whatever comes of it. */
static mrq_status read_ids(const cJSON *json, const char *key, int64_t **id, uint32_t *n, mrq_error *err)
{
    const cJSON *array, *item;
    MRQ_TRY(mrq_json_array(json, "", key, false, &array, err));
    if (!array)
        return MRQ_OK;
    *id = mrq_array((size_t)cJSON_GetArraySize(array), sizeof **id);
    if (!*id)
        return mrq_fail_memory(err, "reading a query");
    cJSON_ArrayForEach(item, array)
    {
        if (!cJSON_IsNumber(item) || !(item->valuedouble >= 0 && item->valuedouble <= 0x1p53))
            return mrq_fail(err, MRQ_BAD_FILE, "%s: want ids", key);
        (*id)[(*n)++] = (int64_t)item->valuedouble;
    }
    return MRQ_OK;
}

static mrq_status read_filters(const cJSON *json, reading *r, mrq_error *err)
{
    const cJSON *genres;
    const char *years;
    MRQ_TRY(mrq_json_array(json, "", "genre", false, &genres, err));
    if (genres)
        MRQ_TRY(read_genres(genres, r, err));
    MRQ_TRY(read_ids(json, "exclude", &r->exclude, &r->query.filters.n_exclude, err));
    r->query.filters.exclude = r->exclude;
    MRQ_TRY(mrq_json_text(json, "", "year", false, &years, err));
    if (years)
        MRQ_TRY(mrq_years_parse(years, &r->query.filters, err));
    MRQ_TRY(mrq_json_bool(json, "", "all_genres", &r->query.filters.all_genres, err));
    return mrq_json_bool(json, "", "include_seen", &r->query.filters.include_seen, err);
}

/* What describe() of query.c has written. `r` is to be cleared whatever comes of it. */
static mrq_status read_query(const char *text, size_t size, reading *r, mrq_error *err)
{
    static const char *const keys[] = {"age",   "gender",     "job",  "user",    "liked",        "disliked", "k",
                                       "genre", "all_genres", "year", "exclude", "include_seen", NULL};
    int64_t k = 0;
    r->query.user = -1;
    MRQ_TRY(mrq_json_parse(text, size, "query", &r->json, err));
    MRQ_TRY(mrq_json_keys(r->json, "", keys, err));
    MRQ_TRY(read_feature(r->json, "age", &r->query.age, err));
    MRQ_TRY(read_feature(r->json, "gender", &r->query.gender, err));
    MRQ_TRY(read_feature(r->json, "job", &r->query.job, err));
    if (!cJSON_IsNull(cJSON_GetObjectItemCaseSensitive(r->json, "user")))
        MRQ_TRY(mrq_json_int(r->json, "", "user", 0, INT64_MAX, &r->query.user, err));
    MRQ_TRY(read_ids(r->json, "liked", &r->liked, &r->query.n_liked, err));
    MRQ_TRY(read_ids(r->json, "disliked", &r->disliked, &r->query.n_disliked, err));
    r->query.liked = r->liked;
    r->query.disliked = r->disliked;
    MRQ_TRY(mrq_json_int(r->json, "", "k", 1, MRQ_K_MAX, &k, err));
    r->query.k = (uint32_t)k;
    return read_filters(r->json, r, err);
}

/* Answers one member. `*state` is MISS when it was kept, DOWN when Redis did not take it, OFF when it was skipped. */
static mrq_status warm_one(const mrq_generation *generation, mrq_cache *cache, const char *text, size_t size,
                           mrq_cache_state *state, mrq_error *err)
{
    __attribute__((cleanup(reading_clear))) reading r = {0};
    __attribute__((cleanup(mrq_resolved_clear))) mrq_resolved resolved = {0};
    *state = MRQ_CACHE_OFF;
    mrq_status status = size <= MRQ_HOT_TEXT_MAX ? read_query(text, size, &r, err) : MRQ_BAD_FILE;
    if (status == MRQ_OK)
        status = mrq_query_resolve(generation, &r.query, &resolved, err);
    if (status != MRQ_OK)
        return status == MRQ_FAILED ? status : MRQ_OK; /* out of memory is not the member's fault */
    MRQ_AUTOFREE float *vector = NULL;
    MRQ_AUTOFREE mrq_hit *hits = NULL;
    mrq_line line;
    uint32_t n;
    char key[MRQ_CACHED_KEY];
    MRQ_TRY(mrq_person_vector(generation, &resolved, &vector, &line, err));
    MRQ_TRY(mrq_person_search(generation, &resolved, vector, &hits, &n, err));
    mrq_cached_key(generation, &resolved, key);
    *state = mrq_cached_set(cache, key, hits, n);
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
