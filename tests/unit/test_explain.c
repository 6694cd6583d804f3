/* Explanations: parts that sum to the score, against the definition. */
#include "engine/query.h"
#include "unit/asked.h"
#include "unit/redis_server.h"

#include "unit/engine_world.h"
#include "unit/failing_memory.h"
#include "unit/ids.h"
#include "unit/text_ids.h"

enum { ITEMS = 40 };

static const char *const descriptions[] = {WORLD_RETRIEVAL, WORLD_BIASED, WORLD_TANH, WORLD_COSINE};
enum { KINDS = sizeof descriptions / sizeof *descriptions };
static engine_world *worlds[KINDS];
static const char *folder;
static redis_server redis;

static const mrq_score_part *parts_of(const mrq_content *answer, uint32_t place)
{
    return answer->why.part + (size_t)place * answer->why.n;
}

/* The part of an input, which must be there; `value` as in mrq_score_part. */
static double part_of(const mrq_content *answer, uint32_t place, const char *input, uint32_t value)
{
    const mrq_score_part *part = parts_of(answer, place);
    for (uint32_t i = 0; i < answer->why.n; i++)
        if (strcmp(part[i].input, input) == 0 && part[i].value == value)
            return part[i].score;
    fail_msg("no part %s %u", input, value);
    return 0;
}

static void assert_sums(const mrq_content *answer)
{
    assert_non_null(answer->why.base);
    for (uint32_t i = 0; i < answer->n; i++) {
        const mrq_score_part *part = parts_of(answer, i);
        double sum = answer->why.base[i];
        for (uint32_t p = 0; p < answer->why.n; p++) {
            sum += part[p].score;
            assert_true(!p || fabs(part[p].score) <= fabs(part[p - 1].score));
        }
        if (!(fabs(sum - answer->hit[i].score) < 1e-5 * (1 + fabs(sum))))
            fail_msg("item %u: parts sum to %.8f, score %.8f", answer->hit[i].item, sum, answer->hit[i].score);
    }
}

static void parts_sum_to_the_score(void **state)
{
    (void)state;
    const int64_t liked[] = {10, 19, 40}, disliked[] = {31, 13};
    const question queries[] = {
        {.age = "1", .gender = "0", .job = "4", .user = -1, .k = ITEMS, .explain = MRQ_EXPLAIN_ALL},
        {.user = 3, .k = ITEMS, .explain = MRQ_EXPLAIN_ALL},
        {.gender = "1", .job = "2", .user = 5, .k = 4, .filters = {.include_seen = true}, .explain = MRQ_EXPLAIN_ALL},
        {.user = WORLD_USERS, .k = ITEMS, .explain = MRQ_EXPLAIN_ALL}, /* has rated nothing */
        {.user = -1, .k = ITEMS, .liked = liked, .n_liked = 3, .explain = MRQ_EXPLAIN_ALL},
        {.age = "1",
         .user = -1,
         .k = 7,
         .liked = liked,
         .n_liked = 3,
         .disliked = disliked,
         .n_disliked = 2,
         .explain = MRQ_EXPLAIN_ALL},
        {.user = 9, .k = 7, .liked = liked, .n_liked = 3, .disliked = disliked, .n_disliked = 2, .explain = MRQ_EXPLAIN_ALL},
        {.user = 9, .k = 7, .disliked = disliked, .n_disliked = 2, .explain = MRQ_EXPLAIN_ALL},
    };
    uint32_t explained = 0;
    for (int kind = 0; kind < KINDS; kind++)
        for (size_t q = 0; q < sizeof queries / sizeof *queries; q++) {
            if ((queries[q].n_liked || queries[q].n_disliked) && !worlds[kind]->g.tower->liked)
                continue;
            mrq_content answer = world_answer(worlds[kind], &queries[q]);
            assert_true(answer.n > 0);
            assert_sums(&answer);
            explained++;
            mrq_content_clear(&answer);
        }
    assert_int_equal(explained, 8 + 3 * 4);
}

