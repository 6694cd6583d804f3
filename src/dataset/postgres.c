/* PostgreSQL: one connection, one transaction that is repeatable and read-only, so all queries see one state of the database. A
 * query is asked by COPY (...) TO STDOUT, which gives CSV, for the same reader as any other file, row by row. It is prepared first:
 * what is one whole statement by itself cannot end the parenthesis that COPY puts around it.
 *
 * Waiting is done in steps of a tenth of a second, so that connecting can be stopped and a query cancelled. A password comes by
 * libpq's own ways, its file (PGPASSFILE) or a service; in an address it would be seen by all users of the machine, so it is
 * refused. libpq is loaded when a database is named. */
#include "dataset/database_private.h"

#include <libpq-fe.h>
#include <math.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/library.h"

#ifdef MRQ_ANALYSER /* it does not see that these are kept by their first members */
#pragma GCC diagnostic ignored "-Wanalyzer-malloc-leak"
#endif

#define WAIT_MS         100
#define CONNECT_SECONDS "10" /* unless the address says connect_timeout */

static struct {
    __typeof__(PQconninfoParse) *parse;
    __typeof__(PQconninfoFree) *free_parsed;
    __typeof__(PQfreemem) *free;
    __typeof__(PQconnectStartParams) *connect;
    __typeof__(PQconnectPoll) *connect_poll;
    __typeof__(PQconninfo) *settings;
    __typeof__(PQfinish) *finish;
    __typeof__(PQstatus) *status;
    __typeof__(PQerrorMessage) *message;
    __typeof__(PQsocket) *socket;
    __typeof__(PQexec) *exec;
    __typeof__(PQsendPrepare) *send_prepare;
    __typeof__(PQsendQuery) *send;
    __typeof__(PQconsumeInput) *consume;
    __typeof__(PQisBusy) *is_busy;
    __typeof__(PQgetResult) *result;
    __typeof__(PQresultStatus) *result_status;
    __typeof__(PQresultErrorField) *result_field;
    __typeof__(PQclear) *clear;
    __typeof__(PQgetCopyData) *copy_data;
    __typeof__(PQgetCancel) *get_cancel;
    __typeof__(PQcancel) *cancel;
    __typeof__(PQfreeCancel) *free_cancel;
} lib;

static mrq_status load(mrq_error *err)
{
    static const mrq_symbol symbols[] = {{"PQconninfoParse", &lib.parse},
                                         {"PQconninfoFree", &lib.free_parsed},
                                         {"PQfreemem", &lib.free},
                                         {"PQconnectStartParams", &lib.connect},
                                         {"PQconnectPoll", &lib.connect_poll},
                                         {"PQconninfo", &lib.settings},
                                         {"PQfinish", &lib.finish},
                                         {"PQstatus", &lib.status},
                                         {"PQerrorMessage", &lib.message},
                                         {"PQsocket", &lib.socket},
                                         {"PQexec", &lib.exec},
                                         {"PQsendPrepare", &lib.send_prepare},
                                         {"PQsendQuery", &lib.send},
                                         {"PQconsumeInput", &lib.consume},
                                         {"PQisBusy", &lib.is_busy},
                                         {"PQgetResult", &lib.result},
                                         {"PQresultStatus", &lib.result_status},
                                         {"PQresultErrorField", &lib.result_field},
                                         {"PQclear", &lib.clear},
                                         {"PQgetCopyData", &lib.copy_data},
                                         {"PQgetCancel", &lib.get_cancel},
                                         {"PQcancel", &lib.cancel},
                                         {"PQfreeCancel", &lib.free_cancel}};
    return mrq_library_load("libpq.so.5", "libpq5", symbols, sizeof symbols / sizeof *symbols, err);
}

typedef struct postgres {
    mrq_database database;
    PGconn *connection;
} postgres;

typedef struct rows {
    mrq_flow flow;
    postgres *of;
    const char *name;
    mrq_sum *sum;
    char *row; /* libpq's */
    bool ended;
} rows;

static mrq_status fail_memory(mrq_error *err)
{
    return mrq_fail_memory(err, "reading a database");
}

/* One line of what the server or libpq says. `result` may be NULL. */
static mrq_status fail_said(const postgres *pg, const PGresult *result, const char *name, mrq_error *err)
{
    const char *said = result ? lib.result_field(result, PG_DIAG_MESSAGE_PRIMARY) : NULL;
    const mrq_status status = lib.status(pg->connection) == CONNECTION_BAD ? MRQ_FAILED : MRQ_BAD_FILE;
    said = said ? said : lib.message(pg->connection);
    while (strncmp(said, "ERROR:", 6) == 0 || strncmp(said, "FATAL:", 6) == 0 || *said == ' ')
        said += *said == ' ' ? 1 : 6;
    return mrq_fail(err, status, "%s: PostgreSQL: %.*s", name, (int)strcspn(said, "\n"), *said ? said : "no answer");
}

