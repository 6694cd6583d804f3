/* marquee info of a data folder: counts, ranges, columns with their values, first rows. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/utf8.h"
#include "dataset/dataset.h"
#include "info.h"
#include "load_data.h"
#include "train/train.h"

enum { VALUES_SHOWN = 24, ROWS_SHOWN = 3, CELL_BYTES = 64, STARS_MAX = 20 };

/* 1000209 as 1,000,209. */
static const char *grouped(uint64_t n, char out[32])
{
    char digits[24];
    const int size = snprintf(digits, sizeof digits, "%llu", (unsigned long long)n);
    char *p = out;
    for (int i = 0; i < size; i++) {
        if (i && (size - i) % 3 == 0)
            *p++ = ',';
        *p++ = digits[i];
    }
    *p = '\0';
    return out;
}

/* "  ratings   1,000,209": a name and its count, without a newline. */
static void print_count(const char *name, uint64_t n)
{
    char number[32];
    printf("%-12s%12s", name, grouped(n, number));
}

static const char *day(int64_t seconds, char out[32])
{
    const time_t t = (time_t)seconds;
    struct tm tm;
    char rest[16];
    if (gmtime_r(&t, &tm) && strftime(rest, sizeof rest, "-%m-%d %H:%M", &tm))
        snprintf(out, 32, "%04d%s", tm.tm_year + 1900, rest);
    else
        strcpy(out, "?");
    return out;
}

static void print_padded(const char *text, int width)
{
    printf("%s%*s", text, width > (int)mrq_utf8_columns(text) ? width - (int)mrq_utf8_columns(text) : 0, "");
}

/* How many rows have each value or member. */
static uint32_t *count_values(const mrq_table *table, const mrq_column *column)
{
    uint32_t *count = mrq_array(column->dict.n, sizeof *count);
    for (uint32_t row = 0; count && column->kind == MRQ_CATEGORY && row < table->rows; row++)
        count[column->code[row]]++;
    for (uint64_t i = 0; count && column->kind == MRQ_SET && i < column->list.offset[table->rows]; i++)
        count[column->list.item[i]]++;
    return count;
}

/* A line for each value: code, value, label and number of rows that have it. */
static mrq_status print_values(const mrq_table *table, const mrq_column *column, mrq_error *err)
{
    MRQ_AUTOFREE uint32_t *count = count_values(table, column);
    if (!count)
        return mrq_fail_memory(err, "counting values");
    const uint32_t n = column->dict.n < VALUES_SHOWN ? column->dict.n : VALUES_SHOWN;
    int value_width = 0, label_width = 0;
    for (uint32_t i = 0; i < n; i++) {
        const int value = (int)mrq_utf8_columns(mrq_strings_at(&column->dict, i)),
                  label = column->label.n ? (int)mrq_utf8_columns(mrq_strings_at(&column->label, i)) : 0;
        value_width = value > value_width ? value : value_width;
        label_width = label > label_width ? label : label_width;
    }
    for (uint32_t i = 0; i < n; i++) {
        char number[32];
        printf("    %4u  ", i);
        print_padded(mrq_strings_at(&column->dict, i), value_width + 2);
        if (column->label.n)
            print_padded(mrq_strings_at(&column->label, i), label_width + 2);
        printf("%9s\n", grouped(count[i], number));
    }
    if (n < column->dict.n)
        printf("     and %u more\n", column->dict.n - n);
    return MRQ_OK;
}

static void print_numbers(const mrq_table *table, const mrq_column *column)
{
    double low = INFINITY, high = -INFINITY;
    uint32_t unknown = 0;
    for (uint32_t row = 0; row < table->rows; row++) {
        if (isnan(column->number[row]))
            unknown++;
        low = fmin(low, column->number[row]);
        high = fmax(high, column->number[row]);
    }
    if (unknown < table->rows)
        printf(", %.10g to %.10g", low, high);
    printf(", %u unknown\n", unknown);
}

static void print_words(const mrq_table *table, const mrq_column *column)
{
    uint64_t low = UINT64_MAX, high = 0;
    for (uint32_t row = 0; row < table->rows; row++) {
        const uint64_t n = column->list.offset[row + 1] - column->list.offset[row];
        low = n < low ? n : low;
        high = n > high ? n : high;
    }
    char number[32];
    printf(", %s different word%s, %llu to %llu a row\n", grouped(column->dict.n, number), column->dict.n == 1 ? "" : "s",
           (unsigned long long)low, (unsigned long long)high);
}

