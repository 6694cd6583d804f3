/* Which kernels this CPU runs. */
#include <stddef.h>

#include "model/kernels.h"

extern const mrq_kernels mrq_kernels_plain;
#ifdef __x86_64__
extern const mrq_kernels mrq_kernels_avx2, mrq_kernels_avx512;
#endif

const mrq_kernels *const *mrq_kernels_usable(void)
{
    static const mrq_kernels *const plain[] = {&mrq_kernels_plain, NULL};
#ifdef __x86_64__
    static const mrq_kernels *const avx2[] = {&mrq_kernels_plain, &mrq_kernels_avx2, NULL};
    static const mrq_kernels *const avx512[] = {&mrq_kernels_plain, &mrq_kernels_avx2, &mrq_kernels_avx512, NULL};
    if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma"))
        return plain;
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512vl"))
        return avx512;
    return avx2;
#endif
    return plain;
}

const mrq_kernels *mrq_kernels_best(void)
{
    const mrq_kernels *const *set = mrq_kernels_usable();
    while (set[1])
        set++;
    return *set;
}
