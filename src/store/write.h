/* Writing to a store: a new generation, a step back to an older one, and the end of the oldest. One process writes at a time;
 * readers never wait and never see anything half done. */
#ifndef MRQ_STORE_WRITE_H
#define MRQ_STORE_WRITE_H

#include "store/upload.h"

#define MRQ_STORE_KEEP_DEFAULT 7
#define MRQ_STORE_KEEP_MAX     1000000

typedef struct mrq_export_options {
    const char *index;    /* "auto" or a FAISS factory string */
    double recall;        /* that the index must reach, of the exact best MRQ_RECALL_K: (0, 1] */
    mrq_backend *backend; /* that is to have the index, too; NULL: none */
    mrq_upload_watch watch;
} mrq_export_options;

/* A store that is locked, with a generation in the making. For one thread. */
typedef struct mrq_publication mrq_publication;

/* Locks the store, which is made if there is none, and sweeps out what a killed process left. `who` ("export", "rebuild") goes into
 * the lock with process and time. MRQ_FAILED at once while another holds the lock: the sentence says who, and since when. */
MRQ_CHECKED mrq_status mrq_publication_open(const char *store, const char *who, mrq_publication **out, mrq_error *err);

/* Makes a generation from a model, at most once a publication: vectors, the index chosen and measured, all files and the manifest,
 * synced; and opens it as a reader would. Its name is final, but nobody else sees it before it is published. `choice` may be
 * NULL; else its trials are freed with mrq_free(). MRQ_BAD_FILE when an item's vector is not finite; statuses of
 * mrq_index_choose(). */
MRQ_CHECKED mrq_status mrq_publication_write(mrq_publication *publication, const mrq_model *model,
                                             const mrq_export_options *options, mrq_choice *choice, mrq_error *err);

/* The written one, open; the publication's own. NULL before mrq_publication_write() has succeeded. */
const mrq_generation *mrq_publication_generation(const mrq_publication *publication);

/* Gives the written generation its place and makes it current. The lock is kept until mrq_publication_discard(), which from now on
 * leaves it alone. If the last sync fails, the new generation is current although the call has failed. */
MRQ_CHECKED mrq_status mrq_publication_publish(mrq_publication *publication, mrq_error *err);

/* Whether the written generation is current, be it by a publish whose last sync failed; where the system does not tell, true. */
bool mrq_publication_is_current(const mrq_publication *publication);

/* Removes what was not published, unlocks and frees; NULL is legal. */
void mrq_publication_discard(mrq_publication *publication);
MRQ_DEFINE_CLEANUP(mrq_publication, mrq_publication_discard)

/* Exports a model file: open, write, upload, publish. On a failure the store is as it was, but where the sentence says that the new
 * generation serves. Writes its name into `name`; `choice` as above; `uploaded` may be NULL. */
MRQ_CHECKED mrq_status mrq_store_export(const char *store, const char *model_path, const mrq_export_options *options,
                                        char name[MRQ_GENERATION_NAME], mrq_choice *choice, mrq_uploaded *uploaded, mrq_error *err);

/* Uploads the current generation, as it is; of the options, the index means nothing. Writes its name into `name`. Takes the
 * lock. */
MRQ_CHECKED mrq_status mrq_store_export_current(const char *store, const mrq_export_options *options,
                                                char name[MRQ_GENERATION_NAME], mrq_uploaded *uploaded, mrq_error *err);

/* Makes an older generation current, once every file of it is verified: `to`, which may also be newer, or for NULL the newest
 * intact one that is older than the current. Writes its name into `name`. Takes the lock. MRQ_NOT_FOUND when there is no such
 * generation, MRQ_BAD_FILE when `to` is damaged. */
MRQ_CHECKED mrq_status mrq_store_rollback(const char *store, const char *to, char name[MRQ_GENERATION_NAME], mrq_error *err);

/* Removes all generations but the newest `keep` and the current one. Takes the lock. Who has an old one open goes on reading it. A
 * store without a readable `current` is left alone: MRQ_NOT_FOUND or MRQ_BAD_FILE. */
MRQ_CHECKED mrq_status mrq_store_prune(const char *store, uint32_t keep, uint32_t *removed, mrq_error *err);
/* The same for who holds the lock already; what the publication has written stays. */
MRQ_CHECKED mrq_status mrq_publication_prune(mrq_publication *publication, uint32_t keep, uint32_t *removed, mrq_error *err);

#endif
