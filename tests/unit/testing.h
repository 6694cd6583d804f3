/* What every unit test needs: cmocka, checks of a status with its sentence, a temporary folder. */
#ifndef MRQ_TESTS_TESTING_H
#define MRQ_TESTS_TESTING_H

#include <dirent.h>
#include <fcntl.h>
#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/digest.h"
#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"

static bool one_is_skipped; /* of the program's tests */

/* Skips the running test and says why, in the words that tools/check looks for. */
static inline void skip_test(const char *why)
{
    one_is_skipped = true;
    print_message("skipped: %s\n", why);
    skip();
}
#undef skip /* which would not say why */

/* What a program ends with. It has one result for all its tests: where one was skipped it is 77, or the skip would not be seen; a
 * number of failed tests would mean something else when it is 77 or 256. */
static inline int exit_code(int failed)
{
    return failed ? 1 : one_is_skipped ? 77 : 0;
}

#undef cmocka_run_group_tests
#define cmocka_run_group_tests(tests, set_up, tear_down)                                                                           \
    exit_code(_cmocka_run_group_tests(#tests, tests, sizeof(tests) / sizeof((tests)[0]), set_up, tear_down))

/* The call succeeds; if it does not, its sentence is shown. `err` is the mrq_error that the call fills. */
#define assert_ok(call)                                                                                                            \
    do {                                                                                                                           \
        err = (mrq_error){0};                                                                                                      \
        if ((call) != MRQ_OK)                                                                                                      \
            fail_msg("%s: %s", #call, err.msg);                                                                                    \
    } while (0)

/* A line in the file $MRQ_TALLY, if there is one, for each thing that is refused in a run of the tests. */
static inline void tally_refusal(void)
{
    const char *path = getenv("MRQ_TALLY");
    const int fd = path ? open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644) : -1;
    if (fd >= 0 && write(fd, "refused\n", 8) != 8)
        print_message("cannot write %s\n", path);
    if (fd >= 0)
        close(fd);
}

/* The call fails with this status and a sentence that contains `text`. */
#define assert_fails(call, want, text)                                                                                             \
    do {                                                                                                                           \
        err = (mrq_error){0};                                                                                                      \
        const mrq_status got = (call);                                                                                             \
        if (got != (want) || err.status != (want) || !strstr(err.msg, text))                                                       \
            fail_msg("%s: got %d, want %d; \"%s\", want \"%s\"", #call, (int)got, (int)(want), err.msg, text);                     \
        tally_refusal();                                                                                                           \
    } while (0)

/* A fresh folder under $TMPDIR or /tmp, removed with temporary_remove(). */
static inline char *temporary_folder(void)
{
    const char *base = getenv("TMPDIR");
    static char path[128];
    snprintf(path, sizeof path, "%.80s/marquee-test-XXXXXX", base ? base : "/tmp");
    if (!mkdtemp(path)) {
        perror("mkdtemp");
        exit(1);
    }
    return path;
}

static inline void temporary_remove(const char *path)
{
    char command[4200];
    snprintf(command, sizeof command, "rm -rf '%s'", path);
    if (system(command) != 0)
        perror("rm");
}

/* Sets a locale that writes 0,5 and whose small I is no i; setlocale(LC_ALL, "C") ends it. It is made in `folder`. */
static inline void turkish_locale(const char *folder)
{
    char command[4200];
    snprintf(command, sizeof command, "localedef -f UTF-8 -i tr_TR --no-archive '%s/tr_TR.UTF-8'", folder);
    if (system(command) != 0 || setenv("LOCPATH", folder, 1) != 0 || !setlocale(LC_ALL, "tr_TR.UTF-8"))
        skip_test("the locale tr_TR cannot be made; it wants Debian's package locales");
}

/* The whole of a file, and a NUL behind it; freed with mrq_free(). */
static inline unsigned char *read_bytes(const char *path, size_t *size)
{
    mrq_map map;
    assert_int_equal(mrq_map_open(&map, path, NULL), MRQ_OK);
    unsigned char *bytes = mrq_array(map.size + 1, 1);
    assert_non_null(bytes);
    memcpy(bytes, map.data, map.size);
    *size = map.size;
    mrq_map_close(&map);
    return bytes;
}

static inline void write_bytes(const char *path, const void *bytes, size_t size)
{
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, size, f), size);
    assert_int_equal(fclose(f), 0);
}

/* Makes the checksum of a container right that was changed, as a hostile writer would. */
static inline void make_checksum(unsigned char *bytes, size_t size)
{
    enum { CHECKSUM = 40 }; /* its place in the header, base/container.h */
    memset(bytes + CHECKSUM, 0, sizeof(uint64_t));
    const uint64_t sum = mrq_checksum(bytes, size);
    memcpy(bytes + CHECKSUM, &sum, sizeof sum);
}

/* Entries of a folder. */
static inline int count_entries(const char *path)
{
    DIR *stream = opendir(path);
    assert_non_null(stream);
    int n = 0;
    for (const struct dirent *entry; (entry = readdir(stream));)
        n += entry->d_name[0] != '.';
    closedir(stream);
    return n;
}

static inline int threads_of_process(void)
{
    return count_entries("/proc/self/task");
}

/* There are so many; the system lists a thread for a moment after it was joined. */
static inline void assert_threads(int want)
{
    for (int ms = 0; threads_of_process() != want && ms < 5000; ms++)
        usleep(1000);
    assert_int_equal(threads_of_process(), want);
}

static inline int descriptors_of_process(void)
{
    return count_entries("/proc/self/fd") - 1; /* its own */
}

/* How often `what` stands in a text. */
static inline uint32_t count_text(const char *text, const char *what)
{
    uint32_t n = 0;
    for (; (text = strstr(text, what)); text += strlen(what))
        n++;
    return n;
}

/* Lets the process have `more` bytes of memory of its own beyond what it has, apart from maps of files; returns the limit that was
 * there, to be set again with setrlimit(RLIMIT_DATA). What malloc() has kept comes on top, unless large blocks have been maps of
 * their own from the start, by mallopt(M_MMAP_THRESHOLD). */
static inline struct rlimit limit_memory(size_t more)
{
    size_t kilobytes = 0;
    char line[100];
    FILE *f = fopen("/proc/self/status", "r");
    assert_non_null(f);
    while (!kilobytes && fgets(line, sizeof line, f))
        (void)sscanf(line, "VmData: %zu kB", &kilobytes);
    fclose(f);
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_DATA, &limit), 0);
    const struct rlimit less = {1024 * kilobytes + more, limit.rlim_max};
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    (void)less;
    print_message("memory is not limited with a sanitizer, which has its own and keeps what is freed\n");
#else
    assert_int_equal(setrlimit(RLIMIT_DATA, &less), 0);
#endif
    return limit;
}

/* Changes one bit in the middle of a file; done twice, nothing has changed. */
static inline void damage_file(const char *path)
{
    size_t size;
    MRQ_AUTOFREE unsigned char *bytes = read_bytes(path, &size);
    bytes[size / 2] ^= 16;
    write_bytes(path, bytes, size);
}

#endif
