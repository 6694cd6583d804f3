/* The training loop. A batch is cut into one share a worker; each computes the gradients of its share, then each sums and applies
 * its part of the parameters; a barrier stands between the two. Everything depends on seed and number of workers alone, never on
 * timing.
 *
 * Rejected: asynchronous updates (Hogwild) - faster still, but no run is like another; one tower a thread - two threads at most,
 * and the movie tower costs twice the user tower. */
#include "train/train.h"

#include <math.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "train/evaluate.h"
#include "train/optimizer.h"
#include "train/worker.h"

/* All wait for the last. Batches take less than a millisecond, so a waiter spins before it gives the core away. */
struct barrier {
    atomic_uint expected, arrived, phase;
};

struct trainer {
    mrq_arena *arena;
    const mrq_dataset *data;
    mrq_model *model;
    const mrq_train_watch *watch;
    uint32_t threads, batch;
    mrq_worker *worker;      /* (threads) */
    mrq_gradient **gradient; /* (threads) the workers' */
    mrq_optimizer_state optimizer;
    struct barrier barrier;
    mrq_split split; /* `train` in the order of this pass */
    mrq_random rng;
    int64_t epoch;
    bool quit;            /* set between barriers by worker 0: the pass is over for all */
    double loss, started; /* of this pass */
    uint64_t done;
    mrq_vectors vectors;
    float *best; /* parameters of the best pass */
};

static void wait_for_all(struct trainer *t)
{
    const unsigned phase = atomic_load_explicit(&t->barrier.phase, memory_order_acquire);
    const unsigned arrived = atomic_fetch_add_explicit(&t->barrier.arrived, 1, memory_order_acq_rel) + 1;
    if (arrived == atomic_load_explicit(&t->barrier.expected, memory_order_acquire)) {
        atomic_store_explicit(&t->barrier.arrived, 0, memory_order_relaxed);
        atomic_store_explicit(&t->barrier.phase, phase + 1, memory_order_release);
        return;
    }
    for (unsigned spins = 0; atomic_load_explicit(&t->barrier.phase, memory_order_acquire) == phase; spins++) {
        if (spins > 2000)
            sched_yield();
#ifdef __x86_64__
        else
            __builtin_ia32_pause();
#endif
    }
}

static double pass_rmse(const struct trainer *t)
{
    return t->done ? sqrt(t->loss / (double)t->done) : NAN;
}

/* Worker 0, between the barriers of a batch: adds up the loss, reports, and stops a run that has lost its way. */
static void count_batch(struct trainer *t, uint32_t n)
{
    double loss = 0;
    for (uint32_t w = 0; w < t->threads; w++)
        loss += t->worker[w].loss;
    t->loss += loss;
    t->done += n;
    t->quit = !isfinite(loss);
    if (t->watch->batch)
        t->watch->batch(t->watch->context, t->epoch, t->done, t->split.n_train, pass_rmse(t),
                        (double)t->done / (mrq_clock() - t->started));
}

/* One pass over the ratings, as worker `w`. */
static void run_pass(struct trainer *t, uint32_t w)
{
    for (uint64_t start = 0; start < t->split.n_train && !t->quit; start += t->batch) {
        const uint64_t left = t->split.n_train - start;
        const uint32_t n = left < t->batch ? (uint32_t)left : t->batch;
        const uint32_t from = (uint32_t)((uint64_t)n * w / t->threads), to = (uint32_t)((uint64_t)n * (w + 1) / t->threads);
        mrq_worker_run(&t->worker[w], t->split.train + start + from, to - from, n);
        if (w == 0)
            t->optimizer.step++;
        wait_for_all(t);
        mrq_optimizer_step(&t->optimizer, t->model->param, t->gradient, t->threads, w, t->threads);
        if (w == 0)
            count_batch(t, n);
        wait_for_all(t);
    }
}

