/* Conditions. A column's name ends at the first operator, so a value may contain any character. A comma divides values, and "\,"
 * is a comma of a value, as in lists of ids.
 *
 * A text has no dictionary, so its values are represented by rows that have them: the first of each. To compare a row, its text is
 * searched among those, which are in the order of their texts. */
#include "engine/where.h"

#include <float.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/parse.h"

#define EXCERPT 60 /* bytes of a condition in a message */

static const struct {
    const char *text; /* the longer ones first */
    mrq_operator compare;
} operators[] = {{"!=", MRQ_IS_NOT}, {"<=", MRQ_UP_TO}, {">=", MRQ_FROM}, {"=", MRQ_IS}, {"<", MRQ_BELOW}, {">", MRQ_ABOVE}};
enum { OPERATORS = sizeof operators / sizeof *operators };

static const char *const kinds[] = {
    [MRQ_CATEGORY] = "a category", [MRQ_SET] = "a set", [MRQ_TEXT] = "a text", [MRQ_NUMBER] = "a number"};

/* The parts of a condition's text. */
typedef struct parts {
    const char *text; /* the whole */
    size_t name;      /* bytes of the column's name, at the beginning */
    unsigned sign;    /* index of the operator */
    char *copy;       /* the values, each with a NUL */
    uint32_t n;
    const char *value[MRQ_WHERE_VALUES];
} parts;

/* Finds the operator; false if there is none. `*after` is what follows it. */
static bool split(const char *text, size_t *name, unsigned *sign, const char **after)
{
    for (const char *at = text; *at; at++)
        for (unsigned i = 0; i < OPERATORS; i++) {
            const size_t size = strlen(operators[i].text);
            if (strncmp(at, operators[i].text, size) != 0)
                continue;
            *name = (size_t)(at - text);
            while (*name && text[*name - 1] == ' ')
                --*name;
            *sign = i;
            *after = at + size;
            return *name > 0;
        }
    return false;
}

bool mrq_where_is_one(const char *text)
{
    size_t name;
    unsigned sign;
    const char *after;
    return split(text, &name, &sign, &after) && *after;
}

__attribute__((format(printf, 3, 4))) static mrq_status wrong(const char *text, mrq_error *err, const char *format, ...)
{
    char why[440];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(why, sizeof why, format, arguments);
    va_end(arguments);
    return mrq_fail(err, MRQ_USAGE, "where \"%.*s\": %s", EXCERPT, text, why);
}

/* Divides the values at commas; blanks around a value are not part of it, unless a backslash stands before them. */
static mrq_status read_values(const char *after, parts *p, mrq_error *err)
{
    char *out = p->copy = mrq_array(strlen(after) + 1, 1);
    if (!out)
        return mrq_fail_memory(err, "reading the query");
    for (const char *at = after;; at++) {
        if (p->n == MRQ_WHERE_VALUES)
            return wrong(p->text, err, "more than %d values", MRQ_WHERE_VALUES);
        p->value[p->n++] = out;
        out = mrq_parse_value(&at, out);
        if (!*at)
            return MRQ_OK;
    }
}

static mrq_status no_column(const mrq_table *items, const parts *p, mrq_error *err)
{
    char names[300];
    return wrong(p->text, err, "the data's %s have no column %.*s; %s%s", items->noun.many,
                 p->name < MRQ_COLUMN_NAME ? (int)p->name : MRQ_COLUMN_NAME, p->text,
                 items->n_columns ? "want one of " : "they have none", mrq_table_columns(items, names, sizeof names));
}

