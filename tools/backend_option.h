/* The option --backend of every command that searches or fills an index on a server. */
#ifndef MRQ_TOOLS_BACKEND_OPTION_H
#define MRQ_TOOLS_BACKEND_OPTION_H

#include "base/option.h"
#include "base/progress.h"
#include "index/backend.h"

/* A row of a command's option table. */
#define BACKEND_OPTION(backend)                                                                                                    \
    {                                                                                                                              \
        "backend", 0, MRQ_OPT_TEXT, &(backend), 0, 0, "ADDRESS",                                                                   \
            "search this server instead of the store's index:\n" MRQ_BACKEND_FORMS                                                 \
            "\n[$MARQUEE_BACKEND, else none]. The token is read from\n"                                                            \
            "$MARQUEE_MILVUS_TOKEN, or from the file named by\n$MARQUEE_MILVUS_TOKEN_FILE"                                         \
    }

/* The address in `option` if not NULL, else $MARQUEE_BACKEND, else NULL; with its token from $MARQUEE_MILVUS_TOKEN or from the file
 * named by $MARQUEE_MILVUS_TOKEN_FILE, and its certificates from $MARQUEE_MILVUS_CA. The texts live as long as the program.
 * MRQ_USAGE if the file does not contain a token, MRQ_NOT_FOUND if it does not exist. */
MRQ_CHECKED mrq_status default_backend(const char *option, mrq_backend_options *out, mrq_error *err);

/* Opens that backend. Without an address `*out` is left unchanged. */
MRQ_CHECKED mrq_status open_backend(const char *option, mrq_backend **out, mrq_error *err);

/* Shows how many items have been uploaded. `progress` is an mrq_progress; the caller ends it. */
void show_upload(void *progress, uint32_t done, uint32_t of);

#endif
