/* What is said to a Milvus, to the letter, in both versions of its interface; what its replies are taken for; whom it is asked
 * again. */
#include "unit/scripted_rest.h"

#include <math.h>

#include "base/secret.h"
#include "index/inside.h"
#include "index/milvus.h"
#include "unit/failing_memory.h"
#include "unit/ids.h"

#define CONTENT "0123456789abcdef"
#define NAMED   "{\"collectionName\":\"m_" CONTENT "\""
#define V1      "/v1/vector"
#define V2      "/v2/vectordb"
#define NONE    "{\"code\":0,\"data\":[]}"
#define LISTED  "{\"code\":0,\"data\":[\"other\",\"m_" CONTENT "\"]}"
#define DIM_2                                                                                                                      \
    "{\"code\":0,\"data\":{\"fields\":[{\"name\":\"id\",\"type\":\"VarChar\"},"                                                    \
    "{\"name\":\"vector\",\"type\":\"FloatVector\",\"params\":[{\"key\":\"x\",\"value\":\"7\"},{\"key\":\"dim\",\"value\":\"2\"}]" \
    "}]}}"
#define PROBED                                                                                                                     \
    {                                                                                                                              \
        V2 "/collections/list", "{}", 5, 200, NONE                                                                                 \
    } /* and found to be of version 2 */
#define OLD                                                                                                                        \
    {                                                                                                                              \
        V2 "/collections/list", "{}", 5, 404, "404 not found"                                                                      \
    } /* the same, of version 1 */

static mrq_error err;

/* Three items: a quote in a title, none to two genres, a year that is unknown and one with a fraction, a language that is unknown;
 * and two columns that are no fields, as every collection has one of that name, or a filter cannot have it. */
static const uint32_t id_at[] = {0, 2, 4, 21};
static const uint32_t title_at[] = {0, 6, 12, 20}, genre_at[] = {0, 6, 12, 18, 24};
static const uint64_t genres_of[] = {0, 2, 2, 3};
static const uint32_t genre_items[] = {0, 1, 2};
static const double years[] = {1995, (double)NAN, 2001.5};
static const uint32_t language_at[] = {0, 3, 6}, languages[] = {0, MRQ_NONE, 1};
static const float vectors[] = {0.5f, -0.25f, 1, 0, 0.123456789f, 1e-12f};
static mrq_column columns[] = {
    {.name = "title", .kind = MRQ_TEXT, .text = {3, title_at, "A \"1\"\0Bravo\0Charlie\0"}},
    {.name = "genres", .kind = MRQ_SET, .dict = {4, genre_at, "Drama\0Sci-F\0Q\"ote\0Music\0"}, .list = {genres_of, genre_items}},
    {.name = "year", .kind = MRQ_NUMBER, .number = years},
    {.name = "language", .kind = MRQ_CATEGORY, .dict = {2, language_at, "en\0fr\0"}, .code = languages},
    {.name = "Row", .kind = MRQ_NUMBER, .number = years},
    {.name = "the year", .kind = MRQ_NUMBER, .number = years}};
static mrq_table items = {.rows = 3,
                          .noun = {"item", "items"},
                          .id = {3, id_at,
                                 "7\0"
                                 "9\0"
                                 "9007199254740993"},
                          .n_columns = 6,
                          .column = columns};
static const mrq_contents contents = {CONTENT, &items, vectors, 2};

static mrq_backend *open_backend(void)
{
    mrq_backend *backend = NULL;
    const mrq_backend_options options = {.address = "milvus://localhost:19530/m"};
    assert_ok(mrq_backend_open(&options, &backend, &err));
    return backend;
}

/* --- addresses --- */

