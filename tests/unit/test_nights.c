/* The rebuild as whoever watches it sees it: every line of its log, every call of the watch, what is in the report; and what it
 * makes of each step that fails. What is measured is left out of the lines, and pinned beside them. */
#include <math.h>

#include "base/clock.h"
#include "base/log.h"
#include "job/job.h"
#include "unit/expected.h"
#include "unit/failing_memory.h"

static mrq_error err;
static char folder[160], sample[512], model[300];

/* Steps that fail, or come to something, when a test says so. */
static mrq_status train_is, upload_is, settle_is, warm_is, prune_is;
static mrq_train_end train_ends;
static const char *stays, *is_away; /* why the old generations and the backend are not tidied up */
static uint32_t uploads;

mrq_status __real_mrq_train(const mrq_dataset *data, const mrq_description *description, const mrq_train_options *options,
                            const mrq_train_watch *watch, mrq_train_result *out, mrq_error *error);
mrq_status __wrap_mrq_train(const mrq_dataset *data, const mrq_description *description, const mrq_train_options *options,
                            const mrq_train_watch *watch, mrq_train_result *out, mrq_error *error);
mrq_status __wrap_mrq_store_upload(const char *store, const mrq_generation *generation, mrq_backend *backend, double recall,
                                   const mrq_upload_watch *watch, mrq_uploaded *out, mrq_error *error);
mrq_status __wrap_mrq_store_settle(const char *store, const mrq_generation *generation, mrq_backend *backend, mrq_uploaded *out,
                                   mrq_error *error);
mrq_status __wrap_mrq_warm(const mrq_generation *generation, mrq_cache *cache, uint32_t n, uint32_t *warmed, mrq_error *error);
mrq_status __real_mrq_publication_prune(mrq_publication *publication, uint32_t keep, uint32_t *removed, mrq_error *error);
mrq_status __wrap_mrq_publication_prune(mrq_publication *publication, uint32_t keep, uint32_t *removed, mrq_error *error);
const char *__wrap_mrq_backend_label(const mrq_backend *backend);

mrq_status __wrap_mrq_train(const mrq_dataset *data, const mrq_description *description, const mrq_train_options *options,
                            const mrq_train_watch *watch, mrq_train_result *out, mrq_error *error)
{
    if (train_is != MRQ_OK)
        return mrq_fail(error, train_is, "the training failed");
    const mrq_status status = __real_mrq_train(data, description, options, watch, out, error);
    if (status == MRQ_OK && train_ends != MRQ_TRAIN_DONE) {
        out->end = train_ends;
        out->epoch = 2;
    }
    if (watch->stage)
        watch->stage(watch->context, "solving", 1, 2);
    return status;
}

mrq_status __wrap_mrq_store_upload(const char *store, const mrq_generation *generation, mrq_backend *backend, double recall,
                                   const mrq_upload_watch *watch, mrq_uploaded *out, mrq_error *error)
{
    assert_true(store && generation && backend && recall == 0.99); /* NOLINT: as it was given */
    uploads++;
    watch->rows(watch->context, 3, 4);
    *out = (mrq_uploaded){.rows = 400, .sent = 9, .measured = {.recall = 0.9876, .p50 = 12e-6}};
    return upload_is == MRQ_OK ? MRQ_OK : mrq_fail(error, upload_is, "the upload failed");
}

mrq_status __wrap_mrq_store_settle(const char *store, const mrq_generation *generation, mrq_backend *backend, mrq_uploaded *out,
                                   mrq_error *error)
{
    assert_true(store && generation && backend);
    out->removed = 2;
    return settle_is == MRQ_OK ? MRQ_OK : mrq_fail(error, settle_is, "%s", is_away);
}

mrq_status __wrap_mrq_warm(const mrq_generation *generation, mrq_cache *cache, uint32_t n, uint32_t *warmed, mrq_error *error)
{
    (void)cache;
    assert_true(generation && n == 100);
    *warmed = 11;
    return warm_is == MRQ_OK ? MRQ_OK : mrq_fail(error, warm_is, "nothing could be warmed");
}

mrq_status __wrap_mrq_publication_prune(mrq_publication *publication, uint32_t keep, uint32_t *removed, mrq_error *error)
{
    assert_int_equal(keep, 7);
    return prune_is == MRQ_OK ? __real_mrq_publication_prune(publication, keep, removed, error)
                              : mrq_fail(error, prune_is, "%s", stays);
}

