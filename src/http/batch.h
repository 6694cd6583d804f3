/* Many queries in one request: the body of POST /v1/recommendations, and its answer. */
#ifndef MRQ_HTTP_BATCH_H
#define MRQ_HTTP_BATCH_H

#include "base/error.h"
#include "engine/query.h"

#define MRQ_BODY_MAX        ((size_t)1 << 20) /* 1,000 queries of 1,000 bytes each */
#define MRQ_BATCH_QUERIES   1000
#define MRQ_BATCH_EXPLAINED 100    /* queries with explain: each takes far longer than one without */
#define MRQ_BATCH_ROWS      100000 /* items and parts of scores in all answers together: about 10 MB of JSON */

typedef struct mrq_batch {
    uint32_t n;
    mrq_query *query;   /* (n) */
    mrq_error *problem; /* (n) MRQ_OK where the query could be read */
} mrq_batch;

/* Reads {"queries": [...]}. A wrong query only sets its own problem. MRQ_USAGE when the body is not such a document, has too many
 * queries or too many with explain, or asks for too many rows. */
MRQ_CHECKED mrq_status mrq_batch_read(const char *body, size_t size, mrq_batch *out, mrq_error *err);
void mrq_batch_clear(mrq_batch *batch); /* legal on a zeroed one, and twice */

/* Answers the queries on up to `threads` threads. `*out` is {"schema":1,"answers":[...]} and a line end, freed with mrq_free().
 * MRQ_FAILED when out of memory. */
MRQ_CHECKED mrq_status mrq_batch_answer(const mrq_batch *batch, mrq_recommender *recommender, uint32_t threads, char **out,
                                        size_t *size, mrq_error *err);

#endif
