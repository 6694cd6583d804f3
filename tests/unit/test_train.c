/* Train room: every gradient against finite differences of the reference, workers, optimisers, learning, reproducibility. */
#include "train/evaluate.h"
#include "train/optimizer.h"
#include "train/train.h"
#include "train/worker.h"
#include "unit/reference.h"
#include "unit/small_world.h"

static mrq_error err;

enum { USERS = 40, MOVIES = 30, RATINGS = 120 };

/* A data set whose ratings follow a rule of gender and first genre. */
struct world {
    mrq_dataset data;
    uint32_t user[RATINGS], movie[RATINGS], train[RATINGS];
    float rating[RATINGS];
};

static struct world *make_world(void)
{
    struct world *w = calloc(1, sizeof *w);
    w->data = (mrq_dataset){.users = small_users(USERS, 5),
                            .movies = small_movies(MOVIES, 5),
                            .n = RATINGS,
                            .user = w->user,
                            .movie = w->movie,
                            .rating = w->rating,
                            .rating_min = 1,
                            .rating_max = 5,
                            .schema = "small"};
    mrq_random rng;
    mrq_random_init(&rng, 9, 0);
    for (uint32_t i = 0; i < RATINGS; i++) {
        w->user[i] = (uint32_t)mrq_random_below(&rng, USERS);
        w->movie[i] = (uint32_t)mrq_random_below(&rng, MOVIES);
        w->rating[i] = (float)(1 + (w->data.users->column[0].code[w->user[i]] + w->movie[i]) % 5);
        w->train[i] = i;
    }
    return w;
}

static void free_world(struct world *w)
{
    mrq_table_free(w->data.users);
    mrq_table_free(w->data.movies);
    free(w);
}

static mrq_description fusion(void)
{
    mrq_description d;
    assert_ok(mrq_description_load("fusion", &d, &err));
    return d;
}

static mrq_model *make_model(const struct world *w, const mrq_description *d)
{
    const mrq_model_source source = {w->data.users, w->data.movies, w->user, w->movie, w->train, RATINGS, RATINGS, 21};
    mrq_model *model = NULL;
    assert_ok(mrq_model_new(d, &source, &model, &err));
    /* Biases start at zero; a check there would miss a wrong one. */
    mrq_random rng;
    mrq_random_init(&rng, 4, 0);
    for (uint32_t t = 0; t < model->tensors.n; t++)
        if (model->tensors.tensor[t].spread == 0)
            for (uint32_t i = 0; i < model->tensors.tensor[t].cols; i++)
                model->param[model->tensors.tensor[t].offset + i] = (float)(mrq_random_unit(&rng) - 0.5) * 0.2f;
    return model;
}

/* The examples that a worker saw, with the ids it dropped. */
static double reference_loss(const mrq_model *model, const struct world *w, const double *param, const mrq_worker *worker,
                             uint32_t n)
{
    double sum = 0;
    for (uint32_t i = 0; i < n; i++) {
        const uint32_t u = worker->user.entity[worker->user.of[i]];
        const uint32_t m = worker->movie.entity[worker->movie.of[i]];
        const double e = reference_score(model, param, u, m) - (double)w->rating[i];
        sum += e * e;
    }
    return sum / n;
}

/* Every tensor: some rows that the batch touches, every column in turn, against central differences in double. */
static void check_gradients(const char *name, mrq_model *model, const struct world *w, uint32_t n)
{
    mrq_arena *arena = mrq_arena_new();
    mrq_worker worker;
    assert_ok(mrq_worker_make(model, &w->data, n, 3, 0, arena, &worker, &err));
    mrq_worker_run(&worker, w->train, n, n);
    double *param = mrq_array(model->tensors.size, sizeof *param);
    for (size_t i = 0; i < model->tensors.size; i++)
        param[i] = (double)model->param[i];
    assert_true(fabs(worker.loss / n - reference_loss(model, w, param, &worker, n)) < 1e-4);
    for (uint32_t t = 0; t < model->tensors.n; t++) {
        const mrq_tensor *tensor = &model->tensors.tensor[t];
        const size_t size = (size_t)tensor->rows * tensor->cols, step = size / 60 + 1;
        double largest = 0, worst = 0;
        for (size_t i = 0; i < size; i += step) {
            const size_t at = tensor->offset + i;
            const double keep = param[at], h = 1e-5;
            param[at] = keep + h;
            const double up = reference_loss(model, w, param, &worker, n);
            param[at] = keep - h;
            const double down = reference_loss(model, w, param, &worker, n);
            param[at] = keep;
            const double want = (up - down) / (2 * h), got = (double)worker.gradient.block[at];
            largest = fmax(largest, fabs(want));
            worst = fmax(worst, fabs(want - got));
        }
        if (!(worst <= 1e-4 * largest + 1e-6))
            fail_msg("%s: gradient of %s is off by %g where the largest is %g", name, tensor->name, worst, largest);
        if (!tensor->sparse && largest < 1e-6)
            fail_msg("%s: the gradient of %s is zero: nothing was checked", name, tensor->name);
    }
    mrq_free(param);
    mrq_arena_free(arena);
}

static void test_gradients(void **state)
{
    (void)state;
    struct world *w = make_world();
    mrq_description d = fusion();
    d.user.branch[0].dropout = d.movie.branch[0].dropout = 0.3;
    mrq_model *model = make_model(w, &d);
    check_gradients("fusion, small dictionaries as tables", model, w, 60);
    check_gradients("fusion, all branches beside", model, w, 3);
    mrq_model_free(model);
    for (uint32_t b = 0; b < d.user.n; b++)
        d.user.branch[b].fc = 0;
    d.movie.branch[0].fc = 0;
    d.movie.branch[2].window = 5;
    d.activation = MRQ_LINEAR;
    model = make_model(w, &d);
    check_gradients("no layer behind the embeddings, linear, window 5", model, w, 60);
    mrq_model_free(model);
    free_world(w);
}

