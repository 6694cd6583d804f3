/* A report: one candidate's measurements for each user, over all seeds, and their summary. */
#ifndef MRQ_EVAL_REPORT_H
#define MRQ_EVAL_REPORT_H

#include "eval/places.h"
#include "eval/protocol.h"
#include "train/ranking.h"

/* A mean and its 95 % confidence interval: the 2.5th and 97.5th percentiles of bootstrap resamples of the users. NaN where nothing
 * was measured. */
typedef struct mrq_estimate {
    double mean, low, high;
} mrq_estimate;
#define MRQ_RESAMPLES          1000
#define MRQ_CONTRAST_RESAMPLES 2000

/* Estimates the means of `m` measures over the users `list` (n_list rows), resampling whole users: `sum` (users, m) are sums of a
 * user's values and `weight` (users) their numbers. A user of weight 0 is left out. `seed` sets the `resamples`. */
MRQ_CHECKED mrq_status mrq_bootstrap(const double *sum, const double *weight, const uint32_t *list, uint32_t n_list, uint32_t m,
                                     uint32_t resamples, uint64_t seed, mrq_estimate *out, mrq_error *err);

/* The numbers of items after which lists are measured. */
enum { MRQ_CUTS_MAX = 8, MRQ_CUT_MAX = 10000, MRQ_TOP = 10 }; /* MRQ_TOP: the length of a list whose choice is measured */
typedef struct mrq_cuts {
    uint32_t n, k[MRQ_CUTS_MAX]; /* (n) ascending, 1 .. MRQ_CUT_MAX */
} mrq_cuts;
#define MRQ_CUTS_USUAL ((mrq_cuts){5, {5, 10, 20, 50, 100}})
uint32_t mrq_cuts_main(const mrq_cuts *cuts); /* the index of the cut that is reported first: 10, or else the smallest */

/* One user's measures: for each cut those of mrq_measure_names, then the AUC. */
static inline uint32_t mrq_cuts_columns(const mrq_cuts *cuts)
{
    return cuts->n * MRQ_MEASURES + 1;
}
void mrq_cuts_measure(const mrq_cuts *cuts, const mrq_places *places, double *out);

enum { MRQ_GROUP_VALUES = 12 }; /* a category with more values makes no groups */

/* The users with one value of a category. */
typedef struct mrq_group {
    const mrq_column *column;
    uint32_t value, users;
    mrq_estimate recall, ndcg; /* at the main cut */
} mrq_group;

/* A mean is the mean of the seeds' means; its interval is over users, each with all seeds together. The two differ when the seeds
 * test different numbers of users. For predicted stars, all seeds are one sample. */
typedef struct mrq_summary {
    uint32_t seeds, ranked_users; /* ranked_users: distinct ones */
    uint64_t rated;               /* test ratings predicted, over all seeds */
    mrq_estimate rmse, mae;       /* of predicted stars */
    uint64_t asked;               /* rankings, over all seeds */
    mrq_cuts cuts;
    mrq_estimate measure[MRQ_CUTS_MAX][MRQ_MEASURES], auc; /* mean over the seeds */
    double *recall, *ndcg;                                 /* (seeds) at the main cut */
    double coverage;                                       /* share of the ranked items that are in at least one user's top 10 */
    double popularity; /* mean share of the training users who like an item of a top 10; NaN when only new items are ranked */
    double diversity;  /* 1 - the mean Jaccard index of genres over pairs in a top 10; NaN without genres */
    uint32_t n_groups;
    mrq_group *group; /* for each category of the users with at most MRQ_GROUP_VALUES values; groups without users are left
                         out */
} mrq_summary;

typedef struct mrq_report {
    mrq_arena *arena; /* the caller's; also holds the summary */
    const mrq_dataset *data;
    mrq_cuts cuts;
    double *sum, *weight;           /* (users, columns), (users) */
    double *star_sum, *star_weight; /* (users, 2) squared and absolute errors, (users) */
    double *recall, *ndcg;          /* (capacity in seeds) */
    double mean[MRQ_CUTS_MAX * MRQ_MEASURES + 1], coverage, popularity, diversity; /* sums over the seeds */
    uint32_t seeds;                                                                /* seeds with rankings so far */
} mrq_report;

/* Makes a report for up to `seeds` seeds; borrows the data. */
MRQ_CHECKED mrq_status mrq_report_make(const mrq_dataset *data, const mrq_cuts *cuts, uint32_t seeds, mrq_arena *arena,
                                       mrq_report *out, mrq_error *err);

/* Adds a seed's rankings: `measured` (parts->n_users, columns) by mrq_cuts_measure(), `top` (parts->n_users, MRQ_TOP). */
MRQ_CHECKED mrq_status mrq_report_rankings(mrq_report *report, const mrq_parts *parts, const double *measured, const uint32_t *top,
                                           mrq_error *err);

/* Adds one predicted rating. */
void mrq_report_stars(mrq_report *report, uint32_t user, double predicted, double rating);

/* `seed` sets the resamples; `out` points into report and data. */
MRQ_CHECKED mrq_status mrq_report_sum_up(const mrq_report *report, uint64_t seed, mrq_summary *out, mrq_error *err);

/* How much better one candidate ranked than another on the same users, with paired intervals by MRQ_CONTRAST_RESAMPLES
 * resamples. */
typedef struct mrq_contrast {
    mrq_estimate measure[MRQ_CUTS_MAX][MRQ_MEASURES], auc;
} mrq_contrast;

/* `a` minus `b`; both have rankings of the same seeds. */
MRQ_CHECKED mrq_status mrq_report_contrast(const mrq_report *a, const mrq_report *b, uint64_t seed, mrq_contrast *out,
                                           mrq_error *err);

#endif
