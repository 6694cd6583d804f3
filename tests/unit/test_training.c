/* Train room, what is settled before a training and told of it: the size of batches, the threads that are of use, when a loss is
 * lost, results and log. */
#include "base/log.h"
#include "model/gemm.h"
#include "train/shuffle.h"
#include "train/trainer.h"
#include "unit/small_world.h"

static mrq_error err;

enum { USERS = 20, ITEMS = 15, RATINGS = 90 };

#define ID             "{\"feature\":\"id\",\"kind\":\"id\"}"
#define FACTORS(train) SMALL(SMALL_BIASED, "\"kind\":\"sum\",\"size\":2", ID, ID, train)
#define TOWERS(train)                                                                                                              \
    SMALL(SMALL_BIASED, "\"kind\":\"sum\",\"size\":2", ID ",{\"feature\":\"gender\",\"kind\":\"category\"}", ID, train)

/* The linker puts this clock before the real one (--wrap in tests/meson.build). */
static double hands = -1; /* what it shows; below 0: the time */

double __real_mrq_clock(void);
double __wrap_mrq_clock(void);
double __wrap_mrq_clock(void)
{
    return hands < 0 ? __real_mrq_clock() : hands;
}

/* What a training that stops after its first batch tells. */
struct first {
    uint64_t done, total;
    double rmse, samples_per_second;
    int calls;
};

static void note(void *context, int64_t epoch, uint64_t done, uint64_t total, double rmse, double samples_per_second)
{
    (void)epoch;
    const struct first *was = context;
    *(struct first *)context = (struct first){done, total, rmse, samples_per_second, was->calls + 1};
}

static mrq_status train_first(const small_data *s, const char *text, mrq_train_options options, struct first *first,
                              mrq_train_result *out)
{
    static const volatile sig_atomic_t stop = 1;
    const mrq_description d = describe(text);
    *first = (struct first){0};
    const mrq_train_watch watch = {.context = first, .batch = note, .stop = &stop};
    return mrq_train(&s->data, &d, &options, &watch, out, &err);
}

/* A 200th of the training ratings, 64 to 4096, unless the description says. */
static void a_batch_is_a_two_hundredth_of_the_ratings(void **state)
{
    (void)state;
    static const struct {
        uint32_t ratings;
        uint64_t batch;
    } cases[] = {{1, 1},      {63, 63},    {64, 64},       {65, 64},       {12999, 64},
                 {13000, 65}, {13199, 65}, {819199, 4095}, {819200, 4096}, {830000, 4096}};
    small_data *s = small_data_new(USERS, ITEMS, 830000);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct first first;
        mrq_train_result result;
        s->data.n = cases[i].ratings;
        assert_ok(train_first(s, FACTORS(""), (mrq_train_options){.seed = 1, .threads = 1}, &first, &result));
        assert_int_equal(first.done, cases[i].batch);
        assert_int_equal(first.total, cases[i].ratings);
        assert_int_equal(first.calls, 1);
        assert_int_equal(mrq_model_description(result.model)->train.batch, cases[i].batch < 64 ? 64 : cases[i].batch);
        mrq_model_free(result.model);
    }
    small_data_free(s);
}

/* A second passes after each batch, and a checkpoint, which cannot be written, is due every third. */
struct seconds {
    int batches, warnings;
    double per_second[20];
    mrq_train_epoch epoch[3];
};

static void on_batch(void *context, int64_t epoch, uint64_t done, uint64_t total, double rmse, double samples_per_second)
{
    (void)epoch, (void)done, (void)total, (void)rmse;
    struct seconds *seconds = context;
    seconds->per_second[seconds->batches++] = samples_per_second;
    hands++;
}

static void on_epoch(void *context, const mrq_train_epoch *all, uint32_t n)
{
    struct seconds *seconds = context;
    memcpy(seconds->epoch, all, n * sizeof *all);
}

static void on_warning(void *context, const mrq_error *problem)
{
    (void)problem;
    ((struct seconds *)context)->warnings++;
}

