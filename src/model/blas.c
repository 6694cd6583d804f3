/* OpenBLAS on the right kernels. Debian's 0.3.21 knows a CPU by its model number, and takes one younger than itself, or one that a
 * virtual machine renames, for a Prescott: a fifth of its speed. So the core is chosen here by what the CPU can do, before
 * OpenBLAS looks: it reads OPENBLAS_CORETYPE in its own constructor, and ours, linked with it into one program, has an earlier
 * priority. What the user has set stays.
 *
 * Rejected: a second start of the program with the variable set (slower, and nothing for a library); `.preinit_array` (the
 * environment is not there yet). Where OpenBLAS is a shared library it has looked already, and its own choice holds. */
#include <cblas.h>
#include <stdlib.h>
#include <string.h>

#include "model/gemm.h"
#include "model/kernels.h"

_Thread_local double mrq_flops;

#ifdef __x86_64__
__attribute__((constructor(101))) static void choose_core(void)
{
    const char *const kernels = mrq_kernels_best()->name;
    if (strcmp(kernels, "avx512") == 0)
        setenv("OPENBLAS_CORETYPE", __builtin_cpu_supports("avx512bf16") ? "COOPERLAKE" : "SKYLAKEX", 0);
    else if (strcmp(kernels, "avx2") == 0)
        setenv("OPENBLAS_CORETYPE", "HASWELL", 0);
    setenv("OPENBLAS_NUM_THREADS", "1", 0); /* products here are one thread's; without a pool it starts and ends sooner */
}
#endif

const char *mrq_blas_core(void)
{
    return openblas_get_corename();
}

void mrq_blas_threads(uint32_t threads)
{
    openblas_set_num_threads((int)threads);
}
