/* A worker: a thread with a daemon of libmicrohttpd, which accepts, reads and answers.
 * The threads are ours: to stop listening a daemon has to leave epoll_wait(), and libmicrohttpd 0.9.75 aborts now and then when
 * another thread than the one that waits calls MHD_quiesce_daemon() (both take the socket out, the second finds it gone). */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include "http/head.h"
#include "http/inside.h"

#define HEED_MS          100 /* within which an idle worker hears that the end has come */
#define HEED_DRAINING_MS 10

/* libmicrohttpd refuses a request by itself. One whose headers have all come gets the lines of that answer twice, by a mistake of
 * 0.9.75: it is the one of this worker's that has a head and was not given to us, and gets an answer of ours, the last. */
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

/* Accepts who waits at a socket, one or all; false when that is not possible now. */
static bool accept_from(const mrq_http_worker *worker, int socket, bool all)
{
    struct sockaddr_storage from;
    do {
        socklen_t size = sizeof from;
        const int fd = accept4(socket, (struct sockaddr *)&from, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0)
            return errno == EAGAIN; /* another worker was faster */
        mrq_mhd.add_connection(worker->daemon, fd, (struct sockaddr *)&from, size);
    } while (all);
    return true;
}

/* Who waits to be accepted is under way already, and would be turned away when the socket closes. */
static void listen_no_more(const mrq_http_worker *worker)
{
    const mrq_listener *listener = worker->server->listener;
    mrq_mhd.quiesce_daemon(worker->daemon);
    for (unsigned i = 0; i < listener->n; i++)
        accept_from(worker, listener->socket[i], true);
    sem_post(&worker->server->deaf);
}

static bool has_room(const mrq_http_worker *worker)
{
    const union MHD_DaemonInfo *info = mrq_mhd.get_daemon_info(worker->daemon, MHD_DAEMON_INFO_CURRENT_CONNECTIONS);
    return info->num_connections < worker->connections;
}

/* Does what there is to do, and waits for it for `ms` at most. libmicrohttpd listens on the first socket; on others we do, while
 * there is room. Where no descriptor was left for who waits at one, that stays ready: so the next wait is without them. */
static void attend(mrq_http_worker *worker, bool listens, int ms)
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
    if (!worker->short_of_files && has_room(worker))
        for (unsigned i = 1; i < listener->n; i++)
            fds[n++] = (struct pollfd){listener->socket[i], POLLIN, 0};
    worker->short_of_files = false;
    if (mrq_mhd.get_timeout(worker->daemon, &wait) == MHD_YES && wait < (unsigned)ms)
        ms = (int)wait;
    poll(fds, n, ms);
    for (nfds_t i = 1; i < n && has_room(worker); i++)
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
        attend(worker, listens, listens ? HEED_MS : HEED_DRAINING_MS);
        if (listens && atomic_load_explicit(&server->service.draining, memory_order_relaxed)) {
            listen_no_more(worker);
            listens = false;
        }
    }
    return NULL;
}
