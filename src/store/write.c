/* Writing a generation, so that a reader sees all of it or nothing, whatever happens when.
 *
 * Order: lock; a temporary folder; each file synced; the manifest last; the folder renamed to its name and generations/ synced; the
 * result opened as a reader opens it; the link `current` replaced by rename(); the store's folder synced. A crash anywhere leaves
 * `current` as it was, and at most a temporary folder, or a whole generation that is not current. A failure removes either.
 * Only if the very last sync fails is the new generation already current when the error is reported.
 *
 * The lock is flock() on STORE/lock, which holds the owner's process number: the kernel lets go of it when the process dies, so
 * there are no stale locks to judge. The owner removes the file before it lets go; therefore who gets the lock looks whether it is
 * still the file that stands there. Under the lock every temporary folder is a dead export's.
 *
 * Rejected: locking the folder itself, which needs no extra file but does not work on NFS, and cannot say who holds it. */
#include "store/write.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/parse.h"
#include "store/manifest.h"

#define TEMPORARY ".tmp-"
#define MODE      0755

struct mrq_draft {
    char store[MRQ_STORE_PATH], generations[MRQ_STORE_PATH], lock[MRQ_STORE_PATH];
    char folder[MRQ_STORE_PATH]; /* the temporary one, then the one with the final name; "" when there is none */
    bool made_store, made_generations;
    int lock_fd; /* -1: not locked */
};

/* Removes a folder of plain files. What cannot be removed stays for the next export. */
static void remove_folder(const char *path)
{
    DIR *stream = opendir(path);
    if (!stream)
        return;
    for (const struct dirent *entry; (entry = readdir(stream));)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            unlinkat(dirfd(stream), entry->d_name, 0);
    closedir(stream);
    rmdir(path);
}

static void sweep(const mrq_draft *draft)
{
    DIR *stream = opendir(draft->generations);
    if (!stream)
        return;
    for (const struct dirent *entry; (entry = readdir(stream));) {
        char path[MRQ_STORE_PATH];
        if (strncmp(entry->d_name, TEMPORARY, sizeof TEMPORARY - 1) == 0 &&
            mrq_path_join(path, sizeof path, draft->generations, entry->d_name, NULL) == MRQ_OK)
            remove_folder(path);
    }
    closedir(stream);
}

/* Makes a folder unless it is there; `*made` tells. */
static mrq_status make_folder(const char *path, bool *made, mrq_error *err)
{
    *made = mkdir(path, MODE) == 0;
    return *made || errno == EEXIST ? MRQ_OK : mrq_fail_errno(err, "cannot make folder %s", path);
}

static mrq_status busy(const mrq_draft *draft, int fd, mrq_error *err)
{
    char text[24];
    int64_t pid;
    const ssize_t size = pread(fd, text, sizeof text, 0);
    if (size <= 0 || !mrq_parse_int(text, (size_t)size, 1, INT32_MAX, &pid))
        return mrq_fail(err, MRQ_FAILED, "%s is locked: another export is running", draft->store);
    return mrq_fail(err, MRQ_FAILED, "%s is locked: the export of process %lld is running", draft->store, (long long)pid);
}

static mrq_status lock_store(mrq_draft *draft, mrq_error *err)
{
    for (;;) {
        const int fd = open(draft->lock, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
        if (fd < 0)
            return mrq_fail_errno(err, "cannot open %s", draft->lock);
        if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
            const mrq_status status =
                errno == EWOULDBLOCK ? busy(draft, fd, err) : mrq_fail_errno(err, "cannot lock %s", draft->lock);
            close(fd);
            return status;
        }
        struct stat held, there;
        if (fstat(fd, &held) == 0 && stat(draft->lock, &there) == 0 && held.st_ino == there.st_ino) {
            draft->lock_fd = fd;
            if (ftruncate(fd, 0) != 0 || dprintf(fd, "%ld", (long)getpid()) < 0)
                return mrq_fail_errno(err, "cannot write %s", draft->lock);
            return MRQ_OK;
        }
        close(fd); /* its owner has just removed it */
    }
}

