/* The table of a query's fields, and the query that is made of it: what can be set, what it holds then, by what it is remembered,
 * and that what a generation tells of it can be asked again. */
#include "unit/failing_memory.h"

#include "unit/engine_world.h"

#include "base/json.h"
#include "base/utf8.h"
#include "unit/ids.h"
#include "unit/text_ids.h"

enum { ITEMS = 40, VALUE_MAX = 8192 };

/* A query as a line: all that it holds, in the order of the table. */
static const char *line_of(const mrq_query *query)
{
    static char text[1 << 16];
    int n = 0;
    *text = '\0';
    for (unsigned i = 0; i < MRQ_Q_FIELDS; i++) {
        mrq_query_value value;
        uint32_t values = 0;
        for (size_t at = mrq_query_begin(query, i); mrq_query_next(query, i, &at, &value); values++) {
            assert_int_equal(strlen(value.text), value.size);
            n += snprintf(text + n, sizeof text - (size_t)n, "%s%s=%s", n ? " " : "", mrq_query_fields[i].name, value.text);
        }
        assert_int_equal(values, query->n[i]);
    }
    assert_int_equal(query->end[MRQ_Q_FIELDS - 1], query->size);
    return text;
}

/* Two values of a type, and how they are kept. */
static const struct {
    const char *set, *kept;
} values[][2] = {
    [MRQ_QT_FEATURE] = {{"a", "a"}, {"", ""}},
    [MRQ_QT_PAIR] = {{"x=1", "x=1"}, {"y==2=", "y==2="}},
    [MRQ_QT_TEXT] = {{"Sci-Fi", "Sci-Fi"}, {"", ""}},
    [MRQ_QT_ITEM] = {{"0", "0"}, {"tt0111161", "tt0111161"}},
    [MRQ_QT_USER] = {{"9223372036854775807", "9223372036854775807"}, {"007", "007"}},
    [MRQ_QT_WHOLE] = {{"1", "1"}, {"1000", "1000"}},
    [MRQ_QT_FLAG] = {{"true", "1"}, {"1", "1"}},
    [MRQ_QT_YEARS] = {{"1994", "1994"}, {"-1999", "-1999"}},
    [MRQ_QT_ORDER] = {{"popular", "popular"}, {"trending", "trending"}},
    [MRQ_QT_COLUMN] = {{"a", "a"}, {"a column of thirty-one letters.", "a column of thirty-one letters."}},
    [MRQ_QT_WHERE] = {{"a=1", "a=1"}, {"b c >= 2,3", "b c >= 2,3"}},
    [MRQ_QT_PARTS] = {{"true", "10"}, {"all", "4294967295"}},
};
#define TYPES (sizeof values / sizeof *values)

/* The table */

static void every_row_is_whole_and_found(void **state)
{
    (void)state;
    for (unsigned i = 0; i < MRQ_Q_FIELDS; i++) {
        const mrq_query_field *f = &mrq_query_fields[i];
        assert_int_equal(mrq_query_field_find(f->name), i);
        assert_true(*f->name && strspn(f->name, "abcdefghijklmnopqrstuvwxyz_") == strlen(f->name));
        assert_true(*f->help && f->most >= 1 && f->asks && f->type < TYPES && f->min <= f->max);
        assert_true(f->type != MRQ_QT_FLAG || (f->most == 1 && !f->meta));
        for (unsigned j = 0; j < i; j++) {
            const mrq_query_field *g = &mrq_query_fields[j];
            assert_string_not_equal(f->option ? f->option : f->name, g->option ? g->option : g->name);
            assert_true(!f->letter || f->letter != g->letter);
        }
    }
    static const char *const others[] = {"", "ag", "ages", "AGE", "year ", "include-seen"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        assert_int_equal(mrq_query_field_find(others[i]), MRQ_Q_FIELDS);
}

/* Each question knows the fields that the table says, and wants what it is about. */
static void a_question_knows_its_fields(void **state)
{
    (void)state;
    static const mrq_field_index about[] = {MRQ_Q_FIELDS, MRQ_Q_ITEM, MRQ_Q_ITEM, MRQ_Q_TEXT, MRQ_Q_USER, MRQ_Q_FIELDS};
    for (unsigned what = 0; what < sizeof about / sizeof *about; what++) {
        const mrq_query none = {0};
        if (about[what] == MRQ_Q_FIELDS) {
            assert_ok(mrq_query_check(&none, (mrq_ask)what, &err));
        } else {
            char missing[60];
            snprintf(missing, sizeof missing, "%s is missing", mrq_query_fields[about[what]].name);
            assert_fails(mrq_query_check(&none, (mrq_ask)what, &err), MRQ_USAGE, missing);
        }
        for (unsigned i = 0; i < MRQ_Q_FIELDS; i++) {
            const mrq_query_field *f = &mrq_query_fields[i];
            ASKED_QUERY query = {0};
            char means[80];
            if (about[what] != MRQ_Q_FIELDS)
                assert_ok(mrq_query_put(&query, about[what], "13", &err));
            assert_ok(mrq_query_set(&query, f->name, values[f->type][0].set, &err));
            snprintf(means, sizeof means, "%s: not used by this kind of query; leave it out",
                     f->type == MRQ_QT_PAIR ? "x" : f->name);
            if (f->asks & MRQ_ASKS(what))
                assert_ok(mrq_query_check(&query, (mrq_ask)what, &err));
            else
                assert_fails(mrq_query_check(&query, (mrq_ask)what, &err), MRQ_USAGE, means);
        }
    }
    assert_fails(mrq_query_check(&(mrq_query){0}, (mrq_ask)6, &err), MRQ_USAGE, "what: 6 is not a kind of query");
}

/* Setting */

static void each_field_is_set_replaced_appended_and_removed(void **state)
{
    (void)state;
    for (unsigned i = 0; i < MRQ_Q_FIELDS; i++) {
        const mrq_query_field *f = &mrq_query_fields[i];
        const bool feature = f->type == MRQ_QT_FEATURE;
        char first[200], second[200];
        ASKED_QUERY query = {0};
        for (int v = 0; v < 2; v++) {
            const char *before = feature ? "with=" : "";
            snprintf(v ? second : first, sizeof first, "%s%s=%s", before, f->name, values[f->type][v].kept);
        }
        assert_ok(mrq_query_set(&query, f->name, values[f->type][0].set, &err));
        assert_string_equal(line_of(&query), first);
        assert_ok(mrq_query_set(&query, f->name, values[f->type][1].set, &err));
        if (f->most > 1) {
            strcat(strcat(first, " "), second);
            assert_string_equal(line_of(&query), first);
        } else {
            assert_string_equal(line_of(&query), second);
        }
        static const char *const nothing[] = {"false", "0"};
        for (int n = 0; n < 2 && (f->type == MRQ_QT_FLAG || f->type == MRQ_QT_PARTS); n++) {
            assert_ok(mrq_query_set(&query, f->name, nothing[n], &err));
            assert_string_equal(line_of(&query), "");
            assert_ok(mrq_query_set(&query, f->name, nothing[n], &err)); /* of what is not there */
            assert_ok(mrq_query_set(&query, f->name, values[f->type][1].set, &err));
            assert_string_equal(line_of(&query), second);
        }
        mrq_query_clear(&query);
        assert_string_equal(line_of(&query), "");
        mrq_query_clear(&query);
    }
}

/* The others stay as they are when one in the middle grows, shrinks or goes. */
static void the_others_stay(void **state)
{
    (void)state;
    ASKED_QUERY query = {0};
    static const char *const set[][3] = {
        {"genre", "Drama", "genre=Drama"},
        {"user", "4", "user=4 genre=Drama"},
        {"all_genres", "true", "user=4 genre=Drama all_genres=1"},
        {"query", "x", "user=4 genre=Drama all_genres=1 query=x"},
        {"genre", "", "user=4 genre=Drama genre= all_genres=1 query=x"},
        {"user", "123456789", "user=123456789 genre=Drama genre= all_genres=1 query=x"},
        {"all_genres", "0", "user=123456789 genre=Drama genre= query=x"},
        {"user", "5", "user=5 genre=Drama genre= query=x"},
        {"age", "25", "with=age=25 user=5 genre=Drama genre= query=x"},
        {"query", "", "with=age=25 user=5 genre=Drama genre= query="},
        {"liked", "7", "with=age=25 user=5 liked=7 genre=Drama genre= query="},
        {"liked", "7", "with=age=25 user=5 liked=7 liked=7 genre=Drama genre= query="},
        {"age", "", "with=age= user=5 liked=7 liked=7 genre=Drama genre= query="},
    };
    for (size_t i = 0; i < sizeof set / sizeof *set; i++) {
        assert_ok(mrq_query_set(&query, set[i][0], set[i][1], &err));
        assert_string_equal(line_of(&query), set[i][2]);
    }
}

/* A refused value leaves the query as it was. */
static void wrong_values_are_refused(void **state)
{
    (void)state;
    static const char id[] = "want an id, 1 to 255 bytes of UTF-8 without control characters",
                      years[] = "want a year or years, such as 1994", k[] = "want a whole number from 1 to 1000",
                      parts[] = "want true, false, or how many parts, 1 to 1000", flag[] = "want true or false",
                      pair[] = "want NAME=VALUE, the name of a column of the users and a value";
    static const struct {
        const char *name, *value, *says;
    } wrong[] = {
        {"liked", "", id},
        {"disliked", "", id},
        {"exclude", "", id},
        {"user", "", id},
        {"k", "0", k},
        {"k", "-5", k},
        {"k", "1001", k},
        {"k", "5x", k},
        {"k", "", k},
        {"all_genres", "", flag},
        {"all_genres", "yes", flag},
        {"include_seen", "True", flag},
        {"include_seen", "2", flag},
        {"year", "", years},
        {"year", "-", years},
        {"year", "0", years},
        {"year", "1-0", years},
        {"year", "10000", years},
        {"year", "1990-10000", years},
        {"year", "1990-1995-1999", years},
        {"year", "1990 -", years},
        {"year", "1999-1990", "the first comes after the last, want 1990-1999"},
        {"explain", "", parts},
        {"explain", "-1", parts},
        {"explain", "ALL", parts},
        {"explain", "4294967294", parts},
        {"explain", "4294967296", parts},
        {"with", "", pair},
        {"with", "x", pair},
        {"with", "=x", pair},
    };
    ASKED_QUERY query = {0};
    assert_ok(mrq_query_set(&query, "age", "25", &err));
    assert_ok(mrq_query_set(&query, "query", "x", &err));
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        char says[200];
        snprintf(says, sizeof says, "%s \"%s\": %s", wrong[i].name, wrong[i].value, wrong[i].says);
        assert_fails(mrq_query_set(&query, wrong[i].name, wrong[i].value, &err), MRQ_USAGE, says);
        assert_true(strstr(err.msg, says) == err.msg);
        assert_string_equal(line_of(&query), "with=age=25 query=x");
    }
    static const char *const names[] = {"", "a=b", "=", "12345678901234567890123456789012"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char says[200];
        snprintf(says, sizeof says, "\"%s\" is neither a field of a query nor a possible name of a column", names[i]);
        assert_fails(mrq_query_set(&query, names[i], "1", &err), MRQ_USAGE, says);
        assert_string_equal(line_of(&query), "with=age=25 query=x");
    }
    assert_ok(mrq_query_set(&query, "1234567890123456789012345678901", "1", &err));
}

