/* Base room, texts: characters, sentences of errors, numbers read and printed, hosts, JSON, command lines, log and progress bar.
 * Each limit is tried on both sides. */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <pty.h>
#include <time.h>

#include "base/clock.h"
#include "base/host.h"
#include "base/json.h"
#include "base/log.h"
#include "base/option.h"
#include "base/parse.h"
#include "base/print.h"
#include "base/progress.h"
#include "base/utf8.h"
#include "base/writer.h"
#include "unit/expected.h"
#include "unit/failing_memory.h"

static mrq_error err;

/* Characters */

static void every_character_is_written_and_read(void **state)
{
    (void)state;
    for (uint32_t code = 0; code <= 0x110000; code++) {
        char bytes[5] = "";
        uint32_t back = 0;
        const size_t want = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4, n = mrq_utf8_write(code, bytes);
        const bool legal = code <= 0x10ffff && (code < 0xd800 || code > 0xdfff);
        assert_int_equal(n, want);
        assert_int_equal(mrq_utf8_read(bytes, n, &back), legal ? n : 0);
        assert_int_equal(back, legal ? code : 0);
        if (n > 1)
            assert_int_equal(mrq_utf8_read(bytes, n - 1, &back), 0); /* cut off */
        if (code)
            assert_int_equal(mrq_utf8_is_plain(bytes), legal && code >= 0x20 && (code < 0x7f || code > 0x9f));
        if (legal && code)
            assert_int_equal(mrq_utf8_columns(bytes), 1);
    }
}

static void what_is_not_utf8_is_not_read(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "\x80",  "\xbf",      "\xc0\x80",  "\xc1\xbf",      "\xe0\x9f\xbf",     "\xf0\x8f\xbf\xbf", "\xf8\x88\x80\x80\x80", "\xff",
        "\xc3(", "\xe2\x82(", "\xe2(\x82", "\xf0\x9f\x8e(", "\xf4\x90\x80\x80", "\xc3\xc3",         "\xf7\xbf\xbf\xbf"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        uint32_t code = 77;
        assert_int_equal(mrq_utf8_read(wrong[i], strlen(wrong[i]), &code), 0);
        assert_int_equal(code, 77);
        assert_false(mrq_utf8_is_plain(wrong[i]));
    }
    char text[] = "a\xc3\xa4\xff\xe2\x82\xac\xe2\x82\x01\x7f\xc2\x85z";
    mrq_utf8_clean(text);
    assert_string_equal(text, "a\xc3\xa4?\xe2\x82\xac??????z"); /* a byte for each byte */
    assert_int_equal(mrq_utf8_columns("a\xc3\xa4\xe2\x82\xac"), 3);
    assert_int_equal(mrq_utf8_columns(""), 0);
    assert_true(mrq_utf8_is_plain("") && mrq_utf8_is_plain("a\xc3\xa4~ "));
}

/* Sentences */

/* A sentence is whole up to 511 bytes; of a longer one three dots stand for the middle, and a third is its end. */
static void a_long_sentence_loses_its_middle(void **state)
{
    (void)state;
    enum { SIZE = sizeof err.msg, TAIL = SIZE / 3 };
    char text[700] = "", want[SIZE];
    for (int i = 0; i < 699; i++)
        text[i] = (char)('a' + i % 26);
    for (size_t n = SIZE - 3; n < 700; n++) {
        assert_int_equal(mrq_fail(&err, MRQ_USAGE, "%.*s", (int)n, text), MRQ_USAGE);
        snprintf(want, sizeof want, "%.*s", (int)n, text);
        if (n >= SIZE)
            snprintf(want, sizeof want, "%.*s...%.*s", SIZE - TAIL - 3, text, TAIL - 1, text + n - TAIL + 1);
        assert_string_equal(err.msg, want);
        assert_int_equal(err.status, MRQ_USAGE);
    }
    atomic_store(&allocations_left, 0); /* then the end is missing */
    mrq_fail(&err, MRQ_USAGE, "%s", text);
    atomic_store(&allocations_left, INT_MAX);
    assert_int_equal(strlen(err.msg), SIZE - 1);
    assert_memory_equal(err.msg, text, SIZE - 1);
    assert_int_equal(mrq_fail(NULL, MRQ_BAD_FILE, "%d", 1), MRQ_BAD_FILE);
}

