/* The service's parts without a recommender: addresses, tokens, routes, the access log, and a server with slow clients. What is
 * read of a request is tested in test_request.c, what is answered in test_service.c and by tests/cli/serve_requests.py. */
#include "testing.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "http/head.h"
#include "http/listen.h"
#include "http/route.h"
#include "http/server.h"
#include "http/systemd.h"
#include "http/visitor.h"

static mrq_error err;
static const char *folder;

static void test_places(void **state)
{
    mrq_place place;
    (void)state;
    assert_ok(mrq_place_parse("127.0.0.1:8080", &place, &err));
    assert_true(!place.local && strcmp(place.host, "127.0.0.1") == 0 && strcmp(place.port, "8080") == 0);
    assert_ok(mrq_place_parse("[::1]:0", &place, &err));
    assert_true(!place.local && strcmp(place.host, "::1") == 0 && strcmp(place.port, "0") == 0);
    assert_ok(mrq_place_parse("localhost:65535", &place, &err));
    assert_string_equal(place.host, "localhost");
    assert_ok(mrq_place_parse("unix:/run/marquee", &place, &err));
    assert_true(place.local && strcmp(place.path, "/run/marquee") == 0);
    static const char *const wrong[] = {"",           "8080",       ":8080",   "host",     "host:",       "host:x",   "host:-1",
                                        "host:65536", "::1:80",     "[::1]80", "[::1:80",  "[]:80",       "[]",       "host:1:2",
                                        "unix:",      "unix:ab",    "host:+1", "host: 80", "host:8080\n", "[::1]:-0", "host:1e3",
                                        "[[]:9",      "[[::1]]:80", "a]:80"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_fails(mrq_place_parse(wrong[i], &place, &err), MRQ_USAGE, "is not an address to listen on, want HOST:PORT");
    char lengthy[200] = "unix:/";
    memset(lengthy + 6, 'a', 107);
    assert_fails(mrq_place_parse(lengthy, &place, &err), MRQ_USAGE, "the path of a socket has 108 bytes, may have 107");
    lengthy[6 + 106] = '\0';
    assert_ok(mrq_place_parse(lengthy, &place, &err));
}

static void test_listen(void **state)
{
    mrq_listener a, b;
    char address[200];
    (void)state;
    static const char *const exposed[] = {"0.0.0.0:0", "[::]:0"};
    for (size_t i = 0; i < 2; i++)
        assert_fails(mrq_listener_open(exposed[i], false, &a, &err), MRQ_USAGE, "can be reached from other machines");
    assert_ok(mrq_listener_open("127.0.0.1:0", false, &a, &err));
    assert_memory_equal(a.address[0], "http://127.0.0.1:", 17);
    assert_string_not_equal(a.address[0], "http://127.0.0.1:0");
    assert_fails(mrq_listener_open(a.address[0] + 7, false, &b, &err), MRQ_FAILED, "Address already in use");
    mrq_listener_close(&a);

    snprintf(address, sizeof address, "unix:%s/socket", folder);
    assert_ok(mrq_listener_open(address, false, &a, &err));
    assert_string_equal(a.address[0], address);
    assert_fails(mrq_listener_open(address, false, &b, &err), MRQ_FAILED, "Address already in use"); /* somebody answers */
    assert_int_equal(unlink(a.path), 0);
    assert_ok(mrq_listener_open(address, false, &b, &err));
    mrq_listener_close(&a); /* the file is another server's now */
    assert_true(mrq_file_exists(b.path));
    close(b.socket[0]); /* as of a server that was killed */
    assert_ok(mrq_listener_open(address, false, &a, &err));
    mrq_listener_close(&a);
    mrq_listener_close(&a);
    assert_false(mrq_file_exists(address + 5));
    write_bytes(address + 5, "x", 1);
    assert_fails(mrq_listener_open(address, false, &a, &err), MRQ_FAILED, "Address already in use"); /* no socket: not ours */
    assert_true(mrq_file_exists(address + 5));

    int pair[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    assert_fails(mrq_listener_adopt(pair[0], false, &a, &err), MRQ_USAGE, "is not a listening stream socket");
    close(pair[1]);
    assert_fails(mrq_listener_adopt(open("/dev/null", O_RDONLY), false, &a, &err), MRQ_USAGE, "is not a listening stream socket");
    assert_ok(mrq_listener_open("[::]:0", true, &a, &err));
    assert_fails(mrq_listener_adopt(dup(a.socket[0]), false, &b, &err), MRQ_USAGE, "can be reached from other machines");
    assert_ok(mrq_listener_adopt(dup(a.socket[0]), true, &b, &err));
    assert_string_equal(a.address[0], b.address[0]);
    mrq_listener_close(&a);
    mrq_listener_close(&b);
}

/* A name with several addresses, one of them twice and one that this machine does not have, beside those that the system knows. */
int getaddrinfo(const char *host, const char *port, const struct addrinfo *hints, struct addrinfo **out)
{
    static const char *const both[] = {"127.0.0.1", "127.0.0.1", "::1", "127.0.0.2", "127.0.0.1"};
    static int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **);
    if (!real)
        *(void **)&real = dlsym(RTLD_NEXT, "getaddrinfo");
    if (strcmp(host, "both.test") != 0 && strcmp(host, "exposed.test") != 0 && strcmp(host, "more.test") != 0)
        return real(host, port, hints, out);
    struct addrinfo **end = out;
    for (size_t i = 0; i < sizeof both / sizeof *both; i++, end = &(*end)->ai_next)
        assert_int_equal(real(both[i], port, hints, end), 0);
    return *host == 'b' ? 0 : real(*host == 'e' ? "192.0.2.1" : "127.0.0.3", port, hints, end);
}

/* Descriptors that this process has open. */
static unsigned open_files(void)
{
    DIR *all = opendir("/proc/self/fd");
    unsigned n = 0;
    assert_non_null(all);
    while (readdir(all))
        n++;
    closedir(all);
    return n;
}

static void a_name_is_listened_on_at_all_its_addresses(void **state)
{
    mrq_listener a, b;
    char address[40];
    const unsigned before = open_files();
    (void)state;
    assert_ok(mrq_listener_open("both.test:0", false, &a, &err));
    assert_in_range(a.n, 2, 3); /* [::1] where there is IPv6 */
    const char *port = strrchr(a.address[0], ':');
    assert_string_not_equal(port, ":0");
    assert_memory_equal(a.address[0], "http://127.0.0.1:", 17);
    assert_memory_equal(a.address[a.n - 1], "http://127.0.0.2:", 17);
    for (unsigned i = 1; i < a.n; i++)
        assert_string_equal(strrchr(a.address[i], ':'), port);
    for (unsigned i = 0; i < a.n; i++) /* none of them is left to another */
        assert_fails(mrq_listener_open(a.address[i] + 7, false, &b, &err), MRQ_FAILED, "Address already in use");
    snprintf(address, sizeof address, "127.0.0.2%s", port);
    mrq_listener_close(&a);
    assert_int_equal(open_files(), before);

    assert_ok(mrq_listener_open(address, false, &b, &err)); /* one is taken: then none is listened on */
    snprintf(address, sizeof address, "both.test%s", strrchr(b.address[0], ':'));
    assert_fails(mrq_listener_open(address, false, &a, &err), MRQ_FAILED, "Address already in use");
    mrq_listener_close(&b);
    assert_int_equal(open_files(), before);

    assert_fails(mrq_listener_open("exposed.test:0", false, &a, &err), MRQ_USAGE, "can be reached from other machines");
    char said[2000];
    FILE *sink = tmpfile();
    assert_non_null(sink);
    mrq_log_open(sink, MRQ_LOG_WARN);
    assert_ok(mrq_listener_open("exposed.test:0", true, &a, &err));
    mrq_log_open(NULL, MRQ_LOG_WARN);
    assert_in_range(a.n, 2, 3); /* without the one that is not here, of which the log tells */
    rewind(sink);
    said[fread(said, 1, sizeof said - 1, sink)] = '\0';
    fclose(sink);
    assert_non_null(strstr(said, "WARN serve not address=http://192.0.2.1:"));
    assert_non_null(strstr(said, ": Cannot assign requested address\n"));
    assert_null(strstr(said, "127.0.0"));
    mrq_listener_close(&a);
    assert_fails(mrq_listener_open("192.0.2.1:0", true, &a, &err), MRQ_FAILED, "Cannot assign requested address");
    assert_int_equal(open_files(), before);
}

/* Whoever knocks at a socket to see if it is stale leaves no descriptor behind. */
static void a_stale_socket_costs_no_descriptor(void **state)
{
    mrq_listener a, b;
    char address[200];
    (void)state;
    snprintf(address, sizeof address, "unix:%s/knocked", folder);
    const unsigned before = open_files();
    assert_ok(mrq_listener_open(address, false, &a, &err));
    for (int i = 0; i < 3; i++)
        assert_fails(mrq_listener_open(address, false, &b, &err), MRQ_FAILED, "Address already in use");
    close(a.socket[0]); /* as of a server that was killed */
    assert_ok(mrq_listener_open(address, false, &b, &err));
    mrq_listener_close(&b);
    assert_int_equal(open_files(), before);
}

static mrq_status read_token(const char *text, size_t size, mode_t mode, mrq_secret *token)
{
    char path[200];
    snprintf(path, sizeof path, "%s/token", folder);
    write_bytes(path, text, size);
    chmod(path, mode);
    return mrq_secret_read(path, MRQ_TOKEN_MIN, token, &err);
}

static void a_token_file_of_another_user_is_refused(void **state)
{
    (void)state;
    mrq_secret token;
    char path[200];
    snprintf(path, sizeof path, "%s/token", folder);
    assert_ok(read_token("0123456789abcdef\n", 17, 0600, &token));
    if (chown(path, 65534, (gid_t)-1) != 0)
        skip_test("only root may give a file to another user");
    assert_fails(mrq_secret_read(path, MRQ_TOKEN_MIN, &token, &err), MRQ_USAGE, "belongs to user 65534, who may write it: chown");
    assert_int_equal(chown(path, geteuid(), (gid_t)-1), 0);
}

static void test_token(void **state)
{
    mrq_secret token;
    char large[2000];
    (void)state;
    memset(large, 'x', sizeof large);
    assert_fails(mrq_secret_read("/no/such/file", MRQ_TOKEN_MIN, &token, &err), MRQ_NOT_FOUND,
                 "token file /no/such/file: No such file");
    assert_fails(mrq_secret_read("/", MRQ_TOKEN_MIN, &token, &err), MRQ_USAGE, "is not a regular file");
    assert_fails(read_token("", 0, 0600, &token), MRQ_USAGE, "has 0 characters, want one line of 16 to 512");
    assert_fails(read_token("\n", 1, 0600, &token), MRQ_USAGE, "has 0 characters");
    assert_fails(read_token("0123456789abcde\n", 16, 0600, &token), MRQ_USAGE, "has 15 characters");
    assert_fails(read_token(large, sizeof large, 0600, &token), MRQ_USAGE, "has 514 characters or more");
    assert_fails(read_token("0123456789 abcdef\n", 18, 0600, &token), MRQ_USAGE, "character 11 is not allowed in a token");
    assert_fails(read_token("0123456789abcdef\nx\n", 19, 0600, &token), MRQ_USAGE, "character 17 is not allowed");
    assert_fails(read_token("0123456789abcdef\n", 17, 0644, &token), MRQ_USAGE, "everybody may read it (mode 644), want 600");
    assert_fails(read_token("0123456789abcdef\n", 17, 0620, &token), MRQ_USAGE,
                 "others than its owner may write it (mode 620): chmod go-w");
    assert_fails(read_token("0123456789abcdef\n", 17, 0602, &token), MRQ_USAGE, "others than its owner may write it (mode 602)");
    assert_ok(read_token("0123456789abcdef", 16, 0640, &token));
    assert_ok(read_token("0123456789abcdef\n", 17, 0600, &token));
    assert_true(mrq_token_matches(&token, "Bearer 0123456789abcdef"));
    assert_true(mrq_token_matches(&token, "bearer 0123456789abcdef"));
    static const char *const wrong[] = {NULL,
                                        "",
                                        "Bearer",
                                        "Bearer ",
                                        "Bearer 0123456789abcde",
                                        "Bearer 0123456789abcdeF",
                                        "Bearer 0123456789abcdef0",
                                        "Bearer 0123456789abcdef0123456789abcdef",
                                        "Bearer  0123456789abcdef",
                                        "Bearer\t0123456789abcdef",
                                        "Bearer-0123456789abcdef",
                                        "Bearer 1123456789abcdef",
                                        "Basic 0123456789abcdef",
                                        "0123456789abcdef"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_false(mrq_token_matches(&token, wrong[i]));
}

/* What a Host may say, and what --host may. */
static void only_our_own_names_are_known(void **state)
{
    static const mrq_texts names = {3, {"movies.example", "::1", "2001:db8::7"}};
    static const char *const known[] = {
        "localhost", "LocalHost:8080",     "127.0.0.1",      "127.0.0.1:80",       "127.255.3.4",     "[::1]",
        "[::1]:9",   "[::ffff:127.0.0.1]", "movies.example", "MOVIES.example:443", "[2001:DB8::7]:80"};
    static const char *const unknown[] = {"",
                                          ":80",
                                          "localhost.",
                                          "localhost.evil.example",
                                          "evil.localhost",
                                          "evil.example",
                                          "movies.example.evil",
                                          "movies.exampl",
                                          "xmovies.example",
                                          "127.0.0.1.evil.example",
                                          "128.0.0.1",
                                          "0.0.0.0",
                                          "127.1",
                                          "2130706433",
                                          "0x7f000001",
                                          "192.168.0.1",
                                          "[::]",
                                          "[::2]",
                                          "::1",
                                          "[::1",
                                          "[::1]80",
                                          "[127.0.0.1]",
                                          "localhost:",
                                          "localhost:x",
                                          "localhost:-1",
                                          "localhost:65536",
                                          "localhost:80:80",
                                          "localhost:80/",
                                          "localhost/",
                                          "a@localhost",
                                          "localhost@evil.example",
                                          "localhost,evil.example",
                                          "localhost evil",
                                          " localhost",
                                          "localhost\t",
                                          "[2001:db8::8]",
                                          "2001:db8::7"};
    static const char *const wrong[] = {"", "a:80", "[::1]:80", "http://a", "a/", "a b", "*", "::1", "a,b"};
    mrq_host host;
    (void)state;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (!mrq_host_is_known(&names, known[i], strlen(known[i])))
            fail_msg("%s is not known", known[i]);
    for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++)
        if (mrq_host_is_known(&names, unknown[i], strlen(unknown[i])))
            fail_msg("%s is known", unknown[i]);
    assert_false(mrq_host_is_known(&names, "localhost\0", 10));
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_fails(mrq_host_check(wrong[i], &host, &err), MRQ_USAGE, "is not a host name: want one without a port");
    assert_ok(mrq_host_check("movies.example", &host, &err));
    assert_string_equal(host.name, "movies.example");
    assert_ok(mrq_host_check("192.0.2.7", &host, &err));
    assert_ok(mrq_host_check("[2001:db8::7]", &host, &err));
    assert_string_equal(host.name, "2001:db8::7");
}

static void an_origin_is_one_as_browsers_write_it(void **state)
{
    static const char *const good[] = {"https://movies.example",
                                       "http://localhost:3000",
                                       "http://[::1]:8080",
                                       "https://a:80",
                                       "http://a:443",
                                       "moz-extension://12ab-34",
                                       "a://b"};
    static const struct {
        const char *text, *says;
    } wrong[] = {
        {"*", "any page could read the answers, so name each origin"},
        {"null", "it does not begin with a scheme"},
        {"movies.example", "it does not begin with a scheme"},
        {"://a", "it does not begin with a scheme"},
        {"1://a", "it does not begin with a scheme"},
        {"https:a", "it does not begin with a scheme"},
        {"https://movies.example/", "it may not have a path"},
        {"https://movies.example/app", "it may not have a path"},
        {"https://Movies.example", "browsers write it in lower case"},
        {"https://*.example", "want HOST"},
        {"https://a b", "want HOST"},
        {"https://u@a", "want HOST"},
        {"https://a?b", "want HOST"},
        {"https://", "want HOST"},
        {"https://a:0", "want a port from 1 to 65535"},
        {"https://a:x", "want a port from 1 to 65535"},
        {"http://a:80", "browsers leave out the default port"},
        {"https://a:443", "browsers leave out the default port"},
    };
    static const mrq_texts list = {2, {"https://a", "http://b:81"}}, none = {0};
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        assert_ok(mrq_origin_check(good[i], &err));
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_fails(mrq_origin_check(wrong[i].text, &err), MRQ_USAGE, wrong[i].says);
    assert_string_equal(mrq_origin_find(&list, "http://b:81"), "http://b:81");
    static const char *const strange[] = {
        NULL, "", "null", "http://a", "https://a.evil", "https://A", "https://a:443", "http://b", "http://b:8"};
    for (size_t i = 0; i < sizeof strange / sizeof *strange; i++)
        assert_null(mrq_origin_find(&list, strange[i]));
    assert_null(mrq_origin_find(&none, "https://a"));
}

/* However many batches there are at once, they share the threads that help. */
static void helpers_are_shared_by_all_batches(void **state)
{
    mrq_service service = {.helpers = 3};
    (void)state;
    assert_int_equal(mrq_helpers_take(&service, 2), 2);
    assert_int_equal(mrq_helpers_take(&service, 2), 1);
    assert_int_equal(mrq_helpers_take(&service, 2), 0);
    mrq_helpers_give(&service, 2);
    assert_int_equal(mrq_helpers_take(&service, 0), 0);
    assert_int_equal(mrq_helpers_take(&service, 1000), 2);
    mrq_helpers_give(&service, 2);
    mrq_helpers_give(&service, 1);
    assert_int_equal(service.helpers, 3);
}

static void assert_route(const char *method, const char *path, unsigned status, const char *label_or_allow)
{
    const mrq_match match = mrq_route_find(method, path);
    const char *got = status == 200 ? mrq_routes[match.route].label : match.allow;
    assert_int_equal(match.status, status);
    if (label_or_allow)
        assert_string_equal(got, label_or_allow);
    assert_true((status == 200) == (match.route != MRQ_ROUTE_NONE));
}

static void test_routes(void **state)
{
    (void)state;
    static const char *const methods[] = {"GET", "POST", "PUT", "DELETE"};
    for (unsigned i = 0; i < MRQ_ROUTES; i++)
        if (!strchr(mrq_routes[i].path, '{'))
            assert_route(methods[mrq_routes[i].method], mrq_routes[i].path, 200, mrq_routes[i].label);
    assert_route("HEAD", "/v1/info", 200, "/v1/info");
    assert_route("GET", "/v1/items/1", 200, "/v1/items/{id}");
    assert_route("GET", "/v1/items/x", 200, "/v1/items/{id}");
    assert_route("GET", "/v1/items/a%2Fb", 200, "/v1/items/{id}");
    assert_route("GET", "/v1/items/%zz/similar", 200, "/v1/items/{id}/similar");
    assert_route("GET", "/v1/items/1/similar", 200, "/v1/items/{id}/similar");
    assert_route("GET", "/v1/users/12", 200, "/v1/users/{id}");
    assert_route("PUT", "/v1/recommendations", 405, "GET, HEAD, POST");
    assert_route("POST", "/v1/info", 405, "GET, HEAD");
    assert_route("get", "/v1/info", 405, "GET, HEAD");
    assert_route("OPTIONS", "/v1/items/1/similar", 405, "GET, HEAD");
    static const char *const nowhere[] = {"",
                                          "*",
                                          "//",
                                          "/v1",
                                          "/v1/",
                                          "/v1/info/",
                                          "//v1/info",
                                          "/v1//info",
                                          "/v1/../v1/info",
                                          "/v1/items/",
                                          "/v1/items//similar",
                                          "/v1/items/1/",
                                          "/v1/items/1/similar/",
                                          "/v1/items/1/2",
                                          "/v1/items/a/b/similar",
                                          "/v1/items/1%2Fsimilar/",
                                          "/v1/movies",
                                          "/v1/movies/1",
                                          "/v1/movies/1/similar",
                                          "/v1/users/",
                                          "/v1%2Finfo",
                                          "/page.css/",
                                          "/index.html",
                                          "/V1/info"};
    for (size_t i = 0; i < sizeof nowhere / sizeof *nowhere; i++)
        assert_route("GET", nowhere[i], 404, NULL);
    const mrq_match match = mrq_route_find("GET", "/v1/items/1%2F3/similar");
    assert_true(match.n_ids == 1 && match.id->size == 5 && memcmp(match.id->text, "1%2F3", 5) == 0);
    const mrq_match pair = mrq_route_find("DELETE", "/v1/users/u%201/items/7");
    assert_string_equal(mrq_routes[pair.route].label, "DELETE /v1/users/{id}/items/{id}");
    char id[MRQ_PATH_IDS][MRQ_ID_BYTES + 1];
    assert_ok(mrq_route_ids(&pair, id, &err));
    assert_string_equal(id[0], "u 1");
    assert_string_equal(id[1], "7");
    assert_route("POST", "/v1/events", 200, "POST /v1/events");
    assert_route("GET", "/v1/events", 405, "POST");
    assert_route("PUT", "/v1/users/4", 200, "PUT /v1/users/{id}");
    assert_route("POST", "/v1/users/4", 405, "GET, HEAD, PUT, DELETE");
    assert_route("DELETE", "/v1/users/4/items/", 404, NULL);
    assert_route("DELETE", "/v1/users//items/4", 404, NULL);
}

/* What a GET of a path and a query string sets, as "field=value ..."; "" where that is wrong, with a sentence in `err`. */
static const char *asked_by(const char *path, const char *parameters)
{
    static char set[1000], text[200];
    const mrq_match match = mrq_route_find("GET", path);
    mrq_query query = {0};
    int n = 0;
    *set = '\0';
    err = (mrq_error){0};
    assert_int_equal(match.status, 200);
    snprintf(text, sizeof text, "%s", parameters ? parameters : "");
    if (mrq_route_query(&match, parameters ? text : NULL, &query, &err) == MRQ_OK)
        for (unsigned i = 0; i < MRQ_Q_FIELDS; i++) {
            mrq_query_value value;
            for (size_t at = mrq_query_begin(&query, (mrq_field_index)i); mrq_query_next(&query, (mrq_field_index)i, &at, &value);)
                n += snprintf(set + n, sizeof set - (size_t)n, "%s%s=%s", n ? " " : "", mrq_query_fields[i].name, value.text);
        }
    mrq_query_clear(&query);
    return set;
}

static void a_path_and_its_parameters_make_a_query(void **state)
{
    (void)state;
    assert_string_equal(asked_by("/v1/items/%32", NULL), "item=2");
    assert_string_equal(asked_by("/v1/items/a%2Fb%20c+d/similar", "k=3"), "item=a/b c+d k=3");
    assert_string_equal(asked_by("/v1/items/caf%c3%a9", ""), "item=caf\xc3\xa9");
    assert_string_equal(asked_by("/v1/users/%34", "k=2"), "user=4 k=2");
    assert_string_equal(asked_by("/v1/items/%0a", NULL), "");
    assert_string_equal(err.msg, "id \"?\": contains a control character");
    assert_string_equal(asked_by("/v1/items/1", "k=2"), "");
    assert_string_equal(err.msg, "unknown parameter \"k\": want no parameters");
    static const char *const blank[] = {NULL, "", "query=", "query=+", "query=%20%09+%0a%0b%0c%0d"};
    for (size_t i = 0; i < sizeof blank / sizeof *blank; i++)
        assert_string_equal(asked_by("/v1/items", blank[i]), "query=");
    assert_string_equal(asked_by("/v1/items", "k=2&query=+"), "k=2 query=");
    assert_string_equal(asked_by("/v1/items", "query=+a"), "query= a");
    static const char *const lenient[] = {"/healthz", "/readyz", "/openapi.json", "/", "/page.css", "/page.js", "/parts.js"};
    for (size_t i = 0; i < sizeof lenient / sizeof *lenient; i++) {
        assert_string_equal(asked_by(lenient[i], "k=1&k=%zz&x"), "");
        assert_string_equal(err.msg, "");
    }
    assert_string_equal(asked_by("/metrics", "x=1"), "");
    assert_string_equal(err.msg, "unknown parameter \"x\": want no parameters");
}

static void test_access(void **state)
{
    mrq_access *log = NULL;
    char path[200], moved[220];
    size_t size;
    (void)state;
    snprintf(path, sizeof path, "%s/access", folder);
    snprintf(moved, sizeof moved, "%s.1", path);
    assert_fails(mrq_access_open("/no/such/folder/log", &log, &err), MRQ_NOT_FOUND, "cannot write the access log");
    assert_ok(mrq_access_open(path, &log, &err));
    mrq_access_add(log, "127.0.0.1", "GET", "/v1/info\r\n \x7f\xff", 200, 17, 42, "memory");
    assert_ok(mrq_access_flush(log, &err));
    unsigned char *text = read_bytes(path, &size);
    assert_non_null(strstr((char *)text, "Z 127.0.0.1 GET /v1/info%0D%0A%20%7F%FF 200 17 42 memory\n"));
    mrq_free(text);
    assert_int_equal(rename(path, moved), 0);
    const unsigned before = open_files();
    for (int i = 0; i < 3; i++)
        assert_ok(mrq_access_reopen(log, &err));
    assert_int_equal(open_files(), before); /* the old file is closed */
    char lengthy[9000];
    memset(lengthy, '\x01', sizeof lengthy);
    lengthy[sizeof lengthy - 1] = '\0';
    for (int i = 0; i < 200; i++) /* more than the buffer holds */
        mrq_access_add(log, "local", lengthy, lengthy, 404, 1, 1, "-");
    mrq_access_close(log);
    text = read_bytes(path, &size);
    int lines = 0;
    for (size_t i = 0; i < size; i++) {
        lines += text[i] == '\n';
        assert_true(text[i] == '\n' || (text[i] >= ' ' && text[i] <= '~'));
    }
    assert_int_equal(lines, 200);
    mrq_free(text);
    if (access("/dev/full", W_OK) == 0) {
        assert_ok(mrq_access_open("/dev/full", &log, &err));
        mrq_access_add(log, "local", "GET", "/", 200, 1, 1, "-");
        assert_fails(mrq_access_flush(log, &err), MRQ_FAILED, "No space left");
        mrq_access_close(log);
    }
}

/* A link in the place of the log leads to no file: not at the start, and not when it is opened anew. */
static void test_access_link(void **state)
{
    mrq_access *log = NULL;
    char path[200], target[200];
    size_t size;
    (void)state;
    snprintf(path, sizeof path, "%s/link", folder);
    snprintf(target, sizeof target, "%s/precious", folder);
    assert_int_equal(symlink(target, path), 0);
    assert_fails(mrq_access_open(path, &log, &err), MRQ_NOT_FOUND, "cannot write the access log"); /* nor is one made there */
    assert_fails(mrq_map_open(&(mrq_map){0}, target, &err), MRQ_NOT_FOUND, "precious");
    write_bytes(target, "precious", 8);
    assert_fails(mrq_access_open(path, &log, &err), MRQ_FAILED,
                 "a symbolic link to a file is not followed; \"-\" is standard output");
    assert_int_equal(unlink(path), 0);
    assert_ok(mrq_access_open(path, &log, &err));
    assert_int_equal(unlink(path), 0);
    assert_int_equal(symlink(target, path), 0);
    assert_fails(mrq_access_reopen(log, &err), MRQ_FAILED, "is not followed");
    mrq_access_add(log, "local", "GET", "/kept", 200, 1, 1, "-");
    mrq_access_close(log);
    unsigned char *text = read_bytes(target, &size);
    assert_string_equal((const char *)text, "precious");
    mrq_free(text);
}

/* What the old file refuses is no reason to stay with it. */
static void test_access_full(void **state)
{
    mrq_access *log = NULL;
    char path[200];
    size_t size;
    (void)state;
    snprintf(path, sizeof path, "%s/full", folder);
    if (access("/dev/full", W_OK) != 0 || symlink("/dev/full", path) != 0)
        skip_test("there is no /dev/full here");
    assert_ok(mrq_access_open(path, &log, &err));
    mrq_access_add(log, "local", "GET", "/lost", 200, 1, 1, "-");
    assert_int_equal(unlink(path), 0);
    assert_fails(mrq_access_reopen(log, &err), MRQ_FAILED, "No space left");
    mrq_access_add(log, "local", "GET", "/kept", 200, 1, 1, "-");
    mrq_access_close(log);
    unsigned char *text = read_bytes(path, &size);
    assert_true(size > 0 && strstr((char *)text, "GET /kept 200") && !strstr((char *)text, "/lost"));
    mrq_free(text);
}

/* A pipe whose reader sleeps: nobody waits, whole lines are dropped and counted, and what comes in the end is in order. */
static void test_access_pipe(void **state)
{
    static char text[1 << 20];
    mrq_access *log = NULL;
    char path[200], shown[40];
    size_t size = 0;
    uint64_t lines = 0, last = 0;
    (void)state;
    snprintf(path, sizeof path, "%s/pipe", folder);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_fails(mrq_access_open(path, &log, &err), MRQ_FAILED, "cannot write the access log"); /* without a reader */
    const int reader = open(path, O_RDONLY | O_NONBLOCK);
    assert_true(reader >= 0);
    assert_ok(mrq_access_open(path, &log, &err));
    assert_int_equal(fcntl(reader, F_SETPIPE_SZ, 8192), 8192);
    for (unsigned i = 1; i <= 10000; i++) {
        snprintf(shown, sizeof shown, "/%u", i);
        mrq_access_add(log, "local", "GET", shown, 200, 1, 1, "-");
    }
    assert_ok(mrq_access_flush(log, &err));
    const uint64_t dropped = mrq_access_dropped(log);
    assert_in_range(dropped, 5000, 9999);
    for (ssize_t n; (n = read(reader, text + size, sizeof text - 1 - size)) > 0; size += (size_t)n)
        assert_ok(mrq_access_flush(log, &err));
    text[size] = '\0';
    for (char *at = text, *end; *at; at = end + 1, lines++) {
        unsigned number;
        assert_non_null(end = strchr(at, '\n'));
        assert_int_equal(sscanf(at, "%*s local GET /%u 200 1 1 -\n", &number), 1);
        assert_true(number > last);
        last = number;
    }
    assert_int_equal(lines + dropped, 10000);
    close(reader);
    mrq_access_add(log, "local", "GET", "/", 200, 1, 1, "-");
    signal(SIGPIPE, SIG_IGN);
    assert_fails(mrq_access_flush(log, &err), MRQ_FAILED, "Broken pipe");
    mrq_access_close(log);
}

/* An error of HTTP's own is written just as one of the library. */
static void test_refuse(void **state)
{
    mrq_reply reply;
    mrq_error wrong;
    (void)state;
    mrq_fail(&wrong, MRQ_USAGE, "age \"%s\": \xff\x01", "\xc3\xa9");
    char *text = mrq_error_json(&wrong);
    mrq_reply_refuse(&reply, 400, "usage", "age \"%s\": \xff\x01", "\xc3\xa9");
    assert_int_equal(reply.status, 400);
    assert_int_equal(reply.size, strlen(text));
    assert_string_equal(reply.data, text);
    mrq_reply_clear(&reply);
    free(text);
}

static void test_systemd(void **state)
{
    int fd;
    char pid[20], text[200];
    (void)state;
    snprintf(pid, sizeof pid, "%d", (int)getpid());
    static const struct {
        const char *pid, *fds;
        int fd;
    } cases[] = {{NULL, "1", -1},   {"1", "1", -1},    {"", "1", -1},   {"self", NULL, -1},
                 {"self", "0", -1}, {"self", "x", -1}, {"self", "1", 3}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        if (cases[i].pid)
            setenv("LISTEN_PID", strcmp(cases[i].pid, "self") == 0 ? pid : cases[i].pid, 1);
        if (cases[i].fds)
            setenv("LISTEN_FDS", cases[i].fds, 1);
        assert_ok(mrq_systemd_socket(&fd, &err));
        assert_int_equal(fd, cases[i].fd);
        assert_true(!getenv("LISTEN_PID") && !getenv("LISTEN_FDS"));
    }
    setenv("LISTEN_PID", pid, 1);
    setenv("LISTEN_FDS", "2", 1);
    assert_fails(mrq_systemd_socket(&fd, &err), MRQ_USAGE, "$LISTEN_FDS: 2 sockets, want one");

    struct sockaddr_un address = {.sun_family = AF_UNIX};
    for (int abstract = 0; abstract < 2; abstract++) {
        snprintf(address.sun_path, sizeof address.sun_path, "%s/notify", folder);
        const socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(address.sun_path));
        address.sun_path[0] = abstract ? '\0' : '/';
        fd = socket(AF_UNIX, SOCK_DGRAM, 0);
        assert_int_equal(bind(fd, (struct sockaddr *)&address, size), 0);
        address.sun_path[0] = abstract ? '@' : '/';
        setenv("NOTIFY_SOCKET", address.sun_path, 1);
        mrq_systemd_notify("READY=1");
        const ssize_t n = recv(fd, text, sizeof text, MSG_DONTWAIT);
        assert_true(n == 7 && memcmp(text, "READY=1", 7) == 0);
        close(fd);
    }
    mrq_systemd_notify("nobody listens");
    setenv("NOTIFY_SOCKET", "relative", 1);
    mrq_systemd_notify("nonsense");
    unsetenv("NOTIFY_SOCKET");
    mrq_systemd_notify("nothing");
}

