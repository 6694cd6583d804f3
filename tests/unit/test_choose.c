/* How an index is chosen: which settings are tried, in which order, until when, and what is said of them. What is tried is made up
 * here: kinds that take the time and find the share that the test says, by a clock of its own. */
#include "index/choose.h"

#include <math.h>

#include "base/log.h"
#include "index/inside.h"
#include "index/scan.h"
#include "unit/failing_memory.h"
#include "unit/testing.h"

enum { N = 30, DIM = 2, QUERIES = 9, HALF = 4 };

static mrq_error err;
static double now;
static uint32_t n_searches, n_builds, n_open;
static char asked[3000]; /* the numbers of the queries, in order */
static float vectors[N * DIM], queries[QUERIES * DIM];
static mrq_status search_comes_to;

/* A kind: how it is searched, and what a setting of it comes to. */
struct made_up {
    const char *name;
    mrq_way way;
    bool parameter, ordered, rotated;
    double least; /* parameter and twice the rerank from which on all are found; below that 8 of 10 */
    double us;    /* microseconds a query: this and a hundredth of it for each of parameter and rerank */
};
static const struct made_up *kinds_now;
static uint32_t n_kinds_now;

static const struct made_up *kind_of(const mrq_index *index)
{
    for (uint32_t i = 0; i < n_kinds_now; i++)
        if (strcmp(kinds_now[i].name, index->settings.factory) == 0)
            return &kinds_now[i];
    fail_msg("no kind %s", index->settings.factory);
    return NULL;
}

static void close_made_up(mrq_index *index)
{
    (void)index;
    n_open--;
}

static const mrq_searcher made_up = {.close = close_made_up};

mrq_status __wrap_mrq_index_build(const char *factory, const float *x, uint32_t n, uint32_t dim, mrq_index **out, mrq_error *error);
mrq_status __wrap_mrq_index_build(const char *factory, const float *x, uint32_t n, uint32_t dim, mrq_index **out, mrq_error *error)
{
    mrq_index *index = mrq_index_new(&made_up, x, n, dim);
    if (!index)
        return mrq_fail_memory(error, "building");
    n_builds++;
    n_open++;
    now += 1;
    strcpy(index->settings.factory, factory);
    const struct made_up *kind = kind_of(index);
    index->way = kind->way;
    index->settings.parameter = kind->parameter ? 64 : 0;
    index->parts.rows = kind->ordered || kind->rotated ? x : NULL;
    index->parts.rotation = kind->rotated ? x : NULL;
    *out = index;
    return MRQ_OK;
}

mrq_status __wrap_mrq_index_tune(mrq_index *index, uint32_t parameter, uint32_t rerank, mrq_error *error);
mrq_status __wrap_mrq_index_tune(mrq_index *index, uint32_t parameter, uint32_t rerank, mrq_error *error)
{
    (void)error;
    assert_int_equal(parameter > 0, kind_of(index)->parameter);
    index->settings.parameter = parameter;
    index->settings.rerank = rerank;
    return MRQ_OK;
}

/* Query i takes i microseconds more, and the third pass is the quickest. */
mrq_status __wrap_mrq_index_search(const mrq_index *index, const float *query, uint32_t k, const mrq_filter *filter, mrq_hit *hits,
                                   uint32_t *found, mrq_error *error);
mrq_status __wrap_mrq_index_search(const mrq_index *index, const float *query, uint32_t k, const mrq_filter *filter, mrq_hit *hits,
                                   uint32_t *found, mrq_error *error)
{
    const struct made_up *kind = kind_of(index);
    const mrq_index_settings *set = &index->settings;
    const uint32_t number = (uint32_t)(query - queries) / DIM;
    mrq_top top = {hits, k, 0};
    assert_null(filter);
    if (search_comes_to != MRQ_OK)
        return mrq_fail(error, search_comes_to, "no search");
    mrq_scan(index->vectors, index->n, DIM, query, NULL, 0, &top);
    *found = top.n;
    for (uint32_t i = 0; set->parameter + 2.0 * set->rerank < kind->least && i < 2 && i < k; i++)
        hits[i].row = index->n + i; /* is none of the best */
    if (kind->least > 1e6)
        *found -= 3; /* it comes back short */
    now += 1e-6 * (kind->us * (1 + 0.01 * (set->parameter + set->rerank)) + number);
    n_searches++;
    snprintf(asked + strlen(asked), sizeof asked - strlen(asked), "%u", number);
    return MRQ_OK;
}

