/* marquee top: items without a person, by their events, as a table or as JSON. */
#include <string.h>

#include "backend_option.h"
#include "command.h"
#include "print_answer.h"

static mrq_status top(int argc, char **argv, bool *json, mrq_error *err)
{
    answer_source from = {.no_cache = true};
    query_options given = {.text = {[MRQ_Q_ORDER] = "popular"}};
    mrq_option options[MRQ_Q_FIELDS + 3];
    const uint32_t n = add_query_options(&given, MRQ_ASK_SEARCH, options);
    const mrq_option rest[] = {
        STORE_OPTION(from.store),
        JSON_OPTION(json),
        {0},
    };
    memcpy(options + n, rest, sizeof rest);
    const mrq_command command = {
        .name = "marquee top",
        .synopsis = "[--order popular|recent|trending] [option...]",
        .about = "Lists items for nobody in particular: the most popular, the newest or the trending ones.\n"
                 "A condition of --where is put in quotes, because a shell takes < and > for files.",
        .options = options,
        .examples = "  marquee top\n  marquee top --order trending -k 20 --where 'genres=Comedy'\n"
                    "  marquee top --order recent --offset 20 --json\n",
    };
    return answer_command(&command, MRQ_ASK_SEARCH, &given, &from, argc, argv, *json, err);
}

mrq_status cmd_top(int argc, char **argv, mrq_error *err)
{
    return run_json_command(top, argc, argv, err);
}
