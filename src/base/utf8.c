#include "base/utf8.h"

#include <string.h>

size_t mrq_utf8_read(const char *text, size_t size, uint32_t *code)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000}; /* by length: a smaller code point is an overlong encoding */
    const unsigned char *p = (const unsigned char *)text;
    if (p[0] < 0x80) {
        *code = p[0];
        return 1;
    }
    const size_t length = p[0] >= 0xf0 && p[0] < 0xf8 ? 4 : p[0] >= 0xe0 && p[0] < 0xf0 ? 3 : p[0] >= 0xc0 && p[0] < 0xe0 ? 2 : 0;
    if (!length || length > size)
        return 0;
    uint32_t c = p[0] & (0x7fu >> length);
    for (size_t i = 1; i < length; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return 0;
        c = c << 6 | (p[i] & 0x3f);
    }
    if (c < least[length] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
        return 0;
    *code = c;
    return length;
}

size_t mrq_utf8_bad(const char *text, size_t size)
{
    uint32_t code;
    for (size_t i = 0, n; i < size; i += n) {
        uint64_t eight = UINT64_MAX;
        if (size - i >= sizeof eight)
            memcpy(&eight, text + i, sizeof eight);
        n = eight & UINT64_C(0x8080808080808080) ? mrq_utf8_read(text + i, size - i, &code) : sizeof eight; /* fast path:
                                                                                                               eight ASCII
                                                                                                               bytes */
        if (!n)
            return i + 1;
    }
    return 0;
}

size_t mrq_utf8_write(uint32_t code, char *out)
{
    if (code < 0x80) {
        out[0] = (char)code;
        return 1;
    }
    const size_t length = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    for (size_t i = length - 1; i > 0; i--, code >>= 6)
        out[i] = (char)(0x80 | (code & 0x3f));
    out[0] = (char)((0xf00u >> length & 0xf0) | code);
    return length;
}

void mrq_utf8_clean(char *text)
{
    uint32_t code;
    for (size_t n, left = strlen(text); left; text += n, left -= n) {
        n = mrq_utf8_read(text, left, &code);
        if (n == 0 || mrq_utf8_is_control(code)) {
            n = n ? n : 1;
            memset(text, '?', n);
        }
    }
}

size_t mrq_utf8_columns(const char *text)
{
    size_t n = 0;
    for (; *text; text++)
        n += ((unsigned char)*text & 0xc0) != 0x80;
    return n;
}

bool mrq_utf8_is_plain(const char *text)
{
    uint32_t code;
    for (size_t n; *text; text += n)
        if ((n = mrq_utf8_read(text, strlen(text), &code)) == 0 || mrq_utf8_is_control(code))
            return false;
    return true;
}