static void cancel(const postgres *pg)
{
    char why[256];
    PGcancel *request = lib.get_cancel(pg->connection);
    if (request)
        (void)lib.cancel(request, why, sizeof why);
    lib.free_cancel(request);
}

/* Waits until libpq has something to give. */
static mrq_status wait_for_more(rows *r, mrq_error *err)
{
    struct pollfd ready = {.fd = lib.socket(r->of->connection), .events = POLLIN};
    if (mrq_database_stopped(&r->flow)) {
        cancel(r->of);
        r->ended = true;
        return mrq_database_fail_stopped(r->name, err);
    }
    if (poll(&ready, 1, WAIT_MS) > 0 && !lib.consume(r->of->connection))
        return fail_said(r->of, NULL, r->name, err);
    return MRQ_OK;
}

static mrq_status next_result(rows *r, PGresult **out, mrq_error *err)
{
    while (lib.is_busy(r->of->connection))
        MRQ_TRY(wait_for_more(r, err));
    *out = lib.result(r->of->connection);
    return MRQ_OK;
}

/* The result behind the last row: whether all went well. */
static mrq_status end_rows(rows *r, mrq_error *err)
{
    PGresult *result = NULL;
    r->ended = true;
    MRQ_TRY(next_result(r, &result, err));
    const mrq_status status = lib.result_status(result) == PGRES_COMMAND_OK ? MRQ_OK : fail_said(r->of, result, r->name, err);
    while (result) {
        lib.clear(result);
        MRQ_TRY(next_result(r, &result, err));
    }
    return status;
}

static mrq_status next_row(mrq_flow *flow, const char **bytes, size_t *size, mrq_error *err)
{
    rows *r = (rows *)flow;
    if (r->row)
        lib.free(r->row);
    r->row = NULL;
    *bytes = "";
    *size = 0;
    if (r->ended)
        return MRQ_OK;
    int got;
    while ((got = lib.copy_data(r->of->connection, &r->row, 1)) == 0)
        MRQ_TRY(wait_for_more(r, err));
    if (got == -1)
        return end_rows(r, err);
    if (got < 0)
        return fail_said(r->of, NULL, r->name, err);
    *bytes = r->row;
    *size = (size_t)got;
    if (r->sum)
        mrq_sum_update(r->sum, *bytes, *size);
    return MRQ_OK;
}

/* A query whose rows nobody wants any more is cancelled; the connection is of no further use then. */
static void close_rows(mrq_flow *flow)
{
    rows *r = (rows *)flow;
    if (r->row)
        lib.free(r->row);
    if (!r->ended)
        cancel(r->of);
    free(r);
}

/* The result of a statement that gives no rows. */
static mrq_status run(const postgres *pg, PGresult *result, const char *name, mrq_error *err)
{
    const mrq_status status = lib.result_status(result) == PGRES_COMMAND_OK ? MRQ_OK : fail_said(pg, result, name, err);
    lib.clear(result);
    return status;
}

/* Preparing waits for locks of other sessions, so it must be possible to stop it, too. */
static mrq_status prepare(rows *r, const char *query, mrq_error *err)
{
    PGresult *result = NULL, *rest = NULL;
    if (!lib.send_prepare(r->of->connection, "", query, 0, NULL))
        return fail_said(r->of, NULL, r->name, err);
    MRQ_TRY(next_result(r, &result, err));
    const mrq_status status = run(r->of, result, r->name, err);
    do {
        lib.clear(rest);
        MRQ_TRY(next_result(r, &rest, err));
    } while (rest);
    return status;
}

/* COPY takes no semicolon; a comment at the end of the query must not swallow the parenthesis. */
static mrq_status start_copy(rows *r, const char *query, mrq_error *err)
{
    size_t size = strlen(query);
    while (size && strchr(" \t\r\n;", query[size - 1]))
        size--;
    const size_t room = size + 64;
    MRQ_AUTOFREE char *copy = mrq_array(room, 1);
    if (!copy)
        return fail_memory(err);
    snprintf(copy, room, "COPY (%.*s\n) TO STDOUT (FORMAT csv, HEADER)", (int)size, query);
    PGresult *result = NULL;
    if (!lib.send(r->of->connection, copy))
        return fail_said(r->of, NULL, r->name, err);
    MRQ_TRY(next_result(r, &result, err));
    const mrq_status status = lib.result_status(result) == PGRES_COPY_OUT ? MRQ_OK : fail_said(r->of, result, r->name, err);
    lib.clear(result);
    return status;
}

