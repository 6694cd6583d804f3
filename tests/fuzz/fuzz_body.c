/* Bodies of POST /v1/recommendations: as many answers as queries, each a document of its own, of at most k movies, without those
 * that were to be left out. */
#include "fuzz/world.h"
#include "http/batch.h"

static void check_answer(const cJSON *answer, const mrq_query *query)
{
    const cJSON *item, *results = cJSON_GetObjectItemCaseSensitive(answer, "results");
    fuzz_check_document(answer, !results);
    if (!results)
        return;
    fuzz_check_results(results, query->k);
    cJSON_ArrayForEach(item, results)
    {
        const int64_t id = cJSON_GetObjectItemCaseSensitive(item, "id")->valueint;
        for (uint32_t i = 0; i < query->filters.n_exclude; i++)
            FUZZ_CHECK(query->filters.exclude[i] != id);
        for (uint32_t i = 0; i < query->n_liked && !query->filters.include_seen; i++)
            FUZZ_CHECK(query->liked[i] != id);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    mrq_recommender *recommender = fuzz_recommender();
    mrq_error problem = {0};
    mrq_batch batch;
    fuzz_mark(&batch, sizeof batch);
    const mrq_status status = mrq_batch_read((const char *)data, size, &batch, &problem);
    fuzz_check_status(status, &problem, FUZZ_ALLOW(MRQ_USAGE));
    if (status != MRQ_OK) {
        fuzz_check_untouched(&batch, sizeof batch);
        return 0;
    }
    for (uint32_t i = 0; i < batch.n; i++)
        fuzz_check_status(batch.problem[i].status, &batch.problem[i], FUZZ_ALLOW(MRQ_USAGE));
    char *text = NULL;
    size_t text_size = 0;
    FUZZ_CHECK(mrq_batch_answer(&batch, recommender, 1, &text, &text_size, &problem) == MRQ_OK);
    cJSON *json = fuzz_document(text, text_size);
    const cJSON *answers = cJSON_GetObjectItemCaseSensitive(json, "answers"), *answer;
    fuzz_check_document(json, false);
    FUZZ_CHECK(cJSON_IsArray(answers) && cJSON_GetArraySize(answers) == (int)batch.n);
    uint32_t i = 0;
    cJSON_ArrayForEach(answer, answers)
    {
        FUZZ_CHECK(batch.problem[i].status == MRQ_OK || cJSON_GetObjectItemCaseSensitive(answer, "error"));
        check_answer(answer, &batch.query[i++]);
    }
    cJSON_Delete(json);
    mrq_free(text);
    mrq_batch_clear(&batch);
    return 0;
}
