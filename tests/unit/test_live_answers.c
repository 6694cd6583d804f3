/* What is live counts in the next answer as if the query had said it, and is gone from it when it is taken back. */
#include "unit/store_world.h"

#include <time.h>

#include "base/clock.h"
#include "engine/changes.h"
#include "engine/options.h"
#include "store/write.h"
#include "unit/asked.h"

/* A model that learns from what a person likes, and from age; and one that does not. */
#define WITH_HISTORY                                                                                                               \
    SMALL("\"kind\":\"dot\"", "\"kind\":\"sum\",\"size\":9",                                                                       \
          "{\"feature\":\"history\",\"kind\":\"history\"},{\"feature\":\"age\",\"kind\":\"category\"}",                            \
          "{\"feature\":\"id\",\"kind\":\"id\"},{\"feature\":\"genres\",\"kind\":\"set\"}", "\"objective\":\"ranking\"")

static char store[PATH], plain[PATH], path[PATH + 20];
static mrq_recommender *r;

static void export_model(const char *text, const char *to)
{
    MRQ_CLEANUP(mrq_model_free) mrq_model *made = model_of(text, users, items);
    char file[PATH + 20], name[MRQ_GENERATION_NAME];
    mrq_random rng;
    mrq_random_init(&rng, 9, 9);
    for (size_t i = 0; i < made->tensors.size; i++)
        made->param[i] = (float)(mrq_random_unit(&rng) - 0.5);
    snprintf(made->results.schema, sizeof made->results.schema, "small");
    snprintf(made->results.split, sizeof made->results.split, "random");
    made->results.meaning = (mrq_meaning){MRQ_VALUE_RATING, .min = 1, .max = 5, .like_from = 4};
    snprintf(file, sizeof file, "%s/made.mrq", folder);
    assert_ok(mrq_model_save(made, file, &err));
    assert_ok(mrq_store_export(to, file, &flat, name, NULL, NULL, &err));
}

static int set_up(void **state)
{
    make_world(state);
    export_model(WITH_HISTORY, new_store(store));
    export_model(STORE_MODEL, new_store(plain));
    return 0;
}

static mrq_recommender *open_on(const char *of, const char *live)
{
    mrq_recommender *opened = NULL;
    assert_ok(mrq_recommender_open(&(mrq_options){.store = of, .live = live, .memory = 1 << 20}, &opened, &err));
    return opened;
}

static int open_new(void **state)
{
    static int n;
    (void)state;
    snprintf(path, sizeof path, "%.4000s/live%d", folder, n++);
    r = open_on(store, path);
    return 0;
}

static int close_it(void **state)
{
    (void)state;
    mrq_recommender_close(r);
    return 0;
}

static mrq_answer *asked(mrq_ask what, const char *fields)
{
    ASKED_QUERY query = {0};
    char text[500];
    snprintf(text, sizeof text, "%s", fields);
    char *rest = text;
    for (char *pair; (pair = strsep(&rest, " "));) {
        char *value = strchr(pair, '=');
        if (!value)
            continue;
        *value++ = '\0';
        assert_ok(mrq_query_set(&query, pair, value, &err));
    }
    mrq_answer *answer = NULL;
    return mrq_recommender_ask(r, what, &query, &answer, &err) == MRQ_OK ? answer : NULL;
}

/* The hits as "id:score ...". */
static const char *hits(mrq_ask what, const char *fields)
{
    static char text[3][4000];
    static int n;
    char *out = text[n++ % 3];
    size_t used = 0;
    mrq_answer *answer = asked(what, fields);
    *out = '\0';
    for (uint32_t i = 0; i < mrq_answer_size(answer); i++)
        used +=
            (size_t)snprintf(out + used, sizeof *text - used, "%s:%.5f ", mrq_answer_id(answer, i), mrq_answer_score(answer, i));
    mrq_answer_free(answer);
    return out;
}

/* Whether hits have an item. */
static bool lists(const char *text, const char *id)
{
    char part[40];
    snprintf(part, sizeof part, " %s:", id);
    return strncmp(text, part + 1, strlen(part) - 1) == 0 || strstr(text, part);
}

static const char *best(const char *fields)
{
    return hits(MRQ_ASK_RECOMMEND, fields);
}

