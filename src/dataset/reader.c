/* The files of a schema as one sequence of records: files are opened one after the other, their headers are read, and records that
 * do not fit are left out. record.c cuts a record; when it goes on behind the window of the source, it is cut once more in a larger
 * one. */
#include "dataset/reader.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/parse.h"
#include "dataset/files.h"
#include "dataset/json_lines.h"
#include "dataset/matrix.h"
#include "dataset/reader_private.h"
#include "dataset/text.h"

#define PATH_BYTES 4096

const char *mrq_show(mrq_span span, char out[MRQ_SHOWN])
{
    const bool bare = mrq_is_number(span.text, span.size);
    size_t n = 0;
    if (!bare)
        out[n++] = '"';
    for (size_t i = 0; i < span.size && i < 40; i++) {
        const unsigned char c = (unsigned char)span.text[i];
        if (c >= 0x20 && c < 0x7f)
            out[n++] = (char)c;
        else
            n += (size_t)snprintf(out + n, MRQ_SHOWN - n, c == '\t' ? "\\t" : "\\x%02x", c);
    }
    snprintf(out + n, MRQ_SHOWN - n, "%s%s", bare ? "" : "\"", span.size > 40 ? "..." : "");
    return out;
}

const char *mrq_reader_place(const mrq_reader *reader, const mrq_part *part, uint64_t line, char out[MRQ_PLACE])
{
    if (!reader->from.database)
        snprintf(out, MRQ_PLACE, "%s:%llu", part->name, (unsigned long long)line);
    else if (line > 1)
        snprintf(out, MRQ_PLACE, "%s, row %llu", part->name, (unsigned long long)line - 1);
    else
        snprintf(out, MRQ_PLACE, "%s", part->name);
    return out;
}

mrq_status mrq_reader_refuse(const mrq_reader *reader, mrq_bad_reason reason, mrq_error *err, const char *format, ...)
{
    char what[400];
    if (reader->from.bad) {
        reader->from.bad->reason = reason;
        reader->from.bad->pending = true;
    }
    va_list args;
    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    char place[MRQ_PLACE];
    return mrq_fail(err, MRQ_BAD_FILE, "%s: %s", mrq_reader_place(reader, reader->now, reader->line, place), what);
}

mrq_status mrq_reader_fail_values(const mrq_reader *reader, const mrq_field *field, mrq_span text, mrq_error *err)
{
    char shown[MRQ_SHOWN], want[100] = "";
    const mrq_strings *values = &field->values;
    for (uint32_t i = 0; i < values->n; i++) {
        const size_t used = strlen(want);
        const bool fits = used + mrq_strings_size(values, i) + sizeof ", , ..." <= sizeof want;
        snprintf(want + used, sizeof want - used, "%s%s", i ? ", " : "", fits ? mrq_strings_at(values, i) : "...");
        if (!fits)
            break;
    }
    return mrq_reader_fail(reader, err, "%s %s, want %s%s", field->name, mrq_show(text, shown), values->n > 1 ? "one of " : "",
                           want);
}

/* The next window, which begins with the current record. */
static mrq_status widen(mrq_reader *reader, mrq_error *err)
{
    mrq_source *source = &reader->now->source;
    MRQ_TRY(mrq_source_more(source, (size_t)(reader->end - reader->began), reader->line, err));
    reader->starved = false;
    reader->next_line = reader->line;
    reader->at = reader->began = source->bytes;
    reader->end = reader->at + source->size;
    return MRQ_OK;
}

/* Reads a record, or the header, by `read`; when it goes on behind the window, once more in a larger one. */
static mrq_status read_whole(mrq_reader *reader, mrq_status (*read)(mrq_reader *, bool *, mrq_error *), bool *more, mrq_error *err)
{
    for (;;) {
        const mrq_status status = read(reader, more, err);
        if (!reader->starved)
            return status;
        MRQ_TRY(widen(reader, err));
    }
}

static mrq_status next_of_part(mrq_reader *reader, bool *more, mrq_error *err)
{
    return read_whole(reader, mrq_reader_cut, more, err);
}

/* Of a file whose fields are found by place: moves behind the header, or stays before the first record if there is none. */
static mrq_status check_first_line(mrq_reader *reader, mrq_error *err)
{
    bool more = true;
    mrq_reader_begin(reader);
    const mrq_status status = next_of_part(reader, &more, err);
    if (reader->schema->header) {
        MRQ_TRY(status);
        return more ? mrq_header_check(reader, err) : MRQ_OK;
    }
    if (status == MRQ_OK && more)
        MRQ_TRY(mrq_header_check(reader, err));
    else if (status == MRQ_FAILED)
        return status;
    reader->at = reader->began; /* what is wrong with a record is told when it is read */
    reader->next_line = reader->line;
    return MRQ_OK;
}

