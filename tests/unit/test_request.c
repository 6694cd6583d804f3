/* What a request may say, and what the service counts: query strings and batches, each default, each limit at its value and one
 * beyond; metrics as a whole. */
#include "unit/failing_memory.h"
#include "unit/testing.h"

#include "http/batch.h"
#include "http/metrics.h"
#include "http/params.h"

static mrq_error err;

#define ALL UINT32_MAX
static mrq_query asked; /* what the last parameters came to */

static mrq_status read_params(uint32_t asks, const char *text)
{
    static char copy[4 * MRQ_URL_MAX];
    snprintf(copy, sizeof copy, "%s", text);
    mrq_query_clear(&asked);
    return mrq_params_read(&asked, asks, copy, &err);
}

/* A query as a line: all that it holds, in the order of the table. */
static const char *query_text(const mrq_query *query)
{
    static char text[4096];
    int n = 0;
    *text = '\0';
    for (unsigned i = 0; i < MRQ_Q_FIELDS; i++) {
        mrq_query_value value;
        for (size_t at = mrq_query_begin(query, (mrq_field_index)i); mrq_query_next(query, (mrq_field_index)i, &at, &value);)
            n += snprintf(text + n, sizeof text - (size_t)n, "%s%s=%s", n ? " " : "", mrq_query_fields[i].name, value.text);
    }
    return text;
}

static void test_params(void **state)
{
    (void)state;
    assert_ok(read_params(ALL, ""));
    assert_int_equal(asked.size, 0);
    assert_ok(read_params(
        ALL, "age=25&gender=F&job=college%2Fgrad+student&user=9223372036854775807&k=1000&genre=Sci-Fi&genre=Children%27s"
             "&all_genres=true&year=1990-1999&exclude=1&exclude=2,3&include_seen=1&explain=true&liked=4,5&disliked=6"
             "&query=am%C3%A9lie%2B&country=DE&with=k=7&with=%C3%A9tat=caf%C3%A9"));
    assert_string_equal(query_text(&asked), "with=age=25 with=country=DE with=gender=F with=job=college/grad student with=k=7 "
                                            "with=\xc3\xa9tat=caf\xc3\xa9 user=9223372036854775807 liked=4 liked=5 disliked=6 "
                                            "k=1000 genre=Sci-Fi genre=Children's all_genres=1 year=1990-1999 exclude=1 "
                                            "exclude=2 exclude=3 include_seen=1 explain=10 query=am\xc3\xa9lie+");
    assert_ok(read_params(ALL, "explain=7&"));
    assert_string_equal(query_text(&asked), "explain=7");
    assert_ok(read_params(ALL, "explain=false&include_seen=false&age="));
    assert_string_equal(query_text(&asked), "with=age=");
}

static void test_params_wrong(void **state)
{
    static const struct {
        const char *text, *says;
    } wrong[] = {
        {"=1", "\"\" is neither a field of a query"},
        {"&k=1", ": without a value"},
        {"%zz=1", "query string: broken percent-encoding \"%zz\""},
        {"%6B=1&k=1", "k: given twice"},
        {"all_genres=0&all_genres=0", "all_genres: given twice"},
        {"country=DE&country=DE", "country: given twice"},
        {"country=DE&with=country=FR", "country: given twice"},
        {"with=age=12&age=13", "age: given twice"},
        {"with=age=12&with=age=12", "age: given twice"},
        {"a%3Db=1", "\"a=b\" is neither a field of a query"},
        {"with=age", "with \"age\": want NAME=VALUE"},
        {"k", "k: without a value, want k=..."},
        {"k=1&k=1", "k: given twice"},
        {"age=1&age=1", "age: given twice"},
        {"k=", "k \"\": want a whole number from 1 to 1000"},
        {"k=0", "k \"0\": want a whole number from 1 to 1000"},
        {"k=-1", "k \"-1\""},
        {"k=1001", "k \"1001\""},
        {"k=1.5", "k \"1.5\""},
        {"k=1e2", "k \"1e2\""},
        {"k=+5", "k \" 5\""},
        {"k=5%00", "k: \"%00\" is not allowed"},
        {"k=99999999999999999999", "k \"99999999999999999999\""},
        {"user=", "user \"\""},
        {"user=a%0Ab", "user \"a?b\""},
        {"age=%", "age: broken percent-encoding \"%\""},
        {"age=%2", "age: broken percent-encoding \"%2\""},
        {"age=%zz", "age: broken percent-encoding \"%zz\""},
        {"age=%2g", "age: broken percent-encoding \"%2g\""},
        {"age=%c3%28", "age: byte 1 is not UTF-8"},
        {"age=ab%ff", "age: byte 3 is not UTF-8"},
        {"age=\xff", "age: byte 1 is not UTF-8"},
        {"age=%ed%a0%80", "age: byte 1 is not UTF-8"},
        {"liked=", "liked \"\": want an id"},
        {"liked=1,", "liked \"\": want an id"},
        {"liked=1,,2", "liked \"\": want an id"},
        {"disliked=a%7F", "disliked \"a?\": want an id"},
        {"all_genres=yes", "all_genres \"yes\": want true or false"},
        {"include_seen=TRUE", "include_seen \"TRUE\": want true or false"},
        {"explain=1001", "explain \"1001\": want true, false, or how many parts, 1 to 1000"},
        {"explain=-1", "explain \"-1\""},
        {"year=199x", "year \"199x\""},
        {"year=2000-1990", "year \"2000-1990\""},
    };
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_fails(read_params(ALL, wrong[i].text), MRQ_USAGE, wrong[i].says);
    assert_fails(read_params(0, "k=1"), MRQ_USAGE, "unknown parameter \"k\": want no parameters");
    assert_fails(read_params(MRQ_ASKS(MRQ_ASK_USER), "age=1"), MRQ_USAGE, "unknown parameter \"age\": want user, k");
    assert_fails(read_params(MRQ_ASKS(MRQ_ASK_SEARCH), "foo=1"), MRQ_USAGE,
                 "unknown parameter \"foo\": want k, offset, genre, all_genres, year, where, exclude, show, order, query");

    static char many[4 * MRQ_URL_MAX];
    size_t n = (size_t)sprintf(many, "exclude=1");
    for (int i = 0; i < MRQ_EXCLUDE_MAX; i++)
        n += (size_t)sprintf(many + n, ",1");
    assert_fails(read_params(ALL, many), MRQ_USAGE, "exclude: more than 1000 values");
    n = 0;
    for (int i = 0; i <= MRQ_GENRES_MAX; i++)
        n += (size_t)sprintf(many + n, "genre=A&");
    assert_fails(read_params(ALL, many), MRQ_USAGE, "genre: more than 64");
    memset(many, 'a', sizeof many - 1);
    memcpy(many, "query=", 6);
    assert_fails(read_params(ALL, many), MRQ_USAGE, "query: 32761 bytes, want at most 8192");
    memset(many, '1', sizeof many - 1);
    for (size_t i = 7; i < sizeof many - 1; i += 2)
        many[i] = ',';
    memcpy(many, "liked=", 6);
    many[6 + 2 * MRQ_URL_MAX / 2 - 1] = '\0';
    assert_ok(read_params(ALL, many)); /* as many as a URL can hold */
    assert_int_equal(asked.n[MRQ_Q_LIKED], MRQ_URL_MAX / 2);
}

