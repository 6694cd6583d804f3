/* Values are decoded into one buffer that is as long as any URL may be, and lists of ids cannot be longer than the text that holds
 * them; so nothing here asks for memory, and the whole of it lives on the stack of a worker. libmicrohttpd's own reader of query
 * strings is not asked: it lets broken percent-encoding pass, and does not answer when there are more parameters than it has memory
 * for. */
#include "http/params.h"

#include <stdio.h>
#include <string.h>

#include "base/parse.h"
#include "base/utf8.h"

static const char *const names[] = {"age",   "gender",     "job",  "user",    "liked",        "disliked", "k",
                                    "genre", "all_genres", "year", "exclude", "include_seen", "explain",  "query"};
#define N_NAMES (sizeof names / sizeof *names)
_Static_assert(MRQ_PARAM_QUERY == 1 << (N_NAMES - 1), "a name for each parameter");

#define MAY_REPEAT (MRQ_PARAM_GENRE | MRQ_PARAM_LIKED | MRQ_PARAM_DISLIKED | MRQ_PARAM_EXCLUDE)

void mrq_params_init(mrq_params *params, uint32_t known, uint32_t k)
{
    const mrq_query none = MRQ_QUERY;
    params->known = known;
    params->given = 0;
    params->query = none;
    params->query.k = k;
    params->query.liked = params->liked;
    params->query.disliked = params->disliked;
    params->query.filters.genre = params->genre;
    params->query.filters.exclude = params->exclude;
    params->search = "";
    params->used = 0;
}

