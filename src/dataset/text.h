/* Text from files: UTF-8, lower case and words, the same in every locale. Private to the dataset room. */
#ifndef MRQ_DATASET_TEXT_H
#define MRQ_DATASET_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Lower case of Latin (to U+017F), Greek and Cyrillic letters; other code points are unchanged. */
uint32_t mrq_text_lower(uint32_t code);

/* Decodes a field's bytes, valid UTF-8, into NUL-terminated text: "" becomes " when `quoted`, and control characters become blanks,
 * so that no text can disturb a terminal or a table. `out` has 2 * size + 1 bytes. Returns the length. */
size_t mrq_text_decode(const char *raw, size_t size, bool quoted, char *out);

/* Reads the next word of a valid UTF-8 text from `*at` on, lower-cased, into `word` (at least `size` bytes), and moves `*at` past
 * it. Words are runs of letters and digits, with apostrophes inside; with `characters` each code point is a word. Returns its
 * length, 0 at the end. */
size_t mrq_text_word(const char *text, size_t size, bool characters, size_t *at, char *word);

#endif
