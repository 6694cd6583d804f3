/* How far scores are from ratings; and which of these are likes. */
#ifndef MRQ_TRAIN_EVALUATE_H
#define MRQ_TRAIN_EVALUATE_H

#include "dataset/dataset.h"
#include "model/network.h"

/* The vectors of everybody, computed anew from a model's parameters. */
typedef struct mrq_vectors {
    float *users, *items; /* (users, width), (items, width) */
} mrq_vectors;
/* Room for them, and their computation. */
MRQ_CHECKED mrq_status mrq_vectors_make(const mrq_model *model, mrq_arena *arena, mrq_vectors *out, mrq_error *err);
MRQ_CHECKED mrq_status mrq_vectors_update(const mrq_model *model, mrq_vectors *vectors, mrq_error *err);

/* The rating that the model predicts for a user and an item (rows of their tables), held within the training ratings' range. */
double mrq_score(const mrq_model *model, const mrq_vectors *vectors, uint32_t user, uint32_t item);

/* Root of the mean squared difference between score and rating, over `n` ratings; NaN for none. */
double mrq_rmse(const mrq_model *model, const mrq_vectors *vectors, const mrq_dataset *data, const uint32_t *rating, uint64_t n);

/* The ratings `list` (n) of a data set, as models and likes are made from. Borrows all. */
mrq_model_source mrq_train_source(const mrq_dataset *data, const uint32_t *list, uint64_t n);

/* A rating of at least so much is a like: the middle of the range that the schema allows. */
double mrq_like_least(const mrq_dataset *data);

#endif
