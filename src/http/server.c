/* libmicrohttpd at work: worker threads with a daemon of it each on the same listening sockets, and no thread a connection. A
 * request is answered by the thread that read it. Its state lives in its connection's, made when that is accepted, so that a
 * request asks for no memory of ours; an answer is sent from where the recommender keeps it, unless it is large.
 * What is wrong with a request's first lines is known before its body has come: where one is announced it is answered at once,
 * which closes the connection; else after the end of the request, which does not. libmicrohttpd takes no answer while a body
 * comes in: one that turns out too large is thrown away as it comes, and refused at its end, or cut off when there is none.
 * The query string is hidden from libmicrohttpd, see params.c: where its text begins, a NUL stands until the answer is made.
 * The threads are ours: to stop listening a daemon has to leave epoll_wait(), and libmicrohttpd 0.9.75 aborts now and then when
 * another thread than the one that waits calls MHD_quiesce_daemon() (both take the socket out, the second finds it gone).
 * libmicrohttpd counts silence only. Who trickles a byte now and then is found by mrq_server_sweep(), which walks all connections
 * under a lock that is otherwise taken when one opens or closes. */
#include "http/server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "base/parallel.h"
#include "base/parse.h"
#include "http/batch.h"
#include "http/head.h"
#include "http/mhd.h"
#include "http/route.h"
#include "http/visitor.h"

/* Of one connection: the longest URL with the headers that browsers send. libmicrohttpd zeroes it after each request, so an idle
 * connection costs this much. */
#define CONNECTION_MEMORY 16384
#define BODIES_MAX        (64 * MRQ_BODY_MAX)  /* of all connections together, while they come in */
#define DISCARD_MAX       (128 * MRQ_BODY_MAX) /* of one that is refused */
#define ANSWERS_MAX       ((size_t)256 << 20)  /* of all connections together, until they are sent */
#define HTTP              7                    /* bytes of "http://" */
#define PREFLIGHT_SECONDS "600"                /* that a browser may remember what a page may do */
#define HEED_MS           100                  /* within which an idle worker hears that the end has come */
#define HEED_DRAINING_MS  10

/* A connection and the request on it. */
struct client {
    struct client *previous, *next;
    const struct worker *worker;
    struct MHD_Connection *connection;
    int socket;
    _Atomic double since; /* when it was accepted or its last request came to its end */
    bool under_way;       /* a request; what follows is its own */
    const char *uri;      /* (uri_size) the request's target, in libmicrohttpd's memory */
    size_t uri_size;
    bool blank;  /* within it, where it ends for some */
    char *query; /* in libmicrohttpd's memory; NULL: none */
    char hidden; /* its first character */
    mrq_match match;
    const char *origin; /* of the page that asks, if it is one that may; or NULL */
    unsigned refused;   /* with this status; 0: not */
    char *body;
    size_t size, capacity, discarded;
    size_t sending; /* bytes of an answer */
};

struct worker {
    struct mrq_server *server;
    struct MHD_Daemon *daemon; /* the thread's alone while it runs */
    uint32_t connections;      /* at most */
    pthread_t thread;
    bool running;
};

struct mrq_server {
    mrq_service service;
    struct worker workers[MRQ_WORKERS_MAX];
    atomic_bool stopping;
    sem_t deaf; /* posted by each worker that listens no more */
    const mrq_listener *listener;
    const mrq_secret *token;
    const mrq_texts *hosts, *origins;
    mrq_access *access;
    atomic_uint pending;
    atomic_size_t bodies, answers; /* bytes of them all */
    uint32_t request_seconds;
    pthread_mutex_t lock; /* of the list */
    struct client *clients;
};

static void on_connection(void *cls, struct MHD_Connection *connection, void **context, enum MHD_ConnectionNotificationCode what)
{
    const struct worker *worker = cls;
    mrq_server *server = worker->server;
    struct client *client = *context;
    if (what == MHD_CONNECTION_NOTIFY_STARTED) {
        const union MHD_ConnectionInfo *info = mrq_mhd.get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
        if (!info || !(client = calloc(1, sizeof *client)))
            return; /* a connection without a client is closed at its first request */
        client->worker = worker;
        client->connection = connection;
        client->socket = info->connect_fd;
        client->since = mrq_clock();
        *context = client;
        pthread_mutex_lock(&server->lock);
        client->next = server->clients;
        if (client->next)
            client->next->previous = client;
        server->clients = client;
        pthread_mutex_unlock(&server->lock);
        atomic_fetch_add(&server->service.metrics.connections, 1);
    } else if (client) {
        pthread_mutex_lock(&server->lock);
        *(client->previous ? &client->previous->next : &server->clients) = client->next;
        if (client->next)
            client->next->previous = client->previous;
        pthread_mutex_unlock(&server->lock);
        atomic_fetch_sub(&server->service.metrics.connections, 1);
        free(client);
        *context = NULL;
    }
}

