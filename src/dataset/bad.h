/* Rows that do not fit the schema, and may be left out: up to a share of each file's rows. They are counted by reason, and the
 * first thousand are listed with file, line and what is wrong. */
#ifndef MRQ_DATASET_BAD_H
#define MRQ_DATASET_BAD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/writer.h"

typedef enum mrq_bad_reason {
    MRQ_BAD_VALUE,    /* a value that its field cannot hold */
    MRQ_BAD_FIELDS,   /* another number of fields */
    MRQ_BAD_QUOTES,   /* a quote that is not closed, or at a wrong place */
    MRQ_BAD_BYTES,    /* NUL, or no character of the encoding */
    MRQ_BAD_JSON,     /* a line that is no object of the fields */
    MRQ_BAD_ID,       /* no id */
    MRQ_BAD_TWICE,    /* the id of an earlier row */
    MRQ_BAD_UNLISTED, /* an event of a user or an item that no file lists */
    MRQ_BAD_TIME,     /* no time */
    MRQ_BAD_REASONS
} mrq_bad_reason;
extern const char *const mrq_bad_names[MRQ_BAD_REASONS]; /* "value", "fields", ... */

typedef struct mrq_bad_count {
    uint64_t rows; /* all that were read */
    uint64_t left_out[MRQ_BAD_REASONS];
} mrq_bad_count;

#define MRQ_BAD_LISTED 1000

/* Zeroed but for the first two. */
typedef struct mrq_bad {
    double share;       /* of a file's rows */
    const char *list;   /* the file to write the rows to, or NULL */
    mrq_bad_count all;  /* of all files */
    mrq_bad_count file; /* of the current one */
    char first[256];    /* what is wrong with the first row of the current file */
    uint64_t listed;    /* lines in `lines` */
    mrq_writer lines;
    mrq_bad_reason reason; /* of the failure that is pending */
    bool pending;          /* the last failure is a row's */
} mrq_bad;

/* Reads "1%" or "0.01". MRQ_USAGE for anything but a share from 0 to 1. */
MRQ_CHECKED mrq_status mrq_bad_share(const char *text, double *share, mrq_error *err);

/* Fails unless what stands at the path, if anything, is such a list, empty or not a file, so that no other file is replaced. */
MRQ_CHECKED mrq_status mrq_bad_check_list(const char *path, mrq_error *err);

/* Begins a file; adds a row of it; ends it: MRQ_BAD_FILE, with the counts and the first row, when more rows than the share of those
 * of the file were left out. `name` is what messages call it. */
void mrq_bad_begin(mrq_bad *bad);
void mrq_bad_add(mrq_bad *bad, const char *file, uint64_t line, const char *what);
MRQ_CHECKED mrq_status mrq_bad_end(mrq_bad *bad, const char *name, mrq_error *err);

/* Writes the list, if there is to be one. */
MRQ_CHECKED mrq_status mrq_bad_save(const mrq_bad *bad, mrq_error *err);
void mrq_bad_clear(mrq_bad *bad);

uint64_t mrq_bad_total(const mrq_bad_count *count);

/* "fields 2, value 1"; "" without any. */
#define MRQ_BAD_TOLD 200
const char *mrq_bad_tell(const mrq_bad_count *count, char out[MRQ_BAD_TOLD]);

#endif
