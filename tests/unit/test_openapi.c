/* The OpenAPI document: what the table of fields and the columns of the users put into it. The users are a table of this test's. */
#include "unit/failing_memory.h"
#include "unit/testing.h"

#include <string.h>

#include "base/table.h"
#include "engine/snapshot.h"
#include "http/openapi.h"

static mrq_error err;

/* A column of each kind, and one that is called like a field. */
static mrq_column columns[] = {{.name = "country", .kind = MRQ_CATEGORY}, {.name = "tags", .kind = MRQ_SET},
                               {.name = "remark", .kind = MRQ_TEXT},      {.name = "height", .kind = MRQ_NUMBER},
                               {.name = "age", .kind = MRQ_CATEGORY},     {.name = "year", .kind = MRQ_NUMBER}};

void __wrap_mrq_recommender_users(mrq_recommender *recommender, void (*tell)(void *, const mrq_table *), void *context);
void __wrap_mrq_recommender_users(mrq_recommender *recommender, void (*tell)(void *, const mrq_table *), void *context)
{
    (void)recommender;
    tell(context, &(const mrq_table){.rows = 1, .n_columns = sizeof columns / sizeof *columns, .column = columns});
}

static cJSON *document(void)
{
    char *text = NULL;
    size_t size = 0;
    assert_ok(mrq_openapi_text(NULL, &text, &size, &err));
    assert_int_equal(strlen(text), size);
    assert_int_equal(text[size - 1], '\n');
    cJSON *json = cJSON_Parse(text);
    assert_non_null(json);
    mrq_free(text);
    return json;
}

static const cJSON *member(const cJSON *object, const char *name)
{
    return cJSON_GetObjectItemCaseSensitive(object, name);
}

static const cJSON *parameters_of(const cJSON *json, const char *path)
{
    return member(member(member(member(json, "paths"), path), "get"), "parameters");
}

/* The names of a route's parameters; "{id}" is the path's. */
static const char *names_of(const cJSON *json, const char *path)
{
    static char names[1000];
    const cJSON *parameter;
    *names = '\0';
    cJSON_ArrayForEach(parameter, parameters_of(json, path))
    {
        const char *name = cJSON_GetStringValue(member(parameter, "name"));
        strcat(strcat(names, *names ? " " : ""), name ? name : "{id}");
    }
    return names;
}

static void each_route_has_the_parameters_that_it_knows(void **state)
{
    (void)state;
    cJSON *json = document();
    assert_string_equal(names_of(json, "/v1/recommendations"), "age gender job with user liked disliked k offset genre all_genres "
                                                               "year where exclude include_seen show explain country tags "
                                                               "height");
    assert_string_equal(names_of(json, "/v1/items"), "k offset genre all_genres year where exclude show order query");
    assert_string_equal(names_of(json, "/v1/items/{id}"), "{id}");
    assert_string_equal(names_of(json, "/v1/items/{id}/similar"), "{id} k offset genre all_genres year where exclude show");
    assert_string_equal(names_of(json, "/v1/users/{id}"), "{id} k");
    assert_string_equal(names_of(json, "/v1/info"), "");
    cJSON_Delete(json);
}

/* One parameter as text. */
static void assert_parameter(const cJSON *json, const char *path, const char *name, const char *want)
{
    const cJSON *parameter, *found = NULL;
    cJSON_ArrayForEach(parameter, parameters_of(json, path))
    {
        const char *its = cJSON_GetStringValue(member(parameter, "name"));
        if (its && strcmp(its, name) == 0)
            found = parameter;
    }
    char *text = cJSON_PrintUnformatted(found);
    assert_string_equal(text, want);
    free(text);
}

