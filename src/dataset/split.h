/* Splits ratings into parts for training, validation and test. */
#ifndef MRQ_DATASET_SPLIT_H
#define MRQ_DATASET_SPLIT_H

#include "dataset/dataset.h"

typedef enum mrq_split_kind {
    MRQ_SPLIT_RANDOM, /* a random share of all ratings */
    MRQ_SPLIT_USER,   /* a random share of each user's ratings, rounded down: users with few ratings keep all for training */
    MRQ_SPLIT_TIME,   /* the latest share of all ratings; equal times in the order of the file */
    MRQ_SPLIT_HASH,   /* by a hash of user id, item id and seed: a rating stays in its part whatever is added later, so a
                         model can be trained further from night to night. The shares are approximate */
} mrq_split_kind;
extern const char *const mrq_split_names[]; /* "random", "user", "time", "hash", NULL */

typedef struct mrq_split {
    uint64_t n_train, n_valid, n_test;
    uint32_t *train, *valid, *test; /* indices of ratings, each part ascending */
} mrq_split;

/* Sets aside the share `test` of the ratings, then `valid` of the rest in the same way; both in [0, 1). The test part depends only
 * on `seed` and `test`, not on `valid`. MRQ_USAGE when the training part would be empty, or for MRQ_SPLIT_TIME without
 * timestamps. */
MRQ_CHECKED mrq_status mrq_split_make(const mrq_dataset *data, mrq_split_kind kind, double test, double valid, uint64_t seed,
                                      mrq_split *out, mrq_error *err);
void mrq_split_clear(mrq_split *split); /* frees the parts; allowed on a zeroed struct */

#endif
