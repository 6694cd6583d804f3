/* What the fuzz targets share. A target is one fuzz_TARGET.c: it takes any bytes, hands them to the function that reads them
 * from outside, and aborts when the answer is not one of those that the function's contract allows. */
#ifndef MRQ_TESTS_FUZZ_H
#define MRQ_TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/utf8.h"

/* The target. Returns 0 always. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* An assertion that NDEBUG leaves in. */
#define FUZZ_CHECK(condition)                                                                                                      \
    do {                                                                                                                           \
        if (!(condition)) {                                                                                                        \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);                                                \
            abort();                                                                                                               \
        }                                                                                                                          \
    } while (0)

#define FUZZ_ALLOW(status) (1u << (status))

static inline void fuzz_check_text(const char *text)
{
    uint32_t code;
    for (size_t left = strlen(text), n; left; text += n, left -= n)
        FUZZ_CHECK((n = mrq_utf8_read(text, left, &code)) > 0);
}

/* The call went well, or was refused with one of the allowed statuses and a sentence a person can read. `err` was zero before. */
static inline void fuzz_check_status(mrq_status status, const mrq_error *err, unsigned allowed)
{
    if (status == MRQ_OK)
        return;
    if (!(allowed >> status & 1)) {
        fprintf(stderr, "status %d: %s\n", (int)status, err->msg);
        abort();
    }
    FUZZ_CHECK(err->status == status);
    FUZZ_CHECK(strlen(err->msg) >= 3 && strlen(err->msg) < sizeof err->msg);
    fuzz_check_text(err->msg);
}

/* Outputs are written on success only: fills one before a call that may be refused, and checks afterwards that it is as it was. */
static inline void fuzz_mark(void *out, size_t size)
{
    memset(out, 0xa5, size);
}

static inline void fuzz_check_untouched(const void *out, size_t size)
{
    for (size_t i = 0; i < size; i++)
        FUZZ_CHECK(((const unsigned char *)out)[i] == 0xa5);
}

/* Parts of an input that stands for several files or texts: the next one, up to the line "#----" or the end, and where the one
 * behind it starts. NULL and size 0 when there is none left. */
static inline const char *fuzz_part(const uint8_t *data, size_t size, size_t *at, size_t *part_size)
{
    static const char mark[] = "#----\n";
    *part_size = 0;
    if (*at > size)
        return NULL;
    const char *part = (const char *)data + *at;
    const char *end = memmem(part, size - *at, mark, sizeof mark - 1);
    *part_size = end ? (size_t)(end - part) : size - *at;
    *at += end ? *part_size + sizeof mark - 1 : size - *at + 1;
    return part;
}

#define FUZZ_FILES     8
#define FUZZ_FILE_BASE 200 /* their descriptors: fixed, so that a description of a data set can name its files */

/* The bytes as file number `which` < FUZZ_FILES, in memory; valid until the next call with this number. The folder of all is
 * "/proc/self/fd", the name "200" and so on. */
static inline const char *fuzz_file(int which, const void *data, size_t size)
{
    static char path[FUZZ_FILES][32];
    FUZZ_CHECK(which >= 0 && which < FUZZ_FILES);
    const int want = FUZZ_FILE_BASE + which;
    if (!*path[which]) {
        const int fd = memfd_create("fuzz", 0);
        FUZZ_CHECK(fd >= 0 && dup2(fd, want) == want);
        close(fd);
        snprintf(path[which], sizeof path[which], "/proc/self/fd/%d", want);
    }
    FUZZ_CHECK(ftruncate(want, 0) == 0 && pwrite(want, data, size, 0) == (ssize_t)size);
    return path[which];
}

/* The bytes as a text on the heap, so that a read behind it is noticed; a NUL within ends it early. Freed with free(). */
static inline char *fuzz_text(const void *data, size_t size)
{
    char *text = malloc(size + 1);
    FUZZ_CHECK(text);
    if (size)
        memcpy(text, data, size);
    text[size] = '\0';
    return text;
}

#endif