void mrq_server_sweep(mrq_server *server)
{
    const double oldest = mrq_clock() - server->request_seconds;
    pthread_mutex_lock(&server->lock);
    for (struct client *client = server->clients; client; client = client->next)
        if (atomic_load_explicit(&client->since, memory_order_relaxed) < oldest)
            shutdown(client->socket, SHUT_RDWR);
    pthread_mutex_unlock(&server->lock);
}

/* libmicrohttpd refuses a request by itself. One whose headers have all come gets the lines of that answer twice, by a mistake of
 * 0.9.75: it is the one of this worker's that has a head and was not given to us, and gets an answer of ours, the last. */
static void on_message(void *cls, const char *format, va_list args)
{
    static const char answer[] = "HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Type: " MRQ_TYPE_JSON "\r\n"
                                 "Content-Length: 76\r\n\r\n"
                                 "{\"schema\":1,\"error\":{\"code\":\"usage\",\"message\":\"the headers are malformed\"}}\n";
    const struct worker *worker = cls;
    mrq_server *server = worker->server;
    (void)args;
    if (strncmp(format, "Error processing request", 24) != 0)
        return;
    pthread_mutex_lock(&server->lock);
    for (struct client *client = server->clients; client; client = client->next)
        if (client->worker == worker && !client->under_way &&
            mrq_mhd.get_connection_info(client->connection, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE)) {
            (void)!send(client->socket, answer, sizeof answer - 1, MSG_NOSIGNAL | MSG_DONTWAIT);
            shutdown(client->socket, SHUT_WR);
        }
    pthread_mutex_unlock(&server->lock);
}

/* The first that is heard of a request: its target, whole. What is returned comes with all that follows. */
static void *on_uri(void *cls, const char *uri, struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info = mrq_mhd.get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    struct client *client = info ? info->socket_context : NULL;
    (void)cls;
    if (!client)
        return NULL;
    client->uri = uri;
    client->uri_size = strlen(uri);
    client->blank = strpbrk(uri, " \t") != NULL;
    client->query = strchr(uri, '?');
    if (client->query) {
        client->hidden = *++client->query;
        *client->query = '\0';
    }
    return client;
}

/* Paths are compared as they came, see route.c. */
static size_t on_unescape(void *cls, struct MHD_Connection *connection, char *text)
{
    (void)cls, (void)connection;
    return strlen(text);
}

/* Legal without one. */
static void free_body(mrq_server *server, struct client *client)
{
    atomic_fetch_sub_explicit(&server->bodies, client->capacity, memory_order_relaxed);
    mrq_free(client->body);
    client->body = NULL;
    client->size = client->capacity = 0;
}

static void on_completed(void *cls, struct MHD_Connection *connection, void **context, enum MHD_RequestTerminationCode why)
{
    mrq_server *server = cls;
    struct client *client = *context;
    (void)connection, (void)why;
    if (!client || !client->under_way)
        return;
    free_body(server, client);
    atomic_fetch_sub_explicit(&server->answers, client->sending, memory_order_relaxed);
    client->sending = 0;
    client->under_way = false;
    atomic_store_explicit(&client->since, mrq_clock(), memory_order_relaxed);
    atomic_fetch_sub(&server->pending, 1);
}

/* Whether a target is written as a proxy is asked. */
static bool is_absolute(const char *uri)
{
    return strncasecmp(uri, "http://", HTTP) == 0;
}

static const char *header(struct MHD_Connection *connection, const char *name)
{
    return mrq_mhd.lookup_connection_value(connection, MHD_HEADER_KIND, name);
}

/* Whether a body is JSON as far as its header tells: "application/json", and parameters behind it. A page elsewhere may send any
 * other without asking first. */
