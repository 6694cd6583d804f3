/* Bytes that come piece by piece: out of a file in memory, a descriptor, a database; unpacked, converted, made ahead of the reader
 * by a thread. Each flow draws from another one, so they are put one on top of the other. Private to the dataset room. */
#ifndef MRQ_DATASET_FLOW_H
#define MRQ_DATASET_FLOW_H

#include <stdatomic.h>
#include <stdbool.h>

#include "base/digest.h"
#include "base/file.h"

typedef struct mrq_flow mrq_flow;
struct mrq_flow {
    /* Gives the next bytes, which are valid until the next call; size 0 at the end. */
    mrq_status (*next)(mrq_flow *flow, const char **bytes, size_t *size, mrq_error *err);
    void (*close)(mrq_flow *flow); /* frees the flow, but not the one that it draws from */
    mrq_flow *from;                /* NULL: from outside */
    atomic_bool stopped;           /* nobody wants more: a flow that waits for the outside has to return */
};

/* Frees a flow and those that it draws from. NULL is allowed. */
void mrq_flow_free(mrq_flow *flow);

/* Sets `stopped` of a flow and of those that it draws from. From any thread. */
void mrq_flow_stop(mrq_flow *flow);

/* The functions below replace `*flow` by a flow that draws from it and owns it; after an error it is as it was. `name` is what
 * messages call the source; it is borrowed, as are `map` and `sum`, which may
 * be NULL. */

/* The bytes of a map, and those of an open descriptor, which it does not close. All that is given is added to `sum`. */
MRQ_CHECKED mrq_status mrq_flow_map(mrq_flow **flow, const mrq_map *map, mrq_sum *sum, mrq_error *err);
MRQ_CHECKED mrq_status mrq_flow_descriptor(mrq_flow **flow, int descriptor, const char *name, mrq_sum *sum, mrq_error *err);

/* Decompresses gzip or zstd, and lets anything else through; the first bytes tell. It gives at most MRQ_RATIO_FREE bytes and
 * MRQ_RATIO_MAX for each byte that it took. MRQ_BAD_FILE for data that is damaged or cut short; MRQ_FAILED when zlib or libzstd is
 * not installed. */
#define MRQ_RATIO_MAX  400
#define MRQ_RATIO_FREE ((size_t)64 << 20)
MRQ_CHECKED mrq_status mrq_flow_unpack(mrq_flow **flow, const char *name, mrq_error *err);

/* Converts from an encoding that iconv knows to UTF-8. Bytes that are not in it are marked; see mrq_source_is_marked(). */
MRQ_CHECKED mrq_status mrq_flow_convert(mrq_flow **flow, const char *name, const char *encoding, mrq_error *err);

/* Draws in a thread of its own, which is at most four blocks of `block` bytes ahead. If the system provides none, `*flow` stays as
 * it is, and reading takes longer. */
MRQ_CHECKED mrq_status mrq_flow_ahead(mrq_flow **flow, size_t block, mrq_error *err);

#define MRQ_FLOW_STEP ((size_t)256 << 10) /* bytes of a piece, at most */

#endif
