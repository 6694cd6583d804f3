/* The description of the service's routes, by the OpenAPI 3.0.3 specification. */
#ifndef MRQ_HTTP_OPENAPI_H
#define MRQ_HTTP_OPENAPI_H

#include <stddef.h>

#include "marquee/marquee.h"

/* The document of the serving generation, with a line end; `*text` is freed with mrq_free(). MRQ_FAILED when out of memory. */
MRQ_CHECKED mrq_status mrq_openapi_text(mrq_recommender *recommender, char **text, size_t *size, mrq_error *err);

#endif
