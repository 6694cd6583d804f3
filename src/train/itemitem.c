/* The Gram matrix is computed row by row: an item's row is the sum of the likes of the users who like it. A row stays in the CPU
 * cache meanwhile, and no two threads write to the same row. The work is the sum of the squares of the users' numbers of likes, far
 * less than a product of dense matrices. B follows from the inverse P of G + lambda as B_ij = -P_ij / P_jj: one Cholesky
 * factorisation for all items. */
#include "train/itemitem.h"

#include <string.h>

#include "base/parallel.h"
#include "model/gemm.h"
#include "model/lapack.h"
#include "train/sparse_gram.h"

/* From this many items on, OpenBLAS's threads share an inversion. They wait for each other, and on a busy machine one wait can last
 * a time slice of another program, 20 ms. One thread inverts a smaller matrix in less time than that. */
#define SHARED 1024

mrq_status mrq_most_liked(const mrq_links *likes, uint32_t users, uint32_t items, mrq_arena *arena, mrq_liked *out, mrq_error *err)
{
    MRQ_AUTOFREE uint32_t *count = mrq_array(items, sizeof *count), *with = mrq_array((size_t)users + 1, sizeof *with);
    uint32_t *place = mrq_arena_array(arena, items, sizeof *place);
    if (!count || !with || !place)
        return mrq_fail_memory(err, "relating items");
    for (uint64_t i = 0; i < likes->list.offset[users]; i++)
        count[likes->list.item[i]]++;
    for (uint32_t m = 0; m < items; m++)
        with[count[m]]++;
    uint32_t least = users; /* take all items with more than `least` likes, and the first `some` with exactly that many */
    uint64_t capacity = MRQ_RELATED_MAX;
    while (least > 1 && with[least] <= capacity)
        capacity -= with[least--];
    uint64_t some = with[least] < capacity ? with[least] : capacity;
    uint32_t *item = mrq_arena_array(arena, MRQ_RELATED_MAX - capacity + some, sizeof *item), n = 0;
    float *liked = mrq_arena_array(arena, MRQ_RELATED_MAX - capacity + some, sizeof *liked);
    if (!item || !liked)
        return mrq_fail_memory(err, "relating items");
    for (uint32_t m = 0; m < items; m++) {
        place[m] = MRQ_NONE;
        if (!count[m] || count[m] < least || (count[m] == least && some == 0))
            continue;
        some -= count[m] == least;
        place[m] = n;
        liked[n] = (float)count[m];
        item[n++] = m;
    }
    *out = (mrq_liked){n, place, item, liked};
    return MRQ_OK;
}

struct gram {
    const mrq_links *likes; /* by user */
    mrq_links fans;         /* by item */
    const uint32_t *place;
    uint32_t n;
    float *gram;
};

static void add_row(void *context, uint64_t item)
{
    const struct gram *g = context;
    if (g->place[item] == MRQ_NONE)
        return;
    float *row = g->gram + (size_t)g->place[item] * g->n;
    memset(row, 0, g->n * sizeof *row);
    for (uint64_t i = g->fans.list.offset[item]; i < g->fans.list.offset[item + 1]; i++) {
        const uint64_t *of = g->likes->list.offset + g->fans.list.item[i];
        for (uint64_t j = of[0]; j < of[1]; j++) {
            const uint32_t to = g->place[g->likes->list.item[j]];
            if (to != MRQ_NONE)
                row[to] += g->fans.strength[i] * g->likes->strength[j];
        }
    }
}

mrq_status mrq_gram(const mrq_links *likes, uint32_t users, uint32_t items, const uint32_t *place, uint32_t n, uint32_t threads,
                    float *gram, mrq_error *err)
{
    MRQ_CLEANUP(mrq_arena_free) mrq_arena *arena = mrq_arena_new();
    struct gram g = {.likes = likes, .place = place, .n = n, .gram = gram};
    if (!arena || mrq_links_transpose(likes, users, items, arena, &g.fans))
        return mrq_fail_memory(err, "computing the Gram matrix");
    mrq_parallel(threads, items, add_row, &g);
    return MRQ_OK;
}

mrq_status mrq_ease(float *gram, uint32_t n, const float *lambda, uint32_t threads, mrq_error *err)
{
    MRQ_TRY(mrq_blas_check(err));
    MRQ_TRY(mrq_blas_reserve(threads, err));
    for (size_t i = 0; i < n; i++)
        gram[i * n + i] += lambda[i];
    MRQ_TRY(mrq_blas_share(n < SHARED ? 1 : threads, err));
    const mrq_status status = mrq_invert(gram, n, err);
    mrq_blas_alone();
    MRQ_TRY(status);
    MRQ_AUTOFREE float *scale = mrq_array(n, sizeof *scale);
    if (!scale)
        return mrq_fail_memory(err, "relating items");
    for (size_t j = 0; j < n; j++)
        scale[j] = -1 / gram[j * n + j];
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < n; j++)
            gram[i * n + j] *= scale[j];
        gram[i * n + i] = 0;
    }
    return MRQ_OK;
}
