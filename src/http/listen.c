/* Sockets that listen. What other machines can reach takes a token; that is judged by the address itself, not by how it was
 * written, and for a socket of systemd's as for our own. A unix socket of ours is its user's alone; systemd makes one with other
 * rights. A file that is left of a server which was killed would keep the next one from starting: so whoever finds one knocks, and
 * takes the place when nobody answers. */
#include "http/listen.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/host.h"

#define BACKLOG 4096 /* connections that wait to be accepted; the kernel may allow fewer */

static mrq_status no_place(const char *text, mrq_error *err)
{
    return mrq_fail(err, MRQ_USAGE, "\"%.100s\" is no address to listen on, want HOST:PORT, [IPV6]:PORT or unix:/path", text);
}

mrq_status mrq_place_parse(const char *text, mrq_place *out, mrq_error *err)
{
    mrq_place place = {.local = strncmp(text, "unix:", 5) == 0};
    if (place.local) {
        const char *path = text + 5;
        if (*path != '/')
            return no_place(text, err);
        if (strlen(path) >= sizeof place.path)
            return mrq_fail(err, MRQ_USAGE, "\"%.100s...\": the path of a socket has %zu bytes, may have %zu", text, strlen(path),
                            sizeof place.path - 1);
        memcpy(place.path, path, strlen(path));
        *out = place;
        return MRQ_OK;
    }
    mrq_host host;
    if (mrq_host_parse(text, strlen(text), "", 0, &host))
        return no_place(text, err);
    memcpy(place.host, host.name, sizeof host.name);
    memcpy(place.port, host.port, sizeof host.port);
    *out = place;
    return MRQ_OK;
}

static bool is_loopback(const struct sockaddr *address)
{
    if (address->sa_family == AF_UNIX)
        return true;
    if (address->sa_family == AF_INET) {
        struct sockaddr_in in;
        memcpy(&in, address, sizeof in);
        return ntohl(in.sin_addr.s_addr) >> 24 == 127;
    }
    struct sockaddr_in6 in6;
    memcpy(&in6, address, sizeof in6);
    return address->sa_family == AF_INET6 &&
           (IN6_IS_ADDR_LOOPBACK(&in6.sin6_addr) || (IN6_IS_ADDR_V4MAPPED(&in6.sin6_addr) && in6.sin6_addr.s6_addr[12] == 127));
}

static mrq_status check_exposed(const char *text, const struct sockaddr *address, bool exposed, mrq_error *err)
{
    return exposed || is_loopback(address)
               ? MRQ_OK
               : mrq_fail(err, MRQ_USAGE, "%s can be reached from other machines, which takes --token-file FILE", text);
}

static void name(mrq_listener *listener, const struct sockaddr *address, socklen_t size)
{
    char host[NI_MAXHOST] = "?", port[NI_MAXSERV] = "?";
    if (address->sa_family == AF_UNIX) {
        struct sockaddr_un un = {0};
        memcpy(&un, address, size < sizeof un ? size : sizeof un);
        snprintf(listener->address, sizeof listener->address, "unix:%.107s", un.sun_path);
        return;
    }
    getnameinfo(address, size, host, sizeof host, port, sizeof port, NI_NUMERICHOST | NI_NUMERICSERV);
    snprintf(listener->address, sizeof listener->address, strchr(host, ':') ? "http://[%.200s]:%s" : "http://%.200s:%s", host,
             port);
}

/* Binds and listens; -1 with errno. A unix socket is for its own user: its file gets the rights of the descriptor. */
static int open_socket(const struct sockaddr *address, socklen_t size)
{
    const int on = 1, fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -1;
    if (address->sa_family != AF_UNIX)
        (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if ((address->sa_family != AF_UNIX || fchmod(fd, 0600) == 0) && bind(fd, address, size) == 0 && listen(fd, BACKLOG) == 0)
        return fd;
    const int code = errno;
    close(fd);
    errno = code;
    return -1;
}

static mrq_status open_host(const mrq_place *place, const char *text, bool exposed, mrq_listener *out, mrq_error *err)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    struct addrinfo *found = NULL;
    const int problem = getaddrinfo(place->host, place->port, &hints, &found);
    if (problem) /* the system's, or else the address's */
        return mrq_fail(err, problem == EAI_MEMORY || problem == EAI_SYSTEM ? MRQ_FAILED : MRQ_USAGE, "\"%.100s\": %s", text,
                        gai_strerror(problem));
    mrq_status status = check_exposed(text, found->ai_addr, exposed, err);
    if (status == MRQ_OK && (out->socket = open_socket(found->ai_addr, found->ai_addrlen)) < 0)
        status = mrq_fail_errno(err, "cannot listen on %s", text);
    freeaddrinfo(found);
    if (status == MRQ_OK) {
        struct sockaddr_storage bound = {0};
        socklen_t size = sizeof bound;
        if (getsockname(out->socket, (struct sockaddr *)&bound, &size) == 0)
            name(out, (const struct sockaddr *)&bound, size);
        else {
            status = mrq_fail_errno(err, "cannot tell where \"%.100s\" listens", text);
            close(out->socket);
        }
    }
    return status;
}

