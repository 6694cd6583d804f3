/* The kernels, in C that compilers vectorise: the same source with other flags makes each instruction set, so the plain one is the
 * reference of the others. A sum needs an order, which -ffast-math would leave to the compiler; here it is explicit: 64 lanes.
 *
 * tanh x = (1 - e) / (1 + e) with e = exp(-2|x|), the sign put back; exp by splitting off the power of two and a polynomial of
 * degree 6. libm's tanhf is exact to the last bit but scalar, at ten times the cost. */
#include "model/kernels.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

typedef float lanes __attribute__((vector_size(64), aligned(4)));

static float dot(const float *x, const float *y, size_t n)
{
    lanes sum[4] = {{0}, {0}, {0}, {0}};
    size_t i = 0;
    for (; i + 64 <= n; i += 64)
        for (size_t j = 0; j < 4; j++) {
            lanes a, b;
            memcpy(&a, x + i + 16 * j, sizeof a);
            memcpy(&b, y + i + 16 * j, sizeof b);
            sum[j] += a * b;
        }
    for (; i + 16 <= n; i += 16) {
        lanes a, b;
        memcpy(&a, x + i, sizeof a);
        memcpy(&b, y + i, sizeof b);
        sum[0] += a * b;
    }
    const lanes all = (sum[0] + sum[1]) + (sum[2] + sum[3]);
    float rest = 0;
    for (; i < n; i++)
        rest += x[i] * y[i];
    float half[8];
    for (int j = 0; j < 8; j++)
        half[j] = all[j] + all[j + 8];
    return rest + ((half[0] + half[4]) + (half[2] + half[6])) + ((half[1] + half[5]) + (half[3] + half[7]));
}

static void add(float *restrict y, const float *restrict x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        y[i] += x[i];
}

static void add_scaled(float *restrict y, float a, const float *restrict x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        y[i] += a * x[i];
}

static void scale(float *y, float a, size_t n)
{
    for (size_t i = 0; i < n; i++)
        y[i] *= a;
}

static inline float tanh_one(float x)
{
    const float size = fabsf(x), a = size > 10.0f ? 10.0f : size; /* tanh 10 is 1 in float; NaN stays NaN */
    const float t = a * -2.8853900817779268f;                     /* log2 of exp(-2a), 0 or below */
    const int32_t whole = (int32_t)(t - 0.5f);
    const float f = (t - (float)whole) * 0.6931471805599453f; /* within ±ln(2)/2 */
    float p = 1.0f / 720;
    p = p * f + 1.0f / 120;
    p = p * f + 1.0f / 24;
    p = p * f + 1.0f / 6;
    p = p * f + 0.5f;
    p = p * f + 1.0f;
    p = p * f + 1.0f;
    const uint32_t bits = (uint32_t)(whole + 127) << 23;
    float power;
    memcpy(&power, &bits, sizeof power);
    const float e = p * power;
    return copysignf((1.0f - e) / (1.0f + e), x);
}

static void tanh_all(float *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        x[i] = tanh_one(x[i]);
}

static void tanh_pool(float *restrict z, float *restrict sum, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        z[i] = tanh_one(z[i]);
        sum[i] += z[i];
    }
}

static void tanh_pool_backward(float *restrict z, const float *restrict dsum, size_t n)
{
    for (size_t i = 0; i < n; i++)
        z[i] = dsum[i] * (1.0f - z[i] * z[i]);
}

static void unit_backward(float *restrict g, const float *restrict u, float norm, int is_tanh, size_t n)
{
    const float along = dot(g, u, n), inverse = norm > 0 ? 1.0f / norm : 0.0f;
    if (is_tanh)
        for (size_t i = 0; i < n; i++) {
            const float y = u[i] * norm;
            g[i] = (g[i] - along * u[i]) * inverse * (1.0f - y * y);
        }
    else
        for (size_t i = 0; i < n; i++)
            g[i] = (g[i] - along * u[i]) * inverse;
}

static void sgd(float *restrict w, const float *restrict g, float lr, size_t n)
{
    for (size_t i = 0; i < n; i++)
        w[i] -= lr * g[i];
}

static void adam(float *restrict w, const float *restrict g, float *restrict m, float *restrict v, const mrq_adam_step *step,
                 size_t n)
{
    const float b1 = step->beta1, b2 = step->beta2, lr = step->lr, epsilon = step->epsilon;
    for (size_t i = 0; i < n; i++) {
        m[i] = b1 * m[i] + (1.0f - b1) * g[i];
        v[i] = b2 * v[i] + (1.0f - b2) * g[i] * g[i];
        w[i] -= lr * m[i] / (sqrtf(v[i]) + epsilon);
    }
}

extern const mrq_kernels MRQ_KERNELS;
const mrq_kernels MRQ_KERNELS = {
    .name = MRQ_KERNELS_NAME,
    .dot = dot,
    .add = add,
    .add_scaled = add_scaled,
    .scale = scale,
    .tanh = tanh_all,
    .tanh_pool = tanh_pool,
    .tanh_pool_backward = tanh_pool_backward,
    .unit_backward = unit_backward,
    .sgd = sgd,
    .adam = adam,
};
