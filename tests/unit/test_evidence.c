/* A model of almost nothing is told: each check at its limit, by its sentence; the figures, counted and stored. */
#include <math.h>

#include "train/train.h"
#include "unit/failing_memory.h"
#include "unit/small_world.h"

static mrq_error err;
static const mrq_noun books = {"book", "books"};

/* Figures that give no reason to doubt. */
static mrq_evidence enough(void)
{
    return (mrq_evidence){.ranks = true,
                          .events = 1000,
                          .likes = 600,
                          .like = 3.5,
                          .busiest_user = 499,
                          .most_liked = 299,
                          .users_with_two = 10,
                          .value = NAN};
}

static void each_check_has_its_limit(void **state)
{
    (void)state;
    static const struct {
        const char *check;
        uint64_t events, likes, busiest, most, two; /* 0: enough */
        double value;
        bool rates;
        const char *says; /* NULL: nothing */
    } cases[] = {
        {"", 0, 0, 0, 0, 0, NAN, false, NULL},
        {"", 0, 0, 0, 0, 0, NAN, true, NULL},
        {"few likes", 0, 100, 0, 49, 0, NAN, false, NULL},
        {"few likes", 0, 99, 0, 49, 0, NAN, false,
         "only 99 likes to learn from, want 100: what a model answers then is little more than chance; wait until there are more"},
        {"few likes", 20, 1, 9, 0, 0, NAN, false,
         "only 1 like to learn from, want 100: what a model answers then is little more than chance; wait until there are more"},
        {"few likes", 99, 99, 49, 49, 0, NAN, true,
         "only 99 ratings to learn from, want 100: what a model answers then is little more than chance; wait until there are "
         "more"},
        {"rare likes", 12000, 600, 0, 0, 0, NAN, false, NULL},
        {"rare likes", 12001, 600, 0, 0, 0, NAN, false,
         "only 600 of 12001 events are likes, values of 3.5 or more: nothing is learned from the others; if that is not what a "
         "like is, "
         "say so in the schema, \"like\": {\"from\": VALUE} or \"like\": \"all\""},
        {"one user", 999, 0, 499, 0, 0, NAN, false, NULL},
        {"one user", 998, 0, 499, 0, 0, NAN, false,
         "one user has 499 of all 998 events: the model is mostly of his taste; leave him out if he is a shared account, a test or "
         "a "
         "robot"},
        {"one item", 0, 599, 0, 299, 0, NAN, false, NULL},
        {"one item", 0, 598, 0, 299, 0, NAN, false,
         "one book has 299 of all 598 likes: nearly everybody is told of it; leave it out if all get it unasked"},
        {"one value", 0, 0, 0, 0, 0, 4.5, false,
         "all 1000 values are 4.5: they do not tell what is liked more; look whether that column is the value, and leave it out of "
         "the "
         "schema if it is not"},
        {"one value", 0, 0, 0, 0, 0, 0, true,
         "all 1000 values are 0: they do not tell what is liked more; look whether that column is the value, and use the model "
         "retrieval, which needs none"},
        {"no liked item", 0, 0, 0, 5, 0, NAN, false, NULL},
        {"no liked item", 0, 0, 0, 4, 0, NAN, false,
         "no book has more than 4 likes, want 5 for one: what goes with what cannot be seen; join variants of the same book, or "
         "wait "
         "until there are more"},
        {"no liked item", 0, 0, 0, 1, 0, NAN, true,
         "no book has more than 1 rating, want 5 for one: what goes with what cannot be seen; join variants of the same book, or "
         "wait "
         "until there are more"},
        {"few pairs", 0, 0, 0, 0, 9, NAN, false,
         "9 users have two likes or more, want 10: which books go together is learned from them alone; look whether the column of "
         "the "
         "user is the right one"},
        {"few pairs", 0, 0, 0, 0, 1, NAN, true,
         "1 user has two ratings or more, want 10: which books go together is learned from them alone; look whether the column of "
         "the "
         "user is the right one"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        mrq_doubt doubt[MRQ_DOUBTS_MAX];
        mrq_evidence e = enough();
        e.ranks = !cases[i].rates;
        e.events = cases[i].events ? cases[i].events : e.events;
        e.likes = cases[i].likes ? cases[i].likes : e.likes;
        e.busiest_user = cases[i].busiest ? cases[i].busiest : e.busiest_user;
        e.most_liked = cases[i].most ? cases[i].most : e.most_liked;
        e.users_with_two = cases[i].two ? cases[i].two : e.users_with_two;
        e.value = cases[i].value;
        const uint32_t n = mrq_evidence_doubts(&e, &books, doubt);
        bool found = false;
        for (uint32_t k = 0; k < n; k++)
            found = found ||
                    (strcmp(doubt[k].check, cases[i].check) == 0 && cases[i].says && strcmp(doubt[k].text, cases[i].says) == 0);
        if (cases[i].says ? !found : n > 0)
            fail_msg("case %zu: %s", i, n ? doubt[0].text : "nothing");
    }
}

static void all_doubts_have_room(void **state)
{
    (void)state;
    mrq_doubt doubt[MRQ_DOUBTS_MAX];
    const mrq_noun long_noun = {"1234567890123456789012345678901", "1234567890123456789012345678901"};
    const uint64_t many = (uint64_t)1 << 53;
    mrq_evidence e = {true, many, 2, -1.23456789e-10, many, 1, 0, -1.23456789e-10};
    assert_int_equal(mrq_evidence_doubts(&e, &long_noun, doubt), 7);
    static const char *const ends[] = {"\"like\": \"all\"", "are more", "a robot", "unasked", "it is not", "are more", "right one"};
    for (int i = 0; i < 7; i++)
        assert_non_null(strstr(doubt[i].text, ends[i]));
    e.events = 0; /* a model of an earlier version */
    assert_int_equal(mrq_evidence_doubts(&e, &books, doubt), 0);
}

/* Data by hand: users 3, items 10 and up. */
static mrq_evidence count(small_data *s, bool ranks)
{
    mrq_evidence e;
    assert_ok(mrq_evidence_count(&s->data, ranks, &e, &err));
    assert_int_equal(e.ranks, ranks);
    assert_int_equal(e.events, s->data.n);
    return e;
}

static void figures_are_counted(void **state)
{
    (void)state;
    small_data *s = small_data_new(3, 6, 8);
    static const uint32_t user[] = {0, 0, 0, 0, 1, 1, 2, 2}, item[] = {0, 1, 2, 3, 1, 2, 1, 5};
    static const float rating[] = {5, 4, 3, 2, 4, 1, 5, 2};
    memcpy(s->user, user, sizeof user);
    memcpy(s->item, item, sizeof item);
    memcpy(s->rating, rating, sizeof rating);
    mrq_evidence e = count(s, true); /* 3 and more are likes */
    assert_true(e.likes == 5 && e.busiest_user == 4 && e.most_liked == 3 && e.users_with_two == 1 && isnan(e.value));
    assert_float_equal(e.like, 3, 0);
    e = count(s, false);
    assert_true(e.likes == 8 && e.busiest_user == 4 && e.most_liked == 3 && e.users_with_two == 3 && isinf(e.like));
    s->data.like = 6;
    e = count(s, true);
    assert_true(e.likes == 0 && e.most_liked == 0 && e.users_with_two == 0 && e.busiest_user == 4);

    static const struct {
        float value;
        double min, max;
        bool told;
    } values[] = {{1, 1, 1, false}, {1, 1, 5, true}, {1, 0, 1, true}, {4, 4, 4, true}, {0, 0, 0, true}};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        for (int k = 0; k < 8; k++)
            s->rating[k] = values[i].value;
        s->data.rating_min = values[i].min;
        s->data.rating_max = values[i].max;
        e = count(s, true);
        assert_int_equal(!isnan(e.value), values[i].told);
        assert_true(!values[i].told || e.value == (double)values[i].value);
    }
    s->rating[7] += 1;
    assert_true(isnan(count(s, true).value));
    for (int n = 0; n < 3; n++) {
        atomic_store(&allocations_left, n);
        const mrq_status status = mrq_evidence_count(&s->data, true, &e, &err);
        atomic_store(&allocations_left, INT_MAX);
        assert_int_equal(status, MRQ_FAILED);
        assert_string_equal(err.msg, "out of memory while counting likes");
    }
    small_data_free(s);
}

