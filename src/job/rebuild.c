/* The rebuild, step by step. It holds the store's lock and writes to a publication, so nothing has to be undone: readers see
 * nothing before the publish, and the next process that takes the lock removes what a killed run left. So only the training handles
 * signals, to stop after a batch and write a report; at any other time the process may be killed.
 *
 * A warm start is allowed if the serving model was not trained on ratings that now test or choose the best epoch: the split is by
 * hash, the seed and the test share are the same, and the validation share has not grown. Otherwise, or if the model is another
 * network, the training starts from scratch and the report gives the reason, rather than failing every night. */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "job/job.h"
#include "live/live.h"

const char *const mrq_step_names[] = {"load", "train", "export", "gates", "upload", "warm", "publish", "prune", NULL};
const char *const mrq_outcome_names[] = {"published", "refused", "failed", "running"};

struct job {
    const mrq_rebuild_options *options;
    const mrq_rebuild_watch *watch;
    mrq_rebuild_report *report;
    const mrq_schema *schema;
    mrq_publication *publication;
    mrq_dataset *data;
    mrq_model *serving, *model; /* `model` borrows the tables of `data` */
    mrq_step step;              /* the running one */
    double since;               /* clock, when it began */
};

void mrq_rebuild_report_clear(mrq_rebuild_report *report)
{
    mrq_free(report->epoch);
    mrq_free(report->choice.trial);
    *report = (mrq_rebuild_report){0};
}

static void begin(struct job *job, mrq_step step)
{
    if (job->watch->step)
        job->watch->step(job->watch->train.context, step);
    job->report->step[step] = 0; /* begun */
    job->step = step;
    job->since = mrq_clock();
}

__attribute__((format(printf, 2, 3))) static void end(struct job *job, const char *format, ...)
{
    char text[400];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    job->report->step[job->step] = mrq_clock() - job->since;
    mrq_log(MRQ_LOG_INFO, "rebuild", "step=%s seconds=%.2f%s", mrq_step_names[job->step], job->report->step[job->step], text);
}

/* Appends a message to the report's reason; it is cut if it does not fit. */
static void add_reason(mrq_rebuild_report *r, const char *text)
{
    const size_t used = strlen(r->reason);
    snprintf(r->reason + used, sizeof r->reason - used, "%s%s", used ? "; " : "", text);
}

/* Logs and reports a problem that does not stop the rebuild. */
__attribute__((format(printf, 2, 3))) static void remark(mrq_rebuild_report *r, const char *format, ...)
{
    char text[sizeof r->reason];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    mrq_log(MRQ_LOG_WARN, "rebuild", "%s", text);
    add_reason(r, text);
}

/* Reads the serving generation. A missing or damaged one is not a failure. Any other error is, so that the gates are not skipped
 * because, for example, memory ran out. */
static mrq_status look_at_serving(struct job *job, mrq_error *err)
{
    mrq_rebuild_report *r = job->report;
    MRQ_CLEANUP(mrq_generation_close) mrq_generation *generation = NULL;
    mrq_error problem = {0};
    mrq_status status = mrq_generation_open(job->options->store, &generation, &problem);
    if (status == MRQ_OK)
        status = mrq_store_model(job->options->store, &job->serving, &problem);
    if (status == MRQ_NOT_FOUND || status == MRQ_BAD_FILE) {
        snprintf(r->serving_note, sizeof r->serving_note, "%s", problem.msg);
        mrq_log(status == MRQ_BAD_FILE ? MRQ_LOG_WARN : MRQ_LOG_INFO, "rebuild", "no serving generation: %s", problem.msg);
        return MRQ_OK;
    }
    if (status != MRQ_OK)
        return mrq_fail(err, status, "%s", problem.msg);
    r->has_serving = true;
    snprintf(r->serving.generation, sizeof r->serving.generation, "%s", generation->name);
    r->serving.items = generation->items->rows;
    r->serving.results = *mrq_model_results_of(job->serving);
    return MRQ_OK;
}

static bool is_erased(void *context, const char *id, size_t size)
{
    return mrq_live_snapshot_erased(context, id, size);
}

struct taker {
    mrq_status (*take)(void *to, const mrq_newer_event *event, mrq_error *err);
    void *to;
};

