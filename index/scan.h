/* The exact search over all vectors, or all that qualify. */
#ifndef MRQ_INDEX_SCAN_H
#define MRQ_INDEX_SCAN_H

#include "index/kernels.h"
#include "index/top.h"

/* Offers every qualifying row of `vectors` (n, dim) (`filter` NULL: all) with its inner product to `top`. */
void mrq_scan(const float *vectors, uint32_t n, uint32_t dim, const float *query, const mrq_filter *filter, mrq_top *top);

/* The same for the rows in `row` (n_rows). */
void mrq_scan_rows(const float *vectors, uint32_t dim, const float *query, const uint32_t *row, uint32_t n_rows, mrq_top *top);

#endif
