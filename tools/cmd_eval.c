/* marquee eval: measures recommendation quality by reproducible protocols, with baselines measured in the same run. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/parallel.h"
#include "base/parse.h"
#include "command.h"
#include "index_check.h"
#include "load_data.h"
#include "model/network.h"
#include "print_answer.h"
#include "print_eval.h"
#include "signals.h"
#include "skip_option.h"
#include "train_screen.h"

enum { MODELS_MAX = 12, REPORTS_MAX = MODELS_MAX, SEEDS_MAX = 1000 };

struct arguments {
    const char *data, *train, *test, *schema, *protocol, *model, *store, *baselines, *compare, *k, *part, *skip_bad, *bad;
    int64_t seed, seeds, threads;
    bool json;
};

/* What to run, made from the arguments, and its results. */
struct plan {
    mrq_arena *arena; /* texts and results */
    mrq_dataset *data;
    mrq_cuts cuts;
    const char *compared[2];           /* names, or NULL */
    bool protocol[MRQ_PROTOCOLS], all; /* all: what does not fit is left out with a note; otherwise it is an error */
    bool baseline[MRQ_BASELINES], usual;
    uint32_t n_models;
    const char *name[MODELS_MAX];
    mrq_description description[MODELS_MAX];
    mrq_model *model[MODELS_MAX]; /* trained models; NULL: to be trained. Either all are trained or none */
    mrq_generation *generation;   /* of the last model, from --store, or NULL */
    index_check index;
    uint32_t n_reports;
    eval_report report[REPORTS_MAX];
};

static mrq_status check_arguments(const struct arguments *a, mrq_error *err)
{
    if (!a->train != !a->test)
        return mrq_fail(err, MRQ_USAGE, "%s FILE is missing: a published split has two files", a->train ? "--test" : "--train");
    if (!a->data && !a->train)
        return mrq_fail(err, MRQ_USAGE, "--data DIR is missing, or --train FILE and --test FILE");
    const char *other = a->protocol ? "--protocol" : a->part ? "--part" : a->store ? "--store" : NULL;
    if (a->train && other)
        return mrq_fail(err, MRQ_USAGE, "%s: the files of --train and --test are the parts; leave that option out", other);
    return MRQ_OK;
}

