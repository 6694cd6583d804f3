/* The library: answers through it are the engine's, from memory as from the search, and stay right while the store changes
 * and many threads ask. */
#include "unit/redis_server.h" /* first: it has an err and a folder of its own */

#include "unit/checked_locks.h"
#include "unit/failing_memory.h"
#include "unit/slow_names.h"
#include "unit/store_world.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/resource.h>

#include "base/json.h"
#include "engine/answer_cache.h"
#include "engine/connections.h"
#include "engine/options.h"
#include "engine/redis_answers.h"
#include "engine/snapshot.h"
#include "store/write.h"
#include "unit/asked.h"

enum { THREADS = 4 };

static char store[PATH];
static redis_server redis;

/* A store of two generations: `older` of a model with other parameters, and the current one. */
static char older[MRQ_GENERATION_NAME], newer[MRQ_GENERATION_NAME];

static int set_up(void **state)
{
    make_world(state);
    new_store(store);
    MRQ_CLEANUP(mrq_model_free) mrq_model *other = model_of(STORE_MODEL, users, items);
    for (size_t i = 0; i < other->tensors.size; i++)
        other->param[i] = (float)(i % 13) / 13 - 0.4f;
    char path[PATH + 20];
    snprintf(path, sizeof path, "%s/other.mrq", folder);
    assert_ok(mrq_model_save(other, path, &err));
    assert_ok(mrq_store_export(store, path, &flat, older, NULL, NULL, &err));
    assert_ok(mrq_store_export(store, model_path, &flat, newer, NULL, NULL, &err));
    redis = redis_try(folder);
    return 0;
}

static int tear_down(void **state)
{
    redis_stop(&redis);
    return free_world(state);
}

static mrq_recommender *open_with(size_t memory, const char *address)
{
    mrq_recommender *r = NULL;
    assert_ok(mrq_recommender_open(&(mrq_options){.store = store, .memory = memory, .redis = address}, &r, &err));
    return r;
}

static mrq_answer *ask(mrq_recommender *r, const question *query)
{
    mrq_answer *result = NULL;
    assert_ok(ask_recommend(r, query, &result, &err));
    return result;
}

static mrq_stats stats_of(mrq_recommender *r)
{
    mrq_stats stats;
    mrq_recommender_measure(r, &stats);
    return stats;
}

static cJSON *document_of(mrq_answer *result)
{
    size_t size;
    cJSON *json = NULL;
    const char *text = mrq_answer_json(result, &size);
    assert_int_equal(strlen(text), size);
    assert_int_equal(text[size - 1], '\n');
    assert_ok(mrq_json_parse(text, size, "document", &json, &err));
    return json;
}

static const char *text_at(const cJSON *object, const char *key)
{
    return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, key));
}

static double number_at(const cJSON *object, const char *key)
{
    return cJSON_GetNumberValue(cJSON_GetObjectItemCaseSensitive(object, key));
}

static const char *generation_of(const mrq_answer *result)
{
    return mrq_answer_info_text(result, "generation");
}

/* The result is the engine's answer of this generation. */
static void assert_answers(const mrq_generation *generation, const question *query, const mrq_answer *result)
{
    mrq_content answer = {0};
    assert_ok(asked_recommend(generation, NULL, query, &answer, &err));
    assert_string_equal(generation_of(result), generation->name);
    assert_int_equal(mrq_answer_size(result), answer.n);
    for (uint32_t i = 0; i < answer.n; i++) {
        assert_string_equal(mrq_answer_id(result, i), mrq_table_id(generation->items, answer.hit[i].item));
        assert_true(mrq_answer_score(result, i) == answer.hit[i].score); /* NOLINT: equal to the bit */
    }
    mrq_content_clear(&answer);
}

static void opening_fails_with_a_sentence(void **state)
{
    (void)state;
    mrq_recommender *r = NULL;
    char nowhere[PATH];
    new_store(nowhere);
    assert_fails(mrq_recommender_open(&(mrq_options){.store = nowhere}, &r, &err), MRQ_NOT_FOUND, nowhere);
    assert_fails(mrq_recommender_open(&(mrq_options){.store = store, .redis = "host:port:port"}, &r, &err), MRQ_USAGE, "Redis");
    assert_null(r);
    mrq_recommender_close(NULL);
    mrq_answer_free(NULL);
}

static void answers_are_the_engines_wherever_they_come_from(void **state)
{
    (void)state;
    MRQ_CLEANUP(mrq_generation_close) mrq_generation *generation = NULL;
    assert_ok(mrq_generation_open(store, &generation, &err));
    const char *genre[] = {"genre001", "genre002"};
    const int64_t exclude[] = {10, 13, 40};
    const question queries[] = {
        {.age = "age003", .user = -1, .k = 5},
        {.user = 4, .k = 5},
        {.user = 4, .k = 6},
        {.user = 4, .k = 5, .filters = {.include_seen = true}},
        {.user = 4, .k = 5, .filters = {.genre = genre, .n_genres = 1}},
        {.user = 4, .k = 5, .filters = {.genre = genre, .n_genres = 2}},
        {.user = 4, .k = 5, .filters = {.genre = genre, .n_genres = 2, .all_genres = true}},
        {.user = 4, .k = 5, .filters = {.year_from = 1960}},
        {.user = 4, .k = 5, .filters = {.year_to = 1960}},
        {.user = 4, .k = 5, .filters = {.exclude = exclude, .n_exclude = 3}},
        {.user = 4, .k = 5, .filters = {.exclude = exclude, .n_exclude = 2}},
        {.age = "age003", .user = 4, .k = 5},
    };
    enum { N = sizeof queries / sizeof *queries };
    mrq_recommender *r = open_with(1 << 20, NULL);
    for (int round = 0; round < 3; round++)
        for (int i = 0; i < N; i++) {
            mrq_answer *result = ask(r, &queries[i]);
            assert_answers(generation, &queries[i], result);
            assert_string_equal(mrq_answer_cache_state(result), round ? "memory" : "off");
            MRQ_CLEANUP(cJSON_Delete) cJSON *json = document_of(result);
            assert_string_equal(text_at(json, "cache"), mrq_answer_cache_state(result));
            assert_string_equal(text_at(json, "generation"), newer);
            mrq_answer_free(result);
        }
    const mrq_stats stats = stats_of(r);
    assert_int_equal(stats.computed, N);
    assert_int_equal(stats.memory_hits, 2 * N);
    assert_int_equal(stats.memory_entries, N);
    assert_int_equal(stats.items, ITEMS);
    assert_string_equal(stats.generation, newer);
    mrq_recommender_close(r);
}

