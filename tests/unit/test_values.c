/* What events mean: ratings, counts and actions; events of one user and item; what a like is. */
#include "testing.h"

#include <math.h>

#include "unit/load_as.h"

#define NAMED "{'name':'s',"
#define EVENTS(fields, keys)                                                                                                       \
    "'events':{'file':'e','delimiter':',','header':true" keys ",'fields':[{'name':'user','kind':'id','column':'who'},"             \
    "{'name':'item','kind':'id','column':'what'}" fields "]}}"
#define RATING ",{'name':'stars','kind':'rating','column':'stars'}"
#define PLAYS  ",{'name':'plays','kind':'count','column':'plays'}"
#define DONE   ",{'name':'done','kind':'action','column':'done','weights':{'view':1,'add, to cart':2.5,'no':-4,'seen':0}}"
#define TIME   ",{'name':'at','kind':'timestamp','column':'at'}"

static void null_values_are_no_events(void **state)
{
    (void)state;
    put("e", "who,what,stars\nu,a,0\nu,b,5\nx,c,NULL\nv,c,1\n");
    mrq_dataset *data = load(NAMED EVENTS(",{'name':'stars','kind':'rating','column':'stars','null':['0']}", ",'null':['NULL']"));
    assert_string_equal(events_of(data), "u b 5, v c 1");
    assert_true(data->left_out == 2 && data->repeated == 0 && data->rating_min == 1 && data->like == 3 && data->likes == 1);
    assert_int_equal(data->users->rows, 2);
    assert_int_equal(data->items->rows, 2);
    char told[MRQ_DATASET_TOLD];
    assert_string_equal(mrq_dataset_tell(data, told), "schema=s users=2 items=2 ratings=2 like_from=3 likes=1 left_out=2");
    mrq_dataset_free(data);
    put("e", "who,what,stars\nu,a,\n");
    assert_fails(load_as(NAMED EVENTS(",{'name':'stars','kind':'rating','column':'stars','null':['0']}", ""), &data), MRQ_BAD_FILE,
                 "e:2: rating \"\", want a number");
    data = NULL;
    put("e", "who,what,stars\nu,a,0\nv,a,0\n");
    assert_fails(load_as(NAMED EVENTS(",{'name':'stars','kind':'rating','column':'stars','null':['0']}", ""), &data), MRQ_BAD_FILE,
                 "e: no events: the values of all 2 rows are null or 0");
}

