/* Train room, the parts of a ranking on large catalogues: sparse Gram matrices, neighbours, directions, and how they are mixed.
 * Each is compared with the same in dense matrices of doubles, by its definition. */
#include <math.h>

#include "base/finite.h"
#include "base/random.h"
#include "train/components.h"
#include "train/itemitem.h"
#include "unit/testing.h"

static mrq_error err;

enum { USERS = 60, ITEMS = 40, LIKED = 35 }; /* items from LIKED on are liked by nobody */

/* Two groups of users who like items of their own parity, the earlier items more often. */
static mrq_links make_likes(mrq_arena *arena)
{
    uint64_t *offset = mrq_arena_array(arena, USERS + 1, sizeof *offset);
    uint32_t *item = mrq_arena_array(arena, (size_t)USERS * ITEMS, sizeof *item);
    float *strength = mrq_arena_array(arena, (size_t)USERS * ITEMS, sizeof *strength);
    mrq_random random;
    mrq_random_init(&random, 4, 0);
    for (uint32_t u = 0; u < USERS; u++) {
        offset[u + 1] = offset[u];
        for (uint32_t m = 0; m < LIKED; m++)
            if (mrq_random_unit(&random) < (m % 2 == u % 2 ? 0.6 : 0.1) * (1 - m / 50.0)) {
                item[offset[u + 1]] = m;
                strength[offset[u + 1]++] = 0.9f + 0.01f * (float)(m % 20);
            }
    }
    return (mrq_links){{offset, item}, strength};
}

/* G of items, in doubles. */
static void dense_gram(const mrq_links *likes, double damping, double g[ITEMS][ITEMS])
{
    double weighted = 0;
    for (uint32_t u = 0; u < USERS; u++)
        weighted += pow((double)(likes->list.offset[u + 1] - likes->list.offset[u]), 1 - damping);
    for (uint32_t u = 0; u < USERS; u++) {
        const uint64_t first = likes->list.offset[u], end = likes->list.offset[u + 1];
        const double weight = (double)likes->list.offset[USERS] / weighted * pow((double)(end - first), -damping);
        for (uint64_t i = first; i < end; i++)
            for (uint64_t j = first; j < end; j++)
                g[likes->list.item[i]][likes->list.item[j]] += weight * (double)(likes->strength[i] * likes->strength[j]);
    }
}

static bool near(double a, double b)
{
    return fabs(a - b) <= 1e-4 * (1 + fabs(b));
}

static void a_sparse_gram_matrix_is_the_dense_one(void **state)
{
    (void)state;
    MRQ_CLEANUP(mrq_arena_free) mrq_arena *arena = mrq_arena_new();
    const mrq_links likes = make_likes(arena);
    double want[ITEMS][ITEMS] = {{0}};
    dense_gram(&likes, 0.3, want);
    for (uint32_t threads = 1; threads <= 3; threads++) {
        mrq_sparse_gram g;
        mrq_gram_scratch scratch;
        assert_ok(mrq_sparse_gram_make(&likes, NULL, USERS, ITEMS, 0.3, UINT32_MAX, threads, arena, &g, &err));
        assert_int_equal(g.n, LIKED);
        assert_int_equal(g.left_out, 0);
        assert_int_equal(mrq_gram_scratch_make(&scratch, g.n), 0);
        for (uint32_t i = 0; i < g.n; i++) {
            const uint64_t *of = g.by_item.list.offset + i;
            assert_true(i == 0 || of[0] - of[-1] >= of[1] - of[0]); /* the most liked first */
            assert_true(near((double)g.diagonal[i], want[g.item[i]][g.item[i]]));
            uint32_t k = 0;
            for (uint32_t j = 0; j <= i; j++) {
                const bool there = k < g.lower[i].n && g.lower[i].place[k] == j;
                assert_int_equal(there, want[g.item[i]][g.item[j]] > 0);
                if (there)
                    assert_true(near((double)g.lower[i].value[k++], want[g.item[i]][g.item[j]]));
            }
            assert_int_equal(k, g.lower[i].n);
            const mrq_gram_row row = mrq_sparse_gram_row(&g, i, g.n, &scratch);
            for (k = 0; k < row.n; k++) {
                assert_true(k == 0 || row.place[k - 1] < row.place[k]);
                assert_true(near((double)row.value[k], want[g.item[i]][g.item[row.place[k]]]));
            }
            assert_true(row.n >= g.lower[i].n);
        }
        mrq_gram_scratch_clear(&scratch);
    }
}

