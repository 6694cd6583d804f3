/* Digests of bytes: SHA-256 to name things, a fast checksum to detect damage. */
#ifndef MRQ_BASE_DIGEST_H
#define MRQ_BASE_DIGEST_H

#include <stddef.h>
#include <stdint.h>

#define MRQ_SHA256_HEX 65 /* 64 hexadecimal digits and a NUL */

typedef struct mrq_sha256 {
    uint32_t state[8];
    uint64_t size;
    unsigned char block[64];
} mrq_sha256;

/* FIPS 180-4. Init, any number of updates, then the digest in hexadecimal. */
void mrq_sha256_init(mrq_sha256 *sha);
void mrq_sha256_update(mrq_sha256 *sha, const void *data, size_t size);
void mrq_sha256_hex(mrq_sha256 *sha, char out[MRQ_SHA256_HEX]);

/* A 64-bit checksum at memory speed. Misses damage with a probability of about 2^-64; no protection against an attacker. Reads
 * words little-endian, so the result is the same on every machine. */
uint64_t mrq_checksum(const void *data, size_t size);

/* The same for bytes that come in pieces: init, any number of updates, then the value, once. */
typedef struct mrq_sum {
    uint64_t lane[4], size;
    unsigned char stripe[64]; /* started, not full */
} mrq_sum;
void mrq_sum_init(mrq_sum *sum);
void mrq_sum_update(mrq_sum *sum, const void *data, size_t size);
uint64_t mrq_sum_value(mrq_sum *sum);

#endif
