/* Rankings against a full sort and measures against their definitions, on cases worked by hand and on random ones. */
#include "unit/small_world.h"

#include "model/network.h"
#include "train/ranking.h"

static mrq_error err;

/* Scores with many ties, from a table (users, items). */
struct table {
    uint32_t items;
    const float *score;
};

static mrq_status look_up(const void *context, const uint32_t *user, uint32_t n, float *out, mrq_error *problem)
{
    const struct table *t = context;
    (void)problem;
    for (uint32_t i = 0; i < n; i++)
        for (uint32_t m = 0; m < t->items; m++) {
            if (out[(size_t)i * t->items + m] != 0) /* the header says so */
                abort();
            out[(size_t)i * t->items + m] = t->score[(size_t)user[i] * t->items + m];
        }
    return MRQ_OK;
}

static const float *sorted_by;

static int by_score(const void *a, const void *b)
{
    const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    if (sorted_by[x] != sorted_by[y])
        return sorted_by[x] > sorted_by[y] ? -1 : 1;
    return (x > y) - (x < y);
}

static bool listed(const uint32_t *list, uint64_t n, uint32_t item)
{
    for (uint64_t i = 0; i < n; i++)
        if (list[i] == item)
            return true;
    return false;
}

enum { USERS = 150, ITEMS = 90 };

struct world {
    float *score;
    mrq_lists hidden;
    uint64_t offset[USERS + 1];
    uint32_t item[USERS * 40], user[USERS];
    unsigned char candidate[ITEMS];
    struct table table;
};

static struct world *make_world(uint64_t seed)
{
    struct world *w = calloc(1, sizeof *w);
    mrq_random rng;
    mrq_random_init(&rng, seed, 0);
    w->score = mrq_array(USERS * ITEMS, sizeof *w->score);
    for (uint32_t i = 0; i < USERS * ITEMS; i++)
        w->score[i] = (float)mrq_random_below(&rng, 30) - 15;
    for (uint32_t u = 0; u < USERS; u++) {
        w->user[u] = (u * 7 + 3) % USERS; /* not in order */
        uint64_t n = w->offset[u];
        for (uint32_t m = 0; m < ITEMS; m++)
            if (n < w->offset[u] + 40 && mrq_random_below(&rng, 4) == 0)
                w->item[n++] = m;
        w->offset[u + 1] = n;
    }
    for (uint32_t m = 0; m < ITEMS; m++)
        w->candidate[m] = mrq_random_below(&rng, 3) == 0;
    w->hidden = (mrq_lists){w->offset, w->item};
    w->table = (struct table){ITEMS, w->score};
    return w;
}

static void check_rank(const struct world *w, bool hide, bool choose, uint32_t k, uint32_t threads)
{
    const mrq_rank_task task = {.items = ITEMS,
                                .user = w->user,
                                .n_users = USERS,
                                .hidden = hide ? w->hidden : (mrq_lists){0},
                                .candidate = choose ? w->candidate : NULL,
                                .k = k,
                                .threads = threads};
    uint32_t *top = mrq_array((size_t)USERS * k, sizeof *top);
    assert_ok(mrq_rank(&task, look_up, &w->table, top, &err));
    for (uint32_t i = 0; i < USERS; i++) {
        const uint32_t u = w->user[i];
        uint32_t all[ITEMS], n = 0;
        for (uint32_t m = 0; m < ITEMS; m++)
            if (!(hide && listed(w->item + w->offset[u], w->offset[u + 1] - w->offset[u], m)) && !(choose && !w->candidate[m]))
                all[n++] = m;
        sorted_by = w->score + (size_t)u * ITEMS;
        qsort(all, n, sizeof *all, by_score);
        for (uint32_t j = 0; j < k; j++)
            assert_int_equal(top[(size_t)i * k + j], j < n ? all[j] : MRQ_NONE);
    }
    mrq_free(top);
}

static void test_rank_is_a_full_sort(void **state)
{
    (void)state;
    struct world *w = make_world(1);
    for (uint32_t threads = 1; threads <= 3; threads += 2)
        for (int hide = 0; hide < 2; hide++)
            for (int choose = 0; choose < 2; choose++) {
                check_rank(w, hide, choose, 1, threads);
                check_rank(w, hide, choose, 10, threads);
                check_rank(w, hide, choose, ITEMS + 5, threads);
            }
    mrq_free(w->score);
    free(w);
}

/* Leaves out the item with the user's number; fails at the user at one place. */
struct looking {
    const struct world *w;
    uint32_t fails_at;
};

