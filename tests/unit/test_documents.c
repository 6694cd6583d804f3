/* Everything the library says of three models, in documents, by its functions and as refusals, is compared whole with
 * unit/documents.txt: any word that changes is seen here first. Numbers may differ as much as instruction sets make them. Where a
 * change is meant, MRQ_PRINT=1 prints what the file has to hold. */
#include "unit/store_world.h"

#include <inttypes.h>

#include "engine/options.h"
#include "marquee/marquee.h"
#include "unit/asked.h"

#define LINEAR                                                                                                                     \
    SMALL("\"kind\":\"dot\"", "\"kind\":\"sum\",\"size\":9",                                                                       \
          "{\"feature\":\"gender\",\"kind\":\"category\"},{\"feature\":\"history\",\"kind\":\"history\"},"                         \
          "{\"feature\":\"age\",\"kind\":\"category\"},{\"feature\":\"job\",\"kind\":\"category\"}",                               \
          "{\"feature\":\"id\",\"kind\":\"id\"},{\"feature\":\"genres\",\"kind\":\"set\"}", "\"objective\":\"ranking\"")
#define BIASED SMALL(SMALL_BIASED, SMALL_SUM, SMALL_SUM_USER, "{\"feature\":\"id\",\"kind\":\"id\"}", "")

static char *out; /* what has been said, (used) of ROOM bytes */
static size_t used;
enum { ROOM = 1 << 20 };

__attribute__((format(printf, 1, 2))) static void add(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    used += (size_t)vsnprintf(out + used, ROOM - used, format, args);
    va_end(args);
    assert_true(used < ROOM);
}

/* Adds a text in which the generation's name and time, and how long a search took, are other words. */
static void add_masked(const mrq_recommender *r, const char *text)
{
    mrq_stats stats;
    mrq_recommender_measure((mrq_recommender *)(uintptr_t)r, &stats);
    const size_t name = strlen(stats.generation);
    for (const char *p = text; *p;) {
        if (strncmp(p, stats.generation, name) == 0) {
            add("NAME");
            p += name;
        } else if (strncmp(p, "\"created\":\"", 11) == 0) {
            add("\"created\":\"TIME");
            p += 11 + 20;
        } else if (strncmp(p, "\"p50_us\":", 9) == 0 || strncmp(p, "\"p99_us\":", 9) == 0) {
            add(p[2] == '5' ? "\"p50_us\":0" : "\"p99_us\":0");
            p += strcspn(p, ",");
        } else {
            out[used++] = *p++;
        }
    }
    out[used] = '\0';
}

/* A result by its functions, and as a document; or why there is none. Frees it. */
static void add_result(const mrq_recommender *r, mrq_status status, mrq_answer *result)
{
    if (status != MRQ_OK) {
        add("%d %s\n", (int)status, err.msg);
        return;
    }
    size_t size;
    const char *json = mrq_answer_json(result, &size);
    assert_int_equal(strlen(json), size);
    add_masked(r, json);
    assert_ptr_equal(mrq_answer_json(result, NULL), json);
    add("%u items, %s\n", mrq_answer_size(result), mrq_answer_cache_state(result));
    for (uint32_t i = 0; i <= mrq_answer_size(result); i++) { /* one too many as well */
        double base, rest;
        const uint32_t parts = mrq_answer_parts(result, i, &base, &rest), genres = mrq_answer_members(result, i, "genres");
        add("%s '%s' %g %.4f:", mrq_answer_id(result, i), mrq_answer_text(result, i, "title"), mrq_answer_number(result, i, "year"),
            mrq_answer_score(result, i));
        for (uint32_t g = 0; g <= genres; g++)
            add(" '%s'", mrq_answer_member(result, i, "genres", g));
        add(" base %.4f rest %.4f", base, rest);
        for (uint32_t p = 0; p <= parts; p++)
            add(", %s '%s' '%s' %.4f", mrq_answer_part_input(result, i, p), mrq_answer_part_value(result, i, p),
                mrq_answer_part_id(result, i, p), mrq_answer_part_score(result, i, p));
        add("\n");
    }
    mrq_answer_free(result);
}

static void recommend(mrq_recommender *r, question query)
{
    mrq_answer *result = NULL;
    add("recommend age=%s user=%" PRId64 " k=%u liked=%u disliked=%u genres=%u explain=%u\n", query.age ? query.age : "-",
        query.user, query.k, query.n_liked, query.n_disliked, query.filters.n_genres, query.explain);
    const mrq_status status = ask_recommend(r, &query, &result, &err);
    add_result(r, status, result);
}

