#include "base/json.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* "path.key", or "key" if path is empty */
#define PATH_FORMAT          "%s%s%s"
#define PATH_ARGS(path, key) (path), *(path) ? ((path)[strlen(path) - 1] == ':' ? " " : ".") : "", (key)

/* Whether a text in valid JSON contains \u0000; after an escaped backslash it is not an escape. */
static bool has_nul(const char *text, size_t size)
{
    for (const char *p = text, *end = text + size; (p = memchr(p, '\\', (size_t)(end - p))); p += 2)
        if (end - p >= 6 && memcmp(p, "\\u0000", 6) == 0)
            return true;
    return false;
}

static size_t skip_digits(const char *text, size_t size)
{
    size_t n = 0;
    while (n < size && text[n] >= '0' && text[n] <= '9')
        n++;
    return n;
}

/* Length of the number (RFC 8259) at the start of `text`, or 0. It has no leading zero, and digits on both sides of its point. */
static size_t number_size(const char *text, size_t size)
{
    size_t at = size > 0 && *text == '-';
    const size_t whole = skip_digits(text + at, size - at);
    if (whole == 0 || (whole > 1 && text[at] == '0'))
        return 0;
    at += whole;
    if (at < size && text[at] == '.') {
        const size_t digits = skip_digits(text + at + 1, size - at - 1);
        if (digits == 0)
            return 0;
        at += 1 + digits;
    }
    if (at < size && (text[at] == 'e' || text[at] == 'E')) {
        at++;
        at += at < size && (text[at] == '+' || text[at] == '-');
        const size_t digits = skip_digits(text + at, size - at);
        if (digits == 0)
            return 0;
        at += digits;
    }
    return at;
}

/* Length of the string at the start of `text`, or 0 if it contains a raw control character. cJSON has found its end. */
static size_t string_size(const char *text, size_t size)
{
    for (size_t at = 1; at < size && (unsigned char)text[at] >= ' '; at += text[at] == '\\' ? 2 : 1)
        if (text[at] == '"')
            return at + 1;
    return 0;
}

/* The first place where a text that cJSON accepted is not valid JSON, or NULL. cJSON accepts a byte order mark, control characters
 * between values and in strings, and numbers like 04, 1. and -.5. */
static const char *find_lax(const char *text, size_t size)
{
    for (size_t at = 0, n; at < size; at += n) {
        const char c = text[at];
        if (c == '"')
            n = string_size(text + at, size - at);
        else if (c == '-' || (c >= '0' && c <= '9'))
            n = number_size(text + at, size - at);
        else
            n = (c > ' ' && c <= '~') || strchr(" \t\r\n", c);
        if (n == 0)
            return text + at;
    }
    return NULL;
}

mrq_status mrq_json_parse(const char *text, size_t size, const char *source, cJSON **out, mrq_error *err)
{
    const char *end = NULL;
    errno = 0; /* after a failure cJSON gives the place but not the reason; its hooks would give it, but they are global to
                  the process */
    MRQ_CLEANUP(cJSON_Delete) cJSON *json = memchr(text, '\0', size) ? NULL : cJSON_ParseWithLengthOpts(text, size, &end, 0);
    const char *stop = end ? end : text, *lax = json ? find_lax(text, size) : NULL;
    while (json && stop < text + size && strchr(" \t\r\n", *stop))
        stop++;
    if (lax && lax < stop)
        stop = lax;
    if (!json && errno == ENOMEM)
        return mrq_fail_memory(err, "reading JSON");
    if (!json || stop < text + size) {
        int line = 1;
        for (const char *p = text; p < stop; p++)
            line += *p == '\n';
        return mrq_fail(err, MRQ_BAD_FILE, "%s:%d: not valid JSON", source, line);
    }
    if (!cJSON_IsObject(json))
        return mrq_fail(err, MRQ_BAD_FILE, "%s: want a JSON object", source);
    if (has_nul(text, size)) /* it would end a C string early */
        return mrq_fail(err, MRQ_BAD_FILE, "%s: \"\\u0000\" is not allowed in a text", source);
    *out = json;
    json = NULL;
    return MRQ_OK;
}

mrq_status mrq_json_keys(const cJSON *object, const char *path, const char *const *allowed, mrq_error *err)
{
    for (const cJSON *member = object->child; member; member = member->next) {
        int known = 0;
        for (const char *const *name = allowed; *name; name++)
            known |= strcmp(*name, member->string) == 0;
        if (!known) {
            char names[300] = "";
            for (const char *const *name = allowed; *name; name++)
                snprintf(names + strlen(names), sizeof names - strlen(names), "%s%s", *names ? ", " : "", *name);
            return mrq_fail(err, MRQ_BAD_FILE, PATH_FORMAT ": unknown key, want one of %s", PATH_ARGS(path, member->string), names);
        }
        for (const cJSON *other = member->next; other; other = other->next)
            if (strcmp(other->string, member->string) == 0)
                return mrq_fail(err, MRQ_BAD_FILE, PATH_FORMAT ": given twice", PATH_ARGS(path, member->string));
    }
    return MRQ_OK;
}

