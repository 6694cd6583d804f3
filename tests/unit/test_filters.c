/* Filters and similar items over a catalogue large enough for approximate searches, each answer compared with a look at every
 * item. */
#include <math.h>

#include "base/random.h"
#include "engine/query.h"
#include "small_world.h"
#include "testing.h"
#include "unit/asked.h"
#include "unit/ids.h"
#include "unit/text_ids.h"

enum { USERS = 5, DIM = 18, MANY = 6000, FEW = 60 };

static mrq_error err;

/* A generation of random vectors, with some all of zeros. Where `dot`, an item's vector is the tower's of DIM - 2 numbers, a bias
 * and the number that makes all equally long. */
typedef struct world {
    mrq_generation g;
    float *vectors; /* (items, DIM) */
} world;

static void unit_row(float *row, uint32_t n, double length)
{
    double square = 0;
    for (uint32_t d = 0; d < n; d++)
        square += (double)row[d] * (double)row[d];
    for (uint32_t d = 0; d < n && square > 0; d++)
        row[d] *= (float)(length / sqrt(square));
}

static void make_vectors(world *w, mrq_random *rng, bool dot)
{
    const uint32_t rows = w->g.items->rows;
    w->vectors = mrq_array((size_t)rows * DIM, sizeof *w->vectors);
    for (uint32_t m = 0; m < rows; m++) {
        float *row = w->vectors + (size_t)m * DIM;
        const bool zero = m % 50 == 49;
        for (uint32_t d = 0; d < DIM && !zero; d++)
            row[d] = (float)(mrq_random_unit(rng) - 0.5);
        unit_row(row, dot ? DIM - 1 : DIM, dot ? 0.1 + 0.8 * mrq_random_unit(rng) : 1);
        double square = 0;
        for (uint32_t d = 0; d + 1 < DIM; d++)
            square += (double)row[d] * (double)row[d];
        if (dot)
            row[DIM - 1] = (float)sqrt(1 - square);
    }
}

/* Users are known by their id and gender. The first has seen nothing, the second a tenth, the third all but one item, the fourth
 * all, the fifth half. */
static void make_users(world *w, mrq_random *rng)
{
    static uint64_t seen_at[USERS + 1];
    static uint32_t seen[USERS * MANY], user_row[USERS] = {1, 2, 0, 3, 4};
    const uint32_t rows = w->g.items->rows;
    uint64_t n = 0;
    w->g.users = small_users(USERS, 3);
    w->g.users->n_columns = 1;
    for (uint32_t u = 0; u < USERS; u++) {
        for (uint32_t m = 0; m < rows; m++)
            if ((u == 1 && m % 10 == 0) || (u == 2 && m != rows / 2) || u == 3 || (u == 4 && mrq_random_below(rng, 2)))
                seen[n++] = m;
        seen_at[u + 1] = n;
    }
    w->g.seen = (mrq_lists){seen_at, seen};
    mrq_folded *tower = w->g.tower = calloc(1, sizeof *tower);
    tower->arena = mrq_arena_new();
    tower->size = tower->width = tower->dim = DIM;
    tower->scale = 5;
    tower->n_branches = 2;
    tower->branch = mrq_arena_array(tower->arena, 2, sizeof *tower->branch);
    tower->user_row = user_row;
    float *rows_of[3];
    for (int i = 0; i < 3; i++) {
        rows_of[i] = mrq_arena_array(tower->arena, (size_t)USERS * DIM, sizeof(float));
        for (uint32_t d = 0; d < USERS * DIM; d++)
            rows_of[i][d] = (float)(mrq_random_unit(rng) - 0.5);
    }
    tower->start = rows_of[0];
    tower->branch[0] = (mrq_folded_branch){"id", USERS, rows_of[1], rows_of[1], {NULL, NULL}};
    tower->branch[1] = (mrq_folded_branch){"gender", 2, rows_of[2], rows_of[2], {NULL, NULL}};
}