static void tell(const char *user, const char *item, const char *kind, const char *value)
{
    mrq_event *event = mrq_event_new();
    uint32_t added = 0;
    assert_ok(mrq_event_set(event, "user", user, &err));
    assert_ok(mrq_event_set(event, "item", item, &err));
    if (kind)
        assert_ok(mrq_event_set(event, "kind", kind, &err));
    if (value)
        assert_ok(mrq_event_set(event, "value", value, &err));
    assert_ok(mrq_recommender_tell(r, (const mrq_event *const *)&event, 1, &added, &err));
    assert_int_equal(added, 1);
    mrq_event_free(event);
}

static void a_stranger_s_events_count_as_what_a_query_says(void **state)
{
    (void)state;
    const char *nobody = best("user=new k=40");
    assert_string_equal(nobody, best("k=40"));
    tell("new", "10", "like", NULL);
    tell("new", "13", NULL, "5");
    tell("new", "16", "dislike", NULL);
    assert_string_equal(best("user=new k=40"), best("liked=10 liked=13 disliked=16 k=40"));
    assert_string_equal(best("user=new k=40 liked=19"), best("liked=10 liked=13 liked=19 disliked=16 k=40"));
    assert_string_equal(best("user=new k=40 disliked=10"),
                        best("liked=13 disliked=16 disliked=10 k=40")); /* the query's word counts */
    tell("new", "22", NULL, "2");                                       /* neither, but he has had it */
    assert_string_equal(best("user=new k=40"), best("liked=10 liked=13 disliked=16 exclude=22 k=40"));
    assert_string_equal(best("user=new k=40 include_seen=true"), best("liked=10 liked=13 disliked=16 include_seen=true k=40"));
}

static void a_known_user_s_events_are_added_to_his_history(void **state)
{
    (void)state;
    const char *before = best("user=4 k=40");
    assert_string_equal(best("user=4 k=40"), before);
    mrq_answer *had = asked(MRQ_ASK_USER, "user=4 k=1");
    char id[16];
    snprintf(id, sizeof id, "%s", mrq_answer_id(had, 0)); /* he likes this most popular one */
    mrq_answer_free(had);
    tell("4", id, NULL, "1"); /* and has changed his mind */
    const char *now = best("user=4 k=40");
    assert_string_not_equal(now, before);
    assert_false(lists(now, id));
    tell("4", id, NULL, "5");
    assert_string_equal(best("user=4 k=40"), before);
    assert_ok(mrq_recommender_forget(r, "4", id, &err));
    assert_true(lists(best("user=4 k=40"), id)); /* as if he had never had it */
}

static void memory_never_answers_as_before(void **state)
{
    (void)state;
    mrq_answer_free(asked(MRQ_ASK_RECOMMEND, "user=7"));
    mrq_answer *again = asked(MRQ_ASK_RECOMMEND, "user=7");
    assert_string_equal(mrq_answer_cache_state(again), "memory");
    mrq_answer_free(again);
    tell("8", "10", "like", NULL);
    again = asked(MRQ_ASK_RECOMMEND, "user=7");
    assert_string_equal(mrq_answer_cache_state(again), "memory"); /* it is about somebody else */
    mrq_answer_free(again);
    tell("7", "10", "like", NULL);
    again = asked(MRQ_ASK_RECOMMEND, "user=7");
    assert_string_equal(mrq_answer_cache_state(again), "off");
    mrq_answer_free(again);
    assert_ok(mrq_recommender_put_item(r, "40", "{\"hidden\":true}", &err));
    again = asked(MRQ_ASK_RECOMMEND, "user=7");
    assert_string_equal(mrq_answer_cache_state(again), "off"); /* items concern everybody */
    mrq_answer_free(again);
}

