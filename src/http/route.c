/* Paths are compared as they come, not decoded: none of ours holds a character that needs an escape, so "/v1%2Finfo", "//" and
 * "/v1/../" are other paths, which lead nowhere. An id is judged by the handler of its route, whose sentence says what is wrong. */
#include "http/route.h"

#include <stdio.h>
#include <string.h>

#include "base/asset.h"
#include "http/batch.h"

#define FILTERS (MRQ_PARAM_GENRE | MRQ_PARAM_ALL_GENRES | MRQ_PARAM_YEAR | MRQ_PARAM_EXCLUDE)
#define QUERY                                                                                                                      \
    (MRQ_PARAM_AGE | MRQ_PARAM_GENDER | MRQ_PARAM_JOB | MRQ_PARAM_USER | MRQ_PARAM_LIKED | MRQ_PARAM_DISLIKED | MRQ_PARAM_K |      \
     FILTERS | MRQ_PARAM_INCLUDE_SEEN | MRQ_PARAM_EXPLAIN)

static mrq_status answer_recommend(const mrq_request *request, mrq_reply *reply, mrq_error *err)
{
    const mrq_query *query = &request->params->query;
    mrq_result *result;
    if (mrq_query_rows(query) > MRQ_BATCH_ROWS)
        return mrq_fail(err, MRQ_USAGE, "explain: %u movies with %u parts of scores each, want at most %d movies and parts in all",
                        query->k, query->explain, MRQ_BATCH_ROWS);
    MRQ_TRY(mrq_recommender_recommend(request->service->recommender, query, &result, err));
    mrq_reply_result(reply, result);
    return MRQ_OK;
}

uint32_t mrq_helpers_take(mrq_service *service, uint32_t want)
{
    uint32_t left = atomic_load_explicit(&service->helpers, memory_order_relaxed), n;
    do
        n = left < want ? left : want;
    while (n &&
           !atomic_compare_exchange_weak_explicit(&service->helpers, &left, left - n, memory_order_relaxed, memory_order_relaxed));
    return n;
}

void mrq_helpers_give(mrq_service *service, uint32_t n)
{
    atomic_fetch_add_explicit(&service->helpers, n, memory_order_relaxed);
}

static mrq_status answer_batch(const mrq_request *request, mrq_reply *reply, mrq_error *err)
{
    mrq_batch batch;
    char *text = NULL;
    size_t size = 0;
    MRQ_TRY(mrq_batch_read(request->body, request->body_size, &batch, err));
    const uint32_t helpers = mrq_helpers_take(request->service, batch.n > 1 ? batch.n - 1 : 0);
    const mrq_status status = mrq_batch_answer(&batch, request->service->recommender, 1 + helpers, &text, &size, err);
    mrq_helpers_give(request->service, helpers);
    mrq_batch_clear(&batch);
    MRQ_TRY(status);
    mrq_reply_owned(reply, MRQ_TYPE_JSON, text, size);
    return MRQ_OK;
}

static mrq_status answer_movie(const mrq_request *request, mrq_reply *reply, mrq_error *err)
{
    mrq_result *result;
    MRQ_TRY(mrq_recommender_movie(request->service->recommender, request->id, &result, err));
    mrq_reply_result(reply, result);
    return MRQ_OK;
}

static mrq_status answer_similar(const mrq_request *request, mrq_reply *reply, mrq_error *err)
{
    const mrq_query *query = &request->params->query;
    char id[24];
    mrq_result *result;
    snprintf(id, sizeof id, "%lld", (long long)request->id);
    MRQ_TRY(mrq_recommender_similar(request->service->recommender, id, query->k, &query->filters, &result, err));
    mrq_reply_result(reply, result);
    return MRQ_OK;
}

static mrq_status answer_search(const mrq_request *request, mrq_reply *reply, mrq_error *err)
{
    const mrq_params *params = request->params;
    mrq_result *result;
    MRQ_TRY(mrq_recommender_search(request->service->recommender, params->search, params->query.k, &result, err));
    mrq_reply_result(reply, result);
    return MRQ_OK;
}

static mrq_status answer_user(const mrq_request *request, mrq_reply *reply, mrq_error *err)
{
    mrq_result *result;
    MRQ_TRY(mrq_recommender_user(request->service->recommender, request->id, request->params->query.k, &result, err));
    mrq_reply_result(reply, result);
    return MRQ_OK;
}

static mrq_status answer_info(const mrq_request *request, mrq_reply *reply, mrq_error *err)
{
    mrq_result *result;
    MRQ_TRY(mrq_recommender_info(request->service->recommender, &result, err));
    mrq_reply_result(reply, result);
    return MRQ_OK;
}

static mrq_status answer_health(const mrq_request *request, mrq_reply *reply, mrq_error *err)
{
    static const char text[] = "{\"status\":\"ok\"}\n";
    (void)request, (void)err;
    mrq_reply_static(reply, MRQ_TYPE_JSON, text, sizeof text - 1);
    return MRQ_OK;
}

static mrq_status answer_ready(const mrq_request *request, mrq_reply *reply, mrq_error *err)
{
    static const char text[] = "{\"status\":\"stopping\"}\n";
    if (!atomic_load(&request->service->draining))
        return answer_health(request, reply, err);
    mrq_reply_static(reply, MRQ_TYPE_JSON, text, sizeof text - 1);
    reply->status = 503;
    return MRQ_OK;
}

