/* Train room, its parts: every gradient against finite differences of the reference, workers, optimisers, order, scores. */
#include "train/evaluate.h"
#include "train/optimizer.h"
#include "train/shuffle.h"
#include "train/worker.h"
#include "unit/reference.h"
#include "unit/small_world.h"

static mrq_error err;

enum { USERS = 40, ITEMS = 30, RATINGS = 120 };

static uint32_t every[RATINGS]; /* rating i is number i */

static mrq_model *make_model(const small_data *s, const mrq_description *d)
{
    for (uint32_t i = 0; i < RATINGS; i++)
        every[i] = i;
    mrq_model_source source = mrq_train_source(&s->data, every, RATINGS);
    source.seed = 21;
    mrq_model *model = NULL;
    assert_ok(mrq_model_new(d, &source, &model, &err));
    /* Much starts at zero; a check there would miss a wrong gradient. */
    mrq_random rng;
    mrq_random_init(&rng, 4, 0);
    for (uint32_t t = 0; t < model->tensors.n; t++)
        for (size_t i = 0; i < (size_t)model->tensors.tensor[t].rows * model->tensors.tensor[t].cols; i++)
            model->param[model->tensors.tensor[t].offset + i] += (float)(mrq_random_unit(&rng) - 0.5) * 0.2f;
    return model;
}

/* Gradients */

/* Ratings that stay in what a "ratings" branch reads count half, where it drops any. */
static double weight(const mrq_worker *worker, uint32_t user, uint32_t item)
{
    const mrq_tower *tower = &worker->model->item;
    for (uint32_t b = 0; b < tower->n; b++)
        if (tower->plan[b].branch->kind == MRQ_BRANCH_RATINGS && tower->plan[b].branch->dropout > 0)
            return mrq_rating_kept(worker->salt, tower->plan[b].branch->dropout, user, item) ? 0.5 : 1;
    return 1;
}

/* The examples that a worker saw, with the ids it dropped. */
static double reference_loss(const mrq_model *model, const small_data *s, const double *param, const mrq_worker *worker, uint32_t n,
                             bool weighted)
{
    double sum = 0;
    for (uint32_t i = 0; i < n; i++) {
        const uint32_t u = worker->factors ? worker->user.row[i] : worker->user.entity[worker->user.of[i]];
        const uint32_t m = worker->factors ? worker->item.row[i] : worker->item.entity[worker->item.of[i]];
        const double e = reference_score(model, param, u, m, worker->salt) - (double)s->rating[i];
        sum += e * e * (weighted ? weight(worker, s->user[i], s->item[i]) : 1);
    }
    return sum / n;
}

struct check {
    const mrq_model *model;
    const small_data *data;
    const mrq_worker *worker;
    double *param;
    uint32_t n; /* ratings */
    double largest, worst;
};

/* One place of the block against a central difference in double. */
static void check_place(struct check *c, size_t at)
{
    const double keep = c->param[at], h = 1e-5;
    c->param[at] = keep + h;
    const double up = reference_loss(c->model, c->data, c->param, c->worker, c->n, true);
    c->param[at] = keep - h;
    const double down = reference_loss(c->model, c->data, c->param, c->worker, c->n, true);
    c->param[at] = keep;
    const double want = (up - down) / (2 * h);
    c->largest = fmax(c->largest, fabs(want));
    c->worst = fmax(c->worst, fabs(want - (double)c->worker->gradient.block[at]));
}

static void check_tensor(const char *name, struct check *c, uint32_t t)
{
    enum { MOST = 10 };
    const mrq_tensor *tensor = &c->model->tensors.tensor[t];
    const mrq_gradient *g = &c->worker->gradient;
    const size_t size = (size_t)tensor->rows * tensor->cols;
    c->largest = c->worst = 0;
    for (size_t i = 0; i < size; i += size / MOST + 1) /* also rows that the batch does not touch */
        check_place(c, tensor->offset + i);
    for (uint32_t i = 0; tensor->sparse && i < g->n_touched[t]; i += g->n_touched[t] / MOST + 1)
        check_place(c, tensor->offset + (size_t)g->touched[t][i] * tensor->cols + i % tensor->cols);
    if (!(c->worst <= 1e-4 * c->largest + 2e-6))
        fail_msg("%s: gradient of %s is off by %g where the largest is %g", name, tensor->name, c->worst, c->largest);
    if (c->largest < 1e-6)
        fail_msg("%s: the gradient of %s is zero: nothing was checked", name, tensor->name);
}

