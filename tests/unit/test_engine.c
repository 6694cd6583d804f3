/* The engine over a small generation built by hand: every answer is compared with an exhaustive scan of our own. */
#include "engine/engine.h"
#include "unit/asked.h"

#include <inttypes.h>
#include <math.h>
#include <sys/prctl.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/json.h"
#include "base/random.h"
#include "engine/redis_answers.h"
#include "redis_server.h"
#include "testing.h"
#include "unit/failing_memory.h"
#include "unit/ids.h"
#include "unit/text_ids.h"

#pragma GCC diagnostic ignored "-Wmissing-field-initializers" /* most queries here have no filters */

enum { DIM = 8, USERS = 5, ITEMS = 60, TWIN = 11 };

static mrq_error err;
static const char *folder;

/* The generation */

static mrq_strings texts(mrq_arena *arena, const char *const *list)
{
    MRQ_CLEANUP(mrq_dict_free) mrq_dict *dict = mrq_dict_new();
    for (; *list; list++)
        assert_int_not_equal(mrq_dict_push(dict, *list, strlen(*list)), MRQ_NONE);
    const mrq_strings all = mrq_dict_strings(dict);
    mrq_strings copy;
    assert_int_equal(mrq_strings_copy(arena, &all, &copy), 0);
    return copy;
}

static mrq_column *category(mrq_table *table, const char *name, const char *const *values, const char *const *labels,
                            const uint32_t *code)
{
    mrq_column *column = &table->column[table->n_columns++];
    strcpy(column->name, name);
    column->kind = MRQ_CATEGORY;
    column->dict = texts(table->arena, values);
    if (labels)
        column->label = texts(table->arena, labels);
    column->code = code;
    return column;
}

static mrq_table *table_of(uint32_t rows, const int64_t *id)
{
    mrq_table *table = mrq_table_new();
    assert_non_null(table);
    table->rows = rows;
    table->id = number_ids(table->arena, id, rows);
    table->column = mrq_arena_array(table->arena, 4, sizeof *table->column);
    return table;
}

/* Users 1, 2, 3, 7 and 1000 with age, gender and job, or without. */
static mrq_table *users_of(bool demographics)
{
    static const int64_t id[USERS] = {1, 2, 3, 7, 1000};
    static const double bounds[] = {1, 18, 25};
    static const uint32_t age[USERS] = {0, 1, 2, 2, 0}, gender[USERS] = {0, 1, 1, 0, 1}, job[USERS] = {2, 1, 0, 2, 1};
    mrq_table *users = table_of(USERS, id);
    if (demographics) {
        category(users, "age", (const char *const[]){"1", "18", "25", NULL},
                 (const char *const[]){"under 18", "18-24", "25 or more", NULL}, age)
            ->bound = bounds;
        category(users, "gender", (const char *const[]){"F", "M", NULL}, (const char *const[]){"female", "male", NULL}, gender);
        category(users, "job", (const char *const[]){"artist", "lawyer", "miner", NULL}, NULL, job);
    }
    return users;
}

static mrq_table *items_of(void)
{
    static int64_t id[ITEMS];
    static double year[ITEMS];
    static char title[ITEMS][40];
    static const char *list[ITEMS + 1];
    static uint64_t at[ITEMS + 1];
    static uint32_t genre[2 * ITEMS];
    for (uint32_t i = 0; i < ITEMS; i++) {
        id[i] = 10 * (int64_t)i + 1;
        year[i] = i == 1 ? (double)NAN : 1900 + i;
        snprintf(title[i], sizeof title[i], i == 2 ? "Amélie \"%u\"" : i == 3 ? "cut \xc3" : "Movie %u", i);
        list[i] = title[i];
        for (uint32_t g = 0; g < i % 3; g++)
            genre[at[i] + g] = g;
        at[i + 1] = at[i] + i % 3;
    }
    id[ITEMS - 1] = INT64_MAX - 1;
    mrq_table *items = table_of(ITEMS, id);
    mrq_column *column = items->column;
    column[0] = (mrq_column){.name = "title", .kind = MRQ_TEXT, .text = texts(items->arena, list)};
    column[1] = (mrq_column){.name = "genres", .kind = MRQ_SET, .list = {at, genre}};
    column[1].dict = texts(items->arena, (const char *const[]){"Comedy", "Film-Noir", NULL});
    column[2] = (mrq_column){.name = "year", .kind = MRQ_NUMBER, .number = year};
    items->n_columns = 3;
    return items;
}

static float *random_rows(mrq_arena *arena, mrq_random *rng, uint32_t n)
{
    float *rows = mrq_arena_array(arena, (size_t)n * DIM, sizeof *rows);
    for (size_t i = 0; i < (size_t)n * DIM; i++)
        rows[i] = (float)(mrq_random_unit(rng) - 0.5);
    return rows;
}

/* Element `d` of a feature's average: a row a user. */
static double average_of(const mrq_table *users, const mrq_folded_branch *branch, uint32_t d)
{
    double sum = 0;
    for (uint32_t u = 0; u < USERS; u++)
        sum += (double)branch->rows[mrq_table_column(users, branch->feature)->code[u] * DIM + d];
    return sum / USERS;
}

/* A branch for the id and for each category of the users. */
static mrq_folded *tower_of(const mrq_table *users, mrq_random *rng)
{
    static const uint32_t user_row[USERS] = {1, 2, 0, 3, 4}; /* user 3 has no row of his own */
    mrq_folded *tower = calloc(1, sizeof *tower);
    tower->arena = mrq_arena_new();
    tower->size = tower->width = tower->dim = DIM;
    tower->scale = 5;
    tower->activation = MRQ_TANH;
    tower->branch = mrq_arena_array(tower->arena, 1 + users->n_columns, sizeof *tower->branch);
    tower->start = random_rows(tower->arena, rng, 1);
    tower->user_row = user_row;
    tower->branch[0] = (mrq_folded_branch){"id", USERS, random_rows(tower->arena, rng, USERS)};
    tower->n_branches = 1;
    for (uint32_t c = 0; c < users->n_columns; c++) {
        const uint32_t b = tower->n_branches++;
        mrq_folded_branch *branch = &tower->branch[b];
        strcpy(branch->feature, users->column[c].name);
        branch->n_rows = users->column[c].dict.n;
        branch->rows = random_rows(tower->arena, rng, branch->n_rows);
        float *mean = mrq_arena_array(tower->arena, DIM, sizeof *mean);
        for (uint32_t d = 0; d < DIM; d++)
            mean[d] = (float)average_of(users, branch, d);
        branch->mean = mean;
    }
    tower->branch[0].mean = tower->branch[0].rows;
    return tower;
}

static float vectors[ITEMS * DIM]; /* of the items; rows TWIN .. TWIN + 3 are the same */

static void make_vectors(void)
{
    mrq_random rng;
    mrq_random_init(&rng, 7, 1);
    for (uint32_t m = 0; m < ITEMS; m++) {
        float *vector = vectors + m * DIM;
        double norm = 0;
        for (int d = 0; d < DIM; d++) {
            vector[d] = (float)(mrq_random_unit(&rng) - 0.5);
            norm += (double)vector[d] * (double)vector[d];
        }
        for (int d = 0; d < DIM; d++)
            vector[d] /= (float)sqrt(norm);
        if (m > TWIN && m < TWIN + 4)
            memcpy(vector, vectors + TWIN * DIM, DIM * sizeof *vector);
    }
}

/* User 1 has seen every third item, user 2 nothing, user 3 all but five, user 7 all, user 1000 the first. */
static mrq_lists seen_lists(void)
{
    static uint64_t at[USERS + 1];
    static uint32_t item[USERS * ITEMS];
    uint64_t n = 0;
    for (uint32_t u = 0; u < USERS; u++) {
        at[u] = n;
        for (uint32_t m = 0; m < ITEMS; m++)
            if ((u == 0 && m % 3 == 0) || (u == 2 && m >= 5) || u == 3 || (u == 4 && m == 0))
                item[n++] = m;
    }
    at[USERS] = n;
    return (mrq_lists){at, item};
}

