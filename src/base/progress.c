#include "base/progress.h"

#include <stdarg.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/clock.h"

void mrq_progress_start(mrq_progress *progress, const char *label, uint64_t total)
{
    *progress = (mrq_progress){.on = isatty(STDERR_FILENO), .start = mrq_clock(), .total = total, .label = label};
}

void mrq_progress_step(mrq_progress *progress, uint64_t done, const char *note, ...)
{
    if (!progress->on)
        return;
    const double now = mrq_clock();
    if (now < progress->next)
        return;
    progress->next = now + 0.1;
    char text[80];
    va_list args;
    va_start(args, note);
    vsnprintf(text, sizeof text, note, args);
    va_end(args);
    const double share = done < progress->total ? (double)done / (double)progress->total : progress->total > 0;
    static const char hashes[] = "########################", dots[] = "........................";
    const int full = (int)(share * (double)(sizeof dots - 1));
    char line[200], rest[40] = "";
    if (share > 0.001) {
        const long left = (long)((now - progress->start) / share * (1 - share) + 0.5);
        snprintf(rest, sizeof rest, "  %ld:%02ld left", left / 60, left % 60);
    }
    snprintf(line, sizeof line, "%s [%.*s%s] %3.0f%% %s%s", progress->label, full, hashes, dots + full, 100 * share, text, rest);
    struct winsize window;
    const bool known = ioctl(STDERR_FILENO, TIOCGWINSZ, &window) == 0 && window.ws_col; /* a longer line would wrap and could
                                                                                           not be erased */
    fprintf(stderr, "\r%.*s\033[K", known ? window.ws_col - 1 : 79, line);
    fflush(stderr);
}

void mrq_progress_end(mrq_progress *progress)
{
    if (progress->on)
        fputs("\r\033[K", stderr);
    progress->on = false;
}
