/* A manifest as a whole: what stands in it, to the letter, and what each number, text and time may be; names of generations. */
#include "unit/store_world.h"

#include <math.h>

#include "unit/failing_memory.h"

static const mrq_trial trials[] = {{{"HNSW32", 8, 0}, 0.5, 1.5e-6, 2.25e-6, 25},
                                   {{"HNSW32", 12, 20}, 0.987654321, 12.345e-6, 1e-3, 25}};

static mrq_manifest whole(void)
{
    mrq_manifest m = {.created_us = INT64_C(1769824800000042), .model_name = "small", .items = 40, .users = 50, .dim = 16};
    m.index = (mrq_trial){{"HNSW32,SQ8", 48, 20}, 0.99, 10e-6, 20.5e-6, 25};
    for (int i = 0; i < MRQ_PARTS; i++) {
        m.part[i].size = 100 + i;
        memset(m.part[i].sha256, 'a' + i % 6, MRQ_SHA256_HEX - 1);
        m.part[i].checksum = UINT64_C(0x0123456789abcde0) + (uint64_t)i;
    }
    return m;
}

static char *text_of_whole(void)
{
    const mrq_manifest m = whole();
    const mrq_choice choice = {.n = 2, .trial = (mrq_trial *)(uintptr_t)trials};
    return mrq_manifest_text(&m, model, &choice);
}

#define SHA(c)                                                                                                                     \
    c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c
#define FILE_OF(name, size, letter, digit)                                                                                         \
    "\"" name "\":{\"size\":" size ",\"sha256\":\"" SHA(letter) "\",\"checksum\":\"0123456789abcde" digit "\"}"

static void a_manifest_is_told_to_the_letter(void **state)
{
    (void)state;
    static const char want[] =
        "{\"format\":5,\"created\":\"2026-01-31T02:00:00.000042Z\",\"model\":\"small\",\"items\":40,\"users\":50,\"dim\":16,"
        "\"index\":{\"factory\":\"HNSW32,SQ8\",\"efSearch\":48,\"rerank\":20,\"recall\":0.99,\"p50_us\":10,\"p99_us\":20.5,"
        "\"queries\":25,\"k\":10},\"files\":{" FILE_OF("items.faiss", "100", "a", "0") "," FILE_OF(
            "catalogue.mrq", "101", "b",
            "1") "," FILE_OF("users.mrq", "102", "c",
                             "2") "," FILE_OF("seen.mrq", "103", "d",
                                              "3") "," FILE_OF("model.mrq", "104", "e",
                                                               "4") "," FILE_OF("vectors.mrq", "105", "f",
                                                                                "5") "," FILE_OF("history.mrq", "106", "a",
                                                                                                 "6") "},\"trials\":["
                                                                                                      "{\"factory\":\"HNSW32\","
                                                                                                      "\"efSearch\":8,\"rerank\":0,"
                                                                                                      "\"recall\":0.5,\"p50_us\":1."
                                                                                                      "5,\"p99_us\":2.25,"
                                                                                                      "\"queries\":25},"
                                                                                                      "{\"factory\":\"HNSW32\","
                                                                                                      "\"efSearch\":12,\"rerank\":"
                                                                                                      "20,"
                                                                                                      "\"recall\":0.987654,\"p50_"
                                                                                                      "us\":12.35,\"p99_us\":1000,"
                                                                                                      "\"queries\":25}]}";
    char *text = text_of_whole();
    cJSON *json = NULL, *results, *description;
    assert_ok(mrq_json_parse(text, strlen(text), "manifest", &json, &err));
    results = cJSON_DetachItemFromObjectCaseSensitive(json, "results");
    description = cJSON_DetachItemFromObjectCaseSensitive(json, "description");
    char *rest = cJSON_PrintUnformatted(json);
    assert_string_equal(rest, want);
    cJSON *own[] = {mrq_model_training_json(model), mrq_description_json(&model->description)}, *told[] = {results, description};
    for (int i = 0; i < 2; i++) {
        char *of_model = cJSON_PrintUnformatted(own[i]), *of_text = cJSON_PrintUnformatted(told[i]);
        assert_string_equal(of_text, of_model);
        cJSON_free(of_model);
        cJSON_free(of_text);
        cJSON_Delete(own[i]);
    }
    assert_non_null(strchr(text, '\t')); /* for people, too */
    cJSON_Delete(results);
    cJSON_Delete(description);
    cJSON_Delete(json);
    cJSON_free(rest);
    cJSON_free(text);
}