/* Rows across all blocks: a row by its definition, and cut off before any place. */
static void a_large_gram_matrix_is_that_of_its_definition(void **state)
{
    (void)state;
    enum { MANY = 8300, EACH = 7, READERS = 5000 };
    MRQ_CLEANUP(mrq_arena_free) mrq_arena *arena = mrq_arena_new();
    uint64_t *offset = mrq_arena_array(arena, READERS + 1, sizeof *offset);
    uint32_t *item = mrq_arena_array(arena, (size_t)READERS * EACH, sizeof *item);
    float *strength = mrq_arena_array(arena, (size_t)READERS * EACH, sizeof *strength);
    mrq_random random;
    mrq_random_init(&random, 8, 0);
    for (uint32_t u = 0; u < READERS; u++) {
        offset[u + 1] = offset[u] + EACH;
        for (uint32_t i = 0; i < EACH; i++) { /* ascending, and all are liked by somebody */
            const uint32_t width = MANY / EACH + 1, from = i * width;
            const uint32_t to = from + (u < width ? u : (uint32_t)mrq_random_below(&random, width));
            item[offset[u] + i] = to < MANY ? to : MANY - 1;
            strength[offset[u] + i] = 1 + 0.01f * (float)(u % 10);
        }
    }
    const mrq_links likes = {{offset, item}, strength};
    mrq_sparse_gram g;
    mrq_gram_scratch scratch;
    assert_ok(mrq_sparse_gram_make(&likes, NULL, READERS, MANY + 5, 0.3, UINT32_MAX, 2, arena, &g, &err));
    assert_int_equal(g.n, MANY);
    assert_int_equal(mrq_gram_scratch_make(&scratch, g.n), 0);
    static const uint32_t ends[] = {1, 63, 64, 65, 255, 256, 257, 4095, 4096, 4097, 8191, 8192, 8193, MANY};
    for (uint32_t i = 0; i < g.n; i++) {
        static double want[MANY];
        const uint64_t *of = g.by_item.list.offset + i;
        memset(want, 0, sizeof want);
        for (uint64_t f = of[0]; f < of[1]; f++)
            for (uint64_t l = offset[g.by_item.list.item[f]]; l < offset[g.by_item.list.item[f] + 1]; l++)
                want[item[l]] += (double)(g.by_item.strength[f] * strength[l]); /* each has as many likes, so none is damped */
        for (size_t end = 0; end <= sizeof ends / sizeof *ends; end++) {
            const bool whole = end == sizeof ends / sizeof *ends;
            if (!whole && i % 83)
                continue;
            const mrq_gram_row row = whole ? g.lower[i] : mrq_sparse_gram_row(&g, i, ends[end], &scratch);
            const uint32_t stop = whole ? i + 1 : ends[end];
            uint32_t k = 0;
            for (uint32_t j = 0; j < stop; j++)
                if (want[g.item[j]] > 0) {
                    assert_true(k < row.n && row.place[k] == j);
                    assert_true(near((double)row.value[k++], want[g.item[j]]));
                }
            assert_int_equal(k, row.n);
        }
    }
    mrq_gram_scratch_clear(&scratch);
}

static void a_row_keeps_the_largest_cosines_and_itself(void **state)
{
    (void)state;
    MRQ_CLEANUP(mrq_arena_free) mrq_arena *arena = mrq_arena_new();
    const mrq_links likes = make_likes(arena);
    mrq_sparse_gram all, g;
    uint64_t left_out = 0;
    assert_ok(mrq_sparse_gram_make(&likes, NULL, USERS, ITEMS, 0.3, UINT32_MAX, 2, arena, &all, &err));
    assert_ok(mrq_sparse_gram_make(&likes, NULL, USERS, ITEMS, 0.3, 5, 2, arena, &g, &err));
    for (uint32_t i = 0; i < g.n; i++) {
        const mrq_gram_row *long_row = &all.lower[i], *row = &g.lower[i];
        assert_int_equal(row->n, long_row->n < 5 ? long_row->n : 5);
        assert_int_equal(row->place[row->n - 1], i);
        double least = INFINITY;
        for (uint32_t k = 0; k + 1 < row->n; k++) {
            assert_true(k == 0 || row->place[k - 1] < row->place[k]);
            least = fmin(least, pow((double)row->value[k], 2) / (double)g.diagonal[row->place[k]]);
        }
        uint32_t larger = 0;
        for (uint32_t k = 0; k + 1 < long_row->n; k++)
            larger += pow((double)long_row->value[k], 2) / (double)g.diagonal[long_row->place[k]] > least;
        assert_true(larger < 5);
        left_out += long_row->n - row->n;
    }
    assert_true(left_out > 0 && g.left_out == left_out);
}

/* Of a user with more likes than are used, the used ones are spread over the list. */
static void a_user_with_very_many_likes_counts_in_part(void **state)
{
    (void)state;
    enum { MANY = MRQ_GRAM_LIKES * 2 };
    MRQ_CLEANUP(mrq_arena_free) mrq_arena *arena = mrq_arena_new();
    for (uint32_t n = MRQ_GRAM_LIKES; n <= MANY; n += MRQ_GRAM_LIKES) {
        uint64_t offset[] = {0, n};
        uint32_t *item = mrq_arena_array(arena, n, sizeof *item), odd = 0;
        float *strength = mrq_arena_array(arena, n, sizeof *strength);
        for (uint32_t i = 0; i < n; i++) {
            item[i] = i;
            strength[i] = 1;
        }
        mrq_sparse_gram g;
        assert_ok(mrq_sparse_gram_make(&(mrq_links){{offset, item}, strength}, NULL, 1, n, 0, 2, 1, arena, &g, &err));
        assert_int_equal(g.by_user.list.offset[1], MRQ_GRAM_LIKES);
        for (uint32_t i = 0; i < MRQ_GRAM_LIKES; i++)
            odd += g.by_user.list.item[i] != i * (n / MRQ_GRAM_LIKES) + n / MRQ_GRAM_LIKES - 1;
        assert_int_equal(odd, 0);
    }
}

