/* The grammar of RFC 8259, without memory of its own: a text is a span of the file until somebody wants it without escapes.
 *
 * Rejected: cJSON, which reads schemas. It takes three times as long (short lines 206 MB/s, this 627; reviews 417 and 1,540), it
 * makes floating point of every number, so that an id of 19 digits comes out as another, and it takes what is no JSON, such as 01.
 * Depth is limited, so a walk may call itself. Surrogates are looked at only when a text is decoded: what nobody reads need not
 * have a meaning. */
#include "dataset/json_scan.h"

#include <stdint.h>
#include <string.h>

#include "base/utf8.h"

static bool wrong(mrq_json_scan *scan, const char *problem)
{
    scan->problem = problem;
    return false;
}

char mrq_json_peek(mrq_json_scan *scan)
{
    while (scan->at < scan->end && (*scan->at == ' ' || *scan->at == '\t' || *scan->at == '\r' || *scan->at == '\n'))
        scan->at++;
    if (scan->at == scan->end)
        return '\0';
    return *scan->at;
}

/* --- texts --- */

static int hex_digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : (c | 0x20) >= 'a' && (c | 0x20) <= 'f' ? (c | 0x20) - 'a' + 10 : -1;
}

/* Moves from a backslash to the last byte of its escape. */
static bool check_escape(mrq_json_scan *scan)
{
    const char *p = scan->at + 1;
    if (p < scan->end && *p && strchr("\"\\/bfnrt", *p)) {
        scan->at = p;
        return true;
    }
    if (p == scan->end || *p != 'u')
        return wrong(scan, "an escape that JSON does not have");
    for (int i = 1; i <= 4; i++)
        if (p + i >= scan->end || hex_digit(p[i]) < 0)
            return wrong(scan, "want four hexadecimal digits behind \\u");
    scan->at = p + 4;
    return true;
}

/* Looks at a byte of a text that is not plain ASCII; moves to the last byte of what it begins. */
static bool check_special(mrq_json_scan *scan, bool *escaped)
{
    const unsigned char c = (unsigned char)*scan->at;
    if (c == '\\') {
        *escaped = true;
        return check_escape(scan);
    }
    if (c < 0x20)
        return wrong(scan, c ? "a control character, which a text must escape" : "a NUL byte");
    uint32_t code;
    const size_t length = mrq_utf8_read(scan->at, (size_t)(scan->end - scan->at), &code);
    if (!length)
        return wrong(scan, "a byte that is not valid UTF-8");
    scan->at += length - 1;
    return true;
}

static bool is_plain(char c)
{
    return (unsigned char)c >= 0x20 && (unsigned char)c < 0x80 && c != '"' && c != '\\';
}

/* Whether none of eight bytes is a quote, a backslash, a control character or beyond ASCII. */
static bool eight_plain(const char *p)
{
    const uint64_t ones = UINT64_C(0x0101010101010101), tops = ones << 7;
    uint64_t x;
    memcpy(&x, p, sizeof x);
    const uint64_t quote = x ^ ones * '"', slash = x ^ ones * '\\';
    return !((x | (x - ones * 0x20) | (quote - ones) | (slash - ones)) & tops);
}

/* At an opening quote. */
static bool read_text(mrq_json_scan *scan, mrq_json_value *out)
{
    const char *start = ++scan->at;
    out->kind = MRQ_JSON_TEXT;
    out->escaped = false;
    for (;; scan->at++) {
        while (scan->end - scan->at >= 8 && eight_plain(scan->at))
            scan->at += 8;
        while (scan->at < scan->end && is_plain(*scan->at))
            scan->at++;
        if (scan->at == scan->end)
            return wrong(scan, "the line ends inside a text");
        if (*scan->at == '"')
            break;
        if (!check_special(scan, &out->escaped))
            return false;
    }
    out->span = (mrq_span){start, (size_t)(scan->at - start)};
    scan->at++;
    return true;
}

/* The code unit of an escape, behind which *p is moved. */
static uint32_t read_unit(const char **p)
{
    static const char from[] = "bfnrt", to[] = "\b\f\n\r\t";
    const char c = (*p)[1];
    if (c != 'u') {
        const char *found = strchr(from, c);
        *p += 2;
        return (unsigned char)(found ? to[found - from] : c);
    }
    uint32_t code = 0;
    for (int i = 2; i < 6; i++)
        code = code << 4 | (uint32_t)hex_digit((*p)[i]);
    *p += 6;
    return code;
}

