#include "base/random.h"

#include <assert.h>

static uint64_t splitmix(uint64_t *x)
{
    return mrq_random_mix(*x += MRQ_RANDOM_STEP);
}

static uint64_t rotate(uint64_t x, int k)
{
    return (x << k) | (x >> (64 - k));
}

void mrq_random_init(mrq_random *rng, uint64_t seed, uint64_t stream)
{
    uint64_t x = seed;
    x = splitmix(&x) ^ stream;
    for (int i = 0; i < 4; i++)
        rng->state[i] = splitmix(&x);
}

uint64_t mrq_random_bits(mrq_random *rng)
{
    uint64_t *s = rng->state;
    const uint64_t result = rotate(s[1] * 5, 7) * 9, t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate(s[3], 45);
    return result;
}

double mrq_random_unit(mrq_random *rng)
{
    return mrq_random_share(mrq_random_bits(rng));
}

uint64_t mrq_random_below(mrq_random *rng, uint64_t n)
{
    assert(n > 0);
    const uint64_t excess = (UINT64_MAX % n + 1) % n; /* values at the top that would make small results more likely */
    uint64_t bits;
    do
        bits = mrq_random_bits(rng);
    while (bits > UINT64_MAX - excess);
    return bits % n;
}

void mrq_random_shuffle(mrq_random *rng, uint32_t *items, uint64_t n)
{
    for (uint64_t i = n; i > 1; i--) {
        const uint64_t j = mrq_random_below(rng, i);
        const uint32_t item = items[i - 1];
        items[i - 1] = items[j];
        items[j] = item;
    }
}
