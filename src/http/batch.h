/* Many queries in one request: the body of POST /v1/recommendations, and its answer. */
#ifndef MRQ_HTTP_BATCH_H
#define MRQ_HTTP_BATCH_H

#include "base/error.h"
#include "engine/query.h"

#define MRQ_BODY_MAX      ((size_t)1 << 20) /* 1,000 queries of 1,000 bytes each */
#define MRQ_BATCH_QUERIES 1000
#define MRQ_BATCH_EXPLAINED                                                                                                        \
    100 /* queries of a batch that may ask for parts of scores: each takes far longer than one that does not */
#define MRQ_BATCH_ROWS 100000 /* items and parts of scores that all answers may hold together: some 10 MB of JSON */

typedef struct mrq_batch {
    uint32_t n;
    mrq_query *query;   /* (n) */
    mrq_error *problem; /* (n) MRQ_OK where the query could be read */
} mrq_batch;

/* Reads {"queries": [...]}. A query that is wrong is a problem of its own; MRQ_USAGE for a body that is no such document, that
 * holds too many queries or too many explained ones, or that asks for too much. */
MRQ_CHECKED mrq_status mrq_batch_read(const char *body, size_t size, mrq_batch *out, mrq_error *err);
void mrq_batch_clear(mrq_batch *batch); /* legal on a zeroed one, and twice */

/* Asks the recommender on up to `threads` threads. `*out` is {"schema":1,"answers":[...]} and a line end, to be freed with
 * mrq_free(). MRQ_FAILED when out of memory. */
MRQ_CHECKED mrq_status mrq_batch_answer(const mrq_batch *batch, mrq_recommender *recommender, uint32_t threads, char **out,
                                        size_t *size, mrq_error *err);

#endif
