/* Results of an experiment. The text has four tables: measures @10 with their intervals; measures @5 and @20; coverage, popularity
 * and diversity; and the models' measures for each group of users. The JSON document has the same for every candidate. */
#include "print_eval.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"
#include "engine/json.h"

enum { NAME = 20, DIGITS = 6, TABLED = MRQ_RECALL_MIN }; /* TABLED: so many measures have intervals in the tables */

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
    uint64_t rated = 0; /* test ratings that a candidate predicted */
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

static void print_measures(const eval_report *r, const mrq_cuts *cuts)
{
    const uint32_t at = mrq_cuts_main(cuts);
    printf("\n@%u, with 95%% intervals\n%-*s", cuts->k[at], NAME, "");
    for (uint32_t k = 0; k < TABLED; k++)
        printf("  %-20s", mrq_measure_names[k]);
    putchar('\n');
    for (uint32_t i = 0; i < r->experiment.n; i++) {
        if (!r->result[i].summary.seeds)
            continue;
        print_padded(r->candidate[i].name, NAME);
        for (uint32_t k = 0; k < TABLED; k++)
            print_estimate(&r->result[i].summary.measure[at][k]);
        putchar('\n');
    }
}

static void print_cuts(const eval_report *r, const mrq_cuts *cuts)
{
    printf("\n%-*s     k", NAME, "");
    for (uint32_t k = 0; k < MRQ_MEASURES; k++)
        printf(" %10s", mrq_measure_names[k]);
    printf("        auc\n");
    for (uint32_t i = 0; i < r->experiment.n; i++) {
        const mrq_summary *s = &r->result[i].summary;
        for (uint32_t c = 0; s->seeds && c < cuts->n; c++) {
            print_padded(c ? "" : r->candidate[i].name, NAME);
            printf(" %5u", cuts->k[c]);
            for (uint32_t k = 0; k < MRQ_MEASURES; k++)
                print_number(s->measure[c][k].mean, 11);
            if (!c)
                print_number(s->auc.mean, 11);
            putchar('\n');
        }
    }
}

/* "+.0098 (+.0050 to +.0146)" in 27 columns. */
static void print_gain(const mrq_estimate *e)
{
    const double value[] = {e->mean, e->low, e->high};
    char part[3][20], number[16], all[80];
    for (int i = 0; i < 3; i++)
        snprintf(part[i], sizeof part[i], "%s%s",
                 isnan(value[i]) ? ""
                 : value[i] < 0  ? "-"
                                 : "+",
                 short_number(fabs(value[i]), number));
    snprintf(all, sizeof all, "%s (%s to %s)", part[0], part[1], part[2]);
    printf("  %-25s", all);
}

static void print_contrast(const eval_report *r, const mrq_cuts *cuts)
{
    const mrq_candidate *a = &r->candidate[r->experiment.compared[0]], *b = &r->candidate[r->experiment.compared[1]];
    printf("\n%s minus %s, with 95%% intervals by %d resamples of the same users\n    k", a->name, b->name, MRQ_CONTRAST_RESAMPLES);
    for (uint32_t k = 0; k < MRQ_PRECISION; k++)
        printf("  %-25s", mrq_measure_names[k]);
    printf("  auc\n");
    for (uint32_t c = 0; c < cuts->n; c++) {
        printf("%5u", cuts->k[c]);
        for (uint32_t k = 0; k < MRQ_PRECISION; k++)
            print_gain(&r->contrast.measure[c][k]);
        if (!c)
            print_gain(&r->contrast.auc);
        putchar('\n');
    }
}

static void print_choice(const eval_report *r)
{
    printf("\ntop 10s: coverage is the share of the %s recommended to any user, popularity the share of the training users who\n"
           "like a recommended %s, diversity 1 - the similarity of genres within a list; seconds to train and to rank\n"
           "%-*s   coverage popularity  diversity  train s   rank s\n",
           r->experiment.data->items->noun.many, r->experiment.data->items->noun.one, NAME, "");
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

/* The interval of a small group is too uncertain to mark. */
static bool is_below(const mrq_group *group, const mrq_estimate *estimate, const mrq_estimate *overall)
{
    enum { ENOUGH = 20 };
    return group->users >= ENOUGH && estimate->high < overall->mean;
}

/* "ndcg@10": a measure at the main cut. */
static const char *name_at(const mrq_cuts *cuts, uint32_t measure, char out[32])
{
    snprintf(out, 32, "%s@%u", mrq_measure_names[measure], cuts->k[mrq_cuts_main(cuts)]);
    return out;
}

/* Prints the groups of the models, or of all candidates if there are no models. */
static void print_groups(const eval_report *r, const mrq_cuts *cuts)
{
    bool models = false, any = false;
    for (uint32_t i = 0; i < r->experiment.n; i++) {
        models = models || r->candidate[i].description || r->candidate[i].model;
        any = any || r->result[i].summary.n_groups;
    }
    if (!any)
        return;
    char ndcg[32], recall[32];
    printf("\nby group of users; < marks a group of at least 20 users whose interval lies below the mean of all users\n%-*s  "
           "%-12s%-16s%8s    "
           "%-22s  %-20s\n",
           NAME, "", "", "", "users", name_at(cuts, MRQ_NDCG, ndcg), name_at(cuts, MRQ_RECALL, recall));
    const uint32_t at = mrq_cuts_main(cuts);
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
            printf(" %c", is_below(group, &group->ndcg, &s->measure[at][MRQ_NDCG]) ? '<' : ' ');
            print_estimate(&group->recall);
            printf(" %s\n", is_below(group, &group->recall, &s->measure[at][MRQ_RECALL]) ? "<" : "");
        }
    }
}

