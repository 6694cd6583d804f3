/* Reading the files of a data set. Private to the dataset room. */
#ifndef MRQ_DATASET_READ_H
#define MRQ_DATASET_READ_H

#include "dataset/dataset.h"
#include "dataset/reader.h"

/* Whether an id is that of a user whom newer events have erased. */
static inline bool mrq_is_erased(const mrq_origin *from, const char *id, size_t size)
{
    return from->newer && from->newer->is_erased && from->newer->is_erased(from->newer->context, id, size);
}

#define MRQ_TEXT_BYTES 65535 /* the longest text in a row */

/* Both functions read the whole file, or with `first` only its first record, to check the format. `*checksum` is that of the file's
 * bytes, if all was read. */

/* Reads a file of users or items. The ids of `more`, unless NULL, that it does not have are rows too, of which nothing is known.
 * Users who are erased have no row; `users` tells that it is theirs. */
MRQ_CHECKED mrq_status mrq_read_table(const mrq_origin *from, const mrq_file_schema *schema, bool users, bool first,
                                      const mrq_table *more, mrq_table **out, uint64_t *checksum, mrq_error *err);

/* Adds the columns of a file that is joined by id to a table. A row of an id that the table does not have is left alone, which the
 * log tells; MRQ_BAD_FILE when all are, or when an id has several rows and not all columns are sets. */
MRQ_CHECKED mrq_status mrq_read_join(const mrq_origin *from, const mrq_file_schema *schema, mrq_table *table, uint64_t *checksum,
                                     mrq_error *err);

/* Makes each number of users a category of ranges found in the data. */
MRQ_CHECKED mrq_status mrq_bucket_users(mrq_table *users, mrq_error *err);

/* Reads the events into `data`. Users and items whose file must list them all have been read before; the others are made from the
 * events, and from their file if they have one. With `first` neither is needed. `checksum`: of users, items, events. */
MRQ_CHECKED mrq_status mrq_read_events(const mrq_origin *from, const mrq_schema *schema, bool first, mrq_dataset *data,
                                       uint64_t checksum[3], mrq_error *err);

#endif
