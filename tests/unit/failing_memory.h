/* Memory that runs out at the n-th allocation. Programs that include this are linked with --wrap for these functions
 * (tests/meson.build), which leads the calls of all rooms here. */
#ifndef MRQ_TESTS_FAILING_MEMORY_H
#define MRQ_TESTS_FAILING_MEMORY_H

#include <limits.h>
#include <stdatomic.h>
#include <stdlib.h>

static atomic_int allocations_left = INT_MAX;

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);

static inline int allocation_fails(void)
{
    return atomic_load(&allocations_left) != INT_MAX && atomic_fetch_sub(&allocations_left, 1) <= 0;
}

void *__wrap_malloc(size_t size)
{
    return allocation_fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
    return allocation_fails() ? NULL : __real_calloc(n, size);
}

void *__wrap_aligned_alloc(size_t alignment, size_t size)
{
    return allocation_fails() ? NULL : __real_aligned_alloc(alignment, size);
}

#endif
