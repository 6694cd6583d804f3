/* Matrix products in row-major terms: C (m, n) = op(A) op(B) + beta C. Thin over CBLAS, whose own threads stay off. Each
 * counts its floating-point operations. */
#ifndef MRQ_MODEL_GEMM_H
#define MRQ_MODEL_GEMM_H

#include <cblas.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

const char *mrq_blas_core(void);      /* whose kernels OpenBLAS runs: "SkylakeX" */
const char *mrq_blas_chosen_by(void); /* "OPENBLAS_CORETYPE", the user's variable; "cpu", we by what it can do; "OpenBLAS" */
const char *mrq_blas_ignored(void);   /* the user's variable where it names another core, which OpenBLAS did not take; or NULL */

/* Compares products of all shapes, and what lapack.h has, with plain C, in some milliseconds: to be called before either is used.
 * Once all is right, later calls return at once. MRQ_FAILED, with advice, when a result is wrong. */
MRQ_CHECKED mrq_status mrq_blas_check(mrq_error *err);
void mrq_blas_tell(void); /* tells the log, once, which core computes, and what was set in vain */

/* From here on so many threads, 1 or more, share a product; MRQ_FAILED when the system does not have them. And from here on one
 * alone, as wherever threads have products of their own. */
MRQ_CHECKED mrq_status mrq_blas_share(uint32_t threads, mrq_error *err);
void mrq_blas_alone(void);

/* Takes the work memory for so many products at once (128 MB of addresses each, hardly any of it ever touched), BLAS's own threads
 * among them. Called before them, because OpenBLAS asks for ever for what it does not get. MRQ_FAILED when there is too little. */
MRQ_CHECKED mrq_status mrq_blas_reserve(uint32_t products, mrq_error *err);

/* Floating-point operations of this thread's products so far; whoever reads it sets it back. */
extern _Thread_local double mrq_flops;

/* C (m, n) = A (m, k) B (k, n) + beta C; lda, ldb, ldc are the distances of rows in floats. */
static inline void mrq_gemm(uint32_t m, uint32_t n, uint32_t k, const float *a, size_t lda, const float *b, size_t ldb, float beta,
                            float *c, size_t ldc)
{
    mrq_flops += 2.0 * m * n * k;
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (int)m, (int)n, (int)k, 1, a, (int)lda, b, (int)ldb, beta, c, (int)ldc);
}

/* C (m, n) = A (m, k) Bᵀ, B (n, k). */
static inline void mrq_gemm_bt(uint32_t m, uint32_t n, uint32_t k, const float *a, size_t lda, const float *b, size_t ldb, float *c,
                               size_t ldc)
{
    mrq_flops += 2.0 * m * n * k;
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (int)m, (int)n, (int)k, 1, a, (int)lda, b, (int)ldb, 0, c, (int)ldc);
}

/* C (m, n) = Aᵀ B, A (k, m), B (k, n). */
static inline void mrq_gemm_at(uint32_t m, uint32_t n, uint32_t k, const float *a, size_t lda, const float *b, size_t ldb, float *c,
                               size_t ldc)
{
    mrq_flops += 2.0 * m * n * k;
    cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, (int)m, (int)n, (int)k, 1, a, (int)lda, b, (int)ldb, 0, c, (int)ldc);
}

#endif
