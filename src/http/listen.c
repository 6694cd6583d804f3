/* Listening sockets. A host name may have several addresses, as "localhost" has 127.0.0.1 and ::1, and a client may try any of
 * them. So the service listens on all of them; the log names those that this machine does not have. A token is required for an
 * address that other machines can reach. The address itself decides this and not its text, also for a socket of systemd's.
 *
 * Only the user can connect to a unix socket that Marquee creates; systemd can create one with other rights. The socket file of a
 * killed server would keep the next one from starting, so a file on which no server accepts a connection is replaced. */
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
#include "base/log.h"

#define BACKLOG    4096 /* connections that wait to be accepted; the kernel may allow fewer */
#define PORT_TRIES 20   /* tries to find a port that is free at all addresses */

static mrq_status fail_place(const char *text, mrq_error *err)
{
    return mrq_fail(err, MRQ_USAGE, "\"%.100s\" is not an address to listen on, want HOST:PORT, [IPV6]:PORT or unix:/path", text);
}

mrq_status mrq_place_parse(const char *text, mrq_place *out, mrq_error *err)
{
    mrq_place place = {.local = strncmp(text, "unix:", 5) == 0};
    if (place.local) {
        const char *path = text + 5;
        if (*path != '/')
            return fail_place(text, err);
        if (strlen(path) >= sizeof place.path)
            return mrq_fail(err, MRQ_USAGE, "\"%.100s...\": the path of a socket has %zu bytes, may have %zu", text, strlen(path),
                            sizeof place.path - 1);
        memcpy(place.path, path, strlen(path));
        *out = place;
        return MRQ_OK;
    }
    mrq_host host;
    if (mrq_host_parse(text, strlen(text), "", 0, &host))
        return fail_place(text, err);
    memcpy(place.host, host.name, sizeof host.name);
    memcpy(place.port, host.port, sizeof host.port);
    *out = place;
    return MRQ_OK;
}

bool mrq_is_loopback(const struct sockaddr *address)
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
    return exposed || mrq_is_loopback(address)
               ? MRQ_OK
               : mrq_fail(err, MRQ_USAGE, "%s can be reached from other machines, which requires --token-file FILE", text);
}

/* Writes an address, of which `size` bytes are valid, as people read it. */
static void print_address(const struct sockaddr *address, socklen_t size, char out[MRQ_ADDRESS_TEXT])
{
    char host[NI_MAXHOST] = "?", port[NI_MAXSERV] = "?";
    if (address->sa_family == AF_UNIX) {
        struct sockaddr_un un = {0};
        memcpy(&un, address, size < sizeof un ? size : sizeof un);
        snprintf(out, MRQ_ADDRESS_TEXT, "unix:%.107s", un.sun_path);
        return;
    }
    getnameinfo(address, size, host, sizeof host, port, sizeof port, NI_NUMERICHOST | NI_NUMERICSERV);
    snprintf(out, MRQ_ADDRESS_TEXT, strchr(host, ':') ? "http://[%.200s]:%s" : "http://%.200s:%s", host, port);
}

static void add_socket(mrq_listener *listener, int fd, const struct sockaddr *address, socklen_t size)
{
    print_address(address, size, listener->address[listener->n]);
    listener->socket[listener->n++] = fd;
}

