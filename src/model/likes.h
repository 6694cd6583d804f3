/* Likes: who liked what, of the ratings to learn from, and how much. What a "history" reads and rankings are learned from. */
#ifndef MRQ_MODEL_LIKES_H
#define MRQ_MODEL_LIKES_H

#include "model/network.h"

/* The items (rows, ascending) that each user gave at least source->like in the `train` ratings; where an item is rated twice the
 * last one counts. The strength is 1 for a rating of these likes' mean, a tenth more for a standard deviation above it, and 0.8 to
 * 1.2. Arrays come from `arena`. */
MRQ_CHECKED mrq_status mrq_likes_make(const mrq_model_source *source, mrq_arena *arena, mrq_links *out, mrq_error *err);

#endif