static void what_the_system_says_is_passed_on(void **state)
{
    (void)state;
    static const struct {
        int code;
        mrq_status status;
        const char *says;
    } cases[] = {{ENOENT, MRQ_NOT_FOUND, "cannot open x: No such file or directory"},
                 {ENOTDIR, MRQ_NOT_FOUND, "cannot open x: Not a directory"},
                 {EACCES, MRQ_FAILED, "cannot open x: Permission denied"},
                 {EISDIR, MRQ_FAILED, "cannot open x: Is a directory"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        errno = cases[i].code;
        assert_int_equal(mrq_fail_errno(&err, "cannot open %s", "x"), cases[i].status);
        assert_int_equal(err.status, cases[i].status);
        assert_string_equal(err.msg, cases[i].says);
        errno = cases[i].code;
        assert_int_equal(mrq_fail_errno(NULL, "x"), cases[i].status);
    }
    assert_int_equal(mrq_fail_memory(&err, "reading"), MRQ_FAILED);
    assert_string_equal(err.msg, "out of memory while reading");
}

/* Texts that grow */

static void a_text_is_escaped_and_cut_by_characters(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t most;
        const char *want;
    } cases[] = {{"", 0, ""},
                 {"a", 0, "..."},
                 {"ab", 1, "a..."},
                 {"ab", 2, "ab"},
                 {"\xc3\xa4\xc3\xa4", 1, "\xc3\xa4..."},
                 {"&<>\"'", 5, "&#38;&#60;&#62;&#34;&#39;"},
                 {"\x1f \x01\xff\xc3", 9, "? ???"},
                 {"\xef\xbf\xbd\xef\xbf\xbe\xef\xbf\xbf\xf0\x9f\xbf\xbe\x7f", 9, "\xef\xbf\xbd???\x7f"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        mrq_writer writer;
        mrq_writer_open(&writer);
        mrq_writer_put(&writer, "%s", "");
        mrq_writer_escape(&writer, cases[i].text, cases[i].most);
        assert_string_equal(writer.data, cases[i].want);
        assert_int_equal(writer.size, strlen(cases[i].want));
        mrq_writer_close(&writer);
        assert_null(writer.data);
        mrq_writer_close(&writer);
    }
}

static void a_text_that_memory_ran_out_for_is_not_saved(void **state)
{
    (void)state;
    mrq_writer writer MRQ_CLEANUP(mrq_writer_close) = {0};
    const locale_t before = uselocale((locale_t)0);
    mrq_writer_open(&writer);
    mrq_writer_put(&writer, "%s", "kept");
    atomic_store(&allocations_left, 0);
    mrq_writer_put(&writer, "%200s", "lost");
    atomic_store(&allocations_left, INT_MAX);
    mrq_writer_put(&writer, "lost too");
    assert_true(writer.failed);
    assert_string_equal(writer.data, "kept");
    assert_fails(mrq_writer_save(&writer, "/nowhere/x", &err), MRQ_FAILED, "out of memory while writing a text");
    mrq_writer_close(&writer);
    assert_ptr_equal(uselocale((locale_t)0), before);

    mrq_print print = {0};
    size_t size = 77;
    mrq_print_text(&print, "kept");
    atomic_store(&allocations_left, 0);
    for (int i = 0; i < 300; i++)
        mrq_print_text(&print, "lost");
    atomic_store(&allocations_left, INT_MAX);
    mrq_print_text(&print, "lost");
    assert_null(mrq_print_take(&print, &size));
    assert_true(size == 77 && !print.failed && !print.data);
}

/* What is printed is kept in as much memory as it takes, more or less, and in a block of its own where that is larger. */
static void what_is_printed_is_whole_at_every_size(void **state)
{
    (void)state;
    static char text[5000];
    memset(text, 'x', sizeof text - 1);
    for (size_t n = 0; n < sizeof text; n += n < 1010 ? 101 : n < 1040 ? 1 : 457) {
        mrq_print print = {0};
        size_t size = 0;
        mrq_print_text(&print, text + sizeof text - 1 - n);
        assert_int_equal(print.data[print.size], '\0');
        MRQ_AUTOFREE char *got = mrq_print_take(&print, &size);
        assert_int_equal(size, n + 2);
        assert_int_equal(strlen(got), n + 2);
        assert_true(got[0] == '"' && got[n + 1] == '"');
    }
}

/* Numbers */

static void a_number_keeps_to_its_range(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool whole, real;
    } cases[] = {{"-3", true, true},    {"-4", false, false},     {"7", true, true},       {"8", false, false},
                 {"-3.0", false, true}, {"-3.001", false, false}, {"7.000", false, true},  {"7.0001", false, false},
                 {"/", false, false},   {":", false, false},      {"1/", false, false},    {"1:", false, false},
                 {"-", false, false},   {"", false, false},       {"0.5e1", false, true},  {"5e-1", false, true},
                 {"5E+0", false, true}, {".", false, false},      {"-.5", false, true},    {"1.e0", false, true},
                 {"1e", false, false},  {"1e-", false, false},    {"1.5.5", false, false}, {"1e1e1", false, false},
                 {"1-", false, false},  {"0x1", false, false},    {"1e1.5", false, false}, {"-0", true, true}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t whole = 77;
        double real = 77;
        const size_t n = strlen(cases[i].text);
        if (mrq_parse_int(cases[i].text, n, -3, 7, &whole) != cases[i].whole ||
            mrq_parse_real(cases[i].text, n, -3, 7, &real) != cases[i].real)
            fail_msg("\"%s\"", cases[i].text);
        assert_true(whole == (cases[i].whole ? strtoll(cases[i].text, NULL, 10) : 77));
        assert_true(real == (cases[i].real ? strtod(cases[i].text, NULL) : 77)); /* NOLINT: the same bits */
    }
    static const char *const parts[] = {"123", "-12.34e+12", ".25E-1", "7e12", "0.e1"}; /* not NUL-terminated, at every place */
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        for (size_t n = 0; n <= strlen(parts[i]); n++) {
            char copy[20];
            int64_t whole[2] = {77, 77};
            double value[2] = {77, 77};
            snprintf(copy, sizeof copy, "%.*s", (int)n, parts[i]);
            assert_int_equal(mrq_parse_real(parts[i], n, -1e15, 1e15, &value[0]), mrq_parse_real(copy, n, -1e15, 1e15, &value[1]));
            assert_int_equal(mrq_parse_int(parts[i], n, -999, 999, &whole[0]), mrq_parse_int(copy, n, -999, 999, &whole[1]));
            assert_true(value[0] == value[1] && whole[0] == whole[1]); /* NOLINT: the same bits */
        }
    char digits[66];
    double real = 0;
    memset(digits, '0', sizeof digits);
    digits[0] = '1';
    digits[1] = '.';
    assert_true(mrq_parse_real(digits, 63, 0, 2, &real) && real == 1.0);
    assert_false(mrq_parse_real(digits, 64, 0, 2, &real));
    assert_true(mrq_parse_real("1e-400", 6, 0, 1, &real) && real == 0.0);
    for (char c = '0'; c <= '9'; c++) {
        assert_true(mrq_parse_real(&c, 1, 0, 9, &real) && real == c - '0');
        assert_int_equal(mrq_parse_real(&c, 1, 3, 6, &real), c >= '3' && c <= '6');
    }
}

