/* Answers in memory: what they take, who goes first, how often each was asked; and the bytes of a query's key. */
#include "unit/checked_locks.h"
#include "unit/failing_memory.h"
#include "unit/testing.h"

#include <math.h>

#include "engine/answer_cache.h"
#include "engine/filter.h"
#include "unit/asked.h"

static mrq_error err;
static mrq_snapshot snapshot = {.references = 1};
enum { SHARDS = 16 };

/* An answer of the test's own, with this query, a document of these bytes and so many items and parts. */
static mrq_cached_answer *finished_with(const char *query, size_t bytes, uint32_t items, uint32_t parts)
{
    mrq_print print = {0};
    mrq_cached_answer *finished = NULL;
    mrq_content answer = {.n = items, .hit = mrq_array(items, sizeof *answer.hit)};
    if (query) {
        answer.query.text = mrq_array(strlen(query) + 1, 1);
        strcpy(answer.query.text, query);
    }
    if (parts) {
        answer.why.n = parts;
        answer.why.base = mrq_array(items, sizeof *answer.why.base);
        answer.why.part = mrq_array((size_t)items * parts, sizeof *answer.why.part);
    }
    char text[1000] = "";
    memset(text, 'x', bytes);
    mrq_print_raw(&print, text);
    assert_ok(mrq_cached_answer_new(&snapshot, &answer, &print, true, &finished, &err));
    finished->counts = query != NULL;
    return finished;
}

static void an_answer_takes_the_bytes_of_its_parts(void **state)
{
    (void)state;
    static const struct {
        const char *query;
        size_t bytes;
        uint32_t items, parts;
    } cases[] = {{NULL, 1, 0, 0}, {NULL, 100, 0, 0}, {"{}", 1, 0, 0}, {NULL, 1, 3, 0}, {"{\"k\":1}", 500, 7, 2}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        mrq_cached_answer *f = finished_with(cases[i].query, cases[i].bytes, cases[i].items, cases[i].parts);
        const size_t want = sizeof(mrq_cached_answer) + cases[i].bytes + (cases[i].query ? strlen(cases[i].query) + 1 : 0) +
                            cases[i].items * (sizeof(mrq_recommendation) +
                                              (cases[i].parts ? 2 * sizeof(double) + cases[i].parts * sizeof(mrq_score_part) : 0));
        assert_int_equal(mrq_cached_answer_bytes(f), want);
        mrq_cached_answer_release(f);
    }
    mrq_cached_answer_release(NULL);
    mrq_snapshot_release(NULL);
    assert_int_equal(snapshot.references, 1); /* each answer held the generation, and let it go */
}

static void a_query_takes_the_bytes_of_its_parts(void **state)
{
    (void)state;
    char text[] = "{}", stranger[] = "abc";
    char words[] = "ab,c";
    mrq_feature feature[2] = {{.n_members = 3}, {.n_members = 4, .words = words}};
    mrq_resolved resolved = {.text = text};
    assert_int_equal(mrq_resolved_bytes(&resolved), 3);
    resolved.stranger = stranger;
    assert_int_equal(mrq_resolved_bytes(&resolved), 3 + 4);
    resolved.n_values = 5;
    assert_int_equal(mrq_resolved_bytes(&resolved), 3 + 4 + 5 * (sizeof(uint32_t) + sizeof(mrq_members)));
    resolved.n_values = 0;
    resolved.feedback.n = 6;
    assert_int_equal(mrq_resolved_bytes(&resolved),
                     3 + 4 + 6 * (2 * sizeof(uint32_t) + 2 * sizeof *resolved.feedback.given + sizeof(mrq_sayer)));
    resolved.feedback.n_aged = 5;
    assert_int_equal(mrq_resolved_bytes(&resolved),
                     3 + 4 + 6 * (2 * sizeof(uint32_t) + 2 * sizeof(float) + sizeof(mrq_sayer)) + 5 * sizeof(float));
    resolved.feedback.n_had = 3;
    assert_int_equal(mrq_resolved_bytes(&resolved),
                     3 + 4 + 6 * (2 * sizeof(uint32_t) + 2 * sizeof(float) + sizeof(mrq_sayer)) + 5 * sizeof(float) + 3 * 4);
    resolved.feedback.n_had = 0;
    resolved.feedback.n = resolved.feedback.n_aged = 0;
    resolved.feature = feature;
    resolved.n_features = 2;
    assert_int_equal(mrq_resolved_bytes(&resolved), 3 + 4 + 2 * sizeof *feature + 7 * sizeof *feature->member + 5);
    double number[3] = {0};
    mrq_condition condition[2] = {{.n = 2}, {.n = 3, .number = number}};
    resolved.n_features = 0;
    resolved.selection = (mrq_selection){.condition = condition, .n = 2, .n_exclude = 5};
    assert_int_equal(mrq_resolved_bytes(&resolved), 3 + 4 + sizeof condition + (2 + 5) * sizeof(uint32_t) + sizeof number);
}

