/* Answers and errors as JSON documents, one to a line: what `--json` prints and the service sends. A document never depends on where
 * the answer came from, but for its end, "cache" and "redis": so the rest can be kept and ended anew for each who asks. */
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

bool mrq_json_add_value(cJSON *object, const mrq_column *column, uint32_t code)
{
    return mrq_json_add_clean(object, "value", mrq_strings_at(&column->dict, code)) &&
           (!column->label.n || mrq_json_add_clean(object, "label", mrq_strings_at(&column->label, code)));
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

bool mrq_json_add_movie(cJSON *object, const mrq_table *movies, uint32_t row)
{
    const mrq_column *title = mrq_table_first(movies, MRQ_TEXT), *genres = mrq_table_first(movies, MRQ_SET);
    const mrq_column *year = mrq_table_column(movies, "year");
    bool ok = mrq_json_add_whole(object, "id", movies->id[row]);
    if (title)
        ok = ok && mrq_json_add_clean(object, "title", mrq_strings_at(&title->text, row));
    if (year && year->kind == MRQ_NUMBER)
        ok = ok && (isfinite(year->number[row]) ? cJSON_AddNumberToObject(object, "year", year->number[row])
                                                : cJSON_AddNullToObject(object, "year"));
    if (genres)
        ok = ok && add_members(cJSON_AddArrayToObject(object, "genres"), genres, row);
    return ok;
}

/* {"input":"age","value":"25","label":"25-34","score":0.1}, {"input":"id","value":4,"score":0.1} or {"input":"liked","id":260,
 * "title":"...","score":0.1}. */
static bool add_part(cJSON *parts, const mrq_generation *generation, const mrq_score_part *part)
{
    const mrq_column *title = mrq_table_first(generation->movies, MRQ_TEXT);
    const mrq_column *column = mrq_table_column(generation->users, part->input);
    cJSON *object = mrq_json_append_object(parts);
    bool ok = mrq_json_add_clean(object, "input", part->input);
    switch (part->kind) {
    case MRQ_PART_FEATURE:
        ok = ok && mrq_json_add_value(object, column, part->value);
        break;
    case MRQ_PART_USER:
        ok = ok && mrq_json_add_whole(object, "value", generation->users->id[part->value]);
        break;
    case MRQ_PART_MOVIE:
        ok = ok && mrq_json_add_whole(object, "id", generation->movies->id[part->value]);
        if (title)
            ok = ok && mrq_json_add_clean(object, "title", mrq_strings_at(&title->text, part->value));
    }
    return ok && mrq_json_add_rounded(object, "score", part->score, 8);
}

/* {"base":0.5,"parts":[...],"rest":0.1} of the movie at this place; more decimals than a score has, because thousands may be added
 * up. */
static bool add_explanation(cJSON *result, const mrq_generation *generation, const mrq_explanation *why, uint32_t place)
{
    cJSON *object = cJSON_AddObjectToObject(result, "explanation");
    bool ok = mrq_json_add_rounded(object, "base", why->base[place], 8);
    cJSON *parts = cJSON_AddArrayToObject(object, "parts");
    double rest = 0;
    for (uint32_t i = 0; ok && i < why->n; i++) {
        const mrq_score_part *part = &why->part[(size_t)place * why->n + i];
        if (i < why->told)
            ok = add_part(parts, generation, part);
        else
            rest += part->score;
    }
    if (why->told < why->n)
        ok = ok && mrq_json_add_rounded(object, "rest", rest, 8);
    return ok && parts;
}

static bool add_result(cJSON *results, const mrq_generation *generation, const mrq_answer *answer, uint32_t place)
{
    cJSON *result = mrq_json_append_object(results);
    const bool ok = mrq_json_add_whole(result, "rank", place + 1) &&
                    mrq_json_add_movie(result, generation->movies, answer->item[place].movie) &&
                    mrq_json_add_rounded(result, "score", answer->item[place].score, 6);
    return answer->why.base ? ok && add_explanation(result, generation, &answer->why, place) : ok;
}

char *mrq_json_open(const cJSON *document)
{
    char *text = cJSON_PrintUnformatted(document);
    if (text)
        text[strlen(text) - 1] = '\0';
    return text;
}

char *mrq_answer_open(const mrq_generation *generation, const mrq_answer *answer)
{
    MRQ_CLEANUP(cJSON_Delete) cJSON *document = cJSON_CreateObject();
    bool ok = mrq_json_add_whole(document, "schema", 1) && mrq_json_add_clean(document, "generation", generation->name) &&
              mrq_json_add_clean(document, "model", generation->model_name) &&
              cJSON_AddRawToObject(document, "query", answer->query);
    cJSON *results = cJSON_AddArrayToObject(document, "results");
    for (uint32_t i = 0; ok && i < answer->n; i++)
        ok = add_result(results, generation, answer, i);
    return ok && results ? mrq_json_open(document) : NULL;
}

char *mrq_answer_json(const mrq_generation *generation, const mrq_answer *answer)
{
    char counts[120] = "";
    if (answer->cache != MRQ_CACHE_OFF)
        snprintf(counts, sizeof counts, ",\"redis\":{\"hits\":%" PRIu64 ",\"misses\":%" PRIu64 ",\"errors\":%" PRIu64 "}",
                 answer->counts.hits, answer->counts.misses, answer->counts.errors);
    MRQ_AUTOFREE char *open = mrq_answer_open(generation, answer);
    const char *cache = mrq_cache_state_names[answer->cache];
    char *line = open ? mrq_array(strlen(open) + strlen(counts) + strlen(cache) + sizeof ",\"cache\":\"\"}\n", 1) : NULL;
    if (line)
        sprintf(line, "%s,\"cache\":\"%s\"%s}\n", open, cache, counts);
    return line;
}

char *mrq_error_json(const mrq_error *error)
{
    static const char *const codes[] = {"ok", "failed", "usage", "not_found", "bad_file", "unavailable"};
    MRQ_CLEANUP(cJSON_Delete) cJSON *document = cJSON_CreateObject();
    bool ok = mrq_json_add_whole(document, "schema", 1);
    cJSON *object = cJSON_AddObjectToObject(document, "error");
    ok = ok && mrq_json_add_clean(object, "code", codes[error->status]) && mrq_json_add_clean(object, "message", error->msg);
    MRQ_AUTOFREE char *open = ok ? mrq_json_open(document) : NULL;
    char *line = open ? mrq_array(strlen(open) + sizeof "}\n", 1) : NULL;
    if (line)
        sprintf(line, "%s}\n", open);
    return line;
}
