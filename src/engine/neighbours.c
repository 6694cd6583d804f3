/* The neighbours of what a person likes are summed up in a table: of all items, or by a hash if that is smaller. Items that are not
 * in the table have their inner product alone, so the search of the index finds the best of them: as long as its last hit could be
 * among the best k, it is asked for twice as many. An item of the table is at most its sum plus the largest inner product, the
 * first hit's; only those are computed whose sum is large enough for that to be among the best k. */
#include "engine/neighbours.h"

#include <stdlib.h>

#include "index/top.h"
#include "model/kernels.h"

struct table {
    uint32_t size; /* items, or a power of two */
    bool hashed;
    uint32_t *key; /* hashed: row + 1, or 0 */
    float *sum;
};

static uint32_t slot(const struct table *t, uint32_t row)
{
    if (!t->hashed)
        return row;
    uint32_t at = row * UINT32_C(2654435769) & (t->size - 1);
    while (t->key[at] && t->key[at] != row + 1)
        at = (at + 1) & (t->size - 1);
    return at;
}

static void table_clear(struct table *t)
{
    mrq_free(t->key);
    mrq_free(t->sum);
}

static int table_make(struct table *t, uint32_t items, uint64_t entries)
{
    uint64_t size = 64;
    while (size < 2 * entries)
        size *= 2;
    t->hashed = 2 * size < items;
    t->size = t->hashed ? (uint32_t)size : items;
    t->key = mrq_array(t->hashed ? t->size : 0, sizeof *t->key);
    t->sum = mrq_array(t->size, sizeof *t->sum);
    return t->key && t->sum ? 0 : -1;
}

/* Sums up, divided by the slope. */
static void add(struct table *t, const mrq_links *neighbours, const mrq_feedback *liked, double slope)
{
    for (uint32_t i = 0; i < liked->n; i++) {
        const float factor = (float)((double)liked->strength[i] / slope);
        const uint64_t *of = neighbours->list.offset + liked->item[i];
        for (uint64_t j = of[0]; j < of[1]; j++) {
            const uint32_t at = slot(t, neighbours->list.item[j]);
            if (t->hashed)
                t->key[at] = neighbours->list.item[j] + 1;
            t->sum[at] += factor * neighbours->strength[j];
        }
    }
}

/* The rows of the table that the filter keeps, with their sums; returns their number. */
static uint32_t collect(const struct table *t, const mrq_filter *filter, mrq_hit *out)
{
    uint32_t n = 0;
    for (uint32_t at = 0; at < t->size; at++) {
        const uint32_t row = t->hashed ? t->key[at] - 1 : at;
        if (t->sum[at] != 0 && (!filter || filter->keep[row / 64] >> row % 64 & 1))
            out[n++] = (mrq_hit){row, t->sum[at]};
    }
    return n;
}

struct search {
    const mrq_generation *generation;
    const float *vector;
    uint32_t k;
    const mrq_filter *filter;
    struct table table;
    mrq_top top;
};

static bool full(const struct search *s)
{
    return s->top.n == s->k;
}

static void push(struct search *s, mrq_hit sum)
{
    const uint32_t dim = s->generation->tower->dim;
    const float *item = mrq_index_vectors(s->generation->index) + (size_t)sum.row * dim;
    mrq_top_push(&s->top, (mrq_hit){sum.row, sum.score + mrq_kernels_best()->dot(s->vector, item, dim)});
}

/* The items of the table: first those with the largest sums, so that few of the others can be better. */
static int search_table(struct search *s, float largest)
{
    MRQ_AUTOFREE mrq_hit *sum = malloc(s->table.size * sizeof *sum); /* not zeroed: it may be as large as the catalogue */
    MRQ_AUTOFREE mrq_hit *first = mrq_array(s->k, sizeof *first);
    if (!sum || !first)
        return -1;
    const uint32_t n = collect(&s->table, s->filter, sum);
    mrq_top best = {first, s->k, 0};
    for (uint32_t i = 0; i < n; i++)
        mrq_top_push(&best, sum[i]);
    const mrq_hit least = best.n ? best.hit[0] : (mrq_hit){0, 0}; /* the root of a heap: the worst that is kept */
    for (uint32_t i = 0; i < best.n; i++)
        push(s, best.hit[i]);
    for (uint32_t i = 0; i < n; i++) {
        const bool pushed = sum[i].score > least.score || (sum[i].score == least.score && sum[i].row <= least.row);
        if (!pushed && !(full(s) && sum[i].score + largest < s->top.hit[0].score))
            push(s, sum[i]);
    }
    return 0;
}

/* Some of the first hits of the index, and the best ones of the table. */
static mrq_status search_both(struct search *s, mrq_error *err)
{
    const uint32_t kept = s->filter ? s->filter->n_kept : s->generation->items->rows;
    uint32_t done = 0, found = 0;
    for (uint32_t ask = s->k + 32; done < kept; ask *= 2) {
        ask = ask < kept ? ask : kept;
        MRQ_AUTOFREE mrq_hit *hit = mrq_array(ask, sizeof *hit);
        if (!hit)
            return mrq_fail_memory(err, "searching");
        MRQ_TRY(mrq_index_search(s->generation->index, s->vector, ask, s->filter, hit, &found, err));
        if (!found)
            break;
        if (!done && search_table(s, hit[0].score))
            return mrq_fail_memory(err, "searching");
        for (uint32_t i = done; i < found; i++)
            if (s->table.sum[slot(&s->table, hit[i].row)] == 0)
                mrq_top_push(&s->top, hit[i]);
        if (found < ask || (full(s) && hit[found - 1].score < s->top.hit[0].score))
            break;
        done = found;
    }
    return MRQ_OK;
}

mrq_status mrq_neighbours_search(const mrq_generation *generation, const float *vector, double slope, const mrq_feedback *liked,
                                 uint32_t n_liked, uint32_t k, const mrq_filter *filter, mrq_hit *hits, uint32_t *found,
                                 mrq_error *err)
{
    const mrq_links *neighbours = &generation->tower->neighbours;
    uint64_t entries = 0;
    for (uint32_t l = 0; neighbours->strength && l < n_liked; l++)
        for (uint32_t i = 0; i < liked[l].n; i++)
            entries += neighbours->list.offset[liked[l].item[i] + 1] - neighbours->list.offset[liked[l].item[i]];
    if (!entries || !k)
        return mrq_index_search(generation->index, vector, k, filter, hits, found, err);
    __attribute__((cleanup(table_clear))) struct table table = {0};
    if (table_make(&table, generation->items->rows, entries))
        return mrq_fail_memory(err, "searching");
    for (uint32_t l = 0; l < n_liked; l++)
        add(&table, neighbours, &liked[l], slope);
    struct search s = {generation, vector, k, filter, table, {hits, k, 0}};
    MRQ_TRY(search_both(&s, err));
    mrq_top_sort(&s.top);
    *found = s.top.n;
    return MRQ_OK;
}

float mrq_neighbours_weight(const mrq_generation *generation, uint32_t from, uint32_t to)
{
    const mrq_links *neighbours = &generation->tower->neighbours;
    const uint64_t at = neighbours->strength ? mrq_lists_find(&neighbours->list, from, to) : UINT64_MAX;
    return at == UINT64_MAX ? 0 : neighbours->strength[at];
}