static mrq_status read_arguments(int argc, char **argv, struct arguments *a, bool *json, bool *done, mrq_error *err)
{
    const mrq_option options[] = {
        {"data", 'd', MRQ_OPT_TEXT, &a->data, 0, 0, "DIR", MRQ_DATA_HELP},
        {"protocol", 'p', MRQ_OPT_TEXT, &a->protocol, 0, 0, "NAME,...",
         "rating, topn, time, cold-users, cold-items, last, next, or all that\nthe data and models allow [topn; for a trained "
         "model "
         "its own test part]"},
        {"train", 0, MRQ_OPT_TEXT, &a->train, 0, 0, "FILE",
         "a published split: the events to train on, in place of a protocol.\nLines \"user item item ...\", or what --schema says"},
        {"test", 0, MRQ_OPT_TEXT, &a->test, 0, 0, "FILE", "with --train: the events to be found"},
        {"model", 'm', MRQ_OPT_TEXT, &a->model, 0, 0, "NAME,...",
         "presets and FILE.json are trained here; FILE.mrq is already trained;\nnone: only baselines [retrieval]"},
        {"store", 's', MRQ_OPT_TEXT, &a->store, 0, 0, "DIR", "measure the model that this store serves, and its index"},
        {"baselines", 'b', MRQ_OPT_TEXT, &a->baselines, 0, 0, "NAME,...",
         "bias, random, popular, genre-popular, demographic-popular, itemknn,\nease, or none [the usual ones of the protocol]"},
        {"compare", 0, MRQ_OPT_TEXT, &a->compare, 0, 0, "A,B",
         "how much better A ranks than B, two models or baselines of this run,\nwith intervals by the same users"},
        {"k", 'k', MRQ_OPT_TEXT, &a->k, 0, 0, "N,...", "measure the first so many items, up to 8 numbers [5,10,20,50,100]"},
        {"seeds", 0, MRQ_OPT_INT, &a->seeds, 1, SEEDS_MAX, "N",
         "number of splits to average over, with the seeds S, S + 1, ...\nwhere S is --seed"},
        {"seed", 0, MRQ_OPT_INT, &a->seed, 0, (double)MRQ_SEED_MAX - SEEDS_MAX, "N",
         "seed of the first split; a trained model has its own"},
        {"part", 0, MRQ_OPT_TEXT, &a->part, 0, 0, "PART",
         "part to measure with topn and last: test, or valid for choosing\nsettings"},
        {"schema", 0, MRQ_OPT_TEXT, &a->schema, 0, 0, "NAME",
         "format of the data files: ml-1m, ml-100k, ml-latest or a FILE.json;\nrecognised from the folder if not given"},
        {"skip-bad", 0, MRQ_OPT_TEXT, &a->skip_bad, 0, 0, "SHARE",
         "leave out rows that do not fit, up to this share of each file's,\nsuch as 1% or 0.01 [none: the first one is an error]"},
        {"bad", 0, MRQ_OPT_TEXT, &a->bad, 0, 0, "FILE", "list the first 1000 rows that were left out, with the reasons"},
        {"threads", 't', MRQ_OPT_INT, &a->threads, 1, MRQ_THREADS_MAX, "N",
         "worker threads; a training's result depends on their number"},
        {"json", 0, MRQ_OPT_FLAG, json, 0, 0, NULL, "print one JSON document instead of the tables, also for an error"},
        {0},
    };
    const mrq_command command = {
        .name = "marquee eval",
        .synopsis = "(--data DIR | --train FILE --test FILE) [option...]",
        .about =
            "Measures models and baselines. A like is what the schema says, or else a rating of at least the middle of the range.\n"
            "Protocols:\n"
            "  rating      error of predicted stars on a random tenth of the ratings\n"
            "  topn        train on 80% of each user's likes, then find a tenth of them among all items\n"
            "  time        find the likes in the latest 20% of all ratings, after training on the others\n"
            "  cold-users  a tenth of the users is held out; only categories such as their age are known\n"
            "  cold-items  a tenth of the items is held out; only their columns, as genres and titles, are known\n"
            "  last        find the last like of each user; the one before it is not trained on, but known when asked\n"
            "  next        replay the latest 20% of all ratings: find each like in them by what the user liked before\n"
            "Without times the order of the file counts in last.\n"
            "A trained model is measured on the test part that it was trained without. Each protocol is printed with its\n"
            "definition. Measures are means over users, with 95% confidence intervals by bootstrap over users.",
        .options = options,
        .examples = "  marquee eval --data data/sample\n"
                    "  marquee eval --data ml-1m --protocol topn,cold-users --model retrieval,fusion --seeds 3\n"
                    "  marquee eval --data ml-1m --model none --baselines ease --part valid\n"
                    "  marquee eval --data ml-1m --model model.mrq\n"
                    "  marquee eval --train gowalla/train.txt --test gowalla/test.txt --compare retrieval,itemknn\n",
    };
    int first;
    MRQ_TRY(mrq_options_read(&command, argc, argv, &first, done, err));
    return *done ? MRQ_OK : check_arguments(a, err);
}

/* The next name of a comma-separated list, copied into the arena; NULL after the last. */
static const char *next_item(struct plan *plan, const char **list)
{
    if (!*list)
        return NULL;
    const size_t size = strcspn(*list, ",");
    char *item = mrq_arena_array(plan->arena, size + 1, 1);
    if (item)
        memcpy(item, *list, size);
    *list = (*list)[size] ? *list + size + 1 : NULL;
    return item;
}

/* Sets the flags of the names in a list. The list may be "all" if `all` is not NULL, else "none". */
static mrq_status read_names(struct plan *plan, const char *option, const char *list, const char *const *names, uint32_t n,
                             bool *flag, bool *all, mrq_error *err)
{
    if (strcmp(list, all ? "all" : "none") == 0) {
        for (uint32_t i = 0; i < n; i++)
            flag[i] = all != NULL;
        if (all)
            *all = true;
        return MRQ_OK;
    }
    for (const char *item; (item = next_item(plan, &list));) {
        uint32_t i = 0;
        while (i < n && strcmp(names[i], item) != 0)
            i++;
        if (i == n) {
            char known[200];
            size_t size = 0;
            for (i = 0; i < n; i++)
                size += (size_t)snprintf(known + size, sizeof known - size, "%s, ", names[i]);
            return mrq_fail(err, MRQ_USAGE, "%s \"%.40s\": want %sor %s alone", option, item, known, all ? "all" : "none");
        }
        flag[i] = true;
    }
    return MRQ_OK;
}

