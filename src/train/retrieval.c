/* A user's scores are x B, where x are the user's likes and B is EASE's matrix. B is quadratic in the number of items, so it is
 * compressed: E (n, d) are the leading eigenvectors of the scores' covariance Bᵀ G B, the best orthonormal basis of d dimensions
 * for the scores. x B E is the user's vector, a sum of rows of the history table B E; rows of E are the items' vectors.
 *
 * - A user has the weight 1 / sqrt(likes), so that a few users with thousands of likes do not dominate.
 * - lambda_i grows with the root of the item's likes, and scores are multiplied by likes^-0.1: both favour less popular items a
 *   little.
 * - Users without likes: ridge regression of the sums of liked items' vectors on the categories and the members of sets, only in
 *   the leading directions, which also removes noise. This vector times PRIOR is the start that a user's likes are added to.
 * - Items: ridge regression of E on the members of sets (genres, words of the title) by conjugate gradients. An item's vector is a
 *   mean of that and its row of E, weighted by its number of likes; without likes it is the regression alone.
 *
 * The constants were chosen on validation parts of ml-1m (benchmarks/README.md). Rejected after trials in a prototype: a softmax
 * over the catalogue by gradients, from E (it overfits within a pass); dropout in closed form (EDLAE); categories as columns of x;
 * the items' features as more rows of X (gains 0.001). */
#include "train/retrieval.h"

#include <math.h>
#include <string.h>

#include "base/parallel.h"
#include "base/random.h"
#include "model/gemm.h"
#include "model/lapack.h"
#include "train/itemitem.h"

#define LAMBDA_ROOT    40.0 /* lambda_i = l2 × (LAMBDA_ROOT × sqrt(G_ii) + LAMBDA) */
#define LAMBDA         150.0
#define DAMPING        (-0.1)
#define PRIOR          0.03f
#define LEADING        64
#define CATEGORY_RIDGE 30.0f
#define FEATURE_RIDGE  30.0f
#define FEW            10.0f /* an item with this many likes weighs them and its features equally */
#define SPARE          24    /* extra directions, with which the iteration converges faster */
#define ROUNDS         6

struct solver {
    mrq_model *model;
    mrq_arena *arena;
    uint32_t threads;
    uint64_t seed;
    uint32_t users, items, d;
    mrq_liked related;
    uint32_t n;    /* related items */
    float *gram;   /* (n, n) */
    float *b;      /* (n, n) */
    float *basis;  /* (d, n) E transposed */
    float *vector; /* (n, d) E */
};

static mrq_status no_memory(mrq_error *err)
{
    return mrq_fail_memory(err, "solving for a ranking");
}

static mrq_status choose_items(struct solver *s, mrq_error *err)
{
    MRQ_TRY(mrq_most_liked(&s->model->likes, s->users, s->items, s->arena, &s->related, err));
    s->n = s->related.n;
    if (s->n < 2)
        return mrq_fail(
            err, MRQ_USAGE,
            "%u %s %s liked, want 2 or more: an event is a like from the value on that \"like\" in the schema says, else from the "
            "middle of the range; change \"like\", or try --model fusion, which predicts values",
            s->n, mrq_table_noun(s->model->items, s->n), s->n == 1 ? "is" : "are");
    return MRQ_OK;
}

/* Computes B, damped, and the G of the covariance. */
static mrq_status relate(struct solver *s, mrq_error *err)
{
    const mrq_links *likes = &s->model->likes;
    const size_t square = (size_t)s->n * s->n;
    MRQ_AUTOFREE float *weight = mrq_array(s->users, sizeof *weight), *lambda = mrq_array(s->n, sizeof *lambda);
    s->gram = mrq_arena_array(s->arena, square, sizeof *s->gram);
    s->b = mrq_arena_array(s->arena, square, sizeof *s->b);
    if (!weight || !lambda || !s->gram || !s->b)
        return no_memory(err);
    double weighted = 0;
    for (uint32_t u = 0; u < s->users; u++) {
        const double n = (double)(likes->list.offset[u + 1] - likes->list.offset[u]);
        weight[u] = n > 0 ? (float)(1 / sqrt(n)) : 0;
        weighted += sqrt(n);
    }
    /* Scales G to the size that it has without weights. */
    const float norm = (float)((double)likes->list.offset[s->users] / weighted);
    for (uint32_t u = 0; u < s->users; u++)
        weight[u] *= norm;
    MRQ_TRY(mrq_gram(likes, s->users, s->items, weight, s->related.place, s->n, s->threads, s->gram, err));
    const double l2 = s->model->description.train.l2;
    for (size_t i = 0; i < s->n; i++)
        lambda[i] = (float)(l2 * (LAMBDA_ROOT * sqrt((double)s->gram[i * s->n + i]) + LAMBDA));
    memcpy(s->b, s->gram, square * sizeof *s->b);
    MRQ_TRY(mrq_ease(s->b, s->n, lambda, s->threads, err));
    MRQ_AUTOFREE float *damp = mrq_array(s->n, sizeof *damp);
    if (!damp)
        return no_memory(err);
    for (uint32_t i = 0; i < s->n; i++)
        damp[i] = (float)pow((double)s->related.likes[i], DAMPING);
    for (size_t i = 0; i < s->n; i++)
        for (size_t j = 0; j < s->n; j++)
            s->b[i * s->n + j] *= damp[j];
    return MRQ_OK;
}

