/* From options to filters, and from the engine's complaints back to options. */
#include "filter_options.h"

#include <string.h>

#include "base/parse.h"

/* "1,5,7" behind what is there already. */
static mrq_status read_ids(const char *text, filter_options *options, uint32_t *n, mrq_error *err)
{
    for (const char *at = text, *end; at; at = *end ? end + 1 : NULL) {
        end = strchrnul(at, ',');
        if (*n == MRQ_EXCLUDE_MAX)
            return mrq_fail(err, MRQ_USAGE, "--exclude: more than %d movies", MRQ_EXCLUDE_MAX);
        if (!mrq_parse_int(at, (size_t)(end - at), 0, INT64_MAX, &options->excluded[*n]))
            return mrq_fail(err, MRQ_USAGE, "--exclude \"%.40s\": want ids of movies with commas between them", text);
        ++*n;
    }
    return MRQ_OK;
}

mrq_status read_filters(filter_options *options, mrq_filters *out, mrq_error *err)
{
    mrq_filters filters = {.genre = options->genres.text,
                           .n_genres = options->genres.n,
                           .all_genres = options->all_genres,
                           .exclude = options->excluded};
    mrq_error inner = {0};
    for (uint32_t i = 0; i < options->exclude.n; i++)
        MRQ_TRY(read_ids(options->exclude.text[i], options, &filters.n_exclude, err));
    if (options->years && mrq_years_parse(options->years, &filters, &inner) != MRQ_OK)
        return fail_in_options(&inner, err);
    *out = filters;
    return MRQ_OK;
}

mrq_status fail_in_options(const mrq_error *engine, mrq_error *err)
{
    static const struct {
        const char *name, *option;
    } words[] = {{"age", "-a"},        {"gender", "-g"},   {"job", "-j"},           {"user", "-i"},
                 {"genre", "--genre"}, {"year", "--year"}, {"exclude", "--exclude"}};
    const size_t size = strcspn(engine->msg, " :");
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strlen(words[i].name) == size && strncmp(engine->msg, words[i].name, size) == 0)
            return mrq_fail(err, engine->status, "%s%s", words[i].option, engine->msg + size);
    return mrq_fail(err, engine->status, "%s", engine->msg);
}
