/* A token or password from a file that not everybody may read, and that only root and we may write. */
#ifndef MRQ_BASE_SECRET_H
#define MRQ_BASE_SECRET_H

#include <stddef.h>

#include "base/error.h"

#define MRQ_SECRET_MAX 512 /* characters */

typedef struct mrq_secret {
    size_t size;
    char text[MRQ_SECRET_MAX + 2]; /* NUL-terminated */
} mrq_secret;

/* Reads the file's only line. MRQ_USAGE when it is shorter than `least` or too long, contains a character that is not allowed in a
 * header, or when everybody may read the file or users other than root and us may write it; MRQ_NOT_FOUND without a file. */
MRQ_CHECKED mrq_status mrq_secret_read(const char *path, size_t least, mrq_secret *out, mrq_error *err);

/* The position, from 1, of the first character that is not allowed in a header; 0 when there is none. */
size_t mrq_secret_flaw(const char *text);

#endif