static mrq_status open_source(mrq_reader *reader, mrq_part *part, mrq_error *err)
{
    const mrq_file_schema *schema = reader->schema;
    char path[PATH_BYTES];
    mrq_flow *flow = NULL;
    part->source.block = reader->block;
    if (reader->from.database) {
        MRQ_TRY(mrq_database_query(reader->from.database, schema->query, part->name, &reader->sum, &flow, err));
        return mrq_source_take(&part->source, flow, part->name, err);
    }
    MRQ_TRY(mrq_path_join(path, sizeof path, reader->from.folder, part->name, err));
    return mrq_source_open(&part->source, path, part->name, schema->encoding, &reader->sum, err);
}

static mrq_status start_part(mrq_reader *reader, mrq_part *part, mrq_error *err)
{
    const mrq_file_schema *schema = reader->schema;
    bool more = true;
    MRQ_TRY(open_source(reader, part, err));
    part->name = part->source.name;
    reader->at = reader->end = NULL;
    reader->next_line = 1;
    if (reader->again)
        MRQ_TRY(mrq_source_whole(&part->source, err));
    else
        MRQ_TRY(mrq_source_more(&part->source, 0, 1, err));
    reader->at = part->source.bytes;
    reader->end = reader->at + part->source.size;
    if (part->source.size >= 3 && memcmp(reader->at, "\xef\xbb\xbf", 3) == 0)
        reader->at += 3; /* byte order mark, which some editors write */
    if (schema->format == MRQ_JSON_LINES)
        return MRQ_OK;
    if (schema->format == MRQ_MATRIX)
        return schema->header ? read_whole(reader, mrq_matrix_header, &more, err) : mrq_matrix_start(reader, err);
    if (schema->by_column) {
        if (!(part->place = mrq_array(MRQ_FIELDS_MAX, sizeof *part->place)))
            return mrq_fail_memory(err, "reading a header");
        return read_whole(reader, mrq_header_read, &more, err);
    }
    part->columns = schema->width;
    return schema->format == MRQ_DELIMITED ? check_first_line(reader, err) : MRQ_OK;
}

mrq_status mrq_reader_open(mrq_reader *reader, const mrq_origin *from, const mrq_file_schema *schema, bool again, mrq_error *err)
{
    reader->from = *from;
    reader->schema = schema;
    reader->again = again;
    mrq_sum_init(&reader->sum);
    for (uint32_t i = 0; i < schema->n_fields; i++)
        reader->whole |= schema->field[i].whole;
    if (from->bad)
        mrq_bad_begin(from->bad);
    if (schema->format == MRQ_JSON_LINES && !(reader->json = mrq_json_lines_new(schema)))
        return mrq_fail_memory(err, "reading a file");
    if (schema->format == MRQ_MATRIX && !(reader->matrix = mrq_matrix_new(schema)))
        return mrq_fail_memory(err, "reading a file");
    reader->stop[0] = reader->stop['\n'] = true;
    if (schema->delimiter)
        reader->stop[(unsigned char)schema->delimiter[0]] = true;
    reader->stop['"'] |= schema->quoted;
    reader->stop[(unsigned char)schema->escape] = true; /* 0: none */
    memset(reader->stop + 0x80, 1, 0x80);
    MRQ_TRY(mrq_files_find(from->folder, schema->file, &reader->names, err));
    const mrq_strings names = mrq_dict_strings(reader->names);
    if (!(reader->part = mrq_array(names.n, sizeof *reader->part)))
        return mrq_fail_memory(err, "reading a file");
    for (uint32_t i = 0; i < names.n; i++)
        reader->part[i].name = mrq_strings_at(&names, i);
    reader->now = reader->part;
    return start_part(reader, reader->now, err);
}

static void close_part(mrq_part *part)
{
    mrq_source_close(&part->source);
    mrq_free(part->place);
    part->place = NULL;
}

void mrq_reader_close(mrq_reader *reader)
{
    for (uint32_t i = 0; reader->part && i < mrq_dict_strings(reader->names).n; i++)
        close_part(&reader->part[i]);
    mrq_free(reader->part);
    mrq_dict_free(reader->names);
    mrq_json_lines_free(reader->json);
    mrq_matrix_free(reader->matrix);
    mrq_free(reader->text);
    *reader = (mrq_reader){0};
}

static mrq_status check_unchanged(const mrq_reader *reader, mrq_error *err)
{
    char path[PATH_BYTES];
    MRQ_TRY(mrq_path_join(path, sizeof path, reader->from.folder, reader->now->name, err));
    return mrq_source_changed(&reader->now->source, path) ? mrq_reader_changed(reader, err) : MRQ_OK;
}

/* Moves behind the line in which the current record begins. */
static mrq_status skip_line(mrq_reader *reader, bool *more, mrq_error *err)
{
    (void)err;
    (void)more;
    const char *stop = memchr(reader->began, '\n', (size_t)(reader->end - reader->began));
    reader->starved = !stop && !reader->now->source.last;
    reader->at = stop ? stop + 1 : reader->end;
    reader->next_line = reader->line + 1;
    reader->in_list = false;
    return MRQ_OK;
}

