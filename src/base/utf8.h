/* UTF-8 (RFC 3629), whatever the locale. */
#ifndef MRQ_BASE_UTF8_H
#define MRQ_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Decodes the code point at the start of `size` > 0 bytes. Returns its length; 0 when it is not valid UTF-8 (RFC 3629). */
size_t mrq_utf8_read(const char *text, size_t size, uint32_t *code);
/* The position, from 1, of the first byte that is not valid UTF-8; 0 when all are valid. */
size_t mrq_utf8_bad(const char *text, size_t size);
/* Writes a code point (up to 4 bytes), returns its length. */
size_t mrq_utf8_write(uint32_t code, char *out);

/* Control characters, C0, DEL and C1: invisible, and a terminal may obey them. */
static inline bool mrq_utf8_is_control(uint32_t code)
{
    return code < 0x20 || (code >= 0x7f && code < 0xa0);
}

/* Makes a text safe to print on one line: control characters and invalid UTF-8 become '?'. */
void mrq_utf8_clean(char *text);

/* Columns that a text takes on a terminal, counting one per character. */
size_t mrq_utf8_columns(const char *text);

/* Whether a text can be printed on terminals and stored unchanged: UTF-8 without control characters. */
bool mrq_utf8_is_plain(const char *text);

#endif
