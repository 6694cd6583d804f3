/* The live database in SQLite. A commit is synced (synchronous=FULL), so a change that was acknowledged survives a power cut.
 *
 * SQLite reports a full disk, a size limit and an I/O error of any statement or of the commit; then the transaction is undone. */
#include "live/database.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/id.h"
#include "base/json.h"
#include "base/sqlite.h"
#include "live/live.h"

#define APPLICATION_ID 0x4d52514c /* "MRQL", which `file` shows */
#define BUSY_MS        2000       /* how long to wait for a program that has locked the database */

enum {
    ADD_EVENT,
    FIND_EVENT,
    DROP_EVENT,
    DROP_PAIR,
    PUT_USER,
    DROP_EVENTS,
    DROP_USER,
    ERASE,
    PUT_ITEM,
    DROP_ITEM,
    KEEP_LAST,
    STATEMENTS
};

static const char *const texts[STATEMENTS] = {
    [ADD_EVENT] = "INSERT INTO events (seq, user, item, kind, value, time, id) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)"
                  " ON CONFLICT (id) DO NOTHING",
    [FIND_EVENT] = "SELECT seq, user FROM events WHERE id = ?1",
    [DROP_EVENT] = "DELETE FROM events WHERE seq = ?1",
    [DROP_PAIR] = "DELETE FROM events WHERE user = ?1 AND item = ?2",
    [PUT_USER] = "INSERT INTO users (id, seq, features) VALUES (?1, ?2, ?3)"
                 " ON CONFLICT (id) DO UPDATE SET seq = ?2, features = ?3",
    [DROP_EVENTS] = "DELETE FROM events WHERE user = ?1",
    [DROP_USER] = "DELETE FROM users WHERE id = ?1",
    [ERASE] = "INSERT INTO erased (id, seq, time) VALUES (?1, ?2, ?3) ON CONFLICT (id) DO UPDATE SET seq = ?2, time = ?3",
    [PUT_ITEM] = "INSERT INTO items (id, seq, hidden, expires) VALUES (?1, ?2, ?3, ?4)"
                 " ON CONFLICT (id) DO UPDATE SET seq = ?2, hidden = ?3, expires = ?4",
    [DROP_ITEM] = "DELETE FROM items WHERE id = ?1",
    [KEEP_LAST] = "INSERT INTO meta (key, value) VALUES ('last', ?1) ON CONFLICT (key) DO UPDATE SET value = ?1",
};

static const char layout[] =
    "CREATE TABLE meta (key TEXT PRIMARY KEY, value) WITHOUT ROWID;"
    "CREATE TABLE events (seq INTEGER PRIMARY KEY, user TEXT NOT NULL, item TEXT NOT NULL, kind TEXT, value REAL,"
    " time INTEGER NOT NULL, id TEXT UNIQUE);"
    "CREATE INDEX events_of_user ON events (user);"
    "CREATE TABLE users (id TEXT PRIMARY KEY, seq INTEGER NOT NULL, features TEXT NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE items (id TEXT PRIMARY KEY, seq INTEGER NOT NULL, hidden INTEGER NOT NULL, expires INTEGER) WITHOUT ROWID;"
    "CREATE TABLE erased (id TEXT PRIMARY KEY, seq INTEGER NOT NULL, time INTEGER NOT NULL) WITHOUT ROWID;"
    "INSERT INTO meta VALUES ('last', 0);";

struct mrq_live_database {
    sqlite3 *connection;
    sqlite3_stmt *statement[STATEMENTS];
    uint64_t last, kept; /* the last number that was given, and that is on disk */
    bool erases;         /* the log may hold what has been erased */
    char path[4096];     /* never taken for a URI or a name such as ":memory:" */
    const char *name;    /* of the path, as it was given */
    dev_t device;        /* which file it is */
    ino_t number;
};

uint64_t mrq_live_database_last(const mrq_live_database *d)
{
    return d->kept;
}

