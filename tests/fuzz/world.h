/* What the fuzz targets of the service share: a small store of the shipped model's kind, opened once; and what must hold of a
 * document that it answers with. */
#ifndef MRQ_TESTS_FUZZ_WORLD_H
#define MRQ_TESTS_FUZZ_WORLD_H

#include "fuzz/fuzz.h" /* first: the other has an err of its own */

#include "unit/store_world.h"

#include "base/json.h"
#include "engine/options.h"
#include "marquee/marquee.h"
#include "store/write.h"

#define FUZZ_MODEL                                                                                                                 \
    SMALL("\"kind\":\"dot\"", "\"kind\":\"sum\",\"size\":9",                                                                       \
          "{\"feature\":\"gender\",\"kind\":\"category\"},{\"feature\":\"history\",\"kind\":\"history\"},"                         \
          "{\"feature\":\"age\",\"kind\":\"category\"}",                                                                           \
          "{\"feature\":\"id\",\"kind\":\"id\"},{\"feature\":\"genres\",\"kind\":\"set\"}", "\"objective\":\"ranking\"")

static const char *const fuzz_titles[] = {"Matrix, The (1999)",
                                          "Matrix Reloaded, The (2003)",
                                          "Am\xc3\xa9lie (2001)",
                                          "2001: A Space Odyssey",
                                          "Ocean's Eleven (2001)",
                                          "Don\xe2\x80\x99t Look Now",
                                          "It's a Wonderful Life (1946)",
                                          "M (1931)",
                                          "\xd0\x98\xd0\xb4\xd0\xb8 i smotri"};

/* Title i of the items, which are called alike but for their numbers. */
static inline void fuzz_title(uint32_t i, char out[80])
{
    const uint32_t n = sizeof fuzz_titles / sizeof *fuzz_titles;
    snprintf(out, 80, i < n ? "%s" : "%s, part %u", fuzz_titles[i % n], i / n + 1);
}

/* Opens the store, which is gone afterwards: what is open stays. */
static inline void fuzz_world(mrq_recommender **recommender, mrq_generation **generation)
{
    users = small_users(USERS, 3);
    items = small_items(ITEMS, 3);
    mrq_dict *dict = mrq_dict_new();
    for (uint32_t i = 0; i < ITEMS; i++) {
        char title[80];
        fuzz_title(i, title);
        mrq_dict_push(dict, title, strlen(title));
    }
    const mrq_strings titles = mrq_dict_strings(dict);
    assert_int_equal(mrq_strings_copy(items->arena, &titles, &items->column[1].text), 0);
    mrq_dict_free(dict);
    model = model_of(FUZZ_MODEL, users, items);
    mrq_random rng;
    mrq_random_init(&rng, 5, 5);
    for (size_t i = 0; i < model->tensors.size; i++)
        model->param[i] = (float)(mrq_random_unit(&rng) - 0.5);
    char store[PATH], name[MRQ_GENERATION_NAME];
    snprintf(folder, sizeof folder, "%s", temporary_folder());
    snprintf(model_path, sizeof model_path, "%s/m.mrq", folder);
    assert_ok(mrq_model_save(model, model_path, &err));
    export_to(new_store(store), name);
    if (recommender)
        assert_ok(mrq_recommender_open(&(mrq_options){.store = store, .memory = 1 << 20}, recommender, &err));
    if (generation)
        assert_ok(mrq_generation_open(store, generation, &err));
    free_world(NULL);
}

static inline mrq_recommender *fuzz_recommender(void)
{
    static mrq_recommender *recommender;
    if (!recommender)
        fuzz_world(&recommender, NULL);
    return recommender;
}

/* The items of an answer: at most `k`, distinct, scores from the best down. */
static inline void fuzz_check_results(const cJSON *results, uint32_t k)
{
    const cJSON *item;
    double last = INFINITY;
    bool seen[10 + 3 * ITEMS] = {false}; /* by id */
    FUZZ_CHECK(cJSON_IsArray(results) && cJSON_GetArraySize(results) <= (int)k);
    cJSON_ArrayForEach(item, results)
    {
        const cJSON *score = cJSON_GetObjectItemCaseSensitive(item, "score"), *id = cJSON_GetObjectItemCaseSensitive(item, "id");
        FUZZ_CHECK(cJSON_IsString(id) && cJSON_IsString(cJSON_GetObjectItemCaseSensitive(item, "title")));
        if (score) {
            FUZZ_CHECK(cJSON_IsNumber(score) && score->valuedouble <= last);
            last = score->valuedouble;
        }
        const int number = atoi(id->valuestring);
        FUZZ_CHECK(number >= 10 && number < 10 + 3 * ITEMS && !seen[number]);
        seen[number] = true;
    }
}

/* A document has "schema": 1, and is an error with its code and its sentence, or an answer without them. */
static inline void fuzz_check_document(const cJSON *json, bool is_error)
{
    const cJSON *schema = cJSON_GetObjectItemCaseSensitive(json, "schema"),
                *error = cJSON_GetObjectItemCaseSensitive(json, "error");
    FUZZ_CHECK(cJSON_IsObject(json) && schema && schema->valueint == 1 && (error != NULL) == is_error);
    if (!is_error)
        return;
    const char *message = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(error, "message"));
    FUZZ_CHECK(cJSON_IsString(cJSON_GetObjectItemCaseSensitive(error, "code")) && message && strlen(message) >= 3);
    fuzz_check_text(message);
}

/* The text as one document on one line. Freed with cJSON_Delete(). */
static inline cJSON *fuzz_document(const char *text, size_t size)
{
    mrq_error problem = {0};
    cJSON *json = NULL;
    FUZZ_CHECK(size > 1 && text[size - 1] == '\n' && strlen(text) == size);
    fuzz_check_text(text);
    if (mrq_json_parse(text, size, "document", &json, &problem) != MRQ_OK) {
        fprintf(stderr, "%s\n%s", problem.msg, text);
        abort();
    }
    return json;
}

#endif
