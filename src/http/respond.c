/* Sends replies: their headers, their line in the access log, their count in the metrics. A reply is sent from the memory of the
 * recommender's answer and not from a copy, unless it is large (reply.c). */
#include <arpa/inet.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "http/inside.h"

#define PREFLIGHT_SECONDS "600" /* for which a browser may remember the answer to a preflight */

static bool add(struct MHD_Response *response, const char *name, const char *value)
{
    return mrq_mhd.add_response_header(response, name, value) == MHD_YES;
}

/* The headers that a browser needs before it gives an answer to a page of another origin. */
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

enum MHD_Result mrq_http_respond(mrq_client *client, struct MHD_Connection *connection, const char *method, const char *path,
                                 mrq_reply *reply, double start)
{
    mrq_server *server = client->worker->server;
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
