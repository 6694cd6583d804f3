/* What the dimension of the vectors costs a ranking: each is trained under the topn protocol, measured like `marquee eval` does,
 * and its scores compared with those of as many dimensions as there can be, for users drawn at random. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/option.h"
#include "base/plot.h"
#include "base/random.h"
#include "bench.h"
#include "eval/experiment.h"
#include "train/evaluate.h"

enum { DIMENSIONS = 5, MOST = 1023, USERS = 500, AT_10 = 0 };           /* AT_10: the one cut */
static const uint32_t dimensions[DIMENSIONS] = {32, 64, 128, 200, 256}; /* of the exported vectors: one more than the tower's */

struct arguments {
    const char *data, *svg;
    int64_t seeds, threads;
    bool json;
};

struct row {
    mrq_experiment_result result;
    double error; /* |S - S_most| / |S_most| over users and items */
};

/* Scores of `n` users drawn at random, (n, items), as a model of so many dimensions gives them on the first seed's parts. */
static mrq_status find_scores(const mrq_experiment *experiment, const mrq_description *description, const mrq_parts *parts,
                              float *out, uint32_t n, mrq_error *err)
{
    MRQ_CLEANUP(mrq_arena_free) mrq_arena *arena = mrq_arena_new();
    MRQ_AUTOFREE uint32_t *user = mrq_array(n, sizeof *user);
    mrq_vectors vectors;
    mrq_train_result result = {0};
    if (!arena || !user)
        return mrq_fail_memory(err, "comparing scores");
    mrq_random random;
    mrq_random_init(&random, 1, 0);
    for (uint32_t i = 0; i < n; i++)
        user[i] = (uint32_t)mrq_random_below(&random, experiment->data->users->rows);
    const mrq_train_options options = {.seed = experiment->seed, .threads = experiment->threads, .parts = &parts->split};
    MRQ_TRY(mrq_train(experiment->data, description, &options, NULL, &result, err));
    MRQ_CLEANUP(mrq_model_free) mrq_model *model = result.model;
    MRQ_TRY(mrq_vectors_make(model, arena, &vectors, err));
    MRQ_TRY(mrq_vectors_update(model, &vectors, err));
    return mrq_score_items(&(mrq_model_scorer){model, &vectors}, user, n, out, err);
}

static double distance(const float *a, const float *b, size_t n)
{
    double difference = 0, whole = 0;
    for (size_t i = 0; i < n; i++) {
        difference += (double)(a[i] - b[i]) * (double)(a[i] - b[i]);
        whole += (double)b[i] * (double)b[i];
    }
    return sqrt(difference / whole);
}

static mrq_status measure_errors(const mrq_experiment *experiment, mrq_description *description, struct row *row, mrq_error *err)
{
    __attribute__((cleanup(mrq_parts_clear))) mrq_parts parts = {0};
    const size_t size = (size_t)USERS * experiment->data->items->rows;
    MRQ_AUTOFREE float *most = mrq_array(size, sizeof *most), *scores = mrq_array(size, sizeof *scores);
    if (!most || !scores)
        return mrq_fail_memory(err, "comparing scores");
    MRQ_TRY(mrq_parts_make(experiment->data, MRQ_PROTOCOL_TOPN, false, experiment->seed, &parts, err));
    description->dim = MOST;
    for (uint32_t b = 0; b < MRQ_BRANCHES_MAX; b++)
        description->user.branch[b].embedding = description->item.branch[b].embedding = MOST;
    MRQ_TRY(find_scores(experiment, description, &parts, most, USERS, err));
    for (int i = 0; i < DIMENSIONS; i++) {
        MRQ_TRY(find_scores(experiment, experiment->candidate[i].description, &parts, scores, USERS, err));
        row[i].error = distance(scores, most, size);
    }
    return MRQ_OK;
}

static mrq_status draw(const char *path, const struct row *row, const mrq_experiment_result *ease, mrq_error *err)
{
    double x[DIMENSIONS], recall[DIMENSIONS], ndcg[DIMENSIONS], ease_recall[DIMENSIONS], ease_ndcg[DIMENSIONS];
    char text[DIMENSIONS][16];
    const char *label[DIMENSIONS];
    for (int i = 0; i < DIMENSIONS; i++) {
        x[i] = row[i].error;
        recall[i] = row[i].result.summary.measure[AT_10][MRQ_RECALL].mean;
        ndcg[i] = row[i].result.summary.measure[AT_10][MRQ_NDCG].mean;
        ease_recall[i] = ease->summary.measure[AT_10][MRQ_RECALL].mean;
        ease_ndcg[i] = ease->summary.measure[AT_10][MRQ_NDCG].mean;
        snprintf(text[i], sizeof text[i], "%u", dimensions[i]);
        label[i] = text[i];
    }
    const mrq_plot_series series[] = {{.name = "NDCG@10", .x = x, .y = ndcg, .label = label, .n = DIMENSIONS},
                                      {.name = "Recall@10", .x = x, .y = recall, .label = label, .n = DIMENSIONS},
                                      {.name = "NDCG@10 of EASE", .x = x, .y = ease_ndcg, .n = DIMENSIONS, .dashed = true},
                                      {.name = "Recall@10 of EASE", .x = x, .y = ease_recall, .n = DIMENSIONS, .dashed = true}};
    const mrq_plot plot = {.title = "retrieval: dimensions and quality",
                           .about = "NDCG@10 and Recall@10 against how far scores are from those of 1,023 dimensions.",
                           .x_label = "relative error of the scores",
                           .y_label = "NDCG@10, Recall@10",
                           .series = series,
                           .n_series = 4};
    return mrq_plot_save(&plot, path, err);
}

