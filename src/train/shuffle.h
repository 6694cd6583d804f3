/* The order of ratings in an epoch, and its batches. */
#ifndef MRQ_TRAIN_SHUFFLE_H
#define MRQ_TRAIN_SHUFFLE_H

#include "base/random.h"
#include "dataset/dataset.h"
#include "model/description.h"

/* Puts the `n` ratings (their numbers) into the order of a new epoch: random, or item by item with the items in random order. */
MRQ_CHECKED mrq_status mrq_shuffle_epoch(mrq_shuffle order, const mrq_dataset *data, mrq_random *rng, uint32_t *rating, uint64_t n,
                                         mrq_error *err);

/* Cuts them into batches of `size`; the last is smaller. In the order item by item, a batch is extended to the end of its last
 * item. `start` gets the start of each batch, and `n` after the last: (n / size + 2) places are enough. Returns the number of
 * batches. */
uint64_t mrq_shuffle_cut(mrq_shuffle order, const mrq_dataset *data, const uint32_t *rating, uint64_t n, uint32_t size,
                         uint64_t *start);

/* The largest possible number of ratings in a batch. */
MRQ_CHECKED mrq_status mrq_shuffle_largest(mrq_shuffle order, const mrq_dataset *data, const uint32_t *rating, uint64_t n,
                                           uint32_t size, uint32_t *largest, mrq_error *err);

/* Brings the ratings of the same item in a batch together, so that the workers' shares of the batch have few items in common.
 * Stable: ratings of an item keep their order. `scratch` has 2 n places. */
void mrq_shuffle_sort(const mrq_dataset *data, uint32_t *rating, uint32_t n, uint64_t *scratch);

#endif
