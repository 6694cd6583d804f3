/* What marquee init makes of matrices with all kinds of headers, values that some lines lack, dates of digits alone, and files that
 * were cut by year. */
#include "unit/failing_memory.h"

#include "guess/look.h"
#include "unit/guess_folder.h"

static char text[100000];
static size_t size;

static void add(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void add(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    size += (size_t)vsnprintf(text + size, sizeof text - size, format, args);
    va_end(args);
}

static void assert_says(const mrq_writer *out, const char *want, bool said)
{
    if ((strstr(out->data, want) != NULL) != said)
        fail_msg("%s \"%s\" in:\n%s", said ? "no" : "a", want, out->data);
}

/* --- matrices --- */

#define USERS 20

/* A matrix of values 1 to 5, a third of them there: a header, if any, of `corner` and `items` names, and lines that begin with a
 * name of their own. */
static void put_matrix(const char *corner, const char *name, int first, int items, const char *user, const char *none)
{
    size = 0;
    if (corner)
        add("%s", corner);
    for (int i = 0; corner && i < items; i++) {
        add(",%s", name);
        add("%d", first + i);
    }
    add("%s", corner ? "\n" : "");
    for (int u = 0; u < USERS; u++) {
        add("%s%d", user, 100 + u);
        for (int i = 0; i < items; i++)
            if ((u + i) % 3)
                add(",%s", none);
            else
                add(",%d", 1 + (u * i + u) % 5);
        add("\n");
    }
    put("votes.csv", text);
}

static void check_matrix(const char *corner, const char *item, const char *user, int items)
{
    mrq_dataset *data = load();
    char want[200];
    snprintf(want, sizeof want, "a matrix, a line for each user, %d columns for items, divided by \",\", with a header\n", items);
    assert_says(&report, want, true);
    snprintf(want, sizeof want, "votes.csv: %s: the user, different in each line\nvotes.csv: items the names of their columns\n",
             *corner ? corner : "column 1");
    assert_says(&report, want, true);
    assert_int_equal(data->users->rows, USERS);
    assert_int_equal(data->items->rows, items);
    snprintf(want, sizeof want, "%s100", user);
    assert_true(mrq_table_find(data->users, want, strlen(want)) != MRQ_NONE);
    assert_true(mrq_table_find(data->items, item, strlen(item)) != MRQ_NONE);
    mrq_dataset_free(data);
}

static void headers_of_matrices(void **state)
{
    (void)state;
    static const struct {
        const char *corner, *name;
        int first, items;
        const char *user, *none, *item;
    } cases[] = {
        {"", "", 1, 10, "", "", "10"},        /* as pandas pivots, without a name */
        {"", "", 5001, 10, "u", "0", "5010"}, /* any numbers */
        {"userId", "", 31, 10, "", "", "40"}, /* with the name of the index */
        {"row", "", 31, 10, "", "", "40"},    /* a word above numbers */
        {"", "", 0, 10, "u", "0", "0"},       /* counted */
        {"User", "Item", 0, 10, "u", "", "Item9"},
        {"", "Film ", 0, 12, "", "0", "Film 11"},
        {"", "Item", 0, 12, "u", "NaN", "Item11"},
        {"row", "Heat ", 1, 10, "u", "", "Heat 10"}, /* no word that is known, and few cells */
        {"row", "Heat ", 1, 10, "u", "NULL", "Heat 10"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        put_matrix(cases[i].corner, cases[i].name, cases[i].first, cases[i].items, cases[i].user, cases[i].none);
        check_matrix(cases[i].corner, cases[i].item, cases[i].user, cases[i].items);
    }
    assert_string_equal(schema.data + strcspn(schema.data, "\n"),
                        "\n \"noun\": [\"item\", \"items\"],\n"
                        " \"events\": {\"file\": \"votes.csv\", \"format\": \"matrix\", \"delimiter\": \",\", \"header\": true, "
                        "\"none\": \"NULL\", \"fields\": [\n   {\"name\": \"user\", \"kind\": \"id\"},\n"
                        "   {\"name\": \"rating\", \"kind\": \"rating\"}]}}\n");
    assert_string_equal(
        report.data, "votes.csv: 67 events; utf-8, a matrix, a line for each user, 10 columns for items, divided by \",\", with a "
                     "header\nvotes.csv: row: the user, different in each line\nvotes.csv: items the names of their columns\n"
                     "votes.csv: \"NULL\" stands where there is no value\n"
                     "votes.csv: cells: the value, 1 to 5; a like is 3 or more, the middle; \"like\": {\"from\": ...} changes "
                     "that\nitems: no file lists them; they are those of the events\n"
                     "users: no file lists them; they are those of the events\n");
}

/* A first line that looks like a header, and is data. */
static void lines_that_are_no_header(void **state)
{
    (void)state;
    put_matrix(NULL, "", 0, 12, "u", "0"); /* a name above names */
    mrq_dataset *data = load();
    assert_says(&report, "12 columns for items, divided by \",\", without a header\n", true);
    assert_int_equal(data->users->rows, USERS);
    mrq_dataset_free(data);
    static const char *const first[] = {
        "x,11,12,13,14,15,16,17,18,19",      /* 9 items */
        "x,11,12,13,14,15,16,17,18,19,11",   /* one twice */
        "x,11,12,13,14,15,16,17,18,19,20.5", /* no id */
        "x,11,12,13,14,15,16,17,18,19,",     /* one without a name */
        "7,11,12,13,14,15,16,17,18,19,20",   /* a number first */
        "1,0,1,2,3,4,5,6,7,8,9",             /* counted, but for the first */
        "x,11,12,13,14,15,16,17,18,19,2020-01-31",
    };
    for (size_t i = 0; i < sizeof first / sizeof *first; i++) {
        const int columns = 9 + (i > 0);
        size = 0;
        add("%s\n", first[i]);
        for (int u = 0; u < USERS; u++) {
            add("%d", u);
            for (int k = 0; k < columns; k++)
                add(",%s%d", k ? "" : "a", (u + k) % 5);
            add("\n");
        }
        mrq_look look = {0};
        char *sample = mrq_array(size + 8, 1);
        assert_non_null(sample);
        memcpy(sample, text, size);
        assert_ok(mrq_look_at(&look, sample, size, size, &err));
        assert_int_equal(look.columns, columns + 1);
        if (look.header)
            fail_msg("a header: %s", first[i]);
        mrq_look_close(&look);
    }
    /* columns that are counted, of events */
    size = 0;
    add(",0,1,2\n");
    for (int k = 0; k < 60; k++)
        add("%d,u%d,i%d,%d\n", k, k / 5, (k * 7) % 9, 1 + k % 5);
    put("votes.csv", text);
    data = load();
    assert_says(&report, "votes.csv: 60 events; utf-8, columns divided by \",\", with a header\nvotes.csv: 0: the user, 12 ", true);
    assert_says(&schema, "{\"name\": \"rating\", \"kind\": \"rating\", \"column\": \"2\"}", true);
    mrq_dataset_free(data);
}

static void matrices_of_items_are_told(void **state)
{
    (void)state;
    static const char note[] = "votes.csv: note: a line of a matrix is a user; if these are items, exchange lines and columns\n";
    put_matrix("movieId", "", 1, 10, "", "0");
    assert_ok(guess());
    assert_says(&report, note, true);
    put_matrix("userId", "", 1, 10, "", "0");
    assert_ok(guess());
    assert_says(&report, note, false);
}

/* --- columns of events --- */

/* 60 events of 12 users and 20 items, with these last columns in turn. */
static void put_turns(const char *file, const char *head, const char *const *last, int n)
{
    size = 0;
    add("%s\n", head);
    for (int i = 0; i < 60; i++)
        add("%d;%d;%s\n", 1 + i / 5, 1 + (3 * (i / 5) + 7 * (i % 5)) % 20, last[i % n]);
    put(file, text);
}

static void values_that_lines_lack(void **state)
{
    (void)state;
    static const struct {
        const char *head, *last[10], *report, *schema;
        int n, events;
    } cases[] = {
        {"user;item;rating",
         {"", "NULL", "1", "5", "4", "3"},
         "log.csv: rating: the value, 1 to 5; a like is 3 or more, the middle; \"like\": {\"from\": ...} changes that\n"
         "log.csv: rating: note: 20 of the 60 lines have none, and are no events\n",
         "{\"name\": \"rating\", \"kind\": \"rating\", \"column\": \"rating\", \"null\": [\"\", \"NULL\"]}",
         6,
         40},
        {"user;item;rating", {"", "1", "2", "-"}, "note: 30 of the 60 lines have none", "\"null\": [\"\", \"-\"]}", 4, 30},
        {"user;item;rating",
         {"", "1", "2", "-", ""},
         "log.csv: rating: not used as the value: 36 of the 60 lines have none; so each event is a like",
         "\"like\": \"all\"",
         5,
         60},
        {"user;item;plays", {"", "1", "70"}, "plays: note: 20 of the 60 lines have none", "\"plays\", \"null\": [\"\"]}", 3, 40},
        {"user;item;rating", {"", "0", "0", "0.0", "5", "1", "3"}, "note: 9 of the 60 lines", "[\"\", \"0\", \"0.0\"]}", 7, 24},
        {"user;item;x",
         {"", "1", "2", "1", "3", "2", "3", "1", "2", "1"},
         "x: not used as the value: 6 of the 60",
         "\"all\"",
         10,
         60},
        {"user;item;x;y", {"4;a", "5;b"}, "x: the value, 4 to 5;", "\"column\": \"x\"}", 2, 60},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        put_turns("log.csv", cases[i].head, cases[i].last, cases[i].n);
        mrq_dataset *data = load();
        assert_says(&report, cases[i].report, true);
        assert_says(&schema, cases[i].schema, true);
        assert_int_equal(data->n, cases[i].events);
        mrq_dataset_free(data);
    }
    /* nearly all have one */
    put_turns("log.csv", "user;item;x", (const char *const[]){"1", "2", "3", "1", "2", "3", "1", "2", "3", "1", "2", ""}, 12);
    mrq_dataset_free(load());
    assert_says(&report, "log.csv: x: note: 5 of the 60 lines have none, and are no events\n", true);
    /* members of JSON that are null, or not there */
    put("log.csv", "");
    size = 0;
    for (int i = 0; i < 60; i++)
        add("{\"user\": \"u%d\", \"item\": %d%s}\n", i / 5, i % 20,
            i % 3   ? ", \"rating\": 4"
            : i % 2 ? ", \"rating\": null"
                    : ", \"rating\": 2");
    put("log.json", text);
    mrq_dataset *data = load();
    assert_int_equal(data->n, 50);
    assert_says(&schema, "\"column\": \"rating\", \"null\": [\"\"]}", true);
    mrq_dataset_free(data);
}

static void dates_of_digits(void **state)
{
    (void)state;
    static const struct {
        const char *last[2], *format;
        int64_t first;
    } cases[] = {
        {{"20190301", "20201231"}, "%Y%m%d", 1551398400},
        {{"201903011230", "202012312359"}, "%Y%m%d%H%M", 1551443400},
        {{"20190301123045", "20201231235959"}, "%Y%m%d%H%M%S", 1551443445},
    };
    for (int named = 1; named >= 0; named--)
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
            char want[200];
            put_turns("log.csv", named ? "user;item;date" : "user;item;x", cases[i].last, 2);
            mrq_dataset *data = load();
            snprintf(want, sizeof want, "log.csv: %s: the time, as dates such as %s, in the format \"%s\"\n", named ? "date" : "x",
                     cases[i].last[0], cases[i].format);
            assert_says(&report, want, true);
            assert_says(&report, "note:", false);
            snprintf(want, sizeof want, "\"unit\": {\"format\": \"%s\"}}", cases[i].format);
            assert_says(&schema, want, true);
            assert_int_equal(data->time[0], cases[i].first);
            mrq_dataset_free(data);
        }
    static const struct {
        const char *last[2], *report;
    } others[] = {
        {{"20190301", "2020123"}, "date: the time, seconds since 1970"},  /* a digit is missing */
        {{"20190301", "20190230"}, "date: the time, seconds since 1970"}, /* no such day */
        {{"20190301", "18991231"}, "date: the time, seconds since 1970"},
        {{"2019030112", "2020123123"}, "date: the time, seconds since 1970"},
        {{"20190301.5", "20201231.5"}, "date: the time, seconds since 1970"},
        {{"20190301", "NULL"}, "date: the time, as dates such as 20190301, in the format \"%Y%m%d\"; 30 unknown\n"},
    };
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        put_turns("log.csv", "user;item;date", others[i].last, 2);
        assert_ok(guess());
        assert_says(&report, others[i].report, true);
    }
}

