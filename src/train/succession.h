/* What came after what: sums for learning from the order of likes.
 *
 * A person with the likes 0 .. T-1, the oldest first, is an example at each time t < T-1: x_t, what he had liked by then, each like
 * weighted by its recency (model/recency.h), and y_t, what he liked next, each weighted by NEXT^(likes in between). The sums of
 * x_t x_tᵀ and of x_t y_tᵀ over t are, for two likes, functions of their ages alone, so no x_t is ever made: the cost of a user is
 * that of a Gram matrix without order. */
#ifndef MRQ_TRAIN_SUCCESSION_H
#define MRQ_TRAIN_SUCCESSION_H

#include "base/error.h"
#include "base/memory.h"
#include "model/recency.h"

typedef struct mrq_succession {
    float *power; /* (ages, MRQ_RECENCY_TERMS) factor^gap */
    float *sum;   /* (ages, MRQ_RECENCY_TERMS) weight × Σ_(τ < age) recency(τ) factor^τ */
    float *next;  /* (ages) Σ_(τ <= between) recency(τ) NEXT^(between - τ) */
} mrq_succession;

/* For ages below `ages`. 0, or -1 when out of memory. Arrays come from `arena`. */
MRQ_CHECKED int mrq_succession_make(uint32_t ages, mrq_arena *arena, mrq_succession *out);

/* Σ_t of the products of two likes' weights in x_t. */
static inline float mrq_together(const mrq_succession *s, uint32_t a, uint32_t b)
{
    const uint32_t later = a < b ? a : b, gap = a < b ? b - a : a - b;
    const float *power = s->power + (size_t)gap * MRQ_RECENCY_TERMS, *sum = s->sum + (size_t)later * MRQ_RECENCY_TERMS;
    return power[0] * sum[0] + power[1] * sum[1] + power[2] * sum[2];
}

/* Σ_t of the product of the weights of a like in x_t and of a later one in y_t. */
static inline float mrq_followed(const mrq_succession *s, uint32_t earlier, uint32_t later)
{
    return earlier > later ? s->next[earlier - later - 1] : 0;
}

#endif
