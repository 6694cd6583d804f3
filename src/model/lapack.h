/* Dense symmetric matrices, row-major, by LAPACK. At most 46,340 rows, so that an index into a matrix fits LAPACK's integers. */
#ifndef MRQ_MODEL_LAPACK_H
#define MRQ_MODEL_LAPACK_H

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

#define MRQ_MATRIX_MAX 46340

/* Replaces a symmetric positive definite A (n, n) by its inverse; only the lower triangle is read. MRQ_FAILED when it is not
 * positive definite. */
MRQ_CHECKED mrq_status mrq_invert(float *a, uint32_t n, mrq_error *err);

/* Replaces B (m, n) by the solution X of X A = B, A symmetric positive definite (n, n). A is destroyed. */
MRQ_CHECKED mrq_status mrq_solve(float *a, uint32_t n, float *b, uint32_t m, mrq_error *err);

/* The two halves of mrq_solve(), for many B: A is replaced by its Cholesky factor, with which several threads may solve at once. */
MRQ_CHECKED mrq_status mrq_factorise(float *a, uint32_t n, mrq_error *err);
MRQ_CHECKED mrq_status mrq_solve_factored(const float *a, uint32_t n, float *b, uint32_t m, mrq_error *err);

/* Replaces a symmetric A (n, n) by its eigenvectors, one per row, in ascending order of the eigenvalues, `value` (n). */
MRQ_CHECKED mrq_status mrq_eigenvectors(float *a, uint32_t n, float *value, mrq_error *err);

/* Makes the rows of Y (m, n), m <= n, orthonormal, without changing the space that they span. */
MRQ_CHECKED mrq_status mrq_orthonormal(float *y, uint32_t m, uint32_t n, mrq_error *err);

#endif
