/* Inside the engine: what the library can be asked, and its bytes, by which an answer is remembered. */
#ifndef MRQ_ENGINE_QUESTION_H
#define MRQ_ENGINE_QUESTION_H

#include "base/error.h"
#include "marquee/marquee.h"

/* What a kind does not ask for is zero. */
typedef struct mrq_question {
    enum { MRQ_ASK_RECOMMEND, MRQ_ASK_SIMILAR, MRQ_ASK_MOVIE, MRQ_ASK_SEARCH, MRQ_ASK_USER, MRQ_ASK_INFO } kind;
    const mrq_query *query;
    const mrq_filters *filters;
    const char *text;
    int64_t id;
    uint32_t k;
} mrq_question;

#define MRQ_QUESTION_KEY 1024 /* bytes; a longer question, one with a hundred liked movies, is computed each time */

/* Different for different questions. Where they do not fit, `size` is more than MRQ_QUESTION_KEY and the bytes mean nothing. */
typedef struct mrq_question_key {
    size_t size;
    unsigned char bytes[MRQ_QUESTION_KEY];
} mrq_question_key;
void mrq_question_write(const mrq_question *question, mrq_question_key *key);

/* MRQ_USAGE for what the kind asks for and is NULL, and for a list that has a number but is not there, as other languages let
 * happen. */
MRQ_CHECKED mrq_status mrq_question_check(const mrq_question *question, mrq_error *err);

#endif
