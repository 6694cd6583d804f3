/* Columns of a table from the records of a file, each row built behind the one before; only dictionary numbers are changed
 * afterwards, when the dictionary is sorted. */
#include <assert.h>
#include <errno.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/parse.h"
#include "dataset/read.h"
#include "dataset/reader.h"
#include "dataset/table_builder.h"
#include "dataset/text.h"

static mrq_status fail_memory(mrq_error *err)
{
    return mrq_fail_memory(err, "reading users or items");
}

/* Decodes the span into pass->decoded. */
static mrq_status decode(mrq_table_builder *pass, mrq_span span, size_t *size, mrq_error *err)
{
    const size_t room = 2 * span.size + 1;
    if (mrq_grow(&pass->decoded, &pass->decoded_room, room, 1) || mrq_grow(&pass->word, &pass->word_room, room, 1))
        return fail_memory(err);
    *size = mrq_text_decode(span.text, span.size, pass->decoded);
    return MRQ_OK;
}

/* Finds the number of a value or member in its dictionary; adds it unless the entries are given. */
static mrq_status look_up(mrq_table_builder *pass, mrq_column_builder *b, const char *text, size_t size, uint32_t *index,
                          mrq_error *err)
{
    if (!b->field->values.n) {
        *index = mrq_dict_add(b->dict, text, size);
        if (*index != MRQ_NONE && *index >= MRQ_VALUES_MAX)
            return mrq_fail(err, MRQ_BAD_FILE,
                            "%s: %s has more than %d different values, want a column that comes back to them; or leave it out",
                            mrq_reader_name(pass->reader), b->field->name, MRQ_VALUES_MAX);
        return *index == MRQ_NONE ? fail_memory(err) : MRQ_OK;
    }
    *index = mrq_dict_find(b->dict, text, size);
    return *index != MRQ_NONE ? MRQ_OK : mrq_reader_fail_values(pass->reader, b->field, (mrq_span){text, size}, err);
}

/* The value that stands for an unknown one, behind all that the schema gives. */
static const char unknown[] = "unknown";

static mrq_status add_unknown(mrq_table_builder *pass, mrq_column_builder *b, mrq_error *err)
{
    b->code[pass->row] = mrq_dict_add(b->dict, unknown, sizeof unknown - 1);
    return b->code[pass->row] == MRQ_NONE ? fail_memory(err) : MRQ_OK;
}

static mrq_status add_category(mrq_table_builder *pass, mrq_column_builder *b, mrq_span span, mrq_error *err)
{
    const mrq_field *field = b->field;
    size_t size = 0;
    if (mrq_reader_is_null(pass->reader, field))
        return add_unknown(pass, b, err);
    if (!field->bound) {
        MRQ_TRY(decode(pass, span, &size, err));
        return look_up(pass, b, pass->decoded, size, &b->code[pass->row], err);
    }
    double number;
    char shown[MRQ_SHOWN];
    if (!mrq_parse_real(span.text, span.size, field->bound[0], HUGE_VAL, &number))
        return mrq_reader_fail(pass->reader, err, "%s %s, want a number, %g or more", field->name, mrq_show(span, shown),
                               field->bound[0]);
    uint32_t i = field->values.n - 1;
    while (number < field->bound[i])
        i--;
    b->code[pass->row] = i;
    return MRQ_OK;
}

static mrq_status push_item(mrq_table_builder *pass, mrq_column_builder *b, uint32_t item, mrq_error *err)
{
    assert(b->offset);
    const uint64_t n = b->offset[pass->row + 1];
    if (mrq_grow(&b->item, &b->room, (size_t)n + 1, sizeof *b->item))
        return fail_memory(err);
    b->item[n] = item;
    b->offset[pass->row + 1] = n + 1;
    return MRQ_OK;
}