static const mrq_field_index id_fields[] = {MRQ_Q_USER, MRQ_Q_LIKED, MRQ_Q_DISLIKED, MRQ_Q_EXCLUDE};
enum { ID_FIELDS = sizeof id_fields / sizeof *id_fields };

/* An id is kept byte for byte, a number or not. */
static void an_id_is_a_text(void **state)
{
    (void)state;
    static const char *const more[] = {"x", "1,2", "9223372036854775808", "1e3", "0", "00", "null", "\xc2\xa0"};
    enum { MORE = sizeof more / sizeof *more };
    for (int f = 0; f < ID_FIELDS; f++) {
        const char *name = mrq_query_fields[id_fields[f]].name;
        for (int i = 0; i < TEXT_IDS + MORE; i++) {
            const char *id = i < TEXT_IDS ? text_ids[i] : more[i - TEXT_IDS];
            char want[400];
            ASKED_QUERY query = {0};
            assert_ok(mrq_query_set(&query, name, id, &err));
            snprintf(want, sizeof want, "%s=%s", name, id);
            assert_string_equal(line_of(&query), want);
        }
        ASKED_QUERY query = {0};
        assert_ok(mrq_query_set(&query, "age", "25", &err));
        for (int i = 0; i < WRONG_IDS; i++) {
            char start[40];
            assert_fails(mrq_query_set(&query, name, wrong_ids[i], &err), MRQ_USAGE,
                         "\": want an id, 1 to 255 bytes of UTF-8 without control characters");
            snprintf(start, sizeof start, "%s \"", name);
            assert_true(strstr(err.msg, start) == err.msg);
            assert_true(mrq_utf8_is_plain(err.msg));
            assert_string_equal(line_of(&query), "with=age=25");
        }
    }
}

/* As options and URLs have them: commas between ids, and within one an escaped comma. */
static void ids_stand_in_a_list(void **state)
{
    (void)state;
    static const struct {
        const char *list, *line;
    } good[] = {
        {"1", "liked=1"},
        {"1,2,1", "liked=1 liked=2 liked=1"},
        {"7,007", "liked=7 liked=007"},
        {"tt0111161,7", "liked=tt0111161 liked=7"},
        {"a\\,b", "liked=a,b"},
        {"a\\,b,c", "liked=a,b liked=c"},
        {"\\,,\\,\\,", "liked=, liked=,,"},
        {"a\\\\,b", "liked=a\\ liked=b"},
        {"a\\\\\\,b", "liked=a\\,b"},
        {"a\\b,\\", "liked=a\\b liked=\\"}, /* before others it stands for itself */
        {" 1, 2", "liked= 1 liked= 2"},
        {"\"a,b\"", "liked=\"a liked=b\""}, /* a quote is a byte like others */
        {"é,😀", "liked=é liked=😀"},
        {ID_OF_255 "," ID_OF_255, "liked=" ID_OF_255 " liked=" ID_OF_255},
    };
    static const char *const bad[] = {"", ",", "1,", ",1", "1,,2", "1,a\nb", "1,\xff", "1," ID_OF_255 "x", "1," ID_OF_255 "\\,"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        ASKED_QUERY query = {0};
        assert_ok(mrq_query_put_list(&query, MRQ_Q_LIKED, good[i].list, &err));
        assert_string_equal(line_of(&query), good[i].line);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        ASKED_QUERY query = {0};
        assert_fails(mrq_query_put_list(&query, MRQ_Q_EXCLUDE, bad[i], &err), MRQ_USAGE, "want an id, 1 to 255 bytes of UTF-8");
        assert_true(strstr(err.msg, "exclude \"") == err.msg);
    }
    char *huge = calloc(1, 3 * VALUE_MAX); /* of which no part is taken */
    memset(huge, 'x', 3 * VALUE_MAX - 1);
    ASKED_QUERY none = {0};
    assert_fails(mrq_query_put_list(&none, MRQ_Q_LIKED, huge, &err), MRQ_USAGE, "liked");
    assert_int_equal(none.size, 0);
    free(huge);
    static const mrq_field_index alone[] = {MRQ_Q_USER, MRQ_Q_GENRE, MRQ_Q_TEXT, MRQ_Q_ITEM,
                                            MRQ_Q_WHERE}; /* elsewhere it is no list */
    for (size_t i = 0; i < sizeof alone / sizeof *alone; i++) {
        ASKED_QUERY query = {0};
        assert_ok(mrq_query_put_list(&query, alone[i], "a=\\,b,c", &err));
        assert_string_equal(mrq_query_text(&query, alone[i]), "a=\\,b,c");
        assert_int_equal(query.n[alone[i]], 1);
    }
    ASKED_QUERY many = {0};
    for (uint32_t i = 0; i < MRQ_EXCLUDE_MAX; i += 2)
        assert_ok(mrq_query_put_list(&many, MRQ_Q_EXCLUDE, "1,2", &err));
    assert_fails(mrq_query_put_list(&many, MRQ_Q_EXCLUDE, "1,2", &err), MRQ_USAGE, "exclude: more than 1000 values");
}