const char *__wrap_mrq_backend_label(const mrq_backend *backend)
{
    return backend ? "milvus://host:19530/items" : "none";
}

static char server;

static int begin(void **state)
{
    (void)state;
    train_is = upload_is = settle_is = warm_is = prune_is = MRQ_OK;
    train_ends = MRQ_TRAIN_DONE;
    stays = "they stay";
    is_away = "the backend is away";
    uploads = 0;
    return 0;
}

static mrq_rebuild_options usual(const char *name)
{
    static char where[300];
    snprintf(where, sizeof where, "%s/%s", folder, name);
    return (mrq_rebuild_options){.data = sample,
                                 .store = where,
                                 .model = model,
                                 .index = "Flat",
                                 .recall = 0.99,
                                 .min_recall = NAN,
                                 .max_shrink = 0.1,
                                 .keep = 7,
                                 .warm = 100,
                                 .seed = 1,
                                 .threads = 1,
                                 .test = 0.1};
}

/* What the watch was told. */
static struct {
    uint32_t batches, epochs, stages, uploads;
    uint64_t done, total;
    char steps[100];
} told;

static void on_batch(void *context, int64_t epoch, uint64_t done, uint64_t total, double rmse, double samples_per_second)
{
    assert_ptr_equal(context, &told);
    assert_in_range(epoch, 1, 3);
    assert_true(rmse > 0 && rmse < 5 && samples_per_second >= 0);
    told.batches++;
    told.done = done;
    told.total = total;
}

static void on_epoch(void *context, const mrq_train_epoch *all, uint32_t n)
{
    assert_ptr_equal(context, &told);
    assert_int_equal(all[n - 1].epoch, n);
    told.epochs++;
}

static void on_stage(void *context, const char *doing, uint32_t done, uint32_t of)
{
    assert_ptr_equal(context, &told);
    assert_true(strcmp(doing, "solving") == 0 && done == 1 && of == 2);
    told.stages++;
}

static void on_step(void *context, mrq_step step)
{
    assert_ptr_equal(context, &told);
    snprintf(told.steps + strlen(told.steps), sizeof told.steps - strlen(told.steps), "%s ", mrq_step_names[step]);
}

static void on_upload(void *context, uint32_t done, uint32_t of)
{
    assert_ptr_equal(context, &told);
    assert_true(done == 3 && of == 4);
    told.uploads++;
}

static const mrq_rebuild_watch watch = {
    .train = {.context = &told, .batch = on_batch, .epoch = on_epoch, .stage = on_stage}, .step = on_step, .upload = on_upload};

/* Rebuilds, and adds the lines of its log to `page`: without their time, with "#" for numbers with a point and for names of
 * generations, and "FOLDER" for ours. Checks what was measured. */
static mrq_rebuild_report rebuild(const mrq_rebuild_options *options, mrq_status want, mrq_writer *page)
{
    mrq_rebuild_report r;
    FILE *f = tmpfile();
    char line[4096];
    mrq_log_open(f, MRQ_LOG_INFO);
    const double began = mrq_clock();
    err = (mrq_error){0};
    const mrq_status status = mrq_rebuild(options, &watch, &r, &err);
    const double took = mrq_clock() - began;
    mrq_log_open(NULL, MRQ_LOG_INFO);
    double sum = 0;
    for (int i = 0; i < MRQ_STEPS; i++) {
        assert_true(isnan(r.step[i]) || (r.step[i] >= 0 && r.step[i] <= took));
        sum += isnan(r.step[i]) ? 0 : r.step[i];
    }
    assert_true(sum <= r.seconds + 1e-9 && r.seconds > 0 && r.seconds <= took);
    rewind(f);
    while (fgets(line, sizeof line, f)) {
        if (!strstr(line, " rebuild "))
            continue; /* other rooms' */
        for (char *at = line + MRQ_TIME_TEXT; *at;) {
            const size_t n = strspn(at, "0123456789"), m = n && at[n] == '.' ? strspn(at + n + 1, "0123456789") : 0;
            const size_t name = strspn(at, "0123456789TZ-abcdef");
            if (strncmp(at, folder, strlen(folder)) == 0) {
                mrq_writer_put(page, "FOLDER");
                at += strlen(folder);
            } else if (strncmp(at, sample, strlen(sample)) == 0) {
                mrq_writer_put(page, "SAMPLE");
                at += strlen(sample);
            } else if (m || name > 20) {
                mrq_writer_put(page, "#");
                at += m ? n + 1 + m : name;
            } else {
                const size_t whole = n ? n : 1;
                mrq_writer_put(page, "%.*s", (int)whole, at);
                at += whole;
            }
        }
    }
    fclose(f);
    if (status != want)
        fail_msg("%s", err.msg);
    mrq_writer_put(page, "= %s: %s\n", mrq_outcome_names[r.outcome], *r.reason ? "with a reason" : "");
    return r;
}

