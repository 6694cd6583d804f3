/* Linear item-item models in closed form: a user's scores are the sum of rows of a matrix B, one row for each item that the user
 * likes. */
#ifndef MRQ_TRAIN_ITEMITEM_H
#define MRQ_TRAIN_ITEMITEM_H

#include "model/likes.h"

/* All items with a like, but at most MRQ_RELATED_MAX, those with the most likes; in the order of their rows. */
typedef struct mrq_liked {
    uint32_t n;
    const uint32_t *place; /* (items) 0 .. n-1, or MRQ_NONE */
    const uint32_t *item;  /* (n) rows */
    const float *likes;    /* (n) number of users who like it */
} mrq_liked;
#define MRQ_RELATED_MAX 10000 /* two float matrices of this size take 0.8 GB */
MRQ_CHECKED mrq_status mrq_most_liked(const mrq_links *likes, uint32_t users, uint32_t items, mrq_arena *arena, mrq_liked *out,
                                      mrq_error *err);

/* G (n, n) = Σ_users x xᵀ, x being a user's row of `likes`. `place` (items) is an item's row in G, or MRQ_NONE. Fills both
 * triangles. Sums are floats: with likes of strength 1 they are exact up to 2^24 users. */
MRQ_CHECKED mrq_status mrq_gram(const mrq_links *likes, uint32_t users, uint32_t items, const uint32_t *place, uint32_t n,
                                uint32_t threads, float *gram, mrq_error *err);

/* EASE (Steck 2019): replaces G by the matrix B with zero diagonal that minimises |X - X B|² + Σ_i lambda_i |B_i|², B_i being row
 * i. `lambda` (n) > 0. MRQ_FAILED when G + lambda is not positive definite. */
MRQ_CHECKED mrq_status mrq_ease(float *gram, uint32_t n, const float *lambda, uint32_t threads, mrq_error *err);

#endif