static int hex(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* The value as text, at the end of the buffer. */
static mrq_status decode(mrq_params *params, const char *name, const char *value, const char **out, mrq_error *err)
{
    char *text = params->text + params->used;
    size_t size = 0;
    if (strlen(value) >= sizeof params->text - params->used)
        return mrq_fail(err, MRQ_USAGE, "%s: with it all values are longer than %zu bytes", name, sizeof params->text);
    for (const char *p = value; *p; p++) {
        if (*p != '%') {
            text[size++] = (char)(*p == '+' ? ' ' : *p);
            continue;
        }
        const int high = hex(p[1]), low = high < 0 ? -1 : hex(p[2]);
        if (low < 0)
            return mrq_fail(err, MRQ_USAGE, "%s: broken percent-encoding \"%.3s\", want %% and two hexadecimal digits", name, p);
        if (high + low == 0)
            return mrq_fail(err, MRQ_USAGE, "%s: \"%%00\" is no character of a text", name);
        text[size++] = (char)(high << 4 | low);
        p += 2;
    }
    text[size] = '\0';
    uint32_t code;
    for (size_t at = 0, n; at < size; at += n)
        if ((n = mrq_utf8_read(text + at, size - at, &code)) == 0)
            return mrq_fail(err, MRQ_USAGE, "%s: byte %zu is not UTF-8", name, at + 1);
    params->used += size + 1;
    *out = text;
    return MRQ_OK;
}

static mrq_status read_whole(const char *name, const char *text, int64_t min, int64_t max, int64_t *out, mrq_error *err)
{
    if (!mrq_parse_int(text, strlen(text), min, max, out))
        return mrq_fail(err, MRQ_USAGE, "%s \"%.40s\": want a whole number from %lld to %lld", name, text, (long long)min,
                        (long long)max);
    return MRQ_OK;
}

/* Ids with commas between them, behind those that are there. */
static mrq_status read_ids(const char *name, const char *text, int64_t *ids, uint32_t room, uint32_t *n, mrq_error *err)
{
    for (const char *at = text, *end; at; at = *end ? end + 1 : NULL) {
        end = strchrnul(at, ',');
        if (*n == room)
            return mrq_fail(err, MRQ_USAGE, "%s: more than %u movies", name, room);
        if (!mrq_parse_int(at, (size_t)(end - at), 0, INT64_MAX, &ids[*n]))
            return mrq_fail(err, MRQ_USAGE, "%s \"%.*s\": want ids of movies with commas between them", name,
                            (int)(end - at < 40 ? end - at : 40), at);
        ++*n;
    }
    return MRQ_OK;
}

static mrq_status read_bool(const char *name, const char *text, bool *out, mrq_error *err)
{
    const bool yes = strcmp(text, "true") == 0 || strcmp(text, "1") == 0;
    if (!yes && strcmp(text, "false") != 0 && strcmp(text, "0") != 0)
        return mrq_fail(err, MRQ_USAGE, "%s \"%.40s\": want true or false", name, text);
    *out = yes;
    return MRQ_OK;
}

static mrq_status read_explain(const char *text, uint32_t *parts, mrq_error *err)
{
    int64_t n = strcmp(text, "true") == 0 ? MRQ_EXPLAIN_DEFAULT : 0;
    if (!n && strcmp(text, "false") != 0 && !mrq_parse_int(text, strlen(text), 0, MRQ_EXPLAIN_MAX, &n))
        return mrq_fail(err, MRQ_USAGE, "explain \"%.40s\": want true, false, or how many parts, 1 to %d", text, MRQ_EXPLAIN_MAX);
    *parts = (uint32_t)n;
    return MRQ_OK;
}

static mrq_status take(mrq_params *params, mrq_param which, const char *name, const char *text, mrq_error *err)
{
    mrq_query *query = &params->query;
    mrq_filters *filters = &query->filters;
    int64_t k;
    switch (which) {
    case MRQ_PARAM_AGE:
        query->age = text;
        return MRQ_OK;
    case MRQ_PARAM_GENDER:
        query->gender = text;
        return MRQ_OK;
    case MRQ_PARAM_JOB:
        query->job = text;
        return MRQ_OK;
    case MRQ_PARAM_USER:
        return read_whole(name, text, 0, INT64_MAX, &query->user, err);
    case MRQ_PARAM_LIKED:
        return read_ids(name, text, params->liked, MRQ_URL_MAX / 2, &query->n_liked, err);
    case MRQ_PARAM_DISLIKED:
        return read_ids(name, text, params->disliked, MRQ_URL_MAX / 2, &query->n_disliked, err);
    case MRQ_PARAM_K:
        MRQ_TRY(read_whole(name, text, 1, MRQ_K_MAX, &k, err));
        query->k = (uint32_t)k;
        return MRQ_OK;
    case MRQ_PARAM_GENRE:
        if (filters->n_genres == MRQ_GENRES_MAX)
            return mrq_fail(err, MRQ_USAGE, "genre: more than %d of them", MRQ_GENRES_MAX);
        params->genre[filters->n_genres++] = text;
        return MRQ_OK;
    case MRQ_PARAM_ALL_GENRES:
        return read_bool(name, text, &filters->all_genres, err);
    case MRQ_PARAM_YEAR:
        return mrq_years_parse(text, filters, err);
    case MRQ_PARAM_EXCLUDE:
        return read_ids(name, text, params->exclude, MRQ_EXCLUDE_MAX, &filters->n_exclude, err);
    case MRQ_PARAM_INCLUDE_SEEN:
        return read_bool(name, text, &filters->include_seen, err);
    case MRQ_PARAM_EXPLAIN:
        return read_explain(text, &query->explain, err);
    case MRQ_PARAM_QUERY:
        params->search = text;
        return MRQ_OK;
    }
    return MRQ_OK;
}

static mrq_status fail_unknown(const mrq_params *params, const char *name, mrq_error *err)
{
    char known[200] = "no";
    size_t size = 0;
    for (size_t i = 0; i < N_NAMES; i++)
        if (params->known >> i & 1)
            size += (size_t)snprintf(known + size, sizeof known - size, "%s%s", size ? ", " : "", names[i]);
    return mrq_fail(err, MRQ_USAGE, "unknown parameter \"%.40s\": want %s%s", name, known, size ? "" : " parameters");
}

static mrq_status add(mrq_params *params, const char *name, const char *value, mrq_error *err)
{
    size_t i = 0;
    while (i < N_NAMES && strcmp(names[i], name) != 0)
        i++;
    const uint32_t which = i < N_NAMES ? 1u << i : 0;
    if (!(params->known & which))
        return fail_unknown(params, name, err);
    if (!value)
        return mrq_fail(err, MRQ_USAGE, "%s: without a value, want %s=...", name, name);
    if (params->given & which & ~(uint32_t)MAY_REPEAT)
        return mrq_fail(err, MRQ_USAGE, "%s: given twice", name);
    params->given |= which;
    const char *text = NULL;
    MRQ_TRY(decode(params, name, value, &text, err));
    return take(params, (mrq_param)which, name, text, err);
}

mrq_status mrq_params_read(mrq_params *params, char *text, mrq_error *err)
{
    while (*text) {
        char *end = strchrnul(text, '&'), *next = end + (*end != '\0');
        *end = '\0';
        char *equals = strchr(text, '=');
        if (equals)
            *equals = '\0';
        MRQ_TRY(add(params, text, equals ? equals + 1 : NULL, err));
        text = next;
    }
    return MRQ_OK;
}
