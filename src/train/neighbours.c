/* Items are solved in blocks by any thread, each item alone, so the result does not depend on the threads. */
#include "train/neighbours.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/parallel.h"
#include "model/gemm.h"
#include "model/lapack.h"
#include "train/largest.h"

enum { BLOCK = 64 };

struct solver {
    const mrq_sparse_gram *gram;
    const float *columns; /* of a dense B; NULL: solve for each */
    uint32_t k;
    double ridge;
    uint32_t *count; /* (n) neighbours of each place */
    uint32_t *place; /* (n, k) */
    float *weight;   /* (n, k) */
    pthread_mutex_t lock;
    mrq_status status;
    mrq_error err;
};

struct scratch {
    mrq_gram_scratch gram;
    uint32_t *local; /* (n) 1 + number among the neighbours, or 0 */
    float *a;        /* (k, k) */
};

/* Writes the k entries of the row with the largest cosines with place `j`, ascending, to `place` and `value`. */
static uint32_t choose(const mrq_sparse_gram *g, uint32_t j, const mrq_gram_row *row, uint32_t k, uint32_t *place, float *value)
{
    mrq_largest heap = {k, 0, place, value};
    for (uint32_t i = 0; i < row->n; i++)
        if (row->place[i] != j)
            mrq_largest_offer(&heap, i, row->value[i] * row->value[i] / g->diagonal[row->place[i]]);
    const uint32_t n = heap.n;
    mrq_list_sort(place, n);
    for (uint32_t i = 0; i < n; i++) {
        value[i] = row->value[place[i]];
        place[i] = row->place[place[i]];
    }
    return n;
}

/* The lower triangle of G_NN + diag λ. */
static void fill(const struct solver *s, struct scratch *scratch, const uint32_t *place, uint32_t n)
{
    const mrq_sparse_gram *g = s->gram;
    memset(scratch->a, 0, (size_t)n * n * sizeof *scratch->a);
    for (uint32_t i = 0; i < n; i++)
        scratch->local[place[i]] = i + 1;
    for (uint32_t i = 0; i < n; i++) {
        const mrq_gram_row *row = &g->lower[place[i]];
        float *to = scratch->a + (size_t)i * n;
        for (uint32_t k = 0; k < row->n; k++)
            if (scratch->local[row->place[k]])
                to[scratch->local[row->place[k]] - 1] = row->value[k];
        to[i] = g->diagonal[place[i]] + (float)(s->ridge * sqrt((double)g->diagonal[place[i]]));
    }
    for (uint32_t i = 0; i < n; i++)
        scratch->local[place[i]] = 0;
}

static mrq_status solve_place(struct solver *s, uint32_t j, struct scratch *scratch, mrq_error *err)
{
    uint32_t *place = s->place + (size_t)j * s->k;
    float *weight = s->weight + (size_t)j * s->k;
    const mrq_gram_row row = mrq_sparse_gram_targets(s->gram, j, &scratch->gram);
    const uint32_t n = s->count[j] = choose(s->gram, j, &row, s->k, place, weight);
    if (!n)
        return MRQ_OK;
    fill(s, scratch, place, n);
    return mrq_solve(scratch->a, n, weight, 1, err);
}

static mrq_status solve_places(struct solver *s, uint32_t first, uint32_t end, struct scratch *scratch, mrq_error *err)
{
    if (mrq_gram_scratch_make(&scratch->gram, s->gram->n) || !(scratch->local = mrq_array(s->gram->n, sizeof *scratch->local)) ||
        !(scratch->a = mrq_array((size_t)s->k * s->k, sizeof *scratch->a)))
        return mrq_fail_memory(err, "finding neighbours");
    for (uint32_t j = first; j < end; j++)
        MRQ_TRY(solve_place(s, j, scratch, err));
    return MRQ_OK;
}

static void solve_block(void *context, uint64_t block)
{
    struct solver *s = context;
    struct scratch scratch = {0};
    mrq_error err = {0};
    const uint32_t first = (uint32_t)block * BLOCK, end = first + BLOCK < s->gram->n ? first + BLOCK : s->gram->n;
    const mrq_status status = solve_places(s, first, end, &scratch, &err);
    mrq_gram_scratch_clear(&scratch.gram);
    mrq_free(scratch.local);
    mrq_free(scratch.a);
    if (status == MRQ_OK)
        return;
    pthread_mutex_lock(&s->lock);
    s->status = status;
    s->err = err;
    pthread_mutex_unlock(&s->lock);
}

/* Joins the columns, which have room for k entries each. */
static int join(const struct solver *s, mrq_arena *arena, mrq_links *out)
{
    const uint32_t n = s->gram->n;
    uint64_t *offset = mrq_arena_array(arena, (size_t)n + 1, sizeof *offset);
    if (!offset)
        return -1;
    for (uint32_t j = 0; j < n; j++)
        offset[j + 1] = offset[j] + s->count[j];
    uint32_t *item = mrq_arena_array(arena, offset[n], sizeof *item);
    float *strength = mrq_arena_array(arena, offset[n], sizeof *strength);
    if (!item || !strength)
        return -1;
    for (uint32_t j = 0; j < n; j++) {
        memcpy(item + offset[j], s->place + (size_t)j * s->k, s->count[j] * sizeof *item);
        memcpy(strength + offset[j], s->weight + (size_t)j * s->k, s->count[j] * sizeof *strength);
    }
    *out = (mrq_links){{offset, item}, strength};
    return 0;
}

