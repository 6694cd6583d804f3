/* The report as JSON, for monitoring, and the writing of both reports to the store's folder. Unknown numbers are null. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "engine/json.h"
#include "job/job.h"

enum { PATH_SIZE = 4096 };
static const char json_name[] = "report.json", html_name[] = "report.html";

/* A text, or null for "". */
static bool add_text(cJSON *object, const char *key, const char *text)
{
    return *text ? cJSON_AddStringToObject(object, key, text) != NULL : cJSON_AddNullToObject(object, key) != NULL;
}

static bool add_settings(cJSON *root, const mrq_rebuild_options *o)
{
    cJSON *settings = cJSON_AddObjectToObject(root, "settings");
    return mrq_json_add_clean(settings, "data", o->data) && mrq_json_add_clean(settings, "store", o->store) &&
           mrq_json_add_clean(settings, "model", o->model) && /* paths, which need not be UTF-8 */
           mrq_json_add_rounded(settings, "epochs", o->epochs ? (double)o->epochs : NAN, 0) &&
           cJSON_AddBoolToObject(settings, "warm_start", o->warm_start) && cJSON_AddStringToObject(settings, "index", o->index) &&
           mrq_json_add_rounded(settings, "recall", o->recall, 9) &&
           mrq_json_add_rounded(settings, "min_recall", o->min_recall, 9) &&
           mrq_json_add_rounded(settings, "max_shrink", o->max_shrink, 9) && cJSON_AddBoolToObject(settings, "force", o->force) &&
           cJSON_AddNumberToObject(settings, "keep", o->keep) && cJSON_AddBoolToObject(settings, "redis", o->cache != NULL) &&
           cJSON_AddNumberToObject(settings, "warm", o->warm) && mrq_json_add_whole(settings, "seed", (int64_t)o->seed) &&
           cJSON_AddNumberToObject(settings, "threads", o->threads) && mrq_json_add_rounded(settings, "test", o->test, 9);
}

static bool add_steps(cJSON *root, const mrq_rebuild_report *r)
{
    cJSON *steps = cJSON_AddArrayToObject(root, "steps");
    bool ok = steps;
    for (int i = 0; ok && i < MRQ_STEPS; i++) {
        cJSON *step = isnan(r->step[i]) ? NULL : mrq_json_append_object(steps);
        if (!isnan(r->step[i]))
            ok = cJSON_AddStringToObject(step, "step", mrq_step_names[i]) && mrq_json_add_rounded(step, "seconds", r->step[i], 4);
    }
    return ok;
}

/* Rows that were left out, by reason. */
static bool add_bad(cJSON *data, const mrq_bad_count *bad)
{
    if (!mrq_bad_total(bad))
        return true;
    cJSON *object = cJSON_AddObjectToObject(data, "rows_left_out");
    bool ok = object && cJSON_AddNumberToObject(object, "of", (double)bad->rows);
    for (int i = 0; ok && i < MRQ_BAD_REASONS; i++)
        ok = !bad->left_out[i] || cJSON_AddNumberToObject(object, mrq_bad_names[i], (double)bad->left_out[i]);
    return ok;
}

static bool add_data(cJSON *root, const mrq_rebuild_report *r)
{
    char fingerprint[17];
    snprintf(fingerprint, sizeof fingerprint, "%016llx", (unsigned long long)r->fingerprint);
    cJSON *data = cJSON_AddObjectToObject(root, "data");
    return data &&
           (!*r->schema ||
            (cJSON_AddStringToObject(data, "schema", r->schema) && cJSON_AddNumberToObject(data, "users", r->users) &&
             cJSON_AddNumberToObject(data, "items", r->items) && cJSON_AddNumberToObject(data, "ratings", (double)r->ratings) &&
             cJSON_AddStringToObject(data, "fingerprint", fingerprint))) &&
           add_bad(data, &r->bad);
}

