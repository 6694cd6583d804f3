/* Seed by seed the data are divided once, and every candidate learns from that training part and is measured on that test part.
 * Test ratings are never handed to a training: not even to be watched. */
#include "eval/experiment.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"
#include "model/baseline.h"

/* One candidate's turn with one seed's parts. */
struct turn {
    const mrq_experiment *experiment;
    const mrq_parts *parts;
    const mrq_candidate *candidate;
    uint64_t seed;
    mrq_report *report;
    double train_seconds, rank_seconds;
};

static bool stopped(const mrq_experiment *experiment)
{
    return experiment->watch && experiment->watch->stop && *experiment->watch->stop;
}

static mrq_status fail_stopped(const struct turn *turn, mrq_error *err)
{
    return mrq_fail(err, MRQ_FAILED, "stopped in protocol %s, seed %llu, at %s; nothing was measured to its end",
                    mrq_protocol_names[turn->experiment->protocol], (unsigned long long)turn->seed, turn->candidate->name);
}

/* What a training learns from: the training part, of which the description's share, by selection sampling, chooses the best epoch.
 * The protocol's validation part, of likes alone, would mislead who predicts stars. `room` (n_train) is memory for both. */
static mrq_split training_split(const mrq_parts *parts, double share, uint64_t seed, uint32_t *room)
{
    const mrq_split *split = &parts->split;
    uint64_t wanted = (uint64_t)(share * (double)split->n_train), left = 0;
    mrq_split out = {.n_train = split->n_train - wanted, .n_valid = wanted, .train = room, .valid = room + split->n_train - wanted};
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

static mrq_status train(struct turn *turn, mrq_model **out, mrq_error *err)
{
    const mrq_experiment *experiment = turn->experiment;
    const mrq_description *description = turn->candidate->description;
    MRQ_AUTOFREE uint32_t *room = mrq_array(turn->parts->split.n_train, sizeof *room);
    if (!room)
        return mrq_fail_memory(err, "dividing ratings");
    const mrq_split split = training_split(turn->parts, description->train.validation, turn->seed, room);
    const mrq_train_options options = {.seed = turn->seed, .threads = experiment->threads, .parts = &split};
    mrq_train_result result = {0};
    mrq_error problem = {0};
    const mrq_status status = mrq_train(experiment->data, description, &options, experiment->watch, &result, &problem);
    if (stopped(experiment)) {
        mrq_model_free(status == MRQ_OK ? result.model : NULL);
        return fail_stopped(turn, err);
    }
    if (status != MRQ_OK)
        return mrq_fail(err, status, "%s: %s", turn->candidate->name, problem.msg);
    if (result.end == MRQ_TRAIN_LOST)
        mrq_log(MRQ_LOG_WARN, "eval", "%s: the loss exploded in epoch %lld; the best epoch before is judged", turn->candidate->name,
                (long long)result.epoch);
    *out = result.model;
    return MRQ_OK;
}

static mrq_status rank(struct turn *turn, mrq_scorer *scorer, const void *context, mrq_error *err)
{
    const mrq_parts *parts = turn->parts;
    if (!parts->n_users)
        return MRQ_OK;
    MRQ_AUTOFREE uint32_t *top = mrq_array((size_t)parts->n_users * MRQ_CUT_MAX, sizeof *top);
    if (!top)
        return mrq_fail_memory(err, "ranking items");
    const mrq_rank_task task = {.items = turn->experiment->data->items->rows,
                                .user = parts->user,
                                .n_users = parts->n_users,
                                .hidden = parts->hidden,
                                .candidate = parts->candidate,
                                .k = MRQ_CUT_MAX,
                                .threads = turn->experiment->threads};
    const double start = mrq_clock();
    mrq_error problem = {0};
    const mrq_status status = mrq_rank(&task, scorer, context, top, &problem);
    if (status != MRQ_OK)
        return mrq_fail(err, status, "%s: %s", turn->candidate->name, problem.msg);
    turn->rank_seconds += mrq_clock() - start;
    return mrq_report_rankings(turn->report, parts, top, err);
}

static mrq_status judge_model(struct turn *turn, const mrq_model *model, mrq_error *err)
{
    const mrq_dataset *data = turn->experiment->data;
    MRQ_CLEANUP(mrq_arena_free) mrq_arena *arena = mrq_arena_new();
    if (!arena)
        return mrq_fail_memory(err, "measuring");
    mrq_vectors vectors;
    const double start = mrq_clock();
    MRQ_TRY(mrq_vectors_make(model, arena, &vectors, err));
    MRQ_TRY(mrq_vectors_update(model, &vectors, err));
    turn->rank_seconds = mrq_clock() - start;
    const bool stars = turn->experiment->protocol == MRQ_PROTOCOL_RATING || turn->experiment->protocol == MRQ_PROTOCOL_OWN;
    for (uint64_t i = 0; stars && !mrq_objective_of(mrq_model_description(model))->ranks && i < turn->parts->split.n_test; i++) {
        const uint32_t r = turn->parts->split.test[i];
        mrq_report_stars(turn->report, data->user[r], mrq_score(model, &vectors, data->user[r], data->item[r]),
                         (double)data->rating[r]);
    }
    return rank(turn, mrq_score_items, &(mrq_model_scorer){model, &vectors}, err);
}

/* mean + user's bias + item's bias. */
static mrq_status judge_bias(struct turn *turn, mrq_error *err)
{
    const mrq_dataset *data = turn->experiment->data;
    const mrq_split *split = &turn->parts->split;
    const mrq_model_source source = mrq_train_source(data, split->train, split->n_train);
    MRQ_CLEANUP(mrq_arena_free) mrq_arena *arena = mrq_arena_new();
    if (!arena)
        return mrq_fail_memory(err, "making a baseline");
    mrq_baseline baseline;
    const double start = mrq_clock();
    MRQ_TRY(mrq_baseline_make(&source, arena, &baseline, err));
    turn->train_seconds = mrq_clock() - start;
    for (uint64_t i = 0; i < split->n_test; i++) {
        const uint32_t r = split->test[i];
        const double stars = baseline.mean + (double)baseline.user[data->user[r]] + (double)baseline.item[data->item[r]];
        mrq_report_stars(turn->report, data->user[r], fmin(fmax(stars, baseline.min), baseline.max), (double)data->rating[r]);
    }
    turn->rank_seconds = (double)NAN;
    return MRQ_OK;
}

static mrq_status judge_ranker(struct turn *turn, mrq_error *err)
{
    mrq_ranker ranker;
    const double start = mrq_clock();
    MRQ_TRY(mrq_ranker_make(turn->candidate->baseline, turn->experiment->data, turn->parts, turn->seed, turn->experiment->threads,
                            &ranker, err));
    turn->train_seconds = mrq_clock() - start;
    const mrq_status status = rank(turn, mrq_ranker_score, &ranker, err);
    mrq_ranker_clear(&ranker);
    return status;
}

static mrq_status judge(struct turn *turn, mrq_error *err)
{
    const mrq_candidate *c = turn->candidate;
    if (c->model) {
        turn->train_seconds = (double)NAN;
        return judge_model(turn, c->model, err);
    }
    if (!c->description)
        return c->baseline == MRQ_BASELINE_BIAS ? judge_bias(turn, err) : judge_ranker(turn, err);
    MRQ_CLEANUP(mrq_model_free) mrq_model *model = NULL;
    const double start = mrq_clock();
    MRQ_TRY(train(turn, &model, err));
    turn->train_seconds = mrq_clock() - start;
    return judge_model(turn, model, err);
}

static void log_turn(const struct turn *turn)
{
    char ndcg[32] = "";
    if (turn->report->seeds)
        snprintf(ndcg, sizeof ndcg, " ndcg@10=%.4f", turn->report->ndcg[turn->report->seeds - 1]);
    mrq_log(MRQ_LOG_INFO, "eval", "protocol=%s seed=%llu of=%s%s train_seconds=%.2f rank_seconds=%.2f",
            mrq_protocol_names[turn->experiment->protocol], (unsigned long long)turn->seed, turn->candidate->name, ndcg,
            isnan(turn->train_seconds) ? 0 : turn->train_seconds, isnan(turn->rank_seconds) ? 0 : turn->rank_seconds);
}

/* All candidates with one seed's parts. */
static mrq_status run_seed(const mrq_experiment *experiment, uint64_t seed, mrq_report *report, mrq_experiment_result *out,
                           mrq_error *err)
{
    mrq_parts parts;
    MRQ_TRY(experiment->own ? mrq_parts_of_model(experiment->data, experiment->own, &parts, err)
                            : mrq_parts_make(experiment->data, experiment->protocol, experiment->on_valid, seed, &parts, err));
    mrq_status status = MRQ_OK;
    for (uint32_t i = 0; i < experiment->n && status == MRQ_OK; i++) {
        struct turn turn = {
            .experiment = experiment, .parts = &parts, .candidate = &experiment->candidate[i], .seed = seed, .report = &report[i]};
        status = stopped(experiment) ? fail_stopped(&turn, err) : judge(&turn, err);
        out[i].train_seconds += turn.train_seconds / experiment->seeds;
        out[i].rank_seconds += turn.rank_seconds / experiment->seeds;
        if (status == MRQ_OK)
            log_turn(&turn);
    }
    mrq_parts_clear(&parts);
    return status;
}

mrq_status mrq_experiment_run(const mrq_experiment *experiment, mrq_arena *arena, mrq_experiment_result *out, mrq_error *err)
{
    mrq_report *report = mrq_arena_array(arena, experiment->n, sizeof *report);
    mrq_experiment_result *result = mrq_arena_array(arena, experiment->n, sizeof *result);
    if (!report || !result)
        return mrq_fail_memory(err, "measuring");
    for (uint32_t i = 0; i < experiment->n; i++)
        MRQ_TRY(mrq_report_make(experiment->data, experiment->seeds, arena, &report[i], err));
    for (uint32_t s = 0; s < experiment->seeds; s++)
        MRQ_TRY(run_seed(experiment, experiment->seed + s, report, result, err));
    for (uint32_t i = 0; i < experiment->n; i++)
        MRQ_TRY(mrq_report_sum_up(&report[i], experiment->seed, &result[i].summary, err));
    memcpy(out, result, experiment->n * sizeof *out);
    return MRQ_OK;
}
