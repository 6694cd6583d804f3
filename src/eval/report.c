/* The bootstrap resamples users, each with all measurements of all seeds: measurements of the same user are not independent, and
 * resampling them separately would make the interval too narrow. All measures use the same resamples. */
#include "eval/report.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"

uint32_t mrq_cuts_main(const mrq_cuts *cuts)
{
    for (uint32_t c = 0; c < cuts->n; c++)
        if (cuts->k[c] == 10)
            return c;
    return 0;
}

void mrq_cuts_measure(const mrq_cuts *cuts, const mrq_places *places, double *out)
{
    for (uint32_t c = 0; c < cuts->n; c++)
        mrq_places_measure(places, cuts->k[c], out + c * MRQ_MEASURES);
    out[cuts->n * MRQ_MEASURES] = mrq_places_auc(places);
}

static int by_size(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The `share` quantile of `n` sorted numbers, interpolated. */
static double quantile(const double *sorted, uint32_t n, double share)
{
    const double at = share * (n - 1);
    const uint32_t below = (uint32_t)at, above = below + 1 < n ? below + 1 : below;
    return sorted[below] + (at - below) * (sorted[above] - sorted[below]);
}

mrq_status mrq_bootstrap(const double *sum, const double *weight, const uint32_t *list, uint32_t n_list, uint32_t m,
                         uint32_t resamples, uint64_t seed, mrq_estimate *out, mrq_error *err)
{
    MRQ_AUTOFREE double *mean = mrq_array((size_t)m * resamples, sizeof *mean), *total = mrq_array(m, sizeof *total);
    MRQ_AUTOFREE uint32_t *row = mrq_array(n_list, sizeof *row);
    if (!mean || !total || !row)
        return mrq_fail_memory(err, "resampling users");
    uint32_t n = 0;
    for (uint32_t i = 0; i < n_list; i++)
        if (weight[list[i]] > 0)
            row[n++] = list[i];
    mrq_random rng;
    mrq_random_init(&rng, seed, 0xb007);
    for (uint32_t r = 0; r <= resamples; r++) { /* the last round uses each user once, for the mean */
        double all = 0;
        memset(total, 0, m * sizeof *total);
        for (uint32_t i = 0; i < n; i++) {
            const uint32_t user = row[r < resamples ? mrq_random_below(&rng, n) : i];
            all += weight[user];
            for (uint32_t j = 0; j < m; j++)
                total[j] += sum[(size_t)user * m + j];
        }
        for (uint32_t j = 0; j < m; j++) {
            if (r < resamples)
                mean[(size_t)j * resamples + r] = total[j] / all;
            else
                out[j].mean = n ? total[j] / all : (double)NAN;
        }
    }
    for (uint32_t j = 0; j < m; j++) {
        double *of = mean + (size_t)j * resamples;
        qsort(of, resamples, sizeof *of, by_size);
        out[j].low = n ? quantile(of, resamples, 0.025) : (double)NAN;
        out[j].high = n ? quantile(of, resamples, 0.975) : (double)NAN;
    }
    return MRQ_OK;
}

mrq_status mrq_report_make(const mrq_dataset *data, const mrq_cuts *cuts, uint32_t seeds, mrq_arena *arena, mrq_report *out,
                           mrq_error *err)
{
    const uint32_t users = data->users->rows;
    mrq_report report = {.arena = arena,
                         .data = data,
                         .cuts = *cuts,
                         .sum = mrq_arena_array(arena, users, mrq_cuts_columns(cuts) * sizeof(double)),
                         .weight = mrq_arena_array(arena, users, sizeof(double)),
                         .star_sum = mrq_arena_array(arena, users, 2 * sizeof(double)),
                         .star_weight = mrq_arena_array(arena, users, sizeof(double)),
                         .recall = mrq_arena_array(arena, seeds, sizeof(double)),
                         .ndcg = mrq_arena_array(arena, seeds, sizeof(double))};
    if (!report.sum || !report.weight || !report.star_sum || !report.star_weight || !report.recall || !report.ndcg)
        return mrq_fail_memory(err, "measuring");
    *out = report;
    return MRQ_OK;
}

static void add_measures(mrq_report *t, const mrq_parts *parts, const double *measured)
{
    const uint32_t columns = mrq_cuts_columns(&t->cuts), at = mrq_cuts_main(&t->cuts) * MRQ_MEASURES;
    double total[MRQ_CUTS_MAX * MRQ_MEASURES + 1] = {0};
    for (uint32_t i = 0; i < parts->n_users; i++) {
        const uint32_t user = parts->user[i];
        t->weight[user]++;
        for (uint32_t j = 0; j < columns; j++) {
            const double value = measured[(size_t)i * columns + j];
            t->sum[(size_t)user * columns + j] += value;
            total[j] += value / parts->n_users;
        }
    }
    for (uint32_t j = 0; j < columns; j++)
        t->mean[j] += total[j];
    t->recall[t->seeds] = total[at + MRQ_RECALL];
    t->ndcg[t->seeds] = total[at + MRQ_NDCG];
}

/* Adds the coverage and popularity of a seed's top 10s. */
static mrq_status add_choice(mrq_report *t, const mrq_parts *parts, const uint32_t *top, mrq_error *err)
{
    const uint32_t items = t->data->items->rows;
    const uint64_t *of = parts->likes.list.offset;
    MRQ_AUTOFREE uint32_t *likes = mrq_array(items, sizeof *likes);
    MRQ_AUTOFREE unsigned char *shown = mrq_array(items, 1);
    if (!likes || !shown)
        return mrq_fail_memory(err, "measuring");
    for (uint64_t i = 0; i < of[t->data->users->rows]; i++)
        likes[parts->likes.list.item[i]]++;
    double people = 0, sum = 0, n = 0, distinct = 0, ranked = 0;
    for (uint32_t u = 0; u < t->data->users->rows; u++)
        people += of[u + 1] > of[u];
    for (uint32_t i = 0; i < parts->n_users; i++)
        for (uint32_t k = 0; k < MRQ_TOP && top[(size_t)i * MRQ_TOP + k] != MRQ_NONE; k++) {
            const uint32_t item = top[(size_t)i * MRQ_TOP + k];
            sum += likes[item] / people;
            n++;
            distinct += !shown[item];
            shown[item] = 1;
        }
    for (uint32_t m = 0; m < items; m++)
        ranked += !parts->candidate || parts->candidate[m];
    t->coverage += distinct / ranked;
    t->popularity += parts->candidate ? NAN : sum / n;
    return MRQ_OK;
}

/* |A ∩ B| / |A ∪ B| of two items' genres; 1 if neither has any. */
static double jaccard(const mrq_lists *genres, uint32_t a, uint32_t b)
{
    uint64_t i = genres->offset[a], j = genres->offset[b], both = 0;
    const uint64_t end_i = genres->offset[a + 1], end_j = genres->offset[b + 1], all = end_i - i + end_j - j;
    while (i < end_i && j < end_j) {
        const uint32_t x = genres->item[i], y = genres->item[j];
        both += x == y;
        i += x <= y;
        j += y <= x;
    }
    return all ? (double)both / (double)(all - both) : 1;
}

static void add_diversity(mrq_report *t, const mrq_parts *parts, const uint32_t *top)
{
    const mrq_column *genres = mrq_table_first(t->data->items, MRQ_SET);
    if (!genres) {
        t->diversity = (double)NAN;
        return;
    }
    double sum = 0, lists = 0;
    for (uint32_t i = 0; i < parts->n_users; i++) {
        const uint32_t *list = top + (size_t)i * MRQ_TOP;
        double alike = 0, pairs = 0;
        for (uint32_t a = 0; a < MRQ_TOP && list[a] != MRQ_NONE; a++)
            for (uint32_t b = 0; b < a; b++, pairs++)
                alike += jaccard(&genres->list, list[a], list[b]);
        if (pairs > 0) {
            sum += 1 - alike / pairs;
            lists++;
        }
    }
    t->diversity += sum / lists;
}

mrq_status mrq_report_rankings(mrq_report *report, const mrq_parts *parts, const double *measured, const uint32_t *top,
                               mrq_error *err)
{
    add_measures(report, parts, measured);
    MRQ_TRY(add_choice(report, parts, top, err));
    add_diversity(report, parts, top);
    report->seeds++;
    return MRQ_OK;
}

void mrq_report_stars(mrq_report *report, uint32_t user, double predicted, double rating)
{
    const double error = predicted - rating;
    report->star_sum[2 * (size_t)user] += error * error;
    report->star_sum[2 * (size_t)user + 1] += fabs(error);
    report->star_weight[user]++;
}

static mrq_status sum_up_stars(const mrq_report *t, const uint32_t *all, uint64_t seed, mrq_summary *out, mrq_error *err)
{
    mrq_estimate of[2];
    MRQ_TRY(mrq_bootstrap(t->star_sum, t->star_weight, all, t->data->users->rows, 2, MRQ_RESAMPLES, seed, of, err));
    out->rmse = (mrq_estimate){sqrt(of[0].mean), sqrt(of[0].low), sqrt(of[0].high)};
    out->mae = of[1];
    for (uint32_t u = 0; u < t->data->users->rows; u++)
        out->rated += (uint64_t)t->star_weight[u];
    return MRQ_OK;
}

/* Adds the group of users with one value of a category, if there are any. */
static mrq_status sum_up_group(const mrq_report *t, const mrq_column *column, uint32_t value, uint32_t *list, uint64_t seed,
                               mrq_summary *out, mrq_error *err)
{
    uint32_t n = 0;
    for (uint32_t u = 0; u < t->data->users->rows; u++)
        if (column->code[u] == value && t->weight[u] > 0)
            list[n++] = u;
    if (!n)
        return MRQ_OK;
    mrq_estimate of[MRQ_CUTS_MAX * MRQ_MEASURES + 1];
    MRQ_TRY(mrq_bootstrap(t->sum, t->weight, list, n, mrq_cuts_columns(&t->cuts), MRQ_RESAMPLES, seed, of, err));
    const mrq_estimate *at = of + mrq_cuts_main(&t->cuts) * MRQ_MEASURES;
    out->group[out->n_groups++] = (mrq_group){column, value, n, at[MRQ_RECALL], at[MRQ_NDCG]};
    return MRQ_OK;
}

static mrq_status sum_up_groups(const mrq_report *t, uint32_t *list, uint64_t seed, mrq_summary *out, mrq_error *err)
{
    const mrq_table *users = t->data->users;
    out->group = mrq_arena_array(t->arena, (size_t)users->n_columns * MRQ_GROUP_VALUES, sizeof *out->group);
    if (!out->group)
        return mrq_fail_memory(err, "measuring");
    for (uint32_t c = 0; c < users->n_columns; c++) {
        const mrq_column *column = &users->column[c];
        for (uint32_t v = 0; column->kind == MRQ_CATEGORY && column->dict.n <= MRQ_GROUP_VALUES && v < column->dict.n; v++)
            MRQ_TRY(sum_up_group(t, column, v, list, seed, out, err));
    }
    return MRQ_OK;
}

/* From the columns of a report to its measures. */
static void put_in_place(const mrq_cuts *cuts, const mrq_estimate *from, mrq_estimate measure[][MRQ_MEASURES], mrq_estimate *auc)
{
    for (uint32_t c = 0; c < cuts->n; c++)
        memcpy(measure[c], from + c * MRQ_MEASURES, sizeof measure[c]);
    *auc = from[cuts->n * MRQ_MEASURES];
}

mrq_status mrq_report_sum_up(const mrq_report *report, uint64_t seed, mrq_summary *out, mrq_error *err)
{
    const uint32_t users = report->data->users->rows;
    mrq_summary s = {.seeds = report->seeds, .cuts = report->cuts, .recall = report->recall, .ndcg = report->ndcg};
    MRQ_AUTOFREE uint32_t *list = mrq_array(users, sizeof *list);
    if (!list)
        return mrq_fail_memory(err, "measuring");
    for (uint32_t u = 0; u < users; u++) {
        list[u] = u;
        s.ranked_users += report->weight[u] > 0;
        s.asked += (uint64_t)report->weight[u];
    }
    MRQ_TRY(sum_up_stars(report, list, seed, &s, err));
    mrq_estimate of[MRQ_CUTS_MAX * MRQ_MEASURES + 1];
    const uint32_t columns = mrq_cuts_columns(&report->cuts);
    MRQ_TRY(mrq_bootstrap(report->sum, report->weight, list, users, columns, MRQ_RESAMPLES, seed, of, err));
    for (uint32_t j = 0; j < columns; j++)
        of[j].mean = report->mean[j] / report->seeds;
    put_in_place(&report->cuts, of, s.measure, &s.auc);
    s.coverage = report->coverage / report->seeds;
    s.popularity = report->popularity / report->seeds;
    s.diversity = report->diversity / report->seeds;
    MRQ_TRY(sum_up_groups(report, list, seed, &s, err));
    *out = s;
    return MRQ_OK;
}

mrq_status mrq_report_contrast(const mrq_report *a, const mrq_report *b, uint64_t seed, mrq_contrast *out, mrq_error *err)
{
    const uint32_t users = a->data->users->rows, columns = mrq_cuts_columns(&a->cuts);
    MRQ_AUTOFREE double *difference = mrq_array(users, columns * sizeof *difference);
    MRQ_AUTOFREE uint32_t *list = mrq_array(users, sizeof *list);
    if (!difference || !list)
        return mrq_fail_memory(err, "comparing");
    for (size_t i = 0; i < (size_t)users * columns; i++)
        difference[i] = a->sum[i] - b->sum[i];
    for (uint32_t u = 0; u < users; u++)
        list[u] = u;
    mrq_estimate of[MRQ_CUTS_MAX * MRQ_MEASURES + 1];
    MRQ_TRY(mrq_bootstrap(difference, a->weight, list, users, columns, MRQ_CONTRAST_RESAMPLES, seed, of, err));
    for (uint32_t j = 0; j < columns; j++)
        of[j].mean = (a->mean[j] - b->mean[j]) / a->seeds;
    put_in_place(&a->cuts, of, out->measure, &out->auc);
    return MRQ_OK;
}
