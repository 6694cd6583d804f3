/* Engine room, the search of vectors and neighbours together: every answer is compared with an exhaustive sum of our own. */
#include "engine/neighbours.h"
#include "model/kernels.h"
#include "unit/small_world.h"

static mrq_error err;

enum { DIM = 9, MOST = 5000, EACH = 12, LIKED = 7 };

struct world {
    mrq_generation generation;
    mrq_table items;
    mrq_folded tower;
    float vector[MOST * DIM], query[DIM];
    uint64_t offset[MOST + 1];
    uint32_t near[MOST * EACH];
    float weight[MOST * EACH];
    uint32_t item[2][LIKED];
    float strength[2][LIKED];
    mrq_feedback liked[2];
    uint64_t keep[MOST / 64 + 1];
    mrq_filter filter;
};

/* Some vectors are equal, so that there are ties; `as_trained`: of very different lengths, and without the query's last coordinate,
 * so that few long ones are enough. With few neighbours among many items the sums are kept by a hash. */
static struct world *world_new(uint32_t items, uint64_t seed, bool as_trained)
{
    struct world *w = calloc(1, sizeof *w);
    mrq_random random;
    mrq_random_init(&random, seed, 0);
    w->items.rows = items;
    for (uint32_t i = 0; i < items; i++)
        for (uint32_t d = 0; d < DIM; d++)
            w->vector[i * DIM + d] = i % 5 == 4 ? w->vector[(i - 1) * DIM + d] : (float)mrq_random_unit(&random) - 0.4f;
    for (uint32_t i = 0; i < items && as_trained; i++)
        for (uint32_t d = 0; d < DIM - 1; d++)
            w->vector[i * DIM + d] /= 1 + (float)(i / 10);
    for (uint32_t d = 0; d < DIM; d++)
        w->query[d] = as_trained && d == DIM - 1 ? 0 : (float)mrq_random_unit(&random) - 0.3f;
    for (uint32_t i = 0; i < items; i++) {
        w->offset[i + 1] = w->offset[i];
        for (uint32_t k = 0; k < EACH && i % 3; k++) {
            const uint32_t to = (uint32_t)mrq_random_below(&random, items / EACH) * EACH + k;
            if (k && to <= w->near[w->offset[i + 1] - 1])
                continue;
            w->near[w->offset[i + 1]] = to;
            w->weight[w->offset[i + 1]++] = (float)mrq_random_unit(&random) - 0.3f;
        }
    }
    for (uint32_t l = 0; l < 2; l++) {
        for (uint32_t i = 0; i < LIKED; i++) {
            w->item[l][i] = (uint32_t)mrq_random_below(&random, items);
            w->strength[l][i] = l ? -0.25f : 1 + 0.1f * (float)i;
        }
        w->liked[l] = (mrq_feedback){LIKED, w->item[l], w->strength[l]};
    }
    for (uint32_t i = 0; i < items; i++)
        if (mrq_random_unit(&random) < 0.7) {
            w->keep[i / 64] |= UINT64_C(1) << i % 64;
            w->filter.n_kept++;
        }
    w->filter.keep = w->keep;
    w->tower = (mrq_folded){.dim = DIM, .has_neighbours = true, .neighbours = {{w->offset, w->near}, w->weight}};
    w->generation = (mrq_generation){.items = &w->items, .tower = &w->tower};
    assert_ok(mrq_index_build("Flat", w->vector, items, DIM, &w->generation.index, &err));
    assert_ok(mrq_lengths_new(w->vector, items, DIM, &w->generation.lengths, &err));
    return w;
}

static void world_free(struct world *w)
{
    mrq_index_free(w->generation.index);
    mrq_lengths_free(w->generation.lengths);
    free(w);
}

static float sum_of(const struct world *w, double slope, uint32_t item)
{
    float sum = 0;
    for (uint32_t l = 0; l < 2; l++)
        for (uint32_t i = 0; i < LIKED; i++)
            sum += (float)((double)w->strength[l][i] / slope) * mrq_neighbours_weight(&w->generation, w->item[l][i], item);
    return sum + mrq_kernels_best()->dot(w->query, w->vector + (size_t)item * DIM, DIM);
}

