/* What HTTP costs by itself: libmicrohttpd as src/http/server.c starts it, with one answer to every request: the same bytes, as
 * many as a typical answer has, under the same headers. Ends on SIGTERM. */
#include <arpa/inet.h>
#include <microhttpd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/option.h"

static enum MHD_Result on_request(void *cls, struct MHD_Connection *connection, const char *path, const char *method,
                                  const char *version, const char *data, size_t *size, void **context)
{
    static char begun;
    char *body = cls;
    (void)path, (void)method, (void)version, (void)data, (void)size;
    if (*context != &begun) { /* the first lines have come; the end of the request is next */
        *context = &begun;
        return MHD_YES;
    }
    struct MHD_Response *response = MHD_create_response_from_buffer(strlen(body), body, MHD_RESPMEM_PERSISTENT);
    enum MHD_Result ok = MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, "application/json");
    if (ok == MHD_YES)
        ok = MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
    if (ok == MHD_YES)
        ok = MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
    if (ok == MHD_YES)
        ok = MHD_queue_response(connection, MHD_HTTP_OK, response);
    MHD_destroy_response(response);
    return ok;
}

static mrq_status run(int argc, char **argv, mrq_error *err)
{
    int64_t port = 0, workers = 1, size = 1000;
    const mrq_option options[] = {
        {"port", 'p', MRQ_OPT_INT, &port, 1, 65535, "N", "on 127.0.0.1"},
        {"workers", 'w', MRQ_OPT_INT, &workers, 1, 64, "N", "threads"},
        {"size", 's', MRQ_OPT_INT, &size, 1, 1 << 20, "N", "bytes of the answer"},
        {0},
    };
    const mrq_command command = {
        "http_constant", "--port N [option...]", "Answers every request with the same bytes.", options, 0, 0, NULL};
    int first, number;
    bool done = false;
    MRQ_TRY(mrq_options_read(&command, argc, argv, &first, &done, err));
    if (done)
        return MRQ_OK;
    MRQ_AUTOFREE char *body = mrq_array((size_t)size + 1, 1);
    if (!body)
        return mrq_fail_memory(err, "making the answer");
    memset(body, 'x', (size_t)size);
    sigset_t end;
    sigemptyset(&end);
    sigaddset(&end, SIGTERM);
    sigaddset(&end, SIGINT);
    sigprocmask(SIG_BLOCK, &end, NULL);
    const struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct MHD_Daemon *daemon = MHD_start_daemon(
        MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_ITC, 0, NULL, NULL, on_request, body, MHD_OPTION_SOCK_ADDR, &address,
        MHD_OPTION_THREAD_POOL_SIZE, workers > 1 ? (unsigned)workers : 0u, MHD_OPTION_CONNECTION_LIMIT, 10000u,
        MHD_OPTION_CONNECTION_TIMEOUT, 30u, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)16384, MHD_OPTION_END);
    if (!daemon)
        return mrq_fail_errno(err, "cannot listen on port %d", (int)port);
    sigwait(&end, &number);
    MHD_stop_daemon(daemon);
    return MRQ_OK;
}

int main(int argc, char **argv)
{
    mrq_error err = {MRQ_OK, ""};
    const mrq_status status = run(argc, argv, &err);
    if (status != MRQ_OK)
        fprintf(stderr, "http_constant: %s\n", err.msg);
    return (int)status;
}