static void time_is_told_as_it_passes(void **state)
{
    (void)state;
    small_data *s = small_data_new(USERS, ITEMS, RATINGS);
    const mrq_description d = describe(FACTORS("\"batch\":16,\"epochs\":3"));
    const mrq_train_options options = {.seed = 1, .threads = 1, .checkpoint = "/nowhere/m.checkpoint", .checkpoint_seconds = 3};
    struct seconds seconds = {0};
    const mrq_train_watch watch = {.context = &seconds, .batch = on_batch, .epoch = on_epoch, .warn = on_warning};
    mrq_train_result result;
    hands = 1000;
    assert_ok(mrq_train(&s->data, &d, &options, &watch, &result, &err));
    hands = -1;
    assert_int_equal(seconds.batches, 18);
    assert_int_equal(seconds.warnings, 4); /* after 3 s, and each time from the one before: at 3, 7, 11 and 15 */
    assert_false(result.saved);
    for (int i = 0; i < 18; i++) {
        const double done = i % 6 == 5 ? 90 : 16 * (i % 6 + 1);
        assert_true(i % 6 ? fabs(seconds.per_second[i] - done / (i % 6)) < 1e-9 : isinf(seconds.per_second[i]));
    }
    for (int e = 0; e < 3; e++)
        assert_true(seconds.epoch[e].seconds == 6 && seconds.epoch[e].samples_per_second == 15);
    mrq_model_free(result.model);
    small_data_free(s);
}

/* A checkpoint of parameters that are no numbers is not written, and the training ends there. */
static void parameters_that_are_no_numbers_are_not_written(void **state)
{
    (void)state;
    char path[200], *folder = temporary_folder();
    snprintf(path, sizeof path, "%s/m.checkpoint", folder);
    small_data *s = small_data_new(USERS, ITEMS, RATINGS);
    for (uint32_t i = 0; i < RATINGS; i += 2)
        s->rating[i] = 3e38f; /* the loss is a number, its gradient is not */
    const mrq_description d = describe(SMALL(SMALL_DOT, SMALL_SUM, ID, ID, "\"optimizer\":\"sgd\",\"batch\":16,\"epochs\":2"));
    struct seconds seconds = {0};
    const mrq_train_watch watch = {.context = &seconds, .batch = on_batch, .warn = on_warning};
    mrq_train_result result = {0};
    assert_fails(mrq_train(&s->data, &d, &(mrq_train_options){.seed = 1, .threads = 2, .checkpoint = path}, &watch, &result, &err),
                 MRQ_FAILED, "the loss exploded in the first epoch, after 16 ratings");
    assert_int_equal(seconds.batches, 1);
    assert_int_equal(seconds.warnings, 0);
    assert_false(mrq_file_exists(path));
    small_data_free(s);
    temporary_remove(folder);
}

/* A factorisation has a thread for 512 ratings of a batch; other networks have as many as are asked for. */
static void as_many_threads_compute_as_are_of_use(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint32_t threads;
    } cases[] = {{FACTORS("\"batch\":1"), 1},    {FACTORS("\"batch\":511"), 1},  {FACTORS("\"batch\":512"), 1},
                 {FACTORS("\"batch\":1023"), 1}, {FACTORS("\"batch\":1024"), 2}, {FACTORS("\"batch\":1535"), 2},
                 {FACTORS("\"batch\":1536"), 3}, {FACTORS("\"batch\":9999"), 3}, {TOWERS("\"batch\":1"), 3}};
    small_data *s = small_data_new(USERS, ITEMS, RATINGS);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct first first;
        mrq_train_result result;
        assert_ok(train_first(s, cases[i].text, (mrq_train_options){.seed = 1, .threads = 3}, &first, &result));
        assert_int_equal(mrq_model_results_of(result.model)->threads, cases[i].threads);
        mrq_model_free(result.model);
    }
    small_data_free(s);
}

/* A model of one bias: every score is so far from its rating. */
static mrq_status train_with_error(small_data *s, float off, struct first *first, mrq_train_result *out)
{
    mrq_train_result old;
    assert_ok(train_first(s, FACTORS(""), (mrq_train_options){.seed = 1, .threads = 1}, first, &old));
    memset(old.model->param, 0, old.model->tensors.size * sizeof(float));
    for (uint32_t i = 0; i < old.model->user_rows; i++)
        old.model->param[mrq_tensor_at(&old.model->tensors, old.model->user.plan[0].embedding, i) + 2] = off;
    const mrq_status status = train_first(s, FACTORS("\"optimizer\":\"sgd\",\"lr\":1e-9"),
                                          (mrq_train_options){.seed = 1, .threads = 1, .warm = old.model}, first, out);
    mrq_model_free(old.model);
    return status;
}