static void assert_near(double got, double want)
{
    if (!(fabs(got - want) <= 2e-4 * fabs(want)))
        fail_msg("%.7g, want %.7g", got, want);
}

/* Two nights, the second with a server beside the store. */
static void two_nights_are_told_whole(void **state)
{
    (void)state;
    mrq_rebuild_options options = usual("two");
    mrq_writer page MRQ_CLEANUP(mrq_writer_close) = {0};
    mrq_writer_open(&page);
    memset(&told, 0, sizeof told);
    mrq_rebuild_report r = rebuild(&options, MRQ_OK, &page);
    assert_string_equal(told.steps, "load train export gates warm publish prune ");
    assert_int_equal(told.epochs, 3);
    assert_int_equal(told.stages, 1);
    assert_int_equal(told.uploads, 0);
    assert_true(told.batches >= 3 && told.total > 0 && told.done <= told.total);
    assert_true(r.users == 600 && r.items == 400 && r.ratings == 19705 && r.fingerprint != 0);
    assert_string_equal(r.schema, "ml-1m");
    assert_true(r.warmed == 11 && r.pruned == 0 && r.made.items == 400 && r.made.kept == 0 && r.judged);
    assert_near(r.made.results.test_rmse, 0.7978735);
    assert_near(r.epoch[0].test_rmse, 0.9488127);
    const double first = r.made.results.test_rmse;
    char serving[MRQ_GENERATION_NAME];
    strcpy(serving, r.made.generation);
    mrq_rebuild_report_clear(&r);
    assert_true(!r.epoch && !r.choice.trial);

    options.backend = (mrq_backend *)(void *)&server;
    options.warm_start = true;
    options.epochs = 1;
    memset(&told, 0, sizeof told);
    r = rebuild(&options, MRQ_OK, &page);
    assert_string_equal(told.steps, "load train export gates upload warm publish prune ");
    assert_true(told.epochs == 1 && told.uploads == 1 && uploads == 1);
    assert_true(r.has_serving && r.made.kept == 400 && r.serving.items == 400 && r.warm_started);
    assert_string_equal(r.serving.generation, serving);
    assert_near(r.serving.results.test_rmse, first);
    assert_true(r.uploaded.rows == 400 && r.uploaded.sent == 9 && r.uploaded.removed == 2);
    mrq_rebuild_report_clear(&r);
    assert_expected(page.data, page.size, "nights.log");
}

