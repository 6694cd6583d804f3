/* What `marquee eval` prints: the JSON whole or, where memory runs out, none of it; tables of what there is and no other. */
#include <math.h>

#include "base/json.h"
#include "tools/print_eval.h"
#include "unit/failing_memory.h"
#include "unit/small_world.h"

static mrq_error err;
static char *folder;

enum { SEEDS = 2, GROUPS = 3 };

/* Two baselines and a model over two seeds; the first baseline predicts stars and does not rank. */
static struct world {
    small_data *small;
    mrq_description description;
    mrq_group group[GROUPS];
    double recall[SEEDS], ndcg[SEEDS];
    eval_report report;
    index_check index;
} w;

static int make(void **state)
{
    (void)state;
    memset(&w, 0, sizeof w);
    w.small = small_data_new(20, 15, 90);
    const mrq_column *gender = &w.small->data.users->column[0];
    for (uint32_t g = 0; g < GROUPS; g++)
        w.group[g] = (mrq_group){gender, g % 2, 20 + g, {0.1 * g, 0.05 * g, 0.15 * g}, {0.2, 0.1, 0.3}};
    for (uint32_t s = 0; s < SEEDS; s++) {
        w.recall[s] = 0.25 + s;
        w.ndcg[s] = 0.5 + s;
    }
    const mrq_summary ranks = {.seeds = SEEDS,
                               .ranked_users = 17,
                               .cuts = {3, {5, 10, 20}},
                               .recall = w.recall,
                               .ndcg = w.ndcg,
                               .coverage = 0.75,
                               .popularity = NAN,
                               .diversity = 0.5,
                               .n_groups = GROUPS,
                               .group = w.group};
    w.report = (eval_report){
        .experiment = {.data = &w.small->data, .protocol = MRQ_PROTOCOL_TOPN, .seed = 3, .seeds = SEEDS, .n = 3},
        .candidate = {{.name = "bias", .baseline = MRQ_BASELINE_BIAS},
                      {.name = "random", .baseline = MRQ_BASELINE_RANDOM},
                      {.name = "own", .description = &w.description}},
        .result = {
            {.train_seconds = 1, .rank_seconds = NAN, .summary = {.rated = 90, .rmse = {1, 0.5, 1.5}, .mae = {0.75, 0.5, 1}}},
            {.train_seconds = NAN, .rank_seconds = 2, .summary = ranks},
            {.train_seconds = 3, .rank_seconds = 4, .summary = ranks}}};
    w.index = (index_check){12, 0.75, 0.5};
    add_note(&w.report, "%s is left out: %d", "one", 1);
    add_note(&w.report, "another");
    w.report.index = &w.index;
    w.report.experiment.candidate = w.report.candidate;
    return 0;
}

static int clear(void **state)
{
    (void)state;
    small_data_free(w.small);
    return 0;
}

/* What is printed from now on goes into a file; printed() ends that, and reads it. */
static int screen;

static void begin_to_print(void)
{
    char path[200];
    snprintf(path, sizeof path, "%s/out", folder);
    fflush(stdout);
    screen = dup(1);
    assert_true(screen >= 0);
    const int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);
    assert_int_equal(dup2(fd, 1), 1);
    close(fd);
}

static char *printed(void)
{
    char path[200];
    size_t size;
    snprintf(path, sizeof path, "%s/out", folder);
    fflush(stdout);
    dup2(screen, 1);
    close(screen);
    return (char *)read_bytes(path, &size);
}

static mrq_status print_json(char **text)
{
    const eval_report reports[] = {w.report, w.report};
    begin_to_print();
    const mrq_status status = print_reports_json(&w.small->data, (eval_source){.folder = "/data"}, reports, 2, &err);
    *text = printed();
    return status;
}

static void a_document_without_memory_is_none(void **state)
{
    (void)state;
    MRQ_AUTOFREE char *whole = NULL;
    assert_ok(print_json(&whole));
    assert_int_equal(count_text(whole, "\"name\":"), 6);
    assert_int_equal(count_text(whole, "\"notes\":[\"one is left out: 1\",\"another\"]"), 2);
    assert_int_equal(count_text(whole, "\"by_seed\":{\"recall@10\":[0.25,1.25],\"ndcg@10\":[0.5,1.5]}"), 4);
    assert_int_equal(count_text(whole, "\"index\":{\"users\":12,\"same_set\":0.75,\"same_order\":0.5}"), 2);
    assert_int_equal(count_text(whole, "\"column\":\"gender\""), 12);
    assert_int_equal(count_text(whole, "\"seeds\":[3,4]"), 2);
    for (int alone = 1; alone >= 0; alone--) {
        mrq_status status = MRQ_FAILED;
        int n = 0;
        one_fails_alone = alone;
        for (; status != MRQ_OK; n++) {
            MRQ_AUTOFREE char *text = NULL;
            const eval_report *report = &w.report;
            err = (mrq_error){0};
            begin_to_print();
            atomic_store(&allocations_left, n);
            status = print_reports_json(&w.small->data, (eval_source){.folder = "/data"}, report, 1, &err);
            const bool failed = atomic_exchange(&allocations_left, INT_MAX) < 0;
            text = printed();
            if (status == MRQ_OK ? failed : strcmp(err.msg, "out of memory while printing the results") != 0 || *text)
                fail_msg("allocation %d fails: got %d, \"%s\", and \"%.60s\"", n, (int)status, err.msg, text);
        }
        assert_in_range(n, 300, 2000);
    }
    one_fails_alone = false;
}

static void tables_tell_what_there_is(void **state)
{
    (void)state;
    begin_to_print();
    print_reports(&w.report, 1);
    MRQ_AUTOFREE char *all = printed();
    assert_int_equal(count_text(all, "\nby group of users; "), 1);
    assert_int_equal(count_text(all, "gender000"), 2); /* of the model alone */
    assert_int_equal(count_text(all, "\nnote: "), 2);
    w.report.result[1].summary.n_groups = w.report.result[2].summary.n_groups = 0;
    begin_to_print();
    print_reports(&w.report, 1);
    MRQ_AUTOFREE char *without = printed();
    assert_null(strstr(without, "by group of users"));
    assert_ptr_equal(without + strlen(without), strstr(without, "\nindex: ") + strlen(strstr(all, "\nindex: ")));
    assert_memory_equal(without, all, (size_t)(strstr(all, "\nby group of users") - all));
}

static void notes_end_where_there_is_no_room(void **state)
{
    (void)state;
    char text[300];
    memset(text, 'n', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    for (int i = 0; i < 2 * EVAL_NOTES_MAX; i++)
        add_note(&w.report, "%s", text);
    assert_int_equal(w.report.n_notes, EVAL_NOTES_MAX);
    assert_string_equal(w.report.note[1], "another");
    assert_int_equal(strlen(w.report.note[EVAL_NOTES_MAX - 1]), sizeof w.report.note[0] - 1);
    assert_ptr_equal(w.report.index, &w.index); /* what stands behind them */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_document_without_memory_is_none, make, clear),
        cmocka_unit_test_setup_teardown(tables_tell_what_there_is, make, clear),
        cmocka_unit_test_setup_teardown(notes_end_where_there_is_no_room, make, clear),
    };
    folder = temporary_folder();
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    temporary_remove(folder);
    return failed;
}