/* One member, without the blanks around it. */
static mrq_status add_member(mrq_table_builder *pass, mrq_column_builder *b, mrq_span span, mrq_error *err)
{
    size_t size = 0;
    MRQ_TRY(decode(pass, span, &size, err));
    const char *p = pass->decoded;
    for (; size && *p == ' '; size--)
        p++;
    while (size && p[size - 1] == ' ')
        size--;
    uint32_t member;
    char shown[MRQ_SHOWN];
    if (!size)
        return mrq_reader_fail(pass->reader, err, "%s %s, want no empty member", b->field->name,
                               mrq_show(pass->reader->field[b->field->place], shown));
    MRQ_TRY(look_up(pass, b, p, size, &member, err));
    return push_item(pass, b, member, err);
}

/* The field's delimiter stands between the members; a list of JSON has a NUL behind each. */
static mrq_status add_members(mrq_table_builder *pass, mrq_column_builder *b, mrq_span span, mrq_error *err)
{
    const char *none = b->field->none, *delimiter = b->field->delimiter, *end = span.text + span.size;
    if (mrq_reader_is_null(pass->reader, b->field) ||
        (none && strlen(none) == span.size && memcmp(none, span.text, span.size) == 0))
        return MRQ_OK;
    const bool list = !end[-1];
    const size_t length = list ? 1 : delimiter ? strlen(delimiter) : 0;
    end -= list;
    for (const char *p = span.text, *stop; p; p = stop ? stop + length : NULL) {
        stop = length ? memmem(p, (size_t)(end - p), list ? "" : delimiter, length) : NULL;
        MRQ_TRY(add_member(pass, b, (mrq_span){p, (size_t)((stop ? stop : end) - p)}, err));
    }
    return MRQ_OK;
}

static mrq_status add_flags(mrq_table_builder *pass, mrq_column_builder *b, mrq_error *err)
{
    const mrq_field *field = b->field;
    for (uint32_t i = 0; i < field->width; i++) {
        const mrq_span span = pass->reader->field[field->place + i];
        char shown[MRQ_SHOWN];
        if (span.size != 1 || (*span.text != '0' && *span.text != '1'))
            return mrq_reader_fail(pass->reader, err, "%s %s, want 0 or 1", mrq_strings_at(&field->values, i),
                                   mrq_show(span, shown));
        if (*span.text == '1')
            MRQ_TRY(push_item(pass, b, i, err));
    }
    return MRQ_OK;
}

static mrq_status add_words(mrq_table_builder *pass, mrq_column_builder *b, const char *text, size_t size, mrq_error *err)
{
    for (size_t at = 0, length; (length = mrq_text_word(text, size, b->field->characters, &at, pass->word)) > 0;) {
        const uint32_t word = mrq_dict_add(b->dict, pass->word, length);
        if (word == MRQ_NONE)
            return fail_memory(err);
        MRQ_TRY(push_item(pass, b, word, err));
    }
    return MRQ_OK;
}

/* Adds the text and its words, and sets `extracted` (NULL without a pattern) to the number that the pattern finds. */
static mrq_status add_text(mrq_table_builder *pass, mrq_column_builder *b, mrq_span span, double *extracted, mrq_error *err)
{
    size_t size = 0;
    char shown[MRQ_SHOWN];
    if (mrq_reader_is_null(pass->reader, b->field))
        span.size = 0;
    MRQ_TRY(decode(pass, span, &size, err));
    if (size > MRQ_TEXT_BYTES)
        return mrq_reader_fail(pass->reader, err, "%s: %zu bytes, want at most %d", b->field->name, size, MRQ_TEXT_BYTES);
    if (mrq_dict_push(b->text, pass->decoded, size) == MRQ_NONE)
        return fail_memory(err);
    regmatch_t match[2];
    errno = 0;
    const int code = extracted ? regexec(b->field->pattern, pass->decoded, 2, match, 0) : REG_NOMATCH;
    if (errno == ENOMEM || (code != 0 && code != REG_NOMATCH))
        return fail_memory(err); /* glibc's regexec() sometimes returns "no match" when memory runs out */
    if (code == REG_NOMATCH)
        return add_words(pass, b, pass->decoded, size, err);
    const size_t start = (size_t)match[0].rm_so, end = (size_t)match[0].rm_eo;
    if (match[1].rm_so >= 0) {
        const mrq_span group = {pass->decoded + match[1].rm_so, (size_t)(match[1].rm_eo - match[1].rm_so)};
        if (!mrq_parse_real(group.text, group.size, -HUGE_VAL, HUGE_VAL, extracted))
            return mrq_reader_fail(pass->reader, err, "%s %s, want a number", b->field->extract, mrq_show(group, shown));
    }
    MRQ_TRY(add_words(pass, b, pass->decoded, start, err));
    return add_words(pass, b, pass->decoded + end, size - end, err);
}