static world *world_new(const char *kind, uint32_t items, bool dot)
{
    mrq_random rng;
    mrq_random_init(&rng, 11, items);
    world *w = calloc(1, sizeof *w);
    strcpy(w->g.name, "20260131T020000Z-0123456789ab");
    strcpy(w->g.model_name, "toy");
    w->g.items = small_items(items, 3);
    make_users(w, &rng);
    make_vectors(w, &rng, dot);
    if (dot) {
        w->g.tower->score = MRQ_DOT;
        w->g.tower->bias = true;
        w->g.tower->size = DIM - 2;
        w->g.tower->width = DIM - 1;
    }
    assert_ok(mrq_index_build(kind, w->vectors, items, DIM, &w->g.index, &err));
    return w;
}

static void world_free(world *w)
{
    mrq_index_free(w->g.index);
    mrq_folded_free(w->g.tower);
    mrq_table_free(w->g.users);
    mrq_table_free(w->g.items);
    mrq_free(w->vectors);
    free(w);
}

/* The definition of a filter, an item at a time */

static bool in_list(const uint32_t *item, uint64_t n, uint32_t what)
{
    for (uint64_t i = 0; i < n; i++)
        if (item[i] == what)
            return true;
    return false;
}

static bool has_genre(const mrq_table *items, uint32_t m, const char *name)
{
    const mrq_column *genres = &items->column[0];
    for (uint64_t i = genres->list.offset[m]; i < genres->list.offset[m + 1]; i++)
        if (strcasecmp(mrq_strings_at(&genres->dict, genres->list.item[i]), name) == 0)
            return true;
    return false;
}

static bool qualifies(const mrq_generation *g, const question_filters *f, uint32_t user, uint32_t m)
{
    uint32_t matches = 0;
    for (uint32_t i = 0; i < f->n_genres; i++)
        matches += has_genre(g->items, m, f->genre[i]);
    if (f->n_genres && (f->all_genres ? matches < f->n_genres : matches == 0))
        return false;
    const double year = g->items->column[2].number[m];
    if ((f->year_from && !(year >= f->year_from)) || (f->year_to && !(year <= f->year_to)))
        return false;
    for (uint32_t i = 0; i < f->n_exclude; i++)
        if (f->exclude[i] == id_number(g->items, m))
            return false;
    return user == MRQ_NONE || f->include_seen ||
           !in_list(g->seen.item + g->seen.offset[user], g->seen.offset[user + 1] - g->seen.offset[user], m);
}

static int descending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x < y) - (x > y);
}

/* The answer is k items that qualify, or all of them, in order and with the scores (items) of the reference; the best if
 * `exact`. Item `but` never qualifies. */
static void assert_answer(const mrq_generation *g, const mrq_content *answer, const question_filters *f, uint32_t user,
                          uint32_t but, uint32_t k, const double *score, bool exact)
{
    MRQ_AUTOFREE double *best = mrq_array(g->items->rows, sizeof *best);
    MRQ_AUTOFREE bool *given = mrq_array(g->items->rows, sizeof *given);
    uint32_t n = 0;
    for (uint32_t m = 0; m < g->items->rows; m++)
        if (m != but && qualifies(g, f, user, m))
            best[n++] = score[m];
    qsort(best, n, sizeof *best, descending);
    assert_int_equal(answer->n, k < n ? k : n);
    for (uint32_t i = 0; i < answer->n; i++) {
        const mrq_recommendation *item = &answer->hit[i], *last = i ? item - 1 : NULL;
        assert_true(item->item < g->items->rows && !given[item->item]);
        assert_true(item->item != but && qualifies(g, f, user, item->item));
        assert_true(isfinite(item->score) && fabs(item->score - score[item->item]) < 1e-5);
        assert_true(!last || item->score < last->score || (item->score == last->score && item->item > last->item));
        assert_true(!exact || fabs(item->score - best[i]) < 1e-5);
        given[item->item] = true;
    }
}

