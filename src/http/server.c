/* Starting and stopping the server. It has worker threads, each with its own libmicrohttpd daemon, which all accept connections
 * from the same listening sockets. There is no thread per connection. */
#include "http/server.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "base/log.h"
#include "base/parallel.h"
#include "http/head.h"
#include "http/inside.h"

/* Bytes of a connection: the longest URL and the headers that browsers send. libmicrohttpd zeroes them after each request, so an
 * idle connection uses them too. */
#define CONNECTION_MEMORY 16384

static mrq_status start_worker(mrq_server *server, mrq_http_worker *worker, const mrq_server_options *options, mrq_error *err)
{
    worker->server = server;
    worker->connections = (options->connections + (uint32_t)(worker - server->workers)) / options->workers;
    worker->daemon = mrq_mhd.start_daemon(
        (unsigned)(MHD_USE_EPOLL | MHD_USE_ERROR_LOG | (options->writes ? MHD_ALLOW_SUSPEND_RESUME : 0)), 0, NULL, NULL,
        mrq_http_request_handle, server, MHD_OPTION_EXTERNAL_LOGGER, mrq_http_worker_message, worker,
        MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1, MHD_OPTION_LISTEN_SOCKET, options->listener->socket[0], MHD_OPTION_CONNECTION_LIMIT,
        worker->connections, MHD_OPTION_CONNECTION_TIMEOUT, options->idle_seconds, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
        (size_t)CONNECTION_MEMORY, MHD_OPTION_NOTIFY_CONNECTION, mrq_http_connection_changed, worker, MHD_OPTION_NOTIFY_COMPLETED,
        mrq_http_request_completed, server, MHD_OPTION_URI_LOG_CALLBACK, mrq_http_request_uri, server, MHD_OPTION_UNESCAPE_CALLBACK,
        mrq_http_request_unescape, server, MHD_OPTION_END);
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
    server->writes = options->writes;
    server->request_seconds = options->request_seconds;
    pthread_mutex_init(&server->lock, NULL);
    sem_init(&server->quiesced, 0, 0);
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
        while (sem_wait(&server->quiesced) != 0)
            ; /* interrupted by a signal */
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
    while (atomic_load(&server->suspended)) /* libmicrohttpd must not be stopped with one; each ends when the disk has answered */
        nanosleep(&(struct timespec){0, 1000000}, NULL);
    atomic_store(&server->stopping, true);
    for (mrq_http_worker *worker = server->workers; worker < server->workers + MRQ_WORKERS_MAX && worker->daemon; worker++) {
        if (worker->running)
            pthread_join(worker->thread, NULL);
        mrq_mhd.quiesce_daemon(worker->daemon); /* so that libmicrohttpd does not close the listener's socket */
        mrq_mhd.stop_daemon(worker->daemon);
    }
    sem_destroy(&server->quiesced);
    pthread_mutex_destroy(&server->lock);
    free(server);
}
