/* Rankings: the best items of each user, and measures of their quality. */
#ifndef MRQ_TRAIN_RANKING_H
#define MRQ_TRAIN_RANKING_H

#include "base/table.h"
#include "train/evaluate.h"

/* Scores of all items for `n` users (rows): out (n, items) row-major, zero on entry, larger is better. Called from several
 * threads at once. */
typedef mrq_status mrq_scorer(const void *context, const uint32_t *user, uint32_t n, float *out, mrq_error *err);

/* Called for each user with his scores (items), -INFINITY for what is not ranked, before the best are taken. It may leave out more
 * items in this way. `i` is his index in the task. Called from several threads at once. */
typedef mrq_status mrq_look(void *context, uint32_t i, float *score, mrq_error *err);

typedef struct mrq_rank_task {
    uint32_t items;
    const uint32_t *user; /* (n_users) the users to rank for, rows */
    uint32_t n_users;
    mrq_lists hidden;               /* by user row: items to leave out; offset NULL: none */
    const unsigned char *candidate; /* (items) 1: rank it; NULL: rank all */
    uint32_t k;                     /* > 0 */
    uint32_t threads;               /* does not change the result */
    mrq_look *look;                 /* or NULL */
    void *look_context;
} mrq_rank_task;

/* The best `k` items of each user: `top` (n_users, k), rows of items, best first, equal scores by row, MRQ_NONE where there are
 * fewer. MRQ_FAILED when a score is not finite. `top` is written in any case. */
MRQ_CHECKED mrq_status mrq_rank(const mrq_rank_task *task, mrq_scorer *scorer, const void *context, uint32_t *top, mrq_error *err);

/* The best `k` of `n` scores, best first, equal ones by index: `top` (k) gets their indices, MRQ_NONE where there are fewer, `best`
 * (k) the scores. A score of -INFINITY is skipped. */
void mrq_take_best(const float *score, uint32_t n, uint32_t k, float *best, uint32_t *top);

/* The quality of one user's top k; each 0 .. 1. */
typedef struct mrq_rank_measures {
    double recall;    /* share of the relevant items that are in the top k */
    double ndcg;      /* Σ 1/log2(1 + rank) over the relevant items found, divided by the largest sum that k places can have */
    double mrr;       /* 1 / rank of the first relevant item; 0: none found */
    double hit;       /* 1 when a relevant item is found */
    double precision; /* share of the k places that hold a relevant item */
} mrq_rank_measures;

/* `relevant` are `n` > 0 items, ascending, each once; k > 0. */
mrq_rank_measures mrq_rank_measure(const uint32_t *top, uint32_t k, const uint32_t *relevant, uint64_t n);

/* Adds what `n` liked items add to the scores (items) of their neighbours, times a factor. `strength` NULL: 1. */
void mrq_add_neighbours(const mrq_links *neighbours, uint64_t n, const uint32_t *item, const float *strength, float factor,
                        float *score);

/* Scores of a model, from vectors that mrq_vectors_update() has filled; pass a pointer to this struct as `context`. Terms that are
 * the same for all items of a user are left out, as they do not change the order. */
typedef struct mrq_model_scorer {
    const mrq_model *model;
    const mrq_vectors *vectors;
} mrq_model_scorer;
mrq_scorer mrq_score_items;

#endif
