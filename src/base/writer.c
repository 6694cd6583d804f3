/* Texts are built completely in memory and then written at once, so that readers never see half a file. (open_memstream() is not
 * used: glibc's silently loses text when memory runs out.) Numbers are printed in the C locale, set for this thread only, whatever
 * the surrounding program has set. */
#include "base/writer.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/utf8.h"

void mrq_writer_open(mrq_writer *writer)
{
    *writer = (mrq_writer){.before = uselocale(mrq_c_locale())};
}

void mrq_writer_close(mrq_writer *writer)
{
    if (writer->before)
        uselocale(writer->before);
    mrq_free(writer->data);
    *writer = (mrq_writer){0};
}

void mrq_writer_put(mrq_writer *writer, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    const int n = vsnprintf(NULL, 0, format, args);
    writer->failed |= n < 0 || mrq_grow(&writer->data, &writer->capacity, writer->size + (size_t)n + 1, 1) != 0;
    if (!writer->failed) {
        vsnprintf(writer->data + writer->size, (size_t)n + 1, format, again);
        writer->size += (size_t)n;
    }
    va_end(again);
    va_end(args);
}

void mrq_writer_escape(mrq_writer *writer, const char *value, size_t most)
{
    uint32_t code;
    for (size_t n; *value; value += n) {
        if (most-- == 0) {
            mrq_writer_put(writer, "...");
            return;
        }
        n = mrq_utf8_read(value, strlen(value), &code);
        if (n == 0 || code < 0x20 || (code & 0xfffe) == 0xfffe) {
            n = n ? n : 1;
            mrq_writer_put(writer, "?");
        } else if (strchr("&<>\"'", *value)) {
            mrq_writer_put(writer, "&#%d;", *value);
        } else {
            mrq_writer_put(writer, "%.*s", (int)n, value);
        }
    }
}

mrq_status mrq_writer_save(const mrq_writer *writer, const char *path, mrq_error *err)
{
    return writer->failed ? mrq_fail_memory(err, "writing a text") : mrq_file_write(path, writer->data, writer->size, err);
}
