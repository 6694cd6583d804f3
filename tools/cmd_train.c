/* marquee train: reads the data, trains, reports each epoch, writes the model. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/parallel.h"
#include "command.h"
#include "load_data.h"
#include "signals.h"
#include "skip_option.h"
#include "train_screen.h"

#define CHECKPOINT_SECONDS 60

/* `out` with its ".mrq" replaced by another ending. */
static mrq_status beside(const char *out, const char *ending, char path[MRQ_SCREEN_PATH], mrq_error *err)
{
    const size_t size = strlen(out), cut = size > 4 && strcmp(out + size - 4, ".mrq") == 0 ? size - 4 : size;
    if (snprintf(path, MRQ_SCREEN_PATH, "%.*s%s", (int)cut, out, ending) >= MRQ_SCREEN_PATH)
        return mrq_fail(err, MRQ_USAGE, "--out %.40s...: want less than %d bytes", out, MRQ_SCREEN_PATH - 20);
    return MRQ_OK;
}

/* Fails unless the file at `path` is a container, empty or missing, so that a mistyped --out does not overwrite a data file. */
static mrq_status check_replaceable(const char *path, mrq_error *err)
{
    mrq_map map;
    if (!mrq_file_exists(path))
        return MRQ_OK;
    const mrq_status status = mrq_map_open(&map, path, err);
    if (status != MRQ_OK) /* check_out() reports a path that is not a regular file */
        return status == MRQ_BAD_FILE ? MRQ_OK : status;
    const bool ours = map.size == 0 || (map.size >= 8 && memcmp(map.data, "MARQUEE\n", 8) == 0);
    mrq_map_close(&map);
    return ours ? MRQ_OK : mrq_fail(err, MRQ_USAGE, "--out %s: this file exists and is not a model; want another name", path);
}

static mrq_status check_out(const char *path, mrq_error *err)
{
    MRQ_TRY(check_replaceable(path, err));
    mrq_output *out = NULL; /* fail now rather than after the training */
    MRQ_TRY(mrq_output_open(path, &out, err));
    mrq_output_discard(out);
    return MRQ_OK;
}

struct arguments {
    const char *data, *schema, *model, *out, *split, *skip_bad, *bad;
    int64_t seed, epochs, batch, threads;
    double test, lr, l2, checkpoint;
    bool resume;
};

static mrq_status read_arguments(int argc, char **argv, struct arguments *a, bool *done, mrq_error *err)
{
    const mrq_option options[] = {
        {"data", 'd', MRQ_OPT_TEXT, &a->data, 0, 0, "DIR", MRQ_DATA_HELP},
        {"out", 'o', MRQ_OPT_TEXT, &a->out, 0, 0, "FILE", "the model file to write"},
        {"model", 'm', MRQ_OPT_TEXT, &a->model, 0, 0, "NAME", "a preset, or a FILE.json that describes the towers"},
        {"schema", 0, MRQ_OPT_TEXT, &a->schema, 0, 0, "NAME",
         "format of the data files: ml-1m, ml-100k, ml-latest or a FILE.json;\nrecognised from the folder if not given"},
        {"skip-bad", 0, MRQ_OPT_TEXT, &a->skip_bad, 0, 0, "SHARE",
         "leave out rows that do not fit, up to this share of each file's,\nsuch as 1% or 0.01 [none: the first one is an error]"},
        {"bad", 0, MRQ_OPT_TEXT, &a->bad, 0, 0, "FILE", "list the first 1000 rows that were left out, with the reasons"},
        {"test", 0, MRQ_OPT_REAL, &a->test, 0, 0.9, "SHARE", "share of the ratings used for the test, never for training"},
        {"split", 0, MRQ_OPT_TEXT, &a->split, 0, 0, "KIND",
         "how the test part is chosen: random, user (a share of each user's\nratings), time (the latest ratings) or hash (of the "
         "ids: a rating\nstays in its part when others are added)"},
        {"seed", 0, MRQ_OPT_INT, &a->seed, 0, (double)MRQ_SEED_MAX, "N",
         "seed of the split, the initial parameters and the order; the same\nseed gives the same model"},
        {"epochs", 'e', MRQ_OPT_INT, &a->epochs, 1, MRQ_EPOCHS_MAX, "N", "epochs over the ratings [the preset's]"},
        {"batch", 'b', MRQ_OPT_INT, &a->batch, 1, MRQ_BATCH_MAX, "N",
         "ratings per step [the preset's, else a 200th of the training\nratings, from 64 to 4096]"},
        {"lr", 0, MRQ_OPT_REAL, &a->lr, MRQ_LR_MIN, MRQ_LR_MAX, "X", "learning rate [the preset's]"},
        {"l2", 0, MRQ_OPT_REAL, &a->l2, 0, MRQ_L2_MAX, "X", "L2 regularisation, relative to a rating's error [the preset's]"},
        {"threads", 't', MRQ_OPT_INT, &a->threads, 1, MRQ_THREADS_MAX, "N",
         "worker threads; the result depends on their number. A\nfactorisation with small batches uses fewer"},
        {"resume", 'r', MRQ_OPT_FLAG, &a->resume, 0, 0, NULL, "continue from FILE.checkpoint, if it exists"},
        {"checkpoint", 0, MRQ_OPT_REAL, &a->checkpoint, 0, 1e6, "SECONDS", "time between two checkpoints [60]"},
        {0},
    };
    const mrq_command command = {
        .name = "marquee train",
        .synopsis = "--data DIR --out FILE [option...]",
        .about =
            "Trains a user tower and an item tower on ratings and writes them, with all that an export needs, to one file.\n"
            "After each epoch it measures the RMSE of the test part and of a validation part, and draws the learning curve in\n"
            "FILE.curve.csv and FILE.curve.svg (FILE is --out without .mrq). It keeps the epoch with the best validation RMSE.\n"
            "Ctrl-C or SIGTERM stops after the batch, writes the state to FILE.checkpoint and saves the best epoch so far.\n"
            "The same command with --resume continues from there and writes the same bytes as an uninterrupted run.\n"
            "The models retrieval and sequence rank items instead of predicting ratings. They are solved in closed form, without\n"
            "epochs, and their test measures recall@10 and NDCG@10. To sequence, what somebody liked lately counts more.",
        .options = options,
        .examples = "  marquee train --data data/sample --out model.mrq\n"
                    "  marquee train --data ml-1m --model fusion --test 0.1 --seed 1 --out model.mrq\n",
    };
    int first;
    MRQ_TRY(mrq_options_read(&command, argc, argv, &first, done, err));
    if (*done)
        return MRQ_OK;
    if (!a->data || !a->out)
        return mrq_fail(err, MRQ_USAGE, "%s is missing", a->data ? "--out FILE" : "--data DIR");
    if (a->bad && strcmp(a->bad, a->out) == 0)
        return mrq_fail(err, MRQ_USAGE, "--bad %.100s: this is the model of --out; want another file", a->bad);
    return MRQ_OK;
}

