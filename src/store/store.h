/* The store: generations on disk, each immutable once published, and `current`, a symlink to the one that serves.
 *
 * STORE/generations/<UTC time>-<12 digits>/ holds movies.faiss, catalogue.mrq (movies), users.mrq (users and folded tower),
 * seen.mrq, model.mrq and MANIFEST.json, written last. The digits begin the SHA-256 of the manifest, which holds the size and
 * SHA-256 of each other file: the name vouches for the manifest and the manifest for the files. */
#ifndef MRQ_STORE_STORE_H
#define MRQ_STORE_STORE_H

#include "index/index.h"
#include "model/model.h"

#define MRQ_GENERATION_NAME 48

/* An open generation. Read-only, safe for many threads; stays valid when it is no longer current, or removed. */
typedef struct mrq_generation {
    char name[MRQ_GENERATION_NAME];
    char model_name[MRQ_FEATURE_NAME]; /* of the description */
    char index_kind[64];               /* the factory string */
    mrq_table *movies, *users;
    mrq_folded *tower;
    mrq_lists seen; /* rows of movies, ascending, for each user */
    mrq_index *index;
    mrq_container *catalogue_file, *users_file, *seen_file; /* keep the maps */
} mrq_generation;

/* Opens the current generation and verifies every file it needs. MRQ_NOT_FOUND without a store or `current`, MRQ_BAD_FILE with the
 * file's name for damage or for parts that do not belong together. */
MRQ_CHECKED mrq_status mrq_generation_open(const char *store, mrq_generation **out, mrq_error *err);
void mrq_generation_close(mrq_generation *generation);
MRQ_DEFINE_CLEANUP(mrq_generation, mrq_generation_close)

/* The model of the current generation, verified in the same way. */
MRQ_CHECKED mrq_status mrq_store_model(const char *store, mrq_model **out, mrq_error *err);

/* Exports a model: vectors, index by `factory`, all files into a temporary folder, synced, renamed, and `current` swapped. On a
 * failure the store is as it was, with two exceptions: a killed process leaves a temporary folder, which the next export removes,
 * and if the very last sync fails, the new generation is current already. Writes the name of the new generation into `name` and its
 * movies into `*movies`. */
MRQ_CHECKED mrq_status mrq_store_export(const char *store, const char *model_path, const char *factory,
                                        char name[MRQ_GENERATION_NAME], uint32_t *movies, mrq_error *err);

#endif
