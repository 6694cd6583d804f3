/* Private to the index room: shared by the files for Milvus: milvus.c (protocol), milvus_upload.c and milvus_search.c. */
#ifndef MRQ_INDEX_MILVUS_H
#define MRQ_INDEX_MILVUS_H

#include <stdatomic.h>

#include "base/json.h"
#include "base/print.h"
#include "index/backend.h"
#include "index/rest.h"

#define MRQ_MILVUS_NAME          200
#define MRQ_MILVUS_HITS          16384 /* the most that a server returns */
#define MRQ_MILVUS_ASK_SECONDS   5.0
#define MRQ_MILVUS_WRITE_SECONDS 20.0

struct mrq_backend {
    mrq_rest *rest;
    char name[MRQ_MILVUS_NAME + 1];
    char label[600], server[300]; /* milvus://host:port/name, and "Milvus at host:port" */
    atomic_int version;           /* version of the interface, 1 or 2; 0: not known yet */
    double search_seconds;
    atomic_llong again; /* clock in milliseconds: after a search that timed out, the next attempt is not before this */
};

/* An operation: its path in both versions, and whether version 1 uses GET. */
typedef struct mrq_milvus_operation {
    const char *v1, *v2;
    bool get;
} mrq_milvus_operation;
extern const mrq_milvus_operation mrq_milvus_describe, mrq_milvus_create, mrq_milvus_drop, mrq_milvus_insert, mrq_milvus_query,
    mrq_milvus_search, mrq_milvus_alias_new, mrq_milvus_alias_alter;

/* The name of a collection: the backend's name, then the contents' name. */
typedef struct mrq_milvus_name {
    char text[MRQ_MILVUS_NAME + MRQ_CONTENT_SIZE + 1];
} mrq_milvus_name;
mrq_milvus_name mrq_milvus_collection(const mrq_backend *backend, const char content[MRQ_CONTENT_SIZE]);

typedef struct mrq_milvus_reply {
    cJSON *document;
    const cJSON *data; /* its member "data", or NULL */
    bool refused;      /* the server understood the request and refused it */
    bool passing;      /* the failure may be temporary */
} mrq_milvus_reply;
void mrq_milvus_reply_clear(mrq_milvus_reply *reply);
#define MRQ_MILVUS_REPLY __attribute__((cleanup(mrq_milvus_reply_clear))) mrq_milvus_reply

/* Begin the object of a request about a collection, and add members to it. */
void mrq_milvus_begin(mrq_print *body, const char *collection);
void mrq_milvus_add_whole(mrq_print *body, const char *key, int64_t value);
void mrq_milvus_add_text(mrq_print *body, const char *key, const char *value);

/* Sends a request about a collection (NULL: about none). `body` is an object that was begun and not closed; its text is freed.
 * MRQ_UNAVAILABLE when the server is down or refuses; `out->refused` and `out->passing` say which. */
MRQ_CHECKED mrq_status mrq_milvus_call(mrq_backend *backend, const mrq_milvus_operation *op, const char *collection,
                                       mrq_print *body, double seconds, mrq_milvus_reply *out, mrq_error *err);
/* The same with only the collection's name in the body. */
MRQ_CHECKED mrq_status mrq_milvus_call_plain(mrq_backend *backend, const mrq_milvus_operation *op, const char *collection,
                                             double seconds, mrq_milvus_reply *out, mrq_error *err);

/* Calls `attempt` again, after longer and longer pauses, while it fails for a temporary reason. */
MRQ_CHECKED mrq_status mrq_milvus_insist(mrq_backend *backend,
                                         mrq_status (*attempt)(mrq_backend *, const void *, mrq_milvus_reply *, mrq_error *),
                                         const void *context, mrq_error *err);

/* MRQ_UNAVAILABLE: a reply lacks a part that it should have. */
mrq_status mrq_milvus_strange(const mrq_backend *backend, const char *what, mrq_error *err);

/* list_all: the names of all collections, `out->data`, an array. exists: whether one is among them. */
MRQ_CHECKED mrq_status mrq_milvus_list_all(mrq_backend *backend, mrq_milvus_reply *out, mrq_error *err);
MRQ_CHECKED mrq_status mrq_milvus_exists(mrq_backend *backend, const char *collection, bool *out, mrq_milvus_reply *reply,
                                         mrq_error *err);

/* MRQ_UNAVAILABLE when the collection does not hold vectors of these dimensions. */
MRQ_CHECKED mrq_status mrq_milvus_check_dimensions(mrq_backend *backend, const char *collection, uint32_t dim,
                                                   mrq_milvus_reply *reply, mrq_error *err);

/* The row number of an item in a reply's object; MRQ_NONE when it is not valid. */
uint32_t mrq_milvus_row(const cJSON *object, uint32_t rows);

/* Whether a column is a field of the collection, under its own name: the name is a word that the server can read in a filter, and
 * no field that every collection has. */
bool mrq_milvus_has_field(const mrq_column *column);

/* The longest text of a field, in bytes: a longer one is cut. */
#define MRQ_MILVUS_TEXT 1000

/* The terms as a filter expression, "" when there is nothing to express; freed with mrq_free(). NULL when out of memory. Rows that
 * meet the terms pass it; what it cannot express is left out, and other rows may pass it too. */
char *mrq_milvus_filter(const mrq_terms *terms);

/* Counts the contents' rows that the server has. */
MRQ_CHECKED mrq_status mrq_milvus_count(mrq_backend *backend, const mrq_contents *contents, uint32_t *n, mrq_error *err);

#endif
