/* Elementwise kernels over float arrays. Each exists for every instruction set the build knows; mrq_kernels_best() is what this CPU
 * runs. Pointers need no alignment; `n` is any length. */
#ifndef MRQ_MODEL_KERNELS_H
#define MRQ_MODEL_KERNELS_H

#include <stddef.h>

/* One step of an optimiser. Each takes factor × g + l2 × w for the gradient. */
typedef struct mrq_step {
    float lr; /* for Adam with the correction for the first steps already in it */
    float l2, factor, decay1, decay2, epsilon;
} mrq_step;
/* (n) each: parameters, their gradient, and the optimiser's two moments, of which those it has no use for may be NULL. */
typedef void mrq_update(float *w, const float *g, float *moment1, float *moment2, const mrq_step *step, size_t n);

typedef struct mrq_kernels {
    const char *name; /* "plain", "avx2", "avx512" */
    /* Σ x·y. Sums in lanes, so the last bits differ between instruction sets. */
    float (*dot)(const float *x, const float *y, size_t n);
    void (*add)(float *y, const float *x, size_t n);                 /* y += x */
    void (*add_scaled)(float *y, float a, const float *x, size_t n); /* y += a x */
    void (*scale)(float *y, float a, size_t n);                      /* y *= a */
    /* du += a m; dm += a u: the gradient of an inner product. */
    void (*add_both)(float *du, float *dm, float a, const float *u, const float *m, size_t n);
    void (*tanh)(float *x, size_t n); /* x = tanh x, within 2e-7 */
    /* z = tanh(z); sum += z: a position of the convolution and its pooling. */
    void (*tanh_pool)(float *z, float *sum, size_t n);
    void (*tanh_backward)(float *g, const float *y, size_t n); /* g *= 1 - y²: the gradient before y = tanh(...) */
    /* z after tanh_pool becomes the gradient before it: z = dsum (1 - z²). */
    void (*tanh_pool_backward)(float *z, const float *dsum, size_t n);
    /* The gradient before the unit norm: g becomes (g - (g·u) u) / norm, and behind a tanh also times 1 - (u norm)². u is (n). */
    void (*unit_backward)(float *g, const float *u, float norm, int is_tanh, size_t n);
    mrq_update *sgd, *momentum, *rmsprop, *adam;
} mrq_kernels;

const mrq_kernels *mrq_kernels_best(void);
/* All sets that this CPU can run, the plain one first; NULL ends the list. */
const mrq_kernels *const *mrq_kernels_usable(void);

#endif
