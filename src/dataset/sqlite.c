/* SQLite: the file is opened for reading alone, and all queries run in one transaction, so they see one state of it. Rows are
 * written as CSV, for the same reader as any other file. libsqlite3 is loaded when a database is named (base/sqlite.h). */
#include "dataset/database_private.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/sqlite.h"
#include "dataset/source.h"

#ifdef MRQ_ANALYSER /* it does not see that these are kept by their first members */
#pragma GCC diagnostic ignored "-Wanalyzer-malloc-leak"
#endif

#define BUSY_MS 10000 /* how long to wait for a writer */
#define STEPS   10000 /* of SQLite's machine between two looks whether to stop: a fraction of a millisecond */

typedef struct sqlite {
    mrq_database database;
    sqlite3 *connection;
    char path[4096]; /* never taken for a URI or a name such as ":memory:" */
} sqlite;

typedef struct rows {
    mrq_flow flow;
    sqlite *of;
    sqlite3_stmt *statement;
    const char *name;
    mrq_sum *sum;
    char *text; /* CSV */
    size_t size, room;
    bool begun, ended;
} rows;

static mrq_status fail_memory(mrq_error *err)
{
    return mrq_fail_memory(err, "reading a database");
}

/* What SQLite says. A query or file that is wrong is bad; what another time may go well has failed. */
static mrq_status fail_said(const sqlite *s, const char *name, mrq_error *err)
{
    const char *said = mrq_sqlite.errmsg(s->connection);
    switch (mrq_sqlite.errcode(s->connection) & 0xff) {
    case SQLITE_NOMEM:
        return fail_memory(err);
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
    case SQLITE_FULL:
        return mrq_fail(err, MRQ_FAILED, "%s: SQLite: %s: %s", name, s->path, said);
    case SQLITE_TOOBIG:
        return mrq_fail(err, MRQ_BAD_FILE, "%s: a value of more than %zu MB, want columns of ids, numbers and texts", name,
                        MRQ_RECORD_MAX >> 20);
    default:
        return mrq_fail(err, MRQ_BAD_FILE, "%s: SQLite: %s", name, said);
    }
}

static mrq_status fail_query(const rows *r, mrq_error *err)
{
    return fail_said(r->of, r->name, err);
}

/* Adds a value of a row, in quotes where it needs them. */
static mrq_status add_value(rows *r, const char *value, size_t size, bool first, mrq_error *err)
{
    if (mrq_grow(&r->text, &r->room, r->size + 2 * size + 8, 1))
        return fail_memory(err);
    bool quoted = false;
    for (size_t i = 0; i < size && !quoted; i++)
        quoted = value[i] == ',' || value[i] == '"' || value[i] == '\n' || value[i] == '\r';
    char *p = r->text + r->size;
    if (!first)
        *p++ = ',';
    if (quoted)
        *p++ = '"';
    for (size_t i = 0; i < size; i++) {
        if (value[i] == '"')
            *p++ = '"';
        *p++ = value[i];
    }
    if (quoted)
        *p++ = '"';
    r->size = (size_t)(p - r->text);
    return MRQ_OK;
}

/* Adds the line of the names of the columns, or that of the current row. NULL is an empty field. */
static mrq_status add_line(rows *r, bool names, mrq_error *err)
{
    const int n = mrq_sqlite.column_count(r->statement);
    for (int i = 0; i < n; i++) {
        const bool null = !names && mrq_sqlite.column_type(r->statement, i) == SQLITE_NULL;
        const char *value = names ? mrq_sqlite.column_name(r->statement, i) : (const char *)mrq_sqlite.column_text(r->statement, i);
        const size_t size = !value ? 0 : names ? strlen(value) : (size_t)mrq_sqlite.column_bytes(r->statement, i);
        if (!value && !null &&
            (names || mrq_sqlite.errcode(r->of->connection) == SQLITE_NOMEM)) /* a BLOB of no bytes is NULL, too */
            return fail_memory(err);
        MRQ_TRY(add_value(r, value, size, i == 0, err));
    }
    r->text[r->size++] = '\n'; /* there is room: each value left some */
    return MRQ_OK;
}