/* Items whose likes are not used have no say, and nothing becomes infinite: as vectors of EASE, and with neighbours. */
static void items_whose_likes_are_not_used_are_harmless(void **state)
{
    (void)state;
    enum { MANY = MRQ_GRAM_LIKES + 50, D = 4 };
    MRQ_CLEANUP(mrq_arena_free) mrq_arena *arena = mrq_arena_new();
    uint64_t offset[] = {0, MANY, MANY + 3, MANY + 6};
    uint32_t *item = mrq_arena_array(arena, MANY + 6, sizeof *item);
    float *strength = mrq_arena_array(arena, MANY + 6, sizeof *strength);
    for (uint32_t i = 0; i < MANY + 6; i++) {
        item[i] = i < MANY ? i : (i - MANY) % 3;
        strength[i] = 1;
    }
    const mrq_links likes = {{offset, item}, strength};
    const mrq_components_task task = {.likes = &likes, .users = 3, .items = MANY, .k = 8, .threads = 2, .ridge = 1, .seed = 1};
    for (int dense = 0; dense < 2; dense++) {
        mrq_components got;
        assert_ok(mrq_components_fit(&task, dense, D, D, arena, &got, &err));
        assert_int_equal(got.gram.n, MANY);
        const size_t size = (size_t)MANY * D;
        assert_true(mrq_all_finite(got.score_item, size) && mrq_all_finite(got.score_history, size));
        assert_true(mrq_all_finite(got.like_item, size) && mrq_all_finite(got.like_history, size));
    }
}

/* Solves A x = b by elimination. */
static void solve(uint32_t n, double a[ITEMS][ITEMS], double *b)
{
    for (uint32_t i = 0; i < n; i++)
        for (uint32_t j = i + 1; j < n; j++) {
            const double factor = a[j][i] / a[i][i];
            for (uint32_t k = i; k < n; k++)
                a[j][k] -= factor * a[i][k];
            b[j] -= factor * b[i];
        }
    for (uint32_t i = n; i-- > 0;) {
        for (uint32_t k = i + 1; k < n; k++)
            b[i] -= a[i][k] * b[k];
        b[i] /= a[i][i];
    }
}

static void neighbours_solve_their_own_ridge_regression(void **state)
{
    (void)state;
    MRQ_CLEANUP(mrq_arena_free) mrq_arena *arena = mrq_arena_new();
    const mrq_links likes = make_likes(arena);
    double want[ITEMS][ITEMS] = {{0}};
    dense_gram(&likes, 0.3, want);
    mrq_sparse_gram g;
    assert_ok(mrq_sparse_gram_make(&likes, NULL, USERS, ITEMS, 0.3, UINT32_MAX, 1, arena, &g, &err));
    for (uint32_t threads = 1; threads <= 2; threads++)
        for (uint32_t k = 1; k <= 64; k *= 8) {
            mrq_neighbours b;
            assert_ok(mrq_neighbours_solve(&g, k, 2, threads, arena, &b, &err));
            for (uint32_t j = 0; j < g.n; j++) {
                const uint64_t first = b.columns.list.offset[j];
                const uint32_t n = (uint32_t)(b.columns.list.offset[j + 1] - first), *place = b.columns.list.item + first;
                double a[ITEMS][ITEMS], x[ITEMS], least = INFINITY;
                uint32_t others = 0, better = 0;
                for (uint32_t i = 0; i < n; i++) {
                    assert_true(place[i] != j && (i == 0 || place[i - 1] < place[i]));
                    for (uint32_t c = 0; c < n; c++)
                        a[i][c] = want[g.item[place[i]]][g.item[place[c]]];
                    a[i][i] += 2 * sqrt(a[i][i]);
                    x[i] = want[g.item[place[i]]][g.item[j]];
                    least = fmin(least, x[i] / sqrt(want[g.item[place[i]]][g.item[place[i]]]));
                }
                for (uint32_t i = 0; i < g.n; i++) {
                    const double with = want[g.item[i]][g.item[j]];
                    others += i != j && with > 0;
                    better += i != j && with / sqrt(want[g.item[i]][g.item[i]]) > least * (1 + 1e-5);
                }
                assert_int_equal(n, others < k ? others : k);
                assert_true(better < k);
                solve(n, a, x);
                for (uint32_t i = 0; i < n; i++) {
                    assert_true(near((double)b.columns.strength[first + i], x[i]));
                    const uint64_t at = mrq_lists_find(&b.rows.list, place[i], j);
                    assert_true(at != UINT64_MAX && b.rows.strength[at] >= b.columns.strength[first + i] &&
                                b.rows.strength[at] <= b.columns.strength[first + i]);
                }
            }
            assert_true(b.rows.list.offset[g.n] == b.columns.list.offset[g.n]);
        }
}

