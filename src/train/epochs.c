/* The training loop. A batch is cut into one share per worker. Each worker computes the gradients of its share; when all have, each
 * sums the gradients of its part of the parameters and applies them. The result depends only on seed and number of workers, never
 * on timing. A checkpoint holds all state that outlives a batch.
 *
 * Rejected: asynchronous updates (Hogwild): faster, but no two runs give the same model. One tower per thread: uses two threads at
 * most, and the item tower costs twice the user tower. */
#include "train/train.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/crew.h"
#include "base/finite.h"
#include "model/gemm.h"
#include "model/warm.h"
#include "train/shuffle.h"
#include "train/trainer.h"

#define EXPLODED 100.0 /* times the range of the ratings: a batch with a larger RMSE ends the training */

static double epoch_rmse(const mrq_trainer *t)
{
    return t->at.done ? sqrt(t->at.loss / (double)t->at.done) : NAN;
}

/* After a batch: adds up the loss, reports, and ends a run whose loss exploded. */
static void count_batch(mrq_trainer *t, uint32_t n)
{
    double loss = 0;
    for (uint32_t w = 0; w < t->threads; w++)
        loss += t->worker[w].loss;
    t->at.loss += loss;
    t->at.done += n;
    t->at.step = t->optimizer.step;
    const double limit = EXPLODED * fmax(1, t->model->results.rating_max - t->model->results.rating_min);
    if (!(loss / n < limit * limit)) {
        t->quit = true;
        t->end = MRQ_TRAIN_LOST;
    } else if (t->watch->stop && *t->watch->stop) {
        t->quit = true;
        t->end = MRQ_TRAIN_INTERRUPTED;
    }
    const double now = mrq_clock();
    t->at.seconds = now - t->started;
    t->save =
        t->options->checkpoint && t->end != MRQ_TRAIN_LOST && (t->quit || now - t->checkpointed >= t->options->checkpoint_seconds);
    if (t->watch->batch)
        t->watch->batch(t->watch->context, t->at.epoch, t->at.done, t->split.n_train, epoch_rmse(t),
                        (double)t->at.done / t->at.seconds);
}

static void save_checkpoint(mrq_trainer *t)
{
    mrq_error problem;
    if (!mrq_all_finite(t->model->param, t->model->tensors.size)) { /* keep the previous checkpoint, which is usable */
        t->quit = true;
        t->end = MRQ_TRAIN_LOST;
        return;
    }
    t->saved = mrq_checkpoint_save(t, &problem) == MRQ_OK;
    if (!t->saved && t->watch->warn)
        t->watch->warn(t->watch->context, &problem);
    t->checkpointed = mrq_clock();
}

/* Progress of the whole training, 0 to 1. */
static double progress(const mrq_trainer *t)
{
    return ((double)(t->at.epoch - 1) + (double)t->at.done / (double)t->split.n_train) / (double)t->model->description.train.epochs;
}

/* The jobs of worker `w`: three for each batch, and one before the first batch of an epoch. */

static void learn(void *trainer, uint32_t w)
{
    mrq_trainer *t = trainer;
    const uint64_t start = t->batch[t->now], n = t->batch[t->now + 1] - start;
    const uint64_t from = n * w / t->threads, to = n * (w + 1) / t->threads;
    mrq_worker_run(&t->worker[w], t->split.train + start + from, (uint32_t)(to - from), (uint32_t)n);
}

static void add_squares(void *trainer, uint32_t w)
{
    mrq_trainer *t = trainer;
    t->squares[w] = mrq_optimizer_sum(&t->optimizer, t->gradient, t->threads, w, t->threads);
}

static void move(void *trainer, uint32_t w)
{
    mrq_trainer *t = trainer;
    double squares = 0;
    if (t->model->description.train.clip > 0)
        for (uint32_t i = 0; i < t->threads; i++)
            squares += t->squares[i];
    mrq_optimizer_move(&t->optimizer, t->model->param, t->gradient, t->threads, w, t->threads, squares);
}

static void sort_batches(void *trainer, uint32_t w)
{
    mrq_trainer *t = trainer;
    for (uint64_t b = w; b < t->batches; b += t->threads)
        mrq_shuffle_sort(t->data, t->split.train + t->batch[b], (uint32_t)(t->batch[b + 1] - t->batch[b]), t->scratch[w]);
}