/* Whom items were ranked for, and what the measures mean. */
static void print_rankings_head(const eval_report *r, const mrq_experiment_result *first)
{
    const mrq_experiment *experiment = &r->experiment;
    char like[64] = "Every event is a like", times[96] = "";
    if (isfinite(mrq_like_least(experiment->data)))
        snprintf(like, sizeof like, "A like is a rating of %g or more", mrq_like_least(experiment->data));
    if (first->all > first->summary.asked)
        snprintf(times, sizeof times, " for %llu likes, of %llu chosen by the seed,", (unsigned long long)first->summary.asked,
                 (unsigned long long)first->all);
    else if (first->all)
        snprintf(times, sizeof times, " for %llu likes", (unsigned long long)first->all);
    printf("%s; items were ranked%s %s %u users%s.\n", like, times, *times ? "of" : "for", first->summary.ranked_users,
           experiment->on_valid ? ", for the validation part: only training likes are left out, and the test part is not used"
                                : "");
    printf("recall: hits / items to find; recall_min: hits / min(k, items to find); ndcg: divided by that of min(k, items to find) "
           "hits\nat the first places; auc: how often an item to find stands before another; equal scores share their places.\n");
}

/* The first candidate that ranks, or NULL. */
static const mrq_experiment_result *find_ranking(const eval_report *r)
{
    for (uint32_t i = 0; i < r->experiment.n; i++)
        if (r->result[i].summary.seeds)
            return &r->result[i];
    return NULL;
}

static void print_rankings(const eval_report *r, const mrq_cuts *cuts)
{
    print_measures(r, cuts);
    print_cuts(r, cuts);
    if (r->experiment.contrast)
        print_contrast(r, cuts);
    print_choice(r);
    print_groups(r, cuts);
}