static void what_is_told_is_read(void **state)
{
    (void)state;
    const mrq_manifest want = whole();
    char *text = text_of_whole();
    mrq_manifest have;
    mrq_model_curve curve = {0};
    memset(&have, 77, sizeof have);
    assert_ok(mrq_manifest_parse(text, strlen(text), "M", &have, &curve, &err));
    assert_true(have.created_us == want.created_us && have.items == 40 && have.users == 50 && have.dim == 16);
    assert_string_equal(have.model_name, "small");
    assert_memory_equal(&have.index.settings, &want.index.settings, sizeof want.index.settings);
    assert_true(fabs(have.index.recall - 0.99) < 1e-12 && fabs(have.index.p50 - 10e-6) < 1e-15 &&
                fabs(have.index.p99 - 20.5e-6) < 1e-15);
    assert_int_equal(have.index.n_queries, 25);
    assert_memory_equal(have.part, want.part, sizeof want.part);
    assert_true(have.results.seed == 11 && fabs(have.results.test_rmse - 0.9) < 1e-12 && fabs(have.quality.value - 0.9) < 1e-12);
    assert_int_equal(curve.n, 3);
    mrq_free(curve.epoch);
    cJSON_free(text);
}

/* The manifest with one value in another's place; `object` may be NULL, or "files", of which it is that of users.mrq. */
static mrq_status parse_with(const char *object, const char *key, const char *value, mrq_manifest *out)
{
    char *text = text_of_whole();
    cJSON *json = NULL;
    assert_ok(mrq_json_parse(text, strlen(text), "manifest", &json, &err));
    cJSON *at = object ? cJSON_GetObjectItemCaseSensitive(json, object) : json;
    if (object && strcmp(object, "files") == 0)
        at = cJSON_GetObjectItemCaseSensitive(at, "users.mrq");
    cJSON_ReplaceItemInObjectCaseSensitive(at, key, cJSON_CreateRaw(value));
    char *changed = cJSON_PrintUnformatted(json);
    err = (mrq_error){0};
    const mrq_status status = mrq_manifest_parse(changed, strlen(changed), "M", out, NULL, &err);
    cJSON_free(changed);
    cJSON_free(text);
    cJSON_Delete(json);
    return status;
}

