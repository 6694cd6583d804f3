/* The dataset room: text, schemas, readers, recognition, splits, on files made here; test_movielens.c reads real ones. */
#include "testing.h"

#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <time.h>

#include "base/utf8.h"
#include "dataset/dataset.h"
#include "dataset/split.h"
#include "dataset/text.h"
#include "unit/ids.h"

/* A folder of files for each test, under one that is removed at the end. */
static char root[4096], folder[4200];

static void fresh(void)
{
    static int n;
    snprintf(folder, sizeof folder, "%s/%d", root, n++);
    assert_int_equal(mkdir(folder, 0755), 0);
}

static void put_bytes(const char *name, const void *data, size_t size)
{
    char path[4400];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    write_bytes(path, data, size);
}

static void put(const char *name, const char *text)
{
    put_bytes(name, text, strlen(text));
}

/* Single quotes stand for double ones, so that JSON can be read in C. */
static mrq_status parse(const char *text, mrq_schema **out, mrq_error *err)
{
    char json[8192];
    assert_true(strlen(text) < sizeof json);
    strcpy(json, text);
    for (char *p = json; *p; p++)
        *p = *p == '\'' ? '"' : *p;
    return mrq_schema_parse(json, strlen(json), "t.json", out, err);
}

/* A schema with these item fields, rating fields and further keys of the file of items. */
static mrq_status parse_parts(const char *items, const char *ratings, const char *keys, mrq_schema **out, mrq_error *err)
{
    char text[8192];
    snprintf(
        text, sizeof text,
        "{'name':'t','items':{'file':'m','delimiter':'|'%s,'fields':[%s]},'ratings':{'file':'r','delimiter':',','fields':[%s]}}",
        keys, items, ratings);
    return parse(text, out, err);
}

#define ID      "{'name':'id','kind':'id'}"
#define RATINGS "{'name':'user','kind':'id'},{'name':'item','kind':'id'},{'name':'stars','kind':'rating','min':1,'max':5}"

/* Items of these fields from this text; ratings of item 1 by users 7 and 3. */
static mrq_status load_items(const char *fields, const char *keys, const char *text, size_t size, mrq_dataset **out, mrq_error *err)
{
    MRQ_CLEANUP(mrq_schema_free) mrq_schema *schema = NULL;
    assert_int_equal(parse_parts(fields, RATINGS, keys, &schema, err), MRQ_OK);
    fresh();
    put_bytes("m", text, size);
    put("r", "7,1,5\n3,1,1\n");
    return mrq_dataset_load(folder, schema, out, err);
}

static const mrq_column *item_column(const mrq_dataset *data, const char *name)
{
    const mrq_column *column = mrq_table_column(data->items, name);
    assert_non_null(column);
    return column;
}

/* The entries of a row's list, joined by blanks. */
static const char *row_items(const mrq_column *column, uint32_t row)
{
    static char out[1000];
    *out = '\0';
    for (uint64_t i = column->list.offset[row]; i < column->list.offset[row + 1]; i++)
        snprintf(out + strlen(out), sizeof out - strlen(out), "%s%s", *out ? " " : "",
                 mrq_strings_at(&column->dict, column->list.item[i]));
    return out;
}

static void test_utf8(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "\x80",         "\xc3",     "\xc0\xaf",         "\xc1\xbf",     "\xe0\x80\xaf",     "\xed\xa0\x80",
        "\xf0\x80\x80", "\xe2\x82", "\xf4\x90\x80\x80", "\xf8\x88\x80", "\xf0\x80\x80\x80", "\xff"};
    uint32_t code;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(mrq_utf8_read(bad[i], strlen(bad[i]), &code), 0);
    for (uint32_t c = 0; c <= 0x10ffff; c += c < 0x3000 ? 1 : 97) {
        char text[4];
        const size_t length = mrq_utf8_write(c, text);
        if (c >= 0xd800 && c <= 0xdfff)
            continue;
        assert_int_equal(mrq_utf8_read(text, length, &code), length);
        assert_int_equal(code, c);
        if (length > 1)
            assert_int_equal(mrq_utf8_read(text, length - 1, &code), 0);
    }
}

/* The words of a text, each followed by a slash. */
static const char *words(const char *text, bool characters)
{
    static char out[1000];
    char word[1000];
    *out = '\0';
    for (size_t at = 0, n; (n = mrq_text_word(text, strlen(text), characters, &at, word)) > 0;)
        snprintf(out + strlen(out), sizeof out - strlen(out), "%.*s/", (int)n, word);
    return out;
}

static void test_words(void **state)
{
    (void)state;
    assert_string_equal(words("ÀÉÎÕÜÝÞ×ß ŠŽŸĄŁĽĿİŻ", false), "àéîõüýþ/ß/šžÿąłľŀiż/");
    assert_string_equal(words("ΆΈΌΎΏΑΩΪ АЯЁЇҐӀӁԮ", false), "άέόύώαωϊ/аяёїґӏӂԯ/");
    assert_string_equal(words("The Dogs' Day: 'Til O'Brien's 8½-mile (co-op)...", false),
                        "the/dogs/day/til/o'brien's/8/mile/co/op/");
    assert_string_equal(words("Rock ’n’ Roll’s “End”—now…", false), "rock/n/roll's/end/now/");
    assert_string_equal(words("七人の侍、2", false), "七人の侍/2/");
    assert_string_equal(words("", false), "");
    assert_string_equal(words("!?", false), "");
    assert_string_equal(words("Éa b", true), "é/a/ /b/");
}

