/* What the files of a data set hold, as a JSON file says it.
 *
 *   {"name": "ml-1m", "about": "...", "noun": ["movie", "movies"], "like": {"from": 4},
 *    "users": FILE, "items": FILE, "events": FILE}
 *   Users and items that have no file are made from the events. "noun" is what people call one item and several; default "item" and
 *   "items". "like" says which events are likes: {"from": NUMBER} those of that value or more (of counts: before the logarithm),
 *   "all" every event; default of ratings those above or at the middle of their range, of counts all, of actions those of the least
 *   weight above 0 or more. Of several ratings of one user and item the latest counts; of equal times the last in the file. In a
 *   schema of version 1 the files are called "users", "movies" (which is then the noun) and "ratings".
 *   FILE = {"file": "users.dat", "delimiter": "::", "header": false, "encoding": "utf-8", "quoted": false, "escape": "\\",
 *           "null": ["NULL", "-"],
 *           "fields": [FIELD, ...]}
 *   or {"file": "train.txt", "format": "lists", "delimiter": " "} for events alone: a line is a user and items, each an event;
 *   or {"file": "events.jsonl", "format": "json-lines", "fields": [...]}: a line is an object, "column" a path in it: "user.id". A
 *   set is a list, or a text with a delimiter;
 *   or {"file": "votes.csv", "format": "matrix", "delimiter": ",", "none": "99", "fields": [...]} for events: a line is a user, a
 *   column an item, called by the header or by its number, a cell the value; empty cells and "none" are no events. The fields are
 *   the columns before those of the items, to be ignored or the user, and the rating, which all others are. Without a user the
 *   lines are numbered.
 *   "file" may stand for several: in "events-*.csv" * is any number of characters, and ? would be one. They are read in the order
 *   of their names, each with a header of its own. "-" is standard input, for events alone.
 *   Users and items may have "join": [FILE, ...] beside "file", or alone: files of more columns whose "id" finds the row. Where an
 *   id has several rows, all columns are sets, and a set needs no delimiter.
 *   {"query": "SELECT ...", "null": [...], "fields": [...]} asks a database: the columns are found by their names in the result; a
 *   field without "column" has its own name there.
 *   The file may be compressed by gzip or zstd; its first bytes tell. "encoding" is any name that iconv knows. "null" lists texts
 *   that mean unknown, in all fields but ids; a field may have a "null" of its own. An empty number or category is unknown too. An
 *   unknown category is a value of its own, "unknown".
 *   "unlisted": "take", of users and items: ids that only events have are rows too, of which nothing is known; default "refuse".
 *   FIELD = {"name": ..., "kind": ..., "column": ..., and by kind:
 *     "column" is a name in the file's header; columns that no field names are ignored, and the order does not matter. Without it
 *     fields stand in the order of the file. All fields of a file have a column or none has.
 *     id         users and items: "id"; events: "user" and "item", or "movie". A text, 1 to 255 bytes of UTF-8.
 *                "whole": true where 39.0 means 39: so programs write a column of numbers that had gaps
 *     category   "values": [...] and "labels": [...], or "buckets": [lower bounds] and "labels"; else discovered and sorted
 *     set        "delimiter": "|" and maybe "none", the text that means no member, or "values"; else "flags": [names], one for each
 *                of as many columns of 0 and 1
 *     text       "split": "words" | "characters", "extract": {"year": REGEX}: the match is no word, its first group is the number.
 *                At most 255 bytes, of few repetitions within each other
 *     number     empty: unknown
 *     rating     the value of an event; "min" and "max" are the range it must be in, default the range found. Texts of "null" say
 *                that there is no event. A file of events may have no value: each event counts 1.
 *     count      in place of a rating: how often or how long, 0 or more; 0 is no event. Counts of one user and item are added, and
 *                the value is the logarithm of 1 + their sum
 *     action     in place of a rating: what was done, "weights": {"view": 1, "cart": 3, "purchase": 5}. Each must be named; the
 *                weight 0 leaves it out, and one below 0 says that somebody does not like the item. Weights of one user and item
 *                are added
 *     timestamp  "unit": "seconds" (since 1970, default), "milliseconds", "microseconds", "iso" (ISO 8601; without a zone UTC), or
 *                {"format": "%d/%m/%Y %H:%M"}: as for strptime() in English; UTC without %z
 *     ignore     needs no name}
 * header, encoding, quoted, null and split may be absent: no header, utf-8, no quotes, no such text, words. */
#ifndef MRQ_DATASET_SCHEMA_H
#define MRQ_DATASET_SCHEMA_H

#include <regex.h>
#include <stdbool.h>

#include "base/error.h"
#include "base/table.h"

#define MRQ_FIELDS_MAX  256 /* columns of a file */
#define MRQ_JOINS_MAX   16  /* files that are joined to a table */
#define MRQ_HEADER_NAME 127 /* bytes of a column's name in a header */

typedef enum mrq_field_kind {
    MRQ_FIELD_ID,
    MRQ_FIELD_CATEGORY,
    MRQ_FIELD_SET,
    MRQ_FIELD_TEXT,
    MRQ_FIELD_NUMBER,
    MRQ_FIELD_RATING,
    MRQ_FIELD_COUNT,
    MRQ_FIELD_ACTION,
    MRQ_FIELD_TIMESTAMP,
    MRQ_FIELD_IGNORE,
} mrq_field_kind;

