/* Two models, measured on the same events of the same users, and how sure their difference is. */
#ifndef MRQ_TRAIN_COMPARE_H
#define MRQ_TRAIN_COMPARE_H

#include "model/model.h"

#define MRQ_COMPARED_NIGHTS     30    /* so many comparisons in a row are all right ... */
#define MRQ_COMPARED_CONFIDENCE 0.95  /* ... with this confidence */
#define MRQ_COMPARED_MIN        12    /* users; of fewer nothing can be said with that confidence */
#define MRQ_COMPARED_MAX        20000 /* users; of more a random choice is measured */

/* Each user has one value: NDCG@10 over his likes if the models rank, else the RMSE of his ratings. */
typedef struct mrq_comparison {
    uint32_t users;         /* compared, up to MRQ_COMPARED_MAX; the rest is NaN if they are fewer than MRQ_COMPARED_MIN */
    uint64_t events;        /* of these users */
    double newer, older;    /* means over the users */
    double gain, low, high; /* how much better the newer model is (NDCG: newer - older; RMSE: older - newer), and the limits that
                               the true gain lies between: see mrq_paired_interval() */
} mrq_comparison;

/* Compares a model with an older one. Both must have been trained with MRQ_SPLIT_HASH, the same seed and the same test share, and
 * must both rank or both predict ratings. The hash of an event's ids put it in the test part then as now, so neither model has
 * learned from what both are measured on:
 * - Users and items that only one of them knows are left out: with these the newer one would win whatever it is worth.
 * - Rankings: what a user likes in either model's test part counts. Ratings: those in the older model's test part count, as they
 *   were then, if the newer model's data has the user and the item together, too. Were the newer data alone asked, a model of
 *   shuffled ratings would beat the older one at predicting shuffled ratings.
 * - Items are ranked without what either model has learned that the user likes.
 * No users are compared if the older model's results say that it has kept no test events. MRQ_FAILED if a score is not finite. */
MRQ_CHECKED mrq_status mrq_compare(const mrq_model *newer, const mrq_model *older, uint32_t threads, mrq_comparison *out,
                                   mrq_error *err);

/* Limits for the mean of the differences that `n` >= MRQ_COMPARED_MIN users are a sample of: it is below `*low` with probability
 * (1 - MRQ_COMPARED_CONFIDENCE) / MRQ_COMPARED_NIGHTS, and above `*high` with the same. They are quantiles of the means of random
 * subsets of the users. This is the test by random signs (Fisher's randomisation test, which M. Smucker, J. Allan and B. Carterette
 * 2007, "A comparison of statistical significance tests for information retrieval evaluation", recommend) solved for the mean
 * (J. Hartigan 1969, "Using subsample values as typical values"). It is exact for few users and for many differences of 0, where
 * Student's t is not: three users of fifty, each a little worse, are no proof. */
MRQ_CHECKED mrq_status mrq_paired_interval(const double *difference, uint32_t n, double *low, double *high, mrq_error *err);

#endif