static void test_schema_refuses(void **state)
{
    (void)state;
    static const struct {
        const char *items, *ratings, *keys, *want;
    } cases[] = {
        {"{'name':'id','kind':'foo'}", RATINGS, "", "t.json: items.fields[0].kind: \"foo\", want one of id, category, set, text"},
        {"{'name':'id'}", RATINGS, "", "t.json: items.fields[0].kind: missing"},
        {ID ",{'kind':'number'}", RATINGS, "", "t.json: items.fields[1].name: missing"},
        {ID ",{'name':'a b','kind':'number'}", RATINGS, "", "items.fields[1].name: \"a b\", want 1 to 31 letters"},
        {ID ",{'name':'x23456789012345678901234567890123','kind':'number'}", RATINGS, "", "want 1 to 31 letters"},
        {ID ",{'name':'a','kind':'number','min':1}", RATINGS, "", "t.json: items.fields[1].min: unknown key"},
        {ID ",{'name':'a','kind':'number'},{'name':'a','kind':'number'}", RATINGS, "", "items.fields[2]: a second column \"a\""},
        {ID ",{'name':'a','kind':'text','extract':{'a':'(x)'}}", RATINGS, "", "a second column \"a\""},
        {ID ",7", RATINGS, "", "t.json: items.fields[1]: want an object"},
        {"", RATINGS, "", "t.json: items.fields: 0 of them"},
        {"{'name':'key','kind':'id'}", RATINGS, "", "t.json: items.fields: want one field of kind id, named \"id\""},
        {ID ",{'name':'id2','kind':'id'}", RATINGS, "", "want one field of kind id"},
        {ID ",{'name':'r','kind':'rating','min':1,'max':5}", RATINGS, "", "\"rating\" cannot be in a file of users or items"},
        {ID ",{'name':'c','kind':'category','values':[]}", RATINGS, "", "items.fields[1].values: empty"},
        {ID ",{'name':'c','kind':'category','values':['a',1]}", RATINGS, "", "items.fields[1].values[1]: want a string"},
        {ID ",{'name':'c','kind':'category','values':['a','a']}", RATINGS, "", "values[1]: \"a\" given twice"},
        {ID ",{'name':'c','kind':'category','values':['a','\\u001b[31m']}", RATINGS, "",
         "values[1]: \"?[31m\", want no control characters"},
        {ID ",{'name':'c','kind':'category','values':['a'],'labels':['a\\n']}", RATINGS, "", "labels[0]: \"a?\", want no control"},
        {ID ",{'name':'c','kind':'category','values':'a'}", RATINGS, "", "want an array"},
        {ID ",{'name':'c','kind':'category','labels':['a']}", RATINGS, "",
         "items.fields[1].labels: 1 of them, want one for each of the 0"},
        {ID ",{'name':'c','kind':'category','values':['a'],'buckets':[1]}", RATINGS, "", "values and buckets"},
        {ID ",{'name':'c','kind':'category','buckets':[]}", RATINGS, "", "buckets: empty"},
        {ID ",{'name':'c','kind':'category','buckets':[1,'2']}", RATINGS, "", "buckets[1]: want a number"},
        {ID ",{'name':'c','kind':'category','buckets':[1,3,3]}", RATINGS, "", "buckets[2]: 3 behind 3, want them to ascend"},
        {ID ",{'name':'s','kind':'set'}", RATINGS, "", "items.fields[1]: want delimiter or flags"},
        {ID ",{'name':'s','kind':'set','delimiter':''}", RATINGS, "", "items.fields[1].delimiter: 0 bytes, want 1 to 7"},
        {ID ",{'name':'s','kind':'set','delimiter':'|','flags':['a']}", RATINGS, "", "want one or the other"},
        {ID ",{'name':'x','kind':'text','split':'lines'}", RATINGS, "", "split: \"lines\", want one of words, characters"},
        {ID ",{'name':'x','kind':'text','extract':{}}", RATINGS, "", "items.fields[1].extract: want one column"},
        {ID ",{'name':'x','kind':'text','extract':{'y':'((1)'}}", RATINGS, "", "items.fields[1].extract.y: Unmatched"},
        {ID ",{'name':'x','kind':'text','extract':{'y':'1'}}", RATINGS, "", "extract.y: want a group"},
        {ID ",{'name':'x','kind':'text','extract':{'y':'(1++++++++++++++++++++++++++)'}}", RATINGS, "",
         "repeats itself to 1.95e+09"},
#define EIGHT    "(((((((("
#define BRACKETS EIGHT EIGHT EIGHT EIGHT EIGHT EIGHT EIGHT EIGHT
        {ID ",{'name':'x','kind':'text','extract':{'y':'" BRACKETS BRACKETS BRACKETS BRACKETS "'}}", RATINGS, "",
         "extract.y: a pattern of 256 bytes, want at most 255"},
        {ID ",{'name':'x','kind':'text','extract':{'y':'((1{99}){9,99}){99}'}}", RATINGS, "", "repeats itself to 1.84e+07, want"},
        {ID, RATINGS, ",'delimiter':','", "t.json: items.delimiter: given twice"},
        {ID, RATINGS, ",'encoding':'shoe'", "t.json: items.encoding: \"shoe\", want utf-8 or another name that iconv knows"},
        {ID, RATINGS, ",'header':1", "t.json: items.header: 1, want true or false"},
        {ID, RATINGS, ",'colour':1", "t.json: items.colour: unknown key"},
        {ID, ID, "", "t.json: ratings.fields: want two fields of kind id"},
        {ID, RATINGS ",{'name':'r2','kind':'rating','min':1,'max':5}", "",
         "t.json: ratings.fields: want at most one field of kind rating, count or action, and one of kind timestamp"},
        {ID, RATINGS ",{'name':'c','kind':'category'}", "", "ratings.fields[3].kind: \"category\" cannot be in a file of events"},
        {ID, "{'name':'r','kind':'rating','min':1}", "", "ratings.fields[0]: want min and max, or neither"},
        {ID, "{'name':'r','kind':'rating','min':5,'max':5}", "", "min 5, max 5, want min below max"},
        {ID, "{'name':'r','kind':'rating','min':'1','max':5}", "", "ratings.fields[0].min: \"1\", want a number"},
    };
    mrq_error err;
    mrq_schema *schema = NULL;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_fails(parse_parts(cases[i].items, cases[i].ratings, cases[i].keys, &schema, &err), MRQ_BAD_FILE, cases[i].want);
    static const char *const texts[][2] = {
        {"", "t.json:1: not valid JSON"},
        {"{'name':\n'x'", "not valid JSON"},
        {"[]", "t.json: want a JSON object"},
        {"{}", "t.json: name: missing"},
        {"{'name':''}", "t.json: name: \"\", want 1 to 31"},
        {"{'name':'x'}", "t.json: events: missing"},
        {"{'name':'x','films':{}}", "t.json: films: unknown key"},
        {"{'name':'x','items':[]}", "t.json: items: [], want an object"},
        {"{'name':'x','items':{'delimiter':','}}", "t.json: items.file: missing"},
        {"{'name':'x','items':{'file':'../m','delimiter':','}}", "t.json: items.file: \"../m\", want the name of a file"},
        {"{'name':'x','items':{'file':'m','delimiter':'\\n'}}", "t.json: items.delimiter: want printable ASCII or a tab"},
        {"{'name':'x','items':{'file':'m','delimiter':'\xc3\xa9'}}", "t.json: items.delimiter: want printable ASCII"},
        {"{'name':'x','items':{'file':'m','delimiter':','}}", "t.json: items.fields: missing"},
        {"{'name':'\xe9'}", "t.json: not valid UTF-8 at byte 10"},
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        assert_fails(parse(texts[i][0], &schema, &err), MRQ_BAD_FILE, texts[i][1]);
    assert_null(schema);
}

static void test_schema_load(void **state)
{
    (void)state;
    mrq_error err;
    static const char *const names[] = {"ml-1m", "ml-100k", "ml-latest"};
    for (int i = 0; i < 3; i++) {
        mrq_schema *schema = NULL;
        assert_ok(mrq_schema_load(names[i], &schema, &err));
        assert_string_equal(schema->name, names[i]);
        mrq_schema_free(schema);
    }
    mrq_schema *schema = NULL;
    assert_fails(mrq_schema_load("ml-2m", &schema, &err), MRQ_NOT_FOUND,
                 "schema \"ml-2m\": no such file, and not one of ml-100k, ml-1m, ml-latest");
    fresh();
    char path[4300];
    snprintf(path, sizeof path, "%s/own.json", folder);
    put("own.json", "{\"name\":1}");
    assert_fails(mrq_schema_load(path, &schema, &err), MRQ_BAD_FILE, "own.json: name: 1, want a string");
    put("own.json", "{\"name\":\"own\",\"about\":\"a\\u0007\"}");
    assert_fails(mrq_schema_load(path, &schema, &err), MRQ_BAD_FILE, "own.json: about: \"a?\", want no control characters");
    assert_fails(mrq_schema_load(folder, &schema, &err), MRQ_BAD_FILE, "not a regular file");
    assert_null(schema);
}

/* Every kind of column, from a file in another order than its ids, with CRLF, a byte-order mark and no last line end. */
static void test_columns(void **state)
{
    (void)state;
    static const char fields[] =
        ID ",{'name':'c','kind':'category'},{'name':'g','kind':'category','values':['z','a'],'labels':['Zed','Ay']},"
           "{'name':'b','kind':'category','buckets':[0.5,10]},{'kind':'ignore'},{'name':'s','kind':'set','delimiter':'+',"
           "'none':'-'},{'name':'f','kind':'set','flags':['x','y']},{'name':'n','kind':'number'},"
           "{'name':'t','kind':'text','extract':{'year':' *\\\\(([0-9]+)\\\\)'}}";
    static const char text[] = "\xef\xbb\xbf"
                               "30|pear|a|9.99|?|b+a+b|1|1|-1.5|Éa (x) (1999)\r\n"
                               "2|apple|z|0.5|?||0|0||No year\r\n"
                               "9223372036854775807|pear|z|10|?|-|0|1|7|One (2001) Two";
    mrq_error err;
    MRQ_CLEANUP(mrq_dataset_free) mrq_dataset *data = NULL;
    assert_fails(load_items(fields, "", text, strlen(text), &data, &err), MRQ_BAD_FILE, "r:1: item 1 is not in m");

    MRQ_CLEANUP(mrq_schema_free) mrq_schema *schema = NULL;
    assert_ok(parse_parts(fields, RATINGS, "", &schema, &err));
    put("r", "7,30,5\r\n3,2,1\r\n7,9223372036854775807,2.5\r\n\r\n\n");
    assert_ok(mrq_dataset_load(folder, schema, &data, &err));
    const mrq_table *m = data->items;
    assert_int_equal(m->rows, 3);
    assert_int_equal(m->n_columns, 8);
    assert_true(id_number(m, 0) == 2 && id_number(m, 1) == 30 && id_number(m, 2) == INT64_MAX);

    const mrq_column *c = item_column(data, "c"); /* discovered, sorted */
    assert_int_equal(c->dict.n, 2);
    assert_string_equal(mrq_strings_at(&c->dict, 0), "apple");
    assert_true(c->code[0] == 0 && c->code[1] == 1 && c->code[2] == 1);
    const mrq_column *g = item_column(data, "g"); /* given, in their order */
    assert_string_equal(mrq_strings_at(&g->dict, 0), "z");
    assert_string_equal(mrq_strings_at(&g->label, 1), "Ay");
    assert_true(g->code[0] == 0 && g->code[1] == 1 && g->code[2] == 0);
    const mrq_column *b = item_column(data, "b");
    assert_string_equal(mrq_strings_at(&b->dict, 0), "0.5");
    assert_true(b->bound && b->bound[1] == 10 && b->code[0] == 0 && b->code[1] == 0 && b->code[2] == 1);
    const mrq_column *s = item_column(data, "s");
    assert_int_equal(s->dict.n, 2);
    assert_string_equal(row_items(s, 0), "");
    assert_string_equal(row_items(s, 1), "a b");
    assert_string_equal(row_items(s, 2), "");
    const mrq_column *f = item_column(data, "f");
    assert_string_equal(row_items(f, 0), "");
    assert_string_equal(row_items(f, 1), "x y");
    assert_string_equal(row_items(f, 2), "y");
    const mrq_column *n = item_column(data, "n");
    assert_true(isnan(n->number[0]) && n->number[1] == -1.5 && n->number[2] == 7);
    const mrq_column *t = item_column(data, "t"), *year = item_column(data, "year");
    assert_string_equal(row_items(t, 1), "éa x");
    assert_string_equal(mrq_strings_at(&t->text, 1), "Éa (x) (1999)");
    assert_string_equal(row_items(t, 2), "one two");
    assert_int_equal(year->kind, MRQ_NUMBER);
    assert_true(isnan(year->number[0]) && year->number[1] == 1999 && year->number[2] == 2001);

    assert_int_equal(data->n, 3);
    assert_string_equal(data->schema, "t");
    assert_null(data->time);
    assert_true(data->rating_min == 1 && data->rating_max == 5);
    assert_int_equal(data->users->rows, 2); /* made from the ratings, in order of id */
    assert_int_equal(data->users->n_columns, 0);
    assert_true(id_number(data->users, 0) == 3 && id_number(data->users, 1) == 7);
    assert_true(data->user[0] == 1 && data->user[1] == 0 && data->user[2] == 1);
    assert_true(data->item[0] == 1 && data->item[1] == 0 && data->item[2] == 2);
    assert_true(data->rating[0] == 5 && data->rating[1] == 1 && data->rating[2] == 2.5f);
}

static void test_encodings(void **state)
{
    (void)state;
    mrq_error err;
    static const char title[] = ID ",{'name':'t','kind':'text','split':'characters'}";
    MRQ_CLEANUP(mrq_dataset_free) mrq_dataset *latin = NULL, *quoted = NULL;
    assert_ok(load_items(title, ",'encoding':'latin-1'", "1|\xc9t\xe9\x1b\x9b", 7, &latin, &err));
    assert_string_equal(mrq_strings_at(&item_column(latin, "t")->text, 0), "Été  "); /* controls become blanks */
    assert_string_equal(row_items(item_column(latin, "t"), 0), "é t é    ");

    static const char csv[] = "the id|\"the\ntitle\"\n1|\"a|b \"\"c\"\"\nd\"\r\n\"3\"|\"\"\n2|e";
    assert_ok(load_items(title, ",'header':true,'quoted':true", csv, strlen(csv), &quoted, &err));
    assert_int_equal(quoted->items->rows, 3);
    const mrq_column *t = item_column(quoted, "t");
    assert_string_equal(mrq_strings_at(&t->text, 0), "a|b \"c\" d");
    assert_string_equal(mrq_strings_at(&t->text, 1), "e");
    assert_string_equal(mrq_strings_at(&t->text, 2), "");
}

/* A number is taken out of a text wherever it stands, from the first byte on; where the group has no part in it, there is none. */
static void a_number_is_found_where_it_stands(void **state)
{
    (void)state;
    mrq_error err;
    MRQ_CLEANUP(mrq_dataset_free) mrq_dataset *data = NULL;
    static const char text[] = "1|12 Monkeys\n2|Heat\n3|7\n4|Se7en";
    assert_ok(load_items(ID ",{'name':'t','kind':'text','extract':{'n':'^([0-9]+)? *'}}", "", text, strlen(text), &data, &err));
    const mrq_column *t = item_column(data, "t"), *n = item_column(data, "n");
    assert_true(n->number[0] == 12 && isnan(n->number[1]) && n->number[2] == 7 && isnan(n->number[3]));
    assert_string_equal(mrq_strings_at(&t->text, 0), "12 Monkeys");
    assert_string_equal(row_items(t, 0), "monkeys");
    assert_string_equal(row_items(t, 1), "heat");
    assert_string_equal(row_items(t, 2), "");
    assert_string_equal(row_items(t, 3), "se7en");
}

static void test_table_refuses(void **state)
{
    (void)state;
    static const char set[] = ID ",{'name':'s','kind':'set','delimiter':'+','values':['a','b']}";
    static const char wide[] = ID ",{'name':'f','kind':'set','flags':['x','y']},{'kind':'ignore'}";
    static const char category[] = ID ",{'name':'c','kind':'category','values':['a','b'],'labels':['A','B']}";
    static const char bucket[] = ID ",{'name':'c','kind':'category','buckets':[1,18]}";
    static const char number[] = ID ",{'name':'n','kind':'number'}";
    static const char text[] = ID ",{'name':'t','kind':'text','extract':{'year':'\\\\((.*)\\\\)'}}";
    static const char quoted[] = ",'quoted':true";
    static const struct {
        const char *fields, *keys, *text, *want;
    } cases[] = {
        {number, "", "", "m: no rows"},
        {number, "", "\n\r\n", "m: no rows"},
        {number, ",'header':true", "id|n\n", "m: no rows"},
        {number, ",'header':true", "id\n1|2\n", "m:1: 1 field, want 2 (id|n)"},
        {number, "", "1|2\n\n3|4\n", "m:2: 1 field, want 2 (id|n)"},
        {wide, "", "1|1|0\n", "m:1: 3 fields, want 4 (id|f[2]|ignored)"},
        {wide, "", "1|1|2|\n", "m:1: y 2, want 0 or 1"},
        {wide, "", "1||1|\n", "m:1: x \"\", want 0 or 1"},
        {number, "", "1|2\nx\x1b|4\n", "m:2: id \"x\\x1b\", want an id: 1 to 255 bytes of UTF-8 without control characters"},
        {number, "", "|2\n", "m:1: id \"\", want"},
        {number, "", "5|2\n4|2\n5|3\n", "m:3: id 5 is already in line 1"},
        {number, "", "1|nan\n", "m:1: n \"nan\", want a number or nothing"},
        {number, "", "1|-1e400\n", "m:1: n -1e400, want a smaller number: this one is too large"},
        {number, "", "1|0123456789012345678901234567890123456789XYZ\n", "n \"0123456789012345678901234567890123456789\"..., want"},
        {number, "", "1|\xff\n", "m:1: the byte \\xff is not valid UTF-8"},
        {category, "", "1|a\n2|A\n", "m:2: c \"A\", want one of a, b"},
        {bucket, "", "1|0.99\n", "m:1: c 0.99, want a number, 1 or more"},
        {bucket, "", "1|old\n", "m:1: c \"old\", want a number, 1 or more"},
        {set, "", "1|a+c\n", "m:1: s \"c\", want one of a, b"},
        {set, "", "1|a++b\n", "m:1: s \"a++b\", want no empty member"},
        {set, "", "1|a+\n", "want no empty member"},
        {text, "", "1|A (now)\n", "m:1: year \"now\", want a number"},
        {text, quoted, "1|\"abc", "m:1: the quote before \"abc\" is never closed"},
        {text, quoted, "1|\"a\"b\n", "m:1: text behind the closing quote of \"a\""},
        {text, quoted, "1|a\"b\"\n", "m:1: a quote inside the unquoted field \"a\"\""},
        {text, quoted, "1|\"a\nb\"\n1|c\n", "m:3: id 1 is already in line 1"},
        {text, quoted, "1|\"\xc3\"\n", "m:1: the byte \\xc3 is not valid UTF-8"},
    };
    mrq_error err;
    mrq_dataset *data = NULL;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_fails(load_items(cases[i].fields, cases[i].keys, cases[i].text, strlen(cases[i].text), &data, &err), MRQ_BAD_FILE,
                     cases[i].want);
    assert_fails(load_items(number, "", "1|2\n3|\0\n", 8, &data, &err), MRQ_BAD_FILE, "m:2: a NUL byte");
    assert_fails(load_items(text, quoted, "1|\"\0\"\n", 6, &data, &err), MRQ_BAD_FILE, "m:1: a NUL byte");

    const size_t size = 70000; /* a text beyond the limit */
    MRQ_AUTOFREE char *big = mrq_array(size, 1);
    assert_non_null(big);
    memset(big, 'x', size);
    memcpy(big, "1|", 2);
    assert_fails(load_items(text, "", big, size, &data, &err), MRQ_BAD_FILE, "m:1: t: 69998 bytes, want at most 65535");
    assert_null(data);
}

/* A small set in the layout of ml-1m. */
static void put_ml1m(const char *ratings)
{
    fresh();
    put("users.dat", "2::M::56::16::70072\n1::F::1::10::48067\n");
    put("movies.dat", "1::First (1995)::Drama\n2::Caf\xe9 (2000)::Comedy|Action\n");
    put("ratings.dat", ratings);
}

static void test_ratings_refuse(void **state)
{
    (void)state;
    static const struct {
        const char *ratings, *want;
    } cases[] = {
        {"1::1::5::0\n1::2::3\n", "ratings.dat:2: 3 fields, want 4 (user::item::rating::timestamp)"},
        {"1::1::5::0\n1::2::9::0\n", "ratings.dat:2: rating 9, want 1 to 5"},
        {"1::1::5::0\n1::2::::0\n", "ratings.dat:2: rating \"\", want 1 to 5"},
        {"1::1::5::0\n1::2::nan::0\n", "ratings.dat:2: rating \"nan\", want 1 to 5"},
        {"1::1::5::0\n1::2::-0::0\n", "ratings.dat:2: rating -0, want 1 to 5"},
        {"1::1::5::0\n1::3::5::0\n", "ratings.dat:2: item 3 is not in movies.dat"},
        {"1::1::5::0\n3::1::5::0\n", "ratings.dat:2: user 3 is not in users.dat"},
        {"1::1::5::0\n1::two::5::0\n", "ratings.dat:2: item \"two\" is not in movies.dat"},
        {"1::1::5::0\n1::1::5::0,5\n", "ratings.dat:2: timestamp \"0,5\", want seconds since 1970"},
        {"1::1::5::0\n1::1::5::9223372036854775807\n", "timestamp 9223372036854775807, want seconds"},
        {"1::1::5::0\n1::1::5::0::\n", "ratings.dat:2: 5 fields, want 4"},
        {"1::1::5::0\n\x80::1::5::0\n", "ratings.dat:2: the byte \\x80 is not valid UTF-8"},
    };
    mrq_error err;
    mrq_dataset *data = NULL;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        put_ml1m(cases[i].ratings);
        assert_fails(mrq_dataset_load(folder, NULL, &data, &err), MRQ_BAD_FILE, cases[i].want);
        assert_int_equal(strncmp(err.msg, "ratings.dat:2: ", 15), 0);
    }
    put_ml1m("");
    put_bytes("ratings.dat", "1::1::5::0\n1::1::\0::0\n", 22);
    assert_fails(mrq_dataset_load(folder, NULL, &data, &err), MRQ_BAD_FILE, "ratings.dat:2: a NUL byte");
    assert_null(data);
}

