/* The one splitter for all delimited files: any delimiter, RFC 4180 quotes if the schema says so, LF or CRLF.
 *
 * It goes byte by byte through a window of the source (source.h) and examines only bytes that are marked in `stop`: the delimiter's
 * first byte, the line end, NUL, the quote in a quoted file and all bytes from 0x80. So checking costs nothing in addition to
 * splitting, and errors are found in the order of the file, with their line. Rejected: checking the whole file first (another pass,
 * and lines must be counted again), and finding line ends with memchr() (fields are too short for it to pay, and quotes may contain
 * line ends). */
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"
#include "dataset/json_lines.h"
#include "dataset/matrix.h"
#include "dataset/reader_private.h"
#include "dataset/text.h"

#define MRQ_QUOTED_MOST 65536 /* bytes in which a quote must be closed where rows may be left out; no text may be longer */

/* "3 fields, want 4 (user::item::rating::timestamp)" */
static mrq_status fail_count(const mrq_reader *reader, size_t count, mrq_error *err)
{
    const mrq_file_schema *schema = reader->schema;
    char names[200] = "";
    if (schema->by_column)
        return mrq_reader_refuse(reader, MRQ_BAD_FIELDS, err, "%zu field%s, want %u, as many as the header has", count,
                                 count == 1 ? "" : "s", reader->now->columns);
    for (uint32_t i = 0; i < schema->n_fields; i++) {
        const mrq_field *field = &schema->field[i];
        const char *between = !i ? "" : schema->delimiter[0] == '\t' ? "\\t" : schema->delimiter;
        const size_t used = strlen(names);
        snprintf(names + used, sizeof names - used, "%s%s", between, *field->name ? field->name : "ignored");
        if (field->width > 1)
            snprintf(names + strlen(names), sizeof names - strlen(names), "[%u]", field->width);
    }
    return mrq_reader_refuse(reader, MRQ_BAD_FIELDS, err, "%zu field%s, want %u (%s)", count, count == 1 ? "" : "s", schema->width,
                             names);
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

mrq_status mrq_reader_refuse_byte(const mrq_reader *reader, const char *p, size_t size, mrq_error *err)
{
    unsigned char byte;
    if (reader->schema->encoding && mrq_source_is_marked(p, size, &byte))
        return mrq_reader_refuse(reader, MRQ_BAD_BYTES, err, "the byte \\x%02x is no character of encoding %s", byte,
                                 reader->schema->encoding);
    return mrq_reader_refuse(reader, MRQ_BAD_BYTES, err, "the byte \\x%02x is not valid UTF-8", (unsigned char)*p);
}

/* Refuses NUL and invalid UTF-8 at `*p`; moves it to the last byte of its character. */
static mrq_status check_character(const mrq_reader *reader, const char **p, mrq_error *err)
{
    uint32_t code;
    if (**p == '\0')
        return mrq_reader_refuse(reader, MRQ_BAD_BYTES, err, "a NUL byte");
    if ((unsigned char)**p >= 0x80) {
        const size_t length = mrq_utf8_read(*p, (size_t)(reader->end - *p), &code);
        if (!length)
            return mrq_reader_refuse_byte(reader, *p, (size_t)(reader->end - *p), err);
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
        const bool broken = reader->from.bad && p - start > MRQ_QUOTED_MOST; /* do not look for its end in all of the file */
        if (p == reader->end && !reader->now->source.last && !broken) {
            reader->starved = true;
            return MRQ_BAD_FILE;
        }
        if (p == reader->end || broken)
            return mrq_reader_refuse(reader, MRQ_BAD_QUOTES, err, "the quote before %s is never closed",
                                     mrq_show((mrq_span){start, (size_t)(p - start)}, shown));
        MRQ_TRY(check_character(reader, &p, err));
        reader->next_line += *p == '\n' && !reader->from.database;
        const bool twice = p + 1 < reader->end && mrq_text_is_coded(p[0], p[1], reader->schema->escape);
        if (*p == '"' && !twice)
            break;
        reader->coded |= twice;
        p += twice;
    }
    const char *after = p + 1;
    if (after < reader->end && *after == '\r' && (after + 1 == reader->end || after[1] == '\n'))
        after++;
    if (after < reader->end && *after != '\n' && !at_delimiter(reader, after))
        return mrq_reader_refuse(reader, MRQ_BAD_QUOTES, err, "text behind the closing quote of %s",
                                 mrq_show((mrq_span){start, (size_t)(p - start)}, shown));
    end_field(reader, start, after, span, last);
    span->size = (size_t)(p - start);
    return MRQ_OK;
}

mrq_status mrq_reader_field(mrq_reader *reader, mrq_span *span, bool *last, mrq_error *err)
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
            return mrq_reader_refuse(reader, MRQ_BAD_QUOTES, err, "a quote inside the unquoted field %s",
                                     mrq_show((mrq_span){start, (size_t)(p + 1 - start)}, shown));
        MRQ_TRY(check_character(reader, &p, err));
    }
    end_field(reader, start, p, span, last);
    return MRQ_OK;
}

