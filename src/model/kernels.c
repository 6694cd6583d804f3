/* The kernels, in C that compilers vectorise. The same source with other flags makes each instruction set, so the plain one is the
 * reference for the others. Without -ffast-math a compiler must keep the order of a sum, so the sums here are written as four
 * registers' worth of lanes.
 *
 * tanh x = (1 - e) / (1 + e) with e = exp(-2|x|), then the sign of x; exp splits off the power of two and uses a polynomial of
 * degree 6. libm's tanhf is exact to the last bit but scalar, at ten times the cost. */
#include "model/kernels.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

#if defined __AVX512F__
#define LANES 16
#elif defined __AVX2__
#define LANES 8
#endif
#include "base/lanes.h"

static inline lanes lanes_of(float x)
{
    return x - (lanes){0};
}

static float dot(const float *x, const float *y, size_t n)
{
    lanes sum[4] = {{0}, {0}, {0}, {0}};
    size_t i = 0;
    for (; i + 4 * LANES <= n; i += 4 * LANES)
        for (size_t j = 0; j < 4; j++)
            sum[j] += load(x + i + LANES * j) * load(y + i + LANES * j);
    for (; i + LANES <= n; i += LANES)
        sum[0] += load(x + i) * load(y + i);
    if (i < n && n >= LANES) {
        sum[1] += load_last(x, n, n - i) * load_last(y, n, n - i);
        i = n;
    }
    const lanes all = (sum[0] + sum[1]) + (sum[2] + sum[3]);
    float rest = 0, part[LANES];
    for (; i < n; i++)
        rest += x[i] * y[i];
    for (int j = 0; j < LANES; j++)
        part[j] = all[j];
    for (int width = LANES / 2; width; width /= 2)
        for (int j = 0; j < width; j++)
            part[j] += part[j + width];
    return rest + part[0];
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

static void add_both(float *restrict du, float *restrict dm, float a, const float *restrict u, const float *restrict m, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        du[i] += a * m[i];
        dm[i] += a * u[i];
    }
}

/* tanh of LANES numbers at once, as vector operations: the compiler does not vectorise a loop over floats here, because of NaN. */
static inline lanes tanh_lanes(lanes x)
{
    const whole_lanes sign = (whole_lanes)x & INT32_MIN;
    lanes a = (lanes)((whole_lanes)x ^ sign);
    const whole_lanes large = a > 10.0f; /* tanh 10 is 1 in float; NaN stays NaN */
    a = (lanes)(((whole_lanes)a & ~large) | ((whole_lanes)(lanes_of(10.0f)) & large));
    const lanes t = a * -2.8853900817779268f; /* log2 of exp(-2a), at most 0 */
    const whole_lanes whole = __builtin_convertvector(t - 0.5f, whole_lanes);
    const lanes f = (t - __builtin_convertvector(whole, lanes)) * 0.6931471805599453f; /* within ±ln(2)/2 */
    lanes p = f * (1.0f / 720) + 1.0f / 120;
    p = p * f + 1.0f / 24;
    p = p * f + 1.0f / 6;
    p = p * f + 0.5f;
    p = p * f + 1.0f;
    p = p * f + 1.0f;
    const lanes e = p * (lanes)((whole + 127) << 23);
    return (lanes)((whole_lanes)((1.0f - e) / (1.0f + e)) | sign);
}

static void tanh_all(float *x, size_t n)
{
    size_t i = 0;
    for (; i + LANES <= n; i += LANES)
        *(lanes *)(x + i) = tanh_lanes(load(x + i));
    if (i < n) {
        lanes rest = {0};
        memcpy(&rest, x + i, (n - i) * sizeof *x);
        rest = tanh_lanes(rest);
        memcpy(x + i, &rest, (n - i) * sizeof *x);
    }
}

static void tanh_pool(float *restrict z, float *restrict sum, size_t n)
{
    tanh_all(z, n);
    add(sum, z, n);
}

static void tanh_backward(float *restrict g, const float *restrict y, size_t n)
{
    for (size_t i = 0; i < n; i++)
        g[i] *= 1.0f - y[i] * y[i];
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

static void sgd(float *restrict w, const float *restrict g, float *moment1, float *moment2, const mrq_step *step, size_t n)
{
    const float lr = step->lr, l2 = step->l2, factor = step->factor;
    (void)moment1, (void)moment2;
    for (size_t i = 0; i < n; i++)
        w[i] -= lr * (factor * g[i] + l2 * w[i]);
}

static void momentum(float *restrict w, const float *restrict g, float *restrict m, float *moment2, const mrq_step *step, size_t n)
{
    const float lr = step->lr, l2 = step->l2, factor = step->factor, decay = step->decay1;
    (void)moment2;
    for (size_t i = 0; i < n; i++) {
        m[i] = decay * m[i] + factor * g[i] + l2 * w[i];
        w[i] -= lr * m[i];
    }
}

static void rmsprop(float *restrict w, const float *restrict g, float *moment1, float *restrict v, const mrq_step *step, size_t n)
{
    const float lr = step->lr, l2 = step->l2, factor = step->factor, decay = step->decay2, epsilon = step->epsilon;
    (void)moment1;
    for (size_t i = 0; i < n; i++) {
        const float gradient = factor * g[i] + l2 * w[i];
        v[i] = decay * v[i] + (1.0f - decay) * gradient * gradient;
        w[i] -= lr * gradient / (sqrtf(v[i]) + epsilon);
    }
}

static void adam(float *restrict w, const float *restrict g, float *restrict m, float *restrict v, const mrq_step *step, size_t n)
{
    const float lr = step->lr, l2 = step->l2, factor = step->factor, epsilon = step->epsilon;
    const float decay1 = step->decay1, decay2 = step->decay2;
    for (size_t i = 0; i < n; i++) {
        const float gradient = factor * g[i] + l2 * w[i];
        m[i] = decay1 * m[i] + (1.0f - decay1) * gradient;
        v[i] = decay2 * v[i] + (1.0f - decay2) * gradient * gradient;
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
    .add_both = add_both,
    .tanh = tanh_all,
    .tanh_pool = tanh_pool,
    .tanh_backward = tanh_backward,
    .tanh_pool_backward = tanh_pool_backward,
    .unit_backward = unit_backward,
    .sgd = sgd,
    .momentum = momentum,
    .rmsprop = rmsprop,
    .adam = adam,
};