/* What SQLite says, as mrq_live_post() and mrq_live_open() tell it. */
static mrq_status fail_said(mrq_live_database *d, mrq_error *err)
{
    const char *said = mrq_sqlite.errmsg(d->connection);
    switch (mrq_sqlite.errcode(d->connection) & 0xff) {
    case SQLITE_NOMEM:
        return mrq_fail_memory(err, "using the live database");
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return mrq_fail(err, MRQ_UNAVAILABLE, "%s: another program has locked it, try again", d->name);
    case SQLITE_FULL:
        return mrq_fail(err, MRQ_FAILED, "no room: %s: %s; free space on the disk, or raise --live-size", d->name, said);
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return mrq_fail(err, MRQ_BAD_FILE, "%s: SQLite: %s", d->name, said);
    case SQLITE_READONLY:
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
        return mrq_fail(err, MRQ_USAGE, "%s: SQLite: %s; want a file that this process may write, in a folder that it may write",
                        d->name, said);
    default:
        return mrq_fail(err, MRQ_FAILED, "%s: SQLite: %s", d->name, said);
    }
}

static mrq_status run(mrq_live_database *d, const char *sql, mrq_error *err)
{
    return mrq_sqlite.exec(d->connection, sql, NULL, NULL, NULL) == SQLITE_OK ? MRQ_OK : fail_said(d, err);
}

/* The number that a statement gives. */
static mrq_status ask(mrq_live_database *d, const char *sql, int64_t *out, mrq_error *err)
{
    sqlite3_stmt *statement = NULL;
    if (mrq_sqlite.prepare_v2(d->connection, sql, -1, &statement, NULL) != SQLITE_OK)
        return fail_said(d, err);
    const mrq_status status = mrq_sqlite.step(statement) == SQLITE_ROW ? MRQ_OK : fail_said(d, err);
    if (status == MRQ_OK && mrq_sqlite.column_type(statement, 0) != SQLITE_NULL)
        *out = mrq_sqlite.column_int64(statement, 0);
    mrq_sqlite.finalize(statement);
    return status;
}

static uint64_t size_of(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 ? (uint64_t)st.st_size : 0;
}

static uint64_t log_bytes(const mrq_live_database *d)
{
    char path[sizeof d->path + 4];
    snprintf(path, sizeof path, "%s-wal", d->path);
    return size_of(path);
}

uint64_t mrq_live_database_bytes(const mrq_live_database *d)
{
    return size_of(d->path) + log_bytes(d);
}

/* Makes the tables in a new file; refuses one of another program or version. */
static mrq_status check_layout(mrq_live_database *d, mrq_error *err)
{
    int64_t version = 0, application = 0, tables = 0;
    char sql[sizeof layout + 120];
    MRQ_TRY(ask(d, "SELECT count(*) FROM sqlite_schema", &tables, err));
    MRQ_TRY(ask(d, "PRAGMA user_version", &version, err));
    MRQ_TRY(ask(d, "PRAGMA application_id", &application, err));
    if (!tables && !version && !application) {
        snprintf(sql, sizeof sql, "BEGIN IMMEDIATE; PRAGMA application_id = %d; PRAGMA user_version = %d; %s COMMIT",
                 APPLICATION_ID, MRQ_LIVE_VERSION, layout);
        return run(d, sql, err);
    }
    if (application != APPLICATION_ID)
        return mrq_fail(err, MRQ_BAD_FILE, "%s: a database of another program, want a live database of Marquee or a new file",
                        d->name);
    if (version != MRQ_LIVE_VERSION)
        return mrq_fail(err, MRQ_BAD_FILE, "%s: a live database of version %lld, want version %d", d->name, (long long)version,
                        MRQ_LIVE_VERSION);
    return MRQ_OK;
}

static mrq_status limit_size(mrq_live_database *d, uint64_t most_bytes, mrq_error *err)
{
    int64_t page = 4096;
    char sql[80];
    MRQ_TRY(ask(d, "PRAGMA page_size", &page, err));
    snprintf(sql, sizeof sql, "PRAGMA max_page_count = %llu", (unsigned long long)(most_bytes / (uint64_t)page));
    return run(d, sql, err);
}

static mrq_status prepare(mrq_live_database *d, mrq_error *err)
{
    for (int i = 0; i < STATEMENTS; i++)
        if (mrq_sqlite.prepare_v2(d->connection, texts[i], -1, &d->statement[i], NULL) != SQLITE_OK)
            return fail_said(d, err);
    return MRQ_OK;
}

