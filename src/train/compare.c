/* Users are compared in pairs: each has one value from either model, so that what makes a user easy or hard to serve cancels out.
 *
 * The limits allow for MRQ_COMPARED_NIGHTS comparisons in a row (Bonferroni). Rejected: 95 % for each night. A site that gains a
 * tenth of its users a night then loses every eightieth night to chance, measured on ml-100k, though its models get better.
 * Rejected: a bootstrap of the users. With few users it is too narrow, and a mean of zeros and three losses counts as a loss. */
#include "train/compare.h"

#include <math.h>
#include <stdlib.h>

#include "base/random.h"
#include "train/ranking.h"

enum { MEASURED_AT = 10, SUBSETS = 9999, STREAM_USERS = 0x636f6d70, STREAM_SUBSETS = 0x73756273 };

/* Users and items are rows of the newer model's tables. */
struct comparison {
    const mrq_model *newer, *older;
    mrq_arena *arena;
    uint32_t threads;
    uint32_t *older_user, *older_item; /* rows in the older model's tables, or MRQ_NONE */
    uint32_t *newer_item;              /* of the older model's items: their rows, or MRQ_NONE */
    mrq_links tested;                  /* the items to measure each user on; the ratings if the models predict ratings */
    uint32_t n_users, *user;           /* (n_users) those with such items */
};

static uint32_t *find_rows(const mrq_table *of, const mrq_table *in, mrq_arena *arena)
{
    uint32_t *row = mrq_arena_array(arena, of->rows, sizeof *row);
    for (uint32_t i = 0; row && i < of->rows; i++)
        row[i] = mrq_table_find(in, mrq_table_id(of, i), mrq_strings_size(&of->id, i));
    return row;
}

/* Both lists of each user that both models know, joined: the items that both know, ascending, each once. */
static mrq_status join(const struct comparison *c, const mrq_lists *newer, const mrq_lists *older, mrq_lists *out, mrq_error *err)
{
    const uint32_t users = c->newer->users->rows;
    uint64_t *offset = mrq_arena_array(c->arena, (size_t)users + 1, sizeof *offset);
    uint32_t *item = mrq_arena_array(c->arena, (size_t)(newer->offset[users] + older->offset[c->older->users->rows]), sizeof *item);
    if (!offset || !item)
        return mrq_fail_memory(err, "comparing models");
    for (uint32_t u = 0; u < users; u++) {
        const uint32_t old = c->older_user[u];
        const uint64_t first = offset[u];
        uint64_t n = first, kept = first;
        for (uint64_t i = newer->offset[u]; old != MRQ_NONE && i < newer->offset[u + 1]; i++)
            if (c->older_item[newer->item[i]] != MRQ_NONE)
                item[n++] = newer->item[i];
        for (uint64_t i = old == MRQ_NONE ? 0 : older->offset[old]; old != MRQ_NONE && i < older->offset[old + 1]; i++)
            if (c->newer_item[older->item[i]] != MRQ_NONE)
                item[n++] = c->newer_item[older->item[i]];
        mrq_list_sort(item + first, n - first);
        for (uint64_t i = first; i < n; i++)
            if (i == first || item[i] != item[i - 1])
                item[kept++] = item[i];
        offset[u + 1] = kept;
    }
    *out = (mrq_lists){offset, item};
    return MRQ_OK;
}

/* The older model's test ratings of which the newer one's data has user and item together. */
static mrq_status find_ratings(struct comparison *c, mrq_error *err)
{
    const uint32_t users = c->newer->users->rows;
    const mrq_links *from = &c->older->tested;
    const uint64_t most = from->list.offset[c->older->users->rows];
    uint64_t *offset = mrq_arena_array(c->arena, (size_t)users + 1, sizeof *offset);
    uint32_t *item = mrq_arena_array(c->arena, (size_t)most, sizeof *item);
    float *rating = mrq_arena_array(c->arena, (size_t)most, sizeof *rating);
    if (!offset || !item || !rating)
        return mrq_fail_memory(err, "comparing models");
    for (uint32_t u = 0; u < users; u++) {
        const uint32_t old = c->older_user[u];
        uint64_t n = offset[u];
        for (uint64_t i = old == MRQ_NONE ? 0 : from->list.offset[old]; old != MRQ_NONE && i < from->list.offset[old + 1]; i++) {
            const uint32_t found = c->newer_item[from->list.item[i]];
            if (found == MRQ_NONE || mrq_lists_find(&c->newer->seen, u, found) == UINT64_MAX)
                continue;
            item[n] = found;
            rating[n++] = from->strength[i];
        }
        offset[u + 1] = n;
    }
    c->tested = (mrq_links){{offset, item}, rating};
    return MRQ_OK;
}

