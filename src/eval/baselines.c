/* Baselines use which items a user likes, not how much: all strengths in mrq_parts are 1, as in the papers that the methods come
 * from. EASE scores a block of users by one dense matrix product of their likes with its matrix: this is faster than adding rows of
 * a matrix that is larger than the CPU cache.
 *
 * The settings were chosen on ml-1m by NDCG@10 on the validation part of topn, and for cold-users on other seeds than the reported
 * ones. Tried: 20 to 400 neighbours and shrinkage 0 to 100, neighbours chosen per scored item or per liked item; ridge 1 to 300;
 * lambda 200 to 700. The chosen lambda is also within 0.01 of the best on ml-100k and ml-latest-small. */
#include "eval/baselines.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "eval/itemknn.h"
#include "model/gemm.h"
#include "model/lapack.h"
#include "train/itemitem.h"

#define TEXT_OF(x) #x
#define TEXT(x)    TEXT_OF(x)

#define RIDGE        100 /* demographic-popular: ridge penalty of the adjustments, in users */
#define VALUES_MAX   256 /* demographic-popular ignores categories with more values */
#define NEIGHBOURS   200 /* itemknn */
#define SHRINKAGE    20
#define EASE_LAMBDA  500
#define ITEMKNN_WORK 1e11 /* pairs of likes: some minutes */

const char *const mrq_baseline_names[] = {"bias",    "random", "popular", "genre-popular", "demographic-popular",
                                          "itemknn", "ease",   NULL};
const char *const mrq_baseline_meanings[] = {
    "mean + user's bias + item's bias, damped",
    "in random order",
    "by number of training likes",
    "by the mean likes of training items that share its genres, averaged over its genres",
    "share of users who like it, adjusted by each of the user's categories: ridge regression, penalty " TEXT(RIDGE),
    "sum of an item's cosines with those of its " TEXT(NEIGHBOURS) " nearest that the user likes, shrinkage " TEXT(
        SHRINKAGE) "; by number of likes for users without likes",
    "EASE (Steck 2019), lambda " TEXT(EASE_LAMBDA) "; by number of likes for users without likes",
    NULL,
};

const char *mrq_baseline_unfit(mrq_baseline_kind kind, mrq_protocol protocol, const mrq_dataset *data)
{
    const bool related = kind == MRQ_BASELINE_ITEMKNN || kind == MRQ_BASELINE_EASE;
    if (kind == MRQ_BASELINE_BIAS)
        return protocol == MRQ_PROTOCOL_RATING || protocol == MRQ_PROTOCOL_OWN ? NULL : "predicts stars, it does not rank";
    if (protocol == MRQ_PROTOCOL_RATING)
        return "ranks, it does not predict stars";
    if (protocol == MRQ_PROTOCOL_COLD_ITEMS && kind != MRQ_BASELINE_RANDOM && kind != MRQ_BASELINE_GENRES)
        return "cannot score a new item";
    if (protocol == MRQ_PROTOCOL_COLD_USERS && related)
        return "knows likes alone, and a new user has none";
    if (kind == MRQ_BASELINE_DEMOGRAPHIC && !mrq_table_first(data->users, MRQ_CATEGORY))
        return "needs users with categories";
    if (kind == MRQ_BASELINE_GENRES && !mrq_table_first(data->items, MRQ_SET))
        return "needs items with genres";
    return NULL;
}

bool mrq_baseline_usual(mrq_baseline_kind kind, mrq_protocol protocol, const mrq_dataset *data)
{
    const bool plain = kind == MRQ_BASELINE_RANDOM || kind == MRQ_BASELINE_GENRES;
    return !mrq_baseline_unfit(kind, protocol, data) && (!plain || protocol == MRQ_PROTOCOL_COLD_ITEMS);
}

/* Counts the likes of each item; (items) in the arena. */
static mrq_status count_likes(mrq_ranker *r, float **out, mrq_error *err)
{
    float *count = mrq_arena_array(r->arena, r->data->items->rows, sizeof *count);
    if (!count)
        return mrq_fail_memory(err, "counting likes");
    for (uint64_t i = 0; i < r->likes->list.offset[r->data->users->rows]; i++)
        count[r->likes->list.item[i]]++;
    *out = count;
    return MRQ_OK;
}

