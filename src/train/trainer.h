/* Private to the train room: the state of a training, which a checkpoint saves. */
#ifndef MRQ_TRAIN_TRAINER_H
#define MRQ_TRAIN_TRAINER_H

#include "train/evaluate.h"
#include "train/optimizer.h"
#include "train/train.h"
#include "train/worker.h"

/* The position of a training, between two batches. */
typedef struct mrq_position {
    int64_t epoch;      /* current epoch, from 1 */
    uint64_t done;      /* ratings done in this epoch */
    uint64_t step;      /* batches in all epochs */
    double loss;        /* Σ squared error of this epoch */
    double seconds;     /* spent on this epoch, also before an interruption */
    int64_t best_epoch; /* 0: none yet */
    double best_train, best_valid, best_test;
    mrq_random rng;    /* for the order of future epochs */
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
    mrq_gradient **gradient;    /* (threads) of the workers */
    double *squares;            /* (threads) Σ squares of each part of the gradient */
    mrq_optimizer_state optimizer;
    mrq_split split;       /* `train` in the order of this epoch */
    uint64_t *batch;       /* (batches + 1) where the batches of this epoch start */
    uint64_t batches, now; /* `now`: number of the current batch */
    uint64_t **scratch;    /* (threads) (2 × capacity) for sorting */
    mrq_position at;
    double started;      /* clock at which the epoch would have started without interruption */
    double checkpointed; /* clock of the last checkpoint */
    bool sort;           /* the batches of this epoch are not sorted yet */
    bool saved;          /* the last checkpoint was written */
    bool save;           /* a checkpoint is due */
    bool quit;           /* end the training */
    mrq_train_end end;   /* the reason */
    mrq_vectors vectors;
    float *best;            /* parameters of the best epoch */
    mrq_train_epoch *epoch; /* (n_epochs) epochs that have ended */
} mrq_trainer;

/* The beginning of every training: the split (the caller clears it whatever is returned), and a model with starting parameters and
 * the results that are known by then. */
MRQ_CHECKED mrq_status mrq_train_divide(const mrq_dataset *data, const mrq_train_options *options, double validation,
                                        mrq_split *out, mrq_error *err);
MRQ_CHECKED mrq_status mrq_train_begin(const mrq_dataset *data, const mrq_description *description,
                                       const mrq_train_options *options, const mrq_split *split, mrq_model **out, mrq_error *err);

/* mrq_train() by gradients, and for a ranking; `watch` is not NULL. */
MRQ_CHECKED mrq_status mrq_train_epochs(const mrq_dataset *data, const mrq_description *description,
                                        const mrq_train_options *options, const mrq_train_watch *watch, mrq_train_result *out,
                                        mrq_error *err);
MRQ_CHECKED mrq_status mrq_train_ranking(const mrq_dataset *data, const mrq_description *description,
                                         const mrq_train_options *options, const mrq_train_watch *watch, mrq_train_result *out,
                                         mrq_error *err);

/* Saves the state to options->checkpoint, and loads it into a trainer that is prepared for the same training. MRQ_BAD_FILE names
 * the setting that differs. */
MRQ_CHECKED mrq_status mrq_checkpoint_save(const mrq_trainer *trainer, mrq_error *err);
MRQ_CHECKED mrq_status mrq_checkpoint_load(mrq_trainer *trainer, mrq_error *err);

#endif
