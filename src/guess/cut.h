/* Records of a sample whose layout is not known for sure, and how to find it. Private to the guess room. */
#ifndef MRQ_GUESS_CUT_H
#define MRQ_GUESS_CUT_H

#include "guess/look.h"

#define MRQ_TRIAL 2000 /* records to try a layout on */

typedef struct mrq_cutter {
    const mrq_look *look;
    const char *at, *end;
    uint64_t line, first; /* of `at`, and of the current record */
    const char *delimiter;
    bool quoted;
    char escape;
    bool broken;  /* the current record's quotes are wrong, or it is no object of JSON */
    uint32_t n;   /* its fields, counted beyond what there is room for */
    uint32_t any; /* fields in quotes so far */
    mrq_span field[MRQ_FIELDS_MAX];

    /* Of a matrix, whose records are the user, the item and the value of each cell that has one: */
    bool in_line;
    uint32_t cell;   /* the next one of the line */
    uint64_t lines;  /* so far, with the current one */
    char number[24]; /* its number, the user where no column has it */
    mrq_span user;
} mrq_cutter;

/* Stands before the first record of a look's sample, which ends with a NUL. */
mrq_cutter mrq_cutter_of(const mrq_look *look, const char *delimiter, bool quoted);

/* The next record that is no empty line; false at the end. */
bool mrq_cut(mrq_cutter *cutter);

/* Finds delimiter, quotes, columns and lists; false when there are none. */
bool mrq_look_layout(mrq_look *look);

/* Whether some field of the first line is a name that tells its role. */
bool mrq_look_names(const mrq_look *look);

#endif
