/* A client of constant rate for HTTP on loopback, which wrk is not: request i is due at i / rate, goes out on the first connection
 * that is free, and its latency counts from when it was due, so that an answer that comes late makes those behind it late too
 * instead of delaying their questions ("coordinated omission"). Without a rate every connection asks again as soon as it is
 * answered, which is what a batch is timed by.
 *
 * One thread and epoll, so that it takes little from the server with which it shares two cores: it sleeps until an answer comes or
 * a request is due. A request fails when its answer is not 200, is cut short, or does not come within 10 seconds; a server that
 * closes a connection on which nothing is asked is within its rights, and is connected to again. */
#include <arpa/inet.h>
#include <errno.h>
#include <math.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"
#include "base/option.h"

enum { CONNECTIONS_MAX = 1024, HEAD_MAX = 8192 };
#define PATIENCE 10.0 /* seconds */

struct connection {
    int fd;       /* -1: not connected */
    bool busy;    /* waits for an answer */
    double due;   /* of what it has asked */
    double asked; /* when that went out */
    char head[HEAD_MAX + 1];
    size_t got;  /* bytes of the answer; those beyond the head are counted, not kept */
    size_t want; /* of the answer in all, 0 until the head is whole */
};

struct load {
    const char *requests_path, *body_path;
    int64_t port, connections, n_max;
    double rate, seconds;
    mrq_map requests, body;
    char **request; /* (n_requests) as they are sent; of a body, one */
    size_t *size;   /* (n_requests) bytes of each */
    size_t n_requests, next;
    struct connection *connection; /* (connections) */
    int epoll;
    double *latency; /* (n) seconds of the answered ones */
    size_t n, capacity, sent, failed, bytes;
    int64_t busy;  /* connections */
    uint64_t turn; /* whose it is next */
    char problem[200];
};

static volatile sig_atomic_t stopped;

static void stop(int number)
{
    (void)number;
    stopped = 1;
}

static mrq_status read_requests(struct load *l, mrq_error *err)
{
    static const char after[] = " HTTP/1.1\r\nHost: 127.0.0.1\r\n";
    MRQ_TRY(mrq_map_open(&l->requests, l->requests_path, err));
    if (l->body_path)
        MRQ_TRY(mrq_map_open(&l->body, l->body_path, err));
    size_t request_room = 0, size_room = 0;
    const char *text = (const char *)l->requests.data, *end = text + l->requests.size;
    for (const char *line = text; line < end; line++) {
        const char *stop_at = memchr(line, '\n', (size_t)(end - line));
        const int length = (int)((stop_at ? stop_at : end) - line);
        const size_t room = (size_t)length + sizeof after + 100 + l->body.size;
        char *request = mrq_array(room, 1);
        if (!request || mrq_grow(&l->request, &request_room, l->n_requests + 1, sizeof *l->request) != 0 ||
            mrq_grow(&l->size, &size_room, l->n_requests + 1, sizeof *l->size) != 0)
            return mrq_fail_memory(err, "reading requests");
        int n;
        if (l->body_path)
            n = snprintf(request, room, "POST %.*s%sContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n", length, line,
                         after, l->body.size);
        else
            n = snprintf(request, room, "GET %.*s%s\r\n", length, line, after);
        if (l->body_path)
            memcpy(request + n, l->body.data, l->body.size);
        l->request[l->n_requests] = request;
        l->size[l->n_requests++] = (size_t)n + l->body.size;
        line += length;
    }
    return l->n_requests ? MRQ_OK : mrq_fail(err, MRQ_USAGE, "%s: no request in it", l->requests_path);
}

static void connection_close(struct load *l, struct connection *c, const char *why)
{
    if (c->busy) {
        l->failed++;
        l->busy--;
        snprintf(l->problem, sizeof l->problem, "%s", why);
    }
    c->busy = false;
    close(c->fd); /* which also takes it out of the epoll set */
    c->fd = -1;
}

static bool connection_open(struct load *l, struct connection *c)
{
    const struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)l->port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
    if (fd >= 0 && connect(fd, (const struct sockaddr *)&address, sizeof address) == 0 &&
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one) == 0 && epoll_ctl(l->epoll, EPOLL_CTL_ADD, fd, &event) == 0) {
        c->fd = fd;
        return true;
    }
    snprintf(l->problem, sizeof l->problem, "cannot connect to port %d: %s", (int)l->port, strerror(errno));
    if (fd >= 0)
        close(fd);
    return false;
}

