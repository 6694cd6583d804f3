/* Scores for users at the time when they are asked: by what a candidate has learned, and what has become known of them since. */
#ifndef MRQ_EVAL_ASKED_H
#define MRQ_EVAL_ASKED_H

#include "eval/baselines.h"

/* A model prepared to be asked. One that learns from what people like takes each known like as one of strength 1; others know
 * nothing new. */
typedef struct mrq_asked {
    mrq_arena *arena;
    const mrq_model *model;
    const mrq_parts *parts;
    mrq_vectors vectors;
    mrq_folded *tower; /* to add likes to a user's vector; NULL: nothing to add, or no way */
    float *items;      /* with a tower: (items, tower->dim) unit vectors */
} mrq_asked;

/* Borrows model and parts. */
MRQ_CHECKED mrq_status mrq_asked_make(const mrq_model *model, const mrq_parts *parts, mrq_asked *out, mrq_error *err);
void mrq_asked_clear(mrq_asked *asked); /* a zeroed struct is allowed */

/* Scorers whose "users" are the numbers 0 .. parts->n_users - 1: `context` is a mrq_asked, or a mrq_ranker with its parts. */
mrq_scorer mrq_asked_score, mrq_asked_ranker_score;

#endif
