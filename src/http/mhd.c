/* Rejected: linking libmicrohttpd, for the reason in the header; its static archive, which needs the same libraries; a separate
 * program for the service, which would be another 30 MB. */
#include "http/mhd.h"

#include "base/library.h"

struct mrq_microhttpd mrq_mhd;

mrq_status mrq_microhttpd_load(mrq_error *err)
{
#define NAME_AND_PLACE(name) {"MHD_" #name, &mrq_mhd.name},
    static const mrq_symbol functions[] = {MRQ_MICROHTTPD(NAME_AND_PLACE)};
    return mrq_library_load("libmicrohttpd.so.12", "libmicrohttpd12", functions, sizeof functions / sizeof *functions, err);
}
