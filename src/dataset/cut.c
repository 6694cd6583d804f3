/* The cutter follows the rules of the reader, but goes on behind a line that does not fit. Every delimiter is tried, with quotes
 * and without; the one wins that gives most lines one and the same number of columns, and of several the one with most columns. */
#include "dataset/cut.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "dataset/text.h"

/* --- records --- */

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

/* --- layout --- */

/* How many of the first records have the most frequent number of columns. */
typedef struct trial {
    const char *delimiter;
    bool quoted;
    char escape;
    uint32_t columns;
    double share;
} trial;

static trial try_delimiter(const mrq_look *look, const char *delimiter, bool quoted, char escape)
{
    uint32_t count[MRQ_FIELDS_MAX + 2] = {0}, best = 0, n = 0;
    mrq_cutter c = mrq_cutter_of(look, delimiter, quoted);
    c.escape = escape;
    for (; n < MRQ_TRIAL && mrq_cut(&c); n++)
        if (!c.broken)
            count[c.n <= MRQ_FIELDS_MAX ? c.n : MRQ_FIELDS_MAX + 1]++;
    for (uint32_t i = 1; i <= MRQ_FIELDS_MAX + 1; i++)
        best = count[i] > count[best] ? i : best;
    const bool needless = quoted && !c.any;
    return (trial){delimiter, quoted, escape, best, needless || !n ? 0 : (double)count[best] / n};
}

static bool is_better(const trial *a, const trial *b)
{
    if (a->columns < 2 || a->columns > MRQ_FIELDS_MAX)
        return false;
    if (*a->delimiter == ' ' && b->share > 0.9)
        return false; /* texts may all have as many words */
    if (fabs(a->share - b->share) > 0.02)
        return a->share > b->share;
    return a->columns > b->columns;
}

/* Whether the text is one word that holds a digit and can be an id. */
static bool is_token(mrq_span span)
{
    bool digit = false;
    for (size_t i = 0; i < span.size; i++) {
        const char c = span.text[i];
        digit |= c >= '0' && c <= '9';
        if (!(c >= '0' && c <= '9') && !(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && c != '_' && c != '-')
            return false;
    }
    return digit;
}

/* Lines of a user and any number of items. */
static bool are_lists(const mrq_look *look, const char *delimiter)
{
    uint64_t lines = 0, tokens = 0, all = 0, long_ones = 0;
    mrq_cutter c = mrq_cutter_of(look, delimiter, false);
    for (; lines < MRQ_TRIAL && mrq_cut(&c); lines++) {
        long_ones += c.n > 2;
        for (uint32_t i = 0; i < c.n && i < MRQ_FIELDS_MAX; i++)
            if (c.field[i].size) {
                all++;
                tokens += is_token(c.field[i]);
            }
    }
    const trial t = try_delimiter(look, delimiter, false, 0);
    return lines && all > lines && tokens == all && t.share < 0.97 && 10 * long_ones > lines;
}

bool mrq_look_names(const mrq_look *look)
{
    mrq_cutter c = mrq_cutter_of(look, look->delimiter, look->quoted);
    char name[MRQ_HEADER_NAME + 1];
    if (!mrq_cut(&c) || c.n > MRQ_FIELDS_MAX)
        return false;
    for (uint32_t i = 0; i < c.n; i++) {
        snprintf(name, sizeof name, "%.*s", (int)(c.field[i].size < sizeof name ? c.field[i].size : 0), c.field[i].text);
        if (*name && mrq_hint_column(name) != MRQ_ROLE_NONE)
            return true;
    }
    return false;
}

/* The best way of quoting with a delimiter. */
static trial try_quotes(const mrq_look *look, const char *delimiter)
{
    trial best = try_delimiter(look, delimiter, false, 0);
    const trial quoted = try_delimiter(look, delimiter, true, 0);
    if (quoted.columns > 1 && quoted.share > best.share - 0.02)
        best = quoted;
    if (!strstr(look->sample, "\\\""))
        return best;
    const trial escaped = try_delimiter(look, delimiter, true, '\\');
    return escaped.columns > 1 && escaped.share > best.share ? escaped : best;
}

/* Records of the whole sample that do not fit. */
static uint64_t count_broken(const mrq_look *look, char escape)
{
    uint64_t n = 0;
    mrq_cutter c = mrq_cutter_of(look, look->delimiter, look->quoted);
    c.escape = escape;
    while (mrq_cut(&c))
        n += c.broken || c.n != look->columns;
    return n;
}

bool mrq_look_layout(mrq_look *look)
{
    static const char *const delimiters[] = {"::", "\t", ";", "|", ",", " "}, *const between[] = {" ", "\t", ","};
    trial best = {0};
    for (int i = 0; i < 3; i++)
        if (are_lists(look, between[i])) {
            look->delimiter = between[i];
            return look->lists = true;
        }
    for (int i = 0; i < 6; i++) {
        const trial t = try_quotes(look, delimiters[i]);
        if (is_better(&t, &best))
            best = t;
    }
    if (!best.delimiter)
        return false;
    look->delimiter = best.delimiter;
    look->quoted = best.quoted;
    look->columns = best.columns;
    look->escape = best.escape;
    if (best.quoted && !best.escape && strstr(look->sample, "\\\"") && count_broken(look, '\\') < count_broken(look, 0))
        look->escape = '\\'; /* of rare quotes, behind the first lines */
    return best.share >= (*best.delimiter != ' ' && mrq_look_names(look) ? 0.6 : 0.85);
}