static mrq_status take(void *context, const mrq_change *c, uint64_t seq, mrq_error *err)
{
    const struct taker *t = context;
    (void)seq;
    if (c->what != MRQ_ADD_EVENT && c->what != MRQ_DROP_PAIR)
        return MRQ_OK;
    return t->take(t->to, &(mrq_newer_event){c->user, c->item, c->kind, c->value, c->time, c->what == MRQ_DROP_PAIR}, err);
}

static mrq_status read_live(void *context, mrq_status (*take_event)(void *to, const mrq_newer_event *event, mrq_error *err),
                            void *to, mrq_error *err)
{
    return mrq_live_snapshot_read(context, take, &(struct taker){take_event, to}, err);
}

/* Loads the data, and what a live database has beside them: one state of it, whose number the generation keeps as its mark. */
static mrq_status load_data(struct job *job, mrq_bad *bad, mrq_error *err)
{
    const mrq_rebuild_options *o = job->options;
    if (!o->live)
        return mrq_dataset_load_most(o->data, job->schema, bad, &job->data, err);
    MRQ_CLEANUP(mrq_live_snapshot_close) mrq_live_snapshot *live = NULL;
    MRQ_TRY(mrq_live_snapshot_open(o->live, &live, err));
    const mrq_newer newer = {live, mrq_live_snapshot_mark(live), is_erased, read_live};
    return mrq_dataset_load_newer(o->data, job->schema, bad, &newer, &job->data, err);
}

static mrq_status load(struct job *job, mrq_error *err)
{
    mrq_rebuild_report *r = job->report;
    begin(job, MRQ_STEP_LOAD);
    MRQ_TRY(look_at_serving(job, err));
    mrq_bad bad = {.share = job->options->skip_bad, .list = job->options->bad};
    const mrq_status loaded = load_data(job, &bad, err);
    r->bad = bad.all;
    mrq_bad_clear(&bad);
    MRQ_TRY(loaded);
    snprintf(r->schema, sizeof r->schema, "%s", job->data->schema);
    r->noun = job->data->items->noun;
    r->users = job->data->users->rows;
    r->items = job->data->items->rows;
    r->ratings = job->data->n;
    r->fingerprint = job->data->fingerprint;
    char told[MRQ_DATASET_TOLD];
    end(job, " %s", mrq_dataset_tell(job->data, told));
    return MRQ_OK;
}

static void on_batch(void *context, int64_t epoch, uint64_t done, uint64_t total, double rmse, double samples_per_second)
{
    const mrq_train_watch *watch = &((const struct job *)context)->watch->train;
    if (watch->batch)
        watch->batch(watch->context, epoch, done, total, rmse, samples_per_second);
}

static void on_stage(void *context, const char *doing, uint32_t done, uint32_t of)
{
    const mrq_train_watch *watch = &((const struct job *)context)->watch->train;
    if (watch->stage)
        watch->stage(watch->context, doing, done, of);
}

/* Keeps the curve. If out of memory, the report has none. */
static void on_epoch(void *context, const mrq_train_epoch *all, uint32_t n)
{
    struct job *job = context;
    mrq_rebuild_report *r = job->report;
    mrq_train_epoch *kept = mrq_array(n, sizeof *kept);
    mrq_free(r->epoch);
    r->epoch = kept;
    r->n_epochs = kept ? n : 0;
    if (kept)
        memcpy(kept, all, n * sizeof *kept);
    if (job->watch->train.epoch)
        job->watch->train.epoch(job->watch->train.context, all, n);
}

/* Whether a warm start from the serving model is allowed. */
static bool may_start_warm(struct job *job)
{
    mrq_rebuild_report *r = job->report;
    const mrq_model_results now = {.seed = job->options->seed, .test_share = job->options->test};
    mrq_model_results results = now;
    char difference[120];
    snprintf(results.schema, sizeof results.schema, "%s", r->schema);
    snprintf(results.split, sizeof results.split, "%s", mrq_split_names[MRQ_SPLIT_HASH]);
    if (!job->options->warm_start)
        return false;
    if (!r->has_serving)
        snprintf(r->warm_note, sizeof r->warm_note, "%s", r->serving_note);
    else if (mrq_protocols_differ(&results, &r->serving.results, difference, sizeof difference))
        snprintf(r->warm_note, sizeof r->warm_note, "the serving model may have been trained on what is tested now: %s",
                 difference);
    else if (r->description.train.validation > mrq_model_description(job->serving)->train.validation)
        snprintf(r->warm_note, sizeof r->warm_note,
                 "the serving model was trained on what chooses the best epoch now: its validation share is %g, this one's %g",
                 mrq_model_description(job->serving)->train.validation, r->description.train.validation);
    else
        return true;
    mrq_log(MRQ_LOG_WARN, "rebuild", "no warm start: %s", r->warm_note);
    return false;
}

