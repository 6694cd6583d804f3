/* Checks OpenBLAS's results on the kernels in use. If a CPU only claims to have a core's features, or a compiler miscompiled a
 * kernel, results are wrong but look plausible. Each result is compared with a product in plain C: a matrix product directly, an
 * inverse P of A by comparing A P with 1, and so on.
 *
 * Sizes are no multiples of the kernels' tiles, so that the code for edges is checked too. One product is larger than OpenBLAS's
 * kernels for small matrices, and has more `k` than OpenBLAS handles at once. Rows have gaps between them, which must keep their
 * content. Products shared by OpenBLAS's own threads are not checked: they use the same kernels. */
#include <math.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>

#include "base/cpu.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/random.h"
#include "model/gemm.h"
#include "model/lapack.h"

enum {
    PAD = 3,
    PLACES = 401 * (67 + PAD), /* size of the largest operand */
    N = 67,                    /* rows of the matrices for LAPACK */
    FEW = 5
};
#define OFF 2e-5 /* tolerance, relative to the sum of the absolute terms: a hundred rounding errors */

/* A matrix or its transpose; rows are `stride` apart. */
struct matrix {
    const float *value;
    size_t stride;
    bool transposed;
};

static double place(const struct matrix *a, size_t i, size_t j)
{
    return (double)(a->transposed ? a->value[j * a->stride + i] : a->value[i * a->stride + j]);
}

static mrq_status refuse(const char *what, const uint32_t size[3], uint32_t i, uint32_t j, double got, double want, mrq_error *err)
{
    const char *const core = mrq_blas_core();
    const char *const other = mrq_cpu_best() >= MRQ_CPU_AVX2 && strcmp(core, "Haswell") != 0 ? "Haswell"
                              : strcmp(core, "Prescott") != 0                                ? "Prescott"
                                                                                             : "Nehalem";
    return mrq_fail(err, MRQ_FAILED,
                    "OpenBLAS gives wrong results here on core %s, chosen by %s: %s (%u x %u x %u) is %.7g at %u, %u, want %.7g; "
                    "set OPENBLAS_CORETYPE=%s, or another core",
                    core, mrq_blas_chosen_by(), what, size[0], size[1], size[2], got, i, j, want, other);
}

/* Fails unless got (m, n) is A (m, k) B (k, n) + add. */
static mrq_status compare(const char *what, uint32_t m, uint32_t n, uint32_t k, struct matrix a, struct matrix b, float add,
                          struct matrix got, mrq_error *err)
{
    for (uint32_t i = 0; i < m; i++)
        for (uint32_t j = 0; j < n; j++) {
            double want = (double)add, amount = fabs(want);
            for (uint32_t l = 0; l < k; l++) {
                const double term = place(&a, i, l) * place(&b, l, j);
                want += term;
                amount += fabs(term);
            }
            if (!(fabs(place(&got, i, j) - want) <= OFF * amount))
                return refuse(what, (uint32_t[]){m, n, k}, i, j, place(&got, i, j), want, err);
        }
    return MRQ_OK;
}

static void fill(float *x, size_t n, uint64_t stream)
{
    mrq_random rng;
    mrq_random_init(&rng, 1, stream);
    for (size_t i = 0; i < n; i++)
        x[i] = (float)(mrq_random_unit(&rng) - 0.5);
}

/* Fails unless the gaps between the rows of a result still hold `was`. */
static mrq_status compare_gaps(const char *what, uint32_t m, uint32_t n, uint32_t k, const float *c, float was, mrq_error *err)
{
    for (uint32_t i = 0; i < m; i++)
        for (uint32_t j = n; j < n + PAD; j++) {
            const float is = c[(size_t)i * (n + PAD) + j];
            if (is < was || is > was || isnan(is))
                return refuse(what, (uint32_t[]){m, n, k}, i, j, (double)is, (double)was, err);
        }
    return MRQ_OK;
}

static mrq_status check_products(const float *a, const float *b, float *c, mrq_error *err)
{
    static const uint32_t size[][3] = {{1, 1, 1}, {3, 5, 7}, {2, 61, 3}, {29, 23, 20}, {37, 9, 65}, {67, 41, 401}};
    static const char *const what[] = {"A B", "A B + C", "A B^T", "A^T B"};
    enum { GAP = 7, ADDED = 2 };
    for (size_t s = 0; s < sizeof size / sizeof *size; s++)
        for (int kind = 0; kind < 4; kind++) {
            const uint32_t m = size[s][0], n = size[s][1], k = size[s][2];
            const size_t lda = (kind == 3 ? m : k) + PAD, ldb = (kind == 2 ? k : n) + PAD, ldc = n + PAD;
            for (size_t i = 0; i < m * ldc; i++)
                c[i] = i % ldc >= n ? GAP
                       : kind == 1  ? ADDED
                                    : NAN; /* C must not be read when nothing is added to it, so it
                                              is NaN */
            if (kind == 2)
                mrq_gemm_bt(m, n, k, a, lda, b, ldb, c, ldc);
            else if (kind == 3)
                mrq_gemm_at(m, n, k, a, lda, b, ldb, c, ldc);
            else
                mrq_gemm(m, n, k, a, lda, b, ldb, kind == 1, c, ldc);
            MRQ_TRY(compare(what[kind], m, n, k, (struct matrix){a, lda, kind == 3}, (struct matrix){b, ldb, kind == 2},
                            kind == 1 ? ADDED : 0, (struct matrix){c, ldc, false}, err));
            MRQ_TRY(compare_gaps(what[kind], m, n, k, c, GAP, err));
        }
    return MRQ_OK;
}