static mrq_status add_number(mrq_table_builder *pass, mrq_column_builder *b, mrq_span span, mrq_error *err)
{
    char shown[MRQ_SHOWN];
    if (!mrq_reader_is_null(pass->reader, b->field) &&
        !mrq_parse_real(span.text, span.size, -HUGE_VAL, HUGE_VAL, &b->number[pass->row]))
        return mrq_reader_fail(pass->reader, err, "%s %s, want %s", b->field->name, mrq_show(span, shown),
                               mrq_is_number(span.text, span.size) ? "a smaller number: this one is too large"
                                                                   : "a number or nothing");
    return MRQ_OK;
}

/* Starts the row: nothing is known of it. */
static void start_row(mrq_table_builder *pass)
{
    for (uint32_t i = 0; i < pass->n; i++) {
        mrq_column_builder *b = &pass->builder[i];
        if (b->offset)
            b->offset[pass->row + 1] = b->offset[pass->row];
        if (b->number)
            b->number[pass->row] = NAN;
    }
}

/* Reads the current record into the row. */
static mrq_status add_record(mrq_table_builder *pass, mrq_error *err)
{
    for (uint32_t i = 0; i < pass->n; i++) {
        mrq_column_builder *b = &pass->builder[i];
        const mrq_span span = pass->reader->field[b->field->place];
        switch (b->column->kind) {
        case MRQ_CATEGORY:
            MRQ_TRY(add_category(pass, b, span, err));
            break;
        case MRQ_SET:
            MRQ_TRY(b->field->flags ? add_flags(pass, b, err) : add_members(pass, b, span, err));
            break;
        case MRQ_TEXT: {
            double number = NAN;
            MRQ_TRY(add_text(pass, b, span, b->field->pattern ? &number : NULL, err));
            if (b->field->pattern)
                pass->builder[++i].number[pass->row] = number; /* its column comes after the text's */
            break;
        }
        case MRQ_NUMBER:
            MRQ_TRY(add_number(pass, b, span, err));
            break;
        }
    }
    return MRQ_OK;
}

/* A row without a record: its categories are unknown, its texts empty. */
static mrq_status add_nothing(mrq_table_builder *pass, mrq_error *err)
{
    for (uint32_t i = 0; i < pass->n; i++) {
        mrq_column_builder *b = &pass->builder[i];
        if (b->column->kind == MRQ_CATEGORY)
            MRQ_TRY(add_unknown(pass, b, err));
        if (b->column->kind == MRQ_TEXT && mrq_dict_push(b->text, "", 0) == MRQ_NONE)
            return fail_memory(err);
    }
    return MRQ_OK;
}

/* A member that is named twice is stored once. */
static void finish_set(const mrq_table_builder *pass, mrq_column_builder *b)
{
    const size_t n = (size_t)(b->offset[pass->row + 1] - b->offset[pass->row]);
    if (!n)
        return; /* nor need there be room for items */
    uint32_t *item = b->item + b->offset[pass->row];
    mrq_list_sort(item, n);
    size_t kept = 1;
    for (size_t i = 1; i < n; i++)
        if (item[i] != item[kept - 1])
            item[kept++] = item[i];
    b->offset[pass->row + 1] = b->offset[pass->row] + kept;
}

