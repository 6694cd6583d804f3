/* Conversion to UTF-8, by iconv. A character that a piece cuts in two is kept for the next one. Latin-1 is what most old files
 * have, so it is converted here and needs none of iconv's files.
 *
 * A byte that is no character does not end the conversion, so that the reader can tell its line, and leave that row out. It is
 * replaced by a mark that keeps its value: U+DC00 plus the byte, a half of a surrogate pair, which no UTF-8 has. */
#include "dataset/flow.h"

#include <errno.h>
#include <iconv.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "dataset/source.h"

#define CHARACTER 64 /* bytes of a character with the shifts before it, in any encoding, and more */
#define MARK      3  /* bytes of a mark */
#define MARK_CODE 0xdc00

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

bool mrq_source_is_marked(const char *text, size_t size, unsigned char *byte)
{
    const unsigned char *p = (const unsigned char *)text;
    if (size < MARK || p[0] != 0xed || (p[1] & 0xfc) != 0xb0 || (p[2] & 0xc0) != 0x80)
        return false;
    *byte = (unsigned char)(p[1] << 6 | (p[2] & 0x3f));
    return true;
}

struct converter {
    mrq_flow flow;
    iconv_t iconv;  /* (iconv_t)-1: Latin-1 */
    size_t unit;    /* bytes to go on behind what is no character */
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

/* The bytes of a line end: 2 in UTF-16, 4 in UTF-32. The first one may come with a byte order mark. */
static size_t unit_of(const char *encoding)
{
    char line_ends[] = "\n\n", bytes[4 * CHARACTER], *in = line_ends, *out = bytes;
    size_t left = 1, room = sizeof bytes;
    const iconv_t converter = iconv_open(encoding, "UTF-8");
    if (converter == (iconv_t)-1)
        return 1;
    (void)iconv(converter, &in, &left, &out, &room);
    const char *second = out;
    left = 1;
    (void)iconv(converter, &in, &left, &out, &room);
    iconv_close(converter);
    return out > second ? (size_t)(out - second) : 1;
}

static size_t convert_latin1(struct converter *c)
{
    size_t size = 0;
    for (; c->at < c->end && size + 2 <= sizeof c->out; c->at++)
        size += mrq_utf8_write((unsigned char)c->in[c->at], c->out + size);
    return size;
}

/* Converts what is at hand, as far as there is room, but for the beginning of a character at its end. */
static size_t convert(struct converter *c)
{
    if (c->iconv == (iconv_t)-1)
        return convert_latin1(c);
    char *in = c->in + c->at, *out = c->out;
    size_t left = c->end - c->at, room = sizeof c->out;
    while (left && iconv(c->iconv, &in, &left, &out, &room) == (size_t)-1) {
        const bool cut = errno == EINVAL && left < CHARACTER && !c->last;
        if (errno == E2BIG || cut || room < MARK)
            break;
        const size_t skip = left < c->unit ? left : c->unit, size = mrq_utf8_write(MARK_CODE + (unsigned char)*in, out);
        in += skip;
        left -= skip;
        out += size;
        room -= size;
    }
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
        if (!c->last && c->end - c->at < CHARACTER)
            MRQ_TRY(refill(c, err));
        *size = convert(c);
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
    c->iconv = is_latin1(encoding) ? (iconv_t)-1 : iconv_open("UTF-8", encoding);
    c->unit = unit_of(encoding);
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