static bool is_trained(const char *name)
{
    const size_t size = strlen(name);
    return size > 4 && strcmp(name + size - 4, ".mrq") == 0;
}

/* If the last model, which a store serves, is also one of the others, it is measured once, under both names. */
static mrq_status join_same(struct plan *plan, mrq_error *err)
{
    const uint32_t last = plan->n_models - 1;
    uint32_t i = 0;
    while (i < last &&
           !(plan->model[i] && mrq_container_checksum(plan->model[i]->file) == mrq_container_checksum(plan->model[last]->file)))
        i++;
    if (i == last)
        return MRQ_OK;
    const size_t size = strlen(plan->name[i]) + strlen(plan->name[last]) + 2;
    char *both = mrq_arena_array(plan->arena, size, 1);
    if (!both)
        return mrq_fail_memory(err, "starting");
    snprintf(both, size, "%s,%s", plan->name[i], plan->name[last]);
    plan->name[last] = both;
    mrq_model_free(plan->model[i]);
    for (; i < last; i++) {
        plan->model[i] = plan->model[i + 1];
        plan->name[i] = plan->name[i + 1];
        plan->description[i] = plan->description[i + 1];
    }
    plan->model[last] = NULL;
    plan->n_models--;
    return MRQ_OK;
}

/* The models of --model and --store. */
static mrq_status read_models(const struct arguments *a, struct plan *plan, mrq_error *err)
{
    const char *list = a->model ? a->model : a->store ? NULL : MRQ_MODEL_DEFAULT;
    if (list && strcmp(list, "none") == 0)
        list = NULL;
    for (const char *item; (item = next_item(plan, &list));) {
        if (plan->n_models == MODELS_MAX)
            return mrq_fail(err, MRQ_USAGE, "--model: more than %d models", MODELS_MAX);
        const uint32_t i = plan->n_models;
        if (is_trained(item))
            MRQ_TRY(mrq_model_load(item, &plan->model[i], err));
        else
            MRQ_TRY(mrq_description_load(item, &plan->description[i], err));
        plan->name[plan->n_models++] = item;
    }
    if (a->store && plan->n_models == MODELS_MAX)
        return mrq_fail(err, MRQ_USAGE, "--model: more than %d models", MODELS_MAX);
    if (a->store) {
        MRQ_TRY(mrq_generation_audit(a->store, &plan->generation, &plan->model[plan->n_models], err));
        plan->name[plan->n_models++] = a->store;
        return join_same(plan, err);
    }
    return MRQ_OK;
}

/* Trained models cannot be mixed with untrained ones or with a protocol: they were trained on the test part of any protocol. */
static mrq_status check_models(const struct arguments *a, const struct plan *plan, mrq_error *err)
{
    uint32_t trained = 0, first = 0;
    for (uint32_t i = plan->n_models; i-- > 0;)
        if (plan->model[i]) {
            first = i;
            trained++;
        }
    if (trained && a->train)
        return mrq_fail(err, MRQ_USAGE, "%s is trained, on what is not known here: want a preset or FILE.json with --train",
                        plan->name[first]);
    if (trained && (a->protocol || a->part || a->seeds > 1 || a->seed != 1))
        return mrq_fail(
            err, MRQ_USAGE,
            "%s is trained: its training data contain ratings that %s would test it on; leave that option out to measure it on its "
            "own test part",
            plan->name[first],
            a->protocol    ? "--protocol"
            : a->part      ? "--part"
            : a->seeds > 1 ? "--seeds"
                           : "--seed");
    if (trained && trained < plan->n_models)
        return mrq_fail(err, MRQ_USAGE, "%s is trained and another model is not: measure them in two runs", plan->name[first]);
    return MRQ_OK;
}

