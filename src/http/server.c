/* libmicrohttpd at work: worker threads with a daemon of it each on the same listening sockets, and no thread a connection. A
 * request is answered by the thread that read it. Its state lives in its connection's, made when that is accepted, so that a
 * request asks for no memory of ours; an answer is sent from where the recommender keeps it, unless it is large.
 * What is wrong with a request's first lines is known before its body has come: where one is announced it is answered at once,
 * which closes the connection; else after the end of the request, which does not. libmicrohttpd takes no answer while a body
 * comes in: one that turns out too large is thrown away as it comes, and refused at its end, or cut off when there is none.
 * The query string is hidden from libmicrohttpd, see params.c: where its text begins, a NUL stands until the answer is made.
 * libmicrohttpd counts silence only. Who trickles a byte now and then is found by mrq_server_sweep(), which walks all connections
 * under a lock that is otherwise taken when one opens or closes. */
#include "http/server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/parallel.h"
#include "http/batch.h"
#include "http/head.h"
#include "http/inside.h"
#include "http/visitor.h"

/* Of one connection: the longest URL with the headers that browsers send. libmicrohttpd zeroes it after each request, so an idle
 * connection costs this much. */
#define CONNECTION_MEMORY 16384
#define BODIES_MAX        (64 * MRQ_BODY_MAX)  /* of all connections together, while they come in */
#define DISCARD_MAX       (128 * MRQ_BODY_MAX) /* of one that is refused */
#define ANSWERS_MAX       ((size_t)256 << 20)  /* of all connections together, until they are sent */
#define PREFLIGHT_SECONDS "600"                /* that a browser may remember what a page may do */

static void on_connection(void *cls, struct MHD_Connection *connection, void **context, enum MHD_ConnectionNotificationCode what)
{
    const mrq_http_worker *worker = cls;
    mrq_server *server = worker->server;
    mrq_client *client = *context;
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
    for (mrq_client *client = server->clients; client; client = client->next)
        if (atomic_load_explicit(&client->since, memory_order_relaxed) < oldest)
            shutdown(client->socket, SHUT_RDWR);
    pthread_mutex_unlock(&server->lock);
}

