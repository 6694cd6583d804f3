/* Writing JSON as it goes, where documents are made thousands of times a second; base/json.h is for all other. */
#ifndef MRQ_BASE_PRINT_H
#define MRQ_BASE_PRINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/memory.h"

/* A text that grows. Zeroed: empty. Once memory has run out, the rest is dropped. Not thread-safe. */
typedef struct mrq_print {
    char *data; /* NUL-terminated once something was added */
    size_t size, capacity;
    bool failed;
} mrq_print;

/* The text, which is the caller's now and freed with mrq_free(); `*size` (may be NULL) is its length. NULL when memory ran out. */
char *mrq_print_take(mrq_print *print, size_t *size);

void mrq_print_add(mrq_print *print, const char *text); /* as it is; no JSON */

/* Each value takes a comma before it where one is due: behind all but an opening bracket, a key's colon and the start. */
void mrq_print_open(mrq_print *print, char bracket); /* '{' or '[' */
void mrq_print_close(mrq_print *print, char bracket);
void mrq_print_key(mrq_print *print, const char *name);
void mrq_print_text(mrq_print *print, const char *text); /* escaped; each byte that belongs to no UTF-8 character a '?' */
void mrq_print_whole(mrq_print *print, int64_t value);
void mrq_print_real(mrq_print *print, double value, int digits); /* rounded to so many decimals, 0 .. 9; null when not finite */
void mrq_print_raw(mrq_print *print, const char *json);          /* a value that is JSON already */

#endif
