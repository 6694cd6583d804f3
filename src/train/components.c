#include "train/components.h"

#include <math.h>
#include <pthread.h>
#include <string.h>

#include "base/memory.h"
#include "base/parallel.h"
#include "model/gemm.h"
#include "model/lapack.h"
#include "train/itemitem.h"

#define DAMPING 0.33 /* of users with many likes; 0.25 to 0.4 was best on four sets, 0 and 0.6 worse */
#define RIDGE   20.0 /* λ_i = RIDGE × √G_ii */
#define POWER   0.4  /* p */
#define RECENT  27.0 /* in place of RIDGE where the order counts; 13 to 53 came within 1 % on three sets */
/* EASE. A user has the weight 1 / √likes, so that a few users with thousands of likes do not dominate; λ_i and the last factor, by
 * which the scores are multiplied, favour less popular items a little. Chosen on validation parts of ml-1m (benchmarks/README.md).
 * */
#define EASE_DAMPING 0.5
#define EASE_RIDGE   40.0 /* λ_i = EASE_RIDGE × √G_ii + EASE_LEAST */
#define EASE_LEAST   150.0
#define EASE_POWER   (-0.1)
/* Entries of the Gram matrix's triangle, 8 bytes each: 2.4 GB. Each item keeps at least ROW_MIN. */
#define ENTRIES_MAX UINT64_C(300000000)
#define ROW_MIN     400

static mrq_status no_memory(mrq_error *err)
{
    return mrq_fail_memory(err, "relating items");
}

/* The number of likes of a place; 1 for an item whose only likes are among those of a user that are not used. */
static double likes_of(const mrq_sparse_gram *g, uint32_t i)
{
    const uint64_t *offset = g->by_item.list.offset + i;
    return offset[1] > offset[0] ? (double)(offset[1] - offset[0]) : 1;
}

/* EASE's matrix, damped. */
static mrq_status solve_dense(const mrq_components_task *task, const mrq_sparse_gram *g, float *b, mrq_error *err)
{
    MRQ_AUTOFREE float *lambda = mrq_array(g->n, sizeof *lambda), *damp = mrq_array(g->n, sizeof *damp);
    if (!lambda || !damp)
        return no_memory(err);
    for (uint32_t i = 0; i < g->n; i++) {
        lambda[i] = (float)(task->ridge * (EASE_RIDGE * sqrt((double)g->diagonal[i]) + EASE_LEAST));
        damp[i] = (float)pow(likes_of(g, i), EASE_POWER);
        const mrq_gram_row *row = &g->lower[i];
        for (uint32_t k = 0; k < row->n; k++)
            b[(size_t)i * g->n + row->place[k]] = b[(size_t)row->place[k] * g->n + i] = row->value[k];
    }
    MRQ_TRY(mrq_ease(b, g->n, lambda, task->threads, err));
    for (size_t i = 0; i < g->n; i++)
        for (size_t j = 0; j < g->n; j++)
            b[i * g->n + j] *= damp[j];
    return MRQ_OK;
}

/* B where the order counts, column by column: the rows of `column` solve (G + λ) b = Σ x_t y_tj. */
struct columns {
    const mrq_components *parts;
    const float *factor; /* of G + λ */
    float *column;       /* (n, n) */
    pthread_mutex_t lock;
    mrq_status status;
    mrq_error err;
};
enum { COLUMNS = 128 };

static mrq_status solve_columns(const struct columns *c, uint32_t first, uint32_t n, mrq_error *err)
{
    const mrq_sparse_gram *g = &c->parts->gram;
    float *column = c->column + (size_t)first * g->n;
    mrq_gram_scratch scratch;
    const int made = mrq_gram_scratch_make(&scratch, g->n);
    for (uint32_t j = 0; !made && j < n; j++) {
        const mrq_gram_row row = mrq_sparse_gram_targets(g, first + j, &scratch);
        for (uint32_t i = 0; i < row.n; i++)
            column[(size_t)j * g->n + row.place[i]] = row.value[i];
    }
    mrq_gram_scratch_clear(&scratch);
    return made ? no_memory(err) : mrq_solve_factored(c->factor, g->n, column, n, err);
}

static void solve_block(void *context, uint64_t block)
{
    struct columns *c = context;
    mrq_error err = {0};
    const uint32_t first = (uint32_t)block * COLUMNS, left = c->parts->gram.n - first;
    const mrq_status status = solve_columns(c, first, left < COLUMNS ? left : COLUMNS, &err);
    if (status == MRQ_OK)
        return;
    pthread_mutex_lock(&c->lock);
    c->status = status;
    c->err = err;
    pthread_mutex_unlock(&c->lock);
}

