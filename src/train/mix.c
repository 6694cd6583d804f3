/* The choice of a mix. A sample of users loses a fifth of its likes, or, where the order may count, the newest one; parts
 * are fitted to all other likes, with fewer neighbours; and each mix ranks the catalogue for the sample. NDCG@100 decides: a list
 * that long is less noisy than the first ten, and prefers mixes that also find what is rare in the training part. First the numbers
 * of directions are chosen, then the weights. */
#include <math.h>
#include <string.h>

#include "base/finite.h"
#include "base/memory.h"
#include "base/parallel.h"
#include "base/random.h"
#include "model/gemm.h"
#include "model/kernels.h"
#include "train/components.h"
#include "train/itemitem.h"
#include "train/ranking.h"

#define NEIGHBOURS 100
#define HELD       0.2
#define GAIN       0.99 /* vectors alone are searched several times as fast, so neighbours must raise the NDCG by a hundredth */
#define FEWEST     5    /* likes of a user who loses some */
#define SCORES_MAX 100000000 /* of one mix for all tested users */
enum { USERS_MIN = 20, USERS_LEAST = 500, USERS_MOST = 2000, DEPTH = 100, MIXES_MAX = 32, BLOCK_SCORES = 1 << 20 };

/* Likes without those held out, and the lists of those. */
struct held {
    mrq_links kept;
    const uint32_t *age;  /* of the kept ones, as if those held out had not been; NULL: the order does not count */
    mrq_lists out;        /* (users) ascending */
    const uint32_t *user; /* (n) users who lost some */
    uint32_t n;
};

/* Takes `need` of the next `left` things, each with the same chance. */
static bool take(mrq_random *random, uint64_t *need, uint64_t *left)
{
    const bool taken = mrq_random_unit(random) * (double)(*left)-- < (double)*need;
    *need -= taken;
    return taken;
}

/* `newest`: each user who loses some loses the newest. */
static mrq_status hold_out(const mrq_components_task *task, bool newest, mrq_arena *arena, struct held *out, mrq_error *err)
{
    const uint64_t *offset = task->likes->list.offset, n = offset[task->users];
    uint64_t *kept = mrq_arena_array(arena, (size_t)task->users + 1, sizeof *kept), left = 0;
    uint64_t *held = mrq_arena_array(arena, (size_t)task->users + 1, sizeof *held);
    uint32_t *kept_item = mrq_arena_array(arena, n, sizeof *kept_item), *held_item = mrq_arena_array(arena, n, sizeof *held_item);
    float *strength = mrq_arena_array(arena, n, sizeof *strength);
    uint32_t *age = newest ? mrq_arena_array(arena, n, sizeof *age) : NULL;
    for (uint32_t u = 0; u < task->users; u++)
        left += offset[u + 1] - offset[u] >= FEWEST;
    uint64_t need = task->items ? SCORES_MAX / task->items : 0;
    need = need < USERS_LEAST ? USERS_LEAST : need > USERS_MOST ? USERS_MOST : need;
    need = need < left ? need : left;
    uint32_t *user = mrq_arena_array(arena, need, sizeof *user);
    if (!kept || !held || !kept_item || !held_item || !strength || !user || (newest && !age))
        return mrq_fail_memory(err, "holding likes out");
    mrq_random random;
    mrq_random_init(&random, task->seed, 0x500000000u);
    for (uint32_t u = 0; u < task->users; u++) {
        uint64_t likes = offset[u + 1] - offset[u], lost = 0;
        if (likes >= FEWEST && take(&random, &need, &left)) {
            lost = newest ? 1 : (uint64_t)llround(HELD * (double)likes);
            user[out->n++] = u;
        }
        const uint64_t first = newest ? lost : 0; /* the age of the newest that is kept */
        kept[u + 1] = kept[u];
        held[u + 1] = held[u];
        for (uint64_t i = offset[u]; i < offset[u + 1]; i++)
            if (newest ? task->age[i] < first : take(&random, &lost, &likes)) {
                held_item[held[u + 1]++] = task->likes->list.item[i];
            } else {
                if (age)
                    age[kept[u + 1]] = task->age[i] - (uint32_t)first;
                strength[kept[u + 1]] = task->likes->strength[i];
                kept_item[kept[u + 1]++] = task->likes->list.item[i];
            }
    }
    out->age = age;
    out->kept = (mrq_links){{kept, kept_item}, strength};
    out->out = (mrq_lists){held, held_item};
    out->user = user;
    return MRQ_OK;
}

