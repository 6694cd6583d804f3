/* Conditions on columns of the items, as a query gives them: "price<20", "tags=noir,heist", "author!=King". */
#ifndef MRQ_ENGINE_WHERE_H
#define MRQ_ENGINE_WHERE_H

#include "base/print.h"
#include "engine/query.h"
#include "index/index.h"

#define MRQ_WHERE_VALUES 100 /* in one condition */

/* Whether a text has a column's name, an operator and something after it. */
bool mrq_where_is_one(const char *text);

/* Finds the column and the values of a condition; `out` is cleared with mrq_condition_clear(). MRQ_USAGE for a column that the
 * items do not have, an operator that its kind does not have, a value that no item can have, or too many; the message begins with
 * "where". */
MRQ_CHECKED mrq_status mrq_where_read(const mrq_table *items, const char *text, mrq_condition *out, mrq_error *err);
void mrq_condition_clear(mrq_condition *condition); /* legal on a zeroed struct */

/* Sorts conditions and removes duplicates; returns the number of conditions left. */
uint32_t mrq_where_sort(mrq_condition *condition, uint32_t n);

/* The text of a condition, which reads back as the same; freed with mrq_free(). NULL if out of memory. */
char *mrq_where_text(const mrq_condition *condition);

/* A bit for each of up to 64 rows from `first` on: whether it meets the condition. */
uint64_t mrq_condition_bits(const mrq_condition *condition, uint32_t first, uint32_t rows);

#endif
