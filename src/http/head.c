/* Where a request ends is told by its headers, so whoever reads them in another way than the proxy before us makes two requests of
 * one. libmicrohttpd 0.9.75 does: it joins a folded line to the name of the header before it, ends a value at a NUL, takes a bare
 * LF for the end of a line, and of several headers the first. What it gives us does not show that; but it leaves each name and
 * value where it came in, so every byte of the head is counted: whatever stands between what we were shown, other than a colon with
 * blanks behind it and the CRLF of a line, is refused. It puts two NULs where a CRLF was, so a NUL with a bare LF would count as
 * one: no NUL may reach it. It reads by recv(), which is found in the program first: there it is ours, and makes a \v of each NUL,
 * which neither a head nor JSON may hold. The lines between the chunks of a body are not shown to us: there a bare LF counts, so a
 * request in chunks is the last of its connection. All this is so in 0.9.75; whether it is in the version that was loaded, requests
 * of our own show at the start. Rejected: a list of names that may be meant, which never ends; to look at the bytes behind the
 * request line when that has come, as what comes later is not seen, and what was in the buffer before looks like it. */
#include "http/head.h"

#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#define TRIAL_LOOKS 10 /* that a request of our own takes at most, of TRIAL_MS each */
#define TRIAL_MS    100

_Thread_local bool mrq_head_reads;

/* In the place of the C library's, for the whole program. */
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
    const char *at; /* where the next line has to begin */
    bool plain, chunked;
    unsigned lengths, codings, hosts;
};

/* A name by RFC 9110: "Content-Length : 5" is none to us, and may be one to a proxy. */
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
    walk->lengths += strcasecmp(name, MHD_HTTP_HEADER_CONTENT_LENGTH) == 0; /* of digits, or it would not have come this far */
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

/* A request of our own, and whether its head was found plain. */
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
    trial->uri_size = strlen(uri); /* libmicrohttpd will end it at the "?" */
    return NULL;
}

static enum MHD_Result on_trial(void *cls, struct MHD_Connection *connection, const char *path, const char *method,
                                const char *version, const char *data, size_t *size, void **context)
{
    struct trial *trial = cls;
    (void)path, (void)data, (void)size, (void)context;
    trial->seen = true;
    trial->plain = mrq_head_is_plain(connection, method, trial->uri, trial->uri_size, version);
    return MHD_NO; /* which ends the connection */
}

static mrq_status run_trial(const char *head, size_t size, struct trial *trial, mrq_error *err)
{
    const struct sockaddr nobody = {.sa_family = AF_UNIX};
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) != 0)
        return mrq_fail_errno(err, "cannot try libmicrohttpd");
    struct MHD_Daemon *daemon = mrq_mhd.start_daemon(MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET, 0, NULL, NULL, on_trial, trial,
                                                     MHD_OPTION_URI_LOG_CALLBACK, on_trial_uri, trial, MHD_OPTION_END);
    const bool sent = daemon && send(pair[1], head, size, MSG_NOSIGNAL) == (ssize_t)size;
    const mrq_status status = sent ? MRQ_OK : mrq_fail_errno(err, "cannot try libmicrohttpd");
    if (!sent) {
        close(pair[0]);
    } else if (mrq_mhd.add_connection(daemon, pair[0], &nobody, sizeof nobody.sa_family) == MHD_YES) {
        mrq_head_reads = true;
        for (int i = 0; i < TRIAL_LOOKS && !trial->seen; i++)
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
    static const char unsound[] = "GET / HTTP/1.1\r\nHost: a\0\nX: b\r\n\r\n"; /* which may not even come to us */
    struct trial good = {0}, bad = {0};
    MRQ_TRY(run_trial(sound, sizeof sound - 1, &good, err));
    MRQ_TRY(run_trial(unsound, sizeof unsound - 1, &bad, err));
    if (good.plain && !bad.plain)
        return MRQ_OK;
    return mrq_fail(err, MRQ_FAILED, "libmicrohttpd %s keeps requests in another way than 0.9.75, so they cannot be judged",
                    mrq_mhd.get_version());
}
