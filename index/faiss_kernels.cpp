/* FAISS's distance functions, implemented by our kernels. Debian builds FAISS without SIMD. In the copy of its library that we link
 * these symbols are weak, so the definitions here replace them. */
#include <faiss/utils/distances.h>

extern "C" {
#include "index/kernels.h"
}

static const mrq_distances *const kernels = mrq_distances_best();

namespace faiss
{
float fvec_inner_product(const float *x, const float *y, size_t d)
{
    return kernels->inner_product(x, y, d);
}

float fvec_L2sqr(const float *x, const float *y, size_t d)
{
    return kernels->squared_distance(x, y, d);
}

float fvec_norm_L2sqr(const float *x, size_t d)
{
    return kernels->inner_product(x, x, d);
}

void fvec_inner_products_ny(float *ip, const float *x, const float *y, size_t d, size_t ny)
{
    kernels->inner_products(ip, x, y, d, ny);
}

void fvec_L2sqr_ny(float *dis, const float *x, const float *y, size_t d, size_t ny)
{
    kernels->squared_distances(dis, x, y, d, ny);
}
} // namespace faiss