/* The rows that are in the list are marked, once; all others are zero. */
static void check_touched(const mrq_model *model, const mrq_gradient *g)
{
    for (uint32_t t = 0; t < model->tensors.n; t++) {
        const mrq_tensor *tensor = &model->tensors.tensor[t];
        uint32_t marked = 0;
        for (uint32_t row = 0; tensor->sparse && row < tensor->rows; row++) {
            marked += g->mark[t][row];
            for (uint32_t j = 0; j < tensor->cols && !g->mark[t][row]; j++)
                assert_true(g->block[mrq_tensor_at(&model->tensors, t, row) + j] == 0);
        }
        for (uint32_t i = 0; i < g->n_touched[t]; i++)
            assert_true(g->mark[t][g->touched[t][i]]);
        assert_int_equal(marked, g->n_touched[t]);
    }
}

static void check_gradients(const char *name, const mrq_model *model, const small_data *s, uint32_t n)
{
    MRQ_CLEANUP(mrq_arena_free) mrq_arena *arena = mrq_arena_new();
    mrq_worker worker;
    assert_ok(mrq_worker_make(model, &s->data, n, 3, 0, arena, &worker, &err));
    worker.salt = n % 3 ? 0x123456789abcdef1 : 0; /* with and without ratings dropped */
    mrq_worker_run(&worker, every, n, n);
    MRQ_AUTOFREE double *param = mrq_array(model->tensors.size, sizeof *param);
    for (size_t i = 0; i < model->tensors.size; i++)
        param[i] = (double)model->param[i];
    const double loss = reference_loss(model, s, param, &worker, n, false);
    if (!(fabs(worker.loss / n - loss) < 1e-5 * (1 + loss)))
        fail_msg("%s: loss %g, want %g", name, worker.loss / n, loss);
    struct check c = {model, s, &worker, param, n, 0, 0};
    for (uint32_t t = 0; t < model->tensors.n; t++)
        check_tensor(name, &c, t);
    check_touched(model, &worker.gradient);
}

/* 24 ratings make tables of the categories; 3 have all branches beside, and 8 some of each. */
static void check_description(const char *name, const char *text)
{
    small_data *s = small_data_new(USERS, ITEMS, RATINGS);
    const mrq_description d = describe(text);
    mrq_model *model = make_model(s, &d);
    static const uint32_t sizes[] = {25, 24, 8, 3};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        char full[100];
        snprintf(full, sizeof full, "%s, %u ratings", name, sizes[i]);
        check_gradients(full, model, s, sizes[i]);
    }
    mrq_model_free(model);
    small_data_free(s);
}

static void gradients_of_a_dense_joint(void **state)
{
    (void)state;
    check_description("cosine, tanh", SMALL(SMALL_COSINE, SMALL_DENSE, SMALL_DENSE_USER, SMALL_DENSE_ITEM, ""));
    check_description("cosine with shift, linear, window 5",
                      SMALL("\"scale\":2.5,\"shift\":3", SMALL_DENSE ",\"activation\":\"linear\"", SMALL_DENSE_USER,
                            "{\"feature\":\"id\",\"kind\":\"id\",\"embedding\":4,\"fc\":3,\"dropout\":0.5},"
                            "{\"feature\":\"title\",\"kind\":\"text\",\"embedding\":4,\"window\":5,\"filters\":5}",
                            ""));
    check_description("dot", SMALL(SMALL_DOT, SMALL_DENSE, SMALL_DENSE_USER, SMALL_DENSE_ITEM, ""));
    check_description("dot with bias, linear users",
                      SMALL(SMALL_BIASED, SMALL_DENSE ",\"user_activation\":\"linear\"", SMALL_DENSE_USER,
                            SMALL_DENSE_ITEM ",{\"feature\":\"ratings\",\"kind\":\"ratings\",\"embedding\":3}", ""));
}

static void gradients_of_a_joint_that_sums(void **state)
{
    (void)state;
    check_description("dot, linear", SMALL(SMALL_DOT, SMALL_SUM, SMALL_SUM_USER, SMALL_SUM_ITEM, ""));
    check_description("dot, tanh items", SMALL(SMALL_DOT, SMALL_SUM ",\"activation\":\"tanh\",\"user_activation\":\"linear\"",
                                               SMALL_SUM_USER, SMALL_SUM_ITEM, ""));
    check_description("dot with bias, linear", SMALL(SMALL_BIASED, SMALL_SUM, SMALL_SUM_USER, SMALL_SUM_ITEM, ""));
    check_description("dot with bias, tanh items",
                      SMALL(SMALL_BIASED, SMALL_SUM ",\"activation\":\"tanh\",\"user_activation\":\"linear\"", SMALL_SUM_USER,
                            SMALL_SUM_ITEM, ""));
    check_description("cosine with shift, tanh",
                      SMALL("\"scale\":2.5,\"shift\":3", SMALL_SUM ",\"activation\":\"tanh\"", SMALL_SUM_USER, SMALL_SUM_ITEM, ""));
    check_description("biases of their own", SMALL(SMALL_BIASED, SMALL_SUM, SMALL_RATING_USER, SMALL_RATING_ITEM, ""));
    check_description("cosine, linear", SMALL(SMALL_COSINE, SMALL_SUM, SMALL_SUM_USER, SMALL_SUM_ITEM, ""));
}

