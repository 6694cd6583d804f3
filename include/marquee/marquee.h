/* libmarquee: recommendations from a store, for programs in C and whatever calls C.
 *
 * Open a store once, ask it from as many threads as you like, and let it reload when a new generation has been published. A
 * function that can fail returns an mrq_status, fills the caller's mrq_error and changes its outputs on success only. All types are
 * opaque and set or read by name, so that they can grow without breaking a program.
 *
 *     mrq_options *options = mrq_options_new();
 *     mrq_query *query = mrq_query_new();
 *     mrq_recommender *recommender = NULL;
 *     mrq_answer *answer = NULL;
 *     mrq_error err;
 *     if (mrq_options_set(options, "store", "store", &err) == MRQ_OK &&
 *         mrq_recommender_open(options, &recommender, &err) == MRQ_OK &&
 *         mrq_query_set(query, "age", "25", &err) == MRQ_OK && mrq_query_set(query, "k", "10", &err) == MRQ_OK &&
 *         mrq_recommender_ask(recommender, MRQ_ASK_RECOMMEND, query, &answer, &err) == MRQ_OK)
 *         for (uint32_t i = 0; i < mrq_answer_size(answer); i++)
 *             printf("%s %.4f\n", mrq_answer_id(answer, i), mrq_answer_score(answer, i));
 *
 * NULL: a function that needs a pointer and gets NULL returns MRQ_USAGE with its name; one without a status does nothing, and
 * returns 0, "", NaN or NULL, as it also does for an unknown name and for an index that is too large.
 *
 * The library neither prints nor exits and installs no signal handler. It starts threads only for a batch that asks for them, and
 * to look up a host's name; they block all signals. All texts are UTF-8. A program that loads the library by dlopen() does so
 * before it starts threads: loading sets up OpenBLAS, which reads the environment. */
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
#define MRQ_REACH_MAX           10000 /* k and offset together */
#define MRQ_LIST_DEFAULT        10
#define MRQ_YEAR_MAX            9999
#define MRQ_EXCLUDE_MAX         1000
#define MRQ_FEEDBACK_MAX        10000
#define MRQ_WHERE_MAX           16
#define MRQ_EXPLAIN_ALL         UINT32_MAX
#define MRQ_RECOMMEND_BATCH_MAX 10000
#define MRQ_EVENTS_MAX          10000 /* in one call or request */
#define MRQ_MEMORY_DEFAULT      ((size_t)16 << 20)

/* --- What can be asked --- */

typedef enum mrq_ask {
    MRQ_ASK_RECOMMEND, /* the best items for a person */
    MRQ_ASK_SIMILAR,   /* the items most like the query's "item" */
    MRQ_ASK_ITEM,      /* the item whose id is the query's "item" */
    MRQ_ASK_SEARCH,    /* items by words of their titles, the query's "query" */
    MRQ_ASK_USER,      /* what the data knows of the query's "user" */
    MRQ_ASK_INFO,      /* the serving generation */
} mrq_ask;

/* A query: fields that are set by name. One thread at a time may set it; any number may ask with it. Ids are texts of 1 to 255
 * bytes.
 *
 *   age gender job   values of the users' columns of these names, and of
 *   any other name   a column of the users: category, set (members with commas between them) or number. A feature that is not
 *                    set is the user's own, or else the average user's.
 *   with             NAME=VALUE: the same, for a column that has the name of a field
 *   user             the id of a user of the data. Items that the user has rated are not answered. A user that the data does not
 *                    have is answered by what else the query says
 *   liked, disliked  the id of an item; each call adds one, up to MRQ_FEEDBACK_MAX. Replaces what the user's ratings say of the
 *                    item; is not answered.
 *   include_seen     true, false: also answers what the user has rated and what the query likes or dislikes
 *   k                how many items, 1 .. MRQ_K_MAX; default MRQ_K_DEFAULT, of a search or a user MRQ_LIST_DEFAULT
 *   offset           how many items to leave out before them; with k at most MRQ_REACH_MAX. The first k of a longer list are the
 *                    list of k
 *   show             the name of a column of the items that the document shows; each call adds one. Without it: all
 *   explain          true, false, all, or how many parts of each score to return, the largest first
 *   genre            only items of this genre; each call adds one. Items of any of them, or, with
 *   all_genres       true: of all of them
 *   year             "1994", "1990-1999", "1990-" or "-1999"; an item of unknown year is in no range
 *   where            a condition on a column of the items, "price<20", "language=en,fr", "tags!=noir": = and != for every kind,
 *                    with commas between values of which any may be it, "\," for a comma in one; < <= > >= for numbers. Each
 *                    call adds one, up to MRQ_WHERE_MAX; all must be true
 *   exclude          the id of an item that is not to be answered; each call adds one, up to MRQ_EXCLUDE_MAX
 *   order            popular, recent or trending: of a SEARCH, see below
 *   item, query      see mrq_ask and mrq_recommender_ask()
 *
 * RECOMMEND takes all but the last three; SIMILAR: item, k, offset, genre, all_genres, year, where, exclude, show; SEARCH: query,
 * order, k, offset, genre, all_genres, year, where, exclude, show; USER: user, k; ITEM: item. */