static void without_memory_all_is_computed(void **state)
{
    (void)state;
    mrq_recommender *r = open_with(0, NULL);
    for (int i = 0; i < 3; i++)
        mrq_answer_free(ask(r, &(question){.user = 4, .k = 5}));
    const mrq_stats stats = stats_of(r);
    assert_int_equal(stats.computed, 3);
    assert_int_equal(stats.memory_hits + stats.memory_entries + stats.memory_bytes, 0);
    mrq_recommender_close(r);
}

static void memory_keeps_within_its_bytes_and_what_is_asked(void **state)
{
    (void)state;
    enum { LIMIT = 200000 };
    mrq_recommender *r = open_with(LIMIT, NULL);
    const question favourite = {.user = 7, .k = 3};
    mrq_answer_free(ask(r, &favourite));
    for (int i = 0; i < 2000; i++) {
        mrq_answer_free(ask(r, &(question){.user = 1 + i % USERS, .k = 1 + (uint32_t)i / USERS}));
        assert_true(stats_of(r).memory_bytes <= LIMIT);
        mrq_answer *again = ask(r, &favourite);
        assert_string_equal(mrq_answer_cache_state(again), "memory");
        mrq_answer_free(again);
    }
    const mrq_stats stats = stats_of(r);
    assert_true(stats.memory_evicted > 0);
    assert_true(stats.memory_bytes > LIMIT / 4);
    mrq_recommender_close(r);
}

static void an_answer_too_large_for_memory_is_an_answer(void **state)
{
    (void)state;
    mrq_recommender *r = open_with(16 * 600, NULL); /* 600 bytes a shard */
    for (int i = 0; i < 2; i++) {
        mrq_answer *result = ask(r, &(question){.user = 7, .k = ITEMS});
        assert_string_equal(mrq_answer_cache_state(result), "off");
        mrq_answer_free(result);
    }
    assert_int_equal(stats_of(r).memory_entries, 0);
    mrq_recommender_close(r);
}

static void errors_are_told_each_time_and_not_kept(void **state)
{
    (void)state;
    mrq_recommender *r = open_with(1 << 20, NULL);
    mrq_answer *result = NULL;
    const char *const name[] = {"Opera"};
    const question_filters opera = {.genre = name, .n_genres = 1};
    for (int i = 0; i < 2; i++) {
        assert_fails(ask_recommend(r, &(question){.user = 4, .k = 0}, &result, &err), MRQ_USAGE, "k \"0\"");
        assert_fails(ask_recommend(r, &(question){.user = 4, .k = 1, .gender = "y"}, &result, &err), MRQ_USAGE, "gender \"y\"");
        assert_fails(ask_recommend(r, &(question){.age = "x", .user = -1, .k = 5}, &result, &err), MRQ_USAGE, "age \"x\"");
        assert_fails(ask_similar(r, "No such film", 5, NULL, &result, &err), MRQ_NOT_FOUND, "No such film");
        assert_fails(ask_item(r, 11, &result, &err), MRQ_NOT_FOUND, "item 11");
        assert_fails(ask_user(r, -1, 5, &result, &err), MRQ_NOT_FOUND, "user -1");
        assert_fails(ask_user(r, 4, MRQ_K_MAX + 1, &result, &err), MRQ_USAGE, "k \"1001\"");
        assert_fails(ask_search(r, "x", 0, &result, &err), MRQ_USAGE, "k \"0\"");
        assert_fails(ask_recommend(r, &(question){.user = 4, .k = 1, .filters = opera}, &result, &err), MRQ_USAGE,
                     "genre \"Opera\"");
        assert_fails(ask_similar(r, "13", 1, &opera, &result, &err), MRQ_USAGE, "genre \"Opera\"");
    }
    assert_null(result);
    assert_int_equal(stats_of(r).memory_entries, 0);
    mrq_recommender_close(r);
}

static void items_users_and_the_generation_are_told(void **state)
{
    (void)state;
    mrq_recommender *r = open_with(1 << 20, NULL);
    mrq_answer *result = NULL;
    assert_ok(ask_item(r, 13, &result, &err));
    assert_int_equal(mrq_answer_size(result), 1);
    assert_string_equal(mrq_answer_id(result, 0), "13");
    assert_string_equal(mrq_answer_text(result, 0, "title"), "Title 001");
    assert_true(isnan(mrq_answer_score(result, 0)));
    {
        MRQ_CLEANUP(cJSON_Delete) cJSON *json = document_of(result);
        const cJSON *object = cJSON_GetObjectItemCaseSensitive(json, "item");
        assert_string_equal(text_at(object, "title"), "Title 001");
        const cJSON *genres = cJSON_GetObjectItemCaseSensitive(object, "genres");
        const uint32_t n = mrq_answer_members(result, 0, "genres");
        assert_int_equal(cJSON_GetArraySize(genres), n);
        for (uint32_t g = 0; g < n; g++)
            assert_string_equal(mrq_answer_member(result, 0, "genres", g),
                                cJSON_GetStringValue(cJSON_GetArrayItem(genres, (int)g)));
        assert_true(number_at(object, "ratings") > 0);
    }
    mrq_answer_free(result);

    assert_ok(ask_similar(r, "Title 001", 4, NULL, &result, &err));
    assert_int_equal(mrq_answer_size(result), 4);
    assert_string_not_equal(mrq_answer_id(result, 0), "13");
    mrq_answer_free(result);

    assert_ok(ask_user(r, 4, 2, &result, &err));
    {
        MRQ_CLEANUP(cJSON_Delete) cJSON *json = document_of(result);
        const cJSON *object = cJSON_GetObjectItemCaseSensitive(json, "user");
        const mrq_lists *seen = mrq_model_seen(model);
        assert_true((uint64_t)number_at(object, "ratings") == seen->offset[4] - seen->offset[3]);
        assert_string_equal(text_at(cJSON_GetObjectItemCaseSensitive(object, "age"), "value"),
                            mrq_strings_at(&users->column[1].dict, users->column[1].code[3]));
        assert_int_equal(mrq_answer_size(result), 2);
    }
    mrq_answer_free(result);

    assert_ok(ask_info(r, &result, &err));
    assert_int_equal(mrq_answer_size(result), 0);
    {
        MRQ_CLEANUP(cJSON_Delete) cJSON *json = document_of(result);
        assert_string_equal(text_at(json, "generation"), newer);
        assert_string_equal(text_at(json, "version"), mrq_version());
        assert_string_equal(text_at(json, "score"), "rating");
        assert_int_equal(number_at(json, "users"), USERS);
        assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(json, "generations")), 2);
        assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(json, "genres")), 6);
        const cJSON *choices = cJSON_GetObjectItemCaseSensitive(json, "choices");
        assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(choices, "age")), 7);
        assert_true(cJSON_IsFalse(cJSON_GetObjectItemCaseSensitive(json, "feedback")));
    }
    mrq_answer_free(result);
    mrq_recommender_close(r);
}