#define FACTORS "{\"feature\":\"id\",\"kind\":\"id\"}"

static void gradients_of_factors(void **state)
{
    (void)state;
    check_description("factors", SMALL(SMALL_DOT, SMALL_SUM, FACTORS, FACTORS, ""));
    check_description("factors with biases", SMALL(SMALL_BIASED, SMALL_SUM, FACTORS, FACTORS, ""));
    check_description("factors, ids dropped",
                      SMALL(SMALL_BIASED, SMALL_SUM, FACTORS, "{\"feature\":\"id\",\"kind\":\"id\",\"dropout\":0.5}", ""));
    check_description("factors, tanh", SMALL(SMALL_DOT, SMALL_SUM ",\"activation\":\"tanh\"", FACTORS, FACTORS, ""));
}

/* Two embeddings have a way of their own through a batch, which comes to the same as the towers. */
static void factors_equal_towers(void **state)
{
    (void)state;
    static const char *const texts[] = {SMALL(SMALL_DOT, SMALL_SUM, FACTORS, FACTORS, ""),
                                        SMALL(SMALL_BIASED, SMALL_SUM, FACTORS, FACTORS, "")};
    for (int k = 0; k < 2; k++) {
        small_data *s = small_data_new(USERS, ITEMS, RATINGS);
        const mrq_description d = describe(texts[k]);
        mrq_model *model = make_model(s, &d);
        MRQ_CLEANUP(mrq_arena_free) mrq_arena *arena = mrq_arena_new();
        mrq_worker one, two;
        assert_ok(mrq_worker_make(model, &s->data, RATINGS, 3, 0, arena, &one, &err));
        assert_ok(mrq_worker_make(model, &s->data, RATINGS, 3, 0, arena, &two, &err));
        assert_true(one.factors);
        two.factors = false;
        mrq_worker_run(&one, every, RATINGS, RATINGS);
        mrq_worker_run(&two, every, RATINGS, RATINGS);
        assert_true(fabs(one.loss - two.loss) <= 1e-6 * two.loss);
        for (size_t i = 0; i < model->tensors.size; i++)
            assert_true(fabsf(one.gradient.block[i] - two.gradient.block[i]) <= 1e-6f);
        check_touched(model, &one.gradient);
        mrq_model_free(model);
        small_data_free(s);
    }
}

/* A factorisation is two embeddings and nothing else, whatever else is the same. */
static void only_two_embeddings_are_a_factorisation(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool is;
    } cases[] = {
        {SMALL(SMALL_DOT, SMALL_SUM, FACTORS, FACTORS, ""), true},
        {SMALL(SMALL_BIASED, SMALL_SUM, FACTORS, FACTORS, ""), true},
        {SMALL(SMALL_BIASED, SMALL_SUM, "{\"feature\":\"id\",\"kind\":\"id\",\"dropout\":0.5}", FACTORS, ""), false},
        {SMALL(SMALL_BIASED, SMALL_SUM, FACTORS, "{\"feature\":\"id\",\"kind\":\"id\",\"dropout\":0.5}", ""), false},
        {SMALL(SMALL_BIASED, SMALL_SUM, FACTORS, "{\"feature\":\"id\",\"kind\":\"id\",\"embedding\":4}", ""), false},
        {SMALL(SMALL_BIASED, SMALL_SUM, FACTORS, "{\"feature\":\"id\",\"kind\":\"id\",\"bias_only\":true}", ""), false},
        {SMALL(SMALL_BIASED, SMALL_SUM, FACTORS ",{\"feature\":\"gender\",\"kind\":\"category\"}", FACTORS, ""), false},
        {SMALL(SMALL_BIASED, SMALL_SUM, FACTORS, FACTORS ",{\"feature\":\"genres\",\"kind\":\"set\"}", ""), false},
        {SMALL(SMALL_BIASED, SMALL_SUM, "{\"feature\":\"gender\",\"kind\":\"category\"}", FACTORS, ""), false},
        {SMALL(SMALL_BIASED, SMALL_SUM ",\"activation\":\"tanh\",\"user_activation\":\"linear\"", FACTORS, FACTORS, ""), false},
        {SMALL(SMALL_BIASED, SMALL_SUM ",\"user_activation\":\"tanh\"", FACTORS, FACTORS, ""), false},
        {SMALL(SMALL_COSINE, SMALL_SUM, FACTORS, FACTORS, ""), false},
        {SMALL(SMALL_DOT, "\"size\":4,\"activation\":\"linear\"", "{\"feature\":\"id\",\"kind\":\"id\",\"embedding\":4}",
               "{\"feature\":\"id\",\"kind\":\"id\",\"embedding\":4}", ""),
         false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        small_data *s = small_data_new(USERS, ITEMS, RATINGS);
        const mrq_description d = describe(cases[i].text);
        mrq_model *model = make_model(s, &d);
        assert_int_equal(mrq_is_factorisation(model), cases[i].is);
        mrq_model_free(model);
        small_data_free(s);
    }
}

