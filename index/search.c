/* One query: chooses the way to search and the number of candidates.
 *
 * Order. An exact scan keeps the best k by score and row, so its answer is unique, also for equal scores. Candidates of an
 * approximate search go through the same heap with the same inner products.
 *
 * Filters. A scan looks only at rows that qualify. An approximate search ignores the filter, so the number of candidates is divided
 * by the share of rows that qualify. If that would cost as much as scanning the qualifying rows, they are scanned instead. They are
 * also scanned if the approximate search finds too few, because they are far from the query or not reachable in the graph or the
 * few inverted lists searched. A server filters by itself, so it is always asked, and only for the wanted number; rows in its reply
 * that do not qualify are dropped here. */
#include "base/finite.h"
#include "index/inside.h"
#include "index/scan.h"

/* Cost of a candidate of an approximate search, in scanned rows: about the number of rows visited to find it. In the table of
 * benchmarks/README.md a graph of 62,000 rows takes 0.7 us per unit of `parameter`, and a scanned row 0.03 us. */
#define ROWS_PER_CANDIDATE 16

static mrq_status scan(const mrq_index *index, const float *query, const mrq_filter *filter, mrq_top *top, mrq_error *err)
{
    top->n = 0;
    if (index->sketch)
        return mrq_sketch_scan(index->sketch, query, filter, top, err);
    mrq_scan(index->vectors, index->n, index->dim, query, filter, top);
    return MRQ_OK;
}

static uint32_t keep_qualifying(const mrq_filter *filter, uint32_t *row, uint32_t n)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < n; i++)
        if (filter->keep[row[i] / 64] >> (row[i] % 64) & 1)
            row[kept++] = row[i];
    return kept;
}

/* Offers up to `want` qualifying candidates, found among `ask` rows, to `top`. */
static mrq_status approximate(const mrq_index *index, const float *query, uint32_t ask, uint32_t want, const mrq_filter *filter,
                              mrq_top *top, mrq_error *err)
{
    const mrq_terms *terms = filter ? filter->terms : NULL;
    MRQ_AUTOFREE uint32_t *row = mrq_array(ask, sizeof *row);
    uint32_t found = 0;
    if (!row)
        return mrq_fail_memory(err, "searching an index");
    MRQ_TRY(index->searcher->search(index, query, ask, terms, row, &found, err));
    if (filter)
        found = keep_qualifying(filter, row, found);
    mrq_scan_rows(index->vectors, index->dim, query, row, found < want ? found : want, top);
    return MRQ_OK;
}

/* The number of candidates to request from a server, so that `want` of them qualify: it does not filter single rows. */
static uint32_t add_left_out(const mrq_index *index, uint32_t want, const mrq_filter *filter)
{
    const uint64_t ask = want + (filter && filter->terms ? filter->terms->n_without : 0);
    return ask < index->n ? (uint32_t)ask : index->n;
}

mrq_status mrq_index_search(const mrq_index *index, const float *query, uint32_t k, const mrq_filter *filter, mrq_hit *hits,
                            uint32_t *found, mrq_error *err)
{
    const uint32_t qualifying = filter ? filter->n_kept : index->n;
    mrq_top top = {hits, k < qualifying ? k : qualifying, 0};
    if (!mrq_all_finite(query, index->dim))
        return mrq_fail(err, MRQ_USAGE, "the query vector holds a number that is not finite");
    if (index->way == MRQ_WAY_SCAN) {
        MRQ_TRY(scan(index, query, filter, &top, err));
    } else if (top.k) {
        const bool filters = index->searcher->filters;
        const uint32_t rerank = index->settings.rerank;
        const uint32_t want = filters ? top.k + rerank : rerank > top.k ? rerank : top.k;
        const uint32_t parameter = index->settings.parameter > top.k ? index->settings.parameter : top.k;
        const uint32_t least = index->way == MRQ_WAY_WALK ? parameter : want;
        const double ask = filters ? add_left_out(index, least, filter) : (double)least * index->n / qualifying;
        if (filters || ask * ROWS_PER_CANDIDATE < qualifying)
            MRQ_TRY(approximate(index, query, (uint32_t)ask, want, filter, &top, err));
        if (top.n < top.k)
            MRQ_TRY(scan(index, query, filter, &top, err));
    }
    /* The last bits of a sum depend on the kernel, and so on the row's place. Compute all scores with one kernel, so that equal
     * vectors get equal scores. */
    for (uint32_t i = 0; i < top.n; i++)
        hits[i].score = mrq_distances_best()->inner_product(query, index->vectors + (size_t)hits[i].row * index->dim, index->dim);
    mrq_top_sort(&top);
    *found = top.n;
    return MRQ_OK;
}