static void a_parameter_of_each_type_is_described(void **state)
{
    (void)state;
    static const struct {
        const char *path, *name, *want;
    } cases[] = {
        {"/v1/recommendations", "age",
         "{\"name\":\"age\",\"in\":\"query\",\"schema\":{\"type\":\"string\"},\"description\":\"Age in "
         "years.\",\"example\":\"25\"}"},
        {"/v1/recommendations", "with",
         "{\"name\":\"with\",\"in\":\"query\",\"style\":\"form\",\"explode\":true,\"schema\":{\"type\":\"array\",\"maxItems\":64,"
         "\"items\":{\"type\":\"string\"}},\"description\":\"A value of any other column of the users, for example "
         "country=DE; repeat for several columns.\"}"},
        {"/v1/recommendations", "user",
         "{\"name\":\"user\",\"in\":\"query\",\"schema\":{\"$ref\":\"#/components/schemas/Id\"},\"description\":\"A user of the "
         "data: supplies the features not given; items that the user has rated are left out.\"}"},
        {"/v1/recommendations", "liked",
         "{\"name\":\"liked\",\"in\":\"query\",\"style\":\"form\",\"explode\":false,\"schema\":{\"type\":\"array\",\"maxItems\":"
         "10000,\"items\":{\"$ref\":\"#/components/schemas/Id\"}},\"description\":\"Items that the person likes, the newest last: "
         "a model "
         "that learned from the order of likes counts it most; may be given "
         "again.\"}"},
        {"/v1/recommendations", "k",
         "{\"name\":\"k\",\"in\":\"query\",\"schema\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":1000,\"default\":5},"
         "\"description\":\"How many items.\"}"},
        {"/v1/items", "k",
         "{\"name\":\"k\",\"in\":\"query\",\"schema\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":1000,\"default\":10},"
         "\"description\":\"How many items.\"}"},
        {"/v1/items/{id}/similar", "all_genres",
         "{\"name\":\"all_genres\",\"in\":\"query\",\"schema\":{\"type\":\"boolean\",\"default\":false},\"description\":\"Only "
         "items that have all the given genres.\"}"},
        {"/v1/items/{id}/similar", "year",
         "{\"name\":\"year\",\"in\":\"query\",\"schema\":{\"type\":\"string\"},\"description\":\"Only items of these years: "
         "1994, 1990-1999, 1990- or -1999.\",\"example\":\"1990-1999\"}"},
        {"/v1/recommendations", "where",
         "{\"name\":\"where\",\"in\":\"query\",\"style\":\"form\",\"explode\":true,\"schema\":{\"type\":\"array\",\"maxItems\":16,"
         "\"items\":{\"type\":\"string\"}},\"description\":\"Only items of which this is true: a column, then one of = != < <= > "
         ">=, then a value: "
         "language=en, price<20. Several values with commas: any of them; after != none. In a value \\\\, is a comma, and a blank "
         "at its ends has a \\\\ before it. Repeat: all must be true.\",\"example\":\"year>=1990\"}"},
        {"/v1/recommendations", "offset",
         "{\"name\":\"offset\",\"in\":\"query\",\"schema\":{\"type\":\"integer\",\"minimum\":0,\"maximum\":9999},\"description\":"
         "\"Leave out the first N of the list: its next page.\"}"},
        {"/v1/recommendations", "show",
         "{\"name\":\"show\",\"in\":\"query\",\"style\":\"form\",\"explode\":false,\"schema\":{\"type\":\"array\",\"maxItems\":16,"
         "\"items\":{\"type\":\"string\"}},\"description\":\"Also print these columns of the items; may be given again.\"}"},
        {"/v1/recommendations", "explain",
         "{\"name\":\"explain\",\"in\":\"query\",\"schema\":{\"oneOf\":[{\"type\":\"boolean\",\"description\":\"true: 10 parts, "
         "the "
         "largest.\"},{\"type\":\"integer\",\"minimum\":0,\"maximum\":1000}],\"default\":false},\"description\":\"Show what each "
         "score is made of.\"}"},
        {"/v1/items", "order",
         "{\"name\":\"order\",\"in\":\"query\",\"schema\":{\"type\":\"string\"},\"description\":\"Popular: most events first; "
         "recent: "
         "newest first, by the first event or else the year; trending: most events of late against "
         "before.\",\"example\":\"trending\"}"},
        {"/v1/items", "query",
         "{\"name\":\"query\",\"in\":\"query\",\"schema\":{\"type\":\"string\",\"default\":\"\"},\"description\":\"Words; each "
         "must begin a word of the title. Without it: the most rated items.\",\"example\":\"star wars\"}"},
        {"/v1/recommendations", "country",
         "{\"name\":\"country\",\"in\":\"query\",\"schema\":{\"type\":\"string\"},\"description\":\"A value of this category of "
         "the "
         "data's users.\"}"},
        {"/v1/recommendations", "tags",
         "{\"name\":\"tags\",\"in\":\"query\",\"schema\":{\"type\":\"string\"},\"description\":\"Members of this set of the data's "
         "users, with commas between them.\"}"},
        {"/v1/recommendations", "height",
         "{\"name\":\"height\",\"in\":\"query\",\"schema\":{\"type\":\"number\"},\"description\":\"This number of the data's "
         "users.\"}"},
    };
    cJSON *json = document();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_parameter(json, cases[i].path, cases[i].name, cases[i].want);
    cJSON_Delete(json);
}

#define EITHER(a, b)     "{\"oneOf\":[" a "," b "]}"
#define TYPE(type)       "{\"type\":\"" type "\"}"
#define LIST(most, item) "{\"type\":\"array\",\"maxItems\":" most ",\"items\":" item "}"
#define ID               "{\"$ref\":\"#/components/schemas/Id\"}"
#define FLAG             "{\"type\":\"boolean\",\"default\":false}"
#define FEATURE          "{\"$ref\":\"#/components/schemas/Feature\"}"