/* -1 with errno. */
static int try_connect(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) == 0)
        return fd;
    const int code = errno;
    if (fd >= 0)
        close(fd);
    errno = code;
    return -1;
}

static int connect_to(const mrq_listener *listener)
{
    const int fd = try_connect(listener->path);
    assert_true(fd >= 0);
    return fd;
}

static void say(int fd, const char *text)
{
    assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

/* What comes within a second. */
static const char *hear(int fd)
{
    static char text[4096];
    struct pollfd wait = {fd, POLLIN, 0};
    assert_int_equal(poll(&wait, 1, 1000), 1);
    const ssize_t n = recv(fd, text, sizeof text - 1, 0);
    assert_true(n >= 0);
    text[n] = '\0';
    return text;
}

/* Slow clients, with limits of seconds. The recommender is not asked. */
static void test_slow(void **state)
{
    static const char get[] = "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n";
    mrq_listener listener;
    mrq_server *server = NULL;
    char address[200];
    (void)state;
    snprintf(address, sizeof address, "unix:%s/slow", folder);
    assert_ok(mrq_listener_open(address, false, &listener, &err));
    const mrq_server_options options = {
        .listener = &listener, .workers = 2, .connections = 100, .idle_seconds = 1, .request_seconds = 2};
    assert_ok(mrq_server_start(&options, &server, &err));
    const int silent = connect_to(&listener), half = connect_to(&listener), trickle = connect_to(&listener),
              live = connect_to(&listener);
    const double start = mrq_clock();
    bool cut = false;
    say(half, "GET /healthz HT");
    say(trickle, "GET /healthz HTTP/1.1\r\nX: ");
    while (mrq_clock() - start < 4) {
        say(live, get); /* answered all the time, for longer than either limit */
        assert_non_null(strstr(hear(live), "200 OK"));
        cut |= send(trickle, "x", 1, MSG_NOSIGNAL) != 1;
        mrq_server_sweep(server);
        usleep(200000);
    }
    assert_string_equal(hear(silent), "");
    assert_string_equal(hear(half), "");
    assert_true(cut);
    assert_int_equal(mrq_server_pending(server), 0);
    assert_in_range(mrq_server_answered(server), 10, 25);

    /* Draining: what waits to be accepted, and what is under way, is answered; and both say that it was the last. */
    const int last = connect_to(&listener);
    mrq_server_drain(server);
    say(last, get);
    assert_non_null(strstr(hear(last), "Connection: close"));
    say(live, "GET /readyz HTTP/1.1\r\nHost: a\r\n\r\n");
    const char *said = hear(live);
    assert_true(strstr(said, "503") && strstr(said, "Connection: close") && strstr(said, "{\"status\":\"stopping\"}"));
    mrq_server_stop(server);
    mrq_listener_close(&listener);
    const int fds[] = {silent, half, trickle, live, last};
    for (size_t i = 0; i < sizeof fds / sizeof *fds; i++)
        close(fds[i]);
}

/* Says a text at an address like "http://127.0.0.1:80", and waits for the answer or the end. */
static const char *ask_at(const char *address, const char *text)
{
    struct addrinfo *found;
    char host[40];
    const char *port = strrchr(address, ':');
    const bool bracketed = address[7] == '[';
    snprintf(host, sizeof host, "%.*s", (int)(port - address) - 7 - 2 * bracketed, address + 7 + bracketed);
    assert_int_equal(getaddrinfo(host, port + 1, &(struct addrinfo){.ai_socktype = SOCK_STREAM}, &found), 0);
    const int fd = socket(found->ai_family, SOCK_STREAM, 0);
    assert_int_equal(connect(fd, found->ai_addr, found->ai_addrlen), 0);
    freeaddrinfo(found);
    say(fd, text);
    const char *heard = hear(fd);
    close(fd);
    return heard;
}

static void every_address_is_answered_within_the_limit_on_connections(void **state)
{
    static const char get[] = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";
    mrq_listener listener;
    mrq_server *server = NULL;
    (void)state;
    assert_ok(mrq_listener_open("more.test:0", false, &listener, &err));
    const mrq_server_options options = {
        .listener = &listener, .workers = 1, .connections = 2, .idle_seconds = 5, .request_seconds = 5};
    assert_ok(mrq_server_start(&options, &server, &err));
    for (int round = 0; round < 3; round++)
        for (unsigned i = 0; i < listener.n; i++)
            assert_non_null(strstr(ask_at(listener.address[i], get), "200 OK"));

    /* Two that stay are all that may: who comes third, at whichever address, waits and is not turned away. */
    int held[3];
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(strrchr(listener.address[0], ':') + 1))};
    for (int i = 0; i < 3; i++) {
        to.sin_addr.s_addr = htonl(i == 0 ? 0x7f000001 : 0x7f000002);
        held[i] = socket(AF_INET, SOCK_STREAM, 0);
        assert_int_equal(connect(held[i], (struct sockaddr *)&to, sizeof to), 0);
        say(held[i], get);
        if (i < 2)
            assert_non_null(strstr(hear(held[i]), "200 OK"));
    }
    struct pollfd third = {held[2], POLLIN, 0};
    assert_int_equal(poll(&third, 1, 250), 0);
    shutdown(held[0], SHUT_RDWR);
    assert_non_null(strstr(hear(held[2]), "200 OK"));

    /* Two wait at two addresses for one place: one gets it, and the other waits on. */
    int waits[2];
    for (int i = 0; i < 2; i++) {
        to.sin_addr.s_addr = htonl(i == 0 ? 0x7f000002 : 0x7f000003);
        waits[i] = socket(AF_INET, SOCK_STREAM, 0);
        assert_int_equal(connect(waits[i], (struct sockaddr *)&to, sizeof to), 0);
        say(waits[i], get);
    }
    shutdown(held[1], SHUT_RDWR);
    struct pollfd either[] = {{waits[0], POLLIN, 0}, {waits[1], POLLIN, 0}};
    assert_int_equal(poll(either, 2, 20000), 1);
    const int first = either[0].revents ? 0 : 1;
    assert_non_null(strstr(hear(waits[first]), "200 OK"));
    assert_int_equal(poll(&either[!first], 1, 250), 0);
    shutdown(waits[first], SHUT_RDWR);
    assert_non_null(strstr(hear(waits[!first]), "200 OK"));

    for (size_t i = 0; i < 3; i++)
        close(held[i]);
    for (size_t i = 0; i < 2; i++)
        close(waits[i]);
    mrq_server_stop(server);

    /* Who waits at any of them when the end comes is answered: here before the first of them is accepted. */
    const mrq_server_options roomy = {
        .listener = &listener, .workers = 1, .connections = 100, .idle_seconds = 5, .request_seconds = 5};
    int waiting[12];
    for (size_t i = 0; i < sizeof waiting / sizeof *waiting; i++) {
        waiting[i] = socket(AF_INET, SOCK_STREAM, 0);
        assert_int_equal(connect(waiting[i], (struct sockaddr *)&to, sizeof to), 0);
        say(waiting[i], get);
    }
    assert_ok(mrq_server_start(&roomy, &server, &err));
    mrq_server_drain(server);
    mrq_listener_shut(&listener);
    for (size_t i = 0; i < sizeof waiting / sizeof *waiting; i++) {
        assert_non_null(strstr(hear(waiting[i]), "200 OK"));
        close(waiting[i]);
    }
    mrq_server_stop(server);
    mrq_listener_close(&listener);
}

