/* The branches. A text's convolution is rearranged: the filter at a position is a sum over the window of word times block of the
 * weight. So each distinct word of the batch is multiplied once by all blocks, and each position adds up the products that it
 * needs. The result is that of PaddlePaddle's sequence_conv_pool (zeros beyond the ends, tanh, sum over time), without its matrix
 * of overlapping windows. */
#include "model/branch.h"

#include <math.h>
#include <string.h>

#include "base/random.h"
#include "model/gemm.h"

bool mrq_rating_kept(uint64_t salt, double dropout, uint32_t user, uint32_t item)
{
    return !salt || mrq_random_share(mrq_random_mix(salt ^ ((uint64_t)user << 32 | item))) >= dropout;
}

static uint32_t item_count(const mrq_lists *list, uint32_t row)
{
    return (uint32_t)(list->offset[row + 1] - list->offset[row]);
}

static const uint32_t *items(const mrq_lists *list, uint32_t row)
{
    return list->item + list->offset[row];
}

mrq_status mrq_branch_work_make(const mrq_branch_plan *plan, uint32_t values, size_t tokens, mrq_arena *arena,
                                mrq_branch_work *work, mrq_error *err)
{
    const uint32_t e = plan->branch->embedding;
    *work = (mrq_branch_work){0};
    if (plan->branch->kind == MRQ_BRANCH_SET || plan->branch->kind == MRQ_BRANCH_RATINGS ||
        plan->branch->kind == MRQ_BRANCH_HISTORY)
        return MRQ_OK;
    const bool text = plan->branch->kind == MRQ_BRANCH_TEXT;
    const size_t words = tokens < plan->n_values ? tokens : plan->n_values, rows = text ? words : values;
    bool ok = (work->embedded = mrq_arena_array(arena, rows * e, sizeof *work->embedded)) != NULL;
    ok = ok && (work->back = mrq_arena_array(arena, rows * e, sizeof *work->back));
    if (text) {
        const uint32_t filters = plan->branch->filters;
        ok = ok && (work->word = mrq_arena_array(arena, words, sizeof *work->word));
        ok = ok && (work->word_slot = mrq_arena_array(arena, plan->n_values, sizeof *work->word_slot));
        ok = ok && (work->projected = mrq_arena_array(arena, words * plan->branch->window * filters, sizeof *work->projected));
        ok = ok && (work->position = mrq_arena_array(arena, tokens * filters, sizeof *work->position));
        if (ok)
            memset(work->word_slot, 0xff, plan->n_values * sizeof *work->word_slot);
    }
    return ok ? MRQ_OK : mrq_fail_memory(err, "preparing a tower");
}

static const float *param_of(const mrq_branch_call *call, uint32_t tensor)
{
    return call->param + call->tensors->tensor[tensor].offset;
}

static float *touch(const mrq_branch_call *call, mrq_gradient *gradient, uint32_t row)
{
    return mrq_gradient_touch(gradient, call->tensors, call->plan->embedding, row);
}

static void gather(const mrq_branch_call *call, const uint32_t *row, uint32_t n, float *out, size_t stride)
{
    const uint32_t e = call->plan->branch->embedding;
    const float *embedding = param_of(call, call->plan->embedding);
    for (uint32_t i = 0; i < n; i++)
        memcpy(out + i * stride, embedding + (size_t)row[i] * e, e * sizeof *out);
}

static void scatter(const mrq_branch_call *call, const uint32_t *row, uint32_t n, const float *dx, size_t stride,
                    mrq_gradient *gradient)
{
    for (uint32_t i = 0; i < n; i++)
        call->kernels->add(touch(call, gradient, row[i]), dx + i * stride, call->plan->branch->embedding);
}

/* dbias (width) = Σ rows of dout (n, width). */
static void sum_rows(const mrq_kernels *kernels, const float *dout, size_t stride, uint32_t n, uint32_t width, float *sum)
{
    memset(sum, 0, width * sizeof *sum);
    for (uint32_t i = 0; i < n; i++)
        kernels->add(sum, dout + i * stride, width);
}

/* id, category: an embedding, then a linear layer if there is one. */

