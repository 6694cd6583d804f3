/* Inside the store room: the queries that an index is measured with. */
#ifndef MRQ_STORE_QUERIES_H
#define MRQ_STORE_QUERIES_H

#include "model/folded.h"

#define MRQ_QUERIES_MAX 1000

/* Up to MRQ_QUERIES_MAX unit vectors as they will be asked, (n, tower->dim): known users spread over the table and strangers in
 * turn, or known users alone where the tower has no branch but "id". Each half of the list has as many of both, and where there are
 * two different strangers or more, none in common. `*n` is even; `*out` is freed with mrq_free(). The same tower gives the same
 * queries. */
MRQ_CHECKED mrq_status mrq_store_queries(const mrq_folded *tower, const mrq_table *users, uint32_t *n, float **out, mrq_error *err);

#endif
