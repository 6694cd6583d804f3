/* Filters. They are resolved once for each query and given to the search as a bitmap with one bit for each row. The search returns
 * k rows if at least k pass.
 *
 * The bitmap starts with all bits set. Each seen or excluded item clears one bit. If the query filters by genres or years, every
 * row is compared: 5 µs for 4,000 items. Genres are the first set column, years the number column called "year", as everywhere in
 * the engine. */
#include "engine/filter.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/parse.h"
#include "engine/json.h"

void mrq_selection_clear(mrq_selection *selection)
{
    mrq_free(selection->genre);
    mrq_free(selection->exclude);
    *selection = (mrq_selection){0};
}

uint32_t mrq_rows_sort(uint32_t *row, uint32_t n)
{
    uint32_t kept = 0;
    mrq_list_sort(row, n);
    for (uint32_t i = 0; i < n; i++)
        if (!kept || row[kept - 1] != row[i])
            row[kept++] = row[i];
    return kept;
}

/* The codes of the query's genres. */
static mrq_status resolve_genres(const mrq_table *items, const mrq_query *query, mrq_selection *out, mrq_error *err)
{
    const mrq_column *genres = mrq_table_first(items, MRQ_SET);
    const char *text[MRQ_GENRES_MAX];
    const uint32_t n = query->n[MRQ_Q_GENRE];
    mrq_query_texts(query, MRQ_Q_GENRE, text);
    if (n && !genres)
        return mrq_fail(err, MRQ_USAGE, "genre \"%.40s\": the data's %s have no genres; leave it out", text[0], items->noun.many);
    for (uint32_t i = 0; i < n; i++) {
        out->genre[i] = mrq_strings_find(&genres->dict, text[i]);
        if (out->genre[i] != MRQ_NONE)
            continue;
        char names[400] = "";
        for (uint32_t g = 0; g < genres->dict.n; g++)
            snprintf(names + strlen(names), sizeof names - strlen(names), "%s%.40s", g ? ", " : "",
                     mrq_strings_at(&genres->dict, g));
        return mrq_fail(err, MRQ_USAGE, "genre \"%.40s\": want one of %s", text[i], names);
    }
    out->n_genres = mrq_rows_sort(out->genre, n);
    out->all_genres = query->n[MRQ_Q_ALL_GENRES] && out->n_genres > 1;
    return MRQ_OK;
}

static mrq_status resolve_years(const mrq_table *items, const mrq_query *query, mrq_selection *out, mrq_error *err)
{
    const char *years = mrq_query_text(query, MRQ_Q_YEAR);
    if (!years)
        return MRQ_OK;
    if (!mrq_table_year(items))
        return mrq_fail(err, MRQ_USAGE, "year: the data's %s have no years; leave it out", items->noun.many);
    if (!mrq_years_read(years, &out->year_from, &out->year_to)) /* checked when it was set */
        return mrq_fail(err, MRQ_USAGE, "year \"%.40s\": want years", years);
    return MRQ_OK;
}

/* The rows of the excluded ids. Unknown ids are ignored. */
static void resolve_excluded(const mrq_table *items, const mrq_query *query, mrq_selection *out)
{
    mrq_query_value value;
    uint32_t n = 0;
    for (size_t at = mrq_query_begin(query, MRQ_Q_EXCLUDE); mrq_query_next(query, MRQ_Q_EXCLUDE, &at, &value);) {
        out->exclude[n] = mrq_table_find(items, value.text, value.size);
        n += out->exclude[n] != MRQ_NONE;
    }
    out->n_exclude = mrq_rows_sort(out->exclude, n);
}

static mrq_status resolve(const mrq_table *items, const mrq_query *query, mrq_selection *out, mrq_error *err)
{
    out->genre = mrq_array(query->n[MRQ_Q_GENRE], sizeof *out->genre);
    out->exclude = mrq_array(query->n[MRQ_Q_EXCLUDE], sizeof *out->exclude);
    if (!out->genre || !out->exclude)
        return mrq_fail_memory(err, "reading the query");
    MRQ_TRY(resolve_genres(items, query, out, err));
    MRQ_TRY(resolve_years(items, query, out, err));
    resolve_excluded(items, query, out);
    return MRQ_OK;
}

mrq_status mrq_selection_resolve(const mrq_table *items, const mrq_query *query, mrq_selection *out, mrq_error *err)
{
    mrq_selection selection = {0};
    const mrq_status status = resolve(items, query, &selection, err);
    if (status != MRQ_OK) {
        mrq_selection_clear(&selection);
        return status;
    }
    *out = selection;
    return MRQ_OK;
}

void mrq_years_print(const mrq_selection *s, char out[MRQ_YEARS_TEXT])
{
    char from[12] = "", to[12] = "";
    if (s->year_from)
        snprintf(from, sizeof from, "%d", s->year_from);
    if (s->year_to)
        snprintf(to, sizeof to, "%d", s->year_to);
    snprintf(out, MRQ_YEARS_TEXT, s->year_from == s->year_to ? "%s" : "%s-%s", from, to);
}

