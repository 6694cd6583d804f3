/* The learning curve: the table to the letter, and pictures that hold what they should, as well-formed XML. */
#include "train/curve.h"

#include <math.h>

#include "unit/testing.h"

static mrq_error err;
static const char *folder;

enum { PASSES = 10000 };
static mrq_train_epoch epoch[PASSES];

/* Epochs as a run reports them, learning ever less; the parts that are not asked for are NaN. */
static void run(uint32_t n, bool valid, bool test)
{
    for (uint32_t i = 0; i < n; i++) {
        const double value = 0.8 + 0.2 / (i + 1);
        epoch[i] = (mrq_train_epoch){.epoch = i + 1,
                                     .epochs = n,
                                     .train_rmse = value,
                                     .valid_rmse = valid ? value + 0.03 : NAN,
                                     .test_rmse = test ? value + 0.05 : NAN,
                                     .seconds = 1.5,
                                     .samples_per_second = 2e6,
                                     .best = 1};
    }
}

/* Every tag is closed by its own name in its turn, attributes are quoted, and no bare '&' or '<' stands in between. */
static void check_xml(const char *text)
{
    char open[16][32];
    uint32_t depth = 0, elements = 0;
    for (const char *p = text; *p; p++) {
        if (*p == '&' && strncmp(p, "&#", 2) != 0)
            fail_msg("bare '&': %.60s", p);
        if (*p != '<')
            continue;
        const bool closing = p[1] == '/';
        char name[32] = "";
        assert_int_equal(sscanf(p + 1 + closing, "%31[a-z]", name), 1);
        const char *end = strchr(p, '>');
        assert_non_null(end);
        uint32_t quotes = 0;
        for (const char *q = p + 1; q < end; q++) {
            assert_int_not_equal(*q, '<');
            quotes += *q == '"';
        }
        assert_int_equal(quotes % 2, 0);
        if (closing) {
            assert_true(depth > 0);
            assert_string_equal(open[--depth], name);
        } else if (end[-1] != '/') {
            assert_true(depth < 16 && (depth > 0 || elements == 0));
            strcpy(open[depth++], name);
        }
        elements++;
        p = end;
    }
    assert_int_equal(depth, 0);
}

/* The picture of the first `n` epochs, which is well-formed and has no number that is none. */
static char *picture(const char *title, uint32_t n)
{
    char path[200];
    snprintf(path, sizeof path, "%s/curve.svg", folder);
    assert_ok(mrq_curve_svg(path, title, epoch, n, &err));
    size_t size;
    char *text = (char *)read_bytes(path, &size);
    check_xml(text);
    assert_null(strstr(text, "nan"));
    assert_null(strstr(text, "inf"));
    assert_ptr_equal(strstr(text, "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 720 420\" "), text);
    return text;
}

static void check_csv(uint32_t n, const char *want)
{
    char path[200];
    snprintf(path, sizeof path, "%s/curve.csv", folder);
    assert_ok(mrq_curve_csv(path, epoch, n, &err));
    size_t size;
    char *text = (char *)read_bytes(path, &size);
    assert_string_equal(text, want);
    mrq_free(text);
}

#define HEADER "epoch,train_rmse,valid_rmse,test_rmse,seconds,samples_per_second,best\n"

static void test_csv(void **state)
{
    (void)state;
    epoch[0] = (mrq_train_epoch){1, 3, 1.0000004, 0.95, NAN, 2.5, 1234567.6, 0, 1};
    epoch[1] = (mrq_train_epoch){2, 3, 0.9123456, 0.90, NAN, 2.25, 1e6, 0, 1};
    epoch[2] = (mrq_train_epoch){3, 3, 0.8, NAN, 0.912, INFINITY, NAN, 0, 0};
    check_csv(3, HEADER "1,1.000000,0.950000,,2.500,1234568,1\n"
                        "2,0.912346,0.900000,,2.250,1000000,1\n"
                        "3,0.800000,,0.912000,,,0\n");
    check_csv(0, HEADER);
}

static void test_locale(void **state)
{
    (void)state;
    turkish_locale(folder);
    run(1, false, false);
    check_csv(1, HEADER "1,1.000000,,,1.500,2000000,1\n");
    char *text = picture("t", 1), after[8];
    assert_non_null(strstr(text, "training 1.0000<"));
    snprintf(after, sizeof after, "%.1f", 0.5); /* the program's own locale is still in force */
    assert_string_equal(after, "0,5");
    mrq_free(text);
    setlocale(LC_ALL, "C");
}

