/* Where bytes come from: windows on maps and streams, blocks of any size, several files, standard input, and what is no file. */
#include "unit/load_as.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dataset/files.h"
#include "dataset/reader.h"
#include "unit/failing_memory.h"

#define EVENTS(file, keys)                                                                                                         \
    "{'name':'s','events':{'file':'" file "','delimiter':',','header':true,'quoted':true" keys ",'fields':["                       \
    "{'name':'user','kind':'id','column':'who'},{'name':'item','kind':'id','column':'what'}]}}"
#define LISTS "{'name':'s','events':{'file':'-','format':'lists','delimiter':' '}}"

/* Of a call that was made before. */
static void assert_failed(mrq_status status, mrq_status want, const char *text)
{
    assert_int_equal(status, want);
    if (!strstr(err.msg, text))
        fail_msg("\"%s\", want \"%s\"", err.msg, text);
}

static mrq_schema *schema_of(const char *quoted)
{
    char text[2000];
    mrq_schema *schema = NULL;
    snprintf(text, sizeof text, "%s", quoted);
    for (char *p = text; *p; p++)
        *p = *p == '\'' ? '"' : *p;
    assert_ok(mrq_schema_parse(text, strlen(text), "s.json", &schema, &err));
    return schema;
}

/* All records as "line:user/item ", and how it ended. */
static const char *records(const mrq_schema *schema, size_t block)
{
    static char text[4000];
    mrq_reader reader = {.block = block};
    const mrq_origin from = {.folder = folder};
    size_t used = 0;
    bool more = true;
    err = (mrq_error){0};
    mrq_status status = mrq_reader_open(&reader, &from, &schema->events, false, &err);
    while (status == MRQ_OK && (status = mrq_reader_next(&reader, &more, &err)) == MRQ_OK && more)
        used += (size_t)snprintf(text + used, sizeof text - used, "%llu:%.*s/%.*s ", (unsigned long long)reader.line,
                                 (int)reader.field[0].size, reader.field[0].text, (int)reader.field[1].size, reader.field[1].text);
    snprintf(text + used, sizeof text - used, "%s", status == MRQ_OK ? "end" : err.msg);
    mrq_reader_close(&reader);
    return text;
}

static void blocks_of_any_size_give_the_same_records(void **state)
{
    (void)state;
    static const char *const files[] = {
        "\xef\xbb\xbfwho,what\nu,a\nv,b\n",
        "who,what\r\n\"u\n\n\n1\",\"a\"\"\n\"\r\nv,b\r\n\r\n\n",
        "who,what\nu,a\n\nv,b\n",
        "who,what\nu,a\n\"v\n\n\n,b\nw,c\n",
        "who,what\nu,a\n\"v\"x,b\n",
        "\n\n\nwho,what\nu,a\n",
        "\"who\",\"wh\nat\"\nu,a\n",
        "who,\"what\",\"more\n\n\nand more\"\nu,a,\"\n\n\"\nv,b,\n",
        "who,what\nu\xc3\xa9,\xe2\x82\xac\nv,\xe2\x82\n",
        "who,what\nu,a",
        "who,what",
        "",
        "\n",
    };
    mrq_schema *schema = schema_of(EVENTS("e", ""));
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        char want[4000];
        put("e", files[i]);
        snprintf(want, sizeof want, "%s", records(schema, 0));
        for (size_t block = 1; block <= strlen(files[i]) + 1; block++)
            assert_string_equal(records(schema, block), want);
    }
    assert_string_equal(records(schema, 1), "e:1: want a header with the columns who, what, and the first line has nothing");
    put("e", files[1]);
    assert_string_equal(records(schema, 3), "2:u\n\n\n1/a\"\n 7:v/b end");
    put("e", files[3]);
    assert_string_equal(records(schema, 3), "2:u/a e:3: the quote before \"v\\x0a\\x0a\\x0a,b\\x0aw,c\\x0a\" is never closed");
    mrq_schema_free(schema);
}

