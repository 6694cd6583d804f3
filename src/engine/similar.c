/* Finds similar items. If the tower has a vector for liking the item, these are the items whose scores it raises most; otherwise
 * those with the largest cosine between the item tower's vectors.
 *
 * If the model's score is a cosine, the index has these vectors and is searched. If it is an inner product, an exported vector
 * consists of the tower's vector, the bias, and the coordinate that makes all vectors equally long (model/folded.h). Inner products
 * of these vectors would find items of the same popularity rather than similar ones. So all rows are scanned, with the tower's part
 * only: 1 ms for 62,000 items. */
#include <math.h>
#include <string.h>

#include "engine/engine.h"
#include "engine/neighbours.h"
#include "index/top.h"
#include "model/kernels.h"

/* Scans the first `size` numbers of all vectors. The cosine with a vector of length 0 is 0. */
static void scan(const mrq_generation *generation, uint32_t item, const mrq_filter *filter, mrq_top *top)
{
    const mrq_kernels *kernels = mrq_kernels_best();
    const uint32_t dim = generation->tower->dim, size = generation->tower->size;
    const float *vectors = mrq_index_vectors(generation->index), *query = vectors + (size_t)item * dim;
    const float square = kernels->dot(query, query, size);
    for (uint32_t row = 0; row < generation->items->rows; row++) {
        if (!(filter->keep[row / 64] >> row % 64 & 1))
            continue;
        const float *vector = vectors + (size_t)row * dim;
        const double lengths = sqrt((double)square * (double)kernels->dot(vector, vector, size));
        const double cosine = lengths > 0 ? (double)kernels->dot(query, vector, size) / lengths : 0;
        mrq_top_push(top, (mrq_hit){row, (float)cosine});
    }
    mrq_top_sort(top);
}

/* What liking the item adds to a person's vector: a unit vector (dim), or zero if only neighbours say something of the item, and
 * the factor for its scores, which is returned; 0 if the tower says nothing of this item. Rejected: the cosine of these vectors,
 * which finds rare items, because their length is ignored. */
static double liking(const mrq_folded *tower, uint32_t item, float *out)
{
    const mrq_kernels *kernels = mrq_kernels_best();
    if (!tower->liked)
        return 0;
    memset(out, 0, tower->dim * sizeof *out);
    memcpy(out, tower->liked + (size_t)item * tower->width, tower->size * sizeof *out);
    const float norm = sqrtf(kernels->dot(out, out, tower->size));
    kernels->scale(out, norm > 0 ? 1 / norm : 0, tower->size);
    const uint64_t *of = tower->neighbours.strength ? tower->neighbours.list.offset + item : NULL;
    return norm > 0 ? (double)norm * tower->scale : of && of[1] > of[0] ? tower->scale : 0;
}

/* The best `k` rows of those that the filter keeps. */
static mrq_status search(const mrq_generation *generation, uint32_t item, const mrq_filter *filter, uint32_t k, mrq_hit *hits,
                         uint32_t *n, mrq_error *err)
{
    MRQ_AUTOFREE float *vector = mrq_array(generation->tower->dim, sizeof *vector);
    if (!vector)
        return mrq_fail_memory(err, "searching");
    const double factor = liking(generation->tower, item, vector);
    if (factor > 0) {
        const mrq_feedback liked = {1, &item, &(float){MRQ_LIKES}};
        MRQ_TRY(mrq_neighbours_search(generation, vector, factor, &liked, 1, k, filter, hits, n, err));
        for (uint32_t i = 0; i < *n; i++)
            hits[i].score = (float)(factor * (double)hits[i].score);
        return MRQ_OK;
    }
    if (generation->tower->score == MRQ_COSINE)
        return mrq_index_search(generation->index, mrq_index_vectors(generation->index) + (size_t)item * generation->tower->dim, k,
                                filter, hits, n, err);
    mrq_top top = {hits, k, 0};
    scan(generation, item, filter, &top);
    *n = top.n;
    return MRQ_OK;
}

/* The rows that are not to be answered: those that are gone, and the item itself; `n` of them. */
static uint32_t *rows_without(const mrq_live_view *live, uint32_t item, uint32_t *n)
{
    const uint32_t gone = live ? live->n_gone : 0;
    uint32_t *row = mrq_array((size_t)gone + 1, sizeof *row);
    if (row && gone)
        memcpy(row, live->gone, gone * sizeof *row);
    if (row)
        row[gone] = item;
    *n = gone + 1;
    return row;
}

mrq_status mrq_similar(const mrq_generation *generation, const mrq_query *query, const mrq_live_view *live, mrq_content *out,
                       mrq_error *err)
{
    __attribute__((cleanup(mrq_resolved_clear))) mrq_resolved resolved = {0};
    __attribute__((cleanup(mrq_bitmap_clear))) mrq_bitmap bitmap = {0};
    MRQ_TRY(mrq_history_check(generation, err));
    MRQ_TRY(mrq_query_resolve(generation, MRQ_ASK_SIMILAR, query, live, &resolved, err));
    uint32_t n_less;
    MRQ_AUTOFREE uint32_t *less = rows_without(live, resolved.item, &n_less);
    if (!less)
        return mrq_fail_memory(err, "answering");
    MRQ_TRY(mrq_selection_bitmap(&resolved.selection, generation->items, less, n_less, &bitmap, err));
    const uint32_t k = mrq_resolved_reach(&resolved, bitmap.filter.n_kept);
    MRQ_AUTOFREE mrq_hit *hits = mrq_array(k, sizeof *hits);
    MRQ_AUTOFREE mrq_recommendation *hit = mrq_array(k, sizeof *hit);
    uint32_t n = 0;
    if (!hits || !hit)
        return mrq_fail_memory(err, "answering");
    MRQ_TRY(search(generation, resolved.item, &bitmap.filter, k, hits, &n, err));
    n = mrq_resolved_page(&resolved, hits, n);
    for (uint32_t i = 0; i < n; i++)
        hit[i] = (mrq_recommendation){hits[i].row, (double)hits[i].score};
    *out = (mrq_content){.n = n, .hit = hit, .cache = MRQ_CACHE_OFF, .query = resolved};
    hit = NULL;
    resolved = (mrq_resolved){0};
    return MRQ_OK;
}
