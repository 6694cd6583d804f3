/* The branches' arithmetic: rows of an embedding through fc, a sum, or a convolution with pooling. */
#ifndef MRQ_MODEL_BRANCH_H
#define MRQ_MODEL_BRANCH_H

#include "model/tower.h"

/* Work space of one branch in one pass. */
typedef struct mrq_branch_work {
    float *embedded; /* (values, embedding) gathered rows */
    float *back;     /* (values, embedding) their gradient */
    /* text only */
    uint32_t *word;      /* (words) distinct words (or characters) of the batch */
    uint32_t *word_slot; /* (n_values) place in `word`, MRQ_NONE when not in the batch */
    uint32_t words;
    float *projected; /* (words, window × filters) each word at each place of the window; in backward its gradient */
    float *position;  /* (positions, filters) tanh at each word of each title, one after the other */
} mrq_branch_work;

/* `values` distinct values, or entities for set, text and ratings, and `tokens` items of lists at the most. */
MRQ_CHECKED mrq_status mrq_branch_work_make(const mrq_branch_plan *plan, uint32_t values, size_t tokens, mrq_arena *arena,
                                            mrq_branch_work *work, mrq_error *err);

/* What mrq_branch_forward() and its inverse work on. */
typedef struct mrq_branch_call {
    const mrq_tensors *tensors;
    const mrq_branch_plan *plan;
    mrq_branch_work *work;
    const float *param;
    const mrq_kernels *kernels;
    uint64_t salt; /* of mrq_rating_kept() */
} mrq_branch_call;

/* out (n, width), rows `stride` apart: the branch's output for each of `n` embedding rows (id, category) or entities (set, text,
 * ratings) in `value`. */
void mrq_branch_forward(const mrq_branch_call *call, const uint32_t *value, uint32_t n, float *out, size_t stride);

/* From the gradient of that output to the gradient of the parameters; after mrq_branch_forward() of the same values. */
void mrq_branch_backward(const mrq_branch_call *call, const uint32_t *value, uint32_t n, const float *dout, size_t stride,
                         mrq_gradient *gradient);

#endif
