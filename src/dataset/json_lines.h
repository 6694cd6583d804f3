/* Lines of JSON as records: an object a line, its members found by the schema's columns. Private to the dataset room. */
#ifndef MRQ_DATASET_JSON_LINES_H
#define MRQ_DATASET_JSON_LINES_H

#include "dataset/reader.h"

/* What a reader of such a file knows beside: where in an object each field is, and room for texts without escapes. */
typedef struct mrq_json_lines mrq_json_lines;

/* NULL when out of memory. Borrows the schema. */
mrq_json_lines *mrq_json_lines_new(const mrq_file_schema *schema);
void mrq_json_lines_free(mrq_json_lines *json); /* NULL is legal */
MRQ_DEFINE_CLEANUP(mrq_json_lines, mrq_json_lines_free)

/* Reads the object of a line, which does not hold its end, into the reader's fields. They point into the line or into `json` and
 * are valid until the next one. A member that is absent or null gives an empty field. A list, which only a set can be, gives its
 * members with a NUL behind each. */
MRQ_CHECKED mrq_status mrq_json_lines_cut(mrq_json_lines *json, mrq_reader *reader, mrq_span line, mrq_error *err);

#endif
