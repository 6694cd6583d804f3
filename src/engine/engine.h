/* The engine: a person or an item in, the best items out. */
#ifndef MRQ_ENGINE_ENGINE_H
#define MRQ_ENGINE_ENGINE_H

#include "cache/cache.h"
#include "engine/resolve.h"
#include "marquee/marquee.h"
#include "store/store.h"

#define MRQ_PARTS_MAX   250000 /* of the explanations of one answer together */
#define MRQ_SHAPLEY_MAX 12     /* inputs of a tower that is not linear, of which every subset is tried */

typedef struct mrq_recommendation {
    uint32_t item; /* row in the generation's items */
    double score;  /* the rating that the model predicts, not held within their range so that it orders; or the cosine */
} mrq_recommendation;

/* What one input adds to a score. */
typedef struct mrq_score_part {
    const char *input; /* "age" and the like; "id"; "history", "liked" or "disliked" */
    enum { MRQ_PART_FEATURE, MRQ_PART_USER, MRQ_PART_ITEM } kind;
    uint32_t value; /* feature: code of the users' column of that name; user: row; item: row */
    double score;
} mrq_score_part;

/* Why each item of an answer has its score: base + Σ parts + rest = score, but for rounding.
 *
 * The base is the score by the average person of whom nothing is known: each feature's rows averaged over the users, the unknown
 * user's row, no feedback. A part is its input's Shapley value (Shapley 1953, "A value for n-person games"; for predictions
 * Strumbelj and Kononenko 2014, doi:10.1007/s10115-013-0679-x): what it adds to the score when it takes the average's place, on
 * average over all orders in which the inputs can do so. In a linear tower under an inner product that is the input's own inner
 * product less the average's, and there a user's part is split into the items of the history. Else all subsets of the inputs are
 * gone through. */
typedef struct mrq_explanation {
    uint32_t n;   /* parts told of each item: as many as the query asks for, or as there are: what is known of the person and is an
                 * input of the tower */
    double *base; /* (items of the answer) */
    double *rest; /* (items of the answer) what the parts that are not told add; NULL: all are told */
    mrq_score_part *part; /* (items of the answer, n) those of an item by size, the largest first */
} mrq_explanation;

typedef struct mrq_content {
    uint32_t n;              /* k, or the number of items that qualify when that is less */
    mrq_recommendation *hit; /* best first, equal scores by id */
    mrq_cache_state cache;
    mrq_resolved query;  /* as it was understood; zeroed where there was none */
    mrq_explanation why; /* base and part are NULL unless the query asks to explain */
} mrq_content;
void mrq_content_clear(mrq_content *answer); /* frees what it holds; legal on a zeroed struct */

/* Answers a query, through the cache when there is one (`cache` may be NULL), which also counts it as asked. MRQ_USAGE for a value
 * that the data's dictionaries do not have, a filter that the data has no column for, feedback that the
 * model has no use for or that contradicts itself, or more to explain than the limits above; MRQ_NOT_FOUND for an unknown user
 * or an unknown item in feedback: the sentence begins with the name of the field. MRQ_FAILED for a
 * feedback or an explanation of a generation that was opened without its history.
 * Thread-safe but for the cache. */
MRQ_CHECKED mrq_status mrq_recommend(const mrq_generation *generation, mrq_cache *cache, const mrq_query *query, mrq_content *out,
                                     mrq_error *err);

/* The items most like one, without itself: those whose score it raises most that a person likes the one, where the model has a
 * history and somebody does; else by the cosine of the item tower's vectors. Of the query's item, see mrq_recommender_ask().
 * MRQ_NOT_FOUND when no item matches, MRQ_USAGE when several do: the sentence lists the first of them. Other statuses as of
 * mrq_recommend(). Thread-safe. */
MRQ_CHECKED mrq_status mrq_similar(const mrq_generation *generation, const mrq_query *query, mrq_content *out, mrq_error *err);

/* Computes the answers of `generation` to up to `n` of the queries that were asked most through the cache, whatever the generation
 * they were asked of, and keeps them there; then ages the counts. `*warmed` counts the answers kept. A query that makes no sense to
 * this generation is skipped; with the first operation that finds Redis down it ends, successfully. `cache` NULL: nothing to do.
 * Fails for want of memory and for a generation that cannot answer. */
MRQ_CHECKED mrq_status mrq_warm(const mrq_generation *generation, mrq_cache *cache, uint32_t n, uint32_t *warmed, mrq_error *err);

#endif
