/* Users' sets: what a model learns from them, folded, stored, asked for and explained, against sums of the members' rows by
 * hand. */
#include "unit/engine_world.h"

#include "base/random.h"
#include "engine/answer.h"
#include "engine/snapshot.h"
#include "train/evaluate.h"
#include "train/train.h"

enum { ITEMS = 30, PETS = 5, LONGEST = 4, KINDS = 3 };

static engine_world *worlds[KINDS]; /* a ranking, which is linear; by cosine; with tanh and biases */

#define PETS_BRANCH ",{\"feature\":\"pets\",\"kind\":\"set\""
static const char *const descriptions[KINDS] = {
    SMALL("\"kind\":\"dot\"", "\"kind\":\"sum\",\"size\":9",
          "{\"feature\":\"gender\",\"kind\":\"category\"},{\"feature\":\"history\",\"kind\":\"history\"}" PETS_BRANCH "}",
          "{\"feature\":\"id\",\"kind\":\"id\"}", "\"objective\":\"ranking\""),
    SMALL(SMALL_COSINE, SMALL_DENSE, SMALL_DENSE_USER PETS_BRANCH ",\"embedding\":3}", SMALL_DENSE_ITEM, ""),
    SMALL(SMALL_BIASED, "\"kind\":\"sum\",\"size\":19,\"activation\":\"tanh\"", SMALL_SUM_USER PETS_BRANCH "}",
          "{\"feature\":\"id\",\"kind\":\"id\"}", "")};

/* Small users with pets, some with none; "a,b" is a name with a comma. */
static mrq_table *users_with_pets(void)
{
    static const char *const names[PETS] = {"a,b", "cat", "dog", "eel", "fox"};
    mrq_table *users = small_users(WORLD_USERS, 3);
    mrq_random rng;
    mrq_random_init(&rng, 8, 8);
    mrq_column *column = mrq_arena_array(users->arena, users->n_columns + 2, sizeof *column);
    memcpy(column, users->column, users->n_columns * sizeof *column);
    users->column = column;
    MRQ_CLEANUP(mrq_dict_free) mrq_dict *dict = mrq_dict_new();
    for (uint32_t i = 0; i < PETS; i++)
        assert_int_equal(mrq_dict_add(dict, names[i], strlen(names[i])), i);
    const mrq_strings from = mrq_dict_strings(dict);
    mrq_column *pets = &column[users->n_columns++];
    *pets = (mrq_column){.name = "pets", .kind = MRQ_SET};
    assert_int_equal(mrq_strings_copy(users->arena, &from, &pets->dict), 0);
    pets->list = small_lists(users, &rng, PETS, LONGEST, true);
    column[users->n_columns++] =
        (mrq_column){.name = "name", .kind = MRQ_TEXT, .dict = pets->dict, .list = pets->list, .text = users->id};
    return users;
}

static const mrq_lists *pets_of(const engine_world *w)
{
    return &mrq_table_column(w->g.users, "pets")->list;
}

/* Folding */

/* Each user's score of each item is the network's. */
static void the_folded_tower_scores_as_the_network(void **state)
{
    (void)state;
    for (int kind = 0; kind < KINDS; kind++) {
        const engine_world *w = worlds[kind];
        const mrq_folded *tower = w->g.tower;
        MRQ_CLEANUP(mrq_arena_free) mrq_arena *arena = mrq_arena_new();
        MRQ_AUTOFREE float *unit = mrq_array(tower->dim, sizeof *unit);
        mrq_vectors vectors;
        w->model->results.rating_min = -INFINITY; /* else a score is a rating */
        w->model->results.rating_max = INFINITY;
        assert_ok(mrq_vectors_make(w->model, arena, &vectors, &err));
        assert_ok(mrq_vectors_update(w->model, &vectors, &err));
        for (uint32_t u = 0; u < WORLD_USERS; u++) {
            uint32_t value[MRQ_BRANCHES_MAX];
            mrq_line line;
            mrq_folded_values(tower, w->g.users, u, value);
            assert_int_equal(value[world_branch(w, "pets")], u);
            mrq_folded_vector(tower, value, unit, &line);
            for (uint32_t m = 0; m < ITEMS; m++) {
                double got = line.intercept;
                for (uint32_t i = 0; i < tower->dim; i++)
                    got += line.slope * (double)unit[i] * (double)w->vectors[m * tower->dim + i];
                const double want = mrq_score(w->model, &vectors, u, m);
                if (!(fabs(got - want) <= 1e-4 * fmax(fabs(want), 0.1)))
                    fail_msg("%d: user %u, item %u: %g, want %g", kind, u, m, got, want);
            }
        }
    }
}

