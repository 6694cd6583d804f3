/* A text being built in memory, to be saved whole: reports, tables, pictures. */
#ifndef MRQ_BASE_WRITER_H
#define MRQ_BASE_WRITER_H

#include <stdbool.h>

#include "base/c_locale.h"
#include "base/error.h"
#include "base/memory.h"

/* Once memory has run out, the rest is dropped; mrq_writer_save() tells. Not thread-safe. */
typedef struct mrq_writer {
    char *data; /* NUL-terminated once something was added */
    size_t size, capacity;
    bool failed;
    locale_t before; /* the thread's locale, 0 when the writer is not open */
} mrq_writer;

/* From here to mrq_writer_close() this thread prints numbers in the C locale; texts open at once are closed last opened first. */
void mrq_writer_open(mrq_writer *writer);
void mrq_writer_close(mrq_writer *writer); /* legal on a zeroed text, and twice */
static inline void mrq_writer_close_cleanup(mrq_writer *writer)
{
    mrq_writer_close(writer);
}

void mrq_writer_put(mrq_writer *writer, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Adds up to `most` characters of `value`, then "..."; escaped for XML and HTML, in elements and attributes alike. What XML does
 * not allow, and what is not UTF-8, becomes '?'. */
void mrq_writer_escape(mrq_writer *writer, const char *value, size_t most);

/* Writes the file at once or not at all. MRQ_FAILED when memory had run out. */
MRQ_CHECKED mrq_status mrq_writer_save(const mrq_writer *writer, const char *path, mrq_error *err);

#endif
