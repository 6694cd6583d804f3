/* What a file of a folder looks like: its encoding, delimiter, quotes, header, and what its columns hold. Private to the guess
 * room. */
#ifndef MRQ_GUESS_LOOK_H
#define MRQ_GUESS_LOOK_H

#include "base/dict.h"
#include "dataset/hints.h"
#include "dataset/reader.h"

#define MRQ_LOOK_FIRST  ((size_t)6 << 20) /* bytes from the beginning of a file */
#define MRQ_LOOK_BLOCKS 4                 /* and so many blocks, spread over the rest */
#define MRQ_LOOK_BLOCK  ((size_t)512 << 10)

/* Texts that people write for an unknown value. */
extern const char *const mrq_unknown_texts[]; /* NULL-terminated, at most 32 */

/* Members within a text. */
typedef struct mrq_look_set {
    char delimiter[2];
    uint64_t texts;   /* values that have the delimiter */
    uint64_t members; /* of all values */
    mrq_dict *dict;
} mrq_look_set;

#define MRQ_LOOK_SETS 3

/* A column, as far as it was looked at. */
typedef struct mrq_look_column {
    char name[MRQ_HEADER_NAME + 1]; /* in the header, else "" */
    mrq_role role;                  /* that the name tells */
    bool findable;                  /* the name can be a field's "column" */
    bool nameless;                  /* in a file with a header, such as a counter of lines: no field can be it */
    const char *unfit;              /* JSON: why no field can be it; a static text, or NULL */
    uint64_t lists;                 /* JSON: values that are lists, of set[0]; their members are the values */
    uint64_t n;                     /* values that are neither empty nor unknown */
    uint64_t empty, unknown;        /* unknown: of mrq_unknown_texts */
    uint32_t unknown_texts;         /* a bit for each that was seen */
    uint64_t numbers, wholes;       /* of the n; 3.0 is whole */
    uint64_t codes;                 /* digits with a zero before them, such as 007 */
    uint64_t zeros;                 /* of the numbers */
    uint64_t points;                /* whole numbers written as 39.0 */
    uint64_t digits;                /* values that have one */
    uint64_t dates;                 /* ISO 8601 */
    uint64_t years;                 /* values that end in (1994) */
    uint64_t addresses, brackets;   /* values such as http://x, and such as ['a', 'b'] */
    uint64_t bytes, longest;        /* of the n */
    double min, max;                /* of the numbers */
    char word[32];                  /* the first value that is no number, perhaps cut */
    mrq_dict *values;               /* distinct */
    mrq_look_set set[MRQ_LOOK_SETS];
} mrq_look_column;

#define MRQ_LOOK_VALUE 1024 /* bytes of a value that is compared with others */
#define MRQ_LOOK_ITEMS 10   /* columns of items that a matrix has at least */

/* A table that can be a matrix. */
typedef struct mrq_look_matrix {
    bool used;                      /* it is taken for one: its columns are now the user, the item and the value */
    uint32_t lead;                  /* columns before those of the items, 0 or 1 */
    bool user;                      /* that one is the user; else it counts the values of its line */
    char none[32];                  /* the text of cells without a value, beside empty ones, or "" */
    char name[MRQ_HEADER_NAME + 1]; /* of the first column, or "" */
    uint32_t columns;
    mrq_dict *names; /* of the items */
} mrq_look_matrix;

/* Zeroed before use. */
typedef struct mrq_look {
    char file[256];
    char why_not[200];    /* why it is no file of data; "" for one */
    uint32_t files;       /* that were looked at as one; 0: it is one */
    const char *encoding; /* a static text; NULL: UTF-8 */
    const char *delimiter;
    bool quoted, header, lists;
    char escape;                /* of quotes within quotes; 0: none */
    struct mrq_look_json *json; /* lines of JSON: their members, which are the columns; else NULL */
    mrq_look_matrix *matrix;    /* NULL: it can be none */
    bool tail;                  /* lines end with a delimiter, the header's does not */
    char *sample;
    size_t size;     /* of the sample */
    size_t all;      /* bytes of the file, decompressed */
    uint64_t rows;   /* of the sample; of lists the pairs of a user and an item */
    uint64_t bad;    /* records that do not have as many columns */
    uint64_t broken; /* the first bad one's line */
    uint32_t columns;
    mrq_look_column *column; /* (columns); of lists the users and the items */
} mrq_look;

