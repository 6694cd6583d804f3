/* The network written down once more, in doubles, straight from its definition and one example at a time: what the fast one is
 * compared with. */
#ifndef MRQ_TESTS_REFERENCE_H
#define MRQ_TESTS_REFERENCE_H

#include <math.h>
#include <string.h>

#include "model/network.h"

static inline const double *reference_tensor(const mrq_tower *tower, const double *param, uint32_t tensor)
{
    return param + tower->tensors->tensor[tensor].offset;
}

/* A "ratings" branch: 6 n^-¾ Σ (strength V_user + U_user) over the n ratings that stay. */
static inline void reference_ratings(const mrq_branch_plan *plan, const double *embedding, uint32_t row, uint64_t salt, double *out)
{
    const uint32_t width = plan->width;
    uint32_t n = 0;
    for (uint64_t i = plan->list.offset[row]; i < plan->list.offset[row + 1]; i++) {
        if (!mrq_rating_kept(salt, plan->branch->dropout, plan->list.item[i], row))
            continue;
        n++;
        for (uint32_t j = 0; j < width; j++)
            out[j] += (double)plan->strength[i] * embedding[plan->list.item[i] * 2 * width + j] +
                      embedding[(plan->list.item[i] * 2 + 1) * width + j];
    }
    for (uint32_t j = 0; j < width && n; j++)
        out[j] *= 6 / pow(n, 0.75);
}

/* out (plan->width) = branch output of one entity, whose number may carry MRQ_DROPPED. */
static inline void reference_branch(const mrq_tower *tower, const mrq_branch_plan *plan, const double *param, uint32_t number,
                                    uint64_t salt, double *out)
{
    const double *embedding = reference_tensor(tower, param, plan->embedding);
    const uint32_t e = plan->branch->embedding, row = number & ~MRQ_DROPPED;
    memset(out, 0, plan->width * sizeof *out);
    if (plan->branch->kind == MRQ_BRANCH_RATINGS) {
        reference_ratings(plan, embedding, row, salt, out);
        return;
    }
    if (plan->branch->kind == MRQ_BRANCH_SET) {
        for (uint64_t i = plan->list.offset[row]; i < plan->list.offset[row + 1]; i++)
            for (uint32_t j = 0; j < e; j++)
                out[j] += embedding[plan->list.item[i] * e + j];
        return;
    }
    if (plan->branch->kind == MRQ_BRANCH_TEXT) {
        const double *weight = reference_tensor(tower, param, plan->weight), *bias = reference_tensor(tower, param, plan->bias);
        const int count = (int)(plan->list.offset[row + 1] - plan->list.offset[row]), window = (int)plan->branch->window;
        const uint32_t *word = plan->list.item + plan->list.offset[row], filters = plan->branch->filters;
        for (int t = 0; t < count; t++)
            for (uint32_t f = 0; f < filters; f++) {
                double z = bias[f];
                for (int k = 0; k < window; k++) {
                    const int at = t + k - window / 2;
                    for (uint32_t j = 0; at >= 0 && at < count && j < e; j++)
                        z += embedding[word[at] * e + j] * weight[j * (uint32_t)window * filters + (uint32_t)k * filters + f];
                }
                out[f] += tanh(z) / (plan->branch->pool == MRQ_POOL_AVERAGE ? count : 1);
            }
        return;
    }
    const uint32_t value = plan->branch->kind == MRQ_BRANCH_ID && number & MRQ_DROPPED ? 0 : plan->value[row];
    if (plan->weight == MRQ_NONE) {
        memcpy(out, embedding + value * e, e * sizeof *out);
        return;
    }
    const double *weight = reference_tensor(tower, param, plan->weight), *bias = reference_tensor(tower, param, plan->bias);
    for (uint32_t f = 0; f < plan->width; f++) {
        out[f] = bias[f];
        for (uint32_t j = 0; j < e; j++)
            out[f] += embedding[value * e + j] * weight[j * plan->width + f];
    }
}

/* out (width) = the vector of an entity, whose number may carry MRQ_DROPPED, and, behind it, its bias where there is one. `salt` as
 * for mrq_rating_kept(). */
static inline void reference_vector(const mrq_tower *tower, const double *param, uint32_t number, uint64_t salt, double *out)
{
    double x[1025], norm = 0;
    for (uint32_t d = 0; d < tower->width; d++)
        out[d] = tower->bias == MRQ_NONE ? 0 : reference_tensor(tower, param, tower->bias)[d];
    for (uint32_t b = 0; b < tower->n; b++) {
        const mrq_branch_plan *plan = &tower->plan[b];
        reference_branch(tower, plan, param, number, salt, x);
        if (tower->weight == MRQ_NONE && plan->branch->bias_only)
            out[tower->width - 1] += x[0];
        for (uint32_t d = 0; d < tower->width && tower->weight == MRQ_NONE && !plan->branch->bias_only; d++)
            out[d] += x[d];
        for (uint32_t i = 0; i < plan->width && tower->weight != MRQ_NONE; i++)
            for (uint32_t d = 0; d < tower->width; d++)
                out[d] += x[i] * reference_tensor(tower, param, tower->weight)[(plan->first + i) * tower->width + d];
    }
    for (uint32_t d = 0; d < tower->dim; d++) {
        out[d] = tower->activation == MRQ_TANH ? tanh(out[d]) : out[d];
        norm += out[d] * out[d];
    }
    for (uint32_t d = 0; d < tower->dim && tower->unit; d++)
        out[d] = norm > 0 ? out[d] / sqrt(norm) : 0;
}

/* The score of two vectors (width). */
static inline double reference_match(const mrq_description *d, const double *user, const double *item)
{
    double sum = 0;
    for (uint32_t i = 0; i < d->dim; i++)
        sum += user[i] * item[i];
    return (d->score == MRQ_COSINE ? d->scale * sum : sum) + d->shift + (d->bias ? user[d->dim] + item[d->dim] : 0);
}

/* The score of a user and an item. */
static inline double reference_score(const mrq_model *model, const double *param, uint32_t user, uint32_t item, uint64_t salt)
{
    double u[1025], m[1025];
    reference_vector(&model->user, param, user, salt, u);
    reference_vector(&model->item, param, item, salt, m);
    return reference_match(&model->description, u, m);
}

#endif
