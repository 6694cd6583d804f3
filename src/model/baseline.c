#include "model/baseline.h"

#include <math.h>
#include <string.h>

/* The damping of a bias is a number of extra ratings that deviate by nothing. The two sides are fitted in fit_side. */
#define USER_DAMPING 5.0
#define ITEM_DAMPING 3.0
#define ROUNDS       10

static void range_and_mean(const mrq_model_source *source, mrq_baseline *out)
{
    double sum = 0;
    out->min = INFINITY;
    out->max = -INFINITY;
    for (uint64_t i = 0; i < source->n_train; i++) {
        const double rating = (double)source->rating[source->train[i]];
        sum += rating;
        out->min = fmin(out->min, rating);
        out->max = fmax(out->max, rating);
    }
    out->mean = source->n_train ? sum / (double)source->n_train : 0;
}

/* Fits the biases (n) of one side, given those of the other: the sum of the remaining deviations, divided by the number of ratings
 * plus `damping`. */
static void fit_side(const mrq_model_source *source, double mean, const uint32_t *side, uint32_t n, double damping,
                     const uint32_t *other_side, const float *other, double *sum, double *count, float *bias)
{
    memset(sum, 0, n * sizeof *sum);
    memset(count, 0, n * sizeof *count);
    for (uint64_t i = 0; i < source->n_train; i++) {
        const uint32_t rating = source->train[i];
        sum[side[rating]] += (double)source->rating[rating] - mean - (double)other[other_side[rating]];
        count[side[rating]]++;
    }
    for (uint32_t j = 0; j < n; j++)
        bias[j] = (float)(sum[j] / (count[j] + damping));
}

mrq_status mrq_baseline_make(const mrq_model_source *source, mrq_arena *arena, mrq_baseline *out, mrq_error *err)
{
    const uint32_t users = source->users->rows, items = source->items->rows, most = users > items ? users : items;
    range_and_mean(source, out);
    out->user = mrq_arena_array(arena, users, sizeof *out->user);
    out->item = mrq_arena_array(arena, items, sizeof *out->item);
    MRQ_AUTOFREE double *sum = mrq_array(most, sizeof *sum), *count = mrq_array(most, sizeof *count);
    if (!out->user || !out->item || !sum || !count)
        return mrq_fail_memory(err, "making a model");
    for (int round = 0; round < ROUNDS; round++) {
        fit_side(source, out->mean, source->rating_item, items, ITEM_DAMPING, source->rating_user, out->user, sum, count,
                 out->item);
        fit_side(source, out->mean, source->rating_user, users, USER_DAMPING, source->rating_item, out->item, sum, count,
                 out->user);
    }
    return MRQ_OK;
}
