/* What marquee init makes of times in a format, ids written as 39.0, and 0 for "not rated". */
#include "unit/guess_folder.h"

#include <time.h>

#pragma GCC diagnostic ignored "-Wformat-nonliteral" /* of strftime(): the tables below */

#define EVENTS 60

static char text[20000];
static size_t size;

static void assert_says(const mrq_writer *out, const char *want, bool said)
{
    if ((strstr(out->data, want) != NULL) != said)
        fail_msg("%s \"%s\" in:\n%s", said ? "no" : "a", want, out->data);
}

static void begin(const char *head)
{
    size = (size_t)snprintf(text, sizeof text, "%s\n", head);
}

/* Events of 12 users and 20 items, each once. */
static void add_event(int i, const char *last)
{
    size += (size_t)snprintf(text + size, sizeof text - size, "%d;%d;%s\n", 1 + i / 5, 1 + (3 * (i / 5) + 7 * (i % 5)) % 20, last);
}

static void check_format(const char *format, int64_t step)
{
    char last[80], want[120];
    begin("user;item;date");
    for (int i = 0; i < EVENTS; i++) {
        const time_t time = 1500000000 + i * 100003;
        struct tm tm;
        assert_non_null(gmtime_r(&time, &tm));
        assert_true(strftime(last, sizeof last, format, &tm) > 0);
        add_event(i, last);
    }
    put("log.csv", text);
    mrq_dataset *data = load();
    snprintf(want, sizeof want, "\"unit\": {\"format\": \"%s\"}}", format);
    assert_says(&schema, want, true);
    snprintf(want, sizeof want, ", in the format \"%s\"\n", format);
    assert_says(&report, want, true);
    assert_says(&report, "note:", false);
    assert_int_equal(data->n, EVENTS);
    for (int i = 0; i < EVENTS; i++)
        assert_int_equal(data->time[i], (1500000000 + i * 100003) / step * step);
    mrq_dataset_free(data);
}

static void times_in_common_formats(void **state)
{
    (void)state;
    static const char *const dates[] = {"%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y",  "%m-%d-%Y", "%d.%m.%Y", "%Y/%m/%d",
                                        "%Y.%m.%d", "%d/%m/%y", "%m/%d/%y",  "%d-%m-%y", "%m-%d-%y", "%d.%m.%y",
                                        "%d %b %Y", "%d-%b-%Y", "%b %d, %Y", "%b %d %Y", "%m %d, %Y"};
    static const struct {
        const char *format;
        int64_t step;
    } clocks[] = {{"", 86400}, {" %H:%M", 60}, {" %H:%M:%S", 1}, {" %I:%M %p", 60}, {" %I:%M:%S %p", 1}};
    static const char *const others[] = {"%Y-%m-%d %I:%M:%S %p", "%a %b %d %H:%M:%S %Y", "%a %b %d %H:%M:%S %z %Y",
                                         "%a, %d %b %Y %H:%M:%S %z", "%d/%b/%Y:%H:%M:%S %z"};
    char format[64];
    for (size_t i = 0; i < sizeof dates / sizeof *dates; i++)
        for (size_t k = 0; k < sizeof clocks / sizeof *clocks; k++) {
            snprintf(format, sizeof format, "%s%s", dates[i], clocks[k].format);
            check_format(format, clocks[k].step);
        }
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        check_format(others[i], 1);
}

/* Events with these last columns in turn. */
static mrq_dataset *load_turns(const char *head, const char *const *last, int n)
{
    begin(head);
    for (int i = 0; i < EVENTS; i++)
        add_event(i, last[i % n]);
    put("log.csv", text);
    return load();
}