/* A line of `size` bytes with its end, and a short one on both sides. */
static void put_line(size_t size)
{
    char *text = malloc(size + 8);
    assert_non_null(text);
    memcpy(text, "a\n", 2);
    memset(text + 2, 'x', size);
    memcpy(text + 2 + size - 1, "\nb\n", 3);
    put_bytes("e", text, size + 4);
    free(text);
}

static void a_record_has_a_longest_length(void **state)
{
    (void)state;
    char path[400];
    snprintf(path, sizeof path, "%s/e", folder);
    for (int longer = 0; longer < 2; longer++) {
        put_line(MRQ_RECORD_MAX + (size_t)longer);
        for (int stream = 0; stream < 2; stream++) {
            mrq_source source = {.block = stream ? 1 << 20 : 0};
            assert_ok(mrq_source_open(&source, path, "e", NULL, NULL, &err));
            assert_ok(mrq_source_more(&source, 0, 1, &err));
            assert_true(source.size == 2 && !source.last);
            const mrq_status status = mrq_source_more(&source, 0, 2, &err);
            if (longer) {
                assert_failed(
                    status, MRQ_BAD_FILE,
                    "e:2: a record of more than 64 MB: want records that end with a line end, and quotes that are closed");
            } else {
                assert_ok(status);
                assert_true(source.size == MRQ_RECORD_MAX && !source.last);
                assert_ok(mrq_source_more(&source, 0, 3, &err));
                assert_true(source.size == 2 && *source.bytes == 'b');
            }
            mrq_source_close(&source);
            mrq_source whole = {.block = stream ? 1 << 20 : 0};
            assert_ok(mrq_source_open(&whole, path, "e", NULL, NULL, &err));
            if (longer && stream) {
                assert_fails(mrq_source_whole(&whole, &err), MRQ_BAD_FILE, "e:2: a record of more than 64 MB");
            } else {
                assert_ok(mrq_source_whole(&whole, &err));
                assert_true(whole.size == MRQ_RECORD_MAX + (size_t)longer + 4 && whole.last);
            }
            mrq_source_close(&whole);
        }
    }
    char *open = malloc(MRQ_RECORD_MAX + 100); /* a quote that is never closed */
    assert_non_null(open);
    memset(open, '\n', MRQ_RECORD_MAX + 100);
    memcpy(open, "who,what\nu,a\n\"", 14);
    put_bytes("e", open, MRQ_RECORD_MAX + 100);
    free(open);
    mrq_schema *schema = schema_of(EVENTS("e", ""));
    assert_string_equal(records(schema, 0), "2:u/a e:3: a record of more than 64 MB: want records that end with a line end, and "
                                            "quotes that are closed");
    assert_string_equal(records(schema, 1 << 20), "2:u/a e:3: a record of more than 64 MB: want records that end with a line end, "
                                                  "and quotes that are closed");
    mrq_schema_free(schema);
}

static void a_pattern_stands_for_several_files(void **state)
{
    (void)state;
    put("day-2.csv", "when,what,who\n1,b,v\n");
    put("day-10.csv", "what,who\nc,w"); /* before day-2: by their bytes */
    put("day-1.csv.old", "no data");
    put(".day-1.csv", "no data");
    put("day.csv", "no data");
    put("day-[3].csv", "\"who\",\"what\"\nx,d\n\n");
    mrq_dataset *data = load(EVENTS("day-*.csv", ""));
    assert_string_equal(events_of(data), "w c 1, v b 1, x d 1");
    const uint64_t three = data->fingerprint;
    mrq_dataset_free(data);
    data = load(EVENTS("da?-*[*.*v", ""));
    assert_string_equal(events_of(data), "x d 1");
    assert_true(data->fingerprint != three);
    mrq_dataset_free(data);
    assert_fails(load_as(EVENTS("night-*.csv", ""), &data), MRQ_NOT_FOUND, "night-*.csv: no file of the folder ");
    put("day-[3].csv", "who,what\nx,\n");
    assert_fails(load_as(EVENTS("day-*.csv", ""), &data), MRQ_BAD_FILE, "day-[3].csv:2: item \"\", want an id");
    put("day-[3].csv", "who\nx\n");
    assert_fails(load_as(EVENTS("day-*.csv", ""), &data), MRQ_BAD_FILE, "day-[3].csv:1: no column \"what\" in the header");
    put("day-[3].csv", "who,what\n");
    data = load(EVENTS("day-*.csv", ""));
    assert_int_equal(data->n, 2);
    mrq_dataset_free(data);
    put("day-2.csv", "who,what\n");
    put("day-10.csv", "who,what\n");
    assert_fails(load_as(EVENTS("day-*.csv", ""), &data), MRQ_BAD_FILE, "day-*.csv: no rows");
}