/* Limits */

static void a_field_has_at_most_so_many_values(void **state)
{
    (void)state;
    for (unsigned i = 0; i < MRQ_Q_FIELDS; i++) {
        const mrq_query_field *f = &mrq_query_fields[i];
        char says[80], value[40];
        ASKED_QUERY query = {0};
        if (f->most == 1)
            continue;
        for (uint32_t n = 0; n < f->most; n++) {
            snprintf(value, sizeof value, f->type == MRQ_QT_PAIR || f->type == MRQ_QT_WHERE ? "f%u=1" : "%u", n);
            assert_ok(mrq_query_set(&query, f->name, value, &err));
        }
        assert_int_equal(query.n[i], f->most);
        snprintf(says, sizeof says, f->type == MRQ_QT_PAIR ? "g: more than 64 columns of the users" : "%s: more than %u %s",
                 f->name, f->most, f->type == MRQ_QT_WHERE ? "conditions" : "values");
        const size_t size = query.size;
        assert_fails(mrq_query_set(&query, f->name, *value == 'f' ? "g=1" : "1", &err), MRQ_USAGE, says);
        assert_int_equal(query.n[i], f->most);
        assert_int_equal(query.size, size);
        if (f->type != MRQ_QT_PAIR)
            continue;
        assert_fails(mrq_query_set(&query, "age", "1", &err), MRQ_USAGE, "age: more than 64"); /* counted together */
        assert_fails(mrq_query_set(&query, "town", "1", &err), MRQ_USAGE, "town: more than 64");
        assert_ok(mrq_query_set(&query, "with", "f7=2", &err)); /* in the place of another */
        assert_ok(mrq_query_set(&query, "f8", "2", &err));
        assert_int_equal(query.n[i], f->most);
        assert_int_equal(query.size, size);
    }
    assert_int_equal(mrq_query_fields[MRQ_Q_LIKED].most, MRQ_FEEDBACK_MAX);
    assert_int_equal(mrq_query_fields[MRQ_Q_EXCLUDE].most, MRQ_EXCLUDE_MAX);
}

static void a_number_has_a_least_and_a_most(void **state)
{
    (void)state;
    for (unsigned i = 0; i < MRQ_Q_FIELDS; i++) {
        const mrq_query_field *f = &mrq_query_fields[i];
        if (f->type != MRQ_QT_WHOLE && f->type != MRQ_QT_PARTS)
            continue;
        for (int64_t n = f->min - 1; n <= f->max + 1; n = n == f->min + 1 ? f->max : n + 1) {
            ASKED_QUERY query = {0};
            char value[40];
            snprintf(value, sizeof value, "%" PRId64, n);
            const bool fits = n >= f->min && n <= f->max;
            if (fits)
                assert_ok(mrq_query_set(&query, f->name, value, &err));
            else
                assert_fails(mrq_query_set(&query, f->name, value, &err), MRQ_USAGE, value);
            assert_true(mrq_query_number(&query, i, -7) == (fits && (n || f->type == MRQ_QT_WHOLE) ? n : -7));
        }
    }
    ASKED_QUERY query = {0};
    assert_ok(mrq_query_set(&query, "year", "1-9999", &err));
    assert_fails(mrq_query_set(&query, "explain", "4294967295", &err), MRQ_USAGE, "want true, false"); /* as "all" is kept */
    assert_ok(mrq_query_set(&query, "explain", "all", &err));
    assert_true(mrq_query_number(&query, MRQ_Q_EXPLAIN, 0) == MRQ_EXPLAIN_ALL);
}

static void a_value_has_at_most_so_many_bytes(void **state)
{
    (void)state;
    static char text[VALUE_MAX + 2];
    static const char *const names[] = {"item", "genre", "age", "town"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        ASKED_QUERY query = {0};
        char says[80];
        memset(text, 'x', VALUE_MAX + 1);
        text[VALUE_MAX] = '\0';
        assert_ok(mrq_query_set(&query, names[i], text, &err));
        text[VALUE_MAX] = 'x';
        snprintf(says, sizeof says, "%s: 8193 bytes, want at most 8192", names[i]);
        const size_t size = query.size;
        assert_fails(mrq_query_set(&query, names[i], text, &err), MRQ_USAGE, says);
        assert_int_equal(query.size, size);
    }
}

static void rows_are_items_and_parts(void **state)
{
    (void)state;
    ASKED_QUERY query = {0};
    assert_true(mrq_query_rows(&query) == MRQ_K_DEFAULT);
    assert_ok(mrq_query_set(&query, "explain", "true", &err));
    assert_true(mrq_query_rows(&query) == MRQ_K_DEFAULT * 11);
    assert_ok(mrq_query_set(&query, "k", "1000", &err));
    assert_true(mrq_query_rows(&query) == 11000);
    assert_ok(mrq_query_set(&query, "explain", "all", &err));
    assert_true(mrq_query_rows(&query) == UINT64_C(1000) << 32);
}

static void years_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int from, to;
    } cases[] = {{"1994", 1994, 1994}, {"1990-1999", 1990, 1999}, {"1990-", 1990, 0}, {"-1999", 0, 1999}, {"5-5", 5, 5}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int from = -1, to = -1;
        assert_true(mrq_years_read(cases[i].text, &from, &to));
        assert_true(from == cases[i].from && to == cases[i].to);
    }
}

/* Identity */

/* The keys of two queries are the same. */
static bool same_key(const mrq_query *a, const mrq_query *b)
{
    char x[MRQ_QUERY_KEY], y[MRQ_QUERY_KEY];
    const size_t n = mrq_query_key(a, MRQ_ASK_RECOMMEND, x), m = mrq_query_key(b, MRQ_ASK_RECOMMEND, y);
    assert_true(n && m);
    return n == m && memcmp(x, y, n) == 0;
}

