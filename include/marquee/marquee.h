/* libmarquee: recommendations from a store, for programs in C and whatever calls C.
 *
 * Open a store once, ask it from as many threads as you like, and let it reload when a new generation has been published. Every
 * function that can fail returns an mrq_status, fills the caller's mrq_error (NULL is legal) and leaves its outputs alone. The
 * library neither prints nor exits, installs no signal handler and starts no thread of its own but where a batch asks for some and
 * where the address of Redis or of a backend is a name, for the time it takes to look that up. They block
 * signals; those that libcurl starts to look a backend's name up block what the thread that asks does.
 *
 *     mrq_recommender *r;
 *     mrq_answer *answer;
 *     mrq_query *query = mrq_query_new();
 *     if (mrq_recommender_open(&(mrq_options){.store = "store"}, &r, &err) == MRQ_OK &&
 *         mrq_query_set(query, "age", "25", &err) == MRQ_OK && mrq_query_set(query, "k", "10", &err) == MRQ_OK &&
 *         mrq_recommender_ask(r, MRQ_ASK_RECOMMEND, query, &answer, &err) == MRQ_OK)
 *         ...
 *
 * A NULL or an index out of range crashes nothing. A NULL that no comment allows is refused with MRQ_USAGE and its name; a function
 * without a status does nothing with it, or gives nothing, as for such an index: 0, "", NaN for a score, -1 for an id, NULL for a
 * document.
 *
 * Structs are to be initialised as shown, or zeroed: members may be added with a new soname. All texts are UTF-8. Who loads the
 * library with dlopen() does so before starting threads: it sets up OpenBLAS, which reads the environment. */
#ifndef MARQUEE_MARQUEE_H
#define MARQUEE_MARQUEE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "marquee/error.h"
#include "marquee/version.h"

