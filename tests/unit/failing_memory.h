/* Memory that runs out at the n-th allocation. Programs that include this are linked with --wrap for these functions
 * (tests/meson.build), which leads the calls of all rooms here, and those of cJSON. */
#ifndef MRQ_TESTS_FAILING_MEMORY_H
#define MRQ_TESTS_FAILING_MEMORY_H

#include <errno.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/json.h"

static atomic_int allocations_left = INT_MAX;
static atomic_bool one_fails_alone; /* then there is memory again */

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);

static inline bool allocation_fails(void)
{
    if (atomic_load(&allocations_left) == INT_MAX)
        return false;
    const int left = atomic_fetch_sub(&allocations_left, 1);
    const bool fails = atomic_load(&one_fails_alone) ? left == 0 : left <= 0;
    if (fails)
        errno = ENOMEM;
    return fails;
}

__attribute__((constructor)) static void lead_json_here(void)
{
    cJSON_InitHooks(&(cJSON_Hooks){__wrap_malloc, free});
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