/* The first that is heard of a request: its target, whole. What is returned comes with all that follows. */
static void *on_uri(void *cls, const char *uri, struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info = mrq_mhd.get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    mrq_client *client = info ? info->socket_context : NULL;
    (void)cls;
    if (!client)
        return NULL;
    client->uri = uri;
    client->uri_size = strlen(uri);
    client->blank = strpbrk(uri, " \t\v") != NULL;
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
static void free_body(mrq_server *server, mrq_client *client)
{
    atomic_fetch_sub_explicit(&server->bodies, client->capacity, memory_order_relaxed);
    mrq_free(client->body);
    client->body = NULL;
    client->size = client->capacity = 0;
}

static void on_completed(void *cls, struct MHD_Connection *connection, void **context, enum MHD_RequestTerminationCode why)
{
    mrq_server *server = cls;
    mrq_client *client = *context;
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

static bool add(struct MHD_Response *response, const char *name, const char *value)
{
    return mrq_mhd.add_response_header(response, name, value) == MHD_YES;
}

/* What a browser has to know before it shows an answer to a page elsewhere. */
static bool add_origin(const mrq_server *server, const mrq_client *client, struct MHD_Response *response, const mrq_reply *reply)
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

static bool add_headers(const mrq_server *server, const mrq_client *client, struct MHD_Response *response, const mrq_reply *reply)
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
static enum MHD_Result respond(mrq_server *server, mrq_client *client, struct MHD_Connection *connection, const char *method,
                               const char *path, mrq_reply *reply, double start)
{
    const double seconds = mrq_clock() - start;
    reply->last |= mrq_header(connection, MHD_HTTP_HEADER_TRANSFER_ENCODING) != NULL; /* see head.c */
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

static enum MHD_Result respond_refusal(mrq_server *server, mrq_client *client, struct MHD_Connection *connection,
                                       const char *method, const char *path)
{
    mrq_reply reply = {0};
    const double start = mrq_clock();
    mrq_admit_refuse(client, connection, method, path, &reply);
    return respond(server, client, connection, method, path, &reply, start);
}

static mrq_status answer(mrq_server *server, const mrq_client *client, mrq_reply *reply, mrq_error *err)
{
    const mrq_route *route = &mrq_routes[client->match.route];
    __attribute__((cleanup(mrq_query_clear))) mrq_query query = {0};
    const mrq_request request = {&server->service, route, &query, client->body ? client->body : "", client->size};
    if (client->query)
        *client->query = client->hidden;
    MRQ_TRY(mrq_route_query(&client->match, client->query, &query, err));
    return route->answer(&request, reply, err);
}

/* Counts an answer that has memory of its own, until its request is completed; in the place of one too many comes a small one. An
 * answer that many share is counted for each: it may go from where they share it. */
static void bound(mrq_server *server, mrq_client *client, mrq_reply *reply)
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
static enum MHD_Result finish(mrq_server *server, mrq_client *client, struct MHD_Connection *connection, const char *method,
                              const char *path)
{
    if (client->refused)
        return respond_refusal(server, client, connection, method, path);
    const double start = mrq_clock();
    mrq_reply reply = {0};
    mrq_error err = {0};
    mrq_head_reads = false; /* a Redis and a backend are */
    if (answer(server, client, &reply, &err) != MRQ_OK)
        mrq_reply_error(&reply, &err);
    mrq_head_reads = true;
    free_body(server, client);
    bound(server, client, &reply);
    return respond(server, client, connection, method, path, &reply, start);
}

/* The first lines of the request have come. */
static enum MHD_Result begin(mrq_server *server, mrq_client *client, struct MHD_Connection *connection, const char *method,
                             const char *path, const char *version)
{
    const char *length = mrq_header(connection, MHD_HTTP_HEADER_CONTENT_LENGTH);
    const bool body = (length && strcmp(length, "0") != 0) || mrq_header(connection, MHD_HTTP_HEADER_TRANSFER_ENCODING);
    atomic_fetch_add(&server->pending, 1);
    client->under_way = true;
    client->discarded = 0;
    path = mrq_admit_path(path);
    client->match = mrq_route_find(method, path);
    client->origin = mrq_origin_find(server->origins, mrq_header(connection, MHD_HTTP_HEADER_ORIGIN));
    client->refused = mrq_admit_judge(server, client, connection, method, version);
    return client->refused && body ? respond_refusal(server, client, connection, method, path) : MHD_YES;
}

/* Keeps a piece of a body, unless it is not wanted. */
static enum MHD_Result take(mrq_server *server, mrq_client *client, const char *data, size_t size)
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
    mrq_client *client = *context;
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

static mrq_status start_worker(mrq_server *server, mrq_http_worker *worker, const mrq_server_options *options, mrq_error *err)
{
    worker->server = server;
    worker->connections = (options->connections + (uint32_t)(worker - server->workers)) / options->workers;
    worker->daemon = mrq_mhd.start_daemon(
        MHD_USE_EPOLL | MHD_USE_ERROR_LOG, 0, NULL, NULL, on_request, server, MHD_OPTION_EXTERNAL_LOGGER, mrq_http_worker_message,
        worker, MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1, MHD_OPTION_LISTEN_SOCKET, options->listener->socket[0],
        MHD_OPTION_CONNECTION_LIMIT, worker->connections, MHD_OPTION_CONNECTION_TIMEOUT, options->idle_seconds,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY, MHD_OPTION_NOTIFY_CONNECTION, on_connection, worker,
        MHD_OPTION_NOTIFY_COMPLETED, on_completed, server, MHD_OPTION_URI_LOG_CALLBACK, on_uri, server,
        MHD_OPTION_UNESCAPE_CALLBACK, on_unescape, server, MHD_OPTION_END);
    if (!worker->daemon)
        return mrq_fail_errno(err, "cannot start %u HTTP workers", options->workers);
    errno = mrq_thread_start(&worker->thread, mrq_http_worker_run, worker);
    if (errno)
        return mrq_fail_errno(err, "cannot start %u HTTP workers", options->workers);
    worker->running = true;
    return MRQ_OK;
}

mrq_status mrq_server_start(const mrq_server_options *options, mrq_server **out, mrq_error *err)
{
    static const mrq_texts none = {0};
    MRQ_TRY(mrq_microhttpd_load(err));
    MRQ_TRY(mrq_head_check(err));
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
    for (mrq_http_worker *worker = server->workers; worker < server->workers + MRQ_WORKERS_MAX && worker->daemon; worker++) {
        if (worker->running)
            pthread_join(worker->thread, NULL);
        mrq_mhd.quiesce_daemon(worker->daemon); /* the socket is not libmicrohttpd's to close */
        mrq_mhd.stop_daemon(worker->daemon);
    }
    sem_destroy(&server->deaf);
    pthread_mutex_destroy(&server->lock);
    free(server);
}