/* C (m, n) = A (m, k) B, with B (k, n), or Bᵀ of B (n, k). Each thread computes a part of C: some rows, or some columns if C has
 * more of them, so that the larger of A and B is read once and not by every thread. OpenBLAS's own threads are not used: they wait
 * for each other within a product, and on a busy machine the wait takes longer than the product. */
struct product {
    uint32_t threads, m, n, k;
    const float *a, *b;
    bool transposed; /* of B */
    float *c;
};

static void multiply_part(void *context, uint64_t i)
{
    const struct product *p = context;
    const bool by_rows = p->m > p->n;
    const uint32_t all = by_rows ? p->m : p->n;
    const uint32_t first = (uint32_t)(all * i / p->threads), size = (uint32_t)(all * (i + 1) / p->threads) - first;
    const uint32_t m = by_rows ? size : p->m, n = by_rows ? p->n : size, column = by_rows ? 0 : first;
    const float *a = p->a + (by_rows ? (size_t)first * p->k : 0);
    float *c = p->c + (by_rows ? (size_t)first * p->n : first);
    if (size && p->transposed)
        mrq_gemm_bt(m, n, p->k, a, p->k, p->b + (size_t)column * p->k, p->k, c, p->n);
    else if (size)
        mrq_gemm(m, n, p->k, a, p->k, p->b + column, p->n, 0, c, p->n);
}

static void multiply(struct product p)
{
    mrq_parallel(p.threads, p.threads, multiply_part, &p);
}

/* to (m, n) = y Bᵀ G B; y (m, n). `between` is scratch of that size. */
static void apply_covariance(const struct solver *s, const float *y, uint32_t m, float *between, float *to)
{
    multiply((struct product){s->threads, m, s->n, s->n, y, s->b, true, to});
    multiply((struct product){s->threads, m, s->n, s->n, to, s->gram, false, between});
    multiply((struct product){s->threads, m, s->n, s->n, between, s->b, false, to});
}

/* The leading eigenvectors of the covariance, largest first, by subspace iteration (Halko, Martinsson and Tropp 2011). */
static mrq_status find_basis(struct solver *s, mrq_error *err)
{
    const uint32_t n = s->n, m = s->d + SPARE < n ? s->d + SPARE : n, d = s->d < n ? s->d : n;
    const size_t size = (size_t)m * n;
    MRQ_AUTOFREE float *y = mrq_array(size, sizeof *y), *z = mrq_array(size, sizeof *z),
                       *between = mrq_array(size, sizeof *between);
    MRQ_AUTOFREE float *small = mrq_array((size_t)m * m, sizeof *small), *value = mrq_array(m, sizeof *value);
    s->basis = mrq_arena_array(s->arena, (size_t)s->d * n, sizeof *s->basis);
    s->vector = mrq_arena_array(s->arena, (size_t)s->d * n, sizeof *s->vector);
    if (!y || !z || !between || !small || !value || !s->basis || !s->vector)
        return no_memory(err);
    mrq_random random;
    mrq_random_init(&random, s->seed, 0x400000000u);
    for (size_t i = 0; i < size; i++)
        y[i] = (float)(mrq_random_unit(&random) - 0.5);
    MRQ_TRY(mrq_orthonormal(y, m, n, err));
    for (int round = 0; round < ROUNDS; round++) {
        apply_covariance(s, y, m, between, z);
        MRQ_TRY(mrq_orthonormal(z, m, n, err));
        float *swap = y;
        y = z;
        z = swap;
    }
    apply_covariance(s, y, m, between, z);
    mrq_gemm_bt(m, m, n, z, n, y, n, small, m);
    for (size_t i = 0; i < m; i++) /* make it exactly symmetric: rounding differs */
        for (size_t j = 0; j < i; j++)
            small[i * m + j] = small[j * m + i];
    MRQ_TRY(mrq_eigenvectors(small, m, value, err));
    for (uint32_t i = 0; i < d; i++) /* LAPACK sorts them in ascending order */
        memcpy(between + (size_t)i * m, small + (size_t)(m - 1 - i) * m, m * sizeof *between);
    mrq_gemm(d, n, m, between, m, y, n, 0, s->basis, n);
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < s->d; j++)
            s->vector[i * s->d + j] = s->basis[j * n + i];
    return MRQ_OK;
}

