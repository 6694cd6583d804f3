/* Records and fields of a delimited file, checked as they are read. Private to the dataset room. */
#ifndef MRQ_DATASET_READER_H
#define MRQ_DATASET_READER_H

#include "base/dict.h"
#include "dataset/bad.h"
#include "dataset/database.h"
#include "dataset/newer.h"
#include "dataset/schema.h"
#include "dataset/source.h"

/* A field without its quotes and what they add. */
typedef struct mrq_span {
    const char *text;
    size_t size;
} mrq_span;

/* Where a data set is. */
typedef struct mrq_origin {
    const char *folder;
    mrq_database *database;   /* or NULL: files of the folder */
    mrq_bad *bad;             /* rows that do not fit are left out and counted here; NULL: they are refused */
    const char *train, *test; /* paths of two files of events in place of the schema's; NULL: none */
    const mrq_newer *newer;   /* newer events than those of the files; NULL: none */
} mrq_origin;

/* One of the files that a schema's "file" stands for. */
typedef struct mrq_part {
    const char *name; /* in messages */
    mrq_source source;
    uint32_t columns; /* in the file */
    uint16_t *place;  /* (columns) by header: the field that a column is, or NO_FIELD */
} mrq_part;

typedef struct mrq_reader {
    const mrq_file_schema *schema;
    mrq_origin from;
    size_t block;                   /* set before opening: that of the sources */
    bool again;                     /* records are read a second time */
    mrq_dict *names;                /* of the files, in ascending order */
    mrq_part *part;                 /* (names) */
    mrq_part *now;                  /* the one that is read */
    mrq_sum sum;                    /* of the bytes of the files */
    const char *at, *end;           /* what is left of the window */
    const char *began;              /* where the current record begins */
    bool starved;                   /* the record goes on behind the window */
    uint64_t line;                  /* the first line of the current record, from 1; of a query the row behind the header */
    uint64_t next_line;             /* line of `at` */
    bool stop[256];                 /* bytes with a special meaning */
    mrq_span field[MRQ_FIELDS_MAX]; /* (schema->width) fields of the current record; they point into the window or to `text` */
    bool coded;                     /* some field of the record has quotes within */
    char *text;                     /* fields of the record without those */
    size_t room;                    /* of `text` */
    bool whole;                     /* some field is an id that is a whole number */
    bool in_list;                   /* lists: the current line has more items */
    struct mrq_json_lines *json;    /* of such a file */
    struct mrq_matrix *matrix;      /* of such a file */
} mrq_reader;

/* Finds the files, opens the first one, skips a byte order mark and reads the header; the next one is opened when the records of
 * one have been read. With `again` all stays in memory, and mrq_reader_seek() can go back. `reader` is zeroed but for `block`;
 * borrows the schema and what `from` points to. MRQ_NOT_FOUND for a missing file; MRQ_BAD_FILE when the header lacks a column of
 * the schema. */
MRQ_CHECKED mrq_status mrq_reader_open(mrq_reader *reader, const mrq_origin *from, const mrq_file_schema *schema, bool again,
                                       mrq_error *err);
void mrq_reader_close(mrq_reader *reader); /* allowed on a zeroed reader */
static inline void mrq_reader_close_cleanup(mrq_reader *reader)
{
    mrq_reader_close(reader);
}

/* Reads the next record, whose fields stay until the next call; `*more` is false after the last one. All fields are without NUL and
 * valid UTF-8. Records that cannot be cut are left out if the origin says so; then reading goes on at the next line. */
MRQ_CHECKED mrq_status mrq_reader_next(mrq_reader *reader, bool *more, mrq_error *err);

/* To be called when a record that was cut does not fit: MRQ_OK when it is left out, else the failure, `status` and `why`. */
MRQ_CHECKED mrq_status mrq_reader_leave_out(mrq_reader *reader, mrq_status status, const mrq_error *why, mrq_error *err);

/* To be called when all records were read and none was refused: MRQ_BAD_FILE when too many were left out. From here on, when
 * records are read again, none is. */
MRQ_CHECKED mrq_status mrq_reader_judge(mrq_reader *reader, mrq_error *err);

/* Where the current record is. After a seek to it mrq_reader_next() gives it again. */
typedef struct mrq_mark {
    const char *at;
    uint64_t line;
    mrq_part *part;
} mrq_mark;
mrq_mark mrq_reader_mark(const mrq_reader *reader);
void mrq_reader_seek(mrq_reader *reader, const mrq_mark *mark);

/* MRQ_FAILED: the current file was changed while it was read. */
mrq_status mrq_reader_changed(const mrq_reader *reader, mrq_error *err);

/* What messages about all of the files call them. */
const char *mrq_reader_name(const mrq_reader *reader);

/* Writes "file:line", of a query "events.query, row 7". */
#define MRQ_PLACE 300
const char *mrq_reader_place(const mrq_reader *reader, const mrq_part *part, uint64_t line, char out[MRQ_PLACE]);

/* Returns MRQ_BAD_FILE with the current record's place and a message. The reason is that a row does not fit for; that of
 * mrq_reader_fail() is a value. */
mrq_status mrq_reader_refuse(const mrq_reader *reader, mrq_bad_reason reason, mrq_error *err, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
#define mrq_reader_fail(reader, err, ...) mrq_reader_refuse(reader, MRQ_BAD_VALUE, err, __VA_ARGS__)

/* The same for a text that is none of the field's values: with those. */
mrq_status mrq_reader_fail_values(const mrq_reader *reader, const mrq_field *field, mrq_span text, mrq_error *err);

/* Whether a field is one of the texts that mean unknown, and whether it is that or empty. */
bool mrq_reader_is_named_null(const mrq_reader *reader, const mrq_field *field);
bool mrq_reader_is_null(const mrq_reader *reader, const mrq_field *field);

/* MRQ_BAD_FILE unless the field is a valid id; see base/id.h. */
MRQ_CHECKED mrq_status mrq_reader_check_id(const mrq_reader *reader, const mrq_field *field, mrq_span id, mrq_error *err);

/* Formats bytes of a file for a message: a number as it is, anything else in quotes; at most 40 bytes, those that are not printable
 * ASCII as \xNN. */
#define MRQ_SHOWN 176
const char *mrq_show(mrq_span span, char out[MRQ_SHOWN]);

/* The bytes of a text without the ".0" behind a whole number. */
size_t mrq_whole_size(mrq_span span);

#endif