static mrq_generation *generation_of(const char *index, bool demographics)
{
    mrq_random rng;
    mrq_random_init(&rng, 7, 0);
    mrq_generation *g = calloc(1, sizeof *g);
    if (!g)
        abort(); /* tells the compiler that it is not NULL, which an assertion does not */
    strcpy(g->name, demographics ? "20260131T020000Z-0123456789ab" : "20260131T020000Z-ba9876543210");
    strcpy(g->model_name, "toy");
    strcpy(g->index_kind, index);
    g->users = users_of(demographics);
    g->items = items_of();
    g->tower = tower_of(g->users, &rng);
    g->seen = seen_lists();
    make_vectors();
    assert_ok(mrq_index_build(index, vectors, ITEMS, DIM, &g->index, &err));
    return g;
}

static mrq_generation *flat, *plain; /* with and without demographics */

/* A scan. A value that is MRQ_NONE is the average user's. */

static double reference_score(const mrq_generation *g, const uint32_t *value, uint32_t item)
{
    double y[DIM], norm = 0, product = 0;
    for (int d = 0; d < DIM; d++) {
        double sum = (double)g->tower->start[d];
        for (uint32_t b = 0; b < g->tower->n_branches; b++)
            sum += value[b] == MRQ_NONE ? average_of(g->users, &g->tower->branch[b], (uint32_t)d)
                                        : (double)g->tower->branch[b].rows[value[b] * DIM + (uint32_t)d];
        y[d] = tanh(sum);
        norm += y[d] * y[d];
        product += y[d] * (double)vectors[item * DIM + (uint32_t)d];
    }
    return g->tower->scale * product / sqrt(norm);
}

static bool has_seen(uint32_t user, uint32_t item)
{
    for (uint64_t i = flat->seen.offset[user]; i < flat->seen.offset[user + 1]; i++)
        if (flat->seen.item[i] == item)
            return true;
    return false;
}

/* The answer holds the best items that `user` (a row, or MRQ_NONE) has not seen, by the scan's scores. */
static void assert_best(const mrq_generation *g, const mrq_content *answer, const uint32_t *value, uint32_t user, uint32_t k)
{
    bool given[ITEMS] = {false};
    uint32_t left = 0;
    for (uint32_t m = 0; m < ITEMS; m++)
        left += user == MRQ_NONE || !has_seen(user, m);
    assert_int_equal(answer->n, k < left ? k : left);
    double last = (double)INFINITY;
    for (uint32_t i = 0; i < answer->n; i++) {
        const mrq_recommendation *item = &answer->hit[i];
        assert_true(item->item < ITEMS && !given[item->item]);
        assert_true(user == MRQ_NONE || !has_seen(user, item->item));
        assert_true(fabs(item->score - reference_score(g, value, item->item)) < 1e-5);
        assert_true(item->score < last || (i && item->score == last && item->item > answer->hit[i - 1].item));
        given[item->item] = true;
        last = item->score;
    }
    for (uint32_t m = 0; m < ITEMS; m++)
        assert_true(given[m] || (user != MRQ_NONE && has_seen(user, m)) || reference_score(g, value, m) < last + 1e-5);
}

static mrq_content answer_of(const mrq_generation *g, mrq_cache *cache, const question *query)
{
    mrq_content answer = {0};
    assert_ok(asked_recommend(g, cache, query, &answer, &err));
    return answer;
}

/* Queries */

static void people_without_an_id(void **state)
{
    (void)state;
    static const char *const ages[] = {"1", "18", "25"}, *const genders[] = {"F", "M"},
                             *const jobs[] = {"artist", "lawyer", "miner"};
    static const uint32_t ks[] = {1, 5, 59, 60, 61, MRQ_K_MAX};
    for (uint32_t i = 0; i < 18; i++) {
        const uint32_t value[4] = {0, i % 3, i / 3 % 2, i / 6};
        for (size_t j = 0; j < sizeof ks / sizeof *ks; j++) {
            const question query = {ages[value[1]], genders[value[2]], jobs[value[3]], -1, ks[j]};
            mrq_content answer = answer_of(flat, NULL, &query);
            assert_best(flat, &answer, value, MRQ_NONE, ks[j]);
            assert_int_equal(answer.cache, MRQ_CACHE_OFF);
            mrq_content_clear(&answer);
        }
    }
}

static void known_users_get_what_they_have_not_seen(void **state)
{
    (void)state;
    static const int64_t ids[USERS] = {1, 2, 3, 7, 1000};
    for (uint32_t u = 0; u < USERS; u++) {
        uint32_t value[4];
        mrq_folded_values(flat->tower, flat->users, u, value);
        for (uint32_t k = 1; k <= ITEMS; k += 4) {
            const question query = {NULL, NULL, NULL, ids[u], k};
            mrq_content answer = answer_of(flat, NULL, &query);
            assert_best(flat, &answer, value, u, k);
            mrq_content_clear(&answer);
        }
    }
}

static void what_is_given_comes_before_the_users_row(void **state)
{
    (void)state;
    const question query = {"70", "female", "0", 2, 5};
    const uint32_t value[4] = {2, 2, 0, 0};
    mrq_content answer = answer_of(flat, NULL, &query);
    assert_best(flat, &answer, value, 1, 5);
    assert_string_equal(answer.query.text,
                        "{\"age\":{\"value\":\"25\",\"label\":\"25 or more\"},\"gender\":{\"value\":\"F\",\"label\":\"female\"},"
                        "\"job\":{\"value\":\"artist\"},\"user\":\"2\",\"k\":5}");
    mrq_content_clear(&answer);
}

static void equal_scores_stand_by_id(void **state)
{
    (void)state;
    uint32_t pairs = 0;
    for (int64_t k = 1; k <= ITEMS; k++) {
        const question query = {"25", "M", "miner", -1, (uint32_t)k};
        mrq_content answer = answer_of(flat, NULL, &query);
        bool in[4] = {false};
        for (uint32_t i = 0; i < answer.n; i++)
            if (answer.hit[i].item >= TWIN && answer.hit[i].item < TWIN + 4) {
                const uint32_t twin = answer.hit[i].item - TWIN;
                assert_true(twin == 0 || in[twin - 1]); /* also where k cuts them apart */
                in[twin] = true;
                pairs++;
            }
        mrq_content_clear(&answer);
    }
    assert_true(pairs > 4);
}

static void the_same_meaning_is_the_same_query(void **state)
{
    (void)state;
    static const question same[] = {{"25", "M", "artist", -1, 5}, {"26.5", "male", "ARTIST", -1, 5}, {"99", "1", "0", -1, 5}};
    char *first = NULL;
    for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
        mrq_content answer = answer_of(flat, NULL, &same[i]);
        if (first)
            assert_string_equal(answer.query.text, first);
        else
            first = strdup(answer.query.text);
        mrq_content_clear(&answer);
    }
    free(first);
}

