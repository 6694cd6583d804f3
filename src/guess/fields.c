/* Writing what was guessed: the files and fields of the schema, and the lines of the report. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "guess/findings.h"

void mrq_guess_quote(mrq_writer *out, const char *text)
{
    mrq_writer_put(out, "\"");
    for (; *text; text++) {
        const bool control = (unsigned char)*text < 0x20 && *text != '\t', escaped = *text == '"' || *text == '\\' || *text == '\t';
        mrq_writer_put(out, control ? "\\u%04x" : escaped ? "\\%c" : "%c", *text == '\t' ? 't' : (unsigned char)*text);
    }
    mrq_writer_put(out, "\"");
}

const char *mrq_guess_shown(const mrq_look *look, uint32_t i, char out[MRQ_GUESS_SHOWN])
{
    if (*look->column[i].name)
        snprintf(out, MRQ_GUESS_SHOWN, "%s", look->column[i].name);
    else
        snprintf(out, MRQ_GUESS_SHOWN, "column %u", i + 1);
    return out;
}

void mrq_say_column(const mrq_findings *findings, const mrq_look *look, uint32_t i, const char *format, ...)
{
    char what[400], name[MRQ_GUESS_SHOWN];
    va_list args;
    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    mrq_writer_put(findings->report, "%s: %s: %s\n", look->file, mrq_guess_shown(look, i, name), what);
}

/* --- files and fields as JSON --- */

/* Whether the schema can name all columns of the file that it uses. */
static bool by_column(const mrq_look *look)
{
    bool all = look->header;
    for (uint32_t i = 0; i < look->columns; i++)
        all &= look->column[i].findable || look->column[i].nameless;
    return all;
}

void mrq_fields_open(const mrq_findings *f, const mrq_look *look)
{
    mrq_writer_put(f->schema, "\"file\": ");
    mrq_guess_quote(f->schema, look->file);
    const bool matrix = look->matrix && look->matrix->used;
    if (look->lists || look->json || matrix)
        mrq_writer_put(f->schema, ", \"format\": \"%s\"", look->lists ? "lists" : matrix ? "matrix" : "json-lines");
    if (!look->json) {
        mrq_writer_put(f->schema, ", \"delimiter\": ");
        mrq_guess_quote(f->schema, look->delimiter);
        mrq_writer_put(f->schema, "%s%s%s", look->header ? ", \"header\": true" : "", look->quoted ? ", \"quoted\": true" : "",
                       look->escape ? ", \"escape\": \"\\\\\"" : "");
    }
    if (look->encoding)
        mrq_writer_put(f->schema, ", \"encoding\": \"%s\"", look->encoding);
}

static void put_ignored(mrq_fields *f, uint32_t to)
{
    for (; !by_column(f->look) && f->written < to; f->written++, f->any = true)
        mrq_writer_put(f->findings->schema, "%s\n   {\"kind\": \"ignore\"}", f->any ? "," : ", \"fields\": [");
    f->written = to;
}

/* Begins a field of column `i`, which mrq_fields_end() ends. */
void mrq_fields_put(mrq_fields *f, uint32_t i, const char *name, const char *kind)
{
    put_ignored(f, i);
    mrq_writer_put(f->findings->schema, "%s\n   {\"name\": \"%s\", \"kind\": \"%s\"", f->any ? "," : ", \"fields\": [", name, kind);
    if (by_column(f->look)) {
        mrq_writer_put(f->findings->schema, ", \"column\": ");
        mrq_guess_quote(f->findings->schema, f->look->column[i].name);
    }
    if (strcmp(kind, "id") == 0 && mrq_look_pointed(&f->look->column[i]))
        mrq_writer_put(f->findings->schema, ", \"whole\": true");
    f->written = i + 1;
    f->any = true;
}

void mrq_fields_null(const mrq_fields *f, uint32_t i, const char *more)
{
    const mrq_look_column *column = &f->look->column[i];
    const char *between = ", \"null\": [";
    for (int k = 0; mrq_unknown_texts[k]; k++)
        if (column->unknown_texts >> k & 1) {
            mrq_writer_put(f->findings->schema, "%s", between);
            mrq_guess_quote(f->findings->schema, mrq_unknown_texts[k]);
            between = ", ";
        }
    if (more)
        mrq_writer_put(f->findings->schema, "%s\"%s\"", between, more);
    if (more || column->unknown_texts)
        mrq_writer_put(f->findings->schema, "]");
}

const char *mrq_guess_unknown(const mrq_look_column *column, char out[48])
{
    const uint64_t n = column->empty + column->unknown;
    *out = '\0';
    if (n)
        snprintf(out, 48, "; %llu unknown", (unsigned long long)n);
    return out;
}

void mrq_fields_end(const mrq_fields *f)
{
    mrq_writer_put(f->findings->schema, "}");
}

void mrq_fields_close(mrq_fields *f)
{
    put_ignored(f, f->look->columns);
    mrq_writer_put(f->findings->schema, "%s", f->look->lists ? "" : "]");
}

/* --- a file's first line of the report --- */

/* How its lines are divided. */
static const char *division(const mrq_look *look, char out[160])
{
    const char *d = look->delimiter;
    if (look->json)
        return "an object of JSON a line";
    const char *named = *d == '\t' ? "a tab" : *d == ' ' ? "a blank" : NULL, *quote = named ? "" : "\"";
    if (look->matrix && look->matrix->used)
        snprintf(out, 160, "a matrix, a line for each user, %u columns for items, divided by %s%s%s%s",
                 look->matrix->columns - look->matrix->lead, quote, named ? named : d, quote,
                 look->header ? ", with a header" : ", without a header");
    else
        snprintf(out, 160, "columns divided by %s%s%s%s%s", quote, named ? named : d, quote,
                 look->lists    ? ", a line for each user"
                 : look->header ? ", with a header"
                                : ", without a header",
                 look->escape   ? ", in quotes where needed, quotes escaped by a backslash"
                 : look->quoted ? ", in quotes where needed"
                                : "");
    return out;
}

void mrq_say_file(const mrq_findings *f, const mrq_look *look, const char *what)
{
    char divided[160], files[32] = "";
    if (look->files)
        snprintf(files, sizeof files, " in %u files", look->files);
    mrq_writer_put(f->report, "%s: %s%llu %s%s; %s, %s\n", look->file, mrq_look_whole(look) ? "" : "about ",
                   (unsigned long long)mrq_look_rows(look), what, files, look->encoding ? look->encoding : "utf-8",
                   division(look, divided));
    if (look->bad) {
        char where[48] = "";
        if (mrq_look_whole(look) && !look->files)
            snprintf(where, sizeof where, ", the first is line %llu", (unsigned long long)look->broken);
        mrq_writer_put(f->report, "%s: note: %llu of %llu lines ", look->file, (unsigned long long)look->bad,
                       (unsigned long long)look->bad + look->rows);
        if (look->json)
            mrq_writer_put(f->report, "are no objects of JSON that fit");
        else
            mrq_writer_put(f->report, "do not have %u columns or have wrong quotes", look->columns);
        mrq_writer_put(f->report, "%s; training refuses the file, and --skip-bad %llu%% leaves them out\n", where,
                       (unsigned long long)(100 * look->bad / (look->bad + look->rows) + 1));
    }
}
