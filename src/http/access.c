/* There are two buffers. Workers append lines to one; a flush swaps them under the lock and writes outside it, so that no request
 * waits for a disk. A worker that finds the buffer full between two flushes flushes it itself.
 *
 * A reader that does not read must not block the service: a write happens only when poll() says that the file accepts data, and
 * is at most PIPE_BUF bytes, which a writable pipe accepts whole. O_NONBLOCK would be simpler, but other processes share standard
 * output and would get it too. Lines that do not fit into the buffer in the meantime are dropped and counted. */
#include "http/access.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"

#define BUFFER         65536
#define PATH_MAX_SHOWN 1024 /* bytes of a path in the log */
#define LINE           (PATH_MAX_SHOWN + 300)

struct mrq_access {
    pthread_mutex_t lock;    /* protects `buffer`, `size` and `dropped` */
    pthread_mutex_t writing; /* protects the rest; locked before `lock` */
    char *buffer, *spare;
    size_t size;
    uint64_t dropped; /* lines */
    const char *at;   /* in `spare` */
    size_t left;      /* bytes from there that are not written yet */
    int file;
    const char *path;
};

/* A symbolic link is followed to a pipe, a terminal or a device, because containers replace logs with such links, but never to a
 * file: a user who may create the link could make the service write to a file that only the service may write. */
static mrq_status open_file(const char *path, int *out, mrq_error *err)
{
    const int flags = O_WRONLY | O_APPEND | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
    struct stat st;
    int file = strcmp(path, "-") == 0 ? dup(STDOUT_FILENO) : open(path, flags | O_CREAT | O_NOFOLLOW, 0600);
    const bool link = file < 0 && errno == ELOOP;
    if (link)
        file = open(path, flags);
    if (file < 0)
        return mrq_fail_errno(err, "cannot write the access log %s", path);
    if (link && (fstat(file, &st) != 0 || S_ISREG(st.st_mode))) {
        close(file);
        return mrq_fail(err, MRQ_FAILED,
                        "cannot write the access log %s: a symbolic link to a file is not followed; \"-\" is standard output",
                        path);
    }
    *out = file;
    return MRQ_OK;
}

mrq_status mrq_access_open(const char *path, mrq_access **out, mrq_error *err)
{
    mrq_access *access = mrq_array(1, sizeof *access);
    if (!access)
        return mrq_fail_memory(err, "opening the access log");
    pthread_mutex_init(&access->lock, NULL);
    pthread_mutex_init(&access->writing, NULL);
    access->path = path;
    access->buffer = mrq_array(BUFFER, 1);
    access->spare = mrq_array(BUFFER, 1);
    access->file = -1;
    const mrq_status status =
        access->buffer && access->spare ? open_file(path, &access->file, err) : mrq_fail_memory(err, "opening the access log");
    if (status != MRQ_OK) {
        mrq_access_close(access);
        return status;
    }
    *out = access;
    return MRQ_OK;
}

void mrq_access_close(mrq_access *access)
{
    if (!access)
        return;
    if (access->file >= 0) {
        (void)!mrq_access_flush(access, NULL);
        close(access->file);
    }
    pthread_mutex_destroy(&access->lock);
    pthread_mutex_destroy(&access->writing);
    mrq_free(access->buffer);
    mrq_free(access->spare);
    mrq_free(access);
}

mrq_status mrq_access_reopen(mrq_access *access, mrq_error *err)
{
    const mrq_status status = mrq_access_flush(access, err);
    int file = -1;
    MRQ_TRY(open_file(access->path, &file, err));
    pthread_mutex_lock(&access->writing);
    close(access->file);
    access->file = file;
    pthread_mutex_unlock(&access->writing);
    return status;
}

/* Gives the empty buffer to the workers. Whether the other has something to write. */
static bool swap(mrq_access *access)
{
    pthread_mutex_lock(&access->lock);
    char *full = access->buffer;
    access->left = access->size;
    access->buffer = access->spare;
    access->at = access->spare = full;
    access->size = 0;
    pthread_mutex_unlock(&access->lock);
    return access->left > 0;
}

mrq_status mrq_access_flush(mrq_access *access, mrq_error *err)
{
    mrq_status status = MRQ_OK;
    pthread_mutex_lock(&access->writing);
    while (status == MRQ_OK && (access->left || swap(access))) {
        struct pollfd takes = {access->file, POLLOUT, 0};
        if (poll(&takes, 1, 0) != 1)
            break;
        size_t size = access->left;
        if (size > PIPE_BUF) /* whole lines, so that no other process writes into the middle of one */
            size = (size_t)((char *)memrchr(access->at, '\n', PIPE_BUF) + 1 - access->at);
        const ssize_t n = write(access->file, access->at, size);
        if (n >= 0) {
            access->at += n;
            access->left -= (size_t)n;
        } else if (errno == EAGAIN) {
            break;
        } else if (errno != EINTR) {
            status = mrq_fail_errno(err, "cannot write the access log %s", access->path);
            access->left = 0;
        }
    }
    pthread_mutex_unlock(&access->writing);
    return status;
}

uint64_t mrq_access_dropped(mrq_access *access)
{
    pthread_mutex_lock(&access->lock);
    const uint64_t dropped = access->dropped;
    pthread_mutex_unlock(&access->lock);
    return dropped;
}

static void escape(char out[PATH_MAX_SHOWN + 4], const char *text)
{
    size_t n = 0;
    for (; *text && n < PATH_MAX_SHOWN; text++) {
        if (*text > ' ' && *text <= '~')
            out[n++] = *text;
        else
            n += (size_t)sprintf(out + n, "%%%02X", (unsigned char)*text);
    }
    out[n] = '\0';
}

void mrq_access_add(mrq_access *access, const char *client, const char *method, const char *path, unsigned status, size_t bytes,
                    uint64_t microseconds, const char *cache)
{
    char when[MRQ_TIME_TEXT], line[LINE], shown[PATH_MAX_SHOWN + 4], how[PATH_MAX_SHOWN + 4];
    mrq_time_text(when);
    escape(shown, path);
    escape(how, method);
    const int printed = snprintf(line, sizeof line, "%s %.60s %.20s %s %u %zu %llu %.10s\n", when, client, how, shown, status,
                                 bytes, (unsigned long long)microseconds, cache);
    const size_t size = printed < 0 ? 0 : (size_t)printed;
    for (int i = 0; i < 2; i++) {
        pthread_mutex_lock(&access->lock);
        const bool fits = access->size + size <= BUFFER;
        if (fits) {
            memcpy(access->buffer + access->size, line, size);
            access->size += size;
        } else if (i) {
            access->dropped++;
        }
        pthread_mutex_unlock(&access->lock);
        if (fits)
            return;
        if (!i)
            (void)!mrq_access_flush(access, NULL);
    }
}