/* A step that fails, or comes to less than all, in a store that serves. */
static void each_step_that_fails_is_told(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        mrq_status *is;
        mrq_status status, want;
        mrq_outcome outcome;
        const char *says; /* in the reason; of a rebuild that fails also in the error */
    } cases[] = {{"training", &train_is, MRQ_BAD_FILE, MRQ_BAD_FILE, MRQ_NOT_DONE, "the training failed"},
                 {"upload", &upload_is, MRQ_UNAVAILABLE, MRQ_UNAVAILABLE, MRQ_NOT_DONE, "the upload failed"},
                 {"settling", &settle_is, MRQ_UNAVAILABLE, MRQ_OK, MRQ_PUBLISHED,
                  "the backend could not be cleaned up: the backend is away"},
                 {"warming", &warm_is, MRQ_FAILED, MRQ_FAILED, MRQ_NOT_DONE, "nothing could be warmed"},
                 {"pruning", &prune_is, MRQ_FAILED, MRQ_OK, MRQ_PUBLISHED, "old generations could not be removed: they stay"}};
    mrq_rebuild_options options = usual("steps");
    mrq_writer page MRQ_CLEANUP(mrq_writer_close) = {0};
    mrq_writer_open(&page);
    options.epochs = 1;
    options.backend = (mrq_backend *)(void *)&server;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        begin(NULL);
        *cases[i].is = cases[i].status;
        mrq_writer_put(&page, "%s\n", cases[i].name);
        mrq_rebuild_report r = rebuild(&options, cases[i].want, &page);
        assert_int_equal(r.outcome, cases[i].outcome);
        assert_string_equal(r.reason, cases[i].says);
        if (cases[i].want != MRQ_OK)
            assert_string_equal(err.msg, cases[i].says);
        mrq_rebuild_report_clear(&r);
    }
    begin(NULL);
    mrq_writer_put(&page, "lost\n");
    train_ends = MRQ_TRAIN_LOST;
    mrq_rebuild_report r = rebuild(&options, MRQ_OK, &page);
    assert_string_equal(r.reason, "the loss exploded in epoch 2 of 1; epoch 1, the best before, was taken");
    mrq_rebuild_report_clear(&r);
    mrq_writer_put(&page, "interrupted\n");
    train_ends = MRQ_TRAIN_INTERRUPTED;
    r = rebuild(&options, MRQ_FAILED, &page);
    assert_string_equal(r.reason, "stopped in epoch 2 of 1; nothing has changed");
    assert_int_equal(r.outcome, MRQ_NOT_DONE);
    mrq_rebuild_report_clear(&r);
    begin(NULL);
    mrq_writer_put(&page, "refused and forced\n");
    options.min_recall = 1.5;
    r = rebuild(&options, MRQ_FAILED, &page);
    assert_int_equal(r.outcome, MRQ_REFUSED);
    mrq_rebuild_report_clear(&r);
    options.force = true;
    r = rebuild(&options, MRQ_OK, &page);
    assert_string_equal(r.reason, "forced, although recall@10 of the index is 1.0000, want at least 1.5000");
    mrq_rebuild_report_clear(&r);
    mrq_writer_put(&page, "a start that is not honest\n");
    options.force = false;
    options.min_recall = NAN;
    options.warm_start = true;
    options.test = 0.2;
    r = rebuild(&options, MRQ_OK, &page);
    assert_string_equal(r.warm_note,
                        "the serving model may have been trained on what is tested now: its test share is 0.1, this one's 0.2");
    mrq_rebuild_report_clear(&r);
    assert_expected(page.data, page.size, "failures.log");
}

/* Remarks stand one behind the other as far as there is room, and the last one is cut. */
static void remarks_end_where_the_reason_does(void **state)
{
    (void)state;
    mrq_rebuild_options options = usual("remarks");
    options.epochs = 1;
    options.backend = (mrq_backend *)(void *)&server;
    enum { REASON = sizeof((mrq_rebuild_report *)0)->reason };
    char first[REASON / 2], second[REASON / 2], all[3 * REASON];
    memset(first, 'f', sizeof first - 1);
    first[sizeof first - 1] = '\0';
    const size_t fits =
        REASON - sizeof "old generations could not be removed: ; the backend could not be cleaned up: " - strlen(first);
    const size_t sizes[] = {1, fits - 1, fits, fits + 1, sizeof second - 1};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        memset(second, 's', sizeof second);
        second[sizes[i]] = '\0';
        stays = first;
        is_away = second;
        prune_is = settle_is = MRQ_FAILED;
        mrq_rebuild_report r = {0};
        assert_ok(mrq_rebuild(&options, NULL, &r, &err));
        snprintf(all, sizeof all, "old generations could not be removed: %s; the backend could not be cleaned up: %s", first,
                 second);
        all[REASON - 1] = '\0';
        assert_string_equal(r.reason, all);
        assert_int_equal(r.started[4], '-'); /* what stands behind it in the report */
        mrq_rebuild_report_clear(&r);
    }
}