/* Hosts */

static void a_host_is_read_or_its_fault_is_told(void **state)
{
    (void)state;
    static const char bracket[] = "the bracket is never closed", six[] = "write an IPv6 address in brackets, like [::1]:6379",
                      from_1[] = "want a port from 1 to 65535 after the colon",
                      from_0[] = "want a port from 0 to 65535 after the colon";
    static const struct {
        const char *text, *port;
        int64_t least;
        const char *wrong, *name, *of, *label;
    } cases[] = {{"h", "80", 1, NULL, "h", "80", "h:80"},
                 {"h:1", "", 1, NULL, "h", "1", "h:1"},
                 {"h:65535", "", 1, NULL, "h", "65535", "h:65535"},
                 {"h:0", "", 0, NULL, "h", "0", "h:0"},
                 {"a-b_c.9Z:8", "", 1, NULL, "a-b_c.9Z", "8", "a-b_c.9Z:8"},
                 {"[::1]", "80", 1, NULL, "::1", "80", "[::1]:80"},
                 {"[fe80::1%e-t_h.0]:7", "", 1, NULL, "fe80::1%e-t_h.0", "7", "[fe80::1%e-t_h.0]:7"},
                 {"h:0", "", 1, from_1, "", "", ""},
                 {"h:65536", "", 0, from_0, "", "", ""},
                 {"h:-1", "", 0, from_0, "", "", ""},
                 {"h:-0", "", 0, from_0, "", "", ""},
                 {"h:", "80", 0, from_0, "", "", ""},
                 {"h:1x", "80", 0, from_0, "", "", ""},
                 {"[::1]x", "80", 1, from_1, "", "", ""},
                 {"[::1]7", "80", 1, from_1, "", "", ""},
                 {"[::1", "80", 1, bracket, "", "", ""},
                 {"[", "80", 1, bracket, "", "", ""},
                 {"::1", "80", 1, six, "", "", ""},
                 {"a:1:", "80", 1, six, "", "", ""},
                 {"h", "", 1, mrq_host_missing, "", "", ""},
                 {"[::1]", "", 1, mrq_host_missing, "", "", ""},
                 {"", "80", 1, mrq_host_missing, "", "", ""},
                 {":80", "80", 1, mrq_host_missing, "", "", ""},
                 {"[]", "80", 1, mrq_host_missing, "", "", ""},
                 {"[h]", "80", 1, mrq_host_missing, "", "", ""},
                 {"h%", "80", 1, mrq_host_missing, "", "", ""},
                 {"h/", "80", 1, mrq_host_missing, "", "", ""},
                 {"[::1/]", "80", 1, mrq_host_missing, "", "", ""}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        mrq_host host = {.name = ""};
        const char *wrong = mrq_host_parse(cases[i].text, strlen(cases[i].text), cases[i].port, cases[i].least, &host);
        if (!wrong != !cases[i].wrong || (wrong && strcmp(wrong, cases[i].wrong) != 0))
            fail_msg("\"%s\": %s", cases[i].text, wrong ? wrong : "is right");
        assert_string_equal(host.name, cases[i].name);
        assert_string_equal(host.port, cases[i].of);
        assert_string_equal(host.label, cases[i].label);
    }
    char text[258], nul[] = {'h', '\0', 'h'};
    mrq_host host;
    memset(text, 'h', sizeof text);
    assert_null(mrq_host_parse(text, 255, "80", 1, &host));
    assert_string_equal(mrq_host_parse(text, 256, "80", 1, &host), mrq_host_missing);
    assert_string_equal(mrq_host_parse(nul, 3, "80", 1, &host), mrq_host_missing);
    assert_null(mrq_host_parse("h:8080", 4, "", 1, &host)); /* not NUL-terminated */
    assert_string_equal(host.label, "h:80");
    assert_null(mrq_host_parse("h:80:", 4, "", 1, &host));
}

/* JSON */

/* Whether a text is taken; the line of its fault is 1 more than the number of line ends before it. */
static void assert_json(const char *text, size_t size, bool sound)
{
    cJSON *json = NULL;
    const mrq_status status = mrq_json_parse(text, size, "f", &json, &err);
    if ((status == MRQ_OK) != sound)
        fail_msg("%.*s: %s", (int)size, text, err.msg);
    cJSON_Delete(json);
}

