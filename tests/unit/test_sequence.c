/* Protocols that follow the order in which people liked things, splits of two files, and what is known when a user is asked. */
#include "unit/small_world.h"

#include "eval/asked.h"
#include "eval/experiment.h"
#include "eval/itemknn.h"
#include "eval/sequence.h"
#include "model/network.h"

static mrq_error err;

enum { USERS = 4, ITEMS = 9, EVENTS = 16 };

/* User 0 likes the items 5 3 8 1 in that order, and rates 7 and 6 low: 7 before the last but one, 6 after it. User 1 likes 2 and 4;
 * user 2 likes 0 6 2, the last two at the same time; user 3 likes 4 0 1 6 late. The file is in another order. */
static const struct event {
    uint32_t user, item;
    float rating;
    int64_t time;
} events[EVENTS] = {{0, 1, 5, 40}, {0, 5, 4, 10}, {1, 2, 5, 11}, {0, 7, 1, 25}, {2, 0, 5, 12}, {0, 8, 5, 30},
                    {0, 6, 2, 35}, {2, 6, 4, 26}, {2, 2, 4, 26}, {0, 3, 3, 20}, {1, 4, 5, 13}, {3, 4, 5, 50},
                    {3, 0, 5, 51}, {3, 1, 5, 52}, {3, 6, 5, 53}, {1, 7, 2, 14}};

struct world {
    small_data *small;
    mrq_dataset *data;
    int64_t time[EVENTS];
};

static struct world *make_world(void)
{
    struct world *w = calloc(1, sizeof *w);
    w->small = small_data_new(USERS, ITEMS, EVENTS);
    w->data = &w->small->data;
    for (uint32_t i = 0; i < EVENTS; i++) {
        w->small->user[i] = events[i].user;
        w->small->item[i] = events[i].item;
        w->small->rating[i] = events[i].rating;
        w->time[i] = events[i].time;
    }
    w->data->time = w->time;
    return w;
}

static void free_world(struct world *w)
{
    small_data_free(w->small);
    free(w);
}

/* "5 3 | 8": the items of some lists of a user. */
static void check_items(mrq_items got, const char *want)
{
    char text[100] = "";
    for (uint32_t i = 0; i < got.n; i++)
        snprintf(text + strlen(text), sizeof text - strlen(text), "%s%u", i ? " " : "", got.item[i]);
    assert_string_equal(text, want);
}

static mrq_items row_of(const mrq_lists *lists, uint32_t row)
{
    return (mrq_items){lists->item + lists->offset[row], (uint32_t)(lists->offset[row + 1] - lists->offset[row])};
}

static void the_last_like_is_asked_for(void **state)
{
    (void)state;
    struct world *w = make_world();
    mrq_parts p;
    assert_ok(mrq_parts_make(w->data, MRQ_PROTOCOL_LAST, false, 1, &p, &err));
    assert_int_equal(p.n_users, 3); /* user 1 has but two likes */
    static const uint32_t asked[] = {0, 2, 3};
    assert_memory_equal(p.user, asked, sizeof asked);
    check_items(mrq_parts_wanted(&p, 0), "1");
    check_items(mrq_parts_known(&p, 0), "8");
    check_items(row_of(&p.likes.list, 0), "3 5");
    check_items(row_of(&p.hidden, 0), "3 5 8");
    check_items(mrq_parts_wanted(&p, 1), "2"); /* of equal times the later in the file */
    check_items(mrq_parts_known(&p, 1), "6");
    check_items(mrq_parts_wanted(&p, 2), "6");
    check_items(row_of(&p.likes.list, 1), "2 4");
    /* of user 0 item 7 is learned from; 8 is for validation, 1 for the test, 6 nowhere */
    assert_int_equal(p.split.n_valid, 3);
    assert_int_equal(p.split.n_test, 3);
    assert_int_equal(p.split.n_train, EVENTS - 7);
    bool seven = false;
    for (uint64_t i = 0; i < p.split.n_train; i++) {
        assert_true(p.split.train[i] != 6);
        seven |= p.split.train[i] == 3;
    }
    assert_true(seven);
    mrq_parts_clear(&p);

    assert_ok(mrq_parts_make(w->data, MRQ_PROTOCOL_LAST, true, 1, &p, &err));
    check_items(mrq_parts_wanted(&p, 0), "8");
    check_items(mrq_parts_known(&p, 0), "");
    check_items(row_of(&p.hidden, 0), "3 5");
    assert_int_equal(p.split.n_train, EVENTS - 7);
    mrq_parts_clear(&p);
    free_world(w);
}

