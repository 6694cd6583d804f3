/* marquee rollback: makes an older generation the current one. */
#include <stdio.h>

#include "command.h"
#include "store/write.h"

mrq_status cmd_rollback(int argc, char **argv, mrq_error *err)
{
    const char *store = NULL;
    const mrq_option options[] = {
        STORE_OPTION(store),
        {0},
    };
    const mrq_command command = {
        .name = "marquee rollback",
        .synopsis = "[--store DIR] [GENERATION]",
        .about = "Makes another generation the current one: GENERATION, or else the newest intact generation that is older\n"
                 "than the current one. All its files are verified first. Nothing is removed. `marquee info STORE` lists all\n"
                 "generations.",
        .options = options,
        .arguments_max = 1,
        .examples = "  marquee rollback --store store\n  marquee rollback --store store 20260131T020000Z-0123456789ab\n",
    };
    int first = 0;
    bool done = false;
    MRQ_TRY(mrq_options_read(&command, argc, argv, &first, &done, err));
    if (done)
        return MRQ_OK;
    char name[MRQ_GENERATION_NAME];
    MRQ_TRY(mrq_store_rollback(mrq_default_store(store), first < argc ? argv[first] : NULL, name, err));
    printf("generation %s is current in %s\n", name, mrq_default_store(store));
    return MRQ_OK;
}
