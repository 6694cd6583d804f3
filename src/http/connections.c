/* The list of open connections. Each has a client, made when the connection is accepted, so that a request needs no memory of its
 * own. The lock of the list is taken only when a connection opens or closes, and by code that walks the list.
 *
 * libmicrohttpd times out silent connections only. A client that sends or reads a byte now and then is found by
 * mrq_server_sweep(). */
#include <stdlib.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "http/inside.h"

void mrq_http_connection_changed(void *cls, struct MHD_Connection *connection, void **context,
                                 enum MHD_ConnectionNotificationCode what)
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
