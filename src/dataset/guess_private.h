/* What the parts of guessing share: guess.c says which file is what, guess_events.c and guess_table.c what their columns are,
 * guess_fields.c writes. */
#ifndef MRQ_DATASET_GUESS_PRIVATE_H
#define MRQ_DATASET_GUESS_PRIVATE_H

#include "base/writer.h"
#include "dataset/look.h"

/* A file and the columns that are its ids. */
typedef struct mrq_found {
    mrq_look *look; /* NULL: there is no such file */
    uint32_t id;    /* of a table */
    uint32_t user, item;
    const char *how; /* how the user and the item were told from each other */
} mrq_found;

typedef struct mrq_findings {
    mrq_found events, users, items;
    mrq_noun noun;
    const char *name; /* of the schema */
    mrq_writer *schema, *report;
} mrq_findings;

/* Writes the schema's lines for events, with the "like" before them, and for users or items, and what it decided to the report. */
void mrq_guess_events(mrq_findings *findings);
void mrq_guess_table(mrq_findings *findings, const mrq_found *found, bool items);

/* The fields of one file in the schema, from left to right. */
typedef struct mrq_fields {
    const mrq_findings *findings;
    const mrq_look *look;
    uint32_t written; /* columns that were */
    bool any;
} mrq_fields;

void mrq_fields_open(const mrq_findings *findings, const char *key, const mrq_look *look);
void mrq_fields_close(mrq_fields *fields);

/* Begins a field of column `i`, which mrq_fields_end() ends. */
void mrq_fields_put(mrq_fields *fields, uint32_t i, const char *name, const char *kind);
void mrq_fields_end(const mrq_fields *fields);

/* Adds a text as a JSON string. */
void mrq_guess_quote(mrq_writer *out, const char *text);

/* Lines of the report: about a file, of which each line is one of `what`; about a column. */
void mrq_say_file(const mrq_findings *findings, const mrq_look *look, const char *what);
void mrq_say_column(const mrq_findings *findings, const mrq_look *look, uint32_t i, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

#endif
