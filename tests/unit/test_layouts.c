/* Layouts of data that schemas describe: columns by the header's names, tables made of events, events without a value, unknown
 * values, times, compression and encodings. */
#include "testing.h"

#include <math.h>
#include <sys/stat.h>

#include "dataset/timestamp.h"
#include "unit/load_as.h"

#define NAMED "{'name':'s',"
#define EVENTS(fields, keys)                                                                                                       \
    "'events':{'file':'e','delimiter':',','header':true" keys ",'fields':[{'name':'user','kind':'id','column':'who'},"             \
    "{'name':'item','kind':'id','column':'what'}" fields "]}}"
#define VALUE ",{'name':'stars','kind':'rating','column':'stars'}"

static void columns_are_found_by_name(void **state)
{
    (void)state;
    put("e", "when,what,shoe,stars,who\n1,a,x,3,u2\n2,b,y,5,u1\n");
    mrq_dataset *data = load(NAMED EVENTS(VALUE, ""));
    assert_string_equal(events_of(data), "u2 a 3, u1 b 5");
    assert_true(data->rating_min == 3 && data->rating_max == 5 && data->like == 4); /* found */
    assert_string_equal(mrq_table_id(data->users, 0), "u1");
    mrq_dataset_free(data);
    put("e", "\xef\xbb\xbfwho,\"what\",\"st\"\"ars\"\nu,a,1\n");
    data = load(NAMED EVENTS(",{'name':'stars','kind':'rating','column':'st\\'ars'}", ",'quoted':true"));
    assert_string_equal(events_of(data), "u a 1");
    mrq_dataset_free(data);
}

static void a_header_that_does_not_fit_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text, *want;
    } cases[] = {
        {"who,item,stars\nu,a,1\n", "e:1: no column \"what\" in the header, which has who, item, stars"},
        {"u,a,1\nv,a,2\n", "e:1: want a header with the columns who, what, stars, and the first line has u, a, 1"},
        {"", "e:1: want a header with the columns who, what, stars, and the first line has nothing"},
        {"who,what,what,stars\nu,a,b,1\n", "e:1: the header has two columns \"what\""},
        {"who,what,stars\nu,a\n", "e:2: 2 fields, want 3, as many as the header has"},
        {"who,what,stars\nu,a,1,1\n", "e:2: 4 fields, want 3"},
        {"who,what,stars\nu,a,1\nwho,what,stars\n", "e:3: the header again: want one, in the first line"},
        {"who,what,stars\nwho,what,1\nwho,what,\n", "e:3: rating \"\", want a number"},
        {"who,what,stars\n", "e: no rows"},
        {"who,what,stars\nu,a,x\n", "e:2: rating \"x\", want a number"},
        {"who,what,stars\nu,,1\n", "e:2: item \"\", want an id"},
        {"who,what,stars\nu,\"a\"\"b\x01\",1\n", "e:2: item \"\"a\"\"b\\x01\"\", want an id"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        mrq_dataset *data;
        put("e", cases[i].text);
        assert_fails(load_as(NAMED EVENTS(VALUE, ""), &data), MRQ_BAD_FILE, cases[i].want);
    }
    char wide[3000] = "who,what,stars";
    for (int i = 0; i < 254; i++)
        strcat(wide, ",c");
    strcat(wide, "\n");
    mrq_dataset *data;
    put("e", wide);
    assert_fails(load_as(NAMED EVENTS(VALUE, ""), &data), MRQ_BAD_FILE, "e:1: the header has more than 256 columns");
}

#define PLACED(keys, fields)                                                                                                       \
    NAMED "'events':{'file':'e','delimiter':','" keys ",'fields':[{'name':'user','kind':'id'},{'name':'item','kind':'id'}" fields  \
          "]}}"
#define PLACED_VALUE ",{'kind':'ignore'},{'name':'stars','kind':'rating'},{'name':'at','kind':'timestamp'}"

