/* A rating data set in memory: users, items and ratings, read through a schema. */
#ifndef MRQ_DATASET_DATASET_H
#define MRQ_DATASET_DATASET_H

#include "base/meaning.h"
#include "base/table.h"
#include "dataset/bad.h"
#include "dataset/newer.h"
#include "dataset/schema.h"

typedef struct mrq_dataset {
    mrq_arena *arena; /* owns the following arrays */
    char schema[MRQ_COLUMN_NAME];
    mrq_table *users, *items;
    uint64_t n;                    /* events, in the order of the file: one of each user and item */
    uint64_t n_train;              /* of two files, the events of the one to train on, which are the first; else 0 */
    const uint32_t *user;          /* (n) row in users */
    const uint32_t *item;          /* (n) row in items */
    const float *rating;           /* (n) the value; of a count the logarithm of 1 + count */
    const int64_t *time;           /* (n) seconds since 1970, 0 if unknown; NULL when the schema has none */
    double rating_min, rating_max; /* the range that the schema allows, or that was found; 1 and 1 where events have no value */
    double like;                   /* events of this value or more are likes; -INFINITY: all */
    double like_from;              /* the same in the units of the file */
    uint64_t live_mark;            /* changes of a live database up to this number are among the events; 0: none */
    mrq_meaning meaning;           /* the same, for events to come */
    uint64_t likes;                /* how many events are */
    uint64_t repeated;             /* records of a user and an item that have another one: one event was made of them */
    uint64_t newer;                /* of the events of `newer`, how many were taken */
    uint64_t left_out;             /* records whose value says that there was no event */
    uint64_t fingerprint;          /* checksum of the bytes of all files */
} mrq_dataset;

/* Reads a folder, or a database by the schema's queries: database.h says how one is addressed. `schema` NULL: recognise a shipped
 * one (see schema.h). If the schema has no users file, users come from the ratings and have no features; otherwise a rating by an
 * unknown user is an error, as is a rating of an unknown item. MRQ_NOT_FOUND for a missing folder or file, MRQ_BAD_FILE with
 * "file:line: what, want what" for bad content. */
MRQ_CHECKED mrq_status mrq_dataset_load(const char *folder, const mrq_schema *schema, mrq_dataset **out, mrq_error *err);

/* What was read, for the log: "schema=ml-1m users=6040 items=3883 ratings=1000209 like_from=3 likes=836478". */
#define MRQ_DATASET_TOLD 256
const char *mrq_dataset_tell(const mrq_dataset *data, char out[MRQ_DATASET_TOLD]);

/* The same, where rows that do not fit may be left out: `bad` says how many, and gets the counts. The list of them, if it names a
 * file for it, is written whether or not reading succeeds; the log tells of those that were left out. MRQ_BAD_FILE when there are
 * more. `bad` NULL: none. */
MRQ_CHECKED mrq_status mrq_dataset_load_most(const char *folder, const mrq_schema *schema, mrq_bad *bad, mrq_dataset **out,
                                             mrq_error *err);

/* The same with newer events behind those of the files. Users whom the files do not have get a row, events of items that they do
 * not have are left out, unless the schema takes them. A like of newer events is worth the least value that is one, or of ratings
 * the highest; a dislike the lowest. */
MRQ_CHECKED mrq_status mrq_dataset_load_newer(const char *folder, const mrq_schema *schema, mrq_bad *bad, const mrq_newer *newer,
                                              mrq_dataset **out, mrq_error *err);

/* An event of a file, as its schema reads it. */
typedef struct mrq_read_event {
    const char *user, *item; /* ids, valid during the call */
    double value;            /* of a count the count itself, of an action its weight, 1 without a value */
    int64_t time;            /* seconds since 1970, 0 if unknown */
} mrq_read_event;

/* Calls take() for each event of a file of the form of the schema's events, in its order, without regard to users and items files;
 * stops when that fails. Statuses of mrq_dataset_load(). */
MRQ_CHECKED mrq_status mrq_events_read(const char *path, const mrq_schema *schema, mrq_bad *bad,
                                       mrq_status (*take)(void *context, const mrq_read_event *event, mrq_error *err),
                                       void *context, mrq_error *err);

/* The same with events from two files, of the form of the schema's: first those to train on, `train`, then those to test, `test`;
 * data->n_train divides them. Each of the two has one event of a user and an item. The folder has the other files of the schema. */
MRQ_CHECKED mrq_status mrq_dataset_load_two(const char *folder, const mrq_schema *schema, const char *train, const char *test,
                                            mrq_bad *bad, mrq_dataset **out, mrq_error *err);

void mrq_dataset_free(mrq_dataset *data);
MRQ_DEFINE_CLEANUP(mrq_dataset, mrq_dataset_free)

#endif
