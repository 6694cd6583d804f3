/* Whether a table of numbers is a matrix: a line a user, a column an item.
 *
 * Its columns are alike. Most are numbers of one range; many cells are empty, 0 or a number far from all others, such as 99, or
 * else there are more columns than any table of users has. Before them may stand a column of ids, or one that counts the values of
 * its line. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/parse.h"
#include "dataset/text.h"
#include "guess/cut.h"

#define COLUMNS_DENSE 30 /* of items at least, where each cell has a value */

/* The numbers of a table's columns behind the first `lead`. */
typedef struct numbers {
    double min, second, before_last, max; /* of all; `second` is the least above `min` */
    char least[32], most[32];             /* as written */
} numbers;

static bool number_of(mrq_span span, double *out)
{
    return mrq_parse_real(span.text, span.size, -HUGE_VAL, HUGE_VAL, out);
}

static bool are_numbers(const mrq_look *look, uint32_t lead)
{
    for (uint32_t i = lead; i < look->columns; i++) {
        const mrq_look_column *c = &look->column[i];
        const bool id = (c->role == MRQ_ROLE_USER || c->role == MRQ_ROLE_ITEM) && c->name[1]; /* "i" may be any item */
        if (c->numbers < c->n || c->codes || id)
            return false;
    }
    return true;
}

static void add_number(numbers *all, double number, const char *text)
{
    if (number < all->min) {
        all->second = all->min;
        all->min = number;
        snprintf(all->least, sizeof all->least, "%s", text);
    } else if (number > all->min && number < all->second) {
        all->second = number;
    }
    if (number > all->max) {
        all->before_last = all->max;
        all->max = number;
        snprintf(all->most, sizeof all->most, "%s", text);
    } else if (number < all->max && number > all->before_last) {
        all->before_last = number;
    }
}

static numbers numbers_of(const mrq_look *look, uint32_t lead)
{
    numbers all = {INFINITY, INFINITY, -INFINITY, -INFINITY, "", ""};
    for (uint32_t i = lead; i < look->columns; i++) {
        const mrq_strings values = mrq_dict_strings(look->column[i].values);
        for (uint32_t k = 0; k < values.n; k++) {
            double number;
            const mrq_span span = {mrq_strings_at(&values, k), mrq_strings_size(&values, k)};
            if (number_of(span, &number))
                add_number(&all, number, span.text);
        }
    }
    return all;
}

/* The text of cells without a value, beside empty ones: a number far from all others, or 0 if that is the least. */
static void find_none(const mrq_look *look, uint32_t lead, numbers *all, char out[32])
{
    *out = '\0';
    for (uint32_t i = lead; i < look->columns; i++)
        for (int k = 0; mrq_unknown_texts[k] && !*out; k++)
            if (look->column[i].unknown_texts >> k & 1)
                snprintf(out, 32, "%s", mrq_unknown_texts[k]);
    if (*out)
        return;
    if (all->before_last > all->min && all->max - all->before_last > all->before_last - all->min) {
        memcpy(out, all->most, 32);
        all->max = all->before_last;
    } else if (all->second - all->min > all->max - all->second || all->min == 0) {
        memcpy(out, all->least, 32);
        all->min = all->second;
    }
}

/* Whether each column, as far as it has several values, takes up a good part of the range of all. */
static bool are_alike(const mrq_look *look, uint32_t lead, const numbers *all)
{
    uint32_t odd = 0;
    for (uint32_t i = lead; i < look->columns; i++) {
        const mrq_strings values = mrq_dict_strings(look->column[i].values);
        double min = INFINITY, max = -INFINITY, number;
        for (uint32_t k = 0; k < values.n; k++)
            if (number_of((mrq_span){mrq_strings_at(&values, k), mrq_strings_size(&values, k)}, &number) && number >= all->min &&
                number <= all->max) {
                min = number < min ? number : min;
                max = number > max ? number : max;
            }
        odd += values.n > 3 && max - min < 0.3 * (all->max - all->min);
    }
    return 10 * odd <= look->columns;
}

static bool is_none(mrq_span cell, const char *none)
{
    return !cell.size || (strlen(none) == cell.size && memcmp(none, cell.text, cell.size) == 0);
}

/* Counts cells without a value, and lines whose first column is how many others have one. */
static void count_cells(const mrq_look *look, const char *none, uint64_t *without, uint64_t *counted)
{
    mrq_cutter c = mrq_cutter_of(look, look->delimiter, look->quoted);
    *without = *counted = 0;
    if (look->header)
        mrq_cut(&c);
    while (mrq_cut(&c)) {
        uint32_t values = 0;
        double number;
        if (c.broken || c.n != look->columns)
            continue;
        for (uint32_t i = 1; i < c.n; i++)
            values += !is_none(c.field[i], none);
        *without += c.n - 1 - values;
        *counted += number_of(c.field[0], &number) && number == values;
    }
}