/* The files that fit, with blanks between them. */
static const char *files_of(const char *pattern)
{
    static char out[300];
    MRQ_CLEANUP(mrq_dict_free) mrq_dict *names = NULL;
    size_t n = 0;
    err = (mrq_error){0};
    const mrq_status status = mrq_files_find(folder, pattern, &names, &err);
    if (status == MRQ_NOT_FOUND)
        return "none";
    assert_ok(status);
    const mrq_strings names_of = mrq_dict_strings(names);
    for (uint32_t i = 0; i < names_of.n; i++)
        n += (size_t)snprintf(out + n, sizeof out - n, "%s%s", i ? " " : "", mrq_strings_at(&names_of, i));
    return out;
}

static void patterns_fit_whole_names(void **state)
{
    (void)state;
    static const char *const names[] = {"a", "ab", "abab", "abb", "b", "[ab]", "a\\b", ".a", "..b"};
    static const struct {
        const char *pattern, *want;
    } cases[] = {
        {"*", "[ab] a a\\b ab abab abb b"},
        {"**", "[ab] a a\\b ab abab abb b"},
        {"?", "a b"},
        {"??", "ab"},
        {"a*", "a a\\b ab abab abb"},
        {"*b", "a\\b ab abab abb b"},
        {"a*b", "a\\b ab abab abb"},
        {"a*bb", "abb"},
        {"*ab", "ab abab"},
        {"*ab*b*", "abab abb"},
        {"a?*", "a\\b ab abab abb"},
        {"?*?", "[ab] a\\b ab abab abb"},
        {"[ab]*", "[ab]"},
        {"a\\*", "a\\b"},
        {".*", ". .. ..b .a"},
        {".?", ".. .a"},
        {"?a", "none"}, /* which does not begin with a dot */
        {"*.*", "none"},
        {"b?", "none"},
        {"c*", "none"},
        {"nowhere", "nowhere"}, /* no pattern: a name, be it there or not */
    };
    char inside[300];
    snprintf(inside, sizeof inside, "%s", folder);
    snprintf(folder, sizeof folder, "%s", temporary_folder());
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        put(names[i], "");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_string_equal(files_of(cases[i].pattern), cases[i].want);
    temporary_remove(folder);
    snprintf(folder, sizeof folder, "%s", inside);
}

static void so_many_files_may_fit(void **state)
{
    (void)state;
    char inside[300], name[20], path[600];
    snprintf(inside, sizeof inside, "%s", folder);
    snprintf(folder, sizeof folder, "%s", temporary_folder());
    for (int i = 0; i < MRQ_FILES_MAX + 1; i++) {
        MRQ_CLEANUP(mrq_dict_free) mrq_dict *names = NULL;
        snprintf(name, sizeof name, "f%05d", i);
        snprintf(path, sizeof path, "%s/%s", folder, name);
        const int file = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
        assert_true(file >= 0);
        close(file);
        if (i == MRQ_FILES_MAX - 1) {
            assert_ok(mrq_files_find(folder, "f*", &names, &err));
            assert_int_equal(mrq_dict_strings(names).n, 10000);
        }
    }
    mrq_dict *names = NULL;
    assert_fails(mrq_files_find(folder, "f*", &names, &err), MRQ_BAD_FILE,
                 "f*: more than 10000 files fit, want one file instead of many small ones");
    temporary_remove(folder);
    snprintf(folder, sizeof folder, "%s", inside);
}

#define TABLE                                                                                                                      \
    "'items':{'file':'i?','delimiter':',','header':true,'fields':[{'name':'id','kind':'id','column':'id'},"                        \
    "{'name':'price','kind':'number','column':'price'}]},"