static void features_count_and_the_query_has_the_last_word(void **state)
{
    (void)state;
    assert_ok(mrq_recommender_put_user(r, "new", "{\"features\":{\"age\":\"age003\"}}", &err));
    assert_string_equal(best("user=new k=40"), best("age=age003 k=40"));
    assert_string_equal(best("user=new age=age001 k=40"), best("age=age001 k=40"));
    const char *own = best("user=4 k=40");
    assert_ok(mrq_recommender_put_user(r, "4", "{\"features\":{\"age\":\"age003\"}}", &err));
    assert_string_equal(best("user=4 k=40"), best("user=4 age=age003 k=40"));
    assert_ok(mrq_recommender_put_user(r, "4", "{\"features\":{\"age\":\"nothing known\"}}", &err)); /* the next generation may */
    assert_string_equal(best("user=4 k=40"), own);
    assert_fails(mrq_recommender_put_user(r, "4", "{\"features\":{\"hat\":\"red\"}}", &err), MRQ_USAGE,
                 "features: the data's users have no column \"hat\"; want one of ");
}

static void hidden_items_are_gone_everywhere(void **state)
{
    (void)state;
    char first[16];
    mrq_answer *top = asked(MRQ_ASK_RECOMMEND, "user=4 k=1");
    snprintf(first, sizeof first, "%s", mrq_answer_id(top, 0));
    mrq_answer_free(top);
    char of_it[40], likes_it[60];
    snprintf(of_it, sizeof of_it, "item=%s", first);
    snprintf(likes_it, sizeof likes_it, "liked=%s include_seen=true k=40", first);
    assert_ok(mrq_recommender_put_item(r, first, "{\"hidden\":true}", &err));
    assert_false(lists(best("user=4 k=40"), first));
    assert_false(lists(best("user=4 k=40 include_seen=true"), first));
    assert_false(lists(best(likes_it), first));
    assert_false(lists(hits(MRQ_ASK_SEARCH, "query= k=40"), first));
    assert_false(lists(hits(MRQ_ASK_SIMILAR, "item=10 k=40"), first));
    assert_null(asked(MRQ_ASK_ITEM, of_it));
    assert_null(asked(MRQ_ASK_SIMILAR, of_it));
    assert_int_equal(err.status, MRQ_NOT_FOUND);
    assert_ok(mrq_recommender_put_item(r, first, "{}", &err));
    assert_true(lists(best("user=4 k=1"), first));
    char later[60];
    snprintf(later, sizeof later, "{\"expires\":%lld}", (long long)time(NULL) + 2);
    assert_ok(mrq_recommender_put_item(r, first, later, &err));
    assert_true(lists(best("user=4 k=1"), first));
    const double end = mrq_clock() + 10;
    while (lists(best("user=4 k=1"), first))
        assert_true(mrq_clock() < end);
}

static void who_is_erased_is_a_stranger(void **state)
{
    (void)state;
    tell("4", "10", "like", NULL);
    assert_ok(mrq_recommender_put_user(r, "4", "{\"features\":{\"age\":\"age003\"}}", &err));
    assert_ok(mrq_recommender_forget(r, "4", NULL, &err));
    assert_string_equal(best("user=4 k=40"), best("k=40"));
    assert_null(asked(MRQ_ASK_USER, "user=4"));
    assert_int_equal(err.status, MRQ_NOT_FOUND);
    tell("4", "13", "like", NULL);
    assert_string_equal(best("user=4 k=40"), best("liked=13 k=40"));
    mrq_recommender_close(r);
    r = open_on(store, path);
    assert_string_equal(best("user=4 k=40"), best("liked=13 k=40"));
}

static void explanations_name_events_as_history_and_add_up(void **state)
{
    (void)state;
    tell("new", "10", "like", NULL);
    tell("new", "16", "dislike", NULL);
    tell("new", "19", NULL, "1");
    mrq_answer *answer = asked(MRQ_ASK_RECOMMEND, "user=new liked=13 explain=all k=3");
    for (uint32_t i = 0; i < 3; i++) {
        double base, sum = 0;
        char said[200] = "";
        const uint32_t n = mrq_answer_parts(answer, i, &base, NULL);
        for (uint32_t p = 0; p < n; p++) {
            sum += mrq_answer_part_score(answer, i, p);
            if (strcmp(mrq_answer_part_id(answer, i, p), "10") == 0)
                assert_string_equal(mrq_answer_part_input(answer, i, p), "history");
            if (strcmp(mrq_answer_part_id(answer, i, p), "13") == 0)
                assert_string_equal(mrq_answer_part_input(answer, i, p), "liked");
            if (strcmp(mrq_answer_part_id(answer, i, p), "16") == 0)
                assert_string_equal(mrq_answer_part_input(answer, i, p), "disliked");
            strcat(strcat(said, mrq_answer_part_id(answer, i, p)), " ");
        }
        assert_int_equal(n, 3);
        assert_null(strstr(said, "19"));
        assert_true(fabs(base + sum - mrq_answer_score(answer, i)) < 1e-4);
    }
    mrq_answer_free(answer);
}