/* Ranks the catalogue for some users with each mix. */
struct trial {
    const mrq_components *parts;
    const struct held *held;
    const mrq_mix *mix;
    uint32_t n_mixes, block; /* `block`: users */
    double *ndcg;            /* (users, mixes); a NaN stays where memory was short */
};

/* The scores (users, places) of the first `d` directions of a kind, for users from `first` on. */
static void score(const struct trial *t, uint32_t first, uint32_t users, uint32_t d, uint32_t width, const float *history,
                  const float *item, float *vector, float *out)
{
    const mrq_links *likes = &t->parts->gram.by_user;
    memset(vector, 0, (size_t)users * width * sizeof *vector);
    for (uint32_t i = 0; i < users; i++) {
        const uint32_t user = t->held->user[first + i];
        for (uint64_t j = likes->list.offset[user]; j < likes->list.offset[user + 1]; j++)
            mrq_kernels_best()->add_scaled(vector + (size_t)i * width, t->parts->gram.age ? likes->strength[j] : 1,
                                           history + (size_t)likes->list.item[j] * width, d);
    }
    mrq_gemm_bt(users, t->parts->gram.n, d, vector, width, item, width, out, t->parts->gram.n);
}

static double measure(const struct trial *t, uint32_t user, float *sum)
{
    const mrq_links *likes = &t->parts->gram.by_user;
    const mrq_lists *held = &t->held->out;
    float best[DEPTH];
    uint32_t top[DEPTH];
    for (uint64_t j = likes->list.offset[user]; j < likes->list.offset[user + 1]; j++)
        sum[likes->list.item[j]] = -INFINITY;
    mrq_take_best(sum, t->parts->gram.n, DEPTH, best, top);
    for (uint32_t k = 0; k < DEPTH; k++)
        top[k] = top[k] == MRQ_NONE ? MRQ_NONE : t->parts->gram.item[top[k]];
    return mrq_rank_measure(top, DEPTH, held->item + held->offset[user], held->offset[user + 1] - held->offset[user]).ndcg;
}

/* (block, places) each; `sum` is one user's, with the mix's weights. */
struct scratch {
    float *vector, *near, *scores, *likes, *sum;
};

static void try_mixes(const struct trial *t, uint32_t first, uint32_t users, const struct scratch *s)
{
    const mrq_components *p = t->parts;
    const size_t n = p->gram.n;
    for (uint32_t i = 0; i < users && p->near.rows.strength; i++) {
        const uint64_t *of = p->gram.by_user.list.offset + t->held->user[first + i];
        mrq_add_neighbours(&p->near.rows, of[1] - of[0], p->gram.by_user.list.item + of[0],
                           p->gram.age ? p->gram.by_user.strength + of[0] : NULL, 1, s->near + i * n);
    }
    for (uint32_t m = 0; m < t->n_mixes; m++) {
        const mrq_mix *mix = &t->mix[m], *before = m ? mix - 1 : &(mrq_mix){0};
        if (mix->n_scores != before->n_scores)
            score(t, first, users, mix->n_scores, p->n_scores, p->score_history, p->score_item, s->vector, s->scores);
        if (mix->n_likes != before->n_likes)
            score(t, first, users, mix->n_likes, p->n_likes, p->like_history, p->like_item, s->vector, s->likes);
        for (uint32_t i = 0; i < users; i++) {
            const float *near = s->near + i * n, *scores = s->scores + i * n, *likes = s->likes + i * n;
            for (size_t j = 0; j < n; j++)
                s->sum[j] = (mix->neighbours ? near[j] : 0) + mix->scores * scores[j] + mix->likes * likes[j];
            t->ndcg[(size_t)(first + i) * t->n_mixes + m] = measure(t, t->held->user[first + i], s->sum);
        }
    }
}

static void try_block(void *context, uint64_t block)
{
    const struct trial *t = context;
    const uint32_t first = (uint32_t)block * t->block, left = t->held->n - first, users = left < t->block ? left : t->block;
    const size_t n = t->parts->gram.n, width = t->parts->n_scores > t->parts->n_likes ? t->parts->n_scores : t->parts->n_likes;
    MRQ_AUTOFREE float *vector = mrq_array(users * width, sizeof *vector), *near = mrq_array(users * n, sizeof *near),
                       *scores = mrq_array(users * n, sizeof *scores), *likes = mrq_array(users * n, sizeof *likes),
                       *sum = mrq_array(n, sizeof *sum);
    for (size_t i = 0; i < (size_t)users * t->n_mixes; i++)
        t->ndcg[(size_t)first * t->n_mixes + i] = NAN;
    if (vector && near && scores && likes && sum)
        try_mixes(t, first, users, &(struct scratch){vector, near, scores, likes, sum});
}