static void print_report(const eval_report *r)
{
    const mrq_experiment *experiment = &r->experiment;
    const mrq_experiment_result *ranking = find_ranking(r);
    bool stars = false;
    for (uint32_t i = 0; i < experiment->n; i++)
        stars = stars || r->result[i].summary.rated;
    char meaning[MRQ_PROTOCOL_MEANING];
    mrq_protocol_meaning(experiment->protocol, &experiment->data->items->noun, meaning);
    printf("protocol %s: %s.\n", mrq_protocol_names[experiment->protocol], meaning);
    if (ranking)
        print_rankings_head(r, ranking);
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
    if (ranking)
        print_rankings(r, &ranking->summary.cuts);
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

static bool add_measures(cJSON *object, const mrq_cuts *cuts, const mrq_estimate measure[][MRQ_MEASURES], const mrq_estimate *auc)
{
    bool done = object != NULL;
    for (uint32_t c = 0; c < cuts->n; c++)
        for (uint32_t k = 0; done && k < MRQ_MEASURES; k++) {
            char name[32];
            snprintf(name, sizeof name, "%s@%u", mrq_measure_names[k], cuts->k[c]);
            done = add_estimate(object, name, &measure[c][k]);
        }
    return done && add_estimate(object, "auc", auc);
}

static bool add_groups(cJSON *row, const mrq_summary *s)
{
    char ndcg[32], recall[32];
    const uint32_t at = mrq_cuts_main(&s->cuts);
    cJSON *groups = cJSON_AddArrayToObject(row, "groups");
    bool done = groups != NULL;
    for (uint32_t g = 0; done && g < s->n_groups; g++) {
        const mrq_group *group = &s->group[g];
        cJSON *object = mrq_json_append_object(groups);
        done = mrq_json_add_clean(object, "column", group->column->name) &&
               mrq_json_add_clean(object, "value", mrq_strings_at(&group->column->dict, group->value)) &&
               (!group->column->label.n || mrq_json_add_clean(object, "label", group_name(group))) &&
               mrq_json_add_whole(object, "users", group->users) &&
               add_estimate(object, name_at(&s->cuts, MRQ_NDCG, ndcg), &group->ndcg) &&
               add_estimate(object, name_at(&s->cuts, MRQ_RECALL, recall), &group->recall) &&
               cJSON_AddBoolToObject(object, "below", is_below(group, &group->ndcg, &s->measure[at][MRQ_NDCG]));
    }
    return done;
}

static bool add_rankings(cJSON *row, const mrq_summary *s)
{
    char recall[32], ndcg[32];
    const bool done = add_measures(cJSON_AddObjectToObject(row, "measures"), &s->cuts, s->measure, &s->auc);
    cJSON *by_seed = cJSON_AddObjectToObject(row, "by_seed");
    return done && add_seeds(by_seed, name_at(&s->cuts, MRQ_RECALL, recall), s->recall, s->seeds) &&
           add_seeds(by_seed, name_at(&s->cuts, MRQ_NDCG, ndcg), s->ndcg, s->seeds) &&
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

/* {"first": "retrieval", "second": "ease", "measures": {...}}, the first minus the second. */
static bool add_contrast(cJSON *report, const eval_report *r, const mrq_cuts *cuts)
{
    cJSON *object = cJSON_AddObjectToObject(report, "compared");
    return object && mrq_json_add_clean(object, "first", r->candidate[r->experiment.compared[0]].name) &&
           mrq_json_add_clean(object, "second", r->candidate[r->experiment.compared[1]].name) &&
           mrq_json_add_whole(object, "resamples", MRQ_CONTRAST_RESAMPLES) &&
           add_measures(cJSON_AddObjectToObject(object, "measures"), cuts, r->contrast.measure, &r->contrast.auc);
}

static bool add_index(cJSON *report, const index_check *check)
{
    cJSON *index = cJSON_AddObjectToObject(report, "index");
    return index && mrq_json_add_whole(index, "users", check->users) &&
           mrq_json_add_rounded(index, "same_set", check->sets, DIGITS) &&
           mrq_json_add_rounded(index, "same_order", check->lists, DIGITS);
}

static bool add_report(cJSON *reports, const eval_report *r)
{
    const mrq_experiment *experiment = &r->experiment;
    const mrq_experiment_result *ranking = find_ranking(r);
    cJSON *report = mrq_json_append_object(reports);
    char meaning[MRQ_PROTOCOL_MEANING];
    mrq_protocol_meaning(experiment->protocol, &experiment->data->items->noun, meaning);
    bool done = report && cJSON_AddStringToObject(report, "protocol", mrq_protocol_names[experiment->protocol]) &&
                mrq_json_add_clean(report, "definition", meaning) &&
                cJSON_AddStringToObject(report, "part", experiment->on_valid ? "valid" : "test") &&
                mrq_json_add_whole(report, "users", ranking ? ranking->summary.ranked_users : 0) &&
                (!ranking || !ranking->all ||
                 (mrq_json_add_whole(report, "asked", (int64_t)ranking->summary.asked) &&
                  mrq_json_add_whole(report, "of", (int64_t)ranking->all)));
    cJSON *seeds = done ? cJSON_AddArrayToObject(report, "seeds") : NULL;
    done = seeds != NULL;
    for (uint32_t i = 0; done && i < experiment->seeds; i++)
        done = mrq_json_append_whole(seeds, (int64_t)experiment->seed + i);
    cJSON *rows = done ? cJSON_AddArrayToObject(report, "rows") : NULL,
          *notes = rows ? cJSON_AddArrayToObject(report, "notes") : NULL;
    done = notes != NULL;
    for (uint32_t i = 0; done && i < experiment->n; i++)
        done = *r->result[i].left_out || add_row(rows, &r->candidate[i], &r->result[i]);
    for (uint32_t i = 0; done && i < r->n_notes; i++)
        done = mrq_json_append_clean(notes, r->note[i]);
    done = done && (!experiment->contrast || add_contrast(report, r, &ranking->summary.cuts));
    return done && (!r->index || add_index(report, r->index));
}

static bool add_source(cJSON *about, eval_source source)
{
    return (!source.folder || mrq_json_add_clean(about, "folder", source.folder)) &&
           (!source.train || (mrq_json_add_clean(about, "train", source.train) && mrq_json_add_clean(about, "test", source.test)));
}

mrq_status print_reports_json(const mrq_dataset *data, eval_source source, const eval_report *report, uint32_t n, mrq_error *err)
{
    MRQ_CLEANUP(cJSON_Delete) cJSON *root = cJSON_CreateObject();
    cJSON *about = root && mrq_json_add_whole(root, "schema", 1) ? cJSON_AddObjectToObject(root, "data") : NULL;
    bool done = about && add_source(about, source) && mrq_json_add_clean(about, "schema", data->schema) &&
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
