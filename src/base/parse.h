/* Strict parsing of numbers: the whole text must match and be in range; no clamping, no locale. */
#ifndef MRQ_BASE_PARSE_H
#define MRQ_BASE_PARSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Parses `text` of `size` bytes, not necessarily NUL-terminated: a decimal whole number within [min, max], an optional '-', then
 * digits. */
bool mrq_parse_int(const char *text, size_t size, int64_t min, int64_t max, int64_t *out);

/* The same for a finite decimal number such as 3, 3.5, -0.25 or 1e-3. */
bool mrq_parse_real(const char *text, size_t size, double min, double max, double *out);

/* Whether a text is written as such a number, be it too large for one, as 1e400 is. */
bool mrq_is_number(const char *text, size_t size);

/* Copies the value at `*at`, which ends at a comma or the text's end, to `out`, ends it with a NUL and returns the place behind it.
 * Blanks around the value are left out, but not behind a backslash, which may also stand before a comma or another backslash. `*at`
 * moves to the value's end. */
char *mrq_parse_value(const char **at, char *out);

#endif
