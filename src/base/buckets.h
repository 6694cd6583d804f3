/* Numbers in buckets that hold about equally many of them, so that a model can learn a row for each bucket. */
#ifndef MRQ_BASE_BUCKETS_H
#define MRQ_BASE_BUCKETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

#define MRQ_BUCKETS_MAX 8

/* Finds at most MRQ_BUCKETS_MAX lower bounds, ascending; the first is the least number. Equal numbers are never divided, so few
 * distinct numbers get a bucket each, and a number that most have gets one of its own. NaN is unknown and left out; `*buckets` is 0
 * without a number. */
MRQ_CHECKED mrq_status mrq_buckets_find(const double *number, size_t n, double bound[MRQ_BUCKETS_MAX], uint32_t *buckets,
                                        mrq_error *err);

/* The bucket of a number: the last whose bound is not above it, or else the first. */
uint32_t mrq_bucket_of(const double *bound, uint32_t buckets, double number);

/* What people call bucket `i`: "under 25", "25 to 34", "60 or more". `whole`: all numbers are. */
#define MRQ_BUCKET_LABEL 64
const char *mrq_bucket_label(const double *bound, uint32_t buckets, uint32_t i, bool whole, char out[MRQ_BUCKET_LABEL]);

#endif