mrq_status mrq_draft_open(const char *store, mrq_draft **out, mrq_error *err)
{
    MRQ_CLEANUP(mrq_draft_discard) mrq_draft *draft = calloc(1, sizeof *draft);
    if (!draft)
        return mrq_fail_memory(err, "opening a store");
    draft->lock_fd = -1;
    char temporary[40], parent[MRQ_STORE_PATH];
    snprintf(temporary, sizeof temporary, TEMPORARY "%ld", (long)getpid());
    MRQ_TRY(mrq_path_join(draft->store, sizeof draft->store, store, "", err));
    MRQ_TRY(mrq_path_join(parent, sizeof parent, store, "..", err));
    MRQ_TRY(mrq_path_join(draft->lock, sizeof draft->lock, store, "lock", err));
    MRQ_TRY(mrq_path_join(draft->generations, sizeof draft->generations, store, MRQ_GENERATIONS, err));
    draft->store[strlen(store)] = '\0'; /* without the slash */
    MRQ_TRY(make_folder(draft->store, &draft->made_store, err));
    if (draft->made_store)
        MRQ_TRY(mrq_folder_sync(parent, err));
    MRQ_TRY(lock_store(draft, err));
    MRQ_TRY(make_folder(draft->generations, &draft->made_generations, err));
    sweep(draft);
    MRQ_TRY(mrq_path_join(draft->folder, sizeof draft->folder, draft->generations, temporary, err));
    if (mkdir(draft->folder, MODE) != 0)
        return mrq_fail_errno(err, "cannot make folder %s", draft->folder);
    *out = draft;
    draft = NULL;
    return MRQ_OK;
}

void mrq_draft_discard(mrq_draft *draft)
{
    if (!draft)
        return;
    if (draft->folder[0])
        remove_folder(draft->folder);
    if (draft->made_generations)
        rmdir(draft->generations); /* goes only if it is empty; so does the store */
    if (draft->lock_fd >= 0) {
        unlink(draft->lock);
        close(draft->lock_fd);
    }
    if (draft->made_store)
        rmdir(draft->store);
    free(draft);
}

static mrq_status sync_file(const char *path, mrq_error *err)
{
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return mrq_fail_errno(err, "cannot open %s", path);
    const mrq_status status = fsync(fd) == 0 ? MRQ_OK : mrq_fail_errno(err, "cannot sync %s", path);
    close(fd);
    return status;
}

/* A container with a table, with lists over the users, or with the users and the tower. */
static mrq_status write_container(mrq_part part, const mrq_generation_parts *parts, const char *path, mrq_error *err)
{
    static const char *const kinds[] = {
        [MRQ_PART_CATALOGUE] = MRQ_KIND_MOVIES, [MRQ_PART_USERS] = MRQ_KIND_USERS, [MRQ_PART_SEEN] = MRQ_KIND_SEEN};
    const mrq_table *users = mrq_model_users(parts->model);
    MRQ_CLEANUP(mrq_container_writer_free) mrq_container_writer *writer = mrq_container_writer_new(kinds[part], MRQ_PARTS_FORMAT);
    if (!writer)
        return mrq_fail_memory(err, "writing a generation");
    if (part == MRQ_PART_CATALOGUE) {
        mrq_table_save(mrq_model_movies(parts->model), writer, kinds[part]);
    } else if (part == MRQ_PART_SEEN) {
        mrq_lists_save(mrq_model_seen(parts->model), users->rows, writer, kinds[part]);
    } else {
        mrq_table_save(users, writer, kinds[part]);
        mrq_folded_save(parts->tower, users, writer);
    }
    return mrq_container_write(writer, path, err);
}

static mrq_status write_part(mrq_part part, const mrq_generation_parts *parts, const char *path, mrq_error *err)
{
    switch (part) {
    case MRQ_PART_INDEX:
        MRQ_TRY(mrq_index_save(parts->index, path, err));
        return sync_file(path, err);
    case MRQ_PART_MODEL:
        return mrq_model_save(parts->model, path, err); /* rather than a copy of a file that may have changed since */
    default:
        return write_container(part, parts, path, err);
    }
}

