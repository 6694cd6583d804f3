/* Model room, OpenBLAS: a kernel that computes wrongly is refused, whatever it gets wrong and whatever is trained, and a model
 * tells whose kernels made it. The linker puts the functions here before those of OpenBLAS (--wrap in tests/meson.build). */
#include <errno.h>
#include <pthread.h>
#include <signal.h>

#include "base/cpu.h"
#include "base/log.h"
#include "base/parallel.h"
#include "eval/baselines.h"
#include "model/gemm.h"
#include "model/kernels.h"
#include "model/network.h"
#include "train/itemitem.h"
#include "train/ranking.h"
#include "train/train.h"
#include "unit/small_world.h"

static mrq_error err;

#define HISTORY "{\"feature\":\"history\",\"kind\":\"history\"}"
#define ID      "{\"feature\":\"id\",\"kind\":\"id\"}"
#define RANKS   SMALL("\"kind\":\"dot\"", "\"kind\":\"sum\",\"size\":11", HISTORY, ID, "\"objective\":\"ranking\"")
#define RATES   SMALL(SMALL_BIASED, SMALL_SUM, SMALL_SUM_USER, SMALL_SUM_ITEM, "\"epochs\":1")

static enum fault {
    NONE,
    PLAIN,
    SCALED,
    ADDED,
    RIGHT,
    LEFT,
    LARGE,
    BESIDE,
    NO_NUMBER,
    INVERSE,
    SOLUTION,
    EIGEN,
    TURNED,
    SPANNED
} fault;
static const char *code_of; /* the function of LAPACK that ends with code -3 */
static int code_after;      /* calls of it */

static void end_with_code(const char *name, int *info)
{
    if (code_of && strcmp(code_of, name) == 0 && code_after-- == 0)
        *info = -3;
}

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
    if (fault == SCALED)
        *last *= 1.001f;
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
    a[5] += fault == INVERSE ? 0.01f : 0; /* in both triangles, one of which is the result */
    a[5 * *n] += fault == INVERSE ? 0.01f : 0;
    end_with_code("spotri", info);
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
    end_with_code("spotrs", info);
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
    end_with_code("ssyev", info);
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
    end_with_code("sorgqr", info);
    for (int i = 0; i < *n && fault == SPANNED; i++) /* still orthonormal, and of other rows */
        for (int j = 0; j < *m; j++)
            a[i * *lda + j] = (float)(j == i);
    a[5] += fault == TURNED ? 0.01f : 0;
}

void __real_sgeqrf_(const int *m, const int *n, float *a, const int *lda, float *tau, float *work, const int *lwork, int *info);
void __wrap_sgeqrf_(const int *m, const int *n, float *a, const int *lda, float *tau, float *work, const int *lwork, int *info);
void __wrap_sgeqrf_(const int *m, const int *n, float *a, const int *lda, float *tau, float *work, const int *lwork, int *info)
{
    __real_sgeqrf_(m, n, a, lda, tau, work, lwork, info);
    end_with_code("sgeqrf", info);
}

void __real_spotrf_(const char *uplo, const int *n, float *a, const int *lda, int *info, size_t);
void __wrap_spotrf_(const char *uplo, const int *n, float *a, const int *lda, int *info, size_t);
void __wrap_spotrf_(const char *uplo, const int *n, float *a, const int *lda, int *info, size_t size)
{
    __real_spotrf_(uplo, n, a, lda, info, size);
    end_with_code("spotrf", info);
}

static int blocks_taken, blocks_given_back; /* of OpenBLAS's memory */

void *__real_blas_memory_alloc(int);
void *__wrap_blas_memory_alloc(int);
void *__wrap_blas_memory_alloc(int which)
{
    blocks_taken++;
    return __real_blas_memory_alloc(which);
}

void __real_blas_memory_free(void *);
void __wrap_blas_memory_free(void *);
void __wrap_blas_memory_free(void *block)
{
    blocks_given_back++;
    __real_blas_memory_free(block);
}

static int threads_at_once, threads_left = -1, threads_started; /* before one cannot be started; below 0: never */