static void person_scores(const world *w, uint32_t user, uint32_t gender, double *score)
{
    const mrq_folded *tower = w->g.tower;
    double y[DIM], square = 0;
    const uint32_t row = user == MRQ_NONE ? 0 : tower->user_row[user];
    for (uint32_t d = 0; d < DIM; d++) {
        y[d] = (double)tower->start[d] + (double)tower->branch[0].rows[row * DIM + d] +
               (double)tower->branch[1].rows[gender * DIM + d];
        square += y[d] * y[d];
    }
    for (uint32_t m = 0; m < w->g.items->rows; m++) {
        score[m] = 0;
        for (uint32_t d = 0; d < DIM; d++)
            score[m] += 5 / sqrt(square) * y[d] * (double)w->vectors[m * DIM + d];
    }
}

/* Filters that keep anything from all items to none */

static int64_t thousand[MRQ_EXCLUDE_MAX + 1]; /* ids of the first items, the last first */
static const char *const genres[] = {"genre003", "GENRE001", "genre005"};
#define GENRES(n) .genre = genres, .n_genres = (n)

static const question_filters filters[] = {
    {.genre = NULL},
    {.include_seen = true},
    {GENRES(1)},
    {GENRES(2)},
    {GENRES(3)},
    {GENRES(1), .all_genres = true},
    {GENRES(2), .all_genres = true},
    {GENRES(3), .all_genres = true},
    {.year_from = 1950, .year_to = 1999},
    {.year_from = 1970},
    {.year_to = 1969},
    {.year_from = 1994, .year_to = 1994},
    {.year_from = 1998, .include_seen = true},
    {.year_from = 1, .year_to = 1949}, /* none */
    {.year_from = 1951, .year_to = MRQ_YEAR_MAX},
    {.exclude = thousand, .n_exclude = 1},
    {.exclude = thousand, .n_exclude = FEW},
    {GENRES(2), .year_from = 1980, .year_to = 1989, .exclude = thousand, .n_exclude = FEW},
    {GENRES(3), .all_genres = true, .year_from = 1994, .year_to = 1994, .include_seen = true},
};
#define N_FILTERS (sizeof filters / sizeof *filters)

static void answers_are_what_qualifies(void **state)
{
    (void)state;
    static const char *const kinds[] = {"Flat", "HNSW32", "IVF16,Flat", "HNSW32,SQ8"};
    static const uint32_t sizes[] = {MANY, FEW}, ks[] = {1, 10, 200, MRQ_K_MAX};
    static double score[MANY];
    for (size_t c = 0; c < 8; c++) {
        world *w = world_new(kinds[c % 4], sizes[c / 4], false);
        for (size_t f = 0; f < N_FILTERS; f++)
            for (uint32_t person = 0; person <= USERS; person++) { /* the last: nobody known */
                const uint32_t user = person < USERS ? person : MRQ_NONE;
                const uint32_t gender = user == MRQ_NONE ? 1 : w->g.users->column[0].code[user];
                person_scores(w, user, gender, score);
                for (size_t i = 0; i < 4; i++) {
                    question query = {.user = -1, .gender = "1", .k = ks[i], .filters = filters[f]};
                    if (user != MRQ_NONE) {
                        query.user = id_number(w->g.users, user);
                        query.gender = NULL;
                    }
                    mrq_content answer = {0};
                    assert_ok(asked_recommend(&w->g, NULL, &query, &answer, &err));
                    assert_answer(&w->g, &answer, &filters[f], user, MRQ_NONE, ks[i], score, c % 4 == 0);
                    mrq_content_clear(&answer);
                }
            }
        world_free(w);
    }
}

/* Whatever is left over, one item among them, is found. */
static void the_last_items_are_found(void **state)
{
    (void)state;
    static const char *const kinds[] = {"Flat", "HNSW32", "IVF16,Flat", "HNSW32,SQ8"};
    for (size_t kind = 0; kind < 4; kind++) {
        world *w = world_new(kinds[kind], FEW, false);
        for (uint32_t left = 0; left <= FEW; left++) {
            mrq_content answer = {0};
            const question_filters f = {.exclude = thousand + left, .n_exclude = FEW - left};
            assert_ok(
                asked_recommend(&w->g, NULL, &(question){.user = -1, .gender = "0", .k = FEW + 1, .filters = f}, &answer, &err));
            assert_int_equal(answer.n, left);
            for (uint32_t i = 0; i < left; i++)
                assert_true(answer.hit[i].item >= FEW - left);
            mrq_content_clear(&answer);
        }
        world_free(w);
    }
}