/* Makes a symmetric, positive definite A (N, N). */
static void make_symmetric(const float *x, float *a)
{
    for (size_t i = 0; i < N; i++)
        for (size_t j = 0; j <= i; j++)
            a[i * N + j] = a[j * N + i] = i == j ? N / 8.0f + x[i] : x[i * N + j];
}

static mrq_status check_symmetric(const float *x, float *a, float *result, float *want, mrq_error *err)
{
    float value[N];
    const struct matrix A = {a, N, false}, R = {result, N, false}, W = {want, N, false};
    make_symmetric(x, a);
    memcpy(result, a, N * N * sizeof *a);
    MRQ_TRY(mrq_invert(result, N, err));
    for (size_t i = 0; i < N * N; i++)
        want[i] = i / N == i % N;
    MRQ_TRY(compare("A times its inverse", N, N, N, A, R, 0, W, err));
    memcpy(want, a, N * N * sizeof *a);
    memcpy(result, x, FEW * N * sizeof *x);
    MRQ_TRY(mrq_solve(want, N, result, FEW, err));
    MRQ_TRY(compare("X A of the solution", FEW, N, N, R, A, 0, (struct matrix){x, N, false}, err));
    memcpy(result, a, N * N * sizeof *a);
    MRQ_TRY(mrq_eigenvectors(result, N, value, err));
    for (size_t i = 0; i < N * N; i++)
        want[i] = value[i / N] * result[i];
    return compare("A of an eigenvector", N, N, N, R, A, 0, W, err);
}

static mrq_status check_orthonormal(const float *x, float *y, float *part, float *want, mrq_error *err)
{
    const struct matrix X = {x, N, false}, Y = {y, N, false};
    memcpy(y, x, FEW * N * sizeof *y);
    MRQ_TRY(mrq_orthonormal(y, FEW, N, err));
    for (size_t i = 0; i < FEW * FEW; i++) {
        want[i] = i / FEW == i % FEW;
        double sum = 0; /* component of row i / FEW of X in direction i % FEW */
        for (size_t l = 0; l < N; l++)
            sum += place(&X, i / FEW, l) * place(&Y, i % FEW, l);
        part[i] = (float)sum;
    }
    MRQ_TRY(compare("Y Y^T of orthonormal rows", FEW, FEW, N, Y, (struct matrix){y, N, true}, 0, (struct matrix){want, FEW, false},
                    err));
    return compare("the rows by their directions", FEW, N, FEW, (struct matrix){part, FEW, false}, Y, 0, X, err);
}

mrq_status mrq_blas_check(mrq_error *err)
{
    static atomic_bool right;
    if (atomic_load_explicit(&right, memory_order_relaxed))
        return MRQ_OK;
    MRQ_AUTOFREE float *block = mrq_array(4 * (size_t)PLACES, sizeof *block);
    if (!block)
        return mrq_fail_memory(err, "checking the matrix products");
    float *const a = block, *const b = a + PLACES, *const c = b + PLACES, *const d = c + PLACES;
    MRQ_TRY(mrq_blas_reserve(1, err));
    fill(a, PLACES, 0);
    fill(b, PLACES, 1);
    MRQ_TRY(check_products(a, b, c, err));
    MRQ_TRY(check_symmetric(a, b, c, d, err));
    MRQ_TRY(check_orthonormal(a, b, c, d, err));
    atomic_store_explicit(&right, true, memory_order_relaxed);
    return MRQ_OK;
}

void mrq_blas_tell(void)
{
    static atomic_bool reported;
    if (atomic_exchange(&reported, true))
        return;
    if (mrq_blas_ignored())
        mrq_log(MRQ_LOG_WARN, "train", "blas OPENBLAS_CORETYPE=%s is ignored: OpenBLAS has no such core, or not for this CPU",
                mrq_blas_ignored());
    mrq_log(MRQ_LOG_INFO, "train", "blas core=%s chosen_by=%s", mrq_blas_core(), mrq_blas_chosen_by());
}