static mrq_status find_column(const mrq_table *items, const parts *p, const mrq_column **out, mrq_error *err)
{
    char name[MRQ_COLUMN_NAME] = "";
    if (p->name < sizeof name)
        memcpy(name, p->text, p->name);
    name[p->name < sizeof name ? p->name : 0] = '\0';
    *out = mrq_table_column(items, name);
    if (!*out)
        return no_column(items, p, err);
    const mrq_operator compare = operators[p->sign].compare;
    if (compare != MRQ_IS && compare != MRQ_IS_NOT && (*out)->kind != MRQ_NUMBER)
        return wrong(p->text, err, "%s is %s, and %s compares numbers; want = or !=", name, kinds[(*out)->kind],
                     operators[p->sign].text);
    if (compare >= MRQ_BELOW && p->n > 1)
        return wrong(p->text, err, "%u values, want one number after %s", p->n, operators[p->sign].text);
    return MRQ_OK;
}

static int by_size(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static mrq_status read_numbers(const parts *p, mrq_condition *out, mrq_error *err)
{
    out->number = mrq_array(p->n, sizeof *out->number);
    if (!out->number)
        return mrq_fail_memory(err, "reading the query");
    for (uint32_t i = 0; i < p->n; i++)
        if (!mrq_parse_real(p->value[i], strlen(p->value[i]), -DBL_MAX, DBL_MAX, &out->number[i]))
            return mrq_is_number(p->value[i], strlen(p->value[i]))
                       ? wrong(p->text, err, "%.40s is too large a number", p->value[i])
                       : wrong(p->text, err, "\"%.40s\" is not a number, and %s is one", p->value[i], out->column->name);
    qsort(out->number, p->n, sizeof *out->number, by_size);
    for (uint32_t i = 0; i < p->n; i++)
        if (!out->n || out->number[out->n - 1] < out->number[i])
            out->number[out->n++] = out->number[i];
    return MRQ_OK;
}

static mrq_status read_codes(const mrq_table *items, const parts *p, mrq_condition *out, mrq_error *err)
{
    mrq_error problem = {0};
    if (!out->column->dict.n)
        return wrong(p->text, err, "none of the data's %s has a value of %s", items->noun.many, out->column->name);
    for (uint32_t i = 0; i < p->n; i++)
        if (mrq_column_code(out->column, p->value[i], false, &out->code[i], &problem) != MRQ_OK)
            return wrong(p->text, err, "%s", problem.msg);
    mrq_list_sort(out->code, p->n);
    for (uint32_t i = 0; i < p->n; i++)
        if (!out->n || out->code[out->n - 1] < out->code[i])
            out->code[out->n++] = out->code[i];
    return MRQ_OK;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The index of a text among `n` sorted ones; MRQ_NONE if it is not there. */
static uint32_t find_text(const char *const *sorted, uint32_t n, const char *text)
{
    const char *const *found = bsearch(&text, sorted, n, sizeof *sorted, by_text);
    return found ? (uint32_t)(found - sorted) : MRQ_NONE;
}

static mrq_status read_texts(const mrq_table *items, parts *p, mrq_condition *out, mrq_error *err)
{
    qsort(p->value, p->n, sizeof *p->value, by_text);
    for (uint32_t i = 0; i < p->n; i++)
        if (!out->n || strcmp(p->value[out->n - 1], p->value[i]) != 0)
            p->value[out->n++] = p->value[i];
    uint32_t missing = out->n;
    for (uint32_t i = 0; i < out->n; i++)
        out->code[i] = MRQ_NONE;
    for (uint32_t row = 0; row < items->rows && missing; row++) {
        const uint32_t i = find_text(p->value, out->n, mrq_strings_at(&out->column->text, row));
        if (i != MRQ_NONE && out->code[i] == MRQ_NONE) {
            out->code[i] = row;
            missing--;
        }
    }
    for (uint32_t i = 0; i < out->n; i++)
        if (out->code[i] == MRQ_NONE)
            return wrong(p->text, err, "none of the data's %s has the %s \"%.80s\"", items->noun.many, out->column->name,
                         p->value[i]);
    return MRQ_OK;
}

static mrq_status read(const mrq_table *items, parts *p, mrq_condition *out, mrq_error *err)
{
    const char *after = NULL;
    if (!split(p->text, &p->name, &p->sign, &after)) /* checked when it was set */
        return wrong(p->text, err, "want a condition");
    MRQ_TRY(read_values(after, p, err));
    MRQ_TRY(find_column(items, p, &out->column, err));
    out->compare = operators[p->sign].compare;
    if (out->column->kind == MRQ_NUMBER)
        return read_numbers(p, out, err);
    out->code = mrq_array(p->n, sizeof *out->code);
    if (!out->code)
        return mrq_fail_memory(err, "reading the query");
    return out->column->kind == MRQ_TEXT ? read_texts(items, p, out, err) : read_codes(items, p, out, err);
}

mrq_status mrq_where_read(const mrq_table *items, const char *text, mrq_condition *out, mrq_error *err)
{
    mrq_condition condition = {0};
    parts p = {.text = text};
    const mrq_status status = read(items, &p, &condition, err);
    mrq_free(p.copy);
    if (status == MRQ_OK)
        *out = condition;
    else
        mrq_condition_clear(&condition);
    return status;
}

void mrq_condition_clear(mrq_condition *condition)
{
    mrq_free(condition->code);
    mrq_free(condition->number);
    *condition = (mrq_condition){0};
}

static int by_meaning(const void *a, const void *b)
{
    const mrq_condition *x = a, *y = b;
    if (x->column != y->column)
        return x->column < y->column ? -1 : 1;
    if (x->compare != y->compare)
        return x->compare < y->compare ? -1 : 1;
    for (uint32_t i = 0; i < x->n && i < y->n; i++) {
        const double one = x->number ? x->number[i] : x->code[i], other = y->number ? y->number[i] : y->code[i];
        if (one != other)
            return one < other ? -1 : 1;
    }
    return (x->n > y->n) - (x->n < y->n);
}

uint32_t mrq_where_sort(mrq_condition *condition, uint32_t n)
{
    uint32_t kept = 0;
    if (n)
        qsort(condition, n, sizeof *condition, by_meaning);
    for (uint32_t i = 0; i < n; i++)
        if (kept && by_meaning(&condition[kept - 1], &condition[i]) == 0)
            mrq_condition_clear(&condition[i]);
        else
            condition[kept++] = condition[i];
    return kept;
}

char *mrq_where_text(const mrq_condition *condition)
{
    const mrq_column *column = condition->column;
    unsigned sign = 0;
    while (operators[sign].compare != condition->compare)
        sign++;
    mrq_print print = {0};
    mrq_print_add(&print, column->name);
    mrq_print_add(&print, operators[sign].text);
    for (uint32_t i = 0; i < condition->n; i++) {
        char number[MRQ_EXACT_TEXT];
        mrq_print_add(&print, i ? "," : "");
        if (column->kind == MRQ_NUMBER) {
            mrq_exact_text(condition->number[i], number);
            mrq_print_add(&print, number);
        } else {
            mrq_print_member(&print, mrq_strings_at(column->kind == MRQ_TEXT ? &column->text : &column->dict, condition->code[i]));
        }
    }
    return mrq_print_take(&print, NULL);
}

static bool has_code(const mrq_condition *c, uint32_t code)
{
    uint32_t low = 0, high = c->n; /* the first that is not less is in [low, high] */
    while (low < high) {
        const uint32_t middle = (low + high) / 2;
        if (c->code[middle] < code)
            low = middle + 1;
        else
            high = middle;
    }
    return low < c->n && c->code[low] == code;
}

static bool has_text(const mrq_condition *c, const char *text)
{
    uint32_t low = 0, high = c->n;
    while (low < high) {
        const uint32_t middle = (low + high) / 2;
        const int order = strcmp(mrq_strings_at(&c->column->text, c->code[middle]), text);
        if (order == 0)
            return true;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return false;
}

/* The number of the condition's codes that a row's set has. */
static uint32_t count_members(const mrq_condition *c, uint32_t row)
{
    const mrq_lists *list = &c->column->list;
    uint32_t n = 0, last = MRQ_NONE;
    for (uint64_t i = list->offset[row]; i < list->offset[row + 1]; i++) {
        n += list->item[i] != last && has_code(c, list->item[i]);
        last = list->item[i]; /* the list ascends, but may contain one twice */
    }
    return n;
}

/* A bit for each of up to 64 rows from `first` on: whether its set has one of the codes, or all. Most sets are of few members, such
 * as genres, whose codes are bits of a word. */
static uint64_t rows_with_members(const mrq_condition *c, uint32_t first, uint32_t rows)
{
    const mrq_lists *list = &c->column->list;
    const uint32_t least = c->compare == MRQ_IS_ALL ? c->n : 1;
    uint64_t wanted = 0, bits = 0;
    const bool few = c->column->dict.n <= 64;
    for (uint32_t i = 0; few && i < c->n; i++)
        wanted |= (uint64_t)1 << c->code[i];
    for (uint32_t i = 0; i < rows; i++) {
        uint64_t has = 0;
        for (uint64_t m = list->offset[first + i]; few && m < list->offset[first + i + 1]; m++)
            has |= (uint64_t)1 << list->item[m];
        const uint64_t hits = has & wanted;
        const bool met = !few ? count_members(c, first + i) >= least : c->compare == MRQ_IS_ALL ? hits == wanted : hits != 0;
        bits |= (uint64_t)met << i;
    }
    return bits;
}

/* The same for a number from `low` to `high`; never for NaN. */
static uint64_t rows_within(const double *number, double low, double high, uint32_t rows)
{
    uint64_t bits = 0;
    for (uint32_t i = 0; i < rows; i++)
        bits |= (uint64_t)(number[i] >= low && number[i] <= high) << i;
    return bits;
}

static uint64_t rows_with_number(const mrq_condition *c, uint32_t first, uint32_t rows)
{
    const double *number = c->column->number + first, limit = c->number[0];
    uint64_t bits = 0;
    switch (c->compare) {
    case MRQ_BELOW:
        return rows_within(number, -INFINITY, nextafter(limit, -INFINITY), rows);
    case MRQ_UP_TO:
        return rows_within(number, -INFINITY, limit, rows);
    case MRQ_ABOVE:
        return rows_within(number, nextafter(limit, INFINITY), INFINITY, rows);
    case MRQ_FROM:
        return rows_within(number, limit, INFINITY, rows);
    default:
        for (uint32_t i = 0; i < c->n; i++)
            bits |= rows_within(number, c->number[i], c->number[i], rows);
        return bits;
    }
}

/* Bits of the rows that meet the condition, or for MRQ_IS_NOT the opposite of it. */
static uint64_t rows_that_meet(const mrq_condition *c, uint32_t first, uint32_t rows)
{
    uint64_t bits = 0;
    switch (c->column->kind) {
    case MRQ_CATEGORY:
        for (uint32_t i = 0; i < rows; i++)
            bits |= (uint64_t)has_code(c, c->column->code[first + i]) << i;
        return bits;
    case MRQ_SET:
        return rows_with_members(c, first, rows);
    case MRQ_TEXT:
        for (uint32_t i = 0; i < rows; i++)
            bits |= (uint64_t)has_text(c, mrq_strings_at(&c->column->text, first + i)) << i;
        return bits;
    case MRQ_NUMBER:
        return rows_with_number(c, first, rows);
    }
    return bits;
}

uint64_t mrq_condition_bits(const mrq_condition *condition, uint32_t first, uint32_t rows)
{
    const uint64_t bits = rows_that_meet(condition, first, rows), all = ~(uint64_t)0 >> (64 - rows);
    return condition->compare == MRQ_IS_NOT ? bits ^ all : bits;
}
