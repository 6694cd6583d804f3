/* Lines of JSON: paths, escapes, numbers, lists, and what is refused, to the letter. */
#include "unit/load_as.h"

#include <math.h>

#define EVENTS(keys)                                                                                                               \
    "{'name':'s','events':{'file':'e','format':'json-lines'" keys ",'fields':["                                                    \
    "{'name':'user','kind':'id','column':'user.id'},{'name':'item','kind':'id','column':'asin'},"                                  \
    "{'name':'stars','kind':'rating','column':'overall'}]}}"

static void members_are_found_by_paths(void **state)
{
    (void)state;
    put("e", "\xef\xbb\xbf{\"user\": {\"id\": \"u1\", \"x\": [1, {\"id\": 2}]}, \"asin\": \"a\", \"overall\": 5.0}\n"
             "\n \t\r\n"
             "{\"overall\":-1.5e1,\"asin\":7,\"more\":{\"id\":\"no\",\"asin\":[[]]},\"user\":{\"name\":null,\"id\":12}}\r\n"
             "  { \"as\\u0069n\" : \"b\\\"\\\\\\/ c\" , \"user.id\" : \"\\u00e9\\uD83D\\uDE00\xc3\xa9\" , \"overall\" : 0 }  \n\n");
    mrq_dataset *data = load(EVENTS(""));
    assert_string_equal(events_of(data), "u1 a 5, 12 7 -15, \xc3\xa9\xf0\x9f\x98\x80\xc3\xa9 b\"\\/ c 0");
    mrq_dataset_free(data);
    put("e", "{\"user\":{\"id\":true},\"asin\":false,\"overall\":1}"); /* no line end */
    data = load(EVENTS(""));
    assert_string_equal(events_of(data), "true false 1");
    mrq_dataset_free(data);
}

#define LINE(members) "{\"user\":{\"id\":\"u\"},\"asin\":\"a\",\"overall\":1" members "}"