/* Stored with the results, and read again; a file without is one of which nothing is known. */
static void figures_are_stored(void **state)
{
    (void)state;
    static const char written[] = "{\"ranks\":true,\"events\":1000,\"likes\":600,\"busiest_user\":499,\"most_liked\":299,"
                                  "\"users_with_two\":10,\"like\":3.5,\"value\":4}";
    mrq_evidence e = enough(), back;
    e.value = 4;
    for (int round = 0; round < 2; round++) {
        MRQ_CLEANUP(cJSON_Delete) cJSON *json = mrq_evidence_json(&e);
        MRQ_AUTOFREE char *text = cJSON_PrintUnformatted(json);
        assert_string_equal(text, written);
        MRQ_CLEANUP(cJSON_Delete) cJSON *read = cJSON_Parse(text);
        assert_ok(mrq_evidence_parse(read, "r:", &back, &err));
        e = back;
    }
    e.like = -INFINITY;
    e.value = NAN;
    e.ranks = false;
    MRQ_CLEANUP(cJSON_Delete) cJSON *made = mrq_evidence_json(&e);
    MRQ_AUTOFREE char *printed = cJSON_PrintUnformatted(made);
    MRQ_CLEANUP(cJSON_Delete) cJSON *json = cJSON_Parse(printed);
    assert_false(cJSON_HasObjectItem(json, "like") || cJSON_HasObjectItem(json, "value"));
    assert_ok(mrq_evidence_parse(json, "r:", &back, &err));
    assert_true(isinf(back.like) && back.like < 0 && isnan(back.value) && !back.ranks && back.events == 1000);
    assert_ok(mrq_evidence_parse(NULL, "r:", &back, &err));
    assert_int_equal(back.events, 0);
    static const char *const keys[] = {"events", "likes", "busiest_user", "most_liked", "users_with_two", "like", "value"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        char text[100], says[60];
        snprintf(text, sizeof text, "{\"%s\":1e16}", keys[i]);
        snprintf(says, sizeof says, "r: %s: 1e+16, want a ", keys[i]);
        MRQ_CLEANUP(cJSON_Delete) cJSON *bad = cJSON_Parse(text);
        assert_fails(mrq_evidence_parse(bad, "r:", &back, &err), MRQ_BAD_FILE, keys[i]);
    }
    for (int n = 0; n < 15; n++) {
        atomic_store(&allocations_left, n);
        cJSON *none = mrq_evidence_json(&e);
        atomic_store(&allocations_left, INT_MAX);
        assert_null(none);
    }
}

