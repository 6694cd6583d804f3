/* Files: memory maps of whole files for reading, and atomic writing. */
#ifndef MRQ_BASE_FILE_H
#define MRQ_BASE_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/memory.h"

/* A read-only map of a whole regular file. `data` is never NULL after a success, even for an empty file. */
typedef struct mrq_map {
    const unsigned char *data;
    size_t size;
} mrq_map;

/* MRQ_NOT_FOUND when the file does not exist; MRQ_BAD_FILE for a folder or a pipe; MRQ_FAILED for a system error. */
MRQ_CHECKED mrq_status mrq_map_open(mrq_map *map, const char *path, mrq_error *err);
void mrq_map_close(mrq_map *map); /* allowed on a zeroed map, and twice */

/* The bytes of `from` to `to` are not needed for now: they take no memory of this process until they are read again. */
void mrq_map_forget(const mrq_map *map, size_t from, size_t to);

/* A file written under a temporary name in the same folder. Nothing changes at `path` until mrq_output_commit() has synced the
 * file, renamed it and synced the folder; after mrq_output_discard() or a crash an older file is still there. Anything but a
 * regular file is refused, also a symbolic link to one. At most one output per path and process at a time. */
typedef struct mrq_output mrq_output;
MRQ_CHECKED mrq_status mrq_output_open(const char *path, mrq_output **out, mrq_error *err);
MRQ_CHECKED mrq_status mrq_output_write(mrq_output *out, const void *data, size_t size, mrq_error *err);
MRQ_CHECKED mrq_status mrq_output_commit(mrq_output *out, mrq_error *err); /* frees `out` in any case */
void mrq_output_discard(mrq_output *out);                                  /* frees `out`; NULL is allowed */
MRQ_DEFINE_CLEANUP(mrq_output, mrq_output_discard)

/* Open, write and commit in one call. */
MRQ_CHECKED mrq_status mrq_file_write(const char *path, const void *data, size_t size, mrq_error *err);

/* Opens a file for writing in place, with open()'s flags, and creates it if needed. MRQ_FAILED for a symbolic link. */
MRQ_CHECKED mrq_status mrq_file_open(const char *path, int flags, int *out, mrq_error *err);

/* False when there is no such file. True when the system gives another error: opening the file will report it. */
bool mrq_file_exists(const char *path);

/* Removes a file, if it exists, and the temporary files of killed processes for it. */
void mrq_file_remove(const char *path);

/* Syncs a folder, so that renames in it survive a power cut. */
MRQ_CHECKED mrq_status mrq_folder_sync(const char *path, mrq_error *err);

/* Writes "folder/name" into `out`. */
MRQ_CHECKED mrq_status mrq_path_join(char *out, size_t size, const char *folder, const char *name, mrq_error *err);

#endif
