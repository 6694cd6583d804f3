/* Rankings: all items in order for each user, and how good the top of it is. */
#ifndef MRQ_TRAIN_RANKING_H
#define MRQ_TRAIN_RANKING_H

#include "base/table.h"
#include "train/evaluate.h"

/* Scores of all items for `n` users (rows): out (n, items) row-major, zero on entry, larger is better. Called from several
 * threads at once. */
typedef mrq_status mrq_scorer(const void *context, const uint32_t *user, uint32_t n, float *out, mrq_error *err);

typedef struct mrq_rank_task {
    uint32_t items;
    const uint32_t *user; /* (n_users) who is ranked for, rows */
    uint32_t n_users;
    mrq_lists hidden;               /* by user row: items that are not ranked; offset NULL: none */
    const unsigned char *candidate; /* (items) 1: is ranked; NULL: all are */
    uint32_t k;                     /* > 0 */
    uint32_t threads;               /* not part of the result */
} mrq_rank_task;

/* The best `k` items of each user, (n_users, k) rows of items, best first, equal scores by row; MRQ_NONE where there are fewer. A
 * score that is not finite is MRQ_FAILED. `top` is written in any case. */
MRQ_CHECKED mrq_status mrq_rank(const mrq_rank_task *task, mrq_scorer *scorer, const void *context, uint32_t *top, mrq_error *err);

/* The best `k` of `n` scores, best first, equal ones by place: `top` (k) is where they stand, MRQ_NONE where there are fewer,
 * and `best` (k) what they are. A score of -INFINITY is none. */
void mrq_take_best(const float *score, uint32_t n, uint32_t k, float *best, uint32_t *top);

/* How good one user's top k is; each 0 .. 1. */
typedef struct mrq_rank_measures {
    double recall;    /* share of the relevant items that are in it */
    double ndcg;      /* Σ 1/log2(1 + rank) over those found, by the most that k places can have */
    double mrr;       /* 1 / the first one's rank, 0 for none */
    double hit;       /* 1 when there is any */
    double precision; /* share of the k places */
} mrq_rank_measures;

/* Of `n` > 0 relevant items, ascending, each once; k > 0. */
mrq_rank_measures mrq_rank_measure(const uint32_t *top, uint32_t k, const uint32_t *relevant, uint64_t n);

/* A model's scores, of vectors that mrq_vectors_update() has filled; `context` is a struct of the two. What is the same for all
 * items of a user, and does not change their order, is left out. */
typedef struct mrq_model_scorer {
    const mrq_model *model;
    const mrq_vectors *vectors;
} mrq_model_scorer;
mrq_scorer mrq_score_items;

#endif
