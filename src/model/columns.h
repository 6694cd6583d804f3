/* Which columns of a table a model learns from, and why not from the others. */
#ifndef MRQ_MODEL_COLUMNS_H
#define MRQ_MODEL_COLUMNS_H

#include "model/branch.h"

#define MRQ_ALL_COLUMNS "*"  /* a branch's feature: all columns that fit its kind and that no other branch names */
#define MRQ_USER_VALUES 4096 /* a ranking is solved for at most so many values of users; branches of "*" keep to it */
#define MRQ_COLUMN_WHY  160

/* Replaces each branch of "*" by one for each such column of the table that tells something, and leaves out optional branches
 * whose column is missing. A category or set stays what it is, a number is a category of its buckets, a text is a text; where the
 * tower takes only sets, as that of a ranking's items, each column is a set: of one value, one bucket, or the text's words. */
MRQ_CHECKED mrq_status mrq_columns_resolve(mrq_description *description, bool of_users, const mrq_table *table, mrq_error *err);

/* Whether a column that the resolved tower has no branch for tells something at all. If not, `why` says it: "1201 values, 1150 of
 * which have one user". */
MRQ_CHECKED mrq_status mrq_column_tells(const mrq_table *table, const mrq_column *column, bool *tells, char why[MRQ_COLUMN_WHY],
                                        mrq_error *err);

/* Sets a plan's values or lists from its column: of a category, a set, a text by words, or a number's buckets. */
MRQ_CHECKED mrq_status mrq_column_plan(const mrq_table *table, const mrq_column *column, mrq_arena *arena, mrq_branch_plan *plan,
                                       mrq_error *err);

#endif
