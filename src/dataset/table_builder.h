/* The columns of a table while they are built, row by row, from the records of a file. Private to the dataset room. */
#ifndef MRQ_DATASET_TABLE_BUILDER_H
#define MRQ_DATASET_TABLE_BUILDER_H

#include "dataset/reader.h"

/* Each value of a category or a set has parameters of its own in a model, some hundred bytes, and should be seen again. A column
 * with more values is ids or texts that were taken for them. */
#define MRQ_VALUES_MAX 1000000

/* A column being built; a text field with a pattern makes two. */
typedef struct mrq_column_builder {
    const mrq_field *field;
    mrq_column *column;
    mrq_dict *dict;   /* values, members or words; in the given order, or else in order of arrival */
    mrq_dict *text;   /* text: as written */
    uint32_t *code;   /* category: (rows), the column's own array */
    double *number;   /* number, extract: (rows), the column's own array */
    uint64_t *offset; /* set, text: (rows + 1), the column's own array */
    uint32_t *item;   /* set, text */
    size_t room;
} mrq_column_builder;

typedef struct mrq_table_builder {
    mrq_reader *reader;
    mrq_table *table;
    uint32_t row; /* the next one */
    uint32_t n;
    mrq_column_builder builder[MRQ_COLUMNS_MAX];
    char *decoded, *word; /* scratch, each with space for a decoded field */
    size_t decoded_room, word_room;
} mrq_table_builder;

/* Adds the columns of the reader's schema to the table, which has its rows. `b` is zeroed but for `reader` and `table`. */
MRQ_CHECKED mrq_status mrq_builder_start(mrq_table_builder *b, mrq_error *err);

/* Adds the next row from its `n` records: one; none, if nothing is known of the row; or several, if all columns are sets. */
MRQ_CHECKED mrq_status mrq_builder_row(mrq_table_builder *b, const mrq_mark *record, uint64_t n, mrq_error *err);

/* Where rows may be left out: makes a table of one row, `*one`, for mrq_builder_try(), which tells whether the record that was read
 * last would fit. */
MRQ_CHECKED mrq_status mrq_builder_start_trial(mrq_table_builder *b, mrq_table **one, mrq_error *err);
MRQ_CHECKED mrq_status mrq_builder_try(mrq_table_builder *b, mrq_error *err);

/* After the last row: sorts dictionaries, and moves all into the table. */
MRQ_CHECKED mrq_status mrq_builder_finish(mrq_table_builder *b, mrq_error *err);

void mrq_builder_clear(mrq_table_builder *b); /* allowed on a zeroed one */
static inline void mrq_builder_clear_cleanup(mrq_table_builder *b)
{
    mrq_builder_clear(b);
}

#endif