static void refuses_wrong_values(void **state)
{
    (void)state;
    static const struct {
        question query;
        mrq_status status;
        const char *sentence;
    } cases[] = {
        {{"abc", "F", "1", -1, 5}, MRQ_USAGE, "age \"abc\": want a number, 1 or more"},
        {{"-3", "F", "1", -1, 5}, MRQ_USAGE, "age \"-3\": want"},
        {{"0", "F", "1", -1, 5}, MRQ_USAGE, "age \"0\": want"},
        {{"nan", "F", "1", -1, 5}, MRQ_USAGE, "age \"nan\": want"},
        {{"", "F", "1", -1, 5}, MRQ_USAGE, "age \"\": want"},
        {{"25", "X", "1", -1, 5}, MRQ_USAGE, "gender \"X\": want 0 to 1, or one of F (female), M (male)"},
        {{"25", "2", "1", -1, 5}, MRQ_USAGE, "gender \"2\": want"},
        {{"25", "F", "3", -1, 5}, MRQ_USAGE, "job \"3\": want 0 to 2, or one of artist, lawyer, miner"},
        {{"25", "F", "astronaut", -1, 5}, MRQ_USAGE, "job \"astronaut\": want"},
        {{"25", "F", "-1", -1, 5}, MRQ_USAGE, "job \"-1\": want"},
        {{"25", "X", NULL, 2, 5}, MRQ_USAGE, "gender \"X\": want"},
        {{"25", "F", "1", -1, 0}, MRQ_USAGE, "k \"0\": want a whole number from 1 to 1000"},
        {{"25", "F", "1", -1, MRQ_K_MAX + 1}, MRQ_USAGE, "k \"1001\": want a whole number from 1 to 1000"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        mrq_content answer = {0};
        assert_fails(asked_recommend(flat, NULL, &cases[i].query, &answer, &err), cases[i].status, cases[i].sentence);
        assert_null(answer.hit);
        assert_null(answer.query.text);
    }
}

/* An id that none can be is refused where it is set, whoever the person is. */
static void refuses_wrong_ids(void **state)
{
    (void)state;
    for (int i = 0; i < WRONG_IDS; i++) {
        ASKED_QUERY query = {0};
        assert_ok(mrq_query_put(&query, MRQ_Q_GENDER, "F", &err));
        assert_fails(mrq_query_put(&query, MRQ_Q_USER, wrong_ids[i], &err), MRQ_USAGE,
                     "want an id, 1 to 255 bytes of UTF-8 without control characters");
        assert_int_equal(query.n[MRQ_Q_USER], 0);
    }
}

/* A user that the data does not have is answered as the same person without an id, and the answer says so. */
static void an_unknown_user_is_answered_by_what_is_said(void **state)
{
    (void)state;
    static const int64_t nobodies[] = {-2, INT64_MIN, 0, 999999, INT64_MAX};
    for (size_t i = 0; i < 2 * sizeof nobodies / sizeof *nobodies; i++) {
        question anybody = {i % 2 ? "25" : NULL, i % 2 ? "F" : NULL, NULL, -1, 5}, named = anybody;
        mrq_content answer = {0}, other = {0};
        char id[40], *said, *want;
        named.user = nobodies[i / 2];
        snprintf(id, sizeof id, "%" PRId64, named.user);
        assert_ok(asked_recommend(flat, NULL, &named, &answer, &err));
        assert_ok(asked_recommend(flat, NULL, &anybody, &other, &err));
        assert_string_equal(answer.query.stranger, id);
        assert_null(other.query.stranger);
        assert_int_equal(answer.query.user, MRQ_NONE);
        assert_true(answer.n == other.n && memcmp(answer.hit, other.hit, answer.n * sizeof *answer.hit) == 0);
        assert_int_equal(mrq_resolved_bytes(&answer.query) - strlen(answer.query.text) - strlen(id) - 1,
                         mrq_resolved_bytes(&other.query) - strlen(other.query.text));
        said = asked_json(flat, &answer);
        want = asked_json(flat, &other);
        char told[120];
        snprintf(told, sizeof told, "\"user\":\"%s\",\"k\":5},\"user_known\":false,\"results\":[", id);
        const char *at = strstr(said, told), *there = strstr(want, "\"user\":null,\"k\":5},\"results\":[");
        assert_true(at && there && at - said == there - want);
        assert_string_equal(strstr(at, "\"results\""), strstr(there, "\"results\""));
        mrq_free(said);
        mrq_free(want);
        mrq_content_clear(&answer);
        mrq_content_clear(&other);
    }
    for (int i = 0; i < TEXT_IDS; i++) {
        mrq_content answer = {0};
        ASKED_QUERY query = {0};
        assert_ok(mrq_query_put(&query, MRQ_Q_USER, text_ids[i], &err));
        assert_ok(mrq_recommend(flat, NULL, &query, NULL, &answer, &err));
        assert_string_equal(answer.query.stranger, text_ids[i]);
        mrq_content_clear(&answer);
    }
}

/* Pages: the hits and ranks of a list from the offset on. */
static void a_page_is_a_part_of_the_list(void **state)
{
    (void)state;
    mrq_content all = {0};
    const uint32_t rows = flat->items->rows;
    assert_ok(asked_recommend(flat, NULL, &(question){.user = -1, .k = rows}, &all, &err));
    assert_int_equal(all.n, rows);
    for (uint32_t offset = 0; offset <= rows + 1; offset++)
        for (uint32_t k = 1; k < 4; k++) {
            ASKED_QUERY query = {0};
            mrq_content page = {0};
            char want[100];
            assert_ok(asked_number(&query, MRQ_Q_K, k, &err));
            assert_ok(asked_number(&query, MRQ_Q_OFFSET, offset, &err));
            assert_ok(mrq_recommend(flat, NULL, &query, NULL, &page, &err));
            assert_int_equal(page.n, offset >= rows ? 0 : rows - offset < k ? rows - offset : k);
            assert_true(!page.n || memcmp(page.hit, all.hit + offset, page.n * sizeof *page.hit) == 0);
            char *said = asked_json(flat, &page);
            snprintf(want, sizeof want, offset ? "\"k\":%u,\"offset\":%u}" : "\"k\":%u}", k, offset);
            assert_non_null(strstr(said, want));
            snprintf(want, sizeof want, "\"results\":[{\"rank\":%u,", offset + 1);
            assert_int_equal(strstr(said, want) != NULL, page.n > 0);
            mrq_free(said);
            mrq_content_clear(&page);
        }
    mrq_content_clear(&all);
}

static void data_without_demographics(void **state)
{
    (void)state;
    mrq_content answer = {0};
    assert_fails(asked_recommend(plain, NULL, &(question){"25", NULL, NULL, 1, 5}, &answer, &err), MRQ_USAGE,
                 "age \"25\": neither a field of a query nor a column of the users; the columns: none");
    answer = answer_of(plain, NULL, &(question){NULL, NULL, NULL, 1, 5});
    assert_best(plain, &answer, (const uint32_t[]){1}, 0, 5);
    assert_string_equal(answer.query.text, "{\"user\":\"1\",\"k\":5}");
    mrq_content_clear(&answer);
    answer = answer_of(plain, NULL, &(question){NULL, NULL, NULL, -1, 5}); /* of whom nothing is known: the unknown user */
    assert_best(plain, &answer, (const uint32_t[]){0}, MRQ_NONE, 5);
    assert_string_equal(answer.query.text, "{\"user\":null,\"k\":5}");
    mrq_content_clear(&answer);
}

/* Each feature is given or not. */
static void what_is_not_given_is_the_average(void **state)
{
    (void)state;
    for (uint32_t given = 0; given < 8; given++) {
        const question query = {given & 1 ? "25" : NULL, given & 2 ? "F" : NULL, given & 4 ? "miner" : NULL, -1, 9};
        const uint32_t value[4] = {0, given & 1 ? 2 : MRQ_NONE, given & 2 ? 0 : MRQ_NONE, given & 4 ? 2 : MRQ_NONE};
        mrq_content answer = answer_of(flat, NULL, &query);
        assert_best(flat, &answer, value, MRQ_NONE, 9);
        assert_true(!strstr(answer.query.text, "age") == !(given & 1) && !strstr(answer.query.text, "gender") == !(given & 2) &&
                    !strstr(answer.query.text, "job") == !(given & 4));
        mrq_content_clear(&answer);
    }
}

static mrq_status ask_with(const char *name, const char *value, mrq_content *out)
{
    ASKED_QUERY query = {0};
    MRQ_TRY(mrq_query_set(&query, name, value, &err));
    return mrq_recommend(flat, NULL, &query, NULL, out, &err);
}

/* A query names a column that is not a field of the table by its name. Answers describe it; without it, the average is used. */
static void any_column_can_be_given(void **state)
{
    (void)state;
    strcpy(flat->users->column[2].name, "town");
    strcpy(flat->tower->branch[3].feature, "town");
    static const char *const names[][2] = {{"town", "lawyer"}, {"with", "town=lawyer"}, {"town", "Lawyer"}};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        mrq_content answer = {0};
        assert_ok(ask_with(names[i][0], names[i][1], &answer));
        assert_best(flat, &answer, (const uint32_t[]){0, MRQ_NONE, MRQ_NONE, 1}, MRQ_NONE, 5);
        assert_string_equal(answer.query.text, "{\"town\":{\"value\":\"lawyer\"},\"user\":null,\"k\":5}");
        mrq_content_clear(&answer);
    }
    mrq_content answer = answer_of(flat, NULL, &(question){"25", "F", NULL, -1, 5});
    assert_best(flat, &answer, (const uint32_t[]){0, 2, 0, MRQ_NONE}, MRQ_NONE, 5);
    mrq_content_clear(&answer);
    answer = answer_of(flat, NULL, &(question){NULL, NULL, NULL, 2, 5});
    assert_best(flat, &answer, (const uint32_t[]){2, 1, 1, 1}, 1, 5);
    assert_string_equal(answer.query.text,
                        "{\"age\":{\"value\":\"18\",\"label\":\"18-24\"},\"gender\":{\"value\":\"M\",\"label\":\"male\"},"
                        "\"town\":{\"value\":\"lawyer\"},\"user\":\"2\",\"k\":5}");
    mrq_content_clear(&answer);
    static const char *const wrong[][3] = {
        {"town", "astronaut", "town \"astronaut\": want one of artist, lawyer, miner"},
        {"foo", "1", "foo \"1\": neither a field of a query nor a column of the users; the columns: age, gender, town"},
        {"job", "1", "job \"1\": neither a field of a query nor a column of the users; the columns: age, gender, town"},
        {"tow", "1", "tow \"1\": neither a field of a query"},
        {"towns", "1", "towns \"1\": neither a field of a query"},
        {"with", "foo=1", "foo \"1\": neither a field of a query"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        answer = (mrq_content){0};
        assert_fails(ask_with(wrong[i][0], wrong[i][1], &answer), MRQ_USAGE, wrong[i][2]);
        assert_null(answer.hit);
    }
    strcpy(flat->users->column[2].name, "job");
    strcpy(flat->tower->branch[3].feature, "job");
}

/* Whatever the index, all that is unseen can be had. */
static void an_approximate_index_is_never_short(void **state)
{
    (void)state;
    mrq_index *exact = flat->index;
    static const char *const kinds[] = {"HNSW2", "HNSW8", "IVF8,Flat"};
    for (size_t kind = 0; kind < sizeof kinds / sizeof *kinds; kind++) {
        assert_ok(mrq_index_build(kinds[kind], vectors, ITEMS, DIM, &flat->index, &err));
        for (uint32_t u = 0; u < USERS; u++) {
            uint32_t unseen = 0;
            for (uint32_t m = 0; m < ITEMS; m++)
                unseen += !has_seen(u, m);
            for (uint32_t k = 1; k <= ITEMS; k++) {
                mrq_content answer = answer_of(flat, NULL, &(question){NULL, NULL, NULL, id_number(flat->users, u), k});
                for (uint32_t i = 0; i < answer.n; i++)
                    assert_false(has_seen(u, answer.hit[i].item));
                assert_int_equal(answer.n, k < unseen ? k : unseen);
                mrq_content_clear(&answer);
            }
        }
        mrq_index_free(flat->index);
    }
    flat->index = exact;
}

static void a_tower_without_numbers_is_a_bad_file(void **state)
{
    (void)state;
    float bad[DIM] = {0};
    bad[3] = NAN;
    const float *start = flat->tower->start;
    flat->tower->start = bad;
    flat->tower->activation = MRQ_LINEAR;
    mrq_content answer = {0};
    err = (mrq_error){0};
    const mrq_status status = asked_recommend(flat, NULL, &(question){"25", "F", "1", -1, 5}, &answer, &err);
    flat->tower->start = start;
    flat->tower->activation = MRQ_TANH;
    assert_int_equal(status, MRQ_BAD_FILE);
    assert_non_null(strstr(err.msg, "the user tower gives"));
    assert_null(answer.hit);
}

/* JSON */

/* The document's own text for the member `key` of `object`. */
static void assert_member(const cJSON *object, const char *key, const char *want)
{
    char *text = cJSON_PrintUnformatted(cJSON_GetObjectItemCaseSensitive(object, key));
    if (!text || strcmp(text, want) != 0)
        fail_msg("%s: %s, want %s", key, text ? text : "missing", want);
    cJSON_free(text);
}

static cJSON *parsed(const char *text)
{
    cJSON *json = NULL;
    assert_non_null(text);
    assert_int_equal(text[strlen(text) - 1], '\n');
    assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
    assert_ok(mrq_json_parse(text, strlen(text), "document", &json, &err));
    return json;
}

static void answers_as_json(void **state)
{
    (void)state;
    mrq_content answer = answer_of(flat, NULL, &(question){"25", "F", "1", -1, ITEMS});
    MRQ_AUTOFREE char *text = asked_json(flat, &answer);
    MRQ_CLEANUP(cJSON_Delete) cJSON *json = parsed(text);
    static const char *const keys[] = {"schema", "generation", "model", "query", "cache", "results", NULL};
    static const char *const result_keys[] = {"rank", "id", "title", "year", "genres", "score", NULL};
    assert_ok(mrq_json_keys(json, "", keys, &err));
    assert_member(json, "schema", "1");
    assert_member(json, "generation", "\"20260131T020000Z-0123456789ab\"");
    assert_member(json, "model", "\"toy\"");
    assert_member(json, "cache", "\"off\"");
    assert_member(json, "query", answer.query.text);
    const cJSON *results = cJSON_GetObjectItem(json, "results"), *result;
    assert_int_equal(cJSON_GetArraySize(results), ITEMS);
    uint32_t i = 0;
    cJSON_ArrayForEach(result, results)
    {
        assert_ok(mrq_json_keys(result, "", result_keys, &err));
        const uint32_t item = answer.hit[i].item;
        assert_int_equal(cJSON_GetObjectItem(result, "rank")->valueint, i + 1);
        assert_true(fabs(cJSON_GetObjectItem(result, "score")->valuedouble - answer.hit[i].score) <= 0.5e-4 + 1e-12);
        assert_member(result, "genres", item % 3 == 0 ? "[]" : item % 3 == 1 ? "[\"Comedy\"]" : "[\"Comedy\",\"Film-Noir\"]");
        if (item == 1)
            assert_member(result, "year", "null");
        if (item == 2) {
            assert_member(result, "title", "\"Amélie \\\"2\\\"\"");
            assert_member(result, "year", "1902");
            assert_member(result, "id", "\"21\"");
        }
        if (item == 3)
            assert_member(result, "title", "\"cut ?\"");
        i++;
    }
    assert_non_null(strstr(text, "\"id\":\"9223372036854775806\",")); /* where a double would have rounded */
    mrq_content_clear(&answer);
}

static void items_need_no_columns(void **state)
{
    (void)state;
    flat->items->n_columns = 0;
    mrq_content answer = answer_of(flat, NULL, &(question){"25", "F", "1", -1, 2});
    MRQ_AUTOFREE char *text = asked_json(flat, &answer);
    flat->items->n_columns = 3;
    MRQ_CLEANUP(cJSON_Delete) cJSON *json = parsed(text);
    static const char *const keys[] = {"rank", "id", "score", NULL};
    assert_ok(mrq_json_keys(cJSON_GetArrayItem(cJSON_GetObjectItem(json, "results"), 0), "", keys, &err));
    mrq_content_clear(&answer);
}

static void errors_as_json(void **state)
{
    (void)state;
    static const struct {
        mrq_error error;
        const char *text;
    } cases[] = {
        {{MRQ_FAILED, "a"}, "{\"schema\":1,\"error\":{\"code\":\"failed\",\"message\":\"a\"}}\n"},
        {{MRQ_USAGE, "\"b\""}, "{\"schema\":1,\"error\":{\"code\":\"usage\",\"message\":\"\\\"b\\\"\"}}\n"},
        {{MRQ_NOT_FOUND, "é\xff"}, "{\"schema\":1,\"error\":{\"code\":\"not_found\",\"message\":\"é?\"}}\n"},
        {{MRQ_BAD_FILE, "\xe2\x82"}, "{\"schema\":1,\"error\":{\"code\":\"bad_file\",\"message\":\"??\"}}\n"},
        {{MRQ_BAD_FILE, "\xc0\x80\xed\xa0\x80\xf4\x90\x80\x80"},
         "{\"schema\":1,\"error\":{\"code\":\"bad_file\",\"message\":\"?????????\"}}\n"},
        {{MRQ_UNAVAILABLE, "€😀\n"}, "{\"schema\":1,\"error\":{\"code\":\"unavailable\",\"message\":\"€😀\\n\"}}\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        MRQ_AUTOFREE char *text = mrq_error_json(&cases[i].error);
        assert_string_equal(text, cases[i].text);
    }
}

/* Memory runs out at the n-th allocation, for every n: an error or NULL, and nothing leaks. */
static void survives_without_memory(void **state)
{
    (void)state;
    const char *const names[] = {"Comedy", "Film-Noir"};
    const int64_t ids[] = {1, 11};
    const question_filters filters = {
        .genre = names, .n_genres = 2, .all_genres = true, .year_to = 1950, .exclude = ids, .n_exclude = 2};
    const question query = {"25", "F", "1", -1, 5, filters};
    for (int alone = 0; alone < 2; alone++) {
        int n = 0;
        one_fails_alone = alone;
        for (bool failed = true; failed; n++) {
            mrq_content answer = {0}, like = {0};
            char *text = NULL, *error = NULL;
            allocations_left = n;
            if (asked_recommend(flat, NULL, &query, &answer, NULL) == MRQ_OK &&
                asked_similar(flat, "1", 5, &filters, &like, NULL) == MRQ_OK && (text = asked_json(flat, &like)))
                error = mrq_error_json(&(mrq_error){MRQ_USAGE, "x"});
            failed = allocations_left < 0;
            allocations_left = INT_MAX;
            assert_true(failed || error);
            mrq_content_clear(&answer);
            mrq_content_clear(&like);
            mrq_free(text);
            mrq_free(error);
        }
        assert_true(n > 15);
    }
    one_fails_alone = false;
}

/* The cache */

static redis_server redis;

/* The answer through the cache comes to `want` and is, but for "cache", the answer without one. */
static void assert_through(const mrq_generation *g, mrq_cache *cache, const question *query, mrq_cache_state want)
{
    mrq_content bare = answer_of(g, NULL, query), answer = {0};
    for (int tries = 0; tries < 10; tries++) { /* a busy machine can make Redis look down */
        mrq_content_clear(&answer);
        answer = answer_of(g, cache, query);
        if (answer.cache == want || !strstr(mrq_cache_problem(cache), "timed out"))
            break;
        usleep(300000);
    }
    if (answer.cache != want)
        fail_msg("cache %s, want %s; %s", mrq_cache_state_names[answer.cache], mrq_cache_state_names[want],
                 mrq_cache_problem(cache));
    assert_int_equal(answer.n, bare.n);
    for (uint32_t i = 0; i < bare.n; i++) {
        assert_int_equal(answer.hit[i].item, bare.hit[i].item);
        assert_true(answer.hit[i].score == bare.hit[i].score);
    }
    bare.cache = answer.cache;
    MRQ_AUTOFREE char *text = asked_json(g, &answer);
    MRQ_AUTOFREE char *bare_text = asked_json(g, &bare);
    assert_string_equal(text, bare_text);
    mrq_content_clear(&bare);
    mrq_content_clear(&answer);
}

static void hits_equal_searches(void **state)
{
    (void)state;
    MRQ_CLEANUP(mrq_cache_free) mrq_cache *cache = redis_cache(&redis);
    static const question queries[] = {
        {"1", "F", "artist", -1, 1},
        {"18", "M", "lawyer", -1, 5},
        {"25", "F", "miner", -1, ITEMS},
        {"25", "M", "miner", -1, MRQ_K_MAX},
        {NULL, NULL, NULL, 1, 5},
        {NULL, NULL, NULL, 2, 60},
        {NULL, "M", NULL, 1, 5},
        {NULL, NULL, NULL, 3, 10},
        {NULL, NULL, NULL, 7, 5 /* none left */},
        {NULL, NULL, NULL, 1000, 5},
        {NULL, NULL, NULL, 1000, 6},
    };
    for (int turn = 0; turn < 3; turn++)
        for (size_t i = 0; i < sizeof queries / sizeof *queries; i++)
            assert_through(flat, cache, &queries[i], turn ? MRQ_CACHE_HIT : MRQ_CACHE_MISS);
    assert_through(flat, cache, &(question){"19", "1", "1", -1, 5}, MRQ_CACHE_HIT); /* said otherwise, meant alike */
    assert_through(plain, cache, &(question){NULL, NULL, NULL, 2, 60}, MRQ_CACHE_MISS);
    assert_through(plain, cache, &(question){NULL, NULL, NULL, 2, 60}, MRQ_CACHE_HIT);
}

/* The key that the engine uses for a query. */
static void key_of(const question *query, char key[MRQ_REDIS_KEY])
{
    mrq_resolved resolved = {0};
    assert_ok(asked_resolve(flat, query, &resolved, &err));
    mrq_redis_answers_key(flat, &resolved, key);
    mrq_resolved_clear(&resolved);
}

static void put(mrq_cache *cache, const char *key, const void *value, size_t size)
{
    for (int tries = 0; tries < 10 && mrq_cache_set(cache, key, value, size) == MRQ_CACHE_DOWN; tries++)
        usleep(300000);
}

static void keys_are_as_documented(void **state)
{
    (void)state;
    char key[MRQ_REDIS_KEY], other[MRQ_REDIS_KEY];
    key_of(&(question){"25", "F", "1", -1, 5}, key);
    static const char prefix[] = "marquee:2:20260131T020000Z-0123456789ab:";
    assert_memory_equal(key, prefix, sizeof prefix - 1);
    assert_int_equal(strlen(key), sizeof prefix - 1 + 32);
    assert_int_equal(strspn(key + sizeof prefix - 1, "0123456789abcdef"), 32);
    static const question others[] = {{"18", "F", "1", -1, 5}, {"25", "M", "1", -1, 5}, {"25", "F", "2", -1, 5},
                                      {"25", "F", "1", 1, 5},  {"25", "F", "1", 2, 5},  {"25", "F", "1", -1, 6}};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        key_of(&others[i], other);
        assert_string_not_equal(key, other);
    }
}

static void foreign_values_are_misses(void **state)
{
    (void)state;
    MRQ_CLEANUP(mrq_cache_free) mrq_cache *cache = redis_cache(&redis);
    const question query = {"1", "M", "miner", -1, 3};
    char key[MRQ_REDIS_KEY], another[MRQ_REDIS_KEY];
    key_of(&query, key);
    key_of(&(question){"1", "M", "miner", -1, 4}, another);
    static const char *const values[] = {"", "x", "0123456789abcdef 0123456789abcdef\n",
                                         "0123456789abcdef 0123456789abcdef\n{\"results\":[]}", "{\"results\":[[1,0.5]]}"};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        put(cache, key, values[i], strlen(values[i]));
        assert_through(flat, cache, &query, MRQ_CACHE_MISS);
        assert_through(flat, cache, &query, MRQ_CACHE_HIT);
    }
    void *value = NULL;
    size_t size = 0;
    assert_int_equal(mrq_cache_get(cache, key, NULL, &value, &size), MRQ_CACHE_HIT);
    MRQ_AUTOFREE unsigned char *bytes = value;
    for (size_t cut = 0; cut < size; cut++) {
        put(cache, key, bytes, cut);
        assert_through(flat, cache, &query, MRQ_CACHE_MISS);
    }
    for (size_t i = 0; i < size; i++) {
        bytes[i] ^= 1;
        put(cache, key, bytes, size);
        assert_through(flat, cache, &query, MRQ_CACHE_MISS);
        bytes[i] ^= 1;
    }
    put(cache, another, bytes, size); /* right for its own key, wrong here */
    assert_through(flat, cache, &(question){"1", "M", "miner", -1, 4}, MRQ_CACHE_MISS);
    put(cache, key, bytes, size);
    assert_through(flat, cache, &query, MRQ_CACHE_HIT);
}

