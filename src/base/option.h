/* Command lines: one table per command, read with getopt_long(); it also prints --help. */
#ifndef MRQ_BASE_OPTION_H
#define MRQ_BASE_OPTION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

#define MRQ_TEXTS_MAX 64

/* The arguments of a repeatable option, in order. */
typedef struct mrq_texts {
    uint32_t n;
    const char *text[MRQ_TEXTS_MAX];
} mrq_texts;

typedef enum mrq_option_type {
    MRQ_OPT_FLAG, /* bool */
    MRQ_OPT_TEXT, /* const char * */
    MRQ_OPT_INT,  /* int64_t within [min, max] */
    MRQ_OPT_REAL, /* double within [min, max] */
    MRQ_OPT_LIST, /* mrq_texts: the option can be repeated, up to max times; max 0: MRQ_TEXTS_MAX */
} mrq_option_type;

typedef struct mrq_option {
    const char *name; /* long name, without dashes; a NULL name ends the table */
    char letter;      /* or 0 */
    mrq_option_type type;
    void *value; /* holds the default on entry; for INT and REAL a default outside the range means "none" and is not printed */
    double min, max;
    const char *meta; /* name of the argument in the help: "DIR" */
    const char *help; /* one sentence; each line end starts a new line */
} mrq_option;

typedef struct mrq_command {
    const char *name;     /* "marquee train" */
    const char *synopsis; /* "--data DIR --out FILE [option...]" */
    const char *about;    /* a paragraph */
    const mrq_option *options;
    int arguments_min, arguments_max; /* number of positional arguments */
    const char *examples;             /* or NULL */
} mrq_command;

/* Reads the options into their values and moves the positional arguments to the end of argv; `*first` is the index of the first.
 * `--help` prints to stdout and sets `*done`. The message of MRQ_USAGE names the option and what it wants. */
MRQ_CHECKED mrq_status mrq_options_read(const mrq_command *command, int argc, char **argv, int *first, bool *done, mrq_error *err);

#endif