static mrq_status solve_next(const mrq_components_task *task, const mrq_components *p, float *column, mrq_error *err)
{
    const mrq_sparse_gram *g = &p->gram;
    MRQ_AUTOFREE float *a = mrq_array((size_t)g->n * g->n, sizeof *a);
    if (!a)
        return no_memory(err);
    for (size_t i = 0; i < g->n; i++) {
        const mrq_gram_row *row = &g->lower[i];
        for (uint32_t k = 0; k < row->n; k++)
            a[i * g->n + row->place[k]] = row->value[k];
        a[i * g->n + i] += (float)(RECENT * task->ridge * sqrt((double)g->diagonal[i])) + (g->diagonal[i] > 0 ? 0 : 1);
    }
    MRQ_TRY(mrq_factorise(a, g->n, err));
    struct columns c = {.parts = p, .factor = a, .column = column, .lock = PTHREAD_MUTEX_INITIALIZER};
    mrq_parallel(task->threads, (g->n + COLUMNS - 1) / COLUMNS, solve_block, &c);
    return c.status == MRQ_OK ? MRQ_OK : mrq_fail(err, c.status, "%s", c.err.msg);
}

/* Takes from each column what the directions say of it. */
static void subtract_block(void *context, uint64_t block)
{
    const struct columns *c = context;
    const mrq_components *p = c->parts;
    const uint32_t n = p->gram.n, first = (uint32_t)block * COLUMNS, left = n - first;
    const int d = (int)p->n_scores;
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (int)(left < COLUMNS ? left : COLUMNS), (int)n, d, -1,
                p->score_item + (size_t)first * p->n_scores, d, p->score_history, d, 1, c->column + (size_t)first * n, (int)n);
}

static mrq_status find_dense_scores(const mrq_components_task *task, const mrq_directions_task *directions, mrq_arena *arena,
                                    mrq_components *p, mrq_error *err)
{
    const uint32_t n = p->gram.n;
    MRQ_AUTOFREE float *b = mrq_array((size_t)n * n, sizeof *b);
    if (!b)
        return no_memory(err);
    MRQ_TRY(mrq_blas_check(err));
    MRQ_TRY(mrq_blas_reserve(task->threads, err));
    const bool next = task->age != NULL;
    MRQ_TRY(next ? solve_next(task, p, b, err) : solve_dense(task, &p->gram, b, err));
    MRQ_TRY(mrq_directions_of_dense(directions, b, next, p->score_item, err));
    mrq_dense_multiply(b, next, n, p->n_scores, p->score_item, task->threads, p->score_history);
    if (!next)
        return MRQ_OK;
    struct columns c = {.parts = p, .column = b};
    mrq_parallel(task->threads, (n + COLUMNS - 1) / COLUMNS, subtract_block, &c);
    return mrq_neighbours_of_dense(&p->gram, b, task->k, task->threads, arena, &p->near, err);
}

static mrq_status find_scores(const mrq_components_task *task, const mrq_directions_task *directions, bool dense, mrq_arena *arena,
                              mrq_components *p, mrq_error *err)
{
    const size_t size = (size_t)p->gram.n * p->n_scores;
    p->score_item = mrq_arena_array(arena, size, sizeof(float));
    p->score_history = mrq_arena_array(arena, size, sizeof(float));
    if (!p->score_item || !p->score_history)
        return no_memory(err);
    if (dense)
        return find_dense_scores(task, directions, arena, p, err);
    MRQ_TRY(
        mrq_neighbours_solve(&p->gram, task->k, (task->age ? RECENT : RIDGE) * task->ridge, task->threads, arena, &p->near, err));
    MRQ_TRY(mrq_directions_of_scores(directions, &p->near, p->score_item, err));
    mrq_links_multiply(&p->near.rows, p->gram.n, p->n_scores, p->score_item, directions->threads, p->score_history);
    return MRQ_OK;
}

static mrq_status find_likes(const mrq_directions_task *directions, mrq_arena *arena, mrq_components *p, mrq_error *err)
{
    const size_t size = (size_t)p->gram.n * p->n_likes;
    p->like_item = mrq_arena_array(arena, size, sizeof(float));
    p->like_history = mrq_arena_array(arena, size, sizeof(float));
    if (!p->like_item || !p->like_history)
        return no_memory(err);
    MRQ_TRY(mrq_directions_of_likes(directions, p->like_item, err));
    for (uint32_t i = 0; i < p->gram.n; i++) {
        const float power = (float)pow(likes_of(&p->gram, i), POWER);
        for (size_t k = (size_t)i * p->n_likes; k < (size_t)(i + 1) * p->n_likes; k++) {
            p->like_history[k] = p->like_item[k] / power;
            p->like_item[k] *= power;
        }
    }
    return MRQ_OK;
}

mrq_status mrq_components_fit(const mrq_components_task *task, bool dense, uint32_t n_scores, uint32_t n_likes, mrq_arena *arena,
                              mrq_components *out, mrq_error *err)
{
    *out = (mrq_components){.n_scores = n_scores, .n_likes = n_likes};
    const uint64_t row_max = task->items ? ENTRIES_MAX / task->items : 0;
    MRQ_TRY(mrq_sparse_gram_make(task->likes, task->age, task->users, task->items, dense ? EASE_DAMPING : DAMPING,
                                 row_max < ROW_MIN      ? ROW_MIN
                                 : row_max < UINT32_MAX ? (uint32_t)row_max
                                                        : UINT32_MAX,
                                 task->threads, arena, &out->gram, err));
    mrq_directions_task directions = {&out->gram, task->users, n_scores, task->threads, task->seed};
    MRQ_TRY(find_scores(task, &directions, dense, arena, out, err));
    directions.d = n_likes;
    return n_likes ? find_likes(&directions, arena, out, err) : MRQ_OK;
}
