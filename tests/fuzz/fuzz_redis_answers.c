/* A cached value, behind the two checksums of its head: up to k rows of the catalogue, each once, with finite scores in order. */
#include "engine/redis_answers.c" /* what reads it is its own */

#include "fuzz/fuzz.h"

enum { ROWS = 12, K = 12 }; /* of the seeds */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint32_t n = 0;
    char *text = fuzz_text(data, size);
    mrq_hit *hits = decode(text, size, ROWS, K, &n);
    FUZZ_CHECK(hits || n == 0);
    for (uint32_t i = 0; i < n; i++) {
        FUZZ_CHECK(n <= K && hits[i].row < ROWS && isfinite(hits[i].score));
        for (uint32_t j = 0; j < i; j++)
            FUZZ_CHECK(hits[i].row != hits[j].row && hits[j].score >= hits[i].score);
    }
    mrq_free(hits);
    free(text);
    return 0;
}