/* The branch of this kind; the description has one. */
static const mrq_branch_plan *find_branch(const mrq_tower *tower, mrq_branch_kind kind)
{
    uint32_t b = 0;
    while (tower->plan[b].branch->kind != kind)
        b++;
    return &tower->plan[b];
}

static float *parameters(const struct solver *s, uint32_t tensor, uint32_t row)
{
    return s->model->param + mrq_tensor_at(&s->model->tensors, tensor, row);
}

/* The history table, B E: the vector that a liked item adds to a user. */
static mrq_status make_history(struct solver *s, mrq_error *err)
{
    const mrq_branch_plan *plan = find_branch(&s->model->user, MRQ_BRANCH_HISTORY);
    MRQ_AUTOFREE float *rows = mrq_array((size_t)s->n * s->d, sizeof *rows);
    if (!rows)
        return no_memory(err);
    multiply((struct product){s->threads, s->n, s->d, s->n, s->b, s->basis, true, rows});
    for (uint32_t i = 0; i < s->n; i++)
        memcpy(parameters(s, plan->embedding, s->related.item[i]), rows + (size_t)i * s->d, s->d * sizeof *rows);
    return MRQ_OK;
}

/* Whether a branch of users has values that all users of the same kind share. */
static bool is_feature(const mrq_branch_plan *plan)
{
    return plan->branch->kind == MRQ_BRANCH_CATEGORY || plan->branch->kind == MRQ_BRANCH_SET;
}

/* Writes the columns of a user's features: 0, which all users have, and the category or the set's members of each branch. Returns
 * how many. */
static uint32_t user_features(const struct solver *s, uint32_t user, uint32_t *feature)
{
    uint32_t n = 0, first = 1;
    feature[n++] = 0;
    for (uint32_t b = 0; b < s->model->user.n; b++) {
        const mrq_branch_plan *plan = &s->model->user.plan[b];
        if (!is_feature(plan))
            continue;
        if (plan->branch->kind == MRQ_BRANCH_CATEGORY)
            feature[n++] = first + plan->value[user];
        else
            for (uint64_t i = plan->list.offset[user]; i < plan->list.offset[user + 1]; i++)
                feature[n++] = first + plan->list.item[i];
        first += plan->n_values;
    }
    return n;
}

