/* The order of ratings in a pass, and its batches. */
#ifndef MRQ_TRAIN_ORDER_H
#define MRQ_TRAIN_ORDER_H

#include "base/random.h"
#include "dataset/dataset.h"
#include "model/description.h"

/* Puts the `n` ratings (their numbers) into the order of a new pass: at random, or movie by movie, the movies at random. */
MRQ_CHECKED mrq_status mrq_order_pass(mrq_order order, const mrq_dataset *data, mrq_random *rng, uint32_t *rating, uint64_t n,
                                      mrq_error *err);

/* Cuts them into batches of `size`, the last one smaller; movie by movie a batch ends with a movie, and is longer for it. Writes
 * where each starts into `start`, and `n` behind the last: (n / size + 2) places are enough. Returns the number of batches. */
uint64_t mrq_order_cut(mrq_order order, const mrq_dataset *data, const uint32_t *rating, uint64_t n, uint32_t size,
                       uint64_t *start);

/* Ratings in the largest batch there can be. */
MRQ_CHECKED mrq_status mrq_order_largest(mrq_order order, const mrq_dataset *data, const uint32_t *rating, uint64_t n,
                                         uint32_t size, uint32_t *largest, mrq_error *err);

/* Brings the ratings of a movie in a batch together, so that shares of it have few movies in common. `scratch` is 2 n. They keep
 * their order. */
void mrq_order_sort(const mrq_dataset *data, uint32_t *rating, uint32_t n, uint64_t *scratch);

#endif