/* Finds the users to compare, and what to measure them on. */
static mrq_status gather(struct comparison *c, mrq_error *err)
{
    const uint32_t users = c->newer->users->rows;
    mrq_random rng;
    if (!(c->older_user = find_rows(c->newer->users, c->older->users, c->arena)) ||
        !(c->older_item = find_rows(c->newer->items, c->older->items, c->arena)) ||
        !(c->newer_item = find_rows(c->older->items, c->newer->items, c->arena)) ||
        !(c->user = mrq_arena_array(c->arena, users, sizeof *c->user)))
        return mrq_fail_memory(err, "comparing models");
    MRQ_TRY(c->newer->results.ranks ? join(c, &c->newer->tested.list, &c->older->tested.list, &c->tested.list, err)
                                    : find_ratings(c, err));
    for (uint32_t u = 0; u < users; u++)
        if (c->tested.list.offset[u] < c->tested.list.offset[u + 1])
            c->user[c->n_users++] = u;
    if (c->n_users > MRQ_COMPARED_MAX) {
        mrq_random_init(&rng, c->newer->results.seed, STREAM_USERS);
        mrq_random_shuffle(&rng, c->user, c->n_users);
        c->n_users = MRQ_COMPARED_MAX;
    }
    return MRQ_OK;
}

/* A model, and the rows of users and items in its tables; NULL: the newer one, whose rows they are. */
struct measured {
    const struct comparison *c;
    mrq_model_scorer model;
    const uint32_t *user, *item;
};

/* Scores by the older model, in the places of the newer one's items. */
static mrq_status score_older(const void *context, const uint32_t *user, uint32_t n, float *out, mrq_error *err)
{
    const struct measured *m = context;
    const size_t items = m->c->newer->items->rows, its_items = m->model.model->items->rows;
    MRQ_AUTOFREE uint32_t *row = mrq_array(n, sizeof *row);
    MRQ_AUTOFREE float *score = mrq_array(n * its_items, sizeof *score);
    if (!row || !score)
        return mrq_fail_memory(err, "comparing models");
    for (uint32_t i = 0; i < n; i++)
        row[i] = m->user[user[i]];
    MRQ_TRY(mrq_score_items(&m->model, row, n, score, err));
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < items; j++)
            if (m->item[j] != MRQ_NONE)
                out[i * items + j] = score[i * its_items + m->item[j]];
    return MRQ_OK;
}

/* The NDCG of each user. */
static mrq_status measure_ranking(const struct measured *m, const mrq_lists *hidden, double *out, mrq_error *err)
{
    const struct comparison *c = m->c;
    const uint32_t items = c->newer->items->rows;
    MRQ_AUTOFREE unsigned char *candidate = mrq_array(items, sizeof *candidate);
    MRQ_AUTOFREE uint32_t *top = mrq_array((size_t)c->n_users * MEASURED_AT, sizeof *top);
    if (!candidate || !top)
        return mrq_fail_memory(err, "comparing models");
    for (uint32_t i = 0; i < items; i++)
        candidate[i] = c->older_item[i] != MRQ_NONE;
    const mrq_rank_task task = {.items = items,
                                .user = c->user,
                                .n_users = c->n_users,
                                .hidden = *hidden,
                                .candidate = candidate,
                                .k = MEASURED_AT,
                                .threads = c->threads};
    MRQ_TRY(m->item ? mrq_rank(&task, score_older, m, top, err) : mrq_rank(&task, mrq_score_items, &m->model, top, err));
    for (uint32_t i = 0; i < c->n_users; i++) {
        const uint64_t *of = c->tested.list.offset + c->user[i];
        out[i] = mrq_rank_measure(top + (size_t)i * MEASURED_AT, MEASURED_AT, c->tested.list.item + of[0], of[1] - of[0]).ndcg;
    }
    return MRQ_OK;
}

/* The RMSE of each user. */
static mrq_status measure_ratings(const struct measured *m, double *out, mrq_error *err)
{
    const struct comparison *c = m->c;
    for (uint32_t i = 0; i < c->n_users; i++) {
        const uint32_t user = c->user[i], row = m->user ? m->user[user] : user;
        const uint64_t *of = c->tested.list.offset + user;
        double sum = 0;
        for (uint64_t e = of[0]; e < of[1]; e++) {
            const uint32_t item = c->tested.list.item[e];
            const double error =
                mrq_score(m->model.model, m->model.vectors, row, m->item ? m->item[item] : item) - (double)c->tested.strength[e];
            sum += error * error;
        }
        out[i] = sqrt(sum / (double)(of[1] - of[0]));
        if (!isfinite(out[i]))
            return mrq_fail(err, MRQ_FAILED, "a model's score of a rating is not a finite number");
    }
    return MRQ_OK;
}

