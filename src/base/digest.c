/* SHA-256 as in FIPS 180-4, and a checksum of four independent lanes. A lane's step multiplies two words, one of them combined with
 * the lane's state, to 128 bits and folds the halves (like Wang Yi's wyhash): 16 bytes per multiplication, whose latency the other
 * lanes hide. 26 GB/s, twice the speed of a reversible step of 8 bytes. Rejected: CRC32C, which is as fast only with an instruction
 * that needs run-time dispatch, and has half the bits. */
#include "base/digest.h"

#include <endian.h>
#include <stdio.h>
#include <string.h>

static uint32_t rotate32(uint32_t x, int k)
{
    return (x >> k) | (x << (32 - k));
}

static void sha256_block(uint32_t state[8], const unsigned char *block)
{
    static const uint32_t k[64] = {0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
                                   0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
                                   0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
                                   0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
                                   0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
                                   0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
                                   0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
                                   0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};
    uint32_t w[64];
    for (int i = 0; i < 16; i++)
        w[i] = (uint32_t)block[4 * i] << 24 | (uint32_t)block[4 * i + 1] << 16 | (uint32_t)block[4 * i + 2] << 8 | block[4 * i + 3];
    for (int i = 16; i < 64; i++) {
        const uint32_t a = w[i - 15], b = w[i - 2];
        w[i] = w[i - 16] + (rotate32(a, 7) ^ rotate32(a, 18) ^ a >> 3) + w[i - 7] + (rotate32(b, 17) ^ rotate32(b, 19) ^ b >> 10);
    }
    uint32_t s[8];
    memcpy(s, state, sizeof s);
    for (int i = 0; i < 64; i++) {
        const uint32_t t =
            s[7] + (rotate32(s[4], 6) ^ rotate32(s[4], 11) ^ rotate32(s[4], 25)) + ((s[4] & s[5]) ^ (~s[4] & s[6])) + k[i] + w[i];
        const uint32_t u =
            (rotate32(s[0], 2) ^ rotate32(s[0], 13) ^ rotate32(s[0], 22)) + ((s[0] & s[1]) ^ (s[0] & s[2]) ^ (s[1] & s[2]));
        memmove(s + 1, s, 7 * sizeof *s);
        s[4] += t;
        s[0] = t + u;
    }
    for (int i = 0; i < 8; i++)
        state[i] += s[i];
}

void mrq_sha256_init(mrq_sha256 *sha)
{
    *sha = (mrq_sha256){
        .state = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19},
    };
}

void mrq_sha256_update(mrq_sha256 *sha, const void *data, size_t size)
{
    const unsigned char *bytes = data;
    while (size) {
        const size_t used = sha->size % 64;
        if (used == 0 && size >= 64) {
            sha256_block(sha->state, bytes);
            sha->size += 64;
            bytes += 64;
            size -= 64;
            continue;
        }
        const size_t n = size < 64 - used ? size : 64 - used;
        memcpy(sha->block + used, bytes, n);
        sha->size += n;
        bytes += n;
        size -= n;
        if (sha->size % 64 == 0)
            sha256_block(sha->state, sha->block);
    }
}

void mrq_sha256_hex(mrq_sha256 *sha, char out[MRQ_SHA256_HEX])
{
    const uint64_t bits = htobe64(sha->size * 8);
    static const unsigned char padding[64] = {0x80};
    const size_t used = sha->size % 64;
    mrq_sha256_update(sha, padding, (used < 56 ? 56 : 120) - used);
    mrq_sha256_update(sha, &bits, sizeof bits);
    for (int i = 0; i < 8; i++)
        snprintf(out + (size_t)i * 8, 9, "%08x", sha->state[i]);
}

/* The two halves of the product, combined by XOR. */
static uint64_t mix(uint64_t a, uint64_t b)
{
    __extension__ const unsigned __int128 product = (unsigned __int128)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

#define KEY          0x9e3779b185ebca87u
#define LANES        4
#define STRIPE_BYTES (LANES * 2 * sizeof(uint64_t))
_Static_assert(sizeof((mrq_sum){0}.lane) == LANES * sizeof(uint64_t) && sizeof((mrq_sum){0}.stripe) == STRIPE_BYTES, "as declared");

static void add_stripe(uint64_t lane[LANES], const unsigned char *bytes)
{
    uint64_t word[2 * LANES];
    memcpy(word, bytes, sizeof word);
    for (int i = 0; i < LANES; i++)
        lane[i] = mix(le64toh(word[2 * i]) ^ KEY, le64toh(word[2 * i + 1]) ^ lane[i]);
}

void mrq_sum_init(mrq_sum *sum)
{
    *sum = (mrq_sum){.lane = {0x6a09e667f3bcc909u, 0xbb67ae8584caa73bu, 0x3c6ef372fe94f82bu, 0xa54ff53a5f1d36f1u}};
}

void mrq_sum_update(mrq_sum *sum, const void *data, size_t size)
{
    const unsigned char *bytes = data;
    const size_t used = sum->size % STRIPE_BYTES;
    sum->size += size;
    if (used + size < STRIPE_BYTES) {
        if (size)
            memcpy(sum->stripe + used, bytes, size);
        return;
    }
    uint64_t lane[LANES]; /* kept in registers */
    memcpy(lane, sum->lane, sizeof lane);
    if (used) {
        memcpy(sum->stripe + used, bytes, STRIPE_BYTES - used);
        add_stripe(lane, sum->stripe);
        bytes += STRIPE_BYTES - used;
        size -= STRIPE_BYTES - used;
    }
    for (; size >= STRIPE_BYTES; size -= STRIPE_BYTES, bytes += STRIPE_BYTES)
        add_stripe(lane, bytes);
    memcpy(sum->stripe, bytes, size);
    memcpy(sum->lane, lane, sizeof lane);
}

uint64_t mrq_sum_value(mrq_sum *sum)
{
    const size_t used = sum->size % STRIPE_BYTES;
    memset(sum->stripe + used, 0, STRIPE_BYTES - used);
    add_stripe(sum->lane, sum->stripe);
    uint64_t value = sum->size;
    for (int i = 0; i < LANES; i++)
        value = mix(value ^ KEY, sum->lane[i]);
    return value;
}

uint64_t mrq_checksum(const void *data, size_t size)
{
    mrq_sum sum;
    mrq_sum_init(&sum);
    mrq_sum_update(&sum, data, size);
    return mrq_sum_value(&sum);
}