static void an_address_says_where_and_what(void **state)
{
    (void)state;
    static const char *const rows[][6] = {
        /* address, token, ca; label, base and server */
        {"milvus://host/n", NULL, NULL, "milvus://host:19530/n", "http://host:19530", "Milvus at host:19530"},
        {"milvus://host:1/Name_9", "root:Milvus", "/ca", "milvus://host:1/Name_9", "http://host:1", "Milvus at host:1"},
        {"milvuss://10.0.0.1:65535/_", "", NULL, "milvuss://10.0.0.1:65535/_", "https://10.0.0.1:65535",
         "Milvus at 10.0.0.1:65535"},
        {"milvuss://[::1]/n", "k", "c", "milvuss://[::1]:19530/n", "https://[::1]:19530", "Milvus at [::1]:19530"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *const *row = rows[i];
        const mrq_backend_options options = {.address = row[0], .token = row[1], .ca = row[2]};
        mrq_backend *backend = NULL;
        assert_ok(mrq_backend_open(&options, &backend, &err));
        assert_string_equal(mrq_backend_label(backend), row[3]);
        assert_string_equal(rest_made[0], row[4]);
        assert_string_equal(rest_made[1], row[5]);
        assert_string_equal(rest_made[2], row[1] && *row[1] ? row[1] : "(none)");
        assert_string_equal(rest_made[3], row[2] ? row[2] : "(none)");
        assert_int_equal(rest_open, 1);
        mrq_backend_close(backend);
        assert_int_equal(rest_open, 0);
    }
    mrq_backend_close(NULL);
}

static void an_address_that_makes_no_sense_is_refused(void **state)
{
    (void)state;
    static const char forms[] = "want milvus://HOST[:PORT]/NAME, or milvuss:// for TLS";
    static const char name[] = "want a name of letters, digits and _ after the last slash, the prefix of the collections' names";
    static const char login[] = "backend: want the login in $MARQUEE_MILVUS_TOKEN, not in the address";
    static const struct {
        const char *address, *why;
    } rows[] = {{"http://host/n", forms},
                {"milvus:/host/n", forms},
                {"", forms},
                {"milvus:///n", forms},
                {"milvus://ho st/n", forms},
                {"milvus://host", name},
                {"milvus://host/", name},
                {"milvus://host/9n", name},
                {"milvus://host/n-m", name},
                {"milvus://host/n/m", name},
                {"milvus://host/n\xc3\xa4", name},
                {"milvus://host:0/n", "want a port from 1 to 65535 after the colon"},
                {"milvus://me:it@host/n", login},
                {"milvus://host/n@", login}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        mrq_backend *backend = NULL;
        const mrq_backend_options options = {.address = rows[i].address};
        char want[300];
        if (rows[i].why == login)
            snprintf(want, sizeof want, "%s", login);
        else
            snprintf(want, sizeof want, "backend \"%s\": %s", rows[i].address, rows[i].why);
        assert_fails(mrq_backend_open(&options, &backend, &err), MRQ_USAGE, "");
        if (!strstr(rows[i].address, "\xc3"))
            assert_string_equal(err.msg, want);
        assert_null(backend);
    }
}

static void names_and_tokens_have_a_longest(void **state)
{
    (void)state;
    for (size_t more = 0; more < 2; more++) {
        char address[400] = "milvus://h/", token[MRQ_SECRET_MAX + 2] = "", content[] = CONTENT;
        mrq_backend *backend = NULL;
        memset(address + strlen(address), 'n', 200 + more);
        mrq_backend_options options = {.address = address};
        if (more)
            assert_fails(mrq_backend_open(&options, &backend, &err), MRQ_USAGE, "want a name of letters");
        else
            assert_ok(mrq_backend_open(&options, &backend, &err));
        if (!more) { /* and all of it is used */
            bool aliased = true;
            char wanted[1000], list[] = "{}";
            uint32_t removed;
            const char *const at = address + strlen("milvus://h/");
            snprintf(wanted, sizeof wanted, "{\"collectionName\":\"%s_%s\",\"aliasName\":\"%s\"}", at, content, at);
            REST_SCRIPT({V2 "/collections/list", list, 5, 200, NONE}, {V2 "/collections/list", list, 5, 200, NONE},
                        {V2 "/aliases/alter", wanted, 20, 200, "{\"code\":0}"});
            assert_ok(mrq_backend_prune(backend, "", NULL, 0, &removed, &err));
            assert_ok(mrq_backend_point(backend, content, &aliased, &err));
            assert_script_done();
        }
        mrq_backend_close(backend);
        memset(token, 't', MRQ_SECRET_MAX + more);
        options = (mrq_backend_options){.address = "milvus://h/n", .token = token};
        backend = NULL;
        if (more)
            assert_fails(mrq_backend_open(&options, &backend, &err), MRQ_USAGE,
                         "backend: the token has 513 characters, want up to 512 of ASCII without blanks");
        else
            assert_ok(mrq_backend_open(&options, &backend, &err));
        mrq_backend_close(backend);
    }
    mrq_backend *backend = NULL;
    const mrq_backend_options blank = {.address = "milvus://h/n", .token = "a b"};
    assert_fails(mrq_backend_open(&blank, &backend, &err), MRQ_USAGE, "backend: the token has 3 characters, want up to 512");
}

/* --- an upload --- */

static char told[300];
static int context_of_tell;

static void tell(void *context, uint32_t done, uint32_t of)
{
    assert_ptr_equal(context, &context_of_tell);
    snprintf(told + strlen(told), sizeof told - strlen(told), "%u/%u ", done, of);
}

static mrq_status upload(mrq_backend *backend, const mrq_contents *what, uint32_t *sent)
{
    *told = '\0';
    return mrq_backend_upload(backend, what, "owner", tell, &context_of_tell, sent, &err);
}

#define ROW_0                                                                                                                      \
    "{\"id\":\"7\",\"row\":0,\"vector\":[0.5,-0.25],\"title\":\"A \\\"1\\\"\",\"genres\":[\"Drama\",\"Sci-F\"],\"year\":1995,"     \
    "\"language\":\"en\"}"
#define ROW_1 "{\"id\":\"9\",\"row\":1,\"vector\":[1,0],\"title\":\"Bravo\",\"genres\":[],\"language\":\"\"}"
#define ROW_2                                                                                                                      \
    "{\"id\":\"9007199254740993\",\"row\":2,\"vector\":[0.123456791,0],\"title\":\"Charlie\",\"genres\":[\"Q\\\"ote\"],\"year\":"  \
    "2001.5,\"language\":\"fr\"}"
#define WINDOW_3 NAMED ",\"filter\":\"row >= 0 and row < 3\",\"outputFields\":[\"row\"],\"limit\":16384}"

static void an_upload_makes_the_collection_and_sends_what_is_missing(void **state)
{
    (void)state;
    uint32_t sent = 99;
    mrq_backend *backend = open_backend();
    REST_SCRIPT(PROBED, {V2 "/collections/list", "{}", 5, 200, NONE},
                {V2 "/collections/create",
                 NAMED ",\"dimension\":2,\"metricType\":\"IP\",\"description\":\"owner\",\"primaryFieldName\":\"id\","
                       "\"idType\":\"VarChar\",\"vectorFieldName\":\"vector\",\"params\":{\"max_length\":\"255\"}}",
                 20, 200, "{\"code\":0,\"data\":{}}"},
                {V2 "/entities/query", WINDOW_3, 20, 200, NONE},
                {V2 "/entities/upsert", NAMED ",\"data\":[" ROW_0 "," ROW_1 "," ROW_2 "]}", 20, 200, "{\"code\":0}"});
    assert_ok(upload(backend, &contents, &sent));
    assert_script_done();
    assert_int_equal(sent, 3);
    assert_string_equal(told, "0/3 3/3 ");
    /* once more, half of which is there: nothing is probed again, nor made */
    REST_SCRIPT(
        {V2 "/collections/list", "{}", 5, 200, LISTED}, {V2 "/collections/describe", NAMED "}", 5, 200, DIM_2},
        {V2 "/entities/query", WINDOW_3, 20, 200, "{\"code\":0,\"data\":[{\"row\":1},{\"row\":1},{\"row\":3},{\"row\":-1}]}"},
        {V2 "/entities/upsert", NAMED ",\"data\":[" ROW_0 "," ROW_2 "]}", 20, 200, "{\"code\":200}"});
    assert_ok(upload(backend, &contents, &sent));
    assert_script_done();
    assert_int_equal(sent, 2);
    assert_string_equal(told, "1/3 3/3 ");
    REST_SCRIPT({V2 "/collections/list", "{}", 5, 200, LISTED}, {V2 "/collections/describe", NAMED "}", 5, 200, DIM_2},
                {V2 "/entities/query", WINDOW_3, 20, 200, "{\"code\":0,\"data\":[{\"row\":2},{\"row\":1},{\"row\":0}]}"});
    assert_ok(mrq_backend_upload(backend, &contents, "owner", NULL, NULL, &sent, &err));
    assert_script_done();
    assert_int_equal(sent, 0);
    mrq_backend_close(backend);
}

static void the_first_version_is_spoken_to_in_its_own_words(void **state)
{
    (void)state;
    uint32_t sent = 99;
    mrq_backend *backend = open_backend();
    REST_SCRIPT(OLD, {V1 "/collections", NULL, 5, 200, "{\"code\":200,\"data\":[]}"},
                {V1 "/collections/create",
                 NAMED ",\"dimension\":2,\"metricType\":\"IP\",\"description\":\"owner\",\"primaryField\":\"key\","
                       "\"vectorField\":\"vector\"}",
                 20, 200, "{\"code\":200,\"data\":{}}"},
                {V1 "/query", WINDOW_3, 20, 200, "{\"code\":200,\"data\":[{\"row\":0},{\"row\":2}]}"},
                {V1 "/insert", NAMED ",\"data\":[" ROW_1 "]}", 20, 200, "{\"code\":200}"});
    assert_ok(upload(backend, &contents, &sent));
    assert_script_done();
    assert_int_equal(sent, 1);
    bool aliased = true; /* which it does not have */
    assert_ok(mrq_backend_point(backend, CONTENT, &aliased, &err));
    assert_false(aliased);
    REST_SCRIPT(
        {V1 "/collections", NULL, 5, 200, LISTED},
        {V1 "/collections/describe?collectionName=m_" CONTENT, NULL, 5, 200, "{\"code\":200,\"data\":{\"description\":\"owner\"}}"},
        {V1 "/collections/drop", NAMED "}", 20, 200, "{\"code\":200}"});
    uint32_t removed = 99;
    assert_ok(mrq_backend_prune(backend, "owner", NULL, 0, &removed, &err));
    assert_script_done();
    assert_int_equal(removed, 1);
    mrq_backend_close(backend);
}

/* A table of `n` rows with nothing but ids. */
static mrq_table *plain_table(uint32_t n)
{
    mrq_table *table = mrq_table_new();
    int64_t *id = mrq_array(n, sizeof *id);
    for (uint32_t i = 0; i < n; i++)
        id[i] = i + 1;
    table->rows = n;
    table->id = number_ids(table->arena, id, n);
    mrq_free(id);
    return table;
}

static char *rows_reply(uint32_t from, uint32_t to)
{
    char *text = mrq_array((to - from) * 14 + 40, 1);
    size_t size = (size_t)sprintf(text, "{\"code\":0,\"data\":[");
    for (uint32_t i = from; i < to; i++)
        size += (size_t)sprintf(text + size, "%s{\"row\":%u}", i > from ? "," : "", i);
    strcpy(text + size, "]}");
    return text;
}

static char *rows_sent(uint32_t from, uint32_t to)
{
    char *text = mrq_array((to - from) * 60 + 80, 1);
    size_t size = (size_t)sprintf(text, NAMED ",\"data\":[");
    for (uint32_t i = from; i < to; i++)
        size += (size_t)sprintf(text + size, "%s{\"id\":\"%u\",\"row\":%u,\"vector\":[1]}", i > from ? "," : "", i + 1, i);
    strcpy(text + size, "]}");
    return text;
}

static void rows_go_by_the_hundred_and_are_read_back_by_the_window(void **state)
{
    (void)state;
    static float ones[16385];
    for (size_t i = 0; i < sizeof ones / sizeof *ones; i++)
        ones[i] = 1;
    static const char dim_1[] = "{\"code\":0,\"data\":{\"fields\":[{\"name\":\"vector\",\"type\":\"FloatVector(1)\"}]}}";
    /* rows there: all but the first `missing`; the batches that follow */
    static const struct {
        uint32_t rows, missing, batches;
    } cases[] = {{100, 100, 1}, {101, 101, 2}, {200, 200, 2}, {16384, 99, 1}, {16385, 201, 3}, {8192, 0, 0}, {8193, 1, 1}};
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        const uint32_t rows = cases[c].rows, missing = cases[c].missing;
        MRQ_CLEANUP(mrq_table_free) mrq_table *table = plain_table(rows);
        const mrq_contents many = {CONTENT, table, ones, 1};
        exchange script[20] = {
            PROBED, {V2 "/collections/list", "{}", 5, 200, LISTED}, {V2 "/collections/describe", NAMED "}", 5, 200, dim_1}};
        size_t n = 3;
        char filter[3][200], *made[16] = {0};
        size_t n_made = 0;
        for (uint32_t i = 0; i * 8192 < rows; i++) {
            const uint32_t from = i * 8192, to = rows < from + 8192 ? rows : from + 8192;
            snprintf(filter[i], sizeof *filter,
                     NAMED ",\"filter\":\"row >= %u and row < %u\",\"outputFields\":[\"row\"],\"limit\":16384}", from, to);
            made[n_made] = rows_reply(from < missing ? missing < to ? missing : to : from, to);
            script[n++] = (exchange){V2 "/entities/query", filter[i], 20, 200, made[n_made++]};
        }
        for (uint32_t from = 0; from < missing; from += 100) {
            made[n_made] = rows_sent(from, missing < from + 100 ? missing : from + 100);
            script[n++] = (exchange){V2 "/entities/upsert", made[n_made++], 20, 200, "{\"code\":0}"};
        }
        mrq_backend *backend = open_backend();
        uint32_t sent = 99;
        rest_begin(script, n);
        assert_ok(upload(backend, &many, &sent));
        assert_script_done();
        assert_int_equal(sent, missing);
        assert_int_equal(count_text(told, "/"), 1 + cases[c].batches);
        mrq_backend_close(backend);
        for (size_t i = 0; i < n_made; i++)
            mrq_free(made[i]);
    }
}