static void the_order_of_setting_makes_no_difference(void **state)
{
    (void)state;
    static const char *const set[][2] = {{"age", "25"},    {"ages", "1"},     {"ag", "x"},        {"gender", "F"},
                                         {"with", "b=2"},  {"user", "4"},     {"k", "7"},         {"year", "1990-"},
                                         {"item", "13"},   {"query", "star"}, {"explain", "all"}, {"include_seen", "true"},
                                         {"liked", "1"},   {"genre", "War"},  {"exclude", "9"},   {"a", ""},
                                         {"zebra", "3=4"}, {"disliked", "3"}, {"age2", "5"},      {"all_genres", "1"}};
    enum { N = sizeof set / sizeof *set };
    ASKED_QUERY first = {0};
    mrq_random rng;
    mrq_random_init(&rng, 3, 3);
    for (int i = 0; i < N; i++)
        assert_ok(mrq_query_set(&first, set[i][0], set[i][1], &err));
    for (int turn = 0; turn < 200; turn++) {
        int order[N];
        ASKED_QUERY query = {0};
        for (int i = 0; i < N; i++) {
            const int j = (int)mrq_random_below(&rng, (uint64_t)i + 1);
            order[i] = order[j];
            order[j] = i;
        }
        if (turn % 2) { /* what was there before is gone without a trace */
            assert_ok(mrq_query_set(&query, "age", "a long text, longer than it is", &err));
            assert_ok(mrq_query_set(&query, "zebra", "", &err));
            assert_ok(mrq_query_set(&query, "year", "1-2", &err));
        }
        for (int i = 0; i < N; i++)
            assert_ok(mrq_query_set(&query, set[order[i]][0], set[order[i]][1], &err));
        assert_true(same_key(&first, &query));
    }
}

/* No two of these are the same: one value changed, left out or given to a neighbour; or another question. */
static void what_is_not_the_same_has_another_key(void **state)
{
    (void)state;
    static const char *const lines[][3][2] = {
        {{"k", "5"}},
        {{"k", "6"}},
        {{"k", "05"}},
        {{"user", "5"}},
        {{"liked", "5"}},
        {{"disliked", "5"}},
        {{"liked", "5"}, {"liked", "5"}},
        {{"liked", "5"}, {"disliked", "5"}},
        {{"genre", "a"}, {"genre", "b"}},
        {{"genre", "b"}, {"genre", "a"}}, /* in memory; the text of what was resolved is the same */
        {{"genre", "ab"}},
        {{"genre", "a b"}},
        {{"genre", ""}},
        {{"item", ""}},
        {{"query", ""}},
        {{"age", ""}},
        {{"age", "5"}},
        {{"ages", "5"}},
        {{"age", "s=5"}},
        {{"age", "5"}, {"k", "5"}},
        {{"explain", "all"}},
        {{"explain", "10"}},
        {{"include_seen", "1"}},
        {{"all_genres", "1"}},
        {{NULL}},
    };
    enum { N = sizeof lines / sizeof *lines };
    mrq_query query[N] = {0};
    for (int i = 0; i < N; i++) {
        for (int f = 0; f < 3 && lines[i][f][0]; f++)
            assert_ok(mrq_query_set(&query[i], lines[i][f][0], lines[i][f][1], &err));
        for (int j = 0; j < i; j++)
            assert_false(same_key(&query[i], &query[j]));
    }
    char a[MRQ_QUERY_KEY], b[MRQ_QUERY_KEY];
    for (int x = MRQ_ASK_RECOMMEND; x <= MRQ_ASK_INFO; x++)
        for (int y = MRQ_ASK_RECOMMEND; y < x; y++) {
            const size_t n = mrq_query_key(&query[0], (mrq_ask)x, a), m = mrq_query_key(&query[0], (mrq_ask)y, b);
            assert_true(n == m && memcmp(a, b, n) != 0);
        }
    for (int i = 0; i < N; i++)
        mrq_query_clear(&query[i]);
}

static void a_key_has_at_most_so_many_bytes(void **state)
{
    (void)state;
    char text[MRQ_QUERY_KEY] = "", key[MRQ_QUERY_KEY];
    const size_t most = MRQ_QUERY_KEY - 1 - 2 * sizeof(uint32_t) - 1; /* what is asked; field and size, a NUL */
    ASKED_QUERY query = {0};
    assert_int_equal(mrq_query_key(&query, MRQ_ASK_RECOMMEND, key), 1);
    memset(text, 'x', most);
    assert_ok(mrq_query_set(&query, "query", text, &err));
    assert_int_equal(mrq_query_key(&query, MRQ_ASK_SEARCH, key), MRQ_QUERY_KEY);
    text[most] = 'x';
    assert_ok(mrq_query_set(&query, "query", text, &err));
    assert_int_equal(mrq_query_key(&query, MRQ_ASK_SEARCH, key), 0);
}

/* Features */

static void names_that_begin_alike_do_not_disturb_each_other(void **state)
{
    (void)state;
    static const char *const names[] = {"age", "ages", "ag", "age_2", "a", "ageses", "b", "Age"};
    enum { N = sizeof names / sizeof *names };
    for (int turn = 0; turn < N * N; turn++) {
        ASKED_QUERY query = {0};
        char want[400] = "";
        for (int again = 0; again < 2; again++)
            for (int i = 0; i < N; i++) { /* begun with each, and in both directions */
                const int at = (turn / N % 2 ? turn + i : turn + N - i) % N;
                char value[40];
                snprintf(value, sizeof value, "%s of %d", names[at], again);
                assert_ok(mrq_query_set(&query, names[at], value, &err));
            }
        assert_ok(mrq_query_set(&query, names[turn % N], "x", &err));
        static const char *const sorted[] = {"Age", "a", "ag", "age", "age_2", "ages", "ageses", "b"};
        for (int i = 0; i < N; i++) {
            const bool changed = strcmp(sorted[i], names[turn % N]) == 0;
            char one[80];
            snprintf(one, sizeof one, "%swith=%s=%s%s", i ? " " : "", sorted[i], changed ? "x" : sorted[i], changed ? "" : " of 1");
            strcat(want, one);
        }
        assert_string_equal(line_of(&query), want);
    }
}

static void with_is_the_plain_name(void **state)
{
    (void)state;
    static const char *const set[][3] = {
        {"age", "25", "age=25"}, {"town", "a=b", "town=a=b"}, {"gender", "", "gender="}, {"job", "x y", "job=x y"}};
    enum { N = sizeof set / sizeof *set };
    ASKED_QUERY plain = {0}, with = {0}, mixed = {0};
    for (int i = 0; i < N; i++) {
        assert_ok(mrq_query_set(&plain, set[i][0], set[i][1], &err));
        assert_ok(mrq_query_set(&with, "with", set[N - 1 - i][2], &err));
        assert_ok(mrq_query_set(&mixed, set[i][0], "other", &err));
        assert_ok(mrq_query_set(&mixed, "with", set[i][2], &err));
        assert_true(mixed.n[MRQ_Q_WITH] == (uint32_t)i + 1);
    }
    assert_true(same_key(&plain, &with) && same_key(&plain, &mixed));
    ASKED_QUERY field = {0}; /* while a column that is called like a field is asked for by "with" alone */
    assert_ok(mrq_query_set(&field, "with", "k=7", &err));
    assert_ok(mrq_query_set(&field, "k", "5", &err));
    assert_string_equal(line_of(&field), "with=k=7 k=5");
}

/* Memory */

