/* What a person types to find an item: the titles found are those that a plainer search finds; and an item named for its like is
 * one that is there. */
#include <ctype.h>

#include "engine/query.h"
#include "fuzz/world.h"

/* Words in lower case, a blank before each and nothing else between them. */
static void plain(const char *text, char *out)
{
    bool inside = false;
    for (; *text; text++) {
        const unsigned char c = (unsigned char)*text;
        const bool word = c >= 0x80 || isalnum(c);
        if (word && !inside)
            *out++ = ' ';
        inside = word;
        if (word)
            *out++ = (char)(c < 0x80 ? tolower(c) : c);
    }
    *out = '\0';
}

static uint32_t count_titles(const char *text)
{
    uint32_t n = 0;
    char *question = malloc(2 * strlen(text) + 1);
    FUZZ_CHECK(question);
    plain(text, question);
    for (uint32_t i = 0; i < ITEMS; i++) {
        char title[80], words[170];
        fuzz_title(i, title);
        plain(title, words);
        bool all = !*text || *question;
        for (const char *at = question, *end; all && *at; at = end) {
            end = strchrnul(at + 1, ' ');
            all = memmem(words, strlen(words), at, (size_t)(end - at));
        }
        n += all;
    }
    free(question);
    return n;
}

static void check(mrq_status status, mrq_answer *result, const mrq_error *problem, unsigned allowed)
{
    fuzz_check_status(status, problem, allowed);
    FUZZ_CHECK((result != NULL) == (status == MRQ_OK));
    if (!result)
        return;
    size_t size;
    const char *text = mrq_answer_json(result, &size);
    cJSON *json = fuzz_document(text, size);
    fuzz_check_document(json, false);
    fuzz_check_results(cJSON_GetObjectItemCaseSensitive(json, "results"), mrq_answer_size(result));
    cJSON_Delete(json);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    mrq_recommender *recommender = fuzz_recommender();
    mrq_error problem = {0};
    mrq_answer *found = NULL, *alike = NULL;
    char *text = fuzz_text(data, size);
    mrq_query query = {0};
    mrq_status status = mrq_query_put(&query, MRQ_Q_TEXT, text, &problem);
    if (status == MRQ_OK)
        status = mrq_query_put(&query, MRQ_Q_K, "1000", &problem);
    if (status == MRQ_OK)
        status = mrq_recommender_ask(recommender, MRQ_ASK_SEARCH, &query, &found, &problem);
    check(status, found, &problem, FUZZ_ALLOW(MRQ_USAGE));
    mrq_query_clear(&query);
    if (status == MRQ_OK)
        FUZZ_CHECK(mrq_answer_size(found) == count_titles(text));
    problem = (mrq_error){0};
    status = mrq_query_put(&query, MRQ_Q_ITEM, text, &problem);
    if (status == MRQ_OK)
        status = mrq_recommender_ask(recommender, MRQ_ASK_SIMILAR, &query, &alike, &problem);
    check(status, alike, &problem, FUZZ_ALLOW(MRQ_USAGE) | FUZZ_ALLOW(MRQ_NOT_FOUND));
    mrq_query_clear(&query);
    mrq_answer_free(found);
    mrq_answer_free(alike);
    free(text);
    return 0;
}
