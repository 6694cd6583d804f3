/* A generation's index on a backend. The store alone decides which generation serves. A collection on the backend is named after
 * its content, so nothing there has to be switched for readers of the store, and an incomplete collection is never read. The caller
 * of these functions must hold the store's lock. */
#ifndef MRQ_STORE_UPLOAD_H
#define MRQ_STORE_UPLOAD_H

#include "index/choose.h"
#include "store/store.h"

/* Reports the progress of an upload. */
typedef struct mrq_upload_watch {
    void (*rows)(void *context, uint32_t done, uint32_t of); /* rows that the backend has; may be NULL */
    void *context;
} mrq_upload_watch;

/* The result of an upload. */
typedef struct mrq_uploaded {
    uint32_t rows, sent; /* items, and how many of them had to be sent */
    mrq_trial measured;  /* recall compared with an exact scan, and latency */
    bool aliased;        /* the backend's alias NAME points to the collection, for other programs */
    uint32_t removed;    /* dropped collections, of generations that are no longer in the store */
} mrq_uploaded;

/* Uploads the missing items of an open generation, waits until the backend shows all of them, and measures its recall with 200 of
 * the queries of mrq_store_queries(). The serving generation is not affected. MRQ_FAILED if its recall is below `recall`; other
 * statuses of mrq_backend_upload() and mrq_index_search(). */
MRQ_CHECKED mrq_status mrq_store_upload(const char *store, const mrq_generation *generation, mrq_backend *backend, double recall,
                                        const mrq_upload_watch *watch, mrq_uploaded *out, mrq_error *err);

/* To be called when the generation is current: sets the backend's alias, if it supports aliases, and drops the collections of this
 * store's removed generations. */
MRQ_CHECKED mrq_status mrq_store_settle(const char *store, const mrq_generation *generation, mrq_backend *backend,
                                        mrq_uploaded *out, mrq_error *err);

#endif