mrq_status mrq_json_wrong(const cJSON *item, const char *path, const char *key, const char *want, mrq_error *err)
{
    if (cJSON_IsNumber(item) && !isfinite(item->valuedouble)) /* 1e400, which cJSON would print as null */
        return mrq_fail(err, MRQ_BAD_FILE, PATH_FORMAT ": too large a number, want %s", PATH_ARGS(path, key), want);
    char *value = cJSON_PrintUnformatted(item);
    const mrq_status status =
        mrq_fail(err, MRQ_BAD_FILE, PATH_FORMAT ": %.60s, want %s", PATH_ARGS(path, key), value ? value : "?", want);
    cJSON_free(value);
    return status;
}

static const cJSON *find(const cJSON *object, const char *key)
{
    return cJSON_GetObjectItemCaseSensitive(object, key);
}

/* Finds the member `key` and checks its type with `is`. */
static mrq_status find_type(const cJSON *object, const char *path, const char *key, bool required, cJSON_bool is(const cJSON *),
                            const char *want, const cJSON **out, mrq_error *err)
{
    const cJSON *item = find(object, key);
    if (!item && required)
        return mrq_fail(err, MRQ_BAD_FILE, PATH_FORMAT ": missing", PATH_ARGS(path, key));
    if (item && !is(item))
        return mrq_json_wrong(item, path, key, want, err);
    *out = item;
    return MRQ_OK;
}

mrq_status mrq_json_text(const cJSON *object, const char *path, const char *key, bool required, const char **out, mrq_error *err)
{
    const cJSON *item = NULL;
    MRQ_TRY(find_type(object, path, key, required, cJSON_IsString, "a string", &item, err));
    *out = item ? item->valuestring : NULL;
    return MRQ_OK;
}

mrq_status mrq_json_object(const cJSON *object, const char *path, const char *key, bool required, const cJSON **out, mrq_error *err)
{
    return find_type(object, path, key, required, cJSON_IsObject, "an object", out, err);
}

mrq_status mrq_json_array(const cJSON *object, const char *path, const char *key, bool required, const cJSON **out, mrq_error *err)
{
    return find_type(object, path, key, required, cJSON_IsArray, "an array", out, err);
}

mrq_status mrq_json_real(const cJSON *object, const char *path, const char *key, double min, double max, double *value,
                         mrq_error *err)
{
    const cJSON *item = find(object, key);
    if (!item)
        return MRQ_OK;
    if (!cJSON_IsNumber(item) || !(item->valuedouble >= min && item->valuedouble <= max)) {
        char want[80];
        snprintf(want, sizeof want, "a number, %.15g to %.15g", min, max);
        return mrq_json_wrong(item, path, key, want, err);
    }
    *value = item->valuedouble;
    return MRQ_OK;
}

mrq_status mrq_json_int(const cJSON *object, const char *path, const char *key, int64_t min, int64_t max, int64_t *value,
                        mrq_error *err)
{
    const cJSON *item = find(object, key);
    if (!item)
        return MRQ_OK;
    if (!cJSON_IsNumber(item) || !(item->valuedouble >= (double)min && item->valuedouble <= (double)max) ||
        item->valuedouble != floor(item->valuedouble) || fabs(item->valuedouble) > 0x1p53) {
        char want[80];
        snprintf(want, sizeof want, "a whole number, %lld to %lld", (long long)min, (long long)max);
        return mrq_json_wrong(item, path, key, want, err);
    }
    *value = (int64_t)item->valuedouble;
    return MRQ_OK;
}

mrq_status mrq_json_bool(const cJSON *object, const char *path, const char *key, bool *value, mrq_error *err)
{
    const cJSON *item = NULL;
    MRQ_TRY(find_type(object, path, key, false, cJSON_IsBool, "true or false", &item, err));
    if (item)
        *value = cJSON_IsTrue(item);
    return MRQ_OK;
}

mrq_status mrq_json_choice(const cJSON *object, const char *path, const char *key, const char *const *names, int *value,
                           mrq_error *err)
{
    const cJSON *item = find(object, key);
    if (!item)
        return MRQ_OK;
    char want[200] = "one of ";
    for (int i = 0; names[i]; i++) {
        if (cJSON_IsString(item) && strcmp(item->valuestring, names[i]) == 0) {
            *value = i;
            return MRQ_OK;
        }
        snprintf(want + strlen(want), sizeof want - strlen(want), "%s%s", i ? ", " : "", names[i]);
    }
    return mrq_json_wrong(item, path, key, want, err);
}

bool mrq_json_add_made(cJSON *object, const char *key, cJSON *item)
{
    if (cJSON_AddItemToObject(object, key, item)) /* does nothing if item is NULL */
        return true;
    cJSON_Delete(item);
    return false;
}

cJSON *mrq_json_append_object(cJSON *array)
{
    cJSON *object = array ? cJSON_CreateObject() : NULL;
    if (object && cJSON_AddItemToArray(array, object))
        return object;
    cJSON_Delete(object);
    return NULL;
}

bool mrq_json_add_whole(cJSON *object, const char *key, int64_t value)
{
    char digits[24];
    snprintf(digits, sizeof digits, "%" PRId64, value);
    return cJSON_AddRawToObject(object, key, digits) != NULL;
}

bool mrq_json_add_rounded(cJSON *object, const char *key, double value, int digits)
{
    const double unit = pow(10, digits);
    if (!isfinite(value))
        return cJSON_AddNullToObject(object, key) != NULL;
    return cJSON_AddNumberToObject(object, key, round(value * unit) / unit + 0.0) != NULL; /* + 0.0 turns -0 into 0 */
}
