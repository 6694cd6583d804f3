/* A check of numbers from outside: none may be NaN or infinite. */
#ifndef MRQ_BASE_FINITE_H
#define MRQ_BASE_FINITE_H

#include <stdbool.h>
#include <stddef.h>

bool mrq_all_finite(const float *x, size_t n);

#endif