bool mrq_json_decode(mrq_json_scan *scan, mrq_span text, char *out, size_t *size)
{
    const char *p = text.text, *end = p + text.size;
    size_t n = 0;
    while (p < end) {
        if (*p != '\\') {
            out[n++] = *p++;
            continue;
        }
        const char *escape = p;
        uint32_t code = read_unit(&p);
        if (code >= 0xd800 && code < 0xdc00 && end - p >= 6 && p[0] == '\\' && p[1] == 'u') {
            const char *next = p;
            const uint32_t low = read_unit(&next);
            if (low >= 0xdc00 && low < 0xe000) {
                code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
                p = next;
            }
        }
        if (!code || (code >= 0xd800 && code < 0xe000)) {
            scan->at = escape;
            return wrong(scan, code ? "half of a surrogate pair" : "a NUL, \\u0000");
        }
        n += mrq_utf8_write(code, out + n);
    }
    *size = n;
    return true;
}

/* --- other values --- */

static bool digits(mrq_json_scan *scan)
{
    const char *start = scan->at;
    while (scan->at < scan->end && *scan->at >= '0' && *scan->at <= '9')
        scan->at++;
    return scan->at > start;
}

/* -? (0 | [1-9][0-9]*) (. [0-9]+)? ([eE] [+-]? [0-9]+)? */
static bool read_number(mrq_json_scan *scan)
{
    scan->at += *scan->at == '-';
    const char *start = scan->at;
    if (!digits(scan) || (*start == '0' && scan->at > start + 1))
        return false;
    if (scan->at < scan->end && *scan->at == '.') {
        scan->at++;
        if (!digits(scan))
            return false;
    }
    if (scan->at < scan->end && (*scan->at | 0x20) == 'e') {
        scan->at++;
        scan->at += scan->at < scan->end && (*scan->at == '+' || *scan->at == '-');
        return digits(scan);
    }
    return true;
}

/* true, false, null or a number. */
static bool read_bare(mrq_json_scan *scan, mrq_json_value *out)
{
    static const char *const words[] = {"true", "false", "null"};
    const char *start = scan->at;
    out->kind = *start == 'n' ? MRQ_JSON_NULL : MRQ_JSON_OTHER;
    out->escaped = false;
    for (int i = 0; i < 3; i++) {
        const size_t size = strlen(words[i]);
        if ((size_t)(scan->end - start) >= size && memcmp(start, words[i], size) == 0)
            scan->at += size;
    }
    if (scan->at == start && !read_number(scan)) {
        scan->at = start;
        return wrong(scan, "want a value: a text in double quotes, a number, true, false, null, an object or a list");
    }
    out->span = (mrq_span){start, (size_t)(scan->at - start)};
    return true;
}

bool mrq_json_value_read(mrq_json_scan *scan, mrq_json_value *out)
{
    const char first = mrq_json_peek(scan);
    if (scan->at == scan->end)
        return wrong(scan, "the line ends where a value should be");
    if (first == '"')
        return read_text(scan, out);
    if (first != '{' && first != '[')
        return read_bare(scan, out);
    *out = (mrq_json_value){.kind = first == '{' ? MRQ_JSON_OBJECT : MRQ_JSON_LIST};
    scan->at++;
    return true;
}

/* --- objects and lists --- */

/* What stands before the next part: its comma, unless it is the first, or the end. */
static bool next_part(mrq_json_scan *scan, bool first, char end, const char *want, bool *more)
{
    const char c = mrq_json_peek(scan);
    if (scan->at == scan->end)
        return wrong(scan, end == '}' ? "the line ends inside an object" : "the line ends inside a list");
    *more = c != end;
    if (!*more || (!first && c == ','))
        scan->at++;
    else if (!first)
        return wrong(scan, want);
    return true;
}

bool mrq_json_member(mrq_json_scan *scan, bool first, mrq_json_value *name, bool *more)
{
    if (!next_part(scan, first, '}', "want a comma or } behind a member", more))
        return false;
    if (!*more)
        return true;
    if (mrq_json_peek(scan) != '"')
        return wrong(scan, scan->at == scan->end ? "the line ends inside an object" : "want a member's name in double quotes");
    if (!read_text(scan, name))
        return false;
    if (mrq_json_peek(scan) != ':')
        return wrong(scan, "want a colon behind a member's name");
    scan->at++;
    return true;
}

bool mrq_json_element(mrq_json_scan *scan, bool first, bool *more)
{
    return next_part(scan, first, ']', "want a comma or ] behind an element", more);
}

bool mrq_json_skip(mrq_json_scan *scan, mrq_json_kind kind, int depth)
{
    if (depth > MRQ_JSON_DEPTH_MAX)
        return wrong(scan, "more than 64 objects and lists in each other");
    mrq_json_value value;
    bool more = true;
    for (bool first = true;; first = false) {
        if (!(kind == MRQ_JSON_OBJECT ? mrq_json_member(scan, first, &value, &more) : mrq_json_element(scan, first, &more)))
            return false;
        if (!more)
            return true;
        if (!mrq_json_value_read(scan, &value))
            return false;
        if (value.kind >= MRQ_JSON_OBJECT && !mrq_json_skip(scan, value.kind, depth + 1))
            return false;
    }
}
