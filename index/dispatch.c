/* AVX-512 without products of bytes wins nothing over AVX2. */
#include "base/cpu.h"
#include "index/kernels.h"

extern const mrq_distances mrq_distances_plain;
#ifdef __x86_64__
extern const mrq_distances mrq_distances_avx2, mrq_distances_avx512;
MRQ_DISPATCH(mrq_distances, mrq_distances, &mrq_distances_plain, &mrq_distances_avx2, &mrq_distances_avx2, &mrq_distances_avx512)
#else
MRQ_DISPATCH(mrq_distances, mrq_distances, &mrq_distances_plain)
#endif
