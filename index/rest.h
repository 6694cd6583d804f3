/* Requests over HTTP with JSON bodies, each with a deadline, over connections that are kept alive: libcurl, loaded when the first
 * server is made. */
#ifndef MRQ_INDEX_REST_H
#define MRQ_INDEX_REST_H

#include <stddef.h>

#include "base/error.h"
#include "base/memory.h"

#define MRQ_REST_REPLY_MAX ((size_t)32 << 20) /* bytes; longer replies are cut off */

typedef struct mrq_rest mrq_rest; /* thread-safe */

/* `base` is "http://host:port"; `label` names the server in messages; `token` (may be NULL) is sent as a bearer token; `ca` (may be
 * NULL) is a file of trusted certificates. MRQ_FAILED when libcurl is not installed. */
MRQ_CHECKED mrq_status mrq_rest_new(const char *base, const char *label, const char *token, const char *ca, mrq_rest **out,
                                    mrq_error *err);
void mrq_rest_free(mrq_rest *rest); /* NULL is allowed */

typedef struct mrq_rest_reply {
    long code; /* HTTP status */
    char *body;
    size_t size, capacity;
} mrq_rest_reply;
void mrq_rest_reply_clear(mrq_rest_reply *reply); /* a zeroed one is allowed */

/* Sends a GET, or a POST if there is a body, and waits at most `seconds` for the whole reply. MRQ_UNAVAILABLE when no complete
 * reply arrived; a reply with any HTTP status is a success. */
MRQ_CHECKED mrq_status mrq_rest_call(mrq_rest *rest, const char *path, const char *body, double seconds, mrq_rest_reply *out,
                                     mrq_error *err);

#endif