/* The case of fields that are found by place: the header tells nothing then, but it must be there or not be there. */
static void a_header_where_data_should_be_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *schema, *text, *want; /* NULL: it is read */
    } cases[] = {
        {PLACED(",'header':true", PLACED_VALUE), "u,a,x,1,0\nu,b,x,2,0\n",
         "e:1: want a header for user, item, stars, at, and the line has u, a, 1, 0: if that is data, set \"header\" to false"},
        {PLACED(",'header':true", PLACED_VALUE), "a,b,c,d,0\nu,b,x,2,0\n", NULL},
        {PLACED(",'header':true", PLACED_VALUE), "a,b,c,,\nu,b,x,2,0\n", NULL},
        {PLACED(",'header':true", ""), "u,a\nu,b\n", NULL},
        {PLACED(",'header':true", PLACED_VALUE), "u,a,1,0\n", "e:1: 4 fields, want 5 (user,item,ignored,stars,at)"},
        {PLACED("", PLACED_VALUE), "userId,movieId,x,rating,timestamp\nu,b,x,2,0\n",
         "e:1: want user, item, stars, at, and the line has userId, movieId, rating, timestamp: if that is a header, set "
         "\"header\" "
         "to true"},
        {PLACED("", PLACED_VALUE), "a,b,x,rating,timestamp\nu,b,x,2,0\n",
         "e:1: want user, item, stars, at, and the line has a, b, "},
        {PLACED("", PLACED_VALUE), "a,b,x,c,timestamp\nu,b,x,2,0\n", "e:1: rating \"c\", want a number"},
        {PLACED("", PLACED_VALUE), "userId,movieId,x,3,timestamp\nu,b,x,2,0\n", "e:1: at \"timestamp\", want"},
        {PLACED("", PLACED_VALUE), "userId,movieId,x,rating\nu,b,x,2,0\n", "e:1: 4 fields, want 5"},
        {PLACED("", ""), "user,item\nu,b\n", "e:1: want user, item, and the line has user, item: if that is a header,"},
        {PLACED("", ""), "u,i\nu,b\n", NULL},
        {PLACED("", ""), "user,b\nu,b\n", NULL},
        {PLACED(",'quoted':true", ""), "\"user\",\"x\"\"y\"\nu,b\n", NULL},
        {PLACED(",'quoted':true", ""), "\"user\",\"item\"\nu,b\n", "e:1: want user, item, and the line has user, item: if"},
        {PLACED(",'quoted':true", ""), "\"x\ny\",\"item\"\nu,b\n", "e:1: user \"x\\x0ay\", want an id"},
        {PLACED(",'quoted':true", ""), "\xef\xbb\xbf\"a\",b", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        mrq_dataset *data = NULL;
        put("e", cases[i].text);
        if (cases[i].want)
            assert_fails(load_as(cases[i].schema, &data), MRQ_BAD_FILE, cases[i].want);
        else
            assert_ok(load_as(cases[i].schema, &data));
        mrq_dataset_free(data);
    }
}

/* Columns in another order are found by the header's names, those of the shipped schema too. */
static void the_order_of_columns_does_not_matter(void **state)
{
    (void)state;
    mrq_dataset *data;
    put("movies.csv", "movieId,title,genres\n7,Seven (1995),Drama\n");
    put("ratings.csv", "movieId,userId,rating,timestamp\n7,1,4.5,9\n");
    assert_ok(mrq_dataset_load(folder, NULL, &data, &err));
    assert_string_equal(events_of(data), "1 7 4.5");
    mrq_dataset_free(data);
}