static void gradients_of_the_preset(void **state)
{
    (void)state;
    small_data *s = small_data_new(USERS, ITEMS, RATINGS);
    mrq_description d;
    assert_ok(mrq_description_load("fusion", &d, &err));
    mrq_model *model = make_model(s, &d);
    check_gradients("fusion", model, s, 6);
    mrq_model_free(model);
    small_data_free(s);
}

/* Workers and optimisers */

/* Two workers' shares make the gradient of one, and parts of a step the whole. */
static void workers_sum(void **state)
{
    (void)state;
    small_data *s = small_data_new(USERS, ITEMS, RATINGS);
    mrq_description d = describe(SMALL(SMALL_BIASED, SMALL_DENSE, SMALL_DENSE_USER, SMALL_DENSE_ITEM, "\"lr\":0.01"));
    d.user.branch[0].dropout = 0;
    mrq_model *one = make_model(s, &d), *two = make_model(s, &d);
    MRQ_CLEANUP(mrq_arena_free) mrq_arena *arena = mrq_arena_new();
    mrq_worker worker[3];
    mrq_gradient *gradient[3];
    for (uint32_t i = 0; i < 3; i++) {
        assert_ok(mrq_worker_make(i ? two : one, &s->data, RATINGS, 3, i, arena, &worker[i], &err));
        gradient[i] = &worker[i].gradient;
    }
    mrq_optimizer_state a, b;
    assert_ok(mrq_optimizer_make(&one->tensors, &d.train, arena, &a, &err));
    assert_ok(mrq_optimizer_make(&one->tensors, &d.train, arena, &b, &err));
    for (int step = 0; step < 3; step++) {
        mrq_optimizer_begin(&a, 0, 1);
        mrq_optimizer_begin(&b, 0, 1);
        mrq_worker_run(&worker[0], every, RATINGS, RATINGS);
        mrq_optimizer_move(&a, one->param, gradient, 1, 0, 1, 0);
        mrq_worker_run(&worker[1], every, 50, RATINGS);
        mrq_worker_run(&worker[2], every + 50, RATINGS - 50, RATINGS);
        for (uint32_t part = 0; part < 5; part++)
            mrq_optimizer_move(&b, two->param, gradient + 1, 2, part, 5, 0);
        for (size_t i = 0; step == 0 && i < one->tensors.size; i++) /* Adam's first step is lr × sign: compare the moment */
            assert_true(fabsf(a.moment1[i] - b.moment1[i]) <= 1e-6f * (1 + fabsf(a.moment1[i])));
    }
    for (uint32_t i = 0; i < 3; i++) { /* sparse gradients are left clean */
        for (size_t j = one->tensors.dense_size; j < one->tensors.size; j++)
            assert_true(worker[i].gradient.block[j] == 0);
        for (uint32_t t = 0; t < one->tensors.n; t++)
            for (uint32_t row = 0; one->tensors.tensor[t].sparse && row < one->tensors.tensor[t].rows; row++)
                assert_int_equal(worker[i].gradient.mark[t][row], 0);
    }
    mrq_model_free(one);
    mrq_model_free(two);
    small_data_free(s);
}

/* An optimiser over a model and two workers that share a batch. */
struct bench {
    small_data *data;
    mrq_description d;
    mrq_model *model;
    mrq_arena *arena;
    mrq_worker worker[2];
    mrq_gradient *gradient[2];
    mrq_optimizer_state optimizer;
    double *sum; /* the batch's gradient */
    float *rate; /* of learning for each float, 0 in rows that the batch does not touch */
};

