/* A matrix as events: a line is a user, each column behind the first few an item, each cell a value or none.
 *
 * Lines are read cell by cell, as there may be more columns than fields of a record, and an event is given for each cell that has a
 * value. The line stays in the window meanwhile, and with it the user's id. Without a header the first line tells how many columns
 * there are. */
#include <stdio.h>
#include <string.h>

#include "dataset/matrix.h"
#include "dataset/reader_private.h"
#include "dataset/text.h"

struct mrq_matrix {
    const mrq_file_schema *schema;
    const mrq_field *value;
    uint32_t lead;   /* columns before those of the items */
    uint32_t user;   /* places of the fields */
    uint32_t item;   /* the value's is `lead` */
    mrq_dict *names; /* of the items */
    bool open;       /* the first line is read, and gives numbers as names */
    bool in_line;    /* cells are left in the current line */
    uint32_t cell;   /* the next one of them */
    uint64_t lines;  /* that were read; the user's id where no column has it */
    char number[24]; /* such an id */
    char *text;      /* a name or an id without what quoting adds */
    size_t text_room;
};

mrq_matrix *mrq_matrix_new(const mrq_file_schema *schema)
{
    mrq_matrix *matrix = mrq_array(1, sizeof *matrix);
    if (!matrix)
        return NULL;
    matrix->schema = schema;
    matrix->value = mrq_schema_value(schema);
    matrix->lead = matrix->value->place;
    matrix->user = mrq_schema_field(schema, MRQ_FIELD_ID, "user")->place;
    matrix->item = mrq_schema_item(schema)->place;
    return matrix;
}

void mrq_matrix_free(mrq_matrix *matrix)
{
    if (!matrix)
        return;
    mrq_dict_free(matrix->names);
    mrq_free(matrix->text);
    mrq_free(matrix);
}

static mrq_status fail_memory(mrq_error *err)
{
    return mrq_fail_memory(err, "reading a matrix");
}

/* Takes away what quoting adds to the last field that was read. */
static mrq_status decode(mrq_matrix *matrix, mrq_reader *reader, mrq_span *span, mrq_error *err)
{
    if (!reader->coded)
        return MRQ_OK;
    reader->coded = false;
    if (mrq_grow(&matrix->text, &matrix->text_room, span->size + 1, 1))
        return fail_memory(err);
    *span = (mrq_span){matrix->text, mrq_text_unquote(span->text, span->size, matrix->schema->escape, matrix->text)};
    return MRQ_OK;
}

static mrq_status fail_count(const mrq_matrix *matrix, const mrq_reader *reader, uint32_t count, mrq_error *err)
{
    const uint32_t items = mrq_dict_strings(matrix->names).n;
    if (!items)
        return mrq_reader_refuse(reader, MRQ_BAD_FIELDS, err, "%u column%s, want those of items behind the first %u", count,
                                 count == 1 ? "" : "s", matrix->lead);
    return mrq_reader_refuse(reader, MRQ_BAD_FIELDS, err, "%u column%s, want %u, as many as %s", count, count == 1 ? "" : "s",
                             matrix->lead + items, matrix->schema->header ? "the header has" : "the first line has");
}

mrq_status mrq_matrix_start(mrq_reader *reader, mrq_error *err)
{
    mrq_matrix *matrix = reader->matrix;
    mrq_dict_free(matrix->names);
    matrix->names = mrq_dict_new();
    matrix->in_line = false;
    matrix->open = !matrix->schema->header;
    return matrix->names ? MRQ_OK : fail_memory(err);
}

