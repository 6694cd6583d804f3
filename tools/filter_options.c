/* From options to filters, and from the engine's complaints back to options. */
#include "filter_options.h"

#include <string.h>

#include "base/parse.h"

/* "1,5,7" behind what is there already. */
static mrq_status add_ids(const char *option, const char *text, int64_t *id, uint32_t room, uint32_t *n, mrq_error *err)
{
    for (const char *at = text, *end; at; at = *end ? end + 1 : NULL) {
        end = strchrnul(at, ',');
        if (*n == room)
            return mrq_fail(err, MRQ_USAGE, "--%s: more than %u movies", option, room);
        if (!mrq_parse_int(at, (size_t)(end - at), 0, INT64_MAX, &id[*n]))
            return mrq_fail(err, MRQ_USAGE, "--%s: \"%.*s\", want ids of movies with commas between them", option,
                            (int)(end - at < 40 ? end - at : 40), at);
        ++*n;
    }
    return MRQ_OK;
}

mrq_status read_ids(const char *option, const mrq_texts *texts, int64_t *id, uint32_t room, uint32_t *n, mrq_error *err)
{
    uint32_t read = 0;
    for (uint32_t i = 0; i < texts->n; i++)
        MRQ_TRY(add_ids(option, texts->text[i], id, room, &read, err));
    *n = read;
    return MRQ_OK;
}

mrq_status read_filters(filter_options *options, mrq_filters *out, mrq_error *err)
{
    mrq_filters filters = {.genre = options->genres.text,
                           .n_genres = options->genres.n,
                           .all_genres = options->all_genres,
                           .exclude = options->excluded};
    mrq_error inner = {0};
    MRQ_TRY(read_ids("exclude", &options->exclude, options->excluded, MRQ_EXCLUDE_MAX, &filters.n_exclude, err));
    if (options->years && mrq_years_parse(options->years, &filters, &inner) != MRQ_OK)
        return fail_in_options(&inner, err);
    *out = filters;
    return MRQ_OK;
}

mrq_status fail_in_options(const mrq_error *engine, mrq_error *err)
{
    static const struct {
        const char *name, *option;
    } words[] = {{"age", "-a"},
                 {"gender", "-g"},
                 {"job", "-j"},
                 {"user", "-i"},
                 {"genre", "--genre"},
                 {"year", "--year"},
                 {"exclude", "--exclude"},
                 {"liked", "--liked"},
                 {"disliked", "--disliked"},
                 {"explain", "--explain"}};
    const size_t size = strcspn(engine->msg, " :");
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strlen(words[i].name) == size && strncmp(engine->msg, words[i].name, size) == 0)
            return mrq_fail(err, engine->status, "%s%s", words[i].option, engine->msg + size);
    return mrq_fail(err, engine->status, "%s", engine->msg);
}
