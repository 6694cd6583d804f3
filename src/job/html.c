/* The report as a page: one file without scripts, readable on a phone, in light and dark mode. Texts from the data, the command
 * line and messages are escaped; only numbers and constant texts are not. Plots have a white background in both modes. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/plot.h"
#include "job/job.h"
#include "train/curve.h"

static const char head[] =
    "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
    "<meta name=\"color-scheme\" content=\"light dark\">\n<style>\n"
    ":root { --ink: #222; --ground: #fff; --faint: #666; --line: #ddd; --good: #00684a; --bad: #b3400a }\n"
    "@media (prefers-color-scheme: dark) { :root { --ink: #ddd; --ground: #16181b; --faint: #999; --line: #3a3d42; --good: "
    "#2fc79a; "
    "--bad: #ff8a4c } }\n"
    "body { color: var(--ink); background: var(--ground); font: 16px/1.5 system-ui, sans-serif; max-width: 46rem; "
    "margin: 0 auto; padding: 1rem; overflow-wrap: break-word }\n"
    "h1 { font-size: 1.5rem; line-height: 1.25 } h2 { font-size: 1.1rem; margin-top: 2rem }\n"
    "table { border-collapse: collapse; width: 100% } th, td { text-align: left; padding: .3rem .8rem .3rem 0; "
    "border-bottom: 1px solid var(--line); vertical-align: top } th { font-weight: 600 }\n"
    "td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap }\n"
    ".good { color: var(--good) } .bad { color: var(--bad) } .faint { color: var(--faint) }\n"
    "svg { max-width: 100%; height: auto; border-radius: 6px } .wide { overflow-x: auto }\n</style>\n";

static void put_text(mrq_writer *out, const char *text)
{
    mrq_writer_escape(out, text, SIZE_MAX);
}

/* A row of a table of two columns. */
static void put_pair(mrq_writer *out, const char *name, const char *value)
{
    mrq_writer_put(out, "<tr><th>%s</th><td>", name);
    put_text(out, value);
    mrq_writer_put(out, "</td></tr>\n");
}

/* The number, or a dash if it is unknown. */
static const char *number(char out[32], const char *format, double value)
{
    if (!isfinite(value))
        return "\xe2\x80\x93";
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    snprintf(out, 32, format, value);
#pragma GCC diagnostic pop
    return out;
}

static void write_head(const mrq_rebuild_options *o, const mrq_rebuild_report *r, mrq_writer *out)
{
    static const char *const words[] = {"Published", "Not published", "Failed", "Running"};
    const char *class = r->outcome == MRQ_PUBLISHED ? "good" : "bad";
    mrq_writer_put(out, "%s<title>%s: rebuild of ", head, words[r->outcome]);
    put_text(out, o->store);
    mrq_writer_put(out, "</title>\n</head>\n<body>\n<h1><span class=\"%s\">%s</span>: rebuild of ", class, words[r->outcome]);
    put_text(out, o->store);
    mrq_writer_put(out, "</h1>\n<p>%s, %.1f seconds", r->started, r->seconds);
    if (*r->made.generation)
        mrq_writer_put(out, r->outcome == MRQ_PUBLISHED ? "; generation %s serves" : "; generation %s was made and removed again",
                       r->made.generation);
    if (r->outcome != MRQ_PUBLISHED && r->has_serving)
        mrq_writer_put(out, "; %s still serves", r->serving.generation);
    mrq_writer_put(out, ".</p>\n");
    if (*r->reason) {
        mrq_writer_put(out, "<p class=\"bad\">");
        put_text(out, r->reason);
        mrq_writer_put(out, "</p>\n");
    }
    if (!r->has_serving && *r->serving_note) {
        mrq_writer_put(out, "<p class=\"faint\">No generation served before: ");
        put_text(out, r->serving_note);
        mrq_writer_put(out, "</p>\n");
    }
}

