/* Parses addresses: unix:/path, host:port, host, [v6]:port, redis://[user][:password@]host[:port][/database].
 *
 * A URL is split as redis-cli does it: the login ends at the last '@' before the first '/', and %XX is a byte of the user or
 * password. A user without a password is refused, because some clients take it for the password. Messages never contain a URL or a
 * text with an '@': if the '@' after a login is missing, the password is in the place of the port. */
#include "cache/address.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

#include "base/host.h"
#include "base/parse.h"

#define DEFAULT_PORT "6379"
#define FORMS        "want unix:/path, host:port or redis://[user][:password@]host[:port][/database]"

/* Fails with "Redis address "localhost:x": what", without the text if it may contain a password. */
static mrq_status bad(const char *text, mrq_error *err, const char *what)
{
    if (strstr(text, "://") || strchr(text, '@'))
        return mrq_fail(err, MRQ_USAGE, "Redis address: %s", what);
    return mrq_fail(err, MRQ_USAGE, "Redis address \"%.80s\": %s", text, what);
}

/* Parses host, host:port, [v6] or [v6]:port: `size` bytes at `part`, which is in the whole `text`. */
static mrq_status parse_host(const char *text, const char *part, size_t size, mrq_address *out, mrq_error *err)
{
    mrq_host host;
    const char *wrong = mrq_host_parse(part, size, DEFAULT_PORT, 1, &host);
    if (wrong)
        return bad(text, err, wrong == mrq_host_missing ? FORMS : wrong);
    memcpy(out->place, host.name, sizeof host.name);
    memcpy(out->port, host.port, sizeof host.port);
    memcpy(out->label, host.label, sizeof host.label);
    return MRQ_OK;
}

/* Decodes %XX to `out`. Returns what is wrong, or NULL. */
static const char *decode(const char *from, const char *end, char *out, size_t size)
{
    size_t n = 0;
    while (from < end) {
        unsigned byte = (unsigned char)*from++;
        if (byte == '%') {
            if (end - from < 2 || !isxdigit((unsigned char)from[0]) || !isxdigit((unsigned char)from[1]))
                return "a % in the user or password must be followed by two hexadecimal digits";
            const char digits[3] = {from[0], from[1], '\0'};
            sscanf(digits, "%2x", &byte);
            from += 2;
        }
        if (byte == 0)
            return "a user or password must not contain a NUL byte";
        if (n + 1 >= size)
            return "the user or password is too long";
        out[n++] = (char)byte;
    }
    out[n] = '\0';
    return NULL;
}

/* Parses [user][:password@]host[:port][/database] at `rest`. */
static mrq_status parse_url(const char *text, const char *rest, mrq_address *out, mrq_error *err)
{
    const char *slash = rest + strcspn(rest, "/");
    const char *at = memrchr(rest, '@', (size_t)(slash - rest));
    if (at) {
        const char *colon = memchr(rest, ':', (size_t)(at - rest));
        if (!colon)
            return bad(text, err, "a user needs a password, and a password must follow a colon: redis://[user]:password@host");
        const char *wrong = decode(rest, colon, out->user, sizeof out->user);
        if (!wrong)
            wrong = decode(colon + 1, at, out->password, sizeof out->password);
        if (wrong)
            return bad(text, err, wrong);
    }
    int64_t database = 0;
    if (slash[0] && slash[1] && !mrq_parse_int(slash + 1, strlen(slash + 1), 0, INT32_MAX, &database))
        return bad(text, err, "want a database number, 0 or more, after the last slash");
    out->database = (uint32_t)database;
    const char *host = at ? at + 1 : rest;
    return parse_host(text, host, (size_t)(slash - host), out, err);
}

static mrq_status parse_local(const char *text, const char *path, mrq_address *out, mrq_error *err)
{
    const struct sockaddr_un *address = NULL;
    const size_t size = strlen(path);
    if (size == 0 || size >= sizeof address->sun_path)
        return mrq_fail(err, MRQ_USAGE, "Redis address \"%.120s\": a path of %zu bytes, want 1 to %zu", text, size,
                        sizeof address->sun_path - 1);
    out->local = true;
    memcpy(out->place, path, size + 1);
    snprintf(out->label, sizeof out->label, "unix:%s", path);
    return MRQ_OK;
}

mrq_status mrq_address_parse(const char *text, mrq_address *out, mrq_error *err)
{
    static const char unix_form[] = "unix:", url_form[] = "redis://";
    mrq_address address = {0};
    if (strncmp(text, unix_form, sizeof unix_form - 1) == 0)
        MRQ_TRY(parse_local(text, text + sizeof unix_form - 1, &address, err));
    else if (strncmp(text, url_form, sizeof url_form - 1) == 0)
        MRQ_TRY(parse_url(text, text + sizeof url_form - 1, &address, err));
    else if (strstr(text, "://"))
        return bad(text, err, FORMS);
    else
        MRQ_TRY(parse_host(text, text, strlen(text), &address, err));
    *out = address;
    return MRQ_OK;
}
