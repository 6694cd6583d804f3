/* What has happened since the serving generation was made: events, what is newly known of users, items that are hidden. It lies in
 * one SQLite database, and folded in memory, where queries read it.
 *
 * Tables of the database, which anybody may read (WAL: readers and the writer do not wait for each other):
 *   events (seq, user, item, kind, value, time, id)  kind or value may be NULL; time in seconds since 1970; ids are unique.
 *                             kind "forget": what was known of this user and item until then does not count
 *   users  (id, seq, features)  a JSON object of texts, names of the users' columns and values, in place of the data's own
 *   items  (id, seq, hidden, expires)  hidden 0 or 1; expires in seconds since 1970, or NULL
 *   erased (id, seq, time)    users of whom nothing counts that is older; the id is mrq_live_erased_id() of theirs
 *   meta   (key, value)       "last": the last number that was given as a seq
 * PRAGMA user_version is the version of this layout. Every change gets the next number, its `seq`. A generation's manifest says up
 * to which number it knows the changes, its mark; only later ones count for a query of that generation. So a crash
 * at any moment can neither lose a change nor count it twice.
 *
 * One process has the database open for writing: FILE.lock says which. */
#ifndef MRQ_LIVE_LIVE_H
#define MRQ_LIVE_LIVE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/meaning.h"
#include "base/table.h"

#define MRQ_LIVE_BYTES_DEFAULT ((uint64_t)16 << 30)
#define MRQ_LIVE_BYTES_MIN     ((uint64_t)1 << 20)
#define MRQ_LIVE_OF_USER       10000        /* pending events of a user that count for answers: the newest by number */
#define MRQ_LIVE_FEATURES      64           /* of a user */
#define MRQ_LIVE_TIME_MAX      253402300799 /* the end of the year 9999 */

typedef struct mrq_live mrq_live;

/* What stands for the id of a user who has been erased, in whose place nothing may tell who it was: the first 32 digits of its
 * SHA-256. */
#define MRQ_ERASED_ID 33
void mrq_live_erased_id(const char *user, char out[MRQ_ERASED_ID]);

/* --- Changes --- */

typedef enum mrq_change_kind {
    MRQ_ADD_EVENT,  /* user, item, kind or value or neither, time, id; an id that is there already changes nothing */
    MRQ_DROP_EVENT, /* id */
    MRQ_DROP_PAIR,  /* user, item: the person has never had the item */
    MRQ_PUT_USER,   /* user, text: the features, all of them */
    MRQ_ERASE_USER, /* user: everything that is known of him */
    MRQ_PUT_ITEM,   /* item, hidden, time: when it expires, or MRQ_NO_TIME */
    MRQ_DROP_ITEM,  /* item: neither hidden nor expiring */
} mrq_change_kind;

#define MRQ_NO_TIME INT64_MIN

/* Texts are borrowed. Ids are checked by whoever makes a change: mrq_id_is_valid(). */
typedef struct mrq_change {
    mrq_change_kind what;
    const char *user, *item;
    const char *kind; /* of an event, or NULL */
    const char *id;   /* of an event, or NULL */
    const char *text; /* a JSON object */
    double value;     /* of an event, or NaN */
    int64_t time;
    bool hidden;
} mrq_change;

/* Changes that are made together or not at all. The poster owns it, and what it points to, until `done` is called. */
typedef struct mrq_post {
    uint32_t n;
    const mrq_change *change;                           /* (n) */
    void (*done)(void *context, struct mrq_post *post); /* from another thread, which it must not hold up */
    void *context;
    /* Set before `done`. */
    uint32_t changed; /* how many changed something; the others repeat what was there, or drop what was not */
    mrq_error error;  /* MRQ_OK: it is on disk, and counts for every later query */
    struct mrq_post *next;
} mrq_post;

/* --- Opening --- */

/* Opens the database, which is made if it does not exist, and folds what is newer than `mark`. `most_bytes` is the largest size of
 * the file. MRQ_FAILED if another process has it open; MRQ_BAD_FILE for a file that is no such database, that is damaged or of
 * another version; MRQ_USAGE if it cannot be written to. */
MRQ_CHECKED mrq_status mrq_live_open(const char *path, uint64_t most_bytes, uint64_t mark, mrq_live **out, mrq_error *err);

/* Waits until all posts are done. NULL is legal. */
void mrq_live_close(mrq_live *live);

/* MRQ_BAD_FILE unless the database has all that a generation of this mark knows. */
MRQ_CHECKED mrq_status mrq_live_check(mrq_live *live, uint64_t mark, mrq_error *err);

/* Folds anew what is newer than `mark`, which must be called when a generation of another mark serves. Posts wait meanwhile. */
MRQ_CHECKED mrq_status mrq_live_settle(mrq_live *live, uint64_t mark, mrq_error *err);

/* --- Writing --- */

