/* Inside the store room: what lies where in a store, and under which name. */
#ifndef MRQ_STORE_LAYOUT_H
#define MRQ_STORE_LAYOUT_H

#include "store/store.h"

#define MRQ_STORE_PATH   4096 /* bytes of a path, its NUL among them */
#define MRQ_GENERATIONS  "generations"
#define MRQ_CURRENT      "current"
#define MRQ_MANIFEST     "MANIFEST.json"
#define MRQ_TEMPORARY    ".tmp-" /* begins the name of what is half made or half removed; swept out under the lock */
#define MRQ_PARTS_FORMAT 2       /* version of the containers, but for the model's */

/* The files of a generation, besides its manifest. */
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

/* Kind of the container, and prefix of its table, lists or section. */
#define MRQ_KIND_ITEMS   "items"
#define MRQ_KIND_USERS   "users"
#define MRQ_KIND_SEEN    "seen"
#define MRQ_KIND_HISTORY "history"
#define MRQ_KIND_VECTORS "vectors" /* one section: (items, dim) floats */

/* "STORE/generations/NAME", for a name of a generation, or one that hides it. */
MRQ_CHECKED mrq_status mrq_generation_path(const char *store, const char *name, char out[MRQ_STORE_PATH], mrq_error *err);

/* The name of a generation from its time, unix seconds, and its manifest; and the time from the name. */
void mrq_generation_name(int64_t seconds, const char *manifest, size_t size, char name[MRQ_GENERATION_NAME]);
int64_t mrq_generation_time(const char *name);

/* Whether a text has the shape of a generation's name. */
bool mrq_generation_named(const char *name);

/* Whether a manifest is the one that a generation's name vouches for. */
bool mrq_generation_vouches(const char *name, const char *manifest, size_t size);

/* MRQ_BAD_FILE where a folder stands in the place of the link `current`, which no rename() replaces: to be told before the work. */
MRQ_CHECKED mrq_status mrq_store_check_link(const char *store, mrq_error *err);

/* The names of all generations of a store, intact or not, newest first; freed with mrq_free(). MRQ_NOT_FOUND for what is no
 * store. */
typedef struct mrq_name {
    char text[MRQ_GENERATION_NAME];
} mrq_name;
MRQ_CHECKED mrq_status mrq_store_names(const char *store, mrq_name **out, uint32_t *n, mrq_error *err);

/* Opens the generation of this name in this folder, whether it is current, or there under its name, or not, with its history or
 * without, with a backend's index or (NULL) its own; the rest is as for mrq_generation_open(). */
MRQ_CHECKED mrq_status mrq_generation_open_in(const char *folder, const char *name, mrq_backend *backend, bool history,
                                              mrq_generation **out, mrq_error *err);

/* The items' vectors, (items, dim) finite numbers in the open file. MRQ_BAD_FILE. */
MRQ_CHECKED mrq_status mrq_generation_vectors(const mrq_container *file, uint32_t items, uint32_t dim, const float **out,
                                              mrq_error *err);

/* Opens a generation and its model and compares the SHA-256 of every file: tells whether it is intact. */
MRQ_CHECKED mrq_status mrq_generation_check(const char *store, const char *name, mrq_error *err);

/* Reads a generation's manifest and compares the sizes of its files: tells whether it looks intact, at the price of a few looks. */
MRQ_CHECKED mrq_status mrq_generation_glance(const char *store, const char *name, mrq_error *err);

/* The newest generation older than `name` that is intact by `check`, one of the two above; of all, when `name` is "". MRQ_NOT_FOUND
 * when there is none. What the system keeps from being read is not taken for damaged: MRQ_FAILED. */
MRQ_CHECKED mrq_status mrq_store_fallback(const char *store, const char *name,
                                          mrq_status (*check)(const char *store, const char *name, mrq_error *err),
                                          char found[MRQ_GENERATION_NAME], mrq_error *err);

#endif