int __real_mrq_thread_start(pthread_t *id, void *work(void *), void *context);
int __wrap_mrq_thread_start(pthread_t *id, void *work(void *), void *context);
int __wrap_mrq_thread_start(pthread_t *id, void *work(void *), void *context)
{
    if (threads_left == 0)
        return EAGAIN;
    threads_left--;
    threads_started++;
    const int status = __real_mrq_thread_start(id, work, context);
    if (threads_left == 0) { /* the last one; the others are still there */
        usleep(2000);
        threads_at_once = threads_of_process();
    }
    return status;
}

static int other_cpu = -1; /* below 0: the one that it is */

mrq_cpu __real_mrq_cpu_best(void);
mrq_cpu __wrap_mrq_cpu_best(void);
mrq_cpu __wrap_mrq_cpu_best(void)
{
    return other_cpu < 0 ? __real_mrq_cpu_best() : (mrq_cpu)other_cpu;
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
        {SCALED, ": A B (1 x 1 x 1) is"}, /* of numbers that are not zero */
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
    snprintf(who, sizeof who, "on core %s, chosen by %s: ", mrq_blas_core(), mrq_blas_chosen_by());
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

static void a_code_of_lapack_is_told(void **state)
{
    (void)state;
    static const struct {
        const char *name, *sentence;
        int after;
    } codes[] = {
        {"spotrf", "the factorisation of a 67 x 67 matrix failed with code -3", 0},
        {"spotri", "the inverse of a 67 x 67 matrix failed with code -3", 0},
        {"spotrf", "the factorisation of a 67 x 67 matrix failed with code -3", 1},
        {"spotrs", "a solution of a 67 x 67 matrix failed with code -3", 0},
        {"ssyev", "the eigenvectors of a 67 x 67 matrix failed with code -3", 0},
        {"sgeqrf", "the QR factorisation of a 5 x 5 matrix failed with code -3", 0},
        {"sorgqr", "the QR factorisation of a 5 x 5 matrix failed with code -3", 0},
    };
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        code_of = codes[i].name;
        code_after = codes[i].after;
        assert_fails(mrq_blas_check(&err), MRQ_FAILED, codes[i].sentence);
        code_of = NULL;
        assert_string_equal(err.msg, codes[i].sentence);
    }
}

static void a_product_has_its_memory_beforehand(void **state)
{
    (void)state;
    enum { MOST = 2 * MRQ_THREADS_MAX };
    static const struct {
        uint32_t products;
        int taken;
    } cases[] = {{0, 0}, {3, 3}, {3, 0}, {2, 0}, {4, 4}, {4, 0}};
    assert_ok(mrq_blas_reserve(1, &err)); /* others may have been here */
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        blocks_taken = blocks_given_back = 0;
        assert_ok(mrq_blas_reserve(cases[i].products, &err));
        assert_int_equal(blocks_taken, cases[i].taken);
        assert_int_equal(blocks_given_back, cases[i].taken);
    }
    struct rlimit all, few = {1, 1};
    assert_int_equal(getrlimit(RLIMIT_AS, &all), 0);
    few.rlim_max = all.rlim_max;
    blocks_taken = 0;
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) /* which have more addresses than that */
    few.rlim_cur = (rlim_t)1 << 30;
    assert_int_equal(setrlimit(RLIMIT_AS, &few), 0);
    const mrq_status status = mrq_blas_reserve(4 + 7, &err);
    assert_int_equal(setrlimit(RLIMIT_AS, &all), 0);
    assert_int_equal(status, MRQ_FAILED);
    assert_string_equal(err.msg, "out of memory: matrix products need 1015 MB of address space; use fewer threads");
    assert_int_equal(blocks_taken, 0);
    uint32_t top[6];
    const mrq_rank_task many = {.items = 1, .user = top, .k = 1, .threads = 6}; /* and as many threads of BLAS, but for the first */
    assert_int_equal(setrlimit(RLIMIT_AS, &few), 0);
    const mrq_status ranked = mrq_rank(&many, NULL, NULL, top, &err);
    assert_int_equal(setrlimit(RLIMIT_AS, &all), 0);
    assert_int_equal(ranked, MRQ_FAILED);
    assert_string_equal(err.msg, "out of memory: matrix products need 1015 MB of address space; use fewer threads");
