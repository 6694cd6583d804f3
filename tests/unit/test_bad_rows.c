/* Rows that do not fit: left out up to a share, counted by reason, listed; and items that only events know. */
#include "testing.h"

#include <math.h>
#include <stdlib.h>
#include <unistd.h>

#include "unit/load_as.h"

#define SCHEMA(keys, items)                                                                                                        \
    "{'name':'s','items':{'file':'m','delimiter':',','quoted':true" items ",'fields':[{'name':'id','kind':'id'},"                  \
    "{'name':'year','kind':'number'},{'name':'kind','kind':'category','values':['a','b']},{'name':'tags','kind':'set',"            \
    "'delimiter':'|'},{'name':'title','kind':'text'}]},"                                                                           \
    "'events':{'file':'e','delimiter':',','quoted':true" keys                                                                      \
    ",'fields':[{'name':'user','kind':'id'},{'name':'item','kind':'id'},"                                                          \
    "{'name':'stars','kind':'rating'},{'name':'at','kind':'timestamp'}]}}"

static mrq_bad bad;

/* ' stands for ". */
static mrq_status load_most(const char *quoted, double share, const char *list, mrq_dataset **out)
{
    char schema[4000];
    mrq_schema *parsed = NULL;
    snprintf(schema, sizeof schema, "%s", quoted);
    for (char *p = schema; *p; p++)
        *p = *p == '\'' ? '"' : *p;
    err = (mrq_error){0};
    *out = NULL;
    mrq_bad_clear(&bad);
    bad = (mrq_bad){.share = share, .list = list};
    MRQ_TRY(mrq_schema_parse(schema, strlen(schema), "s.json", &parsed, &err));
    const mrq_status status = mrq_dataset_load_most(folder, parsed, &bad, out, &err);
    mrq_schema_free(parsed);
    return status;
}

static const char *list_file(void)
{
    static char path[600];
    snprintf(path, sizeof path, "%s/bad.tsv", folder);
    return path;
}

static const char *text_of(const char *path)
{
    static char text[4000];
    mrq_map map;
    assert_ok(mrq_map_open(&map, path, &err));
    assert_true(map.size < sizeof text);
    memcpy(text, map.data, map.size);
    text[map.size] = '\0';
    mrq_map_close(&map);
    return text;
}

#define ITEMS "1,1990,a,x|y,One\n2,,b,,Two\n"
#define GOOD  "u,1,5,10\n"