/* The vectors of categories and of members of sets, for users without likes. */
static mrq_status learn_categories(struct solver *s, mrq_error *err)
{
    const mrq_tower *tower = &s->model->user;
    const mrq_links *likes = &s->model->likes;
    uint32_t v = 1;
    for (uint32_t b = 0; b < tower->n; b++)
        v += is_feature(&tower->plan[b]) ? tower->plan[b].n_values : 0;
    if (v > MRQ_MATRIX_MAX)
        return mrq_fail(err, MRQ_FAILED, "the users' categories and sets have %u values, want at most %d", v - 1,
                        MRQ_MATRIX_MAX - 1);
    const uint32_t d = s->d < LEADING ? s->d : LEADING;
    MRQ_AUTOFREE float *normal = mrq_array((size_t)v * v, sizeof *normal), *right = mrq_array((size_t)d * v, sizeof *right),
                       *sum = mrq_array(d, sizeof *sum);
    MRQ_AUTOFREE uint32_t *feature = mrq_array(v, sizeof *feature);
    if (!normal || !right || !sum || !feature)
        return no_memory(err);
    for (uint32_t u = 0; u < s->users; u++) {
        if (likes->list.offset[u] == likes->list.offset[u + 1])
            continue;
        memset(sum, 0, d * sizeof *sum);
        for (uint64_t i = likes->list.offset[u]; i < likes->list.offset[u + 1]; i++)
            if (s->related.place[likes->list.item[i]] != MRQ_NONE)
                mrq_kernels_best()->add(sum, s->vector + (size_t)s->related.place[likes->list.item[i]] * s->d, d);
        const uint32_t n = user_features(s, u, feature);
        for (uint32_t i = 0; i < n; i++) {
            for (uint32_t j = 0; j < n; j++)
                normal[(size_t)feature[i] * v + feature[j]] += 1;
            for (size_t k = 0; k < d; k++)
                right[k * v + feature[i]] += sum[k];
        }
    }
    for (size_t i = 0; i < v; i++)
        normal[i * v + i] += i ? CATEGORY_RIDGE : 1e-3f;
    MRQ_TRY(mrq_solve(normal, v, right, d, err));
    for (size_t k = 0; k < d; k++)
        parameters(s, tower->bias, 0)[k] = PRIOR * right[k * v];
    uint32_t first = 1;
    for (uint32_t b = 0; b < tower->n; b++) {
        const mrq_branch_plan *plan = &tower->plan[b];
        if (!is_feature(plan))
            continue;
        for (uint32_t i = 0; i < plan->n_values; i++)
            for (size_t k = 0; k < d; k++)
                parameters(s, plan->embedding, i)[k] = PRIOR * right[k * v + first + i];
        first += plan->n_values;
    }
    return MRQ_OK;
}

/* The next set among the items' branches, or NULL. */
static const mrq_branch_plan *next_set(const struct solver *s, uint32_t *b)
{
    const mrq_tower *tower = &s->model->item;
    while (*b < tower->n && tower->plan[*b].branch->kind != MRQ_BRANCH_SET)
        ++*b;
    return *b < tower->n ? &tower->plan[(*b)++] : NULL;
}

/* Features of items: one that all items have, then the members of all sets. A block (features, d) has their rows in this order. */
static uint32_t count_features(const struct solver *s)
{
    uint32_t n = 1, b = 0;
    for (const mrq_branch_plan *plan; (plan = next_set(s, &b));)
        n += plan->n_values;
    return n;
}

/* Adds the block's rows of an item's features to `vector`, or `vector` to each of these rows. */
static void pass_features(const struct solver *s, uint32_t item, float *block, float *vector, bool into_block)
{
    const size_t d = s->d;
    const mrq_kernels *kernels = mrq_kernels_best();
    kernels->add(into_block ? block : vector, into_block ? vector : block, d);
    float *rows = block + d;
    uint32_t b = 0;
    for (const mrq_branch_plan *plan; (plan = next_set(s, &b)); rows += plan->n_values * d)
        for (uint64_t j = plan->list.offset[item]; j < plan->list.offset[item + 1]; j++) {
            float *row = rows + plan->list.item[j] * d;
            kernels->add(into_block ? row : vector, into_block ? vector : row, d);
        }
}

/* to = (Fᵀ F + ridge) from; F is (n, features). */
static void apply_features(const struct solver *s, float *from, size_t size, float *vector, float *to)
{
    for (size_t i = 0; i < size; i++)
        to[i] = FEATURE_RIDGE * from[i];
    for (uint32_t i = 0; i < s->n; i++) {
        memset(vector, 0, s->d * sizeof *vector);
        pass_features(s, s->related.item[i], from, vector, false);
        pass_features(s, s->related.item[i], to, vector, true);
    }
}

/* For each of the d columns, the inner product of the two blocks' columns. */
static void column_products(const float *a, const float *b, size_t rows, size_t d, double *out)
{
    memset(out, 0, d * sizeof *out);
    for (size_t i = 0; i < rows; i++)
        for (size_t k = 0; k < d; k++)
            out[k] += (double)(a[i * d + k] * b[i * d + k]);
}