static mrq_status find_split(const char *name, mrq_split_kind *kind, mrq_error *err)
{
    for (int i = 0; mrq_split_names[i]; i++)
        if (strcmp(mrq_split_names[i], name) == 0) {
            *kind = (mrq_split_kind)i;
            return MRQ_OK;
        }
    return mrq_fail(err, MRQ_USAGE, "--split \"%.40s\": want random, user, time or hash", name);
}

static mrq_status load(const struct arguments *a, mrq_description *description, mrq_dataset **data, mrq_error *err)
{
    MRQ_TRY(mrq_description_load(a->model, description, err));
    const char *const of_epochs = a->epochs            ? "epochs"
                                  : a->batch           ? "batch"
                                  : a->lr > 0          ? "lr"
                                  : a->resume          ? "resume"
                                  : a->checkpoint >= 0 ? "checkpoint"
                                                       : NULL;
    if (mrq_objective_of(description)->closed_form && of_epochs)
        return mrq_fail(err, MRQ_USAGE, "--%s: model \"%s\" is solved in closed form, without epochs; leave it out", of_epochs,
                        description->name);
    description->train.epochs = a->epochs ? a->epochs : description->train.epochs;
    description->train.batch = a->batch ? a->batch : description->train.batch;
    description->train.lr = a->lr > 0 ? a->lr : description->train.lr;
    const double l2_min = mrq_objective_of(description)->l2_min;
    if (a->l2 >= 0 && a->l2 < l2_min)
        return mrq_fail(err, MRQ_USAGE, "--l2 %g: model \"%s\" wants at least %g", a->l2, description->name, l2_min);
    description->train.l2 = a->l2 >= 0 ? a->l2 : description->train.l2;
    MRQ_TRY(check_out(a->out, err));
    MRQ_CLEANUP(mrq_schema_free) mrq_schema *schema = NULL;
    if (a->schema)
        MRQ_TRY(mrq_schema_load(a->schema, &schema, err));
    const double start = mrq_clock();
    MRQ_TRY(mrq_load_data("train", a->data, schema, a->skip_bad, a->bad, data, err));
    char told[MRQ_DATASET_TOLD];
    mrq_log(MRQ_LOG_INFO, "data", "%s seconds=%.2f", mrq_dataset_tell(*data, told), mrq_clock() - start);
    return MRQ_OK;
}

