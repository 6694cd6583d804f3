/* Matrices: a line is a user, a column an item, a cell a value or none. */
#include "unit/load_as.h"

#define MATRIX(keys, fields) "{'name':'s','events':{'file':'e','format':'matrix','delimiter':','" keys ",'fields':[" fields "]}}"
#define RATING               "{'name':'stars','kind':'rating','min':-10,'max':10}"
#define USER                 "{'name':'user','kind':'id'},"
#define IGNORE               "{'kind':'ignore'},"

static void cells_are_events(void **state)
{
    (void)state;
    static const struct {
        const char *schema, *text, *want;
    } cases[] = {
        /* as Jester's: how many there are, then the values */
        {MATRIX(",'none':'99'", IGNORE RATING), "2,-7.82,99,10\n0,99,99,99\r\n1,99,0,99", "1 1 -7.82, 1 3 10, 3 2 0"},
        {MATRIX(",'header':true", USER RATING), "who,Film a,b\nann,,3\nbob,4,\n\n", "ann b 3, bob Film a 4"},
        {MATRIX(",'header':true,'none':'0'", IGNORE USER RATING), "n,u,x\n7,ann,0\n8,bob,1\n9,ann,2\n", "bob x 1, ann x 2"},
        {MATRIX("", RATING), "1,,2\n,3,\n", "1 1 1, 1 3 2, 2 2 3"},
        {MATRIX(",'null':['-','?']", RATING), "-,1\n?,2\n", "1 2 1, 2 2 2"},
        {MATRIX(",'header':true,'quoted':true", USER RATING), "\"\",\"Film, \"\"a\"\"\",\"b\nc\"\n\"an\"\"n\n\",\"1\",2\n", NULL},
        {MATRIX(",'header':true,'quoted':true", USER RATING), "\"\",\"Film, \"\"a\"\"\",\"b\"\n\"a\"\"n\",\"1\",2\n",
         "a\"n Film, \"a\" 1, a\"n b 2"},
        {MATRIX(",'header':true,'quoted':true,'escape':'\\\\'", USER RATING), "u,\"Film \\\"a\\\"\"\nx,1\n", "x Film \"a\" 1"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        mrq_dataset *data = NULL;
        put("e", cases[i].text);
        if (!cases[i].want) {
            assert_fails(load_as(cases[i].schema, &data), MRQ_BAD_FILE,
                         "e:1: column 3 of the header: \"b\\x0ac\", want the id of an item: 1 to 255 bytes");
            continue;
        }
        assert_ok(load_as(cases[i].schema, &data));
        assert_string_equal(events_of(data), cases[i].want);
        mrq_dataset_free(data);
    }
}

/* More columns than a record has fields. */
static void columns_may_be_many(void **state)
{
    (void)state;
    static char text[20000];
    size_t n = 0;
    for (int line = 0; line < 2; line++)
        for (int i = 0; i < 3000; i++)
            n += (size_t)snprintf(text + n, sizeof text - n, "%s%s", i % 500 ? "" : "2", i < 2999 ? "," : "\n");
    put("e", text);
    mrq_dataset *data = load(MATRIX("", RATING));
    assert_int_equal(data->n, 12);
    assert_int_equal(data->items->rows, 6);
    assert_string_equal(mrq_table_id(data->items, 5), "2501");
    mrq_dataset_free(data);
}

static void what_does_not_fit_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *schema, *text, *want;
    } cases[] = {
        {MATRIX("", RATING), "1,2\n1\n", "e:2: 1 column, want 2, as many as the first line has"},
        {MATRIX("", RATING), "1,2\n1,2,3\n", "e:2: 3 columns, want 2, as many as the first line has"},
        {MATRIX(",'header':true", USER RATING), "u,a,b\nx,1\n", "e:2: 2 columns, want 3, as many as the header has"},
        {MATRIX(",'header':true", USER RATING), "u,a,b\nx\n", "e:2: 1 column, want 3, as many as the header has"},
        {MATRIX("", USER IGNORE RATING), "x\n", "e:1: 1 column, want those of items behind the first 2"},
        {MATRIX("", USER RATING), "x\n", "e:1: 1 column, want those of items behind the first 1"},
        {MATRIX(",'header':true", USER RATING), "u,a,a\n", "e:1: the header has two columns \"a\""},
        {MATRIX(",'header':true", USER RATING), "u,a,\n", "e:1: column 3 of the header: \"\", want the id of an item"},
        {MATRIX(",'header':true", USER RATING), "u\n", "e:1: the header has no column of an item"},
        {MATRIX(",'header':true", USER RATING), "", "e:1: the header has no column of an item"},
        {MATRIX("", RATING), "", "e: no rows"},
        {MATRIX("", RATING), ",\n,\n", "e: no rows"},
        {MATRIX("", RATING), "1,2\n\n1,2\n", "e:2: 1 column, want 2"},
        {MATRIX("", RATING), "1,2\n3,11\n", "e:2: rating 11, want -10 to 10"},
        {MATRIX(",'none':'99'", RATING), "1,2\n3,99.0\n", "e:2: rating 99.0, want -10 to 10"},
        {MATRIX("", USER RATING), "u,1\n,1\n", "e:2: user \"\", want an id"},
        {MATRIX("", RATING), "1,\xff\n", "e:1: the byte \\xff is not valid UTF-8"},
        {MATRIX(",'quoted':true", RATING), "1,\"\n\",2\n", "e:1: rating \"\\x0a\", want -10 to 10"},
        {MATRIX(",'quoted':true", RATING), "1,\"2\n", "e:1: the quote before \"2\\x0a\" is never closed"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        mrq_dataset *data = NULL;
        put("e", cases[i].text);
        assert_fails(load_as(cases[i].schema, &data), MRQ_BAD_FILE, cases[i].want);
    }
}

