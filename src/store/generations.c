/* Lists, rolls back and prunes the generations of a store.
 *
 * No generation's files are changed. Rollback only replaces the link, after verifying all files of the target. Prune first renames
 * all old generations to hidden names, then syncs, and then removes them. So even after a crash no folder with a generation's name
 * lacks files. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "store/manifest.h"
#include "store/publication.h"

/* The name of the current generation, or "" if there is none or the link is damaged. */
static mrq_status find_current(const char *store, char name[MRQ_GENERATION_NAME], mrq_error *err)
{
    *name = '\0';
    const mrq_status status = mrq_store_current(store, name, err);
    return status == MRQ_NOT_FOUND || status == MRQ_BAD_FILE ? MRQ_OK : status;
}

/* Bytes of the files in a folder. MRQ_NOT_FOUND if the folder does not exist. */
static mrq_status folder_bytes(const char *path, int64_t *bytes, mrq_error *err)
{
    DIR *stream = opendir(path);
    if (!stream)
        return mrq_fail_errno(err, "cannot read %s", path);
    struct stat st;
    mrq_status status = MRQ_OK;
    *bytes = 0;
    for (const struct dirent *entry; status == MRQ_OK && (errno = 0, entry = readdir(stream));)
        if (fstatat(dirfd(stream), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0)
            *bytes += S_ISREG(st.st_mode) ? st.st_size : 0;
        else if (errno != ENOENT) /* ENOENT: it was just pruned */
            status = mrq_fail_errno(err, "cannot read %s/%s", path, entry->d_name);
    if (status == MRQ_OK && errno)
        status = mrq_fail_errno(err, "cannot read %s", path);
    closedir(stream);
    return status;
}

/* Stores a message without the path of the generation's folder, because the list shows the generation's name. */
static void set_problem(mrq_generation_info *info, const char *folder, const char *message)
{
    const size_t prefix = strlen(folder);
    const bool inside = strncmp(message, folder, prefix) == 0 && message[prefix] == '/';
    snprintf(info->problem, sizeof info->problem, "%.*s", (int)sizeof info->problem - 1, inside ? message + prefix + 1 : message);
}

/* Describes one generation, verifying all its files or only the manifest; false if the generation has just been pruned. */
static bool describe(const char *store, const char *name, const char *current, bool files, mrq_generation_info *info)
{
    char folder[MRQ_STORE_PATH];
    mrq_error problem = {0};
    mrq_manifest manifest;
    *info = (mrq_generation_info){.current = strcmp(name, current) == 0,
                                  .created = mrq_generation_time(name),
                                  .recall = NAN,
                                  .p50 = NAN,
                                  .p99 = NAN,
                                  .quality = mrq_quality_of(&(mrq_model_results){.test_rmse = NAN})};
    strcpy(info->name, name);
    if (mrq_generation_path(store, name, folder, NULL) != MRQ_OK)
        return false;
    info->state = folder_bytes(folder, &info->bytes, &problem);
    if (info->state == MRQ_NOT_FOUND)
        return false;
    if (info->state == MRQ_OK)
        info->state = mrq_manifest_read(folder, name, &manifest, NULL, &problem);
    if (info->state == MRQ_OK) {
        info->created = manifest.created_us / 1000000;
        info->items = manifest.items;
        info->users = manifest.users;
        strcpy(info->model, manifest.model_name);
        strcpy(info->index, manifest.index.settings.factory);
        info->recall = manifest.index.recall;
        info->p50 = manifest.index.p50;
        info->p99 = manifest.index.p99;
        info->quality = manifest.quality;
    }
    if (info->state == MRQ_OK && files)
        info->state = mrq_generation_check(store, name, &problem);
    if (info->state != MRQ_OK)
        set_problem(info, folder, problem.msg);
    return info->state == MRQ_OK || mrq_file_exists(folder);
}

static mrq_status list_all(const char *store, bool files, mrq_generation_info **out, uint32_t *n, mrq_error *err)
{
    uint32_t n_names = 0, count = 0;
    char current[MRQ_GENERATION_NAME] = "";
    MRQ_AUTOFREE mrq_name *names = NULL;
    MRQ_TRY(mrq_store_names(store, &names, &n_names, err));
    MRQ_TRY(find_current(store, current, err));
    mrq_generation_info *list = mrq_array(n_names, sizeof *list);
    if (!list)
        return mrq_fail_memory(err, "listing a store");
    for (uint32_t i = 0; i < n_names; i++)
        count += describe(store, names[i].text, current, files, &list[count]);
    *out = list;
    *n = count;
    return MRQ_OK;
}

mrq_status mrq_store_list(const char *store, mrq_generation_info **out, uint32_t *n, mrq_error *err)
{
    return list_all(store, true, out, n, err);
}

mrq_status mrq_store_list_plain(const char *store, mrq_generation_info **out, uint32_t *n, mrq_error *err)
{
    return list_all(store, false, out, n, err);
}

/* The generation to make current: `to`, verified, or the newest intact one that is older than the current. */
static mrq_status find_target(const char *store, const char *to, char name[MRQ_GENERATION_NAME], mrq_error *err)
{
    char current[MRQ_GENERATION_NAME] = "", path[MRQ_STORE_PATH];
    if (to) {
        if (!mrq_generation_named(to))
            return mrq_fail(err, MRQ_USAGE,
                            "\"%.60s\" is not the name of a generation, want TIME-DIGITS as `marquee info` lists them", to);
        MRQ_TRY(mrq_generation_path(store, to, path, err));
        if (!mrq_file_exists(path))
            return mrq_fail(err, MRQ_NOT_FOUND, "%s has no generation %s", store, to);
        MRQ_TRY(mrq_generation_check(store, to, err));
        strcpy(name, to);
        return MRQ_OK;
    }
    MRQ_TRY(find_current(store, current, err));
    MRQ_TRY(mrq_generation_path(store, current, path, err));
    if (!mrq_file_exists(path))
        *current = '\0'; /* the link is missing or dangling: take the newest intact one */
    return mrq_store_fallback(store, current, mrq_generation_check, name, err);
}

mrq_status mrq_store_rollback(const char *store, const char *to, char name[MRQ_GENERATION_NAME], mrq_error *err)
{
    uint32_t n;
    MRQ_AUTOFREE mrq_name *names = NULL;
    MRQ_TRY(mrq_store_names(store, &names, &n, err)); /* first, so that no lock file is made in a folder that is not a store */
    __attribute__((cleanup(mrq_lock_release))) mrq_lock lock;
    char found[MRQ_GENERATION_NAME];
    MRQ_TRY(mrq_lock_take(store, "rollback", &lock, err));
    MRQ_TRY(mrq_store_check_link(store, err));
    mrq_store_sweep(store, "");
    MRQ_TRY(find_target(store, to, found, err));
    MRQ_TRY(mrq_store_point(store, found, err));
    strcpy(name, found);
    return MRQ_OK;
}

/* The caller holds the lock. The temporary folder `spared` is kept as well. */
static mrq_status prune(const char *store, const char *spared, uint32_t keep, uint32_t *removed, mrq_error *err)
{
    char current[MRQ_GENERATION_NAME], generations[MRQ_STORE_PATH];
    uint32_t n, count = 0;
    MRQ_AUTOFREE mrq_name *names = NULL;
    MRQ_TRY(mrq_store_current(store, current, err));
    MRQ_TRY(mrq_store_names(store, &names, &n, err));
    for (uint32_t i = keep; i < n; i++)
        if (strcmp(names[i].text, current) != 0) {
            MRQ_TRY(mrq_store_hide(store, names[i].text, err));
            count++;
        }
    MRQ_TRY(mrq_path_join(generations, sizeof generations, store, MRQ_GENERATIONS, err));
    MRQ_TRY(mrq_folder_sync(generations, err));
    mrq_store_sweep(store, spared);
    *removed = count;
    return MRQ_OK;
}

mrq_status mrq_store_prune(const char *store, uint32_t keep, uint32_t *removed, mrq_error *err)
{
    char current[MRQ_GENERATION_NAME];
    MRQ_TRY(mrq_store_current(store, current, err)); /* first, so that no lock file is made in a folder that is not a store */
    __attribute__((cleanup(mrq_lock_release))) mrq_lock lock;
    MRQ_TRY(mrq_lock_take(store, "prune", &lock, err));
    MRQ_TRY(mrq_store_current(store, current, err));
    mrq_error problem = {0};
    const mrq_status status = mrq_generation_check(store, current, &problem);
    if (status != MRQ_OK) /* an old generation may be needed for a rollback */
        return mrq_fail(err, status, "nothing is removed, because the current generation cannot be verified: %.180s", problem.msg);
    return prune(store, "", keep, removed, err);
}

mrq_status mrq_publication_prune(mrq_publication *publication, uint32_t keep, uint32_t *removed, mrq_error *err)
{
    return prune(publication->store, publication->folder, keep, removed, err);
}
