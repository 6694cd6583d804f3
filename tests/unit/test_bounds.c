/* Eval room at its ends: how few ratings a protocol can be of, which baseline fits which, how many neighbours, values and groups
 * there are, and what goes wrong in an experiment. */
#include "eval/experiment.h"
#include "model/network.h"
#include "unit/small_world.h"

static mrq_error err;

/* Ratings that are given one by one */

static small_data *empty(uint32_t users, uint32_t items, uint32_t most)
{
    small_data *s = small_data_new(users, items, most);
    s->data.n = 0;
    return s;
}

static void rate(small_data *s, uint32_t user, uint32_t item, float rating)
{
    s->user[s->data.n] = user;
    s->item[s->data.n] = item;
    s->rating[s->data.n++] = rating;
}

static uint32_t held_out(const small_data *s, mrq_protocol protocol)
{
    mrq_parts p;
    uint32_t n = 0;
    bool seen[100] = {false};
    assert_ok(mrq_parts_make(&s->data, protocol, false, 1, &p, &err));
    for (uint64_t i = 0; i < p.split.n_test; i++) {
        const uint32_t r = p.split.test[i], who = protocol == MRQ_PROTOCOL_COLD_USERS ? s->user[r] : s->item[r];
        n += !seen[who];
        seen[who] = true;
    }
    mrq_parts_clear(&p);
    return n;
}

static void a_tenth_is_held_out_of_ten_or_more(void **state)
{
    (void)state;
    static const uint32_t of[][2] = {{15, 2}, {24, 2}, {25, 3}, {34, 3}, {35, 4}};
    mrq_parts p;
    for (size_t i = 0; i < sizeof of / sizeof *of; i++) {
        small_data *s = empty(40, 40, 4000);
        for (uint32_t u = 0; u < of[i][0]; u++)
            for (uint32_t m = 0; m < of[i][0]; m++)
                rate(s, u, m, 4);
        assert_int_equal(held_out(s, MRQ_PROTOCOL_COLD_USERS), of[i][1]);
        assert_int_equal(held_out(s, MRQ_PROTOCOL_COLD_ITEMS), of[i][1]);
        small_data_free(s);
    }
    for (uint32_t n = 9; n <= 10; n++) {
        small_data *s = empty(20, 20, 400);
        for (uint32_t i = 0; i < n; i++)
            for (uint32_t k = 0; k < 20; k++)
                rate(s, k, i, 4);
        if (n == 10)
            assert_int_equal(held_out(s, MRQ_PROTOCOL_COLD_ITEMS), 1);
        else
            assert_fails(mrq_parts_make(&s->data, MRQ_PROTOCOL_COLD_ITEMS, false, 1, &p, &err), MRQ_USAGE,
                         "cold-items: items with likes: 9, want at least 10 to hold a tenth of them out");
        s->data.n = 0;
        for (uint32_t i = 0; i < n; i++)
            for (uint32_t k = 0; k < 20; k++)
                rate(s, i, k, 4);
        assert_fails(
            mrq_parts_make(&s->data, MRQ_PROTOCOL_COLD_USERS, false, 1, &p, &err), MRQ_USAGE,
            n == 9
                ? "cold-users: users with ratings: 9, want at least 10 to hold a tenth of them out"
                : "cold-users: too few likes (ratings of 3 or more): 180 for training, want 1; 1 users with likes to test, want 2");
        small_data_free(s);
    }
}

