#include "backend_option.h"

#include <stdlib.h>

#include "base/secret.h"
#include "command.h"

/* An environment variable; NULL if it is unset or empty. */
static const char *variable(const char *name)
{
    const char *value = getenv(name);
    return value && *value ? value : NULL;
}

mrq_status default_backend(const char *option, mrq_backend_options *out, mrq_error *err)
{
    static mrq_secret secret;
    const char *address = option ? option : variable("MARQUEE_BACKEND");
    mrq_backend_options options = {.address = address};
    if (address) {
        const char *path = variable("MARQUEE_MILVUS_TOKEN_FILE");
        options.token = variable("MARQUEE_MILVUS_TOKEN");
        options.ca = variable("MARQUEE_MILVUS_CA");
        if (options.token || path)
            mrq_keep_secret();
        if (!options.token && path) {
            MRQ_TRY(mrq_secret_read(path, 1, &secret, err));
            options.token = secret.text;
        }
    }
    *out = options;
    return MRQ_OK;
}

mrq_status open_backend(const char *option, mrq_backend **out, mrq_error *err)
{
    mrq_backend_options options;
    MRQ_TRY(default_backend(option, &options, err));
    return options.address ? mrq_backend_open(&options, out, err) : MRQ_OK;
}

void show_upload(void *progress, uint32_t done, uint32_t of)
{
    mrq_progress *bar = progress;
    if (!bar->on)
        mrq_progress_start(bar, "uploading", of);
    mrq_progress_step(bar, done, "%u of %u items", done, of);
}