/* Queues a post, whose `done` is called when it is on disk or has failed: MRQ_UNAVAILABLE when the database is locked by a program
 * or too many posts wait; MRQ_FAILED with a message that begins with "no room" when the disk or the database is full. All that is
 * waiting is committed together. Thread-safe. */
void mrq_live_post(mrq_live *live, mrq_post *post);

/* The same, and waits. */
MRQ_CHECKED mrq_status mrq_live_post_now(mrq_live *live, mrq_post *post, mrq_error *err);

/* --- Reading --- */

/* What a person's live events say of an item. */
typedef enum mrq_opinion {
    MRQ_HAD,     /* nothing, but he has it */
    MRQ_NEUTRAL, /* that it is not one of his likes */
    MRQ_LIKED,
    MRQ_DISLIKED,
    MRQ_FORGOTTEN, /* that what was known before does not count; the first that is no event of his */
} mrq_opinion;

typedef struct mrq_said {
    uint32_t row; /* of the items */
    mrq_opinion opinion;
} mrq_said;

/* What is newly known of a person. */
typedef struct mrq_live_person {
    bool erased; /* what the generation knows of him does not count */
    uint32_t n;
    mrq_said *said; /* (n) each item once, the newest last */
    uint32_t n_features;
    char **feature;  /* (n_features) "NAME=VALUE", by name */
    uint64_t digest; /* of all this: equal where it is equal, in every process; 0: nothing is known */
} mrq_live_person;
void mrq_live_person_clear(mrq_live_person *person); /* legal on a zeroed struct */

/* What is known of a user beyond a generation of this mark, meaning and items; items that those do not have are left out. */
MRQ_CHECKED mrq_status mrq_live_look(mrq_live *live, uint64_t mark, const mrq_meaning *meaning, const mrq_table *items,
                                     const char *user, mrq_live_person *out, mrq_error *err);

/* Numbers that change with what is known of a user, and of items; the same within this process while nothing has changed. */
typedef struct mrq_live_version {
    uint64_t user, items;
} mrq_live_version;
mrq_live_version mrq_live_version_of(mrq_live *live, const char *user); /* `user` may be NULL */

/* The rows of the items that are hidden or have expired, ascending. Freed with mrq_free(). */
MRQ_CHECKED mrq_status mrq_live_hidden(mrq_live *live, const mrq_table *items, uint32_t **row, uint32_t *n, mrq_error *err);

typedef struct mrq_live_stats {
    uint64_t last;            /* the number of the last change */
    uint64_t events;          /* that are newer than the mark */
    uint64_t users, items;    /* of which something is known */
    uint64_t posted, commits; /* changes and commits since it was opened */
    uint64_t failed;          /* posts that failed */
    uint64_t bytes;           /* of the database */
    int64_t newest;           /* time of the newest event, or MRQ_NO_TIME */
} mrq_live_stats;
void mrq_live_measure(mrq_live *live, mrq_live_stats *out);

/* --- Over night --- */

/* One state of a database, for a rebuild beside the service that writes to it. For one thread. */
typedef struct mrq_live_snapshot mrq_live_snapshot;

/* MRQ_NOT_FOUND where there is none; other statuses of mrq_live_open(). */
MRQ_CHECKED mrq_status mrq_live_snapshot_open(const char *path, mrq_live_snapshot **out, mrq_error *err);
void mrq_live_snapshot_close(mrq_live_snapshot *snapshot); /* NULL is legal */
MRQ_DEFINE_CLEANUP(mrq_live_snapshot, mrq_live_snapshot_close)
uint64_t mrq_live_snapshot_mark(const mrq_live_snapshot *snapshot);
bool mrq_live_snapshot_erased(const mrq_live_snapshot *snapshot, const char *user, size_t size);

/* Calls take() for all that is in it, erasures, users and items first and then events by number: MRQ_ADD_EVENT, and MRQ_DROP_PAIR
 * for what is to be forgotten. Stops when that fails. */
MRQ_CHECKED mrq_status mrq_live_snapshot_read(mrq_live_snapshot *snapshot,
                                              mrq_status (*take)(void *context, const mrq_change *change, uint64_t seq,
                                                                 mrq_error *err),
                                              void *context, mrq_error *err);

/* Copies a database to a new file, one state of it, while a service writes to it. MRQ_USAGE when the new file exists. */
MRQ_CHECKED mrq_status mrq_live_backup(const char *path, const char *copy, mrq_error *err);

/* What a database holds. */
typedef struct mrq_live_contents {
    uint64_t last, events, newer, users, items, erased; /* newer: of the events, those newer than a mark */
    int64_t oldest, newest;                             /* times of events, or MRQ_NO_TIME */
} mrq_live_contents;

/* Checks all of a database, every page and every row, as `deep` says, and counts. MRQ_BAD_FILE for damage. */
MRQ_CHECKED mrq_status mrq_live_verify(const char *path, uint64_t mark, bool deep, mrq_live_contents *out, mrq_error *err);

#endif
