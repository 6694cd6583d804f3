/* The exact search over all vectors, or all that qualify. */
#ifndef MRQ_INDEX_SCAN_H
#define MRQ_INDEX_SCAN_H

#include <math.h>

#include "index/kernels.h"
#include "index/top.h"

/* Offers every qualifying row of `vectors` (n, dim) (`filter` NULL: all) with its inner product to `top`. The scores, and so the
 * rows that are kept, are those of mrq_distances.inner_product to the last bit, if no other kernel differs from it by more than
 * `slack`; mrq_scan_slack() is such a number. */
void mrq_scan(const float *vectors, uint32_t n, uint32_t dim, const float *query, const mrq_filter *filter, float slack,
              mrq_top *top);

/* How much the kernels' inner products of the query with vectors of up to this length can differ. */
float mrq_scan_slack(const float *query, uint32_t dim, float longest);

/* The next float above: a bound that rounding does not break. */
static inline float mrq_above(double x)
{
    return nextafterf((float)x, INFINITY);
}

/* The length of the longest of `n` vectors, or a little more. */
float mrq_scan_longest(const float *vectors, uint32_t n, uint32_t dim);

/* Offers the rows in `row` (n_rows), with scores of any kernel. */
void mrq_scan_rows(const float *vectors, uint32_t dim, const float *query, const uint32_t *row, uint32_t n_rows, mrq_top *top);

#endif
