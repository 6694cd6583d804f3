/* Results of an experiment. For a person there are four tables: measures @10 with their intervals, those @5 and @20, what is
 * recommended, and how well each group of users is served by the models. JSON holds the same of every candidate. */
#include "print_eval.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"
#include "engine/json.h"

enum { NAME = 20, DIGITS = 6 };

void add_note(eval_report *report, const char *format, ...)
{
    if (report->n_notes == EVAL_NOTES_MAX)
        return;
    va_list args;
    va_start(args, format);
    vsnprintf(report->note[report->n_notes++], sizeof *report->note, format, args);
    va_end(args);
}

static void print_padded(const char *text, int width)
{
    const int columns = (int)mrq_utf8_columns(text);
    printf("%s%*s", text, width > columns ? width - columns : 0, "");
}

/* ".2098", "1.0000", or "-". */
static const char *short_number(double value, char out[16])
{
    if (isnan(value))
        return strcpy(out, "-");
    snprintf(out, 16, "%.4f", value);
    return *out == '0' ? out + 1 : out;
}

/* ".2098 (.2050-.2146)" in 22 columns. */
static void print_estimate(const mrq_estimate *e)
{
    char mean[16], low[16], high[16], all[64];
    snprintf(all, sizeof all, "%s (%s-%s)", short_number(e->mean, mean), short_number(e->low, low), short_number(e->high, high));
    printf("  %-20s", all);
}

static void print_number(double value, int width)
{
    char text[16];
    printf("%*s", width, short_number(value, text));
}

static void print_stars(const eval_report *r)
{
    uint64_t rated = 0; /* by those who predict */
    for (uint32_t i = 0; i < r->experiment.n; i++)
        rated = r->result[i].summary.rated > rated ? r->result[i].summary.rated : rated;
    printf("\npredicted stars, %llu test ratings, with 95%% intervals\n%-*s  %-20s  %-20s  train s\n",
           (unsigned long long)rated / (r->experiment.seeds ? r->experiment.seeds : 1), NAME, "", "RMSE", "MAE");
    for (uint32_t i = 0; i < r->experiment.n; i++) {
        const mrq_experiment_result *result = &r->result[i];
        if (!result->summary.rated)
            continue;
        print_padded(r->candidate[i].name, NAME);
        print_estimate(&result->summary.rmse);
        print_estimate(&result->summary.mae);
        isnan(result->train_seconds) ? printf("        -\n") : printf("  %7.2f\n", result->train_seconds);
    }
}

static void print_measures(const eval_report *r)
{
    printf("\n@10, with 95%% intervals\n%-*s", NAME, "");
    for (uint32_t k = 0; k < MRQ_MEASURES; k++)
        printf("  %-20s", mrq_measure_names[k]);
    putchar('\n');
    for (uint32_t i = 0; i < r->experiment.n; i++) {
        if (!r->result[i].summary.seeds)
            continue;
        print_padded(r->candidate[i].name, NAME);
        for (uint32_t k = 0; k < MRQ_MEASURES; k++)
            print_estimate(&r->result[i].summary.measure[MRQ_AT_10][k]);
        putchar('\n');
    }
}

static void print_other_cuts(const eval_report *r)
{
    printf("\n%-*s", NAME, "");
    for (uint32_t c = 0; c < MRQ_CUTS; c++)
        for (uint32_t k = 0; k < MRQ_MEASURES && c != MRQ_AT_10; k++) {
            char name[32];
            snprintf(name, sizeof name, "%.6s@%u", mrq_measure_names[k], mrq_cuts[c]);
            printf(" %9s", name);
        }
    putchar('\n');
    for (uint32_t i = 0; i < r->experiment.n; i++) {
        if (!r->result[i].summary.seeds)
            continue;
        print_padded(r->candidate[i].name, NAME);
        for (uint32_t c = 0; c < MRQ_CUTS; c++)
            for (uint32_t k = 0; k < MRQ_MEASURES && c != MRQ_AT_10; k++)
                print_number(r->result[i].summary.measure[c][k].mean, 10);
        putchar('\n');
    }
}