static void every_number_has_its_least_and_its_most(void **state)
{
    (void)state;
    static const struct {
        const char *object, *key, *below, *least, *most, *above, *where;
    } rows[] = {
        {NULL, "items", "0", "1", "4294967294", "4294967295", "M: items: "},
        {NULL, "users", "0", "1", "4294967294", "4294967295", "M: users: "},
        {NULL, "dim", "0", "1", "4294967294", "4294967295", "M: dim: "},
        {"index", "efSearch", "-1", "0", "1048576", "1048577", "M index: efSearch: "},
        {"index", "rerank", "-1", "0", "1048576", "1048577", "M index: rerank: "},
        {"index", "queries", "-1", "0", "2147483647", "2147483648", "M index: queries: "},
        {"index", "recall", "-0.001", "0", "1", "1.001", "M index: recall: "},
        {"index", "p50_us", "-0.001", "0", "1000000000000", "1000000000001", "M index: p50_us: "},
        {"index", "p99_us", "-0.001", "0", "1000000000000", "1000000000001", "M index: p99_us: "},
        {"files", "size", "-1", "0", "9007199254740992", "9007199254740994", "M: files.users.mrq: size: "},
        {"files", "sha256", "7", "\"\"", "\"" SHA("a") "\"", "\"" SHA("a") "a\"", "M: files.users.mrq: sha256: "},
        {"files", "checksum", "\"0123456789abcde\"", "\"0000000000000000\"", "\"ffffffffffffffff\"", "\"0123456789abcdef0\"",
         "M: files.users.mrq: checksum: "},
        {"files", "checksum", "\"0123456789ABCDEF\"", "\"0123456789abcdef\"", "\"a000000000000000\"", "\"0x23456789abcdef\"",
         "M: files.users.mrq: checksum: "},
        {"files", "checksum", "\" 123456789abcdef\"", "\"0123456789abcdef\"", "\"a000000000000000\"", "\"-123456789abcdef\"",
         "M: files.users.mrq: checksum: "},
        {NULL, "model", "7", "\"\"", "\"a2345678901234567890123456789 1\"", "\"a2345678901234567890123456789 12\"", "M: model: "},
        {"index", "factory", "7", "\"HNSW\"", "\"HNSW56789012345678901234567890123456789012345678901234567890 23\"",
         "\"HNSW56789012345678901234567890123456789012345678901234567890 234\"", "M index: factory: "},
        {NULL, "format", "4", "5", "5", "6", "M: format version "},
        {NULL, "created", "\"2026-01-31T02:00:00.00004Z\"", "\"1970-01-01T00:00:00.000000Z\"", "\"2026-01-31T02:00:00.999999Z\"",
         "\"2026-01-31T02:00:00.0000000Z\"", "M: created: "},
        {NULL, "created", "\"2026-01-31T02:00:00:000042Z\"", "\"2026-01-31T02:00:00.000042Z\"", "\"2026-12-31T23:59:59.000042Z\"",
         "\"2026-01-31T02:00:00.000042ZZ\"", "M: created: "},
        {NULL, "created", "\"2026-01-31 02:00:00.000042Z\"", "\"2026-01-31T02:00:00.000042Z\"", "\"2026-12-31T23:59:59.000042Z\"",
         "\"2026-01-31T02:00:00.000042\"", "M: created: "},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *const values[] = {rows[i].below, rows[i].least, rows[i].most, rows[i].above};
        for (int v = 0; v < 4; v++) {
            mrq_manifest m = {0};
            const mrq_status status = parse_with(rows[i].object, rows[i].key, values[v], &m);
            char where[100];
            snprintf(where, sizeof where, "%s", rows[i].where);
            if (strstr(where, "M index:")) /* "M: index: efSearch" */
                snprintf(where, sizeof where, "M: index: %s", rows[i].where + 9);
            if (status != (v % 3 ? MRQ_OK : MRQ_BAD_FILE) || (status != MRQ_OK && !strstr(err.msg, where)))
                fail_msg("%s %s: got %d, %s", rows[i].key, values[v], (int)status, err.msg);
        }
    }
}

static void values_are_taken_as_they_stand(void **state)
{
    (void)state;
    mrq_manifest m;
    assert_ok(parse_with(NULL, "created", "\"1970-01-01T00:00:01.000002Z\"", &m));
    assert_int_equal(m.created_us, 1000002);
    assert_ok(parse_with("files", "checksum", "\"fedcba9876543210\"", &m));
    assert_true(m.part[MRQ_PART_USERS].checksum == UINT64_C(0xfedcba9876543210));
    assert_ok(parse_with("index", "p50_us", "1000000", &m));
    assert_true(fabs(m.index.p50 - 1) < 1e-12 && fabs(m.index.p99 - 20.5e-6) < 1e-15);
    assert_fails(parse_with(NULL, "format", "6", &m), MRQ_BAD_FILE, "");
    assert_string_equal(
        err.msg, "M: format version 6, this program reads version 5; make it anew: `marquee train`, then `marquee export`, or "
                 "`marquee rebuild`");
    assert_fails(parse_with(NULL, "model", "\"a2345678901234567890123456789 12\"", &m), MRQ_BAD_FILE,
                 "M: model: 32 bytes, want less than 32");
}