static bool is_json(const char *type)
{
    const size_t size = sizeof MRQ_TYPE_JSON - 1;
    return type && (strncasecmp(type, MRQ_TYPE_JSON, size) == 0 && strchr("; \t", type[size]));
}

/* Whether a request knows us by a name of ours, as visitor.c has it. Only HTTP/1.0 may come without one, which no browser speaks;
 * nor does any reach a unix socket. */
static bool is_known_host(const mrq_server *server, struct MHD_Connection *connection, const char *uri)
{
    const union MHD_ConnectionInfo *info = mrq_mhd.get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    const char *host = header(connection, MHD_HTTP_HEADER_HOST);
    if (!server->hosts || (info && info->client_addr && info->client_addr->sa_family == AF_UNIX))
        return true;
    if (is_absolute(uri) && !mrq_host_is_known(server->hosts, uri + HTTP, strcspn(uri + HTTP, "/")))
        return false;
    return !host || mrq_host_is_known(server->hosts, host, strlen(host));
}

/* Whether a browser asks if a page of an origin that may ask us may do so in this way. */
static bool is_preflight(const struct client *client, struct MHD_Connection *connection, const char *method)
{
    return client->origin && client->match.status == MHD_HTTP_METHOD_NOT_ALLOWED && strcmp(method, MHD_HTTP_METHOD_OPTIONS) == 0 &&
           header(connection, MHD_HTTP_HEADER_ACCESS_CONTROL_REQUEST_METHOD);
}

/* The status with which a request is answered after its first lines, or 0. */
static unsigned judge(const mrq_server *server, const struct client *client, struct MHD_Connection *connection, const char *method,
                      const char *version)
{
    const mrq_guard guard = client->match.status == 200 ? mrq_routes[client->match.route].guard : MRQ_GUARD_TOKEN;
    const char *length = header(connection, MHD_HTTP_HEADER_CONTENT_LENGTH);
    int64_t size;
    if (client->blank || !mrq_head_is_plain(connection, method, client->uri, client->uri_size, version))
        return MHD_HTTP_BAD_REQUEST;
    if (guard != MRQ_GUARD_NONE && !is_known_host(server, connection, client->uri))
        return MHD_HTTP_MISDIRECTED_REQUEST;
    if (client->uri_size > MRQ_URL_MAX)
        return MHD_HTTP_URI_TOO_LONG;
    if (is_preflight(client, connection, method))
        return MHD_HTTP_NO_CONTENT;
    if (guard == MRQ_GUARD_TOKEN && server->token &&
        !mrq_token_matches(server->token, header(connection, MHD_HTTP_HEADER_AUTHORIZATION)))
        return MHD_HTTP_UNAUTHORIZED;
    if (client->match.status != 200)
        return client->match.status;
    if (length && !mrq_parse_int(length, strlen(length), 0, (int64_t)MRQ_BODY_MAX, &size))
        return MHD_HTTP_CONTENT_TOO_LARGE;
    if (mrq_routes[client->match.route].post && !is_json(header(connection, MHD_HTTP_HEADER_CONTENT_TYPE)))
        return MHD_HTTP_UNSUPPORTED_MEDIA_TYPE;
    return 0;
}

