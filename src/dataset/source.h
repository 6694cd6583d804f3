/* The bytes of a data file as UTF-8 text: mapped as they are, or decompressed and converted. Private to the dataset room. */
#ifndef MRQ_DATASET_SOURCE_H
#define MRQ_DATASET_SOURCE_H

#include "base/file.h"

typedef struct mrq_source {
    const char *bytes; /* (size) what is read */
    size_t size;
    mrq_map map; /* the file */
    char *made;  /* NULL: the bytes are the map's */
} mrq_source;

/* Opens `path`, which messages call `name`. A file that begins as gzip or zstd does is decompressed, to at most MRQ_RATIO_MAX times
 * its size beyond MRQ_RATIO_FREE bytes; then it is converted from `encoding`, a name that iconv knows, unless NULL, which is UTF-8.
 * MRQ_NOT_FOUND for a missing file; MRQ_BAD_FILE for one that is damaged, cut short or not in that encoding; MRQ_FAILED when
 * zlib or libzstd is not installed. */
#define MRQ_RATIO_MAX  400
#define MRQ_RATIO_FREE ((size_t)64 << 20)
MRQ_CHECKED mrq_status mrq_source_open(mrq_source *source, const char *path, const char *name, const char *encoding,
                                       mrq_error *err);
void mrq_source_close(mrq_source *source); /* legal on a zeroed one */

/* Whether iconv can convert from it. */
bool mrq_source_knows(const char *encoding);

#endif