static void shortened_columns_keep_what_weighs_most(void **state)
{
    (void)state;
    MRQ_CLEANUP(mrq_arena_free) mrq_arena *arena = mrq_arena_new();
    const mrq_links likes = make_likes(arena);
    mrq_sparse_gram g;
    mrq_neighbours b;
    mrq_links got;
    assert_ok(mrq_sparse_gram_make(&likes, NULL, USERS, ITEMS, 0.3, UINT32_MAX, 1, arena, &g, &err));
    assert_ok(mrq_neighbours_solve(&g, 20, 2, 1, arena, &b, &err));
    assert_ok(mrq_neighbours_shorten(&g, &b.columns, 4, arena, &got, &err));
    for (uint32_t j = 0; j < g.n; j++) {
        const uint64_t *from = b.columns.list.offset + j, *to = got.list.offset + j;
        assert_int_equal(to[1] - to[0], from[1] - from[0] < 4 ? from[1] - from[0] : 4);
        double least = INFINITY;
        for (uint64_t i = to[0]; i < to[1]; i++) {
            assert_true(i == to[0] || got.list.item[i - 1] < got.list.item[i]);
            least = fmin(least, fabs((double)got.strength[i]) * sqrt((double)g.diagonal[got.list.item[i]]));
            bool same = false;
            for (uint64_t k = from[0]; k < from[1]; k++)
                same |= b.columns.list.item[k] == got.list.item[i] && !(b.columns.strength[k] < got.strength[i]) &&
                        !(b.columns.strength[k] > got.strength[i]);
            assert_true(same);
        }
        uint32_t larger = 0;
        for (uint64_t k = from[0]; k < from[1]; k++)
            larger += fabs((double)b.columns.strength[k]) * sqrt((double)g.diagonal[b.columns.list.item[k]]) > least * (1 + 1e-6);
        assert_true(larger < 4);
    }
}

/* The columns of `v` (n, d) are orthonormal, and M v = v × its eigenvalues, which fall. */
static void check_directions(double m[ITEMS][ITEMS], uint32_t n, const float *v, uint32_t d)
{
    double before = INFINITY;
    for (uint32_t c = 0; c < d; c++) {
        for (uint32_t e = 0; e <= c; e++) {
            double product = 0;
            for (uint32_t i = 0; i < n; i++)
                product += (double)v[i * d + c] * (double)v[i * d + e];
            assert_true(fabs(product - (c == e)) < 1e-4);
        }
        double value = 0, rest = 0;
        for (uint32_t i = 0; i < n; i++)
            for (uint32_t j = 0; j < n; j++)
                value += (double)v[i * d + c] * m[i][j] * (double)v[j * d + c];
        for (uint32_t i = 0; i < n; i++) {
            double image = 0;
            for (uint32_t j = 0; j < n; j++)
                image += m[i][j] * (double)v[j * d + c];
            rest += pow(image - value * (double)v[i * d + c], 2);
        }
        assert_true(value <= before * (1 + 1e-4) && sqrt(rest) < 2e-3 * (c ? before + value : value));
        before = value;
    }
    double trace = 0; /* nothing large is left: no direction orthogonal to these has a larger value than the last */
    for (uint32_t i = 0; i < n; i++)
        trace += m[i][i];
    assert_true(trace > 0);
}