static void test_recognise(void **state)
{
    (void)state;
    mrq_error err;
    mrq_dataset *data = NULL;
    put_ml1m("1::1::5::0\n2::2::4::86400\n");
    assert_ok(mrq_dataset_load(folder, NULL, &data, &err));
    assert_string_equal(data->schema, "ml-1m");
    assert_int_equal(mrq_table_column(data->users, "gender")->code[0], 1);
    assert_int_equal(mrq_table_column(data->users, "age")->code[1], 6);
    assert_int_equal(mrq_table_column(data->users, "job")->code[1], 16);
    assert_string_equal(row_items(item_column(data, "title"), 1), "café");
    assert_string_equal(row_items(item_column(data, "genres"), 1), "Action Comedy");
    assert_true(item_column(data, "year")->number[1] == 2000);
    assert_true(data->time[1] == 86400);
    const uint64_t fingerprint = data->fingerprint;
    mrq_dataset_free(data);
    data = NULL;

    /* Exact ages and job names under the same file names are not ml-1m. */
    put("users.dat", "1::F::31::artist::48067\n2::M::56::16::70072\n");
    assert_fails(mrq_dataset_load(folder, NULL, &data, &err), MRQ_BAD_FILE,
                 "users.dat:1: job \"artist\", want one of 0, 1"); /* the only layout whose files are all there */
    put("u.user", "1|31|F|artist|48067\n2|56|M|none|70072\n");
    put("u.item", "1|First (1995)|||u|0|1|0|0|0|0|0|0|0|0|0|0|0|0|0|0|0|0|1\n");
    put("u.data", "1\t1\t5\t0\n2\t1\t4\t0\n");
    assert_ok(mrq_dataset_load(folder, NULL, &data, &err));
    assert_string_equal(data->schema, "ml-100k");
    assert_int_equal(mrq_table_column(data->users, "age")->code[0], 2);
    assert_string_equal(row_items(item_column(data, "genres"), 0), "Action Western");
    mrq_dataset_free(data);
    data = NULL;

    put_ml1m("1::1::5::0\n2::2::4::86401\n"); /* one byte further */
    assert_ok(mrq_dataset_load(folder, NULL, &data, &err));
    assert_true(data->fingerprint != fingerprint);
    mrq_dataset_free(data);
    data = NULL;

    put_ml1m("");
    assert_fails(mrq_dataset_load(folder, NULL, &data, &err), MRQ_BAD_FILE, "ratings.dat: no rows");
    put_ml1m("1::1::5\n");
    assert_fails(mrq_dataset_load(folder, NULL, &data, &err), MRQ_BAD_FILE, "ratings.dat:1: 3 fields, want 4");
    fresh();
    assert_fails(mrq_dataset_load(folder, NULL, &data, &err), MRQ_NOT_FOUND, "ml-1m: no users.dat");
    put("movies.csv", "movieId,title,genres\n1,\"One, Two (2006–2007) \",(no genres listed)\n");
    put("ratings.csv", "userId,movieId,rating,timestamp\n1,1,0.5,1\n");
    assert_ok(mrq_dataset_load(folder, NULL, &data, &err));
    assert_string_equal(data->schema, "ml-latest");
    assert_string_equal(row_items(item_column(data, "title"), 0), "one two");
    assert_true(item_column(data, "year")->number[0] == 2006);
    assert_string_equal(row_items(item_column(data, "genres"), 0), "");
    mrq_dataset_free(data);
    data = NULL;
    strcat(folder, "/nothing");
    assert_fails(mrq_dataset_load(folder, NULL, &data, &err), MRQ_NOT_FOUND, "No such file");
    MRQ_CLEANUP(mrq_schema_free) mrq_schema *schema = NULL;
    assert_ok(mrq_schema_load("ml-1m", &schema, &err));
    assert_fails(mrq_dataset_load(root, schema, &data, &err), MRQ_NOT_FOUND, "users.dat: No such file");
}

