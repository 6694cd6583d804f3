/* Reading the files of a data set. Private to the dataset room. */
#ifndef MRQ_DATASET_READ_H
#define MRQ_DATASET_READ_H

#include "dataset/dataset.h"

#define MRQ_TEXT_BYTES 65535 /* the longest text of a row */

/* Both read the whole file, or with `first` only its first record, to see whether it fits. `*checksum` is one of the file's bytes.
 */

/* A file of users or items. */
MRQ_CHECKED mrq_status mrq_read_table(const char *folder, const mrq_file_schema *schema, bool first, mrq_table **out,
                                      uint64_t *checksum, mrq_error *err);

/* The ratings into `data`, whose items are read already, and whose users are if the schema has a file of them; else the users are
 * made from the ratings. With `first` neither is asked. */
MRQ_CHECKED mrq_status mrq_read_ratings(const char *folder, const mrq_schema *schema, bool first, mrq_dataset *data,
                                        uint64_t *checksum, mrq_error *err);

#endif
