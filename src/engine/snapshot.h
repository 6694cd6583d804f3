/* An open generation that serves, and finished answers from it. Both are reference-counted: an answer keeps its generation open,
 * and a reload does not wait for readers. */
#ifndef MRQ_ENGINE_SNAPSHOT_H
#define MRQ_ENGINE_SNAPSHOT_H

#include <stdatomic.h>

#include "base/print.h"
#include "engine/engine.h"
#include "engine/query.h"

typedef struct mrq_snapshot {
    atomic_uint references;
    char line[64]; /* threads that count references do not slow those that read the pointers */
    mrq_generation *generation;
    uint32_t *ratings; /* (items) number of ratings; NULL: opened for one answer */
} mrq_snapshot;

/* The use that a snapshot is opened for. */
typedef enum mrq_purpose {
    MRQ_FOR_ALL,       /* many queries of all kinds */
    MRQ_FOR_LIST,      /* one list without a person */
    MRQ_FOR_ONE,       /* one query that needs the users' history */
    MRQ_FOR_ONE_PLAIN, /* one query that does not need it */
} mrq_purpose;

/* Opens the store's current generation, with the index of `backend` (NULL: its own). The caller gets a
 * reference. Statuses of mrq_generation_open_on(). */
MRQ_CHECKED mrq_status mrq_snapshot_open(const char *store, mrq_backend *backend, mrq_purpose purpose, mrq_snapshot **out,
                                         mrq_error *err);
void mrq_snapshot_release(mrq_snapshot *snapshot); /* NULL is legal */

/* Immutable except for the counts. */
typedef struct mrq_cached_answer {
    atomic_uint references;
    atomic_uint asked;      /* answers from memory that were not yet counted in Redis */
    mrq_snapshot *snapshot; /* a reference */
    mrq_content content;    /* scores are NaN if the answer has none */
    char *open;             /* the document without its end */
    size_t size;
    bool tells_cache; /* the document's end has "cache" */
    bool counts;      /* its query is counted in Redis */
} mrq_cached_answer;

/* Takes over `answer` and `open`, also on failure. MRQ_FAILED: out of memory, now or while `open` was printed. */
MRQ_CHECKED mrq_status mrq_cached_answer_new(mrq_snapshot *snapshot, mrq_content *answer, mrq_print *open, bool tells_cache,
                                             mrq_cached_answer **out, mrq_error *err);
mrq_cached_answer *mrq_cached_answer_acquire(mrq_cached_answer *cached);
void mrq_cached_answer_release(mrq_cached_answer *cached); /* NULL is legal */
size_t mrq_cached_answer_bytes(const mrq_cached_answer *cached);

/* Calls use(context, users) with the users of the serving generation, which stays open during the call. */
void mrq_recommender_users(mrq_recommender *recommender, void (*use)(void *context, const mrq_table *users), void *context);

/* The answers of mrq_recommender_ask() to ITEM, SEARCH, USER and INFO for one generation and what is newly known (`live` NULL:
 * nothing); statuses as there. The caller gets a reference. */
MRQ_CHECKED mrq_status mrq_find_item(mrq_snapshot *snapshot, const mrq_query *query, const mrq_live_view *live,
                                     mrq_cached_answer **out, mrq_error *err);
MRQ_CHECKED mrq_status mrq_find_titles(mrq_snapshot *snapshot, const mrq_query *query, const mrq_live_view *live,
                                       mrq_cached_answer **out, mrq_error *err);
MRQ_CHECKED mrq_status mrq_find_user(mrq_snapshot *snapshot, const mrq_query *query, const mrq_live_view *live,
                                     mrq_cached_answer **out, mrq_error *err);
MRQ_CHECKED mrq_status mrq_tell_generation(mrq_snapshot *snapshot, const char *store, mrq_cached_answer **out, mrq_error *err);

#endif