static void a_table_may_be_several_files(void **state)
{
    (void)state;
    put("e", "who,what\nu,b\nu,a\nu,c\n");
    put("i1", "id,price\nc,3\n");
    put("i2", "price,x,id\n2,,b\n1,,a\n");
    static const char schema[] = "{'name':'s'," TABLE "'events':{'file':'e','delimiter':',','header':true,'fields':["
                                 "{'name':'user','kind':'id'},{'name':'item','kind':'id'}]}}";
    mrq_dataset *data = load(schema);
    const mrq_column *price = mrq_table_column(data->items, "price");
    for (uint32_t i = 0; i < 3; i++)
        assert_true(price->number[i] == i + 1.0);
    mrq_dataset_free(data);
    put("i2", "price,x,id\n2,,b\n1,,c\n");
    assert_fails(load_as(schema, &data), MRQ_BAD_FILE, "i2:3: id \"c\" is already in i1:2");
}

static void what_is_no_file_is_told(void **state)
{
    (void)state;
    char path[400];
    mrq_dataset *data;
    snprintf(path, sizeof path, "%s/f", folder);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_fails(load_as(EVENTS("f", ""), &data), MRQ_BAD_FILE, "f: a folder, want a file");
    rmdir(path);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_fails(load_as(EVENTS("f", ""), &data), MRQ_BAD_FILE,
                 "f: a pipe, want a file; events can come by standard input: \"file\": \"-\"");
    unlink(path);
    assert_fails(load_as(EVENTS("f", ""), &data), MRQ_NOT_FOUND, "/f: No such file");
    static const char *const outside[] = {"../e", "/etc/passwd", "..", ".", "a/b", ""};
    for (size_t i = 0; i < sizeof outside / sizeof *outside; i++) {
        char schema[600], want[200];
        snprintf(schema, sizeof schema,
                 "{'name':'s','events':{'file':'%s','delimiter':',','fields':[{'name':'user','kind':'id'},"
                 "{'name':'item','kind':'id'}]}}",
                 outside[i]);
        snprintf(want, sizeof want, "s.json: events.file: \"%s\", want the name of a file in the folder", outside[i]);
        assert_fails(load_as(schema, &data), MRQ_BAD_FILE, want);
    }
    assert_fails(load_as("{'name':'s','items':{'file':'-','delimiter':',','fields':[{'name':'id','kind':'id'}]}}", &data),
                 MRQ_BAD_FILE, "s.json: items.file: \"-\", but only events can come by standard input");
}

static void *write_endlessly(void *argument)
{
    const int *to = argument;
    static char line[1 << 16];
    memset(line, 'x', sizeof line);
    while (write(*to, line, sizeof line) > 0) {
    }
    close(*to);
    return NULL;
}

/* Standard input is these bytes; what it was before is returned. */
static int feed(const void *bytes, size_t size)
{
    int pipes[2];
    const int before = dup(STDIN_FILENO);
    assert_int_equal(pipe(pipes), 0);
    assert_true(write(pipes[1], bytes, size) == (ssize_t)size);
    close(pipes[1]);
    assert_true(dup2(pipes[0], STDIN_FILENO) == STDIN_FILENO);
    close(pipes[0]);
    return before;
}

static void starve_no_more(int before)
{
    assert_true(dup2(before, STDIN_FILENO) == STDIN_FILENO);
    close(before);
}