static void bench_init(struct bench *b, const char *train)
{
    char text[3000];
    snprintf(text, sizeof text, SMALL(SMALL_BIASED, SMALL_DENSE, SMALL_DENSE_USER, SMALL_DENSE_ITEM, "%s"), train);
    *b = (struct bench){.data = small_data_new(USERS, ITEMS, RATINGS), .arena = mrq_arena_new(), .d = describe(text)};
    b->model = make_model(b->data, &b->d);
    for (uint32_t i = 0; i < 2; i++) {
        assert_ok(mrq_worker_make(b->model, &b->data->data, RATINGS, 3, i, b->arena, &b->worker[i], &err));
        b->gradient[i] = &b->worker[i].gradient;
    }
    assert_ok(mrq_optimizer_make(&b->model->tensors, &b->d.train, b->arena, &b->optimizer, &err));
    b->sum = mrq_arena_array(b->arena, b->model->tensors.size, sizeof *b->sum);
    b->rate = mrq_arena_array(b->arena, b->model->tensors.size, sizeof *b->rate);
}

static void bench_free(struct bench *b)
{
    mrq_model_free(b->model);
    mrq_arena_free(b->arena);
    small_data_free(b->data);
}

/* Gradients of 40 ratings in two shares, and their sum; returns its norm. */
static double bench_run(struct bench *b)
{
    const mrq_tensors *tensors = &b->model->tensors;
    mrq_worker_run(&b->worker[0], every, 25, 40);
    mrq_worker_run(&b->worker[1], every + 25, 15, 40);
    double squares = 0;
    for (uint32_t t = 0; t < tensors->n; t++)
        for (size_t j = 0; j < (size_t)tensors->tensor[t].rows * tensors->tensor[t].cols; j++) {
            const size_t at = tensors->tensor[t].offset + j;
            const uint32_t row = (uint32_t)(j / tensors->tensor[t].cols);
            b->sum[at] = (double)b->gradient[0]->block[at] + (double)b->gradient[1]->block[at];
            const bool touched = !tensors->tensor[t].sparse || b->gradient[0]->mark[t][row] || b->gradient[1]->mark[t][row];
            b->rate[at] = touched ? tensors->tensor[t].rate : 0;
            squares += b->sum[at] * b->sum[at];
        }
    return sqrt(squares);
}

/* A step by `lr` on the gradient × factor with weight decay `l2` is what SGD should do, and rows not touched stay. */
static void assert_moved(const struct bench *b, const float *before, double lr, double factor, double l2)
{
    for (size_t i = 0; i < b->model->tensors.size; i++) {
        const double w = (double)before[i], want = w - lr * (double)b->rate[i] * (factor * b->sum[i] + l2 * w);
        if (b->rate[i] == 0)
            assert_true(b->model->param[i] == before[i]);
        else
            assert_true(fabs((double)b->model->param[i] - want) <= 1e-6 * (1 + fabs(want)));
    }
}

static void clipping_bounds_the_step(void **state)
{
    (void)state;
    static const char *const trains[] = {"\"optimizer\":\"sgd\",\"lr\":0.5,\"clip\":0.25",
                                         "\"optimizer\":\"sgd\",\"lr\":0.5,\"clip\":0.25,\"l2\":0.125",
                                         "\"optimizer\":\"sgd\",\"lr\":0.5,\"clip\":1000,\"l2\":0.125"};
    for (size_t k = 0; k < 3; k++) {
        struct bench b;
        bench_init(&b, trains[k]);
        const size_t bytes = b.model->tensors.size * sizeof(float);
        MRQ_AUTOFREE float *before = mrq_array(bytes, 1);
        memcpy(before, b.model->param, bytes);
        const double norm = bench_run(&b), clip = b.d.train.clip;
        assert_true(norm > 0.5 && norm < 1000);
        double squares = 0;
        mrq_optimizer_begin(&b.optimizer, 0, 1);
        for (uint32_t part = 0; part < 3; part++)
            squares += mrq_optimizer_sum(&b.optimizer, b.gradient, 2, part, 3);
        assert_true(fabs(sqrt(squares) - norm) <= 1e-5 * norm);
        for (uint32_t part = 0; part < 3; part++)
            mrq_optimizer_move(&b.optimizer, b.model->param, b.gradient, 2, part, 3, squares);
        assert_moved(&b, before, 0.5, norm > clip ? clip / norm : 1, b.d.train.l2);
        double moved = 0;
        for (size_t i = 0; i < b.model->tensors.size; i++)
            moved += pow((double)b.model->param[i] - (double)before[i], 2);
        if (k == 0) /* less where a branch has a learning rate of its own */
            assert_true(sqrt(moved) <= 0.5 * clip * 1.00001 && sqrt(moved) > 0.4 * clip);
        bench_free(&b);
    }
}

