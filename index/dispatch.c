/* Which kernels this CPU runs. Asking costs some loads of what was found out when the program started. */
#include "base/cpu.h"
#include "index/kernels.h"

extern const mrq_distances mrq_distances_plain;
#ifdef __x86_64__
extern const mrq_distances mrq_distances_avx2, mrq_distances_avx512;
static const mrq_distances *const sets[] = {
    [MRQ_CPU_PLAIN] = &mrq_distances_plain,
    [MRQ_CPU_AVX2] = &mrq_distances_avx2,
    [MRQ_CPU_AVX512] = &mrq_distances_avx2, /* without products of bytes there is nothing to win */
    [MRQ_CPU_VNNI] = &mrq_distances_avx512,
};
#else
static const mrq_distances *const sets[] = {&mrq_distances_plain};
#endif

const mrq_distances *mrq_distances_best(void)
{
    return sets[mrq_cpu_best()];
}

const mrq_distances *const *mrq_distances_usable(void)
{
    static const mrq_distances *usable[sizeof sets / sizeof *sets + 1];
    size_t n = 0;
    for (size_t i = 0; i <= (size_t)mrq_cpu_best(); i++)
        if (n == 0 || usable[n - 1] != sets[i])
            usable[n++] = sets[i];
    return usable;
}
