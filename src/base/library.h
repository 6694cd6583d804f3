/* A shared library that is loaded when it is wanted, so that a command which has no use for it does not wait for it and what it
 * brings. */
#ifndef MRQ_BASE_LIBRARY_H
#define MRQ_BASE_LIBRARY_H

#include <stddef.h>

#include "base/error.h"

typedef struct mrq_symbol {
    const char *name;
    void *place; /* of a pointer to a function, which is set */
} mrq_symbol;

/* Loads a library, which stays, and finds its functions; a second time nothing changes. MRQ_FAILED when it is not installed: the
 * sentence says which package has it. */
MRQ_CHECKED mrq_status mrq_library_load(const char *name, const char *package, const mrq_symbol *symbol, size_t n, mrq_error *err);

#endif
