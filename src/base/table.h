/* A table of users or items: ids in ascending order (id.h) and typed columns. The data set reader makes it, towers learn from it,
 * the model file and the generation store it, and a query is resolved with it.
 *
 * A table owns its memory through an arena, or points into an open container, which must outlive it. Read-only once built. */
#ifndef MRQ_BASE_TABLE_H
#define MRQ_BASE_TABLE_H

#include "base/container.h"
#include "base/dict.h"
#include "base/id.h"

#define MRQ_COLUMNS_MAX 64
#define MRQ_COLUMN_NAME 32

typedef enum mrq_column_kind {
    MRQ_CATEGORY, /* per row one value of a dictionary: gender, age bucket, occupation */
    MRQ_SET,      /* per row any number of distinct values of a dictionary: genres */
    MRQ_TEXT,     /* per row a text, and its words: title */
    MRQ_NUMBER,   /* per row a number, NaN if unknown: year */
} mrq_column_kind;

/* Lists of numbers in one block: row i has item[offset[i]] .. item[offset[i+1] - 1]. */
typedef struct mrq_lists {
    const uint64_t *offset; /* (rows + 1) */
    const uint32_t *item;   /* (offset[rows]) */
} mrq_lists;

/* The same with a number for each item. */
typedef struct mrq_links {
    mrq_lists list;
    const float *strength; /* (list.offset[rows]) finite */
} mrq_links;

typedef struct mrq_column {
    char name[MRQ_COLUMN_NAME];
    mrq_column_kind kind;
    mrq_strings dict;     /* category: its values; set: its members; text: its words */
    mrq_strings label;    /* category: a label for each value, or n = 0 */
    const double *bound;  /* category by range: (dict.n) lower bounds, ascending; else NULL */
    const uint32_t *code; /* category: (rows) index into dict */
    mrq_lists list;       /* set: members, ascending; text: words in order; indices into dict */
    mrq_strings text;     /* text: (rows) as written, UTF-8 */
    const double *number; /* number: (rows) */
} mrq_column;

/* The words for one row and for several: "movie" and "movies". */
#define MRQ_NOUN 32
typedef struct mrq_noun {
    char one[MRQ_NOUN], many[MRQ_NOUN];
} mrq_noun;

typedef struct mrq_table {
    mrq_arena *arena; /* owns the memory that is not in a container */
    uint32_t rows;    /* at least 1 once it is made or loaded */
    mrq_noun noun;
    mrq_strings id; /* (rows) ascending, distinct */
    uint32_t n_columns;
    mrq_column *column; /* (n_columns) */
} mrq_table;

mrq_table *mrq_table_new(void); /* an empty table with an arena; NULL when out of memory */
void mrq_table_free(mrq_table *table);
MRQ_DEFINE_CLEANUP(mrq_table, mrq_table_free)

static inline const char *mrq_table_id(const mrq_table *table, uint32_t row)
{
    return mrq_strings_at(&table->id, row);
}
/* The noun for `n` rows. */
static inline const char *mrq_table_noun(const mrq_table *table, uint64_t n)
{
    return n == 1 ? table->noun.one : table->noun.many;
}
uint32_t mrq_table_find(const mrq_table *table, const char *id, size_t size);    /* row, or MRQ_NONE */
const mrq_column *mrq_table_column(const mrq_table *table, const char *name);    /* NULL when there is none */
const mrq_column *mrq_table_first(const mrq_table *table, mrq_column_kind kind); /* first column of a kind, or NULL */
const mrq_column *mrq_table_year(const mrq_table *items);                        /* the number column "year", or NULL */

/* The names of the columns, with commas between them, as far as they fit; returns `out`. */
const char *mrq_table_columns(const mrq_table *table, char *out, size_t size);

/* The code of a category's value that a user gives as text: the value, its label, or, if `numbered`, its number 0 .. n-1; for a
 * category of ranges the largest bound that is not above the number. The message of MRQ_USAGE lists the allowed values. */
MRQ_CHECKED mrq_status mrq_column_code(const mrq_column *column, const char *text, bool numbered, uint32_t *code, mrq_error *err);

/* Adds the table's arrays to a container under `prefix` (up to 7 bytes), and loads them. Loading checks every offset and index, so
 * a loaded table is as safe as one just built. */
void mrq_table_save(const mrq_table *table, mrq_container_writer *writer, const char *prefix);
MRQ_CHECKED mrq_status mrq_table_load(const mrq_container *container, const char *prefix, mrq_table **out, mrq_error *err);

/* Sorts the items of one list in ascending order. */
void mrq_list_sort(uint32_t *item, uint64_t n);

/* Counting sort: sorts `n` items (NULL: 0 .. n-1) by group[item], stably. `offset` (groups + 1), zero on entry, gets the start of
 * each group in `out` (n). Returns -1 when out of memory. */
int mrq_list_group(const uint32_t *item, uint64_t n, const uint32_t *group, uint32_t groups, uint64_t *offset, uint32_t *out);

/* mrq_table_save() and mrq_table_load() for lists over `rows` rows with items below `limit`. */
void mrq_lists_save(const mrq_lists *lists, size_t rows, mrq_container_writer *writer, const char *prefix);
MRQ_CHECKED mrq_status mrq_lists_load(const mrq_container *container, const char *prefix, size_t rows, uint32_t limit,
                                      mrq_lists *out, mrq_error *err);
/* The index of `item` in lists->item, searched in the ascending list of a row; UINT64_MAX when it is not there. */
uint64_t mrq_lists_find(const mrq_lists *lists, uint32_t row, uint32_t item);

void mrq_links_save(const mrq_links *links, size_t rows, mrq_container_writer *writer, const char *prefix);
MRQ_CHECKED mrq_status mrq_links_load(const mrq_container *container, const char *prefix, size_t rows, uint32_t limit,
                                      mrq_links *out, mrq_error *err);

#endif
