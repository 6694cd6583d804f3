/* The service over a real store: every answer is compared whole, its head as its body, with what the library says; limits at their
 * value and one beyond; each call of libmicrohttpd and each allocation that fails in its turn. */
#include "unit/asked.h"
#include "unit/checked_locks.h"
#include "unit/failing_memory.h"
#include "unit/store_world.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>

#include "base/asset.h"
#include "base/clock.h"
#include "engine/options.h"
#include "http/batch.h"
#include "http/mhd.h"
#include "http/params.h"
#include "http/reply.h"
#include "http/server.h"

static char store[PATH], address[120];
static mrq_recommender *served, *twin; /* the same store: what `twin` says, the service has to */

static int set_up(void **state)
{
    char name[MRQ_GENERATION_NAME];
    make_world(state);
    export_to(new_store(store), name);
    snprintf(address, sizeof address, "unix:%.80s/socket", folder);
    assert_ok(mrq_recommender_open(&(mrq_options){.store = store}, &served, &err));
    assert_ok(mrq_recommender_open(&(mrq_options){.store = store}, &twin, &err));
    return 0;
}

static int tear_down(void **state)
{
    mrq_recommender_close(served);
    mrq_recommender_close(twin);
    return free_world(state);
}

/* A server of one worker, and its listener. */
typedef struct service {
    mrq_listener listener;
    mrq_server *server;
} service;

static void start(service *s, const char *where, mrq_server_options options)
{
    assert_ok(mrq_listener_open(where, true, &s->listener, &err));
    options.recommender = served;
    options.listener = &s->listener;
    options.workers = options.workers ? options.workers : 1;
    options.connections = options.connections ? options.connections : 100;
    options.idle_seconds = options.request_seconds = 60;
    assert_ok(mrq_server_start(&options, &s->server, &err));
}

static void stop(service *s)
{
    for (int ms = 0; mrq_server_pending(s->server) && ms < 5000; ms++) /* an answer is heard before it is over */
        usleep(1000);
    assert_int_equal(mrq_server_pending(s->server), 0);
    mrq_server_stop(s->server);
    mrq_listener_close(&s->listener);
}

static int connect_to(const service *s)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    const bool local = *s->listener.path, six = strchr(s->listener.address[0], '[') != NULL;
    const int fd = socket(local ? AF_UNIX : six ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    memcpy(un.sun_path, s->listener.path, sizeof un.sun_path);
    in.sin_port = in6.sin6_port = htons((uint16_t)(local ? 0 : atoi(strrchr(s->listener.address[0], ':') + 1)));
    assert_int_equal(local ? connect(fd, (struct sockaddr *)&un, sizeof un)
                     : six ? connect(fd, (struct sockaddr *)&in6, sizeof in6)
                           : connect(fd, (struct sockaddr *)&in, sizeof in),
                     0);
    return fd;
}

static void say(int fd, const char *text, size_t size)
{
    for (ssize_t n; size; text += n, size -= (size_t)n)
        assert_true((n = send(fd, text, size, MSG_NOSIGNAL)) > 0);
}

/* The whole answer, with "Date: " and what follows it cut out of its head; "" when the connection ends without one. Nothing may
 * follow it. */
static const char *hear(int fd, bool has_body)
{
    static char text[8 << 20];
    size_t size = 0, want = 0;
    while (!want || size < want) {
        struct pollfd wait = {fd, POLLIN, 0};
        assert_int_equal(poll(&wait, 1, 20000), 1);
        const ssize_t n = recv(fd, text + size, sizeof text - 1 - size, 0);
        if (n <= 0)
            break;
        size += (size_t)n;
        text[size] = '\0';
        const char *end = strstr(text, "\r\n\r\n"), *length = end ? strstr(text, "Content-Length: ") : NULL;
        if (end)
            want = (size_t)(end + 4 - text) + (has_body && length && length < end ? strtoul(length + 16, NULL, 10) : 0);
    }
    text[size] = '\0';
    assert_int_equal(size, want);
    char *date = strstr(text, "Date: ");
    if (date && date < strstr(text, "\r\n\r\n"))
        memmove(date, strchr(date, '\n') + 1, strlen(strchr(date, '\n') + 1) + 1);
    return text;
}

static bool is_closed(int fd)
{
    struct pollfd wait = {fd, POLLIN, 0};
    char byte;
    return poll(&wait, 1, 5000) == 1 && recv(fd, &byte, 1, 0) <= 0;
}

static const char *ask_on(int fd, const char *request)
{
    say(fd, request, strlen(request));
    return hear(fd, strncmp(request, "HEAD", 4) != 0);
}

/* Of a connection of its own. */
static const char *ask(const service *s, const char *request)
{
    const int fd = connect_to(s);
    const char *said = ask_on(fd, request);
    close(fd);
    return said;
}

#define HOST        "Host: localhost\r\n"
#define TYPED(type) "Content-Type: " type "\r\nX-Content-Type-Options: nosniff\r\n"
#define JSON        TYPED("application/json") "Cache-Control: no-store\r\n"
#define CLOSE       "Connection: close\r\n"
#define PAGE(type)                                                                                                                 \
    TYPED(type "; charset=utf-8")                                                                                                  \
    "Cache-Control: no-cache\r\nContent-Security-Policy: default-src 'none'; script-src 'self'; style-src 'self'; connect-src "    \
    "'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'\r\nReferrer-Policy: "               \
    "no-referrer\r\n"
#define GET(target)            "GET " target " HTTP/1.1\r\n" HOST "\r\n"
#define POST(fields)           "POST /v1/recommendations HTTP/1.1\r\n" HOST fields "\r\n"
#define IS_JSON                "Content-Type: application/json\r\n"
#define PROBLEM(code, message) "{\"schema\":1,\"error\":{\"code\":\"" code "\",\"message\":\"" message "\"}}\n"

/* The answer is this one, to the byte: the status, what libmicrohttpd says of the connection, our headers, the body. */
static void assert_said(const char *said, const char *status, const char *headers, const char *body)
{
    static char want[4 << 20];
    char length[40] = "";
    if (strncmp(status, "204", 3) != 0)
        snprintf(length, sizeof length, "Content-Length: %zu\r\n", strlen(body));
    snprintf(want, sizeof want, "HTTP/1.1 %s\r\n%s%s\r\n%s", status, headers, length, body);
    assert_string_equal(said, want);
}

/* The document of a result, which is freed; the library asked the recommender `twin`. */
static const char *document(mrq_status status, mrq_answer *result)
{
    static char text[1 << 16];
    if (status != MRQ_OK)
        fail_msg("%s", err.msg);
    snprintf(text, sizeof text, "%s", mrq_answer_json(result, NULL));
    mrq_answer_free(result);
    return text;
}

static const char *recommended(const question *query)
{
    mrq_answer *result = NULL;
    const mrq_status status = ask_recommend(twin, query, &result, &err);
    return document(status, result);
}