static void refuse(const struct client *client, struct MHD_Connection *connection, const char *method, const char *path,
                   mrq_reply *reply)
{
    const char *host = header(connection, MHD_HTTP_HEADER_HOST);
    switch (client->refused) {
    case MHD_HTTP_BAD_REQUEST:
        mrq_reply_refuse(
            reply, client->refused, "usage",
            "want one Host header, one Content-Length, of digits, at most or, in HTTP/1.1, one \"Transfer-Encoding: chunked\" in "
            "its place; lines that end in CRLF, none folded; no blanks in the URL or in names, no control characters");
        reply->last = true;
        return;
    case MHD_HTTP_MISDIRECTED_REQUEST:
        mrq_reply_refuse(reply, client->refused, "misdirected",
                         "\"%.100s\" is not a host that this service goes by: want localhost, a loopback address, the name in "
                         "--listen, or one that --host NAME adds",
                         host ? host : "");
        return;
    case MHD_HTTP_NO_CONTENT:
        mrq_reply_static(reply, MRQ_TYPE_JSON, "", 0);
        reply->status = client->refused;
        reply->allow = client->match.allow;
        return;
    case MHD_HTTP_UNAUTHORIZED:
        mrq_reply_refuse(reply, client->refused, "unauthorized", "this needs a token: Authorization: Bearer TOKEN");
        return;
    case MHD_HTTP_METHOD_NOT_ALLOWED:
        mrq_reply_refuse(reply, client->refused, "method_not_allowed", "%.20s %.100s: want %s", method, path, client->match.allow);
        reply->allow = client->match.allow;
        return;
    case MHD_HTTP_CONTENT_TOO_LARGE:
        mrq_reply_refuse(reply, client->refused, "too_large", "the body has more than %zu bytes", MRQ_BODY_MAX);
        return;
    case MHD_HTTP_URI_TOO_LONG:
        mrq_reply_refuse(reply, client->refused, "too_large", "the URL has %zu bytes, want at most %d", client->uri_size,
                         MRQ_URL_MAX);
        return;
    case MHD_HTTP_UNSUPPORTED_MEDIA_TYPE:
        mrq_reply_refuse(reply, client->refused, "unsupported_media_type", "the body's Content-Type is not " MRQ_TYPE_JSON);
        return;
    case MHD_HTTP_SERVICE_UNAVAILABLE:
        mrq_reply_refuse(reply, client->refused, "unavailable", "too many bodies at once, try again");
        return;
    default:
        mrq_reply_refuse(reply, client->refused, "not_found", "nothing at %.200s; see /openapi.json", path);
    }
}

static bool add(struct MHD_Response *response, const char *name, const char *value)
{
    return mrq_mhd.add_response_header(response, name, value) == MHD_YES;
}

/* What a browser has to know before it shows an answer to a page elsewhere. */
static bool add_origin(const mrq_server *server, const struct client *client, struct MHD_Response *response, const mrq_reply *reply)
{
    bool ok = !server->origins->n || add(response, MHD_HTTP_HEADER_VARY, "Origin");
    if (client->origin)
        ok = ok && add(response, MHD_HTTP_HEADER_ACCESS_CONTROL_ALLOW_ORIGIN, client->origin);
    if (reply->status == MHD_HTTP_NO_CONTENT)
        ok = ok && add(response, MHD_HTTP_HEADER_ACCESS_CONTROL_ALLOW_METHODS, reply->allow) &&
             add(response, MHD_HTTP_HEADER_ACCESS_CONTROL_ALLOW_HEADERS, "Authorization, Content-Type") &&
             add(response, MHD_HTTP_HEADER_ACCESS_CONTROL_MAX_AGE, PREFLIGHT_SECONDS);
    return ok;
}

static bool add_headers(const mrq_server *server, const struct client *client, struct MHD_Response *response,
                        const mrq_reply *reply)
{
    bool ok = add(response, MHD_HTTP_HEADER_CONTENT_TYPE, reply->type) && add(response, "X-Content-Type-Options", "nosniff") &&
              add(response, MHD_HTTP_HEADER_CACHE_CONTROL, reply->page ? "no-cache" : "no-store") &&
              add_origin(server, client, response, reply);
    if (ok && reply->page)
        ok = add(response, "Content-Security-Policy",
                 "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' "
                 "data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'") &&
             add(response, "Referrer-Policy", "no-referrer");
    if (ok && reply->allow)
        ok = add(response, MHD_HTTP_HEADER_ALLOW, reply->allow);
    if (ok && reply->status == MHD_HTTP_UNAUTHORIZED)
        ok = add(response, MHD_HTTP_HEADER_WWW_AUTHENTICATE, "Bearer");
    if (ok && (reply->last || atomic_load_explicit(&server->service.draining, memory_order_relaxed)))
        ok = add(response, MHD_HTTP_HEADER_CONNECTION, "close");
    return ok;
}

static void log_access(const mrq_server *server, struct MHD_Connection *connection, const char *method, const char *path,
                       const mrq_reply *reply, double seconds)
{
    const union MHD_ConnectionInfo *info = mrq_mhd.get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    char client[INET6_ADDRSTRLEN] = "local";
    if (info && info->client_addr && info->client_addr->sa_family == AF_INET)
        inet_ntop(AF_INET, &((const struct sockaddr_in *)(const void *)info->client_addr)->sin_addr, client, sizeof client);
    else if (info && info->client_addr && info->client_addr->sa_family == AF_INET6)
        inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)(const void *)info->client_addr)->sin6_addr, client, sizeof client);
    mrq_access_add(server->access, client, method, path, reply->status, reply->size, (uint64_t)(seconds * 1e6), reply->cache);
}

