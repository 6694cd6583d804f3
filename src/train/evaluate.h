/* Vectors, scores and RMSE of a model; which ratings are likes. */
#ifndef MRQ_TRAIN_EVALUATE_H
#define MRQ_TRAIN_EVALUATE_H

#include "dataset/dataset.h"
#include "model/network.h"

/* The vectors of all users and items, computed from a model's parameters. */
typedef struct mrq_vectors {
    float *users, *items; /* (users, width), (items, width) */
} mrq_vectors;
/* make allocates the vectors, update computes them. */
MRQ_CHECKED mrq_status mrq_vectors_make(const mrq_model *model, mrq_arena *arena, mrq_vectors *out, mrq_error *err);
MRQ_CHECKED mrq_status mrq_vectors_update(const mrq_model *model, mrq_vectors *vectors, mrq_error *err);

/* The rating that the model predicts for a user and an item (rows of their tables), limited to the range of the training
 * ratings; of a ranking its score. */
double mrq_score(const mrq_model *model, const mrq_vectors *vectors, uint32_t user, uint32_t item);

/* Root mean squared error over `n` ratings; NaN when n is 0. */
double mrq_rmse(const mrq_model *model, const mrq_vectors *vectors, const mrq_dataset *data, const uint32_t *rating, uint64_t n);

/* The ratings `list` (n) of a data set, in the form that models and likes are made from. Borrows everything. */
mrq_model_source mrq_train_source(const mrq_dataset *data, const uint32_t *list, uint64_t n);

/* The smallest rating that is a like: the middle of the range that the schema allows. */
double mrq_like_least(const mrq_dataset *data);

#endif