static atomic_int accepts;
static atomic_bool no_files; /* may be opened */

int __real_accept4(int fd, struct sockaddr *from, socklen_t *size, int flags);
int __wrap_accept4(int fd, struct sockaddr *from, socklen_t *size, int flags);
int __wrap_accept4(int fd, struct sockaddr *from, socklen_t *size, int flags)
{
    atomic_fetch_add(&accepts, 1);
    errno = EMFILE;
    return atomic_load(&no_files) ? -1 : __real_accept4(fd, from, size, flags);
}

/* Who cannot be accepted for want of files stays ready to be: the thread looks again now and then, and not all the time. */
static void want_of_files_keeps_no_thread_busy(void **state)
{
    static const char get[] = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";
    mrq_listener listener;
    mrq_server *server = NULL;
    (void)state;
    assert_ok(mrq_listener_open("both.test:0", false, &listener, &err));
    const mrq_server_options options = {
        .listener = &listener, .workers = 1, .connections = 10, .idle_seconds = 5, .request_seconds = 5};
    assert_ok(mrq_server_start(&options, &server, &err));
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)atoi(strrchr(listener.address[0], ':') + 1)),
                             .sin_addr = {htonl(0x7f000002)}};
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    atomic_store(&no_files, true);
    atomic_store(&accepts, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
    say(fd, get);
    struct pollfd wait = {fd, POLLIN, 0};
    assert_int_equal(poll(&wait, 1, 350), 0);
    assert_in_range(atomic_load(&accepts), 0, 10);
    atomic_store(&no_files, false);
    assert_non_null(strstr(hear(fd), "200 OK"));
    close(fd);
    mrq_server_stop(server);
    mrq_listener_close(&listener);
}