/* Sends the next request; one that cannot be sent has failed. */
static void ask(struct load *l, struct connection *c, double due)
{
    const size_t i = l->next++ % l->n_requests;
    l->sent++;
    c->due = due;
    c->asked = mrq_clock();
    c->got = c->want = 0;
    if (c->fd < 0 && !connection_open(l, c)) {
        l->failed++;
        return;
    }
    c->busy = true;
    l->busy++;
    for (size_t done = 0; done < l->size[i];) { /* waits for a server that is slow to read a large body */
        const ssize_t n = send(c->fd, l->request[i] + done, l->size[i] - done, MSG_NOSIGNAL);
        if (n <= 0) {
            connection_close(l, c, "a connection closed while it was written to");
            return;
        }
        done += (size_t)n;
    }
}

/* The head is whole: its status, and how long the answer is in all. Returns what is wrong with it, or NULL. */
static const char *read_head(struct connection *c, const char *head_end)
{
    const char *length = strcasestr(c->head, "\r\nContent-Length:");
    if (strncmp(c->head, "HTTP/1.1 200 ", 13) != 0)
        return "an answer that is not 200";
    if (!length || length > head_end)
        return "an answer without a length";
    c->want = (size_t)(head_end - c->head) + 4 + strtoul(length + 17, NULL, 10);
    return NULL;
}

static mrq_status answered(struct load *l, struct connection *c, mrq_error *err)
{
    if (mrq_grow(&l->latency, &l->capacity, l->n + 1, sizeof *l->latency) != 0)
        return mrq_fail_memory(err, "measuring");
    l->latency[l->n++] = mrq_clock() - c->due;
    l->bytes += c->got;
    c->busy = false;
    l->busy--;
    return MRQ_OK;
}

static mrq_status receive(struct load *l, struct connection *c, mrq_error *err)
{
    static char beyond[1 << 16];
    const bool in_head = !c->want;
    const ssize_t n = recv(c->fd, in_head ? c->head + c->got : beyond, in_head ? HEAD_MAX - c->got : sizeof beyond, MSG_DONTWAIT);
    if (n < 0 && errno == EAGAIN)
        return MRQ_OK;
    if (n <= 0 || !c->busy) {
        connection_close(l, c, "a connection closed before the answer was whole");
        return MRQ_OK;
    }
    c->got += (size_t)n;
    if (in_head) {
        c->head[c->got] = '\0';
        const char *head_end = strstr(c->head, "\r\n\r\n");
        const char *why = head_end ? read_head(c, head_end) : c->got == HEAD_MAX ? "a head that never ends" : NULL;
        if (why) {
            connection_close(l, c, why);
            snprintf(l->problem, sizeof l->problem, "%s: %.150s", why, c->head);
            return MRQ_OK;
        }
    }
    return c->want && c->got >= c->want ? answered(l, c, err) : MRQ_OK;
}

/* Waits for answers, until `when` at the latest. */
static mrq_status wait_until(struct load *l, double when, mrq_error *err)
{
    struct epoll_event event[64];
    const double left = fmax(when - mrq_clock(), 0);
    const struct timespec timeout = {(time_t)left, (long)(fmod(left, 1) * 1e9)};
    const int n = epoll_pwait2(l->epoll, event, 64, &timeout, NULL);
    for (int i = 0; i < n; i++)
        MRQ_TRY(receive(l, event[i].data.ptr, err));
    return MRQ_OK;
}

static struct connection *idle(struct load *l)
{
    for (int64_t i = 0; l->busy < l->connections && i < l->connections; i++) {
        struct connection *c = &l->connection[l->turn++ % (uint64_t)l->connections]; /* in turn, so that all workers have work */
        if (!c->busy)
            return c;
    }
    return NULL;
}

static mrq_status run_load(struct load *l, double *took, mrq_error *err)
{
    const double start = mrq_clock(), end = start + l->seconds;
    double checked = start;
    for (double now = start; now < end && !stopped && (!l->n_max || l->sent < (size_t)l->n_max); now = mrq_clock()) {
        const double due = l->rate > 0 ? start + (double)l->sent / l->rate : now;
        struct connection *c = due <= now ? idle(l) : NULL;
        if (c) {
            ask(l, c, due);
            MRQ_TRY(c->fd < 0 ? wait_until(l, now + 0.001, err) : MRQ_OK); /* so that a dead server does not make a busy loop */
            continue;
        }
        MRQ_TRY(wait_until(l, due > now ? fmin(due, end) : fmin(now + 0.1, end), err));
        for (int64_t i = 0; now > checked + 1 && i < l->connections; i++)
            if (l->connection[i].busy && now > l->connection[i].asked + PATIENCE)
                connection_close(l, &l->connection[i], "no answer within 10 seconds");
        checked = now > checked + 1 ? now : checked;
    }
    *took = mrq_clock() - start;
    for (const double patience = mrq_clock() + PATIENCE; l->busy && mrq_clock() < patience;)
        MRQ_TRY(wait_until(l, patience, err));
    for (int64_t i = 0; i < l->connections; i++)
        if (l->connection[i].fd >= 0)
            connection_close(l, &l->connection[i], "no answer within 10 seconds");
    return MRQ_OK;
}