static void print_choice(const eval_report *r)
{
    printf("\ntop 10s: coverage is the share of the %s that anybody is shown, popularity the share of the training users who like "
           "what is shown,\ndiversity 1 - the likeness of genres within a list; seconds to train and to rank\n"
           "%-*s   coverage popularity  diversity  train s   rank s\n",
           r->experiment.data->items->noun.many, NAME, "");
    for (uint32_t i = 0; i < r->experiment.n; i++) {
        const mrq_experiment_result *result = &r->result[i];
        if (!result->summary.seeds)
            continue;
        print_padded(r->candidate[i].name, NAME);
        print_number(result->summary.coverage, 11);
        print_number(result->summary.popularity, 11);
        print_number(result->summary.diversity, 11);
        isnan(result->train_seconds) ? printf("        -") : printf(" %8.2f", result->train_seconds);
        printf(" %8.2f\n", result->rank_seconds);
    }
}

static const char *group_name(const mrq_group *group)
{
    return mrq_strings_at(group->column->label.n ? &group->column->label : &group->column->dict, group->value);
}

/* Of a handful of users an interval says nothing. */
static bool is_below(const mrq_group *group, const mrq_estimate *estimate, const mrq_estimate *overall)
{
    enum { ENOUGH = 20 };
    return group->users >= ENOUGH && estimate->high < overall->mean;
}

/* Of the models; of all where there is none. */
static void print_groups(const eval_report *r)
{
    bool models = false, any = false;
    for (uint32_t i = 0; i < r->experiment.n; i++) {
        models = models || r->candidate[i].description || r->candidate[i].model;
        any = any || r->result[i].summary.n_groups;
    }
    if (!any)
        return;
    printf("\nby group of users; < marks one of 20 and more whose interval lies below the mean of all\n%-*s  %-12s%-16s%8s    "
           "%-22s  %-20s\n",
           NAME, "", "", "", "users", "ndcg@10", "recall@10");
    for (uint32_t i = 0; i < r->experiment.n; i++) {
        const mrq_summary *s = &r->result[i].summary;
        if (models && !r->candidate[i].description && !r->candidate[i].model)
            continue;
        for (uint32_t g = 0; g < s->n_groups; g++) {
            const mrq_group *group = &s->group[g];
            print_padded(g ? "" : r->candidate[i].name, NAME);
            printf("  ");
            print_padded(group->column->name, 12);
            print_padded(group_name(group), 16);
            printf("%8u  ", group->users);
            print_estimate(&group->ndcg);
            printf(" %c", is_below(group, &group->ndcg, &s->measure[MRQ_AT_10][MRQ_NDCG]) ? '<' : ' ');
            print_estimate(&group->recall);
            printf(" %s\n", is_below(group, &group->recall, &s->measure[MRQ_AT_10][MRQ_RECALL]) ? "<" : "");
        }
    }
}

static void print_report(const eval_report *r)
{
    const mrq_experiment *experiment = &r->experiment;
    bool stars = false, ranks = false;
    uint32_t users = 0;
    for (uint32_t i = 0; i < experiment->n; i++) {
        stars = stars || r->result[i].summary.rated;
        ranks = ranks || r->result[i].summary.seeds;
        users = users > r->result[i].summary.ranked_users ? users : r->result[i].summary.ranked_users;
    }
    char meaning[MRQ_PROTOCOL_MEANING];
    mrq_protocol_meaning(experiment->protocol, &experiment->data->items->noun, meaning);
    printf("protocol %s: %s.\n", mrq_protocol_names[experiment->protocol], meaning);
    char like[40] = "Every event is a like";
    if (isfinite(mrq_like_least(experiment->data)))
        snprintf(like, sizeof like, "A like is a rating of %g or more", mrq_like_least(experiment->data));
    if (ranks)
        printf("%s; %u users were asked%s.\n", like, users,
               experiment->on_valid
                   ? ", for the validation part: only training likes are hidden, and the test part is not looked at"
                   : "");
    if (experiment->seeds > 1)
        printf("Mean over the seeds %llu to %llu.\n", (unsigned long long)experiment->seed,
               (unsigned long long)(experiment->seed + experiment->seeds - 1));
    for (uint32_t i = 0; i < experiment->n; i++)
        if (!r->candidate[i].description && !r->candidate[i].model)
            printf("%s: %s\n", r->candidate[i].name, mrq_baseline_meanings[r->candidate[i].baseline]);
    for (uint32_t i = 0; i < r->n_notes; i++)
        printf("note: %s\n", r->note[i]);
    if (stars)
        print_stars(r);
    if (ranks) {
        print_measures(r);
        print_other_cuts(r);
        print_choice(r);
        print_groups(r);
    }
    if (r->index)
        printf("\nindex: of %u known users, %.2f%% get the ten %s of the exact ranking, %.2f%% in its order\n", r->index->users,
               100 * r->index->sets, r->experiment.data->items->noun.many, 100 * r->index->lists);
}

