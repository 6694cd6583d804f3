/* Query strings: what is taken is within the limits, points into its own buffer, and says the same when every byte of its values is
 * percent-encoded; paths and methods lead to one route or to none. */
#include "fuzz/fuzz.h"
#include "http/route.h"

#define ALL ((uint32_t)(2 * MRQ_PARAM_QUERY - 1))

static void check_text(const mrq_params *params, const char *text)
{
    if (!text || !*text)
        return;
    FUZZ_CHECK(text >= params->text && text + strlen(text) < params->text + sizeof params->text);
    fuzz_check_text(text);
}

static void check_ids(const int64_t *ids, uint32_t n, uint32_t max)
{
    FUZZ_CHECK(n <= max);
    for (uint32_t i = 0; i < n; i++)
        FUZZ_CHECK(ids[i] >= 0);
}

static void check_params(const mrq_params *params)
{
    const mrq_query *q = &params->query;
    const mrq_filters *f = &q->filters;
    FUZZ_CHECK(q->k >= 1 && q->k <= MRQ_K_MAX && q->user >= -1 && q->explain <= MRQ_EXPLAIN_MAX);
    FUZZ_CHECK(!(params->given & ~params->known) && params->used <= sizeof params->text && f->n_genres <= MRQ_GENRES_MAX);
    FUZZ_CHECK(f->year_from >= 0 && f->year_to >= 0 && (!f->year_to || f->year_from <= f->year_to));
    check_ids(q->liked, q->n_liked, MRQ_URL_MAX / 2);
    check_ids(q->disliked, q->n_disliked, MRQ_URL_MAX / 2);
    check_ids(f->exclude, f->n_exclude, MRQ_EXCLUDE_MAX);
    check_text(params, q->age);
    check_text(params, q->gender);
    check_text(params, q->job);
    check_text(params, params->search);
    for (uint32_t i = 0; i < f->n_genres; i++)
        check_text(params, f->genre[i]);
}

/* Every byte of a value that is not an escape becomes one. */
static void encode(const char *text, char *out)
{
    bool value = false;
    for (const char *p = text; *p; p++) {
        if (value && *p == '%') {
            out = mempcpy(out, p, 3);
            p += 2;
        } else if (value && *p != '&') {
            out += sprintf(out, "%%%02x", *p == '+' ? ' ' : (unsigned char)*p);
        } else {
            value = *p == '=' && !value;
            *out++ = *p;
        }
    }
    *out = '\0';
}

static bool same_text(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

static bool same(const mrq_query *a, const mrq_query *b)
{
    bool same = same_text(a->age, b->age) && same_text(a->gender, b->gender) && same_text(a->job, b->job) && a->user == b->user &&
                a->k == b->k && a->explain == b->explain && a->n_liked == b->n_liked && a->n_disliked == b->n_disliked &&
                a->filters.n_genres == b->filters.n_genres && a->filters.n_exclude == b->filters.n_exclude &&
                a->filters.year_from == b->filters.year_from && a->filters.year_to == b->filters.year_to &&
                a->filters.all_genres == b->filters.all_genres && a->filters.include_seen == b->filters.include_seen;
    for (uint32_t i = 0; same && i < a->n_liked; i++)
        same = a->liked[i] == b->liked[i];
    for (uint32_t i = 0; same && i < a->filters.n_genres; i++)
        same = strcmp(a->filters.genre[i], b->filters.genre[i]) == 0;
    return same;
}

static void check_query(const char *text)
{
    static mrq_params params, again;
    static char copy[4 * MRQ_URL_MAX];
    mrq_error err = {0};
    if (strlen(text) >= MRQ_URL_MAX)
        return;
    strcpy(copy, text);
    mrq_params_init(&params, ALL, 7);
    const mrq_status status = mrq_params_read(&params, copy, &err);
    fuzz_check_status(status, &err, FUZZ_ALLOW(MRQ_USAGE));
    if (status != MRQ_OK)
        return;
    check_params(&params);
    encode(text, copy);
    mrq_params_init(&again, ALL, 7);
    if (strlen(copy) >= MRQ_URL_MAX)
        return;
    FUZZ_CHECK(mrq_params_read(&again, copy, &err) == MRQ_OK);
    FUZZ_CHECK(same(&params.query, &again.query) && strcmp(params.search, again.search) == 0 && params.given == again.given);
}

static void check_route(const char *path)
{
    static const char *const methods[] = {"GET", "HEAD", "POST", "PUT", ""};
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
        const mrq_match match = mrq_route_find(methods[i], path);
        FUZZ_CHECK((match.status == 200) == (match.route < MRQ_ROUTES));
        FUZZ_CHECK((match.status == 405) == (match.allow != NULL && match.status != 200));
        FUZZ_CHECK(match.status == 200 || match.status == 404 || match.status == 405);
        if (match.status == 200 && strchr(mrq_routes[match.route].path, '{'))
            FUZZ_CHECK(match.id > path && match.id_size > 0 && match.id + match.id_size <= path + strlen(path) &&
                       !memchr(match.id, '/', match.id_size));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = fuzz_text(data, size), *mark = strchr(text, '?');
    if (mark)
        *mark = '\0';
    check_route(text);
    if (mark)
        check_query(mark + 1);
    free(text);
    return 0;
}