mrq_status mrq_matrix_header(mrq_reader *reader, bool *more, mrq_error *err)
{
    mrq_matrix *matrix = reader->matrix;
    char shown[MRQ_SHOWN];
    mrq_reader_begin(reader);
    *more = true;
    bool last = mrq_reader_at_end(reader);
    MRQ_TRY(mrq_matrix_start(reader, err));
    for (uint32_t i = 0; !last; i++) {
        mrq_span name;
        reader->coded = false;
        MRQ_TRY(mrq_reader_field(reader, &name, &last, err));
        MRQ_TRY(decode(matrix, reader, &name, err));
        if (i < matrix->lead)
            continue;
        const uint32_t n = mrq_dict_strings(matrix->names).n;
        if (!mrq_id_is_valid(name.text, name.size))
            return mrq_reader_fail(reader, err, "column %u of the header: %s, want the id of an item: " MRQ_ID_WANT, i + 1,
                                   mrq_show(name, shown));
        const uint32_t index = mrq_dict_add(matrix->names, name.text, name.size);
        if (index == MRQ_NONE)
            return fail_memory(err);
        if (index != n)
            return mrq_reader_fail(reader, err, "the header has two columns %s", mrq_show(name, shown));
    }
    if (!reader->starved && !mrq_dict_strings(matrix->names).n)
        return mrq_reader_fail(reader, err, "the header has no column of an item");
    return MRQ_OK;
}

/* The columns before those of the items. */
static mrq_status start_line(mrq_matrix *matrix, mrq_reader *reader, mrq_error *err)
{
    bool last = false;
    mrq_reader_begin(reader);
    for (uint32_t i = 0; i < matrix->lead; i++) {
        reader->coded = false;
        MRQ_TRY(mrq_reader_field(reader, &reader->field[i], &last, err));
        if (i == matrix->user)
            MRQ_TRY(decode(matrix, reader, &reader->field[i], err));
        if (last)
            return fail_count(matrix, reader, i + 1, err);
    }
    if (matrix->user > matrix->lead) {
        const int size = snprintf(matrix->number, sizeof matrix->number, "%llu", (unsigned long long)++matrix->lines);
        reader->field[matrix->user] = (mrq_span){matrix->number, (size_t)size};
    }
    matrix->cell = 0;
    matrix->in_line = true;
    return MRQ_OK;
}

/* The name of the next cell's item. In the first line of a file without a header it is a new number. */
static mrq_status name_item(mrq_matrix *matrix, mrq_reader *reader, mrq_error *err)
{
    char number[16];
    if (matrix->open) {
        const int size = snprintf(number, sizeof number, "%u", matrix->cell + 1);
        if (mrq_dict_push(matrix->names, number, (size_t)size) == MRQ_NONE)
            return fail_memory(err);
    }
    const mrq_strings names = mrq_dict_strings(matrix->names);
    if (matrix->cell < names.n)
        reader->field[matrix->item] = (mrq_span){mrq_strings_at(&names, matrix->cell), mrq_strings_size(&names, matrix->cell)};
    return MRQ_OK;
}

/* Reads a cell; `*found` when it has a value. */
static mrq_status read_cell(mrq_matrix *matrix, mrq_reader *reader, bool *found, mrq_error *err)
{
    mrq_span *cell = &reader->field[matrix->lead];
    bool last;
    MRQ_TRY(mrq_reader_field(reader, cell, &last, err));
    MRQ_TRY(name_item(matrix, reader, err));
    const char *none = matrix->schema->none;
    *found = matrix->cell < mrq_dict_strings(matrix->names).n && !mrq_reader_is_null(reader, matrix->value) &&
             !(none && strlen(none) == cell->size && memcmp(none, cell->text, cell->size) == 0);
    matrix->cell++;
    if (last) {
        matrix->in_line = matrix->open = false;
        if (matrix->cell != mrq_dict_strings(matrix->names).n)
            return fail_count(matrix, reader, matrix->lead + matrix->cell, err);
    }
    return MRQ_OK;
}

mrq_status mrq_matrix_next(mrq_reader *reader, bool *more, mrq_error *err)
{
    mrq_matrix *matrix = reader->matrix;
    for (bool found = false; !found;) {
        if (!matrix->in_line) {
            *more = !mrq_reader_at_end(reader);
            if (!*more)
                return MRQ_OK;
            MRQ_TRY(start_line(matrix, reader, err));
        }
        const mrq_status status = read_cell(matrix, reader, &found, err);
        if (status == MRQ_OK)
            continue;
        matrix->in_line = false;
        if (!reader->starved)
            return status;
        reader->starved = false; /* what was given of the line cannot be taken back */
        return mrq_reader_refuse(reader, MRQ_BAD_QUOTES, err, "a quote that is not closed in its line");
    }
    return MRQ_OK;
}