void print_reports(const eval_report *report, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        if (i)
            putchar('\n');
        print_report(&report[i]);
    }
}

static bool add_estimate(cJSON *object, const char *key, const mrq_estimate *e)
{
    cJSON *estimate = cJSON_CreateObject();
    const bool made = estimate && mrq_json_add_rounded(estimate, "mean", e->mean, DIGITS) &&
                      mrq_json_add_rounded(estimate, "low", e->low, DIGITS) &&
                      mrq_json_add_rounded(estimate, "high", e->high, DIGITS);
    return mrq_json_add_made(object, key, estimate) && made;
}

static bool add_seeds(cJSON *object, const char *key, const double *value, uint32_t n)
{
    cJSON *array = cJSON_AddArrayToObject(object, key);
    bool done = array != NULL;
    for (uint32_t i = 0; done && i < n; i++)
        done = cJSON_AddItemToArray(array, cJSON_CreateNumber(round(value[i] * 1e6) / 1e6));
    return done;
}

static bool add_groups(cJSON *row, const mrq_summary *s)
{
    cJSON *groups = cJSON_AddArrayToObject(row, "groups");
    bool done = groups != NULL;
    for (uint32_t g = 0; done && g < s->n_groups; g++) {
        const mrq_group *group = &s->group[g];
        cJSON *object = mrq_json_append_object(groups);
        done = mrq_json_add_clean(object, "column", group->column->name) &&
               mrq_json_add_clean(object, "value", mrq_strings_at(&group->column->dict, group->value)) &&
               (!group->column->label.n || mrq_json_add_clean(object, "label", group_name(group))) &&
               mrq_json_add_whole(object, "users", group->users) && add_estimate(object, "ndcg@10", &group->ndcg) &&
               add_estimate(object, "recall@10", &group->recall) &&
               cJSON_AddBoolToObject(object, "below", is_below(group, &group->ndcg, &s->measure[MRQ_AT_10][MRQ_NDCG]));
    }
    return done;
}

static bool add_rankings(cJSON *row, const mrq_summary *s)
{
    cJSON *measures = cJSON_AddObjectToObject(row, "measures");
    bool done = measures != NULL;
    for (uint32_t c = 0; c < MRQ_CUTS; c++)
        for (uint32_t k = 0; done && k < MRQ_MEASURES; k++) {
            char name[32];
            snprintf(name, sizeof name, "%s@%u", mrq_measure_names[k], mrq_cuts[c]);
            done = add_estimate(measures, name, &s->measure[c][k]);
        }
    cJSON *by_seed = cJSON_AddObjectToObject(row, "by_seed");
    return done && add_seeds(by_seed, "recall@10", s->recall, s->seeds) && add_seeds(by_seed, "ndcg@10", s->ndcg, s->seeds) &&
           mrq_json_add_rounded(row, "coverage", s->coverage, DIGITS) &&
           mrq_json_add_rounded(row, "popularity", s->popularity, DIGITS) &&
           mrq_json_add_rounded(row, "diversity", s->diversity, DIGITS) && add_groups(row, s);
}