/* Asks for a key; computes the answer when it is not there. Whether it was. */
static bool ask(mrq_answer_cache *answers, uint32_t key, const char *query)
{
    bool waited = true;
    mrq_cached_answer *found = mrq_answer_cache_take(answers, &key, sizeof key, &waited);
    assert_false(waited);
    const bool there = found != NULL;
    if (!there) {
        found = finished_with(query, 300, 2, 0);
        mrq_answer_cache_give(answers, &key, sizeof key, found);
    }
    mrq_cached_answer_release(found);
    return there;
}

static size_t bytes_of_one(void)
{
    atomic_ullong evicted = 0;
    mrq_answer_cache *answers = mrq_answer_cache_new(1 << 20, &evicted);
    assert_false(ask(answers, 1, NULL));
    const mrq_answer_cache_size size = mrq_answer_cache_measure(answers);
    assert_int_equal(size.entries, 1);
    mrq_answer_cache_free(answers);
    return (size_t)size.bytes;
}

/* As many as fit, to the byte; the one that was asked for least recently goes, and is counted. */
static void memory_holds_as_many_as_fit(void **state)
{
    (void)state;
    enum { KEYS = 1000 };
    const size_t one = bytes_of_one();
    mrq_cached_answer *alone = finished_with(NULL, 300, 2, 0);
    assert_in_range(one, mrq_cached_answer_bytes(alone) + sizeof(uint32_t) + 128, mrq_cached_answer_bytes(alone) + 512);
    mrq_cached_answer_release(alone);
    for (size_t fits = 1; fits <= 3; fits++)
        for (size_t less = 0; less <= 1; less++) {
            atomic_ullong evicted = 0;
            mrq_answer_cache *answers = mrq_answer_cache_new(SHARDS * (fits * one - less), &evicted);
            const size_t kept = fits - less;
            for (uint32_t key = 0; key < KEYS; key++) {
                assert_false(ask(answers, key, NULL));
                if (kept)
                    assert_true(ask(answers, key, NULL)); /* the newest is there */
            }
            const mrq_answer_cache_size size = mrq_answer_cache_measure(answers);
            assert_int_equal(size.entries, SHARDS * kept);
            assert_int_equal(size.bytes, SHARDS * kept * one);
            assert_int_equal(evicted, kept ? KEYS - SHARDS * kept : 0); /* what never fits is not evicted */
            mrq_answer_cache_free(answers);
        }
    assert_int_equal(snapshot.references, 1);
}

static void what_is_asked_for_stays(void **state)
{
    (void)state;
    atomic_ullong evicted = 0;
    const size_t one = bytes_of_one();
    mrq_answer_cache *answers = mrq_answer_cache_new(SHARDS * 3 * one, &evicted);
    assert_false(ask(answers, 0, NULL));
    for (uint32_t key = 1; key < 2000; key++) {
        assert_false(ask(answers, key, NULL));
        assert_true(ask(answers, 0, NULL));
    }
    uint32_t there = 0, oldest = 2000; /* beside it the newest, in the order of asking */
    for (uint32_t key = 2000; key-- > 1;) {
        bool waited;
        mrq_cached_answer *found = mrq_answer_cache_take(answers, &key, sizeof key, &waited);
        if (found)
            oldest = key;
        else
            mrq_answer_cache_give(answers, &key, sizeof key, NULL);
        there += found != NULL;
        mrq_cached_answer_release(found);
    }
    assert_int_equal(there, SHARDS * 3 - 1);
    assert_true(oldest > 1700); /* by hash: the last 47 of 2000, but for some luck */
    mrq_answer_cache_free(answers);
    mrq_answer_cache_free(NULL);
    assert_int_equal(snapshot.references, 1);
}

static char told[200];
static void tell(void *context, const char *query, uint32_t count)
{
    assert_ptr_equal(context, told);
    snprintf(told + strlen(told), sizeof told - strlen(told), "%s %u;", query, count);
}

