/* A server that keeps indexes in FAISS's place: Milvus, over REST. One collection holds what one generation's index would, and is
 * named after what is in it, so that whoever has the generation finds it, and one that is half there is never taken for another.
 *
 * Source: Milvus's RESTful API, v1 (servers of 2.3) and v2 (later ones); which of them a server has is found out by asking. */
#ifndef MRQ_INDEX_BACKEND_H
#define MRQ_INDEX_BACKEND_H

#include "base/table.h"
#include "index/index.h"

#define MRQ_BACKEND_FORMS "milvus://HOST[:PORT]/NAME, or milvuss:// for TLS"
#define MRQ_CONTENT_SIZE  17 /* 16 hexadecimal digits and a NUL */

/* A server, and the name that its collections begin with. Safe for many threads; connections are kept alive. */
typedef struct mrq_backend mrq_backend;

typedef struct mrq_backend_options {
    const char *address; /* MRQ_BACKEND_FORMS; NAME of letters, digits and _, not beginning with a digit */
    const char *token;   /* "user:password" or a key; NULL: none */
    const char *ca;      /* file of the certificates that are trusted; NULL: the system's */
    uint32_t deadline;   /* milliseconds of a search; 0: 3000 */
} mrq_backend_options;

/* Does not connect. MRQ_USAGE for an address or a token that makes no sense: the sentence does not quote the token. MRQ_FAILED
 * where libcurl is not installed. */
MRQ_CHECKED mrq_status mrq_backend_open(const mrq_backend_options *options, mrq_backend **out, mrq_error *err);
void mrq_backend_close(mrq_backend *backend); /* NULL is legal */
MRQ_DEFINE_CLEANUP(mrq_backend, mrq_backend_close)

const char *mrq_backend_label(const mrq_backend *backend); /* the address, without a secret; "milvus://host:port/name" */

/* What a collection holds; all borrowed. */
typedef struct mrq_contents {
    char name[MRQ_CONTENT_SIZE]; /* digits that begin the digest of the rest */
    const mrq_table *items;
    const float *vectors; /* (items, dim) */
    uint32_t dim;
} mrq_contents;

/* Uploads what is not there yet, as one that was broken off leaves it: a row has id, vector, title, genres and year, as far as the
 * data has them. Each request that fails for a reason that may pass is tried again, later and later, for a quarter of a minute; the
 * rest is left to the next upload. `owner` goes into the collection's description, for mrq_backend_prune(). `tell` (may be NULL) is
 * called with the rows that are there. `*sent` is how many were not. What was taken may show a little later. MRQ_UNAVAILABLE when
 * the server is gone, refuses, or keeps something else under the name. One thread. */
MRQ_CHECKED mrq_status mrq_backend_upload(mrq_backend *backend, const mrq_contents *contents, const char *owner,
                                          void (*tell)(void *context, uint32_t done, uint32_t of), void *context, uint32_t *sent,
                                          mrq_error *err);

/* The index over an uploaded collection; contents and backend are borrowed for its life. A search that takes longer than the
 * backend's deadline fails. MRQ_NOT_FOUND when there is no such collection, MRQ_UNAVAILABLE when the server is gone or the
 * collection has other dimensions. */
MRQ_CHECKED mrq_status mrq_index_connect(mrq_backend *backend, const mrq_contents *contents, mrq_index **out, mrq_error *err);

/* Where the server has aliases, points NAME to the collection, at a stroke, for other programs: `*aliased` tells. */
MRQ_CHECKED mrq_status mrq_backend_point(mrq_backend *backend, const char name[MRQ_CONTENT_SIZE], bool *aliased, mrq_error *err);

/* Drops the collections of this owner whose contents' names are not among `keep` (n). */
typedef struct mrq_content_name {
    char text[MRQ_CONTENT_SIZE];
} mrq_content_name;
MRQ_CHECKED mrq_status mrq_backend_prune(mrq_backend *backend, const char *owner, const mrq_content_name *keep, uint32_t n,
                                         uint32_t *removed, mrq_error *err);

#endif