/* An id of a path at each limit and one beyond. */
static void an_id_of_a_path_is_a_text(void **state)
{
    static const struct {
        const char *text, *want;
    } good[] = {
        {"1", "1"},           {"%31", "1"},           {"a%2Fb", "a/b"},         {"a%2fb", "a/b"}, {"a+b", "a+b"},
        {"a%20b%2C", "a b,"}, {"%c3%a9", "\xc3\xa9"}, {"\xc3\xa9", "\xc3\xa9"}, {"%2531", "%31"}, {"%C2%A0", "\xc2\xa0"},
    };
    static const struct {
        const char *text, *says;
    } wrong[] = {
        {"%", "id: broken percent-encoding \"%\", want % and two hexadecimal digits"},
        {"a%2", "id: broken percent-encoding \"%2\", want % and two hexadecimal digits"},
        {"%zz", "id: broken percent-encoding \"%zz\", want % and two hexadecimal digits"},
        {"%00", "id: \"%00\" is not allowed in a text"},
        {"a%ff", "id: byte 2 is not UTF-8"},
        {"\xff", "id: byte 1 is not UTF-8"},
        {"a%1fb", "id \"a?b\": contains a control character"},
        {"%7F", "id \"?\": contains a control character"},
        {"%c2%9f", "id \"??\": contains a control character"},
    };
    char id[MRQ_ID_BYTES + 1], text[4 * MRQ_ID_BYTES] = "";
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        snprintf(text, sizeof text, "%s/similar", good[i].text);
        assert_ok(mrq_params_read_id(text, strlen(good[i].text), id, &err));
        assert_string_equal(id, good[i].want);
    }
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_fails(mrq_params_read_id(wrong[i].text, strlen(wrong[i].text), id, &err), MRQ_USAGE, wrong[i].says);
        assert_string_equal(err.msg, wrong[i].says);
    }
    memset(text, 'x', sizeof text);
    assert_ok(mrq_params_read_id(text, MRQ_ID_BYTES, id, &err));
    assert_int_equal(strlen(id), MRQ_ID_BYTES);
    static const size_t lengthy[] = {MRQ_ID_BYTES + 1, 3 * MRQ_ID_BYTES, 3 * MRQ_ID_BYTES + 1, sizeof text};
    for (size_t i = 0; i < sizeof lengthy / sizeof *lengthy; i++)
        assert_fails(mrq_params_read_id(text, lengthy[i], id, &err), MRQ_USAGE, "id: more than 255 bytes");
    for (size_t i = 0; i + 3 <= sizeof text; i += 3)
        memcpy(text + i, "%41", 3);
    assert_ok(mrq_params_read_id(text, 3 * MRQ_ID_BYTES, id, &err));
    assert_true(strlen(id) == MRQ_ID_BYTES && strspn(id, "A") == MRQ_ID_BYTES);
    assert_fails(mrq_params_read_id(text, 3 * MRQ_ID_BYTES + 3, id, &err), MRQ_USAGE, "id: more than 255 bytes");
}

static mrq_status read_batch(const char *body, mrq_batch *batch)
{
    return mrq_batch_read(body, strlen(body), batch, &err);
}

