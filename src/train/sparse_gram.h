/* The Gram matrix of a large catalogue, as sparse rows: G = Σ_users weight · x xᵀ, x being what a user likes. Where the order of
 * the likes counts, the sum is over each user's likes up to each time (train/succession.h).
 *
 * Items are in the order of their likes, the most liked first, and only the lower triangle is kept: the row of a popular item is
 * short because few items are more popular, and the row of a rare one because few users like it. */
#ifndef MRQ_TRAIN_SPARSE_GRAM_H
#define MRQ_TRAIN_SPARSE_GRAM_H

#include "base/table.h"
#include "train/succession.h"

typedef struct mrq_gram_row {
    uint32_t n;
    const uint32_t *place; /* (n) ascending */
    const float *value;    /* (n) */
} mrq_gram_row;

typedef struct mrq_sparse_gram {
    uint32_t n;                /* items with a like; their places are 0 .. n-1 */
    const uint32_t *item;      /* (n) rows of the items */
    mrq_links by_user;         /* (users) places ascending, and strength × √weight, or strength × recency */
    const uint32_t *age;       /* of each like in by_user; NULL: the order does not count */
    mrq_succession succession; /* with `age` */
    mrq_links by_item;         /* (n) users ascending, and the same numbers */
    const float *diagonal;     /* (n) G_ii */
    const mrq_gram_row *lower; /* (n) of place i the places up to i, which is the last */
    uint64_t left_out;         /* entries of the triangle that are not kept, for memory */
} mrq_sparse_gram;

/* `age`: of each like, how many of the user's likes came after it; NULL if the order does not count. Then a user's weight is
 * likes^-`damping`, times a factor that gives G the size it has without weights; with an order all weigh the same. Of a user with
 * more than MRQ_GRAM_LIKES likes, that many are used, the newest if the order counts. At most `row_max` entries of a row are kept,
 * those with the largest cosines. All memory is from `arena`. */
#define MRQ_GRAM_LIKES 3000
MRQ_CHECKED mrq_status mrq_sparse_gram_make(const mrq_links *likes, const uint32_t *age, uint32_t users, uint32_t items,
                                            double damping, uint32_t row_max, uint32_t threads, mrq_arena *arena,
                                            mrq_sparse_gram *out, mrq_error *err);

/* Turns lists of `from` rows into lists of `to` rows: of each entry, the rows that have it, ascending, with the same numbers. 0, or
 * -1 when out of memory. */
MRQ_CHECKED int mrq_links_transpose(const mrq_links *links, uint32_t from, uint32_t to, mrq_arena *arena, mrq_links *out);

/* Work memory for one thread. */
typedef struct mrq_gram_scratch {
    float *sum;      /* (n) zero between two rows */
    uint64_t *mark;  /* a bit for every 64 places, zero between two rows */
    uint32_t *place; /* (n) a row, as are the values */
    float *value;
} mrq_gram_scratch;
MRQ_CHECKED int mrq_gram_scratch_make(mrq_gram_scratch *scratch, uint32_t n); /* 0, or -1 when out of memory; to be cleared then */
void mrq_gram_scratch_clear(mrq_gram_scratch *scratch);

/* Computes the places below `end` of row `i`, both triangles, without a limit. The row is in `scratch` until the next one. */
mrq_gram_row mrq_sparse_gram_row(const mrq_sparse_gram *gram, uint32_t i, uint32_t end, mrq_gram_scratch *scratch);

/* What place `i` is predicted from: row `i` of G, or, where the order counts, the sum of x_t y_t over what came before it. */
mrq_gram_row mrq_sparse_gram_targets(const mrq_sparse_gram *gram, uint32_t i, mrq_gram_scratch *scratch);

#endif
