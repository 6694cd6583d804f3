#include "http/systemd.h"

#include <fcntl.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/parse.h"

#define FIRST_SOCKET 3

mrq_status mrq_systemd_socket(int *out, mrq_error *err)
{
    const char *pid_text = getenv("LISTEN_PID"), *fds_text = getenv("LISTEN_FDS");
    int64_t pid = 0, fds = 0;
    const bool ours = pid_text && fds_text && mrq_parse_int(pid_text, strlen(pid_text), 1, INT32_MAX, &pid) && pid == getpid() &&
                      mrq_parse_int(fds_text, strlen(fds_text), 0, INT32_MAX, &fds);
    unsetenv("LISTEN_PID");
    unsetenv("LISTEN_FDS");
    unsetenv("LISTEN_FDNAMES");
    if (ours && fds > 1)
        return mrq_fail(err, MRQ_USAGE, "$LISTEN_FDS: %lld sockets, want one", (long long)fds);
    *out = ours && fds == 1 ? FIRST_SOCKET : -1;
    return MRQ_OK;
}

void mrq_systemd_notify(const char *text)
{
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    const size_t size = path ? strlen(path) : 0;
    if (size < 2 || size >= sizeof to.sun_path || !strchr("/@", *path))
        return;
    memcpy(to.sun_path, path, size);
    if (*path == '@')
        to.sun_path[0] = '\0'; /* the abstract namespace */
    const int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return;
    (void)sendto(fd, text, strlen(text), MSG_NOSIGNAL, (struct sockaddr *)&to,
                 (socklen_t)(offsetof(struct sockaddr_un, sun_path) + size));
    close(fd);
}
