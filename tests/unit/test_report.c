/* The reports of a rebuild, whole: what stands in the page and in the JSON for every way in which a night may end. */
#include <math.h>

#include "base/json.h"
#include "index/backend.h"
#include "job/job.h"
#include "unit/expected.h"
#include "unit/small_world.h"

static mrq_error err;
static char *folder;

#define RATING "\"lr\":0.01,\"batch\":256,\"epochs\":3,\"validation\":0.02"
#define MODEL  SMALL(SMALL_COSINE, SMALL_DENSE, SMALL_DENSE_USER, SMALL_DENSE_ITEM, RATING)

/* A server that is never asked. */
const char *__wrap_mrq_backend_label(const mrq_backend *backend);
const char *__wrap_mrq_backend_label(const mrq_backend *backend)
{
    return backend ? "milvus://host:19530/<items>" : "none";
}
static char server;
#define BACKEND (mrq_backend *)(void *)&server

static mrq_rebuild_options all_options(void)
{
    return (mrq_rebuild_options){.data = "/data/<ml>",
                                 .schema = NULL,
                                 .store = "/store \"one\" \xff",
                                 .model = "fusion",
                                 .epochs = 3,
                                 .warm_start = true,
                                 .index = "auto",
                                 .recall = 0.99,
                                 .min_recall = 0.985,
                                 .max_shrink = 0.15,
                                 .keep = 7,
                                 .warm = 100,
                                 .seed = 9007199254740993,
                                 .threads = 2,
                                 .test = 0.1};
}

static mrq_model_results results(double better)
{
    return (mrq_model_results){.seed = 1,
                               .train_ratings = 900000,
                               .valid_ratings = 20000,
                               .test_ratings = 80209,
                               .data_fingerprint = 0xfeed,
                               .threads = 2,
                               .epochs = 3,
                               .best_epoch = 2,
                               .rating_min = 1,
                               .rating_max = 5,
                               .train_rmse = 0.8123 - better,
                               .valid_rmse = 0.8512 - better,
                               .test_rmse = 0.8556 - better,
                               .test_recall = NAN,
                               .test_ndcg = NAN,
                               .schema = "ml-1m",
                               .split = "hash",
                               .test_share = 0.1,
                               .blas_core = "Haswell",
                               .blas_chosen_by = "us"};
}

static mrq_trial trial(const char *factory, uint32_t parameter, double recall, double microseconds)
{
    mrq_trial t = {.settings = {.parameter = parameter}, .recall = recall, .p50 = 1e-6 * microseconds, .n_queries = 500};
    snprintf(t.settings.factory, sizeof t.settings.factory, "%s", factory);
    t.p99 = 3 * t.p50;
    return t;
}

enum { TRIALS = 26 };
static mrq_train_epoch curve[3];
static mrq_trial trials[TRIALS];

/* A night in which all went well: what the others are made from. */
static mrq_rebuild_report full_report(void)
{
    mrq_rebuild_report r = {.outcome = MRQ_PUBLISHED,
                            .started = "2026-01-31T02:00:00Z",
                            .seconds = 61.2345,
                            .schema = "ml-1m",
                            .users = 6040,
                            .noun = {"movie", "movies"},
                            .items = 3883,
                            .ratings = 1000209,
                            .fingerprint = 0x1234,
                            .has_serving = true,
                            .serving = {.generation = "20260130T020000Z-0123456789abcdef", .items = 3880, .results = results(0)},
                            .made = {.generation = "20260131T020000Z-fedcba9876543210",
                                     .items = 3883,
                                     .noun = {"movie", "movies"},
                                     .kept = 3879,
                                     .results = results(0.0031)},
                            .warm_started = true,
                            .description = describe(MODEL),
                            .n_epochs = 3,
                            .epoch = curve,
                            .judged = true,
                            .warmed = 12,
                            .pruned = 3};
    for (int i = 0; i < MRQ_STEPS; i++)
        r.step[i] = i == MRQ_STEP_UPLOAD ? NAN : 1.2345678 * (i + 1);
    for (int i = 0; i < 3; i++)
        curve[i] = (mrq_train_epoch){.epoch = i + 1,
                                     .epochs = 3,
                                     .train_rmse = 0.9123456789 - 0.05 * i,
                                     .valid_rmse = i ? 0.87 + 0.004 * i : (double)NAN,
                                     .test_rmse = 0.8612344 - 0.003 * i,
                                     .seconds = 1.23456 + i,
                                     .samples_per_second = 1e6,
                                     .best = i != 2};
    /* Eight kinds, of which the last stands in no picture; two of a kind that do not stand together; one without an parameter. */
    static const char *const kinds[] = {"HNSW16", "IVF64", "HNSW32", "IVF64", "Flat", "SQ8", "PQ8", "NSG32", "LSH"};
    for (uint32_t i = 0; i < TRIALS; i++)
        trials[i] = trial(kinds[i % 9], i % 9 == 4 ? 0 : 10 * i, 0.9 + 0.003 * i, 20 + 3 * i);
    r.choice = (mrq_choice){.best = trial("HNSW32", 64, 0.9912, 41.5), .n = TRIALS, .trial = trials};
    const mrq_rebuild_options options = all_options();
    r.comparison = (mrq_comparison){5900, 79000, 0.8301234, 0.8334567, 0.0033333, 0.0011111, 0.0055555};
    mrq_gates_judge(&options, &r);
    return r;
}

