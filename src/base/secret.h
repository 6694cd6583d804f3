/* A token or a password, kept in a file that not everybody may read, and that only root or we may write. */
#ifndef MRQ_BASE_SECRET_H
#define MRQ_BASE_SECRET_H

#include <stddef.h>

#include "base/error.h"

#define MRQ_SECRET_MAX 512 /* characters */

typedef struct mrq_secret {
    size_t size;
    char text[MRQ_SECRET_MAX + 2]; /* NUL-terminated */
} mrq_secret;

/* The file's only line. MRQ_USAGE for one that is shorter than `least` or too long, that holds a character which may not stand in a
 * header, that everybody may read, or that others than root and we may write; MRQ_NOT_FOUND without one. */
MRQ_CHECKED mrq_status mrq_secret_read(const char *path, size_t least, mrq_secret *out, mrq_error *err);

/* The place of the first character that may not stand in a header, from 1; 0 when all may. */
size_t mrq_secret_flaw(const char *text);

#endif