static void times_that_are_doubtful(void **state)
{
    (void)state;
    static const struct {
        const char *last[3], *report, *schema;
        int64_t first;
    } cases[] = {
        {{"03/04/2017", "12/12/2017", "01/02/2017"},
         "log.csv: date: the time, as dates such as 03/04/2017, in the format \"%d/%m/%Y\"\n"
         "log.csv: date: note: all of them could be in the format \"%m/%d/%Y\" too; change \"format\" if they are\n",
         "\"unit\": {\"format\": \"%d/%m/%Y\"}}",
         1491177600},
        {{"03/04/2017", "13/12/2017", "01/02/2017"}, "in the format \"%d/%m/%Y\"\n", "{\"format\": \"%d/%m/%Y\"}}", 1491177600},
        {{"03/04/2017", "12/13/2017", "01/02/2017"}, "in the format \"%m/%d/%Y\"\n", "{\"format\": \"%m/%d/%Y\"}}", 1488585600},
        {{"03/04/2017", "12/13/2017", "13/12/2017"},
         "log.csv: date: not used as the time: \"03/04/2017\" is neither a number of seconds since 1970 nor a date in a known "
         "format; "
         "\"unit\": {\"format\": ...} can tell another\n",
         NULL,
         0},
        {{"", "NULL", "14/07/2017"},
         "such as 14/07/2017, in the format \"%d/%m/%Y\"; 40 unknown\n",
         "{\"format\": \"%d/%m/%Y\"}, \"null\": [\"NULL\"]}",
         0},
        {{"", "", "1500000000"}, "2017-07-14 to 2017-07-14; 40 unknown\n", "\"unit\": \"seconds\"}", 0},
        {{"-", "?", "2017-07-14"}, "dates such as 2017-07-14; 40 unknown\n", "\"unit\": \"iso\", \"null\": [\"-\", \"?\"]}", 0},
        {{"", "?", "?"}, "log.csv: date: not used as the time: 60 of the events have none\n", NULL, 0},
        {{"01/01/1900", "01/01/2100", "14/07/2017"}, "in the format \"%d/%m/%Y\"\n", "{\"format\": \"%d/%m/%Y\"}", -2208988800},
        {{"31/12/1899", "01/01/2100", "14/07/2017"}, "not used as the time: \"31/12/1899\" is neither", NULL, 0},
        {{"01/01/1900", "02/01/2100", "14/07/2017"}, "not used as the time: \"01/01/1900\" is neither", NULL, 0},
        {{"14/07/2017", "14/07/2017", "30/02/2017"}, "not used as the time: \"14/07/2017\" is neither", NULL, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        mrq_dataset *data = load_turns("user;item;date", cases[i].last, 3);
        assert_says(&report, cases[i].report, true);
        assert_says(&report, "note:", strstr(cases[i].report, "note:") != NULL);
        assert_int_equal(data->time != NULL, cases[i].schema != NULL);
        if (cases[i].schema) {
            assert_says(&schema, cases[i].schema, true);
            assert_int_equal(data->time[0], cases[i].first);
        }
        mrq_dataset_free(data);
    }
}

/* A column that is called a time comes before one that is not, and seconds before a text. */
static void the_surest_time_is_taken(void **state)
{
    (void)state;
    static const char *const last[] = {"14/07/2017;1500000001;15/07/2017", "16/07/2017;1500000002;17/07/2017"};
    mrq_dataset_free(load_turns("user;item;x;y;date", last, 2));
    assert_says(&report, "log.csv: date: the time, as dates such as 15/07/2017", true);
    mrq_dataset_free(load_turns("user;item;date;timestamp;x", last, 2));
    assert_says(&report, "log.csv: timestamp: the time, seconds since 1970", true);
    mrq_dataset_free(load_turns("user;item;x;y;z", last, 2));
    assert_says(&report, "log.csv: y: the time, seconds since 1970", true);
    static const char *const words[] = {"good;14/07/2017", "bad;15/07/2017"};
    mrq_dataset_free(load_turns("user;item;x;y", words, 2));
    assert_says(&report, "log.csv: y: the time, as dates such as 14/07/2017", true);
}

static void check_ids(const char *event, const char *odd, const char *item, bool event_whole, bool item_whole)
{
    begin("user,item");
    for (int i = 0; i < EVENTS; i++) {
        size += (size_t)snprintf(text + size, sizeof text - size, "u%d,", i / 5);
        size += (size_t)snprintf(text + size, sizeof text - size, "%d%s\n", 1 + (3 * (i / 5) + 7 * (i % 5)) % 20, i ? event : odd);
    }
    put("log.csv", text);
    begin("item,name");
    for (int i = 1; i <= 20; i++)
        size += (size_t)snprintf(text + size, sizeof text - size, "%d%s,Thing %d\n", i, item, i);
    put("things.csv", text);
    mrq_dataset *data = load();
    const char *of_event = "{\"name\": \"item\", \"kind\": \"id\", \"column\": \"item\", \"whole\": true}";
    assert_says(&schema, of_event, event_whole);
    assert_says(&report, "log.csv: item: the item, 20 different ones, by its name, written as 39.0, which is 39\n", event_whole);
    assert_says(&schema, "{\"name\": \"id\", \"kind\": \"id\", \"column\": \"item\", \"whole\": true}", item_whole);
    assert_says(&report, "things.csv: item: the id, written as 39.0, which is 39\n", item_whole);
    assert_says(&schema, "\"user\", \"kind\": \"id\", \"column\": \"user\"}", true);
    if (event_whole || item_whole) {
        assert_int_equal(data->items->rows, 20);
        assert_string_equal(mrq_table_id(data->items, 19), "20");
        assert_non_null(mrq_table_column(data->items, "title"));
        assert_says(&report, "note:", false);
    }
    mrq_dataset_free(data);
}

static void ids_written_with_a_point(void **state)
{
    (void)state;
    check_ids(".0", ".0", "", true, false);
    check_ids("", "", ".0", false, true);
    check_ids(".0", ".0", ".0", true, true);
    begin("user;item");
    for (int i = 0; i < EVENTS; i++)
        size += (size_t)snprintf(text + size, sizeof text - size, "%d.0;%d%s\n", i / 5, 1 + (i / 5 + i % 5) % 9, i ? ".0" : "");
    put("log.csv", text);
    put("things.csv", "");
    mrq_dataset *data = load();
    assert_string_equal(mrq_table_id(data->users, 0), "0");
    assert_int_equal(data->items->rows, 10); /* 1 and 1.0 are two */
    assert_says(&report, "log.csv: item: the item, 10 different ones, by its name\n", true);
    mrq_dataset_free(data);
}

/* Of a matrix no field can say what ids mean. */
static void ids_of_a_matrix_stay(void **state)
{
    (void)state;
    begin("who,a,b,c,d,e,f,g,h,i,j,k");
    for (int u = 1; u <= 30; u++) {
        size += (size_t)snprintf(text + size, sizeof text - size, "%d.0", u);
        for (int i = 0; i < 11; i++)
            size += (size_t)snprintf(text + size, sizeof text - size, ",%.*s", (u + i) % 4 == 0, &"12345"[(u + i) % 5]);
        size += (size_t)snprintf(text + size, sizeof text - size, "\n");
    }
    put("votes.csv", text);
    mrq_dataset *data = load();
    assert_says(&schema, "\"format\": \"matrix\"", true);
    assert_string_equal(mrq_table_id(data->users, 0), "1.0");
    assert_says(&schema, "whole", false);
    mrq_dataset_free(data);
}

static void zeros(void **state)
{
    (void)state;
    static const struct {
        const char *head, *last[6], *report, *null;
        int likes; /* of 6 */
        int events;
    } cases[] = {
        {"user;item;rating",
         {"0", "0", "1", "10", "6", "3"},
         "log.csv: rating: the value, 1 to 10; a like is 5.5 or more, the middle; \"like\": {\"from\": ...} changes that\n"
         "log.csv: rating: note: 0, in 33% of the lines, is taken for \"not rated\", which is no event; without \"null\" it is the "
         "worst rating\n",
         "\"column\": \"rating\", \"null\": [\"0\"]}",
         2,
         4},
        {"user;item;stars", {"0.0", "0", "0.0", "5.0", "1.5", "3"}, "the value, 1.5 to 5;", ", \"null\": [\"0.0\", \"0\"]}", 1, 3},
        {"user;item;rating", {"0", "2", "1", "10", "6", "3"}, "note: 0 stands there too", NULL, 2, 6},   /* seldom */
        {"user;item;rating", {"0", "0", "0.5", "5", "4", "3"}, "note: 0 stands there too", NULL, 3, 6},  /* one step above 0 */
        {"user;item;rating", {"0", "0", "1.25", "5", "4", "3"}, "note: 0 stands there too", NULL, 3, 6}, /* no scale */
        {"user;item;rating", {"0", "0", "1", "9", "4", "3"}, "note: 0 stands there too", NULL, 1, 6},    /* the same */
        {"user;item;rating", {"0", "0", "0", "5", "5", "5"}, "note: 0 stands there too", NULL, 3, 6},    /* yes and no */
        {"user;item;rating", {"0", "0", "-1", "5", "5", "3"}, "the value, -1 to 5; a like is 2", NULL, 3, 6},
        {"user;item;plays", {"0", "0", "1", "5", "4", "3"}, "plays: a count, 0 to 5", NULL, 4, 4},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        mrq_dataset *data = load_turns(cases[i].head, cases[i].last, 6);
        assert_says(&report, cases[i].report, true);
        assert_says(&schema, cases[i].null ? cases[i].null : "\"null\"", cases[i].null != NULL);
        assert_int_equal(data->n, 10 * cases[i].events);
        assert_int_equal(data->likes, 10 * cases[i].likes);
        mrq_dataset_free(data);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fresh, clear)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(times_in_common_formats),  TEST(times_that_are_doubtful), TEST(the_surest_time_is_taken),
        TEST(ids_written_with_a_point), TEST(ids_of_a_matrix_stay),    TEST(zeros),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