static void directions_are_eigenvectors(void **state)
{
    (void)state;
    MRQ_CLEANUP(mrq_arena_free) mrq_arena *arena = mrq_arena_new();
    const mrq_links likes = make_likes(arena);
    mrq_sparse_gram g;
    mrq_neighbours b;
    static float dense[LIKED * LIKED], v[LIKED * 5], again[LIKED * 5];
    double gram[ITEMS][ITEMS] = {{0}}, m[ITEMS][ITEMS] = {{0}}, half[ITEMS][ITEMS] = {{0}};
    assert_ok(mrq_sparse_gram_make(&likes, NULL, USERS, ITEMS, 0.3, UINT32_MAX, 1, arena, &g, &err));
    assert_ok(mrq_neighbours_solve(&g, 8, 2, 1, arena, &b, &err));
    dense_gram(&likes, 0.3, gram);
    for (uint32_t i = 0; i < g.n; i++)
        for (uint64_t k = b.rows.list.offset[i]; k < b.rows.list.offset[i + 1]; k++)
            dense[i * g.n + b.rows.list.item[k]] = b.rows.strength[k];
    for (uint32_t i = 0; i < g.n; i++)
        for (uint32_t j = 0; j < g.n; j++)
            for (uint32_t k = 0; k < g.n; k++)
                half[i][j] += gram[g.item[i]][g.item[k]] * (double)dense[k * g.n + j];
    for (uint32_t i = 0; i < g.n; i++)
        for (uint32_t j = 0; j < g.n; j++)
            for (uint32_t k = 0; k < g.n; k++)
                m[i][j] += (double)dense[k * g.n + i] * half[k][j];
    mrq_directions_task task = {&g, USERS, 5, 1, 3};
    assert_ok(mrq_directions_of_scores(&task, &b, v, &err));
    check_directions(m, g.n, v, 5);
    task.threads = 3;
    assert_ok(mrq_directions_of_scores(&task, &b, again, &err));
    assert_memory_equal(v, again, sizeof v);
    assert_ok(mrq_directions_of_dense(&task, dense, false, v, &err));
    check_directions(m, g.n, v, 5);

    memset(m, 0, sizeof m);
    for (uint32_t u = 0; u < USERS; u++)
        for (uint64_t i = g.by_user.list.offset[u]; i < g.by_user.list.offset[u + 1]; i++)
            for (uint64_t j = g.by_user.list.offset[u]; j < g.by_user.list.offset[u + 1]; j++) {
                const uint32_t x = g.by_user.list.item[i], y = g.by_user.list.item[j];
                const uint64_t *of = g.by_item.list.offset, n = g.by_user.list.offset[u + 1] - g.by_user.list.offset[u];
                m[x][y] += 1 / ((double)n * sqrt((double)((of[x + 1] - of[x]) * (of[y + 1] - of[y]))));
            }
    assert_ok(mrq_directions_of_likes(&task, v, &err));
    check_directions(m, g.n, v, 5);
}

/* More directions than there are items: the rest is zero. */
static void directions_beyond_the_items_are_zero(void **state)
{
    (void)state;
    MRQ_CLEANUP(mrq_arena_free) mrq_arena *arena = mrq_arena_new();
    const mrq_links likes = make_likes(arena);
    mrq_sparse_gram g;
    enum { D = LIKED + 3 };
    static float v[LIKED * D];
    assert_ok(mrq_sparse_gram_make(&likes, NULL, USERS, ITEMS, 0.3, UINT32_MAX, 1, arena, &g, &err));
    assert_ok(mrq_directions_of_likes(&(mrq_directions_task){&g, USERS, D, 1, 3}, v, &err));
    for (uint32_t i = 0; i < g.n; i++)
        for (uint32_t k = LIKED; k < D; k++)
            assert_true(v[i * D + k] >= 0 && v[i * D + k] <= 0);
}

static void a_mix_is_chosen_among_what_is_allowed(void **state)
{
    (void)state;
    MRQ_CLEANUP(mrq_arena_free) mrq_arena *arena = mrq_arena_new();
    const mrq_links likes = make_likes(arena);
    uint32_t with_five = 0;
    for (uint32_t u = 0; u < USERS; u++)
        with_five += likes.list.offset[u + 1] - likes.list.offset[u] >= 5;
    const mrq_components_task task = {
        .likes = &likes, .users = USERS, .items = ITEMS, .k = 8, .threads = 2, .ridge = 0.1, .seed = 1};
    for (int kind = MRQ_PARTS_CHOSEN; kind <= MRQ_PARTS_BOTH; kind++) {
        mrq_mix mix, again;
        mrq_components_task alone = task;
        alone.threads = 1;
        assert_ok(mrq_mix_choose(&task, (mrq_parts_kind)kind, MRQ_RECENCY_OFF, 8, &mix, &err));
        assert_ok(mrq_mix_choose(&alone, (mrq_parts_kind)kind, MRQ_RECENCY_OFF, 8, &again, &err));
        assert_true(mix.dense == again.dense && mix.neighbours == again.neighbours && mix.n_scores == again.n_scores &&
                    mix.n_likes == again.n_likes && !(mix.scores < again.scores) && !(mix.scores > again.scores));
        assert_true(mix.n_scores >= 1 && mix.n_scores + mix.n_likes <= 8);
        assert_int_equal(mix.tested, with_five);
        assert_true(mix.ndcg > 0.3 && mix.ndcg < 1);
        assert_true(mix.dense == !mix.neighbours);
        if (kind != MRQ_PARTS_CHOSEN)
            assert_int_equal(mix.neighbours, kind != MRQ_PARTS_VECTORS);
        if (kind == MRQ_PARTS_NEIGHBOURS)
            assert_true(!(mix.scores > 0) && !(mix.likes > 0));
    }
    mrq_mix few;
    mrq_components_task small = task;
    uint32_t n = 0; /* users, the last of whom is the twentieth with five likes */
    for (small.users = 0; n < 20; small.users++)
        n += likes.list.offset[small.users + 1] - likes.list.offset[small.users] >= 5;
    small.users--;
    assert_ok(mrq_mix_choose(&small, MRQ_PARTS_CHOSEN, MRQ_RECENCY_OFF, 8, &few, &err));
    assert_true(few.dense && !few.neighbours && few.n_scores == 8 && few.n_likes == 0 && few.tested == 0 && isnan(few.ndcg));
    assert_ok(mrq_mix_choose(&small, MRQ_PARTS_NEIGHBOURS, MRQ_RECENCY_OFF, 8, &few, &err));
    assert_true(!few.dense && few.neighbours && few.n_scores == 2 && few.n_likes == 6 && !(few.scores > 0) && !(few.likes > 0));
    small.users++;
    assert_ok(mrq_mix_choose(&small, MRQ_PARTS_CHOSEN, MRQ_RECENCY_OFF, 8, &few, &err));
    assert_int_equal(few.tested, 20);
}