static void schemas_are_checked(void **state)
{
    (void)state;
    static const struct {
        const char *schema, *want;
    } cases[] = {
        {MATRIX("", "{'name':'user','kind':'id','column':'u'}," RATING),
         "events.fields[1].column: some fields of the file have one"},
        {MATRIX("", "{'name':'r','kind':'rating','column':'u'}"),
         "events.fields[0].column: columns of a matrix are found by place"},
        {MATRIX("", USER "{'name':'item','kind':'id'}," RATING),
         "events.fields[1]: want columns of kind ignore or the id \"user\","},
        {MATRIX("", "{'name':'user','kind':'id'}"),
         "events.fields[0]: want columns of kind ignore or the id \"user\", and last the value, which all other"},
        {MATRIX("", RATING "," IGNORE RATING), "events.fields[0]: want columns of kind ignore or the id \"user\""},
        {MATRIX("", "{'name':'at','kind':'timestamp'}," RATING), "events.fields[0]: want columns of kind ignore"},
        {MATRIX(",'none':5", RATING), "events.none: 5, want a string"},
        {"{'name':'s','events':{'file':'e','format':'matrix','fields':[" RATING "]}}", "events.delimiter: missing"},
        {"{'name':'s','events':{'file':'e','delimiter':',','none':'99','fields':[]}}",
         "events.none: format \"delimited\" has none; leave it out"},
        {"{'name':'s','events':{'file':'e','delimiter':',','fields':[" USER "{'name':'item','kind':'id'}]},"
         "'items':{'file':'i','format':'matrix','delimiter':',','fields':[" RATING "]}}",
         "items.format: \"matrix\" is for events alone"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        mrq_dataset *data;
        assert_fails(load_as(cases[i].schema, &data), MRQ_BAD_FILE, cases[i].want);
    }
}

/* Cut anywhere a matrix is refused, unless only whole lines, digits of the last cell or all of it are gone. */
static void every_truncation_is_read_or_refused(void **state)
{
    (void)state;
    static const char text[] = "u,a,\"b\"\n\"x\",1,-2.5\ny,,10\n";
    for (size_t size = 0; size < sizeof text; size++) {
        mrq_dataset *data = NULL;
        put_bytes("e", text, size);
        const mrq_status status = load_as(MATRIX(",'header':true,'quoted':true", USER RATING), &data);
        const bool good = size == 14 || (size >= 16 && size <= 19) || size >= 22;
        if ((status == MRQ_OK) != good)
            fail_msg("%zu bytes: %s", size, err.msg);
        mrq_dataset_free(data);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cells_are_events),
        cmocka_unit_test(columns_may_be_many),
        cmocka_unit_test(what_does_not_fit_is_refused),
        cmocka_unit_test(schemas_are_checked),
        cmocka_unit_test(every_truncation_is_read_or_refused),
    };
    snprintf(folder, sizeof folder, "%s", temporary_folder());
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    temporary_remove(folder);
    return failed;
}