#ifdef __cplusplus
extern "C" {
#endif

#define MRQ_K_DEFAULT           5
#define MRQ_K_MAX               1000
#define MRQ_LIST_DEFAULT        10
#define MRQ_YEAR_MAX            9999
#define MRQ_EXCLUDE_MAX         1000
#define MRQ_FEEDBACK_MAX        10000
#define MRQ_EXPLAIN_ALL         UINT32_MAX
#define MRQ_RECOMMEND_BATCH_MAX 10000
#define MRQ_MEMORY_DEFAULT      ((size_t)16 << 20)

/* What can be asked of a store. */
typedef enum mrq_ask {
    MRQ_ASK_RECOMMEND, /* the best items for a person */
    MRQ_ASK_SIMILAR,   /* the items most like the query's "item" */
    MRQ_ASK_ITEM,      /* the item whose id is the query's "item" */
    MRQ_ASK_SEARCH,    /* items by words of their titles, the query's "query" */
    MRQ_ASK_USER,      /* what the data knows of the query's "user" */
    MRQ_ASK_INFO,      /* the serving generation */
} mrq_ask;

/* A query: fields that are set by name. For one thread at a time while it is set; any number may ask with it.
 *
 *   age gender job   values of the users' columns of these names, and of
 *   any other name   a column of the users: category, set (members with '|' between them) or number. A feature that is not set is
 *                    the user's own, or else the average user's.
 *   with             NAME=VALUE: the same, for a column that is called like a field
 *   user             the id of a user of the data. What he or she has rated is not answered.
 *   liked, disliked  the id of a item; set again, it is one more, up to MRQ_FEEDBACK_MAX. Counts instead of what the ratings
 *                    of the user say of it; is not answered.
 *   include_seen     true, false: answers also what the user has rated and what the query likes or dislikes
 *   k                how many items, 1 .. MRQ_K_MAX; without it MRQ_K_DEFAULT, of a search or a user MRQ_LIST_DEFAULT
 *   explain          true, false, all, or how many parts of each score are told, the largest first
 *   genre            only items of this genre; set again, of one or the other, or, with
 *   all_genres       true: of all of them
 *   year             "1994", "1990-1999", "1990-" or "-1999"; a item of unknown year is in no range
 *   exclude          the id of a item that is not to be answered; set again, one more, up to MRQ_EXCLUDE_MAX
 *   item, query     see mrq_ask and mrq_recommender_ask()
 *
 * To recommend knows all but the last two; similar: item, k, genre, all_genres, year, exclude; search: query, k; user: user, k;
 * item: item. */
typedef struct mrq_query mrq_query;
mrq_query *mrq_query_new(void);        /* nothing is set; NULL when out of memory */
void mrq_query_free(mrq_query *query); /* NULL is legal */

/* Sets a field, or adds a value to one that may have several. MRQ_USAGE for a value that the field cannot have: the sentence begins
 * with the field's name, and the query is as it was. What only the data can tell is said by who answers. */
MRQ_CHECKED mrq_status mrq_query_set(mrq_query *query, const char *name, const char *value, mrq_error *err);

/* An open store. Every function below but mrq_recommender_close() may be called by many threads at once. */
typedef struct mrq_recommender mrq_recommender;

typedef struct mrq_options {
    const char *store;  /* the folder */
    const char *redis;  /* unix:/path, host:port or redis://[user][:password@]host[:port][/database]; NULL: none */
    uint32_t redis_ttl; /* seconds that an answer stays there; 0: a day */
    size_t memory;      /* bytes of finished answers to keep in this process, the least recently asked go first; 0: none */
    /* Where the items' index is kept, instead of in the store: milvus://host[:port]/name, or milvuss:// for TLS, where
     * `marquee export --to` has put it; NULL: nowhere else. The answers are the same. */
    const char *backend;
    const char *backend_token; /* "user:password" or a key; NULL: none */
    const char *backend_ca;    /* file of the certificates that are trusted; NULL: the system's */
} mrq_options;

/* Opens the store's current generation and verifies every file of it but the model's, which no answer needs; nothing of `options`
 * is kept. Does not connect to Redis, which is asked when the first query comes and without which everything works. MRQ_NOT_FOUND
 * without a store, or where the backend does not have the generation; MRQ_BAD_FILE names the damaged file; MRQ_USAGE for an address
 * that makes no sense; MRQ_UNAVAILABLE when the backend is gone. */
MRQ_CHECKED mrq_status mrq_recommender_open(const mrq_options *options, mrq_recommender **out, mrq_error *err);

/* Results stay valid; no thread of the library is left. Waits for a look-up of Redis's name that is under way, at most two seconds
 * for each name server of the system, and as long again where it searches domains; a name from elsewhere than DNS takes as long as
 * its source does. NULL is legal. */
void mrq_recommender_close(mrq_recommender *recommender);

/* Looks which generation is current. When it is another, opens and verifies it and lets all later calls answer from it, while
 * those under way end on the old one, which is then freed; `*changed`, which may be NULL, says so. On failure, statuses as of
 * mrq_recommender_open(), the old one serves on. */
MRQ_CHECKED mrq_status mrq_recommender_reload(mrq_recommender *recommender, bool *changed, mrq_error *err);

/* Tells Redis how often each query was asked that this process's memory has answered, so that the nightly job knows the hottest.
 * For now and then: every few seconds, and before closing. Nothing to do without Redis. */
void mrq_recommender_flush(mrq_recommender *recommender);

/* What a call came to: items, and the same as a JSON document. For one thread at a time; freed with mrq_answer_free(). */
typedef struct mrq_answer mrq_answer;

/* Answers a query; NULL: one of which nothing is set. MRQ_USAGE for a value that the data's dictionaries do not have, a feature or
 * filter that the data has no column for, feedback that the model has no use for or that contradicts itself, more to explain than
 * 250,000 parts, told or not, over all its items; MRQ_NOT_FOUND for an unknown user or item: the sentence begins with the name of
 * the field that is wrong. MRQ_UNAVAILABLE when the backend is gone, within 3 seconds, or when the system's resolver has given its
 * name up, if that is later.
 *
 * RECOMMEND: the person's best items.
 * SIMILAR: the items most like one, by what liking it says of a person, else by the cosine of their vectors. "item" is an id; or
 * a title, with or without its year; or a part of one title alone. MRQ_NOT_FOUND when no item matches, MRQ_USAGE when several do.
 * ITEM: an answer of one item, without a score.
 * SEARCH: items in whose titles every word of the text begins a word, in any order, ASCII letters in either case: those whose
 * title is or begins with the text first, then by how many have rated them. An empty text: the most rated ones. None is no error.
 * Without scores.
 * USER: the document tells what the data knows of a user; the items are up to k of those that he or she has rated, the liked ones
 * first where the model knows them, by how many have rated them. Without scores.
 * INFO: the document tells the generation's name, model, index, quality, learning curve, which values a query may name, and what
 * generations the store has. No items. MRQ_FAILED when the system keeps those from being listed. */
MRQ_CHECKED mrq_status mrq_recommender_ask(mrq_recommender *recommender, mrq_ask what, const mrq_query *query, mrq_answer **out,
                                           mrq_error *err);

/* Recommends for `n` <= MRQ_RECOMMEND_BATCH_MAX queries of one generation on up to `threads` threads, this one among them.
 * answer[i] is the answer to query[i], or NULL: then error[i] says why, unless `error` is NULL. MRQ_USAGE for too many. */
MRQ_CHECKED mrq_status mrq_recommender_batch(mrq_recommender *recommender, const mrq_query *const *query, uint32_t n,
                                             uint32_t threads, mrq_answer **answer, mrq_error *error, mrq_error *err);

/* Counts since the store was opened. */
typedef struct mrq_stats {
    char generation[64];                        /* the name of the serving one */
    int64_t created;                            /* when it was made, unix seconds */
    uint32_t items, users;                     /* rows of its tables */
    uint64_t index_bytes;                       /* of its vectors and their index */
    uint64_t memory_hits, redis_hits, computed; /* answers by where they came from */
    uint64_t shared;                            /* of the memory's hits those that waited for another thread's computation */
    uint64_t redis_errors;                      /* operations that failed, or were not tried a moment after one that did */
    uint64_t memory_entries, memory_bytes, memory_evicted; /* answers in memory now, what they take, how many had to go */
    uint64_t reloads, reloads_refused;
    char redis_problem[256]; /* the last thing that was wrong with Redis, or "" */
} mrq_stats;
void mrq_recommender_stats(mrq_recommender *recommender, mrq_stats *out);

void mrq_answer_free(mrq_answer *answer); /* NULL is legal */

/* One JSON document with "schema": 1 and a line end, as `marquee --json` prints it; the answer's own. NULL when out of memory. */
const char *mrq_answer_json(mrq_answer *answer, size_t *size);

/* Where the answer came from: "memory", "hit" (Redis), "miss" (computed, and kept in Redis), "down" (computed, Redis did not
 * answer), "off" (computed, no Redis). */
const char *mrq_answer_cache_state(const mrq_answer *answer);

/* The generation that answered. */
const char *mrq_answer_generation(const mrq_answer *answer);

uint32_t mrq_answer_size(const mrq_answer *answer); /* items: k, or how many qualify when that is less */

/* A item of an answer; the texts are the answer's. */
typedef struct mrq_item {
    int64_t id;
    const char *title; /* "" where the data has none */
    int year;          /* 0: unknown */
    uint32_t n_genres;
    double score; /* the predicted rating or affinity, not held within a range so that it orders; NaN without one */
} mrq_item;
mrq_item mrq_answer_item(const mrq_answer *answer, uint32_t i);               /* i < mrq_answer_size() */
const char *mrq_answer_genre(const mrq_answer *answer, uint32_t i, uint32_t g); /* g < n_genres */

/* A part of a score, where the query asked to explain: what one input adds to it (a Shapley value). The parts told and `rest`, what
 * the others add, sum to the score with `base`, that of the average person; both are NaN where it did not, and may be NULL. */
typedef struct mrq_reason {
    const char *input; /* "age" and the like; "id"; "history", "liked" or "disliked" */
    const char *value; /* a feature's value or its label, a item's title; "" for an id */
    int64_t id;        /* of the item or the user; -1 for a feature */
    double score;
} mrq_reason;
uint32_t mrq_answer_reasons(const mrq_answer *answer, uint32_t i, double *base, double *rest); /* how many are told; 0: none */
mrq_reason mrq_answer_reason(const mrq_answer *answer, uint32_t i, uint32_t r);

/* An error as a JSON document with "schema": 1 and a line end: {"schema":1,"error":{"code":"usage","message":"..."}}; freed with
 * free(). A status that is none of mrq_status is told as "failed". NULL when out of memory, and for NULL. */
char *mrq_error_json(const mrq_error *error);

const char *mrq_version(void); /* of the library at run time */

#ifdef __cplusplus
}
#endif
#endif
