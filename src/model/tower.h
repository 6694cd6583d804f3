/* A tower: from the features of users or items to vectors, forward and backward over a batch of distinct entities.
 *
 * y = act(bias + Σ_b W_b branch_b(feature b)), and y / |y| where the score is a cosine. W stands as one tensor (inputs, width), a
 * block of rows a branch; where the joint layer sums there is no W, and a bias only before an activation that is not linear. The
 * few values of a category (gender, age) are pushed through branch and W once a batch and their rows added where they occur; the
 * other branches write side by side into one matrix that W multiplies at once. The cost changes, not the mathematics.
 *
 * Where the score has biases, a vector is followed by one more number, its bias, made in the same way but for the activation:
 * width = dim + 1. */
#ifndef MRQ_MODEL_TOWER_H
#define MRQ_MODEL_TOWER_H

#include "base/table.h"
#include "model/description.h"
#include "model/kernels.h"
#include "model/tensors.h"

#define MRQ_DROPPED 0x80000000u /* set in an entity's number: its id is the unknown one */

/* One branch as it reads the data and finds its parameters. */
typedef struct mrq_branch_plan {
    const mrq_branch *branch;
    uint32_t n_values;         /* rows of the embedding */
    const uint32_t *value;     /* id, category: (entities) row of the embedding */
    mrq_lists list;            /* set, text, ratings, history: rows of the embedding for each entity */
    const float *strength;     /* ratings: how far each of the list is from the baseline; history: how much each is liked */
    const uint32_t *character; /* text by characters: (n_values) their codes, ascending; else NULL */
    uint32_t width;            /* its outputs */
    uint32_t first;            /* of its `width` rows in W */
    uint32_t embedding;        /* a tensor (n_values, embedding), and two more, or MRQ_NONE where it has none: */
    uint32_t weight, bias;     /* id, category: fc (embedding, fc), (fc); text: (embedding, window × filters), (filters) */
} mrq_branch_plan;

typedef struct mrq_tower {
    const mrq_tensors *tensors;
    uint32_t entities, dim, width, n;
    uint32_t inputs; /* rows of W; without W, the width */
    mrq_activation activation;
    bool unit; /* vectors are brought to length 1 */
    mrq_branch_plan plan[MRQ_BRANCHES_MAX];
    uint32_t weight, bias; /* tensors of the joint layer, (inputs, width) and (width), or MRQ_NONE */
} mrq_tower;

/* Gradients of one worker: a block like the parameters', and for each sparse tensor the rows that were touched. Rows not touched
 * are zero. */
typedef struct mrq_gradient {
    float *block;
    uint32_t *touched[MRQ_TENSORS_MAX], n_touched[MRQ_TENSORS_MAX];
    unsigned char *mark[MRQ_TENSORS_MAX]; /* (rows) 1 when the row is in the list */
} mrq_gradient;
/* The gradient of a row of an embedding, which from now on counts as touched. */
static inline float *mrq_gradient_touch(mrq_gradient *gradient, const mrq_tensors *tensors, uint32_t tensor, uint32_t row)
{
    if (!gradient->mark[tensor][row]) {
        gradient->mark[tensor][row] = 1;
        gradient->touched[tensor][gradient->n_touched[tensor]++] = row;
    }
    return gradient->block + mrq_tensor_at(tensors, tensor, row);
}
MRQ_CHECKED mrq_status mrq_gradient_make(const mrq_tensors *tensors, mrq_arena *arena, mrq_gradient *out, mrq_error *err);

/* Whether a rating stays in what a "ratings" branch reads. A function of its arguments, so that nobody needs to write it down:
 * `salt` changes from pass to pass; 0 keeps all. */
bool mrq_rating_kept(uint64_t salt, double dropout, uint32_t user, uint32_t item);

/* One worker's state for one tower: what forward leaves for backward. Everything is allocated once. */
typedef struct mrq_pass mrq_pass;
MRQ_CHECKED mrq_status mrq_pass_make(const mrq_tower *tower, uint32_t capacity, mrq_arena *arena, mrq_pass **out, mrq_error *err);

/* The vectors of `n` entities (numbers of rows, perhaps with MRQ_DROPPED), n <= capacity. Afterwards mrq_pass_vector() is
 * (n, width) and mrq_pass_gradient() is (n, width) and zero. */
void mrq_pass_forward(mrq_pass *pass, const float *param, const uint32_t *entity, uint32_t n);
void mrq_pass_salt(mrq_pass *pass, uint64_t salt); /* for the next ones; 0 at first */
const float *mrq_pass_vector(const mrq_pass *pass);
float *mrq_pass_gradient(mrq_pass *pass); /* of the loss by the vectors: the caller's to fill */

/* The gradient by the parameters: dense tensors are set, rows of sparse ones are added to. Consumes mrq_pass_gradient(). */
void mrq_pass_backward(mrq_pass *pass, const float *param, mrq_gradient *gradient);

/* The rows that the values of branch `b` add to the joint layer's input, (n_values, width), zero on entry: the folded tower. For id
 * and category alone. */
MRQ_CHECKED mrq_status mrq_tower_fold(const mrq_tower *tower, uint32_t b, const float *param, float *rows, mrq_error *err);

#endif
