/* marquee infer: recommends items for a person, as a table or as JSON. */
#include <string.h>

#include "backend_option.h"
#include "command.h"
#include "print_answer.h"

static mrq_status infer(int argc, char **argv, bool *json, mrq_error *err)
{
    answer_source from = {0};
    query_options given = {.flag = {false}};
    mrq_option options[MRQ_Q_FIELDS + 6];
    const uint32_t n = add_query_options(&given, MRQ_ASK_RECOMMEND, options);
    const mrq_option rest[] = {
        STORE_OPTION(from.store),
        BACKEND_OPTION(from.backend),
        {"redis", 'r', MRQ_OPT_TEXT, &from.redis, 0, 0, "ADDRESS", "cache answers in Redis: " MRQ_REDIS_FORMS},
        {"no-cache", 0, MRQ_OPT_FLAG, &from.no_cache, 0, 0, NULL, "do not use Redis, even if $MARQUEE_REDIS is set"},
        JSON_OPTION(json),
        {0},
    };
    memcpy(options + n, rest, sizeof rest);
    const mrq_command command = {
        .name = "marquee infer",
        .synopsis = "[-a AGE] [-g GENDER] [-j JOB] [--with NAME=VALUE] [-i USER] [--liked ID,ID,...] [option...]",
        .about = "Recommends the items that a person is likely to enjoy most, from the store's current generation.\n"
                 "A condition of --where is put in quotes, because a shell takes < and > for files.",
        .options = options,
        .examples = "  infer -a 25 -g F -j programmer\n  infer -i 4 -k 10 --json\n"
                    "  infer -i 4 --genre Comedy --genre Romance --year 1990-1999\n"
                    "  infer -i 4 --where 'genres=Comedy,Romance' --where 'genres!=War' --where 'year<1960'\n"
                    "  infer --liked 85,348 --disliked 50 --explain\n",
    };
    return answer_command(&command, MRQ_ASK_RECOMMEND, &given, &from, argc, argv, *json, err);
}

mrq_status cmd_infer(int argc, char **argv, mrq_error *err)
{
    return run_json_command(infer, argc, argv, err);
}