/* Of whom nothing is known has the mean of what all users' members add. */
static void a_mean_is_over_the_users(void **state)
{
    (void)state;
    const engine_world *w = worlds[1];
    const mrq_folded *tower = w->g.tower;
    const uint32_t b = world_branch(w, "pets");
    assert_true(mrq_folded_is_set(&tower->branch[b]) && !mrq_folded_is_set(&tower->branch[0]));
    for (uint32_t d = 0; d < tower->width; d++) {
        double want = 0;
        for (uint64_t i = 0; i < pets_of(w)->offset[WORLD_USERS]; i++)
            want += (double)mrq_folded_row(tower, b, pets_of(w)->item[i])[d] / WORLD_USERS;
        assert_true(fabs((double)mrq_folded_row(tower, b, MRQ_NONE)[d] - want) < 1e-5);
    }
}

static void a_stored_tower_has_its_sets(void **state)
{
    (void)state;
    const engine_world *w = worlds[1];
    char path[256], *folder = temporary_folder();
    snprintf(path, sizeof path, "%s/users.mrq", folder);
    for (int broken = 0; broken < 2; broken++) {
        MRQ_CLEANUP(mrq_container_writer_free) mrq_container_writer *writer = mrq_container_writer_new("users", 1);
        MRQ_CLEANUP(mrq_container_close) mrq_container *file = NULL;
        MRQ_CLEANUP(mrq_table_free) mrq_table *users = NULL;
        MRQ_CLEANUP(mrq_folded_free) mrq_folded *tower = NULL;
        mrq_folded_branch *pets = &w->g.tower->branch[world_branch(w, "pets")];
        strcpy(pets->feature, broken ? "name" : "pets");
        mrq_table_save(w->g.users, writer, "users");
        mrq_folded_save(w->g.tower, w->g.users, writer);
        assert_ok(mrq_container_write(writer, path, &err));
        strcpy(pets->feature, "pets");
        assert_ok(mrq_container_open(path, "users", 1, &file, &err));
        assert_ok(mrq_table_load(file, "users", &users, &err));
        if (broken) {
            assert_fails(mrq_folded_load(file, users, &tower, &err), MRQ_BAD_FILE,
                         "branch \"name\" has 5 rows, the users' column 5 values");
            continue;
        }
        assert_ok(mrq_folded_load(file, users, &tower, &err));
        const uint32_t b = world_branch(w, "pets");
        const mrq_lists *set = &tower->branch[b].set;
        assert_memory_equal(set->offset, pets_of(w)->offset, (WORLD_USERS + 1) * sizeof *set->offset);
        assert_memory_equal(set->item, pets_of(w)->item, set->offset[WORLD_USERS] * sizeof *set->item);
        assert_memory_equal(tower->branch[b].mean, w->g.tower->branch[b].mean, tower->width * sizeof(float));
    }
    temporary_remove(folder);
}

/* Words of a text are no members: nobody could ask for them. */
static void a_text_is_no_set_of_users(void **state)
{
    (void)state;
    const mrq_description d = describe(
        SMALL(SMALL_DOT, SMALL_SUM, "{\"feature\":\"name\",\"kind\":\"set\"}", "{\"feature\":\"title\",\"kind\":\"set\"}", ""));
    MRQ_CLEANUP(mrq_table_free) mrq_table *users = users_with_pets();
    MRQ_CLEANUP(mrq_table_free) mrq_table *items = small_items(ITEMS, 3);
    MRQ_CLEANUP(mrq_model_free) mrq_model *model = NULL;
    static const uint32_t none[1] = {0};
    static const float stars[1] = {1};
    const mrq_model_source source = {.users = users,
                                     .items = items,
                                     .rating_user = none,
                                     .rating_item = none,
                                     .rating = stars,
                                     .train = none,
                                     .n_ratings = 1,
                                     .n_train = 1};
    assert_fails(mrq_model_new(&d, &source, &model, &err), MRQ_BAD_FILE,
                 "the model's user tower needs a feature \"name\", which the data has as another kind");
}

