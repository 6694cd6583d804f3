/* The database on disk. Private to the room. For one thread at a time. */
#ifndef MRQ_LIVE_DATABASE_H
#define MRQ_LIVE_DATABASE_H

#include "live/live.h"

#define MRQ_LIVE_VERSION 1

typedef struct mrq_live_database mrq_live_database;

/* Opens it, and makes it where there is none. Statuses of mrq_live_open(); the lock is its caller's. */
MRQ_CHECKED mrq_status mrq_live_database_open(const char *path, uint64_t most_bytes, mrq_live_database **out, mrq_error *err);
void mrq_live_database_close(mrq_live_database *database); /* NULL is legal */

uint64_t mrq_live_database_last(const mrq_live_database *database);
uint64_t mrq_live_database_bytes(const mrq_live_database *database);

/* A transaction. Between the two, mrq_live_database_change() makes changes; `*changed` tells whether it made one, and `*seq` is its
 * number, or of MRQ_DROP_EVENT that of the event, whose user is then written to `user`. After a failure the transaction is to be
 * undone: then nothing of it has happened. Statuses of mrq_live_post(). */
MRQ_CHECKED mrq_status mrq_live_database_begin(mrq_live_database *database, mrq_error *err);
MRQ_CHECKED mrq_status mrq_live_database_change(mrq_live_database *database, const mrq_change *change, int64_t now, bool *changed,
                                                uint64_t *seq, char user[MRQ_ID_BYTES + 1], mrq_error *err);
MRQ_CHECKED mrq_status mrq_live_database_commit(mrq_live_database *database, mrq_error *err);
void mrq_live_database_undo(mrq_live_database *database);

/* Calls take() for what is in it: users, items and erasures all, events those newer than `mark` by number. The user of an erasure
 * is mrq_live_erased_id(). A text is valid during the call. Stops when take() fails. MRQ_BAD_FILE for a row that this program has
 * not written. */
MRQ_CHECKED mrq_status mrq_live_database_read(mrq_live_database *database, uint64_t mark,
                                              mrq_status (*take)(void *context, const mrq_change *change, uint64_t seq,
                                                                 mrq_error *err),
                                              void *context, mrq_error *err);

/* The answer to a question of one number; `*out` is unchanged where that is NULL. */
MRQ_CHECKED mrq_status mrq_live_database_ask(mrq_live_database *database, const char *sql, int64_t *out, mrq_error *err);

/* The first problem that SQLite finds in the file; MRQ_BAD_FILE. */
MRQ_CHECKED mrq_status mrq_live_database_check(mrq_live_database *database, mrq_error *err);

/* Copies it into a file. */
MRQ_CHECKED mrq_status mrq_live_database_copy(mrq_live_database *database, const char *copy, mrq_error *err);

/* Opens it for reading alone, beside a service that writes to it, and begins a snapshot; its last number is
 * mrq_live_database_last(). MRQ_NOT_FOUND where there is none; other statuses of mrq_live_open(). */
MRQ_CHECKED mrq_status mrq_live_database_open_snapshot(const char *path, mrq_live_database **out, mrq_error *err);

#endif