/* Texts */

static world *flat; /* FEW items */

static char *text_of(const question_filters *f, int64_t user)
{
    mrq_resolved resolved = {0};
    assert_ok(asked_resolve(&flat->g, &(question){.user = user, .gender = "0", .k = 5, .filters = *f}, &resolved, &err));
    char *text = resolved.text;
    resolved.text = NULL;
    mrq_resolved_clear(&resolved);
    return text;
}

static void the_same_filter_is_the_same_text(void **state)
{
    (void)state;
    static const char *const again[] = {"genre005", "genre001", "Genre003", "genre001"}, *const alone[] = {"genre003", "GENRE003"};
    static const int64_t ids[] = {40, 10, 40, 13};
    static const struct {
        question_filters filters;
        int64_t user;
        const char *text;
    } cases[] = {
        {{.genre = NULL}, -1, ""},
        {{.include_seen = true}, -1, ""}, /* of nobody */
        {{.include_seen = true}, 1, ",\"include_seen\":true"},
        {{.all_genres = true}, -1, ""},
        {{GENRES(1)}, -1, ",\"genre\":[\"genre003\"]"},
        {{GENRES(1), .all_genres = true}, -1, ",\"genre\":[\"genre003\"]"},
        {{.genre = alone, .n_genres = 2, .all_genres = true}, -1, ",\"genre\":[\"genre003\"]"},
        {{GENRES(3)}, -1, ",\"genre\":[\"genre001\",\"genre003\",\"genre005\"]"},
        {{.genre = again, .n_genres = 4}, -1, ",\"genre\":[\"genre001\",\"genre003\",\"genre005\"]"},
        {{.genre = again, .n_genres = 4, .all_genres = true},
         -1,
         ",\"genre\":[\"genre001\",\"genre003\",\"genre005\"],\"all_genres\":true"},
        {{.year_from = 1990, .year_to = 1999}, -1, ",\"year\":\"1990-1999\""},
        {{.year_from = 1994, .year_to = 1994}, -1, ",\"year\":\"1994\""},
        {{.year_from = 1990}, -1, ",\"year\":\"1990-\""},
        {{.year_to = 1999}, -1, ",\"year\":\"-1999\""},
        {{.exclude = ids, .n_exclude = 4}, -1, ",\"exclude\":[\"10\",\"13\",\"40\"]"},
        {{.exclude = ids, .n_exclude = 1, .year_from = 5, GENRES(1)},
         1,
         ",\"genre\":[\"genre003\"],\"year\":\"5-\",\"exclude\":[\"40\"]"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        MRQ_AUTOFREE char *text = text_of(&cases[i].filters, cases[i].user);
        char want[300];
        snprintf(want, sizeof want, "{\"gender\":{\"value\":\"gender000\"},\"user\":%s,\"k\":5%s}",
                 cases[i].user < 0 ? "null" : "\"1\"", cases[i].text);
        assert_string_equal(text, want);
    }
}

static void years_as_a_person_writes_them(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int from, to;
    } good[] = {{"1994", 1994, 1994}, {"1990-1999", 1990, 1999}, {"1990-", 1990, 0}, {"-1999", 0, 1999},
                {"5-5", 5, 5},        {"1-9999", 1, 9999}};
    static const char *const bad[] = {"",      "-",           "--",         "x",      "1990-x",     "0",
                                      "0-5",   "10000",       "1990--1999", "-1990-", "1990-1999-", " 1990",
                                      "1990 ", "1990-1999 x", "+1990",      "19.5",   "1e3"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        ASKED_QUERY query = {0};
        int from = -1, to = -1;
        assert_ok(mrq_query_put(&query, MRQ_Q_YEAR, good[i].text, &err));
        assert_true(mrq_years_read(good[i].text, &from, &to));
        assert_int_equal(from, good[i].from);
        assert_int_equal(to, good[i].to);
    }
    ASKED_QUERY query = {0};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_fails(mrq_query_put(&query, MRQ_Q_YEAR, bad[i], &err), MRQ_USAGE, "want a year or years");
    assert_fails(mrq_query_put(&query, MRQ_Q_YEAR, "1999-1990", &err), MRQ_USAGE,
                 "year \"1999-1990\": the first comes after the last, want 1990-1999");
    assert_int_equal(query.size, 0);
}

