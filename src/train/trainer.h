/* Inside the train room: the state of a training, which a checkpoint keeps. */
#ifndef MRQ_TRAIN_TRAINER_H
#define MRQ_TRAIN_TRAINER_H

#include "train/evaluate.h"
#include "train/optimizer.h"
#include "train/train.h"
#include "train/worker.h"

/* Where a training stands between two batches. */
typedef struct mrq_position {
    int64_t epoch;      /* of this epoch, from 1 */
    uint64_t done;      /* ratings of this epoch */
    uint64_t step;      /* batches in all */
    double loss;        /* of this epoch */
    double seconds;     /* spent on this epoch before `started` */
    int64_t best_epoch; /* 0: none yet */
    double best_train, best_valid, best_test;
    mrq_random rng;    /* for the order of the epochs to come */
    uint32_t n_epochs; /* epochs that have ended */
    uint32_t reserved;
} mrq_position;

typedef struct mrq_trainer {
    mrq_arena *arena;
    const mrq_dataset *data;
    const mrq_train_options *options;
    const mrq_train_watch *watch;
    mrq_model *model;
    uint32_t threads, capacity; /* `capacity`: ratings in the largest batch */
    mrq_worker *worker;         /* (threads) */
    mrq_gradient **gradient;    /* (threads) the workers' */
    double *squares;            /* (threads) of the gradient's parts */
    mrq_optimizer_state optimizer;
    mrq_split split;       /* `train` in the order of this epoch */
    uint64_t *batch;       /* (batches + 1) where the batches of this epoch start */
    uint64_t batches, now; /* `now`: the batch at hand */
    uint64_t **scratch;    /* (threads) (2 × capacity) for sorting */
    mrq_position at;
    double started;      /* clock, less the seconds of at.seconds */
    double checkpointed; /* clock */
    bool sort;           /* the batches of this epoch still have to be */
    bool saved;          /* the last checkpoint could be written */
    bool save;           /* a checkpoint is due */
    bool quit;           /* the epoch is over */
    mrq_train_end end;   /* why */
    mrq_vectors vectors;
    float *best;            /* parameters of the best epoch */
    mrq_train_epoch *epoch; /* (n_epochs) those that have ended */
} mrq_trainer;

/* What every training begins with: the parts, to be cleared by the caller whatever is returned, and a model with starting
 * parameters and the results that are known by then. */
MRQ_CHECKED mrq_status mrq_train_divide(const mrq_dataset *data, const mrq_train_options *options, double validation,
                                        mrq_split *out, mrq_error *err);
MRQ_CHECKED mrq_status mrq_train_begin(const mrq_dataset *data, const mrq_description *description,
                                       const mrq_train_options *options, const mrq_split *split, mrq_model **out, mrq_error *err);

/* mrq_train() by gradients, epoch by epoch, and for a ranking; `watch` is not NULL. */
MRQ_CHECKED mrq_status mrq_train_gradients(const mrq_dataset *data, const mrq_description *description,
                                           const mrq_train_options *options, const mrq_train_watch *watch, mrq_train_result *out,
                                           mrq_error *err);
MRQ_CHECKED mrq_status mrq_train_ranking(const mrq_dataset *data, const mrq_description *description,
                                         const mrq_train_options *options, const mrq_train_watch *watch, mrq_train_result *out,
                                         mrq_error *err);

/* Writes the state to options->checkpoint, and reads it into a trainer that is prepared for the same training. MRQ_BAD_FILE names
 * what differs. */
MRQ_CHECKED mrq_status mrq_checkpoint_save(const mrq_trainer *trainer, mrq_error *err);
MRQ_CHECKED mrq_status mrq_checkpoint_load(mrq_trainer *trainer, mrq_error *err);

#endif
