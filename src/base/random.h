/* Seeded random numbers: xoshiro256** (Blackman, Vigna 2018), its state filled by splitmix64 (Steele, Lea, Flood 2014). The same
 * seed gives the same numbers. */
#ifndef MRQ_BASE_RANDOM_H
#define MRQ_BASE_RANDOM_H

#include <stdint.h>

typedef struct mrq_random {
    uint64_t state[4];
} mrq_random;

/* The increment of splitmix64, and its mixing function, also used as a hash. */
#define MRQ_RANDOM_STEP 0x9e3779b97f4a7c15u
static inline uint64_t mrq_random_mix(uint64_t x)
{
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    return x ^ x >> 31;
}

/* Turns 64 random bits into a number in [0, 1). */
static inline double mrq_random_share(uint64_t bits)
{
    return (double)(bits >> 11) * 0x1p-53;
}

/* Starts the stream `stream` of the run `seed`; different streams are independent. */
void mrq_random_init(mrq_random *rng, uint64_t seed, uint64_t stream);

uint64_t mrq_random_bits(mrq_random *rng);

/* Uniform in [0, 1). */
double mrq_random_unit(mrq_random *rng);

/* Uniform in 0 .. n-1, without bias. `n` > 0. */
uint64_t mrq_random_below(mrq_random *rng, uint64_t n);

/* Shuffles `n` items uniformly. */
void mrq_random_shuffle(mrq_random *rng, uint32_t *items, uint64_t n);

#endif
