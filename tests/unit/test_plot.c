/* Plots: what is drawn where, on linear and logarithmic axes. That the text is well-formed is checked with the learning curve. */
#include "base/plot.h"

#include <math.h>

#include "unit/testing.h"

static mrq_error err;

/* The picture; the caller frees it. */
static char *draw(const mrq_plot *plot)
{
    mrq_writer out MRQ_CLEANUP(mrq_writer_close) = {0};
    mrq_writer_open(&out);
    mrq_plot_draw(plot, &out);
    assert_false(out.failed);
    assert_null(strstr(out.data, "nan"));
    assert_null(strstr(out.data, "inf"));
    return strdup(out.data);
}

static void assert_ticks(const char *text, bool vertical, const char *const *want)
{
    const char *anchor = vertical ? "text-anchor=\"end\">" : "text-anchor=\"middle\">";
    for (; *want; want++) {
        char tick[80];
        snprintf(tick, sizeof tick, "%s%s</text>", anchor, *want);
        if (count_text(text, tick) != 1)
            fail_msg("no %s in %s", tick, text);
    }
}

static const double recall[] = {0.91, 0.95, 0.99, 0.999}, rate[] = {21000, 17000, 9000, 1200};

static void test_logarithmic(void **state)
{
    (void)state;
    const mrq_plot_series series = {.name = "HNSW32", .x = recall, .y = rate, .n = 4};
    mrq_plot plot = {.title = "t", .x_label = "recall", .y_label = "rate", .log_y = true, .series = &series, .n_series = 1};
    char *text = draw(&plot);
    assert_ticks(text, true, (const char *const[]){"1000", "2000", "5000", "10000", "20000", "50000", NULL});
    assert_ticks(text, false, (const char *const[]){"0.91", "0.95", "0.99", NULL});
    assert_null(strstr(text, ">500</text>"));
    assert_null(strstr(text, ">100000</text>"));
    assert_non_null(strstr(text, "points=\" 84.0,140.8")); /* log(21000 / 1000) / log(50) of 292 above 368 */
    free(text);
    plot.log_y = false;
    text = draw(&plot);
    assert_ticks(text, true, (const char *const[]){"0", "5000", "10000", "15000", "20000", "25000", NULL});
    free(text);
    const double wide[] = {1e-3, 1, 1e6, 1e9}, narrow[] = {90, 92, 100, 110};
    const mrq_plot_series two[] = {{.name = "wide", .x = wide, .y = narrow, .n = 4}};
    plot = (mrq_plot){.title = "t", .x_label = "x", .y_label = "y", .log_x = true, .log_y = true, .series = two, .n_series = 1};
    text = draw(&plot);
    assert_ticks(text, false, (const char *const[]){"0.001", "0.1", "10", "1000", "100000", "10000000", "1000000000", NULL});
    assert_ticks(text, true, (const char *const[]){"90", "95", "100", "105", "110", NULL}); /* no decade: linear ticks */
    free(text);
}

/* What is not finite, or not positive on a logarithmic axis, is left out; a series of nothing else is not in the legend. */
static void test_left_out(void **state)
{
    (void)state;
    const double x[] = {0, 1, 10, NAN}, y[] = {5, -1, 7, 8}, none[] = {0, -1, NAN, INFINITY};
    const mrq_plot_series series[] = {{.name = "first", .x = x, .y = y, .n = 4}, {.name = "none", .x = none, .y = y, .n = 4}};
    mrq_plot plot = {.title = "t", .x_label = "x", .y_label = "y", .log_x = true, .series = series, .n_series = 2};
    char *text = draw(&plot);
    assert_int_equal(count_text(text, "<circle"), 2);
    assert_int_equal(count_text(text, ">none</text>"), 0);
    free(text);
    plot.log_y = true;
    text = draw(&plot);
    assert_int_equal(count_text(text, "<circle"), 1);
    free(text);
    plot.n_series = 0;
    free(draw(&plot));
}

static void test_labels_and_legend(void **state)
{
    (void)state;
    const char *const labels[] = {"ef 16", NULL, "<ef>", "ef 256"};
    mrq_plot_series series[10];
    char names[10][16];
    for (int i = 0; i < 10; i++) {
        snprintf(names[i], sizeof names[i], "series %d", i);
        series[i] = (mrq_plot_series){.name = names[i], .x = recall, .y = rate, .n = 4, .points = i == 3};
    }
    series[0].label = labels;
    const mrq_plot plot = {.title = "t",
                           .x_label = "x & y",
                           .y_label = "y",
                           .series = series,
                           .n_series = 10,
                           .mark = "chosen",
                           .mark_x = 0.99,
                           .mark_y = 9000};
    char *text = draw(&plot);
    assert_non_null(strstr(text, "viewBox=\"0 0 720 486\"")); /* four rows of legend */
    for (int i = 0; i < 10; i++) {
        char entry[40];
        snprintf(entry, sizeof entry, ">series %d</text>", i);
        assert_int_equal(count_text(text, entry), 1);
    }
    assert_int_equal(count_text(text, "<polyline"), 9);
    assert_int_equal(count_text(text, "<circle"), 41);
    assert_int_equal(
        count_text(text, ">ef 16</text>") + count_text(text, ">&#60;ef&#62;</text>") + count_text(text, ">ef 256</text>"), 3);
    assert_int_equal(count_text(text, ">chosen</text>"), 1);
    assert_int_equal(count_text(text, ">x &#38; y</text>"), 1);
    free(text);
}

static void test_saved(void **state)
{
    (void)state;
    const char *folder = temporary_folder();
    const mrq_plot_series series = {.name = "a", .x = recall, .y = rate, .n = 4};
    const mrq_plot plot = {.title = "t", .x_label = "x", .y_label = "y", .series = &series, .n_series = 1};
    char path[200];
    snprintf(path, sizeof path, "%s/plot.svg", folder);
    assert_ok(mrq_plot_save(&plot, path, &err));
    mrq_map map;
    assert_ok(mrq_map_open(&map, path, &err));
    char *text = draw(&plot);
    assert_int_equal(map.size, strlen(text));
    assert_memory_equal(map.data, text, map.size);
    mrq_map_close(&map);
    free(text);
    assert_fails(mrq_plot_save(&plot, folder, &err), MRQ_FAILED, folder);
    temporary_remove(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_logarithmic),
        cmocka_unit_test(test_left_out),
        cmocka_unit_test(test_labels_and_legend),
        cmocka_unit_test(test_saved),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