/* A generation that knows more than the database has cannot tell what is newer. */
static void a_generation_of_another_database_is_not_reloaded(void **state)
{
    (void)state;
    MRQ_CLEANUP(mrq_model_free) mrq_model *made = model_of(WITH_HISTORY, users, items);
    char file[PATH + 20], name[MRQ_GENERATION_NAME], own[PATH];
    export_model(WITH_HISTORY, new_store(own));
    mrq_recommender_close(r);
    r = open_on(own, path);
    tell("new", "10", "like", NULL);
    made->results = model->results;
    made->results.live_mark = 2;
    snprintf(file, sizeof file, "%s/marked.mrq", folder);
    assert_ok(mrq_model_save(made, file, &err));
    assert_ok(mrq_store_export(own, file, &flat, name, NULL, NULL, &err));
    bool changed = false;
    assert_fails(mrq_recommender_reload(r, &changed, &err), MRQ_BAD_FILE, "this is another database, or an older copy");
    assert_false(changed);
    assert_string_equal(best("user=new k=40"), best("liked=10 k=40"));
    tell("new", "13", "like", NULL); /* number 2 */
    assert_ok(mrq_recommender_reload(r, &changed, &err));
    assert_true(changed);
    assert_string_equal(best("user=new k=40"), best("k=40"));
}

static void a_user_s_list_has_his_events(void **state)
{
    (void)state;
    tell("new", "10", "like", NULL);
    tell("new", "16", NULL, "2");
    mrq_answer *answer = asked(MRQ_ASK_USER, "user=new");
    assert_int_equal(mrq_answer_size(answer), 2);
    assert_string_equal(mrq_answer_id(answer, 0), "10"); /* the liked one first */
    assert_non_null(strstr(mrq_answer_json(answer, NULL), "\"ratings\":2,\"likes\":1"));
    mrq_answer_free(answer);
    answer = asked(MRQ_ASK_RECOMMEND, "user=new");
    assert_null(strstr(mrq_answer_json(answer, NULL), "user_known"));
    assert_null(strstr(mrq_answer_json(answer, NULL), "liked")); /* the query is told as it was asked */
    mrq_answer_free(answer);
    answer = asked(MRQ_ASK_RECOMMEND, "user=other");
    assert_non_null(strstr(mrq_answer_json(answer, NULL), "\"user_known\":false"));
    mrq_answer_free(answer);
}

/* A model that does not learn from likes leaves out what a person has had, and no more. */
static void without_a_history_events_leave_out(void **state)
{
    (void)state;
    mrq_recommender_close(r);
    r = open_on(plain, path);
    char want[40], id[16];
    mrq_answer *top = asked(MRQ_ASK_RECOMMEND, "user=new k=1");
    snprintf(id, sizeof id, "%s", mrq_answer_id(top, 0));
    mrq_answer_free(top);
    tell("new", id, "like", NULL);
    snprintf(want, sizeof want, "exclude=%s k=40", id);
    assert_string_equal(best("user=new k=40"), best(want));
}