static mrq_status learn(struct job *job, mrq_train_result *result, mrq_error *err)
{
    mrq_rebuild_report *r = job->report;
    const mrq_train_watch watch = {job, on_batch, on_epoch, on_stage, NULL, job->watch->train.stop};
    mrq_train_options options = {
        .split = MRQ_SPLIT_HASH, .test = job->options->test, .seed = job->options->seed, .threads = job->options->threads};
    if (may_start_warm(job)) {
        mrq_error problem = {0};
        options.warm = job->serving;
        const mrq_status status = mrq_train(job->data, &r->description, &options, &watch, result, &problem);
        if (status != MRQ_USAGE) { /* USAGE: another network, or an error that the cold start below reports again */
            r->warm_started = status == MRQ_OK;
            return status == MRQ_OK ? status : mrq_fail(err, status, "%s", problem.msg);
        }
        snprintf(r->warm_note, sizeof r->warm_note, "%s", problem.msg);
        mrq_log(MRQ_LOG_WARN, "rebuild", "no warm start: %s", r->warm_note);
        options.warm = NULL;
    }
    return mrq_train(job->data, &r->description, &options, &watch, result, err);
}

/* The number of old items that are among the new. */
static uint32_t count_kept(const mrq_table *old, const mrq_table *made)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < old->rows; i++)
        kept += mrq_table_find(made, mrq_table_id(old, i), mrq_strings_size(&old->id, i)) != MRQ_NONE;
    return kept;
}

/* Compares the new model with the serving one, or notes why that cannot be done. */
static mrq_status compare(struct job *job, mrq_error *err)
{
    mrq_rebuild_report *r = job->report;
    const mrq_quality now = mrq_quality_of(&r->made.results), before = mrq_quality_of(&r->serving.results);
    if (mrq_protocols_differ(&r->made.results, &r->serving.results, r->comparison_note, sizeof r->comparison_note))
        return MRQ_OK;
    if (now.more_is_better != before.more_is_better)
        snprintf(r->comparison_note, sizeof r->comparison_note, "its quality is %s, this one's %s", before.name, now.name);
    else if (!r->serving.results.tested)
        snprintf(r->comparison_note, sizeof r->comparison_note, "it has kept no test ratings");
    else
        return mrq_compare(job->model, job->serving, job->options->threads, &r->comparison, err);
    return MRQ_OK;
}

static mrq_status train(struct job *job, mrq_error *err)
{
    mrq_rebuild_report *r = job->report;
    mrq_train_result result = {0};
    begin(job, MRQ_STEP_TRAIN);
    MRQ_TRY(learn(job, &result, err));
    job->model = result.model;
    const int64_t epochs = r->description.train.epochs;
    if (result.end == MRQ_TRAIN_INTERRUPTED)
        return mrq_fail(err, MRQ_FAILED, "stopped in epoch %lld of %lld; nothing has changed", (long long)result.epoch,
                        (long long)epochs);
    r->made.items = job->data->items->rows;
    r->made.noun = job->data->items->noun;
    r->made.results = *mrq_model_results_of(job->model);
    if (r->has_serving) {
        r->made.kept = count_kept(mrq_model_items(job->serving), mrq_model_items(job->model));
        MRQ_TRY(compare(job, err));
    }
    mrq_model_free(job->serving); /* free its memory for the export */
    job->serving = NULL;
    r->description = *mrq_model_description(job->model);
    if (result.end == MRQ_TRAIN_LOST)
        remark(r, "the loss exploded in epoch %lld of %lld; epoch %lld, the best before, was taken", (long long)result.epoch,
               (long long)epochs, (long long)r->made.results.best_epoch);
    const mrq_quality quality = mrq_quality_of(&r->made.results);
    end(job, " model=%s epochs=%lld best=%lld test_%s=%.4f start=%s", r->description.name, (long long)r->made.results.epochs,
        (long long)r->made.results.best_epoch, quality.more_is_better ? "ndcg" : "rmse", quality.value,
        r->warm_started ? "warm" : "scratch");
    return MRQ_OK;
}

