/* Looking at one file. Everything is decided from a sample: the first megabytes, whole lines, and some blocks from the rest. Once
 * the layout is known (cut.c), each column is profiled; whoever decides what a column means needs the profiles alone. */
#include "guess/cut.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/parse.h"
#include "base/utf8.h"
#include "dataset/text.h"
#include "dataset/timestamp.h"

#define ENCODING ((size_t)256 << 20)

static mrq_status fail_memory(mrq_error *err)
{
    return mrq_fail_memory(err, "looking at a file");
}

mrq_span mrq_look_plain(const mrq_look *look, mrq_span span, char scratch[MRQ_LOOK_VALUE])
{
    const bool coded = memchr(span.text, '"', span.size) || (look->escape && memchr(span.text, look->escape, span.size));
    if (!look->quoted || !coded || span.size > MRQ_LOOK_VALUE)
        return span;
    return (mrq_span){scratch, mrq_text_unquote(span.text, span.size, look->escape, scratch)};
}

mrq_status mrq_look_profile(mrq_look *look, mrq_error *err)
{
    char scratch[MRQ_LOOK_VALUE];
    mrq_cutter c = mrq_cutter_of(look, look->delimiter, look->quoted);
    const bool matrix = look->matrix && look->matrix->used;
    if (look->header && !look->json && !matrix)
        mrq_cut(&c);
    while (mrq_cut(&c)) {
        const bool tail = look->tail && c.n == look->columns + 1 && !c.field[look->columns].size;
        if (c.broken || c.n != look->columns + tail) {
            look->broken = look->bad++ ? look->broken : c.first;
            continue;
        }
        look->rows++;
        for (uint32_t i = 0; i < look->columns; i++)
            if (mrq_look_value(&look->column[i], mrq_look_plain(look, c.field[i], scratch), true))
                return fail_memory(err);
    }
    if (matrix) /* no field can say that its ids are whole */
        look->column[0].points = look->column[1].points = 0;
    return MRQ_OK;
}

/* The users into the first column, the items into the second, once for each pair. */
static mrq_status profile_lists(mrq_look *look, mrq_error *err)
{
    const char *end = look->sample + look->size;
    const mrq_span none = {0};
    mrq_span user = none;
    for (const char *p = look->sample, *stop; p < end; p = stop + 1) {
        for (stop = p; stop < end && *stop != *look->delimiter && *stop != '\n'; stop++)
            ;
        mrq_span token = {p, (size_t)(stop - p)};
        const bool last = stop == end || *stop == '\n';
        if (last && token.size && token.text[token.size - 1] == '\r')
            token.size--;
        if (!user.text)
            user = token;
        else if (token.size) {
            look->rows++;
            if (mrq_look_value(&look->column[0], user, false) || mrq_look_value(&look->column[1], token, false))
                return fail_memory(err);
        }
        if (last)
            user = none;
    }
    return MRQ_OK;
}

static void refuse(mrq_look *look, const char *why)
{
    snprintf(look->why_not, sizeof look->why_not, "%.*s", (int)sizeof look->why_not - 1, why);
}

mrq_status mrq_look_at(mrq_look *look, char *sample, size_t size, size_t all, mrq_error *err)
{
    look->sample = sample;
    look->size = size;
    look->all = all;
    const char *p = sample + strspn(sample, " \t\r\n");
    if (strlen(sample) < size)
        refuse(look, "not text: it holds NUL bytes");
    else if (!*p)
        refuse(look, "empty");
    else if (*p == '[' && strchr("{[\"", p[1 + strspn(p + 1, " \t\r\n")]))
        refuse(look, "JSON, but all in one list; want an object a line, as `jq -c .[]` makes them of it");
    else if (*p == '<')
        refuse(look, "markup, not a table");
    else if (strncmp(p, "#!", 2) == 0)
        refuse(look, "a script");
    else if (*p != '{' && !mrq_look_layout(look) && !*look->why_not)
        refuse(look, "no columns: no delimiter gives its lines the same number of them");
    if (*look->why_not)
        return MRQ_OK;
    if (*p == '{') {
        MRQ_TRY(mrq_look_json(look, err));
        return look->json ? mrq_look_profile(look, err) : MRQ_OK;
    }
    if (look->lists) {
        MRQ_TRY(mrq_look_columns(look, 2, err));
        return profile_lists(look, err);
    }
    mrq_look_header(look);
    MRQ_TRY(mrq_look_columns(look, look->columns, err));
    if (look->header)
        mrq_look_names_of(look);
    MRQ_TRY(mrq_look_profile(look, err));
    if (!look->rows)
        refuse(look, "a header without lines below it");
    return look->rows ? mrq_look_find_matrix(look, err) : MRQ_OK;
}

/* Whole lines of `from` to `to`, behind what is in `out` already. */
static size_t copy_lines(const mrq_source *source, size_t from, size_t to, char *out)
{
    const char *p = source->bytes;
    while (from && from < to && p[from - 1] != '\n')
        from++;
    while (to > from && to < source->size && p[to - 1] != '\n')
        to--;
    memcpy(out, p + from, to - from);
    return to - from;
}