/* Writes every part and notes its size and digests. */
static mrq_status write_parts(const mrq_draft *draft, const mrq_generation_parts *parts, mrq_manifest *manifest, mrq_error *err)
{
    for (int i = 0; i < MRQ_PARTS; i++) {
        char path[MRQ_STORE_PATH];
        mrq_map map = {0};
        MRQ_TRY(mrq_path_join(path, sizeof path, draft->folder, mrq_part_names[i], err));
        MRQ_TRY(write_part((mrq_part)i, parts, path, err));
        MRQ_TRY(mrq_map_open(&map, path, err));
        mrq_sha256 sha;
        mrq_sha256_init(&sha);
        mrq_sha256_update(&sha, map.data, map.size);
        mrq_sha256_hex(&sha, manifest->part[i].sha256);
        manifest->part[i].checksum = mrq_checksum(map.data, map.size);
        manifest->part[i].size = (int64_t)map.size;
        mrq_map_close(&map);
    }
    return MRQ_OK;
}

/* Fills the temporary folder and gives it its name. */
static mrq_status write_generation(mrq_draft *draft, const mrq_generation_parts *parts, char name[MRQ_GENERATION_NAME],
                                   mrq_error *err)
{
    const mrq_description *description = mrq_model_description(parts->model);
    mrq_manifest manifest = {.movies = mrq_model_movies(parts->model)->rows,
                             .users = mrq_model_users(parts->model)->rows,
                             .dim = mrq_description_dim(description)};
    snprintf(manifest.model_name, sizeof manifest.model_name, "%s", description->name);
    snprintf(manifest.index_kind, sizeof manifest.index_kind, "%s", parts->index_kind);
    MRQ_TRY(write_parts(draft, parts, &manifest, err));

    struct timespec now;
    struct tm utc;
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &utc);
    const size_t n = strftime(manifest.created, sizeof manifest.created, "%Y-%m-%dT%H:%M:%S", &utc);
    snprintf(manifest.created + n, sizeof manifest.created - n, ".%06ldZ", now.tv_nsec / 1000); /* makes equal exports differ */
    MRQ_AUTOFREE char *text = mrq_manifest_text(&manifest, parts->model);
    if (!text)
        return mrq_fail_memory(err, "writing a manifest");
    char path[MRQ_STORE_PATH];
    MRQ_TRY(mrq_path_join(path, sizeof path, draft->folder, MRQ_MANIFEST, err));
    MRQ_TRY(mrq_file_write(path, text, strlen(text), err)); /* syncs the folder, too */

    mrq_generation_name(now.tv_sec, text, strlen(text), name);
    MRQ_TRY(mrq_path_join(path, sizeof path, draft->generations, name, err));
    if (rename(draft->folder, path) != 0) /* never onto another generation: that folder is not empty */
        return mrq_fail_errno(err, "cannot rename %s to %s", draft->folder, path);
    strcpy(draft->folder, path);
    return mrq_folder_sync(draft->generations, err);
}

static mrq_status make_current(const mrq_draft *draft, const char *name, mrq_error *err)
{
    char target[MRQ_GENERATION_NAME + 20], link[MRQ_STORE_PATH], current[MRQ_STORE_PATH];
    snprintf(target, sizeof target, MRQ_GENERATIONS "/%s", name);
    MRQ_TRY(mrq_path_join(link, sizeof link, draft->store, TEMPORARY MRQ_CURRENT, err));
    MRQ_TRY(mrq_path_join(current, sizeof current, draft->store, MRQ_CURRENT, err));
    unlink(link); /* a killed export's */
    if (symlink(target, link) != 0)
        return mrq_fail_errno(err, "cannot make link %s", link);
    if (rename(link, current) != 0) {
        const mrq_status status = mrq_fail_errno(err, "cannot rename %s to %s", link, current);
        unlink(link);
        return status;
    }
    return MRQ_OK;
}

mrq_status mrq_draft_publish(mrq_draft *draft, const mrq_generation_parts *parts, char name[MRQ_GENERATION_NAME], mrq_error *err)
{
    MRQ_CLEANUP(mrq_draft_discard) mrq_draft *owned = draft;
    MRQ_CLEANUP(mrq_generation_close) mrq_generation *opened = NULL;
    char made[MRQ_GENERATION_NAME];
    MRQ_TRY(write_generation(draft, parts, made, err));
    MRQ_TRY(mrq_generation_open_named(draft->store, made, &opened, err));
    MRQ_TRY(make_current(draft, made, err));
    owned->folder[0] = '\0'; /* published: no longer ours to remove */
    MRQ_TRY(mrq_folder_sync(draft->store, err));
    strcpy(name, made);
    return MRQ_OK;
}