/* --- replies --- */

/* What a reply to the probe comes to, and how often it is asked for. */
static void what_may_pass_is_asked_for_again_and_nothing_else(void **state)
{
    (void)state;
    static const char token[] =
        "Milvus at localhost:19530 refused the token: want user:password or a key in $MARQUEE_MILVUS_TOKEN, "
        "or in the file that $MARQUEE_MILVUS_TOKEN_FILE names";
    static const struct {
        long code;
        const char *reply;
        bool again;
        const char *sentence;
    } rows[] = {
        {401, "", false, token},
        {403, "", false, token},
        {200, "{\"code\":1800}", false, token},
        {429, "slow", true, "Milvus at localhost:19530: HTTP 429: slow"},
        {500, "oh", true, "Milvus at localhost:19530: HTTP 500: oh"},
        {599, "oh", true, "Milvus at localhost:19530: HTTP 599: oh"},
        {499, "oh", true, "Milvus at localhost:19530: HTTP 499 without JSON: reply:1: not valid JSON"},
        {200, "[]", true, "Milvus at localhost:19530: HTTP 200 without JSON: reply: want a JSON object"},
        {200, "{\"code\":1,\"message\":\"starting\"}", true, "Milvus at localhost:19530: code 1: starting"},
        {200, "{\"code\":-1}", true, "Milvus at localhost:19530: code -1: without a message"},
        {200, "{\"code\":99}", true, "Milvus at localhost:19530: code 99: without a message"},
        {200, "{\"code\":101}", true, "Milvus at localhost:19530: code 101: without a message"},
        {200, "{\"code\":201,\"message\":7}", true, "Milvus at localhost:19530: code 201: without a message"},
        {200, "{\"code\":1099}", true, "Milvus at localhost:19530: code 1099: without a message"},
        {200, "{\"code\":100}", false, "Milvus at localhost:19530: code 100: without a message"},
        {200, "{\"code\":1100}", false, "Milvus at localhost:19530: code 1100: without a message"},
        {200, "{\"code\":1801}", false, "Milvus at localhost:19530: code 1801: without a message"},
        {200, "{\"code\":\"0\"}", false, "Milvus at localhost:19530: code nan: without a message"},
        {200, "{}", false, "Milvus at localhost:19530: code nan: without a message"},
        {200, NULL, true, "no reply"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        mrq_backend *backend = open_backend();
        exchange script[6];
        for (int a = 0; a < 6; a++)
            script[a] = (exchange){V2 "/collections/list", "{}", 5, rows[i].code, rows[i].reply};
        uint32_t sent;
        rest_begin(script, rows[i].again ? 6 : 1);
        assert_fails(upload(backend, &contents, &sent), MRQ_UNAVAILABLE, "");
        assert_string_equal(err.msg, rows[i].sentence);
        assert_script_done();
        assert_int_equal(rest_n_pauses, rows[i].again ? 5 : 0);
        for (size_t p = 0; p < rest_n_pauses; p++)
            assert_true(fabs(rest_pauses[p] - 0.5 * (1 << p)) < 1e-9);
        mrq_backend_close(backend);
    }
}

/* Whatever it was that failed, and how often: then the upload goes on. */
static void an_upload_goes_on_after_what_has_passed(void **state)
{
    (void)state;
    static const exchange failed = {V2 "/collections/list", "{}", 5, 503, ""};
    static const char create[] =
        NAMED ",\"dimension\":2,\"metricType\":\"IP\",\"description\":\"owner\",\"primaryFieldName\":\"id\","
              "\"idType\":\"VarChar\",\"vectorFieldName\":\"vector\",\"params\":{\"max_length\":\"255\"}}";
    static const char batch[] = NAMED ",\"data\":[" ROW_0 "," ROW_1 "," ROW_2 "]}";
    const exchange script[] = {failed,
                               failed,
                               failed,
                               failed,
                               failed, /* the probe: the sixth time it succeeds */
                               PROBED,
                               failed, /* the list */
                               {V2 "/collections/list", "{}", 5, 200, NONE},
                               {V2 "/collections/create", create, 20, 200, NULL}, /* it was made all the same */
                               {V2 "/collections/list", "{}", 5, 200, LISTED},
                               {V2 "/collections/describe", NAMED "}", 5, 500, ""},
                               {V2 "/collections/list", "{}", 5, 200, LISTED},
                               {V2 "/collections/describe", NAMED "}", 5, 200, DIM_2},
                               {V2 "/entities/query", WINDOW_3, 20, 500, ""},
                               {V2 "/entities/query", WINDOW_3, 20, 200, NONE},
                               {V2 "/entities/upsert", batch, 20, 200, NULL},
                               {V2 "/entities/upsert", batch, 20, 200, "{\"code\":0}"}};
    /* six attempts each: the first upload has used them up with its sixth, which finds the version */
    mrq_backend *backend = open_backend();
    uint32_t sent = 99;
    rest_begin(script, 7);
    assert_fails(upload(backend, &contents, &sent), MRQ_UNAVAILABLE, "Milvus at localhost:19530: HTTP 503: ");
    assert_script_done();
    assert_int_equal(sent, 99);
    rest_begin(script + 7, sizeof script / sizeof *script - 7);
    assert_ok(upload(backend, &contents, &sent));
    assert_script_done();
    assert_int_equal(sent, 3);
    mrq_backend_close(backend);
}

/* An upload that is refused at any point ends there, and says why. */
static void an_upload_ends_where_it_is_refused(void **state)
{
    (void)state;
    static const exchange script[] = {{V2 "/collections/list", "{}", 5, 200, NONE},
                                      {V2 "/collections/list", "{}", 5, 200, LISTED},
                                      {V2 "/collections/describe", NAMED "}", 5, 200, DIM_2},
                                      {V2 "/entities/query", WINDOW_3, 20, 200, NONE},
                                      {V2 "/entities/upsert", NAMED ",\"data\":[" ROW_0 "," ROW_1 "," ROW_2 "]}", 20, 200, NONE}};
    for (size_t at = 0; at < 5; at++) {
        exchange some[5];
        memcpy(some, script, sizeof some);
        some[at].reply = "{\"code\":1100,\"message\":\"never\"}";
        mrq_backend *backend = open_backend();
        uint32_t sent = 99;
        rest_begin(some, at + 1);
        assert_fails(upload(backend, &contents, &sent), MRQ_UNAVAILABLE, "Milvus at localhost:19530: code 1100: never");
        assert_script_done();
        assert_int_equal(sent, 99);
        mrq_backend_close(backend);
    }
    exchange strange[] = {PROBED, {V2 "/collections/list", "{}", 5, 200, "{\"code\":0,\"data\":{}}"}};
    mrq_backend *backend = open_backend();
    uint32_t sent = 99;
    rest_begin(strange, 2);
    assert_fails(upload(backend, &contents, &sent), MRQ_UNAVAILABLE,
                 "Milvus at localhost:19530: a reply without a list of collections");
    mrq_backend_close(backend);
}

/* --- a connection --- */

static mrq_status connect_to(mrq_backend *backend, mrq_index **index)
{
    return mrq_index_connect(backend, &contents, index, &err);
}

#define FIELDS(text) "{\"code\":0,\"data\":{\"fields\":[" text "]}}"
#define PARAMS(text) FIELDS("{\"name\":\"vector\",\"type\":\"FloatVector\",\"params\":[" text "]}")

static void a_collection_of_other_vectors_is_refused(void **state)
{
    (void)state;
    static const char other[] = "Milvus at localhost:19530: collection m_" CONTENT
                                " has vectors of %s dimensions, want 2: it is not from this program; drop "
                                "it, or use another name in the address";
    static const struct {
        const char *reply, *have; /* NULL: they fit */
    } rows[] = {
        {DIM_2, NULL},
        {FIELDS("{\"name\":\"vector\",\"type\":\"FloatVector(2)\"}"), NULL},
        {PARAMS("{\"key\":\"dim\",\"value\":2}"), NULL},
        {FIELDS(
             "{\"name\":7},{\"name\":\"vectors\",\"type\":\"FloatVector(3)\"},{\"name\":\"vector\",\"type\":\"FloatVector(2)\"}"),
         NULL},
        {FIELDS("{\"name\":\"vector\",\"type\":\"FloatVector(3)\"}"), "3"},
        {FIELDS("{\"name\":\"vector\",\"type\":\"FloatVector(2.5)\"}"), "2.5"},
        {PARAMS("{\"key\":\"dim\",\"value\":\"1\"}"), "1"},
        {PARAMS("{\"key\":\"dim\",\"value\":3}"), "3"},
        {PARAMS("{\"key\":\"dim\",\"value\":[2]}"), "nan"},
        {PARAMS("{\"key\":\"dims\",\"value\":2}"), "nan"},
        {PARAMS("{\"value\":2}"), "nan"},
        {PARAMS(""), "nan"},
        {FIELDS("{\"name\":\"vector\",\"type\":\"FloatVector\"}"), "nan"},
        {FIELDS("{\"name\":\"vector\"}"), "nan"},
        {FIELDS(""), "nan"},
        {"{\"code\":0}", "nan"},
        {"{\"code\":0,\"data\":[]}", "nan"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        mrq_backend *backend = open_backend();
        mrq_index *index = NULL;
        char want[400];
        REST_SCRIPT(PROBED, {V2 "/collections/describe", NAMED "}", 5, 200, rows[i].reply});
        if (rows[i].have) {
            snprintf(want, sizeof want, other, rows[i].have);
            assert_fails(connect_to(backend, &index), MRQ_UNAVAILABLE, want);
            assert_null(index);
        } else {
            assert_ok(connect_to(backend, &index));
            const mrq_index_settings *settings = mrq_index_settings_of(index);
            assert_string_equal(settings->factory, "Milvus");
            assert_true(settings->parameter == 0 && settings->rerank == 100);
            assert_ptr_equal(mrq_index_vectors(index), vectors);
            mrq_index_free(index);
        }
        assert_script_done();
        mrq_backend_close(backend);
    }
}

static void a_collection_that_is_missing_is_told_from_a_server_that_is_gone(void **state)
{
    (void)state;
    static const char refusal[] = "{\"code\":100,\"message\":\"no\"}";
    static const struct {
        const char *described;
        long code;
        const char *listed; /* NULL: is not asked for */
        mrq_status status;
        const char *sentence;
    } rows[] = {
        {refusal, 200, NONE, MRQ_NOT_FOUND,
         "Milvus at localhost:19530 has no collection m_" CONTENT " for this generation: `marquee export --to "
         "milvus://localhost:19530/m` makes it"},
        {refusal, 200, "{\"code\":0,\"data\":[7,\"m_\",\"m_" CONTENT "0\"]}", MRQ_NOT_FOUND, "has no collection"},
        {refusal, 200, LISTED, MRQ_UNAVAILABLE, "Milvus at localhost:19530: code 100: no"},
        {refusal, 200, "{\"code\":5,\"message\":\"busy\"}", MRQ_UNAVAILABLE, "Milvus at localhost:19530: code 5: busy"},
        {"oh", 500, NULL, MRQ_UNAVAILABLE, "Milvus at localhost:19530: HTTP 500: oh"},
        {"{}", 200, NULL, MRQ_UNAVAILABLE, "code nan"},
        {NULL, 200, NULL, MRQ_UNAVAILABLE, "no reply"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        mrq_backend *backend = open_backend();
        mrq_index *index = NULL;
        exchange script[] = {PROBED,
                             {V2 "/collections/describe", NAMED "}", 5, rows[i].code, rows[i].described},
                             {V2 "/collections/list", "{}", 5, 200, rows[i].listed}};
        rest_begin(script, rows[i].listed ? 3 : 2);
        assert_fails(connect_to(backend, &index), rows[i].status, rows[i].sentence);
        assert_null(index);
        assert_script_done();
        assert_int_equal(rest_n_pauses, 0); /* who asks does not wait for it */
        mrq_backend_close(backend);
    }
}

/* --- a search --- */

static mrq_index *connected(mrq_backend *backend)
{
    mrq_index *index = NULL;
    REST_SCRIPT(PROBED, {V2 "/collections/describe", NAMED "}", 5, 200, DIM_2});
    assert_ok(connect_to(backend, &index));
    return index;
}

#define ASKED(filter, limit)                                                                                                       \
    NAMED ",\"data\":[[1,0.5]],\"annsField\":\"vector\"" filter ",\"limit\":" limit ",\"outputFields\":[\"row\"]}"
static const float query[] = {1, 0.5f};

enum { TITLE, GENRES, YEAR, LANGUAGE, ROW, THE_YEAR };
static uint32_t codes[] = {0, 1, 3, 0, 2, 2, 0, 3, 0, 1}; /* what conditions refer to */
static double numbers[] = {1990, -0.1, 1e300, 1, 2, 3, 4, 5, 6, 7, 8, 9};
#define ON(column, compare, first, n)                                                                                              \
    {                                                                                                                              \
        &columns[column], compare, n, codes + (first), numbers + (first)                                                           \
    }
#define ANY "json_contains_any(genres, [\\\""

static void a_filter_is_told_as_far_as_it_can_be(void **state)
{
    (void)state;
    static const struct {
        uint32_t n;
        mrq_condition condition[4];
        const char *filter;
    } rows[] = {
        {0, {ON(GENRES, MRQ_IS, 0, 1)}, ""},
        {1, {ON(GENRES, MRQ_IS, 0, 1)}, ANY "Drama\\\"])"},
        {1, {ON(GENRES, MRQ_IS, 0, 3)}, ANY "Drama\\\", \\\"Sci-F\\\", \\\"Music\\\"])"},
        {1, {ON(GENRES, MRQ_IS_NOT, 0, 2)}, "not " ANY "Drama\\\", \\\"Sci-F\\\"])"},
        {1, {ON(GENRES, MRQ_IS_ALL, 0, 2)}, "json_contains_all(genres, [\\\"Drama\\\", \\\"Sci-F\\\"])"},
        {1, {ON(GENRES, MRQ_IS, 3, 2)}, ""}, /* one cannot be told: any of the others is not enough */
        {1, {ON(GENRES, MRQ_IS_NOT, 3, 2)}, "not " ANY "Drama\\\"])"},
        {1, {ON(GENRES, MRQ_IS_ALL, 3, 2)}, "json_contains_all(genres, [\\\"Drama\\\"])"},
        {1, {ON(GENRES, MRQ_IS_ALL, 4, 2)}, ""},
        {1, {ON(GENRES, MRQ_IS_NOT, 4, 1)}, ""},
        {1, {ON(LANGUAGE, MRQ_IS, 0, 2)}, "language in [\\\"en\\\", \\\"fr\\\"]"},
        {1, {ON(LANGUAGE, MRQ_IS_NOT, 1, 1)}, "language not in [\\\"fr\\\"]"},
        {1, {ON(TITLE, MRQ_IS, 1, 1)}, "title in [\\\"Bravo\\\"]"},
        {1, {ON(TITLE, MRQ_IS_NOT, 4, 1)}, "title not in [\\\"Charlie\\\"]"},
        {1, {ON(TITLE, MRQ_IS, 0, 2)}, ""}, /* a quote */
        {1, {ON(YEAR, MRQ_FROM, 0, 1)}, "year >= 1990"},
        {1, {ON(YEAR, MRQ_UP_TO, 1, 1)}, "year <= -0.1"},
        {1, {ON(YEAR, MRQ_ABOVE, 2, 1)}, "year > 1e+300"},
        {1, {ON(YEAR, MRQ_BELOW, 3, 1)}, "year < 1"},
        {1, {ON(YEAR, MRQ_IS, 3, 1)}, "year == 1"},
        {1, {ON(YEAR, MRQ_IS, 3, 2)}, "(year == 1 or year == 2)"},
        {1,
         {ON(YEAR, MRQ_IS, 3, 8)},
         "(year == 1 or year == 2 or year == 3 or year == 4 or year == 5 or year == 6 or year == 7 or year == 8)"},
        {1, {ON(YEAR, MRQ_IS, 3, 9)}, ""},
        {1, {ON(YEAR, MRQ_IS_NOT, 3, 1)}, ""},
        {1, {ON(ROW, MRQ_FROM, 0, 1)}, ""},
        {1, {ON(THE_YEAR, MRQ_FROM, 0, 1)}, ""},
        {4,
         {ON(GENRES, MRQ_IS, 1, 1), ON(ROW, MRQ_IS, 0, 1), ON(YEAR, MRQ_FROM, 0, 1), ON(LANGUAGE, MRQ_IS, 0, 1)},
         ANY "Sci-F\\\"]) and year >= 1990 and language in [\\\"en\\\"]"},
        {2, {ON(GENRES, MRQ_IS, 4, 1), ON(YEAR, MRQ_IS, 3, 1)}, "year == 1"},
    };
    mrq_backend *backend = open_backend();
    mrq_index *index = connected(backend);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char body[500];
        const mrq_terms terms = {rows[i].condition, rows[i].n, 0};
        uint32_t row[3], found = 0;
        snprintf(body, sizeof body, ASKED("%s%s%s", "2"), *rows[i].filter ? ",\"filter\":\"" : "", rows[i].filter,
                 *rows[i].filter ? "\"" : "");
        REST_SCRIPT({V2 "/entities/search", body, 3, 200, "{\"code\":0,\"data\":[{\"row\":2},{\"row\":0}]}"});
        assert_ok(index->searcher->search(index, query, 2, &terms, row, &found, &err));
        assert_script_done();
        assert_true(found == 2 && row[0] == 2 && row[1] == 0);
    }
    assert_true(index->searcher->filters);
    mrq_index_free(index);
    mrq_backend_close(backend);
}

static void names_with_other_characters_are_not_told(void **state)
{
    (void)state;
    static const char names[] = "a b~\0a\\b\0a\x1f"
                                "b\0a\x7f"
                                "b\0\xc3\xa4\0!\0";
    static const uint32_t at[] = {0, 5, 9, 13, 17, 20, 22};
    static const bool told_of[] = {true, false, false, false, false, true};
    const mrq_column strange = {.name = "genres", .kind = MRQ_SET, .dict = {6, at, names}};
    for (uint32_t g = 0; g < 6; g++) {
        const mrq_condition condition = {.column = &strange, .n = 1, .code = &g};
        MRQ_AUTOFREE char *filter = mrq_milvus_filter(&(mrq_terms){&condition, 1, 0});
        char want[100] = "";
        if (told_of[g])
            snprintf(want, sizeof want, "json_contains_any(genres, [\"%s\"])", names + at[g]);
        assert_string_equal(filter, want);
    }
}

/* A text is sent up to its first 1,000 bytes, whole characters; a filter has none that might be such a beginning. */
static void long_texts_are_cut_and_not_told(void **state)
{
    (void)state;
    for (size_t size = 985; size < 1005; size++)
        for (int last = 0; last < 2; last++) { /* an ASCII letter, or one of three bytes */
            char text[1010], sent[1010];
            memset(text, 'x', size);
            strcpy(text + size, last ? "\xe2\x82\xac" : "");
            strcpy(sent, text);
            sent[last && size < 1000 && size > 997 ? size : size > 1000 || last ? 1000 : size] = '\0';
            const uint32_t offset[] = {0, (uint32_t)strlen(text) + 1};
            mrq_column column = {.name = "plot", .kind = MRQ_TEXT, .text = {1, offset, text}};
            mrq_table table = {.rows = 1, .noun = items.noun, .id = {1, id_at, "7"}, .n_columns = 1, .column = &column};
            const mrq_contents one = {CONTENT, &table, vectors, 2};
            char body[1300];
            snprintf(body, sizeof body, NAMED ",\"data\":[{\"id\":\"7\",\"row\":0,\"vector\":[0.5,-0.25],\"plot\":\"%s\"}]}", sent);
            mrq_backend *backend = open_backend();
            uint32_t n = 0;
            REST_SCRIPT(PROBED, {V2 "/collections/list", "{}", 5, 200, LISTED},
                        {V2 "/collections/describe", NAMED "}", 5, 200, DIM_2},
                        {V2 "/entities/query",
                         NAMED ",\"filter\":\"row >= 0 and row < 1\",\"outputFields\":[\"row\"],\"limit\":16384}", 20, 200, NONE},
                        {V2 "/entities/upsert", body, 20, 200, NONE});
            assert_ok(mrq_backend_upload(backend, &one, "owner", NULL, NULL, &n, &err));
            assert_script_done();
            mrq_backend_close(backend);
            uint32_t code = 0;
            const mrq_condition condition = {.column = &column, .n = 1, .code = &code};
            MRQ_AUTOFREE char *filter = mrq_milvus_filter(&(mrq_terms){&condition, 1, 0});
            assert_int_equal(*filter != '\0', !last && size <= 990);
        }
}

/* The names that a filter can have. */
static void fields_have_plain_names(void **state)
{
    (void)state;
    static const char *const good[] = {"a", "Z9_", "year", "identity", "rows", "nota", "jsonb"};
    static const char *const bad[] = {"",    "9a",     "_a",  "a b",  "a-b",  "\xc3\xa4", "a\xc3\xa4", "id",
                                      "ROW", "vector", "key", "and",  "Or",   "not",      "in",        "LIKE",
                                      "is",  "exists", "nan", "true", "null", "False",    "json_x",    "Array_y"};
    for (size_t i = 0; i < sizeof good / sizeof *good + sizeof bad / sizeof *bad; i++) {
        const bool fine = i < sizeof good / sizeof *good;
        mrq_column column = {.kind = MRQ_TEXT};
        strcpy(column.name, fine ? good[i] : bad[i - sizeof good / sizeof *good]);
        assert_int_equal(mrq_milvus_has_field(&column), fine);
    }
}

static void rows_that_cannot_be_are_not_taken_and_none_twice(void **state)
{
    (void)state;
    mrq_backend *backend = open_backend();
    mrq_index *index = connected(backend);
    uint32_t row[3], found = 99;
    static const char strange[] = "{\"code\":0,\"data\":[{\"row\":2},7,{\"row\":\"1\"},{\"row\":1.5},{\"row\":3},{\"row\":-1},{},"
                                  "{\"row\":2},{\"row\":1e300},{\"row\":0},{\"row\":1}]}";
    REST_SCRIPT({V2 "/entities/search", ASKED("", "2"), 3, 200, strange}, {V2 "/entities/search", ASKED("", "3"), 3, 200, strange},
                {V2 "/entities/search", ASKED("", "16384"), 3, 200, NONE},
                {V2 "/entities/search", ASKED("", "16383"), 3, 200, NONE},
                {V2 "/entities/search", ASKED("", "16384"), 3, 200, NONE},
                {V2 "/entities/search", ASKED("", "1"), 3, 200, "{\"code\":0,\"data\":{}}"},
                {V2 "/entities/search", ASKED("", "1"), 3, 200, "{\"code\":0}"});
    assert_ok(index->searcher->search(index, query, 2, NULL, row, &found, &err));
    assert_true(found == 2 && row[0] == 2 && row[1] == 0);
    assert_ok(index->searcher->search(index, query, 3, NULL, row, &found, &err));
    assert_true(found == 3 && row[0] == 2 && row[1] == 0 && row[2] == 1);
    assert_ok(index->searcher->search(index, query, 16385, NULL, row, &found, &err));
    assert_ok(index->searcher->search(index, query, 16383, NULL, row, &found, &err));
    assert_ok(index->searcher->search(index, query, 16384, NULL, row, &found, &err));
    assert_int_equal(found, 0);
    for (int i = 0; i < 2; i++)
        assert_fails(index->searcher->search(index, query, 1, NULL, row, &found, &err), MRQ_UNAVAILABLE,
                     "Milvus at localhost:19530: a reply without a list of items");
    assert_script_done();
    mrq_index_free(index);
    mrq_backend_close(backend);
}

/* What comes back is put in order by exact inner products, and a short answer filled up by a scan. */
static void an_answer_is_exact_whatever_the_server_says(void **state)
{
    (void)state;
    mrq_backend *backend = open_backend();
    mrq_index *index = connected(backend);
    mrq_hit hits[3];
    uint32_t found = 0;
    const uint64_t keep = 5; /* rows 0 and 2 */
    const mrq_condition drama = ON(GENRES, MRQ_IS, 0, 1);
    const mrq_terms terms = {&drama, 1, 1};
    const mrq_filter filter = {&keep, 2, &terms}, without_terms = {&keep, 2, NULL};
    REST_SCRIPT({V2 "/entities/search", ASKED("", "3"), 3, 200, "{\"code\":0,\"data\":[{\"row\":0},{\"row\":2},{\"row\":1}]}"},
                {V2 "/entities/search", ASKED("", "3"), 3, 200, NONE},
                {V2 "/entities/search", ASKED(",\"filter\":\"json_contains_any(genres, [\\\"Drama\\\"])\"", "3"), 3, 200,
                 "{\"code\":0,\"data\":[{\"row\":1},{\"row\":0}]}"},
                {V2 "/entities/search", ASKED("", "3"), 3, 200, "{\"code\":0,\"data\":[{\"row\":2},{\"row\":0}]}"});
    for (int i = 0; i < 2; i++) {
        assert_ok(mrq_index_search(index, query, 2, NULL, hits, &found, &err));
        assert_true(found == 2 && hits[0].row == 1 && hits[1].row == 0 && hits[0].score == 1 && hits[1].score == 0.375f);
    }
    assert_ok(mrq_index_search(index, query, 1, &filter, hits, &found, &err));
    assert_true(found == 1 && hits[0].row == 0);
    assert_ok(mrq_index_search(index, query, 3, &without_terms, hits, &found, &err));
    assert_true(found == 2 && hits[0].row == 0 && hits[1].row == 2);
    assert_script_done();
    const mrq_filter nobody = {&keep, 0, NULL}; /* is not asked for at all */
    assert_ok(mrq_index_search(index, query, 3, &nobody, hits, &found, &err));
    assert_int_equal(found, 0);
    mrq_index_free(index);
    mrq_backend_close(backend);
}

/* So many candidates are asked for first: 50, a rerank of 100 more, and those that are left out one by one; never more than there
 * are. */
static void candidates_enough_are_asked_for(void **state)
{
    (void)state;
    enum { ROWS = 500 };
    static float many_vectors[2 * ROWS];
    static uint64_t keep[ROWS / 64 + 1];
    MRQ_CLEANUP(mrq_table_free) mrq_table *table = plain_table(ROWS);
    const mrq_contents many = {CONTENT, table, many_vectors, 2};
    static const struct {
        uint32_t k;
        int64_t without; /* -1: no terms; -2: no filter */
        const char *limit;
    } rows[] = {{10, -2, "150"},  {10, -1, "150"},        {10, 0, "150"}, {10, 7, "157"},  {10, 350, "500"}, {10, 349, "499"},
                {10, 351, "500"}, {10, INT64_MAX, "500"}, {1, -2, "150"}, {50, -2, "150"}, {51, -2, "150"},  {500, -2, "150"}};
    for (uint32_t i = 0; i < ROWS; i++)
        keep[i / 64] |= UINT64_C(1) << i % 64;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        mrq_backend *backend = open_backend();
        mrq_index *index = NULL;
        char body[300];
        snprintf(body, sizeof body, ASKED("", "%s"), rows[i].limit);
        REST_SCRIPT(PROBED, {V2 "/collections/describe", NAMED "}", 5, 200, DIM_2}, {V2 "/entities/search", body, 3, 200, NONE});
        assert_ok(mrq_index_connect(backend, &many, &index, &err));
        const mrq_terms terms = {.n_without = (uint64_t)rows[i].without};
        const mrq_filter filter = {keep, ROWS, rows[i].without >= 0 ? &terms : NULL};
        static mrq_hit hits[ROWS];
        uint32_t found = 0;
        assert_ok(mrq_index_search(index, query, rows[i].k, rows[i].without > -2 ? &filter : NULL, hits, &found, &err));
        assert_int_equal(found, rows[i].k);
        assert_script_done();
        mrq_index_free(index);
        mrq_backend_close(backend);
    }
}

/* A list goes on in rounds, each four times as long; rows that come before its end, but came too late, are not taken into it. */
static void a_longer_list_begins_with_the_shorter_one(void **state)
{
    (void)state;
    enum { ROWS = 1000 };
    static float falling[ROWS];
    static mrq_hit hits[ROWS];
    MRQ_CLEANUP(mrq_table_free) mrq_table *table = plain_table(ROWS);
    const mrq_contents many = {CONTENT, table, falling, 1};
    for (uint32_t i = 0; i < ROWS; i++)
        falling[i] = 1 - (float)i / ROWS;
    char *first = rows_reply(10, 160), *second = rows_reply(0, 300), *third = rows_reply(0, 900), *none = rows_reply(0, 0);
    for (uint32_t k = 1; k <= 990; k = k < 48    ? 48
                                       : k < 52  ? k + 1
                                       : k < 199 ? 199
                                       : k < 202 ? k + 1
                                       : k < 799 ? 799
                                       : k < 802 ? k + 1
                                                 : k + 94) {
        mrq_backend *backend = open_backend();
        mrq_index *index = NULL;
        uint32_t found = 0;
        const float at[] = {1};
        char asked[3][300];
        for (int i = 0; i < 3; i++)
            snprintf(asked[i], sizeof *asked,
                     NAMED ",\"data\":[[1]],\"annsField\":\"vector\",\"limit\":%s,\"outputFields\":[\"row\"]}",
                     (const char *[]){"150", "300", "900"}[i]);
        exchange script[6] = {PROBED,
                              {V2 "/collections/describe", NAMED "}", 5, 200,
                               "{\"code\":0,\"data\":{\"fields\":[{\"name\":\"vector\",\"type\":\"FloatVector(1)\"}]}}"}};
        size_t n = 2;
        script[n++] = (exchange){V2 "/entities/search", asked[0], 3, 200, first};
        if (k > 50)
            script[n++] = (exchange){V2 "/entities/search", asked[1], 3, 200, second};
        if (k > 200)
            script[n++] = (exchange){V2 "/entities/search", asked[2], 3, 200, third};
        char last[300];
        snprintf(last, sizeof last, NAMED ",\"data\":[[1]],\"annsField\":\"vector\",\"limit\":1000,\"outputFields\":[\"row\"]}");
        if (k > 800)
            script[n++] = (exchange){V2 "/entities/search", last, 3, 200, none};
        rest_begin(script, n);
        assert_ok(mrq_index_connect(backend, &many, &index, &err));
        assert_ok(mrq_index_search(index, at, k, NULL, hits, &found, &err));
        assert_script_done();
        assert_int_equal(found, k);
        for (uint32_t i = 0; i < k; i++)
            assert_int_equal(hits[i].row, 10 + i);
        mrq_index_free(index);
        mrq_backend_close(backend);
    }
    mrq_free(first);
    mrq_free(second);
    mrq_free(third);
    mrq_free(none);
}

static void the_first_version_is_searched_in_its_own_words(void **state)
{
    (void)state;
    mrq_backend *backend = open_backend();
    mrq_index *index = NULL;
    uint32_t row[3], found = 0;
    REST_SCRIPT(OLD, {V1 "/collections/describe?collectionName=m_" CONTENT, NULL, 5, 200, DIM_2},
                {V1 "/search", NAMED ",\"vector\":[1,0.5],\"limit\":3,\"outputFields\":[\"row\"]}", 3, 200,
                 "{\"code\":200,\"data\":[{\"row\":1}]}"});
    assert_ok(connect_to(backend, &index));
    assert_ok(index->searcher->search(index, query, 3, NULL, row, &found, &err));
    assert_true(found == 1 && row[0] == 1);
    assert_script_done();
    mrq_index_free(index);
    mrq_backend_close(backend);
}

/* A row that a reply repeats is taken once, at whatever place it stands. */
static void a_row_is_taken_once(void **state)
{
    (void)state;
    enum { ROWS = 130 };
    static float ones[ROWS];
    MRQ_CLEANUP(mrq_table_free) mrq_table *table = plain_table(ROWS);
    const mrq_contents many = {CONTENT, table, ones, 1};
    const float at[] = {1};
    static const uint32_t want[] = {0, 64, 65, 63, 127, 128, 129};
    uint32_t row[12], found = 0;
    mrq_backend *backend = open_backend();
    mrq_index *index = NULL;
    REST_SCRIPT(PROBED,
                {V2 "/collections/describe", NAMED "}", 5, 200,
                 "{\"code\":0,\"data\":{\"fields\":[{\"name\":\"vector\",\"type\":\"FloatVector(1)\"}]}}"},
                {V2 "/entities/search", NAMED ",\"data\":[[1]],\"annsField\":\"vector\",\"limit\":12,\"outputFields\":[\"row\"]}",
                 3, 200,
                 "{\"code\":0,\"data\":[{\"row\":0},{\"row\":64},{\"row\":65},{\"row\":64},{\"row\":63},{\"row\":0},{\"row\":127},"
                 "{\"row\":128},{\"row\":129},{\"row\":129},{\"row\":127},{\"row\":130}]}"});
    assert_ok(mrq_index_connect(backend, &many, &index, &err));
    assert_ok(index->searcher->search(index, at, 12, NULL, row, &found, &err));
    assert_script_done();
    assert_int_equal(found, sizeof want / sizeof *want);
    assert_memory_equal(row, want, sizeof want);
    mrq_index_free(index);
    mrq_backend_close(backend);
}

static void rows_are_counted_as_they_are_there(void **state)
{
    (void)state;
    mrq_backend *backend = open_backend();
    mrq_index *index = connected(backend);
    uint32_t n = 99;
    REST_SCRIPT(
        {V2 "/entities/query", WINDOW_3, 20, 200, "{\"code\":0,\"data\":[{\"row\":2},{\"row\":2},{\"row\":0},{\"row\":9}]}"});
    assert_ok(mrq_index_count(index, &n, &err));
    assert_int_equal(n, 2);
    assert_script_done();
    mrq_index_free(index);
    mrq_backend_close(backend);
}

/* --- silence --- */

static mrq_index *silent_index;

static void is_told_at_once(void)
{
    uint32_t row[3], found = 0;
    mrq_error problem = {0};
    void (*const meanwhile)(void) = rest_meanwhile;
    rest_meanwhile = NULL;
    assert_int_equal(silent_index->searcher->search(silent_index, query, 1, NULL, row, &found, &problem), MRQ_UNAVAILABLE);
    assert_string_equal(problem.msg, "Milvus at localhost:19530 did not answer a moment ago");
    rest_meanwhile = meanwhile;
}

static mrq_status search_silent(void)
{
    uint32_t row[3], found = 0;
    return silent_index->searcher->search(silent_index, query, 1, NULL, row, &found, &err);
}

/* A search in vain is a time-out from nine tenths of its deadline on, and from a second on whatever the deadline. */
static void a_time_out_is_nine_tenths_of_the_deadline_or_a_second(void **state)
{
    (void)state;
    static const struct {
        uint32_t deadline; /* milliseconds; 0: 3 seconds */
        double seconds, takes;
        bool silent;
    } cases[] = {{500, 0.5, 0.44, false}, {500, 0.5, 0.46, true}, {1500, 1.5, 0.99, false},
                 {1500, 1.5, 1.01, true}, {0, 3, 0.99, false},    {0, 3, 1.01, true}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        mrq_backend *backend = NULL;
        const mrq_backend_options options = {.address = "milvus://localhost:19530/m", .deadline = cases[i].deadline};
        assert_ok(mrq_backend_open(&options, &backend, &err));
        silent_index = connected(backend);
        const exchange script[] = {{V2 "/entities/search", ASKED("", "1"), cases[i].seconds, 200, NULL}};
        rest_begin(script, 1);
        rest_takes = &cases[i].takes;
        rest_now = 1000;
        assert_fails(search_silent(), MRQ_UNAVAILABLE, "no reply");
        rest_takes = NULL;
        if (cases[i].silent) {
            is_told_at_once();
        } else {
            exchange there = script[0];
            there.reply = NONE;
            rest_begin(&there, 1);
            assert_ok(search_silent());
        }
        assert_script_done();
        mrq_index_free(silent_index);
        mrq_backend_close(backend);
    }
}

/* After a search in vain that took a second nobody waits again, but for one that tries a second later. */
static void a_silent_server_holds_one_thread_at_most(void **state)
{
    (void)state;
    mrq_backend *backend = open_backend();
    silent_index = connected(backend);
    const exchange gone = {V2 "/entities/search", ASKED("", "1"), 3, 200, NULL};
    exchange there = gone;
    there.reply = NONE;
    const exchange script[] = {gone, gone, gone, there, there, gone, gone, there};
    static const double takes[] = {0.99, 1, 1, 2.5, 2.5, 0.99, 1, 2.5}; /* what is slow is an answer all the same */
    rest_begin(script, sizeof script / sizeof *script);
    rest_takes = takes;
    rest_now = 1000;
    assert_fails(search_silent(), MRQ_UNAVAILABLE, "no reply"); /* quickly: so the next one asks, too */
    assert_fails(search_silent(), MRQ_UNAVAILABLE, "no reply");
    is_told_at_once();
    rest_now += 0.99;
    is_told_at_once();
    rest_now += 0.02;
    rest_meanwhile = is_told_at_once; /* while this one tries */
    assert_fails(search_silent(), MRQ_UNAVAILABLE, "no reply");
    is_told_at_once();
    rest_now += 1.01;
    assert_ok(search_silent());
    rest_meanwhile = NULL;
    assert_ok(search_silent());
    assert_fails(search_silent(), MRQ_UNAVAILABLE, "no reply");
    assert_fails(search_silent(), MRQ_UNAVAILABLE, "no reply");
    rest_now += 1.01;
    assert_ok(search_silent());
    assert_script_done();
    mrq_index_free(silent_index);
    mrq_backend_close(backend);
}

/* Who tries after a silence, and never comes back, keeps others from it for the time that a search may take, and a second. */
static void whoever_tries_is_waited_for_as_long_as_a_search_may_take(void **state)
{
    (void)state;
    mrq_backend *backend = open_backend();
    silent_index = connected(backend);
    const exchange silent = {V2 "/entities/search", ASKED("", "1"), 3, 200, NULL};
    exchange there = silent;
    there.reply = NONE;
    const exchange script[] = {silent, silent, there};
    static const double takes[] = {1, 3.99, 0};
    rest_begin(script, 3);
    rest_takes = takes;
    rest_now = 500;
    assert_fails(search_silent(), MRQ_UNAVAILABLE, "no reply");
    rest_now += 1.01;
    rest_meanwhile = is_told_at_once;
    assert_fails(search_silent(), MRQ_UNAVAILABLE, "no reply");
    rest_meanwhile = NULL;
    is_told_at_once();
    rest_now += 1.01;
    assert_ok(search_silent());
    assert_script_done();
    mrq_index_free(silent_index);
    mrq_backend_close(backend);
}

/* --- the name, and what is too much --- */

static void the_name_is_pointed_to_the_collection(void **state)
{
    (void)state;
    static const char body[] = NAMED ",\"aliasName\":\"m\"}";
    static const char no[] = "{\"code\":1600,\"message\":\"no\"}";
    static const struct {
        const char *altered;
        long code;
        const char *made; /* NULL: is not tried */
        mrq_status status;
    } rows[] = {{"{\"code\":0}", 200, NULL, MRQ_OK},
                {no, 200, "{\"code\":0}", MRQ_OK},
                {no, 200, no, MRQ_UNAVAILABLE},
                {"", 500, NULL, MRQ_UNAVAILABLE},
                {NULL, 200, NULL, MRQ_UNAVAILABLE}};
    bool aliased = true;
    mrq_backend *unknown = open_backend(); /* of which the version is not known: nothing has been asked */
    rest_begin(NULL, 0);
    assert_ok(mrq_backend_point(unknown, CONTENT, &aliased, &err));
    assert_false(aliased);
    mrq_backend_close(unknown);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        mrq_backend *backend = open_backend();
        mrq_index_free(connected(backend));
        exchange script[] = {{V2 "/aliases/alter", body, 20, rows[i].code, rows[i].altered},
                             {V2 "/aliases/create", body, 20, 200, rows[i].made}};
        rest_begin(script, rows[i].made ? 2 : 1);
        assert_int_equal(mrq_backend_point(backend, CONTENT, &aliased, &err), rows[i].status);
        assert_script_done();
        assert_true(aliased);
        mrq_backend_close(backend);
    }
}

