/* Two models compared on the same users: what is measured, what is left out, and how sure the difference is. */
#include "train/compare.h"

#include "model/network.h"
#include "train/train.h"
#include "unit/failing_memory.h"
#include "unit/taste.h"

static mrq_error err;

/* The limits */

static void few_losses_are_no_proof(void **state)
{
    (void)state;
    double difference[50] = {0}, turned[50] = {0}, low, high, other_low, other_high;
    for (uint32_t n = 1; n <= 12; n++) { /* so many of fifty users are served a little worse, the others as before */
        difference[7 + n] = -0.01 * n;
        turned[7 + n] = 0.01 * n;
        assert_ok(mrq_paired_interval(difference, 50, &low, &high, &err));
        assert_true(low < high && high <= 0);
        assert_int_equal(high < 0, n >= 10); /* the tenth makes 1 of 1024, which is less than 1 of 600 */
        assert_ok(mrq_paired_interval(turned, 50, &other_low, &other_high, &err));
        assert_true(fabs(other_low + high) < 1e-12 && fabs(other_high + low) < 1e-12);
    }
    for (uint32_t n = MRQ_COMPARED_MIN; n < 40; n++) { /* all of them, however few */
        for (uint32_t i = 0; i < n; i++)
            difference[i] = -0.25;
        assert_ok(mrq_paired_interval(difference, n, &low, &high, &err));
        assert_true(fabs(low + 0.25) < 1e-12 && fabs(high + 0.25) < 1e-12);
    }
    atomic_store(&allocations_left, 0);
    const mrq_status status = mrq_paired_interval(difference, 12, &low, &high, &err);
    atomic_store(&allocations_left, INT_MAX);
    assert_int_equal(status, MRQ_FAILED);
    assert_string_equal(err.msg, "out of memory while comparing models");
}

/* Differences without a mean: one of 600 intervals may lie below 0, and one above. A shift shows as soon as it is large. */
static void limits_are_wrong_as_rarely_as_they_say(void **state)
{
    (void)state;
    mrq_random rng;
    mrq_random_init(&rng, 1, 0);
    uint32_t below = 0, above = 0, found = 0;
    for (int trial = 0; trial < 1200; trial++) {
        double difference[30], low, high;
        for (int i = 0; i < 30; i++) /* half of the users see the same */
            difference[i] = mrq_random_below(&rng, 2) ? mrq_random_unit(&rng) - mrq_random_unit(&rng) : 0;
        assert_ok(mrq_paired_interval(difference, 30, &low, &high, &err));
        assert_true(low < high);
        below += high < 0;
        above += low > 0;
        for (int i = 0; i < 30; i++)
            difference[i] -= 0.3;
        assert_ok(mrq_paired_interval(difference, 30, &low, &high, &err));
        found += high < 0;
    }
    assert_in_range(below, 0, 6);
    assert_in_range(above, 0, 6);
    assert_in_range(found, 1100, 1200);
}

/* Models */

static mrq_model *learn(const small_data *s, const char *name, uint64_t seed)
{
    mrq_description description;
    mrq_train_result result = {0};
    const mrq_train_options options = {.split = MRQ_SPLIT_HASH, .test = 0.1, .seed = seed, .threads = 1};
    assert_ok(mrq_description_load(name, &description, &err));
    if (strcmp(name, "retrieval") != 0)
        description.train.epochs = 20;
    assert_ok(mrq_train(&s->data, &description, &options, NULL, &result, &err));
    return result.model;
}

/* Models broken on purpose: the parameters of one tower or of both drawn anew, or the items exchanged. */
static void make_random(mrq_model *model)
{
    mrq_random rng;
    mrq_random_init(&rng, 5, 0);
    for (size_t i = 0; i < model->tensors.size; i++)
        model->param[i] = (float)(mrq_random_unit(&rng) - 0.5);
}

static void exchange_items(mrq_model *model)
{
    uint32_t *row = (uint32_t *)(uintptr_t)model->item_row; /* in the model's arena */
    mrq_random rng;
    mrq_random_init(&rng, 5, 0);
    mrq_random_shuffle(&rng, row, model->items->rows);
}

static void a_broken_model_is_worse(void **state)
{
    (void)state;
    static void (*const breaks[])(mrq_model *) = {make_random, exchange_items};
    static const char *const names[] = {"retrieval", "mf-bias"};
    for (size_t m = 0; m < 2; m++)
        for (size_t b = 0; b < 2; b++) {
            small_data *s = taste_new(60, 100, 1);
            mrq_model *older = learn(s, names[m], 1), *newer = learn(s, names[m], 1);
            mrq_comparison c;
            assert_ok(mrq_compare(newer, older, 2, &c, &err));
            assert_in_range(c.users, 45, 60);
            assert_true(c.events >= c.users && c.newer > 0);
            assert_true(fabs(c.newer - c.older) < 1e-6 && fabs(c.gain) < 1e-6 && fabs(c.low) < 1e-6 && fabs(c.high) < 1e-6);
            breaks[b](newer);
            assert_ok(mrq_compare(newer, older, 1, &c, &err));
            if (!(c.high < 0 && c.low < c.gain && c.gain < c.high))
                fail_msg("%s %zu: %g, %g; %g %g %g", names[m], b, c.newer, c.older, c.low, c.gain, c.high);
            assert_true(fabs(c.gain - (m ? c.older - c.newer : c.newer - c.older)) < 1e-9);
            mrq_comparison back; /* and the other way round it is better */
            assert_ok(mrq_compare(older, newer, 1, &back, &err));
            assert_true(back.low > 0 && back.users == c.users && fabs(back.gain + c.gain) < 1e-9);
            mrq_model_free(older);
            mrq_model_free(newer);
            small_data_free(s);
        }
}

