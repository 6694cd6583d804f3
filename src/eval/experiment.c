/* For each seed the data is divided once; every candidate learns from that training part and is measured on that test part. A
 * training never gets the test ratings, not even to report their error. */
#include "eval/experiment.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"
#include "eval/asked.h"
#include "model/baseline.h"

/* The run of one candidate on one seed's parts. */
struct run {
    const mrq_experiment *experiment;
    const mrq_parts *parts;
    const mrq_candidate *candidate;
    uint64_t seed;
    mrq_report *report;
    double train_seconds, rank_seconds;
    char *left_out; /* (MRQ_BASELINE_WHY) */
};

static bool stopped(const mrq_experiment *experiment)
{
    return experiment->watch && experiment->watch->stop && *experiment->watch->stop;
}

static mrq_status fail_stopped(const struct run *run, mrq_error *err)
{
    return mrq_fail(err, MRQ_FAILED, "stopped in protocol %s, seed %llu, at %s; there is no result",
                    mrq_protocol_names[run->experiment->protocol], (unsigned long long)run->seed, run->candidate->name);
}

/* The split for a training. The description's validation share, by selection sampling, is taken from the training part and chooses
 * the best epoch. The protocol's own validation part consists of likes alone and would mislead a model that predicts stars.
 * `memory` (n_train) holds both lists. */
static mrq_split training_split(const mrq_parts *parts, double share, uint64_t seed, uint32_t *memory)
{
    const mrq_split *split = &parts->split;
    uint64_t wanted = (uint64_t)(share * (double)split->n_train), left = 0;
    mrq_split out = {
        .n_train = split->n_train - wanted, .n_valid = wanted, .train = memory, .valid = memory + split->n_train - wanted};
    mrq_random rng;
    mrq_random_init(&rng, seed, 0x7a11d);
    for (uint64_t i = 0; i < split->n_train; i++) {
        if (wanted && mrq_random_below(&rng, split->n_train - i) < wanted)
            out.valid[out.n_valid - wanted--] = split->train[i];
        else
            out.train[left++] = split->train[i];
    }
    return out;
}

static mrq_status train(struct run *run, mrq_model **out, mrq_error *err)
{
    const mrq_experiment *experiment = run->experiment;
    const mrq_description *description = run->candidate->description;
    MRQ_AUTOFREE uint32_t *memory = mrq_array(run->parts->split.n_train, sizeof *memory);
    if (!memory)
        return mrq_fail_memory(err, "dividing ratings");
    const mrq_split split = training_split(run->parts, description->train.validation, run->seed, memory);
    const mrq_train_options options = {
        .seed = run->seed, .threads = experiment->threads, .parts = &split, .by_time = mrq_protocol_by_time(experiment->protocol)};
    mrq_train_result result = {0};
    mrq_error problem = {0};
    const mrq_status status = mrq_train(experiment->data, description, &options, experiment->watch, &result, &problem);
    if (stopped(experiment)) {
        mrq_model_free(status == MRQ_OK ? result.model : NULL);
        return fail_stopped(run, err);
    }
    if (status != MRQ_OK)
        return mrq_fail(err, status, "%s: %s", run->candidate->name, problem.msg);
    if (result.end == MRQ_TRAIN_LOST)
        mrq_log(MRQ_LOG_WARN, "eval", "%s: the loss exploded in epoch %lld; the best epoch before it is evaluated",
                run->candidate->name, (long long)result.epoch);
    *out = result.model;
    return MRQ_OK;
}

/* What looks at the scores of each user. */
struct measuring {
    const mrq_parts *parts;
    const mrq_cuts *cuts;
    uint32_t items;
    double *measured; /* (n_users, columns) */
};

static void leave_out(mrq_items items, float *score)
{
    for (uint32_t i = 0; i < items.n; i++)
        score[items.item[i]] = -INFINITY;
}

static mrq_status measure(void *context, uint32_t i, float *score, mrq_error *err)
{
    const struct measuring *m = context;
    const uint64_t *of = m->parts->hidden.offset + m->parts->user[i];
    const mrq_items wanted = mrq_parts_wanted(m->parts, i);
    MRQ_AUTOFREE mrq_place *place = mrq_array(wanted.n, sizeof *place);
    if (!place)
        return mrq_fail_memory(err, "measuring");
    leave_out((mrq_items){m->parts->hidden.item + of[0], (uint32_t)(of[1] - of[0])}, score);
    leave_out(mrq_parts_known(m->parts, i), score);
    mrq_places places;
    MRQ_TRY(mrq_places_find(score, m->items, wanted.item, wanted.n, place, &places, err));
    mrq_cuts_measure(m->cuts, &places, m->measured + (size_t)i * mrq_cuts_columns(m->cuts));
    return MRQ_OK;
}