static void a_member_is_refused_with_its_path(void **state)
{
    (void)state;
    static const char text[] = "{\"i\":5,\"r\":0.25,\"t\":\"x\",\"b\":false,\"o\":{},\"a\":[],\"h\":5.5,\"big\":9007199254740994,"
                               "\"max\":9007199254740992,\"n\":null}";
    static const char *const names[] = {"w", "x", NULL};
    MRQ_CLEANUP(cJSON_Delete) cJSON *json = NULL;
    assert_ok(mrq_json_parse(text, strlen(text), "f", &json, &err));
    int64_t whole = 77;
    double real = 77;
    bool flag = true;
    int choice = 77;
    const char *string = "before";
    const cJSON *item = NULL;

    assert_ok(mrq_json_int(json, "f:", "i", 5, 5, &whole, &err));
    assert_int_equal(whole, 5);
    assert_fails(mrq_json_int(json, "f:", "i", 6, 9, &whole, &err), MRQ_BAD_FILE, "f: i: 5, want a whole number, 6 to 9");
    assert_fails(mrq_json_int(json, "f: o", "i", -9, 4, &whole, &err), MRQ_BAD_FILE, "f: o.i: 5, want a whole number, -9 to 4");
    assert_fails(mrq_json_int(json, "", "h", 0, 9, &whole, &err), MRQ_BAD_FILE, "h: 5.5, want a whole number, 0 to 9");
    assert_fails(mrq_json_int(json, "", "t", 0, 9, &whole, &err), MRQ_BAD_FILE, "t: \"x\", want a whole number");
    assert_ok(mrq_json_int(json, "", "max", 0, INT64_MAX, &whole, &err));
    assert_true(whole == 9007199254740992);
    assert_fails(mrq_json_int(json, "", "big", 0, INT64_MAX, &whole, &err), MRQ_BAD_FILE, "big: ");
    assert_ok(mrq_json_real(json, "f:", "r", 0.25, 0.25, &real, &err));
    assert_true(real == 0.25);
    assert_fails(mrq_json_real(json, "f:", "r", 0.26, 1, &real, &err), MRQ_BAD_FILE, "f: r: 0.25, want a number, 0.26 to 1");
    assert_fails(mrq_json_real(json, "f:", "r", 0, 0.24, &real, &err), MRQ_BAD_FILE, "f: r: 0.25, want a number, 0 to 0.24");
    assert_fails(mrq_json_real(json, "f:", "t", 0, 1, &real, &err), MRQ_BAD_FILE, "f: t: \"x\", want a number");
    assert_ok(mrq_json_bool(json, "f:", "b", &flag, &err));
    assert_false(flag);
    assert_fails(mrq_json_bool(json, "f:", "i", &flag, &err), MRQ_BAD_FILE, "f: i: 5, want true or false");
    assert_ok(mrq_json_choice(json, "f:", "t", names, &choice, &err));
    assert_int_equal(choice, 1);
    assert_fails(mrq_json_choice(json, "f:", "i", names, &choice, &err), MRQ_BAD_FILE, "f: i: 5, want one of w, x");
    assert_ok(mrq_json_text(json, "f:", "t", true, &string, &err));
    assert_string_equal(string, "x");
    assert_fails(mrq_json_text(json, "f:", "n", false, &string, &err), MRQ_BAD_FILE, "f: n: null, want a string");
    assert_ok(mrq_json_object(json, "f:", "o", true, &item, &err));
    assert_true(cJSON_IsObject(item));
    assert_fails(mrq_json_object(json, "f:", "a", true, &item, &err), MRQ_BAD_FILE, "f: a: [], want an object");
    assert_ok(mrq_json_array(json, "f:", "a", true, &item, &err));
    assert_true(cJSON_IsArray(item));
    assert_fails(mrq_json_array(json, "f:", "o", true, &item, &err), MRQ_BAD_FILE, "f: o: {}, want an array");
    assert_fails(mrq_json_array(json, "f:", "z", true, &item, &err), MRQ_BAD_FILE, "f: z: missing");
    assert_fails(mrq_json_object(json, "f:", "z", true, &item, &err), MRQ_BAD_FILE, "f: z: missing");

    whole = choice = 33; /* what is absent leaves the default */
    real = 33;
    flag = true;
    assert_ok(mrq_json_int(json, "f:", "z", 0, 9, &whole, &err));
    assert_ok(mrq_json_real(json, "f:", "z", 0, 9, &real, &err));
    assert_ok(mrq_json_bool(json, "f:", "z", &flag, &err));
    assert_ok(mrq_json_choice(json, "f:", "z", names, &choice, &err));
    assert_ok(mrq_json_text(json, "f:", "z", false, &string, &err));
    assert_ok(mrq_json_array(json, "f:", "z", false, &item, &err));
    assert_true(whole == 33 && real == 33 && flag && choice == 33 && !string && !item);
    string = "before";
    assert_ok(
        mrq_json_keys(json, "f:", (const char *const[]){"i", "r", "t", "b", "o", "a", "h", "big", "max", "n", "z", NULL}, &err));
    assert_fails(mrq_json_keys(json, "f:", (const char *const[]){"i", "r", NULL}, &err), MRQ_BAD_FILE,
                 "f: t: unknown key, want one of i, r");
}

