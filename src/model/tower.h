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

#include "base/table.h"
#include "model/description.h"
#include "model/kernels.h"
#include "model/tensors.h"

#define MRQ_DROPPED 0x80000000u /* flag in an entity's number: use the unknown id instead of its own */

/* One branch: where it finds its input and its parameters. */
typedef struct mrq_branch_plan {
    const mrq_branch *branch;
    uint32_t n_values;         /* rows of the embedding */
    const uint32_t *value;     /* id, category: (entities) row of the embedding */
    mrq_lists list;            /* set, text, ratings, history: rows of the embedding for each entity */
    const float *strength;     /* ratings: deviation of each rating from the baseline; history: strength of each like */
    const uint32_t *character; /* text by characters: (n_values) their code points, ascending; else NULL */
    uint32_t width;            /* of its output */
    uint32_t first;            /* row of W where its `width` rows start */
    uint32_t embedding;        /* tensor (n_values, embedding); then two more, or MRQ_NONE: */
    uint32_t weight, bias;     /* id, category: fc (embedding, fc), (fc); text: (embedding, window × filters), (filters) */
} mrq_branch_plan;

typedef struct mrq_tower {
    const mrq_tensors *tensors;
    uint32_t entities, dim, width, n;
    uint32_t inputs; /* rows of W; without W, the width */
    mrq_activation activation;
    bool unit; /* normalise vectors to length 1 */
    mrq_branch_plan plan[MRQ_BRANCHES_MAX];
    uint32_t weight, bias; /* tensors of the joint layer, (inputs, width) and (width), or MRQ_NONE */
} mrq_tower;

/* Gradients of one worker: a block like the parameters', and for each sparse tensor the list of touched rows. Other rows are
 * zero. */
typedef struct mrq_gradient {
    float *block;
    uint32_t *touched[MRQ_TENSORS_MAX], n_touched[MRQ_TENSORS_MAX];
    unsigned char *mark[MRQ_TENSORS_MAX]; /* (rows) 1 when the row is in the list */
} mrq_gradient;
/* The gradient of a row of an embedding; marks the row as touched. */
static inline float *mrq_gradient_touch(mrq_gradient *gradient, const mrq_tensors *tensors, uint32_t tensor, uint32_t row)
{
    if (!gradient->mark[tensor][row]) {
        gradient->mark[tensor][row] = 1;
        gradient->touched[tensor][gradient->n_touched[tensor]++] = row;
    }
    return gradient->block + mrq_tensor_at(tensors, tensor, row);
}
MRQ_CHECKED mrq_status mrq_gradient_make(const mrq_tensors *tensors, mrq_arena *arena, mrq_gradient *out, mrq_error *err);

/* Whether a "ratings" branch keeps a rating. It is a function of its arguments, so that nothing needs to be stored: `salt` changes
 * with each epoch; 0 keeps all. */
bool mrq_rating_kept(uint64_t salt, double dropout, uint32_t user, uint32_t item);

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
 * id and category. */
MRQ_CHECKED mrq_status mrq_tower_fold(const mrq_tower *tower, uint32_t b, const float *param, float *rows, mrq_error *err);

#endif