/* Of a file: what the model's results hold is what was counted, by either kind of model. */
static void a_model_keeps_its_figures(void **state)
{
    (void)state;
    char *folder = temporary_folder(), path[300];
    static const char *const names[] = {"retrieval", "mf-bias"};
    for (int m = 0; m < 2; m++) {
        small_data *s = small_data_new(20, 30, 90);
        mrq_description description;
        mrq_train_result result = {0};
        const mrq_train_options options = {.split = MRQ_SPLIT_RANDOM, .test = 0.1, .seed = 1, .threads = 1};
        mrq_model *loaded = NULL;
        assert_ok(mrq_description_load(names[m], &description, &err));
        description.train.epochs = m;
        assert_ok(mrq_train(&s->data, &description, &options, NULL, &result, &err));
        snprintf(path, sizeof path, "%s/m.mrq", folder);
        assert_ok(mrq_model_save(result.model, path, &err));
        assert_ok(mrq_model_load(path, &loaded, &err));
        const mrq_evidence want = count(s, m == 0), *got = &mrq_model_results_of(loaded)->evidence;
        assert_true(got->ranks == want.ranks && got->events == 90 && got->likes == want.likes && want.likes > 0 &&
                    got->busiest_user == want.busiest_user && got->most_liked == want.most_liked &&
                    got->users_with_two == want.users_with_two && isnan(got->value));
        mrq_model_free(loaded);
        mrq_model_free(result.model);
        small_data_free(s);
    }
    temporary_remove(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_check_has_its_limit),  cmocka_unit_test(all_doubts_have_room),
        cmocka_unit_test(figures_are_counted),       cmocka_unit_test(figures_are_stored),
        cmocka_unit_test(a_model_keeps_its_figures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
