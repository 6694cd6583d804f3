/* Distances between vectors, for every instruction set of the build; mrq_distances_best() returns the best that this CPU can run.
 * Pointers need no alignment; `dim` is any number. Sums are taken in lanes, so the last bits differ between instruction sets;
 * products of bytes are integers and do not differ. */
#ifndef MRQ_INDEX_KERNELS_H
#define MRQ_INDEX_KERNELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MRQ_SKETCHED 64 /* rows per block of a sketch, see sketch.c */

/* Properties of a block's rows, and of a query. Lengths and errors are rounded up. */
typedef struct mrq_bound {
    float scale[MRQ_SKETCHED], error[MRQ_SKETCHED], length[MRQ_SKETCHED], last[MRQ_SKETCHED];
} mrq_bound;
typedef struct mrq_bound_query {
    float scale, error, length, last, rounding;
    int32_t middle; /* the part of each product that comes from the bytes' offset */
} mrq_bound_query;

typedef struct mrq_distances {
    const char *name;                                                      /* "plain", "avx2", "avx512" */
    float (*inner_product)(const float *x, const float *y, size_t dim);    /* Σ x·y */
    float (*squared_distance)(const float *x, const float *y, size_t dim); /* Σ (x - y)² */
    /* out[i] = the inner product of x (dim) and row i of y (rows, dim). */
    void (*inner_products)(float *out, const float *x, const float *y, size_t dim, size_t rows);
    void (*inner_products_streamed)(float *out, const float *x, const float *y, size_t dim, size_t rows); /* for y outside the
                                                                                                             caches */
    void (*squared_distances)(float *out, const float *x, const float *y, size_t dim, size_t rows);
    /* out[i] = Σ x·y for row[i] of y, i < n. */
    void (*inner_products_of)(float *out, const float *x, const float *y, size_t dim, const uint32_t *row, size_t n);
    /* The same for rows of bytes. x is within ±127; dim up to 65536, so that no sum overflows. */
    void (*code_products_of)(int32_t *out, const int8_t *x, const uint8_t *y, size_t dim, const uint32_t *row, size_t n);
    /* out[i] = an upper bound of the inner product with row i of a block; returns the largest. x has `dim` bytes, a multiple of 4;
     * y has MRQ_SKETCHED rows, interleaved by four bytes of each. */
    float (*bounds)(float *out, const mrq_bound_query *query, const mrq_bound *bound, const int8_t *x, const uint8_t *y,
                    size_t dim);
    bool quick_bytes; /* products of bytes are faster than products of floats */
} mrq_distances;

const mrq_distances *mrq_distances_best(void);
/* All sets that this CPU can run, the plain one first; ends with NULL. For tests and benchmarks: not thread-safe. */
const mrq_distances *const *mrq_distances_usable(void);

#endif
