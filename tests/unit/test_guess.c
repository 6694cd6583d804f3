/* What marquee init finds in folders of all kinds: layouts, columns, who refers to whom, and what is told of it. */
#include "unit/failing_memory.h"

#include "testing.h"

#include <math.h>
#include <sys/stat.h>

#include "guess/look.h"
#include "unit/guess_folder.h"

static void assert_says(const mrq_writer *text, const char *want)
{
    if (!strstr(text->data, want))
        fail_msg("no \"%s\" in:\n%s", want, text->data);
}

/* Lines of `users` users, of whom each has five of `items` items: "1;3;4\n" by a format of the user, the item and a number. */
static char *events(const char *head, int users, int items, const char *format)
{
    static char text[200000];
    size_t n = (size_t)snprintf(text, sizeof text, "%s", head);
    for (int u = 1; u <= users; u++)
        for (int k = 0; k < 5; k++) {
            const int item = 1 + (3 * u + 7 * k) % items, value = 1 + (u + item) % 5;
            for (const char *p = format; *p; p++)
                n += *p == 'U'   ? (size_t)snprintf(text + n, sizeof text - n, "%d", u)
                     : *p == 'I' ? (size_t)snprintf(text + n, sizeof text - n, "%d", item)
                     : *p == 'V' ? (size_t)snprintf(text + n, sizeof text - n, "%d", value)
                     : *p == 'T' ? (size_t)snprintf(text + n, sizeof text - n, "%d", 1500000000 + u)
                                 : (size_t)snprintf(text + n, sizeof text - n, "%c", *p);
        }
    return text;
}

/* A row for each of 1 .. n; U is its number, F an F or an M, A an age. */
static char *rows(const char *head, int n, const char *format)
{
    static char text[200000];
    size_t size = (size_t)snprintf(text, sizeof text, "%s", head);
    for (int i = 1; i <= n; i++)
        for (const char *p = format; *p; p++)
            size += *p == 'U'   ? (size_t)snprintf(text + size, sizeof text - size, "%d", i)
                    : *p == 'A' ? (size_t)snprintf(text + size, sizeof text - size, i % 9 ? "%d" : "NULL", 10 + i % 50)
                    : *p == 'F' ? (size_t)snprintf(text + size, sizeof text - size, "%c", i % 3 ? 'F' : 'M')
                    : *p == 'Y' ? (size_t)snprintf(text + size, sizeof text - size, "%d", 1950 + i % 60)
                    : *p == 'G' ? (size_t)snprintf(text + size, sizeof text - size, "%s", i % 2 ? "Crime" : "Crime|War")
                                : (size_t)snprintf(text + size, sizeof text - size, "%c", *p);
    return text;
}

static void names_tell(void **state)
{
    (void)state;
    put("orders.csv", events("when,isbn,stars,customer\n", 30, 20, "T,I,V,U\n"));
    put("books.csv", rows("ISBN,Book-Title,Genres,Year-Of-Publication\n", 25, "U,\"Volume U, the good\",G,Y\n"));
    put("people.csv", rows("id,sex,age\n", 30, "U,F,A\n"));
    put("notes.txt", "Some words about it.\nAnd more of them, and more;\nthe end\n");
    put("old.json", "[{\"a\": 1}]\n");
    put("load.sh", "#!/bin/sh\ncat orders.csv\n");
    put("empty.csv", "");
    char wide[8000] = "";
    for (int line = 0; line < 12; line++) {
        for (int i = 0; i < 257; i++)
            snprintf(wide + strlen(wide), sizeof wide - strlen(wide), "%s%d", i ? "," : "", i % 2);
        snprintf(wide + strlen(wide), sizeof wide - strlen(wide), "\n");
    }
    put("wide.csv", wide);
    mrq_dataset *data = load();
    assert_int_equal(data->n, 150);
    assert_int_equal(data->users->rows, 30);
    assert_int_equal(data->items->rows, 25);
    assert_true(data->time && data->rating_min == 1 && data->rating_max == 5 && data->like == 3);
    assert_string_equal(data->items->noun.one, "book");
    const mrq_column *age = mrq_table_column(data->users, "age");
    assert_non_null(age);
    assert_int_equal(age->dict.n, 7); /* six ranges and "unknown" */
    assert_non_null(mrq_table_column(data->users, "gender"));
    assert_int_equal(mrq_table_column(data->items, "genres")->dict.n, 2);
    assert_true(mrq_table_year(data->items)->number[0] == 1951);
    assert_string_equal(mrq_strings_at(&mrq_table_column(data->items, "title")->text, 0), "Volume 1, the good");
    mrq_dataset_free(data);
    assert_says(&report, "orders.csv: 150 events; utf-8, columns divided by \",\", with a header\n");
    assert_says(&report, "orders.csv: customer: the user, 30 different ones, by its name\n");
    assert_says(&report, "people.csv: age: a number from 11 to 40, in 6 ranges; 3 unknown\n");
    assert_says(&report, "books.csv: Book-Title: the title\n");
    assert_says(&report, "notes.txt: not used: no columns");
    assert_says(&report, "old.json: not used: JSON, but all in one list; want an object a line, as `jq -c .[]` makes them of it\n");
    assert_says(&report, "load.sh: not used: a script");
    assert_says(&report,
                "wide.csv: not used: more than 256 columns; if they are items and its lines are users, write a schema with "
                "\"format\": \"matrix\"");
    assert_says(&report, "empty.csv: not used: empty");
}

