/* What the parts of guessing share: guess.c says which file is what, guess_columns.c what the columns of a file are. */
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

/* Adds a text as a JSON string. */
void mrq_guess_quote(mrq_writer *out, const char *text);

#endif
