/* What the kinds of databases have in common. Private to database.c, sqlite.c and postgres.c. */
#ifndef MRQ_DATASET_DATABASE_PRIVATE_H
#define MRQ_DATASET_DATABASE_PRIVATE_H

#include "dataset/database.h"

struct mrq_database {
    void (*close)(mrq_database *database);
    mrq_status (*query)(mrq_database *database, const char *query, const char *name, mrq_sum *sum, mrq_flow **flow, mrq_error *err);
};

/* Whether a query has to end: the user wants to stop, or nobody takes its rows. */
bool mrq_database_stopped(mrq_flow *flow);
mrq_status mrq_database_fail_stopped(const char *name, mrq_error *err);

/* `address` is what follows "sqlite:", or the whole URL. */
MRQ_CHECKED mrq_status mrq_sqlite_open(const char *address, mrq_database **out, mrq_error *err);
MRQ_CHECKED mrq_status mrq_postgres_open(const char *address, mrq_database **out, mrq_error *err);

#endif
