/* Plots: what is drawn where, on linear and logarithmic axes. That the text is well-formed is checked with the learning curve. */
#include "base/plot.h"

#include <math.h>

#include "unit/expected.h"

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

/* Where the legend has "first"; the caller frees it. */
static char *legend_of_first(const mrq_plot *plot)
{
    char *text = draw(plot), *end = strstr(text, ">first</text>");
    assert_non_null(end);
    *end = '\0';
    char *entry = strdup(strrchr(text, '<'));
    free(text);
    return entry;
}

static void what_is_not_drawn_has_no_place_in_the_legend(void **state)
{
    (void)state;
    const double x[] = {1, 10}, none[] = {NAN, INFINITY};
    const mrq_plot_series series[] = {{.name = "none", .x = none, .y = x, .n = 2}, {.name = "first", .x = x, .y = x, .n = 2}};
    const mrq_plot plot = {.title = "t", .x_label = "x", .y_label = "y", .series = series, .n_series = 2};
    mrq_plot alone = plot;
    alone.series = series + 1;
    alone.n_series = 1;
    char *want = legend_of_first(&alone), *got = legend_of_first(&plot);
    assert_string_equal(got, want);
    free(want);
    free(got);
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

/* Every kind of picture, one below the other in a page that one can look at. Each number of points is a place where something in
 * the drawing changes. */

static double up[4], values[10][4];

static void draw_one(mrq_writer *page, const char *title, bool log_x, bool log_y, uint32_t n, const double *x, const double *y)
{
    const mrq_plot_series series = {.name = "series", .x = x, .y = y, .n = n};
    mrq_plot_draw(
        &(mrq_plot){
            .title = title, .x_label = "x", .y_label = "y", .log_x = log_x, .log_y = log_y, .series = &series, .n_series = 1},
        page);
}

/* Points at the edges of what an axis can be, along a plain other axis. */
static void draw_axes(mrq_writer *page)
{
    static const struct {
        const char *title;
        bool log;
        uint32_t n;
        double value[6];
    } cases[] = {
        {"0 alone", false, 1, {0}},
        {"all equal", false, 2, {5, 5}},
        {"all equal below zero", false, 2, {-5, -5}},
        {"nearly equal", false, 2, {10000, 10000.9}},
        {"not so nearly equal", false, 2, {10000, 10001.2}},
        {"small", false, 3, {0.0011, 0.0017, 0.0031}},
        {"around zero", false, 3, {-3.7, 0.4, 5.9}},
        {"large", false, 3, {1e6, 2e6, 7.5e6}},
        {"the largest and too large", false, 5, {-9e99, 0, 9e99, 1e100, -1e100}},
        {"a step of 1", false, 2, {0, 6}},
        {"a step of 2", false, 2, {0, 6.5}},
        {"a step of 2, the last", false, 2, {0, 12}},
        {"a step of 5", false, 2, {0, 12.5}},
        {"a step of 5, the last", false, 2, {0, 30}},
        {"a step of 10", false, 2, {0, 30.5}},
        {"from 0.5, less than a decade", true, 3, {0.5, 2, 4}},
        {"hardly a step", true, 2, {100, 119}},
        {"a step, just", true, 2, {5, 6}},
        {"a step", true, 2, {100, 121}},
        {"a decade, nearly", true, 2, {1, 9.9}},
        {"a decade", true, 2, {1, 10}},
        {"from 3 to 40", true, 2, {3, 40}},
        {"four decades, nearly", true, 2, {2, 19999}},
        {"four decades", true, 2, {2, 20000}},
        {"nine decades", true, 2, {1e-3, 3e6}},
        {"ten decades", true, 2, {2e-3, 3e7}},
        {"the smallest and too small", true, 4, {1.1e-100, 1, 1e-100, 0.9e100}},
        {"none above zero", true, 2, {0, -1}},
    };
    static const double plain[] = {1, 2, 3, 4, 5, 6};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        mrq_writer_put(page, "<!-- %s, upright -->\n", cases[i].title);
        draw_one(page, cases[i].title, false, cases[i].log, cases[i].n, plain, cases[i].value);
        mrq_writer_put(page, "<!-- %s, along -->\n", cases[i].title);
        draw_one(page, cases[i].title, cases[i].log, false, cases[i].n, cases[i].value, plain);
    }
}