static void test_batch(void **state)
{
    mrq_batch batch = {0};
    (void)state;
    assert_ok(read_batch("{\"queries\":[]}", &batch));
    assert_int_equal(batch.n, 0);
    mrq_batch_clear(&batch);
    assert_ok(read_batch("{\"queries\":[{\"age\":25,\"gender\":\"F\",\"job\":12,\"k\":3,\"liked\":[1,2],\"disliked\":[],\"genre\":"
                         "[\"Drama\",\"War\"],\"all_genres\":true,\"year\":1994,\"exclude\":[7],\"include_seen\":true,\"explain\":"
                         "true},{\"user\":4,\"k\":null,\"genre\":\"Drama\",\"year\":\"1990-\",\"explain\":3,\"age\":25.5}]}",
                         &batch));
    assert_int_equal(batch.n, 2);
    assert_true(batch.problem[0].status == MRQ_OK && batch.problem[1].status == MRQ_OK);
    assert_string_equal(query_text(&batch.query[0]), "with=age=25 with=gender=F with=job=12 liked=1 liked=2 k=3 genre=Drama "
                                                     "genre=War all_genres=1 year=1994 exclude=7 include_seen=1 explain=10");
    assert_string_equal(query_text(&batch.query[1]), "with=age=25.5 user=4 genre=Drama year=1990- explain=3");
    mrq_batch_clear(&batch);
    mrq_batch_clear(&batch);
}