/* Values whose checksums are right and whose content is not. */
static void forged_values_are_misses(void **state)
{
    (void)state;
    MRQ_CLEANUP(mrq_cache_free) mrq_cache *cache = redis_cache(&redis);
    const question query = {"18", "F", "miner", -1, 3};
    char key[MRQ_REDIS_KEY];
    key_of(&query, key);
    static const char *const bodies[] = {
        "",
        "[]",
        "{\"\":1}",
        "{\"results\":{}}",
        "{\"results\":[],\"results\":[]}",
        "{\"results\":[],\"more\":1}",
        "{\"results\":[]} x",
        "{\"results\":[1]}",
        "{\"results\":[{\"a\":1,\"b\":0.5}]}",
        "{\"results\":[[1]]}",
        "{\"results\":[[1,0.5,2]]}",
        "{\"results\":[[\"1\",0.5]]}",
        "{\"results\":[[1,null]]}",
        "{\"results\":[[60,0.5]]}",
        "{\"results\":[[-1,0.5]]}",
        "{\"results\":[[1.5,0.5]]}",
        "{\"results\":[[1e300,0.5]]}",
        "{\"results\":[[1,1e999]]}",
        "{\"results\":[[1,1e39]]}",
        "{\"results\":[[1,nan]]}",
        "{\"results\":[[1,0.5],[2,0.6]]}",
        "{\"results\":[[2,0.5],[1,0.5]]}",
        "{\"results\":[[1,0.5],[1,0.5]]}",
        "{\"results\":[[1,0.9],[2,0.8],[3,0.7],[4,0.6]]}",
    };
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        char value[200];
        const int n = snprintf(value, sizeof value, "%016" PRIx64 " %016" PRIx64 "\n%s", mrq_checksum(key, strlen(key)),
                               mrq_checksum(bodies[i], strlen(bodies[i])), bodies[i]);
        put(cache, key, value, (size_t)n);
        assert_through(flat, cache, &query, MRQ_CACHE_MISS);
    }
}

