#include "base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"

mrq_status mrq_fail(mrq_error *err, mrq_status status, const char *format, ...)
{
    if (err) {
        va_list args;
        va_start(args, format);
        err->status = status;
        vsnprintf(err->msg, sizeof err->msg, format, args);
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
        vsnprintf(what, sizeof what, format, args);
        va_end(args);
        return mrq_fail(err, status, "%s: %s", what, strerror(code));
    }
    return status;
}

mrq_status mrq_fail_memory(mrq_error *err, const char *what)
{
    return mrq_fail(err, MRQ_FAILED, "out of memory while %s", what);
}
