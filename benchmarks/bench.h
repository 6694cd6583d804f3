/* What the benches share: where and how they ran, and the middle of some measurements. */
#ifndef MRQ_BENCH_H
#define MRQ_BENCH_H

#include <stddef.h>

#include "base/json.h"
#include "base/log.h"

/* main() of the bench `name`: logs from `level` on to stderr, runs, and prints the sentence of a failure. */
int mrq_bench_main(const char *name, mrq_log_level level, mrq_status run(int argc, char **argv, mrq_error *err), int argc,
                   char **argv);

/* Prints a line of results, to which it adds git id, CPU, compiler, BLAS core and the set of kernels. Frees it. */
void mrq_bench_print(cJSON *line);

/* GFLOP/s of sgemm on squares of 768 with so many threads, each on its own: what this machine gives at this moment. */
double mrq_bench_sgemm(unsigned threads);

/* Sorts `x` (n > 0) and returns its middle. */
double mrq_bench_median(double *x, size_t n);

#endif