static mrq_status export(struct job *job, mrq_error *err)
{
    mrq_rebuild_report *r = job->report;
    const mrq_export_options options = {.index = job->options->index, .recall = job->options->recall};
    begin(job, MRQ_STEP_EXPORT);
    MRQ_TRY(mrq_publication_write(job->publication, job->model, &options, &r->choice, err));
    snprintf(r->made.generation, sizeof r->made.generation, "%s", mrq_publication_generation(job->publication)->name);
    end(job, " generation=%s index=%s recall=%.4f p50=%.1fus p99=%.1fus trials=%u", r->made.generation,
        r->choice.best.settings.factory, r->choice.best.recall, 1e6 * r->choice.best.p50, 1e6 * r->choice.best.p99, r->choice.n);
    return MRQ_OK;
}

/* The texts of the gates that failed, as many as fit. */
static void list_failures(const mrq_rebuild_report *r, char *out, size_t size)
{
    size_t used = 0;
    out[0] = '\0';
    for (int i = 0; i < MRQ_GATES && used < size; i++)
        if (r->gate[i].verdict == MRQ_FAILS)
            used += (size_t)snprintf(out + used, size - used, "%s%s", used ? "; " : "", r->gate[i].text);
}

static mrq_status judge(struct job *job, mrq_error *err)
{
    mrq_rebuild_report *r = job->report;
    begin(job, MRQ_STEP_GATES);
    mrq_gates_judge(job->options, r);
    r->judged = true;
    for (int i = 0; i < MRQ_GATES; i++)
        mrq_log(r->gate[i].verdict == MRQ_FAILS ? MRQ_LOG_WARN : MRQ_LOG_INFO, "rebuild", "gate=%s verdict=%s: %s", r->gate[i].name,
                mrq_verdict_names[r->gate[i].verdict], r->gate[i].text);
    char failures[400];
    list_failures(r, failures, sizeof failures);
    if (*failures && !job->options->force) {
        r->outcome = MRQ_REFUSED;
        return mrq_fail(err, MRQ_FAILED, "not published: %s; --force publishes it anyway", failures);
    }
    if (*failures)
        remark(r, "forced, although %s", failures);
    end(job, "%s", *failures ? " forced" : "");
    return MRQ_OK;
}

static void on_rows(void *context, uint32_t done, uint32_t of)
{
    const struct job *job = context;
    if (job->watch->upload)
        job->watch->upload(job->watch->train.context, done, of);
}

/* Uploads the index to the backend before the generation becomes current. */
static mrq_status upload(struct job *job, mrq_error *err)
{
    const mrq_upload_watch watch = {on_rows, job};
    mrq_uploaded *u = &job->report->uploaded;
    if (!job->options->backend)
        return MRQ_OK;
    begin(job, MRQ_STEP_UPLOAD);
    MRQ_TRY(mrq_store_upload(job->options->store, mrq_publication_generation(job->publication), job->options->backend,
                             job->options->recall, &watch, u, err));
    end(job, " backend=%s rows=%u sent=%u recall=%.4f p50=%.1fus", mrq_backend_label(job->options->backend), u->rows, u->sent,
        u->measured.recall, 1e6 * u->measured.p50);
    return MRQ_OK;
}

/* Publishes. If only the last sync fails, the new generation serves; the message and the outcome report this. */
static mrq_status make_current(struct job *job, mrq_error *err)
{
    mrq_rebuild_report *r = job->report;
    mrq_error problem = {0};
    const mrq_status status = mrq_publication_publish(job->publication, &problem);
    const bool serves = mrq_publication_is_current(job->publication);
    if (serves)
        r->outcome = MRQ_PUBLISHED;
    if (status == MRQ_OK)
        return MRQ_OK;
    return serves ? mrq_fail(err, status, "%s serves, but a power cut may undo that: %s", r->made.generation, problem.msg)
                  : mrq_fail(err, status, "%s", problem.msg);
}

/* Warms the cache, then publishes, so that even the first answers are cached. Warming also halves the counts of queries. If the
 * publish then fails, they are halved once too often, but their order, which the next night uses, is the same. */
static mrq_status publish(struct job *job, mrq_error *err)
{
    mrq_rebuild_report *r = job->report;
    begin(job, MRQ_STEP_WARM);
    MRQ_TRY(mrq_warm(mrq_publication_generation(job->publication), job->options->cache, job->options->warm, &r->warmed, err));
    end(job, " warmed=%u", r->warmed);
    begin(job, MRQ_STEP_PUBLISH);
    MRQ_TRY(make_current(job, err));
    end(job, " generation=%s", r->made.generation);
    return MRQ_OK;
}

