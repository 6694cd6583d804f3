/* The tensor table: every parameter of a network by name, in one block. Gradients and optimiser state use the same table over
 * blocks of their own, so that save, load, update and check are loops. */
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
    float spread;               /* starts uniform within ±spread; 0: at zero */
    float rate;                 /* of learning, as a share of the optimiser's; 1 unless set, and for sparse ones alone */
    bool sparse;                /* an embedding: a batch touches some of its rows */
} mrq_tensor;

typedef struct mrq_tensors {
    uint32_t n;
    mrq_tensor tensor[MRQ_TENSORS_MAX];
    size_t dense_size; /* floats of those that are not sparse; they stand first in a block */
    size_t size;       /* floats in all */
} mrq_tensors;

/* Appends a tensor and returns its place. Two towers of MRQ_BRANCHES_MAX branches have less than MRQ_TENSORS_MAX. */
uint32_t mrq_tensors_add(mrq_tensors *tensors, bool sparse, uint32_t rows, uint32_t cols, float spread, const char *name, ...)
    __attribute__((format(printf, 6, 7)));

/* Lays out the block, once all are added. */
void mrq_tensors_arrange(mrq_tensors *tensors);

/* Starting values, the same for the same seed. */
void mrq_tensors_start(const mrq_tensors *tensors, uint64_t seed, float *block);

/* The offset of a row in a block. */
static inline size_t mrq_tensor_at(const mrq_tensors *tensors, uint32_t tensor, uint32_t row)
{
    const mrq_tensor *t = &tensors->tensor[tensor];
    return t->offset + (size_t)row * t->cols;
}

#endif