static mrq_status read_cuts(const struct arguments *a, struct plan *plan, mrq_error *err)
{
    plan->cuts = a->k ? (mrq_cuts){0} : MRQ_CUTS_USUAL;
    const char *list = a->k;
    for (const char *item; (item = next_item(plan, &list));) {
        int64_t k;
        if (!mrq_parse_int(item, strlen(item), 1, MRQ_CUT_MAX, &k))
            return mrq_fail(err, MRQ_USAGE, "--k \"%.40s\": want whole numbers from 1 to %d", item, MRQ_CUT_MAX);
        if (plan->cuts.n == MRQ_CUTS_MAX)
            return mrq_fail(err, MRQ_USAGE, "--k: more than %d numbers", MRQ_CUTS_MAX);
        if (plan->cuts.n && (uint32_t)k <= plan->cuts.k[plan->cuts.n - 1])
            return mrq_fail(err, MRQ_USAGE, "--k: %s stands after %u, want ascending numbers", item,
                            plan->cuts.k[plan->cuts.n - 1]);
        plan->cuts.k[plan->cuts.n++] = (uint32_t)k;
    }
    return MRQ_OK;
}

static mrq_status read_compared(const struct arguments *a, struct plan *plan, mrq_error *err)
{
    const char *list = a->compare;
    for (int i = 0; i < 2 && list; i++)
        plan->compared[i] = next_item(plan, &list);
    if (a->compare && (list || !plan->compared[1] || strcmp(plan->compared[0], plan->compared[1]) == 0))
        return mrq_fail(err, MRQ_USAGE, "--compare \"%.60s\": want two different names of models or baselines", a->compare);
    return MRQ_OK;
}

static mrq_status read_plan(const struct arguments *a, struct plan *plan, bool *on_valid, mrq_error *err)
{
    plan->usual = !a->baselines;
    if (a->baselines)
        MRQ_TRY(read_names(plan, "--baselines", a->baselines, mrq_baseline_names, MRQ_BASELINES, plan->baseline, NULL, err));
    MRQ_TRY(read_names(plan, "--protocol", a->protocol ? a->protocol : "topn", mrq_protocol_names, MRQ_PROTOCOLS, plan->protocol,
                       &plan->all, err));
    *on_valid = a->part && strcmp(a->part, "valid") == 0;
    if (a->part && !*on_valid && strcmp(a->part, "test") != 0)
        return mrq_fail(err, MRQ_USAGE, "--part \"%.40s\": want test or valid", a->part);
    for (uint32_t p = 0; p < MRQ_PROTOCOLS; p++)
        if (*on_valid && plan->protocol[p] && !mrq_protocol_has_valid((mrq_protocol)p))
            return mrq_fail(err, MRQ_USAGE, "--part valid: only topn and last have a validation part, not %s",
                            mrq_protocol_names[p]);
    MRQ_TRY(read_cuts(a, plan, err));
    MRQ_TRY(read_compared(a, plan, err));
    MRQ_TRY(read_models(a, plan, err));
    MRQ_TRY(check_models(a, plan, err));
    MRQ_CLEANUP(mrq_schema_free) mrq_schema *schema = NULL;
    if (a->schema)
        MRQ_TRY(mrq_schema_load(a->schema, &schema, err));
    if (a->train)
        MRQ_TRY(mrq_load_two(a->data, schema, a->train, a->test, a->skip_bad, a->bad, &plan->data, err));
    else
        MRQ_TRY(mrq_load_data("eval", a->data, schema, a->skip_bad, a->bad, &plan->data, err));
    char told[MRQ_DATASET_TOLD];
    mrq_log(MRQ_LOG_INFO, "data", "%s", mrq_dataset_tell(plan->data, told));
    return MRQ_OK;
}

/* Adds the chosen baselines to an experiment. A baseline either predicts stars or ranks, never both. */
static mrq_status add_baselines(const struct plan *plan, eval_report *report, mrq_error *err)
{
    const mrq_protocol protocol = report->experiment.protocol;
    for (uint32_t b = 0; b < MRQ_BASELINES; b++) {
        const mrq_baseline_kind kind = (mrq_baseline_kind)b;
        if (plan->usual ? !mrq_baseline_usual(kind, protocol, plan->data) : !plan->baseline[b])
            continue;
        const char *unfit = mrq_baseline_unfit(kind, protocol, plan->data);
        if (unfit && !plan->all && (kind == MRQ_BASELINE_BIAS || protocol == MRQ_PROTOCOL_RATING))
            return mrq_fail(err, MRQ_USAGE, "protocol %s: baseline %s %s", mrq_protocol_names[protocol], mrq_baseline_names[b],
                            unfit);
        if (unfit)
            add_note(report, "%s is left out: it %s", mrq_baseline_names[b], unfit);
        else
            report->candidate[report->experiment.n++] = (mrq_candidate){.name = mrq_baseline_names[b], .baseline = kind};
    }
    return MRQ_OK;
}

