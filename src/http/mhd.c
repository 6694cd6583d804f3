/* Rejected: linking it, for the reason in the header; its static archive, which wants the same libraries; a second program for the
 * service, 30 MB once more. */
#include "http/mhd.h"

#include <dlfcn.h>
#include <string.h>

#define LIBRARY "libmicrohttpd.so.12"

struct mrq_microhttpd mrq_mhd;

mrq_status mrq_microhttpd_load(mrq_error *err)
{
#define NAME_AND_PLACE(name) {"MHD_" #name, &mrq_mhd.name},
    static const struct {
        const char *name;
        void *place; /* of a pointer to a function */
    } functions[] = {MRQ_MICROHTTPD(NAME_AND_PLACE)};
    void *library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL); /* and it stays */
    if (!library)
        return mrq_fail(err, MRQ_FAILED, "cannot load libmicrohttpd: %s", dlerror());
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
        void *function = dlsym(library, functions[i].name);
        if (!function)
            return mrq_fail(err, MRQ_FAILED, "%s: %s", LIBRARY, dlerror());
        memcpy(functions[i].place, &function, sizeof function);
    }
    return MRQ_OK;
}