/* A query's own problem, which leaves the others alone. */
static void test_batch_problems(void **state)
{
    static const struct {
        const char *query, *says;
    } wrong[] = {
        {"7", "query: 7, want an object"},
        {"{\"\":1}", "\"\" is neither a field of a query"},
        {"{\"item\":\"13\"}", ""}, /* until it is asked */
        {"{\"k\":1,\"k\":1}", "k: given twice"},
        {"{\"k\":0}", "k \"0\": want a whole number from 1 to 1000"},
        {"{\"k\":\"5\"}", "k: \"5\", want a whole number"},
        {"{\"k\":1.5}", "k \"1.5\": want a whole number"},
        {"{\"user\":-1}", "user: -1, want the id of a user"},
        {"{\"user\":1e300}", "user: 1e+300, want the id of a user"},
        {"{\"age\":[1]}", "age: [1], want a text or a number"},
        {"{\"age\":true}", "age: true, want a text or a number"},
        {"{\"liked\":1}", ""},
        {"{\"liked\":{}}", "liked: {}, want ids of items"},
        {"{\"liked\":[1,\"2\"]}", ""},
        {"{\"liked\":[true]}", "liked: true, want ids of items"},
        {"{\"liked\":[9007199254740994]}", "want ids of items"}, /* beyond 2^53 a number of JSON may mean its neighbour */
        {"{\"liked\":[\"9007199254740993\"],\"user\":\"9223372036854775807\"}", ""},
        {"{\"disliked\":[1e300]}", "want ids of items"},
        {"{\"exclude\":[9007199254740991,9007199254740992]}", "want ids of items"},
        {"{\"liked\":[9007199254740991]}", ""},
        {"{\"disliked\":[-1]}", "disliked: -1, want ids of items"},
        {"{\"exclude\":[1.5]}", "exclude: 1.5, want ids of items"},
        {"{\"genre\":1}", "genre: 1, want a text"},
        {"{\"genre\":[1]}", "genre: 1, want a text"},
        {"{\"year\":\"x\"}", "year \"x\""},
        {"{\"year\":-5}", "year: -5, want a year or years"},
        {"{\"year\":\"-5\"}", ""}, /* until the year 5 */
        {"{\"explain\":1001}", "explain \"1001\": want true, false, or how many parts, 1 to 1000"},
        {"{\"explain\":\"true\"}", "explain: \"true\", want true, false or how many"},
        {"{\"include_seen\":1}", "include_seen: 1, want true or false"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        char body[300];
        mrq_batch batch = {0};
        snprintf(body, sizeof body, "{\"queries\":[{\"user\":1},%s,{\"user\":2}]}", wrong[i].query);
        assert_ok(read_batch(body, &batch));
        assert_true(batch.n == 3 && batch.problem[0].status == MRQ_OK && strcmp(query_text(&batch.query[2]), "user=2") == 0);
        assert_int_equal(batch.problem[1].status, *wrong[i].says ? MRQ_USAGE : MRQ_OK);
        if (!strstr(batch.problem[1].msg, wrong[i].says))
            fail_msg("%s: \"%s\", want \"%s\"", wrong[i].query, batch.problem[1].msg, wrong[i].says);
        mrq_batch_clear(&batch);
    }
}

static void test_batch_wrong(void **state)
{
    static char body[MRQ_BODY_MAX];
    mrq_batch batch = {0};
    (void)state;
    assert_fails(read_batch("", &batch), MRQ_USAGE, "body:1: not valid JSON");
    assert_fails(read_batch("[]", &batch), MRQ_USAGE, "body: want a JSON object");
    assert_fails(read_batch("{}", &batch), MRQ_USAGE, "body: queries: missing");
    assert_fails(read_batch("{\"queries\":{}}", &batch), MRQ_USAGE, "body: queries: {}, want an array");
    assert_fails(read_batch("{\"queries\":[],\"more\":1}", &batch), MRQ_USAGE, "body: more: unknown key");
    assert_fails(read_batch("{\"queries\":[\n}", &batch), MRQ_USAGE, "body:2: not valid JSON");
    assert_fails(read_batch("{\"queries\":[{\"genre\":\"\xff\"}]}", &batch), MRQ_USAGE, "body: byte 23 is not UTF-8");
    assert_fails(mrq_batch_read("{\"queries\":[]}\0", 15, &batch, &err), MRQ_USAGE, "not valid JSON");

    size_t n = (size_t)sprintf(body, "{\"queries\":[{}");
    for (int i = 0; i < MRQ_BATCH_QUERIES; i++)
        n += (size_t)sprintf(body + n, ",{}");
    strcpy(body + n, "]}");
    assert_fails(read_batch(body, &batch), MRQ_USAGE, "queries: 1001 of them, want at most 1000");
    n = 0;
    for (int i = 0; i < 101; i++)
        n += (size_t)sprintf(body + n, "%s{\"k\":1000}", i ? "," : "{\"queries\":[");
    strcpy(body + n, "]}");
    assert_fails(read_batch(body, &batch), MRQ_USAGE, "queries: 101000 items and parts of scores in all, want at most 100000");
    assert_fails(read_batch("{\"queries\":[{\"k\":1000,\"explain\":100}]}", &batch), MRQ_USAGE, "queries: 101000 items and parts");
    n = 0;
    for (int i = 0; i <= MRQ_BATCH_EXPLAINED; i++)
        n += (size_t)sprintf(body + n, "%s{\"k\":1,\"explain\":1}", i ? "," : "{\"queries\":[{},");
    strcpy(body + n, "]}");
    assert_fails(read_batch(body, &batch), MRQ_USAGE, "queries: 101 of them with explain, want at most 100; ask in smaller");

    for (int deep = 500; deep <= 100000; deep *= 200) { /* lists in lists: a problem of the query, or of the body */
        n = (size_t)sprintf(body, "{\"queries\":[{\"age\":");
        memset(body + n, '[', (size_t)deep);
        memset(body + n + deep, ']', (size_t)deep);
        strcpy(body + n + 2 * deep, "}]}");
        const mrq_status status = read_batch(body, &batch);
        assert_true(status == MRQ_USAGE || (status == MRQ_OK && batch.problem[0].status == MRQ_USAGE));
        mrq_batch_clear(&batch);
    }
}

/* Each parameter alone changes what it is about and nothing else; the same of a member of a batch. */
static void a_query_is_read_whole(void **state)
{
    (void)state;
    static const struct {
        const char *parameter, *member, *text; /* NULL: cannot be said so */
    } cases[] = {
        {"", "", ""},
        {"age=1", "\"age\":1", "with=age=1"},
        {"gender=F", "\"gender\":\"F\"", "with=gender=F"},
        {"job=a+b", "\"job\":\"a b\"", "with=job=a b"},
        {"job=%41%5a%61%7A%30%39%2b%c3%A9", "\"job\":\"AZaz09+\xc3\xa9\"", "with=job=AZaz09+\xc3\xa9"},
        {"user=0", "\"user\":0", "user=0"},
        {"user=9007199254740991", "\"user\":9007199254740991", "user=9007199254740991"},
        {"k=1", "\"k\":1", "k=1"},
        {"k=1000", "\"k\":1000", "k=1000"},
        {"explain=true", "\"explain\":true", "explain=10"},
        {"explain=false", "\"explain\":false", ""},
        {"explain=0", "\"explain\":0", ""},
        {"explain=1", "\"explain\":1", "explain=1"},
        {"explain=1000", "\"explain\":1000", "explain=1000"},
        {"liked=0,9007199254740991", "\"liked\":[0,9007199254740991]", "liked=0 liked=9007199254740991"},
        {"disliked=3&disliked=1", "\"disliked\":[3,1]", "disliked=3 disliked=1"},
        {"genre=a&genre=b", "\"genre\":[\"a\",\"b\"]", "genre=a genre=b"},
        {"genre=a", "\"genre\":\"a\"", "genre=a"},
        {"all_genres=1", "\"all_genres\":true", "all_genres=1"},
        {"all_genres=0", "\"all_genres\":false", ""},
        {"year=1990-1999", "\"year\":\"1990-1999\"", "year=1990-1999"},
        {"year=1990", "\"year\":1990", "year=1990"},
        {"exclude=7,7", "\"exclude\":[7,7]", "exclude=7 exclude=7"},
        {"include_seen=true", "\"include_seen\":true", "include_seen=1"},
        {"liked=9223372036854775808,a-1", "\"liked\":[\"9223372036854775808\",\"a-1\"]", "liked=9223372036854775808 liked=a-1"},
        {"user=x+y", "\"user\":\"x y\"", "user=x y"},
        {"user=9223372036854775808", "\"user\":\"9223372036854775808\"", "user=9223372036854775808"},
        {"age=1&gender=2&job=3", "\"age\":1,\"gender\":2,\"job\":3,\"k\":null", "with=age=1 with=gender=2 with=job=3"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        static char body[400];
        mrq_batch batch = {0};
        assert_ok(read_params(ALL, cases[i].parameter));
        assert_string_equal(query_text(&asked), cases[i].text);
        if (!cases[i].member)
            continue;
        snprintf(body, sizeof body, "{\"queries\":[{%s}]}", cases[i].member);
        assert_ok(read_batch(body, &batch));
        assert_int_equal(batch.problem[0].status, MRQ_OK);
        assert_string_equal(query_text(&batch.query[0]), cases[i].text);
        mrq_batch_clear(&batch);
    }
}

/* `n` times a piece, with what stands before the first, between them and behind the last. */
static const char *many(const char *before, const char *piece, size_t n, const char *between, const char *behind)
{
    static char text[1 << 20];
    char *end = stpcpy(text, before);
    for (size_t i = 0; i < n; i++) {
        assert_true((size_t)(end - text) + 100 < sizeof text);
        end = stpcpy(stpcpy(end, i ? between : ""), piece);
    }
    strcpy(end, behind);
    return text;
}

static void what_may_be_many_has_a_limit(void **state)
{
    (void)state;
    mrq_batch batch = {0};
    assert_ok(read_params(ALL, many("exclude=", "1", MRQ_EXCLUDE_MAX, ",", "")));
    assert_int_equal(asked.n[MRQ_Q_EXCLUDE], MRQ_EXCLUDE_MAX);
    assert_fails(read_params(ALL, many("exclude=", "1", MRQ_EXCLUDE_MAX + 1, ",", "")), MRQ_USAGE,
                 "exclude: more than 1000 values");
    assert_ok(read_params(ALL, many("", "genre=a", 64, "&", "")));
    assert_int_equal(asked.n[MRQ_Q_GENRE], 64);
    assert_fails(read_params(ALL, many("", "genre=a", 65, "&", "")), MRQ_USAGE, "genre: more than 64 values");
    assert_ok(read_params(ALL, many("disliked=", "1", MRQ_URL_MAX / 2, ",", "")));
    assert_ok(read_params(ALL, many("query=", "x", 8192, "", "")));
    assert_int_equal(strlen(mrq_query_text(&asked, MRQ_Q_TEXT)), 8192);
    assert_fails(read_params(ALL, many("query=", "x", 8193, "", "")), MRQ_USAGE, "query: 8193 bytes, want at most 8192");
    assert_ok(read_params(ALL, many("liked=", "1", 255, "", "")));
    assert_fails(read_params(ALL, many("liked=", "1", 256, "", "")), MRQ_USAGE,
                 "liked \"1111111111111111111111111111111111111111\": want an id");
    assert_ok(read_params(ALL, many("user=", "1", 255, "", "")));
    assert_fails(read_params(ALL, many("user=", "1", 256, "", "")), MRQ_USAGE, "user \"1111111111111111111111111111111111111111\"");

    static const struct {
        const char *before, *piece, *behind, *says;
        size_t most;
    } cases[] = {
        {"{\"queries\":[{\"liked\":[", "1", "]}]}", "liked: more than 10000 values", MRQ_FEEDBACK_MAX},
        {"{\"queries\":[{\"disliked\":[", "1", "]}]}", "disliked: more than 10000 values", MRQ_FEEDBACK_MAX},
        {"{\"queries\":[{\"exclude\":[", "1", "]}]}", "exclude: more than 1000 values", MRQ_EXCLUDE_MAX},
        {"{\"queries\":[{\"genre\":[", "\"a\"", "]}]}", "genre: more than 64 values", 64},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_ok(read_batch(many(cases[i].before, cases[i].piece, cases[i].most, ",", cases[i].behind), &batch));
        assert_int_equal(batch.problem[0].status, MRQ_OK);
        mrq_batch_clear(&batch);
        assert_ok(read_batch(many(cases[i].before, cases[i].piece, cases[i].most + 1, ",", cases[i].behind), &batch));
        assert_int_equal(batch.problem[0].status, MRQ_USAGE);
        assert_string_equal(batch.problem[0].msg, cases[i].says);
        mrq_batch_clear(&batch);
    }
    static const struct {
        const char *piece, *says;
        size_t most;
    } whole[] = {
        {"{}", "queries: 1001 of them, want at most 1000", 1000},
        {"{\"k\":1000}", "queries: 101000 items and parts of scores in all, want at most 100000; ask in smaller batches", 100},
        {"{\"k\":1,\"explain\":1}", "queries: 101 of them with explain, want at most 100; ask in smaller batches", 100},
        {"{\"k\":10,\"explain\":99}", "queries: 101 of them with explain, want at most 100; ask in smaller batches", 100},
        {"{\"k\":1000,\"explain\":99}",
         "queries: 200000 items and parts of scores in all, want at most 100000; ask in smaller batches", 1},
    };
    for (size_t i = 0; i < sizeof whole / sizeof *whole; i++) {
        assert_ok(read_batch(many("{\"queries\":[", whole[i].piece, whole[i].most, ",", "]}"), &batch));
        assert_int_equal(batch.n, whole[i].most);
        mrq_batch_clear(&batch);
        assert_int_equal(read_batch(many("{\"queries\":[", whole[i].piece, whole[i].most + 1, ",", "]}"), &batch), MRQ_USAGE);
        assert_string_equal(err.msg, whole[i].says);
    }
}

/* What is wrong with one member is told as it was given. */
static void a_members_problem_is_told_whole(void **state)
{
    (void)state;
    static const struct {
        const char *query, *says;
    } cases[] = {
        {"{\"user\":9007199254740992}", "user: 9.00719925474099e+15, want the id of a user"},
        {"{\"user\":-1}", "user: -1, want the id of a user"},
        {"{\"k\":0}", "k \"0\": want a whole number from 1 to 1000"},
        {"{\"k\":1001}", "k \"1001\": want a whole number from 1 to 1000"},
        {"{\"explain\":-1}", "explain \"-1\": want true, false, or how many parts, 1 to 1000"},
        {"{\"explain\":1001}", "explain \"1001\": want true, false, or how many parts, 1 to 1000"},
        {"{\"liked\":[-1]}", "liked: -1, want ids of items"},
        {"{\"liked\":[0.5]}", "liked: 0.5, want ids of items"},
        {"{\"liked\":{}}", "liked: {}, want ids of items"},
        {"{\"genre\":[\"a\",1]}", "genre: 1, want a text"},
        {"{\"genre\":{}}", "genre: {}, want a text"},
        {"{\"age\":{}}", "age: {}, want a text or a number"},
        {"null", "query: null, want an object"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char body[200];
        mrq_batch batch = {0};
        snprintf(body, sizeof body, "{\"queries\":[%s,{\"k\":2}]}", cases[i].query);
        assert_ok(read_batch(body, &batch));
        assert_int_equal(batch.problem[0].status, MRQ_USAGE);
        assert_string_equal(batch.problem[0].msg, cases[i].says);
        assert_true(batch.problem[1].status == MRQ_OK && strcmp(query_text(&batch.query[1]), "k=2") == 0);
        mrq_batch_clear(&batch);
    }
}

/* Memory runs out at the n-th allocation, for every n: of the body it is a failure, of a query its problem; nothing leaks. */
static void a_batch_survives_without_memory(void **state)
{
    (void)state;
    static const char body[] = "{\"queries\":[{\"age\":1,\"job\":\"x\",\"liked\":[1],\"disliked\":[2],\"exclude\":[3],"
                               "\"genre\":[\"a\",\"b\"],\"year\":1990},{\"genre\":\"c\"}]}";
    for (int alone = 0; alone < 2; alone++) {
        int n = 0, whole = 0, parts = 0;
        one_fails_alone = alone;
        for (bool done = false; !done; n++) {
            mrq_batch batch = {0};
            err = (mrq_error){0};
            allocations_left = n;
            const mrq_status status = mrq_batch_read(body, sizeof body - 1, &batch, &err);
            done = allocations_left >= 0;
            allocations_left = INT_MAX;
            if (status != MRQ_OK) {
                assert_int_equal(status, MRQ_FAILED);
                assert_non_null(strstr(err.msg, "out of memory"));
                whole++;
            }
            for (uint32_t i = 0; status == MRQ_OK && i < batch.n; i++)
                if (batch.problem[i].status != MRQ_OK) {
                    assert_int_equal(batch.problem[i].status, MRQ_FAILED);
                    assert_non_null(strstr(batch.problem[i].msg, "out of memory"));
                    parts++;
                }
            mrq_batch_clear(&batch);
        }
        assert_in_range(whole, 5, n); /* of JSON's and the batch's own */
        assert_in_range(parts, 1, n);
    }
    one_fails_alone = false;
}

/* The whole text, of made-up numbers that all differ. */
static void metrics_are_told_whole(void **state)
{
    static mrq_metrics metrics;
    static const char *const labels[] = {"/a", "POST /b", "idle", "none"};
    mrq_stats stats = {.memory_hits = 5,
                       .redis_hits = 6,
                       .computed = 7,
                       .shared = 8,
                       .redis_errors = 9,
                       .memory_entries = 10,
                       .memory_bytes = 11,
                       .memory_evicted = 12,
                       .created = 1700000000,
                       .items = 400,
                       .users = 30,
                       .index_bytes = 13,
                       .reloads = 14,
                       .reloads_refused = 15};
    char *text;
    size_t size;
    (void)state;
    strcpy(stats.generation, "G");
    metrics.started = 1600000000.25;
    metrics.connections = 17;
    static const double bounds[] = {25e-6, 50e-6, 1e-4, 2e-4, 5e-4, 1e-3, 2e-3, 5e-3, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2};
    for (size_t i = 0; i < sizeof bounds / sizeof *bounds; i++)
        for (size_t times = 0; times <= i; times++)
            mrq_metrics_count(&metrics, 0, 200, bounds[i]);
    mrq_metrics_count(&metrics, 0, 200, 2.5);
    static const unsigned codes[] = {200, 204, 400, 401, 404, 405, 413, 414, 415, 421, 500, 503, 418};
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
        for (size_t times = 0; times <= i; times++)
            mrq_metrics_count(&metrics, 1, codes[i], 0);
    mrq_metrics_count(&metrics, 3, 404, 3);
    assert_int_equal(mrq_metrics_requests(&metrics), 136 + 1 + 91 + 1);
    assert_ok(mrq_metrics_text(&metrics, labels, 4, &stats, &text, &size, &err));
    assert_int_equal(strlen(text), size);
    static const char want[] = "# HELP marquee_requests_total Requests answered, by route and status.\n"
                               "# TYPE marquee_requests_total counter\n"
                               "marquee_requests_total{route=\"/a\",code=\"200\"} 137\n"
                               "marquee_requests_total{route=\"POST /b\",code=\"200\"} 1\n"
                               "marquee_requests_total{route=\"POST /b\",code=\"204\"} 2\n"
                               "marquee_requests_total{route=\"POST /b\",code=\"400\"} 3\n"
                               "marquee_requests_total{route=\"POST /b\",code=\"401\"} 4\n"
                               "marquee_requests_total{route=\"POST /b\",code=\"404\"} 5\n"
                               "marquee_requests_total{route=\"POST /b\",code=\"405\"} 6\n"
                               "marquee_requests_total{route=\"POST /b\",code=\"413\"} 7\n"
                               "marquee_requests_total{route=\"POST /b\",code=\"414\"} 8\n"
                               "marquee_requests_total{route=\"POST /b\",code=\"415\"} 9\n"
                               "marquee_requests_total{route=\"POST /b\",code=\"421\"} 10\n"
                               "marquee_requests_total{route=\"POST /b\",code=\"500\"} 11\n"
                               "marquee_requests_total{route=\"POST /b\",code=\"503\"} 12\n"
                               "marquee_requests_total{route=\"POST /b\",code=\"other\"} 13\n"
                               "marquee_requests_total{route=\"none\",code=\"404\"} 1\n"
                               "# HELP marquee_request_seconds Time from a whole request to its finished answer.\n"
                               "# TYPE marquee_request_seconds histogram\n"
                               "marquee_request_seconds_bucket{route=\"/a\",le=\"2.5e-05\"} 1\n"
                               "marquee_request_seconds_bucket{route=\"/a\",le=\"5e-05\"} 3\n"
                               "marquee_request_seconds_bucket{route=\"/a\",le=\"0.0001\"} 6\n"
                               "marquee_request_seconds_bucket{route=\"/a\",le=\"0.0002\"} 10\n"
                               "marquee_request_seconds_bucket{route=\"/a\",le=\"0.0005\"} 15\n"
                               "marquee_request_seconds_bucket{route=\"/a\",le=\"0.001\"} 21\n"
                               "marquee_request_seconds_bucket{route=\"/a\",le=\"0.002\"} 28\n"
                               "marquee_request_seconds_bucket{route=\"/a\",le=\"0.005\"} 36\n"
                               "marquee_request_seconds_bucket{route=\"/a\",le=\"0.01\"} 45\n"
                               "marquee_request_seconds_bucket{route=\"/a\",le=\"0.02\"} 55\n"
                               "marquee_request_seconds_bucket{route=\"/a\",le=\"0.05\"} 66\n"
                               "marquee_request_seconds_bucket{route=\"/a\",le=\"0.1\"} 78\n"
                               "marquee_request_seconds_bucket{route=\"/a\",le=\"0.2\"} 91\n"
                               "marquee_request_seconds_bucket{route=\"/a\",le=\"0.5\"} 105\n"
                               "marquee_request_seconds_bucket{route=\"/a\",le=\"1\"} 120\n"
                               "marquee_request_seconds_bucket{route=\"/a\",le=\"2\"} 136\n"
                               "marquee_request_seconds_bucket{route=\"/a\",le=\"+Inf\"} 137\n"
                               "marquee_request_seconds_sum{route=\"/a\"} 61.203725000\n"
                               "marquee_request_seconds_count{route=\"/a\"} 137\n";
    static const char next[] = "marquee_request_seconds_bucket{route=\"POST /b\",le=\"2.5e-05\"} 91\n"
                               "marquee_request_seconds_bucket{route=\"POST /b\",le=\"5e-05\"} 91\n"
                               "marquee_request_seconds_bucket{route=\"POST /b\",le=\"0.0001\"} 91\n"
                               "marquee_request_seconds_bucket{route=\"POST /b\",le=\"0.0002\"} 91\n"
                               "marquee_request_seconds_bucket{route=\"POST /b\",le=\"0.0005\"} 91\n"
                               "marquee_request_seconds_bucket{route=\"POST /b\",le=\"0.001\"} 91\n"
                               "marquee_request_seconds_bucket{route=\"POST /b\",le=\"0.002\"} 91\n"
                               "marquee_request_seconds_bucket{route=\"POST /b\",le=\"0.005\"} 91\n"
                               "marquee_request_seconds_bucket{route=\"POST /b\",le=\"0.01\"} 91\n"
                               "marquee_request_seconds_bucket{route=\"POST /b\",le=\"0.02\"} 91\n"
                               "marquee_request_seconds_bucket{route=\"POST /b\",le=\"0.05\"} 91\n"
                               "marquee_request_seconds_bucket{route=\"POST /b\",le=\"0.1\"} 91\n"
                               "marquee_request_seconds_bucket{route=\"POST /b\",le=\"0.2\"} 91\n"
                               "marquee_request_seconds_bucket{route=\"POST /b\",le=\"0.5\"} 91\n"
                               "marquee_request_seconds_bucket{route=\"POST /b\",le=\"1\"} 91\n"
                               "marquee_request_seconds_bucket{route=\"POST /b\",le=\"2\"} 91\n"
                               "marquee_request_seconds_bucket{route=\"POST /b\",le=\"+Inf\"} 91\n"
                               "marquee_request_seconds_sum{route=\"POST /b\"} 0.000000000\n"
                               "marquee_request_seconds_count{route=\"POST /b\"} 91\n"
                               "marquee_request_seconds_bucket{route=\"none\",le=\"2.5e-05\"} 0\n"
                               "marquee_request_seconds_bucket{route=\"none\",le=\"5e-05\"} 0\n"
                               "marquee_request_seconds_bucket{route=\"none\",le=\"0.0001\"} 0\n"
                               "marquee_request_seconds_bucket{route=\"none\",le=\"0.0002\"} 0\n"
                               "marquee_request_seconds_bucket{route=\"none\",le=\"0.0005\"} 0\n"
                               "marquee_request_seconds_bucket{route=\"none\",le=\"0.001\"} 0\n"
                               "marquee_request_seconds_bucket{route=\"none\",le=\"0.002\"} 0\n"
                               "marquee_request_seconds_bucket{route=\"none\",le=\"0.005\"} 0\n"
                               "marquee_request_seconds_bucket{route=\"none\",le=\"0.01\"} 0\n"
                               "marquee_request_seconds_bucket{route=\"none\",le=\"0.02\"} 0\n"
                               "marquee_request_seconds_bucket{route=\"none\",le=\"0.05\"} 0\n"
                               "marquee_request_seconds_bucket{route=\"none\",le=\"0.1\"} 0\n"
                               "marquee_request_seconds_bucket{route=\"none\",le=\"0.2\"} 0\n"
                               "marquee_request_seconds_bucket{route=\"none\",le=\"0.5\"} 0\n"
                               "marquee_request_seconds_bucket{route=\"none\",le=\"1\"} 0\n"
                               "marquee_request_seconds_bucket{route=\"none\",le=\"2\"} 0\n"
                               "marquee_request_seconds_bucket{route=\"none\",le=\"+Inf\"} 1\n"
                               "marquee_request_seconds_sum{route=\"none\"} 3.000000000\n"
                               "marquee_request_seconds_count{route=\"none\"} 1\n";
    static const char rest[] =
        "# HELP marquee_answers_total Answers of the recommender, by where they came from.\n"
        "# TYPE marquee_answers_total counter\n"
        "marquee_answers_total{source=\"memory\"} 5\n"
        "marquee_answers_total{source=\"redis\"} 6\n"
        "marquee_answers_total{source=\"computed\"} 7\n"
        "# HELP marquee_answers_shared_total Answers from memory that waited until another request had computed them.\n"
        "# TYPE marquee_answers_shared_total counter\n"
        "marquee_answers_shared_total 8\n"
        "# HELP marquee_redis_errors_total Operations on Redis that failed, or were skipped just after a failure.\n"
        "# TYPE marquee_redis_errors_total counter\n"
        "marquee_redis_errors_total 9\n"
        "# HELP marquee_memory_entries Answers kept in memory.\n"
        "# TYPE marquee_memory_entries gauge\n"
        "marquee_memory_entries 10\n"
        "# HELP marquee_memory_bytes Bytes of the answers kept in memory.\n"
        "# TYPE marquee_memory_bytes gauge\n"
        "marquee_memory_bytes 11\n"
        "# HELP marquee_memory_evicted_total Answers evicted from memory to make space for others.\n"
        "# TYPE marquee_memory_evicted_total counter\n"
        "marquee_memory_evicted_total 12\n"
        "# HELP marquee_generation_info The serving generation.\n"
        "# TYPE marquee_generation_info gauge\n"
        "marquee_generation_info{generation=\"G\"} 1\n"
        "# HELP marquee_generation_created_seconds When the serving generation was created, in unix time.\n"
        "# TYPE marquee_generation_created_seconds gauge\n"
        "marquee_generation_created_seconds 1700000000\n"
        "# HELP marquee_items Items in the serving generation.\n"
        "# TYPE marquee_items gauge\n"
        "marquee_items 400\n"
        "# HELP marquee_users Users in the serving generation.\n"
        "# TYPE marquee_users gauge\n"
        "marquee_users 30\n"
        "# HELP marquee_index_bytes Bytes of the vectors and their index.\n"
        "# TYPE marquee_index_bytes gauge\n"
        "marquee_index_bytes 13\n"
        "# HELP marquee_reloads_total New generations found, by result.\n"
        "# TYPE marquee_reloads_total counter\n"
        "marquee_reloads_total{result=\"served\"} 14\n"
        "marquee_reloads_total{result=\"refused\"} 15\n"
        "# HELP marquee_connections Open connections.\n"
        "# TYPE marquee_connections gauge\n"
        "marquee_connections 17\n"
        "# HELP marquee_build_info The running version.\n"
        "# TYPE marquee_build_info gauge\n"
        "marquee_build_info{version=\"" MRQ_VERSION "\"} 1\n"
        "# HELP process_start_time_seconds When the process began to serve, in unix time.\n"
        "# TYPE process_start_time_seconds gauge\n"
        "process_start_time_seconds 1600000000.25\n"
        "# HELP process_resident_memory_bytes Resident memory.\n"
        "# TYPE process_resident_memory_bytes gauge\n";
    assert_memory_equal(text, want, sizeof want - 1);
    const char *behind = text + sizeof want - 1;
    assert_memory_equal(behind, next, sizeof next - 1);
    behind += sizeof next - 1;
    assert_memory_equal(behind, rest, sizeof rest - 1);
    behind += sizeof rest - 1;
    static const char last[] = "process_resident_memory_bytes ";
    assert_memory_equal(behind, last, sizeof last - 1);
    assert_true(strtod(behind + sizeof last - 1, NULL) > 1e6);
    mrq_free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_params),
        cmocka_unit_test(test_params_wrong),
        cmocka_unit_test(an_id_of_a_path_is_a_text),
        cmocka_unit_test(test_batch),
        cmocka_unit_test(test_batch_problems),
        cmocka_unit_test(test_batch_wrong),
        cmocka_unit_test(a_query_is_read_whole),
        cmocka_unit_test(what_may_be_many_has_a_limit),
        cmocka_unit_test(a_members_problem_is_told_whole),
        cmocka_unit_test(a_batch_survives_without_memory),
        cmocka_unit_test(metrics_are_told_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
