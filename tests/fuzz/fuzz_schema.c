/* Schemas: what is taken is complete and free of contradictions, as the readers will not ask again; and says the same when its JSON
 * is printed and read once more. */
#include "base/json.h"
#include "dataset/schema.h"
#include "fuzz/fuzz.h"

/* Distinct and UTF-8. */
static void check_strings(const mrq_strings *strings)
{
    for (uint32_t i = 0; i < strings->n; i++) {
        FUZZ_CHECK(strlen(mrq_strings_at(strings, i)) == mrq_strings_size(strings, i));
        fuzz_check_text(mrq_strings_at(strings, i));
        for (uint32_t j = 0; j < i; j++)
            FUZZ_CHECK(strcmp(mrq_strings_at(strings, i), mrq_strings_at(strings, j)) != 0);
    }
}

static void check_delimiter(const char *text)
{
    FUZZ_CHECK(text && *text && strlen(text) < 8 && !strpbrk(text, "\"\r\n"));
}

static void check_field(const mrq_field *field)
{
    FUZZ_CHECK(field->width >= 1 && strlen(field->name) < sizeof field->name && strlen(field->extract) < sizeof field->extract);
    FUZZ_CHECK((field->pattern != NULL) == (*field->extract != '\0'));
    FUZZ_CHECK(field->kind == MRQ_FIELD_IGNORE || *field->name);
    FUZZ_CHECK(!field->flags || (field->kind == MRQ_FIELD_SET && field->width == field->values.n));
    FUZZ_CHECK(!field->labels.n || field->labels.n == field->values.n);
    FUZZ_CHECK(field->kind != MRQ_FIELD_RATING || field->min < field->max);
    check_strings(&field->values);
    check_strings(&field->labels);
    for (uint32_t i = 1; field->bound && i < field->values.n; i++)
        FUZZ_CHECK(field->bound[i] > field->bound[i - 1]);
    if (field->kind == MRQ_FIELD_SET && field->delimiter)
        check_delimiter(field->delimiter);
}

static void check_file(const mrq_file_schema *file, bool required)
{
    FUZZ_CHECK(file->n_joined <= MRQ_JOINS_MAX);
    for (uint32_t i = 0; i < file->n_joined; i++)
        check_file(&file->joined[i], true);
    if (!file->file) {
        FUZZ_CHECK(!required);
        return;
    }
    FUZZ_CHECK(*file->file && !strchr(file->file, '/'));
    FUZZ_CHECK(file->delimiter || file->format == MRQ_JSON_LINES);
    if (file->delimiter)
        check_delimiter(file->delimiter);
    FUZZ_CHECK(file->n_fields >= 1 && file->n_fields <= MRQ_FIELDS_MAX && file->width <= MRQ_FIELDS_MAX);
    uint32_t place = 0;
    for (uint32_t i = 0; i < file->n_fields; i++) {
        FUZZ_CHECK(file->field[i].place == place);
        place += file->field[i].width;
        check_field(&file->field[i]);
    }
    FUZZ_CHECK(place == file->width);
}

static void check_schema(const mrq_schema *schema)
{
    FUZZ_CHECK(*schema->name && schema->about);
    check_file(&schema->users, false);
    check_file(&schema->items, false);
    check_file(&schema->events, true);
    FUZZ_CHECK(!schema->items.file || mrq_schema_field(&schema->items, MRQ_FIELD_ID, "id"));
    FUZZ_CHECK(mrq_schema_field(&schema->events, MRQ_FIELD_ID, "user") && mrq_schema_item(&schema->events));
}

static bool same_text(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

static bool same_strings(const mrq_strings *a, const mrq_strings *b)
{
    bool same = a->n == b->n;
    for (uint32_t i = 0; same && i < a->n; i++)
        same = strcmp(mrq_strings_at(a, i), mrq_strings_at(b, i)) == 0;
    return same;
}

static bool same_file(const mrq_file_schema *a, const mrq_file_schema *b)
{
    bool same = same_text(a->file, b->file) && same_text(a->delimiter, b->delimiter) && a->header == b->header &&
                a->quoted == b->quoted && !a->encoding == !b->encoding && a->format == b->format && a->n_fields == b->n_fields &&
                a->n_joined == b->n_joined;
    for (uint32_t i = 0; same && i < a->n_joined; i++)
        same = same_file(&a->joined[i], &b->joined[i]);
    for (uint32_t i = 0; same && i < a->n_fields; i++) {
        const mrq_field *x = &a->field[i], *y = &b->field[i];
        same = x->kind == y->kind && strcmp(x->name, y->name) == 0 && x->width == y->width &&
               same_strings(&x->values, &y->values) && same_strings(&x->labels, &y->labels) &&
               same_text(x->delimiter, y->delimiter) && same_text(x->none, y->none) && x->characters == y->characters &&
               strcmp(x->extract, y->extract) == 0 && !(x->min < y->min || x->min > y->min) &&
               !(x->max < y->max || x->max > y->max);
    }
    return same;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    mrq_error err = {0};
    mrq_schema *schema = NULL, *again = NULL;
    const mrq_status status = mrq_schema_parse((const char *)data, size, "fuzz.json", &schema, &err);
    fuzz_check_status(status, &err, FUZZ_ALLOW(MRQ_BAD_FILE));
    FUZZ_CHECK((schema != NULL) == (status == MRQ_OK));
    if (!schema)
        return 0;
    check_schema(schema);
    cJSON *json = NULL;
    FUZZ_CHECK(mrq_json_parse((const char *)data, size, "fuzz.json", &json, &err) == MRQ_OK);
    char *printed = cJSON_Print(json);
    FUZZ_CHECK(printed && mrq_schema_parse(printed, strlen(printed), "again.json", &again, &err) == MRQ_OK);
    FUZZ_CHECK(same_file(&schema->users, &again->users) && same_file(&schema->items, &again->items) &&
               same_file(&schema->events, &again->events));
    cJSON_free(printed);
    cJSON_Delete(json);
    mrq_schema_free(schema);
    mrq_schema_free(again);
    return 0;
}
