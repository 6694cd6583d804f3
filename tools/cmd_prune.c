/* marquee prune: removes the oldest generations. */
#include <stdio.h>

#include "command.h"
#include "store/write.h"

mrq_status cmd_prune(int argc, char **argv, mrq_error *err)
{
    const char *store = NULL;
    int64_t keep = MRQ_STORE_KEEP_DEFAULT;
    const mrq_option options[] = {
        STORE_OPTION(store),
        {"keep", 'k', MRQ_OPT_INT, &keep, 1, MRQ_STORE_KEEP_MAX, "N", "number of newest generations to keep"},
        {0},
    };
    const mrq_command command = {
        .name = "marquee prune",
        .synopsis = "[--store DIR] [--keep N]",
        .about = "Removes all generations except the newest N and the current one. A program that has a removed generation\n"
                 "open can still read it. Files that a killed run left behind are removed too.",
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