static void without_memory_it_is_as_it_was(void **state)
{
    (void)state;
    static const char *const set[][2] = {{"query", "x"},
                                         {"age", "25"},
                                         {"town", "a long text: more than there is room for"},
                                         {"age", "2"},
                                         {"genre", "a"},
                                         {"genre", "another, which is long as well, and longer"},
                                         {"liked", "1"},
                                         {"k", "7"},
                                         {"explain", "false"},
                                         {"k", "1000"},
                                         {"with", "x=0123456789012345678901234567890123456789"}};
    ASKED_QUERY query = {0};
    uint32_t failed = 0;
    for (size_t i = 0; i < sizeof set / sizeof *set; i++)
        for (int n = 0;; n++) {
            mrq_query before = query;
            char *const bytes = malloc(query.size + 1);
            memcpy(bytes, query.bytes ? query.bytes : "", query.size);
            allocations_left = n;
            err = (mrq_error){0};
            const mrq_status status = mrq_query_set(&query, set[i][0], set[i][1], &err);
            allocations_left = INT_MAX;
            const bool stayed = query.size == before.size && memcmp(query.n, before.n, sizeof query.n) == 0 &&
                                memcmp(query.end, before.end, sizeof query.end) == 0 &&
                                (!query.size || memcmp(query.bytes, bytes, query.size) == 0);
            free(bytes);
            if (status == MRQ_OK)
                break;
            assert_int_equal(status, MRQ_FAILED);
            assert_non_null(strstr(err.msg, "out of memory"));
            assert_true(stayed);
            failed++;
        }
    assert_true(failed >= 2);
    assert_string_equal(line_of(&query), "with=age=2 with=town=a long text: more than there is room for "
                                         "with=x=0123456789012345678901234567890123456789 liked=1 k=1000 genre=a "
                                         "genre=another, which is long as well, and longer query=x");
    allocations_left = 0;
    assert_null(mrq_query_new());
    allocations_left = INT_MAX;
    mrq_query_free(NULL);
    mrq_query *own = mrq_query_new();
    assert_ok(mrq_query_set(own, "k", "1", &err));
    mrq_query_free(own);
}

/* JSON */

static mrq_status read_json(const char *text, mrq_query *query)
{
    MRQ_CLEANUP(cJSON_Delete) cJSON *json = NULL;
    assert_ok(mrq_json_parse(text, strlen(text), "query", &json, &err));
    err = (mrq_error){0};
    return mrq_query_read_json(query, json, &err);
}

static void every_type_is_read_of_json(void **state)
{
    (void)state;
    static const struct {
        const char *json, *line; /* NULL: refused, and */
        const char *says;
    } cases[] = {
        {"{}", "", NULL},
        {"{\"age\":\"25\"}", "with=age=25", NULL},
        {"{\"age\":25}", "with=age=25", NULL},
        {"{\"age\":25.5,\"gender\":-1,\"job\":1e3}", "with=age=25.5 with=gender=-1 with=job=1000", NULL},
        {"{\"age\":{\"value\":\"25\",\"label\":\"25-34\"}}", "with=age=25", NULL},
        {"{\"town\":\"Ulm\",\"size\":1.25}", "with=size=1.25 with=town=Ulm", NULL},
        {"{\"town\":{\"value\":1}}", "with=town=1", NULL},
        {"{\"small\":0.000000001,\"large\":1e20}", "with=large=100000000000000000000 with=small=0.000000001", NULL},
        {"{\"tags\":{\"value\":[]}}", "with=tags=", NULL},
        {"{\"tags\":{\"value\":[\"a\"]}}", "with=tags=a", NULL},
        {"{\"tags\":{\"value\":[\"a\",\"b c\",\"d\"]}}", "with=tags=a,b c,d", NULL},
        {"{\"age\":null,\"town\":null,\"k\":null,\"liked\":null}", "", NULL},
        {"{\"age\":true}", NULL, "age: true, want a text or a number"},
        {"{\"age\":[\"25\"]}", NULL, "age: [\"25\"], want a text or a number"},
        {"{\"tags\":[\"a,b\",\"c\\\\\"]}", "with=tags=a\\,b,c\\\\", NULL},
        {"{\"tags\":[]}", "with=tags=", NULL},
        {"{\"tags\":[\"a\",[\"b\"]]}", NULL, "tags: [\"a\",[\"b\"]], want a text, a number or a list of texts"},
        {"{\"town\":{}}", NULL, "town: {}, want a text, a number or a list of texts"},
        {"{\"town\":{\"label\":\"x\"}}", NULL, "town: {\"label\":\"x\"}, want a text, a number or a list of texts"},
        {"{\"town\":{\"value\":true}}", NULL, "town: {\"value\":true}, want a text, a number or a list of texts"},
        {"{\"tags\":{\"value\":[\"a\",1]}}", NULL, "tags: {\"value\":[\"a\",1]}, want a text, a number or a list of texts"},
        {"{\"a=b\":1}", NULL, "\"a=b\" is neither a field of a query"},
        {"{\"\":1}", NULL, "\"\" is neither a field of a query"},
        {"{\"with\":\"town=Ulm\"}", "with=town=Ulm", NULL},
        {"{\"with\":[\"town=Ulm\",\"age=3\"]}", "with=age=3 with=town=Ulm", NULL},
        {"{\"with\":[\"town=Ulm\",\"age=3\",\"town=Bonn\"]}", NULL, "town: given twice"},
        {"{\"age\":12,\"with\":{\"age\":13}}", NULL, "age: given twice"},
        {"{\"explain\":4294967295}", NULL, "explain \"4294967295\": want true, false, or how many parts"},
        {"{\"year\":-1999}", NULL, "year: -1999, want a year or years"},
        {"{\"with\":\"town\"}", NULL, "with \"town\": want NAME=VALUE"},
        {"{\"with\":1}", NULL, "with: 1, want NAME=VALUE"},
        {"{\"with\":{\"k\":{\"value\":7},\"town\":\"Ulm\"}}", "with=k=7 with=town=Ulm", NULL},
        {"{\"with\":{\"town\":true}}", NULL, "town: true, want a text, a number or a list of texts"},
        {"{\"with\":[1]}", NULL, "with: 1, want NAME=VALUE"},
        {"{\"with\":{\"value\":\"a\"}}", "with=value=a", NULL}, /* a column of that name */
        {"{\"genre\":\"War\",\"item\":\"13\",\"query\":\"\"}", "item=13 genre=War query=", NULL},
        {"{\"genre\":[\"War\",\"\"]}", "genre=War genre=", NULL},
        {"{\"genre\":[]}", "", NULL},
        {"{\"genre\":[[\"War\"]]}", NULL, "genre: [\"War\"], want a text"},
        {"{\"genre\":1}", NULL, "genre: 1, want a text"},
        {"{\"item\":13}", NULL, "item: 13, want a text"},
        {"{\"item\":[\"13\"]}", NULL, "item: [\"13\"], want a text"},
        {"{\"liked\":[3,1],\"disliked\":2,\"exclude\":[0]}", "liked=3 liked=1 disliked=2 exclude=0", NULL},
        {"{\"liked\":[9007199254740991]}", "liked=9007199254740991", NULL},
        {"{\"liked\":[9007199254740992]}", NULL, "want ids of items"},
        {"{\"liked\":[1,-1]}", NULL, "liked: -1, want ids of items"},
        {"{\"exclude\":1.5}", NULL, "exclude: 1.5, want ids of items"},
        {"{\"exclude\":[\"1\"]}", "exclude=1", NULL},
        {"{\"exclude\":\"1,2\"}", "exclude=1,2", NULL}, /* one id */
        {"{\"liked\":[\"tt0111161\",\"007\",7,\"7\",\"a,b\",\"a\\\"b\",\"\\u00e9\",\"a\\\\b\"]}",
         "liked=tt0111161 liked=007 liked=7 liked=7 liked=a,b liked=a\"b liked=é liked=a\\b", NULL},
        {"{\"liked\":[-0,-0.0,7.0,1e3]}", "liked=0 liked=0 liked=7 liked=1000", NULL},
        {"{\"liked\":[\"1\",\"\"]}", NULL, "liked \"\": want an id, 1 to 255 bytes of UTF-8 without control characters"},
        {"{\"disliked\":\"\\u001b\"}", NULL, "disliked \"?\": want an id"},
        {"{\"exclude\":[\"a\\nb\"]}", NULL, "exclude \"a?b\": want an id"},
        {"{\"exclude\":[[\"1\"]]}", NULL, "exclude: [\"1\"], want ids of items"},
        {"{\"exclude\":[true]}", NULL, "exclude: true, want ids of items"},
        {"{\"exclude\":{\"id\":\"1\"}}", NULL, "exclude: {\"id\":\"1\"}, want ids of items"},
        {"{\"exclude\":[null]}", NULL, "exclude: null, want ids of items"},
        {"{\"user\":4}", "user=4", NULL},
        {"{\"user\":9007199254740991}", "user=9007199254740991", NULL},
        {"{\"user\":9007199254740992}", NULL, "want the id of a user"},
        {"{\"user\":-1}", NULL, "user: -1, want the id of a user"},
        {"{\"user\":-0}", "user=0", NULL},
        {"{\"user\":4.5}", NULL, "user: 4.5, want the id of a user"},
        {"{\"user\":\"4\"}", "user=4", NULL},
        {"{\"user\":\"9007199254740993\"}", "user=9007199254740993", NULL}, /* where a double would have rounded */
        {"{\"user\":\"-1\"}", "user=-1", NULL},
        {"{\"user\":\"a\\\"b\"}", "user=a\"b", NULL},
        {"{\"user\":\"\"}", NULL, "user \"\": want an id, 1 to 255 bytes of UTF-8 without control characters"},
        {"{\"user\":\"\\u0085\"}", NULL, "user \"??\": want an id"},
        {"{\"user\":true}", NULL, "user: true, want the id of a user"},
        {"{\"user\":{\"value\":\"4\"}}", NULL, "user: {\"value\":\"4\"}, want the id of a user"},
        {"{\"user\":[\"4\"]}", NULL, "user: [\"4\"], want the id of a user"},
        {"{\"user\":[4]}", NULL, "user: [4], want the id of a user"},
        {"{\"k\":1000}", "k=1000", NULL},
        {"{\"k\":7.0}", "k=7", NULL},
        {"{\"k\":1001}", NULL, "k \"1001\": want a whole number from 1 to 1000"},
        {"{\"k\":1.5}", NULL, "k \"1.5\": want a whole number from 1 to 1000"},
        {"{\"k\":1e300}", NULL, "k \"1e+300\": want a whole number from 1 to 1000"},
        {"{\"k\":\"7\"}", NULL, "k: \"7\", want a whole number"},
        {"{\"k\":true}", NULL, "k: true, want a whole number"},
        {"{\"k\":{\"value\":7}}", NULL, "k: {\"value\":7}, want a whole number"},
        {"{\"all_genres\":true,\"include_seen\":false}", "all_genres=1", NULL},
        {"{\"include_seen\":1}", NULL, "include_seen: 1, want true or false"},
        {"{\"include_seen\":\"true\"}", NULL, "include_seen: \"true\", want true or false"},
        {"{\"year\":\"1990-1999\"}", "year=1990-1999", NULL},
        {"{\"year\":1994}", "year=1994", NULL},
        {"{\"year\":1994.5}", NULL, "year: 1994.5, want a year or years"},
        {"{\"year\":\"1999-1990\"}", NULL, "year \"1999-1990\": the first comes after the last, want 1990-1999"},
        {"{\"year\":false}", NULL, "year: false, want a year or years"},
        {"{\"explain\":true}", "explain=10", NULL},
        {"{\"explain\":false}", "", NULL},
        {"{\"explain\":1000}", "explain=1000", NULL},
        {"{\"explain\":0}", "", NULL},
        {"{\"explain\":1001}", NULL, "explain \"1001\": want true, false, or how many parts, 1 to 1000"},
        {"{\"explain\":\"all\"}", NULL, "explain: \"all\", want true, false or how many parts"},
        {"{\"k\":1,\"k\":1}", NULL, "k: given twice"},
        {"{\"town\":1,\"age\":2,\"town\":null}", NULL, "town: given twice"},
        {"{\"K\":1}", "with=K=1", NULL}, /* a column, for all that is known here */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ASKED_QUERY query = {0};
        if (!cases[i].line) {
            assert_fails(read_json(cases[i].json, &query), MRQ_USAGE, cases[i].says);
            continue;
        }
        assert_ok(read_json(cases[i].json, &query));
        assert_string_equal(line_of(&query), cases[i].line);
    }
}

