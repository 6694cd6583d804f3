/* marquee infer: the top movies for a person, as a table or as JSON. */
#include <stdlib.h>

#include "backend_option.h"
#include "base/log.h"
#include "command.h"
#include "filter_options.h"
#include "print_answer.h"

/* A name that is still being looked up is not waited for: its thread ends with the process. */
static void leave_cache(mrq_cache **cache)
{
    if (*cache && !mrq_cache_looks_up(*cache))
        mrq_cache_free(*cache);
}

static mrq_status infer(int argc, char **argv, bool *json, mrq_error *err)
{
    const char *store = NULL, *redis = NULL, *where = NULL;
    bool no_cache = false, include_seen = false, explain = false;
    mrq_texts liked = {0}, disliked = {0};
    static int64_t liked_ids[MRQ_TASTE_MAX], disliked_ids[MRQ_TASTE_MAX];
    int64_t k = MRQ_K_DEFAULT;
    mrq_query query = {.user = -1};
    filter_options filters = {.years = NULL};
    const mrq_option options[] = {
        {"age", 'a', MRQ_OPT_TEXT, &query.age, 0, 0, "AGE", "age in years"},
        {"gender", 'g', MRQ_OPT_TEXT, &query.gender, 0, 0, "GENDER", "M or F, male or female, or a number from 0"},
        {"job", 'j', MRQ_OPT_TEXT, &query.job, 0, 0, "JOB", "an occupation of the data, or its number"},
        {"user", 'i', MRQ_OPT_INT, &query.user, 0, 0x1p63, "USER",
         "a user of the data: fills in what is not given,\nand leaves out the movies he or she has rated"},
        {"liked", 0, MRQ_OPT_LIST, &liked, 0, 0, "ID,ID,...", "likes these movies; then age, gender and job may be missing"},
        {"disliked", 0, MRQ_OPT_LIST, &disliked, 0, 0, "ID,ID,...", "does not like these"},
        {"top", 'k', MRQ_OPT_INT, &k, 1, MRQ_K_MAX, "K", "so many movies"},
        FILTER_OPTIONS(filters),
        {"include-seen", 0, MRQ_OPT_FLAG, &include_seen, 0, 0, NULL, "also movies that USER has rated, liked and disliked ones"},
        {"explain", 0, MRQ_OPT_FLAG, &explain, 0, 0, NULL, "says what each score is made of"},
        STORE_OPTION(store),
        BACKEND_OPTION(where),
        {"redis", 'r', MRQ_OPT_TEXT, &redis, 0, 0, "ADDRESS", "keeps answers there: " MRQ_REDIS_FORMS},
        {"no-cache", 0, MRQ_OPT_FLAG, &no_cache, 0, 0, NULL, "asks no Redis, whatever else says so"},
        {"json", 0, MRQ_OPT_FLAG, json, 0, 0, NULL, "one JSON document instead of the table, errors included"},
        {0},
    };
    const mrq_command command = {
        .name = "marquee infer",
        .synopsis = "-a AGE -g GENDER -j JOB [-i USER] [--liked ID,ID,...] [option...]",
        .about = "The movies that a person is likely to enjoy most, from the store's current generation.",
        .options = options,
        .examples = "  infer -a 25 -g F -j programmer\n  infer -i 4 -k 10 --json\n"
                    "  infer -i 4 --genre Comedy --genre Romance --year 1990-1999\n"
                    "  infer --liked 85,348 --disliked 50 --explain\n",
    };
    int first = 0;
    bool done = false;
    MRQ_TRY(mrq_options_read(&command, argc, argv, &first, &done, err));
    if (done)
        return MRQ_OK;
    MRQ_TRY(read_filters(&filters, &query.filters, err));
    MRQ_TRY(read_ids("liked", &liked, liked_ids, MRQ_TASTE_MAX, &query.n_liked, err));
    MRQ_TRY(read_ids("disliked", &disliked, disliked_ids, MRQ_TASTE_MAX, &query.n_disliked, err));
    query.liked = liked_ids;
    query.disliked = disliked_ids;
    query.filters.include_seen = include_seen;
    query.explain = explain ? MRQ_EXPLAIN_ALL : 0;
    query.k = (uint32_t)k;

    __attribute__((cleanup(leave_cache))) mrq_cache *cache = NULL;
    MRQ_CLEANUP(mrq_backend_close) mrq_backend *backend = NULL;
    MRQ_CLEANUP(mrq_generation_close) mrq_generation *generation = NULL;
    __attribute__((cleanup(mrq_answer_clear))) mrq_answer answer = {0};
    if (!no_cache)
        MRQ_TRY(mrq_default_cache(redis, &cache, err));
    const bool history = query.n_liked || query.n_disliked || query.explain;
    MRQ_TRY(open_backend(where, &backend, err));
    MRQ_TRY(mrq_generation_open_on(mrq_default_store(store), backend, history, &generation, err));
    mrq_error inner = {0};
    if (mrq_recommend(generation, cache, &query, &answer, &inner) != MRQ_OK)
        return fail_in_options(&inner, err);
    if (cache && mrq_cache_counted(cache).errors) /* also when the answer was there, and counting or keeping it failed */
        mrq_log(MRQ_LOG_WARN, "infer", "cache=%s problem=\"%s\"", mrq_cache_state_names[answer.cache], mrq_cache_problem(cache));
    return print_answer(generation, &answer, query.user, *json, err);
}

mrq_status cmd_infer(int argc, char **argv, mrq_error *err)
{
    return run_json_command(infer, argc, argv, err);
}
