/* Chooses an index by measurement: the fastest that reaches a recall against the exact scan. */
#ifndef MRQ_INDEX_CHOOSE_H
#define MRQ_INDEX_CHOOSE_H

#include "base/json.h"
#include "index/index.h"

#define MRQ_RECALL_DEFAULT 0.99
#define MRQ_RECALL_K       10 /* recall is measured on the best ten */

/* One setting, measured one query at a time on one thread. */
typedef struct mrq_trial {
    mrq_index_settings settings;
    double recall;      /* share of the exact best MRQ_RECALL_K that were found; 1 for an exact scan */
    double p50, p99;    /* seconds per query */
    uint32_t n_queries; /* number of queries measured */
} mrq_trial;

/* Adds settings and measurement to an object: "factory", "parameter", "rerank", "recall", "p50_us", "p99_us", "queries". False when
 * out of memory, and when `object` is NULL. */
bool mrq_trial_tell(const mrq_trial *trial, cJSON *object);

/* The result of a choice. */
typedef struct mrq_choice {
    mrq_trial best;   /* measured on the second half of the queries, which was not used to choose */
    uint32_t n;       /* settings tried, on the first half */
    mrq_trial *trial; /* (n) in the order tried; free with mrq_free() */
} mrq_choice;

/* Builds an index of `kind` and chooses the fastest parameter and rerank that reach `recall` on the queries (n_queries, dim),
 * n_queries >= 2. "auto" measures several kinds, or uses the exact scan if all vectors fit into a few megabytes. MRQ_FAILED when no
 * setting reaches the recall; the message gives the highest. Else as mrq_index_build(). */
MRQ_CHECKED mrq_status mrq_index_choose(const char *kind, double recall, const float *vectors, uint32_t n, uint32_t dim,
                                        const float *queries, uint32_t n_queries, mrq_index **out, mrq_choice *choice,
                                        mrq_error *err);

/* Measures an index with its current settings on the queries (n_queries, dim), against the exact scan of its vectors. Statuses of
 * mrq_index_search(). */
MRQ_CHECKED mrq_status mrq_index_measure(const mrq_index *index, const float *queries, uint32_t n_queries, mrq_trial *out,
                                         mrq_error *err);

/* The tested kinds, one per line with its properties; printed by `--index list`. */
extern const char mrq_index_kinds[];

#endif