/* A thread's life: pass after pass, until worker 0 says that there is none. */
struct thread {
    struct trainer *trainer;
    uint32_t number;
    pthread_t id;
};

static void *thread_main(void *argument)
{
    const struct thread *self = argument;
    struct trainer *t = self->trainer;
    for (;;) {
        wait_for_all(t);
        if (t->quit)
            return NULL;
        run_pass(t, self->number);
        wait_for_all(t);
    }
}

static mrq_status check_fit(const mrq_dataset *data, const mrq_description *description, mrq_error *err)
{
    if (data->rating_max > description->scale || data->rating_min < -description->scale)
        return mrq_fail(err, MRQ_BAD_FILE, "ratings of %g to %g lie outside the scores of model \"%s\", %g to %g", data->rating_min,
                        data->rating_max, description->name, -description->scale, description->scale);
    return MRQ_OK;
}

static mrq_status prepare(struct trainer *t, const mrq_description *description, const mrq_train_options *options, mrq_error *err)
{
    MRQ_TRY(check_fit(t->data, description, err));
    MRQ_TRY(mrq_split_make(t->data, options->split, options->test, description->train.validation, options->seed, &t->split, err));
    const mrq_model_source source = {t->data->users, t->data->movies, t->data->user,    t->data->movie,
                                     t->split.train, t->data->n,      t->split.n_train, options->seed};
    MRQ_TRY(mrq_model_new(description, &source, &t->model, err));
    t->threads = options->threads;
    const uint64_t batch = (uint64_t)description->train.batch;
    t->batch = (uint32_t)(batch < t->split.n_train ? batch : t->split.n_train); /* workers' memory follows the batch */
    const uint32_t capacity = (t->batch + t->threads - 1) / t->threads;
    t->worker = mrq_arena_array(t->arena, t->threads, sizeof *t->worker);
    t->gradient = mrq_arena_array(t->arena, t->threads, sizeof *t->gradient);
    t->best = mrq_arena_array(t->arena, t->model->tensors.size, sizeof *t->best);
    if (!t->worker || !t->gradient || !t->best)
        return mrq_fail_memory(err, "preparing the training");
    for (uint32_t w = 0; w < t->threads; w++) {
        MRQ_TRY(mrq_worker_make(t->model, t->data, capacity, options->seed, w, t->arena, &t->worker[w], err));
        t->gradient[w] = &t->worker[w].gradient;
    }
    MRQ_TRY(mrq_vectors_make(t->model, t->arena, &t->vectors, err));
    mrq_random_init(&t->rng, options->seed, 0x200000000u);
    return mrq_optimizer_make(&t->model->tensors, description->train.optimizer, description->train.lr, t->arena, &t->optimizer,
                              err);
}

static void note_results(struct trainer *t, const mrq_description *description, const mrq_train_options *options)
{
    mrq_model_results *r = &t->model->results;
    *r = (mrq_model_results){.seed = options->seed,
                             .train_ratings = t->split.n_train,
                             .valid_ratings = t->split.n_valid,
                             .test_ratings = t->split.n_test,
                             .data_fingerprint = t->data->fingerprint,
                             .threads = options->threads,
                             .epochs = description->train.epochs,
                             .test_share = options->test,
                             .train_rmse = NAN,
                             .valid_rmse = NAN,
                             .test_rmse = NAN};
    snprintf(r->schema, sizeof r->schema, "%s", t->data->schema);
    snprintf(r->split, sizeof r->split, "%s", mrq_split_names[options->split]);
}

static mrq_status lost(const struct trainer *t, mrq_error *err)
{
    return mrq_fail(err, MRQ_FAILED,
                    "the loss is no longer a number in pass %lld after %llu ratings: try a smaller learning rate than %g",
                    (long long)t->epoch, (unsigned long long)t->done, (double)t->optimizer.lr);
}