/* Scores come from a scorer of eval/asked.h. */
static mrq_status rank(struct run *run, mrq_scorer *scorer, const void *context, mrq_error *err)
{
    const mrq_parts *parts = run->parts;
    const mrq_cuts *cuts = &run->report->cuts;
    if (!parts->n_users)
        return MRQ_OK;
    MRQ_AUTOFREE uint32_t *top = mrq_array((size_t)parts->n_users * MRQ_TOP, sizeof *top),
                          *number = mrq_array(parts->n_users, sizeof *number);
    MRQ_AUTOFREE double *measured = mrq_array(parts->n_users, mrq_cuts_columns(cuts) * sizeof *measured);
    if (!top || !number || !measured)
        return mrq_fail_memory(err, "ranking items");
    for (uint32_t i = 0; i < parts->n_users; i++)
        number[i] = i;
    struct measuring measuring = {parts, cuts, run->experiment->data->items->rows, measured};
    const mrq_rank_task task = {.items = run->experiment->data->items->rows,
                                .user = number,
                                .n_users = parts->n_users,
                                .candidate = parts->candidate,
                                .k = MRQ_TOP,
                                .threads = run->experiment->threads,
                                .look = measure,
                                .look_context = &measuring};
    const double start = mrq_clock();
    mrq_error problem = {0};
    const mrq_status status = mrq_rank(&task, scorer, context, top, &problem);
    if (status != MRQ_OK)
        return mrq_fail(err, status, "%s: %s", run->candidate->name, problem.msg);
    run->rank_seconds += mrq_clock() - start;
    return mrq_report_rankings(run->report, parts, measured, top, err);
}

static void predict_stars(struct run *run, const mrq_model *model, const mrq_vectors *vectors)
{
    const mrq_dataset *data = run->experiment->data;
    for (uint64_t i = 0; i < run->parts->split.n_test; i++) {
        const uint32_t r = run->parts->split.test[i];
        mrq_report_stars(run->report, data->user[r], mrq_score(model, vectors, data->user[r], data->item[r]),
                         (double)data->rating[r]);
    }
}

static mrq_status judge_model(struct run *run, const mrq_model *model, mrq_error *err)
{
    mrq_asked asked;
    const double start = mrq_clock();
    MRQ_TRY(mrq_asked_make(model, run->parts, &asked, err));
    run->rank_seconds = mrq_clock() - start;
    const bool stars = run->experiment->protocol == MRQ_PROTOCOL_RATING || run->experiment->protocol == MRQ_PROTOCOL_OWN;
    if (stars && !mrq_objective_of(mrq_model_description(model))->ranks)
        predict_stars(run, model, &asked.vectors);
    const mrq_status status = rank(run, mrq_asked_score, &asked, err);
    mrq_asked_clear(&asked);
    return status;
}

/* Judges the baseline that predicts stars: mean + user's bias + item's bias. */
static mrq_status judge_bias(struct run *run, mrq_error *err)
{
    const mrq_dataset *data = run->experiment->data;
    const mrq_split *split = &run->parts->split;
    const mrq_model_source source = mrq_train_source(data, split->train, split->n_train);
    MRQ_CLEANUP(mrq_arena_free) mrq_arena *arena = mrq_arena_new();
    if (!arena)
        return mrq_fail_memory(err, "making a baseline");
    mrq_baseline baseline;
    const double start = mrq_clock();
    MRQ_TRY(mrq_baseline_make(&source, arena, &baseline, err));
    run->train_seconds = mrq_clock() - start;
    for (uint64_t i = 0; i < split->n_test; i++) {
        const uint32_t r = split->test[i];
        const double stars = baseline.mean + (double)baseline.user[data->user[r]] + (double)baseline.item[data->item[r]];
        mrq_report_stars(run->report, data->user[r], fmin(fmax(stars, baseline.min), baseline.max), (double)data->rating[r]);
    }
    run->rank_seconds = (double)NAN;
    return MRQ_OK;
}

static mrq_status judge_ranker(struct run *run, mrq_error *err)
{
    mrq_ranker ranker;
    char why[MRQ_BASELINE_WHY];
    if (mrq_baseline_too_large(run->candidate->baseline, run->experiment->data, run->parts, why)) {
        memcpy(run->left_out, why, sizeof why);
        run->train_seconds = run->rank_seconds = (double)NAN;
        return MRQ_OK;
    }
    const double start = mrq_clock();
    MRQ_TRY(mrq_ranker_make(run->candidate->baseline, run->experiment->data, run->parts, run->seed, run->experiment->threads,
                            &ranker, err));
    run->train_seconds = mrq_clock() - start;
    const mrq_status status = rank(run, mrq_asked_ranker_score, &ranker, err);
    mrq_ranker_clear(&ranker);
    return status;
}