/* --- several files --- */

static void put_parts(const char *head, const char *const *files, int n)
{
    static const char *const last[] = {"1", "2", "3", "4", "5"};
    for (int i = 0; i < n; i++)
        put_turns(files[i], head, last + i, 2);
}

static void files_by_year_are_one(void **state)
{
    (void)state;
    static const char *const years[] = {"events-2019.csv", "events-2020.csv", "events-2021.csv"};
    put_parts("user;item;rating", years, 3);
    put("README", "Some words.\n");
    mrq_dataset *data = load();
    assert_int_equal(data->n, 60); /* each pair has its last rating */
    mrq_dataset_free(data);
    assert_string_equal(schema.data + strcspn(schema.data, "\n"),
                        "\n \"noun\": [\"item\", \"items\"],\n"
                        " \"events\": {\"file\": \"events-*.csv\", \"delimiter\": \";\", \"header\": true, \"fields\": [\n"
                        "   {\"name\": \"user\", \"kind\": \"id\", \"column\": \"user\"},\n"
                        "   {\"name\": \"item\", \"kind\": \"id\", \"column\": \"item\"},\n"
                        "   {\"name\": \"rating\", \"kind\": \"rating\", \"column\": \"rating\"}]}}\n");
    assert_string_equal(report.data,
                        "events-*.csv: 180 events in 3 files; utf-8, columns divided by \";\", with a header\n"
                        "events-*.csv: user: the user, 12 different ones, by its name\n"
                        "events-*.csv: item: the item, 20 different ones, by its name\n"
                        "events-*.csv: rating: the value, 1 to 4; a like is 2.5 or more, the middle; \"like\": {\"from\": ...} "
                        "changes that\nitems: no file lists them; they are those of the events\n"
                        "users: no file lists them; they are those of the events\n"
                        "README: not used: no column of it has ids of the users or of the items\n");
}

