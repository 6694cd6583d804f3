/* Inside the store room: writing a generation. */
#ifndef MRQ_STORE_WRITE_H
#define MRQ_STORE_WRITE_H

#include "store/layout.h"

/* What a generation is made of; movies, users, seen movies and the description come from the model. All borrowed. */
typedef struct mrq_generation_parts {
    const mrq_model *model;
    const mrq_folded *tower;
    const mrq_index *index;
    const char *index_kind; /* less than 64 bytes */
} mrq_generation_parts;

/* A generation in the making: the store is locked and holds an empty temporary folder. */
typedef struct mrq_draft mrq_draft;

/* Makes the store if there is none, locks it and sweeps out what a killed export left. MRQ_FAILED at once, with the process's
 * number, while another export holds the lock. */
MRQ_CHECKED mrq_status mrq_draft_open(const char *store, mrq_draft **out, mrq_error *err);

/* Writes all files, renames the folder, opens the result as a reader would, and makes it current. Unlocks and frees `draft`
 * whatever it returns; on failure the store is as it was. */
MRQ_CHECKED mrq_status mrq_draft_publish(mrq_draft *draft, const mrq_generation_parts *parts, char name[MRQ_GENERATION_NAME],
                                         mrq_error *err);

void mrq_draft_discard(mrq_draft *draft); /* removes the folder, unlocks, frees; NULL is legal */
MRQ_DEFINE_CLEANUP(mrq_draft, mrq_draft_discard)

#endif