static const char *similar(const question_filters *filters, uint32_t k)
{
    mrq_answer *result = NULL;
    const mrq_status status = ask_similar(twin, "13", k, filters, &result, &err);
    return document(status, result);
}

static const char *searched(const char *text, uint32_t k)
{
    mrq_answer *result = NULL;
    const mrq_status status = ask_search(twin, text, k, &result, &err);
    return document(status, result);
}

static const char *told(int64_t item, int64_t user, uint32_t k)
{
    mrq_answer *result = NULL;
    const mrq_status status = item >= 0   ? ask_item(twin, item, &result, &err)
                              : user >= 0 ? ask_user(twin, user, k, &result, &err)
                                          : ask_info(twin, &result, &err);
    return document(status, result);
}

static void every_answer_is_the_librarys(void **state)
{
    (void)state;
    service s;
    start(&s, address, (mrq_server_options){0});
    const char *genre[] = {"genre001", "genre002"};
    const int64_t exclude[] = {10, 13};
    const question_filters filters = {
        .genre = genre, .n_genres = 2, .year_from = 1950, .year_to = 1990, .exclude = exclude, .n_exclude = 2};
    const struct {
        const char *request;
        const char *body;
    } cases[] = {
        {GET("/v1/recommendations?user=4"), strdup(recommended(&(question){.user = 4, .k = MRQ_K_DEFAULT}))},
        {GET("/v1/recommendations?user=4&k=3&explain=true"), strdup(recommended(&(question){.user = 4, .k = 3, .explain = 10}))},
        {GET("/v1/recommendations?age=age003&k=1000"), strdup(recommended(&(question){.age = "age003", .user = -1, .k = 1000}))},
        {GET("/v1/recommendations?user=4&k=2&genre=genre001&genre=genre002&year=1950-1990&exclude=10,13"),
         strdup(recommended(&(question){.user = 4, .k = 2, .filters = filters}))},
        {GET("/v1/recommendations?user=4&k=9&include_seen=true&genre=genre001&genre=genre002&all_genres=1"),
         strdup(recommended(&(question){
             .user = 4, .k = 9, .filters = {.genre = genre, .n_genres = 2, .all_genres = true, .include_seen = true}}))},
        {GET("/v1/items/13"), strdup(told(13, -1, 0))},
        {GET("/v1/items/%31%33"), strdup(told(13, -1, 0))},
        {GET("/v1/items/13/similar"), strdup(similar(NULL, MRQ_K_DEFAULT))},
        {GET("/v1/items/13/similar?k=7&genre=genre001&genre=genre002&year=1950-1990&exclude=10,13"), strdup(similar(&filters, 7))},
        {GET("/v1/items"), strdup(searched("", 10))},
        {GET("/v1/items?query=+%09"), strdup(searched("", 10))},
        {GET("/v1/items?query=title+00&k=3"), strdup(searched("title 00", 3))},
        {GET("/v1/users/4"), strdup(told(-1, 4, 10))},
        {GET("/v1/users/4?k=1"), strdup(told(-1, 4, 1))},
        {GET("/v1/info"), strdup(told(-1, -1, 0))},
        {GET("/healthz"), strdup("{\"status\":\"ok\"}\n")},
        {GET("/healthz?probe=1&probe=%zz"), strdup("{\"status\":\"ok\"}\n")},
        {GET("/readyz"), strdup("{\"status\":\"ok\"}\n")},
        {GET("/readyz?x"), strdup("{\"status\":\"ok\"}\n")},
        {"GET http://anything/readyz HTTP/1.1\r\n" HOST "\r\n", strdup("{\"status\":\"ok\"}\n")},
    };
    const int kept = connect_to(&s);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_said(ask_on(kept, cases[i].request), "200 OK", JSON, cases[i].body);
        char head[300];
        snprintf(head, sizeof head, "HEAD %s", cases[i].request + 4);
        char *said = strdup(ask_on(kept, head));
        assert_string_equal(strstr(said, "\r\n\r\n"), "\r\n\r\n");
        said = realloc(said, strlen(said) + strlen(cases[i].body) + 1);
        assert_said(strcat(said, cases[i].body), "200 OK", JSON, cases[i].body);
        free(said);
        free((char *)(uintptr_t)cases[i].body);
    }
    close(kept);
    stop(&s);
}

/* What stands in the sources is what a browser gets. */
static void the_page_is_told_as_it_is(void **state)
{
    (void)state;
    static const struct {
        const char *path, *file, *headers;
    } cases[] = {
        {"/", "page/index.html", PAGE("text/html")},
        {"/?from=elsewhere", "page/index.html", PAGE("text/html")},
        {"/page.css", "page/page.css", PAGE("text/css")},
        {"/page.js", "page/page.js", PAGE("text/javascript")},
        {"/parts.js", "page/parts.js", PAGE("text/javascript")},
    };
    const char *source = getenv("MRQ_SOURCE");
    if (!source)
        skip_test("MRQ_SOURCE is not set");
    service s;
    start(&s, address, (mrq_server_options){0});
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char path[PATH], request[200];
        size_t size;
        snprintf(path, sizeof path, "%.3000s/src/http/%s", source, cases[i].file);
        snprintf(request, sizeof request, "GET %s HTTP/1.1\r\n" HOST "\r\n", cases[i].path);
        MRQ_AUTOFREE unsigned char *text = read_bytes(path, &size);
        assert_said(ask(&s, request), "200 OK", cases[i].headers, (const char *)text);
    }
    stop(&s);
}

static void a_batch_is_answered_as_its_queries_are(void **state)
{
    (void)state;
    service s;
    start(&s, address, (mrq_server_options){.workers = 2});
    static char one[1 << 16], two[1 << 16], want[1 << 18];
    snprintf(one, sizeof one, "%s", recommended(&(question){.user = 4, .k = 2}));
    snprintf(two, sizeof two, "%s", recommended(&(question){.user = 5, .k = 3}));
    one[strlen(one) - 1] = two[strlen(two) - 1] = '\0';
    snprintf(
        want, sizeof want,
        "{\"schema\":1,\"answers\":[%s,{\"schema\":1,\"error\":{\"code\":\"usage\",\"message\":\"k \\\"0\\\": want a whole "
        "number from 1 to 1000\"}},{\"schema\":1,\"error\":{\"code\":\"usage\",\"message\":\"liked: model \\\"small\\\" does not "
        "learn from what a person likes; train with --model retrieval\"}},%s]}\n",
        one, two);
    static const char body[] = "{\"queries\":[{\"user\":4,\"k\":2},{\"k\":0},{\"liked\":99},{\"user\":5,\"k\":3}]}";
    static const char *const kinds[] = {"application/json", "Application/JSON; charset=utf-8", "application/json ;x",
                                        "application/json\t"};
    char request[1000];
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        snprintf(request, sizeof request, POST("Content-Type: %s\r\nContent-Length: %zu\r\n") "%s", kinds[i], sizeof body - 1,
                 body);
        assert_said(ask(&s, request), "200 OK", JSON, want);
    }
    snprintf(request, sizeof request, POST(IS_JSON "Transfer-Encoding: chunked\r\n") "10\r\n%.16s\r\n%zx\r\n%s\r\n0\r\n\r\n", body,
             sizeof body - 1 - 16, body + 16);
    assert_said(ask(&s, request), "200 OK", CLOSE JSON, want);
    assert_said(ask(&s, POST(IS_JSON "Content-Length: 14\r\n") "{\"queries\":[]}"), "200 OK", JSON,
                "{\"schema\":1,\"answers\":[]}\n");
    assert_said(ask(&s, POST(IS_JSON "Content-Length: 0\r\n")), "400 Bad Request", JSON,
                PROBLEM("usage", "body:1: not valid JSON"));
    stop(&s);
}

