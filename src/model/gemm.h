/* Matrix products, row-major: C (m, n) = op(A) op(B) + beta C. A thin layer over CBLAS, whose own threads are switched off. Each
 * call counts its floating-point operations. */
#ifndef MRQ_MODEL_GEMM_H
#define MRQ_MODEL_GEMM_H

#include <cblas.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

const char *mrq_blas_core(void);      /* the core whose kernels OpenBLAS runs: "SkylakeX" */
const char *mrq_blas_chosen_by(void); /* "OPENBLAS_CORETYPE": the user's variable; "cpu": we, by the CPU's features;
                                         "OpenBLAS" */
const char *mrq_blas_ignored(void);   /* the user's variable when OpenBLAS did not use the core that it names; else NULL */

/* Compares products of all shapes, and the functions of lapack.h, with plain C; takes a few milliseconds. Call it before using
 * either. After a success, later calls return at once. MRQ_FAILED, with advice, when a result is wrong. */
MRQ_CHECKED mrq_status mrq_blas_check(mrq_error *err);
void mrq_blas_tell(void); /* logs once which core is in use, and a setting that was ignored */

/* share: from now on `threads` threads (1 or more) share each product; MRQ_FAILED when the system cannot start them. alone: from
 * now on a product uses only the calling thread, which is right wherever several threads compute products of their own. */
MRQ_CHECKED mrq_status mrq_blas_share(uint32_t threads, mrq_error *err);
void mrq_blas_alone(void);

/* Allocates the work memory for this many products at once, including those of BLAS's own threads (128 MB of address space each,
 * hardly any of it ever touched). Call it before the products, because OpenBLAS retries forever when it gets no memory. MRQ_FAILED
 * when there is too little. */
MRQ_CHECKED mrq_status mrq_blas_reserve(uint32_t products, mrq_error *err);

/* Floating-point operations of this thread's products so far; the reader resets it. */
extern _Thread_local double mrq_flops;

/* C (m, n) = A (m, k) B (k, n) + beta C; lda, ldb, ldc are the distances between rows, in floats. */
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
