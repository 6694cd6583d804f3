/* Names and paths in a store.
 *
 * A generation's name is a UTC time and the first twelve digits of its manifest's SHA-256. Names sort in the order of the exports
 * (the writer ensures this, whatever the clock says), and a reader can verify the manifest by the name alone. Twelve digits detect
 * damage; they do not protect against an attacker who can write to the store.
 *
 * `current` is a link with a relative path, so that a store can be moved or mounted elsewhere. Its target must have the form of a
 * generation's path: a link that leads out of generations/ is refused before any file is opened. */
#include "store/layout.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/digest.h"

#define DIGITS    12
#define TIME_TEXT 17 /* "20260131T020000Z" and a NUL */

const char *const mrq_part_names[MRQ_PARTS + 1] = {"items.faiss", "catalogue.mrq", "users.mrq",   "seen.mrq",
                                                   "model.mrq",   "vectors.mrq",   "history.mrq", NULL};

mrq_status mrq_generation_path(const char *store, const char *name, char out[MRQ_STORE_PATH], mrq_error *err)
{
    char tail[MRQ_GENERATION_NAME + 40];
    snprintf(tail, sizeof tail, MRQ_GENERATIONS "/%s", name);
    return mrq_path_join(out, MRQ_STORE_PATH, store, tail, err);
}

static void manifest_digits(const char *manifest, size_t size, char out[DIGITS + 1])
{
    mrq_sha256 sha;
    char hex[MRQ_SHA256_HEX];
    mrq_sha256_init(&sha);
    mrq_sha256_update(&sha, manifest, size);
    mrq_sha256_hex(&sha, hex);
    memcpy(out, hex, DIGITS);
    out[DIGITS] = '\0';
}

void mrq_generation_name(int64_t seconds, const char *manifest, size_t size, char name[MRQ_GENERATION_NAME])
{
    const time_t when = (time_t)seconds;
    struct tm utc;
    char text[TIME_TEXT] = "", digits[DIGITS + 1];
    gmtime_r(&when, &utc);
    strftime(text, sizeof text, "%Y%m%dT%H%M%SZ", &utc);
    manifest_digits(manifest, size, digits);
    snprintf(name, MRQ_GENERATION_NAME, "%s-%s", text, digits);
}

int64_t mrq_generation_time(const char *name)
{
    struct tm utc = {0};
    if (sscanf(name, "%4d%2d%2dT%2d%2d%2dZ", &utc.tm_year, &utc.tm_mon, &utc.tm_mday, &utc.tm_hour, &utc.tm_min, &utc.tm_sec) != 6)
        return 0;
    utc.tm_year -= 1900;
    utc.tm_mon--;
    return timegm(&utc);
}

bool mrq_generation_vouches(const char *name, const char *manifest, size_t size)
{
    char digits[DIGITS + 1];
    manifest_digits(manifest, size, digits);
    const char *dash = strchr(name, '-');
    return dash && strcmp(dash + 1, digits) == 0;
}

bool mrq_generation_named(const char *name)
{
    static const char shape[] = "00000000T000000Z-aaaaaaaaaaaa";
    if (strlen(name) != sizeof shape - 1)
        return false;
    for (size_t i = 0; shape[i]; i++) {
        const bool digit = name[i] >= '0' && name[i] <= '9', letter = name[i] >= 'a' && name[i] <= 'f';
        if (shape[i] == '0' ? !digit : shape[i] == 'a' ? !digit && !letter : name[i] != shape[i])
            return false;
    }
    return true;
}

static int newest_first(const void *a, const void *b)
{
    return strcmp(((const mrq_name *)b)->text, ((const mrq_name *)a)->text);
}

