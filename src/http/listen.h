/* Listening sockets of the service. */
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

/* Non-blocking listening sockets: one for each address of a host name, all at one port. */
typedef struct mrq_listener {
    int socket[MRQ_SOCKETS_MAX]; /* (n) */
    unsigned n;
    bool ours; /* no other process has them */
    char
        address[MRQ_SOCKETS_MAX]
               [MRQ_ADDRESS_TEXT]; /* (n) for people: "http://127.0.0.1:8080", with the chosen port instead of 0, or "unix:/path" */
    char path[108];                /* of a unix socket that the service removes; "" without */
    dev_t device;                  /* of that file */
    ino_t inode;
} mrq_listener;

/* Whether only this machine can reach an address. */
bool mrq_is_loopback(const struct sockaddr *address);

/* Opens a socket for each address of `address`. Addresses that this machine does not have, or of a family that it does not support,
 * are left out with a warning, unless there is no other. Port 0 means any free port. A unix socket on which no server accepts
 * connections is replaced. MRQ_USAGE when other machines can reach an address, unless `exposed`. MRQ_FAILED when it is in use. */
MRQ_CHECKED mrq_status mrq_listener_open(const char *address, bool exposed, mrq_listener *out, mrq_error *err);

/* The same for a socket that another process opened; closes it on failure. MRQ_USAGE unless it is a listening stream socket. */
MRQ_CHECKED mrq_status mrq_listener_adopt(int socket, bool exposed, mrq_listener *out, mrq_error *err);

/* Refuses new connections. The descriptors stay open, because threads may still use them. A socket that another process has too is
 * not changed. */
void mrq_listener_shut(const mrq_listener *listener);

/* Closes the sockets and removes a unix socket's file, unless another server has replaced it. Legal twice, and on a zeroed one. */
void mrq_listener_close(mrq_listener *listener);

#endif
