/* Dictionaries: map texts to small numbers, by open addressing. */
#ifndef MRQ_BASE_DICT_H
#define MRQ_BASE_DICT_H

#include <stdint.h>

#include "base/memory.h"

#define MRQ_NONE UINT32_MAX /* "no such entry", for all functions that return an index */

/* A list of NUL-terminated strings in one block. String i starts at bytes + offset[i] and has offset[i+1] - offset[i] - 1 bytes. */
typedef struct mrq_strings {
    uint32_t n;
    const uint32_t *offset; /* (n + 1) */
    const char *bytes;      /* (offset[n]) */
} mrq_strings;

static inline const char *mrq_strings_at(const mrq_strings *strings, uint32_t i)
{
    return strings->bytes + strings->offset[i];
}
static inline size_t mrq_strings_size(const mrq_strings *strings, uint32_t i)
{
    return strings->offset[i + 1] - strings->offset[i] - 1;
}
/* The index of a text in an unsorted list, by a scan; MRQ_NONE when it is not in the list. An exact match is preferred to one that
 * differs in the case of ASCII letters. */
uint32_t mrq_strings_find(const mrq_strings *strings, const char *text);

/* A growing dictionary of distinct strings, numbered from 0 in order of arrival; also used as a plain list. Up to 4 GiB of text
 * without NULs. Not thread-safe while it grows. */
typedef struct mrq_dict mrq_dict;
mrq_dict *mrq_dict_new(void);
void mrq_dict_free(mrq_dict *dict);
MRQ_DEFINE_CLEANUP(mrq_dict, mrq_dict_free)
uint32_t mrq_dict_add(mrq_dict *dict, const char *text, size_t size);  /* the index of the old or new entry; MRQ_NONE when out
                                                                          of memory */
uint32_t mrq_dict_push(mrq_dict *dict, const char *text, size_t size); /* appends without checking for an equal text */
uint32_t mrq_dict_find(const mrq_dict *dict, const char *text, size_t size);
void mrq_dict_expect(const mrq_dict *dict, const char *text, size_t size); /* begins to fetch what a look-up soon reads */
mrq_strings mrq_dict_strings(const mrq_dict *dict);                        /* valid until the next change */

/* Negative, 0 or positive when the first text is before, equal to or after the second. */
typedef int mrq_text_order(const char *a, size_t a_size, const char *b, size_t b_size);
int mrq_compare_bytes(const char *a, size_t a_size, const char *b, size_t b_size); /* by bytes */

/* Sorts the entries. `rank` (n entries, the caller's) gets the new index of each old one. Returns -1 when out of memory. */
int mrq_dict_sort(mrq_dict *dict, mrq_text_order *compare, uint32_t *rank);

/* Copies a list into an arena. Returns -1 when out of memory. */
int mrq_strings_copy(mrq_arena *arena, const mrq_strings *from, mrq_strings *to);

#endif