/* The ids of what a search finds. */
static uint32_t search(mrq_recommender *r, const char *text, uint32_t k, int64_t *id)
{
    mrq_answer *result = NULL;
    assert_ok(ask_search(r, text, k, &result, &err));
    const uint32_t n = mrq_answer_size(result);
    for (uint32_t i = 0; i < n; i++)
        id[i] = strtoll(mrq_answer_id(result, i), NULL, 10);
    mrq_answer_free(result);
    return n;
}

/* ASCII's letters and digits belong to a word, and all that is not ASCII; what stands beside them in the table does not. */
static void words_end_where_letters_and_digits_do(void **state)
{
    (void)state;
    static const struct {
        const char *title;
        bool joins;
    } cases[] = {{"x/", false}, {"x0", true},  {"x9", true},  {"x:", false}, {"x@", false}, {"xA", true},        {"xZ", true},
                 {"x[", false}, {"x`", false}, {"xa", true},  {"xz", true},  {"x{", false}, {"x|", false},       {"x}", false},
                 {"x~", false}, {"x_", false}, {"x^", false}, {"x'", false}, {"x ", false}, {"x\xc3\xa9", true}, {"x-", false}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char where[PATH], name[MRQ_GENERATION_NAME], path[PATH + 20];
        MRQ_CLEANUP(mrq_table_free) mrq_table *titled = small_items(2, 3);
        titled->column[1].text = small_strings(titled->arena, cases[i].title, 2);
        MRQ_CLEANUP(mrq_model_free) mrq_model *its = model_of(STORE_MODEL, users, titled);
        snprintf(path, sizeof path, "%s/titled.mrq", folder);
        assert_ok(mrq_model_save(its, path, &err));
        assert_ok(mrq_store_export(new_store(where), path, &flat, name, NULL, NULL, &err));
        mrq_recommender *r = NULL;
        int64_t id[2];
        assert_ok(mrq_recommender_open(&(mrq_options){.store = where}, &r, &err));
        if (search(r, "000", 2, id) != (cases[i].joins ? 0 : 1))
            fail_msg("\"%s000\": 000 is %s word of its own", cases[i].title, cases[i].joins ? "a" : "no");
        assert_int_equal(search(r, "x", 2, id), 2);
        mrq_recommender_close(r);
    }
}

static void titles_are_found_by_the_beginnings_of_words(void **state)
{
    (void)state;
    mrq_recommender *r = open_with(0, NULL);
    int64_t id[ITEMS];
    assert_int_equal(search(r, "Title 007", 10, id), 1);
    assert_int_equal(id[0], 10 + 3 * 7);
    assert_int_equal(search(r, "  007, tITL ", 10, id), 1); /* words in any order, in either case */
    assert_int_equal(id[0], 10 + 3 * 7);
    assert_int_equal(search(r, "00", ITEMS, id), 10);
    static const char *const within[] = {"7", "07", "itle", "tle", "le", "e"}; /* none of them a beginning */
    for (size_t i = 0; i < sizeof within / sizeof *within; i++)
        assert_int_equal(search(r, within[i], ITEMS, id), 0);
    assert_int_equal(search(r, "title title", ITEMS, id), ITEMS);
    assert_int_equal(search(r, "", ITEMS, id), ITEMS);
    assert_int_equal(search(r, "?!", 10, id), 0);
    assert_int_equal(search(r, "\xff\xc3", 10, id), 0);
    assert_int_equal(search(r, "", 3, id), 3);
    const mrq_lists *seen = mrq_model_seen(model); /* the most rated first */
    uint32_t ratings[ITEMS] = {0}, most = 0;
    for (uint64_t i = 0; i < seen->offset[USERS]; i++)
        ratings[seen->item[i]]++;
    for (uint32_t i = 0; i < ITEMS; i++)
        most = ratings[i] > ratings[most] ? i : most;
    assert_int_equal(id[0], 10 + 3 * most);
    char text[300];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    mrq_answer *result = NULL;
    assert_fails(ask_search(r, text, 5, &result, &err), MRQ_USAGE, "query: 299 bytes");
    assert_fails(ask_search(r, "a b c d e f g h i j k l m n o p q r s t u", 5, &result, &err), MRQ_USAGE,
                 "query: more than 20 words");
    mrq_recommender_close(r);
}

static void titles_match_whatever_locale_the_program_has(void **state)
{
    (void)state;
    mrq_recommender *r = open_with(0, NULL);
    mrq_answer *result = NULL;
    int64_t id[ITEMS];
    turkish_locale(folder);
    const locale_t own = duplocale(LC_GLOBAL_LOCALE), before = uselocale(own);
    const uint32_t n = search(r, "007 TITLE", 10, id);
    const mrq_status status = ask_similar(r, "TITLE 007", 5, NULL, &result, &err);
    const bool restored = uselocale(before) == own;
    freelocale(own);
    setlocale(LC_ALL, "C");
    assert_true(restored); /* the caller's thread has the one that it had */
    assert_int_equal(n, 1);
    assert_ok(status);
    mrq_answer_free(result);
    mrq_recommender_close(r);
}

