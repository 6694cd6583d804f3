/* Whole outputs, compared with a file in tests/expected. With MRQ_RENEW in the environment the file is written instead: look at
 * what has changed before you keep it. */
#ifndef MRQ_TESTS_EXPECTED_H
#define MRQ_TESTS_EXPECTED_H

#include "unit/testing.h"

static inline void assert_expected(const char *text, size_t size, const char *name)
{
    char path[4096];
    const char *source = getenv("MRQ_SOURCE");
    size_t want_size;
    snprintf(path, sizeof path, "%s/tests/expected/%s", source ? source : ".", name);
    if (getenv("MRQ_RENEW"))
        write_bytes(path, text, size);
    MRQ_AUTOFREE char *want = (char *)read_bytes(path, &want_size);
    int line = 1;
    const char *begins = text;
    for (size_t i = 0; i < size && i < want_size && text[i] == want[i]; i++)
        if (text[i] == '\n') {
            line++;
            begins = text + i + 1;
        }
    if (size != want_size || memcmp(text, want, size) != 0)
        fail_msg("%s:%d: is now: %.*s", path, line, (int)strcspn(begins, "\n"), begins);
}

#endif
