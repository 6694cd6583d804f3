/* Likes: the items that each user likes, by the training ratings, and the strength of each like. They are the input of a "history"
 * and of training a ranking. */
#ifndef MRQ_MODEL_LIKES_H
#define MRQ_MODEL_LIKES_H

#include "model/network.h"

/* Lists the items (rows, ascending) that each user rated source->like or more in `train`; if an item is rated twice, the last
 * rating counts. A like's strength is 1 at the mean of these ratings, plus 0.1 per standard deviation above it, within 0.8 .. 1.2.
 * Arrays come from `arena`. */
MRQ_CHECKED mrq_status mrq_likes_make(const mrq_model_source *source, mrq_arena *arena, mrq_links *out, mrq_error *err);

/* The age of each like that mrq_likes_make() lists: how many of the user's likes came after it, by time and then by place in the
 * file. NULL when out of memory. */
uint32_t *mrq_likes_ages(const mrq_model_source *source, const mrq_links *likes, mrq_arena *arena);

/* Loads the ages of all likes of a file's lists, which have been checked; each must be less than its user's number of likes. */
MRQ_CHECKED mrq_status mrq_ages_load(const mrq_container *container, const char *name, const mrq_lists *likes, uint32_t users,
                                     const uint32_t **out, mrq_error *err);

/* The same lists with the ratings themselves in place of the strengths. */
MRQ_CHECKED mrq_status mrq_likes_values(const mrq_model_source *source, mrq_arena *arena, mrq_links *out, mrq_error *err);

#endif
