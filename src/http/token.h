/* The secret that a client sends: "Authorization: Bearer TOKEN". */
#ifndef MRQ_HTTP_TOKEN_H
#define MRQ_HTTP_TOKEN_H

#include <stdbool.h>

#include "base/secret.h"

#define MRQ_TOKEN_MIN 16 /* characters */

/* Whether the header's value, which may be NULL, holds the token. The time depends only on the length of the value, not on how much
 * of it is right. */
bool mrq_token_matches(const mrq_secret *token, const char *authorization);

#endif
