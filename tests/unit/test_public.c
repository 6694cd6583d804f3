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
static mrq_query *query;              /* of two items for a user */
static mrq_answer *plain, *explained; /* of two items each */
static mrq_answer *none;              /* what no call that fails fills */

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
    query = mrq_query_new();
    mrq_query *why = mrq_query_new();
    assert_true(query && why);
    for (int i = 0; i < 2; i++) {
        mrq_query *q = i ? why : query;
        assert_ok(mrq_query_set(q, "user", "4", &err));
        assert_ok(mrq_query_set(q, "k", "2", &err));
    }
    assert_ok(mrq_query_set(why, "explain", "all", &err));
    assert_ok(mrq_recommender_open(&(mrq_options){.store = store, .memory = 1 << 20}, &r, &err));
    assert_ok(mrq_recommender_ask(r, MRQ_ASK_RECOMMEND, query, &plain, &err));
    assert_ok(mrq_recommender_ask(r, MRQ_ASK_RECOMMEND, why, &explained, &err));
    mrq_query_free(why);
    return 0;
}

static int tear_down(void **state)
{
    mrq_answer_free(plain);
    mrq_answer_free(explained);
    mrq_query_free(query);
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

static void query_new_misused(void)
{
    mrq_query *empty = mrq_query_new();
    mrq_answer *result = NULL, *nothing = NULL;
    assert_non_null(empty);
    assert_ok(mrq_recommender_ask(r, MRQ_ASK_RECOMMEND, empty, &result, &err));
    assert_ok(mrq_recommender_ask(r, MRQ_ASK_RECOMMEND, NULL, &nothing, &err)); /* the same */
    assert_string_equal(mrq_answer_cache_state(nothing), "memory");
    assert_int_equal(mrq_answer_size(result), MRQ_K_DEFAULT);
    mrq_answer_free(result);
    mrq_answer_free(nothing);
    mrq_query_free(empty);
}

static void query_free_misused(void)
{
    mrq_query_free(NULL);
}

static void query_set_misused(void)
{
    char name[40], value[9000];
    memset(name, 'n', sizeof name);
    memset(value, 'v', sizeof value);
    name[sizeof name - 1] = value[sizeof value - 1] = '\0';
    mrq_query *q = mrq_query_new();
    assert_refused(mrq_query_set(NULL, "k", "1", to), "query is NULL");
    assert_refused(mrq_query_set(q, NULL, "1", to), "name is NULL");
    assert_refused(mrq_query_set(q, "k", NULL, to), "value is NULL");
    const struct {
        const char *name, *value, *sentence;
    } wrong[] = {
        {"", "1", "\"\" is no field of a query"},
        {"a=b", "1", "\"a=b\" is no field"},
        {name, "1", "is no field"},
        {"country", value, "country: 8999 bytes, want at most 8192"},
        {"age", value, "age: 8999 bytes, want at most 8192"},
        {"k", "0", "k \"0\": want a whole number from 1 to 1000"},
        {"k", "4294967297", "k \"4294967297\": want a whole number from 1 to 1000"},
        {"user", "-1", "user \"-1\": want a whole number"},
        {"liked", "1,2", "liked \"1,2\": want ids of items"},
        {"exclude", "", "exclude \"\": want ids of items"},
        {"all_genres", "yes", "all_genres \"yes\": want true or false"},
        {"year", "1990-1980", "year \"1990-1980\": the first comes after the last, want 1980-1990"},
        {"year", "10000", "year \"10000\": want a year or years"},
        {"explain", "1001", "explain \"1001\": want true, false, or how many parts, 1 to 1000"},
        {"with", "country", "with \"country\": want NAME=VALUE"},
        {"with", "=DE", "with \"=DE\": want NAME=VALUE"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_refused(mrq_query_set(q, wrong[i].name, wrong[i].value, to), wrong[i].sentence);
    mrq_query_free(q);
}

/* A query of one field. */
static mrq_query *query_of(const char *name, const char *value)
{
    mrq_query *q = mrq_query_new();
    assert_ok(mrq_query_set(q, name, value, &err));
    return q;
}

static void ask_misused(void)
{
    static const struct {
        mrq_ask what;
        mrq_status status;
        const char *name, *value, *sentence;
    } wrong[] = {
        {MRQ_ASK_RECOMMEND, MRQ_USAGE, "item", "13", "item: means nothing here"},
        {MRQ_ASK_RECOMMEND, MRQ_USAGE, "country", "DE",
         "country \"DE\": no field of a query, and the data does not tell its users' country, but gender, age, job"},
        {MRQ_ASK_SIMILAR, MRQ_USAGE, "k", "2", "item is missing"},
        {MRQ_ASK_SIMILAR, MRQ_USAGE, "user", "4", "user: means nothing here"},
        {MRQ_ASK_SIMILAR, MRQ_NOT_FOUND, "item", "", "item \"\""},
        {MRQ_ASK_ITEM, MRQ_USAGE, "k", "2", "k: means nothing here"},
        {MRQ_ASK_ITEM, MRQ_NOT_FOUND, "item", "9223372036854775807", "item 9223372036854775807"},
        {MRQ_ASK_ITEM, MRQ_NOT_FOUND, "item", "no id", "item no id"},
        {MRQ_ASK_SEARCH, MRQ_USAGE, "k", "2", "query is missing"},
        {MRQ_ASK_USER, MRQ_USAGE, "k", "2", "user is missing"},
        {MRQ_ASK_USER, MRQ_NOT_FOUND, "user", "9223372036854775807", "user 9223372036854775807"},
        {MRQ_ASK_INFO, MRQ_USAGE, "k", "2", "k: means nothing here"},
    };
    assert_refused(mrq_recommender_ask(NULL, MRQ_ASK_RECOMMEND, query, &none, to), "recommender is NULL");
    assert_refused(mrq_recommender_ask(r, MRQ_ASK_RECOMMEND, query, NULL, to), "out is NULL");
    assert_refused(mrq_recommender_ask(r, (mrq_ask)6, NULL, &none, to), "what: 6 is no kind of question");
    assert_refused(mrq_recommender_ask(r, MRQ_ASK_SIMILAR, NULL, &none, to), "item is missing");
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        mrq_query *q = query_of(wrong[i].name, wrong[i].value);
        assert_fails(mrq_recommender_ask(r, wrong[i].what, q, &none, &err), wrong[i].status, wrong[i].sentence);
        assert_null(none);
        mrq_query_free(q);
    }
}

static void batch_misused(void)
{
    const mrq_query *list[] = {query, NULL};
    mrq_answer *result[] = {NULL, plain};
    mrq_error error[2];
    assert_refused(mrq_recommender_batch(NULL, list, 2, 1, result, error, to), "recommender is NULL");
    assert_refused(mrq_recommender_batch(r, NULL, 2, 1, result, error, to), "query is NULL");
    assert_refused(mrq_recommender_batch(r, list, 2, 1, NULL, error, to), "answer is NULL");
    assert_refused(mrq_recommender_batch(r, list, UINT32_MAX, 1, result, error, to), "a batch of 4294967295 queries");
    assert_ok(mrq_recommender_batch(r, NULL, 0, 0, NULL, NULL, &err));
    for (uint32_t threads = 0; threads < 3; threads++) { /* nobody asks why one failed */
        assert_ok(mrq_recommender_batch(r, list, 2, threads, result, NULL, &err));
        assert_true(result[0] && !result[1]);
        assert_string_equal(mrq_answer_json(result[0], NULL) ? mrq_answer_cache_state(result[0]) : "", "memory");
        mrq_answer_free(result[0]);
    }
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
    mrq_answer_free(NULL);
}

static void json_misused(void)
{
    size_t size = 1;
    assert_null(mrq_answer_json(NULL, &size));
    assert_int_equal(size, 0);
    assert_null(mrq_answer_json(NULL, NULL));
    assert_non_null(mrq_answer_json(plain, NULL));
}

static void cache_misused(void)
{
    assert_string_equal(mrq_answer_cache_state(NULL), "");
}

static void generation_misused(void)
{
    assert_string_equal(mrq_answer_generation(NULL), "");
}

static void size_misused(void)
{
    assert_int_equal(mrq_answer_size(NULL), 0);
    assert_int_equal(mrq_answer_size(plain), 2);
}

/* Results and places that are not there. */
static const struct {
    mrq_answer **result;
    uint32_t i;
} nowhere[] = {{&none, 0}, {&plain, 2}, {&plain, UINT32_MAX}, {&explained, 2}, {&explained, UINT32_MAX}};
#define NOWHERE (sizeof nowhere / sizeof *nowhere)

static void result_item_misused(void)
{
    for (size_t n = 0; n < NOWHERE; n++) {
        const mrq_item item = mrq_answer_item(*nowhere[n].result, nowhere[n].i);
        assert_int_equal(item.id, -1);
        assert_string_equal(item.title, "");
        assert_int_equal(item.year, 0);
        assert_int_equal(item.n_genres, 0);
        assert_true(isnan(item.score));
    }
}

static void genre_misused(void)
{
    for (size_t n = 0; n < NOWHERE; n++)
        assert_string_equal(mrq_answer_genre(*nowhere[n].result, nowhere[n].i, 0), "");
    for (uint32_t i = 0; i < 2; i++) {
        const uint32_t n = mrq_answer_item(plain, i).n_genres;
        for (uint32_t g = 0; g < n; g++)
            assert_string_not_equal(mrq_answer_genre(plain, i, g), "");
        assert_string_equal(mrq_answer_genre(plain, i, n), "");
        assert_string_equal(mrq_answer_genre(plain, i, UINT32_MAX), "");
    }
}

static void reasons_misused(void)
{
    for (size_t n = 0; n <= NOWHERE; n++) { /* and an item that is there, of an answer without explanation */
        const mrq_answer *result = n < NOWHERE ? *nowhere[n].result : plain;
        const uint32_t i = n < NOWHERE ? nowhere[n].i : 0;
        double base = 1, rest = 1;
        assert_int_equal(mrq_answer_reasons(result, i, &base, &rest), 0);
        assert_true(isnan(base) && isnan(rest));
        assert_int_equal(mrq_answer_reasons(result, i, NULL, NULL), 0);
    }
    double base = NAN;
    assert_int_equal(mrq_answer_reasons(explained, 1, NULL, NULL), 2);
    assert_int_equal(mrq_answer_reasons(explained, 1, &base, NULL), 2);
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
        assert_no_reason(mrq_answer_reason(*nowhere[n].result, nowhere[n].i, 0));
    assert_no_reason(mrq_answer_reason(plain, 0, 0));
    assert_no_reason(mrq_answer_reason(explained, 0, 2));
    assert_no_reason(mrq_answer_reason(explained, 0, UINT32_MAX));
    assert_string_not_equal(mrq_answer_reason(explained, 1, 1).input, "");
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

static const struct {
    const char *name;
    void (*misuse)(void);
} functions[] = {
    {"mrq_error_json", error_json_misused},   {"mrq_query_free", query_free_misused},
    {"mrq_query_new", query_new_misused},     {"mrq_query_set", query_set_misused},
    {"mrq_recommender_ask", ask_misused},     {"mrq_recommender_batch", batch_misused},
    {"mrq_recommender_close", close_misused}, {"mrq_recommender_flush", flush_misused},
    {"mrq_recommender_open", open_misused},   {"mrq_recommender_reload", reload_misused},
    {"mrq_recommender_stats", stats_misused}, {"mrq_answer_cache_state", cache_misused},
    {"mrq_answer_free", free_misused},        {"mrq_answer_generation", generation_misused},
    {"mrq_answer_genre", genre_misused},      {"mrq_answer_json", json_misused},
    {"mrq_answer_item", result_item_misused}, {"mrq_answer_reason", reason_misused},
    {"mrq_answer_reasons", reasons_misused},  {"mrq_answer_size", size_misused},
    {"mrq_version", version_misused},
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
    mrq_answer *result = NULL;
    assert_ok(mrq_recommender_ask(recommender, MRQ_ASK_RECOMMEND, query, &result, &err));
    assert_string_equal(mrq_answer_cache_state(result), cache);
    mrq_answer_free(result);
}

static void only_a_batch_starts_threads(void **state)
{
    (void)state;
    const mrq_query *list[3] = {query, query, query};
    mrq_answer *result[3];
    mrq_recommender *other = NULL;
    assert_threads(at_rest); /* those of earlier batches have ended */
    assert_ok(mrq_recommender_open(&(mrq_options){.store = store, .redis = "127.0.0.1:1"}, &other, &err));
    ask_one(other, "down");
    assert_ok(mrq_recommender_reload(other, NULL, &err));
    assert_threads(at_rest);
    assert_ok(mrq_recommender_batch(other, list, 3, 3, result, NULL, &err));
    for (int i = 0; i < 3; i++)
        mrq_answer_free(result[i]);
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
