/* Tables whose columns stand in several files, joined by id. */
#include "testing.h"

#include <math.h>

#include "dataset/dataset.h"
#include "unit/put_files.h"

#define EVENT_FIELDS          "[{'name':'user','kind':'id'},{'name':'item','kind':'id'}]"
#define EVENTS                "'events':{'file':'e','delimiter':',','fields':" EVENT_FIELDS "}}"
#define FILE_OF(file, fields) "{'file':'" file "','delimiter':',','fields':[{'name':'id','kind':'id'}" fields "]}"
#define FIELD(name, kind)     ",{'name':'" name "','kind':'" kind "'}"
#define ITEMS(more)                                                                                                                \
    "{'name':'s','items':{'file':'i','delimiter':',','fields':[{'name':'id','kind':'id'}" FIELD("title", "text") "]" more "},"
#define JOIN(files) ",'join':[" files "]"

/* ' stands for ". */
static mrq_status load_as(const char *quoted, mrq_dataset **out)
{
    MRQ_AUTOFREE char *schema = mrq_array(strlen(quoted) + 1, 1);
    MRQ_CLEANUP(mrq_schema_free) mrq_schema *parsed = NULL;
    for (size_t i = 0; quoted[i]; i++)
        schema[i] = quoted[i] == '\'' ? '"' : quoted[i];
    err = (mrq_error){0};
    *out = NULL;
    MRQ_TRY(mrq_schema_parse(schema, strlen(schema), "s.json", &parsed, &err));
    return mrq_dataset_load(folder, parsed, out, &err);
}

/* "a: noir|old, b: , c: new": the members of a set. */
static const char *sets_of(const mrq_table *table, const char *name)
{
    static char text[400];
    size_t used = 0;
    const mrq_column *column = mrq_table_column(table, name);
    assert_non_null(column);
    assert_int_equal(column->kind, MRQ_SET);
    for (uint32_t row = 0; row < table->rows; row++) {
        used += (size_t)snprintf(text + used, sizeof text - used, "%s%s: ", row ? ", " : "", mrq_table_id(table, row));
        for (uint64_t i = column->list.offset[row]; i < column->list.offset[row + 1]; i++)
            used += (size_t)snprintf(text + used, sizeof text - used, "%s%s", i > column->list.offset[row] ? "|" : "",
                                     mrq_strings_at(&column->dict, column->list.item[i]));
    }
    return text;
}

static const char *value_of(const mrq_table *table, const char *name, uint32_t row)
{
    const mrq_column *column = mrq_table_column(table, name);
    assert_non_null(column);
    return mrq_strings_at(&column->dict, column->code[row]);
}

static void columns_come_from_several_files(void **state)
{
    (void)state;
    put("e", "u1,a\nu2,b\nu2,c\n");
    put("i", "c,Third\na,First\nb,Second\n");
    put("tags", "b,old\na,noir\nx,lost\na,old\na,noir\nc,new\n");
    put("more", "c,7.5,Mary\na,,Tom\n");
    put("people", "u2,31\nu9,12\n");
    mrq_dataset *data;
    assert_ok(load_as(
        "{'name':'s','users':{'join':[" FILE_OF(
            "people", FIELD("age", "number")) "]},'items':{'file':'i','delimiter':',',"
                                              "'fields':[{'name':'id','kind':'id'}" FIELD("title", "text") "]" JOIN(
                                                  FILE_OF("tags", FIELD("tags", "set")) "," FILE_OF(
                                                      "more", FIELD("price", "number") FIELD("author", "category"))) "}," EVENTS,
        &data));
    assert_string_equal(sets_of(data->items, "tags"), "a: noir|old, b: old, c: new");
    assert_int_equal(mrq_table_column(data->items, "tags")->dict.n, 3); /* what is lost is in no dictionary */
    const mrq_column *price = mrq_table_column(data->items, "price");
    assert_true(isnan(price->number[0]) && isnan(price->number[1]) && price->number[2] == 7.5);
    assert_string_equal(value_of(data->items, "author", 0), "Tom");
    assert_string_equal(value_of(data->items, "author", 1), "unknown");
    assert_string_equal(value_of(data->items, "author", 2), "Mary");
    assert_string_equal(mrq_strings_at(&mrq_table_column(data->items, "title")->text, 2), "Third");
    assert_int_equal(data->users->rows, 2); /* of the events, without u9 */
    assert_string_equal(value_of(data->users, "age", 0), "unknown");
    assert_string_equal(value_of(data->users, "age", 1), "31");
    const uint64_t fingerprint = data->fingerprint;
    mrq_dataset_free(data);
    put("tags", "b,old\na,noir\nx,lost\na,old\na,noir\nc,now\n");
    assert_ok(load_as(ITEMS(JOIN(FILE_OF("tags", FIELD("tags", "set")))) EVENTS, &data));
    assert_true(data->fingerprint != fingerprint);
    mrq_dataset_free(data);
}