static void json_is_read_without_memory(void **state)
{
    (void)state;
    static const char text[] =
        "{\"age\":25.5,\"tags\":{\"value\":[\"a\",\"b\"]},\"liked\":[1,2],\"genre\":\"War\",\"town\":\"Ulm\"}";
    MRQ_CLEANUP(cJSON_Delete) cJSON *json = NULL;
    assert_ok(mrq_json_parse(text, strlen(text), "query", &json, &err));
    int n = 0;
    for (bool failed = true; failed; n++) {
        ASKED_QUERY query = {0};
        err = (mrq_error){0};
        allocations_left = n;
        const mrq_status status = mrq_query_read_json(&query, json, &err);
        failed = allocations_left < 0;
        allocations_left = INT_MAX;
        assert_int_equal(status, failed && status != MRQ_OK ? MRQ_FAILED : MRQ_OK); /* one may do with more room */
        if (status == MRQ_OK)
            assert_string_equal(line_of(&query), "with=age=25.5 with=tags=a,b with=town=Ulm liked=1 liked=2 genre=War");
    }
    assert_true(n > 3);
}

/* Columns of every kind */

static engine_world *world;

static mrq_column *add_column(mrq_table *table, const char *name, mrq_column column)
{
    mrq_column *own = &table->column[table->n_columns++];
    *own = column;
    strcpy(own->name, name);
    return own;
}

/* Beside gender, age and job: categories, sets and numbers, some of them called like fields; and a text, which cannot be asked
 * for. */
static void add_columns(mrq_table *users)
{
    enum { ROOM = 16 };
    mrq_arena *arena = users->arena;
    mrq_random rng;
    mrq_random_init(&rng, 4, 4);
    mrq_column *column = mrq_arena_array(arena, ROOM, sizeof *column);
    double *number = mrq_arena_array(arena, users->rows, sizeof *number);
    static const double numbers[] = {1.5, -0.25, 0, 123456789.123456789, 1e-9, (double)NAN, 1e20, 1990};
    memcpy(column, users->column, users->n_columns * sizeof *column);
    users->column = column;
    for (uint32_t u = 0; u < users->rows; u++)
        number[u] = numbers[u % 8];
    small_category(users, &rng, "town", 5);
    small_category(users, &rng, "item", 3);
    for (int i = 0; i < 2; i++) {
        mrq_column set = {.kind = MRQ_SET, .dict = small_strings(arena, i ? "g" : "tag", 6)};
        set.list = small_lists(users, &rng, 6, 4, true);
        add_column(users, i ? "genre" : "tags", set);
        add_column(users, i ? "year" : "height", (mrq_column){.kind = MRQ_NUMBER, .number = number});
    }
    add_column(users, "name", (mrq_column){.kind = MRQ_TEXT, .text = small_strings(arena, "Name ", users->rows)});
    assert_true(users->n_columns <= ROOM);
}

static char *told_of(const mrq_query *query)
{
    mrq_resolved resolved = {0};
    assert_ok(mrq_query_resolve(&world->g, MRQ_ASK_RECOMMEND, query, NULL, &resolved, &err));
    char *text = strdup(resolved.text);
    mrq_resolved_clear(&resolved);
    return text;
}

/* The text of what was understood, which asked again is understood the same. */
static void assert_told(const mrq_query *query, const char *want)
{
    char *text = told_of(query);
    if (want)
        assert_string_equal(text, want);
    ASKED_QUERY again = {0};
    assert_ok(read_json(text, &again));
    char *same = told_of(&again);
    assert_string_equal(same, text);
    free(same);
    free(text);
}

