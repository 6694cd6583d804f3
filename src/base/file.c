/* Files. Only regular files are mapped, so that a pipe or a device cannot block a reader. An output is written under a temporary
 * name in the same folder, because rename() is atomic only within a file system. The leftovers of a killed process are removed by
 * the next process that writes the same file. A lock shows which temporary files are still in use; process numbers would not work
 * across containers. */
#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH_BYTES 4096
#define TEMPORARY  ".tmp-" /* a temporary name is the file's name, this, and the process number */

mrq_status mrq_map_open(mrq_map *map, const char *path, mrq_error *err)
{
    static const unsigned char nothing[1];
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return mrq_fail_errno(err, "cannot open %s", path);
    struct stat st;
    mrq_status status = MRQ_OK;
    if (fstat(fd, &st) != 0) {
        status = mrq_fail_errno(err, "cannot read %s", path);
    } else if (!S_ISREG(st.st_mode)) {
        status = mrq_fail(err, MRQ_BAD_FILE, "%s is not a regular file", path);
    } else if (st.st_size == 0) {
        *map = (mrq_map){nothing, 0};
    } else {
        void *data = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (data == MAP_FAILED)
            status = mrq_fail_errno(err, "cannot map %s", path);
        else
            *map = (mrq_map){data, (size_t)st.st_size};
    }
    close(fd);
    return status;
}

void mrq_map_close(mrq_map *map)
{
    if (map->size)
        munmap((void *)(uintptr_t)map->data, map->size);
    *map = (mrq_map){0};
}

void mrq_map_forget(const mrq_map *map, size_t from, size_t to)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE), first = from / page * page, end = to / page * page;
    if (end > first)
        (void)madvise((unsigned char *)(uintptr_t)map->data + first, end - first, MADV_DONTNEED);
}

struct mrq_output {
    FILE *stream;
    char path[PATH_BYTES], temporary[PATH_BYTES];
};

static mrq_status refuse_place(const char *path, mode_t mode, mrq_error *err)
{
    return mrq_fail(err, MRQ_FAILED, "cannot write %s: it is %s", path,
                    S_ISLNK(mode) ? "a symbolic link, which is not followed" : "not a regular file");
}

/* Finds the folder and name of an output. Only a regular file is ever replaced, never /dev/null. A symbolic link is not followed:
 * its creator could make us overwrite a file that only we may write. A link created later is replaced by rename(), which does not
 * follow it. */
static mrq_status find_place(const char *path, mrq_output *output, mrq_error *err)
{
    struct stat st;
    if (lstat(path, &st) == 0 && !S_ISREG(st.st_mode))
        return refuse_place(path, st.st_mode, err);
    const int n = snprintf(output->path, sizeof output->path, "%s", path);
    const int m = snprintf(output->temporary, sizeof output->temporary, "%s" TEMPORARY "%ld", output->path, (long)getpid());
    if ((size_t)n >= sizeof output->path || (size_t)m >= sizeof output->temporary)
        return mrq_fail(err, MRQ_FAILED, "the path %.60s... is too long", path);
    return MRQ_OK;
}

/* Splits a path: copies the folder, returns the name. */
static const char *split(const char *path, char folder[PATH_BYTES])
{
    const char *slash = strrchr(path, '/');
    snprintf(folder, PATH_BYTES, "%.*s", slash ? (int)(slash - path) + (slash == path) : 1, slash ? path : ".");
    return slash ? slash + 1 : path;
}

/* Removes temporary files of killed processes for this path, that is, those that are not locked. */
static void sweep(const char *path)
{
    char folder[PATH_BYTES];
    const char *name = split(path, folder);
    const size_t size = strlen(name);
    DIR *stream = opendir(folder);
    for (const struct dirent *entry; stream && (entry = readdir(stream));) {
        const char *tail = entry->d_name + size, *number = tail + sizeof TEMPORARY - 1;
        if (strncmp(entry->d_name, name, size) != 0 || strncmp(tail, TEMPORARY, sizeof TEMPORARY - 1) != 0 || !*number ||
            number[strspn(number, "0123456789")])
            continue;
        const int fd = openat(dirfd(stream), entry->d_name, O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
        if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0)
            unlinkat(dirfd(stream), entry->d_name, 0);
        if (fd >= 0)
            close(fd);
    }
    if (stream)
        closedir(stream);
}

