/* A report: one candidate's measurements for each user, over all seeds, and their summary. */
#ifndef MRQ_EVAL_REPORT_H
#define MRQ_EVAL_REPORT_H

#include "eval/protocol.h"
#include "train/ranking.h"

/* A mean and its 95 % confidence interval: the 2.5th and 97.5th percentiles of MRQ_RESAMPLES bootstrap resamples of the users.
 * NaN where nothing was measured. */
typedef struct mrq_estimate {
    double mean, low, high;
} mrq_estimate;
#define MRQ_RESAMPLES 1000

/* Estimates the means of `m` measures over the users `list` (n_list rows), resampling whole users: `sum` (users, m) are sums of a
 * user's values and `weight` (users) their numbers. A user of weight 0 is left out. `seed` sets the resamples. */
MRQ_CHECKED mrq_status mrq_bootstrap(const double *sum, const double *weight, const uint32_t *list, uint32_t n_list, uint32_t m,
                                     uint64_t seed, mrq_estimate *out, mrq_error *err);

enum { MRQ_CUTS = 3, MRQ_MEASURES = 5, MRQ_CUT_MAX = 20 };
extern const uint32_t mrq_cuts[MRQ_CUTS];                 /* 5, 10, 20 */
extern const char *const mrq_measure_names[MRQ_MEASURES]; /* "recall", "ndcg", "mrr", "hit", "precision" */
enum { MRQ_AT_10 = 1, MRQ_RECALL = 0, MRQ_NDCG = 1 };     /* indices in the two lists */
enum { MRQ_GROUP_VALUES = 12 };                           /* a category with more values makes no groups */

/* The users with one value of a category. */
typedef struct mrq_group {
    const mrq_column *column;
    uint32_t value, users;
    mrq_estimate recall, ndcg; /* @10 */
} mrq_group;

/* A mean is the mean of the seeds' means; its interval is over users, each with all seeds together. The two differ when the seeds
 * test different numbers of users. For predicted stars, all seeds are one sample. */
typedef struct mrq_summary {
    uint32_t seeds, ranked_users;                 /* ranked_users: distinct ones */
    uint64_t rated;                               /* test ratings predicted, over all seeds */
    mrq_estimate rmse, mae;                       /* of predicted stars */
    mrq_estimate measure[MRQ_CUTS][MRQ_MEASURES]; /* mean over the seeds */
    double *recall, *ndcg;                        /* (seeds) @10 */
    double coverage;                              /* share of the ranked items that are in at least one user's top 10 */
    double popularity; /* mean share of the training users who like an item of a top 10; NaN when only new items are ranked */
    double diversity;  /* 1 - the mean Jaccard index of genres over pairs in a top 10; NaN without genres */
    uint32_t n_groups;
    mrq_group *group; /* for each category of the users with at most MRQ_GROUP_VALUES values; groups without users are left
                         out */
} mrq_summary;

typedef struct mrq_report {
    mrq_arena *arena; /* the caller's; also holds the summary */
    const mrq_dataset *data;
    double *sum, *weight;                                                 /* (users, MRQ_CUTS × MRQ_MEASURES), (users) */
    double *star_sum, *star_weight;                                       /* (users, 2) squared and absolute errors, (users) */
    double *recall, *ndcg;                                                /* (capacity in seeds) */
    double mean[MRQ_CUTS][MRQ_MEASURES], coverage, popularity, diversity; /* sums over the seeds */
    uint32_t seeds;                                                       /* seeds with rankings so far */
} mrq_report;

/* Makes a report for up to `seeds` seeds; borrows the data. */
MRQ_CHECKED mrq_status mrq_report_make(const mrq_dataset *data, uint32_t seeds, mrq_arena *arena, mrq_report *out, mrq_error *err);

/* Adds a seed's rankings, (parts->n_users, MRQ_CUT_MAX). */
MRQ_CHECKED mrq_status mrq_report_rankings(mrq_report *report, const mrq_parts *parts, const uint32_t *top, mrq_error *err);

/* Adds one predicted rating. */
void mrq_report_stars(mrq_report *report, uint32_t user, double predicted, double rating);

/* `seed` sets the resamples; `out` points into report and data. */
MRQ_CHECKED mrq_status mrq_report_sum_up(const mrq_report *report, uint64_t seed, mrq_summary *out, mrq_error *err);

#endif