/* Runs the remaining batches of an epoch. */
static void run_epoch(mrq_trainer *t, mrq_crew *crew)
{
    if (t->sort)
        mrq_crew_run(crew, sort_batches, t);
    t->now = 0;
    while (t->batch[t->now] < t->at.done)
        t->now++;
    for (; t->now < t->batches && !t->quit; t->now++) {
        const uint32_t n = (uint32_t)(t->batch[t->now + 1] - t->batch[t->now]);
        mrq_crew_run(crew, learn, t);
        mrq_optimizer_begin(&t->optimizer, progress(t), n);
        if (t->model->description.train.clip > 0)
            mrq_crew_run(crew, add_squares, t);
        mrq_crew_run(crew, move, t);
        count_batch(t, n);
        if (t->save)
            save_checkpoint(t);
    }
}

static mrq_status check_fit(const mrq_dataset *data, const mrq_description *d, mrq_error *err)
{
    const double low = d->shift - d->scale, high = d->shift + d->scale;
    if (d->score == MRQ_COSINE && (data->rating_max > high || data->rating_min < low))
        return mrq_fail(
            err, MRQ_BAD_FILE, "ratings of %g to %g lie outside the scores of model \"%s\", %g to %g: want score.scale %g or more",
            data->rating_min, data->rating_max, d->name, low, high, fmax(data->rating_max - d->shift, d->shift - data->rating_min));
    return MRQ_OK;
}

static mrq_status make_workers(mrq_trainer *t, mrq_error *err)
{
    const uint32_t share = (uint32_t)(((uint64_t)t->capacity + t->threads - 1) / t->threads);
    t->worker = mrq_arena_array(t->arena, t->threads, sizeof *t->worker);
    t->gradient = mrq_arena_array(t->arena, t->threads, sizeof *t->gradient);
    t->squares = mrq_arena_array(t->arena, t->threads, sizeof *t->squares);
    t->scratch = mrq_arena_array(t->arena, t->threads, sizeof *t->scratch);
    if (!t->worker || !t->gradient || !t->squares || !t->scratch)
        return mrq_fail_memory(err, "preparing the training");
    for (uint32_t w = 0; w < t->threads; w++) {
        MRQ_TRY(mrq_worker_make(t->model, t->data, share, t->options->seed, w, t->arena, &t->worker[w], err));
        t->gradient[w] = &t->worker[w].gradient;
        if (t->model->description.train.order == MRQ_SHUFFLE_RANDOM &&
            !(t->scratch[w] = mrq_arena_array(t->arena, 2 * (size_t)t->capacity, sizeof(uint64_t))))
            return mrq_fail_memory(err, "preparing the training");
    }
    return MRQ_OK;
}

/* A factorisation takes little time per rating: below this share, waiting for another thread costs more than it saves. */
static uint32_t useful_threads(const mrq_trainer *t)
{
    enum { SHARE = 512 };
    const int64_t batch = t->model->description.train.batch, shares = batch < SHARE ? 1 : batch / SHARE;
    return mrq_is_factorisation(t->model) && shares < t->options->threads ? (uint32_t)shares : t->options->threads;
}

/* About 200 steps per epoch: enough steps on a small data set, and batches that fill the matrix products on a large one. */
static int64_t batch_for(uint64_t ratings)
{
    enum { STEPS = 200, LEAST = 64, MOST = 4096 };
    const uint64_t batch = ratings / STEPS;
    return batch < LEAST ? LEAST : batch > MOST ? MOST : (int64_t)batch;
}