/* Whether there is a socket on which nobody answers. */
static bool is_stale(const struct sockaddr_un *address)
{
    struct stat about;
    if (lstat(address->sun_path, &about) != 0 || !S_ISSOCK(about.st_mode))
        return false;
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    const bool stale = fd >= 0 && connect(fd, (const struct sockaddr *)address, sizeof *address) != 0 && errno == ECONNREFUSED;
    if (fd >= 0)
        close(fd);
    return stale;
}

static mrq_status open_local(const mrq_place *place, mrq_listener *out, mrq_error *err)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct stat about;
    memcpy(address.sun_path, place->path, sizeof place->path);
    if (is_stale(&address))
        unlink(place->path);
    out->socket = open_socket((const struct sockaddr *)&address, sizeof address);
    if (out->socket < 0)
        return mrq_fail_errno(err, "cannot listen on unix:%s", place->path);
    if (lstat(place->path, &about) == 0) {
        out->device = about.st_dev;
        out->inode = about.st_ino;
        memcpy(out->path, place->path, sizeof place->path);
    }
    name(out, (const struct sockaddr *)&address, sizeof address);
    return MRQ_OK;
}

mrq_status mrq_listener_open(const char *address, bool exposed, mrq_listener *out, mrq_error *err)
{
    mrq_place place;
    mrq_listener listener = {.socket = -1, .ours = true};
    MRQ_TRY(mrq_place_parse(address, &place, err));
    MRQ_TRY(place.local ? open_local(&place, &listener, err) : open_host(&place, address, exposed, &listener, err));
    *out = listener;
    return MRQ_OK;
}

mrq_status mrq_listener_adopt(int socket, bool exposed, mrq_listener *out, mrq_error *err)
{
    mrq_listener listener = {.socket = socket};
    struct sockaddr_storage bound = {0};
    socklen_t size = sizeof bound, int_size = sizeof(int);
    int listens = 0, type = 0;
    mrq_status status = MRQ_OK;
    if (getsockname(socket, (struct sockaddr *)&bound, &size) != 0 ||
        getsockopt(socket, SOL_SOCKET, SO_ACCEPTCONN, &listens, &int_size) != 0 || !listens ||
        getsockopt(socket, SOL_SOCKET, SO_TYPE, &type, &int_size) != 0 || type != SOCK_STREAM)
        status =
            mrq_fail(err, MRQ_USAGE, "descriptor %d, which the service was started with, is no listening stream socket", socket);
    if (status == MRQ_OK) {
        name(&listener, (const struct sockaddr *)&bound, size);
        status = check_exposed(listener.address, (const struct sockaddr *)&bound, exposed, err);
    }
    if (status == MRQ_OK &&
        (fcntl(socket, F_SETFD, FD_CLOEXEC) != 0 || fcntl(socket, F_SETFL, fcntl(socket, F_GETFL) | O_NONBLOCK) != 0))
        status = mrq_fail_errno(err, "descriptor %d", socket);
    if (status == MRQ_OK)
        *out = listener;
    else
        close(socket);
    return status;
}

void mrq_listener_shut(const mrq_listener *listener)
{
    if (listener->ours)
        shutdown(listener->socket, SHUT_RDWR);
}

void mrq_listener_close(mrq_listener *listener)
{
    struct stat about;
    if (*listener->path && lstat(listener->path, &about) == 0 && about.st_dev == listener->device &&
        about.st_ino == listener->inode) /* which no other file can have while our socket is open */
        unlink(listener->path);
    if (listener->socket >= 0)
        close(listener->socket);
    listener->socket = -1;
    *listener->path = '\0';
}