/* Whatever a byte is changed to and wherever a file ends: a data set or MRQ_BAD_FILE, never a crash (this runs under sanitizers
 * too). */
static void test_damage(void **state)
{
    (void)state;
    static const char *const files[][2] = {
        {"m", "id|t|s|y\n1|\"a \"\"b\"\" (1990)\"|x+\xc3\xa9|7\r\n2|c|y|\n"},
        {"r", "7,1,5\n3,2,1.5\r\n"},
    };
    static const unsigned char values[] = {0, '\n', '\r', '"', '|', ',', '+', '-', '9', '(', 0x80, 0xc3, 0xff};
    mrq_error err;
    MRQ_CLEANUP(mrq_schema_free) mrq_schema *schema = NULL;
    assert_ok(
        parse_parts(ID ",{'name':'t','kind':'text','extract':{'year':'\\\\((.*)\\\\)'}},{'name':'s','kind':'set','delimiter':'+'},"
                       "{'name':'n','kind':'number'}",
                    RATINGS, ",'quoted':true,'header':true", &schema, &err));
    fresh();
    for (int f = 0; f < 2; f++) {
        put("m", files[0][1]);
        put("r", files[1][1]);
        char bytes[100];
        const size_t size = strlen(files[f][1]);
        for (size_t i = 0; i <= size; i++)
            for (size_t v = 0; v <= sizeof values; v++) {
                memcpy(bytes, files[f][1], size);
                if (v < sizeof values && i < size)
                    bytes[i] = (char)values[v];
                put_bytes(files[f][0], bytes, v < sizeof values ? size : i);
                mrq_dataset *data = NULL;
                const mrq_status status = mrq_dataset_load(folder, schema, &data, &err);
                assert_true(status == MRQ_OK || status == MRQ_BAD_FILE);
                assert_true((status == MRQ_OK) == (data != NULL));
                mrq_dataset_free(data);
            }
    }
}