static mrq_status prepare(mrq_trainer *t, const mrq_description *given, mrq_error *err)
{
    mrq_description resolved = *given;
    const mrq_description *const description = &resolved;
    const mrq_training *const settings = &resolved.train;
    MRQ_TRY(check_fit(t->data, description, err));
    MRQ_TRY(mrq_train_divide(t->data, t->options, settings->validation, &t->split, err));
    if (!settings->batch)
        resolved.train.batch = batch_for(t->split.n_train);
    MRQ_TRY(mrq_train_begin(t->data, description, t->options, &t->split, &t->model, err));
    if (t->options->warm)
        MRQ_TRY(mrq_model_warm(t->model, t->options->warm, err));
    t->threads = useful_threads(t);
    t->model->results.threads = t->threads;
    MRQ_TRY(mrq_shuffle_largest(settings->order, t->data, t->split.train, t->split.n_train, (uint32_t)settings->batch, &t->capacity,
                                err));
    t->batch = mrq_arena_array(t->arena, t->split.n_train / (uint64_t)settings->batch + 2, sizeof *t->batch);
    t->best = mrq_arena_array(t->arena, t->model->tensors.size, sizeof *t->best);
    t->epoch = mrq_arena_array(t->arena, (size_t)settings->epochs, sizeof *t->epoch);
    if (!t->batch || !t->best || !t->epoch)
        return mrq_fail_memory(err, "preparing the training");
    MRQ_TRY(mrq_blas_reserve(t->threads, err));
    MRQ_TRY(make_workers(t, err));
    MRQ_TRY(mrq_vectors_make(t->model, t->arena, &t->vectors, err));
    MRQ_TRY(mrq_optimizer_make(&t->model->tensors, &t->model->description.train, t->arena, &t->optimizer, err));
    t->at = (mrq_position){.epoch = 1, .best_train = NAN, .best_valid = NAN, .best_test = NAN};
    mrq_random_init(&t->at.rng, t->options->seed, 0x200000000u);
    if (t->options->resume && mrq_file_exists(t->options->checkpoint))
        MRQ_TRY(mrq_checkpoint_load(t, err));
    t->optimizer.step = t->at.step;
    return MRQ_OK;
}

/* Copies the current parameters to the best ones. */
static void keep(mrq_trainer *t, int64_t epoch, double train, double valid, double test)
{
    memcpy(t->best, t->model->param, t->model->tensors.size * sizeof *t->best);
    t->at.best_epoch = epoch;
    t->at.best_train = train;
    t->at.best_valid = valid;
    t->at.best_test = test;
}

static mrq_status measure(mrq_trainer *t, double *valid, double *test, mrq_error *err)
{
    MRQ_TRY(mrq_vectors_update(t->model, &t->vectors, err));
    *valid = mrq_rmse(t->model, &t->vectors, t->data, t->split.valid, t->split.n_valid);
    *test = mrq_rmse(t->model, &t->vectors, t->data, t->split.test, t->split.n_test);
    return MRQ_OK;
}

/* After an epoch: measure, keep the parameters if they are the best, report. */
static mrq_status judge(mrq_trainer *t, mrq_error *err)
{
    mrq_train_epoch e = {.epoch = t->at.epoch,
                         .epochs = t->model->description.train.epochs,
                         .train_rmse = epoch_rmse(t),
                         .seconds = mrq_clock() - t->started};
    e.samples_per_second = (double)t->at.done / e.seconds;
    for (uint32_t w = 0; w < t->threads; w++) {
        e.flops += t->worker[w].flops;
        t->worker[w].flops = 0;
    }
    MRQ_TRY(measure(t, &e.valid_rmse, &e.test_rmse, err));
    if (!mrq_all_finite(t->model->param,
                        t->model->tensors.size)) { /* the last batch made them infinite, after its loss was computed */
        t->end = MRQ_TRAIN_LOST;
        return MRQ_OK;
    }
    e.best = !(e.valid_rmse >=
               t->at.best_valid); /* true for the first epoch, for a better one, and for any without a validation part (NaN) */
    if (e.best)
        keep(t, t->at.epoch, e.train_rmse, e.valid_rmse, e.test_rmse);
    t->epoch[t->at.n_epochs++] = e;
    if (t->watch->epoch)
        t->watch->epoch(t->watch->context, t->epoch, t->at.n_epochs);
    return MRQ_OK;
}

/* Starts a new epoch, or the rest of the one that a checkpoint was saved in. */
static mrq_status start_epoch(mrq_trainer *t, mrq_error *err)
{
    const mrq_training *settings = &t->model->description.train;
    if (t->at.done == 0) {
        MRQ_TRY(mrq_shuffle_epoch(settings->order, t->data, &t->at.rng, t->split.train, t->split.n_train, err));
        t->at.loss = 0;
        t->at.seconds = 0;
    }
    mrq_random salt; /* one stream per epoch, apart from the workers' streams */
    mrq_random_init(&salt, t->options->seed, 0x300000000u + (uint64_t)t->at.epoch);
    const uint64_t bits = mrq_random_bits(&salt) | 1;
    for (uint32_t w = 0; w < t->threads; w++)
        t->worker[w].salt = bits;
    t->sort = t->at.done == 0 && settings->order == MRQ_SHUFFLE_RANDOM;
    t->batches = mrq_shuffle_cut(settings->order, t->data, t->split.train, t->split.n_train, (uint32_t)settings->batch, t->batch);
    t->started = mrq_clock() - t->at.seconds;
    return MRQ_OK;
}