typedef struct mrq_query mrq_query;
mrq_query *mrq_query_new(void);        /* nothing is set; NULL when out of memory */
void mrq_query_free(mrq_query *query); /* NULL is legal */

/* Sets a field, or adds a value to one that may have several. MRQ_USAGE for a value that the field cannot have: the message begins
 * with the field's name, and the query is as it was. What only the data can tell is checked when it is asked. */
MRQ_CHECKED mrq_status mrq_query_set(mrq_query *query, const char *name, const char *value, mrq_error *err);

/* --- Opening a store --- */

/* Options, by name:
 *
 *   store          the folder; required
 *   memory         bytes of answers to keep in this process, of which the least recently asked are dropped first; default 0: none
 *   redis          unix:/path, host:port or redis://[user][:password@]host[:port][/database]; default: none
 *   redis_ttl      seconds that an answer stays in Redis; default 86400
 *   backend        where the items' index is kept instead of in the store: milvus://host[:port]/name, or milvuss:// for TLS, where
 *                  `marquee export --to` has put it; default: none. The answers are the same.
 *   backend_token  "user:password" or a key
 *   backend_ca     file of the certificates that are trusted; default: the system's
 *   live           the file of a database for what happens from now on; made if it does not exist; one process at a time can have
 *                  it. Default: none, and nothing can be told. See mrq_event
 *   live_size      bytes that the file may take, from 1048576; default 17179869184
 *   live_strict    true: events of unknown users and items are refused, false (default): taken
 *   deadline       milliseconds that a query may wait for the backend, 1 .. 60000; default 3000 */
typedef struct mrq_options mrq_options;
mrq_options *mrq_options_new(void);          /* NULL when out of memory */
void mrq_options_free(mrq_options *options); /* NULL is legal */
/* MRQ_USAGE for an unknown name or a value that the option cannot have. */
MRQ_CHECKED mrq_status mrq_options_set(mrq_options *options, const char *name, const char *value, mrq_error *err);

/* An open store. Any number of threads may call every function below but mrq_recommender_close() at once. */
typedef struct mrq_recommender mrq_recommender;

/* Opens the store's current generation and verifies every file of it but the model's, which no answer needs; keeps nothing of
 * `options`. Does not connect to Redis: that is done for the first query, and everything works without it. MRQ_NOT_FOUND without a
 * store, or where the backend does not have the generation; MRQ_BAD_FILE names the damaged file; MRQ_USAGE for a bad address;
 * MRQ_UNAVAILABLE when the backend does not answer. */
MRQ_CHECKED mrq_status mrq_recommender_open(const mrq_options *options, mrq_recommender **out, mrq_error *err);

/* Answers stay valid, and no thread of the library is left. Waits for a look-up of Redis's name that is under way: at most two
 * seconds for each name server and search domain of the system, as far as names come from DNS. NULL is legal. */
void mrq_recommender_close(mrq_recommender *recommender);

/* Checks which generation is current. If it has changed, opens and verifies it and lets all later calls answer from it; calls under
 * way end on the old one, which is then freed. `*changed`, which may be NULL, tells which. On failure, statuses as of
 * mrq_recommender_open(), the old one serves on. */
MRQ_CHECKED mrq_status mrq_recommender_reload(mrq_recommender *recommender, bool *changed, mrq_error *err);

/* Tells Redis how often this process's memory has answered each query, so that the nightly job knows the most frequent ones. Call
 * it every few seconds. Does nothing without Redis. */
void mrq_recommender_flush(mrq_recommender *recommender);

/* --- Answers --- */

/* An answer: hits, and the same as a JSON document. For one thread at a time; freed with mrq_answer_free(). Texts that its
 * functions return live as long as the answer. */
typedef struct mrq_answer mrq_answer;

