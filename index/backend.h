/* A server that keeps indexes instead of FAISS: Milvus, over REST. One collection holds the vectors of one generation. Its name is
 * derived from its contents, so a generation always finds its collection, and a partly filled one is never mistaken for another.
 *
 * Source: Milvus's RESTful API, v1 (servers of version 2.3) and v2 (later servers); the version is found by asking the server. */
#ifndef MRQ_INDEX_BACKEND_H
#define MRQ_INDEX_BACKEND_H

#include "base/table.h"
#include "index/index.h"

#define MRQ_BACKEND_FORMS "milvus://HOST[:PORT]/NAME, or milvuss:// for TLS"
#define MRQ_CONTENT_SIZE  17 /* 16 hexadecimal digits and a NUL */

/* Which fields a collection has; part of its contents' name. To be changed with the fields, because a filter on a field that an
 * older collection does not have passes the wrong rows. */
#define MRQ_BACKEND_FIELDS "columns"

/* A server, and the prefix of the names of its collections. Thread-safe; connections are kept alive. */
typedef struct mrq_backend mrq_backend;

typedef struct mrq_backend_options {
    const char *address; /* MRQ_BACKEND_FORMS; NAME of letters, digits and _, not beginning with a digit */
    const char *token;   /* "user:password" or a key; NULL: none */
    const char *ca;      /* file of trusted certificates; NULL: the system's */
    uint32_t deadline;   /* milliseconds for a search; 0: 3000 */
} mrq_backend_options;

/* Does not connect. MRQ_USAGE for an address or a token that is not valid; the message does not quote the token. MRQ_FAILED when
 * libcurl is not installed. */
MRQ_CHECKED mrq_status mrq_backend_open(const mrq_backend_options *options, mrq_backend **out, mrq_error *err);
void mrq_backend_close(mrq_backend *backend); /* NULL is allowed */
MRQ_DEFINE_CLEANUP(mrq_backend, mrq_backend_close)

const char *mrq_backend_label(const mrq_backend *backend); /* the address without a secret: "milvus://host:port/name" */

/* The contents of a collection; all borrowed. */
typedef struct mrq_contents {
    char name[MRQ_CONTENT_SIZE]; /* the first digits of a digest of the rest */
    const mrq_table *items;
    const float *vectors; /* (items, dim) */
    uint32_t dim;
} mrq_contents;

/* Uploads the rows that the server does not have yet, so an interrupted upload can be continued. A row has id, vector and the
 * columns of the catalogue whose names a filter can have. A request that fails for a temporary reason is tried again, after longer
 * and longer pauses, for a quarter of a minute; what then is missing is left to the next upload. `owner` goes into the collection's
 * description, for mrq_backend_prune(). `report` (may be NULL) is called with the number of rows on the server. `*sent` is the
 * number of rows that were missing. Rows may become visible a little later. MRQ_UNAVAILABLE when the server is down, refuses, or
 * has something else under the name. For one thread. */
MRQ_CHECKED mrq_status mrq_backend_upload(mrq_backend *backend, const mrq_contents *contents, const char *owner,
                                          void (*report)(void *context, uint32_t done, uint32_t of), void *context, uint32_t *sent,
                                          mrq_error *err);

/* The index over an uploaded collection; contents and backend are borrowed for its life. A search fails when it takes longer than
 * the backend's deadline. MRQ_NOT_FOUND when the collection does not exist, MRQ_UNAVAILABLE when the server is down or the
 * collection has other dimensions. */
MRQ_CHECKED mrq_status mrq_index_connect(mrq_backend *backend, const mrq_contents *contents, mrq_index **out, mrq_error *err);

/* Points the alias NAME to the collection, atomically, for other programs; `*aliased` is false if the server has no aliases. */
MRQ_CHECKED mrq_status mrq_backend_point(mrq_backend *backend, const char name[MRQ_CONTENT_SIZE], bool *aliased, mrq_error *err);

/* Drops the collections of this owner whose names are not in `keep` (n). */
typedef struct mrq_content_name {
    char text[MRQ_CONTENT_SIZE];
} mrq_content_name;
MRQ_CHECKED mrq_status mrq_backend_prune(mrq_backend *backend, const char *owner, const mrq_content_name *keep, uint32_t n,
                                         uint32_t *removed, mrq_error *err);

#endif