static void without_times_the_file_is_in_order(void **state)
{
    (void)state;
    struct world *w = make_world();
    mrq_parts p;
    w->data->time = NULL;
    assert_ok(mrq_parts_make(w->data, MRQ_PROTOCOL_LAST, false, 1, &p, &err));
    check_items(mrq_parts_wanted(&p, 0), "3");
    check_items(mrq_parts_known(&p, 0), "8");
    check_items(row_of(&p.likes.list, 0), "1 5");
    mrq_parts_clear(&p);
    assert_fails(mrq_parts_make(w->data, MRQ_PROTOCOL_NEXT, false, 1, &p, &err), MRQ_USAGE,
                 "next: these ratings have no timestamps");
    free_world(w);
}

/* The latest fifth of 16 events are those at 51, 52 and 53, all of user 3, of which the training knows item 4. */
static void what_comes_next_is_asked_for_in_order(void **state)
{
    (void)state;
    struct world *w = make_world();
    mrq_parts p;
    assert_ok(mrq_parts_make(w->data, MRQ_PROTOCOL_NEXT, false, 1, &p, &err));
    assert_int_equal(p.n_users, 3);
    assert_int_equal(p.n_all, 3);
    static const char *const known[] = {"", "0", "0 1"}, *const wanted[] = {"0", "1", "6"};
    for (uint32_t i = 0; i < 3; i++) {
        assert_int_equal(p.user[i], 3);
        check_items(mrq_parts_known(&p, i), known[i]);
        check_items(mrq_parts_wanted(&p, i), wanted[i]);
    }
    check_items(row_of(&p.hidden, 3), "4");
    mrq_parts_clear(&p);
    free_world(w);
}

/* Of too many likes a choice is asked for: by the seed, in order, each once. */
static void many_likes_are_sampled(void **state)
{
    (void)state;
    enum { MANY = 5 * (MRQ_ASKED_MAX + 1000), PEOPLE = 500 };
    small_data *s = small_data_new(PEOPLE, MANY / PEOPLE, MANY);
    int64_t *time = mrq_array(MANY, sizeof *time);
    for (uint32_t i = 0; i < MANY; i++) {
        s->user[i] = i % PEOPLE;
        s->item[i] = i / PEOPLE;
        s->rating[i] = 5;
        time[i] = i;
    }
    s->data.time = time;
    mrq_parts p, again, other;
    assert_ok(mrq_parts_make(&s->data, MRQ_PROTOCOL_NEXT, false, 1, &p, &err));
    assert_ok(mrq_parts_make(&s->data, MRQ_PROTOCOL_NEXT, false, 1, &again, &err));
    assert_ok(mrq_parts_make(&s->data, MRQ_PROTOCOL_NEXT, false, 2, &other, &err));
    assert_int_equal(p.n_users, MRQ_ASKED_MAX);
    assert_int_equal(p.n_all, MRQ_ASKED_MAX + 1000);
    for (uint32_t i = 1; i < p.n_users; i++)
        assert_true(p.user[i] > p.user[i - 1] || (p.user[i] == p.user[i - 1] && p.place[i] > p.place[i - 1]));
    assert_memory_equal(p.place, again.place, p.n_users * sizeof *p.place);
    assert_memory_not_equal(p.place, other.place, p.n_users * sizeof *p.place);
    mrq_parts_clear(&p);
    mrq_parts_clear(&again);
    mrq_parts_clear(&other);
    mrq_free(time);
    small_data_free(s);
}

static void two_files_are_two_parts(void **state)
{
    (void)state;
    struct world *w = make_world();
    mrq_parts p;
    w->data->n_train = 9;
    w->small->user[9] = 2; /* what is in both files is not asked for */
    w->small->item[9] = 0;
    assert_ok(mrq_parts_make(w->data, MRQ_PROTOCOL_GIVEN, false, 1, &p, &err));
    assert_int_equal(p.split.n_train, 9);
    assert_int_equal(p.split.n_valid, 0);
    assert_int_equal(p.split.n_test, EVENTS - 9);
    assert_int_equal(p.n_users, 2);
    check_items(mrq_parts_wanted(&p, 0), "4");
    check_items(row_of(&p.hidden, 1), "2");
    check_items(mrq_parts_wanted(&p, 1), "0 1 4 6");
    assert_null(mrq_parts_known(&p, 1).item);
    mrq_parts_clear(&p);
    free_world(w);
}

