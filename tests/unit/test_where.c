/* Conditions on columns of the items: what they say, which rows meet them, and what is wrong with them, to the letter. */
#include "engine/filter.h"

#include <math.h>

#include "engine/query.h"
#include "testing.h"
#include "unit/asked.h"

static mrq_error err;

/* Six books. Their languages are en, fr, unknown, en, de and fr; of the fourth no price is known. */
enum { ROWS = 6 };
static const uint32_t language_at[] = {0, 3, 6, 9}, languages[] = {0, 1, MRQ_NONE, 0, 2, 1};
static const uint32_t label_at[] = {0, 8, 15, 22};
static const uint32_t tag_at[] = {0, 5, 11, 15}, tag_items[] = {0, 1, 1, 2, 2, 0};
static const uint64_t tags_of[] = {0, 2, 3, 3, 5, 5, 6}; /* the fourth has one twice */
static const uint32_t title_at[] = {0, 2, 4, 6, 11, 13, 14};
static const double prices[] = {5, 9.99, 20, (double)NAN, -3, 20}, bounds[] = {0, 18, 65};
static const uint32_t age_at[] = {0, 2, 5, 8}, ages[] = {0, 1, 1, 2, 2, 0};
static mrq_column columns[] = {
    {.name = "language",
     .kind = MRQ_CATEGORY,
     .dict = {3, language_at, "en\0fr\0de"},
     .label = {3, label_at, "English\0French\0German"},
     .code = languages},
    {.name = "tags", .kind = MRQ_SET, .dict = {3, tag_at, "noir\0heist\0a,b"}, .list = {tags_of, tag_items}},
    {.name = "title", .kind = MRQ_TEXT, .text = {ROWS, title_at, "B\0a\0B\0c=,\\\0b\0\0"}},
    {.name = "price in $", .kind = MRQ_NUMBER, .number = prices},
    {.name = "age",
     .kind = MRQ_CATEGORY,
     .dict = {3, age_at,
              "0\0"
              "18\0"
              "65"},
     .bound = bounds,
     .code = ages},
    {.name = "none", .kind = MRQ_SET, .list = {(const uint64_t[ROWS + 1]){0}, NULL}},
    {.name = "a column of thirty-one letters.", .kind = MRQ_NUMBER, .number = prices}};
static const mrq_table books = {.rows = ROWS, .noun = {"book", "books"}, .n_columns = 7, .column = columns};

/* The rows that meet a condition, as digits. */
static void met(const mrq_condition *condition, char out[ROWS + 1])
{
    const uint64_t bits = mrq_condition_bits(condition, 0, ROWS), late = mrq_condition_bits(condition, 2, 3);
    size_t n = 0;
    assert_true(bits >> ROWS == 0 && late == (bits >> 2 & 7));
    for (uint32_t row = 0; row < ROWS; row++)
        if (bits >> row & 1)
            out[n++] = (char)('0' + row);
    out[n] = '\0';
}

