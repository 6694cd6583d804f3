/* Inside the store: queries for measuring an index. */
#ifndef MRQ_STORE_QUERIES_H
#define MRQ_STORE_QUERIES_H

#include "model/folded.h"

#define MRQ_QUERIES_MAX 1000

/* Up to MRQ_QUERIES_MAX unit vectors that are similar to real queries, (n, tower->dim): alternately known users, spread over the
 * table, and strangers; only known users if the tower's only branch is "id". Both halves of the list have the same number of each,
 * and no stranger is in both, if there are at least two different ones. `*n` is even; `*out` is freed with mrq_free(). The same
 * tower gives the same queries. */
MRQ_CHECKED mrq_status mrq_store_queries(const mrq_folded *tower, const mrq_table *users, uint32_t *n, float **out, mrq_error *err);

#endif