/* Measures the mixes; `*best` is the best of them, if it is better than `*best` was. */
static mrq_status try_all(const mrq_components_task *task, const mrq_components *parts, const struct held *held, mrq_mix *mix,
                          uint32_t n_mixes, mrq_mix *best, mrq_error *err)
{
    const uint32_t fits = parts->gram.n ? BLOCK_SCORES / parts->gram.n : 1;
    struct trial t = {.parts = parts, .held = held, .mix = mix, .n_mixes = n_mixes, .block = fits < 4 ? 4 : fits > 64 ? 64 : fits};
    MRQ_AUTOFREE double *ndcg = t.ndcg = mrq_array((size_t)held->n * n_mixes, sizeof *ndcg);
    if (!ndcg)
        return mrq_fail_memory(err, "weighing the parts");
    MRQ_TRY(mrq_blas_reserve(task->threads, err));
    mrq_parallel(task->threads, (held->n + t.block - 1) / t.block, try_block, &t);
    for (uint32_t m = 0; m < n_mixes; m++) {
        mix[m].ndcg = 0;
        for (size_t i = 0; i < held->n; i++)
            mix[m].ndcg += ndcg[i * n_mixes + m];
        mix[m].ndcg /= held->n; /* of the sum, so that a mean of ones is not above one */
        if (isnan(mix[m].ndcg))
            return mrq_fail_memory(err, "weighing the parts");
        *best = mix[m].ndcg > best->ndcg ? mix[m] : *best;
    }
    return MRQ_OK;
}

/* Shares of the directions, of scores and of likes. Sparse directions of scores take as long as all the rest, and with neighbours
 * many of them gained nothing. The first are the most of each kind. Neighbours that are what the directions leave need the number
 * that they were made for. */
#define SHARES 3
enum way { ALONE, SPARSE, LEFT, WAYS };
static const double shares[WAYS][SHARES][2] = {[ALONE] = {{1, 0}, {0.5, 0.5}, {0.25, 0.25}},
                                               [SPARSE] = {{0.25, 0.75}, {0.25, 0.25}, {0.125, 0.125}},
                                               [LEFT] = {{0.75, 0.25}, {0.75, 0.125}, {0.75, 0}}};
static const float scores_weights[] = {0, 0.5f, 1, 2, 4}, likes_weights[] = {0, 0.125f, 0.25f, 0.5f, 1};
#define SCORES (sizeof scores_weights / sizeof *scores_weights)
#define LIKES  (sizeof likes_weights / sizeof *likes_weights)
_Static_assert(SHARES <= MIXES_MAX && SCORES * LIKES <= MIXES_MAX, "room for all mixes");

/* What is fitted and measured at once. */
struct plan {
    mrq_parts_kind kind;
    bool recent, dense, neighbours;
};

static enum way way_of(const struct plan *plan)
{
    return plan->dense ? (plan->neighbours ? LEFT : ALONE) : SPARSE;
}

static mrq_mix middling(const struct plan *plan, uint32_t share, uint32_t d)
{
    const double *of = shares[way_of(plan)][share];
    const uint32_t scores = (uint32_t)(of[0] * d), likes = (uint32_t)(of[1] * d);
    return (mrq_mix){.recent = plan->recent,
                     .dense = plan->dense,
                     .neighbours = plan->neighbours,
                     .n_scores = scores ? scores : 1,
                     .n_likes = likes,
                     .scores = 1,
                     .likes = !likes             ? 0
                              : plan->neighbours ? 0.5f
                                                 : 0.25f,
                     .ndcg = NAN};
}

/* The mixes that differ from this one by their weights; returns their number. */
static uint32_t list_weights(const mrq_mix *of, const struct plan *plan, mrq_mix *out)
{
    uint32_t n = 0;
    for (size_t i = 0; i < SCORES; i++)
        for (size_t k = 0; k < LIKES; k++) {
            out[n] = *of;
            out[n].scores = scores_weights[i];
            out[n].likes = likes_weights[k];
            /* without neighbours only the two's ratio counts; neighbours that the directions leave belong to these directions */
            const bool fixed = way_of(plan) != SPARSE || !of->neighbours;
            const bool none = !of->n_likes && out[n].likes > 0;
            const bool forbidden = plan->kind == MRQ_PARTS_NEIGHBOURS && (out[n].scores > 0 || out[n].likes > 0);
            n += !(fixed && out[n].scores != 1) && !none && !forbidden;
        }
    return n;
}