#define HEADS_WANTED                                                                                                               \
    "want one Host; at most one Content-Length, in digits, or in HTTP/1.1 one \\\"Transfer-Encoding: chunked\\\"; "                \
    "lines that end in CRLF, none folded; no blanks in the URL or in names; no control characters"
#define STRANGE_HOST(host)                                                                                                         \
    "\\\"" host "\\\" is not a host name of this service: want localhost, a loopback address, the name in --listen, or one "       \
    "that --host NAME adds"
#define ORIGIN  "Origin: https://page.example\r\n"
#define ALLOWED JSON "Vary: Origin\r\nAccess-Control-Allow-Origin: https://page.example\r\n"
#define OTHERS  JSON "Vary: Origin\r\n"

static void what_is_refused_is_told_whole(void **state)
{
    (void)state;
    static const mrq_texts hosts = {1, {"movies.example"}}, origins = {2, {"https://other", "https://page.example"}};
    static const mrq_secret token = {.text = "0123456789abcdef", .size = 16};
    static const struct {
        const char *request, *status, *headers, *body; /* of a service with names and origins */
    } cases[] = {
        {GET("/nothing"), "404 Not Found", OTHERS, PROBLEM("not_found", "nothing at /nothing; see /openapi.json")},
        {"POST /nothing HTTP/1.1\r\n" HOST "\r\n", "404 Not Found", OTHERS,
         PROBLEM("not_found", "nothing at /nothing; see /openapi.json")},
        {"PUT /v1/info HTTP/1.1\r\n" HOST ORIGIN "\r\n", "405 Method Not Allowed", ALLOWED "Allow: GET, HEAD\r\n",
         PROBLEM("method_not_allowed", "PUT /v1/info: want GET, HEAD")},
        {"PUT /v1/recommendations HTTP/1.1\r\n" HOST "\r\n", "405 Method Not Allowed", OTHERS "Allow: GET, HEAD, POST\r\n",
         PROBLEM("method_not_allowed", "PUT /v1/recommendations: want GET, HEAD, POST")},
        {"GET /v1/info HTTP/1.1\r\nHost: x\r\n\r\n", "421 Misdirected Request", OTHERS, PROBLEM("misdirected", STRANGE_HOST("x"))},
        {"GET /v1/info HTTP/1.0\r\nHost: y\r\n\r\n", "421 Misdirected Request", CLOSE OTHERS,
         PROBLEM("misdirected", STRANGE_HOST("y"))},
        {"GET http://x/v1/info HTTP/1.1\r\n" HOST "\r\n", "421 Misdirected Request", OTHERS,
         PROBLEM("misdirected", STRANGE_HOST("x"))},
        {"GET http://x HTTP/1.0\r\n\r\n", "421 Misdirected Request", CLOSE OTHERS, PROBLEM("misdirected", STRANGE_HOST("x"))},
        {"GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n", "421 Misdirected Request", OTHERS,
         PROBLEM("misdirected", STRANGE_HOST("x"))},
        {"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n", "200 OK", OTHERS, "{\"status\":\"ok\"}\n"},
        {"GET http://x/readyz HTTP/1.1\r\n" HOST "\r\n", "200 OK", OTHERS, "{\"status\":\"ok\"}\n"},
        {"GET /healthz HTTP/1.0\r\n\r\n", "200 OK", CLOSE OTHERS, "{\"status\":\"ok\"}\n"},
        {"GET /healthz HTTP/1.1\r\n\r\n", "400 Bad Request", CLOSE OTHERS, PROBLEM("usage", HEADS_WANTED)},
        {"GET /healthz HTTP/1.1\r\n" HOST HOST "\r\n", "400 Bad Request", CLOSE OTHERS, PROBLEM("usage", HEADS_WANTED)},
        {"GET /healthz HTTP/1.0\r\n" HOST HOST "\r\n", "400 Bad Request", CLOSE OTHERS, PROBLEM("usage", HEADS_WANTED)},
        {"GET /healthz HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "400 Bad Request", CLOSE OTHERS,
         PROBLEM("usage", HEADS_WANTED)},
        {"GET /health z HTTP/1.1\r\n" HOST "\r\n", "400 Bad Request", CLOSE OTHERS, PROBLEM("usage", HEADS_WANTED)},
        {"GET /healthz?\t HTTP/1.1\r\n" HOST "\r\n", "400 Bad Request", CLOSE OTHERS, PROBLEM("usage", HEADS_WANTED)},
        {"GET /healthz HTTP/1.1\r\n" HOST "X: 1\r\n 2\r\n\r\n", "400 Bad Request", CLOSE OTHERS, PROBLEM("usage", HEADS_WANTED)},
        {"GET /healthz HTTP/1.1\r\n" HOST "X: \x1f\r\n\r\n", "400 Bad Request", CLOSE OTHERS, PROBLEM("usage", HEADS_WANTED)},
        {"GET /healthz HTTP/1.1\r\n" HOST "X: \x7f\r\n\r\n", "400 Bad Request", CLOSE OTHERS, PROBLEM("usage", HEADS_WANTED)},
        {"GET /healthz HTTP/1.1\r\n" HOST "X: \t a\tb ~\r\n\r\n", "200 OK", OTHERS, "{\"status\":\"ok\"}\n"},
        {"GET /healthz HTTP/1.1\r\n" HOST "(X): 1\r\n\r\n", "400 Bad Request", CLOSE OTHERS, PROBLEM("usage", HEADS_WANTED)},
        {"GET /healthz HTTP/1.1\r\n" HOST "X : 1\r\n\r\n", "400 Bad Request", CLOSE OTHERS, PROBLEM("usage", HEADS_WANTED)},
        {POST(IS_JSON "Content-Length: 0\r\nContent-Length: 0\r\n"), "400 Bad Request", CLOSE OTHERS,
         PROBLEM("usage", HEADS_WANTED)},
        {POST(IS_JSON "Content-Length: 0\r\nTransfer-Encoding: chunked\r\n") "0\r\n\r\n", "400 Bad Request", CLOSE OTHERS,
         PROBLEM("usage", HEADS_WANTED)},
        {POST(IS_JSON "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n") "0\r\n\r\n", "400 Bad Request", CLOSE OTHERS,
         PROBLEM("usage", HEADS_WANTED)},
        {POST(IS_JSON "Transfer-Encoding: identity\r\n"), "400 Bad Request", CLOSE OTHERS, PROBLEM("usage", HEADS_WANTED)},
        {POST(IS_JSON "Transfer-Encoding: Chunked\r\n") "e\r\n{\"queries\":[]}\r\n0\r\n\r\n", "200 OK", CLOSE OTHERS,
         "{\"schema\":1,\"answers\":[]}\n"},
        {POST("Content-Length: 2\r\n") "{}", "415 Unsupported Media Type", CLOSE OTHERS,
         PROBLEM("unsupported_media_type", "the body's Content-Type is not application/json")},
        {POST("Content-Type: application/jsonp\r\n"), "415 Unsupported Media Type", OTHERS,
         PROBLEM("unsupported_media_type", "the body's Content-Type is not application/json")},
        {POST("Content-Type: application/jso\r\n"), "415 Unsupported Media Type", OTHERS,
         PROBLEM("unsupported_media_type", "the body's Content-Type is not application/json")},
        {POST(IS_JSON "Content-Length: 1048577\r\n"), "413 Content Too Large", CLOSE OTHERS,
         PROBLEM("too_large", "the body has more than 1048576 bytes")},
        {"OPTIONS /v1/info HTTP/1.1\r\n" HOST ORIGIN "Access-Control-Request-Method: GET\r\n\r\n", "204 No Content",
         ALLOWED "Access-Control-Allow-Methods: GET, HEAD\r\nAccess-Control-Allow-Headers: Authorization, Content-Type\r\n"
                 "Access-Control-Max-Age: 600\r\nAllow: GET, HEAD\r\n",
         ""},
        {"OPTIONS /v1/recommendations HTTP/1.1\r\n" HOST ORIGIN "Access-Control-Request-Method: POST\r\n\r\n", "204 No Content",
         ALLOWED "Access-Control-Allow-Methods: GET, HEAD, POST\r\nAccess-Control-Allow-Headers: Authorization, Content-Type\r\n"
                 "Access-Control-Max-Age: 600\r\nAllow: GET, HEAD, POST\r\n",
         ""},
        {"OPTIONS /v1/info HTTP/1.1\r\n" HOST ORIGIN "\r\n", "405 Method Not Allowed", ALLOWED "Allow: GET, HEAD\r\n",
         PROBLEM("method_not_allowed", "OPTIONS /v1/info: want GET, HEAD")},
        {"OPTIONS /v1/info HTTP/1.1\r\n" HOST "Origin: https://page\r\nAccess-Control-Request-Method: GET\r\n\r\n",
         "405 Method Not Allowed", OTHERS "Allow: GET, HEAD\r\n",
         PROBLEM("method_not_allowed", "OPTIONS /v1/info: want GET, HEAD")},
        {"PUT /v1/info HTTP/1.1\r\n" HOST ORIGIN "Access-Control-Request-Method: GET\r\n\r\n", "405 Method Not Allowed",
         ALLOWED "Allow: GET, HEAD\r\n", PROBLEM("method_not_allowed", "PUT /v1/info: want GET, HEAD")},
        {"OPTIONS /nothing HTTP/1.1\r\n" HOST ORIGIN "Access-Control-Request-Method: GET\r\n\r\n", "404 Not Found", ALLOWED,
         PROBLEM("not_found", "nothing at /nothing; see /openapi.json")},
        {GET("/v1/info?x=1"), "400 Bad Request", OTHERS, PROBLEM("usage", "unknown parameter \\\"x\\\": want no parameters")},
        {GET("/metrics?x=1"), "400 Bad Request", OTHERS, PROBLEM("usage", "unknown parameter \\\"x\\\": want no parameters")},
        {GET("/v1/items/13/similar?user=1"), "400 Bad Request", OTHERS,
         PROBLEM("usage", "unknown parameter \\\"user\\\": want k, offset, genre, all_genres, year, where, exclude, show")},
        {GET("/v1/items?user=1"), "400 Bad Request", OTHERS,
         PROBLEM("usage", "unknown parameter \\\"user\\\": want k, offset, genre, all_genres, "
                          "year, where, exclude, show, order, query")},
        {GET("/v1/users/1?query=1"), "400 Bad Request", OTHERS, PROBLEM("usage", "unknown parameter \\\"query\\\": want k")},
        {GET("/v1/recommendations?query=1"), "400 Bad Request", OTHERS,
         PROBLEM("usage", "unknown parameter \\\"query\\\": want age, gender, job, with, user, liked, disliked, k, offset, genre, "
                          "all_genres, year, where, exclude, include_seen, show, explain")},
        {GET("/v1/items/13/similar?item=13"), "400 Bad Request", OTHERS,
         PROBLEM("usage", "unknown parameter \\\"item\\\": want k, offset, genre, all_genres, year, where, exclude, show")},
        {GET("/v1/recommendations?town=1"), "400 Bad Request", OTHERS,
         PROBLEM("usage", "town \\\"1\\\": neither a field of a query nor a column of the users; the columns: gender, age, job")},
        {GET("/v1/recommendations?user=4&k=2&explain=all"), "400 Bad Request", OTHERS,
         PROBLEM("usage", "explain \\\"all\\\": want true, false, or how many parts, 1 to 1000")},
        {GET("/v1/recommendations?user=4&k=1000&explain=100"), "400 Bad Request", OTHERS,
         PROBLEM("usage", "explain: 1000 items with 100 parts of scores each, want at most 100000 items and parts in all")},
        {GET("/v1/recommendations?user=4&k=1000&explain=99"), "200 OK", OTHERS, NULL},
        {GET("/v1/movies"), "404 Not Found", OTHERS, PROBLEM("not_found", "nothing at /v1/movies; see /openapi.json")},
        {GET("/v1/movies/13/similar"), "404 Not Found", OTHERS,
         PROBLEM("not_found", "nothing at /v1/movies/13/similar; see /openapi.json")},
        {GET("/v1/items/x%0A"), "400 Bad Request", OTHERS, PROBLEM("usage", "id \\\"x?\\\": contains a control character")},
        {GET("/v1/items/%2"), "400 Bad Request", OTHERS,
         PROBLEM("usage", "id: broken percent-encoding \\\"%2\\\", want % and two hexadecimal digits")},
        {GET("/v1/items/%ff/similar"), "400 Bad Request", OTHERS, PROBLEM("usage", "id: byte 1 is not UTF-8")},
        {GET("/v1/items/a%2Fb"), "404 Not Found", OTHERS, PROBLEM("not_found", "item a/b: not among the 40 items of the data")},
        {GET("/v1/items/0"), "404 Not Found", OTHERS, PROBLEM("not_found", "item 0: not among the 40 items of the data")},
        {GET("/v1/items/9223372036854775807/similar"), "404 Not Found", OTHERS,
         PROBLEM("not_found",
                 "item \\\"9223372036854775807\\\": want the id of one of the 40 items, or its title or a part of it")},
        {GET("/v1/users/x"), "404 Not Found", OTHERS, PROBLEM("not_found", "user x: not among the 50 users of the data")},
        {GET("/v1/users/51"), "404 Not Found", OTHERS, PROBLEM("not_found", "user 51: not among the 50 users of the data")},
    };
    service s;
    start(&s, "127.0.0.1:0", (mrq_server_options){.hosts = &hosts, .origins = &origins});
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const int fd = connect_to(&s);
        const char *said = ask_on(fd, cases[i].request);
        if (cases[i].body)
            assert_said(said, cases[i].status, cases[i].headers, cases[i].body);
        else
            assert_memory_equal(said + 9, cases[i].status, strlen(cases[i].status));
        if (strstr(cases[i].headers, CLOSE))
            assert_true(is_closed(fd));
        else
            assert_said(ask_on(fd, GET("/healthz")), "200 OK", OTHERS, "{\"status\":\"ok\"}\n"); /* the connection stays */
        close(fd);
    }
    stop(&s);

    static const char needed[] = PROBLEM("unauthorized", "this needs a token: Authorization: Bearer TOKEN");
    static const char *const guarded[] = {GET("/v1/info"), GET("/metrics"), GET("/nothing"), POST("")};
    start(&s, address, (mrq_server_options){.token = &token});
    for (size_t i = 0; i < sizeof guarded / sizeof *guarded; i++)
        assert_said(ask(&s, guarded[i]), "401 Unauthorized", JSON "WWW-Authenticate: Bearer\r\n", needed);
    assert_said(ask(&s, "GET /v1/users/51 HTTP/1.1\r\nHost: any\r\nAuthorization: Bearer 0123456789abcdef\r\n\r\n"),
                "404 Not Found", JSON, PROBLEM("not_found", "user 51: not among the 50 users of the data"));
    assert_said(ask(&s, GET("/healthz")), "200 OK", JSON, "{\"status\":\"ok\"}\n");
    assert_memory_equal(ask(&s, GET("/openapi.json")), "HTTP/1.1 200", 12);
    stop(&s);
}

