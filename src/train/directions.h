/* The leading directions of a large catalogue, by subspace iteration (Halko, Martinsson and Tropp 2011) over sparse lists. Time
 * grows as entries × d, memory as (users + items) × d. Rows are places of the Gram matrix. The same seed gives the same bytes,
 * whatever the number of threads. Columns beyond the rank are zero. */
#ifndef MRQ_TRAIN_DIRECTIONS_H
#define MRQ_TRAIN_DIRECTIONS_H

#include "train/neighbours.h"

typedef struct mrq_directions_task {
    const mrq_sparse_gram *gram;
    uint32_t users, d, threads;
    uint64_t seed;
} mrq_directions_task;

/* E (n, d): the leading eigenvectors of the covariance Bᵀ G B of the scores that neighbours give, the best orthonormal basis of d
 * dimensions for these scores. */
MRQ_CHECKED mrq_status mrq_directions_of_scores(const mrq_directions_task *task, const mrq_neighbours *b, float *out,
                                                mrq_error *err);
/* The same for a dense B, or Bᵀ if it is `transposed`, (n, n). */
MRQ_CHECKED mrq_status mrq_directions_of_dense(const mrq_directions_task *task, const float *b, bool transposed, float *out,
                                               mrq_error *err);

/* V (n, d): the right singular vectors of D_u^-½ X D_i^-½, the likes (0 or 1) divided by the roots of the numbers of likes of the
 * user and of the item, with the largest singular values. */
MRQ_CHECKED mrq_status mrq_directions_of_likes(const mrq_directions_task *task, float *out, mrq_error *err);

/* to (n, d) = B or Bᵀ × from, B (n, n). Each thread computes some rows. OpenBLAS's own threads are not used: they wait for each
 * other within a product, and on a busy machine the wait takes longer than the product. */
void mrq_dense_multiply(const float *b, bool transposed, uint32_t n, uint32_t d, const float *from, uint32_t threads, float *to);

/* to (rows, d) = lists × from. */
void mrq_links_multiply(const mrq_links *links, uint64_t rows, uint32_t d, const float *from, uint32_t threads, float *to);

#endif
