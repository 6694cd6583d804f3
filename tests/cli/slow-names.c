/* The program that this is loaded into (LD_PRELOAD) waits five seconds for each name that it looks up, and finds none. */
#include <netdb.h>
#include <unistd.h>

int getaddrinfo(const char *host, const char *port, const struct addrinfo *hints, struct addrinfo **found)
{
    (void)host, (void)port, (void)found;
    if (hints->ai_flags & AI_NUMERICHOST)
        return EAI_NONAME;
    sleep(5);
    return EAI_AGAIN;
}
