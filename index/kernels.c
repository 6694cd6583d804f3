/* The kernels, in C that compilers vectorise. The same source with other flags makes each instruction set, so the plain one is the
 * reference for the others. On aarch64 the plain flags give NEON.
 *
 * Four rows at a time: a row's sum is a chain of dependent additions; four chains side by side hide their latency, and the query is
 * loaded once for all four. The next four rows are prefetched, because four short streams are too short for the hardware
 * prefetcher. When vectors come from memory and not from a cache, however, row after row is twice as fast: the hardware prefetches
 * one long stream by itself, at a better distance. The last dim % LANES numbers are computed as the last LANES numbers, with those
 * masked out that are already summed.
 *
 * With AVX-512 there are eight lanes, too: a row seldom starts on a cache line, and loads of a full line would touch two. */
#include "index/kernels.h"

#include <math.h>
#include <string.h>

#ifdef __AVX512VNNI__
#include <immintrin.h>
#endif

#ifdef __AVX2__
#define LANES 8
#endif
#include "base/lanes.h"

#define LINE 16 /* floats of a cache line */

static inline float total(lanes x)
{
    float four[4];
    for (int i = 0; i < 4; i++)
        four[i] = LANES == 8 ? x[i] + x[i + LANES - 4] : x[i];
    return (four[0] + four[2]) + (four[1] + four[3]);
}

/* The summand: the product, or the squared difference. */
static inline lanes term(lanes x, lanes y, int squared)
{
    const lanes d = x - y;
    return squared ? d * d : x * y;
}

/* One row, in four chains of additions. */
static inline float one(const float *x, const float *y, size_t dim, int squared)
{
    lanes sum[4] = {{0}, {0}, {0}, {0}};
    size_t i = 0;
    for (; i + 4 * LANES <= dim; i += 4 * LANES)
        for (size_t j = 0; j < 4; j++)
            sum[j] += term(load(x + i + j * LANES), load(y + i + j * LANES), squared);
    for (; i + LANES <= dim; i += LANES)
        sum[0] += term(load(x + i), load(y + i), squared);
    if (i < dim && dim >= LANES) {
        sum[1] += term(load_last(x, dim, dim - i), load_last(y, dim, dim - i), squared);
        i = dim;
    }
    float rest = 0;
    for (; i < dim; i++)
        rest += squared ? (x[i] - y[i]) * (x[i] - y[i]) : x[i] * y[i];
    return total((sum[0] + sum[1]) + (sum[2] + sum[3])) + rest;
}

/* Four rows of at least LANES numbers. `next` (may be NULL) is the start of the next four. */
static inline void four(float *out, const float *x, const float *const y[4], const float *next, size_t dim, int squared)
{
    lanes sum[4] = {{0}, {0}, {0}, {0}};
    size_t i = 0;
    for (; i + LANES <= dim; i += LANES) {
        const lanes a = load(x + i);
        sum[0] += term(a, load(y[0] + i), squared);
        sum[1] += term(a, load(y[1] + i), squared);
        sum[2] += term(a, load(y[2] + i), squared);
        sum[3] += term(a, load(y[3] + i), squared);
        for (size_t line = 0; next && line < 4 * LANES; line += LINE)
            __builtin_prefetch(next + 4 * i + line);
    }
    if (i < dim) {
        const lanes a = load_last(x, dim, dim - i);
        for (size_t j = 0; j < 4; j++)
            sum[j] += term(a, load_last(y[j], dim, dim - i), squared);
    }
    for (size_t j = 0; j < 4; j++)
        out[j] = total(sum[j]);
}

static inline void many(float *out, const float *x, const float *y, size_t dim, size_t rows, int squared)
{
    size_t i = 0;
    for (; dim >= LANES && i + 4 <= rows; i += 4) {
        const float *const row[4] = {y + i * dim, y + (i + 1) * dim, y + (i + 2) * dim, y + (i + 3) * dim};
        four(out + i, x, row, y + (i + 4) * dim, dim, squared);
    }
    for (; i < rows; i++)
        out[i] = one(x, y + i * dim, dim, squared);
}

static float inner_product(const float *x, const float *y, size_t dim)
{
    return one(x, y, dim, 0);
}

static float squared_distance(const float *x, const float *y, size_t dim)
{
    return one(x, y, dim, 1);
}

static void inner_products(float *out, const float *x, const float *y, size_t dim, size_t rows)
{
    many(out, x, y, dim, rows, 0);
}

static void inner_products_streamed(float *out, const float *x, const float *y, size_t dim, size_t rows)
{
    for (size_t i = 0; i < rows; i++)
        out[i] = one(x, y + i * dim, dim, 0);
}

