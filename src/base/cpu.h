/* What the CPU can do, for kernels that exist once for each instruction set. */
#ifndef MRQ_BASE_CPU_H
#define MRQ_BASE_CPU_H

#include <stddef.h>

typedef enum mrq_cpu {
    MRQ_CPU_PLAIN,  /* what the compiler may take for granted; on aarch64 that is NEON */
    MRQ_CPU_AVX2,   /* with FMA */
    MRQ_CPU_AVX512, /* F, BW, DQ, VL */
    MRQ_CPU_VNNI,   /* AVX-512 with products of bytes */
} mrq_cpu;

/* The best of this CPU; each implies those before it. Constant for the life of the process. */
mrq_cpu mrq_cpu_best(void);

/* Defines name_best(), the kernels that this CPU runs, and name_usable(), all sets of kernels that it can run, NULL behind the
 * last. The arguments behind `name` are addresses of sets, one for each mrq_cpu in its order; a set may stand there twice. Where
 * there is one set alone, as on other CPUs, one argument will do. */
#define MRQ_DISPATCH(type, name, ...)                                                                                              \
    static const type *const name##_sets[] = {__VA_ARGS__};                                                                        \
    const type *name##_best(void)                                                                                                  \
    {                                                                                                                              \
        return name##_sets[mrq_cpu_best()];                                                                                        \
    }                                                                                                                              \
    const type *const *name##_usable(void)                                                                                         \
    {                                                                                                                              \
        static const type *usable[sizeof name##_sets / sizeof *name##_sets + 1];                                                   \
        size_t n = 0;                                                                                                              \
        for (size_t i = 0; i <= (size_t)mrq_cpu_best(); i++)                                                                       \
            if (n == 0 || usable[n - 1] != name##_sets[i])                                                                         \
                usable[n++] = name##_sets[i];                                                                                      \
        return usable;                                                                                                             \
    }

#endif