/* An answer in memory is that of one question alone: whatever differs makes another. */
static void each_part_of_a_question_makes_it_another(void **state)
{
    (void)state;
    const int64_t a[] = {10, 13}, b[] = {10, 16};
    const char *one[] = {"x", "y"}, *two[] = {"x", "z"}, *joined[] = {"xy", ""};
    const question queries[] = {
        {.user = 4, .k = 5},
        {.user = 5, .k = 5},
        {.user = 4, .k = 6},
        {.user = 4, .k = 5, .explain = 1},
        {.user = 4, .k = 5, .age = "1"},
        {.user = 4, .k = 5, .gender = "1"},
        {.user = 4, .k = 5, .job = "1"},
        {.user = 4, .k = 5, .age = ""},
        {.user = 4, .k = 5, .liked = a, .n_liked = 2},
        {.user = 4, .k = 5, .liked = b, .n_liked = 2},
        {.user = 4, .k = 5, .liked = a, .n_liked = 1},
        {.user = 4, .k = 5, .disliked = a, .n_disliked = 2},
        {.user = 4, .k = 5, .disliked = b, .n_disliked = 2},
        {.user = 4, .k = 5, .disliked = a, .n_disliked = 1},
        {.user = 4, .k = 5, .liked = a, .n_liked = 1, .disliked = a + 1, .n_disliked = 1},
        {.user = 4, .k = 5, .filters = {.exclude = a, .n_exclude = 2}},
        {.user = 4, .k = 5, .filters = {.exclude = b, .n_exclude = 2}},
        {.user = 4, .k = 5, .filters = {.genre = one, .n_genres = 2}},
        {.user = 4, .k = 5, .filters = {.genre = two, .n_genres = 2}},
        {.user = 4, .k = 5, .filters = {.genre = joined, .n_genres = 2}},
        {.user = 4, .k = 5, .filters = {.genre = one, .n_genres = 1}},
        {.user = 4, .k = 5, .filters = {.genre = one, .n_genres = 2, .all_genres = true}},
        {.user = 4, .k = 5, .filters = {.year_from = 1990}},
        {.user = 4, .k = 5, .filters = {.year_to = 1990}},
        {.user = 4, .k = 5, .filters = {.include_seen = true}},
    };
    enum { QUERIES = sizeof queries / sizeof *queries };
    static char key[QUERIES + MRQ_ASK_INFO][MRQ_QUERY_KEY];
    size_t size[QUERIES + MRQ_ASK_INFO];
    for (size_t i = 0; i < QUERIES + MRQ_ASK_INFO; i++) {
        ASKED_QUERY query = {0};
        assert_ok(asked_query(&queries[i < QUERIES ? i : 0], &query, &err));
        size[i] = mrq_query_key(&query, i < QUERIES ? MRQ_ASK_RECOMMEND : (mrq_ask)(i - QUERIES + 1), key[i]);
        assert_in_range(size[i], 1, MRQ_QUERY_KEY);
        for (size_t j = 0; j < i; j++)
            if (size[j] == size[i] && memcmp(key[j], key[i], size[i]) == 0)
                fail_msg("questions %zu and %zu have one key", j, i);
    }
}

/* Neither an empty list nor "out of memory". */
static void a_list_of_generations_that_the_system_refuses_is_an_error(void **state)
{
    (void)state;
    mrq_recommender *r = open_with(0, NULL);
    mrq_answer *result = NULL;
    struct rlimit before;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &(struct rlimit){0, before.rlim_max}), 0);
    const mrq_status status = ask_info(r, &result, &err);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_int_equal(status, MRQ_FAILED);
    assert_string_equal(err.msg, "cannot list the store's generations now; try again");
    mrq_recommender_close(r);
}

static void explanations_tell_so_many_parts_and_the_rest(void **state)
{
    (void)state;
    mrq_recommender *r = open_with(1 << 20, NULL);
    for (uint32_t told = 1; told <= 3; told++) {
        mrq_answer *result = ask(r, &(question){.user = 4, .k = 3, .explain = told});
        MRQ_CLEANUP(cJSON_Delete) cJSON *json = document_of(result);
        for (uint32_t i = 0; i < 3; i++) {
            double base, rest;
            const uint32_t n = mrq_answer_parts(result, i, &base, &rest);
            assert_int_equal(n, told < 2 ? told : 2); /* age and id are all there is */
            double sum = base + rest;
            for (uint32_t p = 0; p < n; p++)
                sum += mrq_answer_part_score(result, i, p);
            assert_true(fabs(sum - mrq_answer_score(result, i)) < 1e-5);
            const cJSON *item = cJSON_GetArrayItem(cJSON_GetObjectItemCaseSensitive(json, "results"), (int)i);
            const cJSON *why = cJSON_GetObjectItemCaseSensitive(item, "explanation");
            assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(why, "parts")), n);
            assert_true(cJSON_HasObjectItem(why, "rest") == (n < 2));
        }
        mrq_answer_free(result);
    }
    mrq_answer *plain = ask(r, &(question){.user = 4, .k = 3});
    double base, rest;
    assert_int_equal(mrq_answer_parts(plain, 0, &base, &rest), 0);
    mrq_answer_free(plain);
    mrq_recommender_close(r);
}

static void a_batch_is_its_queries_one_by_one(void **state)
{
    (void)state;
    enum { N = 60 };
    MRQ_CLEANUP(mrq_generation_close) mrq_generation *generation = NULL;
    assert_ok(mrq_generation_open(store, &generation, &err));
    question query[N];
    mrq_answer *result[N];
    static mrq_error error[N];
    for (int i = 0; i < N; i++)
        query[i] = (question){.user = i, .k = 4, .age = i >= 1 && i <= USERS ? NULL : "x"};
    mrq_recommender *r = open_with(1 << 20, NULL);
    for (uint32_t threads = 0; threads <= 3; threads++) {
        assert_ok(ask_batch(r, query, N, threads, result, error, &err));
        for (int i = 0; i < N; i++) {
            const bool there = i >= 1 && i <= USERS;
            assert_int_equal(error[i].status, there ? MRQ_OK : MRQ_USAGE);
            assert_true((result[i] != NULL) == there);
            if (there)
                assert_answers(generation, &query[i], result[i]);
            mrq_answer_free(result[i]);
        }
    }
    assert_ok(ask_batch(r, query, 0, 2, result, error, &err));
    mrq_recommender_close(r);
}

static void go_to(const char *generation)
{
    char name[MRQ_GENERATION_NAME];
    assert_ok(mrq_store_rollback(store, generation, name, &err));
}

