/* Numbers are written digit by digit, in no locale. */
#include "base/print.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"

#define FIRST 1024 /* bytes; enough for an answer of five items */

/* Makes space for `size` more bytes and a NUL; NULL when out of memory. Not by mrq_grow(), whose aligned memory costs more than
 * printing a short document. */
static char *reserve(mrq_print *print, size_t size)
{
    const size_t need = print->size + size + 1;
    if (need > print->capacity && !print->failed) {
        const size_t twice = 2 * print->capacity, want = need > twice ? need : twice, capacity = want > FIRST ? want : FIRST;
        char *bigger = malloc(capacity);
        print->failed = !bigger;
        if (bigger) {
            memcpy(bigger, print->data ? print->data : "", print->size + 1);
            free(print->data);
            print->data = bigger;
            print->capacity = capacity;
        }
    }
    return print->failed ? NULL : print->data + print->size;
}

static void put(mrq_print *print, const char *bytes, size_t size)
{
    char *to = reserve(print, size);
    if (!to)
        return;
    memcpy(to, bytes, size);
    to[size] = '\0';
    print->size += size;
}

char *mrq_print_take(mrq_print *print, size_t *size)
{
    char *end = reserve(print, 0), *text = print->data;
    if (!end) {
        mrq_free(text);
        *print = (mrq_print){0};
        return NULL;
    }
    *end = '\0'; /* also where nothing was printed */
    if (size)
        *size = print->size;
    char *exact = print->capacity - print->size > print->size / 8 ? malloc(print->size + 1) : NULL;
    if (exact) { /* the text may be kept for long, so give back unused memory */
        memcpy(exact, text, print->size + 1);
        mrq_free(text);
        text = exact;
    }
    *print = (mrq_print){0};
    return text;
}

/* Adds the comma before a value. */
static void separate(mrq_print *print)
{
    const char last = print->size ? print->data[print->size - 1] : '{';
    if (last != '{' && last != '[' && last != ':')
        put(print, ",", 1);
}

void mrq_print_add(mrq_print *print, const char *text)
{
    put(print, text, strlen(text));
}

void mrq_print_open(mrq_print *print, char bracket)
{
    separate(print);
    put(print, &bracket, 1);
}

void mrq_print_close(mrq_print *print, char bracket)
{
    put(print, &bracket, 1);
}

/* Writes one character that JSON or UTF-8 does not allow unescaped, at `text`; returns its length in the input. */
static size_t put_special(mrq_print *print, const char *text, size_t left)
{
    static const char plain[] = "\"\\\b\f\n\r\t", letter[] = "\"\\bfnrt";
    const char *at = strchr(plain, *text);
    uint32_t code;
    if (at) {
        const char pair[2] = {'\\', letter[at - plain]};
        put(print, pair, sizeof pair);
        return 1;
    }
    if ((unsigned char)*text < 0x20) {
        char unicode[8];
        snprintf(unicode, sizeof unicode, "\\u%04x", (unsigned)(unsigned char)*text);
        put(print, unicode, 6);
        return 1;
    }
    const size_t n = mrq_utf8_read(text, left, &code);
    put(print, n ? text : "?", n ? n : 1);
    return n ? n : 1;
}

static bool is_plain(char c)
{
    return c >= 0x20 && c != '"' && c != '\\' && !(c & 0x80);
}

void mrq_print_member(mrq_print *print, const char *text)
{
    for (const char *at = text; *at; at++) {
        const char one[] = {*at, '\0'};
        const bool outer = *at == ' ' && (at == text || !at[1]);
        mrq_print_add(print, *at == ',' || *at == '\\' || outer ? "\\" : "");
        mrq_print_add(print, one);
    }
}

void mrq_print_text(mrq_print *print, const char *text)
{
    const char *end = text + strlen(text);
    separate(print);
    put(print, "\"", 1);
    for (char *to; (to = reserve(print, (size_t)(end - text) + 1)) && text < end;) {
        while (is_plain(*text)) /* stops at the NUL, which is not plain */
            *to++ = *text++;
        print->size = (size_t)(to - print->data);
        if (text < end)
            text += put_special(print, text, (size_t)(end - text));
    }
    put(print, "\"", 1);
}

void mrq_print_key(mrq_print *print, const char *name)
{
    mrq_print_text(print, name);
    put(print, ":", 1);
}

/* Writes the digits of a number before `end`; returns their start. */
static char *digits_of(uint64_t value, char *end)
{
    do
        *--end = (char)('0' + value % 10);
    while (value /= 10);
    return end;
}

void mrq_print_whole(mrq_print *print, int64_t value)
{
    const bool negative = value < 0;
    char text[24], *end = text + sizeof text, *at = digits_of(negative ? 0 - (uint64_t)value : (uint64_t)value, end);
    if (negative)
        *--at = '-';
    separate(print);
    put(print, at, (size_t)(end - at));
}

void mrq_print_real(mrq_print *print, double value, int digits)
{
    static const double power[] = {1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9};
    char text[40], *end = text + sizeof text, *at = end;
    separate(print);
    if (!isfinite(value)) {
        put(print, "null", 4);
        return;
    }
    if (fabs(value) >= 0x1p53) { /* has no decimals */
        char large[320];         /* the largest has 309 digits */
        put(print, large, (size_t)snprintf(large, sizeof large, "%.0f", value));
        return;
    }
    const double size = fabs(value), floor_of_it = floor(size);
    const uint64_t one = (uint64_t)power[digits];
    uint64_t fraction = (uint64_t)round((size - floor_of_it) * power[digits]);
    const uint64_t whole = (uint64_t)floor_of_it + fraction / one;
    fraction %= one;
    const bool zero = !whole && !fraction;
    int places = digits;
    for (; places && fraction % 10 == 0; places--)
        fraction /= 10;
    for (int i = 0; i < places; i++, fraction /= 10)
        *--at = (char)('0' + fraction % 10);
    if (places)
        *--at = '.';
    at = digits_of(whole, at);
    if (value < 0 && !zero)
        *--at = '-';
    put(print, at, (size_t)(end - at));
}

void mrq_exact_text(double value, char out[MRQ_EXACT_TEXT])
{
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(out, MRQ_EXACT_TEXT, "%.*g", digits, value + 0.0); /* -0 is 0 */
        if (strtod(out, NULL) == value)
            return;
    }
}

void mrq_print_exact(mrq_print *print, double value)
{
    char text[MRQ_EXACT_TEXT] = "null";
    if (isfinite(value))
        mrq_exact_text(value, text);
    mrq_print_raw(print, text);
}

void mrq_print_raw(mrq_print *print, const char *json)
{
    separate(print);
    put(print, json, strlen(json));
}
