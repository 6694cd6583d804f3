/* Numbers: what is taken is what a grammar and a wider arithmetic take, and prints back to itself. */
#include <float.h>
#include <math.h>
#include <regex.h>

#include "base/parse.h"
#include "fuzz/fuzz.h"

/* `regex` is compiled the first time. */
static bool matches(regex_t *regex, const char *pattern, const char *text)
{
    if (!regex->re_nsub)
        FUZZ_CHECK(regcomp(regex, pattern, REG_EXTENDED) == 0 && regex->re_nsub);
    return regexec(regex, text, 0, NULL, 0) == 0;
}

static void check_int(const uint8_t *data, size_t size, const char *text, int64_t min, int64_t max)
{
    static regex_t regex;
    int64_t value = 4711, again;
    const bool taken = mrq_parse_int((const char *)data, size, min, max, &value);
    __extension__ __int128 wide = 0;
    bool fits = strlen(text) == size && matches(&regex, "^-?([0-9]+)$", text);
    for (const char *p = text + (*text == '-'); fits && *p; p++) {
        wide = wide * 10 + (*p - '0');
        fits = wide <= (__extension__(__int128) 1 << 64);
    }
    wide = *text == '-' ? -wide : wide;
    FUZZ_CHECK(taken == (fits && wide >= min && wide <= max));
    FUZZ_CHECK(value == (taken ? (int64_t)wide : 4711));
    if (!taken)
        return;
    char printed[32];
    const int length = snprintf(printed, sizeof printed, "%lld", (long long)value);
    FUZZ_CHECK(mrq_parse_int(printed, (size_t)length, min, max, &again) && again == value);
}

static void check_real(const uint8_t *data, size_t size, const char *text, double min, double max)
{
    static regex_t regex;
    double value = 4711.5, again;
    const bool taken = mrq_parse_real((const char *)data, size, min, max, &value);
    const bool shape =
        strlen(text) == size && size < 64 && matches(&regex, "^-?([0-9]+\\.?[0-9]*|\\.[0-9]+)([eE][-+]?[0-9]+)?$", text);
    const double want = shape ? strtod(text, NULL) : NAN;
    FUZZ_CHECK(taken == (want >= min && want <= max && isfinite(want)));
    FUZZ_CHECK(taken ? value == want : value == 4711.5);
    if (!taken)
        return;
    char printed[32];
    const int length = snprintf(printed, sizeof printed, "%.17g", value);
    FUZZ_CHECK(mrq_parse_real(printed, (size_t)length, min, max, &again) && again == value);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = fuzz_text(data, size);
    check_int(data, size, text, INT64_MIN, INT64_MAX);
    check_int(data, size, text, 0, 1000);
    check_real(data, size, text, -DBL_MAX, DBL_MAX);
    check_real(data, size, text, 0.5, 5);
    free(text);
    return 0;
}