static void both_parts_together_find_the_best(void **state)
{
    (void)state;
    static const uint32_t sizes[] = {EACH * 4, 300, MOST};
    static const double slopes[] = {0.05, 1, 40}; /* neighbours count most, as much, hardly */
    for (size_t size = 0; size < 3; size++)
        for (uint64_t seed = 1; seed < 9; seed++) {
            const uint32_t items = sizes[size];
            struct world *w = world_new(items, seed, seed > 5);
            for (size_t s = 0; s < 3; s++)
                for (int filtered = 0; filtered < 2; filtered++) {
                    const mrq_filter *filter = filtered ? &w->filter : NULL;
                    const uint32_t kept = filtered ? w->filter.n_kept : items;
                    static mrq_hit all[MOST], some[MOST];
                    uint32_t n, found;
                    assert_ok(
                        mrq_neighbours_search(&w->generation, w->query, slopes[s], w->liked, 2, items, filter, all, &n, &err));
                    assert_int_equal(n, kept);
                    for (uint32_t i = 0; i < n; i++) {
                        const float want = sum_of(w, slopes[s], all[i].row);
                        assert_true(fabsf(all[i].score - want) <= 1e-5f * (1 + fabsf(want)));
                        assert_true(!filtered || (w->keep[all[i].row / 64] >> all[i].row % 64 & 1));
                        assert_true(!i || all[i].score < all[i - 1].score ||
                                    (!(all[i].score > all[i - 1].score) && all[i].row > all[i - 1].row));
                    }
                    for (uint32_t k = 1; k <= kept; k = k * 3 + 1) { /* the first k of all are the k, to the bit */
                        assert_ok(
                            mrq_neighbours_search(&w->generation, w->query, slopes[s], w->liked, 2, k, filter, some, &found, &err));
                        assert_int_equal(found, k);
                        assert_memory_equal(some, all, k * sizeof *some);
                    }
                }
            world_free(w);
        }
}

static void without_neighbours_it_is_the_search_of_the_index(void **state)
{
    (void)state;
    struct world *w = world_new(300, 1, false);
    mrq_hit want[20], got[20];
    uint32_t n;
    assert_ok(mrq_index_search(w->generation.index, w->query, 20, NULL, want, &n, &err));
    assert_ok(mrq_neighbours_search(&w->generation, w->query, 1, w->liked, 0, 20, NULL, got, &n, &err)); /* nothing is liked */
    assert_memory_equal(got, want, sizeof want);
    const uint32_t alone = 3; /* it has no neighbours */
    assert_ok(
        mrq_neighbours_search(&w->generation, w->query, 1, &(mrq_feedback){1, &alone, &(float){1}}, 1, 20, NULL, got, &n, &err));
    assert_memory_equal(got, want, sizeof want);
    w->tower = (mrq_folded){.dim = DIM};
    assert_ok(mrq_neighbours_search(&w->generation, w->query, 1, w->liked, 2, 20, NULL, got, &n, &err));
    assert_memory_equal(got, want, sizeof want);
    assert_true(!(mrq_neighbours_weight(&w->generation, 1, 2) > 0) && !(mrq_neighbours_weight(&w->generation, 1, 2) < 0));
    world_free(w);
}

/* The rows by length; and no inner product is above what its row and the query can reach, also of the row's own direction. */
static void lengths_bound_inner_products(void **state)
{
    (void)state;
    struct world *w = world_new(300, 2, true);
    const mrq_lengths *lengths = w->generation.lengths;
    for (uint32_t i = 0; i < 300; i++) {
        const float *vector = w->vector + (size_t)i * DIM;
        const double length = sqrt((double)mrq_kernels_best()->dot(vector, vector, DIM - 1));
        assert_true((double)lengths->length[i] >= length * (1 - 1e-6) && (double)lengths->length[i] <= length * (1 + 1e-6));
        assert_true(lengths->last >= fabsf(vector[DIM - 1]));
        const uint32_t row = lengths->row[i], before = i ? lengths->row[i - 1] : row;
        assert_true(!i || lengths->length[before] > lengths->length[row] ||
                    (!(lengths->length[before] < lengths->length[row]) && before < row));
        const float *queries[] = {w->query, vector};
        for (int q = 0; q < 2; q++) {
            const mrq_reach reach = mrq_lengths_reach(lengths, queries[q]);
            for (uint32_t j = 0; j < 300; j++)
                assert_true(mrq_kernels_best()->dot(queries[q], w->vector + (size_t)j * DIM, DIM) <=
                            lengths->length[j] * reach.factor + reach.rest);
        }
    }
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lengths_bound_inner_products),
        cmocka_unit_test(both_parts_together_find_the_best),
        cmocka_unit_test(without_neighbours_it_is_the_search_of_the_index),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