/* Sends the reply, which is libmicrohttpd's from here on; counts and logs it. `start` is when its request had come. */
static enum MHD_Result respond(mrq_server *server, struct client *client, struct MHD_Connection *connection, const char *method,
                               const char *path, mrq_reply *reply, double start)
{
    const double seconds = mrq_clock() - start;
    union { /* libmicrohttpd's type has no const, and it changes nothing */
        const char *read;
        void *any;
    } data = {reply->data};
    mrq_metrics_count(&server->service.metrics, client->match.route, reply->status, seconds);
    if (server->access)
        log_access(server, connection, method, path, reply, seconds);
    struct MHD_Response *response =
        reply->release
            ? mrq_mhd.create_response_from_buffer_with_free_callback_cls(reply->size, data.any, reply->release, reply->owner)
            : mrq_mhd.create_response_from_buffer(reply->size, data.any, MHD_RESPMEM_PERSISTENT);
    if (!response) {
        mrq_reply_clear(reply);
        return MHD_NO;
    }
    const enum MHD_Result result =
        add_headers(server, client, response, reply) ? mrq_mhd.queue_response(connection, reply->status, response) : MHD_NO;
    mrq_mhd.destroy_response(response);
    return result;
}

static enum MHD_Result respond_refusal(mrq_server *server, struct client *client, struct MHD_Connection *connection,
                                       const char *method, const char *path)
{
    mrq_reply reply = {0};
    const double start = mrq_clock();
    refuse(client, connection, method, path, &reply);
    return respond(server, client, connection, method, path, &reply, start);
}

static mrq_status answer(mrq_server *server, const struct client *client, mrq_reply *reply, mrq_error *err)
{
    const mrq_route *route = &mrq_routes[client->match.route];
    mrq_params params;
    mrq_request request = {&server->service, route->asset, 0, &params, client->body ? client->body : "", client->size};
    if (client->match.id && !mrq_parse_int(client->match.id, client->match.id_size, 0, INT64_MAX, &request.id))
        return mrq_fail(err, MRQ_USAGE, "id \"%.*s\": want a whole number from 0 to %lld",
                        (int)(client->match.id_size < 40 ? client->match.id_size : 40), client->match.id, (long long)INT64_MAX);
    mrq_params_init(&params, route->params, route->k);
    if (client->query) {
        *client->query = client->hidden;
        if (!route->asset) /* links to the page collect parameters of others' */
            MRQ_TRY(mrq_params_read(&params, client->query, err));
    }
    return route->answer(&request, reply, err);
}

/* Counts an answer that has memory of its own, until its request is completed; in the place of one too many comes a small one. An
 * answer that many share is counted for each: it may go from where they share it. */
static void bound(mrq_server *server, struct client *client, mrq_reply *reply)
{
    if (!reply->release)
        return;
    client->sending = reply->size;
    if (atomic_fetch_add_explicit(&server->answers, reply->size, memory_order_relaxed) + reply->size <= ANSWERS_MAX)
        return;
    atomic_fetch_sub_explicit(&server->answers, reply->size, memory_order_relaxed);
    client->sending = 0;
    mrq_reply_clear(reply);
    mrq_reply_refuse(reply, MHD_HTTP_SERVICE_UNAVAILABLE, "unavailable", "too many answers wait to be read, try again");
}

/* All of the request has come. */
static enum MHD_Result finish(mrq_server *server, struct client *client, struct MHD_Connection *connection, const char *method,
                              const char *path)
{
    if (client->refused)
        return respond_refusal(server, client, connection, method, path);
    const double start = mrq_clock();
    mrq_reply reply = {0};
    mrq_error err = {0};
    if (answer(server, client, &reply, &err) != MRQ_OK)
        mrq_reply_error(&reply, &err);
    free_body(server, client);
    bound(server, client, &reply);
    return respond(server, client, connection, method, path, &reply, start);
}

