/* Strict JSON reading: every wrong key, type or value is refused with its path. A `path` names the object in messages, for instance
 * "fusion.json: towers.user[2]"; "" is allowed. */
#ifndef MRQ_BASE_JSON_H
#define MRQ_BASE_JSON_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/memory.h"

MRQ_DEFINE_CLEANUP(cJSON, cJSON_Delete)

/* Parses one object by RFC 8259 with nothing before or after it: no byte order mark, no number like 04 or 1., no raw control
 * character. `source` names the text in messages, which give the line. Free the result with cJSON_Delete(). */
MRQ_CHECKED mrq_status mrq_json_parse(const char *text, size_t size, const char *source, cJSON **out, mrq_error *err);

/* Fails unless `object` is an object whose keys are all in the NULL-terminated list, each given once. */
MRQ_CHECKED mrq_status mrq_json_keys(const cJSON *object, const char *path, const char *const *allowed, mrq_error *err);

/* Returns MRQ_BAD_FILE with "path.key: value, want WANT". */
mrq_status mrq_json_wrong(const cJSON *item, const char *path, const char *key, const char *want, mrq_error *err);

/* The member `key`, or NULL in `*out` when it is absent and not required. */
MRQ_CHECKED mrq_status mrq_json_text(const cJSON *object, const char *path, const char *key, bool required, const char **out,
                                     mrq_error *err);
MRQ_CHECKED mrq_status mrq_json_object(const cJSON *object, const char *path, const char *key, bool required, const cJSON **out,
                                       mrq_error *err);
MRQ_CHECKED mrq_status mrq_json_array(const cJSON *object, const char *path, const char *key, bool required, const cJSON **out,
                                      mrq_error *err);

/* When the key is absent, `*value` keeps its default. */
MRQ_CHECKED mrq_status mrq_json_real(const cJSON *object, const char *path, const char *key, double min, double max, double *value,
                                     mrq_error *err);
MRQ_CHECKED mrq_status mrq_json_int(const cJSON *object, const char *path, const char *key, int64_t min, int64_t max,
                                    int64_t *value, mrq_error *err);
MRQ_CHECKED mrq_status mrq_json_bool(const cJSON *object, const char *path, const char *key, bool *value, mrq_error *err);

/* One of a NULL-terminated list of names; `*value` gets its index. */
MRQ_CHECKED mrq_status mrq_json_choice(const cJSON *object, const char *path, const char *key, const char *const *names, int *value,
                                       mrq_error *err);

/* Adds an item that was just made. Returns false and frees the item when it or `object` is NULL or memory runs out. */
bool mrq_json_add_made(cJSON *object, const char *key, cJSON *item);

/* Appends a new object to an array; NULL when out of memory or when `array` is NULL. */
cJSON *mrq_json_append_object(cJSON *array);

/* Adds a whole number with all its digits (cJSON keeps 15). Returns false when out of memory or when `object` is NULL. */
bool mrq_json_add_whole(cJSON *object, const char *key, int64_t value);

/* Adds a real rounded to `digits` decimals, so that it prints without extra digits; null when it is not finite. Returns false when
 * out of memory. */
bool mrq_json_add_rounded(cJSON *object, const char *key, double value, int digits);

#endif