static void test_svg(void **state)
{
    (void)state;
    run(20, true, true);
    for (uint32_t i = 8; i < 20; i++)
        epoch[i].best = 0;
    char *text = picture("fusion", 20);
    assert_int_equal(count_text(text, "<title>fusion</title>"), 1);
    assert_int_equal(count_text(text, "<desc>"), 1);
    assert_int_equal(count_text(text, "<polyline"), 3);
    assert_int_equal(count_text(text, "<circle"), 3 * 20 + 1);
    assert_non_null(strstr(text, ">training 0.8100<"));
    assert_non_null(strstr(text, ">validation 0.8400<"));
    assert_non_null(strstr(text, ">test 0.8600<"));
    assert_non_null(strstr(text, ">best: epoch 8, validation 0.8550<"));
    for (int number = 5; number <= 20; number += 5) {
        char tick[16];
        snprintf(tick, sizeof tick, ">%d</text>", number);
        assert_int_equal(count_text(text, tick), 1);
    }
    assert_int_equal(count_text(text, ">0.80</text>"), 1); /* 0.81 .. 1.05 */
    assert_int_equal(count_text(text, ">0.85</text>"), 1);
    assert_int_equal(count_text(text, ">1.05</text>"), 1);
    mrq_free(text);
}

/* The whole picture: its three lines, dashes, names and values, and the mark on the best epoch. */
static void test_picture_to_the_letter(void **state)
{
    (void)state;
    epoch[0] = (mrq_train_epoch){1, 3, 1.0, 0.95, NAN, 2.5, 1, 0, 1};
    epoch[1] = (mrq_train_epoch){2, 3, 0.9, 0.9, 0.98, 2.25, 1, 0, 1};
    epoch[2] = (mrq_train_epoch){3, 3, 0.8, 0.91, 0.97, 1, 1, 0, 0};
    char *text = picture("t", 3);
    assert_non_null(strstr(text, "<desc>Root mean squared error by training epoch, 3 in all; the best is epoch 2 with a validation "
                                 "RMSE of 0.9000.</desc>\n"));
    assert_non_null(strstr(text, ">epoch</text>\n"));
    assert_non_null(strstr(text, ">RMSE</text>\n"));
    const char *const lines = strstr(text, "<g fill=\"#0072b2\"");
    assert_non_null(lines);
    assert_string_equal(
        lines, "<g fill=\"#0072b2\" stroke=\"#0072b2\" stroke-width=\"2\">\n"
               "<polyline fill=\"none\" stroke-dasharray=\"none\" points=\" 84.0,76.0 383.0,222.0 682.0,368.0\"/>\n"
               "<circle cx=\"84.0\" cy=\"76.0\" r=\"2\"/>\n"
               "<circle cx=\"383.0\" cy=\"222.0\" r=\"2\"/>\n"
               "<circle cx=\"682.0\" cy=\"368.0\" r=\"2\"/>\n"
               "<path d=\"M70 50h26\" stroke-dasharray=\"none\"/>\n"
               "</g>\n"
               "<text x=\"103\" y=\"54\">training 0.8000</text>\n"
               "<g fill=\"#d55e00\" stroke=\"#d55e00\" stroke-width=\"2\">\n"
               "<polyline fill=\"none\" stroke-dasharray=\"none\" points=\" 84.0,149.0 383.0,222.0 682.0,207.4\"/>\n"
               "<circle cx=\"84.0\" cy=\"149.0\" r=\"2\"/>\n"
               "<circle cx=\"383.0\" cy=\"222.0\" r=\"2\"/>\n"
               "<circle cx=\"682.0\" cy=\"207.4\" r=\"2\"/>\n"
               "<path d=\"M275 50h26\" stroke-dasharray=\"none\"/>\n"
               "</g>\n"
               "<text x=\"308\" y=\"54\">validation 0.9100</text>\n"
               "<g fill=\"#009e73\" stroke=\"#009e73\" stroke-width=\"2\">\n"
               "<polyline fill=\"none\" stroke-dasharray=\"7 3\" points=\" 383.0,105.2 682.0,119.8\"/>\n"
               "<circle cx=\"383.0\" cy=\"105.2\" r=\"2\"/>\n"
               "<circle cx=\"682.0\" cy=\"119.8\" r=\"2\"/>\n"
               "<path d=\"M480 50h26\" stroke-dasharray=\"7 3\"/>\n"
               "</g>\n"
               "<text x=\"513\" y=\"54\">test 0.9700</text>\n"
               "<circle cx=\"383.0\" cy=\"222.0\" r=\"5.5\" fill=\"#d55e00\" stroke=\"#fff\" stroke-width=\"2\"/>\n"
               "<text x=\"383.0\" y=\"202.0\" text-anchor=\"middle\" font-weight=\"bold\" stroke=\"#fff\" stroke-width=\"4\" "
               "stroke-linejoin=\"round\" paint-order=\"stroke\">best: epoch 2, validation 0.9000</text>\n"
               "</svg>\n");
    mrq_free(text);
}

static void test_parts_left_out(void **state)
{
    (void)state;
    run(5, false, true);
    char *text = picture("t", 5);
    assert_int_equal(count_text(text, "<polyline"), 2);
    assert_null(strstr(text, "validation"));
    assert_non_null(strstr(text, ">best: epoch 5, test 0.8900<"));
    mrq_free(text);
    run(5, false, false);
    text = picture("t", 5);
    assert_int_equal(count_text(text, "<polyline"), 1);
    assert_non_null(strstr(text, ">best: epoch 5, training 0.8400<"));
    mrq_free(text);
    for (uint32_t i = 0; i < 5; i++) /* nothing at all: bare axes */
        epoch[i].train_rmse = i % 2 ? NAN : INFINITY;
    text = picture("t", 5);
    assert_int_equal(count_text(text, "<polyline") + count_text(text, "best:"), 0);
    mrq_free(text);
    free(picture("t", 0));
}

