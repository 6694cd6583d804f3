/* A user's scores are the sum of the parts in components.h: neighbours, which the model keeps as sparse rows, and two inner
 * products of vectors, which it keeps side by side as one: E and V are the items' vectors, and rows of the history table are what a
 * liked item adds to a user.
 *
 * - Users without likes: ridge regression of x E on the categories and the members of sets, only in the leading
 *   directions, which also removes noise. This vector times PRIOR is the start that a user's likes are added to.
 * - Items: ridge regression of the items' vectors on the members of sets (genres, words of the title) by conjugate gradients. An
 *   item's vector is a mean of that and its own, weighted by its number of likes; without likes it is the regression alone.
 *
 * Rejected after trials in a prototype: a softmax over the catalogue by gradients, from E (it overfits within a pass); dropout in
 * closed form (EDLAE); categories as columns of x; the items' features as more rows of X (gains 0.001). */
#include "train/retrieval.h"

#include <math.h>
#include <string.h>

#include "base/parallel.h"
#include "model/gemm.h"
#include "model/lapack.h"
#include "train/components.h"

#define NEIGHBOURS     200
#define NEIGHBOURS_MIN 20
#define ENTRIES        12000.0 /* on ml-1m, where this leaves 60 of 200, NDCG@100 falls by 0.3 % */
#define PRIOR          0.03f
#define LEADING        64
#define CATEGORY_RIDGE 30.0f
#define FEATURE_RIDGE  30.0f
#define FEW            2.0f /* an item with this many likes weighs them and its features equally */

struct solver {
    mrq_model *model;
    mrq_arena *arena;
    uint32_t threads;
    uint64_t seed;
    uint32_t users, items, d;
    mrq_mix mix;
    mrq_components parts;
    uint32_t n;      /* items with a like, in the order of parts.gram */
    uint32_t *place; /* (items) in this order, or MRQ_NONE */
    float *vector;   /* (n, d) */
};

static mrq_status no_memory(mrq_error *err)
{
    return mrq_fail_memory(err, "solving for a ranking");
}

static mrq_components_task parts_task(const struct solver *s)
{
    return (mrq_components_task){.likes = &s->model->likes,
                                 .age = s->mix.recent ? s->model->like_age : NULL,
                                 .users = s->users,
                                 .items = s->items,
                                 .k = NEIGHBOURS,
                                 .threads = s->threads,
                                 .ridge = s->model->description.train.l2,
                                 .seed = s->seed};
}

static mrq_status count_items(const struct solver *s, mrq_error *err)
{
    const mrq_links *likes = &s->model->likes;
    uint32_t n = 0; /* different ones, up to 2 */
    for (uint64_t i = 0; i < likes->list.offset[s->users] && n < 2; i++)
        n += i == 0 || likes->list.item[i] != likes->list.item[0];
    if (n < 2)
        return mrq_fail(
            err, MRQ_USAGE,
            "%u %s %s liked, want 2 or more: an event is a like from the value on that \"like\" in the schema says, else from the "
            "middle of the range; change \"like\", or try --model fusion, which predicts values",
            n, mrq_table_noun(s->model->items, n), n == 1 ? "is" : "are");
    return MRQ_OK;
}

static mrq_status weigh(struct solver *s, mrq_error *err)
{
    MRQ_TRY(count_items(s, err));
    mrq_components_task task = parts_task(s);
    task.age = s->model->like_age;
    const mrq_training *train = &s->model->description.train;
    return mrq_mix_choose(&task, train->parts, task.age ? train->recency : MRQ_RECENCY_OFF, s->d, &s->mix, err);
}

static mrq_status relate(struct solver *s, mrq_error *err)
{
    const mrq_components_task task = parts_task(s);
    MRQ_TRY(mrq_components_fit(&task, s->mix.dense, s->mix.n_scores, s->mix.n_likes, s->arena, &s->parts, err));
    s->n = s->parts.gram.n;
    s->place = mrq_arena_array(s->arena, s->items, sizeof *s->place);
    s->vector = mrq_arena_array(s->arena, (size_t)s->n * s->d, sizeof *s->vector);
    if (!s->place || !s->vector)
        return no_memory(err);
    for (uint32_t m = 0; m < s->items; m++)
        s->place[m] = MRQ_NONE;
    for (uint32_t i = 0; i < s->n; i++)
        s->place[s->parts.gram.item[i]] = i;
    for (size_t i = 0; i < s->n; i++) {
        memcpy(s->vector + i * s->d, s->parts.score_item + i * s->mix.n_scores, s->mix.n_scores * sizeof(float));
        if (s->mix.n_likes)
            memcpy(s->vector + i * s->d + s->mix.n_scores, s->parts.like_item + i * s->mix.n_likes, s->mix.n_likes * sizeof(float));
    }
    return MRQ_OK;
}

/* The neighbours that each item keeps, so that an answer sums up no more than ENTRIES of them for the average user. */
static uint32_t how_many(const struct solver *s)
{
    const mrq_links *rows = &s->parts.near.rows;
    const uint64_t *likes = s->parts.gram.by_item.list.offset;
    double entries = 0;
    for (uint32_t i = 0; i < s->n; i++)
        entries += (double)(likes[i + 1] - likes[i]) * (double)(rows->list.offset[i + 1] - rows->list.offset[i]);
    const double share = entries > 0 ? ENTRIES * s->users / entries : 1;
    return share < 1 ? (uint32_t)fmax(NEIGHBOURS_MIN, NEIGHBOURS * share) : NEIGHBOURS;
}