static void quotes_may_be_escaped(void **state)
{
    (void)state;
    static const char schema[] = PLACED(",'quoted':true,'escape':'\\\\'", ",{'name':'stars','kind':'rating'}");
    mrq_dataset *data;
    put("e", "\"a \\\"b\\\" \"\"c\"\"\",\"\\\\\",1\n\"x\\y\",z\\,2\n\"\\\"\",\"\\\"\",3\r\n");
    data = load(schema);
    assert_string_equal(events_of(data), "a \"b\" \"c\" \\ 1, x\\y z\\ 2, \" \" 3");
    mrq_dataset_free(data);
    put("e", "u,\"a\\\",1\nu,\"b\",1\n");
    assert_fails(load_as(schema, &data), MRQ_BAD_FILE, "e:1: text behind the closing quote of \"a\\\",1\\x0au,\"");
    put("e", "u,\"a\\");
    assert_fails(load_as(schema, &data), MRQ_BAD_FILE, "e:1: the quote before \"a\\\" is never closed");
    put("e", "u,\"a\\\"");
    assert_fails(load_as(schema, &data), MRQ_BAD_FILE, "e:1: the quote before \"a\\\"\" is never closed");
    static const struct {
        const char *schema, *want;
    } cases[] = {
        {PLACED(",'escape':'\\\\'", ""), "events.escape: it stands before quotes within quotes; want \"quoted\": true beside it"},
        {PLACED(",'quoted':true,'escape':''", ""), "events.escape: \"\", want one character such as \\, no quote and none of the"},
        {PLACED(",'quoted':true,'escape':'ab'", ""), "events.escape: \"ab\", want one character"},
        {PLACED(",'quoted':true,'escape':','", ""), "events.escape: \",\", want one character"},
        {PLACED(",'quoted':true,'escape':'\\\"'", ""), "events.escape: \"\"\", want one character"},
        {NAMED "'events':{'file':'e','format':'lists','delimiter':' ','escape':'\\\\'}}",
         "events.escape: format \"lists\" has none; leave it out"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_fails(load_as(cases[i].schema, &data), MRQ_BAD_FILE, cases[i].want);
}

static void schemas_of_columns_are_checked(void **state)
{
    (void)state;
    static const struct {
        const char *schema, *want;
    } cases[] = {
        {NAMED "'events':{'file':'e','delimiter':',','header':true,'fields':[{'name':'user','kind':'id','column':'u'},"
               "{'name':'item','kind':'id'}]}}",
         "s.json: events.fields[1].column: some fields of the file have one and some have none"},
        {NAMED "'events':{'file':'e','delimiter':',','fields':[{'name':'user','kind':'id','column':'u'},"
               "{'name':'item','kind':'id','column':'i'}]}}",
         "s.json: events.header: fields are found by their columns, so want true"},
        {NAMED EVENTS(",{'name':'r','kind':'rating','column':'what'}", ""),
         "s.json: events.fields[2].column: \"what\" is the column of fields[1] already"},
        {NAMED EVENTS(",{'kind':'ignore','column':'x'}", ""), "events.fields[2].column: unknown key"},
        {NAMED EVENTS(",{'name':'r','kind':'rating','column':''}", ""), "events.fields[2].column: want the name of a column"},
        {NAMED EVENTS(",{'name':'t','kind':'timestamp','column':'t','unit':'days'}", ""), "unit: \"days\", want one of seconds,"},
        {NAMED "'ratings':{'file':'e','delimiter':',','fields':[]}," EVENTS("", ""), "s.json: events, ratings: want one of them"},
        {NAMED "'like':'some'," EVENTS("", ""), "s.json: like: \"some\", want \"all\" or {\"from\": a value}"},
        {NAMED "'like':{}," EVENTS("", ""), "s.json: like.from: missing"},
        {NAMED "'like':{'from':'4'}," EVENTS("", ""), "s.json: like.from: \"4\", want a number"},
        {NAMED "'like':{'from':4,'to':5}," EVENTS("", ""), "s.json: like.to: unknown key"},
        {NAMED "'items':{'file':'i','format':'lists','delimiter':' '}," EVENTS("", ""),
         "items.format: \"lists\" is for events alone"},
        {NAMED "'events':{'file':'e','format':'lists','delimiter':' ','fields':[]}}", "events.fields: lists have none"},
        {NAMED "'events':{'file':'e','format':'list','delimiter':' '}}",
         "format: \"list\", want one of delimited, lists, json-lines"},
        {NAMED EVENTS("", ",'encoding':'utf-8//IGNORE'"), "encoding: \"utf-8//IGNORE\", want utf-8 or another name"},
        {NAMED EVENTS("", ",'null':'x'"), "events.null: \"x\", want an array"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        mrq_dataset *data;
        assert_fails(load_as(cases[i].schema, &data), MRQ_BAD_FILE, cases[i].want);
    }
}

static void events_make_the_tables_that_have_no_file(void **state)
{
    (void)state;
    put("e", "who,what\nz,10\n7,9\nz,x\n12,9\n");
    mrq_dataset *data = load(NAMED "'noun':['song','songs']," EVENTS("", ""));
    assert_string_equal(events_of(data), "z 10 1, 7 9 1, z x 1, 12 9 1");
    assert_int_equal(data->users->rows, 3);
    assert_int_equal(data->items->rows, 3);
    static const char *const users[] = {"7", "12", "z"}, *const items[] = {"9", "10", "x"};
    for (uint32_t i = 0; i < 3; i++) {
        assert_string_equal(mrq_table_id(data->users, i), users[i]);
        assert_string_equal(mrq_table_id(data->items, i), items[i]);
    }
    assert_string_equal(data->items->noun.many, "songs");
    assert_string_equal(data->users->noun.one, "user");
    assert_true(data->rating_min == 1 && data->rating_max == 1 && data->like == 1 && !data->time);
    mrq_dataset_free(data);
}

static void what_a_like_is_stands_in_the_schema(void **state)
{
    (void)state;
    put("e", "who,what,stars\nu,a,-10\nu,b,0\nv,a,10\n");
    mrq_dataset *data = load(NAMED "'like':{'from':7.5}," EVENTS(VALUE, ""));
    assert_true(data->like == 7.5 && data->rating_min == -10 && data->rating_max == 10);
    mrq_dataset_free(data);
    data = load(NAMED "'like':'all'," EVENTS(VALUE, ""));
    assert_true(isinf(data->like) && data->like < 0);
    mrq_dataset_free(data);
    data = load(NAMED EVENTS(",{'name':'stars','kind':'rating','column':'stars','min':-20,'max':30}", ""));
    assert_true(data->like == 5 && data->rating_min == -20 && data->rating_max == 30);
    mrq_dataset_free(data);
}

static void lists_are_events(void **state)
{
    (void)state;
    mrq_dataset *data;
    static const char lists[] = NAMED "'like':'all','events':{'file':'l','format':'lists','delimiter':' '}}";
    put("l", "0 5 6 7\n1\n2 \n3 5  9 \r\n4 7");
    data = load(lists);
    assert_string_equal(events_of(data), "0 5 1, 0 6 1, 0 7 1, 3 5 1, 3 9 1, 4 7 1");
    mrq_dataset_free(data);
    put("l", "0\n1\n");
    assert_fails(load_as(lists, &data), MRQ_BAD_FILE, "l: no rows");
    put("l", "0 1\n 2 3\n");
    assert_fails(load_as(lists, &data), MRQ_BAD_FILE, "l:2: user \"\", want an id");
    put("l", "0 1\n2 3 \x01\n");
    assert_fails(load_as(lists, &data), MRQ_BAD_FILE, "l:2: item \"\\x01\", want an id");
}

#define TABLES                                                                                                                     \
    "'users':{'file':'u','delimiter':'|','header':true,'null':['NULL','\\\\N'],'fields':[{'name':'id','kind':'id','column':'id'}," \
    "{'name':'age','kind':'category','column':'age','buckets':[0,18,30],'labels':['young','grown','old']},"                        \
    "{'name':'town','kind':'category','column':'town'},"                                                                           \
    "{'name':'sex','kind':'category','column':'sex','values':['F','M']},"                                                          \
    "{'name':'height','kind':'number','column':'height','null':['0']},"                                                            \
    "{'name':'tags','kind':'set','column':'tags','delimiter':',','null':['none']},"                                                \
    "{'name':'about','kind':'text','column':'about'}]},"

static const char *value_of(const mrq_table *table, const char *name, uint32_t row)
{
    const mrq_column *column = mrq_table_column(table, name);
    return mrq_strings_at(column->label.n ? &column->label : &column->dict, column->code[row]);
}

static void unknown_values_are_values_of_their_own(void **state)
{
    (void)state;
    put("u", "id|age|town|sex|height|tags|about\n"
             "1|17|Rome|F|1.5| a, b ,a|hello\n"
             "2|NULL|\\N||0|none|NULL\n"
             "3||NULL|\\N|NULL||\n"
             "4|99|Rome|M||b|x\n");
    put("e", "who,what\n1,a\n2,a\n3,b\n4,b\n");
    mrq_dataset *data = load(NAMED TABLES EVENTS("", ""));
    static const struct {
        const char *name, *values[4];
    } want[] = {{"age", {"young", "unknown", "unknown", "old"}},
                {"height", {"any", "unknown", "unknown", "unknown"}}, /* a number of users is divided into ranges */
                {"town", {"Rome", "unknown", "unknown", "Rome"}},
                {"sex", {"F", "unknown", "unknown", "M"}}};
    for (size_t i = 0; i < sizeof want / sizeof *want; i++)
        for (uint32_t row = 0; row < 4; row++)
            assert_string_equal(value_of(data->users, want[i].name, row), want[i].values[row]);
    const mrq_column *tags = mrq_table_column(data->users, "tags"), *about = mrq_table_column(data->users, "about"),
                     *age = mrq_table_column(data->users, "age");
    assert_int_equal(tags->dict.n, 2); /* blanks are trimmed */
    static const uint64_t offset[] = {0, 2, 2, 2, 3};
    assert_memory_equal(tags->list.offset, offset, sizeof offset);
    assert_string_equal(mrq_strings_at(&about->text, 0), "hello");
    assert_string_equal(mrq_strings_at(&about->text, 1), "");
    uint32_t code;
    assert_ok(mrq_column_code(age, "unknown", true, &code, &err));
    assert_int_equal(code, 3);
    assert_ok(mrq_column_code(age, "200", true, &code, &err));
    assert_int_equal(code, 2);
    assert_fails(mrq_column_code(age, "x", true, &code, &err), MRQ_USAGE, "age \"x\": want a number");
    mrq_dataset_free(data);
}

static void times_are_read_in_their_unit(void **state)
{
    (void)state;
    static const struct {
        mrq_time_unit unit;
        const char *text;
        int64_t want; /* -1: refused */
    } cases[] = {
        {MRQ_TIME_SECONDS, "1500000000", 1500000000},
        {MRQ_TIME_SECONDS, "1500000000.0", 1500000000},
        {MRQ_TIME_SECONDS, "-62135596801", -1},
        {MRQ_TIME_SECONDS, "253402300800", -1},
        {MRQ_TIME_SECONDS, "", -1},
        {MRQ_TIME_MILLISECONDS, "1500000000999", 1500000000},
        {MRQ_TIME_MILLISECONDS, "-1500", -2},
        {MRQ_TIME_MILLISECONDS, "1.5e12", 1500000000},
        {MRQ_TIME_MICROSECONDS, "1500000000999999", 1500000000},
        {MRQ_TIME_MICROSECONDS, "253402300799999999", 253402300799},
        {MRQ_TIME_ISO, "1970-01-01", 0},
        {MRQ_TIME_ISO, "2026-01-31T02:00:00Z", 1769824800},
        {MRQ_TIME_ISO, "2026-01-31 02:00", 1769824800},
        {MRQ_TIME_ISO, "2026-01-31T03:00:00.999+01:00", 1769824800},
        {MRQ_TIME_ISO, "2026-01-31T03:00:00+0100", 1769824800},
        {MRQ_TIME_ISO, "2026-01-31t01:30:00,5-00:30", 1769824800},
        {MRQ_TIME_ISO, "2026-01-31T04:00+02", 1769824800},
        {MRQ_TIME_ISO, "2024-02-29", 1709164800},
        {MRQ_TIME_ISO, "2000-02-29", 951782400},
        {MRQ_TIME_ISO, "0001-01-01T00:00:00Z", -62135596800},
        {MRQ_TIME_ISO, "0001-01-01T00:00:00+01", -1},
        {MRQ_TIME_ISO, "9999-12-31T23:59:59Z", 253402300799},
        {MRQ_TIME_ISO, "2023-02-29", -1},
        {MRQ_TIME_ISO, "1900-02-29", -1},
        {MRQ_TIME_ISO, "2026-13-01", -1},
        {MRQ_TIME_ISO, "2026-00-01", -1},
        {MRQ_TIME_ISO, "2026-04-31", -1},
        {MRQ_TIME_ISO, "2026-04-00", -1},
        {MRQ_TIME_ISO, "2026-4-1", -1},
        {MRQ_TIME_ISO, "2026-01-31T25:00", -1},
        {MRQ_TIME_ISO, "2026-01-31T02:60", -1},
        {MRQ_TIME_ISO, "2026-01-31T02:00:61", -1},
        {MRQ_TIME_ISO, "2026-01-31T02", -1},
        {MRQ_TIME_ISO, "2026-01-31T02:00:00.Z", -1},
        {MRQ_TIME_ISO, "2026-01-31T02:00:00Zx", -1},
        {MRQ_TIME_ISO, "2026-01-31T02:00:00+1", -1},
        {MRQ_TIME_ISO, "2026-01-31T02:00:00+19:00", -1},
        {MRQ_TIME_ISO, "2026-01-31T02:00:00+01:60", -1},
        {MRQ_TIME_ISO, "2026-01-31x", -1},
        {MRQ_TIME_ISO, "20000-01-01", -1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t got = -1;
        const size_t size = strlen(cases[i].text);
        char *text = malloc(size + !size); /* to the byte, for the address sanitizer */
        assert_non_null(text);
        memcpy(text, cases[i].text, size);
        const bool good = mrq_time_parse((mrq_span){text, size}, cases[i].unit, &got);
        free(text);
        if (good != (cases[i].want != -1) || (good && got != cases[i].want))
            fail_msg("\"%s\": %d, %lld, want %lld", cases[i].text, good, (long long)got, (long long)cases[i].want);
    }
    put("e", "who,what,at\nu,a,2026-01-31T02:00:00Z\nu,b,1970-01-01\n");
    mrq_dataset *data = load(NAMED EVENTS(",{'name':'at','kind':'timestamp','column':'at','unit':'iso'}", ""));
    assert_true(data->time[0] == 1769824800 && data->time[1] == 0);
    mrq_dataset_free(data);
    put("e", "who,what,at\nu,a,yesterday\n");
    assert_fails(load_as(NAMED EVENTS(",{'name':'at','kind':'timestamp','column':'at','unit':'iso'}", ""), &data), MRQ_BAD_FILE,
                 "e:2: at \"yesterday\", want a time such as 2026-01-31T02:00:00Z");
}

/* "who,what\nu,a\nv,b\n" by gzip and zstd, in one piece and in two. Returns 0 where the program is not there. */

static size_t compressed(const char *how, unsigned char out[4096])
{
    char command[900], path[600];
    snprintf(command, sizeof command, "cd '%s' && printf 'who,what\\nu,a\\n' >1 && printf 'v,b\\n' >2 && %s >packed", folder, how);
    if (system(command) != 0) /* NOLINT: there is no such program here */
        return 0;
    snprintf(path, sizeof path, "%s/packed", folder);
    mrq_map map;
    assert_ok(mrq_map_open(&map, path, &err));
    const size_t size = map.size;
    memcpy(out, map.data, size);
    mrq_map_close(&map);
    return size;
}

static void compressed_files_are_read(void **state)
{
    (void)state;
    static const char *const ways[] = {"cat 1 2 | gzip", "{ gzip <1; gzip <2; }", "cat 1 2 | zstd -q",
                                       "{ zstd -q <1; zstd -q <2; }"};
    int read = 0;
    for (int i = 0; i < 4; i++) {
        unsigned char packed[4096];
        mrq_dataset *data;
        const size_t size = compressed(ways[i], packed);
        if (!size)
            continue;
        put_bytes("e", packed, size);
        data = load(NAMED EVENTS("", ""));
        assert_string_equal(events_of(data), "u a 1, v b 1");
        mrq_dataset_free(data);
        read++;
        const char *name = i < 2 ? "gzip" : "zstd";
        char want[40];
        snprintf(want, sizeof want, "e: %s: ", name);
        for (size_t cut = 5; cut < size; cut++) { /* behind the first member of two it is whole */
            put_bytes("e", packed, cut);
            const mrq_status status = load_as(NAMED EVENTS("", ""), &data);
            assert_true(status == MRQ_BAD_FILE || (i % 2 && status == MRQ_OK));
            if (status == MRQ_OK) {
                assert_int_equal(data->n, 1);
                mrq_dataset_free(data);
            } else if (!strstr(err.msg, want)) {
                fail_msg("cut to %zu: %s", cut, err.msg);
            }
        }
        for (size_t flip = 4; i % 2 == 0 && flip < size; flip++) { /* where it is noticed it is refused; nothing crashes */
            packed[flip] ^= 0x55;
            put_bytes("e", packed, size);
            if (load_as(NAMED EVENTS("", ""), &data) == MRQ_OK)
                mrq_dataset_free(data);
            packed[flip] ^= 0x55;
        }
    }
    assert_true(read >= 2);
}

/* Zeros behind a file of gzip fill it up; anything else would be lost. */
static void what_follows_gzip_is_not_lost(void **state)
{
    (void)state;
    unsigned char packed[4096];
    mrq_dataset *data;
    size_t size = compressed("{ gzip <1; head -c 512 /dev/zero; }", packed);
    put_bytes("e", packed, size);
    data = load(NAMED EVENTS("", ""));
    assert_string_equal(events_of(data), "u a 1");
    mrq_dataset_free(data);
    size = compressed("{ gzip <1; cat 2; }", packed);
    put_bytes("e", packed, size);
    assert_fails(load_as(NAMED EVENTS("", ""), &data), MRQ_BAD_FILE, "e: gzip: damaged: something else follows the end");
}

/* A small file of many equal lines, or of zeros, is no file of data. */
static void a_bomb_is_refused(void **state)
{
    (void)state;
    char command[700];
    mrq_dataset *data;
    snprintf(command, sizeof command, "cd '%s' && yes 1 | head -c 160000000 | gzip -9 >e && head -c 160000000 /dev/zero | gzip >f",
             folder);
    assert_int_equal(system(command), 0); /* NOLINT */
    assert_fails(load_as(NAMED "'events':{'file':'e','format':'lists','delimiter':' '}}", &data), MRQ_BAD_FILE,
                 "400 times its size: not a file of data");
    assert_fails(load_as(NAMED "'events':{'file':'f','format':'lists','delimiter':' '}}", &data), MRQ_BAD_FILE,
                 "f:1: a record of more than 64 MB: want records that end with a line end");
}

static void any_encoding_is_converted(void **state)
{
    (void)state;
    mrq_dataset *data;
    put("e", "who,what\nu,caf\xe9 \x80\n");
    data = load(NAMED EVENTS("", ",'encoding':'windows-1252'"));
    assert_string_equal(events_of(data), "u caf\xc3\xa9 \xe2\x82\xac 1");
    mrq_dataset_free(data);
    put_bytes("e", "\xff\xfew\0h\0o\0,\0w\0h\0a\0t\0\n\0u\0,\0\xe9\0\n\0", 28);
    data = load(NAMED EVENTS("", ",'encoding':'utf-16'"));
    assert_string_equal(events_of(data), "u \xc3\xa9 1");
    mrq_dataset_free(data);
    put("e", "who,what\nu,ab"); /* an accent might follow the last letter */
    data = load(NAMED EVENTS("", ",'encoding':'windows-1258'"));
    assert_string_equal(events_of(data), "u ab 1");
    mrq_dataset_free(data);
    put("e", "who,what\nu,a\nv,\x81\n");
    assert_fails(load_as(NAMED EVENTS("", ",'encoding':'windows-1252'"), &data), MRQ_BAD_FILE,
                 "e:3: the byte \\x81 is no character of encoding windows-1252");
    put("e", "who,what\nu,\x81\n");
    assert_fails(load_as(NAMED "'events':{'file':'e','format':'lists','delimiter':',','encoding':'windows-1252'}}", &data),
                 MRQ_BAD_FILE, "e:2: the byte \\x81 is no character of encoding windows-1252");
    put("e", "wh\x8f,what\nu,a\n");
    assert_fails(load_as(NAMED EVENTS("", ",'encoding':'windows-1252'"), &data), MRQ_BAD_FILE,
                 "e:1: the byte \\x8f is no character of encoding windows-1252");
    put_bytes("e", "\xff\xfew\0h\0o\0,\0w\0h\0a\0t\0\n\0u\0,\0\x34\xdc\n\0", 28);
    assert_fails(load_as(NAMED EVENTS("", ",'encoding':'utf-16'"), &data), MRQ_BAD_FILE,
                 "e:2: the byte \\x34 is no character of encoding utf-16");
    put_bytes("e", "who,what\nu,\xed\xb2\x81\n", 16); /* the mark of a byte is none itself */
    assert_fails(load_as(NAMED EVENTS("", ""), &data), MRQ_BAD_FILE, "e:2: the byte \\xed is not valid UTF-8");
    put("e", "who,what\nu,caf\xe9\n");
    assert_fails(load_as(NAMED EVENTS("", ""), &data), MRQ_BAD_FILE, "e:2: the byte \\xe9 is not valid UTF-8");
    put("e", "");
    assert_fails(load_as(NAMED EVENTS("", ",'encoding':'latin1'"), &data), MRQ_BAD_FILE,
                 "e:1: want a header with the columns who, what, and");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns_are_found_by_name),
        cmocka_unit_test(a_header_that_does_not_fit_is_refused),
        cmocka_unit_test(a_header_where_data_should_be_is_refused),
        cmocka_unit_test(the_order_of_columns_does_not_matter),
        cmocka_unit_test(quotes_may_be_escaped),
        cmocka_unit_test(schemas_of_columns_are_checked),
        cmocka_unit_test(events_make_the_tables_that_have_no_file),
        cmocka_unit_test(what_a_like_is_stands_in_the_schema),
        cmocka_unit_test(lists_are_events),
        cmocka_unit_test(unknown_values_are_values_of_their_own),
        cmocka_unit_test(times_are_read_in_their_unit),
        cmocka_unit_test(compressed_files_are_read),
        cmocka_unit_test(what_follows_gzip_is_not_lost),
        cmocka_unit_test(a_bomb_is_refused),
        cmocka_unit_test(any_encoding_is_converted),
    };
    snprintf(folder, sizeof folder, "%s", temporary_folder());
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    temporary_remove(folder);
    return failed;
}