static void nothing_is_told_unless_asked_for(void **state)
{
    (void)state;
    mrq_content answer = world_answer(worlds[0], &(question){.user = 3, .k = 5});
    assert_null(answer.why.base);
    assert_null(answer.why.part);
    mrq_content_clear(&answer);
    const int64_t all[] = {10};
    answer = world_answer(
        worlds[0],
        &(question){.user = -1, .k = 5, .liked = all, .n_liked = 1, .filters = {.year_to = 1}, .explain = MRQ_EXPLAIN_ALL});
    assert_int_equal(answer.n, 0);
    mrq_content_clear(&answer);
}

/* The sum of the average person of whom nothing is known. */
static world_sum average(const engine_world *w)
{
    world_sum sum = world_start(w);
    for (uint32_t b = 0; b < w->g.tower->n_branches; b++)
        if (strcmp(w->g.tower->branch[b].feature, "id") != 0)
            world_add_average(w, &sum, w->g.tower->branch[b].feature);
        else
            world_add(w, &sum, w->g.tower->branch[b].rows, 1); /* row 0 */
    return sum;
}

/* The score where of the tower's branches those in `set` have the user's value, by the network. */
static double subset_score(const engine_world *w, uint32_t user, uint32_t set, uint32_t item)
{
    world_sum sum = world_start(w);
    uint32_t value[MRQ_BRANCHES_MAX];
    mrq_folded_values(w->g.tower, w->g.users, user, value);
    for (uint32_t b = 0; b < w->g.tower->n_branches; b++) {
        const char *feature = w->g.tower->branch[b].feature;
        if (set >> b & 1)
            world_add(w, &sum, world_row(w, feature, value[b]), 1);
        else if (strcmp(feature, "id") == 0)
            world_add(w, &sum, world_row(w, feature, 0), 1);
        else
            world_add_average(w, &sum, feature);
    }
    return world_score(w, &sum, item);
}

/* Shapley's definition in its other form: the mean, over all orders of the inputs, of what each adds when its turn comes. */
static void add_orders(const engine_world *w, uint32_t user, uint32_t item, uint32_t set, double share, double *part)
{
    const uint32_t n = w->g.tower->n_branches, left = n - (uint32_t)__builtin_popcount(set);
    for (uint32_t b = 0; b < n; b++) {
        if (set >> b & 1)
            continue;
        const uint32_t with = set | 1u << b;
        part[b] += share / left * (subset_score(w, user, with, item) - subset_score(w, user, set, item));
        add_orders(w, user, item, with, share / left, part);
    }
}

static void parts_are_shapley_values(void **state)
{
    (void)state;
    const uint32_t user = 6;
    for (int kind = 1; kind < KINDS; kind++) {
        const engine_world *w = worlds[kind];
        uint32_t value[MRQ_BRANCHES_MAX];
        mrq_folded_values(w->g.tower, w->g.users, user, value);
        mrq_content answer = world_answer(w, &(question){.user = user + 1, .k = 6, .explain = MRQ_EXPLAIN_ALL});
        const uint32_t n = w->g.tower->n_branches;
        assert_int_equal(answer.why.n, n);
        for (uint32_t i = 0; i < answer.n; i++) {
            double part[MRQ_BRANCHES_MAX] = {0};
            const world_sum nobody = average(w);
            add_orders(w, user, answer.hit[i].item, 0, 1, part);
            assert_true(fabs(answer.why.base[i] - world_score(w, &nobody, answer.hit[i].item)) < 1e-5);
            for (uint32_t b = 0; b < n; b++) {
                const char *feature = w->g.tower->branch[b].feature;
                const double got = part_of(&answer, i, feature, strcmp(feature, "id") == 0 ? user : value[b]);
                if (!(fabs(got - part[b]) < 1e-5))
                    fail_msg("%s: %.7f, want %.7f", feature, got, part[b]);
            }
        }
        mrq_content_clear(&answer);
    }
}