static void what_is_no_json_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *line, *want;
    } cases[] = {
        {"7,a,1", "e:2: want one object a line, such as {\"user\": \"7\", \"item\": \"9\"}"},
        {"[" LINE("") "]", "e:2: want one object a line"},
        {"{", "e:2: byte 2: the line ends inside an object"},
        {"{\"a\"", "e:2: byte 5: want a colon behind a member's name"},
        {"{\"a\" 1}", "e:2: byte 6: want a colon behind a member's name"},
        {"{\"a\":", "e:2: byte 6: the line ends where a value should be"},
        {"{\"a\":}", "e:2: byte 6: want a value: a text in double quotes, a number, true, false, null, an object or a list"},
        {"{\"a\":1", "e:2: byte 7: the line ends inside an object"},
        {"{\"a\":true", "e:2: byte 10: the line ends inside an object"},
        {"{\"a\":false", "e:2: byte 11: the line ends inside an object"},
        {"{\"a\":null", "e:2: byte 10: the line ends inside an object"},
        {"{\"a\":1,", "e:2: byte 8: the line ends inside an object"},
        {"{\"a\":1,}", "e:2: byte 8: want a member's name in double quotes"},
        {"{,\"a\":1}", "e:2: byte 2: want a member's name in double quotes"},
        {"{'a':1}", "e:2: byte 2: want a member's name in double quotes"},
        {"{\"a\":1 \"b\":2}", "e:2: byte 8: want a comma or } behind a member"},
        {"{\"a\":[1 2]}", "e:2: byte 9: want a comma or ] behind an element"},
        {"{\"a\":[1,]}", "e:2: byte 9: want a value"},
        {"{\"a\":[1", "e:2: byte 8: the line ends inside a list"},
        {"{\"a\":[}", "e:2: byte 7: want a value"},
        {"{\"a\":\"x}", "e:2: byte 9: the line ends inside a text"},
        {"{\"a\":\"x\ty\"}", "e:2: byte 8: a control character, which a text must escape"},
        {"{\"a\":\"\\x\"}", "e:2: byte 7: an escape that JSON does not have"},
        {"{\"a\":\"\\u12g4\"}", "e:2: byte 7: want four hexadecimal digits behind \\u"},
        {"{\"a\":\"12345678\xff\"}", "e:2: byte 15: a byte that is not valid UTF-8"},
        {"{\"a\":\"\xc3", "e:2: byte 7: a byte that is not valid UTF-8"},
        {"{\"a\":tru}", "e:2: byte 6: want a value"},
        {"{\"a\":truex}", "e:2: byte 10: want a comma or } behind a member"},
        {"{\"a\":NaN}", "e:2: byte 6: want a value"},
        {"{\"a\":-}", "e:2: byte 6: want a value"},
        {"{\"a\":01}", "e:2: byte 6: want a value"},
        {"{\"a\":+1}", "e:2: byte 6: want a value"},
        {"{\"a\":.5}", "e:2: byte 6: want a value"},
        {"{\"a\":5.}", "e:2: byte 6: want a value"},
        {"{\"a\":1e}", "e:2: byte 6: want a value"},
        {"{\"a\":1e+}", "e:2: byte 6: want a value"},
        {"{\"a\":0x1}", "e:2: byte 7: want a comma or } behind a member"},
        {LINE("") " x", "e:2: byte 44: text behind the object"},
        {LINE("") LINE(""), "e:2: byte 43: text behind the object"},
        {LINE(",\"asin\":\"b\""), "e:2: the name \"asin\" stands twice in an object"},
        {LINE(",\"user\":{}"), "e:2: the name \"user\" stands twice in an object"},
        {LINE(",\"user.id\":3"), "e:2: \"user.id\" stands there twice, as a path and as a name"},
        {"{\"user\":{\"id\":1,\"id\":2}}", "e:2: the name \"id\" stands twice in an object"},
        {"{\"user\":{\"id\":{}}}", "e:2: \"user.id\" is an object, want a text or a number"},
        {"{\"user\":{\"id\":[1]}}", "e:2: \"user.id\" is a list, want a text or a number"},
        {"{\"user\":{\"id\":\"\\u0000\"}}", "e:2: byte 16: a NUL, \\u0000"},
        {"{\"user\":{\"id\":\"\\ud800\"}}", "e:2: byte 16: half of a surrogate pair"},
        {"{\"user\":{\"id\":\"\\ud800\\ud800\"}}", "e:2: byte 16: half of a surrogate pair"},
        {"{\"user\":{\"id\":\"\\ud800\\n1234\"}}", "e:2: byte 16: half of a surrogate pair"},
        {"{\"user\":{\"id\":\"\\udfff\"}}", "e:2: byte 16: half of a surrogate pair"},
        {"{\"asin\":\"a\"}", "e:2: no \"user.id\", which is the user"},
        {"{\"user\":7,\"asin\":\"a\"}", "e:2: no \"user.id\", which is the user"},
        {"{\"user\":{\"id\":7}}", "e:2: no \"asin\", which is the item"},
        {"{\"user\":{\"id\":7},\"asin\":null}", "e:2: rating \"\", want a number"},
        {"{\"user\":{\"id\":7},\"asin\":null,\"overall\":1}", "e:2: item \"\", want an id"},
        {"{\"user\":{\"id\":\"a\\nb\"},\"asin\":1,\"overall\":1}", "e:2: user \"a\\x0ab\", want an id"},
        {"{\"user\":{\"id\":7},\"asin\":1,\"overall\":1e400}", "e:2: rating 1e400, want -1000000000 to 1000000000"},
        {"{\"user\":{\"id\":7},\"asin\":1,\"overall\":true}", "e:2: rating \"true\", want a number"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        mrq_dataset *data;
        char text[600];
        const int size = snprintf(text, sizeof text, "%s\n%s\n", LINE(""), cases[i].line);
        put_bytes("e", text, (size_t)size);
        assert_fails(load_as(EVENTS(""), &data), MRQ_BAD_FILE, cases[i].want);
        put_bytes("e", text, (size_t)size - 1); /* no line end */
        assert_fails(load_as(EVENTS(""), &data), MRQ_BAD_FILE, cases[i].want);
    }
    mrq_dataset *data;
    put_bytes("e", "{\"a\":\"x\0y\"}\n", 12);
    assert_fails(load_as(EVENTS(""), &data), MRQ_BAD_FILE, "e:1: byte 8: a NUL byte");
    put_bytes("e", "{\"a\"\0:1}\n", 9);
    assert_fails(load_as(EVENTS(""), &data), MRQ_BAD_FILE, "e:1: byte 5: want a colon");
    put_bytes("e", LINE("") "\n\0", 45);
    assert_fails(load_as(EVENTS(""), &data), MRQ_BAD_FILE, "e:2: want one object a line");
    put("e", LINE("") "\n" LINE("") "\r" LINE("") "\n");
    assert_fails(load_as(EVENTS(""), &data), MRQ_BAD_FILE, "e:2: byte 44: text behind the object");
    put("e", "\n");
    assert_fails(load_as(EVENTS(""), &data), MRQ_BAD_FILE, "e: no rows");
}

/* "{"x":[[...]]," with `depth` lists, then the members. */
static void put_deep(int depth, const char *open, const char *close)
{
    static char text[9000];
    size_t n = (size_t)snprintf(text, sizeof text, "%s\n{\"x\":", LINE(""));
    for (int i = 0; i < 2 * depth; i++)
        n += (size_t)snprintf(text + n, sizeof text - n, "%s%s", i == depth ? "1" : "", i < depth ? open : close);
    snprintf(text + n, sizeof text - n, ",%s\n", &LINE("")[1]);
    put("e", text);
}