typedef enum mrq_time_unit { MRQ_TIME_SECONDS, MRQ_TIME_MILLISECONDS, MRQ_TIME_MICROSECONDS, MRQ_TIME_ISO } mrq_time_unit;

typedef struct mrq_field {
    char name[MRQ_COLUMN_NAME]; /* "" for an ignored field without a name */
    mrq_strings null;           /* texts that mean unknown, in addition to those of the file */
    const char *column;         /* its name in the header, or path in an object; NULL: fields are in the order of the columns */
    mrq_field_kind kind;
    uint32_t place, width;         /* its first column in the file, and the number of its columns */
    mrq_strings values;            /* category, set: given, or n = 0 for discovered; action: the names */
    const double *weight;          /* action: (values.n) of each */
    mrq_strings labels;            /* category: one for each value, or n = 0 */
    const double *bound;           /* category by buckets: (values.n) ascending; else NULL */
    bool flags;                    /* set: `width` = values.n columns of 0 and 1 */
    const char *delimiter;         /* set, without flags */
    const char *none;              /* set: the text that means the empty set, or NULL */
    bool characters;               /* text: split into characters, not words */
    char extract[MRQ_COLUMN_NAME]; /* text: name of the number column made by `pattern`, or "" */
    regex_t *pattern;              /* or NULL */
    double min, max;               /* rating; NAN: the range found */
    mrq_time_unit unit;            /* timestamp */
    const char *format;            /* timestamp: as for strptime(), in place of a unit; or NULL */
    bool whole;                    /* id: 39.0 is 39 */
} mrq_field;

typedef enum mrq_format {
    MRQ_DELIMITED,
    MRQ_LISTS,      /* a line is a user and any number of items */
    MRQ_JSON_LINES, /* an object a line; columns are paths in it */
    MRQ_MATRIX,     /* a line is a user, a column an item */
} mrq_format;

typedef struct mrq_file_schema {
    const char *query; /* of a database, or NULL; then `file` is "events.query", to be named in messages */
    const char *file;  /* name in the folder, perhaps of several, or "-"; NULL when the schema has no such file */
    const char *delimiter;
    bool header, quoted;
    bool take;   /* ids that only events have are rows, too, of which nothing is known */
    char escape; /* in quoted fields stands before a quote and before itself; 0: none */
    mrq_format format;
    const char *none;               /* matrix: the text of a cell without a value; NULL: empty ones alone */
    const char *encoding;           /* to be converted from; NULL: UTF-8 */
    bool by_column;                 /* fields are found by the header's names */
    mrq_strings null;               /* texts that mean unknown */
    uint32_t n_fields, width;       /* `width` columns in the file */
    mrq_field *field;               /* (n_fields) */
    bool is_joined;                 /* to a table: a set may have a row for each member */
    uint32_t n_joined;              /* of users and items: files of more columns, whose rows are found by their ids */
    struct mrq_file_schema *joined; /* (n_joined) */
} mrq_file_schema;

/* Read-only once parsed; may be shared by threads. */
typedef struct mrq_schema {
    mrq_arena *arena; /* owns everything below */
    char name[MRQ_COLUMN_NAME];
    const char *about;
    mrq_noun noun;    /* of the items */
    double like_from; /* the least value that is a like; NAN: the default; -INFINITY: all events */
    mrq_file_schema users, items, events;
} mrq_schema;

/* Parses a schema from JSON. `source` names the text in messages: MRQ_BAD_FILE `ml-1m.json: users.fields[2].kind: "foo", want
 * ...`. */
MRQ_CHECKED mrq_status mrq_schema_parse(const char *text, size_t size, const char *source, mrq_schema **out, mrq_error *err);

/* Loads a shipped schema by name, or else a file by path. MRQ_NOT_FOUND when there is neither. */
MRQ_CHECKED mrq_status mrq_schema_load(const char *name_or_path, mrq_schema **out, mrq_error *err);

/* Finds the folder's own schema.json, or else the first shipped schema whose files are all in the folder and whose first records
 * are valid. MRQ_NOT_FOUND when the folder does not exist or every schema lacks a file, else MRQ_BAD_FILE. The message says what
 * was tried and why it failed, or the error of the only schema whose files are all there. */
MRQ_CHECKED mrq_status mrq_schema_recognise(const char *folder, mrq_schema **out, mrq_error *err);

/* The field that is the value of events, of kind rating, count or action; NULL when they have none. */
const mrq_field *mrq_schema_value(const mrq_file_schema *events);

/* The first field of a kind, with this name unless `name` is NULL; NULL when there is none. */
const mrq_field *mrq_schema_field(const mrq_file_schema *file, mrq_field_kind kind, const char *name);

/* The id of the item in a file of ratings, "item" or "movie". */
const mrq_field *mrq_schema_item(const mrq_file_schema *ratings);

void mrq_schema_free(mrq_schema *schema);
MRQ_DEFINE_CLEANUP(mrq_schema, mrq_schema_free)

#endif