static mrq_status connect(mrq_live_database *d, const char *path, int flags, mrq_error *err)
{
    if ((size_t)snprintf(d->path, sizeof d->path, "%s%s", *path == '/' ? "" : "./", path) >= sizeof d->path)
        return mrq_fail(err, MRQ_USAGE, "the path %.60s... is too long", path);
    d->name = d->path + (*path == '/' ? 0 : 2);
    const int code = mrq_sqlite.open_v2(d->path, &d->connection, flags | SQLITE_OPEN_NOMUTEX, NULL);
    if (!d->connection)
        return mrq_fail_memory(err, "opening the live database");
    if (code != SQLITE_OK)
        return fail_said(d, err);
    (void)mrq_sqlite.busy_timeout(d->connection, BUSY_MS);
    return MRQ_OK;
}

static mrq_status read_last(mrq_live_database *d, mrq_error *err)
{
    int64_t last = 0;
    MRQ_TRY(ask(d, "SELECT value FROM meta WHERE key = 'last'", &last, err));
    d->last = d->kept = (uint64_t)last;
    return MRQ_OK;
}

static mrq_status open_file(mrq_live_database *d, const char *path, uint64_t most_bytes, mrq_error *err)
{
    MRQ_TRY(connect(d, path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, err));
    MRQ_TRY(run(d, "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA secure_delete = ON", err));
    MRQ_TRY(check_layout(d, err));
    MRQ_TRY(limit_size(d, most_bytes, err));
    MRQ_TRY(read_last(d, err));
    /* After a crash the log may hold what was erased just before. */
    (void)mrq_sqlite.exec(d->connection, "PRAGMA wal_checkpoint(TRUNCATE)", NULL, NULL, NULL);
    struct stat st;
    if (stat(d->path, &st) != 0)
        return mrq_fail_errno(err, "cannot open %s", d->name);
    d->device = st.st_dev;
    d->number = st.st_ino;
    return prepare(d, err);
}

static mrq_status open_snapshot(mrq_live_database *d, const char *path, mrq_error *err)
{
    struct stat st;
    if (stat(path, &st) != 0)
        return mrq_fail_errno(err, "cannot open %s", path);
    MRQ_TRY(connect(d, path, SQLITE_OPEN_READONLY, err));
    MRQ_TRY(run(d, "PRAGMA query_only = 1; BEGIN", err));
    MRQ_TRY(check_layout(d, err));
    return read_last(d, err);
}

mrq_status mrq_live_database_open_snapshot(const char *path, mrq_live_database **out, mrq_error *err)
{
    MRQ_TRY(mrq_sqlite_load(err));
    mrq_live_database *d = calloc(1, sizeof *d);
    if (!d)
        return mrq_fail_memory(err, "opening the live database");
    const mrq_status status = open_snapshot(d, path, err);
    if (status == MRQ_OK)
        *out = d;
    else
        mrq_live_database_close(d);
    return status;
}

mrq_status mrq_live_database_open(const char *path, uint64_t most_bytes, mrq_live_database **out, mrq_error *err)
{
    MRQ_TRY(mrq_sqlite_load(err));
    mrq_live_database *d = calloc(1, sizeof *d);
    if (!d)
        return mrq_fail_memory(err, "opening the live database");
    const mrq_status status = open_file(d, path, most_bytes, err);
    if (status == MRQ_OK)
        *out = d;
    else
        mrq_live_database_close(d);
    return status;
}

void mrq_live_database_close(mrq_live_database *d)
{
    if (!d)
        return;
    for (int i = 0; i < STATEMENTS; i++)
        mrq_sqlite.finalize(d->statement[i]);
    if (d->connection)
        mrq_sqlite.close(d->connection);
    free(d);
}

/* A file that was removed or replaced could be written to, but nobody would find it after a restart. */
mrq_status mrq_live_database_begin(mrq_live_database *d, mrq_error *err)
{
    struct stat st;
    if (stat(d->path, &st) != 0 || st.st_dev != d->device || st.st_ino != d->number)
        return mrq_fail(err, MRQ_FAILED, "%s has been removed or replaced; start the service again", d->name);
    return run(d, "BEGIN IMMEDIATE", err);
}

void mrq_live_database_undo(mrq_live_database *d)
{
    (void)mrq_sqlite.exec(d->connection, "ROLLBACK", NULL, NULL, NULL); /* a failed commit may have done it already */
    d->last = d->kept;
}

static void bind_text(sqlite3_stmt *statement, int place, const char *text)
{
    if (text)
        (void)mrq_sqlite.bind_text(statement, place, text, -1, SQLITE_STATIC);
    else
        (void)mrq_sqlite.bind_null(statement, place);
}

