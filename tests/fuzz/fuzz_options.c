/* A command line, an argument a line: what is taken is within the ranges of the table, and what is refused names itself. */
#include <math.h>

#include "base/option.h"
#include "fuzz/fuzz.h"

enum { ARGUMENTS = 32 };

static void check(int argc, char **argv)
{
    bool flag = false, done = false;
    const char *text = NULL;
    int64_t whole = -1, any = 5;
    double real = 0.5;
    mrq_texts list = {0};
    const mrq_option options[] = {
        {"flag", 'f', MRQ_OPT_FLAG, &flag, 0, 0, NULL, "a flag"},
        {"text", 't', MRQ_OPT_TEXT, &text, 0, 0, "TEXT", "a text"},
        {"whole", 'w', MRQ_OPT_INT, &whole, 0, 0x1p63, "N", "a whole number"},
        {"within", 0, MRQ_OPT_INT, &any, 1, 1000, "N", "a small number"},
        {"real", 'r', MRQ_OPT_REAL, &real, 0, 1, "X", "a real number"},
        {"list", 'l', MRQ_OPT_LIST, &list, 0, 0, "TEXT", "texts"},
        {0},
    };
    const mrq_command command = {"marquee fuzz", "[option...] ARGUMENT", "About.", options, 0, 2, NULL};
    int first = -1;
    mrq_error err = {0};
    const mrq_status status = mrq_options_read(&command, argc, argv, &first, &done, &err);
    fuzz_check_status(status, &err, FUZZ_ALLOW(MRQ_USAGE));
    FUZZ_CHECK(whole >= -1 && any >= 1 && any <= 1000 && real >= 0 && real <= 1 && list.n <= MRQ_TEXTS_MAX);
    FUZZ_CHECK(!text || *text);
    FUZZ_CHECK((first >= 0) == (status == MRQ_OK && !done));
    FUZZ_CHECK(first < 0 || (first >= 1 && argc - first <= 2));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char name[] = "marquee";
    static int silent;
    if (!silent++) /* --help goes to stdout */
        FUZZ_CHECK(freopen("/dev/null", "w", stdout));
    char *text = fuzz_text(data, size), *argv[ARGUMENTS + 1] = {name};
    int argc = 1;
    for (char *line = text, *end; line && argc < ARGUMENTS; line = end ? end + 1 : NULL) {
        if ((end = strchr(line, '\n')))
            *end = '\0';
        if (end || *line)
            argv[argc++] = line;
    }
    check(argc, argv);
    free(text);
    return 0;
}
