/* A path with its query string, as GET asks for it: the answer is a document, or a refusal that is one. */
#include "base/parse.h"
#include "fuzz/world.h"
#include "http/route.h"

static void check_reply(const mrq_reply *reply, bool refused, uint32_t k)
{
    FUZZ_CHECK(refused ? reply->status == 400 || reply->status == 404 : reply->status == 200);
    FUZZ_CHECK(reply->data && reply->size && reply->type);
    if (strcmp(reply->type, MRQ_TYPE_JSON) != 0 || !strstr(reply->data, "\"schema\""))
        return;
    cJSON *json = fuzz_document(reply->data, reply->size);
    const cJSON *results = cJSON_GetObjectItemCaseSensitive(json, "results");
    fuzz_check_document(json, refused);
    if (results)
        fuzz_check_results(results, k);
    cJSON_Delete(json);
}

/* As the server does. */
static mrq_status answer(mrq_request *request, const mrq_match *match, char *query, mrq_reply *reply, mrq_error *problem)
{
    const mrq_route *route = &mrq_routes[match->route];
    if (match->id && !mrq_parse_int(match->id, match->id_size, 0, INT64_MAX, &request->id))
        return mrq_fail(problem, MRQ_USAGE, "id: want a whole number");
    mrq_params_init(request->params, route->params, route->k);
    if (query)
        MRQ_TRY(mrq_params_read(request->params, query, problem));
    return route->answer(request, reply, problem);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static mrq_service service = {.workers = 1};
    static mrq_params params;
    service.recommender = fuzz_recommender();
    if (size >= MRQ_URL_MAX)
        return 0;
    char *text = fuzz_text(data, size), *query = strchr(text, '?');
    if (query)
        *query++ = '\0';
    const mrq_match match = mrq_route_find("GET", text);
    if (match.status == 200 && mrq_routes[match.route].guard == MRQ_GUARD_TOKEN) {
        mrq_request request = {&service, NULL, 0, &params, "", 0};
        mrq_reply reply = {0};
        mrq_error problem = {0};
        params.query.k = 0;
        const mrq_status status = answer(&request, &match, query, &reply, &problem);
        fuzz_check_status(status, &problem, FUZZ_ALLOW(MRQ_USAGE) | FUZZ_ALLOW(MRQ_NOT_FOUND));
        if (status != MRQ_OK)
            mrq_reply_error(&reply, &problem);
        check_reply(&reply, status != MRQ_OK, params.query.k);
        mrq_reply_clear(&reply);
    }
    free(text);
    return 0;
}