/* Writes short lines over long ones and the other way round, as `cp` does over a file that is being read, until told to stop. */
struct overwriter {
    char path[4400];
    char *content[2];
    size_t size;
    atomic_bool stop;
};

static void *overwrite(void *argument)
{
    struct overwriter *o = argument;
    const int fd = open(o->path, O_WRONLY | O_CLOEXEC);
    for (int turn = 0; !atomic_load(&o->stop); turn ^= 1)
        if (pwrite(fd, o->content[turn], o->size, 0) != (ssize_t)o->size)
            break;
    close(fd);
    return NULL;
}

/* Fills a file with copies of a line. */
static void repeat(char *out, size_t size, const char *line)
{
    const size_t length = strlen(line);
    for (size_t i = 0; i + length <= size; i += length)
        memcpy(out + i, line, length);
}

/* A file of ratings that is changed under the reader may come to anything but harm: it may have more lines than were counted. */
static void test_changed_while_read(void **state)
{
    (void)state;
    enum { SIZE = 64 * 4096, SECONDS = 60 };
    mrq_error err;
    put_ml1m("");
    struct overwriter o = {.size = SIZE};
    snprintf(o.path, sizeof o.path, "%s/ratings.dat", folder);
    for (int i = 0; i < 2; i++)
        assert_non_null(o.content[i] = mrq_array(SIZE, 1));
    repeat(o.content[0], SIZE, "1::1::5::000000000000000000000000000000000000000000000000000001\n");
    repeat(o.content[1], SIZE, "2::2::3::000001\n1::1::5::000001\n");
    write_bytes(o.path, o.content[0], SIZE);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, overwrite, &o), 0);
    bool changed = false;
    const time_t end = time(NULL) + SECONDS;
    for (int n = 0; (n < 20 || !changed) && time(NULL) < end; n++) {
        mrq_dataset *data = NULL;
        err = (mrq_error){0};
        const mrq_status status = mrq_dataset_load(folder, NULL, &data, &err);
        assert_true(status == MRQ_OK || status == MRQ_BAD_FILE || status == MRQ_FAILED);
        if (status == MRQ_FAILED) {
            assert_string_equal(err.msg,
                                "ratings.dat was changed while it was read: want a new file renamed to it, not written over it");
            changed = true;
        }
        mrq_dataset_free(data);
    }
    atomic_store(&o.stop, true);
    pthread_join(thread, NULL);
    mrq_free(o.content[0]);
    mrq_free(o.content[1]);
    assert_true(changed);
}

