/* The neighbours of what a person likes are summed up in a table: of all items, or by a hash if that is smaller. An item's score is
 * at most its sum plus the product of two lengths (index/lengths.h), so only those are computed whose bound reaches the best k so
 * far: first the items of the table, by their sums, then the others, the longest vectors first. Most often a few dozen of the
 * others are left. If they are many, as when hardly anything is in the table, the index is searched for the best of them: as long
 * as its last hit could be among the best k, it is asked for twice as many. */
#include "engine/neighbours.h"

#include <stdlib.h>

#include "index/kernels.h"
#include "index/lengths.h"
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

/* A row of its own costs as much as this many of a scan. */
#define SCANNED 32

struct search {
    const mrq_generation *generation;
    const float *vector;
    mrq_reach reach;
    uint32_t k;
    const mrq_filter *filter;
    struct table table;
    mrq_top top;
};

static bool full(const struct search *s)
{
    return s->top.n == s->k;
}

/* Whether an item with this sum of neighbours may be among the best. */
static bool may_reach(const struct search *s, uint32_t row, float sum)
{
    const float most = s->generation->lengths->length[row] * s->reach.factor + s->reach.rest;
    return !full(s) || !(sum + most < s->top.hit[0].score);
}

static void push(struct search *s, uint32_t row, float sum)
{
    const uint32_t dim = s->generation->tower->dim;
    const float *item = mrq_index_vectors(s->generation->index) + (size_t)row * dim;
    mrq_top_push(&s->top, (mrq_hit){row, sum + mrq_distances_best()->inner_product(s->vector, item, dim)});
}

/* The items of the table: first those with the largest sums, so that few of the others can be better. */
static int search_table(struct search *s)
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
        push(s, best.hit[i].row, best.hit[i].score);
    for (uint32_t i = 0; i < n; i++) {
        const bool pushed = sum[i].score > least.score || (sum[i].score == least.score && sum[i].row <= least.row);
        if (!pushed && may_reach(s, sum[i].row, sum[i].score))
            push(s, sum[i].row, sum[i].score);
    }
    return 0;
}

static bool in_table(const struct search *s, uint32_t row)
{
    return s->table.sum[slot(&s->table, row)] != 0;
}

/* The other items, the longest first. Returns false, and has changed nothing, if too many of them may be among the best. */
static bool search_longest(struct search *s)
{
    const uint32_t rows = s->generation->items->rows, most = rows / SCANNED, *row = s->generation->lengths->row;
    if (!full(s) || (most < rows && may_reach(s, row[most], 0)))
        return false;
    for (uint32_t i = 0; i < rows && may_reach(s, row[i], 0); i++)
        if ((!s->filter || s->filter->keep[row[i] / 64] >> row[i] % 64 & 1) && !in_table(s, row[i]))
            push(s, row[i], 0);
    return true;
}

/* The other items, by the index. */
static mrq_status search_index(struct search *s, mrq_error *err)
{
    const uint32_t kept = s->filter ? s->filter->n_kept : s->generation->items->rows;
    uint32_t done = 0, found = 0;
    for (uint32_t ask = s->k + 32; done < kept; ask *= 2) {
        ask = ask < kept ? ask : kept;
        MRQ_AUTOFREE mrq_hit *hit = mrq_array(ask, sizeof *hit);
        if (!hit)
            return mrq_fail_memory(err, "searching");
        MRQ_TRY(mrq_index_search(s->generation->index, s->vector, ask, s->filter, hit, &found, err));
        for (uint32_t i = done; i < found; i++)
            if (!in_table(s, hit[i].row))
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
    struct search s = {generation, vector, mrq_lengths_reach(generation->lengths, vector), k, filter, table, {hits, k, 0}};
    if (search_table(&s))
        return mrq_fail_memory(err, "searching");
    if (!search_longest(&s))
        MRQ_TRY(search_index(&s, err));
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