/* After a pass: measure, keep the parameters if they are the best, report. */
static mrq_status judge(struct trainer *t, int64_t epochs, mrq_error *err)
{
    mrq_model_results *r = &t->model->results;
    mrq_train_epoch e = {.epoch = t->epoch, .epochs = epochs, .train_rmse = pass_rmse(t), .seconds = mrq_clock() - t->started};
    e.samples_per_second = (double)t->done / e.seconds;
    MRQ_TRY(mrq_vectors_update(t->model, &t->vectors, err));
    e.valid_rmse = mrq_rmse(t->model, &t->vectors, t->data, t->split.valid, t->split.n_valid);
    e.test_rmse = mrq_rmse(t->model, &t->vectors, t->data, t->split.test, t->split.n_test);
    if (t->split.n_valid && isnan(e.valid_rmse))
        return lost(t, err);
    e.best = !(e.valid_rmse >= r->valid_rmse); /* the first; a better one; any, without a validation part */
    if (e.best) {
        memcpy(t->best, t->model->param, t->model->tensors.size * sizeof *t->best);
        r->best_epoch = t->epoch;
        r->train_rmse = e.train_rmse;
        r->valid_rmse = e.valid_rmse;
        r->test_rmse = e.test_rmse;
    }
    if (t->watch->epoch)
        t->watch->epoch(t->watch->context, &e);
    return MRQ_OK;
}

static mrq_status run(struct trainer *t, int64_t epochs, mrq_error *err)
{
    for (t->epoch = 1; t->epoch <= epochs; t->epoch++) {
        mrq_random_shuffle(&t->rng, t->split.train, t->split.n_train);
        t->loss = 0;
        t->done = 0;
        t->started = mrq_clock();
        wait_for_all(t);
        run_pass(t, 0);
        wait_for_all(t);
        if (t->quit)
            return lost(t, err);
        MRQ_TRY(judge(t, epochs, err));
    }
    memcpy(t->model->param, t->best, t->model->tensors.size * sizeof *t->best);
    return MRQ_OK;
}

/* Starts the other workers, runs, and stops them. */
static mrq_status run_threads(struct trainer *t, int64_t epochs, mrq_error *err)
{
    struct thread *thread = mrq_arena_array(t->arena, t->threads, sizeof *thread);
    if (!thread)
        return mrq_fail_memory(err, "starting threads");
    mrq_status status = MRQ_OK;
    atomic_store_explicit(&t->barrier.expected, t->threads, memory_order_relaxed);
    uint32_t started = 1;
    for (; started < t->threads && status == MRQ_OK; started++) {
        thread[started] = (struct thread){.trainer = t, .number = started};
        if (pthread_create(&thread[started].id, NULL, thread_main, &thread[started]) != 0) {
            status = mrq_fail(err, MRQ_FAILED, "cannot start thread %u of %u", started + 1, t->threads);
            break;
        }
    }
    if (status == MRQ_OK)
        status = run(t, epochs, err);
    t->quit = true;
    atomic_store_explicit(&t->barrier.expected, started, memory_order_release); /* fewer, if not all came up */
    wait_for_all(t);
    for (uint32_t i = 1; i < started; i++)
        pthread_join(thread[i].id, NULL);
    return status;
}

mrq_status mrq_train(const mrq_dataset *data, const mrq_description *description, const mrq_train_options *options,
                     const mrq_train_watch *watch, mrq_model **out, mrq_error *err)
{
    static const mrq_train_watch nobody;
    struct trainer t = {.data = data, .watch = watch ? watch : &nobody};
    if (!(t.arena = mrq_arena_new()))
        return mrq_fail_memory(err, "preparing the training");
    mrq_status status = prepare(&t, description, options, err);
    if (status == MRQ_OK) {
        note_results(&t, description, options);
        status = run_threads(&t, description->train.epochs, err);
    }
    if (status == MRQ_OK)
        *out = t.model;
    else
        mrq_model_free(t.model);
    mrq_split_clear(&t.split);
    mrq_arena_free(t.arena);
    return status;
}
