/* Requests over HTTP with JSON bodies, each with a deadline, over connections that are kept alive: libcurl, loaded when the first
 * server is made. */
#ifndef MRQ_INDEX_REST_H
#define MRQ_INDEX_REST_H

#include <stddef.h>

#include "base/error.h"
#include "base/memory.h"

#define MRQ_REST_REPLY_MAX ((size_t)32 << 20) /* bytes of a reply; a longer one is not read to its end */

typedef struct mrq_rest mrq_rest; /* safe for many threads */

/* `base` is "http://host:port"; `label` names the server in messages; `token` (may be NULL) goes into each request as its bearer;
 * `ca` (may be NULL) is a file of trusted certificates. MRQ_FAILED where libcurl is not installed. */
MRQ_CHECKED mrq_status mrq_rest_new(const char *base, const char *label, const char *token, const char *ca, mrq_rest **out,
                                    mrq_error *err);
void mrq_rest_free(mrq_rest *rest); /* NULL is legal */

typedef struct mrq_rest_reply {
    long code; /* HTTP's */
    char *body;
    size_t size, capacity;
} mrq_rest_reply;
void mrq_rest_reply_clear(mrq_rest_reply *reply); /* legal on a zeroed one */

/* GET, or POST where there is a body. The whole of it ends within `seconds`. MRQ_UNAVAILABLE when no whole reply came; whatever
 * HTTP's code says is a reply. */
MRQ_CHECKED mrq_status mrq_rest_call(mrq_rest *rest, const char *path, const char *body, double seconds, mrq_rest_reply *out,
                                     mrq_error *err);

#endif
