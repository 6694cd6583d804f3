/* A database that the queries of a schema are asked of, all in one snapshot. */
#ifndef MRQ_DATASET_DATABASE_H
#define MRQ_DATASET_DATABASE_H

#include <signal.h>

#include "base/memory.h"
#include "dataset/flow.h"

/* How an address of data begins when it is no folder. */
#define MRQ_DATABASE_FORMS "sqlite:FILE or postgresql://USER@HOST/DATABASE"

typedef struct mrq_database mrq_database;

/* Whether `data` is the address of a database. */
bool mrq_database_is(const char *data);

/* Writes the folder that the file of an SQLite database is in; false for another kind. */
bool mrq_database_folder(const char *data, char *out, size_t size);

/* Opens a database for reading alone and begins a snapshot. MRQ_USAGE for a wrong address, and for one that holds a password;
 * MRQ_NOT_FOUND for a missing file; MRQ_FAILED when a server does not answer or a library is not installed. */
MRQ_CHECKED mrq_status mrq_database_open(const char *data, mrq_database **out, mrq_error *err);
void mrq_database_close(mrq_database *database);
MRQ_DEFINE_CLEANUP(mrq_database, mrq_database_close)

/* While `*stop` is 0 queries go on; then they are cancelled, and fail. NULL, at the beginning: they always go on. For the whole
 * process, to be called before a database is opened. */
void mrq_database_watch(const volatile sig_atomic_t *stop);

/* Sets `*flow` to the rows of a query as CSV with a header; it is to be freed before the database is closed, and before the next
 * query. `name` stands in messages; it and `sum` are borrowed. MRQ_BAD_FILE with the database's own words for a query that fails or
 * would write. */
MRQ_CHECKED mrq_status mrq_database_query(mrq_database *database, const char *query, const char *name, mrq_sum *sum,
                                          mrq_flow **flow, mrq_error *err);

#endif
