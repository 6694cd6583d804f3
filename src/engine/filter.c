/* Filters. They are resolved once for each query and given to the search as a bitmap with one bit for each row. The search returns
 * k rows if at least k pass.
 *
 * Genres and years are conditions on the first set column and on the number column called "year", as everywhere in the engine.
 * The bitmap starts with all bits set. Each seen or excluded item clears one bit. If there are conditions, every row is compared
 * with each of them: 5 µs for 4,000 items. */
#include "engine/filter.h"

#include <stdio.h>
#include <string.h>

#include "base/parse.h"
#include "engine/json.h"

enum { YEARS_AND_GENRES = 3 }; /* conditions at most */

void mrq_selection_clear(mrq_selection *selection)
{
    for (uint32_t i = 0; i < selection->n; i++)
        mrq_condition_clear(&selection->condition[i]);
    mrq_free(selection->condition);
    mrq_free(selection->exclude);
    *selection = (mrq_selection){0};
}

size_t mrq_selection_bytes(const mrq_selection *selection)
{
    size_t bytes = selection->n * sizeof *selection->condition + selection->n_exclude * sizeof *selection->exclude;
    for (uint32_t i = 0; i < selection->n; i++)
        bytes += selection->condition[i].n * (selection->condition[i].number ? sizeof(double) : sizeof(uint32_t));
    return bytes;
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

/* A condition on the genres, if the query has some. */
static mrq_status resolve_genres(const mrq_table *items, const mrq_query *query, mrq_selection *out, mrq_error *err)
{
    const mrq_column *genres = mrq_table_first(items, MRQ_SET);
    const char *text[MRQ_GENRES_MAX];
    const uint32_t n = query->n[MRQ_Q_GENRE];
    if (!n)
        return MRQ_OK;
    mrq_query_texts(query, MRQ_Q_GENRE, text);
    if (!genres || !genres->dict.n)
        return mrq_fail(err, MRQ_USAGE, "genre \"%.40s\": the data's %s have no genres; leave it out", text[0], items->noun.many);
    mrq_condition *condition = &out->condition[out->n++];
    *condition = (mrq_condition){.column = genres, .code = mrq_array(n, sizeof *condition->code)};
    if (!condition->code)
        return mrq_fail_memory(err, "reading the query");
    for (uint32_t i = 0; i < n; i++) {
        condition->code[i] = mrq_strings_find(&genres->dict, text[i]);
        if (condition->code[i] != MRQ_NONE)
            continue;
        char names[400] = "";
        for (uint32_t g = 0; g < genres->dict.n; g++)
            snprintf(names + strlen(names), sizeof names - strlen(names), "%s%.40s", g ? ", " : "",
                     mrq_strings_at(&genres->dict, g));
        return mrq_fail(err, MRQ_USAGE, "genre \"%.40s\": want one of %s", text[i], names);
    }
    condition->n = mrq_rows_sort(condition->code, n);
    condition->compare = query->n[MRQ_Q_ALL_GENRES] && condition->n > 1 ? MRQ_IS_ALL : MRQ_IS;
    out->n_genre = 1;
    return MRQ_OK;
}

static mrq_status add_year(const mrq_column *year, mrq_operator compare, int value, mrq_selection *out, mrq_error *err)
{
    mrq_condition *condition = &out->condition[out->n++];
    *condition = (mrq_condition){.column = year, .compare = compare, .n = 1, .number = mrq_array(1, sizeof *condition->number)};
    if (!condition->number)
        return mrq_fail_memory(err, "reading the query");
    *condition->number = value;
    out->n_year++;
    return MRQ_OK;
}

/* Conditions on the year, if the query has years: at least the first, and at most the last. */
static mrq_status resolve_years(const mrq_table *items, const mrq_query *query, mrq_selection *out, mrq_error *err)
{
    const char *years = mrq_query_text(query, MRQ_Q_YEAR);
    const mrq_column *year = mrq_table_year(items);
    int from = 0, to = 0;
    if (!years)
        return MRQ_OK;
    if (!year)
        return mrq_fail(err, MRQ_USAGE, "year: the data's %s have no years; leave it out", items->noun.many);
    if (!mrq_years_read(years, &from, &to)) /* checked when it was set */
        return mrq_fail(err, MRQ_USAGE, "year \"%.40s\": want years", years);
    if (from)
        MRQ_TRY(add_year(year, MRQ_FROM, from, out, err));
    return to ? add_year(year, MRQ_UP_TO, to, out, err) : MRQ_OK;
}

static mrq_status resolve_where(const mrq_table *items, const mrq_query *query, mrq_selection *out, mrq_error *err)
{
    mrq_query_value value;
    const uint32_t before = out->n;
    for (size_t at = mrq_query_begin(query, MRQ_Q_WHERE); mrq_query_next(query, MRQ_Q_WHERE, &at, &value); out->n++)
        MRQ_TRY(mrq_where_read(items, value.text, &out->condition[out->n], err));
    out->n = before + mrq_where_sort(out->condition + before, out->n - before);
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
    out->condition = mrq_array(YEARS_AND_GENRES + query->n[MRQ_Q_WHERE], sizeof *out->condition);
    out->exclude = mrq_array(query->n[MRQ_Q_EXCLUDE], sizeof *out->exclude);
    if (!out->condition || !out->exclude)
        return mrq_fail_memory(err, "reading the query");
    MRQ_TRY(resolve_genres(items, query, out, err));
    MRQ_TRY(resolve_years(items, query, out, err));
    MRQ_TRY(resolve_where(items, query, out, err));
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
    for (uint32_t i = 0; i < s->n_year; i++) {
        const mrq_condition *year = &s->condition[s->n_genre + i];
        snprintf(year->compare == MRQ_FROM ? from : to, sizeof from, "%.0f", *year->number);
    }
    snprintf(out, MRQ_YEARS_TEXT, strcmp(from, to) == 0 ? "%s" : "%s-%s", from, to);
}

static void print_genres(mrq_print *print, const mrq_condition *genres)
{
    mrq_print_key(print, "genre");
    mrq_print_open(print, '[');
    for (uint32_t i = 0; i < genres->n; i++)
        mrq_print_text(print, mrq_strings_at(&genres->column->dict, genres->code[i]));
    mrq_print_close(print, ']');
}

static void print_years(mrq_print *print, const mrq_selection *selection)
{
    char years[MRQ_YEARS_TEXT];
    mrq_years_print(selection, years);
    mrq_print_key(print, "year");
    mrq_print_text(print, years);
}

static void print_where(mrq_print *print, const mrq_condition *condition, uint32_t n)
{
    mrq_print_key(print, "where");
    mrq_print_open(print, '[');
    for (uint32_t i = 0; i < n; i++) {
        MRQ_AUTOFREE char *text = mrq_where_text(&condition[i]);
        print->failed |= !text;
        mrq_print_text(print, text ? text : "");
    }
    mrq_print_close(print, ']');
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
    uint32_t n;
    const mrq_condition *where = mrq_selection_where(selection, &n);
    if (field == MRQ_Q_GENRE && selection->n_genre)
        print_genres(print, selection->condition);
    if (field == MRQ_Q_ALL_GENRES && selection->n_genre && selection->condition->compare == MRQ_IS_ALL) {
        mrq_print_key(print, "all_genres");
        mrq_print_raw(print, "true");
    }
    if (field == MRQ_Q_YEAR && selection->n_year)
        print_years(print, selection);
    if (field == MRQ_Q_WHERE && n)
        print_where(print, where, n);
    if (field == MRQ_Q_EXCLUDE && selection->n_exclude)
        print_excluded(print, selection, items);
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
    const uint32_t rows = items->rows, words = rows / 64 + (rows % 64 != 0);
    uint64_t *keep = mrq_array(words, sizeof *keep);
    if (!keep)
        return mrq_fail_memory(err, "filtering");
    for (uint32_t first = 0; first < rows; first += 64) {
        const uint32_t n_rows = rows - first < 64 ? rows - first : 64;
        uint64_t bits = ~(uint64_t)0 >> (64 - n_rows);
        for (uint32_t i = 0; i < selection->n; i++)
            bits &= mrq_condition_bits(&selection->condition[i], first, n_rows);
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
                        {.condition = selection->condition, .n = selection->n, .n_without = n + selection->n_exclude}};
    return MRQ_OK;
}