/* The first lines of the request have come. */
static enum MHD_Result begin(mrq_server *server, struct client *client, struct MHD_Connection *connection, const char *method,
                             const char *path, const char *version)
{
    const char *length = header(connection, MHD_HTTP_HEADER_CONTENT_LENGTH);
    const bool body = (length && strcmp(length, "0") != 0) || header(connection, MHD_HTTP_HEADER_TRANSFER_ENCODING);
    atomic_fetch_add(&server->pending, 1);
    client->under_way = true;
    client->discarded = 0;
    if (is_absolute(path))
        path = strchrnul(path + HTTP, '/');
    client->match = mrq_route_find(method, path);
    client->origin = mrq_origin_find(server->origins, header(connection, MHD_HTTP_HEADER_ORIGIN));
    client->refused = judge(server, client, connection, method, version);
    return client->refused && body ? respond_refusal(server, client, connection, method, path) : MHD_YES;
}

/* Keeps a piece of a body, unless it is not wanted. */
static enum MHD_Result take(mrq_server *server, struct client *client, const char *data, size_t size)
{
    const bool wanted = !client->refused && mrq_routes[client->match.route].post;
    const size_t before = client->capacity;
    if (wanted && client->size + size <= MRQ_BODY_MAX) {
        if (mrq_grow(&client->body, &client->capacity, client->size + size, 1) != 0)
            return MHD_NO;
        memcpy(client->body + client->size, data, size);
        client->size += size;
        const size_t grown = client->capacity - before;
        if (!grown || atomic_fetch_add_explicit(&server->bodies, grown, memory_order_relaxed) + grown <= BODIES_MAX)
            return MHD_YES;
        client->refused = MHD_HTTP_SERVICE_UNAVAILABLE;
    }
    free_body(server, client);
    client->discarded += size;
    if (!client->refused && (wanted || client->discarded > MRQ_BODY_MAX))
        client->refused = MHD_HTTP_CONTENT_TOO_LARGE;
    return client->discarded > DISCARD_MAX ? MHD_NO : MHD_YES;
}

static enum MHD_Result on_request(void *cls, struct MHD_Connection *connection, const char *path, const char *method,
                                  const char *version, const char *data, size_t *size, void **context)
{
    mrq_server *server = cls;
    struct client *client = *context;
    if (!client)
        return MHD_NO;
    if (!client->under_way)
        return begin(server, client, connection, method, path, version);
    if (!*size)
        return finish(server, client, connection, method, path);
    const size_t piece = *size;
    *size = 0;
    return take(server, client, data, piece);
}