double __wrap_mrq_clock(void);
double __wrap_mrq_clock(void)
{
    return now;
}

static int make(void **state)
{
    (void)state;
    now = 1000;
    n_searches = n_builds = n_open = 0;
    *asked = '\0';
    for (int i = 0; i < N * DIM; i++)
        vectors[i] = (float)((i * 37 + 11) % 64) / 64 - 0.5f;
    for (int i = 0; i < QUERIES * DIM; i++)
        queries[i] = (float)((i * 29 + 5) % 32) / 32 - 0.5f;
    return 0;
}

static void tell(const mrq_trial *t, char *out, size_t size)
{
    const size_t used = strlen(out);
    snprintf(out + used, size - used, "%s%u/%u %.3g %.1f-%.1f", used ? ", " : "", t->settings.parameter, t->settings.rerank,
             t->recall, 1e6 * t->p50, 1e6 * t->p99);
}

/* Chooses among made-up kinds; the settings tried, each as "parameter/rerank recall p50-p99". */
static mrq_status choose(const struct made_up *kinds, uint32_t n, double recall, mrq_index **index, char *tried, size_t size,
                         mrq_trial *best)
{
    const char *names[4];
    mrq_choice choice = {.n = 0};
    kinds_now = kinds;
    n_kinds_now = n;
    for (uint32_t i = 0; i < n; i++)
        names[i] = kinds[i].name;
    *tried = '\0';
    MRQ_TRY(mrq_index_choose_among(names, n, recall, vectors, N, DIM, queries, QUERIES, index, &choice, &err));
    for (uint32_t i = 0; i < choice.n; i++) {
        tell(&choice.trial[i], tried, size);
        assert_int_equal(choice.trial[i].n_queries, HALF);
    }
    *best = choice.best;
    mrq_free(choice.trial);
    return MRQ_OK;
}