enum { N = 1000, USERS = 10 };

/* A made-up set: user i % 10 rates at every step; times go down, each shared by four ratings. */
static mrq_dataset *made_up(uint32_t *user, int64_t *time, mrq_table *users)
{
    static mrq_dataset data;
    for (uint32_t i = 0; i < N; i++) {
        user[i] = i < 3 ? USERS : i % USERS; /* one more user has three */
        time[i] = 5000 - i / 4;
    }
    static int64_t user_id[USERS + 1], item_id[N];
    static uint32_t item[N];
    static mrq_table items = {.rows = N};
    for (uint32_t i = 0; i < N; i++) {
        item_id[i] = 3 * i;
        item[i] = i;
    }
    for (uint32_t i = 0; i <= USERS; i++)
        user_id[i] = 10 + i;
    static mrq_arena *arena; /* of the ids, in every test that asks */
    mrq_arena_free(arena);
    arena = mrq_arena_new();
    items.id = number_ids(arena, item_id, N);
    *users = (mrq_table){.rows = USERS + 1, .id = number_ids(arena, user_id, USERS + 1)};
    data = (mrq_dataset){.users = users, .items = &items, .n = N, .user = user, .item = item, .time = time};
    return &data;
}

/* The parts are ascending, disjoint and complete. */
static void check_parts(const mrq_split *split)
{
    int seen[N] = {0};
    const uint32_t *part[] = {split->train, split->valid, split->test};
    const uint64_t size[] = {split->n_train, split->n_valid, split->n_test};
    for (int p = 0; p < 3; p++)
        for (uint64_t i = 0; i < size[p]; i++) {
            assert_true(part[p][i] < N && (!i || part[p][i] > part[p][i - 1]));
            assert_int_equal(seen[part[p][i]]++, 0);
        }
    assert_int_equal(split->n_train + split->n_valid + split->n_test, N);
}