static void a_batch_has_at_most_so_many_queries(void **state)
{
    (void)state;
    enum { MOST = MRQ_RECOMMEND_BATCH_MAX };
    mrq_recommender *r = open_with(0, NULL);
    const mrq_query **query = calloc(MOST + 1, sizeof(mrq_query *));
    mrq_answer **result = calloc(MOST + 1, sizeof *result);
    mrq_error *error = calloc(MOST + 1, sizeof *error);
    mrq_query *stranger = mrq_query_new();
    assert_true(query && result && error && stranger);
    assert_ok(mrq_query_set(stranger, "age", "x", &err));
    for (int i = 0; i <= MOST; i++)
        query[i] = stranger;
    assert_ok(mrq_recommender_batch(r, query, MOST, 0, result, error, &err));
    for (int i = 0; i < MOST; i++) {
        assert_int_equal(error[i].status, MRQ_USAGE);
        assert_null(result[i]);
    }
    assert_int_equal(error[MOST].status, MRQ_OK);
    assert_fails(mrq_recommender_batch(r, query, MOST + 1, 1, result, error, &err), MRQ_USAGE,
                 "a batch of 10001 queries, want at most 10000");
    mrq_query_free(stranger);
    free(query);
    free(result);
    free(error);
    mrq_recommender_close(r);
}

static void a_reload_takes_the_current_generation_and_results_stay(void **state)
{
    (void)state;
    mrq_recommender *r = open_with(1 << 20, NULL);
    const question query = {.user = 4, .k = 5};
    bool changed = true;
    assert_ok(mrq_recommender_reload(r, &changed, &err));
    assert_false(changed);
    mrq_answer *before = ask(r, &query);
    go_to(older);
    mrq_answer *still = ask(r, &query);
    assert_string_equal(generation_of(still), newer);
    assert_ok(mrq_recommender_reload(r, &changed, &err));
    assert_true(changed);
    mrq_answer *after = ask(r, &query);
    assert_string_equal(generation_of(after), older);
    assert_string_equal(mrq_answer_cache_state(after), "off"); /* what the memory held was the other's */
    go_to(newer);
    assert_ok(mrq_recommender_reload(r, NULL, &err));
    mrq_recommender_close(r);
    assert_string_equal(generation_of(before), newer); /* results outlive everything */
    assert_string_equal(mrq_answer_id(before, 0), mrq_answer_id(still, 0));
    assert_non_null(strstr(mrq_answer_json(before, NULL), newer));
    mrq_answer_free(before);
    mrq_answer_free(still);
    mrq_answer_free(after);
}

static void a_bad_generation_is_refused_and_the_old_one_serves_on(void **state)
{
    (void)state;
    char copy[PATH], command[4 * PATH];
    new_store(copy);
    snprintf(command, sizeof command, "cp -a '%s' '%s' && cd '%s' && ln -sfn 'generations/%s' current", store, copy, copy, older);
    assert_int_equal(system(command), 0);
    mrq_recommender *r = NULL;
    assert_ok(mrq_recommender_open(&(mrq_options){.store = copy, .memory = 1 << 20}, &r, &err));
    damage(copy, newer, "vectors.mrq");
    snprintf(command, sizeof command, "cd '%s' && ln -sfn 'generations/%s' current", copy, newer);
    assert_int_equal(system(command), 0);
    bool changed = false;
    for (int i = 1; i <= 2; i++) {
        assert_fails(mrq_recommender_reload(r, &changed, &err), MRQ_BAD_FILE, "vectors.mrq");
        assert_int_equal(stats_of(r).reloads_refused, i);
    }
    snprintf(command, sizeof command, "rm -r '%s'", copy);
    assert_int_equal(system(command), 0);
    assert_fails(mrq_recommender_reload(r, &changed, &err), MRQ_NOT_FOUND, "");
    assert_false(changed);
    mrq_answer *result = ask(r, &(question){.user = 4, .k = 5});
    assert_string_equal(generation_of(result), older);
    mrq_answer_free(result);
    assert_int_equal(stats_of(r).reloads, 0);
    mrq_recommender_close(r);
}

/* Memory runs out at the n-th allocation, for every n, of everything that can be asked: an error and no leak, and afterwards the
 * same recommender answers as before. */
static mrq_status ask_everything(mrq_recommender *r)
{
    const question query = {.user = 4, .k = 3, .explain = 2};
    const question_filters filters = {.year_from = 1950};
    mrq_answer *result[8] = {NULL};
    mrq_error error[2];
    mrq_status status = ask_recommend(r, &query, &result[0], NULL);
    if (status == MRQ_OK)
        status = ask_similar(r, "13", 3, &filters, &result[1], NULL);
    if (status == MRQ_OK)
        status = ask_item(r, 13, &result[2], NULL);
    if (status == MRQ_OK)
        status = ask_search(r, "title", 3, &result[3], NULL);
    if (status == MRQ_OK)
        status = ask_user(r, 4, 3, &result[4], NULL);
    if (status == MRQ_OK)
        status = ask_info(r, &result[5], NULL);
    if (status == MRQ_OK && (status = ask_batch(r, (const question[]){{.user = 5, .k = 2}, {.user = 6, .k = 2}}, 2, 1, &result[6],
                                                error, NULL)) == MRQ_OK)
        status = error[0].status ? error[0].status : error[1].status;
    for (int i = 0; i < 8; i++) {
        if (status == MRQ_OK && result[i] && !mrq_answer_json(result[i], NULL))
            status = MRQ_FAILED;
        mrq_answer_free(result[i]);
    }
    return status;
}

static void survives_without_memory(void **state)
{
    (void)state;
    for (int turn = 0; turn < 3; turn++) {
        const int memory = turn ? 1 << 20 : 0;
        int n = 0;
        one_fails_alone = turn == 2;
        for (bool failed = true; failed; n++) {
            mrq_recommender *r = NULL;
            allocations_left = n;
            mrq_status status = mrq_recommender_open(&(mrq_options){.store = store, .memory = (size_t)memory}, &r, NULL);
            if (status == MRQ_OK)
                status = ask_everything(r);
            failed = allocations_left < 0;
            allocations_left = INT_MAX;
            assert_true(failed || status == MRQ_OK);
            if (r && failed)
                assert_int_equal(ask_everything(r), MRQ_OK);
            mrq_recommender_close(r);
            assert_true(n < 10000);
        }
        assert_true(n > 100);
    }
    one_fails_alone = false;
    int n = 0;
    for (mrq_status status = MRQ_FAILED; status != MRQ_OK; n++) { /* with a Redis, which need not be there */
        mrq_recommender *r = NULL;
        allocations_left = n;
        status = mrq_recommender_open(&(mrq_options){.store = store, .redis = "unix:/nowhere/redis.sock"}, &r, NULL);
        allocations_left = INT_MAX;
        assert_true((r != NULL) == (status == MRQ_OK));
        mrq_recommender_close(r);
    }
    assert_true(n > 10);
    mrq_recommender *r = open_with(1 << 20, NULL);
    go_to(older);
    bool changed = false;
    for (n = 0; !changed; n++) {
        allocations_left = n;
        const mrq_status status = mrq_recommender_reload(r, &changed, NULL);
        allocations_left = INT_MAX;
        assert_true(changed == (status == MRQ_OK));
        mrq_answer *result = ask(r, &(question){.user = 4, .k = 3});
        assert_string_equal(generation_of(result), changed ? older : newer);
        mrq_answer_free(result);
        assert_true(n < 10000);
    }
    go_to(newer);
    mrq_recommender_close(r);
}