/* Ages by chance: each user's likes in some order. */
static uint32_t *make_ages(const mrq_links *likes, mrq_arena *arena)
{
    uint32_t *age = mrq_arena_array(arena, likes->list.offset[USERS], sizeof *age);
    mrq_random random;
    mrq_random_init(&random, 5, 0);
    for (uint32_t u = 0; u < USERS; u++) {
        const uint64_t first = likes->list.offset[u];
        for (uint32_t i = 0; first + i < likes->list.offset[u + 1]; i++) {
            const uint32_t j = (uint32_t)mrq_random_below(&random, i + 1);
            age[first + i] = age[first + j];
            age[first + j] = i;
        }
    }
    return age;
}

/* "recent dense neighbours, 4 scores x 1, 12 likes x 0.25: 0.5123 of 55". */
static const char *mix_text(const mrq_mix *mix)
{
    static char out[200];
    snprintf(out, sizeof out, "%s%s%s%u scores x %g, %u likes x %g: %.4f of %u", mix->recent ? "recent " : "",
             mix->dense ? "dense " : "", mix->neighbours ? "neighbours " : "", mix->n_scores, (double)mix->scores, mix->n_likes,
             (double)mix->likes, mix->ndcg, mix->tested);
    return out;
}

struct mix_row {
    mrq_parts_kind kind;
    mrq_recency_use recency;
    uint32_t items;
    const char *want;
};

static void check_mixes(const struct mix_row *rows, size_t n, uint32_t users)
{
    MRQ_CLEANUP(mrq_arena_free) mrq_arena *arena = mrq_arena_new();
    const mrq_links likes = make_likes(arena);
    const uint32_t *age = make_ages(&likes, arena);
    for (size_t i = 0; i < n; i++) {
        mrq_mix mix;
        const mrq_components_task task = {.likes = &likes,
                                          .age = rows[i].recency != MRQ_RECENCY_OFF ? age : NULL,
                                          .users = users,
                                          .items = rows[i].items,
                                          .k = 8,
                                          .threads = 2,
                                          .ridge = 0.1,
                                          .seed = 1};
        assert_ok(mrq_mix_choose(&task, rows[i].kind, rows[i].recency, 16, &mix, &err));
        assert_string_equal(mix_text(&mix), rows[i].want);
    }
}

static void a_mix_comes_to_these_numbers(void **state)
{
    (void)state;
    static const struct mix_row rows[] = {
        {MRQ_PARTS_CHOSEN, MRQ_RECENCY_OFF, ITEMS, "neighbours 4 scores x 4, 4 likes x 0.5: 0.4806 of 58"},
        {MRQ_PARTS_VECTORS, MRQ_RECENCY_OFF, ITEMS, "dense 4 scores x 1, 4 likes x 0: 0.4681 of 58"},
        {MRQ_PARTS_NEIGHBOURS, MRQ_RECENCY_OFF, ITEMS, "neighbours 4 scores x 0, 4 likes x 0: 0.4258 of 58"},
        {MRQ_PARTS_BOTH, MRQ_RECENCY_OFF, ITEMS, "neighbours 4 scores x 4, 4 likes x 0.5: 0.4806 of 58"},
        {MRQ_PARTS_CHOSEN, MRQ_RECENCY_ON, ITEMS, "recent dense neighbours 12 scores x 1, 4 likes x 1: 0.4286 of 58"},
        {MRQ_PARTS_VECTORS, MRQ_RECENCY_ON, ITEMS, "recent dense 4 scores x 1, 4 likes x 0.5: 0.4384 of 58"},
        {MRQ_PARTS_NEIGHBOURS, MRQ_RECENCY_ON, ITEMS, "recent neighbours 2 scores x 0, 2 likes x 0: 0.3603 of 58"},
        {MRQ_PARTS_BOTH, MRQ_RECENCY_ON, ITEMS, "recent dense neighbours 12 scores x 1, 4 likes x 1: 0.4286 of 58"},
        {MRQ_PARTS_CHOSEN, MRQ_RECENCY_CHOSEN, ITEMS, "neighbours 2 scores x 2, 2 likes x 1: 0.4630 of 58"},
        {MRQ_PARTS_VECTORS, MRQ_RECENCY_CHOSEN, ITEMS, "dense 4 scores x 1, 4 likes x 0.25: 0.4531 of 58"},
        {MRQ_PARTS_NEIGHBOURS, MRQ_RECENCY_CHOSEN, ITEMS, "neighbours 2 scores x 0, 2 likes x 0: 0.4164 of 58"},
        {MRQ_PARTS_BOTH, MRQ_RECENCY_CHOSEN, ITEMS, "neighbours 2 scores x 2, 2 likes x 1: 0.4630 of 58"},
    };
    check_mixes(rows, sizeof rows / sizeof *rows, USERS);
}

