/* Answers and errors as JSON documents, one to a line: what `--json` prints and every later server sends. A document never
 * depends on where the answer came from, but for "cache" and "redis". */
#include "engine/json.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"
#include "engine/engine.h"

/* A JSON string, each byte that belongs to no character a '?'. NULL when out of memory. */
static cJSON *clean_string(const char *text)
{
    cJSON *string = cJSON_CreateString(text);
    uint32_t code;
    for (char *p = string ? string->valuestring : NULL; p && *p;) {
        const size_t n = mrq_utf8_read(p, strlen(p), &code);
        if (n == 0)
            *p = '?';
        p += n ? n : 1;
    }
    return string;
}

bool mrq_json_add_clean(cJSON *object, const char *key, const char *text)
{
    MRQ_CLEANUP(cJSON_Delete) cJSON *string = clean_string(text);
    if (!string || !cJSON_AddItemToObject(object, key, string))
        return false;
    string = NULL;
    return true;
}

static bool append(cJSON *array, cJSON *item)
{
    if (item && cJSON_AddItemToArray(array, item))
        return true;
    cJSON_Delete(item);
    return false;
}

bool mrq_json_append_clean(cJSON *array, const char *text)
{
    return append(array, clean_string(text));
}

bool mrq_json_append_whole(cJSON *array, int64_t value)
{
    char digits[24];
    snprintf(digits, sizeof digits, "%" PRId64, value);
    return append(array, cJSON_CreateRaw(digits));
}

static bool add_members(cJSON *array, const mrq_column *column, uint32_t row)
{
    for (uint64_t i = column->list.offset[row]; i < column->list.offset[row + 1]; i++)
        if (!mrq_json_append_clean(array, mrq_strings_at(&column->dict, column->list.item[i])))
            return false;
    return array != NULL;
}

static bool add_result(cJSON *results, const mrq_table *movies, uint32_t rank, const mrq_recommendation *item)
{
    const mrq_column *title = mrq_table_first(movies, MRQ_TEXT), *genres = mrq_table_first(movies, MRQ_SET);
    const mrq_column *year = mrq_table_column(movies, "year");
    cJSON *result = cJSON_CreateObject();
    if (!append(results, result))
        return false;
    bool ok = mrq_json_add_whole(result, "rank", rank) && mrq_json_add_whole(result, "id", movies->id[item->movie]);
    if (title)
        ok = ok && mrq_json_add_clean(result, "title", mrq_strings_at(&title->text, item->movie));
    if (year && year->kind == MRQ_NUMBER)
        ok = ok && (isfinite(year->number[item->movie]) ? cJSON_AddNumberToObject(result, "year", year->number[item->movie])
                                                        : cJSON_AddNullToObject(result, "year"));
    if (genres)
        ok = ok && add_members(cJSON_AddArrayToObject(result, "genres"), genres, item->movie);
    return ok && mrq_json_add_rounded(result, "score", item->score, 4);
}

/* The document with a line end; NULL when `complete` is false or memory is out. */
static char *print(const cJSON *document, bool complete)
{
    char *text = complete ? cJSON_PrintUnformatted(document) : NULL;
    char *line = text ? mrq_array(strlen(text) + 2, 1) : NULL;
    if (line)
        sprintf(line, "%s\n", text);
    cJSON_free(text);
    return line;
}

static bool add_counts(cJSON *redis, const mrq_cache_counts *counts)
{
    return mrq_json_add_whole(redis, "hits", (int64_t)counts->hits) &&
           mrq_json_add_whole(redis, "misses", (int64_t)counts->misses) &&
           mrq_json_add_whole(redis, "errors", (int64_t)counts->errors);
}

char *mrq_answer_json(const mrq_generation *generation, const mrq_answer *answer)
{
    MRQ_CLEANUP(cJSON_Delete) cJSON *document = cJSON_CreateObject();
    bool ok = mrq_json_add_whole(document, "schema", 1) && mrq_json_add_clean(document, "generation", generation->name) &&
              mrq_json_add_clean(document, "model", generation->model_name) &&
              cJSON_AddRawToObject(document, "query", answer->query) &&
              mrq_json_add_clean(document, "cache", mrq_cache_state_names[answer->cache]);
    if (answer->cache != MRQ_CACHE_OFF)
        ok = ok && add_counts(cJSON_AddObjectToObject(document, "redis"), &answer->counts);
    cJSON *results = cJSON_AddArrayToObject(document, "results");
    for (uint32_t i = 0; ok && i < answer->n; i++)
        ok = add_result(results, generation->movies, i + 1, &answer->item[i]);
    return print(document, ok && results);
}

char *mrq_error_json(const mrq_error *error)
{
    static const char *const codes[] = {"ok", "failed", "usage", "not_found", "bad_file", "unavailable"};
    MRQ_CLEANUP(cJSON_Delete) cJSON *document = cJSON_CreateObject();
    bool ok = mrq_json_add_whole(document, "schema", 1);
    cJSON *object = cJSON_AddObjectToObject(document, "error");
    ok = ok && mrq_json_add_clean(object, "code", codes[error->status]) && mrq_json_add_clean(object, "message", error->msg);
    return print(document, ok);
}
