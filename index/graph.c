/* The walk keeps one sorted list of the best `ef` rows seen so far; a row is marked once its neighbours have been visited. The next
 * row to expand is the best unmarked one; the walk ends when there is none. For lists of some hundred rows a sorted array is faster
 * than the two heaps of the textbook.
 *
 * Most time is spent waiting for memory, because neighbours are scattered. So all unseen neighbours of a row are prefetched first
 * and then scored together, while the links of the next row are prefetched. Over bytes (SQ8) a row of 64 is one cache line. The
 * query is quantised to bytes too, weighted by each dimension's range, and rows are ordered by products of bytes. The lost
 * precision is restored when the candidates are sorted by exact inner products.
 *
 * Rejected: FAISS's own walk (a virtual call per distance, no prefetching: more than twice the time). */
#include "index/graph.h"

#include <math.h>
#include <string.h>

#include "index/kernels.h"

#define LINE 64 /* bytes of a cache line */

struct place {
    float score;
    uint32_t row; /* highest bit: its neighbours have been visited */
};
#define VISITED (UINT32_C(1) << 31)

struct walk {
    const mrq_faiss_parts *parts;
    const mrq_distances *kernels;
    uint32_t dim;
    const float *query;
    int8_t *byte_query;   /* (dim) if rows are codes */
    struct place *place;  /* (ef) best first */
    uint32_t ef, n, next; /* capacity; places in use; the first unmarked place */
    uint64_t *seen;       /* one bit per row */
    uint32_t *batch;      /* (largest number of links of a row) */
    float *score;         /* the same */
};

bool mrq_graph_sound(const mrq_faiss_parts *parts, uint32_t n)
{
    if ((!parts->rows && !parts->codes) || n >= VISITED || parts->entry < 0 || (uint32_t)parts->entry >= n ||
        parts->n_offsets != (size_t)n + 1 || parts->top_level < 0 || (size_t)parts->top_level + 1 >= parts->n_level_starts ||
        parts->level_start[0] != 0)
        return false;
    for (size_t l = 1; l < parts->n_level_starts; l++)
        if (parts->level_start[l] < parts->level_start[l - 1])
            return false;
    const size_t lowest = (size_t)parts->level_start[1];
    for (uint32_t i = 0; i < n; i++)
        if (parts->offset[i + 1] > parts->n_links || parts->offset[i] > parts->offset[i + 1] ||
            parts->offset[i + 1] - parts->offset[i] < lowest)
            return false;
    for (size_t i = 0; i < parts->n_links; i++)
        if (parts->link[i] < -1 || parts->link[i] >= (int64_t)n)
            return false;
    return true;
}

/* The links of a row on a level; none above the row's levels. */
static uint32_t links(const mrq_faiss_parts *parts, uint32_t row, int level, const int32_t **out)
{
    const size_t start = parts->offset[row] + (size_t)parts->level_start[level];
    const size_t end = parts->offset[row] + (size_t)parts->level_start[level + 1];
    *out = parts->link + start;
    return end <= parts->offset[row + 1] ? (uint32_t)(end - start) : 0;
}

/* Quantises the query to bytes, weighted by the ranges of the codes: Σ q (low + range (c + ½) / 255) orders rows like Σ (q range)
 * c. */
static void to_bytes(const mrq_faiss_parts *parts, const float *query, uint32_t dim, int8_t *out)
{
    float largest = 0;
    for (uint32_t d = 0; d < dim; d++)
        largest = fmaxf(largest, fabsf(query[d] * parts->range[d]));
    const float scale = largest > 0 && isfinite(largest) ? 127 / largest : 0;
    for (uint32_t d = 0; d < dim; d++)
        out[d] = (int8_t)lrintf(query[d] * parts->range[d] * scale);
}

static void prefetch(const void *at, size_t size)
{
    const uintptr_t end = (uintptr_t)at + size;
    for (uintptr_t line = (uintptr_t)at & ~(uintptr_t)(LINE - 1); line < end; line += LINE)
        __builtin_prefetch((const void *)line);
}

static void prefetch_row(const struct walk *w, uint32_t row)
{
    if (w->parts->codes)
        prefetch(w->parts->codes + (size_t)row * w->dim, w->dim);
    else
        prefetch(w->parts->rows + (size_t)row * w->dim, w->dim * sizeof(float));
}

/* Computes the scores of the batch. */
static void score_batch(const struct walk *w, uint32_t n)
{
    if (!w->parts->codes) {
        w->kernels->inner_products_of(w->score, w->query, w->parts->rows, w->dim, w->batch, n);
        return;
    }
    int32_t *whole = (int32_t *)(void *)w->score;
    w->kernels->code_products_of(whole, w->byte_query, w->parts->codes, w->dim, w->batch, n);
    for (uint32_t i = 0; i < n; i++)
        w->score[i] = (float)whole[i];
}

