/* What the fuzz targets of the .mrq files share. Almost every change of such a file is found by its checksum, so each input is
 * tried twice: as it is, and with a header that vouches for the rest. */
#ifndef MRQ_TESTS_FUZZ_CONTAINER_H
#define MRQ_TESTS_FUZZ_CONTAINER_H

#include "base/container.h"
#include "base/digest.h"
#include "fuzz/table.h"

/* A file of tests/fixtures; the tests and tools/fuzz run where it is found. */
static inline const char *fuzz_fixture(const char *name)
{
    static char path[4096];
    const char *source = getenv("MRQ_SOURCE");
    snprintf(path, sizeof path, "%s/tests/fixtures/%s", source ? source : ".", name);
    return path;
}

/* The file as it is, and as if its writer had meant it so: magic, byte order, format, size and checksum are right; kind and version
 * are left, because the seeds have them. */
static inline void fuzz_container(const uint8_t *data, size_t size, void (*target)(const char *path))
{
    static const uint32_t order = 0x01020304, format = 1;
    target(fuzz_file(0, data, size));
    if (size < MRQ_ALIGN)
        return;
    uint8_t *mended = malloc(size);
    FUZZ_CHECK(mended);
    const uint64_t bytes = size, zero = 0;
    memcpy(mended, data, size);
    memcpy(mended, "MARQUEE\n", 8);
    memcpy(mended + 20, &order, sizeof order);
    memcpy(mended + 28, &format, sizeof format);
    memcpy(mended + 32, &bytes, sizeof bytes);
    memcpy(mended + 40, &zero, sizeof zero);
    const uint64_t checksum = mrq_checksum(mended, size);
    memcpy(mended + 40, &checksum, sizeof checksum);
    target(fuzz_file(0, mended, size));
    free(mended);
}

static inline void fuzz_check_finite(const float *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        FUZZ_CHECK(isfinite(x[i]));
}

#endif
