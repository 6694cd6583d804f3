/* Two buffers: workers add lines to one, and whoever flushes takes it away under the lock and writes it outside, so that no request
 * waits for a disk. A buffer that is full before the second is over is written by the worker that found it so. */
#include "http/access.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/memory.h"

#define BUFFER         65536
#define PATH_MAX_SHOWN 1024 /* bytes of a path as it is written */
#define LINE           (PATH_MAX_SHOWN + 300)

struct mrq_access {
    pthread_mutex_t lock;    /* of `buffer` */
    pthread_mutex_t writing; /* of `spare` and `file`; taken first */
    char *buffer, *spare;
    size_t size;
    int file;
    const char *path;
};

static int open_file(const char *path)
{
    return strcmp(path, "-") == 0 ? dup(STDOUT_FILENO) : open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
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
    access->file = open_file(path);
    if (access->file < 0 || !access->buffer || !access->spare) {
        const mrq_status status = access->file < 0 ? mrq_fail_errno(err, "cannot write the access log %s", path)
                                                   : mrq_fail_memory(err, "opening the access log");
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
    MRQ_TRY(mrq_access_flush(access, err));
    const int file = open_file(access->path);
    if (file < 0)
        return mrq_fail_errno(err, "cannot write the access log %s", access->path);
    pthread_mutex_lock(&access->writing);
    close(access->file);
    access->file = file;
    pthread_mutex_unlock(&access->writing);
    return MRQ_OK;
}

mrq_status mrq_access_flush(mrq_access *access, mrq_error *err)
{
    mrq_status status = MRQ_OK;
    pthread_mutex_lock(&access->writing);
    pthread_mutex_lock(&access->lock);
    char *full = access->buffer;
    const size_t size = access->size;
    access->buffer = access->spare;
    access->spare = full;
    access->size = 0;
    pthread_mutex_unlock(&access->lock);
    for (size_t done = 0; status == MRQ_OK && done < size;) {
        const ssize_t n = write(access->file, full + done, size - done);
        if (n > 0)
            done += (size_t)n;
        else if (n < 0 && errno != EINTR)
            status = mrq_fail_errno(err, "cannot write the access log %s", access->path);
    }
    pthread_mutex_unlock(&access->writing);
    return status;
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
        }
        pthread_mutex_unlock(&access->lock);
        if (fits)
            return;
        (void)!mrq_access_flush(access, NULL);
    }
}
