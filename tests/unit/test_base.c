/* Base room: parsing, random numbers, digests, files, containers, dictionaries, tables, JSON, options. */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/json.h"
#include "base/log.h"
#include "base/option.h"
#include "base/parallel.h"
#include "base/parse.h"
#include "base/print.h"
#include "base/random.h"
#include "unit/ids.h"
#include "unit/small_world.h"

static mrq_error err;
static char *folder;

static const char *in_folder(const char *name)
{
    static char path[256];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static void test_parse_int(void **state)
{
    (void)state;
    const struct {
        const char *text;
        int64_t min, max;
        bool ok;
        int64_t value;
    } cases[] = {
        {"0", 0, 9, true, 0},
        {"-0", 0, 9, true, 0},
        {"42", 0, 99, true, 42},
        {"-42", -99, 99, true, -42},
        {"007", 0, 9, true, 7},
        {"9223372036854775807", 0, INT64_MAX, true, INT64_MAX},
        {"-9223372036854775808", INT64_MIN, 0, true, INT64_MIN},
        {"9223372036854775808", 0, INT64_MAX, false, 0},
        {"-9223372036854775809", INT64_MIN, 0, false, 0},
        {"99999999999999999999999", 0, INT64_MAX, false, 0},
        {"", 0, 9, false, 0},
        {"-", -9, 9, false, 0},
        {"+1", 0, 9, false, 0},
        {" 1", 0, 9, false, 0},
        {"1 ", 0, 9, false, 0},
        {"1.0", 0, 9, false, 0},
        {"0x1", 0, 99, false, 0},
        {"1e3", 0, 9999, false, 0},
        {"10", 0, 9, false, 0},
        {"-1", 0, 9, false, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t value = 12345;
        const bool ok = mrq_parse_int(cases[i].text, strlen(cases[i].text), cases[i].min, cases[i].max, &value);
        if (ok != cases[i].ok || value != (ok ? cases[i].value : 12345))
            fail_msg("\"%s\": %d, %lld", cases[i].text, ok, (long long)value);
    }
    int64_t value;
    assert_true(mrq_parse_int("123x", 3, 0, 999, &value) && value == 123); /* not NUL-terminated */
    assert_false(mrq_parse_int("1\0", 2, 0, 9, &value));
}

static void test_parse_real(void **state)
{
    (void)state;
    const char *good[] = {"3", "3.5", "-0.25", "1e-3", "5.", ".5", "0", "1E2", "1e+2", "12345.678"};
    const char *bad[] = {"",     "-",    ".",  "e5", "1e",  "1e+",   "nan", "NaN", "inf",
                         "-inf", "0x10", " 1", "1 ", "1,5", "1e999", "1_0", "--1"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        double value = 0;
        assert_true(mrq_parse_real(good[i], strlen(good[i]), -1e6, 1e6, &value));
        assert_true(value == strtod(good[i], NULL));
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        double value = 77;
        if (mrq_parse_real(bad[i], strlen(bad[i]), -INFINITY, INFINITY, &value) || value != 77)
            fail_msg("\"%s\" is %g", bad[i], value);
    }
    double value;
    assert_false(mrq_parse_real("9", 1, 1, 5, &value));
    assert_false(mrq_parse_real("5.01", 4, 1, 5, &value));
    mrq_random random;
    mrq_random_init(&random, 1, 0);
    for (unsigned i = 0; i < 200000; i++) { /* up to 15 bytes and beyond, the point at each place: the bits of strtod() */
        char text[40] = "-", *number = text + i % 2;
        snprintf(number, sizeof text - 1, "%0*llu", 1 + (int)i % 7,
                 (unsigned long long)(mrq_random_bits(&random) >> mrq_random_below(&random, 64)));
        const size_t digits = strlen(number), point = mrq_random_below(&random, digits + 2);
        if (point <= digits) {
            memmove(number + point + 1, number + point, digits - point + 1);
            number[point] = '.';
        }
        assert_true(mrq_parse_real(text, strlen(text), -1e20, 1e20, &value));
        const double want = strtod(text, NULL);
        if (memcmp(&value, &want, sizeof want) != 0)
            fail_msg("%s is %a, want %a", text, value, want);
    }
}

/* A program that a library is loaded into may have set its own. */
static void test_locale(void **state)
{
    (void)state;
    const char bytes[] = "WRITER";
    const uint32_t offset[] = {0, sizeof bytes};
    double value;
    turkish_locale(folder);
    assert_true(mrq_parse_real("17.5", 4, 0, 99, &value) && value == 17.5);
    assert_true(mrq_parse_real("17.5e0", 6, 0, 99, &value) && value == 17.5);
    assert_false(mrq_parse_real("17,5", 4, 0, 99, &value));
    assert_int_equal(mrq_strings_find(&(mrq_strings){1, offset, bytes}, "writer"), 0);
    setlocale(LC_ALL, "C");
}

static void test_random(void **state)
{
    (void)state;
    mrq_random a, b, c;
    mrq_random_init(&a, 1, 0);
    mrq_random_init(&b, 1, 0);
    mrq_random_init(&c, 1, 1);
    assert_true(mrq_random_bits(&a) == mrq_random_bits(&b));
    assert_true(mrq_random_bits(&a) != mrq_random_bits(&c));
    double sum = 0;
    uint32_t count[7] = {0}, order[100], seen[100] = {0};
    for (int i = 0; i < 70000; i++) {
        const double u = mrq_random_unit(&a);
        assert_true(u >= 0 && u < 1);
        sum += u;
        count[mrq_random_below(&a, 7)]++;
    }
    assert_true(fabs(sum / 70000 - 0.5) < 0.01);
    for (int i = 0; i < 7; i++)
        assert_in_range(count[i], 9600, 10400);
    for (uint32_t i = 0; i < 100; i++)
        order[i] = i;
    mrq_random_shuffle(&a, order, 100);
    uint32_t moved = 0;
    for (uint32_t i = 0; i < 100; i++) {
        seen[order[i]]++;
        moved += order[i] != i;
    }
    for (uint32_t i = 0; i < 100; i++)
        assert_int_equal(seen[i], 1);
    assert_true(moved > 80);
}

static void test_errors_are_plain(void **state)
{
    (void)state;
    mrq_fail(&err, MRQ_FAILED, "a\nb\x1b[2J\xff \xc3\xa9 %s", "\xc2\x9b");
    assert_string_equal(err.msg, "a?b?[2J? \xc3\xa9 ??");

    /* However long a path is, what was done with it and why that failed are told. */
    static char path[10000];
    for (size_t size = 300; size < sizeof path; size = size < 600 ? size + 1 : size * 3) {
        memset(path, 'x', size);
        errno = ENAMETOOLONG;
        assert_int_equal(mrq_fail_errno(&err, "cannot open %s", path), MRQ_FAILED);
        assert_memory_equal(err.msg, "cannot open xxx", 15);
        assert_string_equal(err.msg + strlen(err.msg) - 23, "xxx: File name too long");
        mrq_fail(&err, MRQ_BAD_FILE, "%s is not a regular file", path);
        assert_memory_equal(err.msg, "xxx", 3);
        assert_string_equal(err.msg + strlen(err.msg) - 24, "xx is not a regular file");
        assert_true(size < 490 || strstr(err.msg, "xxx...xxx"));
    }
}

/* The checksum of bytes that come in three pieces, which end at these places. */
static uint64_t checksum_in_pieces(const unsigned char *bytes, size_t size, size_t first, size_t second)
{
    mrq_sum sum;
    mrq_sum_init(&sum);
    mrq_sum_update(&sum, bytes, first);
    mrq_sum_update(&sum, bytes + first, second - first);
    mrq_sum_update(&sum, bytes + second, size - second);
    return mrq_sum_value(&sum);
}

static void test_digest(void **state)
{
    (void)state;
    const struct {
        const char *text, *hex;
    } known[] = {/* FIPS 180-4's examples */
                 {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
                 {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
                 {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
                  "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"}};
    char hex[MRQ_SHA256_HEX];
    for (size_t i = 0; i < 3; i++) {
        mrq_sha256 sha;
        mrq_sha256_init(&sha);
        for (const char *p = known[i].text; *p; p++) /* byte by byte: every fill of the block */
            mrq_sha256_update(&sha, p, 1);
        mrq_sha256_hex(&sha, hex);
        assert_string_equal(hex, known[i].hex);
    }
    unsigned char bytes[200] = {0};
    const uint64_t zero = mrq_checksum(bytes, sizeof bytes);
    for (size_t bit = 0; bit < 8 * sizeof bytes; bit++) {
        bytes[bit / 8] ^= (unsigned char)(1 << bit % 8);
        assert_true(mrq_checksum(bytes, sizeof bytes) != zero);
        assert_true(mrq_checksum(bytes, sizeof bytes) == checksum_in_pieces(bytes, sizeof bytes, 64, 64 + bit % 137));
        bytes[bit / 8] ^= (unsigned char)(1 << bit % 8);
    }
    for (size_t n = 0; n < sizeof bytes; n++)
        assert_true(mrq_checksum(bytes, n) != mrq_checksum(bytes, n + 1));
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (unsigned char)i;
    const uint64_t counted = mrq_checksum(bytes, sizeof bytes);
    assert_true(counted == 0xd7378b1c394dda9cu); /* what files hold, for ever */
    for (size_t first = 0; first <= sizeof bytes; first++)
        for (size_t second = first; second <= sizeof bytes; second++)
            assert_true(checksum_in_pieces(bytes, sizeof bytes, first, second) == counted);
}

static void test_files(void **state)
{
    (void)state;
    mrq_map map = {0};
    assert_fails(mrq_map_open(&map, in_folder("none"), &err), MRQ_NOT_FOUND, "none");
    assert_fails(mrq_map_open(&map, folder, &err), MRQ_BAD_FILE, "not a regular file");
    assert_ok(mrq_file_write(in_folder("a"), "one", 3, &err));
    mrq_output *out = NULL;
    assert_ok(mrq_output_open(in_folder("a"), &out, &err));
    assert_ok(mrq_output_write(out, "two!", 4, &err));
    mrq_output_discard(out);
    assert_ok(mrq_map_open(&map, in_folder("a"), &err));
    assert_int_equal(map.size, 3); /* discarded: the old file stands */
    mrq_map_close(&map);
    assert_ok(mrq_file_write(in_folder("a"), "", 0, &err));
    assert_ok(mrq_map_open(&map, in_folder("a"), &err));
    assert_true(map.size == 0 && map.data);
    mrq_map_close(&map);
    struct stat st;
    assert_int_equal(stat(in_folder("a"), &st), 0);
    assert_int_equal(st.st_mode & 0777, 0644);
    assert_fails(mrq_file_write("/nowhere/a", "", 0, &err), MRQ_NOT_FOUND, "/nowhere/a");
    assert_int_equal(mkfifo(in_folder("pipe"), 0600), 0);
    assert_fails(mrq_file_write(in_folder("pipe"), "", 0, &err), MRQ_FAILED, "not a regular file");
    assert_fails(mrq_file_write(folder, "", 0, &err), MRQ_FAILED, "not a regular file");
    assert_fails(mrq_map_open(&map, in_folder("pipe"), &err), MRQ_BAD_FILE, "not a regular file");
    char joined[8];
    assert_fails(mrq_path_join(joined, sizeof joined, "folder", "name", &err), MRQ_FAILED, "too long");
    assert_fails(mrq_file_write("/dev/full/x", "", 0, &err), MRQ_NOT_FOUND, "/dev/full/x");
}

/* The text of a file, and nothing else. */
static void assert_text(const char *name, const char *want)
{
    size_t size;
    MRQ_AUTOFREE unsigned char *text = read_bytes(in_folder(name), &size);
    assert_string_equal((const char *)text, want);
}

/* Whoever may make links in a folder that we write to cannot lead us to what only we may write. */
static void test_no_link_is_written_through(void **state)
{
    (void)state;
    char temporary[40];
    struct stat st;
    write_bytes(in_folder("precious"), "precious", 8);
    static const char *const targets[] = {"precious", "nothing", "/dev/null", "."};
    for (size_t i = 0; i < sizeof targets / sizeof *targets; i++) {
        assert_int_equal(symlink(targets[i], in_folder("link")), 0);
        assert_fails(mrq_file_write(in_folder("link"), "new", 3, &err), MRQ_FAILED,
                     "link: it is a symbolic link, which is not followed");
        assert_int_equal(lstat(in_folder("link"), &st), 0);
        assert_true(S_ISLNK(st.st_mode));
        assert_int_equal(unlink(in_folder("link")), 0);
    }
    assert_false(mrq_file_exists(in_folder("nothing")));

    /* One in the place of the temporary file. */
    snprintf(temporary, sizeof temporary, "victim.tmp-%ld", (long)getpid());
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(symlink(targets[i], in_folder(temporary)), 0);
        assert_fails(mrq_file_write(in_folder("victim"), "new", 3, &err), MRQ_FAILED, "victim: File exists");
        assert_int_equal(unlink(in_folder(temporary)), 0);
    }
    assert_false(mrq_file_exists(in_folder("nothing")));

    /* One that comes while we write is replaced itself. */
    mrq_output *out = NULL;
    assert_ok(mrq_output_open(in_folder("late"), &out, &err));
    assert_ok(mrq_output_write(out, "new", 3, &err));
    assert_int_equal(symlink("precious", in_folder("late")), 0);
    assert_ok(mrq_output_commit(out, &err));
    assert_text("late", "new");
    assert_text("precious", "precious");
}

static void test_an_output_that_cannot_take_its_place_leaves_nothing(void **state)
{
    (void)state;
    char temporary[40];
    mrq_output *out = NULL;
    snprintf(temporary, sizeof temporary, "taken.tmp-%ld", (long)getpid());
    assert_ok(mrq_output_open(in_folder("taken"), &out, &err));
    assert_ok(mrq_output_write(out, "new", 3, &err));
    assert_true(mrq_file_exists(in_folder(temporary)));
    assert_int_equal(mkdir(in_folder("taken"), 0700), 0); /* onto which no file is renamed */
    assert_fails(mrq_output_commit(out, &err), MRQ_FAILED, "cannot rename");
    assert_false(mrq_file_exists(in_folder(temporary)));
}

/* What a killed process has left goes when the file is written again, and nothing else. */
static void test_left_overs(void **state)
{
    (void)state;
    static const char *const stay[] = {"b.tmp-2", "b.tmp-", "b.tmp-old", "b.tmp-1x", "bb.tmp-1", "tmp-1"};
    char name[20];
    for (size_t i = 0; i < sizeof stay / sizeof *stay; i++)
        close(open(in_folder(stay[i]), O_WRONLY | O_CREAT, 0600));
    for (int i = 3; i < 9; i++) {
        snprintf(name, sizeof name, "b.tmp-%d99999999", i);
        close(open(in_folder(name), O_WRONLY | O_CREAT, 0600));
    }
    const int busy = open(in_folder("b.tmp-2"), O_RDONLY);
    assert_int_equal(flock(busy, LOCK_EX), 0);
    assert_ok(mrq_file_write(in_folder("b"), "", 0, &err));
    for (size_t i = 0; i < sizeof stay / sizeof *stay; i++)
        assert_true(mrq_file_exists(in_folder(stay[i])));
    for (int i = 3; i < 9; i++) {
        snprintf(name, sizeof name, "b.tmp-%d99999999", i);
        assert_false(mrq_file_exists(in_folder(name)));
    }
    close(busy);
    mrq_output *out = NULL;
    assert_ok(mrq_output_open(in_folder("b"), &out, &err));
    assert_false(mrq_file_exists(in_folder("b.tmp-2")));
    snprintf(name, sizeof name, "b.tmp-%ld", (long)getpid());
    assert_true(mrq_file_exists(in_folder(name)));
    mrq_output_discard(out);
    assert_false(mrq_file_exists(in_folder(name)));
}

static void test_container(void **state)
{
    (void)state;
    const uint32_t numbers[5] = {1, 2, 3, 4, 5};
    mrq_container_writer *writer = mrq_container_writer_new("test", 3);
    mrq_container_add(writer, numbers, 5, sizeof *numbers, "numbers.%d", 7);
    mrq_container_add(writer, NULL, 0, 1, "empty");
    assert_ok(mrq_container_write(writer, in_folder("c.mrq"), &err));
    mrq_container *c = NULL;
    assert_ok(mrq_container_open(in_folder("c.mrq"), "test", 3, &c, &err));
    size_t count = MRQ_ANY;
    const void *data;
    assert_ok(mrq_container_get(c, sizeof *numbers, &count, &data, &err, "numbers.7"));
    assert_int_equal(count, 5);
    assert_memory_equal(data, numbers, sizeof numbers);
    assert_int_equal((uintptr_t)data % MRQ_ALIGN, 0);
    count = 6;
    assert_fails(mrq_container_get(c, sizeof *numbers, &count, &data, &err, "numbers.7"), MRQ_BAD_FILE,
                 "\"numbers.7\" has 20 bytes, want 24");
    count = MRQ_ANY;
    assert_fails(mrq_container_get(c, 3, &count, &data, &err, "numbers.7"), MRQ_BAD_FILE, "want a multiple of 3");
    assert_fails(mrq_container_get(c, 1, &count, &data, &err, "nope"), MRQ_BAD_FILE, "no section \"nope\"");
    mrq_container_close(c);
    assert_fails(mrq_container_open(in_folder("c.mrq"), "other", 3, &c, &err), MRQ_BAD_FILE, "holds \"test\", want \"other\"");
    assert_fails(mrq_container_open(in_folder("c.mrq"), "test", 2, &c, &err), MRQ_BAD_FILE,
                 "format version 3, this program reads version 2");

    mrq_container_add(writer, NULL, 0, 1, "empty");
    assert_fails(mrq_container_write(writer, in_folder("d.mrq"), &err), MRQ_FAILED, "two sections of one name");
    assert_false(mrq_file_exists(in_folder("d.mrq")));
    mrq_container_writer_free(writer);
    writer = mrq_container_writer_new("test", 1);
    mrq_container_add(writer, NULL, 0, 1, "a name of more than twenty-three bytes");
    assert_fails(mrq_container_write(writer, in_folder("d.mrq"), &err), MRQ_FAILED, "too long");
    mrq_container_writer_free(writer);
    assert_ok(mrq_file_write(in_folder("e.mrq"), "short", 5, &err));
    assert_fails(mrq_container_open(in_folder("e.mrq"), "test", 1, &c, &err), MRQ_BAD_FILE, "not a Marquee file: 5 bytes");
}

/* What a hostile writer made, its checksum right: each section lies in the file, whole, or is refused. */
static void test_a_section_beyond_the_file_is_refused(void **state)
{
    (void)state;
    enum { OFFSET = 48 + MRQ_CONTAINER_NAME, SIZE = OFFSET + 8 }; /* of the first section, base/container.h */
    const uint32_t numbers[16] = {1};
    mrq_container *c = NULL;
    size_t size;
    mrq_container_writer *writer = mrq_container_writer_new("test", 1);
    mrq_container_add(writer, numbers, 16, sizeof *numbers, "numbers");
    assert_ok(mrq_container_write(writer, in_folder("f.mrq"), &err));
    mrq_container_writer_free(writer);
    MRQ_AUTOFREE unsigned char *bytes = read_bytes(in_folder("f.mrq"), &size);
    assert_int_equal(size, 192); /* head, 128; section, 64 */
    const struct {
        uint64_t offset, size;
        bool good;
    } cases[] = {{128, 64, true},
                 {128, 0, true},
                 {192, 0, true},
                 {64, 128, true},
                 {128, 65, false},
                 {192, 1, false},
                 {128, UINT64_MAX, false},
                 {0, 193, false},
                 {64, UINT64_MAX, false},
                 {256, 0, false},
                 {127, 64, false},
                 {UINT64_MAX - 63, 64, false},
                 {192, UINT64_MAX - 191, false}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        memcpy(bytes + OFFSET, &cases[i].offset, 8);
        memcpy(bytes + SIZE, &cases[i].size, 8);
        make_checksum(bytes, size);
        write_bytes(in_folder("f.mrq"), bytes, size);
        if (cases[i].good) {
            assert_ok(mrq_container_open(in_folder("f.mrq"), "test", 1, &c, &err));
            mrq_container_close(c);
        } else {
            assert_fails(mrq_container_open(in_folder("f.mrq"), "test", 1, &c, &err), MRQ_BAD_FILE,
                         "section 0 lies outside the file");
        }
    }
}

/* As when what is written is mapped and larger than the memory that is left. */
static void test_a_container_is_written_without_a_copy(void **state)
{
    (void)state;
    enum { MEGABYTE = 1 << 20, LARGE = 64 * MEGABYTE };
    mrq_map map;
    mrq_container *c = NULL;
    size_t count = LARGE;
    const void *data;
    close(open(in_folder("large"), O_WRONLY | O_CREAT, 0600));
    assert_int_equal(truncate(in_folder("large"), LARGE), 0);
    assert_ok(mrq_map_open(&map, in_folder("large"), &err));
    mrq_container_writer *writer = mrq_container_writer_new("test", 1);
    mrq_container_add(writer, map.data, LARGE, 1, "large");
    const struct rlimit before = limit_memory(8 * MEGABYTE);
    const mrq_status status = mrq_container_write(writer, in_folder("large.mrq"), &err);
    assert_int_equal(setrlimit(RLIMIT_DATA, &before), 0);
    mrq_container_writer_free(writer);
    assert_int_equal(status, MRQ_OK);
    assert_ok(mrq_container_open(in_folder("large.mrq"), "test", 1, &c, &err));
    assert_ok(mrq_container_get(c, 1, &count, &data, &err, "large"));
    assert_memory_equal(data, map.data, LARGE);
    mrq_container_close(c);
    mrq_map_close(&map);
    unlink(in_folder("large"));
    unlink(in_folder("large.mrq"));
}

static void test_dict(void **state)
{
    (void)state;
    mrq_dict *dict = mrq_dict_new();
    char text[20];
    for (uint32_t i = 0; i < 3000; i++) {
        const int n = snprintf(text, sizeof text, "w%u", (i * 7919) % 3000);
        assert_int_equal(mrq_dict_add(dict, text, (size_t)n), i);
        assert_int_equal(mrq_dict_add(dict, text, (size_t)n), i);
    }
    assert_int_equal(mrq_dict_find(dict, "w2999x", 5), mrq_dict_find(dict, "w2999", 5));
    assert_int_equal(mrq_dict_find(dict, "w3000", 5), MRQ_NONE);
    assert_int_equal(mrq_dict_add(dict, "", 0), 3000);
    uint32_t rank[3001];
    assert_int_equal(mrq_dict_sort(dict, mrq_compare_bytes, rank), 0);
    const mrq_strings s = mrq_dict_strings(dict);
    for (uint32_t i = 1; i < s.n; i++)
        assert_true(strcmp(mrq_strings_at(&s, i - 1), mrq_strings_at(&s, i)) < 0);
    assert_int_equal(rank[3000], 0);
    assert_int_equal(mrq_dict_find(dict, "w0", 2), rank[0]);
    mrq_dict_free(dict);
}

static void test_column_code(void **state)
{
    (void)state;
    mrq_arena *arena = mrq_arena_new();
    mrq_dict *values = mrq_dict_new(), *labels = mrq_dict_new();
    const char *value[] = {"M", "F"}, *label[] = {"male", "female"};
    for (int i = 0; i < 2; i++) {
        mrq_dict_add(values, value[i], 1);
        mrq_dict_add(labels, label[i], strlen(label[i]));
    }
    mrq_column gender = {
        .name = "gender", .kind = MRQ_CATEGORY, .dict = mrq_dict_strings(values), .label = mrq_dict_strings(labels)};
    const struct {
        const char *text;
        uint32_t code;
    } good[] = {{"M", 0}, {"f", 1}, {"male", 0}, {"Female", 1}, {"0", 0}, {"1", 1}};
    uint32_t code;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        assert_ok(mrq_column_code(&gender, good[i].text, true, &code, &err));
        assert_int_equal(code, good[i].code);
    }
    assert_fails(mrq_column_code(&gender, "X", true, &code, &err), MRQ_USAGE,
                 "gender \"X\": want 0 to 1, or one of M (male), F (female)");
    assert_fails(mrq_column_code(&gender, "2", true, &code, &err), MRQ_USAGE, "gender \"2\"");
    assert_fails(mrq_column_code(&gender, "", true, &code, &err), MRQ_USAGE, "gender \"\"");
    const double bound[] = {1, 18, 25};
    mrq_column age = {.name = "age", .kind = MRQ_CATEGORY, .dict = {3, NULL, NULL}, .bound = bound};
    const struct {
        const char *text;
        uint32_t code;
    } ages[] = {{"1", 0}, {"17", 0}, {"17.9", 0}, {"18", 1}, {"24", 1}, {"25", 2}, {"130", 2}};
    for (size_t i = 0; i < sizeof ages / sizeof *ages; i++) {
        assert_ok(mrq_column_code(&age, ages[i].text, true, &code, &err));
        assert_int_equal(code, ages[i].code);
    }
    assert_fails(mrq_column_code(&age, "abc", true, &code, &err), MRQ_USAGE, "age \"abc\": want a number, 1 or more");
    assert_fails(mrq_column_code(&age, "-3", true, &code, &err), MRQ_USAGE, "age \"-3\"");
    assert_fails(mrq_column_code(&age, "0", true, &code, &err), MRQ_USAGE, "age \"0\"");
    assert_fails(mrq_column_code(&age, "nan", true, &code, &err), MRQ_USAGE, "age \"nan\"");
    mrq_dict_free(values);
    mrq_dict_free(labels);
    mrq_arena_free(arena);
}

static void save_table(const mrq_table *table, const char *path)
{
    mrq_container_writer *writer = mrq_container_writer_new("test", 1);
    mrq_table_save(table, writer, "t");
    assert_ok(mrq_container_write(writer, path, &err));
    mrq_container_writer_free(writer);
}

/* Saved, loaded and saved again, a table is the same; a table with a wrong number is refused even though its checksum is right. */
static void test_table(void **state)
{
    (void)state;
    mrq_table *table = small_items(20, 8), *back = NULL;
    mrq_container *c = NULL;
    save_table(table, in_folder("t.mrq"));
    assert_ok(mrq_container_open(in_folder("t.mrq"), "test", 1, &c, &err));
    assert_ok(mrq_table_load(c, "t", &back, &err));
    assert_int_equal(back->rows, 20);
    assert_int_equal(find_number(back, 13), 1);
    assert_int_equal(find_number(back, 14), MRQ_NONE);
    assert_string_equal(mrq_strings_at(&mrq_table_column(back, "title")->text, 3), "Title 003");
    assert_null(mrq_table_column(back, "nope"));
    save_table(back, in_folder("u.mrq"));
    mrq_map a, b;
    assert_ok(mrq_map_open(&a, in_folder("t.mrq"), &err));
    assert_ok(mrq_map_open(&b, in_folder("u.mrq"), &err));
    assert_int_equal(a.size, b.size);
    assert_memory_equal(a.data, b.data, a.size);
    mrq_map_close(&a);
    mrq_map_close(&b);
    mrq_table_free(back);
    mrq_container_close(c);

    char *ids = (char *)(uintptr_t)table->id.bytes; /* "10", "13", ... */
    uint32_t *items = (uint32_t *)(uintptr_t)table->column[0].list.item;
    uint64_t *offsets = (uint64_t *)(uintptr_t)table->column[1].list.offset;
    const struct {
        void *at;
        uint64_t wrong;
        size_t size;
        const char *says;
    } cases[] = {
        {&ids[10], '0', 1, "ids do not ascend at row 3"},         {&ids[0], '\n', 1, "the id of row 0, want 1 to 255 bytes"},
        {&ids[0], '9', 1, "ids do not ascend at row 1"},          {&items[0], 6, 4, "item 6, want less than 6"},
        {&offsets[2], 1000000, 8, "is less than the one before"}, {&offsets[20], 1, 8, "t.1"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        unsigned char keep[8];
        memcpy(keep, cases[i].at, cases[i].size);
        memcpy(cases[i].at, &cases[i].wrong, cases[i].size);
        save_table(table, in_folder("w.mrq"));
        memcpy(cases[i].at, keep, cases[i].size);
        assert_ok(mrq_container_open(in_folder("w.mrq"), "test", 1, &c, &err));
        assert_fails(mrq_table_load(c, "t", &back, &err), MRQ_BAD_FILE, cases[i].says);
        mrq_container_close(c);
    }
    mrq_table_free(table);
}

/* A pipe that nobody reads holds nobody up, and says afterwards what is missing. */
static void test_log_to_a_sleeper(void **state)
{
    (void)state;
    int ends[2];
    char text[70000];
    assert_int_equal(pipe2(ends, O_NONBLOCK), 0);
    FILE *sink = fdopen(ends[1], "w");
    assert_non_null(sink);
    while (write(ends[1], "x", 1) == 1)
        ;
    assert_int_equal(fcntl(ends[1], F_SETFL, 0), 0); /* as a standard error is */
    mrq_log_open(sink, MRQ_LOG_INFO);
    const double start = mrq_clock();
    for (int i = 0; i < 5; i++)
        mrq_log(MRQ_LOG_INFO, "test", "unread");
    assert_true(mrq_clock() - start < 4);
    while (read(ends[0], text, sizeof text) > 0)
        ;
    mrq_log(MRQ_LOG_INFO, "test", "read again");
    mrq_log_open(NULL, MRQ_LOG_INFO);
    const ssize_t n = read(ends[0], text, sizeof text - 1);
    assert_true(n > 0);
    text[n] = '\0';
    assert_non_null(strstr(text, " WARN log lost=5: the log's reader stalled\n"));
    assert_non_null(strstr(text, " INFO test read again\n"));
    assert_null(strstr(text, "unread"));
    fclose(sink);
    close(ends[0]);
}

static int hook_calls;

static void *hook(size_t size)
{
    hook_calls++;
    return malloc(size);
}

/* cJSON is shared with the program around the library, and so are its hooks. */
static void test_json_hooks(void **state)
{
    (void)state;
    cJSON *json = NULL;
    cJSON_InitHooks(&(cJSON_Hooks){hook, free});
    assert_ok(mrq_json_parse("{}", 2, "f.json", &json, &err));
    cJSON_Delete(json);
    cJSON_InitHooks(NULL);
    assert_true(hook_calls > 0);
}

static void test_json(void **state)
{
    (void)state;
    const char *text = "{\"a\": 1.5, \"b\": \"x\", \"c\": true,\n \"d\": 7}";
    cJSON *json = NULL;
    assert_ok(mrq_json_parse(text, strlen(text), "f.json", &json, &err));
    double real = 0;
    int64_t whole = 3;
    bool flag = false;
    int choice = -1;
    const char *string;
    const char *const names[] = {"w", "x", NULL};
    assert_ok(mrq_json_real(json, "f.json:", "a", 0, 2, &real, &err));
    assert_true(real == 1.5);
    assert_ok(mrq_json_int(json, "f.json:", "absent", 0, 2, &whole, &err));
    assert_int_equal(whole, 3);
    assert_ok(mrq_json_bool(json, "f.json:", "c", &flag, &err));
    assert_true(flag);
    assert_ok(mrq_json_choice(json, "f.json:", "b", names, &choice, &err));
    assert_int_equal(choice, 1);
    assert_fails(mrq_json_real(json, "f.json:", "a", 2, 3, &real, &err), MRQ_BAD_FILE, "f.json: a: 1.5, want a number, 2 to 3");
    assert_fails(mrq_json_int(json, "f.json: o", "a", 0, 9, &whole, &err), MRQ_BAD_FILE,
                 "f.json: o.a: 1.5, want a whole number, 0 to 9");
    assert_fails(mrq_json_text(json, "f.json:", "d", true, &string, &err), MRQ_BAD_FILE, "f.json: d: 7, want a string");
    assert_fails(mrq_json_text(json, "f.json:", "z", true, &string, &err), MRQ_BAD_FILE, "f.json: z: missing");
    cJSON_Delete(json);
    json = NULL;
    const char *bad = "{\"a\":\n\n oops}";
    assert_fails(mrq_json_parse(bad, strlen(bad), "f.json", &json, &err), MRQ_BAD_FILE, "f.json:3: not valid JSON");
    char deep[5000];
    memset(deep, '[', sizeof deep);
    assert_fails(mrq_json_parse(deep, sizeof deep, "f.json", &json, &err), MRQ_BAD_FILE, "not valid JSON");
    assert_fails(mrq_json_parse("{}\0{}", 5, "f.json", &json, &err), MRQ_BAD_FILE, "not valid JSON");
    const char *nul = "{\"a\":\"x\\u0000y\"}";
    assert_fails(mrq_json_parse(nul, strlen(nul), "f.json", &json, &err), MRQ_BAD_FILE, "is not allowed in a text");
    const char *no_escape = "{\"a\":\"\\\\u0000\"}";
    assert_ok(mrq_json_parse(no_escape, strlen(no_escape), "f.json", &json, &err));
    assert_string_equal(cJSON_GetStringValue(cJSON_GetObjectItem(json, "a")), "\\u0000");
    cJSON_Delete(json);
}

/* RFC 8259 to the letter: what other readers refuse, or understand otherwise, is refused here as well. */
static void json_is_taken_by_the_letter_of_its_standard(void **state)
{
    static const char *const sound[] = {
        "0", "-0", "10", "1.5", "-0.25", "1e5", "1E+05", "0.1e-7", "\"\\\"\\\\\"", "\"\x7f\xc3\xa9\"", "[ 1 ,\t2\r\n, 3 ]"};
    static const char *const wrong[] = {"04",       "-04",     "00",    "1.",      "1.e5",       "-.5",
                                        ".5",       "+1",      "0x10",  "1e",      "1e+",        "1.5e",
                                        "-",        "--1",     "1.5.2", "NaN",     "1_000",      "\"\n\"",
                                        "\"a\tb\"", "\f1",     "1\v,2", "[1\x7f]", "\xc2\xa0 1", "\xef\xbb\xbf[1]",
                                        "\"\x01\"", "\"\\\n\""};
    char text[100];
    cJSON *json = NULL;
    (void)state;
    for (size_t i = 0; i < sizeof sound / sizeof *sound; i++) {
        snprintf(text, sizeof text, " {\"a\":%s}\n", sound[i]);
        assert_ok(mrq_json_parse(text, strlen(text), "f.json", &json, &err));
        cJSON_Delete(json);
    }
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        snprintf(text, sizeof text, "\n{\"a\":[%s]}", wrong[i]);
        assert_fails(mrq_json_parse(text, strlen(text), "f.json", &json, &err), MRQ_BAD_FILE, "not valid JSON");
    }
    assert_fails(mrq_json_parse("\xef\xbb\xbf{}", 5, "f.json", &json, &err), MRQ_BAD_FILE, "f.json:1: not valid JSON");
    assert_fails(mrq_json_parse("\v{}", 3, "f.json", &json, &err), MRQ_BAD_FILE, "f.json:1: not valid JSON");
    assert_fails(mrq_json_parse("{}\f", 3, "f.json", &json, &err), MRQ_BAD_FILE, "f.json:1: not valid JSON");
    assert_fails(mrq_json_parse("{\"a\":\n04}", 9, "f.json", &json, &err), MRQ_BAD_FILE, "f.json:2: not valid JSON");
}

struct masks {
    pthread_t caller;
    pthread_barrier_t all_here;
    sigset_t seen[2];
};

static void note_mask(void *context, uint64_t i)
{
    struct masks *masks = context;
    (void)i;
    pthread_barrier_wait(&masks->all_here); /* so that each thread has one */
    pthread_sigmask(SIG_SETMASK, NULL, &masks->seen[!pthread_equal(pthread_self(), masks->caller)]);
}

/* A program's handlers run on threads of its own, never on one of ours, which faults alone may interrupt. */
static void threads_of_ours_block_signals(void **state)
{
    static const int blocked[] = {SIGTERM, SIGINT, SIGHUP, SIGPIPE, SIGALRM, SIGCHLD, SIGPROF, SIGUSR1};
    static const int open[] = {SIGBUS, SIGSEGV, SIGFPE, SIGILL, SIGABRT};
    struct masks masks = {.caller = pthread_self()};
    sigset_t before, after;
    (void)state;
    pthread_sigmask(SIG_SETMASK, NULL, &before);
    pthread_barrier_init(&masks.all_here, NULL, 2);
    mrq_parallel(2, 2, note_mask, &masks);
    pthread_barrier_destroy(&masks.all_here);
    pthread_sigmask(SIG_SETMASK, NULL, &after);
    for (size_t i = 0; i < sizeof blocked / sizeof *blocked; i++) {
        assert_true(sigismember(&masks.seen[1], blocked[i]));
        assert_int_equal(sigismember(&masks.seen[0], blocked[i]), sigismember(&before, blocked[i]));
        assert_int_equal(sigismember(&after, blocked[i]), sigismember(&before, blocked[i]));
    }
    for (size_t i = 0; i < sizeof open / sizeof *open; i++)
        assert_false(sigismember(&masks.seen[1], open[i]));
}

static mrq_status read_options(const char *line, int64_t *k, double *lr, const char **name, bool *flag)
{
    const mrq_option options[] = {{"top", 'k', MRQ_OPT_INT, k, 1, 100, "N", "how many"},
                                  {"lr", 0, MRQ_OPT_REAL, lr, 0, 10, "X", "rate"},
                                  {"name", 'n', MRQ_OPT_TEXT, name, 0, 0, "S", "name"},
                                  {"flag", 'f', MRQ_OPT_FLAG, flag, 0, 0, NULL, "flag"},
                                  {0}};
    const mrq_command command = {"test", "[option...]", "About.", options, 0, 0, NULL};
    static char copy[200];
    static char self[] = "test";
    char *argv[20] = {self};
    int argc = 1, first;
    bool done;
    snprintf(copy, sizeof copy, "%s", line);
    for (char *word = strtok(copy, " "); word; word = strtok(NULL, " "))
        argv[argc++] = word;
    return mrq_options_read(&command, argc, argv, &first, &done, &err);
}

static void test_options(void **state)
{
    (void)state;
    int64_t k = 5;
    double lr = 1;
    const char *name = NULL;
    bool flag = false;
    assert_ok(read_options("-k 7 --lr 0.5 -n x --flag", &k, &lr, &name, &flag));
    assert_true(k == 7 && lr == 0.5 && strcmp(name, "x") == 0 && flag);
    assert_ok(read_options("--top=8 -fk9", &k, &lr, &name, &flag));
    assert_int_equal(k, 9);
    const struct {
        const char *line, *says;
    } bad[] = {{"-k 0", "-k \"0\": want a whole number, 1 to 100"},
               {"-k abc", "-k \"abc\": want a whole number, 1 to 100"},
               {"--lr nan", "--lr \"nan\": want a number, 0 to 10"},
               {"-k", "-k: needs an argument"},
               {"--lr", "--lr: needs an argument"},
               {"--nope", "--nope: unknown option"},
               {"-z", "-z: unknown option"},
               {"stray", "unexpected argument \"stray\""},
               {"--name=", "--name: empty, want S"},
               {"--top 0", "--top \"0\": want"},
               {"--flag=1", "--flag=1: takes no argument"}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_fails(read_options(bad[i].line, &k, &lr, &name, &flag), MRQ_USAGE, bad[i].says);
}

static double monotonic(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void the_clock_is_the_monotonic_one(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i++) { /* at other parts of a second */
        const double before = monotonic(), now = mrq_clock(), after = monotonic();
        assert_true(before - 1e-6 <= now && now <= after + 1e-6);
        usleep(7000);
    }
}

/* A text of any size is found by its bytes alone, of which none behind its end is looked at; one byte makes another text. */
static void a_text_of_any_size_is_found(void **state)
{
    (void)state;
    enum { SIZES = 40 };
    MRQ_CLEANUP(mrq_dict_free) mrq_dict *dict = mrq_dict_new();
    for (uint32_t size = 1; size < SIZES; size++) {
        char *text = malloc(size); /* no byte more, as a sanitizer sees */
        assert_non_null(text);
        for (uint32_t i = 0; i < size; i++)
            text[i] = (char)('a' + (i * 7 + size) % 26);
        assert_int_equal(mrq_dict_add(dict, text, size), size - 1);
        assert_int_equal(mrq_dict_find(dict, text, size), size - 1);
        for (uint32_t i = 0; i < size; i++) {
            text[i] ^= 0x20;
            assert_int_equal(mrq_dict_find(dict, text, size), MRQ_NONE);
            text[i] ^= 0x20;
        }
        free(text);
    }
}

/* Texts of seven bytes and less are told apart by each of their bits, whatever the others are. */
static void short_texts_differ(void **state)
{
    (void)state;
    static const unsigned char grounds[] = {0x00, 0x55, 0xaa, 0xff};
    for (size_t ground = 0; ground < sizeof grounds; ground++) {
        MRQ_CLEANUP(mrq_dict_free) mrq_dict *dict = mrq_dict_new();
        uint32_t n = 0;
        for (size_t size = 1; size <= 7; size++) {
            char text[8];
            memset(text, grounds[ground], size);
            assert_int_equal(mrq_dict_add(dict, text, size), n++);
            for (size_t bit = 0; bit < 8 * size; bit++) {
                text[bit / 8] = (char)(text[bit / 8] ^ (1 << bit % 8));
                assert_int_equal(mrq_dict_find(dict, text, size), MRQ_NONE);
                assert_int_equal(mrq_dict_add(dict, text, size), n++);
                text[bit / 8] = (char)(text[bit / 8] ^ (1 << bit % 8));
            }
        }
    }
}

/* Texts of one hash, as a factor of 0 makes, are compared to the last byte; so is one that another one begins with. */
static void texts_of_one_hash_differ(void **state)
{
    (void)state;
    MRQ_CLEANUP(mrq_dict_free) mrq_dict *dict = mrq_dict_new();
    const uint64_t factor = UINT64_C(0xa0761d6478bd642f) ^ 16; /* that of base/dict.c, which begins with the size */
    char text[17] = "        abcdefgh";
    memcpy(text, &factor, sizeof factor);
    assert_int_equal(mrq_dict_add(dict, text, 16), 0);
    for (uint32_t i = 8; i < 16; i++) {
        text[i] ^= 0x20;
        assert_int_equal(mrq_dict_find(dict, text, 16), MRQ_NONE);
        assert_int_equal(mrq_dict_add(dict, text, 16), i - 7);
        text[i] ^= 0x20;
    }
    for (uint32_t i = 8; i < 16; i++) {
        text[i] ^= 0x20;
        assert_int_equal(mrq_dict_find(dict, text, 16), i - 7);
        text[i] ^= 0x20;
    }
    assert_int_equal(mrq_dict_find(dict, text, 16), 0);
}

/* What `--help` prints, between the lines that every command has; the caller frees it. */
static char *help_of(const mrq_option *options)
{
    const mrq_command command = {"test", "[option...]", "About.", options, 0, 0, NULL};
    char self[] = "test", help[] = "--help", *argv[] = {self, help, NULL}, *text = NULL;
    size_t size = 0;
    FILE *printed = stdout, *memory = open_memstream(&text, &size);
    assert_non_null(memory);
    int first;
    bool done = false;
    stdout = memory;
    const mrq_status status = mrq_options_read(&command, 2, argv, &first, &done, &err);
    stdout = printed;
    assert_int_equal(fclose(memory), 0);
    assert_int_equal(status, MRQ_OK);
    assert_true(done);
    return text;
}

/* A default is told within its limits, which belong to them; beyond them it means that there is none. */
static void help_tells_what_an_option_takes(void **state)
{
    (void)state;
    int64_t whole[] = {0, 1, 100, 101};
    double real[] = {-0.5, 0, 10, 10.5};
    const char *text = "x", *none = NULL;
    bool flag = true;
    mrq_texts list = {1, {"y"}};
    const mrq_option options[] = {{"below", 'b', MRQ_OPT_INT, &whole[0], 1, 100, "N", "a number"},
                                  {"least", 0, MRQ_OPT_INT, &whole[1], 1, 100, "N", "a number,\nwith a second line"},
                                  {"most", 'm', MRQ_OPT_INT, &whole[2], 1, 100, "N", "a number"},
                                  {"beyond", 0, MRQ_OPT_INT, &whole[3], 1, 100, "N", "a number"},
                                  {"real-below", 0, MRQ_OPT_REAL, &real[0], 0, 10, "X", "a real"},
                                  {"real-least", 0, MRQ_OPT_REAL, &real[1], 0, 10, "X", "a real"},
                                  {"head-of-23-letter", 0, MRQ_OPT_REAL, &real[2], 0, 10, NULL, "a real"},
                                  {"head-of-24-letters", 0, MRQ_OPT_REAL, &real[3], 0, 10, NULL, "a real"},
                                  {"text", 't', MRQ_OPT_TEXT, &text, 0, 0, "T", "a text"},
                                  {"no-text", 0, MRQ_OPT_TEXT, &none, 0, 0, "T", "a text"},
                                  {"flag", 0, MRQ_OPT_FLAG, &flag, 0, 0, NULL, "a flag"},
                                  {"list", 0, MRQ_OPT_LIST, &list, 0, 0, "T", "texts"},
                                  {0}};
    char *help = help_of(options);
    assert_string_equal(help, "usage: test [option...]\n\nAbout.\n\noptions:\n"
                              "  -b, --below N            a number\n"
                              "      --least N            a number,\n"
                              "                           with a second line [1]\n"
                              "  -m, --most N             a number [100]\n"
                              "      --beyond N           a number\n"
                              "      --real-below X       a real\n"
                              "      --real-least X       a real [0]\n"
                              "      --head-of-23-letter  a real [10]\n"
                              "      --head-of-24-letters\n"
                              "                           a real\n"
                              "  -t, --text T             a text [x]\n"
                              "      --no-text T          a text\n"
                              "      --flag               a flag\n"
                              "      --list T             texts\n"
                              "      --help               this text\n");
    free(help);
}

static void test_option_list(void **state)
{
    (void)state;
    mrq_texts list = {0};
    const mrq_option options[] = {{"genre", 'g', MRQ_OPT_LIST, &list, 0, 0, "NAME", "again and again"}, {0}};
    const mrq_command command = {"test", "[option...]", "About.", options, 0, 0, NULL};
    char self[] = "test", one[] = "--genre=Film-Noir", two[] = "-g", name[] = "Western", empty[] = "--genre=";
    char *argv[MRQ_TEXTS_MAX + 3] = {self, one, two, name, one};
    int first;
    bool done = false;
    assert_ok(mrq_options_read(&command, 5, argv, &first, &done, &err));
    assert_int_equal(list.n, 3);
    assert_string_equal(list.text[0], "Film-Noir");
    assert_string_equal(list.text[1], "Western");
    assert_string_equal(list.text[2], "Film-Noir");
    argv[1] = empty;
    assert_fails(mrq_options_read(&command, 2, argv, &first, &done, &err), MRQ_USAGE, "--genre: empty, want NAME");
    list.n = 0;
    for (int i = 1; i <= MRQ_TEXTS_MAX + 1; i++)
        argv[i] = one;
    assert_ok(mrq_options_read(&command, MRQ_TEXTS_MAX + 1, argv, &first, &done, &err));
    assert_int_equal(list.n, MRQ_TEXTS_MAX);
    list.n = 0;
    assert_fails(mrq_options_read(&command, MRQ_TEXTS_MAX + 2, argv, &first, &done, &err), MRQ_USAGE,
                 "--genre: given more than 64 times");
    assert_int_equal(list.n, MRQ_TEXTS_MAX);
    const mrq_option three[] = {{"genre", 'g', MRQ_OPT_LIST, &list, 0, 3, "NAME", "a name"}, {0}};
    const mrq_command limited = {.name = "test", .options = three};
    list.n = 0;
    assert_ok(mrq_options_read(&limited, 4, argv, &first, &done, &err));
    assert_int_equal(list.n, 3);
    list.n = 0;
    assert_fails(mrq_options_read(&limited, 5, argv, &first, &done, &err), MRQ_USAGE, "--genre: given more than 3 times");
}

int __asan_address_is_poisoned(const volatile void *address) __attribute__((weak));

static void nothing_behind_an_array_may_be_touched(void **state)
{
    mrq_arena *arena = mrq_arena_new();
    (void)state;
    for (size_t n = 1; n <= 129; n++) {
        MRQ_AUTOFREE unsigned char *alone = mrq_array(n, 1);
        unsigned char *among = mrq_arena_array(arena, n, 1);
        for (int i = 0; i < 2 && __asan_address_is_poisoned; i++) { /* only the sanitizer sees it */
            const unsigned char *p = i ? among : alone;
            assert_true(!__asan_address_is_poisoned(p) && !__asan_address_is_poisoned(p + n - 1) &&
                        __asan_address_is_poisoned(p + n));
        }
    }
    mrq_arena_free(arena);
}

static void test_memory(void **state)
{
    (void)state;
    assert_null(mrq_array(SIZE_MAX / 2, 4));
    assert_null(mrq_array(SIZE_MAX - 10, 1));
    void *none = mrq_array(0, 8);
    assert_non_null(none);
    mrq_free(none);
    mrq_arena *arena = mrq_arena_new();
    for (size_t n = 1; n < 300000; n = n * 3 + 1) {
        unsigned char *p = mrq_arena_array(arena, n, 1);
        assert_int_equal((uintptr_t)p % MRQ_ALIGN, 0);
        for (size_t i = 0; i < n; i++)
            assert_int_equal(p[i], 0);
        memset(p, 0xff, n);
    }
    assert_null(mrq_arena_array(arena, SIZE_MAX / 8, 16));
    mrq_arena_free(arena);
    uint32_t *items = NULL;
    size_t room = 0;
    for (uint32_t i = 0; i < 1000; i++) {
        assert_int_equal(mrq_grow(&items, &room, i + 1, sizeof *items), 0);
        items[i] = i;
    }
    for (uint32_t i = 0; i < 1000; i++)
        assert_int_equal(items[i], i);
    mrq_free(items);
}

/* What is printed, as text. */
static void assert_printed(mrq_print *print, const char *want)
{
    size_t size;
    MRQ_AUTOFREE char *text = mrq_print_take(print, &size);
    assert_string_equal(text, want);
    assert_int_equal(size, strlen(want));
}

static void json_is_printed(void **state)
{
    (void)state;
    mrq_print print = {0};
    mrq_print_open(&print, '{');
    mrq_print_key(&print, "a");
    mrq_print_open(&print, '[');
    mrq_print_close(&print, ']');
    mrq_print_key(&print, "b:{[");
    mrq_print_text(&print, "x:");
    mrq_print_key(&print, "c");
    mrq_print_open(&print, '[');
    mrq_print_whole(&print, INT64_MIN);
    mrq_print_whole(&print, -1);
    mrq_print_whole(&print, -10);
    mrq_print_whole(&print, 0);
    mrq_print_whole(&print, INT64_MAX);
    mrq_print_raw(&print, "{}");
    mrq_print_text(&print, "");
    mrq_print_close(&print, ']');
    mrq_print_close(&print, '}');
    assert_printed(&print, "{\"a\":[],\"b:{[\":\"x:\",\"c\":[-9223372036854775808,-1,-10,0,9223372036854775807,{},\"\"]}");
    mrq_print_text(&print, "\"\\/\b\f\n\r\t\x01\x1f\x7f \xc3\xa9 \xf0\x9f\x8e\xac \xff\xc3 \xc3");
    assert_printed(&print, "\"\\\"\\\\/\\b\\f\\n\\r\\t\\u0001\\u001f\x7f \xc3\xa9 \xf0\x9f\x8e\xac ?? ?\"");
    free(memset(malloc(1024), '8', 1024)); /* what may be found again where nothing is printed */
    assert_printed(&print, "");
}

static void numbers_are_printed_as_short_as_they_are_exact(void **state)
{
    (void)state;
    static const struct {
        double value;
        int digits;
        const char *text;
    } cases[] = {{0, 6, "0"},
                 {-0.0, 6, "0"},
                 {0.1234565, 6, "0.123457"},
                 {-0.1234564, 6, "-0.123456"},
                 {0.5, 6, "0.5"},
                 {1995, 3, "1995"},
                 {100, 0, "100"},
                 {2.5, 0, "3"},
                 {1e-7, 6, "0"},
                 {-4e-7, 6, "0"},
                 {-6e-7, 6, "-0.000001"},
                 {0.00000001, 8, "0.00000001"},
                 {999999.9999996, 6, "1000000"},
                 {9007199255.5, 6, "9007199255.5"},
                 {-90071993.25, 8, "-90071993.25"},
                 {0.9999999, 6, "1"},
                 {1e18, 6, "1000000000000000000"},
                 {-1e18, 9, "-1000000000000000000"},
                 {(double)NAN, 6, "null"},
                 {(double)-INFINITY, 6, "null"}};
    mrq_print print = {0};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        mrq_print_real(&print, cases[i].value, cases[i].digits);
        assert_printed(&print, cases[i].text);
    }
    mrq_random rng;
    mrq_random_init(&rng, 3, 0);
    for (int i = 0; i < 20000; i++) {
        const double value = (mrq_random_unit(&rng) - 0.5) * pow(10, (double)(i % 12) - 4);
        mrq_print_real(&print, value, 6);
        MRQ_AUTOFREE char *text = mrq_print_take(&print, NULL);
        assert_true(fabs(strtod(text, NULL) - value) <= 0.5000001e-6 + 1e-15 * fabs(value));
        assert_true(text[strlen(text) - 1] != '0' || !strchr(text, '.'));
    }
    mrq_print_real(&print, 1.7e308, 6);
    MRQ_AUTOFREE char *text = mrq_print_take(&print, NULL);
    assert_true(strtod(text, NULL) == 1.7e308); /* NOLINT: all digits are there */
}

int main(void)
{
    folder = temporary_folder();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_is_printed),
        cmocka_unit_test(numbers_are_printed_as_short_as_they_are_exact),
        cmocka_unit_test(test_parse_int),
        cmocka_unit_test(test_parse_real),
        cmocka_unit_test(test_locale),
        cmocka_unit_test(test_random),
        cmocka_unit_test(test_errors_are_plain),
        cmocka_unit_test(test_digest),
        cmocka_unit_test(test_files),
        cmocka_unit_test(test_no_link_is_written_through),
        cmocka_unit_test(test_an_output_that_cannot_take_its_place_leaves_nothing),
        cmocka_unit_test(test_left_overs),
        cmocka_unit_test(test_container),
        cmocka_unit_test(test_a_section_beyond_the_file_is_refused),
        cmocka_unit_test(test_a_container_is_written_without_a_copy),
        cmocka_unit_test(test_dict),
        cmocka_unit_test(test_column_code),
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_json),
        cmocka_unit_test(threads_of_ours_block_signals),
        cmocka_unit_test(json_is_taken_by_the_letter_of_its_standard),
        cmocka_unit_test(test_options),
        cmocka_unit_test(test_option_list),
        cmocka_unit_test(help_tells_what_an_option_takes),
        cmocka_unit_test(a_text_of_any_size_is_found),
        cmocka_unit_test(short_texts_differ),
        cmocka_unit_test(texts_of_one_hash_differ),
        cmocka_unit_test(the_clock_is_the_monotonic_one),
        cmocka_unit_test(test_memory),
        cmocka_unit_test(nothing_behind_an_array_may_be_touched),
        cmocka_unit_test(test_json_hooks),
        cmocka_unit_test(test_log_to_a_sleeper),
    };
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    temporary_remove(folder);
    return failed;
}
