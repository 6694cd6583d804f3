/* The secret that a client has to know: "Authorization: Bearer TOKEN". */
#ifndef MRQ_HTTP_TOKEN_H
#define MRQ_HTTP_TOKEN_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

#define MRQ_TOKEN_MIN 16
#define MRQ_TOKEN_MAX 512

typedef struct mrq_token {
    size_t size;
    char text[MRQ_TOKEN_MAX + 2];
} mrq_token;

/* The file's only line. MRQ_USAGE for one that is empty, too short or too long to be a token, that holds a character which may not
 * stand in a header, or that everybody may read; MRQ_NOT_FOUND without one. */
MRQ_CHECKED mrq_status mrq_token_read(const char *path, mrq_token *out, mrq_error *err);

/* Whether a value of the header, which may be NULL, tells the token. Takes as long for a token that is nearly right as for any
 * other of its length. */
bool mrq_token_matches(const mrq_token *token, const char *authorization);

#endif