static void write_doubts(const mrq_rebuild_report *r, mrq_writer *out)
{
    mrq_doubt doubt[MRQ_DOUBTS_MAX];
    const uint32_t n = mrq_evidence_doubts(&r->made.results.evidence, &r->noun, doubt);
    if (!n)
        return;
    mrq_writer_put(out, "<h2>Little to learn from</h2>\n<ul>\n");
    for (uint32_t i = 0; i < n; i++) {
        mrq_writer_put(out, "<li class=\"bad\">");
        put_text(out, doubt[i].text);
        mrq_writer_put(out, "</li>\n");
    }
    mrq_writer_put(out, "</ul>\n");
}

static void write_comparison(const mrq_rebuild_report *r, mrq_writer *out)
{
    const mrq_comparison *c = &r->comparison;
    if (c->users < MRQ_COMPARED_MIN)
        return;
    mrq_writer_put(
        out,
        "<p>Both models were measured on %" PRIu64 " test ratings of %" PRIu32
        " users that neither has learned from: test %s %.4f now, %.4f before. The gain of %+.4f is between %+.4f and %+.4f"
        ", with %g %% confidence for %d nights together; all of it below 0 is a loss.</p>\n",
        c->events, c->users, mrq_quality_of(&r->made.results).name, c->newer, c->older, c->gain, c->low, c->high,
        100 * MRQ_COMPARED_CONFIDENCE, MRQ_COMPARED_NIGHTS);
}

static void write_gates(const mrq_rebuild_report *r, mrq_writer *out)
{
    static const char *const classes[] = {"good", "bad", "faint"};
    char value[32], limit[32];
    if (!r->judged)
        return;
    mrq_writer_put(out, "<h2>Gates</h2>\n<div class=\"wide\"><table>\n<tr><th>gate</th><th>verdict</th><th class=\"n\">value</th>"
                        "<th class=\"n\">limit</th><th></th></tr>\n");
    for (int i = 0; i < MRQ_GATES; i++) {
        const mrq_gate *gate = &r->gate[i];
        const char *format = i == MRQ_GATE_ITEMS ? "%.0f" : "%.4f";
        mrq_writer_put(out, "<tr><th>%s</th><td class=\"%s\">%s</td><td class=\"n\">%s</td><td class=\"n\">%s</td><td>", gate->name,
                       classes[gate->verdict], mrq_verdict_names[gate->verdict], number(value, format, gate->value),
                       number(limit, format, gate->limit));
        put_text(out, gate->text);
        mrq_writer_put(out, "</td></tr>\n");
    }
    mrq_writer_put(out, "</table></div>\n");
    write_comparison(r, out);
}

/* A row with the old and the new value, unless both are unknown. */
static void put_change(mrq_writer *out, const char *name, const char *format, double before, double now)
{
    if (isnan(before) && isnan(now))
        return;
    char a[32], b[32];
    mrq_writer_put(out, "<tr><th>");
    put_text(out, name);
    mrq_writer_put(out, "</th><td class=\"n\">%s</td><td class=\"n\">%s</td></tr>\n", number(a, format, before),
                   number(b, format, now));
}

static void write_generations(const mrq_rebuild_report *r, mrq_writer *out)
{
    static const mrq_model_results none = {
        .train_rmse = NAN, .valid_rmse = NAN, .test_rmse = NAN, .test_recall = NAN, .test_ndcg = NAN};
    if (!r->made.items)
        return;
    const mrq_model_results *old = r->has_serving ? &r->serving.results : &none, *now = &r->made.results;
    mrq_writer_put(out, "<h2>Before and now</h2>\n<table>\n<tr><th></th><th class=\"n\">serving before</th><th class=\"n\">made now"
                        "</th></tr>\n");
    put_change(out, "test NDCG@10", "%.4f", old->test_ndcg, now->test_ndcg);
    put_change(out, "test recall@10", "%.4f", old->test_recall, now->test_recall);
    put_change(out, "test RMSE", "%.4f", old->test_rmse, now->test_rmse);
    put_change(out, "validation RMSE", "%.4f", old->valid_rmse, now->valid_rmse);
    put_change(out, "training RMSE", "%.4f", old->train_rmse, now->train_rmse);
    put_change(out, r->noun.many, "%.0f", r->has_serving ? r->serving.items : (double)NAN, r->made.items);
    put_change(out, "training ratings", "%.0f", r->has_serving ? (double)old->train_ratings : (double)NAN,
               (double)now->train_ratings);
    put_change(out, "test ratings", "%.0f", r->has_serving ? (double)old->test_ratings : (double)NAN, (double)now->test_ratings);
    put_change(out, "best epoch", "%.0f", r->has_serving ? (double)old->best_epoch : (double)NAN, (double)now->best_epoch);
    mrq_writer_put(out, "</table>\n");
}

