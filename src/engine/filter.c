/* Filters, resolved once a query and then handed to the search as one bit a row: the search itself sees to it that k rows come back
 * when k qualify.
 *
 * The bitmap starts full. Movies to leave out, be they seen or excluded, clear a bit each; genres and years, which only a look at
 * each row can tell, are gone through when they are asked for: 5 µs for 4,000 movies. Genres are the first column of sets, years
 * the column of numbers called "year", as everywhere in the engine. */
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

mrq_status mrq_years_parse(const char *text, mrq_filters *filters, mrq_error *err)
{
    MRQ_TRY(mrq_argument_check(text, "text", err));
    MRQ_TRY(mrq_argument_check(filters, "filters", err));
    const char *dash = strchr(text, '-');
    const size_t first = dash ? (size_t)(dash - text) : strlen(text), last = dash ? strlen(dash + 1) : 0;
    int64_t from = 0, to = 0;
    const bool good = first + last > 0 && (!first || mrq_parse_int(text, first, 1, MRQ_YEAR_MAX, &from)) &&
                      (!last || mrq_parse_int(dash + 1, last, 1, MRQ_YEAR_MAX, &to));
    if (!good)
        return mrq_fail(err, MRQ_USAGE, "year \"%.40s\": want a year or years, such as 1994, 1990-1999, 1990- or -1999", text);
    if (last && from > to)
        return mrq_fail(err, MRQ_USAGE, "year \"%.40s\": the first comes after the last, want %d-%d", text, (int)to, (int)from);
    filters->year_from = (int)from;
    filters->year_to = (int)(dash ? to : from);
    return MRQ_OK;
}

uint32_t mrq_rows_sort(uint32_t *row, uint32_t n)
{
    uint32_t kept = 0;
    mrq_items_sort(row, n);
    for (uint32_t i = 0; i < n; i++)
        if (!kept || row[kept - 1] != row[i])
            row[kept++] = row[i];
    return kept;
}

static mrq_status resolve_genres(const mrq_table *movies, const mrq_filters *filters, mrq_selection *out, mrq_error *err)
{
    const mrq_column *genres = mrq_table_first(movies, MRQ_SET);
    if (!genres)
        return mrq_fail(err, MRQ_USAGE, "genre \"%.40s\": the data does not tell its movies' genres, so leave it out",
                        filters->genre[0]);
    for (uint32_t i = 0; i < filters->n_genres; i++) {
        out->genre[i] = mrq_strings_find(&genres->dict, filters->genre[i]);
        if (out->genre[i] != MRQ_NONE)
            continue;
        char names[400] = "";
        for (uint32_t g = 0; g < genres->dict.n; g++)
            snprintf(names + strlen(names), sizeof names - strlen(names), "%s%.40s", g ? ", " : "",
                     mrq_strings_at(&genres->dict, g));
        return mrq_fail(err, MRQ_USAGE, "genre \"%.40s\": want one of %s", filters->genre[i], names);
    }
    out->n_genres = mrq_rows_sort(out->genre, filters->n_genres);
    out->all_genres = filters->all_genres && out->n_genres > 1;
    return MRQ_OK;
}

static mrq_status resolve_years(const mrq_table *movies, const mrq_filters *filters, mrq_selection *out, mrq_error *err)
{
    const int from = filters->year_from, to = filters->year_to;
    if (from < 0 || to < 0 || from > MRQ_YEAR_MAX || to > MRQ_YEAR_MAX || (to && from > to))
        return mrq_fail(err, MRQ_USAGE, "year %d to %d: want 1 to %d, the first not after the last", from, to, MRQ_YEAR_MAX);
    if ((from || to) && !mrq_table_year(movies))
        return mrq_fail(err, MRQ_USAGE, "year: the data does not tell its movies' years, so leave it out");
    out->year_from = from;
    out->year_to = to;
    return MRQ_OK;
}

/* Of the ids those that are in the catalogue: one that is not is left out as it is. */
static void resolve_excluded(const mrq_table *movies, const mrq_filters *filters, mrq_selection *out)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < filters->n_exclude; i++) {
        out->exclude[n] = mrq_table_find(movies, filters->exclude[i]);
        n += out->exclude[n] != MRQ_NONE;
    }
    out->n_exclude = mrq_rows_sort(out->exclude, n);
}

