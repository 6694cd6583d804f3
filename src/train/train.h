/* Training: a data set and a description in, a model out. */
#ifndef MRQ_TRAIN_TRAIN_H
#define MRQ_TRAIN_TRAIN_H

#include "dataset/split.h"
#include "model/model.h"

#define MRQ_THREADS_MAX 64
#define MRQ_SEED_MAX    ((int64_t)1 << 53) /* a seed is kept in JSON, exactly */

typedef struct mrq_train_options {
    mrq_split_kind split;
    double test;      /* share of the ratings set aside for the test, [0, 0.9] */
    uint64_t seed;    /* up to MRQ_SEED_MAX: division, starting values, order, dropout */
    uint32_t threads; /* 1 .. MRQ_THREADS_MAX. Part of the result: sums are taken worker by worker */
} mrq_train_options;

/* One pass over the training ratings. RMSEs are NaN where there is no such part; train_rmse is a running one, taken while the
 * parameters moved. */
typedef struct mrq_train_epoch {
    int64_t epoch, epochs; /* from 1 */
    double train_rmse, valid_rmse, test_rmse, seconds, samples_per_second;
    bool best; /* so far, by valid_rmse; without a validation part the last pass is the best */
} mrq_train_epoch;

/* Called from the thread that called mrq_train(). Either function may be NULL. */
typedef struct mrq_train_watch {
    void *context;
    void (*batch)(void *context, int64_t epoch, uint64_t done, uint64_t total, double rmse, double samples_per_second);
    void (*epoch)(void *context, const mrq_train_epoch *epoch);
} mrq_train_watch;

/* Learns the towers of `description`, whose `train` part says how, by squared error, and returns the parameters of the best pass.
 * The model borrows the tables of `data`. The same data, description, options and machine give the same bytes. MRQ_BAD_FILE when
 * data and description do not fit, MRQ_FAILED with advice when the loss is no longer finite. */
MRQ_CHECKED mrq_status mrq_train(const mrq_dataset *data, const mrq_description *description, const mrq_train_options *options,
                                 const mrq_train_watch *watch, mrq_model **out, mrq_error *err);

#endif