/* genre-popular: averages the likes of each genre's items, without the candidates, which have none in the training part. */
static mrq_status learn_genres(mrq_ranker *r, const unsigned char *asked, mrq_error *err)
{
    const mrq_column *genres = mrq_table_first(r->data->items, MRQ_SET);
    const uint32_t items = r->data->items->rows, n = genres->dict.n;
    const uint64_t *of = genres->list.offset;
    MRQ_AUTOFREE double *sum = mrq_array((size_t)n + 1, sizeof *sum), *count = mrq_array((size_t)n + 1, sizeof *count);
    float *likes = NULL;
    if (!sum || !count)
        return mrq_fail_memory(err, "counting likes");
    MRQ_TRY(count_likes(r, &likes, err));
    for (uint32_t m = 0; m < items; m++) {
        if (asked && asked[m])
            continue;
        sum[n] += (double)likes[m]; /* the last place averages all items */
        count[n]++;
        for (uint64_t i = of[m]; i < of[m + 1]; i++) {
            sum[genres->list.item[i]] += (double)likes[m];
            count[genres->list.item[i]]++;
        }
    }
    for (uint32_t g = 0; g <= n; g++)
        sum[g] = count[g] > 0 ? sum[g] / count[g] : 0;
    for (uint32_t m = 0; m < items; m++) {
        double score = of[m] == of[m + 1] ? sum[n] : 0;
        for (uint64_t i = of[m]; i < of[m + 1]; i++)
            score += sum[genres->list.item[i]] / (double)(of[m + 1] - of[m]);
        likes[m] = (float)score;
    }
    r->score = likes;
    return MRQ_OK;
}

/* The categories that demographic-popular uses; `first` is the offset of each one's values in the list of all values. */
static uint32_t find_categories(const mrq_table *users, const mrq_column **column, uint32_t *first, uint32_t *n_values)
{
    uint32_t n = 0;
    *n_values = 0;
    for (uint32_t c = 0; c < users->n_columns; c++)
        if (users->column[c].kind == MRQ_CATEGORY && users->column[c].dict.n <= VALUES_MAX) {
            column[n] = &users->column[c];
            first[n++] = *n_values;
            *n_values += users->column[c].dict.n;
        }
    return n;
}

/* demographic-popular: ridge regression of "the user likes the item" minus the item's share of users, on the user's values. */
static mrq_status learn_demographics(mrq_ranker *r, mrq_error *err)
{
    const mrq_table *users = r->data->users;
    const uint32_t items = r->data->items->rows;
    const mrq_lists *likes = &r->likes->list;
    const mrq_column *column[MRQ_COLUMNS_MAX];
    uint32_t first[MRQ_COLUMNS_MAX], v;
    const uint32_t n = find_categories(users, column, first, &v);
    MRQ_AUTOFREE float *a = mrq_array((size_t)v * v, sizeof *a), *b = mrq_array((size_t)items * v, sizeof *b),
                       *have = mrq_array(v, sizeof *have);
    r->n_values = v;
    r->adjust = mrq_arena_array(r->arena, (size_t)v * items, sizeof *r->adjust);
    if (!a || !b || !have || !r->adjust)
        return mrq_fail_memory(err, "counting likes");
    MRQ_TRY(count_likes(r, &r->score, err));
    MRQ_TRY(mrq_blas_check(err));
    float people = 0;
    for (uint32_t u = 0; u < users->rows; u++) {
        if (likes->offset[u] == likes->offset[u + 1])
            continue;
        people++;
        for (uint32_t c = 0; c < n; c++) {
            const uint32_t value = first[c] + column[c]->code[u];
            have[value]++;
            for (uint32_t d = 0; d < n; d++)
                a[(size_t)value * v + first[d] + column[d]->code[u]]++;
            for (uint64_t i = likes->offset[u]; i < likes->offset[u + 1]; i++)
                b[(size_t)likes->item[i] * v + value]++;
        }
    }
    for (uint32_t i = 0; i < v; i++)
        a[(size_t)i * v + i] += RIDGE;
    for (uint32_t m = 0; m < items; m++) {
        r->score[m] /= people;
        for (uint32_t i = 0; i < v; i++)
            b[(size_t)m * v + i] -= have[i] * r->score[m];
    }
    if (v)
        MRQ_TRY(mrq_solve(a, v, b, items, err));
    for (uint32_t m = 0; m < items; m++)
        for (uint32_t i = 0; i < v; i++)
            r->adjust[(size_t)i * items + m] = b[(size_t)m * v + i];
    return MRQ_OK;
}