#define DESCRIBE(digits, owner)                                                                                                    \
    {                                                                                                                              \
        V2 "/collections/describe", "{\"collectionName\":\"m_" digits "\"}", 5, 200,                                               \
            "{\"code\":0,\"data\":{\"description\":" owner "}}"                                                                    \
    }
#define DROP(digits)                                                                                                               \
    {                                                                                                                              \
        V2 "/collections/drop", "{\"collectionName\":\"m_" digits "\"}", 20, 200, "{\"code\":0}"                                   \
    }

static void only_the_owners_collections_that_are_not_kept_are_dropped(void **state)
{
    (void)state;
    static const char names[] =
        "{\"code\":0,\"data\":[7,\"m\",\"m_\",\"n_00000000000000aa\",\"m-00000000000000aa\",\"m_0000000000000aa\","
        "\"m_000000000000000aa\",\"m_00000000000000AA\",\"m_00000000000000ag\",\"mm_00000000000000aa\","
        "\"m_00000000000000a1\",\"m_00000000000000a2\",\"m_00000000000000a3\",\"m_00000000000000a4\",\"m_00000000000000a5\","
        "\"m_00000000000000a6\"]}";
    static const mrq_content_name keep[] = {{"00000000000000a1"}, {"00000000000000a3"}};
    mrq_backend *backend = open_backend();
    mrq_index_free(connected(backend));
    uint32_t removed = 99;
    REST_SCRIPT({V2 "/collections/list", "{}", 5, 200, names}, DESCRIBE("00000000000000a2", "\"owner\""), DROP("00000000000000a2"),
                DESCRIBE("00000000000000a4", "\"owner's\""), DESCRIBE("00000000000000a5", "7"),
                DESCRIBE("00000000000000a6", "\"owner\""), DROP("00000000000000a6"));
    assert_ok(mrq_backend_prune(backend, "owner", keep, 2, &removed, &err));
    assert_script_done();
    assert_int_equal(removed, 2);
    const exchange script[] = {
        {V2 "/collections/list", "{}", 5, 200, names}, DESCRIBE("00000000000000a2", "\"owner\""), DROP("00000000000000a2")};
    for (size_t at = 0; at < 3; at++) {
        exchange some[3];
        memcpy(some, script, sizeof some);
        some[at].reply = "{\"code\":9}";
        rest_begin(some, at + 1);
        removed = 99;
        assert_fails(mrq_backend_prune(backend, "owner", keep, 2, &removed, &err), MRQ_UNAVAILABLE, "code 9");
        assert_script_done();
        assert_int_equal(removed, 99);
    }
    mrq_backend_close(backend);
}

