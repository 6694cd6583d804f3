/* Names and places in a store.
 *
 * A generation's name is its UTC time and the first twelve digits of its manifest's SHA-256. It sorts by time, tells two exports
 * within a second apart, and lets a reader verify the manifest with nothing but the name. Twelve digits find damage; they are no
 * seal against somebody who can write into the store.
 *
 * `current` is a link by relative path, so that a store can be moved or mounted elsewhere. Its target is taken apart and checked by
 * shape: a link that leads out of generations/ is refused before anything behind it is opened. */
#include "store/layout.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/digest.h"

#define DIGITS    12
#define TIME_TEXT 17 /* "20260131T020000Z" and a NUL */

const char *const mrq_part_names[MRQ_PARTS + 1] = {"movies.faiss", "catalogue.mrq", "users.mrq", "seen.mrq", "model.mrq", NULL};

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

bool mrq_generation_vouches(const char *name, const char *manifest, size_t size)
{
    char digits[DIGITS + 1];
    manifest_digits(manifest, size, digits);
    const char *dash = strchr(name, '-');
    return dash && strcmp(dash + 1, digits) == 0;
}

static bool well_formed(const char *name)
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

mrq_status mrq_store_current(const char *store, char name[MRQ_GENERATION_NAME], mrq_error *err)
{
    static const char prefix[] = MRQ_GENERATIONS "/";
    char link[MRQ_STORE_PATH], target[128];
    MRQ_TRY(mrq_path_join(link, sizeof link, store, MRQ_CURRENT, err));
    const ssize_t size = readlink(link, target, sizeof target - 1);
    if (size < 0 && errno == ENOENT)
        return mrq_fail(err, MRQ_NOT_FOUND, "%s has no current generation: `marquee export` makes one", store);
    if (size < 0 && errno == EINVAL)
        return mrq_fail(err, MRQ_BAD_FILE, "%s is not a symbolic link", link);
    if (size < 0)
        return mrq_fail_errno(err, "cannot read %s", link);
    target[size] = '\0';
    if (strncmp(target, prefix, sizeof prefix - 1) != 0 || !well_formed(target + sizeof prefix - 1))
        return mrq_fail(err, MRQ_BAD_FILE, "%s points to \"%s\", want generations/TIME-DIGITS", link, target);
    snprintf(name, MRQ_GENERATION_NAME, "%s", target + sizeof prefix - 1);
    return MRQ_OK;
}