static mrq_status relate_items(mrq_ranker *r, uint32_t threads, mrq_error *err)
{
    const uint32_t users = r->data->users->rows, items = r->data->items->rows;
    MRQ_TRY(count_likes(r, &r->score, err));
    if (r->kind == MRQ_BASELINE_ITEMKNN)
        return mrq_itemknn_make(&r->likes->list, users, items, NEIGHBOURS, SHRINKAGE, threads, r->arena, &r->near, err);
    MRQ_TRY(mrq_most_liked(r->likes, users, items, r->arena, &r->related, err));
    r->n = r->related.n;
    r->matrix = mrq_arena_array(r->arena, (size_t)r->n * r->n, sizeof *r->matrix);
    MRQ_AUTOFREE float *each = mrq_array(r->n, sizeof *each);
    if (!r->matrix || !each)
        return mrq_fail_memory(err, "relating items");
    MRQ_TRY(mrq_gram(r->likes, users, items, r->related.place, r->n, threads, r->matrix, err));
    for (uint32_t i = 0; i < r->n; i++)
        each[i] = EASE_LAMBDA;
    return mrq_ease(r->matrix, r->n, each, threads, err);
}

bool mrq_baseline_too_large(mrq_baseline_kind kind, const mrq_dataset *data, const mrq_parts *parts, char why[MRQ_BASELINE_WHY])
{
    const uint32_t items = data->items->rows, users = data->users->rows;
    const mrq_lists *likes = &parts->likes.list;
    if (kind == MRQ_BASELINE_ITEMKNN) {
        const uint64_t work = mrq_itemknn_work(likes, users);
        snprintf(why, MRQ_BASELINE_WHY, "%.3g pairs of likes of the same user, want at most %.3g", (double)work, ITEMKNN_WORK);
        return (double)work > ITEMKNN_WORK;
    }
    if (kind != MRQ_BASELINE_EASE || items <= MRQ_RELATED_MAX)
        return false;
    MRQ_AUTOFREE unsigned char *liked = mrq_array(items, 1);
    uint32_t n = 0;
    for (uint64_t i = 0; liked && i < likes->offset[users]; i++) {
        n += !liked[likes->item[i]];
        liked[likes->item[i]] = 1;
    }
    snprintf(why, MRQ_BASELINE_WHY, "it relates %u %s by a dense matrix, want at most %d", n, data->items->noun.many,
             MRQ_RELATED_MAX);
    return n > MRQ_RELATED_MAX;
}

static mrq_status learn(mrq_ranker *r, const mrq_parts *parts, uint32_t threads, mrq_error *err)
{
    switch (r->kind) {
    case MRQ_BASELINE_POPULAR:
        return count_likes(r, &r->score, err);
    case MRQ_BASELINE_GENRES:
        return learn_genres(r, parts->candidate, err);
    case MRQ_BASELINE_DEMOGRAPHIC:
        return learn_demographics(r, err);
    case MRQ_BASELINE_ITEMKNN:
    case MRQ_BASELINE_EASE:
        return relate_items(r, threads, err);
    case MRQ_BASELINE_BIAS:
    case MRQ_BASELINE_RANDOM:
        break;
    }
    return MRQ_OK;
}

mrq_status mrq_ranker_make(mrq_baseline_kind kind, const mrq_dataset *data, const mrq_parts *parts, uint64_t seed, uint32_t threads,
                           mrq_ranker *out, mrq_error *err)
{
    mrq_ranker r = {.arena = mrq_arena_new(), .kind = kind, .data = data, .parts = parts, .likes = &parts->likes, .seed = seed};
    const mrq_status status = r.arena ? learn(&r, parts, threads, err) : mrq_fail_memory(err, "making a baseline");
    if (status == MRQ_OK)
        *out = r;
    else
        mrq_ranker_clear(&r);
    return status;
}

void mrq_ranker_clear(mrq_ranker *ranker)
{
    mrq_arena_free(ranker->arena);
    *ranker = (mrq_ranker){0};
}

