/* A scan reads each vector once, at the speed of memory: it scores a block of rows without interruption, then takes the scores that
 * beat the worst of the best so far, or may do so: these few rows are scored again by one kernel. Different kernels round
 * differently, so without that it would depend on k and on a row's place which of two almost equal rows is kept. A block in which
 * at least half of the rows qualify is scored completely: skipping rows would be slower than scoring them. */
#include "index/scan.h"

#include <float.h>
#include <math.h>

enum { BLOCK = 64 };              /* rows per block: one word of the filter */
#define CACHED ((size_t)16 << 20) /* bytes; more vectors than this are assumed not to stay in the cache */

struct scan {
    const mrq_distances *kernels;
    const float *vectors, *query;
    uint32_t dim;
    float slack;
};

/* Whether any score may be among the best; without branches, so that most blocks are skipped quickly. */
static bool promising(const float *score, uint32_t n, float slack, const mrq_top *top)
{
    if (top->n < top->k)
        return true;
    const float worst = top->hit[0].score - slack;
    int any = 0;
    for (uint32_t i = 0; i < n; i++)
        any |= score[i] >= worst;
    return any;
}

void mrq_scan_rows(const float *vectors, uint32_t dim, const float *query, const uint32_t *row, uint32_t n_rows, mrq_top *top)
{
    const mrq_distances *kernels = mrq_distances_best();
    float score[BLOCK];
    for (uint32_t i = 0; i < n_rows; i += BLOCK) {
        const uint32_t n = n_rows - i < BLOCK ? n_rows - i : BLOCK;
        kernels->inner_products_of(score, query, vectors, dim, row + i, n);
        for (uint32_t j = 0; j < n; j++)
            mrq_top_push(top, (mrq_hit){row[i + j], score[j]});
    }
}

/* Scores again the rows that may be among the best, and offers them. Row i of the block is row[i], or first + i without `row`; one
 * whose score is NaN is not offered. */
static void offer(const float *score, const uint32_t *row, uint32_t first, uint32_t n, const struct scan *s, mrq_top *top)
{
    if (!top->k || !promising(score, n, s->slack, top))
        return;
    for (uint32_t i = 0; i < n; i++) {
        if (isnan(score[i]) || (top->n == top->k && !(score[i] >= top->hit[0].score - s->slack)))
            continue;
        const uint32_t at = row ? row[i] : first + i;
        mrq_top_push(top, (mrq_hit){at, s->kernels->inner_product(s->query, s->vectors + (size_t)at * s->dim, s->dim)});
    }
}

float mrq_scan_longest(const float *vectors, uint32_t n, uint32_t dim)
{
    const mrq_distances *kernels = mrq_distances_best();
    float most = 0;
    for (uint32_t row = 0; row < n; row++) {
        const float *vector = vectors + (size_t)row * dim;
        most = fmaxf(most, kernels->inner_product(vector, vector, dim));
    }
    return sqrtf(most) * (1 + (float)dim * 0x1p-23f) + FLT_MIN;
}

float mrq_scan_slack(const float *query, uint32_t dim, float longest)
{
    /* A float sum of `dim` products is off by at most dim × 2^-24 of the sum of their magnitudes, and so is the other. */
    return (2 * (float)dim + 64) * 0x1p-24f * mrq_scan_longest(query, 1, dim) * longest;
}

void mrq_scan(const float *vectors, uint32_t n, uint32_t dim, const float *query, const mrq_filter *filter, float slack,
              mrq_top *top)
{
    const mrq_distances *kernels = mrq_distances_best();
    const struct scan scan = {kernels, vectors, query, dim, slack};
    const bool cached = (size_t)n * dim * sizeof *vectors <= CACHED;
    uint32_t row[BLOCK];
    float score[BLOCK];
    for (uint32_t start = 0; start < n; start += BLOCK) {
        const uint32_t size = n - start < BLOCK ? n - start : BLOCK;
        const uint64_t all = ~(uint64_t)0 >> (BLOCK - size);
        uint64_t keep = filter ? filter->keep[start / BLOCK] & all : all;
        if ((uint32_t)__builtin_popcountll(keep) >= size / 2) {
            (cached ? kernels->inner_products : kernels->inner_products_streamed)(score, query, vectors + (size_t)start * dim, dim,
                                                                                  size);
            for (uint64_t out = all & ~keep; out; out &= out - 1)
                score[__builtin_ctzll(out)] = NAN; /* NaN is never among the best */
            offer(score, NULL, start, size, &scan, top);
            continue;
        }
        uint32_t kept = 0;
        for (; keep; keep &= keep - 1)
            row[kept++] = start + (uint32_t)__builtin_ctzll(keep);
        kernels->inner_products_of(score, query, vectors, dim, row, kept);
        offer(score, row, 0, kept, &scan, top);
    }
}