static mrq_status find(struct solver *s, uint32_t threads, void block(void *context, uint64_t number), mrq_arena *arena,
                       mrq_neighbours *out, mrq_error *err)
{
    const uint32_t n = s->gram->n;
    MRQ_AUTOFREE uint32_t *count = s->count = mrq_array(n, sizeof *s->count);
    MRQ_AUTOFREE uint32_t *place = s->place = mrq_array((size_t)n * s->k, sizeof *s->place);
    MRQ_AUTOFREE float *weight = s->weight = mrq_array((size_t)n * s->k, sizeof *s->weight);
    if (!count || !place || !weight)
        return mrq_fail_memory(err, "finding neighbours");
    mrq_parallel(threads, (n + BLOCK - 1) / BLOCK, block, s);
    if (s->status != MRQ_OK)
        return mrq_fail(err, s->status, "%s", s->err.msg);
    if (join(s, arena, &out->columns) || mrq_links_transpose(&out->columns, n, n, arena, &out->rows))
        return mrq_fail_memory(err, "finding neighbours");
    return MRQ_OK;
}

mrq_status mrq_neighbours_solve(const mrq_sparse_gram *gram, uint32_t k, double ridge, uint32_t threads, mrq_arena *arena,
                                mrq_neighbours *out, mrq_error *err)
{
    MRQ_TRY(mrq_blas_check(err));
    MRQ_TRY(mrq_blas_reserve(threads, err));
    struct solver s = {.gram = gram, .k = k < gram->n ? k : gram->n, .ridge = ridge, .lock = PTHREAD_MUTEX_INITIALIZER};
    return find(&s, threads, solve_block, arena, out, err);
}

/* Writes the places of the entries that a column keeps, ascending, and their weights; `weight` is also work memory. */
static void keep_largest(const struct solver *s, uint32_t j)
{
    const float *column = s->columns + (size_t)j * s->gram->n;
    uint32_t *place = s->place + (size_t)j * s->k;
    float *weight = s->weight + (size_t)j * s->k;
    mrq_largest heap = {s->k, 0, place, weight};
    for (uint32_t i = 0; i < s->gram->n; i++)
        mrq_largest_offer(&heap, i, fabsf(column[i]) * sqrtf(s->gram->diagonal[i]));
    s->count[j] = heap.n;
    mrq_list_sort(place, heap.n);
    for (uint32_t i = 0; i < heap.n; i++)
        weight[i] = column[place[i]];
}

static void keep_block(void *context, uint64_t block)
{
    const struct solver *s = context;
    for (uint32_t j = (uint32_t)block * BLOCK; j < (block + 1) * BLOCK && j < s->gram->n; j++)
        keep_largest(s, j);
}

mrq_status mrq_neighbours_of_dense(const mrq_sparse_gram *gram, const float *columns, uint32_t k, uint32_t threads,
                                   mrq_arena *arena, mrq_neighbours *out, mrq_error *err)
{
    struct solver s = {.gram = gram, .columns = columns, .k = k < gram->n ? k : gram->n};
    return find(&s, threads, keep_block, arena, out, err);
}

mrq_status mrq_neighbours_shorten(const mrq_sparse_gram *gram, const mrq_links *columns, uint32_t most, mrq_arena *arena,
                                  mrq_links *out, mrq_error *err)
{
    const uint64_t *from = columns->list.offset;
    uint64_t *offset = mrq_arena_array(arena, (size_t)gram->n + 1, sizeof *offset);
    MRQ_AUTOFREE float *key = mrq_array(most, sizeof *key);
    if (!offset || !key)
        return mrq_fail_memory(err, "finding neighbours");
    for (uint32_t j = 0; j < gram->n; j++)
        offset[j + 1] = offset[j] + (from[j + 1] - from[j] < most ? from[j + 1] - from[j] : most);
    uint32_t *item = mrq_arena_array(arena, offset[gram->n], sizeof *item);
    float *strength = mrq_arena_array(arena, offset[gram->n], sizeof *strength);
    if (!item || !strength)
        return mrq_fail_memory(err, "finding neighbours");
    for (uint32_t j = 0; j < gram->n; j++) {
        uint32_t *place = item + offset[j];
        mrq_largest heap = {most, 0, place, key};
        for (uint64_t i = from[j]; i < from[j + 1]; i++)
            mrq_largest_offer(&heap, (uint32_t)(i - from[j]),
                              fabsf(columns->strength[i]) * sqrtf(gram->diagonal[columns->list.item[i]]));
        mrq_list_sort(place, heap.n);
        for (uint32_t i = 0; i < heap.n; i++) {
            strength[offset[j] + i] = columns->strength[from[j] + place[i]];
            place[i] = columns->list.item[from[j] + place[i]];
        }
    }
    *out = (mrq_links){{offset, item}, strength};
    return MRQ_OK;
}
