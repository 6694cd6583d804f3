/* The description of the service's routes, by the OpenAPI 3.0.3 specification. */
#ifndef MRQ_HTTP_OPENAPI_H
#define MRQ_HTTP_OPENAPI_H

#include <stddef.h>

#include "marquee/marquee.h"

/* The document with a line end, for the generation that serves; `*text` is freed with mrq_free(). MRQ_FAILED: out of memory. */
MRQ_CHECKED mrq_status mrq_openapi_text(mrq_recommender *recommender, char **text, size_t *size, mrq_error *err);

#endif