/* A target of 8192 bytes, a body of a mebibyte; each is refused with one more, however it comes. */
static void requests_have_limits(void **state)
{
    (void)state;
    enum { URL = MRQ_URL_MAX, BODY = 1 << 20 };
    service s;
    start(&s, address, (mrq_server_options){0});
    static char request[BODY + 1000], body[BODY + 1];
    for (size_t size = URL; size <= URL + 1; size++) {
        const int before = snprintf(request, sizeof request, "GET /nothing");
        memset(request + before, 'x', size - 8);
        strcpy(request + before + size - 8, " HTTP/1.1\r\n" HOST "\r\n");
        if (size == URL)
            assert_memory_equal(ask(&s, request), "HTTP/1.1 404", 12);
        else
            assert_said(ask(&s, request), "414 URI Too Long", JSON,
                        PROBLEM("too_large", "the URL has 8193 bytes, want at most 8192"));
    }
    memset(body, ' ', sizeof body);
    memcpy(body, "{\"queries\":[]}", 14);
    for (int chunked = 0; chunked < 2; chunked++)
        for (size_t size = BODY; size <= BODY + 1; size++) {
            const int fd = connect_to(&s);
            const size_t n =
                (size_t)(chunked ? snprintf(request, sizeof request, POST(IS_JSON "Transfer-Encoding: chunked\r\n") "%zx\r\n", size)
                                 : snprintf(request, sizeof request, POST(IS_JSON "Content-Length: %zu\r\n"), size));
            say(fd, request, n);
            if (chunked || size == BODY)
                say(fd, body, size);
            if (chunked)
                say(fd, "\r\n0\r\n\r\n", 7);
            if (size == BODY)
                assert_said(hear(fd, true), "200 OK", chunked ? CLOSE JSON : JSON, "{\"schema\":1,\"answers\":[]}\n");
            else
                assert_said(hear(fd, true), "413 Content Too Large", CLOSE JSON,
                            PROBLEM("too_large", "the body has more than 1048576 bytes"));
            close(fd);
        }

    /* The same of a body that nobody wants: it is thrown away as it comes. */
    for (size_t size = BODY; size <= BODY + 1; size++) {
        const int fd = connect_to(&s);
        const size_t n = (size_t)snprintf(request, sizeof request,
                                          "GET /healthz HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n%zx\r\n", size);
        say(fd, request, n);
        say(fd, body, size);
        say(fd, "\r\n0\r\n\r\n", 7);
        if (size == BODY)
            assert_said(hear(fd, true), "200 OK", CLOSE JSON, "{\"status\":\"ok\"}\n");
        else
            assert_said(hear(fd, true), "413 Content Too Large", CLOSE JSON,
                        PROBLEM("too_large", "the body has more than 1048576 bytes"));
        assert_true(is_closed(fd));
        close(fd);
    }
    stop(&s);
}

