/* A worker: one thread's share of a batch, from ratings to gradients. */
#ifndef MRQ_TRAIN_WORKER_H
#define MRQ_TRAIN_WORKER_H

#include "base/random.h"
#include "dataset/dataset.h"
#include "model/network.h"

/* One tower's half of a worker: the distinct entities of its share. */
typedef struct mrq_side {
    mrq_pass *pass;
    uint32_t entities; /* rows of the table */
    double dropout;    /* probability that an example's id is replaced by the unknown id */
    uint32_t *row;     /* (capacity) the entity of each example */
    uint32_t n;        /* distinct entities in the share */
    uint32_t *entity;  /* (largest possible n) entities, with or without MRQ_DROPPED */
    uint32_t *slot; /* (2 × entities) index in `entity` of an entity, with and without its id; may be stale, so check `entity` */
    uint32_t *of;   /* (capacity) index in `entity` of each example */
} mrq_side;

typedef struct mrq_worker {
    const mrq_model *model;
    const mrq_dataset *data;
    const mrq_kernels *kernels;
    bool factors; /* both towers are an embedding and nothing else */
    mrq_random rng;
    uint64_t salt;        /* of this epoch; see mrq_rating_kept() */
    double input_dropout; /* of a "ratings" branch */
    mrq_side user, item;
    mrq_gradient gradient;
    float *rating; /* (capacity) of each example */
    double loss;   /* Σ squared error of the last share */
    double flops;  /* of matrix and inner products, all shares so far */
} mrq_worker;

/* Whether the model is a matrix factorisation: both towers are an embedding and nothing else. */
bool mrq_is_factorisation(const mrq_model *model);

/* Makes a worker for shares of up to `capacity` ratings; `number` selects its random stream. */
MRQ_CHECKED mrq_status mrq_worker_make(const mrq_model *model, const mrq_dataset *data, uint32_t capacity, uint64_t seed,
                                       uint32_t number, mrq_arena *arena, mrq_worker *out, mrq_error *err);

/* Computes loss and gradients of the mean squared error over `batch` ratings, of which `rating` (n) are this worker's share, into
 * `loss` and `gradient`. Drops ids at random. Does not allocate. */
void mrq_worker_run(mrq_worker *worker, const uint32_t *rating, uint32_t n, uint32_t batch);

#endif