static void counts_are_added_and_seen_as_logarithms(void **state)
{
    (void)state;
    put("e", "who,what,plays\nu,a,1\nv,a,0.5\nu,b,0\nu,a,2\nv,b,0.0\nu,c,7\n");
    mrq_dataset *data = load(NAMED "'like':{'from':3}," EVENTS(PLAYS, ""));
    assert_int_equal(data->n, 3);
    assert_true(data->rating[0] == log1pf(0.5F) && data->rating[1] == log1pf(3) && data->rating[2] == log1pf(7));
    assert_string_equal(mrq_table_id(data->items, data->item[2]), "c");
    assert_true(data->rating_min == (double)log1pf(0.5F) && data->rating_max == (double)log1pf(7));
    assert_true(data->left_out == 2 && data->repeated == 1 && data->like_from == 3 && data->likes == 2);
    char told[MRQ_DATASET_TOLD];
    assert_string_equal(mrq_dataset_tell(data, told),
                        "schema=s users=2 items=2 ratings=3 like_from=3 likes=2 repeated=1 left_out=2");
    mrq_dataset_free(data);
    data = load(NAMED EVENTS(PLAYS, ""));
    assert_true(isinf(data->like) && data->like < 0 && data->likes == 3);
    assert_string_equal(mrq_dataset_tell(data, told),
                        "schema=s users=2 items=2 ratings=3 like_from=all likes=3 repeated=1 left_out=2");
    mrq_dataset_free(data);
    static const struct {
        const char *text, *want;
    } cases[] = {{"-0.5", "e:2: plays -0.5, want a count: a number, 0 or more"},
                 {"1000000001", "e:2: plays 1000000001, want a count: a number, 0 or more"},
                 {"1e400", "e:2: plays \"1e400\", want a count: a number, 0 or more"},
                 {"", "e:2: plays \"\", want a count: a number, 0 or more"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[100];
        snprintf(text, sizeof text, "who,what,plays\nu,a,%s\n", cases[i].text);
        put("e", text);
        assert_fails(load_as(NAMED EVENTS(PLAYS, ""), &data), MRQ_BAD_FILE, cases[i].want);
    }
}

static void actions_have_weights(void **state)
{
    (void)state;
    put("e", "who,what,done\nu,a,view\nv,a,no\nu,a,\"add, to cart\"\nu,b,seen\nv,b,view\nu,a,view\nv,c,no\nv,c,view\n");
    mrq_dataset *data = load(NAMED EVENTS(DONE, ",'quoted':true"));
    assert_string_equal(events_of(data), "v a -4, v b 1, u a 4.5, v c -3");
    assert_true(data->like == 1 && data->likes == 2 && data->left_out == 1 && data->repeated == 3 && data->rating_min == -4 &&
                data->rating_max == 4.5);
    mrq_dataset_free(data);
    put("e", "who,what,done\nu,a,View\n");
    assert_fails(load_as(NAMED EVENTS(DONE, ""), &data), MRQ_BAD_FILE,
                 "e:2: done \"View\", want one of view, add, to cart, no, seen");
    static const struct {
        const char *weights, *want;
    } cases[] = {{"", "s.json: events.fields[2].weights: missing"},
                 {",'weights':5", "s.json: events.fields[2].weights: 5, want an object"},
                 {",'weights':{}", "s.json: events.fields[2].weights: none is above 0, so nobody would like anything"},
                 {",'weights':{'a':0,'b':-1}", "s.json: events.fields[2].weights: none is above 0, so nobody would like anything"},
                 {",'weights':{'a':1,'a':2}", "s.json: events.fields[2].weights: \"a\" given twice"},
                 {",'weights':{'a':'1'}", "s.json: events.fields[2].weights.a: \"1\", want a number, -1000000 to 1000000"},
                 {",'weights':{'a':1000001}", "s.json: events.fields[2].weights.a: 1000001, want a number, -1000000 to 1000000"},
                 {",'weights':{'a\\u0007':1}", "s.json: events.fields[2].weights: \"a?\", want no control characters"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char schema[600];
        snprintf(schema, sizeof schema, NAMED EVENTS(",{'name':'done','kind':'action','column':'done'%s}", ""), cases[i].weights);
        assert_fails(load_as(schema, &data), MRQ_BAD_FILE, cases[i].want);
    }
    assert_fails(load_as(NAMED EVENTS(DONE PLAYS, ""), &data), MRQ_BAD_FILE,
                 "s.json: events.fields: want at most one field of kind rating, count or action, and one of kind timestamp");
}

/* A weight of 1e6 is the last one. */
static void weights_end_at_a_million(void **state)
{
    (void)state;
    put("e", "who,what,done\nu,a,y\nu,b,n\n");
    mrq_dataset *data =
        load(NAMED EVENTS(",{'name':'done','kind':'action','column':'done','weights':{'y':1000000,'n':-1000000}}", ""));
    assert_string_equal(events_of(data), "u a 1e+06, u b -1e+06");
    mrq_dataset_free(data);
}

static void the_latest_rating_counts(void **state)
{
    (void)state;
    static const struct {
        const char *text, *fields, *want;
    } cases[] = {
        /* by place in the file, users together or not */
        {"who,what,stars\nu,a,1\nu,b,2\nu,a,3\n", RATING, "u b 2, u a 3"},
        {"who,what,stars\nu,a,1\nv,a,2\nu,a,3\nv,b,4\nu,b,5\nv,a,1\n", RATING, "u a 3, v b 4, u b 5, v a 1"},
        {"who,what,stars\nv,a,1\nu,a,2\nv,b,1\n", RATING, "v a 1, u a 2, v b 1"},
        /* by time; of equal times the last one */
        {"who,what,stars,at\nu,a,1,9\nu,a,2,5\nu,b,3,1\n", RATING TIME, "u a 1, u b 3"},
        {"who,what,stars,at\nu,a,1,9\nu,a,2,5\nu,a,3,9\nu,a,4,8\n", RATING TIME, "u a 3"},
        {"who,what,stars,at\nv,a,1,9\nu,a,2,5\nv,a,3,8\nu,a,1,6\n", RATING TIME, "v a 1, u a 1"},
        /* an unknown time is before all others */
        {"who,what,stars,at\nu,a,1,9\nu,a,2,\n", RATING TIME, "u a 1"},
        {"who,what\nu,a\nu,a\nv,a\n", "", "u a 1, v a 1"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char schema[900];
        snprintf(schema, sizeof schema, NAMED EVENTS("%s", ""), cases[i].fields);
        put("e", cases[i].text);
        mrq_dataset *data = load(schema);
        assert_string_equal(events_of(data), cases[i].want);
        mrq_dataset_free(data);
    }
    put("e", "who,what,plays,at\nu,a,1,9\nu,b,1,1\nu,a,2,5\nu,a,4,7\n");
    mrq_dataset *data = load(NAMED EVENTS(PLAYS TIME, ""));
    assert_true(data->n == 2 && data->rating[0] == log1pf(7) && data->time[0] == 9 && data->time[1] == 1);
    mrq_dataset_free(data);
}

static void unknown_times_are_zero(void **state)
{
    (void)state;
    put("e", "who,what,at\nu,a,\nu,b,null\nu,c,7\n");
    mrq_dataset *data = load(NAMED EVENTS(",{'name':'at','kind':'timestamp','column':'at','null':['null']}", ""));
    assert_true(data->n == 3 && data->time[0] == 0 && data->time[1] == 0 && data->time[2] == 7);
    mrq_dataset_free(data);
    put("e", "who,what,at\nu,a,-\n");
    assert_fails(load_as(NAMED EVENTS(TIME, ""), &data), MRQ_BAD_FILE, "e:2: at \"-\", want seconds since 1970");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(null_values_are_no_events), cmocka_unit_test(counts_are_added_and_seen_as_logarithms),
        cmocka_unit_test(actions_have_weights),      cmocka_unit_test(weights_end_at_a_million),
        cmocka_unit_test(the_latest_rating_counts),  cmocka_unit_test(unknown_times_are_zero),
    };
    snprintf(folder, sizeof folder, "%s", temporary_folder());
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    temporary_remove(folder);
    return failed;
}
