/* Which kind of database an address names. The kinds have their files: sqlite.c, postgres.c. */
#include "dataset/database.h"

#include <stdio.h>
#include <string.h>

#include "dataset/database_private.h"

static const struct {
    const char *prefix;
    size_t skipped; /* of the prefix */
    mrq_status (*open)(const char *address, mrq_database **out, mrq_error *err);
} kinds[] = {
    {"sqlite:", 7, mrq_sqlite_open},
    {"postgresql://", 0, mrq_postgres_open},
    {"postgres://", 0, mrq_postgres_open},
};

enum { KINDS = sizeof kinds / sizeof *kinds };

static const volatile sig_atomic_t *stop_flag;

/* The kind that an address begins like; KINDS for a folder. */
static int kind_of(const char *data)
{
    int i = 0;
    while (i < KINDS && strncmp(data, kinds[i].prefix, strlen(kinds[i].prefix)) != 0)
        i++;
    return i;
}

bool mrq_database_is(const char *data)
{
    return kind_of(data) < KINDS;
}

bool mrq_database_folder(const char *data, char *out, size_t size)
{
    if (kind_of(data) != 0)
        return false;
    const char *file = data + kinds[0].skipped, *slash = strrchr(file, '/');
    const int n = slash ? snprintf(out, size, "%.*s", (int)(slash - file) + (slash == file), file) : snprintf(out, size, ".");
    return n >= 0 && (size_t)n < size;
}

mrq_status mrq_database_open(const char *data, mrq_database **out, mrq_error *err)
{
    const int kind = kind_of(data);
    if (kind == KINDS)
        return mrq_fail(err, MRQ_USAGE, "\"%.40s\" is no database, want " MRQ_DATABASE_FORMS, data);
    return kinds[kind].open(data + kinds[kind].skipped, out, err);
}

void mrq_database_close(mrq_database *database)
{
    if (database)
        database->close(database);
}

mrq_status mrq_database_query(mrq_database *database, const char *query, const char *name, mrq_sum *sum, mrq_flow **flow,
                              mrq_error *err)
{
    return database->query(database, query, name, sum, flow, err);
}

void mrq_database_watch(const volatile sig_atomic_t *stop)
{
    stop_flag = stop;
}

bool mrq_database_stopped(mrq_flow *flow)
{
    return (stop_flag && *stop_flag) || (flow && atomic_load(&flow->stopped));
}

mrq_status mrq_database_fail_stopped(const char *name, mrq_error *err)
{
    return mrq_fail(err, MRQ_FAILED, "%s: stopped, and the query was cancelled", name);
}