/* Likes before and after a moment, of so many users: one is too few to be asked, and one like is enough to learn from. */
static void two_users_are_asked_at_least(void **state)
{
    (void)state;
    static const struct {
        uint32_t learned, asked;
        const char *sentence;
    } cases[] = {{1, 2, NULL},
                 {0, 2, "time: too few likes (ratings of 3 or more): 0 for training, want 1; 2 users with likes to test, want 2"},
                 {1, 1, "time: too few likes (ratings of 3 or more): 1 for training, want 1; 1 users with likes to test, want 2"},
                 {1, 0, "time: too few likes (ratings of 3 or more): 1 for training, want 1; 0 users with likes to test, want 2"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        small_data *s = empty(10, 10, 10);
        int64_t time[10];
        for (uint32_t r = 0; r < 10; r++) {
            rate(s, r, r % 2, (r < 8 ? r < cases[i].learned : r - 8 < cases[i].asked) ? 3 : 2);
            time[r] = r;
        }
        s->data.time = time;
        mrq_parts p;
        err = (mrq_error){0};
        const mrq_status status = mrq_parts_make(&s->data, MRQ_PROTOCOL_TIME, false, 1, &p, &err);
        assert_int_equal(status, cases[i].sentence ? MRQ_USAGE : MRQ_OK);
        assert_string_equal(err.msg, cases[i].sentence ? cases[i].sentence : "");
        if (status == MRQ_OK)
            mrq_parts_clear(&p);
        small_data_free(s);
    }
}

static void a_time_that_differs_once_is_enough(void **state)
{
    (void)state;
    small_data *s = small_data_new(20, 15, 200);
    int64_t time[200] = {0};
    mrq_parts p;
    s->data.time = time;
    assert_fails(mrq_parts_make(&s->data, MRQ_PROTOCOL_TIME, false, 1, &p, &err), MRQ_USAGE,
                 "time: all 200 ratings have the same timestamp, 0");
    for (int i = 1; i < 200; i += 198) {
        time[i] = 7;
        assert_ok(mrq_parts_make(&s->data, MRQ_PROTOCOL_TIME, false, 1, &p, &err));
        mrq_parts_clear(&p);
        time[i] = 0;
    }
    s->data.n = 0;
    assert_fails(mrq_parts_make(&s->data, MRQ_PROTOCOL_TIME, false, 1, &p, &err), MRQ_USAGE,
                 "time: all 0 ratings have the same timestamp, 0");
    s->data.n = 3;
    assert_fails(mrq_parts_make(&s->data, MRQ_PROTOCOL_RATING, false, 1, &p, &err), MRQ_USAGE,
                 "rating: 3 ratings are too few: 3 for training and 0 for the test");
    small_data_free(s);
}

/* Which baseline says something in which protocol, and which of them are taken when nobody says. */
static void each_baseline_has_its_protocols(void **state)
{
    (void)state;
    static const char no_stars[] = "ranks, it does not predict stars", no_rank[] = "predicts stars, it does not rank",
                      no_new[] = "cannot score a new item", no_stranger[] = "knows likes alone, and a new user has none";
    enum { ALL = MRQ_PROTOCOL_GIVEN + 1 };
    static const char *const why[MRQ_BASELINES][ALL] = {
        {NULL, no_rank, no_rank, no_rank, no_rank, no_rank, no_rank, NULL, no_rank},
        {no_stars},
        {no_stars, NULL, NULL, NULL, no_new},
        {no_stars},
        {no_stars, NULL, NULL, NULL, no_new},
        {no_stars, NULL, NULL, no_stranger, no_new},
        {no_stars, NULL, NULL, no_stranger, no_new},
    };
    static const char usual[MRQ_BASELINES][ALL + 1] = {"y------y-", "----y----", "-yyy-yyyy", "----y----",
                                                       "-yyy-yyyy", "-yy--yyyy", "-yy--yyyy"};
    small_data *s = small_data_new(20, 15, 100);
    for (int kind = 0; kind < MRQ_BASELINES; kind++)
        for (int protocol = 0; protocol < ALL; protocol++) {
            const char *got = mrq_baseline_unfit((mrq_baseline_kind)kind, (mrq_protocol)protocol, &s->data);
            assert_string_equal(got ? got : "fits", why[kind][protocol] ? why[kind][protocol] : "fits");
            assert_int_equal(mrq_baseline_usual((mrq_baseline_kind)kind, (mrq_protocol)protocol, &s->data),
                             usual[kind][protocol] == 'y');
        }
    const uint32_t columns[] = {s->data.users->n_columns, s->data.items->n_columns};
    s->data.users->n_columns = s->data.items->n_columns = 0;
    assert_string_equal(mrq_baseline_unfit(MRQ_BASELINE_DEMOGRAPHIC, MRQ_PROTOCOL_TOPN, &s->data), "needs users with categories");
    assert_string_equal(mrq_baseline_unfit(MRQ_BASELINE_GENRES, MRQ_PROTOCOL_TOPN, &s->data), "needs items with genres");
    for (int kind = 0; kind < MRQ_BASELINES; kind++)
        if (kind != MRQ_BASELINE_DEMOGRAPHIC && kind != MRQ_BASELINE_GENRES && kind != MRQ_BASELINE_BIAS)
            assert_null(mrq_baseline_unfit((mrq_baseline_kind)kind, MRQ_PROTOCOL_TOPN, &s->data));
    s->data.users->n_columns = columns[0];
    s->data.items->n_columns = columns[1];
    small_data_free(s);
}

/* An item's 200 nearest, of equally near ones the first; the others say nothing. */
static void two_hundred_neighbours_are_near(void **state)
{
    (void)state;
    enum { FILMS = 230, PEOPLE = 40 };
    small_data *s = empty(PEOPLE, FILMS, PEOPLE * FILMS);
    mrq_random rng;
    mrq_random_init(&rng, 6, 0);
    static double likes[PEOPLE][FILMS];
    for (uint32_t u = 0; u < PEOPLE; u++)
        for (uint32_t m = 0; m < FILMS; m++)
            if (mrq_random_below(&rng, 3))
                rate(s, u, m, 5);
    mrq_parts p;
    mrq_ranker ranker;
    assert_ok(mrq_parts_make(&s->data, MRQ_PROTOCOL_TOPN, false, 1, &p, &err));
    memset(likes, 0, sizeof likes);
    for (uint32_t u = 0; u < PEOPLE; u++)
        for (uint64_t i = p.likes.list.offset[u]; i < p.likes.list.offset[u + 1]; i++)
            likes[u][p.likes.list.item[i]] = 1;
    assert_ok(mrq_ranker_make(MRQ_BASELINE_ITEMKNN, &s->data, &p, 1, 2, &ranker, &err));
    static double matrix[FILMS * FILMS]; /* row: an item, column: its neighbours */
    memset(matrix, 0, sizeof matrix);
    for (uint32_t j = 0; j < FILMS; j++)
        for (uint64_t i = ranker.near.list.offset[j]; i < ranker.near.list.offset[j + 1]; i++)
            matrix[ranker.near.list.item[i] * FILMS + j] = (double)ranker.near.strength[i];
    for (uint32_t i = 0; i < FILMS; i++) {
        uint32_t kept = 0;
        for (uint32_t j = 0; j < FILMS; j++) {
            double both = 0, of_i = 0, of_j = 0;
            for (uint32_t u = 0; u < PEOPLE; u++) {
                both += likes[u][i] * likes[u][j];
                of_i += likes[u][i];
                of_j += likes[u][j];
            }
            const double cosine = both / (sqrt(of_i * of_j) + 20), got = matrix[i * FILMS + j];
            assert_true(got == 0 || (i != j && fabs(got - cosine) < 1e-6));
            kept += got > 0;
        }
        assert_int_equal(kept, 200);
    }
    static float score[PEOPLE * FILMS];
    uint32_t all[PEOPLE];
    for (uint32_t u = 0; u < PEOPLE; u++)
        all[u] = u;
    assert_ok(mrq_ranker_score(&ranker, all, PEOPLE, score, &err));
    for (uint32_t u = 0; u < PEOPLE; u++)
        for (uint32_t i = 0; i < FILMS; i++) {
            double want = 0; /* what an item's own neighbours say of it, and not what it says of those that it is near to */
            for (uint32_t j = 0; j < FILMS; j++)
                want += likes[u][j] * matrix[i * FILMS + j];
            assert_true(fabs((double)score[u * FILMS + i] - want) < 1e-4);
        }
    mrq_ranker_clear(&ranker);
    mrq_parts_clear(&p);
    small_data_free(s);
}

/* Categories of up to 256 values are looked at, and of up to 12 are groups of their own. */
static void categories_of_many_values_are_left_out(void **state)
{
    (void)state;
    static const struct {
        uint32_t values[2], looked_at, groups;
    } cases[] = {{{12, 256}, 268, 12}, {{13, 257}, 13, 0}, {{1, 2}, 3, 3}, {{257, 300}, 0, 0}};
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        small_data *s = small_data_new(30, 15, 400);
        mrq_random rng;
        mrq_random_init(&rng, 1, 1);
        s->data.users->n_columns = 0;
        for (int k = 0; k < 2; k++) {
            small_category(s->data.users, &rng, k ? "big" : "small", cases[c].values[k]);
            uint32_t *code = mrq_arena_array(s->data.users->arena, 30, sizeof *code);
            for (uint32_t u = 0; u < 30; u++)
                code[u] = u % (cases[c].values[k] < 30 ? cases[c].values[k] : 30);
            s->data.users->column[k].code = code;
        }
        mrq_parts p;
        mrq_ranker ranker;
        assert_ok(mrq_parts_make(&s->data, MRQ_PROTOCOL_TOPN, false, 1, &p, &err));
        assert_ok(mrq_ranker_make(MRQ_BASELINE_DEMOGRAPHIC, &s->data, &p, 1, 1, &ranker, &err));
        assert_int_equal(ranker.n_values, cases[c].looked_at);
        MRQ_CLEANUP(mrq_arena_free) mrq_arena *arena = mrq_arena_new();
        MRQ_AUTOFREE uint32_t *top = mrq_array((size_t)p.n_users * MRQ_TOP, sizeof *top);
        const mrq_cuts cuts = MRQ_CUTS_USUAL;
        MRQ_AUTOFREE double *measured = mrq_array(p.n_users, mrq_cuts_columns(&cuts) * sizeof *measured);
        mrq_report report;
        mrq_summary summary;
        for (uint32_t i = 0; i < p.n_users * MRQ_TOP; i++)
            top[i] = i % MRQ_TOP;
        assert_ok(mrq_report_make(&s->data, &cuts, 1, arena, &report, &err));
        assert_ok(mrq_report_rankings(&report, &p, measured, top, &err));
        assert_ok(mrq_report_sum_up(&report, 1, &summary, &err));
        uint32_t users = 0;
        for (uint32_t g = 0; g < summary.n_groups; g++)
            users += summary.group[g].users;
        assert_int_equal(summary.n_groups, cases[c].groups);
        assert_int_equal(users, cases[c].groups ? (cases[c].groups == 3 ? 2 : 1) * summary.ranked_users : 0);
        mrq_ranker_clear(&ranker);
        mrq_parts_clear(&p);
        small_data_free(s);
    }
}

