/* The best k of many hits: a heap whose root is the worst hit kept. */
#ifndef MRQ_INDEX_TOP_H
#define MRQ_INDEX_TOP_H

#include "index/index.h"

typedef struct mrq_top {
    mrq_hit *hit; /* (k) the caller's memory */
    uint32_t k, n;
} mrq_top;

void mrq_top_push(mrq_top *top, mrq_hit hit); /* drops a score that is NaN */
void mrq_top_sort(mrq_top *top);              /* sorts best first, equal scores by row; no push afterwards */

#endif