/* Accepts who waits at a socket, one or all. */
static void accept_from(const struct worker *worker, int socket, bool all)
{
    struct sockaddr_storage from;
    socklen_t size = sizeof from;
    for (int fd; (fd = accept4(socket, (struct sockaddr *)&from, &size, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0; size = sizeof from) {
        mrq_mhd.add_connection(worker->daemon, fd, (struct sockaddr *)&from, size);
        if (!all)
            break;
    }
}

/* Who waits to be accepted is under way already, and would be turned away when the socket closes. */
static void listen_no_more(const struct worker *worker)
{
    const mrq_listener *listener = worker->server->listener;
    mrq_mhd.quiesce_daemon(worker->daemon);
    for (unsigned i = 0; i < listener->n; i++)
        accept_from(worker, listener->socket[i], true);
    sem_post(&worker->server->deaf);
}

/* Does what there is to do, and waits for it for `ms` at most. libmicrohttpd listens on the first socket; on others we do, while
 * there is room. */
static void attend(const struct worker *worker, bool listens, int ms)
{
    const mrq_listener *listener = worker->server->listener;
    struct pollfd fds[MRQ_SOCKETS_MAX];
    MHD_UNSIGNED_LONG_LONG wait;
    nfds_t n = 1;
    if (!listens || listener->n == 1) {
        mrq_mhd.run_wait(worker->daemon, ms);
        return;
    }
    fds[0] = (struct pollfd){mrq_mhd.get_daemon_info(worker->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd, POLLIN, 0};
    if (mrq_mhd.get_daemon_info(worker->daemon, MHD_DAEMON_INFO_CURRENT_CONNECTIONS)->num_connections < worker->connections)
        for (unsigned i = 1; i < listener->n; i++)
            fds[n++] = (struct pollfd){listener->socket[i], POLLIN, 0};
    if (mrq_mhd.get_timeout(worker->daemon, &wait) == MHD_YES && wait < (unsigned)ms)
        ms = (int)wait;
    poll(fds, n, ms);
    for (nfds_t i = 1; i < n; i++)
        if (fds[i].revents)
            accept_from(worker, fds[i].fd, false);
    mrq_mhd.run_wait(worker->daemon, 0);
}

static void *work(void *arg)
{
    const struct worker *worker = arg;
    struct mrq_server *server = worker->server;
    bool listens = true;
    while (!atomic_load_explicit(&server->stopping, memory_order_relaxed)) {
        attend(worker, listens, listens ? HEED_MS : HEED_DRAINING_MS);
        if (listens && atomic_load_explicit(&server->service.draining, memory_order_relaxed)) {
            listen_no_more(worker);
            listens = false;
        }
    }
    return NULL;
}

static mrq_status start_worker(mrq_server *server, struct worker *worker, const mrq_server_options *options, mrq_error *err)
{
    worker->server = server;
    worker->connections = (options->connections + (uint32_t)(worker - server->workers)) / options->workers;
    worker->daemon = mrq_mhd.start_daemon(
        MHD_USE_EPOLL | MHD_USE_ERROR_LOG, 0, NULL, NULL, on_request, server, MHD_OPTION_EXTERNAL_LOGGER, on_message, worker,
        MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1, MHD_OPTION_LISTEN_SOCKET, options->listener->socket[0], MHD_OPTION_CONNECTION_LIMIT,
        worker->connections, MHD_OPTION_CONNECTION_TIMEOUT, options->idle_seconds, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
        (size_t)CONNECTION_MEMORY, MHD_OPTION_NOTIFY_CONNECTION, on_connection, worker, MHD_OPTION_NOTIFY_COMPLETED, on_completed,
        server, MHD_OPTION_URI_LOG_CALLBACK, on_uri, server, MHD_OPTION_UNESCAPE_CALLBACK, on_unescape, server, MHD_OPTION_END);
    if (!worker->daemon)
        return mrq_fail_errno(err, "cannot start %u HTTP workers", options->workers);
    errno = mrq_thread_start(&worker->thread, work, worker);
    if (errno)
        return mrq_fail_errno(err, "cannot start %u HTTP workers", options->workers);
    worker->running = true;
    return MRQ_OK;
}

mrq_status mrq_server_start(const mrq_server_options *options, mrq_server **out, mrq_error *err)
{
    static const mrq_texts none = {0};
    MRQ_TRY(mrq_microhttpd_load(err));
    mrq_server *server = calloc(1, sizeof *server);
    if (!server)
        return mrq_fail_memory(err, "starting the server");
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    server->service.recommender = options->recommender;
    server->service.workers = options->workers;
    atomic_init(&server->service.helpers, options->workers - 1);
    server->service.metrics.started = (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
    server->listener = options->listener;
    server->token = options->token;
    server->hosts = options->hosts;
    server->origins = options->origins ? options->origins : &none;
    server->access = options->access;
    server->request_seconds = options->request_seconds;
    pthread_mutex_init(&server->lock, NULL);
    sem_init(&server->deaf, 0, 0);
    mrq_status status = MRQ_OK;
    for (uint32_t i = 0; i < options->workers && status == MRQ_OK; i++)
        status = start_worker(server, &server->workers[i], options, err);
    if (status != MRQ_OK) {
        mrq_server_stop(server);
        return status;
    }
    *out = server;
    return MRQ_OK;
}

void mrq_server_drain(mrq_server *server)
{
    atomic_store(&server->service.draining, true);
    for (uint32_t i = 0; i < server->service.workers; i++)
        while (sem_wait(&server->deaf) != 0)
            ; /* a signal came */
}

uint32_t mrq_server_pending(const mrq_server *server)
{
    return atomic_load(&server->pending);
}

uint64_t mrq_server_answered(const mrq_server *server)
{
    return mrq_metrics_requests(&server->service.metrics);
}

void mrq_server_stop(mrq_server *server)
{
    if (!server)
        return;
    atomic_store(&server->stopping, true);
    for (struct worker *worker = server->workers; worker < server->workers + MRQ_WORKERS_MAX && worker->daemon; worker++) {
        if (worker->running)
            pthread_join(worker->thread, NULL);
        mrq_mhd.quiesce_daemon(worker->daemon); /* the socket is not libmicrohttpd's to close */
        mrq_mhd.stop_daemon(worker->daemon);
    }
    sem_destroy(&server->deaf);
    pthread_mutex_destroy(&server->lock);
    free(server);
}