/* One bad row of each kind between good ones. */
static void each_reason_is_left_out_and_told(void **state)
{
    (void)state;
    static const struct {
        const char *items, *events, *line; /* `line`: of the list */
        mrq_bad_reason reason;
    } cases[] = {
        {ITEMS, GOOD "v,1,x,10\n", "e\t2\tvalue\trating \"x\", want a number\n", MRQ_BAD_VALUE},
        {ITEMS, GOOD "v,1,5\n", "e\t2\tfields\t3 fields, want 4 (user,item,stars,at)\n", MRQ_BAD_FIELDS},
        {ITEMS, GOOD "v,1,5,10,\n", "e\t2\tfields\t5 fields, want 4 (user,item,stars,at)\n", MRQ_BAD_FIELDS},
        {ITEMS, GOOD "\n", "", MRQ_BAD_REASONS},
        {ITEMS, GOOD "\n" GOOD, "e\t2\tfields\t1 field, want 4 (user,item,stars,at)\n", MRQ_BAD_FIELDS},
        {ITEMS, GOOD "v,\"1,5,10\n", "e\t2\tquotes\tthe quote before \"1,5,10\\x0a\" is never closed\n", MRQ_BAD_QUOTES},
        {ITEMS, "v,\"1,5,10\n" GOOD, "e\t1\tquotes\tthe quote before \"1,5,10\\x0au,1,5,10\\x0a\" is never closed\n",
         MRQ_BAD_QUOTES},
        {ITEMS, GOOD "v,\"1\"x,5,10\n" GOOD, "e\t2\tquotes\ttext behind the closing quote of 1\n", MRQ_BAD_QUOTES},
        {ITEMS, GOOD "v,1\"x,5,10\n" GOOD, "e\t2\tquotes\ta quote inside the unquoted field \"1\"\"\n", MRQ_BAD_QUOTES},
        {ITEMS, GOOD "v\xff,1,5,10\n" GOOD, "e\t2\tbytes\tthe byte \\xff is not valid UTF-8\n", MRQ_BAD_BYTES},
        {ITEMS, GOOD ",1,5,10\n" GOOD, "e\t2\tid\tuser \"\", want an id: ", MRQ_BAD_ID},
        {ITEMS, GOOD "v,3,5,10\n" GOOD, "e\t2\tunlisted\titem 3 is not in m\n", MRQ_BAD_UNLISTED},
        {ITEMS, GOOD "v,1,5,later\n" GOOD, "e\t2\ttime\tat \"later\", want seconds since 1970\n", MRQ_BAD_TIME},
        {ITEMS, GOOD "v,1,5,1e400\n" GOOD, "e\t2\ttime\tat 1e400, want seconds since 1970\n", MRQ_BAD_TIME},
        {ITEMS "2,,a,,Again\n", GOOD, "m\t3\ttwice\tid 2 is already in line 2\n", MRQ_BAD_TWICE},
        {ITEMS "3,new,a,,Three\n", GOOD, "m\t3\tvalue\tyear \"new\", want a number or nothing\n", MRQ_BAD_VALUE},
        {ITEMS "3,,c,,Three\n", GOOD, "m\t3\tvalue\tkind \"c\", want one of a, b\n", MRQ_BAD_VALUE},
        {ITEMS "3,,a,x||y,Three\n", GOOD, "m\t3\tvalue\ttags \"x||y\", want no empty member\n", MRQ_BAD_VALUE},
        {"0,bad,a,,Zero\n" ITEMS, GOOD, "m\t1\tvalue\tyear \"bad\", want a number or nothing\n", MRQ_BAD_VALUE},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        mrq_dataset *data;
        put("m", cases[i].items);
        put("e", cases[i].events);
        assert_ok(load_most(SCHEMA("", ""), 0.5, list_file(), &data));
        assert_int_equal(data->n, 1);
        assert_int_equal(data->users->rows, 1); /* nobody of a row that was left out */
        assert_int_equal(data->items->rows, 2);
        assert_string_equal(mrq_table_id(data->users, 0), "u");
        for (int k = 0; k < MRQ_BAD_REASONS; k++)
            assert_int_equal(bad.all.left_out[k], k == (int)cases[i].reason);
        char want[400];
        snprintf(want, sizeof want, "file\tline\treason\twhat\n%s", cases[i].line);
        if (strncmp(text_of(list_file()), want, strlen(want)) != 0)
            fail_msg("%zu: %s", i, text_of(list_file()));
        mrq_dataset_free(data);
        if (cases[i].reason != MRQ_BAD_REASONS)
            assert_int_equal(load_most(SCHEMA("", ""), 0, NULL, &data), MRQ_BAD_FILE);
    }
}

