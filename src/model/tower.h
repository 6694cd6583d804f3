/* A tower: computes vectors from the features of users or items, forward and backward over a batch of distinct entities.
 *
 * y = act(bias + Σ_b W_b branch_b(feature b)), and y / |y| if the score is a cosine. W is one tensor (inputs, width) with a block
 * of rows per branch. If the joint layer sums, there is no W, and a bias only before an activation that is not linear or for a
 * ranking. A category has few values (gender, age): each goes through branch and W once per batch, and its row is added for every
 * entity that has it. The other branches write into one matrix, which is multiplied by W at once. This changes the cost, not the
 * result.
 *
 * If the score has biases, one more number, the bias, follows each vector. It is computed in the same way, without the activation:
 * width = dim + 1. */
#ifndef MRQ_MODEL_TOWER_H
#define MRQ_MODEL_TOWER_H

#include "model/branch.h"

#define MRQ_DROPPED 0x80000000u /* flag in an entity's number: use the unknown id instead of its own */

typedef struct mrq_tower {
    const mrq_tensors *tensors;
    uint32_t entities, dim, width, n;
    uint32_t inputs; /* rows of W; without W, the width */
    mrq_activation activation;
    bool unit; /* normalise vectors to length 1 */
    mrq_branch_plan plan[MRQ_BRANCHES_MAX];
    uint32_t weight, bias; /* tensors of the joint layer, (inputs, width) and (width), or MRQ_NONE */
} mrq_tower;

/* One worker's state for one tower, passed from forward to backward. All memory is allocated once. */
typedef struct mrq_pass mrq_pass;
MRQ_CHECKED mrq_status mrq_pass_make(const mrq_tower *tower, uint32_t capacity, mrq_arena *arena, mrq_pass **out, mrq_error *err);

/* Computes the vectors of `n` entities (row numbers, with or without MRQ_DROPPED), n <= capacity. Afterwards mrq_pass_vector() is
 * (n, width) and mrq_pass_gradient() is (n, width) and zero. */
void mrq_pass_forward(mrq_pass *pass, const float *param, const uint32_t *entity, uint32_t n);
void mrq_pass_salt(mrq_pass *pass, uint64_t salt); /* for the following passes; 0 at first */
const float *mrq_pass_vector(const mrq_pass *pass);
float *mrq_pass_gradient(mrq_pass *pass); /* of the loss by the vectors; the caller fills it */

/* Computes the gradient of the parameters: sets dense tensors, adds to rows of sparse ones. Overwrites mrq_pass_gradient(). */
void mrq_pass_backward(mrq_pass *pass, const float *param, mrq_gradient *gradient);

/* The folded tower: the rows that the values of branch `b` add to the joint layer's sum, (n_values, width), zero on entry. Only for
 * id, category and set, whose values are its members. */
MRQ_CHECKED mrq_status mrq_tower_fold(const mrq_tower *tower, uint32_t b, const float *param, float *rows, mrq_error *err);

#endif