static void refuses_filters(const question_filters *f, mrq_status status, const char *sentence)
{
    mrq_content answer = {0};
    assert_fails(asked_recommend(&flat->g, NULL, &(question){.user = -1, .gender = "0", .k = 5, .filters = *f}, &answer, &err),
                 status, sentence);
    assert_fails(asked_similar(&flat->g, "10", 5, f, &answer, &err), status, sentence);
    assert_null(answer.hit);
    assert_null(answer.query.text);
}

static void refuses_wrong_filters(void **state)
{
    (void)state;
    static const char *const wrong[] = {"genre001", "comedy"}, *const empty[] = {""};
    refuses_filters(&(question_filters){.genre = wrong, .n_genres = 2}, MRQ_USAGE,
                    "genre \"comedy\": want one of genre000, genre001, genre002, genre003, genre004, genre005");
    refuses_filters(&(question_filters){.genre = empty, .n_genres = 1}, MRQ_USAGE, "genre \"\": want one of genre000");
    refuses_filters(&(question_filters){.exclude = thousand, .n_exclude = MRQ_EXCLUDE_MAX + 1}, MRQ_USAGE,
                    "exclude: more than 1000 values");
    refuses_filters(&(question_filters){.year_from = 1999, .year_to = 1990}, MRQ_USAGE,
                    "year \"1999-1990\": the first comes after the last");
    refuses_filters(&(question_filters){.year_from = -1}, MRQ_USAGE, "year \"-1-\": want a year");
    refuses_filters(&(question_filters){.year_to = 10000}, MRQ_USAGE, "year \"-10000\": want a year");
    strcpy(flat->g.items->column[2].name, "decade");
    refuses_filters(&(question_filters){.year_to = 1999}, MRQ_USAGE, "year: the data's items have no years");
    strcpy(flat->g.items->column[2].name, "year");
    flat->g.items->column[0].kind = MRQ_TEXT;
    refuses_filters(&(question_filters){GENRES(1)}, MRQ_USAGE, "genre \"genre003\": the data's items have no genres");
    flat->g.items->column[0].kind = MRQ_SET;
}

/* Similar items */

static void cosines(const world *w, uint32_t item, double *score)
{
    const uint32_t size = w->g.tower->size;
    const float *a = w->vectors + (size_t)item * DIM;
    for (uint32_t m = 0; m < w->g.items->rows; m++) {
        const float *b = w->vectors + (size_t)m * DIM;
        double product = 0, aa = 0, bb = 0;
        for (uint32_t d = 0; d < size; d++) {
            product += (double)a[d] * (double)b[d];
            aa += (double)a[d] * (double)a[d];
            bb += (double)b[d] * (double)b[d];
        }
        score[m] = aa > 0 && bb > 0 ? product / sqrt(aa * bb) : 0;
    }
}