/* Of fewer than twenty users nothing is measured, and the middle is taken of what is allowed. */
static void without_users_to_test_the_middle_is_taken(void **state)
{
    (void)state;
    static const struct mix_row rows[] = {
        {MRQ_PARTS_CHOSEN, MRQ_RECENCY_OFF, ITEMS, "dense 16 scores x 1, 0 likes x 0: nan of 0"},
        {MRQ_PARTS_VECTORS, MRQ_RECENCY_OFF, ITEMS, "dense 16 scores x 1, 0 likes x 0: nan of 0"},
        {MRQ_PARTS_NEIGHBOURS, MRQ_RECENCY_OFF, ITEMS, "neighbours 4 scores x 0, 12 likes x 0: nan of 0"},
        {MRQ_PARTS_BOTH, MRQ_RECENCY_OFF, ITEMS, "neighbours 4 scores x 1, 12 likes x 0.5: nan of 0"},
        {MRQ_PARTS_CHOSEN, MRQ_RECENCY_ON, ITEMS, "recent dense neighbours 12 scores x 1, 4 likes x 0.5: nan of 0"},
        {MRQ_PARTS_VECTORS, MRQ_RECENCY_ON, ITEMS, "recent dense 16 scores x 1, 0 likes x 0: nan of 0"},
        {MRQ_PARTS_NEIGHBOURS, MRQ_RECENCY_ON, ITEMS, "recent neighbours 4 scores x 0, 12 likes x 0: nan of 0"},
        {MRQ_PARTS_BOTH, MRQ_RECENCY_ON, ITEMS, "recent dense neighbours 12 scores x 1, 4 likes x 0.5: nan of 0"},
        {MRQ_PARTS_CHOSEN, MRQ_RECENCY_CHOSEN, ITEMS, "dense 16 scores x 1, 0 likes x 0: nan of 0"},
        {MRQ_PARTS_VECTORS, MRQ_RECENCY_CHOSEN, ITEMS, "dense 16 scores x 1, 0 likes x 0: nan of 0"},
        {MRQ_PARTS_NEIGHBOURS, MRQ_RECENCY_CHOSEN, ITEMS, "neighbours 4 scores x 0, 12 likes x 0: nan of 0"},
        {MRQ_PARTS_BOTH, MRQ_RECENCY_CHOSEN, ITEMS, "neighbours 4 scores x 1, 12 likes x 0.5: nan of 0"},
        {MRQ_PARTS_CHOSEN, MRQ_RECENCY_CHOSEN, MRQ_RELATED_MAX, "dense 16 scores x 1, 0 likes x 0: nan of 0"},
        {MRQ_PARTS_VECTORS, MRQ_RECENCY_CHOSEN, MRQ_RELATED_MAX, "dense 16 scores x 1, 0 likes x 0: nan of 0"},
        {MRQ_PARTS_NEIGHBOURS, MRQ_RECENCY_CHOSEN, MRQ_RELATED_MAX, "neighbours 4 scores x 0, 12 likes x 0: nan of 0"},
        {MRQ_PARTS_BOTH, MRQ_RECENCY_CHOSEN, MRQ_RELATED_MAX, "neighbours 4 scores x 1, 12 likes x 0.5: nan of 0"},
        {MRQ_PARTS_CHOSEN, MRQ_RECENCY_OFF, MRQ_RELATED_MAX + 1, "neighbours 4 scores x 1, 12 likes x 0.5: nan of 0"},
        {MRQ_PARTS_VECTORS, MRQ_RECENCY_OFF, MRQ_RELATED_MAX + 1, "4 scores x 1, 12 likes x 0.25: nan of 0"},
        {MRQ_PARTS_NEIGHBOURS, MRQ_RECENCY_OFF, MRQ_RELATED_MAX + 1, "neighbours 4 scores x 0, 12 likes x 0: nan of 0"},
        {MRQ_PARTS_BOTH, MRQ_RECENCY_OFF, MRQ_RELATED_MAX + 1, "neighbours 4 scores x 1, 12 likes x 0.5: nan of 0"},
        {MRQ_PARTS_CHOSEN, MRQ_RECENCY_ON, MRQ_RELATED_MAX + 1, "recent neighbours 4 scores x 1, 12 likes x 0.5: nan of 0"},
        {MRQ_PARTS_VECTORS, MRQ_RECENCY_ON, MRQ_RELATED_MAX + 1, "recent 4 scores x 1, 12 likes x 0.25: nan of 0"},
        {MRQ_PARTS_NEIGHBOURS, MRQ_RECENCY_ON, MRQ_RELATED_MAX + 1, "recent neighbours 4 scores x 0, 12 likes x 0: nan of 0"},
        {MRQ_PARTS_BOTH, MRQ_RECENCY_ON, MRQ_RELATED_MAX + 1, "recent neighbours 4 scores x 1, 12 likes x 0.5: nan of 0"},
        {MRQ_PARTS_CHOSEN, MRQ_RECENCY_CHOSEN, MRQ_RELATED_MAX + 1, "neighbours 4 scores x 1, 12 likes x 0.5: nan of 0"},
        {MRQ_PARTS_VECTORS, MRQ_RECENCY_CHOSEN, MRQ_RELATED_MAX + 1, "4 scores x 1, 12 likes x 0.25: nan of 0"},
        {MRQ_PARTS_NEIGHBOURS, MRQ_RECENCY_CHOSEN, MRQ_RELATED_MAX + 1, "neighbours 4 scores x 0, 12 likes x 0: nan of 0"},
        {MRQ_PARTS_BOTH, MRQ_RECENCY_CHOSEN, MRQ_RELATED_MAX + 1, "neighbours 4 scores x 1, 12 likes x 0.5: nan of 0"},
    };
    check_mixes(rows, sizeof rows / sizeof *rows, 15);
}