/* Prints the result of the training in one line on stdout. A training whose loss exploded is an error. */
static mrq_status report(const struct arguments *a, const mrq_train_result *result, const char *checkpoint, bool written,
                         double seconds, mrq_error *err)
{
    const mrq_model_results *r = mrq_model_results_of(result->model);
    const mrq_description *d = mrq_model_description(result->model);
    char test[64] = "";
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    if (!isnan(r->test_ndcg))
        snprintf(test, sizeof test, " test_ndcg@10=%.4f test_recall@10=%.4f", r->test_ndcg, r->test_recall);
    else if (!isnan(r->test_rmse))
        snprintf(test, sizeof test, " test_rmse=%.4f", r->test_rmse);
    if (mrq_objective_of(d)->closed_form)
        printf("%s: model %s,%s seed %llu, %.1f s, %ld MB of memory\n", a->out, d->name, test, (unsigned long long)r->seed, seconds,
               usage.ru_maxrss / 1024);
    else if (written)
        printf("%s: model %s, best of %lld epochs: %lld,%s seed %llu, %.1f s, %ld MB of memory\n", a->out, d->name,
               (long long)r->epochs, (long long)r->best_epoch, test, (unsigned long long)r->seed, seconds, usage.ru_maxrss / 1024);
    if (result->end == MRQ_TRAIN_LOST)
        return mrq_fail(
            err, MRQ_FAILED,
            "the loss exploded in epoch %lld; %s holds epoch %lld, the best before. Try a smaller learning rate than %g%s",
            (long long)result->epoch, a->out, (long long)r->best_epoch, d->train.lr,
            d->train.clip > 0 ? "" : ", or \"clip\": 1 in the model's \"train\"");
    if (result->end == MRQ_TRAIN_INTERRUPTED)
        fprintf(stderr,
                result->saved ? "stopped in epoch %lld; continue with --resume, the state is in %s\n"
                              : "stopped in epoch %lld; the state could not be written to %s\n",
                (long long)result->epoch, checkpoint);
    return MRQ_OK;
}

mrq_status cmd_train(int argc, char **argv, mrq_error *err)
{
    struct arguments a = {.model = MRQ_MODEL_DEFAULT, .split = "random", .seed = 1, .test = 0.1, .l2 = -1, .checkpoint = -1};
    a.threads = mrq_threads_default();
    bool done = false;
    MRQ_TRY(read_arguments(argc, argv, &a, &done, err));
    if (done)
        return MRQ_OK;
    mrq_screen screen = {.epoch = 0};
    char checkpoint[MRQ_SCREEN_PATH];
    MRQ_TRY(beside(a.out, ".checkpoint", checkpoint, err));
    MRQ_TRY(beside(a.out, ".curve.csv", screen.csv, err));
    MRQ_TRY(beside(a.out, ".curve.svg", screen.svg, err));
    mrq_train_options options = {.test = a.test,
                                 .seed = (uint64_t)a.seed,
                                 .threads = (uint32_t)a.threads,
                                 .checkpoint = checkpoint,
                                 .checkpoint_seconds = a.checkpoint < 0 ? CHECKPOINT_SECONDS : a.checkpoint,
                                 .resume = a.resume};
    MRQ_TRY(find_split(a.split, &options.split, err));

    const double start = mrq_clock();
    mrq_description description;
    MRQ_CLEANUP(mrq_dataset_free) mrq_dataset *data = NULL;
    MRQ_TRY(load(&a, &description, &data, err));
    screen.model = description.name;
    if (a.resume && !mrq_file_exists(checkpoint))
        mrq_log(MRQ_LOG_INFO, "train", "no %s: starting from the beginning", checkpoint);
    mrq_signals_catch();
    const mrq_train_watch watch = mrq_screen_watch(&screen);
    mrq_train_result result = {0};
    mrq_status status = mrq_train(data, &description, &options, &watch, &result, err);
    mrq_screen_end(&screen);
    if (status != MRQ_OK)
        mrq_signals_end("train", err); /* a ranking keeps no state */
    MRQ_TRY(status);
    MRQ_CLEANUP(mrq_model_free) mrq_model *model = result.model;
    const bool barely = !mrq_model_results_of(model)->best_epoch && mrq_file_exists(a.out);
    if (barely)
        mrq_log(MRQ_LOG_WARN, "train", "%s was not replaced: no epoch of this training has ended", a.out);
    else
        MRQ_TRY(mrq_model_save(model, a.out, err));
    if (result.end == MRQ_TRAIN_DONE)
        mrq_file_remove(checkpoint);
    status = report(&a, &result, checkpoint, !barely, mrq_clock() - start, err);
    if (result.end == MRQ_TRAIN_INTERRUPTED) {
        fflush(stdout);
        mrq_signals_release();
    }
    return status;
}