static mrq_status resolve(const mrq_table *movies, const mrq_filters *filters, mrq_selection *out, mrq_error *err)
{
    out->genre = mrq_array(filters->n_genres, sizeof *out->genre);
    out->exclude = mrq_array(filters->n_exclude, sizeof *out->exclude);
    if (!out->genre || !out->exclude)
        return mrq_fail_memory(err, "reading the query");
    if (filters->n_genres)
        MRQ_TRY(resolve_genres(movies, filters, out, err));
    MRQ_TRY(resolve_years(movies, filters, out, err));
    resolve_excluded(movies, filters, out);
    return MRQ_OK;
}

mrq_status mrq_selection_resolve(const mrq_table *movies, const mrq_filters *filters, mrq_selection *out, mrq_error *err)
{
    mrq_selection selection = {0};
    if (filters->n_exclude > MRQ_EXCLUDE_MAX)
        return mrq_fail(err, MRQ_USAGE, "exclude %u movies: want at most %d", filters->n_exclude, MRQ_EXCLUDE_MAX);
    const mrq_status status = resolve(movies, filters, &selection, err);
    if (status != MRQ_OK) {
        mrq_selection_clear(&selection);
        return status;
    }
    *out = selection;
    return MRQ_OK;
}

/* "1994", "1990-1999", "1990-", "-1999": what mrq_years_parse() reads. */
static void years_text(const mrq_selection *s, char out[32])
{
    char from[12] = "", to[12] = "";
    if (s->year_from)
        snprintf(from, sizeof from, "%d", s->year_from);
    if (s->year_to)
        snprintf(to, sizeof to, "%d", s->year_to);
    snprintf(out, 32, s->year_from == s->year_to ? "%s" : "%s-%s", from, to);
}

void mrq_print_selection(mrq_print *print, const mrq_selection *selection, const mrq_table *movies)
{
    const mrq_column *genres = mrq_table_first(movies, MRQ_SET);
    if (selection->n_genres) {
        mrq_print_key(print, "genre");
        mrq_print_open(print, '[');
        for (uint32_t i = 0; i < selection->n_genres; i++)
            mrq_print_text(print, mrq_strings_at(&genres->dict, selection->genre[i]));
        mrq_print_close(print, ']');
    }
    if (selection->all_genres) {
        mrq_print_key(print, "all_genres");
        mrq_print_raw(print, "true");
    }
    if (selection->year_from || selection->year_to) {
        char years[32];
        years_text(selection, years);
        mrq_print_key(print, "year");
        mrq_print_text(print, years);
    }
    if (selection->n_exclude) {
        mrq_print_key(print, "exclude");
        mrq_print_open(print, '[');
        for (uint32_t i = 0; i < selection->n_exclude; i++)
            mrq_print_whole(print, movies->id[selection->exclude[i]]);
        mrq_print_close(print, ']');
    }
}

/* How many of the selection's genres a row has. */
static uint32_t count_genres(const mrq_selection *s, const mrq_lists *list, uint32_t row)
{
    uint32_t matches = 0;
    for (uint32_t g = 0; g < s->n_genres; g++) {
        bool has = false; /* it may stand there twice */
        for (uint64_t i = list->offset[row]; i < list->offset[row + 1]; i++)
            has |= list->item[i] == s->genre[g];
        matches += has;
    }
    return matches;
}

/* A bit for each of the 64 rows from `first` on that has the genres, or the years, that the selection asks for. */
static uint64_t with_genres(const mrq_selection *s, const mrq_lists *list, uint32_t first, uint32_t rows)
{
    const uint32_t least = s->all_genres ? s->n_genres : 1;
    uint64_t keep = 0;
    for (uint32_t i = 0; i < rows; i++)
        keep |= (uint64_t)(count_genres(s, list, first + i) >= least) << i;
    return keep;
}

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

/* The bit of a row goes out. */
static void drop(uint64_t *keep, uint32_t row)
{
    keep[row / 64] &= ~((uint64_t)1 << row % 64);
}

mrq_status mrq_selection_bitmap(const mrq_selection *selection, const mrq_table *movies, const uint32_t *less, uint64_t n,
                                mrq_bitmap *out, mrq_error *err)
{
    const mrq_column *genres = mrq_table_first(movies, MRQ_SET), *year = mrq_table_year(movies);
    const uint32_t rows = movies->rows, words = rows / 64 + (rows % 64 != 0);
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
