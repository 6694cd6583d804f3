/* The engine: a person or a movie in, the best movies out. */
#ifndef MRQ_ENGINE_ENGINE_H
#define MRQ_ENGINE_ENGINE_H

#include "cache/cache.h"
#include "store/store.h"

#define MRQ_K_DEFAULT   5
#define MRQ_K_MAX       1000
#define MRQ_YEAR_MAX    9999
#define MRQ_EXCLUDE_MAX 1000

/* Which movies may be answered. Zeroed: all, but for those that a known user has rated. */
typedef struct mrq_filters {
    const char *const *genre; /* (n_genres) names; movies that have one of them, or all of them */
    uint32_t n_genres;
    bool all_genres;
    int year_from, year_to; /* both inclusive, 1 .. MRQ_YEAR_MAX, 0: open; a movie of unknown year is in no range */
    const int64_t *exclude; /* (n_exclude <= MRQ_EXCLUDE_MAX) ids of movies */
    uint32_t n_exclude;
    bool include_seen; /* also what the user has rated */
} mrq_filters;

/* What is known of a person. A feature that is NULL is taken from the user's row, so it may only be missing beside a user. */
typedef struct mrq_query {
    const char *age, *gender, *job; /* as a person writes them; the columns of those names */
    int64_t user;                   /* an id of the data, or -1 */
    uint32_t k;                     /* 1 .. MRQ_K_MAX */
    mrq_filters filters;
} mrq_query;

typedef struct mrq_recommendation {
    uint32_t movie; /* row in the generation's movies */
    double score;   /* the rating that the model predicts, not held within their range so that it orders; or the cosine */
} mrq_recommendation;

typedef struct mrq_answer {
    uint32_t n;               /* k, or the number of movies that qualify when that is less */
    mrq_recommendation *item; /* best first, equal scores by id */
    mrq_cache_state cache;
    mrq_cache_counts counts; /* of the cache, since it was made */
    char *query;             /* JSON object: the query as it was understood */
} mrq_answer;
void mrq_answer_clear(mrq_answer *answer); /* frees what it holds; legal on a zeroed struct */

/* Answers a query, through the cache when there is one (`cache` may be NULL), which also counts it as asked. MRQ_USAGE for a value
 * that the data's dictionaries do not have, a feature that is missing or a filter that the data has no column for, MRQ_NOT_FOUND
 * for an unknown user or an unknown movie to exclude: the sentence begins with the name of the member of mrq_query or mrq_filters.
 * Thread-safe but for the cache. */
MRQ_CHECKED mrq_status mrq_recommend(const mrq_generation *generation, mrq_cache *cache, const mrq_query *query, mrq_answer *out,
                                     mrq_error *err);

/* The `k` movies most like one, by the cosine of the movie tower's vectors, without itself. `movie` is an id; or a title, with or
 * without its year; or a part of one title alone. Letters of ASCII match in either case. Of the filters, include_seen means nothing
 * here. MRQ_NOT_FOUND when no movie matches, MRQ_USAGE when several do: the sentence lists the first of them. Other statuses as of
 * mrq_recommend(). Thread-safe. */
MRQ_CHECKED mrq_status mrq_similar(const mrq_generation *generation, const char *movie, uint32_t k, const mrq_filters *filters,
                                   mrq_answer *out, mrq_error *err);

/* Computes the answers of `generation` to up to `n` of the queries that were asked most through the cache, whatever the generation
 * they were asked of, and keeps them there; then ages the counts. `*warmed` counts the answers kept. A query that makes no sense to
 * this generation is skipped; with the first operation that finds Redis down it ends, successfully. `cache` NULL: nothing to do.
 * Fails for want of memory and for a generation that cannot answer. */
MRQ_CHECKED mrq_status mrq_warm(const mrq_generation *generation, mrq_cache *cache, uint32_t n, uint32_t *warmed, mrq_error *err);

/* Reads years as a person writes them, "1994", "1990-1999", "1990-" or "-1999", into `filters`. MRQ_USAGE. */
MRQ_CHECKED mrq_status mrq_years_parse(const char *text, mrq_filters *filters, mrq_error *err);

/* The answer, or an error, as one JSON document with "schema": 1 and a line end; freed with mrq_free(). NULL when out of memory. */
char *mrq_answer_json(const mrq_generation *generation, const mrq_answer *answer);
char *mrq_error_json(const mrq_error *error);

#endif
