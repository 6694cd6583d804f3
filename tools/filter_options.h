/* The options that filter answers, the same for every command that has them. */
#ifndef MRQ_TOOLS_FILTER_OPTIONS_H
#define MRQ_TOOLS_FILTER_OPTIONS_H

#include "base/option.h"
#include "engine/engine.h"

/* The options' values and the filters made of them, which point into it. */
typedef struct filter_options {
    mrq_texts genres, exclude;
    const char *years;
    bool all_genres;
    int64_t excluded[MRQ_EXCLUDE_MAX];
} filter_options;

/* Rows of a command's option table, for a filter_options `f`. */
#define FILTER_OPTIONS(f)                                                                                                          \
    {"genre", 0, MRQ_OPT_LIST, &(f).genres, 0, 0, "NAME", "only movies of this genre; given again, of one or the other"},          \
        {"all-genres", 0, MRQ_OPT_FLAG, &(f).all_genres, 0, 0, NULL, "only movies of all the genres given"},                       \
        {"year", 0, MRQ_OPT_TEXT, &(f).years, 0, 0, "YEARS", "only movies of 1994, 1990-1999, 1990- or -1999"},                    \
    {                                                                                                                              \
        "exclude", 0, MRQ_OPT_LIST, &(f).exclude, 0, 0, "ID,ID,...", "not these movies"                                            \
    }

/* Ids with commas between them, of every time that the option was given, into `id`, which has room for `room`. MRQ_USAGE names the
 * option. */
MRQ_CHECKED mrq_status read_ids(const char *option, const mrq_texts *texts, int64_t *id, uint32_t room, uint32_t *n,
                                mrq_error *err);

/* The filters; `options` must outlive them. MRQ_USAGE in terms of the options. */
MRQ_CHECKED mrq_status read_filters(filter_options *options, mrq_filters *out, mrq_error *err);

/* Passes on what the engine says of a query, which begins with the member that is wrong, in terms of the options. */
mrq_status fail_in_options(const mrq_error *engine, mrq_error *err);

#endif
