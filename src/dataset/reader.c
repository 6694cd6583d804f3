/* The one splitter for all delimited files: any delimiter, RFC 4180 quotes if the schema says so, LF or CRLF.
 *
 * It goes through the source byte by byte and examines only bytes that are marked in `stop`: the delimiter's first byte, the line
 * end, NUL, the quote in a quoted file and all bytes from 0x80. So checking costs nothing in addition to splitting, and errors are
 * found in the order of the file, with their line. Rejected: checking the whole file first (another pass, and lines must be counted
 * again), and finding line ends with memchr() (fields are too short for it to pay, and quotes may contain line ends). */
#include "dataset/reader.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/parse.h"
#include "base/utf8.h"
#include "dataset/json_lines.h"
#include "dataset/text.h"

#define NO_FIELD UINT16_MAX

const char *mrq_show(mrq_span span, char out[MRQ_SHOWN])
{
    double number;
    const bool bare = mrq_parse_real(span.text, span.size, -HUGE_VAL, HUGE_VAL, &number);
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

mrq_status mrq_reader_fail(const mrq_reader *reader, mrq_error *err, const char *format, ...)
{
    char what[400];
    va_list args;
    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    return mrq_fail(err, MRQ_BAD_FILE, "%s:%llu: %s", reader->schema->file, (unsigned long long)reader->line, what);
}

/* "3 fields, want 4 (user::item::rating::timestamp)" */
static mrq_status fail_count(const mrq_reader *reader, size_t count, mrq_error *err)
{
    const mrq_file_schema *schema = reader->schema;
    char names[200] = "";
    if (schema->by_column)
        return mrq_reader_fail(reader, err, "%zu field%s, want %u, as many as the header has", count, count == 1 ? "" : "s",
                               reader->columns);
    for (uint32_t i = 0; i < schema->n_fields; i++) {
        const mrq_field *field = &schema->field[i];
        const char *between = !i ? "" : schema->delimiter[0] == '\t' ? "\\t" : schema->delimiter;
        const size_t used = strlen(names);
        snprintf(names + used, sizeof names - used, "%s%s", between, *field->name ? field->name : "ignored");
        if (field->width > 1)
            snprintf(names + strlen(names), sizeof names - strlen(names), "[%u]", field->width);
    }
    return mrq_reader_fail(reader, err, "%zu field%s, want %u (%s)", count, count == 1 ? "" : "s", schema->width, names);
}

static bool at_delimiter(const mrq_reader *reader, const char *p)
{
    const char *d = reader->schema->delimiter;
    for (; *d; d++, p++)
        if (p == reader->end || *p != *d)
            return false;
    return true;
}

/* Ends the field before `p`, which is at a delimiter or at the end of line or file, and moves past that. */
static void end_field(mrq_reader *reader, const char *start, const char *p, mrq_span *span, bool *last)
{
    *span = (mrq_span){start, (size_t)(p - start)};
    *last = p == reader->end || *p == '\n';
    if (*last) {
        if (span->size && p[-1] == '\r')
            span->size--;
        reader->next_line++;
        reader->at = p + (p < reader->end);
    } else {
        reader->at = p + strlen(reader->schema->delimiter);
    }
}

/* Refuses NUL and invalid UTF-8 at `*p`; moves it to the last byte of its character. */
static mrq_status check_character(const mrq_reader *reader, const char **p, mrq_error *err)
{
    uint32_t code;
    if (**p == '\0')
        return mrq_reader_fail(reader, err, "a NUL byte");
    if ((unsigned char)**p >= 0x80) {
        const size_t length = mrq_utf8_read(*p, (size_t)(reader->end - *p), &code);
        if (!length)
            return mrq_reader_fail(reader, err, "the byte \\x%02x is not valid UTF-8", (unsigned char)**p);
        *p += length - 1;
    }
    return MRQ_OK;
}

static mrq_status read_quoted(mrq_reader *reader, mrq_span *span, bool *last, mrq_error *err)
{
    const char *start = reader->at + 1, *p = start;
    char shown[MRQ_SHOWN];
    for (;; p++) {
        while (p < reader->end && !reader->stop[(unsigned char)*p])
            p++;
        if (p == reader->end)
            return mrq_reader_fail(reader, err, "the quote before %s is never closed",
                                   mrq_show((mrq_span){start, (size_t)(p - start)}, shown));
        MRQ_TRY(check_character(reader, &p, err));
        reader->next_line += *p == '\n';
        if (*p == '"') {
            if (p + 1 == reader->end || p[1] != '"')
                break;
            p++;
        }
    }
    const char *after = p + 1;
    if (after < reader->end && *after == '\r' && (after + 1 == reader->end || after[1] == '\n'))
        after++;
    if (after < reader->end && *after != '\n' && !at_delimiter(reader, after))
        return mrq_reader_fail(reader, err, "text behind the closing quote of %s",
                               mrq_show((mrq_span){start, (size_t)(p - start)}, shown));
    end_field(reader, start, after, span, last);
    span->size = (size_t)(p - start);
    return MRQ_OK;
}

static mrq_status read_field(mrq_reader *reader, mrq_span *span, bool *last, mrq_error *err)
{
    const char *start = reader->at, *p = start;
    char shown[MRQ_SHOWN];
    if (reader->schema->quoted && p < reader->end && *p == '"')
        return read_quoted(reader, span, last, err);
    for (;; p++) {
        while (p < reader->end && !reader->stop[(unsigned char)*p])
            p++;
        if (p == reader->end || *p == '\n' || at_delimiter(reader, p))
            break;
        if (*p == '"')
            return mrq_reader_fail(reader, err, "a quote inside the unquoted field %s",
                                   mrq_show((mrq_span){start, (size_t)(p + 1 - start)}, shown));
        MRQ_TRY(check_character(reader, &p, err));
    }
    end_field(reader, start, p, span, last);
    return MRQ_OK;
}

/* Whether only line ends are left. A blank line anywhere else is an error, so this is not called often. */
static bool at_end(const mrq_reader *reader)
{
    const char *p = reader->at;
    while (p < reader->end && (*p == '\n' || *p == '\r'))
        p++;
    return p == reader->end;
}

/* The field that column `count` of a record is; `*ignored` for one that is none. */
static mrq_span *field_of(mrq_reader *reader, size_t count, mrq_span *ignored)
{
    if (count >= reader->columns)
        return ignored;
    if (!reader->place)
        return &reader->field[count];
    return reader->place[count] == NO_FIELD ? ignored : &reader->field[reader->place[count]];
}

/* The next item of a line, whose first field is the user; lines of a user alone, and empty items, are skipped. */
static mrq_status next_in_list(mrq_reader *reader, bool *more, mrq_error *err)
{
    bool last = !reader->in_list;
    do {
        if (last) {
            if ((*more = !at_end(reader)) == false)
                return MRQ_OK;
            reader->line = reader->next_line;
            MRQ_TRY(read_field(reader, &reader->field[0], &last, err));
            reader->field[1].size = 0;
        } else {
            MRQ_TRY(read_field(reader, &reader->field[1], &last, err));
        }
    } while (!reader->field[1].size);
    reader->in_list = !last;
    *more = true;
    return MRQ_OK;
}

static void skip_blank_lines(mrq_reader *reader)
{
    for (; reader->at < reader->end && *reader->at && strchr(" \t\r\n", *reader->at); reader->at++)
        reader->next_line += *reader->at == '\n';
}

/* The next line; blank ones have been skipped. */
static mrq_status next_object(mrq_reader *reader, bool *more, mrq_error *err)
{
    if ((*more = reader->at < reader->end) == false)
        return MRQ_OK;
    const char *start = reader->at, *stop = memchr(start, '\n', (size_t)(reader->end - start));
    const mrq_span line = {start, (size_t)((stop ? stop : reader->end) - start)};
    reader->line = reader->next_line++;
    reader->at = stop ? stop + 1 : reader->end;
    skip_blank_lines(reader);
    return mrq_json_lines_cut(reader->json, reader, line, err);
}

mrq_status mrq_reader_next(mrq_reader *reader, bool *more, mrq_error *err)
{
    if (reader->schema->format == MRQ_LISTS)
        return next_in_list(reader, more, err);
    if (reader->schema->format == MRQ_JSON_LINES)
        return next_object(reader, more, err);
    if (at_end(reader)) {
        *more = false;
        return MRQ_OK;
    }
    reader->line = reader->next_line;
    size_t count = 0;
    /* A column that no field is. A delimiter at the end of a line, but not of the header, makes an empty one. */
    mrq_span behind = {0};
    for (bool last = false; !last; count++)
        MRQ_TRY(read_field(reader, field_of(reader, count, &behind), &last, err));
    if (count != reader->columns && !(count == reader->columns + 1 && reader->schema->by_column && !behind.size))
        return fail_count(reader, count, err);
    *more = true;
    return MRQ_OK;
}

/* The field whose column has this name in the header; NO_FIELD without one. */
static uint16_t named(const mrq_file_schema *schema, mrq_span name)
{
    char text[2 * MRQ_HEADER_NAME + 1];
    if (name.size > MRQ_HEADER_NAME)
        return NO_FIELD;
    mrq_text_decode(name.text, name.size, schema->quoted, text);
    for (uint32_t i = 0; i < schema->n_fields; i++)
        if (strcmp(schema->field[i].column, text) == 0)
            return (uint16_t)schema->field[i].place;
    return NO_FIELD;
}

/* Finds the schema's columns in the header. */
static mrq_status read_header(mrq_reader *reader, mrq_error *err)
{
    const mrq_file_schema *schema = reader->schema;
    bool found[MRQ_FIELDS_MAX] = {false};
    char header[200] = "", shown[MRQ_SHOWN];
    reader->place = mrq_array(MRQ_FIELDS_MAX, sizeof *reader->place);
    if (!reader->place)
        return mrq_fail_memory(err, "reading a header");
    reader->line = reader->next_line;
    for (bool last = at_end(reader); !last;) {
        mrq_span name;
        MRQ_TRY(read_field(reader, &name, &last, err));
        if (reader->columns == MRQ_FIELDS_MAX)
            return mrq_reader_fail(reader, err, "the header has more than %d columns", MRQ_FIELDS_MAX);
        const uint16_t place = named(schema, name);
        if (place != NO_FIELD && found[place])
            return mrq_reader_fail(reader, err, "the header has two columns %s", mrq_show(name, shown));
        if (place != NO_FIELD)
            found[place] = true;
        reader->place[reader->columns++] = place;
        const size_t used = strlen(header);
        snprintf(header + used, sizeof header - used, "%s%.*s", used ? ", " : "", (int)(name.size < 60 ? name.size : 60),
                 name.text);
    }
    for (uint32_t i = 0; i < schema->n_fields; i++)
        if (!found[schema->field[i].place])
            return mrq_reader_fail(reader, err, "no column \"%s\" in the header, which has %s", schema->field[i].column,
                                   *header ? header : "none");
    return MRQ_OK;
}

mrq_status mrq_reader_open(mrq_reader *reader, const char *folder, const mrq_file_schema *schema, mrq_error *err)
{
    char path[4096];
    MRQ_TRY(mrq_path_join(path, sizeof path, folder, schema->file, err));
    MRQ_TRY(mrq_source_open(&reader->source, path, schema->file, schema->encoding, err));
    reader->schema = schema;
    reader->at = reader->source.bytes;
    reader->end = reader->at + reader->source.size;
    reader->next_line = 1;
    if (schema->format == MRQ_JSON_LINES && !(reader->json = mrq_json_lines_new(schema)))
        return mrq_fail_memory(err, "reading a file");
    reader->stop[0] = reader->stop['\n'] = true;
    if (schema->delimiter)
        reader->stop[(unsigned char)schema->delimiter[0]] = true;
    reader->stop['"'] |= schema->quoted;
    memset(reader->stop + 0x80, 1, 0x80);
    if (reader->source.size >= 3 && memcmp(reader->at, "\xef\xbb\xbf", 3) == 0)
        reader->at += 3; /* byte order mark, which some editors write */
    if (schema->format == MRQ_JSON_LINES)
        skip_blank_lines(reader);
    if (schema->format == MRQ_JSON_LINES)
        return MRQ_OK;
    if (schema->by_column)
        return read_header(reader, err);
    bool more = true;
    reader->columns = schema->width;
    return schema->header ? mrq_reader_next(reader, &more, err) : MRQ_OK;
}

void mrq_reader_close(mrq_reader *reader)
{
    mrq_source_close(&reader->source);
    mrq_free(reader->place);
    reader->place = NULL;
    mrq_json_lines_free(reader->json);
    reader->json = NULL;
}

static bool is_one_of(const mrq_strings *texts, mrq_span span)
{
    for (uint32_t i = 0; i < texts->n; i++)
        if (mrq_strings_size(texts, i) == span.size && memcmp(mrq_strings_at(texts, i), span.text, span.size) == 0)
            return true;
    return false;
}

bool mrq_reader_is_null(const mrq_reader *reader, const mrq_field *field)
{
    const mrq_span span = reader->field[field->place];
    return span.size == 0 || is_one_of(&field->null, span) || is_one_of(&reader->schema->null, span);
}

size_t mrq_reader_bound(const mrq_reader *reader)
{
    size_t records = 1;
    const char between = reader->schema->format == MRQ_LISTS ? *reader->schema->delimiter : '\n';
    for (const char *p = reader->at; p < reader->end; p++)
        records += *p == '\n' || *p == between;
    return records;
}

mrq_status mrq_reader_changed(const mrq_reader *reader, mrq_error *err)
{
    return mrq_fail(err, MRQ_FAILED, "%s was changed while it was read: want a new file renamed to it, not written over it",
                    reader->schema->file);
}

mrq_span mrq_reader_id(const mrq_reader *reader, const mrq_field *field, char scratch[MRQ_ID_SCRATCH])
{
    const mrq_span span = reader->field[field->place];
    if (!reader->schema->quoted || span.size > 2 * MRQ_ID_BYTES || !memchr(span.text, '"', span.size))
        return span;
    for (size_t i = 0; i < span.size;) {
        uint32_t code = 0;
        const size_t length = mrq_utf8_read(span.text + i, span.size - i, &code);
        if (!length || mrq_utf8_is_control(code))
            return span; /* decoding would make blanks of control characters: they are refused instead */
        i += length;
    }
    return (mrq_span){scratch, mrq_text_decode(span.text, span.size, true, scratch)};
}

mrq_status mrq_reader_check_id(const mrq_reader *reader, const mrq_field *field, mrq_span id, mrq_error *err)
{
    char shown[MRQ_SHOWN];
    if (!mrq_id_is_valid(id.text, id.size))
        return mrq_reader_fail(reader, err, "%s %s, want an id: " MRQ_ID_WANT, field->name, mrq_show(id, shown));
    return MRQ_OK;
}
