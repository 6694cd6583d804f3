/* What a query means to a generation. */
#ifndef MRQ_ENGINE_QUERY_H
#define MRQ_ENGINE_QUERY_H

#include "engine/filter.h"

typedef struct mrq_resolved {
    uint32_t user; /* row of the users, or MRQ_NONE */
    uint32_t k;
    uint32_t *value; /* (branches of the tower) */
    mrq_selection selection;
    bool include_seen; /* only of a known user */
    char *text;        /* JSON object: the query as it was understood; equal for queries that mean the same */
} mrq_resolved;
void mrq_resolved_clear(mrq_resolved *resolved); /* legal on a zeroed struct */

/* Statuses as of mrq_recommend(). */
MRQ_CHECKED mrq_status mrq_query_resolve(const mrq_generation *generation, const mrq_query *query, mrq_resolved *out,
                                         mrq_error *err);

#endif