/* Bodies that come in hold 64 MiB at once, of all connections; who comes with more is told to try again, and what the others
 * brought is freed with them. */
static void all_bodies_together_have_a_limit(void **state)
{
    (void)state;
    enum { BODY = 1 << 20, MANY = 64 };
    service s;
    start(&s, address, (mrq_server_options){0});
    static char body[BODY];
    memset(body, ' ', sizeof body);
    char request[200];
    const size_t n = (size_t)snprintf(request, sizeof request, POST(IS_JSON "Content-Length: %d\r\n"), BODY);
    for (int round = 0; round < 2; round++) {
        int fds[MANY + 1];
        for (int i = 0; i < MANY; i++) { /* all but its last byte, most of which the server must have taken when it is sent */
            const int waiting = 1 << 16;
            fds[i] = connect_to(&s);
            assert_int_equal(setsockopt(fds[i], SOL_SOCKET, SO_SNDBUF, &waiting, sizeof waiting), 0);
            say(fds[i], request, n);
            say(fds[i], body, BODY - 1);
        }
        fds[MANY] = connect_to(&s);
        say(fds[MANY], request, n);
        say(fds[MANY], body, BODY);
        assert_said(hear(fds[MANY], true), "503 Service Unavailable", JSON,
                    PROBLEM("unavailable", "too many bodies at once, try again"));
        for (int i = 0; i < MANY; i++) { /* exactly as much as may be: all of them are kept */
            say(fds[i], " ", 1);
            assert_said(hear(fds[i], true), "400 Bad Request", JSON, PROBLEM("usage", "body:1: not valid JSON"));
        }
        assert_said(ask_on(fds[MANY], POST(IS_JSON "Content-Length: 14\r\n") "{\"queries\":[]}"), "200 OK", JSON,
                    "{\"schema\":1,\"answers\":[]}\n");
        for (int i = 0; i <= MANY; i++)
            close(fds[i]);
    }

    /* What nobody wants is not kept: there may be as much of it as comes. */
    static const char get[] = "GET /healthz HTTP/1.1\r\n" HOST "Content-Length: 1048576\r\n\r\n";
    int fds[MANY + 1];
    for (int i = 0; i <= MANY; i++) {
        fds[i] = connect_to(&s);
        say(fds[i], get, sizeof get - 1);
        say(fds[i], body, BODY - 1);
    }
    for (int i = 0; i <= MANY; i++) {
        say(fds[i], " ", 1);
        assert_said(hear(fds[i], true), "200 OK", JSON, "{\"status\":\"ok\"}\n");
        close(fds[i]);
    }
    stop(&s);
}