/* Opens a file of a folder and looks at it. What is no file of data is no error. */
MRQ_CHECKED mrq_status mrq_look_open(mrq_look *look, const char *folder, const char *file, mrq_error *err);

/* Looks at a sample, text in UTF-8 which is taken over, of a file of `all` bytes. */
MRQ_CHECKED mrq_status mrq_look_at(mrq_look *look, char *sample, size_t size, size_t all, mrq_error *err);
void mrq_look_close(mrq_look *look); /* legal on a zeroed one */

/* Finds the columns of a sample of lines of JSON, and sets look->json; what has no object in its first line is refused. */
MRQ_CHECKED mrq_status mrq_look_json(mrq_look *look, mrq_error *err);
void mrq_look_json_close(struct mrq_look_json *json); /* NULL is legal */

/* Cuts a line into a value a column; false when it does not fit. The values are valid until the next one. */
bool mrq_look_json_cut(const mrq_look *look, mrq_span line, mrq_span *value);

/* Sets look->matrix if the table can be one. */
MRQ_CHECKED mrq_status mrq_look_find_matrix(mrq_look *look, mrq_error *err);

/* Takes such a table for a matrix. */
MRQ_CHECKED mrq_status mrq_look_as_matrix(mrq_look *look, mrq_error *err);
void mrq_look_matrix_free(mrq_look_matrix *matrix); /* NULL is legal */

/* Whether a cell of a line, counted from the first item's, has a value; `*name` is then the item's. */
bool mrq_look_matrix_cell(const mrq_look_matrix *matrix, uint32_t cell, mrq_span value, mrq_span *name);

/* Whether the first line of a table is one of names: sets look->header, and the columns where there are fewer of them. */
void mrq_look_header(mrq_look *look);

/* Gives the columns their names. */
void mrq_look_names_of(mrq_look *look);

/* A field without what quoting adds; `scratch` has room for a decoded one. */
mrq_span mrq_look_plain(const mrq_look *look, mrq_span span, char scratch[MRQ_LOOK_VALUE]);

/* Which of mrq_unknown_texts a value is; -1: none. */
int mrq_look_unknown(mrq_span span);

/* Adds all records of the sample to the columns. */
MRQ_CHECKED mrq_status mrq_look_profile(mrq_look *look, mrq_error *err);

/* Makes `n` columns without a value. */
MRQ_CHECKED mrq_status mrq_look_columns(mrq_look *look, uint32_t n, mrq_error *err);
void mrq_look_columns_free(mrq_look *look);

/* Whether a text is a date, with or without a time, as ISO 8601 writes them. */
bool mrq_look_is_date(mrq_span span);

/* A value into the profile of a column, with `sets` also what members it could have; -1 when out of memory. */
int mrq_look_value(mrq_look_column *column, mrq_span span, bool sets);

/* Whether all of the file was looked at. */
static inline bool mrq_look_whole(const mrq_look *look)
{
    return look->size == look->all;
}

/* Rows of the whole file, estimated from those of the sample. */
uint64_t mrq_look_rows(const mrq_look *look);

/* Whether each value is a number, and whether a whole one; unknown ones apart. */
static inline bool mrq_look_numeric(const mrq_look_column *column)
{
    return column->n && column->numbers == column->n && !column->codes;
}
static inline bool mrq_look_whole_numbers(const mrq_look_column *column)
{
    return column->n && column->wholes == column->n && !column->codes;
}

/* Whether all ids of a column are written as 39.0, as programs write whole numbers with gaps between them. */
static inline bool mrq_look_pointed(const mrq_look_column *column)
{
    return column->n && column->points == column->n;
}

/* The number that half of the numbers of a column are not above. NAN without numbers or memory. */
double mrq_look_median(const mrq_look *look, uint32_t column);

#endif
