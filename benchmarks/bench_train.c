/* How fast models train: passes over a data set, one line a case. FLOPs are those of matrix and inner products that are really
 * done, after the distinct values of a batch have been found; the peak is sgemm's, measured after each case on as many
 * threads. The sums of a "ratings" branch are not counted. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "base/log.h"
#include "base/option.h"
#include "bench.h"
#include "model/gemm.h"
#include "train/train.h"

enum { PASSES_MAX = 100 };

struct arguments {
    const char *data, *preset;
    int64_t batch, threads, passes;
    bool json, smoke;
};

struct passes {
    uint32_t n;
    double rate[PASSES_MAX], seconds[PASSES_MAX], flops, rmse;
};

static void note_pass(void *context, const mrq_train_epoch *all, uint32_t n)
{
    struct passes *p = context;
    p->n = n;
    p->rate[n - 1] = all[n - 1].samples_per_second;
    p->seconds[n - 1] = all[n - 1].seconds;
    p->flops = all[n - 1].flops;
    p->rmse = all[n - 1].test_rmse;
}

static void print_case(const struct arguments *a, const char *preset, int64_t batch, int64_t threads, struct passes *p, double peak)
{
    const double rate = mrq_bench_median(p->rate, p->n), seconds = mrq_bench_median(p->seconds, p->n);
    const double per_sample = p->flops / (rate * seconds), fraction = per_sample * rate / 1e9 / peak;
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    if (!a->json) {
        printf("%-12s %6lld %8lld %12.0f %12.0f %12.0f %10.3f %10.0f %8.1f %9.2f %8.4f %7ld\n", preset, (long long)batch,
               (long long)threads, rate, p->rate[0], p->rate[p->n - 1], seconds, per_sample, peak, fraction, p->rmse,
               usage.ru_maxrss / 1024);
        fflush(stdout);
        return;
    }
    cJSON *line = cJSON_CreateObject();
    cJSON_AddStringToObject(line, "preset", preset);
    cJSON_AddNumberToObject(line, "batch", (double)batch);
    cJSON_AddNumberToObject(line, "threads", (double)threads);
    cJSON_AddNumberToObject(line, "passes", p->n);
    cJSON_AddNumberToObject(line, "samples_per_second", round(rate));
    cJSON_AddNumberToObject(line, "slowest", round(p->rate[0]));
    cJSON_AddNumberToObject(line, "fastest", round(p->rate[p->n - 1]));
    cJSON_AddNumberToObject(line, "seconds_per_pass", seconds);
    cJSON_AddNumberToObject(line, "flop_per_sample", round(per_sample));
    cJSON_AddNumberToObject(line, "sgemm_gflops", peak);
    cJSON_AddNumberToObject(line, "sgemm_fraction", fraction);
    cJSON_AddNumberToObject(line, "rmse", p->rmse);
    cJSON_AddNumberToObject(line, "peak_mb", (double)(usage.ru_maxrss / 1024));
    mrq_bench_print(line);
}

static mrq_status run_case(const struct arguments *a, const mrq_dataset *data, const char *preset, int64_t batch, mrq_error *err)
{
    mrq_description description;
    MRQ_TRY(mrq_description_load(preset, &description, err));
    description.train.batch = batch ? batch : description.train.batch;
    description.train.epochs = a->passes;
    const mrq_train_options options = {.test = 0.1, .seed = 1, .threads = (uint32_t)a->threads};
    struct passes passes = {0};
    const mrq_train_watch watch = {.context = &passes, .epoch = note_pass};
    mrq_train_result result = {0};
    MRQ_TRY(mrq_train(data, &description, &options, &watch, &result, err));
    const int64_t threads = mrq_model_results_of(result.model)->threads; /* a factorisation may have taken less */
    print_case(a, preset, mrq_model_description(result.model)->train.batch, threads, &passes, mrq_bench_sgemm((unsigned)threads));
    mrq_model_free(result.model);
    return MRQ_OK;
}

static mrq_status run(int argc, char **argv, mrq_error *err)
{
    struct arguments a = {.threads = 2, .passes = 3};
    const mrq_option options[] = {
        {"data", 'd', MRQ_OPT_TEXT, &a.data, 0, 0, "DIR", "the data set [$MARQUEE_DATA/ml-1m]"},
        {"preset", 'p', MRQ_OPT_TEXT, &a.preset, 0, 0, "NAME",
         "one preset, or FILE.json [each at its own batch, fusion at 2048 too]"},
        {"batch", 'b', MRQ_OPT_INT, &a.batch, 1, MRQ_BATCH_MAX, "N", "ratings in one step [the preset's]"},
        {"threads", 't', MRQ_OPT_INT, &a.threads, 1, MRQ_THREADS_MAX, "N", "workers"},
        {"passes", 'n', MRQ_OPT_INT, &a.passes, 1, PASSES_MAX, "N", "passes over the ratings; the middle one counts"},
        {"json", 'j', MRQ_OPT_FLAG, &a.json, 0, 0, NULL, "a JSON document a line"},
        {"smoke", 0, MRQ_OPT_FLAG, &a.smoke, 0, 0, NULL, "one pass a case, to see that it runs"},
        {0},
    };
    const mrq_command command = {"bench_train",
                                 "[option...]",
                                 "Measures how fast models train.",
                                 options,
                                 0,
                                 0,
                                 "  bench_train --data ../shared/data/ml-1m --json\n"};
    int first;
    bool done = false;
    MRQ_TRY(mrq_options_read(&command, argc, argv, &first, &done, err));
    if (done)
        return MRQ_OK;
    char folder[4096];
    const char *root = getenv("MARQUEE_DATA");
    snprintf(folder, sizeof folder, "%s/ml-1m", root ? root : "../shared/data");
    a.passes = a.smoke ? 1 : a.passes;
    MRQ_CLEANUP(mrq_dataset_free) mrq_dataset *data = NULL;
    MRQ_TRY(mrq_dataset_load(a.data ? a.data : folder, NULL, &data, err));
    if (!a.json)
        printf("BLAS core %s\n%-12s %6s %8s %12s %12s %12s %10s %10s %8s %9s %8s %7s\n", mrq_blas_core(), "preset", "batch",
               "threads", "samples/s", "slowest", "fastest", "s a pass", "FLOP each", "GFLOP/s", "of sgemm", "RMSE", "MB");
    if (a.preset)
        return run_case(&a, data, a.preset, a.batch, err);
    static const struct {
        const char *preset;
        int64_t batch;
    } cases[] = {{"fusion", 256}, {"fusion", 2048}, {"paddle-demo", 0}, {"mf-dot", 0}, {"mf-bias", 0}, {"rating", 0}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        MRQ_TRY(run_case(&a, data, cases[i].preset, a.batch ? a.batch : cases[i].batch, err));
    return MRQ_OK;
}

int main(int argc, char **argv)
{
    return mrq_bench_main("bench_train", MRQ_LOG_WARN, run, argc, argv);
}