static void files_that_list_nobody(void **state)
{
    (void)state;
    static const struct {
        const char *head, *line; /* N is 1 .. n */
        int n;
        const char *why;
    } cases[] = {
        {"word;other", "aN;b", 12, "no column of it has ids of the users or of the items"},
        {"word;x;y", "a;b;N0", 12, "its column y has 2 of the 20 ids of the items, and no other has more"},
        {"word;x;y", "a;b;N", 400, "its column y has all ids of the items, but no name says that it is about them"},
        {"word;x;y", "N;N;a", 400, "its column word has all ids of the items, but no name says that it is about them"},
        {"word;x", "a;N\na;N", 20,
         "its column x has all ids of the items, some several times, but no name says that it is about them"},
        {"user;x", "a;N", 400, "its column x has all ids of the items, but no name says that it is about them"},
    };
    put_turns("log.csv", "user;item;rating", (const char *const[]){"1", "5"}, 2);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char want[200];
        size = 0;
        add("%s\n", cases[i].head);
        for (int k = 1; k <= cases[i].n; k++) {
            for (const char *p = cases[i].line; *p; p++)
                if (*p == 'N')
                    add("%d", k);
                else
                    add("%c", *p);
            add("\n");
        }
        put("words.csv", text);
        assert_ok(guess());
        snprintf(want, sizeof want, "words.csv: not used: %s\n", cases[i].why);
        assert_says(&report, want, true);
    }
}

