/* The access log: one line per request. Thread-safe. */
#ifndef MRQ_HTTP_ACCESS_H
#define MRQ_HTTP_ACCESS_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

typedef struct mrq_access mrq_access;

/* Appends to a file, which is created with mode 0600; "-" is standard output. A symbolic link is followed to a pipe or a device;
 * MRQ_FAILED when it leads to a file. */
MRQ_CHECKED mrq_status mrq_access_open(const char *path, mrq_access **out, mrq_error *err);
void mrq_access_close(mrq_access *access); /* writes the remaining lines if the file accepts them; NULL is legal */

/* Opens the file again, after the old one was renamed. The old one stays open when that fails. MRQ_FAILED also when the remaining
 * lines could not be written to the old file. */
MRQ_CHECKED mrq_status mrq_access_reopen(mrq_access *access, mrq_error *err);

/* Adds a line: "2026-01-31T02:00:00Z 127.0.0.1 GET /v1/info 200 812 95 memory": time, client, method, path without the query string
 * (which may identify a person), status, bytes, microseconds, source of the answer. Blanks, control characters and bytes that are
 * not ASCII are written as %XX. */
void mrq_access_add(mrq_access *access, const char *client, const char *method, const char *path, unsigned status, size_t bytes,
                    uint64_t microseconds, const char *cache);

/* Writes what the file accepts without blocking, and keeps the rest for the next call. To be called about once a second. MRQ_FAILED
 * when the write fails; those lines are lost. */
MRQ_CHECKED mrq_status mrq_access_flush(mrq_access *access, mrq_error *err);

/* Lines dropped since the start because the file, a pipe that nobody reads, accepted nothing and the buffer was full. */
uint64_t mrq_access_dropped(mrq_access *access);

#endif
