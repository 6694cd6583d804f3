#include "base/host.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/parse.h"

const char mrq_host_missing[] = "want HOST:PORT or [IPV6]:PORT";

/* Whether all `size` bytes are letters, digits or one of `others`. */
static bool all_of(const char *bytes, size_t size, const char *others)
{
    for (size_t i = 0; i < size; i++)
        if (!isalnum((unsigned char)bytes[i]) && (!bytes[i] || !strchr(others, bytes[i])))
            return false;
    return true;
}

const char *mrq_host_parse(const char *text, size_t size, const char *port, int64_t least, mrq_host *out)
{
    const bool bracketed = size > 0 && *text == '[';
    const char *name = text + bracketed, *limit = text + size;
    const char *end = memchr(name, bracketed ? ']' : ':', (size_t)(limit - name));
    if (bracketed && !end)
        return "the bracket is never closed";
    if (!bracketed && end && memchr(end + 1, ':', (size_t)(limit - end) - 1))
        return "write an IPv6 address in brackets, like [::1]:6379";
    end = end ? end : limit;
    mrq_host host = {.port = ""};
    const size_t name_size = (size_t)(end - name);
    const char *rest = end + bracketed;
    if (bracketed && !memchr(name, ':', name_size)) /* only an IPv6 address needs brackets, and the label has them again */
        return mrq_host_missing;
    if (name_size == 0 || name_size >= sizeof host.name || !all_of(name, name_size, bracketed ? ":.%_-" : "._-"))
        return mrq_host_missing;
    memcpy(host.name, name, name_size);
    int64_t number = 0;
    if (rest < limit) {
        if (*rest != ':' || rest[1] == '-' || !mrq_parse_int(rest + 1, (size_t)(limit - rest) - 1, least, 65535, &number))
            return least ? "want a port from 1 to 65535 after the colon" : "want a port from 0 to 65535 after the colon";
        snprintf(host.port, sizeof host.port, "%d", (int)number);
    } else {
        if (!*port)
            return mrq_host_missing;
        snprintf(host.port, sizeof host.port, "%s", port);
    }
    snprintf(host.label, sizeof host.label, bracketed ? "[%s]:%s" : "%s:%s", host.name, host.port);
    *out = host;
    return NULL;
}
