/* Dense symmetric matrices, row-major, by LAPACK. Sizes up to 46,340, so that a place in a matrix fits LAPACK's integers. */
#ifndef MRQ_MODEL_LAPACK_H
#define MRQ_MODEL_LAPACK_H

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

#define MRQ_MATRIX_MAX 46340

/* Replaces a symmetric positive definite A (n, n), of which the lower triangle is read, by its inverse. MRQ_FAILED when it is not
 * positive definite. */
MRQ_CHECKED mrq_status mrq_invert(float *a, uint32_t n, mrq_error *err);

/* Replaces B (m, n) by the X with X A = B, A symmetric positive definite (n, n); A is destroyed. */
MRQ_CHECKED mrq_status mrq_solve(float *a, uint32_t n, float *b, uint32_t m, mrq_error *err);

/* Replaces a symmetric A (n, n) by its eigenvectors, one a row, the eigenvalues (n) ascending. */
MRQ_CHECKED mrq_status mrq_eigenvectors(float *a, uint32_t n, float *value, mrq_error *err);

/* Makes the rows of Y (m, n), m <= n, orthonormal; they span what they spanned. */
MRQ_CHECKED mrq_status mrq_orthonormal(float *y, uint32_t m, uint32_t n, mrq_error *err);

#endif
