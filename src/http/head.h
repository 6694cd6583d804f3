/* Checks the head of a request: whether every reader sees the same request in it. */
#ifndef MRQ_HTTP_HEAD_H
#define MRQ_HTTP_HEAD_H

#include <stdbool.h>
#include <stddef.h>

#include "http/mhd.h"

/* Whether a proxy sees the same request in these bytes as libmicrohttpd. `uri` is the target, `uri_size` bytes, as libmicrohttpd
 * passed it to the callback for the target; `method` and `version` are what it passed to the handler. */
bool mrq_head_is_plain(struct MHD_Connection *connection, const char *method, const char *uri, size_t uri_size,
                       const char *version);

/* Whether recv() in this thread reads requests: set while libmicrohttpd runs, but not while a request is being answered, which may
 * read from Redis or a backend. */
extern _Thread_local bool mrq_head_reads;

/* Tries two requests. MRQ_FAILED when the loaded libmicrohttpd stores requests in a way that mrq_head_is_plain() cannot check. */
MRQ_CHECKED mrq_status mrq_head_check(mrq_error *err);

#endif
