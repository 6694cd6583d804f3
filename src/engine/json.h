/* JSON of texts that nobody vouches for. */
#ifndef MRQ_ENGINE_JSON_H
#define MRQ_ENGINE_JSON_H

#include "base/json.h"

/* A text that may not be UTF-8, be it cut in the middle of a character: each byte that belongs to none becomes '?'. Returns
 * false when out of memory, and when `object` is NULL. */
bool mrq_json_add_clean(cJSON *object, const char *key, const char *text);

#endif