static mrq_status leave_one_out(void *context, uint32_t i, float *score, mrq_error *problem)
{
    const struct looking *looking = context;
    const uint32_t user = looking->w->user[i];
    if (i == looking->fails_at)
        return mrq_fail(problem, MRQ_UNAVAILABLE, "seen enough");
    for (uint64_t j = looking->w->offset[user]; j < looking->w->offset[user + 1]; j++)
        if (score[looking->w->item[j]] != -INFINITY)
            return mrq_fail(problem, MRQ_FAILED, "a hidden item is shown");
    score[user % ITEMS] = -INFINITY;
    return MRQ_OK;
}

static void what_looks_on_leaves_out_more(void **state)
{
    (void)state;
    struct world *w = make_world(3);
    struct looking looking = {w, MRQ_NONE};
    mrq_rank_task task = {.items = ITEMS, .user = w->user, .n_users = USERS, .hidden = w->hidden, .k = 5, .threads = 2};
    static uint32_t without[USERS * 5], with[USERS * 5];
    assert_ok(mrq_rank(&task, look_up, &w->table, without, &err));
    task.look = leave_one_out;
    task.look_context = &looking;
    assert_ok(mrq_rank(&task, look_up, &w->table, with, &err));
    for (uint32_t i = 0; i < USERS; i++) {
        uint32_t *list = without + (size_t)i * 5, kept = 0;
        for (uint32_t j = 0; j < 5; j++)
            if (list[j] != w->user[i] % ITEMS)
                list[kept++] = list[j];
        assert_memory_equal(list, with + (size_t)i * 5, kept * sizeof *list);
        assert_false(listed(with + (size_t)i * 5, 5, w->user[i] % ITEMS));
    }
    looking.fails_at = USERS - 1;
    assert_fails(mrq_rank(&task, look_up, &w->table, with, &err), MRQ_UNAVAILABLE, "seen enough");
    mrq_free(w->score);
    free(w);
}

static mrq_status give_up(const void *context, const uint32_t *user, uint32_t n, float *out, mrq_error *problem)
{
    (void)context;
    (void)n;
    (void)out;
    return user[0] == 10 ? mrq_fail(problem, MRQ_UNAVAILABLE, "gone fishing") : MRQ_OK;
}

static void test_rank_reports(void **state)
{
    (void)state;
    struct world *w = make_world(2);
    static uint32_t top[USERS * 5];
    const mrq_rank_task task = {.items = ITEMS, .user = w->user, .n_users = USERS, .k = 5, .threads = 2};
    w->score[77 * ITEMS + 4] = (float)NAN;
    assert_fails(mrq_rank(&task, look_up, &w->table, top, &err), MRQ_FAILED, "not a finite number");
    w->score[77 * ITEMS + 4] = INFINITY;
    assert_fails(mrq_rank(&task, look_up, &w->table, top, &err), MRQ_FAILED, "not a finite number");
    w->user[0] = 10;
    assert_fails(mrq_rank(&task, give_up, NULL, top, &err), MRQ_UNAVAILABLE, "gone fishing");
    const mrq_rank_task nobody = {.items = ITEMS, .k = 5, .threads = 2};
    assert_ok(mrq_rank(&nobody, look_up, &w->table, top, &err));
    mrq_free(w->score);
    free(w);
}

static void assert_close(double got, double want)
{
    if (!(fabs(got - want) < 1e-12))
        fail_msg("got %.15g, want %.15g", got, want);
}

static void test_measures_by_hand(void **state)
{
    (void)state;
    const uint32_t relevant[] = {2, 5, 9}, top[] = {7, 5, 1, 2};
    mrq_rank_measures got = mrq_rank_measure(top, 4, relevant, 3);
    assert_close(got.recall, 2.0 / 3);
    assert_close(got.precision, 0.5);
    assert_close(got.hit, 1);
    assert_close(got.mrr, 0.5);
    /* found at ranks 2 and 4; three at best in four places */
    assert_close(got.ndcg, (1 / log2(3) + 1 / log2(5)) / (1 + 1 / log2(3) + 1 / log2(4)));

    got = mrq_rank_measure(top, 2, relevant, 3); /* a shorter list: two at best */
    assert_close(got.ndcg, (1 / log2(3)) / (1 + 1 / log2(3)));
    assert_close(got.recall, 1.0 / 3);

    const uint32_t none[] = {1, MRQ_NONE, MRQ_NONE};
    got = mrq_rank_measure(none, 3, relevant, 3);
    assert_close(got.recall + got.precision + got.hit + got.mrr + got.ndcg, 0);

    const uint32_t perfect[] = {9, 2, 5, MRQ_NONE, MRQ_NONE};
    got = mrq_rank_measure(perfect, 5, relevant, 3);
    assert_close(got.ndcg, 1);
    assert_close(got.recall, 1);
    assert_close(got.mrr, 1);
    assert_close(got.precision, 0.6); /* of the places, not of those filled */
}

