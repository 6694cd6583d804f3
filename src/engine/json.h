/* JSON of texts that nobody vouches for. */
#ifndef MRQ_ENGINE_JSON_H
#define MRQ_ENGINE_JSON_H

#include "base/json.h"

/* A text that may not be UTF-8, be it cut in the middle of a character: each byte that belongs to none becomes '?'. Returns
 * false when out of memory, and when `object` or `array` is NULL. */
bool mrq_json_add_clean(cJSON *object, const char *key, const char *text);
bool mrq_json_append_clean(cJSON *array, const char *text);

/* A whole number with all its digits, behind what the array holds. */
bool mrq_json_append_whole(cJSON *array, int64_t value);

#endif