/* Only what the memory answered is counted, once. */
static void how_often_each_was_asked_is_told_once(void **state)
{
    (void)state;
    atomic_ullong evicted = 0;
    mrq_answer_cache *answers = mrq_answer_cache_new(1 << 20, &evicted);
    for (int i = 0; i < 4; i++)
        ask(answers, 7, "seven");
    ask(answers, 8, "eight");
    for (int i = 0; i < 3; i++)
        ask(answers, 9, NULL);
    mrq_answer_cache_asked(answers, tell, told);
    assert_string_equal(told, "seven 3;");
    mrq_answer_cache_asked(answers, tell, told);
    assert_string_equal(told, "seven 3;");
    ask(answers, 8, "eight");
    mrq_answer_cache_asked(answers, tell, told);
    assert_string_equal(told, "seven 3;eight 1;");
    mrq_answer_cache_free(answers);
}

/* Keys that differ in a byte, wherever it is, are different answers. */
static void every_byte_of_a_key_counts(void **state)
{
    (void)state;
    atomic_ullong evicted = 0;
    mrq_answer_cache *answers = mrq_answer_cache_new(1 << 24, &evicted);
    unsigned char key[100] = {0};
    bool waited;
    uint64_t n = 0;
    for (size_t size = 1; size < sizeof key; size++)
        for (size_t at = 0; at <= size; at++) {
            if (at < size)
                key[at] = 1;
            mrq_cached_answer *found = mrq_answer_cache_take(answers, key, size, &waited);
            assert_null(found);
            found = finished_with(NULL, 1, 0, 0);
            mrq_answer_cache_give(answers, key, size, found);
            mrq_cached_answer_release(found);
            if (at < size)
                key[at] = 0;
            n++;
        }
    assert_int_equal(mrq_answer_cache_measure(answers).entries, n);
    mrq_answer_cache_free(answers);

    /* And each spreads them: in shards that hold one answer each there are as many as met. */
    const size_t room = bytes_of_one() + sizeof key;
    for (size_t at = 0; at < sizeof key; at++) {
        memset(key, 0, sizeof key);
        answers = mrq_answer_cache_new(SHARDS * room, &evicted);
        for (unsigned value = 0; value < 256; value++) {
            key[at] = (unsigned char)value;
            mrq_cached_answer *found = mrq_answer_cache_take(answers, key, sizeof key, &waited);
            assert_null(found);
            found = finished_with(NULL, 300, 2, 0);
            mrq_answer_cache_give(answers, key, sizeof key, found);
            mrq_cached_answer_release(found);
        }
        assert_in_range(mrq_answer_cache_measure(answers).entries, SHARDS / 2, SHARDS);
        mrq_answer_cache_free(answers);
    }
}

/* Without memory there are no answers in it; each piece is given back. */
static void memory_survives_without_memory(void **state)
{
    (void)state;
    atomic_ullong evicted = 0;
    mrq_answer_cache *answers = NULL;
    int n = 0;
    for (; !answers; n++) {
        allocations_left = n;
        answers = mrq_answer_cache_new(1 << 20, &evicted);
        allocations_left = INT_MAX;
    }
    assert_int_equal(n, 1 + SHARDS + 1);
    const uint32_t key = 5;
    bool waited;
    allocations_left = 0;
    assert_null(mrq_answer_cache_take(answers, &key, sizeof key, &waited)); /* nobody waits for it then */
    assert_null(mrq_answer_cache_take(answers, &key, sizeof key, &waited));
    allocations_left = INT_MAX;
    assert_false(waited);
    mrq_answer_cache_give(answers, &key, sizeof key, NULL);
    assert_false(ask(answers, key, "q"));
    assert_true(ask(answers, key, "q"));
    allocations_left = 0; /* told the next time */
    *told = '\0';
    mrq_answer_cache_asked(answers, tell, told);
    allocations_left = INT_MAX;
    assert_string_equal(told, "");
    mrq_answer_cache_asked(answers, tell, told);
    assert_string_equal(told, "q 1;");
    mrq_answer_cache_free(answers);
    assert_int_equal(snapshot.references, 1);
}

/* A key holds 2048 bytes: what is longer has none. */
static void a_key_has_room_for_so_many_bytes(void **state)
{
    (void)state;
    static char text[3000], key[MRQ_QUERY_KEY];
    enum { AROUND = 1 + 8 + 1 }; /* what is asked; field and size, and a NUL */
    for (size_t size = 0; size < 2100; size++) {
        mrq_query query = {0};
        memset(text, 'x', size);
        text[size] = '\0';
        assert_ok(mrq_query_put(&query, MRQ_Q_TEXT, text, &err));
        assert_int_equal(mrq_query_key(&query, MRQ_ASK_SEARCH, key), AROUND + size <= 2048 ? AROUND + size : 0);
        mrq_query_clear(&query);
    }
}

