/* Publications, and the only code that changes what readers of a store see. `current` is replaced by rename(), and a generation is
 * renamed to a temporary name before it is removed, so that neither is ever seen incomplete. When a process gets the lock, all
 * temporary names in the store are left from dead processes, and it removes them. */
#include "store/publication.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"

#define MODE 0755

/* Removes a file, a link, or a folder of files. */
static void remove_all(const char *path)
{
    if (unlink(path) == 0)
        return; /* this also removes a link to a folder, which opendir() would follow */
    DIR *stream = opendir(path);
    if (!stream)
        return;
    for (const struct dirent *entry; (entry = readdir(stream));)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            unlinkat(dirfd(stream), entry->d_name, 0);
    closedir(stream);
    rmdir(path);
}

static void sweep(const char *path)
{
    remove_all(path);
    if (mrq_file_exists(path))
        mrq_log(MRQ_LOG_WARN, "store", "%s is left over and cannot be removed; remove it by hand", path);
}

/* Removes temporary names in `generations`, and in the store's folder only the temporary link: other files there may belong to the
 * user. */
void mrq_store_sweep(const char *store, const char *spared)
{
    char path[MRQ_STORE_PATH], generations[MRQ_STORE_PATH];
    struct stat st;
    if (mrq_path_join(path, sizeof path, store, MRQ_TEMPORARY MRQ_CURRENT, NULL) == MRQ_OK && lstat(path, &st) == 0)
        sweep(path);
    DIR *stream =
        mrq_path_join(generations, sizeof generations, store, MRQ_GENERATIONS, NULL) == MRQ_OK ? opendir(generations) : NULL;
    if (!stream)
        return;
    for (const struct dirent *entry; (entry = readdir(stream));)
        if (strncmp(entry->d_name, MRQ_TEMPORARY, sizeof MRQ_TEMPORARY - 1) == 0 &&
            mrq_path_join(path, sizeof path, generations, entry->d_name, NULL) == MRQ_OK && strcmp(path, spared) != 0)
            sweep(path);
    closedir(stream);
}

mrq_status mrq_store_hide(const char *store, const char *name, mrq_error *err)
{
    char from[MRQ_STORE_PATH], to[MRQ_STORE_PATH], hidden[MRQ_GENERATION_NAME + sizeof MRQ_TEMPORARY];
    snprintf(hidden, sizeof hidden, MRQ_TEMPORARY "%s", name);
    MRQ_TRY(mrq_generation_path(store, name, from, err));
    MRQ_TRY(mrq_generation_path(store, hidden, to, err));
    return rename(from, to) == 0 ? MRQ_OK : mrq_fail_errno(err, "cannot rename %s to %s", from, to);
}

mrq_status mrq_store_point(const char *store, const char *name, mrq_error *err)
{
    char target[MRQ_GENERATION_NAME + 20], link[MRQ_STORE_PATH], current[MRQ_STORE_PATH];
    snprintf(target, sizeof target, MRQ_GENERATIONS "/%s", name);
    MRQ_TRY(mrq_path_join(link, sizeof link, store, MRQ_TEMPORARY MRQ_CURRENT, err));
    MRQ_TRY(mrq_path_join(current, sizeof current, store, MRQ_CURRENT, err));
    if (symlink(target, link) != 0)
        return mrq_fail_errno(err, "cannot make link %s", link);
    if (rename(link, current) != 0) {
        const mrq_status status = mrq_fail_errno(err, "cannot rename %s to %s", link, current);
        unlink(link);
        return status;
    }
    return mrq_folder_sync(store, err);
}

/* Makes a folder unless it exists; `*made` is whether it was made. */
static mrq_status make_folder(const char *path, bool *made, mrq_error *err)
{
    *made = mkdir(path, MODE) == 0;
    return *made || errno == EEXIST ? MRQ_OK : mrq_fail_errno(err, "cannot make folder %s", path);
}

mrq_status mrq_publication_open(const char *store, const char *command, mrq_publication **out, mrq_error *err)
{
    MRQ_CLEANUP(mrq_publication_discard) mrq_publication *publication = calloc(1, sizeof *publication);
    if (!publication)
        return mrq_fail_memory(err, "opening a store");
    publication->lock.fd = -1;
    char temporary[40], folder[MRQ_STORE_PATH];
    snprintf(temporary, sizeof temporary, MRQ_TEMPORARY "%ld", (long)getpid());
    const int n = snprintf(publication->store, sizeof publication->store, "%s", store);
    if ((size_t)n >= sizeof publication->store)
        return mrq_fail(err, MRQ_FAILED, "the path %.60s... is too long", store);
    MRQ_TRY(mrq_path_join(publication->generations, sizeof publication->generations, store, MRQ_GENERATIONS, err));
    MRQ_TRY(mrq_path_join(folder, sizeof folder, publication->generations, temporary, err));
    MRQ_TRY(make_folder(store, &publication->made_store, err));
    if (publication->made_store) {
        char parent[MRQ_STORE_PATH];
        MRQ_TRY(mrq_path_join(parent, sizeof parent, store, "..", err));
        MRQ_TRY(mrq_folder_sync(parent, err));
    }
    MRQ_TRY(mrq_lock_take(store, command, &publication->lock, err));
    MRQ_TRY(mrq_store_check_link(store, err));
    MRQ_TRY(make_folder(publication->generations, &publication->made_generations, err));
    mrq_store_sweep(store, "");
    if (mkdir(folder, MODE) != 0)
        return mrq_fail_errno(err, "cannot make folder %s", folder);
    strcpy(publication->folder, folder);
    *out = publication;
    publication = NULL;
    return MRQ_OK;
}

const mrq_generation *mrq_publication_generation(const mrq_publication *publication)
{
    return publication->generation;
}

mrq_status mrq_publication_publish(mrq_publication *publication, mrq_error *err)
{
    assert(publication->generation && !publication->named);
    const char *name = publication->generation->name;
    char path[MRQ_STORE_PATH];
    MRQ_TRY(mrq_generation_path(publication->store, name, path, err));
    if (rename(publication->folder, path) != 0) /* cannot replace another generation, whose folder is not empty */
        return mrq_fail_errno(err, "cannot rename %s to %s", publication->folder, path);
    publication->named = true;
    MRQ_TRY(mrq_folder_sync(publication->generations, err));
    MRQ_TRY(mrq_store_point(publication->store, name, err));
    publication->published = true;
    return MRQ_OK;
}

bool mrq_publication_is_current(const mrq_publication *publication)
{
    char current[MRQ_GENERATION_NAME] = "";
    if (publication->published || !publication->named)
        return publication->published;
    return mrq_store_current(publication->store, current, NULL) == MRQ_FAILED ||
           strcmp(current, publication->generation->name) == 0;
}

void mrq_publication_discard(mrq_publication *publication)
{
    if (!publication)
        return;
    if (publication->named && !mrq_publication_is_current(publication) &&
        mrq_store_hide(publication->store, publication->generation->name, NULL) == MRQ_OK &&
        mrq_folder_sync(publication->generations, NULL) ==
            MRQ_OK) /* without the sync, a crash could bring back its name without its files */
        mrq_store_sweep(publication->store, "");
    else if (publication->folder[0] && !publication->named)
        remove_all(publication->folder);
    mrq_generation_close(publication->generation);
    if (publication->made_generations)
        rmdir(publication->generations); /* succeeds only if it is empty, like rmdir() of the store */
    mrq_lock_release(&publication->lock);
    if (publication->made_store)
        rmdir(publication->store);
    free(publication);
}
