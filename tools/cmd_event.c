/* marquee event: writes one event to a live database that no service has open. */
#include <stdio.h>

#include "command.h"
#include "engine/options.h"

static mrq_status set(mrq_event *event, const char *name, const char *value, mrq_error *err)
{
    mrq_error problem = {0};
    if (!value)
        return MRQ_OK;
    const mrq_status status = mrq_event_set(event, name, value, &problem);
    return status == MRQ_OK ? MRQ_OK : mrq_fail(err, status, "--%s", problem.msg);
}

static mrq_status tell(const char *store, const char *live, bool strict, const mrq_event *event, mrq_error *err)
{
    mrq_recommender *recommender;
    uint32_t added = 0;
    MRQ_TRY(mrq_recommender_open(&(mrq_options){.store = store, .live = live, .live_strict = strict}, &recommender, err));
    const mrq_status status = mrq_recommender_tell(recommender, &event, 1, &added, err);
    mrq_recommender_close(recommender);
    if (status == MRQ_OK)
        printf("%s\n", added ? "1 event added" : "nothing added: an event of this id is there already");
    return status;
}

mrq_status cmd_event(int argc, char **argv, mrq_error *err)
{
    const char *store = NULL, *live = NULL, *user = NULL, *item = NULL, *kind = NULL, *value = NULL, *time = NULL, *id = NULL;
    bool strict = false, done = false;
    const mrq_option options[] = {
        STORE_OPTION(store),
        {"live", 0, MRQ_OPT_TEXT, &live, 0, 0, "FILE", "the live database; made if it does not exist"},
        {"user", 'i', MRQ_OPT_TEXT, &user, 0, 0, "USER", "who did it; may be new"},
        {"item", 0, MRQ_OPT_TEXT, &item, 0, 0, "ITEM", "the id of an item"},
        {"kind", 0, MRQ_OPT_TEXT, &kind, 0, 0, "KIND", "like, dislike, or an action of the data"},
        {"value", 0, MRQ_OPT_TEXT, &value, 0, 0, "VALUE", "in place of a kind: a rating or a count, if the data have them"},
        {"time", 0, MRQ_OPT_TEXT, &time, 0, 0, "SECONDS", "since 1970 [now]"},
        {"id", 0, MRQ_OPT_TEXT, &id, 0, 0, "ID", "a second event of the same id changes nothing"},
        {"strict", 0, MRQ_OPT_FLAG, &strict, 0, 0, NULL, "refuse users and items that the data do not have"},
        {0},
    };
    const mrq_command command = {
        .name = "marquee event",
        .synopsis = "--live FILE --user USER --item ITEM [--kind KIND | --value VALUE] [option...]",
        .about = "Writes what a person did to a live database. The store says what events of its data mean. While a service has\n"
                 "the database, it is the one to tell: POST /v1/events.",
        .options = options,
        .examples = "  marquee event --store store --live live.db --user ann --item 249 --kind like\n",
    };
    int first = 0;
    MRQ_TRY(mrq_options_read(&command, argc, argv, &first, &done, err));
    if (done)
        return MRQ_OK;
    if (!live || !user || !item)
        return mrq_fail(err, MRQ_USAGE, "--%s is missing", !live ? "live FILE" : !user ? "user USER" : "item ITEM");
    mrq_event *event = mrq_event_new();
    if (!event)
        return mrq_fail_memory(err, "reading the options");
    const char *const values[][2] = {{"user", user}, {"item", item}, {"kind", kind}, {"value", value}, {"time", time}, {"id", id}};
    mrq_status status = MRQ_OK;
    for (size_t i = 0; i < sizeof values / sizeof *values && status == MRQ_OK; i++)
        status = set(event, values[i][0], values[i][1], err);
    if (status == MRQ_OK)
        status = tell(mrq_default_store(store), live, strict, event, err);
    mrq_event_free(event);
    return status;
}
