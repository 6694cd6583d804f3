/* The inside of a model, for the trainer: towers, tensors and parameters. */
#ifndef MRQ_MODEL_NETWORK_H
#define MRQ_MODEL_NETWORK_H

#include "model/model.h"
#include "model/tower.h"

struct mrq_model {
    mrq_arena *arena;
    mrq_container *file;              /* of a loaded model, else NULL */
    mrq_table *own_users, *own_items; /* of a loaded model, else NULL */
    mrq_description description;      /* without the optional branches that the data lacks */
    mrq_model_results results;
    mrq_model_curve curve; /* its own */
    const mrq_table *users, *items;
    mrq_lists seen;
    mrq_links raters; /* of a "ratings" branch: the users (rows) whose training ratings each item has, and each rating less the
                         baseline; else empty */
    mrq_links likes;  /* of a "history" branch: the items (rows, ascending) that each user liked, and how much; else empty */
    const uint32_t *user_row, *item_row; /* rows of the id embeddings: 0 is the unknown one; (users), (items) */
    uint32_t user_rows, item_rows;       /* of those embeddings: 1 + the highest */
    mrq_tensors tensors;
    float *param;
    mrq_tower user, item;
};

/* What a model is made from: tables, all ratings, and which of them (`train`) it will learn from. Borrowed. */
typedef struct mrq_model_source {
    const mrq_table *users, *items;
    const uint32_t *rating_user, *rating_item;
    const float *rating;
    const uint32_t *train;
    uint64_t n_ratings, n_train;
    uint64_t seed;
    double like; /* a rating of at least so much is a like: of a "history" branch */
} mrq_model_source;

/* A model with starting parameters. A user or item without a rating in `train` shares the unknown row of its id embedding.
 * MRQ_BAD_FILE when a branch's feature is not in the data and not optional. */
MRQ_CHECKED mrq_status mrq_model_new(const mrq_description *description, const mrq_model_source *source, mrq_model **out,
                                     mrq_error *err);

/* Lays out towers and tensors from description, tables and rows, which are set. Used by mrq_model_new() and mrq_model_load(). */
MRQ_CHECKED mrq_status mrq_model_build(mrq_model *model, mrq_error *err);

#endif