/* Removes old generations. The new one serves already, so a failure here is only a remark. */
static void prune(struct job *job)
{
    mrq_rebuild_report *r = job->report;
    mrq_error problem = {0};
    begin(job, MRQ_STEP_PRUNE);
    if (mrq_publication_prune(job->publication, job->options->keep, &r->pruned, &problem) != MRQ_OK)
        remark(r, "old generations could not be removed: %s", problem.msg);
    if (job->options->backend && mrq_store_settle(job->options->store, mrq_publication_generation(job->publication),
                                                  job->options->backend, &r->uploaded, &problem) != MRQ_OK)
        remark(r, "the backend could not be cleaned up: %s", problem.msg);
    end(job, " removed=%u kept=%u", r->pruned, job->options->keep);
}

static mrq_status run(struct job *job, mrq_error *err)
{
    MRQ_TRY(load(job, err));
    MRQ_TRY(train(job, err));
    MRQ_TRY(export(job, err));
    MRQ_TRY(judge(job, err));
    MRQ_TRY(upload(job, err));
    MRQ_TRY(publish(job, err));
    prune(job);
    return MRQ_OK;
}

/* Replaces the reports that say "running". On a full disk these make room for the last ones; when even that fails there are none,
 * since a report that says "running" would be wrong. */
static void report_end(const struct job *job)
{
    mrq_error problem = {0};
    if (mrq_report_save(job->options, job->report, &problem) == MRQ_OK)
        return;
    mrq_report_remove(job->options);
    if (mrq_report_save(job->options, job->report, &problem) != MRQ_OK)
        mrq_log(MRQ_LOG_WARN, "rebuild", "no report: %s", problem.msg);
}

/* Runs all steps, with the lock held, and writes the reports. */
static mrq_status run_and_report(struct job *job, mrq_error *err)
{
    mrq_rebuild_report *r = job->report;
    mrq_error problem = {0}, unreported = {0};
    const double start = mrq_clock();
    r->outcome = MRQ_RUNNING; /* replaces the last report, in case this run is killed */
    if (mrq_report_save(job->options, r, &unreported) != MRQ_OK)
        mrq_log(MRQ_LOG_WARN, "rebuild", "no report: %s", unreported.msg);
    r->outcome = MRQ_NOT_DONE;
    const mrq_status status = run(job, &problem);
    r->seconds = mrq_clock() - start;
    if (status != MRQ_OK) {
        r->step[job->step] = mrq_clock() - job->since;
        add_reason(r, problem.msg);
    }
    report_end(job);
    return status == MRQ_OK ? MRQ_OK : mrq_fail(err, status, "%s", problem.msg);
}

mrq_status mrq_rebuild(const mrq_rebuild_options *options, const mrq_rebuild_watch *watch, mrq_rebuild_report *out, mrq_error *err)
{
    static const mrq_rebuild_watch none;
    struct job job = {.options = options, .watch = watch ? watch : &none, .report = out};
    *out = (mrq_rebuild_report){.outcome = MRQ_NOT_DONE, .noun = {"item", "items"}};
    for (int i = 0; i < MRQ_STEPS; i++)
        out->step[i] = NAN;
    mrq_time_text(out->started);
    MRQ_TRY(mrq_description_load(options->model, &out->description, err));
    if (options->epochs && mrq_objective_of(&out->description)->closed_form)
        return mrq_fail(err, MRQ_USAGE, "epochs: model \"%s\" is solved in closed form and has none; leave them out",
                        out->description.name);
    out->description.train.epochs = options->epochs ? options->epochs : out->description.train.epochs;
    MRQ_CLEANUP(mrq_schema_free) mrq_schema *schema = NULL;
    if (options->schema)
        MRQ_TRY(mrq_schema_load(options->schema, &schema, err));
    job.schema = schema;
    MRQ_TRY(mrq_index_check_kind(options->index, mrq_description_dim(&out->description),
                                 err)); /* fail now rather than after hours of training */
    MRQ_TRY(mrq_publication_open(options->store, "rebuild", &job.publication, err));
    const mrq_status status = run_and_report(&job, err);
    mrq_publication_discard(job.publication);
    mrq_model_free(job.serving);
    mrq_model_free(job.model);
    mrq_dataset_free(job.data);
    return status;
}
