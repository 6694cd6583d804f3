/* What a query means to a generation. */
#ifndef MRQ_ENGINE_QUERY_H
#define MRQ_ENGINE_QUERY_H

#include "engine/filter.h"

/* What a query can tell of a person: "age", "gender", "job"; and the users' category of that name, or NULL. */
enum { MRQ_FEATURES = 3 };
extern const char *const mrq_feature_names[MRQ_FEATURES];
const mrq_column *mrq_feature_column(const mrq_table *users, int feature);

/* MRQ_USAGE unless 1 .. MRQ_K_MAX. */
MRQ_CHECKED mrq_status mrq_k_check(uint32_t k, mrq_error *err);

/* What a query says of movies. */
typedef struct mrq_opinion {
    uint32_t n;
    uint32_t *movie; /* (n) rows, ascending, distinct */
    float *told;     /* (n) MRQ_LIKES or MRQ_DISLIKES */
    float *net;      /* (n) the same less what the user's own row holds of the movie: what is to be added to it */
} mrq_opinion;

typedef struct mrq_resolved {
    uint32_t user; /* row of the users, or MRQ_NONE */
    uint32_t k;
    uint32_t *value; /* (branches of the tower) MRQ_NONE: the average user's */
    mrq_opinion opinion;
    mrq_selection selection;
    bool include_seen; /* only where something was seen, liked or disliked */
    char *text;        /* JSON object: the query as it was understood; equal for queries that mean the same */
} mrq_resolved;
void mrq_resolved_clear(mrq_resolved *resolved); /* legal on a zeroed struct */

/* Statuses as of mrq_recommend(). */
MRQ_CHECKED mrq_status mrq_query_resolve(const mrq_generation *generation, const mrq_query *query, mrq_resolved *out,
                                         mrq_error *err);

/* MRQ_FAILED when the model has a history and the generation was opened without it (mrq_generation_open_plain()). */
MRQ_CHECKED mrq_status mrq_history_check(const mrq_generation *generation, mrq_error *err);

/* What the own row of a known user, or of MRQ_NONE, is the sum of; nothing where the tower has no history. */
mrq_taste mrq_user_history(const mrq_generation *generation, uint32_t user);

/* Inside mrq_query_resolve(): the liked and disliked movies of a query by `user`. What it has found by the time it fails is in
 * `out`, for mrq_opinion_clear(). */
MRQ_CHECKED mrq_status mrq_opinion_resolve(const mrq_generation *generation, const mrq_query *query, uint32_t user,
                                           mrq_opinion *out, mrq_error *err);
void mrq_opinion_clear(mrq_opinion *opinion);

/* Adds it to a query's description, "liked" and "disliked", as far as there is any. */
void mrq_print_opinion(mrq_print *print, const mrq_opinion *opinion, const mrq_table *movies);

#endif
