#include "train/directions.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "base/parallel.h"
#include "base/random.h"
#include "model/gemm.h"
#include "model/kernels.h"
#include "model/lapack.h"

#define ROUNDS 5
#define SPARE  24 /* extra directions, with which the iteration converges faster */
enum { BLOCK = 1024 };

struct product {
    const mrq_links *links;
    uint64_t rows;
    uint32_t d;
    const float *from;
    float *to;
};

static void multiply_block(void *context, uint64_t block)
{
    const struct product *p = context;
    const mrq_kernels *kernels = mrq_kernels_best();
    const uint64_t *offset = p->links->list.offset;
    for (uint64_t i = block * BLOCK; i < (block + 1) * BLOCK && i < p->rows; i++) {
        float *to = p->to + i * p->d;
        memset(to, 0, p->d * sizeof *to);
        for (uint64_t j = offset[i]; j < offset[i + 1]; j++)
            kernels->add_scaled(to, p->links->strength[j], p->from + (size_t)p->links->list.item[j] * p->d, p->d);
    }
}

void mrq_links_multiply(const mrq_links *links, uint64_t rows, uint32_t d, const float *from, uint32_t threads, float *to)
{
    struct product p = {links, rows, d, from, to};
    mrq_parallel(threads, (rows + BLOCK - 1) / BLOCK, multiply_block, &p);
}

struct dense {
    const float *b, *from;
    bool transposed;
    uint32_t n, d, threads;
    float *to;
};

static void multiply_part(void *context, uint64_t i)
{
    const struct dense *p = context;
    const uint32_t first = (uint32_t)(p->n * i / p->threads), rows = (uint32_t)(p->n * (i + 1) / p->threads) - first;
    float *to = p->to + (size_t)first * p->d;
    if (p->transposed)
        cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, (int)rows, (int)p->d, (int)p->n, 1, p->b + first, (int)p->n, p->from,
                    (int)p->d, 0, to, (int)p->d);
    else
        mrq_gemm(rows, p->d, p->n, p->b + (size_t)first * p->n, p->n, p->from, p->d, 0, to, p->d);
}

void mrq_dense_multiply(const float *b, bool transposed, uint32_t n, uint32_t d, const float *from, uint32_t threads, float *to)
{
    struct dense p = {b, from, transposed, n, d, threads, to};
    mrq_parallel(threads, threads, multiply_part, &p);
}

/* A symmetric matrix (n, n), as factors that are applied in turn. */
struct factors {
    uint32_t n;
    struct {
        const mrq_links *links; /* NULL: dense */
        uint64_t rows;
        const float *dense; /* (rows, rows) */
        bool transposed;
    } step[4];
};

struct solver {
    const struct factors *factors;
    uint32_t n, m, threads;
    float *y, *next;      /* (n, m) */
    float *work[2];       /* (the most rows of a step, m) */
    float *small, *value; /* (m, m), (m) */
};

static void solver_clear(struct solver *s)
{
    mrq_free(s->y);
    mrq_free(s->next);
    mrq_free(s->work[0]);
    mrq_free(s->work[1]);
    mrq_free(s->small);
    mrq_free(s->value);
}

/* next = matrix × y. */
static void apply(struct solver *s)
{
    const float *from = s->y;
    for (uint32_t i = 0; i < s->factors->n; i++) {
        float *to = i + 1 == s->factors->n ? s->next : s->work[i % 2];
        if (s->factors->step[i].links)
            mrq_links_multiply(s->factors->step[i].links, s->factors->step[i].rows, s->m, from, s->threads, to);
        else
            mrq_dense_multiply(s->factors->step[i].dense, s->factors->step[i].transposed, s->n, s->m, from, s->threads, to);
        from = to;
    }
}

/* small = the eigenvectors of yᵀ of, one per row, ascending. */
static mrq_status decompose(struct solver *s, const float *y, const float *of, mrq_error *err)
{
    mrq_gemm_at(s->m, s->m, s->n, y, s->m, of, s->m, s->small, s->m);
    for (size_t i = 0; i < s->m; i++) /* make it exactly symmetric: rounding differs */
        for (size_t j = 0; j < i; j++)
            s->small[i * s->m + j] = s->small[j * s->m + i];
    return mrq_eigenvectors(s->small, s->m, s->value, err);
}

/* to (columns, rows) = from (rows, columns), transposed. */
static void transpose(const float *from, size_t rows, size_t columns, float *to)
{
    enum { TILE = 32 };
    for (size_t top = 0; top < rows; top += TILE)
        for (size_t j = 0; j < columns; j++)
            for (size_t i = top; i < top + TILE && i < rows; i++)
                to[j * rows + i] = from[i * columns + j];
}

