/* Linear item-item models in closed form: a user's scores are the sum, over the items liked, of rows of a matrix B. */
#ifndef MRQ_TRAIN_ITEMITEM_H
#define MRQ_TRAIN_ITEMITEM_H

#include "model/likes.h"

/* The items that somebody likes, of more than MRQ_RELATED_MAX those liked most; both orders are that of the rows. */
typedef struct mrq_liked {
    uint32_t n;
    const uint32_t *place; /* (items) 0 .. n-1, or MRQ_NONE */
    const uint32_t *item;  /* (n) rows */
    const float *likes;    /* (n) how many like it */
} mrq_liked;
#define MRQ_RELATED_MAX 10000 /* two matrices of its square are 0.8 GB */
MRQ_CHECKED mrq_status mrq_most_liked(const mrq_links *likes, uint32_t users, uint32_t items, mrq_arena *arena, mrq_liked *out,
                                      mrq_error *err);

/* G (n, n) = Σ_users weight · x xᵀ, x being a user's row of `likes`; `place` (items) says where an item stands in G, MRQ_NONE:
 * nowhere. `weight` (users) NULL: 1. Both triangles are filled. Sums are floats: of likes of strength 1 exact up to 2^24 users. */
MRQ_CHECKED mrq_status mrq_gram(const mrq_links *likes, uint32_t users, uint32_t items, const float *weight, const uint32_t *place,
                                uint32_t n, uint32_t threads, float *gram, mrq_error *err);

/* EASE (Steck 2019): turns G into the B with a diagonal of zeros that minimises |X - X B|² + Σ_i lambda_i |B_i|², B_i its row i, in
 * place. `lambda` (n) > 0. MRQ_FAILED when G + lambda is not positive definite. */
MRQ_CHECKED mrq_status mrq_ease(float *gram, uint32_t n, const float *lambda, uint32_t threads, mrq_error *err);

#endif
