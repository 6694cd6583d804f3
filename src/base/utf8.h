/* UTF-8 (RFC 3629), whatever the locale. */
#ifndef MRQ_BASE_UTF8_H
#define MRQ_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The code point at the start of `size` > 0 bytes and, as the result, its length; 0 when this is not valid UTF-8 (RFC 3629). */
size_t mrq_utf8_read(const char *text, size_t size, uint32_t *code);
/* Which byte, counted from 1, begins no character; 0 where all of them are UTF-8. */
size_t mrq_utf8_bad(const char *text, size_t size);
/* Writes a code point (up to 4 bytes), returns its length. */
size_t mrq_utf8_write(uint32_t code, char *out);

/* Nothing to be seen, and a terminal may obey it: C0, DEL and C1. */
static inline bool mrq_utf8_is_control(uint32_t code)
{
    return code < 0x20 || (code >= 0x7f && code < 0xa0);
}

/* Makes one line of plain text, whatever was quoted in it: control characters and bytes that are not UTF-8 become '?'. */
void mrq_utf8_clean(char *text);

/* Places that a text takes on a terminal, counting each character as one. */
size_t mrq_utf8_columns(const char *text);

/* Whether it may be printed on terminals and kept in files as it is: UTF-8 without control characters. */
bool mrq_utf8_is_plain(const char *text);

#endif