static void similar(mrq_recommender *r, const char *item, uint32_t k, const question_filters *filters)
{
    mrq_answer *result = NULL;
    add("similar %s k=%u\n", item, k);
    const mrq_status status = ask_similar(r, item, k, filters, &result, &err);
    add_result(r, status, result);
}

static void search(mrq_recommender *r, const char *text, uint32_t k)
{
    mrq_answer *result = NULL;
    add("search '%s' k=%u\n", text, k);
    const mrq_status status = ask_search(r, text, k, &result, &err);
    add_result(r, status, result);
}

static void tell(mrq_recommender *r, int64_t item, int64_t user, uint32_t k)
{
    mrq_answer *result = NULL;
    add("item %" PRId64 " user %" PRId64 "\n", item, user);
    const mrq_status status = item >= 0   ? ask_item(r, item, &result, &err)
                              : user >= 0 ? ask_user(r, user, k, &result, &err)
                                          : ask_info(r, &result, &err);
    add_result(r, status, result);
}

/* All that can be asked of a store. */
static void tell_all(mrq_recommender *r)
{
    const char *const one[] = {"genre001"}, *const two[] = {"genre002", "genre001", "genre002"},
                      *const wrong[] = {"genre001", "Genre"};
    static int64_t many[MRQ_FEEDBACK_MAX + 1];
    for (uint32_t i = 0; i <= MRQ_FEEDBACK_MAX; i++)
        many[i] = 10 + 3 * (i % 40);
    const int64_t a[] = {13, 10, 13}, b[] = {40, 10}, c[] = {16}, strange[] = {13, 11};
    tell(r, -1, -1, 0);
    recommend(r, (question){.user = 4, .k = 3});
    recommend(r, (question){.user = 4, .k = 3, .explain = 2});
    recommend(r, (question){.user = 7, .k = 2, .explain = MRQ_EXPLAIN_ALL});
    recommend(r, (question){.age = "age003", .gender = "gender001", .job = "job004", .user = -1, .k = 2, .explain = 9});
    recommend(r, (question){.age = "\xc3\xa9lder3", .gender = "gender001", .job = "4", .user = -1, .k = 1});
    recommend(r, (question){.age = "age003", .user = 4, .k = 2});
    recommend(r, (question){.user = -1, .k = 2, .liked = a, .n_liked = 3, .explain = 9});
    recommend(r, (question){.user = -1, .k = 2, .disliked = a, .n_disliked = 3});
    recommend(r, (question){.user = 9, .k = 2, .liked = a, .n_liked = 3, .disliked = c, .n_disliked = 1, .explain = 3});
    recommend(r, (question){.user = 9, .k = 2, .liked = a, .n_liked = 3, .disliked = b, .n_disliked = 2});
    recommend(r, (question){.user = 9, .k = 2, .liked = strange, .n_liked = 2});
    recommend(r, (question){.user = 9, .k = 2, .disliked = strange, .n_disliked = 2});
    recommend(r, (question){.user = 9, .k = 40, .liked = b, .n_liked = 2, .filters = {.include_seen = true, .year_from = 1980}});
    recommend(r, (question){.user = 9, .k = 2, .filters = {.genre = one, .n_genres = 1, .year_from = 1960, .year_to = 1970}});
    recommend(r, (question){.user = 9, .k = 2, .filters = {.genre = two, .n_genres = 3, .all_genres = true, .year_to = 1980}});
    recommend(r, (question){.user = 9, .k = 2, .filters = {.genre = two, .n_genres = 3, .exclude = b, .n_exclude = 2}});
    recommend(r,
              (question){.user = 9, .k = 2, .filters = {.exclude = strange, .n_exclude = 2, .year_from = 1960, .year_to = 1960}});
    recommend(r, (question){.user = 9, .k = 2, .filters = {.genre = wrong, .n_genres = 2}});
    recommend(r, (question){.user = 9, .k = 2, .filters = {.year_from = 1970, .year_to = 1960}});
    recommend(r, (question){.user = 9, .k = 2, .filters = {.year_from = -1}});
    recommend(r, (question){.user = 9, .k = 2, .filters = {.year_to = 10000}});
    recommend(r, (question){.user = 9, .k = 2, .filters = {.exclude = many, .n_exclude = MRQ_EXCLUDE_MAX + 1}});
    recommend(r, (question){.user = 9, .k = 2, .liked = many, .n_liked = MRQ_FEEDBACK_MAX + 1});
    recommend(r, (question){.user = 9, .k = 0});
    recommend(r, (question){.user = 9, .k = 1001});
    recommend(r, (question){.user = 51, .k = 2});
    recommend(r, (question){.user = -2, .k = 2});
    recommend(r, (question){.age = "x", .user = 1, .k = 2});
    recommend(r, (question){.user = -1, .k = 2});
    recommend(r, (question){.age = "age003", .user = -1, .k = 2});
    similar(r, "13", 3, NULL);
    similar(r, "title 001", 2, &(question_filters){.genre = two, .n_genres = 2, .exclude = b, .n_exclude = 2, .year_from = 1950});
    similar(r, "Title", 2, NULL);
    similar(r, "le 01", 2, NULL);
    similar(r, "", 2, NULL);
    similar(r, "14", 2, NULL);
    similar(r, "13", 0, NULL);
    similar(r, "13", 2, &(question_filters){.genre = wrong, .n_genres = 2});
    search(r, "", 2);
    search(r, "TITLE 02", 3);
    search(r, "title 02", 1);
    search(r, "nothing", 1);
    search(r, "\"\\\t\xc3\xa9", 1);
    search(r, "title", 1001);
    tell(r, 13, -1, 0);
    tell(r, 10, -1, 0);
    tell(r, 11, -1, 0);
    tell(r, -1, 4, 3);
    tell(r, -1, 7, 1000);
    tell(r, -1, 51, 3);
    tell(r, -1, 4, 0);
}

