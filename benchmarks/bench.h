/* What the benches share: where and how they ran, and the middle of some measurements. */
#ifndef MRQ_BENCH_H
#define MRQ_BENCH_H

#include "base/json.h"
#include <stddef.h>

/* Adds git id, CPU, compiler, BLAS core and the set of kernels to a line of results. */
void mrq_bench_where(cJSON *line);

/* GFLOP/s of sgemm on squares of 768 with so many threads, each on its own: what this machine gives at this moment. */
double mrq_bench_sgemm(unsigned threads);

/* Sorts `x` (n > 0) and returns its middle. */
double mrq_bench_median(double *x, size_t n);

#endif
