/* The life of a draft, and the only places that change what a store shows: `current` is replaced by rename(), and a generation
 * that is to go is first renamed to a temporary name, so that neither is ever half there. Under the lock everything with a
 * temporary name is a dead process's, and the next one sweeps it out. */
#include "store/draft.h"

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
        return; /* also a link to a folder, which opendir() would follow */
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
        mrq_log(MRQ_LOG_WARN, "store", "%s is left over and cannot be removed: want it gone by hand", path);
}

/* Beside `generations`, which is ours alone, only the link: what else stands in the store's folder may be somebody's. */
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

/* Makes a folder unless it is there; `*made` tells. */
static mrq_status make_folder(const char *path, bool *made, mrq_error *err)
{
    *made = mkdir(path, MODE) == 0;
    return *made || errno == EEXIST ? MRQ_OK : mrq_fail_errno(err, "cannot make folder %s", path);
}

/* Syncs the folder that a new store stands in. */
static mrq_status sync_parent(const char *store, mrq_error *err)
{
    char parent[MRQ_STORE_PATH];
    MRQ_TRY(mrq_path_join(parent, sizeof parent, store, "..", err));
    return mrq_folder_sync(parent, err);
}

mrq_status mrq_draft_open(const char *store, const char *who, mrq_draft **out, mrq_error *err)
{
    MRQ_CLEANUP(mrq_draft_discard) mrq_draft *draft = calloc(1, sizeof *draft);
    if (!draft)
        return mrq_fail_memory(err, "opening a store");
    draft->lock.fd = -1;
    char temporary[40], folder[MRQ_STORE_PATH];
    snprintf(temporary, sizeof temporary, MRQ_TEMPORARY "%ld", (long)getpid());
    const int n = snprintf(draft->store, sizeof draft->store, "%s", store);
    if (n < 0 || (size_t)n >= sizeof draft->store)
        return mrq_fail(err, MRQ_FAILED, "the path %.60s... is too long", store);
    MRQ_TRY(mrq_path_join(draft->generations, sizeof draft->generations, store, MRQ_GENERATIONS, err));
    MRQ_TRY(mrq_path_join(folder, sizeof folder, draft->generations, temporary, err));
    MRQ_TRY(make_folder(store, &draft->made_store, err));
    if (draft->made_store)
        MRQ_TRY(sync_parent(store, err));
    MRQ_TRY(mrq_lock_take(store, who, &draft->lock, err));
    MRQ_TRY(mrq_store_check_link(store, err));
    MRQ_TRY(make_folder(draft->generations, &draft->made_generations, err));
    mrq_store_sweep(store, "");
    if (mkdir(folder, MODE) != 0)
        return mrq_fail_errno(err, "cannot make folder %s", folder);
    strcpy(draft->folder, folder);
    *out = draft;
    draft = NULL;
    return MRQ_OK;
}

const mrq_generation *mrq_draft_generation(const mrq_draft *draft)
{
    return draft->generation;
}

mrq_status mrq_draft_publish(mrq_draft *draft, mrq_error *err)
{
    assert(draft->generation && !draft->named);
    const char *name = draft->generation->name;
    char path[MRQ_STORE_PATH];
    MRQ_TRY(mrq_generation_path(draft->store, name, path, err));
    if (rename(draft->folder, path) != 0) /* never onto another generation: that folder is not empty */
        return mrq_fail_errno(err, "cannot rename %s to %s", draft->folder, path);
    draft->named = true;
    MRQ_TRY(mrq_folder_sync(draft->generations, err));
    MRQ_TRY(mrq_store_point(draft->store, name, err));
    draft->published = true;
    return MRQ_OK;
}

bool mrq_draft_is_current(const mrq_draft *draft)
{
    char current[MRQ_GENERATION_NAME] = "";
    if (draft->published || !draft->named)
        return draft->published;
    return mrq_store_current(draft->store, current, NULL) == MRQ_FAILED || strcmp(current, draft->generation->name) == 0;
}

void mrq_draft_discard(mrq_draft *draft)
{
    if (!draft)
        return;
    if (draft->named && !mrq_draft_is_current(draft) && mrq_store_hide(draft->store, draft->generation->name, NULL) == MRQ_OK &&
        mrq_folder_sync(draft->generations, NULL) == MRQ_OK) /* or else after a crash its name may be back, and its files gone */
        mrq_store_sweep(draft->store, "");
    else if (draft->folder[0] && !draft->named)
        remove_all(draft->folder);
    mrq_generation_close(draft->generation);
    if (draft->made_generations)
        rmdir(draft->generations); /* only if it is empty, like the store */
    mrq_lock_release(&draft->lock);
    if (draft->made_store)
        rmdir(draft->store);
    free(draft);
}