/* One bit a row, at each number of rows about the ends of words. */
static void a_bitmap_has_a_bit_for_each_row(void **state)
{
    (void)state;
    for (uint32_t rows = 1; rows <= 200; rows++) {
        mrq_table *items = mrq_table_new();
        double *year = mrq_arena_array(items->arena, rows, sizeof *year);
        items->column = mrq_arena_array(items->arena, 1, sizeof *items->column);
        items->column[0] = (mrq_column){.name = "year", .kind = MRQ_NUMBER, .number = year};
        items->n_columns = 1;
        items->rows = rows;
        for (uint32_t i = 0; i < rows; i++) {
            year[i] = i % 5 == 4 ? (double)NAN : 1900 + i;
        }
        double limit[] = {1903, 1970};
        mrq_condition condition[] = {{.column = items->column, .compare = MRQ_FROM, .n = 1, .number = &limit[0]},
                                     {.column = items->column, .compare = MRQ_UP_TO, .n = 1, .number = &limit[1]}};
        const mrq_selection selections[] = {{.n = 0},
                                            {.condition = condition, .n = 1, .n_year = 1},
                                            {.condition = condition + 1, .n = 1, .n_year = 1},
                                            {.condition = condition, .n = 2, .n_year = 2}};
        const bool from[] = {false, true, false, true}, to[] = {false, false, true, true};
        const uint32_t less[] = {0, rows - 1, rows / 2};
        for (size_t s = 0; s < 4; s++) {
            mrq_bitmap bitmap = {0};
            uint32_t kept = 0;
            assert_ok(mrq_selection_bitmap(&selections[s], items, less, 3, &bitmap, &err));
            for (uint32_t i = 0; i < (rows + 63) / 64 * 64; i++) {
                const bool in = i < rows && i != 0 && i != rows - 1 && i != rows / 2 &&
                                (s == 0 || (i % 5 != 4 && (!from[s] || i >= 3) && (!to[s] || i <= 70)));
                assert_int_equal(bitmap.keep[i / 64] >> i % 64 & 1, in);
                kept += in;
            }
            assert_int_equal(bitmap.filter.n_kept, kept);
            assert_int_equal(bitmap.terms.n_without, 3);
            assert_true(bitmap.terms.condition == selections[s].condition && bitmap.terms.n == selections[s].n);
            mrq_bitmap_clear(&bitmap);
        }
        mrq_bitmap bitmap = {0};
        uint32_t excluded[] = {rows - 1};
        assert_ok(mrq_selection_bitmap(&(mrq_selection){.exclude = excluded, .n_exclude = 1}, items, less, 1, &bitmap, &err));
        assert_int_equal(bitmap.filter.n_kept, rows > 1 ? rows - 2 : 0);
        assert_int_equal(bitmap.terms.n_without, 2);
        mrq_bitmap_clear(&bitmap);
        mrq_table_free(items);
    }
}

/* The last year is one; what lies beyond it is none. */
static void years_end_with_the_last(void **state)
{
    (void)state;
    static const struct {
        const char *years, *says; /* NULL: fine */
    } cases[] = {{"9999", NULL},
                 {"9999-", NULL},
                 {"-9999", NULL},
                 {"1-9999", NULL},
                 {"10000", "year \"10000\": want a year"},
                 {"-10000", "year \"-10000\": want a year"},
                 {"0-5", "year \"0-5\": want a year"},
                 {"2-1", "year \"2-1\": the first comes after the last, want 1-2"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        mrq_table *items = mrq_table_new();
        mrq_query query = {0};
        mrq_selection selection = {0};
        if (cases[i].says)
            assert_fails(mrq_query_put(&query, MRQ_Q_YEAR, cases[i].years, &err), MRQ_USAGE, cases[i].says);
        else
            assert_ok(mrq_query_put(&query, MRQ_Q_YEAR, cases[i].years, &err));
        if (!cases[i].says)
            assert_fails(mrq_selection_resolve(items, &query, &selection, &err), MRQ_USAGE, "year: the data's items have no years");
        mrq_query_clear(&query);
        mrq_table_free(items);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_takes_the_bytes_of_its_parts),
        cmocka_unit_test(a_query_takes_the_bytes_of_its_parts),
        cmocka_unit_test(memory_holds_as_many_as_fit),
        cmocka_unit_test(what_is_asked_for_stays),
        cmocka_unit_test(how_often_each_was_asked_is_told_once),
        cmocka_unit_test(every_byte_of_a_key_counts),
        cmocka_unit_test(memory_survives_without_memory),
        cmocka_unit_test(a_key_has_room_for_so_many_bytes),
        cmocka_unit_test(a_bitmap_has_a_bit_for_each_row),
        cmocka_unit_test(years_end_with_the_last),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
