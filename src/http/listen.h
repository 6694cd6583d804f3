/* Where the service listens. */
#ifndef MRQ_HTTP_LISTEN_H
#define MRQ_HTTP_LISTEN_H

#include <stdbool.h>
#include <sys/socket.h>
#include <sys/types.h>

#include "base/error.h"

/* "127.0.0.1:8080", "[::1]:8080", "localhost:8080" or "unix:/path". */
typedef struct mrq_place {
    bool local; /* a unix socket */
    char host[256];
    char port[6];
    char path[108];
} mrq_place;

/* MRQ_USAGE quotes the text. */
MRQ_CHECKED mrq_status mrq_place_parse(const char *text, mrq_place *out, mrq_error *err);

#define MRQ_SOCKETS_MAX  8
#define MRQ_ADDRESS_TEXT 300

/* Sockets that listen, non-blocking: one of each address that a name has, all on one port. */
typedef struct mrq_listener {
    int socket[MRQ_SOCKETS_MAX]; /* (n) */
    unsigned n;
    bool ours; /* nobody else holds them */
    char address[MRQ_SOCKETS_MAX]
                [MRQ_ADDRESS_TEXT]; /* (n) for people: "http://127.0.0.1:8080" with the port that it came to be, "unix:/path" */
    char path[108];                 /* of a unix socket that is ours to remove; "" without */
    dev_t device;                   /* of that */
    ino_t inode;
} mrq_listener;

/* Whether only this machine can reach an address. */
bool mrq_is_loopback(const struct sockaddr *address);

/* Opens a socket at each address that a place has. Those that are not this machine's, or of a family that it does not speak, are
 * left out with a warning, unless none is left. Port 0 takes a free one. A unix socket on
 * which nobody answers any more is replaced. Unless `exposed`, MRQ_USAGE for what other machines can reach. MRQ_FAILED for what is
 * taken. */
MRQ_CHECKED mrq_status mrq_listener_open(const char *address, bool exposed, mrq_listener *out, mrq_error *err);

/* The same for a socket that was opened by another; closes it on failure. MRQ_USAGE for what is no listening stream socket. */
MRQ_CHECKED mrq_status mrq_listener_adopt(int socket, bool exposed, mrq_listener *out, mrq_error *err);

/* Turns away who comes from now on, while the descriptors stay open for threads that may still look at them. A socket that another
 * holds too is left to that one. */
void mrq_listener_shut(const mrq_listener *listener);

/* Closes them, and removes a unix socket, unless another server has put its own there. Legal twice, and on a zeroed one. */
void mrq_listener_close(mrq_listener *listener);

#endif
