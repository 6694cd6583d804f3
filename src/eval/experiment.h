/* An experiment: candidates judged by one protocol over several seeds, all on the same parts. */
#ifndef MRQ_EVAL_EXPERIMENT_H
#define MRQ_EVAL_EXPERIMENT_H

#include "eval/baselines.h"
#include "eval/report.h"
#include "train/train.h"

/* A candidate: a description to train, a trained model (for MRQ_PROTOCOL_OWN only), or, with both NULL, a baseline. Borrowed. */
typedef struct mrq_candidate {
    const char *name;
    const mrq_description *description;
    const mrq_model *model;
    mrq_baseline_kind baseline;
} mrq_candidate;

typedef struct mrq_experiment {
    const mrq_dataset *data;
    mrq_protocol protocol;
    const mrq_model *own; /* MRQ_PROTOCOL_OWN: the model whose test part is used; else NULL */
    bool on_valid;        /* see mrq_parts_make() */
    uint64_t seed;        /* the first seed */
    uint32_t seeds;       /* how many: seed, seed + 1, ... */
    uint32_t threads;
    const mrq_train_watch *watch; /* watches the trainings; its stop flag also ends the experiment. May be NULL */
    uint32_t n;
    const mrq_candidate *candidate; /* (n) each can be used in the protocol */
    mrq_cuts cuts;                  /* none: MRQ_CUTS_USUAL */
    uint32_t compared[2];           /* two candidates for `contrast`, the first minus the second */
    mrq_contrast *contrast;         /* the result; NULL: none is wanted */
} mrq_experiment;

typedef struct mrq_experiment_result {
    double train_seconds, rank_seconds; /* mean over the seeds; NaN for a step that is not done */
    mrq_summary summary;
    uint64_t all;                    /* what could be asked of it, over all seeds, if that is more than summary.asked */
    char left_out[MRQ_BASELINE_WHY]; /* why it was not measured, or "" */
} mrq_experiment_result;

/* Writes (n) results, one per candidate; their arrays are in `arena`. A baseline that cannot be computed for so many items is left
 * out. MRQ_USAGE when one of the compared was left out or does not rank, or when the data does not suffice for the protocol;
 * MRQ_FAILED when stopped. */
MRQ_CHECKED mrq_status mrq_experiment_run(const mrq_experiment *experiment, mrq_arena *arena, mrq_experiment_result *out,
                                          mrq_error *err);

#endif
