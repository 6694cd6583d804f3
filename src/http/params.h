/* The query string of a request, read strictly: every parameter is known, decodes, and stands there once unless it may repeat. */
#ifndef MRQ_HTTP_PARAMS_H
#define MRQ_HTTP_PARAMS_H

#include "engine/query.h"

#define MRQ_URL_MAX 8192 /* bytes of path and query string */

/* Takes a query string as it stands in a URL, behind the '?', into a query; splits it where it lies. `asks`: MRQ_ASKS() of what is
 * asked, or 0 where there are no parameters. Lists of ids have commas between them. MRQ_USAGE: the sentence begins with the name of
 * the parameter that is wrong. */
MRQ_CHECKED mrq_status mrq_params_read(mrq_query *query, uint32_t asks, char *text, mrq_error *err);

#endif
