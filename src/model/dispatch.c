#include "base/cpu.h"
#include "model/kernels.h"

extern const mrq_kernels mrq_kernels_plain;
#ifdef __x86_64__
extern const mrq_kernels mrq_kernels_avx2, mrq_kernels_avx512;
MRQ_DISPATCH(mrq_kernels, mrq_kernels, &mrq_kernels_plain, &mrq_kernels_avx2, &mrq_kernels_avx512, &mrq_kernels_avx512)
#else
MRQ_DISPATCH(mrq_kernels, mrq_kernels, &mrq_kernels_plain)
#endif
