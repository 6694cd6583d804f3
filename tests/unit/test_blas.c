/* Model room, OpenBLAS: a kernel that computes wrongly is refused, whatever it gets wrong and whatever is trained, and a model
 * tells whose kernels made it. The linker puts the functions here before those of OpenBLAS (--wrap in tests/meson.build). */
#include "base/log.h"
#include "model/gemm.h"
#include "model/network.h"
#include "train/train.h"
#include "unit/small_world.h"

static mrq_error err;

#define HISTORY "{\"feature\":\"history\",\"kind\":\"history\"}"
#define ID      "{\"feature\":\"id\",\"kind\":\"id\"}"
#define RANKS   SMALL("\"kind\":\"dot\"", "\"kind\":\"sum\",\"size\":11", HISTORY, ID, "\"objective\":\"ranking\"")
#define RATES   SMALL(SMALL_BIASED, SMALL_SUM, SMALL_SUM_USER, SMALL_SUM_MOVIE, "\"epochs\":1")

static enum fault { NONE, PLAIN, ADDED, RIGHT, LEFT, LARGE, BESIDE, NO_NUMBER, INVERSE, SOLUTION, EIGEN, TURNED, SPANNED } fault;

void __real_cblas_sgemm(int order, int ta, int tb, int m, int n, int k, float alpha, const float *a, int lda, const float *b,
                        int ldb, float beta, float *c, int ldc);
void __wrap_cblas_sgemm(int order, int ta, int tb, int m, int n, int k, float alpha, const float *a, int lda, const float *b,
                        int ldb, float beta, float *c, int ldc);
void __wrap_cblas_sgemm(int order, int ta, int tb, int m, int n, int k, float alpha, const float *a, int lda, const float *b,
                        int ldb, float beta, float *c, int ldc)
{
    __real_cblas_sgemm(order, ta, tb, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
    const bool plain = ta == CblasNoTrans && tb == CblasNoTrans;
    float *const last = &c[(size_t)(m - 1) * (size_t)ldc + (size_t)(n - 1)];
    if ((fault == PLAIN && plain && beta <= 0) || (fault == ADDED && plain && beta > 0) || (fault == RIGHT && tb == CblasTrans) ||
        (fault == LEFT && ta == CblasTrans) || (fault == LARGE && k > 384))
        *last += 0.01f;
    if (fault == NO_NUMBER)
        *last = NAN;
    if (fault == BESIDE && ldc > n)
        last[1] += 0.01f;
}

void __real_spotri_(const char *uplo, const int *n, float *a, const int *lda, int *info, size_t);
void __wrap_spotri_(const char *uplo, const int *n, float *a, const int *lda, int *info, size_t size);
void __wrap_spotri_(const char *uplo, const int *n, float *a, const int *lda, int *info, size_t size)
{
    __real_spotri_(uplo, n, a, lda, info, size);
    a[5] += fault == INVERSE ? 0.01f : 0;
}

void __real_spotrs_(const char *uplo, const int *n, const int *m, const float *a, const int *lda, float *b, const int *ldb,
                    int *info, size_t);
void __wrap_spotrs_(const char *uplo, const int *n, const int *m, const float *a, const int *lda, float *b, const int *ldb,
                    int *info, size_t size);
void __wrap_spotrs_(const char *uplo, const int *n, const int *m, const float *a, const int *lda, float *b, const int *ldb,
                    int *info, size_t size)
{
    __real_spotrs_(uplo, n, m, a, lda, b, ldb, info, size);
    b[5] += fault == SOLUTION ? 0.01f : 0;
}

void __real_ssyev_(const char *job, const char *uplo, const int *n, float *a, const int *lda, float *w, float *work,
                   const int *lwork, int *info, size_t, size_t);
void __wrap_ssyev_(const char *job, const char *uplo, const int *n, float *a, const int *lda, float *w, float *work,
                   const int *lwork, int *info, size_t size, size_t other);
void __wrap_ssyev_(const char *job, const char *uplo, const int *n, float *a, const int *lda, float *w, float *work,
                   const int *lwork, int *info, size_t size, size_t other)
{
    __real_ssyev_(job, uplo, n, a, lda, w, work, lwork, info, size, other);
    w[2] *= fault == EIGEN ? 1.01f : 1;
}

void __real_sorgqr_(const int *m, const int *n, const int *k, float *a, const int *lda, const float *tau, float *work,
                    const int *lwork, int *info);
void __wrap_sorgqr_(const int *m, const int *n, const int *k, float *a, const int *lda, const float *tau, float *work,
                    const int *lwork, int *info);
void __wrap_sorgqr_(const int *m, const int *n, const int *k, float *a, const int *lda, const float *tau, float *work,
                    const int *lwork, int *info)
{
    __real_sorgqr_(m, n, k, a, lda, tau, work, lwork, info);
    if (*n > 5) /* which finds eigenvectors */
        return;
    for (int i = 0; i < *n && fault == SPANNED; i++) /* still orthonormal, and of other rows */
        for (int j = 0; j < *m; j++)
            a[i * *lda + j] = (float)(j == i);
    a[5] += fault == TURNED ? 0.01f : 0;
}

static const char *other_core; /* NULL: the one that it is */

const char *__real_openblas_get_corename(void);
const char *__wrap_openblas_get_corename(void);
const char *__wrap_openblas_get_corename(void)
{
    return other_core ? other_core : __real_openblas_get_corename();
}

/* These come before anything has been found right, which is not looked at again. */

static void each_wrong_result_is_refused_with_advice(void **state)
{
    (void)state;
    static const struct {
        enum fault fault;
        const char *sentence;
    } wrong[] = {
        {PLAIN, ": A B (1 x 1 x 1) is"},
        {ADDED, ": A B + C (1 x 1 x 1) is"},
        {RIGHT, ": A B^T (1 x 1 x 1) is"},
        {LEFT, ": A^T B (1 x 1 x 1) is"},
        {LARGE, ": A B (67 x 41 x 401) is"},
        {BESIDE, "at 0, 1, want 7; set"},
        {NO_NUMBER, "is nan at 0, 0, want"},
        {INVERSE, ": A times its inverse (67 x 67 x 67) is"},
        {SOLUTION, ": X A of the solution (5 x 67 x 67) is"},
        {EIGEN, ": A of an eigenvector (67 x 67 x 67) is"},
        {TURNED, ": Y Y^T of orthonormal rows (5 x 5 x 67) is"},
        {SPANNED, ": the rows by their directions (5 x 67 x 5) is"},
    };
    char who[100];
    snprintf(who, sizeof who, "on the core %s, chosen by %s: ", mrq_blas_core(), mrq_blas_chosen_by());
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        fault = wrong[i].fault;
        assert_fails(mrq_blas_check(&err), MRQ_FAILED, wrong[i].sentence);
        assert_non_null(strstr(err.msg, who));
        const char *const advice = strstr(err.msg, "; set OPENBLAS_CORETYPE=");
        assert_true(advice && strstr(advice, ", or another core")); /* the sentence was not cut */
        assert_null(strstr(advice, mrq_blas_core()));
    }
    fault = NONE;
}

