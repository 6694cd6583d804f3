/* The gates: conditions that a new generation must meet before it may serve. They compare it with the serving generation, so that a
 * night with bad data does not replace good answers by bad ones. If there is nothing to compare with, or it was measured in another
 * way, the gate passes and its text gives the reason: a store whose current generation is damaged must be able to get a new one.
 *
 * Quality is compared with the value that was measured when the serving generation was made. Rejected: measuring the old model on
 * tonight's ratings, because with corrupt ratings both models would measure badly and the gate would pass. */
#include "job/job.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

const char *const mrq_verdict_names[] = {"passed", "failed", "skipped"};

bool mrq_protocols_differ(const mrq_model_results *made, const mrq_model_results *serving, char *out, size_t size)
{
    if (strcmp(made->schema, serving->schema) != 0)
        snprintf(out, size, "its data has schema %s, this one's %s", serving->schema, made->schema);
    else if (strcmp(made->split, serving->split) != 0)
        snprintf(out, size, "its test part was split by %s, this one's by %s", serving->split, made->split);
    else if (made->seed != serving->seed)
        snprintf(out, size, "its seed is %llu, this one's %llu", (unsigned long long)serving->seed, (unsigned long long)made->seed);
    else if (fabs(made->test_share - serving->test_share) > 1e-9)
        snprintf(out, size, "its test share is %g, this one's %g", serving->test_share, made->test_share);
    else
        return false;
    return true;
}

static void judge_recall(const mrq_rebuild_options *options, double recall, mrq_gate *gate)
{
    gate->value = recall;
    gate->limit = isnan(options->min_recall) ? fmax(0, options->recall - MRQ_RECALL_SLACK) : options->min_recall;
    gate->verdict = recall >= gate->limit ? MRQ_PASSES : MRQ_FAILS;
    snprintf(gate->text, sizeof gate->text, "recall@%d of the index is %.4f, want at least %.4f", MRQ_RECALL_K, recall,
             gate->limit);
}

static void judge_quality(const mrq_rebuild_options *options, const mrq_facts *made, const mrq_facts *serving, mrq_gate *gate)
{
    char difference[120];
    const mrq_quality now = mrq_quality_of(&made->results), old = mrq_quality_of(&serving->results);
    gate->value = now.value;
    if (mrq_protocols_differ(&made->results, &serving->results, difference, sizeof difference)) {
        snprintf(gate->text, sizeof gate->text, "not comparable with the serving generation: %s", difference);
    } else if (old.more_is_better != now.more_is_better && !isnan(old.value)) {
        snprintf(gate->text, sizeof gate->text, "not comparable with the serving generation: its quality is %s, this one's %s",
                 old.name, now.name);
    } else if (isnan(old.value)) {
        snprintf(gate->text, sizeof gate->text, "the serving generation's quality is not known");
    } else {
        const double sign = now.more_is_better ? -1 : 1;
        gate->limit = old.value + sign * options->max_loss;
        gate->verdict = sign * gate->value <= sign * gate->limit ? MRQ_PASSES : MRQ_FAILS; /* an unknown quality fails */
        snprintf(gate->text, sizeof gate->text, "test %s is %.4f, want at %s %.4f, the serving generation's %.4f %s %g", now.name,
                 gate->value, now.more_is_better ? "least" : "most", gate->limit, old.value, now.more_is_better ? "minus" : "plus",
                 options->max_loss);
    }
}

static void judge_items(const mrq_rebuild_options *options, const mrq_facts *made, const mrq_facts *serving, mrq_gate *gate)
{
    gate->value = made->kept;
    gate->limit = ceil((1 - options->max_shrink) * serving->items - 1e-6);
    gate->verdict = gate->value >= gate->limit ? MRQ_PASSES : MRQ_FAILS;
    snprintf(gate->text, sizeof gate->text, "%u of the %u serving %s are left, want at least %.0f, all but %g %%", made->kept,
             serving->items, made->noun.many, gate->limit, 100 * options->max_shrink);
}

void mrq_gates_judge(const mrq_rebuild_options *options, const mrq_facts *made, double recall, const mrq_facts *serving,
                     const char *reason, mrq_gate gate[MRQ_GATES])
{
    static const char *const names[MRQ_GATES] = {"recall", "quality", "items"};
    for (int i = 0; i < MRQ_GATES; i++) {
        gate[i] = (mrq_gate){.name = names[i], .verdict = MRQ_SKIPS, .value = NAN, .limit = NAN};
        snprintf(gate[i].text, sizeof gate[i].text, "nothing to compare with: %.160s", reason);
    }
    judge_recall(options, recall, &gate[MRQ_GATE_RECALL]);
    if (serving) {
        judge_quality(options, made, serving, &gate[MRQ_GATE_QUALITY]);
        judge_items(options, made, serving, &gate[MRQ_GATE_ITEMS]);
    } else {
        gate[MRQ_GATE_QUALITY].value = mrq_quality_of(&made->results).value;
    }
}
