/* marquee live: what a live database holds, whether it is sound, and a copy of it; beside a service that writes to it. */
#include <inttypes.h>
#include <stdio.h>

#include "command.h"
#include "engine/json.h"
#include "live/live.h"
#include "store/store.h"

static void print_time(const char *name, int64_t time)
{
    char text[MRQ_UTC_TEXT];
    if (time != MRQ_NO_TIME && mrq_utc_text(time, text))
        printf("%-14s%s\n", name, text);
}

/* The mark of the store's generation; 0 without a store. */
static mrq_status read_mark(const char *store, uint64_t *mark, mrq_error *err)
{
    MRQ_CLEANUP(mrq_generation_close) mrq_generation *generation = NULL;
    if (!store)
        return MRQ_OK;
    MRQ_TRY(mrq_generation_open_plain(store, &generation, err));
    *mark = generation->results.live_mark;
    return MRQ_OK;
}

mrq_status cmd_live(int argc, char **argv, mrq_error *err)
{
    const char *store = NULL, *copy = NULL;
    bool verify = false, done = false;
    const mrq_option options[] = {
        {"store", 's', MRQ_OPT_TEXT, &store, 0, 0, "DIR", "also count what this store's generation does not know"},
        {"verify", 0, MRQ_OPT_FLAG, &verify, 0, 0, NULL, "check every page and row of the file"},
        {"backup", 0, MRQ_OPT_TEXT, &copy, 0, 0, "FILE", "copy one state of it into a new file"},
        {0},
    };
    const mrq_command command = {
        .name = "marquee live",
        .synopsis = "FILE [option...]",
        .about = "Prints what a live database holds. A service may be writing to it meanwhile.",
        .options = options,
        .arguments_min = 1,
        .arguments_max = 1,
        .examples = "  marquee live live.db --store store\n  marquee live live.db --verify --backup copy.db\n",
    };
    int first = 0;
    uint64_t mark = 0;
    mrq_live_contents c;
    MRQ_TRY(mrq_options_read(&command, argc, argv, &first, &done, err));
    if (done)
        return MRQ_OK;
    MRQ_TRY(read_mark(store, &mark, err));
    MRQ_TRY(mrq_live_verify(argv[first], mark, verify, &c, err));
    if (copy)
        MRQ_TRY(mrq_live_backup(argv[first], copy, err));
    printf("%-14s%" PRIu64 "\n", "events", c.events);
    if (store)
        printf("%-14s%" PRIu64 ", which the serving generation does not know\n", "  newer", c.newer);
    print_time("  oldest", c.oldest);
    print_time("  newest", c.newest);
    printf("%-14s%" PRIu64 " with features, %" PRIu64 " erased\n", "users", c.users, c.erased);
    printf("%-14s%" PRIu64 " hidden or expiring\n", "items", c.items);
    printf("%-14s%" PRIu64 "\n", "changes", c.last);
    if (verify)
        printf("%-14severy page and row is sound\n", "verified");
    if (copy)
        printf("%-14s%s\n", "copy", copy);
    return MRQ_OK;
}