static void lookup_forward(const mrq_branch_call *call, const uint32_t *value, uint32_t n, float *out, size_t stride)
{
    const mrq_branch_plan *plan = call->plan;
    const uint32_t e = plan->branch->embedding;
    if (plan->weight == MRQ_NONE) {
        gather(call, value, n, out, stride);
        return;
    }
    gather(call, value, n, call->work->embedded, e);
    const float *bias = param_of(call, plan->bias);
    for (uint32_t i = 0; i < n; i++)
        memcpy(out + i * stride, bias, plan->width * sizeof *out);
    mrq_gemm(n, plan->width, e, call->work->embedded, e, param_of(call, plan->weight), plan->width, 1, out, stride);
}

static void lookup_backward(const mrq_branch_call *call, const uint32_t *value, uint32_t n, const float *dout, size_t stride,
                            mrq_gradient *gradient)
{
    const mrq_branch_plan *plan = call->plan;
    const uint32_t e = plan->branch->embedding;
    if (plan->weight == MRQ_NONE) {
        scatter(call, value, n, dout, stride, gradient);
        return;
    }
    float *dweight = gradient->block + mrq_tensor_at(call->tensors, plan->weight, 0);
    mrq_gemm_at(e, plan->width, n, call->work->embedded, e, dout, stride, dweight, plan->width);
    sum_rows(call->kernels, dout, stride, n, plan->width, gradient->block + mrq_tensor_at(call->tensors, plan->bias, 0));
    mrq_gemm_bt(n, e, plan->width, dout, stride, param_of(call, plan->weight), plan->width, call->work->back, e);
    scatter(call, value, n, call->work->back, e, gradient);
}

/* set: the sum of the members' embeddings. */

static void set_forward(const mrq_branch_call *call, const uint32_t *entity, uint32_t n, float *out, size_t stride)
{
    const mrq_branch_plan *plan = call->plan;
    const float *embedding = param_of(call, plan->embedding);
    for (uint32_t i = 0; i < n; i++) {
        memset(out + i * stride, 0, plan->width * sizeof *out);
        for (uint32_t j = 0; j < item_count(&plan->list, entity[i]); j++)
            call->kernels->add(out + i * stride, embedding + (size_t)items(&plan->list, entity[i])[j] * plan->width, plan->width);
    }
}

static void set_backward(const mrq_branch_call *call, const uint32_t *entity, uint32_t n, const float *dout, size_t stride,
                         mrq_gradient *gradient)
{
    const mrq_branch_plan *plan = call->plan;
    for (uint32_t i = 0; i < n; i++)
        for (uint32_t j = 0; j < item_count(&plan->list, entity[i]); j++)
            call->kernels->add(touch(call, gradient, items(&plan->list, entity[i])[j]), dout + i * stride, plan->width);
}

/* ratings: the users who rated an item: Σ (rating - baseline) V_user + U_user; a user's V and U are side by side in one row. V is
 * from I-AutoRec (Sedhain et al. 2015); U, for having rated it at all, from SVD++ (Koren 2008). The sum is divided by n^¾, between
 * the mean (n) and SVD++ (√n): chosen on ml-1m's validation part, as is STRENGTH. */

#define STRENGTH 6.0f

static bool kept(const mrq_branch_call *call, uint32_t entity, uint64_t item)
{
    return mrq_rating_kept(call->salt, call->plan->branch->dropout, call->plan->list.item[item], entity);
}

static float rating_factor(uint32_t n)
{
    return n ? STRENGTH / sqrtf((float)n * sqrtf((float)n)) : 0;
}

static uint32_t count_kept(const mrq_branch_call *call, uint32_t entity)
{
    uint32_t n = 0;
    for (uint64_t j = call->plan->list.offset[entity]; j < call->plan->list.offset[entity + 1]; j++)
        n += kept(call, entity, j);
    return n;
}