static bool out_of_patience(const mrq_trainer *t)
{
    const int64_t patience = t->model->description.train.patience;
    return patience && t->at.epoch - t->at.best_epoch >= patience;
}

static mrq_status run(mrq_trainer *t, mrq_crew *crew, mrq_error *err)
{
    t->checkpointed = mrq_clock();
    for (;;) {
        MRQ_TRY(start_epoch(t, err));
        run_epoch(t, crew);
        if (t->quit)
            return MRQ_OK;
        MRQ_TRY(judge(t, err));
        if (t->end != MRQ_TRAIN_DONE || out_of_patience(t) || t->at.epoch == t->model->description.train.epochs)
            return MRQ_OK;
        t->at.epoch++;
        t->at.done = 0;
    }
}

/* Copies the epochs that have ended, also those before an interruption, into the model. */
static mrq_status keep_curve(mrq_trainer *t, mrq_error *err)
{
    mrq_model_epoch *epoch = mrq_array(t->at.n_epochs, sizeof *epoch);
    if (!epoch)
        return mrq_fail_memory(err, "keeping the learning curve");
    for (uint32_t i = 0; i < t->at.n_epochs; i++)
        epoch[i] = (mrq_model_epoch){t->epoch[i].train_rmse, t->epoch[i].valid_rmse, t->epoch[i].test_rmse};
    t->model->curve = (mrq_model_curve){t->at.n_epochs, epoch};
    return MRQ_OK;
}

/* Copies the best parameters and results into the model. Fails when the loss exploded in the first epoch. */
static mrq_status finish(mrq_trainer *t, mrq_error *err)
{
    if (!t->at.best_epoch && !mrq_all_finite(t->model->param, t->model->tensors.size))
        t->end = MRQ_TRAIN_LOST;
    if (!t->at.best_epoch && t->end == MRQ_TRAIN_LOST)
        return mrq_fail(err, MRQ_FAILED,
                        "the loss exploded in the first epoch, after %llu ratings: try a smaller learning rate than %g%s",
                        (unsigned long long)t->at.done, t->model->description.train.lr,
                        t->model->description.train.clip > 0 ? "" : ", or a \"clip\" of 1");
    if (!t->at.best_epoch) { /* interrupted in the first epoch: use the current parameters */
        double valid, test;
        MRQ_TRY(measure(t, &valid, &test, err));
        keep(t, 0, epoch_rmse(t), valid, test);
    }
    memcpy(t->model->param, t->best, t->model->tensors.size * sizeof *t->best);
    mrq_model_results *r = &t->model->results;
    r->epochs = t->at.n_epochs;
    r->best_epoch = t->at.best_epoch;
    r->train_rmse = t->at.best_train;
    r->valid_rmse = t->at.best_valid;
    r->test_rmse = t->at.best_test;
    return keep_curve(t, err);
}

static mrq_status run_threads(mrq_trainer *t, mrq_error *err)
{
    MRQ_CLEANUP(mrq_crew_free) mrq_crew *crew = NULL;
    MRQ_TRY(mrq_crew_new(t->threads, &crew, err));
    return run(t, crew, err);
}

mrq_status mrq_train_epochs(const mrq_dataset *data, const mrq_description *description, const mrq_train_options *options,
                            const mrq_train_watch *watch, mrq_train_result *out, mrq_error *err)
{
    mrq_trainer t = {.data = data, .options = options, .watch = watch};
    if (!(t.arena = mrq_arena_new()))
        return mrq_fail_memory(err, "preparing the training");
    mrq_status status = prepare(&t, description, err);
    if (status == MRQ_OK)
        status = run_threads(&t, err);
    if (status == MRQ_OK)
        status = finish(&t, err);
    if (status == MRQ_OK)
        *out = (mrq_train_result){t.model, t.end, t.at.epoch, t.saved};
    else
        mrq_model_free(t.model);
    mrq_split_clear(&t.split);
    mrq_arena_free(t.arena);
    return status;
}
