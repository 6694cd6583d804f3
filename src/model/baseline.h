/* The baseline of ratings: mean + a user's bias + an item's bias, each a damped mean (Koren, Bell, Volinsky 2009). */
#ifndef MRQ_MODEL_BASELINE_H
#define MRQ_MODEL_BASELINE_H

#include "model/network.h"

typedef struct mrq_baseline {
    double min, max, mean; /* of the training ratings */
    float *user, *item;    /* (users), (items) biases; 0 for a row without ratings */
} mrq_baseline;

/* Computed from the training ratings. The arrays come from `arena`. */
MRQ_CHECKED mrq_status mrq_baseline_make(const mrq_model_source *source, mrq_arena *arena, mrq_baseline *out, mrq_error *err);

#endif
