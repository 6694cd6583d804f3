/* The head of a request: whether everybody reads the same request in it. */
#ifndef MRQ_HTTP_HEAD_H
#define MRQ_HTTP_HEAD_H

#include <stdbool.h>
#include <stddef.h>

#include "http/mhd.h"

/* Whether a proxy before us sees the same request in these bytes as we do. `uri` is the target, of `uri_size` bytes, as the
 * callback for it was given it; `method` and `version` as the handler was. */
bool mrq_head_is_plain(struct MHD_Connection *connection, const char *method, const char *uri, size_t uri_size,
                       const char *version);

/* Whether this thread reads requests: set while libmicrohttpd is at work in it, but not while we ask others. */
extern _Thread_local bool mrq_head_reads;

/* Tries two requests of its own. MRQ_FAILED when the libmicrohttpd that was loaded is one whose requests cannot be judged so. */
MRQ_CHECKED mrq_status mrq_head_check(mrq_error *err);

#endif
