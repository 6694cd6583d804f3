/* LAPACK stores matrices by columns, so our rows are its columns. A symmetric matrix is the same either way; our lower triangle is
 * LAPACK's upper one. That triangle is factorised: with the other one, OpenBLAS 0.3.21 crashes by an unaligned read on the core
 * Prescott (any CPU without AVX) when the size is odd and at least 133. Debian ships LAPACK in OpenBLAS's archive, without a C
 * header, so the functions are declared here (Fortran passes the lengths of strings after the other arguments). */
#include "model/lapack.h"

#include "base/memory.h"

void spotrf_(const char *uplo, const int *n, float *a, const int *lda, int *info, size_t);
void spotri_(const char *uplo, const int *n, float *a, const int *lda, int *info, size_t);
void spotrs_(const char *uplo, const int *n, const int *m, const float *a, const int *lda, float *b, const int *ldb, int *info,
             size_t);
void ssyev_(const char *job, const char *uplo, const int *n, float *a, const int *lda, float *w, float *work, const int *lwork,
            int *info, size_t, size_t);
void sgeqrf_(const int *m, const int *n, float *a, const int *lda, float *tau, float *work, const int *lwork, int *info);
void sorgqr_(const int *m, const int *n, const int *k, float *a, const int *lda, const float *tau, float *work, const int *lwork,
             int *info);

static mrq_status outcome(const char *what, uint32_t n, int info, mrq_error *err)
{
    return info == 0 ? MRQ_OK : mrq_fail(err, MRQ_FAILED, "%s of a %u x %u matrix failed with code %d", what, n, n, info);
}

mrq_status mrq_factorise(float *a, uint32_t n, mrq_error *err)
{
    const int size = (int)n;
    int info;
    spotrf_("U", &size, a, &size, &info, 1);
    return info > 0 ? mrq_fail(err, MRQ_FAILED, "a %u x %u matrix is not positive definite from row %d on", n, n, info)
                    : outcome("the factorisation", n, info, err);
}

mrq_status mrq_invert(float *a, uint32_t n, mrq_error *err)
{
    enum { TILE = 64 };
    const int size = (int)n;
    int info;
    MRQ_TRY(mrq_factorise(a, n, err));
    spotri_("U", &size, a, &size, &info, 1);
    MRQ_TRY(outcome("the inverse", n, info, err));
    for (size_t top = 0; top < n; top += TILE) /* copy the lower triangle to the upper one, tile by tile */
        for (size_t left = top; left < n; left += TILE)
            for (size_t i = top; i < top + TILE && i < n; i++)
                for (size_t j = left > i ? left : i + 1; j < left + TILE && j < n; j++)
                    a[i * n + j] = a[j * n + i];
    return MRQ_OK;
}

mrq_status mrq_solve(float *a, uint32_t n, float *b, uint32_t m, mrq_error *err)
{
    MRQ_TRY(mrq_factorise(a, n, err));
    return mrq_solve_factored(a, n, b, m, err);
}

mrq_status mrq_solve_factored(const float *a, uint32_t n, float *b, uint32_t m, mrq_error *err)
{
    const int size = (int)n, columns = (int)m;
    int info;
    spotrs_("U", &size, &columns, a, &size, b, &size, &info, 1);
    return outcome("a solution", n, info, err);
}

mrq_status mrq_eigenvectors(float *a, uint32_t n, float *value, mrq_error *err)
{
    const int size = (int)n, room = 64 * size;
    int info;
    MRQ_AUTOFREE float *work = mrq_array((size_t)room, sizeof *work);
    if (!work)
        return mrq_fail_memory(err, "finding eigenvectors");
    ssyev_("V", "L", &size, a, &size, value, work, &room, &info, 1, 1);
    return outcome("the eigenvectors", n, info, err);
}

mrq_status mrq_orthonormal(float *y, uint32_t m, uint32_t n, mrq_error *err)
{
    const int rows = (int)n, columns = (int)m, room = 64 * columns;
    int info;
    MRQ_AUTOFREE float *work = mrq_array((size_t)room, sizeof *work), *tau = mrq_array(m, sizeof *tau);
    if (!work || !tau)
        return mrq_fail_memory(err, "making directions orthonormal");
    sgeqrf_(&rows, &columns, y, &rows, tau, work, &room, &info);
    MRQ_TRY(outcome("the QR factorisation", m, info, err));
    sorgqr_(&rows, &columns, &columns, y, &rows, tau, work, &room, &info);
    return outcome("the QR factorisation", m, info, err);
}