static void an_answer_needs_no_redis(void **state)
{
    (void)state;
    char address[300];
    snprintf(address, sizeof address, "unix:%s/nobody", folder);
    MRQ_CLEANUP(mrq_cache_free) mrq_cache *cache = NULL;
    assert_ok(mrq_cache_new(address, 60, &cache, &err));
    for (int i = 0; i < 3; i++)
        assert_through(flat, cache, &(question){NULL, NULL, NULL, 1, 5}, MRQ_CACHE_DOWN);
}

/* Warming */

/* Queries of all kinds, the k-th to be asked k + 1 times. */
static const char *const noir[] = {"film-noir", "Comedy"};
static const int64_t some[] = {21, 1, 11};
static const question asked[] = {
    {"18", "M", "lawyer", -1, 5},
    {NULL, NULL, NULL, 1000, 6},
    {"25", "F", NULL, 2, 7},
    {"1", "F", "miner", -1, 3, {.genre = noir, .n_genres = 1}},
    {"1", "F", "miner", -1, 3, {.genre = noir, .n_genres = 2, .all_genres = true, .year_from = 1910}},
    {NULL, NULL, NULL, 1, 4, {.year_from = 1900, .year_to = 1950, .exclude = some, .n_exclude = 3}},
    {NULL, NULL, NULL, 7, 4, {.year_to = 1920, .include_seen = true}},
    {NULL, NULL, NULL, 7, 4}, /* none left */
};
enum { QUESTIONS = sizeof asked / sizeof *asked };

