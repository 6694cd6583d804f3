/* Every function that the library exports, with what a caller may get wrong: none crashes, each does what its header says. Which
 * functions there are says include/libmarquee.map, so that a new one is missed here. */
#include "unit/slow_names.h"
#include "unit/store_world.h"

#include <math.h>
#include <pthread.h>

#include "base/json.h"
#include "marquee/marquee.h"

static char store[PATH];
static mrq_recommender *r;
static mrq_result *plain, *explained; /* of two movies each */
static mrq_result *none;              /* what no call that fails fills */

static int at_rest; /* threads of the process, when none has been started */

static void *count_threads(void *context)
{
    at_rest = threads_of_process() - 1;
    return context;
}

static int set_up(void **state)
{
    char name[MRQ_GENERATION_NAME];
    pthread_t id;
    /* In a thread, as a sanitizer's own starts with the first. */
    if (pthread_create(&id, NULL, count_threads, NULL) != 0 || pthread_join(id, NULL) != 0)
        return -1;
    make_world(state);
    export_to(new_store(store), name);
    const mrq_query query = {.user = 4, .k = 2}, why = {.user = 4, .k = 2, .explain = MRQ_EXPLAIN_ALL};
    assert_ok(mrq_recommender_open(&(mrq_options){.store = store, .memory = 1 << 20}, &r, &err));
    assert_ok(mrq_recommender_recommend(r, &query, &plain, &err));
    assert_ok(mrq_recommender_recommend(r, &why, &explained, &err));
    return 0;
}

static int tear_down(void **state)
{
    mrq_result_free(plain);
    mrq_result_free(explained);
    mrq_recommender_close(r);
    return free_world(state);
}

/* Refused with this sentence, and with no error to fill as well. */
#define assert_refused(call, sentence)                                                                                             \
    do {                                                                                                                           \
        mrq_error *to = &err;                                                                                                      \
        assert_fails(call, MRQ_USAGE, sentence);                                                                                   \
        to = NULL;                                                                                                                 \
        assert_int_equal(call, MRQ_USAGE);                                                                                         \
        assert_null(none);                                                                                                         \
    } while (0)

static void open_misused(void)
{
    mrq_recommender *opened = NULL;
    assert_refused(mrq_recommender_open(NULL, &opened, to), "options is NULL");
    assert_refused(mrq_recommender_open(&(mrq_options){0}, &opened, to), "store is NULL");
    assert_refused(mrq_recommender_open(&(mrq_options){.store = store}, NULL, to), "out is NULL");
    assert_refused(mrq_recommender_open(&(mrq_options){.store = store, .redis = ""}, &opened, to), "Redis");
    assert_refused(mrq_recommender_open(&(mrq_options){.store = store, .backend = ""}, &opened, to), "backend");
    assert_fails(mrq_recommender_open(&(mrq_options){.store = ""}, &opened, &err), MRQ_NOT_FOUND, "");
    assert_null(opened);
}

static void close_misused(void)
{
    mrq_recommender_close(NULL);
}

static void reload_misused(void)
{
    bool changed = true;
    assert_refused(mrq_recommender_reload(NULL, &changed, to), "recommender is NULL");
    assert_true(changed);
    assert_ok(mrq_recommender_reload(r, NULL, &err));
}

static void flush_misused(void)
{
    mrq_recommender_flush(NULL);
    mrq_recommender_flush(r);
}

