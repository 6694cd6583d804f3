/* A worker: one thread's share of a batch, from ratings to gradients. */
#ifndef MRQ_TRAIN_WORKER_H
#define MRQ_TRAIN_WORKER_H

#include "base/random.h"
#include "dataset/dataset.h"
#include "model/network.h"

/* One tower's part of a worker: the distinct entities of its share. */
typedef struct mrq_side {
    mrq_pass *pass;
    uint32_t entities; /* rows of the table */
    double dropout;    /* share of examples with the unknown id */
    uint32_t *row;     /* (capacity) the entity of each example */
    uint32_t n;        /* distinct ones in the share */
    uint32_t *entity;  /* (as many as there can be) numbers, perhaps with MRQ_DROPPED */
    uint32_t *slot; /* (2 × entities) where an entity stands in `entity`, with and without its id; stale unless it stands there */
    uint32_t *of;   /* (capacity) place in `entity` of each example */
} mrq_side;

typedef struct mrq_worker {
    const mrq_model *model;
    const mrq_dataset *data;
    const mrq_kernels *kernels;
    bool factors; /* both towers are an embedding and nothing else */
    mrq_random rng;
    uint64_t salt;        /* of this pass; see mrq_rating_kept() */
    double input_dropout; /* of a "ratings" branch */
    mrq_side user, item;
    mrq_gradient gradient;
    float *rating; /* (capacity) of each example */
    double loss;   /* Σ squared error of the last share */
    double flops;  /* of matrix and inner products, all shares so far */
} mrq_worker;

/* Whether both towers are an embedding and nothing else: matrix factorisation. */
bool mrq_is_factorisation(const mrq_model *model);

/* A worker for shares of up to `capacity` ratings; `number` picks its random stream. */
MRQ_CHECKED mrq_status mrq_worker_make(const mrq_model *model, const mrq_dataset *data, uint32_t capacity, uint64_t seed,
                                       uint32_t number, mrq_arena *arena, mrq_worker *out, mrq_error *err);

/* Loss and gradients of the mean squared error over `batch` ratings, of which `rating` (n) are this worker's share. Ids are dropped
 * at random. Leaves them in `loss` and `gradient`. No allocation. */
void mrq_worker_run(mrq_worker *worker, const uint32_t *rating, uint32_t n, uint32_t batch);

#endif