static mrq_status print_column(const mrq_table *table, const mrq_column *column, mrq_error *err)
{
    static const char *const kinds[] = {"category", "set", "text", "number"};
    printf("  %s: %s", column->name, kinds[column->kind]);
    switch (column->kind) {
    case MRQ_CATEGORY:
        printf(", %u value%s%s\n", column->dict.n, column->dict.n == 1 ? "" : "s",
               column->bound ? ", each from its number up to the next" : "");
        return print_values(table, column, err);
    case MRQ_SET:
        printf(", %u member%s\n", column->dict.n, column->dict.n == 1 ? "" : "s");
        return print_values(table, column, err);
    case MRQ_TEXT:
        print_words(table, column);
        break;
    case MRQ_NUMBER:
        print_numbers(table, column);
        break;
    }
    return MRQ_OK;
}

/* The value in a row of a column, as text. */
static void write_cell(const mrq_column *column, uint32_t row, char out[CELL_BYTES])
{
    switch (column->kind) {
    case MRQ_CATEGORY:
        snprintf(out, CELL_BYTES, "%s", mrq_strings_at(column->label.n ? &column->label : &column->dict, column->code[row]));
        break;
    case MRQ_SET:
        *out = '\0';
        for (uint64_t i = column->list.offset[row]; i < column->list.offset[row + 1]; i++)
            snprintf(out + strlen(out), CELL_BYTES - strlen(out), "%s%s", *out ? "|" : "",
                     mrq_strings_at(&column->dict, column->list.item[i]));
        break;
    case MRQ_TEXT:
        snprintf(out, CELL_BYTES, "%s", mrq_strings_at(&column->text, row));
        break;
    case MRQ_NUMBER:
        snprintf(out, CELL_BYTES, isnan(column->number[row]) ? "unknown" : "%.10g", column->number[row]);
        break;
    }
    uint32_t code;
    size_t whole = 0, n; /* a text that was cut ends with a whole character */
    while (out[whole] && (n = mrq_utf8_read(out + whole, strlen(out + whole), &code)) > 0)
        whole += n;
    out[whole] = '\0';
}

static void print_first_rows(const mrq_table *table)
{
    char cell[1 + ROWS_SHOWN][1 + MRQ_COLUMNS_MAX][CELL_BYTES];
    int width[1 + MRQ_COLUMNS_MAX] = {0};
    const uint32_t rows = table->rows < ROWS_SHOWN ? table->rows : ROWS_SHOWN;
    for (uint32_t r = 0; r <= rows; r++)
        for (uint32_t c = 0; c <= table->n_columns; c++) {
            if (c == 0 && r > 0)
                snprintf(cell[r][c], CELL_BYTES, "%s", mrq_table_id(table, r - 1));
            else if (r == 0)
                snprintf(cell[r][c], CELL_BYTES, "%s", c ? table->column[c - 1].name : "id");
            else
                write_cell(&table->column[c - 1], r - 1, cell[r][c]);
            width[c] = (int)mrq_utf8_columns(cell[r][c]) > width[c] ? (int)mrq_utf8_columns(cell[r][c]) : width[c];
        }
    printf("\nfirst %s\n", table->noun.many);
    for (uint32_t r = 0; r <= rows; r++) {
        fputs("  ", stdout);
        for (uint32_t c = 0; c < table->n_columns; c++)
            print_padded(cell[r][c], width[c] + 2);
        puts(cell[r][table->n_columns]);
    }
}

static mrq_status print_table(const mrq_table *table, mrq_error *err)
{
    if (!table->n_columns)
        return MRQ_OK; /* rows have only ids */
    printf("\ncolumns of %s\n", table->noun.many);
    for (uint32_t i = 0; i < table->n_columns; i++)
        MRQ_TRY(print_column(table, &table->column[i], err));
    print_first_rows(table);
    return MRQ_OK;
}

/* Prints the count of each distinct rating, in ascending order; nothing if there are more than STARS_MAX. */
static void print_histogram(const mrq_dataset *data)
{
    float star[STARS_MAX];
    uint64_t count[STARS_MAX];
    size_t n = 0;
    for (uint64_t i = 0; i < data->n; i++) {
        size_t at = 0;
        while (at < n && star[at] < data->rating[i])
            at++;
        if (at == n || star[at] > data->rating[i]) {
            if (n == STARS_MAX)
                return;
            memmove(star + at + 1, star + at, (n - at) * sizeof *star);
            memmove(count + at + 1, count + at, (n - at) * sizeof *count);
            star[at] = data->rating[i];
            count[at] = 0;
            n++;
        }
        count[at]++;
    }
    for (size_t k = 0; k < n; k++) {
        char name[32];
        const double share = (double)count[k] / (double)data->n;
        snprintf(name, sizeof name, "  %g", (double)star[k]);
        print_count(name, count[k]);
        printf("  %4.1f %%  %.*s\n", 100 * share, (int)lround(50 * share), "##################################################");
    }
}