/* Answers a query; NULL is one of which nothing is set. MRQ_USAGE for a value that the data's dictionaries do not have, a feature
 * or filter that the data has no column for, feedback that the model cannot use or that contradicts itself, more than 250,000
 * parts to explain over all items; MRQ_NOT_FOUND for an unknown item, or for an unknown user of USER. The message begins with the
 * name of the field or column, or for an unknown item with the data's noun. MRQ_UNAVAILABLE when the backend does not answer within
 * the deadline, or when the system's resolver gives its name up, if that is later.
 *
 * RECOMMEND: the person's best items.
 * SIMILAR: the items most like one, by what liking it says of a person, else by the cosine of their vectors. "item" is an id; or a
 * title, with or without its year; or a part of one title alone. MRQ_NOT_FOUND when no item matches, MRQ_USAGE when several do.
 * ITEM: an answer of one item, without a score.
 * SEARCH: items in whose titles every word of the text begins a word, in any order, ASCII letters in either case: those whose title
 * is or begins with the text first, then by how many users have rated them. An empty text: the most rated ones. No hit is no error.
 * Without scores. With an order the text may be missing, and the items are those that have the most events, whose first event (or
 * else whose year) is the newest, or that have more events of late than their share of all leads to expect; the score is the
 * number, the time in seconds or the year, or the trend. MRQ_USAGE where the data has no times for it.
 * USER: what the data knows of a user; the hits are up to k of the items that the user has rated, the liked ones first where the
 * model knows them, then by how many have rated them. Without scores.
 * INFO: the generation's name, model, index, quality, learning curve, the values that a query may name, and the store's
 * generations. No hits. MRQ_FAILED when the system keeps those from being listed. */
MRQ_CHECKED mrq_status mrq_recommender_ask(mrq_recommender *recommender, mrq_ask what, const mrq_query *query, mrq_answer **out,
                                           mrq_error *err);

/* Recommends for `n` <= MRQ_RECOMMEND_BATCH_MAX queries of one generation on up to `threads` threads, the caller's included.
 * answer[i] is the answer to query[i], or NULL: then error[i] says why, unless `error` is NULL. MRQ_USAGE for too many. */
MRQ_CHECKED mrq_status mrq_recommender_batch(mrq_recommender *recommender, const mrq_query *const *query, uint32_t n,
                                             uint32_t threads, mrq_answer **answer, mrq_error *error, mrq_error *err);

void mrq_answer_free(mrq_answer *answer); /* NULL is legal */

/* One JSON document with "schema": 1 and a line end, as `marquee --json` prints it. NULL when out of memory. */
const char *mrq_answer_json(mrq_answer *answer, size_t *size);

/* Where the answer came from: "memory", "hit" (Redis), "miss" (computed, and kept in Redis), "down" (computed, Redis did not
 * answer), "off" (computed, no Redis). */
const char *mrq_answer_cache_state(const mrq_answer *answer);

/* The generation that answered: its texts "generation" (its name), "model", "noun" and "nouns" (what people call an item and
 * several), "index", "quality" (the name of its measure); its numbers "created" (unix seconds), "items", "users", "dimensions",
 * "recall" (of the index), "quality" (its value). */
const char *mrq_answer_info_text(const mrq_answer *answer, const char *name);
double mrq_answer_info_number(const mrq_answer *answer, const char *name);

/* The user that the query named: "" and NaN without one, or for one that the data does not have. "id", or a column of the users:
 * of a category its label or value, of a number the number. */
const char *mrq_answer_user_text(const mrq_answer *answer, const char *column);
double mrq_answer_user_number(const mrq_answer *answer, const char *column);

/* Hit i, i < mrq_answer_size(): the item's id; its score, the predicted rating or affinity, not clamped to a range, NaN without
 * one; and its columns by name: of a text or category the text, of a number the number, of a set how many members and each of them.
 * */
uint32_t mrq_answer_size(const mrq_answer *answer); /* k, or fewer when fewer qualify */
const char *mrq_answer_id(const mrq_answer *answer, uint32_t i);
double mrq_answer_score(const mrq_answer *answer, uint32_t i);
const char *mrq_answer_text(const mrq_answer *answer, uint32_t i, const char *column);
double mrq_answer_number(const mrq_answer *answer, uint32_t i, const char *column);
uint32_t mrq_answer_members(const mrq_answer *answer, uint32_t i, const char *column);
const char *mrq_answer_member(const mrq_answer *answer, uint32_t i, const char *column, uint32_t m);

/* The parts of hit i's score, if the query asked to explain: what each input adds to it (a Shapley value). The parts returned,
 * `rest`, which the others add, and `base`, the average person's score, sum to the score; both are NaN without an explanation, and
 * the pointers may be NULL. A part's input is "age" and the like, "id", "history", "liked" or "disliked"; its value a feature's
 * label or value or an item's title, "" for "id"; its id that of the item or the user, "" for a feature. */
