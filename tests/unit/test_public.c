/* Every function that the library exports, with what a caller may get wrong: none crashes, each does what its header says. Which
 * functions there are says include/libmarquee.map, so that a new one is missed here. Then what is set and read by name, name by
 * name, the log, the deadline of a backend, and threads. */
#include "unit/slow_names.h"
#include "unit/store_world.h"

#include <arpa/inet.h>
#include <math.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "engine/options.h"
#include "marquee/marquee.h"

static char store[PATH];
static mrq_recommender *r;
static mrq_query *query;              /* of two items for a user */
static mrq_answer *plain, *explained; /* of two items each */
static mrq_answer *none;              /* what no call that fails fills */

/* Another store: its users and items have columns of each kind, and its model tells parts of each kind. */
static char rich_store[PATH];
static mrq_table *people, *things;
static mrq_recommender *rich;

static int at_rest; /* threads of the process, when none has been started */

static void *count_threads(void *context)
{
    at_rest = threads_of_process() - 1;
    return context;
}

/* Adds a column to a table; small_table() has room. */
static mrq_column *add_column(mrq_table *table, const char *name, mrq_column_kind kind)
{
    mrq_column *column = &table->column[table->n_columns++];
    column->kind = kind;
    snprintf(column->name, sizeof column->name, "%s", name);
    return column;
}

static void add_number(mrq_table *table, const char *name, double first)
{
    double *number = mrq_arena_array(table->arena, table->rows, sizeof *number);
    for (uint32_t i = 0; i < table->rows; i++)
        number[i] = i % 3 ? first + i / 4.0 : (double)NAN;
    add_column(table, name, MRQ_NUMBER)->number = number;
}

/* A text a row, and no words of it. */
static void add_text(mrq_table *table, const char *name, const char *prefix)
{
    mrq_column *column = add_column(table, name, MRQ_TEXT);
    column->dict = small_strings(table->arena, "", 0);
    column->text = small_strings(table->arena, prefix, table->rows);
    column->list.offset = mrq_arena_array(table->arena, (size_t)table->rows + 1, sizeof(uint64_t));
    column->list.item = mrq_arena_array(table->arena, 1, sizeof(uint32_t));
}

static void make_rich(void)
{
    static const char linear[] =
        SMALL("\"kind\":\"dot\"", "\"kind\":\"sum\",\"size\":9",
              "{\"feature\":\"gender\",\"kind\":\"category\"},{\"feature\":\"history\",\"kind\":\"history\"},"
              "{\"feature\":\"age\",\"kind\":\"category\"}",
              "{\"feature\":\"id\",\"kind\":\"id\"}", "\"objective\":\"ranking\"");
    char path[PATH + 20], name[MRQ_GENERATION_NAME];
    mrq_random rng;
    mrq_random_init(&rng, 8, 0);
    people = small_users(USERS, 3);
    things = small_items(ITEMS, 3);
    things->noun = (mrq_noun){"film", "films"};
    people->column[1].label = small_strings(people->arena, "\xc3\xa9lder", people->column[1].dict.n);
    add_number(people, "height", 150);
    add_text(people, "nick", "Nick ");
    small_category(things, &rng, "studio", 4);
    small_category(things, &rng, "rated", 3);
    things->column[4].label = small_strings(things->arena, "From ", 3);
    add_number(things, "price", -2);
    add_text(things, "blurb", "About ");
    MRQ_CLEANUP(mrq_model_free) mrq_model *made = model_of(linear, people, things);
    for (size_t i = 0; i < made->tensors.size; i++)
        made->param[i] = (float)mrq_random_below(&rng, 65) / 32 - 1;
    made->results = model->results;
    snprintf(path, sizeof path, "%s/rich.mrq", folder);
    assert_ok(mrq_model_save(made, path, &err));
    assert_ok(mrq_store_export(new_store(rich_store), path, &flat, name, NULL, NULL, &err));
    assert_ok(mrq_recommender_open(&(mrq_options){.store = rich_store, .memory = 1 << 20}, &rich, &err));
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
    make_rich();
    return 0;
}

static int tear_down(void **state)
{
    mrq_answer_free(plain);
    mrq_answer_free(explained);
    mrq_query_free(query);
    mrq_recommender_close(r);
    mrq_recommender_close(rich);
    mrq_table_free(people);
    mrq_table_free(things);
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

static void options_new_misused(void)
{
    mrq_options *empty = mrq_options_new();
    mrq_recommender *opened = NULL;
    assert_non_null(empty);
    assert_refused(mrq_recommender_open(empty, &opened, to), "store is NULL");
    assert_null(opened);
    mrq_options_free(empty);
}

static void options_free_misused(void)
{
    mrq_options_free(NULL);
}

static void options_set_misused(void)
{
    char name[200];
    memset(name, 'n', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    mrq_options *options = mrq_options_new();
    assert_refused(mrq_options_set(NULL, "store", "s", to), "options is NULL");
    assert_refused(mrq_options_set(options, NULL, "s", to), "name is NULL");
    assert_refused(mrq_options_set(options, "store", NULL, to), "value is NULL");
    const char *const unknown[] = {"", "Store", "store ", "stores", "stor", name};
    for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++)
        assert_refused(mrq_options_set(options, unknown[i], "1", to), "is not an option");
    mrq_options_free(options);
}

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
    char name[40], id[257], value[9000];
    memset(name, 'n', sizeof name);
    memset(id, 'i', sizeof id);
    memset(value, 'v', sizeof value);
    name[sizeof name - 1] = id[sizeof id - 1] = value[sizeof value - 1] = '\0';
    mrq_query *q = mrq_query_new();
    assert_refused(mrq_query_set(NULL, "k", "1", to), "query is NULL");
    assert_refused(mrq_query_set(q, NULL, "1", to), "name is NULL");
    assert_refused(mrq_query_set(q, "k", NULL, to), "value is NULL");
    const struct {
        const char *name, *value, *sentence;
    } wrong[] = {
        {"", "1", "\"\" is neither a field of a query"},
        {"a=b", "1", "\"a=b\" is neither a field of a query"},
        {name, "1", "is neither a field of a query"},
        {"country", value, "country: 8999 bytes, want at most 8192"},
        {"age", value, "age: 8999 bytes, want at most 8192"},
        {"k", "0", "k \"0\": want a whole number from 1 to 1000"},
        {"k", "4294967297", "k \"4294967297\": want a whole number from 1 to 1000"},
        {"user", "", "user \"\": want an id, 1 to 255 bytes of UTF-8 without control characters"},
        {"liked", "a\tb", "want an id, 1 to 255 bytes"},
        {"disliked", "\xff", "want an id, 1 to 255 bytes"},
        {"exclude", id, "want an id, 1 to 255 bytes"},
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
        {MRQ_ASK_RECOMMEND, MRQ_USAGE, "item", "13", "item: not used by this kind of query"},
        {MRQ_ASK_RECOMMEND, MRQ_USAGE, "country", "DE",
         "country \"DE\": neither a field of a query nor a column of the users; the columns: gender, age, job"},
        {MRQ_ASK_SIMILAR, MRQ_USAGE, "k", "2", "item is missing"},
        {MRQ_ASK_SIMILAR, MRQ_USAGE, "user", "4", "user: not used by this kind of query"},
        {MRQ_ASK_SIMILAR, MRQ_NOT_FOUND, "item", "", "item \"\""},
        {MRQ_ASK_ITEM, MRQ_USAGE, "k", "2", "k: not used by this kind of query"},
        {MRQ_ASK_ITEM, MRQ_NOT_FOUND, "item", "9223372036854775807", "item 9223372036854775807"},
        {MRQ_ASK_ITEM, MRQ_NOT_FOUND, "item", "no id", "item no id"},
        {MRQ_ASK_SEARCH, MRQ_USAGE, "k", "2", "query is missing"},
        {MRQ_ASK_USER, MRQ_USAGE, "k", "2", "user is missing"},
        {MRQ_ASK_USER, MRQ_NOT_FOUND, "user", "9223372036854775807", "user 9223372036854775807"},
        {MRQ_ASK_INFO, MRQ_USAGE, "k", "2", "k: not used by this kind of query"},
    };
    assert_refused(mrq_recommender_ask(NULL, MRQ_ASK_RECOMMEND, query, &none, to), "recommender is NULL");
    assert_refused(mrq_recommender_ask(r, MRQ_ASK_RECOMMEND, query, NULL, to), "out is NULL");
    assert_refused(mrq_recommender_ask(r, (mrq_ask)6, NULL, &none, to), "what: 6 is not a kind of query");
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
    assert_null(mrq_recommender_stats(NULL));
}

