/* Inside the store: names and paths of what is in a store. */
#ifndef MRQ_STORE_LAYOUT_H
#define MRQ_STORE_LAYOUT_H

#include "store/store.h"

#define MRQ_STORE_PATH   4096 /* bytes of a path, including its NUL */
#define MRQ_GENERATIONS  "generations"
#define MRQ_CURRENT      "current"
#define MRQ_MANIFEST     "MANIFEST.json"
#define MRQ_TEMPORARY    ".tmp-" /* prefix of what is incomplete or being removed; mrq_store_sweep() removes it */
#define MRQ_PARTS_FORMAT 2       /* version of the containers, except the model's */

/* The files of a generation, without its manifest. */
typedef enum mrq_part {
    MRQ_PART_INDEX,
    MRQ_PART_CATALOGUE,
    MRQ_PART_USERS,
    MRQ_PART_SEEN,
    MRQ_PART_MODEL,
    MRQ_PART_VECTORS,
    MRQ_PART_HISTORY,
    MRQ_PARTS
} mrq_part;
extern const char *const mrq_part_names[MRQ_PARTS + 1]; /* ends with NULL */

/* Kinds of the containers, and prefixes of their tables, lists or sections. */
#define MRQ_KIND_ITEMS   "items"
#define MRQ_KIND_USERS   "users"
#define MRQ_KIND_SEEN    "seen"
#define MRQ_KIND_HISTORY "history"
#define MRQ_KIND_VECTORS "vectors" /* one section: (items, dim) floats */

/* "STORE/generations/NAME". The name may also be a hidden one. */
MRQ_CHECKED mrq_status mrq_generation_path(const char *store, const char *name, char out[MRQ_STORE_PATH], mrq_error *err);

/* The name of a generation from its time, in unix seconds, and its manifest; and the time from the name. */
void mrq_generation_name(int64_t seconds, const char *manifest, size_t size, char name[MRQ_GENERATION_NAME]);
int64_t mrq_generation_time(const char *name);

/* Whether a text has the form of a generation's name. */
bool mrq_generation_named(const char *name);

/* Whether the digits in a generation's name begin the SHA-256 of this manifest. */
bool mrq_generation_vouches(const char *name, const char *manifest, size_t size);

/* MRQ_BAD_FILE if `current` is a folder instead of a link: rename() cannot replace a folder, so this is checked before the work. */
MRQ_CHECKED mrq_status mrq_store_check_link(const char *store, mrq_error *err);

/* The names of all generations of a store, intact or not, newest first; freed with mrq_free(). MRQ_NOT_FOUND if it is not a
 * store. */
typedef struct mrq_name {
    char text[MRQ_GENERATION_NAME];
} mrq_name;
MRQ_CHECKED mrq_status mrq_store_names(const char *store, mrq_name **out, uint32_t *n, mrq_error *err);

/* Opens the generation `name` in `folder`, which need not be current or have its final name; with its history or without, with the
 * index of `backend` or (NULL) its own. Otherwise like mrq_generation_open(). */
MRQ_CHECKED mrq_status mrq_generation_open_in(const char *folder, const char *name, mrq_backend *backend, bool history,
                                              mrq_generation **out, mrq_error *err);

/* The items' vectors, (items, dim) finite numbers in the open file. MRQ_BAD_FILE. */
MRQ_CHECKED mrq_status mrq_generation_vectors(const mrq_container *file, uint32_t items, uint32_t dim, const float **out,
                                              mrq_error *err);

/* Checks whether a generation is intact: opens it and its model and compares the SHA-256 of every file. */
MRQ_CHECKED mrq_status mrq_generation_check(const char *store, const char *name, mrq_error *err);

/* A fast check: reads a generation's manifest and compares the sizes of its files. */
MRQ_CHECKED mrq_status mrq_generation_glance(const char *store, const char *name, mrq_error *err);

/* The newest generation older than `name`, or of all if `name` is "", that passes `check`, one of the two above. MRQ_NOT_FOUND if
 * there is none. MRQ_FAILED if a generation cannot be read, which does not mean that it is damaged. */
MRQ_CHECKED mrq_status mrq_store_fallback(const char *store, const char *name,
                                          mrq_status (*check)(const char *store, const char *name, mrq_error *err),
                                          char found[MRQ_GENERATION_NAME], mrq_error *err);

#endif
