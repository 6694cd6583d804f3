/* The internals of a model, for the trainer: towers, tensors and parameters. */
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
    mrq_model_curve curve; /* owned by the model */
    const mrq_table *users, *items;
    mrq_lists seen;
    mrq_times times;
    mrq_links raters;         /* for a "ratings" branch: the users (rows) who rated each item in training, and the rating minus the
                         baseline; else empty */
    mrq_links likes;          /* for a "history" branch: the items (rows, ascending) that each user likes, and the strengths; else
                         empty */
    const uint32_t *like_age; /* of a ranking with recency: the age of each like (model/recency.h), whose strength contains its
                                 recency; else NULL */
    mrq_links neighbours;     /* of a ranking: what a like of each item adds to the scores of others (rows, ascending), beside the
                             vectors; else empty, as in older files: its offset is NULL */
    mrq_links tested; /* after a split by hash: the items (rows, ascending) that each user rated in the test part, of a ranking
                         those that he likes, and the ratings; else empty, as in older files */
    const uint32_t *user_row, *item_row; /* (users), (items) rows of the id embeddings; 0 is the unknown id */
    uint32_t user_rows, item_rows;       /* number of rows of these embeddings: 1 + the highest */
    mrq_tensors tensors;
    float *param;
    mrq_tower user, item;
};

/* The input of a new model: tables, all ratings, and the list `train` of the ratings to learn from. Borrowed. */
typedef struct mrq_model_source {
    const mrq_table *users, *items;
    const uint32_t *rating_user, *rating_item;
    const float *rating;
    const uint32_t *train;
    uint64_t n_ratings, n_train;
    uint64_t seed;
    double like;                /* for a "history" branch: ratings of this value or more are likes */
    const int64_t *rating_time; /* NULL: none */
} mrq_model_source;

/* Makes a model with starting parameters. Users and items without a rating in `train` share the unknown row of their id embedding.
 * MRQ_BAD_FILE when the data lacks the feature of a branch that is not optional. */
MRQ_CHECKED mrq_status mrq_model_new(const mrq_description *description, const mrq_model_source *source, mrq_model **out,
                                     mrq_error *err);

/* Lays out towers and tensors from description, tables and rows, which must be set. Used by mrq_model_new() and
 * mrq_model_load(). */
MRQ_CHECKED mrq_status mrq_model_build(mrq_model *model, mrq_error *err);

#endif