static void memory_that_runs_out_is_told(void **state)
{
    (void)state;
    mrq_status status = MRQ_FAILED;
    char *text = NULL, *whole_text = text_of_whole();
    int n = 0;
    for (; !text && n < 2000; n++) {
        atomic_store(&allocations_left, n);
        text = text_of_whole();
        const bool failed = atomic_exchange(&allocations_left, INT_MAX) < 0;
        assert_true(!text == failed);
    }
    assert_in_range(n, 100, 1999);
    assert_string_equal(text, whole_text);
    for (n = 0; status != MRQ_OK && n < 2000; n++) {
        mrq_manifest m;
        mrq_model_curve curve = {0};
        err = (mrq_error){0};
        atomic_store(&allocations_left, n);
        status = mrq_manifest_parse(text, strlen(text), "M", &m, &curve, &err);
        const bool failed = atomic_exchange(&allocations_left, INT_MAX) < 0;
        assert_true(status == MRQ_OK ? !failed : status == MRQ_FAILED && strstr(err.msg, "out of memory"));
        mrq_free(curve.epoch);
    }
    assert_in_range(n, 100, 1999);
    cJSON_free(text);
    cJSON_free(whole_text);
}

/* The same where one allocation fails alone: that it did is not found out by the next one. */
static void memory_that_is_short_for_a_moment_is_told(void **state)
{
    one_fails_alone = true;
    memory_that_runs_out_is_told(state);
    one_fails_alone = false;
}

/* Of the digests of catalogue and vectors, in this order, as text, and of which fields there are. */
static void a_collection_is_named_after_items_and_vectors(void **state)
{
    (void)state;
    mrq_manifest m = whole();
    char have[MRQ_CONTENT_SIZE], other[MRQ_CONTENT_SIZE], want[100];
    mrq_manifest_content(&m, have);
    shell(want, sizeof want, "printf '%s%scolumns' | sha256sum | cut -c1-16 | tr -d '\\n'", m.part[MRQ_PART_CATALOGUE].sha256,
          m.part[MRQ_PART_VECTORS].sha256);
    assert_string_equal(have, want);
    for (int i = 0; i < MRQ_PARTS; i++) {
        m = whole();
        m.part[i].sha256[MRQ_SHA256_HEX - 2] = '0';
        mrq_manifest_content(&m, other);
        assert_int_equal(strcmp(have, other) != 0, i == MRQ_PART_CATALOGUE || i == MRQ_PART_VECTORS);
    }
}

/* --- names --- */