uint32_t mrq_answer_parts(const mrq_answer *answer, uint32_t i, double *base, double *rest);
const char *mrq_answer_part_input(const mrq_answer *answer, uint32_t i, uint32_t part);
const char *mrq_answer_part_value(const mrq_answer *answer, uint32_t i, uint32_t part);
const char *mrq_answer_part_id(const mrq_answer *answer, uint32_t i, uint32_t part);
double mrq_answer_part_score(const mrq_answer *answer, uint32_t i, uint32_t part);

/* --- What happens from now on --- */

/* Something that a person did, for a recommender that was opened with "live". Fields are set by name:
 *
 *   user, item  their ids; required. Either may be new
 *   kind        "like", "dislike", or an action of the data's schema; or instead
 *   value       a rating within the data's range, or a count. Where events of the data have no value, neither is needed
 *   time        seconds since 1970, up to now; default: now
 *   id          1 to 255 bytes: an event of an id that was told before changes nothing, so that telling may be repeated */
typedef struct mrq_event mrq_event;
mrq_event *mrq_event_new(void);        /* NULL when out of memory */
void mrq_event_free(mrq_event *event); /* NULL is legal */
MRQ_CHECKED mrq_status mrq_event_set(mrq_event *event, const char *name, const char *value, mrq_error *err);

/* Each of the following is on disk when it returns MRQ_OK, and counts for every query that is asked from then on. MRQ_USAGE for
 * what is wrong, or where nothing is live; MRQ_UNAVAILABLE when the database is locked by another program or too much waits;
 * MRQ_FAILED when the disk fails, with a message that begins with "no room" when it or the database is full. Then nothing has
 * changed. Several threads that call at once share a sync of the disk. */

/* Up to MRQ_EVENTS_MAX events, all or none. `*added`, which may be NULL: how many were not there already. */
MRQ_CHECKED mrq_status mrq_recommender_tell(mrq_recommender *recommender, const mrq_event *const *event, uint32_t n,
                                            uint32_t *added, mrq_error *err);

/* What was known of a user and an item no longer counts; with `item` NULL everything of the user, whom also `marquee rebuild
 * --live` leaves out of what it learns from. */
MRQ_CHECKED mrq_status mrq_recommender_forget(mrq_recommender *recommender, const char *user, const char *item, mrq_error *err);
MRQ_CHECKED mrq_status mrq_recommender_forget_event(mrq_recommender *recommender, const char *id,
                                                    mrq_error *err); /* MRQ_NOT_FOUND */

/* JSON: {"features": {"age": "25"}} replaces all that was told of a user before; {"hidden": true} takes an item out of all answers,
 * {"expires": seconds since 1970} then. */
MRQ_CHECKED mrq_status mrq_recommender_put_user(mrq_recommender *recommender, const char *user, const char *json, mrq_error *err);
MRQ_CHECKED mrq_status mrq_recommender_put_item(mrq_recommender *recommender, const char *item, const char *json, mrq_error *err);

/* --- Counts, log, errors --- */

/* What has happened since the store was opened, by name. Texts: "generation" (the serving one), "redis_problem" (the last one, or
 * ""). Numbers: "created" (of the generation, unix seconds), "items", "users", "index_bytes"; answers "memory_hits", "redis_hits",
 * "computed"; "shared" (memory hits that waited for another thread's computation); "redis_errors" (failed operations); answers in
 * memory "memory_entries", "memory_bytes", "memory_evicted"; "reloads", "reloads_refused". With "live": "live_events" (that the
 * generation does not know), "live_users", "live_items" (of which something is known), "live_changes", "live_commits",
 * "live_failed" (since it was opened), "live_bytes", "live_newest" (time of the newest event, unix seconds). */
typedef struct mrq_stats mrq_stats;
mrq_stats *mrq_recommender_stats(mrq_recommender *recommender); /* a snapshot; NULL when out of memory */
void mrq_stats_free(mrq_stats *stats);                          /* NULL is legal */
const char *mrq_stats_text(const mrq_stats *stats, const char *name);
double mrq_stats_number(const mrq_stats *stats, const char *name);

/* Calls tell(context, level, line) for each event of the library from now on, level 0 (error), 1 (warning) or 2 (information), the
 * line without time or line end; from any thread, one call at a time; it must not call the library. NULL: silence, as at first.
 * For all recommenders of the process; call it before the first is opened. */
void mrq_log_to(void (*tell)(void *context, int level, const char *line), void *context);

/* An error as a JSON document with "schema": 1 and a line end: {"schema":1,"error":{"code":"usage","message":"..."}}; freed with
 * free(). The code of a status that is none of mrq_status is "failed". NULL when out of memory. */
char *mrq_error_json(const mrq_error *error);

const char *mrq_version(void); /* of the library at run time */

#ifdef __cplusplus
}
#endif
#endif