static void similar_items_are_the_nearest(void **state)
{
    (void)state;
    static const struct {
        const char *kind;
        uint32_t items;
        bool dot;
    } cases[] = {{"Flat", MANY, false},   {"Flat", MANY, true},        {"HNSW32", MANY, true},    {"IVF16,Flat", FEW, true},
                 {"HNSW32", MANY, false}, {"IVF16,Flat", MANY, false}, {"HNSW32,SQ8", FEW, false}};
    static const uint32_t items[] = {0, 1, 48, 49 /* all zero */, 59}, ks[] = {1, 10, MRQ_K_MAX};
    static double score[MANY];
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        world *w = world_new(cases[c].kind, cases[c].items, cases[c].dot);
        const bool exact = cases[c].dot || strcmp(cases[c].kind, "Flat") == 0;
        for (size_t i = 0; i < 5 * N_FILTERS * 3; i++) {
            const uint32_t item = items[i % 5], k = ks[i / 5 % 3];
            question_filters f = filters[i / 15];
            f.include_seen = false;
            char id[24];
            snprintf(id, sizeof id, "%lld", (long long)id_number(w->g.items, item));
            mrq_content answer = {0};
            assert_ok(asked_similar(&w->g, id, k, &f, &answer, &err));
            assert_int_equal(answer.cache, MRQ_CACHE_OFF);
            cosines(w, item, score);
            assert_answer(&w->g, &answer, &f, MRQ_NONE, item, k, score, exact);
            mrq_content_clear(&answer);
        }
        world_free(w);
    }
}

static const char *const titles[] = {
    "Toy Story (1995)", "Toy Story 2 (1999)",  "Sabrina (1954)",    "Sabrina (1995)", "Twin (2000)",
    "Twin (2000)",      "Amélie (2001)",       "(500) Days (2009)", "300 (2007)",     "Sunset (1980)",
    "Sunset Hotel (x)", "A \"q\" \x1b (1999)", "13 (2010)",         "Title",          "Odd (abcd)",
    "Odd (1990)"};

static void titles_find_their_item(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint32_t row; /* or MRQ_NONE, and then */
        mrq_status status;
        const char *sentence;
    } cases[] = {
        {"10", 0, MRQ_OK, ""},
        {"13", 1, MRQ_OK, ""}, /* an id comes before a title */
        {"13 (2010)", 12, MRQ_OK, ""},
        {"300", 8, MRQ_OK, ""}, /* no id */
        {"toy story", 0, MRQ_OK, ""},
        {"TOY STORY (1995)", 0, MRQ_OK, ""},
        {"story 2", 1, MRQ_OK, ""},
        {"Sabrina (1954)", 2, MRQ_OK, ""},
        {"954", 2, MRQ_OK, ""},
        {"Amélie", 6, MRQ_OK, ""},
        {"days", 7, MRQ_OK, ""},
        {"(500)", 7, MRQ_OK, ""},
        {"sunset", 9, MRQ_OK, ""},
        {"sunset hotel", 10, MRQ_OK, ""},
        {"odd", 15, MRQ_OK, ""},
        {"title", 13, MRQ_OK, ""},
        {"sabrina", MRQ_NONE, MRQ_USAGE,
         "item \"sabrina\": 2 titles match, want the id of one: 16 Sabrina (1954), 19 Sabrina (1995)"},
        {"Twin (2000)", MRQ_NONE, MRQ_USAGE, "2 titles match, want the id of one: 22 Twin (2000), 25 Twin (2000)"},
        {"tle 0", MRQ_NONE, MRQ_USAGE,
         "44 titles match, want the id of one: 58 Title 016, 61 Title 017, 64 Title 018, 67 Title 019, 70 "
         "Title 020, ..."},
        {"\"q\"", 11, MRQ_OK, ""},
        {"", MRQ_NONE, MRQ_NOT_FOUND, "item \"\": want the id of one of the 60 items, or its title or a part of it"},
        {"no such", MRQ_NONE, MRQ_NOT_FOUND, "item \"no such\": want"},
        {"11", MRQ_NONE, MRQ_NOT_FOUND, "item \"11\": want"},
        {"-1", MRQ_NONE, MRQ_NOT_FOUND, "item \"-1\": want"},
        {"99999999999999999999999", MRQ_NONE, MRQ_NOT_FOUND, "want"},
    };
    const question_filters none = {0};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        mrq_content answer = {0};
        if (cases[i].status != MRQ_OK) {
            assert_fails(asked_similar(&flat->g, cases[i].text, 3, &none, &answer, &err), cases[i].status, cases[i].sentence);
            assert_null(answer.hit);
            continue;
        }
        assert_ok(asked_similar(&flat->g, cases[i].text, 3, &none, &answer, &err));
        char start[40];
        snprintf(start, sizeof start, "{\"item\":{\"id\":\"%lld\",", (long long)id_number(flat->g.items, cases[i].row));
        if (strncmp(answer.query.text, start, strlen(start)) != 0)
            fail_msg("\"%s\": %s, want %s", cases[i].text, answer.query.text, start);
        mrq_content_clear(&answer);
    }
}

