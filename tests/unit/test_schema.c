/* Schemas and what is read by them, compared whole: every member of a schema, every column of a data set, every limit at its value
 * and one beyond, every part of a split; and each allocation that fails in its turn. */
#include "unit/failing_memory.h"
#include "unit/testing.h"

#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <sys/stat.h>
#include <wctype.h>

#include "base/utf8.h"
#include "dataset/dataset.h"
#include "dataset/reader.h"
#include "dataset/split.h"
#include "dataset/text.h"
#include "unit/ids.h"

static mrq_error err;
static char root[200], folder[300];

static void fresh(void)
{
    static int n;
    snprintf(folder, sizeof folder, "%s/%d", root, n++);
    assert_int_equal(mkdir(folder, 0755), 0);
}

static const char *path_of(const char *name)
{
    static char path[800];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static void put(const char *name, const char *text)
{
    write_bytes(path_of(name), text, strlen(text));
}

/* A text that grows. */
static char out[65536];
static size_t used;

__attribute__((format(printf, 1, 2))) static void add(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    used += (size_t)vsnprintf(out + used, sizeof out - used, format, args);
    va_end(args);
    assert_true(used < sizeof out);
}

static void add_strings(const char *name, const mrq_strings *strings)
{
    add(" %s=", name);
    for (uint32_t i = 0; i < strings->n; i++)
        add("%s%s", i ? "," : "", mrq_strings_at(strings, i));
}

static void add_file(const char *name, const mrq_file_schema *file)
{
    add("%s file=%s delimiter=%s header=%d quoted=%d latin1=%d fields=%u width=%u\n", name, file->file ? file->file : "none",
        file->delimiter ? file->delimiter : "none", file->header, file->quoted, file->encoding != NULL, file->n_fields,
        file->width);
    for (uint32_t i = 0; i < file->n_fields; i++) {
        const mrq_field *f = &file->field[i];
        add("  %s kind=%d place=%u width=%u", f->name, (int)f->kind, f->place, f->width);
        add_strings("values", &f->values);
        add_strings("labels", &f->labels);
        for (uint32_t v = 0; f->bound && v < f->values.n; v++)
            add(" %g", f->bound[v]);
        add(" flags=%d delimiter=%s none=%s characters=%d extract=%s pattern=%d min=%g max=%g\n", f->flags,
            f->delimiter ? f->delimiter : "", f->none ? f->none : "", f->characters, f->extract, f->pattern != NULL, f->min,
            f->max);
    }
}

static const char *dump_schema(const mrq_schema *schema)
{
    used = 0;
    add("%s: %s\n", schema->name, schema->about);
    add_file("users", &schema->users);
    add_file("items", &schema->items);
    add_file("ratings", &schema->events);
    return out;
}

static void add_table(const char *name, const mrq_table *table)
{
    add("%s\n", name);
    for (uint32_t row = 0; row < table->rows; row++)
        add(" %" PRId64, id_number(table, row));
    add("\n");
    for (uint32_t c = 0; c < table->n_columns; c++) {
        const mrq_column *column = &table->column[c];
        add("  %s kind=%d", column->name, (int)column->kind);
        add_strings("dict", &column->dict);
        add_strings("label", &column->label);
        add_strings("text", &column->text);
        for (uint32_t v = 0; column->bound && v < column->dict.n; v++)
            add(" %g", column->bound[v]);
        add(":");
        for (uint32_t row = 0; row < table->rows; row++) {
            add(" |");
            if (column->code)
                add("%u", column->code[row]);
            if (column->number)
                add("%g", column->number[row]);
            for (uint64_t i = column->list.offset ? column->list.offset[row] : 0;
                 column->list.offset && i < column->list.offset[row + 1]; i++)
                add("%u,", column->list.item[i]);
        }
        add("\n");
    }
}

static const char *dump_data(const mrq_dataset *data)
{
    used = 0;
    add("%s %g to %g\n", data->schema, data->rating_min, data->rating_max);
    add_table("users", data->users);
    add_table("items", data->items);
    for (uint64_t i = 0; i < data->n; i++) {
        add("%u %u %g", data->user[i], data->item[i], (double)data->rating[i]);
        if (data->time)
            add(" %" PRId64, data->time[i]);
        add("\n");
    }
    return out;
}

static mrq_status parse(const char *text, mrq_schema **schema)
{
    return mrq_schema_parse(text, strlen(text), "t.json", schema, &err);
}

#define WHOLE                                                                                                                      \
    "{\"name\":\"whole\",\"about\":\"All there is\","                                                                              \
    "\"users\":{\"file\":\"u\",\"delimiter\":\"::\",\"header\":true,\"encoding\":\"latin-1\",\"quoted\":true,\"fields\":["         \
    "{\"name\":\"id\",\"kind\":\"id\"},"                                                                                           \
    "{\"name\":\"age\",\"kind\":\"category\",\"buckets\":[-1.5,18,25],\"labels\":[\"young\",\"old\",\"older\"]},"                  \
    "{\"name\":\"gender\",\"kind\":\"category\",\"values\":[\"M\",\"F\"],\"labels\":[\"Men\",\"Women\"]},"                         \
    "{\"kind\":\"ignore\"},{\"name\":\"unused\",\"kind\":\"ignore\"},"                                                             \
    "{\"name\":\"job\",\"kind\":\"category\"}]},"                                                                                  \
    "\"items\":{\"file\":\"m\",\"delimiter\":\"|\",\"encoding\":\"utf-8\",\"fields\":["                                            \
    "{\"name\":\"flags\",\"kind\":\"set\",\"flags\":[\"x\",\"y\",\"z\"]},"                                                         \
    "{\"name\":\"id\",\"kind\":\"id\"},"                                                                                           \
    "{\"name\":\"title\",\"kind\":\"text\",\"split\":\"words\",\"extract\":{\"year\":\" *\\\\(([0-9]+)\\\\)\"}},"                  \
    "{\"name\":\"letters\",\"kind\":\"text\",\"split\":\"characters\"},"                                                           \
    "{\"name\":\"open\",\"kind\":\"set\",\"delimiter\":\"+\",\"none\":\"-\"},"                                                     \
    "{\"name\":\"closed\",\"kind\":\"set\",\"delimiter\":\", \",\"values\":[\"b\",\"a\",\"c\"]},"                                  \
    "{\"name\":\"size\",\"kind\":\"number\"}]},"                                                                                   \
    "\"ratings\":{\"file\":\"r\",\"delimiter\":\"\\t\",\"fields\":[{\"name\":\"item\",\"kind\":\"id\"},"                           \
    "{\"name\":\"user\",\"kind\":\"id\"},{\"name\":\"at\",\"kind\":\"timestamp\"},{\"kind\":\"ignore\"},"                          \
    "{\"name\":\"stars\",\"kind\":\"rating\",\"min\":-0.5,\"max\":5}]}}"

#define PLAIN                                                                                                                      \
    "{\"name\":\"plain\",\"items\":{\"file\":\"m\",\"delimiter\":\",\",\"fields\":[{\"name\":\"id\",\"kind\":\"id\"}]},"           \
    "\"ratings\":{\"file\":\"r\",\"delimiter\":\",\",\"fields\":[{\"name\":\"user\",\"kind\":\"id\"},"                             \
    "{\"name\":\"item\",\"kind\":\"id\"},{\"name\":\"stars\",\"kind\":\"rating\",\"min\":1,\"max\":5}]}}"

static void a_schema_is_read_whole(void **state)
{
    (void)state;
    MRQ_CLEANUP(mrq_schema_free) mrq_schema *whole = NULL, *plain = NULL;
    assert_ok(parse(WHOLE, &whole));
    assert_string_equal(
        dump_schema(whole),
        "whole: All there is\n"
        "users file=u delimiter=:: header=1 quoted=1 latin1=1 fields=6 width=6\n"
        "  id kind=0 place=0 width=1 values= labels= flags=0 delimiter= none= characters=0 extract= pattern=0 min=0 max=0\n"
        "  age kind=1 place=1 width=1 values=-1.5,18,25 labels=young,old,older -1.5 18 25 flags=0 delimiter= none= characters=0 "
        "extract= pattern=0 min=0 max=0\n"
        "  gender kind=1 place=2 width=1 values=M,F labels=Men,Women flags=0 delimiter= none= characters=0 extract= pattern=0 "
        "min=0 max=0\n"
        "   kind=9 place=3 width=1 values= labels= flags=0 delimiter= none= characters=0 extract= pattern=0 min=0 max=0\n"
        "  unused kind=9 place=4 width=1 values= labels= flags=0 delimiter= none= characters=0 extract= pattern=0 min=0 max=0\n"
        "  job kind=1 place=5 width=1 values= labels= flags=0 delimiter= none= characters=0 extract= pattern=0 min=0 max=0\n"
        "items file=m delimiter=| header=0 quoted=0 latin1=0 fields=7 width=9\n"
        "  flags kind=2 place=0 width=3 values=x,y,z labels= flags=1 delimiter= none= characters=0 extract= pattern=0 min=0 max=0\n"
        "  id kind=0 place=3 width=1 values= labels= flags=0 delimiter= none= characters=0 extract= pattern=0 min=0 max=0\n"
        "  title kind=3 place=4 width=1 values= labels= flags=0 delimiter= none= characters=0 extract=year pattern=1 min=0 max=0\n"
        "  letters kind=3 place=5 width=1 values= labels= flags=0 delimiter= none= characters=1 extract= pattern=0 min=0 max=0\n"
        "  open kind=2 place=6 width=1 values= labels= flags=0 delimiter=+ none=- characters=0 extract= pattern=0 min=0 max=0\n"
        "  closed kind=2 place=7 width=1 values=b,a,c labels= flags=0 delimiter=,  none= characters=0 extract= pattern=0 min=0 "
        "max=0\n"
        "  size kind=4 place=8 width=1 values= labels= flags=0 delimiter= none= characters=0 extract= pattern=0 min=0 max=0\n"
        "ratings file=r delimiter=\t header=0 quoted=0 latin1=0 fields=5 width=5\n"
        "  item kind=0 place=0 width=1 values= labels= flags=0 delimiter= none= characters=0 extract= pattern=0 min=0 max=0\n"
        "  user kind=0 place=1 width=1 values= labels= flags=0 delimiter= none= characters=0 extract= pattern=0 min=0 max=0\n"
        "  at kind=8 place=2 width=1 values= labels= flags=0 delimiter= none= characters=0 extract= pattern=0 min=0 max=0\n"
        "   kind=9 place=3 width=1 values= labels= flags=0 delimiter= none= characters=0 extract= pattern=0 min=0 max=0\n"
        "  stars kind=5 place=4 width=1 values= labels= flags=0 delimiter= none= characters=0 extract= pattern=0 min=-0.5 max=5\n");
    assert_ok(parse(PLAIN, &plain));
    assert_string_equal(
        dump_schema(plain),
        "plain: \n"
        "users file=none delimiter=none header=0 quoted=0 latin1=0 fields=0 width=0\n"
        "items file=m delimiter=, header=0 quoted=0 latin1=0 fields=1 width=1\n"
        "  id kind=0 place=0 width=1 values= labels= flags=0 delimiter= none= characters=0 extract= pattern=0 min=0 max=0\n"
        "ratings file=r delimiter=, header=0 quoted=0 latin1=0 fields=3 width=3\n"
        "  user kind=0 place=0 width=1 values= labels= flags=0 delimiter= none= characters=0 extract= pattern=0 min=0 max=0\n"
        "  item kind=0 place=1 width=1 values= labels= flags=0 delimiter= none= characters=0 extract= pattern=0 min=0 max=0\n"
        "  stars kind=5 place=2 width=1 values= labels= flags=0 delimiter= none= characters=0 extract= pattern=0 min=1 max=5\n");
}

static void put_whole(void)
{
    fresh();
    put("u", "id::age::gender::a::b::job\n30::\"17\"::F::?::?::clerk\r\n4::18::M::?::?::\"Caf\xe9 "
             "::\"\"x\"\"\"\n5::25.0::F::?::?::ace\n");
    put("m", "0|1|0|7|The Caf\u00e9 (1999) X|aB\u00e9|q+p+q|c, a|1.5\n"
             "1|1|1|9|No year||||\n"
             "0|0|0|8|It's (2001)|b|-|b|-3\n");
    put("r", "7\t5\t-62135596800\t\t-0.5\n9\t30\t253402300799\tx\t5\n8\t30\t0\t\t3.5\n");
}

static void a_data_set_is_read_whole(void **state)
{
    (void)state;
    MRQ_CLEANUP(mrq_schema_free) mrq_schema *whole = NULL, *plain = NULL;
    MRQ_CLEANUP(mrq_dataset_free) mrq_dataset *data = NULL, *made = NULL;
    assert_ok(parse(WHOLE, &whole));
    assert_ok(parse(PLAIN, &plain));
    put_whole();
    const int before = descriptors_of_process();
    assert_ok(mrq_dataset_load(folder, whole, &data, &err));
    assert_string_equal(
        dump_data(data),
        "whole -0.5 to 5\n"
        "users\n"
        " 4 5 30\n"
        "  age kind=0 dict=-1.5,18,25 label=young,old,older text= -1.5 18 25: |1 |2 |0\n"
        "  gender kind=0 dict=M,F label=Men,Women text=: |0 |1 |1\n"
        "  job kind=0 dict=Caf\u00e9 ::\"x\",ace,clerk label= text=: |0 |1 |2\n"
        "items\n"
        " 7 8 9\n"
        "  flags kind=1 dict=x,y,z label= text=: |1, | |0,1,2,\n"
        "  title kind=2 dict=caf\u00e9,it's,no,the,x,year label= text=The Caf\u00e9 (1999) X,It's (2001),No year: |3,0,4, |1, "
        "|2,5,\n"
        "  year kind=3 dict= label= text=: |1999 |2001 |nan\n"
        "  letters kind=2 dict=a,b,\u00e9 label= text=aB\u00e9,b,: |0,1,2, |1, |\n"
        "  open kind=1 dict=p,q label= text=: |0,1, | |\n"
        "  closed kind=1 dict=b,a,c label= text=: |1,2, |0, |\n"
        "  size kind=3 dict= label= text=: |1.5 |-3 |nan\n"
        "1 0 -0.5 -62135596800\n"
        "2 2 5 253402300799\n"
        "2 1 3.5 0\n");
    assert_true(data->fingerprint == 0x971adf2e98e2d6fb);
    put("m", "9\n2\n4\n");
    put("r", "70,4,1\n5,2,5\n70,9,2.5\n6,9,3\n");
    assert_ok(mrq_dataset_load(folder, plain, &made, &err));
    assert_string_equal(dump_data(made), "plain 1 to 5\n"
                                         "users\n"
                                         " 5 6 70\n"
                                         "items\n"
                                         " 2 4 9\n"
                                         "2 1 1\n"
                                         "0 0 5\n"
                                         "2 2 2.5\n"
                                         "1 2 3\n");
    assert_true(made->fingerprint == 0x067cdef3e45fc707);
    assert_int_equal(descriptors_of_process(), before);
}

/* A schema with this much of each thing that has a limit; all else is as small as can be. */
typedef struct amount {
    size_t name, field_name, extract_name, file_name, delimiter, member_delimiter; /* bytes */
    size_t pattern, copies;                                                        /* bytes, and what they are repeated to */
    size_t fields, flags, columns;
    const char *bucket, *min, *max;
    char first; /* of the delimiters */
} amount;

static void add_repeated(const char *text, size_t n)
{
    for (size_t i = 0; i < n; i++)
        add("%s", text);
}

static mrq_status parse_amount(const amount *a)
{
    MRQ_CLEANUP(mrq_schema_free) mrq_schema *schema = NULL;
    used = 0;
    add("{\"name\":\"");
    add_repeated("n", a->name);
    add("\",\"items\":{\"file\":\"");
    add_repeated("f", a->file_name);
    add("\",\"delimiter\":\"");
    add_repeated(a->first == '\t' ? "\\t" : (const char[]){a->first, '\0'}, a->delimiter);
    add("\",\"fields\":[{\"name\":\"id\",\"kind\":\"id\"}");
    for (size_t i = 1; i < a->fields; i++)
        add(",{\"kind\":\"ignore\"}");
    for (size_t i = 0; i < a->columns; i++)
        add(",{\"name\":\"c%zu\",\"kind\":\"number\"}", i);
    for (size_t i = 0; i < a->flags; i++)
        add("%s\"%zu\"", i ? "," : ",{\"name\":\"flags\",\"kind\":\"set\",\"flags\":[", i);
    add("%s", a->flags ? "]}" : "");
    if (a->field_name) {
        add(",{\"kind\":\"number\",\"name\":\"");
        add_repeated("x", a->field_name);
        add("\"}");
    }
    if (a->pattern) {
        add(",{\"kind\":\"text\",\"name\":\"t\",\"extract\":{\"");
        add_repeated("e", a->extract_name);
        add("\":\"(");
        const int tail = a->copies ? snprintf(NULL, 0, "{%zu}", a->copies) : 0;
        add_repeated("1", a->pattern - 2 - (size_t)tail);
        add(")");
        if (a->copies)
            add("{%zu}", a->copies);
        add("\"}}");
    }
    if (a->member_delimiter) {
        add(",{\"kind\":\"set\",\"name\":\"s\",\"delimiter\":\"");
        add_repeated("+", a->member_delimiter);
        add("\"}");
    }
    if (a->bucket)
        add(",{\"kind\":\"category\",\"name\":\"b\",\"buckets\":[%s]}", a->bucket);
    add("]},\"ratings\":{\"file\":\"r\",\"delimiter\":\",\",\"fields\":[{\"name\":\"user\",\"kind\":\"id\"},"
        "{\"name\":\"item\",\"kind\":\"id\"},{\"name\":\"s\",\"kind\":\"rating\",\"min\":%s,\"max\":%s}]}}",
        a->min, a->max);
    return mrq_schema_parse(out, used, "t.json", &schema, &err);
}

#define LEAST                                                                                                                      \
    {                                                                                                                              \
        .name = 1, .file_name = 1, .delimiter = 1, .fields = 1, .min = "1", .max = "5", .extract_name = 1, .first = '|'            \
    }

static void a_schema_may_be_as_large_as_its_limits(void **state)
{
    (void)state;
    static const amount least = LEAST;
    const struct {
        size_t place, good, bad; /* of a member of `amount` */
        const char *says;
    } sizes[] = {
        {offsetof(amount, name), 31, 32, "t.json: name: \"nnnn"},
        {offsetof(amount, name), 1, 0, "t.json: name: \"\", want 1 to 31 letters, digits, _ or -"},
        {offsetof(amount, file_name), 200, 201, "items.file: \"ffff"},
        {offsetof(amount, file_name), 1, 0, "items.file: \"\", want the name of a file in the folder"},
        {offsetof(amount, delimiter), 7, 8, "items.delimiter: 8 bytes, want 1 to 7"},
        {offsetof(amount, delimiter), 1, 0, "items.delimiter: 0 bytes, want 1 to 7"},
        {offsetof(amount, member_delimiter), 7, 8, "items.fields[1].delimiter: 8 bytes, want 1 to 7"},
        {offsetof(amount, fields), 256, 257, "items.fields: 257 of them, want 1 to 256"},
        {offsetof(amount, flags), 255, 256, "items.fields[1]: more than 256 columns"},
        {offsetof(amount, columns), 64, 65, "items.fields: 65 columns, want at most 64"},
        {offsetof(amount, field_name), 31, 32, "items.fields[1].name: \"xxxx"},
        {offsetof(amount, pattern), 255, 256, "items.fields[1].extract.e: a pattern of 256 bytes, want at most 255"},
    };
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        amount a = least;
        *(size_t *)(void *)((char *)&a + sizes[i].place) = sizes[i].good;
        assert_ok(parse_amount(&a));
        *(size_t *)(void *)((char *)&a + sizes[i].place) = sizes[i].bad;
        assert_fails(parse_amount(&a), MRQ_BAD_FILE, sizes[i].says);
    }
    amount a = LEAST;
    a.pattern = 16; /* bytes, repeated to 4096 */
    a.copies = 256;
    a.extract_name = 31;
    assert_ok(parse_amount(&a));
    a.pattern = 17; /* to 4097 */
    a.copies = 241;
    assert_fails(parse_amount(&a), MRQ_BAD_FILE, "a pattern of 17 bytes that repeats itself to 4.1e+03, want at most 4096");
    a.copies = 0;
    a.extract_name = 32;
    assert_fails(parse_amount(&a), MRQ_BAD_FILE, "items.fields[1].extract: \"eeee");
    a = least;
    a.columns = 63; /* a text with a pattern makes two columns */
    a.pattern = 5;
    assert_fails(parse_amount(&a), MRQ_BAD_FILE, "items.fields: 65 columns, want at most 64");
    a.columns = 62;
    assert_ok(parse_amount(&a));

    static const struct {
        const char *bucket, *min, *max, *says; /* NULL: fine */
    } numbers[] = {
        {"-999999999999999,999999999999999", "-1000000", "1000000", NULL},
        {"1e15", "1", "5", "items.fields[1].buckets[0]: want a number"},
        {"0,1e15", "1", "5", "items.fields[1].buckets[1]: want a number"},
        {"-1e15", "1", "5", "items.fields[1].buckets[0]: want a number"},
        {"1,2,1", "1", "5", "items.fields[1].buckets[2]: 1 behind 2, want them to ascend"},
        {"1", "-1000001", "5", "ratings.fields[2].min: -1000001, want"},
        {"1", "1", "1000001", "ratings.fields[2].max: 1000001, want"},
        {"1", "5", "1", "ratings.fields[2]: min 5, max 1, want min below max"},
    };
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        a = least;
        a.bucket = numbers[i].bucket;
        a.min = numbers[i].min;
        a.max = numbers[i].max;
        if (numbers[i].says)
            assert_fails(parse_amount(&a), MRQ_BAD_FILE, numbers[i].says);
        else
            assert_ok(parse_amount(&a));
    }
    for (int c = 1; c < 128; c++) {
        a = least;
        a.first = (char)c;
        if (c == '\\' || (c < ' ' && c != '\t'))
            continue; /* JSON has them otherwise, or not at all */
        if (c == '"' || c == 127)
            assert_true(parse_amount(&a) == MRQ_BAD_FILE);
        else
            assert_ok(parse_amount(&a));
    }
}

