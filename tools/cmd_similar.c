/* marquee similar: the movies most like one, as a table or as JSON. */
#include "backend_option.h"
#include "command.h"
#include "filter_options.h"
#include "print_answer.h"

static mrq_status similar(int argc, char **argv, bool *json, mrq_error *err)
{
    const char *store = NULL, *where = NULL;
    int64_t k = MRQ_K_DEFAULT;
    filter_options options = {.years = NULL};
    const mrq_option table[] = {
        {"top", 'k', MRQ_OPT_INT, &k, 1, MRQ_K_MAX, "K", "so many movies"},
        FILTER_OPTIONS(options),
        STORE_OPTION(store),
        BACKEND_OPTION(where),
        {"json", 0, MRQ_OPT_FLAG, json, 0, 0, NULL, "one JSON document instead of the table, errors included"},
        {0},
    };
    const mrq_command command = {
        .name = "marquee similar",
        .synopsis = "MOVIE [option...]",
        .about = "The movies that the model finds most like MOVIE, which is an id, or a title or a part of it that fits one movie\n"
                 "alone. With the model retrieval these are the movies that liking MOVIE speaks for most, and the score is by how "
                 "much;\n"
                 "else the score is the cosine of the two movies' vectors: 1 for the same, 0 for nothing in common.",
        .options = table,
        .arguments_min = 1,
        .arguments_max = 1,
        .examples = "  marquee similar 85\n  marquee similar \"besieged medic\" --year 1990- --json\n",
    };
    int first = 0;
    bool done = false;
    mrq_filters filters;
    MRQ_TRY(mrq_options_read(&command, argc, argv, &first, &done, err));
    if (done)
        return MRQ_OK;
    MRQ_TRY(read_filters(&options, &filters, err));

    MRQ_CLEANUP(mrq_backend_close) mrq_backend *backend = NULL;
    MRQ_CLEANUP(mrq_generation_close) mrq_generation *generation = NULL;
    __attribute__((cleanup(mrq_answer_clear))) mrq_answer answer = {0};
    MRQ_TRY(open_backend(where, &backend, err));
    MRQ_TRY(mrq_generation_open_on(mrq_default_store(store), backend, true, &generation, err));
    mrq_error inner = {0};
    if (mrq_similar(generation, argv[first], (uint32_t)k, &filters, &answer, &inner) != MRQ_OK)
        return fail_in_options(&inner, err);
    return print_answer(generation, &answer, -1, *json, err);
}

mrq_status cmd_similar(int argc, char **argv, mrq_error *err)
{
    return run_json_command(similar, argc, argv, err);
}