static mrq_status query_postgres(mrq_database *database, const char *query, const char *name, mrq_sum *sum, mrq_flow **flow,
                                 mrq_error *err)
{
    postgres *pg = (postgres *)database;
    rows *r = calloc(1, sizeof *r);
    if (!r)
        return fail_memory(err);
    r->flow = (mrq_flow){.next = next_row, .close = close_rows};
    r->of = pg;
    r->name = name;
    r->sum = sum;
    mrq_status status = prepare(r, query, err);
    if (status == MRQ_OK)
        status = start_copy(r, query, err);
    if (status == MRQ_OK) {
        *flow = &r->flow;
        return MRQ_OK;
    }
    r->ended = true;
    close_rows(&r->flow);
    return status;
}

static void close_postgres(mrq_database *database)
{
    postgres *pg = (postgres *)database;
    lib.finish(pg->connection);
    free(pg);
}

/* What libpq says of an address may repeat a part of it, and so a password: it is not passed on. */
static mrq_status check_address(const char *address, mrq_error *err)
{
    char *why = NULL;
    PQconninfoOption *parsed = lib.parse(address, &why);
    if (why)
        lib.free(why);
    if (!parsed)
        return mrq_fail(err, MRQ_USAGE, "the address of the database is not valid, want postgresql://USER@HOST:PORT/DATABASE");
    bool secret = false;
    for (const PQconninfoOption *option = parsed; option->keyword; option++)
        secret |= option->val && (strcmp(option->keyword, "password") == 0 || strcmp(option->keyword, "sslpassword") == 0);
    lib.free_parsed(parsed);
    return secret ? mrq_fail(err, MRQ_USAGE,
                             "a password in the address of a database can be seen by all users of this machine: put it into the "
                             "file that $PGPASSFILE names, or into a service: postgresql://?service=NAME")
                  : MRQ_OK;
}

/* Seconds in which the connection must be made, to whichever host of the address; infinite as libpq has it: 0 or less. */
static double patience(const postgres *pg)
{
    double seconds = 0;
    PQconninfoOption *settings = lib.settings(pg->connection);
    for (const PQconninfoOption *option = settings; option && option->keyword; option++)
        if (strcmp(option->keyword, "connect_timeout") == 0 && option->val)
            seconds = atoi(option->val);
    lib.free_parsed(settings);
    return seconds > 0 ? seconds : INFINITY;
}

/* Goes on with connecting, until that is done or has failed, in steps of a tenth of a second. */
static mrq_status wait_for_connection(const postgres *pg, mrq_error *err)
{
    const double seconds = patience(pg), end = mrq_clock() + seconds;
    PostgresPollingStatusType want = PGRES_POLLING_WRITING;
    while (lib.status(pg->connection) != CONNECTION_BAD && (want == PGRES_POLLING_READING || want == PGRES_POLLING_WRITING)) {
        struct pollfd ready = {.fd = lib.socket(pg->connection), .events = want == PGRES_POLLING_READING ? POLLIN : POLLOUT};
        if (mrq_database_stopped(NULL))
            return mrq_fail(err, MRQ_FAILED, "no connection: stopped while waiting for the server");
        if (mrq_clock() > end)
            return mrq_fail(err, MRQ_FAILED, "no connection: PostgreSQL: no answer within %.0f s", seconds);
        if (poll(&ready, 1, WAIT_MS) > 0)
            want = lib.connect_poll(pg->connection);
    }
    return lib.status(pg->connection) == CONNECTION_OK ? MRQ_OK : fail_said(pg, NULL, "no connection", err);
}

/* All texts come as UTF-8, times in UTC. */
static mrq_status begin(postgres *pg, const char *address, mrq_error *err)
{
    const char *const names[] = {"connect_timeout", "dbname", "client_encoding", "fallback_application_name", NULL};
    const char *const values[] = {CONNECT_SECONDS, address, "UTF8", "marquee", NULL};
    pg->connection = lib.connect(names, values, 1);
    if (!pg->connection)
        return fail_memory(err);
    MRQ_TRY(wait_for_connection(pg, err));
    return run(pg,
               lib.exec(pg->connection, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL TimeZone = 'UTC'; "
                                        "SET LOCAL DateStyle = ISO"),
               "no transaction", err);
}

mrq_status mrq_postgres_open(const char *address, mrq_database **out, mrq_error *err)
{
    MRQ_TRY(load(err));
    MRQ_TRY(check_address(address, err));
    postgres *pg = calloc(1, sizeof *pg);
    if (!pg)
        return fail_memory(err);
    pg->database = (mrq_database){.close = close_postgres, .query = query_postgres};
    const mrq_status status = begin(pg, address, err);
    if (status == MRQ_OK)
        *out = &pg->database;
    else
        close_postgres(&pg->database);
    return status;
}
