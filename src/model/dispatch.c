/* Which kernels this CPU runs. */
#include "base/cpu.h"
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
    const mrq_cpu cpu = mrq_cpu_best();
    return cpu >= MRQ_CPU_AVX512 ? avx512 : cpu >= MRQ_CPU_AVX2 ? avx2 : plain;
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
