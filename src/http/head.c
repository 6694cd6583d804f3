/* Where a request ends is told by its headers, so whoever reads them in another way than the proxy before us makes two requests of
 * one. libmicrohttpd 0.9.75 does: it joins a folded line to the name of the header before it, ends a value at a NUL, takes a bare
 * LF for the end of a line, and of several headers the first. What it gives us does not show that; but it leaves each name and
 * value where it came in, so every byte of the head is counted: whatever stands between what we were shown, other than a colon with
 * blanks behind it and the CRLF of a line, is refused. The lines between the chunks of a body are not shown to us: there a bare LF
 * counts. Rejected: a list of names that may be meant, which never ends. */
#include "http/head.h"

#include <string.h>
#include <strings.h>

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
    if (!info || method + strlen(method) + 1 != uri || uri + uri_size + 1 != version)
        return false;
    mrq_mhd.get_connection_values(connection, MHD_HEADER_KIND, on_header, &walk);
    return walk.plain && walk.at + 2 == method + info->header_size && walk.lengths + walk.codings <= 1 &&
           walk.codings == (unsigned)walk.chunked && (modern ? walk.hosts == 1 : walk.hosts <= 1 && !walk.codings);
}
