/* Forward and backward pass of the branches: rows of an embedding with or without fc, a sum of rows, or a convolution with
 * pooling. */
#ifndef MRQ_MODEL_BRANCH_H
#define MRQ_MODEL_BRANCH_H

#include "model/tower.h"

/* Work memory of one branch in one pass. */
typedef struct mrq_branch_work {
    float *embedded; /* (values, embedding) gathered rows */
    float *back;     /* (values, embedding) their gradient */
    /* text only */
    uint32_t *word;      /* (words) distinct words (or characters) of the batch */
    uint32_t *word_slot; /* (n_values) index in `word`, or MRQ_NONE when not in the batch */
    uint32_t words;
    float *projected; /* (words, window × filters) each word at each place of the window; in backward the gradient */
    float *position;  /* (positions, filters) tanh at each position of all texts, text by text */
} mrq_branch_work;

/* For at most `values` distinct values (for set, text and ratings: entities) and `tokens` words or characters. */
MRQ_CHECKED mrq_status mrq_branch_work_make(const mrq_branch_plan *plan, uint32_t values, size_t tokens, mrq_arena *arena,
                                            mrq_branch_work *work, mrq_error *err);

/* The arguments of mrq_branch_forward() and mrq_branch_backward(). */
typedef struct mrq_branch_call {
    const mrq_tensors *tensors;
    const mrq_branch_plan *plan;
    mrq_branch_work *work;
    const float *param;
    const mrq_kernels *kernels;
    uint64_t salt; /* of mrq_rating_kept() */
} mrq_branch_call;

/* Computes out (n, width), rows `stride` apart: the branch's output for each of `n` embedding rows (id, category) or entities (set,
 * text, ratings, history) in `value`. */
void mrq_branch_forward(const mrq_branch_call *call, const uint32_t *value, uint32_t n, float *out, size_t stride);

/* Computes the gradient of the parameters from the gradient of that output; call mrq_branch_forward() with the same values
 * first. */
void mrq_branch_backward(const mrq_branch_call *call, const uint32_t *value, uint32_t n, const float *dout, size_t stride,
                         mrq_gradient *gradient);

#endif
