/* The store: generations on disk, each immutable once published, and `current`, a symlink to the one that serves.
 *
 * STORE/generations/<UTC time>-<12 digits>/ holds items.faiss, catalogue.mrq (items), users.mrq (users and folded tower),
 * seen.mrq, model.mrq, vectors.mrq (the items' vectors, exact), history.mrq (what liked items say, and which each user liked) and
 * MANIFEST.json, written last. The digits begin the SHA-256 of the manifest, which holds the size, SHA-256 and checksum of each
 * other file: the name vouches for the manifest and the manifest for the files. Names sort by time, in the order of the exports,
 * even where the clock stepped back. Where the index is Flat, items.faiss is one more copy of the vectors, for other users of
 * FAISS: verified, but not loaded.
 *
 * Opening verifies the manifest and the 64-bit checksum of every file but the model's, of which it compares the size. List and
 * rollback, and who looks for a generation to go back to, verify the model too, and compare the SHA-256 of every file.
 *
 * What writes to a store is in write.h. */
#ifndef MRQ_STORE_STORE_H
#define MRQ_STORE_STORE_H

#include "index/backend.h"
#include "model/model.h"

#define MRQ_GENERATION_NAME 48

/* An open generation. Read-only, safe for many threads; stays valid when it is no longer current, or removed. */
typedef struct mrq_generation {
    char name[MRQ_GENERATION_NAME];
    char model_name[MRQ_COLUMN_NAME];  /* of the description */
    char content[MRQ_CONTENT_SIZE];    /* begins the digest of items and vectors: what a backend's collection is named after */
    char index_kind[MRQ_FACTORY_SIZE]; /* the factory string; the rest is in mrq_index_settings_of() */
    int64_t created;                   /* when it was made, unix seconds; the name's time may be later */
    double recall, p50, p99;           /* of the index, measured when it was made; seconds a query */
    int64_t index_bytes;               /* of the vectors and, unless the kind is Flat, of items.faiss */
    mrq_quality quality;               /* of the model, in its test */
    mrq_model_results results;         /* of its training */
    mrq_model_curve curve;
    mrq_table *items, *users;
    mrq_folded *tower;
    mrq_lists seen; /* rows of items, ascending, for each user */
    mrq_index *index;
    mrq_container *catalogue_file, *users_file, *seen_file, *vectors_file, *history_file; /* keep the maps */
} mrq_generation;

/* The name of the current generation. MRQ_NOT_FOUND without a store or `current`; MRQ_BAD_FILE when `current` is anything but a
 * link to generations/NAME with a well-formed name. */
MRQ_CHECKED mrq_status mrq_store_current(const char *store, char name[MRQ_GENERATION_NAME], mrq_error *err);

/* Opens the current generation and verifies every file it needs, as said above. Never fails because of a publish, rollback or
 * prune meanwhile. MRQ_NOT_FOUND without a store or `current`, MRQ_BAD_FILE with the file's name for damage or for parts that do
 * not belong together; the sentence also names the newest older generation whose manifest and sizes are right, if there is one. */
MRQ_CHECKED mrq_status mrq_generation_open(const char *store, mrq_generation **out, mrq_error *err);
/* The same without the history, of which the size alone is compared: twice as quick, and enough for queries that neither name liked
 * or disliked items nor ask for an explanation. */
MRQ_CHECKED mrq_status mrq_generation_open_plain(const char *store, mrq_generation **out, mrq_error *err);
/* The same with the index that a backend keeps, which mrq_store_upload() has put there; the backend is borrowed. items.faiss is
 * not read. NULL: one of the two above. Other statuses as of mrq_index_connect(). */
MRQ_CHECKED mrq_status mrq_generation_open_on(const char *store, mrq_backend *backend, bool history, mrq_generation **out,
                                              mrq_error *err);
void mrq_generation_close(mrq_generation *generation);
MRQ_DEFINE_CLEANUP(mrq_generation, mrq_generation_close)

/* The model of the current generation, verified in the same way. */
MRQ_CHECKED mrq_status mrq_store_model(const char *store, mrq_model **out, mrq_error *err);

/* The current generation and the model of the same, with the SHA-256 of every file compared. */
MRQ_CHECKED mrq_status mrq_generation_audit(const char *store, mrq_generation **out, mrq_model **model, mrq_error *err);

/* One line of a store's list. What cannot be read of a damaged generation is 0, "" or NaN. */
typedef struct mrq_generation_info {
    char name[MRQ_GENERATION_NAME];
    bool current;
    mrq_status state;  /* MRQ_OK, else why it cannot be read: */
    char problem[200]; /* begins with the file's name */
    int64_t created;   /* unix seconds; by its name where the manifest cannot be read */
    uint32_t items, users;
    char model[MRQ_COLUMN_NAME], index[MRQ_FACTORY_SIZE];
    double recall, p50, p99; /* seconds */
    mrq_quality quality;
    int64_t bytes; /* of its files */
} mrq_generation_info;

/* All generations, newest first, the SHA-256 of every file of each compared; `*out` is freed with mrq_free(). MRQ_NOT_FOUND for
 * what is no store. */
MRQ_CHECKED mrq_status mrq_store_list(const char *store, mrq_generation_info **out, uint32_t *n, mrq_error *err);
/* The same from the manifests alone, each verified by its generation's name: a thousand times as quick, but of what is damaged it
 * knows no more than that. */
MRQ_CHECKED mrq_status mrq_store_list_plain(const char *store, mrq_generation_info **out, uint32_t *n, mrq_error *err);

#endif
