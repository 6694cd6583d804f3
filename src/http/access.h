/* The access log: a line a request. Safe for many threads. */
#ifndef MRQ_HTTP_ACCESS_H
#define MRQ_HTTP_ACCESS_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

typedef struct mrq_access mrq_access;

/* Appends to a file, made for its owner alone; "-" is standard output. A symbolic link is followed to a pipe or a device, never to
 * a file: MRQ_FAILED. */
MRQ_CHECKED mrq_status mrq_access_open(const char *path, mrq_access **out, mrq_error *err);
void mrq_access_close(mrq_access *access); /* writes what the file takes of the rest; NULL is legal */

/* Opens the file of that name anew, after the old one was moved away. Where that fails, the old one is kept. MRQ_FAILED also when
 * the old file did not take what was left for it. */
MRQ_CHECKED mrq_status mrq_access_reopen(mrq_access *access, mrq_error *err);

/* Adds a line to what is to be written: "2026-01-31T02:00:00Z 127.0.0.1 GET /v1/info 200 812 95 memory": time, client, method, path
 * without the query string (which may tell who somebody is), status, bytes, microseconds, where the answer came from. Blanks,
 * control characters and what is no ASCII are written as %XX. */
void mrq_access_add(mrq_access *access, const char *client, const char *method, const char *path, unsigned status, size_t bytes,
                    uint64_t microseconds, const char *cache);

/* Writes what the file takes at once, and keeps the rest for the next time; to be called about once a second. MRQ_FAILED when the
 * file refuses lines: those are lost. */
MRQ_CHECKED mrq_status mrq_access_flush(mrq_access *access, mrq_error *err);

/* Lines that were lost since the start because the file, a pipe that nobody reads, took nothing and the buffers were full. */
uint64_t mrq_access_dropped(mrq_access *access);

#endif