/* Texts are looked through eight bytes at a time: what may not stand in one is found at each place, whatever stands around. */
static void a_byte_that_must_be_escaped_is_found_at_each_place(void **state)
{
    (void)state;
    static const char *const around[] = {"00000000000000000", "zzzzzzzzzzzzzzzzz", "                 "};
    for (size_t a = 0; a < sizeof around / sizeof *around; a++)
        for (size_t at = 0; at < 17; at++)
            for (int c = 1; c < 0x20; c++) {
                char line[100], want[100];
                mrq_dataset *data = NULL;
                if (c == '\n')
                    continue;
                snprintf(line, sizeof line, "{\"a\":\"%s\"}\n", around[a]);
                line[6 + at] = (char)c;
                snprintf(want, sizeof want, "e:1: byte %zu: a control character, which a text must escape", 7 + at);
                put("e", line);
                assert_fails(load_as(EVENTS(""), &data), MRQ_BAD_FILE, want);
            }
}

static void depth_is_limited(void **state)
{
    (void)state;
    mrq_dataset *data;
    put_deep(63, "[", "]"); /* and the object of the line */
    data = load(EVENTS(""));
    assert_int_equal(data->n, 1);
    mrq_dataset_free(data);
    put_deep(63, "{\"y\":", "}");
    data = load(EVENTS(""));
    mrq_dataset_free(data);
    put_deep(64, "[", "]");
    assert_fails(load_as(EVENTS(""), &data), MRQ_BAD_FILE, "e:2: byte 70: more than 64 objects and lists in each other");
    put_deep(64, "{\"y\":", "}");
    assert_fails(load_as(EVENTS(""), &data), MRQ_BAD_FILE, "e:2: byte 322: more than 64 objects and lists in each other");
    put_deep(1000, "[", "]");
    assert_fails(load_as(EVENTS(""), &data), MRQ_BAD_FILE, "e:2: byte 70: more than 64 objects and lists in each other");
}

static void ids_have_a_limit(void **state)
{
    (void)state;
    char text[400], id[300];
    mrq_dataset *data;
    for (int size = 255; size <= 256; size++) {
        memset(id, 'x', (size_t)size);
        id[size] = '\0';
        snprintf(text, sizeof text, "{\"user\":{\"id\":\"%s\"},\"asin\":1,\"overall\":1}\n", id);
        put("e", text);
        if (size == 255) {
            data = load(EVENTS(""));
            assert_string_equal(mrq_table_id(data->users, 0), id);
            mrq_dataset_free(data);
        } else {
            assert_fails(load_as(EVENTS(""), &data), MRQ_BAD_FILE, "xxx\"..., want an id: 1 to 255 bytes of UTF-8");
        }
    }
}

#define TABLES                                                                                                                     \
    "{'name':'s','items':{'file':'i','format':'json-lines','null':['N/A'],'fields':[{'name':'id','kind':'id','column':'id'},"      \
    "{'name':'title','kind':'text','column':'about.title'},{'name':'price','kind':'number','column':'price'},"                     \
    "{'name':'brand','kind':'category','column':'about.brand'},{'name':'genres','kind':'set','column':'genres'},"                  \
    "{'name':'tags','kind':'set','column':'tags','delimiter':','}]},"                                                              \
    "'events':{'file':'e','delimiter':' ','fields':[{'name':'user','kind':'id'},{'name':'item','kind':'id'}]}}"

static const char *members(const mrq_table *table, const char *name, uint32_t row)
{
    static char text[200];
    const mrq_column *column = mrq_table_column(table, name);
    size_t n = 0;
    *text = '\0';
    for (uint64_t i = column->list.offset[row]; i < column->list.offset[row + 1]; i++)
        n += (size_t)snprintf(text + n, sizeof text - n, "%s%s", n ? "/" : "", mrq_strings_at(&column->dict, column->list.item[i]));
    return text;
}

