/* Data as a command's options name it. */
#ifndef MRQ_TOOLS_LOAD_DATA_H
#define MRQ_TOOLS_LOAD_DATA_H

#include "dataset/dataset.h"

#define MRQ_DATA_HELP                                                                                                              \
    "folder of events, users and items; or a database whose\nqueries are in --schema: sqlite:FILE, postgresql://..."

/* Loads the data of --data, leaving out what --skip-bad and --bad, each NULL if it is not given, say. While a database is asked,
 * SIGINT and SIGTERM cancel the query; then the program says so as `command`, and ends by the signal. `schema` NULL: the data's
 * own. */
MRQ_CHECKED mrq_status mrq_load_data(const char *command, const char *data, const mrq_schema *schema, const char *skip_bad,
                                     const char *bad, mrq_dataset **out, mrq_error *err);

/* Loads the two files of --train and --test. `schema` NULL: lists of a user and his items, divided by tabs if the first line of
 * --train has one, else by blanks. `folder` of other files of the schema; NULL: that of --train. */
MRQ_CHECKED mrq_status mrq_load_two(const char *folder, const mrq_schema *schema, const char *train, const char *test,
                                    const char *skip_bad, const char *bad, mrq_dataset **out, mrq_error *err);

#endif