/* Solves (Fᵀ F + ridge) x = Fᵀ E for all d columns at once. */
static mrq_status regress_features(struct solver *s, uint32_t rows, float *x, mrq_error *err)
{
    enum { STEPS = 30 };
    const size_t d = s->d, size = rows * d;
    MRQ_AUTOFREE float *r = mrq_array(size, sizeof *r), *p = mrq_array(size, sizeof *p), *q = mrq_array(size, sizeof *q),
                       *vector = mrq_array(d, sizeof *vector);
    MRQ_AUTOFREE double *rr = mrq_array(4 * d, sizeof *rr);
    if (!r || !p || !q || !vector || !rr)
        return no_memory(err);
    double *pq = rr + d, *next = pq + d, *step = next + d;
    for (uint32_t i = 0; i < s->n; i++)
        pass_features(s, s->related.item[i], r, s->vector + i * d, true);
    memcpy(p, r, size * sizeof *p);
    column_products(r, r, rows, d, rr);
    for (int i = 0; i < STEPS; i++) {
        apply_features(s, p, size, vector, q);
        column_products(p, q, rows, d, pq);
        for (size_t k = 0; k < d; k++)
            step[k] = pq[k] > 0 ? rr[k] / pq[k] : 0;
        for (size_t j = 0; j < size; j += d)
            for (size_t k = 0; k < d; k++) {
                x[j + k] += (float)step[k] * p[j + k];
                r[j + k] -= (float)step[k] * q[j + k];
            }
        column_products(r, r, rows, d, next);
        for (size_t k = 0; k < d; k++) {
            step[k] = rr[k] > 0 ? next[k] / rr[k] : 0;
            rr[k] = next[k];
        }
        for (size_t j = 0; j < size; j += d)
            for (size_t k = 0; k < d; k++)
                p[j + k] = r[j + k] + (float)step[k] * p[j + k];
    }
    return MRQ_OK;
}

/* The item tower: the features' rows, and in the id's row the difference between the likes' vector and the features'. */
static mrq_status place_items(struct solver *s, mrq_error *err)
{
    const mrq_tower *tower = &s->model->item;
    const size_t d = s->d;
    const uint32_t rows = count_features(s);
    MRQ_AUTOFREE float *block = mrq_array(rows * d, sizeof *block), *vector = mrq_array(d, sizeof *vector);
    if (!block || !vector)
        return no_memory(err);
    MRQ_TRY(regress_features(s, rows, block, err));
    memcpy(parameters(s, tower->bias, 0), block, d * sizeof *block);
    const float *from = block + d;
    uint32_t b = 0;
    for (const mrq_branch_plan *plan; (plan = next_set(s, &b)); from += plan->n_values * d)
        memcpy(parameters(s, plan->embedding, 0), from, plan->n_values * d * sizeof *from);
    const uint32_t id = find_branch(tower, MRQ_BRANCH_ID)->embedding;
    for (uint32_t i = 0; i < s->n; i++) {
        memset(vector, 0, d * sizeof *vector);
        pass_features(s, s->related.item[i], block, vector, false);
        float *row = parameters(s, id, s->model->item_row[s->related.item[i]]);
        const float share = s->related.likes[i] / (s->related.likes[i] + FEW);
        for (size_t k = 0; k < d; k++)
            row[k] = share * (s->vector[i * d + k] - vector[k]);
    }
    return MRQ_OK;
}

mrq_status mrq_retrieval_solve(mrq_model *model, uint32_t threads, uint64_t seed, mrq_stage *stage, void *context, mrq_error *err)
{
    static const struct {
        const char *doing;
        mrq_status (*solve)(struct solver *s, mrq_error *err);
    } stages[] = {{"choosing items", choose_items},     {"relating items", relate},          {"finding directions", find_basis},
                  {"making the history", make_history}, {"placing users", learn_categories}, {"placing items", place_items}};
    enum { STAGES = sizeof stages / sizeof *stages };
    MRQ_CLEANUP(mrq_arena_free) mrq_arena *arena = mrq_arena_new();
    if (!arena)
        return no_memory(err);
    struct solver s = {.model = model,
                       .arena = arena,
                       .threads = threads,
                       .seed = seed,
                       .users = model->users->rows,
                       .items = model->items->rows,
                       .d = model->description.dim};
    MRQ_TRY(mrq_blas_reserve(2 * threads - 1, err)); /* our threads, and BLAS's threads that wait meanwhile */
    memset(model->param, 0, model->tensors.size * sizeof *model->param);
    mrq_status status = MRQ_OK;
    for (uint32_t i = 0; i < STAGES && status == MRQ_OK; i++) {
        if (stage && stage(context, stages[i].doing, i, STAGES))
            return mrq_fail(err, MRQ_FAILED, "stopped while %s: a ranking has no checkpoint to resume from, start again",
                            stages[i].doing);
        status = stages[i].solve(&s, err);
    }
    return status;
}