static void nothing_is_trained_with_wrong_kernels(void **state)
{
    (void)state;
    static const char *const texts[] = {RATES, RANKS};
    small_data *s = small_data_new(20, 15, 90);
    const mrq_train_options options = {.seed = 1, .threads = 1};
    mrq_train_result result;
    for (int i = 0; i < 2; i++) {
        const mrq_description d = describe(texts[i]);
        fault = LARGE;
        assert_fails(mrq_train(&s->data, &d, &options, NULL, &result, &err), MRQ_FAILED, "OpenBLAS computes wrongly here");
    }
    fault = NONE;
    small_data_free(s);
}

static void right_kernels_are_told_to_the_log_once(void **state)
{
    (void)state;
    char want[100], text[1000] = "";
    FILE *sink = tmpfile();
    assert_non_null(sink);
    mrq_log_open(sink, MRQ_LOG_INFO);
    assert_ok(mrq_blas_check(&err));
    assert_ok(mrq_blas_check(&err));
    mrq_log_open(NULL, MRQ_LOG_INFO);
    rewind(sink);
    text[fread(text, 1, sizeof text - 1, sink)] = '\0';
    fclose(sink);
    snprintf(want, sizeof want, " INFO train blas core=%s chosen_by=%s\n", mrq_blas_core(), mrq_blas_chosen_by());
    assert_non_null(strstr(text, want));
    assert_ptr_equal(strchr(text, '\n'), strrchr(text, '\n'));
}

static void a_model_tells_whose_kernels_made_it(void **state)
{
    (void)state;
    static const char *const texts[] = {RATES, RANKS};
    char path[256], *folder = temporary_folder();
    snprintf(path, sizeof path, "%s/m.mrq", folder);
    small_data *s = small_data_new(20, 15, 90);
    const mrq_train_options options = {.seed = 1, .threads = 1};
    for (int i = 0; i < 4; i++) {
        const mrq_description d = describe(texts[i % 2]);
        const bool old = i >= 2; /* a file of before these were kept */
        mrq_train_result result;
        assert_ok(mrq_train(&s->data, &d, &options, NULL, &result, &err));
        MRQ_CLEANUP(mrq_model_free) mrq_model *model = result.model, *loaded = NULL;
        assert_string_equal(model->results.blas_core, mrq_blas_core());
        if (old)
            model->results.blas_core[0] = model->results.blas_chosen_by[0] = '\0';
        assert_ok(mrq_model_save(model, path, &err));
        assert_ok(mrq_model_load(path, &loaded, &err));
        assert_string_equal(loaded->results.blas_core, old ? "" : mrq_blas_core());
        assert_string_equal(loaded->results.blas_chosen_by, old ? "" : mrq_blas_chosen_by());
    }
    small_data_free(s);
    temporary_remove(folder);
}

static void a_checkpoint_of_another_core_is_refused(void **state)
{
    (void)state;
    static const volatile sig_atomic_t stop = 1;
    char path[256], *folder = temporary_folder();
    snprintf(path, sizeof path, "%s/m.checkpoint", folder);
    small_data *s = small_data_new(20, 15, 90);
    const mrq_description d = describe(RATES);
    mrq_train_options options = {.seed = 1, .threads = 1, .checkpoint = path, .checkpoint_seconds = 60};
    const mrq_train_watch watch = {.stop = &stop};
    mrq_train_result result;
    for (int again = 0; again < 2; again++) {
        options.resume = again;
        assert_ok(mrq_train(&s->data, &d, &options, &watch, &result, &err));
        assert_true(result.end == MRQ_TRAIN_INTERRUPTED && result.saved);
        mrq_model_free(result.model);
    }
    other_core = "Other";
    assert_fails(mrq_train(&s->data, &d, &options, &watch, &result, &err), MRQ_BAD_FILE, "not \"Other\": give the same");
    assert_non_null(strstr(err.msg, "was taken with training.blas_core \""));
    other_core = NULL;
    small_data_free(s);
    temporary_remove(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_wrong_result_is_refused_with_advice), cmocka_unit_test(nothing_is_trained_with_wrong_kernels),
        cmocka_unit_test(right_kernels_are_told_to_the_log_once),   cmocka_unit_test(a_model_tells_whose_kernels_made_it),
        cmocka_unit_test(a_checkpoint_of_another_core_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
