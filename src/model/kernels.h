/* Elementwise kernels over float arrays. Each exists for every instruction set of the build; mrq_kernels_best() returns the best
 * that this CPU can run. Pointers need no alignment; `n` may have any value. */
#ifndef MRQ_MODEL_KERNELS_H
#define MRQ_MODEL_KERNELS_H

#include <stddef.h>

/* The numbers of one optimiser step. The gradient is factor × g + l2 × w. */
typedef struct mrq_step {
    float lr; /* for Adam with the correction for the first steps included */
    float l2, factor, decay1, decay2, epsilon;
} mrq_step;
/* (n) each: parameters, their gradient, and the optimiser's two moments; a moment that it does not use may be NULL. */
typedef void mrq_update(float *w, const float *g, float *moment1, float *moment2, const mrq_step *step, size_t n);

typedef struct mrq_kernels {
    const char *name; /* "plain", "avx2", "avx512" */
    /* Σ x·y. Summed in lanes, so the last bits differ between instruction sets. */
    float (*dot)(const float *x, const float *y, size_t n);
    void (*add)(float *y, const float *x, size_t n);                 /* y += x */
    void (*add_scaled)(float *y, float a, const float *x, size_t n); /* y += a x */
    void (*scale)(float *y, float a, size_t n);                      /* y *= a */
    /* du += a m; dm += a u: the gradient of an inner product. */
    void (*add_both)(float *du, float *dm, float a, const float *u, const float *m, size_t n);
    void (*tanh)(float *x, size_t n); /* x = tanh x, within 2e-7 */
    /* z = tanh(z); sum += z: one position of the convolution and its pooling. */
    void (*tanh_pool)(float *z, float *sum, size_t n);
    void (*tanh_backward)(float *g, const float *y, size_t n); /* g *= 1 - y²: the gradient before y = tanh(...), from the
                                                                  gradient after it */
    /* z after tanh_pool is replaced by the gradient before it: z = dsum (1 - z²). */
    void (*tanh_pool_backward)(float *z, const float *dsum, size_t n);
    /* The gradient before the division by the norm: g becomes (g - (g·u) u) / norm; after a tanh also times 1 - (u norm)². u is
     * (n). */
    void (*unit_backward)(float *g, const float *u, float norm, int is_tanh, size_t n);
    mrq_update *sgd, *momentum, *rmsprop, *adam;
} mrq_kernels;

const mrq_kernels *mrq_kernels_best(void);
/* All sets that this CPU can run, the plain one first; ends with NULL. */
const mrq_kernels *const *mrq_kernels_usable(void);

#endif