/* Calls for each item that a user likes, in training or since. */
static void each_like(const mrq_ranker *r, uint32_t user, mrq_items known,
                      void (*call)(const mrq_ranker *r, uint32_t item, float *to), float *to)
{
    const mrq_lists *likes = &r->likes->list;
    for (uint64_t j = likes->offset[user]; j < likes->offset[user + 1]; j++)
        call(r, likes->item[j], to);
    for (uint32_t j = 0; j < known.n; j++)
        call(r, known.item[j], to);
}

static void mark(const mrq_ranker *r, uint32_t item, float *row)
{
    if (r->related.place[item] != MRQ_NONE)
        row[r->related.place[item]] = 1;
}

static void add_near(const mrq_ranker *r, uint32_t item, float *score)
{
    for (uint64_t i = r->near.list.offset[item]; i < r->near.list.offset[item + 1]; i++)
        score[r->near.list.item[i]] += r->near.strength[i];
}

/* Multiplies the users' likes by the matrix. Items outside the matrix get 0, the score that the method gives to an item without
 * likes. */
static mrq_status score_ease(const mrq_ranker *r, const uint32_t *user, const mrq_items *known, uint32_t n, float *out,
                             mrq_error *err)
{
    const uint32_t items = r->data->items->rows;
    MRQ_AUTOFREE float *x = mrq_array((size_t)n * r->n, sizeof *x), *y = mrq_array((size_t)n * r->n, sizeof *y);
    if (!x || !y)
        return mrq_fail_memory(err, "ranking items");
    for (uint32_t i = 0; i < n; i++)
        each_like(r, user[i], known[i], mark, x + (size_t)i * r->n);
    mrq_gemm(n, r->n, r->n, x, r->n, r->matrix, r->n, 0, y, r->n);
    for (uint32_t i = 0; i < n; i++)
        for (uint32_t j = 0; j < r->n; j++)
            out[(size_t)i * items + r->related.item[j]] = y[(size_t)i * r->n + j];
    return MRQ_OK;
}

/* For a user without likes the scores are the items' numbers of likes. */
static mrq_status score_related(const mrq_ranker *r, const uint32_t *user, const mrq_items *known, uint32_t n, float *out,
                                mrq_error *err)
{
    const uint32_t items = r->data->items->rows;
    const uint64_t *of = r->likes->list.offset;
    if (r->kind == MRQ_BASELINE_EASE)
        MRQ_TRY(score_ease(r, user, known, n, out, err));
    for (uint32_t i = 0; i < n; i++) {
        if (of[user[i]] == of[user[i] + 1] && !known[i].n)
            memcpy(out + (size_t)i * items, r->score, items * sizeof *out);
        else if (r->kind == MRQ_BASELINE_ITEMKNN)
            each_like(r, user[i], known[i], add_near, out + (size_t)i * items);
    }
    return MRQ_OK;
}

mrq_status mrq_ranker_score(const void *context, const uint32_t *user, uint32_t n, float *out, mrq_error *err)
{
    MRQ_AUTOFREE mrq_items *known = mrq_array(n, sizeof *known);
    return known ? mrq_ranker_score_knowing(context, user, known, n, out, err) : mrq_fail_memory(err, "ranking items");
}

mrq_status mrq_ranker_score_knowing(const mrq_ranker *r, const uint32_t *user, const mrq_items *known, uint32_t n, float *out,
                                    mrq_error *err)
{
    const uint32_t items = r->data->items->rows;
    if (r->kind == MRQ_BASELINE_EASE || r->kind == MRQ_BASELINE_ITEMKNN)
        return score_related(r, user, known, n, out, err);
    const mrq_column *column[MRQ_COLUMNS_MAX];
    uint32_t first[MRQ_COLUMNS_MAX], values;
    const uint32_t columns = r->adjust ? find_categories(r->data->users, column, first, &values) : 0;
    for (uint32_t i = 0; i < n; i++) {
        float *row = out + (size_t)i * items;
        mrq_random rng;
        mrq_random_init(&rng, r->seed, user[i]);
        for (uint32_t m = 0; m < items; m++)
            row[m] = r->score ? r->score[m] : (float)mrq_random_unit(&rng);
        for (uint32_t c = 0; c < columns; c++)
            mrq_kernels_best()->add(row, r->adjust + (size_t)(first[c] + column[c]->code[user[i]]) * items, items);
    }
    return MRQ_OK;
}
