/* Text processing independent of the C locale: what a model learns from a title must not depend on the machine that reads it.
 *
 * Lower-casing covers the scripts in the titles of the data sets; other characters keep their case, which at worst makes two words
 * of one. Rejected: a full table (ICU), far more than this is worth. */
#include "dataset/text.h"

#include "base/utf8.h"

uint32_t mrq_text_lower(uint32_t code)
{
    /* Every `step`-th code point from first to last has its lower case at code point + `add`. */
    static const struct {
        uint32_t first, last, step;
        int32_t add;
    } ranges[] = {
        {'A', 'Z', 1, 32},     {0xc0, 0xd6, 1, 32},   {0xd8, 0xde, 1, 32},   {0x100, 0x12e, 2, 1},    {0x130, 0x130, 1, -199},
        {0x132, 0x136, 2, 1},  {0x139, 0x147, 2, 1},  {0x14a, 0x176, 2, 1},  {0x178, 0x178, 1, -121}, {0x179, 0x17d, 2, 1},
        {0x386, 0x386, 1, 38}, {0x388, 0x38a, 1, 37}, {0x38c, 0x38c, 1, 64}, {0x38e, 0x38f, 1, 63},   {0x391, 0x3ab, 1, 32},
        {0x400, 0x40f, 1, 80}, {0x410, 0x42f, 1, 32}, {0x460, 0x480, 2, 1},  {0x48a, 0x4be, 2, 1},    {0x4c0, 0x4c0, 1, 15},
        {0x4c1, 0x4cd, 2, 1},  {0x4d0, 0x52e, 2, 1},
    };
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges && code >= ranges[i].first; i++)
        if (code <= ranges[i].last)
            return (code - ranges[i].first) % ranges[i].step ? code : (uint32_t)((int32_t)code + ranges[i].add);
    return code;
}

size_t mrq_text_decode(const char *raw, size_t size, char *out)
{
    size_t n = 0;
    for (size_t i = 0; i < size;) {
        uint32_t code = (unsigned char)raw[i];
        const size_t length = mrq_utf8_read(raw + i, size - i, &code);
        i += length ? length : 1; /* the file may have changed since it was checked */
        n += mrq_utf8_write(mrq_utf8_is_control(code) ? ' ' : code, out + n);
    }
    out[n] = '\0';
    return n;
}

size_t mrq_text_unquote(const char *raw, size_t size, char escape, char *out)
{
    size_t n = 0;
    for (size_t i = 0; i < size; i++) {
        i += i + 1 < size && mrq_text_is_coded(raw[i], raw[i + 1], escape);
        out[n++] = raw[i];
    }
    return n;
}

/* Whether a code point is a letter or digit. Beyond Latin-1 everything is, except the blocks of punctuation. */
static bool in_word(uint32_t c)
{
    if (c < 0x80)
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z');
    if (c < 0xc0)
        return c == 0xaa || c == 0xb5 || c == 0xba;
    return c != 0xd7 && c != 0xf7 && !(c >= 0x2000 && c <= 0x206f) && !(c >= 0x3000 && c <= 0x303f);
}

/* Reads the lower-cased code point at `at`; returns its length in the text. Both shapes of apostrophe become '. */
static size_t read_lower(const char *text, size_t size, size_t at, uint32_t *code)
{
    *code = 0;
    if (at == size)
        return 0;
    const size_t length = mrq_utf8_read(text + at, size - at, code);
    *code = *code == 0x2019 ? '\'' : mrq_text_lower(*code);
    return length;
}

size_t mrq_text_word(const char *text, size_t size, bool characters, size_t *at, char *word)
{
    size_t n = 0, length;
    uint32_t code, next;
    for (; (length = read_lower(text, size, *at, &code)) > 0; *at += length) {
        if (in_word(code) || characters)
            n += mrq_utf8_write(code, word + n);
        else if (n && code == '\'' && read_lower(text, size, *at + length, &next) && in_word(next))
            word[n++] = '\'';
        else if (n)
            break;
        if (characters) {
            *at += length;
            break;
        }
    }
    return n;
}