static void without_names_the_files_tell(void **state)
{
    (void)state;
    put("a.dat", events("", 40, 20, "I::U::V::T\n")); /* the item first */
    put("movies.dat", rows("", 20, "U::Film U (Y)::G\n"));
    put("users.dat", rows("", 40, "U::F::0U\n"));
    mrq_dataset *data = load();
    assert_int_equal(data->users->rows, 40);
    assert_int_equal(data->items->rows, 20);
    assert_true(mrq_table_year(data->items)->number[2] == 1953);
    assert_non_null(mrq_table_column(data->items, "genres"));
    assert_non_null(mrq_table_column(data->users, "gender"));
    mrq_dataset_free(data);
    assert_says(&report, "a.dat: column 2: the user, 40 different ones, because so it fits the other files\n");
    assert_says(&report, "a.dat: column 4: the time, seconds since 1970: 2017-07-14 to 2017-07-14\n");
    assert_says(&report, "users.dat: column 3: not used: 40 different codes in 40 lines: too many for a category\n");
    assert_says(&schema, "\"noun\": [\"movie\", \"movies\"]");
}

static void numbers_that_miss_are_no_table(void **state)
{
    (void)state;
    put("a.dat", events("", 40, 20, "U\tI\n"));
    put("author.dat", rows("", 19, "U\tY\n"));
    mrq_dataset *data = load();
    assert_int_equal(data->items->rows, 20);
    assert_int_equal(data->items->n_columns, 0);
    mrq_dataset_free(data);
    assert_says(&report, "a.dat: column 1: the user, 40 different ones, by its place: nothing names it");
    assert_says(&report, "author.dat: not used: it lacks 1 of the 20 items of a.dat, such as \"20\"\n");
    assert_says(&report, "no column of values, so each event is a like");
    assert_says(&schema, "\"like\": \"all\"");
}

static void lists(void **state)
{
    (void)state;
    put("train.txt", "0 5 6 7\n1\n2 5\n3 6 7 8 9 10\n4 5 6\n");
    put("test.txt", "0 8\n1 9 10\n");
    mrq_dataset *data = load();
    assert_int_equal(data->n, 11);
    assert_int_equal(data->users->rows, 4);
    mrq_dataset_free(data);
    assert_says(&report, "train.txt: 11 events; utf-8, columns divided by a blank, a line for each user\n");
    assert_says(&report, "test.txt: not used: it could be events too, but train.txt is larger");
}

/* As Amazon's reviews are, and a catalogue with lists and members of members. */
static void lines_of_json(void **state)
{
    (void)state;
    static char text[60000];
    size_t n = 0;
    for (int i = 0; i < 150; i++)
        n += (size_t)snprintf(
            text + n, sizeof text - n,
            "{\"reviewTime\": \"02 28, 2014\", \"reviewerID\": \"A%d\", \"asin\": \"00%d\", \"overall\": %d.0, "
            "\"reviewText\": \"So\\n\\ud83d\\ude00 good\", \"style\": {\"Size:\": \"L\"}, \"unixReviewTime\": %d}\n",
            i / 5, 1 + (3 * i + 7 * (i / 5)) % 20, 1 + i % 5, 1500000000 + i);
    put("reviews.json", text);
    n = 0;
    for (int i = 1; i <= 20; i++)
        n += (size_t)snprintf(
            text + n, sizeof text - n,
            "{\"asin\": \"00%d\", \"a\\u0062out\": {\"title\": \"Thing %d\", \"brand\": %s}, \"categories\": [\"All\", "
            "\"%s\"], \"also\": [[1]], \"size\": %s, \"tags\": \"x, %c\", \"sold\": true}\n%s",
            i, i, i % 4 ? "\"Acme\"" : "null", i % 2 ? "Drums, all" : "Keys", i % 2 ? "{}" : "3", 'a' + i % 3, i == 3 ? "\n" : "");
    put("meta.json", text);
    put("pretty.json", "{\n  \"a\": 1\n}\n");
    mrq_dataset *data = load();
    assert_int_equal(data->n, 150);
    assert_int_equal(data->users->rows, 30);
    assert_int_equal(data->items->rows, 20);
    assert_true(data->time && data->time[1] == 1500000001 && data->rating_max == 5);
    assert_string_equal(mrq_table_id(data->items, 0), "001");
    const mrq_column *genres = mrq_table_column(data->items, "genres");
    assert_int_equal(genres->dict.n, 3);
    assert_string_equal(mrq_strings_at(&genres->dict, 1), "Drums, all");
    assert_string_equal(mrq_strings_at(&mrq_table_column(data->items, "title")->text, 0), "Thing 1");
    mrq_dataset_free(data);
    assert_says(&report, "reviews.json: 150 events; utf-8, an object of JSON a line\n");
    assert_says(&report, "reviews.json: reviewerID: the user, 30 different ones, by its name\n");
    assert_says(&report, "reviews.json: unixReviewTime: the time, seconds since 1970: 2017-07-14 to 2017-07-14\n");
    assert_says(&report, "reviews.json: style.Size:: not used: neither the user, the item, the value nor the time\n");
    assert_says(&report, "meta.json: 20 products; utf-8, an object of JSON a line\n");
    assert_says(&report, "meta.json: about.title: the title\n");
    assert_says(&report, "meta.json: about.brand: one of 1 values, called about_brand; 5 unknown\n");
    assert_says(&report, "meta.json: categories: a set of 3 members, listed, called genres\n");
    assert_says(&report, "meta.json: tags: a set of 4 members, divided by \",\", called tags\n");
    assert_says(&report, "meta.json: also: not used: lists that hold objects or lists\n");
    assert_says(&report, "meta.json: size: not used: an object in some lines and a value in others\n");
    assert_says(&report, "meta.json: sold: not used: it is \"true\" everywhere\n");
    assert_says(&report,
                "pretty.json: not used: JSON, but no object a line: byte 2 of the first: the line ends inside an object\n");
    assert_says(&schema, "{\"file\": \"meta.json\", \"format\": \"json-lines\", \"fields\": [\n"
                         "   {\"name\": \"id\", \"kind\": \"id\", \"column\": \"asin\"},");
    put("reviews.json", "{\"user\": 1, \"item\": 2}\n{\"user\": 1, \"user\": 3, \"item\": 2}\n{\"user\": 2, \"item\": 2}\nx\n");
    assert_ok(guess());
    assert_says(&report, "reviews.json: note: 2 of 4 lines are no objects of JSON that fit, the first is line 2; training refuses");
}

