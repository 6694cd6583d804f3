/* marquee similar: the items most similar to one, as a table or as JSON. */
#include <string.h>

#include "backend_option.h"
#include "command.h"
#include "print_answer.h"

static mrq_status similar(int argc, char **argv, bool *json, mrq_error *err)
{
    answer_source from = {.no_cache = true};
    query_options given = {.flag = {false}};
    mrq_option options[MRQ_Q_FIELDS + 4];
    const uint32_t n = add_query_options(&given, MRQ_ASK_SIMILAR, options);
    const mrq_option rest[] = {
        STORE_OPTION(from.store),
        BACKEND_OPTION(from.backend),
        JSON_OPTION(json),
        {0},
    };
    memcpy(options + n, rest, sizeof rest);
    const mrq_command command = {
        .name = "marquee similar",
        .synopsis = "ITEM [option...]",
        .about = "Finds the items that the model considers most similar to ITEM. ITEM is an id, a title, or a part of a title\n"
                 "that matches only one item. With the models retrieval and sequence, the score is how much liking ITEM\n"
                 "adds to the other item's score. With other models it is the cosine of the two items' vectors, 1 for the same "
                 "direction.\n"
                 "A condition of --where is put in quotes, because a shell takes < and > for files.",
        .options = options,
        .arguments_min = 1,
        .arguments_max = 1,
        .examples = "  marquee similar 85\n  marquee similar \"besieged medic\" --where 'year>=1990' --json\n",
    };
    return answer_command(&command, MRQ_ASK_SIMILAR, &given, &from, argc, argv, *json, err);
}

mrq_status cmd_similar(int argc, char **argv, mrq_error *err)
{
    return run_json_command(similar, argc, argv, err);
}
