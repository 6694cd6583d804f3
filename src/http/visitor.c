/* DNS rebinding: after a page is loaded, its host name may be changed to resolve to 127.0.0.1. Its scripts can then send requests
 * to this service as if it were their own server, and read the answers. The Host of such a request still holds the page's name. So
 * a service without a token, which the page would not know, answers only requests whose Host is one of its own names.
 *
 * CORS: a page of another origin sends its Origin, and its browser gives it an answer only if the answer allows that origin.
 * Origins are compared byte by byte, because browsers write an origin in one way only. */
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
        return mrq_fail(err, MRQ_USAGE, "\"%.100s\" is not a host name: want one without a port", text);
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
    mrq_host parsed;
    if (mrq_host_parse(host, size, "80", 0, &parsed))
        return false;
    bool known = strcasecmp(parsed.name, "localhost") == 0 || is_loopback_address(parsed.name);
    for (uint32_t i = 0; !known && i < names->n; i++)
        known = strcasecmp(names->text[i], parsed.name) == 0;
    return known;
}

static mrq_status fail_origin(const char *text, const char *why, mrq_error *err)
{
    return mrq_fail(err, MRQ_USAGE, "\"%.100s\" is not an origin, want scheme://host[:port]: %s", text, why);
}

mrq_status mrq_origin_check(const char *text, mrq_error *err)
{
    mrq_host host;
    const size_t scheme = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789+-.");
    if (strcmp(text, "*") == 0)
        return fail_origin(text, "any page could read the answers, so name each origin", err);
    if (text[strcspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ")])
        return fail_origin(text, "browsers write it in lower case", err);
    if (*text < 'a' || strncmp(text + scheme, "://", 3) != 0)
        return fail_origin(text, "it does not begin with a scheme, as https://", err);
    const char *name = text + scheme + 3;
    if (strchr(name, '/'))
        return fail_origin(text, "it may not have a path, not even a slash", err);
    const char *problem = mrq_host_parse(name, strlen(name), "-", 1, &host);
    if (problem)
        return fail_origin(text, problem, err);
    if ((strncmp(text, "http:", 5) == 0 && strcmp(host.port, "80") == 0) ||
        (strncmp(text, "https:", 6) == 0 && strcmp(host.port, "443") == 0))
        return fail_origin(text, "browsers leave out the default port of the scheme", err);
    return MRQ_OK;
}

const char *mrq_origin_find(const mrq_texts *list, const char *origin)
{
    for (uint32_t i = 0; origin && i < list->n; i++)
        if (strcmp(list->text[i], origin) == 0)
            return list->text[i];
    return NULL;
}