static void a_name_is_a_time_and_the_digits_of_a_digest(void **state)
{
    (void)state;
    static const struct {
        int64_t seconds;
        const char *text, *name;
    } rows[] = {
        {0, "", "19700101T000000Z-e3b0c44298fc"},
        {1769824800, "abc", "20260131T020000Z-ba7816bf8f01"},
        {951825599, "abc", "20000229T115959Z-ba7816bf8f01"},
        {INT64_C(253402300799), "abc", "99991231T235959Z-ba7816bf8f01"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char name[MRQ_GENERATION_NAME];
        mrq_generation_name(rows[i].seconds, rows[i].text, strlen(rows[i].text), name);
        assert_string_equal(name, rows[i].name);
        assert_true(mrq_generation_named(name));
        assert_true(mrq_generation_time(name) == rows[i].seconds);
        assert_true(mrq_generation_vouches(name, rows[i].text, strlen(rows[i].text)));
        assert_false(mrq_generation_vouches(name, "abd", 3));
        assert_false(mrq_generation_vouches(name, "abc", 2));
        name[28]++;
        assert_false(mrq_generation_vouches(name, rows[i].text, strlen(rows[i].text)));
        name[28] = '\0';
        assert_false(mrq_generation_vouches(name, rows[i].text, strlen(rows[i].text)));
        name[16] = '\0';
        assert_false(mrq_generation_vouches(name, rows[i].text, strlen(rows[i].text)));
        name[15] = '\0';
        assert_int_equal(mrq_generation_time(name), rows[i].seconds); /* and one digit less is no time */
        name[14] = 'x';
        name[13] = 'x';
        assert_int_equal(mrq_generation_time(name), 0);
    }
}

/* Each character of the shape, with what lies beside those that may stand there. */
static void every_character_of_a_name_is_looked_at(void **state)
{
    (void)state;
    static const char good[] = "20260131T020000Z-09af09af09af", all[] = "/0129:@AFZ`abefgz-T ";
    for (size_t i = 0; good[i]; i++)
        for (const char *c = all; *c; c++) {
            char name[40];
            strcpy(name, good);
            name[i] = *c;
            const bool digit = *c >= '0' && *c <= '9', letter = *c >= 'a' && *c <= 'f';
            const bool want = i == 8 ? *c == 'T' : i == 15 ? *c == 'Z' : i == 16 ? *c == '-' : i < 16 ? digit : digit || letter;
            assert_int_equal(mrq_generation_named(name), want);
        }
    assert_false(mrq_generation_named(""));
    assert_false(mrq_generation_named("20260131T020000Z-09af09af09a"));
    assert_false(mrq_generation_named("20260131T020000Z-09af09af09afa"));
}

static void names_come_newest_first_and_others_are_left_out(void **state)
{
    (void)state;
    static const char *const made[] = {"20260131T020000Z-000000000002",      "20260131T020000Z-000000000001",
                                       "20250131T020000Z-00000000000f",      "20260131T020001Z-000000000000",
                                       ".tmp-20260131T020000Z-000000000003", "something"};
    static const int order[] = {3, 0, 1, 2};
    char store[PATH], path[PATH + 200];
    mrq_name *names = NULL;
    uint32_t n = 99;
    new_store(store);
    assert_fails(mrq_store_names(store, &names, &n, &err), MRQ_NOT_FOUND, "is not a store: it has no folder generations");
    assert_fails(mrq_store_names(model_path, &names, &n, &err), MRQ_NOT_FOUND, "is not a store: it has no folder generations");
    snprintf(path, sizeof path, "%s/generations", store);
    assert_true(mkdir(store, 0755) == 0 && mkdir(path, 0755) == 0);
    assert_ok(mrq_store_names(store, &names, &n, &err));
    assert_int_equal(n, 0);
    mrq_free(names);
    for (size_t i = 0; i < sizeof made / sizeof *made; i++) {
        snprintf(path, sizeof path, "%s/generations/%s", store, made[i]);
        assert_int_equal(mkdir(path, 0755), 0);
    }
    assert_ok(mrq_store_names(store, &names, &n, &err));
    assert_int_equal(n, 4);
    for (uint32_t i = 0; i < n; i++)
        assert_string_equal(names[i].text, made[order[i]]);
    mrq_free(names);
    assert_ok(mrq_generation_path(store, made[0], path, &err));
    assert_int_equal(strlen(path), strlen(store) + strlen("/generations/") + strlen(made[0]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_manifest_is_told_to_the_letter),
        cmocka_unit_test(what_is_told_is_read),
        cmocka_unit_test(every_number_has_its_least_and_its_most),
        cmocka_unit_test(values_are_taken_as_they_stand),
        cmocka_unit_test(memory_that_runs_out_is_told),
        cmocka_unit_test(memory_that_is_short_for_a_moment_is_told),
        cmocka_unit_test(a_collection_is_named_after_items_and_vectors),
        cmocka_unit_test(a_name_is_a_time_and_the_digits_of_a_digest),
        cmocka_unit_test(every_character_of_a_name_is_looked_at),
        cmocka_unit_test(names_come_newest_first_and_others_are_left_out),
    };
    return cmocka_run_group_tests(tests, make_world, free_world);
}