static void a_text_is_json_or_not(void **state)
{
    (void)state;
    static const struct {
        const char *text, *says; /* NULL: it is */
    } cases[] = {{"{}", NULL},
                 {" \t\r\n{} \t\r\n", NULL},
                 {"[]", "f: want a JSON object"},
                 {"1", "f: want a JSON object"},
                 {"", "f:1: not valid JSON"},
                 {"{} x", "f:1: not valid JSON"},
                 {"{}\n\nx", "f:3: not valid JSON"},
                 {"{}\n{}", "f:2: not valid JSON"},
                 {"{\"a\":\n\n1,\n2}", "f:"},
                 {"{\"a\":\n", "f:1: not valid JSON"}, /* its last byte is where it stops */
                 {"{\n\"a\":\n00}", "f:3: not valid JSON"},
                 {"{\"a\":1,\n\"b\":-01}", "f:2: not valid JSON"},
                 {"{\"a\":\"\\u0000\"}", "f: \"\\u0000\" is not allowed in a text"},
                 {"{\"a\":\"\\u000\"}", "f:1: not valid JSON"},
                 {"{\"a\":\"\\\\u0000\"}", NULL},
                 {"{\"a\":\"\\\\\\u0000\"}", "f: \"\\u0000\" is not allowed in a text"},
                 {"{\"a\":\"\\u0001\"}", NULL},
                 {"{\"a\":\"\\n\\u0000\"}", "is not allowed in a text"},
                 {"{\"a\":\"\\\"\\u0000\"}", "is not allowed in a text"},
                 {"{\"a\":0}", NULL},
                 {"{\"a\":-0.0e-0}", NULL},
                 {"{\"a\":19}", NULL},
                 {"{\"a\":0e1}", NULL},
                 {"{\"a\":90.09E+9}", NULL},
                 {"{\"a\":0.}", "not valid"},
                 {"{\"a\":0.e1}", "not valid"},
                 {"{\"a\":1.e1}", "not valid"},
                 {"{\"a\":1.5e+}", "not valid"},
                 {"{\"a\":1.5e-x}", "not valid"},
                 {"{\"a\":-}", "not valid"},
                 {"{\"a\":01.5}", "not valid"},
                 {"{\"a\":\"~ \x7f\"}", NULL},
                 {"{\"a\" :\x1f 1}", "not valid"},
                 {"{\"a\":\x7f 1}", "not valid"},
                 {"{\"a\":\"\x1f\"}", "not valid"},
                 {"{\"a\":\"\\\\\"}", NULL},
                 {"{\"a\":\"\\\\\\\"\",\"b\":04}", "not valid"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cJSON *json = NULL;
        if (cases[i].says) {
            assert_fails(mrq_json_parse(cases[i].text, strlen(cases[i].text), "f", &json, &err), MRQ_BAD_FILE, cases[i].says);
            assert_null(json);
        } else {
            assert_json(cases[i].text, strlen(cases[i].text), true);
        }
    }
    assert_json("{}\0", 3, false);
    assert_json("{}x", 2, true);
    cJSON *json = NULL;
    assert_ok(mrq_json_parse("{\"a\":1,\"b\":2,\"a\":3}", 19, "f", &json, &err));
    assert_fails(mrq_json_keys(json, "f: x", (const char *const[]){"a", "b", NULL}, &err), MRQ_BAD_FILE, "f: x.a: given twice");
    cJSON_Delete(json);
    int n = 0;
    for (mrq_status status = MRQ_FAILED; status != MRQ_OK; n++) { /* memory that runs out is told from a wrong text */
        atomic_store(&allocations_left, n);
        json = NULL;
        err = (mrq_error){0};
        status = mrq_json_parse("{\"a\":[1,\"x\"]}", 13, "f", &json, &err);
        atomic_store(&allocations_left, INT_MAX);
        if (status != MRQ_OK)
            assert_string_equal(err.msg, "out of memory while reading JSON");
    }
    assert_true(n > 4);
    cJSON_Delete(json);
}

static void what_is_added_to_json_is_whole(void **state)
{
    (void)state;
    MRQ_CLEANUP(cJSON_Delete) cJSON *json = cJSON_CreateObject();
    cJSON *array = cJSON_AddArrayToObject(json, "a");
    assert_true(mrq_json_add_whole(json, "least", INT64_MIN) && mrq_json_add_whole(json, "most", INT64_MAX));
    assert_true(mrq_json_add_rounded(json, "r", 1.23456, 3) && mrq_json_add_rounded(json, "z", -0.0001, 3) &&
                mrq_json_add_rounded(json, "n", (double)NAN, 3) && mrq_json_add_rounded(json, "w", 2.5, 0));
    assert_true(cJSON_AddNumberToObject(mrq_json_append_object(array), "x", 1));
    assert_non_null(mrq_json_append_object(array));
    assert_true(mrq_json_add_made(json, "m", cJSON_CreateTrue()));
    MRQ_AUTOFREE char *text = cJSON_PrintUnformatted(json);
    assert_string_equal(text,
                        "{\"a\":[{\"x\":1},{}],\"least\":-9223372036854775808,\"most\":9223372036854775807,\"r\":1.235,\"z\":0,"
                        "\"n\":null,\"w\":3,\"m\":true}");
    assert_null(mrq_json_append_object(NULL));
    assert_false(mrq_json_add_made(json, "k", NULL));
    assert_false(mrq_json_add_made(NULL, "k", cJSON_CreateTrue())); /* and it is freed */
    atomic_store(&allocations_left, 0);
    const bool none = !mrq_json_append_object(array) && !mrq_json_add_whole(json, "k", 1) &&
                      !mrq_json_add_rounded(json, "k", 1, 1) && !mrq_json_add_rounded(json, "k", (double)NAN, 1);
    atomic_store(&allocations_left, INT_MAX);
    assert_true(none);
}

/* Command lines */

enum { ALL = 40 }; /* options, as many as a table may hold */

static void help_is_as_it_was_looked_at(void **state)
{
    (void)state;
    int64_t count = 5, none = 0, low = 1, high = 9;
    double rate = 0.125, unset = NAN, least = 0, most = 10;
    const char *text = "default", *no_text = NULL;
    bool flag = false, done = false;
    mrq_texts list = {0};
    int first = 77;
    const mrq_option options[] = {{"count", 'k', MRQ_OPT_INT, &count, 1, 9, "N", "a whole number,\nin two lines"},
                                  {"none", 0, MRQ_OPT_INT, &none, 1, 9, "N", "one below its range"},
                                  {"low", 0, MRQ_OPT_INT, &low, 1, 9, "N", "its least"},
                                  {"high", 0, MRQ_OPT_INT, &high, 1, 9, "N", "its most"},
                                  {"above", 0, MRQ_OPT_INT, &high, 1, 8, "N", "above its range"},
                                  {"rate", 0, MRQ_OPT_REAL, &rate, 0, 10, "X", "a number"},
                                  {"unset", 0, MRQ_OPT_REAL, &unset, 0, 10, "X", "no number"},
                                  {"least", 0, MRQ_OPT_REAL, &least, 0, 10, "X", "its least"},
                                  {"most", 0, MRQ_OPT_REAL, &most, 0, 10, "X", "its most"},
                                  {"below", 0, MRQ_OPT_REAL, &least, 1, 10, "X", "below its range"},
                                  {"text", 't', MRQ_OPT_TEXT, &text, 0, 0, "S", "a text"},
                                  {"no-text", 0, MRQ_OPT_TEXT, &no_text, 0, 0, "S", "none"},
                                  {"flag", 'f', MRQ_OPT_FLAG, &flag, 0, 0, NULL, "a flag"},
                                  {"a-name-of-14-b", 0, MRQ_OPT_LIST, &list, 0, 0, "AB", "just fits"},
                                  {"a-name-of-15-by", 0, MRQ_OPT_LIST, &list, 0, 0, "AB", "just does not"},
                                  {"far-too-long", 0, MRQ_OPT_TEXT, &no_text, 0, 0,
                                   "a name of an argument that is cut, as it is one of eighty and some more characters", "cut"},
                                  {0}};
    const mrq_command commands[] = {{"test this", "[option...]", "About it.", options, 0, 0, "  test this\n  test that"},
                                    {"test that", "FILE", "About that.", options + 16, 1, 1, NULL}};
    static char self[] = "test", help[] = "--help", short_form[] = "--he";
    FILE *f = tmpfile();
    fflush(stdout);
    const int before = dup(STDOUT_FILENO);
    assert_int_equal(dup2(fileno(f), STDOUT_FILENO), STDOUT_FILENO);
    mrq_status status = MRQ_OK;
    for (int i = 0; i < 2; i++) {
        char *argv[] = {self, i ? short_form : help, NULL};
        done = false;
        status = status != MRQ_OK ? status : mrq_options_read(&commands[i], 2, argv, &first, &done, &err);
        status = done ? status : MRQ_FAILED;
    }
    fflush(stdout);
    assert_int_equal(dup2(before, STDOUT_FILENO), STDOUT_FILENO);
    close(before);
    assert_int_equal(status, MRQ_OK);
    assert_int_equal(first, 77);
    char printed[4000];
    rewind(f);
    const size_t n = fread(printed, 1, sizeof printed, f);
    fclose(f);
    assert_expected(printed, n, "help.txt");
}

/* Reads a line of words. */
static mrq_status read_line(const mrq_command *command, const char *line, int *first, mrq_error *error)
{
    static char copy[400], self[] = "test";
    char *argv[60] = {self};
    int argc = 1;
    bool done = false;
    snprintf(copy, sizeof copy, "%s", line);
    for (char *word = strtok(copy, " "); word; word = strtok(NULL, " "))
        argv[argc++] = word;
    return mrq_options_read(command, argc, argv, first, &done, error);
}

static void a_command_line_keeps_to_its_table(void **state)
{
    (void)state;
    static bool flags[ALL];
    static char names[ALL][20];
    int64_t whole = 77;
    double real = 77;
    mrq_option options[ALL + 1] = {{"whole", 'w', MRQ_OPT_INT, &whole, -3, 0x1p63, "N", ""},
                                   {"real", 0, MRQ_OPT_REAL, &real, -3, 7, "X", ""}};
    for (int i = 2; i < ALL; i++) {
        snprintf(names[i], sizeof names[i], "flag-%d", i);
        options[i] = (mrq_option){names[i], (char)(i < 26 ? 'a' + i - 2 : 'A' + i - 26), MRQ_OPT_FLAG, &flags[i], 0, 0, NULL, ""};
    }
    options[24].letter = '9'; /* that would be the w */
    const mrq_command command = {"test", "A [B]", "About.", options, 1, 2, NULL};
    int first = 77;
    for (int i = 2; i < ALL; i++) {
        char line[40];
        if (i % 2)
            snprintf(line, sizeof line, "x -%c y", options[i].letter);
        else
            snprintf(line, sizeof line, "--%s x y", options[i].name);
        assert_ok(read_line(&command, line, &first, &err));
        assert_int_equal(first, 2);
        for (int k = 2; k < ALL; k++)
            assert_int_equal(flags[k], k == i);
        flags[i] = false;
    }
    static const struct {
        const char *line, *says; /* NULL: is right */
        int64_t whole;
        double real;
    } cases[] = {{"x --whole=9223372036854775807 --real -3", NULL, INT64_MAX, -3},
                 {"-w-3 x y --real=7", NULL, -3, 7},
                 {"x -- -w", NULL, 77, 77},
                 {"x --whole 9223372036854775808",
                  "--whole \"9223372036854775808\": want a whole number, -3 to 9223372036854775807", 77, 77},
                 {"x -w -4", "-w \"-4\": want a whole number, -3 to 9223372036854775807", 77, 77},
                 {"x --real 7.5", "--real \"7.5\": want a number, -3 to 7", 77, 77},
                 {"x --real", "--real: needs an argument", 77, 77},
                 {"x -w", "-w: needs an argument", 77, 77},
                 {"x --flag-39=1", "--flag-39=1: takes no argument", 77, 77},
                 {"x --flag-2=1", "--flag-2=1: takes no argument", 77, 77},
                 {"x --help=1", "--help=1: takes no argument", 77, 77},
                 {"x --flog", "--flog: unknown option", 77, 77},
                 {"x --flag-40", "--flag-40: unknown option", 77, 77},
                 {"x -7", "-7: unknown option", 77, 77},
                 {"x -~", "-~: unknown option", 77, 77},
                 {"x -~w", "-~: unknown option", 77, 77}, /* the rest of which the next scan knows nothing of */
                 {"x", NULL, 77, 77},
                 {"", "too few arguments, want A [B]", 77, 77},
                 {"x y z", "unexpected argument \"z\"", 77, 77},
                 {"x y z z2", "unexpected argument \"z\"", 77, 77}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        whole = 77;
        real = 77;
        err = (mrq_error){0};
        const mrq_status status = read_line(&command, cases[i].line, &first, &err);
        if (status != (cases[i].says ? MRQ_USAGE : MRQ_OK) || (cases[i].says && strcmp(err.msg, cases[i].says) != 0))
            fail_msg("%s: %s", cases[i].line, err.msg);
        assert_true(whole == cases[i].whole && real == cases[i].real); /* NOLINT: as it was read */
    }
}

/* Log and progress bar */

/* The time that the bar sees. */
static double now;
double __real_mrq_clock(void);
double __wrap_mrq_clock(void);

double __wrap_mrq_clock(void)
{
    return now > 0 ? now : __real_mrq_clock();
}

static void each_event_is_one_line_up_to_the_level(void **state)
{
    (void)state;
    static const char *const words[] = {"ERROR", "WARN", "INFO", "DEBUG"};
    char text[6000], want[100], when[MRQ_TIME_TEXT], long_event[2000];
    const double before = mrq_clock();
    mrq_time_text(when);
    const time_t t = time(NULL), second = t;
    memset(long_event, 'x', sizeof long_event - 1);
    long_event[sizeof long_event - 1] = '\0';
    for (int level = 0; level < 4; level++) {
        FILE *f = tmpfile();
        mrq_log_open(f, (mrq_log_level)level);
        for (int i = 0; i < 4; i++)
            mrq_log((mrq_log_level)i, "room", "n=%d\n\x1b", i);
        mrq_log(MRQ_LOG_ERROR, "room", "%s", long_event);
        mrq_log_open(NULL, MRQ_LOG_DEBUG);
        mrq_log(MRQ_LOG_ERROR, "room", "unseen");
        rewind(f);
        for (int i = 0; i <= level; i++) {
            assert_non_null(fgets(text, sizeof text, f));
            snprintf(want, sizeof want, "%s room n=%d??\n", words[i], i);
            assert_string_equal(text + MRQ_TIME_TEXT, want);
            struct tm utc = {0};
            assert_ptr_equal(strptime(text, "%Y-%m-%dT%H:%M:%SZ", &utc), text + MRQ_TIME_TEXT - 1);
            assert_in_range(timegm(&utc), second - 1, time(NULL));
        }
        assert_non_null(fgets(text, sizeof text, f)); /* shorter than PIPE_BUF */
        assert_int_equal(strlen(text), MRQ_TIME_TEXT + strlen("ERROR room ") + 1023 + 1);
        assert_null(fgets(text, sizeof text, f));
        fclose(f);
    }
    struct timespec pause = {0, 20000000};
    nanosleep(&pause, NULL);
    const double took = mrq_clock() - before;
    assert_true(took > 0.015 && took < 60);
}

/* A terminal of so many columns for stderr; what it shows is read from the master's end. */
static int open_terminal(int columns, int *before)
{
    int master, slave;
    struct winsize size = {.ws_row = 24, .ws_col = (unsigned short)columns};
    struct termios plain;
    assert_int_equal(openpty(&master, &slave, NULL, NULL, &size), 0);
    assert_int_equal(tcgetattr(slave, &plain), 0);
    cfmakeraw(&plain);
    assert_int_equal(tcsetattr(slave, TCSANOW, &plain), 0);
    *before = dup(STDERR_FILENO);
    assert_int_equal(dup2(slave, STDERR_FILENO), STDERR_FILENO);
    close(slave);
    assert_int_equal(fcntl(master, F_SETFL, O_NONBLOCK), 0);
    const int far = fcntl(master, F_DUPFD_CLOEXEC, 50); /* so that no descriptor beside stderr is a terminal */
    close(master);
    return far;
}

static void assert_shown(int master, const char *want)
{
    char text[400] = "";
    const ssize_t n = read(master, text, sizeof text - 1);
    text[n > 0 ? n : 0] = '\0';
    assert_string_equal(text, want);
}

static void a_bar_is_drawn_on_a_terminal(void **state)
{
    (void)state;
    int before;
    mrq_progress bar;
    int master = open_terminal(100, &before);
    now = 1000;
    mrq_progress_start(&bar, "train", 200);
    mrq_progress_step(&bar, 0, "rmse %.1f", 0.5);
    assert_shown(master, "\rtrain [........................]   0% rmse 0.5\033[K");
    now = 1000.099; /* ten times a second */
    mrq_progress_step(&bar, 20, "unseen");
    assert_shown(master, "");
    now = 1010;
    mrq_progress_step(&bar, 20, "a");
    assert_shown(master, "\rtrain [##......................]  10% a  1:30 left\033[K");
    now = 1010.1;
    mrq_progress_step(&bar, 100, "b");
    assert_shown(master, "\rtrain [############............]  50% b  0:10 left\033[K");
    now = 1150;
    mrq_progress_step(&bar, 200, "c");
    assert_shown(master, "\rtrain [########################] 100% c  0:00 left\033[K");
    now = 1151;
    mrq_progress_step(&bar, 300, "%s", "more than all");
    assert_shown(master, "\rtrain [########################] 100% more than all  0:00 left\033[K");
    mrq_progress_end(&bar);
    mrq_progress_end(&bar);
    assert_shown(master, "\r\033[K");
    mrq_progress_step(&bar, 1, "unseen");
    assert_shown(master, "");
    mrq_progress_start(&bar, "empty", 0);
    mrq_progress_step(&bar, 5, "%s", "");
    assert_shown(master, "\rempty [........................]   0% \033[K");
    now = 2000;
    mrq_progress_start(&bar, "slow", 2000);
    now = 2001;
    mrq_progress_step(&bar, 2, "%s", ""); /* a thousandth says nothing yet */
    assert_shown(master, "\rslow [........................]   0% \033[K");
    now = 2002;
    mrq_progress_step(&bar, 3, "%s", "");
    assert_shown(master, "\rslow [........................]   0%   22:11 left\033[K");
    dup2(before, STDERR_FILENO);
    close(before);
    close(master);

    static const int columns[] = {20, 0}; /* a line that is too long would wrap; of an unknown width 79 */
    for (int i = 0; i < 2; i++) {
        char want[100];
        master = open_terminal(columns[i], &before);
        mrq_progress_start(&bar, "label", 2);
        now += 10;
        mrq_progress_step(&bar, 1, "%s", "a note of fifty characters, and of some more than that");
        snprintf(want, sizeof want, "\r%.*s\033[K", columns[i] ? 19 : 79,
                 "label [############............]  50% a note of fifty characters, and of some more than that");
        assert_shown(master, want);
        dup2(before, STDERR_FILENO);
        close(before);
        close(master);
    }
    const int file = open("/dev/null", O_WRONLY);
    before = dup(STDERR_FILENO);
    dup2(file, STDERR_FILENO);
    mrq_progress_start(&bar, "no terminal", 2);
    dup2(before, STDERR_FILENO);
    close(before);
    close(file);
    assert_false(bar.on);
    now = 0;
}

/* At each size and place, in memory that ends with the text. */
static void the_first_byte_of_no_character_is_told(void **state)
{
    (void)state;
    for (size_t size = 0; size <= 40; size++) {
        char *text = malloc(size ? size : 1);
        assert_non_null(text);
        memset(text, 'x', size);
        assert_int_equal(mrq_utf8_bad(text, size), 0);
        for (size_t at = 0; at < size; at++) {
            memset(text, 'x', size);
            text[at] = '\xc3'; /* begins one of two bytes */
            assert_int_equal(mrq_utf8_bad(text, size), at + 1);
            if (at + 1 == size)
                continue;
            text[at + 1] = '\xa9';
            assert_int_equal(mrq_utf8_bad(text, size), 0);
            text[size - 1] = '\xff';
            assert_int_equal(mrq_utf8_bad(text, size), at + 2 == size ? size - 1 : size);
        }
        free(text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_character_is_written_and_read),
        cmocka_unit_test(what_is_not_utf8_is_not_read),
        cmocka_unit_test(the_first_byte_of_no_character_is_told),
        cmocka_unit_test(a_long_sentence_loses_its_middle),
        cmocka_unit_test(what_the_system_says_is_passed_on),
        cmocka_unit_test(a_text_is_escaped_and_cut_by_characters),
        cmocka_unit_test(a_text_that_memory_ran_out_for_is_not_saved),
        cmocka_unit_test(what_is_printed_is_whole_at_every_size),
        cmocka_unit_test(a_number_keeps_to_its_range),
        cmocka_unit_test(a_host_is_read_or_its_fault_is_told),
        cmocka_unit_test(a_member_is_refused_with_its_path),
        cmocka_unit_test(a_text_is_json_or_not),
        cmocka_unit_test(what_is_added_to_json_is_whole),
        cmocka_unit_test(help_is_as_it_was_looked_at),
        cmocka_unit_test(a_command_line_keeps_to_its_table),
        cmocka_unit_test(each_event_is_one_line_up_to_the_level),
        cmocka_unit_test(a_bar_is_drawn_on_a_terminal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