/* The number of rows of users or items that have ratings, and the fewest and most ratings of one row. */
static mrq_status count_rated(const uint32_t *of, uint64_t n, uint32_t rows, uint32_t *rated, uint32_t *low, uint32_t *high,
                              mrq_error *err)
{
    MRQ_AUTOFREE uint32_t *count = mrq_array(rows, sizeof *count);
    if (!count)
        return mrq_fail_memory(err, "counting ratings");
    for (uint64_t i = 0; i < n; i++)
        count[of[i]]++;
    *rated = 0;
    *low = UINT32_MAX;
    *high = 0;
    for (uint32_t row = 0; row < rows; row++) {
        *rated += count[row] > 0;
        *low = count[row] < *low ? count[row] : *low;
        *high = count[row] > *high ? count[row] : *high;
    }
    return MRQ_OK;
}

static mrq_status print_ratings(const mrq_dataset *data, mrq_error *err)
{
    uint32_t users, user_low, user_high, items, item_low, item_high;
    MRQ_TRY(count_rated(data->user, data->n, data->users->rows, &users, &user_low, &user_high, err));
    MRQ_TRY(count_rated(data->item, data->n, data->items->rows, &items, &item_low, &item_high, err));
    char low[32], high[32], rated[32];
    double sum = 0;
    for (uint64_t i = 0; i < data->n; i++)
        sum += (double)data->rating[i];
    print_count("users", data->users->rows);
    printf("  %s with ratings, %s to %s each\n", grouped(users, rated), grouped(user_low, low), grouped(user_high, high));
    print_count(data->items->noun.many, data->items->rows);
    printf("  %s with ratings, %s to %s each\n", grouped(items, rated), grouped(item_low, low), grouped(item_high, high));
    print_count("ratings", data->n);
    printf("  %.3f %% of all pairs of user and %s\n", 100.0 * (double)data->n / data->users->rows / data->items->rows,
           data->items->noun.one);
    printf("%-12s%12.6f  within %g to %g\n", "mean rating", sum / (double)data->n, data->rating_min, data->rating_max);
    print_histogram(data);
    if (data->time) {
        int64_t first = INT64_MAX, last = INT64_MIN;
        for (uint64_t i = 0; i < data->n; i++) {
            first = data->time[i] < first ? data->time[i] : first;
            last = data->time[i] > last ? data->time[i] : last;
        }
        printf("%-12s%s to %s UTC\n", "time", day(first, low), day(last, high));
    }
    printf("%-12s%016llx\n", "fingerprint", (unsigned long long)data->fingerprint);
    mrq_evidence evidence;
    MRQ_TRY(mrq_evidence_count(data, true, &evidence, err));
    mrq_info_doubts(&evidence, &data->items->noun, 12);
    return MRQ_OK;
}

static int wider(int width, const char *text)
{
    const int columns = (int)mrq_utf8_columns(text);
    return columns > width ? columns : width;
}

static void print_first_ratings(const mrq_dataset *data)
{
    char at[32];
    int user = 8, item = wider(8, data->items->noun.one);
    for (uint64_t i = 0; i < data->n && i < ROWS_SHOWN; i++) {
        user = wider(user, mrq_table_id(data->users, data->user[i]));
        item = wider(item, mrq_table_id(data->items, data->item[i]));
    }
    printf("\nfirst ratings\n  ");
    print_padded("user", user + 2);
    print_padded(data->items->noun.one, item + 2);
    printf("%-8s%s\n", "rating", data->time ? "time" : "");
    for (uint64_t i = 0; i < data->n && i < ROWS_SHOWN; i++) {
        printf("  ");
        print_padded(mrq_table_id(data->users, data->user[i]), user + 2);
        print_padded(mrq_table_id(data->items, data->item[i]), item + 2);
        printf("%-8g%s\n", (double)data->rating[i], data->time ? day(data->time[i], at) : "");
    }
}

mrq_status mrq_info_data(const char *folder, const char *schema_name, mrq_error *err)
{
    MRQ_CLEANUP(mrq_schema_free) mrq_schema *schema = NULL;
    MRQ_CLEANUP(mrq_dataset_free) mrq_dataset *data = NULL;
    MRQ_TRY(schema_name ? mrq_schema_load(schema_name, &schema, err) : mrq_schema_recognise(folder, &schema, err));
    MRQ_TRY(mrq_load_data("info", folder, schema, NULL, NULL, &data, err));
    printf("%-12s%s\n%-12s%s (%s)\n", "data", folder, "schema", schema->name, schema->about);
    MRQ_TRY(print_ratings(data, err));
    MRQ_TRY(print_table(data->users, err));
    MRQ_TRY(print_table(data->items, err));
    print_first_ratings(data);
    return MRQ_OK;
}
