#include "base/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

size_t mrq_secret_flaw(const char *text)
{
    for (size_t i = 0; text[i]; i++)
        if (text[i] <= ' ' || text[i] > '~')
            return i + 1;
    return 0;
}

mrq_status mrq_secret_read(const char *path, size_t least, mrq_secret *out, mrq_error *err)
{
    mrq_secret secret = {0};
    struct stat about = {0};
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    const bool sound = fd >= 0 && fstat(fd, &about) == 0;
    const ssize_t n = sound && S_ISREG(about.st_mode) ? read(fd, secret.text, sizeof secret.text) : -1;
    const int code = errno;
    if (fd >= 0)
        close(fd);
    if (sound && !S_ISREG(about.st_mode))
        return mrq_fail(err, MRQ_USAGE, "token file %s: is not a regular file", path);
    errno = code;
    if (n < 0)
        return mrq_fail_errno(err, "token file %s", path);
    if (about.st_uid != 0 && about.st_uid != geteuid())
        return mrq_fail(err, MRQ_USAGE, "token file %s: belongs to user %u, who may write it: chown it to root or to user %u", path,
                        (unsigned)about.st_uid, (unsigned)geteuid());
    if (about.st_mode & (S_IWGRP | S_IWOTH))
        return mrq_fail(err, MRQ_USAGE, "token file %s: others than its owner may write it (mode %03o): chmod go-w", path,
                        about.st_mode & 0777);
    if (about.st_mode & S_IROTH)
        return mrq_fail(err, MRQ_USAGE, "token file %s: everybody may read it (mode %03o), want 600", path, about.st_mode & 0777);
    secret.size = (size_t)n;
    if (secret.size && secret.text[secret.size - 1] == '\n')
        secret.size--;
    if (secret.size < least || secret.size > MRQ_SECRET_MAX)
        return mrq_fail(err, MRQ_USAGE, "token file %s: has %zu characters%s, want one line of %zu to %d", path, secret.size,
                        secret.size > MRQ_SECRET_MAX ? " or more" : "", least, MRQ_SECRET_MAX);
    secret.text[secret.size] = '\0';
    const size_t told = strlen(secret.text), flaw = mrq_secret_flaw(secret.text);
    if (flaw || told < secret.size)
        return mrq_fail(err, MRQ_USAGE, "token file %s: character %zu is not allowed in a token, want ASCII without blanks", path,
                        flaw ? flaw : told + 1);
    *out = secret;
    return MRQ_OK;
}