/* A generation and the results of its model; null if there is none. */
static bool add_facts(cJSON *root, const char *key, const mrq_facts *facts, const char *note)
{
    if (!facts->items)
        return cJSON_AddNullToObject(root, key) && (!*note || cJSON_AddStringToObject(root, "serving_note", note));
    cJSON *object = cJSON_AddObjectToObject(root, key);
    return add_text(object, "generation", facts->generation) && cJSON_AddNumberToObject(object, "items", facts->items) &&
           mrq_json_add_made(object, "results", mrq_model_results_json(&facts->results));
}

/* What gives reason to doubt the new model. */
static bool add_doubts(cJSON *root, const mrq_rebuild_report *r)
{
    mrq_doubt doubt[MRQ_DOUBTS_MAX];
    cJSON *array = cJSON_AddArrayToObject(root, "doubts");
    const uint32_t n = mrq_evidence_doubts(&r->made.results.evidence, &r->noun, doubt);
    bool ok = array;
    for (uint32_t i = 0; ok && i < n; i++) {
        cJSON *object = mrq_json_append_object(array);
        ok = cJSON_AddStringToObject(object, "check", doubt[i].check) && cJSON_AddStringToObject(object, "text", doubt[i].text);
    }
    return ok;
}

static bool add_curve(cJSON *root, const mrq_rebuild_report *r)
{
    cJSON *curve = cJSON_AddArrayToObject(root, "curve");
    bool ok = curve;
    for (uint32_t i = 0; ok && i < r->n_epochs; i++) {
        const mrq_train_epoch *e = &r->epoch[i];
        cJSON *epoch = mrq_json_append_object(curve);
        ok = cJSON_AddNumberToObject(epoch, "epoch", (double)e->epoch) &&
             mrq_json_add_rounded(epoch, "train_rmse", e->train_rmse, 6) &&
             mrq_json_add_rounded(epoch, "valid_rmse", e->valid_rmse, 6) &&
             mrq_json_add_rounded(epoch, "test_rmse", e->test_rmse, 6) && mrq_json_add_rounded(epoch, "seconds", e->seconds, 3) &&
             cJSON_AddBoolToObject(epoch, "best", e->best != 0);
    }
    return ok;
}

/* How the new model compares with the serving one; null if it was not compared. */
static bool add_comparison(cJSON *root, const mrq_rebuild_report *r)
{
    const mrq_comparison *c = &r->comparison;
    if (c->users < MRQ_COMPARED_MIN)
        return cJSON_AddNullToObject(root, "comparison") && add_text(root, "comparison_note", r->comparison_note);
    cJSON *object = cJSON_AddObjectToObject(root, "comparison");
    return cJSON_AddStringToObject(object, "measure", mrq_quality_of(&r->made.results).name) &&
           cJSON_AddNumberToObject(object, "users", c->users) && cJSON_AddNumberToObject(object, "events", (double)c->events) &&
           mrq_json_add_rounded(object, "made", c->newer, 6) && mrq_json_add_rounded(object, "serving", c->older, 6) &&
           mrq_json_add_rounded(object, "gain", c->gain, 6) && mrq_json_add_rounded(object, "low", c->low, 6) &&
           mrq_json_add_rounded(object, "high", c->high, 6) &&
           cJSON_AddNumberToObject(object, "confidence", MRQ_COMPARED_CONFIDENCE) &&
           cJSON_AddNumberToObject(object, "nights", MRQ_COMPARED_NIGHTS);
}

static bool add_gates(cJSON *root, const mrq_rebuild_report *r)
{
    cJSON *gates = cJSON_AddArrayToObject(root, "gates");
    bool ok = gates;
    for (int i = 0; ok && r->judged && i < MRQ_GATES; i++) {
        cJSON *gate = mrq_json_append_object(gates);
        ok = cJSON_AddStringToObject(gate, "gate", r->gate[i].name) &&
             cJSON_AddStringToObject(gate, "verdict", mrq_verdict_names[r->gate[i].verdict]) &&
             mrq_json_add_rounded(gate, "value", r->gate[i].value, 6) && mrq_json_add_rounded(gate, "limit", r->gate[i].limit, 6) &&
             cJSON_AddStringToObject(gate, "text", r->gate[i].text);
    }
    return ok;
}

