/* JSON of untrusted texts, of items and of answers. */
#ifndef MRQ_ENGINE_JSON_H
#define MRQ_ENGINE_JSON_H

#include "base/json.h"
#include "base/print.h"
#include "base/table.h"
#include "engine/engine.h"

/* Adds a text that may not be valid UTF-8, for example because it was cut inside a character: each byte that is not part of a
 * character becomes '?'. False if out of memory, or if `object` or `array` is NULL. */
bool mrq_json_add_clean(cJSON *object, const char *key, const char *text);
bool mrq_json_append_clean(cJSON *array, const char *text);

/* Appends a whole number with all its digits. */
bool mrq_json_append_whole(cJSON *array, int64_t value);

/* A category's "value", and its "label" if it has one. */
void mrq_print_value(mrq_print *print, const mrq_column *column, uint32_t code);

/* "id" and "title" of an item; mrq_print_item() adds "year" and "genres". Columns that the data does not have are left out. */
void mrq_print_name(mrq_print *print, const mrq_table *items, uint32_t row);
void mrq_print_item(mrq_print *print, const mrq_table *items, uint32_t row);

/* "columns" of an item: the `n` columns, or if n is 0 all that mrq_print_item() does not print; nothing if there are none. */
void mrq_print_columns(mrq_print *print, const mrq_table *items, uint32_t row, const mrq_column *const *column, uint32_t n);

/* "2026-01-31T02:00:00Z"; false if the time has no such text. */
#define MRQ_UTC_TEXT 32
bool mrq_utc_text(int64_t seconds, char out[MRQ_UTC_TEXT]);

/* The beginning of every document of a generation: an open object with "schema" and "generation". */
void mrq_print_begin(mrq_print *print, const mrq_generation *generation);

/* The document of an answer, without `,"cache":"..."}` and a newline. */
void mrq_print_content(mrq_print *print, const mrq_generation *generation, const mrq_content *answer);

/* The document of an error, with a newline. */
void mrq_print_error(mrq_print *print, const char *code, const char *message);

#endif
