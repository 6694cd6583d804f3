/* Forward and backward pass of the branches: rows of an embedding with or without fc, a sum of rows, or a convolution with
 * pooling. */
#ifndef MRQ_MODEL_BRANCH_H
#define MRQ_MODEL_BRANCH_H

#include "base/table.h"
#include "model/description.h"
#include "model/gradient.h"
#include "model/kernels.h"

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

/* Whether a "ratings" branch keeps a rating. It is a function of its arguments, so that nothing needs to be stored: `salt` changes
 * with each epoch; 0 keeps all. */
bool mrq_rating_kept(uint64_t salt, double dropout, uint32_t user, uint32_t item);

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