static void stats_free_misused(void)
{
    mrq_stats_free(NULL);
}

/* What no count, fact or column is called. */
static const char *const unknown_names[] = {NULL, "", "Generation", "generation ", "gener", "titl", "title ", "\xff", "%s"};
enum { UNKNOWN = sizeof unknown_names / sizeof *unknown_names };

static void stats_text_misused(void)
{
    mrq_stats *stats = mrq_recommender_stats(r);
    for (int i = 0; i < UNKNOWN; i++)
        assert_string_equal(mrq_stats_text(stats, unknown_names[i]), "");
    assert_string_equal(mrq_stats_text(NULL, "generation"), "");
    assert_string_equal(mrq_stats_text(NULL, NULL), "");
    assert_string_equal(mrq_stats_text(stats, "items"), ""); /* a number */
    mrq_stats_free(stats);
}

static void stats_number_misused(void)
{
    mrq_stats *stats = mrq_recommender_stats(r);
    for (int i = 0; i < UNKNOWN; i++)
        assert_true(isnan(mrq_stats_number(stats, unknown_names[i])));
    assert_true(isnan(mrq_stats_number(NULL, "items")) && isnan(mrq_stats_number(NULL, NULL)));
    assert_true(isnan(mrq_stats_number(stats, "generation"))); /* a text */
    mrq_stats_free(stats);
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

static void info_text_misused(void)
{
    for (int i = 0; i < UNKNOWN; i++)
        assert_string_equal(mrq_answer_info_text(plain, unknown_names[i]), "");
    assert_string_equal(mrq_answer_info_text(NULL, "generation"), "");
    assert_string_equal(mrq_answer_info_text(NULL, NULL), "");
    assert_string_equal(mrq_answer_info_text(plain, "items"), ""); /* a number */
}

static void info_number_misused(void)
{
    for (int i = 0; i < UNKNOWN; i++)
        assert_true(isnan(mrq_answer_info_number(plain, unknown_names[i])));
    assert_true(isnan(mrq_answer_info_number(NULL, "items")) && isnan(mrq_answer_info_number(NULL, NULL)));
    assert_true(isnan(mrq_answer_info_number(plain, "generation"))); /* a text */
}

/* Answers about nobody: none, one without a user, and one of another kind. The last two are to be freed. */
static void ask_about_nobody(const mrq_answer *nobody[3])
{
    mrq_answer *average = NULL, *info = NULL;
    assert_ok(mrq_recommender_ask(r, MRQ_ASK_RECOMMEND, NULL, &average, &err));
    assert_ok(mrq_recommender_ask(r, MRQ_ASK_INFO, NULL, &info, &err));
    nobody[0] = NULL;
    nobody[1] = average;
    nobody[2] = info;
}

static void user_text_misused(void)
{
    const mrq_answer *nobody[3];
    ask_about_nobody(nobody);
    for (int n = 0; n < 3; n++) {
        assert_string_equal(mrq_answer_user_text(nobody[n], "id"), "");
        assert_string_equal(mrq_answer_user_text(nobody[n], "age"), "");
        assert_string_equal(mrq_answer_user_text(nobody[n], NULL), "");
        mrq_answer_free((mrq_answer *)(uintptr_t)nobody[n]);
    }
    for (int i = 0; i < UNKNOWN; i++)
        assert_string_equal(mrq_answer_user_text(plain, unknown_names[i]), "");
    assert_string_equal(mrq_answer_user_text(plain, "title"), ""); /* of the items */
}

static void user_number_misused(void)
{
    const mrq_answer *nobody[3];
    ask_about_nobody(nobody);
    for (int n = 0; n < 3; n++) {
        assert_true(isnan(mrq_answer_user_number(nobody[n], "age")) && isnan(mrq_answer_user_number(nobody[n], NULL)));
        mrq_answer_free((mrq_answer *)(uintptr_t)nobody[n]);
    }
    for (int i = 0; i < UNKNOWN; i++)
        assert_true(isnan(mrq_answer_user_number(plain, unknown_names[i])));
    assert_true(isnan(mrq_answer_user_number(plain, "id")) && isnan(mrq_answer_user_number(plain, "age"))); /* texts */
}

static void size_misused(void)
{
    assert_int_equal(mrq_answer_size(NULL), 0);
    assert_int_equal(mrq_answer_size(plain), 2);
}

/* Answers and places that are not there. */
static const struct {
    mrq_answer **answer;
    uint32_t i;
} nowhere[] = {{&none, 0}, {&plain, 2}, {&plain, UINT32_MAX}, {&explained, 2}, {&explained, UINT32_MAX}};
#define NOWHERE (sizeof nowhere / sizeof *nowhere)

static void id_misused(void)
{
    for (size_t n = 0; n < NOWHERE; n++)
        assert_string_equal(mrq_answer_id(*nowhere[n].answer, nowhere[n].i), "");
    assert_string_not_equal(mrq_answer_id(plain, 1), "");
}

static void score_misused(void)
{
    for (size_t n = 0; n < NOWHERE; n++)
        assert_true(isnan(mrq_answer_score(*nowhere[n].answer, nowhere[n].i)));
    assert_true(isfinite(mrq_answer_score(plain, 1)));
}

static void text_misused(void)
{
    for (size_t n = 0; n < NOWHERE; n++) {
        assert_string_equal(mrq_answer_text(*nowhere[n].answer, nowhere[n].i, "title"), "");
        assert_string_equal(mrq_answer_text(*nowhere[n].answer, nowhere[n].i, NULL), "");
    }
    for (int i = 0; i < UNKNOWN; i++)
        assert_string_equal(mrq_answer_text(plain, 1, unknown_names[i]), "");
    assert_string_equal(mrq_answer_text(plain, 1, "year"), "");
    assert_string_equal(mrq_answer_text(plain, 1, "genres"), "");
    assert_string_equal(mrq_answer_text(plain, 1, "age"), ""); /* of the users */
    assert_string_not_equal(mrq_answer_text(plain, 1, "title"), "");
}

static void number_misused(void)
{
    for (size_t n = 0; n < NOWHERE; n++) {
        assert_true(isnan(mrq_answer_number(*nowhere[n].answer, nowhere[n].i, "year")));
        assert_true(isnan(mrq_answer_number(*nowhere[n].answer, nowhere[n].i, NULL)));
    }
    for (int i = 0; i < UNKNOWN; i++)
        assert_true(isnan(mrq_answer_number(plain, 1, unknown_names[i])));
    assert_true(isnan(mrq_answer_number(plain, 1, "title")) && isnan(mrq_answer_number(plain, 1, "genres")));
    assert_true(isnan(mrq_answer_number(plain, 1, "id")));
}

static void members_misused(void)
{
    for (size_t n = 0; n < NOWHERE; n++) {
        assert_int_equal(mrq_answer_members(*nowhere[n].answer, nowhere[n].i, "genres"), 0);
        assert_int_equal(mrq_answer_members(*nowhere[n].answer, nowhere[n].i, NULL), 0);
    }
    for (int i = 0; i < UNKNOWN; i++)
        assert_int_equal(mrq_answer_members(plain, 1, unknown_names[i]), 0);
    assert_int_equal(mrq_answer_members(plain, 1, "title"), 0);
    assert_int_equal(mrq_answer_members(plain, 1, "year"), 0);
    assert_int_equal(mrq_answer_members(plain, 1, "id"), 0);
}

static void member_misused(void)
{
    for (size_t n = 0; n < NOWHERE; n++) {
        assert_string_equal(mrq_answer_member(*nowhere[n].answer, nowhere[n].i, "genres", 0), "");
        assert_string_equal(mrq_answer_member(*nowhere[n].answer, nowhere[n].i, NULL, 0), "");
    }
    for (int i = 0; i < UNKNOWN; i++)
        assert_string_equal(mrq_answer_member(plain, 1, unknown_names[i], 0), "");
    assert_string_equal(mrq_answer_member(plain, 1, "title", 0), "");
    assert_string_equal(mrq_answer_member(plain, 1, "year", 0), "");
    for (uint32_t i = 0; i < 2; i++) {
        const uint32_t n = mrq_answer_members(plain, i, "genres");
        for (uint32_t m = 0; m < n; m++)
            assert_string_not_equal(mrq_answer_member(plain, i, "genres", m), "");
        assert_string_equal(mrq_answer_member(plain, i, "genres", n), "");
        assert_string_equal(mrq_answer_member(plain, i, "genres", UINT32_MAX), "");
    }
}

static void parts_misused(void)
{
    for (size_t n = 0; n <= NOWHERE; n++) { /* and a hit that is there, of an answer without explanation */
        const mrq_answer *answer = n < NOWHERE ? *nowhere[n].answer : plain;
        const uint32_t i = n < NOWHERE ? nowhere[n].i : 0;
        double base = 1, rest = 1;
        assert_int_equal(mrq_answer_parts(answer, i, &base, &rest), 0);
        assert_true(isnan(base) && isnan(rest));
        assert_int_equal(mrq_answer_parts(answer, i, NULL, NULL), 0);
    }
    double base = NAN, rest = NAN;
    assert_int_equal(mrq_answer_parts(explained, 1, NULL, NULL), 2);
    assert_int_equal(mrq_answer_parts(explained, 1, &base, NULL), 2);
    assert_int_equal(mrq_answer_parts(explained, 1, NULL, &rest), 2);
    assert_true(isfinite(base) && isfinite(rest));
}

/* Parts that are not there: of answers and hits that are not, of a hit without an explanation, behind the last. */
static const struct {
    mrq_answer **answer;
    uint32_t i, part;
} no_parts[] = {{&none, 0, 0},
                {&plain, 0, 0},
                {&plain, 2, 0},
                {&explained, 0, 2},
                {&explained, 0, UINT32_MAX},
                {&explained, 2, 0},
                {&explained, UINT32_MAX, 0},
                {&explained, UINT32_MAX, UINT32_MAX}};
#define NO_PARTS (sizeof no_parts / sizeof *no_parts)

static void part_input_misused(void)
{
    for (size_t n = 0; n < NO_PARTS; n++)
        assert_string_equal(mrq_answer_part_input(*no_parts[n].answer, no_parts[n].i, no_parts[n].part), "");
    assert_string_not_equal(mrq_answer_part_input(explained, 1, 1), "");
}

static void part_value_misused(void)
{
    for (size_t n = 0; n < NO_PARTS; n++)
        assert_string_equal(mrq_answer_part_value(*no_parts[n].answer, no_parts[n].i, no_parts[n].part), "");
}

static void part_id_misused(void)
{
    for (size_t n = 0; n < NO_PARTS; n++)
        assert_string_equal(mrq_answer_part_id(*no_parts[n].answer, no_parts[n].i, no_parts[n].part), "");
}

static void part_score_misused(void)
{
    for (size_t n = 0; n < NO_PARTS; n++)
        assert_true(isnan(mrq_answer_part_score(*no_parts[n].answer, no_parts[n].i, no_parts[n].part)));
    assert_true(isfinite(mrq_answer_part_score(explained, 1, 1)));
}

static void log_to_misused(void)
{
    mrq_log_to(NULL, &err);
    mrq_log(MRQ_LOG_ERROR, "room", "nobody hears %s", "it");
    mrq_log_to(NULL, NULL);
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

static void event_new_misused(void)
{
    for (int i = 0; i < 3; i++)
        mrq_event_free(mrq_event_new());
}

static void event_free_misused(void)
{
    mrq_event_free(NULL);
}

static void event_set_misused(void)
{
    mrq_event *event = mrq_event_new();
    assert_refused(mrq_event_set(NULL, "user", "u", to), "event is NULL");
    assert_refused(mrq_event_set(event, NULL, "u", to), "name is NULL");
    assert_refused(mrq_event_set(event, "user", NULL, to), "value is NULL");
    assert_refused(mrq_event_set(event, "", "u", to), "\"\" is no field of an event");
    mrq_event_free(event);
}

/* Of a recommender that has nothing live. */
static void tell_misused(void)
{
    mrq_event *event = mrq_event_new();
    const mrq_event *const no_event = NULL;
    assert_refused(mrq_recommender_tell(NULL, (const mrq_event *const *)&event, 1, NULL, to), "recommender is NULL");
    assert_refused(mrq_recommender_tell(r, NULL, 1, NULL, to), "event is NULL");
    assert_refused(mrq_recommender_tell(r, &no_event, 1, NULL, to), "event is NULL");
    assert_refused(mrq_recommender_tell(r, (const mrq_event *const *)&event, 1, NULL, to), "user: missing in event 0");
    assert_refused(mrq_recommender_tell(r, NULL, 0, NULL, to), "nothing is live here");
    assert_ok(mrq_event_set(event, "user", "u", &err));
    assert_ok(mrq_event_set(event, "item", "1", &err));
    assert_refused(mrq_recommender_tell(r, (const mrq_event *const *)&event, 1, NULL, to), "nothing is live here");
    mrq_event_free(event);
}

static void forget_misused(void)
{
    assert_refused(mrq_recommender_forget(NULL, "u", "i", to), "recommender is NULL");
    assert_refused(mrq_recommender_forget(r, NULL, "i", to), "user is NULL");
    assert_refused(mrq_recommender_forget(r, "", "i", to), "user \"\"");
    assert_refused(mrq_recommender_forget(r, "u", NULL, to), "nothing is live here");
}

static void forget_event_misused(void)
{
    assert_refused(mrq_recommender_forget_event(NULL, "e", to), "recommender is NULL");
    assert_refused(mrq_recommender_forget_event(r, NULL, to), "id is NULL");
    assert_refused(mrq_recommender_forget_event(r, "e", to), "nothing is live here");
}

static void put_user_misused(void)
{
    assert_refused(mrq_recommender_put_user(NULL, "u", "{}", to), "recommender is NULL");
    assert_refused(mrq_recommender_put_user(r, NULL, "{}", to), "id is NULL");
    assert_refused(mrq_recommender_put_user(r, "u", NULL, to), "json is NULL");
    assert_refused(mrq_recommender_put_user(r, "u", "{\"features\":{}}", to), "nothing is live here");
}

static void put_item_misused(void)
{
    assert_refused(mrq_recommender_put_item(NULL, "i", "{}", to), "recommender is NULL");
    assert_refused(mrq_recommender_put_item(r, NULL, "{}", to), "id is NULL");
    assert_refused(mrq_recommender_put_item(r, "i", NULL, to), "json is NULL");
    assert_refused(mrq_recommender_put_item(r, "i", "{}", to), "nothing is live here");
}

static void version_misused(void)
{
    assert_string_equal(mrq_version(), MRQ_VERSION);
}

static const struct {
    const char *name;
    void (*misuse)(void);
} functions[] = {
    {"mrq_answer_cache_state", cache_misused},
    {"mrq_answer_free", free_misused},
    {"mrq_answer_id", id_misused},
    {"mrq_answer_info_number", info_number_misused},
    {"mrq_answer_info_text", info_text_misused},
    {"mrq_answer_json", json_misused},
    {"mrq_answer_member", member_misused},
    {"mrq_answer_members", members_misused},
    {"mrq_answer_number", number_misused},
    {"mrq_answer_part_id", part_id_misused},
    {"mrq_answer_part_input", part_input_misused},
    {"mrq_answer_part_score", part_score_misused},
    {"mrq_answer_part_value", part_value_misused},
    {"mrq_answer_parts", parts_misused},
    {"mrq_answer_score", score_misused},
    {"mrq_answer_size", size_misused},
    {"mrq_answer_text", text_misused},
    {"mrq_answer_user_number", user_number_misused},
    {"mrq_answer_user_text", user_text_misused},
    {"mrq_error_json", error_json_misused},
    {"mrq_event_free", event_free_misused},
    {"mrq_event_new", event_new_misused},
    {"mrq_event_set", event_set_misused},
    {"mrq_log_to", log_to_misused},
    {"mrq_options_free", options_free_misused},
    {"mrq_options_new", options_new_misused},
    {"mrq_options_set", options_set_misused},
    {"mrq_query_free", query_free_misused},
    {"mrq_query_new", query_new_misused},
    {"mrq_query_set", query_set_misused},
    {"mrq_recommender_ask", ask_misused},
    {"mrq_recommender_batch", batch_misused},
    {"mrq_recommender_close", close_misused},
    {"mrq_recommender_flush", flush_misused},
    {"mrq_recommender_forget", forget_misused},
    {"mrq_recommender_forget_event", forget_event_misused},
    {"mrq_recommender_open", open_misused},
    {"mrq_recommender_put_item", put_item_misused},
    {"mrq_recommender_put_user", put_user_misused},
    {"mrq_recommender_reload", reload_misused},
    {"mrq_recommender_stats", stats_misused},
    {"mrq_recommender_tell", tell_misused},
    {"mrq_stats_free", stats_free_misused},
    {"mrq_stats_number", stats_number_misused},
    {"mrq_stats_text", stats_text_misused},
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

/* Options */

static mrq_options *options_of(const char *name, const char *value)
{
    mrq_options *options = mrq_options_new();
    assert_non_null(options);
    assert_ok(mrq_options_set(options, name, value, &err));
    return options;
}

/* A name that set another's member, or the member of no other, would be seen. */
static void each_option_sets_its_own(void **state)
{
    (void)state;
    const struct {
        const char *name, *value;
    } rows[] = {{"store", "a"},      {"redis", "b"},  {"backend", "c"},   {"backend_token", "d"},
                {"backend_ca", "e"}, {"memory", "6"}, {"redis_ttl", "7"}, {"deadline", "8"}};
    enum { ROWS = sizeof rows / sizeof *rows };
    for (int i = 0; i < ROWS; i++) {
        mrq_options *o = options_of(rows[i].name, rows[i].value);
        const char *const text[] = {o->store, o->redis, o->backend, o->backend_token, o->backend_ca};
        const uint64_t number[] = {o->memory, o->redis_ttl, o->deadline};
        for (int t = 0; t < 5; t++)
            assert_string_equal(text[t] ? text[t] : "(none)", t == i ? rows[i].value : "(none)");
        for (int n = 0; n < 3; n++)
            assert_int_equal(number[n], n + 5 == i ? n + 6 : 0);
        mrq_options_free(o);
    }
}

static void options_have_limits(void **state)
{
    (void)state;
    const struct {
        const char *name, *least, *most, *below, *above;
    } rows[] = {{"memory", "0", "9223372036854775807", "-1", "9223372036854775808"},
                {"redis_ttl", "1", "2147483647", "0", "2147483648"},
                {"live_size", "1048576", "9223372036854775807", "1048575", "9223372036854775808"},
                {"deadline", "1", "60000", "0", "60001"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char want[200];
        mrq_options *o = options_of(rows[i].name, rows[i].least);
        assert_ok(mrq_options_set(o, rows[i].name, rows[i].most, &err));
        const struct mrq_options before = *o;
        const char *const wrong[] = {rows[i].below,
                                     rows[i].above,
                                     "",
                                     " 1",
                                     "1 ",
                                     "1.5",
                                     "0x1",
                                     "ten",
                                     "1\n",
                                     "+1",
                                     "99999999999999999999999999999999999999999999999999999999999999"};
        for (size_t w = 0; w < sizeof wrong / sizeof *wrong; w++) {
            snprintf(want, sizeof want, "%s \"", rows[i].name);
            assert_refused(mrq_options_set(o, rows[i].name, wrong[w], to), want);
            assert_memory_equal(&before, o, sizeof before); /* as it was */
        }
        snprintf(want, sizeof want, "want a whole number from %s to %s", rows[i].least, rows[i].most);
        assert_fails(mrq_options_set(o, rows[i].name, "x", &err), MRQ_USAGE, want);
        mrq_options_free(o);
    }
}

/* Set again, a text takes the place of the first, which is freed; the caller may change his own. */
static void options_own_their_texts(void **state)
{
    (void)state;
    static const char *const names[] = {"store", "redis", "backend", "backend_token", "backend_ca", "live"};
    mrq_options *o = mrq_options_new();
    char text[200] = "first";
    for (int round = 0; round < 3; round++)
        for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
            snprintf(text, sizeof text, "%s, for the %d. time", names[i], round);
            assert_ok(mrq_options_set(o, names[i], text, &err));
        }
    memset(text, 'x', sizeof text - 1);
    assert_string_equal(o->store, "store, for the 2. time");
    assert_string_equal(o->backend_ca, "backend_ca, for the 2. time");
    assert_ok(mrq_options_set(o, "backend_ca", o->backend_ca, &err)); /* to what it is */
    assert_string_equal(o->backend_ca, "backend_ca, for the 2. time");
    mrq_options_free(o);
}

/* A recommender needs the store's folder at each reload, and Redis's address at each query. */
static void nothing_is_kept_of_options(void **state)
{
    (void)state;
    mrq_options *o = options_of("store", store);
    mrq_recommender *first = NULL, *second = NULL;
    assert_ok(mrq_options_set(o, "redis", "127.0.0.1:1", &err));
    assert_ok(mrq_options_set(o, "memory", "1000000", &err));
    assert_ok(mrq_recommender_open(o, &first, &err));
    assert_ok(mrq_options_set(o, "memory", "0", &err)); /* of the second alone */
    assert_ok(mrq_recommender_open(o, &second, &err));
    mrq_options_free(o);
    for (int i = 0; i < 2; i++) {
        mrq_answer *one = NULL, *two = NULL;
        assert_ok(mrq_recommender_ask(first, MRQ_ASK_RECOMMEND, query, &one, &err));
        assert_ok(mrq_recommender_ask(second, MRQ_ASK_RECOMMEND, query, &two, &err));
        assert_string_equal(mrq_answer_cache_state(one), i ? "memory" : "down");
        assert_string_equal(mrq_answer_cache_state(two), "down");
        assert_string_equal(mrq_answer_id(one, 0), mrq_answer_id(two, 0));
        mrq_answer_free(one);
        mrq_answer_free(two);
    }
    assert_ok(mrq_recommender_reload(first, NULL, &err));
    mrq_recommender_close(first);
    mrq_recommender_close(second);
}

/* Counts */

static void each_count_has_its_name(void **state)
{
    (void)state;
    const mrq_stats stats = {.generation = "a",
                             .redis_problem = "b",
                             .created = 1,
                             .items = 2,
                             .users = 3,
                             .index_bytes = 4,
                             .memory_hits = 5,
                             .redis_hits = 6,
                             .computed = 7,
                             .shared = 8,
                             .redis_errors = 9,
                             .memory_entries = 10,
                             .memory_bytes = 11,
                             .memory_evicted = 12,
                             .reloads = 13,
                             .reloads_refused = 14};
    static const char *const numbers[] = {"created",      "items",          "users",   "index_bytes",    "memory_hits",
                                          "redis_hits",   "computed",       "shared",  "redis_errors",   "memory_entries",
                                          "memory_bytes", "memory_evicted", "reloads", "reloads_refused"};
    for (int i = 0; i < (int)(sizeof numbers / sizeof *numbers); i++) {
        assert_true(mrq_stats_number(&stats, numbers[i]) == i + 1); /* NOLINT: whole */
        assert_string_equal(mrq_stats_text(&stats, numbers[i]), "");
    }
    assert_string_equal(mrq_stats_text(&stats, "generation"), "a");
    assert_string_equal(mrq_stats_text(&stats, "redis_problem"), "b");
    const mrq_stats large = {.created = -1, .items = UINT32_MAX, .computed = (uint64_t)1 << 53};
    assert_true(mrq_stats_number(&large, "created") == -1 && mrq_stats_number(&large, "items") == UINT32_MAX &&
                mrq_stats_number(&large, "computed") == 9007199254740992.0);
}

static void counts_are_a_snapshot(void **state)
{
    (void)state;
    mrq_recommender *other = NULL;
    mrq_answer *answer = NULL;
    mrq_options *o = options_of("store", store);
    assert_ok(mrq_options_set(o, "memory", "1000000", &err));
    assert_ok(mrq_options_set(o, "redis", "unix:/nowhere/redis.sock", &err));
    assert_ok(mrq_recommender_open(o, &other, &err));
    mrq_options_free(o);
    mrq_stats *before = mrq_recommender_stats(other);
    for (int i = 0; i < 3; i++) {
        assert_ok(mrq_recommender_ask(other, MRQ_ASK_RECOMMEND, query, &answer, &err));
        mrq_answer_free(answer);
    }
    assert_ok(mrq_recommender_reload(other, NULL, &err)); /* which changes nothing */
    mrq_stats *after = mrq_recommender_stats(other);
    mrq_recommender_close(other); /* they stay */
    assert_true(mrq_stats_number(before, "computed") == 0 && mrq_stats_number(before, "memory_hits") == 0);
    assert_true(mrq_stats_number(after, "computed") == 1 && mrq_stats_number(after, "memory_hits") == 2);
    assert_true(mrq_stats_number(after, "memory_entries") == 1 && mrq_stats_number(after, "memory_bytes") > 100);
    assert_true(mrq_stats_number(after, "items") == ITEMS && mrq_stats_number(after, "users") == USERS);
    assert_true(mrq_stats_number(after, "index_bytes") >= 4.0 * ITEMS * DIM);
    assert_true(mrq_stats_number(after, "created") > 1.6e9);
    assert_true(mrq_stats_number(after, "redis_errors") > 0 && mrq_stats_number(after, "reloads") == 0);
    assert_non_null(strstr(mrq_stats_text(after, "redis_problem"), "/nowhere/redis.sock"));
    assert_string_equal(mrq_stats_text(after, "generation"), mrq_answer_info_text(plain, "generation"));
    mrq_stats_free(before);
    mrq_stats_free(after);
}

/* Answers */

/* What the document says under these keys; the second may be NULL. */
static const cJSON *told(const cJSON *document, const char *key, const char *inner)
{
    const cJSON *member = cJSON_GetObjectItemCaseSensitive(document, key);
    return inner ? cJSON_GetObjectItemCaseSensitive(member, inner) : member;
}

static void the_generation_that_answered_is_told(void **state)
{
    (void)state;
    mrq_answer *info = NULL, *of_query = NULL;
    size_t size;
    cJSON *json = NULL;
    assert_ok(mrq_recommender_ask(rich, MRQ_ASK_INFO, NULL, &info, &err));
    assert_ok(mrq_recommender_ask(rich, MRQ_ASK_RECOMMEND, NULL, &of_query, &err));
    const char *text = mrq_answer_json(info, &size);
    assert_ok(mrq_json_parse(text, size, "document", &json, &err));
    for (int i = 0; i < 2; i++) { /* every answer tells it */
        const mrq_answer *a = i ? of_query : info;
        assert_string_equal(mrq_answer_info_text(a, "generation"), cJSON_GetStringValue(told(json, "generation", NULL)));
        assert_string_equal(mrq_answer_info_text(a, "model"), cJSON_GetStringValue(told(json, "model", NULL)));
        assert_string_equal(mrq_answer_info_text(a, "index"), cJSON_GetStringValue(told(json, "index", "factory")));
        assert_string_equal(mrq_answer_info_text(a, "quality"), cJSON_GetStringValue(told(json, "quality", "name")));
        assert_string_equal(mrq_answer_info_text(a, "noun"), "film");
        assert_string_equal(mrq_answer_info_text(a, "nouns"), "films");
        assert_true(mrq_answer_info_number(a, "items") == ITEMS && mrq_answer_info_number(a, "users") == USERS);
        assert_true(mrq_answer_info_number(a, "dimensions") == cJSON_GetNumberValue(told(json, "index", "dim")));
        assert_true(mrq_answer_info_number(a, "recall") == cJSON_GetNumberValue(told(json, "index", "recall")));
        assert_true(fabs(mrq_answer_info_number(a, "quality") - cJSON_GetNumberValue(told(json, "quality", "value"))) < 1e-5);
        const time_t created = (time_t)mrq_answer_info_number(a, "created");
        char when[32];
        struct tm utc;
        assert_true(gmtime_r(&created, &utc) && strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%SZ", &utc) > 0);
        assert_string_equal(when, cJSON_GetStringValue(told(json, "created", NULL)));
    }
    cJSON_Delete(json);
    mrq_answer_free(info);
    mrq_answer_free(of_query);
}

static void the_user_is_told_column_by_column(void **state)
{
    (void)state;
    for (uint32_t u = 0; u < USERS; u += 7) {
        char id[24];
        snprintf(id, sizeof id, "%u", u + 1);
        mrq_query *q = query_of("user", id);
        for (int i = 0; i < 3; i++) { /* computed, from memory, and of the other question about a user */
            mrq_answer *a = NULL;
            assert_ok(mrq_recommender_ask(rich, i == 2 ? MRQ_ASK_USER : MRQ_ASK_RECOMMEND, q, &a, &err));
            const mrq_column *c = people->column;
            assert_string_equal(mrq_answer_user_text(a, "id"), id);
            assert_string_equal(mrq_answer_user_text(a, "gender"), mrq_strings_at(&c[0].dict, c[0].code[u]));
            assert_string_equal(mrq_answer_user_text(a, "age"), mrq_strings_at(&c[1].label, c[1].code[u]));
            assert_string_equal(mrq_answer_user_text(a, "job"), mrq_strings_at(&c[2].dict, c[2].code[u]));
            assert_string_equal(mrq_answer_user_text(a, "nick"), mrq_strings_at(&c[4].text, u));
            assert_string_equal(mrq_answer_user_text(a, "height"), "");
            const double height = mrq_answer_user_number(a, "height");
            assert_true(u % 3 ? height == 150 + u / 4.0 : isnan(height));
            assert_true(isnan(mrq_answer_user_number(a, "nick")) && isnan(mrq_answer_user_number(a, "gender")));
            mrq_answer_free(a);
        }
        mrq_query_free(q);
    }
}

/* Hit i of an answer is what the catalogue says of the item of this id. */
static void check_hit(const mrq_answer *a, uint32_t i)
{
    const char *id = mrq_answer_id(a, i);
    const uint32_t row = mrq_table_find(things, id, strlen(id));
    const mrq_column *c = things->column;
    assert_true(row < ITEMS);
    assert_string_equal(mrq_answer_text(a, i, "id"), id);
    assert_string_equal(mrq_answer_text(a, i, "title"), mrq_strings_at(&c[1].text, row));
    assert_string_equal(mrq_answer_text(a, i, "studio"), mrq_strings_at(&c[3].dict, c[3].code[row]));
    assert_string_equal(mrq_answer_text(a, i, "rated"), mrq_strings_at(&c[4].label, c[4].code[row]));
    assert_string_equal(mrq_answer_text(a, i, "blurb"), mrq_strings_at(&c[6].text, row));
    assert_string_equal(mrq_answer_text(a, i, "price"), "");
    const double numbers[][2] = {{mrq_answer_number(a, i, "year"), c[2].number[row]},
                                 {mrq_answer_number(a, i, "price"), c[5].number[row]}};
    for (int n = 0; n < 2; n++)
        assert_true(isnan(numbers[n][1]) ? isnan(numbers[n][0]) : numbers[n][0] == numbers[n][1]); /* NOLINT: as stored */
    assert_true(isnan(mrq_answer_number(a, i, "studio")) && isnan(mrq_answer_number(a, i, "blurb")));
    const mrq_lists *genres = &c[0].list;
    const uint32_t n = mrq_answer_members(a, i, "genres");
    assert_int_equal(n, genres->offset[row + 1] - genres->offset[row]);
    for (uint32_t m = 0; m < n; m++)
        assert_string_equal(mrq_answer_member(a, i, "genres", m),
                            mrq_strings_at(&c[0].dict, genres->item[genres->offset[row] + m]));
    assert_string_equal(mrq_answer_member(a, i, "genres", n), "");
    assert_int_equal(mrq_answer_members(a, i, "studio"), 0);
    assert_string_equal(mrq_answer_member(a, i, "studio", 0), "");
}

static void hits_are_told_column_by_column(void **state)
{
    (void)state;
    const struct {
        mrq_ask what;
        const char *name, *value;
        bool scored;
    } rows[] = {{MRQ_ASK_RECOMMEND, "user", "3", true},
                {MRQ_ASK_SIMILAR, "item", "13", true},
                {MRQ_ASK_ITEM, "item", "31", false},
                {MRQ_ASK_SEARCH, "query", "title", false},
                {MRQ_ASK_USER, "user", "3", false}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        mrq_query *q = query_of(rows[i].name, rows[i].value);
        if (rows[i].what != MRQ_ASK_ITEM)
            assert_ok(mrq_query_set(q, "k", "40", &err));
        for (int again = 0; again < 2; again++) { /* from memory as well */
            mrq_answer *a = NULL;
            assert_ok(mrq_recommender_ask(rich, rows[i].what, q, &a, &err));
            assert_true(mrq_answer_size(a) > 0);
            assert_string_equal(mrq_answer_cache_state(a), again ? "memory" : "off");
            for (uint32_t h = 0; h < mrq_answer_size(a); h++) {
                check_hit(a, h);
                assert_true(isfinite(mrq_answer_score(a, h)) == rows[i].scored);
                assert_true(!h || !rows[i].scored || mrq_answer_score(a, h - 1) >= mrq_answer_score(a, h));
            }
            mrq_answer_free(a);
        }
        mrq_query_free(q);
    }
}

static uint32_t row_of(const mrq_table *table, const char *id)
{
    return mrq_table_find(table, id, strlen(id));
}

/* Checks a part of the rich model and returns a bit for its kind. */
static unsigned check_part(const mrq_answer *a, uint32_t i, uint32_t part)
{
    static const char *const inputs[] = {"gender", "age", "history", "liked", "disliked"};
    const char *input = mrq_answer_part_input(a, i, part), *value = mrq_answer_part_value(a, i, part),
               *id = mrq_answer_part_id(a, i, part);
    unsigned kind = 0;
    while (kind < 5 && strcmp(inputs[kind], input) != 0)
        kind++;
    if (kind < 2) {
        assert_string_equal(id, "");
        assert_string_equal(value, mrq_answer_user_text(a, input));
    } else {
        assert_in_range(kind, 2, 4);
        assert_string_equal(value, mrq_strings_at(&things->column[1].text, row_of(things, id)));
        assert_true((strcmp(input, "liked") == 0) == (strcmp(id, "10") == 0));
        assert_true((strcmp(input, "disliked") == 0) == (strcmp(id, "13") == 0));
    }
    return 1u << kind;
}

static void parts_are_told_one_by_one(void **state)
{
    (void)state;
    static const char *const many[] = {"1", "3", "all"};
    uint32_t most = 0;
    for (size_t m = 0; m < 3; m++) {
        mrq_answer *a = NULL;
        mrq_query *q = query_of("user", "7");
        unsigned kinds = 0;
        assert_ok(mrq_query_set(q, "liked", "10", &err));
        assert_ok(mrq_query_set(q, "disliked", "13", &err));
        assert_ok(mrq_query_set(q, "explain", many[m], &err));
        assert_ok(mrq_recommender_ask(rich, MRQ_ASK_RECOMMEND, q, &a, &err));
        for (uint32_t i = 0; i < mrq_answer_size(a); i++) {
            double base, rest, sum = 0;
            const uint32_t n = mrq_answer_parts(a, i, &base, &rest);
            most = n > most ? n : most;
            assert_true(m == 2 ? n > 3 && rest == 0 : n == (m ? 3 : 1)); /* NOLINT: nothing is added */
            for (uint32_t p = 0; p < n; p++) {
                kinds |= check_part(a, i, p);
                sum += mrq_answer_part_score(a, i, p);
                assert_true(!p || fabs(mrq_answer_part_score(a, i, p - 1)) >= fabs(mrq_answer_part_score(a, i, p)));
            }
            assert_true(fabs(base + sum + rest - mrq_answer_score(a, i)) < 1e-4);
            assert_string_equal(mrq_answer_part_input(a, i, n), "");
        }
        assert_true(m < 2 || kinds == 31);
        mrq_answer_free(a);
        mrq_query_free(q);
    }
    assert_true(most > 4);
    for (uint32_t p = 0; p < 2; p++) { /* of the other store's model: the user as such, and the age */
        const bool own = strcmp(mrq_answer_part_input(explained, 0, p), "id") == 0;
        assert_string_equal(mrq_answer_part_id(explained, 0, p), own ? "4" : "");
        assert_string_equal(mrq_answer_part_value(explained, 0, p), own ? "" : mrq_answer_user_text(explained, "age"));
    }
}

/* The log */

typedef struct heard {
    char line[4][1200];
    int level[4], n;
    atomic_int inside, together; /* calls under way, and whether two ever were */
} heard;

static void hear(void *context, int level, const char *line)
{
    heard *h = context;
    if (atomic_fetch_add(&h->inside, 1))
        atomic_store(&h->together, 1);
    if (h->n < 4) {
        h->level[h->n] = level;
        snprintf(h->line[h->n], sizeof *h->line, "%s", line);
    }
    h->n++;
    atomic_fetch_sub(&h->inside, 1);
}

static void *chatter(void *context)
{
    for (int i = 0; i < 500; i++)
        mrq_log(MRQ_LOG_INFO, "room", "%d", i);
    return context;
}

static void the_log_goes_to_who_asks(void **state)
{
    (void)state;
    static heard first, second;
    char longest[3000];
    memset(longest, 'l', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    mrq_log_to(hear, &first);
    mrq_log(MRQ_LOG_ERROR, "index", "key=%d", 1);
    mrq_log(MRQ_LOG_WARN, "index", "two\nlines and a \xff byte");
    mrq_log(MRQ_LOG_INFO, "index", "%s", longest);
    mrq_log(MRQ_LOG_DEBUG, "index", "too much");
    assert_int_equal(first.n, 3);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(first.level[i], i);
        assert_null(strpbrk(first.line[i], "\n\r\xff"));
        assert_memory_equal(first.line[i], "index ", 6);
    }
    assert_string_equal(first.line[0], "index key=1"); /* without time or level */
    assert_in_range(strlen(first.line[2]), 1000, 1100);
    mrq_log_to(hear, &second); /* one at a time: the last who asked */
    pthread_t thread[3];
    for (int i = 0; i < 3; i++)
        assert_int_equal(pthread_create(&thread[i], NULL, chatter, NULL), 0);
    for (int i = 0; i < 3; i++)
        pthread_join(thread[i], NULL);
    assert_int_equal(first.n, 3);
    assert_int_equal(second.n, 1500);
    assert_int_equal(second.together, 0);
    mrq_log_to(NULL, NULL);
    mrq_log(MRQ_LOG_ERROR, "index", "to nobody");
    assert_int_equal(second.n, 1500);
}

/* A Milvus that has the plain store's vectors: it answers what is asked of its collections, and a search with all rows, or not at
 * all while it is `silent`. */
enum { GUESTS = 8 };
static struct {
    int listener;
    uint16_t port;
    pthread_t thread;
    atomic_bool stop, silent;
    atomic_int searches;
} server;

static void reply(int fd, const char *request)
{
    char body[4096] = "{\"code\":0,\"data\":[]}", head[200];
    if (strstr(request, "/collections/describe"))
        snprintf(body, sizeof body,
                 "{\"code\":0,\"data\":{\"fields\":[{\"name\":\"vector\",\"params\":[{\"key\":\"dim\",\"value\":\"%g\"}]}]}}",
                 mrq_answer_info_number(plain, "dimensions"));
    if (strstr(request, "/entities/search")) {
        atomic_fetch_add(&server.searches, 1);
        if (atomic_load(&server.silent))
            return;
        size_t used = (size_t)snprintf(body, sizeof body, "{\"code\":0,\"data\":[");
        for (int row = 0; row < ITEMS; row++)
            used += (size_t)snprintf(body + used, sizeof body - used, "%s{\"row\":%d}", row ? "," : "", row);
        snprintf(body + used, sizeof body - used, "]}");
    }
    const int size = snprintf(head, sizeof head, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n", strlen(body));
    if (send(fd, head, (size_t)size, MSG_NOSIGNAL) < 0 || send(fd, body, strlen(body), MSG_NOSIGNAL) < 0)
        print_message("a guest has left\n");
}

/* Reads a request, which is small; false when the guest has left. */
static bool serve_guest(int fd)
{
    static char request[20000];
    size_t used = 0, length = 0;
    for (const char *body = NULL; !body || used < length;) {
        const ssize_t n = recv(fd, request + used, sizeof request - 1 - used, 0);
        if (n <= 0)
            return false;
        used += (size_t)n;
        request[used] = '\0';
        body = strstr(request, "\r\n\r\n");
        const char *said = strcasestr(request, "content-length:");
        length = body && said ? (size_t)(body + 4 - request) + strtoul(said + 15, NULL, 10) : 0;
    }
    reply(fd, request);
    return true;
}

static void *serve(void *context)
{
    struct pollfd fd[1 + GUESTS] = {{server.listener, POLLIN, 0}};
    nfds_t n = 1;
    while (!atomic_load(&server.stop)) {
        if (poll(fd, n, 20) <= 0)
            continue;
        for (nfds_t i = n; i-- > 1;)
            if (fd[i].revents && !serve_guest(fd[i].fd)) {
                close(fd[i].fd);
                fd[i] = fd[--n];
            }
        if (fd[0].revents && n <= GUESTS)
            fd[n++] = (struct pollfd){accept(server.listener, NULL, NULL), POLLIN, 0};
    }
    while (n > 0)
        close(fd[--n].fd);
    return context;
}

static void start_server(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof at;
    server.listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(server.listener >= 0);
    assert_int_equal(bind(server.listener, (const struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(listen(server.listener, GUESTS), 0);
    assert_int_equal(getsockname(server.listener, (struct sockaddr *)&at, &size), 0);
    server.port = ntohs(at.sin_port);
    assert_int_equal(pthread_create(&server.thread, NULL, serve, NULL), 0);
}

static void a_silent_backend_costs_the_deadline_and_no_more(void **state)
{
    (void)state;
    static const struct {
        const char *deadline, *sentence;
        double least, most; /* seconds; a busy machine needs some more */
    } rows[] = {{"400", "no answer within 0.4 s", 0.35, 2.5}, {"1", "no answer within 0.001 s", 0, 2}};
    char address[60];
    start_server();
    snprintf(address, sizeof address, "milvus://127.0.0.1:%u/m", server.port);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        mrq_recommender *other = NULL;
        mrq_answer *answer = NULL;
        mrq_options *o = options_of("store", store);
        assert_ok(mrq_options_set(o, "backend", address, &err));
        assert_ok(mrq_options_set(o, "deadline", rows[i].deadline, &err));
        assert_ok(mrq_recommender_open(o, &other, &err));
        mrq_options_free(o);
        atomic_store(&server.silent, true);
        const double start = mrq_clock();
        assert_fails(mrq_recommender_ask(other, MRQ_ASK_RECOMMEND, query, &answer, &err), MRQ_UNAVAILABLE, rows[i].sentence);
        const double took = mrq_clock() - start;
        assert_null(answer);
        if (took < rows[i].least || took > rows[i].most)
            fail_msg("a deadline of %s ms: failed after %.3f s", rows[i].deadline, took);
        mrq_query *item = query_of("item", "13"); /* for which nothing has to be searched */
        assert_ok(mrq_recommender_ask(other, MRQ_ASK_ITEM, item, &answer, &err));
        assert_string_equal(mrq_answer_id(answer, 0), "13");
        assert_string_equal(mrq_answer_info_text(answer, "index"), mrq_answer_info_text(plain, "index"));
        mrq_answer_free(answer);
        mrq_query_free(item);
        atomic_store(&server.silent, false);
        if (i == 0) { /* nobody asks it for a second; then it speaks again, and the answer is that of the store's own index */
            assert_fails(mrq_recommender_ask(other, MRQ_ASK_RECOMMEND, query, &answer, &err), MRQ_UNAVAILABLE, "a moment ago");
            mrq_status status = MRQ_UNAVAILABLE;
            for (const double until = mrq_clock() + 5; status != MRQ_OK && mrq_clock() < until; usleep(20000))
                status = mrq_recommender_ask(other, MRQ_ASK_RECOMMEND, query, &answer, &err);
            assert_ok(status);
            assert_int_equal(mrq_answer_size(answer), 2);
            for (uint32_t h = 0; h < 2; h++) {
                assert_string_equal(mrq_answer_id(answer, h), mrq_answer_id(plain, h));
                assert_true(mrq_answer_score(answer, h) == mrq_answer_score(plain, h)); /* NOLINT: to the bit */
            }
            mrq_answer_free(answer);
        }
        mrq_recommender_close(other);
    }
    assert_true(atomic_load(&server.searches) >= 2);
    atomic_store(&server.stop, true);
    assert_int_equal(pthread_join(server.thread, NULL), 0);
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
        cmocka_unit_test(each_option_sets_its_own),
        cmocka_unit_test(options_have_limits),
        cmocka_unit_test(options_own_their_texts),
        cmocka_unit_test(nothing_is_kept_of_options),
        cmocka_unit_test(each_count_has_its_name),
        cmocka_unit_test(counts_are_a_snapshot),
        cmocka_unit_test(the_generation_that_answered_is_told),
        cmocka_unit_test(the_user_is_told_column_by_column),
        cmocka_unit_test(hits_are_told_column_by_column),
        cmocka_unit_test(parts_are_told_one_by_one),
        cmocka_unit_test(the_log_goes_to_who_asks),
        cmocka_unit_test(a_silent_backend_costs_the_deadline_and_no_more),
        cmocka_unit_test(only_a_batch_starts_threads),
        cmocka_unit_test(closing_waits_for_the_look_up),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
