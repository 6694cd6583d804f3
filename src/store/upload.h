/* A generation's index on a backend. The store stays what says which generation serves: a backend's collection is named after what
 * is in it, so nothing there has to be switched for a reader of the store, and one that is half there is never read. All here is
 * for who holds the store's lock. */
#ifndef MRQ_STORE_UPLOAD_H
#define MRQ_STORE_UPLOAD_H

#include "index/choose.h"
#include "store/store.h"

/* How an upload goes on, and what it came to. */
typedef struct mrq_upload_watch {
    void (*rows)(void *context, uint32_t done, uint32_t of); /* that the backend has; may be NULL */
    void *context;
} mrq_upload_watch;

typedef struct mrq_uploaded {
    uint32_t rows, sent; /* items, and how many of them were not there yet */
    mrq_trial measured;  /* as for any index; its recall beside the exact scan */
    bool aliased;        /* the backend's NAME leads to it, for other programs */
    uint32_t removed;    /* collections of generations that are gone from the store */
} mrq_uploaded;

/* Uploads what is missing of an open generation, waits until the backend shows all of it, and measures its recall with 200 of the
 * queries of mrq_store_queries(): nothing that serves changes. MRQ_FAILED when it finds less than `recall` of the exact best; other
 * statuses of mrq_backend_upload() and mrq_index_search(). */
MRQ_CHECKED mrq_status mrq_store_upload(const char *store, const mrq_generation *generation, mrq_backend *backend, double recall,
                                        const mrq_upload_watch *watch, mrq_uploaded *out, mrq_error *err);

/* What comes once the generation is current: the backend's alias, where it has any, and the end of those of this store's
 * collections whose generations are gone. */
MRQ_CHECKED mrq_status mrq_store_settle(const char *store, const mrq_generation *generation, mrq_backend *backend,
                                        mrq_uploaded *out, mrq_error *err);

#endif
