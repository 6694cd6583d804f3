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
    static const char *const large[] = {"1000000001", "-1e38", "1e400"};
    for (int i = 0; i < 3; i++) {
        char text[100], says[100];
        snprintf(text, sizeof text, "who,what,stars\nu,a,1e9\nu,b,-1e9\nu,c,%s\n", large[i]);
        put("e", text);
        snprintf(says, sizeof says, "e:4: rating %s, want -1000000000 to 1000000000", large[i]);
        assert_fails(load_as(NAMED EVENTS(",{'name':'stars','kind':'rating','column':'stars'}", ""), &data), MRQ_BAD_FILE, says);
    }
    assert_fails(load_as(NAMED "'like':{'from':1e400}," EVENTS("", ""), &data), MRQ_BAD_FILE,
                 "s.json: like.from: too large a number, want a number, -1000000000 to 1000000000");
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
    } cases[] = {{"-0.5", "e:2: plays -0.5, want a count: a number, 0 to 1000000000"},
                 {"1000000001", "e:2: plays 1000000001, want a count: a number, 0 to 1000000000"},
                 {"1e400", "e:2: plays 1e400, want a count: a number, 0 to 1000000000"},
                 {"", "e:2: plays \"\", want a count: a number, 0 to 1000000000"}};
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

static void times_have_a_format(void **state)
{
    (void)state;
    static const struct {
        const char *format, *text;
        int64_t want; /* -1: refused */
    } cases[] = {
        {"%d/%m/%Y %H:%M", "14/07/2017 02:40", 1500000000},
        {"%d/%m/%Y %H:%M", "14/07/2017 02:40 ", -1},
        {"%d/%m/%Y %H:%M", "14/07/2017", -1},
        {"%d-%m-%Y", "29-02-2024", 1709164800},
        {"%d-%m-%Y", "29-02-2023", -1},
        {"%d-%m-%Y", "31-04-2023", -1},
        {"%d-%m-%Y", "01-13-2023", -1},
        {"%d-%m-%Y", "01-01-20000", -1},
        {"%d-%m-%Y", "01-01-0000", -1},
        {"%b %d, %Y %I:%M %p", "Jul 14, 2017 02:40 AM", 1500000000},
        {"%a, %e %B %Y %T %z", "Fri, 14 July 2017 04:40:00 +0200", 1500000000},
        {"%Y%m%d", "20170714", 1499990400},
        {"%Y", "1970", 0},
        {"%d.%m.%y", "14.07.17", 1499990400},
        {"%F %T", "2016-12-31 23:59:60", 1483228800},
        {"%Y", "", 0}, /* unknown */
        {"%Y", "1970000000000000000000000000000000000000000000000000000000000000", -1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char schema[900], text[200], want[200];
        mrq_dataset *data;
        snprintf(schema, sizeof schema,
                 NAMED EVENTS(",{'name':'at','kind':'timestamp','column':'at','unit':{'format':'%s'}}", ",'quoted':true"),
                 cases[i].format);
        snprintf(text, sizeof text, "who,what,at\nu,a,\"%s\"\n", cases[i].text);
        put("e", text);
        if (cases[i].want != -1) {
            assert_ok(load_as(schema, &data));
            assert_int_equal(data->time[0], cases[i].want);
            mrq_dataset_free(data);
            continue;
        }
        snprintf(want, sizeof want, "want a time written as \"%s\"", cases[i].format);
        assert_fails(load_as(schema, &data), MRQ_BAD_FILE, want);
    }
    static const struct {
        const char *unit, *want;
    } wrong[] = {
        {"{}", "events.fields[2].unit.format: missing"},
        {"{'format':5}", "events.fields[2].unit.format: 5, want a string"},
        {"{'format':'%d/%m'}", "events.fields[2].unit.format: \"%d/%m\", want one such as \"%d/%m/%Y %H:%M\": a year, and no "
                               "conversions but YymdHMSBbhaAejpIzTDFRnt%"},
        {"{'format':'%Y %s'}", "events.fields[2].unit.format: \"%Y %s\", want one"},
        {"{'format':'%Y %Z'}", "events.fields[2].unit.format: \"%Y %Z\", want one"},
        {"{'format':'%Ey'}", "events.fields[2].unit.format: \"%Ey\", want one"},
        {"{'format':'%Y%'}", "events.fields[2].unit.format: \"%Y%\", want one"},
        {"{'format':'%Y\u00e9'}", "events.fields[2].unit.format: "},
        {"{'format':'%Y%m%d%m%d%m%d%m%d%m%d%m%d%m%d%m%d%m%d%m%d%m%d%m%d%m%d%m%d%m%d%m'}", "unit.format: "},
        {"{'form':'%Y'}", "events.fields[2].unit.form: unknown key"},
        {"[]", "events.fields[2].unit: []"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        char schema[900];
        mrq_dataset *data;
        snprintf(schema, sizeof schema, NAMED EVENTS(",{'name':'at','kind':'timestamp','column':'at','unit':%s}", ""),
                 wrong[i].unit);
        assert_fails(load_as(schema, &data), MRQ_BAD_FILE, wrong[i].want);
    }
}

static void whole_ids_lose_their_point(void **state)
{
    (void)state;
    static const char schema[] =
        NAMED "'items':{'file':'m','delimiter':',','fields':[{'name':'id','kind':'id'},{'name':'x','kind':'number'}]},"
              "'events':{'file':'e','delimiter':',','fields':[{'name':'user','kind':'id','whole':true},"
              "{'name':'item','kind':'id','whole':true}]}}";
    mrq_dataset *data;
    put("m", "39,1\n-4,2\n1.5,3\n0,4\n10,5\n.0,6\n-.0,7\nx.0,8\n1.01,9\n1e3.0,10\n");
    put("e", "7,39.0\n7.0,-4.000\n7.5,1.5\n0.0,0.0\n7,10\n7,10.0\n7,.0\n7,-.0\n7,x.0\n7,1.01\n7,1e3.0\n");
    data = load(schema);
    assert_string_equal(events_of(data), "7 39 1, 7 -4 1, 7.5 1.5 1, 0 0 1, 7 10 1, 7 .0 1, 7 -.0 1, 7 x.0 1, 7 1.01 1, 7 1e3.0 1");
    mrq_dataset_free(data);
    put("e", "7,39.0\n");
    assert_fails(load_as(NAMED "'items':{'file':'m','delimiter':',','fields':[{'name':'id','kind':'id'},"
                               "{'name':'x','kind':'number'}]},'events':{'file':'e','delimiter':',','fields':["
                               "{'name':'user','kind':'id'},{'name':'item','kind':'id'}]}}",
                         &data),
                 MRQ_BAD_FILE, "e:1: item 39.0 is not in m");
    assert_fails(load_as(NAMED EVENTS(",{'name':'r','kind':'rating','column':'r','whole':true}", ""), &data), MRQ_BAD_FILE,
                 "events.fields[2].whole: unknown key");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(null_values_are_no_events), cmocka_unit_test(counts_are_added_and_seen_as_logarithms),
        cmocka_unit_test(actions_have_weights),      cmocka_unit_test(weights_end_at_a_million),
        cmocka_unit_test(the_latest_rating_counts),  cmocka_unit_test(unknown_times_are_zero),
        cmocka_unit_test(times_have_a_format),       cmocka_unit_test(whole_ids_lose_their_point),
    };
    snprintf(folder, sizeof folder, "%s", temporary_folder());
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    temporary_remove(folder);
    return failed;
}