static void ratings_forward(const mrq_branch_call *call, const uint32_t *entity, uint32_t n, float *out, size_t stride)
{
    const mrq_branch_plan *plan = call->plan;
    const float *embedding = param_of(call, plan->embedding);
    const size_t width = plan->width;
    for (uint32_t i = 0; i < n; i++) {
        float *sum = out + i * stride;
        uint32_t raters = 0;
        memset(sum, 0, width * sizeof *sum);
        for (uint64_t j = plan->list.offset[entity[i]]; j < plan->list.offset[entity[i] + 1]; j++) {
            if (!kept(call, entity[i], j))
                continue;
            const float *row = embedding + plan->list.item[j] * 2 * width;
            call->kernels->add_scaled(sum, plan->strength[j], row, width);
            call->kernels->add(sum, row + width, width);
            raters++;
        }
        call->kernels->scale(sum, rating_factor(raters), width);
    }
}

static void ratings_backward(const mrq_branch_call *call, const uint32_t *entity, uint32_t n, const float *dout, size_t stride,
                             mrq_gradient *gradient)
{
    const mrq_branch_plan *plan = call->plan;
    for (uint32_t i = 0; i < n; i++) {
        const float factor = rating_factor(count_kept(call, entity[i]));
        for (uint64_t j = plan->list.offset[entity[i]]; j < plan->list.offset[entity[i] + 1]; j++) {
            if (!kept(call, entity[i], j))
                continue;
            float *row = touch(call, gradient, plan->list.item[j]);
            call->kernels->add_scaled(row, factor * plan->strength[j], dout + i * stride, plan->width);
            call->kernels->add_scaled(row + plan->width, factor, dout + i * stride, plan->width);
        }
    }
}

/* history: the sum of the liked items' embeddings, each times the strength of the like. It is not learned by gradients. */

static void history_forward(const mrq_branch_call *call, const uint32_t *entity, uint32_t n, float *out, size_t stride)
{
    const mrq_branch_plan *plan = call->plan;
    const float *embedding = param_of(call, plan->embedding);
    for (uint32_t i = 0; i < n; i++) {
        memset(out + i * stride, 0, plan->width * sizeof *out);
        for (uint64_t j = plan->list.offset[entity[i]]; j < plan->list.offset[entity[i] + 1]; j++)
            call->kernels->add_scaled(out + i * stride, plan->strength[j], embedding + (size_t)plan->list.item[j] * plan->width,
                                      plan->width);
    }
}

/* text: a convolution over the words or characters, tanh, then the sum or mean over the positions. */

/* Lists the distinct words of the batch. */
static void find_words(const mrq_branch_call *call, const uint32_t *entity, uint32_t n)
{
    mrq_branch_work *work = call->work;
    for (uint32_t i = 0; i < work->words; i++)
        work->word_slot[work->word[i]] = MRQ_NONE; /* clear the previous batch */
    work->words = 0;
    for (uint32_t i = 0; i < n; i++)
        for (uint32_t j = 0; j < item_count(&call->plan->list, entity[i]); j++) {
            const uint32_t word = items(&call->plan->list, entity[i])[j];
            if (work->word_slot[word] == MRQ_NONE) {
                work->word_slot[word] = work->words;
                work->word[work->words++] = word;
            }
        }
}

/* The block of `projected` for place `k` of the window at position `j` of `count` words, or NULL beyond the ends. */
static float *window_block(const mrq_branch_call *call, const uint32_t *words, uint32_t count, uint32_t j, uint32_t k)
{
    const uint32_t window = call->plan->branch->window, at = j + k - window / 2; /* below the start it wraps to a value >=
                                                                                    count */
    if (at >= count)
        return NULL;
    return call->work->projected + ((size_t)call->work->word_slot[words[at]] * window + k) * call->plan->branch->filters;
}

