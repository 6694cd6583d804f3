/* A text that is built in memory and saved at once: reports, tables, pictures. */
#ifndef MRQ_BASE_WRITER_H
#define MRQ_BASE_WRITER_H

#include <stdbool.h>

#include "base/c_locale.h"
#include "base/error.h"
#include "base/memory.h"

/* After memory has run out, additions are dropped; mrq_writer_save() reports it. Not thread-safe. */
typedef struct mrq_writer {
    char *data; /* NUL-terminated once something has been added */
    size_t size, capacity;
    bool failed;
    locale_t before; /* the thread's previous locale; 0 when the writer is not open */
} mrq_writer;

/* Until mrq_writer_close() this thread prints numbers in the C locale. Writers that are open at the same time must be closed in
 * reverse order. */
void mrq_writer_open(mrq_writer *writer);
void mrq_writer_close(mrq_writer *writer); /* allowed on a zeroed writer, and twice */
static inline void mrq_writer_close_cleanup(mrq_writer *writer)
{
    mrq_writer_close(writer);
}

void mrq_writer_put(mrq_writer *writer, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Adds up to `most` characters of `value`, then "..."; escaped for elements and attributes of XML and HTML. Characters that XML
 * does not allow and invalid UTF-8 become '?'. */
void mrq_writer_escape(mrq_writer *writer, const char *value, size_t most);

/* Writes the file completely or not at all. MRQ_FAILED when memory had run out. */
MRQ_CHECKED mrq_status mrq_writer_save(const mrq_writer *writer, const char *path, mrq_error *err);

#endif
