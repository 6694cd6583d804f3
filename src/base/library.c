#include "base/library.h"

#include <dlfcn.h>
#include <string.h>

mrq_status mrq_library_load(const char *name, const char *package, const mrq_symbol *symbol, size_t n, mrq_error *err)
{
    void *library = dlopen(name, RTLD_NOW | RTLD_LOCAL);
    if (!library)
        return mrq_fail(err, MRQ_FAILED, "cannot load %s (Debian's package %s): %s", name, package, dlerror());
    for (size_t i = 0; i < n; i++) {
        void *function = dlsym(library, symbol[i].name);
        if (!function)
            return mrq_fail(err, MRQ_FAILED, "%s: %s", name, dlerror());
        memcpy(symbol[i].place, &function, sizeof function);
    }
    return MRQ_OK;
}