static void a_condition_is_met_by_these_rows(void **state)
{
    (void)state;
    static const struct {
        const char *text, *rows, *again; /* NULL: the same text */
    } cases[] = {
        {"language=en", "03", NULL},
        {"language!=en", "1245", NULL}, /* also an unknown one */
        {"language=fr,en", "0135", "language=en,fr"},
        {"language=EN,french,en,German", "01345", "language=en,fr,de"},
        {"language!=en,fr,de", "2", NULL},
        {"tags=noir", "05", NULL},
        {"tags!=noir", "1234", NULL},
        {"tags=heist,NOIR", "015", "tags=noir,heist"},
        {"tags=a\\,b", "3", NULL},
        {" tags  = heist , a\\,b ", "013", NULL}, /* no column begins with a blank */
        {"tags  = heist , a\\,b ", "013", "tags=heist,a\\,b"},
        {"tags!=noir,heist,a\\,b", "24", NULL},
        {"title=B", "02", NULL},
        {"title=b", "4", NULL}, /* texts as a whole, letter by letter */
        {"title!=B", "1345", NULL},
        {"title=b,B,a,B", "0124", "title=B,a,b"},
        {"title=c=\\,\\\\", "3", NULL},
        {"title=,a", "15", NULL}, /* the title of the last book is empty */
        {"price in $<9.99", "04", NULL},
        {"price in $<=9.99", "014", NULL},
        {"price in $>9.99", "25", NULL},
        {"price in $>=9.99", "125", NULL},
        {"price in $=20", "25", NULL},
        {"price in $!=20", "0134", NULL}, /* also an unknown one */
        {"price in $ = 20, -3,20.0,1e9", "245", "price in $=-3,20,1000000000"},
        {"price in $!=5,20,-3,9.99", "3", "price in $!=-3,5,9.99,20"},
        {"price in $<=-0", "4", "price in $<=0"},
        {"price in $>0.1", "0125", NULL},
        {"price in $>=-1e308", "01245", "price in $>=-1e+308"},
        {"price in $>0.30000000000000004", "0125", NULL},
        {"age=17", "05", "age=0"},
        {"age=64.9,0", "0125", "age=0,18"},
        {"age!=65", "0125", NULL},
        {"a column of thirty-one letters.>5", "125", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        mrq_condition condition = {0}, same = {0};
        char rows[ROWS + 1], others[ROWS + 1];
        assert_true(mrq_where_is_one(cases[i].text));
        if (*cases[i].text == ' ') {
            assert_fails(mrq_where_read(&books, cases[i].text, &condition, &err), MRQ_USAGE, "have no column  tags");
            continue;
        }
        assert_ok(mrq_where_read(&books, cases[i].text, &condition, &err));
        met(&condition, rows);
        assert_string_equal(rows, cases[i].rows);
        MRQ_AUTOFREE char *text = mrq_where_text(&condition);
        assert_string_equal(text, cases[i].again ? cases[i].again : cases[i].text);
        assert_ok(mrq_where_read(&books, text, &same, &err));
        met(&same, others);
        assert_string_equal(others, rows);
        mrq_condition_clear(&condition);
        mrq_condition_clear(&same);
        mrq_condition_clear(&same);
    }
}

#define COLUMNS "want one of language, tags, title, price in $, age, none, a column of thirty-one letters."

static void what_is_wrong_with_a_condition_is_told(void **state)
{
    (void)state;
    static const struct {
        const char *text, *why;
    } cases[] = {
        {"colour=red", "the data's books have no column colour; " COLUMNS},
        {"Language=en", "the data's books have no column Language; " COLUMNS},
        {"a column of thirty-one letters.!>1", "the data's books have no column a column of thirty-one letters.!; " COLUMNS},
        {"language=xx", "language \"xx\": want one of en (English), fr (French), de (German)"},
        {"language!=en,xx", "language \"xx\": want one of en (English), fr (French), de (German)"},
        {"language=en,", "language \"\": want one of en (English), fr (French), de (German)"},
        {"tags=0", "tags \"0\": want one of noir, heist, a,b"},
        {"title=A", "none of the data's books has the title \"A\""},
        {"title!=a,A,b", "none of the data's books has the title \"A\""},
        {"none=x", "none of the data's books has a value of none"},
        {"age=x", "age \"x\": want a number, 0 or more"},
        {"language<en", "language is a category, and < compares numbers; want = or !="},
        {"tags>=noir", "tags is a set, and >= compares numbers; want = or !="},
        {"title>a", "title is a text, and > compares numbers; want = or !="},
        {"age<=18", "age is a category, and <= compares numbers; want = or !="},
        {"price in $<1,2", "2 values, want one number after <"},
        {"price in $>=1,2,3", "3 values, want one number after >="},
        {"price in $=x", "\"x\" is not a number, and price in $ is one"},
        {"price in $=1,", "\"\" is not a number, and price in $ is one"},
        {"price in $!=nan", "\"nan\" is not a number, and price in $ is one"},
        {"price in $<1e999", "1e999 is too large a number"},
        {"price in $==1", "\"=1\" is not a number, and price in $ is one"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        mrq_condition condition = {.n = 77};
        char want[500];
        snprintf(want, sizeof want, "where \"%s\": %s", cases[i].text, cases[i].why);
        assert_fails(mrq_where_read(&books, cases[i].text, &condition, &err), MRQ_USAGE, "");
        assert_string_equal(err.msg, want);
        assert_int_equal(condition.n, 77);
    }
    const mrq_table bare = {.rows = ROWS, .noun = {"book", "books"}};
    mrq_condition condition;
    assert_fails(mrq_where_read(&bare, "a=b", &condition, &err), MRQ_USAGE,
                 "where \"a=b\": the data's books have no column a; they have none");
    char longest[MRQ_COLUMN_NAME + 40];
    memset(longest, 'x', sizeof longest);
    strcpy(longest + sizeof longest - 3, "=1");
    assert_fails(mrq_where_read(&books, longest, &condition, &err), MRQ_USAGE,
                 "have no column xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx; want");
}

static void a_condition_has_a_column_an_operator_and_a_value(void **state)
{
    (void)state;
    static const char *const good[] = {"a=b", "a!=b", "a<b", "a<=b", "a>b", "a>=b", "a b = c", "a=<", "!a!=b", "a= "};
    static const char *const bad[] = {"", "a", "=b", "!=b", " =b", "a=", "a<", "a!=", "<=", "a!b", "a:b"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        assert_true(mrq_where_is_one(good[i]));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        ASKED_QUERY query = {0};
        char want[200];
        assert_false(mrq_where_is_one(bad[i]));
        snprintf(want, sizeof want,
                 "where \"%s\": want a column of the items, one of = != < <= > >=, and a value, such as year>=1990", bad[i]);
        assert_fails(mrq_query_put(&query, MRQ_Q_WHERE, bad[i], &err), MRQ_USAGE, "");
        assert_string_equal(err.msg, want);
    }
}

static void blanks_at_the_ends_have_a_backslash(void **state)
{
    (void)state;
    static const uint32_t codes[] = {0, 1, 2, 3, 0};
    mrq_column column = {.name = "l",
                         .kind = MRQ_CATEGORY,
                         .dict = {4, (const uint32_t[]){0, 4, 7, 13, 17},
                                  " en\0"
                                  "en\0"
                                  "  a  \0"
                                  "   "},
                         .code = codes};
    const mrq_table items = {.rows = 5, .noun = {"book", "books"}, .n_columns = 1, .column = &column};
    static const struct {
        const char *text, *again, *codes;
    } cases[] = {
        {"l=en", "l=en", "1"},
        {"l=\\ en", "l=\\ en", "0"},
        {"l = \\ en , en ", "l=\\ en,en", "01"},
        {"l=\\  a \\ ", "l=\\  a \\ ", "2"},
        {"l=\\ \\ a\\ \\  ", "l=\\  a \\ ", "2"},
        {"l=\\  \\ ", "l=\\  \\ ", "3"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        mrq_condition condition = {0};
        char found[2 * ROWS] = "";
        assert_ok(mrq_where_read(&items, cases[i].text, &condition, &err));
        for (uint32_t k = 0; k < condition.n && k < ROWS; k++)
            found[k] = (char)('0' + condition.code[k]);
        assert_string_equal(found, cases[i].codes);
        MRQ_AUTOFREE char *text = mrq_where_text(&condition);
        assert_string_equal(text, cases[i].again);
        mrq_condition_clear(&condition);
    }
    mrq_condition condition = {0};
    assert_fails(mrq_where_read(&items, "l=a", &condition, &err), MRQ_USAGE,
                 "where \"l=a\": l \"a\": want one of \" en\", en, \"  a  \", \"   \"");
}

/* So many values of a condition, and so many conditions of a query. */
static void values_and_conditions_have_a_most(void **state)
{
    (void)state;
    char text[1000] = "price in $=0";
    mrq_condition condition = {0};
    for (int i = 1; i <= MRQ_WHERE_VALUES; i++) {
        assert_ok(mrq_where_read(&books, text, &condition, &err));
        assert_int_equal(condition.n, i);
        mrq_condition_clear(&condition);
        sprintf(text + strlen(text), ",%d", i);
    }
    assert_fails(mrq_where_read(&books, text, &condition, &err), MRQ_USAGE, "more than 100 values");
    ASKED_QUERY query = {0};
    for (int i = 0; i < 16; i++) {
        sprintf(text, "price in $!=%d", i);
        assert_ok(mrq_query_put(&query, MRQ_Q_WHERE, text, &err));
    }
    assert_fails(mrq_query_put(&query, MRQ_Q_WHERE, text, &err), MRQ_USAGE, "where: more than 16 conditions");
    mrq_selection selection = {0};
    assert_ok(mrq_selection_resolve(&books, &query, &selection, &err));
    assert_int_equal(selection.n, 16);
    assert_int_equal(mrq_selection_bytes(&selection), 16 * (sizeof condition + sizeof(double)));
    mrq_selection_clear(&selection);
}

/* All conditions are met at once; they are sorted, each once, after those of genre and year. */
static void conditions_add_up(void **state)
{
    (void)state;
    static const struct {
        const char *where[4], *genre[2], *told;
        uint64_t rows;
    } cases[] = {
        {{NULL}, {NULL}, "{}", 63},
        {{"price in $>0", "language=fr,de"}, {NULL}, "{\"where\":[\"language=fr,de\",\"price in $>0\"]}", 34},
        {{"tags=noir", "tags=heist"}, {NULL}, "{\"where\":[\"tags=noir\",\"tags=heist\"]}", 1},
        {{"tags=heist", "tags=Noir", "tags=noir", "tags=heist"}, {NULL}, "{\"where\":[\"tags=noir\",\"tags=heist\"]}", 1},
        {{"tags=noir,heist", "tags=noir"}, {NULL}, "{\"where\":[\"tags=noir\",\"tags=noir,heist\"]}", 33},
        {{"price in $<9", "price in $=5", "price in $!=5", "price in $<8"},
         {NULL},
         "{\"where\":[\"price in $=5\",\"price in $!=5\",\"price in $<8\",\"price in $<9\"]}",
         0},
        {{"title!=B"}, {"noir", "HEIST"}, "{\"genre\":[\"noir\",\"heist\"],\"where\":[\"title!=B\"]}", 34},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ASKED_QUERY query = {0};
        mrq_selection selection = {0};
        mrq_bitmap bitmap = {0};
        mrq_print print = {0};
        for (int w = 0; w < 4 && cases[i].where[w]; w++)
            assert_ok(mrq_query_put(&query, MRQ_Q_WHERE, cases[i].where[w], &err));
        for (int g = 0; g < 2 && cases[i].genre[g]; g++)
            assert_ok(mrq_query_put(&query, MRQ_Q_GENRE, cases[i].genre[g], &err));
        assert_ok(mrq_selection_resolve(&books, &query, &selection, &err));
        assert_ok(mrq_selection_bitmap(&selection, &books, NULL, 0, &bitmap, &err));
        assert_int_equal(*bitmap.keep, cases[i].rows);
        assert_int_equal(bitmap.terms.n, selection.n);
        mrq_print_open(&print, '{');
        for (unsigned field = 0; field < MRQ_Q_FIELDS; field++)
            mrq_print_selection(&print, &selection, &books, field);
        mrq_print_close(&print, '}');
        MRQ_AUTOFREE char *told = mrq_print_take(&print, NULL);
        assert_string_equal(told, cases[i].told);
        mrq_bitmap_clear(&bitmap);
        mrq_selection_clear(&selection);
    }
}

/* One wrong condition takes the good ones with it. */
static void a_wrong_condition_is_the_querys_error(void **state)
{
    (void)state;
    ASKED_QUERY query = {0};
    mrq_selection selection = {.n = 77};
    assert_ok(mrq_query_put(&query, MRQ_Q_WHERE, "language=en", &err));
    assert_ok(mrq_query_put(&query, MRQ_Q_WHERE, "language=xx", &err));
    assert_fails(mrq_selection_resolve(&books, &query, &selection, &err), MRQ_USAGE,
                 "where \"language=xx\": language \"xx\": want");
    assert_int_equal(selection.n, 77);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_condition_is_met_by_these_rows),
        cmocka_unit_test(what_is_wrong_with_a_condition_is_told),
        cmocka_unit_test(a_condition_has_a_column_an_operator_and_a_value),
        cmocka_unit_test(blanks_at_the_ends_have_a_backslash),
        cmocka_unit_test(values_and_conditions_have_a_most),
        cmocka_unit_test(conditions_add_up),
        cmocka_unit_test(a_wrong_condition_is_the_querys_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