static mrq_status write_curve(const mrq_rebuild_report *r, mrq_writer *out, mrq_error *err)
{
    if (!r->n_epochs)
        return MRQ_OK;
    mrq_writer_put(out, "<h2>Learning</h2>\n<p>Model ");
    put_text(out, r->description.name);
    mrq_writer_put(out, ", started %s", r->warm_started ? "from the serving model" : "from scratch");
    if (*r->warm_note) {
        mrq_writer_put(out, "; no warm start: ");
        put_text(out, r->warm_note);
    }
    mrq_writer_put(out, ".</p>\n");
    return mrq_curve_draw(r->description.name, r->epoch, r->n_epochs, out, err);
}

enum { KINDS = 7, LABEL = 32, LABELLED = 24 };

/* The trials as one series for each kind of index, in the order tried; at most KINDS kinds. x: recall, y: microseconds. */
struct trials {
    uint32_t n;
    mrq_plot_series series[KINDS + 1];
    double *x, *y; /* (trials + 1) */
    char (*label)[LABEL];
    const char **labels;
};

static void gather(const mrq_choice *choice, struct trials *t)
{
    uint32_t used = 0;
    for (uint32_t i = 0; i < choice->n && t->n < KINDS; i++) {
        const char *kind = choice->trial[i].settings.factory;
        bool known = false;
        for (uint32_t k = 0; k < t->n; k++)
            known = known || strcmp(t->series[k].name, kind) == 0;
        if (known)
            continue;
        mrq_plot_series *series = &t->series[t->n++];
        *series = (mrq_plot_series){.name = kind, .x = t->x + used, .y = t->y + used};
        if (choice->n <= LABELLED)
            series->label = t->labels + used;
        for (uint32_t j = i; j < choice->n; j++) {
            const mrq_trial *trial = &choice->trial[j];
            if (strcmp(trial->settings.factory, kind) != 0)
                continue;
            t->x[used] = trial->recall;
            t->y[used] = 1e6 * trial->p50;
            if (trial->settings.parameter) {
                snprintf(t->label[used], LABEL, "%" PRIu32, trial->settings.parameter);
                t->labels[used] = t->label[used];
            }
            used++;
            series->n++;
        }
    }
    t->x[used] = choice->best.recall;
    t->y[used] = 1e6 * choice->best.p50;
    t->series[t->n++] = (mrq_plot_series){.name = "chosen", .x = t->x + used, .y = t->y + used, .n = 1, .points = true};
}

static mrq_status draw_trials(const mrq_choice *choice, mrq_writer *out, mrq_error *err)
{
    const size_t points = (size_t)choice->n + 1;
    MRQ_AUTOFREE double *x = mrq_array(points, sizeof *x);
    MRQ_AUTOFREE double *y = mrq_array(points, sizeof *y);
    MRQ_AUTOFREE char(*label)[LABEL] = mrq_array(points, sizeof *label);
    MRQ_AUTOFREE const char **labels = mrq_array(points, sizeof *labels);
    if (!x || !y || !label || !labels)
        return mrq_fail_memory(err, "drawing the recall");
    struct trials trials = {.x = x, .y = y, .label = label, .labels = labels};
    gather(choice, &trials);
    char mark[160];
    snprintf(mark, sizeof mark, "%s, %.4f, %.1f us", choice->best.settings.factory, choice->best.recall, 1e6 * choice->best.p50);
    const mrq_plot plot = {.title = "Recall and time of a query",
                           .about = "Each measured setting: recall@10 and median time of a query.",
                           .x_label = "recall@10",
                           .y_label = "median microseconds per query",
                           .log_y = true,
                           .series = trials.series,
                           .n_series = trials.n,
                           .mark = mark,
                           .mark_x = choice->best.recall,
                           .mark_y = 1e6 * choice->best.p50,
                           .mark_series = trials.n - 1};
    mrq_plot_draw(&plot, out);
    return MRQ_OK;
}