static void ask_all(mrq_cache *cache)
{
    for (int i = 0; i < QUESTIONS; i++)
        for (int turn = 0; turn <= i; turn++)
            assert_through(flat, cache, &asked[i], turn ? MRQ_CACHE_HIT : MRQ_CACHE_MISS);
}

/* The generation as it is, published anew. */
static mrq_generation newer(const char *name)
{
    mrq_generation g = *flat;
    strcpy(g.name, name);
    return g;
}

static uint32_t warmed_by(const mrq_generation *g, mrq_cache *cache, uint32_t n)
{
    uint32_t warmed = 12345;
    assert_ok(mrq_warm(g, cache, n, &warmed, &err));
    return warmed;
}

static void what_was_asked_is_warm_in_the_next_generation(void **state)
{
    (void)state;
    MRQ_CLEANUP(mrq_cache_free) mrq_cache *cache = redis_cache(&redis);
    freeReplyObject(redis_raw(&redis, NULL, "FLUSHALL"));
    ask_all(cache);
    const mrq_generation second = newer("20260201T020000Z-0123456789ab"), third = newer("20260202T020000Z-0123456789ab");
    assert_int_equal(warmed_by(&second, cache, 1000), QUESTIONS);
    for (int i = 0; i < QUESTIONS; i++)
        assert_through(&second, cache, &asked[i], MRQ_CACHE_HIT);
    assert_int_equal(warmed_by(&third, cache, 3), 3); /* the hottest alone */
    for (int i = 0; i < QUESTIONS; i++)
        assert_through(&third, cache, &asked[i], i >= QUESTIONS - 3 ? MRQ_CACHE_HIT : MRQ_CACHE_MISS);
    assert_int_equal(warmed_by(&third, cache, 0), 0);
    assert_int_equal(warmed_by(&third, NULL, 10), 0);
}

static void counts_age_with_each_warming(void **state)
{
    (void)state;
    MRQ_CLEANUP(mrq_cache_free) mrq_cache *cache = redis_cache(&redis);
    freeReplyObject(redis_raw(&redis, NULL, "FLUSHALL"));
    ask_all(cache);
    redisReply *top = redis_raw(&redis, NULL, "ZREVRANGE " MRQ_HOT_KEY " 0 0");
    assert_int_equal(top->elements, 1);
    assert_string_equal(top->element[0]->str, "{\"age\":{\"value\":\"25\",\"label\":\"25 or more\"},\"gender\":{\"value\":\"F\","
                                              "\"label\":\"female\"},\"job\":{\"value\":\"miner\"},\"user\":\"7\",\"k\":4}");
    freeReplyObject(top);
    assert_true(redis_number(&redis, "ZCARD " MRQ_HOT_KEY) == QUESTIONS);
    const double before =
        redis_number(&redis, "EVAL %s 0", "return redis.call('zrevrange', 'marquee:2:hot', 0, 0, 'withscores')[2]");
    assert_true(before >= QUESTIONS);
    warmed_by(flat, cache, 1);
    assert_true(redis_number(&redis, "EVAL %s 0", "return redis.call('zrevrange', 'marquee:2:hot', 0, 0, 'withscores')[2]") ==
                before / 2);
    assert_true(redis_number(&redis, "TTL " MRQ_HOT_KEY) > 29 * 86400);
}

