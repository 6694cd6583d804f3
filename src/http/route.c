/* Paths are compared undecoded: no pattern needs percent-encoding, so "/v1%2Finfo", "//" and "/v1/../" have no route. Only an id
 * is decoded, after its route has been found, so a slash in an id is written %2F. */
#include "http/route.h"

#include <stdio.h>
#include <string.h>

#include "base/asset.h"
#include "http/batch.h"
#include "http/openapi.h"

static mrq_status answer_query(const mrq_request *request, mrq_reply *reply, mrq_error *err)
{
    const mrq_query *query = request->query;
    mrq_answer *result;
    if (mrq_query_number(query, MRQ_Q_EXPLAIN, 0) > MRQ_EXPLAIN_MAX)
        return mrq_fail(err, MRQ_USAGE, "explain \"all\": want true, false, or how many parts, 1 to %d", MRQ_EXPLAIN_MAX);
    if (mrq_query_rows(query) > MRQ_BATCH_ROWS)
        return mrq_fail(err, MRQ_USAGE,
                        "explain: %lld items with %lld parts of scores each, want at most %d items and parts in all",
                        (long long)mrq_query_number(query, MRQ_Q_K, MRQ_K_DEFAULT),
                        (long long)mrq_query_number(query, MRQ_Q_EXPLAIN, 0), MRQ_BATCH_ROWS);
    MRQ_TRY(mrq_recommender_ask(request->service->recommender, (mrq_ask)request->route->what, query, &result, err));
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
    mrq_recommender_measure(request->service->recommender, &stats);
    MRQ_TRY(mrq_metrics_text(&request->service->metrics, label, MRQ_ROUTES + 1, &stats, &text, &size, err));
    mrq_reply_owned(reply, "text/plain; version=0.0.4; charset=utf-8", text, size);
    return MRQ_OK;
}

static mrq_status answer_document(const mrq_request *request, mrq_reply *reply, mrq_error *err)
{
    char *text;
    size_t size;
    MRQ_TRY(mrq_openapi_text(request->service->recommender, &text, &size, err));
    mrq_reply_owned(reply, MRQ_TYPE_JSON, text, size);
    return MRQ_OK;
}

static const char *find_page(const char *name)
{
    const mrq_asset *page = mrq_pages;
    while (strcmp(page->name, name) != 0)
        page++;
    return page->text;
}

