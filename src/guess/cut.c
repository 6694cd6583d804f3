/* The cutter follows the rules of the reader, but goes on behind a line that does not fit. */
#include "guess/cut.h"

#include <stdio.h>
#include <string.h>

#include "dataset/text.h"

/* The field at c->at; returns where it ends, at a delimiter, a line end or the end. */
static const char *cut_field(mrq_cutter *c, mrq_span *span)
{
    const size_t length = strlen(c->delimiter);
    const char *p = c->at;
    *span = (mrq_span){p, 0};
    if (c->quoted && p < c->end && *p == '"') {
        span->text = ++p;
        c->any++;
        for (;; p++) {
            const bool twice = p + 1 < c->end && mrq_text_is_coded(p[0], p[1], c->escape);
            if (p == c->end || (*p == '"' && !twice))
                break;
            p += twice;
            c->line += *p == '\n';
        }
        span->size = (size_t)(p - span->text);
        if (p < c->end)
            p++;
        else
            c->broken = true;
        if (p < c->end && *p == '\r')
            p++;
        if (p == c->end || *p == '\n' || strncmp(p, c->delimiter, length) == 0)
            return p;
        c->broken = true; /* text behind the quote */
    }
    while (p < c->end && *p != '\n' && strncmp(p, c->delimiter, length) != 0) {
        c->broken |= c->quoted && *p == '"';
        p++;
    }
    if (!c->broken)
        span->size = (size_t)(p - span->text);
    if (span->size && p[-1] == '\r' && (p == c->end || *p == '\n'))
        span->size--;
    return p;
}

/* The current line, an object of JSON. */
static void cut_object(mrq_cutter *c)
{
    const char *start = c->at, *stop = memchr(start, '\n', (size_t)(c->end - start));
    c->at = stop ? stop : c->end;
    c->n = c->look->columns;
    c->broken = !mrq_look_json_cut(c->look, (mrq_span){start, (size_t)(c->at - start)}, c->field);
}

/* Cuts a field and moves behind it; whether it is the last one of its line. */
static bool cut_next(mrq_cutter *c, mrq_span *span)
{
    const char *end = cut_field(c, span);
    const bool last = end == c->end || *end == '\n';
    c->at = last ? end : end + strlen(c->delimiter);
    return last;
}

/* Moves to the next line that is not empty; false at the end. The sample ends with a NUL, so that comparing with a delimiter stays
 * within it. */
static bool next_line(mrq_cutter *c)
{
    while (c->at < c->end && (*c->at == '\n' || *c->at == '\r')) {
        c->line += *c->at == '\n';
        c->at++;
    }
    c->first = c->line;
    c->n = 0;
    c->broken = false;
    return c->at < c->end;
}

/* The next cell that has a value. */
static bool cut_cell(mrq_cutter *c)
{
    const mrq_look_matrix *matrix = c->look->matrix;
    mrq_span value = {0};
    for (bool found = false; !found; c->cell++) {
        if (!c->in_line) {
            if (!next_line(c))
                return false;
            c->user = (mrq_span){c->number, (size_t)snprintf(c->number, sizeof c->number, "%llu", (unsigned long long)++c->lines)};
            if (matrix->lead && cut_next(c, &value))
                continue;
            if (matrix->user)
                c->user = value;
            c->in_line = true;
            c->cell = 0;
        }
        c->in_line = !cut_next(c, &value);
        found = mrq_look_matrix_cell(matrix, c->cell, value, &c->field[1]);
    }
    c->field[0] = c->user;
    c->field[2] = value;
    c->n = 3;
    return true;
}

/* The next record that is no empty line. */
bool mrq_cut(mrq_cutter *c)
{
    if (c->look->matrix && c->look->matrix->used)
        return cut_cell(c);
    if (!next_line(c))
        return false;
    if (c->look->json) {
        cut_object(c);
        return true;
    }
    for (bool last = false; !last; c->n++) {
        mrq_span ignored;
        last = cut_next(c, c->n < MRQ_FIELDS_MAX ? &c->field[c->n] : &ignored);
    }
    return true;
}

mrq_cutter mrq_cutter_of(const mrq_look *look, const char *delimiter, bool quoted)
{
    mrq_cutter c = {.look = look,
                    .at = look->sample,
                    .end = look->sample + look->size,
                    .line = 1,
                    .delimiter = delimiter,
                    .quoted = quoted,
                    .escape = look->escape};
    mrq_span name;
    if (look->matrix && look->matrix->used && look->header && next_line(&c))
        while (!cut_next(&c, &name))
            ;
    return c;
}
