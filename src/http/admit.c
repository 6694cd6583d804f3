/* Decides by a request's head whether it is refused. The checks run in order: every reader must see the same request in the head,
 * the Host must be a name of the service, and so on. The first check that fails makes the answer. */
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "base/parse.h"
#include "http/batch.h"
#include "http/head.h"
#include "http/inside.h"
#include "http/visitor.h"

/* Bytes of the scheme of a target that is an absolute URL; otherwise 0. */
static size_t scheme_size(const char *target)
{
    static const char http[] = "http://";
    return strncasecmp(target, http, sizeof http - 1) == 0 ? sizeof http - 1 : 0;
}

const char *mrq_admit_path(const char *target)
{
    const size_t scheme = scheme_size(target);
    return scheme ? strchrnul(target + scheme, '/') : target;
}

/* Whether a Content-Type is "application/json", with or without parameters. A page of another origin can send many other types
 * without a preflight. */
static bool is_json(const char *type)
{
    const size_t size = sizeof MRQ_TYPE_JSON - 1;
    return type && (strncasecmp(type, MRQ_TYPE_JSON, size) == 0 && strchr("; \t", type[size]));
}

/* The host, `size` bytes, that a request names although it is not a name of the service (visitor.c says why this matters); NULL
 * when there is none. A request without a Host is HTTP/1.0, which no browser uses; no browser connects to a unix socket either. */
static const char *find_foreign_host(const mrq_server *server, struct MHD_Connection *connection, const char *uri, size_t *size)
{
    const union MHD_ConnectionInfo *info = mrq_mhd.get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    const char *host = mrq_header(connection, MHD_HTTP_HEADER_HOST);
    if (!server->hosts || (info && info->client_addr && info->client_addr->sa_family == AF_UNIX))
        return NULL;
    const size_t scheme = scheme_size(uri);
    uri += scheme;
    *size = strcspn(uri, "/");
    if (scheme && !mrq_host_is_known(server->hosts, uri, *size))
        return uri;
    *size = host ? strlen(host) : 0;
    return host && !mrq_host_is_known(server->hosts, host, *size) ? host : NULL;
}

/* Whether a request is a browser's preflight for a page of an allowed origin. */
static bool is_preflight(const mrq_client *client, struct MHD_Connection *connection, const char *method)
{
    return client->origin && client->match.status == MHD_HTTP_METHOD_NOT_ALLOWED && strcmp(method, MHD_HTTP_METHOD_OPTIONS) == 0 &&
           mrq_header(connection, MHD_HTTP_HEADER_ACCESS_CONTROL_REQUEST_METHOD);
}

unsigned mrq_admit_judge(const mrq_server *server, const mrq_client *client, struct MHD_Connection *connection, const char *method,
                         const char *version)
{
    const mrq_guard guard = client->match.status == 200 ? mrq_routes[client->match.route].guard : MRQ_GUARD_TOKEN;
    const char *length = mrq_header(connection, MHD_HTTP_HEADER_CONTENT_LENGTH);
    int64_t announced;
    size_t size;
    if (client->blank || !mrq_head_is_plain(connection, method, client->uri, client->uri_size, version))
        return MHD_HTTP_BAD_REQUEST;
    if (guard != MRQ_GUARD_NONE && find_foreign_host(server, connection, client->uri, &size))
        return MHD_HTTP_MISDIRECTED_REQUEST;
    if (client->uri_size > MRQ_URL_MAX)
        return MHD_HTTP_URI_TOO_LONG;
    if (is_preflight(client, connection, method))
        return MHD_HTTP_NO_CONTENT;
    if (guard == MRQ_GUARD_TOKEN && server->token &&
        !mrq_token_matches(server->token, mrq_header(connection, MHD_HTTP_HEADER_AUTHORIZATION)))
        return MHD_HTTP_UNAUTHORIZED;
    if (client->match.status != 200)
        return client->match.status;
    if (length && !mrq_parse_int(length, strlen(length), 0, (int64_t)MRQ_BODY_MAX, &announced))
        return MHD_HTTP_CONTENT_TOO_LARGE;
    if (mrq_route_has_body(&mrq_routes[client->match.route]) && !is_json(mrq_header(connection, MHD_HTTP_HEADER_CONTENT_TYPE)))
        return MHD_HTTP_UNSUPPORTED_MEDIA_TYPE;
    return 0;
}

void mrq_admit_refuse(const mrq_client *client, struct MHD_Connection *connection, const char *method, const char *path,
                      mrq_reply *reply)
{
    const char *name;
    size_t size = 0;
    switch (client->refused) {
    case MHD_HTTP_BAD_REQUEST:
        mrq_reply_refuse(reply, client->refused, "usage",
                         "want one Host; at most one Content-Length, in digits, or in HTTP/1.1 one \"Transfer-Encoding: chunked\"; "
                         "lines that end "
                         "in CRLF, none folded; no blanks in the URL or in names; no control characters");
        reply->last = true;
        return;
    case MHD_HTTP_MISDIRECTED_REQUEST:
        name = find_foreign_host(client->worker->server, connection, client->uri, &size);
        mrq_reply_refuse(reply, client->refused, "misdirected",
                         "\"%.*s\" is not a host name of this service: want localhost, a loopback address, the name in "
                         "--listen, or one that --host NAME adds",
                         (int)(size < 100 ? size : 100), name);
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