/* Asking */

static mrq_content ask(const engine_world *w, const char *user, const char *pets)
{
    mrq_content answer = {0};
    ASKED_QUERY query = {0};
    if (user)
        assert_ok(mrq_query_put(&query, MRQ_Q_USER, user, &err));
    if (pets)
        assert_ok(mrq_query_put_feature(&query, "pets", pets, &err));
    assert_ok(mrq_query_put(&query, MRQ_Q_INCLUDE_SEEN, "true", &err));
    assert_ok(mrq_query_put(&query, MRQ_Q_EXPLAIN, "all", &err));
    assert_ok(asked_number(&query, MRQ_Q_K, ITEMS, &err));
    assert_ok(mrq_recommend(&w->g, NULL, &query, NULL, &answer, &err));
    assert_int_equal(answer.n, ITEMS);
    return answer;
}

/* The score of somebody of whom these pets are known (NULL: nothing), and the user's id if it is not MRQ_NONE. */
static double score_by_hand(const engine_world *w, uint32_t user, const mrq_members *pets, uint32_t item)
{
    const mrq_folded *tower = w->g.tower;
    world_sum sum = world_start(w);
    uint32_t value[MRQ_BRANCHES_MAX];
    if (user != MRQ_NONE)
        mrq_folded_values(tower, w->g.users, user, value);
    for (uint32_t b = 0; b < tower->n_branches; b++) {
        const mrq_folded_branch *branch = &tower->branch[b];
        if (mrq_folded_is_set(branch)) {
            for (uint32_t i = 0; pets && i < pets->n; i++)
                world_add(w, &sum, mrq_folded_row(tower, b, pets->row[i]), 1);
            if (!pets)
                world_add(w, &sum, branch->mean, 1);
        } else {
            world_add(w, &sum, mrq_folded_row(tower, b, user != MRQ_NONE ? value[b] : mrq_folded_is_id(branch) ? 0 : MRQ_NONE), 1);
        }
    }
    return world_score(w, &sum, item);
}

static void check_answer(const engine_world *w, const mrq_content *answer, uint32_t user, const mrq_members *pets)
{
    for (uint32_t i = 0; i < answer->n; i++) {
        const double want = score_by_hand(w, user, pets, answer->hit[i].item), got = answer->hit[i].score;
        double sum = answer->why.base[i], of_pets = 0;
        for (uint32_t p = 0; p < answer->why.n; p++) {
            const mrq_score_part *part = &answer->why.part[(size_t)i * answer->why.n + p];
            sum += part->score;
            if (strcmp(part->input, "pets") == 0)
                of_pets = part->score;
        }
        if (!(fabs(got - want) < 1e-4 * fmax(fabs(want), 1) && fabs(sum - got) < 1e-4 * fmax(fabs(got), 1)))
            fail_msg("item %u: %g, want %g; its parts %g", answer->hit[i].item, got, want, sum);
        if (user == MRQ_NONE && pets && !(fabs(of_pets - (want - score_by_hand(w, user, NULL, answer->hit[i].item))) < 1e-4))
            fail_msg("item %u: the pets' part is %g", answer->hit[i].item, of_pets);
    }
}