static void print_genres(mrq_print *print, const mrq_selection *selection, const mrq_table *items)
{
    const mrq_column *genres = mrq_table_first(items, MRQ_SET);
    mrq_print_key(print, "genre");
    mrq_print_open(print, '[');
    for (uint32_t i = 0; i < selection->n_genres; i++)
        mrq_print_text(print, mrq_strings_at(&genres->dict, selection->genre[i]));
    mrq_print_close(print, ']');
}

static void print_years(mrq_print *print, const mrq_selection *selection)
{
    char years[MRQ_YEARS_TEXT];
    mrq_years_print(selection, years);
    mrq_print_key(print, "year");
    mrq_print_text(print, years);
}

static void print_excluded(mrq_print *print, const mrq_selection *selection, const mrq_table *items)
{
    mrq_print_key(print, "exclude");
    mrq_print_open(print, '[');
    for (uint32_t i = 0; i < selection->n_exclude; i++)
        mrq_print_text(print, mrq_table_id(items, selection->exclude[i]));
    mrq_print_close(print, ']');
}

void mrq_print_selection(mrq_print *print, const mrq_selection *selection, const mrq_table *items, unsigned field)
{
    if (field == MRQ_Q_GENRE && selection->n_genres)
        print_genres(print, selection, items);
    if (field == MRQ_Q_ALL_GENRES && selection->all_genres) {
        mrq_print_key(print, "all_genres");
        mrq_print_raw(print, "true");
    }
    if (field == MRQ_Q_YEAR && (selection->year_from || selection->year_to))
        print_years(print, selection);
    if (field == MRQ_Q_EXCLUDE && selection->n_exclude)
        print_excluded(print, selection, items);
}

/* The number of the selection's genres that a row has. */
static uint32_t count_genres(const mrq_selection *s, const mrq_lists *list, uint32_t row)
{
    uint32_t matches = 0;
    for (uint32_t g = 0; g < s->n_genres; g++) {
        bool has = false; /* the list may contain it twice */
        for (uint64_t i = list->offset[row]; i < list->offset[row + 1]; i++)
            has |= list->item[i] == s->genre[g];
        matches += has;
    }
    return matches;
}

/* A bit for each of up to 64 rows from `first` on: whether it has the genres of the selection. */
static uint64_t with_genres(const mrq_selection *s, const mrq_lists *list, uint32_t first, uint32_t rows)
{
    const uint32_t least = s->all_genres ? s->n_genres : 1;
    uint64_t keep = 0;
    for (uint32_t i = 0; i < rows; i++)
        keep |= (uint64_t)(count_genres(s, list, first + i) >= least) << i;
    return keep;
}

/* The same for the years, from `year` on. */
static uint64_t with_years(const mrq_selection *s, const double *year, uint32_t rows)
{
    const double from = s->year_from, to = s->year_to ? s->year_to : (double)INFINITY;
    uint64_t keep = 0;
    for (uint32_t i = 0; i < rows; i++)
        keep |= (uint64_t)(year[i] >= from && year[i] <= to) << i; /* false of NaN */
    return keep;
}

void mrq_bitmap_clear(mrq_bitmap *bitmap)
{
    mrq_free(bitmap->keep);
    *bitmap = (mrq_bitmap){0};
}

/* Clears the bit of a row. */
static void drop(uint64_t *keep, uint32_t row)
{
    keep[row / 64] &= ~((uint64_t)1 << row % 64);
}

mrq_status mrq_selection_bitmap(const mrq_selection *selection, const mrq_table *items, const uint32_t *less, uint64_t n,
                                mrq_bitmap *out, mrq_error *err)
{
    const mrq_column *genres = mrq_table_first(items, MRQ_SET), *year = mrq_table_year(items);
    const uint32_t rows = items->rows, words = rows / 64 + (rows % 64 != 0);
    uint64_t *keep = mrq_array(words, sizeof *keep);
    if (!keep)
        return mrq_fail_memory(err, "filtering");
    for (uint32_t first = 0; first < rows; first += 64) {
        const uint32_t n_rows = rows - first < 64 ? rows - first : 64;
        uint64_t bits = ~(uint64_t)0 >> (64 - n_rows);
        if (selection->n_genres)
            bits &= with_genres(selection, &genres->list, first, n_rows);
        if (selection->year_from || selection->year_to)
            bits &= year ? with_years(selection, year->number + first, n_rows) : 0;
        keep[first / 64] = bits;
    }
    for (uint32_t i = 0; i < selection->n_exclude; i++)
        drop(keep, selection->exclude[i]);
    for (uint64_t i = 0; i < n; i++)
        drop(keep, less[i]);
    uint32_t kept = 0;
    for (uint32_t i = 0; i < words; i++)
        kept += (uint32_t)__builtin_popcountll(keep[i]);
    *out = (mrq_bitmap){{keep, kept, &out->terms},
                        keep,
                        {.genres = selection->n_genres ? &genres->dict : NULL,
                         .genre = selection->genre,
                         .n_genres = selection->n_genres,
                         .all = selection->all_genres,
                         .year_from = selection->year_from,
                         .year_to = selection->year_to,
                         .n_without = n + selection->n_exclude}};
    return MRQ_OK;
}