static void squared_distances(float *out, const float *x, const float *y, size_t dim, size_t rows)
{
    many(out, x, y, dim, rows, 1);
}

static void inner_products_of(float *out, const float *x, const float *y, size_t dim, const uint32_t *row, size_t n)
{
    size_t i = 0;
    for (; dim >= LANES && i + 4 <= n; i += 4) {
        const float *const at[4] = {y + row[i] * dim, y + row[i + 1] * dim, y + row[i + 2] * dim, y + row[i + 3] * dim};
        four(out + i, x, at, NULL, dim, 0);
    }
    for (; i < n; i++)
        out[i] = one(x, y + row[i] * dim, dim, 0);
}

static inline int32_t code_product(const int8_t *x, const uint8_t *y, size_t dim)
{
    int32_t sum = 0;
    size_t i = 0;
#ifdef __AVX512VNNI__
    __m512i lane = _mm512_setzero_si512();
    for (; i + 64 <= dim; i += 64)
        lane = _mm512_dpbusd_epi32(lane, _mm512_loadu_si512(y + i), _mm512_loadu_si512(x + i));
    if (i < dim) {
        const __mmask64 keep = ~(__mmask64)0 >> (64 - (dim - i));
        lane = _mm512_dpbusd_epi32(lane, _mm512_maskz_loadu_epi8(keep, y + i), _mm512_maskz_loadu_epi8(keep, x + i));
    }
    i = dim;
    sum = _mm512_reduce_add_epi32(lane);
#endif
    for (; i < dim; i++)
        sum += x[i] * y[i];
    return sum;
}

static void code_products_of(int32_t *out, const int8_t *x, const uint8_t *y, size_t dim, const uint32_t *row, size_t n)
{
    for (size_t i = 0; i < n; i++)
        out[i] = code_product(x, y + row[i] * dim, dim);
}

/* The products of a block's rows: one row per lane, so that no register has to be summed up. */
static inline void block_products(int32_t out[MRQ_SKETCHED], const int8_t *x, const uint8_t *y, size_t dim)
{
#ifdef __AVX512VNNI__
    __m512i sum[4] = {_mm512_setzero_si512(), _mm512_setzero_si512(), _mm512_setzero_si512(), _mm512_setzero_si512()};
    for (size_t d = 0; d < dim; d += 4, y += 4 * MRQ_SKETCHED) {
        int32_t four_of_x;
        memcpy(&four_of_x, x + d, sizeof four_of_x);
        const __m512i all = _mm512_set1_epi32(four_of_x);
        for (int i = 0; i < 4; i++)
            sum[i] = _mm512_dpbusd_epi32(sum[i], _mm512_loadu_si512(y + 64 * i), all);
    }
    for (int i = 0; i < 4; i++)
        _mm512_storeu_si512(out + 16 * i, sum[i]);
#else
    memset(out, 0, MRQ_SKETCHED * sizeof *out);
    for (size_t d = 0; d < dim; d += 4, y += 4 * MRQ_SKETCHED)
        for (size_t i = 0; i < MRQ_SKETCHED; i++)
            for (size_t j = 0; j < 4; j++)
                out[i] += x[d + j] * y[4 * i + j];
#endif
}

static float bounds(float *out, const mrq_bound_query *q, const mrq_bound *b, const int8_t *x, const uint8_t *y, size_t dim)
{
    int32_t product[MRQ_SKETCHED];
    block_products(product, x, y, dim);
    for (size_t i = 0; i < MRQ_SKETCHED; i++)
        out[i] = q->scale * b->scale[i] * (float)(product[i] - q->middle) + q->last * b->last[i] + q->length * b->error[i] +
                 q->error * b->length[i] + q->rounding * fabsf(b->last[i]);
    float most[LANES];
    memcpy(most, out, sizeof most);
    for (size_t i = LANES; i < MRQ_SKETCHED; i += LANES)
        for (size_t j = 0; j < LANES; j++)
            most[j] = out[i + j] > most[j] ? out[i + j] : most[j];
    for (size_t j = 1; j < LANES; j++)
        most[0] = most[j] > most[0] ? most[j] : most[0];
    return most[0];
}

extern const mrq_distances MRQ_DISTANCES;
const mrq_distances MRQ_DISTANCES = {
    .name = MRQ_DISTANCES_NAME,
    .inner_product = inner_product,
    .squared_distance = squared_distance,
    .inner_products = inner_products,
    .inner_products_streamed = inner_products_streamed,
    .squared_distances = squared_distances,
    .inner_products_of = inner_products_of,
    .code_products_of = code_products_of,
    .bounds = bounds,
#ifdef __AVX512VNNI__
    .quick_bytes = true,
#endif
};
