/* Answers and errors as JSON documents, one per line, for `--json` and the service. Only the end of a document, "cache", depends on
 * where the answer came from, so the rest can be cached and completed for each caller. */
#include "engine/json.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/utf8.h"
#include "engine/filter.h"

/* A JSON string, with '?' for each byte that is not part of a UTF-8 character. NULL if out of memory. */
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
    return mrq_json_add_made(object, key, clean_string(text));
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

void mrq_print_value(mrq_print *print, const mrq_column *column, uint32_t code)
{
    mrq_print_key(print, "value");
    mrq_print_text(print, mrq_strings_at(&column->dict, code));
    if (!column->label.n)
        return;
    mrq_print_key(print, "label");
    mrq_print_text(print, mrq_strings_at(&column->label, code));
}

void mrq_print_name(mrq_print *print, const mrq_table *items, uint32_t row)
{
    const mrq_column *title = mrq_table_first(items, MRQ_TEXT);
    mrq_print_key(print, "id");
    mrq_print_text(print, mrq_table_id(items, row));
    if (title) {
        mrq_print_key(print, "title");
        mrq_print_text(print, mrq_strings_at(&title->text, row));
    }
}

void mrq_print_item(mrq_print *print, const mrq_table *items, uint32_t row)
{
    const mrq_column *genres = mrq_table_first(items, MRQ_SET), *year = mrq_table_year(items);
    mrq_print_name(print, items, row);
    if (year) {
        mrq_print_key(print, "year");
        mrq_print_real(print, year->number[row], 3);
    }
    if (genres) {
        mrq_print_key(print, "genres");
        mrq_print_open(print, '[');
        for (uint64_t i = genres->list.offset[row]; i < genres->list.offset[row + 1]; i++)
            mrq_print_text(print, mrq_strings_at(&genres->dict, genres->list.item[i]));
        mrq_print_close(print, ']');
    }
}

static void print_cell(mrq_print *print, const mrq_column *column, uint32_t row)
{
    const mrq_strings *words = column->label.n ? &column->label : &column->dict;
    mrq_print_key(print, column->name);
    switch (column->kind) {
    case MRQ_CATEGORY:
        if (column->code[row] == MRQ_NONE)
            mrq_print_raw(print, "null");
        else
            mrq_print_text(print, mrq_strings_at(words, column->code[row]));
        break;
    case MRQ_SET:
        mrq_print_open(print, '[');
        for (uint64_t i = column->list.offset[row]; i < column->list.offset[row + 1]; i++)
            mrq_print_text(print, mrq_strings_at(&column->dict, column->list.item[i]));
        mrq_print_close(print, ']');
        break;
    case MRQ_TEXT:
        mrq_print_text(print, mrq_strings_at(&column->text, row));
        break;
    case MRQ_NUMBER:
        mrq_print_exact(print, column->number[row]);
        break;
    }
}

void mrq_print_columns(mrq_print *print, const mrq_table *items, uint32_t row, const mrq_column *const *column, uint32_t n)
{
    const mrq_column *const others[] = {mrq_table_first(items, MRQ_TEXT), mrq_table_first(items, MRQ_SET), mrq_table_year(items)};
    bool begun = false;
    for (uint32_t i = 0; i < (n ? n : items->n_columns); i++) {
        const mrq_column *c = n ? column[i] : &items->column[i];
        if (!n && (c == others[0] || c == others[1] || c == others[2]))
            continue;
        if (!begun) {
            mrq_print_key(print, "columns");
            mrq_print_open(print, '{');
        }
        begun = true;
        print_cell(print, c, row);
    }
    if (begun)
        mrq_print_close(print, '}');
}

void mrq_print_members(mrq_print *print, const mrq_feature *feature)
{
    mrq_print_key(print, "value");
    mrq_print_open(print, '[');
    for (uint32_t i = 0; i < feature->n_members; i++)
        mrq_print_text(print, mrq_strings_at(&feature->column->dict, feature->member[i]));
    mrq_print_close(print, ']');
}

bool mrq_utc_text(int64_t seconds, char out[MRQ_UTC_TEXT])
{
    const time_t t = (time_t)seconds;
    struct tm tm;
    char rest[24]; /* behind the year, which strftime() would write as 987 */
    if (seconds == INT64_MIN || !gmtime_r(&t, &tm) || !strftime(rest, sizeof rest, "-%m-%dT%H:%M:%SZ", &tm))
        return false;
    return snprintf(out, MRQ_UTC_TEXT, "%04d%s", tm.tm_year + 1900, rest) < MRQ_UTC_TEXT;
}