/* --- memory --- */

static mrq_status do_all(void)
{
    static const exchange script[] = {
        PROBED,
        {V2 "/collections/list", "{}", 5, 200, LISTED},
        {V2 "/collections/describe", NAMED "}", 5, 200, DIM_2},
        {V2 "/entities/query", WINDOW_3, 20, 200, NONE},
        {V2 "/entities/upsert", NAMED ",\"data\":[" ROW_0 "," ROW_1 "," ROW_2 "]}", 20, 200, NONE},
        {V2 "/collections/describe", NAMED "}", 5, 200, DIM_2},
        {V2 "/entities/query", WINDOW_3, 20, 200, NONE},
        {V2 "/entities/search", ASKED(",\"filter\":\"year >= 1990\"", "2"), 3, 200,
         "{\"code\":0,\"data\":[{\"row\":2},{\"row\":0}]}"},
        {V2 "/aliases/alter", NAMED ",\"aliasName\":\"m\"}", 20, 200, "{\"code\":0}"},
        {V2 "/collections/list", "{}", 5, 200, LISTED},
        {V2 "/collections/describe", NAMED "}", 5, 200, "{\"code\":0,\"data\":{\"description\":\"owner\"}}"},
        {V2 "/collections/drop", NAMED "}", 20, 200, "{\"code\":0}"},
    };
    const mrq_backend_options options = {.address = "milvus://localhost:19530/m"};
    const mrq_condition new = ON(YEAR, MRQ_FROM, 0, 1);
    const mrq_terms terms = {&new, 1, 0};
    MRQ_CLEANUP(mrq_backend_close) mrq_backend *backend = NULL;
    MRQ_CLEANUP(mrq_index_free) mrq_index *index = NULL;
    uint32_t n, row[3], found;
    bool aliased;
    rest_begin(script, sizeof script / sizeof *script);
    MRQ_TRY(mrq_backend_open(&options, &backend, &err));
    MRQ_TRY(mrq_backend_upload(backend, &contents, "owner", NULL, NULL, &n, &err));
    MRQ_TRY(mrq_index_connect(backend, &contents, &index, &err));
    MRQ_TRY(mrq_index_count(index, &n, &err));
    MRQ_TRY(index->searcher->search(index, query, 2, &terms, row, &found, &err));
    MRQ_TRY(mrq_backend_point(backend, CONTENT, &aliased, &err));
    MRQ_TRY(mrq_backend_prune(backend, "owner", NULL, 0, &n, &err));
    assert_script_done();
    return MRQ_OK;
}