/* Threads */

typedef struct work {
    mrq_recommender *r;
    const mrq_generation *generation[2];
    atomic_bool stop;
    pthread_barrier_t start;
    atomic_int wrong, answered;
} work;

static void *ask_the_same(void *context)
{
    work *w = context;
    pthread_barrier_wait(&w->start);
    for (uint32_t k = 1; k <= ITEMS; k++) {
        mrq_answer *result = NULL;
        if (ask_recommend(w->r, &(question){.user = 4, .k = k}, &result, NULL) != MRQ_OK)
            atomic_fetch_add(&w->wrong, 1);
        else
            mrq_answer_free(result);
        pthread_barrier_wait(&w->start);
    }
    return NULL;
}

static void run_threads(work *w, void *(*run)(void *))
{
    pthread_t thread[THREADS];
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&thread[i], NULL, run, w), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(thread[i], NULL);
}

static void what_many_ask_at_once_is_computed_once(void **state)
{
    (void)state;
    work w = {.r = open_with(1 << 20, NULL)};
    pthread_barrier_init(&w.start, NULL, THREADS);
    run_threads(&w, ask_the_same);
    pthread_barrier_destroy(&w.start);
    const mrq_stats stats = stats_of(w.r);
    assert_int_equal(w.wrong, 0);
    assert_int_equal(stats.computed, ITEMS);
    assert_int_equal(stats.memory_hits, (THREADS - 1) * ITEMS);
    mrq_recommender_close(w.r);
}

/* While `meet` is set, who opens a generation gives another some time to come and open it as well. */
static atomic_bool meet;
static atomic_int openings;
mrq_status __real_mrq_snapshot_open(const char *path, mrq_backend *backend, mrq_purpose purpose, mrq_snapshot **out,
                                    mrq_error *error);
mrq_status __wrap_mrq_snapshot_open(const char *path, mrq_backend *backend, mrq_purpose purpose, mrq_snapshot **out,
                                    mrq_error *error);

mrq_status __wrap_mrq_snapshot_open(const char *path, mrq_backend *backend, mrq_purpose purpose, mrq_snapshot **out,
                                    mrq_error *error)
{
    atomic_fetch_add(&openings, 1);
    for (int ms = 0; atomic_load(&meet) && atomic_load(&openings) < 2 && ms < 300; ms++)
        usleep(1000);
    return __real_mrq_snapshot_open(path, backend, purpose, out, error);
}

static void *reload_once(void *context)
{
    work *w = context;
    bool changed = false;
    if (mrq_recommender_reload(w->r, &changed, NULL) != MRQ_OK)
        atomic_fetch_add(&w->wrong, 1);
    atomic_fetch_add(&w->answered, changed);
    return NULL;
}

static void a_generation_is_taken_once_however_many_reload(void **state)
{
    (void)state;
    work w = {.r = open_with(1 << 20, NULL)};
    go_to(older);
    openings = 0;
    meet = true;
    run_threads(&w, reload_once);
    meet = false;
    assert_int_equal(w.wrong, 0);
    assert_int_equal(openings, 1);
    assert_int_equal(w.answered, 1); /* who changed it */
    assert_int_equal(stats_of(w.r).reloads, 1);
    go_to(newer);
    mrq_recommender_close(w.r);
}

typedef struct waiters {
    mrq_answer_cache *answers;
    atomic_int got;
} waiters;

static void *take_or_fail(void *context)
{
    waiters *w = context;
    bool waited;
    mrq_cached_answer *finished = mrq_answer_cache_take(w->answers, "key", 3, &waited);
    if (!finished)
        mrq_answer_cache_give(w->answers, "key", 3, NULL);
    else if (waited)
        atomic_fetch_add(&w->got, 1);
    mrq_cached_answer_release(finished);
    return NULL;
}

/* Computes `finished`, or fails where that is NULL, while all others wait for it; they are given some time to begin. */
static int share(mrq_answer_cache *answers, mrq_cached_answer *finished, useconds_t time)
{
    bool waited;
    waiters w = {.answers = answers};
    pthread_t thread[THREADS];
    assert_null(mrq_answer_cache_take(answers, "key", 3, &waited));
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&thread[i], NULL, take_or_fail, &w), 0);
    usleep(time);
    mrq_answer_cache_give(answers, "key", 3, finished);
    for (int i = 0; i < THREADS; i++)
        pthread_join(thread[i], NULL);
    return w.got;
}

/* The most rated items. */
static void find_first(mrq_snapshot *serving, uint32_t k, mrq_cached_answer **out)
{
    ASKED_QUERY query = {0};
    assert_ok(mrq_query_put(&query, MRQ_Q_TEXT, "", &err));
    assert_ok(asked_number(&query, MRQ_Q_K, k, &err));
    assert_ok(mrq_find_titles(serving, &query, NULL, out, &err));
}

static void what_is_too_large_to_keep_goes_to_all_who_wait(void **state)
{
    (void)state;
    mrq_snapshot *serving;
    mrq_cached_answer *finished;
    atomic_ullong evicted = 0;
    mrq_answer_cache *answers = mrq_answer_cache_new(16 * 600, &evicted); /* 600 bytes a shard */
    assert_non_null(answers);
    assert_ok(mrq_snapshot_open(store, NULL, MRQ_FOR_ALL, &serving, &err));
    find_first(serving, ITEMS, &finished);
    useconds_t time = 20000;
    while (share(answers, finished, time) < THREADS) /* some came too late */
        assert_true((time *= 2) < 5000000);
    assert_int_equal(mrq_answer_cache_measure(answers).entries, 0);
    assert_int_equal(share(answers, NULL, time), 0); /* each tries in its turn */
    mrq_answer_cache_free(answers);
    mrq_cached_answer_release(finished);
    mrq_snapshot_release(serving);
}