static const union MHD_ConnectionInfo *no_info(struct MHD_Connection *connection, enum MHD_ConnectionInfoType type, ...)
{
    (void)connection, (void)type;
    return NULL;
}

static __typeof__(MHD_run_wait) *real_wait;

/* As where its recv() is not ours. */
static enum MHD_Result wait_with_nul(struct MHD_Daemon *daemon, int32_t ms)
{
    mrq_head_reads = false;
    return real_wait(daemon, ms);
}

mrq_status __real_mrq_head_check(mrq_error *error);
mrq_status __wrap_mrq_head_check(mrq_error *error);
static bool wrong_library;

mrq_status __wrap_mrq_head_check(mrq_error *error)
{
    return wrong_library ? mrq_fail(error, MRQ_FAILED, "wrong library") : __real_mrq_head_check(error);
}

/* A libmicrohttpd in which every head would look wrong, or none, is refused at the start and not with each request. */
static void a_libmicrohttpd_whose_heads_cannot_be_judged_is_refused(void **state)
{
    mrq_server *server;
    (void)state;
    assert_ok(mrq_microhttpd_load(&err));
    assert_ok(mrq_head_check(&err));
    mrq_mhd.get_connection_info = no_info;
    assert_fails(mrq_head_check(&err), MRQ_FAILED, "stores requests differently from 0.9.75, so their heads cannot be checked");
    assert_ok(mrq_microhttpd_load(&err));
    real_wait = mrq_mhd.run_wait;
    mrq_mhd.run_wait = wait_with_nul;
    assert_fails(mrq_head_check(&err), MRQ_FAILED, mrq_mhd.get_version());
    assert_ok(mrq_microhttpd_load(&err));
    assert_ok(mrq_head_check(&err));
    wrong_library = true;
    assert_fails(mrq_server_start(&(mrq_server_options){0}, &server, &err), MRQ_FAILED, "wrong library");
    wrong_library = false;
}

