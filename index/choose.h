/* Choosing an index by measurement: the fastest that finds what an exact scan finds. */
#ifndef MRQ_INDEX_CHOOSE_H
#define MRQ_INDEX_CHOOSE_H

#include "base/json.h"
#include "index/index.h"

#define MRQ_RECALL_DEFAULT 0.99
#define MRQ_RECALL_K       10 /* recall is of the best ten */

/* One setting, measured one query at a time on one thread. */
typedef struct mrq_trial {
    mrq_index_settings settings;
    double recall;      /* share of the exact best MRQ_RECALL_K that are among the found; 1 for an exact scan */
    double p50, p99;    /* seconds a query */
    uint32_t n_queries; /* that this was measured on */
} mrq_trial;

/* Adds settings and measurement to an object: "factory", "parameter", "rerank", "recall", "p50_us", "p99_us", "queries". False when
 * out of memory, and when `object` is NULL. */
bool mrq_trial_tell(const mrq_trial *trial, cJSON *object);

/* What a choice is made among, and what it came to. */
typedef struct mrq_choice {
    mrq_trial best;   /* on the second half of the queries, which took no part in the choice */
    uint32_t n;       /* settings tried, on the first half */
    mrq_trial *trial; /* (n) in the order tried; freed with mrq_free() */
} mrq_choice;

/* Builds an index of `kind` and sets its parameter and rerank to the fastest that reach `recall` on the queries (n_queries, dim),
 * n_queries >= 2. "auto" measures several kinds; for a catalogue whose vectors fit into a few megabytes it is the exact scan.
 * MRQ_FAILED when no setting of the kind reaches the recall: the sentence gives the best. Else as mrq_index_build(). */
MRQ_CHECKED mrq_status mrq_index_choose(const char *kind, double recall, const float *vectors, uint32_t n, uint32_t dim,
                                        const float *queries, uint32_t n_queries, mrq_index **out, mrq_choice *choice,
                                        mrq_error *err);

/* Measures an index as it is on the queries (n_queries, dim), beside the exact scan of its vectors. Statuses of
 * mrq_index_search(). */
MRQ_CHECKED mrq_status mrq_index_measure(const mrq_index *index, const float *queries, uint32_t n_queries, mrq_trial *out,
                                         mrq_error *err);

/* The kinds that are tested, one a line with what it is good for: what `--index list` prints. */
extern const char mrq_index_kinds[];

#endif