static void bind_whole(sqlite3_stmt *statement, int place, int64_t value)
{
    (void)mrq_sqlite.bind_int64(statement, place, value);
}

/* Runs a statement that gives no rows; `*changes` (may be NULL) is the number of rows that it changed. */
static mrq_status step(mrq_live_database *d, int which, int *changes, mrq_error *err)
{
    sqlite3_stmt *statement = d->statement[which];
    const mrq_status status = mrq_sqlite.step(statement) == SQLITE_DONE ? MRQ_OK : fail_said(d, err);
    if (changes && status == MRQ_OK)
        *changes = mrq_sqlite.changes(d->connection);
    (void)mrq_sqlite.reset(statement);
    return status;
}

mrq_status mrq_live_database_commit(mrq_live_database *d, mrq_error *err)
{
    if (d->last != d->kept) {
        bind_whole(d->statement[KEEP_LAST], 1, (int64_t)d->last);
        MRQ_TRY(step(d, KEEP_LAST, NULL, err));
    }
    MRQ_TRY(run(d, "COMMIT", err));
    d->kept = d->last;
    /* What was erased is overwritten in the file; the log is emptied as well. A reader may be in the way: then the next commit
     * tries again. */
    if (d->erases && mrq_sqlite.exec(d->connection, "PRAGMA wal_checkpoint(TRUNCATE)", NULL, NULL, NULL) == SQLITE_OK)
        d->erases = log_bytes(d) > 0;
    return MRQ_OK;
}

static mrq_status add_event(mrq_live_database *d, const mrq_change *c, const char *kind, uint64_t seq, int *changes, mrq_error *err)
{
    sqlite3_stmt *s = d->statement[ADD_EVENT];
    bind_whole(s, 1, (int64_t)seq);
    bind_text(s, 2, c->user);
    bind_text(s, 3, c->item);
    bind_text(s, 4, kind);
    if (isnan(c->value))
        (void)mrq_sqlite.bind_null(s, 5);
    else
        (void)mrq_sqlite.bind_double(s, 5, c->value);
    bind_whole(s, 6, c->time);
    bind_text(s, 7, c->id);
    return step(d, ADD_EVENT, changes, err);
}

/* Removes the event of an id; `*seq` and `user` say which it was. */
static mrq_status drop_event(mrq_live_database *d, const mrq_change *c, int *changes, uint64_t *seq, char *user, mrq_error *err)
{
    sqlite3_stmt *s = d->statement[FIND_EVENT];
    bind_text(s, 1, c->id);
    const int code = mrq_sqlite.step(s);
    const bool found = code == SQLITE_ROW;
    const mrq_status status = found || code == SQLITE_DONE ? MRQ_OK : fail_said(d, err);
    if (found) {
        *seq = (uint64_t)mrq_sqlite.column_int64(s, 0);
        snprintf(user, MRQ_ID_BYTES + 1, "%s", (const char *)mrq_sqlite.column_text(s, 1));
    }
    (void)mrq_sqlite.reset(s);
    *changes = 0;
    if (status != MRQ_OK || !found)
        return status;
    bind_whole(d->statement[DROP_EVENT], 1, (int64_t)*seq);
    return step(d, DROP_EVENT, changes, err);
}

static mrq_status drop_pair(mrq_live_database *d, const mrq_change *c, uint64_t seq, int *changes, mrq_error *err)
{
    bind_text(d->statement[DROP_PAIR], 1, c->user);
    bind_text(d->statement[DROP_PAIR], 2, c->item);
    MRQ_TRY(step(d, DROP_PAIR, NULL, err));
    return add_event(d, c, MRQ_KIND_FORGET, seq, changes, err);
}

static mrq_status erase_user(mrq_live_database *d, const mrq_change *c, uint64_t seq, int64_t now, int *changes, mrq_error *err)
{
    char id[MRQ_ERASED_ID];
    d->erases = true;
    bind_text(d->statement[DROP_EVENTS], 1, c->user);
    MRQ_TRY(step(d, DROP_EVENTS, NULL, err));
    bind_text(d->statement[DROP_USER], 1, c->user);
    MRQ_TRY(step(d, DROP_USER, NULL, err));
    mrq_live_erased_id(c->user, id);
    bind_text(d->statement[ERASE], 1, id);
    bind_whole(d->statement[ERASE], 2, (int64_t)seq);
    bind_whole(d->statement[ERASE], 3, now);
    return step(d, ERASE, changes, err);
}

