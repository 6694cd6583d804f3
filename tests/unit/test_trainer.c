/* Train room, the whole of it: learning, reproducibility, interruption and resumption, losing and stopping, the smallest data. */
#include "base/clock.h"
#include "train/evaluate.h"
#include "train/optimizer.h"
#include "train/shuffle.h"
#include "train/train.h"
#include "train/worker.h"
#include "unit/small_world.h"

static mrq_error err;
static char folder[128];

enum { USERS = 20, ITEMS = 15, RATINGS = 90, BATCH = 16, BATCHES = 6, EPOCHS = 3 };

#define DENSE(train)  SMALL(SMALL_BIASED, SMALL_DENSE, SMALL_DENSE_USER, SMALL_DENSE_ITEM, train)
#define SUM(train)    SMALL(SMALL_BIASED, SMALL_SUM, SMALL_SUM_USER, SMALL_SUM_ITEM, train)
#define COSINE(train) SMALL(SMALL_COSINE, SMALL_DENSE, SMALL_DENSE_USER, SMALL_DENSE_ITEM, train)
#define RATING(train) SMALL(SMALL_BIASED, SMALL_SUM ",\"activation\":\"tanh\"", SMALL_RATING_USER, SMALL_RATING_ITEM, train)
#define FACTORS       "{\"feature\":\"id\",\"kind\":\"id\"}"
#define SIZES         ",\"batch\":16,\"epochs\":3"

static void no_dropout(mrq_description *d)
{
    for (uint32_t b = 0; b < MRQ_BRANCHES_MAX; b++)
        d->user.branch[b].dropout = d->item.branch[b].dropout = 0;
}

/* Training, with a watch that counts batches and raises the stop flag */

struct tale {
    volatile sig_atomic_t stop;
    int batches, stop_after; /* the flag goes up when so many have ended: the next one is the last. 0: never */
    uint64_t done;
    mrq_train_epoch epoch[200];
    uint32_t epochs;
    int warnings;
    mrq_error problem; /* of the last one */
    bool wrong;        /* something that was told; noted here, as a failing check would leave threads behind */
    float *spoil;      /* becomes NaN when as many passes have ended as `spoil_after` */
    uint32_t spoil_after;
};

static void on_batch(void *context, int64_t epoch, uint64_t done, uint64_t total, double rmse, double samples_per_second)
{
    struct tale *tale = context;
    tale->wrong = tale->wrong || epoch != tale->epochs + 1 || done > total || rmse < 0 || !(samples_per_second > 0) ||
                  (done <= tale->done && tale->batches && tale->done != total);
    tale->done = done;
    if (++tale->batches == tale->stop_after)
        tale->stop = 1;
}

static void on_epoch(void *context, const mrq_train_epoch *all, uint32_t n)
{
    struct tale *tale = context;
    tale->wrong = tale->wrong || n != tale->epochs + 1 || all[n - 1].epoch != n;
    memcpy(tale->epoch, all, n * sizeof *all);
    tale->epochs = n;
    if (tale->spoil && n == tale->spoil_after)
        *tale->spoil = NAN;
}

static void on_warning(void *context, const mrq_error *problem)
{
    struct tale *tale = context;
    tale->warnings++;
    tale->problem = *problem;
}

static mrq_status try_train(const small_data *s, const mrq_description *d, const mrq_train_options *options, struct tale *tale,
                            mrq_train_result *out)
{
    const mrq_train_watch watch = {tale, on_batch, on_epoch, NULL, on_warning, &tale->stop};
    const mrq_status status = mrq_train(&s->data, d, options, &watch, out, &err);
    assert_false(tale->wrong);
    return status;
}

static mrq_train_result train(const small_data *s, const mrq_description *d, const mrq_train_options *options, struct tale *tale)
{
    mrq_train_result result = {0};
    assert_ok(try_train(s, d, options, tale, &result));
    assert_non_null(result.model);
    return result;
}

static mrq_train_result train_quietly(const small_data *s, const mrq_description *d, const mrq_train_options *options)
{
    struct tale tale = {0};
    return train(s, d, options, &tale);
}

static bool same_number(double a, double b)
{
    return a == b || (isnan(a) && isnan(b));
}

static bool same_pass(const mrq_model_epoch *a, const mrq_model_epoch *b)
{
    return same_number(a->train_rmse, b->train_rmse) && same_number(a->valid_rmse, b->valid_rmse) &&
           same_number(a->test_rmse, b->test_rmse);
}

static void assert_same(const mrq_model *a, const mrq_model *b)
{
    assert_int_equal(a->curve.n, b->curve.n);
    for (uint32_t i = 0; i < a->curve.n; i++)
        assert_true(same_pass(&a->curve.epoch[i], &b->curve.epoch[i]));
    assert_memory_equal(a->param, b->param, a->tensors.size * sizeof *a->param);
    assert_int_equal(a->results.epochs, b->results.epochs);
    assert_int_equal(a->results.best_epoch, b->results.best_epoch);
    assert_true(same_number(a->results.train_rmse, b->results.train_rmse) &&
                same_number(a->results.valid_rmse, b->results.valid_rmse) &&
                same_number(a->results.test_rmse, b->results.test_rmse));
}

static void assert_finite(const mrq_model *model)
{
    for (size_t i = 0; i < model->tensors.size; i++)
        assert_true(isfinite(model->param[i]));
}

