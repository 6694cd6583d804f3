/* The files that are looked at: those of a folder, or those that are named. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "guess/folder.h"

void mrq_folder_free(mrq_folder *f)
{
    for (uint32_t i = 0; f && i < f->n; i++)
        mrq_look_close(&f->look[i]);
    mrq_free(f);
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(a, b);
}

/* The folder's own files, by name; what begins with a dot, and a schema, is none. */
static mrq_status list_files(const char *path, mrq_folder *f, mrq_error *err)
{
    DIR *stream = opendir(path);
    if (!stream)
        return mrq_fail_errno(err, "cannot open %s", path);
    mrq_status status = MRQ_OK;
    for (const struct dirent *entry; status == MRQ_OK && (entry = readdir(stream));) {
        char inside[4096];
        struct stat st;
        const bool ours = strcmp(entry->d_name, "schema.json") == 0;
        if (*entry->d_name == '.' || ours || mrq_path_join(inside, sizeof inside, path, entry->d_name, NULL) != MRQ_OK ||
            stat(inside, &st) != 0)
            continue;
        if (S_ISDIR(st.st_mode)) {
            f->folders++;
            snprintf(f->inside, sizeof f->inside, "%s", entry->d_name);
        } else if (S_ISREG(st.st_mode) && f->n == MRQ_FOLDER_FILES) {
            status = mrq_fail(err, MRQ_BAD_FILE, "%s: more than %d files; want a folder with those of one data set", path,
                              MRQ_FOLDER_FILES);
        } else if (S_ISREG(st.st_mode)) {
            snprintf(f->file[f->n++], sizeof *f->file, "%s", entry->d_name);
        }
    }
    closedir(stream);
    qsort(f->file, f->n, sizeof *f->file, compare_names);
    return status;
}

/* The files that are named. */
static mrq_status take_files(const char *path, const char *const *files, uint32_t n, mrq_folder *f, mrq_error *err)
{
    if (n > MRQ_FOLDER_FILES)
        return mrq_fail(err, MRQ_USAGE, "%u files, want at most %d", n, MRQ_FOLDER_FILES);
    for (uint32_t i = 0; i < n; i++) {
        char inside[4096];
        struct stat st;
        MRQ_TRY(mrq_path_join(inside, sizeof inside, path, files[i], err));
        if (stat(inside, &st) != 0)
            return mrq_fail_errno(err, "cannot open %s", inside);
        if (!S_ISREG(st.st_mode))
            return mrq_fail(err, MRQ_USAGE, "%.200s is no file; want files of one folder, or one folder", inside);
        snprintf(f->file[f->n++], sizeof *f->file, "%s", files[i]);
    }
    qsort(f->file, f->n, sizeof *f->file, compare_names);
    for (uint32_t i = 1; i < f->n; i++)
        if (strcmp(f->file[i], f->file[i - 1]) == 0)
            return mrq_fail(err, MRQ_USAGE, "%.200s is given twice", f->file[i]);
    return MRQ_OK;
}

mrq_status mrq_folder_look(const char *path, const char *const *files, uint32_t n, mrq_folder *f, mrq_error *err)
{
    MRQ_TRY(n ? take_files(path, files, n, f, err) : list_files(path, f, err));
    if (!f->n && f->folders)
        return mrq_fail(err, MRQ_NOT_FOUND, "%.200s: no files, only folders, such as %.200s", path, f->inside);
    if (!f->n)
        return mrq_fail(err, MRQ_NOT_FOUND, "%.200s: no files", path);
    for (uint32_t i = 0; i < f->n; i++)
        MRQ_TRY(mrq_look_open(&f->look[i], path, f->file[i], err));
    return MRQ_OK;
}
