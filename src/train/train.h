/* Training: a data set and a description in, a model out. */
#ifndef MRQ_TRAIN_TRAIN_H
#define MRQ_TRAIN_TRAIN_H

#include <signal.h>

#include "base/parallel.h"
#include "dataset/split.h"
#include "model/model.h"

#define MRQ_SEED_MAX ((int64_t)1 << 53) /* a seed is stored in JSON, as an exact double */

typedef struct mrq_train_options {
    mrq_split_kind split;
    double test;           /* share of the ratings set aside for the test, [0, 0.9] */
    uint64_t seed;         /* up to MRQ_SEED_MAX; for the split, starting values, order and dropout */
    uint32_t threads;      /* 1 .. MRQ_THREADS_MAX. Changes the result: gradients are summed worker by worker */
    const mrq_model *warm; /* start from the parameters of this older model, with moments of zero; NULL: from random ones. The test
                              is honest only if that model has not learned from today's test ratings: see MRQ_SPLIT_HASH */

    /* The model is to be good at what comes next: a ranking tries whether the order of the likes helps, and is chosen by the newest
     * likes of some users. Always so after MRQ_SPLIT_TIME. */
    bool by_time;

    const mrq_split *parts; /* use these parts instead of splitting by `split`, `test` and `seed`; or NULL */

    const char *checkpoint;    /* a file to save the state in, or NULL; always written completely */
    double checkpoint_seconds; /* time between two checkpoints */
    bool resume;               /* continue from that file if it exists */
} mrq_train_options;

/* One epoch over the training ratings. An RMSE is NaN if its part is empty; train_rmse is a running mean, taken while the
 * parameters changed. */
typedef struct mrq_train_epoch {
    int64_t epoch, epochs; /* from 1 */
    double train_rmse, valid_rmse, test_rmse, seconds, samples_per_second;
    double flops;  /* floating-point operations of matrix and inner products */
    uint64_t best; /* 1: the best so far by valid_rmse; without a validation part every epoch counts as the best so far */
} mrq_train_epoch;

/* Callbacks, all from the thread that called mrq_train(). Any member may be NULL. */
typedef struct mrq_train_watch {
    void *context;
    void (*batch)(void *context, int64_t epoch, uint64_t done, uint64_t total, double rmse, double samples_per_second);
    void (*epoch)(void *context, const mrq_train_epoch *all, uint32_t n);        /* the last of `n` has just ended */
    void (*stage)(void *context, const char *doing, uint32_t done, uint32_t of); /* for a ranking, instead of batches */
    void (*warn)(void *context, const mrq_error *problem); /* a checkpoint could not be written; the training goes on */
    const volatile sig_atomic_t *stop;                     /* not 0: stop after this batch */
} mrq_train_watch;

typedef enum mrq_train_end {
    MRQ_TRAIN_DONE,        /* all epochs, or none was better for as many as the description's `patience` */
    MRQ_TRAIN_INTERRUPTED, /* by watch.stop; the checkpoint, if saved, includes the last batch */
    MRQ_TRAIN_LOST,        /* the loss exploded or is not finite */
} mrq_train_end;

typedef struct mrq_train_result {
    mrq_model *model; /* the parameters of the best epoch; if interrupted in the first epoch, the latest ones */
    mrq_train_end end;
    int64_t epoch; /* the epoch in which it ended */
    bool saved;    /* the last checkpoint was written */
} mrq_train_result;

/* Learns the towers of `description`; its `train` part gives the method: ratings by squared error, or a ranking in closed form,
 * which has no epochs, no checkpoint and no warm start. The model borrows the tables of `data`. The same data, description, options
 * and machine give the same bytes, also when interrupted and resumed. MRQ_BAD_FILE when data and description do not match, or a
 * checkpoint is damaged or belongs to another training; MRQ_FAILED, with advice, when the loss explodes in the first epoch or a
 * ranking is stopped; MRQ_USAGE when `warm` is another network or the ratings hold too few likes for a ranking. */
MRQ_CHECKED mrq_status mrq_train(const mrq_dataset *data, const mrq_description *description, const mrq_train_options *options,
                                 const mrq_train_watch *watch, mrq_train_result *out, mrq_error *err);

/* Counts how much a model has to learn from. */
MRQ_CHECKED mrq_status mrq_evidence_count(const mrq_dataset *data, bool ranks, mrq_evidence *out, mrq_error *err);

#endif