/* Bytes that are no character of the file's encoding spoil their rows, and no others. */
static void bytes_outside_the_encoding_are_rows(void **state)
{
    (void)state;
    mrq_dataset *data;
    static const char *const schemas[] = {
        SCHEMA(",'encoding':'windows-1252'", ""),
        SCHEMA(",'encoding':'sjis'", ""),
    };
    put("m", ITEMS);
    for (size_t i = 0; i < 2; i++) {
        char want[400], bad_byte = i ? '\xfd' : '\x81', text[200];
        snprintf(text, sizeof text, GOOD "v%c,1,5,10\n%c\nw,1,5,%c\nu,2,5,10\n\"x%c\",1,5,10\n", bad_byte, bad_byte, bad_byte,
                 bad_byte);
        put("e", text);
        assert_ok(load_most(schemas[i], 0.7, list_file(), &data));
        assert_true(data->n == 2 && bad.all.left_out[MRQ_BAD_BYTES] == 4 && mrq_bad_total(&bad.all) == 4);
        mrq_dataset_free(data);
        size_t used = (size_t)snprintf(want, sizeof want, "file\tline\treason\twhat\n");
        for (int line = 2; line <= 6; line += line == 4 ? 2 : 1)
            used +=
                (size_t)snprintf(want + used, sizeof want - used, "e\t%d\tbytes\tthe byte \\x%02x is no character of encoding %s\n",
                                 line, (unsigned char)bad_byte, i ? "sjis" : "windows-1252");
        assert_string_equal(text_of(list_file()), want);
        snprintf(want, sizeof want, "e: 4 of 6 rows do not fit (bytes 4), --skip-bad 60%% leaves out at most 3; line 2: the byte");
        assert_fails(load_most(schemas[i], 0.6, NULL, &data), MRQ_BAD_FILE, want);
    }
    static const char json[] = "{'name':'s','events':{'file':'e','format':'json-lines','encoding':'windows-1252','fields':["
                               "{'name':'user','kind':'id','column':'u'},{'name':'item','kind':'id','column':'i'}]}}";
    put("e", "{\"u\":\"a\",\"i\":\"\x81\"}\n{\"u\":\"a\",\"i\":\"\x80\"}\n{\"u\":\"a\",\x9d}\n");
    assert_ok(load_most(json, 0.7, list_file(), &data));
    assert_int_equal(data->n, 1);
    mrq_dataset_free(data);
    assert_string_equal(text_of(list_file()),
                        "file\tline\treason\twhat\ne\t1\tbytes\tthe byte \\x81 is no character of encoding windows-1252\n"
                        "e\t3\tbytes\tthe byte \\x9d is no character of encoding windows-1252\n");
    assert_fails(load_as(json, &data), MRQ_BAD_FILE, "e:1: the byte \\x81 is no character of encoding windows-1252");
}

/* The share is that of each file's rows, and counts to the row. */
static void the_share_is_of_each_files_rows(void **state)
{
    (void)state;
    mrq_dataset *data;
    put("m", ITEMS "1,,a,,x\n");
    put("e", GOOD "a,1,x,1\nb,1,1,1\nc,3,1,1\nd,1,1,1\n");
    assert_ok(load_most(SCHEMA("", ""), 0.4, NULL, &data));
    assert_true(data->n == 3 && bad.all.rows == 8 && mrq_bad_total(&bad.all) == 3);
    char told[MRQ_BAD_TOLD];
    assert_string_equal(mrq_bad_tell(&bad.all, told), "value 1, twice 1, unlisted 1");
    mrq_dataset_free(data);
    assert_fails(load_most(SCHEMA("", ""), 0.3, list_file(), &data), MRQ_BAD_FILE,
                 "m: 1 of 3 rows do not fit (twice 1), --skip-bad 30% leaves out at most 0; line 3: id 1 is already in line 1");
    put("m", ITEMS);
    assert_fails(load_most(SCHEMA("", ""), 0.399, list_file(), &data), MRQ_BAD_FILE,
                 "e: 2 of 5 rows do not fit (value 1, unlisted 1), --skip-bad 39.9% leaves out at most 1; "
                 "line 2: rating \"x\", want a number");
    assert_string_equal(text_of(list_file()), "file\tline\treason\twhat\ne\t2\tvalue\trating \"x\", want a number\n"
                                              "e\t4\tunlisted\titem 3 is not in m\n"); /* also when it fails */
    put("e", "a,1,x,1\n");
    assert_fails(load_most(SCHEMA("", ""), 1, NULL, &data), MRQ_BAD_FILE, "e: no rows");
    put("e", "");
    assert_fails(load_most(SCHEMA("", ""), 1, NULL, &data), MRQ_BAD_FILE, "e: no rows");
}

/* A quote that is never closed costs no look at all of the file for each. */
static void broken_quotes_end_soon(void **state)
{
    (void)state;
    mrq_dataset *data;
    const size_t room = 400000;
    char *text = malloc(room);
    assert_non_null(text);
    size_t n = (size_t)snprintf(text, room, "%s", "\"a,1,5,1\n");
    for (int i = 0; n < room - 20; i++)
        n += (size_t)snprintf(text + n, room - n, "u%d,1,5,1\n", i);
    put("m", ITEMS);
    put_bytes("e", text, n);
    free(text);
    assert_ok(load_most(SCHEMA("", ""), 0.01, NULL, &data));
    assert_true(bad.all.left_out[MRQ_BAD_QUOTES] == 1 && data->n > 30000);
    mrq_dataset_free(data);
}

