/* The store: generations on disk, which never change after they are published, and `current`, a symbolic link to the one that
 * serves.
 *
 * STORE/generations/<UTC time>-<12 digits>/ contains items.faiss, catalogue.mrq (items, and the times of their events), users.mrq
 * (users and folded tower), seen.mrq, model.mrq, vectors.mrq (the items' exact vectors), history.mrq (the vectors and
 * neighbours of liked items, and the items that each user liked) and MANIFEST.json, written last. The digits begin the SHA-256 of
 * the manifest, and the manifest has the size, SHA-256 and checksum of each other file: so the name verifies the manifest and the
 * manifest verifies the files. Names sort by time, in the order of the exports, even if the clock was set back. If the index is
 * Flat, items.faiss is a second copy of the vectors for other users of FAISS: it is verified, but not loaded.
 *
 * Opening verifies the manifest and the 64-bit checksum of every file except the model's, whose size is compared. List, rollback
 * and the search for a generation to go back to also verify the model, and compare the SHA-256 of every file.
 *
 * Functions that write to a store are in write.h. */
#ifndef MRQ_STORE_STORE_H
#define MRQ_STORE_STORE_H

#include "index/backend.h"
#include "index/lengths.h"
#include "model/model.h"

#define MRQ_GENERATION_NAME 48

/* An open generation. Read-only and thread-safe; stays valid if it is no longer current, or removed. */
typedef struct mrq_generation {
    char name[MRQ_GENERATION_NAME];
    char model_name[MRQ_COLUMN_NAME];  /* of the description */
    char content[MRQ_CONTENT_SIZE];    /* first digits of the digest of items and vectors; part of a backend's collection's name */
    char index_kind[MRQ_FACTORY_SIZE]; /* the factory string; other settings: mrq_index_settings_of() */
    int64_t created;                   /* unix seconds; the name's time may be later */
    double recall, p50, p99;           /* of the index, measured at the export; seconds per query */
    int64_t index_bytes;               /* of the vectors and, unless the kind is Flat, of items.faiss */
    mrq_quality quality;               /* of the model, on its test part */
    mrq_model_results results;         /* of its training */
    mrq_model_curve curve;
    mrq_table *items, *users;
    mrq_folded *tower;
    mrq_lists seen; /* rows of items, ascending, for each user */
    mrq_times times;
    mrq_index *index;
    mrq_lengths *lengths; /* of the index's vectors, if the tower has neighbours; else NULL */
    mrq_container *catalogue_file, *users_file, *seen_file, *vectors_file, *history_file; /* own the maps */
} mrq_generation;

/* The name of the current generation. MRQ_NOT_FOUND without a store or `current`; MRQ_BAD_FILE unless `current` is a link to
 * generations/NAME with a valid name. */
MRQ_CHECKED mrq_status mrq_store_current(const char *store, char name[MRQ_GENERATION_NAME], mrq_error *err);

/* Opens the current generation and verifies its files as described above. A publish, rollback or prune at the same time does not
 * make it fail. MRQ_NOT_FOUND without a store or `current`, MRQ_BAD_FILE with the file's name for damage or for parts of different
 * generations; the message also names the newest older generation whose manifest and sizes are right, if there is one. */
MRQ_CHECKED mrq_status mrq_generation_open(const char *store, mrq_generation **out, mrq_error *err);
/* The same without the history, of which only the size is compared: twice as fast, and sufficient for queries without liked or
 * disliked items and without an explanation. */
MRQ_CHECKED mrq_status mrq_generation_open_plain(const char *store, mrq_generation **out, mrq_error *err);
/* The same with an index that mrq_store_upload() uploaded to a backend, which is borrowed. items.faiss is not read. `backend` NULL:
 * one of the two above. Other statuses as of mrq_index_connect(). */
MRQ_CHECKED mrq_status mrq_generation_open_on(const char *store, mrq_backend *backend, bool history, mrq_generation **out,
                                              mrq_error *err);
void mrq_generation_close(mrq_generation *generation);
MRQ_DEFINE_CLEANUP(mrq_generation, mrq_generation_close)

/* The model of the current generation, verified by its checksum. */
MRQ_CHECKED mrq_status mrq_store_model(const char *store, mrq_model **out, mrq_error *err);

/* Opens the current generation and its model, and compares the SHA-256 of every file. */
MRQ_CHECKED mrq_status mrq_generation_audit(const char *store, mrq_generation **out, mrq_model **model, mrq_error *err);

/* One generation in a store's list. Values that cannot be read from a damaged generation are 0, "" or NaN. */
typedef struct mrq_generation_info {
    char name[MRQ_GENERATION_NAME];
    bool current;
    mrq_status state;  /* MRQ_OK, or why it cannot be read */
    char problem[200]; /* message, beginning with the file's name */
    int64_t created;   /* unix seconds; from its name if the manifest cannot be read */
    uint32_t items, users;
    char model[MRQ_COLUMN_NAME], index[MRQ_FACTORY_SIZE];
    double recall, p50, p99; /* seconds */
    mrq_quality quality;
    int64_t bytes; /* of its files */
} mrq_generation_info;

/* All generations, newest first, with the SHA-256 of all their files compared; `*out` is freed with mrq_free(). MRQ_NOT_FOUND if it
 * is not a store. */
MRQ_CHECKED mrq_status mrq_store_list(const char *store, mrq_generation_info **out, uint32_t *n, mrq_error *err);
/* The same from the manifests alone, each verified by its generation's name: a thousand times as fast, but it does not detect
 * damage to other files. */
MRQ_CHECKED mrq_status mrq_store_list_plain(const char *store, mrq_generation_info **out, uint32_t *n, mrq_error *err);

#endif
