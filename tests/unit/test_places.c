/* Measures of a ranking: by hand, and where scores are equal against the mean over all orders that they allow. */
#include <math.h>
#include <string.h>

#include "base/random.h"
#include "eval/places.h"
#include "unit/testing.h"

static mrq_error err;

enum { ITEMS = 7, ORDERS = 5040 };

static void check(const char *what, double got, double want)
{
    if (!(fabs(got - want) < 1e-9))
        fail_msg("%s: got %.12g, want %.12g", what, got, want);
}

/* The measures of one order of all items, by their definitions. */
static void measure_order(const uint32_t *order, uint32_t n, const bool *wanted, uint32_t n_wanted, uint32_t k, double *sum,
                          double *auc)
{
    double found = 0, gain = 0, most = 0, first = 0, pairs = 0, before = 0;
    for (uint32_t i = 0; i < n; i++) {
        if (wanted[order[i]])
            for (uint32_t j = 0; j < n; j++) {
                pairs += !wanted[order[j]];
                before += !wanted[order[j]] && i < j;
            }
        if (i >= k || !wanted[order[i]])
            continue;
        gain += 1 / log2(2.0 + i);
        first = found++ > 0 ? first : 1 / (1.0 + i);
    }
    const uint32_t reachable = k < n_wanted ? k : n_wanted;
    for (uint32_t i = 0; i < reachable; i++)
        most += 1 / log2(2.0 + i);
    const double value[MRQ_MEASURES] = {found / n_wanted, gain / most, first, found > 0, found / k, found / reachable};
    for (int m = 0; m < MRQ_MEASURES; m++)
        sum[m] += value[m];
    *auc += pairs > 0 ? before / pairs : 0.5;
}

/* Writes permutation number `i` of `n` items, and returns whether the scores allow it. */
static bool make_order(uint32_t number, uint32_t n, const float *score, uint32_t *order)
{
    uint32_t left[ITEMS];
    for (uint32_t i = 0; i < n; i++)
        left[i] = i;
    for (uint32_t i = 0; i < n; i++) {
        const uint32_t at = number % (n - i);
        number /= n - i;
        order[i] = left[at];
        memmove(left + at, left + at + 1, (n - i - at - 1) * sizeof *left);
        if (i && score[order[i]] > score[order[i - 1]])
            return false;
    }
    return true;
}

static void check_against_all_orders(const float *score, uint32_t n, const uint32_t *item, uint32_t n_wanted)
{
    bool wanted[ITEMS] = {0};
    mrq_place place[ITEMS];
    mrq_places places;
    for (uint32_t i = 0; i < n_wanted; i++)
        wanted[item[i]] = true;
    assert_ok(mrq_places_find(score, n, item, n_wanted, place, &places, &err));
    for (uint32_t k = 1; k <= n + 2; k++) {
        double want[MRQ_MEASURES] = {0}, got[MRQ_MEASURES], auc = 0, orders = 0;
        for (uint32_t number = 0; number < ORDERS; number++) {
            uint32_t order[ITEMS];
            if (!make_order(number, n, score, order))
                continue;
            orders++;
            measure_order(order, n, wanted, n_wanted, k, want, &auc);
        }
        mrq_places_measure(&places, k, got);
        for (int m = 0; m < MRQ_MEASURES; m++)
            check(mrq_measure_names[m], got[m], want[m] / orders);
        check("auc", mrq_places_auc(&places), auc / orders);
    }
}

static void equal_scores_share_their_places(void **state)
{
    (void)state;
    mrq_random rng;
    mrq_random_init(&rng, 4, 0);
    for (uint32_t round = 0; round < 60; round++) {
        float score[ITEMS];
        uint32_t item[ITEMS], n_wanted = 1 + round % ITEMS;
        for (uint32_t i = 0; i < ITEMS; i++) {
            item[i] = i;
            score[i] = (float)mrq_random_below(&rng, 1 + round / 10) - 2;
        }
        mrq_random_shuffle(&rng, item, ITEMS);
        check_against_all_orders(score, ITEMS, item, n_wanted);
    }
}

/* Scores 9 7 7 7 1 -inf of which the items 1 and 4 are wanted: item 1 stands at place 2, 3 or 4, item 4 at 5. */
static void a_ranking_by_hand(void **state)
{
    (void)state;
    const float score[] = {9, 7, 7, 7, 1, -INFINITY};
    const uint32_t item[] = {4, 1};
    mrq_place place[2];
    mrq_places places;
    double got[MRQ_MEASURES];
    assert_ok(mrq_places_find(score, 6, item, 2, place, &places, &err));
    assert_int_equal(places.ranked, 5);
    assert_int_equal(places.n, 2);
    assert_memory_equal(&place[0], &((mrq_place){1, 3, 1}), sizeof *place);
    assert_memory_equal(&place[1], &((mrq_place){4, 1, 1}), sizeof *place);
    mrq_places_measure(&places, 3, got); /* item 1 is within with the probability 2/3 */
    check("recall", got[MRQ_RECALL], 1.0 / 3);
    check("recall_min", got[MRQ_RECALL_MIN], 1.0 / 3);
    check("hit", got[MRQ_HIT], 2.0 / 3);
    check("mrr", got[MRQ_MRR], (1.0 / 2 + 1.0 / 3) / 3);
    check("precision", got[MRQ_PRECISION], 2.0 / 9);
    check("ndcg", got[MRQ_NDCG], (1 / log2(3) + 1 / log2(4)) / 3 / (1 + 1 / log2(3)));
    mrq_places_measure(&places, 1, got);
    check("nothing at 1", got[MRQ_RECALL] + got[MRQ_NDCG] + got[MRQ_MRR] + got[MRQ_HIT] + got[MRQ_PRECISION], 0);
    mrq_places_measure(&places, 1000, got);
    check("recall of all", got[MRQ_RECALL], 1);
    check("precision of all", got[MRQ_PRECISION], 0.002);
    /* item 1 stands before one of the other two equal ones, on average, and behind item 0; item 4 before none */
    check("auc", mrq_places_auc(&places), 1.0 / 6);
}

/* Where more items are to be found than k, both kinds of recall differ. */
static void recall_has_two_conventions(void **state)
{
    (void)state;
    const float score[] = {5, 4, 3, 2, 1};
    const uint32_t item[] = {0, 2, 3, 4};
    mrq_place place[4];
    mrq_places places;
    double got[MRQ_MEASURES];
    assert_ok(mrq_places_find(score, 5, item, 4, place, &places, &err));
    mrq_places_measure(&places, 2, got);
    check("recall", got[MRQ_RECALL], 0.25);
    check("recall_min", got[MRQ_RECALL_MIN], 0.5);
    check("ndcg", got[MRQ_NDCG], 1 / (1 + 1 / log2(3)));
    check("auc", mrq_places_auc(&places), 0.25);
}

static void nothing_beside_what_is_wanted_is_chance(void **state)
{
    (void)state;
    const float score[] = {1, 2};
    const uint32_t item[] = {0, 1};
    mrq_place place[2];
    mrq_places places;
    assert_ok(mrq_places_find(score, 2, item, 2, place, &places, &err));
    check("auc", mrq_places_auc(&places), 0.5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_scores_share_their_places),
        cmocka_unit_test(a_ranking_by_hand),
        cmocka_unit_test(recall_has_two_conventions),
        cmocka_unit_test(nothing_beside_what_is_wanted_is_chance),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
