/* Inside the engine: an open generation that serves, and the cached answers made of it. Both are shared by counting who holds
 * them, as a generation must outlive its last answer and no reload waits for a reader. */
#ifndef MRQ_ENGINE_SNAPSHOT_H
#define MRQ_ENGINE_SNAPSHOT_H

#include <stdatomic.h>

#include "base/print.h"
#include "engine/engine.h"
#include "engine/query.h"

typedef struct mrq_answer_cache mrq_answer_cache;

typedef struct mrq_snapshot {
    atomic_uint references;
    mrq_generation *generation;
    uint32_t *ratings;         /* (items) how many users have rated each; NULL: opened for one answer */
    mrq_answer_cache *answers; /* in memory; NULL: none are kept */
} mrq_snapshot;

/* What it is opened for. */
typedef enum mrq_purpose {
    MRQ_FOR_ALL,       /* all that can be asked, by many */
    MRQ_FOR_ONE,       /* one answer of the history */
    MRQ_FOR_ONE_PLAIN, /* one answer that needs no history */
} mrq_purpose;

/* Opens the store's current generation, with the index of `backend` (NULL: its own); `memory` bytes are for its answers, and each
 * that has to go is counted in `evicted`. Held by the caller. Statuses of mrq_generation_open_on(). */
MRQ_CHECKED mrq_status mrq_snapshot_open(const char *store, mrq_backend *backend, mrq_purpose purpose, size_t memory,
                                         atomic_ullong *evicted, mrq_snapshot **out, mrq_error *err);
void mrq_snapshot_release(mrq_snapshot *snapshot); /* NULL is legal */

/* Immutable but for the counts. */
typedef struct mrq_cached_answer {
    atomic_uint references;
    atomic_uint asked;      /* how often the memory answered with it since that was told to Redis */
    mrq_snapshot *snapshot; /* held */
    mrq_content content;    /* scores are NaN where there are none */
    char *open;             /* the document but for its end */
    size_t size;
    bool tells_cache; /* the document ends with where it came from */
    bool counts;      /* Redis is to know how often its query was asked */
} mrq_cached_answer;

/* Takes over `answer` and `open`, also on failure. MRQ_FAILED: out of memory, be it while `open` was printed. */
MRQ_CHECKED mrq_status mrq_cached_answer_new(mrq_snapshot *snapshot, mrq_content *answer, mrq_print *open, bool tells_cache,
                                             mrq_cached_answer **out, mrq_error *err);
mrq_cached_answer *mrq_cached_answer_acquire(mrq_cached_answer *cached);
void mrq_cached_answer_release(mrq_cached_answer *cached); /* NULL is legal */
size_t mrq_cached_answer_bytes(const mrq_cached_answer *cached);

/* Calls back with the users of the generation that serves, which stay open that long. */
void mrq_recommender_users(mrq_recommender *recommender, void (*tell)(void *context, const mrq_table *users), void *context);

/* What mrq_recommender_ask() answers ITEM, SEARCH, USER and INFO with, of one generation; statuses as there. Held by the caller. */
MRQ_CHECKED mrq_status mrq_find_item(mrq_snapshot *snapshot, const mrq_query *query, mrq_cached_answer **out, mrq_error *err);
MRQ_CHECKED mrq_status mrq_find_titles(mrq_snapshot *snapshot, const mrq_query *query, mrq_cached_answer **out, mrq_error *err);
MRQ_CHECKED mrq_status mrq_find_user(mrq_snapshot *snapshot, const mrq_query *query, mrq_cached_answer **out, mrq_error *err);
MRQ_CHECKED mrq_status mrq_tell_generation(mrq_snapshot *snapshot, const char *store, mrq_cached_answer **out, mrq_error *err);

#endif
