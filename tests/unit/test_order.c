/* Train room, learning from the order of likes: sums over all times, made by their definition, and the matrix that they lead to. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/random.h"
#include "model/lapack.h"
#include "model/likes.h"
#include "train/components.h"
#include "unit/testing.h"

static mrq_error err;

enum { USERS = 50, ITEMS = 20, MOST = 12 };
#define NEXT 0.1353352832366127 /* as in succession.c */

/* Likes in a random order, and the order itself: (USERS, MOST) items, the oldest first. */
struct world {
    mrq_links likes;
    uint32_t *age;
    uint32_t sequence[USERS][MOST], n[USERS];
};

static void make_world(mrq_arena *arena, struct world *w)
{
    uint64_t *offset = mrq_arena_array(arena, USERS + 1, sizeof *offset);
    uint32_t *item = mrq_arena_array(arena, (size_t)USERS * MOST, sizeof *item);
    float *strength = mrq_arena_array(arena, (size_t)USERS * MOST, sizeof *strength);
    w->age = mrq_arena_array(arena, (size_t)USERS * MOST, sizeof *w->age);
    mrq_random random;
    mrq_random_init(&random, 7, 0);
    for (uint32_t u = 0; u < USERS; u++) {
        uint32_t place[ITEMS];
        for (uint32_t m = 0; m < ITEMS; m++)
            place[m] = MRQ_NONE;
        w->n[u] = 1 + (uint32_t)mrq_random_below(&random, MOST);
        for (uint32_t i = 0; i < w->n[u]; i++) {
            uint32_t m = 0;
            while (m == 0 || place[m] != MRQ_NONE) /* nobody likes item 0 */
                m = (uint32_t)mrq_random_below(&random, ITEMS);
            w->sequence[u][i] = m;
            place[m] = i;
        }
        offset[u + 1] = offset[u];
        for (uint32_t m = 0; m < ITEMS; m++)
            if (place[m] != MRQ_NONE) {
                item[offset[u + 1]] = m;
                strength[offset[u + 1]] = 1;
                w->age[offset[u + 1]++] = w->n[u] - 1 - place[m];
            }
    }
    w->likes = (mrq_links){{offset, item}, strength};
}

/* Σ_t x_t x_tᵀ and Σ_t x_t y_tᵀ by their definition. */
static void sum_up(const struct world *w, double together[ITEMS][ITEMS], double followed[ITEMS][ITEMS])
{
    for (uint32_t u = 0; u < USERS; u++)
        for (uint32_t t = 0; t + 1 < w->n[u]; t++) {
            double x[ITEMS] = {0}, y[ITEMS] = {0};
            for (uint32_t i = 0; i < w->n[u]; i++)
                if (i <= t)
                    x[w->sequence[u][i]] = mrq_recency(t - i);
                else
                    y[w->sequence[u][i]] = pow(NEXT, i - t - 1);
            for (uint32_t a = 0; a < ITEMS; a++)
                for (uint32_t b = 0; b < ITEMS; b++) {
                    together[a][b] += x[a] * x[b];
                    followed[a][b] += x[a] * y[b];
                }
        }
}

static bool near(double a, double b)
{
    return fabs(a - b) <= 1e-4 * (1 + fabs(b));
}

static void recency_falls_from_one_by_its_three_decays(void **state)
{
    (void)state;
    assert_true(near(mrq_recency(0), 1));
    for (uint32_t age = 0; age < 2000; age++) {
        const double want = (exp(-(double)age) + 0.4 * exp(-(double)age / 8) + 0.1 * exp(-(double)age / 60)) / 1.5;
        assert_true(fabs(mrq_recency(age) - want) <= 1e-12);
        assert_true(mrq_recency(age + 1) < mrq_recency(age));
    }
}

static void sums_over_all_times_are_those_of_the_definition(void **state)
{
    (void)state;
    MRQ_CLEANUP(mrq_arena_free) mrq_arena *arena = mrq_arena_new();
    struct world w;
    double together[ITEMS][ITEMS] = {{0}}, followed[ITEMS][ITEMS] = {{0}};
    make_world(arena, &w);
    sum_up(&w, together, followed);
    mrq_sparse_gram g;
    mrq_gram_scratch scratch;
    assert_ok(mrq_sparse_gram_make(&w.likes, w.age, USERS, ITEMS, 0.3, UINT32_MAX, 2, arena, &g, &err));
    assert_int_equal(mrq_gram_scratch_make(&scratch, g.n), 0);
    assert_int_equal(g.n, ITEMS - 1);
    for (uint32_t i = 0; i < g.n; i++) {
        double row[ITEMS] = {0}, targets[ITEMS] = {0};
        assert_true(near((double)g.diagonal[i], together[g.item[i]][g.item[i]]));
        const mrq_gram_row of = mrq_sparse_gram_row(&g, i, g.n, &scratch);
        for (uint32_t k = 0; k < of.n; k++)
            row[of.place[k]] = (double)of.value[k];
        const mrq_gram_row to = mrq_sparse_gram_targets(&g, i, &scratch);
        for (uint32_t k = 0; k < to.n; k++)
            targets[to.place[k]] = (double)to.value[k];
        for (uint32_t j = 0; j < g.n; j++) {
            assert_true(near(row[j], together[g.item[i]][g.item[j]]));
            assert_true(near(targets[j], followed[g.item[j]][g.item[i]]));
        }
        for (uint32_t k = 0; k < g.lower[i].n; k++)
            assert_true(near((double)g.lower[i].value[k], together[g.item[i]][g.item[g.lower[i].place[k]]]));
    }
    mrq_gram_scratch_clear(&scratch);
    for (uint32_t u = 0; u < USERS; u++) /* a like enters the user's sum by its recency */
        for (uint64_t i = g.by_user.list.offset[u]; i < g.by_user.list.offset[u + 1]; i++)
            assert_true(near((double)g.by_user.strength[i], mrq_recency(g.age[i])));
}