/* Bytes of others come as they are: a Redis's values hold NULs. */
static void only_requests_are_read_without_nul(void **state)
{
    char got[4];
    int pair[2];
    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    for (int reads = 0; reads < 2; reads++) {
        mrq_head_reads = reads;
        assert_int_equal(send(pair[0], "\0a\0\0", 4, 0), 4);
        assert_int_equal(recv(pair[1], got, sizeof got, 0), 4);
        assert_memory_equal(got, reads ? "\va\v\v" : "\0a\0\0", 4);
    }
    mrq_head_reads = false;
    close(pair[0]);
    close(pair[1]);
}

static atomic_int asked;      /* of others, for an answer */
static atomic_bool asked_raw; /* what others say was read as it is */

mrq_status __wrap_mrq_recommender_ask(mrq_recommender *recommender, mrq_ask what, const mrq_query *query, mrq_answer **out,
                                      mrq_error *error);
mrq_status __wrap_mrq_recommender_ask(mrq_recommender *recommender, mrq_ask what, const mrq_query *query, mrq_answer **out,
                                      mrq_error *error)
{
    (void)recommender, (void)query, (void)out;
    if (what != MRQ_ASK_INFO)
        return mrq_fail(error, MRQ_FAILED, "%d, want %d", (int)what, (int)MRQ_ASK_INFO);
    atomic_fetch_add(&asked, 1);
    atomic_store(&asked_raw, !mrq_head_reads);
    return mrq_fail(error, MRQ_FAILED, "asked");
}

