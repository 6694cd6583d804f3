/* Brackets and backslashes stand for themselves, since they are in the names of many files: so glob() is not for us. */
#include "dataset/files.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>

bool mrq_files_several(const char *name)
{
    return strpbrk(name, "*?") != NULL;
}

/* After a mismatch the last * takes one more character. */
static bool fits(const char *pattern, const char *name)
{
    const char *star = NULL, *tried = NULL;
    if (*name == '.' && *pattern != '.')
        return false;
    while (*name) {
        if (*pattern == '*') {
            star = pattern++;
            tried = name;
        } else if (*pattern == '?' || *pattern == *name) {
            pattern++;
            name++;
        } else if (star) {
            pattern = star + 1;
            name = ++tried;
        } else {
            return false;
        }
    }
    return pattern[strspn(pattern, "*")] == '\0';
}

static mrq_status collect(const char *folder, const char *pattern, mrq_dict *names, mrq_error *err)
{
    DIR *stream = opendir(folder);
    if (!stream)
        return mrq_fail_errno(err, "cannot open %s", folder);
    mrq_status status = MRQ_OK;
    for (const struct dirent *entry; status == MRQ_OK && (errno = 0, entry = readdir(stream));) {
        if (!fits(pattern, entry->d_name))
            continue;
        if (mrq_dict_strings(names).n == MRQ_FILES_MAX)
            status = mrq_fail(err, MRQ_BAD_FILE, "%s: more than %d files fit, want one file instead of many small ones", pattern,
                              MRQ_FILES_MAX);
        else if (mrq_dict_push(names, entry->d_name, strlen(entry->d_name)) == MRQ_NONE)
            status = mrq_fail_memory(err, "looking for files");
    }
    if (status == MRQ_OK && errno)
        status = mrq_fail_errno(err, "cannot read %s", folder);
    closedir(stream);
    return status;
}

mrq_status mrq_files_find(const char *folder, const char *name, mrq_dict **out, mrq_error *err)
{
    MRQ_CLEANUP(mrq_dict_free) mrq_dict *names = mrq_dict_new();
    if (!names)
        return mrq_fail_memory(err, "looking for files");
    if (!mrq_files_several(name)) {
        if (mrq_dict_push(names, name, strlen(name)) == MRQ_NONE)
            return mrq_fail_memory(err, "looking for files");
    } else {
        MRQ_TRY(collect(folder, name, names, err));
    }
    const uint32_t n = mrq_dict_strings(names).n;
    if (!n)
        return mrq_fail(err, MRQ_NOT_FOUND, "%s: no file of the folder %s fits", name, folder);
    MRQ_AUTOFREE uint32_t *rank = mrq_array(n, sizeof *rank);
    if (!rank || mrq_dict_sort(names, mrq_compare_bytes, rank))
        return mrq_fail_memory(err, "looking for files");
    *out = names;
    names = NULL;
    return MRQ_OK;
}