/* Members that are no queries, or none of this generation: nothing comes of them, and nothing goes wrong. */
static void hostile_members_are_skipped(void **state)
{
    (void)state;
    MRQ_CLEANUP(mrq_cache_free) mrq_cache *cache = redis_cache(&redis);
    static const char *const members[] = {
        "",
        "x",
        "{\"\":1}",
        "[]",
        "{\"user\":[1]}",
        "{\"user\":1,\"k\":0}",
        "{\"user\":1,\"k\":1001}",
        "{\"user\":1,\"k\":2.5}",
        "{\"user\":1,\"k\":\"5\"}",
        "{\"user\":1,\"k\":1e999}",
        "{\"user\":1,\"k\":5,\"k\":6}",
        "{\"user\":1,\"k\":5,\"more\":1}",
        "{\"user\":1,\"k\":5} x",
        "{\"user\":1,\"k\":1000,\"offset\":9001}",
        "{\"user\":1,\"k\":5,\"offset\":10000}",
        "{\"user\":1,\"k\":5,\"where\":[\"opera\"]}",
        "{\"user\":1,\"k\":5,\"where\":[\"opera=1\"]}",
        "{\"user\":1,\"k\":5,\"show\":[\"opera\"]}",
        "{\"user\":-1,\"k\":5}",
        "{\"user\":-2,\"k\":5}",
        "{\"user\":\"\",\"k\":5}",
        "{\"user\":\"\\u001b\",\"k\":5}",
        "{\"user\":\"1\\u0000\",\"k\":5}",
        "{\"user\":1.5,\"k\":5}",
        "{\"user\":9223372036854775807,\"k\":5}",
        "{\"user\":true,\"k\":5}",
        "{\"age\":true,\"user\":1,\"k\":5}",
        "{\"age\":{},\"user\":1,\"k\":5}",
        "{\"age\":{\"value\":true},\"user\":1,\"k\":5}",
        "{\"age\":{\"value\":-1},\"user\":1,\"k\":5}",
        "{\"age\":{\"label\":\"25\"},\"user\":1,\"k\":5}",
        "{\"age\":[\"25\"],\"user\":1,\"k\":5}",
        "{\"gender\":{\"value\":\"X\"},\"user\":1,\"k\":5}",
        "{\"user\":1,\"k\":5,\"genre\":\"Opera\"}",
        "{\"user\":1,\"k\":5,\"genre\":1}",
        "{\"user\":1,\"k\":5,\"genre\":[1]}",
        "{\"user\":1,\"k\":5,\"genre\":[\"Opera\"]}",
        "{\"user\":1,\"k\":5,\"genre\":{\"0\":\"Comedy\"}}",
        "{\"user\":1,\"k\":5,\"all_genres\":1}",
        "{\"user\":1,\"k\":5,\"year\":10000}",
        "{\"user\":1,\"k\":5,\"year\":\"\"}",
        "{\"user\":1,\"k\":5,\"year\":\"1999-1990\"}",
        "{\"user\":1,\"k\":5,\"exclude\":\"\"}",
        "{\"user\":1,\"k\":5,\"exclude\":[\"\"]}",
        "{\"user\":1,\"k\":5,\"exclude\":[\"1\",\"\\u007f\"]}",
        "{\"user\":1,\"k\":5,\"exclude\":[true]}",
        "{\"user\":1,\"k\":5,\"exclude\":[[\"1\"]]}",
        "{\"user\":1,\"k\":5,\"exclude\":[1e300]}",
        "{\"user\":1,\"k\":5,\"exclude\":[-1]}",
        "{\"user\":1,\"k\":5,\"exclude\":[nan]}",
        "{\"user\":1,\"k\":5,\"include_seen\":\"yes\"}",
        "\xff\xfe{\"user\":1,\"k\":5}",
        "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[",
    };
    freeReplyObject(redis_raw(&redis, NULL, "FLUSHALL"));
    for (size_t i = 0; i < sizeof members / sizeof *members; i++)
        freeReplyObject(redis_raw(&redis, NULL, "ZADD " MRQ_HOT_KEY " 100 %s", members[i]));
    freeReplyObject(redis_raw(&redis, NULL, "ZADD " MRQ_HOT_KEY " 100 %b", "{\"user\":1,\"k\":5}\0", (size_t)17));
    char large[3000]; /* good but for its length */
    snprintf(large, sizeof large, "{\"user\":1,\"k\":9%*s}", 2000, "");
    freeReplyObject(redis_raw(&redis, NULL, "ZADD " MRQ_HOT_KEY " +inf %s", large));
    assert_int_equal(warmed_by(flat, cache, 1000), 0);
    assert_true(redis_number(&redis, "DBSIZE") == 1);

    /* Written otherwise, and put where what it means belongs. */
    freeReplyObject(redis_raw(&redis, NULL, "ZADD " MRQ_HOT_KEY " 1 %s", " { \"k\" : 5.0 , \"user\" : 1 } "));
    assert_int_equal(warmed_by(flat, cache, 1000), 1);
    assert_through(flat, cache, &(question){NULL, NULL, NULL, 1, 5}, MRQ_CACHE_HIT);

    /* As a person would write them; an id may be a number below 2^53. */
    static const char *const readable[] = {
        "{}", "{\"user\":\"1\",\"k\":7,\"genre\":\"comedy\",\"year\":1952}",
        "{\"user\":null,\"age\":26.5,\"gender\":{\"value\":\"male\",\"x\":1},\"k\":8,\"exclude\":11}"};
    freeReplyObject(redis_raw(&redis, NULL, "FLUSHALL"));
    for (size_t i = 0; i < sizeof readable / sizeof *readable; i++)
        freeReplyObject(redis_raw(&redis, NULL, "ZADD " MRQ_HOT_KEY " 1 %s", readable[i]));
    assert_int_equal(warmed_by(flat, cache, 1000), 3);
    const char *const comedy[] = {"Comedy"};
    const int64_t eleven[] = {11};
    assert_through(flat, cache, &(question)QUESTION, MRQ_CACHE_HIT);
    assert_through(flat, cache,
                   &(question){NULL, NULL, NULL, 1, 7, {.genre = comedy, .n_genres = 1, .year_from = 1952, .year_to = 1952}},
                   MRQ_CACHE_HIT);
    assert_through(flat, cache, &(question){"25", "M", NULL, -1, 8, {.exclude = eleven, .n_exclude = 1}}, MRQ_CACHE_HIT);
    assert_through(flat, cache, &(question){NULL, NULL, NULL, 1, 5}, MRQ_CACHE_MISS); /* which is forgotten */
    freeReplyObject(redis_raw(&redis, NULL, "SET " MRQ_HOT_KEY " x"));
    assert_int_equal(warmed_by(flat, cache, 1000), 0);
    assert_non_null(strstr(mrq_cache_problem(cache), "WRONGTYPE"));
    assert_through(flat, cache, &(question){NULL, NULL, NULL, 1, 5}, MRQ_CACHE_HIT);
    freeReplyObject(redis_raw(&redis, NULL, "DEL " MRQ_HOT_KEY));
    assert_int_equal(warmed_by(flat, cache, 1000), 0);
}

/* Users and items whose ids are texts: each has an answer of his or her own, is told, remembered in Redis and warmed. */
static void ids_can_be_texts(void **state)
{
    (void)state;
    MRQ_CLEANUP(mrq_cache_free) mrq_cache *cache = redis_cache(&redis);
    const char *const names[] = {"7", "007", "a\"b", "tt0111161", "é", NULL};
    const char *const told[] = {"\"7\"", "\"007\"", "\"a\\\"b\"", "\"tt0111161\"", "\"é\""};
    const mrq_strings users = flat->users->id, items = take_text_ids(flat->items);
    flat->users->id = texts(flat->users->arena, names);
    freeReplyObject(redis_raw(&redis, NULL, "FLUSHALL"));
    const mrq_generation second = newer("20260201T020000Z-0123456789ab");
    for (int turn = 0; turn < 3; turn++)
        for (uint32_t u = 0; u < USERS; u++) {
            uint32_t value[4];
            mrq_content answer = {0};
            ASKED_QUERY query = {0};
            mrq_folded_values(flat->tower, flat->users, u, value);
            assert_ok(mrq_query_put(&query, MRQ_Q_USER, names[u], &err));
            assert_ok(mrq_query_put(&query, MRQ_Q_K, "60", &err));
            assert_ok(mrq_query_put(&query, MRQ_Q_EXCLUDE, "no id", &err));
            if (turn == 2 && u == 0)
                assert_int_equal(warmed_by(&second, cache, 1000), USERS);
            for (int tries = 0; tries < 10; tries++) { /* a busy machine can make Redis look down */
                mrq_content_clear(&answer);
                assert_ok(mrq_recommend(turn == 2 ? &second : flat, cache, &query, NULL, &answer, &err));
                if (answer.cache != MRQ_CACHE_DOWN)
                    break;
                usleep(300000);
            }
            assert_int_equal(answer.cache, turn ? MRQ_CACHE_HIT : MRQ_CACHE_MISS);
            assert_best(flat, &answer, value, u, ITEMS);
            char want[60];
            snprintf(want, sizeof want, ",\"user\":%s,\"k\":60}", told[u]);
            assert_string_equal(strstr(answer.query.text, ",\"user\":"), want);
            MRQ_AUTOFREE char *text = asked_json(flat, &answer);
            MRQ_CLEANUP(cJSON_Delete) cJSON *json = parsed(text);
            const cJSON *result;
            uint32_t i = 0;
            cJSON_ArrayForEach(result, cJSON_GetObjectItem(json, "results")) assert_string_equal(
                cJSON_GetStringValue(cJSON_GetObjectItem(result, "id")), mrq_table_id(flat->items, answer.hit[i++].item));
            assert_int_equal(i, answer.n);
            mrq_content_clear(&answer);
        }
    flat->users->id = users;
    flat->items->id = items;
}

