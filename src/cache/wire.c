/* hiredis formats commands and parses replies, but the socket is handled here, because hiredis's connections do not keep time
 * limits. hiredis 0.14 looks up names without a limit; restarts its timeout for each read, so that a server that sends single bytes
 * can block a caller for ever; and uses write(), so that a server that hangs up kills the process by SIGPIPE.
 *
 * The parser never gets more bytes than the budget, because it buffers a whole reply; and it never gets arrays, because for
 * "*2147483647" it allocates two billion pointers and takes six seconds to go through them. An array's head is parsed here, its
 * length is checked, and its elements are parsed one by one. */
#include "cache/wire.h"

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/parse.h"

struct mrq_wire {
    int fd;
    redisReader *reader;
};

/* Fails with the text of `errno`. */
static mrq_status unavailable(mrq_error *err)
{
    return mrq_fail(err, MRQ_UNAVAILABLE, "%s", strerror(errno));
}

static mrq_status wait_for(int fd, short events, double deadline, mrq_error *err)
{
    for (;;) {
        const double left = deadline - mrq_clock();
        if (left <= 0)
            return mrq_fail(err, MRQ_UNAVAILABLE, "timed out");
        const struct timespec limit = {(time_t)left, (long)((left - (double)(time_t)left) * 1e9)};
        struct pollfd poll = {.fd = fd, .events = events};
        const int n = ppoll(&poll, 1, &limit, NULL);
        if (n > 0)
            return MRQ_OK;
        if (n < 0 && errno != EINTR)
            return unavailable(err);
    }
}

/* Connects a non-blocking socket to one address. */
static mrq_status connect_one(int family, const struct sockaddr *address, socklen_t size, double deadline, int *out, mrq_error *err)
{
    const int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return unavailable(err);
    int code = 0;
    mrq_status status = MRQ_OK;
    if (connect(fd, address, size) != 0)
        code = errno;
    if (code == EINPROGRESS) {
        socklen_t length = sizeof code;
        status = wait_for(fd, POLLOUT, deadline, err);
        if (status == MRQ_OK && getsockopt(fd, SOL_SOCKET, SO_ERROR, &code, &length) != 0)
            code = errno;
    }
    if (status == MRQ_OK && code != 0) {
        errno = code;
        status = unavailable(err);
    }
    if (status != MRQ_OK)
        close(fd);
    else
        *out = fd;
    return status;
}

static mrq_status connect_local(const char *path, double deadline, int *out, mrq_error *err)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    assert(strlen(path) < sizeof address.sun_path);
    strcpy(address.sun_path, path);
    return connect_one(AF_UNIX, (const struct sockaddr *)&address, sizeof address, deadline, out, err);
}

/* Tries each address of the host. The time is divided among them, so that one that does not respond leaves time for the others. */
static mrq_status connect_host(const mrq_address *address, mrq_lookup **lookup, double deadline, int *out, mrq_error *err)
{
    struct addrinfo *list;
    MRQ_TRY(mrq_resolve(lookup, address->place, address->port, deadline, &list, err));
    int left = 0;
    for (const struct addrinfo *a = list; a; a = a->ai_next)
        left++;
    mrq_status status = MRQ_UNAVAILABLE;
    for (const struct addrinfo *a = list; a && status != MRQ_OK; a = a->ai_next, left--) {
        const double now = mrq_clock();
        status = connect_one(a->ai_family, a->ai_addr, a->ai_addrlen, now + (deadline - now) / left, out, err);
    }
    freeaddrinfo(list);
    if (status == MRQ_OK)
        setsockopt(*out, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int)); /* a failure only makes it slower */
    return status;
}

mrq_status mrq_wire_open(const mrq_address *address, mrq_lookup **lookup, double deadline, mrq_wire **out, mrq_error *err)
{
    int fd = -1;
    if (address->local)
        MRQ_TRY(connect_local(address->place, deadline, &fd, err));
    else
        MRQ_TRY(connect_host(address, lookup, deadline, &fd, err));
    mrq_wire *wire = malloc(sizeof *wire);
    redisReader *reader = redisReaderCreate();
    if (!wire || !reader) {
        close(fd);
        free(wire);
        if (reader)
            redisReaderFree(reader);
        return mrq_fail_memory(err, "connecting");
    }
    *wire = (mrq_wire){fd, reader};
    *out = wire;
    return MRQ_OK;
}

void mrq_wire_close(mrq_wire *wire)
{
    if (!wire)
        return;
    close(wire->fd);
    redisReaderFree(wire->reader);
    free(wire);
}

