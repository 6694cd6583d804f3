/* UTF-8 (RFC 3629), whatever the locale. */
#ifndef MRQ_BASE_UTF8_H
#define MRQ_BASE_UTF8_H

#include <stddef.h>
#include <stdint.h>

/* The code point at the start of `size` > 0 bytes and, as the result, its length; 0 when this is not valid UTF-8 (RFC 3629). */
size_t mrq_utf8_read(const char *text, size_t size, uint32_t *code);
/* Writes a code point (up to 4 bytes), returns its length. */
size_t mrq_utf8_write(uint32_t code, char *out);

/* Places that a text takes on a terminal, counting each character as one. */
size_t mrq_utf8_columns(const char *text);

#endif
