/* Request smuggling: the headers say where a request ends, so a server that reads them differently from the proxy before it sees
 * two requests where the proxy saw one. libmicrohttpd 0.9.75 does read some differently: it joins a folded line to the name of the
 * previous header, ends a value at a NUL, accepts a bare LF as the end of a line, and uses the first of several equal headers.
 *
 * Its callbacks do not show this, but each name and value stays where it was received. So every byte of the head is accounted
 * for: between the names and values there may only be a colon, blanks after it, and the CRLF of a line. libmicrohttpd writes two
 * NULs over a CRLF, so a NUL and a bare LF would look like one; no NUL may reach it. It reads with recv(), and the program's own
 * recv() below replaces the C library's: it turns each NUL into \v, which is valid neither in a head nor in JSON.
 *
 * The lines between the chunks of a body are not visible, and a bare LF is accepted there, so the connection closes after a
 * chunked request. All this is true of 0.9.75; mrq_head_check() tries requests to find out whether it is true of the loaded
 * version.
 *
 * Rejected: a list of dangerous headers, which would never be complete; checking the bytes after the request line in the callback
 * for the target, when later bytes have not arrived and older bytes of the buffer look like them. */
#include "http/head.h"

#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#define TRIAL_WAITS 10 /* waits for a trial request at most, of TRIAL_MS each */
#define TRIAL_MS    100

_Thread_local bool mrq_head_reads;

/* Replaces the C library's, in the whole program. */
ssize_t recv(int fd, void *data, size_t size, int flags)
{
    const ssize_t n = recvfrom(fd, data, size, flags, NULL, NULL);
    if (!mrq_head_reads || n <= 0)
        return n;
    for (char *at = data, *end = at + n; (at = memchr(at, '\0', (size_t)(end - at))) != NULL;)
        *at = '\v';
    return n;
}

struct walk {
    const char *at; /* where the next line must begin */
    bool plain, chunked;
    unsigned lengths, codings, hosts;
};

/* A token by RFC 9110, which a header's name must be: a proxy may accept "Content-Length : 5" as that header. */
static bool is_token(const char *text)
{
    return *text && text[strspn(text, "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")] == '\0';
}

static bool has_control(const char *text)
{
    for (; *text; text++)
        if (((unsigned char)*text < ' ' && *text != '\t') || *text == '\x7f')
            return true;
    return false;
}

static enum MHD_Result on_header(void *cls, enum MHD_ValueKind kind, const char *name, const char *value)
{
    struct walk *walk = cls;
    (void)kind;
    walk->plain = name == walk->at && value && is_token(name) && !has_control(value);
    if (!walk->plain)
        return MHD_NO;
    walk->at = value + strlen(value) + 2;
    walk->hosts += strcasecmp(name, MHD_HTTP_HEADER_HOST) == 0;
    walk->lengths +=
        strcasecmp(name, MHD_HTTP_HEADER_CONTENT_LENGTH) == 0; /* libmicrohttpd has already refused one that is not digits */
    if (strcasecmp(name, MHD_HTTP_HEADER_TRANSFER_ENCODING) == 0) {
        walk->codings++;
        walk->chunked = strcasecmp(value, "chunked") == 0;
    }
    return MHD_YES;
}

bool mrq_head_is_plain(struct MHD_Connection *connection, const char *method, const char *uri, size_t uri_size, const char *version)
{
    const union MHD_ConnectionInfo *info = mrq_mhd.get_connection_info(connection, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
    const bool modern = strcmp(version, MHD_HTTP_VERSION_1_1) == 0;
    struct walk walk = {.plain = true, .at = version + strlen(version) + 2};
    if (!info || !is_token(method) || method + strlen(method) + 1 != uri || uri + uri_size + 1 != version)
        return false;
    mrq_mhd.get_connection_values(connection, MHD_HEADER_KIND, on_header, &walk);
    return walk.plain && walk.at + 2 == method + info->header_size && walk.lengths + walk.codings <= 1 &&
           walk.codings == (unsigned)walk.chunked && (modern ? walk.hosts == 1 : walk.hosts <= 1 && !walk.codings);
}

/* A trial request, and whether its head was found plain. */
struct trial {
    const char *uri;
    size_t uri_size;
    bool seen, plain;
};

static void *on_trial_uri(void *cls, const char *uri, struct MHD_Connection *connection)
{
    struct trial *trial = cls;
    (void)connection;
    trial->uri = uri;
    trial->uri_size = strlen(uri); /* libmicrohttpd will write a NUL over the "?" */
    return NULL;
}

static enum MHD_Result on_trial(void *cls, struct MHD_Connection *connection, const char *path, const char *method,
                                const char *version, const char *data, size_t *size, void **context)
{
    struct trial *trial = cls;
    (void)path, (void)data, (void)size, (void)context;
    trial->seen = true;
    trial->plain = mrq_head_is_plain(connection, method, trial->uri, trial->uri_size, version);
    return MHD_NO; /* closes the connection */
}

static mrq_status run_trial(const char *head, size_t size, struct trial *trial, mrq_error *err)
{
    const struct sockaddr nobody = {.sa_family = AF_UNIX};
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) != 0)
        return mrq_fail_errno(err, "cannot test libmicrohttpd");
    struct MHD_Daemon *daemon = mrq_mhd.start_daemon(MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET, 0, NULL, NULL, on_trial, trial,
                                                     MHD_OPTION_URI_LOG_CALLBACK, on_trial_uri, trial, MHD_OPTION_END);
    const bool sent = daemon && send(pair[1], head, size, MSG_NOSIGNAL) == (ssize_t)size;
    const mrq_status status = sent ? MRQ_OK : mrq_fail_errno(err, "cannot test libmicrohttpd");
    if (!sent) {
        close(pair[0]);
    } else if (mrq_mhd.add_connection(daemon, pair[0], &nobody, sizeof nobody.sa_family) == MHD_YES) {
        mrq_head_reads = true;
        for (int i = 0; i < TRIAL_WAITS && !trial->seen; i++)
            mrq_mhd.run_wait(daemon, TRIAL_MS);
        mrq_head_reads = false;
    }
    if (daemon)
        mrq_mhd.stop_daemon(daemon);
    close(pair[1]);
    return status;
}

mrq_status mrq_head_check(mrq_error *err)
{
    static const char sound[] = "GET /a?b HTTP/1.1\r\nHost: a\r\nX:\r\nY: \t b c\t\r\n\r\n";
    static const char unsound[] = "GET / HTTP/1.1\r\nHost: a\0\nX: b\r\n\r\n"; /* libmicrohttpd may refuse it itself */
    struct trial good = {0}, bad = {0};
    MRQ_TRY(run_trial(sound, sizeof sound - 1, &good, err));
    MRQ_TRY(run_trial(unsound, sizeof unsound - 1, &bad, err));
    if (good.plain && !bad.plain)
        return MRQ_OK;
    return mrq_fail(err, MRQ_FAILED, "libmicrohttpd %s stores requests differently from 0.9.75, so their heads cannot be checked",
                    mrq_mhd.get_version());
}