static int compare(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double quantile(const struct load *l, double share)
{
    return l->n ? l->latency[(size_t)(share * (double)(l->n - 1) + 0.5)] : NAN;
}

static mrq_status print(const struct load *l, double took, mrq_error *err)
{
    MRQ_CLEANUP(cJSON_Delete) cJSON *line = cJSON_CreateObject();
    qsort(l->latency, l->n, sizeof *l->latency, compare);
    bool ok = mrq_json_add_whole(line, "requests", (int64_t)l->sent) && mrq_json_add_whole(line, "failed", (int64_t)l->failed) &&
              cJSON_AddNumberToObject(line, "seconds", took) && cJSON_AddNumberToObject(line, "rate", (double)l->n / took) &&
              cJSON_AddNumberToObject(line, "bytes", l->n ? (double)l->bytes / (double)l->n : 0);
    static const struct {
        const char *name;
        double share;
    } at[] = {{"p50", 0.5}, {"p95", 0.95}, {"p99", 0.99}, {"p999", 0.999}, {"max", 1}};
    for (size_t i = 0; i < sizeof at / sizeof *at; i++)
        ok = ok && mrq_json_add_rounded(line, at[i].name, quantile(l, at[i].share), 9);
    ok = ok && (!l->failed || cJSON_AddStringToObject(line, "problem", l->problem));
    char *text = ok ? cJSON_PrintUnformatted(line) : NULL;
    if (!text)
        return mrq_fail_memory(err, "printing");
    printf("%s\n", text);
    cJSON_free(text);
    return MRQ_OK;
}

static void load_clear(struct load *l)
{
    for (size_t i = 0; i < l->n_requests; i++)
        mrq_free(l->request[i]);
    mrq_free(l->request);
    mrq_free(l->size);
    mrq_free(l->connection);
    mrq_free(l->latency);
    mrq_map_close(&l->requests);
    mrq_map_close(&l->body);
    if (l->epoll >= 0)
        close(l->epoll);
}

static mrq_status run(int argc, char **argv, mrq_error *err)
{
    __attribute__((cleanup(load_clear))) struct load l = {.connections = 16, .seconds = 5, .epoll = -1};
    const mrq_option options[] = {
        {"port", 'p', MRQ_OPT_INT, &l.port, 1, 65535, "N", "on 127.0.0.1"},
        {"requests", 'f', MRQ_OPT_TEXT, &l.requests_path, 0, 0, "FILE",
         "a path and query a line, asked in this order and over again"},
        {"body", 'b', MRQ_OPT_TEXT, &l.body_path, 0, 0, "FILE", "POST this to each instead of GET"},
        {"rate", 'r', MRQ_OPT_REAL, &l.rate, 1, 1e6, "X", "requests a second; else as fast as answers come"},
        {"connections", 'c', MRQ_OPT_INT, &l.connections, 1, CONNECTIONS_MAX, "N", "kept alive"},
        {"seconds", 's', MRQ_OPT_REAL, &l.seconds, 0.01, 1e6, "S", "or until SIGTERM"},
        {"count", 'n', MRQ_OPT_INT, &l.n_max, 1, 1e9, "N", "so many requests at the most"},
        {0},
    };
    const mrq_command command = {
        "bench_load",
        "--port N --requests FILE [option...]",
        "Asks an HTTP server on loopback at a constant rate and prints a line of JSON: requests, failed ones, "
        "seconds, rate,\nbytes of an answer with its head, and the quantiles of the latency in seconds.",
        options,
        0,
        0,
        NULL};
    int first;
    bool done = false;
    MRQ_TRY(mrq_options_read(&command, argc, argv, &first, &done, err));
    if (done)
        return MRQ_OK;
    if (!l.port || !l.requests_path)
        return mrq_fail(err, MRQ_USAGE, "missing --%s", l.port ? "requests FILE" : "port N");
    MRQ_TRY(read_requests(&l, err));
    l.connection = mrq_array((size_t)l.connections, sizeof *l.connection);
    l.epoll = epoll_create1(EPOLL_CLOEXEC);
    if (!l.connection || l.epoll < 0)
        return mrq_fail_errno(err, "cannot begin");
    for (int64_t i = 0; i < l.connections; i++)
        l.connection[i].fd = -1;
    prctl(PR_SET_TIMERSLACK, 1UL, 0, 0, 0); /* else a request goes out up to 50 us late */
    signal(SIGTERM, stop);
    signal(SIGINT, stop);
    double took = 0;
    MRQ_TRY(run_load(&l, &took, err));
    return print(&l, took, err);
}

int main(int argc, char **argv)
{
    mrq_error err = {MRQ_OK, ""};
    const mrq_status status = run(argc, argv, &err);
    if (status != MRQ_OK)
        fprintf(stderr, "bench_load: %s\n", err.msg);
    return (int)status;
}