/* What libmicrohttpd refuses by itself gets an answer of ours all the same, and one alone. */
static void what_is_malformed_is_answered_once(void **state)
{
    (void)state;
    static const char want[] = "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n" IS_JSON
                               "Content-Length: 76\r\n\r\n" PROBLEM("usage", "the headers are malformed");
    static const char *const asked[] = {POST(IS_JSON "Content-Length: 14 junk\r\n"), POST(IS_JSON "Content-Length: -1\r\n"),
                                        POST(IS_JSON "Content-Length: 99999999999999999999\r\n")};
    service s;
    start(&s, address, (mrq_server_options){0});
    const int other = connect_to(&s), half = connect_to(&s); /* which are not meant */
    assert_said(ask_on(other, GET("/healthz")), "200 OK", JSON, "{\"status\":\"ok\"}\n");
    say(half, "GET /healthz HTTP/1.1\r\nHost: ", strlen("GET /healthz HTTP/1.1\r\nHost: "));
    for (size_t i = 0; i < sizeof asked / sizeof *asked; i++) {
        const int fd = connect_to(&s);
        assert_string_equal(ask_on(fd, asked[i]), want);
        assert_true(is_closed(fd));
        close(fd);
    }
    assert_said(ask_on(half, "localhost\r\n\r\n"), "200 OK", JSON, "{\"status\":\"ok\"}\n");
    assert_said(ask_on(other, GET("/healthz")), "200 OK", JSON, "{\"status\":\"ok\"}\n");
    close(other);
    close(half);
    stop(&s);
}

/* So many connections as were question for, however many threads share them. */
static void connections_are_shared_among_the_workers(void **state)
{
    (void)state;
    enum { MANY = 24 };
    for (uint32_t most = 16; most <= 17; most++) {
        service s;
        int fds[MANY];
        uint32_t answered = 0;
        start(&s, address, (mrq_server_options){.workers = 3, .connections = most});
        for (int i = 0; i < MANY; i++) {
            fds[i] = connect_to(&s);
            say(fds[i], GET("/healthz"), strlen(GET("/healthz")));
        }
        for (int ms = 0, late = 0; late < 300 && ms < 20000; ms += 10, usleep(10000)) {
            answered = 0;
            for (int i = 0; i < MANY; i++) {
                struct pollfd wait = {fds[i], POLLIN, 0};
                answered += poll(&wait, 1, 0) == 1;
            }
            late += answered >= most ? 10 : 0;
        }
        assert_int_equal(answered, most);
        for (int i = 0; i < MANY; i++)
            close(fds[i]);
        stop(&s);
    }
}

/* What the service tells of itself: requests by route and status, open connections, when it began, and a line a request. */
static void every_request_is_counted_and_logged(void **state)
{
    (void)state;
    service s;
    mrq_access *access = NULL;
    char path[PATH];
    snprintf(path, sizeof path, "%.3000s/access", folder);
    assert_ok(mrq_access_open(path, &access, &err));
    const time_t began = time(NULL);
    const double start_clock = mrq_clock();
    start(&s, "127.0.0.1:0", (mrq_server_options){.access = access});
    const int kept = connect_to(&s), idle = connect_to(&s);
    static const char *const asked[] = {
        GET("/healthz"),
        GET("/v1/items/13"),
        GET("/v1/items/11?secret=1"),
        GET("/v1/recommendations?user=4"),
        GET("/nothing?secret=1"),
        "GET http://host/v1/info HTTP/1.1\r\n" HOST "\r\n",
        "HEAD /page.css HTTP/1.1\r\n" HOST "\r\n",
        "PATCHING_SOMETHING_OR_OTHER /healthz HTTP/1.1\r\n" HOST "\r\n",
        POST(IS_JSON "Content-Length: 14\r\n") "{\"queries\":[]}",
        POST("Content-Length: 2\r\n") "{}",
    };
    enum { N = sizeof asked / sizeof *asked };
    size_t sizes[N];
    for (int i = 0; i < N; i++)
        sizes[i] = strtoul(strstr(ask_on(kept, asked[i]), "Content-Length: ") + 16, NULL, 10);
    assert_true(is_closed(kept)); /* the last was refused before its body */
    char *text = strdup(ask(&s, GET("/metrics")));
    const double took = mrq_clock() - start_clock;
    const time_t ended = time(NULL);
    assert_int_equal(mrq_server_answered(s.server), N + 1);
    assert_memory_equal(
        text, "HTTP/1.1 200 OK\r\n" TYPED("text/plain; version=0.0.4; charset=utf-8") "Cache-Control: no-store\r\n",
        strlen("HTTP/1.1 200 OK\r\n" TYPED("text/plain; version=0.0.4; charset=utf-8") "Cache-Control: no-store\r\n"));
    static const char requests[] = "# TYPE marquee_requests_total counter\n"
                                   "marquee_requests_total{route=\"/v1/recommendations\",code=\"200\"} 1\n"
                                   "marquee_requests_total{route=\"POST /v1/recommendations\",code=\"200\"} 1\n"
                                   "marquee_requests_total{route=\"POST /v1/recommendations\",code=\"415\"} 1\n"
                                   "marquee_requests_total{route=\"/v1/items/{id}\",code=\"200\"} 1\n"
                                   "marquee_requests_total{route=\"/v1/items/{id}\",code=\"400\"} 1\n"
                                   "marquee_requests_total{route=\"/v1/info\",code=\"200\"} 1\n"
                                   "marquee_requests_total{route=\"/healthz\",code=\"200\"} 1\n"
                                   "marquee_requests_total{route=\"/page.css\",code=\"200\"} 1\n"
                                   "marquee_requests_total{route=\"none\",code=\"404\"} 1\n"
                                   "marquee_requests_total{route=\"none\",code=\"405\"} 1\n"
                                   "# HELP";
    if (!strstr(text, requests))
        fail_msg("%s", text);
    assert_non_null(strstr(text, "\nmarquee_connections 2\n")); /* the idle one and the one that asks */
    double told = 0, resident = 0, sum = 0;
    assert_int_equal(sscanf(strstr(text, "\nprocess_start_time_seconds "), "%*s %lf", &told), 1);
    assert_true(told >= (double)began && told <= (double)ended + 1);
    assert_int_equal(sscanf(strstr(text, "\nprocess_resident_memory_bytes "), "%*s %lf", &resident), 1);
    long pages = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    assert_non_null(f);
    assert_int_equal(fscanf(f, "%*s %ld", &pages), 1);
    fclose(f);
    const double now = (double)pages * (double)sysconf(_SC_PAGESIZE);
    assert_true(resident > now / 4 && resident < 4 * now);
    assert_int_equal(sscanf(strstr(text, "marquee_request_seconds_sum{route=\"/v1/recommendations\"}"), "%*s %lf", &sum), 1);
    assert_true(sum > 0 && sum <= took);
    free(text);
    close(idle);
    stop(&s);
    mrq_access_close(access);

    size_t size;
    MRQ_AUTOFREE unsigned char *log = read_bytes(path, &size);
    static const struct {
        const char *what, *cache;
        unsigned status;
    } lines[N + 1] = {
        {"GET /healthz", "-", 200},
        {"GET /v1/items/13", "off", 200},
        {"GET /v1/items/11", "-", 400},
        {"GET /v1/recommendations", "off", 200},
        {"GET /nothing", "-", 404},
        {"GET http://host/v1/info", "off", 200},
        {"HEAD /page.css", "-", 200},
        {"PATCHING_SOMETHING_O /healthz", "-", 405},
        {"POST /v1/recommendations", "-", 200},
        {"POST /v1/recommendations", "-", 415},
        {"GET /metrics", "-", 200},
    };
    char *at = (char *)log;
    for (int i = 0; i <= N; i++) {
        char when[40], want[200];
        unsigned long bytes, microseconds;
        struct tm tm;
        int skip_to = 0;
        char *end = strchr(at, '\n');
        assert_non_null(end);
        *end = '\0';
        assert_int_equal(sscanf(at, "%39s %*s %*s %*s %*u %lu %lu%n", when, &bytes, &microseconds, &skip_to), 3);
        assert_non_null(strptime(when, "%Y-%m-%dT%H:%M:%SZ", &tm));
        const time_t second = timegm(&tm);
        assert_true(second >= began && second <= ended);
        assert_true((double)microseconds <= 1e6 * took);
        if (i < N)
            assert_int_equal(bytes, sizes[i]);
        snprintf(want, sizeof want, "%s 127.0.0.1 %s %u %lu %lu %s", when, lines[i].what, lines[i].status, bytes, microseconds,
                 lines[i].cache);
        assert_string_equal(at, want);
        at = end + 1;
    }
    assert_int_equal(*at, '\0');
}