void mrq_reader_begin(mrq_reader *reader)
{
    reader->began = reader->at;
    reader->line = reader->next_line;
}

bool mrq_reader_at_end(mrq_reader *reader)
{
    const char *p = reader->at;
    while (p < reader->end && (*p == '\n' || *p == '\r'))
        p++;
    if (p < reader->end)
        return false;
    if (!reader->now->source.last) {
        mrq_reader_begin(reader);
        reader->starved = true;
    }
    return true;
}

/* The field that column `count` of a record is; `*ignored` for one that is none. */
static mrq_span *field_of(mrq_reader *reader, size_t count, mrq_span *ignored)
{
    if (count >= reader->now->columns)
        return ignored;
    if (!reader->now->place)
        return &reader->field[count];
    return reader->now->place[count] == MRQ_NO_FIELD ? ignored : &reader->field[reader->now->place[count]];
}

/* The next item of a line, whose first field is the user; lines of a user alone, and empty items, are skipped. */
static mrq_status next_in_list(mrq_reader *reader, bool *more, mrq_error *err)
{
    bool last = !reader->in_list;
    do {
        if (last) {
            reader->in_list = false;
            if ((*more = !mrq_reader_at_end(reader)) == false)
                return MRQ_OK;
            mrq_reader_begin(reader);
            MRQ_TRY(mrq_reader_field(reader, &reader->field[0], &last, err));
            reader->field[1].size = 0;
        } else {
            MRQ_TRY(mrq_reader_field(reader, &reader->field[1], &last, err));
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

static mrq_status next_object(mrq_reader *reader, bool *more, mrq_error *err)
{
    skip_blank_lines(reader);
    mrq_reader_begin(reader);
    *more = reader->at < reader->end;
    reader->starved = !*more && !reader->now->source.last;
    if (!*more)
        return MRQ_OK;
    const char *start = reader->at, *stop = memchr(start, '\n', (size_t)(reader->end - start));
    const mrq_span line = {start, (size_t)((stop ? stop : reader->end) - start)};
    reader->next_line++;
    reader->at = stop ? stop + 1 : reader->end;
    return mrq_json_lines_cut(reader->json, reader, line, err);
}

/* Takes away what quoting adds to the fields of the record that ends at reader->at. */
static mrq_status decode_fields(mrq_reader *reader, mrq_error *err)
{
    size_t used = 0;
    reader->coded = false;
    if (mrq_grow(&reader->text, &reader->room, (size_t)(reader->at - reader->began), 1))
        return mrq_fail_memory(err, "reading a file");
    for (uint32_t i = 0; i < reader->schema->width; i++) {
        mrq_span *span = &reader->field[i];
        if (span->text == reader->began || span->text[-1] != '"')
            continue; /* not in quotes */
        char *out = reader->text + used;
        used += span->size;
        *span = (mrq_span){out, mrq_text_unquote(span->text, span->size, reader->schema->escape, out)};
    }
    return MRQ_OK;
}

static mrq_status next_of_columns(mrq_reader *reader, bool *more, mrq_error *err)
{
    if (mrq_reader_at_end(reader)) {
        *more = false;
        return MRQ_OK;
    }
    mrq_reader_begin(reader);
    size_t count = 0;
    /* A column that no field is. A delimiter at the end of a line, but not of the header, makes an empty one. */
    mrq_span behind = {0};
    reader->coded = false;
    for (bool last = false; !last; count++)
        MRQ_TRY(mrq_reader_field(reader, field_of(reader, count, &behind), &last, err));
    if (count != reader->now->columns && !(count == reader->now->columns + 1 && reader->schema->by_column && !behind.size))
        return fail_count(reader, count, err);
    *more = true;
    if (reader->coded)
        MRQ_TRY(decode_fields(reader, err));
    return reader->schema->by_column ? mrq_header_refuse_again(reader, err) : MRQ_OK;
}

mrq_status mrq_reader_cut(mrq_reader *reader, bool *more, mrq_error *err)
{
    static mrq_status (*const of_format[])(mrq_reader *, bool *, mrq_error *) = {[MRQ_DELIMITED] = next_of_columns,
                                                                                 [MRQ_LISTS] = next_in_list,
                                                                                 [MRQ_JSON_LINES] = next_object,
                                                                                 [MRQ_MATRIX] = mrq_matrix_next};
    return of_format[reader->schema->format](reader, more, err);
}
