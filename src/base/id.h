/* Ids of users and items: texts, kept byte for byte. */
#ifndef MRQ_BASE_ID_H
#define MRQ_BASE_ID_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/dict.h"

#define MRQ_ID_BYTES 255 /* the longest id; the shortest has 1 byte */
#define MRQ_ID_WANT  "1 to 255 bytes of UTF-8 without control characters"

/* Whether a text can be an id: see MRQ_ID_WANT. */
bool mrq_id_is_valid(const char *id, size_t size);

/* The order of rows (an mrq_text_order): whole numbers first, by value, then all other ids by bytes. A number with a leading zero,
 * except "0" itself, counts as another id. */
int mrq_id_compare(const char *a, size_t a_size, const char *b, size_t b_size);

/* The first of these ids that does not come after the one before it in that order, or ids->n. */
uint32_t mrq_ids_out_of_order(const mrq_strings *ids);

/* The place of an id among ids in that order, or MRQ_NONE. */
uint32_t mrq_id_find(const mrq_strings *sorted, const char *id, size_t size);

/* A number for the id, the same on every machine: the value of a whole number below 2^63, a hash of any other id. */
uint64_t mrq_id_number(const char *id, size_t size);

#endif
