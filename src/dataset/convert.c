/* Conversion to UTF-8, by iconv. A character that a piece cuts in two is kept for the next one. Latin-1 is what most old files
 * have, so it is converted here and needs none of iconv's files. */
#include "dataset/flow.h"

#include <errno.h>
#include <iconv.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "dataset/source.h"

#define CHARACTER 64 /* bytes of a character with the shifts before it, in any encoding, and more */

#ifdef MRQ_ANALYSER /* it takes (iconv_t)-1 for a descriptor that is to be closed */
#pragma GCC diagnostic ignored "-Wanalyzer-malloc-leak"
#endif

static bool is_latin1(const char *encoding)
{
    return strcmp(encoding, "latin1") == 0;
}

bool mrq_source_knows(const char *encoding)
{
    if (is_latin1(encoding))
        return true;
    const iconv_t converter = iconv_open("UTF-8", encoding);
    if (converter == (iconv_t)-1)
        return false;
    iconv_close(converter);
    return true;
}

struct converter {
    mrq_flow flow;
    const char *name, *encoding;
    iconv_t iconv; /* (iconv_t)-1: Latin-1 */
    unsigned long long line;
    bool last;      /* there is no further piece */
    bool flushed;   /* iconv has given the last character, which it keeps in case that an accent follows */
    size_t at, end; /* what is left of `in` */
    char in[MRQ_FLOW_STEP + CHARACTER];
    char out[MRQ_FLOW_STEP];
};

/* Puts the next piece behind what is left. */
static mrq_status refill(struct converter *c, mrq_error *err)
{
    const char *piece;
    size_t size;
    MRQ_TRY(c->flow.from->next(c->flow.from, &piece, &size, err));
    memmove(c->in, c->in + c->at, c->end - c->at);
    c->end -= c->at;
    c->at = 0;
    c->last = !size;
    if (size)
        memcpy(c->in + c->end, piece, size);
    c->end += size;
    return MRQ_OK;
}

static mrq_status not_encoded(const struct converter *c, mrq_error *err)
{
    return mrq_fail(err, MRQ_BAD_FILE, "%s:%llu: the byte \\x%02x is no character of encoding %s", c->name, c->line,
                    (unsigned char)c->in[c->at], c->encoding);
}

static size_t convert_latin1(struct converter *c)
{
    size_t size = 0;
    for (; c->at < c->end && size + 2 <= sizeof c->out; c->at++)
        size += mrq_utf8_write((unsigned char)c->in[c->at], c->out + size);
    return size;
}

/* Converts what is at hand, as far as there is room; `*bad` when the rest is no character, or the beginning of one. */
static size_t convert(struct converter *c, bool *bad)
{
    *bad = false;
    if (c->iconv == (iconv_t)-1)
        return convert_latin1(c);
    char *in = c->in + c->at, *out = c->out;
    size_t left = c->end - c->at, room = sizeof c->out;
    if (left && iconv(c->iconv, &in, &left, &out, &room) == (size_t)-1)
        *bad = errno != E2BIG;
    const bool cut = *bad && errno == EINVAL && left < CHARACTER && !c->last;
    *bad = *bad && !cut;
    c->at = c->end - left;
    return sizeof c->out - room;
}

/* What iconv has kept back. */
static size_t flush(struct converter *c)
{
    char *out = c->out;
    size_t room = sizeof c->out;
    c->flushed = true;
    if (c->iconv != (iconv_t)-1)
        (void)iconv(c->iconv, NULL, NULL, &out, &room); /* there is room, and nothing to be wrong */
    return sizeof c->out - room;
}

static mrq_status next_converted(mrq_flow *flow, const char **bytes, size_t *size, mrq_error *err)
{
    struct converter *c = (struct converter *)flow;
    *bytes = c->out;
    *size = 0;
    while (!*size && !(c->last && c->at == c->end)) {
        bool bad;
        if (!c->last && c->end - c->at < CHARACTER)
            MRQ_TRY(refill(c, err));
        *size = convert(c, &bad);
        for (const char *p = c->out, *end = c->out + *size; (p = memchr(p, '\n', (size_t)(end - p))); p++)
            c->line++;
        if (bad && !*size)
            return not_encoded(c, err);
    }
    if (!*size && !c->flushed)
        *size = flush(c);
    return MRQ_OK;
}

static void close_converter(mrq_flow *flow)
{
    struct converter *c = (struct converter *)flow;
    if (c->iconv != (iconv_t)-1)
        iconv_close(c->iconv);
    free(c);
}

mrq_status mrq_flow_convert(mrq_flow **flow, const char *name, const char *encoding, mrq_error *err)
{
    struct converter *c = malloc(sizeof *c);
    if (!c)
        return mrq_fail_memory(err, "reading a file");
    c->flow = (mrq_flow){.next = next_converted, .close = close_converter, .from = *flow};
    c->name = name;
    c->encoding = encoding;
    c->iconv = is_latin1(encoding) ? (iconv_t)-1 : iconv_open("UTF-8", encoding);
    c->line = 1;
    c->last = c->flushed = false;
    c->at = c->end = 0;
    if (c->iconv == (iconv_t)-1 && !is_latin1(encoding)) {
        const mrq_status status = errno == ENOMEM
                                      ? mrq_fail_memory(err, "reading a file")
                                      : mrq_fail(err, MRQ_BAD_FILE, "%s: encoding \"%s\" is not known here", name, encoding);
        free(c);
        return status;
    }
    *flow = &c->flow;
    return MRQ_OK;
}
