/* What a request's URL says, read strictly: every parameter is known, decodes, and is given once unless it may be repeated. */
#ifndef MRQ_HTTP_PARAMS_H
#define MRQ_HTTP_PARAMS_H

#include "base/id.h"
#include "engine/query.h"

#define MRQ_URL_MAX 8192 /* bytes of path and query string */

/* Decodes an id of a path, `size` > 0 bytes as they stand there; '+' is a plus. MRQ_USAGE unless it is at most MRQ_ID_BYTES bytes
 * of UTF-8 without control characters. */
MRQ_CHECKED mrq_status mrq_params_read_id(const char *text, size_t size, char out[MRQ_ID_BYTES + 1], mrq_error *err);

/* Reads a query string, the part of a URL after the '?', into a query. Changes `text`: it is split and decoded in place. `asks` is
 * MRQ_ASKS() of what is asked, or 0 where no parameter is allowed. Ids in a list are separated by commas. MRQ_USAGE: the sentence
 * begins with the name of the wrong parameter. */
MRQ_CHECKED mrq_status mrq_params_read(mrq_query *query, uint32_t asks, char *text, mrq_error *err);

#endif