static void recommend_misused(void)
{
    const mrq_query query = {.user = 4, .k = 2};
    const char *genre[] = {"genre001", NULL};
    assert_refused(mrq_recommender_recommend(NULL, &query, &none, to), "recommender is NULL");
    assert_refused(mrq_recommender_recommend(r, NULL, &none, to), "query is NULL");
    assert_refused(mrq_recommender_recommend(r, &query, NULL, to), "out is NULL");
    assert_refused(mrq_recommender_recommend(r, &(mrq_query){0}, &none, to), "k 0: want 1 to 1000");
    const struct {
        mrq_query query;
        const char *sentence;
    } wrong[] = {
        {{.user = 4, .k = UINT32_MAX}, "k 4294967295"},
        {{.user = INT64_MIN, .k = 2}, "user -9223372036854775808"},
        {{.user = 4, .k = 2, .n_liked = 1}, "liked: 1 of them, but no list"},
        {{.user = 4, .k = 2, .n_disliked = UINT32_MAX}, "disliked: 4294967295 of them, but no list"},
        {{.user = 4, .k = 2, .filters = {.n_genres = 1}}, "genre: 1 of them, but no list"},
        {{.user = 4, .k = 2, .filters = {.genre = genre, .n_genres = 2}}, "genre is NULL"},
        {{.user = 4, .k = 2, .filters = {.n_exclude = 1}}, "exclude: 1 of them, but no list"},
        {{.user = 4, .k = 2, .filters = {.year_from = INT32_MIN}}, "year -2147483648"},
        {{.user = 4, .k = 2, .filters = {.year_to = INT32_MAX}}, "year 0 to 2147483647"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_refused(mrq_recommender_recommend(r, &wrong[i].query, &none, to), wrong[i].sentence);
}

static void batch_misused(void)
{
    const mrq_query query[] = {{.user = 4, .k = 2}, {0}};
    mrq_result *result[] = {NULL, plain};
    mrq_error error[2];
    assert_refused(mrq_recommender_batch(NULL, query, 2, 1, result, error, to), "recommender is NULL");
    assert_refused(mrq_recommender_batch(r, NULL, 2, 1, result, error, to), "query is NULL");
    assert_refused(mrq_recommender_batch(r, query, 2, 1, NULL, error, to), "result is NULL");
    assert_refused(mrq_recommender_batch(r, query, UINT32_MAX, 1, result, error, to), "a batch of 4294967295 queries");
    assert_ok(mrq_recommender_batch(r, NULL, 0, 0, NULL, NULL, &err));
    for (uint32_t threads = 0; threads < 3; threads++) { /* nobody asks why one failed */
        assert_ok(mrq_recommender_batch(r, query, 2, threads, result, NULL, &err));
        assert_true(result[0] && !result[1]);
        assert_string_equal(mrq_result_json(result[0], NULL) ? mrq_result_cache(result[0]) : "", "memory");
        mrq_result_free(result[0]);
    }
}

static void similar_misused(void)
{
    const char *genre[] = {NULL};
    mrq_result *with = NULL, *without = NULL;
    assert_refused(mrq_recommender_similar(NULL, "13", 2, NULL, &none, to), "recommender is NULL");
    assert_refused(mrq_recommender_similar(r, NULL, 2, NULL, &none, to), "movie is NULL");
    assert_refused(mrq_recommender_similar(r, "13", 2, NULL, NULL, to), "out is NULL");
    assert_refused(mrq_recommender_similar(r, "13", 0, NULL, &none, to), "k 0");
    assert_refused(mrq_recommender_similar(r, "13", 2, &(mrq_filters){.genre = genre, .n_genres = 1}, &none, to), "genre is NULL");
    assert_fails(mrq_recommender_similar(r, "", 2, NULL, &none, &err), MRQ_NOT_FOUND, "movie \"\"");
    assert_ok(mrq_recommender_similar(r, "13", MRQ_K_MAX, NULL, &without, &err)); /* no filters are those that keep all */
    assert_ok(mrq_recommender_similar(r, "13", MRQ_K_MAX, &(mrq_filters){0}, &with, &err));
    assert_int_equal(mrq_result_size(without), MOVIES - 1);
    assert_int_equal(mrq_result_size(with), MOVIES - 1);
    for (uint32_t i = 0; i < MOVIES - 1; i++)
        assert_int_equal(mrq_result_movie(with, i).id, mrq_result_movie(without, i).id);
    mrq_result_free(with);
    mrq_result_free(without);
}

static void movie_misused(void)
{
    assert_refused(mrq_recommender_movie(NULL, 13, &none, to), "recommender is NULL");
    assert_refused(mrq_recommender_movie(r, 13, NULL, to), "out is NULL");
    assert_fails(mrq_recommender_movie(r, INT64_MIN, &none, &err), MRQ_NOT_FOUND, "movie -9223372036854775808");
    assert_fails(mrq_recommender_movie(r, INT64_MAX, &none, &err), MRQ_NOT_FOUND, "movie 9223372036854775807");
}

static void search_misused(void)
{
    assert_refused(mrq_recommender_search(NULL, "x", 2, &none, to), "recommender is NULL");
    assert_refused(mrq_recommender_search(r, NULL, 2, &none, to), "text is NULL");
    assert_refused(mrq_recommender_search(r, "x", 2, NULL, to), "out is NULL");
    assert_refused(mrq_recommender_search(r, "x", 0, &none, to), "k 0");
}

static void user_misused(void)
{
    assert_refused(mrq_recommender_user(NULL, 4, 2, &none, to), "recommender is NULL");
    assert_refused(mrq_recommender_user(r, 4, 2, NULL, to), "out is NULL");
    assert_refused(mrq_recommender_user(r, 4, 0, &none, to), "k 0");
    assert_fails(mrq_recommender_user(r, INT64_MIN, 2, &none, &err), MRQ_NOT_FOUND, "user -9223372036854775808");
}

static void info_misused(void)
{
    assert_refused(mrq_recommender_info(NULL, &none, to), "recommender is NULL");
    assert_refused(mrq_recommender_info(r, NULL, to), "out is NULL");
}

static void stats_misused(void)
{
    static const mrq_stats nothing;
    mrq_stats stats;
    memset(&stats, 1, sizeof stats);
    mrq_recommender_stats(NULL, &stats);
    assert_memory_equal(&stats, &nothing, sizeof stats);
    mrq_recommender_stats(r, NULL);
    mrq_recommender_stats(NULL, NULL);
}

static void free_misused(void)
{
    mrq_result_free(NULL);
}

static void json_misused(void)
{
    size_t size = 1;
    assert_null(mrq_result_json(NULL, &size));
    assert_int_equal(size, 0);
    assert_null(mrq_result_json(NULL, NULL));
    assert_non_null(mrq_result_json(plain, NULL));
}

static void cache_misused(void)
{
    assert_string_equal(mrq_result_cache(NULL), "");
}

static void generation_misused(void)
{
    assert_string_equal(mrq_result_generation(NULL), "");
}

static void size_misused(void)
{
    assert_int_equal(mrq_result_size(NULL), 0);
    assert_int_equal(mrq_result_size(plain), 2);
}

/* Results and places that are not there. */
static const struct {
    mrq_result **result;
    uint32_t i;
} nowhere[] = {{&none, 0}, {&plain, 2}, {&plain, UINT32_MAX}, {&explained, 2}, {&explained, UINT32_MAX}};
#define NOWHERE (sizeof nowhere / sizeof *nowhere)

static void result_movie_misused(void)
{
    for (size_t n = 0; n < NOWHERE; n++) {
        const mrq_movie movie = mrq_result_movie(*nowhere[n].result, nowhere[n].i);
        assert_int_equal(movie.id, -1);
        assert_string_equal(movie.title, "");
        assert_int_equal(movie.year, 0);
        assert_int_equal(movie.n_genres, 0);
        assert_true(isnan(movie.score));
    }
}

static void genre_misused(void)
{
    for (size_t n = 0; n < NOWHERE; n++)
        assert_string_equal(mrq_result_genre(*nowhere[n].result, nowhere[n].i, 0), "");
    for (uint32_t i = 0; i < 2; i++) {
        const uint32_t n = mrq_result_movie(plain, i).n_genres;
        for (uint32_t g = 0; g < n; g++)
            assert_string_not_equal(mrq_result_genre(plain, i, g), "");
        assert_string_equal(mrq_result_genre(plain, i, n), "");
        assert_string_equal(mrq_result_genre(plain, i, UINT32_MAX), "");
    }
}

static void reasons_misused(void)
{
    for (size_t n = 0; n <= NOWHERE; n++) { /* and a movie that is there, of an answer without explanation */
        const mrq_result *result = n < NOWHERE ? *nowhere[n].result : plain;
        const uint32_t i = n < NOWHERE ? nowhere[n].i : 0;
        double base = 1, rest = 1;
        assert_int_equal(mrq_result_reasons(result, i, &base, &rest), 0);
        assert_true(isnan(base) && isnan(rest));
        assert_int_equal(mrq_result_reasons(result, i, NULL, NULL), 0);
    }
    double base = NAN;
    assert_int_equal(mrq_result_reasons(explained, 1, NULL, NULL), 2);
    assert_int_equal(mrq_result_reasons(explained, 1, &base, NULL), 2);
    assert_true(isfinite(base));
}

static void assert_no_reason(mrq_reason reason)
{
    assert_string_equal(reason.input, "");
    assert_string_equal(reason.value, "");
    assert_int_equal(reason.id, -1);
    assert_true(isnan(reason.score));
}

static void reason_misused(void)
{
    for (size_t n = 0; n < NOWHERE; n++)
        assert_no_reason(mrq_result_reason(*nowhere[n].result, nowhere[n].i, 0));
    assert_no_reason(mrq_result_reason(plain, 0, 0));
    assert_no_reason(mrq_result_reason(explained, 0, 2));
    assert_no_reason(mrq_result_reason(explained, 0, UINT32_MAX));
    assert_string_not_equal(mrq_result_reason(explained, 1, 1).input, "");
}

static void error_json_misused(void)
{
    static const char *const codes[] = {"ok", "failed", "usage", "not_found", "bad_file", "unavailable", "failed", "failed"};
    static const int statuses[] = {0, 1, 2, 3, 4, 5, 6, 77};
    assert_null(mrq_error_json(NULL));
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        char want[100];
        snprintf(want, sizeof want, "{\"schema\":1,\"error\":{\"code\":\"%s\",\"message\":\"why\"}}\n", codes[i]);
        mrq_error error = {.msg = "why"};
        memcpy(&error.status, &statuses[i], sizeof error.status); /* no value of the type, as of another language */
        char *text = mrq_error_json(&error);
        assert_string_equal(text, want);
        free(text);
    }
    const int negative = -1;
    mrq_error error = {.msg = ""};
    memcpy(&error.status, &negative, sizeof error.status);
    char *text = mrq_error_json(&error);
    assert_non_null(strstr(text, "\"failed\""));
    free(text);
}

static void version_misused(void)
{
    assert_string_equal(mrq_version(), MRQ_VERSION);
}

static void years_misused(void)
{
    mrq_filters filters = {.year_from = 7};
    assert_refused(mrq_years_parse(NULL, &filters, to), "text is NULL");
    assert_refused(mrq_years_parse("1990", NULL, to), "filters is NULL");
    assert_refused(mrq_years_parse("", &filters, to), "year \"\"");
    assert_int_equal(filters.year_from, 7);
}

static const struct {
    const char *name;
    void (*misuse)(void);
} functions[] = {
    {"mrq_error_json", error_json_misused},
    {"mrq_recommender_batch", batch_misused},
    {"mrq_recommender_close", close_misused},
    {"mrq_recommender_flush", flush_misused},
    {"mrq_recommender_info", info_misused},
    {"mrq_recommender_movie", movie_misused},
    {"mrq_recommender_open", open_misused},
    {"mrq_recommender_recommend", recommend_misused},
    {"mrq_recommender_reload", reload_misused},
    {"mrq_recommender_search", search_misused},
    {"mrq_recommender_similar", similar_misused},
    {"mrq_recommender_stats", stats_misused},
    {"mrq_recommender_user", user_misused},
    {"mrq_result_cache", cache_misused},
    {"mrq_result_free", free_misused},
    {"mrq_result_generation", generation_misused},
    {"mrq_result_genre", genre_misused},
    {"mrq_result_json", json_misused},
    {"mrq_result_movie", result_movie_misused},
    {"mrq_result_reason", reason_misused},
    {"mrq_result_reasons", reasons_misused},
    {"mrq_result_size", size_misused},
    {"mrq_version", version_misused},
    {"mrq_years_parse", years_misused},
};
enum { FUNCTIONS = sizeof functions / sizeof *functions };

static void no_argument_crashes(void **state)
{
    (void)state;
    for (int i = 0; i < FUNCTIONS; i++) {
        print_message("%s\n", functions[i].name); /* whose turn it was, if one does */
        functions[i].misuse();
    }
}

/* The names of the map, "    mrq_version;". */
static void every_exported_function_is_misused_above(void **state)
{
    (void)state;
    const char *source = getenv("MRQ_SOURCE");
    if (!source)
        skip_test("MRQ_SOURCE does not say where the source is");
    char path[PATH], line[200], name[100];
    int found = 0;
    snprintf(path, sizeof path, "%s/include/libmarquee.map", source);
    FILE *map = fopen(path, "r");
    assert_non_null(map);
    while (fgets(line, sizeof line, map)) {
        if (sscanf(line, " mrq_%90[a-z_];", name) != 1)
            continue;
        int i = 0;
        while (i < FUNCTIONS && strcmp(functions[i].name + strlen("mrq_"), name) != 0)
            i++;
        if (i == FUNCTIONS)
            fail_msg("mrq_%s is exported, and no test misuses it", name);
        found++;
    }
    fclose(map);
    assert_int_equal(found, FUNCTIONS);
}

/* Threads */

static void ask_one(mrq_recommender *recommender, const char *cache)
{
    mrq_result *result = NULL;
    assert_ok(mrq_recommender_recommend(recommender, &(mrq_query){.user = 4, .k = 2}, &result, &err));
    assert_string_equal(mrq_result_cache(result), cache);
    mrq_result_free(result);
}

static void only_a_batch_starts_threads(void **state)
{
    (void)state;
    const mrq_query query[3] = {{.user = 1, .k = 2}, {.user = 2, .k = 2}, {.user = 3, .k = 2}};
    mrq_result *result[3];
    mrq_recommender *other = NULL;
    assert_threads(at_rest); /* those of earlier batches have ended */
    assert_ok(mrq_recommender_open(&(mrq_options){.store = store, .redis = "127.0.0.1:1"}, &other, &err));
    ask_one(other, "down");
    assert_ok(mrq_recommender_reload(other, NULL, &err));
    assert_threads(at_rest);
    assert_ok(mrq_recommender_batch(other, query, 3, 3, result, NULL, &err));
    for (int i = 0; i < 3; i++)
        mrq_result_free(result[i]);
    assert_threads(at_rest);
    mrq_recommender_close(other);
}

static void *let_go_later(void *context)
{
    usleep(200000);
    names_held = false;
    return context;
}

/* Who has closed the library may unload it. */
static void closing_waits_for_the_look_up(void **state)
{
    (void)state;
    mrq_recommender *other = NULL;
    pthread_t helper;
    names_held = true;
    assert_ok(mrq_recommender_open(&(mrq_options){.store = store, .redis = "held.test:1"}, &other, &err));
    ask_one(other, "down");
    assert_threads(at_rest + 1);
    assert_int_equal(pthread_create(&helper, NULL, let_go_later, NULL), 0);
    mrq_recommender_close(other);
    assert_int_equal(names_under_way, 0);
    assert_int_equal(pthread_join(helper, NULL), 0);
    assert_threads(at_rest);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_argument_crashes),
        cmocka_unit_test(every_exported_function_is_misused_above),
        cmocka_unit_test(only_a_batch_starts_threads),
        cmocka_unit_test(closing_waits_for_the_look_up),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