static const char *file(const char *name)
{
    static char path[200];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

/* Learning */

/* A toy is learned by heart with every optimiser. */
static void a_toy_is_learned_by_heart(void **state)
{
    (void)state;
    static const struct {
        const char *name, *text;
    } runs[] = {
        {"sgd", DENSE("\"optimizer\":\"sgd\",\"lr\":0.1,\"epochs\":150,\"batch\":8")},
        {"momentum", DENSE("\"optimizer\":\"momentum\",\"lr\":0.02,\"epochs\":150,\"batch\":8")},
        {"rmsprop", DENSE("\"optimizer\":\"rmsprop\",\"lr\":0.004,\"epochs\":150,\"batch\":8,\"schedule\":\"linear\"")},
        {"adam", COSINE("\"optimizer\":\"adam\",\"lr\":0.01,\"epochs\":150,\"batch\":8,\"schedule\":\"cosine\",\"clip\":5")},
        {"adam, item by item", SUM("\"optimizer\":\"adam\",\"lr\":0.01,\"epochs\":150,\"batch\":8,\"order\":\"item\"")},
    };
    small_data *s = small_data_new(8, 6, 24);
    for (uint32_t i = 0; i < 24; i++) /* each pair once: a rating twice could not be learned */
        s->user[i] = i % 8, s->item[i] = (i * 5 + i / 8) % 6;
    for (size_t i = 0; i < sizeof runs / sizeof *runs; i++) {
        mrq_description d = describe(runs[i].text);
        no_dropout(&d);
        struct tale tale = {0};
        const mrq_train_result result = train(s, &d, &(mrq_train_options){.seed = 1, .threads = 1}, &tale);
        assert_int_equal(result.end, MRQ_TRAIN_DONE);
        assert_int_equal(tale.epochs, 150);
        if (!(tale.epoch[149].train_rmse < 0.05))
            fail_msg("%s: rmse %g after %g in the first epoch", runs[i].name, tale.epoch[149].train_rmse, tale.epoch[0].train_rmse);
        mrq_model_free(result.model);
    }
    small_data_free(s);
}

/* The loop written down once more: the order, the shares, the schedule's progress. */
static void a_training_is_its_batches(void **state)
{
    (void)state;
    small_data *s = small_data_new(USERS, ITEMS, RATINGS);
    const mrq_description d = describe(DENSE("\"optimizer\":\"momentum\",\"lr\":0.02,\"schedule\":\"linear\"" SIZES));
    const mrq_train_result result = train_quietly(s, &d, &(mrq_train_options){.seed = 8, .threads = 1});

    uint32_t rating[RATINGS];
    uint64_t start[BATCHES + 2], scratch[2 * RATINGS];
    for (uint32_t i = 0; i < RATINGS; i++)
        rating[i] = i;
    mrq_model_source source = mrq_train_source(&s->data, rating, RATINGS);
    source.seed = 8;
    MRQ_CLEANUP(mrq_model_free) mrq_model *model = NULL;
    MRQ_CLEANUP(mrq_arena_free) mrq_arena *arena = mrq_arena_new();
    mrq_worker worker;
    mrq_gradient *gradient = &worker.gradient;
    mrq_optimizer_state optimizer;
    mrq_random rng;
    mrq_random_init(&rng, 8, 0x200000000u);
    assert_ok(mrq_model_new(&d, &source, &model, &err));
    assert_ok(mrq_worker_make(model, &s->data, BATCH, 8, 0, arena, &worker, &err));
    assert_ok(mrq_optimizer_make(&model->tensors, &d.train, arena, &optimizer, &err));
    for (int epoch = 0; epoch < EPOCHS; epoch++) {
        assert_ok(mrq_shuffle_epoch(MRQ_SHUFFLE_RANDOM, &s->data, &rng, rating, RATINGS, &err));
        assert_int_equal(mrq_shuffle_cut(MRQ_SHUFFLE_RANDOM, &s->data, rating, RATINGS, BATCH, start), BATCHES);
        for (int b = 0; b < BATCHES; b++) {
            const uint32_t n = (uint32_t)(start[b + 1] - start[b]);
            mrq_shuffle_sort(&s->data, rating + start[b], n, scratch);
            mrq_worker_run(&worker, rating + start[b], n, n);
            mrq_optimizer_begin(&optimizer, (epoch + (double)start[b] / RATINGS) / EPOCHS, n);
            mrq_optimizer_move(&optimizer, model->param, &gradient, 1, 0, 1, 0);
        }
    }
    assert_memory_equal(result.model->param, model->param, model->tensors.size * sizeof(float));
    mrq_model_free(result.model);
    small_data_free(s);
}

/* The model keeps what the watch was told of its passes, whole, interrupted, resumed and started warm. */
static void the_curve_travels_with_the_model(void **state)
{
    (void)state;
    small_data *s = small_data_new(USERS, ITEMS, RATINGS);
    const mrq_description with = describe(DENSE("\"lr\":0.01,\"validation\":0.1" SIZES)),
                          without = describe(DENSE("\"lr\":0.01" SIZES));
    mrq_train_options options = {.test = 0.1, .seed = 3, .threads = 1};
    struct tale tale = {0};
    const mrq_train_result whole = train(s, &with, &options, &tale);
    const mrq_model_curve *curve = mrq_model_curve_of(whole.model);
    assert_int_equal(curve->n, EPOCHS);
    for (uint32_t i = 0; i < EPOCHS; i++)
        assert_true(same_pass(&curve->epoch[i],
                              &(mrq_model_epoch){tale.epoch[i].train_rmse, tale.epoch[i].valid_rmse, tale.epoch[i].test_rmse}) &&
                    isfinite(curve->epoch[i].valid_rmse) && isfinite(curve->epoch[i].test_rmse));
    assert_true(curve->epoch[whole.model->results.best_epoch - 1].test_rmse == whole.model->results.test_rmse);

    options.test = 0;
    options.warm = whole.model;
    const mrq_train_result warm = train_quietly(s, &without, &options);
    assert_int_equal(mrq_model_curve_of(warm.model)->n, EPOCHS); /* its own alone */
    for (uint32_t i = 0; i < EPOCHS; i++)
        assert_true(isnan(warm.model->curve.epoch[i].valid_rmse) && isnan(warm.model->curve.epoch[i].test_rmse) &&
                    warm.model->curve.epoch[i].train_rmse > 0);

    options = (mrq_train_options){.test = 0.1, .seed = 3, .threads = 1};
    struct tale stopped = {.stop_after = 2}, later = {.stop_after = BATCHES + 1};
    const mrq_train_result none = train(s, &with, &options, &stopped), one = train(s, &with, &options, &later);
    assert_int_equal(none.model->curve.n, 0);
    assert_int_equal(one.model->curve.n, 1);
    assert_true(same_pass(&one.model->curve.epoch[0], &curve->epoch[0]));
    mrq_model_free(whole.model);
    mrq_model_free(warm.model);
    mrq_model_free(none.model);
    mrq_model_free(one.model);
    small_data_free(s);
}

/* Reproducibility */

static const char *const settings[] = {
    DENSE("\"optimizer\":\"adam\",\"lr\":0.01,\"clip\":1,\"schedule\":\"cosine\",\"validation\":0.1" SIZES),
    SUM("\"optimizer\":\"momentum\",\"lr\":0.01,\"l2\":0.001,\"order\":\"item\"" SIZES),
    SMALL(SMALL_BIASED, SMALL_SUM, FACTORS, FACTORS, "\"lr\":0.01,\"l2\":0.001,\"validation\":0.1" SIZES),
    COSINE("\"optimizer\":\"rmsprop\",\"lr\":0.01,\"schedule\":\"linear\",\"validation\":0.1" SIZES),
    RATING("\"optimizer\":\"sgd\",\"lr\":0.05,\"clip\":2,\"order\":\"item\",\"validation\":0.1" SIZES),
};

static void the_same_seed_gives_the_same_bytes(void **state)
{
    (void)state;
    small_data *s = small_data_new(USERS, ITEMS, RATINGS);
    for (size_t k = 0; k < sizeof settings / sizeof *settings; k++)
        for (uint32_t threads = 1; threads <= 3; threads++) {
            const mrq_description d = describe(settings[k]);
            mrq_train_options options = {.test = 0.1, .seed = 1, .threads = threads};
            const mrq_train_result one = train_quietly(s, &d, &options), two = train_quietly(s, &d, &options);
            assert_same(one.model, two.model);
            assert_int_equal(one.model->results.test_ratings, 9);
            assert_int_equal(one.epoch, two.epoch);
            options.seed = 2;
            const mrq_train_result other = train_quietly(s, &d, &options);
            const uint64_t a = one.model->tensors.size, b = other.model->tensors.size; /* who is in the training part has a row */
            assert_true(a != b || memcmp(one.model->param, other.model->param, a * sizeof(float)) != 0);
            mrq_model_free(one.model);
            mrq_model_free(two.model);
            mrq_model_free(other.model);
        }
    small_data_free(s);
}

/* What each of them comes to, to five digits: by seed, order, shares, schedule, moments, dropout and the rest. And what the watch
 * is told of work and time. */
static void a_training_comes_to_these_numbers(void **state)
{
    (void)state;
    static const struct {
        double rmse[3], flops; /* train, valid and test of the last pass */
        int64_t best;
    } want[][2] = {
        {{{1.035388, 0.5313622, 1.345395}, 202770, 3}, {{1.006811, 0.5250949, 1.31331}, 233766, 3}},
        {{{4.77061, (double)NAN, 2.315931}, 112434, 3}, {{3.636249, (double)NAN, 2.150335}, 172914, 3}},
        {{{0.7386716, 0.3892846, 1.435467}, 8322, 1}, {{0.7386716, 0.3892846, 1.435467}, 8322, 1}},
        {{{1.436854, 1.097961, 1.915732}, 195090, 3}, {{1.338835, 0.9910846, 1.945091}, 225102, 3}},
        {{{1.733876, 1.355311, 1.593133}, 8916, 3}, {{1.663127, 1.337214, 1.60214}, 9294, 3}},
    };
    small_data *s = small_data_new(USERS, ITEMS, RATINGS);
    for (size_t k = 0; k < sizeof settings / sizeof *settings; k++)
        for (uint32_t threads = 1; threads <= 2; threads++) {
            const mrq_description d = describe(settings[k]);
            struct tale tale = {0};
            const double start = mrq_clock();
            const mrq_train_result result = train(s, &d, &(mrq_train_options){.test = 0.1, .seed = 1, .threads = threads}, &tale);
            const double took = mrq_clock() - start;
            const mrq_train_epoch *last = &tale.epoch[EPOCHS - 1];
            const double rmse[] = {last->train_rmse, last->valid_rmse, last->test_rmse};
            for (int i = 0; i < 3; i++)
                if (isnan(want[k][threads - 1].rmse[i]) ? !isnan(rmse[i])
                                                        : !(fabs(rmse[i] / want[k][threads - 1].rmse[i] - 1) < 3e-5))
                    fail_msg("settings %zu, %u threads: RMSE %d is %.7g, want %.7g", k, threads, i, rmse[i],
                             want[k][threads - 1].rmse[i]);
            assert_true(last->flops == want[k][threads - 1].flops);
            assert_int_equal(result.model->results.best_epoch, want[k][threads - 1].best);
            double seconds = 0;
            for (int e = 0; e < EPOCHS; e++) {
                const double ratings = tale.epoch[e].seconds * tale.epoch[e].samples_per_second;
                assert_true(tale.epoch[e].seconds > 0 && fabs(ratings - (double)result.model->results.train_ratings) < 1e-6);
                assert_int_equal(tale.epoch[e].epochs, EPOCHS);
                seconds += tale.epoch[e].seconds;
            }
            assert_true(seconds <= took);
            mrq_model_free(result.model);
        }
    small_data_free(s);
}

static void threads_may_outnumber_the_ratings(void **state)
{
    (void)state;
    small_data *s = small_data_new(USERS, ITEMS, 10);
    for (size_t k = 0; k < sizeof settings / sizeof *settings; k++) {
        mrq_description d = describe(settings[k]);
        d.train.validation = 0;
        const mrq_train_options options = {.seed = 1, .threads = MRQ_THREADS_MAX};
        const mrq_train_result one = train_quietly(s, &d, &options), two = train_quietly(s, &d, &options);
        assert_same(one.model, two.model);
        assert_finite(one.model);
        mrq_model_free(one.model);
        mrq_model_free(two.model);
    }
    small_data_free(s);
}

/* Interruption */

static void an_interruption_leaves_no_trace(void **state)
{
    (void)state;
    /* in the first epoch, at its end, in the second, in the last, at the very end */
    static const int points[] = {1, 2, BATCHES - 1, BATCHES, BATCHES + 3, 2 * BATCHES, 3 * BATCHES - 2};
    small_data *s = small_data_new(USERS, ITEMS, RATINGS);
    const char *path = file("interrupted.mrq");
    for (size_t k = 0; k < sizeof settings / sizeof *settings; k++)
        for (uint32_t threads = 1; threads <= 2; threads++) {
            const mrq_description d = describe(settings[k]);
            mrq_train_options options = {.test = 0.1, .seed = 3, .threads = threads};
            struct tale whole = {0};
            const mrq_train_result straight = train(s, &d, &options, &whole);
            options.checkpoint = path;
            options.checkpoint_seconds = 1e9;
            for (size_t i = 0; i < sizeof points / sizeof *points; i++) {
                if (points[i] >= whole.batches)
                    continue;
                struct tale tale = {.stop_after = points[i]};
                options.resume = false;
                const mrq_train_result cut = train(s, &d, &options, &tale);
                assert_int_equal(cut.end, MRQ_TRAIN_INTERRUPTED);
                assert_int_equal(tale.batches, points[i] + 1);
                assert_int_equal(cut.epoch, tale.epochs + 1);
                assert_int_equal(cut.model->results.epochs, tale.epochs);
                assert_finite(cut.model);
                mrq_model_free(cut.model);

                struct tale rest = {.epochs = tale.epochs};
                options.resume = true;
                const mrq_train_result resumed = train(s, &d, &options, &rest);
                assert_int_equal(resumed.end, MRQ_TRAIN_DONE);
                assert_int_equal(tale.batches + rest.batches, whole.batches);
                assert_same(straight.model, resumed.model);
                for (uint32_t e = 0; e < EPOCHS; e++) /* the curve, too; but for the clock */
                    assert_true(rest.epoch[e].epoch == whole.epoch[e].epoch && rest.epoch[e].best == whole.epoch[e].best &&
                                same_number(rest.epoch[e].train_rmse, whole.epoch[e].train_rmse) &&
                                same_number(rest.epoch[e].valid_rmse, whole.epoch[e].valid_rmse) &&
                                same_number(rest.epoch[e].test_rmse, whole.epoch[e].test_rmse));
                mrq_model_free(resumed.model);
            }
            mrq_model_free(straight.model);
            unlink(path);
        }
    small_data_free(s);
}

/* Interrupted after every second batch, until it is done. */
static void interruptions_may_follow_each_other(void **state)
{
    (void)state;
    small_data *s = small_data_new(USERS, ITEMS, RATINGS);
    const mrq_description d = describe(settings[0]);
    mrq_train_options options = {.test = 0.1, .seed = 3, .threads = 2};
    const mrq_train_result straight = train_quietly(s, &d, &options);
    options.checkpoint = file("often.mrq");
    options.checkpoint_seconds = 1e9;
    options.resume = true;
    mrq_train_result result = {0};
    uint32_t epochs = 0;
    int runs = 0;
    do {
        mrq_model_free(result.model);
        struct tale tale = {.stop_after = 1, .epochs = epochs};
        result = train(s, &d, &options, &tale);
        epochs = tale.epochs;
    } while (++runs < 50 && result.end == MRQ_TRAIN_INTERRUPTED);
    assert_int_equal(result.end, MRQ_TRAIN_DONE);
    assert_true(runs >= 8);
    assert_same(straight.model, result.model);
    mrq_model_free(result.model);
    mrq_model_free(straight.model);
    unlink(options.checkpoint);
    small_data_free(s);
}

/* As after a crash: the last checkpoint of a training that went on. */
static void a_checkpoint_by_the_clock_can_be_resumed(void **state)
{
    (void)state;
    small_data *s = small_data_new(USERS, ITEMS, RATINGS);
    const mrq_description d = describe(settings[0]);
    mrq_train_options options = {.seed = 3, .threads = 2, .checkpoint = file("clock.mrq"), .checkpoint_seconds = 0};
    struct tale tale = {0};
    const mrq_train_result straight = train(s, &d, &options, &tale);
    assert_int_equal(straight.end, MRQ_TRAIN_DONE);
    if (mrq_file_exists(options.checkpoint)) { /* whoever asked for it may have removed it */
        struct tale again = {.epochs = EPOCHS - 1};
        options.resume = true;
        const mrq_train_result resumed = train(s, &d, &options, &again);
        assert_int_equal(again.batches, 0); /* it was taken after the very last batch */
        assert_same(straight.model, resumed.model);
        mrq_model_free(resumed.model);
    }
    mrq_model_free(straight.model);
    unlink(options.checkpoint);
    small_data_free(s);
}

static void resuming_without_a_file_starts_anew(void **state)
{
    (void)state;
    small_data *s = small_data_new(USERS, ITEMS, RATINGS);
    const mrq_description d = describe(settings[0]);
    mrq_train_options options = {.seed = 3, .threads = 1};
    const mrq_train_result straight = train_quietly(s, &d, &options);
    options.checkpoint = file("none.mrq");
    options.checkpoint_seconds = 1e9;
    options.resume = true;
    const mrq_train_result resumed = train_quietly(s, &d, &options);
    assert_same(straight.model, resumed.model);
    assert_false(mrq_file_exists(options.checkpoint)); /* nothing was due */
    mrq_model_free(straight.model);
    mrq_model_free(resumed.model);
    small_data_free(s);
}

static void a_checkpoint_that_cannot_be_written_is_told_and_no_more(void **state)
{
    (void)state;
    small_data *s = small_data_new(USERS, ITEMS, RATINGS);
    const mrq_description d = describe(settings[0]);
    const mrq_train_options without = {.seed = 3, .threads = 3},
                            options = {.seed = 3, .threads = 3, .checkpoint = file("no/where.mrq")};
    const mrq_train_result straight = train_quietly(s, &d, &without);
    struct tale tale = {0};
    mrq_train_result result = {0};
    assert_ok(try_train(s, &d, &options, &tale, &result));
    assert_true(result.end == MRQ_TRAIN_DONE && tale.warnings == tale.batches);
    assert_non_null(strstr(tale.problem.msg, "no/where.mrq"));
    assert_same(straight.model, result.model);
    mrq_model_free(straight.model);
    mrq_model_free(result.model);
    small_data_free(s);
}

/* A training that is interrupted in its second pass; its checkpoint lies in file("resume.mrq"). */
struct interrupted {
    small_data *data;
    mrq_description d;
    mrq_train_options options; /* to resume */
};

static void interrupt(struct interrupted *i)
{
    *i = (struct interrupted){.data = small_data_new(USERS, ITEMS, RATINGS), .d = describe(settings[0])};
    i->options =
        (mrq_train_options){.test = 0.1, .seed = 3, .threads = 2, .checkpoint = file("resume.mrq"), .checkpoint_seconds = 1e9};
    struct tale tale = {.stop_after = BATCHES + 1};
    const mrq_train_result cut = train(i->data, &i->d, &i->options, &tale);
    assert_int_equal(cut.end, MRQ_TRAIN_INTERRUPTED);
    mrq_model_free(cut.model);
    i->options.resume = true;
}

static void assert_resume_refused(const struct interrupted *i, const char *sentence)
{
    struct tale tale = {0};
    mrq_train_result result = {0};
    assert_fails(try_train(i->data, &i->d, &i->options, &tale, &result), MRQ_BAD_FILE, sentence);
    assert_non_null(strstr(err.msg, "resume.mrq"));
    assert_null(result.model);
    assert_int_equal(tale.batches, 0);
}

static void the_checkpoint_of_another_training_is_refused(void **state)
{
    (void)state;
    struct interrupted i;
    interrupt(&i);
    const mrq_train_options options = i.options;
    const mrq_description d = i.d;
    i.options.seed = 4;
    assert_resume_refused(&i, "was saved with training.seed 3, not 4");
    i.options = options;
    i.options.threads = 3;
    assert_resume_refused(&i, "was saved with training.threads 2, not 3");
    i.options = options;
    i.options.test = 0.2;
    assert_resume_refused(&i, "was saved with training.test_share 0.1, not 0.2");
    i.options = options;
    i.options.split = MRQ_SPLIT_USER;
    assert_resume_refused(&i, "was saved with training.split \"random\", not \"user\"");
    i.options = options;
    i.d.train.lr = 0.02;
    assert_resume_refused(&i, "was saved with model.train.lr 0.01, not 0.02");
    i.d = d;
    i.d.train.optimizer = MRQ_SGD;
    assert_resume_refused(&i, "was saved with model.train.optimizer \"adam\", not \"sgd\"");
    i.d = d;
    i.d.train.clip = 0;
    assert_resume_refused(&i, "clip");
    i.d = d;
    i.d.train.l2 = 0.5;
    assert_resume_refused(&i, "was saved with model.train.l2 absent, not 0.5");
    i.d = d;
    i.d.user.branch[0].dropout = 0.25;
    assert_resume_refused(&i, "was saved with model.towers.user[0].dropout 0.3, not 0.25");
    i.d = d;
    i.d.user.n--;
    assert_resume_refused(&i, "model.towers.user");
    i.d = d;
    i.data->data.fingerprint++;
    assert_resume_refused(&i, "was saved with training.data \"000000000000feed\", not \"000000000000feee\"");
    i.data->data.fingerprint--;
    struct tale rest = {.epochs = 1};
    mrq_model_free(train(i.data, &i.d, &i.options, &rest).model); /* as it was, it is taken */
    small_data_free(i.data);
}

static void a_damaged_checkpoint_is_refused(void **state)
{
    (void)state;
    struct interrupted i;
    interrupt(&i);
    size_t size;
    MRQ_AUTOFREE unsigned char *bytes = read_bytes(i.options.checkpoint, &size);
    for (size_t at = 0; at < size; at += size / 40 + 1) {
        bytes[at] ^= (unsigned char)(1 << at % 8);
        write_bytes(i.options.checkpoint, bytes, size);
        bytes[at] ^= (unsigned char)(1 << at % 8);
        assert_resume_refused(&i, "");
    }
    for (size_t at = 0; at < size; at += size / 20 + 1) {
        write_bytes(i.options.checkpoint, bytes, at);
        assert_resume_refused(&i, "");
    }
    write_bytes(i.options.checkpoint, bytes, size);
    struct tale rest = {.epochs = 1};
    mrq_model_free(train(i.data, &i.d, &i.options, &rest).model);
    small_data_free(i.data);
}

/* A hostile writer's checkpoint, its checksum right, may be taken or refused, but does no harm. */
static void a_forged_checkpoint_does_no_harm(void **state)
{
    (void)state;
    struct interrupted i;
    interrupt(&i);
    size_t size;
    uint32_t taken = 0, refused = 0;
    MRQ_AUTOFREE unsigned char *bytes = read_bytes(i.options.checkpoint, &size);
    for (size_t at = 64; at < size; at += at < 3000 ? 5 : size / 100) {
        const unsigned char keep = bytes[at];
        bytes[at] ^= (unsigned char)(1 << at % 8);
        make_checksum(bytes, size);
        write_bytes(i.options.checkpoint, bytes, size);
        bytes[at] = keep;
        mrq_train_result result = {0};
        if (mrq_train(&i.data->data, &i.d, &i.options, NULL, &result, &err) == MRQ_OK)
            taken++;
        else
            refused++;
        mrq_model_free(result.model);
    }
    assert_true(taken > 10 && refused > 10);
    small_data_free(i.data);
}

/* The place of a section in a container's bytes, and its size: base/container.h. */
static uint64_t find_section(const unsigned char *bytes, const char *name, uint64_t *size)
{
    enum { TABLE = 48, ENTRY = MRQ_CONTAINER_NAME + 16 };
    uint32_t sections;
    uint64_t place = 0;
    memcpy(&sections, bytes + 24, sizeof sections);
    for (const unsigned char *at = bytes + TABLE; sections-- && !place; at += ENTRY)
        if (strcmp((const char *)at, name) == 0) {
            memcpy(&place, at + MRQ_CONTAINER_NAME, sizeof place);
            memcpy(size, at + MRQ_CONTAINER_NAME + sizeof place, sizeof *size);
        }
    assert_true(place > 0);
    return place;
}

/* A rating that is tested, or one that would be learned from twice, is not slipped in by a checkpoint. */
static void a_checkpoint_holds_each_rating_to_learn_from_once(void **state)
{
    (void)state;
    struct interrupted i;
    interrupt(&i);
    size_t size;
    MRQ_AUTOFREE unsigned char *bytes = read_bytes(i.options.checkpoint, &size);
    uint64_t held = 0;
    uint32_t *order = (uint32_t *)(void *)(bytes + find_section(bytes, "order", &held));
    const uint32_t first = order[0];
    static unsigned char learned[RATINGS];
    uint32_t tested = 0;
    for (uint64_t r = 0; r < held / sizeof *order; r++)
        learned[order[r]] = 1;
    while (learned[tested])
        tested++;
    const uint32_t wrong[] = {order[1], tested, RATINGS, UINT32_MAX};
    for (size_t w = 0; w < sizeof wrong / sizeof *wrong; w++) {
        order[0] = wrong[w];
        make_checksum(bytes, size);
        write_bytes(i.options.checkpoint, bytes, size);
        assert_resume_refused(&i, "is not in the training part or occurs twice");
    }
    order[0] = first;
    make_checksum(bytes, size);
    write_bytes(i.options.checkpoint, bytes, size);
    struct tale rest = {.epochs = 1};
    mrq_model_free(train(i.data, &i.d, &i.options, &rest).model);
    small_data_free(i.data);
}

/* Losing */

static void a_first_pass_that_is_lost_gives_advice(void **state)
{
    (void)state;
    small_data *s = small_data_new(USERS, ITEMS, RATINGS);
    static const char *const texts[] = {
        SMALL(SMALL_DOT, SMALL_SUM, SMALL_SUM_USER, SMALL_SUM_ITEM, "\"optimizer\":\"sgd\",\"lr\":1000" SIZES),
        SMALL(SMALL_BIASED, SMALL_DENSE, SMALL_DENSE_USER, SMALL_DENSE_ITEM,
              "\"optimizer\":\"adam\",\"lr\":1000,\"clip\":1" SIZES)};
    static const char *const advice[] = {"try a smaller learning rate than 1000, or a \"clip\" of 1",
                                         "try a smaller learning rate than 1000"};
    for (int k = 0; k < 2; k++)
        for (uint32_t threads = 1; threads <= 3; threads++) {
            const mrq_description d = describe(texts[k]);
            const mrq_train_options options = {.seed = 1, .threads = threads, .checkpoint = file("lost.mrq")};
            struct tale tale = {0};
            mrq_train_result result = {0};
            assert_fails(try_train(s, &d, &options, &tale, &result), MRQ_FAILED, advice[k]);
            assert_null(result.model);
            assert_int_equal(tale.epochs, 0);
            assert_true((strstr(err.msg, "\"clip\"") != NULL) == (k == 0));
        }
    unlink(file("lost.mrq"));
    small_data_free(s);
}

static void a_rating_that_is_no_number_is_a_lost_loss(void **state)
{
    (void)state;
    small_data *s = small_data_new(USERS, ITEMS, RATINGS);
    const mrq_description d = describe(settings[1]);
    struct tale tale = {0};
    mrq_train_result result = {0};
    s->rating[5] = NAN; /* no reader lets one through; it stands for any loss that overflows */
    assert_fails(try_train(s, &d, &(mrq_train_options){.seed = 1, .threads = 2}, &tale, &result), MRQ_FAILED,
                 "exploded in the first epoch");
    small_data_free(s);
}

/* Lost in a later pass: the best one before it is what counts, and `results` says so. */
static void a_later_pass_that_is_lost_keeps_the_best(void **state)
{
    (void)state;
    for (size_t k = 0; k < sizeof settings / sizeof *settings; k++) {
        small_data *s = small_data_new(USERS, ITEMS, RATINGS);
        mrq_description d = describe(settings[k]), two = d;
        d.train.schedule = two.train.schedule = MRQ_CONSTANT;
        two.train.epochs = 2;
        const mrq_train_options options = {.seed = 1, .threads = 2};
        const mrq_train_result good = train_quietly(s, &two, &options);
        struct tale tale = {.spoil = &s->rating[5], .spoil_after = 2};
        const mrq_train_result lost = train(s, &d, &options, &tale);
        assert_int_equal(lost.end, MRQ_TRAIN_LOST);
        assert_int_equal(lost.epoch, 3);
        assert_int_equal(lost.model->results.epochs, 2);
        assert_same(lost.model, good.model);
        mrq_model_free(lost.model);
        mrq_model_free(good.model);
        small_data_free(s);
    }
}

/* The last step of a pass overflows, which none of its losses shows. */
static void parameters_that_are_no_numbers_are_never_kept(void **state)
{
    (void)state;
    static const char *const trains[] = {"\"optimizer\":\"sgd\",\"batch\":1000,\"epochs\":1",
                                         "\"optimizer\":\"sgd\",\"batch\":1000,\"epochs\":2",
                                         "\"optimizer\":\"sgd\",\"batch\":1000,\"epochs\":1,\"validation\":0.2"};
    for (int k = 0; k < 3; k++) {
        small_data *s = small_data_new(USERS, ITEMS, RATINGS);
        char text[3000];
        snprintf(text, sizeof text, SMALL(SMALL_DOT, SMALL_SUM, FACTORS, FACTORS, "%s"), trains[k]);
        const mrq_description d = describe(text);
        struct tale tale = {0};
        mrq_train_result result = {0};
        for (uint32_t i = 0; i < RATINGS; i += 2)
            s->rating[i] = 3e38f; /* the loss is a number, its gradient is not */
        assert_fails(try_train(s, &d, &(mrq_train_options){.seed = 1, .threads = 2}, &tale, &result), MRQ_FAILED, "learning rate");
        small_data_free(s);
    }
}

/* Patience */

static void patience_ends_a_training_that_gets_no_better(void **state)
{
    (void)state;
    small_data *s = small_data_new(USERS, ITEMS, RATINGS);
    mrq_random rng;
    mrq_random_init(&rng, 3, 0);
    for (uint32_t i = 0; i < RATINGS; i++) /* noise: learning it by heart makes the rest worse */
        s->rating[i] = (float)(1 + mrq_random_below(&rng, 5));
    mrq_description d = describe(DENSE("\"lr\":0.02,\"batch\":16,\"epochs\":100,\"patience\":4,\"validation\":0.3"));
    const mrq_train_options options = {.seed = 1, .threads = 2};
    struct tale tale = {0};
    const mrq_train_result result = train(s, &d, &options, &tale);
    const mrq_model_results *r = &result.model->results;
    assert_int_equal(result.end, MRQ_TRAIN_DONE);
    assert_int_equal(r->epochs, tale.epochs);
    assert_int_equal(r->epochs, r->best_epoch + 4);
    assert_int_equal(result.epoch, r->epochs);
    assert_true(r->epochs < 50);
    for (uint32_t e = 0; e < tale.epochs; e++) {
        bool better = true;
        for (uint32_t before = 0; before < e; before++)
            better = better && tale.epoch[e].valid_rmse < tale.epoch[before].valid_rmse;
        assert_true(tale.epoch[e].best == better);
    }
    assert_true(r->valid_rmse == tale.epoch[r->best_epoch - 1].valid_rmse);
    d.train.epochs = r->best_epoch; /* its parameters are those of the best pass, not of the last */
    const mrq_train_result best = train_quietly(s, &d, &options);
    assert_memory_equal(best.model->param, result.model->param, best.model->tensors.size * sizeof(float));
    mrq_model_free(best.model);
    mrq_model_free(result.model);
    small_data_free(s);
}

static void without_a_validation_part_the_last_pass_is_the_best(void **state)
{
    (void)state;
    small_data *s = small_data_new(USERS, ITEMS, RATINGS);
    const mrq_description d = describe(settings[1]);
    struct tale tale = {0};
    const mrq_train_result result = train(s, &d, &(mrq_train_options){.seed = 1, .threads = 1}, &tale);
    assert_int_equal(result.model->results.best_epoch, EPOCHS);
    for (uint32_t e = 0; e < EPOCHS; e++)
        assert_true(tale.epoch[e].best && isnan(tale.epoch[e].valid_rmse) && isnan(tale.epoch[e].test_rmse));
    mrq_model_free(result.model);
    small_data_free(s);
}

/* Small and strange data */

static void assert_trains(const small_data *s, const char *what)
{
    static const char *const texts[] = {
        COSINE("\"lr\":0.01,\"batch\":4"),
        SMALL(SMALL_DOT, SMALL_SUM, SMALL_SUM_USER, SMALL_SUM_ITEM,
              "\"optimizer\":\"momentum\",\"lr\":0.02,\"clip\":3,\"batch\":4,\"order\":\"item\""),
        SUM("\"optimizer\":\"rmsprop\",\"lr\":0.02,\"batch\":1000,\"order\":\"item\",\"validation\":0.02"),
    };
    for (size_t k = 0; k < sizeof texts / sizeof *texts; k++)
        for (uint32_t threads = 1; threads <= 2; threads++) {
            mrq_description d = describe(texts[k]);
            no_dropout(&d);
            d.train.epochs = threads == 1 ? 120 : 2; /* to the end once; else that it works */
            d.train.schedule = MRQ_LINEAR_DECAY; /* to rest: at a constant rate RMSprop leaves what it has found again and again */
            struct tale tale = {0};
            const mrq_train_result result = train(s, &d, &(mrq_train_options){.seed = 1, .threads = threads}, &tale);
            assert_int_equal(result.end, MRQ_TRAIN_DONE);
            assert_finite(result.model);
            if (threads == 1 && !(tale.epoch[119].train_rmse < 0.1))
                fail_msg("%s, description %zu: rmse %g", what, k, tale.epoch[119].train_rmse);
            mrq_model_free(result.model);
        }
}

static void small_and_strange_data_can_be_learned(void **state)
{
    (void)state;
    small_data *one_user = small_data_new(1, 10, 10), *one_item = small_data_new(10, 1, 10), *single = small_data_new(3, 3, 1);
    small_data *equal = small_data_new(6, 5, 20), *twice = small_data_new(6, 5, 20);
    for (uint32_t i = 0; i < 10; i++)
        one_user->item[i] = one_item->user[i] = i;
    for (uint32_t i = 0; i < 20; i++) {
        equal->rating[i] = 4;
        twice->user[i] = twice->item[i] = i % 4; /* each pair five times */
        twice->rating[i] = (float)(1 + i % 4);
    }
    assert_trains(one_user, "one user");
    assert_trains(one_item, "one item");
    assert_trains(single, "a single rating");
    assert_trains(equal, "equal ratings");
    assert_trains(twice, "a pair more than once");
    small_data_free(one_user);
    small_data_free(one_item);
    small_data_free(single);
    small_data_free(equal);
    small_data_free(twice);
}

static void a_cosine_must_reach_the_ratings(void **state)
{
    (void)state;
    small_data *s = small_data_new(USERS, ITEMS, RATINGS);
    mrq_description d = describe(COSINE(""));
    struct tale tale = {0};
    mrq_train_result result = {0};
    const mrq_train_options options = {.seed = 1, .threads = 1};
    s->data.rating_max = 10;
    assert_fails(try_train(s, &d, &options, &tale, &result), MRQ_BAD_FILE,
                 "ratings of 1 to 10 lie outside the scores of model \"small\", -5 to 5: want score.scale 10 or more");
    d.shift = 7;
    assert_fails(try_train(s, &d, &options, &tale, &result), MRQ_BAD_FILE, "2 to 12");
    small_data_free(s);
}

int main(void)
{
    snprintf(folder, sizeof folder, "%s", temporary_folder());
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_toy_is_learned_by_heart),
        cmocka_unit_test(a_training_is_its_batches),
        cmocka_unit_test(the_curve_travels_with_the_model),
        cmocka_unit_test(the_same_seed_gives_the_same_bytes),
        cmocka_unit_test(a_training_comes_to_these_numbers),
        cmocka_unit_test(threads_may_outnumber_the_ratings),
        cmocka_unit_test(an_interruption_leaves_no_trace),
        cmocka_unit_test(interruptions_may_follow_each_other),
        cmocka_unit_test(a_checkpoint_by_the_clock_can_be_resumed),
        cmocka_unit_test(resuming_without_a_file_starts_anew),
        cmocka_unit_test(a_checkpoint_that_cannot_be_written_is_told_and_no_more),
        cmocka_unit_test(the_checkpoint_of_another_training_is_refused),
        cmocka_unit_test(a_damaged_checkpoint_is_refused),
        cmocka_unit_test(a_forged_checkpoint_does_no_harm),
        cmocka_unit_test(a_checkpoint_holds_each_rating_to_learn_from_once),
        cmocka_unit_test(a_first_pass_that_is_lost_gives_advice),
        cmocka_unit_test(a_rating_that_is_no_number_is_a_lost_loss),
        cmocka_unit_test(a_later_pass_that_is_lost_keeps_the_best),
        cmocka_unit_test(parameters_that_are_no_numbers_are_never_kept),
        cmocka_unit_test(patience_ends_a_training_that_gets_no_better),
        cmocka_unit_test(without_a_validation_part_the_last_pass_is_the_best),
        cmocka_unit_test(small_and_strange_data_can_be_learned),
        cmocka_unit_test(a_cosine_must_reach_the_ratings),
    };
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    temporary_remove(folder);
    return failed;
}