static mrq_status put_user(mrq_live_database *d, const mrq_change *c, uint64_t seq, int *changes, mrq_error *err)
{
    bind_text(d->statement[PUT_USER], 1, c->user);
    bind_whole(d->statement[PUT_USER], 2, (int64_t)seq);
    bind_text(d->statement[PUT_USER], 3, c->text);
    return step(d, PUT_USER, changes, err);
}

static mrq_status put_item(mrq_live_database *d, const mrq_change *c, uint64_t seq, int *changes, mrq_error *err)
{
    sqlite3_stmt *s = d->statement[PUT_ITEM];
    bind_text(s, 1, c->item);
    bind_whole(s, 2, (int64_t)seq);
    bind_whole(s, 3, c->hidden);
    if (c->time == MRQ_NO_TIME)
        (void)mrq_sqlite.bind_null(s, 4);
    else
        bind_whole(s, 4, c->time);
    return step(d, PUT_ITEM, changes, err);
}

mrq_status mrq_live_database_change(mrq_live_database *d, const mrq_change *c, int64_t now, bool *changed, uint64_t *seq,
                                    char user[MRQ_ID_BYTES + 1], mrq_error *err)
{
    int changes = 0;
    *seq = d->last + 1;
    switch (c->what) {
    case MRQ_ADD_EVENT:
        MRQ_TRY(add_event(d, c, c->kind, *seq, &changes, err));
        break;
    case MRQ_DROP_EVENT:
        MRQ_TRY(drop_event(d, c, &changes, seq, user, err));
        *changed = changes > 0;
        return MRQ_OK; /* takes no number of its own */
    case MRQ_DROP_PAIR:
        MRQ_TRY(drop_pair(d, c, *seq, &changes, err));
        break;
    case MRQ_PUT_USER:
        MRQ_TRY(put_user(d, c, *seq, &changes, err));
        break;
    case MRQ_ERASE_USER:
        MRQ_TRY(erase_user(d, c, *seq, now, &changes, err));
        break;
    case MRQ_PUT_ITEM:
        MRQ_TRY(put_item(d, c, *seq, &changes, err));
        break;
    case MRQ_DROP_ITEM:
        bind_text(d->statement[DROP_ITEM], 1, c->item);
        MRQ_TRY(step(d, DROP_ITEM, &changes, err));
        break;
    }
    *changed = changes > 0;
    d->last += *changed;
    return MRQ_OK;
}

/* --- Reading it all --- */

/* A text of a row that somebody else may have written: NULL is "". */
static const char *text_at(sqlite3_stmt *s, int column)
{
    const char *text = (const char *)mrq_sqlite.column_text(s, column);
    return text ? text : "";
}

static bool is_null(sqlite3_stmt *s, int column)
{
    return mrq_sqlite.column_type(s, column) == SQLITE_NULL;
}

static void read_event(sqlite3_stmt *s, mrq_change *out)
{
    const char *kind = is_null(s, 3) ? NULL : text_at(s, 3);
    const bool forgets = kind && strcmp(kind, MRQ_KIND_FORGET) == 0;
    *out = (mrq_change){.what = forgets ? MRQ_DROP_PAIR : MRQ_ADD_EVENT,
                        .user = text_at(s, 1),
                        .item = text_at(s, 2),
                        .kind = kind,
                        .value = is_null(s, 4) ? (double)NAN : mrq_sqlite.column_double(s, 4),
                        .time = mrq_sqlite.column_int64(s, 5)};
}

static void read_user(sqlite3_stmt *s, mrq_change *out)
{
    *out = (mrq_change){.what = MRQ_PUT_USER, .user = text_at(s, 1), .text = text_at(s, 2)};
}

static void read_erased(sqlite3_stmt *s, mrq_change *out)
{
    *out = (mrq_change){.what = MRQ_ERASE_USER, .user = text_at(s, 1), .time = mrq_sqlite.column_int64(s, 2)};
}

static void read_item(sqlite3_stmt *s, mrq_change *out)
{
    *out = (mrq_change){.what = MRQ_PUT_ITEM,
                        .item = text_at(s, 1),
                        .hidden = mrq_sqlite.column_int64(s, 2) != 0,
                        .time = is_null(s, 3) ? MRQ_NO_TIME : mrq_sqlite.column_int64(s, 3)};
}

static bool is_object(const char *text)
{
    MRQ_CLEANUP(cJSON_Delete) cJSON *json = cJSON_Parse(text);
    return cJSON_IsObject(json);
}

