/* The secret that a client has to know: "Authorization: Bearer TOKEN". */
#ifndef MRQ_HTTP_TOKEN_H
#define MRQ_HTTP_TOKEN_H

#include <stdbool.h>

#include "base/secret.h"

#define MRQ_TOKEN_MIN 16 /* characters */

/* Whether a value of the header, which may be NULL, tells the token. Takes as long for a token that is nearly right as for any
 * other of its length. */
bool mrq_token_matches(const mrq_secret *token, const char *authorization);

#endif