/* A file may be a schema of a mebibyte. */
static void a_schema_file_has_a_limit(void **state)
{
    (void)state;
    enum { LIMIT = 1 << 20 };
    MRQ_CLEANUP(mrq_schema_free) mrq_schema *schema = NULL;
    static char text[LIMIT + 2];
    memset(text, ' ', sizeof text);
    memcpy(text, PLAIN, sizeof PLAIN - 1);
    fresh();
    const int before = descriptors_of_process();
    write_bytes(path_of("own.json"), text, LIMIT + 1);
    assert_fails(mrq_schema_load(path_of("own.json"), &schema, &err), MRQ_BAD_FILE,
                 "own.json: 1048577 bytes, want a schema of at most 1048576");
    write_bytes(path_of("own.json"), text, LIMIT);
    assert_ok(mrq_schema_load(path_of("own.json"), &schema, &err));
    assert_string_equal(schema->name, "plain");
    assert_int_equal(descriptors_of_process(), before);
}

/* Memory runs out at the n-th allocation, for every n: it says so, and neither leaks nor keeps a file open. */
static void reading_survives_without_memory(void **state)
{
    (void)state;
    put_whole();
    const int before = descriptors_of_process();
    for (int alone = 0; alone < 2; alone++) {
        int n = 0;
        one_fails_alone = alone;
        for (bool failed = true; failed; n++) {
            mrq_schema *whole = NULL;
            mrq_dataset *data = NULL;
            err = (mrq_error){0};
            allocations_left = n;
            mrq_status status = mrq_schema_parse(WHOLE, sizeof WHOLE - 1, "t.json", &whole, &err);
            if (status == MRQ_OK)
                status = mrq_dataset_load(folder, whole, &data, &err);
            failed = allocations_left < 0;
            allocations_left = INT_MAX;
            assert_true((data != NULL) == (status == MRQ_OK));
            if (failed ? status != MRQ_FAILED || !strstr(err.msg, "out of memory") : status != MRQ_OK)
                fail_msg("allocation %d: status %d, \"%s\"", n, (int)status, err.msg);
            mrq_schema_free(whole);
            mrq_dataset_free(data);
            assert_int_equal(descriptors_of_process(), before);
        }
        assert_true(n > 100);
    }
    put("m", "1\n2\n");
    put("r", "7,1,1\n8,2,5\n");
    static const int64_t times[] = {1, 2};
    for (int alone = 0; alone < 2; alone++) {
        one_fails_alone = alone;
        int n = 0;
        for (bool failed = true; failed; n++) { /* users that the ratings make, and splits */
            MRQ_CLEANUP(mrq_schema_free) mrq_schema *plain = NULL;
            MRQ_CLEANUP(mrq_dataset_free) mrq_dataset *data = NULL;
            mrq_split split = {0};
            assert_ok(parse(PLAIN, &plain));
            err = (mrq_error){0};
            allocations_left = n;
            mrq_status status = mrq_dataset_load(folder, plain, &data, &err);
            for (mrq_split_kind kind = MRQ_SPLIT_RANDOM; status == MRQ_OK && kind <= MRQ_SPLIT_HASH; kind++) {
                if (kind == MRQ_SPLIT_TIME)
                    data->time = times;
                status = mrq_split_make(data, kind, 0.1, 0.1, 1, &split, &err);
                mrq_split_clear(&split);
            }
            failed = allocations_left < 0;
            allocations_left = INT_MAX;
            assert_true(failed ? status == MRQ_FAILED && strstr(err.msg, "out of memory") : status == MRQ_OK);
        }
    }
    one_fails_alone = false;
}