static void what_the_data_do_not_have_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *name, *value, *says;
    } wrong[] = {{"kind", "view", "kind \"view\": want one of like, dislike"},
                 {"kind", "forget", "kind \"forget\""},
                 {"value", "6", "value 6: want 1 to 5"},
                 {"value", "0.5", "value 0.5: want 1 to 5"},
                 {"time", "99999999999", "look at the clocks"},
                 {"id", "1", "kind: missing; want one of like, dislike, or a value"}};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        mrq_event *event = mrq_event_new();
        assert_ok(mrq_event_set(event, "user", "u", &err));
        assert_ok(mrq_event_set(event, "item", "10", &err));
        if (strcmp(wrong[i].name, "time") == 0)
            assert_ok(mrq_event_set(event, "kind", "like", &err));
        assert_ok(mrq_event_set(event, wrong[i].name, wrong[i].value, &err));
        assert_fails(mrq_recommender_tell(r, (const mrq_event *const *)&event, 1, NULL, &err), MRQ_USAGE, wrong[i].says);
        mrq_event_free(event);
    }
    mrq_event *event = mrq_event_new();
    assert_fails(mrq_event_set(event, "hat", "red", &err), MRQ_USAGE, "\"hat\" is no field of an event");
    assert_fails(mrq_event_set(event, "user", "", &err), MRQ_USAGE, "user \"\"");
    assert_fails(mrq_event_set(event, "value", "x", &err), MRQ_USAGE, "value \"x\": want a number");
    assert_fails(mrq_event_set(event, "time", "-1", &err), MRQ_USAGE, "time \"-1\": want seconds");
    assert_ok(mrq_event_set(event, "user", "u", &err));
    assert_fails(mrq_recommender_tell(r, (const mrq_event *const *)&event, 1, NULL, &err), MRQ_USAGE, "item: missing in event 0");
    assert_fails(mrq_recommender_tell(r, (const mrq_event *const *)&event, MRQ_EVENTS_MAX + 1, NULL, &err), MRQ_USAGE,
                 "10001 events");
    mrq_event_free(event);
    assert_fails(mrq_recommender_forget_event(r, "nothing", &err), MRQ_NOT_FOUND, "no event has the id nothing");
    mrq_recommender *without = NULL;
    assert_ok(mrq_recommender_open(&(mrq_options){.store = store}, &without, &err));
    assert_fails(mrq_recommender_forget(without, "4", NULL, &err), MRQ_USAGE, "nothing is live here");
    mrq_recommender_close(without);
}

static void strict_refuses_the_unknown(void **state)
{
    (void)state;
    mrq_recommender_close(r);
    assert_ok(mrq_recommender_open(&(mrq_options){.store = store, .live = path, .live_strict = true}, &r, &err));
    tell("4", "10", "like", NULL);
    mrq_event *event = mrq_event_new();
    assert_ok(mrq_event_set(event, "user", "new", &err));
    assert_ok(mrq_event_set(event, "item", "10", &err));
    assert_ok(mrq_event_set(event, "kind", "like", &err));
    assert_fails(mrq_recommender_tell(r, (const mrq_event *const *)&event, 1, NULL, &err), MRQ_USAGE, "user new: not among the 50");
    assert_ok(mrq_event_set(event, "user", "4", &err));
    assert_ok(mrq_event_set(event, "item", "11", &err));
    assert_fails(mrq_recommender_tell(r, (const mrq_event *const *)&event, 1, NULL, &err), MRQ_USAGE, "item 11: not among the 40");
    mrq_event_free(event);
}