#endif
    (void)few;
    assert_ok(mrq_blas_reserve(4 + 1, &err)); /* what was refused was not taken for done */
    assert_int_equal(blocks_taken, 5);
    blocks_taken = 0;
    uint32_t nobody[1] = {0};
    const mrq_rank_task ranking = {.items = 1, .user = nobody, .k = 1, .threads = 4};
    assert_ok(mrq_rank(&ranking, NULL, NULL, nobody, &err));
    assert_int_equal(blocks_taken, 7);
    blocks_taken = 0;
    assert_ok(mrq_blas_reserve(MOST + 1, &err));
    assert_int_equal(blocks_taken, MOST);
    assert_ok(mrq_blas_reserve(MOST, &err));
    assert_int_equal(blocks_taken, MOST);
}

static void a_product_is_shared_by_as_many_threads_as_there_are(void **state)
{
    (void)state;
    const int before = threads_of_process();
    threads_left = 2;
    assert_fails(mrq_blas_share(4, &err), MRQ_FAILED, "cannot start 3 threads: use fewer (--threads)");
    assert_int_equal(threads_at_once, before + 2);
    assert_int_equal(threads_of_process(), before); /* those that could be have ended */
    threads_left = -1;
    static const uint32_t threads[] = {1, 2, 3, MRQ_THREADS_MAX, MRQ_THREADS_MAX + 1};
    for (size_t i = 0; i < 3; i++) {
        threads_started = 0;
        assert_ok(mrq_blas_share(threads[i], &err));
        assert_int_equal(threads_started, threads[i] - 1);
        assert_int_equal(openblas_get_num_threads(), threads[i]);
        mrq_blas_alone();
        assert_int_equal(openblas_get_num_threads(), 1);
    }
    threads_left = 0; /* more than there can be are as many as there can be */
    assert_fails(mrq_blas_share(threads[3], &err), MRQ_FAILED, "cannot start 63 threads");
    assert_fails(mrq_blas_share(threads[4], &err), MRQ_FAILED, "cannot start 63 threads");
    threads_left = -1;
}

/* Another core than the one that computes wrongly, which this CPU can be. */
static void the_advice_is_another_core(void **state)
{
    (void)state;
    static const struct {
        mrq_cpu cpu;
        const char *core, *advice;
    } cases[] = {{MRQ_CPU_AVX512, "SkylakeX", "=Haswell,"}, {MRQ_CPU_AVX2, "Prescott", "=Haswell,"},
                 {MRQ_CPU_AVX2, "Haswell", "=Prescott,"},   {MRQ_CPU_PLAIN, "Nehalem", "=Prescott,"},
                 {MRQ_CPU_PLAIN, "Haswell", "=Prescott,"},  {MRQ_CPU_PLAIN, "Prescott", "=Nehalem,"}};
    fault = PLAIN;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        other_cpu = (int)cases[i].cpu;
        other_core = cases[i].core;
        assert_fails(mrq_blas_check(&err), MRQ_FAILED, cases[i].advice);
    }
    fault = NONE;
    other_cpu = -1;
    other_core = NULL;
}

static void each_cpu_has_its_kernels(void **state)
{
    (void)state;
    static const char *const names[] = {"plain", "avx2", "avx512"};
    static const mrq_cpu cpus[] = {MRQ_CPU_PLAIN, MRQ_CPU_AVX2, MRQ_CPU_AVX512};
#ifdef __x86_64__
    for (int c = 0; c < 3; c++) {
        other_cpu = (int)cpus[c];
        const mrq_kernels *const *k = mrq_kernels_usable();
        for (int i = 0; i <= c; i++)
            assert_string_equal(k[i]->name, names[i]);
        assert_null(k[c + 1]);
        assert_string_equal(mrq_kernels_best()->name, names[c]);
    }
    other_cpu = -1;
#endif
    assert_string_equal(mrq_kernels_usable()[0]->name, names[0]);
    (void)cpus;
}