/* Column `j` of B by its definition: (together + λ) b = followed, in all places, or only in those that were followed by j. */
static void solve(const mrq_sparse_gram *g, bool all, double ridge, double together[ITEMS][ITEMS], double followed[ITEMS][ITEMS],
                  uint32_t j, float b[ITEMS])
{
    uint32_t place[ITEMS], n = 0;
    float a[ITEMS * ITEMS], right[ITEMS];
    for (uint32_t i = 0; i < g->n; i++) {
        b[i] = 0;
        if (all || followed[g->item[i]][g->item[j]] > 0)
            place[n++] = i;
    }
    for (uint32_t i = 0; i < n; i++) {
        for (uint32_t k = 0; k < n; k++)
            a[i * n + k] = (float)together[g->item[place[i]]][g->item[place[k]]];
        a[i * n + i] += (float)(ridge * sqrt(together[g->item[place[i]]][g->item[place[i]]]));
        right[i] = (float)followed[g->item[place[i]]][g->item[j]];
    }
    assert_ok(mrq_solve(a, n, right, 1, &err));
    for (uint32_t i = 0; i < n; i++)
        b[place[i]] = right[i];
}

/* What neighbours of everything say, or directions and neighbours together, is the whole matrix. */
static void the_parts_add_up_to_the_ridge_regression_on_what_came_next(void **state)
{
    (void)state;
    MRQ_CLEANUP(mrq_arena_free) mrq_arena *arena = mrq_arena_new();
    struct world w;
    double together[ITEMS][ITEMS] = {{0}}, followed[ITEMS][ITEMS] = {{0}};
    float b[ITEMS];
    make_world(arena, &w);
    sum_up(&w, together, followed);
    const mrq_components_task task = {
        .likes = &w.likes, .age = w.age, .users = USERS, .items = ITEMS, .k = ITEMS, .threads = 2, .ridge = 0.1, .seed = 1};
    for (int dense = 0; dense < 2; dense++) {
        enum { D = 4 };
        mrq_components got;
        assert_ok(mrq_components_fit(&task, dense, D, D, arena, &got, &err));
        for (uint32_t j = 0; j < got.gram.n; j++) {
            solve(&got.gram, dense, 2.7, together, followed, j, b);
            for (uint32_t i = 0; i < got.gram.n; i++) {
                const uint64_t at = mrq_lists_find(&got.near.rows.list, i, j);
                double sum = at == UINT64_MAX ? 0 : (double)got.near.rows.strength[at];
                for (uint32_t k = 0; dense && k < D; k++)
                    sum += (double)(got.score_history[i * D + k] * got.score_item[j * D + k]);
                assert_true(near(sum, (double)b[i]));
            }
        }
    }
}

/* Ages that no lists can have are refused, with whose they are. */
static void ages_are_below_the_number_of_likes(void **state)
{
    (void)state;
    static const uint64_t offset[] = {0, 2, 3};
    static const uint32_t item[] = {0, 1, 1};
    static const struct {
        uint32_t age[4];
        size_t n;
        const char *message;
    } cases[] = {{{1, 0, 0}, 3, NULL},
                 {{2, 0, 0}, 3, "ages: a like of user 0 has age 2, want less than 2"},
                 {{1, 0, 1}, 3, "ages: a like of user 1 has age 1, want less than 1"},
                 {{1, 0, 0}, 2, "section \"ages\" has "},
                 {{1, 0, 0, 0}, 4, "section \"ages\" has "}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char path[] = "/tmp/marquee-ages-XXXXXX";
        const int file = mkstemp(path);
        assert_true(file >= 0 && close(file) == 0);
        MRQ_CLEANUP(mrq_container_writer_free) mrq_container_writer *writer = mrq_container_writer_new("test", 1);
        mrq_container_add(writer, cases[i].age, cases[i].n, sizeof(uint32_t), "ages");
        assert_ok(mrq_container_write(writer, path, &err));
        MRQ_CLEANUP(mrq_container_close) mrq_container *container = NULL;
        assert_ok(mrq_container_open(path, "test", 1, &container, &err));
        assert_int_equal(unlink(path), 0);
        const uint32_t *age = NULL;
        const mrq_status got = mrq_ages_load(container, "ages", &(mrq_lists){offset, item}, 2, &age, &err);
        assert_int_equal(got, cases[i].message ? MRQ_BAD_FILE : MRQ_OK);
        if (cases[i].message)
            assert_non_null(strstr(err.msg, cases[i].message));
        else
            assert_memory_equal(age, cases[i].age, 3 * sizeof *age);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(recency_falls_from_one_by_its_three_decays),
        cmocka_unit_test(sums_over_all_times_are_those_of_the_definition),
        cmocka_unit_test(ages_are_below_the_number_of_likes),
        cmocka_unit_test(the_parts_add_up_to_the_ridge_regression_on_what_came_next),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
