/* A path with its query string, as GET asks for it: the answer is a document, or a refusal that is one. */
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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static mrq_service service = {.workers = 1};
    service.recommender = fuzz_recommender();
    if (size >= MRQ_URL_MAX)
        return 0;
    char *text = fuzz_text(data, size), *query = strchr(text, '?');
    if (query)
        *query++ = '\0';
    const mrq_match match = mrq_route_find("GET", text);
    if (match.status == 200 && mrq_routes[match.route].guard == MRQ_GUARD_TOKEN) {
        mrq_query asked = {0};
        const mrq_request request = {&service, &mrq_routes[match.route], &asked, "", 0, {NULL, NULL}};
        mrq_reply reply = {0};
        mrq_error problem = {0};
        mrq_status status = mrq_route_query(&match, query, &asked, &problem);
        if (status == MRQ_OK)
            status = request.route->answer(&request, &reply, &problem);
        fuzz_check_status(status, &problem, FUZZ_ALLOW(MRQ_USAGE) | FUZZ_ALLOW(MRQ_NOT_FOUND));
        if (status != MRQ_OK)
            mrq_reply_error(&reply, &problem);
        check_reply(&reply, status != MRQ_OK, (uint32_t)mrq_query_number(&asked, MRQ_Q_K, MRQ_LIST_DEFAULT));
        mrq_query_clear(&asked);
        mrq_reply_clear(&reply);
    }
    free(text);
    return 0;
}
