/* Vectors of floats for kernels: one source, compiled with the flags of each instruction set. LANES is 4 unless defined before as 8
 * or 16. Load through these types, not by memcpy(), which gcc splits into two halves with a stall. */
#ifndef MRQ_BASE_LANES_H
#define MRQ_BASE_LANES_H

#include <stddef.h>
#include <stdint.h>

#ifndef LANES
#define LANES 4
#endif

typedef float lanes __attribute__((vector_size(4 * LANES), aligned(4), may_alias));
typedef int32_t whole_lanes __attribute__((vector_size(4 * LANES), aligned(4), may_alias));

static inline lanes load(const float *x)
{
    return *(const lanes *)x;
}

/* The last LANES of `n` numbers, with all but the last `left` set to zero. */
static inline lanes load_last(const float *x, size_t n, size_t left)
{
    static const int32_t mask[32] = {[16] = -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1};
    return (lanes)((whole_lanes)load(x + n - LANES) & *(const whole_lanes *)(mask + 16 - LANES + left));
}

#endif
