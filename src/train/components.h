/* The parts of a ranking: what a user's likes x say of all items is
 *
 *     x B + scores × x B E Eᵀ + likes × x D^-p V Vᵀ D^p
 *
 * B are neighbours (neighbours.h), E and V directions of scores and of likes (directions.h), D the items' numbers of likes. The
 * first part is exact about few items, the second the same without its noise, the third reaches items that nobody has liked
 * together. The last two are inner products of vectors. If the catalogue is small and dense enough, EASE's matrix (itemitem.h) in
 * place of B makes vectors that need no first part. Which of the two, how many directions and which weights are good differs from
 * data to data, so they are chosen by measurement: on likes that some users lose for it.
 *
 * Where the order of the likes counts, each like in x is weighted by its recency, and B predicts what a user likes next from what
 * he has liked by then (succession.h). For a small catalogue it is solved as a whole; neighbours are then the largest entries of
 * what the directions leave of it, B - B E Eᵀ. */
#ifndef MRQ_TRAIN_COMPONENTS_H
#define MRQ_TRAIN_COMPONENTS_H

#include "model/description.h"
#include "train/directions.h"

typedef struct mrq_components_task {
    const mrq_links *likes; /* by user, items ascending */
    const uint32_t *age;    /* of each like, how many of the user's likes came after it; NULL: the order does not count */
    uint32_t users, items, k, threads;
    double ridge; /* times the usual λ */
    uint64_t seed;
} mrq_components_task;

typedef struct mrq_mix {
    bool recent;                /* the order of the likes counts */
    bool dense;                 /* the vectors are of a matrix of all items; there are neighbours only if the order counts */
    bool neighbours;            /* false: vectors alone */
    uint32_t n_scores, n_likes; /* directions of each kind */
    float scores, likes;        /* weights */
    double ndcg;                /* @100 of the likes held out; NaN: not measured, there are too few users with several likes */
    uint32_t tested;            /* users */
} mrq_mix;

/* All in places of the Gram matrix; `n_scores` and `n_likes` columns. */
typedef struct mrq_components {
    mrq_sparse_gram gram;
    mrq_neighbours near; /* or empty */
    uint32_t n_scores, n_likes;
    float *score_item, *score_history; /* E, B E */
    float *like_item, *like_history;   /* D^p V, D^-p V */
} mrq_components;

/* Arrays come from `arena`. `dense` is for up to MRQ_RELATED_MAX items. */
MRQ_CHECKED mrq_status mrq_components_fit(const mrq_components_task *task, bool dense, uint32_t n_scores, uint32_t n_likes,
                                          mrq_arena *arena, mrq_components *out, mrq_error *err);

/* Chooses how up to `d` directions are used, and what `kind` and `recency` leave open. With a `recency` other than MRQ_RECENCY_OFF,
 * for which `task` needs ages, each user who loses some loses the newest of his likes. */
MRQ_CHECKED mrq_status mrq_mix_choose(const mrq_components_task *task, mrq_parts_kind kind, mrq_recency_use recency, uint32_t d,
                                      mrq_mix *out, mrq_error *err);

#endif