static bool same_test(const mrq_split *a, const mrq_split *b)
{
    return a->n_test == b->n_test && memcmp(a->test, b->test, a->n_test * sizeof *a->test) == 0;
}

static void test_split(void **state)
{
    (void)state;
    uint32_t user[N];
    int64_t time[N];
    mrq_table users;
    mrq_dataset *data = made_up(user, time, &users);
    mrq_error err;
    for (mrq_split_kind kind = MRQ_SPLIT_RANDOM; kind <= MRQ_SPLIT_HASH; kind++) {
        mrq_split a, same, valid, seed;
        assert_ok(mrq_split_make(data, kind, 0.1, 0, 1, &a, &err));
        assert_ok(mrq_split_make(data, kind, 0.1, 0, 1, &same, &err));
        assert_ok(mrq_split_make(data, kind, 0.1, 0.29, 1, &valid, &err));
        assert_ok(mrq_split_make(data, kind, 0.1, 0.29, 2, &seed, &err));
        check_parts(&a);
        check_parts(&valid);
        assert_int_equal(a.n_valid, 0);
        assert_true(same_test(&a, &same));
        assert_true(same_test(&a, &valid)); /* the test part does not depend on the validation share */
        assert_true(same_test(&a, &seed) == (kind == MRQ_SPLIT_TIME));
        assert_true(memcmp(valid.valid, seed.valid, valid.n_valid * sizeof *valid.valid) != 0 || kind == MRQ_SPLIT_TIME);
        if (kind == MRQ_SPLIT_RANDOM || kind == MRQ_SPLIT_TIME) {
            assert_int_equal(a.n_test, 100);
            assert_int_equal(valid.n_valid, 261); /* 0.29 of 900 */
        }
        mrq_split_clear(&a);
        mrq_split_clear(&a);
        mrq_split_clear(&same);
        mrq_split_clear(&valid);
        mrq_split_clear(&seed);
    }
}

static void test_split_by_user(void **state)
{
    (void)state;
    uint32_t user[N];
    int64_t time[N];
    mrq_table users;
    mrq_dataset *data = made_up(user, time, &users);
    mrq_error err;
    mrq_split split;
    assert_ok(mrq_split_make(data, MRQ_SPLIT_USER, 0.29, 0.5, 3, &split, &err));
    uint32_t in_test[USERS + 1] = {0}, in_valid[USERS + 1] = {0};
    for (uint64_t i = 0; i < split.n_test; i++)
        in_test[user[split.test[i]]]++;
    for (uint64_t i = 0; i < split.n_valid; i++)
        in_valid[user[split.valid[i]]]++;
    for (uint32_t u = 0; u < USERS; u++) {
        const uint32_t all = u < 3 ? 99 : 100, test = u < 3 ? 28 : 29; /* rounded down, but 0.29 * 100 is 29 */
        assert_int_equal(in_test[u], test);
        assert_int_equal(in_valid[u], (all - test) / 2);
    }
    assert_int_equal(in_test[USERS], 0);
    assert_int_equal(in_valid[USERS], 1);
    mrq_split_clear(&split);
}

static void test_split_by_time(void **state)
{
    (void)state;
    uint32_t user[N];
    int64_t time[N];
    mrq_table users;
    mrq_dataset *data = made_up(user, time, &users);
    mrq_error err;
    mrq_split split;
    assert_ok(mrq_split_make(data, MRQ_SPLIT_TIME, 0.006, 0, 3, &split, &err));
    /* The six latest are the first four and, of the next four of one time, the last two. */
    static const uint32_t want[] = {0, 1, 2, 3, 6, 7};
    assert_int_equal(split.n_test, 6);
    assert_memory_equal(split.test, want, sizeof want);
    mrq_split_clear(&split);
    assert_ok(mrq_split_make(data, MRQ_SPLIT_TIME, 0.1, 0.1, 3, &split, &err));
    int64_t first_test = INT64_MAX, first_valid = INT64_MAX, last_train = 0;
    for (uint64_t i = 0; i < split.n_test; i++)
        first_test = time[split.test[i]] < first_test ? time[split.test[i]] : first_test;
    for (uint64_t i = 0; i < split.n_valid; i++) {
        assert_true(time[split.valid[i]] <= first_test);
        first_valid = time[split.valid[i]] < first_valid ? time[split.valid[i]] : first_valid;
    }
    for (uint64_t i = 0; i < split.n_train; i++)
        last_train = time[split.train[i]] > last_train ? time[split.train[i]] : last_train;
    assert_true(last_train <= first_valid);
    mrq_split_clear(&split);
}

/* A rating's part, by its ids alone: 0 training, 1 validation, 2 test. */
static void note_parts(const mrq_dataset *data, uint64_t seed, double test, unsigned char part[2 * USERS][2 * N])
{
    mrq_split split;
    mrq_error err;
    assert_ok(mrq_split_make(data, MRQ_SPLIT_HASH, test, 0.2, seed, &split, &err));
    for (uint64_t i = 0; i < split.n_train + split.n_valid + split.n_test; i++) {
        const int which = i < split.n_train ? 0 : i < split.n_train + split.n_valid ? 1 : 2;
        const uint32_t rating = which == 0   ? split.train[i]
                                : which == 1 ? split.valid[i - split.n_train]
                                             : split.test[i - split.n_train - split.n_valid];
        part[id_number(data->users, data->user[rating])][id_number(data->items, data->item[rating])] = (unsigned char)which;
    }
    mrq_split_clear(&split);
}

