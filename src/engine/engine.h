/* The engine: a person in, the best movies out. */
#ifndef MRQ_ENGINE_ENGINE_H
#define MRQ_ENGINE_ENGINE_H

#include "cache/cache.h"
#include "store/store.h"

#define MRQ_K_DEFAULT 5
#define MRQ_K_MAX     1000

/* What is known of a person. A feature that is NULL is taken from the user's row, so it may only be missing beside a user. */
typedef struct mrq_query {
    const char *age, *gender, *job; /* as a person writes them; the columns of those names */
    int64_t user;                   /* an id of the data, or -1 */
    uint32_t k;                     /* 1 .. MRQ_K_MAX */
} mrq_query;

typedef struct mrq_recommendation {
    uint32_t movie; /* row in the generation's movies */
    double score;   /* the rating that the model predicts, not held within their range so that it orders */
} mrq_recommendation;

typedef struct mrq_answer {
    uint32_t n;               /* up to k; fewer only when fewer movies are left */
    mrq_recommendation *item; /* best first, equal scores by id */
    mrq_cache_state cache;
    mrq_cache_counts counts; /* of the cache, since it was made */
    char *query;             /* JSON object: the query as it was understood */
} mrq_answer;
void mrq_answer_clear(mrq_answer *answer); /* frees what it holds; legal on a zeroed struct */

/* Answers a query, through the cache when there is one (`cache` may be NULL). MRQ_USAGE for a value that the data's dictionaries do
 * not have or a feature that is missing, MRQ_NOT_FOUND for an unknown user: the sentence begins with the name of the mrq_query's
 * member. Movies that a known user has rated are left out. Thread-safe but for the cache. */
MRQ_CHECKED mrq_status mrq_recommend(const mrq_generation *generation, mrq_cache *cache, const mrq_query *query, mrq_answer *out,
                                     mrq_error *err);

/* The answer, or an error, as one JSON document with "schema": 1 and a line end; freed with mrq_free(). NULL when out of memory. */
char *mrq_answer_json(const mrq_generation *generation, const mrq_answer *answer);
char *mrq_error_json(const mrq_error *error);

#endif
