/* Loads a shared library on demand, so that commands that do not need it do not wait for it and its dependencies. */
#ifndef MRQ_BASE_LIBRARY_H
#define MRQ_BASE_LIBRARY_H

#include <stddef.h>

#include "base/error.h"

typedef struct mrq_symbol {
    const char *name;
    void *place; /* address of a function pointer, which is set */
} mrq_symbol;

/* Loads a library, which stays loaded, and finds its functions; calling it again changes nothing. MRQ_FAILED when it is not
 * installed; the message names the package. */
MRQ_CHECKED mrq_status mrq_library_load(const char *name, const char *package, const mrq_symbol *symbol, size_t n, mrq_error *err);

#endif