/* From 1024 items on threads share an inverse; none is left with the products that follow. */
static void a_large_inverse_is_shared(void **state)
{
    (void)state;
    enum { SHARED = 1024 };
    MRQ_AUTOFREE float *gram = mrq_array(SHARED * SHARED, sizeof *gram), *lambda = mrq_array(SHARED, sizeof *lambda);
    assert_ok(mrq_blas_reserve(2, &err));
    threads_left = 0;
    gram[0] = -5; /* the end of it, before there is much to compute */
    assert_fails(mrq_ease(gram, SHARED - 1, lambda, 2, &err), MRQ_FAILED, "not positive definite from row 1 on");
    assert_fails(mrq_ease(gram, SHARED, lambda, 2, &err), MRQ_FAILED, "cannot start 1 threads");
    threads_left = -1;
    assert_int_equal(openblas_get_num_threads(), 1);
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
        assert_fails(mrq_train(&s->data, &d, &options, NULL, &result, &err), MRQ_FAILED, "OpenBLAS gives wrong results here");
    }
    fault = NONE;
    small_data_free(s);
}

static void nothing_else_is_computed_with_wrong_kernels(void **state)
{
    (void)state;
    small_data *s = small_data_new(20, 15, 90);
    const mrq_description d = describe(RATES);
    uint32_t train[90];
    for (uint32_t i = 0; i < 90; i++)
        train[i] = i;
    const mrq_model_source source = mrq_train_source(&s->data, train, 90);
    MRQ_CLEANUP(mrq_model_free) mrq_model *model = NULL;
    mrq_parts parts;
    mrq_ranker ranker;
    float vectors[15 * 64];
    double reach;
    assert_ok(mrq_model_new(&d, &source, &model, &err));
    assert_true(mrq_description_dim(&d) <= 64);
    assert_ok(mrq_parts_make(&s->data, MRQ_PROTOCOL_TOPN, false, 1, &parts, &err));
    fault = LARGE;
    static const mrq_baseline_kind kinds[] = {MRQ_BASELINE_EASE, MRQ_BASELINE_DEMOGRAPHIC};
    for (int i = 0; i < 2; i++)
        assert_fails(mrq_ranker_make(kinds[i], &s->data, &parts, 1, 1, &ranker, &err), MRQ_FAILED,
                     "OpenBLAS gives wrong results here");
    assert_fails(mrq_model_export_items(model, vectors, &reach, &err), MRQ_FAILED, "OpenBLAS gives wrong results here");
    fault = NONE;
    mrq_parts_clear(&parts);
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
    mrq_blas_tell();
    mrq_blas_tell();
    mrq_log_open(NULL, MRQ_LOG_INFO);
    rewind(sink);
    text[fread(text, 1, sizeof text - 1, sink)] = '\0';
    fclose(sink);
    snprintf(want, sizeof want, " INFO train blas core=%s chosen_by=%s\n", mrq_blas_core(), mrq_blas_chosen_by());
    assert_non_null(strstr(text, want));
    assert_int_equal(count_text(text, "\n"), mrq_blas_ignored() ? 2 : 1);
    assert_int_equal(count_text(text, " WARN train blas OPENBLAS_CORETYPE="), mrq_blas_ignored() ? 1 : 0);
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
    assert_non_null(strstr(err.msg, "was saved with training.blas_core \""));
    other_core = NULL;
    small_data_free(s);
    temporary_remove(folder);
}