/* Ids are texts, and the document says nothing of movies but as an example of what items are called. */
static void items_have_texts_as_ids(void **state)
{
    (void)state;
    cJSON *json = document();
    const cJSON *schemas = member(member(json, "components"), "schemas"), *path;
    char *text = cJSON_PrintUnformatted(member(schemas, "Id"));
    assert_string_equal(text,
                        "{\"type\":\"string\",\"minLength\":1,\"maxLength\":255,\"description\":\"Without control characters. In "
                        "a path a slash is written %2F.\",\"example\":\"260\"}");
    free(text);
    text = cJSON_PrintUnformatted(member(member(member(schemas, "Item"), "properties"), "id"));
    assert_string_equal(text, "{\"$ref\":\"#/components/schemas/Id\"}");
    free(text);
    cJSON_ArrayForEach(path, member(json, "paths")) assert_null(strstr(path->string, "movie"));
    text = cJSON_PrintUnformatted(json);
    char *example = strstr(text, "[\"movie\",\"movies\"]");
    assert_non_null(example);
    memset(example, ' ', strlen("[\"movie\",\"movies\"]"));
    assert_null(strcasestr(text, "movie"));
    free(text);
    cJSON_Delete(json);
}

static void a_query_of_a_batch_has_the_same_members(void **state)
{
    (void)state;
    cJSON *json = document();
    const cJSON *query = member(member(member(json, "components"), "schemas"), "Query");
    static const char *const members[][2] = {
        {"age", FEATURE},
        {"gender", FEATURE},
        {"job", FEATURE},
        {"with", EITHER(TYPE("string"), LIST("64", TYPE("string")))},
        {"user", ID},
        {"liked", LIST("10000", ID)},
        {"disliked", LIST("10000", ID)},
        {"k", "{\"type\":\"integer\",\"minimum\":1,\"maximum\":1000,\"default\":5}"},
        {"offset", "{\"type\":\"integer\",\"minimum\":0,\"maximum\":9999}"},
        {"genre", EITHER(TYPE("string"), LIST("64", TYPE("string")))},
        {"all_genres", FLAG},
        {"year", EITHER(TYPE("string"), TYPE("integer"))},
        {"where", EITHER(TYPE("string"), LIST("16", TYPE("string")))},
        {"exclude", LIST("1000", ID)},
        {"include_seen", FLAG},
        {"show", EITHER(TYPE("string"), LIST("16", TYPE("string")))},
        {"explain", "{\"oneOf\":[{\"type\":\"boolean\",\"description\":\"true: 10 parts, the largest.\"},"
                    "{\"type\":\"integer\",\"minimum\":0,\"maximum\":1000}],\"default\":false}"},
        {"country", FEATURE},
        {"tags", EITHER(TYPE("string"), "{\"type\":\"array\",\"items\":{\"type\":\"string\"}}")},
        {"height", FEATURE},
    };
    const cJSON *its = member(query, "properties")->child;
    for (size_t i = 0; i < sizeof members / sizeof *members; i++, its = its->next) {
        assert_non_null(its);
        assert_string_equal(its->string, members[i][0]);
        char *text = cJSON_PrintUnformatted(its);
        assert_string_equal(text, members[i][1]);
        free(text);
    }
    assert_null(its);
    assert_true(cJSON_IsFalse(member(query, "additionalProperties")));
    cJSON_Delete(json);
}

/* The n-th allocation fails, and all after it, or it alone: an error, or the document as it is otherwise. */
static void without_memory_there_is_no_document(void **state)
{
    (void)state;
    char *want = NULL;
    size_t size = 0;
    assert_ok(mrq_openapi_text(NULL, &want, &size, &err));
    for (int alone = 0; alone < 2; alone++) {
        atomic_store(&one_fails_alone, alone == 1);
        bool failed = true;
        for (int n = 0; failed; n++) {
            char *text = NULL;
            atomic_store(&allocations_left, n);
            const mrq_status status = mrq_openapi_text(NULL, &text, &size, &err);
            failed = atomic_load(&allocations_left) < 0;
            atomic_store(&allocations_left, INT_MAX);
            if (status == MRQ_OK)
                assert_string_equal(text, want);
            else
                assert_string_equal(err.msg, "out of memory while describing the service");
            assert_true(failed || status == MRQ_OK);
            mrq_free(text);
        }
    }
    atomic_store(&one_fails_alone, false);
    mrq_free(want);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_route_has_the_parameters_that_it_knows),
        cmocka_unit_test(a_parameter_of_each_type_is_described),
        cmocka_unit_test(items_have_texts_as_ids),
        cmocka_unit_test(a_query_of_a_batch_has_the_same_members),
        cmocka_unit_test(without_memory_there_is_no_document),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