/* `value` as in mrq_score_part. */
static void print_feature(mrq_print *print, const mrq_column *column, const mrq_resolved *query, uint32_t value)
{
    if (column->kind == MRQ_SET)
        mrq_print_members(print, &query->feature[value]);
    else
        mrq_print_value(print, column, value);
}

/* {"input":"age","value":"25","label":"25-34","score":0.1}, {"input":"pets","value":["cat"],"score":0.1},
 * {"input":"id","value":"4","score":0.1} or {"input":"liked","id":"260","title":"...","score":0.1}. */
static void print_part(mrq_print *print, const mrq_generation *generation, const mrq_resolved *query, const mrq_score_part *part)
{
    mrq_print_open(print, '{');
    mrq_print_key(print, "input");
    mrq_print_text(print, part->input);
    switch (part->kind) {
    case MRQ_PART_FEATURE:
        print_feature(print, mrq_table_column(generation->users, part->input), query, part->value);
        break;
    case MRQ_PART_USER:
        mrq_print_key(print, "value");
        mrq_print_text(print, mrq_table_id(generation->users, part->value));
        break;
    case MRQ_PART_ITEM:
        mrq_print_name(print, generation->items, part->value);
        break;
    }
    mrq_print_key(print, "score");
    mrq_print_real(print, part->score, 8);
    mrq_print_close(print, '}');
}

/* {"base":0.5,"parts":[...],"rest":0.1} of the hit at this place. It has more decimals than a score, because a reader may add up
 * thousands of parts. */
static void print_explanation(mrq_print *print, const mrq_generation *generation, const mrq_content *answer, uint32_t place)
{
    const mrq_explanation *why = &answer->why;
    mrq_print_key(print, "explanation");
    mrq_print_open(print, '{');
    mrq_print_key(print, "base");
    mrq_print_real(print, why->base[place], 8);
    mrq_print_key(print, "parts");
    mrq_print_open(print, '[');
    for (uint32_t i = 0; i < why->n; i++)
        print_part(print, generation, &answer->query, &why->part[(size_t)place * why->n + i]);
    mrq_print_close(print, ']');
    if (why->rest) {
        mrq_print_key(print, "rest");
        mrq_print_real(print, why->rest[place], 8);
    }
    mrq_print_close(print, '}');
}

void mrq_print_begin(mrq_print *print, const mrq_generation *generation)
{
    mrq_print_open(print, '{');
    mrq_print_key(print, "schema");
    mrq_print_whole(print, 1);
    mrq_print_key(print, "generation");
    mrq_print_text(print, generation->name);
}

void mrq_print_content(mrq_print *print, const mrq_generation *generation, const mrq_content *answer)
{
    mrq_print_begin(print, generation);
    mrq_print_key(print, "model");
    mrq_print_text(print, generation->model_name);
    mrq_print_key(print, "query");
    mrq_print_raw(print, answer->query.text);
    if (answer->query.stranger && !answer->query.met) {
        mrq_print_key(print, "user_known");
        mrq_print_raw(print, "false");
    }
    mrq_print_key(print, "results");
    mrq_print_open(print, '[');
    for (uint32_t i = 0; i < answer->n; i++) {
        mrq_print_open(print, '{');
        mrq_print_key(print, "rank");
        mrq_print_whole(print, answer->query.offset + i + 1);
        mrq_print_item(print, generation->items, answer->hit[i].item);
        mrq_print_columns(print, generation->items, answer->hit[i].item, answer->query.shown, answer->query.n_shown);
        mrq_print_key(print, "score");
        mrq_print_real(print, answer->hit[i].score, 6);
        if (answer->why.base)
            print_explanation(print, generation, answer, i);
        mrq_print_close(print, '}');
    }
    mrq_print_close(print, ']');
}

void mrq_print_error(mrq_print *print, const char *code, const char *message)
{
    mrq_print_raw(print, "{\"schema\":1,\"error\":");
    mrq_print_open(print, '{');
    mrq_print_key(print, "code");
    mrq_print_text(print, code);
    mrq_print_key(print, "message");
    mrq_print_text(print, message);
    mrq_print_close(print, '}');
    mrq_print_close(print, '}');
    mrq_print_close(print, '\n');
}

char *mrq_error_json(const mrq_error *error)
{
    static const char *const codes[] = {"ok", "failed", "usage", "not_found", "bad_file", "unavailable"};
    if (!error)
        return NULL;
    const bool known = (unsigned)error->status < sizeof codes / sizeof *codes;
    mrq_print print = {0};
    mrq_print_error(&print, codes[known ? error->status : MRQ_FAILED], error->msg);
    return mrq_print_take(&print, NULL);
}
