#include "base/cpu.h"

mrq_cpu mrq_cpu_best(void)
{
#ifdef __x86_64__
    __builtin_cpu_init(); /* for callers that run before the constructors */
    if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma"))
        return MRQ_CPU_PLAIN;
    if (!__builtin_cpu_supports("avx512f") || !__builtin_cpu_supports("avx512bw") || !__builtin_cpu_supports("avx512dq") ||
        !__builtin_cpu_supports("avx512vl"))
        return MRQ_CPU_AVX2;
    return __builtin_cpu_supports("avx512vnni") ? MRQ_CPU_VNNI : MRQ_CPU_AVX512;
#else
    return MRQ_CPU_PLAIN;
#endif
}
