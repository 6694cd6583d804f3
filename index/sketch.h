/* The exact search over a sketch: the vectors in bytes, which say of most rows that they cannot be among the best. A quarter of the
 * memory is read. What comes is the best by mrq_distances.inner_product, to the bit; mrq_scan() rounds otherwise, so that of rows
 * which are alike but for rounding it may keep another. */
#ifndef MRQ_INDEX_SKETCH_H
#define MRQ_INDEX_SKETCH_H

#include "index/top.h"

typedef struct mrq_sketch mrq_sketch;

/* Of finite `vectors` (n, dim), which are borrowed. Takes up to dim + 18 bytes a row, and full blocks of 64. MRQ_FAILED: out of
 * memory. */
MRQ_CHECKED mrq_status mrq_sketch_new(const float *vectors, uint32_t n, uint32_t dim, mrq_sketch **out, mrq_error *err);
void mrq_sketch_free(mrq_sketch *sketch); /* NULL is legal */

/* Offers `top` every row that qualifies (`filter` NULL: all) and may be among the best. MRQ_FAILED: out of memory. */
MRQ_CHECKED mrq_status mrq_sketch_scan(const mrq_sketch *sketch, const float *query, const mrq_filter *filter, mrq_top *top,
                                       mrq_error *err);

#endif
