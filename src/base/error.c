#include "base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/utf8.h"

/* Like vsnprintf(), but a text that is too long is cut in the middle, where a long path usually is, and keeps its beginning and
 * end. */
static void say(char *out, size_t size, const char *format, va_list args) __attribute__((format(printf, 3, 0)));
static void say(char *out, size_t size, const char *format, va_list args)
{
    static const char gap[] = "...";
    va_list again;
    va_copy(again, args);
    const int n = vsnprintf(out, size, format, args);
    MRQ_AUTOFREE char *whole = n >= (int)size ? malloc((size_t)n + 1) : NULL;
    if (whole) {
        const size_t tail = size / 3;
        vsnprintf(whole, (size_t)n + 1, format, again);
        memcpy(out + size - tail - sizeof gap + 1, gap, sizeof gap - 1);
        memcpy(out + size - tail, whole + n + 1 - tail, tail);
    }
    va_end(again);
}

mrq_status mrq_fail(mrq_error *err, mrq_status status, const char *format, ...)
{
    if (err) {
        va_list args;
        va_start(args, format);
        err->status = status;
        say(err->msg, sizeof err->msg, format, args);
        va_end(args);
        mrq_utf8_clean(err->msg);
    }
    return status;
}

mrq_status mrq_fail_errno(mrq_error *err, const char *format, ...)
{
    const int code = errno;
    const mrq_status status = code == ENOENT || code == ENOTDIR ? MRQ_NOT_FOUND : MRQ_FAILED;
    if (err) {
        char what[400];
        va_list args;
        va_start(args, format);
        say(what, sizeof what, format, args);
        va_end(args);
        return mrq_fail(err, status, "%s: %s", what, strerror(code));
    }
    return status;
}

mrq_status mrq_fail_memory(mrq_error *err, const char *what)
{
    return mrq_fail(err, MRQ_FAILED, "out of memory while %s", what);
}

mrq_status mrq_argument_check(const void *argument, const char *name, mrq_error *err)
{
    return argument ? MRQ_OK : mrq_fail(err, MRQ_USAGE, "%s is NULL", name);
}