static char *take_sample(const mrq_source *source, size_t *size)
{
    const size_t mark = source->size >= 3 && memcmp(source->bytes, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
    const bool whole = source->size <= MRQ_LOOK_FIRST + MRQ_LOOK_BLOCKS * MRQ_LOOK_BLOCK;
    char *sample = mrq_array((whole ? source->size : MRQ_LOOK_FIRST + MRQ_LOOK_BLOCKS * MRQ_LOOK_BLOCK) + 8, 1);
    if (!sample)
        return NULL;
    if (whole) {
        *size = source->size - mark;
        memcpy(sample, source->bytes + mark, *size);
        return sample;
    }
    *size = copy_lines(source, mark, MRQ_LOOK_FIRST, sample);
    const size_t step = (source->size - MRQ_LOOK_FIRST) / MRQ_LOOK_BLOCKS;
    for (size_t i = 1; i <= MRQ_LOOK_BLOCKS; i++) {
        const size_t to = MRQ_LOOK_FIRST + i * step;
        *size += copy_lines(source, to - MRQ_LOOK_BLOCK, i == MRQ_LOOK_BLOCKS ? source->size : to, sample + *size);
    }
    return sample;
}

/* UTF-16 by its mark, else UTF-8 where it is that, else the Western European of Windows, or of ISO where that has no such byte. */
static const char *find_encoding(const mrq_source *source)
{
    const size_t size = source->size < ENCODING ? source->size : ENCODING;
    if (size >= 2 && (memcmp(source->bytes, "\xff\xfe", 2) == 0 || memcmp(source->bytes, "\xfe\xff", 2) == 0))
        return "utf-16";
    const size_t bad = mrq_utf8_bad(source->bytes, size);
    if (!bad || (size < source->size && bad + 4 > size))
        return NULL;
    for (const char *missing = "\x81\x8d\x8f\x90\x9d"; *missing; missing++) /* in the table of windows-1252 */
        if (memchr(source->bytes, *missing, size))
            return "latin1";
    return "windows-1252";
}

/* All of a file. */
static mrq_status open_whole(mrq_source *source, const char *path, const char *file, const char *encoding, mrq_error *err)
{
    MRQ_TRY(mrq_source_open(source, path, file, encoding, NULL, err));
    const mrq_status status = mrq_source_whole(source, err);
    if (status != MRQ_OK)
        mrq_source_close(source);
    return status;
}

mrq_status mrq_look_open(mrq_look *look, const char *folder, const char *file, mrq_error *err)
{
    char path[4096];
    mrq_source source = {0};
    mrq_error why = {0};
    snprintf(look->file, sizeof look->file, "%s", file);
    MRQ_TRY(mrq_path_join(path, sizeof path, folder, file, err));
    mrq_status status = open_whole(&source, path, file, NULL, &why);
    if (status == MRQ_OK && !memchr(source.bytes, 0, source.size < 4096 ? source.size : 4096))
        look->encoding = find_encoding(&source);
    else if (status == MRQ_OK && source.size >= 2 && ((unsigned char)*source.bytes | 1) == 0xff)
        look->encoding = find_encoding(&source);
    if (status == MRQ_OK && look->encoding) {
        mrq_source_close(&source);
        status = open_whole(&source, path, file, look->encoding, &why);
    }
    if (status == MRQ_BAD_FILE) { /* damaged: nothing to read here */
        const size_t name = strlen(file);
        refuse(look, strncmp(why.msg, file, name) == 0 && why.msg[name] == ':' ? why.msg + name + 2 : why.msg);
        return MRQ_OK;
    }
    if (status != MRQ_OK)
        return mrq_fail(err, status, "%s", why.msg);
    const size_t bad = look->encoding ? mrq_utf8_bad(source.bytes, source.size) : 0;
    unsigned char byte;
    if (bad && mrq_source_is_marked(source.bytes + bad - 1, source.size - bad + 1, &byte)) {
        snprintf(look->why_not, sizeof look->why_not, "the byte \\x%02x is no character of encoding %s", byte, look->encoding);
        mrq_source_close(&source);
        return MRQ_OK;
    }
    size_t size = 0;
    char *sample = take_sample(&source, &size);
    const size_t all = source.size <= MRQ_LOOK_FIRST + MRQ_LOOK_BLOCKS * MRQ_LOOK_BLOCK ? size : source.size;
    mrq_source_close(&source);
    return sample ? mrq_look_at(look, sample, size, all, err) : fail_memory(err);
}

void mrq_look_close(mrq_look *look)
{
    mrq_look_columns_free(look);
    mrq_look_matrix_free(look->matrix);
    mrq_look_json_close(look->json);
    mrq_free(look->sample);
    *look = (mrq_look){0};
}

uint64_t mrq_look_rows(const mrq_look *look)
{
    if (mrq_look_whole(look) || !look->size)
        return look->rows;
    return (uint64_t)((double)look->rows * (double)look->all / (double)look->size);
}

static bool is_number(mrq_span span)
{
    double number;
    return mrq_parse_real(span.text, span.size, -HUGE_VAL, HUGE_VAL, &number);
}

static int compare(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double mrq_look_median(const mrq_look *look, uint32_t column)
{
    MRQ_AUTOFREE double *number = mrq_array(look->rows, sizeof *number);
    mrq_cutter c = mrq_cutter_of(look, look->delimiter, look->quoted);
    size_t n = 0;
    while (number && n < look->rows && mrq_cut(&c))
        if (column < c.n && column < MRQ_FIELDS_MAX && is_number(c.field[column]))
            (void)mrq_parse_real(c.field[column].text, c.field[column].size, -HUGE_VAL, HUGE_VAL, &number[n++]);
    if (!n)
        return NAN;
    qsort(number, n, sizeof *number, compare);
    return number[n / 2];
}