static mrq_status answer_metrics(const mrq_request *request, mrq_reply *reply, mrq_error *err)
{
    const char *label[MRQ_ROUTES + 1];
    mrq_stats stats;
    char *text;
    size_t size;
    for (unsigned i = 0; i < MRQ_ROUTES; i++)
        label[i] = mrq_routes[i].label;
    label[MRQ_ROUTE_NONE] = "none";
    mrq_recommender_stats(request->service->recommender, &stats);
    MRQ_TRY(mrq_metrics_text(&request->service->metrics, label, MRQ_ROUTES + 1, &stats, &text, &size, err));
    mrq_reply_owned(reply, "text/plain; version=0.0.4; charset=utf-8", text, size);
    return MRQ_OK;
}

static const char *find_text(const mrq_asset *asset, const char *name)
{
    while (strcmp(asset->name, name) != 0)
        asset++;
    return asset->text;
}

static mrq_status answer_document(const mrq_request *request, mrq_reply *reply, mrq_error *err)
{
    const char *text = find_text(mrq_documents, request->asset);
    (void)err;
    mrq_reply_static(reply, MRQ_TYPE_JSON, text, strlen(text));
    return MRQ_OK;
}

static mrq_status answer_page(const mrq_request *request, mrq_reply *reply, mrq_error *err)
{
    const char *text = find_text(mrq_pages, request->asset), *kind = strrchr(request->asset, '.');
    (void)err;
    mrq_reply_static(reply,
                     strcmp(kind, ".css") == 0  ? "text/css; charset=utf-8"
                     : strcmp(kind, ".js") == 0 ? "text/javascript; charset=utf-8"
                                                : "text/html; charset=utf-8",
                     text, strlen(text));
    reply->page = true;
    return MRQ_OK;
}

#define RECOMMENDATIONS "/v1/recommendations"
#define SIMILAR         "/v1/movies/{id}/similar"
const mrq_route mrq_routes[MRQ_ROUTES] = {
    {RECOMMENDATIONS, RECOMMENDATIONS, false, MRQ_GUARD_TOKEN, QUERY, MRQ_K_DEFAULT, NULL, answer_recommend},
    {"POST " RECOMMENDATIONS, RECOMMENDATIONS, true, MRQ_GUARD_TOKEN, 0, 0, NULL, answer_batch},
    {"/v1/movies/{id}", "/v1/movies/{id}", false, MRQ_GUARD_TOKEN, 0, 0, NULL, answer_movie},
    {SIMILAR, SIMILAR, false, MRQ_GUARD_TOKEN, MRQ_PARAM_K | FILTERS, MRQ_K_DEFAULT, NULL, answer_similar},
    {"/v1/movies", "/v1/movies", false, MRQ_GUARD_TOKEN, MRQ_PARAM_QUERY | MRQ_PARAM_K, MRQ_LIST_DEFAULT, NULL, answer_search},
    {"/v1/users/{id}", "/v1/users/{id}", false, MRQ_GUARD_TOKEN, MRQ_PARAM_K, MRQ_LIST_DEFAULT, NULL, answer_user},
    {"/v1/info", "/v1/info", false, MRQ_GUARD_TOKEN, 0, 0, NULL, answer_info},
    {"/healthz", "/healthz", false, MRQ_GUARD_NONE, 0, 0, NULL, answer_health},
    {"/readyz", "/readyz", false, MRQ_GUARD_NONE, 0, 0, NULL, answer_ready},
    {"/metrics", "/metrics", false, MRQ_GUARD_TOKEN, 0, 0, NULL, answer_metrics},
    {"/openapi.json", "/openapi.json", false, MRQ_GUARD_NAME, 0, 0, "openapi", answer_document},
    {"/", "/", false, MRQ_GUARD_NAME, 0, 0, "index.html", answer_page},
    {"/page.css", "/page.css", false, MRQ_GUARD_NAME, 0, 0, "page.css", answer_page},
    {"/page.js", "/page.js", false, MRQ_GUARD_NAME, 0, 0, "page.js", answer_page},
    {"/parts.js", "/parts.js", false, MRQ_GUARD_NAME, 0, 0, "parts.js", answer_page},
};
_Static_assert(MRQ_ROUTES + 1 <= MRQ_METRICS_ROUTES, "the metrics have room for all routes and for what has none");

/* Whether a path is a route's; `id` is then the segment that stands in the place of "{id}". */
static bool matches(const char *pattern, const char *path, mrq_match *match)
{
    const char *brace = strchr(pattern, '{');
    if (!brace)
        return strcmp(pattern, path) == 0;
    const size_t before = (size_t)(brace - pattern);
    if (strncmp(pattern, path, before) != 0)
        return false;
    match->id = path + before;
    match->id_size = strcspn(match->id, "/");
    return match->id_size > 0 && strcmp(match->id + match->id_size, brace + sizeof "{id}" - 1) == 0;
}

mrq_match mrq_route_find(const char *method, const char *path)
{
    const bool get = strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0, post = strcmp(method, "POST") == 0;
    mrq_match match = {.status = 404, .route = MRQ_ROUTE_NONE};
    for (unsigned i = 0; i < MRQ_ROUTES; i++) {
        if (!matches(mrq_routes[i].path, path, &match))
            continue;
        if (mrq_routes[i].post ? post : get) {
            match.status = 200;
            match.route = i;
            return match;
        }
        match.status = 405;
        match.allow = mrq_routes[i].post ? "GET, HEAD, POST" : match.allow ? match.allow : "GET, HEAD";
    }
    return match;
}