/* Legends of one row and more, lines and marks, dashes, notes at each side, titles that are too long. */
static void draw_series(mrq_writer *page)
{
    static const char *const notes[] = {"left", NULL, "<middle>", "right"};
    static const char long_title[] = "A title of seventy characters, which is as long as it may be, \xc3\xa4\xc3\xb6\xc3\xbc.!";
    mrq_plot_series series[10];
    char names[10][16], title[100];
    for (int i = 0; i < 10; i++) {
        for (int k = 0; k < 4; k++)
            values[i][k] = k == 2 ? 20 - 1.7 * i : 1.3 * i + k;
        snprintf(names[i], sizeof names[i], "series %d", i);
        series[i] =
            (mrq_plot_series){.name = names[i], .x = up, .y = values[i], .n = 4, .points = i == 3 || i == 9, .dashed = i == 1};
    }
    series[0].label = notes;
    series[9].label = notes;
    for (int k = 0; k < 4; k++)
        up[k] = (double[]){0.07, 1.1, 1.9, 3.2}[k];
    for (uint32_t n = 0; n <= 10; n += n == 4 ? 3 : n == 7 ? 2 : 1) {
        snprintf(title, sizeof title, "%s%s", long_title, n < 2 ? "" : "!");
        mrq_plot plot = {.title = n > 2 ? "More" : title,
                         .about = n ? "About <it>." : NULL,
                         .x_label = "x & more",
                         .y_label = "\"y\"",
                         .whole_x = n == 3,
                         .series = series,
                         .n_series = n,
                         .mark = n ? "chosen" : NULL,
                         .mark_x = n == 4   ? NAN
                                   : n == 1 ? 0.1
                                            : 1.9,
                         .mark_y = n == 7 ? 1e100 : 6,
                         .mark_series = n};
        mrq_writer_put(page, "<!-- %u series -->\n", n);
        mrq_plot_draw(&plot, page);
    }
}

static void pictures_are_as_they_were_looked_at(void **state)
{
    (void)state;
    mrq_writer page MRQ_CLEANUP(mrq_writer_close) = {0};
    mrq_writer_open(&page);
    draw_axes(&page);
    draw_series(&page);
    assert_false(page.failed);
    assert_expected(page.data, page.size, "plots.html");
}

/* A line has a thousand points at most, evenly chosen and the last always among them; it is marked when it has up to forty. */
static void long_lines_are_thinned_and_short_ones_marked(void **state)
{
    (void)state;
    static const struct {
        uint32_t n, joined, marked;
    } cases[] = {{1, 1, 1},      {40, 40, 40},   {41, 41, 0},     {999, 999, 0},  {1000, 501, 0},
                 {1001, 501, 0}, {1002, 502, 0}, {1998, 1000, 0}, {1999, 667, 0}, {2998, 751, 0}};
    static double x[3000], y[3000];
    for (int i = 0; i < 3000; i++) {
        x[i] = i;
        y[i] = i % 7;
    }
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const mrq_plot_series series = {.name = "a", .x = x, .y = y, .n = cases[i].n};
        const mrq_plot plot = {.title = "t", .x_label = "x", .y_label = "y", .series = &series, .n_series = 1};
        char *text = draw(&plot), *points = strstr(text, " points=\"") + 9;
        *strchr(points, '"') = '|';
        const uint32_t marked = count_text(text, "<circle");
        *strchr(points, '|') = '\0';
        if (count_text(points, ",") != cases[i].joined || marked != cases[i].marked)
            fail_msg("%u points: %u joined, %u marked", cases[i].n, count_text(points, ","), marked);
        assert_memory_equal(strrchr(points, ' '), cases[i].n == 1 ? " 383" : " 682", 4); /* the last */
        free(text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_logarithmic),
        cmocka_unit_test(test_left_out),
        cmocka_unit_test(what_is_not_drawn_has_no_place_in_the_legend),
        cmocka_unit_test(test_labels_and_legend),
        cmocka_unit_test(test_saved),
        cmocka_unit_test(pictures_are_as_they_were_looked_at),
        cmocka_unit_test(long_lines_are_thinned_and_short_ones_marked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
