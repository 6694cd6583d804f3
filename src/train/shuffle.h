/* The order of ratings in an epoch, and its batches. */
#ifndef MRQ_TRAIN_SHUFFLE_H
#define MRQ_TRAIN_SHUFFLE_H

#include "base/random.h"
#include "dataset/dataset.h"
#include "model/description.h"

/* Puts the `n` ratings (their numbers) into the order of a new epoch: at random, or item by item, the items at random. */
MRQ_CHECKED mrq_status mrq_shuffle_epoch(mrq_shuffle order, const mrq_dataset *data, mrq_random *rng, uint32_t *rating, uint64_t n,
                                         mrq_error *err);

/* Cuts them into batches of `size`, the last one smaller; item by item a batch ends with an item, and is longer for it. Writes
 * where each starts into `start`, and `n` behind the last: (n / size + 2) places are enough. Returns the number of batches. */
uint64_t mrq_shuffle_cut(mrq_shuffle order, const mrq_dataset *data, const uint32_t *rating, uint64_t n, uint32_t size,
                         uint64_t *start);

/* Ratings in the largest batch there can be. */
MRQ_CHECKED mrq_status mrq_shuffle_largest(mrq_shuffle order, const mrq_dataset *data, const uint32_t *rating, uint64_t n,
                                           uint32_t size, uint32_t *largest, mrq_error *err);

/* Brings the ratings of an item in a batch together, so that shares of it have few items in common. `scratch` is 2 n. They keep
 * their order. */
void mrq_shuffle_sort(const mrq_dataset *data, uint32_t *rating, uint32_t n, uint64_t *scratch);

#endif
