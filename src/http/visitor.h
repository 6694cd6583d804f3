/* Which browsers' pages may ask: by the name that they know the service by, and by where they come from. */
#ifndef MRQ_HTTP_VISITOR_H
#define MRQ_HTTP_VISITOR_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/host.h"
#include "base/option.h"

/* Reads a host without a port, as "items.example", "192.0.2.7" or "[2001:db8::7]", whose plain name is one for
 * mrq_host_is_known(). MRQ_USAGE quotes it. */
MRQ_CHECKED mrq_status mrq_host_check(const char *text, mrq_host *out, mrq_error *err);

/* Whether a request's Host, `size` bytes with or without a port, is localhost, a loopback address or one of
 * the names, which stand without brackets. */
bool mrq_host_is_known(const mrq_texts *names, const char *host, size_t size);

/* An origin as browsers write it: scheme://host, and :port unless it is the scheme's own. MRQ_USAGE tells what is wrong. */
MRQ_CHECKED mrq_status mrq_origin_check(const char *text, mrq_error *err);

/* The one of the list that a request's Origin, which may be NULL, is; or NULL. */
const char *mrq_origin_find(const mrq_texts *list, const char *origin);

#endif