/* Whichever allocation fails, the call does, with "out of memory", and what was opened is closed. */
static void memory_that_runs_out_is_told(void **state)
{
    (void)state;
    int n = 0;
    for (bool failed = true; failed && n < 5000; n++) {
        err = (mrq_error){0};
        atomic_store(&allocations_left, n);
        const mrq_status status = do_all();
        failed = atomic_exchange(&allocations_left, INT_MAX) < 0;
        const bool spared = one_fails_alone && status == MRQ_OK; /* a text is as good in more room than it takes */
        if (!spared && (status == MRQ_OK ? failed : status != MRQ_FAILED || !strstr(err.msg, "out of memory")))
            fail_msg("allocation %d fails: got %d, \"%s\"", n, (int)status, err.msg);
        assert_int_equal(rest_open, 0);
    }
    assert_in_range(n, 50, 4999);
}

/* The same where one allocation fails alone: that it did is not found out by the next one. */
static void memory_that_is_short_for_a_moment_is_told(void **state)
{
    one_fails_alone = true;
    memory_that_runs_out_is_told(state);
    one_fails_alone = false;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_address_says_where_and_what),
        cmocka_unit_test(an_address_that_makes_no_sense_is_refused),
        cmocka_unit_test(names_and_tokens_have_a_longest),
        cmocka_unit_test(an_upload_makes_the_collection_and_sends_what_is_missing),
        cmocka_unit_test(the_first_version_is_spoken_to_in_its_own_words),
        cmocka_unit_test(rows_go_by_the_hundred_and_are_read_back_by_the_window),
        cmocka_unit_test(what_may_pass_is_asked_for_again_and_nothing_else),
        cmocka_unit_test(an_upload_goes_on_after_what_has_passed),
        cmocka_unit_test(an_upload_ends_where_it_is_refused),
        cmocka_unit_test(a_collection_of_other_vectors_is_refused),
        cmocka_unit_test(a_collection_that_is_missing_is_told_from_a_server_that_is_gone),
        cmocka_unit_test(a_filter_is_told_as_far_as_it_can_be),
        cmocka_unit_test(names_with_other_characters_are_not_told),
        cmocka_unit_test(long_texts_are_cut_and_not_told),
        cmocka_unit_test(fields_have_plain_names),
        cmocka_unit_test(rows_that_cannot_be_are_not_taken_and_none_twice),
        cmocka_unit_test(an_answer_is_exact_whatever_the_server_says),
        cmocka_unit_test(candidates_enough_are_asked_for),
        cmocka_unit_test(a_longer_list_begins_with_the_shorter_one),
        cmocka_unit_test(the_first_version_is_searched_in_its_own_words),
        cmocka_unit_test(a_row_is_taken_once),
        cmocka_unit_test(rows_are_counted_as_they_are_there),
        cmocka_unit_test(a_silent_server_holds_one_thread_at_most),
        cmocka_unit_test(a_time_out_is_nine_tenths_of_the_deadline_or_a_second),
        cmocka_unit_test(whoever_tries_is_waited_for_as_long_as_a_search_may_take),
        cmocka_unit_test(the_name_is_pointed_to_the_collection),
        cmocka_unit_test(only_the_owners_collections_that_are_not_kept_are_dropped),
        cmocka_unit_test(memory_that_runs_out_is_told),
        cmocka_unit_test(memory_that_is_short_for_a_moment_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
