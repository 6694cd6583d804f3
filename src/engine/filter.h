/* Filters: the rows of the catalogue that a query allows. */
#ifndef MRQ_ENGINE_FILTER_H
#define MRQ_ENGINE_FILTER_H

#include "base/print.h"
#include "base/table.h"
#include "engine/where.h"

/* Sorts rows and removes duplicates; returns the number of rows left. */
uint32_t mrq_rows_sort(uint32_t *row, uint32_t n);

/* The filters of a query resolved for a catalogue, without the seen items. Equal for filters of the same fields with the same
 * meaning. */
typedef struct mrq_selection {
    mrq_condition *condition; /* (n) those of `genre`, of `year` and of `where`, one after the other */
    uint32_t n, n_genre, n_year;
    uint32_t *exclude; /* (n_exclude) rows, ascending, distinct */
    uint32_t n_exclude;
} mrq_selection;
void mrq_selection_clear(mrq_selection *selection);         /* legal on a zeroed struct */
size_t mrq_selection_bytes(const mrq_selection *selection); /* memory that it points to */

/* The conditions of `where`, and their number. */
static inline const mrq_condition *mrq_selection_where(const mrq_selection *s, uint32_t *n)
{
    *n = s->n - s->n_genre - s->n_year;
    return s->condition + s->n_genre + s->n_year;
}

/* Statuses as of mrq_recommend(). */
MRQ_CHECKED mrq_status mrq_selection_resolve(const mrq_table *items, const mrq_query *query, mrq_selection *out, mrq_error *err);

/* "1994", "1990-1999", "1990-" or "-1999", as in a query; "" for all. */
#define MRQ_YEARS_TEXT 32
void mrq_years_print(const mrq_selection *selection, char out[MRQ_YEARS_TEXT]);

/* Adds a field of the selection, MRQ_Q_GENRE, _ALL_GENRES, _YEAR, _WHERE or _EXCLUDE, to a query's JSON, if it filters. */
void mrq_print_selection(mrq_print *print, const mrq_selection *selection, const mrq_table *items, unsigned field);

/* A bitmap of the rows that the selection allows, without the `n` rows of `less`. It points into both; `filter` points into it. */
typedef struct mrq_bitmap {
    mrq_filter filter;
    uint64_t *keep; /* the filter points to this, and to the terms */
    mrq_terms terms;
} mrq_bitmap;
void mrq_bitmap_clear(mrq_bitmap *bitmap); /* legal on a zeroed struct */
MRQ_CHECKED mrq_status mrq_selection_bitmap(const mrq_selection *selection, const mrq_table *items, const uint32_t *less,
                                            uint64_t n, mrq_bitmap *out, mrq_error *err);

#endif
