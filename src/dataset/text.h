/* Text from files: UTF-8, lower case and words, the same in every locale. Private to the dataset room. */
#ifndef MRQ_DATASET_TEXT_H
#define MRQ_DATASET_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Lower case of Latin (to U+017F), Greek and Cyrillic letters; other code points are unchanged. */
uint32_t mrq_text_lower(uint32_t code);

/* Copies a field's bytes, valid UTF-8, into a NUL-terminated text in which control characters are blanks, so that no text can
 * disturb a terminal or a table. `out` has 2 * size + 1 bytes. Returns the length. */
size_t mrq_text_decode(const char *raw, size_t size, char *out);

/* Whether two bytes within quotes stand for the second: "" does, and a quote or an escape behind an escape, which is 0 for none. */
static inline bool mrq_text_is_coded(char a, char b, char escape)
{
    return (a == '"' && b == '"') || (escape && a == escape && (b == '"' || b == escape));
}

/* Copies the bytes of a quoted field without what quoting adds. `out` has room for `size` bytes, and may be `raw`. Returns how many
 * there are. */
size_t mrq_text_unquote(const char *raw, size_t size, char escape, char *out);

/* Reads the next word of a valid UTF-8 text from `*at` on, lower-cased, into `word` (at least `size` bytes), and moves `*at` past
 * it. Words are runs of letters and digits, with apostrophes inside; with `characters` each code point is a word. Returns its
 * length, 0 at the end. */
size_t mrq_text_word(const char *text, size_t size, bool characters, size_t *at, char *word);

#endif
