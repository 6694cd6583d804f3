/* JSON cut into its tokens, in place. Private to the dataset room. */
#ifndef MRQ_DATASET_JSON_SCAN_H
#define MRQ_DATASET_JSON_SCAN_H

#include "dataset/reader.h"

#define MRQ_JSON_DEPTH_MAX 64 /* objects and lists in each other */

/* Where a scan stands. A function that returns false has set `problem` and left `at` at the byte that is wrong. */
typedef struct mrq_json_scan {
    const char *at, *end;
    const char *problem; /* what is wrong there: a static text */
} mrq_json_scan;

typedef enum mrq_json_kind { MRQ_JSON_NULL, MRQ_JSON_TEXT, MRQ_JSON_OTHER, MRQ_JSON_OBJECT, MRQ_JSON_LIST } mrq_json_kind;

/* A value that is no object and no list: a text without its quotes, or a number, true or false as written. */
typedef struct mrq_json_value {
    mrq_json_kind kind;
    bool escaped; /* a text that holds escapes */
    mrq_span span;
} mrq_json_value;

/* Moves past blanks; returns the byte behind them, or 0 at the end. */
char mrq_json_peek(mrq_json_scan *scan);

/* Reads a value; of an object or a list only its bracket. Texts are checked: UTF-8, no control characters, no unknown escapes. */
bool mrq_json_value_read(mrq_json_scan *scan, mrq_json_value *out);

/* Reads a member's name and its colon. `*more` is false at the end of the object, behind its brace; `first` for the first
 * member. */
bool mrq_json_member(mrq_json_scan *scan, bool first, mrq_json_value *name, bool *more);

/* The same for an element of a list, which is then to be read. */
bool mrq_json_element(mrq_json_scan *scan, bool first, bool *more);

/* Moves past what is inside an object or a list whose bracket was read, and past its end. `depth` counts it. */
bool mrq_json_skip(mrq_json_scan *scan, mrq_json_kind kind, int depth);

/* Writes a checked text without escapes to `out`, which has room for as many bytes, and returns its size. False for what has no
 * UTF-8, half of a surrogate pair, and for NUL; `at` then is at the escape. */
bool mrq_json_decode(mrq_json_scan *scan, mrq_span text, char *out, size_t *size);

#endif
