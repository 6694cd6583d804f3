/* Members of JSON objects that cJSON alone gets wrong. Both return false when out of memory, and when `object` is NULL. */
#ifndef MRQ_ENGINE_JSON_H
#define MRQ_ENGINE_JSON_H

#include "base/json.h"

/* A text that may not be UTF-8, be it cut in the middle of a character: each byte that belongs to none becomes '?'. */
bool mrq_json_add_clean(cJSON *object, const char *key, const char *text);

/* A whole number of 64 bits, exact where a double is not. */
bool mrq_json_add_whole(cJSON *object, const char *key, int64_t value);

#endif