/* Writes both reports into the folder and compares them. */
static void assert_reports(const mrq_rebuild_options *options, const mrq_rebuild_report *r, const char *name)
{
    static const char *const kinds[] = {"html", "json"};
    mrq_rebuild_options here = *options;
    char path[300], expected[100];
    mrq_writer page MRQ_CLEANUP(mrq_writer_close) = {0};
    size_t size;
    mrq_writer_open(&page);
    assert_ok(mrq_report_html(options, r, &page, &err));
    snprintf(expected, sizeof expected, "report-%s.html", name);
    assert_expected(page.data, page.size, expected);

    here.store = folder;
    assert_ok(mrq_report_save(&here, r, &err));
    for (int i = 0; i < 2; i++) {
        snprintf(path, sizeof path, "%s/report.%s", folder, kinds[i]);
        MRQ_AUTOFREE char *text = (char *)read_bytes(path, &size);
        char *store = strstr(text, folder);
        if (i) { /* the page has been compared */
            assert_non_null(store);
            memset(store, '-', strlen(folder));
            memmove(store + 1, store + strlen(folder), strlen(store + strlen(folder)) + 1);
            snprintf(expected, sizeof expected, "report-%s.json", name);
            assert_expected(text, strlen(text), expected);
        }
        assert_int_equal(unlink(path), 0);
    }
}

static void a_published_night_is_told_whole(void **state)
{
    (void)state;
    mrq_rebuild_options options = all_options();
    mrq_rebuild_report r = full_report();
    options.backend = BACKEND;
    r.step[MRQ_STEP_UPLOAD] = 0.5;
    r.uploaded = (mrq_uploaded){.rows = 3883, .sent = 11, .measured = trial("HNSW32", 64, 0.9876, 1234.5), .removed = 2};
    assert_reports(&options, &r, "published");
}

static void a_refused_night_is_told_whole(void **state)
{
    (void)state;
    mrq_rebuild_options options = all_options();
    mrq_rebuild_report r = full_report();
    options.backend = BACKEND;
    options.force = true;
    options.epochs = 0;
    options.min_recall = NAN;
    options.warm_start = false;
    options.cache = (mrq_cache *)(void *)&server; /* nor this one */
    r.outcome = MRQ_REFUSED;
    r.warm_started = false;
    snprintf(r.warm_note, sizeof r.warm_note, "its <seed> is 2");
    snprintf(r.reason, sizeof r.reason, "not published: test RMSE & more");
    r.made.results.test_rmse = 0.87;
    r.made.kept = 3000;
    r.choice.n = 24; /* few enough for parameters beside the points */
    for (int i = MRQ_STEP_UPLOAD; i < MRQ_STEPS; i++)
        r.step[i] = NAN;
    r.made.results.evidence =
        (mrq_evidence){.events = 300, .likes = 300, .busiest_user = 150, .most_liked = 149, .users_with_two = 10, .value = NAN};
    snprintf(r.noun.one, sizeof r.noun.one, "<item>");
    r.comparison = (mrq_comparison){5900, 79000, 0.8434567, 0.8334567, -0.01, -0.0123, -0.0077};
    r.choice.best.recall = 0.9699;
    mrq_gates_judge(&options, &r);
    assert_reports(&options, &r, "refused");
}

/* A ranking, in a store that had nothing. */
static void a_first_night_is_told_whole(void **state)
{
    (void)state;
    const mrq_rebuild_options options = all_options();
    mrq_rebuild_report r = full_report();
    r.has_serving = false;
    r.serving = (mrq_facts){.items = 0};
    snprintf(r.serving_note, sizeof r.serving_note, "/store: no <generation>");
    r.made.results.ranks = true;
    r.made.results.train_rmse = r.made.results.valid_rmse = r.made.results.test_rmse = NAN;
    r.made.results.test_recall = 0.1234567;
    r.made.results.test_ndcg = 0.2345678;
    r.n_epochs = 0;
    r.epoch = NULL;
    r.choice.n = 1;
    r.comparison = (mrq_comparison){.users = 0};
    r.choice.best.recall = 1;
    mrq_gates_judge(&options, &r);
    assert_reports(&options, &r, "first");
}

/* Two nights that told little: one that failed in its first step, and one that was killed. */
static void a_night_that_came_to_nothing_is_told_whole(void **state)
{
    (void)state;
    const mrq_rebuild_options options = all_options();
    mrq_rebuild_report r = {.outcome = MRQ_NOT_DONE, .started = "2026-01-31T02:00:00Z", .description = describe(MODEL)};
    for (int i = 0; i < MRQ_STEPS; i++)
        r.step[i] = NAN;
    r.step[MRQ_STEP_LOAD] = 0.00004;
    snprintf(r.reason, sizeof r.reason, "cannot open /data/<ml>");
    assert_reports(&options, &r, "failed");
    r.outcome = MRQ_RUNNING;
    r.step[MRQ_STEP_LOAD] = NAN;
    r.reason[0] = '\0';
    assert_reports(&options, &r, "running");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_published_night_is_told_whole),
        cmocka_unit_test(a_refused_night_is_told_whole),
        cmocka_unit_test(a_first_night_is_told_whole),
        cmocka_unit_test(a_night_that_came_to_nothing_is_told_whole),
    };
    folder = temporary_folder();
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    temporary_remove(folder);
    return failed;
}