/* Two inputs that say the same have equal parts, and one that says what the average says has none. */
static void equal_inputs_have_equal_parts(void **state)
{
    (void)state;
    for (int kind = 1; kind < KINDS; kind++) {
        mrq_folded *tower = worlds[kind]->g.tower;
        const uint32_t gender = world_branch(worlds[kind], "gender"), job = world_branch(worlds[kind], "job");
        const mrq_folded_branch before = tower->branch[job];
        float *rows = mrq_array((size_t)before.n_rows * tower->width, sizeof *rows);
        memcpy(rows + (size_t)4 * tower->width, tower->branch[gender].rows, tower->width * sizeof *rows);
        memcpy(rows + (size_t)5 * tower->width, tower->branch[gender].mean, tower->width * sizeof *rows);
        tower->branch[job].rows = rows;
        tower->branch[job].mean = tower->branch[gender].mean;
        mrq_content answer =
            world_answer(worlds[kind], &(question){.gender = "0", .job = "4", .user = 2, .k = 8, .explain = MRQ_EXPLAIN_ALL});
        mrq_content idle =
            world_answer(worlds[kind], &(question){.gender = "0", .job = "5", .user = 2, .k = 8, .explain = MRQ_EXPLAIN_ALL});
        assert_sums(&answer);
        assert_sums(&idle);
        for (uint32_t i = 0; i < answer.n; i++) {
            const double parts[] = {part_of(&answer, i, "gender", 0), part_of(&answer, i, "job", 4)};
            assert_true(fabs(parts[0]) > 1e-6 && fabs(parts[0] - parts[1]) < 1e-6);
        }
        for (uint32_t i = 0; i < idle.n; i++)
            assert_true(fabs(part_of(&idle, i, "job", 5)) < 1e-12);
        tower->branch[job] = before;
        mrq_free(rows);
        mrq_content_clear(&answer);
        mrq_content_clear(&idle);
    }
}

/* What a row adds to an item's score in a linear tower. */
static double product(const engine_world *w, const float *row, uint32_t item)
{
    const float *m = w->item + (size_t)item * w->g.tower->width;
    double sum = 0;
    for (uint32_t d = 0; d < w->g.tower->size; d++)
        sum += (double)row[d] * (double)m[d];
    return sum;
}

static void a_history_is_told_item_by_item(void **state)
{
    (void)state;
    const engine_world *w = worlds[0];
    const mrq_links *history = &w->g.tower->history;
    const uint32_t user = 11;
    const uint64_t first = history->list.offset[user], n = history->list.offset[user + 1] - first;
    const uint32_t *own = history->list.item + first, nobodys = ITEMS - 1;
    assert_true(n > 3);
    const int64_t liked[] = {id_number(w->g.items, own[1]), id_number(w->g.items, nobodys)},
                  disliked[] = {id_number(w->g.items, own[2])};
    question query = {.user = user + 1, .k = 5, .explain = MRQ_EXPLAIN_ALL};
    mrq_content answer = world_answer(w, &query);
    assert_int_equal(answer.why.n, 3 + n);
    query.liked = liked;
    query.n_liked = 2;
    query.disliked = disliked;
    query.n_disliked = 1;
    mrq_content told = world_answer(w, &query);
    assert_int_equal(told.why.n, 3 + n + 1); /* each item once */
    for (uint32_t i = 0; i < answer.n; i++) {
        const uint32_t item = answer.hit[i].item, age = mrq_table_column(w->g.users, "age")->code[user];
        const world_sum nobody = average(w);
        assert_true(fabs(answer.why.base[i] - world_score(w, &nobody, item)) < 1e-5);
        double mean = 0;
        for (uint32_t u = 0; u < WORLD_USERS; u++)
            mean += product(w, world_row(w, "age", mrq_table_column(w->g.users, "age")->code[u]), item) / WORLD_USERS;
        assert_true(fabs(part_of(&answer, i, "age", age) - (product(w, world_row(w, "age", age), item) - mean)) < 1e-5);
        for (uint64_t h = 0; h < n; h++)
            assert_true(fabs(part_of(&answer, i, "history", own[h]) -
                             (double)history->strength[first + h] * product(w, world_liked(w, own[h]), item)) < 1e-5);
    }
    for (uint32_t i = 0; i < told.n; i++) {
        const uint32_t item = told.hit[i].item;
        assert_true(fabs(part_of(&told, i, "liked", own[1]) - product(w, world_liked(w, own[1]), item)) < 1e-5);
        assert_true(fabs(part_of(&told, i, "liked", nobodys) - product(w, world_liked(w, nobodys), item)) < 1e-5);
        assert_true(fabs(part_of(&told, i, "disliked", own[2]) - (double)MRQ_DISLIKES * product(w, world_liked(w, own[2]), item)) <
                    1e-5);
        part_of(&told, i, "history", own[0]);
    }
    mrq_content_clear(&answer);
    mrq_content_clear(&told);
}

