/* Writing to a store: publishing a generation, going back to an older one, and removing the oldest. One process writes at a time;
 * readers never wait and never see an incomplete generation. */
#ifndef MRQ_STORE_WRITE_H
#define MRQ_STORE_WRITE_H

#include "store/upload.h"

#define MRQ_STORE_KEEP_DEFAULT 7
#define MRQ_STORE_KEEP_MAX     1000000

typedef struct mrq_export_options {
    const char *index;    /* "auto" or a FAISS factory string */
    double recall;        /* recall@MRQ_RECALL_K that the index must reach, compared with an exact scan: (0, 1] */
    mrq_backend *backend; /* server to upload the index to; NULL: none */
    mrq_upload_watch watch;
} mrq_export_options;

/* A locked store and a generation that is being made. For one thread. */
typedef struct mrq_publication mrq_publication;

/* Locks the store, creating it if needed, and removes what a killed process left. `command` ("export", "rebuild") is written to the
 * lock file with process and time. MRQ_FAILED at once if another process holds the lock; the message names it and the time. */
MRQ_CHECKED mrq_status mrq_publication_open(const char *store, const char *command, mrq_publication **out, mrq_error *err);

/* Makes a generation from a model, at most once for each publication: computes the vectors, chooses and measures the index, writes
 * and syncs all files and the manifest, and opens the result as a reader does. Its name is final, but no other process sees it
 * before it is published. `choice` may be NULL; else its trials are freed with mrq_free(). MRQ_BAD_FILE if an item's vector is not
 * finite; statuses of mrq_index_choose(). */
MRQ_CHECKED mrq_status mrq_publication_write(mrq_publication *publication, const mrq_model *model,
                                             const mrq_export_options *options, mrq_choice *choice, mrq_error *err);

/* The written generation, open and owned by the publication. NULL before mrq_publication_write() has succeeded. */
const mrq_generation *mrq_publication_generation(const mrq_publication *publication);

/* Renames the written generation's folder to its name and makes it current. The lock is kept until mrq_publication_discard(), which
 * does not remove a published generation. If the last sync fails, the new generation is current although the call has failed. */
MRQ_CHECKED mrq_status mrq_publication_publish(mrq_publication *publication, mrq_error *err);

/* Whether the written generation is current, also after a publish whose last sync failed. True if it cannot be found out. */
bool mrq_publication_is_current(const mrq_publication *publication);

/* Removes what was not published, unlocks and frees; NULL is legal. */
void mrq_publication_discard(mrq_publication *publication);
MRQ_DEFINE_CLEANUP(mrq_publication, mrq_publication_discard)

/* Exports a model file: open, write, upload, publish. On failure the store is unchanged, unless the message says that the new
 * generation serves. Writes the generation's name to `name`; `choice` as above; `uploaded` may be NULL. */
MRQ_CHECKED mrq_status mrq_store_export(const char *store, const char *model_path, const mrq_export_options *options,
                                        char name[MRQ_GENERATION_NAME], mrq_choice *choice, mrq_uploaded *uploaded, mrq_error *err);

/* Uploads the current generation; `options->index` is ignored. Writes its name to `name`. Takes the lock. */
MRQ_CHECKED mrq_status mrq_store_export_current(const char *store, const mrq_export_options *options,
                                                char name[MRQ_GENERATION_NAME], mrq_uploaded *uploaded, mrq_error *err);

/* Makes another generation current, after verifying all its files: `to`, older or newer, or if NULL the newest intact one that is
 * older than the current. Writes its name to `name`. Takes the lock. MRQ_NOT_FOUND if there is no such generation, MRQ_BAD_FILE if
 * `to` is damaged. */
MRQ_CHECKED mrq_status mrq_store_rollback(const char *store, const char *to, char name[MRQ_GENERATION_NAME], mrq_error *err);

/* Removes all generations except the newest `keep` and the current one. Takes the lock. Readers that have a removed generation open
 * can still read it. Nothing is removed from a store without a readable `current`: MRQ_NOT_FOUND or MRQ_BAD_FILE. */
MRQ_CHECKED mrq_status mrq_store_prune(const char *store, uint32_t keep, uint32_t *removed, mrq_error *err);
/* The same for a caller that already holds the lock; the generation written by the publication is kept. */
MRQ_CHECKED mrq_status mrq_publication_prune(mrq_publication *publication, uint32_t keep, uint32_t *removed, mrq_error *err);

#endif
