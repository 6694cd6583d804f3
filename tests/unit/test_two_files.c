/* Events of two files, one to train on and one to test. */
#include "testing.h"

#include <math.h>

#include "dataset/dataset.h"
#include "unit/put_files.h"

#define RATED                                                                                                                      \
    "{'name':'s','items':{'file':'i','delimiter':',','unlisted':'take','fields':[{'name':'id','kind':'id'},"                       \
    "{'name':'title','kind':'text'}]},'events':{'file':'e','delimiter':',','fields':[{'name':'user','kind':'id'},"                 \
    "{'name':'item','kind':'id'},{'name':'stars','kind':'rating','min':1,'max':5},{'name':'time','kind':'timestamp'}]}}"
#define LISTS "{'name':'l','events':{'file':'e','format':'lists','delimiter':' '}}"

/* ' stands for ". */
static mrq_status load(const char *quoted, const char *train, const char *test, mrq_bad *bad, mrq_dataset **out)
{
    char schema[1000], paths[2][700];
    size_t n = 0;
    for (; quoted[n]; n++)
        schema[n] = quoted[n] == '\'' ? '"' : quoted[n];
    MRQ_CLEANUP(mrq_schema_free) mrq_schema *parsed = NULL;
    err = (mrq_error){0};
    *out = NULL;
    assert_ok(mrq_schema_parse(schema, n, "s.json", &parsed, &err));
    snprintf(paths[0], sizeof paths[0], "%s/%s", folder, train);
    snprintf(paths[1], sizeof paths[1], "%s/%s", folder, test);
    return mrq_dataset_load_two(folder, parsed, paths[0], paths[1], bad, out, &err);
}

/* "u1/a=5@7 ...": the events, with | between the two files. */
static const char *told(const mrq_dataset *data)
{
    static char text[1000];
    size_t used = 0;
    *text = '\0';
    for (uint64_t i = 0; i < data->n; i++) {
        used += (size_t)snprintf(text + used, sizeof text - used, "%s%s%s/%s=%g", i ? " " : "", i == data->n_train ? "| " : "",
                                 mrq_table_id(data->users, data->user[i]), mrq_table_id(data->items, data->item[i]),
                                 (double)data->rating[i]);
        if (data->time)
            used += (size_t)snprintf(text + used, sizeof text - used, "@%lld", (long long)data->time[i]);
    }
    return text;
}

/* Each file has one event of a user and an item, and an event of both files stays in both. */
static void events_stay_in_their_files(void **state)
{
    (void)state;
    put("i", "a,First\nb,Second\n");
    put("one", "u2,a,4,10\nu1,b,3,11\nu2,a,5,12\nu1,c,1,13\n");
    put("two", "u3,d,2,14\nu2,a,1,15\nu1,a,4,17\nu1,a,3,16\nu3,b,5,18\n");
    mrq_dataset *data;
    assert_ok(load(RATED, "one", "two", NULL, &data));
    assert_string_equal(told(data), "u1/b=3@11 u2/a=5@12 u1/c=1@13 | u3/d=2@14 u2/a=1@15 u1/a=4@17 u3/b=5@18");
    assert_int_equal(data->n_train, 3);
    assert_int_equal(data->repeated, 2);
    assert_int_equal(data->items->rows, 4);
    assert_int_equal(data->users->rows, 3);
    assert_string_equal(mrq_strings_at(&mrq_table_column(data->items, "title")->text, 1), "Second");
    assert_true(data->like == 3 && data->likes == 4);
    const uint64_t fingerprint = data->fingerprint;
    mrq_dataset_free(data);
    assert_ok(load(RATED, "two", "one", NULL, &data));
    assert_int_equal(data->n_train, 4);
    assert_true(data->fingerprint != fingerprint);
    mrq_dataset_free(data);
}

