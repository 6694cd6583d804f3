/* A table of users or items: ids in ascending order (id.h) and typed columns. It is what the dataset reads, the towers learn from,
 * the model file and the generation keep, and a query is resolved against.
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
    MRQ_CATEGORY, /* one value of a dictionary a row: gender, age bucket, occupation */
    MRQ_SET,      /* any number of values of a dictionary a row, each once: genres */
    MRQ_TEXT,     /* a text a row, and its words: title */
    MRQ_NUMBER,   /* a number a row, NaN where unknown: year */
} mrq_column_kind;

/* Lists of numbers in one block: row i has item[offset[i]] .. item[offset[i+1] - 1]. */
typedef struct mrq_lists {
    const uint64_t *offset; /* (rows + 1) */
    const uint32_t *item;   /* (offset[rows]) */
} mrq_lists;

/* The same with a number beside each item. */
typedef struct mrq_links {
    mrq_lists list;
    const float *strength; /* (list.offset[rows]) finite */
} mrq_links;

typedef struct mrq_column {
    char name[MRQ_COLUMN_NAME];
    mrq_column_kind kind;
    mrq_strings dict;     /* category: its values; set: its members; text: its words */
    mrq_strings label;    /* category: a name for each value, or n = 0 */
    const double *bound;  /* category by range: (dict.n) lower bounds, ascending; else NULL */
    const uint32_t *code; /* category: (rows) index into dict */
    mrq_lists list;       /* set: members, ascending; text: words in order; indices into dict */
    mrq_strings text;     /* text: (rows) as written, UTF-8 */
    const double *number; /* number: (rows) */
} mrq_column;

/* What people call one row and several of them: "movie" and "movies". */
#define MRQ_NOUN 32
typedef struct mrq_noun {
    char one[MRQ_NOUN], many[MRQ_NOUN];
} mrq_noun;

typedef struct mrq_table {
    mrq_arena *arena; /* owns what is not in a container */
    uint32_t rows;    /* 1 or more once it is made or loaded */
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
/* The noun for `n` of its rows. */
static inline const char *mrq_table_noun(const mrq_table *table, uint64_t n)
{
    return n == 1 ? table->noun.one : table->noun.many;
}
uint32_t mrq_table_find(const mrq_table *table, const char *id, size_t size);    /* row, or MRQ_NONE */
const mrq_column *mrq_table_column(const mrq_table *table, const char *name);    /* NULL when there is none */
const mrq_column *mrq_table_first(const mrq_table *table, mrq_column_kind kind); /* first column of a kind, or NULL */
const mrq_column *mrq_table_year(const mrq_table *items);                        /* the numbers called "year", or NULL */

/* The code of a category's value as a person writes it: the value, its label, or its place 0 .. n-1; for a category by range
 * the largest bound not above the number. MRQ_USAGE with a sentence that lists what would do. */
MRQ_CHECKED mrq_status mrq_column_code(const mrq_column *column, const char *text, uint32_t *code, mrq_error *err);

/* Adds the table's arrays under `prefix` (up to 7 bytes) to a container, and reads them back. Reading checks every offset and
 * index, so that a table from a file is as safe as one just built. */
void mrq_table_save(const mrq_table *table, mrq_container_writer *writer, const char *prefix);
MRQ_CHECKED mrq_status mrq_table_load(const mrq_container *container, const char *prefix, mrq_table **out, mrq_error *err);

/* Puts the items of one list into ascending order. */
void mrq_list_sort(uint32_t *item, uint64_t n);

/* Puts `n` items (NULL: 0 .. n-1) into the order of their groups, group[item], each group's in the order in which they come: a
 * counting sort. `offset` (groups + 1), zero on entry, gets where each group begins in `out` (n). Returns -1 when out of memory. */
int mrq_list_group(const uint32_t *item, uint64_t n, const uint32_t *group, uint32_t groups, uint64_t *offset, uint32_t *out);

/* mrq_table_save() and mrq_table_load() for lists over `rows` rows whose items are below `limit`. */
void mrq_lists_save(const mrq_lists *lists, size_t rows, mrq_container_writer *writer, const char *prefix);
MRQ_CHECKED mrq_status mrq_lists_load(const mrq_container *container, const char *prefix, size_t rows, uint32_t limit,
                                      mrq_lists *out, mrq_error *err);
/* Where `item` stands in the ascending list of a row, a place in lists->item; UINT64_MAX when it does not. */
uint64_t mrq_lists_find(const mrq_lists *lists, uint32_t row, uint32_t item);

void mrq_links_save(const mrq_links *links, size_t rows, mrq_container_writer *writer, const char *prefix);
MRQ_CHECKED mrq_status mrq_links_load(const mrq_container *container, const char *prefix, size_t rows, uint32_t limit,
                                      mrq_links *out, mrq_error *err);

#endif