/* Two workers' shares make the gradient of one. */
static void test_workers_sum(void **state)
{
    (void)state;
    struct world *w = make_world();
    mrq_description d = fusion();
    d.user.branch[0].dropout = 0;
    mrq_model *one = make_model(w, &d), *two = make_model(w, &d);
    mrq_arena *arena = mrq_arena_new();
    mrq_worker worker[3];
    mrq_gradient *gradient[3];
    for (uint32_t i = 0; i < 3; i++) {
        assert_ok(mrq_worker_make(i ? two : one, &w->data, RATINGS, 3, i, arena, &worker[i], &err));
        gradient[i] = &worker[i].gradient;
    }
    mrq_optimizer_state a, b;
    assert_ok(mrq_optimizer_make(&one->tensors, MRQ_ADAM, 0.01, arena, &a, &err));
    assert_ok(mrq_optimizer_make(&one->tensors, MRQ_ADAM, 0.01, arena, &b, &err));
    for (int step = 0; step < 3; step++) {
        a.step++;
        b.step++;
        mrq_worker_run(&worker[0], w->train, RATINGS, RATINGS);
        mrq_optimizer_step(&a, one->param, gradient, 1, 0, 1);
        mrq_worker_run(&worker[1], w->train, 50, RATINGS);
        mrq_worker_run(&worker[2], w->train + 50, RATINGS - 50, RATINGS);
        for (uint32_t part = 0; part < 5; part++)
            mrq_optimizer_step(&b, two->param, gradient + 1, 2, part, 5);
        if (step == 0)
            for (size_t i = 0; i < one->tensors.size;
                 i++) /* Adam's first step is lr × sign: compare where the sign is beyond doubt */
                assert_true(fabsf(a.moment1[i] - b.moment1[i]) < 1e-6f);
    }
    for (uint32_t i = 0; i < 3; i++) /* sparse gradients are left clean */
        for (size_t j = one->tensors.dense_size; j < one->tensors.size; j++)
            assert_true(worker[i].gradient.block[j] == 0);
    mrq_arena_free(arena);
    mrq_model_free(one);
    mrq_model_free(two);
    free_world(w);
}

static void keep_last(void *context, const mrq_train_epoch *epoch)
{
    *(mrq_train_epoch *)context = *epoch;
}

/* A toy is learned by heart, with both optimisers. */
static void test_overfits(void **state)
{
    (void)state;
    struct world *w = make_world();
    mrq_description d = fusion();
    d.user.branch[0].dropout = 0;
    d.train.validation = 0;
    d.train.batch = 16;
    const struct {
        mrq_optimizer optimizer;
        double lr;
        int64_t epochs;
    } runs[] = {{MRQ_ADAM, 0.003, 150}, {MRQ_SGD, 0.05, 600}};
    for (size_t i = 0; i < 2; i++) {
        d.train.optimizer = runs[i].optimizer;
        d.train.lr = runs[i].lr;
        d.train.epochs = runs[i].epochs;
        mrq_train_epoch last;
        const mrq_train_watch watch = {&last, NULL, keep_last};
        const mrq_train_options options = {.seed = 1, .threads = 2};
        mrq_model *model = NULL;
        assert_ok(mrq_train(&w->data, &d, &options, &watch, &model, &err));
        if (!(last.train_rmse < 0.15))
            fail_msg("optimiser %zu: rmse %g after %lld passes", i, last.train_rmse, (long long)last.epoch);
        mrq_model_free(model);
    }
    free_world(w);
}

/* Same seed and threads, same parameters; another seed, others. Any number of threads works. */
static void test_reproducible(void **state)
{
    (void)state;
    struct world *w = make_world();
    mrq_description d = fusion();
    d.train.epochs = 2;
    d.train.batch = 32;
    for (uint32_t threads = 1; threads <= 64; threads = threads * 3 + 1) {
        mrq_model *model[3] = {NULL};
        for (int i = 0; i < 3; i++) {
            const mrq_train_options options = {.test = 0.1, .seed = i < 2 ? 1 : 2, .threads = threads};
            assert_ok(mrq_train(&w->data, &d, &options, NULL, &model[i], &err));
        }
        const size_t size = model[0]->tensors.size * sizeof(float);
        assert_memory_equal(model[0]->param, model[1]->param, size);
        assert_true(memcmp(model[0]->param, model[2]->param, size) != 0);
        assert_int_equal(model[0]->results.test_ratings, 12);
        for (int i = 0; i < 3; i++)
            mrq_model_free(model[i]);
    }
    free_world(w);
}

static void test_refuses(void **state)
{
    (void)state;
    struct world *w = make_world();
    mrq_description d = fusion();
    const mrq_train_options options = {.seed = 1, .threads = 2};
    mrq_model *model = NULL;
    const float keep = w->rating[5];
    w->rating[5] = NAN; /* no reader lets one through; it stands for any loss that overflows */
    assert_fails(mrq_train(&w->data, &d, &options, NULL, &model, &err), MRQ_FAILED, "no longer a number in pass 1");
    w->rating[5] = keep;
    w->data.rating_max = 10;
    assert_fails(mrq_train(&w->data, &d, &options, NULL, &model, &err), MRQ_BAD_FILE,
                 "ratings of 1 to 10 lie outside the scores of model \"fusion\", -5 to 5");
    free_world(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gradients),    cmocka_unit_test(test_workers_sum), cmocka_unit_test(test_overfits),
        cmocka_unit_test(test_reproducible), cmocka_unit_test(test_refuses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
