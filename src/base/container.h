/* The container: named sections behind one checked header, written atomically and read through a memory map.
 *
 * Layout, little-endian: magic "MARQUEE\n", kind (8 bytes), version u32, byte-order mark u32 = 0x01020304, section count u32,
 * container format u32 = 1, file size u64, checksum u64 (of the file with this field zero); then per section name (24 bytes),
 * offset u64, size u64; then the sections, each starting at a multiple of 64, with zeros in the gaps. */
#ifndef MRQ_BASE_CONTAINER_H
#define MRQ_BASE_CONTAINER_H

#include <stdint.h>

#include "base/file.h"

#define MRQ_CONTAINER_NAME     24   /* size of a section's name, including the NUL */
#define MRQ_CONTAINER_SECTIONS 1024 /* the most sections per file */

/* Collects the sections to write. Data is borrowed until mrq_container_write(). */
typedef struct mrq_container_writer mrq_container_writer;
mrq_container_writer *mrq_container_writer_new(const char *kind,
                                               uint32_t version); /* NULL when out of memory; `kind` up to 7 bytes */
void mrq_container_writer_free(mrq_container_writer *writer);
MRQ_DEFINE_CLEANUP(mrq_container_writer, mrq_container_writer_free)

/* Adds `count` elements of `size` bytes; the name is made from the format. Errors (too many sections, a name that is too long or
 * used twice) are kept and reported by mrq_container_write(). */
void mrq_container_add(mrq_container_writer *writer, const void *data, size_t count, size_t size, const char *name, ...)
    __attribute__((format(printf, 5, 6)));
MRQ_CHECKED mrq_status mrq_container_write(mrq_container_writer *writer, const char *path,
                                           mrq_error *err); /* sections are not copied into memory */

/* An open, verified container. Sections are pointers into the mapped file and live as long as the container. */
typedef struct mrq_container mrq_container;

/* Maps the file and checks magic, kind, version, byte order, size, checksum and section bounds. The message of MRQ_BAD_FILE names
 * what is wrong and both values. */
MRQ_CHECKED mrq_status mrq_container_open(const char *path, const char *kind, uint32_t version, mrq_container **out,
                                          mrq_error *err);
/* container_checksum: the verified checksum in the header; it identifies the file. The other function reads the checksum in a
 * file's header without verifying it; 0 when the file is too short for a header. */
uint64_t mrq_container_checksum(const mrq_container *container);
uint64_t mrq_container_claim(const mrq_map *file);
/* Whether the file is still what was verified: MRQ_BAD_FILE when it has been written to since, which shows in the map. */
MRQ_CHECKED mrq_status mrq_container_check_again(const mrq_container *container, mrq_error *err);
void mrq_container_close(mrq_container *container);
MRQ_DEFINE_CLEANUP(mrq_container, mrq_container_close)

/* Whether there is a section of this name. */
bool mrq_container_has(const mrq_container *container, const char *name);

/* Gets a section of elements of `size` bytes. `*count` is the number that the section must hold, or MRQ_ANY, which is then replaced
 * by the actual number. MRQ_BAD_FILE when the section is missing or has another size. */
#define MRQ_ANY SIZE_MAX
MRQ_CHECKED mrq_status mrq_container_get(const mrq_container *container, size_t size, size_t *count, const void **data,
                                         mrq_error *err, const char *name, ...) __attribute__((format(printf, 6, 7)));

/* Returns MRQ_BAD_FILE with the file's path and a message, for content that the caller found wrong. */
mrq_status mrq_container_bad(const mrq_container *container, mrq_error *err, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
