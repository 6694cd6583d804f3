/* The lock of a store: flock() on STORE/lock. The kernel releases it when its owner dies, so a lock is never stale. The text of the
 * file ("rebuild 4711 2026-01-31T02:00:00Z") is for the error message of a second writer. The owner removes the file before it
 * releases the lock, so a process that gets the lock must check that its file is still the one at the path.
 *
 * Rejected: locking the folder itself, which needs no extra file but does not work on NFS and cannot name the owner. */
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
    char text[100] = "", command[32], process[32], since[32];
    if (pread(fd, text, sizeof text - 1, 0) <= 0 || sscanf(text, "%31s %31s %31s", command, process, since) != 3)
        return mrq_fail(err, MRQ_FAILED, "%s is locked by another process", store);
    return mrq_fail(err, MRQ_FAILED, "%s is locked by %s, process %s, since %s; wait until it ends", store, command, process,
                    since);
}

mrq_status mrq_lock_take(const char *store, const char *command, mrq_lock *lock, mrq_error *err)
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
        struct stat locked, at_path;
        const bool known = fstat(fd, &locked) == 0 && stat(lock->path, &at_path) == 0;
        if (!known && errno != ENOENT) {
            const mrq_status status = mrq_fail_errno(err, "cannot lock %s", lock->path);
            close(fd);
            return status;
        }
        if (known && locked.st_ino == at_path.st_ino) {
            char since[MRQ_TIME_TEXT];
            mrq_time_text(since);
            lock->fd = fd;
            if (ftruncate(fd, 0) == 0) /* the text may fail to be written: prune must work on a full disk */
                dprintf(fd, "%s %ld %s\n", command, (long)getpid(), since);
            return MRQ_OK;
        }
        close(fd); /* its owner has just removed the file: try again */
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