static void events_come_by_standard_input(void **state)
{
    (void)state;
    mrq_dataset *data;
    int before = feed("1 2 3\n4 5", 9);
    data = load(LISTS);
    assert_string_equal(events_of(data), "1 2 1, 1 3 1, 4 5 1");
    const uint64_t fingerprint = data->fingerprint;
    mrq_dataset_free(data);
    starve_no_more(before);
    put("e", "1 2 3\n4 5");
    data = load("{'name':'s','events':{'file':'e','format':'lists','delimiter':' '}}");
    assert_true(data->fingerprint == fingerprint);
    mrq_dataset_free(data);
    static const unsigned char packed[] = {0x1f, 0x8b, 8,    0,    0, 0, 0,    0,    0,    3,    0x33, 0x54, 0x30, 0x52, 0x30,
                                           0xe6, 0x32, 0x51, 0x30, 5, 0, 0xdb, 0x9c, 0x0c, 0x77, 9,    0,    0,    0};
    before = feed(packed, sizeof packed);
    const mrq_status status = load_as(LISTS, &data);
    starve_no_more(before);
    assert_ok(status);
    assert_string_equal(events_of(data), "1 2 1, 1 3 1, 4 5 1");
    mrq_dataset_free(data);
    before = feed("1 2\n3 \x01\n", 8);
    assert_fails(load_as(LISTS, &data), MRQ_BAD_FILE, "standard input:2: item \"\\x01\", want an id");
    starve_no_more(before);
    before = feed("", 0);
    assert_fails(load_as(LISTS, &data), MRQ_BAD_FILE, "standard input: no rows");
    starve_no_more(before);
}

/* A line of any length is refused when it is longer than a record can be; the writer, who would go on, does not hold us up. */
static void an_endless_line_is_refused(void **state)
{
    (void)state;
    int pipes[2];
    mrq_dataset *data;
    const int before = dup(STDIN_FILENO);
    signal(SIGPIPE, SIG_IGN);
    assert_int_equal(pipe(pipes), 0);
    pthread_t writer;
    assert_int_equal(pthread_create(&writer, NULL, write_endlessly, &pipes[1]), 0);
    assert_true(dup2(pipes[0], STDIN_FILENO) == STDIN_FILENO);
    close(pipes[0]);
    const mrq_status status = load_as(LISTS, &data);
    starve_no_more(before);
    pthread_join(writer, NULL);
    assert_failed(status, MRQ_BAD_FILE, "standard input:1: a record of more than 64 MB");
}

/* An error in the first line is told at once, though the writer holds the pipe open and writes no more. */
static void a_silent_writer_is_not_waited_for(void **state)
{
    (void)state;
    int pipes[2];
    mrq_schema *schema = schema_of(LISTS);
    mrq_reader reader = {.block = 8};
    const mrq_origin from = {.folder = folder};
    const int before = dup(STDIN_FILENO);
    static char lines[MRQ_FLOW_STEP];
    memset(lines, '\n', sizeof lines);
    memcpy(lines, "1 2\n", 4);
    assert_int_equal(pipe(pipes), 0);
    assert_true(fcntl(pipes[1], F_SETPIPE_SZ, 2 * (int)sizeof lines) > 0);
    assert_true(dup2(pipes[0], STDIN_FILENO) == STDIN_FILENO);
    close(pipes[0]);
    assert_true(write(pipes[1], lines, sizeof lines) == (ssize_t)sizeof lines);
    bool more = false;
    assert_ok(mrq_reader_open(&reader, &from, &schema->events, false, &err));
    assert_ok(mrq_reader_next(&reader, &more, &err));
    assert_true(more);
    mrq_reader_close(&reader); /* returns */
    close(pipes[1]);
    starve_no_more(before);
    mrq_schema_free(schema);
}

static void a_file_that_changes_is_refused(void **state)
{
    (void)state;
    char path[400], other[400];
    snprintf(path, sizeof path, "%s/e", folder);
    snprintf(other, sizeof other, "%s/other", folder);
    mrq_schema *schema = schema_of(EVENTS("e", ""));
    const mrq_origin from = {.folder = folder};
    for (int how = 0; how < 3; how++) {
        put("e", "who,what\nu,a\nv,b\n");
        put("other", "who,what\n");
        mrq_reader reader = {0};
        bool more;
        assert_ok(mrq_reader_open(&reader, &from, &schema->events, false, &err));
        assert_ok(mrq_reader_next(&reader, &more, &err));
        const struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_sec = 1}};
        if (how == 0)
            assert_int_equal(rename(other, path), 0);
        else
            assert_int_equal(how == 1 ? utimensat(AT_FDCWD, path, times, 0) : truncate(path, 18), 0);
        assert_ok(mrq_reader_next(&reader, &more, &err));
        assert_true(more);
        const mrq_status status = mrq_reader_next(&reader, &more, &err);
        mrq_reader_close(&reader);
        if (how == 0)
            assert_ok(status);
        else
            assert_failed(status, MRQ_FAILED,
                          "e was changed while it was read: want a new file renamed to it, not written over it");
    }
    mrq_schema_free(schema);
}