static void members_of_queries_and_users_count(void **state)
{
    (void)state;
    static const uint32_t some[] = {1, 3}, comma[] = {0, 4};
    for (int kind = 0; kind < KINDS; kind++) {
        const engine_world *w = worlds[kind];
        const struct {
            const char *user, *pets;
            mrq_members members;
        } cases[] = {
            {NULL, "cat,eel", {2, some}},
            {NULL, " eel, cat,,eel,", {2, some}},
            {NULL, "a\\,b,fox", {2, comma}},
            {NULL, "", {0, NULL}},
            {"8", "eel,cat", {2, some}},
            {"8", NULL, {(uint32_t)(pets_of(w)->offset[8] - pets_of(w)->offset[7]), pets_of(w)->item + pets_of(w)->offset[7]}}};
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
            mrq_content answer = ask(w, cases[i].user, cases[i].pets);
            check_answer(w, &answer, cases[i].user ? 7 : MRQ_NONE, &cases[i].members);
            mrq_content_clear(&answer);
        }
        mrq_content nobody = ask(w, NULL, NULL);
        check_answer(w, &nobody, MRQ_NONE, NULL);
        mrq_content_clear(&nobody);
    }
}

/* The part of "pets" of the first hit, as JSON. */
static void part_is(const engine_world *w, const char *pets, const char *value, const char *words)
{
    char want[200];
    mrq_content answer = ask(w, NULL, pets);
    MRQ_AUTOFREE char *json = asked_json(&w->g, &answer);
    snprintf(want, sizeof want, "{\"input\":\"pets\",\"value\":%s,\"score\":", value);
    if (!strstr(json, want))
        fail_msg("no %s in %s", want, json);
    snprintf(want, sizeof want, "\"query\":{\"pets\":{\"value\":%s},\"user\":null", value);
    assert_non_null(strstr(json, want));
    assert_string_equal(answer.query.feature[0].words, words);
    mrq_content_clear(&answer);
}

static void explanations_name_the_members(void **state)
{
    (void)state;
    for (int kind = 0; kind < KINDS; kind++) {
        part_is(worlds[kind], "fox,cat", "[\"cat\",\"fox\"]", "cat,fox");
        part_is(worlds[kind], "a\\,b", "[\"a,b\"]", "a\\,b");
        part_is(worlds[kind], "", "[]", "");
    }
}

/* A public answer tells a part's members as a query names them. */
static void the_library_names_the_members(void **state)
{
    (void)state;
    mrq_snapshot snapshot = {.references = 1, .generation = &worlds[0]->g};
    mrq_cached_answer cached = {.references = 2, .snapshot = &snapshot, .content = ask(worlds[0], NULL, "dog,a\\,b")};
    mrq_answer *answer = mrq_answer_new(&cached, false);
    assert_non_null(answer);
    bool found = false;
    for (uint32_t p = 0; p < mrq_answer_parts(answer, 0, NULL, NULL); p++)
        if (strcmp(mrq_answer_part_input(answer, 0, p), "pets") == 0) {
            assert_string_equal(mrq_answer_part_value(answer, 0, p), "a\\,b,dog");
            assert_string_equal(mrq_answer_part_id(answer, 0, p), "");
            found = true;
        }
    assert_true(found);
    mrq_answer_free(answer);
    mrq_content_clear(&cached.content);
}

/* Learning */