static mrq_status answer_page(const mrq_request *request, mrq_reply *reply, mrq_error *err)
{
    const char *text = find_page(request->route->asset), *kind = strrchr(request->route->asset, '.');
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
#define SIMILAR         "/v1/items/{id}/similar"
#define NO_ID           MRQ_Q_FIELDS
#define USERS           "/v1/users/{id}"
#define PAIRS           "/v1/users/{id}/items/{id}"
#define ITEMS           "/v1/items/{id}"
#define EVENTS          "/v1/events"
#define WRITES          MRQ_GUARD_TOKEN, MRQ_ROUTE_PLAIN, NO_ID, NULL, NULL
const mrq_route mrq_routes[MRQ_ROUTES] = {
    {RECOMMENDATIONS, RECOMMENDATIONS, MRQ_GET, MRQ_GUARD_TOKEN, MRQ_ASK_RECOMMEND, NO_ID, NULL, answer_query, NULL},
    {"POST " RECOMMENDATIONS, RECOMMENDATIONS, MRQ_POST, MRQ_GUARD_TOKEN, MRQ_ROUTE_PLAIN, NO_ID, NULL, answer_batch, NULL},
    {ITEMS, ITEMS, MRQ_GET, MRQ_GUARD_TOKEN, MRQ_ASK_ITEM, MRQ_Q_ITEM, NULL, answer_query, NULL},
    {SIMILAR, SIMILAR, MRQ_GET, MRQ_GUARD_TOKEN, MRQ_ASK_SIMILAR, MRQ_Q_ITEM, NULL, answer_query, NULL},
    {"/v1/items", "/v1/items", MRQ_GET, MRQ_GUARD_TOKEN, MRQ_ASK_SEARCH, NO_ID, NULL, answer_query, NULL},
    {USERS, USERS, MRQ_GET, MRQ_GUARD_TOKEN, MRQ_ASK_USER, MRQ_Q_USER, NULL, answer_query, NULL},
    {"/v1/info", "/v1/info", MRQ_GET, MRQ_GUARD_TOKEN, MRQ_ASK_INFO, NO_ID, NULL, answer_query, NULL},
    {"/v1/live", "/v1/live", MRQ_GET, MRQ_GUARD_TOKEN, MRQ_ROUTE_PLAIN, NO_ID, NULL, mrq_write_state, NULL},
    {"POST " EVENTS, EVENTS, MRQ_POST, WRITES, mrq_write_events},
    {"DELETE " EVENTS "/{id}", EVENTS "/{id}", MRQ_DELETE, WRITES, mrq_write_no_event},
    {"DELETE " PAIRS, PAIRS, MRQ_DELETE, WRITES, mrq_write_no_pair},
    {"PUT " USERS, USERS, MRQ_PUT, WRITES, mrq_write_user},
    {"DELETE " USERS, USERS, MRQ_DELETE, WRITES, mrq_write_no_user},
    {"PUT " ITEMS, ITEMS, MRQ_PUT, WRITES, mrq_write_item},
    {"DELETE " ITEMS, ITEMS, MRQ_DELETE, WRITES, mrq_write_no_item},
    {"/healthz", "/healthz", MRQ_GET, MRQ_GUARD_NONE, MRQ_ROUTE_LENIENT, NO_ID, NULL, answer_health, NULL},
    {"/readyz", "/readyz", MRQ_GET, MRQ_GUARD_NONE, MRQ_ROUTE_LENIENT, NO_ID, NULL, answer_ready, NULL},
    {"/metrics", "/metrics", MRQ_GET, MRQ_GUARD_TOKEN, MRQ_ROUTE_PLAIN, NO_ID, NULL, answer_metrics, NULL},
    {"/openapi.json", "/openapi.json", MRQ_GET, MRQ_GUARD_NAME, MRQ_ROUTE_LENIENT, NO_ID, NULL, answer_document, NULL},
    {"/", "/", MRQ_GET, MRQ_GUARD_NAME, MRQ_ROUTE_LENIENT, NO_ID, "index.html", answer_page, NULL},
    {"/page.css", "/page.css", MRQ_GET, MRQ_GUARD_NAME, MRQ_ROUTE_LENIENT, NO_ID, "page.css", answer_page, NULL},
    {"/page.js", "/page.js", MRQ_GET, MRQ_GUARD_NAME, MRQ_ROUTE_LENIENT, NO_ID, "page.js", answer_page, NULL},
    {"/parts.js", "/parts.js", MRQ_GET, MRQ_GUARD_NAME, MRQ_ROUTE_LENIENT, NO_ID, "parts.js", answer_page, NULL},
};
_Static_assert(MRQ_ROUTES + 1 <= MRQ_METRICS_ROUTES, "the metrics have a counter for each route and for requests without one");

/* Whether a path matches a route's pattern; match->id are then the segments at each "{id}". */
static bool matches(const char *pattern, const char *path, mrq_match *match)
{
    static const char brace[] = "{id}";
    match->n_ids = 0;
    while (*pattern) {
        if (strncmp(pattern, brace, sizeof brace - 1) != 0) {
            if (*pattern++ != *path++)
                return false;
            continue;
        }
        const size_t size = strcspn(path, "/");
        if (!size)
            return false;
        match->id[match->n_ids].text = path;
        match->id[match->n_ids++].size = size;
        path += size;
        pattern += sizeof brace - 1;
    }
    return *path == '\0';
}

static mrq_method method_of(const char *name)
{
    static const char *const names[] = {"GET", "POST", "PUT", "DELETE"};
    if (strcmp(name, "HEAD") == 0)
        return MRQ_GET;
    unsigned i = 0;
    while (i < MRQ_METHODS && strcmp(name, names[i]) != 0)
        i++;
    return (mrq_method)i;
}

/* Adds a route's methods to those of a 405. */
static void allow(mrq_match *match, mrq_method method)
{
    static const char *const names[] = {"GET, HEAD", "POST", "PUT", "DELETE"};
    const size_t used = strlen(match->allow);
    snprintf(match->allow + used, sizeof match->allow - used, "%s%s", used ? ", " : "", names[method]);
}

mrq_match mrq_route_find(const char *method, const char *path)
{
    const mrq_method wanted = method_of(method);
    mrq_match match = {.status = 404, .route = MRQ_ROUTE_NONE}, found = match;
    for (unsigned i = 0; i < MRQ_ROUTES; i++) {
        if (!matches(mrq_routes[i].path, path, &match))
            continue;
        if (mrq_routes[i].method == wanted) {
            match.status = 200;
            match.route = i;
            *match.allow = '\0';
            return match;
        }
        match.status = 405;
        allow(&match, mrq_routes[i].method);
        found = match;
    }
    return found;
}

mrq_status mrq_route_ids(const mrq_match *match, char id[MRQ_PATH_IDS][MRQ_ID_BYTES + 1], mrq_error *err)
{
    for (unsigned i = 0; i < match->n_ids; i++)
        MRQ_TRY(mrq_params_read_id(match->id[i].text, match->id[i].size, id[i], err));
    return MRQ_OK;
}

static mrq_status read_id(const mrq_match *match, mrq_field_index field, mrq_query *query, mrq_error *err)
{
    char id[MRQ_ID_BYTES + 1];
    MRQ_TRY(mrq_params_read_id(match->id->text, match->id->size, id, err));
    return mrq_query_put(query, field, id, err);
}

static bool is_blank(const char *text)
{
    return !text || text[strspn(text, " \t\r\n\v\f")] == '\0';
}

mrq_status mrq_route_query(const mrq_match *match, char *text, mrq_query *query, mrq_error *err)
{
    const mrq_route *route = &mrq_routes[match->route];
    if (route->id != MRQ_Q_FIELDS)
        MRQ_TRY(read_id(match, route->id, query, err));
    if (text && route->what != MRQ_ROUTE_LENIENT)
        MRQ_TRY(mrq_params_read(query, route->what < 0 ? 0 : MRQ_ASKS(route->what), text, err));
    if (route->what == MRQ_ASK_SEARCH && is_blank(mrq_query_text(query, MRQ_Q_TEXT)))
        return mrq_query_put(query, MRQ_Q_TEXT, "", err); /* which finds the most rated items */
    return MRQ_OK;
}
