/* Inside the store room: what lies where in a store, and under which name. */
#ifndef MRQ_STORE_LAYOUT_H
#define MRQ_STORE_LAYOUT_H

#include "store/store.h"

#define MRQ_STORE_PATH   4096 /* bytes of a path, its NUL among them */
#define MRQ_GENERATIONS  "generations"
#define MRQ_CURRENT      "current"
#define MRQ_MANIFEST     "MANIFEST.json"
#define MRQ_PARTS_FORMAT 1 /* version of the containers with movies, users and seen movies */

/* The files of a generation, besides its manifest. */
typedef enum mrq_part { MRQ_PART_INDEX, MRQ_PART_CATALOGUE, MRQ_PART_USERS, MRQ_PART_SEEN, MRQ_PART_MODEL, MRQ_PARTS } mrq_part;
extern const char *const mrq_part_names[MRQ_PARTS + 1]; /* ends with NULL */

/* Kind of the container, and prefix of its table or lists. */
#define MRQ_KIND_MOVIES "movies"
#define MRQ_KIND_USERS  "users"
#define MRQ_KIND_SEEN   "seen"

/* The name of a generation from its time and its manifest. */
void mrq_generation_name(int64_t seconds, const char *manifest, size_t size, char name[MRQ_GENERATION_NAME]);

/* Whether a manifest is the one that a generation's name vouches for. */
bool mrq_generation_vouches(const char *name, const char *manifest, size_t size);

/* The name of the current generation. MRQ_NOT_FOUND without a store or `current`; MRQ_BAD_FILE when `current` is anything but a
 * link to generations/NAME with a well-formed name. */
MRQ_CHECKED mrq_status mrq_store_current(const char *store, char name[MRQ_GENERATION_NAME], mrq_error *err);

/* Opens one generation, whether it is current or not; the rest is as for mrq_generation_open(). */
MRQ_CHECKED mrq_status mrq_generation_open_named(const char *store, const char *name, mrq_generation **out, mrq_error *err);

#endif