static void weight_decay_is_for_what_a_batch_moves(void **state)
{
    (void)state;
    struct bench b;
    bench_init(&b, "\"optimizer\":\"sgd\",\"lr\":0.5,\"l2\":0.125");
    const size_t bytes = b.model->tensors.size * sizeof(float);
    MRQ_AUTOFREE float *before = mrq_array(bytes, 1);
    memcpy(before, b.model->param, bytes);
    bench_run(&b);
    mrq_optimizer_begin(&b.optimizer, 0, 1);
    mrq_optimizer_move(&b.optimizer, b.model->param, b.gradient, 2, 0, 1, 0);
    assert_moved(&b, before, 0.5, 1, 0.125);
    size_t still = 0;
    for (size_t i = 0; i < b.model->tensors.size; i++)
        still += b.rate[i] == 0;
    assert_true(still > 100); /* or nothing was checked */
    bench_free(&b);
}

static void the_learning_rate_follows_its_schedule(void **state)
{
    (void)state;
    static const struct {
        mrq_schedule schedule;
        double left[4]; /* at 0, 1/4, 1/2, 1 */
    } cases[] = {
        {MRQ_CONSTANT, {1, 1, 1, 1}}, {MRQ_LINEAR_DECAY, {1, 0.75, 0.5, 0}}, {MRQ_COSINE_DECAY, {1, 0.85355339059327, 0.5, 0}}};
    static const double progress[] = {0, 0.25, 0.5, 1};
    const mrq_tensors none = {0};
    MRQ_CLEANUP(mrq_arena_free) mrq_arena *arena = mrq_arena_new();
    for (size_t c = 0; c < 3; c++)
        for (int optimizer = MRQ_SGD; optimizer <= MRQ_ADAM; optimizer++) {
            const mrq_training train = {.optimizer = (mrq_optimizer)optimizer, .lr = 0.1, .l2 = 0.5, .schedule = cases[c].schedule};
            mrq_optimizer_state state_of;
            assert_ok(mrq_optimizer_make(&none, &train, arena, &state_of, &err));
            assert_true((state_of.moment1 != NULL) == (optimizer == MRQ_MOMENTUM || optimizer == MRQ_ADAM));
            assert_true((state_of.moment2 != NULL) == (optimizer == MRQ_RMSPROP || optimizer == MRQ_ADAM));
            for (int i = 0; i < 4; i++) {
                mrq_optimizer_begin(&state_of, progress[i], 1);
                const double correction = optimizer == MRQ_ADAM ? sqrt(1 - pow(0.999, i + 1)) / (1 - pow(0.9, i + 1)) : 1;
                assert_true(fabs((double)state_of.now.lr - 0.1 * cases[c].left[i] * correction) < 1e-8);
                assert_true(state_of.now.l2 == 0.5f && state_of.now.factor == 1);
                assert_int_equal(state_of.step, i + 1);
            }
        }
}

/* Order */

static void assert_permutation(const uint32_t *rating, uint64_t n)
{
    MRQ_AUTOFREE unsigned char *seen = mrq_array(n, 1);
    for (uint64_t i = 0; i < n; i++) {
        assert_true(rating[i] < n && !seen[rating[i]]);
        seen[rating[i]] = 1;
    }
}

/* Every item's ratings stand together. */
static void assert_grouped(const mrq_dataset *data, const uint32_t *rating, uint64_t n)
{
    MRQ_AUTOFREE unsigned char *done = mrq_array(data->items->rows, 1);
    for (uint64_t i = 0; i < n; i++) {
        const uint32_t item = data->item[rating[i]];
        if (i && data->item[rating[i - 1]] == item)
            continue;
        assert_false(done[item]);
        done[item] = 1;
    }
}

