/* JSON of texts that nobody vouches for, of items and of answers. */
#ifndef MRQ_ENGINE_JSON_H
#define MRQ_ENGINE_JSON_H

#include "base/json.h"
#include "base/print.h"
#include "base/table.h"
#include "engine/engine.h"

/* A text that may not be UTF-8, be it cut in the middle of a character: each byte that belongs to none becomes '?'. Returns
 * false when out of memory, and when `object` or `array` is NULL. */
bool mrq_json_add_clean(cJSON *object, const char *key, const char *text);
bool mrq_json_append_clean(cJSON *array, const char *text);

/* A whole number with all its digits, behind what the array holds. */
bool mrq_json_append_whole(cJSON *array, int64_t value);

/* A category's value: "value", and its "label" where it has one. */
void mrq_print_value(mrq_print *print, const mrq_column *column, uint32_t code);

/* "id" and "title" of an item; and with them "year" and "genres"; as far as the data has such columns. */
void mrq_print_name(mrq_print *print, const mrq_table *items, uint32_t row);
void mrq_print_item(mrq_print *print, const mrq_table *items, uint32_t row);

/* What every document of a generation begins with: an open object with "schema" and "generation". */
void mrq_print_begin(mrq_print *print, const mrq_generation *generation);

/* The document of an answer but for `,"cache":"..."}` and a line end. */
void mrq_print_content(mrq_print *print, const mrq_generation *generation, const mrq_content *answer);

/* The document of an error, with its line end. */
void mrq_print_error(mrq_print *print, const char *code, const char *message);

#endif
