/* Columns and branches. Whether a column tells something is seen from its values: one that all rows have, or a value a row, as
 * names and addresses are, cannot be learned from, nor can values of which most are of one row each. */
#include "model/columns.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/buckets.h"

/* How a column's values are spread over the rows. */
struct spread {
    uint64_t known, given;  /* rows with a value; values of all rows, which in a set are several a row */
    uint32_t values, alone; /* distinct values; those of one row */
};

/* Buckets are the values of numbers. */
static mrq_status count_numbers(const mrq_table *table, const mrq_column *column, struct spread *out, mrq_error *err)
{
    double bound[MRQ_BUCKETS_MAX];
    MRQ_TRY(mrq_buckets_find(column->number, table->rows, bound, &out->values, err));
    for (uint32_t row = 0; row < table->rows; row++)
        out->known += isnan(column->number[row]) ? 0 : 1;
    out->given = out->known;
    return MRQ_OK;
}

static mrq_status count_values(const mrq_table *table, const mrq_column *column, struct spread *out, mrq_error *err)
{
    MRQ_AUTOFREE uint32_t *rows = mrq_array(column->dict.n, sizeof *rows);
    if (!rows)
        return mrq_fail_memory(err, "looking at columns");
    const uint32_t unknown = column->kind == MRQ_CATEGORY ? mrq_strings_find(&column->dict, "unknown") : MRQ_NONE;
    for (uint32_t row = 0; row < table->rows; row++) {
        const bool category = column->kind == MRQ_CATEGORY;
        const uint64_t from = category ? 0 : column->list.offset[row], to = category ? 1 : column->list.offset[row + 1];
        const uint64_t before = out->given;
        for (uint64_t i = from; i < to; i++) {
            const uint32_t value = category ? column->code[row] : column->list.item[i];
            out->given += value != unknown;
            rows[value] += value != unknown;
        }
        out->known += out->given > before;
    }
    for (uint32_t value = 0; value < column->dict.n; value++) {
        out->values += rows[value] > 0;
        out->alone += rows[value] == 1;
    }
    return MRQ_OK;
}

/* Names of features of a model that are no columns. */
static bool is_reserved(const char *name)
{
    return strcmp(name, "id") == 0 || strcmp(name, "history") == 0 || strcmp(name, "ratings") == 0;
}

mrq_status mrq_column_tells(const mrq_table *table, const mrq_column *column, bool *tells, char why[MRQ_COLUMN_WHY], mrq_error *err)
{
    struct spread s = {0};
    const bool number = column->kind == MRQ_NUMBER;
    MRQ_TRY(number ? count_numbers(table, column, &s, err) : count_values(table, column, &s, err));
    *why = '\0';
    if (is_reserved(column->name))
        snprintf(why, MRQ_COLUMN_WHY, "models have a feature of this name; call the column otherwise");
    else if (!s.known)
        snprintf(why, MRQ_COLUMN_WHY, "no values");
    else if (s.values == 1 && s.given == table->rows && table->rows > 1)
        snprintf(why, MRQ_COLUMN_WHY, "the same value everywhere");
    else if (!number && s.alone == s.given && s.given > 1)
        snprintf(why, MRQ_COLUMN_WHY, "every row another value");
    else if (!number && 2 * (uint64_t)s.values > s.given && s.given > 1)
        snprintf(why, MRQ_COLUMN_WHY, "%u values, %u of which have one %s", s.values, s.alone, table->noun.one);
    *tells = !*why;
    return MRQ_OK;
}

/* --- branches --- */

static bool is_named(const mrq_tower_description *tower, const char *column)
{
    for (uint32_t b = 0; b < tower->n; b++)
        if (strcmp(tower->branch[b].feature, column) == 0)
            return true;
    return false;
}

static bool takes_all(const mrq_tower_description *tower, mrq_branch_kind kind)
{
    for (uint32_t b = 0; b < tower->n; b++)
        if (tower->branch[b].kind == kind && strcmp(tower->branch[b].feature, MRQ_ALL_COLUMNS) == 0)
            return true;
    return false;
}

/* The kind of the branch that a column is for: its own if the tower takes such columns, or else a set. */
static mrq_branch_kind kind_of(const mrq_tower_description *tower, const mrq_column *column)
{
    static const mrq_branch_kind own[] = {[MRQ_CATEGORY] = MRQ_BRANCH_CATEGORY,
                                          [MRQ_SET] = MRQ_BRANCH_SET,
                                          [MRQ_TEXT] = MRQ_BRANCH_TEXT,
                                          [MRQ_NUMBER] = MRQ_BRANCH_CATEGORY};
    return takes_all(tower, own[column->kind]) ? own[column->kind] : MRQ_BRANCH_SET;
}