static void similar_as_json(void **state)
{
    (void)state;
    mrq_content answer = {0};
    assert_fails(asked_similar(&flat->g, "days", 2, &(question_filters){GENRES(2), .include_seen = true}, &answer, &err), MRQ_USAGE,
                 "include_seen: not used by this kind of query; leave it out");
    assert_null(answer.query.text);
    assert_ok(asked_similar(&flat->g, "days", 2, &(question_filters){GENRES(2)}, &answer, &err));
    assert_string_equal(answer.query.text, "{\"item\":{\"id\":\"31\",\"title\":\"(500) Days (2009)\"},\"k\":2,"
                                           "\"genre\":[\"genre001\",\"genre003\"]}");
    MRQ_AUTOFREE char *text = asked_json(&flat->g, &answer);
    assert_non_null(strstr(text, "\"model\":\"toy\",\"query\":{\"item\":{\"id\":\"31\","));
    assert_non_null(strstr(text, ",\"results\":[{\"rank\":1,"));
    assert_non_null(strstr(text, "],\"cache\":\"off\"}\n"));
    mrq_content_clear(&answer);
    assert_fails(asked_similar(&flat->g, "days", 0, &(question_filters){0}, &answer, &err), MRQ_USAGE,
                 "k \"0\": want a whole number from 1 to 1000");
    assert_fails(asked_similar(&flat->g, "days", 1001, &(question_filters){0}, &answer, &err), MRQ_USAGE,
                 "k \"1001\": want a whole number from 1 to 1000");
    flat->g.items->column[1].kind = MRQ_SET;
    assert_fails(asked_similar(&flat->g, "days", 2, &(question_filters){0}, &answer, &err), MRQ_NOT_FOUND,
                 "item \"days\": want the id of one of the 60 items");
    assert_ok(asked_similar(&flat->g, "10", 2, &(question_filters){0}, &answer, &err));
    flat->g.items->column[1].kind = MRQ_TEXT;
    assert_string_equal(answer.query.text, "{\"item\":{\"id\":\"10\"},\"k\":2}");
    mrq_content_clear(&answer);
}