/* All pairs of 20 users and 1000 items; then the same pairs in another order, among others, with other rows. */
static void test_split_by_hash(void **state)
{
    (void)state;
    enum { ALL = 2 * USERS * N };
    static unsigned char whole[2 * USERS][2 * N], part[2 * USERS][2 * N], seed[2 * USERS][2 * N], wider[2 * USERS][2 * N];
    static uint32_t user[ALL], item[ALL];
    static int64_t user_id[2 * USERS], item_id[N], half_id[N / 2];
    for (uint32_t i = 0; i < ALL; i++) {
        user[i] = i % (2 * USERS);
        item[i] = i / (2 * USERS);
    }
    for (uint32_t i = 0; i < N; i++)
        item_id[i] = i;
    for (uint32_t i = 0; i < N / 2; i++)
        half_id[i] = 2 * i;
    for (uint32_t i = 0; i < 2 * USERS; i++)
        user_id[i] = i;
    MRQ_CLEANUP(mrq_arena_free) mrq_arena *arena = mrq_arena_new();
    mrq_table users = {.rows = 2 * USERS, .id = number_ids(arena, user_id, 2 * USERS)},
              items = {.rows = N, .id = number_ids(arena, item_id, N)};
    mrq_dataset data = {.users = &users, .items = &items, .n = ALL, .user = user, .item = item};
    note_parts(&data, 1, 0.1, whole);
    note_parts(&data, 2, 0.1, seed);
    note_parts(&data, 1, 0.3, wider);
    uint32_t count[3] = {0}, by_user[2 * USERS] = {0}, same = 0;
    for (uint32_t u = 0; u < 2 * USERS; u++)
        for (uint32_t m = 0; m < N; m++) {
            count[whole[u][m]]++;
            by_user[u] += whole[u][m] == 2;
            same += whole[u][m] == 2 && seed[u][m] == 2;
            assert_true(whole[u][m] != 2 || wider[u][m] == 2); /* a larger share takes more, not others */
        }
    assert_in_range(count[2], 1830, 2170); /* 2000, four standard deviations about it */
    assert_in_range(count[1], 3370, 3830); /* 3600 */
    assert_in_range(same, 140, 260);       /* 200: another seed is another division */
    for (uint32_t u = 0; u < 2 * USERS; u++)
        assert_in_range(by_user[u], 60, 140);

    uint32_t kept = 0;
    for (uint32_t i = ALL; i-- > 0;)
        if (user[i] % 3 && item[i] % 2 == 0) { /* backwards, over the same arrays from behind */
            user[ALL - 1 - kept] = user[i];
            item[ALL - 1 - kept++] = item[i] / 2;
        }
    mrq_table fewer = {.rows = N / 2, .id = number_ids(arena, half_id, N / 2)};
    data = (mrq_dataset){.users = &users, .items = &fewer, .n = kept, .user = user + ALL - kept, .item = item + ALL - kept};
    memset(part, 9, sizeof part);
    note_parts(&data, 1, 0.1, part);
    uint32_t found = 0;
    for (uint32_t u = 0; u < 2 * USERS; u++)
        for (uint32_t m = 0; m < N; m++)
            if (part[u][m] != 9) {
                assert_int_equal(part[u][m], whole[u][m]);
                found++;
            }
    assert_int_equal(found, kept);
}

static void test_split_refuses(void **state)
{
    (void)state;
    uint32_t user[N];
    int64_t time[N];
    mrq_table users;
    mrq_dataset *data = made_up(user, time, &users);
    mrq_error err;
    mrq_split split = {0};
    assert_fails(mrq_split_make(data, MRQ_SPLIT_RANDOM, 1, 0, 1, &split, &err), MRQ_USAGE,
                 "test share 1, want 0 or more and less than 1");
    assert_fails(mrq_split_make(data, MRQ_SPLIT_RANDOM, -0.1, 0, 1, &split, &err), MRQ_USAGE, "test share -0.1");
    assert_fails(mrq_split_make(data, MRQ_SPLIT_RANDOM, 0, NAN, 1, &split, &err), MRQ_USAGE, "validation share");
    assert_fails(mrq_split_make(data, MRQ_SPLIT_RANDOM, 0.9999, 0, 1, &split, &err), MRQ_USAGE,
                 "leave none of 1000 ratings for training");
    data->time = NULL;
    assert_fails(mrq_split_make(data, MRQ_SPLIT_TIME, 0.1, 0, 1, &split, &err), MRQ_USAGE, "no timestamps");
    assert_null(split.train);
}

/* Each subset alike: over many seeds, each of ten ratings is set aside equally often (3 of 10, so 3000 of 10000; six sigma is 275).
 */
static void test_split_is_even(void **state)
{
    (void)state;
    uint32_t user[10] = {0}, count[10] = {0};
    mrq_table users = {.rows = 1};
    const mrq_dataset data = {.users = &users, .n = 10, .user = user};
    mrq_error err;
    for (uint64_t seed = 0; seed < 10000; seed++) {
        mrq_split split;
        assert_ok(mrq_split_make(&data, seed % 2 ? MRQ_SPLIT_RANDOM : MRQ_SPLIT_USER, 0.3, 0, seed, &split, &err));
        assert_int_equal(split.n_test, 3);
        for (int i = 0; i < 3; i++)
            count[split.test[i]]++;
        mrq_split_clear(&split);
    }
    for (int i = 0; i < 10; i++)
        assert_in_range(count[i], 2725, 3275);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_utf8),           cmocka_unit_test(test_words),
        cmocka_unit_test(test_schema_refuses), cmocka_unit_test(test_schema_load),
        cmocka_unit_test(test_columns),        cmocka_unit_test(a_number_is_found_where_it_stands),
        cmocka_unit_test(test_encodings),      cmocka_unit_test(test_table_refuses),
        cmocka_unit_test(test_ratings_refuse), cmocka_unit_test(test_recognise),
        cmocka_unit_test(test_damage),         cmocka_unit_test(test_changed_while_read),
        cmocka_unit_test(test_split),          cmocka_unit_test(test_split_by_user),
        cmocka_unit_test(test_split_by_time),  cmocka_unit_test(test_split_by_hash),
        cmocka_unit_test(test_split_refuses),  cmocka_unit_test(test_split_is_even),
    };
    snprintf(root, sizeof root, "%s", temporary_folder());
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    temporary_remove(root);
    return failed;
}