static void test_gaps(void **state)
{
    (void)state;
    run(6, true, false);
    for (uint32_t i = 0; i < 6; i++)
        if (i != 2)
            epoch[i].valid_rmse = NAN;
    char *text = picture("t", 6);
    assert_int_equal(count_text(text, "<polyline"), 2);
    assert_int_equal(count_text(text, "<circle"), 6 + 1 + 1);
    mrq_free(text);
}

static void test_single_pass(void **state)
{
    (void)state;
    run(1, true, true);
    char *text = picture("t", 1);
    assert_int_equal(count_text(text, "<circle"), 3 + 1); /* a line of one point shows nothing */
    assert_non_null(strstr(text, "cx=\"383.0\""));        /* the middle */
    assert_non_null(strstr(text, ">best: epoch 1, validation 1.0300<"));
    mrq_free(text);
}

static void test_equal_values(void **state)
{
    (void)state;
    const double values[] = {0.9, 0, 1e-9, 5e6};
    for (size_t v = 0; v < sizeof values / sizeof *values; v++) {
        for (uint32_t i = 0; i < 5; i++)
            epoch[i] = (mrq_train_epoch){.epoch = i + 1, .train_rmse = values[v], .valid_rmse = values[v], .test_rmse = NAN};
        char *text = picture("t", 5);
        const uint32_t lines = count_text(text, "H696\" stroke=\"#e2e2e2\"");
        assert_true(lines >= 3 && lines <= 10);
        assert_null(strstr(text, "best:")); /* none was marked */
        mrq_free(text);
    }
}

static void test_title(void **state)
{
    (void)state;
    run(2, true, true);
    char *text = picture("<a href=\"x\">&'\n\xff\xef\xbf\xbf \xc3\xa9", 2);
    assert_int_equal(count_text(text, ">&#60;a href=&#34;x&#34;&#62;&#38;&#39;??? \xc3\xa9</t"), 2); /* in <title> and in <text> */
    mrq_free(text);
    char longer[200] = "";
    memset(longer, 'x', sizeof longer - 1);
    text = picture(longer, 2);
    assert_non_null(strstr(text, "xxx...</text>")); /* cut where it would leave the picture */
    assert_non_null(strstr(text, longer));          /* whole in <title> */
    mrq_free(text);
}

static void test_many_passes(void **state)
{
    (void)state;
    run(PASSES, true, true);
    const uint32_t lengths[] = {999, 1000, 1998, 1999, PASSES};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        char *text = picture("t", lengths[i]);
        assert_true(strlen(text) < 50000);
        const char *line = strstr(text, "points=\""), *end = line ? strstr(line, "\"/>") : NULL;
        assert_non_null(end);
        uint32_t points = 0;
        for (const char *p = line; p < end; p++)
            points += *p == ',';
        assert_true(points > 450 && points <= 1000);
        assert_ptr_equal(strstr(line, " 84.0,"), line + 8);                    /* the first epoch */
        assert_true(strstr(line, " 682.0,") && strstr(line, " 682.0,") < end); /* and the last */
        assert_true(count_text(text, "V368\" stroke=\"#e2e2e2\"") <= 10);      /* ticks of the epochs */
        assert_int_equal(count_text(text, "<circle"), 1);
        mrq_free(text);
    }
}

static void test_unwritable(void **state)
{
    (void)state;
    run(2, true, true);
    char path[200];
    assert_fails(mrq_curve_csv(folder, epoch, 2, &err), MRQ_FAILED, folder); /* a folder stands there */
    assert_fails(mrq_curve_svg(folder, "t", epoch, 2, &err), MRQ_FAILED, folder);
    assert_fails(mrq_curve_svg("/dev/full", "t", epoch, 2, &err), MRQ_FAILED, "/dev/full");
    snprintf(path, sizeof path, "%s/missing/curve.csv", folder);
    assert_fails(mrq_curve_csv(path, epoch, 2, &err), MRQ_NOT_FOUND, path);
    assert_int_equal(mrq_curve_csv(path, epoch, 2, NULL), MRQ_NOT_FOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_csv),
        cmocka_unit_test(test_locale),
        cmocka_unit_test(test_svg),
        cmocka_unit_test(test_picture_to_the_letter),
        cmocka_unit_test(test_parts_left_out),
        cmocka_unit_test(test_gaps),
        cmocka_unit_test(test_single_pass),
        cmocka_unit_test(test_equal_values),
        cmocka_unit_test(test_title),
        cmocka_unit_test(test_many_passes),
        cmocka_unit_test(test_unwritable),
    };
    folder = temporary_folder();
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    temporary_remove(folder);
    return failed;
}