/* Uses open() instead of mkstemp(), so that the umask applies. Returns -1 with errno. */
static int open_temporary(const char *path)
{
    for (;;) {
        struct stat st;
        const int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
        if (fd < 0)
            return -1;
        (void)flock(fd, LOCK_EX); /* on a file system without locks, no temporary file is removed */
        if (fstat(fd, &st) != 0 || st.st_nlink)
            return fd;
        close(fd); /* another process removed it before we locked it */
    }
}

static mrq_status open_stream(mrq_output *output, mrq_error *err)
{
    sweep(output->path);
    const int fd = open_temporary(output->temporary);
    if (fd >= 0 && (output->stream = fdopen(fd, "wb")))
        return MRQ_OK;
    const mrq_status status = mrq_fail_errno(err, "cannot write %s", output->path);
    if (fd >= 0) {
        close(fd);
        unlink(output->temporary);
    }
    return status;
}

mrq_status mrq_output_open(const char *path, mrq_output **out, mrq_error *err)
{
    mrq_output *output = calloc(1, sizeof *output);
    if (!output)
        return mrq_fail_memory(err, "opening a file to write");
    mrq_status status = find_place(path, output, err);
    if (status == MRQ_OK)
        status = open_stream(output, err);
    if (status != MRQ_OK)
        free(output);
    else
        *out = output;
    return status;
}

mrq_status mrq_output_write(mrq_output *out, const void *data, size_t size, mrq_error *err)
{
    if (size && fwrite(data, 1, size, out->stream) != size)
        return mrq_fail_errno(err, "cannot write %s", out->path);
    return MRQ_OK;
}

/* Returns 0, or -1 with errno. */
static int sync_folder(const char *path)
{
    const int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    const int failed = fsync(fd), code = errno;
    close(fd);
    errno = code;
    return failed;
}

mrq_status mrq_folder_sync(const char *path, mrq_error *err)
{
    return sync_folder(path) == 0 ? MRQ_OK : mrq_fail_errno(err, "cannot sync folder %s", path);
}

/* Syncs the folder of `path`. The folder may be ".", which says little, so messages name the file. */
static mrq_status sync_parent(const char *path, mrq_error *err)
{
    char folder[PATH_BYTES];
    split(path, folder);
    return sync_folder(folder) == 0 ? MRQ_OK : mrq_fail_errno(err, "cannot sync the folder of %s", path);
}

/* The stream, and with it the lock, is closed after renaming, so that no other process removes the temporary file before. */
mrq_status mrq_output_commit(mrq_output *out, mrq_error *err)
{
    mrq_status status = MRQ_OK;
    if (fflush(out->stream) != 0 || fsync(fileno(out->stream)) != 0)
        status = mrq_fail_errno(err, "cannot write %s", out->path);
    else if (rename(out->temporary, out->path) != 0)
        status = mrq_fail_errno(err, "cannot rename %s to %s", out->temporary, out->path);
    if (status != MRQ_OK)
        unlink(out->temporary);
    fclose(out->stream); /* cannot fail after the sync */
    if (status == MRQ_OK)
        status = sync_parent(out->path, err);
    free(out);
    return status;
}

void mrq_output_discard(mrq_output *out)
{
    if (!out)
        return;
    unlink(out->temporary); /* before closing, as the lock protects the name */
    fclose(out->stream);
    free(out);
}

mrq_status mrq_file_write(const char *path, const void *data, size_t size, mrq_error *err)
{
    MRQ_CLEANUP(mrq_output_discard) mrq_output *out = NULL;
    MRQ_TRY(mrq_output_open(path, &out, err));
    MRQ_TRY(mrq_output_write(out, data, size, err));
    mrq_output *full = out;
    out = NULL;
    return mrq_output_commit(full, err);
}

mrq_status mrq_file_open(const char *path, int flags, int *out, mrq_error *err)
{
    const int fd = open(path, flags | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
    if (fd < 0)
        return errno == ELOOP ? refuse_place(path, S_IFLNK, err) : mrq_fail_errno(err, "cannot write %s", path);
    *out = fd;
    return MRQ_OK;
}

void mrq_file_remove(const char *path)
{
    sweep(path);
    unlink(path);
}

bool mrq_file_exists(const char *path)
{
    return access(path, F_OK) == 0 || (errno != ENOENT && errno != ENOTDIR);
}

mrq_status mrq_path_join(char *out, size_t size, const char *folder, const char *name, mrq_error *err)
{
    const int n = snprintf(out, size, "%s/%s", folder, name);
    if ((size_t)n >= size)
        return mrq_fail(err, MRQ_FAILED, "the path %.60s.../%s is too long", folder, name);
    return MRQ_OK;
}
