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

/* out (width) = branch output of one entity. */
static inline void reference_branch(const mrq_tower *tower, const mrq_branch_plan *plan, const double *param, uint32_t row,
                                    bool dropped, double *out)
{
    const double *embedding = reference_tensor(tower, param, plan->embedding);
    const uint32_t e = plan->branch->embedding;
    memset(out, 0, plan->width * sizeof *out);
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
                out[f] += tanh(z);
            }
        return;
    }
    const uint32_t value = plan->branch->kind == MRQ_BRANCH_ID && dropped ? 0 : plan->value[row];
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

/* The unit vector (dim) of an entity. */
static inline void reference_vector(const mrq_tower *tower, const double *param, uint32_t row, bool dropped, double *out)
{
    double x[4096], norm = 0;
    for (uint32_t b = 0; b < tower->n; b++)
        reference_branch(tower, &tower->plan[b], param, row, dropped, x + tower->plan[b].first);
    const double *weight = reference_tensor(tower, param, tower->weight), *bias = reference_tensor(tower, param, tower->bias);
    for (uint32_t d = 0; d < tower->dim; d++) {
        out[d] = bias[d];
        for (uint32_t i = 0; i < tower->inputs; i++)
            out[d] += x[i] * weight[i * tower->dim + d];
        if (tower->activation == MRQ_TANH)
            out[d] = tanh(out[d]);
        norm += out[d] * out[d];
    }
    for (uint32_t d = 0; d < tower->dim; d++)
        out[d] = norm > 0 ? out[d] / sqrt(norm) : 0;
}

/* scale × cosine; the numbers may carry MRQ_DROPPED. */
static inline double reference_score(const mrq_model *model, const double *param, uint32_t user, uint32_t movie)
{
    double u[1024], m[1024], sum = 0;
    reference_vector(&model->user, param, user & ~MRQ_DROPPED, user & MRQ_DROPPED, u);
    reference_vector(&model->movie, param, movie & ~MRQ_DROPPED, movie & MRQ_DROPPED, m);
    for (uint32_t d = 0; d < model->description.dim; d++)
        sum += u[d] * m[d];
    return model->description.scale * sum;
}

#endif