/* A model's own parts are made again only where all that tells of them is right. */
static void a_models_parts_are_its_own(void **state)
{
    (void)state;
    small_data *s = small_data_new(20, 15, 300);
    const mrq_description d = describe(SMALL(SMALL_DOT, SMALL_SUM, "{\"feature\":\"id\",\"kind\":\"id\"}",
                                             "{\"feature\":\"id\",\"kind\":\"id\"}", "\"epochs\":1,\"validation\":0.1"));
    mrq_train_result trained;
    mrq_parts p;
    assert_ok(mrq_train(&s->data, &d, &(mrq_train_options){.test = 0.2, .seed = 9, .threads = 1}, NULL, &trained, &err));
    mrq_model_results *r = &trained.model->results;
    const mrq_model_results good = *r;
    for (int i = 0; i < 8; i++) {
        mrq_status want = MRQ_BAD_FILE;
        const char *sentence = "the model's split cannot be made again: it had ";
        *r = good;
        if (i == 0)
            r->train_ratings++;
        else if (i == 1)
            r->valid_ratings++;
        else if (i == 2)
            r->test_ratings--;
        else if (i == 3)
            r->data_fingerprint = 1,
            sentence = "the model was trained on other data: its fingerprint is 0000000000000001 with schema small, this "
                       "folder's 000000000000feed with small, and only its own data has its test part";
        else if (i == 4)
            strcpy(r->schema, "other"),
                sentence = "its fingerprint is 000000000000feed with schema other, this folder's 000000000000feed with small";
        else if (i == 5)
            strcpy(r->split, "given"), sentence = "the model was trained with an unknown split, \"given\"";
        else if (i == 6)
            r->test_ratings = 0, want = MRQ_USAGE,
            sentence = "the model was trained without a test part, so there is nothing to test it on";
        else
            want = MRQ_OK;
        if (want == MRQ_OK) {
            assert_ok(mrq_parts_of_model(&s->data, trained.model, &p, &err));
            mrq_parts_clear(&p);
        } else
            assert_fails(mrq_parts_of_model(&s->data, trained.model, &p, &err), want, sentence);
        if (i < 3) {
            char counts[200];
            snprintf(counts, sizeof counts, "%llu, %llu and %llu ratings to train, validate and test, now 216, 24 and 60",
                     (unsigned long long)r->train_ratings, (unsigned long long)r->valid_ratings,
                     (unsigned long long)r->test_ratings);
            assert_non_null(strstr(err.msg, counts));
        }
    }
    mrq_model_free(trained.model);
    small_data_free(s);
}

