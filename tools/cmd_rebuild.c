/* marquee rebuild: the nightly job. While it trains, SIGINT and SIGTERM stop it after the current batch, so that it can write its
 * report. At any other time they kill it at once, which leaves the store intact, as a power cut does. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "backend_option.h"
#include "base/parallel.h"
#include "command.h"
#include "job/job.h"
#include "load_data.h"
#include "signals.h"
#include "skip_option.h"
#include "train_screen.h"

struct arguments {
    mrq_rebuild_options options;
    const char *redis, *backend, *skip_bad;
    int64_t seed, threads, keep, warm;
};

static mrq_status read_arguments(int argc, char **argv, struct arguments *a, bool *done, mrq_error *err)
{
    mrq_rebuild_options *o = &a->options;
    const mrq_option options[] = {
        {"data", 'd', MRQ_OPT_TEXT, &o->data, 0, 0, "DIR", MRQ_DATA_HELP},
        {"store", 's', MRQ_OPT_TEXT, &o->store, 0, 0, "DIR",
         "the store, created if it does not exist\n[$MARQUEE_STORE, else ./store]"},
        {"schema", 0, MRQ_OPT_TEXT, &o->schema, 0, 0, "NAME", "format of the data files, as for train [recognised]"},
        {"live", 0, MRQ_OPT_TEXT, &o->live, 0, 0, "FILE",
         "also learn from this live database, which a service may be\nwriting to; what the new generation knows of it then no "
         "longer\ncounts twice, and who was erased from it is in no file of the\nnew generation"},
        {"skip-bad", 0, MRQ_OPT_TEXT, &a->skip_bad, 0, 0, "SHARE",
         "leave out rows that do not fit, up to this share of each file's,\nsuch as 1% or 0.01 [none: the first one is an error]"},
        {"bad", 0, MRQ_OPT_TEXT, &o->bad, 0, 0, "FILE", "list the first 1000 rows that were left out, with the reasons"},
        {"model", 'm', MRQ_OPT_TEXT, &o->model, 0, 0, "NAME", "a preset, or a FILE.json that describes the towers"},
        {"epochs", 'e', MRQ_OPT_INT, &o->epochs, 1, MRQ_EPOCHS_MAX, "N",
         "epochs over the ratings [the model's]; with --warm-start\nfewer are enough"},
        {"warm-start", 0, MRQ_OPT_FLAG, &o->warm_start, 0, 0, NULL,
         "start from the serving model's parameters instead of random\nones; users and items new to it start from random ones"},
        {"index", 0, MRQ_OPT_TEXT, &o->index, 0, 0, "FACTORY", "as for export: auto, or a FAISS factory string"},
        {"recall", 0, MRQ_OPT_REAL, &o->recall, 0.01, 1, "SHARE",
         "recall@10, compared with an exact scan, that the index\nmust reach"},
        {"min-recall", 0, MRQ_OPT_REAL, &o->min_recall, 0, 1, "SHARE",
         "gate: least recall@10 of the index on other queries\n[0.02 below --recall]"},
        {"max-shrink", 0, MRQ_OPT_REAL, &o->max_shrink, 0, 1, "SHARE",
         "gate: largest share of the serving generation's items that\nmay be missing"},
        {"force", 'f', MRQ_OPT_FLAG, &o->force, 0, 0, NULL, "publish even if a gate fails"},
        {"keep", 'k', MRQ_OPT_INT, &a->keep, 1, MRQ_STORE_KEEP_MAX, "N",
         "number of newest generations to keep; the current one is\nnever removed"},
        {"redis", 'r', MRQ_OPT_TEXT, &a->redis, 0, 0, "ADDRESS",
         "answer the hottest queries into this Redis before the new\ngeneration serves [$MARQUEE_REDIS, else none]"},
        {"backend", 0, MRQ_OPT_TEXT, &a->backend, 0, 0, "ADDRESS",
         "also upload the index to this server before the new\ngeneration serves:\n" MRQ_BACKEND_FORMS
         "\n[$MARQUEE_BACKEND, else none]"},
        {"warm", 0, MRQ_OPT_INT, &a->warm, 0, MRQ_CACHE_TALLY_MAX, "N", "number of hot queries to answer"},
        {"test", 0, MRQ_OPT_REAL, &o->test, 0, 0.9, "SHARE",
         "share of the ratings used for the test, chosen by a hash of\nids: the same ratings every night, plus some of the new "
         "ones"},
        {"seed", 0, MRQ_OPT_INT, &a->seed, 0, (double)MRQ_SEED_MAX, "N",
         "seed of that hash, of the initial parameters and of the order"},
        {"threads", 't', MRQ_OPT_INT, &a->threads, 1, MRQ_THREADS_MAX, "N", "worker threads; the result depends on their number"},
        {0},
    };
    const mrq_command command = {
        .name = "marquee rebuild",
        .synopsis = "--data DIR [--store DIR] [option...]",
        .about = "Runs the nightly job: loads the data, trains, exports, checks three gates, answers the hottest queries into\n"
                 "Redis, publishes, and removes old generations. The old generation keeps serving while the job runs, and if\n"
                 "it fails or is killed; the next run removes what a killed one left. Only one rebuild runs at a time: a\n"
                 "second one prints which process has locked the store, and fails.\n"
                 "The gates: the index reaches --min-recall; the model is not worse than the serving one, with 95 % confidence,\n"
                 "on the same test ratings; at most --max-shrink of the serving items are missing. If a gate fails, nothing is\n"
                 "published and the exit code is 1; --force publishes anyway.\n"
                 "A report of the steps, the gates and the learning curve is written to STORE/report.html, and for programs to\n"
                 "STORE/report.json.",
        .options = options,
        .examples = "  marquee rebuild --data ml-1m --store store\n"
                    "  marquee rebuild --data ml-1m --store store --model fusion --warm-start --epochs 4 --redis 127.0.0.1:6379\n",
    };
    int first = 0;
    MRQ_TRY(mrq_options_read(&command, argc, argv, &first, done, err));
    if (*done)
        return MRQ_OK;
    if (!o->data)
        return mrq_fail(err, MRQ_USAGE, "--data DIR is missing");
    MRQ_TRY(read_skip(a->skip_bad, o->bad, &o->skip_bad, err));
    o->store = mrq_default_store(o->store);
    o->seed = (uint64_t)a->seed;
    o->threads = (uint32_t)a->threads;
    o->keep = (uint32_t)a->keep;
    o->warm = (uint32_t)a->warm;
    return MRQ_OK;
}

static void on_step(void *context, mrq_step step)
{
    if (step == MRQ_STEP_TRAIN)
        mrq_signals_catch();
    if (step == MRQ_STEP_EXPORT || step == MRQ_STEP_WARM)
        mrq_screen_end(context);
    if (step == MRQ_STEP_EXPORT)
        mrq_signals_release();
}

static void on_upload(void *context, uint32_t done, uint32_t of)
{
    show_upload(&((mrq_screen *)context)->progress, done, of);
}

static void print_summary(const mrq_rebuild_options *o, const mrq_rebuild_report *r)
{
    printf("published generation %s in %s: model %s", r->made.generation, o->store, r->description.name);
    const mrq_quality now = mrq_quality_of(&r->made.results);
    if (!isnan(now.value))
        printf(", test %s %.4f", now.name, now.value);
    if (r->comparison.users >= MRQ_COMPARED_MIN)
        printf(" (a gain of %+.4f for %u users)", r->comparison.gain, r->comparison.users);
    printf(", %u %s, index %s, recall %.4f", r->made.items, r->made.items == 1 ? r->noun.one : r->noun.many,
           r->choice.best.settings.factory, r->choice.best.recall);
    if (o->backend)
        printf(", on %s, recall %.4f", mrq_backend_label(o->backend), r->uploaded.measured.recall);
    printf(", %u answers warmed, %u generation%s removed, %.1f s\n", r->warmed, r->pruned, r->pruned == 1 ? "" : "s", r->seconds);
}

mrq_status cmd_rebuild(int argc, char **argv, mrq_error *err)
{
    struct arguments a = {.options = {.model = MRQ_MODEL_DEFAULT,
                                      .index = "auto",
                                      .recall = MRQ_RECALL_DEFAULT,
                                      .min_recall = -1,
                                      .max_shrink = MRQ_MAX_SHRINK_DEFAULT,
                                      .test = 0.1},
                          .seed = 1,
                          .threads = mrq_threads_default(),
                          .keep = MRQ_STORE_KEEP_DEFAULT,
                          .warm = MRQ_WARM_DEFAULT};
    bool done = false;
    MRQ_TRY(read_arguments(argc, argv, &a, &done, err));
    if (done)
        return MRQ_OK;
    a.options.min_recall = a.options.min_recall < 0 ? (double)NAN : a.options.min_recall;
    MRQ_CLEANUP(mrq_cache_free) mrq_cache *cache = NULL;
    MRQ_TRY(mrq_default_cache(a.redis, &cache, err));
    a.options.cache = cache;
    MRQ_CLEANUP(mrq_backend_close) mrq_backend *backend = NULL;
    MRQ_TRY(open_backend(a.backend, &backend, err));
    a.options.backend = backend;

    mrq_screen screen = {.epoch = 0};
    const mrq_rebuild_watch watch = {mrq_screen_watch(&screen), on_step, on_upload};
    mrq_rebuild_report report;
    mrq_error problem = {0};
    mrq_signals_catch_for(a.options.data);
    const mrq_status status = mrq_rebuild(&a.options, &watch, &report, &problem);
    mrq_screen_end(&screen);
    if (status == MRQ_OK)
        print_summary(&a.options, &report);
    else
        mrq_signals_end("rebuild", &problem);
    mrq_rebuild_report_clear(&report);
    return status == MRQ_OK ? MRQ_OK : mrq_fail(err, status, "%s", problem.msg);
}