/* A loss is lost at a hundred times the range of the ratings, and of a range below 1 at a hundred. */
static void a_loss_is_lost_at_a_hundred_ranges(void **state)
{
    (void)state;
    static const struct {
        float low, high, off;
        bool lost;
    } cases[] = {{3, 3, 99.9f, false}, {3, 3, 100.1f, true}, {3, 3.5f, 99.9f, false}, {3, 3.5f, 100.1f, true},
                 {1, 5, 399, false},   {1, 5, 401, true},    {0, 10, 999, false},     {0, 10, 1001, true}};
    small_data *s = small_data_new(USERS, ITEMS, RATINGS);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        for (uint32_t r = 0; r < RATINGS; r++)
            s->rating[r] = r % 2 ? cases[i].low : cases[i].high;
        struct first first;
        mrq_train_result result = {0};
        const mrq_status status = train_with_error(s, cases[i].off, &first, &result);
        assert_int_equal(status, cases[i].lost ? MRQ_FAILED : MRQ_OK);
        assert_true(fabs(first.rmse / (double)cases[i].off - 1) < 1e-3);
        if (cases[i].lost)
            assert_string_equal(err.msg, "the loss exploded in the first epoch, after 64 ratings: try a smaller learning rate than "
                                         "1e-09, or a \"clip\" of 1");
        mrq_model_free(result.model);
    }
    small_data_free(s);
}

/* All that is known of a training but for its RMSEs, as it is written. */
static void results_say_what_was_trained(void **state)
{
    (void)state;
    static const uint32_t part[RATINGS] = {0, 1, 2, 3, 4, 5, 6};
    const mrq_split given = {.n_train = 4,
                             .n_valid = 1,
                             .n_test = 2,
                             .train = (uint32_t *)(uintptr_t)part,
                             .valid = (uint32_t *)(uintptr_t)(part + 4),
                             .test = (uint32_t *)(uintptr_t)(part + 5)};
    const struct {
        mrq_train_options options;
        const char *text, *want;
    } cases[] = {
        {{.split = MRQ_SPLIT_USER, .test = 0.25, .seed = 7, .threads = 2},
         TOWERS("\"epochs\":2,\"validation\":0.5"),
         "{\"schema\":\"small\",\"data\":\"000000000000feed\",\"split\":\"user\",\"seed\":7,\"test_share\":0.25,\"threads\":2,"
         "\"epochs\":2,"
         "\"best_epoch\":1,\"train_ratings\":45,\"valid_ratings\":30,\"test_ratings\":15,\"rating_min\":1,\"rating_max\":5}"},
        {{.parts = &given, .seed = 9007199254740992, .threads = 1},
         TOWERS("\"epochs\":1,\"validation\":0.5"),
         "{\"schema\":\"small\",\"data\":\"000000000000feed\",\"split\":\"given\",\"seed\":9007199254740992,\"test_share\":0,"
         "\"threads\":1,"
         "\"epochs\":1,\"best_epoch\":1,\"train_ratings\":4,\"valid_ratings\":1,\"test_ratings\":2,\"rating_min\":1,\"rating_max\":"
         "5}"},
    };
    small_data *s = small_data_new(USERS, ITEMS, RATINGS);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const mrq_description d = describe(cases[i].text);
        mrq_train_result result;
        assert_ok(mrq_train(&s->data, &d, &cases[i].options, NULL, &result, &err));
        MRQ_CLEANUP(cJSON_Delete) cJSON *json = mrq_model_results_json(mrq_model_results_of(result.model));
        static const char *const others[] = {"train_rmse", "valid_rmse", "test_rmse", "blas_core", "blas_chosen_by"};
        for (size_t k = 0; k < sizeof others / sizeof *others; k++) {
            assert_true(cJSON_HasObjectItem(json, others[k]));
            cJSON_DeleteItemFromObjectCaseSensitive(json, others[k]);
        }
        MRQ_AUTOFREE char *text = cJSON_PrintUnformatted(json);
        assert_string_equal(text, cases[i].want);
        assert_true(result.end == MRQ_TRAIN_DONE && !result.saved && result.epoch == mrq_model_results_of(result.model)->epochs);
        mrq_model_free(result.model);
    }
    small_data_free(s);
}