/* What goes wrong is told with who it was. */
static void an_experiment_names_who_failed(void **state)
{
    (void)state;
    static const char *const texts[] = {
        SMALL(SMALL_DOT, SMALL_SUM, "{\"feature\":\"id\",\"kind\":\"id\"}", "{\"feature\":\"id\",\"kind\":\"id\"}",
              "\"optimizer\":\"sgd\",\"lr\":1000,\"epochs\":3,\"batch\":8"),
        SMALL(SMALL_DOT, SMALL_SUM, "{\"feature\":\"id\",\"kind\":\"id\"}", "{\"feature\":\"id\",\"kind\":\"id\"}",
              "\"optimizer\":\"sgd\",\"lr\":0.01,\"epochs\":1")};
    small_data *s = small_data_new(20, 15, 300);
    const mrq_description lost = describe(texts[0]), fine = describe(texts[1]);
    mrq_candidate candidate = {.name = "tiny", .description = &lost};
    const mrq_experiment experiment = {
        .data = &s->data, .protocol = MRQ_PROTOCOL_TOPN, .seed = 1, .seeds = 1, .threads = 1, .n = 1, .candidate = &candidate};
    mrq_experiment_result result;
    MRQ_CLEANUP(mrq_arena_free) mrq_arena *arena = mrq_arena_new();
    assert_fails(mrq_experiment_run(&experiment, arena, &result, &err), MRQ_FAILED,
                 "tiny: the loss exploded in the first epoch, after ");
    mrq_train_result trained;
    assert_ok(mrq_train(&s->data, &fine, &(mrq_train_options){.test = 0.2, .seed = 9, .threads = 1}, NULL, &trained, &err));
    trained.model->param[mrq_tensor_at(&trained.model->tensors, trained.model->user.plan[0].embedding, 1)] = NAN;
    candidate = (mrq_candidate){.name = "spoiled", .model = trained.model};
    mrq_experiment own = experiment;
    own.protocol = MRQ_PROTOCOL_OWN;
    own.own = trained.model;
    assert_fails(mrq_experiment_run(&own, arena, &result, &err), MRQ_FAILED, "spoiled: a score is not a finite number");
    mrq_model_free(trained.model);
    small_data_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_tenth_is_held_out_of_ten_or_more), cmocka_unit_test(two_users_are_asked_at_least),
        cmocka_unit_test(a_time_that_differs_once_is_enough), cmocka_unit_test(each_baseline_has_its_protocols),
        cmocka_unit_test(two_hundred_neighbours_are_near),    cmocka_unit_test(categories_of_many_values_are_left_out),
        cmocka_unit_test(a_models_parts_are_its_own),         cmocka_unit_test(an_experiment_names_who_failed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
