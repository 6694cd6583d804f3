/* A page anywhere may let its name lead to 127.0.0.1 after it was loaded; its scripts then ask us as their own server, and read the
 * answers. What such a request cannot hide is that name, in its Host; so without a token, which the page would not know, only our
 * own names are answered. A page that is served elsewhere asks by our name and tells its origin; its browser shows it an answer
 * only if that allows the origin. Both are compared as they stand: browsers write them in one way. */
#include "http/visitor.h"

#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

#include "http/listen.h"

mrq_status mrq_host_check(const char *text, mrq_host *out, mrq_error *err)
{
    const size_t size = strlen(text);
    mrq_host host;
    if (mrq_host_parse(text, size, "80", 0, &host) || strlen(host.name) + (*text == '[' ? 2 : 0) != size)
        return mrq_fail(err, MRQ_USAGE, "\"%.100s\" is no name of a host, want one without a port", text);
    *out = host;
    return MRQ_OK;
}

static bool is_loopback_address(const char *name)
{
    struct sockaddr_in in = {.sin_family = AF_INET};
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};
    if (inet_pton(AF_INET, name, &in.sin_addr) == 1)
        return mrq_is_loopback((const struct sockaddr *)&in);
    return inet_pton(AF_INET6, name, &in6.sin6_addr) == 1 && mrq_is_loopback((const struct sockaddr *)&in6);
}

bool mrq_host_is_known(const mrq_texts *names, const char *host, size_t size)
{
    mrq_host told;
    if (mrq_host_parse(host, size, "80", 0, &told))
        return false;
    bool known = strcasecmp(told.name, "localhost") == 0 || is_loopback_address(told.name);
    for (uint32_t i = 0; !known && i < names->n; i++)
        known = strcasecmp(names->text[i], told.name) == 0;
    return known;
}

static mrq_status no_origin(const char *text, const char *why, mrq_error *err)
{
    return mrq_fail(err, MRQ_USAGE, "\"%.100s\" is no origin, want scheme://host[:port]: %s", text, why);
}

mrq_status mrq_origin_check(const char *text, mrq_error *err)
{
    mrq_host host;
    const size_t scheme = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789+-.");
    if (strcmp(text, "*") == 0)
        return no_origin(text, "any page would read the answers; name each that may", err);
    if (text[strcspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ")])
        return no_origin(text, "browsers write it in small letters", err);
    if (scheme == 0 || *text < 'a' || strncmp(text + scheme, "://", 3) != 0)
        return no_origin(text, "it does not begin with a scheme, as https://", err);
    const char *name = text + scheme + 3;
    if (strchr(name, '/'))
        return no_origin(text, "a path does not belong to it, not even a slash", err);
    const char *problem = mrq_host_parse(name, strlen(name), "-", 1, &host);
    if (problem)
        return no_origin(text, problem, err);
    if ((strncmp(text, "http:", 5) == 0 && strcmp(host.port, "80") == 0) ||
        (strncmp(text, "https:", 6) == 0 && strcmp(host.port, "443") == 0))
        return no_origin(text, "browsers leave out the port that is the scheme's own", err);
    return MRQ_OK;
}

const char *mrq_origin_find(const mrq_texts *list, const char *origin)
{
    for (uint32_t i = 0; origin && i < list->n; i++)
        if (strcmp(list->text[i], origin) == 0)
            return list->text[i];
    return NULL;
}