static mrq_status write_index(const mrq_rebuild_report *r, mrq_writer *out, mrq_error *err)
{
    if (!r->choice.trial)
        return MRQ_OK;
    mrq_writer_put(out, "<h2>Index</h2>\n<p>Chosen: ");
    put_text(out, r->choice.best.settings.factory);
    mrq_writer_put(
        out,
        ", recall@%d %.4f, median %.1f &#181;s, p99 %.1f &#181;s, on %" PRIu32 " queries that were not used for the choice.</p>\n",
        MRQ_RECALL_K, r->choice.best.recall, 1e6 * r->choice.best.p50, 1e6 * r->choice.best.p99, r->choice.best.n_queries);
    return draw_trials(&r->choice, out, err);
}

static void write_steps(const mrq_rebuild_options *o, const mrq_rebuild_report *r, mrq_writer *out)
{
    mrq_writer_put(out, "<h2>Steps</h2>\n<table>\n<tr><th>step</th><th class=\"n\">seconds</th></tr>\n");
    for (int i = 0; i < MRQ_STEPS; i++)
        if (!isnan(r->step[i]))
            mrq_writer_put(out, "<tr><th>%s</th><td class=\"n\">%.2f</td></tr>\n", mrq_step_names[i], r->step[i]);
    mrq_writer_put(out, "</table>\n<p>%" PRIu32 " answers warmed, %" PRIu32 " old generations removed.</p>\n", r->warmed,
                   r->pruned);
    if (!o->backend || isnan(r->step[MRQ_STEP_UPLOAD]))
        return;
    mrq_writer_put(out, "<p>");
    put_text(out, mrq_backend_label(o->backend));
    mrq_writer_put(out, " has %" PRIu32 " ", r->uploaded.rows);
    put_text(out, r->noun.many);
    mrq_writer_put(out, ", %" PRIu32 " of them sent; recall@%d %.4f, median %.1f &#181;s.</p>\n", r->uploaded.sent, MRQ_RECALL_K,
                   r->uploaded.measured.recall, 1e6 * r->uploaded.measured.p50);
}

static void write_settings(const mrq_rebuild_options *o, const mrq_rebuild_report *r, mrq_writer *out)
{
    char text[300];
    mrq_writer_put(out, "<h2>Data and settings</h2>\n<table>\n");
    put_pair(out, "data", o->data);
    if (*r->schema) {
        put_pair(out, "schema", r->schema);
        snprintf(text, sizeof text, "%" PRIu32 " users, %" PRIu32 " %s, %" PRIu64 " ratings", r->users, r->items, r->noun.many,
                 r->ratings);
        put_pair(out, "contents", text);
    }
    if (mrq_bad_total(&r->bad)) {
        char told[MRQ_BAD_TOLD];
        snprintf(text, sizeof text, "%" PRIu64 " of %" PRIu64 " rows: %s", mrq_bad_total(&r->bad), r->bad.rows,
                 mrq_bad_tell(&r->bad, told));
        put_pair(out, "left out", text);
    }
    put_pair(out, "model", o->model);
    put_pair(out, "index", o->index);
    snprintf(text, sizeof text, "recall %g; gates: shrink %g%s", o->recall, o->max_shrink, o->force ? "; forced" : "");
    put_pair(out, "limits", text);
    snprintf(text, sizeof text, "seed %" PRIu64 ", test share %g by hash, %" PRIu32 " threads, %" PRIu32 " generations kept",
             o->seed, o->test, o->threads, o->keep);
    put_pair(out, "run", text);
    mrq_writer_put(out, "</table>\n</body>\n</html>\n");
}

mrq_status mrq_report_html(const mrq_rebuild_options *options, const mrq_rebuild_report *report, mrq_writer *out, mrq_error *err)
{
    write_head(options, report, out);
    write_doubts(report, out);
    write_gates(report, out);
    write_generations(report, out);
    MRQ_TRY(write_curve(report, out, err));
    MRQ_TRY(write_index(report, out, err));
    write_steps(options, report, out);
    write_settings(options, report, out);
    return MRQ_OK;
}