static void text_forward(const mrq_branch_call *call, const uint32_t *entity, uint32_t n, float *out, size_t stride)
{
    const mrq_branch_plan *plan = call->plan;
    mrq_branch_work *work = call->work;
    const uint32_t e = plan->branch->embedding, filters = plan->branch->filters, window = plan->branch->window;
    find_words(call, entity, n);
    gather(call, work->word, work->words, work->embedded, e);
    mrq_gemm(work->words, window * filters, e, work->embedded, e, param_of(call, plan->weight), window * filters, 0,
             work->projected, window * filters);
    const float *bias = param_of(call, plan->bias);
    float *z = work->position;
    for (uint32_t i = 0; i < n; i++) {
        const uint32_t *words = items(&plan->list, entity[i]), count = item_count(&plan->list, entity[i]);
        memset(out + i * stride, 0, filters * sizeof *out);
        for (uint32_t j = 0; j < count; j++, z += filters) {
            memcpy(z, bias, filters * sizeof *z);
            for (uint32_t k = 0; k < window; k++) {
                const float *block = window_block(call, words, count, j, k);
                if (block)
                    call->kernels->add(z, block, filters);
            }
            call->kernels->tanh_pool(z, out + i * stride, filters);
        }
        if (plan->branch->pool == MRQ_POOL_AVERAGE && count)
            call->kernels->scale(out + i * stride, 1.0f / (float)count, filters);
    }
}

static void text_backward(const mrq_branch_call *call, const uint32_t *entity, uint32_t n, const float *dout, size_t stride,
                          mrq_gradient *gradient)
{
    const mrq_branch_plan *plan = call->plan;
    mrq_branch_work *work = call->work;
    const uint32_t e = plan->branch->embedding, filters = plan->branch->filters, window = plan->branch->window;
    float *dbias = gradient->block + mrq_tensor_at(call->tensors, plan->bias, 0), *z = work->position;
    memset(dbias, 0, filters * sizeof *dbias);
    memset(work->projected, 0, (size_t)work->words * window * filters * sizeof *work->projected); /* from here on it holds the
                                                                                                     gradient */
    for (uint32_t i = 0; i < n; i++) {
        const uint32_t *words = items(&plan->list, entity[i]), count = item_count(&plan->list, entity[i]);
        for (uint32_t j = 0; j < count; j++, z += filters) {
            call->kernels->tanh_pool_backward(z, dout + i * stride, filters);
            if (plan->branch->pool == MRQ_POOL_AVERAGE)
                call->kernels->scale(z, 1.0f / (float)count, filters);
            call->kernels->add(dbias, z, filters);
            for (uint32_t k = 0; k < window; k++) {
                float *block = window_block(call, words, count, j, k);
                if (block)
                    call->kernels->add(block, z, filters);
            }
        }
    }
    float *dweight = gradient->block + mrq_tensor_at(call->tensors, plan->weight, 0);
    mrq_gemm_at(e, window * filters, work->words, work->embedded, e, work->projected, window * filters, dweight, window * filters);
    mrq_gemm_bt(work->words, e, window * filters, work->projected, window * filters, param_of(call, plan->weight), window * filters,
                work->back, e);
    scatter(call, work->word, work->words, work->back, e, gradient);
}

void mrq_branch_forward(const mrq_branch_call *call, const uint32_t *value, uint32_t n, float *out, size_t stride)
{
    switch (call->plan->branch->kind) {
    case MRQ_BRANCH_ID:
    case MRQ_BRANCH_CATEGORY:
        lookup_forward(call, value, n, out, stride);
        break;
    case MRQ_BRANCH_SET:
        set_forward(call, value, n, out, stride);
        break;
    case MRQ_BRANCH_RATINGS:
        ratings_forward(call, value, n, out, stride);
        break;
    case MRQ_BRANCH_HISTORY:
        history_forward(call, value, n, out, stride);
        break;
    case MRQ_BRANCH_TEXT:
        text_forward(call, value, n, out, stride);
        break;
    }
}

void mrq_branch_backward(const mrq_branch_call *call, const uint32_t *value, uint32_t n, const float *dout, size_t stride,
                         mrq_gradient *gradient)
{
    switch (call->plan->branch->kind) {
    case MRQ_BRANCH_ID:
    case MRQ_BRANCH_CATEGORY:
        lookup_backward(call, value, n, dout, stride, gradient);
        break;
    case MRQ_BRANCH_RATINGS:
        ratings_backward(call, value, n, dout, stride, gradient);
        break;
    case MRQ_BRANCH_SET:
        set_backward(call, value, n, dout, stride, gradient);
        break;
    case MRQ_BRANCH_HISTORY:
        break;
    case MRQ_BRANCH_TEXT:
        text_backward(call, value, n, dout, stride, gradient);
        break;
    }
}