/* Which of some keys are left, as bits, where each shard has room for one answer. */
static uint64_t kept_of_64(mrq_snapshot *serving, mrq_cached_answer *finished)
{
    atomic_ullong evicted = 0;
    mrq_answer_cache *answers = mrq_answer_cache_new(16 * 2 * (mrq_cached_answer_bytes(finished) + 200), &evicted);
    uint64_t kept = 0;
    bool waited;
    assert_non_null(answers);
    for (uint64_t key = 0; key < 64; key++) {
        assert_null(mrq_answer_cache_take(answers, &key, sizeof key, &waited));
        mrq_answer_cache_give(answers, &key, sizeof key, finished);
    }
    for (uint64_t key = 0; key < 64; key++) {
        mrq_cached_answer *found = mrq_answer_cache_take(answers, &key, sizeof key, &waited);
        if (!found)
            mrq_answer_cache_give(answers, &key, sizeof key, NULL);
        kept |= (uint64_t)(found != NULL) << key;
        mrq_cached_answer_release(found);
    }
    assert_true(evicted > 0 && serving->generation);
    mrq_answer_cache_free(answers);
    return kept;
}

/* Who could tell which questions meet in one place could keep all others out of it. */
static void nobody_knows_which_questions_meet(void **state)
{
    (void)state;
    mrq_snapshot *serving;
    mrq_cached_answer *finished;
    assert_ok(mrq_snapshot_open(store, NULL, MRQ_FOR_ALL, &serving, &err));
    find_first(serving, 1, &finished);
    const uint64_t first = kept_of_64(serving, finished);
    int others = 0;
    for (int i = 0; i < 8; i++)
        others += kept_of_64(serving, finished) != first;
    assert_true(others > 0);
    mrq_cached_answer_release(finished);
    mrq_snapshot_release(serving);
}

/* Every answer is right for the generation it names. */
static void *ask_all_kinds(void *context)
{
    work *w = context;
    for (uint32_t i = 0; !atomic_load(&w->stop) && i < 20000; i++) {
        const question query = {.user = 1 + i % USERS, .k = 1 + i % 7};
        mrq_answer *result = NULL, *other = NULL;
        mrq_content answer = {0};
        bool good = ask_recommend(w->r, &query, &result, NULL) == MRQ_OK;
        if (good) {
            const bool old = strcmp(generation_of(result), older) == 0;
            good = asked_recommend(w->generation[!old], NULL, &query, &answer, NULL) == MRQ_OK &&
                   answer.n == mrq_answer_size(result) && mrq_answer_json(result, NULL);
            for (uint32_t j = 0; good && j < answer.n; j++)
                good = strcmp(mrq_answer_id(result, j), mrq_table_id(items, answer.hit[j].item)) == 0;
        }
        if (i % 16 == 0)
            good = good && ask_info(w->r, &other, NULL) == MRQ_OK;
        else if (i % 16 == 1)
            good = good && ask_search(w->r, "00", 5, &other, NULL) == MRQ_OK;
        else if (i % 16 == 2)
            mrq_recommender_flush(w->r);
        atomic_fetch_add(good ? &w->answered : &w->wrong, 1);
        mrq_content_clear(&answer);
        mrq_answer_free(result);
        mrq_answer_free(other);
    }
    return NULL;
}

static void *switch_generations(void *context)
{
    work *w = context;
    for (int i = 0; i < 100; i++) {
        char name[MRQ_GENERATION_NAME];
        bool changed = false;
        const bool good = mrq_store_rollback(store, i % 2 ? newer : older, name, NULL) == MRQ_OK &&
                          mrq_recommender_reload(w->r, &changed, NULL) == MRQ_OK && changed;
        if (!good)
            atomic_fetch_add(&w->wrong, 1);
    }
    atomic_store(&w->stop, true);
    return NULL;
}

static void answers_stay_right_while_generations_change(void **state)
{
    (void)state;
    MRQ_CLEANUP(mrq_generation_close) mrq_generation *old = NULL;
    MRQ_CLEANUP(mrq_generation_close) mrq_generation *new = NULL;
    assert_ok(mrq_generation_open(store, &new, &err));
    go_to(older);
    assert_ok(mrq_generation_open(store, &old, &err));
    go_to(newer);
    work w = {.r = open_with(20000, redis.pid ? redis_address(&redis) : NULL), .generation = {old, new}};
    pthread_t reloader;
    assert_int_equal(pthread_create(&reloader, NULL, switch_generations, &w), 0);
    run_threads(&w, ask_all_kinds);
    pthread_join(reloader, NULL);
    assert_int_equal(w.wrong, 0);
    assert_true(w.answered > 100);
    assert_int_equal(stats_of(w.r).reloads, 100);
    mrq_recommender_close(w.r);
}

/* Redis */

static void recommenders_share_answers_and_counts_through_redis(void **state)
{
    (void)state;
    need_redis(&redis);
    freeReplyObject(redis_raw(&redis, NULL, "FLUSHALL"));
    mrq_recommender *one = open_with(1 << 20, redis_address(&redis)), *two = open_with(0, redis_address(&redis));
    const question query = {.user = 4, .k = 5};
    mrq_answer *first = ask(one, &query), *second = ask(two, &query);
    assert_string_equal(mrq_answer_cache_state(first), "miss");
    assert_string_equal(mrq_answer_cache_state(second), "hit");
    assert_int_equal(stats_of(two).redis_hits, 1);
    for (uint32_t i = 0; i < 5; i++)
        assert_true(mrq_answer_score(first, i) == mrq_answer_score(second, i)); /* NOLINT: to the bit */
    mrq_answer_free(first);
    mrq_answer_free(second);
    for (int i = 0; i < 9; i++)
        mrq_answer_free(ask(one, &query));
    assert_int_equal(redis_number(&redis, "ZCARD %s", MRQ_HOT_KEY), 1);
    for (int i = 0; i < 3; i++) { /* what is no query is not told */
        mrq_answer *other = NULL;
        assert_ok(ask_similar(one, "13", 3, NULL, &other, &err));
        mrq_answer_free(other);
    }
    mrq_recommender_flush(one);
    mrq_recommender_flush(one); /* what was told is not told again */
    assert_int_equal(redis_number(&redis, "ZCARD %s", MRQ_HOT_KEY), 1);
    freeReplyObject(redis_raw(&redis, NULL, "ZINCRBY %s 0 x", MRQ_HOT_KEY));
    redisReply *top = redis_raw(&redis, NULL, "ZREVRANGE %s 0 0 WITHSCORES", MRQ_HOT_KEY);
    assert_int_equal(top->elements, 2);
    assert_string_equal(top->element[1]->str, "11");
    freeReplyObject(top);
    mrq_recommender_close(one);
    mrq_recommender_close(two);
}