/* JSON */

static cJSON *document_of(const engine_world *w, const question *query)
{
    mrq_content answer = world_answer(w, query);
    MRQ_AUTOFREE char *text = asked_json(&w->g, &answer);
    cJSON *json = NULL;
    assert_non_null(text);
    assert_ok(mrq_json_parse(text, strlen(text), "document", &json, &err));
    mrq_content_clear(&answer);
    return json;
}

/* Base and parts of every result sum to its score, and each part has the keys of its kind. Returns how many parts a result has. */
static int assert_document(const cJSON *json)
{
    static const char *const keys[] = {"base", "parts", NULL};
    static const char *const feature_keys[] = {"input", "value", "score", NULL}, *const item_keys[] = {"input", "id", "title",
                                                                                                       "score", NULL};
    const cJSON *result, *part;
    int n = 0;
    cJSON_ArrayForEach(result, cJSON_GetObjectItem(json, "results"))
    {
        const cJSON *why = cJSON_GetObjectItem(result, "explanation");
        assert_ok(mrq_json_keys(why, "", keys, &err));
        double sum = cJSON_GetObjectItem(why, "base")->valuedouble;
        n = 0;
        cJSON_ArrayForEach(part, cJSON_GetObjectItem(why, "parts"))
        {
            const char *input = cJSON_GetStringValue(cJSON_GetObjectItem(part, "input"));
            const bool item = strstr(input, "liked") || strcmp(input, "history") == 0;
            assert_ok(mrq_json_keys(part, "", item ? item_keys : feature_keys, &err));
            sum += cJSON_GetObjectItem(part, "score")->valuedouble;
            n++;
        }
        assert_true(fabs(sum - cJSON_GetObjectItem(result, "score")->valuedouble) < 1e-4);
    }
    return n;
}

static void explanations_as_json(void **state)
{
    (void)state;
    const int64_t liked[] = {10, 13}, disliked[] = {16};
    MRQ_CLEANUP(cJSON_Delete)
    cJSON *stranger = document_of(worlds[0], &(question){.user = -1,
                                                         .k = 3,
                                                         .gender = "1",
                                                         .liked = liked,
                                                         .n_liked = 2,
                                                         .disliked = disliked,
                                                         .n_disliked = 1,
                                                         .explain = MRQ_EXPLAIN_ALL});
    MRQ_CLEANUP(cJSON_Delete) cJSON *known = document_of(worlds[3], &(question){.user = 4, .k = 3, .explain = MRQ_EXPLAIN_ALL});
    MRQ_CLEANUP(cJSON_Delete) cJSON *plain = document_of(worlds[0], &(question){.user = 4, .k = 3});
    assert_int_equal(assert_document(stranger), 4);
    assert_int_equal(assert_document(known), 3);
    assert_null(cJSON_GetObjectItem(cJSON_GetArrayItem(cJSON_GetObjectItem(plain, "results"), 0), "explanation"));
    char *text = cJSON_PrintUnformatted(stranger);
    assert_non_null(strstr(text, "{\"input\":\"gender\",\"value\":\"gender001\",\"score\":"));
    assert_non_null(strstr(text, "{\"input\":\"liked\",\"id\":\"13\",\"title\":\"Title 001\",\"score\":"));
    assert_non_null(strstr(text, "{\"input\":\"disliked\",\"id\":\"16\",\"title\":\"Title 002\",\"score\":"));
    cJSON_free(text);
    text = cJSON_PrintUnformatted(known);
    assert_non_null(strstr(text, "{\"input\":\"id\",\"value\":\"4\",\"score\":"));
    cJSON_free(text);
}