static void an_ipv6_client_is_logged_as_one(void **state)
{
    (void)state;
    static const struct {
        const char *where, *client;
    } cases[] = {{"[::1]:0", " ::1 GET /healthz 200 "}, {NULL, " local GET /healthz 200 "}};
    for (size_t i = 0; i < 2; i++) {
        service s;
        mrq_access *access = NULL;
        char path[PATH];
        size_t size;
        snprintf(path, sizeof path, "%.3000s/access%zu", folder, i);
        if (i == 0 && mrq_listener_open(cases[i].where, true, &s.listener, &err) != MRQ_OK)
            continue; /* a machine without IPv6 */
        if (i == 0)
            mrq_listener_close(&s.listener);
        assert_ok(mrq_access_open(path, &access, &err));
        start(&s, i ? address : cases[i].where, (mrq_server_options){.access = access});
        assert_said(ask(&s, GET("/healthz")), "200 OK", JSON, "{\"status\":\"ok\"}\n");
        stop(&s);
        mrq_access_close(access);
        MRQ_AUTOFREE unsigned char *text = read_bytes(path, &size);
        assert_non_null(strstr((char *)text, cases[i].client));
    }
}

/* libmicrohttpd's functions, of which the n-th call fails. */
static atomic_int calls_left = INT_MAX;
static struct mrq_microhttpd real;

static bool call_fails(void)
{
    return atomic_load(&calls_left) != INT_MAX && atomic_fetch_sub(&calls_left, 1) <= 0;
}

static enum MHD_Result add_response_header(struct MHD_Response *response, const char *name, const char *value)
{
    return call_fails() ? MHD_NO : real.add_response_header(response, name, value);
}

static struct MHD_Response *create_response(size_t size, void *data, enum MHD_ResponseMemoryMode mode)
{
    return call_fails() ? NULL : real.create_response_from_buffer(size, data, mode);
}

static struct MHD_Response *create_response_with_free(size_t size, void *data, MHD_ContentReaderFreeCallback release, void *owner)
{
    return call_fails() ? NULL : real.create_response_from_buffer_with_free_callback_cls(size, data, release, owner);
}

static enum MHD_Result queue_response(struct MHD_Connection *connection, unsigned status, struct MHD_Response *response)
{
    return call_fails() ? MHD_NO : real.queue_response(connection, status, response);
}

static const union MHD_ConnectionInfo *get_connection_info(struct MHD_Connection *connection, enum MHD_ConnectionInfoType type, ...)
{
    return call_fails() ? NULL : real.get_connection_info(connection, type);
}

mrq_status __real_mrq_microhttpd_load(mrq_error *error);
mrq_status __wrap_mrq_microhttpd_load(mrq_error *error);
mrq_status __wrap_mrq_microhttpd_load(mrq_error *error)
{
    MRQ_TRY(__real_mrq_microhttpd_load(error));
    real = mrq_mhd;
    mrq_mhd.add_response_header = add_response_header;
    mrq_mhd.create_response_from_buffer = create_response;
    mrq_mhd.create_response_from_buffer_with_free_callback_cls = create_response_with_free;
    mrq_mhd.queue_response = queue_response;
    mrq_mhd.get_connection_info = get_connection_info;
    return MRQ_OK;
}

static const char *const plain[] = {
    GET("/healthz"),
    GET("/"),
    GET("/v1/recommendations?user=4&k=9"),
    GET("/v1/items/13"),
    GET("/v1/info"),
    GET("/metrics"),
    GET("/nothing"),
    "PUT /v1/info HTTP/1.1\r\n" HOST ORIGIN "\r\n",
    "OPTIONS /v1/info HTTP/1.1\r\n" HOST ORIGIN "Access-Control-Request-Method: GET\r\n\r\n",
    GET("/v1/info?x=1"),
    POST(IS_JSON "Content-Length: 52\r\n") "{\"queries\":[{\"user\":4,\"k\":2},{\"user\":5},{\"user\":99}]}",
};

