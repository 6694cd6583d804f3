/* Users are ranked in blocks whose scores fit in the CPU cache: a block is one matrix product, and each of its rows is then read
 * once. The best k are a sorted list; an item enters when it beats the last. After the first few hundred items hardly any does, so
 * a row costs little more than its comparisons. Items come in ascending order and enter behind those with an equal score, so ties
 * are ordered by row.
 *
 * The size of a block depends on the number of items alone, so the result depends neither on threads nor on timing. */
#include "train/ranking.h"

#include <math.h>
#include <pthread.h>
#include <string.h>

#include "base/finite.h"
#include "base/parallel.h"
#include "model/gemm.h"

enum { BLOCK_SCORES = 1 << 18, BLOCK_MIN = 8, BLOCK_MAX = 64 };

struct ranking {
    const mrq_rank_task *task;
    mrq_scorer *scorer;
    const void *context;
    uint32_t block; /* users */
    uint32_t *top;
    pthread_mutex_t lock; /* guards status and err */
    mrq_status status;
    mrq_error err;
};

void mrq_take_best(const float *score, uint32_t items, uint32_t k, float *best, uint32_t *top)
{
    uint32_t n = 0;
    float least = -INFINITY; /* the score that an item must beat */
    for (uint32_t m = 0; m < items; m++) {
        if (score[m] <= least)
            continue;
        uint32_t at = n < k ? n++ : k - 1;
        for (; at > 0 && best[at - 1] < score[m]; at--) {
            best[at] = best[at - 1];
            top[at] = top[at - 1];
        }
        best[at] = score[m];
        top[at] = m;
        if (n == k)
            least = best[k - 1];
    }
    for (; n < k; n++)
        top[n] = MRQ_NONE;
}

static void hide(const mrq_rank_task *task, uint32_t user, float *score)
{
    const uint64_t *of = task->hidden.offset ? task->hidden.offset + user : NULL;
    for (uint64_t i = of ? of[0] : 0; of && i < of[1]; i++)
        score[task->hidden.item[i]] = -INFINITY;
    for (uint32_t m = 0; task->candidate && m < task->items; m++)
        if (!task->candidate[m])
            score[m] = -INFINITY;
}

static mrq_status rank_users(const struct ranking *r, uint32_t first, uint32_t n, mrq_error *err)
{
    const mrq_rank_task *task = r->task;
    const size_t items = task->items;
    MRQ_AUTOFREE float *score = mrq_array(n * items, sizeof *score), *best = mrq_array(task->k, sizeof *best);
    if (!score || !best)
        return mrq_fail_memory(err, "ranking items");
    MRQ_TRY(r->scorer(r->context, task->user + first, n, score, err));
    if (!mrq_all_finite(score, n * items))
        return mrq_fail(err, MRQ_FAILED, "a score is not a finite number");
    for (uint32_t i = 0; i < n; i++) {
        hide(task, task->user[first + i], score + i * items);
        if (task->look)
            MRQ_TRY(task->look(task->look_context, first + i, score + i * items, err));
        mrq_take_best(score + i * items, task->items, task->k, best, r->top + (size_t)(first + i) * task->k);
    }
    return MRQ_OK;
}

static void rank_block(void *context, uint64_t block)
{
    struct ranking *r = context;
    const uint32_t first = (uint32_t)block * r->block, left = r->task->n_users - first;
    mrq_error err = {0};
    const mrq_status status = rank_users(r, first, left < r->block ? left : r->block, &err);
    if (status == MRQ_OK)
        return;
    pthread_mutex_lock(&r->lock);
    r->status = status;
    r->err = err;
    pthread_mutex_unlock(&r->lock);
}

mrq_status mrq_rank(const mrq_rank_task *task, mrq_scorer *scorer, const void *context, uint32_t *top, mrq_error *err)
{
    const uint32_t fits = task->items ? BLOCK_SCORES / task->items : BLOCK_MAX;
    struct ranking r = {.task = task,
                        .scorer = scorer,
                        .context = context,
                        .block = fits < BLOCK_MIN   ? BLOCK_MIN
                                 : fits > BLOCK_MAX ? BLOCK_MAX
                                                    : fits,
                        .top = top,
                        .lock = PTHREAD_MUTEX_INITIALIZER};
    MRQ_TRY(mrq_blas_reserve(2 * task->threads - 1, err)); /* our threads, and BLAS's threads that wait meanwhile */
    mrq_parallel(task->threads, ((uint64_t)task->n_users + r.block - 1) / r.block, rank_block, &r);
    return r.status == MRQ_OK ? MRQ_OK : mrq_fail(err, r.status, "%s", r.err.msg);
}

mrq_rank_measures mrq_rank_measure(const uint32_t *top, uint32_t k, const uint32_t *relevant, uint64_t n)
{
    const uint64_t bounds[] = {0, n};
    const mrq_lists wanted = {bounds, relevant};
    double gain = 0, most = 0, first = 0;
    uint32_t found = 0;
    for (uint32_t i = 0; i < k; i++) {
        const double worth = 1 / log2(2.0 + i);
        most += i < n ? worth : 0;
        if (top[i] == MRQ_NONE || mrq_lists_find(&wanted, 0, top[i]) == UINT64_MAX)
            continue;
        gain += worth;
        first = found++ ? first : 1.0 / (1.0 + i);
    }
    return (mrq_rank_measures){
        .recall = found / (double)n, .ndcg = gain / most, .mrr = first, .hit = found > 0, .precision = (double)found / k};
}

void mrq_add_neighbours(const mrq_links *neighbours, uint64_t n, const uint32_t *item, const float *strength, float factor,
                        float *score)
{
    for (uint64_t i = 0; i < n; i++) {
        const uint64_t *of = neighbours->list.offset + item[i];
        const float times = strength ? factor * strength[i] : factor;
        for (uint64_t j = of[0]; j < of[1]; j++)
            score[neighbours->list.item[j]] += times * neighbours->strength[j];
    }
}

mrq_status mrq_score_items(const void *context, const uint32_t *user, uint32_t n, float *out, mrq_error *err)
{
    const mrq_model_scorer *s = context;
    const mrq_description *d = &s->model->description;
    const uint32_t width = s->model->user.width, items = s->model->items->rows;
    MRQ_AUTOFREE float *vector = mrq_array((size_t)n * width, sizeof *vector);
    if (!vector)
        return mrq_fail_memory(err, "ranking items");
    for (uint32_t i = 0; i < n; i++) {
        memcpy(vector + (size_t)i * width, s->vectors->users + (size_t)user[i] * width, width * sizeof *vector);
        if (d->bias) /* the item vector holds its bias at that place */
            vector[(size_t)i * width + d->dim] = 1;
    }
    mrq_gemm_bt(n, items, width, vector, width, s->vectors->items, width, out, items);
    const mrq_links *likes = &s->model->likes;
    for (uint32_t i = 0; i < n && s->model->neighbours.strength; i++) {
        const uint64_t first = likes->list.offset[user[i]], end = likes->list.offset[user[i] + 1];
        mrq_add_neighbours(&s->model->neighbours, end - first, likes->list.item + first, likes->strength + first, 1,
                           out + (size_t)i * items);
    }
    return MRQ_OK;
}
