/* One query: chooses the way to search and the number of candidates.
 *
 * Order. An exact scan keeps the best k by score and row, all scores by one kernel, so its answer is unique, also for equal and
 * almost equal scores.
 *
 * An approximate search is made in rounds. The first fills the first places of the list, and each later one, which looks deeper,
 * the places up to four times as many. What a round does depends on the query, the filter and its number, never on k, and a round
 * only adds rows that come after those of the rounds before it. So the list for k is the beginning of the list for any larger k,
 * and it is in order; a row that an early round missed is left out. Rejected: a depth that grows with k, which makes another list
 * for each k; always the greatest depth, which costs a hundred times as much.
 *
 * Filters. A scan looks only at rows that qualify. An approximate search ignores the filter, so the number of candidates is divided
 * by the share of rows that qualify. If that would cost as much as scanning the qualifying rows, they are scanned instead. They are
 * also scanned if the approximate search does not fill its places, because rows are far from the query or not reachable in the
 * graph or the few inverted lists searched. A server filters by itself, so it is always asked, and only for the wanted number; rows
 * in its reply that do not qualify are dropped here. */
#include <string.h>

#include "base/finite.h"
#include "index/inside.h"
#include "index/scan.h"

/* Cost of a candidate of an approximate search, in scanned rows: about the number of rows visited to find it. In the table of
 * benchmarks/README.md a graph of 62,000 rows takes 0.7 us per unit of `parameter`, and a scanned row 0.03 us. */
#define ROWS_PER_CANDIDATE 16

/* Places that the first round fills, and by what factor each round fills more. */
enum { FIRST_LEAST = MRQ_RECALL_K, FIRST_MOST = 50, GROWTH = 4 };

/* A search; what all rounds need. */
struct search {
    const mrq_index *index;
    const float *query;
    const mrq_filter *filter;
    uint32_t qualifying;
};

static float slack_of(const struct search *s)
{
    /* Computed by the first search that needs it; a second thread that computes it too finds the same. */
    mrq_index *index = (mrq_index *)(uintptr_t)s->index;
    float longest = index->longest;
    if (longest <= 0)
        index->longest = longest = mrq_scan_longest(index->vectors, index->n, index->dim);
    return mrq_scan_slack(s->query, index->dim, longest);
}