/* A baseline that is told of a like scores as if it had been among the user's likes. */
static void baselines_know_what_is_known(void **state)
{
    (void)state;
    small_data *s = small_data_new(40, 30, 900);
    mrq_parts p;
    assert_ok(mrq_parts_make(&s->data, MRQ_PROTOCOL_TOPN, false, 1, &p, &err));
    for (int kind = MRQ_BASELINE_ITEMKNN; kind <= MRQ_BASELINE_EASE; kind++) {
        mrq_ranker r;
        assert_ok(mrq_ranker_make((mrq_baseline_kind)kind, &s->data, &p, 1, 1, &r, &err));
        static const uint32_t nobody[31];
        uint64_t none[41] = {0};
        const mrq_items all = row_of(&p.likes.list, 3);
        float want[30] = {0}, got[30] = {0};
        const uint32_t user = 3;
        assert_ok(mrq_ranker_score(&r, &user, 1, want, &err));
        const mrq_links without = {{none, nobody}, NULL};
        r.likes = &without;
        assert_ok(mrq_ranker_score_knowing(&r, &user, &all, 1, got, &err));
        assert_memory_equal(got, want, sizeof got);
        mrq_ranker_clear(&r);
    }
    mrq_parts_clear(&p);
    small_data_free(s);
}

#define HISTORY                                                                                                                    \
    "{\"name\":\"h\",\"score\":{\"kind\":\"dot\"},\"joint\":{\"kind\":\"sum\",\"size\":8,\"activation\":\"linear\"},"              \
    "\"towers\":{\"user\":[{\"feature\":\"history\",\"kind\":\"history\"}],\"item\":[{\"feature\":\"id\",\"kind\":\"id\"}]},"      \
    "\"train\":{\"objective\":\"ranking\"}}"

/* A model's user with a known like scores as one who had it in the history. */
static void models_know_what_is_known(void **state)
{
    (void)state;
    small_data *s = small_data_new(40, 30, 900);
    int64_t time[900];
    for (uint32_t i = 0; i < 900; i++) {
        time[i] = i;
        s->rating[i] = 5; /* likes of equal strength */
    }
    s->data.time = time;
    const mrq_description d = describe(HISTORY);
    mrq_parts p;
    mrq_train_result trained;
    assert_ok(mrq_parts_make(&s->data, MRQ_PROTOCOL_NEXT, false, 1, &p, &err));
    assert_ok(mrq_train(&s->data, &d, &(mrq_train_options){.seed = 1, .threads = 1, .parts = &p.split}, NULL, &trained, &err));
    mrq_asked asked;
    assert_ok(mrq_asked_make(trained.model, &p, &asked, &err));
    const mrq_model *m = trained.model;
    const size_t width = m->user.width;
    const float *rows = m->param + mrq_tensor_at(&m->tensors, m->user.plan[0].embedding, 0);
    uint32_t checked = 0;
    for (uint32_t i = 0; i < p.n_users; i++) {
        const mrq_items known = mrq_parts_known(&p, i);
        double vector[64];
        float got[30] = {0};
        for (size_t k = 0; k < width; k++) {
            vector[k] = (double)asked.vectors.users[p.user[i] * width + k];
            for (uint32_t j = 0; j < known.n; j++)
                vector[k] += (double)rows[known.item[j] * width + k];
        }
        assert_ok(mrq_asked_score(&asked, &i, 1, got, &err));
        double ratio = 0; /* the user's vector has the length 1 there, and the items' are of another scale */
        for (uint32_t item = 0; item < 30; item++) {
            double want = 0;
            for (size_t k = 0; k < width; k++)
                want += vector[k] * (double)asked.vectors.items[item * width + k];
            if (fabs(want) < 1e-3)
                continue;
            ratio = ratio > 0 ? ratio : (double)got[item] / want;
            assert_true(ratio > 0 && fabs((double)got[item] / want / ratio - 1) < 1e-2);
            checked += known.n > 0;
        }
    }
    assert_true(checked > 100);
    mrq_asked_clear(&asked);
    mrq_model_free(trained.model);
    mrq_parts_clear(&p);
    small_data_free(s);
}

