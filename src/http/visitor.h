/* Which pages in browsers may send requests: by the host name that they use, and by their origin. */
#ifndef MRQ_HTTP_VISITOR_H
#define MRQ_HTTP_VISITOR_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/host.h"
#include "base/option.h"

/* Reads a host without a port: "items.example", "192.0.2.7" or "[2001:db8::7]". The result's name is for the list of
 * mrq_host_is_known(). MRQ_USAGE quotes it. */
MRQ_CHECKED mrq_status mrq_host_check(const char *text, mrq_host *out, mrq_error *err);

/* Whether a request's Host, `size` bytes with or without a port, is localhost, a loopback address or one of the names. The names
 * have no brackets. */
bool mrq_host_is_known(const mrq_texts *names, const char *host, size_t size);

/* Checks an origin as browsers write it: scheme://host, and :port unless it is the default of the scheme. MRQ_USAGE. */
MRQ_CHECKED mrq_status mrq_origin_check(const char *text, mrq_error *err);

/* The origin of the list that equals a request's Origin, which may be NULL; or NULL. */
const char *mrq_origin_find(const mrq_texts *list, const char *origin);

#endif
