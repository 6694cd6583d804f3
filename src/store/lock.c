/* The lock of a store: flock() on STORE/lock. The kernel lets go of it when the owner dies, so there are no stale locks to judge;
 * what stands in the file ("rebuild 4711 2026-01-31T02:00:00Z") is for the sentence that a second writer reads. The owner removes
 * the file before it lets go; therefore who gets the lock looks whether it is still the file that stands there.
 *
 * Rejected: locking the folder itself, which needs no extra file but does not work on NFS, and cannot say who holds it. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "store/publication.h"

static mrq_status busy(const char *store, int fd, mrq_error *err)
{
    char text[100] = "", who[32], process[32], since[32];
    if (pread(fd, text, sizeof text - 1, 0) <= 0 || sscanf(text, "%31s %31s %31s", who, process, since) != 3)
        return mrq_fail(err, MRQ_FAILED, "%s is locked by another process", store);
    return mrq_fail(err, MRQ_FAILED, "%s is locked by %s, process %s, since %s: want it to end first", store, who, process, since);
}

mrq_status mrq_lock_take(const char *store, const char *who, mrq_lock *lock, mrq_error *err)
{
    lock->fd = -1;
    MRQ_TRY(mrq_path_join(lock->path, sizeof lock->path, store, "lock", err));
    for (;;) {
        int fd;
        MRQ_TRY(mrq_file_open(lock->path, O_RDWR, &fd, err));
        if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
            const mrq_status status =
                errno == EWOULDBLOCK ? busy(store, fd, err) : mrq_fail_errno(err, "cannot lock %s", lock->path);
            close(fd);
            return status;
        }
        struct stat held, there;
        const bool known = fstat(fd, &held) == 0 && stat(lock->path, &there) == 0;
        if (!known && errno != ENOENT) {
            const mrq_status status = mrq_fail_errno(err, "cannot lock %s", lock->path);
            close(fd);
            return status;
        }
        if (known && held.st_ino == there.st_ino) {
            char since[MRQ_TIME_TEXT];
            mrq_time_text(since);
            lock->fd = fd;
            if (ftruncate(fd, 0) == 0) /* a lock without a text is a lock, too: on a full disk one wants to prune */
                dprintf(fd, "%s %ld %s\n", who, (long)getpid(), since);
            return MRQ_OK;
        }
        close(fd); /* its owner has just removed it */
    }
}

void mrq_lock_release(mrq_lock *lock)
{
    if (lock->fd < 0)
        return;
    unlink(lock->path);
    close(lock->fd);
    lock->fd = -1;
}