static mrq_status add_models(const struct plan *plan, eval_report *report, mrq_error *err)
{
    for (uint32_t i = 0; i < plan->n_models; i++) {
        const bool unfit = report->experiment.protocol == MRQ_PROTOCOL_RATING && mrq_objective_of(&plan->description[i])->ranks;
        if (unfit && !plan->all)
            return mrq_fail(err, MRQ_USAGE, "protocol rating: model %s ranks, it does not predict stars; try --model fusion",
                            plan->name[i]);
        if (unfit)
            add_note(report, "%s is left out: it ranks, it does not predict stars", plan->name[i]);
        else
            report->candidate[report->experiment.n++] =
                (mrq_candidate){.name = plan->name[i], .description = &plan->description[i]};
    }
    return MRQ_OK;
}

/* Finds the two of --compare among the candidates. Where all protocols are run, one that lacks them gets a note. */
static mrq_status choose_compared(const struct plan *plan, eval_report *report, mrq_error *err)
{
    for (int i = 0; i < 2 && plan->compared[i]; i++) {
        uint32_t c = 0;
        while (c < report->experiment.n && strcmp(report->candidate[c].name, plan->compared[i]) != 0)
            c++;
        const bool ranks = report->experiment.protocol != MRQ_PROTOCOL_RATING;
        if ((c == report->experiment.n || !ranks) && plan->all) {
            add_note(report, "%s is not compared: it is not ranked here", plan->compared[i]);
            return MRQ_OK;
        }
        if (!ranks)
            return mrq_fail(err, MRQ_USAGE, "--compare: protocol rating ranks nothing");
        if (c == report->experiment.n)
            return mrq_fail(err, MRQ_USAGE, "--compare \"%.40s\": no model or baseline of this run", plan->compared[i]);
        report->experiment.compared[i] = c;
    }
    report->experiment.contrast = plan->compared[0] ? &report->contrast : NULL;
    return MRQ_OK;
}

/* Says which baselines were left out for their size. */
static void note_left_out(eval_report *report)
{
    for (uint32_t i = 0; i < report->experiment.n; i++)
        if (*report->result[i].left_out)
            add_note(report, "%s is left out: %s", report->candidate[i].name, report->result[i].left_out);
}

/* Runs one protocol, or, if `own` is not MRQ_NONE, measures that trained model. */
static mrq_status run_experiment(const struct plan *plan, const mrq_experiment *experiment, uint32_t own, eval_report *report,
                                 mrq_error *err)
{
    *report = (eval_report){.experiment = *experiment};
    report->experiment.candidate = report->candidate;
    if (own == MRQ_NONE) {
        MRQ_TRY(add_models(plan, report, err));
    } else {
        report->experiment.protocol = MRQ_PROTOCOL_OWN;
        report->experiment.own = plan->model[own];
        report->experiment.seed = mrq_model_results_of(plan->model[own])->seed;
        report->candidate[report->experiment.n++] = (mrq_candidate){.name = plan->name[own], .model = plan->model[own]};
    }
    MRQ_TRY(add_baselines(plan, report, err));
    if (!report->experiment.n)
        return mrq_fail(err, MRQ_USAGE, "protocol %s: no model or baseline to measure%s%s",
                        mrq_protocol_names[report->experiment.protocol], report->n_notes ? "; " : "",
                        report->n_notes ? report->note[0] : "");
    MRQ_TRY(choose_compared(plan, report, err));
    MRQ_TRY(mrq_experiment_run(&report->experiment, plan->arena, report->result, err));
    note_left_out(report);
    return MRQ_OK;
}

