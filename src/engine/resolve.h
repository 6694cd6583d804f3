/* What a query means to a generation. */
#ifndef MRQ_ENGINE_RESOLVE_H
#define MRQ_ENGINE_RESOLVE_H

#include "engine/filter.h"
#include "engine/query.h"
#include "store/store.h"

/* What is known of a person: a value of a column of the users. */
typedef struct mrq_feature {
    const mrq_column *column;
    uint32_t code; /* category */
    double number;
    uint32_t *member; /* set: (n_members) codes, ascending, distinct */
    uint32_t n_members;
} mrq_feature;

/* What a query says of items. */
typedef struct mrq_query_feedback {
    uint32_t n;
    uint32_t *item; /* (n) rows, ascending, distinct */
    float *given;   /* (n) MRQ_LIKES or MRQ_DISLIKES */
    float *net;     /* (n) the same less what the user's own row holds of the item: what is to be added to it */
} mrq_query_feedback;

typedef struct mrq_resolved {
    uint32_t user; /* row of the users, or MRQ_NONE */
    uint32_t item; /* row of the item that others are to be like, or MRQ_NONE */
    uint32_t k, explain;
    uint32_t n_features;
    mrq_feature *feature; /* (n_features) by name of column */
    uint32_t n_values;
    uint32_t *value; /* (n_values, branches of the tower) MRQ_NONE: the average user's */
    mrq_query_feedback feedback;
    mrq_selection selection;
    bool include_seen; /* only where something was seen, liked or disliked */
    char *text; /* JSON object: the query as it was understood; equal for queries that mean the same, whatever they explain */
} mrq_resolved;
void mrq_resolved_clear(mrq_resolved *resolved);         /* legal on a zeroed struct */
size_t mrq_resolved_bytes(const mrq_resolved *resolved); /* that it points to */

/* What a query means that recommends or asks for similar items. Statuses as of mrq_recommend() and mrq_similar(). */
MRQ_CHECKED mrq_status mrq_query_resolve(const mrq_generation *generation, mrq_ask what, const mrq_query *query, mrq_resolved *out,
                                         mrq_error *err);

/* The row of the item that a text names: its id, its title with or without the year, or a part of it that fits one alone. */
MRQ_CHECKED mrq_status mrq_title_find(const mrq_table *items, const char *text, uint32_t *row, mrq_error *err);

/* MRQ_FAILED when the model has a history and the generation was opened without it (mrq_generation_open_plain()). */
MRQ_CHECKED mrq_status mrq_history_check(const mrq_generation *generation, mrq_error *err);

/* What the own row of a known user, or of MRQ_NONE, is the sum of; nothing where the tower has no history. */
mrq_feedback mrq_user_history(const mrq_generation *generation, uint32_t user);

/* Inside mrq_query_resolve(): the liked and disliked items of a query by `user`. What it has found by the time it fails is in
 * `out`, for mrq_query_feedback_clear(). */
MRQ_CHECKED mrq_status mrq_feedback_resolve(const mrq_generation *generation, const mrq_query *query, uint32_t user,
                                            mrq_query_feedback *out, mrq_error *err);
void mrq_query_feedback_clear(mrq_query_feedback *feedback);

/* Adds one side of it to a query's description, "liked" or "disliked", if there is any. */
void mrq_print_feedback(mrq_print *print, const mrq_query_feedback *feedback, const mrq_table *items, bool likes);

#endif