/* The batches cover everything in order, none is empty or larger than `largest`. */
static void assert_cut(mrq_shuffle order, const mrq_dataset *data, const uint32_t *rating, uint64_t n, uint32_t size,
                       uint32_t largest)
{
    MRQ_AUTOFREE uint64_t *start = mrq_array(n / size + 2, sizeof *start);
    const uint64_t batches = mrq_shuffle_cut(order, data, rating, n, size, start);
    assert_true(batches < n / size + 2);
    assert_int_equal(start[0], 0);
    assert_int_equal(start[batches], n);
    for (uint64_t b = 0; b < batches; b++) {
        const uint64_t length = start[b + 1] - start[b];
        assert_true(start[b + 1] > start[b] && length <= largest);
        if (start[b + 1] == n)
            continue;
        assert_true(order == MRQ_SHUFFLE_RANDOM ? length == size : length >= size);
        if (order == MRQ_SHUFFLE_ITEM)
            assert_int_not_equal(data->item[rating[start[b + 1] - 1]], data->item[rating[start[b + 1]]]);
    }
}

static void a_pass_has_every_rating_once(void **state)
{
    (void)state;
    enum { N = 500 };
    small_data *s = small_data_new(USERS, ITEMS, N);
    uint32_t rating[N], before[N], largest;
    for (uint32_t i = 0; i < N; i++)
        rating[i] = i;
    static const uint32_t sizes[] = {1, 2, 7, 64, 499, 500, 501, 100000};
    for (int order = MRQ_SHUFFLE_RANDOM; order <= MRQ_SHUFFLE_ITEM; order++) {
        mrq_random rng;
        mrq_random_init(&rng, 5, 0);
        for (int pass = 0; pass < 20; pass++) {
            memcpy(before, rating, sizeof rating);
            assert_ok(mrq_shuffle_epoch((mrq_shuffle)order, &s->data, &rng, rating, N, &err));
            assert_true(memcmp(before, rating, sizeof rating) != 0);
            assert_permutation(rating, N);
            if (order == MRQ_SHUFFLE_ITEM)
                assert_grouped(&s->data, rating, N);
            for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
                assert_ok(mrq_shuffle_largest((mrq_shuffle)order, &s->data, rating, N, sizes[i], &largest, &err));
                assert_true(largest <= N);
                assert_cut((mrq_shuffle)order, &s->data, rating, N, sizes[i], largest);
            }
        }
    }
    small_data_free(s);
}

static void the_items_come_in_another_order_each_pass(void **state)
{
    (void)state;
    small_data *s = small_data_new(USERS, ITEMS, RATINGS);
    uint32_t rating[RATINGS], first[ITEMS] = {0};
    for (uint32_t i = 0; i < RATINGS; i++)
        rating[i] = i;
    mrq_random rng;
    mrq_random_init(&rng, 5, 0);
    for (int pass = 0; pass < 3000; pass++) {
        assert_ok(mrq_shuffle_epoch(MRQ_SHUFFLE_ITEM, &s->data, &rng, rating, RATINGS, &err));
        first[s->item[rating[0]]]++;
    }
    uint32_t rated = 0;
    for (uint32_t m = 0; m < ITEMS; m++) /* each is first as often as any other, however many ratings it has */
        if (first[m]) {
            rated++;
            assert_true(first[m] > 60 && first[m] < 150);
        }
    assert_true(rated > 25);
    small_data_free(s);
}

static void one_item_is_one_batch(void **state)
{
    (void)state;
    small_data *s = small_data_new(USERS, 1, RATINGS);
    uint32_t rating[RATINGS], largest;
    uint64_t start[RATINGS + 2];
    for (uint32_t i = 0; i < RATINGS; i++)
        rating[i] = i;
    assert_ok(mrq_shuffle_largest(MRQ_SHUFFLE_ITEM, &s->data, rating, RATINGS, 1, &largest, &err));
    assert_int_equal(largest, RATINGS);
    assert_int_equal(mrq_shuffle_cut(MRQ_SHUFFLE_ITEM, &s->data, rating, RATINGS, 1, start), 1);
    assert_int_equal(mrq_shuffle_cut(MRQ_SHUFFLE_RANDOM, &s->data, rating, RATINGS, 1, start), RATINGS);
    assert_int_equal(mrq_shuffle_cut(MRQ_SHUFFLE_ITEM, &s->data, rating, 0, 1, start), 0);
    assert_int_equal(start[0], 0);
    small_data_free(s);
}

