/* The head of a request: whether everybody reads the same request in it, and for which host it is. */
#ifndef MRQ_HTTP_HEAD_H
#define MRQ_HTTP_HEAD_H

#include <stdbool.h>
#include <stddef.h>

#include "http/mhd.h"

/* Whether a proxy before us sees the same request in these bytes as we do. `uri` is the target, of `uri_size` bytes, as the
 * callback for it was given it; `method` and `version` as the handler was. */
bool mrq_head_is_plain(struct MHD_Connection *connection, const char *method, const char *uri, size_t uri_size,
                       const char *version);

#endif