/* Asks until Redis answers, so that the connection is there: a busy machine can make it look down. */
static void connect_idle(const mrq_connection *connection)
{
    void *value;
    size_t size;
    int tries = 0;
    assert_non_null(connection->cache);
    while (mrq_cache_get(connection->cache, "no such key", NULL, &value, &size) != MRQ_CACHE_MISS) {
        assert_true(++tries < 100);
        usleep(20000);
    }
}

static double connections_made(void)
{
    static const char script[] = "return tonumber(string.match(redis.call('info', 'stats'), 'total_connections_received:(%d+)'))";
    return redis_number(&redis, "EVAL %s 0", script);
}

static void connections_are_kept_up_to_a_number(void **state)
{
    (void)state;
    enum { CROWD = MRQ_CONNECTIONS_POOLED + 8 };
    need_redis(&redis);
    mrq_connections *connections = NULL;
    mrq_connection connection[CROWD];
    assert_ok(mrq_connections_new(redis_address(&redis), 60, &connections, &err));
    const int before = descriptors_of_process();
    for (int i = 0; i < CROWD; i++) {
        connection[i] = mrq_connections_take(connections);
        connect_idle(&connection[i]);
    }
    assert_int_equal(descriptors_of_process(), before + CROWD);
    for (int i = 0; i < CROWD; i++)
        mrq_connections_give(connections, connection[i]);
    assert_int_equal(descriptors_of_process(), before + MRQ_CONNECTIONS_POOLED);
    const double made = connections_made();
    for (int i = 0; i < 50; i++) {
        const mrq_connection again = mrq_connections_take(connections);
        connect_idle(&again);
        mrq_connections_give(connections, again);
    }
    assert_true(connections_made() - made < 25); /* one is this question's, and a busy machine may cost some */
    mrq_connections_free(connections);
    assert_int_equal(descriptors_of_process(), before);
}

/* The 65th connection that is put back is closed, which would have to wait for its look-up. */
static void no_answer_waits_for_a_name(void **state)
{
    (void)state;
    mrq_connections *connections = NULL;
    mrq_connection connection[MRQ_CONNECTIONS_POOLED + 1];
    void *value;
    size_t size;
    const int threads = threads_of_process();
    names_held = true;
    assert_ok(mrq_connections_new("held.test:1", 60, &connections, &err));
    for (int i = 0; i <= MRQ_CONNECTIONS_POOLED; i++)
        connection[i] = mrq_connections_take(connections);
    assert_int_equal(mrq_cache_get(connection[MRQ_CONNECTIONS_POOLED].cache, "key", NULL, &value, &size), MRQ_CACHE_DOWN);
    for (int i = 0; i <= MRQ_CONNECTIONS_POOLED; i++)
        mrq_connections_give(connections, connection[i]);
    assert_threads(threads + 1);
    names_held = false;
    mrq_connections_free(connections);
    assert_threads(threads);
}

static void a_dead_redis_is_told_and_harms_nobody(void **state)
{
    (void)state;
    mrq_recommender *r = open_with(1 << 20, "unix:/nowhere/redis.sock");
    mrq_answer *result = ask(r, &(question){.user = 4, .k = 5});
    assert_string_equal(mrq_answer_cache_state(result), "down");
    mrq_answer_free(result);
    mrq_recommender_flush(r);
    const mrq_stats stats = stats_of(r);
    assert_in_range(stats.redis_errors, 1, 10);
    assert_non_null(strstr(stats.redis_problem, "/nowhere/redis.sock"));
    mrq_recommender_close(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(opening_fails_with_a_sentence),
        cmocka_unit_test(answers_are_the_engines_wherever_they_come_from),
        cmocka_unit_test(without_memory_all_is_computed),
        cmocka_unit_test(memory_keeps_within_its_bytes_and_what_is_asked),
        cmocka_unit_test(an_answer_too_large_for_memory_is_an_answer),
        cmocka_unit_test(errors_are_told_each_time_and_not_kept),
        cmocka_unit_test(items_users_and_the_generation_are_told),
        cmocka_unit_test(titles_are_found_by_the_beginnings_of_words),
        cmocka_unit_test(words_end_where_letters_and_digits_do),
        cmocka_unit_test(titles_match_whatever_locale_the_program_has),
        cmocka_unit_test(each_part_of_a_question_makes_it_another),
        cmocka_unit_test(a_list_of_generations_that_the_system_refuses_is_an_error),
        cmocka_unit_test(explanations_tell_so_many_parts_and_the_rest),
        cmocka_unit_test(a_batch_is_its_queries_one_by_one),
        cmocka_unit_test(a_batch_has_at_most_so_many_queries),
        cmocka_unit_test(a_reload_takes_the_current_generation_and_results_stay),
        cmocka_unit_test(a_bad_generation_is_refused_and_the_old_one_serves_on),
        cmocka_unit_test(survives_without_memory),
        cmocka_unit_test(what_many_ask_at_once_is_computed_once),
        cmocka_unit_test(a_generation_is_taken_once_however_many_reload),
        cmocka_unit_test(what_is_too_large_to_keep_goes_to_all_who_wait),
        cmocka_unit_test(nobody_knows_which_questions_meet),
        cmocka_unit_test(answers_stay_right_while_generations_change),
        cmocka_unit_test(recommenders_share_answers_and_counts_through_redis),
        cmocka_unit_test(connections_are_kept_up_to_a_number),
        cmocka_unit_test(no_answer_waits_for_a_name),
        cmocka_unit_test(a_dead_redis_is_told_and_harms_nobody),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