static void tables_have_sets_and_unknown_values(void **state)
{
    (void)state;
    put("e", "u 1\n");
    put("i", "{\"id\":\"3\",\"about\":{\"title\":\"A \\\"b\\\"\\n\\tc\",\"brand\":\"X, Y\"},\"price\":1.50,"
             "\"genres\":[\"Drama, or\",\"War\",3,true,null,\"\",\" War \",\"na\\u00efve\"],\"tags\":[\"a,b\",\"c\"]}\n\n"
             "{\"id\":2,\"price\":null,\"genres\":[],\"tags\":\"x, y\"}\n"
             "{\"id\":1,\"about\":{\"title\":\"N/A\",\"brand\":null},\"genres\":\"War, or\",\"price\":\"N/A\",\"tags\":\"N/A\"}\n");
    mrq_dataset *data = load(TABLES);
    const mrq_table *items = data->items;
    const mrq_column *price = mrq_table_column(items, "price"), *brand = mrq_table_column(items, "brand");
    assert_int_equal(items->rows, 3);
    assert_string_equal(mrq_strings_at(&mrq_table_column(items, "title")->text, 2), "A \"b\"  c");
    assert_string_equal(mrq_strings_at(&mrq_table_column(items, "title")->text, 1), "");
    assert_true(isnan(price->number[0]) && isnan(price->number[1]) && price->number[2] == 1.5);
    assert_string_equal(mrq_strings_at(&brand->dict, brand->code[2]), "X, Y");
    assert_string_equal(mrq_strings_at(&brand->dict, brand->code[0]), "unknown");
    assert_string_equal(members(items, "genres", 2), "3/Drama, or/War/na\xc3\xafve/true");
    assert_string_equal(members(items, "genres", 1), "");
    assert_string_equal(members(items, "genres", 0), "War, or");
    assert_string_equal(members(items, "tags", 2), "a,b/c");
    assert_string_equal(members(items, "tags", 1), "x/y");
    assert_string_equal(members(items, "tags", 0), "");
    mrq_dataset_free(data);
    static const struct {
        const char *line, *want;
    } cases[] = {
        {"{\"id\":1,\"genres\":[[1]]}", "i:1: \"genres\": a list that holds lists, want texts and numbers"},
        {"{\"id\":1,\"genres\":[\"a\",{}]}", "i:1: \"genres\": a list that holds objects, want texts and numbers"},
        {"{\"id\":1,\"genres\":{}}", "i:1: \"genres\" is an object, want a text or a number"},
        {"{\"id\":1,\"genres\":[\"a\"", "i:1: byte 22: the line ends inside a list"},
        {"{\"id\":1,\"genres\":[\"\\ud8ff\"]}", "i:1: byte 20: half of a surrogate pair"},
        {"{\"id\":1,\"genres\":[\" \"]}", "i:1: genres \" \\x00\", want no empty member"},
        {"{\"id\":1,\"about\":{\"title\":[\"x\"]}}", "i:1: \"about.title\" is a list, want a text or a number"},
        {"{\"id\":1}\n{\"id\":\"1\"}", "i:2: id 1 is already in line 1"},
        {"{\"price\":1}", "i:1: no \"id\", which is the id"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        put("i", cases[i].line);
        assert_fails(load_as(TABLES, &data), MRQ_BAD_FILE, cases[i].want);
    }
}

/* A file that is cut anywhere is refused, unless only its line end is gone. */
static void every_truncation_is_refused(void **state)
{
    (void)state;
    static const char text[] = LINE(",\"x\":[1,{\"y\":\"\\u00e9\\uD83D\\uDE00\"},-1.5e+3,null]") "\n";
    for (size_t size = 0; size < sizeof text; size++) {
        mrq_dataset *data = NULL;
        put_bytes("e", text, size);
        const mrq_status status = load_as(EVENTS(""), &data);
        assert_int_equal(status, size < sizeof text - 2 ? MRQ_BAD_FILE : MRQ_OK);
        mrq_dataset_free(data);
    }
}

static void schemas_are_checked(void **state)
{
    (void)state;
    static const struct {
        const char *schema, *want;
    } cases[] = {
        {EVENTS(",'delimiter':','"), "s.json: events.delimiter: format \"json-lines\" has none; leave it out"},
        {EVENTS(",'header':true"), "s.json: events.header: format \"json-lines\" has none; leave it out"},
        {EVENTS(",'quoted':true"), "s.json: events.quoted: format \"json-lines\" has none; leave it out"},
        {"{'name':'s','events':{'file':'e','format':'json-lines','fields':[{'name':'user','kind':'id'}]}}",
         "s.json: events.fields[0].column: missing: the member that it is, such as \"user.id\""},
        {"{'name':'s','events':{'file':'e','format':'json','fields':[]}}", "\"json\", want one of delimited, lists, json-lines"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        mrq_dataset *data;
        assert_fails(load_as(cases[i].schema, &data), MRQ_BAD_FILE, cases[i].want);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(members_are_found_by_paths),
        cmocka_unit_test(what_is_no_json_is_refused),
        cmocka_unit_test(a_byte_that_must_be_escaped_is_found_at_each_place),
        cmocka_unit_test(depth_is_limited),
        cmocka_unit_test(ids_have_a_limit),
        cmocka_unit_test(tables_have_sets_and_unknown_values),
        cmocka_unit_test(every_truncation_is_refused),
        cmocka_unit_test(schemas_are_checked),
    };
    snprintf(folder, sizeof folder, "%s", temporary_folder());
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    temporary_remove(folder);
    return failed;
}