/* A piece may end at every place in a character; where the source does, it is refused. */
static void characters_may_cross_pieces(void **state)
{
    (void)state;
    enum { SIZE = 3 * (int)MRQ_FLOW_STEP };
    char *text = malloc(SIZE + 8);
    assert_non_null(text);
    for (size_t shift = 0; shift < 3; shift++)
        for (size_t cut = 0; cut < 3; cut++) {
            size_t size = shift, at = 0, given = 1;
            memset(text, '\n', shift);
            for (; size < SIZE; size += 3)
                memcpy(text + size, "\xe3\x81\x82", 3);
            mrq_flow *flow = NULL;
            mrq_map map = {0};
            char path[400];
            snprintf(path, sizeof path, "%s/m", folder);
            put_bytes("m", text, size - cut);
            assert_ok(mrq_map_open(&map, path, &err));
            assert_ok(mrq_flow_map(&flow, &map, NULL, &err));
            assert_ok(mrq_flow_convert(&flow, "e", "utf-8", &err));
            const char marks[] = "\xed\xb3\xa3\xed\xb2\x81"; /* of \xe3 and \x81, which are left of the last character */
            memcpy(text + size - (cut ? 3 : 0), marks, 6);
            const size_t all = size - (cut ? 3 : 0) + (cut ? 3 * (3 - cut) : 0);
            while (given) {
                const char *bytes;
                assert_ok(flow->next(flow, &bytes, &given, &err));
                assert_true(at + given <= all && memcmp(bytes, text + at, given) == 0);
                at += given;
            }
            mrq_flow_free(flow);
            mrq_map_close(&map);
            assert_int_equal(at, all);
        }
    free(text);
}

static void memory_may_run_out(void **state)
{
    (void)state;
    static const unsigned char packed[] = {0x1f, 0x8b, 8,    0,    0, 0, 0,    0,    0,    3,    0x33, 0x54, 0x30, 0x52, 0x30,
                                           0xe6, 0x32, 0x51, 0x30, 5, 0, 0xdb, 0x9c, 0x0c, 0x77, 9,    0,    0,    0};
    put_bytes("p1", packed, sizeof packed);
    put_bytes("p2", packed, sizeof packed);
    mrq_schema *schema = schema_of("{'name':'s','events':{'file':'p?','format':'lists','delimiter':' ','encoding':'latin1'}}");
    int failed = 0;
    for (int n = 0; n < 1000; n++) {
        mrq_dataset *data = NULL;
        err = (mrq_error){0};
        atomic_store(&allocations_left, n);
        const mrq_status status = mrq_dataset_load(folder, schema, &data, &err);
        atomic_store(&allocations_left, INT_MAX);
        mrq_dataset_free(data);
        if (status == MRQ_OK)
            break;
        failed++;
        assert_failed(status, MRQ_FAILED, "out of memory while ");
    }
    assert_true(failed > 20 && failed < 1000);
    mrq_schema_free(schema);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_of_any_size_give_the_same_records),
        cmocka_unit_test(a_record_has_a_longest_length),
        cmocka_unit_test(a_pattern_stands_for_several_files),
        cmocka_unit_test(patterns_fit_whole_names),
        cmocka_unit_test(so_many_files_may_fit),
        cmocka_unit_test(a_table_may_be_several_files),
        cmocka_unit_test(what_is_no_file_is_told),
        cmocka_unit_test(events_come_by_standard_input),
        cmocka_unit_test(an_endless_line_is_refused),
        cmocka_unit_test(a_silent_writer_is_not_waited_for),
        cmocka_unit_test(a_file_that_changes_is_refused),
        cmocka_unit_test(characters_may_cross_pieces),
        cmocka_unit_test(memory_may_run_out),
    };
    snprintf(folder, sizeof folder, "%s", temporary_folder());
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    temporary_remove(folder);
    return failed;
}