static void names_of_parts(void **state)
{
    static const struct {
        const char *files[3], *pattern; /* NULL: they stay apart */
    } cases[] = {
        {{"a1.csv", "a2.csv", "a10.csv"}, "a*.csv"},
        {{"log-2019-01.csv", "log-2019-12.csv", "log-2020-01.csv"}, "log-*.csv"},
        {{"log-2019-01-v3.csv", "log-2019-12-v3.csv", "log-2019-02-v3.csv"}, "log-2019-*-v3.csv"},
        {{"2019.csv", "2020.csv", "2021.csv"}, "*.csv"},
        {{"log1.csv", "log2.csv", "logx.csv"}, NULL}, /* which would fit log*.csv */
        {{"loga.csv", "logb.csv", "logc.csv"}, NULL},
        {{"log1.csv", "log.csv", "lag1.csv"}, NULL},
        {{"l*g1.csv", "l*g2.csv", "l*g3.csv"}, NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        clear(state);
        fresh(state);
        put_parts("user;item;rating", cases[i].files, 3);
        char want[100];
        assert_ok(guess());
        snprintf(want, sizeof want, "{\"file\": \"%s\"", cases[i].pattern ? cases[i].pattern : "");
        assert_says(&schema, want, cases[i].pattern != NULL);
        assert_says(&report, " events in 3 files; ", cases[i].pattern != NULL);
        assert_says(&report, "not used: it could be events too", cases[i].pattern == NULL);
    }
}

static void files_of_other_columns_stay_apart(void **state)
{
    (void)state;
    static const char *const last[] = {"1", "5"};
    put_turns("log1.csv", "user;item;rating", last, 2);
    put_turns("log2.csv", "user;item;stars", last, 2);
    assert_ok(guess());
    assert_says(&schema, "{\"file\": \"log1.csv\"", true);
    assert_says(&report, "log2.csv: not used: it could be events too, but log1.csv is larger or says so by its names\n", true);
    put("log2.csv", "user,item,rating\n1,2,3\n1,3,4\n");
    assert_ok(guess());
    assert_says(&schema, "{\"file\": \"log1.csv\"", true);
    put_turns("log2.csv", "user;item;rating", last, 2);
    assert_ok(guess());
    assert_says(&schema, "{\"file\": \"log*.csv\"", true);
}

/* A file of lists, lines of JSON, a header in each, the last line without its end. */
static void layouts_of_parts(void **state)
{
    (void)state;
    put("part1.txt", "0 5 6 7\n1\n2 5\n3 6 7 8 9 10");
    put("part2.txt", "4 5 6\n5 8\n6 9 10\n");
    mrq_dataset *data = load();
    assert_int_equal(data->n, 14);
    mrq_dataset_free(data);
    assert_says(&report, "part*.txt: 14 events in 2 files; ", true);
    put("part1.txt", "");
    put("part2.txt", "");
    put("a1.json", "{\"user\": 1, \"item\": \"a\", \"rating\": 1}\n{\"user\": 2, \"item\": \"b\", \"rating\": 4}");
    put("a2.json", "{\"user\": 1, \"item\": \"b\", \"rating\": 2}\n{\"user\": 3, \"item\": \"a\", \"rating\": 5}\n");
    data = load();
    assert_int_equal(data->n, 4);
    mrq_dataset_free(data);
    assert_says(&report, "a*.json: 4 events in 2 files; utf-8, an object of JSON a line\n", true);
    assert_says(&report, "a*.json: rating: the value, 1 to 5;", true);
}

/* Of large parts each gives its share of the sample. */
static void large_parts_are_sampled(void **state)
{
    (void)state;
    const size_t room = 5 << 20;
    char *big = malloc(room);
    assert_non_null(big);
    for (int file = 1; file <= 2; file++) {
        size_t n = (size_t)snprintf(big, room, "user,item,rating\n");
        for (int i = 0; n + 40 < room; i++)
            n += (size_t)snprintf(big + n, room - n, "u%d,i%d,%d\n", i / 100, i * 7 % 1000, i % 3 + file);
        put(file == 1 ? "log1.csv" : "log2.csv", big);
    }
    free(big);
    assert_ok(guess());
    assert_says(&report, "log*.csv: about ", true);
    assert_says(&report, "log*.csv: rating: the value, 1 to 4;", true);
}

static void memory_that_runs_out_is_an_error(void **state)
{
    (void)state;
    put_parts("user;item;rating", (const char *const[]){"log1.csv", "log2.csv"}, 2);
    mrq_status status = MRQ_FAILED;
    int n = 0;
    for (; status != MRQ_OK && n < 3000; n++) {
        mrq_writer_close(&report);
        mrq_writer_close(&schema);
        schema = report = (mrq_writer){0};
        mrq_writer_open(&schema);
        mrq_writer_open(&report);
        atomic_store(&allocations_left, n);
        status = mrq_guess(folder, NULL, 0, NULL, &schema, &report, &err);
        atomic_store(&allocations_left, INT_MAX);
        if (status != MRQ_OK && !strstr(err.msg, "memory"))
            fail_msg("%d: %d: %s", n, (int)status, err.msg);
    }
    assert_true(n > 50 && status == MRQ_OK);
    assert_says(&schema, "log*.csv", true);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fresh, clear)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(headers_of_matrices),    TEST(lines_that_are_no_header), TEST(matrices_of_items_are_told),
        TEST(values_that_lines_lack), TEST(dates_of_digits),          TEST(files_by_year_are_one),
        TEST(files_that_list_nobody), TEST(names_of_parts),           TEST(files_of_other_columns_stay_apart),
        TEST(layouts_of_parts),       TEST(large_parts_are_sampled),  TEST(memory_that_runs_out_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
