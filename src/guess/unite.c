/* Several files that are one, cut by year or month: their names differ by digits alone, and their columns are the same. What they
 * hold is looked at together, as the range of values, the texts for unknown ones and the ids may differ from file to file. */
#include <stdio.h>
#include <string.h>

#include "dataset/files.h"
#include "guess/cut.h"
#include "guess/folder.h"

#define DIGITS "0123456789"

/* Where the runs of digits of two names that differ begin, and how much is behind the last of them; false when other letters
 * differ, or nothing. */
static bool differ_by_digits(const char *a, const char *b, size_t *head, size_t *tail)
{
    const char *p = a, *q = b;
    bool any = false;
    while (*p && *q) {
        const size_t m = strspn(p, DIGITS), n = strspn(q, DIGITS);
        if ((m == 0) != (n == 0) || (!m && *p != *q))
            return false;
        const bool same = m == n && strncmp(p, q, m) == 0;
        if (m && !same && !any)
            *head = (size_t)(p - a);
        p += m ? m : 1;
        q += m ? n : 1;
        if (m && !same)
            *tail = strlen(p);
        any |= m && !same;
    }
    return any && !*p && !*q;
}

static bool same_text(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

/* Whether a schema of one file is one of the other, too. */
static bool are_alike(const mrq_look *a, const mrq_look *b)
{
    if (*a->why_not || *b->why_not || a->columns != b->columns || a->header != b->header || a->lists != b->lists ||
        a->tail != b->tail || !a->json != !b->json || a->matrix || b->matrix || !same_text(a->encoding, b->encoding) ||
        !same_text(a->delimiter, b->delimiter))
        return false;
    for (uint32_t i = 0; i < a->columns; i++)
        if (strcmp(a->column[i].name, b->column[i].name) != 0)
            return false;
    return true;
}

/* Finds the files like `main`, and the pattern that they fit; how many. */
static uint32_t find_parts(mrq_folder *f, uint32_t main, char pattern[256])
{
    const char *name = f->file[main];
    size_t least = strlen(name), behind = least;
    uint32_t n = 0;
    for (uint32_t i = 0; i < f->n; i++) {
        size_t head = 0, tail = 0;
        f->part[i] = i != main && differ_by_digits(name, f->file[i], &head, &tail) && are_alike(&f->look[main], &f->look[i]);
        if (!f->part[i])
            continue;
        n++;
        least = head < least ? head : least;
        behind = tail < behind ? tail : behind;
    }
    f->part[main] = n > 0;
    if (n)
        snprintf(pattern, 256, "%.*s*%s", (int)least, name, name + strlen(name) - behind);
    return n ? n + 1 : 0;
}

/* The part of a sample behind its header, but for the first file of all, and at most `room` bytes of it, whole lines. */
static mrq_span body_of(const mrq_look *look, bool first, size_t room)
{
    mrq_cutter c = mrq_cutter_of(look, look->delimiter, look->quoted);
    if (!first && look->header && !look->json && mrq_cut(&c) && c.at < c.end)
        c.at++;
    mrq_span body = {c.at, (size_t)(c.end - c.at)};
    if (body.size > room)
        body.size = room;
    while (body.size && body.size < (size_t)(c.end - c.at) && body.text[body.size - 1] != '\n')
        body.size--;
    return body;
}

/* The samples of all parts, one behind the other; `*all` is how many bytes the files have. */
static char *join_samples(const mrq_folder *f, uint32_t n, size_t *size, size_t *all)
{
    const size_t room = (MRQ_LOOK_FIRST + MRQ_LOOK_BLOCKS * MRQ_LOOK_BLOCK) / n;
    char *sample = mrq_array(n * (room + 1) + 8, 1);
    *size = *all = 0;
    for (uint32_t i = 0; sample && i < f->n; i++) {
        if (!f->part[i])
            continue;
        const mrq_look *look = &f->look[i];
        const mrq_span body = body_of(look, !*size, room);
        memcpy(sample + *size, body.text, body.size);
        *size += body.size;
        *all += look->all - (size_t)(body.text - look->sample);
        if (body.size && sample[*size - 1] != '\n') {
            sample[(*size)++] = '\n';
            ++*all;
        }
    }
    return sample;
}

mrq_status mrq_folder_unite(mrq_folder *f, const char *path, uint32_t main, bool *several, mrq_error *err)
{
    MRQ_CLEANUP(mrq_dict_free) mrq_dict *fitting = NULL;
    mrq_look *look = &f->look[main], before = *look;
    char pattern[256];
    size_t size, bytes;
    const uint32_t n = mrq_files_several(f->file[main]) ? 0 : find_parts(f, main, pattern);
    *several = false;
    if (!n)
        return MRQ_OK;
    MRQ_TRY(mrq_files_find(path, pattern, &fitting, err));
    if (mrq_dict_strings(fitting).n != n) {
        memset(f->part, 0, sizeof f->part);
        return MRQ_OK;
    }
    char *sample = join_samples(f, n, &size, &bytes);
    if (!sample)
        return mrq_fail_memory(err, "looking at files");
    *look = (mrq_look){.encoding = before.encoding, .files = n};
    snprintf(look->file, sizeof look->file, "%s", pattern);
    const mrq_status status = mrq_look_at(look, sample, size, bytes, err);
    *several = status == MRQ_OK && !*look->why_not && look->columns == before.columns;
    if (!*several) {
        mrq_look_close(look);
        *look = before;
        memset(f->part, 0, sizeof f->part);
        return status;
    }
    mrq_look_close(&before);
    return MRQ_OK;
}
