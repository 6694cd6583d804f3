/* Neighbours: a sparse item-item matrix B for catalogues that are too large for a dense one. A user's scores are the sum of the
 * rows of what the user likes.
 *
 * Local ridge regression: for an item j, N are the K items with the largest cosines of likes, and b solves
 * (G_NN + diag λ) b = G_Nj, so that the likes of N predict those of j; λ_i = ridge × √G_ii. These K numbers are column j of B. If
 * N were all other items, this would be EASE (Steck 2019). Time grows as items × K³ / 3, memory as items × K. Where the order of
 * the likes counts, N are items that were liked before j, and their recent likes predict that j comes next. */
#ifndef MRQ_TRAIN_NEIGHBOURS_H
#define MRQ_TRAIN_NEIGHBOURS_H

#include "train/sparse_gram.h"

/* B in places of the Gram matrix, both ways: of an item that a user likes, those that it recommends; of an item, its neighbours. */
typedef struct mrq_neighbours {
    mrq_links rows, columns; /* (n) ascending */
} mrq_neighbours;

/* `k` > 0. MRQ_FAILED when a system cannot be solved. */
MRQ_CHECKED mrq_status mrq_neighbours_solve(const mrq_sparse_gram *gram, uint32_t k, double ridge, uint32_t threads,
                                            mrq_arena *arena, mrq_neighbours *out, mrq_error *err);

/* The neighbours that a dense B has: of each column the `k` entries whose weight × √G_ii is the largest in size. `columns` (n, n):
 * row j is column j of B. */
MRQ_CHECKED mrq_status mrq_neighbours_of_dense(const mrq_sparse_gram *gram, const float *columns, uint32_t k, uint32_t threads,
                                               mrq_arena *arena, mrq_neighbours *out, mrq_error *err);

/* Columns with at most `most` entries, those whose weight × √G_ii is the largest in size. Arrays come from `arena`. */
MRQ_CHECKED mrq_status mrq_neighbours_shorten(const mrq_sparse_gram *gram, const mrq_links *columns, uint32_t most,
                                              mrq_arena *arena, mrq_links *out, mrq_error *err);

#endif
