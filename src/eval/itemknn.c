/* Common likes are counted item by item, so memory grows with the items and not with their square. */
#include "eval/itemknn.h"

#include <math.h>
#include <pthread.h>
#include <string.h>

#include "base/parallel.h"
#include "train/ranking.h"

enum { PIECE = 256 }; /* items of a thread at a time */

struct knn {
    const mrq_lists *likes; /* by user */
    mrq_lists fans;         /* by item: its users */
    uint32_t items, k;
    float shrinkage;
    uint32_t *near; /* (items, k) MRQ_NONE where there are fewer */
    float *cosine;  /* (items, k) */
    pthread_mutex_t lock;
    mrq_status status; /* guarded by the lock */
};

uint64_t mrq_itemknn_work(const mrq_lists *likes, uint32_t users)
{
    uint64_t sum = 0;
    for (uint32_t u = 0; u < users; u++) {
        const uint64_t n = likes->offset[u + 1] - likes->offset[u];
        sum += n * n;
    }
    return sum;
}

static double norm_of(const struct knn *knn, uint32_t item)
{
    return sqrt((double)(knn->fans.offset[item + 1] - knn->fans.offset[item]));
}

/* `count` (items) is zero before and after; `met` and `score` (items) are scratch. */
static void find_nearest(const struct knn *knn, uint32_t item, uint32_t *count, uint32_t *met, float *score)
{
    uint32_t n = 0, *near = knn->near + (size_t)item * knn->k;
    float *best = knn->cosine + (size_t)item * knn->k;
    for (uint64_t i = knn->fans.offset[item]; i < knn->fans.offset[item + 1]; i++) {
        const uint64_t *of = knn->likes->offset + knn->fans.item[i];
        for (uint64_t j = of[0]; j < of[1]; j++) {
            met[n] = knn->likes->item[j];
            n += count[knn->likes->item[j]]++ == 0;
        }
    }
    mrq_list_sort(met, n);
    for (uint32_t j = 0; j < n; j++) {
        const double cosine = count[met[j]] / (norm_of(knn, item) * norm_of(knn, met[j]) + (double)knn->shrinkage);
        score[j] = met[j] == item ? -INFINITY : (float)cosine;
        count[met[j]] = 0;
    }
    mrq_take_best(score, n, knn->k, best, near);
    for (uint32_t j = 0; j < knn->k && near[j] != MRQ_NONE; j++)
        near[j] = met[near[j]];
}

static void find_piece(void *context, uint64_t piece)
{
    struct knn *knn = context;
    const uint32_t first = (uint32_t)piece * PIECE;
    MRQ_AUTOFREE uint32_t *count = mrq_array(knn->items, sizeof *count), *met = mrq_array((size_t)knn->items + 1, sizeof *met);
    MRQ_AUTOFREE float *score = mrq_array(knn->items, sizeof *score);
    if (!count || !met || !score) {
        pthread_mutex_lock(&knn->lock);
        knn->status = MRQ_FAILED;
        pthread_mutex_unlock(&knn->lock);
        return;
    }
    for (uint32_t i = first; i < knn->items && i < first + PIECE; i++)
        find_nearest(knn, i, count, met, score);
}

/* From the nearest of each item to the items that each is one of the nearest of. */
static mrq_status turn_around(const struct knn *knn, mrq_arena *arena, mrq_links *out, mrq_error *err)
{
    const size_t all = (size_t)knn->items * knn->k;
    uint64_t *offset = mrq_arena_array(arena, (size_t)knn->items + 1, sizeof *offset);
    MRQ_AUTOFREE uint64_t *next = mrq_array((size_t)knn->items + 1, sizeof *next);
    if (!offset || !next)
        return mrq_fail_memory(err, "relating items");
    for (size_t i = 0; i < all; i++)
        if (knn->near[i] != MRQ_NONE)
            offset[knn->near[i] + 1]++;
    for (uint32_t m = 0; m < knn->items; m++)
        next[m + 1] = offset[m + 1] += offset[m];
    uint32_t *item = mrq_arena_array(arena, offset[knn->items], sizeof *item);
    float *cosine = mrq_arena_array(arena, offset[knn->items], sizeof *cosine);
    if (!item || !cosine)
        return mrq_fail_memory(err, "relating items");
    for (size_t i = 0; i < all; i++) {
        if (knn->near[i] == MRQ_NONE)
            continue;
        const uint64_t at = next[knn->near[i]]++;
        item[at] = (uint32_t)(i / knn->k);
        cosine[at] = knn->cosine[i];
    }
    *out = (mrq_links){{offset, item}, cosine};
    return MRQ_OK;
}

mrq_status mrq_itemknn_make(const mrq_lists *likes, uint32_t users, uint32_t items, uint32_t k, float shrinkage, uint32_t threads,
                            mrq_arena *arena, mrq_links *out, mrq_error *err)
{
    const uint64_t n = likes->offset[users];
    MRQ_AUTOFREE uint64_t *offset = mrq_array((size_t)items + 1, sizeof *offset), *next = mrq_array(items, sizeof *next);
    MRQ_AUTOFREE uint32_t *fan = mrq_array(n, sizeof *fan), *near = mrq_array((size_t)items * k, sizeof *near);
    MRQ_AUTOFREE float *cosine = mrq_array((size_t)items * k, sizeof *cosine);
    if (!offset || !next || !fan || !near || !cosine)
        return mrq_fail_memory(err, "relating items");
    for (uint64_t i = 0; i < n; i++)
        offset[likes->item[i] + 1]++;
    for (uint32_t m = 0; m < items; m++) {
        next[m] = offset[m];
        offset[m + 1] += offset[m];
    }
    for (uint32_t u = 0; u < users; u++)
        for (uint64_t i = likes->offset[u]; i < likes->offset[u + 1]; i++)
            fan[next[likes->item[i]]++] = u;
    struct knn knn = {.likes = likes,
                      .fans = {offset, fan},
                      .items = items,
                      .k = k,
                      .shrinkage = shrinkage,
                      .near = near,
                      .cosine = cosine,
                      .lock = PTHREAD_MUTEX_INITIALIZER,
                      .status = MRQ_OK};
    mrq_parallel(threads, ((uint64_t)items + PIECE - 1) / PIECE, find_piece, &knn);
    if (knn.status != MRQ_OK)
        return mrq_fail_memory(err, "relating items");
    return turn_around(&knn, arena, out, err);
}