/* Whether the first column can be the user: different in each line, and no measure. */
static bool is_user(const mrq_look *look)
{
    const mrq_look_column *c = &look->column[0];
    return c->n == look->rows && mrq_dict_strings(c->values).n == c->n && c->longest <= MRQ_ID_BYTES && !c->dates &&
           (c->nameless || c->numbers < c->n || c->codes || c->role == MRQ_ROLE_USER || (c->wholes == c->n && c->n > 9));
}

mrq_status mrq_look_find_matrix(mrq_look *look, mrq_error *err)
{
    mrq_look_matrix found = {.lead = 1};
    uint64_t without, counted;
    if (look->columns <= MRQ_LOOK_ITEMS || !look->rows || 100 * look->bad > look->rows || !are_numbers(look, 1))
        return MRQ_OK;
    numbers all = numbers_of(look, 1);
    const double least = all.min;
    find_none(look, 1, &all, found.none);
    count_cells(look, found.none, &without, &counted);
    const uint64_t cells = look->rows * (look->columns - 1);
    if (strcmp(found.none, all.least) == 0 && 10 * without < 3 * cells) {
        *found.none = '\0'; /* 0 is a value then */
        all.min = least;
        count_cells(look, found.none, &without, &counted);
    }
    found.user = counted < look->rows && is_user(look);
    found.lead = found.user || counted == look->rows; /* else the first column is an item, too */
    const uint32_t items = look->columns - found.lead;
    if (!are_numbers(look, found.lead) || items < (5 * without >= cells ? MRQ_LOOK_ITEMS : COLUMNS_DENSE) ||
        !are_alike(look, found.lead, &all))
        return MRQ_OK;
    if (!(look->matrix = mrq_array(1, sizeof *look->matrix)))
        return mrq_fail_memory(err, "looking at a file");
    *look->matrix = found;
    return MRQ_OK;
}

/* The names of the items: those of the header, else numbers. */
static mrq_status name_items(const mrq_look *look, mrq_look_matrix *matrix, mrq_error *err)
{
    mrq_cutter c = mrq_cutter_of(look, look->delimiter, look->quoted);
    char number[16], text[MRQ_ID_BYTES + 1];
    matrix->names = mrq_dict_new();
    mrq_cut(&c);
    for (uint32_t i = matrix->lead; matrix->names && i < look->columns; i++) {
        mrq_span name = {number, (size_t)snprintf(number, sizeof number, "%u", i - matrix->lead + 1)};
        if (look->header && i < c.n && c.field[i].size <= MRQ_ID_BYTES)
            name = (mrq_span){text, look->quoted ? mrq_text_unquote(c.field[i].text, c.field[i].size, look->escape, text)
                                                 : c.field[i].size};
        if (name.text == text && !look->quoted)
            name.text = c.field[i].text;
        if (mrq_dict_push(matrix->names, name.text, name.size) == MRQ_NONE)
            return mrq_fail_memory(err, "looking at a file");
    }
    return matrix->names ? MRQ_OK : mrq_fail_memory(err, "looking at a file");
}

mrq_status mrq_look_as_matrix(mrq_look *look, mrq_error *err)
{
    mrq_look_matrix *matrix = look->matrix;
    MRQ_TRY(name_items(look, matrix, err));
    matrix->columns = look->columns;
    snprintf(matrix->name, sizeof matrix->name, "%s", look->column[0].name);
    mrq_look_columns_free(look);
    MRQ_TRY(mrq_look_columns(look, 3, err));
    look->column[0].role = MRQ_ROLE_USER;
    look->column[1].role = MRQ_ROLE_ITEM;
    snprintf(look->column[2].name, sizeof look->column[2].name, "cells");
    matrix->used = true;
    look->rows = 0;
    return mrq_look_profile(look, err);
}

void mrq_look_matrix_free(mrq_look_matrix *matrix)
{
    if (!matrix)
        return;
    mrq_dict_free(matrix->names);
    mrq_free(matrix);
}

bool mrq_look_matrix_cell(const mrq_look_matrix *matrix, uint32_t cell, mrq_span value, mrq_span *name)
{
    const mrq_strings names = mrq_dict_strings(matrix->names);
    if (cell >= names.n || is_none(value, matrix->none))
        return false;
    *name = (mrq_span){mrq_strings_at(&names, cell), mrq_strings_size(&names, cell)};
    return true;
}