static mrq_status measure(const struct comparison *c, const mrq_model *model, const mrq_lists *hidden, double *out, mrq_error *err)
{
    MRQ_CLEANUP(mrq_arena_free) mrq_arena *arena = mrq_arena_new();
    mrq_vectors vectors;
    if (!arena)
        return mrq_fail_memory(err, "comparing models");
    MRQ_TRY(mrq_vectors_make(model, arena, &vectors, err));
    MRQ_TRY(mrq_vectors_update(model, &vectors, err));
    struct measured m = {.c = c, .model = {model, &vectors}};
    if (model == c->older) {
        m.user = c->older_user;
        m.item = c->older_item;
    }
    if (model->results.ranks)
        return measure_ranking(&m, hidden, out, err);
    return measure_ratings(&m, out, err);
}

/* Measures both models and sums up. */
static mrq_status sum_up(const struct comparison *c, mrq_comparison *out, mrq_error *err)
{
    const bool ranks = c->newer->results.ranks;
    double *newer = mrq_arena_array(c->arena, c->n_users, sizeof *newer);
    double *older = mrq_arena_array(c->arena, c->n_users, sizeof *older);
    double *gain = mrq_arena_array(c->arena, c->n_users, sizeof *gain);
    mrq_lists hidden = {0};
    if (!newer || !older || !gain)
        return mrq_fail_memory(err, "comparing models");
    if (ranks)
        MRQ_TRY(join(c, &c->newer->likes.list, &c->older->likes.list, &hidden, err));
    MRQ_TRY(measure(c, c->newer, &hidden, newer, err));
    MRQ_TRY(measure(c, c->older, &hidden, older, err));
    out->newer = out->older = out->gain = 0;
    for (uint32_t i = 0; i < c->n_users; i++) {
        gain[i] = ranks ? newer[i] - older[i] : older[i] - newer[i];
        out->newer += newer[i] / c->n_users;
        out->older += older[i] / c->n_users;
        out->gain += gain[i] / c->n_users;
    }
    return mrq_paired_interval(gain, c->n_users, &out->low, &out->high, err);
}

mrq_status mrq_compare(const mrq_model *newer, const mrq_model *older, uint32_t threads, mrq_comparison *out, mrq_error *err)
{
    MRQ_CLEANUP(mrq_arena_free) mrq_arena *arena = mrq_arena_new();
    struct comparison c = {.newer = newer, .older = older, .arena = arena, .threads = threads};
    mrq_comparison made = {0, 0, NAN, NAN, NAN, NAN, NAN};
    if (!arena)
        return mrq_fail_memory(err, "comparing models");
    if (older->results.tested && newer->results.tested)
        MRQ_TRY(gather(&c, err));
    made.users = c.n_users;
    for (uint32_t i = 0; i < c.n_users; i++)
        made.events += c.tested.list.offset[c.user[i] + 1] - c.tested.list.offset[c.user[i]];
    if (c.n_users >= MRQ_COMPARED_MIN)
        MRQ_TRY(sum_up(&c, &made, err));
    *out = made;
    return MRQ_OK;
}

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The mean of a random subset; NaN if it is empty. */
static double subset_mean(mrq_random *rng, const double *difference, uint32_t n)
{
    double sum = 0;
    uint32_t taken = 0;
    uint64_t bits = 0;
    for (uint32_t i = 0; i < n; i++) {
        bits = i % 64 ? bits >> 1 : mrq_random_bits(rng);
        sum += bits & 1 ? difference[i] : 0;
        taken += (uint32_t)(bits & 1);
    }
    return sum / taken;
}

/* A limit has this share of all subsets beyond it, the whole sample included, which is always, and an empty subset, which is beyond
 * any. */
mrq_status mrq_paired_interval(const double *difference, uint32_t n, double *low, double *high, mrq_error *err)
{
    uint32_t beyond = (uint32_t)((1 - MRQ_COMPARED_CONFIDENCE) / MRQ_COMPARED_NIGHTS * (SUBSETS + 1)), drawn = 0;
    MRQ_AUTOFREE double *mean = mrq_array(SUBSETS, sizeof *mean);
    mrq_random rng;
    if (!mean)
        return mrq_fail_memory(err, "comparing models");
    mrq_random_init(&rng, n, STREAM_SUBSETS);
    for (uint32_t s = 0; s < SUBSETS; s++) {
        const double value = subset_mean(&rng, difference, n);
        if (isnan(value))
            beyond--;
        else
            mean[drawn++] = value;
    }
    qsort(mean, drawn, sizeof *mean, ascending);
    *low = mean[beyond - 1];
    *high = mean[drawn - beyond];
    return MRQ_OK;
}
