/* The exact search over a sketch: the vectors in bytes, which show for most rows that they cannot be among the best. It reads a
 * quarter of the memory. The result is the best by mrq_distances.inner_product, to the last bit, as that of mrq_scan(). */
#ifndef MRQ_INDEX_SKETCH_H
#define MRQ_INDEX_SKETCH_H

#include "index/top.h"

typedef struct mrq_sketch mrq_sketch;

/* Makes a sketch of finite `vectors` (n, dim), which are borrowed. Takes up to dim + 18 bytes per row, in full blocks of 64 rows.
 * MRQ_FAILED: out of memory. */
MRQ_CHECKED mrq_status mrq_sketch_new(const float *vectors, uint32_t n, uint32_t dim, mrq_sketch **out, mrq_error *err);
void mrq_sketch_free(mrq_sketch *sketch); /* NULL is allowed */

/* Offers every row that qualifies (`filter` NULL: all) and may be among the best to `top`. MRQ_FAILED: out of memory. */
MRQ_CHECKED mrq_status mrq_sketch_scan(const mrq_sketch *sketch, const float *query, const mrq_filter *filter, mrq_top *top,
                                       mrq_error *err);

#endif