/* Bytes behind a field are another's: those of a map may change, so no quote is looked for there. */
static void decoding_ends_with_the_field(void **state)
{
    (void)state;
    static const struct {
        const char *raw;
        char escape;
        const char *text;
    } cases[] = {{"", 0, ""},           {"\"", 0, "\""},          {"\"\"", 0, "\""},
                 {"\"\"\"", 0, "\"\""}, {"a\"", 0, "a\""},        {"\\\"", 0, "\\\""},
                 {"\\\"", '\\', "\""},  {"\\", '\\', "\\"},       {"\\\\\"\"", '\\', "\\\""},
                 {"\\n", '\\', "\\n"},  {"\\\\\\", '\\', "\\\\"}, {"!!!\"", '!', "!\""}};
    static const struct {
        const char *raw, *text;
    } plain[] = {{"", ""}, {"\"\"", "\"\""}, {"\xc3", "\xc3\x83"}, {"\x1f\x7f a", "   a"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const size_t size = strlen(cases[i].raw);
        char *raw = malloc(size + !size), text[20]; /* to the byte, for the address sanitizer */
        assert_non_null(raw);
        memcpy(raw, cases[i].raw, size);
        const size_t n = mrq_text_unquote(raw, size, cases[i].escape, raw);
        assert_int_equal(n, strlen(cases[i].text));
        assert_memory_equal(raw, cases[i].text, n);
        if (i < sizeof plain / sizeof *plain) {
            assert_int_equal(mrq_text_decode(plain[i].raw, strlen(plain[i].raw), text), strlen(plain[i].text));
            assert_string_equal(text, plain[i].text);
        }
        free(raw);
    }
}

/* As the system's own tables have it for Unicode, in the blocks that the header promises. */
static void letters_are_lowered_as_unicode_has_it(void **state)
{
    (void)state;
    if (!setlocale(LC_CTYPE, "C.UTF-8"))
        skip_test("there is no locale C.UTF-8");
    for (uint32_t c = 0; c <= 0x10ffff; c++) {
        const bool promised = c <= 0x17f || (c >= 0x386 && c <= 0x3ab) || (c >= 0x400 && c <= 0x52f);
        const uint32_t want = promised ? (uint32_t)towlower((wint_t)c) : c;
        if (mrq_text_lower(c) != want && c != 0x3a2) /* which is nothing */
            fail_msg("U+%04X is lowered to U+%04X, want U+%04X", c, mrq_text_lower(c), want);
    }
    setlocale(LC_CTYPE, "C");
}

/* A word of one character each, or none. */
static void letters_and_digits_make_words(void **state)
{
    (void)state;
    for (uint32_t c = 1; c < 0x3100; c++) {
        char text[8] = "", word[8];
        const bool latin = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == 0xaa || c == 0xb5 ||
                           c == 0xba || (c >= 0xc0 && c != 0xd7 && c != 0xf7);
        const bool punctuation = (c >= 0x2000 && c <= 0x206f) || (c >= 0x3000 && c <= 0x303f);
        size_t at = 0;
        const size_t size = mrq_utf8_write(c, text), n = mrq_text_word(text, size, false, &at, word);
        if ((n > 0) != (latin && !punctuation))
            fail_msg("U+%04X is %s", c, n ? "a word" : "no word");
        assert_int_equal(at, size);
    }
}

/* Items of these fields and this text, ratings of this one; a NULL text leaves the file as it is. */
static mrq_status load(const char *fields, const char *keys, const char *items, const char *ratings, mrq_dataset **data)
{
    MRQ_CLEANUP(mrq_schema_free) mrq_schema *schema = NULL;
    char text[4000];
    snprintf(text, sizeof text,
             "{\"name\":\"t\",\"items\":{\"file\":\"m\",\"delimiter\":\"\\t\"%s,\"fields\":[{\"name\":\"id\",\"kind\":\"id\"}%s]},"
             "\"ratings\":{\"file\":\"r\",\"delimiter\":\"--\",\"fields\":[{\"name\":\"user\",\"kind\":\"id\"},"
             "{\"name\":\"item\",\"kind\":\"id\"},{\"name\":\"stars\",\"kind\":\"rating\",\"min\":-1,\"max\":5},"
             "{\"name\":\"when\",\"kind\":\"timestamp\"}]}}",
             keys, fields);
    assert_ok(parse(text, &schema));
    fresh();
    put("m", items);
    put("r", ratings ? ratings : "1--1--1--1\n");
    return mrq_dataset_load(folder, schema, data, &err);
}

#define FORTY "0123456789abcdefghijklmnopqrstuvwxyzABCD"
static void what_is_refused_is_told_whole(void **state)
{
    (void)state;
#define CATEGORY(values) ",{\"name\":\"c\",\"kind\":\"category\",\"values\":[" values "]}"
#define TEN(letter)      "\"" letter "123456789\""
    static const struct {
        const char *fields, *keys, *items, *ratings, *says; /* says NULL: fine */
    } cases[] = {
        {CATEGORY("\"a\""), "", "1\tb\n", NULL, "m:1: c \"b\", want a"},
        {CATEGORY("\"a\",\"b\""), "", "1\t" FORTY "\n", NULL, "m:1: c \"" FORTY "\", want one of a, b"},
        {CATEGORY("\"a\",\"b\""), "", "1\t" FORTY "E\n", NULL, "m:1: c \"" FORTY "\"..., want one of a, b"},
        /* names as far as 100 bytes hold them, then dots */
        {CATEGORY(TEN("a") "," TEN("b") "," TEN("c") "," TEN("d") "," TEN("e") "," TEN("f") "," TEN("g") ",\"h1\""), "", "1\tx\n",
         NULL, "m:1: c \"x\", want one of a123456789, b123456789, c123456789, d123456789, e123456789, f123456789, g123456789, h1"},
        {CATEGORY(TEN("a") "," TEN("b") "," TEN("c") "," TEN("d") "," TEN("e") "," TEN("f") "," TEN("g") ",\"h123456789\",\"i\""),
         "", "1\tx\n", NULL,
         "m:1: c \"x\", want one of a123456789, b123456789, c123456789, d123456789, e123456789, f123456789, g123456789, "
         "h123456789, "
         "..."},
        {CATEGORY(TEN("a") "," TEN("b") "," TEN("c") "," TEN("d") "," TEN("e") "," TEN("f") "," TEN("g") ",\"h1234567890\",\"i\""),
         "", "1\tx\n", NULL,
         "m:1: c \"x\", want one of a123456789, b123456789, c123456789, d123456789, e123456789, f123456789, g123456789, ..."},
        {CATEGORY("\"a\""), "", "1\n", NULL, "m:1: 1 field, want 2 (id\\tc)"},
        {CATEGORY("\"a\""), "", "1\ta\tb\tc\n", NULL, "m:1: 4 fields, want 2 (id\\tc)"},
        {CATEGORY("\"a\""), "", "1\t\x1f\x20\x7e\x7f\n", NULL, "m:1: c \"  ~ \", want a"},
        {"", "", "\x1f\x20\x7e\x7f\n", NULL,
         "m:1: id \"\\x1f ~\\x7f\", want an id: 1 to 255 bytes of UTF-8 without control characters"},
        {"", "", "1\n", "\t1--1--1--1\n", "r:1: user \"\\t1\", want an id: 1 to 255 bytes of UTF-8 without control characters"},
        {"", ",\"quoted\":true", "\"1\r\n", NULL, "m:1: the quote before \"1\\x0d\\x0a\" is never closed"},
        {"", ",\"quoted\":true", "\"1\"\r\"\n", NULL, "m:1: text behind the closing quote of 1"},
        {"", ",\"quoted\":true", "\"1\" \n", NULL, "m:1: text behind the closing quote of 1"},
        {"", ",\"quoted\":true", "\"1\"\r", NULL, NULL},
        {"", ",\"quoted\":true", "\"1\"", NULL, NULL},
        {"", ",\"quoted\":true", "1\"", NULL, "m:1: a quote inside the unquoted field \"1\"\""},
        {"", "", "1\"", "1--1\"--1--1", NULL},
        {"", "", "\"1\"", "1--\"1\"--1--1", NULL},
        {"", "", "1\r", NULL, NULL},
        {"", "", "1\r\r", NULL, "m:1: id \"1\\x0d\", want an id: 1 to 255 bytes of UTF-8 without control characters"},
        {"", "", "0\n\r\n", "1--0--1--1", NULL},
        {"", "",
         "\xef\xbb\xbf"
         "1",
         NULL, NULL},
        {"", "", "\xef\xbb", NULL, "m:1: the byte \\xef is not valid UTF-8"},
        {"", "", "1\n1\n", NULL, "m:2: id 1 is already in line 1"},
        {"", "", "3\n1\n2\n1\n3\n", NULL, "m:4: id 1 is already in line 2"},
        {"", "", "1\n", "1--1---1--1\n", NULL},
        {"", "", "1\n", "1--1---1.0001--1\n", "r:1: rating -1.0001, want -1 to 5"},
        {"", "", "1\n", "1--1--5.0001--1\n", "r:1: rating 5.0001, want -1 to 5"},
        {"", "", "1\n", "1--1--5--253402300800\n", "r:1: when 253402300800, want seconds since 1970"},
        {"", "", "1\n", "1--1--5---62135596801\n", "r:1: when -62135596801, want seconds since 1970"},
        {"", "", "1\n", "1--1--5---62135596800\n1--1--5--253402300799", NULL},
        {"", "", "1\n", "1--1--5--1-\n", "r:1: when \"1-\", want seconds since 1970"},
        {"", "", "1\n", "1-1--5--1\n", "r:1: 3 fields, want 4 (user--item--stars--when)"},
        {"", "", "1\n", "9223372036854775807--1--5--1\n0--1--5--1\n", NULL},
        {"", "", "1\n", "9223372036854775808--1--5--1\nNr. 7--1--5--1\n", NULL},
        {"", "", "1\n", "7--01--5--1\n", "r:1: item 01 is not in m"},
        {"", "", "1\n", "--1--5--1\n", "r:1: user \"\", want an id: 1 to 255 bytes of UTF-8 without control characters"},
        {"", "", "1\n", "\n", "r: no rows"},
        {"", ",\"header\":true", "id\n1\n", NULL, NULL},
        {"", ",\"header\":true", "id\n", NULL, "m: no rows"},
        {"", ",\"header\":true", "id\tx\n1\n", NULL, "m:1: 2 fields, want 1 (id)"},
        {",{\"name\":\"n\",\"kind\":\"number\"}", "", "1\t-1e308\n2\t\n", NULL, NULL},
        {",{\"name\":\"b\",\"kind\":\"category\",\"buckets\":[1,18]}", "", "1\t1\n2\t1e308\n", NULL, NULL},
        {",{\"name\":\"b\",\"kind\":\"category\",\"buckets\":[1,18]}", "", "1\t0.999\n", NULL,
         "m:1: b 0.999, want a number, 1 or more"},
        {",{\"name\":\"f\",\"kind\":\"set\",\"flags\":[\"x\",\"y\"]}", "", "1\t1\t10\n", NULL, "m:1: y 10, want 0 or 1"},
        {",{\"name\":\"f\",\"kind\":\"set\",\"flags\":[\"x\",\"y\"]}", "", "1\t/\t1\n", NULL, "m:1: x \"/\", want 0 or 1"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        MRQ_CLEANUP(mrq_dataset_free) mrq_dataset *data = NULL;
        const int before = descriptors_of_process();
        err = (mrq_error){0};
        const mrq_status status = load(cases[i].fields, cases[i].keys, cases[i].items, cases[i].ratings, &data);
        if (status != (cases[i].says ? MRQ_BAD_FILE : MRQ_OK) || strcmp(err.msg, cases[i].says ? cases[i].says : "") != 0)
            fail_msg("case %zu: %s, want %s", i, err.msg, cases[i].says);
        assert_int_equal(descriptors_of_process(), before);
    }
}

/* Texts have a limit; a member beyond it is no harm where it is cut. */
static void a_text_may_have_65535_bytes(void **state)
{
    (void)state;
    enum { LIMIT = 65535 };
    static char items[LIMIT + 10] = "1\t";
    for (int more = 0; more < 2; more++) {
        MRQ_CLEANUP(mrq_dataset_free) mrq_dataset *data = NULL;
        memset(items + 2, 'x', LIMIT + (size_t)more);
        static const char field[] = ",{\"name\":\"t\",\"kind\":\"text\"}";
        if (more)
            assert_fails(load(field, "", items, NULL, &data), MRQ_BAD_FILE, "m:1: t: 65536 bytes, want at most 65535");
        else
            assert_ok(load(field, "", items, NULL, &data));
    }
}

static void put_ml1m(void)
{
    fresh();
    put("users.dat", "1::F::1::10::48067\n");
    put("movies.dat", "1::First (1995)::Drama\n");
    put("ratings.dat", "1::1::5::0\n");
}

/* Which layout a folder has, and else what was tried, in the order of the schemas; nothing stays open. */
static void a_folder_is_recognised_or_told_why_not(void **state)
{
    (void)state;
    MRQ_CLEANUP(mrq_schema_free) mrq_schema *schema = NULL;
    const int before = descriptors_of_process();
    char want[1000];
    fresh();
    assert_int_equal(mrq_schema_recognise(folder, &schema, &err), MRQ_NOT_FOUND);
    snprintf(
        want, sizeof want,
        "%.60s is no data set known here (ml-100k: no u.user; ml-1m: no users.dat; ml-latest: no movies.csv); --schema FILE.json "
        "describes another layout",
        folder);
    assert_string_equal(err.msg, want);
    put_ml1m();
    put("movies.csv", "movieId,title,genres\n1,One,x\n");
    put("ratings.csv", "userId,movieId,rating,timestamp\n1,1,0.5,1\n");
    put("ratings.dat", "1::1::6::0\n");
    assert_ok(mrq_schema_recognise(folder, &schema, &err)); /* the first that fits, though another has its files as well */
    assert_string_equal(schema->name, "ml-latest");
    mrq_schema_free(schema);
    schema = NULL;
    put("ratings.csv", "userId,movieId,rating,timestamp\n1,1,6,1\n");
    assert_int_equal(mrq_schema_recognise(folder, &schema, &err), MRQ_BAD_FILE);
    snprintf(want, sizeof want,
             "%.60s is no data set known here (ml-100k: no u.user; ml-1m: ratings.dat:1: rating 6, want 1 to 5; ml-latest: "
             "ratings.csv:2: rating 6, want 0.5 to 5); --schema FILE.json describes another layout",
             folder);
    assert_string_equal(err.msg, want);
    put_ml1m();
    put("users.dat", "1::F::1::10\n");
    assert_fails(mrq_schema_recognise(folder, &schema, &err), MRQ_BAD_FILE, "users.dat:1: 4 fields, want 5");
    put_ml1m();
    put("movies.dat", "1::First (1995)\n");
    assert_fails(mrq_schema_recognise(folder, &schema, &err), MRQ_BAD_FILE, "movies.dat:1: 2 fields, want 3");
    put_ml1m();
    assert_int_equal(unlink(path_of("users.dat")), 0);
    assert_int_equal(symlink("users.dat", path_of("users.dat")), 0); /* which says nothing about the layout */
    assert_fails(mrq_schema_recognise(folder, &schema, &err), MRQ_FAILED, "users.dat: Too many levels of symbolic links");
    assert_fails(mrq_schema_recognise(path_of("movies.dat"), &schema, &err), MRQ_NOT_FOUND, "movies.dat is not a folder");
    assert_fails(mrq_schema_recognise(path_of("none"), &schema, &err), MRQ_NOT_FOUND, "none: No such file or directory");
    assert_null(schema);
    assert_int_equal(descriptors_of_process(), before);
}

/* A night's model must not see tomorrow in yesterday's test part: a seed's division is the same for ever. */
static void a_seed_divides_as_it_always_has(void **state)
{
    (void)state;
    enum { RATINGS = 500, OF_USERS = 9, OF_ITEMS = 31 };
    static uint32_t user[RATINGS], item[RATINGS];
    static int64_t time[RATINGS], user_id[OF_USERS], item_id[OF_ITEMS];
    for (uint32_t i = 0; i < RATINGS; i++) {
        user[i] = i * i % OF_USERS;
        item[i] = i * 7 % OF_ITEMS;
        time[i] = INT64_C(1000000007) * (i * 37 % 101);
    }
    for (uint32_t i = 0; i < OF_ITEMS; i++) {
        user_id[i % OF_USERS] = 100 + i % OF_USERS;
        item_id[i] = INT64_C(1) << i;
    }
    MRQ_CLEANUP(mrq_arena_free) mrq_arena *arena = mrq_arena_new();
    mrq_table users = {.rows = OF_USERS, .id = number_ids(arena, user_id, OF_USERS)},
              items = {.rows = OF_ITEMS, .id = number_ids(arena, item_id, OF_ITEMS)};
    const mrq_dataset data = {.users = &users, .items = &items, .n = RATINGS, .user = user, .item = item, .time = time};
    static const double shares[][2] = {{0, 0}, {0.001, 0}, {0, 0.3}, {0.1, 0.05}, {0.333, 0.5}, {0.9, 0}};
    used = 0;
    for (mrq_split_kind kind = MRQ_SPLIT_RANDOM; kind <= MRQ_SPLIT_HASH; kind++)
        for (size_t i = 0; i < sizeof shares / sizeof *shares; i++) {
            mrq_split split;
            assert_ok(mrq_split_make(&data, kind, shares[i][0], shares[i][1], 5, &split, &err));
            const uint64_t sums[] = {mrq_checksum(split.train, split.n_train * sizeof *split.train),
                                     mrq_checksum(split.valid, split.n_valid * sizeof *split.valid),
                                     mrq_checksum(split.test, split.n_test * sizeof *split.test)};
            add("%s %g %g: %" PRIu64 " %" PRIu64 " %" PRIu64 " %08x\n", mrq_split_names[kind], shares[i][0], shares[i][1],
                split.n_train, split.n_valid, split.n_test, (unsigned)mrq_checksum(sums, sizeof sums));
            mrq_split_clear(&split);
        }
    assert_string_equal(out, "random 0 0: 500 0 0 7f757f27\n"
                             "random 0.001 0: 499 0 1 da5f6f6e\n"
                             "random 0 0.3: 350 150 0 3e65ff68\n"
                             "random 0.1 0.05: 427 23 50 79e9f4e4\n"
                             "random 0.333 0.5: 166 167 167 ee039d70\n"
                             "random 0.9 0: 50 0 450 452b9ab7\n"
                             "user 0 0: 500 0 0 7f757f27\n"
                             "user 0.001 0: 500 0 0 7f757f27\n"
                             "user 0 0.3: 351 149 0 ece4f0b9\n"
                             "user 0.1 0.05: 429 22 49 f1eea49c\n"
                             "user 0.333 0.5: 170 167 163 8aadd668\n"
                             "user 0.9 0: 53 0 447 18fc2cd1\n"
                             "time 0 0: 500 0 0 7f757f27\n"
                             "time 0.001 0: 499 0 1 268f8fea\n"
                             "time 0 0.3: 350 150 0 250ec686\n"
                             "time 0.1 0.05: 427 23 50 eb936e55\n"
                             "time 0.333 0.5: 166 167 167 e58ef079\n"
                             "time 0.9 0: 50 0 450 5d2cf402\n"
                             "hash 0 0: 500 0 0 7f757f27\n"
                             "hash 0.001 0: 500 0 0 7f757f27\n"
                             "hash 0 0.3: 354 146 0 cbd7a11e\n"
                             "hash 0.1 0.05: 436 23 41 2e47004a\n"
                             "hash 0.333 0.5: 137 168 195 4ea93729\n"
                             "hash 0.9 0: 33 0 467 ac4a4d5d\n");
    assert_null(mrq_split_names[MRQ_SPLIT_HASH + 1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_refused_is_told_whole),
        cmocka_unit_test(a_text_may_have_65535_bytes),
        cmocka_unit_test(a_folder_is_recognised_or_told_why_not),
        cmocka_unit_test(a_seed_divides_as_it_always_has),
        cmocka_unit_test(a_schema_may_be_as_large_as_its_limits),
        cmocka_unit_test(a_schema_file_has_a_limit),
        cmocka_unit_test(reading_survives_without_memory),
        cmocka_unit_test(decoding_ends_with_the_field),
        cmocka_unit_test(letters_are_lowered_as_unicode_has_it),
        cmocka_unit_test(letters_and_digits_make_words),
        cmocka_unit_test(a_schema_is_read_whole),
        cmocka_unit_test(a_data_set_is_read_whole),
    };
    snprintf(root, sizeof root, "%s", temporary_folder());
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    temporary_remove(root);
    return failed;
}