static mrq_status judge(struct run *run, mrq_error *err)
{
    const mrq_candidate *c = run->candidate;
    if (c->model) {
        run->train_seconds = (double)NAN;
        return judge_model(run, c->model, err);
    }
    if (!c->description)
        return c->baseline == MRQ_BASELINE_BIAS ? judge_bias(run, err) : judge_ranker(run, err);
    MRQ_CLEANUP(mrq_model_free) mrq_model *model = NULL;
    const double start = mrq_clock();
    MRQ_TRY(train(run, &model, err));
    run->train_seconds = mrq_clock() - start;
    return judge_model(run, model, err);
}

static void log_run(const struct run *run)
{
    char ndcg[32] = "";
    if (run->report->seeds)
        snprintf(ndcg, sizeof ndcg, " ndcg@%u=%.4f", run->report->cuts.k[mrq_cuts_main(&run->report->cuts)],
                 run->report->ndcg[run->report->seeds - 1]);
    mrq_log(MRQ_LOG_INFO, "eval", "protocol=%s seed=%llu candidate=%s%s train_seconds=%.2f rank_seconds=%.2f",
            mrq_protocol_names[run->experiment->protocol], (unsigned long long)run->seed, run->candidate->name, ndcg,
            isnan(run->train_seconds) ? 0 : run->train_seconds, isnan(run->rank_seconds) ? 0 : run->rank_seconds);
}

/* Runs all candidates on one seed's parts. */
static mrq_status run_seed(const mrq_experiment *experiment, uint64_t seed, mrq_report *report, mrq_experiment_result *out,
                           mrq_error *err)
{
    mrq_parts parts;
    MRQ_TRY(experiment->own ? mrq_parts_of_model(experiment->data, experiment->own, &parts, err)
                            : mrq_parts_make(experiment->data, experiment->protocol, experiment->on_valid, seed, &parts, err));
    mrq_status status = MRQ_OK;
    for (uint32_t i = 0; i < experiment->n && status == MRQ_OK; i++) {
        struct run run = {.experiment = experiment,
                          .parts = &parts,
                          .candidate = &experiment->candidate[i],
                          .seed = seed,
                          .report = &report[i],
                          .left_out = out[i].left_out};
        if (*run.left_out) /* for another seed */
            continue;
        status = stopped(experiment) ? fail_stopped(&run, err) : judge(&run, err);
        out[i].train_seconds += run.train_seconds / experiment->seeds;
        out[i].rank_seconds += run.rank_seconds / experiment->seeds;
        out[i].all += parts.n_all;
        if (status == MRQ_OK)
            log_run(&run);
    }
    mrq_parts_clear(&parts);
    return status;
}

static mrq_status compare(const mrq_experiment *experiment, const mrq_report *report, const mrq_experiment_result *result,
                          mrq_error *err)
{
    for (int i = 0; i < 2; i++) {
        const uint32_t c = experiment->compared[i];
        if (!result[c].summary.seeds)
            return mrq_fail(err, MRQ_USAGE, "protocol %s: %s cannot be compared: %s", mrq_protocol_names[experiment->protocol],
                            experiment->candidate[c].name, *result[c].left_out ? result[c].left_out : "it does not rank");
    }
    return mrq_report_contrast(&report[experiment->compared[0]], &report[experiment->compared[1]], experiment->seed,
                               experiment->contrast, err);
}

mrq_status mrq_experiment_run(const mrq_experiment *experiment, mrq_arena *arena, mrq_experiment_result *out, mrq_error *err)
{
    const mrq_cuts cuts = experiment->cuts.n ? experiment->cuts : MRQ_CUTS_USUAL;
    mrq_report *report = mrq_arena_array(arena, experiment->n, sizeof *report);
    mrq_experiment_result *result = mrq_arena_array(arena, experiment->n, sizeof *result);
    if (!report || !result)
        return mrq_fail_memory(err, "measuring");
    for (uint32_t i = 0; i < experiment->n; i++)
        MRQ_TRY(mrq_report_make(experiment->data, &cuts, experiment->seeds, arena, &report[i], err));
    for (uint32_t s = 0; s < experiment->seeds; s++)
        MRQ_TRY(run_seed(experiment, experiment->seed + s, report, result, err));
    for (uint32_t i = 0; i < experiment->n; i++)
        MRQ_TRY(mrq_report_sum_up(&report[i], experiment->seed, &result[i].summary, err));
    if (experiment->contrast)
        MRQ_TRY(compare(experiment, report, result, err));
    memcpy(out, result, experiment->n * sizeof *out);
    return MRQ_OK;
}