mrq_status mrq_store_names(const char *store, mrq_name **out, uint32_t *n, mrq_error *err)
{
    char path[MRQ_STORE_PATH];
    MRQ_TRY(mrq_path_join(path, sizeof path, store, MRQ_GENERATIONS, err));
    DIR *stream = opendir(path);
    if (!stream && (errno == ENOENT || errno == ENOTDIR))
        return mrq_fail(err, MRQ_NOT_FOUND, "%s is not a store: it has no folder " MRQ_GENERATIONS, store);
    if (!stream)
        return mrq_fail_errno(err, "cannot read %s", path);
    MRQ_AUTOFREE mrq_name *names = NULL;
    size_t capacity = 0;
    uint32_t count = 0;
    mrq_status status = MRQ_OK;
    for (const struct dirent *entry; status == MRQ_OK && (errno = 0, entry = readdir(stream));) {
        if (!mrq_generation_named(entry->d_name))
            continue;
        if (mrq_grow(&names, &capacity, count + 1, sizeof *names) == 0)
            strcpy(names[count++].text, entry->d_name); /* fits, because mrq_generation_named() checked it */
        else
            status = mrq_fail_memory(err, "listing a store");
    }
    if (status == MRQ_OK && errno)
        status = mrq_fail_errno(err, "cannot read %s", path);
    closedir(stream);
    MRQ_TRY(status);
    if (count)
        qsort(names, count, sizeof *names, newest_first);
    *out = names;
    *n = count;
    names = NULL;
    return MRQ_OK;
}

static mrq_status no_link(const char *path, mrq_error *err)
{
    return mrq_fail(err, MRQ_BAD_FILE,
                    "%s is not a symbolic link, perhaps because the store was copied with links followed; remove it", path);
}

mrq_status mrq_store_check_link(const char *store, mrq_error *err)
{
    char link[MRQ_STORE_PATH];
    struct stat st;
    MRQ_TRY(mrq_path_join(link, sizeof link, store, MRQ_CURRENT, err));
    return lstat(link, &st) == 0 && S_ISDIR(st.st_mode) ? no_link(link, err) : MRQ_OK;
}

mrq_status mrq_store_current(const char *store, char name[MRQ_GENERATION_NAME], mrq_error *err)
{
    static const char prefix[] = MRQ_GENERATIONS "/";
    char link[MRQ_STORE_PATH], target[128];
    MRQ_TRY(mrq_path_join(link, sizeof link, store, MRQ_CURRENT, err));
    const ssize_t size = readlink(link, target, sizeof target - 1);
    if (size < 0 && errno == ENOENT)
        return mrq_fail(err, MRQ_NOT_FOUND, "%s has no current generation: `marquee export` makes one", store);
    if (size < 0 && errno == EINVAL)
        return no_link(link, err);
    if (size < 0)
        return mrq_fail_errno(err, "cannot read %s", link);
    target[size] = '\0';
    if (strncmp(target, prefix, sizeof prefix - 1) != 0 || !mrq_generation_named(target + sizeof prefix - 1))
        return mrq_fail(err, MRQ_BAD_FILE, "%s points to \"%s\", want generations/TIME-DIGITS", link, target);
    strcpy(name, target + sizeof prefix - 1);
    return MRQ_OK;
}

mrq_status mrq_store_fallback(const char *store, const char *name,
                              mrq_status (*check)(const char *store, const char *name, mrq_error *err),
                              char found[MRQ_GENERATION_NAME], mrq_error *err)
{
    uint32_t n = 0;
    MRQ_AUTOFREE mrq_name *names = NULL;
    MRQ_TRY(mrq_store_names(store, &names, &n, err));
    for (uint32_t i = 0; i < n; i++) {
        if (*name && strcmp(names[i].text, name) >= 0)
            continue;
        const mrq_status status = check(store, names[i].text, err);
        if (status == MRQ_OK)
            strcpy(found, names[i].text);
        if (status != MRQ_BAD_FILE && status != MRQ_NOT_FOUND)
            return status;
    }
    return mrq_fail(err, MRQ_NOT_FOUND, "%s has no intact generation %s%s", store, *name ? "older than " : "to go back to", name);
}
