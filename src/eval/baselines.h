/* Baselines: simple recommenders, learned from the same training part as the models that they are compared with. */
#ifndef MRQ_EVAL_BASELINES_H
#define MRQ_EVAL_BASELINES_H

#include "eval/protocol.h"
#include "train/itemitem.h"
#include "train/ranking.h"

typedef enum mrq_baseline_kind {
    MRQ_BASELINE_BIAS, /* predicts stars; all others rank */
    MRQ_BASELINE_RANDOM,
    MRQ_BASELINE_POPULAR,
    MRQ_BASELINE_GENRES,
    MRQ_BASELINE_DEMOGRAPHIC,
    MRQ_BASELINE_ITEMKNN,
    MRQ_BASELINE_EASE,
} mrq_baseline_kind;
#define MRQ_BASELINES 7

extern const char *const mrq_baseline_names[];    /* by the enum; NULL ends */
extern const char *const mrq_baseline_meanings[]; /* by the enum: the method of each, with its settings */

/* NULL when the baseline can be used in that protocol; else the reason why not: "cannot score a new item". */
const char *mrq_baseline_unfit(mrq_baseline_kind kind, mrq_protocol protocol, const mrq_dataset *data);
/* Whether it is used when no baselines are named. */
bool mrq_baseline_usual(mrq_baseline_kind kind, mrq_protocol protocol, const mrq_dataset *data);

/* Why a baseline cannot be made for that many items, written into `why`; false if it can. */
#define MRQ_BASELINE_WHY 160
bool mrq_baseline_too_large(mrq_baseline_kind kind, const mrq_dataset *data, const mrq_parts *parts, char why[MRQ_BASELINE_WHY]);

/* A trained baseline that ranks. Read-only once made; borrows data and parts. Likes are counted in floats, exact up to 2^24
 * users. */
typedef struct mrq_ranker {
    mrq_arena *arena;
    mrq_baseline_kind kind;
    const mrq_dataset *data;
    const mrq_parts *parts;
    const mrq_links *likes;
    uint64_t seed;
    mrq_liked related; /* ease */
    uint32_t n;        /* related items */
    float *matrix;     /* ease: (n, n), row = liked item, column = scored item */
    mrq_links near;    /* itemknn: for each liked item, the items that it is one of the nearest to, and the cosines */
    float *score;      /* (items) genre-popular: the item's score; demographic-popular: share of users who like it; others:
                          number of likes; random: NULL */
    uint32_t n_values; /* demographic-popular: number of values of all categories */
    float *adjust;     /* (n_values, items) what each value adds to the score */
} mrq_ranker;

/* Any kind except MRQ_BASELINE_BIAS; `seed` sets the random order. */
MRQ_CHECKED mrq_status mrq_ranker_make(mrq_baseline_kind kind, const mrq_dataset *data, const mrq_parts *parts, uint64_t seed,
                                       uint32_t threads, mrq_ranker *out, mrq_error *err);
void mrq_ranker_clear(mrq_ranker *ranker); /* a zeroed struct is allowed */

mrq_scorer mrq_ranker_score; /* `context` is the mrq_ranker */

/* The same where each of the `n` users also likes the items known[i]. */
MRQ_CHECKED mrq_status mrq_ranker_score_knowing(const mrq_ranker *ranker, const uint32_t *user, const mrq_items *known, uint32_t n,
                                                float *out, mrq_error *err);

#endif
