#include "model/tensors.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/random.h"

uint32_t mrq_tensors_add(mrq_tensors *tensors, bool sparse, uint32_t rows, uint32_t cols, float spread, const char *name, ...)
{
    assert(tensors->n < MRQ_TENSORS_MAX);
    mrq_tensor *tensor = &tensors->tensor[tensors->n];
    *tensor = (mrq_tensor){.rows = rows, .cols = cols, .spread = spread, .rate = 1, .sparse = sparse};
    va_list args;
    va_start(args, name);
    vsnprintf(tensor->name, sizeof tensor->name, name, args);
    va_end(args);
    return tensors->n++;
}

/* The size of a tensor in a block: each starts at a cache line. */
static size_t padded(const mrq_tensor *tensor)
{
    const size_t line = MRQ_ALIGN / sizeof(float);
    return ((size_t)tensor->rows * tensor->cols + line - 1) / line * line;
}

void mrq_tensors_arrange(mrq_tensors *tensors)
{
    tensors->size = 0;
    for (int sparse = 0; sparse <= 1; sparse++) {
        for (uint32_t i = 0; i < tensors->n; i++) {
            mrq_tensor *tensor = &tensors->tensor[i];
            if (tensor->sparse != (bool)sparse)
                continue;
            tensor->offset = tensors->size;
            tensors->size += padded(tensor);
        }
        if (!sparse)
            tensors->dense_size = tensors->size;
    }
}

void mrq_tensors_start(const mrq_tensors *tensors, uint64_t seed, float *block)
{
    for (uint32_t i = 0; i < tensors->n; i++) {
        const mrq_tensor *tensor = &tensors->tensor[i];
        mrq_random rng;
        mrq_random_init(&rng, seed, i); /* one stream per tensor: adding a branch does not change the starting values of the
                                           others */
        for (size_t j = 0; j < (size_t)tensor->rows * tensor->cols; j++)
            block[tensor->offset + j] = tensor->spread * (float)(2 * mrq_random_unit(&rng) - 1);
    }
}