/* From the entry down to the lowest level: on each level moves to better neighbours until there is none. */
static uint32_t descend(struct walk *w, float *score)
{
    uint32_t row = (uint32_t)w->parts->entry;
    w->batch[0] = row;
    score_batch(w, 1);
    *score = w->score[0];
    for (int level = w->parts->top_level; level > 0; level--)
        for (bool moved = true; moved;) {
            const int32_t *link;
            const uint32_t limit = links(w->parts, row, level, &link);
            uint32_t n = 0;
            moved = false;
            for (; n < limit && link[n] >= 0; n++) {
                w->batch[n] = (uint32_t)link[n];
                prefetch_row(w, w->batch[n]);
            }
            score_batch(w, n);
            for (uint32_t i = 0; i < n; i++)
                if (w->score[i] > *score) {
                    *score = w->score[i];
                    row = w->batch[i];
                    moved = true;
                }
        }
    return row;
}

/* Inserts a row into the list, unless the list is full of better ones. */
static void insert(struct walk *w, float score, uint32_t row)
{
    if (w->n == w->ef && !(score > w->place[w->n - 1].score))
        return;
    uint32_t low = 0, high = w->n;
    while (low < high) {
        const uint32_t middle = (low + high) / 2;
        if (w->place[middle].score >= score)
            low = middle + 1;
        else
            high = middle;
    }
    w->n += w->n < w->ef;
    memmove(w->place + low + 1, w->place + low, (w->n - low - 1) * sizeof *w->place);
    w->place[low] = (struct place){score, row};
    prefetch(w->parts->offset + row, 1);
    if (low < w->next)
        w->next = low;
}

/* Prefetches the links of the row at a place, if it is unmarked. */
static void prefetch_links(const struct walk *w, uint32_t place)
{
    if (place < w->n && !(w->place[place].row & VISITED))
        prefetch(w->parts->link + w->parts->offset[w->place[place].row], (size_t)w->parts->level_start[1] * sizeof(int32_t));
}

/* Expands the best unmarked row: visits its neighbours. */
static void expand(struct walk *w)
{
    const uint32_t row = w->place[w->next].row;
    w->place[w->next].row |= VISITED;
    const int32_t *link;
    const uint32_t limit = links(w->parts, row, 0, &link);
    uint32_t n = 0;
    for (uint32_t i = 0; i < limit && link[i] >= 0; i++) {
        const uint32_t to = (uint32_t)link[i];
        const uint64_t bit = UINT64_C(1) << (to % 64);
        if (w->seen[to / 64] & bit)
            continue;
        w->seen[to / 64] |= bit;
        prefetch_row(w, to);
        w->batch[n++] = to;
    }
    prefetch_links(w, w->next + 1);
    score_batch(w, n);
    for (uint32_t i = 0; i < n; i++)
        insert(w, w->score[i], w->batch[i]);
    while (w->next < w->n && w->place[w->next].row & VISITED)
        w->next++;
    prefetch_links(w, w->next);
}

mrq_status mrq_graph_walk(const mrq_faiss_parts *parts, uint32_t n, uint32_t dim, const float *query, uint32_t ef, uint32_t *row,
                          uint32_t *found, mrq_error *err)
{
    const size_t most = (size_t)parts->level_start[parts->n_level_starts - 1]; /* links on all levels; a batch is one level's */
    const uint32_t row_dim = parts->row_dim;
    MRQ_AUTOFREE float *rotated = mrq_array(row_dim, sizeof *rotated);
    MRQ_AUTOFREE int8_t *byte_query = mrq_array(row_dim, 1);
    MRQ_AUTOFREE struct place *place = mrq_array((size_t)ef + 1, sizeof *place);
    MRQ_AUTOFREE uint64_t *seen = mrq_array((size_t)n / 64 + 1, sizeof *seen);
    MRQ_AUTOFREE uint32_t *batch = mrq_array(most, sizeof *batch);
    MRQ_AUTOFREE float *score = mrq_array(most, sizeof *score);
    if (!rotated || !byte_query || !place || !seen || !batch || !score)
        return mrq_fail_memory(err, "searching an index");
    struct walk w = {.parts = parts,
                     .kernels = mrq_distances_best(),
                     .dim = row_dim,
                     .query = parts->rotation ? rotated : query,
                     .byte_query = byte_query,
                     .place = place,
                     .ef = ef,
                     .seen = seen,
                     .batch = batch,
                     .score = score};
    if (parts->rotation)
        w.kernels->inner_products(rotated, query, parts->rotation, dim, row_dim);
    if (parts->codes)
        to_bytes(parts, w.query, row_dim, byte_query);
    float first_score;
    const uint32_t first = descend(&w, &first_score);
    seen[first / 64] |= UINT64_C(1) << (first % 64);
    insert(&w, first_score, first);
    while (w.next < w.n)
        expand(&w);
    for (uint32_t i = 0; i < w.n; i++)
        row[i] = place[i].row & ~VISITED;
    *found = w.n;
    return MRQ_OK;
}