static bool is_id(const char *id)
{
    return !id || mrq_id_is_valid(id, strlen(id));
}

/* Whether a row is one that this program has written: anybody may read the database, but only one may write. */
static mrq_status check_row(const mrq_live_database *d, const mrq_change *c, uint64_t seq, mrq_error *err)
{
    if (is_id(c->user) && is_id(c->item) && (c->what != MRQ_PUT_USER || is_object(c->text)))
        return MRQ_OK;
    return mrq_fail(err, MRQ_BAD_FILE, "%s: change %llu, of \"%.40s\": nothing that this program has written", d->name,
                    (unsigned long long)seq, c->user ? c->user : c->item);
}

mrq_status mrq_live_database_read(mrq_live_database *d, uint64_t mark,
                                  mrq_status (*take)(void *context, const mrq_change *change, uint64_t seq, mrq_error *err),
                                  void *context, mrq_error *err)
{
    static const struct {
        const char *sql;
        void (*read)(sqlite3_stmt *s, mrq_change *out);
    } tables[] = {
        {"SELECT seq, id, time FROM erased WHERE ?1 IS NOT NULL", read_erased}, /* before what is newer */
        {"SELECT seq, id, features FROM users WHERE ?1 IS NOT NULL", read_user},
        {"SELECT seq, id, hidden, expires FROM items WHERE ?1 IS NOT NULL", read_item},
        {"SELECT seq, user, item, kind, value, time FROM events WHERE seq > ?1 ORDER BY seq", read_event},
    };
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
        sqlite3_stmt *s = NULL;
        mrq_status status =
            mrq_sqlite.prepare_v2(d->connection, tables[i].sql, -1, &s, NULL) == SQLITE_OK ? MRQ_OK : fail_said(d, err);
        if (status == MRQ_OK)
            bind_whole(s, 1, (int64_t)mark);
        for (int code; status == MRQ_OK && (code = mrq_sqlite.step(s)) != SQLITE_DONE;) {
            mrq_change change;
            if (code == SQLITE_ROW) {
                const uint64_t seq = (uint64_t)mrq_sqlite.column_int64(s, 0);
                tables[i].read(s, &change);
                status = check_row(d, &change, seq, err);
                if (status == MRQ_OK)
                    status = take(context, &change, seq, err);
            } else {
                status = fail_said(d, err);
            }
        }
        mrq_sqlite.finalize(s);
        MRQ_TRY(status);
    }
    return MRQ_OK;
}

mrq_status mrq_live_database_ask(mrq_live_database *d, const char *sql, int64_t *out, mrq_error *err)
{
    return ask(d, sql, out, err);
}

mrq_status mrq_live_database_check(mrq_live_database *d, mrq_error *err)
{
    sqlite3_stmt *statement = NULL;
    mrq_status status = MRQ_OK;
    if (mrq_sqlite.prepare_v2(d->connection, "PRAGMA integrity_check(1)", -1, &statement, NULL) != SQLITE_OK)
        return fail_said(d, err);
    if (mrq_sqlite.step(statement) != SQLITE_ROW)
        status = fail_said(d, err);
    else if (strcmp(text_at(statement, 0), "ok") != 0)
        status = mrq_fail(err, MRQ_BAD_FILE, "%s: SQLite: %.200s", d->name, text_at(statement, 0));
    mrq_sqlite.finalize(statement);
    return status;
}

mrq_status mrq_live_database_copy(mrq_live_database *d, const char *copy, mrq_error *err)
{
    mrq_live_database to = {.connection = NULL};
    mrq_status status = connect(&to, copy, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, err);
    sqlite3_backup *backup = status == MRQ_OK ? mrq_sqlite.backup_init(to.connection, "main", d->connection, "main") : NULL;
    if (status == MRQ_OK && (!backup || mrq_sqlite.backup_step(backup, -1) != SQLITE_DONE))
        status = fail_said(&to, err);
    if (backup && mrq_sqlite.backup_finish(backup) != SQLITE_OK && status == MRQ_OK)
        status = fail_said(&to, err);
    if (status == MRQ_OK)
        status = run(&to, "PRAGMA journal_mode = DELETE", err); /* one file */
    if (to.connection)
        mrq_sqlite.close(to.connection);
    if (status != MRQ_OK)
        unlink(to.path);
    return status;
}
