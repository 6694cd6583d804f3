/* SQLite, loaded when a database is first opened, so that commands that need none do not wait for it. */
#ifndef MRQ_BASE_SQLITE_H
#define MRQ_BASE_SQLITE_H

#include <sqlite3.h>

#include "base/error.h"

#define MRQ_SQLITE(X)                                                                                                              \
    X(backup_finish)                                                                                                               \
    X(backup_init)                                                                                                                 \
    X(backup_step)                                                                                                                 \
    X(bind_double)                                                                                                                 \
    X(bind_int64)                                                                                                                  \
    X(bind_null)                                                                                                                   \
    X(bind_text)                                                                                                                   \
    X(busy_timeout)                                                                                                                \
    X(changes)                                                                                                                     \
    X(close)                                                                                                                       \
    X(column_bytes)                                                                                                                \
    X(column_count)                                                                                                                \
    X(column_double)                                                                                                               \
    X(column_int64)                                                                                                                \
    X(column_name)                                                                                                                 \
    X(column_text)                                                                                                                 \
    X(column_type)                                                                                                                 \
    X(errcode)                                                                                                                     \
    X(errmsg)                                                                                                                      \
    X(exec)                                                                                                                        \
    X(extended_errcode)                                                                                                            \
    X(finalize)                                                                                                                    \
    X(last_insert_rowid)                                                                                                           \
    X(limit)                                                                                                                       \
    X(open_v2)                                                                                                                     \
    X(prepare_v2)                                                                                                                  \
    X(progress_handler)                                                                                                            \
    X(reset)                                                                                                                       \
    X(step)                                                                                                                        \
    X(stmt_readonly)                                                                                                               \
    X(system_errno)

/* Its functions: sqlite3_step() is mrq_sqlite.step(). */
#define MRQ_SQLITE_MEMBER(name) __typeof__(sqlite3_##name) *name;
extern struct mrq_sqlite {
    MRQ_SQLITE(MRQ_SQLITE_MEMBER)
} mrq_sqlite;

/* To be called before any of the functions; a second call does nothing. MRQ_FAILED when the library is not installed. */
MRQ_CHECKED mrq_status mrq_sqlite_load(mrq_error *err);

#endif
