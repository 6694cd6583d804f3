/* Inside the store room: the lock, and what is done under it. */
#ifndef MRQ_STORE_PUBLICATION_H
#define MRQ_STORE_PUBLICATION_H

#include "store/layout.h"
#include "store/write.h"

/* The lock of a store, held while `fd` is not negative. */
typedef struct mrq_lock {
    int fd;
    char path[MRQ_STORE_PATH];
} mrq_lock;

/* Takes the lock at once, or MRQ_FAILED with a sentence that says who holds it and since when. MRQ_NOT_FOUND without a store. */
MRQ_CHECKED mrq_status mrq_lock_take(const char *store, const char *who, mrq_lock *lock, mrq_error *err);
void mrq_lock_release(mrq_lock *lock); /* legal on one that is not held */

struct mrq_publication {
    char store[MRQ_STORE_PATH], generations[MRQ_STORE_PATH];
    char folder[MRQ_STORE_PATH]; /* the temporary one; "" before it is made */
    bool made_store, made_generations;
    bool named; /* the folder has the generation's name now */
    bool published;
    mrq_lock lock;
    mrq_generation *generation; /* once it is written */
};

/* These are for who holds the lock. */

/* Points `current` to a generation, and syncs. */
MRQ_CHECKED mrq_status mrq_store_point(const char *store, const char *name, mrq_error *err);

/* Takes a generation out of sight, by a name that mrq_store_sweep() sweeps. */
MRQ_CHECKED mrq_status mrq_store_hide(const char *store, const char *name, mrq_error *err);

/* Removes what dead writers have left, but for the path `spared`; what cannot be removed stays for the next time. */
void mrq_store_sweep(const char *store, const char *spared);

#endif
