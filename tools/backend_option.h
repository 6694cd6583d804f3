/* Where the items' index is kept, the same for every command that searches or fills it. */
#ifndef MRQ_TOOLS_BACKEND_OPTION_H
#define MRQ_TOOLS_BACKEND_OPTION_H

#include "base/option.h"
#include "base/progress.h"
#include "index/backend.h"

/* A row of a command's option table. */
#define BACKEND_OPTION(backend)                                                                                                    \
    {                                                                                                                              \
        "backend", 0, MRQ_OPT_TEXT, &(backend), 0, 0, "ADDRESS",                                                                   \
            "searches there instead of in the store's index:\n" MRQ_BACKEND_FORMS                                                  \
            "\n[$MARQUEE_BACKEND, else none]; its token in\n"                                                                      \
            "$MARQUEE_MILVUS_TOKEN, or the file that\n$MARQUEE_MILVUS_TOKEN_FILE names"                                            \
    }

/* The address that the option gave, else $MARQUEE_BACKEND, and for it the token in $MARQUEE_MILVUS_TOKEN, or in the file that
 * $MARQUEE_MILVUS_TOKEN_FILE names, and the certificates in $MARQUEE_MILVUS_CA. The address is NULL for none. The
 * texts live as long as the program. MRQ_USAGE for a file that is no token, MRQ_NOT_FOUND without it. */
MRQ_CHECKED mrq_status default_backend(const char *option, mrq_backend_options *out, mrq_error *err);

/* That backend; `*out` stays as it is without one. */
MRQ_CHECKED mrq_status open_backend(const char *option, mrq_backend **out, mrq_error *err);

/* Shows on a bar, an mrq_progress that the caller ends, how many items a backend has. */
void show_upload(void *progress, uint32_t done, uint32_t of);

#endif