/* A difference of two candidates: none between a candidate and itself, and its interval is narrower than those of the two. */
static void candidates_are_compared_by_user(void **state)
{
    (void)state;
    small_data *s = small_data_new(200, 30, 4000);
    const mrq_candidate candidate[] = {{.name = "popular", .baseline = MRQ_BASELINE_POPULAR},
                                       {.name = "ease", .baseline = MRQ_BASELINE_EASE},
                                       {.name = "random", .baseline = MRQ_BASELINE_RANDOM},
                                       {.name = "again", .baseline = MRQ_BASELINE_POPULAR}};
    mrq_contrast contrast = {0};
    mrq_experiment e = {.data = &s->data,
                        .protocol = MRQ_PROTOCOL_TOPN,
                        .seed = 1,
                        .seeds = 2,
                        .threads = 2,
                        .n = 4,
                        .candidate = candidate,
                        .cuts = {2, {3, 20}},
                        .compared = {0, 3},
                        .contrast = &contrast};
    mrq_experiment_result result[4];
    MRQ_CLEANUP(mrq_arena_free) mrq_arena *arena = mrq_arena_new();
    assert_ok(mrq_experiment_run(&e, arena, result, &err));
    for (int m = 0; m < MRQ_MEASURES; m++)
        assert_true(contrast.measure[1][m].low == 0 && contrast.measure[1][m].mean == 0 && contrast.measure[1][m].high == 0);
    e.compared[0] = 1;
    e.compared[1] = 2;
    assert_ok(mrq_experiment_run(&e, arena, result, &err));
    const mrq_estimate *gain = &contrast.measure[1][MRQ_NDCG], *ease = &result[1].summary.measure[1][MRQ_NDCG],
                       *random = &result[2].summary.measure[1][MRQ_NDCG];
    assert_true(fabs(gain->mean - (ease->mean - random->mean)) < 1e-12);
    assert_true(gain->low > 0 && gain->low < gain->mean && gain->mean < gain->high);
    assert_true(gain->high - gain->low < ease->high - ease->low + random->high - random->low);
    assert_true(contrast.auc.low > 0.1);
    assert_true(fabs(result[2].summary.auc.mean - 0.5) < 0.05); /* of what is in random order */
    small_data_free(s);
}

/* Where more items are liked than can be related, there is no EASE, and a sentence. */
static void what_is_too_large_is_left_out(void **state)
{
    (void)state;
    enum { CATALOGUE = MRQ_RELATED_MAX + 1 };
    for (uint32_t more = 0; more < 2; more++) {
        small_data *s = small_data_new(2, CATALOGUE, CATALOGUE + 2);
        for (uint32_t i = 0; i < CATALOGUE; i++) {
            s->user[i] = i % 2;
            s->item[i] = i < MRQ_RELATED_MAX + more ? i : 0;
        }
        for (uint32_t i = 0; i < 2; i++) { /* each is to find what the other has */
            s->user[CATALOGUE + i] = i;
            s->item[CATALOGUE + i] = 1 - i;
        }
        s->data.n_train = CATALOGUE;
        s->data.like = 1;
        mrq_parts p;
        char why[MRQ_BASELINE_WHY] = "";
        assert_ok(mrq_parts_make(&s->data, MRQ_PROTOCOL_GIVEN, false, 1, &p, &err));
        assert_int_equal(mrq_baseline_too_large(MRQ_BASELINE_EASE, &s->data, &p, why), more);
        assert_string_equal(why, more ? "it relates 10001 items by a dense matrix, want at most 10000"
                                      : "it relates 10000 items by a dense matrix, want at most 10000");
        assert_false(mrq_baseline_too_large(MRQ_BASELINE_POPULAR, &s->data, &p, why));
        assert_false(mrq_baseline_too_large(MRQ_BASELINE_ITEMKNN, &s->data, &p, why));
        mrq_parts_clear(&p);

        const mrq_candidate candidate[] = {{.name = "ease", .baseline = MRQ_BASELINE_EASE},
                                           {.name = "popular", .baseline = MRQ_BASELINE_POPULAR}};
        mrq_contrast contrast;
        mrq_experiment e = {.data = &s->data,
                            .protocol = MRQ_PROTOCOL_GIVEN,
                            .seed = 1,
                            .seeds = 2,
                            .threads = 1,
                            .n = 2,
                            .candidate = candidate,
                            .compared = {1, 0},
                            .contrast = &contrast};
        mrq_experiment_result result[2];
        MRQ_CLEANUP(mrq_arena_free) mrq_arena *arena = mrq_arena_new();
        if (more) {
            assert_fails(mrq_experiment_run(&e, arena, result, &err), MRQ_USAGE,
                         "protocol given: ease cannot be compared: it relates 10001 items by a dense matrix, want at most 10000");
            e.contrast = NULL;
            assert_ok(mrq_experiment_run(&e, arena, result, &err));
            assert_string_equal(result[0].left_out, "it relates 10001 items by a dense matrix, want at most 10000");
            assert_int_equal(result[0].summary.seeds, 0);
            assert_int_equal(result[1].summary.seeds, 2);
        }
        small_data_free(s);
    }
    static const uint64_t of[] = {0, 3, 3, 5};
    assert_int_equal(mrq_itemknn_work(&(mrq_lists){of, NULL}, 3), 13);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_last_like_is_asked_for),
        cmocka_unit_test(without_times_the_file_is_in_order),
        cmocka_unit_test(what_comes_next_is_asked_for_in_order),
        cmocka_unit_test(many_likes_are_sampled),
        cmocka_unit_test(two_files_are_two_parts),
        cmocka_unit_test(baselines_know_what_is_known),
        cmocka_unit_test(models_know_what_is_known),
        cmocka_unit_test(candidates_are_compared_by_user),
        cmocka_unit_test(what_is_too_large_is_left_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
