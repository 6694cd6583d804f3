/* What the CPU can do, for kernels that exist once for each instruction set. */
#ifndef MRQ_BASE_CPU_H
#define MRQ_BASE_CPU_H

typedef enum mrq_cpu {
    MRQ_CPU_PLAIN,  /* what the compiler may take for granted; on aarch64 that is NEON */
    MRQ_CPU_AVX2,   /* with FMA */
    MRQ_CPU_AVX512, /* F, BW, DQ, VL */
    MRQ_CPU_VNNI,   /* AVX-512 with products of bytes */
} mrq_cpu;

/* The best of this CPU; each implies those before it. Constant for the life of the process. */
mrq_cpu mrq_cpu_best(void);

#endif