/* Whether a branch stays: one of the table's columns, or of none. */
static bool stays(const mrq_branch *branch, const mrq_table *table)
{
    return branch->kind == MRQ_BRANCH_ID || branch->kind == MRQ_BRANCH_RATINGS || branch->kind == MRQ_BRANCH_HISTORY ||
           !branch->optional || mrq_table_column(table, branch->feature);
}

/* Appends a branch like `pattern` for each column that is for it. `values`: how many values more a solver can have. */
static mrq_status expand(const mrq_tower_description *from, const mrq_branch *pattern, bool of_users, const mrq_table *table,
                         uint32_t *values, mrq_tower_description *to, mrq_error *err)
{
    for (uint32_t c = 0; c < table->n_columns && to->n < MRQ_BRANCHES_MAX; c++) {
        const mrq_column *column = &table->column[c];
        char why[MRQ_COLUMN_WHY];
        bool tells;
        if (kind_of(from, column) != pattern->kind || is_named(from, column->name) || (of_users && column->kind == MRQ_TEXT) ||
            (of_users && column->dict.n > *values))
            continue;
        MRQ_TRY(mrq_column_tells(table, column, &tells, why, err));
        if (!tells)
            continue;
        mrq_branch *branch = &to->branch[to->n++];
        *branch = *pattern;
        branch->optional = false;
        strcpy(branch->feature, column->name);
        *values -= of_users ? column->dict.n : 0;
    }
    return MRQ_OK;
}

mrq_status mrq_columns_resolve(mrq_description *description, bool of_users, const mrq_table *table, mrq_error *err)
{
    mrq_tower_description *tower = of_users ? &description->user : &description->item;
    const mrq_tower_description from = *tower;
    uint32_t values = mrq_objective_of(description)->closed_form ? MRQ_USER_VALUES : UINT32_MAX;
    tower->n = 0;
    for (uint32_t b = 0; b < from.n; b++) {
        const mrq_branch *branch = &from.branch[b];
        if (strcmp(branch->feature, MRQ_ALL_COLUMNS) == 0)
            MRQ_TRY(expand(&from, branch, of_users, table, &values, tower, err));
        else if (tower->n < MRQ_BRANCHES_MAX && stays(branch, table))
            tower->branch[tower->n++] = *branch;
    }
    return MRQ_OK;
}

/* --- plans --- */

/* A number's values are its buckets, and one behind them for unknown ones if there are any. */
static mrq_status divide_numbers(const mrq_table *table, const mrq_column *column, mrq_arena *arena, mrq_branch_plan *plan,
                                 mrq_error *err)
{
    double bound[MRQ_BUCKETS_MAX];
    uint32_t n;
    uint32_t *value = mrq_arena_array(arena, table->rows, sizeof *value);
    if (!value)
        return mrq_fail_memory(err, "dividing numbers");
    MRQ_TRY(mrq_buckets_find(column->number, table->rows, bound, &n, err));
    plan->n_values = n;
    for (uint32_t row = 0; row < table->rows; row++) {
        value[row] = isnan(column->number[row]) ? n : mrq_bucket_of(bound, n, column->number[row]);
        plan->n_values = value[row] == n ? n + 1 : plan->n_values;
    }
    plan->value = value;
    return MRQ_OK;
}

/* A set of the one value that each row has. */
static mrq_status make_sets(const mrq_table *table, mrq_arena *arena, mrq_branch_plan *plan, mrq_error *err)
{
    uint64_t *offset = mrq_arena_array(arena, (size_t)table->rows + 1, sizeof *offset);
    if (!offset)
        return mrq_fail_memory(err, "dividing numbers");
    for (uint32_t row = 0; row < table->rows; row++)
        offset[row + 1] = row + 1;
    plan->list = (mrq_lists){offset, plan->value};
    plan->value = NULL;
    return MRQ_OK;
}

mrq_status mrq_column_plan(const mrq_table *table, const mrq_column *column, mrq_arena *arena, mrq_branch_plan *plan,
                           mrq_error *err)
{
    if (column->kind == MRQ_NUMBER) {
        MRQ_TRY(divide_numbers(table, column, arena, plan, err));
    } else {
        plan->n_values = column->dict.n;
        plan->value = column->code;
        plan->list = column->list;
    }
    const bool one = column->kind == MRQ_NUMBER || column->kind == MRQ_CATEGORY;
    return one && plan->branch->kind == MRQ_BRANCH_SET ? make_sets(table, arena, plan, err) : MRQ_OK;
}