/* With the n-th call failing, for every n: the whole answer or the end of the connection, and afterwards all is as before. */
static void survives_what_libmicrohttpd_refuses(void **state)
{
    (void)state;
    static const mrq_texts origins = {1, {"https://page.example"}};
    service s;
    start(&s, address, (mrq_server_options){.origins = &origins});
    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++) {
        char *want = strdup(ask(&s, plain[i]));
        int n = 0, refused = 0;
        for (bool left = false; !left && n < 100; n++) {
            atomic_store(&calls_left, n);
            const char *said = ask(&s, plain[i]);
            left = atomic_exchange(&calls_left, INT_MAX) > 0; /* none failed */
            refused += *said == '\0';
            if (left && i != 5)
                assert_string_equal(said, want);
            if (*said)
                assert_true(strncmp(said + 9, want + 9, 3) == 0 || strncmp(said + 9, "400", 3) == 0);
        }
        assert_in_range(n, 5, 50);
        assert_in_range(refused, 5, n);
        free(want);
    }
    stop(&s);
}

/* With the n-th allocation failing: the whole answer, one that says so, or the end of the connection. */
static void answers_survive_without_memory(void **state)
{
    (void)state;
    service s;
    start(&s, address, (mrq_server_options){0});
    for (size_t turn = 0; turn < 2 * sizeof plain / sizeof *plain; turn++) {
        const size_t i = turn / 2;
        one_fails_alone = turn % 2;
        char *want = strdup(ask(&s, plain[i]));
        int n = 0, short_of = 0;
        for (bool left = false; !left && n < 1000; n++) {
            const int fd = connect_to(&s);
            assert_memory_equal(ask_on(fd, GET("/healthz")), "HTTP/1.1 200", 12); /* the connection has what it needs */
            allocations_left = n;
            char said[40] = "";
            snprintf(said, sizeof said, "%s", ask_on(fd, plain[i]));
            left = atomic_exchange(&allocations_left, INT_MAX) > 0;
            close(fd);
            short_of += strncmp(said + 9, "500", 3) == 0;
            if (*said && strncmp(said + 9, "500", 3) != 0 && strncmp(said + 9, want + 9, 3) != 0)
                fail_msg("%s, allocation %d: %s", plain[i], n, said);
        }
        assert_true(n >= 1 && n < 1000);
        assert_in_range(short_of, i < 2 ? 0 : 1, n); /* a static text needs no memory */
        free(want);
    }
    one_fails_alone = false;

    /* A connection for which there is no memory ends with its first request. */
    allocations_left = 0;
    const int fd = connect_to(&s);
    say(fd, GET("/healthz"), strlen(GET("/healthz")));
    const bool closed = is_closed(fd);
    allocations_left = INT_MAX;
    assert_true(closed);
    close(fd);
    assert_said(ask(&s, GET("/healthz")), "200 OK", JSON, "{\"status\":\"ok\"}\n");
    stop(&s);
}

#define NO_MEMORY PROBLEM("failed", "out of memory")

/* Whatever was to be said: a reply for which there is no memory is this one. */
static void a_reply_without_memory_says_so(void **state)
{
    (void)state;
    const mrq_error problem = {MRQ_USAGE, "a problem"};
    for (int kind = 0; kind < 3; kind++) {
        mrq_reply reply = {0};
        mrq_answer *result = NULL;
        assert_ok(ask_search(twin, "title", 3, &result, &err));
        allocations_left = 0;
        if (kind == 0)
            mrq_reply_result(&reply, result);
        else if (kind == 1)
            mrq_reply_error(&reply, &problem);
        else
            mrq_reply_refuse(&reply, 404, "not_found", "nothing");
        allocations_left = INT_MAX;
        if (kind)
            mrq_answer_free(result);
        assert_int_equal(reply.status, 500);
        assert_string_equal(reply.type, MRQ_TYPE_JSON);
        assert_int_equal(reply.size, strlen(NO_MEMORY));
        assert_memory_equal(reply.data, NO_MEMORY, reply.size);
        assert_string_equal(reply.cache, "-");
        assert_null(reply.release);
        mrq_reply_clear(&reply);
    }
}

/* A server whose n-th worker does not start does not start at all, and leaves nothing behind. */
static atomic_int threads_left = INT_MAX;
int __real_mrq_thread_start(pthread_t *thread, void *(*run)(void *), void *context);
int __wrap_mrq_thread_start(pthread_t *thread, void *(*run)(void *), void *context);
int __wrap_mrq_thread_start(pthread_t *thread, void *(*run)(void *), void *context)
{
    if (atomic_load(&threads_left) != INT_MAX && atomic_fetch_sub(&threads_left, 1) <= 0)
        return EAGAIN;
    return __real_mrq_thread_start(thread, run, context);
}

static void a_server_starts_whole_or_not_at_all(void **state)
{
    (void)state;
    mrq_listener listener;
    mrq_server *server = NULL;
    assert_ok(mrq_listener_open(address, false, &listener, &err));
    const int threads = threads_of_process(), descriptors = descriptors_of_process();
    const mrq_server_options options = {
        .recommender = served, .listener = &listener, .workers = 3, .connections = 100, .idle_seconds = 9, .request_seconds = 9};
    for (int n = 0; n < 3; n++) {
        threads_left = n;
        assert_fails(mrq_server_start(&options, &server, &err), MRQ_FAILED,
                     "cannot start 3 HTTP workers: Resource temporarily unavailable");
        threads_left = INT_MAX;
        assert_int_equal(descriptors_of_process(), descriptors);
    }
    allocations_left = 0;
    assert_fails(mrq_server_start(&options, &server, &err), MRQ_FAILED, "starting the server");
    allocations_left = INT_MAX;
    assert_null(server);
    assert_int_equal(threads_of_process(), threads);
    mrq_server_stop(NULL);
    assert_ok(mrq_server_start(&options, &server, &err));
    assert_int_equal(threads_of_process(), threads + 3);
    mrq_server_stop(server);
    assert_int_equal(descriptors_of_process(), descriptors);
    mrq_listener_close(&listener);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_malformed_is_answered_once),
        cmocka_unit_test(connections_are_shared_among_the_workers),
        cmocka_unit_test(every_request_is_counted_and_logged),
        cmocka_unit_test(an_ipv6_client_is_logged_as_one),
        cmocka_unit_test(survives_what_libmicrohttpd_refuses),
        cmocka_unit_test(answers_survive_without_memory),
        cmocka_unit_test(a_reply_without_memory_says_so),
        cmocka_unit_test(a_server_starts_whole_or_not_at_all),
        cmocka_unit_test(every_answer_is_the_librarys),
        cmocka_unit_test(the_page_is_told_as_it_is),
        cmocka_unit_test(a_batch_is_answered_as_its_queries_are),
        cmocka_unit_test(what_is_refused_is_told_whole),
        cmocka_unit_test(requests_have_limits),
        cmocka_unit_test(all_bodies_together_have_a_limit),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
