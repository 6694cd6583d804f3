/* The best k of many hits: a heap whose root is the worst that is kept. */
#ifndef MRQ_INDEX_TOP_H
#define MRQ_INDEX_TOP_H

#include "index/index.h"

typedef struct mrq_top {
    mrq_hit *hit; /* (k) room of the caller */
    uint32_t k, n;
} mrq_top;

void mrq_top_push(mrq_top *top, mrq_hit hit); /* a score that is not a number is dropped */
void mrq_top_sort(mrq_top *top);              /* best first, equal scores by row; the end of pushing */

#endif