static mrq_status run_protocols(struct plan *plan, mrq_experiment *experiment, mrq_error *err)
{
    char left_out[MRQ_PROTOCOLS][200];
    uint32_t n_left_out = 0;
    for (uint32_t p = 0; p < MRQ_PROTOCOLS; p++) {
        if (!plan->protocol[p])
            continue;
        mrq_error problem = {0};
        experiment->protocol = (mrq_protocol)p;
        mrq_status status = MRQ_USAGE;
        if (plan->all && p == MRQ_PROTOCOL_LAST && !plan->data->time)
            snprintf(problem.msg, sizeof problem.msg, "last: these ratings have no timestamps");
        else
            status = run_experiment(plan, experiment, MRQ_NONE, &plan->report[plan->n_reports], &problem);
        if (status == MRQ_OK)
            plan->n_reports++;
        else if (status == MRQ_USAGE && plan->all)
            snprintf(left_out[n_left_out++], sizeof *left_out, "%.199s", problem.msg);
        else
            return mrq_fail(err, status, "%s", problem.msg);
    }
    if (!plan->n_reports)
        return mrq_fail(err, MRQ_USAGE, "these data support no protocol; %s", left_out[0]);
    for (uint32_t i = 0; i < n_left_out; i++)
        add_note(&plan->report[plan->n_reports - 1], "left out: %s", left_out[i]);
    return MRQ_OK;
}

static mrq_status run(const struct arguments *a, struct plan *plan, mrq_error *err)
{
    bool on_valid = false;
    MRQ_TRY(read_plan(a, plan, &on_valid, err));
    mrq_screen screen = {.epoch = 0};
    const mrq_train_watch watch = mrq_screen_watch(&screen);
    mrq_experiment experiment = {.data = plan->data,
                                 .cuts = plan->cuts,
                                 .on_valid = on_valid,
                                 .seed = (uint64_t)a->seed,
                                 .seeds = (uint32_t)a->seeds,
                                 .threads = (uint32_t)a->threads,
                                 .watch = &watch};
    mrq_signals_catch();
    mrq_status status = MRQ_OK;
    if (a->train) {
        experiment.protocol = MRQ_PROTOCOL_GIVEN;
        plan->n_reports = 1;
        status = run_experiment(plan, &experiment, MRQ_NONE, &plan->report[0], err);
    } else if (!plan->n_models || !plan->model[0]) {
        status = run_protocols(plan, &experiment, err);
    }
    for (uint32_t i = 0; i < plan->n_models && plan->model[i] && status == MRQ_OK; i++) {
        status = run_experiment(plan, &experiment, i, &plan->report[plan->n_reports], err);
        plan->n_reports += status == MRQ_OK;
    }
    mrq_screen_end(&screen);
    MRQ_TRY(status);
    if (plan->generation) {
        MRQ_TRY(check_index(plan->generation, plan->model[plan->n_models - 1], experiment.threads, &plan->index, err));
        plan->report[plan->n_reports - 1].index = &plan->index;
    }
    return MRQ_OK;
}

static mrq_status evaluate(int argc, char **argv, bool *json, mrq_error *err)
{
    struct arguments a = {.seed = 1, .seeds = 1, .threads = mrq_threads_default()};
    bool done = false;
    MRQ_TRY(read_arguments(argc, argv, &a, json, &done, err));
    if (done)
        return MRQ_OK;
    MRQ_CLEANUP(mrq_arena_free) mrq_arena *arena = mrq_arena_new();
    struct plan *plan = arena ? mrq_arena_array(arena, 1, sizeof *plan) : NULL;
    if (!plan)
        return mrq_fail_memory(err, "starting");
    plan->arena = arena;
    mrq_error problem = {0};
    mrq_status status = run(&a, plan, &problem);
    if (status == MRQ_OK && *json)
        status = print_reports_json(plan->data, (eval_source){a.data, a.train, a.test}, plan->report, plan->n_reports, &problem);
    else if (status == MRQ_OK)
        print_reports(plan->report, plan->n_reports);
    for (uint32_t i = 0; i < plan->n_models; i++)
        mrq_model_free(plan->model[i]);
    mrq_generation_close(plan->generation);
    mrq_dataset_free(plan->data);
    if (status != MRQ_OK)
        mrq_signals_end("eval", &problem);
    return status == MRQ_OK ? MRQ_OK : mrq_fail(err, status, "%s", problem.msg);
}

mrq_status cmd_eval(int argc, char **argv, mrq_error *err)
{
    return run_json_command(evaluate, argc, argv, err);
}
