/* A worker: a thread that runs a libmicrohttpd daemon, which accepts connections, reads requests and answers them.
 *
 * Marquee starts the threads itself, because a daemon must leave epoll_wait() to stop listening, and libmicrohttpd 0.9.75
 * sometimes aborts when MHD_quiesce_daemon() is called by another thread than the waiting one: both remove the socket, and the
 * second does not find it. */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include "http/head.h"
#include "http/inside.h"

#define WAIT_MS          100 /* longest wait of an idle worker, which then notices that the server drains or stops */
#define WAIT_DRAINING_MS 10
#define WAIT_DISK_MS     1 /* while requests wait for the disk: resuming one does not always end a wait */

/* Called when libmicrohttpd itself refuses a request. If all headers have arrived, a bug of 0.9.75 makes it send the head of that
 * answer twice. Such a request belongs to this worker, has a head and was not handed to mrq_http_request_handle(). It gets this
 * answer, and its connection is closed for writing before libmicrohttpd's answer. */
void mrq_http_worker_message(void *cls, const char *format, va_list args)
{
#define BODY "{\"schema\":1,\"error\":{\"code\":\"usage\",\"message\":\"the headers are malformed\"}}\n"
    static const char answer[] = "HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Type: " MRQ_TYPE_JSON "\r\n"
                                 "Content-Length: 76\r\n\r\n" BODY;
    _Static_assert(sizeof BODY - 1 == 76, "the Content-Length above is that of the body");
    const mrq_http_worker *worker = cls;
    mrq_server *server = worker->server;
    (void)args;
    if (strncmp(format, "Error processing request", 24) != 0)
        return;
    pthread_mutex_lock(&server->lock);
    for (mrq_client *client = server->clients; client; client = client->next)
        if (client->worker == worker && !client->under_way &&
            mrq_mhd.get_connection_info(client->connection, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE)) {
            (void)!send(client->socket, answer, sizeof answer - 1, MSG_NOSIGNAL | MSG_DONTWAIT);
            shutdown(client->socket, SHUT_WR);
        }
    pthread_mutex_unlock(&server->lock);
}

/* Accepts one or all of the connections that wait at a socket. False when that failed. */
static bool accept_from(const mrq_http_worker *worker, int socket, bool all)
{
    struct sockaddr_storage from;
    do {
        socklen_t size = sizeof from;
        const int fd = accept4(socket, (struct sockaddr *)&from, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0)
            return errno == EAGAIN; /* another worker accepted it */
        mrq_mhd.add_connection(worker->daemon, fd, (struct sockaddr *)&from, size);
    } while (all);
    return true;
}

/* Accepts the connections that wait already, which would be refused when the socket closes. */
static void stop_listening(const mrq_http_worker *worker)
{
    const mrq_listener *listener = worker->server->listener;
    mrq_mhd.quiesce_daemon(worker->daemon);
    for (unsigned i = 0; i < listener->n; i++)
        accept_from(worker, listener->socket[i], true);
    sem_post(&worker->server->quiesced);
}

static bool has_capacity(const mrq_http_worker *worker)
{
    const union MHD_DaemonInfo *info = mrq_mhd.get_daemon_info(worker->daemon, MHD_DAEMON_INFO_CURRENT_CONNECTIONS);
    return info->num_connections < worker->connections;
}

/* Waits for events for at most `ms` and handles them. libmicrohttpd listens on the first socket; this function listens on the
 * others while the worker has capacity. When accept4() found no free descriptor the socket stays ready, so the next wait leaves it
 * out. */
static void serve(mrq_http_worker *worker, bool listens, int ms)
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
    if (!worker->short_of_files && has_capacity(worker))
        for (unsigned i = 1; i < listener->n; i++)
            fds[n++] = (struct pollfd){listener->socket[i], POLLIN, 0};
    worker->short_of_files = false;
    if (mrq_mhd.get_timeout(worker->daemon, &wait) == MHD_YES && wait < (unsigned)ms)
        ms = (int)wait;
    poll(fds, n, ms);
    for (nfds_t i = 1; i < n && has_capacity(worker); i++)
        if (fds[i].revents && !accept_from(worker, fds[i].fd, false))
            worker->short_of_files = true;
    mrq_mhd.run_wait(worker->daemon, 0);
}

void *mrq_http_worker_run(void *arg)
{
    mrq_http_worker *worker = arg;
    struct mrq_server *server = worker->server;
    bool listens = true;
    mrq_head_reads = true;
    while (!atomic_load_explicit(&server->stopping, memory_order_relaxed)) {
        const bool writes = atomic_load_explicit(&server->suspended, memory_order_relaxed) > 0;
        serve(worker, listens, writes ? WAIT_DISK_MS : listens ? WAIT_MS : WAIT_DRAINING_MS);
        if (listens && atomic_load_explicit(&server->service.draining, memory_order_relaxed)) {
            stop_listening(worker);
            listens = false;
        }
    }
    return NULL;
}
