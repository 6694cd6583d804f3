/* Linear item-item models in closed form: a user's scores are the sum, over the movies liked, of rows of a matrix B. */
#ifndef MRQ_TRAIN_ITEMITEM_H
#define MRQ_TRAIN_ITEMITEM_H

#include "model/likes.h"

/* G (n, n) = Σ_users weight · x xᵀ, x being a user's row of `likes`; `place` (movies) says where a movie stands in G, MRQ_NONE:
 * nowhere. `weight` (users) NULL: 1. Both triangles are filled. */
MRQ_CHECKED mrq_status mrq_gram(const mrq_links *likes, uint32_t users, uint32_t movies, const float *weight, const uint32_t *place,
                                uint32_t n, uint32_t threads, float *gram, mrq_error *err);

/* EASE (Steck 2019): turns G into the B with a diagonal of zeros that minimises |X - X B|² + Σ_i lambda_i |B_i|², B_i its row i, in
 * place. `lambda` (n) > 0. MRQ_FAILED when G + lambda is not positive definite. */
MRQ_CHECKED mrq_status mrq_ease(float *gram, uint32_t n, const float *lambda, uint32_t threads, mrq_error *err);

#endif