/* The first thousand are listed, all are counted. */
static void the_list_has_a_thousand(void **state)
{
    (void)state;
    char *text = calloc(1, 40000);
    assert_non_null(text);
    size_t n = (size_t)snprintf(text, 40000, "%s", GOOD);
    for (int i = 0; i < 1002; i++)
        n += (size_t)snprintf(text + n, 40000 - n, "v,1,y,1\n");
    put("m", ITEMS);
    put_bytes("e", text, n);
    free(text);
    mrq_dataset *data;
    assert_ok(load_most(SCHEMA("", ""), 1, list_file(), &data));
    mrq_dataset_free(data);
    mrq_map map;
    assert_ok(mrq_map_open(&map, list_file(), &err));
    int lines = 0;
    for (size_t i = 0; i < map.size; i++)
        lines += map.data[i] == '\n';
    mrq_map_close(&map);
    assert_int_equal(lines, 1 + MRQ_BAD_LISTED);
    assert_int_equal(bad.all.left_out[MRQ_BAD_VALUE], 1002);
}

static void the_list_replaces_nothing_else(void **state)
{
    (void)state;
    mrq_dataset *data;
    char path[600], other[600];
    put("m", ITEMS);
    put("e", GOOD);
    snprintf(path, sizeof path, "%s/e", folder);
    assert_fails(load_most(SCHEMA("", ""), 1, path, &data), MRQ_USAGE, "this file exists and is no list of bad rows");
    assert_string_equal(text_of(path), GOOD);
    snprintf(path, sizeof path, "%s/link", folder);
    snprintf(other, sizeof other, "%s/target", folder);
    put("target", "");
    assert_int_equal(symlink(other, path), 0);
    assert_fails(load_most(SCHEMA("", ""), 1, path, &data), MRQ_FAILED, "link");
    assert_string_equal(text_of(other), "");
    assert_int_equal(unlink(path), 0);
    snprintf(path, sizeof path, "%s/none/here", folder);
    assert_fails(load_most(SCHEMA("", ""), 1, path, &data), MRQ_NOT_FOUND, "none/here");
}

static void shares_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        double want; /* below 0: refused */
    } cases[] = {{"1%", 0.01}, {"0.01", 0.01}, {"0", 0}, {"100%", 1}, {"1", 1},  {"0.5%", 0.005}, {"1.5", -1}, {"101%", -1},
                 {"-1%", -1},  {"%", -1},      {"", -1}, {"1 %", -1}, {"x", -1}, {"nan", -1},     {"1%%", -1}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        double share = -1;
        const mrq_status status = mrq_bad_share(cases[i].text, &share, &err);
        assert_true(status == (cases[i].want < 0 ? MRQ_USAGE : MRQ_OK) && fabs(share - cases[i].want) < 1e-12);
    }
    double share;
    assert_fails(mrq_bad_share("x", &share, &err), MRQ_USAGE, "--skip-bad \"x\": want a share of the rows, such as 1% or 0.01");
}

static void unlisted_items_are_taken(void **state)
{
    (void)state;
    mrq_dataset *data;
    put("m", ITEMS);
    put("e", "u,9,5,1\nv,2,3,1\nu,0,4,1\nv,9,1,1\n");
    assert_fails(load_as(SCHEMA("", ""), &data), MRQ_BAD_FILE, "e:1: item 9 is not in m");
    data = load(SCHEMA("", ",'unlisted':'take'"));
    assert_string_equal(events_of(data), "u 9 5, v 2 3, u 0 4, v 9 1");
    assert_int_equal(data->items->rows, 4);
    static const char *const ids[] = {"0", "1", "2", "9"}, *const titles[] = {"", "One", "Two", ""},
                             *const kinds[] = {"unknown", "a", "b", "unknown"};
    const mrq_column *year = mrq_table_column(data->items, "year"), *kind = mrq_table_column(data->items, "kind"),
                     *title = mrq_table_column(data->items, "title"), *tags = mrq_table_column(data->items, "tags");
    for (uint32_t i = 0; i < 4; i++) {
        assert_string_equal(mrq_table_id(data->items, i), ids[i]);
        assert_string_equal(mrq_strings_at(&title->text, i), titles[i]);
        assert_string_equal(mrq_strings_at(&kind->dict, kind->code[i]), kinds[i]);
        assert_int_equal(tags->list.offset[i + 1] - tags->list.offset[i], i == 1 ? 2 : 0);
        assert_true(i == 1 ? year->number[i] == 1990 : isnan(year->number[i]));
    }
    const uint64_t fingerprint = data->fingerprint;
    mrq_dataset_free(data);
    put("m", "1,1991,a,x|y,One\n2,,b,,Two\n");
    data = load(SCHEMA("", ",'unlisted':'take'"));
    assert_true(data->fingerprint != fingerprint);
    mrq_dataset_free(data);
    put("m", ITEMS "2,,a,,Again\n");
    assert_fails(load_as(SCHEMA("", ",'unlisted':'take'"), &data), MRQ_BAD_FILE, "m:3: id 2 is already in line 2");
    assert_ok(load_most(SCHEMA("", ",'unlisted':'take'"), 0.5, NULL, &data));
    assert_true(data->items->rows == 4 && bad.all.left_out[MRQ_BAD_TWICE] == 1 && bad.all.rows == 7);
    mrq_dataset_free(data);
    assert_fails(load_as(SCHEMA("", ",'unlisted':'drop'"), &data), MRQ_BAD_FILE,
                 "s.json: items.unlisted: \"drop\", want one of refuse, take");
    assert_fails(load_as(SCHEMA(",'unlisted':'take'", ""), &data), MRQ_BAD_FILE, "s.json: events.unlisted: unknown key");
}