static bool add_row(cJSON *rows, const mrq_candidate *c, const mrq_experiment_result *result)
{
    const mrq_summary *s = &result->summary;
    const char *kind = c->model ? "trained" : c->description ? "model" : "baseline";
    cJSON *row = mrq_json_append_object(rows), *seconds = row ? cJSON_AddObjectToObject(row, "seconds") : NULL;
    return seconds && mrq_json_add_clean(row, "name", c->name) && cJSON_AddStringToObject(row, "kind", kind) &&
           (c->model || c->description || cJSON_AddStringToObject(row, "method", mrq_baseline_meanings[c->baseline])) &&
           mrq_json_add_rounded(seconds, "train", result->train_seconds, 3) &&
           mrq_json_add_rounded(seconds, "rank", result->rank_seconds, 3) &&
           (!s->rated || (add_estimate(row, "rmse", &s->rmse) && add_estimate(row, "mae", &s->mae))) &&
           (!s->seeds || add_rankings(row, s));
}

static bool add_report(cJSON *reports, const eval_report *r)
{
    const mrq_experiment *experiment = &r->experiment;
    cJSON *report = mrq_json_append_object(reports);
    char meaning[MRQ_PROTOCOL_MEANING];
    mrq_protocol_meaning(experiment->protocol, &experiment->data->items->noun, meaning);
    bool done = report && cJSON_AddStringToObject(report, "protocol", mrq_protocol_names[experiment->protocol]) &&
                mrq_json_add_clean(report, "definition", meaning) &&
                cJSON_AddStringToObject(report, "part", experiment->on_valid ? "valid" : "test") &&
                mrq_json_add_whole(report, "users", r->experiment.n ? r->result[0].summary.ranked_users : 0);
    cJSON *seeds = done ? cJSON_AddArrayToObject(report, "seeds") : NULL;
    done = seeds != NULL;
    for (uint32_t i = 0; done && i < experiment->seeds; i++)
        done = mrq_json_append_whole(seeds, (int64_t)experiment->seed + i);
    cJSON *rows = done ? cJSON_AddArrayToObject(report, "rows") : NULL,
          *notes = rows ? cJSON_AddArrayToObject(report, "notes") : NULL;
    done = notes != NULL;
    for (uint32_t i = 0; done && i < experiment->n; i++)
        done = add_row(rows, &r->candidate[i], &r->result[i]);
    for (uint32_t i = 0; done && i < r->n_notes; i++)
        done = mrq_json_append_clean(notes, r->note[i]);
    cJSON *index = done && r->index ? cJSON_AddObjectToObject(report, "index") : NULL;
    return done && (!r->index || (index && mrq_json_add_whole(index, "users", r->index->users) &&
                                  mrq_json_add_rounded(index, "same_set", r->index->sets, DIGITS) &&
                                  mrq_json_add_rounded(index, "same_order", r->index->lists, DIGITS)));
}

mrq_status print_reports_json(const mrq_dataset *data, const char *folder, const eval_report *report, uint32_t n, mrq_error *err)
{
    MRQ_CLEANUP(cJSON_Delete) cJSON *root = cJSON_CreateObject();
    cJSON *about = root && mrq_json_add_whole(root, "schema", 1) ? cJSON_AddObjectToObject(root, "data") : NULL;
    bool done = about && mrq_json_add_clean(about, "folder", folder) && mrq_json_add_clean(about, "schema", data->schema) &&
                mrq_json_add_whole(about, "users", data->users->rows) && mrq_json_add_whole(about, "items", data->items->rows) &&
                mrq_json_add_whole(about, "ratings", (int64_t)data->n) &&
                mrq_json_add_rounded(root, "like", mrq_like_least(data), DIGITS);
    cJSON *reports = done ? cJSON_AddArrayToObject(root, "protocols") : NULL;
    done = reports != NULL;
    for (uint32_t i = 0; done && i < n; i++)
        done = add_report(reports, &report[i]);
    char *text = done ? cJSON_PrintUnformatted(root) : NULL;
    if (!text)
        return mrq_fail_memory(err, "printing the results");
    puts(text);
    cJSON_free(text);
    return MRQ_OK;
}
