/* One request from its first line to its end: libmicrohttpd's callbacks, in the order in which it calls them. The thread that reads
 * a request also answers it.
 *
 * The head shows whether a request is refused. If it announces a body, the refusal is sent at once and the connection closes;
 * otherwise it is sent after the end of the request and the connection stays open. libmicrohttpd accepts no answer while a body
 * arrives, so a body that turns out too large is discarded and the refusal is sent at its end; far beyond the limit the connection
 * is closed.
 *
 * libmicrohttpd must not parse the query string, because params.c does: until the request is answered, a NUL replaces the first
 * character of the query string. */
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "http/batch.h"
#include "http/head.h"
#include "http/inside.h"
#include "http/visitor.h"

#define BODIES_MAX  (64 * MRQ_BODY_MAX)  /* bytes of all bodies that are arriving */
#define DISCARD_MAX (128 * MRQ_BODY_MAX) /* bytes that are discarded of a refused request before its connection is closed */
#define ANSWERS_MAX ((size_t)256 << 20)  /* bytes of all answers that are not sent yet */

void *mrq_http_request_uri(void *cls, const char *uri, struct MHD_Connection *connection)
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

size_t mrq_http_request_unescape(void *cls, struct MHD_Connection *connection, char *text)
{
    (void)cls, (void)connection;
    return strlen(text); /* unchanged: route.c compares paths undecoded */
}

/* Legal without a body. */
static void free_body(mrq_server *server, mrq_client *client)
{
    atomic_fetch_sub_explicit(&server->bodies, client->capacity, memory_order_relaxed);
    mrq_free(client->body);
    client->body = NULL;
    client->size = client->capacity = 0;
}

static enum MHD_Result respond_refusal(mrq_client *client, struct MHD_Connection *connection, const char *method, const char *path)
{
    mrq_reply reply = {0};
    const double start = mrq_clock();
    mrq_admit_refuse(client, connection, method, path, &reply);
    return mrq_http_respond(client, connection, method, path, &reply, start);
}

/* The writing thread calls this when a request's changes are on disk, or have failed. */
static void resume(void *context, mrq_post *post)
{
    mrq_client *client = context;
    (void)post;
    mrq_mhd.resume_connection(client->connection);
}

/* Begins a write. The connection is suspended before its changes are queued, since they may be done at once. */
static mrq_status write_changes(const mrq_request *request, mrq_client *client, mrq_error *err)
{
    mrq_server *server = client->worker->server;
    if (!server->writes)
        return mrq_fail(err, MRQ_NOT_FOUND, "nothing is live here: serve with --live FILE");
    mrq_changes *changes = client->changes = mrq_changes_new();
    if (!changes)
        return mrq_fail_memory(err, "reading changes");
    MRQ_TRY(request->route->write(request, changes, err));
    if (!changes->post.n)
        return MRQ_OK;
    atomic_fetch_add(&server->suspended, 1);
    client->suspended = true;
    mrq_mhd.suspend_connection(client->connection);
    if (mrq_recommender_write(server->service.recommender, changes, resume, client, &changes->post.error) != MRQ_OK)
        resume(client, &changes->post);
    return MRQ_OK;
}

/* Fills the reply, or suspends the connection. */
static mrq_status answer(mrq_server *server, mrq_client *client, mrq_reply *reply, mrq_error *err)
{
    const mrq_route *route = &mrq_routes[client->match.route];
    __attribute__((cleanup(mrq_query_clear))) mrq_query query = {0};
    char id[MRQ_PATH_IDS][MRQ_ID_BYTES + 1];
    const mrq_request request = {&server->service, route, &query, client->body ? client->body : "", client->size, {id[0], id[1]}};
    if (client->query)
        *client->query = client->hidden;
    MRQ_TRY(mrq_route_query(&client->match, client->query, &query, err));
    if (!route->write)
        return route->answer(&request, reply, err);
    MRQ_TRY(mrq_route_ids(&client->match, id, err));
    MRQ_TRY(write_changes(&request, client, err));
    if (!client->suspended)
        mrq_write_reply(client->changes, reply);
    return MRQ_OK;
}

/* Counts the bytes of an answer on the heap until its request is completed. An answer beyond the limit is replaced by an error. An
 * answer that several requests share counts for each of them, because it may leave the cache while it is being sent. */
static void limit_answers(mrq_server *server, mrq_client *client, mrq_reply *reply)
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

/* The whole request has been read. */
static enum MHD_Result finish(mrq_server *server, mrq_client *client, struct MHD_Connection *connection, const char *method,
                              const char *path)
{
    if (client->refused)
        return respond_refusal(client, connection, method, path);
    mrq_reply reply = {0};
    mrq_error err = {0};
    if (client->suspended) { /* it has been resumed: its changes are done */
        atomic_fetch_sub(&server->suspended, 1);
        client->suspended = false;
        mrq_write_reply(client->changes, &reply);
    } else {
        client->start = mrq_clock();
        mrq_head_reads = false; /* this thread may now read from Redis and from a backend */
        if (answer(server, client, &reply, &err) != MRQ_OK)
            mrq_reply_error(&reply, &err);
        mrq_head_reads = true;
        free_body(server, client);
        if (client->suspended)
            return MHD_YES;
    }
    limit_answers(server, client, &reply);
    return mrq_http_respond(client, connection, method, path, &reply, client->start);
}

/* The head of the request has been read. */
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
    return client->refused && body ? respond_refusal(client, connection, method, path) : MHD_YES;
}

/* Stores a piece of the body, or discards it when the request is refused or its route takes no body. */
static enum MHD_Result store_piece(mrq_server *server, mrq_client *client, const char *data, size_t size)
{
    const bool wanted = !client->refused && mrq_route_has_body(&mrq_routes[client->match.route]);
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

enum MHD_Result mrq_http_request_handle(void *cls, struct MHD_Connection *connection, const char *path, const char *method,
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
    return store_piece(server, client, data, piece);
}

void mrq_http_request_completed(void *cls, struct MHD_Connection *connection, void **context, enum MHD_RequestTerminationCode why)
{
    mrq_server *server = cls;
    mrq_client *client = *context;
    (void)connection, (void)why;
    if (!client || !client->under_way)
        return;
    free_body(server, client);
    if (client->suspended) /* its client has gone while it waited */
        atomic_fetch_sub(&server->suspended, 1);
    client->suspended = false;
    mrq_changes_free(client->changes);
    client->changes = NULL;
    atomic_fetch_sub_explicit(&server->answers, client->sending, memory_order_relaxed);
    client->sending = 0;
    client->under_way = false;
    atomic_store_explicit(&client->since, mrq_clock(), memory_order_relaxed);
    atomic_fetch_sub(&server->pending, 1);
}