static void print_rows(const struct row *row, const mrq_experiment_result *ease)
{
    printf("| dimensions | relative error of the scores | Recall@10 | NDCG@10 | training, s |\n|---|---|---|---|---|\n");
    for (int i = 0; i <= DIMENSIONS; i++) {
        const mrq_experiment_result *r = i < DIMENSIONS ? &row[i].result : ease;
        if (i < DIMENSIONS)
            printf("| %u | %.3f |", dimensions[i], row[i].error);
        else
            printf("| EASE, uncompressed | |");
        printf(" %.4f | %.4f | %.1f |\n", r->summary.measure[AT_10][MRQ_RECALL].mean, r->summary.measure[AT_10][MRQ_NDCG].mean,
               r->train_seconds);
    }
}

static void print_lines(const struct row *row)
{
    for (int i = 0; i < DIMENSIONS; i++) {
        cJSON *line = cJSON_CreateObject();
        cJSON_AddStringToObject(line, "bench", "dimensions");
        cJSON_AddNumberToObject(line, "dimensions", dimensions[i]);
        mrq_json_add_rounded(line, "error", row[i].error, 6);
        mrq_json_add_rounded(line, "recall", row[i].result.summary.measure[AT_10][MRQ_RECALL].mean, 6);
        mrq_json_add_rounded(line, "ndcg", row[i].result.summary.measure[AT_10][MRQ_NDCG].mean, 6);
        mrq_json_add_rounded(line, "train_seconds", row[i].result.train_seconds, 3);
        mrq_bench_print(line);
    }
}

static mrq_status bench(const struct arguments *a, mrq_error *err)
{
    MRQ_CLEANUP(mrq_dataset_free) mrq_dataset *data = NULL;
    MRQ_CLEANUP(mrq_arena_free) mrq_arena *arena = mrq_arena_new();
    mrq_description description[DIMENSIONS + 1];
    mrq_candidate candidate[DIMENSIONS + 1] = {{.name = NULL}};
    struct row row[DIMENSIONS];
    mrq_experiment_result result[DIMENSIONS + 1];
    if (!arena)
        return mrq_fail_memory(err, "starting");
    MRQ_TRY(mrq_dataset_load(a->data, NULL, &data, err));
    for (int i = 0; i <= DIMENSIONS; i++) {
        mrq_description *d = &description[i];
        MRQ_TRY(mrq_description_load("retrieval", d, err));
        if (i == DIMENSIONS)
            break;
        d->dim = dimensions[i] - 1;
        for (uint32_t b = 0; b < MRQ_BRANCHES_MAX; b++)
            d->user.branch[b].embedding = d->item.branch[b].embedding = d->dim;
        candidate[i] = (mrq_candidate){.name = "retrieval", .description = d};
    }
    candidate[DIMENSIONS] = (mrq_candidate){.name = "ease", .baseline = MRQ_BASELINE_EASE};
    const mrq_experiment experiment = {.data = data,
                                       .protocol = MRQ_PROTOCOL_TOPN,
                                       .cuts = {1, {10}},
                                       .seed = 1,
                                       .seeds = (uint32_t)a->seeds,
                                       .threads = (uint32_t)a->threads,
                                       .n = DIMENSIONS + 1,
                                       .candidate = candidate};
    MRQ_TRY(mrq_experiment_run(&experiment, arena, result, err));
    for (int i = 0; i < DIMENSIONS; i++)
        row[i].result = result[i];
    MRQ_TRY(measure_errors(&experiment, &description[DIMENSIONS], row, err));
    if (a->svg)
        MRQ_TRY(draw(a->svg, row, &result[DIMENSIONS], err));
    if (a->json)
        print_lines(row);
    else
        print_rows(row, &result[DIMENSIONS]);
    return MRQ_OK;
}

static mrq_status run(int argc, char **argv, mrq_error *err)
{
    struct arguments a = {.seeds = 3, .threads = 2};
    const mrq_option options[] = {
        {"data", 'd', MRQ_OPT_TEXT, &a.data, 0, 0, "DIR", "folder of ratings, users and items"},
        {"seeds", 0, MRQ_OPT_INT, &a.seeds, 1, 100, "N", "divisions of the data, seeds 1 to N"},
        {"threads", 't', MRQ_OPT_INT, &a.threads, 1, MRQ_THREADS_MAX, "N", "workers"},
        {"svg", 0, MRQ_OPT_TEXT, &a.svg, 0, 0, "FILE", "also draws quality against error"},
        {"json", 0, MRQ_OPT_FLAG, &a.json, 0, 0, NULL, "a document a line instead of the table"},
        {0},
    };
    const mrq_command command = {"bench_dimensions",
                                 "--data DIR [option...]",
                                 "Measures what the dimension of its vectors costs the model retrieval, under the topn protocol.",
                                 options,
                                 0,
                                 0,
                                 "  bench_dimensions --data ../shared/data/ml-1m --svg dimensions.svg\n"};
    int first;
    bool done = false;
    MRQ_TRY(mrq_options_read(&command, argc, argv, &first, &done, err));
    if (done)
        return MRQ_OK;
    return a.data ? bench(&a, err) : mrq_fail(err, MRQ_USAGE, "--data DIR is missing");
}

int main(int argc, char **argv)
{
    return mrq_bench_main("bench_dimensions", MRQ_LOG_ERROR, run, argc, argv);
}