static void values(void **state)
{
    (void)state;
    static const struct {
        const char *head, *format, *want;
    } cases[] = {
        {"user,item,hours\n", "U,I,V.5\n",
         "hours: a count, 1.5 to 5.5: each event is a like, and counts of one user and item are added\n"},
        {"user,item,x\n", "U,I,V\n", "x: the value, 1 to 5; a like is 3 or more"},
        {"user,item,rating\n", "U,I,1\n", "rating: not used as the value: it is 1 everywhere; so each"},
        {"user,item,rating\n", "U,I,-V\n", "rating: the value, -5 to -1; a like is -3 or more"},
        {"user,item,rating\n", "U,I,good\n", "rating: not used as the value: \"good\" is no number"},
        {"user,item,time\n", "U,I,T000\n", "time: the time, milliseconds since 1970: 2017-07-14"},
        {"user,item,time\n", "U,I,T000000\n", "time: the time, microseconds since 1970: 2017-07-14"},
        {"user,item,d\n", "U,I,2017-07-14 02:40:1V\n", "d: the time, as dates such as 2017-07-14 02:40:1"},
        {"user,item,date\n", "U,I,14~7~2017\n", "date: not used as the time: \"14~7~2017\" is neither"},
        {"user,item,date\n", "U,I,\n", "date: not used as the time: 150 of the events have none"},
        {"user,item,note\n", "U,I,\"a, b\"\n", "note: not used: neither the user, the item, the value nor the time"},
        {"n,user,item,item\n", "0,U,I,9\n", "item: the item, 20 different ones"},
        {",user,item\n", "T,U,I\n", "column 1: not used: neither"},
        {"user;item;stars\n", "U;I;\"V\"\n", "stars: the value, 1 to 5"},
        {"user|item\n", "U|I\n", "columns divided by \"|\", with a header"},
        {"user item\n", "U I\n", "columns divided by a blank, with a header"},
        {"\xef\xbb\xbfuser,item\n", "U,I\n", "user: the user"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        put("log", events(cases[i].head, 30, 20, cases[i].format));
        mrq_dataset *data = load();
        assert_int_equal(data->n, 150);
        assert_int_equal(data->users->rows, 30);
        mrq_dataset_free(data);
        assert_says(&report, cases[i].want);
    }
}

static void columns_of_items(void **state)
{
    (void)state;
    static const struct {
        const char *head, *format, *want;
    } cases[] = {
        {"item,name\n", "U,Thing U\n", "name: the title\n"},
        {"item,a,b\n", "U,Thing U,x\n", "a: the title\n"},
        {"item,url\n", "U,http://x.invalid/U\n", "url: not used: addresses\n"},
        {"item,real_id\n", "U,9U\n", "real_id: not used: an id of its own for each line\n"},
        {"item,kind\n", "U,F\n", "kind: one of 2 values, called kind\n"},
        {"item,kind\n", "U,x\n", "kind: not used: it is \"x\" everywhere\n"},
        {"item,kind\n", "U,\n", "kind: not used: it is empty\n"},
        {"item,My Price!\n", "U,A\n", "My Price!: a number from 11 to 34, called my_price; 2 unknown\n"},
        {"item,born\n", "U,2001-02-03\n", "born: not used: dates"},
        {"item,genres\n", "U,['F']\n", "genres: not used: some values stand in brackets"},
        {"item,genres\n", "U,F\n", "genres: a set of 2 members, divided by \"|\", called genres\n"},
        {"item,genres\n", "U,\"F, F, b\"\n", "genres: a set of 3 members, divided by \",\", called genres\n"},
        {"item,colour,colour\n", "U,F,F\n", "colour: one of 2 values, called colour_2\n"},
        {"item,year\n", "U,Y\n", "year: a year from 1951 to 1974, called year\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        put("log.csv", events("user,item\n", 30, 20, "U,I\n"));
        put("table.csv", rows(cases[i].head, 24, cases[i].format));
        mrq_dataset *data = load();
        assert_int_equal(data->items->rows, 24);
        mrq_dataset_free(data);
        assert_says(&report, cases[i].want);
    }
}

/* Letters and digits of ASCII stay, in small letters; a run of anything else is an underline, but not at an end. */
static void names_of_fields(void **state)
{
    (void)state;
#define TEN "abcdefghij"
    static const struct {
        const char *head, *want;
    } cases[] = {
        {"item,a`b{c@d[e/f:g", "a`b{c@d[e/f:g: one of 2 values, called a_b_c_d_e_f_g\n"},
        {"item,azAZ09", "azAZ09: one of 2 values, called azaz09\n"},
        {"item,__a  !b__", "__a  !b__: one of 2 values, called a_b\n"},
        {"item,caf\xc3\xa9s", "caf\xc3\xa9s: one of 2 values, called caf_s\n"},
        {"item,!!", "!!: one of 2 values, called column2\n"},
        {"item,x,X,x_2,x", ": x: one of 2 values, called x\ntable.csv: X: one of 2 values, called x_2\n"
                           "table.csv: x_2: one of 2 values, called x_2_2\ntable.csv: x: one of 2 values, called x_3\n"},
        {"item," TEN TEN "abcdefg", ": one of 2 values, called " TEN TEN "abcdefg\n"},
        {"item," TEN TEN "abcdefgh", ": one of 2 values, called " TEN TEN "abcdefg\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char head[200], format[20] = "U";
        snprintf(head, sizeof head, "%s\n", cases[i].head);
        for (const char *p = head; *p; p++)
            if (*p == ',')
                strcat(format, ",F");
        strcat(format, "\n");
        put("log.csv", events("user,item\n", 30, 20, "U,I\n"));
        put("table.csv", rows(head, 24, format));
        mrq_dataset_free(load());
        assert_says(&report, cases[i].want);
    }
#undef TEN
}

/* The list of the items may lack a tenth of them, where its column is called so; what lacks more adds to the items of the events.
 * A column that is called otherwise has to have them all, and half of what it has must be used. */
static void a_tenth_may_be_missing(void **state)
{
    (void)state;
    static const struct {
        const char *head;
        int rows;
        const char *want;
    } cases[] = {
        {"item,title\n", 18, "table.csv: note: it lacks 2 of the 20 ids of log.csv, such as \"20\"; "},
        {"item,title\n", 17, "table.csv: 17 rows about items; "},
        {"code,title\n", 19, "table.csv: not used: it lacks 1 of the 20 items of log.csv, such as \"20\"\n"},
        {"code,title\n", 10, "table.csv: not used: it lacks 10 of the 20 items of log.csv, such as \"11\"\n"},
        {"code,title\n", 9, "table.csv: not used: its column code has 9 of the 20 ids of the items, and no other has more\n"},
        {"code,title\n", 20, "table.csv: 20 items; "},
        {"code,title\n", 40, "table.csv: 40 items; "},
        {"code,title\n", 41,
         "table.csv: not used: its column code has all ids of the items, but no name says that it is about them\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        put("log.csv", events("user,item\n", 60, 20, "1000U,I\n"));
        put("table.csv", rows(cases[i].head, cases[i].rows, "U,Thing U\n"));
        mrq_dataset_free(load());
        assert_says(&report, cases[i].want);
    }
}

/* Rows 1 to n of a number and a value: the second is a format in which N, or X by 16, is one
 * of `different` numbers from `first` on. */
static char *numbered(const char *head, int n, int different, int first, const char *format)
{
    static char text[200000];
    size_t size = (size_t)snprintf(text, sizeof text, "%s", head);
    for (int i = 0; i < n; i++) {
        size += (size_t)snprintf(text + size, sizeof text - size, "%d,", i + 1);
        for (const char *p = format; *p; p++)
            size += *p == 'N'   ? (size_t)snprintf(text + size, sizeof text - size, "%d", first + i % different)
                    : *p == 'X' ? (size_t)snprintf(text + size, sizeof text - size, "%x", (unsigned)(first + i % different))
                                : (size_t)snprintf(text + size, sizeof text - size, "%c", *p);
        size += (size_t)snprintf(text + size, sizeof text - size, "\n");
    }
    return text;
}

/* What a column of a table is taken for, on both sides of each limit. */
static void columns_have_limits(void **state)
{
    (void)state;
    static const struct {
        const char *file, *head;
        int rows, different, first;
        const char *format, *want;
    } cases[] = {
        /* half as many values as rows */
        {"items.csv", "item,kind\n", 24, 12, 10, "kN", "items.csv: kind: one of 12 values, called kind\n"},
        {"items.csv", "item,kind\n", 24, 13, 10, "kN", "items.csv: kind: the title\n"},
        /* a thousand values of users */
        {"users.csv", "user,kind\n", 2000, 1000, 10, "kN", "users.csv: kind: one of 1000 values, called kind\n"},
        {"users.csv", "user,kind\n", 2002, 1001, 10, "kN",
         "users.csv: kind: not used: 1001 different texts in 2002 lines: too many for a category\n"},
        {"items.csv", "item,kind\n", 2002, 1001, 10, "kN", "items.csv: kind: one of 1001 values, called kind\n"},
        /* a thousand codes */
        {"items.csv", "", 2000, 1000, 3000, "N", "items.csv: column 2: one of 1000 values, called column2\n"},
        {"items.csv", "", 2002, 1001, 3000, "N", "items.csv: column 2: a number from 3000 to 4000, called column2\n"},
        {"items.csv", "item,code\n", 2000, 1000, 3000, "N", "items.csv: code: a number from 3000 to 3999, called code\n"},
        /* years */
        {"items.csv", "", 60, 40, 1461, "N", "items.csv: column 2: a year from 1461 to 1500, called year\n"},
        {"items.csv", "", 60, 40, 1460, "N", "items.csv: column 2: a number from 1460 to 1499, called column2\n"},
        {"items.csv", "", 60, 40, 2061, "N", "items.csv: column 2: a year from 2061 to 2100, called year\n"},
        {"items.csv", "", 60, 40, 2062, "N", "items.csv: column 2: a number from 2062 to 2101, called column2\n"},
        {"items.csv", "", 600, 501, 1000, "N", "items.csv: column 2: a year from 1000 to 1500, called year\n"},
        {"items.csv", "", 600, 502, 999, "N", "items.csv: column 2: a number from 999 to 1500, called column2\n"},
        /* nine genres of ten rows */
        {"items.csv", "item,genres\n", 20, 18, 10, "gN",
         "items.csv: genres: a set of 18 members, divided by \"|\", called genres\n"},
        {"items.csv", "item,genres\n", 20, 19, 10, "gN",
         "items.csv: genres: not used: 19 different texts in 20 lines: too many for a category, and not the title\n"},
        /* members of which each comes four times */
        {"items.csv", "item,tags\n", 24, 6, 10, "aN|bN", "items.csv: tags: a set of 12 members, divided by \"|\", called genres\n"},
        {"items.csv", "item,tags\n", 24, 7, 10, "aN|bN", "items.csv: tags: a set of 7 members, divided by \"|\", called genres\n"},
        /* titles are longer than two letters */
        {"items.csv", "item,what\n", 24, 24, 10, "X",
         "items.csv: what: not used: 24 different texts in 24 lines: too many for a category, and not the title\n"},
        {"items.csv", "item,what\n", 24, 24, 10, "xX", "items.csv: what: the title\n"},
        {"items.csv", "item,what\n", 24, 13, 10, "wordN", "items.csv: what: the title\n"},
        {"items.csv", "item,what\n", 24, 12, 10, "wordN", "items.csv: what: one of 12 values, called what\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        put("log.csv", events("user,item\n", 20, 20, "U,I\n"));
        put(cases[i].file, numbered(cases[i].head, cases[i].rows, cases[i].different, cases[i].first, cases[i].format));
        assert_ok(guess());
        char path[400];
        assert_says(&report, cases[i].want);
        snprintf(path, sizeof path, "%s/%s", folder, cases[i].file);
        unlink(path);
    }
}

static void encodings(void **state)
{
    (void)state;
    char wide[4000];
    size_t n = 0;
    put("log.csv", events("user,item\n", 30, 20, "U,I\n"));
    put("items.csv", rows("item,title\n", 24, "U,Caf\xe9 U\n"));
    mrq_dataset *data = load();
    assert_string_equal(mrq_strings_at(&mrq_table_column(data->items, "title")->text, 0), "Caf\xc3\xa9 1");
    mrq_dataset_free(data);
    assert_says(&schema, "\"encoding\": \"windows-1252\"");
    put("items.csv", rows("item,title\n", 24, "U,Caf\xe9 \x81 U\n"));
    mrq_dataset_free(load());
    assert_says(&schema, "\"encoding\": \"latin1\"");
    for (unsigned int c = 0x80; c <= 0xff; c++) { /* what stands in one of the two tables alone tells them apart */
        char format[20];
        snprintf(format, sizeof format, "U,Caf\xe9 %c U\n", (int)c);
        put("items.csv", rows("item,title\n", 24, format));
        assert_ok(guess());
        const bool missing = c == 0x81 || c == 0x8d || c == 0x8f || c == 0x90 || c == 0x9d;
        assert_says(&schema, missing ? "\"encoding\": \"latin1\"" : "\"encoding\": \"windows-1252\"");
    }
    wide[n++] = (char)0xff;
    wide[n++] = (char)0xfe;
    for (const char *p = rows("item,title\n", 24, "U,Thing U\n"); *p; p++) {
        wide[n++] = *p;
        wide[n++] = '\0';
    }
    put_bytes("items.csv", wide, n);
    mrq_dataset_free(load());
    assert_says(&schema, "\"encoding\": \"utf-16\"");
    put_bytes("items.csv", "a\0b,c\n", 6);
    mrq_dataset_free(load());
    assert_says(&report, "items.csv: not used: not text: it holds NUL bytes\n");
    put_bytes("items.csv", "\x1f\x8b what is this", 15);
    mrq_dataset_free(load());
    assert_says(&report, "items.csv: not used: gzip: damaged");
}

static void what_training_would_refuse_is_told(void **state)
{
    (void)state;
    char text[4000];
    put("log.csv", events("user,item\n", 30, 20, "U,I\n"));
    snprintf(text, sizeof text, "%s21,a,b\n", rows("item,title\n", 20, "U,Thing U\n"));
    put("items.csv", text);
    assert_ok(guess());
    assert_says(&report,
                "items.csv: note: 1 of 21 lines do not have 2 columns or have wrong quotes, the first is line 22; training refuses "
                "the file, and --skip-bad 5% leaves them out\n");
    snprintf(text, sizeof text, "%s21,a,b\n22,a,b\n23,a,b\n24,a,b\n", rows("item,title\n", 20, "U,Thing U\n"));
    put("items.csv", text);
    assert_ok(guess());
    assert_says(&report, "items.csv: not used: 4 of its 24 lines do not have 2 columns or have wrong quotes\n");
    put("items.csv", rows("item,title\n", 19, "U,Thing U\n"));
    mrq_dataset *taken = load();
    assert_int_equal(taken->items->rows, 20);
    mrq_dataset_free(taken);
    assert_says(&report,
                "items.csv: note: it lacks 1 of the 20 ids of log.csv, such as \"20\"; \"unlisted\": \"take\" takes them in, "
                "though nothing is known of them\n");
    put("items.csv", rows("item,title\n", 24, "U,Thing U,\n")); /* a delimiter behind the last column */
    mrq_dataset_free(load());
    assert_says(&report, "items.csv: title: the title\n");
}

/* Where as many lines have two columns as have three, it has two. */
static void of_two_widths_the_smaller_is_taken(void **state)
{
    (void)state;
    for (int three_first = 0; three_first < 2; three_first++) {
        char text[400];
        size_t n = 0;
        for (int i = 0; i < 20; i++)
            n += (size_t)snprintf(text + n, sizeof text - n, (i < 10) == three_first ? "u%d,i%d,x\n" : "u%d,i%d\n", i, i);
        put("log.csv", text);
        mrq_look look = {0};
        assert_ok(mrq_look_open(&look, folder, "log.csv", &err));
        assert_int_equal(look.columns, 2);
        mrq_look_close(&look);
    }
}

static void large_files_are_sampled(void **state)
{
    (void)state;
    enum { LINES = 1200000 };
    char *text = malloc((size_t)LINES * 16);
    assert_non_null(text);
    size_t n = (size_t)sprintf(text, "user,item,rating\n");
    for (int i = 0; i < LINES; i++)
        n += (size_t)sprintf(text + n, "%d,%d,%d\n", 1000 + i % 800, 100 + i % 300, 1 + i % 5);
    put_bytes("log.csv", text, n);
    free(text);
    mrq_look look = {0};
    assert_ok(mrq_look_open(&look, folder, "log.csv", &err));
    assert_false(mrq_look_whole(&look));
    assert_true(look.header && look.columns == 3 && !look.bad && look.size < (size_t)9 << 20);
    assert_true(fabs((double)mrq_look_rows(&look) - LINES) < 2000);
    mrq_look_close(&look);
    assert_ok(guess());
    assert_says(&report, "log.csv: about 1");
    assert_says(&report, "user: the user, at least 800 different ones, by its name\n");
}

static void folders_without_events_are_refused(void **state)
{
    (void)state;
    char path[400];
    assert_fails(guess(), MRQ_NOT_FOUND, ": no files");
    snprintf(path, sizeof path, "%s/inside", folder);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_fails(guess(), MRQ_NOT_FOUND, ": no files, only folders, such as inside");
    put("users.csv", rows("id,age\n", 30, "U,A\n"));
    assert_fails(guess(), MRQ_BAD_FILE, "no file of events (who had what): users.csv: no column of users beside one of items");
    put("users.csv", "user,item\n");
    assert_fails(guess(), MRQ_BAD_FILE, "users.csv: a header without lines below it");
    snprintf(folder + strlen(folder), 20, "/nosuch");
    assert_fails(guess(), MRQ_NOT_FOUND, "cannot open");
    folder[strlen(folder) - 7] = '\0';
}

/* `lines` lines of `items` columns, behind a head and a first column by `lead`: U is the line's number, N how many values it has.
 * Three cells of four are `none`, unless that is NULL. */
static const char *matrix(const char *head, const char *lead, int lines, int items, const char *none)
{
    static char text[60000];
    size_t n = (size_t)snprintf(text, sizeof text, "%s", head);
    for (int u = 1; u <= lines; u++) {
        int values = 0;
        for (int i = 0; i < items; i++)
            values += !none || (u + i) % 4 == 0;
        for (const char *p = lead; *p; p++)
            n += *p == 'U'   ? (size_t)snprintf(text + n, sizeof text - n, "%d", u)
                 : *p == 'N' ? (size_t)snprintf(text + n, sizeof text - n, "%d", values)
                             : (size_t)snprintf(text + n, sizeof text - n, "%c", *p);
        for (int i = 0; i < items; i++) {
            n += (size_t)snprintf(text + n, sizeof text - n, i ? "," : "");
            n += !none || (u + i) % 4 == 0 ? (size_t)snprintf(text + n, sizeof text - n, "%.2f", 1 + (u * 7 + i * 3) % 37 / 9.0)
                                           : (size_t)snprintf(text + n, sizeof text - n, "%s", none);
        }
        n += (size_t)snprintf(text + n, sizeof text - n, "\n");
    }
    return text;
}

static void matrices(void **state)
{
    (void)state;
    /* as Jester's: a count, then the jokes */
    put("votes.csv", matrix("", "N,", 40, 20, "99"));
    put("README", "Some words.\n");
    mrq_dataset *data = load();
    assert_int_equal(data->n, 200);
    assert_int_equal(data->users->rows, 40);
    assert_int_equal(data->items->rows, 20);
    assert_string_equal(mrq_table_id(data->items, 19), "20");
    assert_true(data->rating_min == 1 && data->rating_max == 5);
    mrq_dataset_free(data);
    assert_says(&report,
                "votes.csv: 200 events; utf-8, a matrix, a line for each user, 20 columns for items, divided by \",\", without "
                "a header\nvotes.csv: column 1: not used: it counts the values of its line\n"
                "votes.csv: users have the numbers of their lines, items the numbers of their columns\n"
                "votes.csv: \"99\" stands where there is no value\n"
                "votes.csv: cells: the value, 1 to 5; a like is 3 or more, the middle;");
    assert_says(&schema, "\"format\": \"matrix\", \"delimiter\": \",\", \"none\": \"99\", \"fields\": [\n"
                         "   {\"kind\": \"ignore\"},\n   {\"name\": \"rating\", \"kind\": \"rating\"}]}");
    /* ids, names and empty cells */
    put("votes.csv", matrix("who,a,\"Film, b\",c,d,e,f,g,h,i,j,k\n", "anna U,", 30, 11, ""));
    data = load();
    assert_int_equal(data->users->rows, 30);
    assert_int_equal(data->items->rows, 11);
    assert_string_equal(mrq_table_id(data->items, 0), "Film, b");
    mrq_dataset_free(data);
    assert_says(&report, "votes.csv: who: the user, different in each line\nvotes.csv: items the names of their columns\n");
    assert_says(&schema, "\"header\": true, \"quoted\": true, \"fields\": [\n   {\"name\": \"user\", \"kind\": \"id\"},\n");
    /* zeros */
    put("votes.csv", matrix("", "U,", 30, 10, "0"));
    data = load();
    assert_true(data->rating_min == 1);
    mrq_dataset_free(data);
    assert_says(&schema, "\"none\": \"0\"");
    put("votes.csv", matrix("", "U,", 30, 9, "0")); /* too few columns */
    assert_fails(guess(), MRQ_BAD_FILE, "no file of events");
    /* a value in each cell */
    put("votes.csv", matrix("", "", 30, 30, NULL));
    data = load();
    assert_int_equal(data->n, 900);
    mrq_dataset_free(data);
    assert_says(&schema, "\"delimiter\": \",\", \"fields\": [\n   {\"name\": \"rating\"");
    put("votes.csv", matrix("", "", 30, 29, NULL));
    assert_fails(guess(), MRQ_BAD_FILE, "no file of events");
    /* events are preferred; columns of all kinds of ranges are none */
    put("votes.csv", matrix("", "U,", 30, 12, ""));
    put("log.csv", events("user,item,rating\n", 30, 20, "U,I,V\n"));
    assert_ok(guess());
    assert_says(&report, "log.csv: 150 events;");
    put("log.csv", "Some words.\n");
    put("votes2.csv", matrix("", "U,", 29, 12, ""));
    assert_ok(guess());
    assert_says(&report, "votes2.csv: not used: it could be events too, but votes.csv is larger or says so by its names\n");
}

static void escaped_quotes(void **state)
{
    (void)state;
    put("log.csv", events("user;item;rating\n", 30, 3, "U;I;V\n"));
    put("books.csv", "\"isbn\";\"title\"\n\"1\";\"Say \\\"Hi\\\"; or not\"\n\"2\";\"Two &amp; three\\\\\"\n\"3\";NULL\n");
    mrq_dataset *data = load();
    assert_string_equal(mrq_strings_at(&mrq_table_column(data->items, "title")->text, 0), "Say \"Hi\"; or not");
    assert_string_equal(mrq_strings_at(&mrq_table_column(data->items, "title")->text, 1), "Two &amp; three\\");
    mrq_dataset_free(data);
    assert_says(&report,
                "books.csv: 3 books; utf-8, columns divided by \";\", with a header, in quotes where needed, quotes escaped by a "
                "backslash\n");
    assert_says(&schema, "\"quoted\": true, \"escape\": \"\\\\\", \"fields\"");
    /* only far behind the first lines */
    static char text[200000];
    size_t n = (size_t)snprintf(text, sizeof text, "%s", "\"isbn\";\"title\"\n");
    for (int i = 1; i <= 3000; i++)
        n += (size_t)snprintf(text + n, sizeof text - n, "\"%d\";\"%s\"\n", i, i == 2900 ? "a \\\"b\\\" c" : "x \"\"y\"\"");
    put("books.csv", text);
    assert_ok(guess());
    assert_says(&schema, "\"escape\"");
    assert_true(strstr(report.data, "note") == NULL);
}

static void hints(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        mrq_role role;
        bool id;
    } cases[] = {
        {"userId", MRQ_ROLE_USER, true},
        {"User-ID", MRQ_ROLE_USER, true},
        {"reviewerID", MRQ_ROLE_USER, true},
        {"members", MRQ_ROLE_USER, false},
        {"asin", MRQ_ROLE_ITEM, true},
        {"anime_ids", MRQ_ROLE_ITEM, true},
        {"ISBN13", MRQ_ROLE_ITEM, true},
        {"Book-Title", MRQ_ROLE_TITLE, false},
        {"Game Name", MRQ_ROLE_TITLE, false},
        {"id", MRQ_ROLE_ID, true},
        {"Real_ID", MRQ_ROLE_NONE, true},
        {"paid", MRQ_ROLE_NONE, false},
        {"s", MRQ_ROLE_NONE, false},
        {"", MRQ_ROLE_ID, false},
        {"Year-Of-Publication", MRQ_ROLE_YEAR, false},
        {"user_age", MRQ_ROLE_AGE, false},
        {"playCount", MRQ_ROLE_COUNT, false},
        {"unixReviewTime", MRQ_ROLE_TIME, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        if (*cases[i].name && mrq_hint_column(cases[i].name) != cases[i].role)
            fail_msg("%s: %d", cases[i].name, (int)mrq_hint_column(cases[i].name));
        if (mrq_hint_is_id(cases[i].name) != cases[i].id)
            fail_msg("%s: id", cases[i].name);
    }
    mrq_role roles[2];
    mrq_noun noun = {"", ""};
    mrq_hint_file("item_user.dat", roles, &noun);
    assert_true(roles[0] == MRQ_ROLE_ITEM && roles[1] == MRQ_ROLE_USER);
    mrq_hint_file("movies.csv", roles, &noun);
    assert_true(roles[0] == MRQ_ROLE_ITEM && roles[1] == MRQ_ROLE_NONE);
    assert_string_equal(noun.many, "movies");
}

static void memory_that_runs_out_is_an_error(void **state)
{
    (void)state;
    put("log.csv", events("user,item,rating\n", 10, 8, "U,I,V\n"));
    put("items.csv", rows("item,title,genres\n", 8, "U,Thing U,G\n"));
    put("old.json", "{\"a\": {\"b\": [\"\\u0061\"]}}");
    assert_ok(guess());
    char *want = strdup(schema.data);
    assert_non_null(want);
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
    assert_string_equal(schema.data, want);
    free(want);
}

/* Rows "i,c": a row for each of 1 .. items and each of its two categories. */
static char *pairs(int items, const char *between)
{
    static char text[20000];
    size_t n = 0;
    for (int i = 1; i <= 2 * items; i++)
        n += (size_t)snprintf(text + n, sizeof text - n, "%d%s%d\n", (i + 1) / 2, between, 100 + i % 7);
    return text;
}

static void files_are_joined(void **state)
{
    (void)state;
    put("user_item.dat", events("", 40, 20, "U\tI\tV\tT\n"));
    put("item_category.dat", pairs(20, ","));
    put("item_code.dat", pairs(8, ";")); /* of less than half of the items nothing is known: still all its ids are items */
    put("item_mood.dat", rows("", 20, "U\tcalm|good\nU\tloud|good\n"));
    put("user_town.dat", rows("", 30, "U\tF\n"));
    put("user_item_old.dat", events("", 20, 20, "U\tI\n")); /* other events */
    put("author_name.dat", pairs(20, ","));                 /* numbers from 1 on, of what is not said */
    put("item_note.dat", rows("", 20, "U\tnote U\n"));
    put("item_all.dat", events("", 40, 20, "I\tU\n")); /* each pair once: no members that come again */
    mrq_dataset *data = load();
    const mrq_column *category = mrq_table_column(data->items, "category"), *code = mrq_table_column(data->items, "code"),
                     *town = mrq_table_column(data->users, "gender");
    assert_true(category && category->kind == MRQ_SET && category->dict.n == 7 && category->list.offset[20] == 40);
    assert_true(code && code->kind == MRQ_SET && code->list.offset[20] == 16);
    assert_true(town && town->kind == MRQ_CATEGORY);
    assert_int_equal(data->users->rows, 40);
    assert_says(&report, "item_category.dat: 40 rows about items; utf-8, columns divided by \",\", without a header\n");
    assert_says(&report, "item_category.dat: column 2: a set of 7 members, called category\n");
    assert_says(&report, "item_mood.dat: column 2: a set of 3 members, called mood\n");
    assert_says(&schema, "{\"name\": \"mood\", \"kind\": \"set\", \"delimiter\": \"|\"}");
    assert_says(&report, "user_town.dat: column 2: one of 2 values, called gender\n");
    assert_says(&report, "users: no file lists them; they are those of the events\n");
    assert_says(&report, "user_item_old.dat: not used: it could be events too");
    assert_says(&report, "author_name.dat: not used: it could be events too");
    mrq_dataset_free(data);
}

static void named_files_are_joined(void **state)
{
    (void)state;
    put("ratings.csv", events("userId,movieId,rating,timestamp\n", 40, 20, "U,I,V,T\n"));
    put("movies.csv", rows("movieId,title,year\n", 22, "U,\"Film U, or more\",Y\n"));
    put("tags.csv", events("userId,movieId,tag,timestamp\n", 30, 20, "U,I,tag V,T\n"));
    put("links.csv", rows("movieId,imdbId\n", 22, "U,1U\n"));
    put("prices.csv", rows("movieId,price\n", 30, "U,U.5\n"));
    mrq_dataset *data = load();
    const mrq_column *tags = mrq_table_column(data->items, "tag"), *price = mrq_table_column(data->items, "price");
    assert_true(tags && tags->kind == MRQ_SET && tags->dict.n == 5);
    assert_true(price && price->kind == MRQ_NUMBER && price->number[2] == 3.5);
    assert_int_equal(data->items->rows, 22);
    assert_says(&report, "tags.csv: userId: not used: ids\n");
    assert_says(&report, "tags.csv: timestamp: not used: times, which no kind of field holds\n");
    assert_says(&report, "prices.csv: note: 8 of its 30 ids, such as \"23\", are those of no movie; their rows are left alone\n");
    assert_says(&report, "links.csv: not used: ");
    mrq_dataset_free(data);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fresh, clear)
    const struct CMUnitTest tests[] = {
        TEST(names_tell),
        TEST(files_are_joined),
        TEST(named_files_are_joined),
        TEST(without_names_the_files_tell),
        TEST(numbers_that_miss_are_no_table),
        TEST(lists),
        TEST(lines_of_json),
        TEST(values),
        TEST(columns_of_items),
        TEST(names_of_fields),
        TEST(a_tenth_may_be_missing),
        TEST(columns_have_limits),
        TEST(encodings),
        TEST(what_training_would_refuse_is_told),
        TEST(of_two_widths_the_smaller_is_taken),
        TEST(large_files_are_sampled),
        TEST(folders_without_events_are_refused),
        TEST(matrices),
        TEST(escaped_quotes),
        TEST(hints),
        TEST(memory_that_runs_out_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