bool mrq_wire_quiet(const mrq_wire *wire)
{
    char byte;
    return wire->reader->pos == wire->reader->len && recv(wire->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 &&
           (errno == EAGAIN || errno == EWOULDBLOCK);
}

mrq_status mrq_wire_send(mrq_wire *wire, const void *bytes, size_t size, double deadline, mrq_error *err)
{
    const char *at = bytes;
    while (size) {
        const ssize_t n = send(wire->fd, at, size, MSG_NOSIGNAL);
        if (n >= 0) {
            at += n;
            size -= (size_t)n;
        } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
            MRQ_TRY(wait_for(wire->fd, POLLOUT, deadline, err));
        } else if (errno != EINTR) {
            return unavailable(err);
        }
    }
    return MRQ_OK;
}

/* Waits for bytes and passes them to the parser. */
static mrq_status feed(mrq_wire *wire, double deadline, size_t *budget, mrq_error *err)
{
    char bytes[16384];
    MRQ_TRY(wait_for(wire->fd, POLLIN, deadline, err));
    const ssize_t n = recv(wire->fd, bytes, sizeof bytes, 0);
    if (n < 0)
        return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR ? MRQ_OK : unavailable(err);
    if (n == 0)
        return mrq_fail(err, MRQ_UNAVAILABLE, "the server closed the connection");
    if ((size_t)n > *budget)
        return mrq_fail(err, MRQ_UNAVAILABLE, "the reply is too large");
    *budget -= (size_t)n;
    if (redisReaderFeed(wire->reader, bytes, (size_t)n) != REDIS_OK)
        return mrq_fail_memory(err, "reading a reply");
    return MRQ_OK;
}

/* The first byte of the reply, which stays in the buffer. */
static mrq_status peek(mrq_wire *wire, double deadline, size_t *budget, char *first, mrq_error *err)
{
    while (wire->reader->pos == wire->reader->len)
        MRQ_TRY(feed(wire, deadline, budget, err));
    *first = wire->reader->buf[wire->reader->pos];
    return MRQ_OK;
}

/* Reads the next reply, which must not be an array. */
static mrq_status receive_one(mrq_wire *wire, double deadline, size_t *budget, redisReply **out, mrq_error *err)
{
    char first;
    MRQ_TRY(peek(wire, deadline, budget, &first, err));
    if (first == '*')
        return mrq_fail(err, MRQ_UNAVAILABLE, "the server answered with an array");
    if (!first || !strchr("+-:$", first)) /* also refuses the types of newer protocols */
        return mrq_fail(err, MRQ_UNAVAILABLE, "not the Redis protocol: a reply that begins with byte 0x%02x", (unsigned char)first);
    for (;;) {
        void *reply = NULL;
        if (redisReaderGetReply(wire->reader, &reply) != REDIS_OK)
            return mrq_fail(err, MRQ_UNAVAILABLE, "not the Redis protocol: %s", wire->reader->errstr);
        if (reply) {
            *out = reply;
            return MRQ_OK;
        }
        MRQ_TRY(feed(wire, deadline, budget, err));
    }
}

/* Reads "*3\r\n" and returns the length, at most `most`. */
static mrq_status receive_head(mrq_wire *wire, double deadline, size_t *budget, uint32_t most, size_t *n, mrq_error *err)
{
    enum { LONGEST = 24 };
    redisReader *reader = wire->reader;
    const char *end;
    while (!(end = memmem(reader->buf + reader->pos, reader->len - reader->pos, "\r\n", 2)) && reader->len - reader->pos < LONGEST)
        MRQ_TRY(feed(wire, deadline, budget, err));
    const char *digits = reader->buf + reader->pos + 1;
    int64_t length;
    if (!end || !mrq_parse_int(digits, (size_t)(end - digits), INT64_MIN, INT64_MAX, &length))
        return mrq_fail(err, MRQ_UNAVAILABLE, "not the Redis protocol: an array without a length");
    if (length < 0 || length > most)
        return mrq_fail(err, MRQ_UNAVAILABLE, "the server answered with an array of %lld, want at most %u", (long long)length,
                        most);
    reader->pos += (size_t)(end - digits) + 3;
    *n = (size_t)length;
    return MRQ_OK;
}

mrq_status mrq_wire_receive(mrq_wire *wire, double deadline, size_t *budget, uint32_t most, redisReply **out, mrq_error *err)
{
    char first;
    size_t n = 0;
    MRQ_TRY(peek(wire, deadline, budget, &first, err));
    if (first != '*' || most == 0)
        return receive_one(wire, deadline, budget, out, err);
    MRQ_TRY(receive_head(wire, deadline, budget, most, &n, err));
    redisReply *array = calloc(1, sizeof *array); /* with calloc(), because hiredis will free it */
    redisReply **element = array ? calloc(n ? n : 1, sizeof(redisReply *)) : NULL;
    mrq_status status = element ? MRQ_OK : mrq_fail_memory(err, "reading a reply");
    if (array)
        *array = (redisReply){.type = REDIS_REPLY_ARRAY, .elements = n, .element = element};
    for (size_t i = 0; i < n && status == MRQ_OK; i++)
        status = receive_one(wire, deadline, budget, &element[i], err);
    if (status == MRQ_OK)
        *out = array;
    else
        freeReplyObject(array);
    return status;
}