/* The best mix of a plan: first its numbers of directions with middling weights, then its weights. */
static mrq_status choose(const mrq_components_task *task, const struct held *held, const struct plan *plan, uint32_t d,
                         mrq_mix *best, mrq_error *err)
{
    MRQ_CLEANUP(mrq_arena_free) mrq_arena *arena = mrq_arena_new();
    mrq_components_task kept = *task;
    mrq_components parts;
    mrq_mix mix[MIXES_MAX];
    uint32_t n = 0, most_scores = 0, most_likes = 0;
    if (!arena)
        return mrq_fail_memory(err, "weighing the parts");
    kept.likes = &held->kept;
    kept.age = plan->recent ? held->age : NULL;
    kept.k = task->k < NEIGHBOURS ? task->k : NEIGHBOURS;
    for (; n < SHARES; n++) {
        mix[n] = middling(plan, n, d);
        most_scores = mix[n].n_scores > most_scores ? mix[n].n_scores : most_scores;
        most_likes = mix[n].n_likes > most_likes ? mix[n].n_likes : most_likes;
    }
    MRQ_TRY(mrq_components_fit(&kept, plan->dense, most_scores, most_likes, arena, &parts, err));
    *best = (mrq_mix){.ndcg = -1};
    MRQ_TRY(try_all(task, &parts, held, mix, n, best, err));
    best->ndcg = -1; /* its weights are among those that follow, or not allowed */
    const mrq_mix sized = *best;
    n = list_weights(&sized, plan, mix);
    MRQ_TRY(try_all(task, &parts, held, mix, n, best, err));
    best->tested = held->n;
    return MRQ_OK;
}

/* The plans that are left open, those with the order of the likes last; returns their number. */
static uint32_t list_plans(const mrq_components_task *task, mrq_parts_kind kind, mrq_recency_use recency, struct plan *out)
{
    const bool vectors = kind == MRQ_PARTS_VECTORS, small = task->items <= MRQ_RELATED_MAX;
    const bool dense = small && (kind == MRQ_PARTS_CHOSEN || vectors);
    uint32_t n = 0;
    if (recency != MRQ_RECENCY_ON && (!dense || kind == MRQ_PARTS_CHOSEN))
        out[n++] = (struct plan){kind, false, false, !vectors};
    if (recency != MRQ_RECENCY_ON && dense)
        out[n++] = (struct plan){kind, false, true, false};
    if (recency != MRQ_RECENCY_OFF)
        out[n++] = (struct plan){kind, true, small && kind != MRQ_PARTS_NEIGHBOURS, !vectors};
    return n;
}

mrq_status mrq_mix_choose(const mrq_components_task *task, mrq_parts_kind kind, mrq_recency_use recency, uint32_t d, mrq_mix *out,
                          mrq_error *err)
{
    MRQ_CLEANUP(mrq_arena_free) mrq_arena *arena = mrq_arena_new();
    struct plan plan[3];
    struct held held = {0};
    const uint32_t n = list_plans(task, kind, recency, plan), unmeasured = n - 1 - (recency == MRQ_RECENCY_CHOSEN);
    if (!arena)
        return mrq_fail_memory(err, "weighing the parts");
    *out = middling(&plan[unmeasured], 0, d);
    if (kind == MRQ_PARTS_NEIGHBOURS)
        out->scores = out->likes = 0;
    MRQ_TRY(hold_out(task, recency != MRQ_RECENCY_OFF, arena, &held, err));
    if (held.n < USERS_MIN)
        return MRQ_OK;
    for (uint32_t i = 0; i < n; i++) {
        mrq_mix tried = {.ndcg = -1};
        MRQ_TRY(choose(task, &held, &plan[i], d, &tried, err));
        /* of two that are about as good the faster is taken: vectors alone, and no order */
        const double factor = plan[i].recent ? 1 / GAIN : plan[i].neighbours ? 1 : GAIN;
        if (!i || tried.ndcg > factor * out->ndcg)
            *out = tried;
    }
    return MRQ_OK;
}