/* The parts tell ids as they are. */
static void ids_can_be_texts(void **state)
{
    (void)state;
    static const struct {
        int world;
        const char *set[3][2], *parts[3];
    } cases[] = {
        {0,
         {{"liked", "a\"b"}, {"liked", "007"}, {"disliked", "a,b"}},
         {"{\"input\":\"liked\",\"id\":\"a\\\"b\",\"title\":\"Title 031\",\"score\":",
          "{\"input\":\"liked\",\"id\":\"007\",\"title\":\"Title 028\",\"score\":",
          "{\"input\":\"disliked\",\"id\":\"a,b\",\"title\":\"Title 032\",\"score\":"}},
        {0, {{"liked", "7"}}, {"{\"input\":\"liked\",\"id\":\"7\",\"title\":\"Title 001\",\"score\":"}},
        {3, {{"user", "tt0111161"}}, {"{\"input\":\"id\",\"value\":\"tt0111161\",\"score\":"}},
        {3, {{"user", "a\\"}}, {"{\"input\":\"id\",\"value\":\"a\\\\\",\"score\":"}},
        {3, {{"user", "7"}}, {"{\"input\":\"id\",\"value\":\"7\",\"score\":"}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const engine_world *w = worlds[cases[i].world];
        const mrq_strings users = take_text_ids(w->g.users), items = take_text_ids(w->g.items);
        mrq_content answer = {0};
        ASKED_QUERY query = {0};
        assert_ok(mrq_query_set(&query, "explain", "all", &err));
        for (int s = 0; s < 3 && cases[i].set[s][0]; s++)
            assert_ok(mrq_query_set(&query, cases[i].set[s][0], cases[i].set[s][1], &err));
        assert_ok(mrq_recommend(&w->g, NULL, &query, NULL, &answer, &err));
        assert_sums(&answer);
        MRQ_AUTOFREE char *text = asked_json(&w->g, &answer);
        for (int p = 0; p < 3 && cases[i].parts[p]; p++)
            assert_non_null(strstr(text, cases[i].parts[p]));
        mrq_content_clear(&answer);
        w->g.users->id = users;
        w->g.items->id = items;
    }
}

/* Memory runs out at the n-th allocation, for every n. */
static void survives_without_memory(void **state)
{
    (void)state;
    const int64_t liked[] = {10, 13}, disliked[] = {16};
    for (uint32_t told = 1; told; told = told == 1 ? MRQ_EXPLAIN_ALL : 0) /* a part of them, and all */
        for (size_t w = 0; w < KINDS; w++) {
            const bool feedback = worlds[w]->g.tower->has_history;
            const question query = {.user = 4,
                                    .k = 3,
                                    .liked = liked,
                                    .n_liked = feedback ? 2 : 0,
                                    .disliked = disliked,
                                    .n_disliked = feedback ? 1 : 0,
                                    .explain = told};
            for (int alone = 0; alone < 2; alone++) {
                int n = 0;
                one_fails_alone = alone;
                for (bool failed = true; failed; n++) {
                    mrq_content answer = {0}, like = {0};
                    allocations_left = n;
                    char *text = NULL;
                    if (asked_recommend(&worlds[w]->g, NULL, &query, &answer, NULL) == MRQ_OK &&
                        asked_similar(&worlds[w]->g, "13", 3, &(question_filters){0}, &like, NULL) == MRQ_OK)
                        text = asked_json(&worlds[w]->g, &answer);
                    failed = allocations_left < 0;
                    allocations_left = INT_MAX;
                    assert_true(failed || text);
                    mrq_content_clear(&answer);
                    mrq_content_clear(&like);
                    mrq_free(text);
                }
                assert_true(n > 15);
            }
        }
    one_fails_alone = false;
}

static void a_cached_answer_is_explained(void **state)
{
    (void)state;
    MRQ_CLEANUP(mrq_cache_free) mrq_cache *cache = redis_cache(&redis);
    question query = {.user = 4, .k = 5};
    mrq_content answer = {0};
    for (int tries = 0; tries < 10 && answer.cache != MRQ_CACHE_HIT; tries++) { /* a busy machine can make Redis look down */
        mrq_content_clear(&answer);
        assert_ok(asked_recommend(&worlds[0]->g, cache, &query, &answer, &err));
        query.explain = tries > 0 ? MRQ_EXPLAIN_ALL : 0;
        usleep(tries > 2 ? 300000 : 0);
    }
    assert_int_equal(answer.cache, MRQ_CACHE_HIT);
    mrq_content_clear(&answer);
    query.explain = MRQ_EXPLAIN_ALL;
    assert_ok(asked_recommend(&worlds[0]->g, cache, &query, &answer, &err));
    assert_sums(&answer);
    mrq_content_clear(&answer);
}

/* Limits */

static void too_much_to_explain(void **state)
{
    (void)state;
    const engine_world *w = worlds[3];
    mrq_folded *tower = w->g.tower;
    const uint32_t before = tower->n_branches, gender = world_branch(w, "gender");
    const question query = {.gender = "0", .job = "4", .user = -1, .k = 2, .explain = MRQ_EXPLAIN_ALL};
    while (tower->n_branches < MRQ_SHAPLEY_MAX + 1) /* the id is unknown, and no input of a stranger */
        tower->branch[tower->n_branches++] = tower->branch[gender];
    mrq_content answer = world_answer(w, &query);
    assert_int_equal(answer.why.n, MRQ_SHAPLEY_MAX);
    assert_sums(&answer);
    mrq_content_clear(&answer);
    tower->branch[tower->n_branches++] = tower->branch[gender];
    err = (mrq_error){0};
    const mrq_status status = asked_recommend(&w->g, NULL, &query, &answer, &err);
    tower->n_branches = before;
    assert_int_equal(status, MRQ_USAGE);
    assert_string_equal(err.msg, "explain: model \"toy\" has 13 inputs for this person, want at most 12 because it is not linear");

    enum { MANY = 5000, LIKED = 4717 };
    engine_world *large = engine_world_new(WORLD_RETRIEVAL, MANY);
    int64_t liked[LIKED];
    for (uint32_t i = 0; i < LIKED; i++)
        liked[i] = id_number(large->g.items, i);
    question many = {.user = -1, .k = 250, .liked = liked, .n_liked = 1000, .explain = MRQ_EXPLAIN_ALL};
    answer = world_answer(large, &many);
    assert_int_equal(answer.why.n, 1000);
    assert_sums(&answer);
    mrq_content_clear(&answer);
    many.k++;
    assert_fails(asked_recommend(&large->g, NULL, &many, &answer, &err), MRQ_USAGE,
                 "explain: 251 items with 1000 parts each, want at most 250000 in all");
    many.k = 53;
    many.n_liked = LIKED; /* one part more than may be */
    assert_fails(asked_recommend(&large->g, NULL, &many, &answer, &err), MRQ_USAGE, "");
    assert_string_equal(err.msg, "explain: 53 items with 4717 parts each, want at most 250000 in all; ask for fewer items");
    engine_world_free(large);
}

static int set_up(void **state)
{
    (void)state;
    for (int kind = 0; kind < KINDS; kind++)
        worlds[kind] = engine_world_new(descriptions[kind], ITEMS);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    for (int kind = 0; kind < KINDS; kind++)
        engine_world_free(worlds[kind]);
    return 0;
}

int main(void)
{
    folder = temporary_folder();
    redis = redis_try(folder);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_sum_to_the_score),
        cmocka_unit_test(nothing_is_told_unless_asked_for),
        cmocka_unit_test(parts_are_shapley_values),
        cmocka_unit_test(equal_inputs_have_equal_parts),
        cmocka_unit_test(a_history_is_told_item_by_item),
        cmocka_unit_test(explanations_as_json),
        cmocka_unit_test(ids_can_be_texts),
        cmocka_unit_test(survives_without_memory),
        cmocka_unit_test(a_cached_answer_is_explained),
        cmocka_unit_test(too_much_to_explain),
    };
    const int failed = cmocka_run_group_tests(tests, set_up, tear_down);
    redis_stop(&redis);
    temporary_remove(folder);
    return failed;
}