static void many_are_warmed_page_by_page(void **state)
{
    (void)state;
    MRQ_CLEANUP(mrq_cache_free) mrq_cache *cache = redis_cache(&redis);
    static const char script[] =
        "for i = 1, 2500 do redis.call('zadd', KEYS[1], i, '{\"user\":' .. ({1, 2, 3, 7, 1000})[i % 5 + 1] .. "
        "',\"k\":' .. (i - i % 5) / 5 + 1 .. '}') end return 1";
    freeReplyObject(redis_raw(&redis, NULL, "FLUSHALL"));
    freeReplyObject(redis_raw(&redis, NULL, "EVAL %s 1 " MRQ_HOT_KEY, script));
    assert_true(redis_number(&redis, "ZCARD " MRQ_HOT_KEY) == 2500);
    for (int tries = 0; tries < 10; tries++) { /* a busy machine can make Redis look down */
        if (warmed_by(flat, cache, 2200) == 2200)
            break;
        usleep(300000);
        assert_true(tries < 9);
    }
    assert_true(redis_number(&redis, "DBSIZE") == 1 + 2200);
    assert_through(flat, cache, &(question){NULL, NULL, NULL, 1, 101}, MRQ_CACHE_HIT);
    assert_through(flat, cache, &(question){NULL, NULL, NULL, 1, 11}, MRQ_CACHE_MISS);
}

static void say(int client, const char *text)
{
    if (write(client, text, strlen(text)) < 0)
        _exit(1);
}

/* A child process that answers a ZREVRANGE with five queries, takes two answers, and then is silent. Returns its process. */
static pid_t start_half_a_redis(const char *name, char address[300])
{
    struct sockaddr_un local = {.sun_family = AF_UNIX};
    assert_in_range(snprintf(local.sun_path, sizeof local.sun_path, "%s/%s", folder, name), 1, sizeof local.sun_path - 1);
    snprintf(address, 300, "unix:%s", local.sun_path);
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (const struct sockaddr *)&local, sizeof local), 0);
    assert_int_equal(listen(fd, 4), 0);
    const pid_t child = fork();
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        const int client = accept(fd, NULL, NULL);
        char bytes[4096];
        for (int n = 0; read(client, bytes, sizeof bytes) > 0; n++) {
            if (n == 0)
                say(client, "*5\r\n$17\r\n{\"user\":1,\"k\":10}\r\n$17\r\n{\"user\":1,\"k\":11}\r\n$17\r\n{\"user\":1,\"k\":12}\r\n"
                            "$17\r\n{\"user\":1,\"k\":13}\r\n$17\r\n{\"user\":1,\"k\":14}\r\n");
            else if (n < 3)
                say(client, "+OK\r\n");
        }
        _exit(0);
    }
    close(fd);
    return child;
}

static void warming_ends_with_redis(void **state)
{
    (void)state;
    char address[300];
    const pid_t child = start_half_a_redis("half", address);
    MRQ_CLEANUP(mrq_cache_free) mrq_cache *cache = NULL;
    assert_ok(mrq_cache_new(address, 60, &cache, &err));
    const double start = mrq_clock();
    const uint32_t warmed = warmed_by(flat, cache, 1000);
    assert_true(mrq_clock() - start < 1);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    assert_true(warmed <= 2);
    assert_non_null(strstr(mrq_cache_problem(cache), "timed out"));
    assert_int_equal(mrq_cache_counted(cache).errors, 1); /* it gives up with the first */
    assert_int_equal(warmed_by(flat, cache, 1000), 0);
    snprintf(address, sizeof address, "unix:%s/nobody", folder);
    MRQ_CLEANUP(mrq_cache_free) mrq_cache *nobody = NULL;
    assert_ok(mrq_cache_new(address, 60, &nobody, &err));
    assert_int_equal(warmed_by(flat, nobody, 1000), 0);
}

static void a_generation_that_cannot_answer_is_not_warmed(void **state)
{
    (void)state;
    MRQ_CLEANUP(mrq_cache_free) mrq_cache *cache = redis_cache(&redis);
    freeReplyObject(redis_raw(&redis, NULL, "FLUSHALL"));
    freeReplyObject(redis_raw(&redis, NULL, "ZADD " MRQ_HOT_KEY " 1 %s", "{\"user\":1,\"k\":5}"));
    flat->tower->scale = (double)NAN;
    uint32_t warmed = 7;
    err = (mrq_error){0};
    const mrq_status status = mrq_warm(flat, cache, 10, &warmed, &err);
    flat->tower->scale = 5;
    assert_int_equal(status, MRQ_BAD_FILE);
    assert_int_equal(warmed, 7);
}

/* A query whose text is too long is answered and kept, and not counted. */
static void long_queries_are_not_counted(void **state)
{
    (void)state;
    MRQ_CLEANUP(mrq_cache_free) mrq_cache *cache = redis_cache(&redis);
    freeReplyObject(redis_raw(&redis, NULL, "FLUSHALL"));
    const mrq_strings before = flat->items->id;
    int64_t ids[ITEMS];
    for (uint32_t i = 0; i < ITEMS; i++)
        ids[i] = id_number(flat->items, i);
    const question query = {NULL, NULL, NULL, 2, 5, {.exclude = ids, .n_exclude = ITEMS - 2}};
    assert_through(flat, cache, &query, MRQ_CACHE_MISS);
    assert_true(redis_number(&redis, "ZCARD " MRQ_HOT_KEY) == 1); /* these ids are short */
    for (uint32_t i = 0; i < ITEMS; i++)
        ids[i] = INT64_C(1000000000000000000) + i;
    flat->items->id = number_ids(flat->items->arena, ids, ITEMS);
    const question longer = {NULL, NULL, NULL, 2, 5, {.exclude = ids, .n_exclude = ITEMS - 2}};
    assert_through(flat, cache, &longer, MRQ_CACHE_MISS);
    assert_through(flat, cache, &longer, MRQ_CACHE_HIT);
    flat->items->id = before;
    assert_true(redis_number(&redis, "ZCARD " MRQ_HOT_KEY) == 1);
}

static void generation_free(mrq_generation *g)
{
    mrq_index_free(g->index);
    mrq_folded_free(g->tower);
    mrq_table_free(g->users);
    mrq_table_free(g->items);
    free(g);
}

static int set_up(void **state)
{
    (void)state;
    flat = generation_of("Flat", true);
    plain = generation_of("Flat", false);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    generation_free(flat);
    generation_free(plain);
    return 0;
}

int main(void)
{
    folder = temporary_folder();
    redis = redis_try(folder);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(people_without_an_id),
        cmocka_unit_test(known_users_get_what_they_have_not_seen),
        cmocka_unit_test(what_is_given_comes_before_the_users_row),
        cmocka_unit_test(equal_scores_stand_by_id),
        cmocka_unit_test(the_same_meaning_is_the_same_query),
        cmocka_unit_test(refuses_wrong_values),
        cmocka_unit_test(refuses_wrong_ids),
        cmocka_unit_test(an_unknown_user_is_answered_by_what_is_said),
        cmocka_unit_test(a_page_is_a_part_of_the_list),
        cmocka_unit_test(data_without_demographics),
        cmocka_unit_test(what_is_not_given_is_the_average),
        cmocka_unit_test(any_column_can_be_given),
        cmocka_unit_test(an_approximate_index_is_never_short),
        cmocka_unit_test(a_tower_without_numbers_is_a_bad_file),
        cmocka_unit_test(answers_as_json),
        cmocka_unit_test(items_need_no_columns),
        cmocka_unit_test(errors_as_json),
        cmocka_unit_test(survives_without_memory),
        cmocka_unit_test(hits_equal_searches),
        cmocka_unit_test(keys_are_as_documented),
        cmocka_unit_test(foreign_values_are_misses),
        cmocka_unit_test(forged_values_are_misses),
        cmocka_unit_test(an_answer_needs_no_redis),
        cmocka_unit_test(what_was_asked_is_warm_in_the_next_generation),
        cmocka_unit_test(counts_age_with_each_warming),
        cmocka_unit_test(hostile_members_are_skipped),
        cmocka_unit_test(ids_can_be_texts),
        cmocka_unit_test(many_are_warmed_page_by_page),
        cmocka_unit_test(warming_ends_with_redis),
        cmocka_unit_test(a_generation_that_cannot_answer_is_not_warmed),
        cmocka_unit_test(long_queries_are_not_counted),
    };
    const int failed = cmocka_run_group_tests(tests, set_up, tear_down);
    redis_stop(&redis);
    temporary_remove(folder);
    return failed;
}
