/* The protocol between systemd and a service, see sd_listen_fds(3) and sd_notify(3). It takes two environment variables and a
 * datagram, so systemd's library is not used. */
#ifndef MRQ_HTTP_SYSTEMD_H
#define MRQ_HTTP_SYSTEMD_H

#include "base/error.h"

/* The listening socket that systemd passed to the process, or -1. Unsets the environment variables, so that no child process uses
 * them. MRQ_USAGE for more than one socket. To be called before threads start. */
MRQ_CHECKED mrq_status mrq_systemd_socket(int *out, mrq_error *err);

/* Sends a text such as "READY=1" to $NOTIFY_SOCKET, if that is set. */
void mrq_systemd_notify(const char *text);

#endif
