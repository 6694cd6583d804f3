/* The first line: the names of the columns, or that it is no such line.
 *
 * Where fields are found by place nothing depends on the names, so a schema that is wrong about the header would lose an event or
 * learn from one of a user called "userId". Numbers tell: a line of names has none where the schema wants them, a line of data has
 * nothing else there. Where the schema wants none, two names that everybody gives to columns tell. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/parse.h"
#include "dataset/hints.h"
#include "dataset/reader_private.h"
#include "dataset/text.h"
#include "dataset/timestamp.h"

#define LINE 200 /* bytes of a line in a message */

/* Adds a name to a list for a message. */
static void list(char out[LINE], const char *name, size_t size)
{
    const size_t used = strlen(out);
    snprintf(out + used, LINE - used, "%s%.*s", used ? ", " : "", (int)(size < 60 ? size : 60), name);
}

/* --- columns by name --- */

/* The field whose column has this name in the header; MRQ_NO_FIELD without one. */
static uint16_t named(const mrq_file_schema *schema, mrq_span name)
{
    char text[2 * MRQ_HEADER_NAME + 1];
    if (name.size > MRQ_HEADER_NAME)
        return MRQ_NO_FIELD;
    const size_t size = schema->quoted ? mrq_text_unquote(name.text, name.size, schema->escape, text) : name.size;
    if (!schema->quoted)
        memcpy(text, name.text, size);
    text[size] = '\0';
    for (uint32_t i = 0; i < schema->n_fields; i++)
        if (strcmp(schema->field[i].column, text) == 0)
            return (uint16_t)schema->field[i].place;
    return MRQ_NO_FIELD;
}

static const char *called(const mrq_file_schema *schema)
{
    return schema->query ? "result" : "header";
}

/* That columns are not there, of which the first is `missing`. */
static mrq_status fail_columns(const mrq_reader *reader, uint32_t missing, bool any, const char *header, mrq_error *err)
{
    const mrq_file_schema *schema = reader->schema;
    char want[LINE] = "";
    if (any || schema->query)
        return mrq_reader_fail(reader, err, "no column \"%s\" in the %s, which has %s", schema->field[missing].column,
                               called(schema), header);
    for (uint32_t i = 0; i < schema->n_fields; i++)
        list(want, schema->field[i].column, strlen(schema->field[i].column));
    return mrq_reader_fail(reader, err, "want a header with the columns %s, and the first line has %s", want,
                           *header ? header : "nothing");
}

mrq_status mrq_header_read(mrq_reader *reader, bool *more, mrq_error *err)
{
    const mrq_file_schema *schema = reader->schema;
    mrq_part *part = reader->now;
    bool found[MRQ_FIELDS_MAX] = {false}, any = false;
    char header[LINE] = "", shown[MRQ_SHOWN];
    *more = true;
    part->columns = 0;
    mrq_reader_begin(reader);
    bool last = mrq_reader_at_end(reader);
    if (reader->starved)
        return MRQ_OK;
    while (!last) {
        mrq_span name;
        MRQ_TRY(mrq_reader_field(reader, &name, &last, err));
        if (part->columns == MRQ_FIELDS_MAX)
            return mrq_reader_fail(reader, err, "the %s has more than %d columns", called(schema), MRQ_FIELDS_MAX);
        const uint16_t place = named(schema, name);
        if (place != MRQ_NO_FIELD && found[place])
            return mrq_reader_fail(reader, err, "the %s has two columns %s", called(schema), mrq_show(name, shown));
        if (place != MRQ_NO_FIELD)
            any = found[place] = true;
        part->place[part->columns++] = place;
        list(header, name.text, name.size);
    }
    for (uint32_t i = 0; i < schema->n_fields; i++)
        if (!found[schema->field[i].place])
            return fail_columns(reader, i, any, header, err);
    return MRQ_OK;
}

mrq_status mrq_header_refuse_again(const mrq_reader *reader, mrq_error *err)
{
    const mrq_file_schema *schema = reader->schema;
    for (uint32_t i = 0; i < schema->n_fields; i++) {
        const mrq_span span = reader->field[schema->field[i].place];
        const char *column = schema->field[i].column;
        if (*column != (span.size ? *span.text : '\0') || strncmp(column, span.text, span.size) != 0 || column[span.size])
            return MRQ_OK;
    }
    return mrq_reader_fail(reader, err, "the header again: want one, in the first line");
}

/* --- columns by place --- */

/* Whether a field of this kind holds numbers or times. */
static bool is_measured(const mrq_field *field)
{
    return field->kind == MRQ_FIELD_NUMBER || field->kind == MRQ_FIELD_RATING || field->kind == MRQ_FIELD_COUNT ||
           field->kind == MRQ_FIELD_TIMESTAMP || (field->kind == MRQ_FIELD_CATEGORY && field->bound);
}

static bool is_number_or_time(const mrq_field *field, mrq_span span)
{
    double number;
    int64_t time;
    return field->kind == MRQ_FIELD_TIMESTAMP ? mrq_time_read(span, field, &time)
                                              : mrq_parse_real(span.text, span.size, -HUGE_VAL, HUGE_VAL, &number);
}

static bool is_name(mrq_span span)
{
    char text[64];
    if (span.size < 2 || span.size >= sizeof text) /* a letter may be anybody's id */
        return false;
    memcpy(text, span.text, span.size);
    text[span.size] = '\0';
    return mrq_hint_column(text) != MRQ_ROLE_NONE;
}

mrq_status mrq_header_check(const mrq_reader *reader, mrq_error *err)
{
    const mrq_file_schema *schema = reader->schema;
    char want[LINE] = "", line[LINE] = "";
    uint32_t numbers = 0, texts = 0, names = 0;
    for (uint32_t i = 0; i < schema->n_fields; i++) {
        const mrq_field *field = &schema->field[i];
        const mrq_span span = reader->field[field->place];
        if (field->kind == MRQ_FIELD_IGNORE)
            continue;
        list(want, field->name, strlen(field->name));
        list(line, span.text, span.size);
        names += is_name(span);
        if (!is_measured(field) || mrq_reader_is_null(reader, field))
            continue;
        const bool number = is_number_or_time(field, span);
        numbers += number;
        texts += !number;
    }
    if (schema->header && numbers && !texts)
        return mrq_reader_fail(reader, err, "want a header for %s, and the line has %s: if that is data, set \"header\" to false",
                               want, line);
    if (!schema->header && names > 1 && !numbers)
        return mrq_reader_fail(reader, err, "want %s, and the line has %s: if that is a header, set \"header\" to true", want,
                               line);
    return MRQ_OK;
}