static void columns_of_every_kind_are_told_and_asked_again(void **state)
{
    (void)state;
    static const char *const cases[][3] = {
        {"tags", "tag003", "{\"tags\":{\"value\":[\"tag003\"]},\"user\":null,\"k\":5}"},
        {"tags", "tag003, tag001 ,tag003,,TAG002,",
         "{\"tags\":{\"value\":[\"tag001\",\"tag002\",\"tag003\"]},\"user\":null,\"k\":5}"},
        {"tags", "", "{\"tags\":{\"value\":[]},\"user\":null,\"k\":5}"},
        {"height", "1.80", "{\"height\":{\"value\":1.8},\"user\":null,\"k\":5}"},
        {"height", "1.5e3", "{\"height\":{\"value\":1500},\"user\":null,\"k\":5}"},
        {"height", "-0.000000001", "{\"height\":{\"value\":-0.000000001},\"user\":null,\"k\":5}"},
        {"height", "100000000000000000000", "{\"height\":{\"value\":100000000000000000000},\"user\":null,\"k\":5}"},
        {"town", "town004", "{\"town\":{\"value\":\"town004\"},\"user\":null,\"k\":5}"},
        {"town", "TOWN004", "{\"town\":{\"value\":\"town004\"},\"user\":null,\"k\":5}"},
        {"with", "height=007", "{\"height\":{\"value\":7},\"user\":null,\"k\":5}"},
        {"with", "year=1990.5", "{\"with\":{\"year\":{\"value\":1990.5}},\"user\":null,\"k\":5}"},
        {"with", "genre=g003,g001", "{\"with\":{\"genre\":{\"value\":[\"g001\",\"g003\"]}},\"user\":null,\"k\":5}"},
        {"with", "genre=", "{\"with\":{\"genre\":{\"value\":[]}},\"user\":null,\"k\":5}"},
        {"with", "item=2", "{\"with\":{\"item\":{\"value\":\"item002\"}},\"user\":null,\"k\":5}"},
        {"year", "1990", "{\"user\":null,\"k\":5,\"year\":\"1990\"}"}, /* the field */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ASKED_QUERY query = {0};
        assert_ok(mrq_query_set(&query, cases[i][0], cases[i][1], &err));
        assert_told(&query, cases[i][2]);
    }
    ASKED_QUERY query = {0}; /* all at once */
    static const char *const set[][2] = {{"tags", "tag001"},     {"height", "2"},    {"town", "town001"},
                                         {"with", "year=3"},     {"year", "1990-"},  {"genre", "genre003"},
                                         {"with", "genre=g004"}, {"with", "item=1"}, {"liked", "13"},
                                         {"job", "3"},           {"k", "7"},         {"explain", "all"}};
    for (size_t i = 0; i < sizeof set / sizeof *set; i++)
        assert_ok(mrq_query_set(&query, set[i][0], set[i][1], &err));
    assert_told(&query, "{\"height\":{\"value\":2},\"job\":{\"value\":\"job003\"},\"tags\":{\"value\":[\"tag001\"]},"
                        "\"town\":{\"value\":\"town001\"},\"with\":{\"genre\":{\"value\":[\"g004\"]},\"item\":{\"value\":"
                        "\"item001\"},\"year\":{\"value\":3}},\"user\":null,"
                        "\"liked\":[\"13\"],\"k\":7,\"genre\":[\"genre003\"],\"year\":\"1990-\"}");
}

/* What the data knows of a user is told, by name of column; what it does not know is left out. */
static void a_users_own_columns_are_told_and_asked_again(void **state)
{
    (void)state;
    const mrq_table *users = world->g.users;
    uint32_t unknown = 0;
    for (uint32_t u = 0; u < users->rows; u++) {
        ASKED_QUERY query = {0};
        char id[24], town[60];
        snprintf(id, sizeof id, "%" PRId64, id_number(users, u));
        assert_ok(mrq_query_set(&query, "user", id, &err));
        char *text = told_of(&query);
        const mrq_column *column = mrq_table_column(users, "town");
        snprintf(town, sizeof town, "\"town\":{\"value\":\"town%03u\"}", column->code[u]);
        assert_non_null(strstr(text, town));
        assert_non_null(strstr(text, "\"tags\":{\"value\":["));
        assert_non_null(strstr(text, ",\"with\":{\"genre\":"));
        assert_null(strstr(text, "name"));
        const bool known = isfinite(mrq_table_column(users, "height")->number[u]);
        unknown += !known;
        assert_true(!strstr(text, "\"height\":{\"value\":") == !known && !strstr(text, "\"year\":{\"value\"") == !known);
        free(text);
        assert_told(&query, NULL);
        assert_ok(mrq_query_set(&query, "town", "town002", &err)); /* what is given comes first */
        text = told_of(&query);
        assert_non_null(strstr(text, "\"town\":{\"value\":\"town002\"}"));
        free(text);
    }
    assert_true(unknown > 3);
}

/* Whatever an id is made of, it is found, told as a text and asked again; "7" and "007" are two. */
static void ids_that_are_texts_are_told_and_asked_again(void **state)
{
    (void)state;
    mrq_table *tables[] = {world->g.users, world->g.items};
    const mrq_strings before[] = {take_text_ids(tables[0]), take_text_ids(tables[1])};
    for (int t = 0; t < 2; t++)
        for (uint32_t row = 0; row < tables[t]->rows; row++) {
            const char *id = mrq_table_id(tables[t], row);
            mrq_resolved resolved = {0};
            ASKED_QUERY query = {0};
            assert_ok(mrq_query_set(&query, t ? "liked" : "user", id, &err));
            assert_ok(mrq_query_resolve(&world->g, MRQ_ASK_RECOMMEND, &query, NULL, &resolved, &err));
            if (t)
                assert_true(resolved.feedback.n == 1 && resolved.feedback.item[0] == row);
            else
                assert_int_equal(resolved.user, row);
            mrq_resolved_clear(&resolved);
            assert_told(&query, NULL);
        }
    static const char *const cases[][3] = {
        {"user", "a\"b", "\"user\":\"a\\\"b\",\"k\":5}"}, {"user", "a\\", "\"user\":\"a\\\\\",\"k\":5}"},
        {"user", "7", "\"user\":\"7\",\"k\":5}"},         {"user", "007", "\"user\":\"007\",\"k\":5}"},
        {"user", "null", "\"user\":\"null\",\"k\":5}"},   {"user", "é", "\"user\":\"é\",\"k\":5}"},
        {"user", "07", "\"user\":\"07\",\"k\":5}"}, /* who is not in the data, as the next */
        {"user", "é \"", "\"user\":\"é \\\"\",\"k\":5}"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ASKED_QUERY query = {0};
        assert_ok(mrq_query_set(&query, cases[i][0], cases[i][1], &err));
        char *text = told_of(&query);
        assert_string_equal(strstr(text, "\"user\":"), cases[i][2]);
        free(text);
    }
    ASKED_QUERY query = {0};
    static const char *const set[][2] = {{"liked", "tt0111161"}, {"liked", "007"},  {"liked", "a,b"},
                                         {"disliked", "7"},      {"liked", "a\"b"}, {"liked", "007"},
                                         {"exclude", "no id"},   {"exclude", "é"},  {"exclude", "14"}};
    for (size_t i = 0; i < sizeof set / sizeof *set; i++)
        assert_ok(mrq_query_set(&query, set[i][0], set[i][1], &err));
    assert_told(&query, "{\"user\":null,\"liked\":[\"007\",\"a\\\"b\",\"a,b\",\"tt0111161\"],\"disliked\":[\"7\"],\"k\":5,"
                        "\"exclude\":[\"14\",\"é\"]}");
    static const char *const unknown[][3] = {
        {"liked", "TT0111161", "liked TT0111161: not among the 40 items of the data; want the id of one"},
        {"disliked", "a", "disliked a: not among the 40 items of the data; want the id of one"},
    };
    for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++) {
        ASKED_QUERY other = {0};
        mrq_resolved resolved = {0};
        assert_ok(mrq_query_set(&other, unknown[i][0], unknown[i][1], &err));
        assert_fails(mrq_query_resolve(&world->g, MRQ_ASK_RECOMMEND, &other, NULL, &resolved, &err), MRQ_NOT_FOUND, unknown[i][2]);
        assert_string_equal(err.msg, unknown[i][2]);
    }
    for (int t = 0; t < 2; t++)
        tables[t]->id = before[t];
}