static void what_is_read_for_an_answer_is_read_as_it_is(void **state)
{
    mrq_listener listener;
    mrq_server *server = NULL;
    char address[200];
    (void)state;
    snprintf(address, sizeof address, "unix:%s/raw", folder);
    assert_ok(mrq_listener_open(address, false, &listener, &err));
    const mrq_server_options options = {
        .listener = &listener, .workers = 1, .connections = 16, .idle_seconds = 5, .request_seconds = 5};
    assert_ok(mrq_server_start(&options, &server, &err));
    const int fd = connect_to(&listener);
    static const char nul[] = "GET /v1/info HTTP/1.1\r\nHost: a\0\nX: b\r\n\r\n";
    say(fd, "GET /v1/info HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_non_null(strstr(hear(fd), "asked"));
    assert_true(atomic_load(&asked_raw));
    assert_int_equal(send(fd, nul, sizeof nul - 1, MSG_NOSIGNAL), sizeof nul - 1); /* and the next request is not */
    assert_non_null(strstr(hear(fd), "HTTP/1.1 400 "));
    assert_int_equal(atomic_load(&asked), 1);
    close(fd);
    mrq_server_stop(server);
    mrq_listener_close(&listener);
}

/* By libmicrohttpd's own clock, not by the sweep: that comes far later here. */
static void silence_is_cut_after_idle_seconds(void **state)
{
    mrq_listener listener;
    mrq_server *server = NULL;
    char address[200];
    (void)state;
    snprintf(address, sizeof address, "unix:%s/idle", folder);
    assert_ok(mrq_listener_open(address, false, &listener, &err));
    const mrq_server_options options = {
        .listener = &listener, .workers = 1, .connections = 16, .idle_seconds = 1, .request_seconds = 1000};
    assert_ok(mrq_server_start(&options, &server, &err));
    const int silent = connect_to(&listener);
    struct pollfd wait = {silent, POLLIN, 0};
    assert_int_equal(poll(&wait, 1, 20000), 1); /* patience, for a machine that is busy */
    assert_string_equal(hear(silent), "");
    mrq_server_stop(server);
    mrq_listener_close(&listener);
    close(silent);
}

struct caller {
    const char *path;
    int problem; /* why it could not connect, or 0 */
    pthread_t thread;
};

/* Asks on one connection until it is closed. Asserts nothing: that is for cmocka's own thread. */
static void *call(void *arg)
{
    static const char get[] = "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n";
    struct caller *caller = arg;
    char answer[4096];
    const int fd = try_connect(caller->path);
    caller->problem = fd < 0 ? errno : 0;
    while (fd >= 0 && send(fd, get, sizeof get - 1, MSG_NOSIGNAL) > 0 && recv(fd, answer, sizeof answer, 0) > 0) {
    }
    if (fd >= 0)
        close(fd);
    return NULL;
}

/* Servers that are drained and stopped while their workers are busy. A caller that comes too late finds no socket. */
static void test_busy_stop(void **state)
{
    char address[200];
    (void)state;
    snprintf(address, sizeof address, "unix:%s/busy", folder);
    for (int round = 0; round < 20; round++) {
        struct caller callers[8] = {0};
        mrq_listener listener;
        mrq_server *server = NULL;
        assert_ok(mrq_listener_open(address, false, &listener, &err));
        const mrq_server_options options = {
            .listener = &listener, .workers = 4, .connections = 100, .idle_seconds = 5, .request_seconds = 5};
        assert_ok(mrq_server_start(&options, &server, &err));
        for (size_t i = 0; i < 8; i++) {
            callers[i].path = address + 5;
            assert_int_equal(pthread_create(&callers[i].thread, NULL, call, &callers[i]), 0);
        }
        while (mrq_server_answered(server) < 40)
            usleep(100);
        mrq_server_drain(server);
        mrq_server_stop(server);
        mrq_listener_close(&listener);
        for (size_t i = 0; i < 8; i++) {
            assert_int_equal(pthread_join(callers[i].thread, NULL), 0);
            assert_true(callers[i].problem == 0 || callers[i].problem == ENOENT || callers[i].problem == ECONNREFUSED);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_places),
        cmocka_unit_test(test_listen),
        cmocka_unit_test(test_token),
        cmocka_unit_test(a_token_file_of_another_user_is_refused),
        cmocka_unit_test(test_routes),
        cmocka_unit_test(a_path_and_its_parameters_make_a_query),
        cmocka_unit_test(test_access),
        cmocka_unit_test(test_systemd),
        cmocka_unit_test(test_access_link),
        cmocka_unit_test(test_access_full),
        cmocka_unit_test(test_access_pipe),
        cmocka_unit_test(test_refuse),
        cmocka_unit_test(a_name_is_listened_on_at_all_its_addresses),
        cmocka_unit_test(every_address_is_answered_within_the_limit_on_connections),
        cmocka_unit_test(a_stale_socket_costs_no_descriptor),
        cmocka_unit_test(want_of_files_keeps_no_thread_busy),
        cmocka_unit_test(a_libmicrohttpd_whose_heads_cannot_be_judged_is_refused),
        cmocka_unit_test(only_requests_are_read_without_nul),
        cmocka_unit_test(what_is_read_for_an_answer_is_read_as_it_is),
        cmocka_unit_test(only_our_own_names_are_known),
        cmocka_unit_test(an_origin_is_one_as_browsers_write_it),
        cmocka_unit_test(helpers_are_shared_by_all_batches),
        cmocka_unit_test(silence_is_cut_after_idle_seconds),
        cmocka_unit_test(test_slow),
        cmocka_unit_test(test_busy_stop),
    };
    folder = temporary_folder();
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    temporary_remove(folder);
    return failed;
}