/* The model's neighbours, in rows of items. */
static mrq_status keep_neighbours(struct solver *s, mrq_error *err)
{
    mrq_links shortened;
    const mrq_links *columns = &shortened;
    MRQ_TRY(mrq_neighbours_shorten(&s->parts.gram, &s->parts.near.columns, how_many(s), s->arena, &shortened, err));
    const uint64_t n = columns->list.offset[s->n];
    uint64_t *offset = mrq_arena_array(s->arena, (size_t)s->items + 1, sizeof *offset);
    uint32_t *item = mrq_arena_array(s->arena, n, sizeof *item);
    float *weight = mrq_arena_array(s->arena, n, sizeof *weight);
    if (!offset || !item || !weight)
        return no_memory(err);
    for (uint32_t m = 0; m < s->items; m++) {
        offset[m + 1] = offset[m];
        if (s->place[m] == MRQ_NONE)
            continue;
        const uint64_t *of = columns->list.offset + s->place[m];
        for (uint64_t i = of[0]; i < of[1]; i++, offset[m + 1]++) {
            item[offset[m + 1]] = s->parts.gram.item[columns->list.item[i]];
            weight[offset[m + 1]] = columns->strength[i];
        }
    }
    if (mrq_links_transpose(&(mrq_links){{offset, item}, weight}, s->items, s->items, s->model->arena, &s->model->neighbours))
        return no_memory(err);
    s->model->results.neighbours = n;
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

/* Makes recency a part of the strength of each like. */
static void weigh_likes(struct solver *s)
{
    mrq_model *model = s->model;
    model->results.recency = s->mix.recent;
    if (!s->mix.recent) {
        model->like_age = NULL;
        return;
    }
    const uint64_t n = model->likes.list.offset[s->users];
    float *strength = (float *)(uintptr_t)model->likes.strength; /* in place, because the history's plan points there too */
    for (uint64_t i = 0; i < n; i++)
        strength[i] *= (float)mrq_recency(model->like_age[i]);
}

/* The history table: the vector that a liked item adds to a user. */
static mrq_status make_history(struct solver *s, mrq_error *err)
{
    weigh_likes(s);
    const mrq_branch_plan *plan = find_branch(&s->model->user, MRQ_BRANCH_HISTORY);
    const mrq_mix *mix = &s->mix;
    for (uint32_t i = 0; i < s->n; i++) {
        float *row = parameters(s, plan->embedding, s->parts.gram.item[i]);
        for (size_t k = 0; k < mix->n_scores; k++)
            row[k] = mix->scores * s->parts.score_history[i * mix->n_scores + k];
        for (size_t k = 0; k < mix->n_likes; k++)
            row[mix->n_scores + k] = mix->likes * s->parts.like_history[i * mix->n_likes + k];
    }
    mrq_model_results *r = &s->model->results;
    r->score_directions = mix->n_scores < s->n ? mix->n_scores : s->n; /* any others are zero */
    r->like_directions = mix->n_likes < s->n ? mix->n_likes : s->n;
    r->score_weight = (double)mix->scores;
    r->like_weight = (double)mix->likes;
    r->parts_ndcg = mix->ndcg;
    r->parts_tested = mix->tested;
    return mix->neighbours ? keep_neighbours(s, err) : MRQ_OK;
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
    const uint32_t d = s->mix.n_scores < LEADING ? s->mix.n_scores : LEADING;
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
            if (s->place[likes->list.item[i]] != MRQ_NONE)
                mrq_kernels_best()->add_scaled(sum, s->mix.recent ? likes->strength[i] : 1,
                                               s->vector + (size_t)s->place[likes->list.item[i]] * s->d, d);
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
        pass_features(s, s->parts.gram.item[i], from, vector, false);
        pass_features(s, s->parts.gram.item[i], to, vector, true);
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
        pass_features(s, s->parts.gram.item[i], r, s->vector + i * d, true);
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
        pass_features(s, s->parts.gram.item[i], block, vector, false);
        float *row = parameters(s, id, s->model->item_row[s->parts.gram.item[i]]);
        const uint64_t *offset = s->parts.gram.by_item.list.offset + i;
        const float likes = (float)(offset[1] - offset[0]), share = likes / (likes + FEW);
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
    } stages[] = {{"weighing the parts", weigh},
                  {"relating items", relate},
                  {"making the history", make_history},
                  {"placing users", learn_categories},
                  {"placing items", place_items}};
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
    for (uint32_t i = 0; i < STAGES; i++) {
        const bool stop = stage && stage(context, stages[i].doing, i, STAGES);
        const mrq_status status = stop ? MRQ_FAILED : stages[i].solve(&s, err);
        if (stop || mrq_parallel_stopped()) /* what has been left out may have made the stage fail */
            return mrq_fail(err, MRQ_FAILED, "stopped while %s: a ranking has no checkpoint to resume from, start again",
                            stages[i].doing);
        MRQ_TRY(status);
    }
    return MRQ_OK;
}
