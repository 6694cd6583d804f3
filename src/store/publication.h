/* Inside the store: the lock, and operations for its owner. */
#ifndef MRQ_STORE_PUBLICATION_H
#define MRQ_STORE_PUBLICATION_H

#include "store/layout.h"
#include "store/write.h"

/* The lock of a store, held if `fd` is not negative. */
typedef struct mrq_lock {
    int fd;
    char path[MRQ_STORE_PATH];
} mrq_lock;

/* Takes the lock without waiting. MRQ_FAILED if another process holds it; the message names it and the time. MRQ_NOT_FOUND without
 * a store. */
MRQ_CHECKED mrq_status mrq_lock_take(const char *store, const char *command, mrq_lock *lock, mrq_error *err);
void mrq_lock_release(mrq_lock *lock); /* legal on one that is not held */

struct mrq_publication {
    char store[MRQ_STORE_PATH], generations[MRQ_STORE_PATH];
    char folder[MRQ_STORE_PATH]; /* the temporary folder; "" before it is made */
    bool made_store, made_generations;
    bool named; /* the folder was renamed to the generation's name */
    bool published;
    mrq_lock lock;
    mrq_generation *generation; /* NULL until it is written */
};

/* The caller of these functions must hold the lock. */

/* Replaces the link `current` by one to this generation, and syncs. */
MRQ_CHECKED mrq_status mrq_store_point(const char *store, const char *name, mrq_error *err);

/* Renames a generation to a hidden name, which mrq_store_sweep() removes. */
MRQ_CHECKED mrq_status mrq_store_hide(const char *store, const char *name, mrq_error *err);

/* Removes what dead writers left, except the path `spared`. What cannot be removed is logged and stays. */
void mrq_store_sweep(const char *store, const char *spared);

#endif