mrq_status mrq_reader_leave_out(mrq_reader *reader, mrq_status status, const mrq_error *why, mrq_error *err)
{
    mrq_bad *bad = reader->from.bad;
    if (!bad || !bad->pending || status != MRQ_BAD_FILE)
        return mrq_fail(err, status, "%s", why->msg);
    char place[MRQ_PLACE];
    const size_t size = strlen(mrq_reader_place(reader, reader->now, reader->line, place));
    const bool placed = strncmp(why->msg, place, size) == 0 && strncmp(why->msg + size, ": ", 2) == 0;
    mrq_bad_add(bad, reader->now->name, reader->line - (reader->from.database != NULL), why->msg + (placed ? size + 2 : 0));
    return MRQ_OK;
}

mrq_status mrq_reader_judge(mrq_reader *reader, mrq_error *err)
{
    mrq_bad *bad = reader->from.bad;
    reader->from.bad = NULL;
    return bad ? mrq_bad_end(bad, mrq_reader_name(reader), err) : MRQ_OK;
}

/* The next record that can be cut, where others are left out. */
static mrq_status next_that_fits(mrq_reader *reader, bool *more, mrq_error *err)
{
    mrq_bad *bad = reader->from.bad;
    for (;;) {
        mrq_error why = {0};
        bad->pending = false;
        const mrq_status status = next_of_part(reader, more, &why);
        bad->pending &= status != MRQ_OK;
        bad->file.rows += status != MRQ_OK || *more;
        if (status == MRQ_OK)
            return MRQ_OK;
        MRQ_TRY(mrq_reader_leave_out(reader, status, &why, err));
        MRQ_TRY(read_whole(reader, skip_line, more, err));
    }
}

size_t mrq_whole_size(mrq_span span)
{
    size_t digits = span.size && *span.text == '-', size = span.size;
    while (size && span.text[size - 1] == '0')
        size--;
    if (size < 2 || size == span.size || span.text[--size] != '.')
        return span.size;
    while (digits < size && span.text[digits] >= '0' && span.text[digits] <= '9')
        digits++;
    return digits == size && span.text[size - 1] != '-' ? size : span.size;
}

/* "39.0" is the id 39 where the schema says so. */
static void cut_whole_ids(mrq_reader *reader)
{
    for (uint32_t i = 0; i < reader->schema->n_fields; i++) {
        mrq_span *span = &reader->field[reader->schema->field[i].place];
        if (reader->schema->field[i].whole)
            span->size = mrq_whole_size(*span);
    }
}

mrq_status mrq_reader_next(mrq_reader *reader, bool *more, mrq_error *err)
{
    for (;;) {
        MRQ_TRY(reader->from.bad ? next_that_fits(reader, more, err) : next_of_part(reader, more, err));
        if (*more && reader->whole)
            cut_whole_ids(reader);
        if (*more)
            return MRQ_OK;
        MRQ_TRY(check_unchanged(reader, err));
        if (reader->now + 1 == reader->part + mrq_dict_strings(reader->names).n)
            return MRQ_OK;
        if (!reader->again)
            close_part(reader->now);
        reader->now++;
        MRQ_TRY(start_part(reader, reader->now, err));
    }
}

mrq_mark mrq_reader_mark(const mrq_reader *reader)
{
    return (mrq_mark){reader->began, reader->line, reader->now};
}

void mrq_reader_seek(mrq_reader *reader, const mrq_mark *mark)
{
    const mrq_source *source = &mark->part->source;
    reader->now = mark->part;
    reader->at = mark->at;
    reader->end = source->bytes + source->size;
    reader->next_line = mark->line;
}

static bool is_one_of(const mrq_strings *texts, mrq_span span)
{
    for (uint32_t i = 0; i < texts->n; i++)
        if (mrq_strings_size(texts, i) == span.size && memcmp(mrq_strings_at(texts, i), span.text, span.size) == 0)
            return true;
    return false;
}

bool mrq_reader_is_named_null(const mrq_reader *reader, const mrq_field *field)
{
    const mrq_span span = reader->field[field->place];
    return is_one_of(&field->null, span) || is_one_of(&reader->schema->null, span);
}

bool mrq_reader_is_null(const mrq_reader *reader, const mrq_field *field)
{
    return reader->field[field->place].size == 0 || mrq_reader_is_named_null(reader, field);
}

const char *mrq_reader_name(const mrq_reader *reader)
{
    return mrq_dict_strings(reader->names).n == 1 ? reader->now->name : reader->schema->file;
}

mrq_status mrq_reader_changed(const mrq_reader *reader, mrq_error *err)
{
    return mrq_fail(err, MRQ_FAILED, "%s was changed while it was read: want a new file renamed to it, not written over it",
                    reader->now->name);
}

mrq_status mrq_reader_check_id(const mrq_reader *reader, const mrq_field *field, mrq_span id, mrq_error *err)
{
    char shown[MRQ_SHOWN];
    if (!mrq_id_is_valid(id.text, id.size))
        return mrq_reader_refuse(reader, MRQ_BAD_ID, err, "%s %s, want an id: " MRQ_ID_WANT, field->name, mrq_show(id, shown));
    return MRQ_OK;
}
