/* The tensor table: all parameters of a network by name, in one block. Gradients and optimiser state use the same table over their
 * own blocks, so that save, load, update and check are loops. */
#ifndef MRQ_MODEL_TENSORS_H
#define MRQ_MODEL_TENSORS_H

#include <stdbool.h>

#include "base/dict.h"

#define MRQ_TENSORS_MAX 128
#define MRQ_TENSOR_NAME 48

typedef struct mrq_tensor {
    char name[MRQ_TENSOR_NAME]; /* "user.gender.embedding" */
    size_t offset;              /* of its first float in a block */
    uint32_t rows, cols;        /* row-major */
    float spread;               /* starting values are uniform within ±spread; 0: all zero */
    float rate;                 /* factor of the learning rate; 1 unless set; only sparse tensors have another */
    bool sparse;                /* an embedding: a batch updates only some rows */
} mrq_tensor;

typedef struct mrq_tensors {
    uint32_t n;
    mrq_tensor tensor[MRQ_TENSORS_MAX];
    size_t dense_size; /* floats of the dense tensors; they come first in a block */
    size_t size;       /* floats in total */
} mrq_tensors;

/* Appends a tensor and returns its index. Two towers of MRQ_BRANCHES_MAX branches have less than MRQ_TENSORS_MAX. */
uint32_t mrq_tensors_add(mrq_tensors *tensors, bool sparse, uint32_t rows, uint32_t cols, float spread, const char *name, ...)
    __attribute__((format(printf, 6, 7)));

/* Lays out the block after all tensors are added. */
void mrq_tensors_arrange(mrq_tensors *tensors);

/* Fills in starting values; the same seed gives the same values. */
void mrq_tensors_start(const mrq_tensors *tensors, uint64_t seed, float *block);

/* The offset of a row in a block. */
static inline size_t mrq_tensor_at(const mrq_tensors *tensors, uint32_t tensor, uint32_t row)
{
    const mrq_tensor *t = &tensors->tensor[tensor];
    return t->offset + (size_t)row * t->cols;
}

#endif