/* OpenBLAS starts them, and the handlers of the program that we are part of run on threads of its own. */
static void threads_of_openblas_block_signals(void **state)
{
    (void)state;
    sigset_t before, after;
    pthread_sigmask(SIG_SETMASK, NULL, &before);
    assert_ok(mrq_blas_share(3, &err));
    pthread_sigmask(SIG_SETMASK, NULL, &after);
    mrq_blas_alone();
    assert_threads(3);
    assert_int_equal(sigismember(&after, SIGTERM), sigismember(&before, SIGTERM));
    char path[300], line[200];
    DIR *tasks = opendir("/proc/self/task");
    assert_non_null(tasks);
    for (const struct dirent *entry; (entry = readdir(tasks));) {
        unsigned long long blocked = 0;
        snprintf(path, sizeof path, "/proc/self/task/%s/status", entry->d_name);
        const bool first = entry->d_name[0] == '.' || atoi(entry->d_name) == getpid();
        FILE *status = first ? NULL : fopen(path, "r");
        while (status && fgets(line, sizeof line, status))
            if (sscanf(line, "SigBlk: %llx", &blocked) == 1)
                assert_true(blocked >> (SIGTERM - 1) & 1 && blocked >> (SIGPROF - 1) & 1);
        if (status)
            fclose(status);
    }
    closedir(tasks);
}

static const char ask_choice[] = "--choice"; /* this program then only tells what its environment has come to */

/* Who chose the core, and the two variables as they are afterwards; "-" is not set. */
static int tell_choice(void)
{
    const char *core = getenv("OPENBLAS_CORETYPE"), *threads = getenv("OPENBLAS_NUM_THREADS");
    printf("%s core=%s threads=%s\n", mrq_blas_chosen_by(), core ? core : "-", threads ? threads : "-");
    return 0;
}

/* A variable that is empty is as good as not set, and each is afterwards as it was. */
static void the_environment_stays_as_it_is(void **state)
{
    (void)state;
    if (mrq_cpu_best() == MRQ_CPU_PLAIN)
        skip_test("this CPU leaves the choice to OpenBLAS");
    static const char *const rows[][2] = {
        {"-u OPENBLAS_CORETYPE -u OPENBLAS_NUM_THREADS", "cpu core=- threads=-\n"},
        {"OPENBLAS_CORETYPE= OPENBLAS_NUM_THREADS=", "cpu core= threads=\n"},
        {"-u OPENBLAS_CORETYPE OPENBLAS_NUM_THREADS=2", "cpu core=- threads=2\n"},
        {"OPENBLAS_CORETYPE=Nonsense OPENBLAS_NUM_THREADS=2", "OpenBLAS core=Nonsense threads=2\n"},
        {"OPENBLAS_CORETYPE=Haswell OPENBLAS_NUM_THREADS=", "OPENBLAS_CORETYPE core=Haswell threads=\n"},
    };
    char self[200] = "", command[600], told[200];
    assert_true(readlink("/proc/self/exe", self, sizeof self - 1) > 0);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        snprintf(command, sizeof command, "env %s '%s' %s", rows[i][0], self, ask_choice);
        FILE *child = popen(command, "r");
        assert_non_null(child);
        assert_non_null(fgets(told, sizeof told, child));
        assert_int_equal(pclose(child), 0);
        assert_string_equal(told, rows[i][1]);
    }
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], ask_choice) == 0)
        return tell_choice();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_environment_stays_as_it_is),
        cmocka_unit_test(each_wrong_result_is_refused_with_advice),
        cmocka_unit_test(a_code_of_lapack_is_told),
        cmocka_unit_test(the_advice_is_another_core),
        cmocka_unit_test(each_cpu_has_its_kernels),
        cmocka_unit_test(nothing_is_trained_with_wrong_kernels),
        cmocka_unit_test(nothing_else_is_computed_with_wrong_kernels),
        cmocka_unit_test(right_kernels_are_told_to_the_log_once),
        cmocka_unit_test(a_model_tells_whose_kernels_made_it),
        cmocka_unit_test(a_checkpoint_of_another_core_is_refused),
        cmocka_unit_test(a_large_inverse_is_shared),
        cmocka_unit_test(a_product_has_its_memory_beforehand),
        cmocka_unit_test(a_product_is_shared_by_as_many_threads_as_there_are),
        cmocka_unit_test(threads_of_openblas_block_signals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