/* The cosine's range reaches the ratings on either side, to the very end. */
static void a_cosine_reaches_the_ratings_on_either_side(void **state)
{
    (void)state;
    static const struct {
        double low, high, want;
        bool fine;
    } cases[] = {{1, 5, 0, true}, {1, 5.01, 2.01, false}, {0.99, 5, 2.01, false}, {0, 5, 3, false}, {2, 4, 0, true}};
    small_data *s = small_data_new(USERS, ITEMS, RATINGS);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct first first;
        mrq_train_result result = {0};
        s->data.rating_min = cases[i].low;
        s->data.rating_max = cases[i].high;
        err = (mrq_error){0};
        const mrq_status status =
            train_first(s, SMALL("\"scale\":2,\"shift\":3", SMALL_DENSE, SMALL_DENSE_USER, SMALL_DENSE_ITEM, ""),
                        (mrq_train_options){.seed = 1, .threads = 1}, &first, &result);
        char want[200] = "";
        if (!cases[i].fine)
            snprintf(want, sizeof want,
                     "ratings of %g to %g lie outside the scores of model \"small\", 1 to 5: want score.scale %g or more",
                     cases[i].low, cases[i].high, cases[i].want);
        assert_int_equal(status, cases[i].fine ? MRQ_OK : MRQ_BAD_FILE);
        assert_string_equal(err.msg, want);
        mrq_model_free(result.model);
    }
    small_data_free(s);
}

/* The largest batch there can be: as large as is asked for, and with whole items the most rated one more. */
static void the_largest_batch_is_known_beforehand(void **state)
{
    (void)state;
    static const struct {
        mrq_shuffle order;
        uint32_t size, want;
    } cases[] = {{MRQ_SHUFFLE_RANDOM, 1, 1},   {MRQ_SHUFFLE_RANDOM, 89, 89}, {MRQ_SHUFFLE_RANDOM, 90, 90},
                 {MRQ_SHUFFLE_RANDOM, 91, 90}, {MRQ_SHUFFLE_ITEM, 1, 11},    {MRQ_SHUFFLE_ITEM, 79, 89},
                 {MRQ_SHUFFLE_ITEM, 80, 90},   {MRQ_SHUFFLE_ITEM, 81, 90},   {MRQ_SHUFFLE_ITEM, UINT32_MAX - 10, 90}};
    small_data *s = small_data_new(USERS, ITEMS, RATINGS);
    uint32_t rating[RATINGS], largest;
    for (uint32_t i = 0; i < RATINGS; i++) {
        rating[i] = i;
        s->item[i] = i < 10 ? 3 : 4 + i % 11; /* ten of the third, at most eight of another */
    }
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_ok(mrq_shuffle_largest(cases[i].order, &s->data, rating, RATINGS, cases[i].size, &largest, &err));
        assert_int_equal(largest, cases[i].want);
    }
    assert_fails(mrq_shuffle_largest(MRQ_SHUFFLE_ITEM, &s->data, rating, RATINGS, UINT32_MAX - 9, &largest, &err), MRQ_FAILED,
                 "an item has 10 ratings: too many for batches of whole items");
    small_data_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_batch_is_a_two_hundredth_of_the_ratings),
        cmocka_unit_test(time_is_told_as_it_passes),
        cmocka_unit_test(parameters_that_are_no_numbers_are_not_written),
        cmocka_unit_test(as_many_threads_compute_as_are_of_use),
        cmocka_unit_test(a_loss_is_lost_at_a_hundred_ranges),
        cmocka_unit_test(results_say_what_was_trained),
        cmocka_unit_test(a_cosine_reaches_the_ratings_on_either_side),
        cmocka_unit_test(the_largest_batch_is_known_beforehand),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
