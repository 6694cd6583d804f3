/* The one splitter for all delimited files: any delimiter, RFC 4180 quotes if the schema says so, LF or CRLF.
 *
 * It goes through the mapped file byte by byte and examines only bytes that are marked in `stop`: the delimiter's first byte, the
 * line end, NUL, the quote in a quoted file and, in a UTF-8 file, all bytes from 0x80. So checking costs nothing in addition to
 * splitting, and errors are found in the order of the file, with their line. Rejected: checking the whole file first (another pass,
 * and lines must be counted again), and finding line ends with memchr() (fields are too short for it to pay, and quotes may contain
 * line ends). */
#include "dataset/reader.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/parse.h"
#include "base/utf8.h"
#include "dataset/text.h"

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

mrq_status mrq_reader_next(mrq_reader *reader, bool *more, mrq_error *err)
{
    if (at_end(reader)) {
        *more = false;
        return MRQ_OK;
    }
    reader->line = reader->next_line;
    size_t count = 0;
    for (bool last = false; !last; count++) {
        mrq_span ignored;
        MRQ_TRY(read_field(reader, count < reader->schema->width ? &reader->field[count] : &ignored, &last, err));
    }
    if (count != reader->schema->width)
        return fail_count(reader, count, err);
    *more = true;
    return MRQ_OK;
}

mrq_status mrq_reader_open(mrq_reader *reader, const char *folder, const mrq_file_schema *schema, mrq_error *err)
{
    char path[4096];
    MRQ_TRY(mrq_path_join(path, sizeof path, folder, schema->file, err));
    MRQ_TRY(mrq_map_open(&reader->map, path, err));
    reader->schema = schema;
    reader->at = (const char *)reader->map.data;
    reader->end = reader->at + reader->map.size;
    reader->next_line = 1;
    reader->stop[0] = reader->stop['\n'] = reader->stop[(unsigned char)schema->delimiter[0]] = true;
    reader->stop['"'] |= schema->quoted;
    if (!schema->latin1)
        memset(reader->stop + 0x80, 1, 0x80);
    if (reader->map.size >= 3 && memcmp(reader->at, "\xef\xbb\xbf", 3) == 0)
        reader->at += 3; /* byte order mark, which some editors write */
    bool more = true;
    return schema->header ? mrq_reader_next(reader, &more, err) : MRQ_OK;
}

void mrq_reader_close(mrq_reader *reader)
{
    mrq_map_close(&reader->map);
}

size_t mrq_reader_bound(const mrq_reader *reader)
{
    size_t lines = 1;
    for (const char *p = reader->at; p < reader->end; p++)
        lines += *p == '\n';
    return lines;
}

mrq_status mrq_reader_changed(const mrq_reader *reader, mrq_error *err)
{
    return mrq_fail(err, MRQ_FAILED, "%s was changed while it was read: want a new file renamed to it, not written over it",
                    reader->schema->file);
}

/* Whether the decoded field differs from its bytes in the file. Control characters do not count: they are refused. */
static bool has_escapes(mrq_span span, bool latin1)
{
    bool escapes = false;
    for (size_t i = 0; i < span.size; i++) {
        const unsigned char c = (unsigned char)span.text[i];
        if (mrq_utf8_is_control(c) && (latin1 || c < 0x80))
            return false;
        escapes = escapes || c == '"' || (latin1 && c >= 0x80);
    }
    return escapes;
}

mrq_span mrq_reader_id(const mrq_reader *reader, const mrq_field *field, char scratch[MRQ_ID_SCRATCH])
{
    const mrq_span span = reader->field[field->place];
    const mrq_file_schema *schema = reader->schema;
    if (!(schema->latin1 || schema->quoted) || span.size > 2 * MRQ_ID_BYTES || !has_escapes(span, schema->latin1))
        return span;
    return (mrq_span){scratch, mrq_text_decode(span.text, span.size, schema->latin1, schema->quoted, scratch)};
}

mrq_status mrq_reader_check_id(const mrq_reader *reader, const mrq_field *field, mrq_span id, mrq_error *err)
{
    char shown[MRQ_SHOWN];
    if (!mrq_id_is_valid(id.text, id.size))
        return mrq_reader_fail(reader, err, "%s %s, want an id: " MRQ_ID_WANT, field->name, mrq_show(id, shown));
    return MRQ_OK;
}
