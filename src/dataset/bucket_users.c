/* A number of users becomes a category of ranges that are found in the data, as if the schema had said "buckets": so what a query
 * says of a person falls into a range, and explanations, exports and pages name it, without anything of their own for numbers.
 * Items keep their numbers, which filters look at; a model divides them itself (model/columns.c). */
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buckets.h"
#include "dataset/read.h"

/* The shortest text that reads as this number. */
static int write_number(double number, char out[MRQ_BUCKET_LABEL])
{
    int size = 0;
    for (int digits = 15; digits <= 17; digits++) {
        size = snprintf(out, MRQ_BUCKET_LABEL, "%.*g", digits, number);
        if (!(strtod(out, NULL) < number || strtod(out, NULL) > number))
            break;
    }
    return size;
}

/* The lower bounds as texts, which are the values, and the labels; "unknown" behind them if `gaps`. */
static int name_ranges(const double *bound, uint32_t n, bool whole, bool gaps, mrq_dict *value, mrq_dict *label)
{
    static const char unknown[] = "unknown";
    char text[MRQ_BUCKET_LABEL];
    for (uint32_t i = 0; i < n; i++) {
        const int size = write_number(bound[i], text);
        if (mrq_dict_push(value, text, (size_t)size) == MRQ_NONE)
            return -1;
        mrq_bucket_label(bound, n, i, whole, text);
        if (mrq_dict_push(label, text, strlen(text)) == MRQ_NONE)
            return -1;
    }
    return gaps && (mrq_dict_push(value, unknown, sizeof unknown - 1) == MRQ_NONE ||
                    mrq_dict_push(label, unknown, sizeof unknown - 1) == MRQ_NONE)
               ? -1
               : 0;
}

static mrq_status bucket_column(mrq_table *users, mrq_column *column, mrq_error *err)
{
    double found[MRQ_BUCKETS_MAX];
    uint32_t n;
    MRQ_TRY(mrq_buckets_find(column->number, users->rows, found, &n, err));
    MRQ_CLEANUP(mrq_dict_free) mrq_dict *value = mrq_dict_new();
    MRQ_CLEANUP(mrq_dict_free) mrq_dict *label = mrq_dict_new();
    uint32_t *code = mrq_arena_array(users->arena, users->rows, sizeof *code);
    double *bound = mrq_arena_array(users->arena, (size_t)n + 1, sizeof *bound);
    if (!value || !label || !code || !bound)
        return mrq_fail_memory(err, "reading users or items");
    bool whole = true, gaps = false;
    for (uint32_t u = 0; u < users->rows; u++) {
        const double number = column->number[u];
        gaps |= isnan(number);
        whole &= isnan(number) || floor(number) >= number;
        code[u] = isnan(number) ? n : mrq_bucket_of(found, n, number);
    }
    memcpy(bound, found, n * sizeof *bound);
    bound[0] = -DBL_MAX; /* a query may say less than anybody in the data */
    bound[n] = DBL_MAX;  /* of "unknown", as in read_table.c */
    if (name_ranges(found, n, whole, gaps, value, label))
        return mrq_fail_memory(err, "reading users or items");
    const mrq_strings values = mrq_dict_strings(value), labels = mrq_dict_strings(label);
    if (mrq_strings_copy(users->arena, &values, &column->dict) || mrq_strings_copy(users->arena, &labels, &column->label))
        return mrq_fail_memory(err, "reading users or items");
    column->kind = MRQ_CATEGORY;
    column->number = NULL;
    column->code = code;
    column->bound = n ? bound : NULL; /* nobody has one: "unknown" is the only value */
    return MRQ_OK;
}

mrq_status mrq_bucket_users(mrq_table *users, mrq_error *err)
{
    for (uint32_t c = 0; c < users->n_columns; c++)
        if (users->column[c].kind == MRQ_NUMBER)
            MRQ_TRY(bucket_column(users, &users->column[c], err));
    return MRQ_OK;
}