/* Likes by pets: who has a cat likes even items, who has a dog odd ones. */
static void a_ranking_learns_from_members(void **state)
{
    (void)state;
    enum { RATINGS = 1500 };
    small_data *s = small_data_new(WORLD_USERS, ITEMS, RATINGS);
    mrq_table_free(s->data.users);
    s->data.users = users_with_pets();
    const mrq_lists *pets = &mrq_table_column(s->data.users, "pets")->list;
    for (uint32_t i = 0; i < RATINGS; i++) {
        const bool cat = mrq_lists_find(pets, s->user[i], 1) != UINT64_MAX, dog = mrq_lists_find(pets, s->user[i], 2) != UINT64_MAX;
        s->rating[i] = (s->item[i] % 2 ? dog : cat) ? 5 : 1;
    }
    const mrq_description d = describe(descriptions[0]);
    mrq_train_result result = {0};
    assert_ok(mrq_train(&s->data, &d, &(mrq_train_options){.split = MRQ_SPLIT_USER, .seed = 5, .threads = 1}, NULL, &result, &err));
    MRQ_CLEANUP(mrq_model_free) mrq_model *model = result.model;
    MRQ_CLEANUP(mrq_folded_free) mrq_folded *tower = NULL;
    MRQ_AUTOFREE float *items = mrq_array((size_t)ITEMS * 10, sizeof *items);
    double reach;
    assert_int_equal(mrq_description_dim(mrq_model_description(model)), 10);
    assert_ok(mrq_model_export_items(model, items, &reach, &err));
    assert_ok(mrq_model_fold(model, reach, &tower, &err));
    for (uint32_t pet = 1; pet <= 2; pet++) {
        uint32_t value[MRQ_BRANCHES_MAX];
        mrq_members given[MRQ_BRANCHES_MAX] = {{0, NULL}};
        float unit[10];
        mrq_line line;
        double mean[2] = {0};
        for (uint32_t b = 0; b < tower->n_branches; b++) {
            value[b] = mrq_folded_is_id(&tower->branch[b]) ? 0 : mrq_folded_is_set(&tower->branch[b]) ? MRQ_GIVEN : MRQ_NONE;
            given[b] = (mrq_members){1, &pet};
        }
        mrq_folded_vector_of(tower, value, given, NULL, 0, unit, &line);
        for (uint32_t m = 0; m < ITEMS; m++)
            for (uint32_t i = 0; i < tower->dim; i++)
                mean[m % 2] += line.slope * (double)unit[i] * (double)items[m * tower->dim + i] / (ITEMS / 2.0);
        if (!(mean[pet - 1] > mean[2 - pet] * 1.2))
            fail_msg("pet %u: even items %g, odd ones %g", pet, mean[0], mean[1]);
    }
    small_data_free(s);
}

/* What a branch that is learned by gradients starts with: nothing beside an id in a sum. */
static void a_set_that_corrects_an_id_starts_at_zero(void **state)
{
    (void)state;
    const mrq_description d = describe(descriptions[2]);
    MRQ_CLEANUP(mrq_table_free) mrq_table *users = users_with_pets();
    MRQ_CLEANUP(mrq_table_free) mrq_table *items = small_items(ITEMS, 3);
    MRQ_CLEANUP(mrq_model_free) mrq_model *model = NULL;
    static const uint32_t none[1] = {0};
    static const float stars[1] = {1};
    const mrq_model_source source = {.users = users,
                                     .items = items,
                                     .rating_user = none,
                                     .rating_item = none,
                                     .rating = stars,
                                     .train = none,
                                     .n_ratings = 1,
                                     .n_train = 1};
    assert_ok(mrq_model_new(&d, &source, &model, &err));
    const mrq_branch_plan *plan = &model->user.plan[model->user.n - 1];
    assert_int_equal(plan->n_values, PETS);
    const float *rows = model->param + mrq_tensor_at(&model->tensors, plan->embedding, 0);
    for (uint32_t i = 0; i < PETS * plan->width; i++)
        assert_true(fabsf(rows[i]) <= 0);
}

static int begin(void **state)
{
    (void)state;
    for (int kind = 0; kind < KINDS; kind++)
        worlds[kind] = engine_world_of(descriptions[kind], users_with_pets(), ITEMS);
    return 0;
}

static int end(void **state)
{
    (void)state;
    for (int kind = 0; kind < KINDS; kind++)
        engine_world_free(worlds[kind]);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_folded_tower_scores_as_the_network),
                                       cmocka_unit_test(a_mean_is_over_the_users),
                                       cmocka_unit_test(a_stored_tower_has_its_sets),
                                       cmocka_unit_test(a_text_is_no_set_of_users),
                                       cmocka_unit_test(members_of_queries_and_users_count),
                                       cmocka_unit_test(explanations_name_the_members),
                                       cmocka_unit_test(the_library_names_the_members),
                                       cmocka_unit_test(a_ranking_learns_from_members),
                                       cmocka_unit_test(a_set_that_corrects_an_id_starts_at_zero)};
    return cmocka_run_group_tests(tests, begin, end);
}