/* The best of all rows that qualify, in order. */
static mrq_status scan(const struct search *s, mrq_top *top, mrq_error *err)
{
    const mrq_index *index = s->index;
    top->n = 0;
    if (index->sketch)
        MRQ_TRY(mrq_sketch_scan(index->sketch, s->query, s->filter, top, err));
    else
        mrq_scan(index->vectors, index->n, index->dim, s->query, s->filter, slack_of(s), top);
    mrq_top_sort(top);
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

/* Whether `hit` comes after `last` in a list. */
static bool comes_after(mrq_hit hit, mrq_hit last)
{
    return hit.score < last.score || (hit.score == last.score && hit.row > last.row);
}

/* The number of hits in order, `from[0..n)`, that come before or at the last of the list. */
static uint32_t count_before(const mrq_top *list, const mrq_hit *from, uint32_t n)
{
    uint32_t i = 0;
    while (list->n && i < n && !comes_after(from[i], list->hit[list->n - 1]))
        i++;
    return i;
}

static void append(mrq_top *list, const mrq_hit *from, uint32_t n)
{
    for (uint32_t i = 0; i < n && list->n < list->k; i++)
        list->hit[list->n++] = from[i];
}

/* Up to `want` qualifying candidates, found among `ask` rows, with their scores and in order: `*hits`, freed with mrq_free(). */
static mrq_status find_candidates(const struct search *s, uint32_t ask, uint32_t want, mrq_hit **hits, uint32_t *n, mrq_error *err)
{
    const mrq_index *index = s->index;
    MRQ_AUTOFREE uint32_t *row = mrq_array(ask, sizeof *row);
    MRQ_AUTOFREE mrq_hit *hit = mrq_array(want, sizeof *hit);
    uint32_t found = 0;
    if (!row || !hit)
        return mrq_fail_memory(err, "searching an index");
    MRQ_TRY(index->searcher->search(index, s->query, ask, s->filter ? s->filter->terms : NULL, row, &found, err));
    if (s->filter)
        found = keep_qualifying(s->filter, row, found);
    mrq_top top = {hit, want, 0};
    for (uint32_t i = 0; i < found && i < want; i++)
        hit[top.n++] = (mrq_hit){
            row[i], mrq_distances_best()->inner_product(s->query, index->vectors + (size_t)row[i] * index->dim, index->dim)};
    mrq_top_sort(&top);
    *n = top.n;
    *hits = hit;
    hit = NULL;
    return MRQ_OK;
}

/* The number of candidates to request from a server, so that `want` of them qualify: it does not filter single rows. */
static uint32_t add_left_out(const mrq_index *index, uint32_t want, const mrq_filter *filter)
{
    const uint64_t ask = want + (filter && filter->terms ? filter->terms->n_without : 0);
    return ask < index->n ? (uint32_t)ask : index->n;
}

/* The places that the first round fills. */
static uint32_t first_places(const mrq_index *index)
{
    const uint32_t rerank = index->settings.rerank;
    return rerank < FIRST_LEAST ? FIRST_LEAST : rerank > FIRST_MOST ? FIRST_MOST : rerank;
}

/* Fills the list up to `places` by an approximate search. `*filled` is false, and the list as it was, if that finds too few or
 * would cost as much as a scan. */
static mrq_status fill_round(const struct search *s, uint32_t places, mrq_top *list, bool *filled, mrq_error *err)
{
    const mrq_index *index = s->index;
    const bool filters = index->searcher->filters;
    const uint32_t rerank = index->settings.rerank, parameter = index->settings.parameter;
    const uint32_t want = filters ? places + rerank : rerank > places ? rerank : places;
    uint32_t least = index->way == MRQ_WAY_WALK && parameter > want ? parameter : want;
    if (s->filter && !filters && least < 2 * want)
        least = 2 * want; /* because candidates qualify unevenly */
    const double ask = filters ? add_left_out(index, least, s->filter) : (double)least * index->n / s->qualifying;
    MRQ_AUTOFREE mrq_hit *hits = NULL;
    uint32_t n = 0;
    *filled = false;
    if (!filters && ask * ROWS_PER_CANDIDATE >= s->qualifying)
        return MRQ_OK;
    MRQ_TRY(find_candidates(s, (uint32_t)ask, want, &hits, &n, err));
    const uint32_t before = count_before(list, hits, n), end = places < s->qualifying ? places : s->qualifying;
    *filled = list->n + n - before >= end;
    if (*filled)
        append(list, hits + before, end - list->n);
    return MRQ_OK;
}

/* Appends the rows of all[0..n), which is in order, that the first `known` hits of the list, in the same order, do not have. */
static void append_missed(mrq_top *list, uint32_t known, const mrq_hit *all, uint32_t n)
{
    for (uint32_t i = 0, j = 0; i < n; i++)
        if (j < known && all[i].row == list->hit[j].row)
            j++;
        else
            append(list, &all[i], 1);
}

/* Fills the rest of the list by a scan. It keeps more rows if too many of those that it kept come before the list's end. */
static mrq_status fill_exactly(const struct search *s, mrq_top *list, mrq_error *err)
{
    const uint32_t known = list->n;
    for (uint32_t size = list->k;;) {
        MRQ_AUTOFREE mrq_hit *hits = mrq_array(size, sizeof *hits);
        if (!hits)
            return mrq_fail_memory(err, "searching an index");
        mrq_top all = {hits, size, 0};
        MRQ_TRY(scan(s, &all, err));
        const uint32_t before = count_before(list, hits, all.n);
        if (all.n - before >= list->k - known || size == s->qualifying) {
            append(list, hits + before, all.n - before);
            if (list->n < list->k)
                append_missed(list, known, hits, before);
            return MRQ_OK;
        }
        size = size < s->qualifying / 2 ? 2 * size : s->qualifying;
    }
}

static mrq_status search_in_rounds(const struct search *s, mrq_top *list, mrq_error *err)
{
    bool filled = true;
    for (uint64_t places = first_places(s->index); filled && list->n < list->k; places *= GROWTH)
        MRQ_TRY(fill_round(s, places < s->index->n ? (uint32_t)places : s->index->n, list, &filled, err));
    return list->n < list->k ? fill_exactly(s, list, err) : MRQ_OK;
}

mrq_status mrq_index_search(const mrq_index *index, const float *query, uint32_t k, const mrq_filter *filter, mrq_hit *hits,
                            uint32_t *found, mrq_error *err)
{
    const struct search s = {index, query, filter, filter ? filter->n_kept : index->n};
    mrq_top top = {hits, k < s.qualifying ? k : s.qualifying, 0};
    if (!mrq_all_finite(query, index->dim))
        return mrq_fail(err, MRQ_USAGE, "the query vector holds a number that is not finite");
    if (index->way == MRQ_WAY_SCAN)
        MRQ_TRY(scan(&s, &top, err));
    else if (top.k)
        MRQ_TRY(search_in_rounds(&s, &top, err));
    *found = top.n;
    return MRQ_OK;
}