static void lists_have_an_order(void **state)
{
    (void)state;
    put("one", "u1 z b a\nu2 c z\n");
    put("two", "u2 new\nu1 c\n");
    mrq_dataset *data;
    assert_ok(load(LISTS, "one", "two", NULL, &data));
    assert_string_equal(told(data), "u1/z=1 u1/b=1 u1/a=1 u2/c=1 u2/z=1 | u2/new=1 u1/c=1");
    assert_null(data->time);
    mrq_dataset_free(data);
}

static void what_is_wrong_is_told_of_its_file(void **state)
{
    (void)state;
    put("one", "u1,a,4,10\n");
    put("bad", "u1,a,4,10\nu1,b,9,11\nu1,c,3,12\n");
    put("empty", "");
    mrq_dataset *data;
    assert_fails(load(RATED, "one", "bad", NULL, &data), MRQ_BAD_FILE, "bad:2: rating 9, want 1 to 5");
    assert_fails(load(RATED, "bad", "one", NULL, &data), MRQ_BAD_FILE, "bad:2: rating 9, want 1 to 5");
    assert_fails(load(RATED, "one", "empty", NULL, &data), MRQ_BAD_FILE, "empty: no rows");
    assert_fails(load(RATED, "empty", "one", NULL, &data), MRQ_BAD_FILE, "empty: no rows");
    assert_fails(load(RATED, "one", "nosuch", NULL, &data), MRQ_NOT_FOUND, "nosuch");
    mrq_bad bad = {.share = 0.5};
    assert_ok(load(RATED, "one", "bad", &bad, &data));
    assert_string_equal(told(data), "u1/a=4@10 | u1/a=4@10 u1/c=3@12");
    mrq_dataset_free(data);
    mrq_bad_clear(&bad);

    char deep[5000];
    memset(deep, 'd', sizeof deep - 1);
    deep[sizeof deep - 1] = '\0';
    deep[4096] = '/';
    MRQ_CLEANUP(mrq_schema_free) mrq_schema *lists = NULL;
    const char text[] = "{\"name\":\"l\",\"events\":{\"file\":\"e\",\"format\":\"lists\",\"delimiter\":\" \"}}";
    assert_ok(mrq_schema_parse(text, sizeof text - 1, "l", &lists, &err));
    assert_fails(mrq_dataset_load_two(folder, lists, deep, "x", NULL, &data, &err), MRQ_FAILED, "the path dddd");
    assert_fails(mrq_dataset_load_two("sqlite:x.db", lists, "a", "b", NULL, &data, &err), MRQ_USAGE,
                 "sqlite:x.db is a database, and a a file: want the users and items in files, too");
}

/* A name without a folder is of the folder that the program is in, and one that begins with / of the root. */
static void paths_are_what_they_are_elsewhere(void **state)
{
    (void)state;
    put("one", "u1 a b\n");
    put("two", "u1 c\n");
    assert_int_equal(chdir(folder), 0);
    MRQ_CLEANUP(mrq_schema_free) mrq_schema *lists = NULL;
    const char text[] = "{\"name\":\"l\",\"events\":{\"file\":\"e\",\"format\":\"lists\",\"delimiter\":\" \"}}";
    assert_ok(mrq_schema_parse(text, sizeof text - 1, "l", &lists, &err));
    mrq_dataset *data;
    assert_ok(mrq_dataset_load_two("/nowhere", lists, "one", "./two", NULL, &data, &err));
    assert_string_equal(told(data), "u1/a=1 u1/b=1 | u1/c=1");
    mrq_dataset_free(data);
    assert_fails(mrq_dataset_load_two(".", lists, "/marquee-nosuch", "two", NULL, &data, &err), MRQ_NOT_FOUND, "/marquee-nosuch");
    assert_int_equal(chdir("/"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(events_stay_in_their_files),
        cmocka_unit_test(lists_have_an_order),
        cmocka_unit_test(what_is_wrong_is_told_of_its_file),
        cmocka_unit_test(paths_are_what_they_are_elsewhere),
    };
    char *made = temporary_folder();
    snprintf(folder, sizeof folder, "%s", made);
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    temporary_remove(made);
    return failed;
}