mrq_status mrq_builder_row(mrq_table_builder *pass, const mrq_mark *record, uint64_t n, mrq_error *err)
{
    start_row(pass);
    for (uint64_t i = 0; i < n; i++) {
        bool more;
        mrq_reader_seek(pass->reader, &record[i]);
        MRQ_TRY(mrq_reader_next(pass->reader, &more, err));
        if (!more)
            return mrq_reader_changed(pass->reader, err);
        MRQ_TRY(add_record(pass, err));
    }
    if (!n)
        MRQ_TRY(add_nothing(pass, err));
    for (uint32_t i = 0; i < pass->n; i++)
        if (pass->builder[i].column->kind == MRQ_SET)
            finish_set(pass, &pass->builder[i]);
    pass->row++;
    return MRQ_OK;
}

mrq_status mrq_builder_start_trial(mrq_table_builder *pass, mrq_table **one, mrq_error *err)
{
    if (!(*one = pass->table = mrq_table_new()))
        return fail_memory(err);
    pass->table->rows = 1;
    return mrq_builder_start(pass, err);
}

mrq_status mrq_builder_try(mrq_table_builder *pass, mrq_error *err)
{
    start_row(pass);
    return add_record(pass, err);
}

static mrq_status start_column(mrq_table_builder *pass, const mrq_field *field, mrq_column_kind kind, const char *name,
                               mrq_error *err)
{
    mrq_table *table = pass->table;
    mrq_column *column = &table->column[table->n_columns++];
    mrq_column_builder *b = &pass->builder[pass->n++];
    memcpy(column->name, name, sizeof column->name);
    column->kind = kind;
    b->field = field;
    b->column = column;
    if (kind == MRQ_NUMBER) {
        column->number = b->number = mrq_arena_array(table->arena, table->rows, sizeof *b->number);
        return b->number ? MRQ_OK : fail_memory(err);
    }
    b->dict = mrq_dict_new();
    b->text = mrq_dict_new();
    if (kind == MRQ_CATEGORY)
        column->code = b->code = mrq_arena_array(table->arena, table->rows, sizeof *b->code);
    else
        column->list.offset = b->offset = mrq_arena_array(table->arena, (size_t)table->rows + 1, sizeof *b->offset);
    if (!b->dict || !b->text || !(b->code || b->offset))
        return fail_memory(err);
    for (uint32_t i = 0; i < field->values.n; i++)
        if (mrq_dict_add(b->dict, mrq_strings_at(&field->values, i), mrq_strings_size(&field->values, i)) == MRQ_NONE)
            return fail_memory(err);
    return MRQ_OK;
}

mrq_status mrq_builder_start(mrq_table_builder *pass, mrq_error *err)
{
    static const mrq_column_kind made[] = {[MRQ_FIELD_CATEGORY] = MRQ_CATEGORY,
                                           [MRQ_FIELD_SET] = MRQ_SET,
                                           [MRQ_FIELD_TEXT] = MRQ_TEXT,
                                           [MRQ_FIELD_NUMBER] = MRQ_NUMBER};
    const mrq_file_schema *schema = pass->reader->schema;
    if (!pass->table->column) /* else they stand behind those of other files */
        pass->table->column = mrq_arena_array(pass->table->arena, MRQ_COLUMNS_MAX, sizeof *pass->table->column);
    if (!pass->table->column)
        return fail_memory(err);
    for (uint32_t i = 0; i < schema->n_fields; i++) {
        const mrq_field *field = &schema->field[i];
        if (field->kind == MRQ_FIELD_ID || field->kind == MRQ_FIELD_IGNORE)
            continue;
        MRQ_TRY(start_column(pass, field, made[field->kind], field->name, err));
        if (field->pattern)
            MRQ_TRY(start_column(pass, field, MRQ_NUMBER, field->extract, err));
    }
    return MRQ_OK;
}

