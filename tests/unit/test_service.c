/* The service over a real store: every answer is compared whole, its head as its body, with what the library says; limits at their
 * value and one beyond; each call of libmicrohttpd and each allocation that fails in its turn. */
#include "unit/failing_memory.h"
#include "unit/store_world.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/asset.h"
#include "base/log.h"
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
    assert_int_equal(mrq_server_pending(s->server), 0);
    mrq_server_stop(s->server);
    mrq_listener_close(&s->listener);
}

static int connect_to(const service *s)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const bool local = *s->listener.path;
    const int fd = socket(local ? AF_UNIX : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    memcpy(un.sun_path, s->listener.path, sizeof un.sun_path);
    if (!local)
        in.sin_port = htons((uint16_t)atoi(strrchr(s->listener.address[0], ':') + 1));
    assert_int_equal(local ? connect(fd, (struct sockaddr *)&un, sizeof un) : connect(fd, (struct sockaddr *)&in, sizeof in), 0);
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

#define HOST   "Host: localhost\r\n"
#define JSON   "Content-Type: application/json\r\nX-Content-Type-Options: nosniff\r\nCache-Control: no-store\r\n"
#define TEXT(type) "Content-Type: " type "\r\nX-Content-Type-Options: nosniff\r\nCache-Control: "
#define GET(target) "GET " target " HTTP/1.1\r\n" HOST "\r\n"

int main(void)
{
    void *state = NULL;
    set_up(&state);
    service s;
    static const mrq_texts hosts = {1, {"movies.example"}}, origins = {1, {"https://page.example"}};
    start(&s, "127.0.0.1:0", (mrq_server_options){.hosts = &hosts, .origins = &origins});
    static const char *const asked[] = {GET("/healthz"), "HEAD /healthz HTTP/1.1\r\n" HOST "\r\n",  GET("/v1/movies/13"), GET("/page.css"), GET("/metrics"), GET("/v1/info"),
        GET("/nothing"), "GET /v1/info HTTP/1.1\r\nHost: x\r\n\r\n", "POST /v1/recommendations HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\n{} ",
        "OPTIONS /v1/info HTTP/1.1\r\n" HOST "Origin: https://page.example\r\nAccess-Control-Request-Method: GET\r\n\r\n",
        "GET /v1/info HTTP/1.1\r\n" HOST "Origin: https://page.example\r\n\r\n",
        "PUT /v1/info HTTP/1.1\r\n" HOST "Origin: https://page.example\r\n\r\n",
        "GET /v1/info HTTP/1.0\r\n\r\n",
        "GET /v1/info HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
        };
    for (size_t i = 0; i < sizeof asked / sizeof *asked; i++)
        printf("-------- %s\n%s\n", asked[i], ask(&s, asked[i]));
    stop(&s);
    tear_down(&state);
    return 0;
}