static void bodies_are_read_strictly(void **state)
{
    (void)state;
    static const struct {
        const char *body, *says;
    } wrong[] = {
        {"", "body"},
        {"[]", "body"},
        {"{}", "user: missing"},
        {"{\"events\":1}", "events"},
        {"{\"events\":[1]}", "events[0]: want an object"},
        {"{\"events\":[{\"user\":\"u\",\"item\":\"1\"},{\"user\":\"u\"}]}", "events[1]"},
        {"{\"events\":[],\"more\":1}", "more"},
        {"{\"user\":\"u\",\"item\":\"1\",\"hat\":1}", "hat"},
        {"{\"user\":\"u\",\"user\":\"v\",\"item\":\"1\"}", "user"},
        {"{\"user\":1.5,\"item\":\"1\"}", "user"},
        {"{\"user\":\"\",\"item\":\"1\"}", "user \"\""},
        {"{\"user\":\"a\\u0007\",\"item\":\"1\"}", "user \"a?\""},
        {"{\"user\":\"u\",\"item\":[]}", "item"},
        {"{\"user\":\"u\",\"item\":\"1\",\"kind\":7}", "kind"},
        {"{\"user\":\"u\",\"item\":\"1\",\"kind\":\"\"}", "kind \"\""},
        {"{\"user\":\"u\",\"item\":\"1\",\"kind\":\"like\",\"value\":3}", "the event has a kind as well"},
        {"{\"user\":\"u\",\"item\":\"1\",\"value\":1e400}", "value"},
        {"{\"user\":\"u\",\"item\":\"1\",\"value\":\"5\"}", "value"},
        {"{\"user\":\"u\",\"item\":\"1\",\"time\":-5}", "time -5"},
        {"{\"user\":\"u\",\"item\":\"1\",\"time\":\"yesterday\"}", "2026-01-31T02:00:00Z"},
        {"{\"user\":\"u\",\"item\":\"1\",\"time\":\"2026-01-31T02:00:00+02:00\"}", "2026-01-31T02:00:00Z"},
        {"{\"user\":\"u\",\"item\":\"1\",\"time\":\"9026-01-31T02:00:00Z\"}", "look at the clocks"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        MRQ_CLEANUP(mrq_changes_free) mrq_changes *changes = mrq_changes_new();
        assert_fails(mrq_changes_read_events(changes, wrong[i].body, strlen(wrong[i].body), &err), MRQ_USAGE, wrong[i].says);
    }
    MRQ_CLEANUP(mrq_changes_free) mrq_changes *changes = mrq_changes_new();
    static const char good[] =
        "{\"events\":[{\"user\":4,\"item\":\"é\",\"kind\":\"like\",\"time\":\"2026-01-31T02:00:00.5Z\",\"id\":7},"
        "{\"user\":\"u\",\"item\":\"1\",\"value\":3,\"time\":null,\"id\":null}]}";
    const int64_t now = (int64_t)time(NULL);
    assert_ok(mrq_changes_read_events(changes, good, strlen(good), &err));
    assert_int_equal(changes->post.n, 2);
    assert_string_equal(changes->change[0].user, "4");
    assert_string_equal(changes->change[0].id, "7");
    assert_int_equal(changes->change[0].time, 1769824800);
    assert_null(changes->change[1].id);
    assert_true(changes->change[1].time >= now && changes->change[1].time <= now + 60);
    static const char *const users_wrong[] = {"{}",
                                              "{\"features\":[]}",
                                              "{\"features\":{\"\":\"1\"}}",
                                              "{\"features\":{\"a=b\":\"1\"}}",
                                              "{\"features\":{\"a\":{}}}",
                                              "{\"features\":{\"a\":[1]}}",
                                              "{\"features\":{\"a\":true}}",
                                              "{\"features\":{\"a\":\"1\",\"a\":\"2\"}}"};
    for (size_t i = 0; i < sizeof users_wrong / sizeof *users_wrong; i++)
        assert_fails(mrq_changes_read_user(changes, "u", users_wrong[i], strlen(users_wrong[i]), &err), MRQ_USAGE, "");
    static const char features[] = "{\"features\":{\"pets\":[\"a,b\",\"c\"],\"height\":1.75,\"age\":\"25\"}}";
    assert_ok(mrq_changes_read_user(changes, "u", features, strlen(features), &err));
    assert_string_equal(changes->change[2].text, "{\"pets\":\"a\\\\,b,c\",\"height\":\"1.75\",\"age\":\"25\"}");
    static const char *const items_wrong[] = {"{\"hidden\":1}", "{\"expires\":\"soon\"}", "{\"hid\":true}", "[]"};
    for (size_t i = 0; i < sizeof items_wrong / sizeof *items_wrong; i++)
        assert_fails(mrq_changes_read_item(changes, "u", items_wrong[i], strlen(items_wrong[i]), &err), MRQ_USAGE, "");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_new, close_it)
    const struct CMUnitTest tests[] = {
        TEST(a_stranger_s_events_count_as_what_a_query_says),
        TEST(a_known_user_s_events_are_added_to_his_history),
        TEST(memory_never_answers_as_before),
        TEST(features_count_and_the_query_has_the_last_word),
        TEST(hidden_items_are_gone_everywhere),
        TEST(who_is_erased_is_a_stranger),
        TEST(explanations_name_events_as_history_and_add_up),
        TEST(a_generation_of_another_database_is_not_reloaded),
        TEST(a_user_s_list_has_his_events),
        TEST(without_a_history_events_leave_out),
        TEST(what_the_data_do_not_have_is_refused),
        TEST(strict_refuses_the_unknown),
        TEST(bodies_are_read_strictly),
    };
    return cmocka_run_group_tests(tests, set_up, free_world);
}
