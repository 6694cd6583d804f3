/* Bodies of POST /v1/recommendations: as many answers as queries, each a document of its own, of at most k items, without those
 * that were to be left out. */
#include "fuzz/world.h"
#include "http/batch.h"

static bool holds(const mrq_query *query, mrq_field_index field, const char *text)
{
    mrq_query_value value;
    for (size_t at = mrq_query_begin(query, field); mrq_query_next(query, field, &at, &value);)
        if (strcmp(value.text, text) == 0)
            return true;
    return false;
}

static void check_answer(const cJSON *answer, const mrq_query *query)
{
    const cJSON *item, *results = cJSON_GetObjectItemCaseSensitive(answer, "results");
    fuzz_check_document(answer, !results);
    if (!results)
        return;
    fuzz_check_results(results, (uint32_t)mrq_query_number(query, MRQ_Q_K, MRQ_K_DEFAULT));
    cJSON_ArrayForEach(item, results)
    {
        char id[24];
        snprintf(id, sizeof id, "%d", cJSON_GetObjectItemCaseSensitive(item, "id")->valueint);
        FUZZ_CHECK(!holds(query, MRQ_Q_EXCLUDE, id));
        FUZZ_CHECK(query->n[MRQ_Q_INCLUDE_SEEN] || !holds(query, MRQ_Q_LIKED, id));
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