/* y = next with orthonormal columns. By QR: the product nextᵀ next would lose the smaller directions in rounding. */
static mrq_status orthonormalise(struct solver *s, mrq_error *err)
{
    transpose(s->next, s->n, s->m, s->y);
    MRQ_TRY(mrq_orthonormal(s->y, s->m, s->n, err));
    memcpy(s->next, s->y, (size_t)s->n * s->m * sizeof *s->y);
    transpose(s->next, s->m, s->n, s->y);
    return MRQ_OK;
}

static mrq_status iterate(struct solver *s, uint64_t seed, uint32_t d, float *out, mrq_error *err)
{
    mrq_random random;
    mrq_random_init(&random, seed, 0x400000000u);
    for (size_t i = 0; i < (size_t)s->n * s->m; i++)
        s->next[i] = (float)(mrq_random_unit(&random) - 0.5);
    for (int round = 0; round <= ROUNDS; round++) {
        MRQ_TRY(orthonormalise(s, err));
        apply(s);
    }
    MRQ_TRY(decompose(s, s->y, s->next, err));
    mrq_gemm_bt(s->n, s->m, s->m, s->y, s->m, s->small, s->m, s->next, s->m);
    for (size_t i = 0; i < s->n; i++)
        for (uint32_t k = 0; k < d; k++)
            out[i * d + k] = k < s->m ? s->next[i * s->m + s->m - 1 - k] : 0;
    return MRQ_OK;
}

static mrq_status find(const mrq_directions_task *task, const struct factors *factors, float *out, mrq_error *err)
{
    MRQ_TRY(mrq_blas_check(err));
    MRQ_TRY(mrq_blas_reserve(2 * task->threads - 1, err)); /* our threads, and BLAS's threads that wait meanwhile */
    const uint32_t n = task->gram->n, m = task->d + SPARE < n ? task->d + SPARE : n;
    const size_t rows = task->users > n ? task->users : n;
    __attribute__((cleanup(solver_clear))) struct solver s = {
        .factors = factors,
        .n = n,
        .m = m,
        .threads = task->threads,
        .y = mrq_array((size_t)n * m, sizeof *s.y),
        .next = mrq_array((size_t)n * m, sizeof *s.next),
        .work = {mrq_array(rows * m, sizeof *s.y), mrq_array(factors->n > 2 ? rows * m : 0, sizeof *s.y)},
        .small = mrq_array((size_t)m * m, sizeof *s.small),
        .value = mrq_array(m, sizeof *s.value)};
    if (!s.y || !s.next || !s.work[0] || !s.work[1] || !s.small || !s.value)
        return mrq_fail_memory(err, "finding directions");
    return iterate(&s, task->seed, task->d, out, err);
}

mrq_status mrq_directions_of_scores(const mrq_directions_task *task, const mrq_neighbours *b, float *out, mrq_error *err)
{
    const mrq_sparse_gram *g = task->gram;
    const struct factors factors = {4,
                                    {{&b->rows, g->n, NULL, false},
                                     {&g->by_user, task->users, NULL, false},
                                     {&g->by_item, g->n, NULL, false},
                                     {&b->columns, g->n, NULL, false}}};
    return find(task, &factors, out, err);
}

mrq_status mrq_directions_of_dense(const mrq_directions_task *task, const float *b, bool transposed, float *out, mrq_error *err)
{
    const mrq_sparse_gram *g = task->gram;
    const struct factors factors = {4,
                                    {{NULL, g->n, b, transposed},
                                     {&g->by_user, task->users, NULL, false},
                                     {&g->by_item, g->n, NULL, false},
                                     {NULL, g->n, b, !transposed}}};
    return find(task, &factors, out, err);
}

mrq_status mrq_directions_of_likes(const mrq_directions_task *task, float *out, mrq_error *err)
{
    const mrq_sparse_gram *g = task->gram;
    const uint64_t n = g->by_user.list.offset[task->users], *likes = g->by_item.list.offset;
    MRQ_CLEANUP(mrq_arena_free) mrq_arena *arena = mrq_arena_new();
    MRQ_AUTOFREE float *strength = mrq_array(n, sizeof *strength);
    mrq_links by_user = {g->by_user.list, strength}, by_item;
    if (!arena || !strength)
        return mrq_fail_memory(err, "finding directions");
    for (uint32_t u = 0; u < task->users; u++) {
        const uint64_t first = by_user.list.offset[u], end = by_user.list.offset[u + 1];
        for (uint64_t i = first; i < end; i++) {
            const uint32_t item = by_user.list.item[i];
            strength[i] = 1 / sqrtf((float)(end - first) * (float)(likes[item + 1] - likes[item]));
        }
    }
    if (mrq_links_transpose(&by_user, task->users, g->n, arena, &by_item))
        return mrq_fail_memory(err, "finding directions");
    return find(task, &(struct factors){2, {{&by_user, task->users, NULL, false}, {&by_item, g->n, NULL, false}}}, out, err);
}
