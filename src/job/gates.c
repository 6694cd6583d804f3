/* The gates: conditions that a new generation must meet before it may serve. They compare it with the serving generation, so that a
 * night with bad data does not replace good answers by bad ones. If there is nothing to compare with, or it was made in another
 * way, the gate passes and its text gives the reason: a store whose current generation is damaged must be able to get a new one.
 *
 * Quality is compared on the same users and events, of which neither model has learned anything: train/compare.h says which, and
 * why tonight's nonsense does not count. The gate refuses what is worse beyond chance, however little it is; a tolerance of our own
 * would refuse small sites for nothing, and let large ones lose it every night. Rejected: the value that was measured when the
 * serving generation was made. It is of other users and events, so its difference is mostly noise. */
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

/* The limit is the quality at which the gain would certainly be a loss. */
static void judge_quality(const mrq_rebuild_report *r, mrq_gate *gate)
{
    const mrq_comparison *c = &r->comparison;
    const mrq_quality quality = mrq_quality_of(&r->made.results);
    if (*r->comparison_note) {
        snprintf(gate->text, sizeof gate->text, "not comparable with the serving generation: %.180s", r->comparison_note);
    } else if (c->users < MRQ_COMPARED_MIN) {
        snprintf(gate->text, sizeof gate->text,
                 "%u user%s test events that the serving model can be measured on, too: too few to tell, want %d", c->users,
                 c->users == 1 ? " has" : "s have", MRQ_COMPARED_MIN);
    } else {
        gate->value = c->newer;
        gate->limit = quality.more_is_better ? c->newer - c->high : c->newer + c->high;
        gate->verdict = c->high < 0 ? MRQ_FAILS : MRQ_PASSES;
        snprintf(gate->text, sizeof gate->text,
                 "test %s of the same %u users is %.4f, the serving model's %.4f: the gain of %+.4f is between %+.4f and %+.4f%s",
                 quality.name, c->users, c->newer, c->older, c->gain, c->low, c->high, c->high < 0 ? ", so it is worse" : "");
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

void mrq_gates_judge(const mrq_rebuild_options *options, mrq_rebuild_report *r)
{
    static const char *const names[MRQ_GATES] = {"recall", "quality", "items"};
    for (int i = 0; i < MRQ_GATES; i++) {
        r->gate[i] = (mrq_gate){.name = names[i], .verdict = MRQ_SKIPS, .value = NAN, .limit = NAN};
        snprintf(r->gate[i].text, sizeof r->gate[i].text, "nothing to compare with");
    }
    judge_recall(options, r->choice.best.recall, &r->gate[MRQ_GATE_RECALL]);
    r->gate[MRQ_GATE_QUALITY].value = mrq_quality_of(&r->made.results).value;
    if (r->has_serving) {
        judge_quality(r, &r->gate[MRQ_GATE_QUALITY]);
        judge_items(options, &r->made, &r->serving, &r->gate[MRQ_GATE_ITEMS]);
    }
}
