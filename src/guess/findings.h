/* What the parts of guessing share: the findings so far, what a column is to others, and the lines of schema and report. Private to
 * the guess room. */
#ifndef MRQ_GUESS_FINDINGS_H
#define MRQ_GUESS_FINDINGS_H

#include "base/writer.h"
#include "guess/look.h"

/* A file and the columns that are its ids. */
typedef struct mrq_found {
    mrq_look *look; /* NULL: there is no such file */
    uint32_t id;    /* of a table */
    uint32_t user, item;
    const char *how; /* how the user and the item were told from each other */
} mrq_found;

/* A file whose rows are found by the ids of another. */
typedef struct mrq_found_join {
    mrq_look *look;
    uint32_t id;
    bool items;   /* or else users */
    bool several; /* an id has several rows, so that each column is a set */
} mrq_found_join;

typedef struct mrq_findings {
    mrq_found events, users, items;
    uint32_t n_joined;
    mrq_found_join joined[2 * MRQ_JOINS_MAX];
    mrq_noun noun;
    const char *name; /* of the schema */
    mrq_writer *schema, *report;
} mrq_findings;

/* Writes the schema's lines for events, with the "like" before them, and for users or items, and what it decided to the report. */
void mrq_guess_events(mrq_findings *findings);
void mrq_guess_table(mrq_findings *findings, bool items);

/* The median of a column's numbers. Without memory the writers fail, and with them all. */
double mrq_guess_median(const mrq_findings *findings, const mrq_look *look, uint32_t i);

/* The column of the time of events, or look->columns. */
uint32_t mrq_guess_find_time(const mrq_findings *findings, const mrq_look *look, uint32_t user, uint32_t item);

/* The "unit" of a column for the schema, as JSON; false when it cannot be used as the time. The report says which. */
#define MRQ_GUESS_UNIT 80
bool mrq_guess_time(const mrq_findings *findings, const mrq_look *look, uint32_t i, char out[MRQ_GUESS_UNIT]);

/* Finds files to join among those that are not used yet; `events_too` (n): it could be events as well. */
void mrq_guess_joins(mrq_look *look, const bool *events_too, uint32_t n, mrq_findings *findings);

/* Whether a column of a joined file, with several rows an id, can be a set. */
bool mrq_guess_many(const mrq_look *look, uint32_t i);

/* The ids of users or items: of their table, or of the events. */
const mrq_look_column *mrq_guess_ids(const mrq_findings *findings, bool items);

/* How many ids of the events their table lacks, as far as it is known; the first of them. */
uint32_t mrq_guess_lacking(const mrq_findings *findings, bool items, const char **missing);

/* Why a column of users or items tells nothing; NULL when it may. */
const char *mrq_guess_no_use(const mrq_look *look, uint32_t i, char out[120]);

/* Whether more than a tenth of a file's lines do not fit; fewer can be left out. */
static inline bool mrq_guess_broken(const mrq_look *look)
{
    return 10 * look->bad > look->rows + look->bad + 10;
}

/* Whether each value of a column is another one. */
bool mrq_guess_is_unique(const mrq_look *look, uint32_t i);

/* How many of the ids are among the values; the first that is not. */
uint32_t mrq_guess_contained(const mrq_look_column *ids, const mrq_look_column *values, const char **missing);

/* Whether the name of a file says that it is of users, or of items; and what items are called. */
mrq_role mrq_guess_file_role(const mrq_look *look, mrq_noun *noun);

/* What the name of a file says beside that: "author" of book_author.dat; "" when it says nothing. */
void mrq_guess_file_word(const char *file, char out[MRQ_COLUMN_NAME]);

/* The fields of one file in the schema, from left to right. */
typedef struct mrq_fields {
    const mrq_findings *findings;
    const mrq_look *look;
    uint32_t written; /* columns that were */
    bool any;
} mrq_fields;

/* From the file's name on, without the brackets around all. */
void mrq_fields_open(const mrq_findings *findings, const mrq_look *look);
void mrq_fields_close(mrq_fields *fields);

/* Begins a field of column `i`, which mrq_fields_end() ends. */
void mrq_fields_put(mrq_fields *fields, uint32_t i, const char *name, const char *kind);
void mrq_fields_end(const mrq_fields *fields);

/* Adds the texts of column `i` that mean unknown, and `more` unless NULL, to its field. */
void mrq_fields_null(const mrq_fields *fields, uint32_t i, const char *more);

/* Adds a text as a JSON string. */
void mrq_guess_quote(mrq_writer *out, const char *text);

/* For the report: "; 3 unknown", or nothing. */
const char *mrq_guess_unknown(const mrq_look_column *column, char out[48]);

/* For the report, of an id for which mrq_look_pointed(). */
#define MRQ_SAY_POINTED ", written as 39.0, which is 39"

/* What people see of a column: its name, or its place. */
#define MRQ_GUESS_SHOWN (MRQ_HEADER_NAME + 16)
const char *mrq_guess_shown(const mrq_look *look, uint32_t i, char out[MRQ_GUESS_SHOWN]);

/* Lines of the report: about a file, of which each line is one of `what`; about a column. */
void mrq_say_file(const mrq_findings *findings, const mrq_look *look, const char *what);
void mrq_say_column(const mrq_findings *findings, const mrq_look *look, uint32_t i, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

#endif
