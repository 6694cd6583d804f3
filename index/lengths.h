/* Rows by the lengths of their vectors. An inner product is at most the product of both lengths, so where the best hits are already
 * known to be better than that, all shorter vectors can be left out (as in LEMP: Teflioudi, Gemulla and Mykytiuk 2015). */
#ifndef MRQ_INDEX_LENGTHS_H
#define MRQ_INDEX_LENGTHS_H

#include "index/index.h"

/* The last coordinate, which makes all vectors of an inner-product model equally long, is apart: a query has 0 there. */
typedef struct mrq_lengths {
    uint32_t dim;
    float *length; /* (n) of all coordinates but the last, rounded up */
    uint32_t *row; /* (n) the longest first, equal ones by row */
    float last;    /* the largest |last coordinate| */
} mrq_lengths;

MRQ_CHECKED mrq_status mrq_lengths_new(const float *vectors, uint32_t n, uint32_t dim, mrq_lengths **out, mrq_error *err);
void mrq_lengths_free(mrq_lengths *lengths); /* NULL is allowed */
MRQ_DEFINE_CLEANUP(mrq_lengths, mrq_lengths_free)

/* For one query: no float sum of its products with a row's vector, in any order, is above length × `factor` + `rest`. */
typedef struct mrq_reach {
    float factor, rest;
} mrq_reach;
mrq_reach mrq_lengths_reach(const mrq_lengths *lengths, const float *query);

#endif