static mrq_status next_rows(mrq_flow *flow, const char **bytes, size_t *size, mrq_error *err)
{
    rows *r = (rows *)flow;
    r->size = 0;
    if (!r->begun)
        MRQ_TRY(add_line(r, true, err));
    r->begun = true;
    while (r->size < MRQ_FLOW_STEP && !r->ended) {
        const int code = mrq_sqlite.step(r->statement);
        if (code == SQLITE_ROW)
            MRQ_TRY(add_line(r, false, err));
        else if (mrq_database_stopped(flow))
            return mrq_database_fail_stopped(r->name, err);
        else if (code != SQLITE_DONE)
            return fail_query(r, err);
        r->ended = code == SQLITE_DONE;
    }
    if (r->sum)
        mrq_sum_update(r->sum, r->text, r->size);
    *bytes = r->text;
    *size = r->size;
    return MRQ_OK;
}

static int has_to_stop(void *context)
{
    return mrq_database_stopped(context);
}

static void close_rows(mrq_flow *flow)
{
    rows *r = (rows *)flow;
    mrq_sqlite.progress_handler(r->of->connection, 0, NULL, NULL);
    mrq_sqlite.finalize(r->statement);
    mrq_free(r->text);
    free(r);
}

static mrq_status prepare(rows *r, const char *query, mrq_error *err)
{
    const char *rest = "";
    if (mrq_sqlite.prepare_v2(r->of->connection, query, -1, &r->statement, &rest) != SQLITE_OK)
        return fail_query(r, err);
    if (rest[strspn(rest, " \t\r\n;")])
        return mrq_fail(err, MRQ_BAD_FILE, "%s: more than one statement, want one SELECT", r->name);
    if (!r->statement || !mrq_sqlite.stmt_readonly(r->statement) || !mrq_sqlite.column_count(r->statement))
        return mrq_fail(err, MRQ_BAD_FILE, "%s: a statement that gives no rows or that writes, want a SELECT", r->name);
    return MRQ_OK;
}

static mrq_status query_sqlite(mrq_database *database, const char *query, const char *name, mrq_sum *sum, mrq_flow **flow,
                               mrq_error *err)
{
    rows *r = calloc(1, sizeof *r);
    if (!r)
        return fail_memory(err);
    r->flow = (mrq_flow){.next = next_rows, .close = close_rows};
    r->of = (sqlite *)database;
    r->name = name;
    r->sum = sum;
    mrq_sqlite.progress_handler(r->of->connection, STEPS, has_to_stop, &r->flow);
    const mrq_status status = prepare(r, query, err);
    if (status == MRQ_OK)
        *flow = &r->flow;
    else
        close_rows(&r->flow);
    return status;
}

static void close_sqlite(mrq_database *database)
{
    sqlite *s = (sqlite *)database;
    if (s->connection)
        mrq_sqlite.close(s->connection);
    free(s);
}

/* No value may be longer than a record, so none of any size is copied. The first look at the tables begins the snapshot. */
static mrq_status open_file(sqlite *s, const char *path, mrq_error *err)
{
    struct stat st;
    if (stat(path, &st) != 0)
        return mrq_fail_errno(err, "cannot open %s", path);
    if (!S_ISREG(st.st_mode))
        return mrq_fail(err, MRQ_BAD_FILE, "%s is no file, want a database of SQLite", path);
    if ((size_t)snprintf(s->path, sizeof s->path, "%s%s", *path == '/' ? "" : "./", path) >= sizeof s->path)
        return mrq_fail(err, MRQ_USAGE, "the path %.60s... is too long", path);
    const int code = mrq_sqlite.open_v2(s->path, &s->connection, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL);
    if (!s->connection)
        return fail_memory(err);
    (void)mrq_sqlite.limit(s->connection, SQLITE_LIMIT_LENGTH, (int)MRQ_RECORD_MAX);
    if (code != SQLITE_OK || mrq_sqlite.busy_timeout(s->connection, BUSY_MS) != SQLITE_OK ||
        mrq_sqlite.exec(s->connection, "PRAGMA query_only = 1; BEGIN; SELECT count(*) FROM sqlite_schema", NULL, NULL, NULL) !=
            SQLITE_OK)
        return fail_said(s, path, err);
    return MRQ_OK;
}

mrq_status mrq_sqlite_open(const char *path, mrq_database **out, mrq_error *err)
{
    MRQ_TRY(mrq_sqlite_load(err));
    sqlite *s = calloc(1, sizeof *s);
    if (!s)
        return fail_memory(err);
    s->database = (mrq_database){.close = close_sqlite, .query = query_sqlite};
    const mrq_status status = open_file(s, path, err);
    if (status == MRQ_OK)
        *out = &s->database;
    else
        close_sqlite(&s->database);
    return status;
}