static void test_measures_by_definition(void **state)
{
    (void)state;
    mrq_random rng;
    mrq_random_init(&rng, 3, 0);
    for (int round = 0; round < 500; round++) {
        uint32_t all[60], top[20], relevant[60], n = 0;
        const uint32_t k = 1 + (uint32_t)mrq_random_below(&rng, 20);
        for (uint32_t i = 0; i < 60; i++)
            all[i] = i;
        mrq_random_shuffle(&rng, all, 60);
        memcpy(top, all, sizeof top);
        const uint64_t share = 2 + mrq_random_below(&rng, 30);
        for (uint32_t i = 0; i < 60; i++)
            if (mrq_random_below(&rng, share) == 0)
                relevant[n++] = i;
        if (!n)
            continue;
        double found = 0, gain = 0, most = 0, first = 0;
        for (uint32_t i = k; i-- > 0;)
            if (listed(relevant, n, top[i])) {
                found++;
                gain += log(2) / log(i + 2.0);
                first = i + 1;
            }
        for (uint32_t i = 0; i < (n < k ? n : k); i++)
            most += log(2) / log(i + 2.0);
        const mrq_rank_measures got = mrq_rank_measure(top, k, relevant, n);
        assert_close(got.recall, found / n);
        assert_close(got.precision, found / k);
        assert_close(got.hit, found > 0);
        assert_close(got.mrr, first > 0 ? 1 / first : 0);
        assert_close(got.ndcg, gain / most);
    }
}

/* A model's scores are those of the full network, but for what is the same for all items of a user. */
static void check_model(const char *text)
{
    small_data *s = small_data_new(30, 25, 400);
    uint32_t train[400], user[3] = {4, 29, 0};
    for (uint32_t i = 0; i < 400; i++)
        train[i] = i;
    const mrq_description description = describe(text);
    mrq_model_source source = mrq_train_source(&s->data, train, 400);
    source.seed = 11;
    mrq_model *model = NULL;
    mrq_vectors vectors;
    mrq_arena *arena = mrq_arena_new();
    assert_ok(mrq_model_new(&description, &source, &model, &err));
    mrq_random rng;
    mrq_random_init(&rng, 1, 1);
    for (size_t i = 0; i < model->tensors.size; i++)
        model->param[i] += (float)(mrq_random_unit(&rng) - 0.5);
    model->results.rating_min = -1e9; /* nothing is held */
    model->results.rating_max = 1e9;
    assert_ok(mrq_vectors_make(model, arena, &vectors, &err));
    assert_ok(mrq_vectors_update(model, &vectors, &err));
    static float out[3 * 25];
    assert_ok(mrq_score_items(&(mrq_model_scorer){model, &vectors}, user, 3, out, &err));
    const double slope = description.score == MRQ_COSINE ? description.scale : 1;
    for (uint32_t i = 0; i < 3; i++) {
        const double apart = mrq_score(model, &vectors, user[i], 0) - slope * (double)out[i * 25];
        for (uint32_t m = 1; m < 25; m++) {
            const double want = mrq_score(model, &vectors, user[i], m), got = slope * (double)out[i * 25 + m] + apart;
            if (!(fabs(got - want) < 1e-4))
                fail_msg("user %u item %u: %g, want %g", user[i], m, got, want);
        }
    }
    mrq_arena_free(arena);
    mrq_model_free(model);
    small_data_free(s);
}

static void test_model_scores(void **state)
{
    (void)state;
    check_model(SMALL(SMALL_COSINE, SMALL_DENSE, SMALL_DENSE_USER, SMALL_DENSE_ITEM, ""));
    check_model(SMALL(SMALL_DOT, SMALL_DENSE, SMALL_DENSE_USER, SMALL_DENSE_ITEM, ""));
    check_model(SMALL(SMALL_BIASED, SMALL_SUM, "{\"feature\":\"id\",\"kind\":\"id\"}", "{\"feature\":\"id\",\"kind\":\"id\"}", ""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rank_is_a_full_sort),    cmocka_unit_test(what_looks_on_leaves_out_more),
        cmocka_unit_test(test_rank_reports),           cmocka_unit_test(test_measures_by_hand),
        cmocka_unit_test(test_measures_by_definition), cmocka_unit_test(test_model_scores),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
