#include "base/finite.h"

#include <float.h>
#include <math.h>

bool mrq_all_finite(const float *x, size_t n)
{
    unsigned wrong = 0; /* without branches the compiler makes this as fast as reading */
    for (size_t i = 0; i < n; i++)
        wrong |= !(fabsf(x[i]) <= FLT_MAX);
    return !wrong;
}
