/* Matrices: a line is a user, a column an item. Private to the dataset room. */
#ifndef MRQ_DATASET_MATRIX_H
#define MRQ_DATASET_MATRIX_H

#include "dataset/reader.h"

/* What a reader of a matrix knows beside: the names of the items, and where in a line it is. */
typedef struct mrq_matrix mrq_matrix;

mrq_matrix *mrq_matrix_new(const mrq_file_schema *schema); /* NULL when out of memory; borrows the schema */
void mrq_matrix_free(mrq_matrix *matrix);                  /* NULL is legal */

/* Begins a file, which has no header. */
MRQ_CHECKED mrq_status mrq_matrix_start(mrq_reader *reader, mrq_error *err);

/* Begins a file by its header. */
MRQ_CHECKED mrq_status mrq_matrix_header(mrq_reader *reader, bool *more, mrq_error *err);

/* The next event: the next cell that has a value. */
MRQ_CHECKED mrq_status mrq_matrix_next(mrq_reader *reader, bool *more, mrq_error *err);

#endif