static void each_kind_goes_up_its_own_settings(void **state)
{
    (void)state;
    static const struct {
        struct made_up kind;
        double recall;
        const char *tried, *best;
    } rows[] = {
        /* a scan in exact order: nothing to set */
        {{"flat", MRQ_WAY_SCAN, false, true, false, 0, 50}, 1, "0/0 1 52.0-53.0", "0/0 1 56.0-58.0"},
        /* a walk in exact order, one rerank; until all are found */
        {{"graph", MRQ_WAY_WALK, true, true, false, 40, 50},
         0.9,
         "8/0 0.8 56.0-57.0, 12/0 0.8 58.0-59.0, 16/0 0.8 60.0-61.0, 24/0 0.8 64.0-65.0, 32/0 0.8 68.0-69.0, 48/0 1 76.0-77.0",
         "48/0 1 80.0-82.0"},
        {{"graph", MRQ_WAY_WALK, true, true, false, 1024, 50},
         0.9,
         "8/0 0.8 56.0-57.0, 12/0 0.8 58.0-59.0, 16/0 0.8 60.0-61.0, 24/0 0.8 64.0-65.0, 32/0 0.8 68.0-69.0, 48/0 0.8 76.0-77.0, "
         "64/0 0.8 84.0-85.0, 96/0 0.8 100.0-101.0, 128/0 0.8 116.0-117.0, 192/0 0.8 148.0-149.0, 256/0 0.8 180.0-181.0, 384/0 0.8 "
         "244.0-245.0, 512/0 0.8 308.0-309.0, 768/0 0.8 436.0-437.0, 1024/0 1 564.0-565.0",
         "1024/0 1 568.0-570.0"},
        /* a walk over codes: no rerank beyond the parameter, and no way up that takes more than twice the best time */
        {{"coded", MRQ_WAY_WALK, true, false, false, 100, 50},
         0.9,
         "8/0 0.8 56.0-57.0, 12/0 0.8 58.0-59.0, 16/0 0.8 60.0-61.0, 24/0 0.8 64.0-65.0, 32/0 0.8 68.0-69.0, 48/0 0.8 76.0-77.0, "
         "64/0 0.8 84.0-85.0, 96/0 0.8 100.0-101.0, 128/0 1 116.0-117.0, 24/20 0.8 74.0-75.0, 32/20 0.8 78.0-79.0, 48/20 0.8 "
         "86.0-87.0, 64/20 1 94.0-95.0, 48/40 1 96.0-97.0, 128/100 1 166.0-167.0, 512/400 1 508.0-509.0",
         "64/20 1 98.0-100.0"},
        {{"turned", MRQ_WAY_WALK, true, false, true, 100, 50},
         0.9,
         "8/0 0.8 56.0-57.0, 12/0 0.8 58.0-59.0, 16/0 0.8 60.0-61.0, 24/0 0.8 64.0-65.0, 32/0 0.8 68.0-69.0, 48/0 0.8 76.0-77.0, "
         "64/0 0.8 84.0-85.0, 96/0 0.8 100.0-101.0, 128/0 1 116.0-117.0, 24/20 0.8 74.0-75.0, 32/20 0.8 78.0-79.0, 48/20 0.8 "
         "86.0-87.0, 64/20 1 94.0-95.0, 48/40 1 96.0-97.0, 128/100 1 166.0-167.0, 512/400 1 508.0-509.0",
         "64/20 1 98.0-100.0"},
        /* lists: the rerank apart from the parameter */
        {{"lists", MRQ_WAY_ASK, true, false, false, 100, 50},
         0.9,
         "8/0 0.8 56.0-57.0, 12/0 0.8 58.0-59.0, 16/0 0.8 60.0-61.0, 24/0 0.8 64.0-65.0, 32/0 0.8 68.0-69.0, 48/0 0.8 76.0-77.0, "
         "64/0 0.8 84.0-85.0, 96/0 0.8 100.0-101.0, 128/0 1 116.0-117.0, 8/20 0.8 66.0-67.0, 12/20 0.8 68.0-69.0, 16/20 0.8 "
         "70.0-71.0, 24/20 0.8 74.0-75.0, 32/20 0.8 78.0-79.0, 48/20 0.8 86.0-87.0, 64/20 1 94.0-95.0, 8/40 0.8 76.0-77.0, 12/40 "
         "0.8 78.0-79.0, 16/40 0.8 80.0-81.0, 24/40 1 84.0-85.0, 8/100 1 106.0-107.0, 8/400 1 256.0-257.0",
         "24/40 1 88.0-90.0"},
        /* codes, scanned: the rerank alone */
        {{"codes", MRQ_WAY_ASK, false, false, false, 100, 50},
         0.9,
         "0/0 0.8 52.0-53.0, 0/20 0.8 62.0-63.0, 0/40 0.8 72.0-73.0, 0/100 1 102.0-103.0, 0/400 1 252.0-253.0",
         "0/100 1 106.0-108.0"},
        {{"codes", MRQ_WAY_ASK, false, false, false, 1e5, 50},
         0.8,
         "0/0 0.8 52.0-53.0, 0/20 0.8 62.0-63.0, 0/40 0.8 72.0-73.0, 0/100 0.8 102.0-103.0, 0/400 0.8 252.0-253.0",
         "0/0 0.8 56.0-58.0"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char tried[4000], chosen[200] = "";
        mrq_index *index = NULL;
        mrq_trial best;
        make(NULL);
        assert_ok(choose(&rows[i].kind, 1, rows[i].recall, &index, tried, sizeof tried, &best));
        tell(&best, chosen, sizeof chosen);
        assert_string_equal(tried, rows[i].tried);
        assert_string_equal(chosen, rows[i].best);
        assert_int_equal(best.n_queries, QUERIES - HALF);
        assert_string_equal(best.settings.factory, rows[i].kind.name);
        assert_memory_equal(mrq_index_settings_of(index), &best.settings, sizeof best.settings);
        mrq_index_free(index);
        assert_int_equal(n_open, 0);
    }
}

/* Of several kinds the fastest is kept, wherever it stands, and the others are freed. */
static void the_fastest_of_several_kinds_is_kept(void **state)
{
    (void)state;
    static const struct made_up slow = {"slow", MRQ_WAY_SCAN, false, true, false, 0, 50},
                                fast = {"fast", MRQ_WAY_ASK, true, false, false, 48, 10},
                                wrong = {"wrong", MRQ_WAY_ASK, true, false, false, 1e5, 1},
                                same = {"same", MRQ_WAY_SCAN, false, true, false, 0, 50};
    static const struct {
        const struct made_up *kinds[3];
        const char *best;
    } rows[] = {{{&slow, &fast, &wrong}, "fast 8/20"},
                {{&fast, &wrong, &slow}, "fast 8/20"},
                {{&wrong, &slow, &fast}, "fast 8/20"},
                {{&same, &wrong, &slow}, "same 0/0"},
                {{&slow, &same, &wrong}, "slow 0/0"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct made_up kinds[3];
        char tried[9000], chosen[200];
        mrq_index *index = NULL;
        mrq_trial best;
        make(NULL);
        for (int k = 0; k < 3; k++)
            kinds[k] = *rows[i].kinds[k];
        assert_ok(choose(kinds, 3, 0.95, &index, tried, sizeof tried, &best));
        snprintf(chosen, sizeof chosen, "%s %u/%u", best.settings.factory, best.settings.parameter, best.settings.rerank);
        assert_string_equal(chosen, rows[i].best);
        assert_int_equal(n_builds, 3);
        assert_int_equal(n_open, 1);
        mrq_index_free(index);
        assert_int_equal(n_open, 0);
    }
}

/* A kind that takes more than twice the time of the best so far is given up at that rerank. */
static void what_is_past_all_hope_is_not_tried_further(void **state)
{
    (void)state;
    static const struct made_up kinds[] = {{"fast", MRQ_WAY_SCAN, false, true, false, 0, 50},
                                           {"slow", MRQ_WAY_ASK, true, false, false, 1e5, 90}};
    char tried[4000];
    mrq_index *index = NULL;
    mrq_trial best;
    assert_ok(choose(kinds, 2, 0.95, &index, tried, sizeof tried, &best));
    assert_string_equal(tried, "0/0 1 52.0-53.0, 8/0 0.8 99.2-100.2, 12/0 0.8 102.8-103.8, 16/0 0.8 106.4-107.4, 8/20 0.8 "
                               "117.2-118.2, 8/40 0.8 135.2-136.2, 8/100 0.8 189.2-190.2, 8/400 0.8 459.2-460.2");
    mrq_index_free(index);
}

/* Chosen by the first half of the queries, three times over, and judged by the rest. */
static void each_half_of_the_queries_has_its_part(void **state)
{
    (void)state;
    static const struct made_up flat = {"flat", MRQ_WAY_SCAN, false, true, false, 0, 50};
    char tried[400];
    mrq_index *index = NULL;
    mrq_trial best;
    assert_ok(choose(&flat, 1, 1, &index, tried, sizeof tried, &best));
    assert_string_equal(asked, "012301230123456784567845678");
    mrq_index_free(index);
}

/* A pass that takes a second is the last one. */
static void slow_searches_are_measured_once(void **state)
{
    (void)state;
    static const struct {
        double us;
        const char *asked; /* of four queries and of five */
    } rows[] = {{249990, "0123012345678"}, {124990, "0123012301234567845678"}, {300000, "012345678"}};
    for (size_t i = 0; i < 3; i++) {
        const struct made_up flat = {"flat", MRQ_WAY_SCAN, false, true, false, 0, rows[i].us};
        char tried[400];
        mrq_index *index = NULL;
        mrq_trial best;
        make(NULL);
        assert_ok(choose(&flat, 1, 1, &index, tried, sizeof tried, &best));
        assert_string_equal(asked, rows[i].asked);
        mrq_index_free(index);
    }
}

static void a_recall_that_is_not_reached_is_told_with_the_best(void **state)
{
    (void)state;
    static const struct made_up kinds[] = {{"one", MRQ_WAY_ASK, true, false, false, 1e5, 10},
                                           {"short", MRQ_WAY_ASK, false, false, false, 1e7, 10}};
    char tried[9000];
    mrq_index *index = NULL;
    mrq_trial best;
    assert_fails(choose(kinds, 2, 0.95, &index, tried, sizeof tried, &best), MRQ_FAILED, "");
    assert_string_equal(err.msg,
                        "index \"one\" finds at most 0.8000 of the best 10, want 0.9500: use a lower --recall or another kind");
    assert_fails(choose(kinds + 1, 1, 0.95, &index, tried, sizeof tried, &best), MRQ_FAILED,
                 "\"short\" finds at most 0.5000 of the best 10");
    assert_null(index);
    assert_int_equal(n_open, 0);
    search_comes_to = MRQ_UNAVAILABLE;
    assert_fails(choose(kinds, 2, 0.5, &index, tried, sizeof tried, &best), MRQ_UNAVAILABLE, "no search");
    search_comes_to = MRQ_OK;
    assert_int_equal(n_open, 0);
    const float kept = vectors[7];
    vectors[7] = NAN;
    assert_fails(choose(kinds, 2, 0.5, &index, tried, sizeof tried, &best), MRQ_USAGE,
                 "vector 3 holds a number that is not finite");
    vectors[7] = kept;
    assert_ok(choose(kinds, 1, 0.8, &index, tried, sizeof tried, &best)); /* just reached */
    mrq_index_free(index);
}

/* Of fewer vectors than ten, all are the best. */
static void recall_is_of_the_best_ten_or_of_all(void **state)
{
    (void)state;
    static const struct made_up kinds[] = {{"all", MRQ_WAY_ASK, false, false, false, 0, 10},
                                           {"some", MRQ_WAY_ASK, false, false, false, 1e3, 20}};
    kinds_now = kinds;
    n_kinds_now = 2;
    for (uint32_t n = 1; n < 13; n++)
        for (int k = 0; k < 2; k++) {
            mrq_index *index = NULL;
            mrq_trial trial;
            make(NULL);
            const uint32_t best = n < 10 ? n : 10;
            assert_ok(mrq_index_build(kinds[k].name, vectors, n, DIM, &index, &err));
            assert_ok(mrq_index_measure(index, queries, 5, &trial, &err));
            const double want = k ? best < 2 ? 0 : (best - 2) / (double)best : 1;
            assert_true(fabs(trial.recall - want) < 1e-12);
            assert_int_equal(trial.n_queries, 5);
            assert_string_equal(asked, "012340123401234");
            assert_true(fabs(trial.p50 - 1e-6 * (kinds[k].us + 2)) < 1e-9 && fabs(trial.p99 - 1e-6 * (kinds[k].us + 4)) < 1e-9);
            search_comes_to = MRQ_UNAVAILABLE;
            assert_fails(mrq_index_measure(index, queries, 5, &trial, &err), MRQ_UNAVAILABLE, "no search");
            search_comes_to = MRQ_OK;
            mrq_index_free(index);
        }
}

static void auto_is_what_fits_the_vectors(void **state)
{
    (void)state;
    static const struct {
        uint32_t n, dim, kinds;
    } rows[] = {{65536, 32, 1}, {65537, 32, 2}, {100000, 64, 2}, {100000, 65, 3}, {1999, 2000, 2}, {2000, 2000, 3}, {1, 1, 1}};
    const char *kinds[MRQ_AUTOMATIC];
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_int_equal(mrq_index_automatic(rows[i].n, rows[i].dim, kinds), rows[i].kinds);
    assert_string_equal(kinds[0], "Flat");
    assert_string_equal(kinds[1], "HNSW32,SQ8");
    assert_string_equal(kinds[2], "PCA64,HNSW32,SQ8");
    static const struct made_up flat[] = {{"Flat", MRQ_WAY_SCAN, false, true, false, 0, 50},
                                          {"HNSW32", MRQ_WAY_WALK, true, true, false, 8, 50}};
    kinds_now = flat;
    n_kinds_now = 2;
    for (int i = 0; i < 2; i++) {
        mrq_index *index = NULL;
        mrq_choice choice;
        assert_ok(mrq_index_choose(i ? "HNSW32" : "auto", 0.9, vectors, N, DIM, queries, QUERIES, &index, &choice, &err));
        assert_string_equal(mrq_index_settings_of(index)->factory, flat[i].name);
        mrq_free(choice.trial);
        mrq_index_free(index);
    }
    assert_int_equal(n_builds, 2);
}

/* A line a kind when it is done, and one before when it takes long; without times of the day. */
static void the_log_tells_how_long_each_kind_took(void **state)
{
    (void)state;
    enum { MANY = 10000 };
    static float many[MANY * DIM];
    static const struct made_up kinds[] = {{"good", MRQ_WAY_SCAN, false, true, false, 0, 50},
                                           {"wrong", MRQ_WAY_ASK, false, false, false, 1e5, 1}};
    static const char *const names[] = {"good", "wrong"};
    kinds_now = kinds;
    n_kinds_now = 2;
    for (uint32_t n = MANY - 1; n <= MANY; n++) {
        char *text = NULL, told[600] = "";
        size_t size;
        FILE *log = open_memstream(&text, &size);
        mrq_index *index = NULL;
        mrq_choice choice;
        mrq_log_open(log, MRQ_LOG_INFO);
        const mrq_status status = mrq_index_choose_among(names, 2, 0.9, many, n, DIM, queries, QUERIES, &index, &choice, &err);
        mrq_log_open(NULL, MRQ_LOG_WARN);
        fclose(log);
        assert_int_equal(status, MRQ_OK);
        for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
            snprintf(told + strlen(told), sizeof told - strlen(told), "%s\n", strstr(line, "INFO"));
        assert_string_equal(told, n < MANY ? "INFO index kind=good build_seconds=1.0 measure_seconds=0.0 fastest\n"
                                             "INFO index kind=wrong build_seconds=1.0 measure_seconds=0.0\n"
                                           : "INFO index kind=good vectors=10000 dimensions=2 building\n"
                                             "INFO index kind=good build_seconds=1.0 measure_seconds=0.0 fastest\n"
                                             "INFO index kind=wrong vectors=10000 dimensions=2 building\n"
                                             "INFO index kind=wrong build_seconds=1.0 measure_seconds=0.0\n");
        free(text);
        mrq_free(choice.trial);
        mrq_index_free(index);
    }
}

static void a_trial_is_told_as_json(void **state)
{
    (void)state;
    const mrq_trial trial = {{"HNSW32,SQ8", 48, 40}, 0.98765432, 12.3456e-6, 1.5e-3, 500};
    bool told = false;
    int n = 0;
    assert_false(mrq_trial_tell(&trial, NULL));
    for (; !told && n < 200; n++) {
        cJSON *object = cJSON_CreateObject();
        atomic_store(&allocations_left, n);
        told = mrq_trial_tell(&trial, object);
        const bool failed = atomic_exchange(&allocations_left, INT_MAX) < 0;
        assert_true(told == !failed);
        if (told) {
            char *text = cJSON_PrintUnformatted(object);
            assert_string_equal(text,
                                "{\"factory\":\"HNSW32,SQ8\",\"efSearch\":48,\"rerank\":40,\"recall\":0.987654,\"p50_us\":12.35,"
                                "\"p99_us\":1500,\"queries\":500}");
            free(text);
        }
        cJSON_Delete(object);
    }
    assert_in_range(n, 14, 40);
}

static void memory_that_runs_out_is_told(void **state)
{
    (void)state;
    static const struct made_up kinds[] = {{"fast", MRQ_WAY_ASK, true, false, false, 48, 10},
                                           {"slow", MRQ_WAY_SCAN, false, true, false, 0, 50}};
    mrq_status status = MRQ_FAILED;
    int n = 0;
    for (; status != MRQ_OK && n < 500; n++) {
        char tried[9000];
        mrq_index *index = NULL;
        mrq_trial best;
        make(NULL);
        err = (mrq_error){0};
        atomic_store(&allocations_left, n);
        status = choose(kinds, 2, 0.95, &index, tried, sizeof tried, &best);
        const bool failed = atomic_exchange(&allocations_left, INT_MAX) < 0;
        if (status == MRQ_OK ? failed : status != MRQ_FAILED || !strstr(err.msg, "out of memory"))
            fail_msg("allocation %d fails: got %d, \"%s\"", n, (int)status, err.msg);
        assert_true((index != NULL) == (status == MRQ_OK));
        mrq_index_free(index);
        assert_int_equal(n_open, 0);
    }
    assert_in_range(n, 20, 499);
}

/* The same where one allocation fails alone: that it did is not found out by the next one. */
static void memory_that_is_short_for_a_moment_is_told(void **state)
{
    one_fails_alone = true;
    memory_that_runs_out_is_told(state);
    one_fails_alone = false;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(each_kind_goes_up_its_own_settings, make),
        cmocka_unit_test_setup(the_fastest_of_several_kinds_is_kept, make),
        cmocka_unit_test_setup(what_is_past_all_hope_is_not_tried_further, make),
        cmocka_unit_test_setup(each_half_of_the_queries_has_its_part, make),
        cmocka_unit_test_setup(slow_searches_are_measured_once, make),
        cmocka_unit_test_setup(a_recall_that_is_not_reached_is_told_with_the_best, make),
        cmocka_unit_test_setup(recall_is_of_the_best_ten_or_of_all, make),
        cmocka_unit_test_setup(auto_is_what_fits_the_vectors, make),
        cmocka_unit_test_setup(the_log_tells_how_long_each_kind_took, make),
        cmocka_unit_test_setup(a_trial_is_told_as_json, make),
        cmocka_unit_test_setup(memory_that_runs_out_is_told, make),
        cmocka_unit_test_setup(memory_that_is_short_for_a_moment_is_told, make),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
