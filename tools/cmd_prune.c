/* marquee prune: the oldest generations go. */
#include <stdio.h>

#include "command.h"
#include "store/write.h"

mrq_status cmd_prune(int argc, char **argv, mrq_error *err)
{
    const char *store = NULL;
    int64_t keep = MRQ_STORE_KEEP_DEFAULT;
    const mrq_option options[] = {
        STORE_OPTION(store),
        {"keep", 'k', MRQ_OPT_INT, &keep, 1, MRQ_STORE_KEEP_MAX, "N", "so many of the newest stay"},
        {0},
    };
    const mrq_command command = {
        .name = "marquee prune",
        .synopsis = "[--store DIR] [--keep N]",
        .about = "Removes all generations but the newest, and never the current one. A program that has an old one open\n"
                 "goes on reading it. What a killed run has left behind goes as well.",
        .options = options,
        .examples = "  marquee prune --store store --keep 3\n",
    };
    int first = 0;
    bool done = false;
    MRQ_TRY(mrq_options_read(&command, argc, argv, &first, &done, err));
    if (done)
        return MRQ_OK;
    uint32_t removed = 0;
    MRQ_TRY(mrq_store_prune(mrq_default_store(store), (uint32_t)keep, &removed, err));
    printf("removed %u generation%s from %s\n", removed, removed == 1 ? "" : "s", mrq_default_store(store));
    return MRQ_OK;
}