/* So many that they and the items make a hundred million scores, but 500 to 2000. */
static void so_many_users_are_tested(void **state)
{
    (void)state;
    enum { MANY = 2100, EACH = 6, LISTED = 300 };
    MRQ_CLEANUP(mrq_arena_free) mrq_arena *arena = mrq_arena_new();
    uint64_t *offset = mrq_arena_array(arena, MANY + 1, sizeof *offset);
    uint32_t *item = mrq_arena_array(arena, (size_t)MANY * EACH, sizeof *item);
    float *strength = mrq_arena_array(arena, (size_t)MANY * EACH, sizeof *strength);
    mrq_random random;
    mrq_random_init(&random, 6, 0);
    for (uint32_t u = 0; u < MANY; u++) { /* neighbours of a place, and whatever else lies behind */
        offset[u + 1] = offset[u] + EACH;
        const uint32_t at = (uint32_t)mrq_random_below(&random, LISTED - 40);
        for (uint32_t i = 0; i < EACH; i++) {
            item[offset[u] + i] = at + i * 6 + (uint32_t)mrq_random_below(&random, 6);
            strength[offset[u] + i] = 1;
        }
    }
    const mrq_links likes = {{offset, item}, strength};
    static const struct {
        uint32_t items;
        const char *want;
    } rows[] = {{LISTED, "neighbours 4 scores x 0, 12 likes x 0: 0.3067 of 2000"},
                {50000, "neighbours 4 scores x 0, 12 likes x 0: 0.3067 of 2000"},
                {50001, "neighbours 4 scores x 0, 12 likes x 0: 0.3068 of 1999"},
                {62500, "neighbours 4 scores x 0, 12 likes x 0: 0.3049 of 1600"},
                {200000, "neighbours 4 scores x 0, 12 likes x 0: 0.3151 of 500"},
                {200001, "neighbours 4 scores x 0, 12 likes x 0: 0.3151 of 500"},
                {400000, "neighbours 4 scores x 0, 12 likes x 0: 0.3151 of 500"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        mrq_mix mix;
        const mrq_components_task task = {
            .likes = &likes, .users = MANY, .items = rows[i].items, .k = 150, .threads = 2, .ridge = 0.1, .seed = 1};
        assert_ok(mrq_mix_choose(&task, MRQ_PARTS_NEIGHBOURS, MRQ_RECENCY_OFF, 16, &mix, &err));
        assert_string_equal(mix_text(&mix), rows[i].want);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sparse_gram_matrix_is_the_dense_one),
        cmocka_unit_test(a_large_gram_matrix_is_that_of_its_definition),
        cmocka_unit_test(a_row_keeps_the_largest_cosines_and_itself),
        cmocka_unit_test(a_user_with_very_many_likes_counts_in_part),
        cmocka_unit_test(items_whose_likes_are_not_used_are_harmless),
        cmocka_unit_test(neighbours_solve_their_own_ridge_regression),
        cmocka_unit_test(shortened_columns_keep_what_weighs_most),
        cmocka_unit_test(directions_are_eigenvectors),
        cmocka_unit_test(directions_beyond_the_items_are_zero),
        cmocka_unit_test(a_mix_is_chosen_among_what_is_allowed),
        cmocka_unit_test(a_mix_comes_to_these_numbers),
        cmocka_unit_test(without_users_to_test_the_middle_is_taken),
        cmocka_unit_test(so_many_users_are_tested),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
