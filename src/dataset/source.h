/* The bytes of a source of data as UTF-8 text, in windows: a plain file is mapped and never copied; what is compressed, in another
 * encoding or no file comes as a stream. Private to the dataset room.
 *
 * A window ends with a line end, or with the source. A record that has line ends within it may go on behind the window: then the
 * reader asks for a larger one that begins with this record. So a source needs no more memory than its longest record. */
#ifndef MRQ_DATASET_SOURCE_H
#define MRQ_DATASET_SOURCE_H

#include <sys/stat.h>

#include "base/file.h"
#include "dataset/flow.h"

#define MRQ_RECORD_MAX ((size_t)64 << 20) /* bytes of a record with its line end */

typedef struct mrq_source {
    const char *bytes; /* (size) the window */
    size_t size;
    bool last;    /* the window's end is the source's */
    size_t block; /* set before opening: 0, or for tests the size of blocks, and plain files come as streams, too */

    /* The rest is the source's own. */
    const char *name;
    mrq_map map;
    struct stat opened; /* of a file */
    size_t summed;      /* bytes of the map */
    mrq_sum *sum;
    mrq_flow *flow; /* NULL: windows are parts of the map */
    char *buffer;
    size_t filled, room;
    bool ended; /* the flow */
} mrq_source;

/* Opens `path`, which messages call `name`; "-" is standard input. The content decides whether it is decompressed; then it is
 * converted from `encoding`, a name that iconv knows, unless NULL, which is UTF-8. The bytes of the file, as they are, are added to
 * `sum`, unless NULL. There is no window yet. `source` is zeroed but for `block`; `name`, `encoding` and `sum` are borrowed.
 * MRQ_NOT_FOUND for a missing file, MRQ_BAD_FILE for what is no file. */
MRQ_CHECKED mrq_status mrq_source_open(mrq_source *source, const char *path, const char *name, const char *encoding, mrq_sum *sum,
                                       mrq_error *err);
/* The same for bytes that come by a flow as they are; it is taken over, also after an error. */
MRQ_CHECKED mrq_status mrq_source_take(mrq_source *source, mrq_flow *flow, const char *name, mrq_error *err);
void mrq_source_close(mrq_source *source); /* legal on a zeroed one */

/* The next window: the last `keep` bytes of the current one, and at least one more line; not behind the last one. `line` is the
 * number of its first line. Pointers into the current window of a stream are no longer valid. MRQ_BAD_FILE for a file that is
 * damaged, cut short or not in its encoding, and for a record longer than MRQ_RECORD_MAX. */
MRQ_CHECKED mrq_status mrq_source_more(mrq_source *source, size_t keep, uint64_t line, mrq_error *err);

/* All of the source as one window, before any other. MRQ_BAD_FILE also for a line longer than MRQ_RECORD_MAX. */
MRQ_CHECKED mrq_status mrq_source_whole(mrq_source *source, mrq_error *err);

/* Whether the file has been written to since it was opened; another file of its name is no change. */
bool mrq_source_changed(const mrq_source *source, const char *path);

/* Whether the text begins with the mark, which is no UTF-8, of a byte that is no character of its file's encoding. */
bool mrq_source_is_marked(const char *text, size_t size, unsigned char *byte);

/* Whether iconv can convert from it. */
bool mrq_source_knows(const char *encoding);

#endif