/* Members of one row, and of several; texts of items that have none. */
static void a_set_may_have_a_delimiter_too(void **state)
{
    (void)state;
    put("e", "u1,a\nu2,b\nu2,c\n");
    put("tags", "b,old|new\nb, new | red\na,\n");
    put("names", "b,The Name (1980)\n");
    mrq_dataset *data;
    assert_ok(load_as("{'name':'s','items':{'join':[{'file':'tags','delimiter':',','fields':[{'name':'id','kind':'id'},"
                      "{'name':'tags','kind':'set','delimiter':'|'}]}," FILE_OF(
                          "names", ",{'name':'name','kind':'text','extract':{'year':' \\\\(([0-9]+)\\\\)'}}") "]}," EVENTS,
                      &data));
    assert_string_equal(sets_of(data->items, "tags"), "a: , b: new|old|red, c: ");
    const mrq_column *year = mrq_table_column(data->items, "year"), *name = mrq_table_column(data->items, "name");
    assert_true(isnan(year->number[0]) && year->number[1] == 1980 && isnan(year->number[2]));
    assert_string_equal(mrq_strings_at(&name->text, 0), "");
    assert_string_equal(mrq_strings_at(&name->text, 1), "The Name (1980)");
    assert_int_equal(name->list.offset[3], 2);
    mrq_dataset_free(data);
}

/* An id of `size` bytes and the rest of the line. */
static const char *long_id(int size)
{
    static char text[400];
    snprintf(text, sizeof text, "%0*d,x\na,old\n", size, 7);
    return text;
}

static void joined_files_are_refused_with_a_reason(void **state)
{
    (void)state;
    const struct {
        const char *joined; /* content of the file j, or NULL: there is none */
        const char *schema;
        mrq_status status;
        const char *message;
    } cases[] = {
        {"b,red\na,old\n\nb,x\n", ITEMS(JOIN(FILE_OF("j", FIELD("c", "category")))), MRQ_BAD_FILE, "j:3: 1 field, want 2"},
        {"b,red\na,old\nb,x\n", ITEMS(JOIN(FILE_OF("j", FIELD("c", "category")))), MRQ_BAD_FILE,
         "j:3: id \"b\" is already in j:1; where an id has several rows, c must be of kind set"},
        {"b,1\nb,2\n", ITEMS(JOIN(FILE_OF("j", FIELD("n", "number")))), MRQ_BAD_FILE,
         "j:2: id \"b\" is already in j:1; where an id has several rows, n must be of kind set"},
        {"x,1\ny,2\n", ITEMS(JOIN(FILE_OF("j", FIELD("n", "number")))), MRQ_BAD_FILE,
         "j: none of its 2 rows has an id of the 3 items, want ids such as \"a\""},
        {"", ITEMS(JOIN(FILE_OF("j", FIELD("n", "number")))), MRQ_BAD_FILE, "j: no rows"},
        {"b,\"\n", ITEMS(JOIN(FILE_OF("j", FIELD("n", "number")))), MRQ_BAD_FILE, "j:1: n \"\"\", want a number or nothing"},
        {NULL, ITEMS(JOIN(FILE_OF("j", FIELD("n", "number")))), MRQ_NOT_FOUND, "j: No such file or directory"},
        {"", ITEMS(",'join':{}"), MRQ_BAD_FILE, "s.json: items.join: {}, want an array"},
        {"", ITEMS(",'join':[]"), MRQ_BAD_FILE, "s.json: items.join: 0 files, want 1 to 16"},
        {"", ITEMS(",'join':[7]"), MRQ_BAD_FILE, "s.json: items.join[0]: want an object"},
        {"", ITEMS(JOIN(FILE_OF("j", ""))), MRQ_BAD_FILE, "s.json: items.join[0].fields: want an id and at least one column"},
        {"", ITEMS(JOIN(FILE_OF("j", FIELD("title", "set")))), MRQ_BAD_FILE,
         "s.json: items.join[0].fields[1]: a second column \"title\""},
        {"", ITEMS(JOIN(FILE_OF("j", FIELD("t", "set")) "," FILE_OF("k", FIELD("n", "number") FIELD("t", "set")))), MRQ_BAD_FILE,
         "s.json: items.join[1].fields[2]: a second column \"t\""},
        {"", ITEMS(JOIN("{'join':[]}")), MRQ_BAD_FILE, "s.json: items.join[0].join: unknown key, want one of file, format"},
        {"", "{'name':'s','items':{'join':[" FILE_OF("j", FIELD("t", "set")) "],'header':true},", MRQ_BAD_FILE,
         "s.json: items.header: unknown key, want one of join"},
    };
    put("e", "u1,a\nu2,b\nu2,c\n");
    put("i", "c,Third\na,First\nb,Second\n");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char path[400], schema[2000];
        snprintf(path, sizeof path, "%s/j", folder);
        remove(path);
        if (cases[i].joined)
            put("j", cases[i].joined);
        snprintf(schema, sizeof schema, "%s%s", cases[i].schema, EVENTS);
        mrq_dataset *data;
        assert_fails(load_as(schema, &data), cases[i].status, cases[i].message);
    }
    mrq_dataset *data;
    put("j", long_id(256));
    assert_fails(load_as(ITEMS(JOIN(FILE_OF("j", FIELD("c", "category")))) EVENTS, &data), MRQ_BAD_FILE,
                 "j:1: id \"0000000000000000000000000000000000000000\"..., want an id: 1 to 255 bytes of UTF-8");

    put("j", long_id(255));
    assert_ok(load_as(ITEMS(JOIN(FILE_OF("j", FIELD("c", "category")))) EVENTS, &data));
    mrq_dataset_free(data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns_come_from_several_files),
        cmocka_unit_test(a_set_may_have_a_delimiter_too),
        cmocka_unit_test(joined_files_are_refused_with_a_reason),
    };
    snprintf(folder, sizeof folder, "%s", temporary_folder());
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    temporary_remove(folder);
    return failed;
}