/* Files that are joined, lists and lines of JSON leave out, too. */
static void other_formats_leave_out(void **state)
{
    (void)state;
    mrq_dataset *data;
    put("l", "u 1 2\nv\xff 3\nw 1 \x01 3\n");
    assert_ok(load_most("{'name':'s','events':{'file':'l','format':'lists','delimiter':' '}}", 0.5, NULL, &data));
    assert_string_equal(events_of(data), "u 1 1, u 2 1, w 1 1, w 3 1");
    assert_true(bad.all.left_out[MRQ_BAD_BYTES] == 1 && bad.all.left_out[MRQ_BAD_ID] == 1);
    mrq_dataset_free(data);
    put("j", "{\"u\":\"a\",\"i\":1}\n{\"u\":\"b\"}\n{\"u\":\n{\"u\":\"c\",\"i\":2}\n");
    assert_ok(load_most("{'name':'s','events':{'file':'j','format':'json-lines','fields':[{'name':'user','kind':'id','column':'u'},"
                        "{'name':'item','kind':'id','column':'i'}]}}",
                        0.5, NULL, &data));
    assert_string_equal(events_of(data), "a 1 1, c 2 1");
    assert_int_equal(bad.all.left_out[MRQ_BAD_JSON], 2);
    mrq_dataset_free(data);
    put("e", "u,1\nu,2\n");
    put("t", "1,x\n2,\"y\n2,z\n,z\n");
    assert_ok(
        load_most("{'name':'s','items':{'join':[{'file':'t','delimiter':',','quoted':true,'fields':[{'name':'id','kind':'id'},"
                  "{'name':'tag','kind':'category'}]}]},'events':{'file':'e','delimiter':',','fields':"
                  "[{'name':'user','kind':'id'},{'name':'item','kind':'id'}]}}",
                  0.5, NULL, &data));
    assert_true(bad.all.left_out[MRQ_BAD_QUOTES] == 1 && bad.all.left_out[MRQ_BAD_ID] == 1);
    const mrq_column *tag = mrq_table_column(data->items, "tag");
    assert_string_equal(mrq_strings_at(&tag->dict, tag->code[1]), "z");
    mrq_dataset_free(data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_reason_is_left_out_and_told),
        cmocka_unit_test(bytes_outside_the_encoding_are_rows),
        cmocka_unit_test(the_share_is_of_each_files_rows),
        cmocka_unit_test(broken_quotes_end_soon),
        cmocka_unit_test(the_list_has_a_thousand),
        cmocka_unit_test(the_list_replaces_nothing_else),
        cmocka_unit_test(shares_are_read),
        cmocka_unit_test(unlisted_items_are_taken),
        cmocka_unit_test(other_formats_leave_out),
    };
    snprintf(folder, sizeof folder, "%s", temporary_folder());
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    mrq_bad_clear(&bad);
    temporary_remove(folder);
    return failed;
}