/* A model of ratings that somebody has mixed up is best at these; it is not asked about them. */
static void nonsense_does_not_win(void **state)
{
    (void)state;
    static const char *const names[] = {"retrieval", "mf-bias"};
    for (size_t m = 0; m < 2; m++)
        for (int kind = (int)m; kind < 2; kind++) { /* sixty users' stars tell too little of who likes what */
            small_data *then = taste_new(60, 100, 2), *now = taste_new(60, 100, 2);
            mrq_random rng;
            mrq_random_init(&rng, 7, 0);
            if (kind == 0)
                mrq_random_shuffle(&rng, now->item, now->data.n);
            for (uint64_t i = 0; kind == 1 && i < now->data.n; i++)
                now->rating[i] = 6 - now->rating[i];
            mrq_model *older = learn(then, names[m], 1), *newer = learn(now, names[m], 1);
            mrq_comparison c;
            assert_ok(mrq_compare(newer, older, 1, &c, &err));
            if (!(c.high < 0))
                fail_msg("%s %d: %g, %g; %g %g %g", names[m], kind, c.newer, c.older, c.low, c.gain, c.high);
            mrq_model_free(older);
            mrq_model_free(newer);
            small_data_free(then);
            small_data_free(now);
        }
}

/* Users and items that only one model knows are not asked for, though the newer data is full of them. */
static void what_only_one_knows_is_left_out(void **state)
{
    (void)state;
    static const char *const names[] = {"retrieval", "mf-bias"};
    for (size_t m = 0; m < 2; m++) {
        small_data *then = taste_new(60, 100, 3), *now = taste_new(90, 150, 4);
        for (uint64_t i = 0; i < then->data.n; i++) { /* what was there is still there */
            now->item[i] = then->item[i];
            now->rating[i] = then->rating[i];
        }
        mrq_model *older = learn(then, names[m], 1), *newer = learn(now, names[m], 1);
        mrq_comparison c, back;
        assert_ok(mrq_compare(newer, older, 1, &c, &err));
        uint32_t tested = 0;
        for (uint32_t u = 0; u < 60; u++)
            tested += older->tested.list.offset[u] < older->tested.list.offset[u + 1];
        assert_int_equal(c.users, tested);
        assert_int_equal(c.events, older->results.tested);
        assert_ok(mrq_compare(older, newer, 1, &back, &err));
        assert_int_equal(back.users, c.users);
        mrq_model_free(older);
        mrq_model_free(newer);
        small_data_free(then);
        small_data_free(now);
    }
}

/* Models that cannot be compared, and every allocation that fails. */
static void what_cannot_be_compared_is_told(void **state)
{
    (void)state;
    static const char *const names[] = {"retrieval", "mf-bias"};
    for (size_t m = 0; m < 2; m++) {
        small_data *s = taste_new(15, 100, 1);
        mrq_model *older = learn(s, names[m], 2), *newer = learn(s, names[m], 2);
        mrq_comparison c, untouched = {.users = 77};
        assert_ok(mrq_compare(newer, older, 1, &c, &err));
        assert_in_range(c.users, MRQ_COMPARED_MIN, 15);
        bool failed = true;
        for (uint32_t n = 0; failed; n++) {
            atomic_store(&allocations_left, (int)n);
            const mrq_status status = mrq_compare(newer, older, 1, &untouched, &err);
            failed = atomic_load(&allocations_left) < 0;
            atomic_store(&allocations_left, INT_MAX);
            assert_int_equal(status, failed ? MRQ_FAILED : MRQ_OK);
            assert_int_equal(untouched.users, failed ? 77 : c.users);
        }
        older->results.tested = 0; /* as in a file of an earlier version */
        assert_ok(mrq_compare(newer, older, 1, &c, &err));
        assert_true(c.users == 0 && c.events == 0 && isnan(c.newer) && isnan(c.older) && isnan(c.gain) && isnan(c.low) &&
                    isnan(c.high));
        mrq_model_free(older);
        mrq_model_free(newer);
        small_data_free(s);
        s = taste_new(MRQ_COMPARED_MIN - 1, 100, 1); /* all are tested, and yet too few */
        older = learn(s, names[m], 2);
        assert_ok(mrq_compare(older, older, 1, &c, &err));
        assert_in_range(c.users, 8, MRQ_COMPARED_MIN - 1);
        assert_true(c.events >= c.users && isnan(c.newer) && isnan(c.high));
        mrq_model_free(older);
        small_data_free(s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(few_losses_are_no_proof),         cmocka_unit_test(limits_are_wrong_as_rarely_as_they_say),
        cmocka_unit_test(a_broken_model_is_worse),         cmocka_unit_test(nonsense_does_not_win),
        cmocka_unit_test(what_only_one_knows_is_left_out), cmocka_unit_test(what_cannot_be_compared_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
