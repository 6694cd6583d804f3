/* marquee similar: the items most similar to one, as a table or as JSON. */
#include <string.h>

#include "backend_option.h"
#include "command.h"
#include "print_answer.h"
#include "query_options.h"

static mrq_status similar(int argc, char **argv, bool *json, mrq_error *err)
{
    const char *store = NULL, *where = NULL;
    query_options given = {.flag = {false}};
    mrq_option options[MRQ_Q_FIELDS + 4];
    const uint32_t n = add_query_options(&given, MRQ_ASK_SIMILAR, options);
    const mrq_option rest[] = {
        STORE_OPTION(store),
        BACKEND_OPTION(where),
        {"json", 0, MRQ_OPT_FLAG, json, 0, 0, NULL, "print one JSON document instead of the table, also for an error"},
        {0},
    };
    memcpy(options + n, rest, sizeof rest);
    const mrq_command command = {
        .name = "marquee similar",
        .synopsis = "ITEM [option...]",
        .about = "Finds the items that the model considers most similar to ITEM. ITEM is an id, a title, or a part of a title\n"
                 "that matches only one item. With the model retrieval, the score is how much liking ITEM adds to the other\n"
                 "item's score. With other models it is the cosine of the two items' vectors, 1 for the same direction.\n"
                 "A condition of --where is put in quotes, because a shell takes < and > for files.",
        .options = options,
        .arguments_min = 1,
        .arguments_max = 1,
        .examples = "  marquee similar 85\n  marquee similar \"besieged medic\" --where 'year>=1990' --json\n",
    };
    int first = 0;
    bool done = false;
    MRQ_TRY(mrq_options_read(&command, argc, argv, &first, &done, err));
    if (done)
        return MRQ_OK;
    __attribute__((cleanup(mrq_query_clear))) mrq_query query = {0};
    MRQ_TRY(read_query_options(&given, &query, err));
    MRQ_TRY(mrq_query_put(&query, MRQ_Q_ITEM, argv[first], err));
    return answer_query(MRQ_ASK_SIMILAR, &query, store, where, NULL, true, *json, err);
}

mrq_status cmd_similar(int argc, char **argv, mrq_error *err)
{
    return run_json_command(similar, argc, argv, err);
}
