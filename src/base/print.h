/* Writes JSON directly as text, for documents that are made thousands of times a second; everything else uses base/json.h. */
#ifndef MRQ_BASE_PRINT_H
#define MRQ_BASE_PRINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/memory.h"

/* A growing text; zeroed, it is empty. After memory has run out, additions are dropped. Not thread-safe. */
typedef struct mrq_print {
    char *data; /* NUL-terminated once something has been added */
    size_t size, capacity;
    bool failed;
} mrq_print;

/* A finite number with as few digits as read back as the same number. */
#define MRQ_EXACT_TEXT 32
void mrq_exact_text(double value, char out[MRQ_EXACT_TEXT]);

/* Returns the text; the caller owns it and frees it with mrq_free(). `*size` (may be NULL) is its length. NULL when memory ran
 * out. */
char *mrq_print_take(mrq_print *print, size_t *size);

void mrq_print_add(mrq_print *print, const char *text); /* unescaped */

/* A value is preceded by a comma, except after an opening bracket, after a key and at the start. */
void mrq_print_open(mrq_print *print, char bracket); /* '{' or '[' */
void mrq_print_close(mrq_print *print, char bracket);
void mrq_print_key(mrq_print *print, const char *name);
void mrq_print_member(mrq_print *print, const char *text); /* of a list with commas, as mrq_parse_value() reads it */
void mrq_print_text(mrq_print *print, const char *text);   /* escaped; bytes that are not valid UTF-8 become '?' */
void mrq_print_whole(mrq_print *print, int64_t value);
void mrq_print_real(mrq_print *print, double value, int digits); /* rounded to `digits` decimals, 0 .. 9; null when not finite */
void mrq_print_exact(mrq_print *print, double value);            /* as mrq_exact_text(); null when not finite */
void mrq_print_raw(mrq_print *print, const char *json);          /* a value that is already JSON */

#endif