/* The gates at their limits, and shares that differ by less than they print. */
static void gates_stand_at_their_limits(void **state)
{
    (void)state;
    mrq_rebuild_options options = usual("none");
    mrq_rebuild_report r = {
        .has_serving = true,
        .made = {.items = 100, .kept = 90, .results = {.test_rmse = 0.5, .test_ndcg = NAN, .schema = "s", .split = "hash"}},
        .serving = {.items = 100}};
    static const struct {
        double recall, wanted, min_recall, limit;
        mrq_verdict verdict;
    } recalls[] = {{0.97, 0.99, NAN, 0.97, MRQ_PASSES}, {0, 0.02, NAN, 0, MRQ_PASSES},     {0, 0.01, NAN, 0, MRQ_PASSES},
                   {0.5, 0.99, 0.5, 0.5, MRQ_PASSES},   {0.49, 0.99, 0.5, 0.5, MRQ_FAILS}, {NAN, 0.99, NAN, 0.97, MRQ_FAILS}};
    for (size_t i = 0; i < sizeof recalls / sizeof *recalls; i++) {
        options.recall = recalls[i].wanted;
        options.min_recall = recalls[i].min_recall;
        r.choice.best.recall = recalls[i].recall;
        mrq_gates_judge(&options, &r);
        assert_int_equal(r.gate[MRQ_GATE_RECALL].verdict, recalls[i].verdict);
        assert_true(fabs(r.gate[MRQ_GATE_RECALL].limit - recalls[i].limit) < 1e-12);
    }
    static const struct {
        double shrink;
        uint32_t serving, kept;
        double limit;
        mrq_verdict verdict;
    } items[] = {{0.1, 100, 90, 90, MRQ_PASSES}, {0.1, 100, 89, 90, MRQ_FAILS}, {0.1, 101, 91, 91, MRQ_PASSES},
                 {0.1, 101, 90, 91, MRQ_FAILS},  {0, 3, 3, 3, MRQ_PASSES},      {0, 3, 2, 3, MRQ_FAILS},
                 {1, 3, 0, 0, MRQ_PASSES}};
    for (size_t i = 0; i < sizeof items / sizeof *items; i++) {
        options.max_shrink = items[i].shrink;
        r.serving.items = items[i].serving;
        r.made.kept = items[i].kept;
        mrq_gates_judge(&options, &r);
        assert_int_equal(r.gate[MRQ_GATE_ITEMS].verdict, items[i].verdict);
        assert_true(r.gate[MRQ_GATE_ITEMS].limit == items[i].limit && r.gate[MRQ_GATE_ITEMS].value == items[i].kept);
    }
    char text[120] = "before";
    mrq_model_results other = r.made.results;
    other.test_share = r.made.results.test_share + 0.9e-9;
    assert_false(mrq_protocols_differ(&r.made.results, &other, text, sizeof text));
    assert_string_equal(text, "before");
    other.test_share = r.made.results.test_share - 1.1e-9;
    assert_true(mrq_protocols_differ(&r.made.results, &other, text, sizeof text));
    r.has_serving = false;
    r.choice.best.recall = 0.5;
    mrq_gates_judge(&options, &r);
    assert_true(r.gate[MRQ_GATE_QUALITY].value == 0.5 && isnan(r.gate[MRQ_GATE_QUALITY].limit) &&
                isnan(r.gate[MRQ_GATE_ITEMS].value));
    assert_int_equal(r.gate[MRQ_GATE_RECALL].verdict, MRQ_FAILS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(two_nights_are_told_whole, begin),
        cmocka_unit_test_setup(each_step_that_fails_is_told, begin),
        cmocka_unit_test_setup(remarks_end_where_the_reason_does, begin),
        cmocka_unit_test_setup(gates_stand_at_their_limits, begin),
    };
    static const char text[] =
        "{\"name\":\"tiny\",\"score\":{\"kind\":\"cosine\",\"scale\":5},\"joint\":{\"size\":8},\"towers\":{\"user\":["
        "{\"feature\":\"id\",\"kind\":\"id\",\"embedding\":4}],\"item\":[{\"feature\":\"id\",\"kind\":\"id\",\"embedding\":4}]},"
        "\"train\":{\"lr\":0.01,\"batch\":256,\"epochs\":3,\"validation\":0.02}}";
    const char *source = getenv("MRQ_SOURCE");
    snprintf(sample, sizeof sample, "%s/data/sample", source ? source : ".");
    snprintf(folder, sizeof folder, "%s", temporary_folder());
    snprintf(model, sizeof model, "%s/tiny.json", folder);
    write_bytes(model, text, sizeof text - 1);
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    temporary_remove(folder);
    return failed;
}