static bool add_index(cJSON *root, const mrq_choice *choice)
{
    if (!choice->trial)
        return cJSON_AddNullToObject(root, "index") != NULL;
    cJSON *index = cJSON_AddObjectToObject(root, "index"), *chosen = index ? cJSON_AddObjectToObject(index, "chosen") : NULL,
          *trials = index ? cJSON_AddArrayToObject(index, "trials") : NULL;
    bool ok = chosen && trials && mrq_trial_tell(&choice->best, chosen);
    for (uint32_t i = 0; ok && i < choice->n; i++)
        ok = mrq_trial_tell(&choice->trial[i], mrq_json_append_object(trials));
    return ok;
}

/* The result of the upload, if there is a backend. */
static bool add_upload(cJSON *root, const mrq_rebuild_options *o, const mrq_rebuild_report *r)
{
    const mrq_uploaded *u = &r->uploaded;
    cJSON *upload = o->backend ? cJSON_AddObjectToObject(root, "upload") : NULL;
    return !o->backend || (upload && cJSON_AddStringToObject(upload, "backend", mrq_backend_label(o->backend)) &&
                           cJSON_AddNumberToObject(upload, "rows", u->rows) && cJSON_AddNumberToObject(upload, "sent", u->sent) &&
                           mrq_trial_tell(&u->measured, upload) && cJSON_AddNumberToObject(upload, "removed", u->removed));
}

static char *report_json(const mrq_rebuild_options *o, const mrq_rebuild_report *r)
{
    MRQ_CLEANUP(cJSON_Delete) cJSON *root = cJSON_CreateObject();
    const bool ok =
        cJSON_AddNumberToObject(root, "schema", 1) && cJSON_AddStringToObject(root, "outcome", mrq_outcome_names[r->outcome]) &&
        add_text(root, "reason", r->reason) && cJSON_AddStringToObject(root, "started", r->started) &&
        mrq_json_add_rounded(root, "seconds", r->seconds, 3) && add_settings(root, o) && add_steps(root, r) && add_data(root, r) &&
        add_facts(root, "serving", &r->serving, r->serving_note) && add_facts(root, "made", &r->made, "") &&
        cJSON_AddStringToObject(root, "start", r->warm_started ? "warm" : "scratch") &&
        add_text(root, "warm_start_note", r->warm_note) &&
        mrq_json_add_made(root, "model", mrq_description_json(&r->description)) && add_doubts(root, r) && add_curve(root, r) &&
        add_comparison(root, r) && add_gates(root, r) && add_index(root, &r->choice) &&
        cJSON_AddNumberToObject(root, "warmed", r->warmed) && cJSON_AddNumberToObject(root, "pruned", r->pruned) &&
        add_upload(root, o, r);
    return ok ? cJSON_Print(root) : NULL;
}

mrq_status mrq_report_save(const mrq_rebuild_options *options, const mrq_rebuild_report *report, mrq_error *err)
{
    char json_path[PATH_SIZE], html_path[PATH_SIZE];
    MRQ_TRY(mrq_path_join(json_path, sizeof json_path, options->store, json_name, err));
    MRQ_TRY(mrq_path_join(html_path, sizeof html_path, options->store, html_name, err));
    mrq_writer page MRQ_CLEANUP(mrq_writer_close) = {0}, json MRQ_CLEANUP(mrq_writer_close) = {0};
    mrq_writer_open(&page);
    MRQ_TRY(mrq_report_html(options, report, &page, err));
    mrq_writer_open(&json);
    MRQ_AUTOFREE char *text = report_json(options, report);
    if (!text)
        return mrq_fail_memory(err, "writing the report");
    mrq_writer_put(&json, "%s\n", text);
    MRQ_TRY(mrq_writer_save(&json, json_path, err));
    return mrq_writer_save(&page, html_path, err);
}

void mrq_report_remove(const mrq_rebuild_options *options)
{
    static const char *const names[] = {html_name, json_name};
    for (int i = 0; i < 2; i++) {
        char path[PATH_SIZE];
        struct stat st;
        if (mrq_path_join(path, sizeof path, options->store, names[i], NULL) == MRQ_OK && lstat(path, &st) == 0 &&
            S_ISREG(st.st_mode))
            mrq_file_remove(path);
    }
}
