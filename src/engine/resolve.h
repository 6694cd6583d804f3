/* Resolves queries: finds their meaning for a generation. */
#ifndef MRQ_ENGINE_RESOLVE_H
#define MRQ_ENGINE_RESOLVE_H

#include "engine/filter.h"
#include "engine/query.h"
#include "live/live.h"
#include "store/store.h"

/* A feature of a person: a value of a column of the users. */
typedef struct mrq_feature {
    const mrq_column *column;
    uint32_t code; /* category */
    double number;
    uint32_t *member; /* set: (n_members) codes, ascending, distinct */
    uint32_t n_members;
    char *words; /* set: its members as a query names them, "chess,music" */
} mrq_feature;

/* What is newly known of the query's user, and which items are gone: what counts beside the generation. */
typedef struct mrq_live_view {
    mrq_live_person person;
    uint32_t n_gone;
    const uint32_t *gone; /* (n_gone) rows of the items that are hidden or have expired, ascending; borrowed */
    uint64_t gone_digest; /* of these; 0: none */
} mrq_live_view;

/* Whether an item is gone; `live` may be NULL. */
bool mrq_live_gone(const mrq_live_view *live, uint32_t row);

/* Who says what feedback says. */
typedef enum mrq_sayer {
    MRQ_BY_QUERY,
    MRQ_BY_EVENT, /* a live one */
    MRQ_BY_ERASE, /* nobody any more */
} mrq_sayer;

/* The liked and disliked items of a query, and of live events. */
typedef struct mrq_query_feedback {
    uint32_t n;
    uint32_t *item; /* (n) rows, ascending, distinct */
    mrq_sayer *by;  /* (n) */
    float *given; /* (n) MRQ_LIKES, MRQ_DISLIKES or 0, where the order counts times the recency: the query names the newest last */
    float *net;   /* (n) `given` minus the item's strength in the user's history: what must be added to that */
    uint32_t *order; /* (n) the items' places above, as they are printed: in the query's order if it counts */
    uint32_t n_had;
    uint32_t *had; /* (n_had) rows that live events are of, but of which they say nothing */
    uint32_t n_aged;
    float *aged; /* (n_aged) the strengths of the user's whole history if the query's likes make it older; NULL: as stored */
} mrq_query_feedback;

typedef struct mrq_resolved {
    uint32_t user;  /* row of the users, or MRQ_NONE */
    char *stranger; /* the id of a user that the data does not have; NULL: none */
    uint32_t item;  /* row of the item to find similar ones to, or MRQ_NONE */
    uint32_t k, offset, explain;
    mrq_order order; /* of a list without a person */
    uint32_t n_shown;
    const mrq_column *shown[MRQ_SHOW_MAX]; /* columns of the items to show */
    uint32_t n_features;
    mrq_feature *feature; /* (n_features) sorted by name of column */
    uint32_t n_values;
    uint32_t *value;      /* (n_values, branches of the tower) MRQ_NONE: the average user's; of a set: MRQ_GIVEN */
    mrq_members *members; /* (n_values) of sets, in `feature` */
    mrq_query_feedback feedback;
    bool met;      /* something is newly known of the user */
    uint64_t live; /* digest of what is newly known; 0: nothing */
    mrq_selection selection;
    bool include_seen; /* true only if the query names a user or feedback */
    char *text; /* JSON object: the query as it was understood; equal for queries with the same hits, whatever they explain */
} mrq_resolved;
void mrq_resolved_clear(mrq_resolved *resolved);         /* legal on a zeroed struct */
size_t mrq_resolved_bytes(const mrq_resolved *resolved); /* memory that it points to */

/* Resolves a query for recommendations, similar items or a list without a person; `live` NULL: nothing is newly known. Statuses as
 * of mrq_recommend() and mrq_similar(). */
MRQ_CHECKED mrq_status mrq_query_resolve(const mrq_generation *generation, mrq_ask what, const mrq_query *query,
                                         const mrq_live_view *live, mrq_resolved *out, mrq_error *err);

/* Finds the row of an item by its id, its title with or without the year, or a part of a title that matches only one item. */
MRQ_CHECKED mrq_status mrq_title_find(const mrq_table *items, const char *text, uint32_t *row, mrq_error *err);

/* The number of hits to find among `n` rows that qualify, those before the offset included. */
static inline uint32_t mrq_resolved_reach(const mrq_resolved *resolved, uint32_t n)
{
    const uint32_t reach = resolved->k + resolved->offset;
    return reach < n ? reach : n;
}

/* Removes the hits before the offset; returns the number of hits left. */
uint32_t mrq_resolved_page(const mrq_resolved *resolved, mrq_hit *hits, uint32_t n);

/* MRQ_FAILED if the model has a history and the generation was opened without it. */
MRQ_CHECKED mrq_status mrq_history_check(const mrq_generation *generation, mrq_error *err);

/* The items whose rows add up to the user's row; none for MRQ_NONE, or if the tower has no history. */
mrq_feedback mrq_user_history(const mrq_generation *generation, uint32_t user);

/* The history of the query's user, aged by what the query likes. */
mrq_feedback mrq_person_history(const mrq_generation *generation, const mrq_resolved *resolved);

/* A step of mrq_query_resolve(): the liked and disliked items of a query for `user`, after those of live events. On failure the
 * caller must call mrq_query_feedback_clear() on `out`. */
MRQ_CHECKED mrq_status mrq_feedback_resolve(const mrq_generation *generation, const mrq_query *query, uint32_t user,
                                            const mrq_live_person *live, mrq_query_feedback *out, mrq_error *err);
void mrq_query_feedback_clear(mrq_query_feedback *feedback);

/* Adds the members of a set: "value":["chess","music"]. */
void mrq_print_members(mrq_print *print, const mrq_feature *feature);

/* Adds the liked or the disliked items to a query's JSON, if there are any. */
void mrq_print_feedback(mrq_print *print, const mrq_query_feedback *feedback, const mrq_table *items, bool likes);

#endif
