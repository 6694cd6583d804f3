/* Inside the engine: an open generation that serves, and the finished answers made of it. Both are shared by counting who holds
 * them, as a generation must outlive its last answer and no reload waits for a reader. */
#ifndef MRQ_ENGINE_SERVING_H
#define MRQ_ENGINE_SERVING_H

#include <stdatomic.h>

#include "base/print.h"
#include "engine/engine.h"
#include "engine/query.h"

typedef struct mrq_answers mrq_answers;

typedef struct mrq_serving {
    atomic_uint holders;
    mrq_generation *generation;
    uint32_t *ratings;    /* (movies) how many users have rated each; NULL: opened for one answer */
    mrq_answers *answers; /* in memory; NULL: none are kept */
} mrq_serving;

/* What it is opened for. */
typedef enum mrq_purpose {
    MRQ_FOR_ALL,       /* all that can be asked, by many */
    MRQ_FOR_ONE,       /* one answer of the history */
    MRQ_FOR_ONE_PLAIN, /* one answer that needs no history */
} mrq_purpose;

/* Opens the store's current generation, with the index of `backend` (NULL: its own); `memory` bytes are for its answers, and each
 * that has to go is counted in `evicted`. Held by the caller. Statuses of mrq_generation_open_on(). */
MRQ_CHECKED mrq_status mrq_serving_open(const char *store, mrq_backend *backend, mrq_purpose purpose, size_t memory,
                                        atomic_ullong *evicted, mrq_serving **out, mrq_error *err);
void mrq_serving_release(mrq_serving *serving); /* NULL is legal */

/* Immutable but for the counts. */
typedef struct mrq_finished {
    atomic_uint holders;
    atomic_uint asked;    /* how often the memory answered with it since that was told to Redis */
    mrq_serving *serving; /* held */
    mrq_answer answer;    /* scores are NaN where there are none;  */
    char *open;           /* the document but for its end */
    size_t size;
    bool tells_cache; /* the document ends with where it came from */
    bool counts;      /* Redis is to know how often its query was asked */
} mrq_finished;

/* Takes over `answer` and `open`, also on failure. MRQ_FAILED: out of memory, be it while `open` was printed. */
MRQ_CHECKED mrq_status mrq_finished_new(mrq_serving *serving, mrq_answer *answer, mrq_print *open, bool tells_cache,
                                        mrq_finished **out, mrq_error *err);
mrq_finished *mrq_finished_hold(mrq_finished *finished);
void mrq_finished_release(mrq_finished *finished); /* NULL is legal */
size_t mrq_finished_bytes(const mrq_finished *finished);

/* Calls back with the users of the generation that serves, which stay open that long. */
void mrq_recommender_users(mrq_recommender *recommender, void (*tell)(void *context, const mrq_table *users), void *context);

/* What mrq_recommender_ask() answers ITEM, SEARCH, USER and INFO with, of one generation; statuses as there. Held by the caller. */
MRQ_CHECKED mrq_status mrq_find_movie(mrq_serving *serving, const mrq_query *query, mrq_finished **out, mrq_error *err);
MRQ_CHECKED mrq_status mrq_find_titles(mrq_serving *serving, const mrq_query *query, mrq_finished **out, mrq_error *err);
MRQ_CHECKED mrq_status mrq_find_user(mrq_serving *serving, const mrq_query *query, mrq_finished **out, mrq_error *err);
MRQ_CHECKED mrq_status mrq_tell_generation(mrq_serving *serving, const char *store, mrq_finished **out, mrq_error *err);

#endif