/* They are told, and change nothing: no branch of the tower looks at them. */
static void a_column_that_the_tower_does_not_use_changes_nothing(void **state)
{
    (void)state;
    static const char *const set[][2] = {{"tags", "tag001"}, {"height", "2"}, {"town", "town001"}, {"with", "year=3"}};
    ASKED_QUERY query = {0}, none = {0};
    mrq_content answer = {0}, plain = {0};
    for (size_t i = 0; i < sizeof set / sizeof *set; i++)
        assert_ok(mrq_query_set(&query, set[i][0], set[i][1], &err));
    assert_ok(mrq_recommend(&world->g, NULL, &query, NULL, &answer, &err));
    assert_ok(mrq_recommend(&world->g, NULL, &none, NULL, &plain, &err));
    assert_int_equal(answer.n, plain.n);
    for (uint32_t i = 0; i < plain.n; i++)
        assert_true(answer.hit[i].item == plain.hit[i].item && answer.hit[i].score == plain.hit[i].score);
    mrq_content_clear(&answer);
    mrq_content_clear(&plain);
}

static void what_a_column_cannot_have_is_refused(void **state)
{
    (void)state;
    static const char *const cases[][3] = {
        {"tags", "tag001,x", "tags \"x\": not among the 6 values of the data"},
        {"tags", "tag001|tag002", "tags \"tag001|tag002\": not among"},
        {"tags", "tag001\\,tag002", "tags \"tag001,tag002\": not among"},
        {"height", "", "height \"\": want a number"},
        {"height", "x", "height \"x\": want a number"},
        {"height", "nan", "height \"nan\": want a number"},
        {"height", "1e999", "height \"1e999\": want a number"},
        {"town", "Ulm", "town \"Ulm\": want one of town000, town001, town002, town003, town004"},
        {"town", "4", "town \"4\": want one of town000"},
        {"with", "genre=War", "with genre \"War\": not among the 6 values of the data"},
        {"with", "year=1990-", "with year \"1990-\": want a number"},
        {"name", "Name 001",
         "name \"Name 001\": neither a field of a query nor a column of the users; the columns: gender, age, "
         "job, town, item, tags, height, genre, year"},
        {"tag", "1", "tag \"1\": neither a field of a query"},
        {"with", "user=4", "with \"user=4\": the users have no column user"}, /* a field, but no column */
        {"tagss", "1", "tagss \"1\": neither a field of a query"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ASKED_QUERY query = {0};
        mrq_resolved resolved = {0};
        assert_ok(mrq_query_set(&query, cases[i][0], cases[i][1], &err));
        assert_fails(mrq_query_resolve(&world->g, MRQ_ASK_RECOMMEND, &query, NULL, &resolved, &err), MRQ_USAGE, cases[i][2]);
        assert_true(strstr(err.msg, cases[i][2]) == err.msg);
        assert_null(resolved.text);
        assert_null(resolved.feature);
    }
}

static void a_query_is_resolved_without_memory(void **state)
{
    (void)state;
    static const char *const set[][2] = {{"tags", "tag001,tag004"}, {"height", "2"}, {"with", "year=3"},
                                         {"with", "genre=g004"},    {"user", "7"},   {"liked", "13"}};
    ASKED_QUERY query = {0};
    for (size_t i = 0; i < sizeof set / sizeof *set; i++)
        assert_ok(mrq_query_set(&query, set[i][0], set[i][1], &err));
    char *want = told_of(&query);
    for (int alone = 0; alone < 2; alone++) {
        int n = 0;
        one_fails_alone = alone;
        for (bool failed = true; failed; n++) {
            mrq_resolved resolved = {0};
            allocations_left = n;
            const mrq_status status = mrq_query_resolve(&world->g, MRQ_ASK_RECOMMEND, &query, NULL, &resolved, NULL);
            failed = allocations_left < 0;
            allocations_left = INT_MAX;
            if (status == MRQ_OK)
                assert_string_equal(resolved.text, want);
            else
                assert_true(failed && status == MRQ_FAILED && !resolved.text);
            mrq_resolved_clear(&resolved);
        }
        assert_true(n > 8);
    }
    one_fails_alone = false;
    free(want);
}

static int set_up(void **state)
{
    (void)state;
    world = engine_world_new(WORLD_RETRIEVAL, ITEMS);
    add_columns(world->g.users);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    engine_world_free(world);
    return 0;
}

/* A search goes over all members for each, so there are not any number of them. */
static void a_query_has_so_many_members(void **state)
{
    (void)state;
    for (int n = MRQ_Q_FIELDS + MRQ_COLUMNS_MAX; n <= MRQ_Q_FIELDS + MRQ_COLUMNS_MAX + 1; n++) {
        char text[4096] = "{";
        ASKED_QUERY query = {0};
        for (int i = 0; i < n; i++)
            snprintf(text + strlen(text), sizeof text - strlen(text), "%s\"c%d\":null", i ? "," : "", i);
        strcat(text, "}");
        if (n == MRQ_Q_FIELDS + MRQ_COLUMNS_MAX)
            assert_ok(read_json(text, &query));
        else
            assert_fails(read_json(text, &query), MRQ_USAGE, "query: more than ");
    }
    ASKED_QUERY query = {0};
    assert_ok(read_json("{\"with\":{\"user\":null}}", &query));
    assert_string_equal(line_of(&query), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_is_whole_and_found),
        cmocka_unit_test(a_question_knows_its_fields),
        cmocka_unit_test(each_field_is_set_replaced_appended_and_removed),
        cmocka_unit_test(the_others_stay),
        cmocka_unit_test(wrong_values_are_refused),
        cmocka_unit_test(an_id_is_a_text),
        cmocka_unit_test(ids_stand_in_a_list),
        cmocka_unit_test(a_field_has_at_most_so_many_values),
        cmocka_unit_test(a_number_has_a_least_and_a_most),
        cmocka_unit_test(a_value_has_at_most_so_many_bytes),
        cmocka_unit_test(rows_are_items_and_parts),
        cmocka_unit_test(years_are_read),
        cmocka_unit_test(the_order_of_setting_makes_no_difference),
        cmocka_unit_test(what_is_not_the_same_has_another_key),
        cmocka_unit_test(a_key_has_at_most_so_many_bytes),
        cmocka_unit_test(names_that_begin_alike_do_not_disturb_each_other),
        cmocka_unit_test(with_is_the_plain_name),
        cmocka_unit_test(without_memory_it_is_as_it_was),
        cmocka_unit_test(every_type_is_read_of_json),
        cmocka_unit_test(json_is_read_without_memory),
        cmocka_unit_test(columns_of_every_kind_are_told_and_asked_again),
        cmocka_unit_test(a_users_own_columns_are_told_and_asked_again),
        cmocka_unit_test(ids_that_are_texts_are_told_and_asked_again),
        cmocka_unit_test(a_column_that_the_tower_does_not_use_changes_nothing),
        cmocka_unit_test(what_a_column_cannot_have_is_refused),
        cmocka_unit_test(a_query_is_resolved_without_memory),
        cmocka_unit_test(a_query_has_so_many_members),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
