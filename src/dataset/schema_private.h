/* What the parts of reading a schema share: schema.c reads the whole, schema_file.c a file, schema_format.c its
 * format, schema_field.c a field. `path` is what
 * a message begins with. All memory is of the schema's arena. */
#ifndef MRQ_DATASET_SCHEMA_PRIVATE_H
#define MRQ_DATASET_SCHEMA_PRIVATE_H

#include "base/json.h"
#include "dataset/schema.h"

#define MRQ_SCHEMA_PATH 200

/* The names of the kinds of fields, by mrq_field_kind; ended by NULL. */
#define MRQ_FIELD_KINDS (MRQ_FIELD_IGNORE + 1)
extern const char *const mrq_field_kinds[MRQ_FIELD_KINDS + 1];

/* A copy; NULL without memory. */
char *mrq_schema_copy(mrq_arena *arena, const char *text);

/* Reads a name that is valid as a column, in a model description and as an option. */
MRQ_CHECKED mrq_status mrq_schema_name(const char *text, const char *path, char out[MRQ_COLUMN_NAME], mrq_error *err);

MRQ_CHECKED mrq_status mrq_schema_delimiter(const char *text, const char *path, mrq_error *err);

/* Reads an optional array of distinct strings. */
MRQ_CHECKED mrq_status mrq_schema_strings(mrq_arena *arena, const cJSON *json, const char *path, const char *key, mrq_strings *out,
                                          mrq_error *err);

/* Reads a field; all but its place. After an error too `field->pattern` must be freed. */
MRQ_CHECKED mrq_status mrq_schema_read_field(mrq_arena *arena, const cJSON *json, const char *path, mrq_field *field,
                                             mrq_error *err);

/* Reads the format of a file, for a table of users or items or else for events, and how it divides fields. */
MRQ_CHECKED mrq_status mrq_schema_read_format(mrq_arena *arena, const cJSON *json, const char *path, bool table,
                                              mrq_file_schema *file, mrq_error *err);

/* Makes the fields of lists, a user and an item; completes those of a matrix, for which there is room, by an item and, where no
 * column has it, a user. */
#define MRQ_SCHEMA_MORE 2
MRQ_CHECKED mrq_status mrq_schema_list_fields(mrq_arena *arena, const cJSON *json, const char *path, mrq_file_schema *file,
                                              mrq_error *err);
MRQ_CHECKED mrq_status mrq_schema_matrix_fields(const char *path, mrq_file_schema *file, mrq_error *err);

/* Reads the file of this key of the schema, a table of users or items or else events; leaves `file` as it is when a schema has no
 * such table. */
MRQ_CHECKED mrq_status mrq_schema_read_file(mrq_arena *arena, const cJSON *root, const char *source, const char *key, bool table,
                                            mrq_file_schema *file, mrq_error *err);

#endif