/* Item by item, each one's ratings as they were; whatever number of bytes an item's number takes. */
static void sorting_keeps_the_order_of_a_items_ratings(void **state)
{
    (void)state;
    enum { N = 3000 };
    static const uint32_t items[] = {1, 2, 255, 256, 257, 65536, 65537, 20000000};
    static uint32_t item[N], rating[N], place[N];
    static uint64_t scratch[2 * N];
    for (size_t k = 0; k < sizeof items / sizeof *items; k++) {
        mrq_table table = {.rows = items[k]};
        const mrq_dataset data = {.items = &table, .item = item, .n = N};
        mrq_random rng;
        mrq_random_init(&rng, 5, k);
        for (uint32_t i = 0; i < N; i++) {
            item[i] = (uint32_t)mrq_random_below(&rng, 2) ? items[k] - 1 : (uint32_t)mrq_random_below(&rng, items[k]);
            rating[i] = i;
        }
        for (uint32_t n = 0; n <= N; n = n * 3 + 1) {
            mrq_random_shuffle(&rng, rating, N);
            for (uint32_t i = 0; i < N; i++)
                place[rating[i]] = i;
            mrq_shuffle_sort(&data, rating, n, scratch);
            for (uint32_t i = 0; i < n; i++)
                assert_true(place[rating[i]] < n);
            for (uint32_t i = 1; i < n; i++)
                if (item[rating[i - 1]] == item[rating[i]])
                    assert_true(place[rating[i - 1]] < place[rating[i]]);
                else
                    for (uint32_t j = 0; j < i; j++) /* an item that has gone does not come back */
                        assert_true(item[rating[j]] != item[rating[i]]);
        }
        assert_permutation(rating, N);
    }
}

/* Scores */

static void scores_stay_within_the_training_ratings(void **state)
{
    (void)state;
    static const char *const texts[] = {SMALL(SMALL_COSINE, SMALL_DENSE, SMALL_DENSE_USER, SMALL_DENSE_ITEM, ""),
                                        SMALL(SMALL_DOT, SMALL_SUM, SMALL_SUM_USER, SMALL_SUM_ITEM, ""),
                                        SMALL(SMALL_BIASED, SMALL_SUM, SMALL_SUM_USER, SMALL_SUM_ITEM, "")};
    for (size_t k = 0; k < 3; k++) {
        small_data *s = small_data_new(USERS, ITEMS, RATINGS);
        for (uint32_t i = 0; i < RATINGS; i++) /* 2 to 4, though the schema allows 1 to 5 */
            s->rating[i] = fminf(fmaxf(s->rating[i], 2), 4);
        const mrq_description d = describe(texts[k]);
        mrq_model *model = make_model(s, &d);
        MRQ_CLEANUP(mrq_arena_free) mrq_arena *arena = mrq_arena_new();
        mrq_vectors vectors;
        assert_ok(mrq_vectors_make(model, arena, &vectors, &err));
        assert_ok(mrq_vectors_update(model, &vectors, &err));
        double *param = mrq_arena_array(arena, model->tensors.size, sizeof *param), sum = 0;
        for (size_t i = 0; i < model->tensors.size; i++)
            param[i] = (double)model->param[i];
        uint32_t inside = 0, beyond = 0;
        for (uint32_t u = 0; u < USERS; u++)
            for (uint32_t m = 0; m < ITEMS; m++) {
                const double exact = reference_score(model, param, u, m, 0), want = fmin(fmax(exact, 2), 4);
                assert_true(fabs(mrq_score(model, &vectors, u, m) - want) < 1e-4);
                inside += exact > 2 && exact < 4;
                beyond += exact < 2 || exact > 4;
            }
        assert_true(inside > 20 && beyond > 20);
        for (uint32_t i = 0; i < RATINGS; i++)
            sum += pow(fmin(fmax(reference_score(model, param, s->user[i], s->item[i], 0), 2), 4) - (double)s->rating[i], 2);
        assert_true(fabs(mrq_rmse(model, &vectors, &s->data, every, RATINGS) - sqrt(sum / RATINGS)) < 1e-4);
        assert_true(isnan(mrq_rmse(model, &vectors, &s->data, every, 0)));
        mrq_model_free(model);
        small_data_free(s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gradients_of_a_dense_joint),
        cmocka_unit_test(gradients_of_a_joint_that_sums),
        cmocka_unit_test(gradients_of_factors),
        cmocka_unit_test(factors_equal_towers),
        cmocka_unit_test(only_two_embeddings_are_a_factorisation),
        cmocka_unit_test(gradients_of_the_preset),
        cmocka_unit_test(workers_sum),
        cmocka_unit_test(clipping_bounds_the_step),
        cmocka_unit_test(weight_decay_is_for_what_a_batch_moves),
        cmocka_unit_test(the_learning_rate_follows_its_schedule),
        cmocka_unit_test(a_pass_has_every_rating_once),
        cmocka_unit_test(the_items_come_in_another_order_each_pass),
        cmocka_unit_test(one_item_is_one_batch),
        cmocka_unit_test(sorting_keeps_the_order_of_a_items_ratings),
        cmocka_unit_test(scores_stay_within_the_training_ratings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