/* Binds and listens; -1 with errno. Only the user can connect to a unix socket: its file gets the rights of the descriptor. */
static int open_socket(const struct sockaddr *address, socklen_t size, bool alone)
{
    const int on = 1, fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -1;
    if (address->sa_family != AF_UNIX)
        (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (address->sa_family == AF_INET6 && !alone) /* an IPv4 address has a socket of its own */
        (void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    if ((address->sa_family != AF_UNIX || fchmod(fd, 0600) == 0) && bind(fd, address, size) == 0 && listen(fd, BACKLOG) == 0)
        return fd;
    const int code = errno;
    close(fd);
    errno = code;
    return -1;
}

static void close_sockets(mrq_listener *listener)
{
    while (listener->n > 0)
        close(listener->socket[--listener->n]);
}

static in_port_t *port_of(const struct sockaddr *address)
{
    return address->sa_family == AF_INET ? &((struct sockaddr_in *)(uintptr_t)address)->sin_port
                                         : &((struct sockaddr_in6 *)(uintptr_t)address)->sin6_port;
}

static void set_port(const struct addrinfo *found, const struct sockaddr *bound)
{
    for (; found; found = found->ai_next)
        *port_of(found->ai_addr) = *port_of(bound);
}

/* Whether `end` repeats an earlier address: /etc/hosts may list one twice. */
static bool is_listed(const struct addrinfo *found, const struct addrinfo *end)
{
    for (; found != end; found = found->ai_next)
        if (found->ai_addrlen == end->ai_addrlen && memcmp(found->ai_addr, end->ai_addr, end->ai_addrlen) == 0)
            return true;
    return false;
}

/* Logs that the service does not listen on an address. If it is the only one, the error says so instead. */
static void leave_out(const struct addrinfo *found, const struct addrinfo *at, int why)
{
    char text[MRQ_ADDRESS_TEXT];
    print_address(at->ai_addr, at->ai_addrlen, text);
    if (found->ai_next)
        mrq_log(MRQ_LOG_WARN, "serve", "not address=%s: %s", text, strerror(why));
}

/* Listens on all addresses, at the port of the first, or on none. Returns 0 or an errno. */
static int open_addresses(struct addrinfo *found, mrq_listener *out)
{
    int problem = 0, missing = EADDRNOTAVAIL;
    for (struct addrinfo *at = found; at && !problem; at = at->ai_next) {
        struct sockaddr_storage bound = {0};
        socklen_t size = sizeof bound;
        if (is_listed(found, at))
            continue;
        const int fd = open_socket(at->ai_addr, at->ai_addrlen, !found->ai_next);
        if (fd < 0 && (errno == EADDRNOTAVAIL || errno == EAFNOSUPPORT)) {
            missing = errno;
            leave_out(found, at, missing);
            continue;
        }
        problem = fd < 0 || getsockname(fd, (struct sockaddr *)&bound, &size) != 0 ? errno : 0;
        if (fd >= 0)
            add_socket(out, fd, (const struct sockaddr *)&bound, size);
        if (!problem)
            set_port(found, (const struct sockaddr *)&bound);
    }
    if (!problem && out->n == 0)
        problem = missing;
    if (problem)
        close_sockets(out);
    return problem;
}

static mrq_status open_host(const mrq_place *place, const char *text, bool exposed, mrq_listener *out, mrq_error *err)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    int problem = EADDRINUSE;
    for (int tries = strcmp(place->port, "0") == 0 ? PORT_TRIES : 1; tries > 0 && problem == EADDRINUSE; tries--) {
        struct addrinfo *found = NULL;
        unsigned n = 0;
        const int unknown = getaddrinfo(place->host, place->port, &hints, &found);
        if (unknown) /* either the system failed, or the address is wrong */
            return mrq_fail(err, unknown == EAI_MEMORY || unknown == EAI_SYSTEM ? MRQ_FAILED : MRQ_USAGE, "\"%.100s\": %s", text,
                            gai_strerror(unknown));
        mrq_status status = MRQ_OK;
        for (const struct addrinfo *at = found; at && status == MRQ_OK; at = at->ai_next, n++)
            status = n < MRQ_SOCKETS_MAX ? check_exposed(text, at->ai_addr, exposed, err)
                                         : mrq_fail(err, MRQ_USAGE, "%s has more than %d addresses", text, MRQ_SOCKETS_MAX);
        if (status == MRQ_OK)
            problem = open_addresses(found, out);
        freeaddrinfo(found);
        MRQ_TRY(status);
    }
    errno = problem;
    return problem ? mrq_fail_errno(err, "cannot listen on %s", text) : MRQ_OK;
}

/* Whether there is a socket file on which no server accepts connections. */
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
    const int fd = open_socket((const struct sockaddr *)&address, sizeof address, true);
    if (fd < 0)
        return mrq_fail_errno(err, "cannot listen on unix:%s", place->path);
    if (lstat(place->path, &about) == 0) {
        out->device = about.st_dev;
        out->inode = about.st_ino;
        memcpy(out->path, place->path, sizeof place->path);
    }
    add_socket(out, fd, (const struct sockaddr *)&address, sizeof address);
    return MRQ_OK;
}

mrq_status mrq_listener_open(const char *address, bool exposed, mrq_listener *out, mrq_error *err)
{
    mrq_place place;
    mrq_listener listener = {.ours = true};
    MRQ_TRY(mrq_place_parse(address, &place, err));
    MRQ_TRY(place.local ? open_local(&place, &listener, err) : open_host(&place, address, exposed, &listener, err));
    *out = listener;
    return MRQ_OK;
}

mrq_status mrq_listener_adopt(int socket, bool exposed, mrq_listener *out, mrq_error *err)
{
    mrq_listener listener = {0};
    struct sockaddr_storage bound = {0};
    socklen_t size = sizeof bound, int_size = sizeof(int);
    int listens = 0, type = 0;
    mrq_status status = MRQ_OK;
    if (getsockname(socket, (struct sockaddr *)&bound, &size) != 0 ||
        getsockopt(socket, SOL_SOCKET, SO_ACCEPTCONN, &listens, &int_size) != 0 || !listens ||
        getsockopt(socket, SOL_SOCKET, SO_TYPE, &type, &int_size) != 0 || type != SOCK_STREAM)
        status =
            mrq_fail(err, MRQ_USAGE, "descriptor %d, which the service was started with, is not a listening stream socket", socket);
    if (status == MRQ_OK) {
        add_socket(&listener, socket, (const struct sockaddr *)&bound, size);
        status = check_exposed(listener.address[0], (const struct sockaddr *)&bound, exposed, err);
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
    for (unsigned i = 0; listener->ours && i < listener->n; i++)
        shutdown(listener->socket[i], SHUT_RDWR);
}

void mrq_listener_close(mrq_listener *listener)
{
    struct stat about;
    if (*listener->path && lstat(listener->path, &about) == 0 && about.st_dev == listener->device &&
        about.st_ino == listener->inode) /* no other file can have both while the socket is open */
        unlink(listener->path);
    close_sockets(listener);
    *listener->path = '\0';
}
