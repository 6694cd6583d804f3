/* The engine: finds the best items for a person, or those most similar to an item. */
#ifndef MRQ_ENGINE_ENGINE_H
#define MRQ_ENGINE_ENGINE_H

#include "cache/cache.h"
#include "engine/resolve.h"
#include "marquee/marquee.h"
#include "store/store.h"

#define MRQ_PARTS_MAX   250000 /* of the explanations of one answer together */
#define MRQ_SHAPLEY_MAX 12     /* inputs of a tower that is not linear: all their subsets are computed */

typedef struct mrq_recommendation {
    uint32_t item; /* row in the generation's items */
    double score;  /* predicted rating, not clipped to the range of ratings so that the order is kept; or cosine */
} mrq_recommendation;

/* One input's part of a score. */
typedef struct mrq_score_part {
    const char *input; /* "age" and the like; "id"; "history", "liked" or "disliked" */
    enum { MRQ_PART_FEATURE, MRQ_PART_USER, MRQ_PART_ITEM } kind;
    uint32_t
        value; /* feature: code of the users' column of that name, of a set the place in the query's features; user, item: row */
    double score;
} mrq_score_part;

/* Why each item of an answer has its score: base + Σ parts + rest = score, except for rounding.
 *
 * The base is the score for an average person: each feature's rows averaged over the users, the row of the unknown user, no
 * feedback. A part is the Shapley value of its input (Shapley 1953, "A value for n-person games"; for predictions Strumbelj and
 * Kononenko 2014, doi:10.1007/s10115-013-0679-x): how much the score changes when the input replaces the average, averaged over all
 * orders in which the inputs can do so. In a linear tower with an inner product, that is the input's inner product minus the
 * average's, and a user's part is split into the items of the user's history. For other towers all subsets of the inputs are
 * computed. */
typedef struct mrq_explanation {
    uint32_t n;           /* parts of each item: the number that the query asks for, or fewer if the person has fewer inputs */
    double *base;         /* (items of the answer) */
    double *rest;         /* (items of the answer) sum of the parts left out; NULL: none are left out */
    mrq_score_part *part; /* (items of the answer, n) by size, the largest first */
} mrq_explanation;

typedef struct mrq_content {
    uint32_t n;              /* k, or the number of items that pass the filters, without the offset, if that is smaller */
    mrq_recommendation *hit; /* best first, equal scores by id */
    mrq_cache_state cache;
    mrq_resolved query;  /* as it was understood; zeroed if there was none */
    mrq_explanation why; /* base and part are NULL unless the query asks to explain */
} mrq_content;
void mrq_content_clear(mrq_content *answer); /* frees its parts; legal on a zeroed struct */

/* Answers a query with what is newly known (`live` NULL: nothing), from the cache if `cache` is not NULL and has the answer; the
 * cache also counts the query. MRQ_USAGE for a value that the data's dictionaries do not have, a filter that the data has no
 * column for, feedback that the model cannot use or that contradicts itself, or an explanation beyond the limits above;
 * MRQ_NOT_FOUND for an unknown item in feedback. These messages begin with the name of the field. MRQ_FAILED for feedback or an
 * explanation if the generation was opened without its history. Thread-safe, except that a cache may be used by one thread at a
 * time. */
MRQ_CHECKED mrq_status mrq_recommend(const mrq_generation *generation, mrq_cache *cache, const mrq_query *query,
                                     const mrq_live_view *live, mrq_content *out, mrq_error *err);

/* The items most similar to one item, without itself. If the model has a history and a user likes the item: those whose scores rise
 * most if a person likes it. Otherwise by the cosine of the item tower's vectors. For the query's item see mrq_recommender_ask().
 * MRQ_NOT_FOUND if no item matches, MRQ_USAGE if several do; the message lists the first of them. Other statuses as of
 * mrq_recommend(). Thread-safe. */
MRQ_CHECKED mrq_status mrq_similar(const mrq_generation *generation, const mrq_query *query, const mrq_live_view *live,
                                   mrq_content *out, mrq_error *err);

/* Computes this generation's answers to up to `n` of the most frequent queries that the cache has counted, for any generation,
 * and stores them in the cache; then ages the counts. `*warmed` is the number of stored answers. A query that is not valid for this
 * generation is skipped. If Redis fails, it ends at once, with success. `cache` NULL: nothing to do. Fails if out of memory, or if
 * the generation cannot answer. */
MRQ_CHECKED mrq_status mrq_warm(const mrq_generation *generation, mrq_cache *cache, uint32_t n, uint32_t *warmed, mrq_error *err);

#endif