/* Items whose ids are texts are found by them, left out and told; "7" and "007" are two. */
static void ids_can_be_texts(void **state)
{
    (void)state;
    const mrq_table *items = flat->g.items;
    const mrq_strings before = take_text_ids(flat->g.items);
    for (uint32_t row = 0; row < items->rows; row++) {
        const char *id = mrq_table_id(items, row);
        mrq_content answer = {0};
        ASKED_QUERY query = {0};
        assert_ok(mrq_query_put(&query, MRQ_Q_GENDER, "0", &err));
        assert_ok(mrq_query_put(&query, MRQ_Q_K, "60", &err));
        assert_ok(mrq_query_put(&query, MRQ_Q_EXCLUDE, id, &err));
        assert_ok(mrq_query_put(&query, MRQ_Q_EXCLUDE, "no id", &err)); /* is left out as it is */
        assert_ok(mrq_recommend(&flat->g, NULL, &query, NULL, &answer, &err));
        assert_int_equal(answer.n, FEW - 1);
        for (uint32_t i = 0; i < answer.n; i++)
            assert_int_not_equal(answer.hit[i].item, row);
        mrq_content_clear(&answer);
        assert_ok(asked_similar(&flat->g, id, 60, NULL, &answer, &err));
        assert_int_equal(answer.n, FEW - 1);
        for (uint32_t i = 0; i < answer.n; i++)
            assert_int_not_equal(answer.hit[i].item, row);
        assert_int_equal(answer.query.item, row);
        mrq_content_clear(&answer);
    }
    ASKED_QUERY query = {0};
    mrq_resolved resolved = {0};
    assert_ok(mrq_query_put(&query, MRQ_Q_ITEM, "a\"b", &err));
    assert_ok(mrq_query_put_list(&query, MRQ_Q_EXCLUDE, "tt0111161,007,a\\,b,7,é,a\\\\,7", &err));
    assert_ok(mrq_query_resolve(&flat->g, MRQ_ASK_SIMILAR, &query, NULL, &resolved, &err));
    assert_string_equal(resolved.text, "{\"item\":{\"id\":\"a\\\"b\",\"title\":\"Title 051\"},\"k\":5,"
                                       "\"exclude\":[\"7\",\"007\",\"a,b\",\"a\\\\\",\"tt0111161\",\"é\"]}");
    mrq_resolved_clear(&resolved);
    static const struct {
        const char *text;
        mrq_status status;
        const char *sentence;
    } wrong[] = {
        {"tle 05", MRQ_USAGE,
         "item \"tle 05\": 10 titles match, want the id of one: 9  Title 050, a\"b Title 051, a,b Title 052, a\\ Title 053, null "
         "Title "
         "054, ..."},
        {"TT0111161", MRQ_NOT_FOUND, "item \"TT0111161\": want the id of one of the 60 items, or its title or a part of it"},
        {"0007", MRQ_NOT_FOUND, "item \"0007\": want the id"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        mrq_content answer = {0};
        assert_fails(asked_similar(&flat->g, wrong[i].text, 3, NULL, &answer, &err), wrong[i].status, wrong[i].sentence);
        assert_null(answer.hit);
    }
    flat->g.items->id = before;
}

/* A catalogue of one item, and that one excluded. */
static void one_item(void **state)
{
    (void)state;
    static const int64_t only[] = {10};
    for (int dot = 0; dot < 2; dot++) {
        world *w = world_new("Flat", 1, dot);
        mrq_content answer = {0};
        assert_ok(asked_recommend(&w->g, NULL, &(question){.user = -1, .gender = "0", .k = 5}, &answer, &err));
        assert_int_equal(answer.n, 1);
        mrq_content_clear(&answer);
        const question_filters f = {.exclude = only, .n_exclude = 1};
        assert_ok(asked_recommend(&w->g, NULL, &(question){.user = -1, .gender = "0", .k = 5, .filters = f}, &answer, &err));
        assert_int_equal(answer.n, 0);
        mrq_content_clear(&answer);
        assert_ok(asked_similar(&w->g, "10", 5, &f, &answer, &err));
        assert_int_equal(answer.n, 0);
        mrq_content_clear(&answer);
        world_free(w);
    }
}

static int set_up(void **state)
{
    (void)state;
    for (int i = 0; i < MRQ_EXCLUDE_MAX; i++)
        thousand[i] = 10 + 3 * (FEW - 1 - i % FEW);
    flat = world_new("Flat", FEW, false);
    MRQ_CLEANUP(mrq_dict_free) mrq_dict *dict = mrq_dict_new();
    for (uint32_t i = 0; i < FEW; i++) {
        char title[40];
        snprintf(title, sizeof title, "Title %03u", i);
        const char *text = i < sizeof titles / sizeof *titles ? titles[i] : title;
        mrq_dict_push(dict, text, strlen(text));
    }
    const mrq_strings all = mrq_dict_strings(dict);
    return mrq_strings_copy(flat->g.items->arena, &all, &flat->g.items->column[1].text);
}

static int tear_down(void **state)
{
    (void)state;
    world_free(flat);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_filter_is_the_same_text),
        cmocka_unit_test(years_as_a_person_writes_them),
        cmocka_unit_test(refuses_wrong_filters),
        cmocka_unit_test(titles_find_their_item),
        cmocka_unit_test(similar_as_json),
        cmocka_unit_test(ids_can_be_texts),
        cmocka_unit_test(one_item),
        cmocka_unit_test(the_last_items_are_found),
        cmocka_unit_test(similar_items_are_the_nearest),
        cmocka_unit_test(answers_are_what_qualifies),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