/* Gives the users' ages labels. */
static void label_ages(mrq_table *table)
{
    mrq_column *age = &table->column[1];
    age->label = small_strings(table->arena, "\xc3\xa9lder", age->dict.n);
}

static void assert_alike(const char *said, const char *want)
{
    for (uint32_t line = 1; *said || *want;) {
        char *said_end, *want_end;
        const bool may_be = said[0] == '-' || (said[0] >= '0' && said[0] <= '9');
        const double x = may_be ? strtod(said, &said_end) : 0, y = may_be ? strtod(want, &want_end) : 0;
        if (may_be && said_end > said && want_end > want) {
            if (fabs(x - y) > 2e-4 * (1 + fabs(y)))
                fail_msg("line %u: %.20s, want %.20s", line, said, want);
            said = said_end;
            want = want_end;
            continue;
        }
        if (*said != *want)
            fail_msg("line %u: \"%.200s\", want \"%.200s\"", line, said, want);
        line += *said == '\n';
        said++;
        want++;
    }
}

static void all_that_is_said_is_as_it_was(void **state)
{
    (void)state;
    static const char *const models[] = {LINEAR, STORE_MODEL, BIASED};
    char path[PATH];
    size_t size;
    const char *source = getenv("MRQ_SOURCE");
    out = calloc(1, ROOM);
    assert_non_null(out);
    for (size_t i = 0; i < sizeof models / sizeof *models; i++) {
        char store[PATH], name[MRQ_GENERATION_NAME];
        mrq_recommender *r = NULL;
        MRQ_CLEANUP(mrq_model_free) mrq_model *made = model_of(models[i], users, items);
        mrq_random rng;
        mrq_random_init(&rng, 5, i);
        for (size_t p = 0; p < made->tensors.size; p++)
            made->param[p] = (float)mrq_random_below(&rng, 65) / 32 - 1;
        made->results = model->results;
        snprintf(path, sizeof path, "%.3000s/%zu.mrq", folder, i);
        assert_ok(mrq_model_save(made, path, &err));
        assert_ok(mrq_store_export(new_store(store), path, &flat, name, NULL, NULL, &err));
        assert_ok(mrq_recommender_open(&(mrq_options){.store = store, .memory = 1 << 20}, &r, &err));
        add("= model %zu\n", i);
        tell_all(r);
        mrq_recommender_close(r);
    }
    if (getenv("MRQ_PRINT"))
        puts(out);
    snprintf(path, sizeof path, "%.3000s/tests/unit/documents.txt", source ? source : ".");
    MRQ_AUTOFREE unsigned char *want = read_bytes(path, &size);
    assert_alike(out, (const char *)want);
    free(out);
}

static int set_up(void **state)
{
    make_world(state);
    label_ages(users);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_that_is_said_is_as_it_was),
    };
    return cmocka_run_group_tests(tests, set_up, free_world);
}
