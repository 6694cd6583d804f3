/* What systemd and a service say to each other, see sd_listen_fds(3) and sd_notify(3); without its library, which is two variables
 * and a datagram. */
#ifndef MRQ_HTTP_SYSTEMD_H
#define MRQ_HTTP_SYSTEMD_H

#include "base/error.h"

/* The listening socket that the process was started with, or -1 without one. Forgets the variables that told it, so that no child
 * takes them for its own. MRQ_USAGE for more than one socket. To be called before threads start. */
MRQ_CHECKED mrq_status mrq_systemd_socket(int *out, mrq_error *err);

/* Tells $NOTIFY_SOCKET, if there is one: "READY=1" and the like. */
void mrq_systemd_notify(const char *text);

#endif
