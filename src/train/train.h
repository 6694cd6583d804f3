/* Training: a data set and a description in, a model out. */
#ifndef MRQ_TRAIN_TRAIN_H
#define MRQ_TRAIN_TRAIN_H

#include <signal.h>

#include "base/parallel.h"
#include "dataset/split.h"
#include "model/model.h"

#define MRQ_SEED_MAX ((int64_t)1 << 53) /* a seed is kept in JSON, exactly */

typedef struct mrq_train_options {
    mrq_split_kind split;
    double test;           /* share of the ratings set aside for the test, [0, 0.9] */
    uint64_t seed;         /* up to MRQ_SEED_MAX: division, starting values, order, dropout */
    uint32_t threads;      /* 1 .. MRQ_THREADS_MAX. Part of the result: sums are taken worker by worker */
    const mrq_model *warm; /* starts from the parameters of this older model, moments at zero; NULL: from random ones. Honest only
                              where it has not learned from what is tested now: see MRQ_SPLIT_HASH */

    const mrq_split *parts; /* these parts, instead of those that `split`, `test` and `seed` make; NULL: those */

    const char *checkpoint;    /* a file to keep the state in, or NULL; written at once, never half */
    double checkpoint_seconds; /* between two of them */
    bool resume;               /* go on from that file if it is there */
} mrq_train_options;

/* One epoch over the training ratings. RMSEs are NaN where there is no such part; train_rmse is a running one, taken while the
 * parameters moved. */
typedef struct mrq_train_epoch {
    int64_t epoch, epochs; /* from 1 */
    double train_rmse, valid_rmse, test_rmse, seconds, samples_per_second;
    double flops;  /* of matrix and inner products */
    uint64_t best; /* 1: so far, by valid_rmse; without a validation part the last epoch is the best */
} mrq_train_epoch;

/* What goes on, told from the thread that called mrq_train(). Any member may be NULL. */
typedef struct mrq_train_watch {
    void *context;
    void (*batch)(void *context, int64_t epoch, uint64_t done, uint64_t total, double rmse, double samples_per_second);
    void (*epoch)(void *context, const mrq_train_epoch *all, uint32_t n);        /* the last of `n` has just ended */
    void (*stage)(void *context, const char *doing, uint32_t done, uint32_t of); /* of a ranking's solution, instead of batches */
    void (*warn)(void *context, const mrq_error *problem); /* a checkpoint that could not be written: the training goes on */
    const volatile sig_atomic_t *stop;                     /* not 0: stop after this batch */
} mrq_train_watch;

typedef enum mrq_train_end {
    MRQ_TRAIN_DONE,        /* all epochs, or no better one for as long as the description's patience */
    MRQ_TRAIN_INTERRUPTED, /* watch.stop; the checkpoint, if it was saved, holds this very batch */
    MRQ_TRAIN_LOST,        /* the loss exploded or is no number */
} mrq_train_end;

typedef struct mrq_train_result {
    mrq_model *model; /* the parameters of the best epoch; interrupted in the first one, those it had come to */
    mrq_train_end end;
    int64_t epoch; /* it ended in */
    bool saved;    /* the last checkpoint could be written */
} mrq_train_result;

/* Learns the towers of `description`, whose `train` part says how: ratings by squared error, or a ranking in closed form, which has
 * no epochs, no checkpoint and no warm start. The model borrows the tables of `data`. The same data, description, options and
 * machine give the same bytes, interrupted and resumed or not. MRQ_BAD_FILE when data and description do not fit, or a checkpoint
 * is damaged or of another training; MRQ_FAILED with advice when the loss is lost in the first epoch, or a ranking is stopped;
 * MRQ_USAGE when `warm` is another network, or these ratings teach no ranking. */
MRQ_CHECKED mrq_status mrq_train(const mrq_dataset *data, const mrq_description *description, const mrq_train_options *options,
                                 const mrq_train_watch *watch, mrq_train_result *out, mrq_error *err);

#endif