/* Sorts a discovered dictionary and renumbers codes and items. */
static mrq_status sort_dict(const mrq_table *table, mrq_column_builder *b, mrq_error *err)
{
    MRQ_AUTOFREE uint32_t *rank = mrq_array(mrq_dict_strings(b->dict).n, sizeof *rank);
    if (!rank || mrq_dict_sort(b->dict, mrq_compare_bytes, rank))
        return fail_memory(err);
    for (uint32_t row = 0; b->code && row < table->rows; row++)
        b->code[row] = rank[b->code[row]];
    for (uint64_t i = 0; b->offset && i < b->offset[table->rows]; i++)
        b->item[i] = rank[b->item[i]];
    for (uint32_t row = 0; b->offset && b->column->kind == MRQ_SET && row < table->rows; row++)
        if (b->offset[row + 1] > b->offset[row])
            mrq_list_sort(b->item + b->offset[row], b->offset[row + 1] - b->offset[row]);
    return MRQ_OK;
}

/* Copies the labels of the field, and adds one for unknown values if there are any. */
static int copy_labels(mrq_arena *arena, const mrq_column_builder *b, uint32_t values, mrq_strings *out)
{
    const mrq_strings *given = &b->field->labels;
    if (!given->n || given->n == values)
        return mrq_strings_copy(arena, given, out);
    MRQ_CLEANUP(mrq_dict_free) mrq_dict *labels = mrq_dict_new();
    for (uint32_t i = 0; labels && i < given->n; i++)
        if (mrq_dict_push(labels, mrq_strings_at(given, i), mrq_strings_size(given, i)) == MRQ_NONE)
            return -1;
    if (!labels || mrq_dict_push(labels, unknown, sizeof unknown - 1) == MRQ_NONE)
        return -1;
    const mrq_strings all = mrq_dict_strings(labels);
    return mrq_strings_copy(arena, &all, out);
}

/* Moves dictionary, labels, bounds, items and texts into the table. */
static mrq_status finish_column(mrq_table *table, mrq_column_builder *b, mrq_error *err)
{
    mrq_column *column = b->column;
    if (column->kind == MRQ_NUMBER)
        return MRQ_OK;
    if (!b->field->values.n)
        MRQ_TRY(sort_dict(table, b, err));
    const mrq_strings dict = mrq_dict_strings(b->dict), text = mrq_dict_strings(b->text);
    if (mrq_strings_copy(table->arena, &dict, &column->dict) || copy_labels(table->arena, b, dict.n, &column->label) ||
        mrq_strings_copy(table->arena, &text, &column->text))
        return fail_memory(err);
    if (b->offset) {
        const size_t n = (size_t)b->offset[table->rows];
        uint32_t *item = mrq_arena_array(table->arena, n, sizeof *item);
        if (!item)
            return fail_memory(err);
        if (n)
            memcpy(item, b->item, n * sizeof *item);
        column->list.item = item;
    }
    if (b->field->bound) {
        double *bound = mrq_arena_array(table->arena, dict.n, sizeof *bound);
        if (!bound)
            return fail_memory(err);
        memcpy(bound, b->field->bound, b->field->values.n * sizeof *bound);
        if (dict.n > b->field->values.n)
            bound[dict.n - 1] = DBL_MAX; /* of "unknown": no number is in its range */
        column->bound = bound;
    }
    return MRQ_OK;
}

mrq_status mrq_builder_finish(mrq_table_builder *pass, mrq_error *err)
{
    for (uint32_t i = 0; i < pass->n; i++)
        MRQ_TRY(finish_column(pass->table, &pass->builder[i], err));
    return MRQ_OK;
}

void mrq_builder_clear(mrq_table_builder *pass)
{
    for (uint32_t i = 0; i < pass->n; i++) {
        mrq_dict_free(pass->builder[i].dict);
        mrq_dict_free(pass->builder[i].text);
        mrq_free(pass->builder[i].item);
    }
    mrq_free(pass->decoded);
    mrq_free(pass->word);
}
